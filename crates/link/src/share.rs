//! Checkpoints shown to third parties: what finds a party that tells two others two histories.
//!
//! This machine carries the frame and compares what concerns its own two logs. Which notes are shown to whom, and what is
//! kept of logs between two others, is the node's.
use alloc::vec;
use alloc::vec::Vec;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tlog::{Checkpoint, Hash, Verified};
use units::{Mono, Now};

use crate::machine::Link;
use crate::output::{Output, ShareOrder};
use crate::reason::{CloseCode, FrozenReason};
use crate::ring::Known;
use crate::state::Phase;

/// How often checkpoints are shown, ms: a fork is found within two of these.
pub const SHARE_EVERY_MS: u64 = 5_000;
/// Notes of one frame: of 16 parties 14 others, each with four notes, and 16 forks of two. 96 × 4,096 bytes are 384 KiB.
pub const SHARED_MAX: usize = 96;
/// Frames sooner after the one before are ignored: verifying 96 notes takes some 5 ms.
pub const SHARED_LEAST_MS: u64 = SHARE_EVERY_MS / 2;
/// Notes kept of sizes that the peer has not told us: 8 × 0.7 kB.
const EARLY_MAX: usize = 8;
/// A note of a size that the peer has not told us after this long is told to the desk: the entries were all on their way.
pub const EARLY_LATE_MS: u64 = 2 * SHARE_EVERY_MS;

/// A note of the peer's log, of a size that it has not told us.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Early {
    #[n(0)]
    size: u64,
    #[n(1)]
    root: Hash,
    /// Text and owner's line.
    #[n(2)]
    note: ByteVec,
    #[n(3)]
    since: Mono,
}

impl Link {
    /// Remembers the root at each of the last sizes of the peer's log, so that any note of it can be compared.
    #[must_use]
    pub fn watching(mut self, on: bool) -> Self {
        self.watching = on;
        self
    }

    /// Shows the peer checkpoints: notes as they were heard, and own ones that are to be signed. Nothing without a session.
    //= spec/link.md L-47
    pub fn share(&mut self, mut notes: Vec<Vec<u8>>, mut sign: Vec<Checkpoint>) {
        let Phase::Up(session) = &self.phase else { return };
        sign.truncate(SHARED_MAX);
        notes.truncate(SHARED_MAX - sign.len());
        if notes.len() + sign.len() > 0 {
            let order = ShareOrder { session: session.contact.session, notes, sign };
            self.outputs.push_back(Output::Share(order));
        }
    }

    /// The newest note of the peer's log, as it was heard from the peer.
    #[must_use]
    pub fn peer_note(&self) -> Option<&[u8]> {
        self.peer_note.as_ref().map(|note| note.as_slice())
    }

    /// Our log at the newest size that the peer cosigned: it holds a note of that size to compare with.
    #[must_use]
    pub fn receipted(&self) -> Option<Checkpoint> {
        let root = self.signed.root(self.cosigned)?;
        (self.cosigned > 0).then(|| Checkpoint { origin: self.config.out_origin(), size: self.cosigned, root })
    }

    //= spec/link.md L-48
    pub(crate) fn on_shared(&mut self, notes: Vec<Vec<u8>>, now: Now) {
        if !self.watching {
            return self.close(CloseCode::Unexpected, &"the pact does not share checkpoints", now);
        }
        let Phase::Up(session) = &mut self.phase else { return };
        if session.shared_at.is_some_and(|at| now.mono.since_ms(at) < SHARED_LEAST_MS) {
            return;
        }
        session.shared_at = Some(now.mono);
        self.outputs.extend(notes.into_iter().map(|note| Output::Shown { note }));
    }

    /// Whether a note of this size and root would change anything if it is by its owner's key: else there is nothing to verify.
    #[must_use]
    pub fn is_news(&self, own: bool, size: u64, root: &Hash) -> bool {
        if own {
            return !matches!(self.signed.know(size, root), Known::Same | Known::Forgotten);
        }
        if size > self.held.size() {
            // To be kept until it is reached.
            return !self.early.iter().any(|early| (early.size, early.root) == (size, *root));
        }
        self.seen.know(size, root) == Known::OtherRoot || self.trail.know(size, root) == Known::OtherRoot
    }

    /// Takes a checkpoint of the peer's log from a third party: a witness, or another peer.
    ///
    /// Freezes the link if it contradicts what the peer told us.
    ///
    /// # Errors
    /// What [`open_checkpoint`] gives: such a note says nothing about the peer.
    //= spec/link.md L-30
    //= spec/link.md L-49
    pub fn handle_witnessed(&mut self, note: &[u8], now: Now) -> Result<(), tlog::Error> {
        let opened = self.open_theirs(note)?;
        if matches!(self.phase, Phase::Frozen(_)) {
            return Ok(());
        }
        if opened.size > self.held.size() {
            self.keep_early(&opened, now);
            return Ok(());
        }
        if self.seen.know(opened.size, &opened.root) == Known::OtherRoot {
            self.contradiction(FrozenReason::Equivocation, opened.size, note.to_vec(), now);
        } else if self.trail.know(opened.size, &opened.root) == Known::OtherRoot {
            // Never signed to us at this size; but what it sent us has another root.
            let evidence = self.peer_note.clone().into_iter().chain([ByteVec::from(note.to_vec())]).collect();
            self.freeze(FrozenReason::RootMismatch, evidence, None, now);
        }
        Ok(())
    }

    /// Takes a checkpoint of our own log that a third party was shown.
    ///
    /// One that we never signed means that this data is an old copy, or that another has our key: either way nothing more
    /// may be signed here.
    ///
    /// # Errors
    /// What [`open_checkpoint`] gives: such a note is not ours.
    //= spec/link.md L-50
    pub fn handle_own_shown(&mut self, note: &[u8], now: Now) -> Result<(), tlog::Error> {
        let (opened, by_thief) = self.open_own(note)?;
        // What a stolen key signed does not show what we signed.
        if by_thief || matches!(self.phase, Phase::Frozen(_)) {
            return Ok(());
        }
        match self.signed.know(opened.size, &opened.root) {
            Known::Same | Known::Forgotten => {}
            Known::OtherRoot | Known::Above | Known::Skipped => {
                self.freeze(FrozenReason::OwnRollback, vec![ByteVec::from(note.to_vec())], None, now);
            }
        }
        Ok(())
    }
}

impl Link {
    /// Keeps a note of a size that we do not hold. Its owner shows others only what we cosigned, so it is news in itself.
    /// Those that are kept are never pushed out by later ones: eight of them that are not reached are an alarm already.
    //= spec/link.md L-51
    fn keep_early(&mut self, opened: &Verified<Checkpoint>, now: Now) {
        let (size, root) = (opened.size, opened.root);
        let plain = opened.note().text() == opened.to_text();
        let known = self.early.iter().any(|early| (early.size, early.root) == (size, root));
        if plain && !known && self.early.len() < EARLY_MAX {
            self.early.push(Early { size, root, note: ByteVec::from(opened.bare()), since: now.mono });
        }
    }

    /// Compares the notes kept with what the peer has told us up to their sizes. False if that froze the link.
    //= spec/link.md L-51
    pub(crate) fn early_agree(&mut self, now: Now) -> bool {
        let held = self.held.size();
        let other = |early: &&Early| self.trail.know(early.size, &early.root) == Known::OtherRoot;
        let lie = self.early.iter().filter(|early| early.size <= held).find(other).cloned();
        self.early.retain(|early| early.size > held);
        if let Some(early) = &lie {
            let evidence = self.peer_note.clone().into_iter().chain([early.note.clone()]).collect();
            self.freeze(FrozenReason::RootMismatch, evidence, None, now);
        }
        lie.is_none()
    }

    /// The largest size that the peer signed for others and has kept from us for [`EARLY_LATE_MS`].
    //= spec/link.md L-51
    pub(crate) fn withheld(&self, now: Mono) -> Option<u64> {
        self.early.iter().filter(|e| now.since_ms(e.since) >= EARLY_LATE_MS).map(|e| e.size).max()
    }
}

impl ShareOrder {
    /// The frame, once the own checkpoints are signed.
    #[must_use]
    pub fn frame(&self, signed: Vec<Vec<u8>>) -> crate::frame::Frame {
        assert_eq!(signed.len(), self.sign.len(), "each that was to be signed is");
        crate::frame::Frame::Checkpoints(self.notes.iter().cloned().chain(signed).collect())
    }
}
