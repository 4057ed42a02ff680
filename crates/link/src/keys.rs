//! Keys that change while a log goes on (`spec/keys.md`). Whether a statement about keys is to be believed is the node's
//! business; here is what it does to the link.
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use tlog::{Checkpoint, Error, Verified, VerifierKey, open_checkpoint};
use units::Now;

use crate::error::Misuse;
use crate::machine::Link;
use crate::reason::CloseCode;
use crate::state::Phase;

/// Most older keys of one side; a statement about keys is refused before (`pact::STATEMENTS_MAX`).
const PAST_MAX: usize = 64;

/// A key that signed a log before another took its place.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct PastKey {
    /// As text.
    #[n(0)]
    key: String,
    /// Whether somebody else may have it.
    #[n(1)]
    stolen: bool,
}

impl Link {
    /// Replaces the key of our log: the next checkpoint is ordered for the new one. The next entry is to be the statement
    /// that says so; nothing is cosigned before the peer has it, unless neither this key nor the cosigning key changed.
    ///
    /// # Errors
    /// What [`crate::LinkConfig::check`] gives for the new keys; nothing has changed then.
    //= spec/keys.md K-6
    pub fn rekey(&mut self, log_key: VerifierKey, cosign_changed: bool, stolen: bool) -> Result<(), Misuse> {
        let mut config = self.config.clone();
        let before = core::mem::replace(&mut config.my_log_key, log_key);
        config.check()?;
        let log_changed = keep(&mut self.my_past, &before, &config.my_log_key, stolen);
        self.config = config;
        if log_changed || cosign_changed {
            self.keys_told = self.out.size() + 1;
        }
        Ok(())
    }

    /// Whether the peer has the statement about our newest keys: it cosigned it, or held it when this session began.
    //= spec/keys.md K-6
    pub(crate) fn keys_known(&self) -> bool {
        let began = if let Phase::Up(session) = &self.phase { session.began } else { 0 };
        self.keys_told <= self.cosigned.max(began)
    }

    /// The peer says that its keys are others. If ours are too and it may not have read so, then it waits for a cosignature as
    /// we do, and neither gives one: the next session begins with what each holds.
    //= spec/keys.md K-12
    pub(crate) fn both_rekeyed(&mut self, now: Now) {
        if !self.keys_known() {
            self.close(CloseCode::Ended, &"both sides replaced keys; a new session shows who holds what", now);
        }
    }

    /// Replaces the peer's keys: from here on nothing by the older ones is taken. `reconnect` ends the session, which was
    /// authenticated by a key that no longer is the peer's.
    ///
    /// # Errors
    /// As [`Link::rekey`].
    //= spec/keys.md K-5
    pub fn rekey_peer(
        &mut self,
        log_key: VerifierKey,
        cosign_key: VerifierKey,
        stolen: bool,
        reconnect: bool,
        now: Now,
    ) -> Result<(), Misuse> {
        let mut config = self.config.clone();
        let before = core::mem::replace(&mut config.peer_log_key, log_key);
        config.peer_cosign_key = cosign_key;
        config.check()?;
        if keep(&mut self.peer_past, &before, &config.peer_log_key, stolen) {
            self.peer_note_is_past = self.peer_note.is_some();
        }
        self.config = config;
        // What a thief showed others says nothing of what the peer keeps from us.
        if stolen {
            self.early.clear();
        }
        //= spec/keys.md K-7
        if reconnect {
            self.close(CloseCode::Ended, &"your TLS key was replaced", now);
        }
        Ok(())
    }

    /// A note of our own log, by the key in force or an older one; and whether the key was stolen.
    //= spec/keys.md K-9
    pub(crate) fn open_own(&self, note: &[u8]) -> Result<(Verified<Checkpoint>, bool), Error> {
        open_any(note, &self.config.out_origin(), &self.config.my_log_key, &self.my_past)
    }

    /// The size of a note of our own log, by whatever key of ours there was.
    ///
    /// # Errors
    /// As [`open_checkpoint`], for the key in force.
    pub fn own_note_size(&self, note: &[u8]) -> Result<u64, Error> {
        self.open_own(note).map(|(opened, _)| opened.size)
    }

    /// A note of the peer's log from a third party: by the key in force, or one that was not stolen.
    //= spec/keys.md K-10
    pub(crate) fn open_theirs(&self, note: &[u8]) -> Result<Verified<Checkpoint>, Error> {
        let own: Vec<PastKey> = self.peer_past.iter().filter(|past| !past.stolen).cloned().collect();
        open_any(note, &self.config.in_origin(), &self.config.peer_log_key, &own).map(|(opened, _)| opened)
    }
}

/// Remembers a key that was replaced; false if it was not.
fn keep(past: &mut Vec<PastKey>, before: &VerifierKey, after: &VerifierKey, stolen: bool) -> bool {
    let changed = before != after;
    if changed && past.len() < PAST_MAX {
        past.push(PastKey { key: before.to_string(), stolen });
    }
    changed
}

fn open_any(
    note: &[u8],
    origin: &str,
    key: &VerifierKey,
    past: &[PastKey],
) -> Result<(Verified<Checkpoint>, bool), Error> {
    let first = match open_checkpoint(note, origin, key) {
        Ok(opened) => return Ok((opened, false)),
        Err(error) => error,
    };
    let older = past.iter().rev().find_map(|past| {
        let key: VerifierKey = past.key.parse().ok()?;
        Some((open_checkpoint(note, origin, &key).ok()?, past.stolen))
    });
    older.ok_or(first)
}
