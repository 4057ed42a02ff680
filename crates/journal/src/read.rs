//! Streams records out of segments, verified, while another thread may append.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    DamageReason, JournalError, Seq,
    error::io_at,
    format::seq_of_name,
    fs::Fs,
    scan::{Scanner, Step},
};

/// A stream of verified records; ends after its first error. Owns what it needs and can go to another thread.
pub struct Records(Box<dyn Iterator<Item = Item> + Send>);

type Item = Result<(Seq, Vec<u8>), JournalError>;

impl Records {
    /// Wraps any source of records, for other implementations of [`crate::Journal`].
    pub fn new(source: impl Iterator<Item = Item> + Send + 'static) -> Records {
        Records(Box::new(source))
    }
}

impl Iterator for Records {
    type Item = Item;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}

/// A handle for reading on other threads while the fold appends. Sees what is durable, never more.
#[derive(Debug, Clone)]
pub struct SegmentReader {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) dir: PathBuf,
    pub(crate) last: Arc<AtomicU64>,
}

impl SegmentReader {
    /// Last durable position.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        Seq(self.last.load(Ordering::Acquire))
    }

    /// As [`crate::Journal::read`].
    ///
    /// # Errors
    ///
    /// `OutOfRange`, `Damaged`, `Io`.
    pub fn read(&self, from: Seq) -> Result<Records, JournalError> {
        let last = self.last_seq();
        let entries = self.fs.list(&self.dir).map_err(io_at("list", &self.dir))?;
        let mut firsts: Vec<Seq> = entries.iter().filter_map(|e| seq_of_name(&e.name, ".seg")).collect();
        firsts.sort_unstable();
        let first = firsts.first().copied().unwrap_or(Seq(1));
        let start = firsts.into_iter().rfind(|s| *s <= from);
        match start {
            Some(start) if from <= last.next() => Ok(Records::new(SegmentRecords {
                fs: self.fs.clone(),
                dir: self.dir.clone(),
                from,
                upto: last,
                next_segment: start,
                scanner: None,
                done: from > last,
            })),
            _ => Err(JournalError::OutOfRange { asked: from, first, last }),
        }
    }
}

struct SegmentRecords {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    from: Seq,
    upto: Seq,
    next_segment: Seq,
    scanner: Option<Scanner>,
    done: bool,
}

impl Iterator for SegmentRecords {
    type Item = Item;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let item = self.advance();
        self.done = match &item {
            Ok((seq, _)) => *seq == self.upto,
            Err(_) => true,
        };
        Some(item)
    }
}

impl SegmentRecords {
    fn advance(&mut self) -> Result<(Seq, Vec<u8>), JournalError> {
        loop {
            let Some(scanner) = &mut self.scanner else {
                self.scanner = Some(Scanner::open(&*self.fs, &self.dir, self.next_segment, true)?);
                continue;
            };
            match scanner.step()? {
                Step::Frame(seq) if seq >= self.from => return Ok((seq, scanner.payload().to_vec())),
                Step::Frame(_) => {}
                Step::Bad(reason) => return Err(scanner.damaged(reason)),
                Step::End => self.scanner = Some(successor(&*self.fs, &self.dir, scanner)?),
            }
        }
    }
}

/// Opens the segment after one that was read to its end, and holds its record of that one against what was read.
pub(crate) fn successor(fs: &dyn Fs, dir: &std::path::Path, read: &Scanner) -> Result<Scanner, JournalError> {
    let following = match Scanner::open(fs, dir, read.next, true) {
        Ok(following) => following,
        Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(read.damaged(DamageReason::Missing));
        }
        Err(e) => return Err(e),
    };
    if following.header.prev != Some(read.sealed()) {
        return Err(read.damaged(DamageReason::Chain));
    }
    Ok(following)
}
