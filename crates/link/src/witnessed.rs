//! Notes with witnesses' cosignatures: our own, to be kept and sent on; the peer's, to be judged (`spec/witness.md`).
//!
//! Which witnesses count is the pact's matter, and so the node's. Here is what only the link knows: which sizes were
//! signed, and with which root.
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use minicbor::bytes::ByteVec;
use tlog::Hash;
use units::Now;

use crate::frame::{CHECKPOINT_NOTE_BYTES_MAX, Frame};
use crate::machine::Link;
use crate::output::Output;
use crate::reason::{CloseCode, FrozenReason};
use crate::ring::Known;
use crate::state::Phase;

impl Link {
    /// The newest size at or below `upto` that we signed, with its root: what a store that holds `upto` entries can show.
    #[must_use]
    pub fn signed_upto(&self, upto: u64) -> Option<(u64, Hash)> {
        self.signed.upto(upto)
    }

    /// The newest size of the peer's log that it signed and we verified, with its note.
    #[must_use]
    pub fn peer_checkpoint(&self) -> Option<(u64, &[u8])> {
        let (size, _) = self.seen.newest()?;
        Some((size, self.peer_note.as_ref()?))
    }

    /// Takes a note of our own log that a witness gave: if it is of a size and root that we signed and remember, keeps it,
    /// sends it on and gives its size.
    ///
    /// A note with our signature that is not of our log shows that this data is behind what was said, or that somebody else
    /// has the key: the link freezes, as if the peer had shown it in its hello (L-14).
    //= spec/witness.md W-4
    pub fn handle_own_witnessed(&mut self, note: &[u8], now: Now) -> Option<u64> {
        if note.len() > CHECKPOINT_NOTE_BYTES_MAX || matches!(self.phase, Phase::Frozen(_)) {
            return None;
        }
        let (opened, by_thief) = self.open_own(note).ok()?;
        match self.signed.know(opened.size, &opened.root) {
            Known::Same => {}
            //= spec/witness.md W-7
            Known::OtherRoot | Known::Above | Known::Skipped if !by_thief => {
                self.freeze(FrozenReason::OwnRollback, vec![ByteVec::from(note.to_vec())], None, now);
                return None;
            }
            _ => return None,
        }
        self.outputs.push_back(Output::StoreWitnessed { own: true, size: opened.size, note: note.to_vec() });
        if let Phase::Up(session) = &self.phase {
            let session = session.contact.session;
            self.send(session, &Frame::Witnessed(note.to_vec()));
        }
        Some(opened.size)
    }

    /// Takes such a note of the peer's log. A size that is not remembered proves nothing here and is passed over: what was
    /// not sent to us is not ours to judge.
    //= spec/witness.md W-5
    pub(crate) fn on_witnessed(&mut self, note: Vec<u8>, now: Now) {
        let opened = match self.open_theirs(&note) {
            Ok(opened) if opened.note().text() == opened.to_text() => opened,
            Ok(_) => return self.close(CloseCode::BadCheckpoint, &"the witnessed note has extension lines", now),
            Err(error) => return self.close(CloseCode::BadCheckpoint, &format!("witnessed note: {error}"), now),
        };
        match self.seen.know(opened.size, &opened.root) {
            Known::Same => self.outputs.push_back(Output::PeerWitnessed { size: opened.size, note }),
            //= spec/witness.md W-6
            Known::OtherRoot => self.contradiction(FrozenReason::Equivocation, opened.size, note, now),
            Known::Above | Known::Skipped | Known::Forgotten => {}
        }
    }
}
