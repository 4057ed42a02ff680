//! Constraint references.
use super::Answered;
use crate::access::{CM, CP, Client};
use crate::app::App;
use crate::body;
use crate::path::Path;
use crate::problem::Problem;
use crate::wire::answers::{ConstraintReference, all};
use crate::wire::asks::{self, ConstraintParameters};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use dss::{Ask, Found, Query};
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct One {
    constraint_reference: ConstraintReference,
}

#[derive(Serialize)]
pub(crate) struct Many {
    constraint_references: Vec<ConstraintReference>,
}

pub(crate) async fn query(State(app): State<App>, request: Request) -> Answered {
    let client = app.client(request.headers(), &[CM, CP])?;
    let (_, text) = body::text(&app, request).await?;
    let area = app.reading(&client, text, |_, _, text| asks::area(text)).await?;
    app.query(&client, Query::Constraints(area), |found| match found {
        Found::Constraints(found) => Some(Many { constraint_references: all(found) }),
        _ => None,
    })
    .await
}

pub(crate) async fn get(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answered {
    let client = app.client(&headers, &[CM, CP])?;
    app.query(&client, Query::Constraint(asks::id("entityid", &id)?), |found| match found {
        Found::Constraint(found) => Some(One { constraint_reference: found.into() }),
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
    let client = app.client(request.headers(), &[CM])?;
    let (headers, text) = body::text(&app, request).await?;
    let id = asks::id("entityid", &id)?;
    let ovn = ovn.map(|ovn| asks::ovn("ovn", &ovn)).transpose()?;
    let read = |app: &App, client: &Client, text: &str| body::json::<ConstraintParameters>(text)?.read(app, client);
    let put = app.reading(&client, text, read).await?;
    app.ask(&client, &headers, Ask::PutConstraint(id, ovn, put)).await
}

pub(crate) async fn delete(
    State(app): State<App>,
    Path((id, ovn)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let client = app.client(&headers, &[CM])?;
    let ask = Ask::DeleteConstraint(asks::id("entityid", &id)?, asks::ovn("ovn", &ovn)?);
    app.ask(&client, &headers, ask).await
}

/// A path that ends where the version is to be; clients expect 400 there, not 404.
pub(crate) async fn no_version(State(app): State<App>, headers: HeaderMap) -> Answered {
    app.client(&headers, &[CM])?;
    Err(Problem::field("ovn", "is needed"))
}
