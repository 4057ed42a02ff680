//! What happens in a scenario, step by step: what happens in both runs, and what only the run with the withheld things has.
use super::node::Down;
use super::setup::{NODE, PEER, Setup, THIRD, covert, medevac, widened};
use super::traffic::{self, Flight, Kind, real};
use crate::parties::{self, START};
use crate::random::Random;
use airspace::{Limit, Outline, Plan, PlanState, Site, SiteCategory, Verification, Volume4d};
use faults::Data;
use node::command::{Account, Command, SendNotice};
use record::{ChannelState, DeskStatus, Notice, NoticeClass, PartyId, Precedence, ReceiptLevel, Role, SubjectId};
use release::Policy;
use units::{AircraftClass, Altitude, NM_MM, Position, Vertex};

/// Something that is done.
#[derive(Debug, Clone)]
pub enum Act {
    /// A command, in a role, with an idempotency key or none.
    Ask(usize, Role, Option<String>, Box<Command>),
    /// Officers look at all alerts and take them up.
    TakeUp(usize),
    /// Officers read back all notices of a party, and answer them.
    ReadBack(usize, PartyId),
    /// Rules that would let out the withheld flights are proposed for a party.
    ProposeWider(usize),
    /// So many people agree to what is proposed.
    Agree(usize),
    /// What is proposed is refused.
    Reject,
    /// A feed of the node is lost, or there again.
    Feed(u16, bool),
    /// The wire between two is cut, and stays so until it is mended.
    Cut(usize, usize),
    /// It is mended.
    Mend(usize, usize),
    /// A node goes down and comes back.
    Restart(usize, Down),
    /// Nothing happens for so many ms; nobody ticks.
    Pass(u64),
}

/// An act at a step.
#[derive(Debug, Clone)]
pub struct Event {
    /// When.
    pub step: u64,
    /// Whether only the second run has it.
    pub withheld: bool,
    /// The word of the count.
    pub word: &'static str,
    /// What.
    pub act: Act,
}

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Parties, pacts, rules, cadences.
    pub setup: Setup,
    /// Flights.
    pub flights: Vec<Flight>,
    /// Events in order.
    pub events: Vec<Event>,
}

/// People who agree to proposals.
pub const PEOPLE: [&str; 2] = ["first", "second"];

struct Draw<'r> {
    random: &'r mut Random,
    setup: Setup,
    events: Vec<Event>,
}

impl Scenario {
    /// Draws one.
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let setup = Setup::draw(&mut random.fork());
        let mut flights = traffic::draw(&mut random.fork(), &setup);
        let mut draw = Draw { random: &mut random, setup, events: Vec::new() };
        draw.all(&mut flights);
        let Draw { setup, mut events, .. } = draw;
        events.sort_by_key(|e| e.step);
        Self { setup, flights, events }
    }
}

impl Draw<'_> {
    fn push(&mut self, step: u64, withheld: bool, word: &'static str, act: Act) {
        self.events.push(Event { step, withheld, word, act });
    }

    fn ask(&mut self, step: u64, withheld: bool, word: &'static str, (node, role): (usize, Role), command: Command) {
        let act = Act::Ask(node, role, None, Box::new(command));
        self.push(step, withheld, word, act);
    }

    fn step(&mut self) -> u64 {
        self.random.below(self.setup.steps)
    }

    fn all(&mut self, flights: &mut [Flight]) {
        for name in PEOPLE {
            let account = Account {
                role: Role::Administrator,
                password: Some("-".into()),
                token: None,
                expires: None,
                must_set_password: false,
            };
            let command = Command::SetAccount { name: name.into(), account };
            self.ask(0, false, "accounts", (NODE, Role::Administrator), command);
        }
        self.markings(flights);
        self.plans(flights);
        self.sites();
        self.notices();
        self.rules();
        self.network();
        self.offices();
    }

    fn markings(&mut self, flights: &[Flight]) {
        for flight in flights {
            let marking = match flight.kind {
                Kind::Marked => medevac(),
                Kind::MarkedCovert => covert(),
                _ => continue,
            };
            let Some(address) = flight.first.address.map(track::Address::bits) else { continue };
            let withheld = flight.kind.withheld();
            // What is to be withheld is marked before it is first heard of.
            let at = if withheld { 0 } else { self.step() };
            let mark = |marking| Command::MarkAircraft { address, marking };
            self.ask(at, withheld, word(withheld, "aircraft marked"), (NODE, Role::Planner), mark(Some(marking)));
            if !withheld && self.random.one_in(3) {
                let at = at + self.random.below(100);
                self.ask(at, false, "aircraft unmarked", (NODE, Role::Planner), mark(None));
            }
        }
    }

    fn plans(&mut self, flights: &[Flight]) {
        for (n, flight) in flights.iter().enumerate().filter(|(_, f)| f.kind == Kind::PlannedCovert) {
            let mut plan = self.plan(46.5, 8.5);
            plan.address = flight.first.address.map(track::Address::bits);
            let command = Command::FileMarkedPlan { subject: subject(2, n), plan, marking: Some(covert()) };
            self.ask(0, true, "withheld plan filed", (NODE, Role::Planner), command);
        }
        for n in 0..self.random.below(7) as usize {
            let (withheld, own) = (self.random.one_in(2), !self.random.one_in(3));
            let node = if own || withheld { NODE } else { PEER };
            let lat = real(self.random, 46.3, 46.7);
            let mut plan = self.plan(lat, 8.5);
            let mut marking = None;
            if withheld {
                match self.random.below(3) {
                    0 => plan.class = AircraftClass::Military,
                    1 => marking = Some(covert()),
                    _ => plan.volumes = vec![circle(47.5, 9.5, 8.0)],
                }
            } else if own && self.random.one_in(3) {
                marking = Some(medevac());
            } else if self.random.one_in(4) {
                plan.class = AircraftClass::Uas;
            }
            if self.random.one_in(3) {
                plan.state = PlanState::Draft;
            }
            self.life_of_plan(node, withheld, subject(1, n), plan, marking);
        }
    }

    fn life_of_plan(
        &mut self,
        node: usize,
        withheld: bool,
        subject: SubjectId,
        mut plan: Plan,
        marking: Option<release::Marking>,
    ) {
        let who = (node, Role::Planner);
        let mut at = self.step();
        let file = |plan: &Plan| Command::FileMarkedPlan { subject, plan: plan.clone(), marking };
        self.ask(at, withheld, word(withheld, "plan filed"), who, file(&plan));
        for _ in 0..self.random.below(3) {
            at += 1 + self.random.below(60);
            plan.state = *self.random.pick(&[PlanState::Accepted, PlanState::Activated, PlanState::Ended]);
            self.ask(at, withheld, word(withheld, "plan revised"), who, file(&plan));
        }
        if marking.is_none() && node == NODE && !withheld && self.random.one_in(3) {
            at += 1 + self.random.below(40);
            let mark = Command::MarkPlan { subject, marking: Some(medevac()) };
            self.ask(at, false, "plan marked", who, mark);
        }
        if withheld && marking.is_some() && plan.class == AircraftClass::Civil && self.random.one_in(3) {
            // The same again: still withheld.
            self.ask(at + 1, true, "withheld plan marked", who, Command::MarkPlan { subject, marking });
        }
        if self.random.one_in(2) {
            at += 1 + self.random.below(80);
            self.ask(at, withheld, word(withheld, "plan cancelled"), who, Command::CancelPlan(subject));
        }
    }

    fn plan(&mut self, lat: f64, lon: f64) -> Plan {
        Plan {
            callsign: Some(format!("PLAN{}", self.random.below(1_000))),
            class: AircraftClass::Civil,
            state: PlanState::Accepted,
            priority: 0,
            special: None,
            volumes: vec![circle(lat, lon, 10.0)],
            address: None,
        }
    }

    fn sites(&mut self) {
        for n in 0..self.random.below(4) as usize {
            let withheld = self.random.one_in(2);
            let (lat, lon) = if withheld { (47.5, 9.5) } else { (real(self.random, 46.3, 46.7), 8.5) };
            let (subject, who) = (subject(3, n), (NODE, Role::Planner));
            let file = Command::FileSite { subject, site: site(lat, lon) };
            let at = self.step();
            self.ask(at, withheld, word(withheld, "site filed"), who, file);
            if self.random.one_in(2) {
                let at = at + 1 + self.random.below(60);
                self.ask(at, withheld, word(withheld, "site removed"), who, Command::RemoveSite(subject));
            }
        }
    }

    fn notices(&mut self) {
        let apart = self.setup.third_is_apart();
        for n in 0..self.random.below(5) as usize {
            let withheld = apart && self.random.one_in(2);
            let other = if withheld { THIRD } else { PEER };
            let to_node = self.random.one_in(2);
            let (from, to) = if to_node { (other, NODE) } else { (NODE, other) };
            let precedence = *self.random.pick(&[Precedence::Routine, Precedence::Immediate, Precedence::Flash]);
            let notice = Command::SendNotice(notice(subject(4, n), to, precedence));
            let at = self.step();
            let key = self.random.one_in(3).then(|| format!("notice-{n}"));
            let act = Act::Ask(from, Role::Officer, key.clone(), Box::new(notice));
            self.push(at, withheld, word(withheld, "notice sent"), act.clone());
            if key.is_some() {
                let at = at + 1 + self.random.below(30);
                self.push(at, withheld, word(withheld, "notice sent again with its key"), act);
            }
            if self.random.one_in(2) {
                let at = at + 5 + self.random.below(60);
                self.push(at, withheld, word(withheld, "notice read back"), Act::ReadBack(to, parties::name(from)));
            }
        }
        for n in 0..self.random.below(3) as usize {
            let withheld = apart && self.random.one_in(2);
            let to = if withheld { THIRD } else { PEER };
            let volumes = vec![circle(real(self.random, 46.2, 46.8), 8.5, 6.0)];
            let command = Command::SendAvoid { subject: subject(5, n), to: vec![parties::name(to)], volumes };
            let at = self.step();
            self.ask(at, withheld, word(withheld, "avoid area sent"), (NODE, Role::Planner), command);
        }
        if self.random.one_in(12) {
            // More than the pact's rates let through at once.
            let at = self.step();
            for n in 0..70 {
                // Far from all others: it is their number that matters.
                let plan = self.plan(44.8, 11.5);
                let file = Command::FilePlan { subject: subject(6, n), plan };
                self.ask(at, false, "plan of a flood filed", (PEER, Role::Planner), file);
            }
        }
    }

    /// Changes of rules, and proposals. What is proposed last takes the place of what was, so those about withheld things
    /// are made in the second half, where no other is.
    fn rules(&mut self) {
        let half = self.setup.steps / 2;
        if self.random.one_in(2) {
            let policy = self.setup.draw_policy(&mut self.random.fork());
            let at = self.random.below(half);
            self.set_policy(at, false, "rules changed", policy);
            let later = (at + self.random.below(30)).min(half);
            match self.random.below(4) {
                0 => self.push(later, false, "proposal refused", Act::Reject),
                1 => self.push(later, false, "proposal agreed to by one", Act::Agree(1)),
                _ => self.push(later, false, "proposal agreed to by two", Act::Agree(2)),
            }
            // Nothing waits any more when the withheld ones come.
            self.push(half, false, "proposal refused", Act::Reject);
        }
        if self.random.one_in(3) {
            let at = half + 1 + self.random.below(half - 20);
            self.push(at, true, "withheld: widening proposed", Act::ProposeWider(PEER));
            let later = at + 1 + self.random.below(15);
            match self.random.below(3) {
                0 => self.push(later, true, "withheld: proposal refused", Act::Reject),
                1 => self.push(later, true, "withheld: proposal agreed to by one", Act::Agree(1)),
                _ => {}
            }
        } else if self.setup.third_is_apart() && self.random.one_in(2) {
            let at = half + 1 + self.random.below(half - 20);
            self.push(at, true, "withheld: widening for another proposed", Act::ProposeWider(THIRD));
            let later = at + 1 + self.random.below(15);
            self.push(later, true, "withheld: widening for another agreed to", Act::Agree(2));
        }
    }

    fn set_policy(&mut self, at: u64, withheld: bool, word: &'static str, policy: Policy) {
        let command = Command::SetPolicy { policy, replaces: None };
        self.ask(at, withheld, word, (NODE, Role::Administrator), command);
    }

    fn network(&mut self) {
        let apart = self.setup.third_is_apart();
        for _ in 0..self.random.below(3) {
            let at = self.step();
            let long = if self.random.one_in(3) { 200 } else { 40 };
            let later = at + 5 + self.random.below(long);
            self.push(at, false, "link cut", Act::Cut(NODE, PEER));
            self.push(later, false, "link mended", Act::Mend(NODE, PEER));
        }
        if apart && self.random.one_in(2) {
            let at = self.step();
            self.push(at, true, "withheld: other link cut", Act::Cut(NODE, THIRD));
            self.push(at + 20, true, "withheld: other link mended", Act::Mend(NODE, THIRD));
        }
        let down = |random: &mut Random| match random.below(4) {
            0 => (Down::Stopped, "restart after a stop"),
            1 => (Down::Killed, "restart after a kill"),
            2 => (Down::Power(Data::Torn), "restart after a power loss, torn"),
            _ => (Down::Power(Data::Lost), "restart after a power loss"),
        };
        for _ in 0..self.random.below(3) {
            let (at, (how, word)) = (self.step(), down(self.random));
            self.push(at, false, word, Act::Restart(NODE, how));
        }
        if self.random.one_in(6) {
            let (at, (how, _)) = (self.step(), down(self.random));
            self.push(at, false, "restart of the peer", Act::Restart(PEER, how));
        }
        if apart && self.random.one_in(6) {
            let (at, (how, _)) = (self.step(), down(self.random));
            self.push(at, true, "withheld: restart of the third party", Act::Restart(THIRD, how));
        }
        if self.random.one_in(10) {
            // Longer than a proposal lives; or than a track; or than a name.
            let (ms, word) = *self.random.pick(&[
                (25 * 3_600_000, "a day passes"),
                (660_000, "eleven minutes pass"),
                (130_000, "two minutes pass"),
            ]);
            let at = self.setup.steps - 60;
            self.push(at, false, word, Act::Pass(ms));
        }
    }

    fn offices(&mut self) {
        let apart = self.setup.third_is_apart();
        for _ in 0..self.random.below(4) {
            let at = self.step();
            self.push(at, true, "withheld: alerts taken up", Act::TakeUp(NODE));
        }
        if self.random.one_in(2) {
            let at = self.step();
            self.push(at, false, "alerts taken up", Act::TakeUp(NODE));
        }
        if self.random.one_in(3) {
            let (at, manned) = (self.step(), self.random.one_in(2));
            let status = DeskStatus { manned, next: None, note: "by telephone".into() };
            self.ask(at, false, "staffing stated", (NODE, Role::Officer), Command::StateDesk(status));
        }
        let channel = |peer: usize, state, reason: &str| Command::StateChannel {
            peer: parties::name(peer),
            state,
            reason: reason.into(),
        };
        for (of, chance) in [(PEER, 3), (THIRD, 3)] {
            let withheld = of == THIRD;
            if withheld && !apart || !self.random.one_in(chance) {
                continue;
            }
            let (at, by) = (self.step(), if self.random.one_in(2) { NODE } else { of });
            let (who, other) = ((by, Role::Administrator), if by == NODE { of } else { NODE });
            let suspend = channel(other, ChannelState::Suspended, "in doubt");
            self.ask(at, withheld, word(withheld, "channel suspended"), who, suspend);
            if self.random.one_in(2) {
                let at = at + 30 + self.random.below(200);
                let resume = channel(other, ChannelState::Resumed, "resolved");
                self.ask(at, withheld, word(withheld, "channel resumed"), who, resume);
            }
        }
        if self.random.one_in(3) {
            let at = self.step();
            self.push(at, true, "withheld: sensor lost", Act::Feed(super::setup::feeds::SEEN, false));
            self.push(at + 40, true, "withheld: sensor there again", Act::Feed(super::setup::feeds::SEEN, true));
        }
        if self.random.one_in(100) {
            // More commands with keys than are remembered.
            let at = self.step();
            for n in 0..1_010 {
                let plan = Plan { class: AircraftClass::Military, ..self.plan(44.8, 11.5) };
                let command = Command::FilePlan { subject: subject(7, n % 3), plan };
                let act = Act::Ask(NODE, Role::Planner, Some(format!("many-{n}")), Box::new(command));
                self.push(at, true, "withheld: one of a thousand commands with keys", act);
            }
        }
    }
}

fn word(withheld: bool, word: &'static str) -> &'static str {
    if !withheld {
        return word;
    }
    match word {
        "aircraft marked" => "withheld: aircraft marked",
        "plan filed" => "withheld plan filed",
        "plan revised" => "withheld plan revised",
        "plan cancelled" => "withheld plan cancelled",
        "site filed" => "withheld site filed",
        "site removed" => "withheld site removed",
        "notice sent" => "withheld notice sent",
        "notice sent again with its key" => "withheld notice sent again with its key",
        "notice read back" => "withheld notice read back",
        "avoid area sent" => "withheld avoid area sent",
        "channel suspended" => "withheld: other channel suspended",
        "channel resumed" => "withheld: other channel resumed",
        other => other,
    }
}

/// What the administrator asks for when the withheld flights are to be let out to a party.
pub fn wider(policy: &Policy, to: usize) -> Command {
    Command::SetPolicy { policy: widened(policy, to), replaces: None }
}

fn subject(kind: u8, n: usize) -> SubjectId {
    let mut id = [kind; 16];
    id[8..].copy_from_slice(&(n as u64).to_be_bytes());
    SubjectId(id)
}

/// Levels from FL200 to FL400, for an hour.
fn circle(lat: f64, lon: f64, radius_nm: f64) -> Volume4d {
    let centre = match Vertex::from_degrees(lat, lon) {
        Ok(centre) => centre,
        Err(error) => unreachable!("{error:?}"),
    };
    Volume4d {
        outline: Outline::Circle { centre, radius_mm: (radius_nm * NM_MM as f64) as i64 },
        lower: Limit::At(Altitude::pressure_feet(20_000)),
        upper: Limit::At(Altitude::pressure_feet(40_000)),
        start: START,
        end: START.plus_ms(3_600_000),
    }
}

fn site(lat: f64, lon: f64) -> Site {
    let Volume4d { outline, .. } = circle(lat, lon, 0.2);
    Site {
        category: SiteCategory::Hospital,
        name: Some("Clinic".into()),
        footprint: outline,
        buffer_mm: 2_000_000,
        verification: Verification::Independent,
        expires: units::Utc(i64::MAX / 2),
    }
}

fn notice(subject: SubjectId, to: usize, precedence: Precedence) -> SendNotice {
    SendNotice {
        subject,
        to: vec![parties::name(to)],
        precedence,
        receipt: Some(ReceiptLevel::Acknowledged),
        notice: Notice {
            class: NoticeClass::Hazard,
            text: "Balloon adrift".into(),
            place: Position::from_degrees(46.5, 8.5).ok(),
            level: Some(Altitude::pressure_feet(30_000)),
            start: Some(START),
            end: None,
            volumes: Vec::new(),
            action: None,
        },
    }
}
