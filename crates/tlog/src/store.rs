//! Where the files of a log lie, and reading a log from them.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ops::Range;

use crate::error::{Error, Malformed, Misuse, Unavailable};
use crate::hash::Hash;
use crate::proof::Proof;
use crate::tiles::{TILE_WIDTH, TileId, TileKind, complete_root, decode_tile, encode_tile, split_bundle, width_at};
use crate::tree::{HashReader, consistency_proof, inclusion_proof, root_at};

/// Holds the files of one log. Whoever implements it answers for durability.
pub trait Store {
    /// Reads a whole file; none if there is no such file.
    ///
    /// # Errors
    /// The store's own words for a file that is there and cannot be read. That is never the same as absence.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes a whole file. A path is only ever written with the same bytes again.
    ///
    /// # Errors
    /// The store's own words.
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Removes a partial file whose full one is written; absence is no error. Does nothing unless implemented.
    ///
    /// # Errors
    /// The store's own words.
    fn remove(&mut self, _path: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A store's own words for what failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(
    /// What failed.
    pub String,
);

impl StoreError {
    pub(crate) fn at(self, path: &str) -> Error {
        Unavailable::Store { path: path.to_owned(), why: self.0 }.into()
    }
}

/// A store in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemStore {
    /// The files by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Store for MemStore {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.files.get(path).cloned())
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.files.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), StoreError> {
        self.files.remove(path);
        Ok(())
    }
}

/// Reads the first `size` entries of a stored log, and makes proofs at any size up to that.
///
/// It believes its files. What it gives is to be checked against a signed root: proofs by whoever receives them,
/// everything at once by [`LogReader::audit`].
#[derive(Debug)]
pub struct LogReader<'s, S> {
    store: &'s S,
    size: u64,
    recent: RefCell<Vec<(TileId, Vec<Hash>)>>,
}

impl<'s, S: Store> LogReader<'s, S> {
    /// Reads from a store that holds at least `size` entries.
    #[must_use]
    pub fn new(store: &'s S, size: u64) -> LogReader<'s, S> {
        LogReader { store, size, recent: RefCell::new(Vec::new()) }
    }

    /// Gives the number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Computes the root of the first `size` entries from the tiles.
    ///
    /// # Errors
    /// [`Misuse::OutOfTree`]; [`Error::Unavailable`] or [`Error::Malformed`] for a tile.
    pub fn root_at(&self, size: u64) -> Result<Hash, Error> {
        self.holds(size)?;
        root_at(self, size)
    }

    /// Reads one entry.
    ///
    /// # Errors
    /// As [`LogReader::entries`].
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, Error> {
        let end = index.checked_add(1).ok_or(Misuse::OutOfTree { index, size: self.size })?;
        Ok(self.entries(index..end)?.remove(0))
    }

    /// Reads a range of entries.
    ///
    /// # Errors
    /// [`Misuse::OutOfTree`] unless the range lies below the size; [`Error::Unavailable`] or [`Error::Malformed`] for a
    /// bundle.
    pub fn entries(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, Error> {
        self.holds(range.end)?;
        let mut out = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let (index, skip) = (at / u64::from(TILE_WIDTH), (at % u64::from(TILE_WIDTH)) as usize);
            let id = self.id(TileKind::Entries, index)?;
            let bytes = self.file(id)?;
            let (entries, _) = split_bundle(&bytes, id.width);
            let take = (range.end - at).min((id.width as usize - skip) as u64) as usize;
            let malformed = Malformed::EntryBundle { entry: entries.len() as u32, expected: id.width };
            let wanted = entries.get(skip..skip + take).ok_or(malformed)?;
            out.extend(wanted.iter().map(|entry| entry.to_vec()));
            at += take as u64;
        }
        Ok(out)
    }

    /// Proves that entry `index` is in the log of the first `size` entries.
    ///
    /// # Errors
    /// As [`LogReader::root_at`].
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Proof, Error> {
        self.holds(size)?;
        inclusion_proof(self, index, size)
    }

    /// Proves that the log of the first `new` entries extends that of the first `old`.
    ///
    /// # Errors
    /// As [`LogReader::root_at`].
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Proof, Error> {
        self.holds(new)?;
        consistency_proof(self, old, new)
    }

    fn holds(&self, size: u64) -> Result<(), Error> {
        if size > self.size {
            return Err(Misuse::OutOfTree { index: size, size: self.size }.into());
        }
        Ok(())
    }

    pub(crate) fn id(&self, kind: TileKind, index: u64) -> Result<TileId, Error> {
        let width = width_at(self.size, kind, index);
        let width = width.ok_or(Misuse::OutOfTree { index, size: self.size })?;
        Ok(TileId { kind, index, width })
    }

    /// The bytes of a file, or of a wider one: a partial file may be gone once a wider one is written.
    pub(crate) fn file(&self, id: TileId) -> Result<Vec<u8>, Error> {
        let widths = core::iter::once(id.width).chain([TILE_WIDTH]).chain(id.width + 1..TILE_WIDTH);
        for width in widths {
            let path = id.with_width(width).path();
            if let Some(bytes) = self.store.read(&path).map_err(|e| e.at(&path))? {
                return Ok(bytes);
            }
        }
        Err(Unavailable::Absent { path: id.path() }.into())
    }

    /// Gives the first `take` hashes or entries of a file, as the file of that width holds them.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Malformed`] for the file.
    pub fn tile_bytes(&self, id: TileId, take: u32) -> Result<Vec<u8>, Error> {
        let bytes = self.file(id)?;
        let take = id.with_width(take.min(id.width));
        match id.kind {
            TileKind::Hashes { .. } => Ok(encode_tile(&decode_tile(&bytes, take)?)),
            TileKind::Entries => {
                let (entries, rest) = split_bundle(&bytes, take.width);
                let malformed = Malformed::EntryBundle { entry: entries.len() as u32, expected: take.width };
                if entries.len() < take.width as usize {
                    return Err(malformed.into());
                }
                Ok(bytes[..bytes.len() - rest.len()].to_vec())
            }
        }
    }

    /// The hashes of a tile, as stored.
    pub(crate) fn tile(&self, level: u8, index: u64) -> Result<Vec<Hash>, Error> {
        let id = self.id(TileKind::Hashes { level }, index)?;
        let mut recent = self.recent.borrow_mut();
        if let Some(at) = recent.iter().position(|(known, _)| *known == id) {
            recent[at..].rotate_left(1);
        } else {
            let hashes = decode_tile(&self.file(id)?, id)?;
            if recent.len() == RECENT_TILES {
                recent.remove(0);
            }
            recent.push((id, hashes));
        }
        Ok(recent[recent.len() - 1].1.clone())
    }
}

impl<S: Store> HashReader for LogReader<'_, S> {
    fn subtree(&self, level: u8, index: u64) -> Result<Hash, Error> {
        let absent = || Unavailable::Subtree { level, index };
        let (tile_level, height) = (level / 8, u32::from(level % 8));
        // Position of the subtree's first hash within the row of its tile level.
        let first = index.checked_mul(1 << height).ok_or_else(absent)?;
        let tile = self.tile(tile_level, first / u64::from(TILE_WIDTH))?;
        let at = (first % u64::from(TILE_WIDTH)) as usize;
        let hashes = tile.get(at..at + (1 << height)).ok_or_else(absent)?;
        Ok(complete_root(hashes))
    }
}

/// Tiles kept of the last ones read, 8 KiB each: a proof in a tree of 2^48 leaves touches six.
const RECENT_TILES: usize = 16;
