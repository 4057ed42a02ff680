//! Opening: find out what is there, refuse damage, and only then repair what a cut-off write left.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use crate::{
    Check, DamageReason, JournalError, Options, SegmentJournal, Seq, State,
    error::{io_at, is_full},
    format::{PrevSegment, SEGMENT_HEADER_BYTES, SegmentHeader, segment_name, seq_of_name},
    fs::{Entry, Fs, Lock, Written, read_full_at, replace},
    read::successor,
    retention::RetentionLog,
    scan::{Scanner, Step, check_header},
    segment::{Active, Counts, CreateError, PrevBrief, create_segment},
    tail::{self, Verdict},
};

/// What opening found and did. Everything but the positions is for the operator to be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// First position held.
    pub first: Seq,
    /// Last position.
    pub last: Seq,
    /// Segment files.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// True if there was no journal and one was begun.
    pub created: bool,
    /// What an unfinished write left at the end: cut off, and kept in a file. Records of a batch that was never acknowledged, or damage
    /// within the last batch, which looks the same.
    pub torn: Option<TornTail>,
    /// Temporary files of unfinished work that were removed.
    pub leftovers: Vec<String>,
    /// Segments whose ordered removal a crash had interrupted, removed now.
    pub removals_finished: Vec<Seq>,
}

/// A cut-off end that was repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment's first position.
    pub segment: Seq,
    /// Offset of the first byte cut.
    pub offset: u64,
    /// Position of the first record that is not there.
    pub seq: Seq,
    /// Bytes cut.
    pub bytes: u64,
    /// What was wrong at `offset`.
    pub reason: DamageReason,
    /// Name of the file in the journal's folder that holds the cut bytes.
    pub saved_as: String,
}

/// The folder as found.
struct Found {
    /// Segments not ordered removed, oldest first.
    segments: Vec<PrevBrief>,
    /// Segments ordered removed but still there.
    removals: Vec<Seq>,
    leftovers: Vec<String>,
    newest_snapshot: Option<Seq>,
    retention: RetentionLog,
}

pub(crate) fn open(
    fs: Arc<dyn Fs>,
    dir: &Path,
    options: Options,
) -> Result<(SegmentJournal, OpenReport), JournalError> {
    options.validate()?;
    prepare_dir(&*fs, dir)?;
    let lock = match fs.lock(&dir.join("lock")).map_err(io_at("lock", dir))? {
        Lock::Held(lock) => lock,
        Lock::Taken(holder) => return Err(JournalError::Locked { dir: dir.to_path_buf(), holder }),
    };
    // A rename that an earlier process did not get to sync must not be built upon before it is durable.
    fs.sync_dir(dir).map_err(io_at("sync", dir))?;
    let found = look(&*fs, dir)?;
    let mut report = OpenReport {
        leftovers: found.leftovers.clone(),
        removals_finished: found.removals.clone(),
        ..OpenReport::default()
    };
    let (active, last) = match found.segments.split_last() {
        None => {
            remove_leftovers(&*fs, dir, &found)?;
            report.created = true;
            (begin(&*fs, dir, options.reserve_bytes)?, Seq::ZERO)
        }
        Some((tail, earlier)) => {
            check_headers(&*fs, dir, &found)?;
            if options.check == Check::Full {
                check_records(&*fs, dir, earlier, tail.first)?;
            }
            let (scanner, torn) = scan_tail(&*fs, dir, tail.first)?;
            let last = Seq(scanner.next.0 - 1);
            if found.newest_snapshot.is_some_and(|s| s > last) {
                return Err(scanner.damaged(DamageReason::BehindSnapshot));
            }
            // Nothing was changed so far. All that follows is repair of unfinished work.
            remove_leftovers(&*fs, dir, &found)?;
            if let Some((reason, rest)) = &torn {
                report.torn = Some(save_torn(&*fs, dir, &scanner, *reason, rest, options.reserve_bytes)?);
            }
            (resume(dir, scanner, torn.is_some())?, last)
        }
    };
    let sealed = found.segments.split_last().map_or(Vec::new(), |(_, earlier)| earlier.to_vec());
    report.segments = sealed.len() as u64 + 1;
    report.bytes = sealed.iter().map(|s| s.bytes).sum::<u64>() + active.len;
    report.first = sealed.first().map_or(active.first, |s| s.first);
    report.last = last;
    let journal = SegmentJournal {
        fs,
        dir: dir.to_path_buf(),
        options,
        sealed,
        active,
        retention: found.retention,
        last: Arc::new(AtomicU64::new(last.0)),
        newest_snapshot: found.newest_snapshot,
        state: State::Ok,
        counts: Counts::default(),
        batch: Vec::new(),
        _lock: lock,
    };
    Ok((journal, report))
}

fn prepare_dir(fs: &dyn Fs, dir: &Path) -> Result<(), JournalError> {
    let new = fs.create_dir(dir).map_err(io_at("create", dir))?;
    match dir.parent() {
        Some(parent) if new && !parent.as_os_str().is_empty() => fs.sync_dir(parent).map_err(io_at("sync", parent)),
        _ => Ok(()),
    }
}

/// Lists the folder and reads the retention log.
fn look(fs: &dyn Fs, dir: &Path) -> Result<Found, JournalError> {
    let entries = fs.list(dir).map_err(io_at("list", dir))?;
    let retention = RetentionLog::load(fs, dir)?;
    let (segments, removals) = sort_segments(&entries, &retention)?;
    let leftovers = entries.iter().filter(|e| e.name.ends_with(".tmp")).map(|e| e.name.clone()).collect();
    let newest_snapshot = entries.iter().filter_map(|e| seq_of_name(&e.name, ".snap")).max();
    if segments.is_empty() && (newest_snapshot.is_some() || !retention.entries.is_empty()) {
        let expected = retention.removed().next_back().map_or(Seq(1), |r| r.last.next());
        return Err(JournalError::Damaged {
            segment: expected,
            offset: 0,
            seq: expected,
            reason: DamageReason::Missing,
        });
    }
    Ok(Found { segments, removals, leftovers, newest_snapshot, retention })
}

/// Splits the segment files into those that count and those that were ordered removed.
pub(crate) fn sort_segments(
    entries: &[Entry],
    retention: &RetentionLog,
) -> Result<(Vec<PrevBrief>, Vec<Seq>), JournalError> {
    let mut segments = Vec::new();
    let mut removals = Vec::new();
    for entry in entries {
        let Some(first) = seq_of_name(&entry.name, ".seg") else { continue };
        match retention.removed().find(|r| r.first == first) {
            None => segments.push(PrevBrief { first, bytes: entry.bytes }),
            Some(r) if r.bytes == entry.bytes => removals.push(first),
            Some(_) => {
                return Err(JournalError::Damaged {
                    segment: first,
                    offset: entry.bytes,
                    seq: first,
                    reason: DamageReason::Retention,
                });
            }
        }
    }
    segments.sort_unstable_by_key(|s| s.first);
    removals.sort_unstable();
    Ok((segments, removals))
}

/// Holds each segment's header against the file before it, or against the retention log for the first. Reads 80 bytes a segment.
fn check_headers(fs: &dyn Fs, dir: &Path, found: &Found) -> Result<(), JournalError> {
    let mut before: Option<PrevBrief> = None;
    for seg in &found.segments {
        let header = read_header(fs, dir, seg.first)?;
        match before {
            None => check_first(&header, &found.retention)?,
            Some(prev) => {
                let named = header.prev.filter(|p| p.first == prev.first);
                let reason = match named {
                    // It names a file that is not there.
                    None => DamageReason::Missing,
                    Some(p) if p.bytes != prev.bytes => DamageReason::Chain,
                    Some(_) => {
                        before = Some(*seg);
                        continue;
                    }
                };
                let at = if reason == DamageReason::Missing {
                    header.prev.map_or(seg.first, |p| p.first)
                } else {
                    prev.first
                };
                let offset = if reason == DamageReason::Missing { 0 } else { prev.bytes };
                return Err(JournalError::Damaged { segment: at, offset, seq: at, reason });
            }
        }
        before = Some(*seg);
    }
    Ok(())
}

/// The first segment held must begin the journal or follow what was ordered removed.
pub(crate) fn check_first(header: &SegmentHeader, retention: &RetentionLog) -> Result<(), JournalError> {
    let removed = retention
        .removed()
        .next_back()
        .map(|r| (PrevSegment { first: r.first, bytes: r.bytes, sha256: r.sha256 }, r.last.next()));
    let (prev, first) = removed.map_or((None, Seq(1)), |(prev, first)| (Some(prev), first));
    if header.first != first {
        return Err(JournalError::Damaged { segment: first, offset: 0, seq: first, reason: DamageReason::Missing });
    }
    if header.prev != prev {
        return Err(JournalError::Damaged { segment: first, offset: 0, seq: first, reason: DamageReason::Chain });
    }
    Ok(())
}

fn read_header(fs: &dyn Fs, dir: &Path, first: Seq) -> Result<SegmentHeader, JournalError> {
    let path = dir.join(segment_name(first));
    let file = fs.open(&path).map_err(io_at("open", &path))?;
    let mut head = [0; SEGMENT_HEADER_BYTES];
    let got = read_full_at(&*file, &mut head, 0).map_err(io_at("read", &path))?;
    Ok(check_header(&head[..got], first)?.0)
}

/// Reads every sealed segment and checks every link.
fn check_records(fs: &dyn Fs, dir: &Path, earlier: &[PrevBrief], tail: Seq) -> Result<(), JournalError> {
    let Some(first) = earlier.first() else { return Ok(()) };
    let mut scanner = Scanner::open(fs, dir, first.first, true)?;
    while scanner.header.first != tail {
        match scanner.step()? {
            Step::Frame(_) => {}
            Step::Bad(reason) => return Err(scanner.damaged(reason)),
            Step::End => scanner = successor(fs, dir, &scanner)?,
        }
    }
    Ok(())
}

/// What follows the last good record, and why that is not one.
type Torn = Option<(DamageReason, Vec<u8>)>;

/// Reads the last segment from the disk, not from memory: after a failed sync the cache may hold what the disk does not.
fn scan_tail(fs: &dyn Fs, dir: &Path, first: Seq) -> Result<(Scanner, Torn), JournalError> {
    let path = dir.join(segment_name(first));
    let mut file = fs.open_rw(&path).map_err(io_at("open", &path))?;
    file.sync_all().and_then(|()| file.drop_cache()).map_err(io_at("sync", &path))?;
    let mut scanner = Scanner::over(file, path, first, true)?;
    let reason = loop {
        match scanner.step()? {
            Step::Frame(_) => {}
            Step::End => return Ok((scanner, None)),
            Step::Bad(reason) => break reason,
        }
    };
    let rest = scanner.rest()?;
    match tail::judge(&rest, scanner.at, scanner.next, scanner.seed, reason) {
        Verdict::Torn => Ok((scanner, Some((reason, rest)))),
        Verdict::Damaged(reason) => Err(scanner.damaged(reason)),
    }
}

/// Keeps the bytes that are about to be cut off, durably, as `<segment>.<offset>[-n].torn`. An existing file stays: it is evidence.
fn save_torn(
    fs: &dyn Fs,
    dir: &Path,
    scanner: &Scanner,
    reason: DamageReason,
    rest: &[u8],
    reserve_bytes: u64,
) -> Result<TornTail, JournalError> {
    let (segment, offset, seq) = (scanner.header.first, scanner.at, scanner.next);
    let taken = fs.list(dir).map_err(io_at("list", dir))?;
    let plain = format!("{}.{offset}", segment_name(segment));
    let saved_as = std::iter::once(format!("{plain}.torn"))
        .chain((1..).map(|n| format!("{plain}-{n}.torn")))
        .find(|name| taken.iter().all(|e| e.name != *name))
        .expect("names do not end");
    match replace(fs, dir, &saved_as, &[rest], reserve_bytes)? {
        Written::Durable => Ok(TornTail { segment, offset, seq, bytes: rest.len() as u64, reason, saved_as }),
        Written::Unknown => Err(JournalError::Unknown { after: Seq(seq.0 - 1) }),
    }
}

/// Cuts the tail off if it was torn, and goes on writing there.
fn resume(dir: &Path, scanner: Scanner, torn: bool) -> Result<Active, JournalError> {
    let (first, seed, len, hasher) = (scanner.header.first, scanner.seed, scanner.at, scanner.hasher());
    let path: PathBuf = dir.join(segment_name(first));
    let mut file = scanner.into_file();
    if torn {
        file.truncate(len).and_then(|()| file.sync_all()).map_err(io_at("cut", &path))?;
    }
    Ok(Active { first, file, seed, len, hasher })
}

fn remove_leftovers(fs: &dyn Fs, dir: &Path, found: &Found) -> Result<(), JournalError> {
    let names = found.leftovers.iter().cloned().chain(found.removals.iter().map(|s| segment_name(*s)));
    let mut any = false;
    for name in names {
        let path = dir.join(name);
        fs.remove(&path).map_err(io_at("remove", &path))?;
        any = true;
    }
    if any { fs.sync_dir(dir).map_err(io_at("sync", dir)) } else { Ok(()) }
}

/// The first segment of a new journal.
fn begin(fs: &dyn Fs, dir: &Path, reserve_bytes: u64) -> Result<Active, JournalError> {
    create_segment(fs, dir, Seq(1), None).map_err(|e| match e {
        CreateError::Refused(source, _) if is_full(&source) => {
            JournalError::Full { free_bytes: fs.free_bytes(dir).unwrap_or(0), reserve_bytes }
        }
        CreateError::Refused(source, path) => JournalError::Io { op: "create", path, source },
        CreateError::Unknown => JournalError::Unknown { after: Seq::ZERO },
    })
}
