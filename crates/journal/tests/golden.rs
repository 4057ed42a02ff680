//! The byte examples of `spec/journal.md`, which were computed by another program, are what this crate writes and reads.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use journal::{
    Journal, Options, RetentionOrder, SegmentJournal, Seq,
    format::{PrevSegment, SegmentHeader},
    fs::{Entry, Fs, FsFile, Lock, StdFs},
    verify,
};

/// The block of the paper that is titled with a file's name.
fn example(name: &str) -> Vec<u8> {
    let paper = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/journal.md");
    let paper = fs::read_to_string(paper).unwrap();
    let (kind, rest) = [("hex", format!("```hex {name}\n")), ("text", format!("```text {name}\n"))]
        .into_iter()
        .find_map(|(kind, title)| Some((kind, paper.split_once(&title)?.1.to_string())))
        .expect("the paper has this example");
    let block = rest.split("```").next().unwrap();
    if kind == "text" {
        return block.as_bytes().to_vec();
    }
    let bytes = block.lines().flat_map(|l| l.split_whitespace().skip(1));
    bytes.map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
}

const FIRST: &str = "00000000000000000001.seg";
const SECOND: &str = "00000000000000000003.seg";
const SNAPSHOT: &str = "00000000000000000002.snap";

/// The real file system with the example's salt.
#[derive(Debug)]
struct Salted;

impl Fs for Salted {
    fn entropy(&self) -> u64 {
        0x0102_0304
    }
    fn create_dir(&self, dir: &Path) -> io::Result<bool> {
        StdFs.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        StdFs.list(dir)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        StdFs.open(path)
    }
    fn open_rw(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        StdFs.open_rw(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn FsFile>> {
        StdFs.create(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        StdFs.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        StdFs.remove(path)
    }
    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        StdFs.remove_dir(dir)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        StdFs.sync_dir(dir)
    }
    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        StdFs.free_bytes(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Lock> {
        StdFs.lock(path)
    }
}

fn folder(names: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        fs::write(dir.path().join(name), example(name)).unwrap();
    }
    let path = dir.path().to_path_buf();
    (dir, path)
}

#[test]
fn what_is_written_is_the_example() {
    let (_dir, path) = folder(&[]);
    let (mut journal, _) = SegmentJournal::open_with(Arc::new(Salted), &path, Options::default()).unwrap();
    journal.append_batch(None, &[b"hello", b"sky"]).unwrap();
    journal.write_snapshot(Seq(2), b"state").unwrap();
    for name in [FIRST, SNAPSHOT] {
        assert_eq!(fs::read(path.join(name)).unwrap(), example(name), "{name}");
    }
}

#[test]
fn the_example_is_read_and_its_chain_verifies() {
    let (_dir, path) = folder(&[FIRST, SECOND, SNAPSHOT]);
    assert!(verify(&path).unwrap().is_sound());
    let (journal, _) = SegmentJournal::open(&path, Options::default()).unwrap();
    let records: Vec<_> = journal.read(Seq(1)).unwrap().map(Result::unwrap).collect();
    assert_eq!(records, [(Seq(1), b"hello".to_vec()), (Seq(2), b"sky".to_vec())]);
    assert_eq!(journal.latest_snapshot().unwrap().found, Some((Seq(2), b"state".to_vec())));
    let (header, _) = SegmentHeader::decode(&example(SECOND)).unwrap();
    let Some(PrevSegment { first: Seq(1), bytes: 128, .. }) = header.prev else { panic!("{header:?}") };
    assert_eq!(header.encode()[..], example(SECOND));
}

#[test]
fn the_example_order_is_what_a_trim_writes() {
    let (_dir, path) = folder(&[FIRST, SECOND, SNAPSHOT]);
    let (mut journal, _) = SegmentJournal::open(&path, Options::default()).unwrap();
    let order =
        RetentionOrder { who: "keeper".into(), why: "older than 400 days".into(), at_utc_ms: 1_795_298_400_000 };
    assert_eq!(journal.trim(Seq(2), &order).unwrap().removed.len(), 1);
    assert_eq!(fs::read(path.join("retention.log")).unwrap(), example("retention.log"));
    drop(journal);
    let (_dir, path) = folder(&[SECOND, SNAPSHOT, "retention.log"]);
    let (journal, report) = SegmentJournal::open(&path, Options::default()).unwrap();
    assert_eq!((report.first, report.last), (Seq(3), Seq(2)));
    assert_eq!(journal.retention_orders()[0].order, order);
    assert!(verify(&path).unwrap().is_sound());
}
