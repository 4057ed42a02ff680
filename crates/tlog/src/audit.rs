//! Checking a whole stored log against one root, and naming the first entry that is not as signed.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crate::error::{Error, Malformed, Unavailable};
use crate::frontier::Frontier;
use crate::hash::{Hash, leaf_hash};
use crate::store::{LogReader, Store};
use crate::tiles::{TILE_WIDTH, TileKind, complete_root, split_bundle};

/// The first entry that is not as signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstBad {
    /// The entry's index.
    pub index: u64,
    /// What is wrong with it.
    pub fault: Fault,
    /// Set if hashes are damaged too: some entry from `index` up to this one, exclusive, is not as signed, and which one
    /// can no longer be told.
    pub within: Option<u64>,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It should be there and is not.
    Missing,
    /// It is there, at another place.
    OutOfOrder,
    /// Nothing was signed at its place and something stands there.
    Added,
    /// It refers to a checkpoint that did not verify.
    Unproven,
    /// It is in a tree that a stolen key alone signed.
    Stolen,
    /// Its bytes are not those signed.
    Changed,
}

impl fmt::Display for FirstBad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.within {
            Some(end) => write!(f, "some entry of {}..{end} {}", self.index, self.fault),
            None => write!(f, "entry {} {}", self.index, self.fault),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Missing => "is missing",
            Fault::OutOfOrder => "is out of order",
            Fault::Added => "was added",
            Fault::Unproven => "rests on a checkpoint that does not verify",
            Fault::Stolen => "rests on a stolen key alone",
            Fault::Changed => "is changed",
        })
    }
}

impl<S: Store> LogReader<'_, S> {
    /// Checks every entry against the root: none if all are as signed. Damaged hashes alone are no bad entry.
    ///
    /// Reads every file once; memory does not grow with the log.
    ///
    /// # Errors
    /// [`Unavailable::Store`] for a file that is there and cannot be read: that is no statement about any entry.
    /// [`Unavailable::Root`] if the log is empty and the root is not that of an empty log.
    pub fn audit(&self, root: &Hash) -> Result<Option<FirstBad>, Error> {
        let mut hashes = Authentic::new(self, root)?;
        let mut entries = Frontier::new();
        // Start of the first bundle of which no hash is authentic.
        let mut doubt = None;
        for index in 0..self.size().div_ceil(WIDTH) {
            let start = index * WIDTH;
            let end = self.size().min(start + WIDTH);
            let found = self.leaf_hashes(index)?;
            let bad = match hashes.tile(0, index)? {
                Some(expect) => self.compare(&mut hashes, start, &expect, &found)?,
                None if start + (found.hashes.len() as u64) < end => {
                    let missing = start + found.hashes.len() as u64;
                    Some(FirstBad::between(start, missing + 1, Fault::Missing))
                }
                None => match hashes.above(0, index)? {
                    Some(above) if above == complete_root(&found.hashes) => None,
                    Some(_) => Some(FirstBad::between(start, end, Fault::Changed)),
                    None => {
                        doubt.get_or_insert(start);
                        None
                    }
                },
            };
            if let Some(bad) = bad {
                let last = bad.within.unwrap_or(bad.index + 1);
                return Ok(Some(doubt.map_or(bad.clone(), |from| FirstBad::between(from, last, bad.fault))));
            }
            found.hashes.iter().for_each(|leaf| entries.append(*leaf));
        }
        match doubt {
            _ if entries.root() == *root => Ok(None),
            Some(from) => Ok(Some(FirstBad::between(from, self.size(), Fault::Changed))),
            None => Err(Unavailable::Root { size: self.size() }.into()),
        }
    }

    /// The first difference of a bundle from its authentic hashes.
    fn compare(
        &self,
        hashes: &mut Authentic<'_, '_, S>,
        start: u64,
        expect: &[Hash],
        found: &Found,
    ) -> Result<Option<FirstBad>, Error> {
        match first_difference(expect, &found.hashes) {
            Some(at) => self.classify(hashes, start + at as u64).map(Some),
            None if found.trailing => Ok(Some(FirstBad::at(start + WIDTH, Fault::Added))),
            None => Ok(None),
        }
    }

    /// Names what is wrong at the first difference, by looking a window ahead in both sequences.
    fn classify(&self, hashes: &mut Authentic<'_, '_, S>, at: u64) -> Result<FirstBad, Error> {
        let (mut expect, mut found) = (Vec::new(), Vec::new());
        let first = at / WIDTH;
        for index in first..self.size().div_ceil(WIDTH).min(first + WINDOW_TILES) {
            expect.extend(hashes.tile(0, index)?.unwrap_or_default());
            found.extend(self.leaf_hashes(index)?.hashes);
        }
        let skip = (at % WIDTH) as usize;
        let fault = classify(&expect[skip..], found.get(skip..).unwrap_or_default());
        Ok(FirstBad::at(at, fault))
    }

    fn leaf_hashes(&self, index: u64) -> Result<Found, Error> {
        let id = self.id(TileKind::Entries, index)?;
        let bytes = absent_as_none(self.file(id))?.unwrap_or_default();
        let (entries, rest) = split_bundle(&bytes, id.width);
        let whole = entries.len() as u32 == id.width;
        // A bundle read from a wider file may go on; a full one may not.
        let trailing = whole && id.width == TILE_WIDTH && !rest.is_empty();
        Ok(Found { hashes: entries.into_iter().map(leaf_hash).collect(), trailing })
    }
}

struct Found {
    hashes: Vec<Hash>,
    trailing: bool,
}

/// The tiles whose hashes are proven to belong to the root, checked from the root down.
struct Authentic<'r, 's, S> {
    reader: &'r LogReader<'s, S>,
    /// Whether the partial tiles of the right edge add up to the root.
    edge: bool,
    /// The last tile of each level: its index, and its hashes if they are authentic.
    last: Vec<Option<(u64, Option<Vec<Hash>>)>>,
}

impl<'r, 's, S: Store> Authentic<'r, 's, S> {
    fn new(reader: &'r LogReader<'s, S>, root: &Hash) -> Result<Self, Error> {
        let edge = damage_as_none(Frontier::from_reader(reader, reader.size()))?;
        let edge = edge.is_some_and(|edge| edge.root() == *root);
        Ok(Authentic { reader, edge, last: vec![None; 9] })
    }

    /// The hashes of a tile if they are authentic.
    fn tile(&mut self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, Error> {
        if let Some((known, hashes)) = &self.last[usize::from(level)]
            && *known == index
        {
            return Ok(hashes.clone());
        }
        let hashes = self.check(level, index)?;
        self.last[usize::from(level)] = Some((index, hashes.clone()));
        Ok(hashes)
    }

    fn check(&mut self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, Error> {
        let Some(hashes) = damage_as_none(self.reader.tile(level, index))? else { return Ok(None) };
        let partial = hashes.len() < TILE_WIDTH as usize;
        let good = if partial { self.edge } else { self.above(level, index)? == Some(complete_root(&hashes)) };
        Ok(good.then_some(hashes))
    }

    /// The authentic hash over a full tile, from the tile above; none for a partial tile.
    fn above(&mut self, level: u8, index: u64) -> Result<Option<Hash>, Error> {
        if self.reader.id(TileKind::Hashes { level }, index)?.width < TILE_WIDTH {
            return Ok(None);
        }
        let tile = self.tile(level + 1, index / WIDTH)?;
        Ok(tile.map(|tile| tile[(index % WIDTH) as usize]))
    }
}

impl FirstBad {
    pub(crate) fn at(index: u64, fault: Fault) -> FirstBad {
        FirstBad { index, fault, within: None }
    }

    fn between(index: u64, end: u64, fault: Fault) -> FirstBad {
        FirstBad { index, fault, within: (end > index + 1).then_some(end) }
    }
}

/// Position of the first item that differs or is absent.
fn first_difference(expect: &[Hash], found: &[Hash]) -> Option<usize> {
    (0..expect.len()).find(|at| found.get(*at) != Some(&expect[*at]))
}

/// What is wrong at the head of `found`, which should be the head of `expect`.
fn classify(expect: &[Hash], found: &[Hash]) -> Fault {
    let (Some(want), Some(have)) = (expect.first(), found.first()) else { return Fault::Missing };
    let later = found.iter().position(|hash| hash == want);
    let belongs_later = expect[1..].contains(have);
    match later {
        // All that follows moved by one: something was put in.
        Some(1) if !belongs_later => Fault::Added,
        Some(_) => Fault::OutOfOrder,
        None if belongs_later => Fault::Missing,
        None => Fault::Changed,
    }
}

fn absent_as_none<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Err(Error::Unavailable(Unavailable::Absent { .. })) => Ok(None),
        other => other.map(Some),
    }
}

fn damage_as_none<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Err(Error::Malformed(Malformed::Tile { .. })) => Ok(None),
        other => absent_as_none(other),
    }
}

/// How far ahead an entry is looked for that is not at its place: 16 bundles, 4096 entries.
const WINDOW_TILES: u64 = 16;

const WIDTH: u64 = TILE_WIDTH as u64;

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
