//! What one peer may cost before anything of it is judged: sessions begun, and bytes that go into the journal.
//!
//! Every frame is journaled before it is folded, so the fold's own limits come too late for the disk. These belong to the
//! peer, not to a session or connection: who comes back has no more than who stays. A frame that is over a rate is not
//! refused but read later, which the peer feels as a full window.
use link::FrameKind;
use record::PartyId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// How much in the long run, a second, and at once.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rate {
    per_s: f64,
    burst: f64,
}

/// Sessions of a peer that dials: an honest one waits 5 to 10 s after some tries (S-3). 32 are a morning's restarts.
const SESSIONS: Rate = Rate { per_s: 0.2, burst: 32.0 };
/// Bytes of frames with entries. They were granted, so rates of the pact hold for them: 40 batches of tracks a second, 64 KiB
/// each at the most, are 2.6 MB/s. An outage of 24 h of 500 aircraft (50 bytes each a second, 2.2 GB) is made up for
/// as fast as the path allows.
const ENTRIES: Rate = Rate { per_s: 4.0 * MIB, burst: 2048.0 * MIB };
/// Bytes of all other frames. An honest peer sends at most 10 checkpoints and 10 cosignatures a second (45 kB), checkpoints of
/// others (393,216 bytes in 5 s: 79 kB/s), one urgent entry a second (64 KiB) and little else: 190 kB/s. 256 KiB/s are 23 GB
/// a day.
const OTHERS: Rate = Rate { per_s: 0.25 * MIB, burst: 4.0 * MIB };
const MIB: f64 = 1_048_576.0;
/// That a peer is slowed is logged once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// The allowances of all peers. Only parties of the pacts get here.
#[derive(Debug, Default)]
pub struct Intake {
    peers: Mutex<BTreeMap<PartyId, Peer>>,
}

#[derive(Debug, Default)]
struct Peer {
    sessions: Bucket,
    entries: Bucket,
    others: Bucket,
    told: Option<Instant>,
}

/// What was used of a burst and is not earned back yet.
#[derive(Debug, Default)]
struct Bucket(Option<(f64, Instant)>);

impl Bucket {
    fn used(&self, rate: Rate, now: Instant) -> f64 {
        self.0.map_or(0.0, |(used, at)| (used - now.saturating_duration_since(at).as_secs_f64() * rate.per_s).max(0.0))
    }

    /// Takes as much, if there is that much.
    fn take(&mut self, rate: Rate, price: f64, now: Instant) -> bool {
        let used = self.used(rate, now) + price;
        let enough = used <= rate.burst;
        if enough {
            self.0 = Some((used, now));
        }
        enough
    }

    /// Takes as much in any case; how long until it is earned.
    fn owe(&mut self, rate: Rate, price: f64, now: Instant) -> Duration {
        let used = self.used(rate, now) + price;
        self.0 = Some((used, now));
        Duration::from_secs_f64((used - rate.burst).max(0.0) / rate.per_s)
    }
}

impl Intake {
    /// Whether a peer may begin one more session now.
    //= spec/link.md S-12
    pub fn session(&self, peer: &PartyId, now: Instant) -> bool {
        self.of(peer, |of| of.sessions.take(SESSIONS, 1.0, now))
    }

    /// How long a frame waits before it goes on to the journal.
    //= spec/link.md S-11
    pub fn wait(&self, peer: &PartyId, frame: &[u8], now: Instant) -> Duration {
        let price = frame.len() as f64;
        self.of(peer, |of| {
            let wait = match FrameKind::of(frame) {
                FrameKind::Entries => of.entries.owe(ENTRIES, price, now),
                FrameKind::Checkpoints | FrameKind::Other => of.others.owe(OTHERS, price, now),
            };
            let told = of.told.is_some_and(|at| now.saturating_duration_since(at) < TOLD_EVERY);
            if !wait.is_zero() && !told {
                of.told = Some(now);
                warn!(%peer, "more bytes a second than are taken: frames are read more slowly");
            }
            wait
        })
    }

    fn of<T>(&self, peer: &PartyId, act: impl FnOnce(&mut Peer) -> T) -> T {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        act(peers.entry(peer.clone()).or_default())
    }
}

/// Frames of checkpoints that the fold would pass over for coming too soon; of one session.
#[derive(Debug, Default)]
pub struct Shown(Option<Instant>);

impl Shown {
    /// Whether a frame has to be folded at all.
    //= spec/link.md S-11
    pub fn counts(&mut self, frame: &[u8], now: Instant) -> bool {
        if FrameKind::of(frame) != FrameKind::Checkpoints {
            return true;
        }
        let least = Duration::from_millis(link::SHARED_LEAST_MS);
        let soon = self.0.is_some_and(|at| now.saturating_duration_since(at) < least);
        if !soon {
            self.0 = Some(now);
        }
        !soon
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use link::Frame;

    fn north() -> PartyId {
        PartyId::parse("north").unwrap()
    }

    /// Bytes that got through in so many seconds, of a peer that sends this frame as fast as it is read.
    fn through(intake: &Intake, frame: &[u8], from: Instant, seconds: u64) -> f64 {
        let (mut now, mut bytes) = (from, 0.0);
        loop {
            now += intake.wait(&north(), frame, now);
            if now - from > Duration::from_secs(seconds) {
                return bytes;
            }
            bytes += frame.len() as f64;
        }
    }

    //= spec/link.md S-11
    #[test]
    fn bytes_of_a_peer_are_its_burst_and_then_its_rate_whatever_sessions_they_come_in() {
        let start = Instant::now();
        let note = vec![0x2e; 4096];
        let cases = [
            (Frame::Checkpoints(vec![note; 95]).encode(), OTHERS),
            (Frame::Ahead { index: 0, entry: vec![1; 65_535] }.encode(), OTHERS),
            (vec![0xff; 300_000], OTHERS),
            (Frame::Entries { first: 0, entries: vec![vec![1; 65_535]; 4] }.encode(), ENTRIES),
        ];
        for (frame, rate) in cases {
            let intake = Intake::default();
            let first = through(&intake, &frame, start, 3600);
            let most = rate.burst + 3600.0 * rate.per_s;
            assert!(first <= most && first > most - 2.0 * frame.len() as f64, "{first} of {most}");
            // What it owes is not forgotten, and a quiet time earns it no more than the burst.
            let later = start + Duration::from_secs(3600);
            assert!(through(&intake, &frame, later, 60) <= 60.0 * rate.per_s + frame.len() as f64);
            let quiet = later + Duration::from_secs(86_400);
            assert!(through(&intake, &frame, quiet, 0) <= rate.burst);
            // Another peer, and another kind of frame, is not held up.
            assert_eq!(intake.wait(&PartyId::parse("west").unwrap(), &frame, later), Duration::ZERO);
        }
    }

    //= spec/link.md S-11
    #[test]
    fn an_honest_peer_s_busiest_minute_waits_for_nothing() {
        let (intake, start) = (Intake::default(), Instant::now());
        let checkpoint = Frame::Checkpoint { seq: 0, sent_utc_ms: 0, note: vec![0x2e; 613] }.encode();
        let line = "x".repeat(364);
        let cosignature = Frame::Cosignature { size: 1, recv_utc_ms: 0, line }.encode();
        let shown = Frame::Checkpoints(vec![vec![0x2e; 4096]; 96]).encode();
        let ahead = Frame::Ahead { index: 0, entry: vec![1; 65_535] }.encode();
        let batches = Frame::Entries { first: 0, entries: vec![vec![1; 65_535]; 4] }.encode();
        for tenth in 0..600 {
            let now = start + Duration::from_millis(100 * tenth);
            let mut frames = vec![&checkpoint, &cosignature, &batches];
            if tenth % 10 == 0 {
                frames.push(&ahead);
            }
            if tenth % 50 == 0 {
                frames.push(&shown);
            }
            for frame in frames {
                assert_eq!(intake.wait(&north(), frame, now), Duration::ZERO, "after {tenth} tenths of a second");
            }
        }
    }

    //= spec/link.md S-12
    #[test]
    fn sessions_are_a_burst_and_then_one_in_five_seconds() {
        let (intake, start) = (Intake::default(), Instant::now());
        let begun = |now| (0..1000).filter(|_| intake.session(&north(), now)).count();
        assert_eq!((begun(start), begun(start + Duration::from_secs(4))), (32, 0));
        assert_eq!(begun(start + Duration::from_secs(11)), 2);
        assert_eq!(begun(start + Duration::from_secs(86_400)), 32);
    }

    //= spec/link.md S-11
    #[test]
    fn checkpoints_of_others_that_come_too_soon_are_not_even_journaled() {
        let (mut shown, start) = (Shown::default(), Instant::now());
        let frame = Frame::Checkpoints(vec![vec![0x2e]]).encode();
        let counted = (0..100).filter(|n| shown.counts(&frame, start + Duration::from_millis(100 * n))).count();
        assert_eq!(counted, 4, "at 0, 2.5, 5 and 7.5 s");
        assert!((0..100).all(|_| shown.counts(&Frame::Grant(1).encode(), start)));
    }
}
