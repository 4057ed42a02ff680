//! Which of two levels releases less, and the most that two of them both allow.
//!
//! "Less" is by what one release states of itself: its label. A larger cell, a longer bin, a wider precision, a longer
//! delay and less identity are less; and a lower name whose cell is no smaller than the precision it stands against.
//! What cannot be told is not less.
use crate::grid::Grid;
use crate::policy::{Level, Rule};

/// Times of a plan that is released with a precision are snapped to this, so cells with shorter bins say more.
const MINUTE_MS: u32 = 60_000;

impl Level {
    /// Whether whatever this releases is no more than what the other does.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        match (self, other) {
            (Self::Withheld, _) | (_, Self::Full) => true,
            (
                Self::Reduced { precision_mm: p, delay_ms: d, identity: i },
                Self::Reduced { precision_mm, delay_ms, identity },
            ) => p >= precision_mm && d >= delay_ms && i <= identity,
            (Self::AvoidArea { cell_e7: c, bin_ms: b }, Self::AvoidArea { cell_e7, bin_ms })
            | (Self::AvoidArea { cell_e7: c, bin_ms: b }, Self::Coarse { cell_e7, bin_ms })
            | (Self::Coarse { cell_e7: c, bin_ms: b }, Self::Coarse { cell_e7, bin_ms }) => c >= cell_e7 && b >= bin_ms,
            (
                Self::AvoidArea { cell_e7, bin_ms } | Self::Coarse { cell_e7, bin_ms },
                Self::Reduced { precision_mm, delay_ms: 0, .. },
            ) => {
                let (cell, bin) = cells_of(precision_mm);
                cell_e7 >= cell && bin_ms >= bin
            }
            _ => false,
        }
    }

    /// The most that both allow: what is within this is within each of the two, and nothing larger is.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        let (low, high) = if self.name() <= other.name() { (self, other) } else { (other, self) };
        match (low, high) {
            (Self::Withheld, _) => Self::Withheld,
            (low, Self::Full) => low,
            (
                Self::AvoidArea { cell_e7: c, bin_ms: b },
                Self::AvoidArea { cell_e7, bin_ms } | Self::Coarse { cell_e7, bin_ms },
            ) => Self::AvoidArea { cell_e7: c.max(cell_e7), bin_ms: b.max(bin_ms) },
            (Self::Coarse { cell_e7: c, bin_ms: b }, Self::Coarse { cell_e7, bin_ms }) => {
                Self::Coarse { cell_e7: c.max(cell_e7), bin_ms: b.max(bin_ms) }
            }
            (Self::AvoidArea { cell_e7, bin_ms }, Self::Reduced { precision_mm, delay_ms: 0, .. }) => {
                let (cell, bin) = cells_of(precision_mm);
                Self::AvoidArea { cell_e7: cell_e7.max(cell), bin_ms: bin_ms.max(bin) }
            }
            (Self::Coarse { cell_e7, bin_ms }, Self::Reduced { precision_mm, delay_ms: 0, .. }) => {
                let (cell, bin) = cells_of(precision_mm);
                Self::Coarse { cell_e7: cell_e7.max(cell), bin_ms: bin_ms.max(bin) }
            }
            (
                Self::Reduced { precision_mm: p, delay_ms: d, identity: i },
                Self::Reduced { precision_mm, delay_ms, identity },
            ) => Self::Reduced {
                precision_mm: p.max(precision_mm),
                delay_ms: d.max(delay_ms),
                identity: i.min(identity),
            },
            // Cells are told without a delay: what is delayed cannot be told as cells.
            _ => Self::Withheld,
        }
    }
}

/// The cells and bins that state no more than a precision does.
fn cells_of(precision_mm: u32) -> (u32, u32) {
    match Grid::of_precision(precision_mm) {
        None => (0, 0),
        Some(grid) => (grid.cell_e7(), MINUTE_MS),
    }
}

impl Rule {
    /// Whether what this rule lets out, where both apply, is no more than what the other does.
    pub(crate) fn lets_out_no_more_than(&self, other: &Self) -> bool {
        self.level == Level::Withheld || self.level.is_within(other.level) && self.cadence_ms() >= other.cadence_ms()
    }

    /// Shortest time between two reports of a track under it, ms.
    pub(crate) fn cadence_ms(&self) -> u32 {
        match self.level {
            Level::AvoidArea { bin_ms, .. } | Level::Coarse { bin_ms, .. } => bin_ms,
            _ => self.every_ms.unwrap_or(0),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::policy::Identity;
    use proptest::prelude::*;

    pub(crate) fn level() -> impl Strategy<Value = Level> {
        let cell = prop::sample::select(alloc::vec![100_000, 1_000_000, 5_000_000]);
        let bin = prop::sample::select(alloc::vec![1_000, 60_000, 600_000]);
        let precision = prop::sample::select(alloc::vec![0, 1_000, 5_000_000, 50_000_000]);
        let identity = prop::sample::select(alloc::vec![Identity::Drop, Identity::Pseudonym, Identity::Keep]);
        let delay = prop::sample::select(alloc::vec![0, 30_000]);
        prop_oneof![
            Just(Level::Withheld),
            Just(Level::Full),
            (cell.clone(), bin.clone()).prop_map(|(cell_e7, bin_ms)| Level::AvoidArea { cell_e7, bin_ms }),
            (cell, bin).prop_map(|(cell_e7, bin_ms)| Level::Coarse { cell_e7, bin_ms }),
            (precision, delay, identity).prop_map(|(precision_mm, delay_ms, identity)| Level::Reduced {
                precision_mm,
                delay_ms,
                identity
            }),
        ]
    }

    proptest! {
        #[test]
        fn levels_are_ordered_and_have_a_greatest_one_below_two(a in level(), b in level(), c in level()) {
            prop_assert!(a.is_within(a));
            prop_assert!(!(a.is_within(b) && b.is_within(a)) || a == b);
            prop_assert!(!(a.is_within(b) && b.is_within(c)) || a.is_within(c), "{:?} {:?} {:?}", a, b, c);
            let both = a.less(b);
            prop_assert!(both.is_within(a) && both.is_within(b), "{:?}", both);
            prop_assert_eq!(both, b.less(a));
            if c.is_within(a) && c.is_within(b) {
                prop_assert!(c.is_within(both), "{:?} within {:?} and {:?} but not {:?}", c, a, b, both);
            }
        }
    }
}
