//! The files of a log (C2SP tlog-tiles): names, tiles of hashes, bundles of entries.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Error, Malformed, Refused};
use crate::hash::{Hash, node_hash};

/// Names one file of a log: a tile of hashes at a level, or a bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// What the file holds.
    pub kind: TileKind,
    /// Which file of its kind, counted from the left.
    pub index: u64,
    /// How many hashes or entries it holds, 1 to 256; 256 is a full one.
    pub width: u32,
}

/// What a file of a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Entries.
    Entries,
    /// Hashes of subtrees of 256^level leaves.
    Hashes {
        /// The level, 0 for leaf hashes.
        level: u8,
    },
}

impl TileId {
    /// Gives the file's path below the log's own prefix.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = match self.kind {
            TileKind::Entries => String::from("tile/entries"),
            TileKind::Hashes { level } => format!("tile/{level}"),
        };
        let groups = core::iter::successors(Some(self.index), |n| (*n >= 1000).then_some(n / 1000));
        let groups: Vec<u64> = groups.map(|n| n % 1000).collect();
        for (at, group) in groups.iter().enumerate().rev() {
            path += &format!("/{}{group:03}", if at == 0 { "" } else { "x" });
        }
        if self.width < TILE_WIDTH {
            path += &format!(".p/{}", self.width);
        }
        path
    }

    /// Reads a path as [`TileId::path`] writes it; none for any other, so that one file has one address.
    ///
    /// Levels go to 63 as tlog-tiles says, indexes to 2^64-1.
    #[must_use]
    pub fn parse(path: &str) -> Option<TileId> {
        // Longest: `tile/entries/`, seven groups with their x and slash, `.p/255`.
        if path.len() > 64 {
            return None;
        }
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes { level: level.parse().ok().filter(|level| *level <= 63)? },
        };
        let (groups, width) = match rest.split_once(".p/") {
            Some((groups, width)) => (groups, width.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))?),
            None => (rest, TILE_WIDTH),
        };
        let mut index = 0u64;
        for group in groups.split('/') {
            let group: u64 = group.trim_start_matches('x').parse().ok().filter(|group| *group < 1000)?;
            index = index.checked_mul(1000)?.checked_add(group)?;
        }
        let id = TileId { kind, index, width };
        // Signs, zeroes and x in other places are left to this.
        (id.path() == path).then_some(id)
    }

    /// Gives the file of the same kind and index with another width.
    #[must_use]
    pub fn with_width(self, width: u32) -> TileId {
        TileId { width, ..self }
    }
}

/// Gives the path of a tile of hashes.
#[must_use]
pub fn tile_path(level: u8, index: u64, width: u32) -> String {
    TileId { kind: TileKind::Hashes { level }, index, width }.path()
}

/// Gives the path of a bundle of entries.
#[must_use]
pub fn bundle_path(index: u64, width: u32) -> String {
    TileId { kind: TileKind::Entries, index, width }.path()
}

/// Lists the files that a log of `new` entries has and one of `old` entries has not: the tiles and bundles that became
/// full, and the partial ones at the right edge. Entries come first, then the levels from 0 up.
#[must_use]
pub fn tiles_between(old: u64, new: u64) -> Vec<TileId> {
    let mut out = Vec::new();
    let mut row = |kind, old: u64, new: u64| {
        if old >= new {
            return;
        }
        let full = |index| TileId { kind, index, width: TILE_WIDTH };
        out.extend((old / 256..new / 256).map(full));
        if !new.is_multiple_of(256) {
            out.push(TileId { kind, index: new / 256, width: (new % 256) as u32 });
        }
    };
    row(TileKind::Entries, old, new);
    for level in 0..8u8 {
        row(TileKind::Hashes { level }, old >> (8 * level), new >> (8 * level));
    }
    out
}

/// Gives the width of a file in a log of `size` entries; none if the log has no such file.
#[must_use]
pub fn width_at(size: u64, kind: TileKind, index: u64) -> Option<u32> {
    let count = match kind {
        TileKind::Entries => size,
        TileKind::Hashes { level } if level < 8 => size >> (8 * level),
        TileKind::Hashes { .. } => 0,
    };
    let start = index.checked_mul(u64::from(TILE_WIDTH))?;
    let width = count.checked_sub(start)?.min(u64::from(TILE_WIDTH)) as u32;
    (width > 0).then_some(width)
}

/// Writes a bundle: each entry after its length, two bytes big-endian.
///
/// # Errors
/// [`Refused::TooLarge`] for an entry over [`ENTRY_BYTES_MAX`] or more than 256 entries.
pub fn encode_bundle<T: AsRef<[u8]>>(entries: &[T]) -> Result<Vec<u8>, Error> {
    if entries.len() > TILE_WIDTH as usize {
        let (found, max) = (entries.len() as u64, u64::from(TILE_WIDTH));
        return Err(Refused::TooLarge { what: "entries of a bundle", found, max }.into());
    }
    let mut out = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        out.extend_from_slice(&entry_len(entry)?.to_be_bytes());
        out.extend_from_slice(entry);
    }
    Ok(out)
}

/// Reads a bundle of exactly `width` entries.
///
/// # Errors
/// [`Malformed::EntryBundle`] with the entry at which the bundle ends too soon or goes on too long.
pub fn decode_bundle(bytes: &[u8], width: u32) -> Result<Vec<&[u8]>, Error> {
    let (entries, rest) = split_bundle(bytes, width);
    if entries.len() as u32 != width || !rest.is_empty() {
        return Err(Malformed::EntryBundle { entry: entries.len() as u32, expected: width }.into());
    }
    Ok(entries)
}

/// Reads as many entries as are whole, at most `width`, and gives the bytes after them.
pub(crate) fn split_bundle(bytes: &[u8], width: u32) -> (Vec<&[u8]>, &[u8]) {
    let (mut entries, mut rest) = (Vec::new(), bytes);
    while entries.len() < width as usize {
        let Some((len, after)) = rest.split_first_chunk::<2>() else { break };
        let Some((entry, after)) = after.split_at_checked(usize::from(u16::from_be_bytes(*len))) else { break };
        entries.push(entry);
        rest = after;
    }
    (entries, rest)
}

/// Writes a tile: its hashes one after the other.
#[must_use]
pub fn encode_tile(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads a tile that may be wider than asked for, and gives the first `width` hashes.
pub(crate) fn decode_tile(bytes: &[u8], id: TileId) -> Result<Vec<Hash>, Error> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() < id.width as usize || hashes.len() > TILE_WIDTH as usize {
        return Err(Malformed::Tile { path: id.path(), len: bytes.len(), width: id.width }.into());
    }
    Ok(hashes[..id.width as usize].iter().map(|hash| Hash(*hash)).collect())
}

/// Root of a run of hashes whose number is a power of two.
pub(crate) fn complete_root(hashes: &[Hash]) -> Hash {
    assert!(hashes.len().is_power_of_two());
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row[0]
}

pub(crate) fn entry_len(entry: &[u8]) -> Result<u16, Error> {
    let found = entry.len() as u64;
    let too_large = Refused::TooLarge { what: "entry, bytes", found, max: ENTRY_BYTES_MAX as u64 };
    u16::try_from(entry.len()).map_err(|_| too_large.into())
}

/// Hashes or entries of a full tile or bundle.
pub const TILE_WIDTH: u32 = 256;

/// Largest entry: its length is written in two bytes.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::vec;

    #[test]
    fn paths_are_those_of_the_specification() {
        for (path, expect) in [
            (tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067"),
            (tile_path(0, 0, 256), "tile/0/000"),
            (tile_path(2, 0, 1), "tile/2/000.p/1"),
            (tile_path(0, 273, 112), "tile/0/273.p/112"),
            (tile_path(63, 1000, 255), "tile/63/x001/000.p/255"),
            (bundle_path(999, 256), "tile/entries/999"),
            (bundle_path(1_000_000, 3), "tile/entries/x001/x000/000.p/3"),
        ] {
            assert_eq!(path, expect);
        }
    }

    #[test]
    fn a_path_is_read_in_its_one_form_alone() {
        for id in tiles_between(0, 70_000).into_iter().chain([
            TileId { kind: TileKind::Hashes { level: 63 }, index: u64::MAX, width: 255 },
            TileId { kind: TileKind::Entries, index: 1_000_000, width: 256 },
        ]) {
            assert_eq!(TileId::parse(&id.path()), Some(id));
        }
        for bad in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/xx01/002",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p",
            "tile/entries",
            "tile/entries/../000",
            "tile/data/000",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ] {
            assert_eq!(TileId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_the_specification_counts() {
        let all = tiles_between(0, 70_000);
        let count = |level, full: bool| {
            let of = |id: &&TileId| id.kind == TileKind::Hashes { level } && (id.width == 256) == full;
            let found: Vec<&TileId> = all.iter().filter(of).collect();
            (found.len(), found.last().map(|id| id.width))
        };
        assert_eq!((count(0, true).0, count(0, false)), (273, (1, Some(112))));
        assert_eq!((count(1, true).0, count(1, false)), (1, (1, Some(17))));
        assert_eq!((count(2, true).0, count(2, false)), (0, (1, Some(1))));
        assert_eq!(all.iter().filter(|id| id.kind == TileKind::Entries).count(), 274);
        let small: Vec<String> = tiles_between(0, 256).iter().map(TileId::path).collect();
        assert_eq!(small, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    }

    #[test]
    fn growth_in_steps_adds_up_to_the_whole() {
        let sizes = [0, 1, 2, 255, 256, 257, 600, 65_535, 65_536, 65_537, 70_000, 70_000];
        let steps = sizes.windows(2).flat_map(|pair| tiles_between(pair[0], pair[1]));
        let steps: BTreeSet<TileId> = steps.collect();
        for id in tiles_between(0, 70_000) {
            assert!(steps.contains(&id), "{}", id.path());
            assert_eq!(width_at(70_000, id.kind, id.index), Some(id.width));
        }
        assert_eq!(width_at(70_000, TileKind::Entries, 274), None);
        assert_eq!(width_at(70_000, TileKind::Hashes { level: 9 }, 0), None);
        assert_eq!(width_at(u64::MAX, TileKind::Entries, u64::MAX), None);
    }

    #[test]
    fn a_bundle_comes_back_and_a_cut_or_longer_one_is_refused() {
        let entries = vec![b"one".to_vec(), Vec::new(), vec![7; ENTRY_BYTES_MAX]];
        let bytes = encode_bundle(&entries).unwrap();
        assert_eq!(&bytes[..7], b"\x00\x03one\x00\x00");
        assert_eq!(decode_bundle(&bytes, 3).unwrap(), entries);
        let check = |bytes: &[u8], width, entry| {
            let expect = Malformed::EntryBundle { entry, expected: width };
            assert_eq!(decode_bundle(bytes, width), Err(expect.into()));
        };
        check(&bytes[..bytes.len() - 1], 3, 2);
        check(&bytes[..1], 3, 0);
        check(&bytes, 2, 2);
        check(&bytes, 4, 3);
    }

    #[test]
    fn an_entry_past_its_bound_is_refused() {
        let refused = |entries: &[Vec<u8>]| matches!(encode_bundle(entries), Err(Error::Refused(_)));
        assert!(refused(&[vec![0; ENTRY_BYTES_MAX + 1]]));
        assert!(refused(&vec![Vec::new(); 257]));
    }
}
