//! How fast a peer may send what: a bucket for each kind of record, and the grant that follows from all of them.
//!
//! A log is in order, so what is over a rate is neither skipped nor refused: it is not asked for. The peer keeps it, signed
//! for, until the grant reaches it. What must not wait behind it goes ahead (see `ahead`).
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Body, Kind, Precedence, ReceiptLevel, Record};
use units::{Mono, Now};

use crate::state::SILENCE_MS;

/// Entries granted beyond those held, at most: on a path of 100 ms there and back 10,000 entries a second.
pub const WINDOW: u64 = 1024;
/// A batch of tracks whose newest report is older than this, of an outage made up for, costs a hundredth: the picture refuses
/// what is so old before it computes anything. 48 h at one batch a second are 172,800 entries, 1,728 of the 2,400 that a full
/// bucket has. The picture's own bound is this constant, so what is cheap here is cheap there.
pub const OLD_MS: i64 = 120_000;

/// What has a bucket of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Lane {
    /// Records of a kind.
    #[n(0)]
    Kind(#[n(0)] Kind),
    /// Entries that are refused.
    #[n(1)]
    Unreadable,
    /// Records sent ahead of their turn.
    #[n(2)]
    Urgent,
}

impl Lane {
    /// All lanes.
    pub fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.into_iter().map(Self::Kind).chain([Self::Unreadable, Self::Urgent])
    }

    /// The word in the API, in alerts and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.name(),
            Self::Unreadable => "unreadable",
            Self::Urgent => "urgent",
        }
    }

    /// The rate if the pact names none. Each is several times what an honest party needs, and small beside what a node can fold.
    #[must_use]
    pub const fn default_rate(self) -> Rate {
        let (per_minute, burst) = match self {
            // 40 batches of at most 800 rows a second: 32,000 aircraft every second.
            Self::Kind(Kind::Tracks) => (2_400, 2_400),
            // All plans or sites of a party are told anew when rules change: 2,000 at once, 20,000 in half an hour.
            Self::Kind(Kind::Plan | Kind::Site) => (600, 2_000),
            Self::Kind(Kind::Withdrawn) => (1_200, 4_000),
            // Two a second are more than a desk of four can read; 600 is a day of a busy one, after an outage.
            Self::Kind(Kind::Notice | Kind::Avoid | Kind::Channel | Kind::Desk) | Self::Unreadable => (120, 600),
            // Two receipts a notice, and a person's answers; a conflict report for each alert raised.
            Self::Kind(_) => (600, 1_000),
            // A person sends each of these, and each alarms: one a second, and 60 in the first moment.
            Self::Urgent => (60, 60),
        };
        Rate { per_minute, burst }
    }

    /// The lane of a record in its turn.
    #[must_use]
    pub const fn of(record: &Record) -> Self {
        Self::Kind(record.body.kind())
    }
}

/// Whether a record goes ahead of what waits before it: a FLASH or IMMEDIATE notice or avoid area, and a person's answer.
#[must_use]
pub fn is_urgent(record: &Record) -> bool {
    let by_person = match &record.body {
        Body::Notice(_) | Body::Avoid(_) => true,
        Body::Receipt(receipt) => receipt.level >= ReceiptLevel::Acknowledged,
        _ => false,
    };
    by_person && record.precedence >= Precedence::Immediate
}

/// How many in the long run, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Rate {
    /// Records a minute: at least 6, so that one comes before a session is taken to be silent.
    #[n(0)]
    pub per_minute: u32,
    /// Records at once.
    #[n(1)]
    pub burst: u32,
}

/// Rates that differ from the defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Limits {
    #[n(0)]
    rates: BTreeMap<Lane, Rate>,
}

impl Limits {
    /// Sets the rate of a lane, within bounds that keep a session alive: 6 a minute, a burst of 64.
    #[must_use]
    pub fn with(mut self, lane: Lane, rate: Rate) -> Self {
        let rate = Rate { per_minute: rate.per_minute.max(6), burst: rate.burst.max(64) };
        self.rates.insert(lane, rate);
        self
    }

    /// One rate for everything: for measurements.
    #[must_use]
    pub fn all(rate: Rate) -> Self {
        Lane::all().fold(Self::default(), |limits, lane| limits.with(lane, rate))
    }

    /// The rate of a lane.
    #[must_use]
    pub fn rate(&self, lane: Lane) -> Rate {
        self.rates.get(&lane).copied().unwrap_or_else(|| lane.default_rate())
    }
}

/// A record, in the unit of a bucket: a rate of one a minute gives one unit a millisecond.
const ONE: u64 = 60_000;

/// What is left in each bucket; one that is full is left out.
///
/// Not part of a session: who comes back has no more than who stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Buckets {
    #[n(0)]
    left: BTreeMap<Lane, (u64, Mono)>,
}

impl Buckets {
    /// Takes the price of a record; false, and takes nothing, if there is not enough.
    pub(crate) fn take(&mut self, lane: Lane, limits: &Limits, old: bool, now: Mono) -> bool {
        let price = if old { ONE / 100 } else { ONE };
        let left = self.left(lane, limits, now);
        let enough = left >= price;
        if enough {
            self.left.insert(lane, (left - price, now));
        }
        enough
    }

    /// Whether a record of this lane would have to wait.
    pub(crate) fn is_short(&self, lane: Lane, limits: &Limits, now: Mono) -> bool {
        self.left(lane, limits, now) < ONE
    }

    /// How many records of whatever kind may come now.
    pub(crate) fn allowance(&self, limits: &Limits, now: Mono) -> u64 {
        let in_turn = Lane::all().filter(|lane| *lane != Lane::Urgent);
        in_turn.map(|lane| self.left(lane, limits, now) / ONE).fold(WINDOW, u64::min)
    }

    /// The lanes that were left with nothing by the last record, unless that was long ago.
    pub(crate) fn short(&self, now: Mono) -> Vec<Lane> {
        let emptied = |(left, at): &(u64, Mono)| *left < ONE && now.since_ms(*at) < SILENCE_MS;
        self.left.iter().filter(|(_, level)| emptied(level)).map(|(lane, _)| *lane).collect()
    }

    fn left(&self, lane: Lane, limits: &Limits, now: Mono) -> u64 {
        let rate = limits.rate(lane);
        let full = u64::from(rate.burst) * ONE;
        self.left.get(&lane).map_or(full, |(left, at)| {
            let earned = now.since_ms(*at).saturating_mul(u64::from(rate.per_minute));
            left.saturating_add(earned).min(full)
        })
    }
}

/// Whether a record is one of those that cost little. Its time of issue is the peer's word alone, and nothing looks at it.
pub(crate) fn is_old(record: &Record, now: Now) -> bool {
    let Body::Tracks(batch) = &record.body else { return false };
    batch.newest().is_some_and(|at| now.utc.since_ms(at) > OLD_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: Lane = Lane::Kind(Kind::Notice);

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let (limits, mut buckets) = (Limits::default(), Buckets::default());
        let rate = limits.rate(NOTICE);
        let burst = (0..10_000).filter(|_| buckets.take(NOTICE, &limits, false, Mono(5))).count();
        assert_eq!(burst, rate.burst as usize);
        assert!(buckets.is_short(NOTICE, &limits, Mono(5)) && buckets.short(Mono(5)) == [NOTICE]);
        assert_eq!(buckets.allowance(&limits, Mono(5)), 0, "the least of all decides");
        let mut taken = 0;
        for ms in 0..60_000 {
            taken += u32::from(buckets.take(NOTICE, &limits, false, Mono(6 + ms)));
        }
        assert_eq!(taken, rate.per_minute);
        assert!(!buckets.is_short(NOTICE, &limits, Mono(u64::MAX)), "full again, and no more than full");
        assert_eq!(buckets.allowance(&limits, Mono(u64::MAX)), 600);
    }

    #[test]
    fn every_lane_lets_one_through_before_silence_and_a_window_at_once() {
        let low = Limits::all(Rate { per_minute: 0, burst: 0 });
        for lane in Lane::all() {
            for limits in [&Limits::default(), &low] {
                let rate = limits.rate(lane);
                assert!(60_000 / u64::from(rate.per_minute) < crate::SILENCE_MS, "{}", lane.name());
                assert!(rate.burst >= 60);
            }
        }
    }
}
