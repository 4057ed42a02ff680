//! What is filed and released to a peer and could not be told: it is said at the desk, and tried again until it is. What traffic services
//! intend is told again in its turn, see `discovering::filing`.
use crate::input::Output;
use crate::state::State;
use airspace::Plan;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Bound;
use desk::{AlertLevel, PeerTrouble};
use minicbor::{Decode, Encode};
use record::{PartyId, SubjectId};
use release::ReleaseError;
use units::{Mono, Now};

/// Tried again each second, of each peer: 40,000 that have no room, which is all that may be filed, have their turn in a quarter of an
/// hour, and cost 1 ms a second.
const AGAIN: usize = 50;
/// What waits for its turn for so long is said.
const LATE_MS: u64 = 10_000;

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
    /// Intents of traffic services of which the peer may have to be told something else by now, or no longer.
    #[n(4)]
    #[cbor(default)]
    waits: BTreeSet<SubjectId>,
    /// The same of those that it knows of: what it may know of no longer ends before others begin.
    #[n(6)]
    #[cbor(default)]
    known: BTreeSet<SubjectId>,
    /// Told last of what waits.
    #[n(7)]
    #[cbor(default)]
    told_last: Option<SubjectId>,
    /// Since when there are some.
    #[n(5)]
    #[cbor(default)]
    since: Mono,
}

impl Untold {
    pub(crate) fn trouble(&self, name: &PartyId, now: Now) -> Option<(PeerTrouble, AlertLevel, String)> {
        let many = match self.subjects.len() {
            0 => None,
            1 => Some("1 plan or site".to_string()),
            n => Some(format!("{n} plans and sites")),
        };
        let untold = many.map(|many| format!("{name} is not told {many} filed and released to it: {}", self.reason));
        let late = self.waits() && now.mono.since_ms(self.since) > LATE_MS;
        let many = self.waits.union(&self.known).count();
        let in_turn = late.then(|| {
            format!("{name} is not told yet of {many} of what traffic services intend: no more at once than it takes")
        });
        let text = [untold, in_turn].into_iter().flatten().collect::<Vec<_>>().join(". ");
        (!text.is_empty()).then_some((PeerTrouble::Untold, AlertLevel::Caution, text))
    }

    pub(crate) fn waits(&self) -> bool {
        !self.waits.is_empty() || !self.known.is_empty()
    }

    fn wait(&mut self, subject: SubjectId, is_known: bool, now: Mono) {
        if !self.waits() {
            self.since = now;
        }
        if is_known { &mut self.known } else { &mut self.waits }.insert(subject);
    }

    /// The next of what waits, and whether the peer knows of it.
    fn next(&mut self) -> Option<(SubjectId, bool)> {
        if let Some(subject) = self.known.pop_first() {
            return Some((subject, true));
        }
        let after = self.told_last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.waits.range((after, Bound::Unbounded)).next().or(self.waits.first()).copied()?;
        self.waits.remove(&next);
        self.told_last = Some(next);
        Some((next, false))
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
            peer.untold.waits.remove(&subject);
            peer.untold.known.remove(&subject);
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
        let Some(peer) = self.peers.get_mut(name) else { return };
        let untold = &mut peer.untold;
        untold.reason = error.to_string();
        // A line when it begins; how many there are is said at the desk.
        if untold.subjects.is_empty() {
            out.push(Output::Log(format!("release to {name}: {error}")));
        }
        untold.subjects.insert(subject);
        untold.waits.remove(&subject);
        untold.known.remove(&subject);
        match error {
            ReleaseError::NoForm { .. } => drop(untold.formless.insert(subject)),
            _ => drop(untold.formless.remove(&subject)),
        }
    }

    /// These peers may have to be told something else of a traffic service's intent: in its turn, or it would be as fast as traffic
    /// services end what stands in its way, and all at once when rules change.
    pub(crate) fn wait_to_tell(&mut self, whom: &BTreeSet<PartyId>, subject: SubjectId, now: Now) {
        for name in whom {
            if let Some(peer) = self.peers.get_mut(name) {
                let is_known = peer.releaser.is_told(subject);
                peer.untold.wait(subject, is_known, now.mono);
            }
        }
    }

    /// Tells a peer the next of what waits for its turn.
    pub(crate) fn tell_waiting(&mut self, name: &PartyId, now: Now, out: &mut Vec<Output>) {
        let next = self.peers.get_mut(name).and_then(|peer| peer.untold.next());
        let (Some((subject, is_known)), Some(party)) = (next, self.party().cloned()) else { return };
        let Some(plan) = self.plans.get(&(party, subject)).map(|filed| filed.value.clone()) else { return };
        if is_known && self.ends_first(name, subject, &plan, now) {
            self.end_at(name, subject, now, out);
            if let Some(peer) = self.peers.get_mut(name) {
                peer.untold.wait(subject, false, now.mono);
            }
        } else {
            self.tell_plan_to(&BTreeSet::from([name.clone()]), subject, &plan, now, out);
        }
    }

    /// Whether what the peer knows of a plan is to end before it is told what it may know by now.
    fn ends_first(&self, name: &PartyId, subject: SubjectId, plan: &Plan, now: Now) -> bool {
        let (Some(peer), Some(envelope)) = (self.peers.get(name), self.envelope(name)) else { return false };
        let rules = peer.rules(&self.policy);
        let would = peer.releaser.preview_plan(&rules, &envelope, subject, (plan, self.plan_marking(subject)), now);
        would.is_ok_and(|would| !would.is_empty() && peer.releaser.is_told_otherwise(subject, &would))
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
                let Some(peer) = self.peers.get_mut(&name) else { continue };
                if there && peer.untold.formless.contains(&subject) {
                    continue;
                }
                let uss = self.filing.uss_of(subject);
                if let Some(plan) = self.plans.get(&key).map(|filed| filed.value.clone()) {
                    match uss {
                        Some(uss) if peer.releaser.has_room(uss, subject) => peer.untold.wait(subject, false, now.mono),
                        Some(_) => {}
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
