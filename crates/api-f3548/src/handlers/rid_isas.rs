//! Identification service areas of remote ID.
use super::Answered;
use crate::access::{Client, DP, SP};
use crate::app::App;
use crate::body;
use crate::path::Path;
use crate::problem::Problem;
use crate::wire::answers::all;
use crate::wire::asks;
use crate::wire::rid::{self, IdentificationServiceArea, Parameters};
use axum::extract::{self, Request, State};
use axum::http::HeaderMap;
use dss::{Ask, Found, Query};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct One {
    service_area: IdentificationServiceArea,
}

#[derive(Serialize)]
pub(crate) struct Many {
    service_areas: Vec<IdentificationServiceArea>,
}

pub(crate) async fn search(
    State(app): State<App>,
    extract::Query(parameters): extract::Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Answered {
    let client = app.client(&headers, &[DP])?;
    app.query(&client, Query::Isas(rid::area_of_interest(&parameters, app.backend.utc_us())?), |found| match found {
        Found::Isas(found) => Some(Many { service_areas: all(found) }),
        _ => None,
    })
    .await
}

pub(crate) async fn get(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let client = app.client(&headers, &[DP, SP])?;
    app.query(&client, Query::Isa(asks::id("id", &id)?), |found| match found {
        Found::Isa(found) => Some(One { service_area: found.into() }),
        _ => None,
    })
    .await
}

pub(crate) async fn create(State(app): State<App>, Path(id): Path<String>, request: Request) -> Answered {
    put(app, id, None, request).await
}

pub(crate) async fn update(
    State(app): State<App>,
    Path((id, version)): Path<(String, String)>,
    request: Request,
) -> Answered {
    put(app, id, Some(version), request).await
}

async fn put(app: App, id: String, version: Option<String>, request: Request) -> Answered {
    let client = app.client(request.headers(), &[SP])?;
    let (headers, text) = body::text(&app, request).await?;
    let id = asks::id("id", &id)?;
    let version = version.map(|version| rid::version(&version)).transpose()?;
    let read = |app: &App, client: &Client, text: &str| body::json::<Parameters>(text)?.read(app, client);
    let put = app.reading(&client, text, read).await?;
    app.ask(&client, &headers, Ask::PutIsa(id, version, put)).await
}

pub(crate) async fn delete(
    State(app): State<App>,
    Path((id, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let client = app.client(&headers, &[SP])?;
    let ask = Ask::DeleteIsa(asks::id("id", &id)?, rid::version(&version)?);
    app.ask(&client, &headers, ask).await
}

/// A path that ends where the version is to be; clients expect 400 there, not 404.
pub(crate) async fn no_version(State(app): State<App>, headers: HeaderMap) -> Answered {
    app.client(&headers, &[SP])?;
    Err(Problem::field("version", "is needed"))
}
