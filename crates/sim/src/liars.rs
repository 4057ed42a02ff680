//! Hostile peers. Each has the keys of its party and speaks in frames; none uses the protocol's machine.
use crate::event::{Event, Liar};
use crate::parties::{self, Keys, START};
use crate::random::Random;
use crate::trace::Trace;
use airspace::{Limit, Outline, Plan, PlanState, Volume4d};
use link::{Frame, Hello};
use record::{Body, Caveat, Hash32, Mode, Notice, NoticeClass, PartyId, Precedence, Record, SubjectId};
use std::collections::BTreeMap;
use tlog::{Checkpoint, Frontier, leaf_hash, sign_checkpoint};
use units::{AircraftClass, Altitude, Utc, Vertex};

/// What a hostile party may say that it signed.
const OTHER_PACT: &str = "another pact";

/// A hostile party: what it knows of each of its victims.
pub struct Hostile {
    kind: Liar,
    me: usize,
    keys: Keys,
    pact: Hash32,
    random: Random,
    victims: BTreeMap<usize, Victim>,
    /// When it last showed another history.
    shown_at: u64,
}

#[derive(Default)]
struct Victim {
    /// What it says that its log is.
    log: Vec<Vec<u8>>,
    edge: Frontier,
    /// What the victim said.
    held: Frontier,
    /// The victim's newest note.
    note: Option<Vec<u8>>,
    up: bool,
    seq: u64,
    /// Frames that were said or heard, for saying again.
    kept: Vec<Vec<u8>>,
    /// Sessions so far: it behaves in some, so that there is something to lie about.
    sessions: u64,
    out: Vec<Vec<u8>>,
}

/// What a hostile party does at a moment.
pub enum Says {
    /// These frames.
    Frames(Vec<Vec<u8>>),
    /// It hangs up.
    End,
}

impl Hostile {
    /// Of a kind.
    pub fn new(kind: Liar, me: usize, pact: Hash32, random: Random) -> Self {
        Self { kind, me, keys: parties::keys(&parties::name(me)), pact, random, victims: BTreeMap::new(), shown_at: 0 }
    }

    fn origin(&self, from: usize, to: usize) -> String {
        format!("skypact.link/{}/{}/live/{}", parties::name(from), parties::name(to), self.pact)
    }

    /// A connection to a victim begins.
    pub fn connected(&mut self, peer: usize, trace: &mut Trace) -> Says {
        let victim = self.victims.entry(peer).or_default();
        (victim.up, victim.seq) = (false, 0);
        victim.sessions += 1;
        if self.kind == Liar::SlowLoris && !victim.sessions.is_multiple_of(4) {
            trace.count(Event::Lie(self.kind));
            return Says::Frames(Vec::new());
        }
        let mut hello = Hello {
            party: parties::name(self.me),
            peer: parties::name(peer),
            mode: Mode::Live,
            pact: self.pact,
            schema: record::SCHEMA,
            in_size: victim.held.size(),
            your_checkpoint: victim.note.clone(),
            out_size: victim.log.len() as u64,
        };
        if self.kind != Liar::Garbage || !self.random.one_in(3) {
            return Says::Frames(vec![Frame::Hello(hello).encode()]);
        }
        // Wrong in one way.
        match self.random.below(6) {
            0 => hello.mode = Mode::Exercise("x".into()),
            1 => hello.party = parties::name(peer),
            2 => hello.schema = 99,
            3 => hello.pact = Hash32::of(OTHER_PACT.as_bytes()),
            4 => hello.in_size += 1 << 40,
            _ => {
                let mut frame = Frame::Hello(hello).encode();
                // An array's head, the type, the version.
                frame[2] += 1;
                return Says::Frames(vec![frame]);
            }
        }
        if hello.in_size > 1 << 39 && !self.random.one_in(8) {
            // That ends the link for good: seldom.
            hello.in_size -= 1 << 40;
        }
        let hello = Frame::Hello(hello);
        Says::Frames(vec![hello.encode()])
    }

    /// The connection is over.
    pub fn ended(&mut self, peer: usize) {
        self.victims.entry(peer).or_default().up = false;
    }

    /// A frame of a victim.
    pub fn heard(&mut self, peer: usize, bytes: &[u8], now: u64) -> Says {
        let origin = self.origin(peer, self.me);
        let victim = self.victims.entry(peer).or_default();
        if victim.kept.len() < 64 {
            victim.kept.push(bytes.to_vec());
        }
        match Frame::decode(bytes) {
            Ok(Frame::Hello(hello)) if !victim.up => {
                victim.up = true;
                let from = hello.in_size.min(victim.log.len() as u64);
                let entries: Vec<_> = victim.log.iter().skip(from as usize).cloned().collect();
                if !entries.is_empty() {
                    victim.out.push(Frame::Entries { first: from, entries }.encode());
                }
                self.checkpoint(peer, now);
            }
            Ok(Frame::PactText(_)) => victim.out.push(Frame::PactText(OTHER_PACT.into()).encode()),
            Ok(Frame::Entries { entries, .. }) => entries.iter().for_each(|e| victim.held.append(leaf_hash(e))),
            Ok(Frame::Checkpoint { note, .. }) => {
                let checkpoint = Checkpoint { origin, size: victim.held.size(), root: victim.held.root() };
                let is_new = victim.note.as_ref() != Some(&note);
                victim.note = Some(note);
                let time_s = (self.utc(now).0 / 1000) as u64;
                if let (true, Ok(line)) = (is_new, tlog::cosign(&checkpoint.to_text(), time_s, &self.keys.cosign)) {
                    let (size, recv_utc_ms) = (checkpoint.size, self.utc(now).0);
                    let frame = Frame::Cosignature { size, recv_utc_ms, line: line.to_text() };
                    self.victims.entry(peer).or_default().out.push(frame.encode());
                }
            }
            _ => {}
        }
        Says::Frames(std::mem::take(&mut self.victims.entry(peer).or_default().out))
    }

    fn utc(&self, now: u64) -> Utc {
        let ago = if self.kind == Liar::BackDater { 600_000 } else { 0 };
        START.plus_ms(now as i64 - ago)
    }

    fn checkpoint(&mut self, peer: usize, now: u64) {
        let (origin, utc) = (self.origin(self.me, peer), self.utc(now));
        let victim = self.victims.entry(peer).or_default();
        let edge = &mut victim.edge;
        for entry in victim.log.iter().skip(edge.size() as usize) {
            edge.append(leaf_hash(entry));
        }
        let checkpoint = Checkpoint { origin, size: edge.size(), root: edge.root() };
        if let Ok(note) = sign_checkpoint(&checkpoint, &self.keys.log) {
            victim.seq += 1;
            let frame = Frame::Checkpoint { seq: victim.seq, sent_utc_ms: utc.0, note: note.to_bytes() }.encode();
            victim.kept.push(frame.clone());
            victim.kept.truncate(128);
            victim.out.push(frame);
        }
    }

    fn record(&mut self, peer: usize, body: Body, now: u64) -> Record {
        let mut subject = [0; 16];
        subject[8..].copy_from_slice(&self.random.next().to_be_bytes());
        let issued_at = self.utc(now);
        Record {
            schema: record::SCHEMA,
            mode: Mode::Live,
            issuer: parties::name(self.me),
            audience: parties::name(peer),
            subject: SubjectId(subject),
            revision: 1,
            supersedes: None,
            issued_at,
            issued_error_ms: 50,
            valid_from: None,
            valid_until: Some(issued_at.plus_ms(3_600_000)),
            pact: self.pact,
            caveat: Caveat::default(),
            precedence: Precedence::Routine,
            receipt: None,
            role: None,
            body,
        }
    }

    fn notice(&mut self, peer: usize, now: u64) -> Record {
        let notice = Notice {
            class: NoticeClass::Information,
            text: format!("hostile {}", self.random.next()),
            place: None,
            level: None,
            start: None,
            end: None,
            volumes: Vec::new(),
            action: None,
        };
        self.record(peer, Body::Notice(notice), now)
    }

    fn say(&mut self, peer: usize, entry: Vec<u8>) {
        let victim = self.victims.entry(peer).or_default();
        let first = victim.log.len() as u64;
        victim.log.push(entry.clone());
        victim.out.push(Frame::Entries { first, entries: vec![entry] }.encode());
    }

    fn say_record(&mut self, peer: usize, record: &Record) {
        if let Ok(bytes) = record::encode(record) {
            self.say(peer, bytes);
        }
    }

    /// Time passes, about once a second.
    pub fn tick(&mut self, peer: usize, now: u64, trace: &mut Trace) -> Says {
        let victim = self.victims.entry(peer).or_default();
        if !victim.up {
            if self.kind == Liar::Garbage && self.random.one_in(5) {
                trace.count(Event::Lie(self.kind));
                return Says::Frames(vec![self.garbage(peer)]);
            }
            return Says::Frames(Vec::new());
        }
        if now % 30_000 < 2_000 {
            let record = self.notice(peer, now);
            self.say_record(peer, &record);
        }
        self.checkpoint(peer, now);
        let often = match self.kind {
            Liar::Flooder => 400,
            Liar::Garbage => 12,
            Liar::TwoFaced => 30,
            _ => 60,
        };
        if self.random.one_in(often) {
            trace.note(parties::name(self.me).as_str(), Event::Lie(self.kind), parties::name(peer).as_str());
            self.lie(peer, now);
            if self.kind == Liar::SlowLoris && self.random.one_in(2) {
                return Says::End;
            }
        }
        Says::Frames(std::mem::take(&mut self.victims.entry(peer).or_default().out))
    }

    fn lie(&mut self, peer: usize, now: u64) {
        match self.kind {
            Liar::Equivocator => {
                let last = self.victims.entry(peer).or_default().log.len();
                if self.random.one_in(2) && last > 1 {
                    // A smaller log than it signed before.
                    let victim = self.victims.entry(peer).or_default();
                    victim.log.truncate(last - 1);
                } else if last > 0 {
                    // The last entry is another one now.
                    let record = self.notice(peer, now);
                    if let Ok(bytes) = record::encode(&record) {
                        self.victims.entry(peer).or_default().log[last - 1] = bytes;
                    }
                }
                self.victims.entry(peer).or_default().edge = Frontier::new();
                self.checkpoint(peer, now);
            }
            Liar::Replayer => {
                let kept = self.victims.entry(peer).or_default().kept.len() as u64;
                if kept > 0 {
                    let at = self.random.below(kept) as usize;
                    let victim = self.victims.entry(peer).or_default();
                    victim.out.push(victim.kept[at].clone());
                }
            }
            Liar::BackDater => {
                let record = self.notice(peer, now);
                let old = Record { issued_at: START.plus_ms(-3_600_000), valid_until: Some(START), ..record };
                self.say_record(peer, &old);
            }
            Liar::Flooder => match self.random.below(3) {
                0 => (0..1_500).for_each(|_| self.checkpoint(peer, now)),
                1 => (0..150).for_each(|_| {
                    let record = self.notice(peer, now);
                    self.say_record(peer, &record);
                }),
                _ => {
                    let list: Vec<(u64, u8)> = (0..4096).map(|n| (n, 0)).collect();
                    self.victims.entry(peer).or_default().out.push(Frame::Refusals(list).encode());
                }
            },
            Liar::Garbage => self.rubbish(peer, now),
            Liar::TwoFaced => self.show_another(peer, now),
            Liar::SlowLoris => self.victims.entry(peer).or_default().up = false,
            Liar::Prober => {
                for _ in 0..10 {
                    let plan = self.plan(now);
                    let record = self.record(peer, Body::Plan(plan), now);
                    self.say_record(peer, &record);
                }
            }
        }
    }

    /// A history of its log to another victim that is not the one it tells.
    fn show_another(&mut self, peer: usize, now: u64) {
        let told: Vec<usize> =
            self.victims.iter().filter(|(n, victim)| **n != peer && victim.edge.size() > 0).map(|(n, _)| *n).collect();
        if told.is_empty() || now < self.shown_at + 10_000 {
            return;
        }
        self.shown_at = now;
        let of = *self.random.pick(&told);
        let size = self.victims[&of].edge.size();
        let root = tlog::Hash(Hash32::of(&self.random.next().to_be_bytes()).0);
        let checkpoint = Checkpoint { origin: self.origin(self.me, of), size, root };
        if let Ok(note) = sign_checkpoint(&checkpoint, &self.keys.log) {
            let frame = Frame::Checkpoints(vec![note.to_bytes()]).encode();
            self.victims.entry(peer).or_default().out.push(frame);
        }
    }

    fn plan(&mut self, now: u64) -> Plan {
        let (lat, lon) = (44.5 + self.random.below(44) as f64 / 10.0, 4.5 + self.random.below(80) as f64 / 10.0);
        let centre = match Vertex::from_degrees(lat, lon) {
            Ok(centre) => centre,
            Err(error) => unreachable!("{error:?}"),
        };
        let start = self.utc(now);
        Plan {
            callsign: None,
            class: AircraftClass::Civil,
            state: PlanState::Accepted,
            priority: 0,
            special: None,
            volumes: vec![Volume4d {
                outline: Outline::Circle { centre, radius_mm: 5_000_000 },
                lower: Limit::At(Altitude::pressure_feet(0)),
                upper: Limit::At(Altitude::pressure_feet(40_000)),
                start,
                end: start.plus_ms(600_000),
            }],
            address: None,
        }
    }

    /// Bytes that are no frame, or one that is damaged.
    fn garbage(&mut self, peer: usize) -> Vec<u8> {
        let victim = self.victims.entry(peer).or_default();
        match self.random.below(4) {
            0 => (0..self.random.below(300)).map(|_| self.random.next() as u8).collect(),
            1 => vec![0; link::FRAME_BYTES_MAX + 1],
            n => {
                let mut frame = victim.kept.last().cloned().unwrap_or_else(|| vec![0x83]);
                if n == 2 {
                    frame.truncate(self.random.below(frame.len() as u64 + 1) as usize);
                } else {
                    let bit = self.random.below(frame.len() as u64 * 8);
                    frame[(bit / 8) as usize] ^= 1 << (bit % 8);
                }
                frame
            }
        }
    }

    /// Frames and entries that are wrong in one way each.
    fn rubbish(&mut self, peer: usize, now: u64) {
        let good = self.notice(peer, now);
        let stranger = PartyId::parse("stranger").unwrap_or_else(|_| parties::name(self.me));
        match self.random.below(14) {
            0 => self.say(peer, vec![0xff; 40]),
            1 => self.say_record(peer, &Record { schema: 99, ..good }),
            2 => {
                if let Ok(mut bytes) = record::encode(&good) {
                    bytes.push(0);
                    self.say(peer, bytes);
                }
            }
            3 => {
                let text = "x".repeat(3_000);
                let Body::Notice(notice) = good.body.clone() else { return };
                let record = Record { body: Body::Notice(Notice { text, ..notice }), ..good };
                // The codec refuses to write it: written by hand.
                if let Ok(bytes) = minicbor::to_vec(&record) {
                    self.say(peer, bytes);
                }
            }
            4 => self.say_record(peer, &Record { issuer: stranger, ..good }),
            5 => self.say_record(peer, &Record { audience: stranger, ..good }),
            6 => self.say_record(peer, &Record { mode: Mode::Exercise("x".into()), ..good }),
            7 => self.say_record(peer, &Record { pact: Hash32::of(b"another"), ..good }),
            8 => {
                // A checkpoint by another key.
                let other = parties::keys(&parties::name((self.me + 1) % parties::PARTIES_MAX));
                let victim = self.victims.entry(peer).or_default();
                let edge = Frontier::new();
                let checkpoint = Checkpoint { origin: "skypact.link/x".into(), size: edge.size(), root: edge.root() };
                if let Ok(note) = sign_checkpoint(&checkpoint, &other.log) {
                    victim.seq += 1;
                    let (seq, sent_utc_ms) = (victim.seq, now as i64);
                    victim.out.push(Frame::Checkpoint { seq, sent_utc_ms, note: note.to_bytes() }.encode());
                }
            }
            9 => {
                let victim = self.victims.entry(peer).or_default();
                let line = "— x AAAA".to_string();
                victim.out.push(Frame::Cosignature { size: 1 << 40, recv_utc_ms: 0, line }.encode());
            }
            10 => {
                let victim = self.victims.entry(peer).or_default();
                let first = victim.log.len() as u64 + 7;
                victim.out.push(Frame::Entries { first, entries: vec![vec![1]] }.encode());
            }
            11 => {
                // Where checkpoints are shown such notes say nothing about anybody; elsewhere the frame has no place.
                let victim = self.victims.entry(peer).or_default();
                let notes = victim.note.iter().cloned().chain([b"no note".to_vec()]).collect();
                victim.out.push(Frame::Checkpoints(notes).encode());
            }
            12 => {
                // Its own note, which no witness cosigned.
                let victim = self.victims.entry(peer).or_default();
                let checkpoint = victim.kept.iter().rev().find_map(|bytes| match Frame::decode(bytes) {
                    Ok(Frame::Checkpoint { note, .. }) => Some(note),
                    _ => None,
                });
                victim.out.extend(checkpoint.map(|note| Frame::Witnessed(note).encode()));
            }
            _ => {
                let frame = self.garbage(peer);
                self.victims.entry(peer).or_default().out.push(frame);
            }
        }
    }
}

/// What a thief says who has all keys that a party had: that it holds all it was told, one more entry of its log, and a
/// checkpoint over it by the old key.
pub fn forged(keys: &Keys, link: &link::Link, note: Option<Vec<u8>>, subject: u64, now: u64) -> Vec<Vec<u8>> {
    let config = link.config();
    let (me, peer, pact) = (config.peer.clone(), config.me.clone(), config.pact);
    let mut held = link.held_log().clone();
    let hello = Frame::Hello(Hello {
        party: me.clone(),
        peer: peer.clone(),
        mode: Mode::Live,
        pact,
        schema: record::SCHEMA,
        in_size: link.out_log().size(),
        your_checkpoint: note,
        out_size: held.size() + 1,
    });
    let notice = Notice {
        class: NoticeClass::Information,
        text: format!("stolen {subject}"),
        place: None,
        level: None,
        start: None,
        end: None,
        volumes: Vec::new(),
        action: None,
    };
    let issued_at = START.plus_ms(now as i64);
    let record = Record {
        schema: record::SCHEMA,
        mode: Mode::Live,
        issuer: me.clone(),
        audience: peer.clone(),
        subject: SubjectId(Hash32::of(&subject.to_be_bytes()).0[..16].try_into().unwrap_or_default()),
        revision: 1,
        supersedes: None,
        issued_at,
        issued_error_ms: 50,
        valid_from: None,
        valid_until: Some(issued_at.plus_ms(3_600_000)),
        pact,
        caveat: Caveat::default(),
        precedence: Precedence::Routine,
        receipt: None,
        role: None,
        body: Body::Notice(notice),
    };
    let mut frames = vec![hello.encode()];
    if let Ok(entry) = record::encode(&record) {
        let first = held.size();
        held.append(leaf_hash(&entry));
        frames.push(Frame::Entries { first, entries: vec![entry] }.encode());
        let checkpoint = Checkpoint { origin: config.in_origin(), size: held.size(), root: held.root() };
        if let Ok(note) = sign_checkpoint(&checkpoint, &keys.log) {
            let frame = Frame::Checkpoint { seq: 1, sent_utc_ms: issued_at.0, note: note.to_bytes() };
            frames.push(frame.encode());
        }
    }
    frames
}
