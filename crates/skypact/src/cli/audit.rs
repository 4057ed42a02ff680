//! `skypact audit`: fetches the logs of a pact from one of its parties, as an auditor that the pact names, and checks them.
mod rings;

use crate::cli::evidence::logs::Folder;
use crate::cli::{FOUND_BAD, Global, Outcome};
use crate::files::read_bounded;
use crate::keys;
use crate::peer::tls;
use anyhow::{Context, Result, anyhow, bail, ensure};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use pact::{Pact, SignedKeys, SignedPact};
use rcgen::PublicKeyData;
use record::{Hash32, PartyId};
use rings::Rings;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tlog::{Checkpoint, LogReader, Note, Store, TileId, Verified, tiles_between};
use tokio::net::TcpStream;

/// A bundle of 256 of the longest entries, and its lengths.
const FILE_MAX: usize = 256 * (2 + tlog::ENTRY_BYTES_MAX);
/// A log that a party claims to be longer is not fetched: 2^24 entries are half a year at one a second.
const SIZE_MAX: u64 = 1 << 24;
/// A request that takes longer is given up.
const WAIT: Duration = Duration::from_secs(60);

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes an auditor's TLS key, and shows its pin for clause 15 of a pact.
    Key {
        /// File to write; must not exist.
        #[arg(long, default_value = "auditor.key.pem")]
        file: PathBuf,
    },
    /// Fetches what is new of a party's logs under the pact and checks all of it, from the signature to the last byte.
    ///
    /// What was fetched before is the measure of what comes: a log that shrank or changed is named. Exit code 3: it did, or
    /// something is not as signed.
    Fetch(FetchArgs),
}

#[derive(Debug, clap::Args)]
struct FetchArgs {
    /// Signed pact that names the auditor, from a source of your own.
    #[arg(long)]
    pact: PathBuf,
    /// The party whose node is asked.
    #[arg(long, value_parser = PartyId::parse)]
    party: PartyId,
    /// Address of that node's link, HOST:PORT.
    #[arg(long)]
    from: String,
    /// The auditor's key file.
    #[arg(long, default_value = "auditor.key.pem")]
    key: PathBuf,
    /// A statement that replaced a party's keys, if it came by hand; those in the logs are found. May be given several times.
    #[arg(long)]
    statement: Vec<PathBuf>,
    /// Folder for the logs: `<from>/<to>/checkpoint`, `…/tile/…`.
    #[arg(long, default_value = "audit")]
    into: PathBuf,
}

/// Runs the command.
pub fn run(args: Args, global: Global) -> Outcome {
    match args.command {
        Command::Key { file } => {
            let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).context("cannot generate a key")?;
            keys::write_new(&file, &key.serialize_pem())?;
            println!("{}", Hash32::of(&key.subject_public_key_info()));
            Ok(ExitCode::SUCCESS)
        }
        Command::Fetch(args) => fetch(&args, global),
    }
}

fn fetch(args: &FetchArgs, global: Global) -> Outcome {
    let bytes = read_bounded(&args.pact, tlog::NOTE_BYTES_MAX as u64)
        .with_context(|| format!("cannot read the pact {}", args.pact.display()))?;
    let signed = SignedPact::parse(&bytes).with_context(|| format!("the pact {}", args.pact.display()))?;
    ensure!(signed.missing().is_empty(), "the pact {} is not signed by all its parties", args.pact.display());
    let key = rcgen::KeyPair::from_pem(&keys::read_private(&args.key)?).context("the key file")?;
    let pact = signed.pact();
    ensure!(pact.party(&args.party).is_some(), "the pact does not name {}", args.party);
    let mut rings = Rings::open(pact.clone(), &args.into)?;
    for path in &args.statement {
        let of = || format!("the statement {}", path.display());
        let bytes = read_bounded(path, pact::STATEMENT_BYTES_MAX as u64).with_context(of)?;
        let signed = SignedKeys::parse(&bytes).with_context(of)?;
        signed.check(pact).with_context(of)?;
        rings.take(&signed)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let logs = runtime.block_on(async {
        let mut client = Client::connect_to_any(&args.from, &key, &rings.tls_pins(&args.party)).await?;
        let mut logs = Vec::new();
        for peer in pact.parties.iter().filter(|p| p.id != args.party) {
            for (from, to) in [(&args.party, &peer.id), (&peer.id, &args.party)] {
                logs.push((from.clone(), to.clone(), audit(&mut client, pact, &mut rings, from, to, &args.into).await));
            }
        }
        Ok::<_, anyhow::Error>(logs)
    })?;
    let bad = logs.iter().any(|(.., found)| found.is_err());
    if global.json {
        let rows = logs.iter().map(|(from, to, found)| {
            let mut row = json!({ "from": from.as_str(), "to": to.as_str() });
            match found {
                Ok(Some(found)) => row["log"] = found.clone(),
                Ok(None) => row["log"] = Value::Null,
                Err(error) => row["bad"] = json!(format!("{error:#}")),
            }
            row
        });
        println!("{}", json!({ "sound": !bad, "logs": rows.collect::<Vec<_>>() }));
    } else {
        for (from, to, found) in &logs {
            match found {
                Ok(Some(found)) => println!(
                    "{from} to {to}: {} entries as signed; receipt {}, witnesses {}",
                    found["size"], found["received"], found["witnesses"]
                ),
                Ok(None) => println!("{from} to {to}: no checkpoint yet"),
                Err(error) => println!("{from} to {to}: BAD: {error:#}"),
            }
        }
    }
    Ok(if bad { ExitCode::from(FOUND_BAD) } else { ExitCode::SUCCESS })
}

/// Fetches and checks one log; none if there is no checkpoint of it.
async fn audit(
    client: &mut Client,
    pact: &Pact,
    rings: &mut Rings,
    from: &PartyId,
    to: &PartyId,
    into: &Path,
) -> Result<Option<Value>> {
    let prefix = format!("/log/{from}/{to}/");
    let Some(note) = client.get(&format!("{prefix}checkpoint"), tlog::NOTE_BYTES_MAX).await? else { return Ok(None) };
    let origin = link::origin(from, to, &pact.mode, &pact.hash());
    // Nothing is believed of it yet: it may be by a key that the log itself states.
    let claimed = Checkpoint::parse(Note::parse(&note)?.text())?;
    let size = claimed.size;
    ensure!(size <= SIZE_MAX, "the log is said to have {size} entries; more than {SIZE_MAX} are not fetched");
    let dir = into.join(from.as_str()).join(to.as_str());
    let folder = Folder(dir.clone());
    for id in tiles_between(0, size) {
        if folder.read(&id.path()).map_err(|e| anyhow!("{e}"))?.is_none() {
            write(&dir, &id.path(), &client.file(&prefix, id).await?)?;
        }
    }
    let before = folder.read("checkpoint").map_err(|e| anyhow!("{e}"))?;
    rings.learn(&folder, before.as_deref(), size, from)?;
    let tree = rings.open_by(&note, &origin, from)?;
    let before = match before {
        Some(note) => Some(rings.open_fetched(&note, &origin, from).context("the checkpoint fetched before")?),
        None => None,
    };
    check(&folder, &tree, before.as_ref())?;
    let mut keys = rings.cosign_keys(to);
    keys.extend(pact.oversight.witnesses.iter().cloned());
    let cosigned = tlog::cosignatures(tree.note(), &keys)?;
    let time = |name: &str| cosigned.iter().find(|c| c.name == name).map(|c| c.time_s);
    let witnesses: Vec<&str> =
        pact.oversight.witnesses.iter().map(tlog::VerifierKey::name).filter(|name| time(name).is_some()).collect();
    write(&dir, "checkpoint", &note)?;
    // Of its own size: witnesses are asked less often than checkpoints are signed.
    let mut witnessed = Value::Null;
    if let Some(note) = client.get(&format!("{prefix}witnessed"), tlog::NOTE_BYTES_MAX).await? {
        let opened = rings.open_by(&note, &origin, from).context("the witnessed note")?;
        if opened.size <= tree.size {
            let root = LogReader::new(&folder, tree.size).root_at(opened.size)?;
            ensure!(root == opened.root, "the witnessed note of {} entries is of ANOTHER HISTORY", opened.size);
            let by = tlog::cosignatures(opened.note(), &pact.oversight.witnesses)?;
            let by: Vec<&str> = by.iter().map(|c| c.name.as_str()).collect();
            witnessed = json!({ "size": opened.size, "by": by });
            write(&dir, "witnessed", &note)?;
        }
    }
    Ok(Some(
        json!({ "size": tree.size, "received": keys.first().and_then(|key| time(key.name())), "witnesses": witnesses,
        "witnessed": witnessed, "folder": dir.display().to_string() }),
    ))
}

/// Every entry against the root, and the root against what was signed before.
fn check(folder: &Folder, tree: &Verified<Checkpoint>, before: Option<&Verified<Checkpoint>>) -> Result<()> {
    let reader = LogReader::new(folder, tree.size);
    if let Some(bad) = reader.audit(&tree.root)? {
        bail!("{bad}");
    }
    if let Some(before) = before {
        ensure!(
            before.size <= tree.size,
            "ROLLBACK: {} entries were signed for before, {} now",
            before.size,
            tree.size
        );
        let root = reader.root_at(before.size)?;
        ensure!(root == before.root, "ANOTHER HISTORY: the first {} entries are not those signed before", before.size);
    }
    Ok(())
}

/// Writes a file, whole or not at all.
fn write(dir: &Path, path: &str, bytes: &[u8]) -> Result<()> {
    let path = dir.join(path);
    let of = || format!("cannot write {}", path.display());
    std::fs::create_dir_all(path.parent().context("a folder")?).with_context(of)?;
    let temporary = path.with_extension("tmp");
    std::fs::write(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, &path)).with_context(of)
}

/// A connection to a node.
struct Client(SendRequest<Empty<Bytes>>);

impl Client {
    /// Connects to a node by whichever of its party's keys it shows, the newest first.
    async fn connect_to_any(address: &str, key: &rcgen::KeyPair, pins: &[Hash32]) -> Result<Self> {
        let mut last = Err(anyhow!("the pact names no TLS key"));
        for pin in pins {
            last = Self::connect(address, key, *pin).await;
            if last.is_ok() {
                break;
            }
        }
        last
    }

    async fn connect(address: &str, key: &rcgen::KeyPair, pin: Hash32) -> Result<Self> {
        let connect = async {
            let socket = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
            let name = rustls::pki_types::ServerName::try_from(tls::server_name(&pin))?;
            let connector = tokio_rustls::TlsConnector::from(tls::client_config(key, pin)?);
            let stream = connector.connect(name, socket).await.map_err(|e| tls::explained(&e))?;
            Ok::<_, anyhow::Error>(
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?,
            )
        };
        let (sender, connection) = tokio::time::timeout(WAIT, connect).await.context("no handshake in time")??;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// A file; none if the node has none that we may read.
    async fn get(&mut self, path: &str, max: usize) -> Result<Option<Vec<u8>>> {
        // A node that is asked too fast, or has just written, says when to come again.
        for _ in 0..120 {
            let request = hyper::Request::get(format!("https://{}{path}", tls::SERVER_NAME)).body(Empty::new())?;
            let answer = async {
                let response = self.0.send_request(request).await.context("the node refuses this key, or is gone")?;
                let status = response.status().as_u16();
                let body = Limited::new(response.into_body(), max).collect().await;
                Ok::<_, anyhow::Error>((status, body.map_err(|e| anyhow!("{path}: {e}"))?.to_bytes().to_vec()))
            };
            match tokio::time::timeout(WAIT, answer).await.with_context(|| format!("{path}: no answer in time"))?? {
                (200, bytes) => return Ok(Some(bytes)),
                (404, _) => return Ok(None),
                (429 | 503, _) => tokio::time::sleep(Duration::from_secs(1)).await,
                (status, _) => bail!("{path}: {status}"),
            }
        }
        bail!("{path}: the node puts us off")
    }

    async fn file(&mut self, prefix: &str, id: TileId) -> Result<Vec<u8>> {
        let path = id.path();
        self.get(&format!("{prefix}{path}"), FILE_MAX).await?.ok_or_else(|| anyhow!("{path} is withheld"))
    }
}
