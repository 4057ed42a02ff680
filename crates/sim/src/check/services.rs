//! What traffic services were answered, held against what their service has: nothing that was answered is lost, what was deleted is
//! gone, and of two intents that meet one names the other. Kept from requests and answers alone.
use crate::event::{Event, Step};
use crate::trace::Trace;
use airspace::{Outline, Volume4d};
use dss::{Answer, Ask, Dss, Extent, Found, Id, IntentState, Outcome, Query, Refused, Request};
use std::collections::{BTreeMap, BTreeSet};
use units::Vertex;

/// What has ended is kept for a day; clocks here are wrong by some hours at most.
const KEPT_US: i64 = 16 * 3_600_000_000;

/// An intent as it was granted.
#[derive(Debug, Clone)]
pub struct Granted {
    /// Whose.
    pub manager: String,
    /// Its version.
    pub ovn: String,
    /// State.
    pub state: IntentState,
    /// Volumes.
    pub extents: Vec<Extent>,
    /// Versions that its USS named.
    key: BTreeSet<String>,
    /// The latest time that the service had before it was answered, µs: what ended before that was over.
    at: i64,
}

/// What was answered at one node.
#[derive(Debug, Default)]
pub struct Ledger {
    /// As they are now.
    pub intents: BTreeMap<Id, Granted>,
    /// Manager, version and end.
    pub constraints: BTreeMap<Id, (String, String, i64)>,
    /// The same.
    pub subscriptions: BTreeMap<Id, (String, String, i64)>,
    /// Version of what was last stated of a USS.
    pub availability: BTreeMap<String, String>,
    /// All versions that there were: data that is set back has one of them again.
    before: BTreeMap<Id, Vec<Granted>>,
    /// Intents that were deleted.
    deleted: BTreeSet<Id>,
    /// Centre of each intent, which no other has.
    centres: BTreeMap<Id, Vertex>,
    /// USSs that were ever stated to be down: what they plan need not be named.
    down: BTreeSet<String>,
    /// The latest time that the service had, µs: what ended long before is forgotten, wherever its clock is set since.
    latest: i64,
    said: bool,
}

fn end(extents: &[Extent]) -> i64 {
    extents.iter().map(|extent| extent.end).max().unwrap_or_default()
}

fn meet(a: &Extent, b: &Extent) -> bool {
    let place = a.cells.iter().any(|cell| b.cells.contains(cell));
    place && a.start <= b.end && b.start <= a.end && a.lower <= b.upper && b.lower <= a.upper
}

/// The middle of a volume that is a circle.
#[must_use]
pub fn centre(volume: &Volume4d) -> Option<Vertex> {
    if let Outline::Circle { centre, .. } = &volume.outline { Some(*centre) } else { None }
}

impl Ledger {
    /// An intent is asked for, with a place of its own.
    pub fn asked(&mut self, id: Id, volumes: &[Volume4d]) {
        self.centres.extend(volumes.iter().find_map(centre).map(|centre| (id, centre)));
    }

    /// Where an intent is.
    #[must_use]
    pub fn centre(&self, id: &Id) -> Option<Vertex> {
        self.centres.get(id).copied()
    }

    /// Centres of what was deleted.
    pub fn deleted(&self) -> impl Iterator<Item = (&Id, &Vertex)> {
        self.deleted.iter().filter_map(|id| self.centres.get_key_value(id))
    }

    /// Takes an answer, of which the service had decided by the time `at`; one that says that the same request did it before is as good.
    pub fn answered(&mut self, request: &Request, outcome: Outcome, at: i64, trace: &mut Trace) {
        let manager = request.manager.clone();
        let answer = match (outcome, &request.ask) {
            (Ok(answer), _) => answer,
            (Err(Refused::Conflict { again: Some(answer), .. }), _) => *answer,
            // Asked again after its answer was forgotten.
            (Err(Refused::NotFound { .. }), Ask::DeleteIntent(id, _)) => return self.is_deleted(*id),
            (Err(Refused::NotFound { .. }), Ask::DeleteConstraint(id, _)) => return drop(self.constraints.remove(id)),
            (Err(Refused::NotFound { .. }), Ask::DeleteSubscription(id, _)) => {
                return drop(self.subscriptions.remove(id));
            }
            (Err(Refused::Airspace { .. }), _) => return trace.count(Event::Step(Step::KeyRefused)),
            (Err(_), _) => return trace.count(Event::Step(Step::WriteRefused)),
        };
        match (&request.ask, answer) {
            (Ask::PutIntent(id, _, put), Answer::Intent { intent, .. }) => {
                let Some(ovn) = intent.ovn else { return };
                trace.count(Event::Step(Step::IntentWritten));
                let (extents, key) = (put.extents.clone(), put.key.clone());
                let granted = Granted { manager, ovn, state: put.state, extents, key, at };
                self.before.entry(*id).or_default().push(granted.clone());
                self.intents.insert(*id, granted);
            }
            (Ask::DeleteIntent(id, _), _) => self.is_deleted(*id),
            (Ask::PutConstraint(id, _, put), Answer::Constraint { constraint, .. }) => {
                let version = constraint.ovn.unwrap_or_default();
                self.constraints.insert(*id, (manager, version, end(&put.extents)));
            }
            (Ask::DeleteConstraint(id, _), _) => drop(self.constraints.remove(id)),
            (Ask::PutSubscription(id, ..), Answer::Subscription { subscription, .. }) => {
                self.subscriptions.insert(*id, (manager, subscription.version, subscription.end));
            }
            (Ask::DeleteSubscription(id, _), _) => drop(self.subscriptions.remove(id)),
            (Ask::SetAvailability(set), Answer::Availability { version, .. }) => {
                self.availability.insert(set.uss.clone(), version);
                self.down.insert(set.uss.clone());
            }
            (Ask::Report(_), Answer::Report(_)) => trace.count(Event::Step(Step::Reported)),
            _ => {}
        }
    }

    fn is_deleted(&mut self, id: Id) {
        self.intents.remove(&id);
        self.deleted.insert(id);
    }

    /// The service has this time.
    pub fn at(&mut self, utc_us: i64) {
        self.latest = self.latest.max(utc_us);
    }

    /// The data is an older copy: what was answered since is not there. USSs read what is.
    pub fn set_back(&mut self, dss: &Dss) {
        self.intents.clear();
        for (id, all) in &self.before {
            let held = all.iter().rev().find(|one| is_held(dss, *id, one));
            self.intents.extend(held.map(|one| (*id, one.clone())));
            if dss.query(&Query::Intent(*id), "").is_ok() {
                self.deleted.remove(id);
            }
        }
        let version = |found| match found {
            Ok(Found::Constraint(held)) => held.ovn,
            Ok(Found::Subscription(held)) => Some(held.version),
            _ => None,
        };
        self.constraints.retain(|id, (manager, ovn, _)| {
            *ovn = version(dss.query(&Query::Constraint(*id), manager)).unwrap_or_default();
            !ovn.is_empty()
        });
        self.subscriptions.retain(|id, (manager, held, _)| {
            *held = version(dss.query(&Query::Subscription(*id), manager)).unwrap_or_default();
            !held.is_empty()
        });
        for (uss, stated) in &mut self.availability {
            let Answer::Availability { version, .. } = dss.availability(uss) else { continue };
            *stated = version;
        }
    }

    /// Holds what was answered against what is held; `open` are entities of which a request waits for its answer.
    pub fn check(&mut self, dss: &Dss, open: &BTreeSet<Id>, trace: &mut Trace, node: &str) {
        if self.said {
            return;
        }
        let found = self.lost(dss, open).or_else(|| self.unnamed());
        self.said = found.is_some();
        match found {
            Some(text) => trace.violation(node, text),
            None => trace.count(Event::Step(Step::ServicesSame)),
        }
    }

    fn lost(&self, dss: &Dss, open: &BTreeSet<Id>) -> Option<String> {
        let is_sure = |id: &Id, end: i64| !open.contains(id) && end + KEPT_US > self.latest;
        for (id, granted) in self.intents.iter().filter(|(id, granted)| is_sure(id, end(&granted.extents))) {
            if !is_held(dss, *id, granted) {
                let held = dss.query(&Query::Intent(*id), &granted.manager);
                return Some(format!("LOST: intent {id} was answered as {granted:?} and is held as {held:?}"));
            }
        }
        for id in self.deleted.iter().filter(|id| !open.contains(*id)) {
            if dss.query(&Query::Intent(*id), "").is_ok() {
                return Some(format!("LOST: intent {id} was deleted, and is held"));
            }
        }
        for (id, (manager, version, end)) in &self.constraints {
            let found = dss.query(&Query::Constraint(*id), manager);
            let same = matches!(&found, Ok(Found::Constraint(held)) if held.ovn.as_ref() == Some(version));
            if is_sure(id, *end) && !same {
                return Some(format!("LOST: constraint {id} was answered at {version} and is held as {found:?}"));
            }
        }
        for (id, (manager, version, end)) in &self.subscriptions {
            let found = dss.query(&Query::Subscription(*id), manager);
            let same = matches!(&found, Ok(Found::Subscription(held)) if held.version == *version);
            if is_sure(id, *end) && !same {
                return Some(format!("LOST: subscription {id} was answered at {version} and is held as {found:?}"));
            }
        }
        None
    }

    /// Two intents that meet, of which neither names the other.
    fn unnamed(&self) -> Option<String> {
        let counts = |one: &&Granted| one.state.needs_key() && !self.down.contains(&one.manager);
        let all: Vec<(&Id, &Granted)> = self.intents.iter().filter(|(_, one)| counts(one)).collect();
        all.iter().enumerate().find_map(|(n, (a_id, a))| {
            let (b_id, _) = all[n + 1..].iter().find(|(_, b)| {
                let lives = |extent: &&Extent| extent.end > a.at.max(b.at);
                let met = |of_a: &Extent| b.extents.iter().filter(lives).any(|of_b| meet(of_a, of_b));
                let named = a.key.contains(&b.ovn) || b.key.contains(&a.ovn);
                !named && a.extents.iter().filter(lives).any(met)
            })?;
            Some(format!("intents {a_id} and {b_id} meet, and neither names the other"))
        })
    }
}

fn is_held(dss: &Dss, id: Id, granted: &Granted) -> bool {
    let found = dss.query(&Query::Intent(id), &granted.manager);
    matches!(found, Ok(Found::Intent(held)) if held.ovn.as_ref() == Some(&granted.ovn) && held.state == granted.state)
}
