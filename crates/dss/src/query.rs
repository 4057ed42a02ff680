//! What may be read, by whom.
use crate::answer::{ConstraintRef, IntentRef, IsaRef, Refused, RidSubscriptionRef, SubscriptionRef};
use crate::entity::IntentState;
use crate::id::Id;
use crate::index::Index;
use crate::state::Dss;
use crate::volume::{AreaOfInterest, span};
use crate::{Answer, FOUND_MAX};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// An intent by its identifier.
    Intent(Id),
    /// Intents in an area.
    Intents(AreaOfInterest),
    /// A constraint by its identifier.
    Constraint(Id),
    /// Constraints in an area.
    Constraints(AreaOfInterest),
    /// An own subscription by its identifier.
    Subscription(Id),
    /// Own subscriptions in an area.
    Subscriptions(AreaOfInterest),
    /// A USS's availability.
    Availability(String),
    /// An identification service area by its identifier.
    Isa(Id),
    /// Identification service areas in an area; heights do not count.
    Isas(AreaOfInterest),
    /// A subscription to them by its identifier.
    RidSubscription(Id),
    /// Own subscriptions to them in an area; heights do not count.
    RidSubscriptions(AreaOfInterest),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// One intent.
    Intent(IntentRef),
    /// Intents, by identifier.
    Intents(Vec<IntentRef>),
    /// One constraint.
    Constraint(ConstraintRef),
    /// Constraints, by identifier.
    Constraints(Vec<ConstraintRef>),
    /// One subscription.
    Subscription(SubscriptionRef),
    /// Subscriptions, by identifier.
    Subscriptions(Vec<SubscriptionRef>),
    /// An availability.
    Availability(Answer),
    /// One identification service area.
    Isa(IsaRef),
    /// Identification service areas, by identifier.
    Isas(Vec<IsaRef>),
    /// One subscription to them.
    RidSubscription(RidSubscriptionRef),
    /// Subscriptions to them, by identifier.
    RidSubscriptions(Vec<RidSubscriptionRef>),
}

impl Dss {
    /// Answers a question of a USS.
    ///
    /// # Errors
    /// There is none, it is another's, or there is more than an answer holds.
    pub fn query(&self, query: &Query, client: &str) -> Result<Found, Refused> {
        Ok(match query {
            Query::Intent(id) => {
                let what = "operational intent reference";
                let intent = self.intents.get(id).ok_or(Refused::NotFound { what, id: *id })?;
                Found::Intent(self.intent_ref(*id, intent, client))
            }
            Query::Constraint(id) => {
                let what = "constraint reference";
                let constraint = self.constraints.get(id).ok_or(Refused::NotFound { what, id: *id })?;
                Found::Constraint(self.constraint_ref(*id, constraint, client))
            }
            Query::Subscription(id) => {
                let found = self.subscriptions.get(id).ok_or(Refused::NotFound { what: "subscription", id: *id })?;
                if found.manager != client {
                    return Err(Refused::Forbidden("the subscription is another USS's".into()));
                }
                Found::Subscription(self.subscription_ref(*id, found))
            }
            Query::Intents(area) => Found::Intents(self.intents_in(area, client)?),
            Query::Constraints(area) => Found::Constraints(self.constraints_in(area, client)?),
            Query::Subscriptions(area) => {
                let ids = self.subscriptions_in(area, client);
                if ids.len() > FOUND_MAX {
                    return Err(Refused::TooMuch { what: "subscriptions", max: FOUND_MAX });
                }
                let found = ids.iter().filter_map(|id| Some(self.subscription_ref(*id, self.subscriptions.get(id)?)));
                Found::Subscriptions(found.collect())
            }
            Query::Availability(uss) => Found::Availability(self.availability(uss)),
            Query::Isa(id) => Found::Isa(self.isa(*id)?),
            Query::Isas(area) => Found::Isas(self.isas_in(area)?),
            Query::RidSubscription(id) => Found::RidSubscription(self.rid_subscription(*id)?),
            Query::RidSubscriptions(area) => Found::RidSubscriptions(self.rid_subscriptions_in(area, client)?),
        })
    }

    /// State and end of an intent that a client manages.
    #[must_use]
    pub fn intent_of(&self, id: Id, client: &str) -> Option<(IntentState, i64)> {
        let intent = self.intents.get(&id).filter(|intent| intent.is_of(client))?;
        Some((intent.state, span(&intent.extents).map_or(i64::MIN, |(_, end)| end)))
    }

    /// Every intent that a traffic service wrote, with its manager and end.
    pub fn own_intents(&self) -> impl Iterator<Item = (Id, &str, i64)> {
        let own = self.intents.iter().filter(|(_, intent)| !intent.shown);
        own.filter_map(|(id, intent)| Some((*id, &*intent.manager, span(&intent.extents)?.1)))
    }

    pub(crate) fn intents_in(&self, area: &AreaOfInterest, client: &str) -> Result<Vec<IntentRef>, Refused> {
        let ids = meeting(&self.by_place.intents, area, "operational intent references")?;
        Ok(ids.iter().filter_map(|id| Some(self.intent_ref(*id, self.intents.get(id)?, client))).collect())
    }

    pub(crate) fn constraints_in(&self, area: &AreaOfInterest, client: &str) -> Result<Vec<ConstraintRef>, Refused> {
        let ids = meeting(&self.by_place.constraints, area, "constraint references")?;
        Ok(ids.iter().filter_map(|id| Some(self.constraint_ref(*id, self.constraints.get(id)?, client))).collect())
    }
}

/// Entities with an extent in the area.
pub(crate) fn meeting(index: &Index, area: &AreaOfInterest, what: &'static str) -> Result<BTreeSet<Id>, Refused> {
    let span = (area.start.unwrap_or(i64::MIN), area.end.unwrap_or(i64::MAX));
    let mut found = BTreeSet::new();
    index.search(&area.cells, 0, span, (area.lower, area.upper), |id| {
        found.insert(id);
        found.len() <= FOUND_MAX
    });
    match found.len() > FOUND_MAX {
        true => Err(Refused::TooMuch { what, max: FOUND_MAX }),
        false => Ok(found),
    }
}
