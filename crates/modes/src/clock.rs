//! A receiver's free-running counter to UTC.
use feed::REPLAY;
use feed::beast::MLAT_COUNTER;
use units::Utc;

/// 12 MHz.
const TICKS_PER_US: i64 = 12;
/// The counter and our clock may drift apart by this much: 100 ppm, five times a poor crystal.
const DRIFT: i64 = 10_000;
/// A frame older than this at its reception has not waited in a buffer: the counter began anew.
const BACKLOG_US_MAX: i64 = 5_000_000;

/// Maps a 12 MHz, 48-bit counter to UTC without reading a clock.
///
/// Live, a frame's age at reception is unknown but never negative: the least difference between reception and counter
/// seen so far is the best estimate, and frames that waited in a buffer get their own time back. In a replay the first
/// frame's counter stands for the given instant.
#[derive(Debug, Clone, Default)]
pub struct CounterClock {
    epoch: Option<Utc>,
    first: Option<i64>,
    live: Option<Live>,
}

#[derive(Debug, Clone, Copy)]
struct Live {
    /// UTC minus counter, microseconds.
    offset: i64,
    /// The counter last seen, microseconds.
    counter: i64,
}

impl CounterClock {
    /// For a live receiver.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For a recording whose first frame was heard at `epoch`.
    #[must_use]
    pub fn replay(epoch: Utc) -> Self {
        Self { epoch: Some(epoch), ..Self::default() }
    }

    /// When a frame was heard. `None` if neither its counter nor the time of reception says.
    pub fn time(&mut self, counter: Option<u64>, received: Utc) -> Option<Utc> {
        // 48 bits of 12 MHz are below 2^45 microseconds.
        let own = counter.filter(|c| *c != MLAT_COUNTER && *c < 1 << 48).map(|c| c.cast_signed() / TICKS_PER_US);
        if let (Some(epoch), Some(own)) = (self.epoch, own) {
            let first = *self.first.get_or_insert(own);
            return Some(epoch.plus_ms((own - first).div_euclid(1000)));
        }
        if received == REPLAY {
            return None;
        }
        match own {
            // Zero is what is written for "no counter".
            Some(own) if own > 0 => Some(self.live(own, received)),
            _ => Some(received),
        }
    }

    fn live(&mut self, own: i64, received: Utc) -> Utc {
        let now = received.0.saturating_mul(1000);
        let offset = now.saturating_sub(own);
        let best = match self.live {
            Some(live) => {
                let known = live.offset.saturating_add((own - live.counter).max(0) / DRIFT).min(offset);
                if offset.saturating_sub(known) > BACKLOG_US_MAX { offset } else { known }
            }
            None => offset,
        };
        self.live = Some(Live { offset: best, counter: own });
        Utc(own.saturating_add(best).div_euclid(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 12_000_000;

    #[test]
    fn frames_that_waited_get_their_own_time_back() {
        let mut clock = CounterClock::new();
        let at = |clock: &mut CounterClock, s: u64, rx| clock.time(Some(s * SECOND), Utc(rx)).unwrap().0;
        assert_eq!(at(&mut clock, 100, 1_000_100), 1_000_100, "late by 100 ms, not known yet");
        assert_eq!(at(&mut clock, 101, 1_001_000), 1_001_000);
        assert_eq!(at(&mut clock, 102, 1_004_500), 1_002_000, "waited 2.5 s");
        assert_eq!(at(&mut clock, 103, 1_004_500), 1_003_000);
    }

    #[test]
    fn a_counter_that_begins_anew_is_followed() {
        let mut clock = CounterClock::new();
        for (s, rx, want) in [(500, 1_000_000, 1_000_000), (3, 1_001_000, 1_001_000), (4, 1_002_000, 1_002_000)] {
            assert_eq!(clock.time(Some(s * SECOND), Utc(rx)), Some(Utc(want)));
        }
        assert_eq!(clock.time(Some(9_000 * SECOND), Utc(1_003_000)), Some(Utc(1_003_000)), "and one that jumps ahead");
    }

    #[test]
    fn a_slow_crystal_does_not_push_frames_into_the_past() {
        let mut clock = CounterClock::new();
        for s in 0..36_000i64 {
            // 50 ppm slow: after ten hours the counter is 1.8 s behind.
            let counter = (1000 + s).cast_unsigned() * SECOND - s.cast_unsigned() * 600;
            let at = clock.time(Some(counter), Utc(s * 1000)).unwrap();
            assert!((at.0 - s * 1000).abs() <= 1, "{s}: {}", at.0);
        }
    }

    #[test]
    fn a_replay_counts_from_its_epoch_and_needs_no_reception() {
        let mut clock = CounterClock::replay(Utc(5_000));
        assert_eq!(clock.time(Some(0), REPLAY), Some(Utc(5_000)));
        assert_eq!(clock.time(Some(SECOND / 2), REPLAY), Some(Utc(5_500)));
        assert_eq!(clock.time(None, REPLAY), None);
        assert_eq!(CounterClock::new().time(Some(7), REPLAY), None);
        assert_eq!(CounterClock::new().time(Some(MLAT_COUNTER), Utc(9)), Some(Utc(9)));
        assert_eq!(CounterClock::new().time(Some(u64::MAX), Utc(9)), Some(Utc(9)));
    }
}
