//! A peer that files plans, notices and tracks into places to find out in which of them the node has withheld flights.
//!
//! For each place it writes down all that came back within some seconds: how many frames, their bytes, when, of what kinds, and
//! a hash of it all but for what any two answers differ in. What it can learn from that it learns from some seeds, where it is
//! told the truth afterwards; then it guesses in others.
use super::node::{Node, Step};
use super::setup::{NODE, PEER, open};
use crate::parties::{self, START};
use crate::random::Random;
use airspace::{Limit, Outline, Plan, PlanState, Volume4d};
use node::command::{Actor, Command, SendNotice};
use node::input::Input;
use record::{Notice, NoticeClass, Precedence, ReadBack, ReceiptLevel, Role, SubjectId, TrackBatch};
use release::{Level, Policy, RecordClass, Rule};
use std::collections::BTreeMap;
use std::time::Duration;
use track::{Address, TrackReport};
use units::{AircraftClass, Altitude, Angle, Height, Mono, NM_MM, Now, Position, Speed, Vertex};

/// Places probed in a seed; in each, by a coin, there are withheld flights and plans.
pub const PLACES: usize = 16;
/// Steps of 100 ms for each.
const STEPS: u64 = 30;

/// How the node that is probed goes wrong, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It does not.
    None,
    /// A careful officer answers sooner what concerns own flights.
    AnswersSooner,
    /// A plan of the peer's that meets an own one is answered by an avoid area.
    AvoidsByItself,
    /// The node is slower where there is more to do.
    Slower,
}

/// What came back of one probe, as numbers that may tell something.
pub type Seen = [u64; 6];

/// Probes a node; gives what was seen in each place, and what was there.
#[must_use]
pub fn probe(seed: u64, flaw: Flaw) -> (Vec<Seen>, Vec<bool>) {
    let mut random = Random::new(seed);
    let hidden: Vec<bool> = (0..PLACES).map(|_| random.one_in(2)).collect();
    let mut world = World::new(&mut random, flaw);
    for (n, _) in hidden.iter().enumerate().filter(|(_, hidden)| **hidden) {
        let plan = Plan { class: AircraftClass::Military, ..plan(place(n)) };
        world.ask(NODE, Role::Planner, Command::FilePlan { subject: subject(1, n), plan });
    }
    world.settle();
    let seen = (0..PLACES).map(|n| world.visit(n, &hidden, &mut random)).collect();
    (seen, hidden)
}

struct World {
    nodes: Vec<Node>,
    mono: u64,
    flaw: Flaw,
    sent: Vec<(u64, Vec<u8>)>,
}

/// What one learns: for each number seen, how often there was something.
#[derive(Debug, Default)]
pub struct Learnt(Vec<BTreeMap<u64, (u32, u32)>>);

impl Learnt {
    /// Takes in what was seen and what was there.
    pub fn learn(&mut self, seen: &[Seen], hidden: &[bool]) {
        self.0.resize_with(6, BTreeMap::new);
        for (seen, hidden) in seen.iter().zip(hidden) {
            for (table, value) in self.0.iter_mut().zip(seen) {
                let entry = table.entry(*value).or_default();
                if *hidden { entry.0 += 1 } else { entry.1 += 1 }
            }
        }
    }

    /// Whether there is something, by the number that separated best so far; numbers never seen are asked nothing.
    #[must_use]
    pub fn guess(&self, seen: &Seen) -> bool {
        let votes = self.0.iter().zip(seen).filter_map(|(table, value)| table.get(value));
        let best = votes.max_by_key(|(yes, no)| yes.abs_diff(*no) * 1_000 / (yes + no).max(1));
        best.is_some_and(|(yes, no)| yes > no)
    }
}

/// Right guesses of all, and the bounds of the 99 % confidence interval of their share (Wilson 1927).
#[must_use]
pub fn interval(right: u32, all: u32) -> (f64, f64) {
    let (z, n) = (2.576_f64, f64::from(all.max(1)));
    let p = f64::from(right) / n;
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    (centre - half, centre + half)
}

/// Learns from seeds, then guesses in as many others; gives the right guesses and all.
#[must_use]
pub fn contest(first: u64, seeds: u64, flaw: Flaw) -> (u32, u32) {
    let mut learnt = Learnt::default();
    for seed in first..first + seeds {
        let (seen, hidden) = probe(seed, flaw);
        learnt.learn(&seen, &hidden);
    }
    let (mut right, mut all) = (0, 0);
    for seed in first + seeds..first + 2 * seeds {
        let (seen, hidden) = probe(seed, flaw);
        for (seen, hidden) in seen.iter().zip(&hidden) {
            right += u32::from(learnt.guess(seen) == *hidden);
            all += 1;
        }
    }
    (right, all)
}

impl World {
    fn new(random: &mut Random, flaw: Flaw) -> Self {
        let now = Now { mono: Mono(1_000), utc: START.plus_ms(1_000), utc_error_ms: 10 };
        let pact = parties::pact(2, false, 0, 0);
        let withheld = |class| Rule { aircraft: Some(AircraftClass::Military), ..Rule::new(class, Level::Withheld) };
        let mut rules = vec![withheld(RecordClass::Tracks), withheld(RecordClass::Plans)];
        rules.extend(RecordClass::ALL.map(|class| Rule::new(class, Level::Full)));
        let policy = Policy { revision: 1, rules: [(parties::name(PEER), rules)].into() };
        let boots = [parties::boot(NODE, &pact, policy), parties::boot(PEER, &pact, open(&[NODE]))];
        let every = Duration::from_secs(random.between(20, 60));
        let nodes = boots.into_iter().map(|boot| Node::new(boot, every, now)).collect();
        let mut world = Self { nodes, mono: 1_000, flaw, sent: Vec::new() };
        for (one, other) in [(NODE, PEER), (PEER, NODE)] {
            let peer = world.nodes[other].name().clone();
            let session = world.nodes[one].attach(&peer);
            world.batch(one, Input::LinkUp { peer, session, pin: None });
        }
        world
    }

    fn now(&self) -> Now {
        Now { mono: Mono(self.mono), utc: START.plus_ms(self.mono as i64), utc_error_ms: 10 }
    }

    fn batch(&mut self, n: usize, input: Input) {
        let now = self.now();
        self.nodes[n].batch(now, vec![input]);
    }

    fn ask(&mut self, n: usize, role: Role, command: Command) {
        let actor = Actor { name: role.name().into(), role };
        let now = self.now();
        let answer = self.nodes[n].ask(now, Input::Command { actor, key: None, command: Box::new(command) });
        assert!(answer.is_ok(), "{answer:?}");
    }

    fn carry(&mut self) {
        loop {
            let mut moved = false;
            for n in [NODE, PEER] {
                for (to, step) in self.nodes[n].take_out() {
                    moved = true;
                    let Step::Frame(frame) = step else { continue };
                    if n == NODE {
                        self.sent.push((self.mono, frame.clone()));
                    }
                    let (from, other) = (self.nodes[n].name().clone(), usize::from(to == parties::name(PEER)));
                    if let Some(session) = self.nodes[other].session(&from) {
                        self.batch(other, Input::LinkFrame { peer: from, session, frame });
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn tick(&mut self, late: u64) {
        self.mono += late;
        for n in [NODE, PEER] {
            self.batch(n, Input::Tick);
        }
        self.carry();
        self.mono = self.mono - self.mono % 100 + 100;
    }

    fn settle(&mut self) {
        (0..30).for_each(|_| self.tick(0));
    }

    /// Files a plan, a notice and a flight into a place, and watches.
    fn visit(&mut self, n: usize, hidden: &[bool], random: &mut Random) -> Seen {
        let (lat, lon) = place(n);
        self.sent.clear();
        let began = self.mono;
        self.ask(PEER, Role::Planner, Command::FilePlan { subject: subject(2, n), plan: plan((lat, lon)) });
        self.ask(PEER, Role::Officer, Command::SendNotice(notice(n, (lat, lon))));
        self.carry();
        // Officers answer when they get to it, and do not always.
        let (mut answers, mut at) = (!random.one_in(4), random.between(3, 20));
        if self.flaw == Flaw::AnswersSooner && hidden[n] {
            (answers, at) = (true, 1);
        }
        for step in 0..STEPS {
            self.flights(n, hidden, step);
            if answers && step == at {
                self.read_back();
            }
            self.react(n, step);
            self.tick(if self.flaw == Flaw::Slower && hidden[n] { 7 } else { 0 });
        }
        self.seen(began)
    }

    fn flights(&mut self, n: usize, hidden: &[bool], step: u64) {
        if !step.is_multiple_of(5) {
            return;
        }
        let now = self.now().utc;
        let flight = |number: u32, (lat, lon): (f64, f64), class| {
            let position = Position::from_degrees(lat, lon).unwrap_or_default();
            let mut r = TrackReport::new(u64::from(number), position, now);
            (r.address, r.class) = (Address::icao(0x40_0000 + number), class);
            (r.speed, r.track) = (Some(Speed::from_knots(200.0)), Angle::from_degrees(90.0));
            r.pressure = Some(Height::from_feet(30_000));
            r
        };
        let military = hidden.iter().enumerate().filter(|(_, hidden)| **hidden);
        let mut own: Vec<TrackReport> =
            military.map(|(m, _)| flight(500 + m as u32, place(m), AircraftClass::Military)).collect();
        own.push(flight(1, (44.5, 12.0), AircraftClass::Civil));
        let (lat, lon) = place(n);
        let theirs = vec![flight(900 + n as u32, (lat + 0.01, lon), AircraftClass::Civil)];
        for (node, reports) in [(NODE, own), (PEER, theirs)] {
            if let Ok(batch) = TrackBatch::pack(now, &reports) {
                self.batch(node, Input::Reports { feed: 0, batch: Box::new(batch) });
            }
        }
        self.carry();
    }

    fn read_back(&mut self) {
        let view = self.nodes[NODE].state().view(self.now());
        for notice in view.notices.into_iter().filter(|v| !v.outgoing && v.acknowledged.is_none()) {
            let said = &notice.notice;
            let read_back = ReadBack { place: said.place, level: said.level, time: said.start };
            self.ask(NODE, Role::Officer, Command::AcknowledgeNotice { id: notice.id, read_back });
        }
        self.carry();
    }

    /// What careless software beside the node would do.
    fn react(&mut self, n: usize, step: u64) {
        if self.flaw != Flaw::AvoidsByItself || step != 8 {
            return;
        }
        let view = self.nodes[NODE].state().view(self.now());
        let meets = view.plans.iter().any(|p| p.subject == subject(2, n) && !p.conflicts.is_empty())
            || view.plans.iter().any(|p| p.subject == subject(1, n) && !p.conflicts.is_empty());
        if meets {
            let volumes = plan(place(n)).volumes;
            let to = vec![parties::name(PEER)];
            self.ask(NODE, Role::Planner, Command::SendAvoid { subject: subject(3, n), to, volumes });
            self.carry();
        }
    }

    fn seen(&self, began: u64) -> Seen {
        let after = |at: u64| at - began;
        let (mut hash, mut kinds, mut records) = (0_u64, 0_u64, 0_u64);
        let mix = |hash: u64, x: u64| hash.wrapping_mul(0x100_0000_01b3) ^ x;
        for (at, frame) in &self.sent {
            hash = mix(mix(hash, after(*at)), frame.len() as u64);
            if let Ok(link::Frame::Entries { entries, .. }) = link::Frame::decode(frame) {
                for entry in entries {
                    records += 1;
                    let kind = record::decode(&entry).map_or(99, |d| d.record.body.kind() as u64);
                    kinds = mix(kinds, kind);
                }
            }
        }
        let bytes: usize = self.sent.iter().map(|(_, frame)| frame.len()).sum();
        // Where in its hundred milliseconds what came came.
        let phase = self.sent.iter().map(|(at, _)| at % 100).max().unwrap_or(0);
        [hash, kinds, records, bytes as u64 / 16, self.sent.len() as u64, phase]
    }
}

fn place(n: usize) -> (f64, f64) {
    (45.0 + (n / 4) as f64 * 0.8, 6.0 + (n % 4) as f64 * 1.2)
}

fn subject(kind: u8, n: usize) -> SubjectId {
    let mut id = [kind; 16];
    id[15] = n as u8;
    SubjectId(id)
}

fn plan((lat, lon): (f64, f64)) -> Plan {
    let centre = Vertex::from_degrees(lat, lon).unwrap_or(Vertex { lat_e9: 0, lon_e9: 0 });
    let volume = Volume4d {
        outline: Outline::Circle { centre, radius_mm: 8 * NM_MM },
        lower: Limit::At(Altitude::pressure_feet(20_000)),
        upper: Limit::At(Altitude::pressure_feet(40_000)),
        start: START,
        end: START.plus_ms(3_600_000),
    };
    Plan {
        callsign: Some("PROBE".into()),
        class: AircraftClass::Civil,
        state: PlanState::Accepted,
        priority: 0,
        special: None,
        volumes: vec![volume],
        address: None,
    }
}

fn notice(n: usize, (lat, lon): (f64, f64)) -> SendNotice {
    SendNotice {
        subject: subject(4, n),
        to: vec![parties::name(NODE)],
        precedence: Precedence::Routine,
        receipt: Some(ReceiptLevel::Acknowledged),
        notice: Notice {
            class: NoticeClass::Hazard,
            text: "Balloon adrift".into(),
            place: Position::from_degrees(lat, lon).ok(),
            level: Some(Altitude::pressure_feet(30_000)),
            start: Some(START),
            end: None,
            volumes: Vec::new(),
            action: None,
        },
    }
}
