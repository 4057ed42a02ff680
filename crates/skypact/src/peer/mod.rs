//! The transport between two parties: mutual TLS 1.3, HTTP/2, one request whose two bodies carry both logs' frames.
//!
//! The party whose name sorts first dials; so there is one connection for two parties, and no race. All protocol
//! decisions are `link`'s, inside the fold; here is only what needs a socket.
mod backoff;
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
use link::CloseCode;
use node::input::Input;
use record::{Hash32, PartyId};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tracing::{info, warn};

/// Path of the one request.
const STREAM_PATH: &str = "/link/v1/stream";
/// A handshake that takes longer is a slow-loris.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Handshakes in progress: a stranger can open sockets, not memory (64 × 100 kB of TLS buffers).
const HANDSHAKES_MAX: usize = 64;
/// A session that is over is given this long to say why; a peer that does not read cannot keep it longer.
//= spec/link.md S-7
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);
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

/// Everything the transport needs.
#[derive(Clone)]
pub struct Transport {
    core: CoreHandle,
    signer: Arc<Signer>,
    readers: Arc<Readers>,
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
            warn!(%from, "connection refused: an auditor has too many open");
            return self.core.count_refused_connection("too many connections of an auditor");
        };
        let asked = AtomicBool::new(false);
        let service = service_fn(|request: Request<hyper::body::Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let (this, client) = (self.clone(), client.clone());
            async move {
                Ok::<_, Infallible>(match (request.method(), client.peer.clone()) {
                    (&Method::POST, Some(peer)) => this.answer(request, peer),
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
        if let Err(error) = connection.await {
            info!(peer = name, %from, "link connection ended: {error}");
            if !asked.load(Ordering::Relaxed) {
                self.core.count_refused_connection(Refused::NotHttp2.label());
            }
        }
    }

    fn answer(
        &self,
        request: Request<hyper::body::Incoming>,
        peer: PeerAddress,
    ) -> Response<BoxBody<Bytes, Infallible>> {
        if request.method() != Method::POST || request.uri().path() != STREAM_PATH {
            warn!(peer = %peer.party, method = %request.method(), path = request.uri().path(), "not a link's request");
            self.core.count_refused_connection(Refused::NotALink.label());
            let mut response = Response::new(Empty::new().boxed());
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
        if peer.party > self.own {
            // Two connections for one pair would double every frame; the rule says who dials.
            warn!(peer = %peer.party, "link connection refused: {} is the one that dials", self.own);
            self.core.count_refused_connection(Refused::WrongSide.label());
            let mut response = Response::new(Empty::new().boxed());
            *response.status_mut() = StatusCode::CONFLICT;
            return response;
        }
        let (tx, body) = wire::outgoing();
        let this = self.clone();
        tokio::spawn(async move { this.session(peer.party, request.into_body(), tx).await });
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
            let started = tokio::time::Instant::now();
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
                self.session(peer.party.clone(), body, tx).await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        driver.abort();
        outcome
    }

    /// One authenticated session: frames in become inputs, what the fold has to send goes out.
    async fn session(&self, peer: PartyId, body: hyper::body::Incoming, tx: mpsc::Sender<Bytes>) {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let out = self.core.attach(session);
        let up = self.core.input(Input::LinkUp { peer: peer.clone(), session }).await;
        let mut reason = CloseCode::Ended;
        if up.is_ok() {
            let ended = tokio::select! {
                ended = self.read(&peer, session, body) => ended,
                ended = self.write(&peer, &out, tx) => ended,
                () = last_words(&out) => Err(anyhow!("closed; the peer did not read why within {LAST_WORDS_MAX:?}")),
            };
            match ended {
                Ok(()) => info!(%peer, session, "link session ended"),
                Err(error) => {
                    info!(%peer, session, "link session ended: {error:#}");
                    if error.is::<wire::TooLarge>() {
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

    async fn read(&self, peer: &PartyId, session: u64, body: hyper::body::Incoming) -> Result<()> {
        let mut incoming = wire::Incoming::new(body, link::FRAME_BYTES_MAX);
        while let Some(frame) = incoming.next().await? {
            // Waits while the fold is busy: that is the backpressure a flooding peer feels.
            self.core.input(Input::LinkFrame { peer: peer.clone(), session, frame }).await?;
        }
        // The writer ends the session: what the fold still has to say (why it closes) goes out first.
        std::future::pending().await
    }

    async fn write(&self, peer: &PartyId, out: &SessionOut, tx: mpsc::Sender<Bytes>) -> Result<()> {
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
                    // What is handed over is written before the connection closes: HTTP/2 has it in its buffers.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    bail!("closed: {reason}");
                }
            }
        }
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
