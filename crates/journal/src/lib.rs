//! The node's total order and its durability.
//!
//! Everything that enters a node is appended here before it is folded into state, and nothing is answered, signed or
//! acknowledged over a record that is not yet durable here. Records are opaque bytes: this crate knows no airspace.
//!
//! **In scope.** The [`Journal`] trait, shaped so that a replicated log can stand behind it as well; [`SegmentJournal`], segment
//! files on one machine: group commit, checksums, a hash chain over segments, repair of a torn tail, refusal of every other
//! damage, snapshots, retention by explicit order, disk-full behaviour; [`verify()`] for an offline check of a folder.
//!
//! **Out of scope.** What a record means (`record`, `node`), signing and evidence (`tlog`, `link`), clocks: the time written
//! beside a retention order is given by the caller.
//!
//! # Invariants
//!
//! - A sequence number that [`Journal::append_batch`] returned is durable: file data synced, directory entry synced.
//! - After [`JournalError::Full`], [`JournalError::Conflict`], [`JournalError::TooLarge`] and [`JournalError::Io`] nothing of the
//!   batch exists, now or after a crash. After [`JournalError::Unknown`] any leading part of the batch may exist; only opening
//!   again tells.
//! - A sync that failed is never tried again on the same file: the kernel may have dropped the pages and call the next one good.
//! - Sequence numbers are dense from 1. No byte that was acknowledged is removed but by [`Journal::trim`] or, where one damaged last
//!   batch cannot be told from a torn write, by a repair that keeps the bytes in a `.torn` file and reports them.
//! - Damage anywhere else is refused with its segment, offset and sequence number, never skipped.
//!
//! The file format is in `spec/journal.md`, its reasons in `docs/adr/0006-log-format.md`.

mod bench;
mod beside;
mod error;
pub mod format;
pub mod fs;
mod open;
mod read;
mod retention;
mod scan;
mod segment;
mod snapshot;
mod tail;
mod verify;

use std::time::Duration;

pub use bench::{BenchFigures, Latencies, bench_append};
pub use beside::ReadOnly;
pub use error::{DamageReason, JournalError, RetentionFault, SnapshotFault};
pub use open::{OpenReport, TornTail};
pub use read::{Records, SegmentReader};
pub use retention::{RemovedSegment, RetentionEntry, RetentionOrder, Trimmed};
pub use segment::{Check, Options, SegmentJournal};
pub use snapshot::{DamagedSnapshot, SnapshotDone, SnapshotRead, SnapshotWriter};
pub use verify::{Report, SegmentFacts, SnapshotFacts, TailFacts, verify, verify_with};

/// Position of a record in the total order. The first record is 1; 0 stands for "before the first".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first record.
    pub const ZERO: Seq = Seq(0);

    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A total order of opaque records that survives the loss of the process and of power.
///
/// Called from one thread, synchronously; readers on other threads take an iterator from [`Journal::read`], which owns what it
/// needs. An implementation over a replicated log maps a lost acknowledgement to [`JournalError::Unknown`] and its compare-and-append to
/// `expected`.
pub trait Journal: Send {
    /// Appends `records` in order and returns the last one's position once all are durable.
    ///
    /// With `expected`, appends only if the last position equals it. An empty batch checks `expected` and returns the last position.
    ///
    /// # Errors
    ///
    /// `Conflict`, `TooLarge`, `Full`, `Io`: nothing was accepted, and a later retry is safe. `Unknown`: the caller stops
    /// signing and opens the journal again to learn what exists.
    fn append_batch(&mut self, expected: Option<Seq>, records: &[&[u8]]) -> Result<Seq, JournalError>;

    /// Streams the records from `from` (inclusive) to the position that is last now, each verified.
    ///
    /// `from` may be one past the last position: the stream is then empty. The stream ends after its first error.
    ///
    /// # Errors
    ///
    /// `OutOfRange` if `from` was trimmed or lies further ahead.
    fn read(&self, from: Seq) -> Result<Records, JournalError>;

    /// First position still held; one past [`Journal::last_seq`] if nothing is.
    fn first_seq(&self) -> Seq;

    /// Last durable position; [`Seq::ZERO`] before the first record.
    fn last_seq(&self) -> Seq;

    /// What an operator and `/metrics` need to know.
    fn health(&self) -> Health;

    /// Removes records up to `upto` (inclusive) as far as the storage's granularity allows, and records who ordered it and why.
    ///
    /// # Errors
    ///
    /// `TrimRefused` if `upto` lies past the oldest intact snapshot kept: the fallback from a damaged newest one needs the
    /// records in between.
    fn trim(&mut self, upto: Seq, order: &RetentionOrder) -> Result<Trimmed, JournalError>;

    /// Stores the state after `seq` durably and keeps it and the newest intact one before it.
    ///
    /// # Errors
    ///
    /// `SnapshotAhead` if `seq` is not durable yet, `TooLarge`, `Full`, `Io`.
    fn write_snapshot(&mut self, seq: Seq, bytes: &[u8]) -> Result<(), JournalError>;

    /// Reads the newest intact snapshot, and names every damaged newer one that had to be passed over.
    ///
    /// # Errors
    ///
    /// `Io` if a file cannot be read at all.
    fn latest_snapshot(&self) -> Result<SnapshotRead, JournalError>;
}

/// Whether a journal takes records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does.
    Ok,
    /// The last append was refused for want of space; the next one tries again.
    Full,
    /// A sync failed: what is on the disk is unknown until the journal is opened again.
    Failed,
}

/// A journal's condition and counts since it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it takes records.
    pub state: State,
    /// First position held.
    pub first: Seq,
    /// Last durable position.
    pub last: Seq,
    /// Segment files.
    pub segments: u64,
    /// Bytes in segment files.
    pub bytes: u64,
    /// Bytes free on the file system for this user; `None` if it did not say.
    pub free_bytes: Option<u64>,
    /// Appends are refused below this many free bytes.
    pub reserve_bytes: u64,
    /// How long the last write and its sync took.
    pub last_sync: Duration,
    /// The longest since open.
    pub max_sync: Duration,
    /// Batches made durable since open.
    pub batches: u64,
    /// Records made durable since open.
    pub records: u64,
    /// Batches refused because the expected position was another.
    pub conflicts: u64,
    /// Batches refused for want of space.
    pub full: u64,
    /// Writes or syncs that failed for another reason.
    pub failures: u64,
    /// Position of the newest snapshot file.
    pub newest_snapshot: Option<Seq>,
}
