//! What this crate asks of the binary: the view, commands made durable, time and entropy.
use futures_util::future::BoxFuture;
use node::NearSite;
use node::command::{Actor, Answer, Command};
use node::input::PaintedAlert;
use node::view::{TrackView, View};
use node::{Decisions, Listed, Unflown, Unplanned};
use record::{Hash32, PartyId, Record};
use std::sync::Arc;
use tokio::sync::watch;
use units::{Utc, Vertex};

/// A node as this interface sees it. Implemented by the binary, and by the tests.
pub trait Backend: Send + Sync + 'static {
    /// The newest view; never waits.
    fn view(&self) -> Arc<View>;

    /// Changes with each new view. When the sender is dropped, there will be no more and streams are closed.
    fn changed(&self) -> watch::Receiver<u64>;

    /// Journals a command and folds it; resolves after it is durable.
    fn command(
        &self,
        actor: Actor,
        key: Option<String>,
        command: Command,
    ) -> BoxFuture<'_, Result<Answer, Unavailable>>;

    /// Journals that something was refused before it became a command, so and so often.
    fn attempt(
        &self,
        actor: Actor,
        command: String,
        refused: String,
        times: u32,
    ) -> BoxFuture<'_, Result<(), Unavailable>>;

    /// Journals that these were painted for an officer for the first time, an alert once for each time it was raised.
    fn displayed(
        &self,
        actor: Actor,
        alerts: Vec<PaintedAlert>,
        notices: Vec<Hash32>,
    ) -> BoxFuture<'_, Result<(), Unavailable>>;

    /// What a peer is told under the rules in force; `None` if there is no such peer.
    fn preview(&self, peer: PartyId) -> BoxFuture<'_, Option<Preview>>;

    /// What a peer has been shown of us, from the log of what was released; `None` if there is no such peer.
    fn seen_by(&self, peer: PartyId) -> BoxFuture<'_, Option<Seen>>;

    /// What a peer sent ahead and did not sign for; `None` if there is no such peer.
    fn denied(&self, peer: PartyId) -> BoxFuture<'_, Option<Vec<Denied>>>;

    /// What a conflict's alert rests on; `None` if there is no such alert, or it was not decided here.
    fn decisions(&self, alert: u64) -> BoxFuture<'_, Option<Decisions>>;

    /// Aircraft in the air without a plan, and plans that nobody flies.
    fn planned(&self) -> BoxFuture<'_, (Listed<Unplanned>, Listed<Unflown>)>;

    /// Protected sites held here that a place, with so much around it, is over or near, and how many more; `None` while stopping.
    fn sites_near(&self, at: Vertex, radius_mm: i64) -> BoxFuture<'_, Option<(Vec<NearSite>, usize)>>;

    /// Commands with a sequence number above `after`, oldest first, at most `limit`.
    fn audit(&self, after: u64, limit: usize) -> BoxFuture<'_, Vec<AuditRow>>;

    /// Health of the journal and of the node.
    fn health(&self) -> Health;

    /// Metrics as Prometheus text.
    fn metrics(&self) -> String;

    /// The node's clock.
    fn clock_utc(&self) -> Utc;

    /// 32 bytes from the system's generator.
    fn random32(&self) -> [u8; 32];
}

/// Why a command was not accepted. Nothing of it has any effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The disk is full.
    #[error("the disk that holds the journal is full; nothing was accepted")]
    JournalFull,
    /// The journal failed.
    #[error("the journal failed: {0}")]
    Failed(String),
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
}

/// What a peer is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// What the next release would hold.
    pub next: Vec<PreviewRecord>,
    /// What is held of plans and sites, as the peer is told of it.
    pub filed: Vec<PreviewRecord>,
    /// Plans and sites not looked at.
    pub left_out: u64,
}

/// One record that would be released, with why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewRecord {
    /// The record.
    pub record: Record,
    /// Length of its encoding.
    pub bytes_len: usize,
    /// The ledger row as text: under which rule, at which level.
    pub ledger: String,
    /// It would be said once the plan is accepted, and not before.
    pub draft: bool,
}

/// What a peer has been shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// As of when.
    pub utc: Utc,
    /// Tracks, by id; owners index [`View::parties`].
    pub tracks: Vec<TrackView>,
}

/// What a peer sent ahead of its turn, and its log has another entry in the place of. Nobody signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The place.
    pub index: u64,
    /// Name of the record that was said.
    pub record: Hash32,
    /// Its bytes as they came; empty if more was denied than is kept.
    pub said: Vec<u8>,
}

/// What was asked, as journaled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Sequence number in the journal.
    pub seq: u64,
    /// When it was accepted.
    pub utc: Utc,
    /// Who asked.
    pub actor: Actor,
    /// The command's name.
    pub command: String,
    /// `ok`, or the refusal's text.
    pub answer: String,
    /// How often it was refused alike, each time within a second of the last.
    pub times: u32,
}

/// State of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// Accepts inputs.
    Ok,
    /// The disk is full.
    Full,
    /// A write or sync failed.
    Failed,
}

impl JournalState {
    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Full => "full",
            Self::Failed => "failed",
        }
    }
}

/// Health of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The journal.
    pub journal: JournalState,
    /// Bytes it takes.
    pub bytes: u64,
    /// Sequence number of the last durable input.
    pub last_seq: u64,
    /// Why the picture is the last known one, if it is.
    pub frozen: Option<String>,
}
