//! `skypact witness`: a minimal C2SP witness (tlog-witness). It sees names of logs, sizes and hashes; no word.
//!
//! One file per log holds the note it cosigned last, with its own line. The file is durable before the answer leaves, and
//! one lock per log spans the comparison with it and its replacement.
mod keys;

use crate::keys::{hex, random, read_seed, write_new};
use anyhow::{Context, Result, anyhow, bail, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use keys::{Rings, Taken};
use pact::{Pact, STATEMENT_BYTES_MAX, SignedPact};
use record::{Hash32, PartyId};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tlog::witness::{REQUEST_BYTES_MAX, Refusal, Request, consider};
use tlog::{Checkpoint, Hash, Note, NoteSigner, VerifierKey};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tracing::{error, info, warn};

/// Requests judged at once; a body has at most 68 kB.
const REQUESTS_MAX: usize = 64;
/// A request is read and answered within this.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// Logs of one witness: a file each, and a pact of 16 parties has 240.
const LOGS_MAX: usize = 4096;

/// The configuration file of a witness.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of its key, such as `witness.example/w1`.
    pub name: String,
    /// File of its seed, relative to this file, as `skypact witness key` makes it.
    pub key: PathBuf,
    /// Folder of what it cosigned, relative to this file.
    pub data: PathBuf,
    /// Address to listen on. Plain HTTP: put a proxy with TLS before it.
    pub listen: SocketAddr,
    /// Pacts whose logs it witnesses.
    #[serde(default)]
    pub pacts: Vec<PathBuf>,
    /// Statements that replaced keys under these pacts; it takes more from whoever brings them.
    #[serde(default)]
    pub statements: Vec<PathBuf>,
    /// Other logs.
    #[serde(default)]
    pub log: Vec<LogText>,
}

/// A log by origin and keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogText {
    /// Origin line of its checkpoints.
    pub origin: String,
    /// Verifier keys of type 0x01 that sign for it.
    pub keys: Vec<String>,
}

/// A witness, ready to answer.
pub struct Witness {
    signer: NoteSigner,
    logs: BTreeMap<String, Log>,
    rings: Rings,
    permits: Semaphore,
}

/// Who signs for a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers {
    /// Keys that the configuration names.
    pub keys: Vec<VerifierKey>,
    /// The party whose log it is, under a pact: its newest key.
    pub party: Option<(Hash32, PartyId)>,
}

/// One log: who signs for it, and what was cosigned last.
struct Log {
    signers: Signers,
    path: PathBuf,
    last: Mutex<Option<(u64, Hash)>>,
    /// Signed notes that were not cosigned and are written to the log of this program: each once, and no more than
    /// [`PROOFS_MAX`]. A stranger can show a public note again and again, and a log's owner can sign any number.
    refused: Mutex<BTreeSet<(u64, Hash)>>,
}

/// Notes of one log written as proof of what its owner did: 64 × 5 kB.
const PROOFS_MAX: usize = 64;

impl Log {
    /// Whether this note was not written yet and still is to be.
    fn is_news(&self, note: &Note) -> bool {
        let Ok(said) = Checkpoint::parse(note.text()) else { return false };
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.len() < PROOFS_MAX && refused.insert((said.size, said.root))
    }
}

impl Witness {
    /// Opens the records.
    ///
    /// # Errors
    /// A record that cannot be read: a witness that forgets would cosign a second history.
    //= spec/witness.md W-11
    pub fn open(signer: NoteSigner, logs: BTreeMap<String, Signers>, pacts: Vec<Pact>, data: &Path) -> Result<Self> {
        ensure!(logs.len() <= LOGS_MAX, "{} logs are more than {LOGS_MAX}", logs.len());
        fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
        let rings = Rings::open(pacts, data)?;
        let mut opened = BTreeMap::new();
        for (origin, signers) in logs {
            let path = data.join(format!("{}.checkpoint", record::Hash32::of(origin.as_bytes())));
            let last = match fs::read(&path) {
                Ok(bytes) => Some(record(&bytes, &origin, &signer).with_context(|| {
                    format!("{} is not what this witness wrote; restore it, or begin with another key", path.display())
                })?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            };
            opened.insert(origin, Log { signers, path, last: Mutex::new(last), refused: Mutex::default() });
        }
        Ok(Self { signer, logs: opened, rings, permits: Semaphore::new(REQUESTS_MAX) })
    }

    /// The keys that sign for a log now.
    fn keys_of(&self, log: &Log) -> Vec<VerifierKey> {
        let party = log.signers.party.as_ref().and_then(|(pact, party)| self.rings.log_key(pact, party));
        log.signers.keys.iter().cloned().chain(party).collect()
    }

    /// Judges one request and gives the cosignature line; what it answers for is durable by then.
    ///
    /// # Errors
    /// The standard's refusal, or a disk that does not hold what was written.
    //= spec/witness.md W-9
    pub fn add_checkpoint(&self, body: &[u8], time_s: u64) -> Result<String, NotCosigned> {
        let request = Request::parse(body)?;
        let log = self.logs.get(&request.origin()?).ok_or(Refusal::UnknownLog)?;
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.keys_of(log);
        let judged = consider(&request, Some(&keys), *last);
        if let Err(refusal @ (Refusal::Conflict { .. } | Refusal::Inconsistent)) = &judged {
            // Signed by the log, so it may be proof of what it did. Lines of others are no part of that.
            if log.is_news(&request.note)
                && let Ok(note) = only(&request.note, &keys)
            {
                warn!("not cosigned ({refusal}): {:?}", String::from_utf8_lossy(&note.to_bytes()));
            }
        }
        let Checkpoint { size, root, .. } = judged?;
        let broken = |e: &dyn std::fmt::Display| NotCosigned::Broken(e.to_string());
        let line = tlog::cosign(request.note.text(), time_s, &self.signer).map_err(|e| broken(&e))?;
        // The log's own lines that were verified, and ours: no stranger's line is passed on.
        let mut kept = tlog::open(&request.note.to_bytes(), &keys).map_err(|e| broken(&e))?.note().clone();
        kept = only(&kept, &keys).map_err(|e| broken(&e))?;
        kept.add(line.clone()).map_err(|e| broken(&e))?;
        //= spec/witness.md W-10
        write_durably(&log.path, &kept.to_bytes()).map_err(|e| {
            error!("cannot store {}: {e:#}", log.path.display());
            broken(&"the record cannot be stored")
        })?;
        *last = Some((size, root));
        Ok(line.to_text() + "\n")
    }

    /// The note cosigned last, by the hash of its log's origin.
    fn checkpoint(&self, hash: &str) -> Option<Vec<u8>> {
        let name = format!("{hash}.checkpoint");
        let log = self.logs.values().find(|log| log.path.file_name().is_some_and(|n| n == name.as_str()))?;
        fs::read(&log.path).ok()
    }
}

/// Why there is no cosignature.
#[derive(Debug)]
pub enum NotCosigned {
    /// By the standard.
    Refused(Refusal),
    /// This witness cannot.
    Broken(String),
}

impl From<Refusal> for NotCosigned {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl IntoResponse for NotCosigned {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(Refusal::Conflict { size }) => {
                let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
                (StatusCode::CONFLICT, kind, format!("{size}\n")).into_response()
            }
            Self::Refused(refusal) => {
                let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, format!("{refusal}\n")).into_response()
            }
            Self::Broken(why) => (StatusCode::INTERNAL_SERVER_ERROR, why + "\n").into_response(),
        }
    }
}

/// What a stored note says; it must bear this witness's own line.
fn record(bytes: &[u8], origin: &str, signer: &NoteSigner) -> Result<(u64, Hash)> {
    let note = tlog::open(bytes, std::slice::from_ref(signer.verifier()))?;
    let checkpoint = Checkpoint::parse(note.text())?;
    ensure!(checkpoint.origin == origin, "it is of {:?}", checkpoint.origin);
    Ok((checkpoint.size, checkpoint.root))
}

/// The note with the lines of these keys alone.
fn only(note: &Note, keys: &[VerifierKey]) -> Result<Note> {
    let lines = note.signatures().iter().filter(|line| keys.iter().any(|key| line.names(key)));
    let lines: Vec<String> = lines.map(|line| line.to_text() + "\n").collect();
    Ok(Note::parse(format!("{}\n{}", note.text(), lines.concat()).as_bytes())?)
}

/// Replaces a file so that after a crash the old bytes or the new ones are there, and after this call the new ones.
fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    let folder = path.parent().context("a record lies in a folder")?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

async fn add(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let Ok(_permit) = witness.permits.acquire().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    if at == 0 {
        // A cosignature without a time is none.
        return NotCosigned::Broken("the clock stands before 1970".into()).into_response();
    }
    let judging = witness.clone();
    let done = tokio::task::spawn_blocking(move || judging.add_checkpoint(&body, at)).await;
    match done {
        Ok(Ok(line)) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], line).into_response(),
        Ok(Err(not)) => not.into_response(),
        Err(error) => NotCosigned::Broken(error.to_string()).into_response(),
    }
}

async fn add_keys(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let Ok(_permit) = witness.permits.acquire().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let judging = witness.clone();
    match tokio::task::spawn_blocking(move || judging.rings.take(&body)).await {
        Ok(Ok(Taken::InForce)) => {
            info!("a statement about keys is in force");
            "in force\n".into_response()
        }
        Ok(Ok(Taken::Known)) => "known\n".into_response(),
        Ok(Err(not)) => not.into_response(),
        Err(error) => NotCosigned::Broken(error.to_string()).into_response(),
    }
}

async fn latest(State(witness): State<Arc<Witness>>, UrlPath(hash): UrlPath<String>) -> Response {
    match witness.checkpoint(&hash) {
        Some(note) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The witness's requests.
pub fn router(witness: Arc<Witness>) -> Router {
    let slow = axum::middleware::from_fn(async |request, next: axum::middleware::Next| {
        let answer = tokio::time::timeout(REQUEST_MAX, next.run(request)).await;
        answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
    });
    Router::new()
        .route("/add-checkpoint", post(add))
        .route("/{origin}/checkpoint", get(latest))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .route("/add-keys", post(add_keys).layer(DefaultBodyLimit::max(STATEMENT_BYTES_MAX)))
        .layer(slow)
        .with_state(witness)
}

/// The logs that a configuration names, those of its pacts in both directions of each pair, and the others; and the pacts.
fn logs(config: &Config, dir: &Path) -> Result<(BTreeMap<String, Signers>, Vec<Pact>)> {
    let (mut logs, mut pacts): (BTreeMap<String, Signers>, Vec<Pact>) = Default::default();
    for path in &config.pacts {
        let path = dir.join(path);
        let bytes = crate::files::read_bounded(&path, tlog::NOTE_BYTES_MAX as u64)
            .with_context(|| format!("cannot read the pact {}", path.display()))?;
        let signed = SignedPact::parse(&bytes).with_context(|| format!("the pact {}", path.display()))?;
        ensure!(signed.missing().is_empty(), "the pact {} is not signed by all its parties", path.display());
        let (pact, hash) = (signed.pact(), signed.pact().hash());
        for from in &pact.parties {
            for to in pact.parties.iter().filter(|to| to.id != from.id) {
                let log = logs.entry(link::origin(&from.id, &to.id, &pact.mode, &hash)).or_default();
                log.party = Some((hash, from.id.clone()));
            }
        }
        pacts.push(pact.clone());
    }
    for log in &config.log {
        for key in &log.keys {
            let key: VerifierKey = key.parse().with_context(|| format!("a key of the log {:?}", log.origin))?;
            ensure!(key.algorithm() == tlog::Algorithm::Ed25519, "a log's key is of type 0x01: {key}");
            logs.entry(log.origin.clone()).or_default().keys.push(key);
        }
    }
    ensure!(!logs.is_empty(), "no log is named: give `pacts` or [[log]]");
    Ok((logs, pacts))
}

/// Arguments of `skypact witness`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes a key file, and shows the public key for clause 16 of a pact.
    Key {
        /// Name of the key: one word, such as a domain with a path.
        name: String,
        /// File to write; must not exist.
        #[arg(long, default_value = "witness.key")]
        file: PathBuf,
    },
    /// Answers C2SP tlog-witness requests until it is told to stop.
    Serve {
        /// Configuration file.
        #[arg(long, short, default_value = "witness.toml")]
        config: PathBuf,
        /// Stops when standard input closes: for a program that runs it.
        #[arg(long)]
        stop_with_stdin: bool,
    },
}

/// Runs the command.
pub async fn run(args: Args, json: bool) -> Result<()> {
    match args.command {
        Command::Key { name, file } => {
            let seed = random::<32>()?;
            let signer = NoteSigner::cosigner(&name, &seed).map_err(|e| anyhow!("{e}"))?;
            write_new(&file, &(hex(&seed) + "\n"))?;
            println!("{}", signer.verifier());
            Ok(())
        }
        Command::Serve { config, stop_with_stdin } => serve(&config, stop_with_stdin, json).await,
    }
}

async fn serve(path: &Path, stop_with_stdin: bool, json: bool) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let config: Config = toml::from_str(&text).map_err(|e| anyhow!("in {}: {e}", path.display()))?;
    let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let seed = read_seed(&dir.join(&config.key))?;
    let signer = NoteSigner::cosigner(&config.name, &seed).map_err(|e| anyhow!("name: {e}"))?;
    let vkey = signer.verifier().to_string();
    // Two that write the same records would each cosign what the other does not know of.
    fs::create_dir_all(dir.join(&config.data))?;
    let lock = File::create(dir.join(&config.data).join("lock"))?;
    if lock.try_lock().is_err() {
        bail!("another witness runs on {}", dir.join(&config.data).display());
    }
    let (logs, pacts) = logs(&config, &dir)?;
    let witness = Witness::open(signer, logs, pacts, &dir.join(&config.data))?;
    for path in &config.statements {
        let of = || format!("the statement {}", dir.join(path).display());
        let bytes = crate::files::read_bounded(&dir.join(path), STATEMENT_BYTES_MAX as u64).with_context(of)?;
        witness.rings.take(&bytes).map_err(|not| anyhow!("{}: {not:?}", of()))?;
    }
    let count = witness.logs.len();
    let listener =
        TcpListener::bind(config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
    let at = listener.local_addr()?;
    if json {
        println!("{}", serde_json::json!({ "url": format!("http://{at}"), "key": vkey, "logs": count }));
    } else {
        println!("Witness {vkey}\nlistens on http://{at} and knows {count} logs");
    }
    info!(%at, count, "witness");
    let stopping = watch::Sender::new(false);
    let serving = tokio::spawn(crate::web::serve(listener, router(Arc::new(witness)), stopping.subscribe()));
    if stop_with_stdin {
        tokio::select! {
            result = crate::serve::stop_signal() => result?,
            () = crate::serve::stdin_closed() => {}
        }
    } else {
        crate::serve::stop_signal().await?;
    }
    stopping.send_replace(true);
    serving.await?;
    drop(lock);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tlog::{Proof, Tree, leaf_hash, root_at, sign_checkpoint};

    fn world(dir: &Path) -> (Witness, NoteSigner, Tree) {
        let log = NoteSigner::new("log.example", &[1; 32]).unwrap();
        let signer = NoteSigner::cosigner("w.example", &[2; 32]).unwrap();
        let signers = Signers { keys: vec![log.verifier().clone()], party: None };
        let logs = BTreeMap::from([("log.example".to_string(), signers)]);
        let mut tree = Tree::new();
        (0..50u8).for_each(|i| tree.append(leaf_hash(&[i])));
        (Witness::open(signer, logs, Vec::new(), dir).unwrap(), log, tree)
    }

    fn body(log: &NoteSigner, tree: &Tree, old: u64, size: u64) -> Vec<u8> {
        let checkpoint = Checkpoint { origin: "log.example".into(), size, root: root_at(tree, size).unwrap() };
        let proof = if old == 0 { Proof::default() } else { tree.consistency_proof(old, size).unwrap() };
        Request { old, proof, note: sign_checkpoint(&checkpoint, log).unwrap() }.to_bytes()
    }

    //= spec/witness.md W-10
    #[test]
    fn what_was_cosigned_is_remembered_over_a_restart_and_no_earlier_size_is_cosigned_again() {
        let dir = tempfile::tempdir().unwrap();
        let (witness, log, tree) = world(dir.path());
        assert!(witness.add_checkpoint(&body(&log, &tree, 0, 10), 5).is_ok());
        drop(witness);
        let (witness, ..) = world(dir.path());
        let conflict = |body: &[u8]| match witness.add_checkpoint(body, 6) {
            Err(NotCosigned::Refused(Refusal::Conflict { size })) => size,
            other => panic!("{other:?}"),
        };
        assert_eq!(conflict(&body(&log, &tree, 0, 7)), 10);
        assert_eq!(conflict(&body(&log, &tree, 7, 20)), 10);
        let line = witness.add_checkpoint(&body(&log, &tree, 10, 20), 7).unwrap();
        assert!(line.starts_with("\u{2014} w.example ") && line.ends_with('\n'));
    }

    #[test]
    fn a_note_that_is_not_cosigned_is_written_once_however_often_it_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let (witness, log, tree) = world(dir.path());
        witness.add_checkpoint(&body(&log, &tree, 0, 49), 5).unwrap();
        let log_of = &witness.logs["log.example"];
        let note = |size| Request::parse(&body(&log, &tree, 0, size)).unwrap().note;
        assert!(log_of.is_news(&note(7)) && !log_of.is_news(&note(7)) && log_of.is_news(&note(8)));
        for n in 0..1_000 {
            let root = Hash([n as u8; 32]);
            let said = Checkpoint { origin: "log.example".into(), size: 100 + n, root };
            log_of.is_news(&sign_checkpoint(&said, &log).unwrap());
        }
        assert_eq!(log_of.refused.lock().unwrap().len(), PROOFS_MAX);
    }

    //= spec/witness.md W-10
    #[test]
    fn nothing_is_cosigned_that_cannot_be_stored() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let (witness, log, tree) = world(&data);
        fs::remove_dir_all(&data).unwrap();
        assert!(matches!(witness.add_checkpoint(&body(&log, &tree, 0, 10), 5), Err(NotCosigned::Broken(_))));
        fs::create_dir(&data).unwrap();
        // The record in memory did not move either.
        assert!(witness.add_checkpoint(&body(&log, &tree, 0, 10), 5).is_ok());
    }

    //= spec/witness.md W-11
    #[test]
    fn it_does_not_start_on_a_record_it_cannot_read() {
        let dir = tempfile::tempdir().unwrap();
        let (witness, log, tree) = world(dir.path());
        witness.add_checkpoint(&body(&log, &tree, 0, 10), 5).unwrap();
        let mut files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let path = files.find(|path| path.extension().is_some_and(|e| e == "checkpoint")).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[14] ^= 1;
        fs::write(&path, bytes).unwrap();
        let signer = NoteSigner::cosigner("w.example", &[2; 32]).unwrap();
        let signers = Signers { keys: vec![log.verifier().clone()], party: None };
        let logs = BTreeMap::from([("log.example".to_string(), signers)]);
        let error =
            Witness::open(signer, logs, Vec::new(), dir.path()).err().map(|e| format!("{e:#}")).unwrap_or_default();
        assert!(error.contains("is not what this witness wrote"), "{error}");
    }

    #[test]
    fn of_many_racing_requests_one_history_comes_out() {
        let dir = tempfile::tempdir().unwrap();
        let (witness, log, tree) = world(dir.path());
        witness.add_checkpoint(&body(&log, &tree, 0, 10), 5).unwrap();
        let bodies: Vec<Vec<u8>> = (11..43).map(|size| body(&log, &tree, 10, size)).collect();
        let won = std::thread::scope(|scope| {
            let all: Vec<_> = bodies.iter().map(|b| scope.spawn(|| witness.add_checkpoint(b, 6).is_ok())).collect();
            all.into_iter().map(|one| one.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(won, 1, "each begins at 10, so one alone can follow");
    }
}
