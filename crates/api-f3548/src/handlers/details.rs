//! Details of what this node shows for peers, as their USS.
use crate::access::{CM, CP, SC};
use crate::app::App;
use crate::backend::Details;
use crate::path::Path;
use crate::problem::Problem;
use crate::wire::asks;
use crate::wire::details::{GetConstraintDetailsResponse, GetOperationalIntentDetailsResponse};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

fn none(what: &str, id: dss::Id) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("no {what} {id} is managed here"))
}

pub(crate) async fn intent(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<GetOperationalIntentDetailsResponse>, Problem> {
    let client = app.client(&headers, &[SC])?;
    let id = asks::id("entityid", &id)?;
    match app.details(&client, id).await? {
        Some(Details::Intent(reference, volumes, priority)) => {
            Ok(Json(GetOperationalIntentDetailsResponse::of(reference, &volumes, priority)))
        }
        _ => Err(none("operational intent", id)),
    }
}

pub(crate) async fn constraint(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<GetConstraintDetailsResponse>, Problem> {
    let client = app.client(&headers, &[CP, CM])?;
    let id = asks::id("entityid", &id)?;
    match app.details(&client, id).await? {
        Some(Details::Constraint(reference, volumes, kind)) => {
            Ok(Json(GetConstraintDetailsResponse::of(reference, &volumes, kind)))
        }
        _ => Err(none("constraint", id)),
    }
}
