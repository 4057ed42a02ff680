//! What waits to be released: rows with their delay, and cells of the present bin.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use track::TrackReport;
use units::{Height, Mono, Position, Reference};

use crate::grid::{Cell, Grid};
use crate::mention::{Mention, Who};
use crate::view::SPEED_BOUND_MPS;

/// One rule's queue.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) enum Lane {
    /// The rule releases no track.
    #[n(0)]
    None,
    /// Single tracks.
    #[n(1)]
    Rows(#[n(0)] Rows),
    /// Cells.
    #[n(2)]
    Cells(#[n(0)] Cells),
}

/// Rows by the second in which they fall due. The newest per track and second is kept.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub(crate) struct Rows {
    #[n(0)]
    buckets: BTreeMap<u64, Vec<Row>>,
    #[n(1)]
    count: u64,
}

/// A reduced report and the internal number it came from, which orders the rows and never leaves; nor does who it was, which
/// is for the ledger.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Row {
    #[n(0)]
    pub internal: u64,
    #[n(1)]
    pub report: TrackReport,
    /// As offered.
    #[n(2)]
    #[cbor(default)]
    pub who: Who,
}

impl Row {
    /// The aircraft, told of in this row of a record under this rule.
    pub(crate) fn mention(&self, row: usize, rule: u16) -> Mention {
        Mention::new(self.internal, self.who, row, rule)
    }
}

impl Rows {
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// Adds rows of one offer. Without a delay they are due at once.
    pub(crate) fn push(&mut self, rows: Vec<Row>, delay_ms: u32, now: Mono) {
        if rows.is_empty() {
            return;
        }
        let due_s = if delay_ms == 0 { 0 } else { now.plus_ms(delay_ms.into()).0.div_ceil(1000) };
        self.count += rows.len() as u64;
        let bucket = self.buckets.entry(due_s).or_default();
        if bucket.is_empty() {
            *bucket = rows;
        } else {
            bucket.extend(rows);
            let before = bucket.len();
            newest(bucket);
            self.count -= (before - bucket.len()) as u64;
        }
    }

    /// Takes what is due, the newest per track, ordered by internal number.
    pub(crate) fn due(&mut self, now: Mono) -> Vec<Row> {
        let mut due: Vec<Row> = Vec::new();
        while let Some(entry) = self.buckets.first_entry() {
            if entry.key().saturating_mul(1000) > now.0 {
                break;
            }
            let rows = entry.remove();
            if due.is_empty() {
                due = rows;
            } else {
                due.extend(rows);
            }
        }
        self.count -= due.len() as u64;
        newest(&mut due);
        due
    }

    /// Drops the rows of a track.
    pub(crate) fn forget(&mut self, internal: u64) {
        self.buckets.values_mut().for_each(|rows| rows.retain(|row| row.internal != internal));
        self.buckets.retain(|_, rows| !rows.is_empty());
        self.count = self.buckets.values().map(|rows| rows.len() as u64).sum();
    }

    /// Drops the rows that have waited longest, to keep the whole bounded; gives how many.
    pub(crate) fn drop_oldest(&mut self) -> u64 {
        let dropped = self.buckets.pop_first().map_or(0, |(_, rows)| rows.len() as u64);
        self.count -= dropped;
        dropped
    }
}

/// Orders rows by internal number and keeps the last one added of each. Sorted runs, which offers are, merge in linear
/// time; a stable sort keeps the order of arrival.
fn newest(rows: &mut Vec<Row>) {
    if rows.windows(2).all(|w| w[0].internal < w[1].internal) {
        return;
    }
    rows.sort_by_key(|row| row.internal);
    let mut kept = 0;
    for at in 0..rows.len() {
        if kept > 0 && rows[kept - 1].internal == rows[at].internal {
            kept -= 1;
        }
        rows.swap(kept, at);
        kept += 1;
    }
    rows.truncate(kept);
}

/// Latest positions of the tracks that are released as cells, and the bin last told.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) struct Cells {
    #[n(0)]
    latest: BTreeMap<u64, Latest>,
    #[n(1)]
    bin: i64,
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
struct Latest {
    #[n(0)]
    at: Position,
    #[n(1)]
    block: Option<Block>,
    #[n(2)]
    fast: bool,
    #[n(3)]
    offered: Mono,
    /// Index of the rule that let it out.
    #[n(4)]
    rule: u16,
    /// As offered, for the ledger.
    #[n(5)]
    #[cbor(default)]
    who: Who,
}

/// A block of 1,000 ft, counted from the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(crate) struct Block {
    #[n(0)]
    pub reference: Reference,
    #[n(1)]
    pub index: i32,
}

/// An occupied cell: where, at what level, and whether something in it may be faster than [`SPEED_BOUND_MPS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Occupied {
    pub cell: Cell,
    pub block: Option<Block>,
    pub fast: bool,
    /// What is in it, for the ledger.
    pub inside: Vec<Mention>,
}

impl Occupied {
    /// What is in it, told of in this row of a record.
    pub(crate) fn mentions(&self, row: usize) -> impl Iterator<Item = Mention> {
        self.inside.iter().map(move |mention| mention.told_in(row))
    }
}

/// Height of a block: 1,000 ft.
pub(crate) const BLOCK: i32 = 1000 * Height::PER_FOOT;
/// Age past which a position is no longer told as a cell.
const CELL_AGE_MAX_MS: u64 = 10_000;
/// What nothing is taken to exceed, m/s.
pub(crate) const FAST_BOUND_MPS: i64 = 1000;
/// Farthest that an aircraft told as a cell may have gone since its report: 10 s at 350 m/s.
pub(crate) const DRIFT_MAX_MM: i64 = SPEED_BOUND_MPS * CELL_AGE_MAX_MS as i64;

impl Latest {
    /// The faster it is, the sooner its position is too old: all drift less than [`DRIFT_MAX_MM`].
    const fn age_max_ms(&self) -> u64 {
        if self.fast { (DRIFT_MAX_MM / FAST_BOUND_MPS) as u64 } else { CELL_AGE_MAX_MS }
    }
}

impl Cells {
    /// Begins in the present bin, so that nothing is told before it ends.
    pub(crate) fn new(bin: i64) -> Self {
        Self { latest: BTreeMap::new(), bin }
    }

    pub(crate) fn len(&self) -> u64 {
        self.latest.len() as u64
    }

    /// Notes where a track is. Aircraft on the ground are in nobody's way, and are not told.
    pub(crate) fn note(&mut self, internal: u64, rule: u16, report: &TrackReport, now: Mono) {
        if report.on_ground {
            self.latest.remove(&internal);
            return;
        }
        let block = |height: Height, reference| Block { reference, index: height.0.div_euclid(BLOCK) };
        let block = match (report.pressure, report.geometric) {
            (Some(h), _) => Some(block(h, Reference::Pressure)),
            (None, Some(h)) => Some(block(h, Reference::Wgs84)),
            (None, None) => None,
        };
        // Five sixths: it may accelerate within the bin.
        let fast = report.speed.is_some_and(|v| i64::from(v.0) > SPEED_BOUND_MPS * 1000 * 5 / 6);
        let who = Who::of(report);
        self.latest.insert(internal, Latest { at: report.position, block, fast, offered: now, rule, who });
    }

    /// Forgets the tracks whose rule does not hold now.
    pub(crate) fn keep(&mut self, holds: impl Fn(u16) -> bool) {
        self.latest.retain(|_, latest| holds(latest.rule));
    }

    /// Forgets a track that another rule releases now; whether there was one.
    pub(crate) fn forget(&mut self, internal: u64) -> bool {
        self.latest.remove(&internal).is_some()
    }

    /// The cells occupied as a new bin begins, each once; `None` while the bin told last goes on.
    pub(crate) fn begin(&mut self, bin: i64, grid: Grid, now: Mono) -> Option<Vec<Occupied>> {
        if bin == self.bin {
            return None;
        }
        self.bin = bin;
        self.latest.retain(|_, l| now.since_ms(l.offered) <= l.age_max_ms());
        let mut cells: BTreeMap<(Cell, Option<Block>), (bool, Vec<Mention>)> = BTreeMap::new();
        for (internal, l) in &self.latest {
            let (fast, inside) = cells.entry((grid.cell(l.at), l.block)).or_default();
            *fast |= l.fast;
            inside.push(Mention::new(*internal, l.who, 0, l.rule));
        }
        let occupied = |((cell, block), (fast, inside))| Occupied { cell, block, fast, inside };
        Some(cells.into_iter().map(occupied).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use units::Utc;

    fn row(internal: u64, at: i64) -> Row {
        Row { internal, report: TrackReport::new(internal, Position::default(), Utc(at)), who: Who::default() }
    }

    #[test]
    fn the_newest_of_each_track_is_kept_in_the_order_of_numbers() {
        let mut rows = Rows::default();
        rows.push(vec![row(1, 10), row(3, 10)], 0, Mono(0));
        rows.push(vec![row(2, 20), row(3, 20)], 0, Mono(100));
        rows.push(vec![row(1, 30)], 0, Mono(200));
        assert_eq!(rows.len(), 3);
        assert_eq!(rows.due(Mono(1000)), vec![row(1, 30), row(2, 20), row(3, 20)]);
        assert_eq!(rows.len(), 0);
    }

    #[test]
    fn a_delayed_row_leaves_no_earlier_than_its_delay() {
        let mut rows = Rows::default();
        rows.push(vec![row(1, 10)], 30_000, Mono(500));
        rows.push(vec![row(1, 20)], 30_000, Mono(700));
        rows.push(vec![row(1, 30)], 30_000, Mono(1_500));
        assert_eq!(rows.len(), 2, "two in one second are one");
        assert_eq!(rows.due(Mono(30_999)), vec![]);
        assert_eq!(rows.due(Mono(31_000)), vec![row(1, 20)]);
        assert_eq!(rows.due(Mono(32_000)), vec![row(1, 30)]);
    }

    #[test]
    fn two_aircraft_in_one_cell_are_one_cell() {
        let mut cells = Cells::new(0);
        let at = |lat: f64, feet: i32| {
            let mut r = TrackReport::new(0, Position::from_degrees(lat, 8.5).unwrap(), Utc(0));
            r.pressure = Some(Height::from_feet(feet));
            r
        };
        let grid = Grid::new(1_000_000);
        cells.note(1, 0, &at(47.51, 35_000), Mono(0));
        cells.note(2, 0, &at(47.52, 35_900), Mono(0));
        cells.note(3, 0, &at(47.52, 36_000), Mono(0));
        assert_eq!(cells.begin(0, grid, Mono(10)), None);
        assert_eq!(cells.begin(1, grid, Mono(10)).map(|c| c.len()), Some(2));
        assert_eq!(cells.begin(1, grid, Mono(10)), None);
        assert_eq!(cells.begin(2, grid, Mono(10_001)), Some(vec![]), "too old to be told");
        let mut ground = at(47.5, 0);
        ground.on_ground = true;
        cells.note(4, 0, &at(47.5, 1000), Mono(20_000));
        cells.note(4, 0, &ground, Mono(20_001));
        assert_eq!(cells.begin(3, grid, Mono(20_002)), Some(vec![]));
    }
}
