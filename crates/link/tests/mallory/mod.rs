//! A hostile peer, written apart from the crate's machine: it has the keys of side A and says what it likes to side B.
#![allow(dead_code)]

use link::{CloseCode, Frame, Hello, LinkView, Outbox};
use tlog::{Checkpoint, Frontier, NoteSigner, leaf_hash, sign_checkpoint};
use units::{Mono, Now, Utc};

use crate::common::{A, B, Input, Keys, NAMES, START, Side, World, config, keys, party, record_of};

pub struct Mallory {
    pub victim: Side,
    pub keys: Keys,
    pub origin: String,
    /// What it will claim to be its log.
    pub log: Vec<Vec<u8>>,
    pub now_ms: u64,
    pub session: u64,
    pub folded_before: usize,
    /// Names of what the last frame caused.
    pub outputs_of_last: Vec<&'static str>,
    said: Vec<Frame>,
}

impl Mallory {
    /// Takes the honest side's place after some entries each way, with the connection cut.
    pub fn started(entries: usize) -> Self {
        let mut world = World::started(entries);
        world.cut();
        world.check_evidence();
        let (now_ms, session) = (world.now_ms, world.session);
        let [a, victim] = world.sides;
        let folded_before = victim.accepted.len();
        Self {
            victim,
            keys: a.keys,
            origin: config(A).out_origin(),
            log: a.out,
            now_ms,
            session,
            folded_before,
            outputs_of_last: vec![],
            said: vec![],
        }
    }

    pub fn with_seed(seed: u8) -> Self {
        let mut mallory = Self::started(3);
        mallory.keys.log = NoteSigner::new("north.example", &[seed; 32]).unwrap();
        mallory
    }

    pub fn now(&self) -> Now {
        Now { mono: Mono(self.now_ms), utc: Utc(START + self.now_ms as i64), utc_error_ms: 5 }
    }

    pub fn view(&self) -> LinkView {
        self.victim.link.view(self.now())
    }

    pub fn connect(&mut self) {
        self.session += 1;
        self.said.clear();
        self.victim.outbox = Some(Outbox::new(self.session));
        self.victim.apply(Input::Connected(self.session, self.now()));
        self.listen();
    }

    /// The hello an honest peer would send.
    pub fn hello(&self) -> Hello {
        let size = self.victim.out.len() as u64;
        let statement = self.statement_of_victim(size);
        Hello {
            party: party(NAMES[A]),
            peer: party(NAMES[B]),
            mode: config(A).mode,
            pact: config(A).pact,
            schema: record::SCHEMA,
            in_size: size,
            your_checkpoint: Some(sign_checkpoint(&statement, &keys(B).log).unwrap().to_bytes()),
            out_size: self.log.len() as u64,
        }
    }

    pub fn greet(&mut self) {
        self.send(&Frame::Hello(self.hello()));
    }

    pub fn send(&mut self, frame: &Frame) {
        self.send_bytes(&frame.encode());
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let mut watched = self.victim.link.clone();
        watched.handle_frame(self.session, bytes, self.now());
        self.outputs_of_last = std::iter::from_fn(|| watched.poll_output()).map(|output| output.name()).collect();
        self.victim.apply(Input::Frame(self.session, bytes.to_vec(), self.now()));
        self.listen();
    }

    fn listen(&mut self) {
        while let Some(frame) = self.victim.write() {
            self.said.push(Frame::decode(&frame).unwrap());
        }
    }

    /// What the victim said in this session.
    pub fn said(&self) -> &[Frame] {
        &self.said
    }

    pub fn close_said(&self) -> Option<u8> {
        self.said.iter().find_map(|frame| match frame {
            Frame::Close { code, .. } => Some(*code),
            _ => None,
        })
    }

    pub fn restart(&mut self) {
        self.victim.restart();
    }

    pub fn entry(&self, n: u32) -> Vec<u8> {
        record_of(&config(A), n, self.now()).into_bytes()
    }

    pub fn append(&mut self, count: usize) {
        for _ in 0..count {
            self.log.push(self.entry(self.log.len() as u32));
        }
    }

    /// What it would sign: its log as it stands.
    pub fn statement(&self) -> Checkpoint {
        let mut frontier = Frontier::new();
        self.log.iter().for_each(|entry| frontier.append(leaf_hash(entry)));
        Checkpoint { origin: self.origin.clone(), size: frontier.size(), root: frontier.root() }
    }

    pub fn checkpoint(&self, seq: u64) -> Frame {
        self.checkpoint_by(&self.keys.log, seq)
    }

    pub fn checkpoint_by(&self, signer: &NoteSigner, seq: u64) -> Frame {
        let note = sign_checkpoint(&self.statement(), signer).unwrap().to_bytes();
        Frame::Checkpoint { seq, sent_utc_ms: self.now().utc.0, note }
    }

    /// Cosigns the victim's log at a size, signed by the victim or not.
    pub fn cosignature(&self, size: u64) -> Frame {
        let text = self.statement_of_victim(size).to_text();
        let line = tlog::cosign(&text, 1_780_272_000, &self.keys.cosign).unwrap().to_text();
        Frame::Cosignature { size, recv_utc_ms: self.now().utc.0, line }
    }

    fn statement_of_victim(&self, size: u64) -> Checkpoint {
        let mut frontier = Frontier::new();
        self.victim.out.iter().take(size as usize).for_each(|entry| frontier.append(leaf_hash(entry)));
        Checkpoint { origin: config(A).in_origin(), size, root: frontier.root() }
    }

    /// After all that, an honest session works: the log goes on where the victim holds it.
    pub fn honest_goes_on(&mut self) {
        self.origin = config(A).out_origin();
        self.keys = keys(A);
        self.log = self.victim.held.clone();
        self.connect();
        self.greet();
        let first = self.log.len() as u64;
        self.append(1);
        self.send(&Frame::Entries { first, entries: vec![self.log[first as usize].clone()] });
        self.send(&self.checkpoint(0));
        let view = self.view();
        assert_eq!((view.sealed, view.in_size, view.last_end), (first + 1, first + 1, None));
        assert!(self.said.iter().any(|frame| matches!(frame, Frame::Cosignature { .. })));
        self.victim.apply(Input::Disconnected(self.session, self.now()));
        self.victim.outbox = None;
        assert_eq!(self.view().last_end.unwrap().code, CloseCode::Ended);
    }
}
