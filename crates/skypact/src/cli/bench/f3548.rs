//! `bench f3548`: a node as a DSS in a process of its own, durable, and clients over HTTP with signed tokens in this one.
mod intent;
mod load;
mod race;
mod served;
mod token;

use super::node::metrics_text;
use crate::cli::bench::Common;
use crate::cli::bench::table::{Report, Row, Unit, cpu_s, figure, mib, peak_rss, percentile, spread};
use crate::cli::bench::world::{Scratch, bytes_below};
use ::journal::bench_append;
use anyhow::{Context, Result, ensure};
use load::{Load, Sky, Where};
use served::Served;
use std::time::Duration;

/// What is there already at the size that others are compared with.
const COMPARED: u64 = 10_000;
/// Batches written raw for the baseline.
const RAW_BATCHES: u64 = 200;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// What the clients do.
    #[arg(long, value_enum, default_value_t = Profile::Busy)]
    profile: Profile,
    /// Connections, each with one request under way.
    #[arg(long, default_value_t = 64, value_parser = super::up_to(256))]
    clients: usize,
    /// Seconds of a run.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Intents that are there already, ascending; not for a race.
    #[arg(long, value_delimiter = ',', default_values_t = [0u64, 10_000, 100_000, 1_000_000],
          value_parser = clap::value_parser!(u64).range(0..=2_000_000))]
    present: Vec<u64>,
    /// Queries after each write; not in a race.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    reads: u32,
    /// How often the node is killed in a race.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=100))]
    kills: u32,
    /// Seed of places and times.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What the clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    /// Intents of 60 s, all in one cell: accepted, activated, ended.
    Busy,
    /// The same, anywhere in an area of 10 by 10 degrees.
    Spread,
    /// Overlapping intents in one cell, written all at once; the node is killed in between. What is wrong afterwards fails the run.
    Race,
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let place = match args.profile {
        Profile::Busy => Where::OneCell,
        Profile::Spread => Where::Spread,
        Profile::Race => return runtime.block_on(races(args)),
    };
    ensure!(args.present.is_sorted_by(|a, b| a < b), "--present ascends: each goes on where the one before ended");
    let scratch = Scratch::new(&args.common.dir())?;
    let served = Served::start(scratch.path())?;
    let mut sky = Sky::new(place, args.seed);
    let mut rows = Vec::new();
    for &present in &args.present {
        let filled = runtime.block_on(sky.fill(&served, present))?;
        let runs = args.common.measure(|| runtime.block_on(one(args, &sky, &served)))?;
        rows.push((present, row(args, present, runs, filled)?));
    }
    let compared = rows.iter().find(|(present, _)| *present == COMPARED).map(|(_, (_, shown))| *shown);
    let rows = rows.into_iter().map(|(_, (row, shown))| match compared {
        Some(base) => row.and("latency to that at 10000", ratios(shown, base)),
        None => row,
    });
    Ok(Report {
        bench: "f3548",
        scenario: format!(
            "{}; {} clients, {} s a run; each accepts an intent of 60 s, activates it with a subscription, ends it; {} queries after each",
            match place {
                Where::OneCell => "all in one cell of level 13",
                Where::Spread => "anywhere in 10 by 10 degrees",
            },
            args.clients,
            args.seconds,
            args.reads
        ),
        seed: Some(args.seed),
        rows: rows.collect(),
        notes: vec![
            "the node is a process of its own, durable; the clients share the machine's cores with it, one thread, HTTP/1.1 kept alive".into(),
            "a write is counted when its answer has come; the baseline is one sync for as many bytes as a batch of the node has".into(),
        ],
    })
}

/// What one run gave.
struct Run {
    load: Load,
    node_cpu: f64,
    own_cpu: f64,
    bytes: u64,
    batches: f64,
    rss: u64,
    longest_batch: f64,
}

/// The node's figures so far.
fn metric(text: &str, name: &str) -> Result<f64> {
    let value = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.with_context(|| format!("the node's metrics have no {name}"))
}

async fn one(args: &Args, sky: &Sky, served: &Served) -> Result<Run> {
    let (data, pid) = (served.data(), served.pid());
    let journal = data.join("journal");
    let figures = || -> Result<_> {
        let text = metrics_text(&data)?;
        let segments = metric(&text, "skypact_journal_bytes")? as u64;
        Ok((segments, metric(&text, "skypact_journal_batches_total")?, cpu_s(pid), cpu_s(None)))
    };
    ensure!(bytes_below(&journal) > 0, "no journal at {}", journal.display());
    let before = figures()?;
    let load = sky.load(served, args.clients, args.reads, Duration::from_secs(args.seconds.into())).await?;
    // The metrics are of the last view, a tenth of a second old.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let after = figures()?;
    Ok(Run {
        load,
        node_cpu: after.2 - before.2,
        own_cpu: after.3 - before.3,
        bytes: after.0.saturating_sub(before.0),
        batches: after.1 - before.1,
        rss: peak_rss(pid),
        longest_batch: metric(&metrics_text(&data)?, "skypact_batch_seconds_longest")?,
    })
}

/// p50, p99 and most, ms.
type Shown = [f64; 3];

fn order(mut ms: Vec<f64>) -> Shown {
    [50, 99, 100].map(|percent| percentile(&mut ms, percent))
}

fn words(shown: Shown) -> String {
    let [p50, p99, most] = shown.map(figure);
    format!("p50 {p50} p99 {p99} most {most} ms")
}

fn ratios(shown: Shown, base: Shown) -> String {
    format!("p50 {} p99 {}", figure(shown[0] / base[0]), figure(shown[1] / base[1]))
}

fn row(args: &Args, present: u64, runs: Vec<Run>, filled: Option<f64>) -> Result<(Row, Shown)> {
    let errors: u64 = runs.iter().map(|run| run.load.errors).sum();
    let first = runs.iter().find_map(|run| run.load.first_error.clone()).unwrap_or_default();
    ensure!(errors == 0, "{errors} writes did not succeed; the first: {first}");
    let median = |f: &dyn Fn(&Run) -> f64| spread(&runs.iter().map(f).collect::<Vec<_>>()).0;
    let writes = |run: &Run| run.load.writes() as f64;
    let batch = (median(&|run| writes(run) / run.batches).round() as usize).max(1);
    let bytes = median(&|run| run.bytes as f64 / writes(run));
    let scratch = Scratch::new(&args.common.dir())?;
    let raw = runs.iter().map(|_| {
        let figures = bench_append(scratch.path(), RAW_BATCHES * batch as u64, bytes as usize, batch)?;
        Ok((figures.raw_records_per_s(), figures.raw_latency.p99.as_secs_f64() * 1e3))
    });
    let (raw, raw_p99): (Vec<f64>, Vec<f64>) = raw.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let cpu = |f: &dyn Fn(&Run) -> f64| {
        let share = median(&|run| f(run) / run.load.seconds * 100.0);
        format!("{} s, {} % of a core", figure(median(f)), figure(share))
    };
    let of = |step: usize| order(runs.iter().flat_map(|run| run.load.ms[step].iter().copied()).collect());
    let all = order(runs.iter().flat_map(|run| run.load.ms.iter().flatten().copied()).collect());
    let p99s: Vec<f64> = runs.iter().map(|run| order(run.load.ms.iter().flatten().copied().collect())[1]).collect();
    let (_, least, most) = spread(&p99s);
    let rates = runs.iter().map(|run| writes(run) / run.load.seconds).collect();
    let mut row = Row::new(format!("{present} intents present"), 0, Unit::PerS, rates)
        .against("raw write and fdatasync", raw)
        .and("all", words(all))
        .and("create", words(of(0)))
        .and("activate", words(of(1)))
        .and("delete", words(of(2)))
        .and("p99 of a run", format!("{} to {} ms", figure(least), figure(most)))
        .and("errors", errors.to_string())
        .and("writes of a batch", batch.to_string())
        .and("journal of a write", format!("{} B", figure(bytes)))
        .and("raw p99 of a batch", format!("{} ms", figure(spread(&raw_p99).0)))
        .and("node", cpu(&|run| run.node_cpu))
        .and("clients", cpu(&|run| run.own_cpu))
        .and("peak memory", mib(runs.iter().map(|run| run.rss).max().unwrap_or_default()))
        .and("longest batch so far", format!("{} ms", figure(median(&|run| run.longest_batch) * 1e3)));
    if args.reads > 0 {
        let reads = |run: &Run| run.load.read_ms.len() as f64 / run.load.seconds;
        let ms = order(runs.iter().flat_map(|run| run.load.read_ms.iter().copied()).collect());
        row = row.and("queries", format!("{}/s, {}", figure(median(&reads)), words(ms)));
    }
    if let Some(filled) = filled {
        row = row.and("filled at", format!("{}/s", figure(filled)));
    }
    Ok((row, all))
}

/// Races, each with a node of its own.
async fn races(args: &Args) -> Result<Report> {
    let mut found = Vec::new();
    for run in 0..args.common.runs {
        let scratch = Scratch::new(&args.common.dir())?;
        let mut served = Served::start(scratch.path())?;
        let length = Duration::from_secs(args.seconds.into());
        found.push(race::run(&mut served, args.clients, length, args.kills, args.seed + u64::from(run)).await?);
    }
    let sum = |f: fn(&race::Found) -> u64| found.iter().map(f).sum::<u64>().to_string();
    let rates = found.iter().map(|f| f.acknowledged as f64 / f.seconds).collect();
    let row = Row::new(format!("{} clients, {} kills a run", args.clients, args.kills), 0, Unit::PerS, rates)
        .and("writes acknowledged", sum(|f| f.acknowledged))
        .and("refused for a version not named", sum(|f| f.refused))
        .and("pairs that met, all named", sum(|f| f.pairs))
        .and("read back after a kill or at the end", sum(|f| f.read))
        .and("without an answer at a kill", sum(|f| f.unanswered))
        .and("of these done", sum(|f| f.adopted));
    Ok(Report {
        bench: "f3548",
        scenario: format!("a race in one cell for {} s; kill -9 in between", args.seconds),
        seed: Some(args.seed),
        rows: vec![row],
        notes: vec![
            "what is wrong fails the run: two that met of which neither named the other, an acknowledged write that is lost or changed, \
             anything that is half there"
                .into(),
        ],
    })
}
