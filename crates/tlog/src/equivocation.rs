//! Equivocation: two signed statements of one log that cannot both be true.

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::Verified;
use crate::proof::{Proof, consistency_root};

/// Proof that one key signed two checkpoints of one log that contradict each other.
///
/// Anyone can check it from the two notes and the signer's public key; it needs no witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    a: Verified<Checkpoint>,
    b: Verified<Checkpoint>,
    fork: Option<Fork>,
}

/// For two sizes: what the newer tree really has where the older checkpoint says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The newer tree's own root at the older size.
    pub root: Hash,
    /// Consistency proof from that root to the newer root.
    pub proof: Proof,
}

impl Equivocation {
    /// Finds the contradiction of two checkpoints of one log, one key and one size with different roots.
    #[must_use]
    pub fn same_size(a: &Verified<Checkpoint>, b: &Verified<Checkpoint>) -> Option<Equivocation> {
        let contradict = same_signer(a, b) && a.size == b.size && a.root != b.root;
        contradict.then(|| Equivocation { a: a.clone(), b: b.clone(), fork: None })
    }

    /// Finds the contradiction of two checkpoints of different sizes: the newer tree is proven to have, at the older
    /// size, another root than the older checkpoint says.
    ///
    /// A consistency proof that merely fails proves nothing against the signer, since anyone can make one. This proof
    /// succeeds, towards the wrong root.
    #[must_use]
    pub fn forked(older: &Verified<Checkpoint>, newer: &Verified<Checkpoint>, fork: Fork) -> Option<Equivocation> {
        let leads = consistency_root(older.size, newer.size, &fork.root, &fork.proof) == Some(newer.root);
        let contradict = same_signer(older, newer) && leads && fork.root != older.root;
        contradict.then(|| Equivocation { a: older.clone(), b: newer.clone(), fork: Some(fork) })
    }

    /// Gives the first checkpoint; the older one if the sizes differ.
    #[must_use]
    pub fn a(&self) -> &Verified<Checkpoint> {
        &self.a
    }

    /// Gives the second checkpoint.
    #[must_use]
    pub fn b(&self) -> &Verified<Checkpoint> {
        &self.b
    }

    /// Gives the proof that joins checkpoints of different sizes.
    #[must_use]
    pub fn fork(&self) -> Option<&Fork> {
        self.fork.as_ref()
    }
}

fn same_signer(a: &Verified<Checkpoint>, b: &Verified<Checkpoint>) -> bool {
    a.origin == b.origin && a.signed_by().iter().any(|key| b.signed_by().contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{open_checkpoint, sign_checkpoint};
    use crate::hash::leaf_hash;
    use crate::key::NoteSigner;
    use crate::tree::{Tree, root_at};

    fn tree(leaves: &[&str]) -> Tree {
        let mut tree = Tree::new();
        leaves.iter().for_each(|leaf| tree.append(leaf_hash(leaf.as_bytes())));
        tree
    }

    fn checkpoint(origin: &str, seed: u8, size: u64, root: Hash) -> Verified<Checkpoint> {
        let signer = NoteSigner::new("k", &[seed; 32]).unwrap();
        let note = sign_checkpoint(&Checkpoint { origin: origin.into(), size, root }, &signer).unwrap();
        open_checkpoint(&note.to_bytes(), origin, signer.verifier()).unwrap()
    }

    #[test]
    fn two_roots_of_one_size_are_a_contradiction_and_nothing_else_is() {
        let (one, two) = (Hash([1; 32]), Hash([2; 32]));
        let a = checkpoint("o", 1, 7, one);
        let check = |b: Verified<Checkpoint>| Equivocation::same_size(&a, &b).is_some();
        assert!(check(checkpoint("o", 1, 7, two)));
        assert!(!check(checkpoint("o", 1, 7, one)), "the same statement twice");
        assert!(!check(checkpoint("o", 1, 8, two)), "another size");
        assert!(!check(checkpoint("p", 1, 7, two)), "another log");
        assert!(!check(checkpoint("o", 2, 7, two)), "another key");
    }

    #[test]
    fn a_newer_tree_with_another_past_is_a_contradiction() {
        let told = tree(&["a", "b", "c"]);
        let other = tree(&["a", "X", "c", "d", "e"]);
        let older = checkpoint("o", 1, 3, told.root());
        let newer = checkpoint("o", 1, 5, other.root());
        let fork = Fork { root: root_at(&other, 3).unwrap(), proof: other.consistency_proof(3, 5).unwrap() };
        let found = Equivocation::forked(&older, &newer, fork.clone()).unwrap();
        assert_eq!((found.a().size, found.b().size, found.fork()), (3, 5, Some(&fork)));
        let false_proof = Fork { root: told.root(), ..fork.clone() };
        assert!(Equivocation::forked(&older, &newer, false_proof).is_none());
        assert!(Equivocation::forked(&newer, &older, fork).is_none());
    }

    #[test]
    fn an_honest_log_cannot_be_accused() {
        let honest = tree(&["a", "b", "c", "d", "e"]);
        let older = checkpoint("o", 1, 3, root_at(&honest, 3).unwrap());
        let newer = checkpoint("o", 1, 5, honest.root());
        let proof = honest.consistency_proof(3, 5).unwrap();
        for root in [older.root, Hash([3; 32])] {
            assert!(Equivocation::forked(&older, &newer, Fork { root, proof: proof.clone() }).is_none());
        }
    }
}
