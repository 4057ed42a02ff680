//! Markings of own plans and aircraft. They are for the release rules, and never leave the node.
use crate::command::{Answer, Done, Refused};
use crate::input::Output;
use crate::state::State;
use airspace::Plan;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::SubjectId;
use release::Marking;
use track::Address;
use units::Now;

/// Aircraft marked at once: a party's fleet.
const MARKED_MAX: usize = 20_000;

/// What bears a marking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Marked {
    /// An own plan.
    #[n(0)]
    Plan(#[n(0)] SubjectId),
    /// An own aircraft, by [`Address::bits`].
    #[n(1)]
    Aircraft(#[n(0)] u32),
}

impl State {
    fn listed(&self, marking: Option<Marking>) -> Result<(), Refused> {
        let known = self.boot.as_ref().map(|b| b.markings.as_slice()).unwrap_or_default();
        match marking.filter(|m| !known.contains(m)) {
            Some(marking) => Err(Refused::NoSuch { what: "marking".into(), given: marking.to_string() }),
            None => Ok(()),
        }
    }

    /// Sets the marking of a plan; before it is told.
    fn set_plan_marking(&mut self, subject: SubjectId, marking: Option<Marking>) {
        match marking {
            Some(marking) => self.plan_marks.insert(subject, marking),
            None => self.plan_marks.remove(&subject),
        };
    }

    /// Files a plan with its marking: nobody is told of it without. Nothing of a refused command has an effect.
    pub(crate) fn file_marked(
        &mut self,
        subject: SubjectId,
        (plan, marking): (&Plan, Option<Marking>),
        now: Now,
        out: &mut Vec<Output>,
    ) -> Answer {
        let before = self.plan_marking(subject);
        if marking != before {
            self.listed(marking)?;
        }
        self.set_plan_marking(subject, marking);
        let answer = self.file_plan(subject, plan, now, out);
        if answer.is_err() {
            self.set_plan_marking(subject, before);
        }
        answer
    }

    pub(crate) fn mark_plan(
        &mut self,
        subject: SubjectId,
        marking: Option<Marking>,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Answer {
        let plan = self.party().cloned().and_then(|party| self.plans.get(&(party, subject)).map(|f| f.value.clone()));
        let Some(plan) = plan else { return Err(Refused::NoSuch { what: "plan".into(), given: subject.to_string() }) };
        self.listed(marking)?;
        self.set_plan_marking(subject, marking);
        self.tell_plan(subject, &plan, now, out);
        Ok(Done::Ok)
    }

    pub(crate) fn mark_aircraft(&mut self, bits: u32, marking: Option<Marking>) -> Answer {
        self.listed(marking)?;
        if marking.is_some() && self.air_marks.len() >= MARKED_MAX && !self.air_marks.contains_key(&bits) {
            return Err(Refused::Full { what: "marked aircraft".into(), max: MARKED_MAX as u64 });
        }
        match marking {
            Some(marking) => self.air_marks.insert(bits, marking),
            None => self.air_marks.remove(&bits),
        };
        self.forget_waiting(bits);
        Ok(Done::Ok)
    }

    /// What waits for an aircraft was allowed under another marking.
    pub(crate) fn forget_waiting(&mut self, bits: u32) {
        let is = |address: Address| address.bits() == bits;
        let ids: Vec<u64> = self.picture.iter().filter(|t| t.address.is_some_and(is)).map(|t| t.id.into()).collect();
        for peer in self.peers.values_mut() {
            ids.iter().for_each(|id| peer.releaser.forget_waiting(*id));
        }
    }

    /// Markings that an aircraft bears, whatever its feeds: its own, else those of live plans for it; at least one.
    pub(crate) fn marks_of(&self, bits: u32) -> Option<Vec<Marking>> {
        if let Some(own) = self.air_marks.get(&bits) {
            return Some(alloc::vec![*own]);
        }
        self.plan_marked.get(&bits).map(|marks| marks.iter().copied().collect())
    }

    /// After a command, and once a second: which markings plans give. Of several live plans for one aircraft those count whose
    /// time it is, and if it is no plan's time, all. Where that changes, what waits was allowed under another marking.
    pub(crate) fn remark(&mut self, now: Now) {
        if self.plan_marks.is_empty() && self.plan_marked.is_empty() {
            return;
        }
        let (mut held, mut marked) = (BTreeSet::new(), BTreeMap::<u32, [BTreeSet<Marking>; 2]>::new());
        let own = self.party().cloned();
        for ((_, subject), plan) in self.plans.iter().filter(|((owner, _), _)| Some(owner) == own.as_ref()) {
            let Some(marking) = self.plan_marks.get(subject) else { continue };
            held.insert(*subject);
            let plan = &plan.value;
            let Some(address) = plan.address.filter(|_| plan.state.is_live()) else { continue };
            let (start, end) = (plan.volumes.iter().map(|v| v.start).min(), plan.volumes.iter().map(|v| v.end).max());
            let is_now = start.is_some_and(|at| at <= now.utc) && end.is_some_and(|at| now.utc <= at);
            marked.entry(address).or_default()[usize::from(!is_now)].insert(*marking);
        }
        // A plan that is forgotten takes its marking with it.
        self.plan_marks.retain(|subject, _| held.contains(subject));
        let marked: BTreeMap<u32, BTreeSet<Marking>> =
            marked.into_iter().map(|(bits, [now, later])| (bits, if now.is_empty() { later } else { now })).collect();
        let before = core::mem::replace(&mut self.plan_marked, marked);
        let changed: BTreeSet<u32> = before.keys().chain(self.plan_marked.keys()).copied().collect();
        for bits in changed {
            if before.get(&bits) != self.plan_marked.get(&bits) {
                self.forget_waiting(bits);
            }
        }
    }

    /// Every marking that an own plan or aircraft bears: of what, and the word.
    #[must_use]
    pub fn marks(&self) -> Vec<(Marked, Marking)> {
        let plans = self.plan_marks.iter().map(|(subject, marking)| (Marked::Plan(*subject), *marking));
        plans.chain(self.air_marks.iter().map(|(bits, marking)| (Marked::Aircraft(*bits), *marking))).collect()
    }

    pub(crate) fn plan_marking(&self, subject: SubjectId) -> Option<Marking> {
        self.plan_marks.get(&subject).copied()
    }
}
