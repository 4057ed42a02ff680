//! The only clock. In an exercise it may run at another rate from another start; live, it is the machine's.
use fold::mono_after as after;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use units::{Mono, Now, Utc};

/// Error stated for the machine's clock (95 %). NTP over a wide-area network keeps within tens of milliseconds; the
/// node cannot know better without asking the time service.
const SYSTEM_ERROR_MS: u32 = 50;

/// Reads time. Cheap to copy; all copies agree.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    start_utc_ms: i64,
    /// Monotonic reading at `origin`: see [`fold::mono_after`].
    start_mono_ms: u64,
    /// Milli-rates: 1000 is real time.
    rate_milli: u64,
    system: bool,
}

impl Clock {
    /// The machine's clock; the monotonic part continues after `last`, the last reading in the journal.
    pub fn system(last: Now) -> Self {
        let start_utc_ms = utc_ms();
        Self {
            origin: Instant::now(),
            start_utc_ms,
            start_mono_ms: after(last, start_utc_ms),
            rate_milli: 1000,
            system: true,
        }
    }

    /// An exercise's clock: `start` was (or will be) at `origin_utc_ms` of the machine's clock, and time runs `rate`
    /// times as fast. Nodes on one machine given the same three numbers agree.
    pub fn exercise(start: Utc, origin_utc_ms: i64, rate: f64, last: Now) -> Self {
        let rate_milli = (rate * 1000.0).round().clamp(1.0, 1e7) as u64;
        let elapsed = utc_ms() - origin_utc_ms;
        let start_utc_ms = start.0 + elapsed * rate_milli as i64 / 1000;
        Self {
            origin: Instant::now(),
            start_utc_ms,
            start_mono_ms: after(last, start_utc_ms),
            rate_milli,
            system: false,
        }
    }

    /// The time now.
    pub fn now(&self) -> Now {
        let elapsed = self.scaled(self.origin.elapsed());
        let utc = if self.system { utc_ms() } else { self.start_utc_ms + elapsed as i64 };
        Now { mono: Mono(self.start_mono_ms + elapsed), utc: Utc(utc), utc_error_ms: SYSTEM_ERROR_MS }
    }

    /// How long to wait, in machine time, until this clock shows `at`.
    pub fn until(&self, at: Utc) -> Duration {
        let ahead_ms = at.since_ms(self.now().utc).max(0) as u64;
        Duration::from_micros(ahead_ms.saturating_mul(1_000_000) / self.rate_milli)
    }

    fn scaled(&self, real: Duration) -> u64 {
        (real.as_micros() as u64).saturating_mul(self.rate_milli) / 1_000_000
    }
}

/// Milliseconds since 1970 by the machine's clock.
pub fn utc_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_millis() as i64,
        Err(before) => -(before.duration().as_millis() as i64),
    }
}

/// RFC 3339 text of an instant.
pub fn rfc3339(at: Utc) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| format!("{} ms", at.0), |t| t.to_string())
}

/// Parses RFC 3339.
pub fn parse_rfc3339(text: &str) -> Result<Utc, String> {
    text.parse::<jiff::Timestamp>()
        .map(|t| Utc(t.as_millisecond()))
        .map_err(|e| format!("{text:?} is not a time such as 2018-08-01T05:00:00Z: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exercise_clock_runs_at_its_rate_and_never_back() {
        let last = Now { mono: Mono(77), utc: Utc(999_000), utc_error_ms: 0 };
        let clock = Clock::exercise(Utc(1_000_000), utc_ms(), 100.0, last);
        let first = clock.now();
        std::thread::sleep(Duration::from_millis(20));
        let second = clock.now();
        assert!(first.mono > Mono(1077) && second.mono > first.mono, "it was down for a second");
        let passed = second.utc.since_ms(first.utc);
        assert!(passed >= 2000, "20 ms of machine time are 2 s at 100 times: {passed} ms");
        assert_eq!(clock.until(Utc(0)), Duration::ZERO);
    }
}
