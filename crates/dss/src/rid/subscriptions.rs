//! Subscriptions to identification service areas.
use super::{RidSubscription, times};
use crate::answer::{Answer, Outcome, Refused, RidSubscriptionRef};
use crate::expiry::Held;
use crate::id::Id;
use crate::index::Sifted;
use crate::request::{PutRid, Request};
use crate::state::{Dss, other_version};
use crate::volume::{ALL_HEIGHTS, AreaOfInterest, CellKey, Extent};
use crate::{ENTITIES_MAX, FOUND_MAX, RID_SUBSCRIPTIONS_MAX, SUBSCRIPTION_MAX_US, ovn};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

const WHAT: &str = "subscription to remote ID";
const ALL: &str = "subscriptions to remote ID";

impl Dss {
    pub(crate) fn put_rid_subscription(
        &mut self,
        request: &Request,
        id: Id,
        named: Option<&str>,
        put: &PutRid,
        asked: [u8; 16],
        now: i64,
    ) -> Outcome {
        let old = self.rid.subscriptions.get(&id);
        let (start, end) = match (old, named) {
            (_, None) => day(put, None, now)?,
            (None, Some(_)) => {
                let reason = "there is no such subscription, so it has no version to change";
                return Err(Refused::invalid("version", reason));
            }
            (Some(old), Some(named)) if old.version != named => {
                return Err(self.rid_subscription_conflict(id, old, Some(named), asked));
            }
            (Some(old), Some(_)) if old.owner != *request.manager => return Err(not_own()),
            (Some(old), Some(_)) => day(put, Some(&old.extent), now)?,
        };
        match old {
            Some(old) if named.is_none() => return Err(self.rid_subscription_conflict(id, old, None, asked)),
            None if self.rid.subscriptions.len() >= ENTITIES_MAX => {
                return Err(Refused::Full { what: ALL, max: ENTITIES_MAX });
            }
            _ => {}
        }
        let extent = Extent { start, end, ..put.extent.clone() };
        self.check_room(&request.manager, id, &extent.cells)?;
        self.shares.check(&request.manager, old.map_or(0, |old| old.extent.cells.len()), extent.cells.len())?;
        let new = RidSubscription {
            owner: request.manager.as_str().into(),
            version: ovn::plain(&request.entropy, &id),
            index: old.map_or(0, |old| old.index),
            uss_base_url: put.uss_base_url.as_str().into(),
            extent,
            asked,
        };
        let answer = self.written_rid_subscription(id, &new)?;
        self.leave(Held::RidSubscription, id);
        self.rid.subscriptions.insert(id, new);
        self.enter(Held::RidSubscription, id);
        Ok(answer)
    }

    /// A subscription with what there is in its cells.
    fn written_rid_subscription(&self, id: Id, subscription: &RidSubscription) -> Outcome {
        let area = AreaOfInterest { cells: subscription.extent.cells.clone(), ..AreaOfInterest::default() };
        let isas = Some(self.isas_in(&area)?);
        Ok(Answer::RidSubscription { subscription: subscription_ref(id, subscription), isas })
    }

    /// It is at another version; if this very request of its owner made that, with its result.
    fn rid_subscription_conflict(
        &self,
        id: Id,
        held: &RidSubscription,
        named: Option<&str>,
        asked: [u8; 16],
    ) -> Refused {
        let again = (held.asked == asked).then(|| self.written_rid_subscription(id, held).ok()).flatten().map(Box::new);
        Refused::Conflict { reason: other_version(WHAT, named), again }
    }

    /// The standard bounds a USS's subscriptions in one place; those that have not begun count too, as they are told too.
    fn check_room(&self, owner: &str, but: Id, cells: &[CellKey]) -> Result<(), Refused> {
        for cell in cells {
            let mut own = 0;
            self.by_place.rid_subscriptions.search(&[*cell], 0, (i64::MIN, i64::MAX), ALL_HEIGHTS, |id| {
                let counts = id != but && self.rid.subscriptions.get(&id).is_some_and(|s| s.owner == owner);
                own += usize::from(counts);
                own < RID_SUBSCRIPTIONS_MAX
            });
            if own >= RID_SUBSCRIPTIONS_MAX {
                let what = "subscriptions to remote ID of one USS in one place";
                return Err(Refused::Full { what, max: RID_SUBSCRIPTIONS_MAX });
            }
        }
        Ok(())
    }

    pub(crate) fn delete_rid_subscription(&mut self, client: &str, id: Id, named: &str) -> Outcome {
        let Some(old) = self.rid.subscriptions.get(&id) else { return Err(Refused::NotFound { what: WHAT, id }) };
        if old.version != named {
            return Err(Refused::Conflict { reason: other_version(WHAT, Some(named)), again: None });
        }
        if old.owner != client {
            return Err(not_own());
        }
        let subscription = subscription_ref(id, old);
        self.leave(Held::RidSubscription, id);
        self.rid.subscriptions.remove(&id);
        Ok(Answer::RidSubscription { subscription, isas: None })
    }

    /// Any display or service provider may read it, as with the reference implementation.
    pub(crate) fn rid_subscription(&self, id: Id) -> Result<RidSubscriptionRef, Refused> {
        let found = self.rid.subscriptions.get(&id).map(|s| subscription_ref(id, s));
        found.ok_or(Refused::NotFound { what: WHAT, id })
    }

    /// Own ones that have not ended, by identifier.
    pub(crate) fn rid_subscriptions_in(
        &self,
        area: &AreaOfInterest,
        client: &str,
    ) -> Result<Vec<RidSubscriptionRef>, Refused> {
        let span = (area.start.unwrap_or(i64::MIN), area.end.unwrap_or(i64::MAX));
        let mut found = Sifted::default();
        self.by_place.rid_subscriptions.search(&area.cells, 0, span, ALL_HEIGHTS, |id| {
            found.sift(id, || self.rid.subscriptions.get(&id).is_some_and(|s| s.owner == client)) <= FOUND_MAX
        });
        if found.len() > FOUND_MAX {
            return Err(Refused::TooMuch { what: ALL, max: FOUND_MAX });
        }
        Ok(found
            .wanted()
            .iter()
            .filter_map(|id| Some(subscription_ref(*id, self.rid.subscriptions.get(id)?)))
            .collect())
    }
}

/// Beginning and end of a subscription: at most a day apart.
fn day(put: &PutRid, old: Option<&Extent>, now: i64) -> Result<(i64, i64), Refused> {
    let (start, end) = times(put, old, Some(SUBSCRIPTION_MAX_US), now)?;
    if end.saturating_sub(start) > SUBSCRIPTION_MAX_US {
        let reason = format!("more than {} h after time_start", SUBSCRIPTION_MAX_US / 3_600_000_000);
        return Err(Refused::invalid("extents.time_end", reason));
    }
    Ok((start, end))
}

fn not_own() -> Refused {
    Refused::Forbidden("the subscription is another USS's".into())
}

fn subscription_ref(id: Id, held: &RidSubscription) -> RidSubscriptionRef {
    RidSubscriptionRef {
        id,
        owner: held.owner.clone(),
        version: held.version.clone(),
        index: held.index,
        start: held.extent.start,
        end: held.extent.end,
        uss_base_url: held.uss_base_url.clone(),
    }
}
