//! Reading.
use crate::app::App;
use crate::auth::caller::Caller;
use crate::backend::AuditRow;
use crate::body::Body;
use crate::openapi::OPENAPI;
use crate::page::{Page, Query, cursor, page};
use crate::problem::{Kind, Problem};
use crate::wire::{self, filed_key};
use airspace::Volume4d;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use record::{PartyId, Role};
use serde::Serialize;
use serde_json::json;

/// Parameters of every list.
const PAGED: [&str; 2] = ["limit", "after"];
type Answer = Result<Response, Problem>;

fn points(volumes: &[Volume4d]) -> usize {
    volumes.iter().map(|v| v.outline.points().len()).sum()
}

/// A name as a key, cut at 32 bytes, which is what parties' and feeds' names are bounded by.
fn name_key(name: &str) -> [u8; 32] {
    let mut key = [0; 32];
    for (slot, byte) in key.iter_mut().zip(name.bytes()) {
        *slot = byte;
    }
    key
}

/// `GET /v1/state`.
pub(crate) async fn state(State(app): State<App>, _: Caller) -> Answer {
    let picture = app.pictures.own(&*app.backend);
    Ok(([(header::CONTENT_TYPE, "application/json")], picture.state.as_str().to_owned()).into_response())
}

/// `GET /v1/tracks`.
pub(crate) async fn tracks(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let page = page(&view.tracks, |t| t.id.to_be_bytes(), |_| 0, |t| wire::track::track(&view, t), &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/alerts`.
pub(crate) async fn alerts(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let page = page(&view.alerts, |a| a.id.to_be_bytes(), |_| 0, |a| wire::alert::alert(&view, a), &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/alerts/{id}/explanation`.
pub(crate) async fn explanation(State(app): State<App>, _: Caller, Path(id): Path<String>) -> Answer {
    let number = id.parse().map_err(|_| Problem::no_such("alert", &id))?;
    let decisions = app.backend.decisions(number).await;
    let decisions = decisions.ok_or_else(|| Problem::no_such("alert of a conflict that was decided here", &id))?;
    Ok(Json(wire::explanation::explanation(number, &decisions)).into_response())
}

/// `GET /v1/inhibitions`.
pub(crate) async fn inhibitions(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let page = page(&view.inhibitions, |i| i.id.to_be_bytes(), |_| 0, wire::inhibition::inhibition, &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/cleared`.
pub(crate) async fn cleared(State(app): State<App>, _: Caller) -> Answer {
    let view = app.backend.view();
    let items: Vec<_> = view.cleared.iter().map(wire::inhibition::cleared).collect();
    Ok(Json(json!({ "items": items, "next": null })).into_response())
}

/// `GET /v1/unplanned`.
pub(crate) async fn unplanned(State(app): State<App>, _: Caller) -> Answer {
    let (listed, _) = app.backend.planned().await;
    let view = app.backend.view();
    let items: Vec<_> = listed.rows.iter().filter_map(|row| wire::plan::unplanned(&view, row)).collect();
    Ok(Json(json!({ "items": items, "cut": listed.cut })).into_response())
}

/// `GET /v1/unflown`.
pub(crate) async fn unflown(State(app): State<App>, _: Caller) -> Answer {
    let (_, listed) = app.backend.planned().await;
    let view = app.backend.view();
    let items: Vec<_> = listed.rows.iter().map(|row| wire::plan::unflown(&view, row)).collect();
    Ok(Json(json!({ "items": items, "cut": listed.cut })).into_response())
}

/// `GET /v1/notices`.
pub(crate) async fn notices(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let weight = |n: &node::view::NoticeView| points(&n.notice.volumes);
    let page = page(&view.notices, wire::notice::key, weight, wire::notice::notice_whole, &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/plans`.
pub(crate) async fn plans(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let key = |p: &node::view::PlanView| filed_key(p.owner, p.subject);
    let page = page(&view.plans, key, |p| points(&p.plan.volumes), |p| wire::plan::plan(&view, p), &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/sites`.
pub(crate) async fn sites(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let key = |s: &node::view::SiteView| filed_key(s.owner, s.subject);
    let weight = |s: &node::view::SiteView| s.site.footprint.points().len();
    let page = page(&view.sites, key, weight, |s| wire::plan::site(&view, s), &query)?;
    Ok(Json(page).into_response())
}

/// `POST /v1/sites/check`: a question, with a body because coordinates have characters that addresses have not. It is answered from
/// what is held here; nothing of it is journaled or told to anybody.
pub(crate) async fn check_place(State(app): State<App>, _: Caller, Body(body): Body) -> Answer {
    let place = body.read(wire::plan::read_check)?;
    let stopping = || Problem::new(Kind::NotHealthy, "the node is stopping");
    let (near, more) = app.backend.sites_near(place.at, place.radius_mm).await.ok_or_else(stopping)?;
    Ok(Json(wire::plan::checked(place, &near, more, app.backend.clock_utc())).into_response())
}

/// `GET /v1/avoid`.
pub(crate) async fn avoids(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let key = |a: &node::view::AvoidView| filed_key(a.owner, a.subject);
    let page = page(&view.avoids, key, |a| points(&a.volumes), |a| wire::plan::avoid(&view, a), &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/peers`.
pub(crate) async fn peers(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let key = |p: &node::view::PeerView| name_key(p.party.as_str());
    let page = page(&view.peers, key, |_| 0, |p| wire::link::peer(&view, p), &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/peers/{party}/denied`.
pub(crate) async fn denied(State(app): State<App>, _: Caller, Path(party): Path<String>) -> Answer {
    let peer = PartyId::parse(&party).map_err(|_| Problem::no_such("party", &party))?;
    let denied = app.backend.denied(peer).await.ok_or_else(|| Problem::no_such("party", &party))?;
    let items: Vec<_> = denied.iter().map(wire::link::denied).collect();
    Ok(Json(json!({ "items": items, "next": null })).into_response())
}

/// `GET /v1/feeds`.
pub(crate) async fn feeds(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    // Feeds have a number, the place in the configuration; their names are free text.
    let feeds: Vec<(u16, &node::view::FeedView)> = (0u16..).zip(&view.feeds).collect();
    let page = page(&feeds, |(n, _)| n.to_be_bytes(), |_| 0, |(_, f)| wire::link::feed(f), &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/pact`.
pub(crate) async fn pacts(State(app): State<App>, _: Caller, RawQuery(query): RawQuery) -> Answer {
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let view = app.backend.view();
    let page = page(&view.pacts, |p| p.hash.0, |_| 0, wire::pact::pact, &query)?;
    Ok(Json(page).into_response())
}

/// `GET /v1/release`.
pub(crate) async fn policy(State(app): State<App>, caller: Caller) -> Answer {
    caller.needs(&app, "read-release", &[Role::Administrator, Role::Planner])?;
    let view = app.backend.view();
    Ok(Json(wire::policy::policy(&view)).into_response())
}

/// `GET /v1/release/preview`.
pub(crate) async fn preview(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    caller.needs(&app, "preview-release", &[Role::Administrator, Role::Planner])?;
    let query = Query::parse(query.as_deref(), &["for"])?;
    let wanted = || Problem::new(Kind::BadRequest, "for: name the party, as in ?for=south");
    let name = query.get("for").ok_or_else(wanted)?;
    let peer = PartyId::parse(name).map_err(|_| Problem::no_such("party", name))?;
    let preview = app.backend.preview(peer).await.ok_or_else(|| Problem::no_such("party", name))?;
    let bytes: usize = preview.next.iter().map(|r| r.bytes_len).sum();
    let wire =
        |records: &[crate::backend::PreviewRecord]| -> Vec<_> { records.iter().map(wire::preview::preview).collect() };
    let answer = json!({
        "for": name, "utc_ms": app.backend.clock_utc().0, "bytes": bytes, "records": wire(&preview.next),
        "filed": wire(&preview.filed), "left_out": preview.left_out,
    });
    Ok(Json(answer).into_response())
}

#[derive(Serialize)]
struct AuditWire {
    seq: u64,
    utc_ms: i64,
    officer: String,
    role: &'static str,
    command: String,
    answer: String,
    times: u32,
}

/// `GET /v1/audit`.
pub(crate) async fn audit(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    caller.needs(&app, "read-audit", &[Role::Administrator])?;
    let query = Query::parse(query.as_deref(), &PAGED)?;
    let limit = query.limit()?;
    let after = query.after::<8>()?.map_or(0, u64::from_be_bytes);
    // One more than asked for tells whether there is a next page.
    let mut rows: Vec<AuditRow> = app.backend.audit(after, limit + 1).await;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| cursor(&row.seq.to_be_bytes()));
    let items = rows
        .into_iter()
        .map(|row| AuditWire {
            seq: row.seq,
            utc_ms: row.utc.0,
            officer: row.actor.name,
            role: row.actor.role.name(),
            command: row.command,
            answer: row.answer,
            times: row.times,
        })
        .collect();
    Ok(Json(Page { items, next }).into_response())
}

/// `GET /healthz`.
pub(crate) async fn health(State(app): State<App>) -> Answer {
    let health = app.backend.health();
    let stuck = app.pictures.own(&*app.backend).stuck_reason();
    let reasons = [
        (health.journal != crate::backend::JournalState::Ok).then(|| format!("journal {}", health.journal.name())),
        health.frozen.map(|why| format!("frozen: {why}")),
        stuck,
    ];
    let reasons: Vec<String> = reasons.into_iter().flatten().collect();
    if reasons.is_empty() {
        return Ok(Json(json!({ "status": "ok" })).into_response());
    }
    Err(Problem::new(Kind::NotHealthy, reasons.join("; ")))
}

/// `GET /metrics`.
pub(crate) async fn metrics(State(app): State<App>, caller: Result<Caller, Problem>) -> Answer {
    if !app.options.open_metrics {
        caller?;
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, app.backend.metrics()).into_response())
}

/// `GET /openapi.json`.
pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
