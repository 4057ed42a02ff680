//! A full disk: nothing is accepted, what is held stays readable, and the next append after space is back goes on.

use std::{path::Path, process::Command, sync::Arc};

use faults::{FaultFs, LOSSES};
use journal::{Journal, JournalError, Options, RetentionOrder, SegmentJournal, Seq, State, verify, verify_with};

fn options(reserve_bytes: u64) -> Options {
    Options { segment_bytes: 64 << 10, reserve_bytes, ..Options::default() }
}

/// Appends until refused; returns how many batches went in.
fn fill(journal: &mut SegmentJournal) -> u64 {
    let before = journal.last_seq().0;
    loop {
        match journal.append_batch(None, &[&[7; 3000]]) {
            Ok(_) => assert!(journal.last_seq().0 < 10_000, "the disk does not run full"),
            Err(JournalError::Full { .. }) => return journal.last_seq().0 - before,
            Err(e) => panic!("{e}"),
        }
    }
}

/// Full, still readable, and going on when `free` has made room.
fn check(journal: &mut SegmentJournal, free: impl FnOnce()) {
    let count = fill(journal);
    assert!(count > 10, "{count}");
    let last = journal.last_seq();
    for _ in 0..3 {
        assert!(matches!(journal.append_batch(None, &[&[7; 3000]]), Err(JournalError::Full { .. })));
    }
    assert_eq!((journal.health().state, journal.last_seq()), (State::Full, last));
    assert_eq!(journal.read(Seq(1)).unwrap().filter(Result::is_ok).count() as u64, last.0);
    free();
    assert_eq!(journal.append_batch(Some(last), &[b"back"]).unwrap(), last.next());
    assert_eq!(journal.health().state, State::Ok);
    assert_eq!(journal.health().full, 4);
}

#[test]
fn a_disk_that_runs_full_in_the_middle_of_a_write() {
    // Every size of the remaining room, so that the write fails at different places, a roll among them.
    for capacity in (60_000..140_000).step_by(777) {
        let fs = FaultFs::new();
        let open = || SegmentJournal::open_with(Arc::new(fs.clone()), Path::new("/j"), options(0)).unwrap();
        fs.set_capacity(capacity);
        let (mut journal, _) = open();
        check(&mut journal, || fs.set_capacity(1 << 30));
        let last = journal.last_seq();
        drop(journal);
        fs.power_cycle(LOSSES[0]);
        let (journal, report) = open();
        assert_eq!((journal.last_seq(), report.torn), (last, None));
        assert!(verify_with(&fs, Path::new("/j"), &mut |_, _| {}).unwrap().is_sound());
    }
}

#[test]
fn the_reserve_leaves_room_for_a_snapshot_and_a_trim_that_free_space() {
    let fs = FaultFs::new();
    fs.set_capacity(400_000);
    let (mut journal, _) = SegmentJournal::open_with(Arc::new(fs.clone()), Path::new("/j"), options(50_000)).unwrap();
    fill(&mut journal);
    assert!(fs.used() <= 350_000 && fs.used() > 340_000);
    let last = journal.last_seq();
    journal.write_snapshot(last, &[1; 10_000]).unwrap();
    let order = RetentionOrder { who: "keeper".into(), why: "disk full".into(), at_utc_ms: 1 };
    assert!(journal.trim(last, &order).unwrap().removed.len() >= 3);
    assert_eq!(journal.append_batch(Some(last), &[b"back"]).unwrap(), last.next());
}

/// A mounted file system of this size, unmounted at the end.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(bytes: u64) -> Option<Mount> {
        let dir = tempfile::tempdir().ok()?;
        let size = format!("size={bytes}");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(dir.path()).output().ok()?;
        done.status.success().then_some(Mount(dir))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_real_small_file_system() {
    for reserve in [0, 300 << 10] {
        let Some(mount) = Mount::new(1 << 20) else {
            println!("skipped: cannot mount a tmpfs here");
            return;
        };
        let dir = mount.0.path();
        std::fs::write(dir.join("ballast"), vec![0; 200 << 10]).unwrap();
        let (mut journal, _) = SegmentJournal::open(&dir.join("j"), options(reserve)).unwrap();
        check(&mut journal, || std::fs::remove_file(dir.join("ballast")).unwrap());
        drop(journal);
        assert!(verify(&dir.join("j")).unwrap().is_sound());
    }
}
