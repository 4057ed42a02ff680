//! What leaves for one peer, and when.
use airspace::{Limit, Outline, Volume4d};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Avoid, BATCH_MAX, Body, PartyId, Record, ReleaseForm, SubjectId, TextLimits, TrackBatch};
use track::TrackReport;
use units::{Altitude, Height, Mono, Now, Reference, Utc};

use crate::addressed::Heading;
use crate::grid::Grid;
use crate::keyed;
use crate::lanes::{BLOCK, Cells, DRIFT_MAX_MM, FAST_BOUND_MPS, Lane, Occupied, Row, Rows};
use crate::marking::Marking;
use crate::mention::{Mentions, Who};
use crate::names::{Names, Source};
use crate::policy::{Identity, Level, Policy, RecordClass, Rule};
use crate::ready::Ready;
use crate::released::{Basis, Envelope, LevelName, ReleaseError, Released};
use crate::told::{OfService, Told};
use crate::view::{SPEED_BOUND_MPS, reduce};

/// Rows that may wait in one releaser: 200,000 × 200 B are 40 MB; an hour's delay at 55 rows a second.
pub const QUEUE_ROWS_MAX: u64 = 200_000;
/// A report that waited for a peer that does not ask is not told when it is older than this and its rule's delay, ms: no node
/// takes one that old into its picture (`link::OLD_MS`), and the aircraft may fly under another rule by then.
const WAITED_MAX_MS: i64 = 120_000;
/// Greatest vertical rate that an avoid area allows for: 40 m/s, 7,900 ft/min.
const CLIMB_BOUND_MPS: i64 = 40;
/// How often names are swept.
const SWEEP_MS: u64 = 60_000;

/// The state of release to one peer.
///
/// Reports are offered as they come and leave at [`Releaser::flush`], which is called once a second whether or not
/// there is anything, so that the time of sending tells nothing. What is offered and not released leaves no trace here.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Releaser {
    #[n(0)]
    peer: PartyId,
    #[n(1)]
    secret: [u8; 32],
    /// The rules under which the lanes were filled. On a change of this peer's rules what waits is dropped: it was
    /// allowed under rules that no longer hold. A change of another peer's rules must not show here.
    #[n(2)]
    rules: Vec<Rule>,
    /// One lane per rule.
    #[n(3)]
    lanes: Vec<Lane>,
    #[n(4)]
    names: Names,
    /// Track batches sent so far: their revision.
    #[n(5)]
    batches: u32,
    #[n(6)]
    dropped: u64,
    #[n(7)]
    swept: Mono,
    #[n(8)]
    pub(crate) told: BTreeMap<(SubjectId, u8), Told>,
    /// How much of that each traffic service filed.
    #[n(10)]
    #[cbor(default)]
    pub(crate) services: BTreeMap<String, OfService>,
    /// What follows from the rules.
    #[cbor(skip)]
    ready: Ready,
}

impl Releaser {
    /// A releaser to the audience of this envelope, under its pact and in its mode. The secret is the node's own; numbers,
    /// pseudonyms and derived subjects are as good as it is. They come from a key of this peer, mode and pact, so that what
    /// was told in an exercise or under an older pact cannot be laid beside what is told now.
    #[must_use]
    pub fn under(envelope: &Envelope, secret: &[u8; 32]) -> Self {
        let mode = envelope.mode.label();
        let parts: [&[u8]; 4] = [b"releaser", envelope.audience.as_str().as_bytes(), mode.as_bytes(), &envelope.pact.0];
        Self::new(envelope.audience.clone(), keyed::derived(secret, &parts))
    }

    /// A releaser to `peer` with a key of its own; see [`Releaser::under`].
    #[must_use]
    pub fn new(peer: PartyId, secret: [u8; 32]) -> Self {
        Self {
            peer,
            secret,
            rules: Vec::new(),
            lanes: Vec::new(),
            names: Names::default(),
            batches: 0,
            dropped: 0,
            swept: Mono(0),
            told: BTreeMap::new(),
            services: BTreeMap::new(),
            ready: Ready::default(),
        }
    }

    /// To whom.
    #[must_use]
    pub fn peer(&self) -> &PartyId {
        &self.peer
    }

    /// Rows waiting for their delay or the next flush.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.lanes.iter().map(Lane::len).sum()
    }

    /// Rows dropped because [`QUEUE_ROWS_MAX`] waited, or because the peer knew too many tracks. Never silent: show it.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Number of tracks the peer knows a number of.
    #[must_use]
    pub fn tracks_named(&self) -> usize {
        self.names.len()
    }

    /// The internal number of the track that the peer knows as `released`.
    #[must_use]
    pub fn internal(&self, released: u64) -> Option<u64> {
        self.names.internal(released)
    }

    /// The number by which the peer knows the track.
    #[must_use]
    pub fn released(&self, internal: u64) -> Option<u64> {
        self.names.released(internal)
    }

    /// A track is known by another internal number from now on; the peer goes on knowing it by the same. What waits was
    /// allowed before that was known, and is dropped. Whether something was known by the old number.
    pub fn rename(&mut self, old: u64, new: u64) -> bool {
        let mut known = self.names.rename(old, new);
        if known {
            self.forget_waiting(old);
        }
        // What is told as cells has no name.
        for lane in &mut self.lanes {
            if let Lane::Cells(cells) = lane {
                known |= cells.forget(old);
            }
        }
        known
    }

    /// Our subject of what the peer was told of under `told`.
    #[must_use]
    pub fn own_subject(&self, told: SubjectId) -> Option<SubjectId> {
        self.told.iter().find(|(_, t)| t.subject() == told).map(|((own, _), _)| *own)
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// This peer's rules, or none if the policy fails its check.
    pub(crate) fn rules_of<'a>(&self, policy: &'a Policy) -> &'a [Rule] {
        if policy.check().is_ok() { policy.rules_for(&self.peer) } else { &[] }
    }

    /// Offers own reports, `local` being an internal number that does not depend on what else is flown. The policy decides; the rest leaves no trace.
    pub fn offer_tracks(&mut self, policy: &Policy, own: &[TrackReport], now: Now) {
        self.offer_marked(policy, own, &BTreeMap::new(), now);
    }

    /// Offers own reports with the markings of those that bear one, by internal number.
    pub fn offer_marked(&mut self, policy: &Policy, own: &[TrackReport], marked: &BTreeMap<u64, Marking>, now: Now) {
        self.follow(policy, now);
        if self.rules.iter().all(|r| r.class != RecordClass::Tracks || r.level == Level::Withheld) {
            return;
        }
        if own.windows(2).all(|w| w[0].local <= w[1].local) {
            self.offer_sorted(own.iter(), own.len(), marked, now);
        } else {
            let mut sorted: Vec<&TrackReport> = own.iter().collect();
            sorted.sort_by_key(|r| r.local);
            self.offer_sorted(sorted.into_iter(), own.len(), marked, now);
        }
    }

    fn offer_sorted<'a>(
        &mut self,
        own: impl Iterator<Item = &'a TrackReport>,
        count: usize,
        marked: &BTreeMap<u64, Marking>,
        now: Now,
    ) {
        let mut rows: Vec<Vec<Row>> = alloc::vec![Vec::new(); self.rules.len()];
        let has_cells = self.lanes.iter().any(|l| matches!(l, Lane::Cells(_)));
        let source = Source { secret: &self.secret, peer: &self.peer };
        let mut cursor = 0;
        self.ready.make(&self.rules);
        let holding = self.ready.holding(&self.rules, now.utc);
        for report in own {
            let marking = if marked.is_empty() { None } else { marked.get(&report.local).copied() };
            let Some(index) = self.ready.first(holding, report, marking) else { continue };
            let Rule { level, every_ms, .. } = self.rules[index];
            let (rule, index) = (index as u16, lane_of(&self.rules, index));
            // One report out of range would keep its whole batch back; it is refused where it comes in, too.
            if report.check().is_err() {
                self.dropped += 1;
                continue;
            }
            if has_cells {
                note(&mut self.lanes, (index, rule), report, now.mono);
            }
            let (precision_mm, identity) = match level {
                Level::Full => (0, Identity::Keep),
                Level::Reduced { precision_mm, identity, .. } => (precision_mm, identity),
                Level::Withheld | Level::AvoidArea { .. } | Level::Coarse { .. } => continue,
            };
            let Some(local) = self.names.name(&mut cursor, report, identity, source, now.mono) else {
                self.dropped += 1;
                continue;
            };
            if every_ms.is_some_and(|every_ms| !self.names.takes(cursor, every_ms, now.mono)) {
                continue;
            }
            if rows[index].capacity() == 0 {
                rows[index].reserve(count);
            }
            let reduced = reduce(TrackReport { local, ..*report }, precision_mm, identity);
            rows[index].push(Row { internal: report.local, report: reduced, who: Who::of(report) });
        }
        for ((lane, rows), rule) in self.lanes.iter_mut().zip(rows).zip(&self.rules) {
            if let Lane::Rows(lane) = lane {
                lane.push(rows, delay_ms(rule.level), now.mono);
            }
        }
        self.bound();
    }

    /// Makes the records that leave at this tick. To be called once a second, with or without anything offered.
    ///
    /// # Errors
    /// Only if the envelope's mode is none: everything else was checked.
    pub fn flush(
        &mut self,
        policy: &Policy,
        envelope: &Envelope,
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        assert_eq!(envelope.audience, self.peer, "an envelope for another peer");
        self.follow(policy, now);
        let mut out = Vec::new();
        for index in 0..self.lanes.len() {
            let level = self.rules[index].level;
            if let Lane::Cells(cells) = &mut self.lanes[index] {
                // Of each track by the rule that let it out: rules of other times share the lane.
                let rules = &self.rules;
                cells.keep(|rule| rules.get(usize::from(rule)).is_some_and(|rule| rule.holds_at(now.utc)));
            } else if !self.rules[index].holds_at(now.utc) {
                // What waits was allowed by a rule that does not hold now.
                self.lanes[index].clear();
                continue;
            }
            match &mut self.lanes[index] {
                Lane::None => {}
                Lane::Rows(rows) => {
                    let mut due = rows.due(now.mono);
                    let oldest = WAITED_MAX_MS + i64::from(delay_ms(level));
                    due.retain(|row| now.utc.since_ms(row.report.at) <= oldest);
                    self.release_rows(&mut out, due, level, (policy.revision, index as u16), envelope, now)?;
                }
                Lane::Cells(cells) => {
                    let Some((grid, bin_ms)) = cells_of(level) else { continue };
                    if let Some(occupied) = cells.begin(bin(now.utc, bin_ms), grid, now.mono) {
                        let start = Utc(bin(now.utc, bin_ms) * i64::from(bin_ms));
                        let (revision, level) = (policy.revision, level.name());
                        let tick = Tick { revision, level, grid, bin_ms, start, index: index as u16 };
                        self.release_cells(&mut out, &occupied, &tick, envelope, now)?;
                    }
                }
            }
        }
        if now.mono.since_ms(self.swept) >= SWEEP_MS {
            self.swept = now.mono;
            self.names.sweep(now.mono);
            self.sweep_told(now.utc);
        }
        Ok(out)
    }

    /// What [`Releaser::flush`] would give, without changing anything.
    ///
    /// # Errors
    /// As [`Releaser::flush`].
    pub fn preview(
        &self,
        policy: &Policy,
        envelope: &Envelope,
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        self.clone().flush(policy, envelope, now)
    }

    /// What the peer would be sent of these tracks under a policy that may differ from the one in force.
    ///
    /// # Errors
    /// As [`Releaser::flush`].
    pub fn preview_of(
        &self,
        policy: &Policy,
        envelope: &Envelope,
        (own, marked): (&[TrackReport], &BTreeMap<u64, Marking>),
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        let mut copy = self.clone();
        copy.offer_marked(policy, own, marked, now);
        copy.flush(policy, envelope, now)
    }

    /// Takes over this peer's rules; to be called when they change, so that the bins of cells begin then, and not with the
    /// first report, which may be one that is withheld. A policy that fails its check is taken as empty: nothing is released
    /// under it.
    pub fn follow(&mut self, policy: &Policy, now: Now) {
        if policy.rules_for(&self.peer) == self.rules {
            return;
        }
        self.rules = self.rules_of(policy).to_vec();
        self.ready.forget();
        self.lanes = (0..self.rules.len()).map(|index| lane(&self.rules, index, now.utc)).collect();
    }

    /// Drops what waits of a track: it is marked otherwise now, and other rules decide of it.
    pub fn forget_waiting(&mut self, internal: u64) {
        for lane in &mut self.lanes {
            match lane {
                Lane::None => {}
                Lane::Rows(rows) => rows.forget(internal),
                Lane::Cells(cells) => {
                    cells.forget(internal);
                }
            }
        }
    }

    fn bound(&mut self) {
        while self.waiting() > QUEUE_ROWS_MAX {
            let longest = self.lanes.iter_mut().filter_map(|l| if let Lane::Rows(r) = l { Some(r) } else { None });
            let Some(rows) = longest.max_by_key(|r| r.len()) else { return };
            match rows.drop_oldest() {
                0 => return,
                dropped => self.dropped += dropped,
            }
        }
    }

    fn release_rows(
        &mut self,
        out: &mut Vec<Released<Record>>,
        due: Vec<Row>,
        level: Level,
        (revision, index): (u32, u16),
        envelope: &Envelope,
        now: Now,
    ) -> Result<(), ReleaseError> {
        let (form, keeps) = match level {
            Level::Reduced { precision_mm, delay_ms, identity } => {
                ((ReleaseForm::Reduced, precision_mm, delay_ms), identity == Identity::Keep)
            }
            _ => ((ReleaseForm::Full, 0, 0), true),
        };
        let basis = Basis::Rule { revision, index, level: level.name() };
        if keeps {
            for part in due.chunks(BATCH_MAX) {
                let mentions = Mentions::of(part.iter().enumerate().map(|(at, row)| row.mention(at, index)));
                self.release_batch(out, (part, |row: &Row| &row.report), form, (basis, mentions), envelope, now)?;
            }
            return Ok(());
        }
        // The order of internal numbers would tell which anonymous track is which named one. Numbers are sorted, not rows,
        // which are seven times as long.
        let mut order: Vec<(u64, usize)> = due.iter().enumerate().map(|(at, row)| (row.report.local, at)).collect();
        order.sort_unstable();
        for part in order.chunks(BATCH_MAX) {
            let mentions = Mentions::of(part.iter().enumerate().map(|(at, (_, from))| due[*from].mention(at, index)));
            let report = |(_, from): &(u64, usize)| &due[*from].report;
            self.release_batch(out, (part, report), form, (basis, mentions), envelope, now)?;
        }
        Ok(())
    }

    fn release_batch<'r, R>(
        &mut self,
        out: &mut Vec<Released<Record>>,
        (reports, of): (&'r [R], impl Fn(&'r R) -> &'r TrackReport),
        (form, precision_mm, delay_ms): (ReleaseForm, u32, u32),
        (basis, mentions): (Basis, Mentions),
        envelope: &Envelope,
        now: Now,
    ) -> Result<(), ReleaseError> {
        let base = now.utc.plus_ms(-now.utc.0.rem_euclid(1000));
        let mut batch = TrackBatch::pack_of(base, reports, of).map_err(record::RecordError::Batch)?;
        (batch.form, batch.precision_mm, batch.delay_ms) = (form, precision_mm, delay_ms);
        self.batches += 1;
        let subject = keyed::subject(&self.secret, &[b"tracks", self.peer.as_str().as_bytes()]);
        let heading = Heading { revision: self.batches, ..Heading::new(subject) };
        let body = Body::Tracks(alloc::boxed::Box::new(batch));
        out.push(Released::seal(envelope.record(&heading, body, now), basis, reports.len() as u32, mentions)?);
        Ok(())
    }

    fn release_cells(
        &mut self,
        out: &mut Vec<Released<Record>>,
        occupied: &[Occupied],
        tick: &Tick,
        envelope: &Envelope,
        now: Now,
    ) -> Result<(), ReleaseError> {
        if tick.level == LevelName::Coarse {
            let mut rows: Vec<(TrackReport, &Occupied)> =
                occupied.iter().map(|o| (self.cell_row(o, tick), o)).collect();
            rows.sort_unstable_by_key(|(row, _)| row.local);
            let precision_mm = u32::try_from(tick.grid.radius_mm() + DRIFT_MAX_MM).unwrap_or(u32::MAX);
            for part in rows.chunks(BATCH_MAX) {
                let form = (ReleaseForm::Coarse, precision_mm, 0);
                let of = tick.basis(part.iter().map(|(_, o)| *o));
                self.release_batch(out, (part, |(row, _): &'_ (TrackReport, _)| row), form, of, envelope, now)?;
            }
            return Ok(());
        }
        for (part, occupied) in occupied.chunks(TextLimits::NOTICE_VOLUMES_MAX).enumerate() {
            let volumes: Vec<Volume4d> = occupied.iter().map(|o| avoid_volume(o, tick)).collect();
            let peer = self.peer.as_str().as_bytes();
            let (rule, bin) = (tick.index.to_be_bytes(), tick.start.0.to_be_bytes());
            // A clock that is set back brings a bin again, and other rules may stand at an index: what is told then is another
            // area beside the first, not one that the peer knows already and passes over.
            let at = now.mono.0.to_be_bytes();
            let parts: [&[u8]; 6] = [b"avoid", peer, &rule, &bin, &at, &(part as u32).to_be_bytes()];
            let heading = Heading {
                valid_from: Some(tick.start),
                valid_until: Some(tick.start.plus_ms(tick.bin_ms.into())),
                ..Heading::new(keyed::subject(&self.secret, &parts))
            };
            let (count, (basis, mentions)) = (volumes.len() as u32, tick.basis(occupied));
            let body = Body::Avoid(Avoid { volumes });
            out.push(Released::seal(envelope.record(&heading, body, now), basis, count, mentions)?);
        }
        Ok(())
    }

    /// One row per cell, with a number that follows from peer, cell (its place and size) and block alone. A cell that is
    /// occupied in one bin and the next keeps it, so that the peer's alerts about it stay one. It tells nothing beyond the row,
    /// which shows cell and block: that the next bin's aircraft is the last one's, nobody learns, and one that goes into
    /// another cell is not followed.
    fn cell_row(&self, o: &Occupied, tick: &Tick) -> TrackReport {
        let block = o.block.map_or((255, 0), |b| (b.reference as u8, b.index));
        let size = tick.grid.cell_e7().to_be_bytes();
        let (row, column) = (o.cell.row.to_be_bytes(), o.cell.column.to_be_bytes());
        let (reference, index) = ([block.0], block.1.to_be_bytes());
        let parts: [&[u8]; 7] = [b"cell", self.peer.as_str().as_bytes(), &size, &row, &column, &reference, &index];
        let mut report = TrackReport::new(keyed::number(&self.secret, &parts), tick.grid.centre(o.cell), tick.start);
        // A report's height ends at 100,000 m, which lies inside a block.
        let middle = |index: i32| Height((index * BLOCK + BLOCK / 2).min(1_000_000_000));
        match o.block {
            Some(b) if b.reference == Reference::Pressure => report.pressure = Some(middle(b.index)),
            Some(b) => report.geometric = Some(middle(b.index)),
            None => {}
        }
        report
    }
}

/// One bin of one lane.
struct Tick {
    revision: u32,
    level: LevelName,
    grid: Grid,
    bin_ms: u32,
    start: Utc,
    /// The lane's: the first of the rules that share it.
    index: u16,
}

impl Tick {
    /// What is in these cells, one to a row, and the first of the rules that let it out.
    fn basis<'o>(&self, occupied: impl IntoIterator<Item = &'o Occupied>) -> (Basis, Mentions) {
        let inside = occupied.into_iter().enumerate().flat_map(|(row, o)| o.mentions(row));
        let mentions = Mentions::of(inside);
        let index = mentions.first_rule().unwrap_or(self.index);
        (Basis::Rule { revision: self.revision, index, level: self.level }, mentions)
    }
}

/// A circle round the cell that holds, to the end of the bin, whatever was in the cell as it began.
fn avoid_volume(o: &Occupied, tick: &Tick) -> Volume4d {
    let speed = if o.fast { FAST_BOUND_MPS } else { SPEED_BOUND_MPS };
    let radius_mm = tick.grid.radius_mm() + DRIFT_MAX_MM + speed * i64::from(tick.bin_ms);
    let climb = CLIMB_BOUND_MPS * (i64::from(tick.bin_ms) + 10_000) * 10;
    let limit = |tenth_mm: i64, reference| match i32::try_from(tenth_mm) {
        Ok(h) => Limit::At(Altitude::Known(Height(h), reference)),
        Err(_) => Limit::Unlimited,
    };
    let (lower, upper) = match o.block {
        None => (Limit::Unlimited, Limit::Unlimited),
        Some(b) => {
            let bottom = i64::from(b.index) * i64::from(BLOCK) - climb;
            let top = i64::from(b.index + 1) * i64::from(BLOCK) + climb;
            (if bottom <= 0 { Limit::Unlimited } else { limit(bottom, b.reference) }, limit(top, b.reference))
        }
    };
    Volume4d {
        outline: Outline::Circle { centre: tick.grid.centre(o.cell).vertex(), radius_mm },
        lower,
        upper,
        start: tick.start,
        end: tick.start.plus_ms(tick.bin_ms.into()),
    }
}

impl Lane {
    fn clear(&mut self) {
        if let Self::Rows(rows) = self {
            *rows = Rows::default();
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Rows(rows) => rows.len(),
            Self::Cells(cells) => cells.len(),
        }
    }
}

fn lane(rules: &[Rule], index: usize, now: Utc) -> Lane {
    if rules[index].class != RecordClass::Tracks || lane_of(rules, index) != index {
        return Lane::None;
    }
    match rules[index].level {
        Level::Withheld => Lane::None,
        Level::AvoidArea { bin_ms, .. } | Level::Coarse { bin_ms, .. } => Lane::Cells(Cells::new(bin(now, bin_ms))),
        Level::Reduced { .. } | Level::Full => Lane::Rows(Rows::default()),
    }
}

/// Rules that release the same cells share the first one's lane, whenever they hold: two rules in one cell would tell that it
/// holds two.
fn lane_of(rules: &[Rule], index: usize) -> usize {
    let Rule { class, level, .. } = rules[index];
    if cells_of(level).is_none() {
        return index;
    }
    rules.iter().position(|r| (r.class, r.level) == (class, level)).unwrap_or(index)
}

/// Notes a track in the lane of its cells and takes it out of every other: it must not be told in two places at once.
fn note(lanes: &mut [Lane], (own, rule): (usize, u16), report: &TrackReport, now: Mono) {
    for (index, lane) in lanes.iter_mut().enumerate() {
        match lane {
            Lane::Cells(cells) if index == own => cells.note(report.local, rule, report, now),
            Lane::Cells(cells) => {
                cells.forget(report.local);
            }
            _ => {}
        }
    }
}

fn cells_of(level: Level) -> Option<(Grid, u32)> {
    match level {
        Level::AvoidArea { cell_e7, bin_ms } | Level::Coarse { cell_e7, bin_ms } => Some((Grid::new(cell_e7), bin_ms)),
        _ => None,
    }
}

const fn delay_ms(level: Level) -> u32 {
    match level {
        Level::Reduced { delay_ms, .. } => delay_ms,
        _ => 0,
    }
}

fn bin(at: Utc, bin_ms: u32) -> i64 {
    at.0.div_euclid(i64::from(bin_ms))
}

#[cfg(test)]
#[path = "releaser_tests.rs"]
mod tests;
