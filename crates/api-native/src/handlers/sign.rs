//! Signing in and out.
use crate::app::App;
use crate::auth::caller::{By, Caller, From, same_origin, valid};
use crate::auth::password::{Busy, PASSWORD_CHARS};
use crate::body::Body;
use crate::json::{Json, Node};
use crate::problem::{Kind, Problem};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use node::command::{Account, Actor, Command};
use record::Role;
use serde::Serialize;

/// Longest name or code that is looked at.
const NAME_MAX: usize = 64;
/// A failed sign-in in the audit.
const SIGN_IN: &str = "sign-in";
/// Who failed to sign in, if it is not known.
const NOBODY: &str = "(not an account)";

/// `GET /v1/session`.
#[derive(Serialize)]
pub(crate) struct SessionWire {
    party: String,
    officer: String,
    role: Option<&'static str>,
    csrf: Option<String>,
    mode: String,
    must_set_password: bool,
}

enum Credentials {
    Password { name: String, password: String },
    Code(String),
}

fn read_credentials(node: &Node<'_>) -> Option<Credentials> {
    let mut o = node.object()?;
    let credentials = if o.has("code") {
        o.required("code").and_then(|n| n.text(1..=NAME_MAX).map(|code| Credentials::Code(code.to_owned())))
    } else {
        let name = o.required("name").and_then(|n| n.text(1..=NAME_MAX));
        let password = o.required("password").and_then(|n| n.text(1..=*PASSWORD_CHARS.end()));
        name.zip(password)
            .map(|(name, password)| Credentials::Password { name: name.to_owned(), password: password.to_owned() })
    };
    o.end();
    credentials
}

/// `POST /v1/sign-in`.
pub(crate) async fn sign_in(
    State(app): State<App>,
    from: From,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    same_origin(&headers)?;
    let credentials = body.read(read_credentials)?;
    let address = from;
    app.addresses.attempt(&address).map_err(|wait| limited(wait, address, "address"))?;
    let (name, with) = match credentials {
        Credentials::Password { name, password } => (by_password(&app, address, name, password).await?, "password"),
        Credentials::Code(code) => (by_code(&app, address, &code).await?, "code"),
    };
    app.addresses.undo(&address);
    let view = app.backend.view();
    let account = view.accounts.get(&name).ok_or_else(failed)?;
    let actor = Actor { name: name.clone(), role: account.role };
    let signed = app.backend.command(actor, None, Command::SignedIn { with: with.to_owned() }).await;
    if let Err(error) = signed {
        // A full disk must not keep an officer from looking at the picture; no command is accepted meanwhile.
        tracing::warn!(officer = name, %error, "sign-in is not in the journal");
    }
    let (id, session) = app.sessions.begin(&name, app.backend.random32(), app.backend.random32());
    tracing::info!(officer = name, with, address = ?address.0, "signed in");
    let caller = Caller {
        name,
        role: Some(account.role),
        by: By::Session { key: [0; 32], csrf: session.csrf },
        must_set_password: account.must_set_password,
    };
    let mut response = axum::Json(session_wire(&app, &caller)).into_response();
    let age = app.options.session_absolute.as_secs();
    response.headers_mut().insert(header::SET_COOKIE, set_cookie(&app, &id, age)?);
    Ok(response)
}

async fn by_password(app: &App, address: From, name: String, password: String) -> Result<String, Problem> {
    app.names.attempt(&name).map_err(|wait| limited(wait, address, "name"))?;
    let view = app.backend.view();
    let account = view.accounts.get(&name).filter(|account| valid(account, app));
    let phc = account.and_then(|account| account.password.clone());
    match app.passwords.verify(password, phc).await {
        Ok(true) => {
            app.names.succeeded(&name);
            Ok(name)
        }
        Ok(false) => {
            // A name that is nobody's may be a password in the wrong field, so it is not written down.
            let known = if account.is_some() { name.as_str() } else { NOBODY };
            tracing::warn!(name = known, address = ?address.0, "sign-in failed");
            let actor = Actor { name: known.to_owned(), role: account.map_or(Role::Observer, |account| account.role) };
            app.refused(actor, SIGN_IN, "the name or the password is wrong".into());
            Err(failed())
        }
        Err(Busy) => {
            app.names.undo(&name);
            app.addresses.undo(&address);
            Err(Problem { retry_after_s: Some(1), ..Problem::new(Kind::TooMany, "too many sign-ins at once") })
        }
    }
}

async fn by_code(app: &App, address: From, code: &str) -> Result<String, Problem> {
    let Some((name, role)) = app.options.codes.take(code) else {
        tracing::warn!(address = ?address.0, "sign-in with a code failed");
        let actor = Actor { name: NOBODY.to_owned(), role: Role::Observer };
        app.refused(actor, SIGN_IN, "the code is wrong, was used or has expired".into());
        return Err(failed());
    };
    match app.backend.view().accounts.get(&name) {
        Some(account) if !valid(account, app) => {
            let actor = Actor { name, role: account.role };
            app.refused(actor, SIGN_IN, "the account has expired".into());
            return Err(failed());
        }
        Some(_) => {}
        None => make_account(app, &name, role).await?,
    }
    Ok(name)
}

/// Makes the account that a code of the first run is for. The operator printed the code, so the operator acts.
async fn make_account(app: &App, name: &str, role: Role) -> Result<(), Problem> {
    let account = Account { role, password: None, token: None, expires: None, must_set_password: true };
    let actor = Actor { name: crate::auth::caller::OPERATOR.to_owned(), role: Role::Administrator };
    let command = Command::SetAccount { name: name.to_owned(), account };
    let _ = app.backend.command(actor, None, command).await??;
    app.settle(|view| view.accounts.contains_key(name)).await;
    Ok(())
}

fn failed() -> Problem {
    Problem::new(Kind::SignInFailed, "")
}

fn limited(wait: u64, address: From, by: &str) -> Problem {
    tracing::warn!(address = ?address.0, by, wait, "sign-in must wait");
    Problem::wait(wait)
}

fn set_cookie(app: &App, id: &str, age_s: u64) -> Result<HeaderValue, Problem> {
    let secure = if app.options.secure_cookie { "; Secure" } else { "" };
    let text = format!("{}={id}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}", app.cookie);
    HeaderValue::from_str(&text).map_err(|_| Problem::new(Kind::Internal, "the cookie cannot be written"))
}

fn session_wire(app: &App, caller: &Caller) -> SessionWire {
    let view = app.backend.view();
    SessionWire {
        party: view.party.to_string(),
        officer: caller.name.clone(),
        role: caller.role.map(Role::name),
        csrf: match &caller.by {
            By::Session { csrf, .. } => Some(csrf.clone()),
            By::Token | By::Operator => None,
        },
        mode: view.mode.label(),
        must_set_password: caller.must_set_password,
    }
}

/// `GET /v1/session`.
pub(crate) async fn session(State(app): State<App>, caller: Caller) -> axum::Json<SessionWire> {
    axum::Json(session_wire(&app, &caller))
}

/// `POST /v1/sign-out`.
pub(crate) async fn sign_out(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let By::Session { key, .. } = &caller.by else {
        return Err(Problem::new(Kind::BadRequest, "a bearer token has no session; DELETE its account instead"));
    };
    app.sessions.end(key);
    let command = Command::SignedOut;
    if let Err(error) = app.backend.command(caller.actor(&command), None, command).await {
        tracing::warn!(officer = caller.name, %error, "sign-out is not in the journal");
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::SET_COOKIE, set_cookie(&app, "", 0)?);
    Ok(response)
}

/// `POST /v1/password`.
pub(crate) async fn password(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<StatusCode, Problem> {
    let By::Session { key, .. } = &caller.by else {
        return Err(Problem::new(Kind::Role, "only an officer with a session has a password"));
    };
    let password = read_password(&body, &caller.name)?;
    let mut salt = [0; 16];
    salt.copy_from_slice(&app.backend.random32()[..16]);
    let hashed = app.passwords.hash(password, salt).await;
    let busy = || Problem { retry_after_s: Some(1), ..Problem::new(Kind::TooMany, "too many passwords at once") };
    let phc = hashed.map_err(|Busy| busy())?.ok_or_else(|| Problem::new(Kind::Internal, "no hash"))?;
    app.command(&caller, &headers, Command::SetPassword(phc.clone())).await?;
    // Whoever knew the old password, or took a session, is out.
    app.sessions.end_others(&caller.name, Some(key));
    app.settle(|view| view.accounts.get(&caller.name).is_none_or(|a| a.password.as_ref() == Some(&phc))).await;
    Ok(StatusCode::NO_CONTENT)
}

fn read_password(body: &Json, name: &str) -> Result<String, Problem> {
    body.read(|node| {
        let mut o = node.object()?;
        let password = o.required("password").and_then(|n| {
            let password = n.text(PASSWORD_CHARS)?;
            let mut kinds: Vec<char> = password.chars().collect();
            kinds.sort_unstable();
            kinds.dedup();
            if kinds.len() < 5 || password.to_lowercase().contains(&name.to_lowercase()) {
                return n.refuse("must have five different characters and not hold the account's name");
            }
            Some(password.to_owned())
        });
        o.end();
        password
    })
}
