//! Snapshot files: the state after a position, so that a start need not fold the whole journal. `spec/journal.md`, section 5.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use crate::{
    JournalError, Seq, SnapshotFault,
    error::io_at,
    format::{le64, seq_of_name},
    fs::{Fs, Written, read_full_at, replace},
};

/// First bytes of every snapshot.
pub(crate) const SNAPSHOT_MAGIC: [u8; 8] = *b"SKYSNP\r\n";
/// Version written and read.
pub(crate) const SNAPSHOT_VERSION: u32 = 1;
/// Bytes before the contents.
pub(crate) const SNAPSHOT_HEADER_BYTES: usize = 68;
/// Largest snapshot, bytes: four million operational intents at 300 bytes and as many subscriptions are 2.4 GB.
pub(crate) const SNAPSHOT_BYTES_MAX: u64 = 4 << 30;

/// The newest intact snapshot and what had to be passed over to find it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnapshotRead {
    /// The position whose state it holds, and the state.
    pub found: Option<(Seq, Vec<u8>)>,
    /// Newer snapshots that are damaged, newest first. Not empty: tell the operator.
    pub damaged: Vec<DamagedSnapshot>,
}

/// A snapshot that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DamagedSnapshot {
    /// Its position, by its file's name.
    pub seq: Seq,
    /// What is wrong.
    pub fault: SnapshotFault,
}

/// A snapshot that the journal is ready for: [`crate::SegmentJournal::snapshot_writer`]. To write it takes as long as the disk does;
/// it can be done on another thread, while the journal takes records. One at a time.
#[derive(Debug)]
pub struct SnapshotWriter {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) dir: PathBuf,
    pub(crate) seq: Seq,
    pub(crate) reserve_bytes: u64,
}

/// What became of a snapshot, for [`crate::SegmentJournal::snapshot_done`].
#[must_use]
#[derive(Debug)]
pub struct SnapshotDone {
    pub(crate) seq: Seq,
    pub(crate) bytes: u64,
    pub(crate) written: Result<Written, JournalError>,
    pub(crate) pruned: Result<(), JournalError>,
}

impl SnapshotDone {
    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl SnapshotWriter {
    /// Writes it durably, and removes what it and the newest intact one before it supersede.
    pub fn write(self, contents: &[u8]) -> SnapshotDone {
        let Self { fs, dir, seq, reserve_bytes } = self;
        let bytes = contents.len() as u64;
        let written = match bytes <= SNAPSHOT_BYTES_MAX {
            true => write(&*fs, &dir, seq, contents, reserve_bytes),
            false => Err(JournalError::TooLarge { bytes, max: SNAPSHOT_BYTES_MAX }),
        };
        let pruned = if matches!(written, Ok(Written::Durable)) { prune(&*fs, &dir, seq) } else { Ok(()) };
        SnapshotDone { seq, bytes, written, pruned }
    }
}

/// The file name of a snapshot.
pub(crate) fn snapshot_name(seq: Seq) -> String {
    format!("{:020}.snap", seq.0)
}

/// Positions of the snapshot files in `dir`, newest first.
pub(crate) fn list(fs: &dyn Fs, dir: &Path) -> Result<Vec<Seq>, JournalError> {
    let mut out: Vec<Seq> =
        fs.list(dir).map_err(io_at("list", dir))?.iter().filter_map(|e| seq_of_name(&e.name, ".snap")).collect();
    out.sort_unstable_by(|a, b| b.cmp(a));
    Ok(out)
}

/// Reads the newest intact snapshot.
pub(crate) fn read_latest(fs: &dyn Fs, dir: &Path) -> Result<SnapshotRead, JournalError> {
    let mut out = SnapshotRead::default();
    for seq in list(fs, dir)? {
        match read_one(fs, dir, seq)? {
            Ok(bytes) => {
                out.found = Some((seq, bytes));
                break;
            }
            Err(fault) => out.damaged.push(DamagedSnapshot { seq, fault }),
        }
    }
    Ok(out)
}

/// Reads and checks one snapshot, from the disk and not from memory.
pub(crate) fn read_one(fs: &dyn Fs, dir: &Path, seq: Seq) -> Result<Result<Vec<u8>, SnapshotFault>, JournalError> {
    let path = dir.join(snapshot_name(seq));
    let mut file = fs.open(&path).map_err(io_at("open", &path))?;
    file.drop_cache().map_err(io_at("drop cache of", &path))?;
    let bytes = file.bytes().map_err(io_at("measure", &path))?;
    let mut head = [0; SNAPSHOT_HEADER_BYTES];
    let got = read_full_at(&*file, &mut head, 0).map_err(io_at("read", &path))?;
    let (len, sha256) = match check_header(&head[..got], seq) {
        Ok(header) => header,
        Err(fault) => return Ok(Err(fault)),
    };
    if len > SNAPSHOT_BYTES_MAX || bytes != len + SNAPSHOT_HEADER_BYTES as u64 {
        return Ok(Err(SnapshotFault::Length));
    }
    let mut contents = vec![0; len as usize];
    let got = read_full_at(&*file, &mut contents, SNAPSHOT_HEADER_BYTES as u64).map_err(io_at("read", &path))?;
    if got != contents.len() {
        return Ok(Err(SnapshotFault::Length));
    }
    let good = Sha256::digest(&contents)[..] == sha256;
    Ok(if good { Ok(contents) } else { Err(SnapshotFault::Hash) })
}

/// Puts a snapshot in the folder, durably.
pub(crate) fn write(
    fs: &dyn Fs,
    dir: &Path,
    seq: Seq,
    contents: &[u8],
    reserve_bytes: u64,
) -> Result<Written, JournalError> {
    replace(fs, dir, &snapshot_name(seq), &[&encode_header(seq, contents), contents], reserve_bytes)
}

/// Removes what is older than the newest two intact ones, given that `newest` was just written. A file that cannot be removed now
/// is tried again next time.
pub(crate) fn prune(fs: &dyn Fs, dir: &Path, newest: Seq) -> Result<(), JournalError> {
    let mut fallback = None;
    for seq in list(fs, dir)?.into_iter().filter(|s| *s < newest) {
        if fallback.is_some() {
            let _ = fs.remove(&dir.join(snapshot_name(seq)));
        } else if read_one(fs, dir, seq)?.is_ok() {
            fallback = Some(seq);
        }
    }
    Ok(())
}

fn encode_header(seq: Seq, contents: &[u8]) -> [u8; SNAPSHOT_HEADER_BYTES] {
    let mut out = [0; SNAPSHOT_HEADER_BYTES];
    out[..8].copy_from_slice(&SNAPSHOT_MAGIC);
    out[8..12].copy_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
    out[16..24].copy_from_slice(&seq.0.to_le_bytes());
    out[24..32].copy_from_slice(&(contents.len() as u64).to_le_bytes());
    out[32..64].copy_from_slice(&Sha256::digest(contents));
    let crc = crc32c::crc32c(&out[..64]);
    out[64..].copy_from_slice(&crc.to_le_bytes());
    out
}

fn check_header(bytes: &[u8], seq: Seq) -> Result<(u64, [u8; 32]), SnapshotFault> {
    let head: &[u8; SNAPSHOT_HEADER_BYTES] = bytes.first_chunk().ok_or(SnapshotFault::Header)?;
    let crc = u32::from_le_bytes([head[64], head[65], head[66], head[67]]);
    if head[..8] != SNAPSHOT_MAGIC || crc32c::crc32c(&head[..64]) != crc {
        return Err(SnapshotFault::Header);
    }
    if head[8..12] != SNAPSHOT_VERSION.to_le_bytes() {
        return Err(SnapshotFault::Version);
    }
    if le64(head, 16) != seq.0 {
        return Err(SnapshotFault::Name);
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(&head[32..64]);
    Ok((le64(head, 24), sha256))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::StdFs;

    fn check(change: impl FnOnce(&mut Vec<u8>), expect: Option<SnapshotFault>) {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(write(&StdFs, dir.path(), Seq(7), b"the state", 0), Ok(Written::Durable)));
        let path = dir.path().join(snapshot_name(Seq(7)));
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(read_one(&StdFs, dir.path(), Seq(7)).unwrap().err(), expect);
    }

    #[test]
    fn a_snapshot_reads_back_and_each_kind_of_damage_is_named() {
        check(|_| {}, None);
        check(|b| b[0] ^= 1, Some(SnapshotFault::Header));
        check(|b| b[8] ^= 1, Some(SnapshotFault::Header));
        check(|b| b.truncate(10), Some(SnapshotFault::Header));
        check(|b| b.truncate(b.len() - 1), Some(SnapshotFault::Length));
        check(|b| b.push(0), Some(SnapshotFault::Length));
        check(|b| *b.last_mut().unwrap() ^= 1, Some(SnapshotFault::Hash));
        check(|b| *b = [&encode_header(Seq(8), b"the state")[..], b"the state"].concat(), Some(SnapshotFault::Name));
    }
}
