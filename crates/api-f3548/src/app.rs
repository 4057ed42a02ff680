//! What all handlers share.
use crate::access::Client;
use crate::backend::{self, Backend, Details, Unavailable, Volume};
use crate::handlers::Answered;
use crate::problem::Problem;
use crate::reading::{READ_AT_ONCE, all_at_once};
use crate::shares::{Meter, SHARE, Turn, Turns};
use axum::http::{HeaderMap, StatusCode};
use dss::{Answer, Ask, Found, Outcome, Query, Request};
use futures_util::future::BoxFuture;
use oauth::Verifier;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinError;
use tokio::time::Instant;

/// What a write takes of the node's time until it is known, without its cells; and with each cell. In a crowded cell it is more, 15 ms where
/// 15,000 intents are: that is owed, and writes have turns so that only few can be under way before it is known.
const WRITE_TIME: Duration = Duration::from_micros(1_500);
const CELL_TIME: Duration = Duration::from_micros(30);
/// Large answers of one USS at once: 20 MB each, 120 MB where addresses have 2,048 bytes; twice that of intents and constraints together.
const LARGE_AT_ONCE: usize = 2;
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
    /// The same of requests that write.
    pub uss_writes_at_once: usize,
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
            // What was found shares its texts with what is held until its answer is made: some 112 bytes for each of 50,000 references,
            // with versions of their own 190. Of 16 queries, and of 32 writes with intents and constraints, that is 760 MB at most.
            uss_queries_at_once: 16,
            // Where a write takes the longest, 50 ms for 50,000 intents in its cells, these are 1.6 s; where writes are cheap, enough of
            // them for one sync.
            uss_writes_at_once: 32,
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
    pub time: Meter,
    queries: Turns,
    writes: Turns,
    /// Large answers of one USS that are made or not yet sent.
    pub large: Turns,
    /// Long bodies of one USS that are read.
    pub reads: Turns,
    /// The same of all.
    pub all_reads: Arc<Semaphore>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub fn new(backend: Arc<dyn Backend>, options: Options) -> Self {
        let (queries, writes) = (Turns::new(options.uss_queries_at_once), Turns::new(options.uss_writes_at_once));
        let (bytes, time, large) = (Meter::default(), Meter::default(), Turns::new(LARGE_AT_ONCE));
        let (reads, all_reads) = (Turns::new(READ_AT_ONCE), Arc::new(Semaphore::new(all_at_once())));
        Self(Arc::new(Inner { backend, options, bytes, time, queries, writes, large, reads, all_reads }))
    }

    /// Hands a request to the node and waits until it is durable and answered.
    pub async fn ask(&self, client: &Client, headers: &HeaderMap, ask: Ask) -> Answered {
        let (outcome, turn) = self.write(client, headers, ask, None).await?;
        self.written(client, turn, outcome).await
    }

    /// The same for who looks at the answer.
    pub async fn asked(&self, client: &Client, headers: &HeaderMap, ask: Ask) -> Result<Answer, Problem> {
        Ok(self.write(client, headers, ask, None).await?.0?)
    }

    /// The same of an operational intent.
    pub async fn intend(&self, client: &Client, headers: &HeaderMap, ask: Ask, volumes: Vec<Volume>) -> Answered {
        let (outcome, turn) = self.write(client, headers, ask, Some(volumes)).await?;
        self.written(client, turn, outcome).await
    }

    async fn write(
        &self,
        client: &Client,
        headers: &HeaderMap,
        ask: Ask,
        volumes: Option<Vec<Volume>>,
    ) -> Result<(Outcome, Turn), Problem> {
        let key = idempotency_key(headers)?;
        let turn = self.writes.wait(client.name()).await;
        let request = Request { manager: client.name().to_owned(), entropy: self.backend.entropy(), key, ask };
        let more: usize = volumes.iter().flatten().map(Volume::weight).sum();
        let (time, bytes) = self.pay(client, &request, more)?;
        let (app, uss) = (self.clone(), client.name().to_owned());
        to_its_end(async move {
            let answered = match volumes {
                Some(volumes) => app.backend.intend(request, volumes).await,
                None => app.backend.ask(request).await,
            };
            let now = Instant::now();
            if answered.is_err() {
                // Nothing was done.
                app.bytes.settle(&uss, bytes, Duration::ZERO, now);
            }
            let took = answered.as_ref().map_or(Duration::ZERO, |answered| answered.took);
            app.time.settle(&uss, time, took * SHARE, now);
            Ok((answered?.answer, turn))
        })
        .await
    }

    /// Takes what a request costs, with so many more bytes than it has itself: time and bytes, both or neither.
    fn pay(&self, client: &Client, request: &Request, more: usize) -> Result<(Duration, Duration), Problem> {
        // Until it is known how long it takes, as much as it may: many may be under way.
        let time = (WRITE_TIME + CELL_TIME * request.cells() as u32) * SHARE;
        self.take_time(client, time)?;
        // What is refused is journaled too.
        let rate = self.options.uss_bytes_per_s.max(1);
        let bytes = Duration::from_secs_f64((request.weight() + more) as f64 / rate as f64);
        self.bytes.take(client.name(), bytes, Instant::now()).map_err(|wait| {
            self.time.settle(client.name(), time, Duration::ZERO, Instant::now());
            let why = format!("{} writes more than {rate} bytes a second here; nothing was done", client.name());
            Problem::again_after(wait, why)
        })?;
        Ok((time, bytes))
    }

    pub fn take_time(&self, client: &Client, cost: Duration) -> Result<(), Problem> {
        self.time.take(client.name(), cost, Instant::now()).map_err(|wait| {
            let why = format!("{} takes more than a {SHARE}th of the node's time; nothing was done", client.name());
            Problem::again_after(wait, why)
        })
    }

    /// Asks what is held, and answers it in this form.
    pub async fn query<W: Serialize>(
        &self,
        client: &Client,
        query: Query,
        form: impl FnOnce(Found) -> Option<W> + Send + 'static,
    ) -> Answered {
        let uss = client.name().to_owned();
        let (found, turn) = self.read(client, move |backend| backend.query(query, uss)).await?;
        self.found(client, turn, found?, form).await
    }

    pub async fn details(&self, client: &Client, id: dss::Id) -> Result<Option<Details>, Problem> {
        Ok(self.read(client, move |backend| backend.details(id)).await?.0)
    }

    /// Asks the node when it is this client's turn.
    async fn read<T: Send + 'static>(
        &self,
        client: &Client,
        ask: impl FnOnce(&dyn Backend) -> BoxFuture<'_, Result<backend::Answered<T>, Unavailable>> + Send + 'static,
    ) -> Result<(T, Turn), Problem> {
        let turn = self.queries.wait(client.name()).await;
        self.take_time(client, Duration::ZERO)?;
        let (app, uss) = (self.clone(), client.name().to_owned());
        to_its_end(async move {
            let backend::Answered { answer, took } = ask(&*app.backend).await?;
            app.time.settle(&uss, Duration::ZERO, took * SHARE, Instant::now());
            Ok((answer, turn))
        })
        .await
    }
}

/// Does what was begun to its end, whether or not the client waits for it: the node works on it all the same, so that it is to be paid, and
/// its turn is not over before.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    ended(tokio::spawn(work).await)?
}

/// What came of work that was done beside; if it failed, as if it had been done here.
pub(crate) fn ended<T>(work: Result<T, JoinError>) -> Result<T, Problem> {
    work.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the node is stopping"),
    })
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
