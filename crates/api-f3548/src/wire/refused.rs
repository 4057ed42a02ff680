//! Refusals: `ErrorResponse` and `AirspaceConflictResponse` of the standard.
use super::answers::{ConstraintReference, Done, OperationalIntentReference, all};
use dss::Refused;
use serde_json::{Map, Value, json};

/// The body of a refusal.
pub(crate) fn body(refused: &Refused) -> Value {
    let mut body = Map::new();
    body.insert("message".into(), refused.to_string().into());
    match refused {
        Refused::Airspace { intents, constraints } => {
            if !intents.is_empty() {
                let missing: Vec<OperationalIntentReference> = all(intents.clone());
                body.insert("missing_operational_intents".into(), json!(missing));
            }
            if !constraints.is_empty() {
                let missing: Vec<ConstraintReference> = all(constraints.clone());
                body.insert("missing_constraints".into(), json!(missing));
            }
        }
        // A client that timed out and asks again finds the result of its own request beside the refusal.
        Refused::Conflict { again: Some(again), .. } => {
            if let Value::Object(result) = json!(Done::from((**again).clone())) {
                body.extend(result);
            }
        }
        _ => {}
    }
    Value::Object(body)
}
