//! How far the peer's clock is off, and how late its checkpoints come. Measured and shown; decides nothing.
use alloc::collections::VecDeque;
use minicbor::{Decode, Encode};
use units::Utc;

/// Differences kept: eight checkpoints are 0.8 s of a busy link and 8 s of an idle one.
const SAMPLES_MAX: usize = 8;

/// Watches the differences between the peer's sending times and our times of receipt.
///
/// A difference is the clock's offset less the transit time, so the greatest one belongs to the promptest checkpoint, and
/// how far another falls short of it is by how much that one was late. The offset itself cancels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct ClockWatch {
    /// `sent_utc - received_utc`, ms, newest last.
    #[n(0)]
    samples: VecDeque<i64>,
    /// Shortest round trip of the session, ms.
    #[n(1)]
    round_trip_ms: Option<u64>,
}

impl ClockWatch {
    /// A session begins: its path may be another one.
    pub(crate) fn restart(&mut self) {
        self.round_trip_ms = None;
    }

    /// Takes a checkpoint's times; gives by how many ms it came later than the promptest of the last eight.
    //= spec/link.md L-39
    pub(crate) fn checkpoint(&mut self, sent: Utc, received: Utc) -> u64 {
        let sample = sent.since_ms(received);
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        let promptest = self.samples.iter().copied().max().unwrap_or(sample);
        promptest.saturating_sub(sample).unsigned_abs()
    }

    /// Takes the time from a checkpoint of ours to its cosignature.
    pub(crate) fn round_trip(&mut self, ms: u64) {
        self.round_trip_ms = Some(self.round_trip_ms.map_or(ms, |best| best.min(ms)));
    }

    /// Peer's clock less ours, ms; none before the first checkpoint. Its error is half the round trip, or all of the
    /// transit time while no round trip is known.
    //= spec/link.md L-40
    #[must_use]
    pub fn offset_ms(&self) -> Option<i64> {
        let promptest = self.samples.iter().copied().max()?;
        Some(promptest.saturating_add((self.round_trip_ms.unwrap_or(0) / 2).min(i64::MAX as u64) as i64))
    }

    /// Shortest round trip of this session, ms.
    #[must_use]
    pub fn round_trip_ms(&self) -> Option<u64> {
        self.round_trip_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Peer ahead by `offset`; checkpoints take `transit` ms each.
    fn check(offset: i64, transit: &[i64], round_trip: u64, lateness: &[u64], shown: i64) {
        let mut watch = ClockWatch::default();
        watch.round_trip(round_trip);
        for (i, (transit, late)) in transit.iter().zip(lateness).enumerate() {
            let sent = Utc(1_000_000 + 100 * i as i64);
            assert_eq!(watch.checkpoint(sent.plus_ms(offset), sent.plus_ms(*transit)), *late, "checkpoint {i}");
        }
        assert_eq!(watch.offset_ms(), Some(shown));
    }

    //= spec/link.md L-40
    #[test]
    fn an_offset_of_minutes_is_measured_to_the_half_of_the_round_trip() {
        check(600_000, &[20, 20, 20], 40, &[0, 0, 0], 600_000);
        check(-600_000, &[20, 900, 20], 40, &[0, 880, 0], -600_000);
        check(0, &[5, 35], 40, &[0, 30], 15);
    }

    //= spec/link.md L-39
    #[test]
    fn a_checkpoint_that_waited_behind_a_backlog_is_late_by_that_long() {
        check(0, &[10, 60_000, 30_000, 10], 20, &[0, 59_990, 29_990, 0], 0);
    }

    #[test]
    fn a_clock_that_steps_back_is_known_after_eight_checkpoints() {
        let mut watch = ClockWatch::default();
        watch.checkpoint(Utc(600_000), Utc(0));
        for _ in 0..SAMPLES_MAX {
            watch.checkpoint(Utc(0), Utc(0));
        }
        assert_eq!(watch.offset_ms(), Some(0));
    }

    #[test]
    fn times_at_the_ends_of_the_scale_do_not_overflow() {
        let mut watch = ClockWatch::default();
        watch.round_trip(u64::MAX);
        for (sent, received) in [(i64::MIN, i64::MAX), (i64::MAX, i64::MIN), (0, 0)] {
            watch.checkpoint(Utc(sent), Utc(received));
            assert!(watch.offset_ms().is_some());
        }
    }
}
