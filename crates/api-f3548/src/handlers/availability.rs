//! Availability of USSs.
use super::{Answered, astray, done};
use crate::access::{AA, CMSA, SC};
use crate::app::App;
use crate::body;
use crate::path::Path;
use crate::wire::asks::{self, AvailabilityParameters};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use dss::{Ask, Found, Query};

pub(crate) async fn get(State(app): State<App>, Path(uss): Path<String>, headers: HeaderMap) -> Answered {
    let client = app.client(&headers, &[AA, SC, CMSA])?;
    match app.query(&client, Query::Availability(asks::uss(&uss)?)).await? {
        Found::Availability(stated) => done(stated),
        _ => Err(astray()),
    }
}

pub(crate) async fn set(State(app): State<App>, Path(uss): Path<String>, request: Request) -> Answered {
    let client = app.client(request.headers(), &[AA])?;
    let (headers, text) = body::text(&app, request).await?;
    let uss = asks::uss(&uss)?;
    let parameters: AvailabilityParameters = body::json(&text)?;
    done(app.ask(&client, &headers, Ask::SetAvailability(parameters.read(uss)?)).await?)
}
