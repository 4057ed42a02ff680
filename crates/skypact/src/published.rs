//! Checkpoints that can be shown: signed, and with the tiles under them on the disk.
use crate::core::CoreHandle;
use fold::{LinkStores, Signer};
use record::PartyId;
use std::path::PathBuf;
use std::time::Duration;
use tlog::{Checkpoint, Note};

/// A checkpoint and where its tiles lie.
pub struct Published {
    /// Entries under it.
    pub size: u64,
    /// The note as it is served: what of the stored lines belongs to it, is in it.
    pub note: Note,
    /// Folder of the log's files.
    pub dir: PathBuf,
}

/// Which of a link's two logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What we said.
    Out,
    /// What the peer said.
    In,
}

impl Part {
    /// Its folder's name.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

/// The newest checkpoint of our log to a peer that its files reach.
//= spec/witness.md W-14
pub async fn own(core: &CoreHandle, signer: &Signer, peer: &PartyId) -> Option<Published> {
    let stores = core.stores(peer)?;
    let (flushed, name) = (stores.out.flushed(), peer.clone());
    let ask = move |state: &node::State| {
        let link = state.link(&name)?;
        let checkpoint =
            link.signed_upto(flushed).map(|(size, root)| Checkpoint { origin: link.config().out_origin(), size, root });
        Some((checkpoint, link.is_frozen()))
    };
    let (checkpoint, frozen) = core.query(ask).await??;
    if frozen {
        return receipted(&stores, flushed);
    }
    let checkpoint = checkpoint?;
    let mut note = signer.note(&checkpoint).ok()?;
    add_stored(&mut note, &stores, Part::Out);
    Some(Published { size: checkpoint.size, note, dir: stores.dir.join("out") })
}

/// While nothing is signed: what was, and the peer cosigned.
fn receipted(stores: &LinkStores, flushed: u64) -> Option<Published> {
    let dir = stores.dir.join("out");
    let mut note = Note::parse(&std::fs::read(dir.join("checkpoint")).ok()?).ok()?;
    let size = Checkpoint::parse(note.text()).ok()?.size;
    add_stored(&mut note, stores, Part::Out);
    (size <= flushed).then_some(Published { size, note, dir })
}

/// The newest checkpoint of the peer's log that we hold, if its files are written.
//= spec/witness.md W-14
pub async fn held(core: &CoreHandle, peer: &PartyId) -> Option<Published> {
    let stores = core.stores(peer)?;
    let name = peer.clone();
    let ask = move |state: &node::State| {
        let (size, note) = state.link(&name)?.peer_checkpoint()?;
        Some((size, note.to_vec()))
    };
    let (size, note) = core.query(ask).await??;
    if stores.held.flushed() < size {
        // Written anyhow within ten seconds; gladly now, if it is little.
        stores.held.flush_if_due(Duration::ZERO).ok()?;
    }
    let mut note = Note::parse(&note).ok().filter(|_| stores.held.flushed() >= size)?;
    add_stored(&mut note, &stores, Part::In);
    Some(Published { size, note, dir: stores.dir.join("in") })
}

/// Adds the lines of the notes beside the log that are of the very same checkpoint: receipts and witnesses' cosignatures.
fn add_stored(note: &mut Note, stores: &LinkStores, part: Part) {
    for name in ["checkpoint", "witnessed"] {
        let stored = std::fs::read(stores.dir.join(part.folder()).join(name)).ok();
        let Some(stored) = stored.and_then(|bytes| Note::parse(&bytes).ok()) else { continue };
        if stored.text() == note.text() {
            for line in stored.signatures() {
                // Full is full: what is there already counts.
                if note.add(line.clone()).is_err() {
                    break;
                }
            }
        }
    }
}
