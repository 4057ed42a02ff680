//! `skypact detect`: the node's detectors on files, for analysts and for other people's cases.
//!
//! In scope: reading tracks, pairs, volumes, plans and sites, and writing what the detectors say. Out of scope: whatever a node
//! adds to a verdict (who is told, alerts of the desk, correlation of sources). `docs/detect.md` is for who uses it.
mod areas;
mod columns;
mod judge;
mod out;
mod packed;
mod pairs;
mod params;
mod series;
mod summary;
mod table;
mod tracks;

use crate::cli::terms::{self, Line};
use crate::cli::values::{self, When};
use crate::cli::{Global, Outcome};
use ::detect::{Minima, WellClear, WellClearAlerting};
use airspace::Limit;
use anyhow::{Context, Result, bail, ensure};
use areas::{Areas, Open};
use clap::ValueEnum;
use judge::Rules;
use out::Writer;
use params::{Alert, table_of};
use std::path::PathBuf;
use std::process::ExitCode;
use summary::Summary;
use table::Table;
use tracks::{Clock, Frame, Tracks};
use units::{AircraftClass, Height, NM_MM, Utc};

const AFTER: &str = "\
Examples:
  skypact detect --tracks traffic.csv                              conflicts of one picture, or of every time in the file
  skypact detect --tracks flight.daa --well-clear do-365 --all     a DAIDALUS encounter, second by second
  skypact detect --tracks encounter.txt --lateral-m 152.4 --vertical-ft 100 --every 1
  skypact detect --pairs pairs.csv --format jsonl                  one verdict a row
  skypact detect --plans plans.geojson --volumes areas.geojson --sites sites.geojson --tracks now.csv --at 2026-08-01T05:00:00Z

Tracks: id, lat_deg, lon_deg, alt_ft, gs_kt, trk_deg, vs_fpm; also alt_m, geo_alt_ft, vx_kt and vy_kt (east, north), gs_mps, vs_mps,
accuracy_m, class, time_s or time (2026-08-01T05:00:00Z). In a plane: east_m, north_m, up_m, ve_mps, vn_mps, vu_mps, also in ft.
Units may stand in a row of their own below the header, as in [deg]. An empty field is not known. Pairs: the same with a_ and b_.
Volumes and plans: GeoJSON as `skypact plan file` takes it; sites have the property buffer_m. docs/detect.md tells all of it.

Exit codes: 0 judged, whatever was found; 1 failed, nothing half-read was judged; 2 wrong command line.";

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// States of aircraft, one a row; `-` for standard input. CSV, .daa, also packed with zstd or gzip.
    #[arg(long, value_name = "FILE", conflicts_with = "pairs")]
    tracks: Option<PathBuf>,
    /// Pairs of states, one a row; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// Volumes: every one against every other, against plans, tracks and sites.
    #[arg(long, value_name = "FILE.geojson")]
    volumes: Option<PathBuf>,
    /// Plans: features with the same property `plan` are volumes of one plan, which are not held against each other.
    #[arg(long, value_name = "FILE.geojson")]
    plans: Option<PathBuf>,
    /// Protected sites, with the property buffer_m.
    #[arg(long, value_name = "FILE.geojson")]
    sites: Option<PathBuf>,
    /// Where the states are: on the earth, or in a plane (east, north). Without: as the columns say.
    #[arg(long)]
    frame: Option<FrameName>,
    /// Judges this time alone, and is the time of a file without times: seconds as in time_s, or 2026-08-01T05:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = params::at, allow_negative_numbers = true)]
    at: Option<(Utc, bool)>,
    /// Judges the file's first time and then every so many seconds, instead of each time in it.
    #[arg(long, value_name = "SECONDS", value_parser = params::seconds, conflicts_with = "at")]
    every: Option<i64>,
    /// Lateral minimum, NM [default: 5].
    #[arg(long, value_name = "NM")]
    lateral_nm: Option<f64>,
    /// Lateral minimum, metres.
    #[arg(long, value_name = "M", conflicts_with = "lateral_nm")]
    lateral_m: Option<f64>,
    /// Vertical minimum, feet [default: 1000].
    #[arg(long, value_name = "FT")]
    vertical_ft: Option<f64>,
    /// Vertical minimum, metres.
    #[arg(long, value_name = "M", conflicts_with = "vertical_ft")]
    vertical_m: Option<f64>,
    /// How far ahead, seconds, for tracks, volumes and sites.
    #[arg(long, value_name = "S", default_value_t = 300.0)]
    horizon_s: f64,
    /// Minima of a pair of classes, as in a pact; may be given again. An aircraft of unknown class has the widest of any.
    #[arg(long, value_parser = terms::minima, value_name = "\"CLASS CLASS 5 NM 1000 ft 300 s\"")]
    minima: Vec<Line>,
    /// Well clear too: do-365, do-365-terminal, small, or DMOD_FT,TAUMOD_S,ZTHR_FT[,TCOA_S].
    #[arg(long, value_name = "SET", value_parser = params::well_clear)]
    well_clear: Option<WellClear>,
    /// How far ahead a loss of well clear is looked for, seconds (at most 300).
    #[arg(long, value_name = "S", default_value_t = 120.0, requires = "well_clear")]
    well_clear_horizon_s: f64,
    /// When an alert about well clear begins and ends, over the times of a file: as many of so many looks, loss within seconds,
    /// clearing thresholds wider by percent, clear for seconds.
    #[arg(long, value_name = "M/N,AHEAD_S,WIDER_PERCENT,HOLD_S", default_value = "2/3,60,20,5", value_parser = params::alerting)]
    well_clear_alert: Alert,
    /// Bottom of volumes that have no property `lower`.
    #[arg(long, value_parser = values::lower)]
    lower: Option<Limit>,
    /// Top of volumes that have no property `upper`.
    #[arg(long, value_parser = values::upper)]
    upper: Option<Limit>,
    /// Start of volumes that have no property `start`; `now` is the time of --at.
    #[arg(long, value_parser = values::when)]
    from: Option<When>,
    /// End of volumes that have no property `end`.
    #[arg(long, value_parser = values::when)]
    to: Option<When>,
    /// Tells of every pair, the clear ones too (at most 5,000,000).
    #[arg(long)]
    all: bool,
    /// Leaves out rows that cannot be read, and says which, instead of failing.
    #[arg(long)]
    skip_bad: bool,
    /// Form of the verdicts [default: csv; jsonl with --json].
    #[arg(long)]
    format: Option<Format>,
}

/// Where states are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FrameName {
    /// Latitude and longitude.
    Wgs84,
    /// East, north and up in metres from an origin.
    Enu,
}

/// Form of the verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Comma separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

/// Rows that could not be read.
#[derive(Debug, Default)]
pub struct Skipped {
    allowed: bool,
    count: u64,
}

/// So many are told one by one.
const SKIPPED_TOLD: u64 = 10;

impl Skipped {
    /// A row that cannot be read: an error, unless such rows are left out.
    pub fn take(&mut self, file: &str, line: u64, error: &anyhow::Error) -> Result<()> {
        if !self.allowed {
            bail!("{file}: line {line}: {error:#}");
        }
        self.count += 1;
        if self.count <= SKIPPED_TOLD {
            eprintln!("skypact: left out: {file}: line {line}: {error:#}");
        }
        Ok(())
    }
}

/// Runs the command.
pub fn run(args: &Args, global: Global) -> Outcome {
    let rules = args.rules()?;
    let format = args.format.unwrap_or(if global.json { Format::Jsonl } else { Format::Csv });
    let mut skipped = Skipped { allowed: args.skip_bad, count: 0 };
    let at = args.at.map(|(at, _)| at);
    let tracks = args.tracks(&mut skipped)?;
    let times = tracks.as_ref().map(|t| series::times(t, at, args.every)).transpose()?.unwrap_or_default();
    let timed = tracks.as_ref().is_some_and(|t| t.clock != Clock::None);
    let areas = args.areas(at.or(times.first().copied().filter(|_| timed)))?;
    if let Some(tracks) = &tracks
        && areas.len() > 0
    {
        ensure!(tracks.frame == Frame::Earth, "volumes and sites are on the earth, and the tracks in a plane");
        ensure!(timed, "the tracks have no time and the volumes have: say with --at what time the tracks are of");
    }
    let mut summary = Summary::default();
    // Read and checked to the end before the first verdict, but for pairs, which are judged row by row.
    let mut out = Writer::new(format);
    if let Some(tracks) = &tracks {
        summary.tracks = tracks.ids.len();
        summary.states = tracks.reports.len() as u64;
        summary.unused = tracks.unused.clone();
        summary.lacks = tracks.lacks.clone();
        summary.later = times.last().map_or(0, |last| tracks.later_than(*last));
        summary.pictures = series::Series::new(tracks, &rules, &areas).run(&times, &mut out)?;
    }
    if let Some(path) = &args.pairs {
        // Of a bad row nothing is told, nor of those before it that are not written yet.
        (summary.pairs, summary.unused, summary.lacks) =
            pairs::run(Table::open(path)?, args.frame, at, &rules, &mut skipped, &mut out)?;
    }
    areas.each_other(&rules, &mut out)?;
    summary.areas = areas.len();
    summary.skipped = skipped.count;
    let counts = out.finish();
    summary.tell(&counts, &summary::parameters(&rules, !args.minima.is_empty()), global);
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn rules(&self) -> Result<Rules> {
        ensure!(
            [&self.tracks, &self.pairs, &self.volumes, &self.plans, &self.sites].iter().any(|p| p.is_some()),
            "nothing to judge: give --tracks, --pairs, --volumes, --plans or --sites"
        );
        let any = self.any()?;
        let mut lines: Vec<(terms::Pair, Minima)> = Vec::new();
        for line in &self.minima {
            let pact::Minima { lateral_mm, vertical, horizon_ms } = line.minima;
            let minima = Minima { lateral_mm, vertical, horizon_ms };
            minima.check().context("--minima")?;
            lines.push((line.pair, minima));
        }
        let table = table_of(any, &lines);
        let classes = AircraftClass::ALL;
        let horizon_ms = classes.iter().flat_map(|a| classes.map(|b| table.get(*a, b).horizon_ms)).max().unwrap_or(0);
        Ok(Rules { table, horizon_ms, well_clear: self.well_clear()?, all: self.all })
    }

    /// Minima of pairs that no `--minima` names.
    fn any(&self) -> Result<Minima> {
        let lateral_mm = match (self.lateral_nm, self.lateral_m) {
            (Some(nm), _) => nm * NM_MM as f64,
            (_, Some(m)) => m * 1000.0,
            _ => 5.0 * NM_MM as f64,
        };
        let vertical = match (self.vertical_ft, self.vertical_m) {
            (Some(ft), _) => Height::from_feet_f64(ft),
            (_, Some(m)) => Height::from_metres(m),
            _ => Some(Height::from_feet(1000)),
        };
        let vertical = vertical.context("the vertical minimum is out of range")?;
        let horizon_ms = (self.horizon_s * 1000.0).round() as i64;
        let minima = Minima { lateral_mm: lateral_mm.round() as i64, vertical, horizon_ms };
        minima.check()?;
        Ok(minima)
    }

    fn well_clear(&self) -> Result<Option<(WellClear, WellClearAlerting)>> {
        let Some(limits) = self.well_clear else { return Ok(None) };
        let limits = WellClear { horizon_ms: (self.well_clear_horizon_s * 1000.0).round() as i64, ..limits };
        limits.check().context("--well-clear")?;
        let alert = &self.well_clear_alert;
        let ahead_ms = ((alert.ahead_s * 1000.0).round() as i64).min(limits.horizon_ms);
        let wider = |value: i64| value + (value as f64 * alert.wider_percent / 100.0).ceil() as i64;
        let clearing = WellClear {
            lateral_mm: wider(limits.lateral_mm),
            tau_ms: wider(limits.tau_ms),
            vertical: Height(wider(limits.vertical.0.into()).min(i32::MAX.into()) as i32),
            coaltitude_ms: wider(limits.coaltitude_ms),
            horizon_ms: wider(ahead_ms),
        };
        let (needed, of, hold_ms) = (alert.needed, alert.of, (alert.hold_s * 1000.0).round() as u64);
        let alerting = WellClearAlerting { needed, of, ahead_ms, clearing, hold_ms, ..WellClearAlerting::of(&limits) };
        alerting.check(&limits).context("--well-clear-alert")?;
        Ok(Some((limits, alerting)))
    }

    fn tracks(&self, skipped: &mut Skipped) -> Result<Option<Tracks>> {
        let Some(path) = &self.tracks else { return Ok(None) };
        let mut tracks = Tracks::read(Table::open(path)?, self.frame, self.at.map(|(at, _)| at), skipped)?;
        if let (Clock::None, Some((_, calendar))) = (tracks.clock, self.at) {
            tracks.clock = if calendar { Clock::Instants } else { Clock::Seconds };
        }
        Ok(Some(tracks))
    }

    fn areas(&self, now: Option<Utc>) -> Result<Areas> {
        let open = Open { lower: self.lower, upper: self.upper, from: self.from, to: self.to, now };
        let mut areas = Areas::default();
        if let Some(path) = &self.volumes {
            areas.add_volumes(path, &open)?;
        }
        if let Some(path) = &self.plans {
            areas.add_plans(path, &open)?;
        }
        if let Some(path) = &self.sites {
            areas.add_sites(path)?;
        }
        Ok(areas)
    }
}

#[cfg(test)]
mod tests;
