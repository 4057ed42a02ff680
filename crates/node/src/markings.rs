//! Markings of own plans and aircraft. They are for the release rules, and never leave the node.
use crate::command::{Answer, Done, Refused};
use crate::input::Output;
use crate::picture::{Source, SystemTrack};
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;
use record::SubjectId;
use release::Marking;
use track::Address;
use units::Now;

/// Aircraft marked at once: a party's fleet.
const MARKED_MAX: usize = 20_000;

impl State {
    fn listed(&self, marking: Option<Marking>) -> Result<(), Refused> {
        let known = self.boot.as_ref().map(|b| b.markings.as_slice()).unwrap_or_default();
        match marking.filter(|m| !known.contains(m)) {
            Some(marking) => Err(Refused::NoSuch { what: "marking".into(), given: marking.to_string() }),
            None => Ok(()),
        }
    }

    /// Notes the marking of a plan that is about to be filed, or revised; to be called before it is told.
    pub(crate) fn note_plan_marking(&mut self, subject: SubjectId, marking: Option<Marking>) -> Result<(), Refused> {
        self.listed(marking)?;
        match marking {
            Some(marking) => self.plan_marks.insert(subject, marking),
            None => self.plan_marks.remove(&subject),
        };
        Ok(())
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
        self.note_plan_marking(subject, marking)?;
        self.tell_plan(subject, &plan, now, out);
        if let Some(address) = plan.address {
            self.forget_waiting(address);
        }
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

    /// Markings of these tracks: the aircraft's own, else that of a live plan for it, else that of the feed it comes by.
    pub(crate) fn markings_of<'a>(
        &self,
        tracks: impl Iterator<Item = (u64, Option<Address>, Option<Marking>)> + 'a,
    ) -> BTreeMap<u64, Marking> {
        let own = self.party();
        let by_plan: BTreeMap<u32, Marking> = if self.plan_marks.is_empty() {
            BTreeMap::new()
        } else {
            let of = |(subject, marking): (&SubjectId, &Marking)| {
                let plan = self.plans.get(&(own?.clone(), *subject))?;
                plan.value.state.is_live().then_some(())?;
                Some((plan.value.address?, *marking))
            };
            self.plan_marks.iter().filter_map(of).collect()
        };
        let of = |(id, address, feed): (u64, Option<Address>, Option<Marking>)| {
            let bits = address.map(Address::bits);
            let marking = bits.and_then(|bits| self.air_marks.get(&bits).or_else(|| by_plan.get(&bits))).copied();
            marking.or(feed).map(|marking| (id, marking))
        };
        tracks.filter_map(of).collect()
    }

    /// Markings of all own tracks.
    pub(crate) fn own_markings(&self) -> BTreeMap<u64, Marking> {
        let tracks = self.picture.iter().filter(|t| t.is_own());
        self.markings_of(tracks.map(|t| (u64::from(t.id), t.address, self.feed_marking(t))))
    }

    /// Marking of the own feed by which a track comes.
    pub(crate) fn feed_marking(&self, track: &SystemTrack) -> Option<Marking> {
        track.contributions.iter().find_map(|c| match c.source {
            Source::Feed(feed) => self.feeds.get(usize::from(feed)).and_then(|f| f.config.marking),
            Source::Peer(_) => None,
        })
    }

    pub(crate) fn plan_marking(&self, subject: SubjectId) -> Option<Marking> {
        self.plan_marks.get(&subject).copied()
    }
}
