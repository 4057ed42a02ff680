//! Where a monotonic clock goes on after a stop.
use units::{Mono, Now};

/// Monotonic reading of a start after `last`. It never goes back within a journal, and it counts the time that the node was
/// down, as far as the clock knows it: a deadline that passed meanwhile has passed. A clock set back counts for nothing.
#[must_use]
pub fn mono_after(last: Now, utc_ms: i64) -> u64 {
    /// No deadline is longer than a day; beyond a month it is the clock that was wrong.
    const DOWN_MAX_MS: i64 = 31 * 86_400_000;
    let is_first = last.mono == Mono(0);
    let down_ms = if is_first { 0 } else { utc_ms.saturating_sub(last.utc.0).clamp(0, DOWN_MAX_MS) };
    last.mono.0 + 1 + down_ms as u64
}

#[cfg(test)]
mod tests {
    use super::mono_after as after;
    use units::{Mono, Now, Utc};

    #[test]
    fn time_that_a_node_was_down_counts_and_a_clock_set_back_does_not() {
        let last = |utc: i64| Now { mono: Mono(500), utc: Utc(utc), utc_error_ms: 0 };
        assert_eq!(after(last(10_000), 70_000), 60_501);
        assert_eq!(after(last(70_000), 10_000), 501);
        assert_eq!(after(last(0), i64::MAX), 501 + 31 * 86_400_000);
        assert_eq!(after(Now::default(), 1_800_000_000_000), 1, "a new folder was not down");
    }
}
