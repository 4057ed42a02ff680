//! Commands.
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::json::Node;
use crate::problem::Problem;
use crate::wire::inhibition::{read_cleared, read_inhibit};
use crate::wire::notice::{read_parties, read_read_back, read_reason, read_reply, read_send, read_text};
use crate::wire::plan::{parse_subject, read_marked_plan, read_site, read_state};
use crate::wire::policy::{read_only_marking, read_policy};
use crate::wire::volume::{read_notice_volumes, read_utc};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use node::command::{Command, Done};
use record::{ChannelState, DeskStatus, Hash32, PartyId, SubjectId, TextLimits};
use serde_json::json;

const CHANNEL_STATES: [(&str, ChannelState); 4] = [
    ("in-force", ChannelState::InForce),
    ("suspended", ChannelState::Suspended),
    ("resumed", ChannelState::Resumed),
    ("terminated", ChannelState::Terminated),
];

/// The answer to a command that was done; `made` if it made something new.
fn done(done: Done, made: bool) -> Response {
    let status = if made { StatusCode::CREATED } else { StatusCode::OK };
    match done {
        Done::Ok => StatusCode::NO_CONTENT.into_response(),
        Done::Filed { subject, revision, conflicts } => {
            let body = json!({ "subject": subject.to_string(), "revision": revision, "conflicts": conflicts });
            (status, Json(body)).into_response()
        }
        Done::Numbered(id) => (status, Json(json!({ "id": id.to_string() }))).into_response(),
        Done::Proposed { id, missing } => {
            (StatusCode::ACCEPTED, Json(json!({ "proposal": id, "missing": missing }))).into_response()
        }
        Done::Sent(sent) => {
            let sent: Vec<_> = sent
                .iter()
                .map(|s| json!({ "party": s.party.to_string(), "index": s.index, "id": s.id.to_string() }))
                .collect();
            (status, Json(json!({ "sent": sent }))).into_response()
        }
    }
}

/// A new subject, from the system's generator.
fn new_subject(app: &App) -> SubjectId {
    let mut subject = [0; 16];
    subject.copy_from_slice(&app.backend.random32()[..16]);
    SubjectId(subject)
}

fn subject(text: &str, what: &str) -> Result<SubjectId, Problem> {
    parse_subject(text).ok_or_else(|| Problem::no_such(what, text))
}

/// Reads which raising of an alert the officer saw, if it says.
fn read_raising(node: &Node<'_>) -> Option<Option<u32>> {
    let mut object = node.object()?;
    let raising = match object.optional("raising") {
        Some(raising) => Some(u32::try_from(raising.integer(1..=i64::from(u32::MAX))?).ok()?),
        None => None,
    };
    object.end();
    Some(raising)
}

/// `POST /v1/alerts/{id}/acknowledge`.
pub(crate) async fn acknowledge_alert(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let raising = body.read(read_raising)?;
    let number = id.parse().map_err(|_| Problem::no_such("alert", &id))?;
    Ok(done(app.command(&caller, &headers, Command::AcknowledgeAlert(number, raising)).await?, false))
}

/// `POST /v1/notices`.
pub(crate) async fn send_notice(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let notice = body.read(|node| read_send(node, new_subject(&app), app.backend.clock_utc()))?;
    Ok(done(app.command(&caller, &headers, Command::SendNotice(notice)).await?, true))
}

/// `POST /v1/notices/{id}/acknowledge`.
pub(crate) async fn acknowledge_notice(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = Hash32::parse(&id).ok_or_else(|| Problem::no_such("notice", &id))?;
    let read_back = body.read(read_read_back)?;
    Ok(done(app.command(&caller, &headers, Command::AcknowledgeNotice { id, read_back }).await?, false))
}

/// `POST /v1/notices/{id}/answer`.
pub(crate) async fn reply_notice(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let id = Hash32::parse(&id).ok_or_else(|| Problem::no_such("notice", &id))?;
    let reply = body.read(read_reply)?;
    Ok(done(app.command(&caller, &headers, Command::ReplyNotice { id, reply }).await?, false))
}

/// A plan whose body says nothing of a marking keeps the one it has.
fn filing(subject: SubjectId, plan: airspace::Plan, marking: Option<Option<release::Marking>>) -> Command {
    match marking {
        None => Command::FilePlan { subject, plan },
        Some(marking) => Command::FileMarkedPlan { subject, plan, marking },
    }
}

/// `POST /v1/plans`.
pub(crate) async fn file_plan(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (plan, marking) = body.read(read_marked_plan)?;
    let command = filing(new_subject(&app), plan, marking);
    Ok(done(app.command(&caller, &headers, command).await?, true))
}

/// `PUT /v1/plans/{subject}`.
pub(crate) async fn revise_plan(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (plan, marking) = body.read(read_marked_plan)?;
    let command = filing(subject(&path, "plan")?, plan, marking);
    Ok(done(app.command(&caller, &headers, command).await?, false))
}

/// `DELETE /v1/plans/{subject}`.
pub(crate) async fn cancel_plan(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(done(app.command(&caller, &headers, Command::CancelPlan(subject(&path, "plan")?)).await?, false))
}

/// `PUT /v1/plans/{subject}/state`.
pub(crate) async fn declare_plan(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (subject, state) = (subject(&path, "plan")?, body.read(read_state)?);
    Ok(done(app.command(&caller, &headers, Command::DeclarePlan { subject, state }).await?, false))
}

/// `POST /v1/sites`.
pub(crate) async fn file_site(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let command = Command::FileSite { subject: new_subject(&app), site: body.read(read_site)? };
    Ok(done(app.command(&caller, &headers, command).await?, true))
}

/// `PUT /v1/sites/{subject}`.
pub(crate) async fn revise_site(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let command = Command::FileSite { subject: subject(&path, "site")?, site: body.read(read_site)? };
    Ok(done(app.command(&caller, &headers, command).await?, false))
}

/// `DELETE /v1/sites/{subject}`.
pub(crate) async fn remove_site(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(done(app.command(&caller, &headers, Command::RemoveSite(subject(&path, "site")?)).await?, false))
}

/// `POST /v1/avoid`.
pub(crate) async fn send_avoid(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (to, volumes) = body.read(|node| {
        let mut o = node.object()?;
        let to = o.required("to").and_then(|n| read_parties(&n));
        let volumes = o.required("volumes").and_then(|n| read_notice_volumes(&n, 1));
        o.end();
        Some((to?, volumes?))
    })?;
    let command = Command::SendAvoid { subject: new_subject(&app), to, volumes };
    Ok(done(app.command(&caller, &headers, command).await?, true))
}

/// `POST /v1/tracks/{id}/separate`.
pub(crate) async fn separate(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let number = id.parse().map_err(|_| Problem::no_such("track", &id))?;
    Ok(done(app.command(&caller, &headers, Command::Separate(number)).await?, false))
}

/// `POST /v1/alerts/{id}/reason`.
pub(crate) async fn give_reason(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let reason = body.read(|node| {
        let mut o = node.object()?;
        let reason = o.required("reason").and_then(|n| read_text(&n, node::REASON_MAX));
        o.end();
        reason
    })?;
    let alert = id.parse().map_err(|_| Problem::no_such("alert", &id))?;
    Ok(done(app.command(&caller, &headers, Command::GiveReason { alert, reason }).await?, false))
}

/// `POST /v1/cleared`.
pub(crate) async fn set_cleared(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (flight, level, until) = body.read(read_cleared)?;
    Ok(done(app.command(&caller, &headers, Command::SetCleared { flight, level, until }).await?, false))
}

/// `POST /v1/inhibitions`.
pub(crate) async fn inhibit(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (of, reason, until) = body.read(read_inhibit)?;
    Ok(done(app.command(&caller, &headers, Command::Inhibit { of, reason, until }).await?, true))
}

/// `DELETE /v1/inhibitions/{id}`.
pub(crate) async fn lift(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let number = id.parse().map_err(|_| Problem::no_such("inhibition", &id))?;
    Ok(done(app.command(&caller, &headers, Command::Lift(number)).await?, false))
}

/// `POST /v1/desk`.
pub(crate) async fn state_desk(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let status = body.read(|node| {
        let mut o = node.object()?;
        let manned = o.required("manned").and_then(|n| n.bool());
        let next = o.optional("next_utc_ms").and_then(|n| read_utc(&n));
        let note = o.optional("note").and_then(|n| read_reason(&n)).unwrap_or_default();
        o.end();
        Some(DeskStatus { manned: manned?, next, note })
    })?;
    Ok(done(app.command(&caller, &headers, Command::StateDesk(status)).await?, true))
}

/// `POST /v1/channel/{party}`.
pub(crate) async fn state_channel(
    State(app): State<App>,
    caller: Caller,
    Path(party): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let peer = PartyId::parse(&party).map_err(|_| Problem::no_such("party", &party))?;
    let (state, reason) = body.read(|node| {
        let mut o = node.object()?;
        let state = o.required("state").and_then(|n| n.word(&CHANNEL_STATES));
        let reason = o.required("reason").and_then(|n| read_reason(&n));
        o.end();
        Some((state?, reason?))
    })?;
    Ok(done(app.command(&caller, &headers, Command::StateChannel { peer, state, reason }).await?, false))
}

/// `POST /v1/keys`.
pub(crate) async fn take_keys(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let statement = body.read(|node| {
        let mut o = node.object()?;
        let statement = o.required("statement").and_then(|n| read_text(&n, TextLimits::KEYS_BYTES_MAX));
        o.end();
        statement
    })?;
    Ok(done(app.command(&caller, &headers, Command::TakeKeys(statement)).await?, false))
}

/// `PUT /v1/release`.
pub(crate) async fn set_policy(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let new = body.read(read_policy)?;
    let revision = app.backend.view().policy.revision;
    let command = Command::SetPolicy { policy: new.policy, replaces: new.replaces };
    let answer = app.command(&caller, &headers, command).await?;
    app.settle(|view| view.policy.revision > revision || view.proposal.is_some()).await;
    Ok(done(answer, false))
}

/// `POST /v1/release/proposals/{id}/confirm`.
pub(crate) async fn confirm_policy(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Problem::no_such("proposal", &id))?;
    let answer = app.command(&caller, &headers, Command::ConfirmPolicy(id)).await?;
    if answer == Done::Ok {
        app.settle(|view| view.proposal.is_none()).await;
    }
    Ok(done(answer, false))
}

/// `DELETE /v1/release/proposals/{id}`.
pub(crate) async fn reject_policy(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = id.parse().map_err(|_| Problem::no_such("proposal", &id))?;
    let answer = app.command(&caller, &headers, Command::RejectPolicy(id)).await?;
    app.settle(|view| view.proposal.as_ref().is_none_or(|p| p.id != id)).await;
    Ok(done(answer, false))
}

/// `PUT /v1/plans/{subject}/marking`.
pub(crate) async fn mark_plan(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let (subject, marking) = (subject(&path, "plan")?, body.read(read_only_marking)?);
    Ok(done(app.command(&caller, &headers, Command::MarkPlan { subject, marking }).await?, false))
}

/// `PUT /v1/aircraft/{address}/marking`.
pub(crate) async fn mark_aircraft(
    State(app): State<App>,
    caller: Caller,
    Path(path): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let address = track::Address::parse(&path).map_err(|_| Problem::no_such("aircraft address", &path))?.bits();
    let marking = body.read(read_only_marking)?;
    Ok(done(app.command(&caller, &headers, Command::MarkAircraft { address, marking }).await?, false))
}
