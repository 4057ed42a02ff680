//! What each officer has been shown already: only the first time is evidence.
use node::command::Actor;
use node::input::PaintedAlert;
use node::view::View;
use record::{Hash32, Role};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// Alerts and notices painted so far, by officer and role: what an account was shown as an observer, it has not seen as
/// an officer. Holds only what is still in the view, so it is bounded by it.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    officers: Mutex<HashMap<(String, Role), Painted>>,
}

/// Alerts, each once for every time it was raised, and notices.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Painted {
    pub alerts: BTreeSet<PaintedAlert>,
    pub notices: BTreeSet<Hash32>,
}

impl Painted {
    pub(crate) fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.notices.is_empty()
    }
}

impl Shown {
    /// Marks as shown, and returns what was not before. What is not in the view is left out: nobody can have seen it.
    /// Of an alert that has just been raised again, a console may still say that it painted the one before.
    pub(crate) fn first_time(&self, officer: &Actor, painted: &Painted, view: &View) -> Painted {
        let raisings: BTreeMap<u64, u32> = view.alerts.iter().map(|a| (a.id, a.raising)).collect();
        let is_now = |p: &PaintedAlert| {
            raisings.get(&p.id).is_some_and(|now| *now == p.raising || *now == p.raising.saturating_add(1))
        };
        let notices: BTreeSet<Hash32> = view.notices.iter().map(|n| n.id).collect();
        let mut officers = self.officers.lock().unwrap_or_else(PoisonError::into_inner);
        officers.retain(|(name, _), _| *name == officer.name || view.accounts.contains_key(name));
        let known = officers.entry((officer.name.clone(), officer.role)).or_default();
        known.alerts.retain(is_now);
        known.notices.retain(|id| notices.contains(id));
        let fresh = Painted {
            alerts: painted.alerts.iter().filter(|p| is_now(p) && !known.alerts.contains(p)).copied().collect(),
            notices: painted.notices.intersection(&notices).filter(|id| !known.notices.contains(id)).copied().collect(),
        };
        known.alerts.extend(&fresh.alerts);
        known.notices.extend(&fresh.notices);
        fresh
    }

    /// Takes marks back that could not be journaled, so that they are tried again.
    pub(crate) fn undo(&self, officer: &Actor, fresh: &Painted) {
        let mut officers = self.officers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = officers.get_mut(&(officer.name.clone(), officer.role)) {
            known.alerts.retain(|painted| !fresh.alerts.contains(painted));
            known.notices.retain(|id| !fresh.notices.contains(id));
        }
    }
}
