//! Every single operation of a workload fails in every way, then power is lost in every way. After each: nothing acknowledged is lost,
//! nothing refused comes back, nothing is doubled, the chain verifies.

use std::{collections::HashSet, path::Path, sync::Arc};

use faults::{FAULTS, Fault, FaultFs, LOSSES, Loss};
use journal::{
    Journal, JournalError, Options, RetentionOrder, SegmentJournal, Seq, format::seq_of_name, fs::Fs, verify_with,
};
use proptest::prelude::*;

const DIR: &str = "/party/journal";

#[derive(Debug, Clone)]
enum Act {
    /// Appends records of these sizes as one batch.
    Append(Vec<usize>),
    /// Stores a snapshot at the last position.
    Snapshot,
    /// Removes what the snapshots allow.
    Trim,
    /// Closes and opens.
    Reopen,
}

/// Drives a journal and remembers what it must hold.
struct Driver {
    fs: FaultFs,
    loss: Loss,
    /// Power goes off right after a refusal, and right after what a kill left was opened, before anything else is written.
    cut: bool,
    journal: Option<SegmentJournal>,
    /// Every record ever acknowledged, or found after an open; position less one.
    held: Vec<Vec<u8>>,
    /// The batch whose fate is unknown.
    unsure: Vec<Vec<u8>>,
    /// Records whose batch was refused: they may exist again only if sent again.
    refused: HashSet<Vec<u8>>,
    snapshots: Vec<(Seq, Vec<u8>)>,
    /// A snapshot that may exist.
    unsure_snapshot: Option<(Seq, Vec<u8>)>,
    first: Seq,
    made: u64,
}

impl Driver {
    fn new(fs: FaultFs, loss: Loss) -> Driver {
        Driver {
            fs,
            loss,
            cut: false,
            journal: None,
            held: Vec::new(),
            unsure: Vec::new(),
            refused: HashSet::new(),
            snapshots: Vec::new(),
            unsure_snapshot: None,
            first: Seq(1),
            made: 0,
        }
    }

    fn run(&mut self, acts: &[Act]) {
        self.reopen();
        for act in acts {
            match act {
                Act::Append(sizes) => self.append(sizes),
                Act::Snapshot => self.snapshot(),
                Act::Trim => self.trim(),
                Act::Reopen => {
                    self.journal = None;
                    self.reopen();
                }
            }
        }
    }

    /// A payload that occurs once.
    fn payload(&mut self, size: usize) -> Vec<u8> {
        self.made += 1;
        let mut out = vec![self.made as u8 | 1; size.max(8)];
        out[..8].copy_from_slice(&self.made.to_le_bytes());
        out
    }

    fn append(&mut self, sizes: &[usize]) {
        loop {
            // New payloads at each try: what was refused must never show up.
            let batch: Vec<Vec<u8>> = sizes.iter().map(|s| self.payload(*s)).collect();
            let refs: Vec<&[u8]> = batch.iter().map(Vec::as_slice).collect();
            let expected = Seq(self.held.len() as u64);
            match self.journal.as_mut().unwrap().append_batch(Some(expected), &refs) {
                Ok(last) => {
                    self.held.extend(batch);
                    assert_eq!(last, Seq(self.held.len() as u64));
                    return;
                }
                Err(JournalError::Full { .. } | JournalError::Io { .. }) if !self.fs.is_off() => {
                    self.refused.extend(batch);
                    if self.cut {
                        self.fs.cut_power();
                        self.reopen();
                    }
                }
                Err(e) => {
                    assert!(self.fs.is_off() || matches!(e, JournalError::Unknown { .. }), "{e}");
                    // Stays so until opened again, and says so.
                    if !self.fs.is_off() {
                        let again = self.journal.as_mut().unwrap().append_batch(None, &[b"more"]);
                        assert!(matches!(again, Err(JournalError::Unknown { .. })));
                    }
                    self.unsure = batch;
                    self.reopen();
                    return;
                }
            }
        }
    }

    fn snapshot(&mut self) {
        let (seq, bytes) = (Seq(self.held.len() as u64), self.payload(700));
        loop {
            match self.journal.as_mut().unwrap().write_snapshot(seq, &bytes) {
                Ok(()) => return self.snapshots.push((seq, bytes)),
                Err(JournalError::Full { .. } | JournalError::Io { .. }) if !self.fs.is_off() => {
                    // It may stand already, if only the removal of older ones failed.
                    self.unsure_snapshot = Some((seq, bytes.clone()));
                }
                Err(_) => {
                    self.unsure_snapshot = Some((seq, bytes));
                    return self.reopen();
                }
            }
        }
    }

    fn trim(&mut self) {
        let order = RetentionOrder { who: "test".into(), why: "age".into(), at_utc_ms: 1 };
        let upto = Seq(self.held.len() as u64);
        loop {
            match self.journal.as_mut().unwrap().trim(upto, &order) {
                Ok(_) => break,
                Err(JournalError::TrimRefused { limit, .. }) if limit > Seq::ZERO => {
                    match self.journal.as_mut().unwrap().trim(limit, &order) {
                        Ok(_) => break,
                        Err(JournalError::Full { .. } | JournalError::Io { .. }) if !self.fs.is_off() => {}
                        Err(_) => return self.reopen(),
                    }
                }
                Err(JournalError::TrimRefused { .. }) => break,
                Err(JournalError::Full { .. } | JournalError::Io { .. }) if !self.fs.is_off() => {}
                Err(_) => return self.reopen(),
            }
        }
        self.first = self.journal.as_ref().unwrap().first_seq();
    }

    /// Opens, over a power cycle if power went off, and checks everything.
    fn reopen(&mut self) {
        self.journal = None;
        for _ in 0..20 {
            let killed = self.fs.restart_if_killed();
            if self.fs.is_off() {
                self.fs.power_cycle(self.loss);
            }
            let options = Options { segment_bytes: 4096, reserve_bytes: 1, ..Options::default() };
            match SegmentJournal::open_with(Arc::new(self.fs.clone()), Path::new(DIR), options) {
                Ok((journal, _)) => {
                    self.journal = Some(journal);
                    if self.check() {
                        if killed && self.cut {
                            // What was found after a kill must be on the disk, not only in memory.
                            self.journal = None;
                            self.fs.cut_power();
                            continue;
                        }
                        return;
                    }
                    self.journal = None;
                }
                Err(JournalError::Full { .. } | JournalError::Io { .. } | JournalError::Unknown { .. }) => {}
                Err(e) => panic!("refused to open: {e}"),
            }
        }
        panic!("does not open");
    }

    /// Holds the journal against what it must hold; false if a fault struck the reading.
    fn check(&mut self) -> bool {
        let journal = self.journal.as_ref().unwrap();
        let first = journal.first_seq();
        let read: Result<Vec<(Seq, Vec<u8>)>, JournalError> = journal.read(first).and_then(Iterator::collect);
        let Ok(read) = read.map_err(|e| assert!(matches!(e, JournalError::Io { .. }), "{e}")) else { return false };
        let Ok(snapshot) = journal.latest_snapshot() else { return false };
        assert!(first >= self.first, "removed records came back");
        self.first = first;
        let before = first.0 as usize - 1;
        assert!(before <= self.held.len());
        for (i, (seq, _)) in read.iter().enumerate() {
            assert_eq!(seq.0, first.0 + i as u64, "dense");
        }
        let found: Vec<Vec<u8>> = read.into_iter().map(|(_, r)| r).collect();
        assert!(found.len() + before >= self.held.len(), "acknowledged records lost");
        let (known, more) = found.split_at(self.held.len() - before);
        assert_eq!(known, &self.held[before..], "acknowledged records changed");
        assert!(self.unsure.starts_with(more), "records that nobody sent, or refused ones");
        assert!(found.iter().all(|r| !self.refused.contains(r)));
        self.held.extend_from_slice(more);
        self.unsure.clear();
        assert_eq!(journal.last_seq(), Seq(self.held.len() as u64));
        assert_eq!(snapshot.damaged, []);
        let acceptable = [self.snapshots.last().cloned(), self.unsure_snapshot.clone()];
        assert!(snapshot.found == acceptable[0] || snapshot.found.is_some() && snapshot.found == acceptable[1]);
        if snapshot.found == self.unsure_snapshot {
            self.snapshots.extend(self.unsure_snapshot.take());
        }
        // Nothing may be removed that the fallback snapshot still needs.
        assert!(before as u64 <= snapshot.found.map_or(0, |(s, _)| s.0));
        true
    }

    /// Power off and on, open, and a full check of every byte.
    fn finish(mut self) -> (Vec<Vec<u8>>, Seq) {
        self.journal = None;
        self.fs.power_cycle(self.loss);
        self.fs.heal();
        self.reopen();
        let names: Vec<String> = self.fs.list(Path::new(DIR)).unwrap().into_iter().map(|e| e.name).collect();
        assert!(names.iter().all(|n| !n.ends_with(".tmp")), "{names:?}");
        let oldest = names.iter().filter_map(|n| seq_of_name(n, ".seg")).min();
        assert_eq!(oldest, Some(self.first), "what was ordered removed is gone");
        let report = verify_with(&self.fs, Path::new(DIR), &mut |_, _| {}).unwrap();
        assert!(report.is_sound(), "{:?}", report.damage);
        assert_eq!(report.records() + self.first.0 - 1, self.held.len() as u64);
        let removed: Vec<_> = report.retention.iter().flat_map(|e| &e.removed).collect();
        let ends = removed.iter().fold(1, |next, r| {
            assert_eq!(r.first.0, next, "the retention log has no gap");
            r.last.0 + 1
        });
        assert_eq!(Seq(ends), self.first);
        (self.held, self.first)
    }
}

/// Rolls, snapshots, two trims and a reopening, in few operations.
fn script() -> Vec<Act> {
    let batch = |sizes: &[usize]| Act::Append(sizes.to_vec());
    vec![
        batch(&[20]),
        batch(&[700, 9, 1300, 40]),
        batch(&[1900]),
        batch(&[600, 600, 600]),
        Act::Snapshot,
        batch(&[3000]),
        batch(&[2000, 10]),
        Act::Snapshot,
        Act::Trim,
        Act::Reopen,
        batch(&[9, 9, 9]),
        batch(&[5000, 10]),
        Act::Snapshot,
        batch(&[3000]),
        Act::Snapshot,
        Act::Trim,
        batch(&[700, 700, 700]),
    ]
}

#[test]
fn without_faults_the_workload_does_what_it_says() {
    let fs = FaultFs::new();
    let mut driver = Driver::new(fs.clone(), LOSSES[0]);
    driver.run(&script());
    let (held, first) = driver.finish();
    assert_eq!(held.len(), 21);
    assert!(first > Seq(9), "both trims removed something: {first}");
}

#[test]
fn every_operation_fails_in_every_way_and_power_is_lost_in_every_way() {
    let counting = FaultFs::new();
    Driver::new(counting.clone(), LOSSES[0]).run(&script());
    let ops = counting.ops();
    let mut runs = 0;
    for at in 0..ops {
        for (fault, cut) in FAULTS.into_iter().flat_map(|f| [(f, false), (f, true)]) {
            for loss in LOSSES {
                let fs = FaultFs::new();
                fs.fail(at, fault);
                let run = || {
                    let mut driver = Driver { cut, ..Driver::new(fs.clone(), loss) };
                    driver.run(&script());
                    driver.finish();
                };
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
                assert!(outcome.is_ok(), "operation {at}, {fault:?}, {loss:?}, power cut after a refusal: {cut}");
                assert_eq!(fs.struck(), 1);
                runs += 1;
            }
        }
    }
    println!("{ops} operations, {runs} runs");
    assert!(ops > 200);
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => prop::collection::vec(8_usize..2500, 1..5).prop_map(Act::Append),
        1 => Just(Act::Snapshot),
        1 => Just(Act::Trim),
        1 => Just(Act::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_workload_survives_several_faults(
        acts in prop::collection::vec(act(), 1..25),
        faults in prop::collection::vec((0_u64..500, 0..FAULTS.len()), 0..8),
        loss in 0..LOSSES.len(),
        cut in any::<bool>(),
    ) {
        let fs = FaultFs::new();
        for (at, fault) in faults {
            fs.fail(at, FAULTS[fault]);
        }
        let mut driver = Driver { cut, ..Driver::new(fs, LOSSES[loss]) };
        driver.run(&acts);
        driver.finish();
    }
}

#[test]
fn a_failed_sync_is_not_believed_after_opening_again_without_power_loss() {
    // The pages of the failed batch are still in memory when the journal is opened again in the same process.
    let fs = FaultFs::new();
    let open = || SegmentJournal::open_with(Arc::new(fs.clone()), Path::new(DIR), Options::default()).unwrap();
    let (mut journal, _) = open();
    journal.append_batch(None, &[b"one"]).unwrap();
    // free space, write, sync
    fs.fail(fs.ops() + 2, Fault::Error);
    assert!(matches!(journal.append_batch(None, &[b"two"]), Err(JournalError::Unknown { after: Seq(1) })));
    drop(journal);
    let (mut journal, report) = open();
    assert_eq!(report.last, Seq(1));
    journal.append_batch(None, &[b"three"]).unwrap();
    drop(journal);
    fs.power_cycle(LOSSES[0]);
    let (journal, _) = open();
    let records: Vec<Vec<u8>> = journal.read(Seq(1)).unwrap().map(|r| r.unwrap().1).collect();
    assert_eq!(records, [b"one".to_vec(), b"three".to_vec()]);
}
