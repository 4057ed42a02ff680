//! The tree: hashes of complete subtrees, roots and proofs made from them.

use alloc::vec::Vec;

use crate::error::{Error, Misuse, Refused, Unavailable};
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::proof::Proof;

/// Gives the hashes of complete subtrees, from memory or from tiles.
pub trait HashReader {
    /// Gives the hash over the leaves `[index << level, (index + 1) << level)`, all of which must exist.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Malformed`] if the hash cannot be had.
    fn subtree(&self, level: u8, index: u64) -> Result<Hash, Error>;
}

/// Computes the root of the first `size` leaves.
///
/// # Errors
/// What the reader gives.
pub fn root_at<R: HashReader + ?Sized>(reader: &R, size: u64) -> Result<Hash, Error> {
    if size == 0 {
        return Ok(EMPTY_ROOT);
    }
    range_root(reader, 0, bounded(size)?)
}

/// Proves that leaf `index` is in the tree of the first `size` leaves (RFC 9162 section 2.1.3.1).
///
/// # Errors
/// [`Misuse::OutOfTree`] unless `index < size`; what the reader gives.
pub fn inclusion_proof<R: HashReader + ?Sized>(reader: &R, index: u64, size: u64) -> Result<Proof, Error> {
    if index >= size {
        return Err(Misuse::OutOfTree { index, size }.into());
    }
    let (mut lo, mut hi) = (0, bounded(size)?);
    let mut path = Vec::new();
    while hi - lo > 1 {
        let mid = lo + split(hi - lo);
        if index < mid {
            path.push(range_root(reader, mid, hi)?);
            hi = mid;
        } else {
            path.push(range_root(reader, lo, mid)?);
            lo = mid;
        }
    }
    path.reverse();
    Ok(Proof(path))
}

/// Proves that the tree of the first `new` leaves extends that of the first `old` (RFC 9162 section 2.1.4.1).
///
/// The proof is empty for `old == 0` and for `old == new`.
///
/// # Errors
/// [`Misuse::OutOfTree`] unless `old <= new`; what the reader gives.
pub fn consistency_proof<R: HashReader + ?Sized>(reader: &R, old: u64, new: u64) -> Result<Proof, Error> {
    if old > new {
        return Err(Misuse::OutOfTree { index: old, size: new }.into());
    }
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Ok(Proof(path));
    }
    let (mut lo, mut hi) = (0, bounded(new)?);
    while old != hi {
        let mid = lo + split(hi - lo);
        if old <= mid {
            path.push(range_root(reader, mid, hi)?);
            hi = mid;
        } else {
            path.push(range_root(reader, lo, mid)?);
            lo = mid;
        }
    }
    // The verifier knows the old root itself; only a right part of it must be told.
    if lo != 0 {
        path.push(range_root(reader, lo, hi)?);
    }
    path.reverse();
    Ok(Proof(path))
}

/// Root over `[lo, hi)`, where `lo` is a multiple of the greatest power of two not above `hi - lo`.
fn range_root<R: HashReader + ?Sized>(reader: &R, lo: u64, hi: u64) -> Result<Hash, Error> {
    let mut parts = Vec::new();
    let mut at = lo;
    while at < hi {
        let level = (hi - at).ilog2() as u8;
        parts.push(reader.subtree(level, at >> level)?);
        at += 1 << level;
    }
    Ok(fold_right(&parts))
}

/// Joins complete subtrees, largest first, into one root.
pub(crate) fn fold_right(parts: &[Hash]) -> Hash {
    let mut parts = parts.iter().rev();
    let Some(mut acc) = parts.next().copied() else { return EMPTY_ROOT };
    for left in parts {
        acc = node_hash(left, &acc);
    }
    acc
}

/// The greatest power of two below `n`, for `n >= 2`.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

fn bounded(size: u64) -> Result<u64, Error> {
    if size > TREE_SIZE_MAX {
        return Err(Refused::TooLarge { what: "tree size, entries", found: size, max: TREE_SIZE_MAX }.into());
    }
    Ok(size)
}

/// Largest tree: sizes fit a signed 64-bit integer, as in the tools other logs are read with.
pub const TREE_SIZE_MAX: u64 = i64::MAX as u64;

/// A whole tree in memory: every complete subtree's hash, 64 bytes per leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// Makes an empty tree.
    #[must_use]
    pub fn new() -> Tree {
        Tree::default()
    }

    /// Appends a leaf by its hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut carry = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(carry);
            if !row.len().is_multiple_of(2) {
                return;
            }
            carry = node_hash(&row[row.len() - 2], &carry);
        }
    }

    /// Gives the number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |row| row.len() as u64)
    }

    /// Computes the root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        root_at(self, self.size()).expect("a tree holds its own subtrees")
    }

    /// Proves that leaf `index` is in the tree of the first `size` leaves.
    ///
    /// # Errors
    /// [`Misuse::OutOfTree`] unless `index < size <= self.size()`.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Proof, Error> {
        self.holds(size)?;
        inclusion_proof(self, index, size)
    }

    /// Proves that the tree of the first `new` leaves extends that of the first `old`.
    ///
    /// # Errors
    /// [`Misuse::OutOfTree`] unless `old <= new <= self.size()`.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Proof, Error> {
        self.holds(new)?;
        consistency_proof(self, old, new)
    }

    fn holds(&self, size: u64) -> Result<(), Misuse> {
        if size > self.size() {
            return Err(Misuse::OutOfTree { index: size, size: self.size() });
        }
        Ok(())
    }
}

impl HashReader for Tree {
    fn subtree(&self, level: u8, index: u64) -> Result<Hash, Error> {
        let row = self.levels.get(usize::from(level));
        let hash = row.and_then(|row| row.get(usize::try_from(index).ok()?));
        hash.copied().ok_or_else(|| Unavailable::Subtree { level, index }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;

    /// MTH of RFC 6962 section 2.1, word for word: slow and obviously right.
    fn oracle(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => EMPTY_ROOT,
            1 => leaves[0],
            n => {
                let k = (1..n).rev().find(|k| k.is_power_of_two()).unwrap();
                node_hash(&oracle(&leaves[..k]), &oracle(&leaves[k..]))
            }
        }
    }

    #[test]
    fn roots_at_every_size_equal_the_definition() {
        let leaves: Vec<Hash> = (0u32..300).map(|i| leaf_hash(&i.to_be_bytes())).collect();
        let mut tree = Tree::new();
        assert_eq!(tree.root(), EMPTY_ROOT);
        for leaf in &leaves {
            tree.append(*leaf);
        }
        for n in 0..=leaves.len() {
            assert_eq!(root_at(&tree, n as u64).unwrap(), oracle(&leaves[..n]), "size {n}");
        }
    }

    #[test]
    fn a_proof_outside_the_tree_is_refused() {
        let mut tree = Tree::new();
        tree.append(leaf_hash(b"a"));
        assert_eq!(tree.inclusion_proof(1, 1), Err(Misuse::OutOfTree { index: 1, size: 1 }.into()));
        assert_eq!(tree.inclusion_proof(0, 2), Err(Misuse::OutOfTree { index: 2, size: 1 }.into()));
        assert_eq!(tree.consistency_proof(1, 0), Err(Misuse::OutOfTree { index: 1, size: 0 }.into()));
        assert_eq!(tree.inclusion_proof(0, 0), Err(Misuse::OutOfTree { index: 0, size: 0 }.into()));
        assert!(matches!(root_at(&tree, u64::MAX), Err(Error::Refused(_))));
    }
}
