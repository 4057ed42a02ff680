//! `bench recover`: a journal of hours of traffic, made faster than real time by the fold itself, left as kill -9 leaves
//! it; then the time from opening the folder to the full picture.
use crate::cli::bench::table::{Report, Row, Unit, mib};
use crate::cli::bench::world::{Home, Scratch, Traffic, agree, bytes_below};
use crate::cli::bench::{Common, up_to};
use crate::cli::evidence::history::progress;
use ::detect::scenario::{Family, SEED};
use ::journal::{Journal, Options, SegmentJournal, Seq};
use ::node::State;
use ::node::input::{Boot, Claim, Entry, FeedConfig, Input, Output};
use anyhow::{Context, Result, ensure};
use fold::{Recovered, Stores};
use journal::fs::{Fs, StdFs};
use pact::SignedPact;
use record::{BATCH_MAX, Mode, TrackBatch};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use units::{AircraftClass, Mono, Now, Utc};

/// When the journal begins: 2026-01-15T08:00:00Z.
const START: Utc = Utc(1_768_464_000_000);
/// Seconds of traffic under one sync, to make hours in minutes. The bytes are those of a journal made in real time.
const BATCH_S: u64 = 5;
/// Seconds between snapshots, as configured by default.
const SNAPSHOT_S: u64 = 60;
/// The node is told of time ten times a second.
const TICKS: u64 = 10;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// Aircraft, each reporting once a second.
    #[arg(long, default_value_t = 1000, value_parser = up_to(50_000))]
    size: usize,
    /// Lengths of the journal, minutes, ascending: each goes on where the one before ended.
    #[arg(long, value_delimiter = ',', default_values_t = [10u64, 60, 240])]
    minutes: Vec<u64>,
}

/// Runs it.
pub fn run(args: &Args) -> Result<Report> {
    ensure!(args.minutes.is_sorted_by(|a, b| a < b) && args.minutes.first() > Some(&0), "minutes ascend from 1");
    let scratch = Scratch::new(&args.common.dir())?;
    let mut world = World::new(scratch.path(), args.size)?;
    let mut rows = Vec::new();
    for &minutes in &args.minutes {
        // A second short of the next snapshot: the longest tail there can be.
        world.fly(minutes * 60 + SNAPSHOT_S - 1)?;
        world.tear()?;
        rows.push(measure(args, &mut world, minutes)?);
    }
    Ok(Report {
        bench: "recover",
        scenario: format!("{}; one peer, link down; a snapshot every {SNAPSHOT_S} s", world.traffic.words()),
        seed: Some(SEED),
        rows,
        notes: vec![
            "made faster than real time by the same fold; the end of the journal is torn as an unfinished write leaves it".into(),
            "from opening the folder to a view with every aircraft; the files may be in the system's cache".into(),
        ],
    })
}

struct World {
    data: std::path::PathBuf,
    traffic: Traffic,
    size: usize,
    state: State,
    stores: Stores,
    journal: Option<SegmentJournal>,
    second: u64,
    boot: Boot,
}

impl World {
    fn new(dir: &Path, size: usize) -> Result<Self> {
        let (a, b) = (Home::new(dir, "alpha")?, Home::new(dir, "beta")?);
        let pact: SignedPact = agree(&a, &b)?;
        let config = crate::config::Loaded::read(&a.write_config("127.0.0.1:0", &[(&b.party, None)], None)?)?;
        let feed = FeedConfig {
            name: "bench".into(),
            format: "aircraft-json".into(),
            claim: Claim::Own,
            class: AircraftClass::Civil,
            marking: None,
        };
        let boot = Boot {
            party: a.party.clone(),
            mode: Mode::Live,
            pacts: vec![String::from_utf8(pact.to_bytes())?],
            feeds: vec![feed],
            pseudonym_secret: a.keys.pseudonym,
            policy: crate::rules::policy(&config.config.release)?,
            markings: Vec::new(),
            dss_base_url: None,
            dss_marking: None,
            dss_notifies: false,
            software: concat!("skypact ", env!("CARGO_PKG_VERSION")).into(),
            statements: Vec::new(),
        };
        let data = a.dir.join("data");
        let Recovered { state, journal, stores, .. } = fold::recover(&disk(), &data, options())?;
        let traffic = Traffic::new(Family::Box, size)?;
        let mut world =
            Self { data, traffic, size, state, stores, journal: Some(journal), second: 0, boot: boot.clone() };
        world.take(vec![Entry { now: now(0, 0), input: Input::Boot(Box::new(boot)) }])?;
        Ok(world)
    }

    /// Goes on until `seconds` after the start.
    fn fly(&mut self, seconds: u64) -> Result<()> {
        let bar = progress(seconds, "making the journal");
        if self.journal.is_none() {
            let Recovered { state, journal, stores, .. } = fold::recover(&disk(), &self.data, options())?;
            (self.state, self.stores, self.journal) = (state, stores, Some(journal));
            let boot = Box::new(self.boot.clone());
            self.take(vec![Entry { now: now(self.second, 0), input: Input::Boot(boot) }])?;
        }
        while self.second < seconds {
            let mut entries = Vec::new();
            for _ in 0..BATCH_S.min(seconds - self.second) {
                self.second += 1;
                let at = now(self.second, 0).utc;
                for part in self.traffic.step(at, 1.0)?.chunks(BATCH_MAX) {
                    let batch = Box::new(TrackBatch::pack(at, part).context("a batch")?);
                    entries.push(Entry { now: now(self.second, 0), input: Input::Reports { feed: 0, batch } });
                }
                entries.extend((0..TICKS).map(|n| Entry { now: now(self.second, n * 100), input: Input::Tick }));
            }
            self.take(entries)?;
            if self.second % SNAPSHOT_S < BATCH_S {
                self.snapshot()?;
            }
            bar.set_position(self.second);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Journals, folds and stores as a node does.
    fn take(&mut self, entries: Vec<Entry>) -> Result<()> {
        let journal = self.journal.as_mut().context("the journal is open")?;
        let encoded: Vec<Vec<u8>> = entries.iter().map(minicbor::to_vec).collect::<Result<_, _>>()?;
        journal.append_batch(None, &encoded.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        for entry in &entries {
            let mut outputs = Vec::new();
            self.state.apply(entry, &mut outputs);
            for output in outputs {
                if let Output::Link(name, output) = output {
                    self.stores.keep_entries(&self.state, &name, &output)?;
                }
            }
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Result<()> {
        self.stores.sync()?;
        let journal = self.journal.as_mut().context("the journal is open")?;
        Ok(journal.write_snapshot(Seq(self.state.seq()), &self.state.to_snapshot())?)
    }

    /// Leaves everything as it is, and half a frame at the end of the journal.
    fn tear(&mut self) -> Result<()> {
        self.journal = None;
        let dir = fold::journal_dir(&self.data);
        let segments = std::fs::read_dir(&dir)?.filter_map(|e| Some(e.ok()?.path()));
        let newest = segments.filter(|p| p.extension().is_some_and(|e| e == "seg")).max().context("a segment")?;
        let mut file = std::fs::OpenOptions::new().append(true).open(newest)?;
        file.write_all(&[0x55; 300])?;
        Ok(())
    }
}

fn now(second: u64, ms: u64) -> Now {
    let since = second * 1000 + ms;
    Now { mono: Mono(since), utc: START.plus_ms(since as i64), utc_error_ms: 50 }
}

fn disk() -> Arc<dyn Fs> {
    Arc::new(StdFs)
}

fn options() -> Options {
    Options { reserve_bytes: 16 << 20, ..Options::default() }
}

fn measure(args: &Args, world: &mut World, minutes: u64) -> Result<Row> {
    let (mut facts, mut replayed) = (BTreeMap::new(), 0);
    let runs = args.common.measure(|| {
        let begun = Instant::now();
        let recovered = fold::recover(&disk(), &world.data, options())?;
        let view = recovered.state.view(recovered.state.now());
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        ensure!(view.tracks.len() == world.size, "{} of {} aircraft", view.tracks.len(), world.size);
        ensure!(recovered.state == world.state, "the recovered state is another than the one that was lost");
        replayed = recovered.replayed;
        let link = recovered.state.peer_ids().next().and_then(|peer| recovered.state.link(peer));
        facts.insert("entries in the peer's log", link.map_or(0, |l| l.out_log().size()));
        // Half a frame again for the next run: the repair has cut the one before.
        drop(recovered);
        world.tear()?;
        Ok(ms)
    })?;
    let bytes = bytes_below(&world.data);
    let mut row = Row::new(format!("{minutes} minutes of {} aircraft", world.size), 0, Unit::Ms, runs)
        .and("folder", mib(bytes))
        .and("inputs folded behind the snapshot", replayed.to_string());
    for (name, n) in facts {
        row = row.and(name, n.to_string());
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_journal_is_recovered_to_the_state_that_was_lost() {
        let args = Args { common: Common { runs: 2, dir: None }, size: 20, minutes: vec![1, 2] };
        let report = run(&args).unwrap();
        assert_eq!(report.rows.iter().map(|r| r.runs.len()).collect::<Vec<_>>(), [2, 2]);
        for row in &report.rows {
            let folded: u64 = row.more.iter().find(|(n, _)| n.starts_with("inputs")).unwrap().1.parse().unwrap();
            // The tail is less than a minute: 11 inputs a second.
            assert!(folded > 0 && folded <= 11 * 60, "{folded}");
        }
    }
}
