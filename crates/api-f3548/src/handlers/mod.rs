//! One function an endpoint.
pub(crate) mod auxiliary;
pub(crate) mod availability;
pub(crate) mod constraints;
pub(crate) mod details;
pub(crate) mod intents;
pub(crate) mod reports;
pub(crate) mod rid_isas;
pub(crate) mod rid_subscriptions;
pub(crate) mod subscriptions;

use crate::problem::Problem;
use crate::wire::answers::Done;
use axum::Json;
use axum::http::StatusCode;

/// An answer with its status.
pub(crate) type Answered = Result<(StatusCode, Json<Done>), Problem>;

/// 201 for what is new, 200 for what was changed or deleted.
fn done(answer: dss::Answer) -> Answered {
    let created =
        matches!(&answer, dss::Answer::Intent { created: true, .. } | dss::Answer::Constraint { created: true, .. });
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(answer.into())))
}

/// The backend answered another question than was asked.
fn astray() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the node answered something else than was asked")
}
