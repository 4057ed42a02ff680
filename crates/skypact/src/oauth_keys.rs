//! Keys of access tokens: files and JWKS documents are read again and again into an [`oauth::Verifier`].
//!
//! A source that fails keeps the keys that it last gave, for a day: an authorization server that is down must not stop those
//! who hold its tokens. That holds too for a document without any key that can be used, which is a fault more often than a will.
use crate::files::read_bounded;
use crate::http::Server;
use anyhow::{Context, Result, ensure};
use hyper::StatusCode;
use oauth::{JWKS_BYTES_MAX, KeySet, PEM_BYTES_MAX, Verifier};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// A server that takes longer is asked again later: the other sources wait for it.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// First and longest wait after a failure.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Between looks whether something is due.
const TICK: Duration = Duration::from_secs(1);
/// A source is asked for a key that is not known at most this often: anybody can show tokens of keys that do not exist.
const EARLY: Duration = Duration::from_secs(10);

/// How often keys are read, and how long they outlive their source.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Between two readings of a source.
    pub every: Duration,
    /// Keys of a source that cannot be read for so long are dropped.
    pub max_age: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { every: Duration::from_secs(300), max_age: Duration::from_secs(24 * 3600) }
    }
}

/// Where keys come from.
#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Jwks(Server),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Jwks(server) => server.url().fmt(f),
        }
    }
}

impl Place {
    async fn read(&self) -> Result<KeySet> {
        match self {
            Self::File(path) => read_file(path),
            Self::Jwks(server) => {
                let asked = tokio::time::timeout(ANSWER_WAIT, server.ask("GET", "", Vec::new(), JWKS_BYTES_MAX)).await;
                let (status, document) = asked.context("no answer in time")??;
                ensure!(status == StatusCode::OK, "the answer is {status}");
                jwks(&document, self)
            }
        }
    }
}

/// The keys of a file: PEM, or a JWKS document.
fn read_file(path: &Path) -> Result<KeySet> {
    let bytes = read_bounded(path, JWKS_BYTES_MAX.max(PEM_BYTES_MAX) as u64)?;
    match bytes.trim_ascii_start().starts_with(b"{") {
        true => jwks(&bytes, &Place::File(path.to_path_buf())),
        false => Ok(KeySet::from_pem(&bytes)?),
    }
}

fn jwks(document: &[u8], place: &Place) -> Result<KeySet> {
    let (keys, skipped) = KeySet::from_jwks(document)?;
    if skipped.private > 0 {
        error!(%place, "a key for access tokens is published with its private part: whoever reads it can sign; it is not used");
    }
    tracing::debug!(%place, keys = keys.len(), %skipped, "a JWKS document");
    Ok(keys)
}

/// A place, and what is known of it.
struct Source {
    place: Place,
    /// What it gave last; empty if nothing yet, or too long ago.
    keys: KeySet,
    /// When it did.
    given: Option<Instant>,
    due: Instant,
    asked: Instant,
    wait: Duration,
    /// Tokens of unknown keys that were seen when it was asked last.
    unknown: u64,
}

impl Source {
    fn is_due(&self, now: Instant, unknown: u64) -> bool {
        self.due <= now || (unknown != self.unknown && now >= self.asked + EARLY)
    }

    fn take(&mut self, read: Result<KeySet>, now: Instant, timing: Timing) {
        let place = &self.place;
        match read {
            Ok(keys) => {
                if keys != self.keys {
                    info!(%place, keys = keys.len(), "keys for access tokens");
                }
                (self.keys, self.given) = (keys, Some(now));
                (self.due, self.wait) = (now + timing.every, BACKOFF.0);
            }
            Err(error) => {
                let kept = self.keys.len();
                warn!(%place, kept, "keys for access tokens cannot be read: {error:#}");
                self.due = now + self.wait.min(timing.every);
                self.wait = (self.wait * 2).min(BACKOFF.1);
            }
        }
    }

    fn drop_if_old(&mut self, now: Instant, timing: Timing) {
        let old = self.given.is_some_and(|given| now >= given + timing.max_age);
        if old && !self.keys.is_empty() {
            let (place, keys, hours) = (&self.place, self.keys.len(), timing.max_age.as_secs() / 3600);
            error!(%place, keys, hours, "keys for access tokens are too old and are dropped: tokens signed with them are refused");
            self.keys = KeySet::default();
        }
    }
}

/// Keeps a verifier's keys.
pub struct Refresher {
    verifier: Arc<Verifier>,
    sources: Vec<Source>,
    timing: Timing,
}

impl Refresher {
    /// Gives the verifier the keys of the files. The documents are asked for when it runs: until one answers, tokens that it
    /// would verify are refused.
    ///
    /// Fails if a file has no keys.
    pub fn new(verifier: Arc<Verifier>, files: Vec<PathBuf>, documents: Vec<Server>, timing: Timing) -> Result<Self> {
        let now = Instant::now();
        let source = |place, keys, given: Option<Instant>| {
            let due = given.map_or(now, |given| given + timing.every);
            Source { place, keys, given, due, asked: now, wait: BACKOFF.0, unknown: verifier.unknown_keys() }
        };
        let mut sources = Vec::new();
        for path in files {
            let keys = read_file(&path).with_context(|| format!("keys for access tokens in {}", path.display()))?;
            sources.push(source(Place::File(path), keys, Some(now)));
        }
        for server in documents {
            if server.url().is_open() {
                warn!(place = %server.url(), "keys for access tokens come without TLS: whoever is on the way can put in others");
            }
            sources.push(source(Place::Jwks(server), KeySet::default(), None));
        }
        let refresher = Self { verifier, sources, timing };
        refresher.install();
        Ok(refresher)
    }

    /// Reads what is due, for ever.
    pub async fn run(mut self) {
        loop {
            self.round(Instant::now()).await;
            tokio::time::sleep(TICK).await;
        }
    }

    /// Reads what is due, each source beside the others.
    async fn round(&mut self, now: Instant) {
        let unknown = self.verifier.unknown_keys();
        let due = self.sources.iter_mut().filter(|source| source.is_due(now, unknown));
        let asked = due.map(async |source| {
            (source.asked, source.unknown) = (now, unknown);
            let read = source.place.read().await;
            source.take(read, now, self.timing);
        });
        futures_util::future::join_all(asked).await;
        self.sources.iter_mut().for_each(|source| source.drop_if_old(now, self.timing));
        self.install();
    }

    fn install(&self) {
        let all = self.sources.iter().fold(KeySet::default(), |all, source| all.with(source.keys.clone()));
        self.verifier.replace_keys(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Url;
    use oauth::{Refused, Settings};
    use std::net::SocketAddr;
    use std::sync::Mutex;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// The second at which the tokens of the vectors are good.
    const NOW: i64 = 1_800_000_000;

    fn testdata(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../oauth/testdata").join(name)
    }

    /// Of the vectors' JWKS document the keys of these names.
    fn document(kids: &[&str]) -> String {
        let text = std::fs::read_to_string(testdata("jwks.json")).unwrap();
        let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let of = |key: &serde_json::Value| kids.iter().any(|kid| key["kid"] == *kid);
        document["keys"].as_array_mut().unwrap().retain(of);
        document.to_string()
    }

    /// A server whose whole answer is set, byte by byte, and that counts who came.
    struct Server {
        at: SocketAddr,
        answer: Arc<Mutex<Vec<u8>>>,
        asked: Arc<Mutex<usize>>,
        task: tokio::task::JoinHandle<()>,
    }

    impl Server {
        async fn start(at: &str) -> Self {
            let listener = TcpListener::bind(at).await.unwrap();
            let at = listener.local_addr().unwrap();
            let (answer, asked) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
            let (told, count) = (answer.clone(), asked.clone());
            let task = tokio::spawn(async move {
                loop {
                    let (mut socket, _) = listener.accept().await.unwrap();
                    *count.lock().unwrap() += 1;
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        request.push(socket.read_u8().await.unwrap());
                    }
                    assert!(request.starts_with(b"GET /jwks HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&request));
                    let answer: Vec<u8> = told.lock().unwrap().clone();
                    // Who reads no further closes: its own affair.
                    let _written = socket.write_all(&answer).await;
                    if answer.is_empty() {
                        std::future::pending::<()>().await;
                    }
                }
            });
            Self { at, answer, asked, task }
        }

        fn says(&self, bytes: impl Into<Vec<u8>>) {
            *self.answer.lock().unwrap() = bytes.into();
        }

        fn gives(&self, status: &str, body: &str) {
            self.says(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        }

        fn asked(&self) -> usize {
            *self.asked.lock().unwrap()
        }

        fn address(&self) -> crate::http::Server {
            crate::http::Server::new(Url::parse(&format!("http://{}/jwks", self.at)).unwrap(), None).unwrap()
        }
    }

    fn verifier() -> Arc<Verifier> {
        let audiences = vec!["dss.example".to_string()];
        let settings = Settings { issuers: Vec::new(), audiences, leeway_s: 60, max_lifetime_s: None };
        Arc::new(Verifier::new(settings, KeySet::default()))
    }

    fn token(what: &str) -> String {
        let text = std::fs::read_to_string(testdata("tokens.txt")).unwrap();
        let line = text.lines().find(|line| line.contains(&format!(" | {what} | "))).unwrap();
        line.rsplit(' ').next().unwrap().to_string()
    }

    /// Which of the two kinds of token are good: RSA, P-256.
    fn good(verifier: &Verifier) -> [bool; 2] {
        ["jwcrypto RS256", "jwcrypto ES256"].map(|what| match verifier.verify(&token(what), NOW) {
            Ok(_) => true,
            Err(Refused::UnknownKey) => false,
            Err(other) => panic!("{what}: {other}"),
        })
    }

    const HOUR: Duration = Duration::from_secs(3600);
    const SECOND: Duration = Duration::from_secs(1);

    fn refresher(verifier: &Arc<Verifier>, servers: &[&Server]) -> (Refresher, Instant) {
        let documents = servers.iter().map(|server| server.address()).collect();
        (Refresher::new(verifier.clone(), Vec::new(), documents, Timing::default()).unwrap(), Instant::now())
    }

    #[tokio::test]
    async fn keys_are_fetched_and_follow_a_rotation() {
        let (server, verifier) = (Server::start("127.0.0.1:0").await, verifier());
        let (mut refresher, start) = refresher(&verifier, &[&server]);
        assert_eq!(good(&verifier), [false, false]);
        server.gives("200 OK", &document(&["rsa-1"]));
        refresher.round(start).await;
        assert_eq!(good(&verifier), [true, false]);
        // Both while it changes, then the new one alone: every 300 s.
        server.gives("200 OK", &document(&["rsa-1", "ec-1"]));
        refresher.round(start + 300 * SECOND).await;
        assert_eq!(good(&verifier), [true, true]);
        server.gives("200 OK", &document(&["ec-1"]));
        refresher.round(start + 599 * SECOND).await;
        assert_eq!((good(&verifier), server.asked()), ([true, true], 2));
        refresher.round(start + 600 * SECOND).await;
        assert_eq!((good(&verifier), server.asked()), ([false, true], 3));
    }

    #[tokio::test]
    async fn a_token_of_an_unknown_key_asks_early_but_not_often() {
        let (server, verifier) = (Server::start("127.0.0.1:0").await, verifier());
        let (mut refresher, start) = refresher(&verifier, &[&server]);
        server.gives("200 OK", &document(&["rsa-1"]));
        refresher.round(start).await;
        server.gives("200 OK", &document(&["rsa-1", "ec-1"]));
        refresher.round(start + 100 * SECOND).await;
        assert_eq!(server.asked(), 1, "nobody asked for another key");
        assert_eq!(good(&verifier), [true, false]);
        refresher.round(start + 101 * SECOND).await;
        assert_eq!((good(&verifier), server.asked()), ([true, true], 2));
        refresher.round(start + 120 * SECOND).await;
        assert_eq!(server.asked(), 2, "what was unknown then is not asked for again");
        // A stranger's token, again and again.
        let ask = || verifier.verify(&token("a kid that is not there"), NOW).unwrap_err();
        for after in 120..150 {
            assert_eq!(ask(), Refused::UnknownKey);
            refresher.round(start + after * SECOND).await;
        }
        assert_eq!(server.asked(), 5, "every 10 s");
    }

    #[tokio::test]
    async fn keys_outlive_an_outage_of_a_day_and_no_longer() {
        let (server, verifier) = (Server::start("127.0.0.1:0").await, verifier());
        let (mut refresher, start) = refresher(&verifier, &[&server]);
        server.gives("200 OK", &document(&["rsa-1"]));
        refresher.round(start).await;
        let at = server.at.to_string();
        server.task.abort();
        assert!(server.task.await.unwrap_err().is_cancelled());
        for after in [HOUR, 24 * HOUR - SECOND] {
            refresher.round(start + after).await;
            assert_eq!(good(&verifier), [true, false], "{after:?}");
        }
        refresher.round(start + 24 * HOUR).await;
        assert_eq!(good(&verifier), [false, false]);
        let server = Server::start(&at).await;
        server.gives("200 OK", &document(&["rsa-1"]));
        refresher.round(start + 25 * HOUR).await;
        assert_eq!(good(&verifier), [true, false]);
    }

    #[tokio::test]
    async fn after_failures_it_is_asked_less_and_less_often_up_to_a_minute() {
        let (server, verifier) = (Server::start("127.0.0.1:0").await, verifier());
        let (mut refresher, start) = refresher(&verifier, &[&server]);
        server.gives("503 Service Unavailable", &document(&["rsa-1"]));
        let mut asked = Vec::new();
        for after in 0..200 {
            let before = server.asked();
            refresher.round(start + after * SECOND).await;
            asked.extend((server.asked() > before).then_some(after));
        }
        assert_eq!(asked, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
        assert!(verifier.keys().is_empty());
        // The wait starts anew after a success.
        server.gives("200 OK", &document(&["rsa-1"]));
        refresher.round(start + 250 * SECOND).await;
        assert_eq!(good(&verifier), [true, false]);
        server.gives("503 Service Unavailable", "");
        let before = server.asked();
        for after in [HOUR, HOUR + SECOND] {
            refresher.round(start + after).await;
        }
        assert_eq!(server.asked(), before + 2);
    }

    #[tokio::test]
    async fn an_answer_that_is_no_jwks_document_changes_nothing() {
        let (server, verifier) = (Server::start("127.0.0.1:0").await, verifier());
        let (mut refresher, start) = refresher(&verifier, &[&server]);
        server.gives("200 OK", &document(&["rsa-1"]));
        refresher.round(start).await;
        let (ec, none) = (document(&["ec-1"]), document(&["enc-1"]));
        let padded = |bytes: usize| format!("{ec}{}", " ".repeat(bytes - ec.len()));
        let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
        let endless = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk.repeat(64));
        let http =
            |status: &str, body: &str| format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let cut = http("200 OK", &ec)[..200].to_string();
        let answers = [
            http("200 OK", "<html>"),
            http("200 OK", ""),
            http("200 OK", &none),
            http("200 OK", "{\"keys\":[]}"),
            http("404 Not Found", &ec),
            http("302 Found\r\nlocation: /other", &ec),
            http("200 OK", &padded(JWKS_BYTES_MAX + 1)),
            endless,
            cut,
            "SSH-2.0-OpenSSH\r\n".into(),
            "\0".repeat(10_000),
        ];
        let mut now = start;
        for answer in answers {
            server.says(answer.clone());
            let before = server.asked();
            now += HOUR;
            refresher.round(now).await;
            assert_eq!(server.asked(), before + 1);
            assert_eq!(good(&verifier), [true, false], "{}", &answer[..answer.len().min(200)]);
        }
        // The largest that is taken, so that it is the size that was refused.
        server.gives("200 OK", &padded(JWKS_BYTES_MAX));
        refresher.round(now + HOUR).await;
        assert_eq!(good(&verifier), [false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_answers_is_not_waited_for() {
        let (server, verifier) = (Server::start("127.0.0.1:0").await, verifier());
        let (mut refresher, start) = refresher(&verifier, &[&server]);
        refresher.round(start).await;
        assert_eq!(good(&verifier), [false, false]);
    }

    #[tokio::test]
    async fn one_source_that_fails_does_not_hold_up_another() {
        let (one, two, verifier) = (Server::start("127.0.0.1:0").await, Server::start("127.0.0.1:0").await, verifier());
        let (mut refresher, start) = refresher(&verifier, &[&one, &two]);
        one.gives("500 Internal Server Error", "");
        two.gives("200 OK", &document(&["ec-1"]));
        refresher.round(start).await;
        assert_eq!(good(&verifier), [false, true]);
        one.gives("200 OK", &document(&["rsa-1"]));
        refresher.round(start + SECOND).await;
        assert_eq!((good(&verifier), two.asked()), ([true, true], 1));
    }

    #[tokio::test]
    async fn files_are_there_from_the_start_and_read_again() {
        let (dir, verifier) = (tempfile::tempdir().unwrap(), verifier());
        let path = dir.path().join("key");
        let new = || Refresher::new(verifier.clone(), vec![path.clone()], Vec::new(), Timing::default());
        let refused = format!("{:#}", new().err().unwrap());
        assert!(refused.contains("keys for access tokens in") && refused.contains("No such file"), "{refused}");
        std::fs::write(&path, "secret").unwrap();
        assert!(format!("{:#}", new().err().unwrap()).contains("no PEM text"));
        std::fs::copy(testdata("rsa.pem"), &path).unwrap();
        let (mut refresher, start) = (new().unwrap(), Instant::now());
        assert!(verifier.verify(&token("jwcrypto RS256"), NOW).is_ok());
        // A JWKS document in a file, after an unreadable one that changes nothing.
        std::fs::write(&path, "{").unwrap();
        refresher.round(start + 300 * SECOND).await;
        assert!(verifier.verify(&token("jwcrypto RS256"), NOW).is_ok());
        std::fs::write(&path, document(&["ec-1"])).unwrap();
        refresher.round(start + 301 * SECOND).await;
        assert_eq!(good(&verifier), [false, true]);
    }

    #[tokio::test]
    async fn it_runs() {
        let (server, verifier) = (Server::start("127.0.0.1:0").await, verifier());
        server.gives("200 OK", &document(&["rsa-1"]));
        let task = tokio::spawn(refresher(&verifier, &[&server]).0.run());
        while good(&verifier) != [true, false] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        task.abort();
    }
}
