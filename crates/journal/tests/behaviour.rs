//! What callers rely on, over real files.

use std::{fs, path::Path};

use journal::{
    Check, DamageReason, Journal, JournalError, Options, RetentionOrder, SegmentJournal, Seq, SnapshotFault, State,
    TailFacts, fs::Lock, verify,
};

fn small() -> Options {
    Options { segment_bytes: 4200, reserve_bytes: 0, check: Check::Tail }
}

fn open(dir: &Path) -> SegmentJournal {
    SegmentJournal::open(dir, small()).unwrap().0
}

fn refusal(dir: &Path, check: Check) -> JournalError {
    SegmentJournal::open(dir, Options { check, ..small() }).expect_err("refused")
}

/// One record of 1000 bytes a batch; four fit in a segment.
fn fill(journal: &mut SegmentJournal, records: usize) {
    for _ in 0..records {
        let next = journal.last_seq().next();
        journal.append_batch(None, &[&[next.0 as u8; 1000]]).unwrap();
    }
}

fn order() -> RetentionOrder {
    RetentionOrder { who: "keeper".into(), why: "older than 400 days".into(), at_utc_ms: 1_795_298_400_000 }
}

fn segment(dir: &Path, first: u64) -> std::path::PathBuf {
    dir.join(format!("{first:020}.seg"))
}

#[track_caller]
fn check_damaged(error: JournalError, segment: u64, offset: u64, reason: DamageReason) {
    let JournalError::Damaged { segment: s, offset: o, reason: r, .. } = error else { panic!("{error}") };
    assert_eq!((s.0, o, r), (segment, offset, reason));
}

#[test]
fn records_come_back_in_order_from_any_place_over_rolls_and_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    assert_eq!((journal.first_seq(), journal.last_seq()), (Seq(1), Seq(0)));
    assert_eq!(journal.read(Seq(1)).unwrap().count(), 0);
    fill(&mut journal, 10);
    journal.append_batch(Some(Seq(10)), &[b"", b"x"]).unwrap();
    drop(journal);
    let (journal, report) = SegmentJournal::open(dir.path(), small()).unwrap();
    assert_eq!((report.first, report.last, report.segments, report.created), (Seq(1), Seq(12), 3, false));
    for from in 1..=13 {
        let read: Vec<_> = journal.read(Seq(from)).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len() as u64, 13 - from);
        assert!(read.iter().zip(from..).all(|((seq, _), want)| seq.0 == want));
    }
    let last: Vec<_> = journal.read(Seq(10)).unwrap().map(|r| r.unwrap().1).collect();
    assert_eq!(last, [vec![10; 1000], vec![], vec![b'x']]);
}

#[test]
fn a_wrong_expectation_appends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 2);
    for expected in [0, 1, 3] {
        let error = journal.append_batch(Some(Seq(expected)), &[b"x"]).unwrap_err();
        assert!(matches!(error, JournalError::Conflict { last: Seq(2), .. }));
    }
    assert!(matches!(journal.append_batch(Some(Seq(1)), &[]), Err(JournalError::Conflict { .. })));
    assert_eq!(journal.append_batch(Some(Seq(2)), &[]).unwrap(), Seq(2));
    assert_eq!(journal.health().conflicts, 4);
}

#[test]
fn the_largest_record_and_batch_are_taken_and_one_byte_more_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let most = vec![7; journal::format::RECORD_BYTES_MAX];
    let over = vec![7; journal::format::RECORD_BYTES_MAX + 1];
    assert_eq!(journal.append_batch(None, &[&most]).unwrap(), Seq(1));
    assert!(matches!(journal.append_batch(None, &[&over]), Err(JournalError::TooLarge { .. })));
    assert!(matches!(journal.append_batch(None, &[&most, &most]), Err(JournalError::TooLarge { .. })));
    assert_eq!(journal.append_batch(None, &[b"small"]).unwrap(), Seq(2));
    drop(journal);
    assert_eq!(open(dir.path()).read(Seq(1)).unwrap().map(|r| r.unwrap().1.len()).collect::<Vec<_>>(), [most.len(), 5]);
}

#[test]
fn a_place_that_is_not_held_is_refused_with_what_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 2);
    for asked in [0, 4, u64::MAX] {
        let error = journal.read(Seq(asked)).unwrap_err();
        assert!(matches!(error, JournalError::OutOfRange { first: Seq(1), last: Seq(2), .. }), "{error}");
    }
}

#[test]
fn two_openings_of_one_folder_are_refused_with_the_holder() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path());
    let error = refusal(dir.path(), Check::Tail);
    assert!(matches!(&error, JournalError::Locked { holder: Some(pid), .. } if *pid == std::process::id()));
    assert!(error.to_string().contains("is in use by process"), "{error}");
    drop(journal);
    open(dir.path());
    assert!(matches!(journal::fs::Fs::lock(&journal::fs::StdFs, &dir.path().join("lock")), Ok(Lock::Held(_))));
}

#[test]
fn a_reader_on_another_thread_sees_only_whole_durable_records() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    let reader = journal.reader();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut seen = 0;
            while seen < 200 {
                let last = reader.last_seq();
                let read: Vec<_> = reader.read(Seq(1)).unwrap().map(Result::unwrap).collect();
                assert!(read.len() as u64 >= last.0);
                assert!(read.iter().all(|(seq, r)| r == &[seq.0 as u8; 1000]));
                seen = read.len();
            }
        });
        fill(&mut journal, 200);
    });
}

#[test]
fn a_damaged_newest_snapshot_falls_back_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 6);
    assert_eq!(journal.latest_snapshot().unwrap().found, None);
    for seq in [2, 4, 6] {
        journal.write_snapshot(Seq(seq), format!("state {seq}").as_bytes()).unwrap();
    }
    let names = fs::read_dir(dir.path()).unwrap().filter(|e| {
        let name = e.as_ref().unwrap().file_name();
        name.to_str().unwrap().ends_with(".snap")
    });
    assert_eq!(names.count(), 2, "two are kept");
    let path = dir.path().join(format!("{:020}.snap", 6));
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    let read = journal.latest_snapshot().unwrap();
    assert_eq!(read.found, Some((Seq(4), b"state 4".to_vec())));
    assert_eq!(read.damaged.iter().map(|d| (d.seq, d.fault)).collect::<Vec<_>>(), [(Seq(6), SnapshotFault::Hash)]);
    // The next one keeps the intact fallback and not the damaged one as its second.
    fill(&mut journal, 1);
    journal.write_snapshot(Seq(7), b"state 7").unwrap();
    fs::remove_file(dir.path().join(format!("{:020}.snap", 7))).unwrap();
    assert_eq!(journal.latest_snapshot().unwrap().found, Some((Seq(4), b"state 4".to_vec())));
}

#[test]
fn a_snapshot_of_what_is_not_durable_or_older_than_the_newest_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 3);
    journal.write_snapshot(Seq(2), b"s").unwrap();
    for seq in [0, 1, 4] {
        assert!(matches!(journal.write_snapshot(Seq(seq), b"s"), Err(JournalError::SnapshotRefused { .. })), "{seq}");
    }
}

#[test]
fn records_go_only_by_order_and_only_behind_the_oldest_intact_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 20);
    assert!(matches!(journal.trim(Seq(4), &order()), Err(JournalError::TrimRefused { limit: Seq(0), .. })));
    journal.write_snapshot(Seq(13), b"a").unwrap();
    journal.write_snapshot(Seq(18), b"b").unwrap();
    assert!(matches!(journal.trim(Seq(14), &order()), Err(JournalError::TrimRefused { limit: Seq(13), .. })));
    for nobody in
        [RetentionOrder { who: String::new(), ..order() }, RetentionOrder { why: "x".repeat(1025), ..order() }]
    {
        assert!(matches!(journal.trim(Seq(13), &nobody), Err(JournalError::OrderIncomplete { .. })));
    }
    assert_eq!(journal.trim(Seq(3), &order()).unwrap().removed, [], "no whole segment lies before");
    assert!(journal.retention_orders().is_empty());

    let second = fs::read(segment(dir.path(), 5)).unwrap();
    let would = journal.would_trim(Seq(13)).unwrap();
    assert!(matches!(journal.would_trim(Seq(14)), Err(JournalError::TrimRefused { limit: Seq(13), .. })));
    assert_eq!((journal.first_seq(), journal.read(Seq(1)).unwrap().count()), (Seq(1), 20), "nothing went");
    let trimmed = journal.trim(Seq(13), &order()).unwrap();
    assert_eq!(trimmed.removed, would);
    assert_eq!(trimmed.removed.iter().map(|r| (r.first.0, r.last.0)).collect::<Vec<_>>(), [(1, 4), (5, 8), (9, 12)]);
    assert_eq!(trimmed.removed[1].bytes, second.len() as u64);
    assert_eq!(trimmed.removed[1].sha256[..], <sha2::Sha256 as sha2::Digest>::digest(&second)[..]);
    assert_eq!(journal.first_seq(), Seq(13));
    assert!(matches!(journal.read(Seq(12)), Err(JournalError::OutOfRange { first: Seq(13), .. })));
    drop(journal);

    let journal = open(dir.path());
    assert_eq!(journal.read(Seq(13)).unwrap().count(), 8);
    assert_eq!(journal.retention_orders()[0].order, order());
    assert!(verify(dir.path()).unwrap().is_sound());
    // A file that was ordered removed and comes back is removed again, but not if it is another.
    drop(journal);
    fs::write(segment(dir.path(), 5), &second).unwrap();
    assert_eq!(SegmentJournal::open(dir.path(), small()).unwrap().1.removals_finished, [Seq(5)]);
    fs::write(segment(dir.path(), 5), &second[1..]).unwrap();
    check_damaged(refusal(dir.path(), Check::Tail), 5, second.len() as u64 - 1, DamageReason::Retention);
}

#[test]
fn a_missing_shortened_or_swapped_segment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    for (dir, byte) in [(dir.path(), 1), (other.path(), 2)] {
        let mut journal = open(dir);
        for _ in 0..14 {
            journal.append_batch(None, &[&[byte; 1000]]).unwrap();
        }
    }
    let path = segment(dir.path(), 5);
    let good = fs::read(&path).unwrap();

    fs::remove_file(&path).unwrap();
    check_damaged(refusal(dir.path(), Check::Tail), 5, 0, DamageReason::Missing);
    check_damaged(verify(dir.path()).unwrap().damage.remove(0), 5, 0, DamageReason::Missing);

    // At a record's end, so that every record in it is good.
    fs::write(&path, &good[..80 + 3 * 1020]).unwrap();
    check_damaged(refusal(dir.path(), Check::Tail), 5, 80 + 3 * 1020, DamageReason::Chain);

    // The same length and positions, from another journal: found when it is read.
    fs::copy(segment(other.path(), 5), &path).unwrap();
    check_damaged(refusal(dir.path(), Check::Full), 1, good.len() as u64, DamageReason::Chain);
    let journal = open(dir.path());
    let mut read = journal.read(Seq(1)).unwrap();
    check_damaged(read.by_ref().find_map(Result::err).unwrap(), 1, good.len() as u64, DamageReason::Chain);
    assert!(read.next().is_none(), "the stream ends after its first error");
    drop(journal);

    fs::write(&path, &good).unwrap();
    fs::remove_file(segment(dir.path(), 1)).unwrap();
    check_damaged(refusal(dir.path(), Check::Tail), 1, 0, DamageReason::Missing);
    fs::copy(segment(dir.path(), 5), segment(dir.path(), 1)).unwrap();
    check_damaged(refusal(dir.path(), Check::Tail), 1, 0, DamageReason::HeaderName);
}

#[test]
fn a_segment_that_is_not_what_it_was_is_not_removed() {
    let dir = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    for (dir, byte) in [(dir.path(), 1), (other.path(), 2)] {
        let mut journal = open(dir);
        for _ in 0..14 {
            journal.append_batch(None, &[&[byte; 1000]]).unwrap();
        }
        journal.write_snapshot(Seq(14), b"s").unwrap();
    }
    let path = segment(dir.path(), 1);
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    flipped[1105] ^= 8;
    let foreign = fs::read(segment(other.path(), 1)).unwrap();
    for (bad, offset, reason) in
        [(flipped, 1100, DamageReason::FrameChecksum), (foreign, good.len() as u64, DamageReason::Chain)]
    {
        fs::write(&path, bad).unwrap();
        let mut journal = open(dir.path());
        check_damaged(journal.trim(Seq(14), &order()).unwrap_err(), 1, offset, reason);
        assert_eq!(journal.first_seq(), Seq(1));
        assert!(path.exists() && !dir.path().join("retention.log").exists());
    }
}

#[test]
fn a_journal_that_ends_before_its_snapshot_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 6);
    journal.write_snapshot(Seq(6), b"s").unwrap();
    drop(journal);
    let path = segment(dir.path(), 5);
    let cut = fs::read(&path).unwrap()[..80 + 1020 + 7].to_vec();
    fs::write(&path, &cut).unwrap();
    check_damaged(refusal(dir.path(), Check::Tail), 5, 80 + 1020, DamageReason::BehindSnapshot);
    assert_eq!(fs::read(&path).unwrap(), cut);
    check_damaged(verify(dir.path()).unwrap().damage.remove(0), 5, 80 + 1020 + 7, DamageReason::BehindSnapshot);
    fs::remove_file(segment(dir.path(), 1)).unwrap();
    fs::remove_file(path).unwrap();
    check_damaged(refusal(dir.path(), Check::Tail), 1, 0, DamageReason::Missing);
}

#[test]
fn a_torn_tail_is_kept_in_a_file_reported_and_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 2);
    drop(journal);
    let path = segment(dir.path(), 1);
    let whole = fs::read(&path).unwrap();
    for cut in [1100 + 1, 1100 + 19, 1100 + 20, 1100 + 500, 1100 + 1019] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(
            verify(dir.path()).unwrap().tail,
            TailFacts::Torn { offset: 1100, bytes: cut as u64 - 1100, seq: Seq(2) }
        );
        let (journal, report) = SegmentJournal::open(dir.path(), small()).unwrap();
        let torn = report.torn.expect("reported");
        assert_eq!((torn.segment, torn.offset, torn.seq, torn.bytes), (Seq(1), 1100, Seq(2), cut as u64 - 1100));
        assert_eq!(fs::read(dir.path().join(torn.saved_as)).unwrap(), whole[1100..cut]);
        assert_eq!(journal.last_seq(), Seq(1));
        assert_eq!(fs::read(&path).unwrap(), whole[..1100]);
    }
}

#[test]
fn a_good_frame_at_the_wrong_place_is_refused_not_taken_for_a_torn_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 2);
    drop(journal);
    let path = segment(dir.path(), 1);
    let good = fs::read(&path).unwrap();
    let (_, seed) = journal::format::SegmentHeader::decode(&good).unwrap();
    for (index, seq) in [(0, 2), (0, 4), (2, 3)] {
        let mut bad = good.clone();
        journal::format::encode_frame(&mut bad, seed, index, Seq(seq), b"x");
        fs::write(&path, &bad).unwrap();
        check_damaged(refusal(dir.path(), Check::Tail), 1, good.len() as u64, DamageReason::FramePosition);
    }
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let path = segment(dir.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    let crc = crc32c::crc32c(&bytes[..76]);
    bytes[76..80].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let error = refusal(dir.path(), Check::Tail);
    assert!(matches!(error, JournalError::Unsupported { version: 9, known: 1, .. }), "{error}");
}

#[test]
fn options_outside_their_bounds_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = SegmentJournal::open(dir.path(), Options { segment_bytes: 100, ..small() }).unwrap_err();
    assert!(matches!(error, JournalError::BadOption { option: "segment_bytes", value: 100, .. }));
}

#[test]
fn health_counts_what_happened() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = open(dir.path());
    fill(&mut journal, 5);
    journal.append_batch(None, &[b"a", b"b"]).unwrap();
    let health = journal.health();
    assert_eq!((health.state, health.first, health.last), (State::Ok, Seq(1), Seq(7)));
    assert_eq!((health.batches, health.records, health.segments), (6, 7, 2));
    assert_eq!(health.bytes, 2 * 80 + 5 * 1020 + 2 * 21);
    assert!(health.free_bytes.unwrap() > 0 && health.max_sync >= health.last_sync);
}
