//! Aircraft from rows: one state a row, or a pair.
use crate::cli::detect::columns::{Bad, Columns, Field};
use crate::cli::detect::out::When;
use crate::cli::detect::table::{Row, Table};
use crate::cli::detect::{FrameName, Skipped};
use ::detect::{Item, Kinematics, PlaneState, State};
use anyhow::{Result, bail, ensure};
use std::collections::HashMap;
use units::{AircraftClass, Height, Utc};

/// Most rows of a file: 3,000,000 states of 250 bytes are 750 MB.
pub const ROWS_MAX: usize = 3_000_000;
/// Longest name of an aircraft, bytes.
const ID_BYTES_MAX: usize = 64;

/// Where states are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    Earth,
    Plane,
}

impl Frame {
    /// What the columns tell of, or what the command line says.
    pub fn of(table: &Table, columns: &Columns, wanted: Option<FrameName>) -> Result<Self> {
        let earth = columns.has(Field::Lat) && columns.has(Field::Lon);
        let plane = columns.has(Field::East) && columns.has(Field::North);
        let name = &table.name;
        Ok(match (wanted, earth, plane) {
            (Some(FrameName::Wgs84), true, _) | (None, true, false) => Self::Earth,
            (Some(FrameName::Enu), _, true) | (None, false, true) => Self::Plane,
            (None, true, true) => bail!("{name}: has lat, lon and east, north: say --frame wgs84 or --frame enu"),
            (Some(FrameName::Wgs84), ..) => bail!("{name}: --frame wgs84 needs the columns lat_deg and lon_deg"),
            (Some(FrameName::Enu), ..) => bail!("{name}: --frame enu needs the columns east_m and north_m (or _ft)"),
            (None, false, false) => bail!(
                "{name}: needs the columns lat_deg and lon_deg, or east_m and north_m; it has {}",
                table.header.join(", ")
            ),
        })
    }
}

/// One aircraft as a row tells of it.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    pub track: Kinematics,
    pub class: AircraftClass,
    /// Whether the row tells its time.
    pub timed: bool,
}

impl Given {
    /// Reads one; `at` is its time if the row tells none.
    pub fn read(columns: &Columns, row: &Row<'_>, frame: Frame, at: Utc) -> Result<Self, Bad> {
        let time = columns.time(row)?;
        let at = time.map_or(at, Utc);
        let needed = |field: Field| {
            let number = columns.number(row, field)?;
            number.ok_or_else(|| columns.bad(field, "is empty: a state without a place cannot be judged"))
        };
        let velocity = Velocity::read(columns, row)?;
        let vs = columns.fpm(row, Field::Vs)?;
        let track = match frame {
            Frame::Earth => {
                let (gs_kt, trk_deg) = velocity.polar();
                let (lat, lon) = (needed(Field::Lat)?, needed(Field::Lon)?);
                // A height that is not known is set below; a rate that is not known is level.
                let state = State { lat, lon, alt_ft: f64::NAN, gs_kt, trk_deg, vs_fpm: vs.unwrap_or(f64::NAN) };
                Kinematics::from_state(&state, at).map_err(|e| columns.bad(Field::Lat, e.to_string()))?
            }
            Frame::Plane => {
                let (ve_mps, vn_mps) = velocity.cartesian();
                let (east_m, north_m) = (needed(Field::East)?, needed(Field::North)?);
                let vu_mps = columns.number(row, Field::Vs)?.unwrap_or(f64::NAN);
                let state = PlaneState { east_m, north_m, ve_mps, vn_mps, vu_mps };
                let track = Kinematics::from_plane(&state, at);
                track.ok_or_else(|| columns.bad(Field::East, "is too far from the origin"))?
            }
        };
        let (pressure, geometric) = Self::heights(columns, row)?;
        let track = track.with_heights(pressure, geometric).with_accuracy_m(columns.number(row, Field::Accuracy)?);
        Ok(Self { track, class: columns.class(row)?, timed: time.is_some() })
    }

    fn heights(columns: &Columns, row: &Row<'_>) -> Result<(Option<Height>, Option<Height>), Bad> {
        let (geometric, up) = (columns.height(row, Field::GeoAlt)?, columns.height(row, Field::Up)?);
        if geometric.is_some() && up.is_some() {
            return Err(columns.bad(Field::Up, "stands beside a geometric altitude: take one away"));
        }
        Ok((columns.height(row, Field::Alt)?, geometric.or(up)))
    }

    /// The state moved to `t0`.
    pub fn item(&self, t0: Utc) -> Item {
        Item { track: self.track.at(t0), class: self.class }
    }
}

/// Ground velocity as a row has it.
enum Velocity {
    Unknown,
    /// Knots and degrees.
    Polar(f64, f64),
    /// East and north: in knots, and in m/s.
    Cartesian([f64; 2], [f64; 2]),
}

impl Velocity {
    fn read(columns: &Columns, row: &Row<'_>) -> Result<Self, Bad> {
        let polar = (columns.knots(row, Field::Gs)?, columns.number(row, Field::Trk)?);
        let knots = (columns.knots(row, Field::Ve)?, columns.knots(row, Field::Vn)?);
        let mps = (columns.number(row, Field::Ve)?, columns.number(row, Field::Vn)?);
        if polar.0.is_some() && (knots.0.is_some() || knots.1.is_some()) {
            return Err(columns.bad(Field::Gs, "stands beside an east and north velocity: take one of them away"));
        }
        Ok(match (polar, knots, mps) {
            ((Some(gs), Some(trk)), ..) => Self::Polar(gs, trk),
            // Whoever stands still has no direction.
            ((Some(0.0), None), ..) => Self::Polar(0.0, 0.0),
            (_, (Some(x), Some(y)), (Some(e), Some(n))) => Self::Cartesian([x, y], [e, n]),
            _ => Self::Unknown,
        })
    }

    fn polar(&self) -> (f64, f64) {
        match self {
            Self::Unknown => (f64::NAN, f64::NAN),
            Self::Polar(gs, trk) => (*gs, *trk),
            Self::Cartesian([e, n], _) => (e.hypot(*n), e.atan2(*n).to_degrees()),
        }
    }

    fn cartesian(&self) -> (f64, f64) {
        match self {
            Self::Unknown => (f64::NAN, f64::NAN),
            Self::Polar(gs, trk) => {
                let (s, c) = trk.to_radians().sin_cos();
                let mps = gs * 1852.0 / 3600.0;
                (mps * s, mps * c)
            }
            Self::Cartesian(_, [e, n]) => (*e, *n),
        }
    }
}

/// One report in a file of tracks.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Index into [`Tracks::ids`].
    pub track: u32,
    pub given: Given,
    line: u64,
}

impl Report {
    /// The time that it tells of.
    pub fn at(&self) -> Utc {
        self.given.track.t0()
    }
}

/// A file of tracks.
#[derive(Debug)]
pub struct Tracks {
    /// Names, in the order in which the file first has them.
    pub ids: Vec<String>,
    /// Ascending by time, then by track.
    pub reports: Vec<Report>,
    pub frame: Frame,
    pub clock: Clock,
    /// Columns that mean nothing here.
    pub unused: Vec<String>,
    /// What the file does not tell of any aircraft, and what that means.
    pub lacks: Vec<&'static str>,
}

/// How a file tells time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// It does not: one picture.
    None,
    Seconds,
    Instants,
}

impl Clock {
    pub fn of(columns: &Columns) -> Self {
        match (columns.has(Field::Instant), columns.has(Field::Time)) {
            (true, _) => Self::Instants,
            (_, true) => Self::Seconds,
            _ => Self::None,
        }
    }

    /// A time as the file would tell it.
    pub fn show(self, at: Utc) -> Option<When> {
        match self {
            Self::None => None,
            Self::Seconds => Some(When::Seconds(at.0 as f64 / 1000.0)),
            Self::Instants => Some(When::Instant(at)),
        }
    }
}

impl Tracks {
    /// Reads a file. `at` is the time of states whose file tells none.
    pub fn read(mut table: Table, wanted: Option<FrameName>, at: Option<Utc>, skipped: &mut Skipped) -> Result<Self> {
        let name = table.name.clone();
        let (columns, unused) = Columns::find(&table, "")?;
        ensure!(
            columns.has(Field::Id),
            "{name}: the first line must name the columns, and one of them must be id; it has {}",
            table.header.join(", ")
        );
        let frame = Frame::of(&table, &columns, wanted)?;
        ensure!(
            !(columns.has(Field::Instant) && columns.has(Field::Time)),
            "{name}: columns {} and {} both tell the time: take one away",
            columns.name(Field::Instant),
            columns.name(Field::Time)
        );
        let clock = Clock::of(&columns);
        let (mut ids, mut by_id, mut reports) = (Vec::new(), HashMap::new(), Vec::new());
        while let Some(row) = table.next_row()? {
            let line = row.line;
            let (id, given) = match Self::row(&columns, &row, frame, clock, at.unwrap_or_default()) {
                Ok(read) => read,
                Err(error) => {
                    skipped.take(&name, line, &error)?;
                    continue;
                }
            };
            ensure!(reports.len() < ROWS_MAX, "{name}: line {line}: over {ROWS_MAX} rows: cut the file");
            let track = match by_id.get(id) {
                Some(track) => *track,
                None => {
                    let track = ids.len() as u32;
                    ids.push(id.to_owned());
                    by_id.insert(id.to_owned(), track);
                    track
                }
            };
            reports.push(Report { track, given, line });
        }
        reports.sort_by_key(|r| (r.at(), r.track, r.line));
        let mut twice = Vec::new();
        for n in 1..reports.len() {
            let (first, second): (&Report, &Report) = (&reports[n - 1], &reports[n]);
            if (first.at(), first.track) == (second.at(), second.track) {
                let what =
                    format!("{:?} stands in line {} already, for the same time", ids[first.track as usize], first.line);
                skipped.take(&name, second.line, &anyhow::anyhow!(what))?;
                twice.push(second.line);
            }
        }
        if !twice.is_empty() {
            // The first of several stays.
            reports.dedup_by_key(|r| (r.at(), r.track));
        }
        Ok(Self { ids, reports, frame, clock, unused, lacks: lacks(&columns) })
    }

    /// How many aircraft were reported after this time only: they are in no picture until then.
    pub fn later_than(&self, last: Utc) -> usize {
        let early = &self.reports[..self.reports.partition_point(|r| r.at() <= last)];
        let mut seen = vec![false; self.ids.len()];
        early.iter().for_each(|r| seen[r.track as usize] = true);
        seen.iter().filter(|seen| !**seen).count()
    }

    fn row<'a>(columns: &Columns, row: &Row<'a>, frame: Frame, clock: Clock, at: Utc) -> Result<(&'a str, Given)> {
        row.check()?;
        let id = columns.text(row, Field::Id).ok_or_else(|| columns.bad(Field::Id, "is empty"))?;
        check_id(id).map_err(|what| columns.bad(Field::Id, what))?;
        let given = Given::read(columns, row, frame, at)?;
        let field = if clock == Clock::Instants { Field::Instant } else { Field::Time };
        if clock != Clock::None && !given.timed {
            return Err(columns.bad(field, "is empty: a state without its time cannot be judged").into());
        }
        Ok((id, given))
    }

    /// Every time at which something was reported, ascending.
    pub fn times(&self) -> Vec<Utc> {
        let mut times: Vec<Utc> = self.reports.iter().map(Report::at).collect();
        times.dedup();
        times
    }
}

/// What no column tells.
pub fn lacks(columns: &Columns) -> Vec<&'static str> {
    let any = |fields: &[Field]| fields.iter().any(|f| columns.has(*f));
    let mut lacks = Vec::new();
    if !any(&[Field::Alt, Field::GeoAlt, Field::Up]) {
        lacks.push("there is no column of altitude: everybody is taken to be at every level");
    }
    if !any(&[Field::Gs, Field::Ve]) {
        lacks.push("there is no column of ground speed: nobody's way is known");
    }
    lacks
}

/// Whether a name can stand in a verdict.
pub fn check_id(id: &str) -> Result<(), String> {
    if id.len() > ID_BYTES_MAX {
        return Err(format!("is over {ID_BYTES_MAX} bytes long"));
    }
    let plain = crate::cli::values::plain(id);
    if plain != id { Err(format!("{plain:?} holds characters that cannot be shown")) } else { Ok(()) }
}
