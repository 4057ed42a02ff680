//! Nodes in one process: real states, real keys, an in-memory journal, a virtual clock, and wires that can be cut.
#![allow(dead_code, missing_docs, unused_imports)]
mod make;
mod shell;

pub use make::*;
pub use shell::{Loss, Shell, Store};

use node::State;
use node::command::{Actor, Answer, Command, Done, Refused};
use node::input::{Boot, Input};
use node::view::View;
use record::{PartyId, Role, TrackBatch};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use track::TrackReport;
use units::{Mono, Now, Utc};

/// Something that crossed a wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub at: Mono,
    pub from: usize,
    pub to: usize,
    pub frame: Vec<u8>,
}

/// Some nodes, their wires and one clock.
pub struct World {
    pub nodes: Vec<Shell>,
    pub mono: u64,
    pub start: Utc,
    wires: BTreeSet<(usize, usize)>,
    /// Every frame with its time, if wanted.
    pub record: bool,
    pub sent: Vec<Sent>,
}

impl World {
    /// Nodes that boot at `start`, not yet connected.
    pub fn new(start: Utc, boots: Vec<Boot>) -> Self {
        let nodes = boots.into_iter().map(Shell::new).collect();
        let mut world = Self { nodes, mono: 1_000, start, wires: BTreeSet::new(), record: false, sent: Vec::new() };
        for n in 0..world.nodes.len() {
            world.boot(n);
        }
        world
    }

    /// Two nodes, `north` and `south`, connected, whose policies towards each other are given.
    pub fn pair(start: Utc, policies: [release::Policy; 2]) -> Self {
        let text = signed(&pact_of(&NAMES[..2], start));
        let [north, south] = policies;
        let mut world = Self::new(start, vec![boot("north", &text, north), boot("south", &text, south)]);
        world.connect(0, 1);
        world
    }

    pub fn now(&self) -> Now {
        Now { mono: Mono(self.mono), utc: self.start.plus_ms(self.mono as i64), utc_error_ms: 10 }
    }

    pub fn boot(&mut self, n: usize) {
        let boot = Input::Boot(Box::new(self.nodes[n].boot.clone()));
        self.input(n, boot);
    }

    /// Hands an input to a node; what it sends waits for [`World::pump`].
    pub fn input(&mut self, n: usize, input: Input) -> Option<Answer> {
        let now = self.now();
        self.nodes[n].input(input, now)
    }

    pub fn connect(&mut self, a: usize, b: usize) {
        self.wires.insert((a.min(b), a.max(b)));
        for (one, other) in [(a, b), (b, a)] {
            let peer = self.nodes[other].me();
            let session = self.nodes[one].attach(&peer);
            self.input(one, Input::LinkUp { peer, session, pin: None });
        }
        self.pump();
    }

    /// The wire breaks: what was on it is lost, and both shells notice.
    pub fn cut(&mut self, a: usize, b: usize) {
        self.wires.remove(&(a.min(b), a.max(b)));
        for (one, other) in [(a, b), (b, a)] {
            let peer = self.nodes[other].me();
            if let Some(session) = self.nodes[one].detach(&peer) {
                self.input(one, Input::LinkDown { peer, session, reason: link::CloseCode::Ended });
            }
        }
    }

    /// A node dies and comes back with what its journal, or its newest snapshot and the journal after it, give.
    pub fn restart(&mut self, n: usize, from_snapshot: bool) {
        let peers: Vec<usize> =
            (0..self.nodes.len()).filter(|p| self.wires.contains(&(n.min(*p), n.max(*p)))).collect();
        for peer in &peers {
            self.wires.remove(&(n.min(*peer), n.max(*peer)));
            let me = self.nodes[n].me();
            if let Some(session) = self.nodes[*peer].detach(&me) {
                self.input(*peer, Input::LinkDown { peer: me, session, reason: link::CloseCode::Ended });
            }
        }
        self.nodes[n].recover(from_snapshot);
        self.boot(n);
        for peer in peers {
            self.connect(n, peer);
        }
    }

    /// Carries frames until nobody has anything more to send.
    pub fn pump(&mut self) {
        loop {
            let mut moved = false;
            for (a, b) in self.wires.clone() {
                for (from, to) in [(a, b), (b, a)] {
                    moved |= self.carry(from, to);
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn carry(&mut self, from: usize, to: usize) -> bool {
        let (sender, receiver) = (self.nodes[from].me(), self.nodes[to].me());
        let mut moved = false;
        // On a link of constant rate what is sent waits for [`World::chunks`].
        if self.nodes[from].padding(&receiver).is_some() {
            return false;
        }
        while let Some(step) = self.nodes[from].next_frame(&receiver) {
            moved = true;
            match step {
                Ok(frame) => {
                    if self.record {
                        self.sent.push(Sent { at: Mono(self.mono), from, to, frame: frame.clone() });
                    }
                    if let Some(session) = self.nodes[to].session(&sender) {
                        self.input(to, Input::LinkFrame { peer: sender.clone(), session, frame });
                    }
                }
                Err(_closed) => {
                    self.cut(from, to);
                    return true;
                }
            }
        }
        moved
    }

    /// Carries the chunks that are due on links of constant rate: once in a moment, when all of it has happened.
    pub fn chunks(&mut self) {
        for (a, b) in self.wires.clone() {
            for (from, to) in [(a, b), (b, a)] {
                while self.carry_chunk(from, to) {}
            }
        }
    }

    fn carry_chunk(&mut self, from: usize, to: usize) -> bool {
        let (sender, receiver) = (self.nodes[from].me(), self.nodes[to].me());
        let Some(padding) = self.nodes[from].padding(&receiver) else { return false };
        let Some(step) = self.nodes[from].next_chunk(&receiver, padding, Mono(self.mono)) else { return false };
        let Ok(chunk) = step else {
            self.cut(from, to);
            return true;
        };
        for frame in self.nodes[to].cut(&sender, &chunk) {
            if let Some(session) = self.nodes[to].session(&sender) {
                self.input(to, Input::LinkFrame { peer: sender.clone(), session, frame });
            }
        }
        if self.record {
            self.sent.push(Sent { at: Mono(self.mono), from, to, frame: chunk });
        }
        true
    }

    /// Lets time pass in steps, ticking every node and carrying what comes of it.
    pub fn run(&mut self, ms: u64, step_ms: u64) {
        let end = self.mono + ms;
        while self.mono < end {
            self.mono = (self.mono + step_ms).min(end);
            self.tick();
        }
    }

    pub fn tick(&mut self) {
        for n in 0..self.nodes.len() {
            self.input(n, Input::Tick);
        }
        self.pump();
        self.chunks();
    }

    /// Reports of a node's feed: 0 brings own aircraft, 1 observed ones.
    pub fn report(&mut self, n: usize, feed: u16, reports: &[TrackReport]) {
        let base = self.now().utc;
        for part in reports.chunks(record::BATCH_MAX) {
            let batch = Box::new(TrackBatch::pack(base, part).unwrap());
            self.input(n, Input::Reports { feed, batch });
        }
    }

    pub fn ask(&mut self, n: usize, role: Role, command: Command) -> Answer {
        self.ask_with(n, role, None, command)
    }

    pub fn ask_with(&mut self, n: usize, role: Role, key: Option<&str>, command: Command) -> Answer {
        let input = Input::Command { actor: actor(role), key: key.map(String::from), command: Box::new(command) };
        let answer = self.input(n, input).expect("a command is answered");
        self.pump();
        answer
    }

    /// Two administrators with passwords agree to whatever release rules are proposed, if any are.
    pub fn agree(&mut self, n: usize) {
        let Some(proposal) = self.view(n).proposal else { return };
        for name in ["first", "second"] {
            let account = node::command::Account {
                role: Role::Administrator,
                password: Some("-".into()),
                token: None,
                expires: None,
                must_set_password: false,
            };
            self.ask(n, Role::Administrator, Command::SetAccount { name: name.into(), account }).unwrap();
            let actor = Actor { name: name.into(), role: Role::Administrator };
            let command = Box::new(Command::ConfirmPolicy(proposal.id));
            self.input(n, Input::Command { actor, key: None, command }).expect("an answer").unwrap();
        }
        self.pump();
    }

    /// Puts release rules in force, whether they let out more or less.
    pub fn set_rules(&mut self, n: usize, policy: release::Policy) {
        self.ask(n, Role::Administrator, Command::SetPolicy { policy, replaces: None }).unwrap();
        self.agree(n);
    }

    /// The text of a refusal.
    pub fn refusal(&mut self, n: usize, role: Role, command: Command) -> String {
        self.ask(n, role, command).map_or_else(|e: Refused| e.to_string(), |done: Done| format!("done: {done:?}"))
    }

    pub fn view(&self, n: usize) -> View {
        self.nodes[n].state.view(self.now())
    }

    pub fn state(&self, n: usize) -> &State {
        &self.nodes[n].state
    }

    pub fn name(&self, n: usize) -> PartyId {
        self.nodes[n].me()
    }
}

pub fn actor(role: Role) -> Actor {
    Actor { name: role.name().into(), role }
}

/// A recording, decompressed; `None` and a word if there are none here.
pub fn recording(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("SKYPACT_RECORDINGS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/recordings"), PathBuf::from);
    if !folder.is_dir() {
        println!("skipped: no recordings");
        return None;
    }
    let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut out = vec![];
    if name.ends_with(".zst") {
        ruzstd::decoding::StreamingDecoder::new(&bytes[..]).unwrap().read_to_end(&mut out).unwrap();
    } else if name.ends_with(".gz") {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut out).unwrap();
    } else {
        out = bytes;
    }
    Some(out)
}

/// Seeded numbers (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// From `low` to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
