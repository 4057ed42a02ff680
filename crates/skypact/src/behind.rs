//! Whether a data folder is behind what its own signatures prove.
//!
//! A journal that was lost, or restored from an older copy than the link logs beside it, would say other things under
//! the numbers of what was said before, and sign them: an equivocation, proven by the peer's receipts. The peer's
//! receipt that lies beside our log tells it before anything is said. Without it the peer does (`OWN_ROLLBACK`).
use anyhow::{Result, bail};
use fold::Stores;
use node::State;
use std::fs;
use tracing::warn;

/// Refuses a state that knows less of a log of ours than the receipt beside it covers.
//= spec/link.md S-8
pub fn check(state: &State, stores: &Stores) -> Result<()> {
    for (peer, logs) in stores.map() {
        let Some(link) = state.link(peer) else { continue };
        let path = logs.dir.join("out/checkpoint");
        let Ok(note) = fs::read(&path) else { continue };
        let size = match link.own_note_size(&note) {
            Ok(size) => size,
            // Whole, and signed by a key that we are not known to have had: a statement about our keys came after this journal.
            Err(tlog::Error::PeerMisbehaved(tlog::PeerMisbehaved::NotSigned)) => bail!(
                "the receipt {} is signed by no key that this node is known to have had: the journal is behind it, or a statement \
                 about own keys is missing in the configuration. Restore journal and links from the same, newest copy. Nothing is \
                 signed until then",
                path.display()
            ),
            // Never synced by itself, so a crash of the machine may have left anything in it: it proves nothing then.
            Err(error) => {
                warn!(%peer, "{} is not a receipt: {error}", path.display());
                continue;
            }
        };
        let known = link.out_log().size();
        if size > known {
            bail!(
                "the receipt {} covers {size} entries said to {peer}, and the journal knows {known}: this data is behind \
                 what was said. Restore journal and links from the same, newest copy; if there is none, agree a new pact, \
                 with which new logs begin; release rules, markings and accounts that were ordered since that copy are gone: order them \
                 again before the link is opened (docs/operating.md, \"Backups\"). Nothing is signed until then",
                path.display()
            );
        }
    }
    Ok(())
}
