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
use axum::http::StatusCode;
use axum::response::Response;

/// An answer with its status.
pub(crate) type Answered = Result<Response, Problem>;

/// The backend answered another question than was asked.
pub(crate) fn astray() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the node answered something else than was asked")
}
