//! Operational intent references (F3548-21, strategic coordination). The order of the checks is that of the reference
//! implementation, because clients tell causes apart by the status.
use crate::answer::{Answer, Outcome, Refused};
use crate::entity::{AvailabilityState, Intent, IntentState, Subscription};
use crate::expiry::Held;
use crate::id::Id;
use crate::index::Sifted;
use crate::request::{PutIntent, Request, Supporting};
use crate::state::{Dss, Kind, other_version};
use crate::volume::{Extent, around, count, has_all, span};
use crate::{DEPENDENT_MAX, ENTITIES_MAX, ovn};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;

const WHAT: &str = "operational intent reference";

/// The subscription that an intent is to rest on, before anything is changed.
enum Resting {
    Nothing,
    /// As it is.
    On(Id),
    /// Made so wide first; only an implicit one is.
    Widened(Id, Extent),
    New(Id, Box<Subscription>),
}

impl Dss {
    pub(crate) fn put_intent(
        &mut self,
        request: &Request,
        id: Id,
        named: Option<&str>,
        put: &PutIntent,
        asked: [u8; 16],
        now: i64,
    ) -> Outcome {
        if span(&put.extents).is_none_or(|(_, end)| end < now) {
            return Err(Refused::invalid("extents", "the end is in the past"));
        }
        let ovn = match &put.ovn_suffix {
            Some(suffix) => ovn::requested(&id, suffix, now)?,
            None => ovn::fresh(&request.entropy, &id),
        };
        if put.state.needs_cmsa() && !put.cmsa {
            let reason = alloc::format!("the state {} needs the scope utm.conformance_monitoring_sa", put.state.name());
            return Err(Refused::Forbidden(reason));
        }
        let old = self.intents.get(&id);
        match old {
            Some(old) if !old.is_of(&request.manager) => {
                return Err(Refused::Forbidden("the operational intent reference is another USS's".into()));
            }
            Some(old) if named != Some(&old.ovn) => {
                let again = (old.asked == asked).then(|| Box::new(self.intent_again(id, old)));
                return Err(Refused::Conflict { reason: other_version(WHAT, named), again });
            }
            None if named.is_some() => {
                let reason = "there is no such operational intent reference, so it has no version to change";
                return Err(Refused::invalid("ovn", reason));
            }
            None if self.intents.len() >= ENTITIES_MAX => {
                return Err(Refused::Full { what: "operational intent references", max: ENTITIES_MAX });
            }
            _ => {}
        }
        // Whoever has seen the version that bore it before would be taken to have seen this one.
        let requested = put.ovn_suffix.as_deref().and_then(|suffix| Id::parse(suffix).ok());
        if requested.is_some_and(|suffix| self.requested.contains(&(suffix, id))) {
            return Err(Refused::invalid(
                "requested_ovn_suffix",
                "a version of this operational intent had it already",
            ));
        }
        let resting = self.resting(request, id, put, asked)?;
        if put.state.needs_key() {
            let constraints = match &resting {
                Resting::Nothing => false,
                Resting::On(id) | Resting::Widened(id, _) => self.subscriptions.get(id).is_some_and(|s| s.constraints),
                Resting::New(_, new) => new.constraints,
            };
            self.check_key(&request.manager, id, put, constraints)?;
        }
        let (old_cells, new_cells) = match &resting {
            Resting::Nothing | Resting::On(_) => (0, 0),
            Resting::Widened(on, wide) => {
                (self.subscriptions.get(on).map_or(0, |s| s.extent.cells.len()), wide.cells.len())
            }
            Resting::New(_, new) => (0, new.extent.cells.len()),
        };
        let old_cells = old_cells + self.intents.get(&id).map_or(0, |old| count(&old.extents));
        self.shares.check(&request.manager, old_cells, new_cells + count(&put.extents))?;

        // From here on nothing is refused.
        self.requested.extend(requested.map(|suffix| (suffix, id)));
        let old = self.intents.get(&id);
        let (created, version) = old.map_or((true, 1), |old| (false, old.version.saturating_add(1)));
        let before = old.map(|old| old.extents.clone()).unwrap_or_default();
        let subscription = match &resting {
            Resting::Nothing => None,
            Resting::On(id) | Resting::Widened(id, _) | Resting::New(id, _) => Some(*id),
        };
        self.leave(Held::Intent, id);
        let previous = self.intents.remove(&id).and_then(|old| old.subscription);
        if let Some(previous) = previous.filter(|previous| Some(*previous) != subscription) {
            self.release(previous, id);
        }
        match resting {
            Resting::Nothing => {}
            Resting::On(on) => self.rest(on, id),
            Resting::Widened(on, extent) => {
                self.leave(Held::Subscription, on);
                if let Some(wide) = self.subscriptions.get_mut(&on) {
                    wide.extent = extent;
                    wide.version = ovn::fresh(&request.entropy, &on);
                }
                self.enter(Held::Subscription, on);
                self.rest(on, id);
            }
            Resting::New(on, new) => {
                self.subscriptions.insert(on, *new);
                self.enter(Held::Subscription, on);
                self.rest(on, id);
            }
        }
        let new = Intent {
            manager: request.manager.as_str().into(),
            version,
            ovn,
            state: put.state,
            uss_base_url: put.uss_base_url.as_str().into(),
            subscription,
            extents: put.extents.clone(),
            asked,
            shown: false,
        };
        let intent = self.intent_ref(id, &new, &request.manager);
        let told = self.subscribed(Kind::Intents, &[&before, &new.extents]);
        self.intents.insert(id, new);
        self.enter(Held::Intent, id);
        self.count_up(&told);
        Ok(Answer::Intent { created, intent, subscribers: self.to_notify(&told) })
    }

    /// The result of the request that made the version there is.
    fn intent_again(&self, id: Id, intent: &Intent) -> Answer {
        let told = self.subscribed(Kind::Intents, &[&intent.extents]);
        Answer::Intent {
            created: intent.version == 1,
            intent: self.intent_ref(id, intent, &intent.manager),
            subscribers: self.to_notify(&told),
        }
    }

    /// What the intent would rest on.
    fn resting(&self, request: &Request, id: Id, put: &PutIntent, asked: [u8; 16]) -> Result<Resting, Refused> {
        let all = around(&put.extents);
        match &put.supporting {
            Supporting::Nothing => Ok(Resting::Nothing),
            Supporting::New(new) => {
                if self.subscriptions.len() >= ENTITIES_MAX {
                    return Err(Refused::Full { what: "subscriptions", max: ENTITIES_MAX });
                }
                // The one that it replaces goes.
                self.check_meeting(&request.manager, self.intents.get(&id).and_then(|old| old.subscription), &all)?;
                let on = ovn::fresh_id(&request.entropy);
                let subscription = Subscription {
                    manager: request.manager.as_str().into(),
                    version: ovn::fresh(&request.entropy, &on),
                    index: 0,
                    uss_base_url: new.uss_base_url.as_str().into(),
                    intents: true,
                    constraints: new.constraints,
                    implicit: true,
                    extent: all,
                    dependent: BTreeSet::new(),
                    asked,
                };
                Ok(Resting::New(on, Box::new(subscription)))
            }
            Supporting::Subscription(on) => {
                let field = "subscription_id";
                let Some(held) = self.subscriptions.get(on) else {
                    return Err(Refused::invalid(field, alloc::format!("there is no subscription {on}")));
                };
                if held.manager != *request.manager {
                    return Err(Refused::Forbidden("the subscription is another USS's".into()));
                }
                if held.dependent.len() >= DEPENDENT_MAX && !held.dependent.contains(&id) {
                    let what = "operational intents that rest on one subscription";
                    return Err(Refused::Full { what, max: DEPENDENT_MAX });
                }
                let lacks = lacks(held, &all);
                match lacks {
                    None => Ok(Resting::On(*on)),
                    Some(_) if held.implicit => {
                        let wide = around(&[held.extent.clone(), all]);
                        if wide.cells.len() > crate::CELLS_MAX {
                            let reason =
                                alloc::format!("the subscription would be larger than {} cells", crate::CELLS_MAX);
                            return Err(Refused::invalid(field, reason));
                        }
                        self.check_meeting(&request.manager, Some(*on), &wide)?;
                        Ok(Resting::Widened(*on, wide))
                    }
                    Some(what) => {
                        let reason =
                            alloc::format!("the subscription does not cover the {what} of the operational intent");
                        Err(Refused::invalid(field, reason))
                    }
                }
            }
        }
    }

    /// Every version that the intent would meet must be in the key (SCD0045, DSS0210).
    fn check_key(&self, client: &str, id: Id, put: &PutIntent, constraints: bool) -> Result<(), Refused> {
        let (mut missing, mut lacking) = (Sifted::default(), Sifted::default());
        for extent in &put.extents {
            let span = (extent.start, extent.end);
            self.by_place.intents.search(&extent.cells, extent.levels_up, span, extent.heights(), |other| {
                let counts = |held: &Intent| !put.key.contains(&held.ovn) && self.counts_in_key(held);
                missing.sift(other, || other != id && self.intents.get(&other).is_some_and(counts)) <= crate::FOUND_MAX
            });
            if constraints {
                self.by_place.constraints.search(&extent.cells, extent.levels_up, span, extent.heights(), |other| {
                    let counts = || self.constraints.get(&other).is_some_and(|c| !put.key.contains(&c.ovn));
                    lacking.sift(other, counts) <= crate::FOUND_MAX
                });
            }
        }
        let (missing, lacking) = (missing.wanted(), lacking.wanted());
        if missing.is_empty() && lacking.is_empty() {
            return Ok(());
        }
        if missing.len().max(lacking.len()) > crate::FOUND_MAX {
            return Err(Refused::TooMuch { what: "versions are missing in the key", max: crate::FOUND_MAX });
        }
        let intents = missing.iter().filter_map(|id| Some(self.intent_ref(*id, self.intents.get(id)?, client)));
        let constraints =
            lacking.iter().filter_map(|id| Some(self.constraint_ref(*id, self.constraints.get(id)?, client)));
        Err(Refused::Airspace { intents: intents.collect(), constraints: constraints.collect() })
    }

    /// What a USS that is down has planned cannot be asked for; what is in the air counts all the same (SCD0005), and of a peer
    /// this node tells.
    fn counts_in_key(&self, intent: &Intent) -> bool {
        intent.shown
            || intent.state != IntentState::Accepted
            || self.availability_of(&intent.manager) != AvailabilityState::Down
    }

    pub(crate) fn delete_intent(&mut self, manager: &str, id: Id, named: &str) -> Outcome {
        let Some(old) = self.intents.get(&id) else { return Err(Refused::NotFound { what: WHAT, id }) };
        if !old.is_of(manager) {
            return Err(Refused::Forbidden("the operational intent reference is another USS's".into()));
        }
        if old.ovn != named {
            return Err(Refused::Conflict { reason: other_version(WHAT, Some(named)), again: None });
        }
        let intent = self.intent_ref(id, old, manager);
        let told = self.subscribed(Kind::Intents, &[&old.extents]);
        self.count_up(&told);
        let subscribers = self.to_notify(&told);
        self.leave(Held::Intent, id);
        self.take_intent(id);
        Ok(Answer::Intent { created: false, intent, subscribers })
    }

    /// Takes an intent away that is in no index any more, and with it the implicit subscription that nothing else rests on.
    pub(crate) fn take_intent(&mut self, id: Id) -> Option<Intent> {
        let intent = self.intents.remove(&id)?;
        if let Some(on) = intent.subscription {
            self.release(on, id);
        }
        Some(intent)
    }

    fn rest(&mut self, on: Id, id: Id) {
        if let Some(subscription) = self.subscriptions.get_mut(&on) {
            subscription.dependent.insert(id);
        }
    }

    fn release(&mut self, on: Id, id: Id) {
        let Some(subscription) = self.subscriptions.get_mut(&on) else { return };
        subscription.dependent.remove(&id);
        let over = subscription.extent.end.saturating_add(crate::KEPT_US) < self.expired_to;
        if subscription.dependent.is_empty() && (subscription.implicit || over) {
            self.leave(Held::Subscription, on);
            self.subscriptions.remove(&on);
        }
    }
}

/// What of an intent a subscription does not cover.
fn lacks(subscription: &Subscription, all: &Extent) -> Option<&'static str> {
    let held = &subscription.extent;
    if held.start > all.start {
        Some("beginning")
    } else if held.end < all.end {
        Some("end")
    } else if !has_all(&held.cells, &all.cells) {
        Some("area")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Ask, NewSubscription};
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn no_more_intents_rest_on_a_subscription_than_may_and_those_that_do_go_on() {
        const NOW: i64 = 1_767_225_600_000_000;
        let mut dss = Dss::default();
        let mut entropy = 0;
        let mut put = |dss: &mut Dss, n: u8, ovn: Option<&str>, supporting| {
            let extent = Extent { cells: vec![1], start: NOW, end: NOW + 1, ..Extent::default() };
            let put = PutIntent {
                extents: vec![extent],
                key: BTreeSet::new(),
                state: IntentState::Contingent,
                uss_base_url: "https://uss.example".into(),
                supporting,
                ovn_suffix: None,
                cmsa: true,
            };
            entropy += 1;
            let ask = Ask::PutIntent(Id([n; 16]), ovn.map(Into::into), put);
            match dss.handle(&Request { manager: "uss1".into(), entropy: [entropy; 32], key: None, ask }, NOW)? {
                Answer::Intent { intent, .. } => Ok(intent),
                other => panic!("{other:?}"),
            }
        };
        let new = NewSubscription { uss_base_url: "https://uss.example".into(), constraints: false };
        let first = put(&mut dss, 1, None, Supporting::New(new)).unwrap();
        let on = first.subscription.unwrap();
        let others = (0..DEPENDENT_MAX - 2).map(|n| Id((n as u128 + (2 << 120)).to_be_bytes()));
        dss.subscriptions.get_mut(&on).unwrap().dependent.extend(others);
        put(&mut dss, 3, None, Supporting::Subscription(on)).unwrap();
        let refused: Result<_, Refused> = put(&mut dss, 4, None, Supporting::Subscription(on));
        let why = "no more than 10000 operational intents that rest on one subscription are held here";
        assert_eq!(refused.unwrap_err().to_string(), why);
        put(&mut dss, 1, first.ovn.as_deref(), Supporting::Subscription(on)).unwrap();
    }
}
