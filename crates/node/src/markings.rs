//! Markings of own plans and aircraft. They are for the release rules, and never leave the node.
use crate::command::{Account, Actor, Answer, Done, Refused};
use crate::input::Output;
use crate::proposals::{PEOPLE, PROPOSAL_MS};
use crate::state::State;
use crate::view::MarkView;
use airspace::Plan;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Role, SubjectId};
use release::Marking;
use units::{Mono, Now, Utc};

/// Aircraft marked at once: a party's fleet.
const MARKED_MAX: usize = 20_000;
/// Markings that wait for a second planner at once: a day's work.
const WAITING_MAX: usize = 1_000;

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

/// A marking that would let out more, until another planner asks the same.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MarkWaits {
    /// The marking to be.
    #[n(0)]
    pub marking: Option<Marking>,
    /// Accounts of people who asked for it.
    #[n(1)]
    pub agreed: Vec<String>,
    /// When it is void.
    #[n(2)]
    pub ends: Mono,
}

/// Markings of aircraft that plans gave. Whoever takes one away by filing a plan again, cancelling it, or filing another would
/// let out alone what takes two people: the aircraft stays marked until the time that the plan had is over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Kept {
    /// What each live plan with a marking and an address gives.
    #[n(0)]
    covers: BTreeMap<SubjectId, Cover>,
    /// What plans gave and give no longer: by address, until when.
    #[n(1)]
    held: BTreeMap<u32, BTreeMap<Marking, Utc>>,
}

/// A marking that a plan gives an aircraft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Cover {
    #[n(0)]
    address: u32,
    #[n(1)]
    marking: Marking,
    /// End of the plan.
    #[n(2)]
    end: Utc,
}

impl Kept {
    /// Takes what plans give now; what is gone before its time is held.
    fn follow(&mut self, covers: BTreeMap<SubjectId, Cover>, now: Utc) {
        let before = core::mem::replace(&mut self.covers, covers);
        for (subject, was) in before {
            let is = self.covers.get(&subject);
            if !is.is_some_and(|is| is.address == was.address && is.marking == was.marking && is.end >= was.end) {
                let end = self.held.entry(was.address).or_default().entry(was.marking).or_insert(was.end);
                *end = was.end.max(*end);
            }
        }
        self.held.retain(|_, marks| {
            marks.retain(|_, end| *end > now);
            !marks.is_empty()
        });
    }

    fn markings(&self) -> BTreeSet<(u32, Marking)> {
        self.held.iter().flat_map(|(bits, marks)| marks.keys().map(|marking| (*bits, *marking))).collect()
    }

    fn of(&self, bits: u32) -> impl Iterator<Item = Marking> + '_ {
        self.held.get(&bits).into_iter().flatten().map(|(marking, _)| *marking)
    }
}

/// The markings of one aircraft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Marks {
    /// Its own, which counts alone.
    Own(Marking),
    /// Of plans, beside what it bears without them, which may be none: one planner files a plan alone, so a plan lets out no more
    /// of an aircraft than is let out without it.
    Plans(BTreeSet<Marking>),
}

impl Marks {
    /// What an aircraft with these may be taken for, if a feed says this.
    pub(crate) fn with(&self, feed: Option<Marking>) -> Vec<Option<Marking>> {
        match self {
            Self::Own(own) => alloc::vec![Some(*own)],
            Self::Plans(marks) => marks.iter().copied().map(Some).chain([feed]).collect(),
        }
    }
}

impl State {
    /// Whether a marking may be changed now. What may let out more is changed when two planners with passwords of their own
    /// have asked for it within a day; what lets out less at once.
    fn may_mark(
        &mut self,
        actor: &Actor,
        marked: Marked,
        address: Option<u32>,
        [from, to]: [Option<Marking>; 2],
        now: Now,
    ) -> Result<Option<Done>, Refused> {
        // Without one of its own, an aircraft bears those of its plans and what its feed says.
        let plans = address.and_then(|bits| self.plan_marked.get(&bits)).into_iter().flatten().copied();
        let kept = address.into_iter().flat_map(|bits| self.kept.of(bits));
        let others: BTreeSet<Option<Marking>> =
            plans.chain(kept).map(Some).chain(self.feeds.iter().map(|f| f.config.marking)).chain([None]).collect();
        let among = |marking: Option<Marking>| if marking.is_some() { [marking].into() } else { others.clone() };
        let widens = |from: Option<Marking>| among(to).into_iter().any(|to| self.marking_widens(from, to));
        if from == to || !among(from).into_iter().any(widens) {
            self.marks_wait.remove(&marked);
            return Ok(None);
        }
        self.second_planner(actor, marked, to, now)
    }

    /// Whether two planners with passwords of their own have asked for this marking; what waits, if not.
    fn second_planner(
        &mut self,
        actor: &Actor,
        marked: Marked,
        to: Option<Marking>,
        now: Now,
    ) -> Result<Option<Done>, Refused> {
        self.marks_wait.retain(|_, waits| waits.ends > now.mono);
        if self.marks_wait.len() >= WAITING_MAX && !self.marks_wait.contains_key(&marked) {
            return Err(Refused::Full { what: "markings that wait".into(), max: WAITING_MAX as u64 });
        }
        let is_person = |accounts: &BTreeMap<String, Account>, name: &str| {
            accounts.get(name).is_some_and(|a| a.role == Role::Planner && a.password.is_some())
        };
        let ends = now.mono.plus_ms(PROPOSAL_MS);
        let fresh = MarkWaits { marking: to, agreed: Vec::new(), ends };
        let waits = self.marks_wait.entry(marked).or_insert_with(|| fresh.clone());
        if waits.marking != to {
            *waits = fresh;
        }
        if !waits.agreed.contains(&actor.name) {
            waits.agreed.push(actor.name.clone());
        }
        waits.agreed.retain(|name| is_person(&self.accounts, name));
        let missing = PEOPLE.saturating_sub(waits.agreed.len()) as u32;
        if missing > 0 {
            return Ok(Some(Done::Proposed { id: 0, missing }));
        }
        self.marks_wait.remove(&marked);
        Ok(None)
    }

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
            // A new plan is told as whoever files it says, which lets out no more of its aircraft. Of one that is told as marked, one person cannot undo that.
            if self.party().is_some_and(|own| self.plans.contains_key(&(own.clone(), subject)))
                && self.marking_widens(before, marking)
            {
                let reason = "another marking would let out more: change it alone, which takes two planners".into();
                return Err(Refused::Invalid { field: "marking".into(), reason });
            }
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
        actor: &Actor,
        subject: SubjectId,
        marking: Option<Marking>,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Answer {
        let plan = self.party().cloned().and_then(|party| self.plans.get(&(party, subject)).map(|f| f.value.clone()));
        let Some(plan) = plan else { return Err(Refused::NoSuch { what: "plan".into(), given: subject.to_string() }) };
        self.listed(marking)?;
        let change = [self.plan_marking(subject), marking];
        if let Some(waits) = self.may_mark(actor, Marked::Plan(subject), plan.address, change, now)? {
            return Ok(waits);
        }
        // Asked for by whom it takes: what the plan gave is not kept.
        self.kept.covers.remove(&subject);
        self.set_plan_marking(subject, marking);
        self.tell_plan(subject, &plan, now, out);
        Ok(Done::Ok)
    }

    pub(crate) fn mark_aircraft(&mut self, actor: &Actor, bits: u32, marking: Option<Marking>, now: Now) -> Answer {
        self.listed(marking)?;
        if marking.is_some() && self.air_marks.len() >= MARKED_MAX && !self.air_marks.contains_key(&bits) {
            return Err(Refused::Full { what: "marked aircraft".into(), max: MARKED_MAX as u64 });
        }
        let change = [self.air_marks.get(&bits).copied(), marking];
        if change == [None, None] && self.kept.held.contains_key(&bits) {
            // What a plan left behind is taken away.
            if let Some(waits) = self.second_planner(actor, Marked::Aircraft(bits), None, now)? {
                return Ok(waits);
            }
            self.kept.held.remove(&bits);
            self.forget_waiting(bits);
            return Ok(Done::Ok);
        }
        if let Some(waits) = self.may_mark(actor, Marked::Aircraft(bits), Some(bits), change, now)? {
            return Ok(waits);
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
        self.peers.values_mut().for_each(|peer| peer.releaser.forget_waiting(bits.into()));
    }

    /// Markings that an aircraft bears beside those of its feeds.
    pub(crate) fn marks_of(&self, bits: u32) -> Option<Marks> {
        if let Some(own) = self.air_marks.get(&bits) {
            return Some(Marks::Own(*own));
        }
        let live = self.plan_marked.get(&bits).into_iter().flatten().copied();
        let plans: BTreeSet<Marking> = live.chain(self.kept.of(bits)).collect();
        (!plans.is_empty()).then_some(Marks::Plans(plans))
    }

    /// Whether a plan may be filed that marks an aircraft, or gives one up, as far as there is room to keep its marking: what a plan
    /// covers may be held once the plan is gone.
    pub(crate) fn may_cover(&self, subject: SubjectId, plan: &Plan) -> Result<(), Refused> {
        let covers = plan.address.filter(|_| self.plan_marks.contains_key(&subject));
        let covered = self.kept.covers.get(&subject).map(|cover| cover.address);
        let Kept { covers: all, held } = &self.kept;
        if covers != covered && all.len() + held.len() >= MARKED_MAX {
            return Err(Refused::Full { what: "aircraft that stay marked".into(), max: MARKED_MAX as u64 });
        }
        Ok(())
    }

    /// After a command, and once a second: which markings plans give. Of several live plans for one aircraft those count whose
    /// time is not over, and if all are over, all: who files one more takes nothing from the others. Where that changes, what
    /// waits was allowed under another marking.
    pub(crate) fn remark(&mut self, now: Now) {
        self.marks_wait.retain(|_, waits| waits.ends > now.mono);
        if self.plan_marks.is_empty() && self.plan_marked.is_empty() && self.kept == Kept::default() {
            return;
        }
        let (mut held, mut marked) = (BTreeSet::new(), BTreeMap::<u32, [BTreeSet<Marking>; 2]>::new());
        let mut covers = BTreeMap::new();
        let own = self.party().cloned();
        for ((_, subject), plan) in self.plans.iter().filter(|((owner, _), _)| Some(owner) == own.as_ref()) {
            let Some(marking) = self.plan_marks.get(subject) else { continue };
            held.insert(*subject);
            let plan = &plan.value;
            let Some(address) = plan.address.filter(|_| plan.state.is_live()) else { continue };
            let end = plan.volumes.iter().map(|v| v.end).max().unwrap_or(now.utc);
            covers.insert(*subject, Cover { address, marking: *marking, end });
            marked.entry(address).or_default()[usize::from(end < now.utc)].insert(*marking);
        }
        // A plan that is forgotten takes its marking with it.
        self.plan_marks.retain(|subject, _| held.contains(subject));
        let marked: BTreeMap<u32, BTreeSet<Marking>> =
            marked.into_iter().map(|(bits, [now, over])| (bits, if now.is_empty() { over } else { now })).collect();
        let before = core::mem::replace(&mut self.plan_marked, marked);
        let kept = self.kept.markings();
        self.kept.follow(covers, now.utc);
        let changed: BTreeSet<u32> = before.keys().chain(self.plan_marked.keys()).copied().collect();
        for bits in changed {
            if before.get(&bits) != self.plan_marked.get(&bits) {
                self.forget_waiting(bits);
            }
        }
        for (bits, _) in self.kept.markings().symmetric_difference(&kept) {
            self.forget_waiting(*bits);
        }
    }

    /// Every marking that an own plan or aircraft bears: of what, and the word.
    #[must_use]
    pub fn marks(&self) -> Vec<(Marked, Marking)> {
        let plans = self.plan_marks.iter().map(|(subject, marking)| (Marked::Plan(*subject), *marking));
        plans.chain(self.air_marks.iter().map(|(bits, marking)| (Marked::Aircraft(*bits), *marking))).collect()
    }

    /// The same, with the markings that wait.
    pub(crate) fn mark_views(&self) -> Vec<MarkView> {
        // What plans left behind is shown as the aircraft's, which it is until two planners take it away.
        let kept = self.kept.markings().into_iter().map(|(bits, marking)| (Marked::Aircraft(bits), marking));
        let held: BTreeMap<Marked, Marking> = kept.chain(self.marks()).collect();
        let all: BTreeSet<&Marked> = held.keys().chain(self.marks_wait.keys()).collect();
        let view = |of: &Marked| MarkView {
            of: *of,
            marking: held.get(of).copied(),
            waits: self.marks_wait.get(of).map(|waits| (waits.marking, waits.agreed.clone())),
        };
        all.into_iter().map(view).collect()
    }

    pub(crate) fn plan_marking(&self, subject: SubjectId) -> Option<Marking> {
        self.plan_marks.get(&subject).copied()
    }
}
