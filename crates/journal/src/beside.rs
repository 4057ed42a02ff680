//! Reads a journal beside the process that writes it, or a copy of one. Takes no lock and changes nothing.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use crate::{
    JournalError, Records, SegmentReader, Seq, SnapshotFault,
    error::io_at,
    format::seq_of_name,
    fs::{Fs, StdFs},
    scan::{Scanner, Step},
    snapshot,
    tail::{self, Verdict},
};

/// A journal as it stood when it was opened for reading. What is appended later is not seen.
///
/// The last records seen may belong to a batch that its writer has not synced yet: a reader beside a writer cannot tell.
/// Nothing may be acknowledged or signed upon them.
#[derive(Debug, Clone)]
pub struct ReadOnly {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    first: Seq,
    reader: SegmentReader,
}

impl ReadOnly {
    /// Opens the journal in `dir`. A torn end, or a write in progress, is left out.
    ///
    /// # Errors
    ///
    /// `Damaged` if the last segment is; earlier ones are checked as they are read. `Io`, also if there is no such folder.
    pub fn open(dir: &Path) -> Result<ReadOnly, JournalError> {
        ReadOnly::open_with(Arc::new(StdFs), dir)
    }

    /// The same over another file system.
    ///
    /// # Errors
    ///
    /// As [`ReadOnly::open`].
    pub fn open_with(fs: Arc<dyn Fs>, dir: &Path) -> Result<ReadOnly, JournalError> {
        let entries = fs.list(dir).map_err(io_at("list", dir))?;
        let segments = || entries.iter().filter_map(|e| seq_of_name(&e.name, ".seg"));
        let (first, last) = match (segments().min(), segments().max()) {
            (Some(first), Some(newest)) => (first, last_good(&*fs, dir, newest)?),
            _ => (Seq(1), Seq::ZERO),
        };
        let reader = SegmentReader { fs: fs.clone(), dir: dir.to_path_buf(), last: Arc::new(AtomicU64::new(last.0)) };
        Ok(ReadOnly { fs, dir: dir.to_path_buf(), first, reader })
    }

    /// First position held; one past [`ReadOnly::last_seq`] if nothing is.
    #[must_use]
    pub fn first_seq(&self) -> Seq {
        self.first
    }

    /// Last position seen.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.reader.last_seq()
    }

    /// As [`crate::Journal::read`].
    ///
    /// # Errors
    ///
    /// `OutOfRange`, `Damaged`, `Io`.
    pub fn read(&self, from: Seq) -> Result<Records, JournalError> {
        self.reader.read(from)
    }

    /// Positions of the snapshots, newest first.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub fn snapshots(&self) -> Result<Vec<Seq>, JournalError> {
        snapshot::list(&*self.fs, &self.dir)
    }

    /// Reads one snapshot, or says what is wrong with it.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub fn read_snapshot(&self, seq: Seq) -> Result<Result<Vec<u8>, SnapshotFault>, JournalError> {
        snapshot::read_one(&*self.fs, &self.dir, seq)
    }
}

/// Position of the last good frame of the newest segment.
fn last_good(fs: &dyn Fs, dir: &Path, newest: Seq) -> Result<Seq, JournalError> {
    let mut scanner = Scanner::open(fs, dir, newest, false)?;
    let bad = loop {
        match scanner.step()? {
            Step::Frame(_) => {}
            Step::End => break None,
            Step::Bad(reason) => break Some(reason),
        }
    };
    if let Some(reason) = bad {
        let rest = scanner.rest()?;
        if let Verdict::Damaged(reason) = tail::judge(&rest, scanner.at, scanner.next, scanner.seed, reason) {
            return Err(scanner.damaged(reason));
        }
    }
    Ok(Seq(scanner.next.0 - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Journal, Options, SegmentJournal, format::segment_name};

    fn records(journal: &ReadOnly, from: u64) -> Vec<(u64, Vec<u8>)> {
        journal.read(Seq(from)).unwrap().map(|r| r.map(|(seq, bytes)| (seq.0, bytes)).unwrap()).collect()
    }

    #[test]
    fn a_reader_beside_the_writer_sees_what_stood_when_it_opened_and_leaves_the_lock_alone() {
        let dir = tempfile::tempdir().unwrap();
        let small = Options { segment_bytes: 4096, ..Options::default() };
        let (mut writer, _) = SegmentJournal::open(dir.path(), small).unwrap();
        let record = [7u8; 900];
        for _ in 0..12 {
            writer.append_batch(None, &[&record]).unwrap();
        }
        let beside = ReadOnly::open(dir.path()).unwrap();
        assert_eq!((beside.first_seq(), beside.last_seq()), (Seq(1), Seq(12)));
        writer.append_batch(None, &[b"later"]).unwrap();
        assert_eq!(records(&beside, 1).len(), 12);
        assert_eq!(records(&ReadOnly::open(dir.path()).unwrap(), 13), [(13, b"later".to_vec())]);
        writer.write_snapshot(Seq(13), b"state").unwrap();
        assert_eq!(beside.snapshots().unwrap(), [Seq(13)]);
        assert_eq!(beside.read_snapshot(Seq(13)).unwrap().unwrap(), b"state");
    }

    #[test]
    fn a_write_in_progress_is_left_out_and_damage_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, _) = SegmentJournal::open(dir.path(), Options::default()).unwrap();
        for _ in 0..3 {
            writer.append_batch(None, &[b"abc"]).unwrap();
        }
        drop(writer);
        let path = dir.path().join(segment_name(Seq(1)));
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..23 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            assert_eq!(ReadOnly::open(dir.path()).unwrap().last_seq(), Seq(2), "{cut} bytes short");
        }
        let mut flipped = whole.clone();
        flipped[80 + 20] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        assert!(matches!(ReadOnly::open(dir.path()), Err(JournalError::Damaged { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), flipped, "nothing was changed");
    }

    #[test]
    fn an_empty_folder_is_an_empty_journal_and_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let empty = ReadOnly::open(dir.path()).unwrap();
        assert_eq!((empty.first_seq(), empty.last_seq()), (Seq(1), Seq(0)));
        assert!(ReadOnly::open(&dir.path().join("absent")).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
