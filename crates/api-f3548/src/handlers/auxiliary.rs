//! What clients and monitors ask beside the standard, as the reference implementation has it.
use crate::access::{READ_POOL, READ_VERSIONS};
use crate::app::App;
use crate::path::Path;
use crate::problem::Problem;
use crate::wire::asks;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

/// The version of the software; no token is needed.
pub(crate) async fn version(State(app): State<App>) -> Json<Value> {
    Json(json!({ "version": app.options.version }))
}

/// The same in the way of InterUSS's versioning API, which has it for each name of a system.
pub(crate) async fn versions(
    State(app): State<App>,
    Path(system): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    app.client(&headers, &[READ_VERSIONS])?;
    let system = asks::name("system_identity", &system)?;
    Ok(Json(json!({ "system_identity": system, "system_version": app.options.version })))
}

/// Which instances share what is here: a node is alone, and has no `dar_id` by which a monitor would find others.
pub(crate) async fn pool(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    app.client(&headers, &[READ_POOL])?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
pub(crate) struct Owner {
    owner: Option<String>,
}

/// Whether the token is good here, and if an owner is named, his.
pub(crate) async fn validate_oauth(
    State(app): State<App>,
    query: Result<Query<Owner>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let client = app.client(&headers, &[])?;
    let Query(Owner { owner }) = query.map_err(|rejection| Problem::field("owner", rejection.body_text()))?;
    match owner {
        Some(owner) if owner != client.name() => {
            Err(Problem::new(StatusCode::FORBIDDEN, "owner: the token is another's"))
        }
        _ => Ok(Json(json!({}))),
    }
}

/// Whether the interface answers, knows keys of tokens, and takes what is written.
pub(crate) async fn healthy(State(app): State<App>) -> Result<&'static str, Problem> {
    let keyless = app.options.verifier.keys().is_empty();
    let no_key = || "no key of access tokens could be read: each is refused with 401 until one can".into();
    match app.backend.trouble().or_else(|| keyless.then(no_key)) {
        Some(why) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why)),
        None => Ok("ok"),
    }
}

/// The description of this interface; no token is needed.
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], crate::OPENAPI)
}
