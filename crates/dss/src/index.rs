//! What is in a cell at a time and height. One ordered tree, so that a cell in which everybody flies costs no more than an empty
//! one: entries of a cell are in the order of their beginning, apart by how long they last. Heights stand in the entry, so that
//! what flies above or below is passed over here and not looked up.
use crate::id::Id;
use crate::volume::{CellKey, Extent, Heights, heights_meet};
use alloc::collections::BTreeMap;

/// Entries that last at most 2^26 µs (67 s) share the lowest class; each further class is four times as long.
const CLASS_MIN: u32 = 26;

/// Place of one extent in one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    cell: CellKey,
    class: u8,
    start: i64,
    id: Id,
    extent: u16,
}

/// Where the entry of a key ends in time, and its heights; a bound that is not there is the furthest there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    end: i64,
    lower: i64,
    upper: i64,
}

impl Bounds {
    fn of(extent: &Extent) -> Self {
        let (lower, upper) = (extent.lower.unwrap_or(i64::MIN), extent.upper.unwrap_or(i64::MAX));
        Self { end: extent.end, lower, upper }
    }

    fn meets(&self, heights: Heights) -> bool {
        heights_meet((Some(self.lower), Some(self.upper)), heights)
    }
}

/// Extents by cell and time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Index {
    tree: BTreeMap<Key, Bounds>,
    /// How many there are of each class, so that only those that occur are looked for.
    classes: BTreeMap<u8, u64>,
}

/// The class of what lasts so long.
fn class(start: i64, end: i64) -> u8 {
    let bits = 64 - (end.saturating_sub(start).max(0) as u64).leading_zeros();
    // At most 64, in steps of two.
    (bits.max(CLASS_MIN).next_multiple_of(2)) as u8
}

/// Nothing of a class lasts longer.
fn longest(class: u8) -> i64 {
    1i64.checked_shl(u32::from(class)).filter(|width| *width > 0).unwrap_or(i64::MAX)
}

impl Index {
    /// Enters the extents of an entity.
    pub fn insert(&mut self, id: Id, extents: &[Extent]) {
        for (number, extent) in (0u16..).zip(extents) {
            let class = class(extent.start, extent.end);
            for cell in &extent.cells {
                let key = Key { cell: *cell, class, start: extent.start, id, extent: number };
                if self.tree.insert(key, Bounds::of(extent)).is_none() {
                    *self.classes.entry(class).or_default() += 1;
                }
            }
        }
    }

    /// Takes them out again.
    pub fn remove(&mut self, id: Id, extents: &[Extent]) {
        for (number, extent) in (0u16..).zip(extents) {
            let class = class(extent.start, extent.end);
            for cell in &extent.cells {
                let key = Key { cell: *cell, class, start: extent.start, id, extent: number };
                if self.tree.remove(&key).is_some() {
                    let left = self.classes.entry(class).or_default();
                    *left -= 1;
                    if *left == 0 {
                        self.classes.remove(&class);
                    }
                }
            }
        }
    }

    /// Calls `found` with each entity of which an extent is in one of the cells at some time of the span and at one of the heights,
    /// once for each such extent and cell; stops when it gives `false`.
    pub fn search(&self, cells: &[CellKey], span: (i64, i64), heights: Heights, mut found: impl FnMut(Id) -> bool) {
        for cell in cells {
            for class in self.classes.keys() {
                let earliest = span.0.saturating_sub(longest(*class));
                let from = Key { cell: *cell, class: *class, start: earliest, id: Id::MIN, extent: 0 };
                let to = Key { cell: *cell, class: *class, start: span.1, id: Id::MAX, extent: u16::MAX };
                if from > to {
                    continue;
                }
                for (key, bounds) in self.tree.range(from..=to) {
                    if bounds.end >= span.0 && bounds.meets(heights) && !found(key.id) {
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn extent() -> impl Strategy<Value = Extent> {
        let time = prop_oneof![Just(i64::MIN), Just(i64::MAX), -400_000_000_000i64..400_000_000_000];
        let long = prop_oneof![0i64..100, 0i64..70_000_000, 0i64..100_000_000_000, Just(i64::MAX)];
        (proptest::collection::btree_set(0u32..6, 1..4), time, long, heights()).prop_map(
            |(cells, start, long, (lower, upper))| {
                let (cells, end) = (cells.into_iter().collect(), start.saturating_add(long));
                Extent { cells, start, end, lower, upper }
            },
        )
    }

    fn heights() -> impl Strategy<Value = Heights> {
        let bound = || proptest::option::of(prop_oneof![Just(i64::MIN), Just(i64::MAX), -3i64..3]);
        (bound(), bound())
    }

    proptest! {
        #[test]
        fn it_finds_what_a_look_at_all_finds(
            entities in proptest::collection::vec(proptest::collection::vec(extent(), 1..3), 0..20),
            gone in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
            cells in proptest::collection::btree_set(0u32..6, 1..4),
            from in -500_000_000_000i64..500_000_000_000,
            long in prop_oneof![Just(0i64), 0i64..500_000_000_000],
            heights in heights(),
        ) {
            let id = |n: usize| Id([n as u8; 16]);
            let mut index = Index::default();
            for (n, extents) in entities.iter().enumerate() {
                index.insert(id(n), extents);
            }
            let gone: BTreeSet<usize> = gone.iter().filter(|_| !entities.is_empty()).map(|g| g.index(entities.len())).collect();
            for n in &gone {
                index.remove(id(*n), &entities[*n]);
            }
            let cells: Vec<CellKey> = cells.into_iter().collect();
            let span = (from, from.saturating_add(long));
            let mut found = BTreeSet::new();
            index.search(&cells, span, heights, |id| { found.insert(id); true });
            let mut wanted = BTreeSet::new();
            for (n, extents) in entities.iter().enumerate().filter(|(n, _)| !gone.contains(n)) {
                for e in extents {
                    let meet = e.start <= span.1 && e.end >= span.0 && heights_meet(e.heights(), heights);
                    if meet && e.cells.iter().any(|c| cells.contains(c)) {
                        wanted.insert(id(n));
                    }
                }
            }
            prop_assert_eq!(found, wanted);
            for (n, extents) in entities.iter().enumerate() {
                index.remove(id(n), extents);
            }
            prop_assert_eq!(index, Index::default());
        }
    }
}
