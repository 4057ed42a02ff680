//! Which of two levels releases less, and the most that two of them both allow: of one release, and of two that follow each
//! other.
//!
//! Of one release it is by what the release states of itself, its label: a larger cell, a longer bin, a wider precision, a
//! longer delay and less identity are less; and a lower name whose cell is no smaller than the precision it stands against.
//! What cannot be told is not less.
//!
//! Of two releases that follow each other that is not enough. The cells of two grids of different pitch overlap in any way:
//! what lies in a cell of one and then in a cell of the other lies where they meet, and forty steps of 2 % tell a place to a
//! tenth of the cell. A change lets out no more only if each new cell is made of whole old ones. Rows nest if the pitch is a
//! multiple; columns do not, at hardly any latitude: a row has as many as fit at its own equatorward edge, rounded down, so
//! the row of twice the height has not half as many. Only the same grid is sure. Bins of time begin at multiples of
//! their length, so a multiple nests.
use crate::grid::Grid;
use crate::policy::{Level, Rule};

/// Times of a plan that is released with a precision are snapped to this, so cells with shorter bins say more.
const MINUTE_MS: u32 = 60_000;

impl Level {
    /// Whether whatever this releases, after or beside what the other did, is no more than what the other does.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        match (self, other) {
            (Self::Withheld, _) | (_, Self::Full) => true,
            (
                Self::Reduced { precision_mm: p, delay_ms: d, identity: i },
                Self::Reduced { precision_mm, delay_ms, identity },
            ) => (precision_mm == 0 || p == precision_mm) && d >= delay_ms && i <= identity,
            (Self::AvoidArea { cell_e7: c, bin_ms: b }, Self::AvoidArea { cell_e7, bin_ms })
            | (Self::AvoidArea { cell_e7: c, bin_ms: b }, Self::Coarse { cell_e7, bin_ms })
            | (Self::Coarse { cell_e7: c, bin_ms: b }, Self::Coarse { cell_e7, bin_ms }) => {
                c == cell_e7 && is_multiple(b, bin_ms)
            }
            (
                Self::AvoidArea { cell_e7, bin_ms } | Self::Coarse { cell_e7, bin_ms },
                Self::Reduced { precision_mm, delay_ms: 0, .. },
            ) => {
                let (cell, bin) = cells_of(precision_mm);
                precision_mm == 0 || cell_e7 == cell && is_multiple(bin_ms, bin)
            }
            _ => false,
        }
    }

    /// The most that both allow of one release, by its label: of what touches two areas, the stricter.
    #[must_use]
    pub(crate) fn less(self, other: Self) -> Self {
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

/// Whether a bin is made of whole bins of the other length.
const fn is_multiple(bin_ms: u32, of: u32) -> bool {
    of != 0 && bin_ms.is_multiple_of(of)
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
        // The second is the grid of 5 km.
        let cell = prop::sample::select(alloc::vec![100_000, 576_701, 5_000_000]);
        let bin = prop::sample::select(alloc::vec![1_000, 60_000, 90_000, 600_000]);
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
        }

        #[test]
        fn of_one_release_there_is_a_stricter_of_two_levels(a in level(), b in level(), c in level()) {
            let both = a.less(b);
            prop_assert_eq!((a.less(a), both, both.less(a), both.less(b)), (a, b.less(a), both, both));
            prop_assert_eq!(both.less(c), a.less(b.less(c)));
            prop_assert!(!a.is_within(b) || both == a, "what is sure is so of one release, too");
        }

        /// What the rule of the same grid stands on: no pitch can be multiplied so that the cells of one are made of the other's.
        #[test]
        fn the_columns_of_a_coarser_grid_cut_through_cells_of_a_finer_one(
            cell in 100_000..10_000_000u32, times in 2..10u32,
        ) {
            let (fine, coarse) = (Grid::new(cell), Grid::new(cell * times));
            // In one row or another: of few columns, half as many may happen to fit.
            let cuts = (0..60_000).any(|step: i64| {
                let lat = 100_000_000 + (step / 1_000) as i32 * 10_000_000;
                let at = units::Position { lat_e7: lat, lon_e7: (step % 1_000 * 3_599_999 - 1_800_000_000) as i32 };
                // The western and eastern ends of the fine cell, one unit within.
                let [west, east] = fine.ends(at);
                coarse.cell(west) != coarse.cell(east)
            });
            prop_assert!(cuts);
        }
    }

    /// What one person could do alone while "larger" counted as less: each step told the place on another grid.
    #[test]
    fn forty_grids_each_a_little_coarser_tell_a_place_to_a_tenth_of_the_cell_so_none_is_within_the_one_before() {
        let at = units::Position::from_degrees(46.0491, 8.3173).unwrap();
        let reduced = |precision_mm| Level::Reduced { precision_mm, delay_ms: 0, identity: Identity::Drop };
        let (mut precision_mm, mut north, mut south) = (20_000_000, i32::MAX, i32::MIN);
        for _ in 0..40 {
            let grid = Grid::of_precision(precision_mm).unwrap();
            let centre = grid.snap(at);
            let half = (grid.cell_e7() / 2) as i32 + 1;
            (south, north) = (south.max(centre.lat_e7 - half), north.min(centre.lat_e7 + half));
            let next = precision_mm + precision_mm / 50;
            assert!(!reduced(next).is_within(reduced(precision_mm)) && !reduced(precision_mm).is_within(reduced(next)));
            precision_mm = next;
        }
        let cell = Grid::of_precision(20_000_000).unwrap().cell_e7();
        assert!((south..=north).contains(&at.lat_e7) && 8 * (north - south) < cell as i32, "{south} {north} {cell}");
        let coarse = |cell_e7, bin_ms| Level::Coarse { cell_e7, bin_ms };
        assert!(!coarse(2_000_000, 60_000).is_within(coarse(1_000_000, 60_000)), "columns do not nest");
        assert!(!coarse(1_000_000, 90_000).is_within(coarse(1_000_000, 60_000)), "bins overlap");
        assert!(coarse(1_000_000, 120_000).is_within(coarse(1_000_000, 60_000)));
        assert!(reduced(precision_mm).is_within(reduced(0)) && Level::Withheld.is_within(reduced(precision_mm)));
    }
}
