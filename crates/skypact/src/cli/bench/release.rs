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
    for &peers in &args.peers {
        for (name, bench) in [
            ("full", Bench::new(args.size, peers, Level::Full)),
            ("full by the ninth rule", Bench::ninth(args.size, peers, Level::Full)),
            ("reduced to 200 m, pseudonyms", Bench::new(args.size, peers, reduced)),
        ] {
            rows.extend(pair(args, name, bench, peers)?);
        }
    }
    Ok(Report {
        bench: "release",
        scenario: format!("{} tracks report once a second; every peer is told", args.size),
        seed: None,
        rows,
        notes: vec![
            "decided: which rule holds, what of the report it lets out, under what number; beside copying the report alone".into(),
            "decided, encoded and named by SHA-256: beside that hash alone".into(),
        ],
    })
}

/// What a tick is made of, ns a track and peer.
struct Cost {
    decided: f64,
    whole: f64,
    copied: f64,
    hashed: f64,
}

fn pair(args: &Args, name: &str, mut bench: Bench, peers: usize) -> Result<[Row; 2]> {
    // The first tick makes every pseudonym and lane; the second is the steady state.
    bench.tick();
    bench.tick();
    let items = (args.size * peers) as u64;
    let mut bytes = 0;
    let runs = args.common.measure(|| {
        bench.fly();
        let (decided, ()) = timed(|| bench.decide());
        let (told, said) = timed(|| bench.tell());
        let (copied, copies) = timed(|| bench.copy());
        let (hashed, sum) = timed(|| bench.hash());
        // What is not looked at might be left out by the optimiser.
        ensure!(copies as u64 == items && said > 0 && sum < usize::MAX, "nothing was released");
        bytes = said;
        let each = |seconds: f64| seconds * 1e9 / items as f64;
        Ok(Cost { decided: each(decided), whole: each(decided + told), copied: each(copied), hashed: each(hashed) })
    })?;
    let of = |get: fn(&Cost) -> f64| runs.iter().map(get).collect::<Vec<f64>>();
    let row = |what: &str, runs| Row::new(format!("{name}, {peers} peers: {what}"), items, Unit::NsEach, runs);
    Ok([
        row("decided", of(|c| c.decided)).against("copied", of(|c| c.copied)),
        row("decided and encoded", of(|c| c.whole))
            .against("hashed", of(|c| c.hashed))
            .and("bytes a track and peer", figure(bytes as f64 / items as f64)),
    ])
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = Instant::now();
    let done = work();
    (begun.elapsed().as_secs_f64(), done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_run_releases_to_every_peer() {
        let args = Args { common: Common { runs: 2, dir: None }, size: 50, peers: vec![1, 3] };
        let report = run(&args).unwrap();
        assert_eq!(
            report.rows.iter().map(|r| r.items).collect::<Vec<_>>(),
            [50, 50, 50, 50, 50, 50, 150, 150, 150, 150, 150, 150]
        );
        assert!(run(&Args { peers: vec![0], ..args }).is_err());
    }
}
