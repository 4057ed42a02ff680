//! `bench volumes`: finding what a volume conflicts with among many, beside judging it against each.
use crate::cli::bench::table::{Report, Row, Unit, figure, percentile};
use crate::cli::bench::{Common, up_to};
use crate::cli::evidence::history::progress;
use ::detect::scenario::SEED;
use ::detect::scenario::volumes::{Spread, volume};
use ::detect::{Overlap, PreparedVolume, VolumeIndex, volume_volume};
use anyhow::{Context, Result, ensure};
use std::hint::black_box;
use std::time::Instant;

/// Volumes judged one by one for the baseline: 200 million pairs would take a minute.
const PAIRS_MAX: usize = 20_000_000;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Volumes filed; 10,000, 100,000 and 1,000,000 unless said.
    #[arg(long, value_delimiter = ',', value_parser = up_to(5_000_000), default_values = ["10000", "100000", "1000000"])]
    size: Vec<usize>,
    /// Where they are: `globe` (evenly) or `box` (1000 by 1000 NM).
    #[arg(long, value_parser = spread, default_value = "globe")]
    spread: Spread,
    /// Questions of each run.
    #[arg(long, value_parser = up_to(1_000_000), default_value = "10000")]
    queries: usize,
}

fn spread(text: &str) -> Result<Spread, String> {
    Spread::parse(text).ok_or_else(|| format!("{text:?} is not globe or box"))
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    let mut rows = Vec::new();
    let mut grown = Vec::new();
    for size in &args.size {
        let mut found = one(args, *size)?;
        grown.push((*size, found.p50_us, found.p99_us));
        rows.append(&mut found.rows);
    }
    let mut notes = vec![
        "a query is the index and the exact decision about everything that it passes, for a volume that is prepared"
            .into(),
        format!("one by one: {PAIRS_MAX} pairs at most, so a sample of the questions; both find the same, checked"),
    ];
    if let (Some(first), Some(last)) = (grown.first(), grown.last())
        && grown.len() > 1
    {
        notes.push(format!(
            "from {} to {} volumes a query's p50 grows by {}, its p99 by {}",
            first.0,
            last.0,
            figure(last.1 / first.1),
            figure(last.2 / first.2)
        ));
    }
    Ok(Report {
        bench: "volumes",
        scenario: format!(
            "volumes of one day, {}; all live; {} questions; one thread",
            args.spread.name(),
            args.queries
        ),
        seed: Some(SEED),
        rows,
        notes,
    })
}

struct Found {
    rows: Vec<Row>,
    p50_us: f64,
    p99_us: f64,
}

fn one(args: &Args, size: usize) -> Result<Found> {
    let prepared = |i: u64| PreparedVolume::prepare(&volume(args.spread, i, SEED)).context("the scenario's volume");
    let bar = progress(size as u64, "preparing");
    let volumes = (0..size as u64).map(|i| prepared(i).inspect(|_| bar.inc(1))).collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();
    // Questions are volumes of the same kinds that are not filed: what a planner or a peer files next.
    let asked = (0..args.queries as u64).map(|i| prepared((1 << 40) + i)).collect::<Result<Vec<_>>>()?;

    let (mut index, mut each_us) = (VolumeIndex::new(), Vec::with_capacity(size));
    for (n, volume) in volumes.iter().enumerate() {
        let begun = Instant::now();
        index.upsert(n as u32, volume.extent());
        each_us.push(micros(begun));
    }
    let upserts = Row::new(format!("{size}: upsert"), size as u64, Unit::Us, vec![percentile(&mut each_us, 50)])
        .and("p99", format!("{} us", figure(percentile(&mut each_us, 99))))
        .and("max", format!("{} us", figure(percentile(&mut each_us, 100))))
        .and("all", format!("{} s", figure(each_us.iter().sum::<f64>() / 1e6)));

    let (mut p50, mut p99, mut most) = (Vec::new(), Vec::new(), Vec::new());
    let (mut passed, mut met) = (0usize, 0usize);
    for _ in 0..args.common.runs {
        let mut each_us = Vec::with_capacity(asked.len());
        (passed, met) = (0, 0);
        for query in &asked {
            let begun = Instant::now();
            let (candidates, found) = conflicts(&index, &volumes, black_box(query));
            each_us.push(micros(begun));
            (passed, met) = (passed + candidates, met + found.len());
        }
        p50.push(percentile(&mut each_us, 50));
        p99.push(percentile(&mut each_us, 99));
        most.push(percentile(&mut each_us, 100));
    }
    let mut brute_us = Vec::new();
    for query in asked.iter().take((PAIRS_MAX / size).max(1)) {
        let begun = Instant::now();
        let all: Vec<u32> = (0u32..).zip(&volumes).filter(|(_, v)| meets(query, v)).map(|(n, _)| n).collect();
        brute_us.push(micros(begun));
        ensure!(all == conflicts(&index, &volumes, query).1, "{size} volumes: the index and the scan disagree");
    }
    let (p50_us, p99_us) = (percentile(&mut p50.clone(), 50), percentile(&mut p99.clone(), 50));
    let each = |n: usize| figure(n as f64 / asked.len() as f64);
    let query = Row::new(format!("{size}: query, p50"), size as u64, Unit::Us, p50)
        .against("one by one", vec![percentile(&mut brute_us, 50)])
        .and("p99", format!("{} us", figure(p99_us)))
        .and("max", format!("{} us", figure(percentile(&mut most, 100))))
        .and("passed by the index", each(passed))
        .and("met", each(met))
        .and("one by one for", format!("{} questions", brute_us.len()));
    Ok(Found { rows: vec![upserts, query], p50_us, p99_us })
}

/// How many pass the index, and which of them meet the volume, ascending.
fn conflicts(index: &VolumeIndex<u32>, volumes: &[PreparedVolume], query: &PreparedVolume) -> (usize, Vec<u32>) {
    let mut found = index.meeting(&query.extent());
    let passed = found.len();
    found.retain(|n| meets(query, &volumes[*n as usize]));
    (passed, found)
}

fn meets(a: &PreparedVolume, b: &PreparedVolume) -> bool {
    volume_volume(a, b) != Overlap::Clear
}

fn micros(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_run_answers_as_judging_one_by_one_does_and_tells_how_cost_grows() {
        for spread in Spread::ALL {
            let common = Common { runs: 2, dir: None };
            let args = Args { common, size: vec![50, 300], spread, queries: 40 };
            let report = run(&args).unwrap();
            let shape: Vec<_> = report.rows.iter().map(|r| (r.items, r.runs.len(), r.baseline.is_some())).collect();
            assert_eq!(shape, [(50, 1, false), (50, 2, true), (300, 1, false), (300, 2, true)]);
            assert!(report.notes.iter().any(|n| n.starts_with("from 50 to 300 volumes")), "{:?}", report.notes);
        }
    }
}
