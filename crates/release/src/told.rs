//! What a peer has been told of plans, sites and conflicts, so that it hears of a change it can see and of no other.
use airspace::{Plan, PlanState, Site};
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Body, ConflictReport, Hash32, Kind, Record, SubjectId};
use track::TrackReport;
use units::{Now, Utc};

use crate::addressed::{Heading, withdrawal};
use crate::extent;
use crate::keyed;
use crate::marking::Marking;
use crate::mention::{Mention, Mentions, PlanOf, Who};
use crate::policy::{About, Identity, Level, Policy, RecordClass, match_extent, match_point};
use crate::released::{Basis, Envelope, LevelName, NoForm, ReleaseError, Released};
use crate::releaser::Releaser;

/// Most plans and sites that a peer is kept told of: 20,000 × 210 B are 4.2 MB.
pub const TOLD_MAX: usize = 20_000;
/// Most corners that a peer is kept told of for traffic services, as sent: half of the 100,000 plans, and of the 100,000 avoid areas,
/// for which it has room of one party. A circle has one here and four or more where it is told as cells.
pub const SERVICE_CORNERS_MAX: usize = 50_000;
/// One traffic service has no more than a fifth of what all have.
const SHARES: usize = 5;
/// What is past for this long is forgotten: longer than any plan's window, so that no revision is used twice. What was filed under a
/// subject that is never used again is forgotten when it is over, see [`Releaser::release_last`].
const FORGET_MS: i64 = 62 * 24 * 3600 * 1000;

/// In the words of an error.
const ALL: &str = "all traffic services";

/// Who files a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filer<'a> {
    /// A planner of the party.
    Planner,
    /// The traffic service of this name. Its plans are told of while less than half of [`TOLD_MAX`] is, and with all others of traffic
    /// services no more than [`SERVICE_CORNERS_MAX`]: however many they are, the planners' are told, and the peer has room for them. Of
    /// each of the two bounds it has a fifth.
    Service(&'a str),
}

/// The last thing said of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Told {
    /// The subject the peer knows it by.
    #[n(0)]
    subject: SubjectId,
    #[n(1)]
    revision: u32,
    #[n(2)]
    record: Hash32,
    /// Hash of the body: the same view is not sent twice.
    #[n(3)]
    body: Hash32,
    #[n(4)]
    kind: Kind,
    /// False once withdrawn.
    #[n(5)]
    live: bool,
    #[n(6)]
    until: Utc,
    /// Whose plan it was when it was said, for the ledger.
    #[n(7)]
    plan: Option<PlanOf>,
    /// Its corners as sent, if a traffic service filed it; else none.
    #[n(8)]
    #[cbor(default)]
    service_corners: u32,
    /// Which traffic service; of a planner's none.
    #[n(9)]
    #[cbor(default)]
    service: String,
}

/// What a peer is kept told of for one traffic service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub(crate) struct OfService {
    #[n(0)]
    told: u32,
    #[n(1)]
    corners: u32,
}

impl Told {
    pub(crate) fn subject(&self) -> SubjectId {
        self.subject
    }

    /// What of [`SERVICE_CORNERS_MAX`] the peer holds of this.
    fn held_corners(&self) -> u32 {
        if self.live { self.service_corners } else { 0 }
    }
}

/// How one subject may be told.
struct Say<'a> {
    subject: SubjectId,
    level: Level,
    rule: Option<u16>,
    envelope: &'a Envelope,
    revision: u32,
    plan: Option<PlanOf>,
    filer: Filer<'a>,
    now: Now,
}

impl Releaser {
    /// Releases a plan, with its marking, as the policy has it for this peer. To be called when the plan, its marking, the
    /// policy, or which of its rules hold now changes.
    ///
    /// Gives nothing if the peer would see no difference, so that an edit of what is withheld does not show; gives a
    /// withdrawal if it was told before and is no longer. The plan must be the whole and latest one.
    ///
    /// # Errors
    /// A plan out of bounds or without a form at its level, or as many subjects or corners told already as the filer allows.
    pub fn release_plan(
        &mut self,
        policy: &Policy,
        envelope: &Envelope,
        subject: SubjectId,
        (plan, marking): (&Plan, Option<Marking>),
        filer: Filer<'_>,
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        let boxes = extent::boxes(plan.volumes.iter().map(|v| &v.outline));
        let rules = self.rules_of(policy);
        let about = About { class: RecordClass::Plans, aircraft: Some(plan.class), marking, now: now.utc };
        let (level, rule) = match_extent(rules, &about, boxes.as_deref());
        // The end of what the peer never heard of is no news to it.
        let is_news = !matches!(plan.state, PlanState::Ended | PlanState::Cancelled) || self.is_told(subject);
        let bodies = if is_news { extent::plan(plan, level).map_err(no_form(level, rule))? } else { Vec::new() };
        if let Filer::Service(service) = filer {
            self.corners_left(service, subject, &bodies)?;
        }
        let plan = Some(PlanOf::new(plan));
        self.say(&Say { subject, level, rule, envelope, revision: policy.revision, plan, filer, now }, bodies)
    }

    /// Releases a site as the policy has it for this peer; as [`Releaser::release_plan`].
    ///
    /// # Errors
    /// A site out of bounds or without a form at its level, or [`TOLD_MAX`] subjects told already.
    pub fn release_site(
        &mut self,
        policy: &Policy,
        envelope: &Envelope,
        subject: SubjectId,
        site: &Site,
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        let boxes = extent::boxes(core::iter::once(&site.footprint));
        let rules = self.rules_of(policy);
        let about = About { class: RecordClass::Sites, aircraft: None, marking: None, now: now.utc };
        let (level, rule) = match_extent(rules, &about, boxes.as_deref());
        let bodies = extent::site(site, level).map_err(no_form(level, rule))?;
        let (revision, filer) = (policy.revision, Filer::Planner);
        self.say(&Say { subject, level, rule, envelope, revision, plan: None, filer, now }, bodies)
    }

    /// What the peer is told of a plan, as if it had heard of none: for people who ask what the rules let out.
    ///
    /// # Errors
    /// As [`Releaser::release_plan`].
    pub fn preview_plan(
        &self,
        policy: &Policy,
        envelope: &Envelope,
        subject: SubjectId,
        plan: (&Plan, Option<Marking>),
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        Self::new(self.peer().clone(), *self.secret()).release_plan(
            policy,
            envelope,
            subject,
            plan,
            Filer::Planner,
            now,
        )
    }

    /// What the peer is told of a site; as [`Releaser::preview_plan`].
    ///
    /// # Errors
    /// As [`Releaser::release_site`].
    pub fn preview_site(
        &self,
        policy: &Policy,
        envelope: &Envelope,
        subject: SubjectId,
        site: &Site,
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        Self::new(self.peer().clone(), *self.secret()).release_site(policy, envelope, subject, site, now)
    }

    /// Withdraws whatever the peer was told of a plan or site that exists no longer.
    ///
    /// # Errors
    /// The record's own bounds.
    pub fn release_end(
        &mut self,
        envelope: &Envelope,
        subject: SubjectId,
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        let (level, filer) = (Level::Withheld, Filer::Planner);
        let say = Say { subject, level, rule: None, envelope, revision: 0, plan: None, filer, now };
        self.say(&say, Vec::new())
    }

    /// As [`Releaser::release_end`], of a subject that is never used again: nothing of it needs to be remembered.
    ///
    /// # Errors
    /// The record's own bounds.
    pub fn release_last(
        &mut self,
        envelope: &Envelope,
        subject: SubjectId,
        now: Now,
    ) -> Result<Vec<Released<Record>>, ReleaseError> {
        let said = self.release_end(envelope, subject, now)?;
        let parts: Vec<u8> = self.told.range((subject, 0)..=(subject, u8::MAX)).map(|((_, part), _)| *part).collect();
        for part in parts {
            self.forget_told((subject, part));
        }
        Ok(said)
    }

    /// Whether [`Releaser::release_conflict`] would release conflicts of this own track.
    #[must_use]
    pub fn shares_conflicts(&self, policy: &Policy, own: (&TrackReport, Option<Marking>), now: Now) -> bool {
        self.conflict_rule(policy, own, now).is_some()
    }

    /// Whether this own track is released with its identity.
    #[must_use]
    pub fn keeps_identity(&self, policy: &Policy, (own, marking): (&TrackReport, Option<Marking>), now: Now) -> bool {
        let rules = self.rules_of(policy);
        let about = About { class: RecordClass::Tracks, aircraft: Some(own.class), marking, now: now.utc };
        let level = match_point(rules, &about, own.position).map(|index| rules[index].level);
        matches!(level, Some(Level::Full | Level::Reduced { identity: Identity::Keep, .. }))
    }

    /// The rule that shares conflicts of this own track, and the number the peer knows it by.
    fn conflict_rule(
        &self,
        policy: &Policy,
        (own, marking): (&TrackReport, Option<Marking>),
        now: Now,
    ) -> Option<(usize, u64)> {
        let rules = self.rules_of(policy);
        let about = |class| About { class, aircraft: Some(own.class), marking, now: now.utc };
        let at = |class| match_point(rules, &about(class), own.position);
        let (index, track) = (at(RecordClass::Conflicts)?, at(RecordClass::Tracks)?);
        // A distance to the peer's own aircraft tells where ours is, now and to the metre: not past a reduction.
        let shown = matches!(rules[track].level, Level::Full | Level::Reduced { precision_mm: 0, delay_ms: 0, .. });
        (shown && rules[track].every_ms.is_none() && rules[index].level == Level::Full)
            .then_some((index, self.released(own.local)?))
    }

    /// Releases a conflict between an own track and one of the peer's, if the policy shares conflicts and the peer
    /// knows the own track: a conflict is never the first it hears of an aircraft. `found.own` is replaced by the
    /// number the peer knows; `found.other` is the peer's own number. A track released with less precision or a delay
    /// is not in it.
    ///
    /// # Errors
    /// The record's own bounds.
    pub fn release_conflict(
        &self,
        policy: &Policy,
        envelope: &Envelope,
        (own, marking): (&TrackReport, Option<Marking>),
        found: ConflictReport,
        now: Now,
    ) -> Result<Option<Released<Record>>, ReleaseError> {
        let Some((index, released)) = self.conflict_rule(policy, (own, marking), now) else { return Ok(None) };
        let parts: [&[u8]; 4] =
            [b"conflict", self.peer().as_str().as_bytes(), &released.to_be_bytes(), &found.other.to_be_bytes()];
        let heading = Heading {
            // One subject per pair and closest approach; a later finding about it has a later time of issue.
            valid_until: Some(found.cpa),
            ..Heading::new(keyed::subject(
                self.secret(),
                &[parts[0], parts[1], parts[2], parts[3], &now.utc.0.to_be_bytes()],
            ))
        };
        let rule = Basis::Rule { revision: policy.revision, index: index as u16, level: LevelName::Full };
        let body = Body::Conflict(ConflictReport { own: released, ..found });
        let mention = Mention::new(own.local, Who::of(own), 0, index as u16);
        Released::seal(envelope.record(&heading, body, now), rule, 1, Mentions::of([mention])).map(Some)
    }

    /// Whether the peer is being told of the subject.
    #[must_use]
    pub fn is_told(&self, subject: SubjectId) -> bool {
        self.told.range((subject, 0)..=(subject, u8::MAX)).any(|(_, t)| t.live)
    }

    /// Whether the peer is told of the plan in records of a kind in which it would not be told by now, or not at all: that ends at once,
    /// and what it is told instead can wait. Not if it is told in full: it may know what it knows, and would lack it until then.
    #[must_use]
    pub fn is_told_otherwise(&self, subject: SubjectId, now: &[Released<Record>]) -> bool {
        let full =
            |record: &Released<Record>| matches!(record.ledger().basis, Basis::Rule { level: LevelName::Full, .. });
        if now.iter().any(full) {
            return false;
        }
        let told = self.told.range((subject, 0)..=(subject, u8::MAX)).filter(|(_, told)| told.live);
        told.into_iter().any(|(_, told)| !now.iter().any(|record| record.value().body.kind() == told.kind))
    }

    /// Whether there are corners left for these of a traffic service, in the place of what was told of the subject.
    fn corners_left(&self, service: &str, subject: SubjectId, bodies: &[Body]) -> Result<(), ReleaseError> {
        let told = self.told.range((subject, 0)..=(subject, u8::MAX));
        let before = told.map(|(_, told)| told.held_corners() as usize).sum();
        let new: usize = bodies.iter().map(corners).sum();
        // What grows no larger was told already, and what ends makes room.
        if new <= before {
            return Ok(());
        }
        let all = self.services.values().map(|of| of.corners as usize).sum();
        let own = self.services.get(service).map_or(0, |of| of.corners as usize);
        for (held, max, whose) in [(own, SERVICE_CORNERS_MAX / SHARES, service), (all, SERVICE_CORNERS_MAX, ALL)] {
            if held.saturating_sub(before) + new > max {
                return Err(ReleaseError::TooManyCorners { peer: self.peer().clone(), whose: whose.into(), max });
            }
        }
        Ok(())
    }

    /// Whether another subject may be told of.
    fn subjects_left(&self, filer: Filer<'_>) -> Result<(), ReleaseError> {
        let full = |max| Err(ReleaseError::TooManySubjects { peer: self.peer().clone(), max });
        let Filer::Service(service) = filer else {
            return if self.told.len() >= TOLD_MAX { full(TOLD_MAX) } else { Ok(()) };
        };
        let own = self.services.get(service).map_or(0, |of| of.told as usize);
        let max = TOLD_MAX / 2;
        if self.told.len() >= max {
            return full(max);
        }
        if own >= max / SHARES {
            let (peer, whose) = (self.peer().clone(), service.into());
            return Err(ReleaseError::TooManyOfService { peer, whose, max: max / SHARES });
        }
        Ok(())
    }

    /// Whether this plan of this traffic service might have room that had none.
    #[must_use]
    pub fn has_room(&self, service: &str, subject: SubjectId) -> bool {
        let own = self.services.get(service).copied().unwrap_or_default();
        let all: usize = self.services.values().map(|of| of.corners as usize).sum();
        let has_place = self.told.range((subject, 0)..=(subject, u8::MAX)).next().is_some();
        (has_place || self.subjects_left(Filer::Service(service)).is_ok())
            && (own.corners as usize) < SERVICE_CORNERS_MAX / SHARES
            && all < SERVICE_CORNERS_MAX
    }

    /// Keeps what was told, in the place of what was before.
    fn keep_told(&mut self, key: (SubjectId, u8), told: Told) {
        self.forget_told(key);
        if !told.service.is_empty() {
            let of = self.services.entry(told.service.clone()).or_default();
            *of = OfService { told: of.told + 1, corners: of.corners + told.held_corners() };
        }
        self.told.insert(key, told);
    }

    fn forget_told(&mut self, key: (SubjectId, u8)) {
        let Some(told) = self.told.remove(&key) else { return };
        if let Some(of) = self.services.get_mut(&told.service) {
            *of = OfService { told: of.told - 1, corners: of.corners - told.held_corners() };
            if of.told == 0 {
                self.services.remove(&told.service);
            }
        }
    }

    /// Says what differs from what was said: new or changed parts, and the end of parts that are gone. Of what cannot be said whole
    /// nothing is taken for said.
    fn say(&mut self, say: &Say<'_>, bodies: Vec<Body>) -> Result<Vec<Released<Record>>, ReleaseError> {
        let parts = (say.subject, 0)..=(say.subject, u8::MAX);
        let before: Vec<_> = self.told.range(parts.clone()).map(|(key, told)| (*key, told.clone())).collect();
        let said = self.say_parts(say, bodies);
        if said.is_err() {
            let after: Vec<_> = self.told.range(parts).map(|(key, _)| *key).collect();
            after.into_iter().for_each(|key| self.forget_told(key));
            before.into_iter().for_each(|(key, told)| self.keep_told(key, told));
        }
        said
    }

    fn say_parts(&mut self, say: &Say<'_>, bodies: Vec<Body>) -> Result<Vec<Released<Record>>, ReleaseError> {
        let mut out = Vec::new();
        let parts = bodies.len();
        for (part, body) in bodies.into_iter().enumerate() {
            // At most 256 volumes in parts of 16, so the part's number fits a byte.
            let part = u8::try_from(part).unwrap_or(u8::MAX);
            self.say_part(&mut out, say, part, body)?;
        }
        let past = u8::try_from(parts).unwrap_or(u8::MAX);
        let gone: Vec<(SubjectId, u8)> = self
            .told
            .range((say.subject, past)..=(say.subject, u8::MAX))
            .filter(|(_, t)| t.live)
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            self.withdraw(&mut out, key, say)?;
        }
        Ok(out)
    }

    fn say_part(
        &mut self,
        out: &mut Vec<Released<Record>>,
        say: &Say<'_>,
        part: u8,
        body: Body,
    ) -> Result<(), ReleaseError> {
        let key = (say.subject, part);
        let subject = self.subject_for(say, part);
        let hash = body_hash(&body);
        let before = self.told.get(&key).cloned();
        match &before {
            Some(t) if t.live && t.body == hash && t.subject == subject => return Ok(()),
            // Another subject, or another kind of record: the old one ends, then the new one begins.
            Some(t) if t.live && (t.subject != subject || t.kind != body.kind()) => self.withdraw(out, key, say)?,
            None => self.subjects_left(say.filer)?,
            _ => {}
        }
        let before = self.told.get(&key);
        let revision = before.map_or(0, |t| t.revision) + 1;
        let supersedes = before.filter(|t| t.live).map(|t| t.record);
        let until = extent::until(&body);
        let heading = Heading { revision, supersedes, valid_until: until, ..Heading::new(subject) };
        let kind = body.kind();
        let (service, service_corners) = match say.filer {
            Filer::Service(service) => (service.into(), corners(&body) as u32),
            Filer::Planner => (String::new(), 0),
        };
        let basis = Basis::Rule { revision: say.revision, index: say.rule.unwrap_or(0), level: say.level.name() };
        let mentions = Mentions::plan(say.plan.clone());
        let released = Released::seal(say.envelope.record(&heading, body, say.now), basis, 1, mentions)?;
        let until = until.unwrap_or(say.now.utc);
        let (record, plan) = (released.id(), say.plan.clone());
        let live = true;
        let told = Told { subject, revision, record, body: hash, kind, live, until, plan, service_corners, service };
        self.keep_told(key, told);
        out.push(released);
        Ok(())
    }

    fn withdraw(
        &mut self,
        out: &mut Vec<Released<Record>>,
        key: (SubjectId, u8),
        say: &Say<'_>,
    ) -> Result<(), ReleaseError> {
        let Some(told) = self.told.get(&key) else { return Ok(()) };
        let heading =
            Heading { revision: told.revision + 1, supersedes: Some(told.record), ..Heading::new(told.subject) };
        let of = (told.record, Mentions::plan(told.plan.clone()));
        let released = withdrawal(say.envelope, &heading, of, say.now)?;
        let told = Told { revision: told.revision + 1, record: released.id(), live: false, ..told.clone() };
        self.keep_told(key, told);
        out.push(released);
        Ok(())
    }

    /// The subject a peer knows it by: its own if it sees all of it, else one that no two peers share, so that two of
    /// them cannot lay their views of one plan over each other.
    fn subject_for(&self, say: &Say<'_>, part: u8) -> SubjectId {
        if say.level == Level::Full {
            return say.subject;
        }
        keyed::subject(self.secret(), &[b"subject", self.peer().as_str().as_bytes(), &say.subject.0, &[part]])
    }

    pub(crate) fn sweep_told(&mut self, now: Utc) {
        let over = self.told.iter().filter(|(_, told)| now.since_ms(told.until) >= FORGET_MS);
        let over: Vec<_> = over.map(|(key, _)| *key).collect();
        over.into_iter().for_each(|key| self.forget_told(key));
    }
}

fn no_form(level: Level, rule: Option<u16>) -> impl Fn(NoForm) -> ReleaseError {
    move |why| ReleaseError::NoForm { rule: rule.unwrap_or(0), level: level.name(), why }
}

/// As the peer counts them.
fn corners(body: &Body) -> usize {
    let volumes = match body {
        Body::Plan(plan) => &plan.volumes,
        Body::Avoid(avoid) => &avoid.volumes,
        _ => return 0,
    };
    volumes.iter().map(|volume| volume.outline.points().len()).sum()
}

fn body_hash(body: &Body) -> Hash32 {
    let mut bytes = Vec::new();
    match minicbor::encode(body, &mut bytes) {
        Ok(()) => Hash32::of(&bytes),
        Err(error) => unreachable!("writing to a vector cannot fail: {error}"),
    }
}
