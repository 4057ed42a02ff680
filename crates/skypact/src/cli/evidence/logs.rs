//! The link logs of a data folder, read only: beside a running node or in a copy.
use anyhow::{Context, Result};
use pact::SignedPact;
use record::{Mode, PartyId};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tlog::{Store, StoreError, TILE_WIDTH};

/// Files of one log. Nothing is ever written.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Store for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError(error.to_string())),
        }
    }

    fn write(&mut self, _path: &str, _bytes: &[u8]) -> Result<(), StoreError> {
        Err(StoreError("opened for reading".into()))
    }
}

impl Folder {
    /// Entries of which both the bytes and the hashes are written.
    pub fn covered(&self) -> u64 {
        let entries = self.written(tlog::bundle_path);
        entries.min(self.written(|index, width| tlog::tile_path(0, index, width)))
    }

    fn written(&self, path: impl Fn(u64, u32) -> String) -> u64 {
        let is_full = |index: u64| self.0.join(path(index, TILE_WIDTH)).exists();
        // Full files are written in order and stay: double, then halve.
        let mut over = 1;
        while is_full(over - 1) {
            over *= 2;
        }
        let (mut full, mut end) = (over / 2, over - 1);
        while full < end {
            let middle = full + (end - full) / 2;
            if is_full(middle) { full = middle + 1 } else { end = middle }
        }
        loop {
            let partial = self.0.join(path(full, 1));
            let widths = partial.parent().and_then(|dir| fs::read_dir(dir).ok()).into_iter().flatten();
            let widest = widths.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u64>().ok()).max();
            // The partial files of a tile go once it is full: a node that writes meanwhile may just have filled it.
            if widest.is_some() || !is_full(full) {
                return full * u64::from(TILE_WIDTH) + widest.unwrap_or(0);
            }
            full += 1;
        }
    }
}

/// One log of a data folder.
#[derive(Debug, Clone)]
pub struct LinkLog {
    /// The other party.
    pub peer: PartyId,
    /// Whether it is ours.
    pub outgoing: bool,
    /// Its name.
    pub origin: String,
    /// The pact under which it was said.
    pub pact: SignedPact,
    /// Its files.
    pub folder: Folder,
    /// Signed notes kept because they contradict what is held.
    pub contradicting: Vec<Vec<u8>>,
}

impl LinkLog {
    /// The two logs of the link, each with the party that keeps it.
    pub fn both(&self) -> [(Folder, PartyId); 2] {
        let own =
            self.origin.strip_prefix("skypact.link/").and_then(|rest| PartyId::parse(rest.split('/').next()?).ok());
        let to = self.origin.split('/').nth(2).and_then(|name| PartyId::parse(name).ok());
        let from = own.unwrap_or_else(|| self.peer.clone());
        let to = to.unwrap_or_else(|| self.peer.clone());
        let other = if self.outgoing { "in" } else { "out" };
        [(self.folder.clone(), from), (Folder(self.folder.0.with_file_name(other)), to)]
    }
}

/// Every log below a data folder whose pact is known; and the folders whose pact is not.
pub fn find(data: &Path, me: &PartyId, mode: &Mode, pacts: &[SignedPact]) -> Result<(Vec<LinkLog>, Vec<PathBuf>)> {
    let (mut logs, mut unknown) = (Vec::new(), Vec::new());
    for peer_dir in folders(&data.join("links"))? {
        let Some(peer) = name_of(&peer_dir).and_then(|name| PartyId::parse(&name).ok()) else { continue };
        for dir in folders(&peer_dir)? {
            let of = |p: &&SignedPact| name_of(&dir).is_some_and(|name| p.pact().hash().to_string().starts_with(&name));
            let Some(pact) = pacts.iter().find(of) else {
                unknown.push(dir);
                continue;
            };
            let hash = pact.pact().hash();
            let contradicting = frozen_notes(&dir)?;
            for (outgoing, part) in [(true, "out"), (false, "in")] {
                let (from, to) = if outgoing { (me, &peer) } else { (&peer, me) };
                let origin = link::origin(from, to, mode, &hash);
                let of_log = |note: &&Vec<u8>| note.starts_with(format!("{origin}\n").as_bytes());
                logs.push(LinkLog {
                    peer: peer.clone(),
                    outgoing,
                    pact: pact.clone(),
                    folder: Folder(dir.join(part)),
                    contradicting: contradicting.iter().filter(of_log).cloned().collect(),
                    origin,
                });
            }
        }
    }
    Ok((logs, unknown))
}

fn frozen_notes(dir: &Path) -> Result<Vec<Vec<u8>>> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.retain(|p| name_of(p).is_some_and(|n| n.starts_with("frozen-") && n.ends_with(".note")));
    paths.sort();
    paths.iter().map(|p| fs::read(p).with_context(|| format!("cannot read {}", p.display()))).collect()
}

fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", dir.display())),
    };
    let mut out: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_dir()).collect();
    out.sort();
    Ok(out)
}

fn name_of(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LogStore;

    #[test]
    fn what_is_written_is_counted_by_its_files() {
        for size in [0u64, 1, 255, 256, 257, 512, 700, 1024, 3000] {
            let dir = tempfile::tempdir().unwrap();
            let log = LogStore::open(dir.path(), 0, &tlog::EMPTY_ROOT).unwrap();
            (0..size).for_each(|i| log.append(i, &i.to_be_bytes()).unwrap());
            log.flush().unwrap();
            log.append(size, b"not flushed").unwrap();
            assert_eq!(Folder(dir.path().into()).covered(), size, "{size} entries");
        }
        assert_eq!(Folder("/nonexistent".into()).covered(), 0);
    }
}
