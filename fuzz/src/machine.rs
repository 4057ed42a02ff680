//! A link's machine against a peer that says anything, told by bytes: one of the operation, then its arguments.
//!
//! The peer has real keys and a log of its own, so honest frames are one operation away and a fuzzer reaches every state;
//! it can bend any of them. Beside the machine stands a model that is obviously right: plain lists of entries and of
//! what was signed.
use std::collections::BTreeMap;
use std::sync::OnceLock;

use link::{CloseCode, Frame, Hello, Link, LinkConfig, LinkState, Output};
use record::{ChannelState, ChannelStatement, Hash32, Mode, PartyId, Record};
use release::{Envelope, Released, release_channel};
use tlog::{Checkpoint, Frontier, Hash, NoteSigner, leaf_hash, sign_checkpoint};
use units::{Mono, Now, Utc};

use crate::{Seeds, Verdict, seed};

/// 2026-06-01T00:00:00Z.
const START: i64 = 1_780_272_000_000;
/// Operations of one run: each may cost a signature and a check of one.
const OPS_MAX: usize = 64;

struct Keys {
    log: NoteSigner,
    cosign: NoteSigner,
}

fn keys(party: usize) -> &'static Keys {
    static KEYS: OnceLock<[Keys; 2]> = OnceLock::new();
    let make = |n: u8| {
        let name = format!("skypact.link/{}", ["north", "south"][usize::from(n)]);
        Keys {
            log: NoteSigner::new(&name, &[10 + n; 32]).unwrap_or_else(|e| panic!("{e}")),
            cosign: NoteSigner::cosigner(&name, &[20 + n; 32]).unwrap_or_else(|e| panic!("{e}")),
        }
    };
    &KEYS.get_or_init(|| [make(0), make(1)])[party]
}

/// The link of `north` (0) or `south` (1) to the other.
fn config(me: usize) -> LinkConfig {
    let party = |n: usize| PartyId::parse(["north", "south"][n]).unwrap_or_else(|e| panic!("{e}"));
    LinkConfig {
        me: party(me),
        peer: party(1 - me),
        mode: Mode::Live,
        pact: Hash32([0xab; 32]),
        my_log_key: keys(me).log.verifier().clone(),
        peer_log_key: keys(1 - me).log.verifier().clone(),
        peer_cosign_key: keys(1 - me).cosign.verifier().clone(),
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
    }
}

fn record_of(config: &LinkConfig, n: u32, now: Now) -> Released<Record> {
    let envelope = Envelope {
        issuer: config.me.clone(),
        audience: config.peer.clone(),
        mode: config.mode.clone(),
        pact: config.pact,
    };
    let body = ChannelStatement { state: ChannelState::InForce, effective: Utc(n.into()), reason: format!("{n}") };
    release_channel(&envelope, n + 1, None, body, now).unwrap_or_else(|e| panic!("{e}"))
}

fn root_of(entries: &[Vec<u8>]) -> Hash {
    let mut frontier = Frontier::new();
    entries.iter().for_each(|entry| frontier.append(leaf_hash(entry)));
    frontier.root()
}

struct Run<'a> {
    bytes: &'a [u8],
    link: Link,
    now_ms: u64,
    session: u64,
    /// What the machine asked to store of its own log and of the peer's.
    out: Vec<Vec<u8>>,
    held: Vec<Vec<u8>>,
    /// Sizes it ordered to be signed, with their roots.
    signed: BTreeMap<u64, Hash>,
    /// The peer's log as the peer has it, and what the peer signed of it.
    log: Vec<Vec<u8>>,
    peer_signed: BTreeMap<u64, Vec<Hash>>,
    seq: u64,
    frozen: bool,
}

pub(crate) fn run(bytes: &[u8]) -> Verdict {
    let link = Link::new(config(1)).unwrap_or_else(|e| panic!("{e}"));
    let mut run = Run {
        bytes,
        link,
        now_ms: 1000,
        session: 0,
        out: vec![],
        held: vec![],
        signed: BTreeMap::new(),
        log: vec![],
        peer_signed: BTreeMap::new(),
        seq: 0,
        frozen: false,
    };
    for _ in 0..OPS_MAX {
        let Some(op) = run.take() else { break };
        run.step(op);
        run.check();
    }
    let view = run.link.view(run.now());
    match (view.state, view.closed.is_empty()) {
        (LinkState::Frozen(reason), _) => Err(reason.name().to_string()),
        (_, true) => Ok(()),
        _ => Err(view.closed.keys().map(|code| code.name()).collect::<Vec<_>>().join(" ")),
    }
}

impl Run<'_> {
    fn take(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn arg(&mut self) -> u8 {
        self.take().unwrap_or(0)
    }

    fn now(&self) -> Now {
        Now { mono: Mono(self.now_ms), utc: Utc(START + self.now_ms as i64), utc_error_ms: 5 }
    }

    fn step(&mut self, op: u8) {
        let now = self.now();
        match op % 18 {
            0 => {
                self.session += 1;
                self.seq = 0;
                self.link.handle_connected(self.session, now);
            }
            1 => self.link.handle_disconnected(self.session, CloseCode::Ended, now),
            2 => {
                self.now_ms += u64::from(self.arg()) * 10;
                self.link.handle_tick(self.now());
            }
            3 => {
                let record = record_of(self.link.config(), self.out.len() as u32, now);
                assert_eq!(self.link.append(record).is_err(), self.frozen, "only a frozen link takes nothing more");
            }
            4 => self.say(Self::hello),
            5 => {
                let count = self.arg() % 4;
                self.append(count);
                let first = self.held.len();
                let entries = self.log.get(first..).unwrap_or_default().to_vec();
                if entries.is_empty() {
                    return;
                }
                self.say(|_| Frame::Entries { first: first as u64, entries });
            }
            6 => self.say(Self::checkpoint),
            7 => self.say(Self::cosignature),
            8 => {
                let length = usize::from(self.arg()).min(self.bytes.len());
                let (frame, rest) = self.bytes.split_at(length);
                self.bytes = rest;
                self.frame(frame);
            }
            9 => {
                let (index, reason) = (self.arg(), self.arg());
                self.say(|_| Frame::Refusals(vec![(index.into(), reason)]));
            }
            10 => {
                let code = self.arg();
                self.say(|_| Frame::Close { code, text: "x".into() });
            }
            11 => self.say(|_| Frame::PactText("another pact".into())),
            12 => {
                // Bytes that are no record, or a record of ours: in the tree, and refused.
                let own = self.arg() % 2 == 1;
                let entry = if own { record_of(&config(1), 1, now).into_bytes() } else { vec![0xff; 5] };
                self.log.truncate(self.held.len());
                self.log.push(entry.clone());
                let first = self.held.len() as u64;
                self.say(|_| Frame::Entries { first, entries: vec![entry] });
            }
            13 => {
                // The peer rewrites its past, or loses its end.
                let at = usize::from(self.arg());
                match self.log.get_mut(at) {
                    Some(entry) => *entry = record_of(&config(0), 1000, now).into_bytes(),
                    None => self.log.truncate(at / 2),
                }
            }
            14 => {
                let Frame::Checkpoint { note, .. } = self.checkpoint() else { unreachable!("as its name says") };
                // Misuse is an answer to a note that is none; this one is signed.
                let _taken = self.link.handle_witnessed(&note, now);
            }
            15 => self.restart(),
            16 => {
                let (in_size, out_size) = (self.arg(), self.arg());
                self.say(|run| match run.hello() {
                    Frame::Hello(hello) => {
                        Frame::Hello(Hello { in_size: in_size.into(), out_size: out_size.into(), ..hello })
                    }
                    other => other,
                });
            }
            _ => {
                let first = self.arg();
                let entries = vec![record_of(&config(0), first.into(), now).into_bytes()];
                self.say(|_| Frame::Entries { first: first.into(), entries });
            }
        }
    }

    /// Sends a frame, bent if the next byte says so.
    fn say(&mut self, make: impl FnOnce(&mut Self) -> Frame) {
        let frame = make(self).encode();
        assert!(Frame::decode(&frame).is_ok(), "our own frame");
        match self.arg() {
            bend @ 0x80.. if !frame.is_empty() => {
                let mut bent = frame;
                let at = usize::from(self.arg()) % bent.len();
                bent[at] ^= bend & 0x7f;
                self.frame(&bent);
            }
            _ => self.frame(&frame),
        }
    }

    /// Hands a frame to the machine. One that closes the session changes nothing else.
    fn frame(&mut self, bytes: &[u8]) {
        let before = self.link.view(self.now());
        self.link.handle_frame(self.session, bytes, self.now());
        let after = self.link.view(self.now());
        if after.closed != before.closed {
            assert_eq!((after.in_size, after.sealed), (before.in_size, before.sealed), "nothing of the frame is used");
        }
    }

    fn append(&mut self, count: u8) {
        for _ in 0..count {
            let n = self.log.len() as u32;
            self.log.push(record_of(&config(0), n, self.now()).into_bytes());
        }
    }

    fn hello(&mut self) -> Frame {
        let size = self.out.len() as u64;
        let newest = self.signed.iter().next_back();
        let note = newest.map(|(size, root)| {
            let checkpoint = Checkpoint { origin: config(1).out_origin(), size: *size, root: *root };
            sign_checkpoint(&checkpoint, &keys(1).log).unwrap_or_else(|e| panic!("{e}")).to_bytes()
        });
        Frame::Hello(Hello {
            party: config(0).me,
            peer: config(0).peer,
            mode: Mode::Live,
            pact: config(0).pact,
            schema: record::SCHEMA,
            in_size: size,
            your_checkpoint: note,
            out_size: self.log.len() as u64,
        })
    }

    fn checkpoint(&mut self) -> Frame {
        let (size, root) = (self.log.len() as u64, root_of(&self.log));
        self.peer_signed.entry(size).or_default().push(root);
        let checkpoint = Checkpoint { origin: config(0).out_origin(), size, root };
        let note = sign_checkpoint(&checkpoint, &keys(0).log).unwrap_or_else(|e| panic!("{e}")).to_bytes();
        self.seq += 1;
        Frame::Checkpoint { seq: self.seq, sent_utc_ms: START, note }
    }

    fn cosignature(&mut self) -> Frame {
        let (size, root) = self.signed.iter().next_back().map_or((0, tlog::EMPTY_ROOT), |(size, root)| (*size, *root));
        let checkpoint = Checkpoint { origin: config(1).out_origin(), size, root };
        let line = tlog::cosign(&checkpoint.to_text(), START as u64 / 1000, &keys(0).cosign);
        Frame::Cosignature { size, recv_utc_ms: START, line: line.unwrap_or_else(|e| panic!("{e}")).to_text() }
    }

    /// The snapshot is the whole of it.
    fn restart(&mut self) {
        let bytes = minicbor::to_vec(&self.link).unwrap_or_else(|e| panic!("{e}"));
        assert!(bytes.len() <= 200_000, "state of one link: {} bytes", bytes.len());
        let again: Link = minicbor::decode(&bytes).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(again, self.link, "a snapshot gives the same link");
        self.link = again;
    }

    /// Drains what the machine wants done and holds it against the model.
    fn check(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.link.poll_output() {
            outputs += 1;
            self.output(output);
        }
        assert!(outputs <= 64, "{outputs} outputs of one input");
        let view = self.link.view(self.now());
        assert_eq!((view.out_size, view.in_size), (self.out.len() as u64, self.held.len() as u64));
        assert!(view.sealed <= view.in_size && view.cosigned <= view.signed && view.signed <= view.out_size);
        assert_eq!(self.link.out_log().root(), root_of(&self.out));
        assert_eq!(self.link.held_log().root(), root_of(&self.held));
        let frozen = matches!(view.state, LinkState::Frozen(_));
        assert!(frozen || !self.frozen, "a frozen link stays frozen");
        self.frozen = frozen;
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::StoreOut { index, bytes } => {
                assert_eq!(index, self.out.len() as u64);
                self.out.push(bytes);
            }
            Output::StoreIn { index, bytes } => {
                assert_eq!(index, self.held.len() as u64);
                self.held.push(bytes);
            }
            Output::SignCheckpoint(order) => {
                assert!(!self.frozen, "a frozen link signs nothing");
                let (size, root) = (order.checkpoint.size, order.checkpoint.root);
                assert_eq!((size, root), (self.out.len() as u64, root_of(&self.out)));
                assert!(self.signed.keys().next_back().is_none_or(|last| *last <= size), "sizes only grow");
                assert_eq!(*self.signed.entry(size).or_insert(root), root, "one root for one size");
            }
            Output::Cosign(order) => {
                let (size, root) = (order.checkpoint.size, order.checkpoint.root);
                assert!(
                    self.peer_signed.get(&size).is_some_and(|roots| roots.contains(&root)),
                    "never signed by the peer"
                );
                assert_eq!(root, root_of(&self.held[..size as usize]), "only what is held");
            }
            Output::Accepted { index, decoded } => {
                assert_eq!(decoded.record.issuer, config(0).me);
                assert_eq!(decoded.record.audience, config(0).peer);
                assert_eq!(Hash32::of(&self.held[index as usize]), decoded.id, "the record is the entry");
            }
            Output::Send { frame, .. } => {
                assert!(
                    frame.len() <= link::FRAME_BYTES_MAX && Frame::decode(&frame).is_ok(),
                    "what is sent is a frame"
                );
            }
            Output::SendEntries { from, to, .. } => assert!(from < to && to <= self.out.len() as u64),
            Output::Received { size, .. } => assert!(self.signed.contains_key(&size)),
            _ => {}
        }
    }
}

pub(crate) fn seeds() -> Seeds {
    // Connect, hello, two entries and their checkpoint, own entry, time, cosignature, snapshot, end.
    let session = [0, 4, 0, 5, 2, 0, 6, 0, 3, 2, 20, 7, 0, 15, 1];
    vec![
        seed("ok-session", session),
        seed("ok-two-sessions", [&session[..], &session].concat()),
        seed("ok-refused-entries", [0, 4, 0, 12, 0, 0, 12, 1, 0, 6, 0]),
        seed("no-rewritten-past", [0, 4, 0, 5, 2, 0, 6, 0, 13, 0, 6, 0]),
        seed("no-lost-end", [0, 4, 0, 5, 3, 0, 6, 0, 13, 4, 6, 0]),
        seed("no-witnessed-fork", [0, 4, 0, 5, 2, 0, 6, 0, 13, 0, 14]),
        seed("no-own-rollback", [0, 16, 9, 0, 0]),
        seed("no-gap", [0, 4, 0, 17, 9, 0]),
        seed("no-noise", [0, 8, 4, 1, 2, 3, 4]),
        seed("no-bent-hello", [0, 4, 0x81, 9]),
        seed("no-silence", [0, 4, 0, 2, 255, 2, 255, 2, 255, 2, 255, 2, 255, 2, 255, 2, 255]),
        seed("no-two-hellos", [0, 4, 0, 4, 0]),
    ]
}
