//! Two links, in-memory stores, real keys, and a wire that can be cut, reordered and bent.
#![allow(dead_code)]

use std::collections::{BTreeMap, VecDeque};

use link::{
    CloseCode, EntriesFrame, Frame, FrozenReason, Limits, Link, LinkConfig, LinkState, LinkView, Outbox, Output, Rate,
    Refusal, Step,
};
use record::{ChannelState, ChannelStatement, Decoded, Hash32, Mode, PartyId, Record};
use release::{Envelope, Released, release_channel};
use tlog::{NoteSigner, SignatureLine, cosign, cosignatures, open_checkpoint, sign_checkpoint};
use units::{Mono, Now, Utc};

pub const A: usize = 0;
pub const B: usize = 1;
pub const NAMES: [&str; 2] = ["north", "south"];
/// 2026-06-01T00:00:00Z.
pub const START: i64 = 1_780_272_000_000;

pub fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

pub fn pact_text(i: usize) -> String {
    format!("pact one{}", if i == 9 { ", changed" } else { "" })
}

/// Secret keys of one side, which the machine never sees.
pub struct Keys {
    pub log: NoteSigner,
    pub cosign: NoteSigner,
}

pub fn keys(i: usize) -> Keys {
    let name = format!("{}.example", NAMES[i]);
    Keys {
        log: NoteSigner::new(&name, &[10 + i as u8; 32]).unwrap(),
        cosign: NoteSigner::cosigner(&format!("{name}/cosign"), &[20 + i as u8; 32]).unwrap(),
    }
}

pub fn config(i: usize) -> LinkConfig {
    let (me, peer) = (keys(i), keys(1 - i));
    LinkConfig {
        me: party(NAMES[i]),
        peer: party(NAMES[1 - i]),
        mode: Mode::Live,
        pact: Hash32::of(pact_text(i).as_bytes()),
        my_log_key: me.log.verifier().clone(),
        peer_log_key: peer.log.verifier().clone(),
        peer_cosign_key: peer.cosign.verifier().clone(),
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
    }
}

/// Rates that no test but those of the rates comes near.
pub fn wide() -> Limits {
    Limits::all(Rate { per_minute: 60_000_000, burst: 1_000_000 })
}

/// The n-th record of the link with this configuration.
pub fn record_of(config: &LinkConfig, n: u32, now: Now) -> Released<Record> {
    let envelope = Envelope {
        issuer: config.me.clone(),
        audience: config.peer.clone(),
        mode: config.mode.clone(),
        pact: config.pact,
    };
    let body =
        ChannelStatement { state: ChannelState::InForce, effective: Utc(n.into()), reason: format!("statement {n}") };
    release_channel(&envelope, n + 1, None, body, now).unwrap()
}

/// A batch of aircraft seen at these times, issued at this time.
pub fn tracks_of(config: &LinkConfig, seen: &[Utc], issued: Now) -> Vec<u8> {
    let place = units::Position::new(470_000_000, 80_000_000).unwrap();
    let reports: Vec<_> = (1..).zip(seen).map(|(n, at)| track::TrackReport::new(n, place, *at)).collect();
    let template = record_of(config, 0, issued).value().clone();
    let body = record::Body::Tracks(Box::new(record::TrackBatch::pack(issued.utc, &reports).unwrap()));
    record::encode(&Record { body, ..template }).unwrap()
}

/// What a node journals for a link.
#[derive(Clone)]
pub enum Input {
    Append(u32, Now),
    Connected(u64, Now),
    Disconnected(u64, Now),
    Frame(u64, Vec<u8>, Now),
    Tick(Now),
}

/// A link with what a shell keeps for it.
pub struct Side {
    pub link: Link,
    /// Which of the two, for building it anew.
    pub config: LinkConfig,
    pub journal: Vec<Input>,
    pub keys: Keys,
    pub pact: String,
    pub outbox: Option<Outbox>,
    pub out: Vec<Vec<u8>>,
    pub held: Vec<Vec<u8>>,
    pub notes: BTreeMap<u64, Vec<u8>>,
    pub receipts: BTreeMap<u64, Vec<u8>>,
    pub received: Vec<u64>,
    pub sealed: Vec<u64>,
    pub accepted: Vec<(u64, Decoded)>,
    pub refused: Vec<(u64, Refusal)>,
    pub peer_refused: Vec<(u64, Refusal)>,
    pub their_pact: Option<String>,
    pub frozen: Option<(FrozenReason, Vec<Vec<u8>>, Option<u64>)>,
    pub ended: Vec<CloseCode>,
    pub appended: u32,
    /// What left the socket, with the time: for comparing two runs.
    pub sent: Vec<(u64, Vec<u8>)>,
}

impl Side {
    pub fn new(config: LinkConfig, keys: Keys, pact: String) -> Self {
        Self {
            link: Link::new(config.clone()).unwrap().with_limits(wide()),
            config,
            journal: vec![],
            keys,
            pact,
            outbox: None,
            out: vec![],
            held: vec![],
            notes: BTreeMap::new(),
            receipts: BTreeMap::new(),
            received: vec![],
            sealed: vec![],
            accepted: vec![],
            refused: vec![],
            peer_refused: vec![],
            their_pact: None,
            frozen: None,
            ended: vec![],
            appended: 0,
            sent: vec![],
        }
    }

    /// A time for what needs none.
    pub fn never() -> Now {
        Now { mono: Mono(0), utc: Utc(START), utc_error_ms: 0 }
    }

    /// Journals an input, folds it, and does what comes of it.
    pub fn apply(&mut self, input: Input) {
        self.journal.push(input.clone());
        self.fold(input);
        self.drain();
    }

    fn fold(&mut self, input: Input) {
        match input {
            Input::Append(n, now) => drop(self.link.append(record_of(&self.config, n, now)).unwrap()),
            Input::Connected(session, now) => self.link.handle_connected(session, now),
            Input::Disconnected(session, now) => self.link.handle_disconnected(session, CloseCode::Ended, now),
            Input::Frame(session, frame, now) => self.link.handle_frame(session, &frame, now),
            Input::Tick(now) => self.link.handle_tick(now),
        }
    }

    /// The process dies after its last input is durable and before anything came of it that a disk or a peer saw; what
    /// is there afterwards is what the journal gives. A snapshot is taken on the way.
    pub fn kill(&mut self, i: usize) {
        let mut again = Side::new(self.config.clone(), keys(i), self.pact.clone());
        again.appended = self.appended;
        for (n, input) in std::mem::take(&mut self.journal).into_iter().enumerate() {
            again.apply(input);
            if n % 5 == 0 {
                again.restart();
            }
        }
        assert_eq!(again.link, self.link, "the journal gives the same state");
        assert_eq!((&again.out, &again.held, &again.notes), (&self.out, &self.held, &self.notes));
        assert_eq!((&again.accepted, &again.received), (&self.accepted, &self.received));
        assert_eq!(again.receipts, self.receipts, "signing again gives the same note");
        again.sent = std::mem::take(&mut self.sent);
        *self = again;
    }

    /// Does what the machine asks for. Stores are idempotent, as they must be after a restart.
    pub fn drain(&mut self) {
        while let Some(output) = self.link.poll_output() {
            if let Some(outbox) = &mut self.outbox {
                outbox.push(&output).unwrap();
            }
            match output {
                Output::StoreOut { index, bytes } => store(&mut self.out, index, bytes),
                Output::StoreIn { index, bytes } => store(&mut self.held, index, bytes),
                Output::StorePeerCheckpoint { size, note } => drop(self.notes.insert(size, note)),
                Output::StoreCosignature { checkpoint, line } => {
                    let mut note = sign_checkpoint(&checkpoint, &self.keys.log).unwrap();
                    note.add(SignatureLine::from_text(&line).unwrap()).unwrap();
                    self.receipts.insert(checkpoint.size, note.to_bytes());
                }
                Output::Accepted { index, decoded } => self.accepted.push((index, *decoded)),
                Output::Refused { index, reason } => self.refused.push((index, reason)),
                Output::PeerRefused { refused } => self.peer_refused.extend(refused),
                Output::Sealed { size } => self.sealed.push(size),
                Output::Received { size, .. } => self.received.push(size),
                Output::PactDiffers { their_text } => self.their_pact = Some(their_text),
                Output::Frozen { reason, evidence, stored } => self.frozen = Some((reason, evidence, stored)),
                _ => {}
            }
        }
    }

    /// Does one step of the outbox; gives the frame it wrote.
    pub fn write(&mut self) -> Option<Vec<u8>> {
        let outbox = self.outbox.as_mut()?;
        Some(match outbox.next_step()? {
            Step::Frame(frame) => frame,
            Step::PactText => Frame::PactText(self.pact.clone()).encode(),
            Step::Cosign(order) => {
                let line = cosign(&order.checkpoint.to_text(), order.time_s, &self.keys.cosign).unwrap();
                let (size, recv_utc_ms) = (order.checkpoint.size, order.recv_utc.0);
                Frame::Cosignature { size, recv_utc_ms, line: line.to_text() }.encode()
            }
            Step::Share(order) => {
                let sign = |c| sign_checkpoint(c, &self.keys.log).unwrap().to_bytes();
                order.frame(order.sign.iter().map(sign).collect()).encode()
            }
            Step::Entries { from, to } => {
                let mut frame = EntriesFrame::new(from);
                let _ = self.out[from as usize..to as usize].iter().all(|entry| frame.push(entry));
                let (bytes, next) = frame.finish().unwrap();
                outbox.entries_sent(next);
                bytes
            }
            Step::Checkpoint(order) => {
                let note = sign_checkpoint(&order.checkpoint, &self.keys.log).unwrap().to_bytes();
                Frame::Checkpoint { seq: order.seq, sent_utc_ms: order.sent_utc.0, note }.encode()
            }
            Step::Disconnect(reason) => {
                self.ended.push(reason);
                self.outbox = None;
                return None;
            }
        })
    }

    /// Replaces the machine by its own snapshot.
    pub fn restart(&mut self) {
        self.drain();
        let bytes = minicbor::to_vec(&self.link).unwrap();
        let back: Link = minicbor::decode(&bytes).unwrap();
        assert_eq!(back, self.link, "a snapshot is the whole state");
        assert_eq!(minicbor::to_vec(&back).unwrap(), bytes);
        self.link = back;
    }
}

fn store(entries: &mut Vec<Vec<u8>>, index: u64, bytes: Vec<u8>) {
    match entries.get(index as usize) {
        Some(there) => assert_eq!(*there, bytes, "entry {index} is stored twice and differs"),
        None => {
            assert_eq!(entries.len() as u64, index, "entry {index} leaves a gap");
            entries.push(bytes);
        }
    }
}

pub struct World {
    pub sides: [Side; 2],
    /// `wires[i]` leads to side `i`.
    pub wires: [VecDeque<Vec<u8>>; 2],
    pub now_ms: u64,
    /// How far the second side's UTC is off.
    pub skew_ms: i64,
    pub session: u64,
    pub delivered: usize,
}

impl World {
    pub fn new() -> Self {
        Self::with([config(A), config(B)], [keys(A), keys(B)])
    }

    pub fn with(configs: [LinkConfig; 2], keys: [Keys; 2]) -> Self {
        let [ca, cb] = configs;
        let [ka, kb] = keys;
        Self {
            sides: [Side::new(ca, ka, pact_text(A)), Side::new(cb, kb, pact_text(B))],
            wires: [VecDeque::new(), VecDeque::new()],
            now_ms: 1_000,
            skew_ms: 0,
            session: 0,
            delivered: 0,
        }
    }

    pub fn now(&self, i: usize) -> Now {
        let skew = if i == B { self.skew_ms } else { 0 };
        Now { mono: Mono(self.now_ms + 7 * i as u64), utc: Utc(START + self.now_ms as i64 + skew), utc_error_ms: 5 }
    }

    pub fn view(&self, i: usize) -> LinkView {
        self.sides[i].link.view(self.now(i))
    }

    pub fn append(&mut self, i: usize) {
        let input = Input::Append(self.sides[i].appended, self.now(i));
        self.sides[i].appended += 1;
        self.sides[i].apply(input);
    }

    pub fn connect(&mut self) {
        self.session += 1;
        self.wires = Default::default();
        for i in [A, B] {
            self.sides[i].outbox = Some(Outbox::new(self.session));
            let input = Input::Connected(self.session, self.now(i));
            self.sides[i].apply(input);
        }
    }

    pub fn cut(&mut self) {
        self.wires = Default::default();
        for i in [A, B] {
            self.sides[i].outbox = None;
            if let Some(session) = self.view(i).session {
                let input = Input::Disconnected(session, self.now(i));
                self.sides[i].apply(input);
            }
        }
    }

    /// Puts all that side `i` has to write on the wire.
    pub fn write(&mut self, i: usize) {
        while let Some(frame) = self.sides[i].write() {
            self.sides[i].sent.push((self.now_ms, frame.clone()));
            self.wires[1 - i].push_back(frame);
        }
    }

    /// Hands one frame to side `i`; false if there is none.
    pub fn deliver(&mut self, i: usize) -> bool {
        let Some(frame) = self.wires[i].pop_front() else { return false };
        self.deliver_frame(i, &frame);
        true
    }

    pub fn deliver_frame(&mut self, i: usize, frame: &[u8]) {
        self.delivered += 1;
        let input = Input::Frame(self.session, frame.to_vec(), self.now(i));
        self.sides[i].apply(input);
    }

    /// Writes and delivers until nothing moves.
    pub fn settle(&mut self) {
        loop {
            self.write(A);
            self.write(B);
            if !(self.deliver(A) | self.deliver(B)) {
                break;
            }
        }
        // One side gone takes the connection with it.
        if self.sides.iter().any(|side| side.outbox.is_none()) {
            self.cut();
        }
    }

    pub fn tick(&mut self, ms: u64) {
        self.now_ms += ms;
        for i in [A, B] {
            let input = Input::Tick(self.now(i));
            self.sides[i].apply(input);
        }
    }

    pub fn run(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.tick(100);
            self.settle();
        }
    }

    /// Connected, greeted, some entries each way, all sealed.
    pub fn started(entries: usize) -> Self {
        let mut world = Self::new();
        world.connect();
        world.settle();
        for _ in 0..entries {
            world.append(A);
            world.append(B);
        }
        world.run(300);
        world
    }

    /// Everything said was heard exactly once, in order, sealed and receipted, and the receipts stand up to a stranger
    /// with public keys alone.
    pub fn check_complete(&self) {
        for (i, j) in [(A, B), (B, A)] {
            let (from, to) = (&self.sides[i], &self.sides[j]);
            let size = from.out.len() as u64;
            assert_eq!(from.out, to.held, "what {} holds is what {} said", NAMES[j], NAMES[i]);
            let indexes: Vec<u64> = to.accepted.iter().map(|(index, _)| *index).collect();
            assert_eq!(indexes, (0..size).collect::<Vec<_>>(), "each is folded once and in order");
            let (said, heard) = (self.view(i), self.view(j));
            assert_eq!((said.out_size, said.signed, said.cosigned), (size, size, size));
            assert_eq!((heard.in_size, heard.sealed), (size, size));
            assert_eq!((said.state, heard.state), (LinkState::Up, LinkState::Up));
        }
        self.check_evidence();
    }

    /// Every stored note and receipt verifies, and none covers what is not stored.
    pub fn check_evidence(&self) {
        for (i, j) in [(A, B), (B, A)] {
            let (from, to) = (&self.sides[i], &self.sides[j]);
            let config = from.link.config();
            let open = |note: &[u8]| open_checkpoint(note, &config.out_origin(), &config.my_log_key).unwrap();
            let root = |size: u64| {
                let mut frontier = tlog::Frontier::new();
                from.out[..size as usize].iter().for_each(|entry| frontier.append(tlog::leaf_hash(entry)));
                frontier.root()
            };
            for (size, note) in &to.notes {
                let opened = open(note);
                assert_eq!((opened.size, opened.root), (*size, root(*size)));
            }
            for (size, note) in &from.receipts {
                let opened = open(note);
                assert_eq!((opened.size, opened.root), (*size, root(*size)));
                let by = cosignatures(opened.note(), std::slice::from_ref(&config.peer_cosign_key)).unwrap();
                assert_eq!(by.len(), 1);
            }
            assert!(from.received.is_sorted_by(|a, b| a < b));
            assert!(to.sealed.is_sorted_by(|a, b| a < b));
        }
    }
}
