//! What the binary does around a state, in memory.
use super::make::{Keys, keys};
use link::{Cutter, EntriesFrame, Frame, Outbox, Pacer, Padding, Step};
use node::State;
use node::command::Answer;
use node::input::{Boot, Entry, Input, Output};
use record::{Hash32, PartyId};
use std::collections::BTreeMap;
use track::Address;
use units::{Mono, Now, Utc};

/// An observed loss of separation with the aircraft's addresses, lower first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Loss {
    pub a: Address,
    pub b: Address,
    pub at: Utc,
}

/// Both logs with one peer under one pact, and the receipts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Store {
    pub pact: Hash32,
    pub out: Vec<Vec<u8>>,
    pub held: Vec<Vec<u8>>,
    pub cosignatures: Vec<String>,
}

/// A node and its shell.
pub struct Shell {
    pub boot: Boot,
    pub keys: Keys,
    pub state: State,
    /// Encoded entries, as a journal holds them.
    pub journal: Vec<Vec<u8>>,
    /// Number of entries folded and the state then.
    pub snapshot: Option<(usize, Vec<u8>)>,
    pub stores: BTreeMap<PartyId, Store>,
    outboxes: BTreeMap<PartyId, (u64, Outbox)>,
    /// Under clause 19: what the next chunk to a peer holds, and why the session ends with it; what came from it.
    pacers: BTreeMap<PartyId, (Pacer, Option<link::CloseCode>)>,
    cutters: BTreeMap<PartyId, Cutter>,
    sessions: u64,
    /// Hash over everything that ever came out of the fold, in order.
    pub digest: Hash32,
    /// The same after each entry.
    pub digests: Vec<Hash32>,
    pub losses: Vec<Loss>,
    pub log: Vec<String>,
}

impl Shell {
    pub fn new(boot: Boot) -> Self {
        let keys = keys(boot.party.as_str());
        Self {
            boot,
            keys,
            state: State::default(),
            journal: Vec::new(),
            snapshot: None,
            stores: BTreeMap::new(),
            outboxes: BTreeMap::new(),
            pacers: BTreeMap::new(),
            cutters: BTreeMap::new(),
            sessions: 0,
            digest: Hash32::default(),
            digests: Vec::new(),
            losses: Vec::new(),
            log: Vec::new(),
        }
    }

    pub fn me(&self) -> PartyId {
        self.boot.party.clone()
    }

    /// Journals an input, folds it, and only then acts on what came of it.
    pub fn input(&mut self, input: Input, now: Now) -> Option<Answer> {
        let entry = Entry { now, input };
        let bytes = minicbor::to_vec(&entry).unwrap();
        // What is folded is what a replay will read.
        let entry: Entry = minicbor::decode(&bytes).unwrap();
        self.journal.push(bytes);
        let answer = self.fold(&entry);
        self.digests.push(self.digest);
        answer
    }

    fn fold(&mut self, entry: &Entry) -> Option<Answer> {
        let mut outputs = Vec::new();
        self.state.apply(entry, &mut outputs);
        let mut answer = None;
        for output in outputs {
            self.digest = Hash32::of(&[&self.digest.0[..], &bytes_of(&output)].concat());
            match output {
                Output::Answer(given) => answer = given.command(),
                Output::Link(peer, output) => self.link(&peer, output),
                Output::Loss(loss) => {
                    let address = |id| self.state.track(id).and_then(|t| t.address);
                    if let (Some(a), Some(b)) = (address(loss.a), address(loss.b)) {
                        self.losses.push(Loss { a: a.min(b), b: a.max(b), at: loss.at });
                    }
                }
                Output::Log(line) => self.log.push(line),
            }
        }
        answer
    }

    fn link(&mut self, peer: &PartyId, output: link::Output) {
        if let Some((_, outbox)) = self.outboxes.get_mut(peer) {
            outbox.push(&output).expect("the wire is fast");
        }
        let store = self.stores.entry(peer.clone()).or_default();
        let pact = self.state.link(peer).map(|link| link.config().pact).unwrap_or_default();
        if store.pact != pact {
            // Another pact begins another log.
            *store = Store { pact, ..Store::default() };
        }
        match output {
            link::Output::StoreOut { index, bytes } => put(&mut store.out, index, bytes),
            link::Output::StoreIn { index, bytes } => put(&mut store.held, index, bytes),
            link::Output::StoreCosignature { line, .. } => store.cosignatures.push(line),
            _ => {}
        }
    }

    /// Begins a connection and gives its number.
    pub fn attach(&mut self, peer: &PartyId) -> u64 {
        self.sessions += 1;
        self.pacers.remove(peer);
        self.cutters.insert(peer.clone(), Cutter::new(link::FRAME_BYTES_MAX));
        self.outboxes.insert(peer.clone(), (self.sessions, Outbox::new(self.sessions)));
        self.sessions
    }

    pub fn detach(&mut self, peer: &PartyId) -> Option<u64> {
        self.outboxes.remove(peer).map(|(session, _)| session)
    }

    pub fn session(&self, peer: &PartyId) -> Option<u64> {
        self.outboxes.get(peer).map(|(session, _)| *session)
    }

    /// What the link to a peer carries, if that is a fixed rate.
    pub fn padding(&self, peer: &PartyId) -> Option<Padding> {
        self.state.link(peer).and_then(link::Link::padding)
    }

    /// The chunk for a peer that is due, if one is; an error ends the connection.
    pub fn next_chunk(
        &mut self,
        peer: &PartyId,
        padding: Padding,
        now: Mono,
    ) -> Option<Result<Vec<u8>, link::CloseCode>> {
        self.session(peer)?;
        let (mut pacer, mut ending) = self.pacers.remove(peer).unwrap_or_else(|| (Pacer::new(padding, now), None));
        let chunk = match ending {
            Some(reason) if pacer.is_done() => return Some(Err(reason)),
            _ if pacer.due() > now => None,
            _ => {
                while ending.is_none() && pacer.room() > 0 {
                    match self.frame_of(peer, pacer.room()) {
                        Some(Ok(frame)) => pacer.put(&frame),
                        Some(Err(reason)) => ending = Some(reason),
                        None => break,
                    }
                }
                Some(Ok(pacer.chunk(now)))
            }
        };
        self.pacers.insert(peer.clone(), (pacer, ending));
        chunk
    }

    /// The frames that are whole with these bytes of a peer.
    pub fn cut(&mut self, peer: &PartyId, chunk: &[u8]) -> Vec<Vec<u8>> {
        let Some(cutter) = self.cutters.get_mut(peer) else { return Vec::new() };
        cutter.push(chunk);
        std::iter::from_fn(|| cutter.next_frame().unwrap()).collect()
    }

    /// The next frame for a peer, made and signed as it is sent; an error ends the connection.
    pub fn next_frame(&mut self, peer: &PartyId) -> Option<Result<Vec<u8>, link::CloseCode>> {
        self.frame_of(peer, link::ENTRIES_BYTES_MAX)
    }

    fn frame_of(&mut self, peer: &PartyId, entries_bytes_max: usize) -> Option<Result<Vec<u8>, link::CloseCode>> {
        let (_, outbox) = self.outboxes.get_mut(peer)?;
        let frame = match outbox.next_step()? {
            Step::Frame(frame) => frame,
            Step::PactText => {
                let text = self.boot.pacts.iter().find(|text| text.contains(peer.as_str())).expect("a pact");
                Frame::PactText(text.split_once("\n\n").map_or(text.clone(), |(body, _)| format!("{body}\n"))).encode()
            }
            Step::Cosign(order) => {
                let line = tlog::cosign(&order.checkpoint.to_text(), order.time_s, &self.keys.cosign).unwrap();
                let (size, recv_utc_ms) = (order.checkpoint.size, order.recv_utc.0);
                Frame::Cosignature { size, recv_utc_ms, line: line.to_text() }.encode()
            }
            Step::Checkpoint(order) => {
                let note = tlog::sign_checkpoint(&order.checkpoint, &self.keys.log).unwrap();
                Frame::Checkpoint { seq: order.seq, sent_utc_ms: order.sent_utc.0, note: note.to_bytes() }.encode()
            }
            Step::Share(order) => {
                let sign = |c| tlog::sign_checkpoint(c, &self.keys.log).unwrap().to_bytes();
                order.frame(order.sign.iter().map(sign).collect()).encode()
            }
            Step::Entries { from, to } => {
                let mut frame = EntriesFrame::with_limit(from, entries_bytes_max);
                for entry in &self.stores[peer].out[from as usize..to as usize] {
                    if !frame.push(entry) {
                        break;
                    }
                }
                let (bytes, upto) = frame.finish().expect("an entry");
                outbox.entries_sent(upto);
                bytes
            }
            Step::Disconnect(reason) => return Some(Err(reason)),
        };
        Some(Ok(frame))
    }

    pub fn take_snapshot(&mut self) {
        let (state, bytes) = (self.state.clone(), self.state.to_snapshot());
        assert_eq!(self.state.frozen().to_snapshot(), bytes, "a frozen state is the same");
        assert!(self.state == state, "it goes on as it was");
        self.snapshot = Some((self.journal.len(), bytes));
    }

    /// Dies, and is made again from what is durable. The logs must come out the same.
    pub fn recover(&mut self, from_snapshot: bool) {
        let before = (self.state.to_snapshot(), self.stores.clone());
        self.outboxes.clear();
        let from = match &self.snapshot {
            Some((upto, bytes)) if from_snapshot => {
                self.state = State::from_snapshot(bytes).expect("a snapshot of this version");
                *upto
            }
            _ => {
                self.state = State::default();
                self.stores.values_mut().for_each(|s| *s = Store::default());
                0
            }
        };
        let (digest, losses) = (self.digest, self.losses.len());
        let journal = std::mem::take(&mut self.journal);
        for bytes in &journal[from..] {
            self.fold(&minicbor::decode(bytes).unwrap());
        }
        self.journal = journal;
        (self.digest, _) = (digest, self.losses.truncate(losses));
        assert_eq!(self.state.to_snapshot(), before.0, "the journal gives the same state");
        for (peer, store) in &self.stores {
            assert_eq!((&store.out, &store.held), (&before.1[peer].out, &before.1[peer].held), "and the same logs");
        }
    }

    /// A state fed with a journal from some entry on, going on from the digest so far.
    pub fn replayed(
        boot: &Boot,
        (state, stores): (State, BTreeMap<PartyId, Store>),
        digest: Hash32,
        journal: &[Vec<u8>],
    ) -> Shell {
        let mut shell = Shell::new(boot.clone());
        (shell.state, shell.stores, shell.digest) = (state, stores, digest);
        for bytes in journal {
            shell.fold(&minicbor::decode(bytes).unwrap());
        }
        shell
    }
}

fn put(log: &mut Vec<Vec<u8>>, index: u64, bytes: Vec<u8>) {
    match log.get(index as usize) {
        Some(known) => assert_eq!(*known, bytes, "entry {index} changed"),
        None => {
            assert_eq!(index as usize, log.len(), "entries are stored in order");
            log.push(bytes);
        }
    }
}

/// An output as bytes, for comparison.
fn bytes_of(output: &Output) -> Vec<u8> {
    match output {
        Output::Link(peer, link::Output::StoreOut { bytes, .. } | link::Output::StoreIn { bytes, .. }) => {
            [peer.as_str().as_bytes(), bytes].concat()
        }
        Output::Link(peer, link::Output::Send { frame, .. }) => [peer.as_str().as_bytes(), frame].concat(),
        other => format!("{other:?}").into_bytes(),
    }
}
