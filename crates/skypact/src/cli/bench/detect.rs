//! `bench detect`: the whole pass over a picture, conversion from reports included, beside judging every pair.
use crate::cli::bench::Common;
use crate::cli::bench::table::{Report, Row, Unit};
use ::detect::scenario::{Family, SEED, states};
use ::detect::{Item, Kinematics, Minima, MinimaTable, State, brute_force, sweep};
use anyhow::{Context, Result, ensure};
use std::hint::black_box;
use std::time::Instant;
use track::TrackReport;
use units::{AircraftClass, Angle, Height, Position, Speed, Utc, VerticalRate};

/// Every pair is judged up to this many aircraft: 50 million pairs.
const BRUTE_MAX: usize = 10_000;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Pictures, as FAMILY:AIRCRAFT; families: box, boxq, globe, anti, pole.
    #[arg(long, value_delimiter = ',', value_parser = picture,
          default_values = ["box:1000", "box:10000", "box:100000", "globe:100000"])]
    size: Vec<(Family, usize)>,
    /// Adds globe:1000000.
    #[arg(long)]
    big: bool,
}

fn picture(text: &str) -> Result<(Family, usize), String> {
    let read = || {
        let (family, n) = text.split_once(':')?;
        Some((Family::parse(family)?, n.parse().ok().filter(|n| (2..=5_000_000).contains(n))?))
    };
    read().ok_or_else(|| format!("{text:?} is not FAMILY:AIRCRAFT, such as box:10000 or globe:100000"))
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    let table = MinimaTable::uniform(Minima::DEFAULT);
    let mut sizes = args.size.clone();
    if args.big {
        sizes.push((Family::Globe, 1_000_000));
    }
    let rows = sizes.iter().map(|(family, n)| row(&args.common, *family, *n, &table)).collect::<Result<_>>()?;
    Ok(Report {
        bench: "detect",
        scenario: "5 NM, 1000 ft, 300 s; conversion from reports included; one thread".into(),
        seed: Some(SEED),
        rows,
        notes: vec![format!(
            "brute force judges every pair of up to {BRUTE_MAX} aircraft; both find the same pairs, checked"
        )],
    })
}

fn row(common: &Common, family: Family, n: usize, table: &MinimaTable) -> Result<Row> {
    let reports = states(family, n, SEED).iter().enumerate().map(|(i, s)| report(i, s)).collect::<Result<Vec<_>>>()?;
    let mut pairs = 0;
    let ours = common.measure(|| {
        let begun = Instant::now();
        let found = sweep(&black_box(items(&reports)), table);
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        pairs = found.pairs.len();
        Ok(ms)
    })?;
    let row = Row::new(format!("{} {n}", family.name()), n as u64, Unit::Ms, ours).and("pairs", pairs.to_string());
    if n > BRUTE_MAX {
        return Ok(row);
    }
    let items = items(&reports);
    let begun = Instant::now();
    let all = brute_force(&items, table);
    let brute = begun.elapsed().as_secs_f64() * 1e3;
    ensure!(all.pairs == sweep(&items, table).pairs, "{} {n}: the sweep and brute force disagree", family.name());
    Ok(row.against("brute force", vec![brute]))
}

fn items(reports: &[TrackReport]) -> Vec<Item> {
    reports.iter().map(|r| Item { track: Kinematics::from_report(r, r.at), class: r.class }).collect()
}

/// An aircraft of a scenario as a report at the epoch.
pub fn report(i: usize, s: &State) -> Result<TrackReport> {
    let position = Position::from_degrees(s.lat, s.lon).context("the scenario's position")?;
    let mut report = TrackReport::new(i as u64, position, Utc(0));
    report.pressure = Height::from_feet_f64(s.alt_ft);
    report.speed = Some(Speed::from_knots(s.gs_kt));
    report.track = Angle::from_degrees(s.trk_deg);
    report.vertical_rate = Some(VerticalRate::from_fpm(s.vs_fpm));
    report.class = AircraftClass::Civil;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_named_by_family_and_number() {
        assert_eq!(picture("globe:100000"), Ok((Family::Globe, 100_000)));
        for bad in ["globe", "box:", "box:1", "disc:100", "box:99999999"] {
            assert!(picture(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tiny_run_counts_pairs_and_has_a_baseline() {
        let common = Common { runs: 2, dir: None };
        let args = Args { common, size: vec![(Family::Box, 300), (Family::Globe, 50)], big: false };
        let report = run(&args).unwrap();
        assert_eq!(report.rows.iter().map(|r| (r.items, r.runs.len())).collect::<Vec<_>>(), [(300, 2), (50, 2)]);
        assert!(report.rows.iter().all(|r| r.baseline.is_some()));
    }
}
