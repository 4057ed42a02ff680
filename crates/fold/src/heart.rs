//! Inputs in, journal, fold, and only then outputs.
use crate::Planted;
use crate::error::Error;
use crate::recovery::{self, Poison, Recovered};
use crate::stores::Stores;
use journal::fs::Fs;
use journal::{Journal, JournalError, SegmentJournal, Seq, SnapshotDone};
use node::State;
use node::input::{Answered, Entry, Input, ObservedLoss, Output};
use record::PartyId;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tlog::NoteSigner;
use tracing::{error, info, warn};
use units::Now;

/// While the journal is full it is tried again this often.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Open tiles of the link logs are looked at this often; they are made durable with the next snapshot.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

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

/// The clocks of whoever runs the fold.
pub trait Time {
    /// The time at which an input is accepted.
    fn now(&self) -> Now;
    /// How long the program runs; goes on steadily, whatever the clock says.
    fn up(&self) -> Duration;
}

/// Where the effects go. Each is called only after the input that caused it is durable.
pub trait Outlet {
    /// Whoever waits for an input to be folded.
    type Reply;
    /// The input was folded, with this answer if it was a command or a traffic service's request; or it was not accepted. `took` is how
    /// long the fold worked on it.
    fn reply(&mut self, reply: Self::Reply, answer: Result<Option<Answered>, NotAccepted>, took: Duration);
    /// An output of the link to a peer; what it asks to store is stored.
    fn link(&mut self, state: &State, stores: &Stores, peer: &PartyId, output: &link::Output);
    /// A loss of separation was observed.
    fn loss(&mut self, loss: ObservedLoss);
    /// State and link logs were made again from the journal.
    fn made_again(&mut self, stores: &Stores);
}

/// How a fold is run.
pub struct Options {
    /// The disk.
    pub fs: Arc<dyn Fs>,
    /// Folder of journal and link logs.
    pub data: PathBuf,
    /// The log key: a receipt is kept with our note of the checkpoint.
    pub log_key: NoteSigner,
    /// A snapshot at least this often.
    pub snapshot_every: Duration,
    /// Snapshots are encoded and written on a thread of their own while inputs are taken: one of a million intents takes seconds. Not in the
    /// simulator, where nothing happens at once.
    pub snapshots_beside: bool,
    /// A bug, for the simulator alone.
    #[doc(hidden)]
    pub planted: Option<Planted>,
}

/// The fold: a state, its journal and its link logs.
pub struct Fold<T> {
    state: State,
    journal: SegmentJournal,
    stores: Stores,
    /// The picture while nothing is accepted.
    shadow: Option<Shadow>,
    options: Options,
    time: T,
    last_snapshot: Duration,
    last_flush: Duration,
    /// A snapshot that is being written, and its position.
    beside: Option<(u64, JoinHandle<SnapshotDone>)>,
}

struct Shadow {
    state: Box<State>,
    since_utc_ms: i64,
    dropped: u64,
    why: NotAccepted,
    tried: Duration,
}

impl<T: Time> Fold<T> {
    /// Goes on with what was recovered. The first input is to be a [`Input::Boot`].
    pub fn new(options: Options, recovered: Recovered, time: T) -> Self {
        let Recovered { state, journal, stores, replayed } = recovered;
        info!(replayed, seq = state.seq(), "journal folded");
        let now = time.up();
        let (last_snapshot, last_flush) = (now, now);
        Self { state, journal, stores, shadow: None, options, time, last_snapshot, last_flush, beside: None }
    }

    /// Journals a batch, folds it, acts on what came of it.
    //= spec/link.md S-5
    pub fn batch<O: Outlet>(&mut self, inputs: Vec<(Input, Option<O::Reply>)>, outlet: &mut O) {
        let (mut entries, mut replies) = (Vec::with_capacity(inputs.len()), Vec::with_capacity(inputs.len()));
        for (input, reply) in inputs {
            entries.push(Entry { now: self.time.now(), input });
            replies.push(reply);
        }
        if entries.is_empty() {
            return;
        }
        if let Some(shadow) = &self.shadow {
            let waited = self.time.up().saturating_sub(shadow.tried);
            if matches!(shadow.why, NotAccepted::Failed(_)) || waited < RETRY_EVERY {
                return self.refuse(entries, replies, outlet);
            }
            // The gap stands in the journal before what is accepted after it.
            let input = Input::Gap { dropped: shadow.dropped, since_utc_ms: shadow.since_utc_ms };
            entries.insert(0, Entry { now: entries[0].now, input });
            replies.insert(0, None);
        }
        self.cosign_early(&entries, outlet);
        self.append(entries, replies, outlet);
    }

    /// Journals entries and folds them.
    fn append<O: Outlet>(&mut self, mut entries: Vec<Entry>, mut replies: Vec<Option<O::Reply>>, outlet: &mut O) {
        let encoded: Vec<Vec<u8>> = entries.iter().map(recovery::encode).collect();
        let slices: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        if self.options.planted == Some(Planted::PublishBeforeFsync) {
            self.fold_batch(std::mem::take(&mut entries), std::mem::take(&mut replies), outlet);
        }
        match self.journal.append_batch(None, &slices) {
            Ok(_) => {
                if let Some(shadow) = self.shadow.take() {
                    info!(dropped = shadow.dropped, "the journal takes inputs again");
                }
                self.fold_batch(entries, replies, outlet);
            }
            // More than the journal writes at once: nothing was accepted, and it is no fault of the disk.
            Err(JournalError::TooLarge { .. }) if entries.len() > 1 => {
                let half = entries.len() / 2;
                let (later, their_replies) = (entries.split_off(half), replies.split_off(half));
                self.append(entries, replies, outlet);
                match self.shadow.is_some() {
                    true => self.refuse(later, their_replies, outlet),
                    false => self.append(later, their_replies, outlet),
                }
            }
            Err(error @ JournalError::TooLarge { .. }) if self.shadow.is_none() => {
                for reply in replies.into_iter().flatten() {
                    outlet.reply(reply, Err(NotAccepted::Failed(error.to_string())), Duration::ZERO);
                }
            }
            Err(error) => {
                let why = match error {
                    JournalError::Full { .. } => NotAccepted::Full,
                    other => NotAccepted::Failed(other.to_string()),
                };
                self.enter_shadow(why);
                entries.retain(|e| !matches!(e.input, Input::Gap { .. }));
                let skip = replies.len() - entries.len();
                self.refuse(entries, replies.split_off(skip), outlet);
            }
        }
    }

    fn fold_batch<O: Outlet>(&mut self, entries: Vec<Entry>, replies: Vec<Option<O::Reply>>, outlet: &mut O) {
        let mut decisions = Vec::new();
        for (entry, reply) in entries.iter().zip(replies) {
            let Err((poison, reply)) = self.fold(entry, reply, outlet) else { continue };
            match self.quarantine(poison, reply, outlet) {
                Some(decision) => decisions.push(decision),
                None => return,
            }
        }
        for decision in decisions {
            if self.fold(&decision, None, outlet).is_err() {
                unreachable!("folding a decision says one line");
            }
        }
    }

    /// Folds an entry that is journaled and acts on what comes of it; gives the reply back if it cannot be folded.
    fn fold<O: Outlet>(
        &mut self,
        entry: &Entry,
        mut reply: Option<O::Reply>,
        outlet: &mut O,
    ) -> Result<(), (Poison, Option<O::Reply>)> {
        let mut outputs = Vec::new();
        let seq = self.state.seq() + 1;
        let began = self.time.up();
        if !recovery::apply(&mut self.state, entry, &mut outputs) {
            return Err((Poison { seq }, reply));
        }
        let took = self.time.up().saturating_sub(began);
        for output in outputs {
            match output {
                Output::Answer(answer) => {
                    if let Some(reply) = reply.take() {
                        outlet.reply(reply, Ok(Some(answer)), took);
                    }
                }
                Output::Link(name, output) => self.link(&name, &output, outlet),
                Output::Loss(loss) => outlet.loss(loss),
                Output::Log(line) => warn!("{line}"),
            }
        }
        if let Some(reply) = reply {
            outlet.reply(reply, Ok(None), took);
        }
        Ok(())
    }

    fn link<O: Outlet>(&mut self, name: &PartyId, output: &link::Output, outlet: &mut O) {
        if let Err(error) = self.stores.keep(&self.state, name, output, &self.options.log_key) {
            // The journal has it, so nothing is lost; but a log that cannot be written is a disk that cannot be trusted.
            error!(peer = %name, "the link's log cannot be written: {error}");
            self.store_failed(format!("the log of the link to {name}: {error}"));
            return;
        }
        if let link::Output::Frozen { reason, .. } = output {
            let forgotten = match reason {
                link::FrozenReason::OwnRollback | link::FrozenReason::OwnClaimed => {
                    ". With an old copy, or data begun anew, release rules, markings and accounts that were ordered since are gone: order \
                     them again before a link is opened (docs/operating.md, \"Backups\")"
                }
                _ => "",
            };
            error!(peer = %name, %reason, "the link is frozen: {}{forgotten}", reason.advice());
        }
        let is_out = self.options.planted == Some(Planted::ReceiptBeforeDurable);
        if is_out && matches!(output, link::Output::Cosign(_)) {
            return;
        }
        outlet.link(&self.state, &self.stores, name, output);
    }

    /// An input made the fold panic. The decision to skip it is journaled, and the state is made again up to it, without it;
    /// what was journaled after it is then folded as ever. The decision itself is folded last, as it stands last.
    fn quarantine<O: Outlet>(&mut self, poison: Poison, reply: Option<O::Reply>, outlet: &mut O) -> Option<Entry> {
        error!(poison.seq, "an input made the fold fail; it is quarantined");
        // The state is made again from the snapshots that there are.
        self.end_snapshot();
        let decision = recovery::decision(poison, self.time.now());
        let journaled = self.journal.append_batch(None, &[&recovery::encode(&decision)]).map_err(|source| {
            let what = "a quarantine cannot be journaled".to_owned();
            Error::Journal { what, source }
        });
        let again = journaled
            .and_then(|_| recovery::fold_upto(&self.options.fs, &self.journal, &self.options.data, Seq(poison.seq)));
        if let Some(reply) = reply {
            let why = NotAccepted::Failed("the input was quarantined; see the log".into());
            outlet.reply(reply, Err(why), Duration::ZERO);
        }
        match again {
            Ok((state, stores, _)) => {
                (self.state, self.stores) = (state, stores);
                outlet.made_again(&self.stores);
                Some(decision)
            }
            Err(error) => {
                // The state is not to be trusted; a restart makes it again from the journal.
                self.enter_shadow(NotAccepted::Failed(format!("a quarantine failed: {error}")));
                None
            }
        }
    }

    fn enter_shadow(&mut self, why: NotAccepted) {
        let tried = self.time.up();
        if let Some(shadow) = &mut self.shadow {
            (shadow.tried, shadow.why) = (tried, why);
            return;
        }
        error!("nothing is accepted and nothing is signed: {why}");
        let (state, now) = (Box::new(self.state.clone()), self.time.now());
        self.shadow = Some(Shadow { state, since_utc_ms: now.utc.0, dropped: 0, why, tried });
    }

    /// A link's log could not be written. What it lacks is in memory and in the journal; so when it was for want of space,
    /// it is tried again when there is some. A disk that fails in another way cannot be trusted.
    fn store_failed(&mut self, what: String) {
        let health = self.journal.health();
        let full = health.free_bytes.is_some_and(|free| free < health.reserve_bytes);
        self.enter_shadow(if full { NotAccepted::Full } else { NotAccepted::Failed(what) });
    }

    /// Refuses inputs, and shows the reports among them all the same.
    fn refuse<O: Outlet>(&mut self, entries: Vec<Entry>, replies: Vec<Option<O::Reply>>, outlet: &mut O) {
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
                outlet.reply(reply, Err(shadow.why.clone()), Duration::ZERO);
            }
        }
    }

    /// What has a cadence of its own: link logs, snapshots. To be called after each batch.
    pub fn housekeeping(&mut self) {
        if self.beside.as_ref().is_some_and(|(.., thread)| thread.is_finished()) {
            self.end_snapshot();
        }
        if self.shadow.is_some() {
            return;
        }
        let up = self.time.up();
        if up.saturating_sub(self.last_flush) >= FLUSH_EVERY {
            self.last_flush = up;
            if let Err(error) = self.stores.flush_if_due(up) {
                self.store_failed(format!("a link's log cannot be written: {error}"));
            }
        }
        if self.beside.is_none() && up.saturating_sub(self.last_snapshot) >= self.options.snapshot_every {
            self.write_snapshot(self.options.snapshots_beside);
        }
    }

    /// Writes a snapshot, and before it what it takes for granted; nothing while nothing is accepted.
    pub fn snapshot(&mut self) {
        self.end_snapshot();
        self.write_snapshot(false);
    }

    //= spec/link.md S-6
    fn write_snapshot(&mut self, beside: bool) {
        if self.shadow.is_some() {
            return;
        }
        self.last_snapshot = self.time.up();
        // The link logs must hold what the snapshot takes for granted.
        if let Err(error) = self.stores.flush() {
            return self.store_failed(format!("a link's log cannot be written: {error}"));
        }
        // A sync that failed once may say yes the second time without having written: no second try.
        if let Err(error) = self.stores.sync() {
            return self.enter_shadow(NotAccepted::Failed(format!("a link's log cannot be synced: {error}")));
        }
        let seq = self.state.seq();
        let writer = match self.journal.snapshot_writer(Seq(seq)) {
            Ok(writer) => writer,
            Err(error) => return warn!("no snapshot: {error}; the journal keeps everything"),
        };
        if !beside {
            return self.snapshot_done(seq, writer.write(&self.state.to_snapshot()));
        }
        let frozen = self.state.frozen();
        let write = move || writer.write(&frozen.to_snapshot());
        match std::thread::Builder::new().name("snapshot".into()).spawn(write) {
            Ok(thread) => self.beside = Some((seq, thread)),
            Err(error) => warn!("no snapshot: no thread to write it: {error}; the journal keeps everything"),
        }
    }

    /// Waits for a snapshot that is being written.
    fn end_snapshot(&mut self) {
        let Some((seq, thread)) = self.beside.take() else { return };
        match thread.join() {
            Ok(done) => self.snapshot_done(seq, done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn snapshot_done(&mut self, seq: u64, done: SnapshotDone) {
        let bytes = done.bytes();
        match self.journal.snapshot_done(done) {
            Ok(()) => info!(seq, bytes, "snapshot written"),
            Err(error) => warn!("no snapshot: {error}; the journal keeps everything"),
        }
    }

    /// The state after the last input that was accepted.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state to show: that of [`Fold::state`], or while nothing is accepted what the feeds made of it since.
    pub fn shown(&self) -> &State {
        self.shadow.as_ref().map_or(&self.state, |shadow| &shadow.state)
    }

    /// Why nothing is accepted, if nothing is.
    pub fn trouble(&self) -> Option<&NotAccepted> {
        self.shadow.as_ref().map(|shadow| &shadow.why)
    }

    /// The journal.
    pub fn journal(&self) -> &SegmentJournal {
        &self.journal
    }

    /// The link logs.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// The clock.
    pub fn time(&self) -> &T {
        &self.time
    }
}

impl<T: Time> Fold<T> {
    /// The bug [`Planted::ReceiptBeforeDurable`].
    fn cosign_early<O: Outlet>(&mut self, entries: &[Entry], outlet: &mut O) {
        if self.options.planted != Some(Planted::ReceiptBeforeDurable) {
            return;
        }
        let (mut ahead, mut outputs) = (self.state.clone(), Vec::new());
        entries.iter().for_each(|entry| ahead.apply(entry, &mut outputs));
        for output in &outputs {
            if let Output::Link(name, output @ link::Output::Cosign(_)) = output {
                outlet.link(&ahead, &self.stores, name, output);
            }
        }
    }
}
