//! Time: UTC for what is written down, monotonic for what is due.
use minicbor::{Decode, Encode};

/// An instant in UTC, milliseconds since 1970-01-01T00:00:00Z (leap seconds as POSIX has them).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Utc(pub i64);

impl Utc {
    /// Returns the instant `ms` later (or earlier, if negative), saturating.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative if `self` is the earlier one.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same difference in seconds, for detectors.
    #[must_use]
    pub fn since_s(self, earlier: Self) -> f64 {
        self.since_ms(earlier) as f64 / 1000.0
    }
}

/// A reading of the node's monotonic clock, in milliseconds; meaningful only within one journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Mono(pub u64);

impl Mono {
    /// Returns the reading `ms` later, saturating.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The time at which an input was accepted. Chosen once, by whoever accepted it, and journaled with it.
///
/// Deadlines run on `mono`; `utc` is what is written down, with `utc_error_ms` as the clock's own estimate of its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Now {
    /// Monotonic reading.
    #[n(0)]
    pub mono: Mono,
    /// UTC reading.
    #[n(1)]
    pub utc: Utc,
    /// Estimated error of `utc` (95 %), milliseconds.
    #[n(2)]
    pub utc_error_ms: u32,
}
