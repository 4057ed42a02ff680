//! The journal on one machine: segment files, one write and one sync a batch.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use crate::{
    DamageReason, Health, Journal, JournalError, OpenReport, Records, RemovedSegment, RetentionEntry, RetentionOrder,
    SegmentReader, Seq, SnapshotDone, SnapshotRead, SnapshotWriter, State, Trimmed,
    error::{io_at, is_full},
    format::{
        BATCH_BYTES_MAX, FRAME_HEADER_BYTES, PrevSegment, RECORD_BYTES_MAX, SEGMENT_HEADER_BYTES, SegmentHeader,
        encode_frame, segment_name,
    },
    fs::{Fs, FsFile, StdFs, Written},
    open,
    read::successor,
    retention::{RetentionLog, TEXT_BYTES_MAX},
    scan::{Scanner, Step},
    snapshot,
};

/// How much of a journal is checked when it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The last segment wholly; of the earlier ones presence, header, length and order. Their records are checked when they are read.
    Tail,
    /// Every record and every link of the chain.
    Full,
}

/// How a journal is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A batch that would carry a segment past this length begins a new one. 4 KiB to 16 GiB.
    pub segment_bytes: u64,
    /// Appends are refused while fewer bytes than this would stay free: room for a snapshot, a retention order and a repair.
    pub reserve_bytes: u64,
    /// How much to check at open.
    pub check: Check,
}

impl Default for Options {
    fn default() -> Options {
        Options { segment_bytes: 64 << 20, reserve_bytes: 64 << 20, check: Check::Tail }
    }
}

impl Options {
    pub(crate) fn validate(&self) -> Result<(), JournalError> {
        let (min, max) = (4 << 10, 16 << 30);
        if (min..=max).contains(&self.segment_bytes) {
            return Ok(());
        }
        Err(JournalError::BadOption { option: "segment_bytes", value: self.segment_bytes, min, max })
    }
}

/// A journal in segment files. See the crate's invariants.
pub struct SegmentJournal {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    /// Sealed segments, oldest first.
    pub(crate) sealed: Vec<PrevBrief>,
    pub(crate) active: Active,
    pub(crate) retention: RetentionLog,
    /// Shared with readers: stored only after the sync.
    pub(crate) last: Arc<AtomicU64>,
    pub(crate) newest_snapshot: Option<Seq>,
    pub(crate) state: State,
    pub(crate) counts: Counts,
    /// Frames of the batch being written; kept for its capacity.
    pub(crate) batch: Vec<u8>,
    /// Dropped last: another process may open the folder from then on.
    pub(crate) _lock: Box<dyn Send + Sync>,
}

/// A sealed segment's place and length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrevBrief {
    pub(crate) first: Seq,
    pub(crate) bytes: u64,
}

/// The segment that is written to.
pub(crate) struct Active {
    pub(crate) first: Seq,
    pub(crate) file: Box<dyn FsFile>,
    pub(crate) seed: u32,
    /// Durable length: where the next batch goes.
    pub(crate) len: u64,
    /// Over the durable bytes.
    pub(crate) hasher: Sha256,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    last_sync: Duration,
    max_sync: Duration,
    batches: u64,
    records: u64,
    conflicts: u64,
    full: u64,
    failures: u64,
}

/// Larger batch buffers are given back after use.
const BATCH_KEEP_BYTES: usize = 1 << 20;

impl SegmentJournal {
    /// Opens the journal in `dir`, creating the folder and the first segment if there is none, and says what was found and repaired.
    ///
    /// # Errors
    ///
    /// `Locked`; `Damaged`, `DamagedRetention`, `Unsupported`: nothing was changed on disk; `Full` if a torn tail cannot be saved; `Io`.
    pub fn open(dir: &Path, options: Options) -> Result<(SegmentJournal, OpenReport), JournalError> {
        SegmentJournal::open_with(Arc::new(StdFs), dir, options)
    }

    /// The same over another file system.
    ///
    /// # Errors
    ///
    /// As [`SegmentJournal::open`].
    pub fn open_with(
        fs: Arc<dyn Fs>,
        dir: &Path,
        options: Options,
    ) -> Result<(SegmentJournal, OpenReport), JournalError> {
        open::open(fs, dir, options)
    }

    /// A handle for reading on other threads.
    #[must_use]
    pub fn reader(&self) -> SegmentReader {
        SegmentReader { fs: self.fs.clone(), dir: self.dir.clone(), last: self.last.clone() }
    }

    /// Every retention order carried out, oldest first.
    #[must_use]
    pub fn retention_orders(&self) -> &[RetentionEntry] {
        &self.retention.entries
    }

    /// Refuses before a byte is written. Cheapest first.
    fn admit(&mut self, expected: Option<Seq>, records: &[&[u8]]) -> Result<(), JournalError> {
        let last = self.last_seq();
        if self.state == State::Failed {
            return Err(JournalError::Unknown { after: last });
        }
        if let Some(expected) = expected.filter(|e| *e != last) {
            self.counts.conflicts += 1;
            return Err(JournalError::Conflict { expected, last });
        }
        let mut bytes = 0_usize;
        for record in records {
            bytes = bytes.saturating_add(record.len() + FRAME_HEADER_BYTES);
            if record.len() > RECORD_BYTES_MAX {
                return Err(JournalError::TooLarge { bytes: record.len() as u64, max: RECORD_BYTES_MAX as u64 });
            }
        }
        if bytes > BATCH_BYTES_MAX {
            return Err(JournalError::TooLarge { bytes: bytes as u64, max: BATCH_BYTES_MAX as u64 });
        }
        if records.is_empty() || self.options.reserve_bytes == 0 {
            return Ok(());
        }
        let free = self.fs.free_bytes(&self.dir).map_err(io_at("ask free space of", &self.dir))?;
        if free < self.options.reserve_bytes.saturating_add(bytes as u64) {
            return Err(self.full());
        }
        Ok(())
    }

    /// Seals the active segment and begins the next. The new file gets its name only when its header is durable.
    fn roll(&mut self) -> Result<(), JournalError> {
        let sealed = PrevBrief { first: self.active.first, bytes: self.active.len };
        let sha256 = self.active.hasher.clone().finalize().into();
        let prev = PrevSegment { first: sealed.first, bytes: sealed.bytes, sha256 };
        match create_segment(&*self.fs, &self.dir, self.last_seq().next(), Some(prev)) {
            Ok(active) => {
                self.active = active;
                self.sealed.push(sealed);
                Ok(())
            }
            Err(CreateError::Refused(source, path)) => Err(self.refused("create", path, source)),
            Err(CreateError::Unknown) => Err(self.fail()),
        }
    }

    /// Writes `self.batch` and syncs it. On a failed write the file is as before, durably.
    fn write_batch(&mut self) -> Result<(), JournalError> {
        let begun = Instant::now();
        if let Err(source) = self.active.file.write_all_at(&self.batch, self.active.len) {
            // Synced, so that a refused batch cannot come back after a crash.
            let undone = self.active.file.truncate(self.active.len).and_then(|()| self.active.file.sync_all());
            return Err(match undone {
                Ok(()) => self.refused("write", self.dir.join(segment_name(self.active.first)), source),
                Err(_) => self.fail(),
            });
        }
        if self.active.file.sync_data().is_err() {
            return Err(self.fail());
        }
        self.counts.last_sync = begun.elapsed();
        self.counts.max_sync = self.counts.max_sync.max(self.counts.last_sync);
        Ok(())
    }

    fn refused(&mut self, op: &'static str, path: PathBuf, source: std::io::Error) -> JournalError {
        if is_full(&source) {
            return self.full();
        }
        self.counts.failures += 1;
        JournalError::Io { op, path, source }
    }

    fn full(&mut self) -> JournalError {
        self.state = State::Full;
        self.counts.full += 1;
        let free_bytes = self.fs.free_bytes(&self.dir).unwrap_or(0);
        JournalError::Full { free_bytes, reserve_bytes: self.options.reserve_bytes }
    }

    /// Makes ready to store the state after `seq`, of so many bytes, as [`Journal::write_snapshot`] does, away from the journal.
    ///
    /// # Errors
    ///
    /// As [`Journal::write_snapshot`], as far as it depends on the journal.
    pub fn snapshot_writer(&self, seq: Seq) -> Result<SnapshotWriter, JournalError> {
        let last = self.last_seq();
        if self.state == State::Failed {
            return Err(JournalError::Unknown { after: last });
        }
        let newest = self.newest_snapshot.unwrap_or_default();
        if seq > last || seq == Seq::ZERO || seq < newest {
            return Err(JournalError::SnapshotRefused { seq, last, newest });
        }
        let reserve_bytes = self.options.reserve_bytes;
        Ok(SnapshotWriter { fs: self.fs.clone(), dir: self.dir.clone(), seq, reserve_bytes })
    }

    /// Takes what became of a snapshot.
    ///
    /// # Errors
    ///
    /// As [`Journal::write_snapshot`], as far as it depends on the disk.
    pub fn snapshot_done(&mut self, done: SnapshotDone) -> Result<(), JournalError> {
        match done.written? {
            Written::Unknown => return Err(self.fail()),
            Written::Durable => self.newest_snapshot = self.newest_snapshot.max(Some(done.seq)),
        }
        done.pruned
    }

    fn fail(&mut self) -> JournalError {
        self.state = State::Failed;
        self.counts.failures += 1;
        JournalError::Unknown { after: self.last_seq() }
    }

    /// What [`Journal::trim`] with this position would remove, oldest first. Reads every byte of it; removes nothing.
    ///
    /// # Errors
    ///
    /// As [`Journal::trim`].
    pub fn would_trim(&self, upto: Seq) -> Result<Vec<RemovedSegment>, JournalError> {
        let limit = self.trim_limit()?;
        if upto > limit {
            return Err(JournalError::TrimRefused { upto, limit });
        }
        self.removable(upto)
    }

    /// The sealed segments that lie wholly at or before `upto`, each read and held against its successor's record of it.
    fn removable(&self, upto: Seq) -> Result<Vec<RemovedSegment>, JournalError> {
        let mut out = Vec::new();
        for (i, seg) in self.sealed.iter().enumerate() {
            let next = self.sealed.get(i + 1).map_or(self.active.first, |s| s.first);
            if next > upto.next() {
                break;
            }
            let mut scanner = Scanner::open(&*self.fs, &self.dir, seg.first, true)?;
            loop {
                match scanner.step()? {
                    Step::Frame(_) => {}
                    Step::Bad(reason) => return Err(scanner.damaged(reason)),
                    Step::End => break,
                }
            }
            if scanner.next != next {
                return Err(scanner.damaged(DamageReason::Missing));
            }
            successor(&*self.fs, &self.dir, &scanner)?;
            let sealed = scanner.sealed();
            out.push(RemovedSegment {
                first: sealed.first,
                last: Seq(next.0 - 1),
                bytes: sealed.bytes,
                sha256: sealed.sha256,
            });
        }
        Ok(out)
    }

    /// The oldest snapshot that is kept and intact.
    fn trim_limit(&self) -> Result<Seq, JournalError> {
        for seq in snapshot::list(&*self.fs, &self.dir)?.into_iter().rev() {
            if snapshot::read_one(&*self.fs, &self.dir, seq)?.is_ok() {
                return Ok(seq);
            }
        }
        Ok(Seq::ZERO)
    }
}

impl Journal for SegmentJournal {
    fn append_batch(&mut self, expected: Option<Seq>, records: &[&[u8]]) -> Result<Seq, JournalError> {
        self.admit(expected, records)?;
        let last = self.last_seq();
        if records.is_empty() {
            return Ok(last);
        }
        let bytes: usize = records.iter().map(|r| r.len() + FRAME_HEADER_BYTES).sum();
        let holds_records = self.active.len > SEGMENT_HEADER_BYTES as u64;
        if holds_records && self.active.len + bytes as u64 > self.options.segment_bytes {
            self.roll()?;
        }
        self.batch.clear();
        self.batch.reserve(bytes);
        let mut seq = last;
        for (index, record) in records.iter().enumerate() {
            seq = seq.next();
            encode_frame(&mut self.batch, self.active.seed, index as u32, seq, record);
        }
        self.write_batch()?;
        self.active.hasher.update(&self.batch);
        self.active.len += bytes as u64;
        self.state = State::Ok;
        self.counts.batches += 1;
        self.counts.records += records.len() as u64;
        self.last.store(seq.0, Ordering::Release);
        if self.batch.capacity() > BATCH_KEEP_BYTES {
            self.batch = Vec::new();
        }
        Ok(seq)
    }

    fn read(&self, from: Seq) -> Result<Records, JournalError> {
        self.reader().read(from)
    }

    fn first_seq(&self) -> Seq {
        self.sealed.first().map_or(self.active.first, |s| s.first)
    }

    fn last_seq(&self) -> Seq {
        Seq(self.last.load(Ordering::Relaxed))
    }

    fn health(&self) -> Health {
        Health {
            state: self.state,
            first: self.first_seq(),
            last: self.last_seq(),
            segments: self.sealed.len() as u64 + 1,
            bytes: self.sealed.iter().map(|s| s.bytes).sum::<u64>() + self.active.len,
            free_bytes: self.fs.free_bytes(&self.dir).ok(),
            reserve_bytes: self.options.reserve_bytes,
            last_sync: self.counts.last_sync,
            max_sync: self.counts.max_sync,
            batches: self.counts.batches,
            records: self.counts.records,
            conflicts: self.counts.conflicts,
            full: self.counts.full,
            failures: self.counts.failures,
            newest_snapshot: self.newest_snapshot,
        }
    }

    fn trim(&mut self, upto: Seq, order: &RetentionOrder) -> Result<Trimmed, JournalError> {
        if self.state == State::Failed {
            return Err(JournalError::Unknown { after: self.last_seq() });
        }
        if [&order.who, &order.why].iter().any(|t| t.is_empty() || t.len() > TEXT_BYTES_MAX) {
            return Err(JournalError::OrderIncomplete { max: TEXT_BYTES_MAX });
        }
        let removed = self.would_trim(upto)?;
        if removed.is_empty() {
            return Ok(Trimmed::default());
        }
        let entry = RetentionEntry { upto, order: order.clone(), removed: removed.clone() };
        let next = self.retention.with(entry);
        match next.store(&*self.fs, &self.dir, self.options.reserve_bytes)? {
            Written::Unknown => return Err(self.fail()),
            Written::Durable => self.retention = next,
        }
        // From here the segments count as removed: a start after a crash finishes what the log orders.
        self.sealed.drain(..removed.len());
        for seg in &removed {
            let path = self.dir.join(segment_name(seg.first));
            self.fs.remove(&path).map_err(io_at("remove", &path))?;
        }
        if self.fs.sync_dir(&self.dir).is_err() {
            return Err(self.fail());
        }
        Ok(Trimmed { removed })
    }

    fn write_snapshot(&mut self, seq: Seq, bytes: &[u8]) -> Result<(), JournalError> {
        let done = self.snapshot_writer(seq)?.write(bytes);
        self.snapshot_done(done)
    }

    fn latest_snapshot(&self) -> Result<SnapshotRead, JournalError> {
        snapshot::read_latest(&*self.fs, &self.dir)
    }
}

impl std::fmt::Debug for SegmentJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentJournal").field("dir", &self.dir).field("health", &self.health()).finish_non_exhaustive()
    }
}

/// Why a new segment is not there.
pub(crate) enum CreateError {
    /// It does not exist under its name, and the journal is as before.
    Refused(std::io::Error, PathBuf),
    /// It may.
    Unknown,
}

/// Creates a segment under a temporary name, syncs its header, renames it, syncs the folder.
pub(crate) fn create_segment(
    fs: &dyn Fs,
    dir: &Path,
    first: Seq,
    prev: Option<PrevSegment>,
) -> Result<Active, CreateError> {
    let head = SegmentHeader { salt: fs.entropy() as u32, first, prev }.encode();
    let path = dir.join(segment_name(first));
    let temp = dir.join(format!("{}.tmp", segment_name(first)));
    let written = fs.create(&temp).and_then(|mut file| {
        file.write_all_at(&head, 0)?;
        Ok(file)
    });
    let mut file = match written {
        Ok(file) => file,
        Err(source) => {
            // What stays behind is removed at the next open.
            let _ = fs.remove(&temp);
            return Err(CreateError::Refused(source, temp));
        }
    };
    if file.sync_all().and_then(|()| fs.rename(&temp, &path)).and_then(|()| fs.sync_dir(dir)).is_err() {
        return Err(CreateError::Unknown);
    }
    let (_, seed) = SegmentHeader::decode(&head).expect("just encoded");
    Ok(Active { first, file, seed, len: head.len() as u64, hasher: Sha256::new_with_prefix(head) })
}
