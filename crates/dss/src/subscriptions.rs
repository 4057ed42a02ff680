//! Subscriptions (F3548-21, DSS0300 and following).
use crate::answer::{Answer, Outcome, Refused};
use crate::entity::Subscription;
use crate::expiry::Held;
use crate::id::Id;
use crate::index::Sifted;
use crate::request::{PutSubscription, Request};
use crate::state::{Dss, other_version};
use crate::volume::{ALL_HEIGHTS, AreaOfInterest, Extent, around, has_all};
use crate::{ENTITIES_MAX, SKEW_MAX_US, SUBSCRIPTION_MAX_US, ovn};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const WHAT: &str = "subscription";
/// Subscriptions of one USS that meet in one place at one time. Each change there is told to all of them; without a bound one USS
/// could make every write of all others as large as it likes.
pub(crate) const MEETING_MAX: usize = 1_000;

impl Dss {
    pub(crate) fn put_subscription(
        &mut self,
        request: &Request,
        id: Id,
        named: Option<&str>,
        put: &PutSubscription,
        asked: [u8; 16],
        now: i64,
    ) -> Outcome {
        let old = self.subscriptions.get(&id);
        let (start, end) = times(put, old, now)?;
        match old {
            Some(old) if named != Some(&old.version) => {
                let own = old.manager == *request.manager && old.asked == asked;
                // Without its result if that is more than an answer holds.
                let again = own.then(|| self.written_subscription(id, old).ok()).flatten().map(Box::new);
                return Err(Refused::Conflict { reason: other_version(WHAT, named), again });
            }
            Some(old) if old.manager != *request.manager => {
                return Err(Refused::Forbidden("the subscription is another USS's".into()));
            }
            None if named.is_some() => {
                return Err(Refused::invalid(
                    "version",
                    "there is no such subscription, so it has no version to change",
                ));
            }
            None if self.subscriptions.len() >= ENTITIES_MAX => {
                return Err(Refused::Full { what: "subscriptions", max: ENTITIES_MAX });
            }
            _ => {}
        }
        let extent = Extent { start, end, ..put.extent.clone() };
        self.check_meeting(&request.manager, Some(id), &extent)?;
        let (index, dependent) = old.map(|old| (old.index, old.dependent.clone())).unwrap_or_default();
        self.check_dependent(&extent, &dependent)?;
        self.shares.check(&request.manager, old.map_or(0, |old| old.extent.cells.len()), extent.cells.len())?;
        let new = Subscription {
            manager: request.manager.as_str().into(),
            version: ovn::fresh(&request.entropy, &id),
            index,
            uss_base_url: put.uss_base_url.as_str().into(),
            intents: put.intents,
            constraints: put.constraints,
            // Whoever writes it has taken it over: it stays when the intent goes.
            implicit: false,
            extent,
            dependent,
            asked,
        };
        let answer = self.written_subscription(id, &new)?;
        self.leave(Held::Subscription, id);
        self.subscriptions.insert(id, new);
        self.enter(Held::Subscription, id);
        Ok(answer)
    }

    /// A subscription with what there is in it.
    fn written_subscription(&self, id: Id, subscription: &Subscription) -> Outcome {
        let Extent { cells, start, end, lower, upper, .. } = subscription.extent.clone();
        let area = AreaOfInterest { cells, start: Some(start), end: Some(end), lower, upper };
        let client = &subscription.manager;
        Ok(Answer::Subscription {
            subscription: self.subscription_ref(id, subscription),
            intents: if subscription.intents { Some(self.intents_in(&area, client)?) } else { None },
            constraints: if subscription.constraints { Some(self.constraints_in(&area, client)?) } else { None },
        })
    }

    /// One USS cannot heap up subscriptions in one place.
    pub(crate) fn check_meeting(&self, manager: &str, but: Option<Id>, extent: &Extent) -> Result<(), Refused> {
        let mut meeting = Sifted::default();
        self.by_place.subscriptions.search(&extent.cells, 0, (extent.start, extent.end), ALL_HEIGHTS, |id| {
            let counts = || Some(id) != but && self.subscriptions.get(&id).is_some_and(|s| s.manager == manager);
            meeting.sift(id, counts) < MEETING_MAX
        });
        match meeting.len() < MEETING_MAX {
            true => Ok(()),
            false => Err(Refused::Full { what: "subscriptions of one USS in one place at one time", max: MEETING_MAX }),
        }
    }

    /// A subscription goes on holding the intents that rest on it.
    fn check_dependent(&self, extent: &Extent, dependent: &BTreeSet<Id>) -> Result<(), Refused> {
        for id in dependent {
            let Some(intent) = self.intents.get(id) else { continue };
            let all = around(&intent.extents);
            let lower = extent.lower.is_none_or(|floor| all.lower.is_some_and(|l| l >= floor));
            let upper = extent.upper.is_none_or(|ceiling| all.upper.is_some_and(|u| u <= ceiling));
            let lacks = [
                (has_all(&extent.cells, &all.cells), "area"),
                (lower && upper, "heights"),
                (extent.start <= all.start.saturating_add(SKEW_MAX_US), "beginning"),
                (extent.end >= all.end, "end"),
            ];
            if let Some((_, what)) = lacks.iter().find(|(holds, _)| !holds) {
                let reason = format!("operational intent {id} rests on it and its {what} would not be covered");
                return Err(Refused::invalid("extents", reason));
            }
        }
        Ok(())
    }

    pub(crate) fn delete_subscription(&mut self, manager: &str, id: Id, named: &str) -> Outcome {
        let Some(old) = self.subscriptions.get(&id) else { return Err(Refused::NotFound { what: WHAT, id }) };
        if old.manager != manager {
            return Err(Refused::Forbidden("the subscription is another USS's".into()));
        }
        if old.version != named {
            return Err(Refused::Conflict { reason: other_version(WHAT, Some(named)), again: None });
        }
        if !old.dependent.is_empty() {
            let reason = format!("{} operational intents rest on it", old.dependent.len());
            return Err(Refused::invalid("subscriptionid", reason));
        }
        let subscription = self.subscription_ref(id, old);
        self.leave(Held::Subscription, id);
        self.subscriptions.remove(&id);
        Ok(Answer::Subscription { subscription, intents: None, constraints: None })
    }

    /// Own subscriptions in an area that have not ended, by identifier.
    pub(crate) fn subscriptions_in(&self, area: &AreaOfInterest, client: &str) -> Vec<Id> {
        let span = (area.start.unwrap_or(i64::MIN), area.end.unwrap_or(i64::MAX));
        let mut found = Sifted::default();
        self.by_place.subscriptions.search(&area.cells, 0, span, ALL_HEIGHTS, |id| {
            found.sift(id, || self.subscriptions.get(&id).is_some_and(|s| s.manager == client));
            true
        });
        found.wanted().into_iter().collect()
    }
}

/// Beginning and end: as asked, as they were, or from now for a day.
fn times(put: &PutSubscription, old: Option<&Subscription>, now: i64) -> Result<(i64, i64), Refused> {
    let start = match (put.start, old) {
        (Some(start), _) if start < now.saturating_sub(SKEW_MAX_US) => {
            let reason = format!("more than {} s in the past", SKEW_MAX_US / 1_000_000);
            return Err(Refused::invalid("extents.time_start", reason));
        }
        (Some(start), _) => start,
        (None, Some(old)) => old.extent.start,
        (None, None) => now,
    };
    let end =
        put.end.or_else(|| old.map(|old| old.extent.end)).unwrap_or_else(|| start.saturating_add(SUBSCRIPTION_MAX_US));
    let invalid = |reason: String| Err(Refused::invalid("extents.time_end", reason));
    if end < start {
        return invalid("before time_start".into());
    }
    if end < now {
        return invalid("in the past".into());
    }
    if end.saturating_sub(start) > SUBSCRIPTION_MAX_US {
        return invalid(format!("more than {} h after time_start", SUBSCRIPTION_MAX_US / 3_600_000_000));
    }
    Ok((start, end))
}
