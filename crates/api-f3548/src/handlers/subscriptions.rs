//! Subscriptions.
use super::Answered;
use crate::access::{CP, Client, SC};
use crate::app::App;
use crate::body;
use crate::path::Path;
use crate::problem::Problem;
use crate::wire::answers::{Subscription, all};
use crate::wire::asks::{self, SubscriptionParameters};
use crate::wire::volume::Wrong;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use dss::{Ask, Found, Query};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct One {
    subscription: Subscription,
}

#[derive(Serialize)]
pub(crate) struct Many {
    subscriptions: Vec<Subscription>,
}

pub(crate) async fn query(State(app): State<App>, request: Request) -> Answered {
    let client = app.client(request.headers(), &[CP, SC])?;
    let (_, text) = body::text(&app, request).await?;
    let area = app.reading(&client, text, |_, _, text| asks::area_of(text, Wrong::in_search)).await?;
    app.query(&client, Query::Subscriptions(area), |found| match found {
        Found::Subscriptions(found) => Some(Many { subscriptions: all(found) }),
        _ => None,
    })
    .await
}

pub(crate) async fn get(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let client = app.client(&headers, &[CP, SC])?;
    app.query(&client, Query::Subscription(asks::id("subscriptionid", &id)?), |found| match found {
        Found::Subscription(found) => Some(One { subscription: found.into() }),
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
    let client = app.client(request.headers(), &[CP, SC])?;
    let (headers, text) = body::text(&app, request).await?;
    let id = asks::id("subscriptionid", &id)?;
    let version = version.map(|version| asks::ovn("version", &version)).transpose()?;
    let read = |app: &App, client: &Client, text: &str| body::json::<SubscriptionParameters>(text)?.read(app, client);
    let put = app.reading(&client, text, read).await?;
    app.ask(&client, &headers, Ask::PutSubscription(id, version, put)).await
}

pub(crate) async fn delete(
    State(app): State<App>,
    Path((id, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let client = app.client(&headers, &[CP, SC])?;
    let ask = Ask::DeleteSubscription(asks::id("subscriptionid", &id)?, asks::ovn("version", &version)?);
    app.ask(&client, &headers, ask).await
}

/// A path that ends where the version is to be; clients expect 400 there, not 404.
pub(crate) async fn no_version(State(app): State<App>, headers: HeaderMap) -> Answered {
    app.client(&headers, &[CP, SC])?;
    Err(Problem::field("version", "is needed"))
}
