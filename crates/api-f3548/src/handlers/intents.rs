//! Operational intent references.
use super::Answered;
use crate::access::{CMSA, Client, SC};
use crate::app::App;
use crate::body;
use crate::path::Path;
use crate::problem::Problem;
use crate::wire::answers::{OperationalIntentReference, all};
use crate::wire::asks::{self, IntentParameters};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use dss::{Ask, Found, Query};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct One {
    operational_intent_reference: OperationalIntentReference,
}

#[derive(Serialize)]
pub(crate) struct Many {
    operational_intent_references: Vec<OperationalIntentReference>,
}

pub(crate) async fn query(State(app): State<App>, request: Request) -> Answered {
    let client = app.client(request.headers(), &[SC, CMSA])?;
    let (_, text) = body::text(&app, request).await?;
    let area = app.reading(&client, text, |_, _, text| asks::area(text)).await?;
    app.query(&client, Query::Intents(area), |found| match found {
        Found::Intents(found) => Some(Many { operational_intent_references: all(found) }),
        _ => None,
    })
    .await
}

pub(crate) async fn get(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let client = app.client(&headers, &[SC, CMSA])?;
    app.query(&client, Query::Intent(asks::id("entityid", &id)?), |found| match found {
        Found::Intent(found) => Some(One { operational_intent_reference: found.into() }),
        _ => None,
    })
    .await
}

pub(crate) async fn create(State(app): State<App>, Path(id): Path<String>, request: Request) -> Answered {
    put(app, id, None, request).await
}

pub(crate) async fn update(
    State(app): State<App>,
    Path((id, ovn)): Path<(String, String)>,
    request: Request,
) -> Answered {
    put(app, id, Some(ovn), request).await
}

async fn put(app: App, id: String, ovn: Option<String>, request: Request) -> Answered {
    let client = app.client(request.headers(), &[SC, CMSA])?;
    let (headers, text) = body::text(&app, request).await?;
    let id = asks::id("entityid", &id)?;
    let ovn = ovn.map(|ovn| asks::ovn("ovn", &ovn)).transpose()?;
    let created = ovn.is_none();
    let read =
        move |app: &App, client: &Client, text: &str| body::json::<IntentParameters>(text)?.read(app, client, created);
    let (put, volumes) = app.reading(&client, text, read).await?;
    let ask = Ask::PutIntent(id, ovn, put);
    match app.options.volumes {
        true => app.intend(&client, &headers, ask, volumes).await,
        false => app.ask(&client, &headers, ask).await,
    }
}

pub(crate) async fn delete(
    State(app): State<App>,
    Path((id, ovn)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let client = app.client(&headers, &[SC, CMSA])?;
    let ask = Ask::DeleteIntent(asks::id("entityid", &id)?, asks::ovn("ovn", &ovn)?);
    app.ask(&client, &headers, ask).await
}

/// A path that ends where the version is to be; clients expect 400 there, not 404.
pub(crate) async fn no_version(State(app): State<App>, headers: HeaderMap) -> Answered {
    app.client(&headers, &[SC, CMSA])?;
    Err(Problem::field("ovn", "is needed"))
}
