//! What is in a cell at a time and height. One ordered tree, so that a cell in which everybody flies costs no more than an empty
//! one: entries of a cell are in the order of their beginning, apart by how long they last. Heights stand in the entry, so that
//! what flies above or below is passed over here and not looked up. What is large stands under the blocks of 64 cells that it is in,
//! with a mask of those that it has: so it is met in a fiftieth of the places, and still in none where it is not.
use crate::id::Id;
use crate::volume::{CellKey, Extent, Heights, heights_meet};
use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

/// An extent of more cells is entered by blocks. What has few is entered by its cells: whoever asks for one cell would pass over
/// all that is elsewhere in its block.
const SINGLE_MAX: usize = 16;
/// A block is a cell so many levels up; its 64 cells fill a mask.
const BLOCK_UP: u8 = 3;
/// All of an entry's cell.
const WHOLE: u64 = u64::MAX;

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
    /// Which of the cells [`BLOCK_UP`] levels below its own it has.
    mask: u64,
}

impl Bounds {
    /// Whether it has one of these cells, goes on until then, and meets these heights.
    fn meets(&self, mask: u64, from: i64, heights: Heights) -> bool {
        self.mask & mask != 0 && self.end >= from && heights_meet((Some(self.lower), Some(self.upper)), heights)
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

/// The cells of a cell `to` levels up, [`BLOCK_UP`] levels below it, that are in or around one which is `from` levels up.
fn mask(cell: CellKey, from: u8, to: u8) -> u64 {
    match to.saturating_sub(from) {
        0 => WHOLE,
        1 => 0xffff << (16 * (cell & 3)),
        2 => 0xf << (4 * (cell & 15)),
        // Of the earth there are more than 64: it has all, and so these will do.
        _ => 1 << (parent(cell, from, to - BLOCK_UP) & 63),
    }
}

/// Cells that are `from` levels up as those `to` levels up which hold them, ascending as they are, each once and with its mask.
fn parents(cells: &[CellKey], from: u8, to: u8) -> Vec<(CellKey, u64)> {
    let mut all: Vec<(CellKey, u64)> = Vec::new();
    for cell in cells {
        let (up, mask) = (parent(*cell, from, to), mask(*cell, from, to));
        match all.last_mut() {
            Some(last) if last.0 == up => last.1 |= mask,
            _ => all.push((up, mask)),
        }
    }
    all
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
    /// span and at one of the heights: once for each such extent and entry or more; stops when it gives `false`.
    pub fn search(
        &self,
        cells: &[CellKey],
        up: u8,
        span: (i64, i64),
        heights: Heights,
        mut found: impl FnMut(Id) -> bool,
    ) {
        let (mut within, mut of) = (Vec::new(), None);
        for (levels_up, class) in self.kinds.keys().copied() {
            if levels_up < up {
                // Smaller cells than those asked for: all within each.
                for cell in cells {
                    let (first, last) = children(*cell, up, levels_up);
                    let range = Key::first(levels_up, first)..=Key::last(levels_up, last);
                    let within = self.tree.range(range).filter(|(key, _)| key.class == class && key.start <= span.1);
                    for (key, bounds) in within {
                        if bounds.meets(WHOLE, span.0, heights) && !found(key.id) {
                            return;
                        }
                    }
                }
                continue;
            }
            if of.replace(levels_up) != Some(levels_up) {
                within = parents(cells, up, levels_up);
            }
            let earliest = span.0.saturating_sub(longest(class));
            for (cell, mask) in within.iter().copied() {
                let from = Key { start: earliest, class, ..Key::first(levels_up, cell) };
                let to = Key { start: span.1, class, ..Key::last(levels_up, cell) };
                if from > to {
                    continue;
                }
                for (key, bounds) in self.tree.range(from..=to) {
                    if bounds.meets(mask, span.0, heights) && !found(key.id) {
                        return;
                    }
                }
            }
        }
    }
}

/// What a search finds, where only some of it is wanted: each entity is looked at once, however often it is found.
#[derive(Debug, Default)]
pub(crate) struct Sifted {
    looked: BTreeMap<Id, bool>,
    wanted: usize,
}

impl Sifted {
    /// Takes what was found; how many are wanted by now.
    pub fn sift(&mut self, id: Id, wanted: impl FnOnce() -> bool) -> usize {
        if let Entry::Vacant(new) = self.looked.entry(id) {
            self.wanted += usize::from(*new.insert(wanted()));
        }
        self.wanted
    }

    /// How many are wanted.
    pub const fn len(&self) -> usize {
        self.wanted
    }

    /// Those that are wanted, by identifier.
    pub fn wanted(self) -> BTreeSet<Id> {
        self.looked.into_iter().filter_map(|(id, wanted)| wanted.then_some(id)).collect()
    }
}

/// Places of the extents of an entity, and the bounds of each.
fn keys(id: Id, extents: &[Extent]) -> impl Iterator<Item = (Key, Bounds)> {
    (0u16..).zip(extents).flat_map(move |(extent, of)| {
        // The earth and its faces are never many.
        let blocks = of.cells.len() > SINGLE_MAX && of.levels_up < EARTH - BLOCK_UP;
        let levels_up = if blocks { of.levels_up + BLOCK_UP } else { of.levels_up };
        let (class, start) = (class(of.start, of.end), of.start);
        let (lower, upper) = (of.lower.unwrap_or(i64::MIN), of.upper.unwrap_or(i64::MAX));
        parents(&of.cells, of.levels_up, levels_up).into_iter().map(move |(cell, mask)| {
            (Key { levels_up, cell, class, start, id, extent }, Bounds { end: of.end, lower, upper, mask })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Cells of a few levels that are near each other, few or so many that they are entered by blocks; or all over the earth.
    fn cells() -> impl Strategy<Value = (u8, Vec<CellKey>)> {
        let up = prop_oneof![5 => Just(0u8), 1 => Just(1), 1 => Just(2), 1 => Just(3), 1 => Just(5), 1 => 9..12u8, 1 => Just(14)];
        let few = (prop_oneof![3 => Just(5u32), 1 => Just(4), 1 => Just(0)], 4092..4100u32);
        let few = proptest::collection::vec(few.prop_map(|(face, n)| face << 26 | n), 1..4);
        // Runs of one, every second and so on, of which large ones share blocks and no cell.
        let run = (1..60u32, 4000..4200u32, 1..5u32);
        let runs = proptest::collection::vec(run, 1..3).prop_map(|runs| {
            runs.into_iter()
                .flat_map(|(count, from, step)| (0..count).map(move |n| 5 << 26 | (from + n * step)))
                .collect()
        });
        let wide = proptest::collection::vec(0..6u32 << 26, 17..60);
        (up, prop_oneof![3 => few, 3 => runs, 1 => wide]).prop_map(|(up, cells)| {
            let cells: BTreeSet<CellKey> = cells.into_iter().map(|c| if up > 13 { 0 } else { c >> (2 * up) }).collect();
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

    /// Many cells and few, each of any level, where they are likely to be near each other without touching.
    fn large_and_few() -> impl Strategy<Value = [(u8, Vec<CellKey>); 2]> {
        (0..12u8, 0..15u8, 17..60usize).prop_flat_map(|(own, up, many)| {
            let room = (256u32 << (2 * own)).min(1 << 26);
            let cell = || (prop_oneof![4 => Just(0u32), 1 => 0..6u32], 0..room).prop_map(|(face, n)| face << 26 | n);
            let at = |up: u8, count| {
                proptest::collection::vec(cell(), count).prop_map(move |cells| {
                    let cells: BTreeSet<CellKey> =
                        cells.into_iter().map(|c| if up > 13 { 0 } else { c >> (2 * up) }).collect();
                    (up, cells.into_iter().collect())
                })
            };
            [at(own, many).boxed(), at(up, 1).boxed()]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
        #[test]
        fn many_cells_of_any_level_are_met_by_what_touches_one_of_them([(own, cells), (up, few)] in large_and_few()) {
            let mut index = Index::default();
            index.insert(Id::MIN, &[Extent { cells: cells.clone(), levels_up: own, ..Extent::default() }]);
            let mut met = false;
            index.search(&few, up, (0, 0), (None, None), |_| { met = true; false });
            prop_assert_eq!(met, cells.iter().any(|c| few.iter().any(|d| touch((own, *c), (up, *d)))));
        }
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

    #[test]
    fn what_is_large_is_entered_by_blocks_and_met_in_its_cells_alone() {
        let second = |from: u32| Extent { cells: (0..2400).map(|n| from + 2 * n).collect(), ..Extent::default() };
        let mut index = Index::default();
        index.insert(Id::MIN, &[second(0)]);
        assert_eq!(index.tree.len(), 4800 / 64);
        let met = |cells: &[CellKey]| {
            let mut met = false;
            index.search(cells, 0, (0, 0), (None, None), |_| {
                met = true;
                false
            });
            met
        };
        assert!(!met(&second(1).cells) && met(&[1, 4798, 4799]) && !met(&[4800]));
        // What is small stays where it is: it is not passed over by whoever asks for its neighbour.
        let small = Extent { cells: (0..SINGLE_MAX as u32).collect(), ..Extent::default() };
        index.insert(Id::MAX, &[small]);
        assert_eq!(index.tree.len(), 4800 / 64 + SINGLE_MAX);
    }

    #[test]
    fn what_is_found_again_is_not_looked_at_again() {
        let (mut sifted, mut looked) = (Sifted::default(), 0);
        for id in [Id::MIN, Id::MAX, Id::MIN, Id::MAX] {
            let wanted = || {
                looked += 1;
                id == Id::MAX
            };
            sifted.sift(id, wanted);
        }
        assert_eq!((looked, sifted.len(), sifted.wanted()), (2, 1, [Id::MAX].into()));
    }
}
