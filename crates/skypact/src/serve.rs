//! One running node: recovery, fold, links, feeds, API and console; and its orderly end.
use crate::backend::NodeBackend;
use crate::clock::{Clock, parse_rfc3339};
use crate::config::{ClaimText, Loaded};
use crate::core::{self, CoreConfig, CoreHandle};
use crate::keys::{self, Keys};
use crate::peer::{PeerAddress, Readers, Tcp, Transport, tls};
use crate::witnessing::Target;
use anyhow::{Context, Result, bail, ensure};
use api_native::OneTimeCodes;
use fold::Signer;
use journal::fs::{Fs, StdFs};
use node::input::{Boot, Claim, FeedConfig, Input};
use pact::{SignedKeys, SignedPact};
use record::{Hash32, Mode, PartyId, Role};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};
use units::AircraftClass;

/// The fold is told that time passes this often.
const TICK: Duration = Duration::from_millis(100);
/// Answers under way and the last word to streams may take this long when the node stops.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// A printed sign-in link is good for this long.
const CODE_TTL: Duration = Duration::from_secs(24 * 3600);

/// A node that runs.
pub struct Running {
    /// The fold.
    pub core: CoreHandle,
    /// Where the console is.
    pub api: SocketAddr,
    /// Where the discovery and synchronization service is, if it is served.
    pub dss: Option<SocketAddr>,
    /// Where links are accepted.
    pub link: SocketAddr,
    /// One-time sign-in codes.
    pub codes: Arc<OneTimeCodes>,
    stopping: watch::Sender<bool>,
    tasks: JoinSet<()>,
    fold: std::thread::JoinHandle<()>,
    run_files: PathBuf,
}

/// Checks everything that can be wrong before anything is started, then starts it.
pub async fn start(loaded: &Loaded) -> Result<Running> {
    let config = &loaded.config;
    let party = PartyId::parse(&config.party)?;
    let mode = Mode::parse(&config.mode).context("mode")?;
    let keys = Arc::new(Keys::load(&loaded.path(&config.keys))?);
    let previous = loaded.config.previous_keys.as_ref().map(|folder| Keys::load(&loaded.path(folder)));
    let previous = previous.transpose().context("previous_keys")?.map(Arc::new);
    let pacts = pacts(loaded, &party, &mode)?;
    let statements = statements(loaded)?;
    let policy = crate::rules::policy(&config.release)?;
    crate::rules::check_parties(&config.release, &party, &pacts)?;
    let markings = crate::rules::check_markings(config)?;
    let data = loaded.path(&config.data);
    let (at, options) = (data.clone(), config.journal.options());
    let fs: Arc<dyn Fs> = Arc::new(StdFs);
    let disk = fs.clone();
    let recovered = tokio::task::spawn_blocking(move || fold::recover(&disk, &at, options)).await??;
    check_continues(&recovered.state, &party)?;
    check_keys(&recovered.state, &party, &pacts, &statements, &keys)?;
    let clock = clock(loaded, recovered.state.now())?;
    let last_session = recovered.state.last_session();
    let boot = Boot {
        party: party.clone(),
        mode,
        pacts: pacts.iter().map(|p| String::from_utf8_lossy(&p.to_bytes()).into_owned()).collect(),
        feeds: config.feed.iter().map(feed_config).collect::<Result<_>>()?,
        pseudonym_secret: keys.pseudonym,
        policy,
        markings,
        dss_marking: crate::rules::plans_marking(config)?,
        dss_base_url: config.f3548.as_ref().and_then(|f3548| f3548.uss_base_url.clone()),
        dss_notifies: config.f3548.as_ref().is_some_and(|f3548| f3548.notify.is_some()),
        software: concat!("skypact ", env!("CARGO_PKG_VERSION")).into(),
        statements: statements.iter().map(SignedKeys::to_text).collect(),
    };
    let snapshot_every = Duration::from_secs(config.journal.snapshot_s);
    let (data_of, keys_of) = (data.clone(), keys.clone());
    let core_config =
        CoreConfig { fs, data: data_of, clock, keys: keys_of, snapshot_every, snapshots_beside: true, boot };
    let (core, fold) = core::start(core_config, recovered)?;

    let mut tasks = JoinSet::new();
    let own: Vec<Arc<Keys>> = [Some(keys), previous].into_iter().flatten().collect();
    let link = start_links(&mut tasks, loaded, &core, &party, &own, &pacts, last_session).await?;
    let codes = Arc::new(OneTimeCodes::new(|| match keys::random() {
        Ok(bytes) => bytes,
        Err(error) => panic!("{error:#}"),
    }));
    let run_files = data.join("run");
    let stopping = watch::Sender::new(false);
    let api = start_api(&mut tasks, loaded, &core, &codes, &run_files, &stopping).await?;
    let dss = crate::dss_api::start(&mut tasks, loaded, &core, &stopping).await?;
    for (number, feed) in (0u16..).zip(&config.feed) {
        tasks.spawn(crate::feeds::run(core.clone(), number, feed.clone(), loaded.dir.clone()));
    }
    let ticking = core.clone();
    tasks.spawn(async move {
        let mut every = tokio::time::interval(TICK);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if ticking.offer(Input::Tick).await.is_err() {
                return;
            }
        }
    });
    Ok(Running { core, api, dss, link, codes, stopping, tasks, fold, run_files })
}

impl Running {
    /// A sign-in link that works once.
    pub fn sign_in_link(&self, name: &str, role: Role) -> String {
        format!("http://{}/#code={}", self.api, self.codes.issue(name, role, CODE_TTL))
    }

    /// Stops: no new requests, answers under way given and streams told; then no new inputs, snapshot, link logs synced.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if tokio::time::timeout(STOP_GRACE, self.stopping.closed()).await.is_err() {
            warn!("requests or streams are still open after {} s and are cut off", STOP_GRACE.as_secs());
        }
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        self.core.stop().await;
        // A panic of the fold was logged where it happened.
        let _joined = tokio::task::spawn_blocking(move || self.fold.join()).await;
        for file in ["api", "token"] {
            if let Err(error) = std::fs::remove_file(self.run_files.join(file)) {
                warn!("cannot remove {file}: {error}");
            }
        }
    }
}

fn pacts(loaded: &Loaded, party: &PartyId, mode: &Mode) -> Result<Vec<SignedPact>> {
    let mut pacts = Vec::new();
    for path in &loaded.config.pacts {
        let path = loaded.path(path);
        let bytes = crate::files::read_bounded(&path, tlog::NOTE_BYTES_MAX as u64)
            .with_context(|| format!("cannot read the pact {}", path.display()))?;
        let signed = SignedPact::parse(&bytes).with_context(|| format!("the pact {}", path.display()))?;
        let pact = signed.pact();
        let missing: Vec<String> = signed.missing().iter().map(ToString::to_string).collect();
        ensure!(
            missing.is_empty(),
            "the pact {} is not signed by {}; run `skypact pact sign` there and bring the file back",
            path.display(),
            missing.join(", ")
        );
        ensure!(
            pact.mode == *mode,
            "the pact {} is for mode {:?}, the configuration for {:?}",
            path.display(),
            pact.mode.label(),
            mode.label()
        );
        ensure!(pact.party(party).is_some(), "the pact {} does not name {party} (clause 1)", path.display());
        pacts.push(signed);
    }
    let mut peers: Vec<&PartyId> =
        pacts.iter().flat_map(|p| &p.pact().parties).map(|p| &p.id).filter(|id| *id != party).collect();
    peers.sort_unstable();
    if let Some(twice) = peers.windows(2).find(|w| w[0] == w[1]) {
        bail!("{} is party of two pacts of this node; one pact a peer", twice[0]);
    }
    Ok(pacts)
}

/// Statements about own keys, as configured.
fn statements(loaded: &Loaded) -> Result<Vec<SignedKeys>> {
    let read = |path: &PathBuf| {
        let path = loaded.path(path);
        let of = || format!("the statement {}", path.display());
        let bytes = crate::files::read_bounded(&path, pact::STATEMENT_BYTES_MAX as u64).with_context(of)?;
        SignedKeys::parse(&bytes).with_context(of)
    };
    loaded.config.statements.iter().map(read).collect()
}

/// The keys of the node are those that its peers will want to see: the newest that a statement names, else the pact's.
fn check_keys(
    state: &node::State,
    party: &PartyId,
    pacts: &[SignedPact],
    statements: &[SignedKeys],
    keys: &Keys,
) -> Result<()> {
    let name = crate::keys::key_name(party);
    let own = pact::KeySet {
        log_key: keys.log_signer(&name)?.verifier().clone(),
        cosign_key: keys.cosigner(&name)?.verifier().clone(),
        tls_spki_sha256: Hash32(keys.tls_pin()),
    };
    for statement in statements {
        let of = statement.statement();
        let pact = pacts.iter().find(|p| p.pact().hash() == of.pact);
        let pact = pact.with_context(|| format!("statement {} is about a pact that is not configured", of.serial))?;
        statement.check(pact.pact()).with_context(|| format!("statement {} about own keys", of.serial))?;
        ensure!(of.party == *party, "statement {} is about the keys of {}, not of {party}", of.serial, of.party);
    }
    for pact in pacts.iter().map(SignedPact::pact) {
        let configured = statements.iter().map(SignedKeys::statement).filter(|s| s.pact == pact.hash()).cloned();
        let newest = configured.chain(state.key_statement(&pact.hash(), party)).max_by_key(|s| s.serial);
        let (wanted, by) = match newest {
            Some(s) => (s.keys, format!("statement {} about the keys of {party}", s.serial)),
            None => (pact.party(party).map(pact::KeySet::of).context("clause 1")?, "clause 1 of its pact".into()),
        };
        let differ = [
            ("log", wanted.log_key != own.log_key),
            ("cosign", wanted.cosign_key != own.cosign_key),
            ("TLS", wanted.tls_spki_sha256 != own.tls_spki_sha256),
        ];
        if let Some((which, _)) = differ.iter().find(|(_, differs)| *differs) {
            bail!(
                "{by} names another {which} key than {party} holds; see `keys` and `statements` in the configuration"
            );
        }
    }
    Ok(())
}

/// A data folder belongs to one party.
fn check_continues(state: &node::State, party: &PartyId) -> Result<()> {
    if let Some(before) = state.party() {
        ensure!(before == party, "this data folder is {before}'s, the configuration says {party}");
    }
    Ok(())
}

fn clock(loaded: &Loaded, last: units::Now) -> Result<Clock> {
    let Some(exercise) = &loaded.config.clock else { return Ok(Clock::system(last)) };
    let start = parse_rfc3339(&exercise.start).map_err(|e| anyhow::anyhow!("clock.start: {e}"))?;
    let origin = parse_rfc3339(&exercise.origin).map_err(|e| anyhow::anyhow!("clock.origin: {e}"))?;
    Ok(Clock::exercise(start, origin.0, exercise.rate, last))
}

fn feed_config(feed: &crate::config::Feed) -> Result<FeedConfig> {
    Ok(FeedConfig {
        name: feed.name.clone(),
        format: feed.format.clone(),
        claim: match feed.claim {
            ClaimText::Own => Claim::Own,
            ClaimText::Observed => Claim::Observed,
        },
        class: AircraftClass::parse(&feed.class).context("feed class")?,
        marking: feed.marking.as_deref().map(crate::rules::marking).transpose()?,
    })
}

async fn start_links(
    tasks: &mut JoinSet<()>,
    loaded: &Loaded,
    core: &CoreHandle,
    party: &PartyId,
    keys: &[Arc<Keys>],
    pacts: &[SignedPact],
    last_session: u64,
) -> Result<SocketAddr> {
    let addresses = &loaded.config.peer;
    let mut peers = Vec::new();
    for peer in pacts.iter().flat_map(|p| &p.pact().parties).filter(|p| p.id != *party) {
        let address = addresses.iter().find(|a| a.party == peer.id.as_str()).and_then(|a| a.address.clone());
        peers.push(PeerAddress { party: peer.id.clone(), address });
    }
    if let Some(unknown) = addresses.iter().find(|a| peers.iter().all(|p| p.party.as_str() != a.party)) {
        bail!("[[peer]] {} is in no pact of this node", unknown.party);
    }
    let listener = TcpListener::bind(loaded.config.serve.link)
        .await
        .with_context(|| format!("cannot listen for links on {}", loaded.config.serve.link))?;
    let at = listener.local_addr()?;
    let name = keys::key_name(party);
    let signer = Arc::new(Signer::new(keys[0].log_signer(&name)?, keys[0].cosigner(&name)?));
    start_witnessing(tasks, loaded, core, &signer, party, pacts)?;
    let (at_work, readers) = (core.clone(), Readers::new(pacts));
    let transport = Transport::new(at_work, signer, readers, party.clone(), peers.clone(), last_session);
    let own: Vec<&rcgen::KeyPair> = keys.iter().map(|keys| &keys.tls).collect();
    let server = tls::server_config(&own, transport.pins())?;
    tasks.spawn(transport.clone().listen(listener, server));
    for peer in peers.into_iter().filter(|p| *party < p.party) {
        tasks.spawn(transport.clone().dial(peer, keys.to_vec(), Tcp));
    }
    info!(%at, "links are accepted");
    Ok(at)
}

/// A client for each peer whose pact names a witness that the configuration knows.
fn start_witnessing(
    tasks: &mut JoinSet<()>,
    loaded: &Loaded,
    core: &CoreHandle,
    signer: &Arc<Signer>,
    party: &PartyId,
    pacts: &[SignedPact],
) -> Result<()> {
    let configured = &loaded.config.witness;
    let named = |name: &str| pacts.iter().flat_map(|p| &p.pact().oversight.witnesses).any(|key| key.name() == name);
    if let Some(unknown) = configured.iter().find(|w| !named(&w.name)) {
        bail!("[[witness]] {} is in clause 16 of no pact of this node", unknown.name);
    }
    for pact in pacts.iter().map(SignedPact::pact) {
        let mut targets = Vec::new();
        for key in &pact.oversight.witnesses {
            match configured.iter().find(|w| w.name == key.name()) {
                Some(witness) => targets.push(Target::new(key.clone(), witness, &loaded.dir)?),
                None => warn!("the witness {} of the pact has no [[witness]] entry and is not asked", key.name()),
            }
        }
        for peer in pact.parties.iter().filter(|p| p.id != *party && !targets.is_empty()) {
            let (core, signer) = (core.clone(), signer.clone());
            tasks.spawn(crate::witnessing::run(core, signer, peer.id.clone(), targets.clone()));
        }
    }
    Ok(())
}

async fn start_api(
    tasks: &mut JoinSet<()>,
    loaded: &Loaded,
    core: &CoreHandle,
    codes: &Arc<OneTimeCodes>,
    run_files: &Path,
    stopping: &watch::Sender<bool>,
) -> Result<SocketAddr> {
    let serve = &loaded.config.serve;
    let listener = TcpListener::bind(serve.api).await.with_context(|| format!("cannot listen on {}", serve.api))?;
    let at = listener.local_addr()?;
    let token = keys::hex(&keys::random::<32>()?);
    std::fs::create_dir_all(run_files)?;
    for (name, text) in [("token", token.as_str()), ("api", at.to_string().as_str())] {
        let path = run_files.join(name);
        // Left behind by a run that was killed.
        if path.exists() {
            std::fs::remove_file(&path)?;
        }
        keys::write_new(&path, text)?;
    }
    let loopback = at.ip().is_loopback();
    if !loopback {
        warn!(%at, "the console is served without TLS beyond this machine: put a reverse proxy with TLS before it");
    }
    let options = api_native::Options {
        secure_cookie: !loopback,
        operator_token_sha256: Some(api_native::secret_hash(&token)),
        hosts: serve.hosts.clone(),
        open_metrics: loopback,
        stopping: stopping.clone(),
        ..api_native::Options::new(codes.clone())
    };
    let backend = Arc::new(NodeBackend::new(core.clone()));
    let router = api_native::router(backend, options).merge(console::router());
    tasks.spawn(crate::web::serve(listener, router, stopping.subscribe()));
    info!(%at, "console and API");
    Ok(at)
}

/// Arguments of `skypact serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Configuration file.
    #[arg(long, short, default_value = "skypact.toml", env = "SKYPACT_CONFIG")]
    config: PathBuf,
    /// Prints a sign-in link that works once, for NAME=ROLE (observer, officer, planner or administrator). Repeatable.
    #[arg(long, value_name = "NAME=ROLE", value_parser = sign_in)]
    sign_in: Vec<(String, Role)>,
    /// Stops when standard input closes: for a program that runs the node.
    #[arg(long)]
    stop_with_stdin: bool,
}

fn sign_in(text: &str) -> Result<(String, Role), String> {
    let (name, role) = text.split_once('=').ok_or("write NAME=ROLE")?;
    let role = Role::parse(role).ok_or("the role is observer, officer, planner or administrator")?;
    Ok((name.to_string(), role))
}

/// Runs a node until it is told to stop.
pub async fn run(args: Args, json: bool) -> Result<()> {
    let loaded = Loaded::read(&args.config)?;
    let running = start(&loaded).await?;
    let mut links = args.sign_in.clone();
    if running.core.view().accounts.is_empty() && links.is_empty() {
        // First run: nobody can sign in yet. The link works once, and stands nowhere but here.
        links.push(("admin".into(), Role::Administrator));
    }
    let links: Vec<_> = links.iter().map(|(name, role)| (name, role, running.sign_in_link(name, *role))).collect();
    if json {
        let sign_in: Vec<_> = links
            .iter()
            .map(|(name, role, url)| serde_json::json!({ "name": name, "role": role.name(), "url": url }))
            .collect();
        let ready = serde_json::json!({ "party": loaded.config.party, "api": running.api.to_string(),
            "link": running.link.to_string(), "dss": running.dss.map(|at| at.to_string()), "sign_in": sign_in });
        println!("{ready}");
    } else {
        println!("Console: http://{}/", running.api);
        if let Some(at) = running.dss {
            println!("DSS (ASTM F3548-21): http://{at}/dss/v1");
        }
        for (name, role, url) in &links {
            println!("Sign in once as {name} ({}): {url}", role.name());
        }
    }
    if args.stop_with_stdin {
        tokio::select! {
            result = stop_signal() => result?,
            () = stdin_closed() => {}
        }
    } else {
        stop_signal().await?;
    }
    info!("stopping");
    running.stop().await;
    Ok(())
}

/// Waits for the end of standard input, on a thread of its own: a read of it cannot be cancelled.
pub async fn stdin_closed() {
    let (tx, rx) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut sink = std::io::sink();
        // Whatever ends the reading, nobody holds the other end any more.
        let _ended = std::io::copy(&mut std::io::stdin(), &mut sink);
        tx.send(())
    });
    // The sender lives as long as the thread; if it is gone, so is standard input.
    let _closed = rx.await;
}

/// Waits for SIGINT or SIGTERM.
pub async fn stop_signal() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
