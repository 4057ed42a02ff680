//! How fast a peer is read, and what the desk is told of it.
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use desk::{AlertLevel, PeerTrouble};
use link::{Lane, Limits, LinkView};
use pact::{Pact, RateOf};
use record::PartyId;

/// The rates of clause 18; the protocol's own where it names none.
pub(crate) fn limits_of(pact: &Pact) -> Limits {
    pact.rates.iter().fold(Limits::default(), |limits, (of, rate)| {
        let lane = match of {
            RateOf::Kind(kind) => Lane::Kind(*kind),
            RateOf::Urgent => Lane::Urgent,
        };
        limits.with(lane, link::Rate { per_minute: rate.per_minute, burst: rate.burst })
    })
}

/// What the desk is told while a peer sends more than agreed, or takes less than we have to say.
pub(crate) fn troubles(name: &PartyId, view: &LinkView) -> Vec<(PeerTrouble, AlertLevel, String)> {
    let mut troubles = Vec::new();
    if !view.short.is_empty() {
        let kinds: Vec<&str> = view.short.iter().map(|lane| lane.name()).collect();
        let text = format!(
            "{name} sends more than agreed ({}): it is read as agreed, and what it says after that waits. FLASH and IMMEDIATE pass",
            kinds.join(", ")
        );
        troubles.push((PeerTrouble::Flood, AlertLevel::Caution, text));
    }
    if view.waiting > 0 {
        let text = format!(
            "{} records for {name} wait, as it takes no more for now. FLASH and IMMEDIATE go ahead of them",
            view.waiting
        );
        troubles.push((PeerTrouble::Backlog, AlertLevel::Caution, text));
    }
    troubles
}
