//! The one thread that folds: inputs in, journal, fold, and only then outputs.
//!
//! Nothing is acted upon before the input that caused it is durable. When the journal takes no more, nothing is
//! accepted and nothing is signed; a copy of the state goes on with what the feeds bring, so that the picture lives,
//! and is thrown away when space returns.
use crate::clock::Clock;
use crate::keys::Keys;
use crate::recovery::{self, Poison, Recovered};
use crate::sessions::{SessionOut, Sessions};
use crate::stores::{LinkStores, Stores};
use anyhow::Result;
use arc_swap::ArcSwap;
use journal::{Journal, JournalError, SegmentJournal, Seq};
use node::State;
use node::command::Answer;
use node::input::{Entry, Input, ObservedLoss, Output};
use node::view::View;
use record::PartyId;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::{error, info, warn};

/// Inputs waiting for the fold. A link frame has at most 512 KiB and a connection one frame in flight; commands and
/// reports are smaller. Senders wait, so this bounds memory, not acceptance.
const QUEUE_MAX: usize = 1024;
/// Inputs of one batch, and their bytes: one fdatasync covers them all.
const BATCH_MAX: usize = 512;
const BATCH_BYTES: usize = 8 << 20;
/// Views at most this often: a console shows four a second.
const VIEW_EVERY: Duration = Duration::from_millis(100);
/// While the journal is full it is tried again this often.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Open tiles of the link logs are looked at this often; they are made durable with the next snapshot.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Losses kept for the report of an exercise.
const LOSSES_MAX: usize = 100_000;

/// Why an input was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// The disk is full. Nothing was accepted; a later try is safe.
    #[error("the journal is full: nothing was accepted; free space on the disk, then try again")]
    Full,
    /// What is on the disk is unknown, or the fold could not go on.
    #[error("the node takes no inputs: {0}")]
    Failed(String),
    /// The node stops.
    #[error("the node is stopping")]
    Stopping,
}

/// What the journal does, for health and metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct CoreHealth {
    /// Journal.
    pub journal: journal::Health,
    /// Set while nothing is accepted.
    pub trouble: Option<String>,
    /// The longest time from taking a batch from the queue to having acted on it.
    pub longest_batch: Duration,
    /// Inputs folded since the start.
    pub folded: u64,
}

type Reply = oneshot::Sender<Result<Option<Answer>, NotAccepted>>;

enum Message {
    Input(Box<Input>, Option<Reply>),
    Query(Box<dyn FnOnce(&State) + Send>),
    Stop(oneshot::Sender<()>),
}

struct Shared {
    view: ArcSwap<View>,
    changed: watch::Sender<u64>,
    health: Mutex<CoreHealth>,
    sessions: Sessions,
    stores: Mutex<BTreeMap<PartyId, LinkStores>>,
    losses: Mutex<Vec<ObservedLoss>>,
    refused_connections: Mutex<BTreeMap<String, u64>>,
    folded: AtomicU64,
    clock: Clock,
}

/// What [`start`] needs.
pub struct CoreConfig {
    /// Folder of journal and link logs.
    pub data: PathBuf,
    /// Clock.
    pub clock: Clock,
    /// Keys.
    pub keys: Arc<Keys>,
    /// A snapshot at least this often.
    pub snapshot_every: Duration,
    /// The boot input.
    pub boot: node::input::Boot,
}

/// Boots a recovered node and starts the fold on a thread of its own.
pub fn start(config: CoreConfig, recovered: Recovered) -> Result<(CoreHandle, std::thread::JoinHandle<()>)> {
    let (handle, core) = boot(config, recovered)?;
    let thread = std::thread::Builder::new().name("fold".into()).spawn(move || core.run())?;
    Ok((handle, thread))
}

/// The same as a task of this runtime, where time may be virtual.
#[cfg(test)]
pub fn start_as_task(config: CoreConfig, recovered: Recovered) -> Result<CoreHandle> {
    let (handle, mut core) = boot(config, recovered)?;
    tokio::spawn(async move {
        while let Some(first) = core.rx.recv().await {
            if core.take(first).is_break() {
                return;
            }
        }
        core.stop();
    });
    Ok(handle)
}

fn boot(config: CoreConfig, recovered: Recovered) -> Result<(CoreHandle, Core)> {
    let Recovered { state, journal, stores, replayed } = recovered;
    info!(replayed, seq = state.seq(), "journal folded");
    let (tx, rx) = mpsc::channel(QUEUE_MAX);
    let shared = Arc::new(Shared {
        view: ArcSwap::from_pointee(state.view(config.clock.now())),
        changed: watch::channel(0).0,
        health: Mutex::new(CoreHealth {
            journal: journal.health(),
            trouble: None,
            longest_batch: Duration::ZERO,
            folded: 0,
        }),
        sessions: Sessions::default(),
        stores: Mutex::new(BTreeMap::new()),
        losses: Mutex::new(Vec::new()),
        refused_connections: Mutex::new(BTreeMap::new()),
        folded: AtomicU64::new(0),
        clock: config.clock,
    });
    let now = Instant::now();
    let boot = Message::Input(Box::new(Input::Boot(Box::new(config.boot.clone()))), None);
    let mut core = Core {
        rx,
        shared: shared.clone(),
        state,
        journal,
        stores,
        shadow: None,
        config,
        last_snapshot: now,
        last_view: now,
        last_flush: now,
    };
    core.batch(vec![boot]);
    core.share_stores();
    if let Some(shadow) = &core.shadow {
        anyhow::bail!("cannot journal the start: {}", shadow.why);
    }
    // The boot opened the links; nobody has heard of it yet, and what it says is in memory.
    crate::behind::check(&core.state, &core.stores)?;
    core.publish();
    Ok((CoreHandle { tx, shared }, core))
}

/// The fold.
struct Core {
    rx: mpsc::Receiver<Message>,
    shared: Arc<Shared>,
    state: State,
    journal: SegmentJournal,
    stores: Stores,
    /// The picture while nothing is accepted.
    shadow: Option<Shadow>,
    config: CoreConfig,
    last_snapshot: Instant,
    last_view: Instant,
    last_flush: Instant,
}

struct Shadow {
    state: Box<State>,
    since_utc_ms: i64,
    dropped: u64,
    why: NotAccepted,
    tried: Instant,
}

impl Core {
    fn run(mut self) {
        while let Some(first) = self.rx.blocking_recv() {
            if self.take(first).is_break() {
                return;
            }
        }
        self.stop();
    }

    /// Takes a message, and those that wait behind it, as one batch; breaks when it was told to stop.
    fn take(&mut self, first: Message) -> ControlFlow<()> {
        let mut inputs = Vec::new();
        let (mut bytes, mut next) = (0, Some(first));
        while let Some(message) = next.take() {
            match message {
                Message::Input(input, reply) => {
                    if let Input::LinkFrame { frame, .. } = input.as_ref() {
                        bytes += frame.len();
                    }
                    inputs.push(Message::Input(input, reply));
                    if inputs.len() < BATCH_MAX && bytes < BATCH_BYTES {
                        next = self.rx.try_recv().ok();
                    }
                }
                Message::Query(query) => {
                    self.batch(std::mem::take(&mut inputs));
                    query(&self.state);
                    next = self.rx.try_recv().ok();
                }
                Message::Stop(done) => {
                    self.batch(std::mem::take(&mut inputs));
                    self.stop();
                    // Whoever asked may be gone.
                    let _gone = done.send(());
                    return ControlFlow::Break(());
                }
            }
        }
        self.batch(inputs);
        self.housekeeping();
        ControlFlow::Continue(())
    }

    /// Journals a batch, folds it, acts on what came of it.
    //= spec/link.md S-5
    fn batch(&mut self, messages: Vec<Message>) {
        let mut entries = Vec::with_capacity(messages.len());
        let mut replies = Vec::with_capacity(messages.len());
        for message in messages {
            if let Message::Input(input, reply) = message {
                entries.push(Entry { now: self.config.clock.now(), input: *input });
                replies.push(reply);
            }
        }
        if entries.is_empty() {
            return;
        }
        if let Some(shadow) = &self.shadow
            && (matches!(shadow.why, NotAccepted::Failed(_)) || shadow.tried.elapsed() < RETRY_EVERY)
        {
            return self.refuse(entries, replies);
        }
        if let Some(shadow) = &self.shadow {
            // The gap stands in the journal before what is accepted after it.
            let input = Input::Gap { dropped: shadow.dropped, since_utc_ms: shadow.since_utc_ms };
            entries.insert(0, Entry { now: entries[0].now, input });
            replies.insert(0, None);
        }
        let started = Instant::now();
        let encoded: Vec<Vec<u8>> = entries.iter().map(recovery::encode).collect();
        let slices: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        match self.journal.append_batch(None, &slices) {
            Ok(_) => {
                if let Some(shadow) = self.shadow.take() {
                    info!(dropped = shadow.dropped, "the journal takes inputs again");
                }
                self.fold_batch(entries, replies);
                self.shared.with_health(|h| h.longest_batch = h.longest_batch.max(started.elapsed()));
            }
            Err(error) => {
                let why = match error {
                    JournalError::Full { .. } => NotAccepted::Full,
                    other => NotAccepted::Failed(other.to_string()),
                };
                self.enter_shadow(why);
                entries.retain(|e| !matches!(e.input, Input::Gap { .. }));
                let skip = replies.len() - entries.len();
                self.refuse(entries, replies.split_off(skip));
            }
        }
    }

    fn fold_batch(&mut self, entries: Vec<Entry>, replies: Vec<Option<Reply>>) {
        let mut decisions = Vec::new();
        for (entry, reply) in entries.iter().zip(replies) {
            let Err((poison, reply)) = self.fold(entry, reply) else { continue };
            match self.quarantine(poison, reply) {
                Some(decision) => decisions.push(decision),
                None => return,
            }
        }
        for decision in decisions {
            if self.fold(&decision, None).is_err() {
                unreachable!("folding a decision says one line");
            }
        }
    }

    /// Folds an entry that is journaled and acts on what comes of it; gives the reply back if it cannot be folded.
    fn fold(&mut self, entry: &Entry, mut reply: Option<Reply>) -> Result<(), (Poison, Option<Reply>)> {
        let mut outputs = Vec::new();
        let seq = self.state.seq() + 1;
        if !recovery::apply(&mut self.state, entry, &mut outputs) {
            return Err((Poison { seq }, reply));
        }
        self.shared.folded.fetch_add(1, Ordering::Relaxed);
        for output in outputs {
            match output {
                Output::Answer(answer) => {
                    if let Some(reply) = reply.take() {
                        // The caller may have gone away; what it asked is done all the same.
                        let _gone = reply.send(Ok(Some(answer)));
                    }
                }
                Output::Link(name, output) => self.link(&name, output),
                Output::Loss(loss) => {
                    let mut losses = self.shared.losses.lock().unwrap_or_else(PoisonError::into_inner);
                    if losses.len() < LOSSES_MAX {
                        losses.push(loss);
                    }
                }
                Output::Log(line) => warn!("{line}"),
            }
        }
        if let Some(reply) = reply {
            let _gone = reply.send(Ok(None));
        }
        Ok(())
    }

    fn link(&mut self, name: &PartyId, output: link::Output) {
        if let Err(error) = self.stores.keep(&self.state, name, &output, &self.config.keys) {
            // The journal has it, so nothing is lost; but a log that cannot be written is a disk that cannot be trusted.
            error!(peer = %name, "the link's log cannot be written: {error:#}");
            self.store_failed(format!("the log of the link to {name}: {error:#}"));
            return;
        }
        if let link::Output::Frozen { reason, .. } = &output {
            error!(peer = %name, %reason, "the link is frozen: {}", reason.advice());
        }
        self.shared.sessions.push(&output);
    }

    fn share_stores(&self) {
        *self.shared.stores.lock().unwrap_or_else(PoisonError::into_inner) = self.stores.map().clone();
    }

    /// An input made the fold panic. The decision to skip it is journaled, and the state is made again up to it, without it;
    /// what was journaled after it is then folded as ever. The decision itself is folded last, as it stands last.
    fn quarantine(&mut self, poison: Poison, reply: Option<Reply>) -> Option<Entry> {
        error!(poison.seq, "an input made the fold fail; it is quarantined");
        let decision = recovery::decision(poison, self.config.clock.now());
        let journaled = self.journal.append_batch(None, &[&recovery::encode(&decision)]).map_err(anyhow::Error::from);
        let again = journaled.and_then(|_| recovery::fold_upto(&self.journal, &self.config.data, Seq(poison.seq)));
        if let Some(reply) = reply {
            let _gone = reply.send(Err(NotAccepted::Failed("the input was quarantined; see the log".into())));
        }
        match again {
            Ok((state, stores, _)) => {
                (self.state, self.stores) = (state, stores);
                self.share_stores();
                Some(decision)
            }
            Err(error) => {
                // The state is not to be trusted; a restart makes it again from the journal.
                self.enter_shadow(NotAccepted::Failed(format!("a quarantine failed: {error:#}")));
                None
            }
        }
    }

    fn enter_shadow(&mut self, why: NotAccepted) {
        if let Some(shadow) = &mut self.shadow {
            shadow.tried = Instant::now();
            shadow.why = why;
            return;
        }
        error!("nothing is accepted and nothing is signed: {why}");
        let (state, now) = (Box::new(self.state.clone()), self.config.clock.now());
        self.shadow = Some(Shadow { state, since_utc_ms: now.utc.0, dropped: 0, why, tried: Instant::now() });
    }

    /// A link's log could not be written. What it lacks is in memory and in the journal; so when it was for want of space,
    /// it is tried again when there is some. A disk that fails in another way cannot be trusted.
    fn store_failed(&mut self, what: String) {
        let health = self.journal.health();
        let full = health.free_bytes.is_some_and(|free| free < health.reserve_bytes);
        self.enter_shadow(if full { NotAccepted::Full } else { NotAccepted::Failed(what) });
    }

    /// Refuses inputs, and shows the reports among them all the same.
    fn refuse(&mut self, entries: Vec<Entry>, replies: Vec<Option<Reply>>) {
        let Some(shadow) = &mut self.shadow else { return };
        for (entry, reply) in entries.into_iter().zip(replies) {
            shadow.dropped += 1;
            if matches!(entry.input, Input::Reports { .. } | Input::Tick | Input::FeedHealth { .. }) {
                // Nothing of the shadow's outputs leaves: it is only looked at.
                if !recovery::apply(&mut shadow.state, &entry, &mut Vec::new()) {
                    *shadow.state = self.state.clone();
                }
            }
            if let Some(reply) = reply {
                let _gone = reply.send(Err(shadow.why.clone()));
            }
        }
    }

    /// What has a cadence of its own: views, link logs, snapshots.
    fn housekeeping(&mut self) {
        if self.last_view.elapsed() >= VIEW_EVERY {
            self.publish();
        }
        if self.shadow.is_some() {
            return;
        }
        if self.last_flush.elapsed() >= FLUSH_EVERY {
            self.last_flush = Instant::now();
            if let Err(error) = self.stores.flush_if_due() {
                self.store_failed(format!("a link's log cannot be written: {error:#}"));
            }
        }
        if self.last_snapshot.elapsed() >= self.config.snapshot_every {
            self.snapshot();
        }
    }

    //= spec/link.md S-6
    fn snapshot(&mut self) {
        self.last_snapshot = Instant::now();
        // The link logs must hold what the snapshot takes for granted.
        if let Err(error) = self.stores.flush() {
            return self.store_failed(format!("a link's log cannot be written: {error:#}"));
        }
        // A sync that failed once may say yes the second time without having written: no second try.
        if let Err(error) = self.stores.sync() {
            return self.enter_shadow(NotAccepted::Failed(format!("a link's log cannot be synced: {error:#}")));
        }
        let bytes = self.state.to_snapshot();
        match self.journal.write_snapshot(Seq(self.state.seq()), &bytes) {
            Ok(()) => info!(seq = self.state.seq(), bytes = bytes.len(), "snapshot written"),
            Err(error) => warn!("no snapshot: {error}; the journal keeps everything"),
        }
    }

    fn publish(&mut self) {
        self.last_view = Instant::now();
        let state = self.shadow.as_ref().map_or(&self.state, |s| &s.state);
        self.shared.view.store(Arc::new(state.view(self.config.clock.now())));
        let (journal, trouble) = (self.journal.health(), self.shadow.as_ref().map(|s| s.why.to_string()));
        self.shared.with_health(|h| (h.journal, h.trouble) = (journal, trouble));
        self.shared.changed.send_modify(|n| *n += 1);
    }

    fn stop(&mut self) {
        if self.shadow.is_none() {
            self.snapshot();
        }
        self.publish();
        info!(seq = self.state.seq(), "the fold has stopped");
    }
}

impl Shared {
    fn with_health(&self, change: impl FnOnce(&mut CoreHealth)) {
        change(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A handle to the fold. Cheap to clone.
#[derive(Clone)]
pub struct CoreHandle {
    tx: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

impl CoreHandle {
    /// Hands in an input, waiting while the fold is busy, and returns once it is folded.
    pub async fn input(&self, input: Input) -> Result<Option<Answer>, NotAccepted> {
        let (tx, rx) = oneshot::channel();
        self.tx.send(Message::Input(Box::new(input), Some(tx))).await.map_err(|_| NotAccepted::Stopping)?;
        rx.await.map_err(|_| NotAccepted::Stopping)?
    }

    /// Hands in an input, waiting only for room in the queue.
    pub async fn offer(&self, input: Input) -> Result<(), NotAccepted> {
        self.tx.send(Message::Input(Box::new(input), None)).await.map_err(|_| NotAccepted::Stopping)
    }

    /// Asks the state itself, between two inputs.
    pub async fn query<T: Send + 'static>(&self, ask: impl FnOnce(&State) -> T + Send + 'static) -> Option<T> {
        let (tx, rx) = oneshot::channel();
        let query = Box::new(move |state: &State| drop(tx.send(ask(state))));
        self.tx.send(Message::Query(query)).await.ok()?;
        rx.await.ok()
    }

    /// Stops the fold after what is queued: snapshot, link logs synced.
    pub async fn stop(&self) {
        let (tx, rx) = oneshot::channel();
        if self.tx.send(Message::Stop(tx)).await.is_ok() {
            // An error means that it has stopped already.
            let _stopped = rx.await;
        }
    }

    /// The newest view.
    pub fn view(&self) -> Arc<View> {
        self.shared.view.load_full()
    }

    /// Changes with every view.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Journal and fold.
    pub fn health(&self) -> CoreHealth {
        let mut health = self.shared.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        health.folded = self.shared.folded.load(Ordering::Relaxed);
        health
    }

    /// Observed losses of separation since the start.
    pub fn losses(&self) -> Vec<ObservedLoss> {
        self.shared.losses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The clock.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Body of the pact with a peer, as a link sends it to a peer that holds another.
    pub fn pact_text(&self, peer: &PartyId) -> Option<String> {
        let view = self.view();
        let pact = view.pacts.iter().find(|p| p.parties.contains(peer))?;
        Some(pact.text.split_once("\n\n").map_or_else(|| pact.text.clone(), |(body, _)| format!("{body}\n")))
    }

    /// Both logs of the link to a peer.
    pub fn stores(&self, peer: &PartyId) -> Option<LinkStores> {
        self.shared.stores.lock().unwrap_or_else(PoisonError::into_inner).get(peer).cloned()
    }

    /// Registers a connection before its first input; what the fold has to send on it goes there.
    pub fn attach(&self, session: u64) -> Arc<SessionOut> {
        self.shared.sessions.attach(session)
    }

    /// Forgets a connection.
    pub fn detach(&self, session: u64) {
        self.shared.sessions.detach(session);
    }

    /// Counts a connection that did not become a session.
    pub fn count_refused_connection(&self, reason: &str) {
        let mut counts = self.shared.refused_connections.lock().unwrap_or_else(PoisonError::into_inner);
        // Reasons come from a few places of our own code, but a bound is a bound.
        if counts.len() < 64 || counts.contains_key(reason) {
            *counts.entry(reason.to_string()).or_default() += 1;
        }
    }

    /// Connections refused, by reason.
    pub fn refused_connections(&self) -> BTreeMap<String, u64> {
        self.shared.refused_connections.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
