//! Logs served to whom the pact lets read them: C2SP tlog-tiles below `/log/<from>/<to>/` (`spec/witness.md` section 5).
use super::{Client, Transport};
use crate::cli::evidence::logs::Folder;
use crate::published::{self, Part, Published};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use pact::SignedPact;
use record::{Hash32, PartyId};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tlog::{LogReader, Store, TileId, TileKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

/// Connections of one auditor.
const CONNECTIONS_MAX: usize = 2;
/// Connections of one peer: the link's, one that reads logs, and those that a dead path left open for 10 s.
const PEER_CONNECTIONS_MAX: usize = 8;
/// Answers in memory per key: a bundle has at most 256 × (2 + 65,535) bytes, 16.8 MB; two make 34 MB.
const ANSWERS_MAX: usize = 2;
/// Requests of one key in the long run, a second, and at once: a log of 1,000,000 entries is 8,000 files, 80 s.
const REQUESTS: (f64, f64) = (100.0, 200.0);
/// Longest path: two names of 32, a tile path of 64, and what is between.
const PATH_MAX: usize = 256;

/// Who may read, what they use, and what was served last.
pub struct Readers {
    /// Auditors by their TLS key: the pacts they audit.
    auditors: BTreeMap<Hash32, Vec<Hash32>>,
    /// By TLS key. Only keys that were let in get here: at most those of the pacts, old and new.
    limits: Mutex<BTreeMap<Hash32, Limits>>,
    /// The checkpoint served last of each log: tiles are served up to it.
    served: Mutex<BTreeMap<(PartyId, Part), (u64, Bytes)>>,
}

/// Refused requests of one key are logged once in this time: what is counted says how many there are.
const TOLD_EVERY: Duration = Duration::from_secs(60);

struct Limits {
    told: Option<Instant>,
    credit: f64,
    at: Instant,
    connections: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl Readers {
    /// The auditors of these pacts.
    pub fn new(pacts: &[SignedPact]) -> Self {
        let mut auditors: BTreeMap<Hash32, Vec<Hash32>> = BTreeMap::new();
        for pact in pacts.iter().map(SignedPact::pact) {
            for auditor in &pact.oversight.auditors {
                auditors.entry(auditor.tls_spki_sha256).or_default().push(pact.hash());
            }
        }
        Self { auditors, limits: Mutex::default(), served: Mutex::default() }
    }

    /// Whether a pact names this key as an auditor's.
    pub fn is_auditor(&self, pin: &Hash32) -> bool {
        self.auditors.contains_key(pin)
    }

    /// The auditors' keys.
    pub fn pins(&self) -> Vec<Hash32> {
        self.auditors.keys().copied().collect()
    }

    /// Counts a connection; none if this key has too many.
    //= spec/link.md S-12
    pub fn connected(&self, client: &Client) -> Option<OwnedSemaphorePermit> {
        self.limits(client, |limits| limits.connections.clone()).try_acquire_owned().ok()
    }

    fn limits<T>(&self, client: &Client, act: impl FnOnce(&mut Limits) -> T) -> T {
        let mut all = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        act(all.entry(client.pin).or_insert_with(|| Limits {
            told: None,
            credit: REQUESTS.1,
            at: Instant::now(),
            connections: Arc::new(Semaphore::new(if client.peer.is_some() {
                PEER_CONNECTIONS_MAX
            } else {
                CONNECTIONS_MAX
            })),
            answers: Arc::new(Semaphore::new(ANSWERS_MAX)),
        }))
    }

    /// Whether a refusal of this key is logged now.
    pub fn tells(&self, client: &Client) -> bool {
        self.limits(client, |limits| {
            let now = Instant::now();
            let told = limits.told.is_some_and(|at| now.duration_since(at) < TOLD_EVERY);
            limits.told = if told { limits.told } else { Some(now) };
            !told
        })
    }

    /// Whether this key may have one more request answered now, whatever it asks for.
    pub fn affords(&self, client: &Client) -> bool {
        self.limits(client, |limits| {
            let earned = limits.at.elapsed().as_secs_f64() * REQUESTS.0;
            (limits.credit, limits.at) = ((limits.credit + earned).min(REQUESTS.1), Instant::now());
            let affords = limits.credit >= 1.0;
            limits.credit -= f64::from(u8::from(affords));
            affords
        })
    }

    /// The answer to who asks too often.
    pub fn later() -> Response<BoxBody<Bytes, Infallible>> {
        let mut response = empty(StatusCode::TOO_MANY_REQUESTS);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }

    /// Answers anything that is not the link's own request, of who may ask.
    //= spec/witness.md W-12
    pub async fn answer(
        &self,
        transport: &Transport,
        request: &Request<hyper::body::Incoming>,
        client: &Client,
    ) -> Response<BoxBody<Bytes, Infallible>> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let path = request.uri().path();
        let asked = asked(path).filter(|_| is_read && request.uri().query().is_none());
        let allowed = match &asked {
            Some(asked) => self.allowed(transport, client, asked).await,
            None => None,
        };
        let (Some(asked), Some((peer, part))) = (asked, allowed) else {
            if self.tells(client) {
                warn!(pin = %client.pin, method = %request.method(), "refused: not a log that this key may read");
            }
            transport.core.count_refused_connection("not a log that this key may read");
            return empty(StatusCode::NOT_FOUND);
        };
        // Held until the answer is written or dropped.
        let permits = self.limits(client, |limits| limits.answers.clone());
        let Ok(permit) = permits.acquire_owned().await else { return empty(StatusCode::SERVICE_UNAVAILABLE) };
        let found = match asked.file {
            File::Checkpoint => self.checkpoint(transport, &peer, part).await,
            File::Witnessed | File::Tile(_) => self.stored(transport, &peer, part, asked.file).await,
        };
        match found {
            Ok(Some(bytes)) => respond(bytes, asked.file, request.method() == Method::HEAD, permit),
            Ok(None) => empty(StatusCode::NOT_FOUND),
            Err(()) => {
                let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
        }
    }

    /// The peer and direction of a log, if this key may read it.
    //= spec/witness.md W-13
    async fn allowed(&self, transport: &Transport, client: &Client, asked: &Asked) -> Option<(PartyId, Part)> {
        let (peer, part) = match &transport.own {
            own if *own == asked.from => (&asked.to, Part::Out),
            own if *own == asked.to => (&asked.from, Part::In),
            _ => return None,
        };
        let named = client.peer.as_ref().is_some_and(|client| client.party == *peer);
        let audited = self.auditors.get(&client.pin).cloned().unwrap_or_default();
        let (name, pin) = (peer.clone(), client.pin);
        let ask = move |state: &node::State| {
            let pact = state.link(&name)?.config().pact;
            //= spec/keys.md K-7
            Some((pact, named && state.has_tls_key(&name, &pin)))
        };
        let (pact, is_peer) = transport.core.query(ask).await??;
        (is_peer || audited.contains(&pact)).then(|| (peer.clone(), part))
    }

    /// The newest checkpoint whose tiles can be read; if there is none at this moment, the one served before.
    async fn checkpoint(&self, transport: &Transport, peer: &PartyId, part: Part) -> Result<Option<Bytes>, ()> {
        let published: Option<Published> = match part {
            Part::Out => published::own(&transport.core, &transport.signer, peer).await,
            Part::In => published::held(&transport.core, peer).await,
        };
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (peer.clone(), part);
        if let Some(published) = published {
            served.insert(key.clone(), (published.size, Bytes::from(published.note.to_bytes())));
        }
        Ok(served.get(&key).map(|(_, note)| note.clone()))
    }

    /// A file beside a checkpoint that was served.
    async fn stored(&self, transport: &Transport, peer: &PartyId, part: Part, file: File) -> Result<Option<Bytes>, ()> {
        let key = (peer.clone(), part);
        let of =
            |this: &Self| this.served.lock().unwrap_or_else(PoisonError::into_inner).get(&key).map(|(size, _)| *size);
        let mut upto = of(self);
        if upto.is_none() {
            // The node was started since: what was served before still holds.
            self.checkpoint(transport, peer, part).await?;
            upto = of(self);
        }
        let (Some(size), Some(stores)) = (upto, transport.core.stores(peer)) else { return Ok(None) };
        let folder = Folder(stores.dir.join(part.folder()));
        let read = tokio::task::spawn_blocking(move || match file {
            File::Tile(id) => tile(&folder, size, id),
            File::Checkpoint | File::Witnessed => folder.read("witnessed").map_err(|_| ()),
        });
        read.await.map_err(|_| ())?.map(|bytes| bytes.map(Bytes::from))
    }
}

/// The bytes of a tile as they were at its width; none if the log has no such tile.
//= spec/witness.md W-14
fn tile(folder: &Folder, size: u64, id: TileId) -> Result<Option<Vec<u8>>, ()> {
    let Some(width) = tlog::width_at(size, id.kind, id.index).filter(|width| id.width <= *width) else {
        return Ok(None);
    };
    // A partial file may just have been replaced by a wider one: once more finds that.
    for _ in 0..3 {
        let reader = LogReader::new(folder, size);
        match reader.tile_bytes(id.with_width(width), id.width) {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(tlog::Error::Unavailable(tlog::Unavailable::Absent { .. })) => {}
            Err(error) => {
                warn!("a log's file cannot be served: {error}");
                return Err(());
            }
        }
    }
    Err(())
}

/// A request for a log's file.
struct Asked {
    from: PartyId,
    to: PartyId,
    file: File,
}

#[derive(Debug, Clone, Copy)]
enum File {
    Checkpoint,
    Witnessed,
    Tile(TileId),
}

fn asked(path: &str) -> Option<Asked> {
    if path.len() > PATH_MAX {
        return None;
    }
    let (from, rest) = path.strip_prefix("/log/")?.split_once('/')?;
    let (to, file) = rest.split_once('/')?;
    let file = match file {
        "checkpoint" => File::Checkpoint,
        "witnessed" => File::Witnessed,
        path => File::Tile(TileId::parse(path)?),
    };
    Some(Asked { from: PartyId::parse(from).ok()?, to: PartyId::parse(to).ok()?, file })
}

/// An answer that holds its permit until it is written.
struct Held(Full<Bytes>, #[allow(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Body for Held {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

fn respond(bytes: Bytes, file: File, head: bool, permit: OwnedSemaphorePermit) -> Response<BoxBody<Bytes, Infallible>> {
    let (kind, cache) = match file {
        File::Tile(TileId { kind: TileKind::Entries | TileKind::Hashes { .. }, .. }) => {
            ("application/octet-stream", "private, max-age=31536000, immutable")
        }
        File::Checkpoint | File::Witnessed => ("text/plain; charset=utf-8", "no-cache"),
    };
    let body = if head { Bytes::new() } else { bytes };
    let mut response = Response::new(Held(Full::new(body), permit).boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

fn empty(status: StatusCode) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(http_body_util::Empty::new().boxed());
    *response.status_mut() = status;
    response
}
