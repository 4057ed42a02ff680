//! Notes with witnesses' cosignatures: our own, to be kept and sent on; the peer's, to be judged (`spec/witness.md`).
//!
//! Which witnesses count is the pact's matter, and so the node's. Here is what only the link knows: which sizes were
//! signed, and with which root.
use alloc::vec;
use alloc::vec::Vec;
use minicbor::bytes::ByteVec;
use tlog::Hash;
use units::Now;

use crate::frame::{CHECKPOINT_NOTE_BYTES_MAX, Frame};
use crate::machine::Link;
use crate::output::Output;
use crate::reason::FrozenReason;
use crate::ring::Known;
use crate::state::Phase;

impl Link {
    /// The newest size at or below `upto` that we signed, with its root: what a store that holds `upto` entries can sign again
    /// for others than the peer. None while the link is frozen, when nothing is signed.
    #[must_use]
    pub fn signed_upto(&self, upto: u64) -> Option<(u64, Hash)> {
        if self.is_frozen() { None } else { self.signed.upto(upto) }
    }

    /// The newest size of the peer's log that it signed and we verified, with its note.
    #[must_use]
    pub fn peer_checkpoint(&self) -> Option<(u64, &[u8])> {
        let (size, _) = self.seen.newest()?;
        Some((size, self.peer_note.as_ref()?))
    }

    /// Takes a note of our own log that a witness gave: if it is of a size and root that we signed and remember, keeps it,
    /// sends it on and gives its size. Not to a peer that has yet to read of the key which signed it: the next note goes there.
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
        //= spec/keys.md K-13
        if let (Some(session), true) = (self.up_session(), self.keys_known()) {
            self.send(session, &Frame::Witnessed(note.to_vec()));
        }
        Some(opened.size)
    }

    /// Takes such a note of the peer's log. One that does not verify, or of a size that is not remembered, proves nothing here
    /// and is passed over: what was not sent to us is not ours to judge, and keys change while a note is on its way.
    //= spec/witness.md W-5
    pub(crate) fn on_witnessed(&mut self, note: Vec<u8>, now: Now) {
        //= spec/keys.md K-13
        let Ok(opened) = self.open_theirs(&note) else { return };
        if opened.note().text() != opened.to_text() {
            return;
        }
        match self.seen.know(opened.size, &opened.root) {
            Known::Same => self.outputs.push_back(Output::PeerWitnessed { size: opened.size, note }),
            //= spec/witness.md W-6
            Known::OtherRoot => self.contradiction(FrozenReason::Equivocation, opened.size, note, now),
            Known::Above | Known::Skipped | Known::Forgotten => {}
        }
    }
}
