//! Availability of USSs.
use super::Answered;
use crate::access::{AA, CMSA, Client, SC};
use crate::app::App;
use crate::body;
use crate::path::Path;
use crate::wire::answers::Done;
use crate::wire::asks::{self, AvailabilityParameters};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use dss::{Ask, Found, Query};

pub(crate) async fn get(State(app): State<App>, Path(uss): Path<String>, headers: HeaderMap) -> Answered {
    let client = app.client(&headers, &[AA, SC, CMSA])?;
    app.query(&client, Query::Availability(asks::name("uss_id", &uss)?), |found| match found {
        Found::Availability(stated) => Some(Done::from(stated)),
        _ => None,
    })
    .await
}

pub(crate) async fn set(State(app): State<App>, Path(uss): Path<String>, request: Request) -> Answered {
    let client = app.client(request.headers(), &[AA])?;
    let (headers, text) = body::text(&app, request).await?;
    let uss = asks::name("uss_id", &uss)?;
    let read = |_: &App, _: &Client, text: &str| body::json::<AvailabilityParameters>(text);
    let parameters = app.reading(&client, text, read).await?;
    app.ask(&client, &headers, Ask::SetAvailability(parameters.read(uss)?)).await
}
