//! How fast a peer is read, and what the desk is told of it.
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use desk::{AlertLevel, PeerTrouble};
use link::{Denied, Lane, Limits, LinkView, Padding};
use pact::{Pact, RateOf};
use record::PartyId;

use crate::state::State;

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

/// What clause 19 says that each direction of the link carries.
pub(crate) fn padding_of(pact: &Pact) -> Option<Padding> {
    pact.padding.map(|p| Padding { chunk_bytes: p.chunk_bytes, every_ms: p.every_ms })
}

/// Whether what was said already waits: the peer has not asked for it, or a link of constant rate does not carry it.
pub(crate) fn is_behind(view: &LinkView) -> bool {
    view.waiting > 0 || view.is_late
}

/// What the desk is told of a peer whose log is not what it said, to us or to others.
//= spec/link.md L-46
//= spec/link.md L-54
//= spec/link.md L-51
pub(crate) fn contradictions(name: &PartyId, view: &LinkView) -> Vec<(PeerTrouble, AlertLevel, String)> {
    let mut troubles = Vec::new();
    if let Some((index, record)) = view.denied.first() {
        let n = view.denied.len();
        let text = format!(
            "{name} did not sign for {n} it had sent ahead, the first {record}: entry {index} of its log is another. Both are \
             kept. Ask by voice which holds"
        );
        troubles.push((PeerTrouble::Denied, AlertLevel::Alarm, text));
    }
    if let Some(size) = view.withheld {
        let text = format!(
            "{name} showed others {size} entries of its log to us, and told us {}. It may tell two histories: ask by voice",
            view.in_size
        );
        troubles.push((PeerTrouble::Withheld, AlertLevel::Alarm, text));
    }
    if view.ahead_late > 0 {
        let text = format!(
            "{} sent ahead by {name} have not come in its log for a minute: nobody has signed for them. Confirm by voice",
            view.ahead_late
        );
        troubles.push((PeerTrouble::Unsigned, AlertLevel::Warning, text));
    }
    troubles
}

impl State {
    /// What a peer said ahead of its turn and then put another entry in the place of; none if there is no such peer. Nobody
    /// signed for it: that it was said is our word alone.
    //= spec/link.md L-46
    #[must_use]
    pub fn denied(&self, peer: &PartyId) -> Option<&[Denied]> {
        self.peers.get(peer).map(|peer| peer.link.denied())
    }

    /// Name of a peer's log to us under the pact in force.
    #[must_use]
    pub fn incoming_log(&self, peer: &PartyId) -> Option<String> {
        let pact = self.pacts.with(peer)?.hash();
        Some(link::origin(peer, self.party()?, &self.mode(), &pact))
    }
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
    } else if let Some(padding) = view.padding.filter(|_| view.was_late) {
        let text = format!(
            "What is said to {name} is late: there is more of it than the link carries at its constant rate, {} bytes each \
             {} ms (clause 19). Only the newest position of each aircraft is sent, when there is room. FLASH and IMMEDIATE go \
             ahead",
            padding.chunk_bytes, padding.every_ms
        );
        troubles.push((PeerTrouble::Backlog, AlertLevel::Caution, text));
    }
    troubles
}
