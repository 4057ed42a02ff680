//! The one thread that folds: the queue before it, the views made of it, and handles to it. What it does with an input, and
//! in what order, is `fold`'s.
use crate::clock::Clock;
use crate::keys::{Keys, key_name};
use crate::sessions::{SessionOut, Sessions};
use anyhow::Result;
use arc_swap::ArcSwap;
pub use fold::NotAccepted;
use fold::{Fold, LinkStores, Outlet, Recovered, Stores};
use journal::Journal;
use journal::fs::Fs;
use node::State;
use node::command::Answer;
use node::input::{Answered, Input, ObservedLoss, Outlined};
use node::view::View;
use record::PartyId;
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::info;
use units::Now;

/// Inputs waiting for the fold. A link frame has at most 512 KiB and a connection one frame in flight; commands and
/// reports are smaller. Senders wait, so this bounds memory, not acceptance.
const QUEUE_MAX: usize = 1024;
/// Batches of reports waiting for the fold, each of at most `record::BATCH_MAX`. They wait apart from everything else: a burst of
/// 20,000 reports takes the fold 0.2 s, and an officer's command or a FLASH must not wait for it.
const REPORTS_QUEUE_MAX: usize = 64;
/// Inputs of one batch, and bytes of link frames among them, of which one more may come; and batches of reports. One fdatasync covers
/// them all, and for so long everything else waits: some 10 ms of folding.
const BATCH_MAX: usize = 512;
const BATCH_BYTES: usize = 128 << 10;
const BATCH_REPORTS: usize = 2;
/// Requests of traffic services among them are so many that they take about so long to fold: nobody knows before what one takes, 0.04 ms, or
/// 15 ms where 15,000 intents are, so it goes by the batch before. A traffic service has few under way, which bounds the first such batch.
/// Where they take long, a sync more is little beside it.
const BATCH_FOLDING: Duration = Duration::from_millis(20);
/// Questions are answered for so long before inputs, feeds, views and snapshots have their turn; those that are left are answered after
/// the next batch.
const TURN: Duration = Duration::from_millis(20);
/// Questions that were taken from the queue and wait. With more the queue waits too: console and DSS have 512 connections each, with one
/// question under way.
const QUESTIONS_MAX: usize = 1024;
/// Views at most this often: a console shows four a second.
const VIEW_EVERY: Duration = Duration::from_millis(100);
/// The same when an alert was raised or has become worse: who has the desk is to know at once.
const HURRY: Duration = Duration::from_millis(10);
/// Losses kept for the report of an exercise.
const LOSSES_MAX: usize = 100_000;

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

type Reply = oneshot::Sender<(Result<Option<Answered>, NotAccepted>, Duration)>;

type Question = Box<dyn FnOnce(&State) + Send>;

enum Message {
    Input(Box<Input>, Option<Reply>),
    Query(Question),
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
    verifier: OnceLock<Arc<oauth::Verifier>>,
    folded: AtomicU64,
    clock: Clock,
}

/// What [`start`] needs.
pub struct CoreConfig {
    /// The disk.
    pub fs: Arc<dyn Fs>,
    /// Folder of journal and link logs.
    pub data: PathBuf,
    /// Clock.
    pub clock: Clock,
    /// Keys.
    pub keys: Arc<Keys>,
    /// A snapshot at least this often.
    pub snapshot_every: Duration,
    /// Written on a thread of their own.
    pub snapshots_beside: bool,
    /// The boot input.
    pub boot: node::input::Boot,
}

/// Boots a recovered node and starts the fold on a thread of its own.
pub fn start(config: CoreConfig, recovered: Recovered) -> Result<(CoreHandle, std::thread::JoinHandle<()>)> {
    let (handle, core) = boot(config, recovered)?;
    // Only to wait for two queues: it drives neither sockets nor timers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let thread = std::thread::Builder::new().name("fold".into()).spawn(move || runtime.block_on(core.run()))?;
    Ok((handle, thread))
}

/// The same as a task of this runtime, where time may be virtual.
#[cfg(test)]
pub fn start_as_task(config: CoreConfig, recovered: Recovered) -> Result<CoreHandle> {
    let (handle, core) = boot(config, recovered)?;
    tokio::spawn(core.run());
    Ok(handle)
}

fn boot(config: CoreConfig, recovered: Recovered) -> Result<(CoreHandle, Core)> {
    let (tx, rx) = mpsc::channel(QUEUE_MAX);
    let (reports_tx, reports) = mpsc::channel(REPORTS_QUEUE_MAX);
    let shared = Arc::new(Shared {
        view: ArcSwap::from_pointee(recovered.state.view(config.clock.now())),
        changed: watch::channel(0).0,
        health: Mutex::new(CoreHealth {
            journal: recovered.journal.health(),
            trouble: None,
            longest_batch: Duration::ZERO,
            folded: 0,
        }),
        sessions: Sessions::default(),
        stores: Mutex::new(BTreeMap::new()),
        losses: Mutex::new(Vec::new()),
        refused_connections: Mutex::new(BTreeMap::new()),
        verifier: OnceLock::new(),
        folded: AtomicU64::new(0),
        clock: config.clock,
    });
    let options = fold::Options {
        fs: config.fs,
        data: config.data,
        log_key: config.keys.log_signer(&key_name(&config.boot.party))?,
        snapshot_every: config.snapshot_every,
        snapshots_beside: config.snapshots_beside,
        planted: None,
    };
    let now = Instant::now();
    let fold = Fold::new(options, recovered, Machine { clock: config.clock, began: now });
    let questions = VecDeque::new();
    let mut core = Core {
        rx,
        reports,
        questions,
        shared: shared.clone(),
        fold,
        last_view: now,
        hurry: false,
        requests_max: BATCH_MAX,
    };
    core.batch(vec![(Input::Boot(Box::new(config.boot)), None)]);
    Out::new(&core.shared).made_again(core.fold.stores());
    if let Some(why) = core.fold.trouble() {
        anyhow::bail!("cannot journal the start: {why}");
    }
    // The boot opened the links; nobody has heard of it yet, and what it says is in memory.
    crate::behind::check(core.fold.state(), core.fold.stores())?;
    core.publish();
    Ok((CoreHandle { tx, reports: reports_tx, shared }, core))
}

/// Bytes of an input that a stranger may make long: a batch is one write of the journal, which has a bound.
fn weight(input: &Input) -> usize {
    match input {
        Input::LinkFrame { frame, .. } => frame.len(),
        Input::Dss(request, outlined) => request.weight() + outlined.as_deref().map_or(0, Outlined::weight),
        Input::Notified(notified) => 1024 + notified.address.len() + 32 * notified.subscriptions.len(),
        _ => 0,
    }
}

/// The machine's time, as the fold asks for it.
struct Machine {
    clock: Clock,
    began: Instant,
}

impl fold::Time for Machine {
    fn now(&self) -> Now {
        self.clock.now()
    }

    fn up(&self) -> Duration {
        self.began.elapsed()
    }
}

/// The fold's thread.
struct Core {
    rx: mpsc::Receiver<Message>,
    /// What feeds bring.
    reports: mpsc::Receiver<Message>,
    /// Taken from the queue, and not answered yet.
    questions: VecDeque<Question>,
    shared: Arc<Shared>,
    fold: Fold<Machine>,
    last_view: Instant,
    /// An alert was raised or has become worse since then.
    hurry: bool,
    /// Requests of traffic services that the next batch may have.
    requests_max: usize,
}

impl Core {
    async fn run(mut self) {
        loop {
            let first = match self.questions.is_empty() {
                true => self.wait().await,
                false => self.rx.try_recv().ok(),
            };
            if first.is_none() && self.questions.is_empty() {
                return self.stop();
            }
            if self.take(first).is_break() {
                return;
            }
        }
    }

    /// The next message; `None` when no handle is left.
    async fn wait(&mut self) -> Option<Message> {
        loop {
            let due = self.last_view + HURRY;
            tokio::select! {
                biased;
                message = self.rx.recv() => return message,
                message = self.reports.recv() => return message,
                () = tokio::time::sleep_until(due), if self.hurry => self.publish(),
            }
        }
    }

    /// Takes a message, and those that wait behind it, as one batch, and then answers questions: however many there are, one sync is
    /// for all the inputs between them. A question that came after an answer is asked of a state that has what was answered. Breaks when
    /// it was told to stop.
    fn take(&mut self, first: Option<Message>) -> ControlFlow<()> {
        let mut inputs = Vec::new();
        let (mut bytes, mut requests, mut next) = (0, 0, first);
        while let Some(message) = next.take() {
            match message {
                Message::Input(input, reply) => {
                    bytes += weight(&input);
                    requests += usize::from(matches!(*input, Input::Dss(..)));
                    inputs.push((*input, reply));
                }
                Message::Query(question) => self.questions.push_back(question),
                Message::Stop(done) => {
                    inputs.extend(self.reported(usize::MAX));
                    self.batch(inputs);
                    self.answer(Duration::MAX);
                    self.stop();
                    // Whoever asked may be gone.
                    let _gone = done.send(());
                    return ControlFlow::Break(());
                }
            }
            let room = inputs.len() < BATCH_MAX && bytes < BATCH_BYTES && requests < self.requests_max;
            if room && self.questions.len() < QUESTIONS_MAX {
                next = self.rx.try_recv().ok();
            }
        }
        // However much else there is, feeds have their share of every batch.
        inputs.extend(self.reported(BATCH_REPORTS));
        let sounded = self.fold.state().sounded();
        self.batch(inputs);
        self.hurry |= self.fold.state().sounded() != sounded;
        self.answer(TURN);
        if self.last_view.elapsed() >= if self.hurry { HURRY } else { VIEW_EVERY } {
            self.publish();
        }
        self.fold.housekeeping();
        ControlFlow::Continue(())
    }

    /// Answers questions for so long, one at least.
    fn answer(&mut self, within: Duration) {
        let began = Instant::now();
        while let Some(question) = self.questions.pop_front() {
            question(self.fold.state());
            if began.elapsed() >= within {
                break;
            }
        }
    }

    /// Up to so many batches of reports that wait.
    fn reported(&mut self, max: usize) -> Vec<(Input, Option<Reply>)> {
        let input = |message| match message {
            Message::Input(input, reply) => Some((*input, reply)),
            Message::Query(_) | Message::Stop(_) => None,
        };
        std::iter::from_fn(|| self.reports.try_recv().ok()).take(max).filter_map(input).collect()
    }

    fn batch(&mut self, inputs: Vec<(Input, Option<Reply>)>) {
        let (started, before) = (Instant::now(), self.fold.state().seq());
        let mut out = Out::new(&self.shared);
        self.fold.batch(inputs, &mut out);
        self.requests_max = next_max(self.requests_max, out.requests, out.took);
        let folded = self.fold.state().seq().saturating_sub(before);
        if folded > 0 {
            self.shared.folded.fetch_add(folded, Ordering::Relaxed);
            self.shared.with_health(|h| h.longest_batch = h.longest_batch.max(started.elapsed()));
        }
    }

    fn publish(&mut self) {
        (self.last_view, self.hurry) = (Instant::now(), false);
        self.shared.view.store(Arc::new(self.fold.shown().view(self.shared.clock.now())));
        let (journal, trouble) = (self.fold.journal().health(), self.fold.trouble().map(ToString::to_string));
        self.shared.with_health(|h| (h.journal, h.trouble) = (journal, trouble));
        self.shared.changed.send_modify(|n| *n += 1);
    }

    fn stop(&mut self) {
        self.fold.snapshot();
        self.publish();
        info!(seq = self.fold.state().seq(), "the fold has stopped");
    }
}

/// Requests that the next batch may have, when this one might have `max`, had so many, and those took so long.
fn next_max(max: usize, had: u32, took: Duration) -> usize {
    match had as usize {
        // So many as would have been in time.
        _ if took > BATCH_FOLDING => ((u128::from(had) * BATCH_FOLDING.as_nanos() / took.as_nanos()) as usize).max(1),
        had if had >= max && took < BATCH_FOLDING / 2 => (max * 2).min(BATCH_MAX),
        _ => max,
    }
}

/// Where the fold's effects go.
struct Out<'s> {
    shared: &'s Shared,
    /// Requests of traffic services that were folded, and how long that took.
    requests: u32,
    took: Duration,
}

impl<'s> Out<'s> {
    const fn new(shared: &'s Shared) -> Self {
        Self { shared, requests: 0, took: Duration::ZERO }
    }
}

impl Outlet for Out<'_> {
    type Reply = Reply;

    fn reply(&mut self, reply: Reply, answer: Result<Option<Answered>, NotAccepted>, took: Duration) {
        if let Ok(Some(Answered::Dss(_))) = &answer {
            self.requests += 1;
            self.took += took;
        }
        // The caller may have gone away; what it asked is done all the same.
        let _gone = reply.send((answer, took));
    }

    fn link(&mut self, _: &State, _: &Stores, _: &PartyId, output: &link::Output) {
        self.shared.sessions.push(output);
    }

    fn loss(&mut self, loss: ObservedLoss) {
        let mut losses = self.shared.losses.lock().unwrap_or_else(PoisonError::into_inner);
        if losses.len() < LOSSES_MAX {
            losses.push(loss);
        }
    }

    fn made_again(&mut self, stores: &Stores) {
        *self.shared.stores.lock().unwrap_or_else(PoisonError::into_inner) = stores.map().clone();
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
    reports: mpsc::Sender<Message>,
    shared: Arc<Shared>,
}

impl CoreHandle {
    /// Hands in an input, waiting while the fold is busy, and returns once it is folded.
    pub async fn input(&self, input: Input) -> Result<Option<Answer>, NotAccepted> {
        Ok(self.answered(input).await?.0.and_then(Answered::command))
    }

    /// Hands in what a traffic service asks, and returns the answer once it is durable, and how long the fold worked on it.
    pub async fn dss(
        &self,
        request: dss::Request,
        outlined: Option<Outlined>,
    ) -> Result<(dss::Outcome, Duration), NotAccepted> {
        match self.answered(Input::Dss(Box::new(request), outlined.map(Box::new))).await? {
            (Some(Answered::Dss(outcome)), took) => Ok((*outcome, took)),
            (Some(Answered::Command(_)) | None, _) => Err(NotAccepted::Failed("the fold gave no answer".into())),
        }
    }

    async fn answered(&self, input: Input) -> Result<(Option<Answered>, Duration), NotAccepted> {
        let (tx, rx) = oneshot::channel();
        self.tx.send(Message::Input(Box::new(input), Some(tx))).await.map_err(|_| NotAccepted::Stopping)?;
        let (answer, took) = rx.await.map_err(|_| NotAccepted::Stopping)?;
        Ok((answer?, took))
    }

    /// Hands in an input, waiting only for room in the queue.
    pub async fn offer(&self, input: Input) -> Result<(), NotAccepted> {
        self.tx.send(Message::Input(Box::new(input), None)).await.map_err(|_| NotAccepted::Stopping)
    }

    /// Hands in what a feed brings, waiting only for room; everything else goes before it.
    pub async fn report(&self, input: Input) -> Result<(), NotAccepted> {
        self.reports.send(Message::Input(Box::new(input), None)).await.map_err(|_| NotAccepted::Stopping)
    }

    /// Asks the state itself, between two inputs.
    pub async fn query<T: Send + 'static>(&self, ask: impl FnOnce(&State) -> T + Send + 'static) -> Option<T> {
        let (tx, rx) = oneshot::channel();
        let query = Box::new(move |state: &State| {
            // Whoever gave up is not answered: a console. What a traffic service asks is waited for to its end, for it is to be paid.
            if !tx.is_closed() {
                drop(tx.send(ask(state)));
            }
        });
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

    /// States by what access tokens of traffic services are checked; the first counts.
    pub fn checks_tokens(&self, verifier: Arc<oauth::Verifier>) {
        let _first = self.shared.verifier.set(verifier);
    }

    /// Keys of access tokens, where traffic services are served.
    pub fn token_keys(&self) -> Option<usize> {
        self.shared.verifier.get().map(|verifier| verifier.keys().len())
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
