//! The last sizes that were signed, with their roots.
use alloc::collections::BTreeMap;
use minicbor::{Decode, Encode};
use tlog::Hash;

/// Sizes remembered: at 10 checkpoints a second, 102 s of one session. Nothing is signed without a session, so the
/// newest checkpoint that a peer holds is always among them.
pub const RING_MAX: usize = 1024;

/// Newest sizes of one log, each with the root signed for it.
///
/// Invariant: at most [`RING_MAX`], and only smaller sizes than those kept were ever dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Ring {
    #[n(0)]
    roots: BTreeMap<u64, Hash>,
}

/// What the ring knows of a size and a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// This very pair.
    Same,
    /// The size with another root.
    OtherRoot,
    /// A size above all.
    Above,
    /// A size that was passed over between two that are known.
    Skipped,
    /// A size below all that are remembered; nothing is known.
    Forgotten,
}

impl Ring {
    pub(crate) fn newest(&self) -> Option<(u64, Hash)> {
        self.roots.last_key_value().map(|(size, root)| (*size, *root))
    }

    /// The newest size at or below `upto`.
    pub(crate) fn upto(&self, upto: u64) -> Option<(u64, Hash)> {
        self.roots.range(..=upto).next_back().map(|(size, root)| (*size, *root))
    }

    pub(crate) fn root(&self, size: u64) -> Option<Hash> {
        self.roots.get(&size).copied()
    }

    pub(crate) fn know(&self, size: u64, root: &Hash) -> Known {
        match (self.roots.get(&size), self.roots.first_key_value(), self.roots.last_key_value()) {
            (Some(known), ..) if known == root => Known::Same,
            (Some(_), ..) => Known::OtherRoot,
            (_, _, None) => Known::Above,
            (_, _, Some((newest, _))) if size > *newest => Known::Above,
            // Nothing was dropped yet, so what is below the first was never signed either.
            (_, Some((oldest, _)), _) if size > *oldest || self.roots.len() < RING_MAX => Known::Skipped,
            _ => Known::Forgotten,
        }
    }

    /// Remembers a size at or above all known ones.
    pub(crate) fn push(&mut self, size: u64, root: Hash) {
        assert!(self.newest().is_none_or(|(newest, known)| size > newest || (size == newest && root == known)));
        self.roots.insert(size, root);
        if self.roots.len() > RING_MAX {
            self.roots.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_last_sizes_and_says_what_it_forgot() {
        let mut ring = Ring::default();
        let check = |ring: &Ring, size, root, expect| assert_eq!(ring.know(size, &Hash([root; 32])), expect, "{size}");
        check(&ring, 0, 0, Known::Above);
        for size in (10..).step_by(2).take(RING_MAX) {
            ring.push(size, Hash([1; 32]));
        }
        check(&ring, 10, 1, Known::Same);
        check(&ring, 10, 2, Known::OtherRoot);
        check(&ring, 11, 1, Known::Skipped);
        ring.push(9000, Hash([1; 32]));
        ring.push(9000, Hash([1; 32]));
        assert_eq!(ring.roots.len(), RING_MAX);
        check(&ring, 10, 1, Known::Forgotten);
        check(&ring, 9001, 1, Known::Above);
        check(&ring, 8999, 1, Known::Skipped);
    }

    #[test]
    fn a_young_ring_has_forgotten_nothing() {
        let mut ring = Ring::default();
        ring.push(10, Hash([1; 32]));
        assert_eq!(ring.know(5, &Hash([1; 32])), Known::Skipped);
    }
}
