//! The logs of all links, kept in step with the fold.
use crate::keys::Keys;
use crate::store::LogStore;
use anyhow::{Context, Result, anyhow};
use link::Link;
use node::State;
use record::PartyId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tlog::Frontier;

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
    pub fn open(data: &Path, state: &State) -> Result<Self> {
        let mut stores = Self { data: data.to_owned(), map: BTreeMap::new() };
        for name in state.peer_ids() {
            if let Some(link) = state.link(name) {
                stores.open_link(link, link.out_log(), link.held_log())?;
            }
        }
        Ok(stores)
    }

    fn open_link(&mut self, link: &Link, out: &Frontier, held: &Frontier) -> Result<()> {
        let dir = link_dir(&self.data, link);
        let open = |part: &str, frontier: &Frontier| LogStore::open(&dir.join(part), frontier.size(), &frontier.root());
        let stores =
            LinkStores { out: Arc::new(open("out", out)?), held: Arc::new(open("in", held)?), dir: dir.clone() };
        self.map.insert(link.config().peer.clone(), stores);
        Ok(())
    }

    fn of(&mut self, state: &State, name: &PartyId) -> Result<&LinkStores> {
        let link = state.link(name).ok_or_else(|| anyhow!("an output for {name}, which is no peer"))?;
        let dir = link_dir(&self.data, link);
        if self.map.get(name).is_none_or(|s| s.dir != dir) {
            // A link that the input just folded has opened: its logs begin here.
            self.open_link(link, &Frontier::new(), &Frontier::new())?;
        }
        self.map.get(name).ok_or_else(|| anyhow!("no logs of the link to {name}"))
    }

    /// Stores entries, and nothing else: what a replay needs.
    pub fn keep_entries(&mut self, state: &State, name: &PartyId, output: &link::Output) -> Result<()> {
        match output {
            link::Output::StoreOut { index, bytes } => self.of(state, name)?.out.append(*index, bytes),
            link::Output::StoreIn { index, bytes } => self.of(state, name)?.held.append(*index, bytes),
            _ => Ok(()),
        }
    }

    /// Stores what an output asks to store. Returns whether a link was opened by it.
    pub fn keep(&mut self, state: &State, name: &PartyId, output: &link::Output, keys: &Keys) -> Result<()> {
        match output {
            link::Output::StoreOut { .. } | link::Output::StoreIn { .. } => self.keep_entries(state, name, output),
            link::Output::StorePeerCheckpoint { note, .. } => self.of(state, name)?.held.write_note("checkpoint", note),
            link::Output::StoreCosignature { checkpoint, line } => {
                let me = state.party().ok_or_else(|| anyhow!("a node without a party"))?;
                // Signing again gives the same note: Ed25519 has no chance in it.
                let signer = keys.log_signer(&crate::keys::key_name(me))?;
                let mut note = tlog::sign_checkpoint(checkpoint, &signer).map_err(|e| anyhow!("{e}"))?;
                let line = tlog::SignatureLine::from_text(line).map_err(|e| anyhow!("{e}"))?;
                note.add(line).map_err(|e| anyhow!("{e}"))?;
                self.of(state, name)?.out.write_note("checkpoint", &note.to_bytes())
            }
            link::Output::StoreWitnessed { own, note, .. } => {
                let stores = self.of(state, name)?;
                let log = if *own { &stores.out } else { &stores.held };
                log.write_note("witnessed", note)
            }
            link::Output::Frozen { reason, evidence, .. } => {
                let stores = self.of(state, name)?;
                for (n, note) in evidence.iter().enumerate() {
                    let path = stores.dir.join(format!("frozen-{}-{n}.note", reason.name()));
                    std::fs::write(&path, note).with_context(|| format!("cannot keep {}", path.display()))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes open tiles.
    pub fn flush(&self) -> Result<()> {
        self.map.values().try_for_each(|s| s.out.flush().and_then(|()| s.held.flush()))
    }

    /// Writes open tiles that are small, or have not been written for a while.
    pub fn flush_if_due(&self) -> Result<()> {
        self.map.values().try_for_each(|s| s.out.flush_if_due().and_then(|()| s.held.flush_if_due()))
    }

    /// Writes open tiles and waits for the disk.
    pub fn sync(&self) -> Result<()> {
        self.map.values().try_for_each(|s| s.out.sync().and_then(|()| s.held.sync()))
    }

    /// The logs by peer.
    pub fn map(&self) -> &BTreeMap<PartyId, LinkStores> {
        &self.map
    }
}
