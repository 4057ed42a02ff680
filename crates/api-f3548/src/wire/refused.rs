//! Refusals: `ErrorResponse` and `AirspaceConflictResponse` of the standard.
use super::answers::{ConstraintReference, Done, OperationalIntentReference, all};
use crate::problem::Problem;
use axum::http::StatusCode;
use dss::Refused;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The body of a refusal that has no references missing.
pub(crate) fn body(refused: &Refused) -> Value {
    let mut body = Map::new();
    body.insert("message".into(), refused.to_string().into());
    // A client that timed out and asks again finds the result of its own request beside the refusal.
    if let Refused::Conflict { again: Some(again), .. } = refused
        && let Value::Object(result) = json!(Done::from((**again).clone()))
    {
        body.extend(result);
    }
    Value::Object(body)
}

#[derive(Serialize)]
struct AirspaceConflictResponse {
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_operational_intents: Vec<OperationalIntentReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_constraints: Vec<ConstraintReference>,
}

/// A refusal as it is sent.
pub(crate) fn sent(refused: Refused) -> (StatusCode, Vec<u8>) {
    let message = refused.to_string();
    match refused {
        // There may be many.
        Refused::Airspace { intents, constraints } => {
            let missing_operational_intents = all(intents);
            let body = AirspaceConflictResponse {
                message,
                missing_operational_intents,
                missing_constraints: all(constraints),
            };
            (StatusCode::CONFLICT, super::json(&body))
        }
        other => {
            let problem = Problem::from(other);
            (problem.status, super::json(&problem.body))
        }
    }
}
