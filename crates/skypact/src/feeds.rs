//! Feeds: sockets and files in, batches of reports to the fold. A feed that fails is tried again; it never stops a node.
use crate::clock::Clock;
use crate::config::Feed;
use crate::core::CoreHandle;
use crate::files::read_bounded;
use anyhow::{Context, Result, bail, ensure};
use feed::{Batch, Decoder, Format};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use node::input::{FeedState, Input};
use record::{BATCH_MAX, TrackBatch};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tracing::info;
use track::TrackReport;

/// Reports are handed over this often at the latest.
const HAND_OVER_EVERY: Duration = Duration::from_millis(100);
/// Waits between attempts.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// A TCP feed that says nothing for this long is connected anew.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// An HTTP answer takes no longer than this.
const HTTP_MAX: Duration = Duration::from_secs(10);

/// Runs one feed for ever.
pub async fn run(core: CoreHandle, number: u16, config: Feed, dir: PathBuf) {
    let mut runner = match Runner::new(core, number, &config) {
        Ok(runner) => runner,
        Err(error) => return info!(feed = config.name, "feed not started: {error:#}"),
    };
    let mut wait = BACKOFF.0;
    loop {
        let started = Instant::now();
        let end = match Source::parse(&config, &dir) {
            Ok(Source::Tcp(address)) => runner.tcp(&address).await,
            Ok(Source::Http(url)) => runner.poll_http(&url, config.every_s).await,
            Ok(Source::File(path)) => runner.poll_file(&path, config.every_s).await,
            Ok(Source::Recording(path)) => {
                match crate::player::play(&runner.core.clone(), number, &config, &path).await {
                    Ok(()) => return runner.health(FeedState::Down, None).await,
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        let error = end.err().map(|e| format!("{e:#}"));
        info!(feed = config.name, "feed lost: {}", error.as_deref().unwrap_or("ended"));
        runner.health(FeedState::Connecting, error).await;
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
        if let Some(address) = config.source.strip_prefix("tcp://") {
            ensure!(stream, "{} is read from http:// or a file, not from tcp://", format.name());
            ensure!(address.contains(':'), "tcp:// needs HOST:PORT, got {address:?}");
            return Ok(Self::Tcp(address.to_string()));
        }
        if config.source.starts_with("http://") {
            ensure!(format == Format::AircraftJson, "{} is not read over http", format.name());
            return Ok(Self::Http(config.source.parse().with_context(|| format!("not a URL: {:?}", config.source))?));
        }
        if config.source.contains("://") {
            bail!("unknown kind of source {:?}; tcp://HOST:PORT, http://HOST:PORT/PATH, or a file", config.source);
        }
        let path = dir.join(&config.source);
        Ok(if format == Format::AircraftJson { Self::File(path) } else { Self::Recording(path) })
    }
}

struct Runner {
    core: CoreHandle,
    clock: Clock,
    number: u16,
    decoder: Box<dyn Decoder>,
    batch: Batch,
    last_health: Instant,
    errors_told: u64,
}

impl Runner {
    fn new(core: CoreHandle, number: u16, config: &Feed) -> Result<Self> {
        let format = Format::parse(&config.format).with_context(|| format!("unknown format {:?}", config.format))?;
        let clock = core.clock();
        let decoder = modes::decoder(format);
        Ok(Self { core, clock, number, decoder, batch: Batch::default(), last_health: Instant::now(), errors_told: 0 })
    }

    async fn tcp(&mut self, address: &str) -> Result<()> {
        let mut socket = tokio::time::timeout(HTTP_MAX, TcpStream::connect(address))
            .await
            .context("no answer")?
            .with_context(|| format!("cannot connect to {address}"))?;
        self.health(FeedState::Up, None).await;
        let mut buffer = vec![0; 64 << 10];
        let (mut handed, mut heard) = (Instant::now(), Instant::now());
        loop {
            match tokio::time::timeout(HAND_OVER_EVERY, socket.read(&mut buffer)).await {
                Ok(Ok(0)) => {
                    self.decoder.finish(self.clock.now().utc, &mut self.batch);
                    self.hand_over().await?;
                    bail!("{address} closed the connection");
                }
                Ok(Ok(n)) => {
                    heard = Instant::now();
                    self.decoder.push(&buffer[..n], self.clock.now().utc, &mut self.batch);
                }
                Ok(Err(error)) => return Err(error).with_context(|| format!("reading from {address}")),
                Err(_) if heard.elapsed() > SILENCE_MAX => bail!("{address} has said nothing for {SILENCE_MAX:?}"),
                Err(_) => {}
            }
            if handed.elapsed() >= HAND_OVER_EVERY || self.batch.reports.len() >= BATCH_MAX {
                self.hand_over().await?;
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
        self.decoder.push(body, now, &mut self.batch);
        self.decoder.finish(now, &mut self.batch);
        let read = !self.batch.reports.is_empty() || self.batch.errors.is_empty();
        self.hand_over().await?;
        if self.last_health.elapsed() <= Duration::from_secs(1) {
            return Ok(());
        }
        if body.is_empty() {
            // For a moment that is a file being written anew; for longer it is a source that has failed.
            self.health(FeedState::Down, Some("the document is empty".into())).await;
        } else if read {
            self.health(FeedState::Up, None).await;
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<()> {
        let reports = std::mem::take(&mut self.batch.reports);
        hand_over(&self.core, self.number, &reports).await?;
        let errors = self.batch.counts.errors_total();
        if errors > self.errors_told && self.last_health.elapsed() > Duration::from_secs(1) {
            let last = self.batch.errors.last().map(ToString::to_string);
            self.health(FeedState::Up, last).await;
        }
        self.batch.clear();
        Ok(())
    }

    async fn health(&mut self, state: FeedState, last_error: Option<String>) {
        let errors = self.batch.counts.errors_total();
        (self.last_health, self.errors_told) = (Instant::now(), errors);
        let last_error = last_error.map(|e| e.chars().take(200).collect());
        // A node that stops or whose disk is full is told of nothing; its own health says so.
        let _told = self.core.offer(Input::FeedHealth { feed: self.number, state, errors, last_error }).await;
    }
}

/// Hands reports to the fold, in batches as large as a record may be.
pub async fn hand_over(core: &CoreHandle, number: u16, reports: &[TrackReport]) -> Result<()> {
    for part in reports.chunks(BATCH_MAX) {
        let base = part.first().map(|r| r.at).unwrap_or_default();
        let batch = TrackBatch::pack(base, part)?;
        core.offer(Input::Reports { feed: number, batch: Box::new(batch) }).await?;
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
