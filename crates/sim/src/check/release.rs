//! What was said, against the rules as the officers ordered them: an oracle of the policy that shares no code with `release`.
use super::certain::Certain;
use super::judge::{Grids, Judge};
use super::services::centre;
use crate::trace::Trace;
use airspace::{Plan, Volume4d};
use node::view::{PeerView, View};
use record::{ChannelState, Decoded, PartyId, SubjectId};
use release::{Marking, Policy, Rule};
use std::collections::BTreeMap;
use track::TrackReport;
use units::{AircraftClass, Utc};

/// A report, and when it was brought.
#[derive(Debug, Clone)]
pub struct Flown {
    /// What the feed brought.
    pub report: TrackReport,
    /// Virtual time.
    pub at: u64,
}

/// An aircraft, as it flew: the newest reports of it.
#[derive(Debug, Clone)]
pub struct Own {
    /// What it is.
    pub class: AircraftClass,
    /// Its own, or only seen by a sensor: then it is never released.
    pub is_own: bool,
    /// Its marking.
    pub marking: Marks,
    /// The newest reports, the oldest first.
    pub reports: Vec<Flown>,
}

/// What something may be marked as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// As far as an answer said so; several if the data was set back since.
    pub held: Vec<Option<Marking>>,
    /// Ordered, the answer not yet seen.
    pub asked: Option<Option<Marking>>,
}

impl Marks {
    /// Marked so, and nothing asked.
    #[must_use]
    pub fn known(marking: Option<Marking>) -> Self {
        Self { held: vec![marking], asked: None }
    }

    /// What it may be.
    pub fn all(&self) -> impl Iterator<Item = Option<Marking>> {
        self.held.iter().copied().chain(self.asked)
    }

    /// What it is, if that is certain.
    #[must_use]
    pub fn certain(&self) -> Option<Option<Marking>> {
        match (&self.held[..], self.asked) {
            ([one], None) => Some(*one),
            _ => None,
        }
    }
}

/// A plan, as it was filed.
#[derive(Debug, Clone)]
pub struct Filed {
    /// Class of the aircraft.
    pub class: AircraftClass,
    /// Its marking, which never changes here.
    pub marking: Option<Marking>,
    /// All volumes that any of its revisions had.
    pub volumes: Vec<Volume4d>,
}

/// Rules by peer.
pub type Rules = BTreeMap<PartyId, Vec<Rule>>;

/// The rules of one node, and what it has.
#[derive(Debug, Clone, Default)]
pub struct ReleaseOracle {
    /// In force.
    pub in_force: Policy,
    /// Ordered, the answer not yet seen: it may have been put in force, proposed, or neither.
    pub pending: Option<Policy>,
    /// Ordered, and waiting for two people since it would let out more.
    pub proposed: Option<(u64, Policy)>,
    /// Whether the proposal may have been taken back: the answer was not yet seen.
    pub rejecting: bool,
    /// The channel as stated, and since when.
    pub channel: BTreeMap<PartyId, (ChannelState, u64)>,
    /// Aircraft by address.
    pub aircraft: BTreeMap<u32, Own>,
    /// Plans by subject.
    pub plans: BTreeMap<[u8; 16], Filed>,
    /// When the node last started: before, it may not know for how long it was down.
    pub started: u64,
    grids: BTreeMap<PartyId, Grids>,
    said: u32,
}

/// A channel that was just suspended may still carry what was on its way into the log: the fold looks once a second, and the
/// longest tick of the simulator is three.
const SUSPENDED_AFTER_MS: u64 = 8_000;

impl ReleaseOracle {
    /// Judges a record that the node put into its log to `to`; `late` if it is found there after a death.
    pub fn said(&mut self, trace: &mut Trace, node: &str, to: &PartyId, decoded: &Decoded, late: bool) {
        let mut grids = self.grids.remove(to).unwrap_or_default();
        let verdict = self.judge(trace.now, to, decoded, late, &mut grids);
        self.grids.insert(to.clone(), grids);
        if let Err(why) = verdict
            && self.said < 3
        {
            self.said += 1;
            trace.explain(|| {
                let rules = |policy: &Policy| policy.rules.get(to).cloned();
                let in_force = rules(&self.in_force);
                let pending = self.pending.as_ref().map(rules);
                format!("{decoded:?}\nin force: {in_force:#?}\nasked: {pending:#?}")
            });
            let waits = if self.proposed.is_some() { ", while rules wait for two people" } else { "" };
            trace.violation(node, format!("RELEASED against the rules to {to}: {why}{waits}"));
        }
    }

    fn judge(&self, now: u64, to: &PartyId, decoded: &Decoded, late: bool, grids: &mut Grids) -> Result<(), String> {
        let suspended = self.channel.get(to).is_some_and(|(state, since)| {
            matches!(state, ChannelState::Suspended | ChannelState::Terminated) && now > since + SUSPENDED_AFTER_MS
        });
        let by = |policy: &Policy| {
            let rules = policy.rules.get(to).map_or(&[][..], Vec::as_slice);
            Judge { oracle: self, rules, suspended, now, late, said: &decoded.record }.judge()
        };
        let refused = by(&self.in_force);
        // What was ordered and not answered yet may hold already.
        if refused.is_err() && !self.pending.iter().any(|policy| by(policy).is_ok()) {
            return refused;
        }
        let certain = self.settled(to, decoded.record.issued_at).filter(|_| !late);
        grids.take(&decoded.record.body, certain.as_ref(), self)
    }

    /// Judges what a node shows as its rules after a start. An order that was not answered before the death may have been
    /// journaled or not.
    pub fn found(&self, shown: &Policy, proposal: Option<&Rules>) -> Result<(), String> {
        let proposed = self.proposed.as_ref().map(|(_, policy)| &policy.rules);
        let mut may_be = vec![(&self.in_force, proposed)];
        if self.rejecting {
            may_be.push((&self.in_force, None));
        }
        if let Some(pending) = &self.pending {
            may_be.push((pending, None));
            may_be.push((&self.in_force, Some(&pending.rules)));
        }
        if may_be.iter().any(|(policy, waits)| *waits == proposal && policy.rules == shown.rules) {
            return Ok(());
        }
        let one_waits = proposal.map_or("nothing is", |_| "a proposal is");
        Err(format!("after a start it has rules that nobody ordered; {one_waits} waiting for two people"))
    }

    /// The rules for a peer, if it is certain which hold: nothing waits and nothing is unanswered.
    #[must_use]
    pub fn settled(&self, to: &PartyId, utc: Utc) -> Option<Certain<'_>> {
        let is_certain = self.pending.is_none() && self.proposed.is_none() && !self.rejecting;
        is_certain.then(|| Certain { rules: self.in_force.rules.get(to).map_or(&[], Vec::as_slice), oracle: self, utc })
    }

    /// What a plan was filed as. One of a traffic service has a name of its own here: it is known by its place.
    #[must_use]
    pub fn filed(&self, subject: SubjectId, plan: &Plan) -> Option<&Filed> {
        let by_place = || {
            let at = plan.volumes.iter().find_map(centre)?;
            self.plans.values().find(|filed| filed.volumes.iter().filter_map(centre).any(|centre| centre == at))
        };
        self.plans.get(&subject.0).or_else(by_place)
    }

    /// The proposal came to nothing.
    pub fn taken_back(&mut self) {
        (self.proposed, self.rejecting) = (None, false);
    }

    /// The node's data is an old copy: its rules are those of then; its aircraft may be marked as they were once; what it
    /// stated about its channels is what it knows of that.
    pub fn set_back(&mut self, view: &View, now: u64) {
        let stated = |p: &PeerView| (p.channel_ours != ChannelState::InForce).then_some((p.channel_ours, now));
        self.channel = view.peers.iter().filter_map(|p| Some((p.party.clone(), stated(p)?))).collect();
        self.in_force = view.policy.clone();
        self.proposed = view.proposal.as_ref().map(|p| (p.id, Policy { revision: 0, rules: p.rules.clone() }));
        // One that was asked to be taken back and did not answer is asked again.
        self.rejecting &= self.proposed.is_some();
        for own in self.aircraft.values_mut() {
            own.marking.held = crate::parties::markings().map(Some).into_iter().chain([None]).collect();
        }
    }
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
