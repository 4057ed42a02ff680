//! Volumes, plans and protected sites from GeoJSON, against each other and against tracks.
use crate::cli::detect::judge::{Rules, why};
use crate::cli::detect::out::{Row, When as Time, Writer};
use crate::cli::detect::series::PAIRS_MAX;
use crate::cli::detect::tracks::check_id;
use crate::cli::geojson::{self, Shape};
use crate::cli::values::When;
use crate::files::read_bounded;
use ::detect::{
    Item, Kinematics, Overlap, PreparedSite, PreparedVolume, Presence, UNKNOWN_SPEED_MPS, Why, track_volume,
    volume_volume,
};
use airspace::{Limit, Site, SiteCategory, Verification, Volume4d};
use anyhow::{Context, Result, anyhow, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use units::{Altitude, Reference, Utc, Vertex, earth};

/// Longest file: 20,000 volumes of 100 points of 30 bytes.
const GEOJSON_BYTES_MAX: u64 = 64 << 20;
/// Most volumes and sites: their pairs are 200 million.
const AREAS_MAX: usize = 20_000;

/// What features leave open: options of the command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open {
    pub lower: Option<Limit>,
    pub upper: Option<Limit>,
    pub from: Option<When>,
    pub to: Option<When>,
    /// What `now` is.
    pub now: Option<Utc>,
}

/// A volume, alone or of a plan.
struct Area {
    kind: &'static str,
    id: String,
    part: usize,
    /// Volumes of one plan or feature are not held against each other.
    group: usize,
    prepared: PreparedVolume,
}

/// Volumes of one name, while they are read.
struct Group {
    number: usize,
    /// The first feature of the name.
    feature: usize,
    parts: usize,
}

struct Protected {
    id: String,
    part: usize,
    prepared: PreparedSite,
}

/// Everything read from GeoJSON.
#[derive(Default)]
pub struct Areas {
    areas: Vec<Area>,
    sites: Vec<Protected>,
    groups: usize,
}

impl Areas {
    pub fn len(&self) -> usize {
        self.areas.len() + self.sites.len()
    }

    /// Adds the features of a file, each one volume (a `MultiPolygon` several).
    pub fn add_volumes(&mut self, path: &Path, open: &Open) -> Result<()> {
        self.add(path, open, "volume", |shape| name(shape, &["id", "name"]))
    }

    /// Adds the plans of a file: all features with one `plan` are one plan.
    pub fn add_plans(&mut self, path: &Path, open: &Open) -> Result<()> {
        self.add(path, open, "plan", |shape| name(shape, &["plan", "id", "name"]))
    }

    fn add(&mut self, path: &Path, open: &Open, kind: &'static str, id: fn(&Shape) -> Result<String>) -> Result<()> {
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for shape in shapes(path)? {
            let of = || format!("{}: feature {} (counted from 0)", path.display(), shape.feature);
            let id = id(&shape).with_context(of)?;
            let first = Group { number: self.groups + groups.len(), feature: shape.feature, parts: 0 };
            let group = groups.entry(id.clone()).or_insert(first);
            if kind == "plan" {
                let most = airspace::limits::VOLUMES_MAX;
                ensure!(group.parts < most, "{}: the plan {id:?} has over {most} volumes", of());
            } else {
                ensure!(group.feature == shape.feature, "{}: feature {} is named {id:?} too", of(), group.feature);
            }
            let prepared = volume(&shape, open).and_then(|v| Ok(PreparedVolume::prepare(&v)?)).with_context(of)?;
            self.areas.push(Area { kind, id, part: group.parts, group: group.number, prepared });
            group.parts += 1;
            self.bounded(path)?;
        }
        self.groups += groups.len();
        Ok(())
    }

    /// Adds protected sites with their buffers.
    pub fn add_sites(&mut self, path: &Path) -> Result<()> {
        let mut parts: BTreeMap<String, usize> = BTreeMap::new();
        for shape in shapes(path)? {
            let of = || format!("{}: feature {} (counted from 0)", path.display(), shape.feature);
            let id = name(&shape, &["id", "name"]).with_context(of)?;
            let count = parts.entry(id.clone()).or_default();
            let buffer_m = shape.properties.get("buffer_m").and_then(serde_json::Value::as_f64);
            let buffer_m = buffer_m.context("the property buffer_m (a number, metres; 0 for none) is missing");
            let buffer_m = buffer_m.with_context(of)?;
            ensure!((0.0..=1_852_000.0).contains(&buffer_m), "{}: buffer_m: {buffer_m} is not from 0 to 1000 NM", of());
            let site = Site {
                category: SiteCategory::Other,
                name: None,
                footprint: shape.outline.clone(),
                buffer_mm: (buffer_m * 1000.0).round() as i64,
                verification: Verification::Claimed,
                expires: Utc(0),
            };
            let prepared = PreparedSite::prepare(&site).with_context(of)?;
            self.sites.push(Protected { id, part: *count, prepared });
            *count += 1;
            self.bounded(path)?;
        }
        Ok(())
    }

    fn bounded(&self, path: &Path) -> Result<()> {
        ensure!(self.len() <= AREAS_MAX, "{}: over {AREAS_MAX} volumes and sites in all", path.display());
        Ok(())
    }

    /// Judges all pairs of volumes of different plans and features, and volumes against sites.
    pub fn each_other(&self, rules: &Rules, out: &mut Writer) -> Result<()> {
        let n = self.areas.len() as u64;
        let pairs = n * n.saturating_sub(1) / 2 + n * self.sites.len() as u64;
        ensure!(!rules.all || pairs <= PAIRS_MAX, "over {PAIRS_MAX} pairs of volumes to be told by --all");
        for (i, a) in self.areas.iter().enumerate() {
            for b in self.areas[i + 1..].iter().filter(|b| b.group != a.group) {
                let overlap = volume_volume(&a.prepared, &b.prepared);
                if rules.all || overlap != Overlap::Clear {
                    out.row(&meeting(a, b, overlap));
                }
            }
        }
        for a in &self.areas {
            for s in &self.sites {
                let hit = s.prepared.volume(&a.prepared);
                if rules.all || hit.inside_buffer {
                    let kind = if a.kind == "plan" { "plan-site" } else { "volume-site" };
                    let mut row = pair(kind, (&a.id, a.part), (&s.id, s.part));
                    row.verdict = if hit.inside_buffer { "conflict" } else { "clear" };
                    row.lateral_m = Some(hit.distance_m);
                    out.row(&row);
                }
            }
        }
        Ok(())
    }

    /// Judges one track against everything.
    pub fn track(&self, id: &str, item: &Item, time: Option<Time>, rules: &Rules, out: &mut Writer) {
        if self.len() == 0 {
            return;
        }
        let track = &item.track;
        let horizon_s = rules.horizon_ms as f64 / 1000.0;
        let (lat, lon) = track.lat_lon();
        let here = earth::surface(lat, lon);
        let speed = if track.velocity_known() { track.speed_mps() } else { UNKNOWN_SPEED_MPS };
        // As far as it gets, its accuracy and age, and 1 % and 10 km for what a bend of the earth makes of it.
        let accuracy = track.accuracy_m().unwrap_or(::detect::ACCURACY_ASSUMED_M) + track.drift_m();
        let reach = speed * horizon_s * 1.01 + accuracy + 10_000.0;
        let far = |(centre, radius): (earth::Vec3, f64)| earth::norm(earth::sub(here, centre)) > radius + reach;
        for area in &self.areas {
            if rules.all || !far(area.prepared.ball()) {
                let row = presence(track, area, horizon_s);
                if rules.all || row.verdict != "clear" {
                    let row = Row { a: id.to_owned(), time, ..row };
                    out.row(&row);
                }
            }
        }
        for site in &self.sites {
            if rules.all || !far(site.prepared.ball()) {
                let row = over(track, (lat, lon), site, horizon_s);
                if rules.all || row.verdict != "clear" {
                    out.row(&Row { a: id.to_owned(), time, ..row });
                }
            }
        }
    }
}

/// A track and a volume.
fn presence(track: &Kinematics, area: &Area, horizon_s: f64) -> Row {
    let got = track_volume(track, &area.prepared, horizon_s);
    let kind = if area.kind == "plan" { "track-plan" } else { "track-volume" };
    let mut row = Row { kind, b: Some(area.id.clone()), b_part: Some(area.part), ..Row::default() };
    let (start, end) = area.prepared.window();
    let in_time = start.since_s(track.t0()) <= horizon_s && track.t0() <= end;
    let reach = UNKNOWN_SPEED_MPS * horizon_s + track.drift_m();
    let may_come = !track.velocity_known() && got.lateral_m <= reach && in_time;
    (row.verdict, row.reason) = match (track.unknown(), got.now, got.predicted.is_empty()) {
        (Some(reason), ..) if in_time => ("unknown", Some(why(reason))),
        (Some(_), ..) => ("clear", None),
        (None, Presence::In, _) => ("conflict", None),
        (None, _, false) if !got.vertical_unknown => ("conflict", None),
        (None, Presence::Marginal, _) | (None, _, false) => ("marginal", None),
        (None, Presence::Out, true) if may_come => ("unknown", Some(why(Why::Velocity))),
        (None, Presence::Out, true) => ("clear", None),
    };
    row.presence = track.unknown().is_none().then_some(match got.now {
        Presence::In => "in",
        Presence::Marginal => "marginal",
        Presence::Out => "out",
    });
    (row.lateral_m, row.vertical_unknown) = (Some(got.lateral_m), Some(got.vertical_unknown));
    row.velocity_unknown = Some(!track.velocity_known());
    intervals(&mut row, got.predicted);
    row
}

/// A track and a protected site, at any level.
fn over(track: &Kinematics, (lat, lon): (f64, f64), site: &Protected, horizon_s: f64) -> Row {
    let mut row = Row { kind: "track-site", b: Some(site.id.clone()), b_part: Some(site.part), ..Row::default() };
    if let Some(reason) = track.unknown() {
        (row.verdict, row.reason) = ("unknown", Some(why(reason)));
        return row;
    }
    let hit = Vertex::from_degrees(lat, lon).ok().map(|at| site.prepared.point(at));
    let visits = site.prepared.track(track, horizon_s);
    let inside = hit.is_some_and(|h| h.inside_buffer);
    let near = hit.is_none_or(|h| h.distance_m <= UNKNOWN_SPEED_MPS * horizon_s + 1_852_000.0);
    (row.verdict, row.reason) = match (inside || !visits.is_empty(), track.velocity_known()) {
        (true, _) => ("conflict", None),
        (false, true) => ("clear", None),
        (false, false) if near => ("unknown", Some(why(Why::Velocity))),
        (false, false) => ("clear", None),
    };
    row.presence = Some(if inside { "in" } else { "out" });
    row.lateral_m = hit.map(|h| h.distance_m);
    row.velocity_unknown = Some(!track.velocity_known());
    intervals(&mut row, visits);
    row
}

fn intervals(row: &mut Row, spans: Vec<(f64, f64)>) {
    (row.tin_s, row.tout_s) = (spans.first().map(|s| s.0), spans.first().map(|s| s.1));
    row.intervals = (!spans.is_empty()).then_some(spans);
}

fn pair(kind: &'static str, a: (&str, usize), b: (&str, usize)) -> Row {
    Row { kind, a: a.0.to_owned(), a_part: Some(a.1), b: Some(b.0.to_owned()), b_part: Some(b.1), ..Row::default() }
}

fn meeting(a: &Area, b: &Area, overlap: Overlap) -> Row {
    let kind = match (a.kind, b.kind) {
        ("volume", "volume") => "volume-volume",
        ("plan", "plan") => "plan-plan",
        _ => "volume-plan",
    };
    let mut row = pair(kind, (&a.id, a.part), (&b.id, b.part));
    row.verdict = match overlap {
        Overlap::Conflict(_) => "conflict",
        Overlap::Marginal(_) => "marginal",
        Overlap::Clear => "clear",
    };
    if let Some(meeting) = overlap.meeting() {
        (row.from, row.to) = (Some(crate::clock::rfc3339(meeting.from)), Some(crate::clock::rfc3339(meeting.to)));
        (row.lower, row.upper) = (Some(limit(meeting.lower, "ground")), Some(limit(meeting.upper, "unlimited")));
        row.vertical_unknown = Some(meeting.vertical_unknown);
    }
    row
}

/// A limit as it is read, with every digit.
fn limit(limit: Limit, none: &str) -> String {
    match limit {
        Limit::Unlimited => none.to_owned(),
        Limit::At(Altitude::Unknown) => "unknown".to_owned(),
        Limit::At(Altitude::Known(height, reference)) => {
            let reference = match reference {
                Reference::Pressure => "STD",
                Reference::Msl => "MSL",
                Reference::Wgs84 => "WGS84",
                Reference::Agl => "AGL",
            };
            format!("{}ft{reference}", height.feet())
        }
    }
}

fn shapes(path: &Path) -> Result<Vec<Shape>> {
    let of = || path.display().to_string();
    let bytes = read_bounded(path, GEOJSON_BYTES_MAX).with_context(of)?;
    geojson::shapes(std::str::from_utf8(&bytes).context("not UTF-8").with_context(of)?).with_context(of)
}

/// Name of a feature: the first of these properties that it has, else its number.
fn name(shape: &Shape, properties: &[&str]) -> Result<String> {
    for property in properties {
        let name = match shape.properties.get(*property) {
            None | Some(serde_json::Value::Null) => continue,
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Number(number)) => number.to_string(),
            Some(_) => return Err(anyhow!("property {property}: must be text or a number")),
        };
        ensure!(!name.is_empty(), "property {property}: is empty");
        check_id(&name).map_err(|what| anyhow!("property {property}: {what}"))?;
        return Ok(name);
    }
    Ok(format!("feature-{}", shape.feature))
}

fn volume(shape: &Shape, open: &Open) -> Result<Volume4d> {
    let instant = |when: When| match (when, open.now) {
        (When::At(at), _) => Ok(at),
        (_, Some(now)) => Ok(when.at(now)),
        (_, None) => Err(anyhow!("a time from now: say with --at when now is")),
    };
    let lower =
        shape.lower.or(open.lower).context("no lower limit: property lower, or --lower FL100, 3000ftMSL or ground")?;
    let upper = shape.upper.or(open.upper).context("no upper limit: property upper, or --upper FL150 or unlimited")?;
    let start = shape.start.or(open.from).context("no start: property start, or --from 2026-08-01T05:00:00Z")?;
    let end = shape.end.or(open.to).context("no end: property end, or --to 2026-08-01T06:00:00Z")?;
    Ok(Volume4d { outline: shape.outline.clone(), lower, upper, start: instant(start)?, end: instant(end)? })
}
