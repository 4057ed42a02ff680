//! Where a node's effects go: the wires, and the checkers that watch them.
use crate::check::{Heard, ReleaseOracle, Watch};
use crate::event::{Event, Step as Went};
use crate::parties;
use crate::trace::Trace;
use faults::FaultFs;
use fold::{NotAccepted, Outlet, Signer, Stores, Written};
use link::{CloseCode, Frame, Outbox, Output, Step};
use node::State;
use node::input::{Answered, ObservedLoss};
use record::{Body, Hash32, PartyId, ReceiptLevel};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
use tlog::Checkpoint;

/// Frames of one direction that are on the wire at once; then the sender waits, and its outbox fills.
const WINDOW: usize = 8;

/// Connections from here on are those of thieves, who are no part of the network and read whatever they are sent.
pub const THIEVES: u64 = 1 << 40;

/// What everybody in a run sees.
#[derive(Clone)]
pub struct Shared {
    /// What happened.
    pub trace: Rc<RefCell<Trace>>,
    /// What was signed and stored.
    pub watch: Rc<RefCell<Watch>>,
}

/// One end of a connection.
#[derive(Debug)]
struct Session {
    peer: PartyId,
    conn: u64,
    outbox: Outbox,
    in_flight: usize,
}

/// What a node hands to the network.
#[derive(Debug)]
pub enum Out {
    /// A frame on a connection.
    Frame(u64, Vec<u8>),
    /// The end of a connection, after what was handed over before.
    End(u64),
}

/// How a node dies between two effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The machine loses power.
    Power,
    /// The process is killed.
    Killed,
}

/// The sockets of one node.
pub struct Effects {
    me: usize,
    name: String,
    shared: Shared,
    signer: Signer,
    pact_text: String,
    disk: FaultFs,
    sessions: BTreeMap<u64, Session>,
    /// The newest note to each peer: a heartbeat signs the same again, and Ed25519 has no chance in it.
    notes: BTreeMap<PartyId, (Checkpoint, Vec<u8>)>,
    /// For the network.
    pub out: Vec<Out>,
    /// Answers to commands and requests, by the number that who asked gave.
    pub replies: Vec<(u64, Result<Option<Answered>, NotAccepted>)>,
    /// After so many effects it dies.
    pub dies: Option<(u64, Death)>,
    /// It is dead: nothing leaves any more.
    pub dead: bool,
    /// The rules as ordered.
    pub oracle: ReleaseOracle,
    /// Names of the records in the log to each peer, in order.
    pub said: BTreeMap<usize, Vec<Hash32>>,
    /// Peers to whom an entry could not be read.
    pub unreadable: BTreeSet<usize>,
    /// What stands in the log to each peer.
    pub heard: BTreeMap<usize, Heard>,
    /// When the link to each peer froze.
    pub frozen: BTreeMap<usize, u64>,
}

impl Effects {
    /// Of a node on this disk.
    pub fn new(me: usize, shared: Shared, pact_text: String, disk: FaultFs, oracle: ReleaseOracle) -> Self {
        let keys = parties::keys(&parties::name(me));
        Self {
            me,
            name: parties::name(me).to_string(),
            shared,
            signer: Signer::new(keys.log, keys.cosign),
            pact_text,
            disk,
            sessions: BTreeMap::new(),
            notes: BTreeMap::new(),
            out: Vec::new(),
            replies: Vec::new(),
            dies: None,
            dead: false,
            oracle,
            said: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            heard: BTreeMap::new(),
            frozen: BTreeMap::new(),
        }
    }

    /// It signs with other keys from here on.
    pub fn rekey(&mut self, keys: parties::Keys) {
        self.signer = Signer::new(keys.log, keys.cosign);
        self.notes.clear();
    }

    /// Its newest note to a peer.
    pub fn note_to(&self, peer: &PartyId) -> Option<Vec<u8>> {
        self.notes.get(peer).map(|(_, note)| note.clone())
    }

    /// Whether a connection is open.
    pub fn has(&self, session: u64) -> bool {
        self.sessions.contains_key(&session)
    }

    /// A connection begins, before its first input.
    pub fn attach(&mut self, session: u64, peer: PartyId, conn: u64) {
        self.sessions.insert(session, Session { peer, conn, outbox: Outbox::new(session), in_flight: 0 });
    }

    /// A connection is over.
    pub fn detach(&mut self, session: u64) {
        self.sessions.remove(&session);
    }

    /// The process is gone, and its sockets with it.
    pub fn clear(&mut self) {
        self.sessions.clear();
        self.replies.clear();
        (self.dies, self.dead) = (None, false);
    }

    /// The network took a frame of this connection: there is room for another.
    pub fn drained(&mut self, session: u64, stores: &Stores) {
        if let Some(session) = self.sessions.get_mut(&session) {
            session.in_flight = session.in_flight.saturating_sub(1);
        }
        self.pump(session, stores);
    }

    /// An effect is about to happen; false if the node is dead before it.
    fn lives(&mut self) -> bool {
        if let Some((left, death)) = &mut self.dies
            && !self.dead
        {
            if *left == 0 {
                self.dead = true;
                match death {
                    Death::Power => self.disk.cut_power(),
                    Death::Killed => self.disk.kill(),
                }
            }
            *left = left.saturating_sub(1);
        }
        // A disk without power: what the processor still computes reaches nobody.
        self.dead |= self.disk.is_off();
        !self.dead
    }

    fn pump(&mut self, number: u64, stores: &Stores) {
        while let Some(session) = self.sessions.get_mut(&number).filter(|session| session.in_flight < WINDOW) {
            let Some(step) = session.outbox.next_step() else { return };
            let (peer, conn) = (session.peer.clone(), session.conn);
            let log = stores.map().get(&peer).map(|stores| &*stores.out);
            let written = match &step {
                Step::Checkpoint(order)
                    if self.notes.get(&peer).is_some_and(|(known, _)| *known == order.checkpoint) =>
                {
                    let note = self.notes[&peer].1.clone();
                    Ok(Written::Frame(
                        Frame::Checkpoint { seq: order.seq, sent_utc_ms: order.sent_utc.0, note }.encode(),
                    ))
                }
                _ => fold::write(step.clone(), &self.signer, log, || Some(self.pact_text.clone())),
            };
            if let (Step::Checkpoint(order), Ok(Written::Frame(frame))) = (step, &written)
                && let Ok(Frame::Checkpoint { note, .. }) = Frame::decode(frame)
            {
                self.notes.insert(peer.clone(), (order.checkpoint, note));
            }
            if !self.lives() {
                return;
            }
            let frame = match written {
                Ok(Written::Frame(frame)) => frame,
                Ok(Written::Entries(frame, upto)) => {
                    if let Some(session) = self.sessions.get_mut(&number) {
                        session.outbox.entries_sent(upto);
                    }
                    frame
                }
                ended => {
                    if let Err(error) = ended {
                        self.shared.trace.borrow_mut().line(&self.name, format!("cannot send to {peer}: {error}"));
                        self.unreadable.insert(self::parties::number(&peer));
                    }
                    self.out.push(Out::End(conn));
                    self.sessions.remove(&number);
                    return;
                }
            };
            self.shared.watch.borrow_mut().sent(
                &mut self.shared.trace.borrow_mut(),
                self.me,
                self::parties::number(&peer),
                &frame,
            );
            if let Some(session) = self.sessions.get_mut(&number).filter(|_| conn < THIEVES) {
                session.in_flight += 1;
            }
            self.out.push(Out::Frame(conn, frame));
        }
    }

    /// An entry of an own log is journaled.
    fn said(&mut self, peer: &PartyId, index: u64, bytes: &[u8]) {
        let to = parties::number(peer);
        let trace = self.shared.trace.clone();
        let is_new = self.shared.watch.borrow_mut().stored_out(&mut trace.borrow_mut(), self.me, to, index, bytes);
        if is_new {
            self.oracle_said(&mut trace.borrow_mut(), peer, bytes, false);
        }
    }

    fn oracle_said(&mut self, trace: &mut Trace, peer: &PartyId, bytes: &[u8], late: bool) {
        let Ok(decoded) = record::decode(bytes) else {
            return trace.violation(&self.name, "it said what is no record");
        };
        trace.count(Event::Said(decoded.record.body.kind()));
        if let Body::Receipt(receipt) = &decoded.record.body {
            match receipt.level {
                ReceiptLevel::Seen => trace.count(Event::Step(Went::Seen)),
                ReceiptLevel::Acknowledged => trace.count(Event::Step(Went::Acknowledged)),
                _ => {}
            }
        }
        self.said.entry(parties::number(peer)).or_default().push(decoded.id);
        self.heard.entry(parties::number(peer)).or_default().take(&decoded);
        self.oracle.said(trace, &self.name, peer, &decoded, late);
    }

    /// Records in the log to a peer, as known here.
    pub fn said_to(&self, peer: usize) -> u64 {
        self.said.get(&peer).map_or(0, Vec::len) as u64
    }

    /// Entries from the log on the disk, its last up to `size`: those that were journaled before a death and that nobody saw,
    /// or all, if the data was set back.
    pub fn said_before(&mut self, peer: usize, size: u64, entries: &[Vec<u8>]) {
        if entries.len() as u64 == size && size < self.said_to(peer) {
            let (said, heard) = (self.said.entry(peer).or_default(), self.heard.entry(peer).or_default());
            heard.again();
            said.clear();
            for decoded in entries.iter().filter_map(|entry| record::decode(entry).ok()) {
                said.push(decoded.id);
                heard.take(&decoded);
            }
            return;
        }
        let trace = self.shared.trace.clone();
        for entry in entries {
            self.oracle_said(&mut trace.borrow_mut(), &parties::name(peer), entry, true);
        }
    }
}

impl Outlet for Effects {
    type Reply = u64;

    fn reply(&mut self, reply: u64, answer: Result<Option<Answered>, NotAccepted>, _: Duration) {
        if self.lives() {
            self.replies.push((reply, answer));
        }
    }

    fn link(&mut self, _: &State, stores: &Stores, peer: &PartyId, output: &Output) {
        if !self.lives() {
            return;
        }
        let from = parties::number(peer);
        match output {
            Output::StoreOut { index, bytes } => return self.said(peer, *index, bytes),
            Output::StoreIn { index, bytes } => {
                let trace = &mut self.shared.trace.borrow_mut();
                return self.shared.watch.borrow_mut().stored_in(trace, from, self.me, *index, bytes);
            }
            Output::StorePeerCheckpoint { size, note } => {
                let trace = &mut self.shared.trace.borrow_mut();
                return self.shared.watch.borrow_mut().sealed(trace, from, self.me, *size, note);
            }
            Output::StoreCosignature { checkpoint, .. } => {
                let trace = &mut self.shared.trace.borrow_mut();
                return self.shared.watch.borrow_mut().receipt(trace, self.me, from, checkpoint.size);
            }
            Output::Frozen { reason, .. } => {
                let mut trace = self.shared.trace.borrow_mut();
                self.frozen.insert(from, trace.now);
                return trace.note(&self.name, Event::Frozen(*reason), format!("towards {peer}"));
            }
            _ => {}
        }
        let Some(session) = output.session() else { return };
        let Some(to) = self.sessions.get_mut(&session) else { return };
        if to.outbox.push(output).is_err() {
            self.shared.trace.borrow_mut().note(&self.name, Event::Step(Went::PeerSlow), peer.as_str());
            // The bound is on frames that wait, so the end is not refused by it.
            let _ended = to.outbox.push(&Output::Disconnect { session, reason: CloseCode::Ended });
        }
        self.pump(session, stores);
    }

    fn loss(&mut self, _: ObservedLoss) {}

    fn made_again(&mut self, _: &Stores) {
        self.shared.trace.borrow_mut().violation(&self.name, "an input made the fold panic");
    }
}
