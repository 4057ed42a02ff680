//! Making answers: a large one beside the threads that serve everybody, few of one USS at once, and until they are sent.
use crate::access::Client;
use crate::app::App;
use crate::handlers::Answered;
use crate::problem::Problem;
use crate::shares::Turn;
use crate::wire::answers::Done;
use crate::wire::{json, refused};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dss::{Answer, Found, Outcome, Refused, ToNotify};
use futures_util::stream;
use serde::Serialize;
use std::convert::Infallible;

/// References and identifiers of an answer that is made where it is asked for: half a millisecond, 370 KB, 2.4 MB where addresses have
/// 2,048 bytes. The largest list has 50,000 references: 20 MB, which take 30 ms, or 120 MB.
const SMALL_MAX: usize = 1_000;
/// A large one is handed over in such pieces, so that it is known when the last was.
const PIECE_BYTES: usize = 64 << 10;

/// Status and body.
type Made = Result<(StatusCode, Vec<u8>), Problem>;

impl App {
    /// What was found, in the form in which it is sent; `None`: that is no answer to what was asked.
    pub async fn found<W: Serialize>(
        &self,
        client: &Client,
        turn: Turn,
        found: Found,
        form: impl FnOnce(Found) -> Option<W> + Send + 'static,
    ) -> Answered {
        let items = found_items(&found);
        let make = move || match form(found) {
            Some(found) => Ok((StatusCode::OK, json(&found))),
            None => Err(crate::handlers::astray()),
        };
        self.made(client, turn, items, make).await
    }

    /// What came of a request that writes: 201 for what is new, 200 for what was changed or deleted.
    pub async fn written(&self, client: &Client, turn: Turn, outcome: Outcome) -> Answered {
        let items = outcome_items(&outcome);
        let make = move || {
            Ok(match outcome {
                Ok(answer) => {
                    let created = matches!(
                        &answer,
                        Answer::Intent { created: true, .. } | Answer::Constraint { created: true, .. }
                    );
                    (if created { StatusCode::CREATED } else { StatusCode::OK }, json(&Done::from(answer)))
                }
                Err(refused) => refused::sent(refused),
            })
        };
        self.made(client, turn, items, make).await
    }

    /// Makes an answer of so many items. The turn of what was asked is over when it is made: until then it is in memory as it was found.
    async fn made(
        &self,
        client: &Client,
        turn: Turn,
        items: usize,
        make: impl FnOnce() -> Made + Send + 'static,
    ) -> Answered {
        if items <= SMALL_MAX {
            let (status, json) = make()?;
            return Ok(answer(status, json.into()));
        }
        let large = self.large.wait(client.name()).await;
        let (app, uss) = (self.clone(), client.name().to_owned());
        let work = move || {
            let made = app.time.during(&uss, make);
            drop(turn);
            (made, large)
        };
        let (made, large) = crate::app::ended(tokio::task::spawn_blocking(work).await)?;
        let (status, json) = made?;
        let length = json.len();
        let mut response = answer(status, in_pieces(json.into(), large));
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        Ok(response)
    }
}

fn answer(status: StatusCode, body: Body) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// A body that holds a turn until its last piece was taken, or nobody wants it any more.
fn in_pieces(bytes: Bytes, turn: Turn) -> Body {
    Body::from_stream(stream::unfold((bytes, turn), async |(mut bytes, turn)| {
        let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
        (!piece.is_empty()).then_some((Ok::<_, Infallible>(piece), (bytes, turn)))
    }))
}

fn found_items(found: &Found) -> usize {
    match found {
        Found::Intents(found) => found.len(),
        Found::Constraints(found) => found.len(),
        Found::Isas(found) => found.len(),
        Found::RidSubscriptions(found) => found.len(),
        Found::Subscriptions(found) => found.iter().map(|found| 1 + found.dependent.len()).sum(),
        Found::Subscription(found) => found.dependent.len(),
        Found::Intent(_)
        | Found::Constraint(_)
        | Found::Availability(_)
        | Found::Isa(_)
        | Found::RidSubscription(_) => 1,
    }
}

fn outcome_items(outcome: &Outcome) -> usize {
    match outcome {
        Ok(answer) => answer_items(answer),
        Err(Refused::Airspace { intents, constraints }) => intents.len() + constraints.len(),
        Err(Refused::Conflict { again: Some(again), .. }) => answer_items(again),
        Err(_) => 1,
    }
}

fn answer_items(answer: &Answer) -> usize {
    let told = |all: &[ToNotify]| all.iter().map(|told| 1 + told.subscriptions.len()).sum();
    match answer {
        Answer::Intent { subscribers, .. }
        | Answer::Constraint { subscribers, .. }
        | Answer::Isa { subscribers, .. } => told(subscribers),
        Answer::Subscription { subscription, intents, constraints } => {
            subscription.dependent.len()
                + intents.as_ref().map_or(0, Vec::len)
                + constraints.as_ref().map_or(0, Vec::len)
        }
        Answer::RidSubscription { isas, .. } => isas.as_ref().map_or(0, Vec::len),
        Answer::Availability { .. } | Answer::Report(_) => 1,
    }
}
