//! Officers and traffic: what people ask of a node, and what its feeds bring.
use crate::check::{Filed, Flown, Marks, Own, ReleaseOracle};
use crate::event::{Event, Step};
use crate::parties::{self, ACKNOWLEDGE_S, START};
use crate::random::Random;
use crate::trace::Trace;
use airspace::{Limit, Outline, Plan, PlanState, Site, SiteCategory, Verification, Volume4d};
use node::command::{Account, Actor, Answer, Command, Done, Refused, SendNotice, SentTo};
use node::input::{Input, PaintedAlert};
use node::view::{Owner, View};
use record::{
    ChannelState, DeskStatus, Notice, NoticeClass, PartyId, Precedence, ReadBack, ReceiptLevel, Role, SubjectId,
    TrackBatch,
};
use release::Policy;
use std::collections::BTreeMap;
use track::{Address, Callsign, TrackReport};
use units::{AircraftClass, Altitude, Angle, Height, Position, Speed, Utc, Vertex};

/// For so long the oracle remembers reports of an aircraft, ms: what waits for a peer that does not ask is told when it does, two
/// minutes old at the most and as old as its rule has it by the node's clock, which may be set back meanwhile.
const REPORTS_KEPT_MS: u64 = 900_000;

/// Accounts of those who agree to rules that let out more.
const PEOPLE: [&str; 2] = ["first", "second"];
/// And of those who agree to markings that do.
const PLANNERS: [&str; 2] = ["third", "fourth"];

/// A command that was asked, with what is to become of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Idempotency key.
    key: String,
    actor: Actor,
    command: Command,
}

/// A notice for which an answer is owed.
#[derive(Debug, Clone)]
pub struct Owed {
    /// Record.
    pub sent: SentTo,
    /// When the officer was told that it was sent.
    pub at: u64,
    /// How long the peer has, ms.
    pub within_ms: u64,
}

/// The people and feeds of one node.
#[derive(Debug)]
pub struct People {
    me: usize,
    count: usize,
    random: Random,
    commands: u64,
    waiting: BTreeMap<u64, Asked>,
    /// Records that were acknowledged to the officer as sent.
    pub told: Vec<(SentTo, String)>,
    /// Notices that want an answer.
    pub owed: Vec<Owed>,
    plans: Vec<SubjectId>,
    flights: Vec<Flight>,
    revision: u32,
    /// Their rules speak of what traffic services intend.
    pub drones: bool,
}

#[derive(Debug, Clone)]
struct Flight {
    report: TrackReport,
    class: AircraftClass,
    feed: u16,
}

fn position(lat: f64, lon: f64) -> Position {
    match Position::from_degrees(lat, lon) {
        Ok(position) => position,
        Err(error) => unreachable!("{error:?}"),
    }
}

fn volume(random: &mut Random, at: Utc) -> Volume4d {
    let (lat, lon) = (45.0 + random.below(380) as f64 / 100.0, 5.0 + random.below(700) as f64 / 100.0);
    let centre = match Vertex::from_degrees(lat, lon) {
        Ok(centre) => centre,
        Err(error) => unreachable!("{error:?}"),
    };
    let floor = random.between(0, 20) as i32 * 1000;
    Volume4d {
        outline: Outline::Circle { centre, radius_mm: random.between(1_000_000, 20_000_000) as i64 },
        lower: Limit::At(Altitude::pressure_feet(floor)),
        upper: Limit::At(Altitude::pressure_feet(floor + 2000)),
        start: at,
        end: at.plus_ms(1_800_000),
    }
}

impl People {
    /// Of a node.
    pub fn new(mut random: Random, me: usize, count: usize) -> Self {
        let classes = [AircraftClass::Civil, AircraftClass::Military, AircraftClass::Uas, AircraftClass::Humanitarian];
        let flights = (0..random.between(2, 4)).map(|n| {
            let class = *random.pick(&classes);
            // Each has a parallel of its own, 0.03 degrees from the next, so that a place tells whose it is.
            let lat = 44.5 + (me as f64) * 1.0 + n as f64 * 0.1 + random.below(40) as f64 * 0.1;
            let lon = 4.5 + random.below(800) as f64 / 100.0;
            let address = (me as u32 + 1) << 16 | n as u32;
            let mut report = TrackReport::new(u64::from(address), position(lat.min(48.95), lon), START);
            report.address = Address::icao(address);
            report.callsign = Callsign::parse(&format!("SIM{address}")).ok();
            report.pressure = Some(Height::from_feet(3000 + random.below(20) as i32 * 500));
            report.speed = Some(Speed::from_knots(60.0));
            report.track = Angle::from_degrees(if random.one_in(2) { 90.0 } else { 270.0 });
            report.class = class;
            // One of them is only seen, some bear their feed's marking.
            let feed = if n == 0 { 1 } else { *random.pick(&[0, 0, 0, 2]) };
            Flight { report, class, feed }
        });
        let flights = flights.collect();
        Self {
            me,
            count,
            random,
            commands: 0,
            waiting: BTreeMap::new(),
            told: Vec::new(),
            owed: Vec::new(),
            plans: Vec::new(),
            flights,
            revision: 1,
            drones: false,
        }
    }

    fn peer(&mut self) -> PartyId {
        let others: Vec<usize> = (0..self.count).filter(|n| *n != self.me).collect();
        parties::name(*self.random.pick(&others))
    }

    /// What the feeds bring now, by the node's own clock and in virtual time.
    pub fn reports(&mut self, utc: Utc, at: u64, oracle: &mut ReleaseOracle) -> Vec<Input> {
        let mut inputs = Vec::new();
        for feed in 0..3u16 {
            let is_own = feed != 1;
            let mut reports = Vec::new();
            for flight in self.flights.iter_mut().filter(|flight| flight.feed == feed) {
                let report = &mut flight.report;
                // There and back along the parallel, about a kilometre a minute.
                let east = report.track.is_some_and(|track| track.degrees() < 180.0);
                let lon = report.position.lon_e7 + if east { 30_000 } else { -30_000 };
                if !(41_000_000..=129_000_000).contains(&lon) {
                    report.track = Angle::from_degrees(if east { 270.0 } else { 90.0 });
                } else {
                    report.position.lon_e7 = lon;
                }
                report.at = utc;
                reports.push(*report);
                let address = report.address.map_or(0, |a| a.bits());
                let class = flight.class;
                let marking = Marks::known(parties::marking_of(feed));
                let new = Own { class, is_own, marking, reports: Vec::new() };
                let own = oracle.aircraft.entry(address).or_insert(new);
                own.reports.push(Flown { report: *report, at });
                let old = own.reports.partition_point(|flown| flown.at + REPORTS_KEPT_MS < at);
                own.reports.drain(..old);
            }
            if let Ok(batch) = TrackBatch::pack(utc, &reports) {
                inputs.push(Input::Reports { feed, batch: Box::new(batch) });
            }
        }
        inputs
    }

    fn ask(&mut self, role: Role, command: Command) -> (Input, Option<u64>) {
        self.ask_as(Actor { name: role.name().into(), role }, command)
    }

    fn ask_as(&mut self, actor: Actor, command: Command) -> (Input, Option<u64>) {
        self.commands += 1;
        let asked = Asked { key: format!("{}-{}", self.me, self.commands), actor, command };
        let input = asked.input();
        self.waiting.insert(self.commands, asked);
        (input, Some(self.commands))
    }

    /// Something that an officer does.
    pub fn act(&mut self, view: &View, at: u64, oracle: &mut ReleaseOracle) -> Vec<(Input, Option<u64>)> {
        let incoming: Vec<_> =
            view.notices.iter().filter(|n| !n.outgoing && n.acknowledged.is_none()).take(20).cloned().collect();
        let officer = Actor { name: Role::Officer.name().into(), role: Role::Officer };
        // What waits for people is answered before long, as an order that waits would be.
        if self.random.one_in(3)
            && let Some(answer) = self.conclude(oracle)
        {
            return vec![answer];
        }
        match self.random.below(17) {
            0..=2 => {
                let precedence = *self.random.pick(&Precedence::ALL);
                let receipt =
                    *self.random.pick(&[None, Some(ReceiptLevel::Received), Some(ReceiptLevel::Acknowledged)]);
                let to = vec![self.peer()];
                let notice = Notice {
                    class: *self.random.pick(&NoticeClass::ALL),
                    text: format!("notice {} of {}", self.commands, parties::name(self.me)),
                    place: Some(position(47.0, 8.0)),
                    level: Some(Altitude::pressure_feet(10_000)),
                    start: Some(view.utc),
                    end: None,
                    volumes: Vec::new(),
                    action: None,
                };
                let send = SendNotice { subject: self.subject(), to, precedence, receipt, notice };
                vec![self.ask(Role::Officer, Command::SendNotice(send))]
            }
            3 | 4 => {
                let Some(notice) = incoming.first() else { return Vec::new() };
                let (place, level, time) = (notice.notice.place, notice.notice.level, notice.notice.start);
                let right = !self.random.one_in(3);
                let read_back = ReadBack { place, level: level.filter(|_| right), time };
                vec![self.ask(Role::Officer, Command::AcknowledgeNotice { id: notice.id, read_back })]
            }
            5 => {
                let alerts: Vec<PaintedAlert> =
                    view.alerts.iter().take(5).map(|a| PaintedAlert { id: a.id, raising: a.raising }).collect();
                let notices = incoming.iter().take(3).map(|n| n.id).collect();
                vec![(Input::Displayed { actor: officer, alerts, notices }, None)]
            }
            6 => {
                let open = view.alerts.iter().find(|a| matches!(a.state, "raised" | "shown"));
                let Some((id, raising)) = open.map(|a| (a.id, a.raising)) else { return Vec::new() };
                vec![self.ask(Role::Officer, Command::AcknowledgeAlert(id, Some(raising)))]
            }
            7 | 8 => {
                let subject = match self.plans.first() {
                    Some(subject) if self.random.one_in(2) || self.plans.len() > 4 => *subject,
                    _ => self.subject(),
                };
                let class = *self.random.pick(&[AircraftClass::Civil, AircraftClass::Military]);
                let marking = Some(*self.random.pick(&parties::markings())).filter(|_| self.random.one_in(3));
                let volume = volume(&mut self.random, view.utc);
                let new = Filed { class, marking, volumes: Vec::new() };
                let filed = oracle.plans.entry(subject.0).or_insert(new);
                filed.volumes.push(volume.clone());
                let (class, marking) = (filed.class, filed.marking);
                self.plans.retain(|known| *known != subject);
                self.plans.push(subject);
                let plan = Plan {
                    callsign: Some(format!("P{}", self.commands)),
                    class,
                    state: PlanState::Accepted,
                    priority: 0,
                    special: None,
                    volumes: vec![volume],
                    address: None,
                };
                let command = match marking {
                    None => Command::FilePlan { subject, plan },
                    marking => Command::FileMarkedPlan { subject, plan, marking },
                };
                vec![self.ask(Role::Planner, command)]
            }
            9 => {
                if self.plans.is_empty() {
                    return Vec::new();
                }
                let subject = self.plans.remove(0);
                vec![self.ask(Role::Planner, Command::CancelPlan(subject))]
            }
            10 => {
                let site = Site {
                    category: SiteCategory::Hospital,
                    name: Some(format!("Clinic {}", self.commands)),
                    footprint: volume(&mut self.random, view.utc).outline,
                    buffer_mm: 1_000_000,
                    verification: Verification::Independent,
                    expires: view.utc.plus_ms(86_400_000),
                };
                let subject = self.subject();
                vec![self.ask(Role::Planner, Command::FileSite { subject, site })]
            }
            11 => {
                let (to, subject) = (vec![self.peer()], self.subject());
                let volumes = vec![volume(&mut self.random, view.utc)];
                vec![self.ask(Role::Planner, Command::SendAvoid { subject, to, volumes })]
            }
            12 => {
                let manned = self.random.one_in(2);
                let next = self.random.one_in(2).then(|| view.utc.plus_ms(3_600_000));
                let status = DeskStatus { manned, next, note: format!("watch {}", self.commands) };
                vec![self.ask(Role::Officer, Command::StateDesk(status))]
            }
            13 => {
                let own: Vec<_> = view.sites.iter().filter(|s| s.owner == Owner::Own).map(|s| s.subject).collect();
                if own.len() < 3 {
                    return Vec::new();
                }
                let subject = *self.random.pick(&own);
                vec![self.ask(Role::Planner, Command::RemoveSite(subject))]
            }
            14 => {
                let peer = self.peer();
                let stated = oracle.channel.get(&peer).map(|(state, _)| *state);
                let state = match stated {
                    Some(ChannelState::Suspended) => ChannelState::Resumed,
                    _ => ChannelState::Suspended,
                };
                if state == ChannelState::Resumed {
                    // What was held back is told before the answer is.
                    oracle.channel.insert(peer.clone(), (state, at));
                }
                let reason = "as ordered".into();
                vec![self.ask(Role::Administrator, Command::StateChannel { peer, state, reason })]
            }
            15 => self.mark(oracle).into_iter().collect(),
            _ => {
                // One change at a time, so that it is known what is in force.
                if oracle.pending.is_some() || oracle.proposed.is_some() {
                    return Vec::new();
                }
                self.revision += 1;
                let mut policy = parties::policy(&mut self.random, self.me, self.count, self.revision);
                if self.drones {
                    parties::with_drones(&mut self.random, &mut policy);
                }
                oracle.pending = Some(policy.clone());
                // Before the first order there are the two who may agree to one that lets out more.
                let mut inputs = if self.revision == 2 { self.two_people() } else { Vec::new() };
                inputs.push(self.ask(Role::Administrator, Command::SetPolicy { policy, replaces: None }));
                inputs
            }
        }
    }

    /// Somebody brings a statement about a party's keys on paper.
    pub fn hand(&mut self, statement: String) -> (Input, Option<u64>) {
        self.ask(Role::Administrator, Command::TakeKeys(statement))
    }

    /// What waits for two people is answered, so that it is known what holds in the end.
    pub fn conclude(&mut self, oracle: &mut ReleaseOracle) -> Option<(Input, Option<u64>)> {
        let (id, policy) = oracle.proposed.clone().filter(|_| oracle.pending.is_none() && !oracle.rejecting)?;
        Some(self.answer_proposal(id, policy, oracle))
    }

    /// A planner marks an aircraft, or takes its marking away; what would let out more takes two of them.
    fn mark(&mut self, oracle: &mut ReleaseOracle) -> Option<(Input, Option<u64>)> {
        let flight = self.random.pick(&self.flights).clone();
        let address = flight.report.address?.bits();
        let own = oracle.aircraft.get_mut(&address).filter(|own| own.marking.asked.is_none())?;
        let marking = *self.random.pick(&[None, Some(parties::markings()[0]), Some(parties::markings()[1])]);
        own.marking.asked = Some(marking.or(parties::marking_of(flight.feed)));
        let name = (*self.random.pick(&PLANNERS)).into();
        Some(self.ask_as(Actor { name, role: Role::Planner }, Command::MarkAircraft { address, marking }))
    }

    fn two_people(&mut self) -> Vec<(Input, Option<u64>)> {
        let password = Some("-".into());
        let account =
            |role| Account { role, password: password.clone(), token: None, expires: None, must_set_password: false };
        let all =
            PEOPLE.map(|name| (name, Role::Administrator)).into_iter().chain(PLANNERS.map(|n| (n, Role::Planner)));
        let make = |(name, role): (&str, Role)| Command::SetAccount { name: name.into(), account: account(role) };
        all.map(|one| self.ask(Role::Administrator, make(one))).collect()
    }

    /// One of the two agrees to rules that let out more, or takes them back.
    fn answer_proposal(&mut self, id: u64, policy: Policy, oracle: &mut ReleaseOracle) -> (Input, Option<u64>) {
        if self.random.one_in(6) {
            oracle.rejecting = true;
            return self.ask(Role::Administrator, Command::RejectPolicy(id));
        }
        // It may be the word that puts them in force.
        oracle.pending = Some(policy);
        let name = (*self.random.pick(&PEOPLE)).into();
        self.ask_as(Actor { name, role: Role::Administrator }, Command::ConfirmPolicy(id))
    }

    fn subject(&mut self) -> SubjectId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.random.next().to_be_bytes());
        SubjectId(bytes)
    }

    /// The node answered, or said that it did not accept.
    pub fn answered(
        &mut self,
        number: u64,
        answer: Option<&Answer>,
        now: u64,
        trace: &mut Trace,
        oracle: &mut ReleaseOracle,
    ) {
        // Not accepted: nothing was done, and it is asked again by its key, as after a crash.
        let Some(answer) = answer else { return };
        let Some(asked) = self.waiting.remove(&number) else { return };
        trace.explain(|| format!("{} asked {}: {answer:?}", parties::name(self.me), asked.command.name()));
        match (&asked.command, answer) {
            (Command::SetPolicy { .. } | Command::ConfirmPolicy(_), answer) => match (oracle.pending.take(), answer) {
                (Some(policy), Ok(Done::Proposed { id, .. })) => {
                    if matches!(asked.command, Command::SetPolicy { .. }) {
                        trace.count(Event::Step(Step::RulesProposed));
                    }
                    oracle.proposed = Some((*id, policy));
                }
                (Some(policy), Ok(_)) => {
                    if oracle.proposed.is_some() {
                        trace.count(Event::Step(Step::RulesAgreed));
                    }
                    (oracle.in_force, oracle.proposed) = (policy, None);
                }
                (_, Err(Refused::NoSuch { .. })) => oracle.taken_back(),
                _ => {}
            },
            (Command::RejectPolicy(_), _) => {
                trace.count(Event::Step(Step::RulesTakenBack));
                oracle.taken_back();
            }
            (Command::MarkAircraft { address, .. }, answer) => {
                let Some(own) = oracle.aircraft.get_mut(address) else { return };
                let asked = own.marking.asked.take();
                match (answer, asked) {
                    (Ok(Done::Ok), Some(marking)) => {
                        trace.count(Event::Step(Step::Marked));
                        own.marking.held = vec![marking];
                    }
                    (Ok(Done::Proposed { .. }), _) => trace.count(Event::Step(Step::MarkWaits)),
                    _ => {}
                }
            }
            (Command::StateChannel { peer, state, .. }, Ok(_)) => {
                oracle.channel.insert(peer.clone(), (*state, now));
            }
            (Command::SendNotice(send), Ok(Done::Sent(sent))) => {
                for one in sent {
                    self.told.push((one.clone(), send.notice.text.clone()));
                    if send.receipt == Some(ReceiptLevel::Acknowledged) {
                        let within_ms = u64::from(ACKNOWLEDGE_S[send.precedence as usize]) * 1000;
                        self.owed.push(Owed { sent: one.clone(), at: now, within_ms });
                    }
                }
            }
            (_, Err(Refused::ReadBackDiffers { .. })) => trace.count(Event::Step(Step::ReadBackDiffers)),
            _ => {}
        }
    }

    /// Asks again, with the same keys, what was not answered.
    pub fn ask_again(&mut self, trace: &mut Trace) -> Vec<(Input, Option<u64>)> {
        self.waiting.iter().for_each(|_| trace.count(Event::Step(Step::Repeated)));
        self.waiting.iter().map(|(number, asked)| (asked.input(), Some(*number))).collect()
    }
}

impl Asked {
    fn input(&self) -> Input {
        Input::Command {
            actor: self.actor.clone(),
            key: Some(self.key.clone()),
            command: Box::new(self.command.clone()),
        }
    }
}
