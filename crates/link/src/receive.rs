//! What arrives: entries, checkpoints, cosignatures, refusals.
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::bytes::ByteVec;
use record::{Body, Decoded, Record};
use tlog::{Checkpoint, Hash, SignatureLine, TREE_SIZE_MAX, leaf_hash, open_checkpoint, verify_cosignature};
use units::{Mono, Now, Utc};

use crate::ahead::Turn;
use crate::error::Error;
use crate::flow::{Lane, WINDOW, is_old};
use crate::frame::Frame;
use crate::machine::Link;
use crate::output::{CosignOrder, Output};
use crate::reason::{CloseCode, FrozenReason, Refusal};
use crate::ring::Known;
use crate::state::{Covered, Phase};

/// Frames other than entries that may come at once: a stall of 30 s of an honest peer's 30 a second is 900.
pub const CONTROL_BURST: u32 = 1024;
/// Frames other than entries that may come in the long run, a second: an honest peer sends 30.
pub const CONTROL_PER_S: u32 = 50;

impl Link {
    /// Takes one frame, without its length prefix.
    //= spec/link.md L-38
    pub fn handle_frame(&mut self, session: u64, frame: &[u8], now: Now) {
        if !self.is_current(session) {
            return;
        }
        if let Some(contact) = self.contact_mut() {
            contact.heard = now.mono;
        }
        let frame = match Frame::decode(frame) {
            Ok(frame) => frame,
            Err(error) => return self.close(code_of(&error), &error, now),
        };
        if !matches!(frame, Frame::Entries { .. } | Frame::Grant(_)) && !self.afford(now.mono) {
            return self.close(CloseCode::TooFast, &"more than 50 frames a second that are not entries", now);
        }
        match (&self.phase, frame) {
            (_, Frame::Close { code, .. }) => {
                let reason = CloseCode::from_code(code.into());
                self.outputs.push_back(Output::Disconnect { session, reason });
                self.end(reason, true, now);
            }
            (Phase::Greeting(contact), Frame::Hello(hello)) => self.on_hello(*contact, hello, now),
            (Phase::Differing(_, hash), Frame::PactText(text)) => self.on_pact_text(*hash, text, now),
            (Phase::Up(_), Frame::Entries { first, entries }) => self.on_entries(first, entries, now),
            (Phase::Up(_), Frame::Checkpoint { seq, sent_utc_ms, note }) => {
                self.on_checkpoint(seq, Utc(sent_utc_ms), note, now);
            }
            (Phase::Up(_), Frame::Cosignature { size, recv_utc_ms, line }) => {
                self.on_cosignature(size, Utc(recv_utc_ms), line, now);
            }
            (Phase::Up(_), Frame::Witnessed(note)) => self.on_witnessed(note, now),
            (Phase::Up(_), Frame::Refusals(list)) => self.on_refusals(&list, now),
            (Phase::Up(_), Frame::Grant(upto)) => self.on_grant(upto, now),
            (Phase::Up(_), Frame::Checkpoints(notes)) => self.on_shared(notes, now),
            (Phase::Up(_), Frame::Ahead { index, entry }) => self.on_ahead(index, &entry, now),
            //= spec/link.md L-9
            _ => self.close(CloseCode::Unexpected, &"a frame that has no place here", now),
        }
    }

    //= spec/link.md L-25
    fn on_entries(&mut self, first: u64, entries: Vec<Vec<u8>>, now: Now) {
        let held = self.held.size();
        if first != held {
            return self.close(CloseCode::EntryOrder, &format!("entry {first} came, {held} was next"), now);
        }
        if TREE_SIZE_MAX - held < entries.len() as u64 {
            return self.close(CloseCode::TooLarge, &"a log cannot be larger", now);
        }
        //= spec/link.md L-41
        let granted = self.granted_in();
        if held + entries.len() as u64 > granted {
            return self.close(CloseCode::TooFast, &format!("entries up to {granted} were granted"), now);
        }
        let (mut refused, mut rekeyed) = (Vec::new(), false);
        for (index, bytes) in (first..).zip(entries) {
            //= spec/link.md L-26
            self.held.append(leaf_hash(&bytes));
            if self.watching {
                self.trail.push(self.held.size(), self.held.root());
            }
            //= spec/link.md L-46
            let judged = match self.in_turn(index, &bytes) {
                Turn::AsAhead => {
                    self.outputs.push_back(Output::StoreIn { index, bytes });
                    continue;
                }
                Turn::Denied => Err(Refusal::NotAsAhead),
                Turn::First => self.judge(&bytes),
            };
            self.charge(index, judged.as_ref().ok().map(|decoded| &decoded.record), now);
            self.outputs.push_back(Output::StoreIn { index, bytes });
            match judged {
                Ok(decoded) => {
                    rekeyed |= matches!(decoded.record.body, Body::Keys(_));
                    self.outputs.push_back(Output::Accepted { index, decoded: Box::new(decoded) });
                }
                Err(reason) => {
                    //= spec/link.md L-28
                    *self.tally.refused.entry(reason).or_default() += 1;
                    refused.push((index, reason.code()));
                    self.outputs.push_back(Output::Refused { index, reason });
                }
            }
        }
        if let (Some(session), false) = (self.session(), refused.is_empty()) {
            self.send(session, &Frame::Refusals(refused));
        }
        if self.watching && !self.early_agree(now) {
            return;
        }
        self.grant(now, false);
        if rekeyed {
            self.both_rekeyed(now);
        }
    }

    fn granted_in(&self) -> u64 {
        match &self.phase {
            Phase::Up(session) => session.granted_in,
            _ => 0,
        }
    }

    /// Takes an entry off the bucket of its kind. It was granted, so there is enough.
    //= spec/link.md L-43
    fn charge(&mut self, index: u64, record: Option<&Record>, now: Now) {
        let lane = record.map_or(Lane::Unreadable, Lane::of);
        let missed = matches!(&self.phase, Phase::Up(session) if index < session.backlog);
        let old = missed && record.is_some_and(|record| is_old(record, now));
        self.buckets.take(lane, &self.limits, old, now.mono);
        if self.buckets.is_short(lane, &self.limits, now.mono) {
            *self.tally.throttled.entry(lane).or_default() += 1;
        }
    }

    //= spec/link.md L-41
    fn on_grant(&mut self, upto: u64, now: Now) {
        let size = self.out.size();
        let Phase::Up(session) = &mut self.phase else { return };
        if upto <= session.granted_out {
            return self.close(CloseCode::Repeated, &format!("a grant up to {upto} is not new"), now);
        }
        if upto > size.saturating_add(WINDOW) {
            return self.close(CloseCode::Unexpected, &format!("a grant up to {upto} of {size}"), now);
        }
        session.granted_out = upto;
        let session = session.contact.session;
        self.outputs.push_back(Output::Granted { session, upto });
    }

    //= spec/link.md L-27
    pub(crate) fn judge(&self, bytes: &[u8]) -> Result<Decoded, Refusal> {
        let decoded = record::decode(bytes).map_err(|error| Refusal::of(&error))?;
        let (record, config) = (&decoded.record, &self.config);
        if record.issuer != config.peer {
            return Err(Refusal::WrongIssuer);
        }
        if record.audience != config.me {
            return Err(Refusal::WrongAudience);
        }
        if record.mode != config.mode {
            return Err(Refusal::WrongMode);
        }
        if record.pact != config.pact {
            return Err(Refusal::WrongPact);
        }
        Ok(decoded)
    }

    fn on_checkpoint(&mut self, seq: u64, sent: Utc, note: Vec<u8>, now: Now) {
        let Phase::Up(session) = &mut self.phase else { return };
        //= spec/link.md L-36
        if session.seq_in.is_some_and(|last| seq <= last) {
            return self.close(CloseCode::Repeated, &format!("checkpoint {seq} is not new"), now);
        }
        session.seq_in = Some(seq);
        let (size, root) = match self.open_peer_note(&note) {
            Ok(opened) => opened,
            Err(text) => return self.close(CloseCode::BadCheckpoint, &text, now),
        };
        let known = self.seen.know(size, &root);
        let newest = self.seen.newest().map(|(newest, _)| newest);
        //= spec/link.md L-30
        if known == Known::OtherRoot {
            return self.contradiction(FrozenReason::Equivocation, size, note, now);
        }
        //= spec/link.md L-31
        if newest.is_some_and(|newest| size < newest) {
            return self.contradiction(FrozenReason::PeerRollback, size, note, now);
        }
        //= spec/link.md L-32
        if size != self.held.size() {
            let text = format!("checkpoint of size {size}, I hold {}", self.held.size());
            return self.close(CloseCode::SizeMismatch, &text, now);
        }
        //= spec/link.md L-33
        if root != self.held.root() {
            let evidence = self.peer_note.clone().into_iter().chain([ByteVec::from(note)]).collect();
            return self.freeze(FrozenReason::RootMismatch, evidence, None, now);
        }
        // The first note by a new key takes the place of the last one by the old key, though it says no more.
        if known == Known::Above || self.peer_note_is_past {
            self.seal(size, root, note);
        }
        let late_ms = self.clock.checkpoint(sent, now.utc);
        self.covered = Some(Covered { at: now.mono, late_ms });
        self.cosign(size, root, now);
    }

    /// Gives size and root of a note of the peer's log. The heartbeat repeats the newest note, which is verified once.
    //= spec/link.md L-29
    fn open_peer_note(&self, note: &[u8]) -> Result<(u64, Hash), String> {
        if let (Some(held), Some(newest)) = (&self.peer_note, self.seen.newest())
            && held.as_slice() == note
            && !self.peer_note_is_past
        {
            return Ok(newest);
        }
        let opened = open_checkpoint(note, &self.config.in_origin(), &self.config.peer_log_key)
            .map_err(|error| format!("{error}"))?;
        //= spec/link.md L-3
        if opened.note().text() != opened.to_text() {
            return Err(String::from("the checkpoint has extension lines"));
        }
        Ok((opened.size, opened.root))
    }

    //= spec/link.md L-34
    fn seal(&mut self, size: u64, root: Hash, note: Vec<u8>) {
        self.seen.push(size, root);
        self.peer_note = Some(ByteVec::from(note.clone()));
        self.peer_note_is_past = false;
        self.outputs.push_back(Output::StorePeerCheckpoint { size, note });
        if size > 0 {
            self.outputs.push_back(Output::Sealed { size });
        }
    }

    /// Once for each size and session: the peer may have missed the one of the session before.
    //= spec/link.md L-34
    fn cosign(&mut self, size: u64, root: Hash, now: Now) {
        // A peer that has not read of our new key cannot know its signature; the heartbeat asks again.
        //= spec/keys.md K-6
        if !self.keys_known() {
            return;
        }
        let Phase::Up(session) = &mut self.phase else { return };
        if session.cosigned_in.replace(size) == Some(size) {
            return;
        }
        let checkpoint = Checkpoint { origin: self.config.in_origin(), size, root };
        let time_s = u64::try_from(now.utc.0.div_euclid(1000)).unwrap_or(0);
        let order = CosignOrder { session: session.contact.session, checkpoint, time_s, recv_utc: now.utc };
        self.outputs.push_back(Output::Cosign(order));
    }

    //= spec/link.md L-35
    fn on_cosignature(&mut self, size: u64, recv: Utc, line: String, now: Now) {
        let Phase::Up(session) = &mut self.phase else { return };
        //= spec/link.md L-36
        if session.cosigned_out.is_some_and(|last| size <= last) {
            return self.close(CloseCode::Repeated, &format!("cosignature of size {size} is not new"), now);
        }
        let Some(root) = self.signed.root(size) else {
            return self.close(CloseCode::BadCosignature, &format!("I signed no size {size}"), now);
        };
        let checkpoint = Checkpoint { origin: self.config.out_origin(), size, root };
        let verified = SignatureLine::from_text(&line)
            .and_then(|line| verify_cosignature(&checkpoint.to_text(), &line, &self.config.peer_cosign_key));
        let time_s = match verified {
            Ok(cosignature) => cosignature.time_s,
            Err(error) => return self.close(CloseCode::BadCosignature, &error, now),
        };
        session.cosigned_out = Some(size);
        if let Some(sent) = session.awaited(size) {
            self.clock.round_trip(now.mono.since_ms(sent));
        }
        self.clock.checkpoint(recv, now.utc);
        if size > self.cosigned {
            self.cosigned = size;
            self.urgent.retain(|urgent| urgent.index >= size);
            self.outputs.push_back(Output::StoreCosignature { checkpoint, line });
            self.outputs.push_back(Output::Received { size, time_s });
        }
    }

    //= spec/link.md L-28
    fn on_refusals(&mut self, list: &[(u64, u8)], now: Now) {
        let Phase::Up(session) = &mut self.phase else { return };
        if let Some((index, _)) = list.iter().find(|(index, _)| *index >= session.sent_upto) {
            return self.close(CloseCode::Unexpected, &format!("entry {index} was not sent"), now);
        }
        //= spec/link.md L-36
        for (index, _) in list {
            if *index < session.refused_upto {
                return self.close(CloseCode::Repeated, &format!("entry {index} was refused before"), now);
            }
            session.refused_upto = index + 1;
        }
        let refused: Vec<(u64, Refusal)> =
            list.iter().map(|(index, code)| (*index, Refusal::from_code((*code).into()))).collect();
        for (_, reason) in &refused {
            *self.tally.peer_refused.entry(*reason).or_default() += 1;
        }
        self.outputs.push_back(Output::PeerRefused { refused });
    }

    /// Freezes over a note that contradicts one that we hold: the newest, or an older one in the store.
    pub(crate) fn contradiction(&mut self, reason: FrozenReason, size: u64, note: Vec<u8>, now: Now) {
        let stored = self.seen.root(size).is_some() && self.seen.newest().is_some_and(|(newest, _)| newest != size);
        let held = self.peer_note.clone();
        let evidence = held.into_iter().chain([ByteVec::from(note)]).collect();
        self.freeze(reason, evidence, stored.then_some(size), now);
    }

    /// Takes one frame off the peer's credit; refilled by time.
    //= spec/link.md L-37
    fn afford(&mut self, now: Mono) -> bool {
        let Phase::Up(session) = &mut self.phase else { return true };
        let each_ms = u64::from(1000 / CONTROL_PER_S);
        let earned = now.since_ms(session.credit_at) / each_ms;
        session.credit_at = session.credit_at.plus_ms(earned * each_ms);
        session.credit = u32::try_from(earned).unwrap_or(u32::MAX).saturating_add(session.credit).min(CONTROL_BURST);
        let affords = session.credit > 0;
        session.credit -= u32::from(affords);
        affords
    }
}

/// The close that answers bytes that are no frame.
fn code_of(error: &Error) -> CloseCode {
    match error {
        Error::TooLarge { .. } => CloseCode::TooLarge,
        Error::Version { .. } => CloseCode::Version,
        _ => CloseCode::Malformed,
    }
}
