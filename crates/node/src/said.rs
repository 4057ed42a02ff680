//! What one input made this node say, for the ledger of who was told what under which rule. It is made anew by folding the
//! journal, so nothing is stored twice, and what it says is what was done.
use crate::numbers::of_feed;
use crate::state::State;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use record::{PartyId, SubjectId};
use release::{Basis, LedgerRow, Mentions, Rule, Who};

/// A record put into the log to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// To whom.
    pub peer: PartyId,
    /// Its place in the log to that peer.
    pub index: u64,
    /// What and why.
    pub row: LedgerRow,
    /// Of which own aircraft, as they were known when they were offered, and by which rule each was let out.
    pub mentions: Mentions,
}

/// Equal to any other: it is no part of the state. It is as large as what one input makes a node say, or less: 24 bytes for
/// a row of 60.
#[derive(Debug, Clone, Default)]
pub struct SaidNow {
    said: Vec<Said>,
    renamed: Vec<(u64, u64)>,
}

impl PartialEq for SaidNow {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl SaidNow {
    pub(crate) fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    pub(crate) fn push(&mut self, peer: &PartyId, index: u64, row: LedgerRow, mentions: Mentions) {
        self.said.push(Said { peer: peer.clone(), index, row, mentions });
    }

    /// What a peer was told of under one internal number has another from now on.
    pub(crate) fn rename(&mut self, old: u64, new: u64) {
        self.renamed.push((old, new));
    }
}

impl State {
    /// What the last input made this node say, in order.
    #[must_use]
    pub fn said(&self) -> &[Said] {
        &self.said.said
    }

    /// Internal numbers, old and new, of aircraft that some peer was told of before the last input told their address.
    #[must_use]
    pub fn renamed(&self) -> &[(u64, u64)] {
        &self.said.renamed
    }

    /// What people call an own aircraft in the ledger: its address, else its feed's name and number for it.
    #[must_use]
    pub fn called(&self, internal: u64, who: Who) -> String {
        let Some((feed, local)) = of_feed(internal) else { return format!("{internal:06x}") };
        match (who.address(), self.feeds.get(usize::from(feed))) {
            // None of ICAO's: two aircraft may have it.
            (Some(address), _) => format!("{address}"),
            (None, Some(feed)) => format!("{}/{local}", feed.config.name),
            (None, None) => format!("{feed}/{local}"),
        }
    }

    /// The own subject of what a peer was told of under its subject.
    #[must_use]
    pub fn own_subject(&self, peer: &PartyId, told: SubjectId) -> Option<SubjectId> {
        self.peers.get(peer)?.releaser.own_subject(told)
    }

    /// The rules under which something was said just now, by their places in the peer's list, from 0.
    #[must_use]
    pub fn rules_of(&self, said: &Said) -> Vec<(u16, Option<Rule>)> {
        let Basis::Rule { revision, index, .. } = said.row.basis else { return Vec::new() };
        let mut indices = said.mentions.rules();
        indices.insert(index);
        let rules = self.policy.rules_for(&said.peer);
        let rule = |index: u16| rules.get(usize::from(index)).filter(|_| self.policy.revision == revision).copied();
        indices.into_iter().map(|index| (index, rule(index))).collect()
    }
}
