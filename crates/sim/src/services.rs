//! Traffic services that use a node as their DSS, and what it tells them: writes with right and wrong versions, some of them at once
//! so that two race; notifications that arrive and such as do not.
//!
//! The interface (HTTP, tokens, JSON) is not here: requests are as it hands them to the fold.
use crate::check::{Filed, Ledger};
use crate::event::{Event, Step};
use crate::parties;
use crate::random::Random;
use crate::trace::Trace;
use airspace::{Limit, Outline, Volume4d};
use cells::{Cell, LatLng};
use dss::{
    Ask, AvailabilityState, CellKey, Extent, Found, Id, IntentState, NewSubscription, PutConstraint, PutIntent,
    PutSubscription, Query, Request, SetAvailability, Supporting,
};
use node::State;
use node::input::{Answered, Input, Notified, NotifyOutcome, Outlined};
use std::collections::{BTreeMap, BTreeSet};
use units::{AircraftClass, Altitude, Height, Reference, Utc, Vertex};

/// Numbers of requests from here on; those of officers are below.
pub const REQUESTS: u64 = 1 << 32;
/// Numbers of outcomes of notifications.
const OUTCOMES: u64 = 1 << 33;

/// USSs of one node. The last is stated to be down now and then.
const MANAGERS: [&str; 3] = ["uss-a", "uss-b", "uss-c"];
/// Intents of one USS.
const OWN_MAX: usize = 5;
/// Where they fly, 1e-9 degrees, the same for all nodes, so that what peers release is in keys; the second in the hidden strip.
pub const PLACES: [(i64, i64); 2] = [(46_503_700_000, 8_504_100_000), (48_703_700_000, 8_004_100_000)];
/// What is at a place is within this of it, 1e-9 degrees: 2,000 intents, each a ten-thousandth of a degree or less from the next.
pub const AROUND_E9: i64 = 3_000_000;

/// A request with what is to be filed of it.
#[derive(Debug, Clone)]
struct Asked {
    request: Request,
    outlined: Option<Outlined>,
    /// The latest time that the node had since, µs.
    latest: i64,
}

/// Traffic services of one node.
#[derive(Debug)]
pub struct Services {
    me: usize,
    random: Random,
    asks: u64,
    waiting: BTreeMap<u64, Asked>,
    /// Outcomes that were handed in, by number.
    outcomes: BTreeMap<u64, Notified>,
    /// What was taken: address, entity, change.
    taken: BTreeSet<(String, Id, u64)>,
    /// What they were answered.
    pub ledger: Ledger,
    /// What was found of peers, for a planted bug.
    pub found: BTreeMap<usize, BTreeMap<Id, Seen>>,
}

/// An intent of a peer as a node shows it to its traffic services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Subject as told.
    pub subject: record::SubjectId,
    /// Of each part a place on it, and its time.
    pub parts: Vec<Part>,
}

/// A place of a volume and its time: latitude, longitude (1e-9 degrees), beginning, end.
pub type Part = (i64, i64, i64, i64);

/// The part of a volume that was told, by the place that its outline begins with.
#[must_use]
pub fn part(volume: &Volume4d) -> Option<Part> {
    let at = match &volume.outline {
        Outline::Circle { centre, .. } => centre,
        Outline::Polygon(points) | Outline::Corridor { points, .. } => points.first()?,
    };
    Some((at.lat_e9, at.lon_e9, volume.start.0, volume.end.0))
}

/// Whether a part is where traffic services fly.
#[must_use]
pub fn is_near(part: &Part, to: (i64, i64)) -> bool {
    (part.0 - to.0).abs() <= AROUND_E9 && (part.1 - to.1).abs() <= AROUND_E9
}

fn cells_at(lat_e9: i64, lon_e9: i64, radius_m: f64) -> Vec<CellKey> {
    let centre = LatLng { lat: lat_e9 as f64 / 1e9, lng: lon_e9 as f64 / 1e9 };
    let key = |cell: &Cell| (cell.id() >> 35) as CellKey;
    let keys: BTreeSet<CellKey> = cells::circle(centre, radius_m).iter().flatten().map(key).collect();
    keys.into_iter().collect()
}

/// Intents of a party that a node shows at the places of its traffic services.
#[must_use]
pub fn seen(state: &State, owner: &record::PartyId) -> BTreeMap<Id, Seen> {
    let mut all = BTreeMap::new();
    for (lat, lon) in PLACES {
        let area = dss::AreaOfInterest { cells: cells_at(lat, lon, 1_500.0), ..Default::default() };
        let Ok(Found::Intents(found)) = state.dss().query(&Query::Intents(area), "") else { continue };
        for reference in found.into_iter().filter(|reference| reference.manager == owner.as_str()) {
            let Some((thing, details)) = state.shown_thing(reference.id).zip(state.shown_details(reference.id)) else {
                continue;
            };
            let part = |volume: &node::ShownVolume| {
                let at = match &volume.piece {
                    node::Piece::Circle(centre, _) => *centre,
                    node::Piece::Polygon(points) => *points.first()?,
                };
                let e9 = |degrees: f64| (degrees * 1e9).round() as i64;
                Some((e9(at.lat), e9(at.lng), volume.span.0.0, volume.span.1.0))
            };
            let parts = details.volumes.iter().filter_map(part).collect();
            all.insert(reference.id, Seen { subject: thing.subject, parts });
        }
    }
    all
}

impl Services {
    /// Of a node.
    #[must_use]
    pub fn new(random: Random, me: usize) -> Self {
        Self {
            me,
            random,
            asks: 0,
            waiting: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            taken: BTreeSet::new(),
            ledger: Ledger::default(),
            found: BTreeMap::new(),
        }
    }

    /// What its services ask now: each that has had its answer one thing, on the same picture.
    pub fn act(&mut self, state: &State, utc: Utc, filed: &mut BTreeMap<[u8; 16], Filed>) -> Vec<(Input, Option<u64>)> {
        let open: BTreeSet<String> = self.waiting.values().map(|asked| asked.request.manager.clone()).collect();
        let mut inputs: Vec<_> = self.waiting.iter().map(|(number, asked)| (asked.input(), Some(*number))).collect();
        for manager in MANAGERS.into_iter().filter(|manager| !open.contains(*manager)) {
            if self.random.one_in(3) {
                continue;
            }
            let (ask, outlined) = self.ask(manager, state, utc, filed);
            self.asks += 1;
            let number = REQUESTS + self.asks;
            let key = Some(format!("{}-{}", self.me, self.asks));
            let request = Request { manager: manager.into(), entropy: self.entropy(), key, ask };
            let asked = Asked { request, outlined, latest: utc.0 * 1000 };
            inputs.push((asked.input(), Some(number)));
            self.waiting.insert(number, asked);
        }
        inputs
    }

    fn entropy(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.chunks_mut(8).for_each(|part| part.copy_from_slice(&self.random.next().to_be_bytes()));
        bytes
    }

    fn id(&mut self) -> Id {
        let entropy = self.entropy();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&entropy[..16]);
        Id::random(bytes)
    }

    fn own<T>(&mut self, all: Vec<T>) -> Option<T> {
        let n = self.random.below(all.len().max(1) as u64) as usize;
        all.into_iter().nth(n)
    }

    /// A version as held, or at times another.
    fn version(&mut self, held: String) -> String {
        if self.random.one_in(8) { "no-such-version-at-all".into() } else { held }
    }

    fn ask(
        &mut self,
        manager: &str,
        state: &State,
        utc: Utc,
        filed: &mut BTreeMap<[u8; 16], Filed>,
    ) -> (Ask, Option<Outlined>) {
        let intents = self.ledger.intents.iter().filter(|(_, held)| held.manager == manager);
        let intents: Vec<(Id, String)> = intents.map(|(id, held)| (*id, held.ovn.clone())).collect();
        let many = intents.len() >= OWN_MAX;
        let intent = self.own(intents);
        let of = |all: &BTreeMap<Id, (String, String, i64)>| -> Vec<(Id, String)> {
            let own = all.iter().filter(|(_, (by, ..))| by == manager);
            own.map(|(id, (_, version, _))| (*id, version.clone())).collect()
        };
        let (constraints, subscriptions) = (of(&self.ledger.constraints), of(&self.ledger.subscriptions));
        match (self.random.below(16), intent) {
            (0..=2, Some((id, ovn))) => {
                let named = Some(self.version(ovn));
                self.put_intent(manager, id, named, state, utc, filed)
            }
            (3..=5, Some((id, ovn))) => (Ask::DeleteIntent(id, self.version(ovn)), None),
            (6..=8, intent) if intent.is_none() || !many => {
                let id = self.id();
                self.put_intent(manager, id, None, state, utc, filed)
            }
            (9, _) if !constraints.is_empty() => {
                let (id, version) = self.own(constraints).unwrap_or((Id::MIN, String::new()));
                (Ask::DeleteConstraint(id, self.version(version)), None)
            }
            (9, _) => {
                let (volume, extent) = self.volume(None, utc);
                drop(volume);
                let put = PutConstraint { extents: vec![extent], uss_base_url: url(manager) };
                (Ask::PutConstraint(self.id(), None, put), None)
            }
            (10, _) if subscriptions.len() > 1 => {
                let (id, version) = self.own(subscriptions).unwrap_or((Id::MIN, String::new()));
                (Ask::DeleteSubscription(id, self.version(version)), None)
            }
            (10 | 11, _) if subscriptions.len() <= 2 => {
                let (_, extent) = self.volume(None, utc);
                let put = PutSubscription {
                    extent: Extent { lower: None, upper: None, ..extent },
                    start: None,
                    end: Some(utc.0 * 1000 + 4 * 3_600_000_000),
                    uss_base_url: url(manager),
                    intents: true,
                    constraints: self.random.one_in(2),
                };
                (Ask::PutSubscription(self.id(), None, put), None)
            }
            (12, _) => {
                let uss = MANAGERS[2].to_owned();
                let states = [AvailabilityState::Normal, AvailabilityState::Down];
                let old_version = self.ledger.availability.get(&uss).cloned().unwrap_or_default();
                let set =
                    SetAvailability { uss, state: *self.random.pick(&states), old_version: self.version(old_version) };
                (Ask::SetAvailability(set), None)
            }
            (13, _) => (Ask::Report(format!("{{\"exchange\":{{\"problem\":\"{}\"}}}}", self.asks)), None),
            _ => {
                let id = self.id();
                self.put_intent(manager, id, None, state, utc, filed)
            }
        }
    }

    /// A volume of an intent, at its own place or at a new one.
    fn volume(&mut self, at: Option<Vertex>, utc: Utc) -> (Volume4d, Extent) {
        let place = *self.random.pick(&[PLACES[0], PLACES[0], PLACES[1]]);
        // Nobody else's is at the very same place.
        let step = (self.me as i64 * 500 + self.asks as i64 % 500) * 1_000;
        let centre = at.unwrap_or(Vertex { lat_e9: place.0 + step, lon_e9: place.1 + step });
        let radius_mm = self.random.between(100, 300) as i64 * 1_000;
        let (lower, upper) = *self.random.pick(&[(0, 100_000), (50_000, 150_000), (500_000, 600_000)]);
        let start = utc.plus_ms(self.random.below(600_000) as i64);
        let end = start.plus_ms(self.random.between(600_000, 3_600_000) as i64);
        let limit = |mm: i64| Limit::At(Altitude::Known(Height(mm as i32 * 10), Reference::Wgs84));
        let outline = Outline::Circle { centre, radius_mm };
        let volume = Volume4d { outline, lower: limit(lower), upper: limit(upper), start, end };
        let extent = Extent {
            cells: cells_at(centre.lat_e9, centre.lon_e9, radius_mm as f64 / 1000.0),
            start: start.0 * 1000,
            end: end.0 * 1000,
            lower: Some(lower),
            upper: Some(upper),
            levels_up: 0,
        };
        (volume, extent)
    }

    fn put_intent(
        &mut self,
        manager: &str,
        id: Id,
        named: Option<String>,
        state: &State,
        utc: Utc,
        filed: &mut BTreeMap<[u8; 16], Filed>,
    ) -> (Ask, Option<Outlined>) {
        let (volume, extent) = self.volume(self.ledger.centre(&id), utc);
        let mut key = self.key(&extent, state);
        match self.random.below(6) {
            0 => key.clear(),
            1 => drop(key.pop_first()),
            _ => {}
        }
        let states = [IntentState::Accepted, IntentState::Accepted, IntentState::Activated, IntentState::Nonconforming];
        let state = if named.is_none() { IntentState::Accepted } else { *self.random.pick(&states) };
        let new = NewSubscription { uss_base_url: url(manager), constraints: self.random.one_in(3) };
        let supporting = if self.random.one_in(2) { Supporting::New(new) } else { Supporting::Nothing };
        let put = PutIntent {
            extents: vec![extent],
            key,
            state,
            uss_base_url: url(manager),
            supporting,
            ovn_suffix: None,
            cmsa: true,
        };
        self.ledger.asked(id, std::slice::from_ref(&volume));
        let marking = Some(parties::drones());
        let new = Filed { class: AircraftClass::Uas, marking, volumes: Vec::new() };
        filed.entry(id.0).or_insert(new).volumes.push(volume.clone());
        (Ask::PutIntent(id, named, put), Some(Outlined::Volumes(vec![volume])))
    }

    /// Versions of all that a volume meets, as its USS asks others for them.
    fn key(&self, extent: &Extent, state: &State) -> BTreeSet<String> {
        let area = || dss::AreaOfInterest {
            cells: extent.cells.clone(),
            start: Some(extent.start),
            end: Some(extent.end),
            lower: extent.lower,
            upper: extent.upper,
        };
        let dss = state.dss();
        let mut key = BTreeSet::new();
        if let Ok(Found::Intents(found)) = dss.query(&Query::Intents(area()), "") {
            let ovn = |id: &Id| match self.ledger.intents.get(id) {
                Some(held) => Some(held.ovn.clone()),
                None => dss.shown_intent(*id).and_then(|shown| shown.ovn),
            };
            key.extend(found.iter().filter_map(|reference| ovn(&reference.id)));
        }
        if let Ok(Found::Constraints(found)) = dss.query(&Query::Constraints(area()), "") {
            let ovn = |id: &Id| match self.ledger.constraints.get(id) {
                Some((_, ovn, _)) => Some(ovn.clone()),
                None => dss.shown_constraint(*id).and_then(|shown| shown.ovn),
            };
            key.extend(found.iter().filter_map(|reference| ovn(&reference.id)));
        }
        key
    }

    /// What was not answered is asked again, with its key.
    pub fn ask_again(&self) -> Vec<(Input, Option<u64>)> {
        self.waiting.iter().map(|(number, asked)| (asked.input(), Some(*number))).collect()
    }

    /// Whether a request waits for its answer.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What waits at the node to be told to a service is sent, and what came of it handed in.
    pub fn notify(&mut self, state: &State, well: bool, trace: &mut Trace) -> Vec<(Input, Option<u64>)> {
        let under_way: BTreeSet<_> =
            self.outcomes.values().map(|sent| (sent.manager.clone(), sent.address.clone())).collect();
        let mut inputs = Vec::new();
        for (manager, address) in state.to_notify() {
            let manager = Some(manager);
            if under_way.contains(&(manager.clone(), address.clone())) {
                continue;
            }
            let Some(next) = manager.as_deref().and_then(|of| state.next_notification(of, &address)) else { continue };
            if self.taken.contains(&(address.clone(), next.entity, next.change)) {
                let text =
                    format!("{address} took change {} of {}, and is to be told it again", next.change, next.entity);
                trace.violation(parties::name(self.me).as_str(), text);
                self.taken.clear();
            }
            let outcome = match self.random.below(4) {
                _ if next.subscriptions.is_empty() => NotifyOutcome::Unwanted,
                0 if !well => NotifyOutcome::Refused(503),
                1 if !well => NotifyOutcome::Failed("no route to it".into()),
                _ => NotifyOutcome::Sent(204),
            };
            trace.count(Event::Step(match outcome {
                NotifyOutcome::Sent(_) => Step::Notified,
                _ => Step::NotNotified,
            }));
            let dss = state.dss();
            let ovn = dss.shown_intent(next.entity).and_then(|shown| shown.ovn);
            let ovn = ovn.or_else(|| dss.shown_constraint(next.entity).and_then(|shown| shown.ovn));
            let (entity, change, subscriptions) = (next.entity, next.change, next.subscriptions);
            let notified = Notified { address, entity, change, subscriptions, ovn, outcome, manager };
            self.asks += 1;
            let number = OUTCOMES + self.asks;
            inputs.push((Input::Notified(Box::new(notified.clone())), Some(number)));
            self.outcomes.insert(number, notified);
        }
        inputs
    }

    /// The node answered, or said that it did not accept.
    pub fn answered(&mut self, number: u64, accepted: bool, answer: Option<Answered>, trace: &mut Trace) {
        if let Some(notified) = self.outcomes.remove(&number) {
            if accepted && !matches!(notified.outcome, NotifyOutcome::Refused(_) | NotifyOutcome::Failed(_)) {
                self.taken.insert((notified.address, notified.entity, notified.change));
            }
            return;
        }
        let Some(Answered::Dss(outcome)) = answer else { return };
        let Some(asked) = self.waiting.remove(&number) else { return };
        self.ledger.answered(&asked.request, *outcome, asked.latest, trace);
    }

    /// The node has this time.
    pub fn at(&mut self, utc: Utc) {
        self.ledger.at(utc.0 * 1000);
        for asked in self.waiting.values_mut() {
            asked.latest = asked.latest.max(utc.0 * 1000);
        }
    }

    /// The node died: it is not known what it took of what was sent.
    pub fn died(&mut self) {
        self.outcomes.clear();
    }

    /// The node's data was set back.
    pub fn set_back(&mut self, state: &State) {
        self.taken.clear();
        self.found.clear();
        self.ledger.set_back(state.dss());
    }

    /// Holds what was answered against what the node has.
    pub fn check(&mut self, state: &State, trace: &mut Trace) {
        let open = self.waiting.values().filter_map(|asked| match &asked.request.ask {
            Ask::PutIntent(id, ..)
            | Ask::DeleteIntent(id, _)
            | Ask::PutConstraint(id, ..)
            | Ask::DeleteConstraint(id, _)
            | Ask::PutSubscription(id, ..)
            | Ask::DeleteSubscription(id, _) => Some(*id),
            _ => None,
        });
        let open = open.collect();
        self.ledger.check(state.dss(), &open, trace, parties::name(self.me).as_str());
    }
}

fn url(manager: &str) -> String {
    format!("https://{manager}.example/utm")
}

impl Asked {
    fn input(&self) -> Input {
        Input::Dss(Box::new(self.request.clone()), self.outlined.clone().map(Box::new))
    }
}
