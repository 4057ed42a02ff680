//! A log as hashes, computed apart from `tlog` (RFC 9162 section 2.1), to hold signatures against.
use sha2::{Digest, Sha256};

/// A hash.
pub type Hash = [u8; 32];

/// The hashes of a log's entries, and its root at every size.
#[derive(Debug, Clone)]
pub struct Log {
    /// Of each entry.
    pub leaves: Vec<Hash>,
    /// At each size, from 0.
    pub roots: Vec<Hash>,
    /// Roots of the full subtrees of the right edge, largest first, each with its height.
    edge: Vec<(u32, Hash)>,
}

impl Default for Log {
    fn default() -> Self {
        Self { leaves: Vec::new(), roots: vec![Sha256::digest(b"").into()], edge: Vec::new() }
    }
}

/// Hash of an entry.
pub fn leaf(bytes: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(bytes).finalize().into()
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

impl Log {
    /// Entries.
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Appends an entry's hash.
    pub fn push(&mut self, hash: Hash) {
        self.leaves.push(hash);
        let mut node = (0, hash);
        while let Some((height, left)) = self.edge.last().copied().filter(|(height, _)| *height == node.0) {
            node = (height + 1, parent(&left, &node.1));
            self.edge.pop();
        }
        self.edge.push(node);
        let mut subtrees = self.edge.iter().rev().map(|(_, hash)| *hash);
        let smallest = subtrees.next().unwrap_or(hash);
        self.roots.push(subtrees.fold(smallest, |right, left| parent(&left, &right)));
    }

    /// Forgets what is beyond a size.
    pub fn cut(&mut self, size: u64) {
        let kept: Vec<Hash> = self.leaves.iter().take(size as usize).copied().collect();
        *self = Self::default();
        kept.into_iter().for_each(|hash| self.push(hash));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_those_of_the_tree_that_ships() {
        let (mut log, mut frontier) = (Log::default(), tlog::Frontier::new());
        for i in 0..300u32 {
            assert_eq!(log.roots[i as usize], frontier.root().0);
            log.push(leaf(&i.to_be_bytes()));
            frontier.append(tlog::leaf_hash(&i.to_be_bytes()));
        }
        log.cut(77);
        assert_eq!((log.size(), log.roots.len()), (77, 78));
    }
}
