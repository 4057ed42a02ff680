//! What a log says that stands, folded from its records alone; and whether an officer of the addressee is shown that, no more
//! and no less.
use crate::event::{Event, Step};
use crate::parties;
use crate::services::{PLACES, Part, Seen, is_near, part};
use crate::trace::Trace;
use airspace::{Plan, PlanState, Site, Volume4d};
use dss::Id;
use node::view::{Owner, TrackView, View};
use record::{Body, Decoded, DeskStatus, Hash32, ReleaseForm, SubjectId};
use std::collections::{BTreeMap, BTreeSet};
use units::Utc;

/// What is over for a day may be forgotten, by either side at its own time; clocks here differ by some hours at most.
const OVER_MS: i64 = 18 * 3_600_000;

/// Something filed: its revision, the record that said it, and what it is.
type Filed<T> = BTreeMap<SubjectId, (u32, Hash32, T)>;

/// Of one log, what its records leave standing.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    plans: Filed<Plan>,
    sites: Filed<Site>,
    avoids: Filed<Vec<Volume4d>>,
    desk: Option<DeskStatus>,
    /// Rows of tracks as they were ever said: time, place, form, precision.
    rows: BTreeSet<Row>,
    /// Parts of plans as they were ever said.
    parts: BTreeSet<(SubjectId, Part)>,
}

type Row = (i64, i32, i32, u8, u32);

fn row(at: Utc, place: units::Position, form: ReleaseForm, precision_mm: u32) -> Row {
    (at.0, place.lat_e7, place.lon_e7, form as u8, precision_mm)
}

impl Heard {
    /// Takes the next record of the log.
    pub fn take(&mut self, decoded: &Decoded) {
        let (record, id) = (&decoded.record, decoded.id);
        let (subject, revision) = (record.subject, record.revision);
        match &record.body {
            Body::Plan(plan) => {
                self.parts.extend(plan.volumes.iter().filter_map(part).map(|part| (subject, part)));
                self.plans.insert(subject, (revision, id, plan.clone()));
            }
            Body::Site(site) => drop(self.sites.insert(subject, (revision, id, site.clone()))),
            Body::Avoid(avoid) => drop(self.avoids.insert(subject, (revision, id, avoid.volumes.clone()))),
            Body::Withdrawn(withdrawn) => {
                let of = withdrawn.of;
                self.plans.retain(|_, (_, id, _)| *id != of);
                self.sites.retain(|_, (_, id, _)| *id != of);
                self.avoids.retain(|_, (_, id, _)| *id != of);
            }
            Body::Desk(status) => self.desk = Some(status.clone()),
            Body::Tracks(batch) => {
                let rows = batch.unpack().unwrap_or_default();
                self.rows.extend(rows.iter().map(|r| row(r.at, r.position, batch.form, batch.precision_mm)));
            }
            _ => {}
        }
    }

    /// The log is read anew from its first entry, since its owner's data was set back. What was said of tracks was said.
    pub fn again(&mut self) {
        let (rows, parts) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.parts));
        *self = Self { rows, parts, ..Self::default() };
    }

    /// What of that which traffic services are shown was never said.
    #[must_use]
    pub fn never_said(&self, seen: &BTreeMap<Id, Seen>) -> Option<String> {
        let is_said = |seen: &Seen| seen.parts.iter().all(|part| self.parts.contains(&(seen.subject, *part)));
        let (id, one) = seen.iter().find(|(_, one)| !is_said(one))?;
        Some(format!("intent {id} is shown to traffic services as {one:?}, and was never released so"))
    }

    /// Where what traffic services are shown of plans at their places is not what stands in the log.
    #[must_use]
    pub fn unlike(&self, seen: &BTreeMap<Id, Seen>, utc: Utc) -> Option<String> {
        for (id, one) in seen {
            let said = self.plans.get(&one.subject).filter(|(.., plan)| plan.state.is_live());
            let said: Option<Vec<Part>> = said.map(|(.., plan)| plan.volumes.iter().filter_map(part).collect());
            if said.as_ref() != Some(&one.parts) {
                return Some(format!("intent {id} is shown to traffic services as {one:?}, and stands as {said:?}"));
            }
        }
        let shown: BTreeSet<SubjectId> = seen.values().map(|one| one.subject).collect();
        let lasts = |volume: &&Volume4d| volume.end.since_ms(utc) > 5_000;
        let near = |part: Part| PLACES.iter().any(|place| is_near(&part, *place));
        let due = |plan: &Plan| plan.state.is_live() && plan.volumes.iter().filter(lasts).filter_map(part).any(near);
        let mut due = self.plans.iter().filter(|(_, (.., plan))| due(plan));
        let (subject, _) = due.find(|(subject, _)| !shown.contains(subject))?;
        Some(format!("plan {subject} stands in the log, and is not shown to traffic services"))
    }

    /// Every track that is shown as a peer's is one that it released, to the centimetre.
    pub fn check_tracks(&self, trace: &mut Trace, who: &str, shown: &View, owner: Owner) {
        for track in shown.tracks.iter().filter(|track| track.owner == owner) {
            let key = row(track.report.at, track.report.position, track.form, track.precision_mm);
            if self.rows.contains(&key) {
                trace.count(Event::Step(Step::TrackSame));
            } else {
                let text = format!("track {} is shown at {:?}, and was never released so", track.id, key);
                return trace.violation(who, text);
            }
        }
    }

    /// Plans, sites, avoid areas and the desk are shown as the log leaves them. To be asked once all of it is held.
    pub fn check_filed(&self, trace: &mut Trace, who: &str, shown: &View, owner: Owner, desk: Option<&DeskStatus>) {
        let is_over = |end: Option<Utc>| end.is_some_and(|end| shown.utc.since_ms(end) > OVER_MS);
        let last = |volumes: &[Volume4d]| is_over(volumes.iter().map(|v| v.end).max());
        let plans = shown.plans.iter().filter(|p| p.owner == owner).map(|p| (p.subject, (p.revision, &p.plan)));
        let said = self.plans.iter().map(|(subject, (revision, _, plan))| (*subject, (*revision, plan)));
        same(trace, who, "plan", said, plans, |(_, plan)| last(&plan.volumes));
        let sites = shown.sites.iter().filter(|s| s.owner == owner).map(|s| (s.subject, (s.revision, &s.site)));
        let said = self.sites.iter().map(|(subject, (revision, _, site))| (*subject, (*revision, site)));
        same(trace, who, "site", said, sites, |_| false);
        let avoids = shown.avoids.iter().filter(|a| a.owner == owner).map(|a| (a.subject, &a.volumes));
        let said = self.avoids.iter().map(|(subject, (_, _, volumes))| (*subject, volumes));
        same(trace, who, "avoid area", said, avoids, |volumes| last(volumes));
        if self.desk.as_ref() != desk {
            trace.violation(who, format!("the desk is told as {:?}, and shown as {desk:?}", self.desk));
        }
    }
}

/// Holds what was said against what is shown, by subject.
fn same<T: PartialEq + std::fmt::Debug>(
    trace: &mut Trace,
    who: &str,
    what: &str,
    said: impl Iterator<Item = (SubjectId, T)>,
    shown: impl Iterator<Item = (SubjectId, T)>,
    is_over: impl Fn(&T) -> bool,
) {
    let (mut said, shown): (BTreeMap<_, _>, BTreeMap<_, _>) = (said.collect(), shown.collect());
    for (subject, shown) in shown {
        match said.remove(&subject) {
            Some(said) if said == shown => trace.count(Event::Step(Step::FiledSame)),
            None if is_over(&shown) => {}
            Some(said) => trace.violation(who, format!("{what} {subject} was said as {said:?}, shown as {shown:?}")),
            None => trace.violation(who, format!("{what} {subject} is shown, and does not stand in the log")),
        }
    }
    for (subject, said) in said {
        if !is_over(&said) {
            trace.violation(who, format!("{what} {subject} stands in the log, and is not shown"));
        }
    }
}

/// What its owner has and its rules let out, by what the rules surely are.
pub struct Due<'a> {
    /// What the owner's officer sees.
    pub view: &'a View,
    /// The rules, if nothing waits and nothing is unanswered.
    pub oracle: &'a super::ReleaseOracle,
    /// Whose.
    pub me: usize,
}

impl Due<'_> {
    /// What the addressee should be shown and is not yet, or should not and still is; none if the picture is shared.
    #[must_use]
    pub fn missing(&self, to: &View, peer: usize) -> Option<String> {
        let (name, to_name) = (parties::name(self.me), parties::name(peer));
        let rules = self.oracle.settled(&to_name, self.view.utc)?;
        let owner = Owner::Peer(to.parties.iter().position(|p| *p == name)? as u8);
        let of = |view: &View, party| {
            let peer = view.peers.iter().find(|p| p.party == party)?;
            Some(parties::in_force(peer.channel_ours) && parties::in_force(peer.channel_theirs))
        };
        let carried = of(self.view, to_name.clone())? && of(to, name.clone())?;
        for own in self.view.plans.iter().filter(|p| p.owner == Owner::Own) {
            let is_live = !matches!(own.plan.state, PlanState::Ended | PlanState::Cancelled);
            let there = to.plans.iter().find(|p| p.owner == owner && p.subject == own.subject);
            let same = there.is_some_and(|there| there.plan == own.plan);
            match rules.plan(own.subject, &own.plan) {
                Some(true) if carried && is_live && !same => {
                    return Some(format!("{name}'s plan {} is not shown to {to_name} as it is", own.subject));
                }
                Some(false) if there.is_some() => {
                    return Some(format!("{name}'s plan {} is withheld from {to_name}, and shown", own.subject));
                }
                _ => {}
            }
            if !carried && there.is_some() {
                return Some(format!("{name}'s plan {} is shown to {to_name}, and the channel suspended", own.subject));
            }
        }
        for own in self.view.sites.iter().filter(|s| s.owner == Owner::Own) {
            let there = to.sites.iter().find(|s| s.owner == owner && s.subject == own.subject);
            let is_same = there.is_some_and(|there| there.site == own.site);
            if rules.sites().is_some_and(|told| told && !is_same || !told && there.is_some()) {
                return Some(format!("{name}'s site {} is not shown to {to_name} as its rules say", own.subject));
            }
        }
        let mine = self.view.tracks.iter().filter(|t| t.owner == Owner::Own && carried);
        mine.filter(|own| fresh(own, to) && rules.track(&own.report)).find_map(|own| {
            let address = own.report.address?;
            let there = to.tracks.iter().find(|t| t.owner == owner && t.report.address == Some(address));
            let is_same =
                there.is_some_and(|t| t.report.position == own.report.position && t.report.at == own.report.at);
            (!is_same).then(|| format!("{name}'s aircraft {address} is not shown to {to_name} where it is"))
        })
    }
}

/// A report that is in every picture: not so old that it leaves one, nor ahead of a clock that runs a little slow.
fn fresh(own: &TrackView, to: &View) -> bool {
    (0..90_000).contains(&to.utc.since_ms(own.report.at))
}
