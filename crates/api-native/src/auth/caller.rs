//! Who is behind a request.
use super::secret;
use super::sessions::SessionKey;
use crate::app::App;
use crate::problem::{Kind, Problem};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use node::command::{Account, Actor, Command, Refused};
use node::view::View;
use record::{Hash32, Role};
use std::net::{IpAddr, SocketAddr};

/// Name under which the operator at the node's own machine acts.
pub(crate) const OPERATOR: &str = "operator";

/// How a caller has shown who it is.
#[derive(Debug, Clone)]
pub(crate) enum By {
    /// A console's session.
    Session {
        /// Name of the session in memory.
        key: SessionKey,
        /// Its CSRF token.
        csrf: String,
    },
    /// A bearer token of an account.
    Token,
    /// The operator's token of this run.
    Operator,
}

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Account.
    pub name: String,
    /// Role of the account now; `None` for the operator, who acts in whichever role a command needs.
    pub role: Option<Role>,
    /// How.
    pub by: By,
    /// Only a password may be set.
    pub must_set_password: bool,
}

impl Caller {
    /// The actor of a command.
    pub(crate) fn actor(&self, command: &Command) -> Actor {
        let fitting = || Role::ALL.into_iter().find(|role| command.allowed(*role)).unwrap_or(Role::Observer);
        Actor { name: self.name.clone(), role: self.role.unwrap_or_else(fitting) }
    }

    /// Refuses a caller whose role is none of these, which goes into the audit under the name of `what` was asked; the
    /// operator has them all.
    pub(crate) fn needs(&self, app: &App, what: &'static str, roles: &[Role]) -> Result<(), Problem> {
        match self.role {
            Some(role) if !roles.contains(&role) => {
                let refused = Refused::Role { role }.to_string();
                app.refused(Actor { name: self.name.clone(), role }, what, refused.clone());
                let names: Vec<&str> = roles.iter().map(|r| r.name()).collect();
                Err(Problem::new(Kind::Role, format!("{refused}; {} may", names.join(", "))))
            }
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = authenticate(&parts.headers, app)?;
        if let By::Session { csrf, .. } = &caller.by
            && !matches!(parts.method, Method::GET | Method::HEAD)
        {
            let given = parts.headers.get("x-csrf-token").and_then(|v| v.to_str().ok()).unwrap_or("");
            if !secret::equal(given, csrf) {
                return Err(Problem::new(Kind::Csrf, "send the csrf value of GET /v1/session as X-CSRF-Token"));
            }
            same_origin(&parts.headers)?;
        }
        Ok(caller)
    }
}

/// Finds out who asks: by bearer token if there is one, else by the session's cookie.
pub(crate) fn authenticate(headers: &HeaderMap, app: &App) -> Result<Caller, Problem> {
    let view = app.backend.view();
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        return token
            .and_then(|token| by_token(token, app, &view))
            .ok_or_else(|| Problem::new(Kind::NotSignedIn, "the bearer token is not known, or it has expired"));
    }
    let none = || Problem::new(Kind::NotSignedIn, "POST /v1/sign-in, or send a bearer token");
    let (key, session) = cookie(headers, &app.cookie).and_then(|id| app.sessions.find(id)).ok_or_else(none)?;
    let Some(account) = view.accounts.get(&session.name).filter(|account| valid(account, app)) else {
        app.sessions.end(&key);
        return Err(none());
    };
    Ok(Caller {
        name: session.name,
        role: Some(account.role),
        by: By::Session { key, csrf: session.csrf },
        must_set_password: account.must_set_password,
    })
}

fn by_token(token: &str, app: &App, view: &View) -> Option<Caller> {
    let hash = secret::hash(token);
    // Hashes are compared, so how long a comparison takes says nothing of the token.
    if app.options.operator_token_sha256 == Some(hash) {
        return Some(Caller { name: OPERATOR.to_owned(), role: None, by: By::Operator, must_set_password: false });
    }
    let (name, account) = view.accounts.iter().find(|(_, account)| account.token == Some(Hash32(hash)))?;
    valid(account, app).then(|| Caller {
        name: name.clone(),
        role: Some(account.role),
        by: By::Token,
        must_set_password: false,
    })
}

/// Whether an account has not expired.
pub(crate) fn valid(account: &Account, app: &App) -> bool {
    account.expires.is_none_or(|expires| app.backend.clock_utc() <= expires)
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Refuses what another site's page sent: an `Origin` that is not this host. No `Origin` is no browser, or a page of
/// our own that only reads.
pub(crate) fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::ORIGIN) {
        None => Ok(()),
        Some(origin) if is_own(origin.to_str().unwrap_or(""), headers) => Ok(()),
        Some(_) => Err(Problem::new(Kind::Origin, "the Origin header names another site than the Host header")),
    }
}

/// Refuses what does not come from a page of our own: streams must show their origin.
pub(crate) fn own_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let origin = headers.get(header::ORIGIN).and_then(|v| v.to_str().ok()).unwrap_or("");
    if is_own(origin, headers) {
        return Ok(());
    }
    Err(Problem::new(Kind::Origin, "the stream needs an Origin header that names this host"))
}

fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or("");
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    !host.is_empty() && authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

/// The address a request comes from; `None` if the server does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct From(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        // A holder of an IPv6 network has 2^64 addresses; they count as one.
        Ok(Self(address.map(|address| match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        })))
    }
}
