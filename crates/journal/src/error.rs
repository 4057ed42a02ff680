//! What can go wrong, grouped by who has to act.

use std::{io, path::PathBuf};

use crate::Seq;

/// Why a journal operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    // --- the caller's affair: nothing was accepted ------------------------------------------------------------------------
    /// The journal's last position is not the one the caller expected. Nothing was accepted.
    #[error("expected the journal to end at {expected}, it ends at {last}; nothing was appended")]
    Conflict {
        /// What the caller expected.
        expected: Seq,
        /// What is so.
        last: Seq,
    },
    /// A record, a batch or a snapshot is over its bound. Nothing was accepted.
    #[error("{bytes} bytes given, at most {max} are taken; nothing was written")]
    TooLarge {
        /// Size given.
        bytes: u64,
        /// Largest size taken.
        max: u64,
    },
    /// The position asked for is not held.
    #[error("position {asked} is not held: the journal holds {first} to {last}")]
    OutOfRange {
        /// What was asked for.
        asked: Seq,
        /// First position held.
        first: Seq,
        /// Last position held.
        last: Seq,
    },
    /// A snapshot may only cover what is durable and not be older than what is kept.
    #[error("a snapshot at {seq} cannot be kept: the journal ends at {last}, the newest snapshot is at {newest}")]
    SnapshotRefused {
        /// Position of the snapshot.
        seq: Seq,
        /// Last durable position.
        last: Seq,
        /// Newest snapshot; zero if none.
        newest: Seq,
    },
    /// Records may be removed only up to the oldest intact snapshot kept.
    #[error("records up to {upto} cannot be removed: intact snapshots allow up to {limit}")]
    TrimRefused {
        /// What was ordered.
        upto: Seq,
        /// The last position that may be removed; zero without an intact snapshot.
        limit: Seq,
    },
    /// A retention order names nobody, gives no reason, or is too long.
    #[error("a retention order needs who and why, each of 1 to {max} bytes")]
    OrderIncomplete {
        /// Longest text taken, bytes.
        max: usize,
    },
    /// An option is outside its bounds.
    #[error("option {option} is {value}, allowed are {min} to {max}")]
    BadOption {
        /// Which.
        option: &'static str,
        /// As given.
        value: u64,
        /// Least allowed.
        min: u64,
        /// Most allowed.
        max: u64,
    },

    // --- unavailable -------------------------------------------------------------------------------------------------------
    /// The disk is full, or free space is below the reserve. Nothing was accepted; a later retry is safe.
    #[error("no space: {free_bytes} bytes free, {reserve_bytes} kept in reserve; nothing was written")]
    Full {
        /// Bytes free, as far as known.
        free_bytes: u64,
        /// Bytes kept in reserve.
        reserve_bytes: u64,
    },
    /// Whether the last batch is durable is not known. Stop signing and open the journal again.
    #[error("durability after position {after} is unknown: stop signing and open the journal again")]
    Unknown {
        /// Last position known to be durable.
        after: Seq,
    },
    /// Another process has the folder open.
    #[error(
        "{} is in use{}; stop that process first, two writers would destroy the journal",
        .dir.display(),
        .holder.map(|pid| format!(" by process {pid}")).unwrap_or_default()
    )]
    Locked {
        /// The journal's folder.
        dir: PathBuf,
        /// The process that holds it, if it said so.
        holder: Option<u32>,
    },
    /// The operating system refused. Nothing was accepted.
    #[error("cannot {op} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        op: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    // --- the disk's contents --------------------------------------------------------------------------------------------------
    /// The journal's own bytes are not what was written. Nothing was changed on disk.
    #[error("segment {segment} is damaged at byte {offset} (record {seq}): {reason}; restore it from a copy")]
    Damaged {
        /// First position of the segment, its file's name.
        segment: Seq,
        /// Byte offset in the file of the frame or header concerned.
        offset: u64,
        /// Position of the record that should stand there.
        seq: Seq,
        /// What is wrong.
        reason: DamageReason,
    },
    /// The retention log is not what was written.
    #[error("retention.log is damaged at byte {offset}: {reason}; restore it from a copy")]
    DamagedRetention {
        /// Byte offset of the first order that does not verify.
        offset: u64,
        /// What is wrong.
        reason: RetentionFault,
    },
    /// A file was written by a newer version.
    #[error("{file} has format version {version}, this program reads up to {known}: use the newer program")]
    Unsupported {
        /// File name.
        file: String,
        /// Its version.
        version: u32,
        /// The newest version known here.
        known: u32,
    },
}

/// What is wrong with a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DamageReason {
    /// The file is shorter than its header.
    #[error("the segment header is cut short")]
    HeaderShort,
    /// The header does not start as a segment does.
    #[error("this is not a segment file")]
    HeaderMagic,
    /// The header's checksum does not match.
    #[error("the segment header's checksum does not match")]
    HeaderChecksum,
    /// The header names another first position than the file's name.
    #[error("the segment header names another position than the file name")]
    HeaderName,
    /// A frame ends after the file does.
    #[error("the record is cut short")]
    FrameShort,
    /// A frame's length is over the bound.
    #[error("the record's length is impossible")]
    FrameLength,
    /// A frame's checksum does not match.
    #[error("the record's checksum does not match")]
    FrameChecksum,
    /// A frame stands at the wrong place.
    #[error("a record of another position stands here")]
    FramePosition,
    /// More bytes are bad than one batch can have left.
    #[error("more bytes are bad than one torn write can leave")]
    TailTooLong,
    /// The bad tail holds so many half-plausible frames that it cannot be judged with bounded work.
    #[error("the bad tail cannot be told from damage")]
    TailUndecided,
    /// A segment is absent and no retention order covers it.
    #[error("a segment is missing and no retention order removed it")]
    Missing,
    /// The segment's length or hash is not the one its successor recorded.
    #[error("the segment is not the one its successor was chained to")]
    Chain,
    /// A segment that was ordered removed has changed since.
    #[error("the segment is not the one that was ordered removed")]
    Retention,
    /// The journal ends before its own snapshot: acknowledged records are gone.
    #[error("the journal ends before its own snapshot: acknowledged records are gone")]
    BehindSnapshot,
}

/// What is wrong with a snapshot file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFault {
    /// Too short, foreign, or its header's checksum does not match.
    #[error("the header is damaged")]
    Header,
    /// Written by a newer version.
    #[error("the format version is newer")]
    Version,
    /// The header names another position than the file's name.
    #[error("the header names another position than the file name")]
    Name,
    /// The file is longer or shorter than its header says.
    #[error("the length is not the recorded one")]
    Length,
    /// The contents' hash does not match.
    #[error("the hash is not the recorded one")]
    Hash,
}

/// What is wrong with the retention log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetentionFault {
    /// Its first line is not a retention log's.
    #[error("the first line is not a retention log's")]
    FirstLine,
    /// A line cannot be read.
    #[error("a line cannot be read")]
    Line,
    /// The running hash at an order's end does not match.
    #[error("the running hash does not match")]
    Hash,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    Text,
}

/// An error from the system with what was tried on what.
pub(crate) fn io_at<'a>(op: &'static str, path: &'a std::path::Path) -> impl FnOnce(io::Error) -> JournalError + 'a {
    move |source| JournalError::Io { op, path: path.to_path_buf(), source }
}

/// Whether the system ran out of room: only then is a retry without an operator's action sensible.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
