//! The client of C2SP witnesses: each log's newest checkpoint goes to the pact's witnesses, and what they answer comes back
//! as an input of the fold (`spec/witness.md`).
use crate::cli::evidence::logs::Folder;
use crate::core::CoreHandle;
use crate::http::{Server, Url};
use crate::published::{self, Published};
use anyhow::{Context, Result, bail, ensure};
use fold::Signer;
use hyper::StatusCode;
use node::input::{Input, WitnessReport};
use pact::SignedKeys;
use record::{Hash32, PartyId};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tlog::witness::Request;
use tlog::{LogReader, Proof, SignatureLine, VerifierKey};
use tokio::time::Instant;
use tracing::{debug, info, warn};

/// An answer: up to 16 lines of an ML-DSA-44 cosignature (3.5 kB), or a note of 64 KiB.
const ANSWER_MAX: usize = 80 * 1024;
/// A witness that takes longer is not waited for: the others' cosignatures are not held up by it.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// First and longest wait after a failure.
//= spec/witness.md W-1
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// A witness of a pact that is configured.
#[derive(Debug, Clone)]
pub struct Target {
    key: VerifierKey,
    server: Server,
    every: Duration,
}

impl Target {
    /// A witness of the pact at its address.
    pub fn new(key: VerifierKey, config: &crate::config::Witness, dir: &Path) -> Result<Self> {
        let ca = config.ca.as_ref().map(|ca| dir.join(ca));
        let every = Duration::from_secs(u64::from(config.every_s));
        let server = Server::new(Url::parse_prefix(&config.url)?, ca.as_deref())?;
        Ok(Self { key, server, every })
    }

    async fn ask(&self, method: &str, path: &str, body: Vec<u8>) -> Result<(StatusCode, Vec<u8>)> {
        self.server.ask(method, path, body, ANSWER_MAX).await
    }
}

/// What is known of a witness while the node runs.
struct Asked {
    target: Target,
    /// The largest size it cosigned.
    old: u64,
    not_before: Instant,
    wait: Duration,
    /// What it was last found to contradict us at, said once.
    accused: Option<u64>,
}

/// What a witness answered.
#[derive(Debug)]
enum Answer {
    Cosigned(SignatureLine),
    Older(u64),
    Contradicts(u64),
    /// It knows no key that signed.
    NotSigned,
}

/// Keeps the log to `peer` witnessed, for ever.
pub async fn run(core: CoreHandle, signer: Arc<Signer>, peer: PartyId, targets: Vec<Target>) {
    let mut asked = Vec::new();
    for target in targets {
        let (of, name) = (peer.clone(), target.key.name().to_string());
        let old = core.query(move |state| state.witnessed_by(&of, &name)).await.unwrap_or(0);
        asked.push(Asked { target, old, not_before: Instant::now(), wait: BACKOFF.0, accused: None });
    }
    let every = asked.iter().map(|a| a.target.every).min().unwrap_or(BACKOFF.1).min(Duration::from_secs(1));
    loop {
        tokio::time::sleep(every).await;
        let now = Instant::now();
        if asked.iter().all(|a| a.not_before > now) {
            continue;
        }
        let Some(published) = published::own(&core, &signer, &peer).await else { continue };
        if let Err(error) = round(&core, &peer, &published, &mut asked).await {
            debug!(%peer, "witnessing: {error:#}");
        }
    }
}

/// One checkpoint to every witness that lacks it and may be asked again.
//= spec/witness.md W-1
async fn round(core: &CoreHandle, peer: &PartyId, published: &Published, asked: &mut [Asked]) -> Result<()> {
    let now = Instant::now();
    let due = asked.iter_mut().filter(|a| a.old < published.size && a.not_before <= now);
    let answers = due.map(async |one| {
        let answer = tokio::time::timeout(ANSWER_WAIT * 2, submit(one, published)).await;
        (answer.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in time"))), one)
    });
    let mut note = published.note.clone();
    let mut news = false;
    for (answer, one) in futures_util::future::join_all(answers).await {
        let name = one.target.key.name().to_string();
        match answer {
            Ok(Answer::Cosigned(line)) => {
                let there = note.signatures().iter().any(|line| line.names(&one.target.key));
                match if there { Ok(()) } else { note.add(line) } {
                    Ok(()) => {
                        news |= !there;
                        (one.old, one.wait, one.accused) = (published.size, BACKOFF.0, None);
                        one.not_before = now + one.target.every;
                        continue;
                    }
                    Err(error) => {
                        warn!(%peer, witness = name, "its cosignature has no room beside the others: {error}")
                    }
                }
            }
            Ok(Answer::Older(size)) => one.old = size,
            // Signed, and not yet on the disk: a crash came between.
            Ok(Answer::Contradicts(size)) if size <= signed(core, peer).await && size > published.size => {}
            Ok(Answer::Contradicts(size)) if one.accused != Some(size) => {
                warn!(%peer, witness = name, size, "the witness holds another log under this name");
                one.accused = Some(size);
                let held = tokio::time::timeout(ANSWER_WAIT, held_by(&one.target, published)).await;
                let note = held.ok().and_then(Result::ok).map(Into::into);
                let report = WitnessReport::Contradicts { witness: name, size, note };
                core.input(Input::Witness { peer: peer.clone(), report }).await?;
            }
            Ok(Answer::Contradicts(_)) => {}
            Ok(Answer::NotSigned) => {
                let shown = tokio::time::timeout(ANSWER_WAIT, show_keys(core, peer, &one.target)).await;
                let said = shown.map_err(anyhow::Error::from).and_then(|shown| shown);
                info!(%peer, witness = name, ?said, "not cosigned: it does not know the key that signs");
            }
            Err(error) => info!(%peer, witness = name, "not cosigned: {error:#}"),
        }
        let part = crate::keys::random::<1>().map_or(255, |b| b[0]);
        one.not_before = now + one.wait / 2 + one.wait / 2 * u32::from(part) / 255;
        one.wait = (one.wait * 2).min(BACKOFF.1);
    }
    if news {
        let report = WitnessReport::Cosigned { note: note.to_bytes() };
        core.input(Input::Witness { peer: peer.clone(), report }).await?;
    }
    Ok(())
}

/// The largest size of our log that was signed.
async fn signed(core: &CoreHandle, peer: &PartyId) -> u64 {
    let name = peer.clone();
    let ask = move |state: &node::State| state.link(&name).map_or(0, |link| link.view(state.now()).signed);
    core.query(ask).await.unwrap_or(u64::MAX)
}

/// Asks a witness, twice if it names another old size.
//= spec/witness.md W-2
async fn submit(one: &Asked, published: &Published) -> Result<Answer> {
    let mut old = one.old;
    for _ in 0..2 {
        let (dir, size, at) = (published.dir.clone(), published.size, old);
        let proof = tokio::task::spawn_blocking(move || proof(dir, at, size)).await??;
        let body = Request { old, proof, note: published.note.clone() }.to_bytes();
        let asked = tokio::time::timeout(ANSWER_WAIT, one.target.ask("POST", "/add-checkpoint", body)).await;
        let (status, answer) = asked.context("no answer in time")??;
        match status.as_u16() {
            200 => return cosigned(&one.target.key, published, &answer).map(Answer::Cosigned),
            409 => {
                let named = std::str::from_utf8(&answer).ok().and_then(|text| text.strip_suffix('\n'));
                let named: Option<u64> = named.and_then(|n| n.parse().ok());
                match named {
                    //= spec/witness.md W-7
                    Some(n) if n > published.size && n > one.old => return Ok(Answer::Contradicts(n)),
                    Some(n) if n > published.size => return Ok(Answer::Older(n)),
                    // It was asked to follow from this very size: it holds it with another root.
                    Some(n) if n == published.size && n == old => return Ok(Answer::Contradicts(n)),
                    None if old == published.size => return Ok(Answer::Contradicts(old)),
                    // It cosigned this size before, and the answer was lost: it does so again.
                    Some(n) => old = n,
                    None => bail!("409 without a size"),
                }
            }
            403 => return Ok(Answer::NotSigned),
            // Our proof is from our own tiles towards our own root; it was checked before it went.
            422 if old > 0 => return Ok(Answer::Contradicts(old)),
            status => bail!("{status}: {}", String::from_utf8_lossy(&answer[..answer.len().min(200)]).escape_debug()),
        }
    }
    bail!("409 twice")
}

/// Shows a witness the newest statement about our keys, if there is one. A witness of other code answers that it knows no such
/// request; its people are told by hand.
//= spec/witness.md W-16
async fn show_keys(core: &CoreHandle, peer: &PartyId, target: &Target) -> Result<String> {
    let name = peer.clone();
    let ask = move |state: &node::State| {
        let (me, pact) = (state.party()?.clone(), state.link(&name)?.config().pact);
        let of = |s: &SignedKeys| s.statement().party == me && s.statement().pact == pact;
        let stated = state.key_statements().filter_map(|text| SignedKeys::parse(text.as_bytes()).ok()).filter(of);
        stated.max_by_key(|s| s.statement().serial)
    };
    let Some(newest) = core.query(ask).await.flatten() else { return Ok("no statement about own keys".into()) };
    let (status, _) = target.ask("POST", "/add-keys", newest.to_bytes()).await?;
    Ok(format!("statement {} shown: {status}", newest.statement().serial))
}

/// A consistency proof out of the tiles, checked.
fn proof(dir: PathBuf, old: u64, size: u64) -> Result<Proof> {
    if old == 0 {
        return Ok(Proof::default());
    }
    let folder = Folder(dir);
    let reader = LogReader::new(&folder, size);
    let proof = reader.consistency_proof(old, size)?;
    tlog::verify_consistency(old, size, &reader.root_at(old)?, &reader.root_at(size)?, &proof)?;
    Ok(proof)
}

/// The newest line of the answer by the witness's key; others are ignored. One: a witness's second line says nothing more,
/// and would take the room of the others in the note.
//= spec/witness.md W-3
fn cosigned(key: &VerifierKey, published: &Published, answer: &[u8]) -> Result<SignatureLine> {
    let text = std::str::from_utf8(answer).context("the answer is no text")?;
    let mut newest: Option<(u64, SignatureLine)> = None;
    for line in text.lines().take(tlog::SIGNATURES_MAX) {
        let line = SignatureLine::from_text(line)?;
        if line.names(key) {
            let time_s = tlog::verify_cosignature(published.note.text(), &line, key)?.time_s;
            if newest.as_ref().is_none_or(|(best, _)| time_s > *best) {
                newest = Some((time_s, line));
            }
        }
    }
    newest.map(|(_, line)| line).with_context(|| format!("the answer bears no cosignature by {key}"))
}

/// The checkpoint that a witness holds of our log.
async fn held_by(target: &Target, published: &Published) -> Result<Vec<u8>> {
    let origin = published.note.text().lines().next().unwrap_or_default();
    let path = format!("/{}/checkpoint", Hash32::of(origin.as_bytes()));
    let (status, note) = target.ask("GET", &path, Vec::new()).await?;
    ensure!(status == StatusCode::OK && note.len() <= link::CHECKPOINT_NOTE_BYTES_MAX, "no checkpoint: {status}");
    Ok(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tlog::{Checkpoint, Hash, NoteSigner, cosign, sign_checkpoint};

    //= spec/witness.md W-3
    #[test]
    fn of_many_true_lines_of_one_witness_the_newest_is_taken() {
        let log = NoteSigner::new("log.example", &[1; 32]).unwrap();
        let (w, other) = (NoteSigner::cosigner("w", &[2; 32]).unwrap(), NoteSigner::cosigner("o", &[3; 32]).unwrap());
        let checkpoint = Checkpoint { origin: "log.example".into(), size: 3, root: Hash([3; 32]) };
        let note = sign_checkpoint(&checkpoint, &log).unwrap();
        let lines = |times: &[u64], by: &NoteSigner| {
            times.iter().map(|t| cosign(note.text(), *t, by).unwrap().to_text() + "\n").collect::<String>()
        };
        let published = Published { size: 3, note: note.clone(), dir: PathBuf::new() };
        let answer = lines(&[5], &other) + &lines(&[7, 9, 8], &w);
        let line = cosigned(w.verifier(), &published, answer.as_bytes()).unwrap();
        assert_eq!(tlog::verify_cosignature(note.text(), &line, w.verifier()).unwrap().time_s, 9);
        assert!(cosigned(w.verifier(), &published, lines(&[5], &other).as_bytes()).is_err());
    }
}
