//! The logs of all links, kept in step with the fold.
use crate::error::{Error, io_at};
use crate::store::LogStore;
use journal::fs::Fs;
use link::Link;
use node::State;
use record::PartyId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tlog::{Frontier, NoteSigner};

type Result<T> = std::result::Result<T, Error>;

/// Both logs of one link.
#[derive(Clone)]
pub struct LinkStores {
    /// What we said.
    pub out: Arc<LogStore>,
    /// What the peer said.
    pub held: Arc<LogStore>,
    /// Folder of the link.
    pub dir: PathBuf,
}

/// All links' logs.
pub struct Stores {
    fs: Arc<dyn Fs>,
    data: PathBuf,
    map: BTreeMap<PartyId, LinkStores>,
}

/// Folder of a link's logs: by peer and pact, because another pact begins another log.
pub fn link_dir(data: &Path, link: &Link) -> PathBuf {
    let config = link.config();
    data.join("links").join(config.peer.as_str()).join(&config.pact.to_string()[..16])
}

impl Stores {
    /// Opens the logs of every link of a state, at that state's sizes.
    ///
    /// # Errors
    /// [`Error::Differs`] if the files do not fit the state.
    pub fn open(fs: &Arc<dyn Fs>, data: &Path, state: &State) -> Result<Self> {
        let mut stores = Self { fs: fs.clone(), data: data.to_owned(), map: BTreeMap::new() };
        for name in state.peer_ids() {
            if let Some(link) = state.link(name) {
                stores.open_link(link, link.out_log(), link.held_log())?;
            }
        }
        Ok(stores)
    }

    fn open_link(&mut self, link: &Link, out: &Frontier, held: &Frontier) -> Result<()> {
        let dir = link_dir(&self.data, link);
        let open = |part: &str, log: &Frontier| LogStore::open(&self.fs, &dir.join(part), log.size(), &log.root());
        let stores =
            LinkStores { out: Arc::new(open("out", out)?), held: Arc::new(open("in", held)?), dir: dir.clone() };
        self.map.insert(link.config().peer.clone(), stores);
        Ok(())
    }

    fn of(&mut self, state: &State, name: &PartyId) -> Result<&LinkStores> {
        let link = state.link(name).ok_or_else(|| Error::NoPeer(name.clone()))?;
        let dir = link_dir(&self.data, link);
        if self.map.get(name).is_none_or(|s| s.dir != dir) {
            // A link that the input just folded has opened: its logs begin here.
            self.open_link(link, &Frontier::new(), &Frontier::new())?;
        }
        self.map.get(name).ok_or_else(|| Error::NoPeer(name.clone()))
    }

    /// Stores entries, and nothing else: what a replay needs.
    ///
    /// # Errors
    /// What [`LogStore::append`] gives.
    pub fn keep_entries(&mut self, state: &State, name: &PartyId, output: &link::Output) -> Result<()> {
        match output {
            link::Output::StoreOut { index, bytes } => self.of(state, name)?.out.append(*index, bytes),
            link::Output::StoreIn { index, bytes } => self.of(state, name)?.held.append(*index, bytes),
            _ => Ok(()),
        }
    }

    /// Stores what an output asks to store; `signer` has the log key.
    ///
    /// # Errors
    /// What [`LogStore`] gives, and [`Error::Io`].
    pub fn keep(&mut self, state: &State, name: &PartyId, output: &link::Output, signer: &NoteSigner) -> Result<()> {
        match output {
            link::Output::StoreOut { .. } | link::Output::StoreIn { .. } => self.keep_entries(state, name, output),
            link::Output::StorePeerCheckpoint { note, .. } => self.of(state, name)?.held.write_note("checkpoint", note),
            link::Output::StoreCosignature { checkpoint, line } => {
                let failed = |source| Error::Log { what: "a receipt cannot be kept".to_owned(), source };
                // Signing again gives the same note: Ed25519 has no chance in it.
                let mut note = match tlog::sign_checkpoint(checkpoint, signer) {
                    // The disk is well and the journal has the receipt; the file is written with the next one.
                    Err(tlog::Error::Unavailable(why)) => {
                        tracing::warn!(peer = %name, "the log's newest receipt is not written to its files yet: {why}");
                        return Ok(());
                    }
                    signed => signed.map_err(failed)?,
                };
                note.add(tlog::SignatureLine::from_text(line).map_err(failed)?).map_err(failed)?;
                self.of(state, name)?.out.write_note("checkpoint", &note.to_bytes())
            }
            link::Output::StoreWitnessed { own, note, .. } => {
                let stores = self.of(state, name)?;
                let log = if *own { &stores.out } else { &stores.held };
                log.write_note("witnessed", note)
            }
            link::Output::Frozen { reason, evidence, .. } => {
                let dir = self.of(state, name)?.dir.clone();
                for (n, note) in evidence.iter().enumerate() {
                    let path = dir.join(format!("frozen-{}-{n}.note", reason.name()));
                    let kept = self.fs.create(&path).and_then(|mut file| file.write_all_at(note, 0));
                    kept.map_err(io_at("keep", &path))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes open tiles.
    ///
    /// # Errors
    /// What [`LogStore`] gives.
    pub fn flush(&self) -> Result<()> {
        self.map.values().try_for_each(|s| s.out.flush().and_then(|()| s.held.flush()))
    }

    /// Writes open tiles that are small, or have not been written for a while; `up` as in [`LogStore::flush_if_due`].
    ///
    /// # Errors
    /// What [`LogStore`] gives.
    pub fn flush_if_due(&self, up: Duration) -> Result<()> {
        self.map.values().try_for_each(|s| s.out.flush_if_due(up).and_then(|()| s.held.flush_if_due(up)))
    }

    /// Writes open tiles and waits for the disk.
    ///
    /// # Errors
    /// What [`LogStore`] gives.
    pub fn sync(&self) -> Result<()> {
        self.map.values().try_for_each(|s| s.out.sync().and_then(|()| s.held.sync()))
    }

    /// The logs by peer.
    pub fn map(&self) -> &BTreeMap<PartyId, LinkStores> {
        &self.map
    }
}
