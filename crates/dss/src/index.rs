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
    levels_up: u8,
    cell: CellKey,
    class: u8,
    start: i64,
    id: Id,
    extent: u16,
}

impl Key {
    fn first(levels_up: u8, cell: CellKey) -> Self {
        Self { levels_up, cell, class: 0, start: i64::MIN, id: Id::MIN, extent: 0 }
    }

    fn last(levels_up: u8, cell: CellKey) -> Self {
        Self { levels_up, cell, class: u8::MAX, start: i64::MAX, id: Id::MAX, extent: u16::MAX }
    }
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

    /// Whether it goes on until then, and meets these heights.
    fn meets(&self, from: i64, heights: Heights) -> bool {
        self.end >= from && heights_meet((Some(self.lower), Some(self.upper)), heights)
    }
}

/// Extents by cell and time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Index {
    tree: BTreeMap<Key, Bounds>,
    /// How many there are of each size of cells and each class, so that only those that occur are looked for.
    kinds: BTreeMap<(u8, u8), u64>,
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

/// Levels above a face: the whole earth is one cell, 0.
const EARTH: u8 = 14;

/// The cell `to` levels up that holds one which is `from` levels up.
fn parent(cell: CellKey, from: u8, to: u8) -> CellKey {
    if to >= EARTH { 0 } else { cell >> (2 * (to - from)) }
}

/// The first and last cell `to` levels up within one which is `from` levels up.
fn children(cell: CellKey, from: u8, to: u8) -> (CellKey, CellKey) {
    if from >= EARTH {
        return (CellKey::MIN, CellKey::MAX);
    }
    let bits = 2 * (from - to);
    (cell << bits, cell << bits | ((1 << bits) - 1))
}

impl Index {
    /// Enters the extents of an entity.
    pub fn insert(&mut self, id: Id, extents: &[Extent]) {
        for key in keys(id, extents) {
            if self.tree.insert(key.0, key.1).is_none() {
                *self.kinds.entry((key.0.levels_up, key.0.class)).or_default() += 1;
            }
        }
    }

    /// Takes them out again.
    pub fn remove(&mut self, id: Id, extents: &[Extent]) {
        for (key, _) in keys(id, extents) {
            if self.tree.remove(&key).is_some() {
                let kind = (key.levels_up, key.class);
                let left = self.kinds.entry(kind).or_default();
                *left -= 1;
                if *left == 0 {
                    self.kinds.remove(&kind);
                }
            }
        }
    }

    /// Calls `found` with each entity of which an extent is in one of the cells, which are so many levels up, at some time of the
    /// span and at one of the heights: once for each such extent and cell or more; stops when it gives `false`.
    pub fn search(
        &self,
        cells: &[CellKey],
        up: u8,
        span: (i64, i64),
        heights: Heights,
        mut found: impl FnMut(Id) -> bool,
    ) {
        for (levels_up, class) in self.kinds.keys().copied() {
            if levels_up < up {
                // Smaller cells than those asked for: all within each.
                for cell in cells {
                    let (first, last) = children(*cell, up, levels_up);
                    let range = Key::first(levels_up, first)..=Key::last(levels_up, last);
                    let within = self.tree.range(range).filter(|(key, _)| key.class == class && key.start <= span.1);
                    for (key, bounds) in within {
                        if bounds.meets(span.0, heights) && !found(key.id) {
                            return;
                        }
                    }
                }
                continue;
            }
            let earliest = span.0.saturating_sub(longest(class));
            let mut before = None;
            for cell in cells.iter().map(|cell| parent(*cell, up, levels_up)) {
                // Ascending cells have ascending parents.
                if before.replace(cell) == Some(cell) {
                    continue;
                }
                let from = Key { start: earliest, class, ..Key::first(levels_up, cell) };
                let to = Key { start: span.1, class, ..Key::last(levels_up, cell) };
                if from > to {
                    continue;
                }
                for (key, bounds) in self.tree.range(from..=to) {
                    if bounds.meets(span.0, heights) && !found(key.id) {
                        return;
                    }
                }
            }
        }
    }
}

/// Places of the extents of an entity, and the bounds of each.
fn keys(id: Id, extents: &[Extent]) -> impl Iterator<Item = (Key, Bounds)> {
    (0u16..).zip(extents).flat_map(move |(extent, of)| {
        let class = class(of.start, of.end);
        let key = move |cell| Key { levels_up: of.levels_up, cell, class, start: of.start, id, extent };
        of.cells.iter().map(move |cell| (key(*cell), Bounds::of(of)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// Cells of a few levels that are near each other, or the whole earth.
    fn cells() -> impl Strategy<Value = (u8, Vec<CellKey>)> {
        let up = prop_oneof![4 => Just(0u8), 1 => Just(1), 1 => Just(5), 1 => Just(14)];
        let cell = (prop_oneof![3 => Just(5u32), 1 => Just(4), 1 => Just(0)], 4092..4100u32)
            .prop_map(|(face, n)| face << 26 | n);
        (up, proptest::collection::btree_set(cell, 1..4)).prop_map(|(up, cells)| {
            let cells: BTreeSet<CellKey> = cells.into_iter().map(|cell| parent(cell, 0, up)).collect();
            (up, cells.into_iter().collect())
        })
    }

    /// By definition: one is the other, in it or around it.
    fn touch(a: (u8, CellKey), b: (u8, CellKey)) -> bool {
        let (fine, coarse) = if a.0 <= b.0 { (a, b) } else { (b, a) };
        coarse.0 > 13 || fine.1 >> (2 * (coarse.0 - fine.0)) == coarse.1
    }

    fn extent() -> impl Strategy<Value = Extent> {
        let time = prop_oneof![Just(i64::MIN), Just(i64::MAX), -400_000_000_000i64..400_000_000_000];
        let long = prop_oneof![0i64..100, 0i64..70_000_000, 0i64..100_000_000_000, Just(i64::MAX)];
        (cells(), time, long, heights()).prop_map(|((levels_up, cells), start, long, (lower, upper))| {
            let end = start.saturating_add(long);
            Extent { cells, start, end, lower, upper, levels_up }
        })
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
            (up, cells) in cells(),
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
            let span = (from, from.saturating_add(long));
            let mut found = BTreeSet::new();
            index.search(&cells, up, span, heights, |id| { found.insert(id); true });
            let mut wanted = BTreeSet::new();
            for (n, extents) in entities.iter().enumerate().filter(|(n, _)| !gone.contains(n)) {
                for e in extents {
                    let meet = e.start <= span.1 && e.end >= span.0 && heights_meet(e.heights(), heights);
                    if meet && e.cells.iter().any(|c| cells.iter().any(|d| touch((e.levels_up, *c), (up, *d)))) {
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
