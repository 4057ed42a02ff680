//! How long to wait before dialling again.
use std::time::Duration;

/// First wait, and the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);
/// Wait after an end that says a person must act first.
const PERSON: Duration = Duration::from_secs(60);

/// Waits that double from [`FIRST`] to [`LONGEST`]; a connection that lasted begins anew.
//= spec/link.md S-3
#[derive(Debug)]
pub struct Backoff(Duration);

impl Backoff {
    /// The first wait is the shortest.
    pub fn new() -> Self {
        Self(FIRST)
    }

    /// The wait after an attempt that lasted this long, jittered by a random byte.
    pub fn after(&mut self, lasted: Duration, needs_person: bool, random: u8) -> Duration {
        if lasted > LONGEST {
            self.0 = FIRST;
        }
        let wait = self.0;
        self.0 = (wait * 2).min(LONGEST);
        if needs_person { PERSON } else { jitter(wait, random) }
    }
}

/// Between half and all of `wait`, so that peers cut off together do not come back together.
fn jitter(wait: Duration, random: u8) -> Duration {
    wait / 2 + wait / 2 * u32::from(random) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(lasted_s: &[u64], random: u8) -> Vec<u128> {
        let mut backoff = Backoff::new();
        lasted_s.iter().map(|s| backoff.after(Duration::from_secs(*s), false, random).as_millis()).collect()
    }

    //= spec/link.md S-3
    #[test]
    fn waits_double_to_ten_seconds_and_begin_anew_after_a_connection_that_lasted() {
        assert_eq!(waits(&[0; 7], 255), [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(waits(&[0, 0, 0, 11, 0], 255), [500, 1000, 2000, 500, 1000]);
    }

    //= spec/link.md S-3
    #[test]
    fn jitter_takes_up_to_half_and_a_person_is_given_a_minute() {
        assert_eq!(waits(&[0; 6], 0), [250, 500, 1000, 2000, 4000, 5000]);
        let spread: std::collections::BTreeSet<Duration> =
            (0..=255).map(|r| Backoff::new().after(FIRST, false, r)).collect();
        assert_eq!(spread.len(), 256);
        assert_eq!(Backoff::new().after(FIRST, true, 0), Duration::from_secs(60));
    }
}
