//! What one input made this node say, for the ledger of who was told what under which rule. It is made anew by folding the
//! journal, so nothing is stored twice, and what it says is what was done.
use crate::numbers::number_of;
use crate::picture::SystemTrack;
use crate::situation::label;
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use record::{PartyId, SubjectId};
use release::{LedgerRow, Rule};

/// A record put into the log to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// To whom.
    pub peer: PartyId,
    /// Its place in the log to that peer.
    pub index: u64,
    /// What and why.
    pub row: LedgerRow,
}

/// Equal to any other: it is no part of the state.
#[derive(Debug, Clone, Default)]
pub struct SaidNow(Vec<Said>);

impl PartialEq for SaidNow {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl SaidNow {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, peer: &PartyId, index: u64, row: LedgerRow) {
        self.0.push(Said { peer: peer.clone(), index, row });
    }
}

impl State {
    /// What the last input made this node say, in order.
    #[must_use]
    pub fn said(&self) -> &[Said] {
        &self.said.0
    }

    /// What people call the tracks that a peer knows, by the peer's numbers.
    #[must_use]
    pub fn names_for(&self, peer: &PartyId) -> BTreeMap<u64, String> {
        let Some(peer) = self.peers.get(peer) else { return BTreeMap::new() };
        let own = self.picture.iter().filter(|track| track.is_own());
        let own: BTreeMap<u64, &SystemTrack> = own.filter_map(|track| Some((number_of(track)?, track))).collect();
        let name = |(released, internal): (u64, u64)| {
            let track = own.get(&internal)?;
            let address = track.address.map_or_else(String::new, |a| alloc::format!("{a} "));
            Some((released, alloc::format!("{address}{}", label(track))))
        };
        peer.releaser.numbers().filter_map(name).collect()
    }

    /// The own subject of what a peer was told of under its subject.
    #[must_use]
    pub fn own_subject(&self, peer: &PartyId, told: SubjectId) -> Option<SubjectId> {
        self.peers.get(peer)?.releaser.own_subject(told)
    }

    /// A rule in force now, by its place in the peer's list.
    #[must_use]
    pub fn rule(&self, peer: &PartyId, index: u16) -> Option<&Rule> {
        self.policy.rules_for(peer).get(usize::from(index))
    }
}
