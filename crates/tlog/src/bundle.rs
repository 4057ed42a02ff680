//! Evidence bundles: one file with signed checkpoints, entries and their proofs (`spec/evidence.md`).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::checkpoint::{Checkpoint, ORIGIN_BYTES_MAX};
use crate::error::{Error, Malformed, Misuse, PeerMisbehaved};
use crate::hash::{Hash, leaf_hash};
use crate::note::Note;
use crate::proof::{Proof, verify_consistency, verify_inclusion};
use crate::store::{LogReader, Store};

/// What is laid before a verifier: parts of one or several logs. Nothing in it is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    /// The logs, each origin once; written in the order of their origins.
    pub logs: Vec<LogEvidence>,
    /// Bytes for the reader's context, such as an agreement. They are not covered by any signature here.
    pub metadata: Option<Vec<u8>>,
}

/// Part of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEvidence {
    /// The log's origin.
    pub origin: String,
    /// Verifier keys as the maker of the bundle knows them: hints that prove nothing.
    pub hints: Vec<String>,
    /// Checkpoint notes as received, with all their signature lines. Others refer to them by their number here.
    pub checkpoints: Vec<Vec<u8>>,
    /// Entries, each with its proof, in ascending order of index.
    pub entries: Vec<EntryEvidence>,
    /// Ranges of which every entry is claimed to be here; ascending and apart.
    pub ranges: Vec<Range<u64>>,
    /// Proofs that join two checkpoints.
    pub links: Vec<Link>,
    /// What nobody signed: the word of whoever made the bundle. It proves nothing, whatever it says.
    pub unsigned: Vec<Unsigned>,
}

/// What the maker of a bundle says it was told for a place of the log, where the log has another entry. Nobody signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    /// The place.
    pub index: u64,
    /// What it says was told for it.
    pub bytes: Vec<u8>,
}

/// One entry and its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryEvidence {
    /// The entry's index.
    pub index: u64,
    /// Number of the checkpoint the proof leads to.
    pub checkpoint: u32,
    /// The entry as received.
    pub bytes: Vec<u8>,
    /// Inclusion proof towards that checkpoint's root.
    pub proof: Proof,
}

/// A consistency proof between two checkpoints.
///
/// With the older checkpoint's own root it proves that the newer one extends it; with another root that the two
/// contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Number of the older checkpoint.
    pub older: u32,
    /// Number of the newer checkpoint.
    pub newer: u32,
    /// Root of the newer tree at the older size.
    pub root: Hash,
    /// Consistency proof from `root` to the newer root.
    pub proof: Proof,
}

impl LogEvidence {
    /// Begins with no evidence.
    #[must_use]
    pub fn new(origin: &str) -> LogEvidence {
        LogEvidence { origin: origin.to_owned(), ..LogEvidence::default() }
    }

    /// Adds a checkpoint's note and gives its number.
    pub fn add_checkpoint(&mut self, note: &Note) -> u32 {
        self.checkpoints.push(note.to_bytes());
        (self.checkpoints.len() - 1) as u32
    }

    /// Adds a range of entries, claimed to be complete, with proofs towards a checkpoint. Each proof is checked, so that
    /// no false evidence is made out of damaged files. Ranges are added in ascending order.
    ///
    /// # Errors
    /// [`Misuse`] for a checkpoint that is not here or too small; [`PeerMisbehaved::Inclusion`] if an entry is not the
    /// one the checkpoint's root stands for; what the reader gives.
    pub fn add_range<S: Store>(
        &mut self,
        reader: &LogReader<'_, S>,
        range: Range<u64>,
        checkpoint: u32,
    ) -> Result<(), Error> {
        // Bundle by bundle, so that a long range is not in memory twice.
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at - at % 256 + 256);
            let entries = reader.entries(at..end)?;
            for (index, bytes) in (at..end).zip(entries) {
                self.add(reader, index, bytes, checkpoint)?;
            }
            at = end;
        }
        if !range.is_empty() {
            self.ranges.push(range);
        }
        Ok(())
    }

    /// Adds one entry, as [`LogEvidence::add_range`] does, without a claim about its neighbours.
    ///
    /// # Errors
    /// As [`LogEvidence::add_range`].
    pub fn add_entry<S: Store>(&mut self, reader: &LogReader<'_, S>, index: u64, checkpoint: u32) -> Result<(), Error> {
        let bytes = reader.entry(index)?;
        self.add(reader, index, bytes, checkpoint)
    }

    /// Adds the proof that one checkpoint extends another.
    ///
    /// # Errors
    /// As [`LogEvidence::add_range`], and [`PeerMisbehaved::Consistency`].
    pub fn add_link<S: Store>(&mut self, reader: &LogReader<'_, S>, older: u32, newer: u32) -> Result<(), Error> {
        let (a, b) = (self.checkpoint(older)?, self.checkpoint(newer)?);
        let proof = reader.consistency_proof(a.size, b.size)?;
        verify_consistency(a.size, b.size, &a.root, &b.root, &proof)?;
        self.links.push(Link { older, newer, root: a.root, proof });
        Ok(())
    }

    fn add<S: Store>(
        &mut self,
        reader: &LogReader<'_, S>,
        index: u64,
        bytes: Vec<u8>,
        checkpoint: u32,
    ) -> Result<(), Error> {
        let tree = self.checkpoint(checkpoint)?;
        let proof = reader.inclusion_proof(index, tree.size)?;
        verify_inclusion(&leaf_hash(&bytes), index, tree.size, &proof, &tree.root)?;
        self.entries.push(EntryEvidence { index, checkpoint, bytes, proof });
        Ok(())
    }

    fn checkpoint(&self, number: u32) -> Result<Checkpoint, Error> {
        let size = self.checkpoints.len() as u64;
        let note = self.checkpoints.get(number as usize).ok_or(Misuse::OutOfTree { index: number.into(), size })?;
        let checkpoint = Checkpoint::parse(Note::parse(note)?.text())?;
        if checkpoint.origin != self.origin {
            let expected = self.origin.clone();
            return Err(PeerMisbehaved::WrongOrigin { expected, found: checkpoint.origin }.into());
        }
        Ok(checkpoint)
    }
}

impl Bundle {
    /// Says which rule of the format the bundle breaks, if any. The codec asks it both ways.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let entries: usize = self.logs.iter().map(|log| log.entries.len()).sum();
        if self.logs.is_empty() || self.logs.len() > LOGS_MAX {
            return Err("1 to 64 logs");
        }
        if entries > ENTRIES_MAX {
            return Err("at most 2^20 entries in all");
        }
        if !self.logs.is_sorted_by(|a, b| a.origin < b.origin) {
            return Err("logs in ascending order of origin, each once");
        }
        self.logs.iter().try_for_each(LogEvidence::check)
    }
}

impl LogEvidence {
    fn check(&self) -> Result<(), &'static str> {
        let plain =
            |text: &str, max: usize| !text.is_empty() && text.len() <= max && !text.chars().any(char::is_control);
        if !plain(&self.origin, ORIGIN_BYTES_MAX) {
            return Err("an origin is one line of 1 to 255 bytes");
        }
        if self.hints.len() > HINTS_MAX || !self.hints.iter().all(|hint| plain(hint, HINT_BYTES_MAX)) {
            return Err("at most 64 hints, each one line of 1 to 2048 bytes");
        }
        if self.checkpoints.len() > PARTS_MAX || self.ranges.len() > PARTS_MAX || self.links.len() > PARTS_MAX {
            return Err("at most 4096 checkpoints, ranges and links");
        }
        let apart = self.ranges.is_sorted_by(|a, b| a.end <= b.start);
        if !apart || self.ranges.iter().any(Range::is_empty) {
            return Err("ranges that are not empty, ascending and apart");
        }
        let proofs = self.entries.iter().map(|e| &e.proof).chain(self.links.iter().map(|l| &l.proof));
        if proofs.into_iter().any(|proof| proof.0.len() > crate::proof::PROOF_HASHES_MAX) {
            return Err("at most 64 hashes in a proof");
        }
        if self.unsigned.len() > UNSIGNED_MAX {
            return Err("at most 256 things that nobody signed");
        }
        let mut sizes = self.entries.iter().map(|e| e.bytes.len()).chain(self.unsigned.iter().map(|u| u.bytes.len()));
        match sizes.any(|len| len > crate::tiles::ENTRY_BYTES_MAX) {
            true => Err("an entry of at most 65535 bytes"),
            false => Ok(()),
        }
    }
}

pub(crate) fn malformed(offset: usize, what: &'static str) -> Error {
    Malformed::Bundle { offset, what }.into()
}

/// Largest bundle. 2^20 entries of 100 bytes with proofs of 20 hashes are 780 MiB; no one reads that at once, and a
/// verifier holds the whole file, so exports are cut at a third of it.
pub const BUNDLE_BYTES_MAX: usize = 256 << 20;

/// Most logs of a bundle: both directions between each two of eight parties.
pub(crate) const LOGS_MAX: usize = 64;
/// Most entries of a bundle: bounds what 5 bytes of file can cost in memory to 64 MiB in all.
pub(crate) const ENTRIES_MAX: usize = 1 << 20;
/// Most checkpoints, ranges or links of one log.
pub(crate) const PARTS_MAX: usize = 4096;
/// Most unsigned parts of one log: a node keeps 16 of a link, under each pact.
pub(crate) const UNSIGNED_MAX: usize = 256;
const HINTS_MAX: usize = 64;
const HINT_BYTES_MAX: usize = 2048;
