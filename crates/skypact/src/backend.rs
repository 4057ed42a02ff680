//! The node as the native API sees it.
use crate::core::{CoreHandle, NotAccepted};
use crate::metrics;
use api_native::{AuditRow, Backend, Denied, Health, JournalState, Preview, PreviewRecord, Seen, Unavailable};
use futures_util::future::BoxFuture;
use node::NearSite;
use node::command::{Actor, Answer, Command};
use node::input::{Input, PaintedAlert};
use node::view::{Owner, TrackView, View};
use node::{Decisions, Listed, Unflown, Unplanned};
use record::{Body, Hash32, PartyId};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use units::{Utc, Vertex};

/// Entries of the released log read back to show what a peer sees: ten minutes of batches once a second, and more.
const SEEN_ENTRIES: u64 = 2_000;

/// The API's backend.
pub struct NodeBackend {
    core: CoreHandle,
}

impl NodeBackend {
    /// A backend over a running fold.
    pub fn new(core: CoreHandle) -> Self {
        Self { core }
    }
}

fn unavailable(why: NotAccepted) -> Unavailable {
    match why {
        NotAccepted::Full => Unavailable::JournalFull,
        NotAccepted::Failed(reason) => Unavailable::Failed(reason),
        NotAccepted::Stopping => Unavailable::Stopping,
    }
}

impl Backend for NodeBackend {
    fn view(&self) -> Arc<View> {
        self.core.view()
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.core.changed()
    }

    fn command(
        &self,
        actor: Actor,
        key: Option<String>,
        command: Command,
    ) -> BoxFuture<'_, Result<Answer, Unavailable>> {
        Box::pin(async move {
            let answer = self
                .core
                .input(Input::Command { actor, key, command: Box::new(command) })
                .await
                .map_err(unavailable)?;
            answer.ok_or_else(|| Unavailable::Failed("the command was not answered".into()))
        })
    }

    fn attempt(
        &self,
        actor: Actor,
        command: String,
        refused: String,
        times: u32,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            self.core.input(Input::Attempt { actor, command, refused, times }).await.map_err(unavailable)?;
            Ok(())
        })
    }

    fn displayed(
        &self,
        actor: Actor,
        alerts: Vec<PaintedAlert>,
        notices: Vec<Hash32>,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            self.core.input(Input::Displayed { actor, alerts, notices }).await.map_err(unavailable)?;
            Ok(())
        })
    }

    fn preview(&self, peer: PartyId) -> BoxFuture<'_, Option<Preview>> {
        Box::pin(async move {
            let now = self.core.clock().now();
            let preview = self.core.query(move |state| state.preview(&peer, now)).await?.ok()?;
            let one = |r: &release::Released<record::Record>, draft| PreviewRecord {
                record: r.value().clone(),
                bytes_len: r.bytes().len(),
                ledger: ledger_text(r),
                draft,
            };
            Some(Preview {
                next: preview.next.iter().map(|r| one(r, false)).collect(),
                filed: preview.filed.iter().map(|f| one(&f.record, f.draft)).collect(),
                left_out: preview.left_out,
            })
        })
    }

    fn denied(&self, peer: PartyId) -> BoxFuture<'_, Option<Vec<Denied>>> {
        Box::pin(async move {
            let one = |d: &link::Denied| Denied { index: d.index, record: d.record, said: d.said.to_vec() };
            self.core.query(move |state| Some(state.denied(&peer)?.iter().map(one).collect())).await?
        })
    }

    fn sites_near(&self, at: Vertex, radius_mm: i64) -> BoxFuture<'_, Option<(Vec<NearSite>, usize)>> {
        Box::pin(async move { self.core.query(move |state| state.sites_near(at, radius_mm)).await })
    }

    fn seen_by(&self, peer: PartyId) -> BoxFuture<'_, Option<Seen>> {
        Box::pin(async move {
            let stores = self.core.stores(&peer)?;
            let utc = self.core.clock().now().utc;
            let size = stores.out.size();
            let from = size.saturating_sub(SEEN_ENTRIES);
            let read = tokio::task::spawn_blocking(move || tracks_told(&stores.out, from, size, utc)).await.ok()?;
            Some(Seen { utc, tracks: read })
        })
    }

    fn decisions(&self, alert: u64) -> BoxFuture<'_, Option<Decisions>> {
        Box::pin(async move { self.core.query(move |state| state.decisions(alert).cloned()).await? })
    }

    fn planned(&self) -> BoxFuture<'_, (Listed<Unplanned>, Listed<Unflown>)> {
        Box::pin(async move {
            let now = self.core.clock().now().utc;
            let asked = self.core.query(move |state| (state.unplanned(now), state.unflown(now))).await;
            asked.unwrap_or((Listed { rows: Vec::new(), cut: true }, Listed { rows: Vec::new(), cut: true }))
        })
    }

    fn audit(&self, after: u64, limit: usize) -> BoxFuture<'_, Vec<AuditRow>> {
        Box::pin(async move {
            let ask = move |state: &node::State| {
                let row = |r: &node::AuditRow| AuditRow {
                    seq: r.seq,
                    utc: r.utc,
                    actor: r.actor.clone(),
                    command: r.command.clone(),
                    answer: r.answer.clone(),
                    times: r.times,
                };
                state.audit().filter(|r| r.seq > after).take(limit).map(row).collect()
            };
            self.core.query(ask).await.unwrap_or_default()
        })
    }

    fn health(&self) -> Health {
        let health = self.core.health();
        let journal = match health.journal.state {
            journal::State::Ok => JournalState::Ok,
            journal::State::Full => JournalState::Full,
            journal::State::Failed => JournalState::Failed,
        };
        Health { journal, bytes: health.journal.bytes, last_seq: health.journal.last.0, frozen: health.trouble }
    }

    fn metrics(&self) -> String {
        metrics::render(&self.core)
    }

    fn clock_utc(&self) -> Utc {
        self.core.clock().now().utc
    }

    fn random32(&self) -> [u8; 32] {
        match crate::keys::random() {
            Ok(bytes) => bytes,
            // A session id that could be guessed is worse than a node that stops.
            Err(error) => panic!("{error:#}"),
        }
    }
}

/// A ledger row for people.
pub fn ledger_text(released: &release::Released<record::Record>) -> String {
    let row = released.ledger();
    match row.basis {
        release::Basis::Rule { revision, index, level } => {
            // Of cells several may have a part.
            let mut rules = released.mentions().rules();
            rules.insert(index);
            let rules: Vec<String> = rules.into_iter().map(|index| (index + 1).to_string()).collect();
            format!("{} row(s) at level {} by rule {} of revision {revision}", row.rows, level.name(), rules.join(", "))
        }
        release::Basis::Addressed => String::from("addressed to this party by a person, or a receipt"),
        release::Basis::Withdrawal => String::from("ends what was told before"),
    }
}

/// The tracks a peer holds of us, from the entries of the log to it.
fn tracks_told(log: &fold::LogStore, from: u64, size: u64, now: Utc) -> Vec<TrackView> {
    let mut tracks: BTreeMap<u64, TrackView> = BTreeMap::new();
    let mut at = from;
    while at < size {
        let Ok(entries) = log.read(at, size, 256, 1 << 20) else { break };
        if entries.is_empty() {
            break;
        }
        at += entries.len() as u64;
        for entry in entries {
            let Ok(decoded) = record::decode(&entry) else { continue };
            let Body::Tracks(batch) = decoded.record.body else { continue };
            for report in batch.unpack().unwrap_or_default() {
                let (form, precision_mm) = (batch.form, batch.precision_mm);
                // The peer's number folded to 32 bits: the same aircraft keeps its id from frame to frame.
                let id = (report.local ^ report.local >> 32) as u32;
                let (owner, stale, alert) = (Owner::Own, false, 0);
                tracks.insert(
                    report.local,
                    TrackView { id, owner, report, form, precision_mm, stale, alert, joined: Vec::new() },
                );
            }
        }
    }
    let mut seen: Vec<TrackView> = tracks.into_values().collect();
    seen.retain(|t| now.since_ms(t.report.at) <= node::picture::DROP_MS);
    seen.iter_mut().for_each(|t| t.stale = now.since_ms(t.report.at) > node::picture::STALE_MS);
    seen
}
