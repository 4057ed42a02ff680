//! When a rule holds: between two instants, at some hours of every day, or both. UTC alone decides, so a restart changes
//! nothing, and a day ends at midnight UTC everywhere.
use minicbor::{Decode, Encode};
use units::Utc;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;
/// Minutes of a day.
pub(crate) const DAY_MIN: u16 = 1440;

/// The times at which a rule holds; both conditions, where both are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct When {
    /// Not before; inclusive.
    #[n(0)]
    pub from: Option<Utc>,
    /// Not from then on; exclusive.
    #[n(1)]
    pub until: Option<Utc>,
    /// Only at these hours of each day.
    #[n(2)]
    pub daily: Option<Daily>,
}

/// Hours of a day, UTC, in minutes after midnight; `until` before `from` passes midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Daily {
    /// First minute, inclusive, 0 to 1439.
    #[n(0)]
    pub from_min: u16,
    /// First minute after, 0 to 1439; not equal to `from_min`.
    #[n(1)]
    pub until_min: u16,
}

impl When {
    /// Whether it holds at an instant.
    #[must_use]
    pub fn holds(&self, at: Utc) -> bool {
        self.from.is_none_or(|from| from <= at)
            && self.until.is_none_or(|until| at < until)
            && self.daily.is_none_or(|daily| daily.holds(at))
    }

    /// The first number out of range: name, value, least, most.
    pub(crate) fn worst(&self) -> Option<(&'static str, i64, i64, i64)> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until <= from
        {
            return Some(("end of the rule's time (ms UTC)", until.0, from.0.saturating_add(1), i64::MAX));
        }
        let daily = self.daily?;
        let last = i64::from(DAY_MIN) - 1;
        for (field, got) in [("first minute of the day", daily.from_min), ("last minute of the day", daily.until_min)] {
            if got >= DAY_MIN {
                return Some((field, got.into(), 0, last));
            }
        }
        (daily.from_min == daily.until_min).then_some(("minutes of the day", 0, 1, last))
    }

    /// Whether every instant of this is one of the other; errs towards no.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        other.from.is_none_or(|theirs| self.from.is_some_and(|ours| theirs <= ours))
            && other.until.is_none_or(|theirs| self.until.is_some_and(|ours| ours <= theirs))
            && other.daily.is_none_or(|theirs| self.daily.is_some_and(|ours| ours.is_within(theirs)))
    }

    /// Whether no instant is one of both; errs towards no.
    pub(crate) fn misses(&self, other: &Self) -> bool {
        let before = |a: &Self, b: &Self| a.until.zip(b.from).is_some_and(|(until, from)| until <= from);
        let hours = self.daily.zip(other.daily).is_some_and(|(a, b)| a.misses(b));
        before(self, other) || before(other, self) || hours
    }
}

impl Daily {
    fn holds(self, at: Utc) -> bool {
        let minute = (at.0.rem_euclid(DAY_MS) / MINUTE_MS) as u16;
        self.after(minute) < self.length()
    }

    /// Minutes from the beginning to this one, round the clock.
    fn after(self, minute: u16) -> u16 {
        (minute + DAY_MIN - self.from_min % DAY_MIN) % DAY_MIN
    }

    fn length(self) -> u16 {
        self.after(self.until_min % DAY_MIN)
    }

    fn is_within(self, other: Self) -> bool {
        other.after(self.from_min) + self.length() <= other.length()
    }

    fn misses(self, other: Self) -> bool {
        let offset = other.after(self.from_min);
        offset >= other.length() && offset + self.length() <= DAY_MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn daily() -> impl Strategy<Value = Daily> {
        (0..DAY_MIN, 1..DAY_MIN)
            .prop_map(|(from_min, length)| Daily { from_min, until_min: (from_min + length) % DAY_MIN })
    }

    proptest! {
        /// Oracle: every minute of the day.
        #[test]
        fn hours_of_the_day_are_what_each_minute_says(a in daily(), b in daily()) {
            let at = |minute: u16| Utc(DAY_MS * 20_000 + i64::from(minute) * MINUTE_MS);
            let all = || (0..DAY_MIN).map(at);
            prop_assert_eq!(a.is_within(b), all().all(|m| !a.holds(m) || b.holds(m)));
            prop_assert_eq!(a.misses(b), all().all(|m| !a.holds(m) || !b.holds(m)));
        }
    }

    #[test]
    fn a_night_passes_midnight_and_ends_on_its_minute() {
        let night = When { daily: Some(Daily { from_min: 22 * 60, until_min: 5 * 60 + 30 }), ..When::default() };
        let at = |day: i64, h: i64, m: i64, ms: i64| Utc(day * DAY_MS + (h * 60 + m) * MINUTE_MS + ms);
        for (when, holds) in [
            (at(7, 21, 59, 59_999), false),
            (at(7, 22, 0, 0), true),
            (at(7, 23, 59, 59_999), true),
            (at(8, 0, 0, 0), true),
            (at(8, 5, 29, 59_999), true),
            (at(8, 5, 30, 0), false),
            (at(-1, 23, 0, 0), true),
        ] {
            assert_eq!(night.holds(when), holds, "{when:?}");
        }
        let window = When { from: Some(Utc(100)), until: Some(Utc(200)), daily: None };
        assert_eq!([99, 100, 199, 200].map(|t| window.holds(Utc(t))), [false, true, true, false]);
    }
}
