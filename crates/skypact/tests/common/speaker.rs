//! A party of the pact whose node is the test: it has real keys and a log of its own, and says in it what it likes.
use super::stranger::connect;
use super::world::World;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use link::{Frame, Hello};
use record::{Body, Caveat, Mode, PartyId, Precedence, Record, SubjectId};
use std::convert::Infallible;
use std::pin::Pin;
use std::time::{Duration, Instant};
use tlog::{Checkpoint, Frontier, NoteSigner, leaf_hash};
use tokio::sync::mpsc;
use units::Utc;

type Frames = Pin<Box<dyn futures_util::Stream<Item = Result<hyper::body::Frame<Bytes>, Infallible>> + Send>>;

/// Bytes of one frame of entries.
const FRAME_BYTES: usize = 200_000;

/// Its log, as it wants it.
#[derive(Default)]
pub struct Log {
    pub entries: Vec<Vec<u8>>,
    frontier: Frontier,
    signed: u64,
}

impl Log {
    /// Appends what need not be a record.
    pub fn say(&mut self, entry: Vec<u8>) {
        self.entries.push(entry);
    }
}

/// Who speaks, and to whom.
pub struct Speaker<'a> {
    pub world: &'a World,
    pub name: &'static str,
    pub peer: &'static str,
    pub address: String,
}

/// One session.
pub struct Session {
    tx: mpsc::Sender<Bytes>,
    body: Incoming,
    buffer: Vec<u8>,
    driver: tokio::task::JoinHandle<()>,
    seq: u64,
    /// Entries that the peer takes.
    pub granted: u64,
    /// Entries that the peer has signed for.
    pub cosigned: u64,
    /// Entries that it refused.
    pub refused: u64,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Speaker<'_> {
    fn party(name: &str) -> PartyId {
        PartyId::parse(name).unwrap()
    }

    /// A record of its own, from now on.
    pub fn record(&self, n: u64, precedence: Precedence, body: Body) -> Vec<u8> {
        let now = self.world.now();
        let mut subject = [0; 16];
        subject[..8].copy_from_slice(&n.to_be_bytes());
        let record = Record {
            schema: record::SCHEMA,
            mode: Mode::Exercise("test".into()),
            issuer: Self::party(self.name),
            audience: Self::party(self.peer),
            subject: SubjectId(subject),
            revision: 1,
            supersedes: None,
            issued_at: now,
            issued_error_ms: 10,
            valid_from: None,
            valid_until: Some(now.plus_ms(3_600_000)),
            pact: self.world.pact().hash(),
            caveat: Caveat::default(),
            precedence,
            receipt: None,
            role: None,
            body,
        };
        record::encode(&record).unwrap()
    }

    /// The first frame.
    pub fn hello(&self, log: &Log) -> Frame {
        Frame::Hello(Hello {
            party: Self::party(self.name),
            peer: Self::party(self.peer),
            mode: Mode::Exercise("test".into()),
            pact: self.world.pact().hash(),
            schema: record::SCHEMA,
            in_size: 0,
            your_checkpoint: None,
            out_size: log.signed,
        })
    }

    /// Connects and shakes hands.
    pub async fn open(&self, log: &Log) -> Option<Session> {
        let stream = connect(&self.address, Some(&self.world.secrets[self.name].tls)).await.ok()?;
        let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .handshake(TokioIo::new(stream))
            .await
            .ok()?;
        let driver = tokio::spawn(async move {
            // The node ends it; the test sees that in what it reads.
            let _ended = connection.await;
        });
        let (tx, rx) = mpsc::channel::<Bytes>(4);
        let frames = futures_util::stream::unfold(rx, |mut rx| async move {
            Some((Ok::<_, Infallible>(hyper::body::Frame::data(rx.recv().await?)), rx))
        });
        let request = hyper::Request::post("https://skypact.invalid/link/v1/stream")
            .body(StreamBody::new(Box::pin(frames) as Frames));
        let answer = sender.send_request(request.unwrap());
        let hello = self.hello(log).encode();
        let mut first = (hello.len() as u32).to_be_bytes().to_vec();
        first.extend_from_slice(&hello);
        tx.send(first.into()).await.ok()?;
        let response = tokio::time::timeout(Duration::from_secs(10), answer).await.ok()?.ok()?;
        let (body, buffer) = (response.into_body(), Vec::new());
        Some(Session { tx, body, buffer, driver, seq: 0, granted: 0, cosigned: 0, refused: 0 })
    }

    /// Says all of a log, as fast as the peer takes it, and signs for it; false if the session ended before.
    pub async fn say_all(&self, session: &mut Session, log: &mut Log, held: &mut u64) -> bool {
        let end = log.entries.len() as u64;
        let (mut heard, mut said) = (Instant::now(), Instant::now());
        loop {
            while *held < end.min(session.granted) {
                let to = end.min(session.granted) as usize;
                let mut bytes = 0;
                let fits = log.entries[*held as usize..to].iter().take_while(|entry| {
                    bytes += entry.len() + 3;
                    bytes <= FRAME_BYTES
                });
                let count = fits.count().max(1);
                let entries = log.entries[*held as usize..*held as usize + count].to_vec();
                entries.iter().for_each(|entry| log.frontier.append(leaf_hash(entry)));
                if !session.send(&Frame::Entries { first: *held, entries }.encode()).await {
                    return false;
                }
                *held += count as u64;
            }
            // New entries, or a heartbeat: a peer that is slow is not to be thought dead.
            if *held > log.signed || said.elapsed() > Duration::from_secs(1) {
                said = Instant::now();
                if !self.sign(session, log, *held).await {
                    return false;
                }
            }
            if session.cosigned == end {
                return true;
            }
            match session.next(Duration::from_millis(500)).await {
                Some(Some(Frame::Close { .. })) | None => return false,
                Some(Some(_)) => heard = Instant::now(),
                Some(None) => {}
            }
            assert!(heard.elapsed() < Duration::from_secs(20), "{} says nothing any more", self.peer);
        }
    }

    async fn sign(&self, session: &mut Session, log: &mut Log, size: u64) -> bool {
        let origin = format!("skypact.link/{}/{}/exercise:test/{}", self.name, self.peer, self.world.pact().hash());
        let checkpoint = Checkpoint { origin, size, root: log.frontier.root() };
        let signer: &NoteSigner = &self.world.secrets[self.name].log;
        let note = tlog::sign_checkpoint(&checkpoint, signer).unwrap().to_bytes();
        session.seq += 1;
        log.signed = size;
        let sent_utc_ms = self.world.now().0;
        session.send(&Frame::Checkpoint { seq: session.seq, sent_utc_ms, note }.encode()).await
    }
}

impl Session {
    /// Sends a frame, whatever it is.
    pub async fn send(&self, frame: &[u8]) -> bool {
        let mut bytes = (frame.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(frame);
        self.send_bytes(bytes).await
    }

    /// Sends bytes that need not be a frame.
    pub async fn send_bytes(&self, bytes: Vec<u8>) -> bool {
        let sent = tokio::time::timeout(Duration::from_secs(20), self.tx.send(bytes.into())).await;
        matches!(sent, Ok(Ok(())))
    }

    /// The next frame; the outer `None` if the session is over, the inner one if nothing came in that time.
    pub async fn next(&mut self, wait: Duration) -> Option<Option<Frame>> {
        loop {
            if let Some((head, rest)) = self.buffer.split_first_chunk::<4>() {
                let length = u32::from_be_bytes(*head) as usize;
                if rest.len() >= length {
                    let frame = Frame::decode(&rest[..length]).unwrap();
                    self.buffer.drain(..4 + length);
                    match &frame {
                        Frame::Grant(upto) => self.granted = *upto,
                        Frame::Cosignature { size, .. } => self.cosigned = *size,
                        Frame::Refusals(refusals) => self.refused += refusals.len() as u64,
                        _ => {}
                    }
                    return Some(Some(frame));
                }
            }
            match tokio::time::timeout(wait, self.body.frame()).await {
                Err(_) => return Some(None),
                Ok(Some(Ok(frame))) => self.buffer.extend_from_slice(frame.data_ref().map_or(&[][..], |d| d)),
                Ok(_) => return None,
            }
        }
    }
}

/// A time far enough for anything filed now.
pub fn later(now: Utc) -> Utc {
    now.plus_ms(3_000_000)
}
