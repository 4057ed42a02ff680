//! Feeds: sockets and files in, batches of reports to the fold. A feed that fails is tried again; it never stops a node.
mod health;

use crate::clock::Clock;
use crate::config::Feed;
use crate::core::CoreHandle;
use crate::files::read_bounded;
use anyhow::{Context, Result, bail, ensure};
use feed::{Batch, Decoder, Format};
use health::{Health, Log, Told};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use node::input::Input;
use record::{BATCH_MAX, TrackBatch};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tracing::{info, warn};
use track::TrackReport;

/// Reports of a stream are handed over this often, and at once when it has been quiet for as long: an alert waits for them.
const HAND_OVER_EVERY: Duration = Duration::from_millis(10);
/// Waits between attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// A TCP feed that says nothing for this long is connected anew.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// An HTTP answer takes no longer than this.
const HTTP_MAX: Duration = Duration::from_secs(10);

/// What a source may be.
const KINDS: &str = "tcp://HOST:PORT, http://HOST:PORT/PATH, or a file";

/// Runs one feed for ever.
pub async fn run(core: CoreHandle, number: u16, config: Feed, dir: PathBuf) {
    // Both were checked with the configuration, before anything was started.
    let (mut runner, source) = match (Runner::new(core, number, &config), Source::parse(&config, &dir)) {
        (Ok(runner), Ok(source)) => (runner, source),
        (Err(error), _) | (_, Err(error)) => return warn!(feed = config.name, "feed not started: {error:#}"),
    };
    let mut wait = BACKOFF.0;
    loop {
        let started = Instant::now();
        let end = match &source {
            Source::Tcp(address) => runner.tcp(address).await,
            Source::Http(url) => runner.poll_http(url, config.every_s).await,
            Source::File(path) => runner.poll_file(path, config.every_s).await,
            Source::Recording(path) => match runner.recording(&config, path).await {
                Ok(()) => {
                    runner.health.played();
                    return runner.tell(Log::Nothing).await;
                }
                Err(error) => Err(error),
            },
        };
        let error = end.err().map_or_else(|| String::from("ended"), |e| format!("{e:#}"));
        let log = runner.health.ended(error);
        runner.tell(log).await;
        if started.elapsed() > BACKOFF.1 {
            wait = BACKOFF.0;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(BACKOFF.1);
    }
}

/// Where a feed comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A stream.
    Tcp(String),
    /// A document fetched again and again.
    Http(hyper::Uri),
    /// A document read again and again.
    File(PathBuf),
    /// A recording played once.
    Recording(PathBuf),
}

impl Source {
    /// Understands a feed's `source`.
    pub fn parse(config: &Feed, dir: &Path) -> Result<Self> {
        let format = Format::parse(&config.format).with_context(|| format!("unknown format {:?}", config.format))?;
        let stream = matches!(format, Format::Sbs | Format::Beast | Format::Avr);
        let source = config.source.as_str();
        ensure!(!source.trim().is_empty(), "source is empty; {KINDS}");
        if let Some(address) = source.strip_prefix("tcp://") {
            ensure!(stream, "{} is read from http:// or a file, not from tcp://", format.name());
            let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
            let port = port.parse::<u16>().is_ok_and(|port| port > 0);
            ensure!(port && !host.is_empty(), "source {source:?} is not tcp://HOST:PORT");
            return Ok(Self::Tcp(address.to_string()));
        }
        if source.starts_with("http://") {
            ensure!(format == Format::AircraftJson, "{} is not read over http", format.name());
            let url = source.parse::<hyper::Uri>().ok().filter(|url| url.host().is_some_and(|h| !h.is_empty()));
            return Ok(Self::Http(url.with_context(|| format!("source {source:?} is not http://HOST:PORT/PATH"))?));
        }
        ensure!(!source.starts_with("https://"), "https is not read; put a proxy on this machine before {source:?}");
        ensure!(!source.contains("://"), "unknown kind of source {source:?}; {KINDS}");
        let path = dir.join(source);
        Ok(if format == Format::AircraftJson { Self::File(path) } else { Self::Recording(path) })
    }
}

struct Runner {
    core: CoreHandle,
    clock: Clock,
    number: u16,
    name: String,
    decoder: Box<dyn Decoder>,
    batch: Batch,
    health: Health,
    /// Records without a position when the batch was last looked at.
    held: u64,
}

impl Runner {
    fn new(core: CoreHandle, number: u16, config: &Feed) -> Result<Self> {
        let format = Format::parse(&config.format).with_context(|| format!("unknown format {:?}", config.format))?;
        let clock = core.clock();
        let decoder = modes::decoder(format);
        let (name, health) = (config.name.clone(), Health::new(Instant::now()));
        Ok(Self { core, clock, number, name, decoder, batch: Batch::default(), health, held: 0 })
    }

    async fn tcp(&mut self, address: &str) -> Result<()> {
        let mut socket = tokio::time::timeout(HTTP_MAX, TcpStream::connect(address))
            .await
            .context("no answer")?
            .with_context(|| format!("cannot connect to {address}"))?;
        self.health.connected(Instant::now());
        self.tell(Log::Nothing).await;
        let mut buffer = vec![0; 64 << 10];
        let (mut handed, mut heard) = (Instant::now(), Instant::now());
        loop {
            match tokio::time::timeout(HAND_OVER_EVERY, socket.read(&mut buffer)).await {
                Ok(Ok(0)) => {
                    self.decoder.finish(self.clock.now().utc, &mut self.batch);
                    self.hand_over(false).await?;
                    bail!("{address} closed the connection");
                }
                Ok(Ok(n)) => {
                    heard = Instant::now();
                    self.health.heard(n);
                    self.decoder.push(&buffer[..n], self.clock.now().utc, &mut self.batch);
                }
                Ok(Err(error)) => return Err(error).with_context(|| format!("reading from {address}")),
                Err(_) if heard.elapsed() > SILENCE_MAX => bail!("{address} has said nothing for {SILENCE_MAX:?}"),
                Err(_) => {}
            }
            if handed.elapsed() >= HAND_OVER_EVERY || self.batch.reports.len() >= BATCH_MAX {
                self.hand_over(false).await?;
                handed = Instant::now();
            }
        }
    }

    async fn poll_http(&mut self, url: &hyper::Uri, every_s: f64) -> Result<()> {
        loop {
            let started = Instant::now();
            let body = tokio::time::timeout(HTTP_MAX, get(url)).await.context("no answer in 10 s")??;
            self.document(&body).await?;
            pause(started, every_s).await;
        }
    }

    async fn poll_file(&mut self, path: &Path, every_s: f64) -> Result<()> {
        loop {
            let started = Instant::now();
            let at = path.to_owned();
            let read =
                tokio::task::spawn_blocking(move || read_bounded(&at, feed::limits::SNAPSHOT_BYTES_MAX as u64)).await?;
            let body = read.with_context(|| format!("cannot read {}", path.display()))?;
            self.document(&body).await?;
            pause(started, every_s).await;
        }
    }

    async fn document(&mut self, body: &[u8]) -> Result<()> {
        let now = self.clock.now().utc;
        if body.trim_ascii().is_empty() {
            // For a moment that is a file being written anew; for longer it is a source that has failed.
            let log = self.health.blank(Instant::now());
            self.tell(log).await;
            return Ok(());
        }
        self.decoder.push(body, now, &mut self.batch);
        self.decoder.finish(now, &mut self.batch);
        let well_formed = self.batch.errors.is_empty();
        self.hand_over(well_formed).await
    }

    /// Plays a recording; what of it cannot be read is as visible as with any other feed.
    async fn recording(&mut self, config: &Feed, path: &Path) -> Result<()> {
        let recording = crate::player::load(config, path).await?;
        self.health.refused(recording.errors, recording.last_error.clone());
        self.health.begun();
        self.tell(Log::Nothing).await;
        crate::player::play(&self.core, self.number, config, recording).await
    }

    async fn hand_over(&mut self, empty_document: bool) -> Result<()> {
        hand_over(&self.core, self.number, &self.batch.reports).await?;
        let held = self.batch.counts.held - std::mem::replace(&mut self.held, self.batch.counts.held);
        let log = self.health.read(&self.batch, held, empty_document, Instant::now());
        self.batch.clear();
        self.tell(log).await;
        Ok(())
    }

    async fn tell(&mut self, log: Log) {
        match log {
            Log::Lost(error) => warn!(feed = self.name, "feed lost: {error}"),
            Log::Back => info!(feed = self.name, "feed is read again"),
            Log::Nothing => {}
        }
        let Some(Told { state, errors, last_error }) = self.health.tell(Instant::now()) else { return };
        // A node that stops is told of nothing.
        let _told = self.core.report(Input::FeedHealth { feed: self.number, state, errors, last_error }).await;
    }
}

/// Hands reports to the fold, in batches as large as a record may be.
pub async fn hand_over(core: &CoreHandle, number: u16, reports: &[TrackReport]) -> Result<()> {
    for part in reports.chunks(BATCH_MAX) {
        let base = part.first().map(|r| r.at).unwrap_or_default();
        let batch = TrackBatch::pack(base, part)?;
        core.report(Input::Reports { feed: number, batch: Box::new(batch) }).await?;
    }
    Ok(())
}

async fn pause(started: Instant, every_s: f64) {
    let every = Duration::from_secs_f64(every_s);
    tokio::time::sleep(every.saturating_sub(started.elapsed())).await;
}

async fn get(url: &hyper::Uri) -> Result<Bytes> {
    let host = url.host().context("the URL has no host")?;
    let address = format!("{host}:{}", url.port_u16().unwrap_or(80));
    let socket = TcpStream::connect(&address).await.with_context(|| format!("cannot connect to {address}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    let driver = tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", |p| p.as_str());
    let request = hyper::Request::get(path).header("host", address).body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    ensure!(response.status().is_success(), "{url} answered {}", response.status());
    let body = Limited::new(response.into_body(), feed::limits::SNAPSHOT_BYTES_MAX).collect().await;
    driver.abort();
    Ok(body.map_err(|e| anyhow::anyhow!("{url}: {e}"))?.to_bytes())
}
