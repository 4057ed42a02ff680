//! Checking proofs: inclusion and consistency (RFC 9162 sections 2.1.3.2 and 2.1.4.2).

use alloc::vec::Vec;

use crate::error::{Error, PeerMisbehaved};
use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::tree::TREE_SIZE_MAX;

/// The hashes of a proof, from the leaf's side up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof(
    /// At most [`PROOF_HASHES_MAX`] hashes in a proof that can verify.
    pub Vec<Hash>,
);

/// Checks that the entry with this leaf hash stands at `index` in the tree of `size` leaves with this root.
///
/// # Errors
/// [`PeerMisbehaved::Inclusion`] if it does not, or if `index` is not below `size`.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &Proof, root: &Hash) -> Result<(), Error> {
    match inclusion_root(leaf, index, size, proof) {
        Some(found) if found == *root => Ok(()),
        _ => Err(PeerMisbehaved::Inclusion { index, size }.into()),
    }
}

/// Computes the root that a leaf, its index and a proof lead to; none if the proof has not the shape for that index.
#[must_use]
pub fn inclusion_root(leaf: &Hash, index: u64, size: u64, proof: &Proof) -> Option<Hash> {
    if index >= size || size > TREE_SIZE_MAX {
        return None;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut acc = *leaf;
    for sibling in &proof.0 {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            acc = node_hash(sibling, &acc);
            // A node without right sibling moves up unhashed.
            let skip = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            at >>= skip;
            last >>= skip;
        } else {
            acc = node_hash(&acc, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(acc)
}

/// Checks that the tree of `new` leaves extends the tree of `old` leaves without changing one of them.
///
/// # Errors
/// [`PeerMisbehaved::Consistency`] if that is not proven, or if `old > new`.
pub fn verify_consistency(old: u64, new: u64, old_root: &Hash, new_root: &Hash, proof: &Proof) -> Result<(), Error> {
    let proven = match old {
        // Every tree extends the empty one; nothing is hashed.
        0 => *old_root == EMPTY_ROOT && proof.0.is_empty() && (new != 0 || *new_root == EMPTY_ROOT),
        _ if old == new => proof.0.is_empty() && old_root == new_root,
        _ => consistency_roots(old, new, old_root, proof) == Some((*old_root, *new_root)),
    };
    if !proven || new > TREE_SIZE_MAX {
        return Err(PeerMisbehaved::Consistency { old, new }.into());
    }
    Ok(())
}

/// Computes the newer root that an older root and a proof lead to; none if the proof does not lead to the older root.
#[must_use]
pub fn consistency_root(old: u64, new: u64, old_root: &Hash, proof: &Proof) -> Option<Hash> {
    let (found_old, found_new) = consistency_roots(old, new, old_root, proof)?;
    (found_old == *old_root).then_some(found_new)
}

/// Both roots that a proof leads to, for `0 < old < new`.
fn consistency_roots(old: u64, new: u64, old_root: &Hash, proof: &Proof) -> Option<(Hash, Hash)> {
    if old == 0 || old >= new || new > TREE_SIZE_MAX {
        return None;
    }
    let mut path = proof.0.iter();
    // A whole old tree is itself the first node of the path.
    let first = if old.is_power_of_two() { *old_root } else { *path.next()? };
    let skip = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> skip, (new - 1) >> skip);
    let (mut old_acc, mut new_acc) = (first, first);
    for hash in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            old_acc = node_hash(hash, &old_acc);
            new_acc = node_hash(hash, &new_acc);
            let skip = if at & 1 == 1 { 0 } else { at.trailing_zeros() };
            at >>= skip;
            last >>= skip;
        } else {
            new_acc = node_hash(&new_acc, hash);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old_acc, new_acc))
}

/// Longest proof: one hash per level of a tree of [`TREE_SIZE_MAX`] leaves, and one more for a consistency proof.
pub const PROOF_HASHES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::tree::{Tree, root_at};

    fn tree(n: u32) -> Tree {
        let mut tree = Tree::new();
        for i in 0..n {
            tree.append(leaf_hash(&i.to_be_bytes()));
        }
        tree
    }

    fn leaf(i: u64) -> Hash {
        leaf_hash(&(i as u32).to_be_bytes())
    }

    #[test]
    fn every_small_proof_verifies_and_no_other_index_does() {
        let tree = tree(70);
        for size in 1..=70 {
            let root = root_at(&tree, size).unwrap();
            for index in 0..size {
                let proof = tree.inclusion_proof(index, size).unwrap();
                assert_eq!(verify_inclusion(&leaf(index), index, size, &proof, &root), Ok(()));
                for other in (0..size + 2).filter(|i| *i != index) {
                    assert!(verify_inclusion(&leaf(index), other, size, &proof, &root).is_err());
                }
                assert!(verify_inclusion(&leaf(index + 1), index, size, &proof, &root).is_err());
            }
            for old in 0..=size {
                let proof = tree.consistency_proof(old, size).unwrap();
                let old_root = root_at(&tree, old).unwrap();
                assert_eq!(verify_consistency(old, size, &old_root, &root, &proof), Ok(()));
            }
        }
    }

    #[test]
    fn a_longer_shorter_or_changed_proof_is_refused() {
        let tree = tree(53);
        let root = tree.root();
        let check = |proof: &Proof, what: &str| {
            assert!(verify_inclusion(&leaf(20), 20, 53, proof, &root).is_err(), "inclusion, {what}");
            let old = root_at(&tree, 20).unwrap();
            assert!(verify_consistency(20, 53, &old, &root, proof).is_err(), "consistency, {what}");
        };
        for good in [tree.inclusion_proof(20, 53).unwrap(), tree.consistency_proof(20, 53).unwrap()] {
            for i in 0..good.0.len() {
                let mut bad = good.clone();
                bad.0[i].0[31] ^= 1;
                check(&bad, "changed");
                let mut bad = good.clone();
                bad.0.remove(i);
                check(&bad, "shortened");
                let mut bad = good.clone();
                bad.0.insert(i, EMPTY_ROOT);
                check(&bad, "lengthened");
            }
        }
        check(&Proof(alloc::vec![EMPTY_ROOT; 100]), "a hundred hashes");
        check(&Proof::default(), "empty");
    }

    #[test]
    fn consistency_at_the_edges_is_what_the_standard_says() {
        let none = Proof::default();
        let some = Proof(alloc::vec![EMPTY_ROOT]);
        let root = tree(3).root();
        let check = |old, new, old_root: &Hash, new_root: &Hash, proof: &Proof, good: bool| {
            assert_eq!(verify_consistency(old, new, old_root, new_root, proof).is_ok(), good, "{old} {new}");
        };
        check(0, 0, &EMPTY_ROOT, &EMPTY_ROOT, &none, true);
        check(0, 3, &EMPTY_ROOT, &root, &none, true);
        check(3, 3, &root, &root, &none, true);
        check(0, 3, &root, &root, &none, false);
        check(0, 0, &EMPTY_ROOT, &root, &none, false);
        check(3, 3, &root, &EMPTY_ROOT, &none, false);
        check(3, 3, &root, &root, &some, false);
        check(0, 3, &EMPTY_ROOT, &root, &some, false);
        check(4, 3, &root, &root, &none, false);
        check(1, u64::MAX, &root, &root, &some, false);
    }
}
