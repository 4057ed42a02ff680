//! Roots, proofs, tiles, their paths and checkpoints against two independent implementations: `ct-merkle` and `tlog_tiles`.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use proptest::prelude::*;
use sha2::Sha256;
use tlog::{
    Checkpoint, Frontier, Hash, LogReader, LogWriter, MemStore, NoteSigner, Proof, TileId, TileKind, Tree, leaf_hash,
    root_at,
};
use tlog_tiles::checkpoint::Checkpoint as TheirCheckpoint;
use tlog_tiles::tile::Tile;
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

    /// A partial tile is the beginning of every wider one, so that either may be served.
    #[test]
    fn partial_tiles_are_the_beginnings_of_wider_ones(size in 2u64..70_000, less in 1u64..600) {
        let small = size.saturating_sub(less).max(1);
        let (whole, part) = (tiles(size), tiles(small));
        for (id, bytes) in &part {
            let width = tlog::width_at(size, id.kind, id.index).unwrap();
            let wider = &whole.iter().find(|(other, _)| *other == id.with_width(width)).unwrap().1;
            prop_assert!(wider.starts_with(bytes), "{}", id.path());
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

/// `tlog_tiles` calls the bundles `data`, as the Go checksum database did, and writes the tile height.
fn their_path(id: TileId) -> String {
    let path = id.path();
    match id.kind {
        TileKind::Entries => path.replacen("tile/entries/", "tile/8/data/", 1),
        TileKind::Hashes { .. } => path.replacen("tile/", "tile/8/", 1),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Paths are written alike and read alike, whole and partial.
    #[test]
    fn tile_paths_agree(level in prop::option::of(0u8..8), index in 0u64..1 << 40, width in 1u32..=256) {
        let kind = level.map_or(TileKind::Entries, |level| TileKind::Hashes { level });
        let id = TileId { kind, index, width };
        let theirs = Tile::new(8, level.unwrap_or(0), index, width, level.is_none());
        prop_assert_eq!(their_path(id), theirs.path());
        prop_assert_eq!(Tile::from_path(&their_path(id)).unwrap(), theirs);
        prop_assert_eq!(TileId::parse(&id.path()), Some(id));
    }

    /// Whatever path one reads, the other reads as the same. (Of widths 0 and above 256 the other panics.)
    #[test]
    fn no_path_is_read_by_one_alone(
        path in "tile/(0|1|7|00|63)/(x?[0-9]{1,4}/){0,2}[0-9]{1,4}(\\.p/(0?[1-9]|[1-9][0-9]|1[0-9][0-9]|25[0-5])?)?",
    ) {
        let theirs = Tile::from_path(&path.replacen("tile/", "tile/8/", 1)).ok();
        let ours = TileId::parse(&path);
        prop_assert_eq!(ours.map(their_path), theirs.map(|tile| tile.path()), "{}", path);
    }

    /// Checkpoints are read alike and written alike; what one refuses, so does the other.
    #[test]
    fn checkpoints_agree(
        origin in "[a-z./ -]{1,40}", size in 1u64..1 << 62, root in any::<[u8; 32]>(), at in any::<prop::sample::Index>(),
        with in prop::sample::select(vec![b'\n', b'0', b'=', b'x', b'-', b' ']), extension in prop::option::of("[a-z ]{1,9}"),
    ) {
        let checkpoint = Checkpoint { origin: origin.clone(), size, root: Hash(root) };
        let theirs = TheirCheckpoint::from_bytes(checkpoint.to_text().as_bytes()).unwrap();
        prop_assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), (origin.as_str(), size, root));
        prop_assert_eq!(theirs.to_bytes(), checkpoint.to_text().into_bytes());
        let extended = checkpoint.to_text() + &extension.map_or_else(String::new, |line| line + "\n");
        let mut bytes = extended.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = with;
        let text = String::from_utf8(bytes).unwrap();
        let both = (Checkpoint::parse(&text).ok(), TheirCheckpoint::from_bytes(text.as_bytes()).ok());
        match both {
            (Some(ours), Some(theirs)) => {
                prop_assert_eq!((ours.origin.as_str(), ours.size, ours.root.0), (theirs.origin(), theirs.size(), theirs.hash().0));
            }
            (None, Some(_)) | (Some(_), None) => prop_assert!(false, "read by one alone: {:?}", text),
            (None, None) => {}
        }
    }

    /// Every bundle, whole and partial, cut at every entry as the standard says: a length of two bytes, then the entry.
    #[test]
    fn bundles_are_length_prefixed_entries_whose_hashes_are_the_tile(size in 1u64..700) {
        let t = build(size);
        for id in tlog::tiles_between(0, size).into_iter().filter(|id| id.kind == TileKind::Entries) {
            let (mut rest, mut hashes) = (&t.store.files[&id.path()][..], Vec::new());
            while !rest.is_empty() {
                let len = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                hashes.extend(go::record_hash(&rest[2..2 + len]).0);
                rest = &rest[2 + len..];
            }
            prop_assert_eq!(&hashes, &t.store.files[&tlog::tile_path(0, id.index, id.width)]);
        }
    }
}

/// Hash tiles of a tree of this size, by the other implementation's counting of which there are.
fn tiles(size: u64) -> Vec<(TileId, Vec<u8>)> {
    let (mut writer, mut store) = (LogWriter::new(), MemStore::default());
    (0..size).for_each(|i| assert_eq!(writer.append(&i.to_be_bytes()), Ok(i)));
    writer.flush(&mut store).unwrap();
    let ids = Tile::new_tiles(8, 0, size).into_iter().map(|tile| {
        let kind = TileKind::Hashes { level: tile.level() };
        TileId { kind, index: tile.level_index(), width: tile.width() }
    });
    ids.map(|id| (id, store.files[&id.path()].clone())).collect()
}

/// A line by an ML-DSA-44 cosigner (type 0x06) is kept byte for byte, and neither counts nor disturbs.
#[test]
fn a_post_quantum_cosignature_is_carried_and_ignored() {
    let log = NoteSigner::new("log.example", &[1; 32]).unwrap();
    let witness = NoteSigner::cosigner("witness.example/w1", &[2; 32]).unwrap();
    let pq = tlog::VerifierKey::new("witness.example/pq", tlog::Algorithm::from_byte(6), &[5; 1312]).unwrap();
    assert_eq!(pq.to_string().parse::<tlog::VerifierKey>().unwrap(), pq, "the key carries its algorithm");
    let checkpoint = Checkpoint { origin: "log.example".into(), size: 7, root: Hash([3; 32]) };
    let mut note = tlog::sign_checkpoint(&checkpoint, &log).unwrap();
    let signature = [&pq.id().0[..], &1_700_000_000u64.to_be_bytes(), &[9; 2420]].concat();
    for n in 0..14 {
        let line = format!("\u{2014} witness.example/pq{n} {}", base64_of(&signature));
        note.add(tlog::SignatureLine::from_text(&line).unwrap()).unwrap();
    }
    note.add(tlog::cosign(note.text(), 1_700_000_000, &witness).unwrap()).unwrap();
    let bytes = note.to_bytes();
    let keys = [pq, witness.verifier().clone()];
    let opened = tlog::open_checkpoint(&bytes, "log.example", log.verifier()).unwrap();
    assert_eq!(opened.note().to_bytes(), bytes);
    let counted = tlog::cosignatures(opened.note(), &keys).unwrap();
    assert_eq!(counted.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["witness.example/w1"]);
    assert_eq!(note.signatures().len(), 16);
}

fn base64_of(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let c = if i > chunk.len() { b'=' } else { ALPHABET[(n >> (18 - 6 * i) & 63) as usize] };
            out.push(char::from(c));
        }
    }
    out
}
