//! Subscriptions of remote ID.
use super::Answered;
use crate::access::{Client, DP, SP};
use crate::app::App;
use crate::body;
use crate::path::Path;
use crate::problem::Problem;
use crate::wire::answers::all;
use crate::wire::asks;
use crate::wire::rid::{self, Parameters, Subscription};
use axum::extract::{self, Request, State};
use axum::http::HeaderMap;
use dss::{AreaOfInterest, Ask, Found, Query};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct One {
    subscription: Subscription,
}

#[derive(Serialize)]
pub(crate) struct Many {
    subscriptions: Vec<Subscription>,
}

pub(crate) async fn search(
    State(app): State<App>,
    extract::Query(parameters): extract::Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Answered {
    let client = app.client(&headers, &[DP])?;
    let area = AreaOfInterest {
        cells: rid::area(&parameters)?,
        start: Some(app.backend.utc_us()),
        ..AreaOfInterest::default()
    };
    app.query(&client, Query::RidSubscriptions(area), |found| match found {
        Found::RidSubscriptions(found) => Some(Many { subscriptions: all(found) }),
        _ => None,
    })
    .await
}

pub(crate) async fn get(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let client = app.client(&headers, &[DP, SP])?;
    app.query(&client, Query::RidSubscription(asks::id("id", &id)?), |found| match found {
        Found::RidSubscription(found) => Some(One { subscription: found.into() }),
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
    let client = app.client(request.headers(), &[DP])?;
    let (headers, text) = body::text(&app, request).await?;
    let id = asks::id("id", &id)?;
    let version = version.map(|version| rid::version(&version)).transpose()?;
    let read = |app: &App, client: &Client, text: &str| body::json::<Parameters>(text)?.read(app, client);
    let put = app.reading(&client, text, read).await?;
    app.ask(&client, &headers, Ask::PutRidSubscription(id, version, put)).await
}

pub(crate) async fn delete(
    State(app): State<App>,
    Path((id, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let client = app.client(&headers, &[DP])?;
    let ask = Ask::DeleteRidSubscription(asks::id("id", &id)?, rid::version(&version)?);
    app.ask(&client, &headers, ask).await
}

/// A path that ends where the version is to be; clients expect 400 there, not 404.
pub(crate) async fn no_version(State(app): State<App>, headers: HeaderMap) -> Answered {
    app.client(&headers, &[DP])?;
    Err(Problem::field("version", "is needed"))
}
