//! Entities that the service shows and no client manages: what peers released. To clients they are other USSs'.
use crate::entity::{Constraint, Intent, IntentState};
use crate::expiry::Held;
use crate::id::Id;
use crate::state::{Dss, Kind};
use crate::volume::Extent;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

/// A USS to tell of what is shown. Answers to clients name the address alone ([`crate::ToNotify`]), as the standard has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToTell {
    /// The manager of the subscriptions.
    pub manager: String,
    /// Where.
    pub uss_base_url: String,
    /// Subscriptions, each with the number of this notification.
    pub subscriptions: Vec<(Id, u32)>,
}

/// An entity to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// State, of an intent; none of a constraint.
    pub state: Option<IntentState>,
    /// Whose it is.
    pub manager: String,
    /// Its version: the same for the same content.
    pub ovn: String,
    /// Where its details are.
    pub uss_base_url: String,
    /// Volumes.
    pub extents: Vec<Extent>,
}

impl Dss {
    /// Shows an entity, or its new version; whom to tell. Nothing if it is shown so already. A client that took the identifier while
    /// nothing was shown under it loses it: else it could keep out of every key what the peer releases again.
    pub fn show(&mut self, id: Id, shown: Shown) -> Vec<ToTell> {
        if self.intents.get(&id).is_some_and(|held| !held.shown) {
            self.leave(Held::Intent, id);
            self.take_intent(id);
        }
        if self.constraints.get(&id).is_some_and(|held| !held.shown) {
            self.leave(Held::Constraint, id);
            self.constraints.remove(&id);
        }
        match shown.state {
            Some(state) => self.show_intent(id, state, shown),
            None => self.show_constraint(id, shown),
        }
    }

    fn show_intent(&mut self, id: Id, state: IntentState, shown: Shown) -> Vec<ToTell> {
        let old = self.intents.get(&id);
        if old.is_some_and(|old| old.ovn == shown.ovn && *old.uss_base_url == *shown.uss_base_url) {
            return Vec::new();
        }
        let version = old.map_or(1, |old| old.version.saturating_add(1));
        let before = old.map(|old| old.extents.clone()).unwrap_or_default();
        let told = self.subscribed(Kind::Intents, &[&before, &shown.extents]);
        self.leave(Held::Intent, id);
        let intent = Intent {
            manager: shown.manager.as_str().into(),
            version,
            ovn: shown.ovn,
            state,
            uss_base_url: shown.uss_base_url.as_str().into(),
            subscription: None,
            extents: shown.extents,
            asked: [0; 16],
            shown: true,
        };
        self.intents.insert(id, intent);
        self.enter(Held::Intent, id);
        self.count_up(&told);
        self.to_tell(&told)
    }

    fn show_constraint(&mut self, id: Id, shown: Shown) -> Vec<ToTell> {
        let old = self.constraints.get(&id);
        if old.is_some_and(|old| old.ovn == shown.ovn && *old.uss_base_url == *shown.uss_base_url) {
            return Vec::new();
        }
        let version = old.map_or(1, |old| old.version.saturating_add(1));
        let before = old.map(|old| old.extents.clone()).unwrap_or_default();
        let told = self.subscribed(Kind::Constraints, &[&before, &shown.extents]);
        self.leave(Held::Constraint, id);
        let constraint = Constraint {
            manager: shown.manager.as_str().into(),
            version,
            ovn: shown.ovn,
            uss_base_url: shown.uss_base_url.as_str().into(),
            extents: shown.extents,
            asked: [0; 16],
            shown: true,
        };
        self.constraints.insert(id, constraint);
        self.enter(Held::Constraint, id);
        self.count_up(&told);
        self.to_tell(&told)
    }

    /// Shows an entity no more; whom to tell. Nothing of what a client manages.
    pub fn hide(&mut self, id: Id) -> Vec<ToTell> {
        let mut all = Vec::new();
        if let Some(extents) = self.intents.get(&id).filter(|old| old.shown).map(|old| old.extents.clone()) {
            let told = self.subscribed(Kind::Intents, &[&extents]);
            self.leave(Held::Intent, id);
            self.intents.remove(&id);
            self.count_up(&told);
            all.append(&mut self.to_tell(&told));
        }
        if let Some(extents) = self.constraints.get(&id).filter(|old| old.shown).map(|old| old.extents.clone()) {
            let told = self.subscribed(Kind::Constraints, &[&extents]);
            self.leave(Held::Constraint, id);
            self.constraints.remove(&id);
            self.count_up(&told);
            all.append(&mut self.to_tell(&told));
        }
        all
    }

    /// Whom to tell, by manager and address.
    fn to_tell(&self, ids: &BTreeSet<Id>) -> Vec<ToTell> {
        let mut all: BTreeMap<(&str, &str), Vec<(Id, u32)>> = BTreeMap::new();
        for (id, held) in ids.iter().filter_map(|id| Some((*id, self.subscriptions.get(id)?))) {
            all.entry((&held.manager, &held.uss_base_url)).or_default().push((id, held.index));
        }
        let of = |((manager, url), subscriptions): ((&str, &str), _)| ToTell {
            manager: manager.into(),
            uss_base_url: url.into(),
            subscriptions,
        };
        all.into_iter().map(of).collect()
    }

    /// The manager of a subscription that is there, has not ended, and is to be told at this address.
    #[must_use]
    pub fn subscriber(&self, id: Id, uss_base_url: &str, now: i64) -> Option<&str> {
        let there = |s: &&crate::Subscription| s.uss_base_url == uss_base_url && s.extent.end > now;
        self.subscriptions.get(&id).filter(there).map(|held| &*held.manager)
    }

    /// An intent that is shown here, as its details are told with: with its version, because this is where it is told.
    #[must_use]
    pub fn shown_intent(&self, id: Id) -> Option<crate::IntentRef> {
        let intent = self.intents.get(&id).filter(|intent| intent.shown)?;
        Some(crate::IntentRef { ovn: Some(intent.ovn.clone()), ..self.intent_ref(id, intent, "") })
    }

    /// The same of a constraint.
    #[must_use]
    pub fn shown_constraint(&self, id: Id) -> Option<crate::ConstraintRef> {
        let constraint = self.constraints.get(&id).filter(|constraint| constraint.shown)?;
        Some(crate::ConstraintRef { ovn: Some(constraint.ovn.clone()), ..self.constraint_ref(id, constraint, "") })
    }
}
