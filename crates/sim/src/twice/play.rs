//! Plays a scenario: nodes as they ship, wires with a latency, one virtual clock.
use super::leak::{Adapter, Leak};
use super::node::{Down, Node, Step};
use super::scenario::{Act, Event, PEOPLE, Scenario, wider};
use super::setup::{NODE, PEER};
use crate::parties::{self, START};
use node::command::{Actor, Answer, Command, Done, Reply};
use node::input::{FeedState, Input, PaintedAlert};
use record::{Decision, PartyId, ReadBack, ReceiptLevel, Role, TrackBatch};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use track::TrackReport;
use units::{Mono, Now};

/// A wire that broke by itself is dialled again after this long.
const REDIAL_MS: u64 = 1_000;

/// A frame, as it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Virtual ms.
    pub at: u64,
    /// The frame.
    pub frame: Vec<u8>,
}

/// What came of one run.
#[derive(Debug, Default)]
pub struct Run {
    /// All that left the node for its peer.
    pub sent: Vec<Sent>,
    /// How often what happened.
    pub counts: BTreeMap<String, u64>,
}

impl Run {
    fn count(&mut self, word: impl Into<String>) {
        *self.counts.entry(word.into()).or_default() += 1;
    }
}

#[derive(Debug, Default)]
struct Wire {
    up: bool,
    /// Cut by the scenario: nobody dials.
    cut: bool,
    redial: u64,
    /// When it arrives, from whom, and what; `None` is the end.
    flying: VecDeque<(u64, usize, Option<Vec<u8>>)>,
}

/// A scenario being played.
pub struct Play<'s> {
    scenario: &'s Scenario,
    withheld: bool,
    adapter: Adapter,
    nodes: Vec<Node>,
    wires: BTreeMap<(usize, usize), Wire>,
    mono: u64,
    run: Run,
}

/// Plays a scenario, with what is withheld or without it.
#[must_use]
pub fn play(scenario: &Scenario, withheld: bool, leak: Option<Leak>) -> Run {
    let mut play = Play::new(scenario, withheld, leak);
    for step in 0..scenario.setup.steps + 30 {
        play.step(step);
    }
    play.finish()
}

impl<'s> Play<'s> {
    /// At the scenario's beginning.
    pub fn new(scenario: &'s Scenario, withheld: bool, leak: Option<Leak>) -> Self {
        let setup = &scenario.setup;
        let now = Now { mono: Mono(1_000), utc: START.plus_ms(1_000), utc_error_ms: 10 };
        let boot = |n| {
            let boot = setup.boot(n);
            if n == NODE { super::leak::boot(boot, leak) } else { boot }
        };
        let nodes = (0..setup.count()).map(|n| Node::new(boot(n), setup.snapshot_every, now)).collect();
        let wires = (1..setup.count()).map(|n| ((NODE, n), Wire::default())).collect();
        let adapter = Adapter::new(leak);
        Self { scenario, withheld, adapter, nodes, wires, mono: 1_000, run: Run::default() }
    }

    /// The time.
    pub fn now(&self) -> Now {
        Now { mono: Mono(self.mono), utc: START.plus_ms(self.mono as i64), utc_error_ms: 10 }
    }

    /// One step: what happens, what was on the way, and every so often the time.
    pub fn step(&mut self, step: u64) {
        self.step_with(step, |play, _| play.batch(NODE, vec![Input::Tick]));
    }

    /// The same with another way to tell the node the time.
    pub fn step_with(&mut self, step: u64, mut tick: impl FnMut(&mut Self, Now)) {
        let (scenario, setup) = (self.scenario, &self.scenario.setup);
        let all = self.withheld;
        let events = scenario.events.iter().filter(|e| e.step == step && (all || !e.withheld));
        let mut late = 0;
        for event in events {
            late += u64::from(event.withheld);
            self.act(event);
        }
        late += self.reports(step);
        if let Some(command) = self.adapter.reacts(self.nodes[NODE].state()) {
            let _narrower = self.ask(NODE, "administrator", Role::Administrator, None, command);
        }
        self.mono += self.adapter.late_ms(late);
        self.dial();
        self.deliver();
        if step.is_multiple_of(setup.tick_every) {
            let now = self.now();
            tick(self, now);
            for n in 1..self.nodes.len() {
                self.batch(n, vec![Input::Tick]);
            }
            self.deliver();
        }
        let passed = self.mono - self.mono % setup.step_ms;
        self.mono = passed + setup.step_ms;
    }

    /// Ends it.
    #[must_use]
    pub fn finish(mut self) -> Run {
        for alert in self.nodes[NODE].state().view(self.now()).alerts {
            self.run.count(format!("alerts of the node at the end: {}", alert.kind.name()));
        }
        self.run
    }

    /// Reports of all flights of a step, one batch a feed. Gives how many are withheld.
    fn reports(&mut self, step: u64) -> u64 {
        let mut batches: BTreeMap<(usize, u16), Vec<TrackReport>> = BTreeMap::new();
        let (mut hidden, now) = (0, self.now().utc);
        for flight in self.scenario.flights.iter().filter(|f| self.withheld || !f.kind.withheld()) {
            let Some(report) = flight.at(step, self.scenario.setup.step_ms, now) else { continue };
            let withheld = flight.kind.withheld();
            hidden += u64::from(withheld);
            self.run.count(if withheld { "reports, withheld" } else { "reports" });
            let Some(report) = (if flight.node == NODE { self.adapter.report(report, withheld) } else { Some(report) })
            else {
                continue;
            };
            batches.entry((flight.node, flight.feed)).or_default().push(report);
        }
        for ((node, feed), reports) in batches {
            match TrackBatch::pack(now, &reports) {
                Ok(batch) => self.batch(node, vec![Input::Reports { feed, batch: Box::new(batch) }]),
                Err(error) => unreachable!("reports of a few flights: {error}"),
            }
        }
        hidden
    }

    fn act(&mut self, event: &Event) {
        self.run.count(event.word);
        match &event.act {
            Act::Ask(node, role, key, command) => {
                let command = self.adapter.command(*node, self.nodes[NODE].state(), (**command).clone());
                let answer = self.ask(*node, role_name(*role), *role, key.clone(), command);
                match answer {
                    Err(refused) => self.run.count(format!("refused: {}", kind_of(&refused))),
                    Ok(Done::Proposed { .. }) => self.run.count("proposed"),
                    Ok(_) => {}
                }
                if *node == NODE && event.withheld && self.adapter.answers() {
                    self.tell_all();
                }
            }
            Act::TakeUp(node) => self.take_up(*node),
            Act::ReadBack(node, from) => self.read_back(*node, from),
            Act::ProposeWider(to) => {
                let policy = self.nodes[NODE].state().view(self.now()).policy;
                // The answer tells only that it waits, or that nothing would be let out.
                let _proposed = self.ask(NODE, "administrator", Role::Administrator, None, wider(&policy, *to));
                if self.adapter.agrees() {
                    self.agree(2);
                }
            }
            Act::Agree(people) => self.agree(*people),
            Act::Reject => {
                if let Some(proposal) = self.nodes[NODE].state().view(self.now()).proposal {
                    let command = Command::RejectPolicy(proposal.id);
                    let refused = self.ask(NODE, "administrator", Role::Administrator, None, command);
                    assert!(refused.is_ok(), "{refused:?}");
                }
            }
            Act::Feed(feed, up) => {
                let state = if *up { FeedState::Up } else { FeedState::Down };
                let last_error = (!up).then(|| "gone".to_string());
                self.batch(NODE, vec![Input::FeedHealth { feed: *feed, state, errors: u64::from(!up), last_error }]);
            }
            Act::Cut(a, b) => {
                self.cut((*a, *b));
                if let Some(wire) = self.wires.get_mut(&(*a, *b)) {
                    wire.cut = true;
                }
            }
            Act::Mend(a, b) => {
                if let Some(wire) = self.wires.get_mut(&(*a, *b)) {
                    (wire.cut, wire.redial) = (false, 0);
                }
            }
            Act::Restart(n, how) => self.restart(*n, *how),
            Act::Pass(ms) => self.mono += ms,
        }
    }

    /// Asks a command.
    pub fn ask(&mut self, n: usize, name: &str, role: Role, key: Option<String>, command: Command) -> Answer {
        let actor = Actor { name: name.into(), role };
        let (now, input) = (self.now(), Input::Command { actor, key, command: Box::new(command) });
        let answer = self.nodes[n].ask(now, input);
        self.collect(n);
        answer
    }

    fn take_up(&mut self, n: usize) {
        let view = self.nodes[n].state().view(self.now());
        let actor = Actor { name: "officer".into(), role: Role::Officer };
        let alerts = view.alerts.iter().map(|a| PaintedAlert { id: a.id, raising: a.raising }).collect();
        self.batch(n, vec![Input::Displayed { actor, alerts, notices: Vec::new() }]);
        for alert in view.alerts {
            self.run.count("alert taken up");
            // One that was taken up before is refused.
            let _again = self.ask(n, "officer", Role::Officer, None, Command::AcknowledgeAlert(alert.id, None));
        }
    }

    fn read_back(&mut self, n: usize, from: &PartyId) {
        let view = self.nodes[n].state().view(self.now());
        let actor = Actor { name: "officer".into(), role: Role::Officer };
        for notice in view.notices.into_iter().filter(|v| !v.outgoing && v.peer == *from) {
            let shown = Input::Displayed { actor: actor.clone(), alerts: Vec::new(), notices: vec![notice.id] };
            self.batch(n, vec![shown]);
            let said = &notice.notice;
            let read_back = ReadBack { place: said.place, level: said.level, time: said.start };
            let acknowledge = Command::AcknowledgeNotice { id: notice.id, read_back };
            if self.ask(n, "officer", Role::Officer, None, acknowledge).is_ok() {
                self.run.count("notice acknowledged");
                let decision = Some(Decision::Accept);
                let reply = Reply { level: ReceiptLevel::Responded, decision, text: "understood".into() };
                let _given = self.ask(n, "officer", Role::Officer, None, Command::ReplyNotice { id: notice.id, reply });
            }
        }
    }

    fn agree(&mut self, people: usize) {
        for name in PEOPLE.iter().take(people) {
            let Some(proposal) = self.nodes[NODE].state().view(self.now()).proposal else { return };
            let command = Command::ConfirmPolicy(proposal.id);
            if let Ok(Done::Ok) = self.ask(NODE, name, Role::Administrator, None, command) {
                self.run.count("proposal in force");
            }
        }
    }

    /// The leak [`Leak::Answer`]: everybody is told because something withheld was filed.
    fn tell_all(&mut self) {
        let status = record::DeskStatus { manned: true, next: None, note: format!("at {}", self.mono) };
        let _told = self.ask(NODE, "officer", Role::Officer, None, Command::StateDesk(status));
    }

    /// Hands in a batch.
    pub fn batch(&mut self, n: usize, inputs: Vec<Input>) {
        let now = self.now();
        self.nodes[n].batch(now, inputs);
        self.collect(n);
    }

    /// Puts on the wires what a node handed over, and writes down what goes to the peer.
    fn collect(&mut self, n: usize) {
        let arrives = self.mono + self.scenario.setup.latency * self.scenario.setup.step_ms;
        for (to, step) in self.nodes[n].take_out() {
            let to = number(&to);
            let frame = match step {
                Step::Frame(frame) => Some(frame),
                Step::End => None,
            };
            if let (NODE, PEER, Some(frame)) = (n, to, &frame) {
                self.run.sent.push(Sent { at: self.mono, frame: frame.clone() });
            }
            if let Some(wire) = self.wires.get_mut(&(n.min(to), n.max(to))).filter(|wire| wire.up) {
                wire.flying.push_back((arrives, n, frame));
            }
        }
        for (to, bytes) in self.nodes[n].take_said() {
            if n == NODE && number(&to) == PEER {
                let kind = record::decode(&bytes).map_or("unreadable", |d| d.record.body.kind().name());
                self.run.count(format!("told: {kind}"));
            }
        }
    }

    /// Delivers what has arrived, until nothing more comes of it.
    fn deliver(&mut self) {
        loop {
            let mut moved = false;
            for key in self.wires.keys().copied().collect::<Vec<_>>() {
                while let Some((from, frame)) = self.arrived(key) {
                    moved = true;
                    let to = if from == key.0 { key.1 } else { key.0 };
                    let peer = self.nodes[from].name().clone();
                    match (frame, self.nodes[to].session(&peer)) {
                        (Some(frame), Some(session)) => {
                            self.batch(to, vec![Input::LinkFrame { peer, session, frame }]);
                        }
                        (Some(_), None) => {}
                        (None, _) => self.cut(key),
                    }
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn arrived(&mut self, key: (usize, usize)) -> Option<(usize, Option<Vec<u8>>)> {
        let wire = self.wires.get_mut(&key)?;
        let due = wire.flying.front().is_some_and(|(at, ..)| *at <= self.mono);
        if due { wire.flying.pop_front().map(|(_, from, frame)| (from, frame)) } else { None }
    }

    fn dial(&mut self) {
        for (a, b) in self.wires.keys().copied().collect::<Vec<_>>() {
            let Some(wire) = self.wires.get_mut(&(a, b)) else { continue };
            if wire.up || wire.cut || wire.redial > self.mono {
                continue;
            }
            wire.up = true;
            for (one, other) in [(a, b), (b, a)] {
                let peer = self.nodes[other].name().clone();
                let session = self.nodes[one].attach(&peer);
                self.batch(one, vec![Input::LinkUp { peer, session, pin: None }]);
            }
            self.run.count("connections");
        }
    }

    fn cut(&mut self, (a, b): (usize, usize)) {
        let Some(wire) = self.wires.get_mut(&(a, b)).filter(|wire| wire.up) else { return };
        (wire.up, wire.redial) = (false, self.mono + REDIAL_MS);
        wire.flying.clear();
        for (one, other) in [(a, b), (b, a)] {
            let peer = self.nodes[other].name().clone();
            if let Some(session) = self.nodes[one].detach(&peer) {
                self.batch(one, vec![Input::LinkDown { peer, session, reason: link::CloseCode::Ended }]);
            }
        }
    }

    fn restart(&mut self, n: usize, how: Down) {
        let wires: BTreeSet<(usize, usize)> =
            self.wires.iter().filter(|((a, b), wire)| wire.up && (*a == n || *b == n)).map(|(key, _)| *key).collect();
        let now = self.now();
        self.nodes[n].restart(how, now);
        self.collect(n);
        wires.into_iter().for_each(|key| self.cut(key));
    }
}

fn role_name(role: Role) -> &'static str {
    role.name()
}

/// A refusal without what differs from one to the next.
fn kind_of(refused: &node::command::Refused) -> String {
    let text = refused.to_string();
    text.split(':').next().unwrap_or_default().to_string()
}

fn number(party: &PartyId) -> usize {
    (0..parties::PARTIES_MAX).find(|n| parties::name(*n) == *party).unwrap_or(NODE)
}
