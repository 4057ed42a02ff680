//! Volumes and sites filed by where, at what level and when they are: an R*-tree in five dimensions.
//!
//! A filter: it may pass too many and never too few. Space is ECEF, so poles and the antimeridian are ordinary places.
//! Levels of different references cannot share an axis, so each reference has a tree of its own, and a question is put to
//! each tree in the tree's reference, widened by what [`crate::volume_volume`] allows between the two.
use crate::encounter::{MIXED_ALLOWANCE, MIXED_PART};
use crate::volume::{GROUND_M, MARGIN_UNITS, Order, below};
use airspace::Limit;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::ControlFlow;
use rstar::{AABB, RStarInsertionStrategy, RTree, RTreeObject, RTreeParams};
use units::earth::Vec3;
use units::{Altitude, Height, Reference, Utc};

/// Where something is: a box in space that holds it, its levels and its window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Corners of the box, ECEF metres, half a metre or more outside of what it holds.
    pub(crate) low: Vec3,
    pub(crate) high: Vec3,
    pub(crate) lower: Limit,
    pub(crate) upper: Limit,
    /// First and last instant; none for what is there at any time.
    pub(crate) window: Option<(Utc, Utc)>,
}

impl Extent {
    /// A ball in space (ECEF, metres) at every level in a window: where an aircraft may be.
    #[must_use]
    pub fn around(centre: Vec3, radius_m: f64, from: Utc, to: Utc) -> Self {
        let reach = radius_m + 1.0;
        let (low, high) = (centre.map(|c| c - reach), centre.map(|c| c + reach));
        Self { low, high, lower: Limit::Unlimited, upper: Limit::Unlimited, window: Some((from, to)) }
    }

    /// Whether what is in one may meet what is in the other; sets are closed.
    #[must_use]
    pub fn may_meet(&self, other: &Self) -> bool {
        let in_time = match (self.window, other.window) {
            (Some((a, b)), Some((c, d))) => a <= d && c <= b,
            _ => true,
        };
        in_time
            && (0..3).all(|n| self.low[n] <= other.high[n] && other.low[n] <= self.high[n])
            && below(self.lower, other.upper) != Order::Above
            && below(other.lower, self.upper) != Order::Above
    }

    /// The tree it is filed in.
    fn tree(&self) -> usize {
        if self.window.is_none() {
            return TIMELESS;
        }
        match (self.upper, self.lower) {
            (Limit::At(Altitude::Known(_, r)), _) | (_, Limit::At(Altitude::Known(_, r))) => number(r),
            _ => number(Reference::Pressure),
        }
    }

    /// Its box in a tree: x, y, z, level, time.
    fn corners(&self, tree: usize) -> AABB<[f64; 5]> {
        let (mut from, mut to) = ([0.0; 5], [0.0; 5]);
        for n in 0..3 {
            from[n] = self.low[n].clamp(-FAR_M, FAR_M);
            to[n] = self.high[n].clamp(-FAR_M, FAR_M);
        }
        // Of what has no time nobody asks when, nor at what level.
        if let Some(reference) = REFERENCES.get(tree).copied() {
            from[3] = level(lowest(self.lower, reference), -1);
            to[3] = level(highest(self.upper, reference), 1);
            let (start, end) = self.window.unwrap_or((Utc(i64::MIN), Utc(i64::MAX)));
            (from[4], to[4]) = (instant(start), instant(end));
        }
        // A lower limit above the upper one (they may be of different references) is turned round, which holds more.
        AABB::from_corners(from, to)
    }
}

/// Things by key, found by where, at what level and when they are. The same calls give the same answers in the same order.
#[derive(Debug, Clone)]
pub struct VolumeIndex<K: Clone + Ord> {
    trees: [RTree<Leaf<K>, Nodes>; TIMELESS + 1],
    filed: BTreeMap<K, Extent>,
}

impl<K: Clone + Ord> Default for VolumeIndex<K> {
    fn default() -> Self {
        Self { trees: core::array::from_fn(|_| RTree::new_with_params()), filed: BTreeMap::new() }
    }
}

impl<K: Clone + Ord> VolumeIndex<K> {
    /// An index with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Files a thing, in place of an earlier one of the same key.
    pub fn upsert(&mut self, key: K, extent: Extent) {
        match self.filed.insert(key.clone(), extent) {
            Some(old) if old == extent => return,
            Some(old) => self.unfile(&key, &old),
            None => {}
        }
        let tree = extent.tree();
        self.trees[tree].insert(Leaf { corners: extent.corners(tree), key });
    }

    /// Removes a thing; whether there was one.
    pub fn remove(&mut self, key: &K) -> bool {
        match self.filed.remove(key) {
            Some(old) => {
                self.unfile(key, &old);
                true
            }
            None => false,
        }
    }

    fn unfile(&mut self, key: &K, old: &Extent) {
        let tree = old.tree();
        self.trees[tree].remove(&Leaf { corners: old.corners(tree), key: key.clone() });
    }

    /// Keys of everything that may meet what is in an extent, ascending.
    #[must_use]
    pub fn meeting(&self, extent: &Extent) -> Vec<K> {
        let mut found = Vec::new();
        self.each(extent, |key| found.push(key.clone()));
        found.sort_unstable();
        found
    }

    /// The same without an order.
    pub fn each(&self, extent: &Extent, mut seen: impl FnMut(&K)) {
        for (number, tree) in self.trees.iter().enumerate().filter(|(_, tree)| tree.size() > 0) {
            let ControlFlow::Continue(()) =
                tree.locate_in_envelope_intersecting_int(extent.corners(number), |leaf: &Leaf<K>| {
                    seen(&leaf.key);
                    ControlFlow::<core::convert::Infallible>::Continue(())
                });
        }
    }

    /// Number of things.
    #[must_use]
    pub fn len(&self) -> usize {
        self.filed.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filed.is_empty()
    }
}

/// A thing in a tree.
#[derive(Debug, Clone)]
struct Leaf<K> {
    corners: AABB<[f64; 5]>,
    key: K,
}

impl<K> RTreeObject for Leaf<K> {
    type Envelope = AABB<[f64; 5]>;

    fn envelope(&self) -> Self::Envelope {
        self.corners
    }
}

/// By key alone: a key is filed once.
impl<K: PartialEq> PartialEq for Leaf<K> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

/// Size of the trees' nodes. With 8 a question among a million takes 1.7 times as long, with 32 as long as with 16 and filing
/// twice as long.
#[derive(Debug, Clone, Copy)]
struct Nodes;

impl RTreeParams for Nodes {
    const MIN_SIZE: usize = 6;
    const MAX_SIZE: usize = 16;
    const REINSERTION_COUNT: usize = 4;
    type DefaultInsertionStrategy = RStarInsertionStrategy;
}

const REFERENCES: [Reference; 4] = [Reference::Pressure, Reference::Msl, Reference::Wgs84, Reference::Agl];

/// The tree of what is there at any time and level: sites. Among volumes each would stretch its node over all time.
const TIMELESS: usize = REFERENCES.len();

const fn number(reference: Reference) -> usize {
    match reference {
        Reference::Pressure => 0,
        Reference::Msl => 1,
        Reference::Wgs84 => 2,
        Reference::Agl => 3,
    }
}

/// No point of the earth, widened by the largest radius and buffer (1,852 km each), is farther from its centre, metres.
const FAR_M: f64 = 1.1e7;
/// Levels are told apart in this range, metres; below and above it they are one, which holds more.
const LEVELS_M: (f64, f64) = (-1000.0, 30_000.0);
/// Times are told apart in this range, seconds UTC: to the year 2100.
const TIMES_S: (f64, f64) = (0.0, 4_102_444_800.0);

/// A height in 0.1 mm on the axis of levels.
fn level(height: Option<i64>, none: i32) -> f64 {
    let metres = height.map_or(f64::from(none) * f64::INFINITY, |h| h as f64 / f64::from(Height::PER_METRE));
    metres.clamp(LEVELS_M.0, LEVELS_M.1)
}

/// A second counts as a metre, and a metre of height as one: among a million volumes of a day that halves a question beside 20
/// metres, and a hundred double it. Conversion never changes an order, so what is closed stays closed.
fn instant(at: Utc) -> f64 {
    (at.0 as f64 / 1000.0).clamp(TIMES_S.0, TIMES_S.1)
}

/// The lowest height in a reference to which a lower limit need not be above, 0.1 mm: from [`below`], whose allowance grows
/// with the higher of the two. For a height y under the limit x that is x; a height over it is over this one too.
#[must_use]
pub fn lowest(limit: Limit, in_reference: Reference) -> Option<i64> {
    let Limit::At(Altitude::Known(x, reference)) = limit else { return None };
    let x = i64::from(x.0);
    if reference == in_reference {
        return Some(x - MARGIN_UNITS);
    }
    let allowance = i64::from(MIXED_ALLOWANCE.0) + x.max(0) / MIXED_PART;
    Some(x - ground(reference, in_reference) - allowance - MARGIN_UNITS)
}

/// The highest height x in a reference that need not be above an upper limit y: x - x / 20 is at most y and the allowance.
#[must_use]
pub fn highest(limit: Limit, in_reference: Reference) -> Option<i64> {
    let Limit::At(Altitude::Known(y, reference)) = limit else { return None };
    let y = i64::from(y.0);
    if reference == in_reference {
        return Some(y + MARGIN_UNITS);
    }
    let most = y + ground(in_reference, reference) + i64::from(MIXED_ALLOWANCE.0) + MARGIN_UNITS;
    Some(most + most.max(0) / (MIXED_PART - 1) + 2)
}

/// By how much a lower limit may lie under an upper one for the ground's sake, 0.1 mm.
fn ground(lower: Reference, upper: Reference) -> i64 {
    let metres = match (lower, upper) {
        (Reference::Agl, _) => -GROUND_M.0,
        (_, Reference::Agl) => GROUND_M.1,
        _ => 0,
    };
    metres * i64::from(Height::PER_METRE)
}
