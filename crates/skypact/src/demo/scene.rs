//! The traffic: a recording split among the parties, or the built-in scene.
use super::Args;
use crate::clock::parse_rfc3339;
use crate::player;
use anyhow::{Context, Result, anyhow};
use detect::scenario::draw;
use pact::Minima;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;
use units::{Height, NM_MM, Utc};

/// A prepared scene.
pub struct Scene {
    /// One line for people.
    pub title: String,
    /// Time of the first report.
    pub start: Utc,
    /// Middle of the traffic: centre of the pact's area.
    pub centre: (f64, f64),
    /// Minima that fit the traffic.
    pub minima: Minima,
    feeds: [FeedText; 3],
}

/// A feed as the configuration writes it.
#[derive(Debug, Clone)]
pub struct FeedText {
    /// Format's name.
    pub format: String,
    /// Source.
    pub source: String,
    /// Share of the recording.
    pub share: Option<[u32; 2]>,
}

impl Scene {
    /// The feed of the party of this number.
    pub fn feed(&self, n: usize) -> &FeedText {
        &self.feeds[n]
    }
}

/// Prepares the scene that the arguments ask for.
pub fn prepare(args: &Args, dir: &Path) -> Result<Scene> {
    let mut scene = match &args.recording {
        Some(path) => recorded(path)?,
        None => built_in(dir)?,
    };
    if let Some(from) = &args.from {
        scene.start = parse_rfc3339(from).map_err(|e| anyhow!("--from: {e}"))?;
    }
    if let Some(text) = &args.minima {
        scene.minima = minima(text)?;
    }
    Ok(scene)
}

fn recorded(path: &Path) -> Result<Scene> {
    let path = path.canonicalize().with_context(|| format!("no recording {}", path.display()))?;
    let format = player::format_of(&path).with_context(|| {
        format!("{}: the format is not known by the name; .csv, .jsonl, .log or .beast, also packed", path.display())
    })?;
    if std::io::stderr().is_terminal() {
        eprintln!("Reading {} ...", path.display());
    }
    let recording = player::read(&path, format)?;
    let (_, end) = recording.timeline.span().context("an empty recording")?;
    let start = first_busy(&recording.timeline);
    let reports = recording.timeline.reports().len();
    let first = recording.timeline.reports()[0].position;
    let centre = (first.lat(), first.lon());
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let title = format!(
        "{reports} recorded reports of {name}, {} min from {} on",
        end.since_ms(start) / 60_000,
        crate::clock::rfc3339(start)
    );
    let feed =
        |n: u32| FeedText { format: format.name().into(), source: path.display().to_string(), share: Some([n, 3]) };
    // Light aircraft in a traffic pattern are closer than airliners ever may be.
    let low = format == feed::Format::Jsonl;
    let minima = if low { minima("0.5 NM 500 ft 60 s")? } else { minima("5 NM 1000 ft 300 s")? };
    Ok(Scene { title, start, centre, minima, feeds: [feed(0), feed(1), feed(2)] })
}

/// Where there is something to see: the first ten minutes with a quarter of the busiest ten minutes' reports. A
/// recording may begin with hours of next to nothing.
fn first_busy(timeline: &feed::replay::Timeline) -> Utc {
    let bins: Vec<(Utc, usize)> = timeline.batches(600_000).map(|(at, reports)| (at, reports.len())).collect();
    let busiest = bins.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let busy = bins.iter().find(|(_, n)| 4 * n >= busiest).map_or(Utc(0), |(at, _)| *at);
    timeline.span().map_or(busy, |(first, _)| busy.max(first))
}

/// `5 NM 1000 ft 300 s`.
fn minima(text: &str) -> Result<Minima> {
    let wrong = || anyhow!("--minima {text:?} is not of the form \"5 NM 1000 ft 300 s\"");
    let words: Vec<&str> = text.split_whitespace().collect();
    let [lateral, "NM", vertical, "ft", horizon, "s"] = words.as_slice() else { return Err(wrong()) };
    let lateral: f64 = lateral.parse().map_err(|_| wrong())?;
    let (vertical, horizon): (i32, i64) =
        (vertical.parse().map_err(|_| wrong())?, horizon.parse().map_err(|_| wrong())?);
    Ok(Minima {
        lateral_mm: (lateral * NM_MM as f64).round() as i64,
        vertical: Height::from_feet(vertical),
        horizon_ms: horizon * 1000,
    })
}

/// Seed of the built-in scene: every demonstration is the same.
const SEED: u64 = 20_151_020;
/// 2026-01-15T08:00:00Z.
const START_S: i64 = 1_768_464_000;
const LENGTH_S: i64 = 3600;
/// A report every so many seconds.
const STEP_S: i64 = 2;
/// Middle of the scene.
const CENTRE: (f64, f64) = (46.9, 8.3);
const HEADER: &str = "t_unix_s,icao24,callsign,lat_deg,lon_deg,alt_baro_ft,gs_kt,track_deg,vs_fpm\n";

/// One aircraft flying straight through a point at a time.
struct Leg {
    party: usize,
    callsign: String,
    address: u32,
    through: (f64, f64),
    at_s: f64,
    heading_deg: f64,
    speed_kt: f64,
    altitude_ft: i32,
    from_s: i64,
    to_s: i64,
}

fn built_in(dir: &Path) -> Result<Scene> {
    let mut texts = [HEADER.to_string(), HEADER.to_string(), HEADER.to_string()];
    let legs = legs();
    for t in (0..LENGTH_S).step_by(STEP_S as usize) {
        for leg in legs.iter().filter(|l| (l.from_s..l.to_s).contains(&t)) {
            let (lat, lon) = leg.place(t as f64);
            writeln!(
                texts[leg.party],
                "{},{:06x},{},{lat:.7},{lon:.7},{},{:.1},{:.3},0",
                START_S + t,
                leg.address,
                leg.callsign,
                leg.altitude_ft,
                leg.speed_kt,
                leg.heading_deg
            )?;
        }
    }
    let mut feeds = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let path = dir.join(format!("traffic-{n}.csv"));
        std::fs::write(&path, text)?;
        feeds.push(FeedText { format: "states-csv".into(), source: path.display().to_string(), share: None });
    }
    let feeds = feeds.try_into().map_err(|_| anyhow!("three feeds"))?;
    let title = format!("the built-in scene, {} aircraft, {} min", legs.len(), LENGTH_S / 60);
    Ok(Scene { title, start: Utc(START_S * 1000), centre: CENTRE, minima: minima("5 NM 1000 ft 300 s")?, feeds })
}

/// Pairs that meet, one every two minutes, between all parties in turn; and traffic that meets nobody.
fn legs() -> Vec<Leg> {
    let mut legs = Vec::new();
    let u = |k: u64| draw(SEED, k);
    for k in 0..26u64 {
        let at_s = 110.0 + 130.0 * k as f64;
        let through = (CENTRE.0 + (u(8 * k) - 0.5) * 1.6, CENTRE.1 + (u(8 * k + 1) - 0.5) * 2.6);
        let heading = 360.0 * u(8 * k + 2);
        let altitude_ft = 11_000 + 1000 * ((k * 7) % 20) as i32;
        let [first, second] = [[1, 2], [1, 0], [2, 0]][(k % 3) as usize];
        for (n, party) in [first, second].into_iter().enumerate() {
            legs.push(Leg {
                party,
                callsign: callsign(party, 100 + k * 2 + n as u64),
                address: 0x4b_0000 + (k as u32) * 16 + n as u32,
                through,
                // A few seconds apart, so that they miss each other by a mile or two.
                at_s: at_s + 6.0 * n as f64,
                heading_deg: (heading + n as f64 * (60.0 + 80.0 * u(8 * k + 3))) % 360.0,
                speed_kt: if party == 0 { 430.0 } else { 380.0 },
                altitude_ft,
                from_s: (at_s as i64 - 600).max(0),
                to_s: (at_s as i64 + 300).min(LENGTH_S),
            });
        }
    }
    for k in 0..30u64 {
        let party = (k % 3) as usize;
        legs.push(Leg {
            party,
            callsign: callsign(party, 500 + k),
            address: 0x4b_8000 + k as u32,
            through: (CENTRE.0 + (u(4000 + 8 * k) - 0.5) * 3.0, CENTRE.1 + (u(4001 + 8 * k) - 0.5) * 5.0),
            at_s: 3600.0 * u(4002 + 8 * k),
            heading_deg: 360.0 * u(4003 + 8 * k),
            speed_kt: 250.0 + 200.0 * u(4004 + 8 * k),
            // Levels of their own, above and below the pairs.
            altitude_ft: if k % 2 == 0 { 32_000 + 1000 * (k % 9) as i32 } else { 2_000 + 1000 * (k % 8) as i32 },
            from_s: 0,
            to_s: LENGTH_S,
        });
    }
    legs
}

fn callsign(party: usize, number: u64) -> String {
    format!("{}{number}", ["CIV", "NOR", "SUD"][party])
}

impl Leg {
    /// Straight over a plane through the point: over these distances it is the track an officer expects.
    fn place(&self, t: f64) -> (f64, f64) {
        let nm = self.speed_kt * (t - self.at_s) / 3600.0;
        let (sin, cos) = self.heading_deg.to_radians().sin_cos();
        let lat = self.through.0 + nm * cos / 60.0;
        let lon = self.through.1 + nm * sin / (60.0 * self.through.0.to_radians().cos());
        (lat, lon)
    }
}
