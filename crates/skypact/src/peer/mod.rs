//! The transport between two parties: mutual TLS 1.3, HTTP/2, one request whose two bodies carry both logs' frames.
//!
//! The party whose name sorts first dials; so there is one connection for two parties, and no race. All protocol
//! decisions are `link`'s, inside the fold; here is only what needs a socket.
mod backoff;
mod intake;
mod logs;
mod net;
mod refused;
pub mod tls;
mod wire;

pub use logs::Readers;
pub use net::{Connect, Listen, Stream, Tcp};
pub use refused::Refused;

use crate::core::CoreHandle;
use crate::keys::Keys;
use crate::sessions::SessionOut;
use anyhow::{Context, Result, anyhow, bail};
use backoff::Backoff;
use fold::{Signer, Written};
use http_body_util::BodyExt;
use http_body_util::{Empty, combinators::BoxBody};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use intake::{Intake, Shown};
use link::{CloseCode, Pacer, Padding};
use node::input::Input;
use record::{Hash32, PartyId};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tracing::{info, warn};
use units::Mono;

/// Path of the one request.
const STREAM_PATH: &str = "/link/v1/stream";
/// A handshake that takes longer is a slow-loris.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Handshakes in progress: a stranger can open sockets, not memory (64 × 100 kB of TLS buffers).
const HANDSHAKES_MAX: usize = 64;
/// A session that is over is given this long to say why; a peer that does not read cannot keep it longer.
//= spec/link.md S-7
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);
/// What is handed over is written before the connection closes: HTTP/2 has it in its buffers.
const HANDED_OVER: Duration = Duration::from_millis(100);
/// HTTP/2 pings find a dead path within this and the timeout of the same length.
const PING_EVERY: Duration = Duration::from_secs(5);
/// Windows: 4 MiB keeps a 100 ms path busy at 40 MB/s.
const WINDOW_BYTES: u32 = 4 << 20;

/// What is known of a peer before a connection.
#[derive(Debug, Clone)]
pub struct PeerAddress {
    /// Party.
    pub party: PartyId,
    /// Where it listens; needed only by the side that dials.
    pub address: Option<String>,
}

/// Who is at the other end of a connection: a peer, an auditor, or both.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its TLS key.
    pub pin: Hash32,
    /// The peer, if it is one.
    pub peer: Option<PeerAddress>,
}

/// Of a path that is none of ours so much is logged, characters.
const PATH_SHOWN: usize = 64;

/// Everything the transport needs.
#[derive(Clone)]
pub struct Transport {
    core: CoreHandle,
    signer: Arc<Signer>,
    readers: Arc<Readers>,
    intake: Arc<Intake>,
    own: PartyId,
    peers: Arc<BTreeMap<PartyId, PeerAddress>>,
    sessions: Arc<AtomicU64>,
}

impl Transport {
    /// A transport whose session numbers begin after `last_session`.
    //= spec/link.md S-4
    pub fn new(
        core: CoreHandle,
        signer: Arc<Signer>,
        readers: Readers,
        own: PartyId,
        peers: Vec<PeerAddress>,
        last_session: u64,
    ) -> Self {
        let peers = peers.into_iter().map(|p| (p.party.clone(), p)).collect();
        Self {
            core,
            signer,
            readers: Arc::new(readers),
            intake: Arc::default(),
            own,
            peers: Arc::new(peers),
            sessions: Arc::new(AtomicU64::new(last_session + 1)),
        }
    }

    /// Accepts connections until the task is dropped.
    pub async fn listen<L: Listen>(self, listener: L, config: Arc<rustls::ServerConfig>) {
        let acceptor = TlsAcceptor::from(config);
        let permits = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        loop {
            let (socket, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to close rather than spin.
                    warn!(%error, "cannot accept link connections");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            };
            let Ok(permit) = permits.clone().try_acquire_owned() else {
                warn!(%from, "link connection refused: {HANDSHAKES_MAX} handshakes in progress");
                self.core.count_refused_connection(Refused::TooManyHandshakes.label());
                continue;
            };
            let (this, acceptor) = (self.clone(), acceptor.clone());
            tokio::spawn(async move {
                match tokio::time::timeout(HANDSHAKE_MAX, this.greet(socket, acceptor)).await {
                    Ok(Ok((stream, peer))) => {
                        drop(permit);
                        this.serve(stream, peer, from).await;
                    }
                    Ok(Err(refused)) => {
                        warn!(%from, "link connection refused: {refused}");
                        this.core.count_refused_connection(refused.label());
                    }
                    Err(_) => {
                        warn!(%from, "link connection refused: no handshake in {HANDSHAKE_MAX:?}");
                        this.core.count_refused_connection(Refused::HandshakeTimeout.label());
                    }
                }
            });
        }
    }

    async fn greet<S: Stream>(
        &self,
        socket: S,
        acceptor: TlsAcceptor,
    ) -> Result<(tokio_rustls::server::TlsStream<S>, Client), Refused> {
        let stream = acceptor.accept(socket).await.map_err(|e| tls::explained(&e))?;
        //= spec/link.md S-1
        let certificate = stream.get_ref().1.peer_certificates().and_then(|c| c.first()).ok_or(Refused::NoKey)?;
        let pin = tls::pin_of(certificate).map_err(|_| Refused::UnknownKey)?;
        let view = self.core.view();
        let party = view.peers.iter().find(|p| p.tls_spki_sha256 == pin).map(|p| &p.party);
        let peer = party.and_then(|party| self.peers.get(party)).cloned();
        let known = peer.is_some() || self.readers.is_auditor(&pin);
        known.then_some((stream, Client { pin, peer })).ok_or(Refused::UnknownKey)
    }

    /// The keys of the peers that are believed now.
    pub fn pins(&self) -> tls::Pins {
        let core = self.core.clone();
        let auditors = self.readers.pins();
        Arc::new(move || core.view().peers.iter().map(|peer| peer.tls_spki_sha256).chain(auditors.clone()).collect())
    }

    async fn serve<S: Stream>(self, stream: tokio_rustls::server::TlsStream<S>, client: Client, from: SocketAddr) {
        let name = client.peer.as_ref().map_or_else(|| String::from("an auditor"), |peer| peer.party.to_string());
        let Some(_open) = self.readers.connected(&client) else {
            warn!(%from, peer = name, "connection refused: it has too many open");
            return self.core.count_refused_connection(match client.peer {
                Some(_) => Refused::TooManyConnections.label(),
                None => "too many connections of an auditor",
            });
        };
        let (asked, running) = (AtomicBool::new(false), Running::default());
        let service = service_fn(|request: Request<hyper::body::Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let (this, client, running) = (self.clone(), client.clone(), running.clone());
            async move {
                let Some(client) = this.believed(&client) else {
                    return Ok::<_, Infallible>(this.refuse(&Refused::KeyReplaced, StatusCode::FORBIDDEN));
                };
                if !this.readers.affords(&client) {
                    return Ok(Readers::later());
                }
                Ok(match (request.method(), client.peer.clone()) {
                    (&Method::POST, Some(peer)) => this.answer(request, peer, &client, running).await,
                    _ => this.readers.answer(&this, &request, &client).await,
                })
            }
        });
        let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_concurrent_streams(4)
            .serve_connection(TokioIo::new(stream), service);
        let ended = tokio::select! {
            ended = connection => ended,
            () = self.disowned(&client, &running) => {
                warn!(peer = name, %from, "link connection ended: {}", Refused::KeyReplaced);
                return self.core.count_refused_connection(Refused::KeyReplaced.label());
            }
        };
        if let Err(error) = ended {
            info!(peer = name, %from, "link connection ended: {error}");
            if !asked.load(Ordering::Relaxed) {
                self.core.count_refused_connection(Refused::NotHttp2.label());
            }
        }
    }

    /// The client as the view has it: whose key was replaced since it connected is no peer any more; none if it is nobody. The
    /// view may be 100 ms old; what is given away is asked of the state besides.
    //= spec/keys.md K-7
    fn believed(&self, client: &Client) -> Option<Client> {
        let view = self.core.view();
        let is_peer =
            |peer: &PeerAddress| view.peers.iter().any(|p| p.party == peer.party && p.tls_spki_sha256 == client.pin);
        let now = Client { pin: client.pin, peer: client.peer.clone().filter(is_peer) };
        (now.peer.is_some() || self.readers.is_auditor(&now.pin)).then_some(now)
    }

    /// Ends once nobody believes the client's key any more and no session runs on its connection.
    //= spec/keys.md K-7
    async fn disowned(&self, client: &Client, running: &Running) {
        let mut changed = self.core.changed();
        while changed.changed().await.is_ok() {
            if self.believed(client).is_none() && running.none() {
                return;
            }
        }
        // The node stops, and with it whoever waits here.
        std::future::pending().await
    }

    fn refuse(&self, why: &Refused, status: StatusCode) -> Response<BoxBody<Bytes, Infallible>> {
        self.core.count_refused_connection(why.label());
        let mut response = Response::new(Empty::new().boxed());
        *response.status_mut() = status;
        response
    }

    async fn answer(
        &self,
        request: Request<hyper::body::Incoming>,
        peer: PeerAddress,
        client: &Client,
        running: Running,
    ) -> Response<BoxBody<Bytes, Infallible>> {
        if request.method() != Method::POST || request.uri().path() != STREAM_PATH {
            if self.readers.tells(client) {
                // The path is the peer's, and as long as it likes.
                let path: String = request.uri().path().chars().take(PATH_SHOWN).collect();
                warn!(peer = %peer.party, method = %request.method(), path, "not a link's request");
            }
            return self.refuse(&Refused::NotALink, StatusCode::NOT_FOUND);
        }
        if peer.party > self.own {
            // Two connections for one pair would double every frame; the rule says who dials.
            if self.readers.tells(client) {
                warn!(peer = %peer.party, "link connection refused: {} is the one that dials", self.own);
            }
            return self.refuse(&Refused::WrongSide, StatusCode::CONFLICT);
        }
        if !self.intake.session(&peer.party, Instant::now()) {
            if self.readers.tells(client) {
                info!(peer = %peer.party, "link session refused: {}", Refused::TooManySessions);
            }
            return self.refuse(&Refused::TooManySessions, StatusCode::TOO_MANY_REQUESTS);
        }
        // Not before the rate: a question makes the fold end its batch.
        let (party, pin) = (peer.party.clone(), client.pin);
        if self.core.query(move |state| state.has_tls_key(&party, &pin)).await != Some(true) {
            return self.refuse(&Refused::KeyReplaced, StatusCode::FORBIDDEN);
        }
        let (tx, body) = wire::outgoing();
        let (this, runs) = (self.clone(), running.one());
        tokio::spawn(async move {
            this.session(peer.party, pin, request.into_body(), tx).await;
            drop(runs);
        });
        Response::new(body.boxed())
    }

    /// Keeps a connection to `peer`, for ever.
    ///
    /// A party that is replacing its TLS key has two of them, the new one first: a peer that has not read the statement yet
    /// knows the old one alone, so after a connection that came to nothing the other one is tried.
    //= spec/keys.md K-11
    pub async fn dial<C: Connect>(self, peer: PeerAddress, keys: Vec<Arc<Keys>>, net: C) {
        let Some(address) = peer.address.clone() else {
            warn!(peer = %peer.party, "no address: this party dials, so `[[peer]] address` is needed");
            return;
        };
        let mut backoff = Backoff::new();
        for key in keys.iter().cycle() {
            let started = Instant::now();
            if let Err(error) = self.dial_once(&peer, &address, &key.tls, &net).await {
                info!(peer = %peer.party, %address, "no link: {error:#}");
            }
            let lasted = started.elapsed();
            let random = crate::keys::random::<1>().map_or(255, |b| b[0]);
            tokio::time::sleep(backoff.after(lasted, self.needs_person(&peer.party).await, random)).await;
        }
    }

    /// Whether the last session ended for a reason that no retry cures.
    async fn needs_person(&self, peer: &PartyId) -> bool {
        let peer = peer.clone();
        let ask = move |state: &node::State| {
            let end = state.link(&peer).and_then(|l| l.view(state.now()).last_end);
            end.is_some_and(|end| end.code.needs_person())
        };
        self.core.query(ask).await.unwrap_or(false)
    }

    async fn dial_once<C: Connect>(
        &self,
        peer: &PeerAddress,
        address: &str,
        key: &rcgen::KeyPair,
        net: &C,
    ) -> Result<()> {
        let view = self.core.view();
        let known = view.peers.iter().find(|p| p.party == peer.party).map(|p| p.tls_spki_sha256);
        let pin = known.ok_or_else(|| anyhow!("no pact names {}", peer.party))?;
        let config = tls::client_config(key, pin)?;
        let connect = async {
            let socket = net.connect(address).await.context("cannot connect")?;
            let name = rustls::pki_types::ServerName::try_from(tls::server_name(&pin))?;
            let connected = TlsConnector::from(config).connect(name, socket).await.map_err(|e| tls::explained(&e));
            // Somebody else answers at the peer's address, or the peer's keys are not those of the pact.
            connected.map_err(|refused| {
                self.core.count_refused_connection(refused.label());
                anyhow::Error::from(refused)
            })
        };
        let stream = tokio::time::timeout(HANDSHAKE_MAX, connect).await.context("no handshake in time")??;
        let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .handshake(TokioIo::new(stream))
            .await?;
        let driver = tokio::spawn(connection);
        let (tx, body) = wire::outgoing();
        let request = Request::builder()
            .method(Method::POST)
            .version(Version::HTTP_2)
            .uri(format!("https://{}{STREAM_PATH}", tls::SERVER_NAME))
            .body(body)?;
        let answer = async {
            let response =
                tokio::time::timeout(HANDSHAKE_MAX, sender.send_request(request)).await.context("no answer")??;
            if response.status() != StatusCode::OK {
                bail!("the peer answered {}", response.status());
            }
            Ok(response.into_body())
        };
        let outcome = match answer.await {
            Ok(body) => {
                self.session(peer.party.clone(), pin, body, tx).await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        driver.abort();
        outcome
    }

    /// One authenticated session: frames in become inputs, what the fold has to send goes out.
    async fn session(&self, peer: PartyId, pin: Hash32, body: hyper::body::Incoming, tx: mpsc::Sender<Bytes>) {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let out = self.core.attach(session);
        let up = self.core.input(Input::LinkUp { peer: peer.clone(), session, pin: Some(pin) }).await;
        let mut reason = CloseCode::Ended;
        if up.is_ok() {
            let ended = tokio::select! {
                ended = self.read(&peer, session, body, &out) => ended,
                ended = self.write(&peer, &out, tx) => ended,
                () = last_words(&out) => Err(anyhow!("closed; the peer did not read why within {LAST_WORDS_MAX:?}")),
            };
            match ended {
                Ok(()) => info!(%peer, session, "link session ended"),
                Err(error) => {
                    info!(%peer, session, "link session ended: {error:#}");
                    if error.is::<link::TooLong>() {
                        //= spec/link.md S-2
                        self.core.count_refused_connection(Refused::FrameTooLarge.label());
                        reason = CloseCode::TooLarge;
                    }
                }
            }
        }
        self.core.detach(session);
        // A node that stops takes no more inputs; then there is nobody left to tell.
        let _stopping = self.core.input(Input::LinkDown { peer, session, reason }).await;
    }

    /// Reads until the fold has ended the session: what comes after that is nobody's, and does not get to the journal.
    //= spec/link.md S-11
    async fn read(&self, peer: &PartyId, session: u64, body: hyper::body::Incoming, out: &SessionOut) -> Result<()> {
        let (mut incoming, mut shown) = (wire::Incoming::new(body, link::FRAME_BYTES_MAX), Shown::default());
        let feed = async {
            while let Some(frame) = incoming.next().await? {
                let wait = self.intake.wait(peer, &frame, Instant::now());
                // Even no time at all would be a tick of the timer for each frame.
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                if shown.counts(&frame, Instant::now()) {
                    // Waits while the fold is busy: that is the backpressure a flooding peer feels.
                    self.core.input(Input::LinkFrame { peer: peer.clone(), session, frame }).await?;
                }
            }
            Ok::<_, anyhow::Error>(())
        };
        tokio::select! {
            biased;
            () = out.ended() => incoming.discard().await,
            fed = feed => fed?,
        }
        // The writer ends the session: what the fold still has to say (why it closes) goes out first.
        std::future::pending().await
    }

    async fn write(&self, peer: &PartyId, out: &SessionOut, tx: mpsc::Sender<Bytes>) -> Result<()> {
        let ask = peer.clone();
        let padding = self.core.query(move |state| state.link(&ask).and_then(link::Link::padding)).await.flatten();
        if let Some(padding) = padding {
            return self.write_padded(peer, out, tx, padding).await;
        }
        let send =
            async |frame: &[u8]| tx.send(wire::framed(frame)).await.map_err(|_| anyhow!("the connection is closed"));
        loop {
            let step = out.next().await;
            let stores = self.core.stores(peer);
            let log = stores.as_ref().map(|stores| &*stores.out);
            let written = || fold::write(step, &self.signer, log, || self.core.pact_text(peer));
            match waiting(self.signer.waits(), written)? {
                Written::Frame(frame) => send(&frame).await?,
                Written::Entries(frame, upto) => {
                    send(&frame).await?;
                    out.entries_sent(upto);
                }
                Written::End(reason) => {
                    tokio::time::sleep(HANDED_OVER).await;
                    bail!("closed: {reason}");
                }
            }
        }
    }
}

impl Transport {
    /// The same on a link of constant rate: a chunk each time, whatever there is to say.
    //= spec/link.md S-10
    async fn write_padded(
        &self,
        peer: &PartyId,
        mut out: &SessionOut,
        tx: mpsc::Sender<Bytes>,
        padding: Padding,
    ) -> Result<()> {
        let began = tokio::time::Instant::now();
        let up = || Mono(began.elapsed().as_millis() as u64);
        let stores = self.core.stores(peer);
        let (mut pacer, mut ending) = (Pacer::new(padding, Mono(0)), None);
        loop {
            let due = began + Duration::from_millis(pacer.due().0);
            tokio::time::sleep_until(due - Duration::from_millis(padding.lead_ms().min(pacer.due().0))).await;
            if ending.is_none() {
                let log = || stores.as_ref().map(|stores| &*stores.out);
                ending = fold::fill(&mut pacer, &mut out, &self.signer, log, || self.core.pact_text(peer))?;
            }
            tokio::time::sleep_until(due).await;
            tx.send(Bytes::from(pacer.chunk(up()))).await.map_err(|_| anyhow!("the connection is closed"))?;
            if let Some(reason) = ending
                && pacer.is_done()
            {
                tokio::time::sleep(HANDED_OVER).await;
                bail!("closed: {reason}");
            }
        }
    }
}

/// How many sessions run on one connection.
#[derive(Debug, Clone, Default)]
struct Running(Arc<AtomicUsize>);

/// One of them.
struct Run(Arc<AtomicUsize>);

impl Running {
    fn one(&self) -> Run {
        self.0.fetch_add(1, Ordering::Relaxed);
        Run(self.0.clone())
    }

    fn none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Ends [`LAST_WORDS_MAX`] after the fold has ended the session.
async fn last_words(out: &SessionOut) {
    out.ended().await;
    tokio::time::sleep(LAST_WORDS_MAX).await;
}

/// Does what may wait for a token without keeping this worker's other sessions waiting.
fn waiting<T>(may_wait: bool, work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    if may_wait && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

#[cfg(test)]
mod simulated;
