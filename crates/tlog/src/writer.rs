//! Writing a log: entries in, files out.

use alloc::vec::Vec;

use crate::error::{Error, Malformed, Unavailable};
use crate::frontier::Frontier;
use crate::hash::{Hash, leaf_hash};
use crate::store::{LogReader, Store};
use crate::tiles::{TILE_WIDTH, TileId, TileKind, complete_root, encode_bundle, encode_tile, entry_len};

/// Appends entries in order and keeps the files of the right edge in memory until they are flushed.
///
/// Order of duties above it: [`LogWriter::flush`], make the store durable, then sign a checkpoint of
/// [`LogWriter::root`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogWriter {
    frontier: Frontier,
    /// Hashes of the open tile of each level.
    rows: Vec<Vec<Hash>>,
    /// Entries of the open bundle.
    entries: Vec<Vec<u8>>,
    /// Files that became full and are not flushed.
    full: Vec<(TileId, Vec<u8>)>,
    /// Partial files that may be stored and whose full one is not.
    partial: Vec<TileId>,
    /// Size at the last flush.
    flushed: u64,
}

impl LogWriter {
    /// Begins an empty log.
    #[must_use]
    pub fn new() -> LogWriter {
        LogWriter::default()
    }

    /// Goes on with a stored log of `size` entries, which must have this root.
    ///
    /// It reads the right edge alone: a hash of every entry stands in it, the entries themselves do not. Use
    /// [`LogReader::audit`] to check those.
    ///
    /// # Errors
    /// [`Unavailable::Root`] if the tiles do not add up to the root; [`Error::Unavailable`] or [`Error::Malformed`] for a
    /// file of the edge.
    pub fn open<S: Store>(store: &S, size: u64, root: &Hash) -> Result<LogWriter, Error> {
        let reader = LogReader::new(store, size);
        let frontier = Frontier::from_reader(&reader, size)?;
        if frontier.root() != *root {
            return Err(Unavailable::Root { size }.into());
        }
        let mut writer = LogWriter { frontier, flushed: size, ..LogWriter::default() };
        for level in (0..8u8).take_while(|level| size >> (8 * level) > 0) {
            let index = size >> (8 * level) >> 8;
            let open = !(size >> (8 * level)).is_multiple_of(u64::from(TILE_WIDTH));
            writer.rows.push(if open { reader.tile(level, index)? } else { Vec::new() });
            writer.may_be_stored(TileKind::Hashes { level }, index, writer.rows[usize::from(level)].len());
        }
        let start = size - size % u64::from(TILE_WIDTH);
        writer.entries = reader.entries(start..size)?;
        writer.may_be_stored(TileKind::Entries, start / u64::from(TILE_WIDTH), writer.entries.len());
        let differs = |(entry, hash): (&Vec<u8>, &Hash)| leaf_hash(entry) != *hash;
        let row = writer.rows.first().map_or(&[][..], Vec::as_slice);
        if let Some(entry) = writer.entries.iter().zip(row).position(differs) {
            let expected = writer.entries.len() as u32;
            return Err(Malformed::EntryBundle { entry: entry as u32, expected }.into());
        }
        Ok(writer)
    }

    /// Appends an entry and gives its index.
    ///
    /// # Errors
    /// [`crate::Refused::TooLarge`] over [`crate::ENTRY_BYTES_MAX`] bytes.
    pub fn append(&mut self, entry: &[u8]) -> Result<u64, Error> {
        entry_len(entry)?;
        let index = self.frontier.size();
        let hash = leaf_hash(entry);
        self.frontier.append(hash);
        self.entries.push(entry.to_vec());
        if self.entries.len() == TILE_WIDTH as usize {
            let bytes = encode_bundle(&self.entries).expect("each entry was checked");
            self.entries.clear();
            self.complete(TileKind::Entries, index / u64::from(TILE_WIDTH), bytes);
        }
        self.append_hash(hash, index);
        Ok(index)
    }

    /// Gives the number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Counts the bytes of the entries in the open bundle: what a flush writes again.
    #[must_use]
    pub fn open_bytes(&self) -> usize {
        self.entries.iter().map(Vec::len).sum()
    }

    /// Computes the root over all entries.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Gives the compact range over all entries.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Lists the files to write so that the store holds all entries: full ones, then the partial ones of the edge.
    #[must_use]
    pub fn unflushed(&self) -> Vec<(TileId, Vec<u8>)> {
        let mut files = self.full.clone();
        let size = self.size();
        if !self.entries.is_empty() && self.flushed != size {
            let id = edge(TileKind::Entries, size, self.entries.len());
            files.push((id, encode_bundle(&self.entries).expect("each entry was checked")));
        }
        for (level, row) in (0u8..).zip(&self.rows) {
            // A level's partial tile is already stored if its row has not grown.
            let (old, new) = (self.flushed >> (8 * level), size >> (8 * level));
            if !row.is_empty() && old != new {
                files.push((edge(TileKind::Hashes { level }, new, row.len()), encode_tile(row)));
            }
        }
        files
    }

    /// Writes what the store lacks, then removes partial files whose full one is written. After an error it may be
    /// called again: every file is written with the same bytes.
    ///
    /// # Errors
    /// [`Unavailable::Store`].
    pub fn flush<S: Store>(&mut self, store: &mut S) -> Result<(), Error> {
        let files = self.unflushed();
        for (id, bytes) in &files {
            let path = id.path();
            store.write(&path, bytes).map_err(|e| e.at(&path))?;
        }
        self.flushed = self.size();
        let full: Vec<TileId> = self.full.drain(..).map(|(id, _)| id).collect();
        self.partial.extend(files.iter().map(|(id, _)| *id).filter(|id| id.width < TILE_WIDTH));
        let done = |id: &TileId| full.contains(&id.with_width(TILE_WIDTH));
        for id in self.partial.extract_if(.., |id| done(id)) {
            let path = id.path();
            store.remove(&path).map_err(|e| e.at(&path))?;
        }
        Ok(())
    }

    fn append_hash(&mut self, leaf: Hash, index: u64) {
        let mut carry = leaf;
        for level in 0..8u8 {
            if self.rows.len() == usize::from(level) {
                self.rows.push(Vec::new());
            }
            let row = &mut self.rows[usize::from(level)];
            row.push(carry);
            if row.len() < TILE_WIDTH as usize {
                return;
            }
            carry = complete_root(row);
            let bytes = encode_tile(row);
            row.clear();
            self.complete(TileKind::Hashes { level }, index >> (8 * level) >> 8, bytes);
        }
    }

    fn complete(&mut self, kind: TileKind, index: u64, bytes: Vec<u8>) {
        self.full.push((TileId { kind, index, width: TILE_WIDTH }, bytes));
    }

    /// Earlier runs may have flushed any width up to this one.
    fn may_be_stored(&mut self, kind: TileKind, index: u64, width: usize) {
        self.partial.extend((1..=width as u32).map(|width| TileId { kind, index, width }));
    }
}

/// The open file of a row of `count` items.
fn edge(kind: TileKind, count: u64, width: usize) -> TileId {
    TileId { kind, index: count / u64::from(TILE_WIDTH), width: width as u32 }
}
