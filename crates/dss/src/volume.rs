//! Where and when: sets of cells with a span of time and of height.
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};

/// A cell of level 13: the upper 29 bits of its S2 id, which are all that say something.
pub type CellKey = u32;

/// One volume of an entity as it is held: the shape itself is the managing USS's to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Extent {
    /// Cells, ascending.
    #[n(0)]
    pub cells: Vec<CellKey>,
    /// Beginning, which belongs to it.
    #[n(1)]
    pub start: i64,
    /// End, which belongs to it too.
    #[n(2)]
    pub end: i64,
    /// Lowest height; without one there is no floor.
    #[n(3)]
    pub lower: Option<i64>,
    /// Highest height; without one there is no ceiling.
    #[n(4)]
    pub upper: Option<i64>,
    /// Its cells are larger, by so many levels: two bits of each key fewer for each, and beyond 13 the whole earth. Clients' areas
    /// are small enough for level 13; peers' need not be.
    #[n(5)]
    #[cbor(default)]
    pub levels_up: u8,
}

/// What is asked for in a query; a bound that is left out bounds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AreaOfInterest {
    /// Cells, ascending.
    pub cells: Vec<CellKey>,
    /// Not over before this.
    pub start: Option<i64>,
    /// Not later than this.
    pub end: Option<i64>,
    /// Not wholly below this.
    pub lower: Option<i64>,
    /// Not wholly above this.
    pub upper: Option<i64>,
}

/// Lowest and highest height; a bound that is left out bounds nothing.
pub(crate) type Heights = (Option<i64>, Option<i64>);

/// Every height.
pub(crate) const ALL_HEIGHTS: Heights = (None, None);

/// Whether two spans of height have a point in common.
pub(crate) fn heights_meet(a: Heights, b: Heights) -> bool {
    let below = |upper: Option<i64>, lower: Option<i64>| matches!((upper, lower), (Some(u), Some(l)) if u < l);
    !below(a.1, b.0) && !below(b.1, a.0)
}

impl Extent {
    pub(crate) const fn heights(&self) -> Heights {
        (self.lower, self.upper)
    }
}

/// The span of time of all extents; nothing of none.
pub(crate) fn span(extents: &[Extent]) -> Option<(i64, i64)> {
    let start = extents.iter().map(|e| e.start).min()?;
    Some((start, extents.iter().map(|e| e.end).max()?))
}

/// Cells of all extents together.
pub(crate) fn count(extents: &[Extent]) -> usize {
    extents.iter().map(|e| e.cells.len()).sum()
}

/// What all extents of a client lie in.
pub(crate) fn around(extents: &[Extent]) -> Extent {
    let (start, end) = span(extents).unwrap_or_default();
    let cells: BTreeSet<CellKey> = extents.iter().flat_map(|e| &e.cells).copied().collect();
    let lower = extents.iter().map(|e| e.lower).min().flatten();
    let upper = match extents.iter().any(|e| e.upper.is_none()) {
        true => None,
        false => extents.iter().map(|e| e.upper).max().flatten(),
    };
    Extent { cells: cells.into_iter().collect(), start, end, lower, upper, levels_up: 0 }
}

/// Whether `outer` has every cell of `inner`; both ascending.
pub(crate) fn has_all(outer: &[CellKey], inner: &[CellKey]) -> bool {
    inner.iter().all(|cell| outer.binary_search(cell).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn heights_that_touch_meet_and_a_bound_that_is_missing_bounds_nothing() {
        let at = |lower, upper| (Some(lower), Some(upper));
        assert!(heights_meet(at(0, 100), at(100, 200)));
        assert!(!heights_meet(at(0, 100), at(101, 200)));
        assert!(!heights_meet(at(101, 200), at(0, 100)));
        assert!(heights_meet((None, Some(5)), (None, Some(-5))));
        assert!(!heights_meet((Some(6), None), (None, Some(5))));
    }

    #[test]
    fn what_lies_around_has_no_bound_where_one_of_them_has_none() {
        let one = Extent { cells: vec![3, 9], start: 5, end: 9, lower: Some(1), upper: Some(2), levels_up: 0 };
        let two = Extent { cells: vec![1, 3], start: 2, end: 7, upper: None, lower: Some(-4), levels_up: 0 };
        let both = around(&[one, two]);
        assert_eq!(both, Extent { cells: vec![1, 3, 9], start: 2, end: 9, lower: Some(-4), upper: None, levels_up: 0 });
        assert!(has_all(&both.cells, &[1, 9]) && !has_all(&both.cells, &[1, 2]));
    }
}
