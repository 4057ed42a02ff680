//! Roots, proofs and tiles against two independent implementations: `ct-merkle` and `tlog_tiles`.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use proptest::prelude::*;
use sha2::Sha256;
use tlog::{Frontier, Hash, LogReader, LogWriter, MemStore, Proof, Tree, leaf_hash, root_at};
use tlog_tiles::tlog as go;

fn entry(i: u64) -> Vec<u8> {
    format!("entry {i}").into_bytes()
}

/// Hashes as `tlog_tiles` stores them.
#[derive(Default)]
struct Stored(Vec<go::Hash>);

impl go::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<go::Hash>, go::Error> {
        Ok(indexes.iter().map(|i| self.0[*i as usize]).collect())
    }
}

struct Both {
    ours: Tree,
    store: MemStore,
    ct: MemoryBackedTree<Sha256, Vec<u8>>,
    go: Stored,
    size: u64,
}

fn build(size: u64) -> Both {
    let (mut ours, mut frontier, mut writer, mut store) =
        (Tree::new(), Frontier::new(), LogWriter::new(), MemStore::default());
    let (mut ct, mut stored) = (MemoryBackedTree::new(), Stored::default());
    for i in 0..size {
        ours.append(leaf_hash(&entry(i)));
        frontier.append(leaf_hash(&entry(i)));
        writer.append(&entry(i)).unwrap();
        ct.push(entry(i));
        let new = go::stored_hashes(i, &entry(i), &stored).unwrap();
        stored.0.extend(new);
    }
    writer.flush(&mut store).unwrap();
    let root = ours.root();
    assert_eq!((frontier.root(), writer.root()), (root, root));
    assert_eq!(ct.root().as_bytes()[..], root.0);
    assert_eq!(go::tree_hash(size, &stored).unwrap().0, root.0);
    Both { ours, store, ct, go: stored, size }
}

fn bytes(proof: &Proof) -> Vec<u8> {
    proof.0.iter().flat_map(|hash| hash.0).collect()
}

fn go_proof(proof: &Proof) -> Vec<go::Hash> {
    proof.0.iter().map(|hash| go::Hash(hash.0)).collect()
}

fn check_inclusion(t: &Both, index: u64, size: u64) {
    let proof = t.ours.inclusion_proof(index, size).unwrap();
    let root = root_at(&t.ours, size).unwrap();
    let theirs = go::prove_record(size, index, &t.go).unwrap();
    assert_eq!(theirs, go_proof(&proof));
    go::check_record(&theirs, size, go::Hash(root.0), index, go::Hash(leaf_hash(&entry(index)).0)).unwrap();
    assert_eq!(tlog::verify_inclusion(&leaf_hash(&entry(index)), index, size, &proof, &root), Ok(()));
    let ct_root = RootHash::<Sha256>::new(root.0.into(), size);
    let ct_proof = InclusionProof::<Sha256>::try_from_bytes(bytes(&proof)).unwrap();
    ct_root.verify_inclusion(&entry(index), index, &ct_proof).unwrap();
    if size == t.size {
        assert_eq!(t.ct.prove_inclusion(index as usize).as_bytes(), bytes(&proof));
    }
    assert_eq!(LogReader::new(&t.store, t.size).inclusion_proof(index, size), Ok(proof));
}

fn check_consistency(t: &Both, old: u64, new: u64) {
    let proof = t.ours.consistency_proof(old, new).unwrap();
    let (a, b) = (root_at(&t.ours, old).unwrap(), root_at(&t.ours, new).unwrap());
    let theirs = go::prove_tree(new, old, &t.go).unwrap();
    assert_eq!(theirs, go_proof(&proof));
    go::check_tree(&theirs, new, go::Hash(b.0), old, go::Hash(a.0)).unwrap();
    assert_eq!(tlog::verify_consistency(old, new, &a, &b, &proof), Ok(()));
    let (ct_a, ct_b) = (RootHash::<Sha256>::new(a.0.into(), old), RootHash::<Sha256>::new(b.0.into(), new));
    let ct_proof = ConsistencyProof::<Sha256>::try_from_bytes(bytes(&proof)).unwrap();
    ct_b.verify_consistency(&ct_a, &ct_proof).unwrap();
    if new == t.size {
        assert_eq!(t.ct.prove_consistency((new - old) as usize).as_bytes(), bytes(&proof));
    }
    assert_eq!(LogReader::new(&t.store, t.size).consistency_proof(old, new), Ok(proof));
}

#[test]
fn every_pair_of_a_small_tree_agrees() {
    let t = build(67);
    for size in 1..=67 {
        (0..size).for_each(|index| check_inclusion(&t, index, size));
        (1..=size).for_each(|old| check_consistency(&t, old, size));
    }
}

#[test]
fn tiles_hold_what_the_other_implementation_puts_in_them() {
    let t = build(66_000);
    for tile in tlog_tiles::tile::Tile::new_tiles(8, 0, t.size) {
        let path = tlog::tile_path(tile.level(), tile.level_index(), tile.width());
        assert_eq!(path.replacen("tile/", "tile/8/", 1), tile.path());
        assert_eq!(t.store.files[&path], tile.read_data(&t.go).unwrap(), "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_of_any_size_to_some_thousands_agree(
        size in 1u64..4500,
        picks in proptest::collection::vec((any::<u64>(), any::<u64>()), 40),
    ) {
        let t = build(size);
        check_inclusion(&t, size - 1, size);
        for (a, b) in picks {
            let new = 1 + a % size;
            check_inclusion(&t, b % new, new);
            check_consistency(&t, 1 + b % new, new);
            check_consistency(&t, 1 + b % size, size);
        }
    }

    /// No proof of a random shape verifies with a wrong root, and none panics.
    #[test]
    fn random_proofs_never_verify(
        index in any::<u64>(), size in any::<u64>(), hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let proof = Proof(hashes.into_iter().map(Hash).collect());
        let (leaf, root) = (Hash([1; 32]), Hash([2; 32]));
        prop_assert!(tlog::verify_inclusion(&leaf, index, size, &proof, &root).is_err());
        prop_assert!(tlog::verify_consistency(index, size, &leaf, &root, &proof).is_err());
    }
}
