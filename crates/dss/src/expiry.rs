//! What has ended leaves the index at once, and is forgotten a day later.
use crate::KEPT_US;
use crate::id::Id;
use crate::state::Dss;
use crate::volume::{Extent, count, span};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::slice::from_ref;

/// Kind of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    Intent,
    Constraint,
    Subscription,
    Isa,
    RidSubscription,
}

/// When what is due, in order; made again from the entities.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Ends {
    /// In the index until then.
    indexed: BTreeSet<(i64, Held, Id)>,
    /// Forgotten then.
    kept: BTreeSet<(i64, Held, Id)>,
}

fn end(extents: &[Extent]) -> i64 {
    span(extents).map_or(i64::MIN, |(_, end)| end)
}

impl Dss {
    /// Lets time pass; `now` is microseconds UTC. A clock that was ahead and is set right brings back what has not ended:
    /// whether an intent is among that.
    pub fn handle_time(&mut self, now: i64) -> bool {
        let back = self.bring_back(now);
        self.expired_to = now;
        while let Some((at, held, id)) = self.ends.indexed.first().copied().filter(|(at, ..)| *at < self.expired_to) {
            let extents = self.extents(held, id);
            self.index(held).remove(id, &extents);
            self.ends.indexed.remove(&(at, held, id));
        }
        while let Some((at, held, id)) = self.ends.kept.first().copied().filter(|(at, ..)| *at < self.expired_to) {
            self.ends.kept.remove(&(at, held, id));
            self.forget(held, id);
        }
        self.forget_answers(now);
        back
    }

    /// What left the index at a time that is yet to come; what is written until then would meet it unseen, and be unseen itself.
    fn bring_back(&mut self, now: i64) -> bool {
        let kept = |end: i64| (end.saturating_add(KEPT_US), Held::Intent, Id::MIN);
        if now >= self.expired_to {
            return false;
        }
        let again: Vec<_> = self.ends.kept.range(kept(now)..kept(self.expired_to)).copied().collect();
        let intents = again.iter().any(|(_, held, _)| *held == Held::Intent);
        for (at, held, id) in again {
            let extents = self.extents(held, id);
            self.index(held).insert(id, &extents);
            self.ends.indexed.insert((at - KEPT_US, held, id));
        }
        intents
    }

    fn forget(&mut self, held: Held, id: Id) {
        // What intents rest on goes with the last of them.
        if held == Held::Subscription && self.subscriptions.get(&id).is_some_and(|s| !s.dependent.is_empty()) {
            return;
        }
        self.give_back(held, id);
        match held {
            Held::Intent => drop(self.take_intent(id)),
            Held::Constraint => drop(self.constraints.remove(&id)),
            Held::Subscription => drop(self.subscriptions.remove(&id)),
            Held::Isa => drop(self.rid.isas.remove(&id)),
            Held::RidSubscription => drop(self.rid.subscriptions.remove(&id)),
        }
    }

    /// Enters an entity that was written.
    pub(crate) fn enter(&mut self, held: Held, id: Id) {
        let extents = self.extents(held, id);
        let end = end(&extents);
        if end >= self.expired_to {
            self.index(held).insert(id, &extents);
            self.ends.indexed.insert((end, held, id));
        }
        self.ends.kept.insert((end.saturating_add(KEPT_US), held, id));
        if let Some((manager, cells)) = self.share(held, id) {
            let manager = manager.into();
            self.shares.add(manager, cells);
        }
    }

    /// Takes an entity out of where [`Dss::enter`] put it, before it changes.
    pub(crate) fn leave(&mut self, held: Held, id: Id) {
        let extents = self.extents(held, id);
        let end = end(&extents);
        if self.ends.indexed.remove(&(end, held, id)) {
            self.index(held).remove(id, &extents);
        }
        self.ends.kept.remove(&(end.saturating_add(KEPT_US), held, id));
        self.give_back(held, id);
    }

    fn give_back(&mut self, held: Held, id: Id) {
        if let Some((manager, cells)) = self.share(held, id) {
            let manager = String::from(manager);
            self.shares.sub(&manager, cells);
        }
    }

    /// Whose cells it takes, and how many; nobody's if it is not there or a peer's, of which `node` bounds the cells.
    fn share(&self, held: Held, id: Id) -> Option<(&str, u64)> {
        let (manager, extents) = match held {
            Held::Intent => self.intents.get(&id).filter(|i| !i.shown).map(|i| (&i.manager, &*i.extents)),
            Held::Constraint => self.constraints.get(&id).filter(|c| !c.shown).map(|c| (&c.manager, &*c.extents)),
            Held::Subscription => self.subscriptions.get(&id).map(|s| (&s.manager, from_ref(&s.extent))),
            Held::Isa => self.rid.isas.get(&id).map(|i| (&i.owner, from_ref(&i.extent))),
            Held::RidSubscription => self.rid.subscriptions.get(&id).map(|s| (&s.owner, from_ref(&s.extent))),
        }?;
        Some((manager, count(extents) as u64))
    }

    pub(crate) fn enter_all(&mut self) {
        let intents: Vec<Id> = self.intents.keys().copied().collect();
        let constraints: Vec<Id> = self.constraints.keys().copied().collect();
        let subscriptions: Vec<Id> = self.subscriptions.keys().copied().collect();
        let isas: Vec<Id> = self.rid.isas.keys().copied().collect();
        let rid_subscriptions: Vec<Id> = self.rid.subscriptions.keys().copied().collect();
        intents.into_iter().for_each(|id| self.enter(Held::Intent, id));
        constraints.into_iter().for_each(|id| self.enter(Held::Constraint, id));
        subscriptions.into_iter().for_each(|id| self.enter(Held::Subscription, id));
        isas.into_iter().for_each(|id| self.enter(Held::Isa, id));
        rid_subscriptions.into_iter().for_each(|id| self.enter(Held::RidSubscription, id));
        // What was due while it was not held is done at the next time.
    }

    fn index(&mut self, held: Held) -> &mut crate::index::Index {
        match held {
            Held::Intent => &mut self.by_place.intents,
            Held::Constraint => &mut self.by_place.constraints,
            Held::Subscription => &mut self.by_place.subscriptions,
            Held::Isa => &mut self.by_place.isas,
            Held::RidSubscription => &mut self.by_place.rid_subscriptions,
        }
    }

    fn extents(&self, held: Held, id: Id) -> Vec<Extent> {
        let extents = match held {
            Held::Intent => self.intents.get(&id).map(|i| i.extents.clone()),
            Held::Constraint => self.constraints.get(&id).map(|c| c.extents.clone()),
            Held::Subscription => self.subscriptions.get(&id).map(|s| alloc::vec![s.extent.clone()]),
            Held::Isa => self.rid.isas.get(&id).map(|i| alloc::vec![i.extent.clone()]),
            Held::RidSubscription => self.rid.subscriptions.get(&id).map(|s| alloc::vec![s.extent.clone()]),
        };
        extents.unwrap_or_default()
    }
}
