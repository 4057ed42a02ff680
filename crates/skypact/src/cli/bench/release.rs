//! `bench release`: the release rules for every track and peer, encoding included.
use crate::cli::bench::Common;
use crate::cli::bench::table::{Report, Row, Unit, figure};
use ::release::bench::Bench;
use ::release::{Identity, Level};
use anyhow::{Result, ensure};
use std::time::Instant;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Tracks.
    #[arg(long, default_value_t = 10_000)]
    size: usize,
    /// Numbers of peers.
    #[arg(long, value_delimiter = ',', default_values_t = [1usize, 4, 16])]
    peers: Vec<usize>,
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    ensure!(args.size > 0 && args.peers.iter().all(|p| (1..=64).contains(p)), "at least one track, and 1 to 64 peers");
    let reduced = Level::Reduced { precision_mm: 200_000, delay_ms: 0, identity: Identity::Pseudonym };
    let mut rows = Vec::new();
    for (name, level) in [("full", Level::Full), ("reduced to 200 m, pseudonyms", reduced)] {
        for &peers in &args.peers {
            rows.push(row(args, name, level, peers)?);
        }
    }
    Ok(Report {
        bench: "release",
        scenario: format!("{} tracks report once a second; every peer is told", args.size),
        seed: None,
        rows,
        notes: vec!["includes moving the test's tracks (a few ns each) and encoding the records".into()],
    })
}

fn row(args: &Args, name: &str, level: Level, peers: usize) -> Result<Row> {
    let mut bench = Bench::new(args.size, peers, level);
    // The first tick makes every pseudonym and lane; the second is the steady state.
    bench.tick();
    bench.tick();
    let items = (args.size * peers) as u64;
    let mut bytes = 0;
    let runs = args.common.measure(|| {
        let begun = Instant::now();
        bytes = bench.tick();
        Ok(begun.elapsed().as_secs_f64() * 1e9 / items as f64)
    })?;
    ensure!(bytes > 0, "nothing was released");
    Ok(Row::new(format!("{name}, {peers} peers"), items, Unit::NsEach, runs)
        .and("bytes a track and peer", figure(bytes as f64 / items as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_run_releases_to_every_peer() {
        let args = Args { common: Common { runs: 2, dir: None }, size: 50, peers: vec![1, 3] };
        let report = run(&args).unwrap();
        assert_eq!(report.rows.iter().map(|r| r.items).collect::<Vec<_>>(), [50, 150, 50, 150]);
        assert!(run(&Args { peers: vec![0], ..args }).is_err());
    }
}
