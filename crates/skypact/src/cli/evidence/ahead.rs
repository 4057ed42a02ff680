//! What a peer said ahead of its turn and then put another entry in the place of (`spec/link.md`, L-46). Nobody signed it: in a
//! bundle it is the receiver's word, and no verifier counts it.
use crate::cli::evidence::logs::LinkLog;
use crate::cli::values::plain;
use node::State;
use record::{Hash32, PartyId};
use serde_json::{Value, json};
use tlog::{LogEvidence, Unsigned};

/// One such record.
#[derive(Debug, Clone, PartialEq)]
pub struct Ahead {
    by: PartyId,
    origin: String,
    index: u64,
    record: Hash32,
    bytes: Vec<u8>,
}

/// What the state keeps of those logs, which are the peers'.
pub fn find<'l>(state: &State, logs: impl Iterator<Item = &'l LinkLog>) -> Vec<Ahead> {
    let mut out = Vec::new();
    for log in logs.filter(|log| !log.outgoing && state.incoming_log(&log.peer).as_ref() == Some(&log.origin)) {
        let denied = state.denied(&log.peer).unwrap_or_default();
        out.extend(denied.iter().map(|d| Ahead {
            by: log.peer.clone(),
            origin: log.origin.clone(),
            index: d.index,
            record: d.record,
            bytes: d.said.to_vec(),
        }));
    }
    out
}

impl Ahead {
    /// Adds it to what is shown of its log; whether it is there now.
    pub fn add_to(&self, logs: &mut [LogEvidence]) -> bool {
        let log = logs.iter_mut().find(|log| log.origin == self.origin).filter(|_| !self.bytes.is_empty());
        log.map(|log| log.unsigned.push(Unsigned { index: self.index, bytes: self.bytes.clone() })).is_some()
    }

    /// In words.
    pub fn text(&self) -> String {
        let Self { by, index, record, bytes, .. } = self;
        let by = plain(by.as_str());
        let kept = if bytes.is_empty() { "; its bytes were not kept" } else { "" };
        format!(
            "NOT SIGNED BY ANYBODY: {by} said {record} ahead for its entry {index}, and signed another: our word alone{kept}"
        )
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let Self { by, origin, index, record, bytes } = self;
        json!({ "by": by.as_str(), "origin": origin, "index": index, "id": record.to_string(), "bytes": bytes.len(), "signed_by": null })
    }
}
