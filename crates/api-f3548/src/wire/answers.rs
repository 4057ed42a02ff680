//! Answers.
use super::time::Time;
use super::{Plain, rid};
use dss::{Answer, ConstraintRef, IntentRef, SubscriptionRef, Text, ToNotify};
use serde::Serialize;

/// Stands for a version number that is to be asked of its manager.
const FROM_USS: &str = "Available from USS";

#[derive(Debug, Serialize)]
pub(crate) struct OperationalIntentReference {
    id: Plain<dss::Id>,
    manager: Plain<Text>,
    uss_availability: &'static str,
    version: u32,
    state: &'static str,
    ovn: String,
    time_start: Time,
    time_end: Time,
    uss_base_url: Plain<Text>,
    subscription_id: Plain<dss::Id>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ConstraintReference {
    id: Plain<dss::Id>,
    manager: Plain<Text>,
    uss_availability: &'static str,
    version: u32,
    ovn: String,
    time_start: Time,
    time_end: Time,
    uss_base_url: Plain<Text>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Subscription {
    id: Plain<dss::Id>,
    version: String,
    notification_index: u32,
    time_start: Time,
    time_end: Time,
    uss_base_url: Plain<Text>,
    notify_for_operational_intents: bool,
    notify_for_constraints: bool,
    implicit_subscription: bool,
    dependent_operational_intents: Vec<Plain<dss::Id>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SubscriberToNotify {
    subscriptions: Vec<SubscriptionState>,
    uss_base_url: Plain<Text>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SubscriptionState {
    subscription_id: Plain<dss::Id>,
    notification_index: u32,
}

impl From<(dss::Id, u32)> for SubscriptionState {
    fn from((id, notification_index): (dss::Id, u32)) -> Self {
        Self { subscription_id: Plain(id), notification_index }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ChangeOperationalIntentReferenceResponse {
    pub operational_intent_reference: OperationalIntentReference,
    pub subscribers: Vec<SubscriberToNotify>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ChangeConstraintReferenceResponse {
    pub constraint_reference: ConstraintReference,
    pub subscribers: Vec<SubscriberToNotify>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PutSubscriptionResponse {
    pub subscription: Subscription,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operational_intent_references: Option<Vec<OperationalIntentReference>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint_references: Option<Vec<ConstraintReference>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct UssAvailabilityStatusResponse {
    version: String,
    status: UssAvailabilityStatus,
}

#[derive(Debug, Serialize)]
struct UssAvailabilityStatus {
    uss: String,
    availability: &'static str,
}

/// What a request that was done is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Done {
    Intent(ChangeOperationalIntentReferenceResponse),
    Constraint(ChangeConstraintReferenceResponse),
    Subscription(PutSubscriptionResponse),
    Availability(UssAvailabilityStatusResponse),
    Report { report_id: String },
    Isa(rid::ChangeIsaResponse),
    RidSubscription(rid::ChangeSubscriptionResponse),
}

impl From<IntentRef> for OperationalIntentReference {
    fn from(intent: IntentRef) -> Self {
        Self {
            id: Plain(intent.id),
            manager: Plain(intent.manager),
            uss_availability: intent.availability.name(),
            version: intent.version,
            state: intent.state.name(),
            ovn: intent.ovn.unwrap_or_else(|| FROM_USS.into()),
            time_start: Time::of(intent.start),
            time_end: Time::of(intent.end),
            uss_base_url: Plain(intent.uss_base_url),
            subscription_id: Plain(intent.subscription.unwrap_or(dss::Id::NO_SUBSCRIPTION)),
        }
    }
}

impl From<ConstraintRef> for ConstraintReference {
    fn from(constraint: ConstraintRef) -> Self {
        Self {
            id: Plain(constraint.id),
            manager: Plain(constraint.manager),
            uss_availability: constraint.availability.name(),
            version: constraint.version,
            ovn: constraint.ovn.unwrap_or_else(|| FROM_USS.into()),
            time_start: Time::of(constraint.start),
            time_end: Time::of(constraint.end),
            uss_base_url: Plain(constraint.uss_base_url),
        }
    }
}

impl From<SubscriptionRef> for Subscription {
    fn from(subscription: SubscriptionRef) -> Self {
        Self {
            id: Plain(subscription.id),
            version: subscription.version,
            notification_index: subscription.index,
            time_start: Time::of(subscription.start),
            time_end: Time::of(subscription.end),
            uss_base_url: Plain(subscription.uss_base_url),
            notify_for_operational_intents: subscription.intents,
            notify_for_constraints: subscription.constraints,
            implicit_subscription: subscription.implicit,
            dependent_operational_intents: subscription.dependent.into_iter().map(Plain).collect(),
        }
    }
}

impl From<ToNotify> for SubscriberToNotify {
    fn from(to: ToNotify) -> Self {
        Self { subscriptions: all(to.subscriptions), uss_base_url: Plain(to.uss_base_url) }
    }
}

/// Each of them, in its wire form.
pub(crate) fn all<T, W: From<T>>(of: Vec<T>) -> Vec<W> {
    of.into_iter().map(W::from).collect()
}

impl From<Answer> for Done {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Intent { intent, subscribers, .. } => Self::Intent(ChangeOperationalIntentReferenceResponse {
                operational_intent_reference: intent.into(),
                subscribers: all(subscribers),
            }),
            Answer::Constraint { constraint, subscribers, .. } => Self::Constraint(ChangeConstraintReferenceResponse {
                constraint_reference: constraint.into(),
                subscribers: all(subscribers),
            }),
            Answer::Subscription { subscription, intents, constraints } => {
                Self::Subscription(PutSubscriptionResponse {
                    subscription: subscription.into(),
                    operational_intent_references: intents.map(all),
                    constraint_references: constraints.map(all),
                })
            }
            Answer::Availability { uss, state, version } => Self::Availability(UssAvailabilityStatusResponse {
                version,
                status: UssAvailabilityStatus { uss, availability: state.name() },
            }),
            Answer::Report(id) => Self::Report { report_id: id.to_string() },
            Answer::Isa { isa, subscribers } => {
                Self::Isa(rid::ChangeIsaResponse { service_area: isa.into(), subscribers: all(subscribers) })
            }
            Answer::RidSubscription { subscription, isas } => Self::RidSubscription(rid::ChangeSubscriptionResponse {
                subscription: subscription.into(),
                service_areas: isas.map(all),
            }),
        }
    }
}
