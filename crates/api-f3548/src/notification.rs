//! What the node tells a USS of a change that it makes itself: the standard's notifications, as one USS sends them to another.
use crate::access::{CM, SC};
use crate::backend::Details;
use crate::wire::answers::all;
use crate::wire::details::{
    GetConstraintDetailsResponse, GetOperationalIntentDetailsResponse, PutConstraintDetailsParameters,
    PutOperationalIntentDetailsParameters,
};
use crate::wire::json;
use dss::Id;

/// A notification as it is sent: a POST of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Path below the USS's address.
    pub path: &'static str,
    /// The scope that its token must have.
    pub scope: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Notification {
    /// Of an operational intent, as it is now, or gone; with the subscriptions and their numbers.
    #[must_use]
    pub fn intent(id: Id, details: Option<Details>, subscriptions: Vec<(Id, u32)>) -> Self {
        let operational_intent = match details {
            Some(Details::Intent(reference, volumes, priority)) => {
                Some(GetOperationalIntentDetailsResponse::of(reference, &volumes, priority).operational_intent)
            }
            Some(Details::Constraint(..)) | None => None,
        };
        let body = PutOperationalIntentDetailsParameters {
            operational_intent_id: id.to_string(),
            operational_intent,
            subscriptions: all(subscriptions),
        };
        Self { path: "/uss/v1/operational_intents", scope: SC, body: json(&body) }
    }

    /// The same of a constraint.
    #[must_use]
    pub fn constraint(id: Id, details: Option<Details>, subscriptions: Vec<(Id, u32)>) -> Self {
        let constraint = match details {
            Some(Details::Constraint(reference, volumes, kind)) => {
                Some(GetConstraintDetailsResponse::of(reference, &volumes, kind).constraint)
            }
            Some(Details::Intent(..)) | None => None,
        };
        let body = PutConstraintDetailsParameters {
            constraint_id: id.to_string(),
            constraint,
            subscriptions: all(subscriptions),
        };
        Self { path: "/uss/v1/constraints", scope: CM, body: json(&body) }
    }
}
