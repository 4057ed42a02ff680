//! Details, as one USS tells them to another.
use super::answers::{ConstraintReference, OperationalIntentReference, SubscriptionState};
use super::time::Time;
use super::volume::ALTITUDE_M;
use crate::backend::{Outline, Volume};
use dss::{ConstraintRef, IntentRef, IntentState};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct GetOperationalIntentDetailsResponse {
    pub operational_intent: OperationalIntent,
}

#[derive(Debug, Serialize)]
pub(crate) struct OperationalIntent {
    reference: OperationalIntentReference,
    details: OperationalIntentDetails,
}

#[derive(Debug, Serialize)]
struct OperationalIntentDetails {
    volumes: Vec<Volume4D>,
    off_nominal_volumes: Vec<Volume4D>,
    priority: i32,
}

#[derive(Debug, Serialize)]
pub(crate) struct GetConstraintDetailsResponse {
    pub constraint: Constraint,
}

#[derive(Debug, Serialize)]
pub(crate) struct Constraint {
    reference: ConstraintReference,
    details: ConstraintDetails,
}

#[derive(Debug, Serialize)]
struct ConstraintDetails {
    volumes: Vec<Volume4D>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct PutOperationalIntentDetailsParameters {
    pub operational_intent_id: String,
    /// Left out of one that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operational_intent: Option<OperationalIntent>,
    pub subscriptions: Vec<SubscriptionState>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PutConstraintDetailsParameters {
    pub constraint_id: String,
    /// Left out of one that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<Constraint>,
    pub subscriptions: Vec<SubscriptionState>,
}

#[derive(Debug, Clone, Serialize)]
struct Volume4D {
    volume: Volume3D,
    time_start: Time,
    time_end: Time,
}

#[derive(Debug, Clone, Serialize)]
struct Volume3D {
    #[serde(skip_serializing_if = "Option::is_none")]
    outline_circle: Option<Circle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outline_polygon: Option<Polygon>,
    #[serde(skip_serializing_if = "Option::is_none")]
    altitude_lower: Option<Altitude>,
    #[serde(skip_serializing_if = "Option::is_none")]
    altitude_upper: Option<Altitude>,
}

#[derive(Debug, Clone, Serialize)]
struct Circle {
    center: LatLngPoint,
    radius: Radius,
}

#[derive(Debug, Clone, Serialize)]
struct Radius {
    value: f64,
    units: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct Polygon {
    vertices: Vec<LatLngPoint>,
}

#[derive(Debug, Clone, Serialize)]
struct LatLngPoint {
    lat: f64,
    lng: f64,
}

#[derive(Debug, Clone, Serialize)]
struct Altitude {
    value: f64,
    reference: &'static str,
    units: &'static str,
}

fn point(place: &(f64, f64)) -> LatLngPoint {
    LatLngPoint { lat: place.0, lng: place.1 }
}

fn altitude(metres: f64) -> Altitude {
    Altitude { value: metres, reference: "W84", units: "M" }
}

impl From<&Volume> for Volume4D {
    fn from(volume: &Volume) -> Self {
        let (outline_circle, outline_polygon) = match &volume.outline {
            Outline::Circle(centre, metres) => {
                (Some(Circle { center: point(centre), radius: Radius { value: *metres, units: "M" } }), None)
            }
            Outline::Polygon(vertices) => (None, Some(Polygon { vertices: vertices.iter().map(point).collect() })),
        };
        let metres = |height: Option<i64>| height.map(|mm| altitude(mm as f64 / 1000.0));
        Self {
            volume: Volume3D {
                outline_circle,
                outline_polygon,
                altitude_lower: metres(volume.lower),
                altitude_upper: metres(volume.upper),
            },
            time_start: Time::of(volume.start),
            time_end: Time::of(volume.end),
        }
    }
}

impl GetOperationalIntentDetailsResponse {
    /// The standard wants both heights of an intent's volumes: what has none reaches as far as its schema does. Of a nonconforming
    /// one it wants volumes of both kinds, of a contingent one those off nominal alone; the peer told of one kind.
    pub fn of(reference: IntentRef, volumes: &[Volume], priority: i32) -> Self {
        let whole = |volume: &Volume| {
            let mut whole = Volume4D::from(volume);
            whole.volume.altitude_lower.get_or_insert_with(|| altitude(ALTITUDE_M.0));
            whole.volume.altitude_upper.get_or_insert_with(|| altitude(ALTITUDE_M.1));
            whole
        };
        let all: Vec<Volume4D> = volumes.iter().map(whole).collect();
        let (volumes, off_nominal_volumes) = match reference.state {
            IntentState::Accepted | IntentState::Activated => (all, Vec::new()),
            IntentState::Nonconforming => (all.clone(), all),
            IntentState::Contingent => (Vec::new(), all),
        };
        let details = OperationalIntentDetails { volumes, off_nominal_volumes, priority };
        Self { operational_intent: OperationalIntent { reference: reference.into(), details } }
    }
}

impl GetConstraintDetailsResponse {
    pub fn of(reference: ConstraintRef, volumes: &[Volume], kind: &'static str) -> Self {
        let details = ConstraintDetails { volumes: volumes.iter().map(Volume4D::from).collect(), kind };
        Self { constraint: Constraint { reference: reference.into(), details } }
    }
}
