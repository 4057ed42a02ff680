//! The machine: connections, time, own entries and checkpoints.
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use record::{Hash32, Record};
use release::Released;
use tlog::{Checkpoint, Frontier, leaf_hash};
use units::{Mono, Now};

use crate::ahead::{Ahead, Urgent};
use crate::clock::ClockWatch;
use crate::config::LinkConfig;
use crate::error::{Error, Misuse};
use crate::flow::{Buckets, Limits, WINDOW, is_urgent};
use crate::frame::{CLOSE_TEXT_BYTES_MAX, Frame};
use crate::keys::PastKey;
use crate::output::{CheckpointOrder, Output};
use crate::pad::Padding;
use crate::reason::{CloseCode, FrozenReason};
use crate::ring::Ring;
use crate::share::Early;
use crate::state::{Contact, Covered, Freeze, Phase, SILENCE_MS, Session, Tally};
use crate::view::End;

/// A grant of fewer entries waits for a tick.
const GRANT_WORTH: u64 = 64;

/// What waits longer for its receipt on a link of constant rate has more before it than the rate carries: a chunk each way is
/// at most 500 ms late, and the rest is the path.
const LATE_MS: u64 = 2_000;

/// One link: both logs with one peer, and the session if there is one.
///
/// Every handler may be called in every state; [`Link::poll_output`] is to be drained after each. The CBOR form is the
/// snapshot; outputs not yet drained are not in it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Link {
    #[n(0)]
    pub(crate) config: LinkConfig,
    /// Our log.
    #[n(1)]
    pub(crate) out: Frontier,
    /// Sizes of our log that we signed.
    #[n(2)]
    pub(crate) signed: Ring,
    /// Largest size of our log that the peer cosigned.
    #[n(3)]
    pub(crate) cosigned: u64,
    /// The peer's log as held.
    #[n(4)]
    pub(crate) held: Frontier,
    /// Sizes of the peer's log that it signed and we verified.
    #[n(5)]
    pub(crate) seen: Ring,
    /// The note of the newest of these.
    #[n(6)]
    pub(crate) peer_note: Option<ByteVec>,
    #[n(7)]
    pub(crate) phase: Phase,
    /// Highest session number so far.
    #[n(8)]
    pub(crate) last_session: Option<u64>,
    #[n(9)]
    pub(crate) clock: ClockWatch,
    #[n(10)]
    pub(crate) covered: Option<Covered>,
    #[n(11)]
    pub(crate) tally: Tally,
    #[n(12)]
    pub(crate) last_end: Option<End>,
    /// Keys that signed our log before.
    #[n(13)]
    pub(crate) my_past: Vec<PastKey>,
    /// Keys that signed the peer's log before.
    #[n(14)]
    pub(crate) peer_past: Vec<PastKey>,
    /// Whether the newest note of the peer's log is by one of these.
    #[n(15)]
    pub(crate) peer_note_is_past: bool,
    /// Size of our log with the statement about our newest keys.
    #[n(16)]
    pub(crate) keys_told: u64,
    /// What the pact says of rates.
    #[n(17)]
    pub(crate) limits: Limits,
    /// What the peer may still send.
    #[n(18)]
    pub(crate) buckets: Buckets,
    /// Own urgent entries that are not receipted.
    #[n(20)]
    pub(crate) urgent: VecDeque<Urgent>,
    /// What we may still send ahead.
    #[n(21)]
    pub(crate) hastened: Buckets,
    /// Roots of the peer's log at its last sizes, if third parties show us notes of it.
    #[n(22)]
    pub(crate) trail: Ring,
    /// Whether they do.
    #[n(23)]
    pub(crate) watching: bool,
    /// What each direction carries, if the pact says so (clause 19).
    #[n(24)]
    pub(crate) padding: Option<Padding>,
    /// When what is said was last seen to be late for it.
    #[n(25)]
    pub(crate) late_at: Option<Mono>,
    /// What the peer sent ahead of its turn. Number 19 was this once, without the bytes.
    #[n(26)]
    #[cbor(default)]
    pub(crate) ahead: Ahead,
    /// Notes that third parties showed of sizes of the peer's log that it has not told us.
    #[n(27)]
    #[cbor(default)]
    pub(crate) early: Vec<Early>,
    #[cbor(skip)]
    pub(crate) outputs: VecDeque<Output>,
}

/// Where an own record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Index in our log.
    pub index: u64,
    /// The record's name.
    pub id: Hash32,
}

impl Link {
    /// Makes a link of two empty logs.
    ///
    /// # Errors
    /// What [`LinkConfig::check`] gives.
    pub fn new(config: LinkConfig) -> Result<Self, Misuse> {
        config.check()?;
        Ok(Self {
            config,
            out: Frontier::new(),
            signed: Ring::default(),
            cosigned: 0,
            held: Frontier::new(),
            seen: Ring::default(),
            peer_note: None,
            phase: Phase::Down,
            last_session: None,
            clock: ClockWatch::default(),
            covered: None,
            tally: Tally::default(),
            last_end: None,
            my_past: Vec::new(),
            peer_past: Vec::new(),
            peer_note_is_past: false,
            keys_told: 0,
            limits: Limits::default(),
            buckets: Buckets::default(),
            urgent: VecDeque::new(),
            hastened: Buckets::default(),
            trail: Ring::default(),
            watching: false,
            padding: None,
            late_at: None,
            ahead: Ahead::default(),
            early: Vec::new(),
            outputs: VecDeque::new(),
        })
    }

    /// The same link with other rates.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same link at a constant rate.
    #[must_use]
    pub fn padded(mut self, padding: Option<Padding>) -> Self {
        self.padding = padding;
        self
    }

    /// What each direction carries, if it is a fixed rate.
    #[must_use]
    pub fn padding(&self) -> Option<Padding> {
        self.padding
    }

    /// Our log's size and right edge: what a store of it must add up to.
    #[must_use]
    pub fn out_log(&self) -> &Frontier {
        &self.out
    }

    /// The same of the peer's log as held.
    #[must_use]
    pub fn held_log(&self) -> &Frontier {
        &self.held
    }

    /// What the link was made with.
    #[must_use]
    pub fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// Appends a record to our log; it leaves at once if a session is up.
    ///
    /// This is the only way in, and it takes what `release` released:
    ///
    /// ```compile_fail,E0308
    /// fn leak(link: &mut link::Link, record: record::Record) {
    ///     let _ = link.append(record);
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::Frozen`]; [`Misuse::Record`] for a record that is not of this link.
    //= spec/link.md L-24
    pub fn append(&mut self, released: Released<Record>) -> Result<Appended, Error> {
        if let Phase::Frozen(freeze) = &self.phase {
            return Err(Error::Frozen(freeze.reason));
        }
        self.check_own(released.value())?;
        let appended = Appended { index: self.out.size(), id: released.id() };
        let urgent = is_urgent(released.value());
        let bytes = released.into_bytes();
        self.out.append(leaf_hash(&bytes));
        if urgent {
            self.hasten(appended.index, &bytes);
        }
        self.outputs.push_back(Output::StoreOut { index: appended.index, bytes });
        self.stream();
        Ok(appended)
    }

    /// Takes a new connection, authenticated as the peer's. Replaces the one before.
    pub fn handle_connected(&mut self, session: u64, now: Now) {
        //= spec/link.md L-17
        if self.last_session.is_some_and(|last| session <= last) {
            self.tally.stale_inputs += 1;
            return;
        }
        if let Phase::Frozen(freeze) = &self.phase {
            //= spec/link.md L-19
            let text = freeze.reason.name().to_string();
            self.last_session = Some(session);
            self.send_close(session, CloseCode::Frozen, text);
            return;
        }
        if self.session().is_some() {
            self.close(CloseCode::Replaced, &"a newer connection took the place", now);
        }
        self.last_session = Some(session);
        self.phase = Phase::Greeting(Contact { session, heard: now.mono });
        self.clock.restart();
        //= spec/link.md L-9
        let hello = self.hello();
        self.send(session, &hello);
        self.outputs.push_back(Output::StateChanged);
    }

    /// Takes the end of a connection, for a reason the shell saw.
    pub fn handle_disconnected(&mut self, session: u64, reason: CloseCode, now: Now) {
        if self.is_current(session) {
            self.end(reason, false, now);
        }
    }

    /// Takes the passing of time; to be called at least every 100 ms, or at [`Link::poll_timeout`].
    pub fn handle_tick(&mut self, now: Now) {
        //= spec/link.md L-18
        if self.heard().is_some_and(|heard| now.mono.since_ms(heard) >= SILENCE_MS) {
            return self.close(CloseCode::Silent, &"no frame for 15 s", now);
        }
        self.grant(now, true);
        if self.receipt_is_late(now.mono) {
            self.late_at = Some(now.mono);
        }
        if let Phase::Up(session) = &self.phase
            && now.mono >= self.checkpoint_due(session)
        {
            self.checkpoint(now);
        }
    }

    /// Lets the peer send as many more entries as the bucket that has least left allows, whatever they are, once half of a
    /// window is used; between ticks only if it is worth a frame.
    //= spec/link.md L-42
    pub(crate) fn grant(&mut self, now: Now, tick: bool) {
        let (held, allowance) = (self.held.size(), self.buckets.allowance(&self.limits, now.mono));
        let Phase::Up(session) = &mut self.phase else { return };
        let upto = held.saturating_add(allowance).min(tlog::TREE_SIZE_MAX);
        let left = session.granted_in.saturating_sub(held);
        let more = upto.saturating_sub(session.granted_in);
        if left > WINDOW / 2 || more == 0 || (more < GRANT_WORTH && !tick) {
            return;
        }
        session.granted_in = upto;
        let session = session.contact.session;
        self.send(session, &Frame::Grant(upto));
    }

    /// Gives the next effect, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Link::handle_tick`] next has something to do; none without a session. A grant that waits for a bucket comes
    /// with the next tick, and the heartbeat is one a second.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        let silent = self.heard()?.plus_ms(SILENCE_MS);
        match &self.phase {
            Phase::Up(session) => Some(silent.min(self.checkpoint_due(session))),
            _ => Some(silent),
        }
    }

    //= spec/link.md L-2
    fn check_own(&self, record: &Record) -> Result<(), Misuse> {
        let of_link = [
            ("issuer", record.issuer == self.config.me),
            ("audience", record.audience == self.config.peer),
            ("mode", record.mode == self.config.mode),
            ("pact", record.pact == self.config.pact),
        ];
        match of_link.iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(Misuse::Record(what)),
            None => Ok(()),
        }
    }

    /// Hands out what was not handed out yet.
    //= spec/link.md L-20
    pub(crate) fn stream(&mut self) {
        let to = self.out.size();
        if let Phase::Up(session) = &mut self.phase
            && session.sent_upto < to
        {
            let from = core::mem::replace(&mut session.sent_upto, to);
            self.outputs.push_back(Output::SendEntries { session: session.contact.session, from, to });
        }
    }

    /// Orders a checkpoint over everything. What it covers was handed out before it (L-21).
    //= spec/link.md L-4
    //= spec/link.md L-5
    pub(crate) fn checkpoint(&mut self, now: Now) {
        let (size, root) = (self.out.size(), self.out.root());
        let origin = self.config.out_origin();
        let Phase::Up(session) = &mut self.phase else { return };
        //= spec/link.md L-21
        assert_eq!(session.sent_upto, size, "entries go before the checkpoint that covers them");
        self.signed.push(size, root);
        session.checkpointed = Some((size, now.mono));
        session.await_cosignature(size, now.mono);
        //= spec/link.md L-23
        let seq = session.seq_out;
        session.seq_out += 1;
        let checkpoint = Checkpoint { origin, size, root };
        let order = CheckpointOrder { session: session.contact.session, checkpoint, seq, sent_utc: now.utc };
        self.outputs.push_back(Output::SignCheckpoint(order));
    }

    /// Ticks may be as far apart as the busy interval. Half of it after the last checkpoint, rather than the whole, keeps
    /// the bound at every spacing of ticks up to that; in the same way the heartbeat is due one interval early.
    //= spec/link.md L-22
    fn checkpoint_due(&self, session: &Session) -> Mono {
        let (busy, idle) = (u64::from(self.config.checkpoint_busy_ms), u64::from(self.config.checkpoint_idle_ms));
        match session.checkpointed {
            None => Mono(0),
            Some((size, at)) if self.out.size() > size => at.plus_ms(busy / 2),
            Some((_, at)) => at.plus_ms(idle - busy),
        }
    }

    /// Whether what is said on a link of constant rate takes long to get through: the oldest size that waits for its receipt
    /// waits longer than [`LATE_MS`].
    //= spec/link.md L-55
    pub(crate) fn receipt_is_late(&self, now: Mono) -> bool {
        let (Some(_), Phase::Up(session)) = (self.padding, &self.phase) else { return false };
        let oldest = session.waiting.range(self.cosigned + 1..).next();
        oldest.is_some_and(|(_, at)| now.since_ms(*at) > LATE_MS)
    }

    /// The current session's number.
    pub(crate) fn session(&self) -> Option<u64> {
        self.contact().map(|contact| contact.session)
    }

    /// Its number once both sides have greeted.
    pub(crate) fn up_session(&self) -> Option<u64> {
        if let Phase::Up(session) = &self.phase { Some(session.contact.session) } else { None }
    }

    /// When the current session was last heard.
    fn heard(&self) -> Option<Mono> {
        self.contact().map(|contact| contact.heard)
    }

    fn contact(&self) -> Option<&Contact> {
        match &self.phase {
            Phase::Greeting(contact) | Phase::Differing(contact, _) => Some(contact),
            Phase::Up(session) => Some(&session.contact),
            Phase::Down | Phase::Frozen(_) => None,
        }
    }

    pub(crate) fn contact_mut(&mut self) -> Option<&mut Contact> {
        match &mut self.phase {
            Phase::Greeting(contact) | Phase::Differing(contact, _) => Some(contact),
            Phase::Up(session) => Some(&mut session.contact),
            Phase::Down | Phase::Frozen(_) => None,
        }
    }

    /// Whether an input is of the current session; counted if not.
    //= spec/link.md L-17
    pub(crate) fn is_current(&mut self, session: u64) -> bool {
        let current = self.session() == Some(session);
        if !current {
            self.tally.stale_inputs += 1;
        }
        current
    }

    pub(crate) fn send(&mut self, session: u64, frame: &Frame) {
        self.outputs.push_back(Output::Send { session, frame: frame.encode() });
    }

    /// Ends the session for a reason of ours, and says so to the peer.
    pub(crate) fn close(&mut self, code: CloseCode, text: &dyn fmt::Display, now: Now) {
        let Some(session) = self.session() else { return };
        *self.tally.closed.entry(code).or_default() += 1;
        self.send_close(session, code, text.to_string());
        self.end(code, false, now);
    }

    /// Ends the link for good.
    pub(crate) fn freeze(&mut self, reason: FrozenReason, evidence: Vec<ByteVec>, stored: Option<u64>, now: Now) {
        self.close(CloseCode::Frozen, &reason, now);
        let notes = evidence.iter().map(|note| note.to_vec()).collect();
        self.phase = Phase::Frozen(Freeze { reason, evidence, at: now.utc });
        self.outputs.push_back(Output::Frozen { reason, evidence: notes, stored });
        self.outputs.push_back(Output::StateChanged);
    }

    /// The session is over; what it knew is forgotten.
    pub(crate) fn end(&mut self, code: CloseCode, by_peer: bool, now: Now) {
        self.phase = Phase::Down;
        self.last_end = Some(End { code, by_peer, at: now.utc });
        self.outputs.push_back(Output::StateChanged);
    }

    fn send_close(&mut self, session: u64, code: CloseCode, text: String) {
        self.send(session, &Frame::Close { code: code.code(), text: one_line(&text) });
        self.outputs.push_back(Output::Disconnect { session, reason: code });
    }
}

/// The text within the bound of a close, control characters blanked.
fn one_line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    while line.len() > CLOSE_TEXT_BYTES_MAX {
        line.pop();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_s_text_fits_its_frame_whatever_it_quotes() {
        assert_eq!(one_line("a\nb\u{7f}"), "a b ");
        assert_eq!(one_line(&"é".repeat(150)).len(), CLOSE_TEXT_BYTES_MAX);
    }
}
