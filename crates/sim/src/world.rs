//! The world: virtual time, and everything that happens in it.
use crate::Outcome;
use crate::check::{Alarms, ReleaseOracle, Watch};
use crate::dialling::Dialler;
use crate::effects::{Effects, Out, Shared};
use crate::event::{Event, Fault, Step};
use crate::forks::Shown;
use crate::host::{self, Host, Kept};
use crate::keychange::Theft;
use crate::liars::{Hostile, Says};
use crate::net::{Item, Net};
use crate::parties;
use crate::people::People;
use crate::plants;
use crate::random::Random;
use crate::services::{REQUESTS, Services};
use crate::serving::Serving;
use crate::swarm::{Config, Plant, Swarm};
use crate::trace::Trace;
use crate::witnesses::{ASK_EVERY, Asked, Round, Witness};
use faults::FaultFs;
use link::CloseCode;
use node::input::{Answered, Input};
use record::Hash32;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::rc::Rc;

/// Views are looked at this often.
const LOOK_EVERY: u64 = 30_000;
/// Once faults have ended everything must be told within this: a restart, two waits of a minute, and a little.
const SETTLE_MS: u64 = 600_000;

/// What is to happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    Start(usize),
    Tick(usize),
    Dial(usize, usize, u64),
    Arrive(u64, usize),
    Ping(u64),
    Lost(u64, usize),
    Reports(usize),
    Act(usize),
    Look(usize),
    Strike(Fault),
    Cut(usize, usize),
    Lift(usize),
    Repair(usize),
    Flush(usize),
    Rekey(usize),
    Hand(usize, usize),
    Thieve(usize),
    Fork(usize),
    Ask(usize),
    Witnessed(usize),
    Serve(usize),
    Notify(usize),
}

/// Who takes part.
pub(crate) enum Party {
    Honest(Box<Host>),
    Hostile(Box<Hostile>),
}

/// A whole run.
pub struct World {
    pub(crate) now: u64,
    pub(crate) random: Random,
    pub(crate) swarm: Swarm,
    pub(crate) shared: Shared,
    pub(crate) parties: Vec<Party>,
    pub(crate) net: Net,
    pub(crate) backup: Option<(u64, FaultFs)>,
    /// Pairs between which bytes were altered, and when: a freeze soon after has its cause.
    pub(crate) altered: Vec<((usize, usize), u64)>,
    /// Pairs between which a thief spoke, before the theft was known.
    pub(crate) robbed: Vec<(usize, usize)>,
    /// Keys that somebody else has.
    pub(crate) thefts: Vec<Theft>,
    /// Connections of thieves so far.
    pub(crate) thieves: u64,
    /// Statements about keys, by whose they are.
    pub(crate) statements: Vec<(usize, String)>,
    /// Other histories that were shown to third parties.
    pub(crate) forks: Vec<Shown>,
    /// Who attests that checkpoints existed; what each node knows of each of them, by peer; and what is on its way.
    pub(crate) witnesses: Vec<Witness>,
    pub(crate) asked: BTreeMap<(usize, usize, usize), Asked>,
    pub(crate) rounds: Vec<Option<Round>>,
    pub(crate) trees: BTreeMap<(usize, usize), tlog::Tree>,
    /// The pact between all.
    pub(crate) pact: Hash32,
    /// Nodes whose disk cannot be used any more.
    pub(crate) given_up: Vec<usize>,
    /// Nodes whose start is to meet failing reads.
    pub(crate) read_errors: Vec<bool>,
    /// Starts that were refused, in a row.
    pub(crate) refused: Vec<u32>,
    /// Inputs that wait because the fold is busy; they become one batch.
    waiting: Vec<Vec<(Input, Option<u64>)>>,
    pub(crate) people: Vec<People>,
    /// Traffic services that use a node.
    pub(crate) services: Vec<Option<Services>>,
    pub(crate) alarms: Vec<Alarms>,
    pub(crate) diallers: BTreeMap<(usize, usize), Dialler>,
    queue: BinaryHeap<Reverse<(u64, u64, Task)>>,
    queued: u64,
    end: u64,
    /// The faults have ended.
    pub(crate) quiet: bool,
    /// Nothing is reported any more.
    pub(crate) still: bool,
    pub(crate) plant: Option<Plant>,
}

impl World {
    /// As a seed draws it.
    #[must_use]
    pub fn new(mut random: Random, config: &Config) -> Self {
        // Of their own, so that a run without them is what it was before there were any.
        let mut serving = Serving::draw(Random::new(random.clone().next()), config);
        let swarm = Swarm::draw(&mut random, config);
        let count = swarm.nodes;
        let honest: Vec<bool> = (0..count).map(|n| swarm.liar.is_none_or(|(liar, _)| liar != n)).collect();
        let names = (0..count).map(|n| parties::name(n).to_string()).collect();
        let watch = Rc::new(RefCell::new(Watch::new(names, honest.clone())));
        let shared = Shared { trace: Rc::new(RefCell::new(Trace::new(config.loud))), watch };
        let pact = parties::pact(count, swarm.shared, swarm.witnesses.len(), swarm.quorum);
        let manners = swarm.witnesses.clone();
        let text = String::from_utf8_lossy(&pact.to_bytes()).into_owned();
        let body = text.split_once("\n\n").map_or_else(|| text.clone(), |(body, _)| format!("{body}\n"));
        let planted = match config.plant {
            Some(Plant::Fold(planted)) => Some(planted),
            _ => None,
        };
        let (snapshot_every, segment_bytes) = (swarm.snapshot_every, swarm.segment_bytes);
        let kept = Kept { snapshot_every, segment_bytes, planted, plant: config.plant };
        let (mut list, mut people) = (Vec::new(), Vec::new());
        for me in 0..count {
            let mut own = random.fork();
            people.push(People::new(own.fork(), me, count));
            if let Some((_, kind)) = swarm.liar.filter(|(liar, _)| *liar == me) {
                list.push(Party::Hostile(Box::new(Hostile::new(kind, me, pact.pact().hash(), own))));
                continue;
            }
            let mut policy = parties::policy(&mut own, me, count, 1);
            if serving.is_on() {
                serving.rules(&mut policy);
                people[me].drones = true;
            }
            let mut oracle = ReleaseOracle::default();
            oracle.in_force = policy.clone();
            let disk = FaultFs::new();
            let effects = Effects::new(me, shared.clone(), body.clone(), disk.clone(), oracle);
            let mut boot = parties::boot(me, &pact, policy);
            serving.boot(&mut boot, config.plant);
            list.push(Party::Honest(Box::new(Host::new(me, boot, kept.clone(), shared.clone(), disk, effects))));
        }
        let net = Net::new(&mut random, count);
        let mut world = Self {
            now: 0,
            random,
            swarm,
            shared,
            parties: list,
            net,
            backup: None,
            altered: Vec::new(),
            robbed: Vec::new(),
            thefts: Vec::new(),
            thieves: 0,
            statements: Vec::new(),
            forks: Vec::new(),
            witnesses: manners.into_iter().enumerate().map(|(n, manner)| Witness::new(n, manner)).collect(),
            asked: BTreeMap::new(),
            rounds: Vec::new(),
            trees: BTreeMap::new(),
            pact: pact.hash(),
            given_up: Vec::new(),
            read_errors: vec![false; count],
            refused: vec![0; count],
            waiting: (0..count).map(|_| Vec::new()).collect(),
            people,
            services: (0..count).map(|me| (honest[me] && serving.is_on()).then(|| serving.services(me))).collect(),
            alarms: (0..count).map(|_| Alarms::default()).collect(),
            diallers: BTreeMap::new(),
            queue: BinaryHeap::new(),
            queued: 0,
            end: (config.hours * 3_600_000.0) as u64,
            quiet: false,
            still: false,
            plant: config.plant,
        };
        for n in 0..count {
            world.after(10 + n as u64, Task::Start(n));
            world.after(0, Task::Tick(n));
            let (reports, acts) = (world.swarm.reports_every, world.swarm.acts_every);
            world.soon(reports, Task::Reports(n));
            world.soon(acts, Task::Act(n));
            world.soon(LOOK_EVERY, Task::Look(n));
            if !world.witnesses.is_empty() {
                world.soon(ASK_EVERY, Task::Ask(n));
            }
            if world.services[n].is_some() {
                world.serve_soon(n);
            }
            if let Some(every) = world.swarm.rekeys_every {
                world.soon(every, Task::Rekey(n));
            }
        }
        for (fault, every) in world.swarm.every.clone() {
            world.soon(every, Task::Strike(fault));
        }
        world
    }

    pub(crate) fn after(&mut self, ms: u64, task: Task) {
        self.queued += 1;
        self.queue.push(Reverse((self.now + ms, self.queued, task)));
    }

    pub(crate) fn soon(&mut self, mean: u64, task: Task) {
        let wait = self.random.wait(mean);
        self.after(wait, task);
    }

    pub(crate) fn note(&self, n: usize, event: Event, text: &str) {
        self.shared.trace.borrow_mut().note(parties::name(n).as_str(), event, text);
    }

    pub(crate) fn host(&mut self, n: usize) -> Option<&mut Host> {
        match &mut self.parties[n] {
            Party::Honest(host) => Some(host),
            Party::Hostile(_) => None,
        }
    }

    pub(crate) fn is_up(&self, n: usize) -> bool {
        match &self.parties[n] {
            Party::Honest(host) => host.is_up(),
            Party::Hostile(_) => true,
        }
    }

    /// Runs until the faults end and all is quiet.
    pub fn run(&mut self) {
        self.until(self.end);
        self.calm();
        let deadline = self.now + SETTLE_MS;
        let mut missing = self.missing();
        while missing.is_some() && self.now < deadline {
            self.until(self.now + 10_000);
            missing = self.missing();
        }
        match missing {
            Some(text) => self.shared.trace.borrow_mut().violation("liveness", text),
            None => self.shared.trace.borrow_mut().count(Event::Step(Step::Settled)),
        }
        self.compare();
        self.check_witnesses();
        self.count_refusals();
        let every = self.end / 3_600_000 <= 2;
        for n in 0..self.parties.len() {
            let replay = every || self.random.one_in(4);
            if let Some(host) = self.host(n).filter(|host| replay && host.is_up() && !host.damaged) {
                host.replay();
            }
        }
    }

    pub(crate) fn until(&mut self, end: u64) {
        while let Some(Reverse((at, _, task))) = self.queue.pop() {
            if at > end {
                self.queue.push(Reverse((at, 0, task)));
                break;
            }
            self.now = at;
            self.shared.trace.borrow_mut().now = at;
            self.happen(task);
        }
        self.now = end;
        self.shared.trace.borrow_mut().now = end;
    }

    fn happen(&mut self, task: Task) {
        match task {
            Task::Start(n) => self.start(n),
            Task::Tick(n) => {
                self.tick(n);
                self.after(self.swarm.tick_ms, Task::Tick(n));
            }
            Task::Dial(a, b, turn) => self.dial(a, b, turn),
            Task::Arrive(conn, side) => self.arrive(conn, side),
            Task::Ping(conn) => self.ping(conn),
            Task::Lost(conn, side) => self.lost(conn, side),
            Task::Reports(n) => {
                self.soon(self.swarm.reports_every, Task::Reports(n));
                let Party::Honest(host) = &mut self.parties[n] else { return };
                if host.is_up() && !self.still {
                    let inputs = self.people[n].reports(host.utc(self.now), self.now, &mut host.effects.oracle);
                    self.input(n, inputs.into_iter().map(|input| (input, None)).collect());
                }
            }
            Task::Act(n) => {
                self.soon(self.swarm.acts_every, Task::Act(n));
                if !self.quiet {
                    self.act(n);
                }
            }
            Task::Look(n) => {
                self.after(LOOK_EVERY, Task::Look(n));
                self.look(n);
            }
            Task::Strike(fault) => {
                if !self.quiet {
                    self.strike(fault);
                    if let Some(every) = self.swarm.every.get(&fault).copied() {
                        self.soon(every, Task::Strike(fault));
                    }
                }
            }
            Task::Cut(a, b) => self.cut(a, b),
            Task::Lift(n) => {
                if let Some(host) = self.host(n) {
                    host.disk.set_capacity(faults::NO_LIMIT);
                }
            }
            Task::Repair(n) => self.repair(n),
            Task::Flush(n) => self.flush(n),
            Task::Rekey(n) => self.rekey(n),
            Task::Hand(to, number) => self.hand(to, number),
            Task::Thieve(k) => self.thieve(k),
            Task::Fork(k) => self.fork_due(k),
            Task::Ask(n) => {
                self.after(ASK_EVERY, Task::Ask(n));
                self.ask_witnesses(n);
            }
            Task::Witnessed(k) => self.witnessed(k),
            Task::Serve(n) => self.serve(n),
            Task::Notify(n) => self.notify(n),
        }
    }

    /// Hands inputs to a node, and carries on what comes of it.
    pub(crate) fn input(&mut self, n: usize, mut inputs: Vec<(Input, Option<u64>)>) {
        if let (Some(plant), Party::Honest(_)) = (self.plant, &self.parties[n]) {
            inputs.retain_mut(|(input, _)| plants::on_the_way(plant, input));
        }
        if !self.is_up(n) {
            return;
        }
        let busy = !self.waiting[n].is_empty();
        self.waiting[n].extend(inputs);
        if busy {
            return;
        }
        // A disk that takes a while to sync: what comes meanwhile is one batch.
        let wait = if self.random.one_in(4) { self.random.between(5, 400) } else { 0 };
        if wait == 0 { self.flush(n) } else { self.after(wait, Task::Flush(n)) }
    }

    fn flush(&mut self, n: usize) {
        let (now, inputs) = (self.now, std::mem::take(&mut self.waiting[n]));
        let Some(host) = self.host(n).filter(|host| host.is_up() && !inputs.is_empty()) else { return };
        let sessions = inputs.iter().filter_map(|(input, _)| match input {
            Input::LinkUp { session, .. } | Input::LinkFrame { session, .. } => Some(*session),
            _ => None,
        });
        let sessions: BTreeSet<u64> = sessions.collect();
        let utc = host.utc(now);
        let lives = host.input(now, inputs);
        let refused = host.trouble().is_some();
        if let Some(services) = &mut self.services[n] {
            services.at(utc);
        }
        self.carry(n);
        if !lives {
            self.buried(n);
        } else if refused {
            self.not_accepted(n, &sessions);
        }
    }

    /// As the binary: a session of which a frame is not accepted ends.
    fn not_accepted(&mut self, n: usize, sessions: &BTreeSet<u64>) {
        for (conn, side) in self.net.of(n) {
            let is_one = self.net.conn(conn).is_some_and(|conn| sessions.contains(&conn.ends[side].session));
            if is_one {
                self.send(conn, n, Item::End);
                self.lost(conn, side);
            }
        }
        self.thieves_not_accepted(n, sessions);
    }

    /// Takes what a node sent and answered.
    fn carry(&mut self, n: usize) {
        let (out, replies) = match self.host(n) {
            Some(host) => (std::mem::take(&mut host.effects.out), std::mem::take(&mut host.effects.replies)),
            None => return,
        };
        for (number, answer) in replies {
            let Party::Honest(host) = &mut self.parties[n] else { return };
            let (accepted, answer) = (answer.is_ok(), answer.ok().flatten());
            let trace = &mut self.shared.trace.borrow_mut();
            if number >= REQUESTS {
                if let Some(services) = &mut self.services[n] {
                    services.answered(number, accepted, answer, trace);
                }
                continue;
            }
            let answer = answer.and_then(Answered::command);
            self.people[n].answered(number, answer.as_ref(), self.now, trace, &mut host.effects.oracle);
        }
        for out in out {
            match out {
                Out::Frame(conn, frame) => self.send(conn, n, Item::Frame(frame)),
                Out::End(conn) => {
                    self.send(conn, n, Item::End);
                    match self.side(conn, n) {
                        Some(side) => self.after(100, Task::Lost(conn, side)),
                        None => self.thief_ended(conn),
                    }
                }
            }
        }
    }

    pub(crate) fn side(&mut self, conn: u64, n: usize) -> Option<usize> {
        self.net.conn(conn)?.ends.iter().position(|end| end.node == n)
    }

    fn send(&mut self, conn: u64, n: usize, item: Item) {
        let Some(side) = self.side(conn, n) else { return };
        let (dues, tamper) = self.net.send(&mut self.random, conn, side, item, self.now);
        if let Some(tamper) = tamper {
            self.tampered(conn, tamper);
        }
        for due in dues {
            self.after(due - self.now, Task::Arrive(conn, side));
        }
    }

    fn arrive(&mut self, conn: u64, side: usize) {
        let item = match self.net.arrive(conn, side, self.now) {
            Ok(Some(item)) => item,
            Ok(None) => return,
            Err(at) => return self.after(at - self.now, Task::Arrive(conn, side)),
        };
        let Some((from, to)) = self.net.conn(conn).map(|c| (c.ends[side], c.ends[1 - side])) else { return };
        match item {
            Item::End => self.after(0, Task::Lost(conn, 1 - side)),
            Item::Frame(frame) if to.open => self.deliver(conn, (from.node, to.node), to.session, frame),
            Item::Frame(_) => {}
        }
        if from.open && self.is_up(from.node) {
            let lives = self.host(from.node).is_none_or(|host| host.drained(from.session));
            self.carry(from.node);
            if !lives {
                self.buried(from.node);
            }
        }
    }

    fn deliver(&mut self, conn: u64, (from, to): (usize, usize), session: u64, frame: Vec<u8>) {
        if frame.len() > link::FRAME_BYTES_MAX {
            // By the length alone, before a byte of it is read (S-2).
            self.shared.trace.borrow_mut().count(Event::Closed(CloseCode::TooLarge));
            if let Some(side) = self.side(conn, to) {
                self.send(conn, to, Item::End);
                self.hang_up(conn, side, CloseCode::TooLarge);
            }
            return;
        }
        if matches!(frame.get(1), Some(3)) {
            self.alarms[to].heard.insert(from, self.now);
        }
        self.heard_of(from, to, &frame);
        match &mut self.parties[to] {
            Party::Honest(_) => {
                let peer = parties::name(from);
                self.input(to, vec![(Input::LinkFrame { peer, session, frame }, None)]);
            }
            Party::Hostile(liar) => {
                let says = liar.heard(from, &frame, self.now);
                self.says(conn, to, says);
            }
        }
    }

    pub(crate) fn says(&mut self, conn: u64, n: usize, says: Says) {
        match says {
            Says::Frames(frames) => frames.into_iter().for_each(|frame| self.send(conn, n, Item::Frame(frame))),
            Says::End => {
                self.send(conn, n, Item::End);
                if let Some(side) = self.side(conn, n) {
                    self.after(0, Task::Lost(conn, side));
                }
            }
        }
    }

    fn tick(&mut self, n: usize) {
        match &mut self.parties[n] {
            Party::Honest(_) => self.input(n, vec![(Input::Tick, None)]),
            Party::Hostile(liar) => {
                for (conn, side) in self.net.of(n) {
                    let Some(peer) = self.net.conn(conn).map(|c| c.ends[1 - side].node) else { continue };
                    let says = liar.tick(peer, self.now, &mut self.shared.trace.borrow_mut());
                    let mut ends = Vec::new();
                    match says {
                        Says::Frames(frames) => ends.extend(frames.into_iter().map(Item::Frame)),
                        Says::End => ends.push(Item::End),
                    }
                    for item in ends {
                        let (dues, _) = self.net.send(&mut self.random, conn, side, item, self.now);
                        for due in dues {
                            self.queued += 1;
                            self.queue.push(Reverse((due, self.queued, Task::Arrive(conn, side))));
                        }
                    }
                }
            }
        }
    }

    fn start(&mut self, n: usize) {
        let now = self.now;
        let (loss, reads) = (host::loss(&mut self.random), std::mem::take(&mut self.read_errors[n]));
        let faulty: Vec<u64> = if reads { (0..3).map(|_| self.random.below(150)).collect() } else { Vec::new() };
        if let Some(host) = self.host(n) {
            if host.is_up() {
                return;
            }
            let struck = host.disk.struck();
            host.effects.oracle.started = now;
            if let Err(why) = host.start(now, loss, &faulty) {
                let by_fault = host.disk.struck() > struck;
                return self.not_started(n, &why, by_fault);
            }
            self.refused[n] = 0;
            self.carry(n);
            let trace = self.shared.trace.clone();
            let again = self.people[n].ask_again(&mut trace.borrow_mut());
            self.rules_found(n);
            let again = again.into_iter().chain(self.services_found(n)).collect::<Vec<_>>();
            if !again.is_empty() {
                self.input(n, again);
            }
        }
        for other in (0..self.parties.len()).filter(|other| *other != n) {
            let (a, b) = (n.min(other), n.max(other));
            self.dial_again(a, b, 0);
        }
    }

    pub(crate) fn cut(&mut self, a: usize, b: usize) {
        for conn in self.net.between(a, b) {
            self.net.lose(conn);
            for side in 0..2 {
                self.after(50 * side as u64, Task::Lost(conn, side));
            }
        }
    }

    /// A node died: its connections break, at once if the machine lives, after two pings if not.
    pub(crate) fn buried(&mut self, n: usize) {
        self.carry(n);
        if let Some(host) = self.host(n) {
            host.buried();
        }
        self.hung_up(n);
        let wait = self.random.wait(15_000);
        self.after(wait, Task::Start(n));
    }

    pub(crate) fn hung_up(&mut self, n: usize) {
        self.waiting[n].clear();
        if let Some(services) = &mut self.services[n] {
            services.died();
        }
        self.thieves_lost(n);
        let is_on = self.random.one_in(2);
        for (conn, side) in self.net.of(n) {
            if let Some(at) = self.net.conn(conn) {
                at.ends[side].open = false;
            }
            if is_on {
                self.send(conn, n, Item::End);
            }
        }
    }

    fn act(&mut self, n: usize) {
        let now = self.now;
        let Party::Honest(host) = &mut self.parties[n] else { return };
        let Some(view) = host.view(now) else { return };
        let inputs = self.people[n].act(&view, now, &mut host.effects.oracle);
        self.input(n, inputs);
    }

    /// What came of it.
    #[must_use]
    pub fn outcome(&self, seed: u64) -> Outcome {
        let honest = self.parties.iter().filter(|party| matches!(party, Party::Honest(_))).count();
        let trace = self.shared.trace.borrow();
        Outcome {
            seed,
            hash: trace.hash(),
            counts: trace.counts.clone(),
            node_hours: self.now as f64 / 3_600_000.0 * honest as f64,
            violations: trace.violations.clone(),
            last: trace.last(),
        }
    }
}
