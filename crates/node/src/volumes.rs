//! Volumes: plans against plans, avoid areas and sites; own tracks against what peers released and against sites.
//!
//! What meets what is a function of the things filed alone, so that a state restored from a snapshot knows the same;
//! time only decides which of it still matters.
mod airborne;
mod asking;
mod conforming;
mod covering;
#[cfg(test)]
mod index_tests;
mod planned;
mod words;

pub use asking::{NEAR_SITES_MAX, NearSite};
pub(crate) use covering::{check, check_site};
pub use planned::{Listed, PLANNED_MAX, Unflown, Unplanned};

use crate::discovering::ShownKind;
use crate::filed::Filed;
use crate::situation::{Present, sentence};
use crate::state::State;
use airspace::{Limit, Outline, Plan, PlanState, Volume4d};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;
use covering::{covering, covering_briefly, covering_site};
use desk::{AlertLevel, Direction, NoticeItem, Situation};
use detect::{Extent, Overlap, PreparedSite, PreparedVolume, VolumeIndex, volume_volume};
use record::{PartyId, SubjectId};
use units::{Now, Utc, Vertex, earth};

/// Pairs of edges looked at for one pair of things. Edges near each other cost about 2 µs a pair unoptimised, so the worst
/// pair costs 0.2 s; two plans of 50 volumes with 4 corners that all meet have 62,500, two boundaries of 300 corners 90,000.
const WORK_MAX: usize = 100_000;
/// Conflict texts kept of one plan; a planner who reads ten of them changes the plan.
const TEXTS_MAX: usize = 50;

/// Meetings held of one own thing with things of one kind and party: more than a planner is shown. Without it the meetings are as
/// many as own things times peers' things, 500 × 40,000 × 600 bytes = 12 GB; with it 500 × 4 kinds × 64 × 600 bytes = 77 MB a
/// peer. Held are those that end last, and of these the first by subject, whatever came first, so that a restored state holds the
/// same: what is over is kept for a day, and takes no room from what is not. A peer may have a new avoid area each second.
const MEETINGS_MAX: usize = 64;

/// Kind of thing that is filed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Plan,
    Avoid,
    Site,
    /// A notice with a place or volumes.
    Notice,
}

/// Name of a thing: kind, owner, subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Thing {
    kind: Kind,
    owner: PartyId,
    subject: SubjectId,
}

impl Thing {
    fn new(kind: Kind, key: &(PartyId, SubjectId)) -> Self {
        Self { kind, owner: key.0.clone(), subject: key.1 }
    }

    fn key(&self) -> (PartyId, SubjectId) {
        (self.owner.clone(), self.subject)
    }
}

/// A thing ready to be judged.
#[derive(Debug, Clone)]
enum Ready {
    Volumes(Vec<PreparedVolume>),
    Site(alloc::boxed::Box<PreparedSite>),
}

impl Ready {
    /// Where it is, part by part: the parts of a long plan are far apart.
    fn extents(&self) -> Vec<Extent> {
        match self {
            Self::Volumes(volumes) => volumes.iter().map(PreparedVolume::extent).collect(),
            Self::Site(site) => alloc::vec![site.extent()],
        }
    }

    fn parts(&self) -> usize {
        match self {
            Self::Volumes(volumes) => volumes.len(),
            Self::Site(_) => 1,
        }
    }
}

/// Parts of things by where they are.
type Places = VolumeIndex<(Arc<Thing>, u32)>;

/// Two things that meet, as seen from one of them.
#[derive(Debug, Clone)]
struct Found {
    text: String,
    until: Utc,
    /// Seen from the own side and worth an alert: a draft is nobody's conflict yet.
    alert: bool,
}

/// Prepared forms and their meetings; a function of plans, sites and avoid areas.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    ready: BTreeMap<Thing, Ready>,
    /// What is ready, by where, at what level and when each of its parts is: ours, and of others. Things of two other parties
    /// never matter to each other, and there may be many in one place.
    ours: Places,
    theirs: Places,
    /// In both directions.
    meetings: BTreeMap<Thing, BTreeMap<Thing, Found>>,
    /// Own things, with a kind and a party of which they may meet more than are held.
    crowded: BTreeSet<(Thing, Kind, PartyId)>,
}

/// Equal states have equal things filed; what is made of them needs no comparison.
impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Prepared {
    pub(crate) fn of(state: &State) -> Self {
        let mut prepared = Self::default();
        let plans = state.plans.keys().map(|key| Thing::new(Kind::Plan, key));
        let avoids = state.avoids.keys().map(|key| Thing::new(Kind::Avoid, key));
        let sites = state.sites.keys().map(|key| Thing::new(Kind::Site, key));
        let notices = state.desk.notices.iter().filter_map(|item| notice_thing(state, item));
        let things: BTreeSet<Thing> = plans.chain(avoids).chain(sites).chain(notices).collect();
        things.iter().for_each(|thing| prepared.prepare(state, thing));
        for thing in things.iter().filter(|thing| Some(&thing.owner) == state.party()) {
            prepared.screen(state, thing);
        }
        prepared
    }

    /// Takes the thing as it is filed now.
    fn prepare(&mut self, state: &State, thing: &Thing) {
        let own = Some(&thing.owner) == state.party();
        let key = thing.key();
        let ready = match thing.kind {
            Kind::Plan => state
                .plans
                .get(&key)
                .filter(|f| f.value.state.is_live() || own && f.value.state == PlanState::Draft)
                .map(|f| Ready::Volumes(f.value.volumes.iter().filter_map(covering).collect())),
            Kind::Avoid => {
                state.avoids.get(&key).map(|f| Ready::Volumes(f.value.iter().filter_map(covering).collect()))
            }
            Kind::Site => state.sites.get(&key).and_then(|f| covering_site(&f.value)).map(|s| Ready::Site(s.into())),
            Kind::Notice => notice_of(state, thing)
                .map(|item| Ready::Volumes(concerned(item).iter().filter_map(covering_briefly).collect())),
        };
        let Some(ready) = ready else { return self.unprepare(thing) };
        let (name, extents) = (Arc::new(thing.clone()), ready.extents());
        let parts = self.ready.get(thing).map_or(0, Ready::parts) as u32;
        if !is_judged(state, thing) {
            self.ready.insert(thing.clone(), ready);
            return;
        }
        let places = if own { &mut self.ours } else { &mut self.theirs };
        for part in extents.len() as u32..parts {
            places.remove(&(Arc::clone(&name), part));
        }
        // What stays where it was costs nothing: most revisions change the state alone.
        for (part, extent) in (0..).zip(extents) {
            places.upsert((Arc::clone(&name), part), extent);
        }
        self.ready.insert(thing.clone(), ready);
    }

    fn unprepare(&mut self, thing: &Thing) {
        let Some(ready) = self.ready.remove(thing) else { return };
        let name = Arc::new(thing.clone());
        for part in 0..ready.parts() as u32 {
            let key = (Arc::clone(&name), part);
            if !self.ours.remove(&key) {
                self.theirs.remove(&key);
            }
        }
    }

    /// Everything ready that matters to a thing, or to which it matters, and that it may meet, ascending; never too little.
    fn candidates(&self, thing: &Thing, me: &PartyId) -> BTreeSet<Arc<Thing>> {
        let mut found = BTreeSet::new();
        let theirs = (thing.owner == *me).then_some(&self.theirs);
        for extent in self.ready.get(thing).map(Ready::extents).unwrap_or_default() {
            for places in [Some(&self.ours), theirs].into_iter().flatten() {
                places.each(&extent, |(other, _)| {
                    if (matters(thing, other, me) || matters(other, thing, me)) && !found.contains(other) {
                        found.insert(Arc::clone(other));
                    }
                });
            }
        }
        found
    }

    /// Judges a thing against everything it matters to. Returns the things whose meetings may have changed.
    fn screen(&mut self, state: &State, thing: &Thing) -> BTreeSet<Thing> {
        let mut touched = self.forget(state, thing);
        let Some(me) = state.party().filter(|_| is_judged(state, thing)) else { return touched };
        let mut found = Vec::new();
        for other in self.candidates(thing, me) {
            let pair = if matters(thing, &other, me) { (thing, &*other) } else { (&*other, thing) };
            if let Some(meeting) = self.judge(state, pair.0, pair.1) {
                found.push((pair.0.clone(), pair.1.clone(), meeting));
            }
        }
        for (own, other, meeting) in found {
            self.hold_meeting(own, other, meeting, &mut touched);
        }
        touched
    }

    /// Where a thing stands among its like, the first before others.
    fn rank<'t>(&self, thing: &'t Thing) -> (Reverse<Utc>, &'t Thing) {
        let end = match self.ready.get(thing) {
            Some(Ready::Volumes(volumes)) => volumes.iter().map(|volume| volume.window().1).max(),
            _ => None,
        };
        (Reverse(end.unwrap_or(Utc(i64::MAX))), thing)
    }

    /// Holds a meeting of an own thing, unless as many that stand before it are held.
    fn hold_meeting(&mut self, own: Thing, other: Thing, meeting: Found, touched: &mut BTreeSet<Thing>) {
        let held = self.meetings.get(&own);
        if other.owner != own.owner && held.is_none_or(|held| !held.contains_key(&other)) {
            let alike = held.into_iter().flat_map(|held| held.range(group(other.kind, &other.owner)));
            let alike = alike.map(|(thing, _)| thing);
            if alike.clone().count() >= MEETINGS_MAX {
                let last = alike.max_by(|a, b| self.rank(a).cmp(&self.rank(b))).cloned();
                self.crowded.insert((own.clone(), other.kind, other.owner.clone()));
                match last {
                    Some(last) if self.rank(&other) < self.rank(&last) => {
                        self.part(&own, &last);
                        touched.insert(last);
                    }
                    _ => return,
                }
            }
        }
        touched.extend([own.clone(), other.clone()]);
        let seen_by_other = Found { alert: false, ..meeting.clone() };
        self.meetings.entry(other.clone()).or_default().insert(own.clone(), seen_by_other);
        self.meetings.entry(own).or_default().insert(other, meeting);
    }

    /// Forgets one meeting, on both sides.
    fn part(&mut self, a: &Thing, b: &Thing) {
        for (one, other) in [(a, b), (b, a)] {
            if let Some(theirs) = self.meetings.get_mut(one) {
                theirs.remove(other);
                if theirs.is_empty() {
                    self.meetings.remove(one);
                }
            }
        }
    }

    /// Forgets the meetings of a thing. Where it leaves room, the next that was not held takes it.
    fn forget(&mut self, state: &State, thing: &Thing) -> BTreeSet<Thing> {
        let mut touched = BTreeSet::from([thing.clone()]);
        self.crowded.retain(|(own, ..)| own != thing);
        for other in self.meetings.remove(thing).unwrap_or_default().into_keys() {
            self.part(&other, thing);
            let group = (other.clone(), thing.kind, thing.owner.clone());
            if self.crowded.contains(&group) {
                match self.next_of(state, &other, thing) {
                    Some((next, meeting)) => self.hold_meeting(other.clone(), next, meeting, &mut touched),
                    None => drop(self.crowded.remove(&group)),
                }
            }
            touched.insert(other);
        }
        touched
    }

    /// The first thing like `gone`, behind those held, that an own thing meets.
    fn next_of(&self, state: &State, own: &Thing, gone: &Thing) -> Option<(Thing, Found)> {
        let me = state.party()?;
        let alike = group(gone.kind, &gone.owner);
        let held = self.meetings.get(own).into_iter().flat_map(|held| held.range(alike.clone()));
        let after = held.map(|(thing, _)| self.rank(thing)).max();
        let candidates = self.candidates(own, me);
        let others = candidates.iter().map(|other| &**other).filter(|other| *other != gone && alike.contains(other));
        let behind =
            others.map(|other| self.rank(other)).filter(|rank| after.as_ref().is_none_or(|after| rank > after));
        let mut behind: Vec<_> = behind.collect();
        behind.sort_unstable();
        let mut judged = behind.into_iter().map(|(_, other)| other).filter(|other| matters(own, other, me));
        judged.find_map(|other| Some((other.clone(), self.judge(state, own, other)?)))
    }

    fn judge(&self, state: &State, own: &Thing, other: &Thing) -> Option<Found> {
        let (text, until) = match (self.ready.get(own)?, self.ready.get(other)?) {
            (Ready::Volumes(a), Ready::Volumes(b)) => meet(a, b)?.text(state, own, other),
            (Ready::Volumes(volumes), Ready::Site(site)) | (Ready::Site(site), Ready::Volumes(volumes)) => {
                if other.kind == Kind::Avoid && own.kind == Kind::Site && is_passing(volumes) {
                    return None;
                }
                near_site(volumes, site)?.text(state, own, other)
            }
            (Ready::Site(_), Ready::Site(_)) => return None,
        };
        let draft =
            own.kind == Kind::Plan && state.plans.get(&own.key()).is_some_and(|f| f.value.state == PlanState::Draft);
        Some(Found { text, until, alert: !draft })
    }

    fn texts(&self, thing: &Thing, now: Utc) -> Vec<String> {
        let all: Vec<&Found> =
            self.meetings.get(thing).into_iter().flat_map(BTreeMap::values).filter(|f| f.until >= now).collect();
        let mut texts: Vec<String> = all.iter().take(TEXTS_MAX).map(|f| f.text.clone()).collect();
        if all.len() > TEXTS_MAX {
            // How many is not said: they need not all be held.
            texts.push(String::from("and more"));
        }
        texts
    }
}

/// Every thing of a kind and party.
fn group(kind: Kind, owner: &PartyId) -> core::ops::RangeInclusive<Thing> {
    let at = |subject| Thing { kind, owner: owner.clone(), subject: SubjectId(subject) };
    at([0; 16])..=at([0xff; 16])
}

/// The thing that a notice is, if it is about a place.
fn notice_thing(state: &State, item: &NoticeItem) -> Option<Thing> {
    let owner = match item.direction {
        Direction::Out => state.party()?.clone(),
        Direction::In => item.peer.clone(),
    };
    let is_somewhere = item.notice.place.is_some() || !item.notice.volumes.is_empty();
    is_somewhere.then_some(Thing { kind: Kind::Notice, owner, subject: item.subject })
}

/// The newest notice under a thing's subject.
fn notice_of<'s>(state: &'s State, thing: &Thing) -> Option<&'s NoticeItem> {
    state.desk.notices.iter().filter(|item| notice_thing(state, item).as_ref() == Some(thing)).last()
}

/// What a notice is about: its volumes, or its place, from when to when it holds.
fn concerned(item: &NoticeItem) -> Vec<Volume4d> {
    if !item.notice.volumes.is_empty() {
        return item.notice.volumes.clone();
    }
    let Some(place) = item.notice.place else { return Vec::new() };
    let start = item.notice.start.unwrap_or(item.issued);
    // Without an end it holds until it is called off; a day is what plans are kept for.
    let end = item.notice.end.unwrap_or(start.plus_ms(KEEP_MS)).max(start);
    let centre = Vertex { lat_e9: i64::from(place.lat_e7) * 100, lon_e9: i64::from(place.lon_e7) * 100 };
    let outline = Outline::Circle { centre, radius_mm: 1_000 };
    let (lower, upper) = (Limit::Unlimited, Limit::Unlimited);
    alloc::vec![Volume4d { outline, lower, upper, start, end }]
}

/// Whether `own` is a thing of ours that `other` matters to. An own plan, avoid area or notice is screened against every site,
/// whoever filed it; what peers plan is screened against our plans, our sites and what we asked them to avoid, and what they ask
/// to avoid and notify against our sites.
fn matters(own: &Thing, other: &Thing, me: &PartyId) -> bool {
    own.owner == *me
        && match (own.kind, other.kind) {
            (Kind::Plan | Kind::Avoid | Kind::Notice, Kind::Site) => true,
            (Kind::Plan, Kind::Plan | Kind::Avoid)
            | (Kind::Avoid | Kind::Site, Kind::Plan)
            | (Kind::Site, Kind::Avoid | Kind::Notice) => other.owner != *me,
            _ => false,
        }
}

/// Traffic services' plans are not judged here. Strangers write thousands in one place, and each would meet whatever a peer files there;
/// their services must name in their keys what peers released, and are notified of what comes later.
fn is_judged(state: &State, thing: &Thing) -> bool {
    thing.kind != Kind::Plan || Some(&thing.owner) != state.party() || state.filing.uss_of(thing.subject).is_none()
}

/// Longest time of an avoid area that is where an aircraft is, and not an area that somebody closes.
const PASSING_MS: i64 = 600_000;

/// Whether an avoid area is one bin in which a peer tells of an aircraft. Like a coarse cell it is not held against sites: there
/// would be a flag anew with each bin, which no officer could give a reason for.
fn is_passing(volumes: &[PreparedVolume]) -> bool {
    let (starts, ends) = (volumes.iter().map(|v| v.window().0), volumes.iter().map(|v| v.window().1));
    starts.min().zip(ends.max()).is_some_and(|(start, end)| end.since_ms(start) <= PASSING_MS)
}

/// How two lists of volumes meet.
struct Meets {
    first: detect::Meeting,
    until: Utc,
    places: usize,
    certain: bool,
    too_large: bool,
}

fn meet(a: &[PreparedVolume], b: &[PreparedVolume]) -> Option<Meets> {
    let mut found: Option<Meets> = None;
    let mut work = 0;
    for (x, y) in a.iter().flat_map(|x| b.iter().map(move |y| (x, y))) {
        if !x.may_meet(y) {
            continue;
        }
        work += (x.edges() + 1) * (y.edges() + 1);
        let (meeting, certain) = if work > WORK_MAX {
            // What was not looked at is not clear: it counts as a meeting, and the text says why.
            let (from, to) = (x.window().0.max(y.window().0), x.window().1.min(y.window().1));
            let (lower, upper) = (airspace::Limit::Unlimited, airspace::Limit::Unlimited);
            (detect::Meeting { from, to, lower, upper, vertical_unknown: true }, false)
        } else {
            match volume_volume(x, y) {
                Overlap::Clear => continue,
                Overlap::Conflict(meeting) => (meeting, true),
                Overlap::Marginal(meeting) => (meeting, false),
            }
        };
        found = Some(match found {
            None => Meets { first: meeting, until: meeting.to, places: 1, certain, too_large: work > WORK_MAX },
            Some(m) => Meets {
                first: if (m.certain, core::cmp::Reverse(m.first.from)) >= (certain, core::cmp::Reverse(meeting.from)) {
                    m.first
                } else {
                    meeting
                },
                until: m.until.max(meeting.to),
                places: m.places + 1,
                certain: m.certain || certain,
                too_large: work > WORK_MAX,
            },
        });
    }
    found
}

fn within(gap: earth::Vec3, reach: f64) -> bool {
    // Written so that an infinite reach is within.
    earth::dot(gap, gap) <= reach * reach
}

/// How volumes come near a site.
struct Nearing {
    distance_m: f64,
    from: Utc,
    until: Utc,
}

fn near_site(volumes: &[PreparedVolume], site: &PreparedSite) -> Option<Nearing> {
    let mut found: Option<Nearing> = None;
    let mut work = 0;
    for volume in volumes {
        if !site.may_meet(volume) {
            continue;
        }
        work += (volume.edges() + 1) * (site.edges() + 1);
        let hit =
            if work > WORK_MAX { detect::Hit { distance_m: 0.0, inside_buffer: true } } else { site.volume(volume) };
        let (from, until) = volume.window();
        if hit.inside_buffer {
            let distance_m = hit.distance_m;
            found = Some(match found {
                None => Nearing { distance_m, from, until },
                Some(n) => Nearing {
                    distance_m: if distance_m < n.distance_m { distance_m } else { n.distance_m },
                    from: n.from.min(from),
                    until: n.until.max(until),
                },
            });
        }
    }
    found
}

impl State {
    /// A plan was filed or changed. Returns the texts of its conflicts, which also stand with it.
    pub(crate) fn plan_arrived(&mut self, key: &(PartyId, SubjectId), now: Now) -> Vec<String> {
        self.arrived(&Thing::new(Kind::Plan, key), now);
        self.follow(ShownKind::Plan, key, now);
        self.plans.get(key).map_or_else(Vec::new, |f| f.conflicts.clone())
    }

    pub(crate) fn avoid_arrived(&mut self, key: &(PartyId, SubjectId), now: Now) {
        self.arrived(&Thing::new(Kind::Avoid, key), now);
        self.follow(ShownKind::Avoid, key, now);
    }

    pub(crate) fn site_arrived(&mut self, key: &(PartyId, SubjectId), now: Now) {
        self.arrived(&Thing::new(Kind::Site, key), now);
        self.follow(ShownKind::Site, key, now);
    }

    /// A notice came or went out: a hazard beside a hospital is for whoever knows of the hospital to see.
    pub(crate) fn notice_arrived(&mut self, owner: &PartyId, subject: SubjectId, now: Now) {
        let thing = Thing { kind: Kind::Notice, owner: owner.clone(), subject };
        if notice_of(self, &thing).is_some() {
            self.arrived(&thing, now);
        }
    }

    fn arrived(&mut self, thing: &Thing, now: Now) {
        let mut prepared = core::mem::take(&mut self.prepared);
        prepared.prepare(self, thing);
        let touched = prepared.screen(self, thing);
        self.retell(&prepared, &touched, now);
        self.hold_meetings(&prepared, Some(&touched), now);
        self.prepared = prepared;
    }

    /// Things were removed: forgets what was prepared of them.
    pub(crate) fn volumes_removed(&mut self, now: Now) {
        let mut prepared = core::mem::take(&mut self.prepared);
        let filed = |thing: &Thing| match thing.kind {
            Kind::Plan => self.plans.contains_key(&thing.key()),
            Kind::Avoid => self.avoids.contains_key(&thing.key()),
            Kind::Site => self.sites.contains_key(&thing.key()),
            Kind::Notice => notice_of(self, thing).is_some(),
        };
        let gone: Vec<Thing> = prepared.ready.keys().filter(|thing| !filed(thing)).cloned().collect();
        let mut touched = BTreeSet::new();
        for thing in gone {
            prepared.unprepare(&thing);
            touched.append(&mut prepared.forget(self, &thing));
        }
        self.retell(&prepared, &touched, now);
        self.prepared = prepared;
        self.unfollow_gone(now);
    }

    /// One thing was removed.
    pub(crate) fn volume_removed(&mut self, kind: ShownKind, key: &(PartyId, SubjectId), now: Now) {
        let thing = match kind {
            ShownKind::Plan => Thing::new(Kind::Plan, key),
            ShownKind::Avoid => Thing::new(Kind::Avoid, key),
            ShownKind::Site => Thing::new(Kind::Site, key),
        };
        let mut prepared = core::mem::take(&mut self.prepared);
        prepared.unprepare(&thing);
        let touched = prepared.forget(self, &thing);
        self.retell(&prepared, &touched, now);
        self.prepared = prepared;
        self.follow(kind, key, now);
    }

    /// Writes the texts to the plans they are about.
    fn retell<'a>(&mut self, prepared: &Prepared, things: impl IntoIterator<Item = &'a Thing>, now: Now) {
        for thing in things.into_iter().filter(|thing| thing.kind == Kind::Plan) {
            if let Some(filed) = self.plans.get_mut(&thing.key()) {
                filed.conflicts = prepared.texts(thing, now.utc);
            }
        }
    }

    /// Holds the alerts of meetings that are not over: of the things given, or of all. Gives what holds.
    fn hold_meetings(&mut self, prepared: &Prepared, of: Option<&BTreeSet<Thing>>, now: Now) -> Present {
        let mut present = Present::new();
        for (own, others) in prepared.meetings.iter().filter(|(own, _)| of.is_none_or(|of| of.contains(own))) {
            for (other, found) in others.iter().filter(|(_, f)| f.alert && f.until >= now.utc) {
                let situation = Situation::Meeting(own.subject, other.owner.clone(), other.subject);
                // Of a protected site until somebody gives a reason.
                let of_site = own.kind == Kind::Site || other.kind == Kind::Site;
                let level = if of_site { AlertLevel::Warning } else { AlertLevel::Caution };
                if self.hold(situation.clone(), level, sentence(found.text.clone()), now) {
                    present.insert(situation);
                }
            }
        }
        present
    }

    /// Once a second: what meets is said again while it lasts, and own aircraft are checked against all volumes.
    pub(crate) fn check_volumes(&mut self, present: &mut Present, now: Now) {
        self.forget_past(now);
        // The desk drops old notices by itself.
        let notices: BTreeSet<Thing> = self.desk.notices.iter().filter_map(|item| notice_thing(self, item)).collect();
        if self.prepared.ready.keys().any(|thing| thing.kind == Kind::Notice && !notices.contains(thing)) {
            self.volumes_removed(now);
        }
        let prepared = core::mem::take(&mut self.prepared);
        self.retell(&prepared, prepared.meetings.keys(), now);
        present.append(&mut self.hold_meetings(&prepared, None, now));
        self.check_conformance(&prepared, present, now);
        let near = prepared.airborne(self, now);
        self.checked.unjudged = self.checked.unjudged.saturating_add(near.left_out as u32);
        self.prepared = prepared;
        for (situation, (level, facts)) in near.found {
            // What was too much to check is no finding: it must not lower what was found before.
            let graver = self.desk.alerts.of(&situation).is_some_and(|alert| alert.level > level);
            if graver && near.unchecked.contains(&situation) {
                present.insert(situation);
                continue;
            }
            if self.hold(situation.clone(), level, facts, now) {
                present.insert(situation);
            }
        }
    }

    /// Drops plans and avoid areas that have been over for a day: else the bound on their number would in time refuse
    /// what matters now. The journal and the peers' logs keep them.
    fn forget_past(&mut self, now: Now) {
        let past = |end: Option<Utc>| end.is_some_and(|end| now.utc.since_ms(end) > KEEP_MS);
        let last = |volumes: &[Volume4d]| volumes.iter().map(|v| v.end).max();
        let before = self.plans.len() + self.avoids.len();
        self.plans.retain(|_, f: &mut Filed<Plan>| !past(last(&f.value.volumes)));
        self.avoids.retain(|_, f| !past(last(&f.value)));
        if self.plans.len() + self.avoids.len() < before {
            self.volumes_removed(now);
        }
    }
}

/// How long what is over is still shown.
const KEEP_MS: i64 = 24 * 3600 * 1000;
