//! `bench detect`: the whole pass over a picture, conversion from reports included, on one thread and on two, beside judging
//! every pair.
use crate::cli::bench::Common;
use crate::cli::bench::table::{Report, Row, Unit};
use ::detect::scenario::{Family, SEED, reports, states};
use ::detect::{Alone, Item, Kinematics, MinimaTable, Pair, Sweep, Workers, brute_force, sweep_reports, track_track};
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use track::TrackReport;
use units::Utc;

/// Every pair is judged up to this many aircraft: 200 million pairs.
const BRUTE_MAX: usize = 20_000;
/// Of more aircraft, so many are held against all others.
const SAMPLE: usize = 200;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Pictures, as FAMILY:AIRCRAFT; families: box, boxq, globe, anti, pole, formation,
    /// supersonic, city.
    #[arg(long, value_delimiter = ',', value_parser = picture,
          default_values = ["box:1000", "box:10000", "box:100000", "globe:100000", "globe:1000000"])]
    size: Vec<(Family, usize)>,
    /// Prints the aircraft of the pictures as CSV (what is not known is NaN), and measures nothing: for other people's detectors.
    #[arg(long)]
    pub aircraft: bool,
}

fn picture(text: &str) -> Result<(Family, usize), String> {
    let read = || {
        let (family, n) = text.split_once(':')?;
        Some((Family::parse(family)?, n.parse().ok().filter(|n| (2..=5_000_000).contains(n))?))
    };
    read().ok_or_else(|| format!("{text:?} is not FAMILY:AIRCRAFT, such as box:10000 or globe:100000"))
}

/// The aircraft, with the columns of the published generator.
pub fn print_aircraft(args: &Args) {
    use std::io::Write as _;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    // Whoever reads may stop reading.
    let _ = args.size.iter().try_for_each(|(family, n)| {
        writeln!(out, "id,lat_deg,lon_deg,alt_ft,gs_kt,trk_deg,vs_fpm")?;
        states(*family, *n, SEED).iter().enumerate().try_for_each(|(i, s)| {
            writeln!(out, "{i},{},{},{},{},{},{}", s.lat, s.lon, s.alt_ft, s.gs_kt, s.trk_deg, s.vs_fpm)
        })
    });
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    let mut rows = Vec::new();
    for (family, n) in &args.size {
        rows.extend(measure(&args.common, *family, *n)?);
    }
    Ok(Report {
        bench: "detect",
        scenario: "5 NM, 1000 ft, 300 s (city: drones by smaller ones); conversion from reports included".into(),
        seed: Some(SEED),
        rows,
        notes: vec![
            format!("brute force judges every pair of up to {BRUTE_MAX} aircraft; both find the same pairs, checked"),
            format!(
                "of more, {SAMPLE} aircraft are judged with all others; the sweep finds the same pairs of these, checked"
            ),
        ],
    })
}

fn measure(common: &Common, family: Family, n: usize) -> Result<[Row; 2]> {
    let reports = reports(family, n, SEED)?;
    let table = &family.minima();
    let (one, found) = timed(common, || sweep_reports(black_box(&reports), Utc(0), table, &Alone))?;
    let (two, again) = timed(common, || sweep_reports(black_box(&reports), Utc(0), table, &Threads(2)))?;
    ensure!(again == found, "{} {n}: two threads find something else than one", family.name());
    let row = |threads: &str, runs| {
        let what = format!("{} {n}, threads {threads}", family.name());
        let pairs = found.pairs.len().to_string();
        Row::new(what, n as u64, Unit::Ms, runs).and("threads", threads).and("pairs", pairs)
    };
    let (one, two) = (row("1", one), row("2", two));
    let items: Vec<Item> = reports.iter().map(item).collect();
    if n > BRUTE_MAX {
        ensure!(sample_equals(&items, table, &found.pairs), "{} {n}: the sweep and a sample disagree", family.name());
        return Ok([one, two]);
    }
    let begun = Instant::now();
    let all = brute_force(&items, table);
    let brute = begun.elapsed().as_secs_f64() * 1e3;
    ensure!(all == found, "{} {n}: the sweep and brute force disagree", family.name());
    Ok([one.against("brute force", vec![brute]), two.against("brute force", vec![brute])])
}

fn item(report: &TrackReport) -> Item {
    Item { track: Kinematics::from_report(report, Utc(0)), class: report.class }
}

/// Milliseconds of each run, and what the last one found.
fn timed(common: &Common, mut sweep: impl FnMut() -> Sweep) -> Result<(Vec<f64>, Sweep)> {
    let mut found = Sweep::default();
    let runs = common.measure(|| {
        let begun = Instant::now();
        found = sweep();
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    })?;
    Ok((runs, found))
}

/// Whether the pairs of some tracks are those that judging each with all others gives.
fn sample_equals(items: &[Item], table: &MinimaTable, pairs: &[Pair]) -> bool {
    (0..items.len()).step_by(items.len() / SAMPLE).all(|i| {
        let meets = |j: &usize| {
            let (a, b) = (&items[i.min(*j)], &items[i.max(*j)]);
            *j != i && track_track(&a.track, &b.track, &table.get(a.class, b.class)).conflict().is_some()
        };
        let other = |p: &Pair| if p.i == i { Some(p.j) } else { (p.j == i).then_some(p.i) };
        (0..items.len()).filter(meets).collect::<BTreeSet<_>>() == pairs.iter().filter_map(other).collect()
    })
}

/// So many threads, of which the caller's is one.
struct Threads(usize);

impl Workers for Threads {
    fn map<R: Send>(&self, parts: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let work = || {
            let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < parts);
            std::iter::from_fn(take).map(|n| (n, f(n))).collect::<Vec<_>>()
        };
        let mut done = std::thread::scope(|scope| {
            let others: Vec<_> = (1..self.0).map(|_| scope.spawn(work)).collect();
            let mut done = work();
            for other in others {
                done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            done
        });
        done.sort_by_key(|(n, _)| *n);
        done.into_iter().map(|(_, result)| result).collect()
    }

    fn count(&self) -> usize {
        self.0
    }
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
        let args = Args { common, size: vec![(Family::Box, 300), (Family::Globe, 50)], aircraft: false };
        let rows = run(&args).unwrap().rows;
        let sizes: Vec<_> = rows.iter().map(|r| (r.items, r.runs.len())).collect();
        assert_eq!(sizes, [(300, 2), (300, 2), (50, 2), (50, 2)]);
        assert!(rows.iter().all(|r| r.baseline.is_some()));
    }

    #[test]
    fn a_pair_too_few_and_one_too_many_of_a_sample_are_seen() {
        let table = MinimaTable::default();
        let items: Vec<Item> = reports(Family::Box, 400, SEED).unwrap().iter().map(item).collect();
        let pairs = brute_force(&items, &table).pairs;
        assert!(sample_equals(&items, &table, &pairs));
        let is_sampled = |p: &Pair| p.i.is_multiple_of(2) || p.j.is_multiple_of(2);
        let at = pairs.iter().position(is_sampled).unwrap();
        let mut wrong = pairs.clone();
        let pair = wrong.remove(at);
        assert!(!sample_equals(&items, &table, &wrong));
        wrong = pairs.clone();
        wrong.push(Pair { i: 0, j: 399, ..pair });
        assert!(!sample_equals(&items, &table, &wrong));
    }
}
