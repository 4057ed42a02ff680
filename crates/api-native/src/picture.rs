//! The picture as consoles get it, made once for each view and shared between them.
use crate::backend::{Backend, Health, Seen};
use crate::frame::{self, FLAG_FROZEN, FLAG_SEEN_BY};
use crate::wire::state::state;
use axum::body::Bytes;
use axum::extract::ws::Utf8Bytes;
use node::view::{TrackView, View};
use record::PartyId;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use track::{Address, Callsign};

/// A view that has not changed for this long is the last one known: a node folds ten times a second.
pub(crate) const STUCK_AFTER: Duration = Duration::from_secs(3);
/// Labels of one message: 2000 × 40 bytes = 80 kB.
const LABELS_PER_MESSAGE: usize = 2000;

/// Identity of one track.
pub(crate) type Label = (u32, Option<Callsign>, Option<Address>);

/// One picture, encoded.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// The view it was made of.
    pub view: Arc<View>,
    /// Number of the frame.
    pub number: u32,
    /// The frame.
    pub frame: Bytes,
    /// Labels by id.
    pub labels: Vec<Label>,
    /// The state message; empty for what another party is shown, which has the own state beside it.
    pub state: Utf8Bytes,
    health: Health,
    stuck: bool,
}

/// The newest pictures: the own one, and one for each party as which somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    numbers: AtomicU32,
    own: Mutex<Own>,
    seen: Mutex<BTreeMap<PartyId, Arc<Encoded>>>,
}

#[derive(Debug, Default)]
struct Own {
    newest: Option<(Arc<View>, Instant)>,
    encoded: Option<Arc<Encoded>>,
}

impl Pictures {
    /// The own picture, encoded anew only if the view changed, or what the health says of it.
    pub(crate) fn own(&self, backend: &dyn Backend) -> Arc<Encoded> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: whoever waited for it must not bring an older view than the one before had.
        let (view, health) = (backend.view(), backend.health());
        let now = Instant::now();
        let since = match &own.newest {
            Some((known, since)) if Arc::ptr_eq(known, &view) => *since,
            _ => {
                own.newest = Some((Arc::clone(&view), now));
                now
            }
        };
        let stuck = now.duration_since(since) >= STUCK_AFTER;
        if let Some(encoded) = &own.encoded
            && Arc::ptr_eq(&encoded.view, &view)
            && encoded.same_health(&health, stuck)
        {
            return Arc::clone(encoded);
        }
        let flags = if stuck || health.frozen.is_some() { FLAG_FROZEN } else { 0 };
        let number = self.number();
        let encoded = Arc::new(Encoded {
            number,
            frame: frame::encode(number, view.utc, flags, &view.tracks),
            labels: labels(&view.tracks),
            state: state_text(&view, &health, stuck),
            view,
            health,
            stuck,
        });
        own.encoded = Some(Arc::clone(&encoded));
        encoded
    }

    /// What a party is shown; made once for each view of ours.
    pub(crate) async fn seen_by(&self, backend: &dyn Backend, party: &PartyId) -> Option<Arc<Encoded>> {
        let own = self.own(backend);
        if let Some(known) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(party)
            && Arc::ptr_eq(&known.view, &own.view)
            && known.same_health(&own.health, own.stuck)
        {
            return Some(Arc::clone(known));
        }
        let Seen { utc, tracks } = backend.seen_by(party.clone()).await?;
        let flags = FLAG_SEEN_BY | if own.stuck || own.health.frozen.is_some() { FLAG_FROZEN } else { 0 };
        let number = self.number();
        let encoded = Arc::new(Encoded {
            number,
            frame: frame::encode(number, utc, flags, &tracks),
            labels: labels(&tracks),
            state: Utf8Bytes::default(),
            view: Arc::clone(&own.view),
            health: own.health.clone(),
            stuck: own.stuck,
        });
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|party, _| own.view.parties.contains(party));
        seen.insert(party.clone(), Arc::clone(&encoded));
        Some(encoded)
    }

    fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }
}

/// The state message of a view.
fn state_text(view: &View, health: &Health, stuck: bool) -> Utf8Bytes {
    let reason = stuck.then(stuck_text);
    let frozen = health.frozen.as_deref().or(reason.as_deref());
    serde_json::to_string(&state(view, health, frozen)).unwrap_or_default().into()
}

impl Encoded {
    /// Whether nothing changed that a console must be told before the next view; the journal's size can wait for it.
    fn same_health(&self, health: &Health, stuck: bool) -> bool {
        (self.stuck, self.health.journal, &self.health.frozen) == (stuck, health.journal, &health.frozen)
    }

    /// Why this picture is the last one known, if the node no longer folds.
    pub(crate) fn stuck_reason(&self) -> Option<String> {
        self.stuck.then(stuck_text)
    }
}

fn stuck_text() -> String {
    format!("the node has folded nothing for {} s or more", STUCK_AFTER.as_secs())
}

fn labels(tracks: &[TrackView]) -> Vec<Label> {
    let mut labels: Vec<Label> = tracks.iter().map(|t| (t.id, t.report.callsign, t.report.address)).collect();
    // Views are by id already, and sorting what is sorted is one pass.
    labels.sort_by_key(|(id, ..)| *id);
    labels
}

/// The messages that lead from the labels a console knows to `new`. Both are sorted by id.
pub(crate) fn label_messages(old: &[Label], new: &[Label]) -> Vec<Utf8Bytes> {
    let (mut changed, mut gone) = (Vec::new(), Vec::new());
    let mut before = old.iter().peekable();
    for label in new {
        while let Some(old) = before.next_if(|old| old.0 < label.0) {
            gone.push(old.0);
        }
        match before.next_if(|old| old.0 == label.0) {
            Some(old) if old == label => {}
            _ => changed.push(label),
        }
    }
    gone.extend(before.map(|old| old.0));
    let mut messages = Vec::new();
    let (mut changed, mut gone) = (changed.chunks(LABELS_PER_MESSAGE), gone.chunks(LABELS_PER_MESSAGE));
    loop {
        let (changed, gone) = (changed.next().unwrap_or(&[]), gone.next().unwrap_or(&[]));
        if changed.is_empty() && gone.is_empty() {
            return messages;
        }
        let labels: Vec<_> = changed
            .iter()
            .map(|(id, callsign, address)| (id, callsign.map(|c| c.to_string()), address.map(|a| a.to_string())))
            .collect();
        messages.push(json!({ "type": "labels", "labels": labels, "gone": gone }).to_string().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn label(id: u32, callsign: &str) -> Label {
        (id, Callsign::parse(callsign).ok(), Address::icao(id))
    }

    #[test]
    fn only_what_changed_is_said() {
        let old = [label(1, "A"), label(2, "B"), label(4, "D")];
        let new = [label(2, "B"), label(3, ""), label(4, "E")];
        let messages = label_messages(&old, &new);
        assert_eq!(messages.len(), 1);
        assert_eq!(
            messages[0].as_str(),
            r#"{"gone":[1],"labels":[[3,null,"000003"],[4,"E","000004"]],"type":"labels"}"#
        );
        assert!(label_messages(&new, &new).is_empty());
    }

    proptest! {
        #[test]
        fn messages_lead_from_any_labels_to_any_others(
            old in proptest::collection::btree_map(0u32..6000, 0u8..2, 0..3000),
            new in proptest::collection::btree_map(0u32..6000, 0u8..2, 0..3000),
        ) {
            let make = |m: &BTreeMap<u32, u8>| -> Vec<Label> {
                m.iter().map(|(id, n)| label(*id, if *n == 0 { "A" } else { "B" })).collect()
            };
            let mut known: BTreeMap<u64, Value> = BTreeMap::new();
            let mut told: Vec<Label> = Vec::new();
            for next in [make(&old), make(&new)] {
                for message in label_messages(&told, &next) {
                    let message: Value = serde_json::from_str(&message).unwrap();
                    for id in message["gone"].as_array().unwrap() {
                        prop_assert!(known.remove(&id.as_u64().unwrap()).is_some());
                    }
                    for label in message["labels"].as_array().unwrap() {
                        known.insert(label[0].as_u64().unwrap(), label[1].clone());
                    }
                }
                let expect: BTreeMap<u64, Value> =
                    next.iter().map(|l| (u64::from(l.0), json!(l.1.map(|c| c.to_string())))).collect();
                prop_assert_eq!(&known, &expect);
                told = next;
            }
        }
    }
}
