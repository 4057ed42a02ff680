//! One record against the rules of one policy, from what its owner truly has.
use super::certain::Certain;
use super::release::{Filed, Flown, Own, ReleaseOracle};
use super::rules::{About, cell_m, distance_m, first, holds, no_more};
use super::services::centre;
use airspace::{Outline, Plan, Volume4d};
use record::{Body, ConflictReport, Record, ReleaseForm, TrackBatch};
use release::{Identity, Level, RecordClass, Rule};
use std::collections::{BTreeMap, BTreeSet};
use track::TrackReport;
use units::{Position, Utc};

/// A report waits for the fold for at most this long.
const ACCEPTED_MS: i64 = 500;
/// A cell tells where an aircraft was at most ten seconds before, and the fold looks each three at the longest.
const CELL_AGE_MS: u64 = 14_000;
/// What waits for a peer is told for two minutes; times are told to the second.
const WAITED_MS: i64 = 121_000;
/// Conflicts are told of reports that are no older.
const CONFLICT_AGE_MS: u64 = 120_000;
/// Whatever flies is taken to fly so fast, m/s; a report told as a cell is at most ten seconds old.
const FLIES_MPS: f64 = 350.0;
const DRIFT_M: f64 = 3_500.0;
/// How far an aircraft of the simulator flies in a second, and half a millimetre of the grid's rounding.
const SECOND_M: f64 = 40.0;

/// One record, and the rules it is held against.
pub(super) struct Judge<'a> {
    pub oracle: &'a ReleaseOracle,
    pub rules: &'a [Rule],
    /// The channel is suspended for longer than what was on its way needs.
    pub suspended: bool,
    /// Virtual time.
    pub now: u64,
    /// It was found in the log after a death: when it was put there is not known.
    pub late: bool,
    pub said: &'a Record,
}

impl Judge<'_> {
    pub(super) fn judge(&self) -> Result<(), String> {
        // What a person addresses needs no rule; of the machine's areas there is some flight or plan.
        match &self.said.body {
            Body::Avoid(_) if self.said.role.is_some() => Ok(()),
            Body::Tracks(_) | Body::Plan(_) if self.suspended => {
                Err("tracks and plans while the channel is suspended".into())
            }
            Body::Avoid(_) if self.suspended => Err("avoid areas of its own while the channel is suspended".into()),
            Body::Conflict(_) if self.suspended => Err("a conflict while the channel is suspended".into()),
            Body::Tracks(batch) => {
                let rows = batch.unpack().map_err(|error| error.to_string())?;
                rows.iter().try_for_each(|row| self.row(row, batch))
            }
            Body::Plan(plan) => self.plan(plan),
            Body::Site(_) => {
                let told = self.rule(RecordClass::Sites, None, None, None, self.said.issued_at);
                let told = told.is_some_and(|rule| rule.level != Level::Withheld);
                if told { Ok(()) } else { Err("a site".into()) }
            }
            Body::Conflict(conflict) => self.conflict(conflict),
            Body::Avoid(avoid) => avoid.volumes.iter().try_for_each(|volume| self.avoid(volume)),
            _ => Ok(()),
        }
    }

    fn rule(
        &self,
        class: RecordClass,
        aircraft: Option<units::AircraftClass>,
        marking: Option<release::Marking>,
        at: Option<Position>,
        utc: Utc,
    ) -> Option<&Rule> {
        first(self.rules, &About { class, aircraft, marking, at, utc })
    }

    /// Rules by which a report may have been let out: as it came, or as the fold took it a moment later; by each of the
    /// markings that it may bear. One whose time has ended since lets nothing out.
    fn by<'s>(&'s self, class: RecordClass, own: &'s Own, flown: &'s Flown) -> impl Iterator<Item = &'s Rule> {
        let report = &flown.report;
        let times = [report.at, report.at.plus_ms(ACCEPTED_MS)];
        let at = move |utc| own.marking.all().map(move |marking| (utc, marking));
        times
            .into_iter()
            .flat_map(at)
            .filter_map(move |(utc, m)| self.rule(class, Some(own.class), m, Some(report.position), utc))
            .filter(|rule| holds(rule, self.said.issued_at))
    }

    fn own(&self) -> impl Iterator<Item = &Own> {
        self.oracle.aircraft.values().filter(|own| own.is_own)
    }

    /// Whether a report may be taken for one so old. A node whose clock was moved while it was down cannot know for how long
    /// that was.
    fn is_recent(&self, flown: &Flown, age_ms: u64) -> bool {
        let started = self.oracle.started;
        let counted = if flown.at < started { started } else { flown.at };
        self.late || self.now <= counted + age_ms
    }

    /// A row must be of an own aircraft that the rules release, as much of it as they say.
    fn row(&self, row: &TrackReport, batch: &TrackBatch) -> Result<(), String> {
        if let Some(address) = row.address.map(|address| address.bits()) {
            let own = self.oracle.aircraft.get(&address);
            let own = own.ok_or_else(|| format!("an aircraft {address:06x} that it has not"))?;
            if !own.is_own {
                return Err(format!("{address:06x}, which only its sensor saw"));
            }
        }
        // What waited for a peer that did not ask is not told when nobody would show it: by the node's own clock, both times.
        let age_ms = self.said.issued_at.since_ms(row.at) - i64::from(batch.delay_ms);
        if !self.late && batch.form != ReleaseForm::Coarse && age_ms > WAITED_MS {
            return Err(format!("a report that is {age_ms} ms older than its delay"));
        }
        let named = row.address.is_some() || row.callsign.is_some() || row.mode_a.is_some();
        let moves = row.speed.is_some() || row.track.is_some() || row.vertical_rate.is_some();
        if batch.form == ReleaseForm::Coarse && (named || moves) {
            return Err("a cell that says who is in it, or where it goes".into());
        }
        let of = |own: &&Own| {
            let flown = own.reports.iter().filter(|flown| self.is_of(flown, row, batch));
            let mut rules = flown.flat_map(|flown| self.by(RecordClass::Tracks, own, flown).map(move |r| (flown, r)));
            rules.any(|(flown, rule)| self.lets_out(rule.level, flown, row, batch, named))
        };
        if self.own().any(|own| of(&own)) {
            return Ok(());
        }
        let who = row.address.map_or_else(|| "a track".into(), |address| format!("{:06x}", address.bits()));
        let form = (batch.form, batch.precision_mm, batch.delay_ms);
        Err(format!("{who} at {:?} as {form:?}, where no aircraft may be shown so", row.position))
    }

    /// Whether a row may have been made of a report.
    fn is_of(&self, flown: &Flown, row: &TrackReport, batch: &TrackBatch) -> bool {
        let (report, precision_m) = (&flown.report, f64::from(batch.precision_mm) / 1000.0);
        if row.address.is_some_and(|address| report.address != Some(address)) {
            return false;
        }
        let apart = distance_m(&report.position, &row.position);
        match batch.form {
            ReleaseForm::Coarse => apart <= (precision_m - DRIFT_M) * 1.02 && self.is_recent(flown, CELL_AGE_MS),
            _ if batch.precision_mm == 0 => row.at == report.at && row.position == report.position,
            _ => row.at.0 == report.at.0 - report.at.0.rem_euclid(1000) && apart <= precision_m * 1.02 + SECOND_M,
        }
    }

    /// Whether a level lets out a row of this form.
    fn lets_out(&self, level: Level, flown: &Flown, row: &TrackReport, batch: &TrackBatch, named: bool) -> bool {
        let TrackBatch { precision_mm, delay_ms, .. } = *batch;
        let kept = matches!(level, Level::Full) || self.late || flown.at < self.oracle.started || {
            let due = if let Level::Reduced { delay_ms, .. } = level { delay_ms } else { 0 };
            self.now >= flown.at + u64::from(due)
        };
        let told = match batch.form {
            ReleaseForm::Full => Level::Full,
            ReleaseForm::Reduced => {
                // Whether a number is a pseudonym cannot be seen in one row.
                let identity = if named { Identity::Keep } else { Identity::Drop };
                Level::Reduced { precision_mm, delay_ms, identity }
            }
            ReleaseForm::Coarse => {
                return match level {
                    Level::Full => true,
                    Level::Coarse { cell_e7, bin_ms } => is_cell(precision_mm, cell_e7) && is_bin(row.at, bin_ms),
                    Level::Reduced { precision_mm: least, delay_ms: 0, .. } => precision_mm >= least,
                    _ => false,
                };
            }
        };
        kept && no_more(told, level)
    }

    /// An area that the machine tells is the cell of an own flight, or the cells of an own plan, that may be told so.
    fn avoid(&self, volume: &Volume4d) -> Result<(), String> {
        let told = match &volume.outline {
            Outline::Circle { centre, radius_mm } => {
                let at = Position { lat_e7: (centre.lat_e9 / 100) as i32, lon_e7: (centre.lon_e9 / 100) as i32 };
                let bin_s = volume.end.since_ms(volume.start) as f64 / 1000.0;
                let cell = *radius_mm as f64 / 1000.0 - DRIFT_M - FLIES_MPS * bin_s;
                self.own().any(|own| {
                    let near = |flown: &&Flown| {
                        self.is_recent(flown, CELL_AGE_MS) && distance_m(&flown.report.position, &at) <= cell * 1.02
                    };
                    let mut flown = own.reports.iter().filter(near);
                    flown.any(|f| self.by(RecordClass::Tracks, own, f).any(|r| is_area(r.level, cell, volume)))
                })
            }
            outline @ Outline::Polygon(_) => self.oracle.plans.values().any(|filed| {
                let mut centres = centres(filed).filter(|centre| shows(outline, centre));
                centres.any(|centre| is_area(self.plan_level(filed, &centre), f64::INFINITY, volume))
            }),
            Outline::Corridor { .. } => false,
        };
        if told { Ok(()) } else { Err("an avoid area where nothing may be told so".into()) }
    }

    /// The level of a plan that has a volume round this place: of all that it touches one is this or less.
    fn plan_level(&self, filed: &Filed, at: &units::Vertex) -> Level {
        let at = Position { lat_e7: (at.lat_e9 / 100) as i32, lon_e7: (at.lon_e9 / 100) as i32 };
        let rule = self.rule(RecordClass::Plans, Some(filed.class), filed.marking, Some(at), self.said.issued_at);
        rule.map_or(Level::Withheld, |rule| rule.level)
    }

    /// A plan must be one that is filed, as much of it as the rules say.
    fn plan(&self, plan: &Plan) -> Result<(), String> {
        let exact = plan.volumes.iter().any(|volume| matches!(volume.outline, Outline::Circle { .. }));
        let named = plan.callsign.is_some() || plan.address.is_some();
        let may = |level: Level| match level {
            Level::Full => true,
            Level::Reduced { precision_mm, identity, .. } => {
                (identity == Identity::Keep || !named) && (precision_mm == 0 || !exact)
            }
            Level::Coarse { .. } => !named && !exact && plan.class == units::AircraftClass::Unknown,
            Level::AvoidArea { .. } | Level::Withheld => false,
        };
        // One that is over is over at once.
        let is = |filed: &Volume4d, told: &Volume4d| {
            let over = !plan.state.is_live() && told.end <= filed.end;
            let times = if over { (told.start, told.end) } else { (filed.start, filed.end) };
            Volume4d { start: times.0, end: times.1, ..filed.clone() } == *told
        };
        let whole = |filed: &Filed| {
            let of = |told: &Volume4d| filed.volumes.iter().any(|filed| is(filed, told));
            !exact || plan.volumes.iter().all(of)
        };
        let told = match self.oracle.plans.get(&self.said.subject.0) {
            Some(filed) => {
                plan.volumes.iter().filter_map(centre).all(|centre| may(self.plan_level(filed, &centre)))
                    && whole(filed)
            }
            // By another name it is some plan that is there.
            None => self.oracle.plans.values().any(|filed| {
                let there = |centre: &units::Vertex| plan.volumes.iter().any(|volume| shows(&volume.outline, centre));
                centres(filed).filter(there).any(|centre| may(self.plan_level(filed, &centre))) && whole(filed)
            }),
        };
        if told { Ok(()) } else { Err(format!("a plan of class {:?}, or more of it than may be told", plan.class)) }
    }

    /// A conflict speaks of an own aircraft that is told as it is, at once.
    fn conflict(&self, _: &ConflictReport) -> Result<(), String> {
        let of = |own: &Own| {
            let mut recent = own.reports.iter().filter(|f| self.is_recent(f, CONFLICT_AGE_MS));
            recent.any(|flown| {
                let shared = self.by(RecordClass::Conflicts, own, flown).any(|rule| rule.level == Level::Full);
                let exact = |rule: &Rule| {
                    let level = matches!(rule.level, Level::Full | Level::Reduced { precision_mm: 0, delay_ms: 0, .. });
                    level && rule.every_ms.is_none()
                };
                shared && self.by(RecordClass::Tracks, own, flown).any(exact)
            })
        };
        if self.own().any(of) { Ok(()) } else { Err("a conflict of no aircraft that may be in one".into()) }
    }
}

/// Whether an outline that was told is that of something round a place, or of cells that hold it.
fn shows(told: &Outline, at: &units::Vertex) -> bool {
    match told {
        Outline::Circle { centre, .. } => centre == at,
        Outline::Polygon(points) => {
            let within = |of: fn(&units::Vertex) -> i64| {
                let (low, high) = (points.iter().map(of).min(), points.iter().map(of).max());
                low <= Some(of(at)) && Some(of(at)) <= high
            };
            within(|p| p.lat_e9) && within(|p| p.lon_e9)
        }
        Outline::Corridor { .. } => false,
    }
}

fn centres(filed: &Filed) -> impl Iterator<Item = units::Vertex> {
    filed.volumes.iter().filter_map(centre)
}

fn is_cell(precision_mm: u32, cell_e7: u32) -> bool {
    f64::from(precision_mm) / 1000.0 >= cell_m(cell_e7)
}

fn is_bin(at: Utc, bin_ms: u32) -> bool {
    at.0.rem_euclid(bin_ms.into()) == 0
}

/// Whether a level lets out an area of cells of this size.
fn is_area(level: Level, cell: f64, volume: &Volume4d) -> bool {
    match level {
        Level::Full => true,
        Level::Reduced { precision_mm, delay_ms: 0, .. } => cell * 1.02 >= f64::from(precision_mm) / 1000.0,
        Level::AvoidArea { cell_e7, bin_ms } | Level::Coarse { cell_e7, bin_ms } => {
            cell >= cell_m(cell_e7) && is_bin(volume.start, bin_ms) && is_bin(volume.end, bin_ms)
        }
        Level::Reduced { .. } | Level::Withheld => false,
    }
}

/// Places as one peer was told them, by how precisely: they are those of a grid, so that two are the same or far apart. And
/// when each number was last told under a rule that has a rate.
#[derive(Debug, Clone, Default)]
pub(super) struct Grids {
    places: BTreeMap<(u8, i64), BTreeMap<i32, BTreeSet<i32>>>,
    rated: BTreeMap<u64, (Vec<Rule>, u64)>,
}

impl Grids {
    /// Takes what was said.
    pub(super) fn take(
        &mut self,
        body: &Body,
        certain: Option<&Certain<'_>>,
        oracle: &ReleaseOracle,
    ) -> Result<(), String> {
        match body {
            Body::Tracks(batch) => {
                let rows = batch.unpack().map_err(|error| error.to_string())?;
                rows.iter().try_for_each(|row| {
                    self.rate(row, batch, certain, oracle)?;
                    if batch.precision_mm == 0 {
                        return Ok(());
                    }
                    let drift = if batch.form == ReleaseForm::Coarse { DRIFT_M } else { 0.0 };
                    let cell = f64::from(batch.precision_mm) / 1000.0 - drift;
                    self.on_grid(batch.form as u8, cell, row.position)
                })
            }
            _ => Ok(()),
        }
    }

    fn on_grid(&mut self, form: u8, cell_m: f64, at: Position) -> Result<(), String> {
        let rows = self.places.entry((form, cell_m as i64)).or_default();
        let near = |a: Option<(&i32, &BTreeSet<i32>)>| {
            let lat = a.map(|(lat, _)| *lat);
            lat.is_some_and(|lat| distance_m(&Position { lat_e7: lat, lon_e7: at.lon_e7 }, &at) < cell_m * 0.75)
        };
        let others = near(rows.range(..at.lat_e7).next_back()) || near(rows.range(at.lat_e7 + 1..).next());
        let lons = rows.entry(at.lat_e7).or_default();
        let beside = |lon: Option<&i32>| {
            lon.is_some_and(|lon| distance_m(&Position { lat_e7: at.lat_e7, lon_e7: *lon }, &at) < cell_m * 0.75)
        };
        let lon = at.lon_e7;
        let others = others || beside(lons.range(..lon).next_back()) || beside(lons.range(lon + 1..).next());
        lons.insert(lon);
        if others { Err(format!("a place told to {cell_m:.0} m that is on no grid: {at:?}")) } else { Ok(()) }
    }

    /// Of a track that is told each so often, two reports are so far apart.
    fn rate(
        &mut self,
        row: &TrackReport,
        batch: &TrackBatch,
        certain: Option<&Certain<'_>>,
        oracle: &ReleaseOracle,
    ) -> Result<(), String> {
        let of_row = |own: &&Own| own.is_own && own.reports.iter().any(|f| is_exact(f, row, batch));
        let own = oracle.aircraft.values().find(of_row);
        let rated = own.zip(certain).and_then(|(own, certain)| {
            let flown = own.reports.iter().find(|f| is_exact(f, row, batch))?;
            let every_ms = certain.track_rule(own, &flown.report)?.every_ms?;
            Some((flown.at, every_ms, certain.rules))
        });
        let Some((at, every_ms, rules)) = rated else { return Ok(()) };
        let before = self.rated.insert(row.local, (rules.to_vec(), at));
        match before {
            Some((under, last))
                if under == rules
                    && last >= oracle.started
                    && at + (ACCEPTED_MS as u64) < last + u64::from(every_ms) =>
            {
                Err(format!("two reports of a track within {} ms, and its rule has one each {every_ms}", at - last))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a row is this report, as far as it can be told without doubt.
fn is_exact(flown: &Flown, row: &TrackReport, batch: &TrackBatch) -> bool {
    batch.precision_mm == 0 && row.at == flown.report.at && row.position == flown.report.position
}
