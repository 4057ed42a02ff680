//! What all handlers share.
use crate::access::Client;
use crate::backend::{Answered, Backend, Details, Volume};
use crate::problem::Problem;
use crate::shares::{Meter, SHARE, Turns};
use axum::http::HeaderMap;
use dss::{Answer, Ask, Found, Query, Request};
use oauth::Verifier;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What a write takes of the node's time at most, without its cells; and with each cell, where 10,000 intents are as large as may be.
const WRITE_TIME: Duration = Duration::from_micros(1_500);
const CELL_TIME: Duration = Duration::from_micros(30);
/// Longest idempotency key.
const KEY_MAX: usize = 80;

/// How the interface is served.
#[derive(Clone)]
pub struct Options {
    /// Checks access tokens.
    pub verifier: Arc<Verifier>,
    /// Takes `http` addresses of USSs beside `https`. For tests and closed networks.
    pub http_base_urls: bool,
    /// USSs that may write only these addresses, or paths below them.
    pub base_urls: BTreeMap<String, Vec<String>>,
    /// USSs that `base_urls` does not name may write none.
    pub only_named: bool,
    /// Hands operational intents to the node with their volumes.
    pub volumes: bool,
    /// What `/aux/v1/version` says.
    pub version: String,
    /// A request takes no longer.
    pub request_timeout: Duration,
    /// A body is no longer.
    pub body_bytes_max: usize,
    /// Bytes of requests that write which one USS may have journaled, a second, and eight times as many at once.
    pub uss_bytes_per_s: u64,
    /// Queries of one USS that are under way at once; others of its wait.
    pub uss_queries_at_once: usize,
}

impl Options {
    /// The usual bounds: those of the reference implementation.
    #[must_use]
    pub fn new(verifier: Arc<Verifier>, version: String) -> Self {
        Self {
            verifier,
            http_base_urls: false,
            base_urls: BTreeMap::new(),
            only_named: false,
            volumes: false,
            version,
            request_timeout: Duration::from_secs(10),
            body_bytes_max: 4 << 20,
            // Some 10,000 small intents, or 60 of the largest. A disk that takes 100 MB/s has room for ten such USSs.
            uss_bytes_per_s: 8 << 20,
            // An answer takes 25 MB at most.
            uss_queries_at_once: 16,
        }
    }
}

/// Shared state of all handlers.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

/// See [`App`].
pub(crate) struct Inner {
    pub backend: Arc<dyn Backend>,
    pub options: Options,
    bytes: Meter,
    time: Meter,
    turns: Turns,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub fn new(backend: Arc<dyn Backend>, options: Options) -> Self {
        let turns = Turns::new(options.uss_queries_at_once);
        Self(Arc::new(Inner { backend, options, bytes: Meter::default(), time: Meter::default(), turns }))
    }

    /// Hands a request to the node and waits until it is durable and answered.
    pub async fn ask(&self, client: &Client, headers: &HeaderMap, ask: Ask) -> Result<Answer, Problem> {
        let (request, paid) = self.request(client, headers, ask, 0)?;
        let Answered { answer, took } = self.backend.ask(request).await?;
        self.time.settle(client.name(), paid, took * SHARE, Instant::now());
        Ok(answer?)
    }

    /// The same of an operational intent.
    pub async fn intend(
        &self,
        client: &Client,
        headers: &HeaderMap,
        ask: Ask,
        volumes: Vec<Volume>,
    ) -> Result<Answer, Problem> {
        let bytes = volumes.iter().map(Volume::weight).sum();
        let (request, paid) = self.request(client, headers, ask, bytes)?;
        let Answered { answer, took } = self.backend.intend(request, volumes).await?;
        self.time.settle(client.name(), paid, took * SHARE, Instant::now());
        Ok(answer?)
    }

    /// With so many more bytes than the request itself has. Gives also what was paid for its time.
    fn request(
        &self,
        client: &Client,
        headers: &HeaderMap,
        ask: Ask,
        more: usize,
    ) -> Result<(Request, Duration), Problem> {
        let key = idempotency_key(headers)?;
        let request = Request { manager: client.name().to_owned(), entropy: self.backend.entropy(), key, ask };
        // What is refused is journaled too.
        let rate = self.options.uss_bytes_per_s.max(1);
        let cost = Duration::from_secs_f64((request.weight() + more) as f64 / rate as f64);
        self.bytes.take(client.name(), cost, Instant::now()).map_err(|wait| {
            let why = format!("{} writes more than {rate} bytes a second here; nothing was done", client.name());
            Problem::again_after(wait, why)
        })?;
        // Until it is known how long it takes, as much as it may take: many may be under way.
        let paid = (WRITE_TIME + CELL_TIME * request.cells() as u32) * SHARE;
        self.take_time(client, paid)?;
        Ok((request, paid))
    }

    fn take_time(&self, client: &Client, cost: Duration) -> Result<(), Problem> {
        self.time.take(client.name(), cost, Instant::now()).map_err(|wait| {
            let why = format!("{} takes more than a {SHARE}th of the node's time; nothing was done", client.name());
            Problem::again_after(wait, why)
        })
    }

    pub async fn query(&self, client: &Client, query: Query) -> Result<Found, Problem> {
        let _turn = self.turns.wait(client.name()).await;
        self.take_time(client, Duration::ZERO)?;
        let Answered { answer, took } = self.backend.query(query, client.name().to_owned()).await?;
        self.time.settle(client.name(), Duration::ZERO, took * SHARE, Instant::now());
        Ok(answer?)
    }

    pub async fn details(&self, client: &Client, id: dss::Id) -> Result<Option<Details>, Problem> {
        let _turn = self.turns.wait(client.name()).await;
        self.take_time(client, Duration::ZERO)?;
        let Answered { answer, took } = self.backend.details(id).await?;
        self.time.settle(client.name(), Duration::ZERO, took * SHARE, Instant::now());
        Ok(answer)
    }
}

/// The `Idempotency-Key` header: 1 to 80 printable characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all("idempotency-key").iter();
    match (all.next().map(|value| value.to_str()), all.next()) {
        (None, _) => Ok(None),
        (Some(Ok(key)), None) if (1..=KEY_MAX).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Problem::field("Idempotency-Key", format!("must be one, of 1 to {KEY_MAX} printable characters"))),
    }
}
