//! What all handlers share.
use crate::attempts::Attempts;
use crate::auth::caller::{Caller, From};
use crate::auth::limiter::Limiter;
use crate::auth::password::Passwords;
use crate::auth::sessions::Sessions;
use crate::backend::Backend;
use crate::options::Options;
use crate::picture::Pictures;
use crate::problem::{Kind, Problem};
use crate::shown::Shown;
use axum::http::HeaderMap;
use node::command::{Actor, Command, Done};
use node::view::View;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest idempotency key.
const KEY_MAX: usize = 80;
/// How long a change is waited for in the view after it was answered; views follow within 100 ms.
const SETTLE: Duration = Duration::from_secs(2);

/// Shared state of all handlers.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

/// See [`App`].
pub(crate) struct Inner {
    pub backend: Arc<dyn Backend>,
    pub options: Options,
    pub sessions: Sessions,
    pub names: Limiter<String>,
    pub addresses: Limiter<From>,
    pub passwords: Passwords,
    pub pictures: Pictures,
    pub shown: Shown,
    pub attempts: Arc<Attempts>,
    pub streams: Arc<Semaphore>,
    /// Name of the session's cookie. It has the party in it, because cookies do not know ports: two nodes on one host
    /// would sign each other's officers out.
    pub cookie: String,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub(crate) fn new(backend: Arc<dyn Backend>, options: Options) -> Self {
        Self(Arc::new(Inner {
            sessions: Sessions::new(options.session_idle, options.session_absolute),
            names: Limiter::default(),
            addresses: Limiter::default(),
            passwords: Passwords::default(),
            pictures: Pictures::default(),
            shown: Shown::default(),
            attempts: Arc::default(),
            streams: Arc::new(Semaphore::new(options.streams_max)),
            cookie: format!("skypact_session_{}", backend.view().party),
            backend,
            options,
        }))
    }

    /// Hands a command to the node and waits until it is durable and answered.
    pub(crate) async fn command(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        command: Command,
    ) -> Result<Done, Problem> {
        if caller.must_set_password && !matches!(command, Command::SetPassword(_) | Command::SignedOut) {
            let why = "a password must be set first";
            self.refused(caller.actor(&command), command.name(), why.into());
            return Err(Problem::new(Kind::MustSetPassword, "POST /v1/password with 12 characters or more"));
        }
        let key = idempotency_key(headers)?;
        let (actor, name) = (caller.actor(&command), command.name());
        let answer = self.backend.command(actor, key, command).await?;
        if let Err(refused) = &answer {
            tracing::debug!(officer = caller.name, command = name, %refused, "command refused");
        }
        Ok(answer?)
    }

    /// Journals what was refused before it became a command.
    pub(crate) fn refused(&self, actor: Actor, command: &'static str, why: String) {
        tracing::debug!(officer = actor.name, command, why, "refused");
        self.attempts.note(&self.backend, actor, command, why);
    }

    /// Waits until the view shows what was just done, so that whoever asked finds it at once.
    pub(crate) async fn settle(&self, shows: impl Fn(&View) -> bool) {
        let mut changed = self.backend.changed();
        let wait = async { while !shows(&self.backend.view()) && changed.changed().await.is_ok() {} };
        if tokio::time::timeout(SETTLE, wait).await.is_err() {
            tracing::warn!("a change that is durable is not in the view after {} s", SETTLE.as_secs());
        }
    }
}

/// The `Idempotency-Key` header: 1 to 80 printable characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=KEY_MAX).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => {
            Err(Problem::new(Kind::BadRequest, format!("Idempotency-Key: must be 1 to {KEY_MAX} printable characters")))
        }
    }
}
