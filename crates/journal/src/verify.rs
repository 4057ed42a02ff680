//! Reads a whole journal and says everything that is wrong with it. Changes nothing, takes no lock.

use std::path::Path;

use crate::{
    DamageReason, JournalError, RetentionEntry, Seq, SnapshotFault,
    error::io_at,
    format::PrevSegment,
    fs::{Fs, StdFs},
    open::{check_first, sort_segments},
    retention::RetentionLog,
    scan::{Scanner, Step},
    segment::PrevBrief,
    snapshot,
    tail::{self, Verdict},
};

/// What a full check found.
#[derive(Debug)]
pub struct Report {
    /// Each segment held, oldest first, as far as it could be read.
    pub segments: Vec<SegmentFacts>,
    /// What follows the last record.
    pub tail: TailFacts,
    /// Each snapshot, newest first.
    pub snapshots: Vec<SnapshotFacts>,
    /// Each retention order, oldest first.
    pub retention: Vec<RetentionEntry>,
    /// Everything that is not as it was written: the first fault of each segment, and of each link between two.
    pub damage: Vec<JournalError>,
}

impl Report {
    /// Whether every record and link is as it was written. A torn tail alone is sound: opening repairs it. A damaged snapshot is
    /// listed, but the journal is sound without it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty()
    }

    /// Good records in all segments.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.segments.iter().map(|s| s.records).sum()
    }
}

/// One segment as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentFacts {
    /// First position, also the file's name.
    pub first: Seq,
    /// Good records from the start.
    pub records: u64,
    /// Length of the file.
    pub bytes: u64,
    /// SHA-256 up to the last good record; of the whole file if nothing is wrong.
    pub sha256: [u8; 32],
}

/// What follows the last good record of the last segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TailFacts {
    /// Nothing.
    Clean,
    /// An unfinished write (or one in progress, if a process is writing): opening will cut it off and keep it in a file.
    Torn {
        /// Offset of its first byte.
        offset: u64,
        /// Its length, bytes.
        bytes: u64,
        /// Position of the first record that is not there.
        seq: Seq,
    },
    /// Not judged, because of damage listed.
    Unknown,
}

/// One snapshot as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// Its position.
    pub seq: Seq,
    /// What is wrong with it, if anything.
    pub fault: Option<SnapshotFault>,
}

/// Checks every byte of the journal in `dir`.
///
/// # Errors
///
/// Only what keeps it from reading at all; damage is in the report.
pub fn verify(dir: &Path) -> Result<Report, JournalError> {
    verify_with(&StdFs, dir, &mut |_, _| {})
}

/// The same over another file system, with progress: bytes read and bytes in all.
///
/// # Errors
///
/// As [`verify()`].
pub fn verify_with(fs: &dyn Fs, dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, JournalError> {
    let mut report = Report {
        segments: Vec::new(),
        tail: TailFacts::Clean,
        snapshots: Vec::new(),
        retention: Vec::new(),
        damage: Vec::new(),
    };
    let entries = fs.list(dir).map_err(io_at("list", dir))?;
    let retention = keep_damage(RetentionLog::load(fs, dir), &mut report.damage)?;
    let (segments, _) = keep_damage(
        sort_segments(&entries, retention.as_ref().unwrap_or(&RetentionLog::default())),
        &mut report.damage,
    )?
    .unwrap_or_default();
    let total = segments.iter().map(|s| s.bytes).sum();
    let mut done = 0;
    let mut before: Option<Walked> = None;
    for (i, seg) in segments.iter().enumerate() {
        let base = done;
        let is_last = i + 1 == segments.len();
        let walked =
            keep_damage(walk(fs, dir, seg.first, is_last, &mut |at| progress(base + at, total)), &mut report.damage)?;
        done += seg.bytes;
        progress(done, total);
        if let Some(walked) = &walked {
            link(seg, before.as_ref(), walked, retention.as_ref(), i, &mut report);
        }
        if is_last {
            report.tail = walked.as_ref().map_or(TailFacts::Unknown, |w| w.tail);
        }
        before = walked;
    }
    for seq in snapshot::list(fs, dir)? {
        report.snapshots.push(SnapshotFacts { seq, fault: snapshot::read_one(fs, dir, seq)?.err() });
    }
    check_end(&report.snapshots, segments.last(), before.as_ref(), retention.as_ref(), &mut report.damage);
    report.retention = retention.map(|r| r.entries).unwrap_or_default();
    Ok(report)
}

/// A segment that was read.
struct Walked {
    header: crate::format::SegmentHeader,
    facts: SegmentFacts,
    /// One past its last good record.
    next: Seq,
    tail: TailFacts,
    fault: Option<(u64, DamageReason)>,
}

fn walk(
    fs: &dyn Fs,
    dir: &Path,
    first: Seq,
    is_last: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<Walked, JournalError> {
    let mut scanner = Scanner::open(fs, dir, first, true)?;
    let mut told = 0;
    let bad = loop {
        match scanner.step()? {
            Step::Frame(_) if scanner.at - told > PROGRESS_BYTES => {
                told = scanner.at;
                progress(told);
            }
            Step::Frame(_) => {}
            Step::End => break None,
            Step::Bad(reason) => break Some(reason),
        }
    };
    let (mut tail, mut fault) = (TailFacts::Clean, None);
    if let Some(reason) = bad {
        // Only the last segment can have been cut off: the others were synced before their successor was begun.
        let rest = if is_last { scanner.rest()? } else { Vec::new() };
        match tail::judge(&rest, scanner.at, scanner.next, scanner.seed, reason) {
            Verdict::Torn if is_last => {
                tail = TailFacts::Torn { offset: scanner.at, bytes: rest.len() as u64, seq: scanner.next }
            }
            Verdict::Torn => fault = Some((scanner.at, reason)),
            Verdict::Damaged(reason) => fault = Some((scanner.at, reason)),
        }
    }
    let facts = SegmentFacts { first, records: scanner.next.0 - first.0, bytes: scanner.end, sha256: scanner.hash() };
    let tail = if fault.is_some() { TailFacts::Unknown } else { tail };
    Ok(Walked { header: scanner.header, facts, next: scanner.next, tail, fault })
}

/// Adds a segment to the report and holds it against the one before it.
fn link(
    seg: &PrevBrief,
    before: Option<&Walked>,
    walked: &Walked,
    retention: Option<&RetentionLog>,
    i: usize,
    report: &mut Report,
) {
    report.segments.push(walked.facts);
    if i == 0 {
        report.damage.extend(retention.and_then(|r| check_first(&walked.header, r).err()));
    }
    // A predecessor that is itself damaged is listed already.
    if let Some(prev) = before.filter(|p| p.fault.is_none()) {
        let sealed = PrevSegment { first: prev.facts.first, bytes: prev.facts.bytes, sha256: prev.facts.sha256 };
        if walked.header.first != prev.next {
            report.damage.push(damaged(prev.next, 0, prev.next, DamageReason::Missing));
        } else if walked.header.prev != Some(sealed) {
            report.damage.push(damaged(prev.facts.first, prev.facts.bytes, prev.next, DamageReason::Chain));
        }
    }
    if let Some((offset, reason)) = walked.fault {
        report.damage.push(damaged(seg.first, offset, walked.next, reason));
    }
}

/// The journal must reach its newest snapshot, and exist if it ever did.
fn check_end(
    snapshots: &[SnapshotFacts],
    tail: Option<&PrevBrief>,
    read: Option<&Walked>,
    retention: Option<&RetentionLog>,
    damage: &mut Vec<JournalError>,
) {
    let newest = snapshots.first().map(|s| s.seq);
    match (tail, read) {
        (None, _) if newest.is_some() || retention.is_some_and(|r| !r.entries.is_empty()) => {
            let expected = retention.and_then(|r| r.removed().next_back()).map_or(Seq(1), |r| r.last.next());
            damage.push(damaged(expected, 0, expected, DamageReason::Missing));
        }
        (Some(_), Some(w)) if w.fault.is_none() && newest.is_some_and(|s| s >= w.next) => {
            damage.push(damaged(w.facts.first, w.facts.bytes, w.next, DamageReason::BehindSnapshot));
        }
        _ => {}
    }
}

/// Progress is told after this many bytes.
const PROGRESS_BYTES: u64 = 4 << 20;

fn damaged(segment: Seq, offset: u64, seq: Seq, reason: DamageReason) -> JournalError {
    JournalError::Damaged { segment, offset, seq, reason }
}

/// Moves damage into the list and passes other errors on.
fn keep_damage<T>(result: Result<T, JournalError>, damage: &mut Vec<JournalError>) -> Result<Option<T>, JournalError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            e @ (JournalError::Damaged { .. }
            | JournalError::DamagedRetention { .. }
            | JournalError::Unsupported { .. }),
        ) => {
            damage.push(e);
            Ok(None)
        }
        Err(e) => Err(e),
    }
}
