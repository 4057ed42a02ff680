//! Non-interference: what a node withholds from a peer changes nothing that the peer receives.
//!
//! A scenario is drawn from a seed: parties and pacts, release rules, flights, plans, sites, notices, officers, proposals,
//! restarts, cuts. It is played twice over nodes as they ship, once with the flights, plans, notices and actions that are
//! withheld from the peer and once without. Every frame that leaves for the peer must be the same, at the same virtual time.
//!
//! **In scope.** Content, sizes and virtual times of frames, from journal to frame (`fold`, `node`, `link`, `release`, `desk`).
//! **Out of scope.** Real time: how long a machine takes to write, fold and send (`docs/non-interference.md`).
//!
//! # Invariants
//!
//! - What counts as withheld is withheld by every policy that a scenario draws: those rules come first.
//! - The two runs differ in inputs alone; no node knows which run it is in.
mod leak;
mod node;
mod play;
pub mod prober;
mod scenario;
mod setup;
mod traffic;

pub use leak::Leak;
pub use play::{Run, Sent, play};
pub use scenario::Scenario;
pub use setup::Parties;

use std::collections::BTreeMap;

/// What came of playing a seed twice.
#[derive(Debug)]
pub struct Outcome {
    /// The first difference, in words.
    pub difference: Option<String>,
    /// Frames that the peer received in the run with the withheld things.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What happened in that run.
    pub counts: BTreeMap<String, u64>,
}

/// Plays a seed without and with what is withheld.
#[must_use]
pub fn check(seed: u64, leak: Option<Leak>) -> Outcome {
    let scenario = Scenario::draw(seed);
    let without = play(&scenario, false, leak);
    let mut with = play(&scenario, true, leak);
    for flight in &scenario.flights {
        *with.counts.entry(flight.kind.name().into()).or_default() += 1;
    }
    let word = match scenario.setup.parties {
        Parties::Two => "scenarios: two parties",
        Parties::Apart => "scenarios: a third party apart",
        Parties::Three => "scenarios: one pact of three",
        Parties::Sharing => "scenarios: checkpoints shared by three",
    };
    *with.counts.entry(word.into()).or_default() += 1;
    Outcome {
        difference: difference(&without.sent, &with.sent),
        frames: with.sent.len() as u64,
        bytes: with.sent.iter().map(|s| s.frame.len() as u64).sum(),
        counts: with.counts,
    }
}

/// The first difference between two runs, in words.
fn difference(without: &[Sent], with: &[Sent]) -> Option<String> {
    let at = (0..without.len().max(with.len())).find(|n| without.get(*n) != with.get(*n))?;
    let say = |sent: Option<&Sent>| match sent {
        None => "nothing".to_string(),
        Some(s) => format!("at {} ms {}", s.at, said(&s.frame)),
    };
    Some(format!("frame {at}:\n  without: {}\n  with:    {}", say(without.get(at)), say(with.get(at))))
}

/// A frame in words, entries as what they say.
fn said(frame: &[u8]) -> String {
    let text = match link::Frame::decode(frame) {
        Ok(link::Frame::Entries { first, entries }) => {
            let bodies: Vec<String> = entries
                .iter()
                .map(|e| match record::decode(e) {
                    Ok(d) => match &d.record.body {
                        record::Body::Tracks(batch) => format!("{:?}", batch.unpack()),
                        body => format!("{body:?}"),
                    },
                    Err(error) => error.to_string(),
                })
                .collect();
            format!("entries from {first}: {bodies:?}")
        }
        other => format!("{other:?}"),
    };
    format!("{} bytes: {}", frame.len(), text.chars().take(1_500).collect::<String>())
}
