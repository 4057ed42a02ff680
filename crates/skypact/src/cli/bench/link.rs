//! `bench link`: two nodes, each with its own runtime, fold, journal and logs, joined by mutual TLS and HTTP/2 over
//! loopback. Aircraft are reported to one; it releases them; the other verifies, stores, folds and cosigns.
use crate::cli::bench::protocol;
use crate::cli::bench::table::{Report, Row, Unit, cpu_s, figure, percentile};
use crate::cli::bench::world::{Home, Scratch, Traffic, agree_padded};
use crate::cli::bench::{Common, up_to};
use crate::config::Loaded;
use crate::core::CoreHandle;
use crate::serve::{self, Running};
use ::detect::scenario::{Family, SEED};
use ::node::view::LinkStatus;
use anyhow::{Context, Result, bail, ensure};
use record::PartyId;
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How often sizes are looked at: the resolution of the latency.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// A link that does not come up in this time never will.
const UP_MAX: Duration = Duration::from_secs(20);
/// The fold releases this often.
const RELEASE_EVERY: Duration = Duration::from_secs(1);
/// After the last report, receipts are waited for this long.
const DRAIN_MAX: Duration = Duration::from_secs(60);

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Updates a second, each of another aircraft.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000usize, 5_000, 20_000],
          value_parser = up_to(90_000))]
    size: Vec<usize>,
    /// Clause 19 of the pact: a constant rate each way, as in `4096/200ms`. The protocol alone has none.
    #[arg(long, value_parser = crate::cli::terms::padding, value_name = "BYTES/TIME")]
    padding: Option<pact::Padding>,
    /// Length of a run.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
}

impl Args {
    /// Updates a second.
    pub fn sizes(&self) -> &[usize] {
        &self.size
    }
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    let mut rows = protocol::rows(args, &args.common)?;
    for &size in &args.size {
        let runs = args.common.measure(|| one(args, size))?;
        rows.push(row(args, size, runs));
    }
    Ok(Report {
        bench: "link",
        scenario: format!(
            "aircraft of the globe family, 450 kt, one report a second each, released in full{}",
            args.padding.map_or_else(String::new, |p| {
                format!("; each way {} bytes every {} ms, whatever is said", p.chunk_bytes, p.every_ms)
            })
        ),
        seed: Some(SEED),
        rows,
        notes: vec![
            "two nodes in this process, each on a runtime of its own with its own fold, journal and logs on disk".into(),
            "rules release once a second, so every aircraft's update leaves in one burst, and a report that a newer one \
             overtakes before the release does not leave; the receipt's time runs from the entry in the log to the peer's \
             verified cosignature, which it gives when the entry is durable and folded"
                .into(),
            "protocol alone: the machines of both sides in one thread, without sockets, disks, pictures and rules".into(),
            "processor time is of both nodes together, detection, journals and this load generator included".into(),
        ],
    })
}

/// What one run gave.
struct Figures {
    updates_per_s: f64,
    updates: u64,
    p50_ms: f64,
    p99_ms: f64,
    entries: u64,
    cores: f64,
    lag_ms: f64,
}

fn row(args: &Args, size: usize, runs: Vec<Figures>) -> Row {
    let of = |f: fn(&Figures) -> f64| runs.iter().map(f).collect::<Vec<f64>>();
    let median = |f: fn(&Figures) -> f64| crate::cli::bench::table::spread(&of(f)).0;
    let offered = size as u64 * u64::from(args.seconds);
    Row::new(format!("{size} updates/s offered for {} s", args.seconds), offered, Unit::PerS, of(|f| f.updates_per_s))
        .and("entry to receipt: p50", format!("{} ms", figure(median(|f| f.p50_ms))))
        .and("p99", format!("{} ms", figure(median(|f| f.p99_ms))))
        .and("updates receipted", format!("{:.0} of {offered}", median(|f| f.updates as f64)))
        .and("entries", format!("{:.0}", median(|f| f.entries as f64)))
        .and("both nodes", format!("{} cores", figure(median(|f| f.cores))))
        .and("late at the end", format!("{} ms", figure(median(|f| f.lag_ms))))
}

/// Two nodes that are joined.
struct Pair {
    alpha: (Runtime, Running),
    beta: (Runtime, Running),
    peer: PartyId,
    _scratch: Scratch,
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

impl Pair {
    fn start(args: &Args) -> Result<Self> {
        let scratch = Scratch::new(&args.common.dir())?;
        let (a, b) = (Home::new(scratch.path(), "alpha")?, Home::new(scratch.path(), "beta")?);
        agree_padded(&a, &b, args.padding)?;
        // The name that sorts first dials.
        let config = Loaded::read(&b.write_config("127.0.0.1:0", &[(&a.party, None)], None)?)?;
        let rt = runtime()?;
        let running = rt.block_on(serve::start(&config))?;
        let beta = (rt, running);
        let address = beta.1.link.to_string();
        let config = Loaded::read(&a.write_config("127.0.0.1:0", &[(&b.party, Some(address))], Some("none.json"))?)?;
        let rt = runtime()?;
        let running = rt.block_on(serve::start(&config))?;
        let pair = Self { alpha: (rt, running), beta, peer: b.party, _scratch: scratch };
        let begun = Instant::now();
        while pair.alpha.1.core.view().peers.iter().any(|p| p.link != LinkStatus::Up) {
            ensure!(begun.elapsed() < UP_MAX, "the link did not come up: {:?}", pair.alpha.1.core.view().peers);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(pair)
    }

    fn stop(self) {
        for (rt, running) in [self.alpha, self.beta] {
            rt.block_on(running.stop());
        }
    }
}

fn one(args: &Args, size: usize) -> Result<Figures> {
    let pair = Pair::start(args)?;
    let (cpu, begun) = (cpu_s(None), Instant::now());
    let measured = pair.alpha.0.block_on(drive(args, size, &pair.alpha.1.core, &pair.peer));
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_s(None) - cpu);
    let held = pair.beta.1.core.view().tracks.len();
    pair.stop();
    let Driven { mut latencies, entries, updates, took, lag_ms } = measured?;
    ensure!(held == size, "the peer holds {held} of {size} aircraft");
    Ok(Figures {
        updates_per_s: updates as f64 / took.as_secs_f64(),
        updates,
        p50_ms: percentile(&mut latencies, 50),
        p99_ms: percentile(&mut latencies, 99),
        entries,
        cores: cpu / wall,
        lag_ms,
    })
}

/// What was seen of one run.
struct Driven {
    /// Of each entry, ms.
    latencies: Vec<f64>,
    entries: u64,
    /// Reports in the entries.
    updates: u64,
    /// Until the last receipt.
    took: Duration,
    /// How late the last second's reports were handed over, ms.
    lag_ms: f64,
}

/// Reports every aircraft once a second and watches the log grow and be cosigned.
async fn drive(args: &Args, size: usize, core: &CoreHandle, peer: &PartyId) -> Result<Driven> {
    let mut traffic = Traffic::new(Family::Globe, size)?;
    let start = sizes(core, peer).await?.0;
    let feeding = {
        let (core, seconds) = (core.clone(), args.seconds);
        tokio::spawn(async move {
            let begun = tokio::time::Instant::now();
            let mut late = Duration::ZERO;
            for n in 0..seconds {
                let due = begun + Duration::from_secs(u64::from(n));
                tokio::time::sleep_until(due).await;
                let now = core.clock().now().utc;
                let reports = traffic.step(now, 1.0)?.to_vec();
                crate::feeds::hand_over(&core, 0, &reports).await?;
                late = due.elapsed();
            }
            Ok::<_, anyhow::Error>(late)
        })
    };
    let begun = Instant::now();
    let mut waiting: VecDeque<(u64, Instant)> = VecDeque::new();
    let (mut out, mut latencies) = (start, Vec::new());
    let (mut fed, mut last) = (None, begun);
    loop {
        let (size_now, cosigned) = sizes(core, peer).await?;
        let now = Instant::now();
        (out..size_now).for_each(|index| waiting.push_back((index, now)));
        out = size_now;
        while let Some((index, since)) = waiting.front()
            && *index < cosigned
        {
            latencies.push(since.elapsed().as_secs_f64() * 1e3);
            last = now;
            waiting.pop_front();
        }
        if feeding.is_finished() {
            let fed = *fed.get_or_insert(now);
            // Two releases after the last report, nothing can be waiting for one.
            if waiting.is_empty() && fed.elapsed() > 2 * RELEASE_EVERY + LOOK_EVERY {
                break;
            }
        }
        if begun.elapsed() > Duration::from_secs(u64::from(args.seconds)) + DRAIN_MAX {
            bail!("{} entries said, {cosigned} cosigned: the peer does not keep up", out - start);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let late = feeding.await.context("the load generator")??;
    // The last second's reports leave at the end of that second: a run is at least as long as its reports are.
    let took = last.duration_since(begun).max(Duration::from_secs(u64::from(args.seconds)));
    let updates = rows(core, peer, start, out)?;
    Ok(Driven { latencies, entries: out - start, updates, took, lag_ms: late.as_secs_f64() * 1e3 })
}

/// Reports in the entries of the log to the peer.
fn rows(core: &CoreHandle, peer: &PartyId, from: u64, to: u64) -> Result<u64> {
    let stores = core.stores(peer).context("no log")?;
    stores.out.flush()?;
    let (mut at, mut rows) = (from, 0);
    while at < to {
        let entries = stores.out.read(at, to, 256, usize::MAX)?;
        for entry in &entries {
            if let record::Body::Tracks(batch) = record::decode(entry).context("an own record")?.record.body {
                rows += batch.unpack().map_or(0, |reports| reports.len() as u64);
            }
        }
        at += entries.len() as u64;
    }
    Ok(rows)
}

/// Entries of the log to the peer, and how many of them it cosigned.
async fn sizes(core: &CoreHandle, peer: &PartyId) -> Result<(u64, u64)> {
    let peer = peer.clone();
    let ask = move |state: &::node::State| {
        let link = state.link(&peer)?.view(state.now());
        Some((link.out_size, link.cosigned))
    };
    core.query(ask).await.flatten().context("the node has stopped")
}
