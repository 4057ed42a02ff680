//! The compact range of a growing tree: enough to append and to know the root, in at most 64 hashes.

use alloc::vec::Vec;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::error::Error;
use crate::hash::{Hash, node_hash};
use crate::tree::{HashReader, TREE_SIZE_MAX, fold_right};

/// The right edge of a growing tree: its size and the hashes of its complete subtrees, largest first.
///
/// Invariant: there is one hash per set bit of `size`. Two frontiers are equal exactly if their trees are.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

impl Frontier {
    /// Makes the frontier of the empty tree.
    #[must_use]
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// Reads the frontier of the first `size` leaves of a stored tree.
    ///
    /// # Errors
    /// What the reader gives.
    pub fn from_reader<R: HashReader + ?Sized>(reader: &R, size: u64) -> Result<Frontier, Error> {
        let mut edge = Vec::new();
        let mut at = 0;
        for level in (0..64u8).rev() {
            if size >> level & 1 == 1 {
                edge.push(reader.subtree(level, at >> level)?);
                at += 1 << level;
            }
        }
        Ok(Frontier { size, edge })
    }

    /// Appends a leaf by its hash.
    ///
    /// # Panics
    /// At [`TREE_SIZE_MAX`] leaves, which at a million a second is 292,000 years away.
    pub fn append(&mut self, leaf: Hash) {
        assert!(self.size < TREE_SIZE_MAX, "a tree cannot outgrow TREE_SIZE_MAX");
        let mut carry = leaf;
        // Each trailing one bit of the size is a complete subtree that the new leaf completes once more.
        for _ in 0..self.size.trailing_ones() {
            let left = self.edge.pop().expect("one hash per set bit");
            carry = node_hash(&left, &carry);
        }
        self.edge.push(carry);
        self.size += 1;
        assert_eq!(self.edge.len(), self.size.count_ones() as usize);
    }

    /// Gives the number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Computes the root over all leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_right(&self.edge)
    }

    /// Gives the hashes of the complete subtrees, largest first.
    #[must_use]
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }
}

/// As `[size, [hash...]]`.
impl<C> Encode<C> for Frontier {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, c: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.array(2)?.u64(self.size)?.array(self.edge.len() as u64)?;
        for hash in &self.edge {
            hash.encode(e, c)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Frontier {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        if d.array()? != Some(2) {
            return Err(decode::Error::message("a frontier is [size, edge]").at(at));
        }
        let size = d.u64()?;
        if size > TREE_SIZE_MAX || d.array()? != Some(u64::from(size.count_ones())) {
            return Err(decode::Error::message("a frontier has one hash per set bit of its size").at(at));
        }
        let mut edge = Vec::new();
        for _ in 0..size.count_ones() {
            edge.push(Hash::decode(d, c)?);
        }
        Ok(Frontier { size, edge })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{EMPTY_ROOT, leaf_hash};
    use crate::tree::Tree;

    #[test]
    fn grows_as_the_whole_tree_does() {
        let (mut frontier, mut tree) = (Frontier::new(), Tree::new());
        assert_eq!(frontier.root(), EMPTY_ROOT);
        for i in 0u64..1100 {
            frontier.append(leaf_hash(&i.to_be_bytes()));
            tree.append(leaf_hash(&i.to_be_bytes()));
            assert_eq!((frontier.size(), frontier.root()), (tree.size(), tree.root()));
        }
        assert_eq!(Frontier::from_reader(&tree, 1100).unwrap(), frontier);
        assert_eq!(Frontier::from_reader(&tree, 0).unwrap(), Frontier::new());
    }

    #[test]
    fn comes_back_from_cbor_and_grows_on() {
        let mut frontier = Frontier::new();
        for i in 0u64..77 {
            let bytes = minicbor::to_vec(&frontier).unwrap();
            let back: Frontier = minicbor::decode(&bytes).unwrap();
            assert_eq!(back, frontier);
            frontier = back;
            frontier.append(leaf_hash(&i.to_be_bytes()));
        }
    }

    #[test]
    fn cbor_that_is_no_frontier_is_refused() {
        let hash = [&[0x58, 0x20][..], &[7; 32]].concat();
        let too_few = [&[0x82, 0x03, 0x81][..], &hash].concat();
        let too_large = [&[0x82, 0x1b][..], &[0xff; 8], &[0x98, 64], &hash.repeat(64)].concat();
        let cut = [&[0x82, 0x01, 0x81][..], &hash[..20]].concat();
        for bad in [&too_few[..], &too_large, &cut, &[0x80], &[0x82, 0, 0x9f, 0xff], &[]] {
            assert!(minicbor::decode::<Frontier>(bad).is_err(), "{bad:x?}");
        }
    }
}
