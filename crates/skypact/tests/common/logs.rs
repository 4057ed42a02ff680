//! A link's logs read back from the disk, as anybody could with the files and the pact's public keys.
use super::world::World;
use std::fs;
use std::path::{Path, PathBuf};
use tlog::{Checkpoint, LogReader, Store, StoreError};

/// Files of one log, only read.
pub struct Files(PathBuf);

impl Store for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError(error.to_string())),
        }
    }

    fn write(&mut self, path: &str, _bytes: &[u8]) -> Result<(), StoreError> {
        Err(StoreError(format!("{path}: only read here")))
    }
}

/// Folder of a log of `name`'s link to `peer`: `out` or `in`.
pub fn log_dir(world: &World, name: &str, peer: &str, part: &str) -> PathBuf {
    let pact = world.pact().hash().to_string();
    world.home(name).join("data/links").join(peer).join(&pact[..16]).join(part)
}

/// The first `size` entries of a log.
#[track_caller]
pub fn entries(dir: &Path, size: u64) -> Vec<Vec<u8>> {
    let files = Files(dir.to_owned());
    LogReader::new(&files, size).entries(0..size).unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
}

/// Verifies the newest receipt that `name` has of `peer` with the pact's public keys: the peer's cosignature of a
/// checkpoint, whose root is the root over the entries on the disk. Returns how many entries it covers.
#[track_caller]
pub fn verify_receipt(world: &World, name: &str, peer: &str) -> u64 {
    let (pact, dir) = (world.pact(), log_dir(world, name, peer, "out"));
    let key = |of: &str| pact.parties.iter().find(|p| p.id.as_str() == of).unwrap().clone();
    let note = fs::read(dir.join("checkpoint")).unwrap();
    let origin = format!("skypact.link/{name}/{peer}/exercise:test/{}", pact.hash());
    let opened = tlog::open_checkpoint(&note, &origin, &key(name).log_key).unwrap();
    let receipts = tlog::cosignatures(opened.note(), &[key(peer).cosign_key]).unwrap();
    assert_eq!(receipts.len(), 1, "one cosignature of {peer}");
    let checkpoint: Checkpoint = opened.into_inner();
    let files = Files(dir);
    let root = LogReader::new(&files, checkpoint.size).root_at(checkpoint.size).unwrap();
    assert_eq!(root, checkpoint.root, "the receipt is for what the disk holds");
    checkpoint.size
}

/// Exports what `name` has of its link to `peer` and verifies it with the pact's public keys. Returns its entries.
#[track_caller]
pub fn verify_evidence(world: &World, name: &str, peer: &str) -> u64 {
    let run = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_skypact"));
        let output = command.args(["--json", "evidence"]).args(args).current_dir(world.home(name)).output().unwrap();
        let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "evidence {args:?}: {}\n{said}{error}", output.status);
        said.into_owned()
    };
    run(&["export", "--config", "skypact.toml", "--peer", peer, "-o", "link.evidence"]);
    let said = run(&["verify", "link.evidence", "--pact", "test.pact"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    report["entries"].as_u64().unwrap_or_else(|| panic!("no entries: {report}"))
}

/// Entries of a log on the disk.
pub fn size(dir: &Path) -> u64 {
    let full = (0..).take_while(|n| dir.join(tlog::bundle_path(*n, 256)).exists()).count() as u64;
    let partial = dir.join(tlog::bundle_path(full, 256) + ".p");
    let widths = fs::read_dir(partial).into_iter().flatten().flatten();
    let widest = widths.filter_map(|e| e.file_name().to_str()?.parse::<u64>().ok()).max();
    full * 256 + widest.unwrap_or(0)
}

/// Compares what `name` said to `peer` with what `peer` holds of it, entry by entry and tile by tile; what is held must
/// be the beginning of what was said. Both nodes must have stopped. Returns both sizes.
#[track_caller]
pub fn compare(world: &World, name: &str, peer: &str) -> (u64, u64) {
    let (out, held_dir) = (log_dir(world, name, peer, "out"), log_dir(world, peer, name, "in"));
    let (said, held) = (size(&out), size(&held_dir));
    assert!(held <= said, "{peer} holds {held} entries of {name}, who said {said}");
    let (ours, theirs) = (entries(&out, said), entries(&held_dir, held));
    for (index, entry) in theirs.iter().enumerate() {
        assert_eq!(&ours[index], entry, "entry {index} of {name} to {peer}");
    }
    let distinct: std::collections::BTreeSet<&[u8]> = ours.iter().map(Vec::as_slice).collect();
    assert_eq!(distinct.len(), ours.len(), "no entry stands twice");
    for tile in (0..held / 256).flat_map(|n| [tlog::tile_path(0, n, 256), tlog::bundle_path(n, 256)]) {
        let bytes = |dir: &Path| fs::read(dir.join(&tile)).unwrap_or_else(|e| panic!("{}/{tile}: {e}", dir.display()));
        assert_eq!(bytes(&out), bytes(&held_dir), "{tile} of {name} to {peer}");
    }
    (said, held)
}
