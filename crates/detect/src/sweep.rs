//! All pairs of a picture.
use crate::encounter::{Encounter, track_track};
use crate::grid::{Bounds, CLASS_MAX, Cell};
use crate::kinematics::Kinematics;
use crate::minima::MinimaTable;
use crate::verdict::Why;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;
use units::{AircraftClass, Height};

/// One track of a sweep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// State at the sweep's reference time.
    pub track: Kinematics,
    /// Class, for the minima.
    pub class: AircraftClass,
}

/// Two tracks in conflict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Index of the first; `i < j`.
    pub i: usize,
    /// Index of the second.
    pub j: usize,
    /// How they meet.
    pub encounter: Encounter,
}

/// What a sweep found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sweep {
    /// Pairs in conflict, ascending by (i, j).
    pub pairs: Vec<Pair>,
    /// Tracks about which not everything can be said, ascending. Those without a velocity still take part, standing
    /// still; the others take no part.
    pub unknown: Vec<(usize, Why)>,
    /// Pairs in conflict that are not among them: of one group only so many are kept.
    pub cut: usize,
}

impl Sweep {
    /// The `cap` pairs that begin first (ties by index), and how many were left off.
    #[must_use]
    pub fn first_by_tin(&self, cap: usize) -> (Vec<Pair>, usize) {
        let mut pairs = self.pairs.clone();
        pairs.sort_by(|p, q| p.encounter.tin_s.total_cmp(&q.encounter.tin_s).then((p.i, p.j).cmp(&(q.i, q.j))));
        pairs.truncate(cap);
        let cut = self.pairs.len() - pairs.len();
        (pairs, cut)
    }
}

/// Every pair in conflict, through a filter that only leaves out pairs out of each other's reach.
///
/// All tracks need the reference time of the first; the others are listed as unknown.
#[must_use]
pub fn sweep(items: &[Item], minima: &MinimaTable) -> Sweep {
    sweep_between(items, |_| 0, minima, usize::MAX)
}

/// Of the pairs of [`sweep()`] those that have a track of group 0 in them. A pair is of the group of its other track; of each
/// group the `max` that begin first are kept (ties by index) and the others counted. So whoever tells of many tracks in one
/// place takes up no room that others need, nor the time of their squares.
#[must_use]
pub fn sweep_between(items: &[Item], group: impl Fn(usize) -> u16, minima: &MinimaTable, max: usize) -> Sweep {
    let Setup { unknown, taking_part, bounds } = Setup::of(items, minima);
    let levels = Level::build(items, &taking_part, &bounds, |i| group(i) == 0);
    let mut kept: BTreeMap<u16, Kept> = BTreeMap::new();
    for (n, coarse) in levels.iter().enumerate() {
        for fine in &levels[..=n] {
            fine.against(coarse, &bounds, |p, q| {
                let (i, j) = if p < q { (p, q) } else { (q, p) };
                if let Some(pair) = judge(items, i, j, minima) {
                    kept.entry(group(i).max(group(j))).or_default().push(pair, max);
                }
            });
        }
    }
    let mut out = Sweep { unknown, ..Sweep::default() };
    for mut of_group in kept.into_values() {
        of_group.only(max);
        out.cut += of_group.cut;
        out.pairs.append(&mut of_group.pairs);
    }
    out.pairs.sort_unstable_by_key(|pair| (pair.i, pair.j));
    out
}

/// The pairs of one group that begin first.
#[derive(Default)]
struct Kept {
    pairs: Vec<Pair>,
    cut: usize,
}

impl Kept {
    fn push(&mut self, pair: Pair, max: usize) {
        self.pairs.push(pair);
        if self.pairs.len() >= max.saturating_mul(2) {
            self.only(max);
        }
    }

    fn only(&mut self, max: usize) {
        if self.pairs.len() > max {
            self.pairs.select_nth_unstable_by(max, |p, q| {
                p.encounter.tin_s.total_cmp(&q.encounter.tin_s).then((p.i, p.j).cmp(&(q.i, q.j)))
            });
            self.cut += self.pairs.len() - max;
            self.pairs.truncate(max);
        }
    }
}

/// The same by judging all pairs: the oracle, and the baseline of benchmarks.
#[must_use]
pub fn brute_force(items: &[Item], minima: &MinimaTable) -> Sweep {
    let Setup { unknown, taking_part, .. } = Setup::of(items, minima);
    let mut pairs = Vec::new();
    for (n, &i) in taking_part.iter().enumerate() {
        for &j in &taking_part[n + 1..] {
            pairs.extend(judge(items, i, j, minima));
        }
    }
    Sweep { pairs, unknown, cut: 0 }
}

fn judge(items: &[Item], i: usize, j: usize, minima: &MinimaTable) -> Option<Pair> {
    let (a, b) = (&items[i], &items[j]);
    let encounter = track_track(&a.track, &b.track, &minima.get(a.class, b.class)).conflict()?;
    Some(Pair { i, j, encounter })
}

struct Setup {
    unknown: Vec<(usize, Why)>,
    taking_part: Vec<usize>,
    bounds: Bounds,
}

impl Setup {
    fn of(items: &[Item], minima: &MinimaTable) -> Self {
        let (mut unknown, mut taking_part, mut present) = (Vec::new(), Vec::with_capacity(items.len()), [false; 5]);
        for (i, Item { track, class }) in items.iter().enumerate() {
            if track.t0 != items[0].track.t0 {
                unknown.push((i, Why::ReferenceTime));
                continue;
            }
            if let Some(why) = track.unknown {
                unknown.push((i, why));
                continue;
            }
            if !track.velocity_known {
                unknown.push((i, Why::Velocity));
            }
            taking_part.push(i);
            present[*class as usize] = true;
        }
        let widest = minima.widest(present);
        let bounds = Bounds::of(&widest, 0);
        Self { unknown, taking_part, bounds }
    }
}

/// The tracks of one reach class, sorted by cell, in columns for the filter.
struct Level {
    class: u8,
    cells: Vec<(Cell, usize)>,
    items: Vec<usize>,
    /// Which of them are wanted with any other, and where these stand.
    wanted: Vec<bool>,
    wanted_at: Vec<usize>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    reach: Vec<f64>,
    /// Pressure altitude, 0.1 mm; not a number if not known, which no comparison leaves out.
    height: Vec<f64>,
    /// By how much it may change within the horizon.
    rise: Vec<f64>,
}

impl Level {
    /// The classes that occur, ascending.
    fn build(items: &[Item], taking_part: &[usize], bounds: &Bounds, wanted: impl Fn(usize) -> bool) -> Vec<Self> {
        let mut keyed: Vec<(u8, Cell, usize)> = taking_part
            .iter()
            .map(|&i| {
                let class = bounds.class(items[i].track.speed_mps);
                (class, bounds.cell(class, items[i].track.pos), i)
            })
            .collect();
        keyed.sort_unstable();
        (0..=CLASS_MAX)
            .filter_map(|class| {
                let from = keyed.partition_point(|k| k.0 < class);
                let to = keyed.partition_point(|k| k.0 <= class);
                (from < to).then(|| Self::new(class, &keyed[from..to], items, bounds, &wanted))
            })
            .collect()
    }

    fn new(
        class: u8,
        keyed: &[(u8, Cell, usize)],
        items: &[Item],
        bounds: &Bounds,
        wanted: impl Fn(usize) -> bool,
    ) -> Self {
        let wanted: Vec<bool> = keyed.iter().map(|k| wanted(k.2)).collect();
        let mut cells: Vec<(Cell, usize)> = Vec::new();
        for (n, (_, cell, _)) in keyed.iter().enumerate() {
            if cells.last().is_none_or(|(last, _)| last != cell) {
                cells.push((*cell, n));
            }
        }
        let column = |f: fn(&Kinematics) -> f64| keyed.iter().map(|k| f(&items[k.2].track)).collect();
        let mut level = Self {
            class,
            cells,
            items: keyed.iter().map(|k| k.2).collect(),
            wanted_at: (0..keyed.len()).filter(|at| wanted[*at]).collect(),
            wanted,
            x: column(|k| k.pos[0]),
            y: column(|k| k.pos[1]),
            z: column(|k| k.pos[2]),
            reach: column(|k| k.speed_mps),
            height: column(|k| k.pressure.map_or(f64::NAN, |h| f64::from(h.0))),
            rise: column(|k| libm::fabs(k.climb_mps) * f64::from(Height::PER_METRE)),
        };
        level.reach.iter_mut().for_each(|r| *r = bounds.reach(*r));
        level.rise.iter_mut().for_each(|r| *r = *r * bounds.horizon_s + 1.0);
        level
    }

    /// Where the tracks of cells `low` to `high` of one column of cells (same x and y) stand.
    fn run(&self, x: i32, y: i32, low: i32, high: i32) -> Range<usize> {
        let from = self.cells.partition_point(|(c, _)| *c < [x, y, low]);
        let to = from + self.cells[from..].partition_point(|(c, _)| *c <= [x, y, high]);
        let start = |n: usize| self.cells.get(n).map_or(self.items.len(), |(_, at)| *at);
        start(from)..start(to)
    }

    /// Calls `found` for every pair of a track of `self` and one of `coarse` (of the same or a higher class) that are
    /// within reach of each other; each pair once.
    fn against(&self, coarse: &Self, bounds: &Bounds, mut found: impl FnMut(usize, usize)) {
        let same = self.class == coarse.class;
        let mut runs: Vec<Range<usize>> = Vec::new();
        for (n, (cell, from)) in self.cells.iter().enumerate() {
            let to = self.cells.get(n + 1).map_or(self.items.len(), |(_, at)| *at);
            let (low, high) = if same { around(*cell) } else { self.span(*cell, coarse, bounds) };
            runs.clear();
            for x in low[0]..=high[0] {
                for y in low[1]..=high[1] {
                    let run = coarse.run(x, y, low[2], high[2]);
                    // Of two tracks of the same class the earlier one in the sorted order finds the other.
                    let behind = same && run.end <= *from;
                    if !run.is_empty() && !behind {
                        runs.push(run);
                    }
                }
            }
            for p in *from..to {
                for run in &runs {
                    let start = if same { run.start.max(p + 1) } else { run.start };
                    let mut look = |q: usize| {
                        if self.near(p, coarse, q, bounds) {
                            found(self.items[p], coarse.items[q]);
                        }
                    };
                    if self.wanted[p] {
                        (start..run.end).for_each(&mut look);
                        continue;
                    }
                    let at = coarse.wanted_at.partition_point(|q| *q < start);
                    coarse.wanted_at[at..].iter().take_while(|q| **q < run.end).for_each(|q| look(*q));
                }
            }
        }
    }

    fn span(&self, cell: Cell, coarse: &Self, bounds: &Bounds) -> (Cell, Cell) {
        let (edge, apart) = (bounds.edge(self.class), bounds.apart(self.class, coarse.class));
        let low = cell.map(|c| f64::from(c) * edge - apart);
        let high = cell.map(|c| (f64::from(c) + 1.0) * edge + apart);
        bounds.cells(coarse.class, low, high)
    }

    fn near(&self, p: usize, other: &Self, q: usize, bounds: &Bounds) -> bool {
        let dz = libm::fabs(other.height[q] - self.height[p]);
        if dz > bounds.vertical + self.rise[p] + other.rise[q] {
            return false;
        }
        let (dx, dy, dz) = (other.x[q] - self.x[p], other.y[q] - self.y[p], other.z[q] - self.z[p]);
        let far = self.reach[p] + other.reach[q] + bounds.zone_m;
        dx * dx + dy * dy + dz * dz <= far * far
    }
}

fn around(cell: Cell) -> (Cell, Cell) {
    (cell.map(|c| c - 1), cell.map(|c| c + 1))
}
