//! What is filed and released to a peer and could not be told: it is said at the desk, and tried again until it is.
use crate::input::Output;
use crate::state::State;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Bound;
use desk::{AlertLevel, PeerTrouble};
use minicbor::{Decode, Encode};
use record::{PartyId, SubjectId};
use release::ReleaseError;
use units::Now;

/// Tried again each second, of each peer: 40,000 that have no room, which is all that may be filed, have their turn in a quarter of an
/// hour, and cost 1 ms a second.
const AGAIN: usize = 50;

/// What could not be told to a peer.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Untold {
    #[n(0)]
    subjects: BTreeSet<SubjectId>,
    /// Why, of the newest.
    #[n(1)]
    reason: String,
    /// Tried again last.
    #[n(2)]
    last: Option<SubjectId>,
    /// Of these those that cannot be told however often it is tried, before they or the rules change: then they are told anyway.
    #[n(3)]
    #[cbor(default)]
    formless: BTreeSet<SubjectId>,
}

impl Untold {
    pub(crate) fn trouble(&self, name: &PartyId) -> Option<(PeerTrouble, AlertLevel, String)> {
        let many = match self.subjects.len() {
            0 => return None,
            1 => "1 plan or site".to_string(),
            n => format!("{n} plans and sites"),
        };
        let text = format!("{name} is not told {many} filed and released to it: {}", self.reason);
        Some((PeerTrouble::Untold, AlertLevel::Caution, text))
    }

    /// The next that are tried again.
    fn turn(&mut self) -> Vec<SubjectId> {
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.subjects.range((after, Bound::Unbounded));
        let turn: Vec<SubjectId> = behind.chain(&self.subjects).take(AGAIN.min(self.subjects.len())).copied().collect();
        self.last = turn.last().copied();
        turn
    }
}

impl State {
    pub(crate) fn is_told(&mut self, name: &PartyId, subject: SubjectId) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.untold.subjects.remove(&subject);
            peer.untold.formless.remove(&subject);
        }
    }

    /// The release could not say it.
    pub(crate) fn is_not_released(
        &mut self,
        name: &PartyId,
        subject: SubjectId,
        error: &ReleaseError,
        out: &mut Vec<Output>,
    ) {
        self.is_untold(name, subject, &error.to_string(), out);
        let Some(peer) = self.peers.get_mut(name) else { return };
        match error {
            ReleaseError::NoForm { .. } => drop(peer.untold.formless.insert(subject)),
            _ => drop(peer.untold.formless.remove(&subject)),
        }
    }

    pub(crate) fn is_untold(&mut self, name: &PartyId, subject: SubjectId, why: &str, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        peer.untold.reason = why.into();
        // A line when it begins; how many there are is said at the desk.
        if peer.untold.subjects.is_empty() {
            out.push(Output::Log(format!("release to {name}: {why}")));
        }
        peer.untold.subjects.insert(subject);
    }

    /// Once a second.
    pub(crate) fn tell_untold(&mut self, now: Now, out: &mut Vec<Output>) {
        let Some(party) = self.party().cloned() else { return };
        for name in self.everybody() {
            let turn = self.peers.get_mut(&name).map(|peer| peer.untold.turn()).unwrap_or_default();
            let whom = BTreeSet::from([name.clone()]);
            for subject in turn {
                let key = (party.clone(), subject);
                let there = self.plans.contains_key(&key) || self.sites.contains_key(&key);
                if there && self.peers.get(&name).is_some_and(|peer| peer.untold.formless.contains(&subject)) {
                    continue;
                }
                if let Some(plan) = self.plans.get(&key).map(|filed| filed.value.clone()) {
                    match self.filing.uss_of(subject) {
                        Some(_) => self.tell_intent_again(&whom, (subject, &plan), now, out),
                        None => self.tell_plan_to(&whom, subject, &plan, now, out),
                    }
                } else if let Some(site) = self.sites.get(&key).map(|filed| filed.value.clone()) {
                    self.tell_site_to(&whom, subject, &site, now, out);
                } else {
                    self.is_told(&name, subject);
                }
            }
        }
    }
}
