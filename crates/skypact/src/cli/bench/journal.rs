//! `bench journal`: durable appends beside raw write and fdatasync of the same bytes, batch by batch in turn.
use crate::cli::bench::Common;
use crate::cli::bench::table::{Report, Row, Unit, figure, spread};
use crate::cli::bench::world::Scratch;
use ::journal::{BenchFigures, bench_append};
use anyhow::Result;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Sizes of a record, bytes.
    #[arg(long, value_delimiter = ',', default_values_t = [64usize, 512, 4096])]
    size: Vec<usize>,
    /// Records in a batch: one sync covers them all.
    #[arg(long, value_delimiter = ',', default_values_t = [1usize, 64, 1000])]
    batch: Vec<usize>,
    /// Batches in a run.
    #[arg(long, default_value_t = 200)]
    batches: u64,
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    let scratch = Scratch::new(&args.common.dir())?;
    let dir = scratch.path();
    let mut rows = Vec::new();
    for &batch in &args.batch {
        for &size in &args.size {
            let records = args.batches * batch as u64;
            let runs = args.common.measure(|| Ok(bench_append(dir, records, size, batch)?))?;
            rows.push(row(size, batch, records, &runs));
        }
    }
    Ok(Report {
        bench: "journal",
        scenario: format!(
            "{} batches a run in {}, written and synced in turn with the baseline",
            args.batches,
            args.common.dir().display()
        ),
        seed: None,
        rows,
        notes: vec!["a batch is durable when its latency ends; a virtual disk may promise more than it keeps".into()],
    })
}

fn row(size: usize, batch: usize, records: u64, runs: &[BenchFigures]) -> Row {
    let of = |f: fn(&BenchFigures) -> f64| runs.iter().map(f).collect::<Vec<f64>>();
    let ms = |f: fn(&BenchFigures) -> f64| format!("{} ms", figure(spread(&of(f)).0));
    Row::new(format!("{size} B, batches of {batch}"), records, Unit::PerS, of(BenchFigures::records_per_s))
        .against("raw write and fdatasync", of(BenchFigures::raw_records_per_s))
        .and("batch p99", ms(|f| f.journal_latency.p99.as_secs_f64() * 1e3))
        .and("raw p99", ms(|f| f.raw_latency.p99.as_secs_f64() * 1e3))
        .and("read back and verified", format!("{}/s", figure(spread(&of(BenchFigures::read_records_per_s)).0)))
}
