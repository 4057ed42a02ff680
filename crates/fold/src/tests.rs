use super::recovery::POISON;
use super::*;
use airspace::{Limit, Outline};
use journal::fs::{Entry as File, Fs, FsFile, Lock, StdFs};
use journal::{Journal, Seq};
use link::Output;
use node::State;
use node::input::{Answered, Boot, Claim, Entry, FeedConfig, FeedState, Input, ObservedLoss};
use pact::{Minima, Pact, Party, SignedPact};
use record::{Hash32, Mode, PartyId};
use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tlog::NoteSigner;
use units::{AircraftClass, Height, Mono, NM_MM, Now, Utc, Vertex};

/// 2026-06-01T00:00:00Z.
const START: Utc = Utc(1_780_272_000_000);

/// A clock that the test moves.
#[derive(Default)]
struct Moved(Cell<u64>);

impl Time for Moved {
    fn now(&self) -> Now {
        let ms = self.0.get();
        Now { mono: Mono(1 + ms), utc: START.plus_ms(ms as i64), utc_error_ms: 10 }
    }

    fn up(&self) -> Duration {
        Duration::from_millis(self.0.get())
    }
}

/// Answers by the number that the test gave.
#[derive(Default)]
struct Answers(Vec<(usize, bool)>);

impl Outlet for Answers {
    type Reply = usize;

    fn reply(&mut self, reply: usize, answer: Result<Option<Answered>, NotAccepted>, _: Duration) {
        self.0.push((reply, answer.is_ok()));
    }

    fn link(&mut self, _: &State, _: &Stores, _: &PartyId, _: &Output) {}

    fn loss(&mut self, _: ObservedLoss) {}

    fn made_again(&mut self, _: &Stores) {}
}

/// A node of its own folder, whose fold is driven by hand.
struct Rig {
    dir: tempfile::TempDir,
    fs: Arc<dyn Fs>,
}

fn keys(name: &str) -> (NoteSigner, NoteSigner) {
    let (seed, name) = (Hash32::of(name.as_bytes()).0, &format!("skypact.link/{name}"));
    let cosign = NoteSigner::cosigner(name, &Hash32::of(&seed).0).unwrap();
    (NoteSigner::new(name, &seed).unwrap(), cosign)
}

fn boot() -> Boot {
    let party = |name: &str| Party {
        id: PartyId::parse(name).unwrap(),
        name: name.into(),
        log_key: keys(name).0.verifier().clone(),
        cosign_key: keys(name).1.verifier().clone(),
        tls_spki_sha256: Hash32::of(name.as_bytes()),
        authority_key: None,
        desk: String::new(),
    };
    let pact = Pact {
        parties: vec![party("alpha"), party("beta")],
        area: Outline::Circle { centre: Vertex::from_degrees(48.0, 10.0).unwrap(), radius_mm: 900 * NM_MM },
        lower: Limit::Unlimited,
        upper: Limit::Unlimited,
        valid_from: START,
        valid_until: START.plus_ms(86_400_000),
        default_minima: Minima { lateral_mm: 5 * NM_MM, vertical: Height::from_feet(1000), horizon_ms: 300_000 },
        pairs: Vec::new(),
        alarm_horizon_ms: 120_000,
        notice_s: Default::default(),
        acknowledge_s: [14_400, 1_800, 300, 60],
        mode: Mode::Live,
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
        clock_warn_ms: 1000,
        clock_refuse_ms: 5000,
        checkpoints_shared: false,
        rates: Default::default(),
        padding: None,
        oversight: Default::default(),
    };
    let mut signed = SignedPact::unsigned(pact).unwrap();
    ["alpha", "beta"].iter().for_each(|name| signed.sign(&keys(name).0).unwrap());
    let feed = FeedConfig {
        name: "own".into(),
        format: "aircraft-json".into(),
        claim: Claim::Own,
        class: AircraftClass::Civil,
        marking: None,
    };
    Boot {
        party: PartyId::parse("alpha").unwrap(),
        mode: Mode::Live,
        pacts: vec![String::from_utf8(signed.to_bytes()).unwrap()],
        feeds: vec![feed],
        pseudonym_secret: [7; 32],
        policy: release::Policy::default(),
        software: "test".into(),
        statements: Vec::new(),
        markings: Vec::new(),
        dss_base_url: None,
        dss_marking: None,
        dss_notifies: false,
    }
}

impl Rig {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), fs: Arc::new(StdFs) }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn recovered(&self) -> Recovered {
        recover(&self.fs, &self.data(), journal::Options::default()).unwrap()
    }

    fn fold(&self) -> Fold<Moved> {
        self.fold_with(false)
    }

    fn fold_with(&self, snapshots_beside: bool) -> Fold<Moved> {
        let options = Options {
            fs: self.fs.clone(),
            data: self.data(),
            log_key: keys("alpha").0,
            snapshot_every: Duration::from_secs(3600),
            snapshots_beside,
            planted: None,
        };
        let mut fold = Fold::new(options, self.recovered(), Moved::default());
        fold.batch(vec![(Input::Boot(Box::new(boot())), None)], &mut Answers::default());
        fold
    }
}

fn health(errors: u64, last_error: Option<&str>) -> Input {
    Input::FeedHealth { feed: 0, state: FeedState::Up, errors, last_error: last_error.map(str::to_string) }
}

#[test]
fn an_input_that_makes_the_fold_fail_is_skipped_and_those_beside_it_are_folded_once() {
    let rig = Rig::new();
    let mut fold = rig.fold();
    for round in 0..2 {
        let before = fold.state().seq();
        let inputs = vec![
            health(1, None),
            health(2, Some(POISON)),
            health(3, None),
            health(4, Some(POISON)),
            health(5 + round, None),
        ];
        let mut answers = Answers::default();
        fold.batch(inputs.into_iter().enumerate().map(|(i, input)| (input, Some(i))).collect(), &mut answers);
        assert_eq!(answers.0, [(0, true), (1, false), (2, true), (3, false), (4, true)]);
        assert!(fold.trouble().is_none(), "the node goes on");
        // Five inputs and two decisions; no more, no less.
        assert_eq!((fold.state().seq() - before, fold.state().seq()), (7, fold.journal().last_seq().0));
        assert_eq!(fold.state().view(fold.time().now()).feeds[0].errors, 5 + round);
    }
    // A second later an officer is told.
    fold.time().0.set(1_100);
    fold.batch(vec![(Input::Tick, None), (Input::Tick, None)], &mut Answers::default());
    let alerts = fold.state().view(fold.time().now()).alerts;
    assert!(alerts.iter().any(|a| a.text.contains("was skipped")), "{alerts:?}");
    let state = fold.state().clone();
    drop(fold);
    assert!(rig.recovered().state == state, "a restart gives the same");
}

#[test]
fn more_than_the_journal_writes_at_once_is_written_in_parts_and_what_is_too_long_alone_is_refused_alone() {
    let rig = Rig::new();
    let mut fold = rig.fold();
    let report = |bytes: usize| {
        let ask = dss::Ask::Report("x".repeat(bytes));
        Input::Dss(Box::new(dss::Request { manager: "uss1".into(), entropy: [1; 32], key: None, ask }), None)
    };
    // 48 MiB, and one record of 40.
    let mut inputs: Vec<Input> = (0..48).map(|_| report(1 << 20)).collect();
    inputs.insert(7, report(40 << 20));
    let before = fold.state().seq();
    let mut answers = Answers::default();
    fold.batch(inputs.into_iter().enumerate().map(|(i, input)| (input, Some(i))).collect(), &mut answers);
    assert_eq!(answers.0, (0..49).map(|i| (i, i != 7)).collect::<Vec<_>>());
    assert_eq!((fold.state().seq() - before, fold.trouble()), (48, None));
    let state = fold.state().clone();
    drop(fold);
    assert!(rig.recovered().state == state, "a restart gives the same");
}

#[test]
fn a_node_that_died_of_an_input_skips_it_at_the_next_start() {
    let rig = Rig::new();
    let fold = rig.fold();
    let now = fold.time().now();
    drop(fold);
    let mut recovered = rig.recovered();
    let entries = [health(1, None), health(2, Some(POISON)), health(3, None)].map(|input| Entry { now, input });
    let bytes: Vec<Vec<u8>> = entries.iter().map(encode).collect();
    let slices: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    recovered.journal.append_batch(None, &slices).unwrap();
    let last = recovered.journal.last_seq();
    drop(recovered);
    let first = rig.recovered();
    assert_eq!(first.state.view(now).feeds[0].errors, 3);
    let seq = first.journal.last_seq();
    assert_eq!(first.state.seq(), seq.0, "the decision is folded, too");
    assert_eq!(seq, Seq(last.0 + 1), "and journaled");
    drop(first);
    assert_eq!(rig.recovered().journal.last_seq(), seq, "once");
}

/// A disk on which no snapshot comes to its place while the gate is held.
#[derive(Debug, Default)]
struct Gated(Mutex<()>);

impl Fs for Gated {
    fn create_dir(&self, dir: &Path) -> io::Result<bool> {
        StdFs.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<File>> {
        StdFs.list(dir)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        StdFs.open(path)
    }
    fn open_rw(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        StdFs.open_rw(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        StdFs.create(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let _gate = to.extension().is_some_and(|e| e == "snap").then(|| self.0.lock());
        StdFs.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        StdFs.remove(path)
    }
    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        StdFs.remove_dir(dir)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        StdFs.sync_dir(dir)
    }
    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        StdFs.free_bytes(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Lock> {
        StdFs.lock(path)
    }
    fn entropy(&self) -> u64 {
        StdFs.entropy()
    }
}

#[test]
fn inputs_are_taken_while_a_snapshot_is_written_and_it_is_that_of_its_beginning() {
    let disk = Arc::new(Gated::default());
    let rig = Rig { dir: tempfile::tempdir().unwrap(), fs: disk.clone() };
    let mut fold = rig.fold_with(true);
    let gate = disk.0.lock().unwrap();
    fold.time().0.set(3_600_000);
    fold.housekeeping();
    let begun = fold.state().seq();
    let mut answers = Answers::default();
    fold.batch(vec![(health(1, None), Some(0)), (health(2, None), Some(1))], &mut answers);
    fold.time().0.set(7_200_000);
    fold.housekeeping();
    assert_eq!(answers.0, [(0, true), (1, true)]);
    assert_eq!(fold.journal().health().newest_snapshot, None, "it is under way");
    // No other is due.
    fold.time().0.set(3_600_001);
    drop(gate);
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while fold.journal().health().newest_snapshot.is_none() {
        assert!(std::time::Instant::now() < until, "no snapshot");
        fold.housekeeping();
    }
    assert_eq!(fold.journal().health().newest_snapshot, Some(Seq(begun)), "one, and not a second meanwhile");
    let state = fold.state().clone();
    drop(fold);
    let recovered = rig.recovered();
    assert_eq!(recovered.replayed, 2);
    assert!(recovered.state == state);
}
