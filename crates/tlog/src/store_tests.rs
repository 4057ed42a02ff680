//! Tests of a stored log: its files, reopening, proofs, and the first bad entry named.

use super::*;
use crate::error::Refused;
use crate::proof::{verify_consistency, verify_inclusion};
use crate::store::{MemStore, StoreError};
use crate::tiles::{bundle_path, decode_bundle, encode_bundle, tile_path, tiles_between};
use crate::tree::Tree;
use crate::writer::LogWriter;
use std::collections::BTreeSet;
use std::string::{String, ToString};

fn entry(i: u64) -> Vec<u8> {
    std::format!("entry {i}").into_bytes()
}

/// A log of `size` entries flushed after every `step`.
fn log(size: u64, step: u64) -> (MemStore, LogWriter) {
    let (mut store, mut writer) = (MemStore::default(), LogWriter::new());
    for i in 0..size {
        assert_eq!(writer.append(&entry(i)), Ok(i));
        if (i + 1) % step == 0 {
            writer.flush(&mut store).unwrap();
        }
    }
    writer.flush(&mut store).unwrap();
    (store, writer)
}

#[test]
fn the_store_holds_exactly_the_files_of_its_size() {
    for size in [0, 1, 255, 256, 257, 700, 1024, 66_000] {
        let (store, _) = log(size, 10_000_000);
        let expect: BTreeSet<String> = tiles_between(0, size).iter().map(|id| id.path()).collect();
        assert_eq!(store.files.keys().cloned().collect::<BTreeSet<_>>(), expect, "size {size}");
    }
}

#[test]
fn partial_files_are_removed_only_when_their_full_one_is_written() {
    let (store, _) = log(1000, 7);
    let full: BTreeSet<String> = tiles_between(0, 1000).iter().map(|id| id.path()).collect();
    let stale = |path: &&String| !full.contains(*path) && !path.starts_with("tile/entries/003.p/");
    let stale: Vec<&String> = store.files.keys().filter(stale).collect();
    assert!(
        stale.iter().all(|path| path.starts_with("tile/0/003.p/") || path.starts_with("tile/1/000.p/")),
        "{stale:?}"
    );
    // Each size that was flushed keeps the files its checkpoint needs: 1000 entries, the last bundle from 768 on.
    assert!(store.files.contains_key(&bundle_path(3, (994 - 768) as u32)));
}

#[test]
fn any_size_and_step_reads_back_and_proves_as_the_whole_tree_does() {
    for (size, step) in [(1, 1), (300, 1), (255, 3), (256, 256), (1000, 17), (66_000, 1009)] {
        let (store, writer) = log(size, step);
        let mut tree = Tree::new();
        (0..size).for_each(|i| tree.append(leaf_hash(&entry(i))));
        let reader = LogReader::new(&store, size);
        assert_eq!((writer.size(), writer.root(), reader.root_at(size)), (size, tree.root(), Ok(tree.root())));
        assert_eq!(reader.entries(0..size).unwrap(), (0..size).map(entry).collect::<Vec<_>>());
        assert_eq!(reader.audit(&tree.root()), Ok(None));
        for old in [0, 1, size / 3, size / 2, size - 1, size] {
            let proof = reader.consistency_proof(old, size).unwrap();
            let old_root = reader.root_at(old).unwrap();
            assert_eq!(verify_consistency(old, size, &old_root, &tree.root(), &proof), Ok(()));
            for index in [0, old / 2, old.saturating_sub(1)].into_iter().filter(|i| *i < old) {
                let proof = reader.inclusion_proof(index, old).unwrap();
                assert_eq!(Ok(proof.clone()), tree.inclusion_proof(index, old));
                assert_eq!(verify_inclusion(&leaf_hash(&entry(index)), index, old, &proof, &old_root), Ok(()));
                assert_eq!(reader.entry(index), Ok(entry(index)));
            }
        }
    }
}

#[test]
fn an_older_size_is_read_from_wider_files() {
    let (store, _) = log(70, 1000);
    let mut tree = Tree::new();
    (0..33).for_each(|i| tree.append(leaf_hash(&entry(i))));
    let reader = LogReader::new(&store, 33);
    assert_eq!((reader.root_at(33), reader.audit(&tree.root())), (Ok(tree.root()), Ok(None)));
    assert_eq!(reader.entries(30..33).unwrap(), [entry(30), entry(31), entry(32)]);
    assert!(matches!(reader.entries(30..34), Err(Error::Misuse(_))));
    assert!(matches!(reader.entry(u64::MAX), Err(Error::Misuse(_))));
}

#[test]
fn a_log_opened_again_grows_as_if_it_had_never_closed() {
    for size in [0, 1, 255, 256, 300, 512, 65_536, 66_000] {
        let (mut store, writer) = log(size, 100_000);
        let mut again = LogWriter::open(&store, size, &writer.root()).unwrap();
        assert_eq!(again.frontier(), writer.frontier());
        (size..size + 300).for_each(|i| assert_eq!(again.append(&entry(i)), Ok(i)));
        again.flush(&mut store).unwrap();
        let (expect, whole) = log(size + 300, 100_000);
        assert_eq!(again.root(), whole.root());
        let expect: Vec<_> = expect.files.iter().filter(|(path, _)| !path.contains(".p/")).collect();
        let found: Vec<_> = store.files.iter().filter(|(path, _)| !path.contains(".p/")).collect();
        assert_eq!(found, expect, "size {size}");
        assert_eq!(LogReader::new(&store, size + 300).audit(&whole.root()), Ok(None));
    }
}

#[test]
fn a_damaged_edge_is_not_opened() {
    let (store, writer) = log(300, 1000);
    let open = |store: &MemStore| LogWriter::open(store, 300, &writer.root()).map(|_| ());
    assert_eq!(LogWriter::open(&store, 300, &Hash([1; 32])).map(|_| ()), Err(Unavailable::Root { size: 300 }.into()));
    let mut bad = store.clone();
    *bad.files.get_mut(&bundle_path(1, 44)).unwrap() = encode_bundle(&[entry(1)]).unwrap();
    assert!(matches!(open(&bad), Err(Error::Malformed(_))));
    let mut bad = store.clone();
    bad.files.get_mut(&bundle_path(1, 44)).unwrap()[5] ^= 1;
    assert_eq!(open(&bad), Err(Malformed::EntryBundle { entry: 0, expected: 44 }.into()));
    let mut bad = store.clone();
    bad.files.remove(&tile_path(0, 1, 44));
    assert_eq!(open(&bad), Err(Unavailable::Absent { path: tile_path(0, 1, 44) }.into()));
    let mut bad = store;
    bad.files.get_mut(&tile_path(0, 1, 44)).unwrap()[0] ^= 1;
    assert_eq!(open(&bad), Err(Unavailable::Root { size: 300 }.into()));
}

/// Rewrites the entries of a stored log of 700, hashes untouched, and audits it.
#[track_caller]
fn check(change: impl FnOnce(&mut Vec<Vec<u8>>), expect: Option<FirstBad>) {
    let (mut store, writer) = log(700, 1000);
    let mut entries: Vec<Vec<u8>> = (0..700).map(entry).collect();
    change(&mut entries);
    for (index, width) in [(0, 256), (1, 256), (2, 188)] {
        let from = entries.len().min(index as usize * 256);
        let to = entries.len().min(from + 256);
        store.files.insert(bundle_path(index, width), encode_bundle(&entries[from..to]).unwrap());
    }
    assert_eq!(LogReader::new(&store, 700).audit(&writer.root()), Ok(expect));
}

fn bad(index: u64, fault: Fault) -> Option<FirstBad> {
    Some(FirstBad { index, fault, within: None })
}

#[test]
fn the_first_changed_missing_added_or_misplaced_entry_is_named() {
    check(|_| {}, None);
    for at in [0usize, 1, 255, 256, 300, 511, 512, 698] {
        let index = at as u64;
        check(|e| e[at][0] ^= 1, bad(index, Fault::Changed));
        check(|e| e[at].clear(), bad(index, Fault::Changed));
        check(|e| e.swap(at, at + 1), bad(index, Fault::OutOfOrder));
        check(|e| e.swap(at, 699), bad(index, Fault::OutOfOrder));
        check(|e| drop(e.remove(at)), bad(index, Fault::Missing));
        check(|e| e.truncate(at), bad(index, Fault::Missing));
        check(|e| e.insert(at, b"forged".to_vec()), bad(index, Fault::Added));
    }
    check(|e| e[699] = b"x".to_vec(), bad(699, Fault::Changed));
    check(|e| e[10..20].reverse(), bad(10, Fault::OutOfOrder));
    check(|e| (e[600][0], e[20][0]) = (0, 0), bad(20, Fault::Changed));
}

/// Damages files of a stored log of 700 and audits it.
#[track_caller]
fn check_files(change: impl FnOnce(&mut MemStore), expect: &str) {
    let (mut store, writer) = log(700, 1000);
    change(&mut store);
    let found = LogReader::new(&store, 700).audit(&writer.root()).unwrap();
    assert_eq!(found.map_or("none".to_string(), |bad| bad.to_string()), expect);
}

fn forged(size: u64) -> MemStore {
    let (mut store, mut writer) = (MemStore::default(), LogWriter::new());
    (0..size).for_each(|i| assert_eq!(writer.append(&entry(i + 1)), Ok(i)));
    writer.flush(&mut store).unwrap();
    store
}

fn flip(store: &mut MemStore, path: &str, at: usize) {
    store.files.get_mut(path).unwrap()[at] ^= 1;
}

#[test]
fn damaged_hashes_hide_no_bad_entry_and_accuse_no_good_one() {
    let (entries, leaves, edge, top) =
        (bundle_path(1, 256), tile_path(0, 1, 256), tile_path(0, 2, 188), tile_path(1, 0, 2));
    check_files(|s| flip(s, &leaves, 40), "none");
    check_files(|s| flip(s, &edge, 40), "none");
    check_files(|s| drop(s.files.remove(&top)), "none");
    check_files(|s| s.files.retain(|path, _| path.starts_with("tile/entries/")), "none");
    check_files(|s| drop(s.files.remove(&entries)), "entry 256 is missing");
    check_files(|s| s.files.get_mut(&entries).unwrap().push(0), "entry 512 was added");
    // A bad entry together with its own tile: its bundle is named, since the tile above still holds.
    check_files(|s| (flip(s, &entries, 900), flip(s, &leaves, 40)).0, "some entry of 256..512 is changed");
    // With the edge gone no hash is authentic, and only the root speaks.
    check_files(|s| (flip(s, &entries, 900), flip(s, &edge, 40)).0, "some entry of 0..700 is changed");
    check_files(|s| (drop(s.files.remove(&entries)), flip(s, &edge, 40)).0, "some entry of 0..257 is missing");
    // A history that is consistent in itself and is not the one signed.
    check_files(|s| *s = log(699, 1000).0, "some entry of 0..513 is missing");
    check_files(|s| *s = forged(700), "some entry of 0..700 is changed");
}

#[test]
fn a_wrong_root_of_an_empty_log_is_an_error() {
    let store = MemStore::default();
    let reader = LogReader::new(&store, 0);
    assert_eq!(reader.audit(&crate::hash::EMPTY_ROOT), Ok(None));
    assert_eq!(reader.audit(&Hash([1; 32])), Err(Unavailable::Root { size: 0 }.into()));
}

/// Fails the n-th write, either before or after it took place.
struct Faulty {
    inner: MemStore,
    left: u32,
    torn: bool,
}

impl Store for Faulty {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Err(StoreError("input/output error".into()))
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if self.left == 0 {
            if self.torn {
                self.inner.write(path, &bytes[..bytes.len() / 2])?;
            }
            return Err(StoreError("no space left".into()));
        }
        self.left -= 1;
        self.inner.write(path, bytes)
    }
}

#[test]
fn a_flush_that_fails_at_any_write_is_made_good_by_the_next() {
    let (expect, _) = log(600, 1000);
    for (left, torn) in (0..8).flat_map(|left| [(left, false), (left, true)]) {
        let mut writer = LogWriter::new();
        (0..600).for_each(|i| assert_eq!(writer.append(&entry(i)), Ok(i)));
        let mut store = Faulty { inner: MemStore::default(), left, torn };
        let failed = writer.flush(&mut store);
        assert_eq!(failed.is_err(), left < 7, "{left}");
        store.left = u32::MAX;
        writer.flush(&mut store).unwrap();
        assert_eq!(store.inner, expect);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_never_taken_for_absent() {
    let store = Faulty { inner: MemStore::default(), left: 0, torn: false };
    let reader = LogReader::new(&store, 5);
    let unreadable = |e: Error| matches!(e, Error::Unavailable(Unavailable::Store { .. }));
    assert!(reader.audit(&Hash([1; 32])).is_err_and(unreadable));
    assert!(reader.entry(0).is_err_and(unreadable));
    assert!(LogWriter::open(&store, 5, &Hash([1; 32])).is_err_and(unreadable));
}

#[test]
fn an_entry_past_its_bound_is_not_appended() {
    let mut writer = LogWriter::new();
    assert!(matches!(writer.append(&[0; 65_536]), Err(Error::Refused(Refused::TooLarge { .. }))));
    assert_eq!((writer.size(), writer.append(&[0; 65_535])), (0, Ok(0)));
    let files = writer.unflushed();
    assert_eq!(decode_bundle(&files[0].1, 1).unwrap(), [&[0; 65_535][..]]);
}
