//! Forks of others: two notes of one owner for one size of its log to somebody else, as checkpoints that are shared brought
//! them to light (`spec/link.md`, section 9). Such a pair convicts its signer by itself.
use crate::cli::evidence::export::add_new;
use crate::cli::evidence::trust::{self, Ends};
use crate::cli::values::plain;
use node::State;
use pact::{KeySet, SignedKeys, SignedPact};
use record::PartyId;
use serde_json::{Value, json};
use tlog::{Checkpoint, LogEvidence, Note, VerifierKey};

/// Two histories of one log.
#[derive(Debug, Clone)]
pub struct Fork {
    /// The log's name.
    pub origin: String,
    ends: Ends,
    size: u64,
    notes: [Note; 2],
    /// The pact that names the signer's key.
    pub pact: SignedPact,
}

/// Those that the node's state keeps, whose pact is known.
pub fn find(state: &State, pacts: &[SignedPact], stated: &[SignedKeys]) -> Vec<Fork> {
    state.forks().filter_map(|notes| Fork::of(notes, pacts, stated)).collect()
}

impl Fork {
    fn of(notes: [&[u8]; 2], pacts: &[SignedPact], stated: &[SignedKeys]) -> Option<Self> {
        let [one, other] = notes.map(|note| Note::parse(note).ok());
        let (one, other) = (one?, other?);
        let Checkpoint { origin, size, .. } = Checkpoint::parse(one.text()).ok()?;
        let ends = Ends::of(&origin)?;
        let pact = pacts.iter().find(|signed| ends.is_under(signed.pact()))?;
        let of = |signed: &&SignedKeys| signed.check(pact.pact()).is_ok() && signed.statement().party == ends.from;
        let mut keys: Vec<VerifierKey> =
            stated.iter().filter(of).map(|signed| signed.statement().keys.log_key.clone()).collect();
        keys.push(KeySet::of(pact.pact().party(&ends.from)?).log_key);
        let notes = [trust::only(&one, &keys).ok()?, trust::only(&other, &keys).ok()?];
        Some(Self { origin, ends, size, notes, pact: pact.clone() })
    }

    /// Whether it is asked for: everybody's, or those of logs from or to this party.
    pub fn concerns(&self, peer: Option<&PartyId>) -> bool {
        peer.is_none_or(|peer| self.ends.from == *peer || self.ends.to == *peer)
    }

    /// Adds both notes to what is shown of their log.
    pub fn add_to(&self, logs: &mut Vec<LogEvidence>) {
        let at = logs.iter().position(|log| log.origin == self.origin).unwrap_or_else(|| {
            let mut log = LogEvidence::new(&self.origin);
            let party = self.pact.pact().party(&self.ends.from);
            log.hints.extend(party.map(|party| party.log_key.to_string()));
            logs.push(log);
            logs.len() - 1
        });
        self.notes.iter().for_each(|note| add_new(&mut logs[at].checkpoints, note));
    }

    /// In words.
    pub fn text(&self) -> String {
        let Ends { from, to, .. } = &self.ends;
        format!(
            "{} signed two histories of its log to {}, at {} entries",
            plain(from.as_str()),
            plain(to.as_str()),
            self.size
        )
    }

    /// For machines.
    pub fn json(&self) -> Value {
        json!({ "by": self.ends.from.as_str(), "to": self.ends.to.as_str(), "size": self.size, "origin": self.origin })
    }
}
