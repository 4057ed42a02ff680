//! Accounts and tokens, for administrators.
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::secret;
use crate::body::Body;
use crate::json::Node;
use crate::page::{Query, page};
use crate::problem::{Kind, Problem};
use crate::wire::volume::read_utc;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use node::command::{Account, Command};
use record::{Hash32, Role};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;

const ROLES: [(&str, Role); 4] = [
    ("observer", Role::Observer),
    ("officer", Role::Officer),
    ("planner", Role::Planner),
    ("administrator", Role::Administrator),
];
/// How long a new officer has to use the code of the account.
const CODE_TTL: Duration = Duration::from_secs(24 * 3600);
/// Longest life of a token: a year, and a day for leap years.
const TOKEN_MAX_MS: i64 = 366 * 24 * 3600 * 1000;

#[derive(Serialize)]
struct AccountWire {
    name: String,
    role: &'static str,
    signs_in_with: &'static str,
    expires_utc_ms: Option<i64>,
    must_set_password: bool,
}

/// `GET /v1/accounts`.
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.needs(&app, "read-accounts", &[Role::Administrator])?;
    let query = Query::parse(query.as_deref(), &["limit", "after"])?;
    let view = app.backend.view();
    let accounts: Vec<(&String, &Account)> = view.accounts.iter().collect();
    let key = |(name, _): &(&String, &Account)| {
        let mut key = [0; 32];
        for (slot, byte) in key.iter_mut().zip(name.bytes()) {
            *slot = byte;
        }
        key
    };
    let wire = |(name, account): &(&String, &Account)| AccountWire {
        name: (*name).clone(),
        role: account.role.name(),
        signs_in_with: match account {
            Account { token: Some(_), .. } => "token",
            Account { password: Some(_), .. } => "password",
            _ => "code",
        },
        expires_utc_ms: account.expires.map(|t| t.0),
        must_set_password: account.must_set_password,
    };
    Ok(Json(page(&accounts, key, |_| 0, wire, &query)?).into_response())
}

/// `POST /v1/tokens`.
pub(crate) async fn token(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    caller.needs(&app, "set-token", &[Role::Administrator])?;
    let now = app.backend.clock_utc();
    let (name, role, expires) = body.read(|node| {
        let mut o = node.object()?;
        let name = o.required("name").and_then(|n| n.parsed(NAME_WANTED, parse_name));
        let role = o.required("role").and_then(|n| n.word(&ROLES));
        let expires = o.required("expires_utc_ms").and_then(|n| {
            let at = read_utc(&n)?;
            let lasts = at.since_ms(now);
            if lasts > 0 && lasts <= TOKEN_MAX_MS { Some(at) } else { n.refuse("must be in the next 366 days") }
        });
        o.end();
        Some((name?, role?, expires?))
    })?;
    if app.backend.view().accounts.get(&name).is_some_and(|account| account.token.is_none()) {
        return Err(Problem::new(Kind::Already, format!("{name} is an officer's account; choose another name")));
    }
    let token = secret::text(app.backend.random32());
    let hash = Hash32(secret::hash(&token));
    let account = Account { role, password: None, token: Some(hash), expires: Some(expires), must_set_password: false };
    app.command(&caller, &headers, Command::SetAccount { name: name.clone(), account }).await?;
    app.settle(|view| view.accounts.get(&name).is_some_and(|a| a.token == Some(hash))).await;
    Ok((StatusCode::CREATED, Json(json!({ "name": name, "token": token }))).into_response())
}

/// `PUT /v1/accounts/{name}`: makes an officer's account, or changes its role, or gives it a new code.
pub(crate) async fn put(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    caller.needs(&app, "set-account", &[Role::Administrator])?;
    let name = parse_name(&name).ok_or_else(|| Problem::field("name", format!("must be {NAME_WANTED}")))?;
    let (role, new_code) = body.read(read_account)?;
    let view = app.backend.view();
    let known = view.accounts.get(&name);
    if known.is_some_and(|account| account.token.is_some()) {
        return Err(Problem::new(Kind::Already, format!("{name} is a token's account; choose another name")));
    }
    let fresh = Account { role, password: None, token: None, expires: None, must_set_password: true };
    let account = match known {
        Some(known) if !new_code => Account { role, ..known.clone() },
        _ => fresh,
    };
    let made = known.is_none() || new_code;
    app.command(&caller, &headers, Command::SetAccount { name: name.clone(), account: account.clone() }).await?;
    app.sessions.end_others(&name, None);
    app.settle(|view| view.accounts.get(&name) == Some(&account)).await;
    let code = made.then(|| app.options.codes.issue(&name, role, CODE_TTL));
    let status = if known.is_none() { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!({ "name": name, "role": role.name(), "code": code }))).into_response())
}

fn read_account(node: &Node<'_>) -> Option<(Role, bool)> {
    let mut o = node.object()?;
    let role = o.required("role").and_then(|n| n.word(&ROLES));
    let new_code = o.optional("new_code").map_or(Some(false), |n| n.bool());
    o.end();
    Some((role?, new_code?))
}

/// `DELETE /v1/accounts/{name}`.
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    caller.needs(&app, "remove-account", &[Role::Administrator])?;
    if name == caller.name {
        let why = "nobody removes the account in use";
        let command = Command::RemoveAccount(name);
        app.refused(caller.actor(&command), command.name(), why.into());
        return Err(Problem::new(Kind::Role, format!("{why}; another administrator may")));
    }
    app.command(&caller, &headers, Command::RemoveAccount(name.clone())).await?;
    app.options.codes.withdraw(&name);
    app.sessions.end_others(&name, None);
    app.settle(|view| !view.accounts.contains_key(&name)).await;
    Ok(StatusCode::NO_CONTENT)
}

const NAME_WANTED: &str = "1 to 32 of a-z, 0-9, - and ., and none of operator, node and file";

/// A name that can be an account's. The names under which the node's own operator acts, and a changed file proposes, are
/// nobody else's.
fn parse_name(text: &str) -> Option<String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let fits = (1..=32).contains(&text.len()) && text.bytes().all(allowed);
    (fits && !["operator", "node", node::FILE].contains(&text)).then(|| text.to_owned())
}
