//! What drone traffic services intend, filed as own plans: the own desk sees it, it is judged against what peers released, and peers
//! are told as much of it as the release rules give. The service's answer does not wait for it.
use super::fair::Fair;
use crate::command::{Command, Refused};
use crate::filed::{CORNERS_MAX, Corners, FILED_MAX};
use crate::flow::limits_of;
use crate::input::{Outlined, Output};
use crate::situation::{Present, sentence};
use crate::state::State;
use airspace::{Plan, PlanState, Volume4d};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertLevel, OwnTrouble, Situation};
use dss::{Ask, Id, IntentState, Request};
use link::{Lane, Rate};
use minicbor::{Decode, Encode};
use record::{Hash32, Kind, PartyId, SubjectId};
use release::Marking;
use units::{AircraftClass, Mono, Now, Utc};

/// Half of what a party may file: the planners have the other half, whatever traffic services write.
const INTENTS_MAX: usize = FILED_MAX / 2;
const INTENT_CORNERS_MAX: usize = CORNERS_MAX / 2;
/// One traffic service has no more than a fifth of that.
const SHARES: usize = 5;
/// An intent that nobody deleted ends so long after its last volume: whoever was told of it sees by itself that it is over.
const OVER_MS: i64 = 60_000;
/// Changes filed with each tick, and as many told again.
const TURNS: usize = 5;
/// Looked at with each tick of what may have to be told again: mostly there is nothing to say. 100 plans take some 2 ms.
const LOOKS: usize = 100;
/// A look after which nothing is said is a turn of its peer, too: of what is done with a tick as large a part as one of [`TURNS`].
const LOOK: u64 = ONE * TURNS as u64 / LOOKS as u64;
/// Tracks wait behind what a peer does not take (`link`). Of what it takes of each kind of record traffic services have half of the
/// rate and a quarter of what may come at once. All is counted as plans where the pact names no other rate, 600 a minute and 2,000 at
/// once, in thousandths: five a second are earned, 500 may be spent at once and no more than one change over that (an avoid area of 16
/// records in the place of 16 is 88). Of one intent the newest change alone is filed. What is filed and what is told again have half each
/// where both wait, of the one all traffic services the same and of the other all peers, by what it costs.
const PLANS: Rate = Lane::Kind(Kind::Plan).default_rate();
const ONE: u64 = 1_000;
const EARNED_PER_MS: u64 = ONE * PLANS.per_minute as u64 / 2 / 60_000;
const AT_ONCE: u64 = ONE * PLANS.burst as u64 / 4;
/// A change that waits for so long is said at the desk: until it is filed, nobody knows of it.
const LATE_MS: u64 = 60_000;
/// Intents that are not filed, kept with the reason, a fifth of them of one traffic service; of more it is known that there are some.
const UNFIT_MAX: usize = 1_000;
/// Traffic services that the caution names, and characters of each one's name.
const NAMED_MAX: usize = 3;
const NAME_MAX: usize = 32;

/// Operational intents as plans.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Filing {
    /// As older snapshots have them: one of each identifier.
    #[n(0)]
    by_id: BTreeMap<Id, Intended>,
    #[n(5)]
    #[cbor(default)]
    intents: BTreeMap<Key, Intended>,
    #[n(2)]
    unfit: BTreeMap<Id, Unfit>,
    /// What was said of it, as plans in thousandths, less what was earned since; and up to when that was counted.
    #[n(3)]
    spent: u64,
    #[n(4)]
    counted: Mono,
    /// Whose turn it is: what is filed or what is told again; which traffic service; which peer.
    #[n(6)]
    #[cbor(default)]
    halves: Fair<Half>,
    #[n(7)]
    #[cbor(default)]
    services: Fair<String>,
    #[n(8)]
    #[cbor(default)]
    peers: Fair<PartyId>,
    /// Whose changes wait, the oldest first; made again from the intents, as all that follows.
    #[cbor(skip)]
    waiting: BTreeMap<String, BTreeSet<(Mono, Key)>>,
    #[cbor(skip)]
    subjects: BTreeMap<SubjectId, Id>,
    /// Intents and corners of each.
    #[cbor(skip)]
    held: BTreeMap<String, (usize, usize)>,
    #[cbor(skip)]
    corners: usize,
}

/// What may be said of intents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
enum Half {
    #[n(0)]
    Filed,
    #[n(1)]
    ToldAgain,
}

/// An identifier may come again while the plan that it was before has yet to end.
type Key = (Id, SubjectId);

/// An intent that is filed, or is to be.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Intended {
    #[n(0)]
    manager: String,
    #[n(1)]
    corners: u32,
    /// End of its last volume.
    #[n(2)]
    end: Utc,
    /// There is a plan of it.
    #[n(3)]
    filed: bool,
    #[n(4)]
    next: Option<Change>,
    #[n(5)]
    subject: SubjectId,
    /// Since when the next change waits.
    #[n(6)]
    #[cbor(default)]
    since: Mono,
    /// Corners of the plan that there is: until the next change is filed they take room.
    #[n(7)]
    #[cbor(default)]
    filed_corners: u32,
}

impl Intended {
    fn held_corners(&self) -> usize {
        self.corners.max(self.filed_corners) as usize
    }
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
enum Change {
    #[n(0)]
    File(#[n(0)] Vec<Volume4d>),
    #[n(1)]
    End,
}

/// An intent of which, as it is now, there is no plan.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Unfit {
    #[n(0)]
    manager: String,
    #[n(1)]
    reason: String,
    #[n(2)]
    end: Utc,
}

/// The subject of an intent's plan. A traffic service chooses identifiers: none is the subject of another plan; and who is told of the
/// plan learns from its subject neither the identifier nor, by asking for that, whose it is. An identifier that comes again, in another
/// input, has another: so nobody needs to remember a subject that is over.
fn subject_of(secret: &[u8; 32], id: Id, input: u64) -> SubjectId {
    let name = minicbor::to_vec(("skypact dss intent", &secret[..], id, input)).unwrap_or_default();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Hash32::of(&name).0[..16]);
    SubjectId(bytes)
}

impl Filing {
    pub(crate) fn rebuild(&mut self) {
        let by_id = core::mem::take(&mut self.by_id).into_iter();
        let intents = core::mem::take(&mut self.intents).into_iter().map(|((id, _), intended)| (id, intended));
        for (id, mut intended) in intents.chain(by_id).collect::<Vec<_>>() {
            if intended.filed && intended.filed_corners == 0 {
                intended.filed_corners = intended.corners;
            }
            self.insert(id, intended);
        }
    }

    /// The one that is not to end.
    fn current(&self, id: Id) -> Option<Key> {
        let of_id = self.intents.range((id, SubjectId([0; 16]))..=(id, SubjectId([0xff; 16])));
        of_id.filter(|(_, intended)| intended.next != Some(Change::End)).map(|(key, _)| *key).next()
    }

    /// The traffic service whose plan this is.
    pub(crate) fn uss_of(&self, subject: SubjectId) -> Option<&str> {
        let id = self.subjects.get(&subject)?;
        self.intents.get(&(*id, subject)).map(|intended| &*intended.manager)
    }

    fn insert(&mut self, id: Id, intended: Intended) {
        let key = (id, intended.subject);
        let old = self.remove(key);
        debug_assert!(old.is_none());
        self.subjects.insert(intended.subject, id);
        let held = self.held.entry(intended.manager.clone()).or_default();
        *held = (held.0 + 1, held.1 + intended.held_corners());
        self.corners += intended.held_corners();
        if intended.next.is_some() {
            self.waiting.entry(intended.manager.clone()).or_default().insert((intended.since, key));
        }
        self.intents.insert(key, intended);
    }

    fn remove(&mut self, key: Key) -> Option<Intended> {
        let intended = self.intents.remove(&key)?;
        self.subjects.remove(&intended.subject);
        self.corners -= intended.held_corners();
        if let Some(held) = self.held.get_mut(&intended.manager) {
            *held = (held.0 - 1, held.1 - intended.held_corners());
            if held.0 == 0 {
                self.held.remove(&intended.manager);
            }
        }
        if let Some(ids) = self.waiting.get_mut(&intended.manager) {
            ids.remove(&(intended.since, key));
            if ids.is_empty() {
                self.waiting.remove(&intended.manager);
            }
        }
        Some(intended)
    }

    /// Takes what a traffic service wrote; it is filed in its turn.
    fn written(
        &mut self,
        id: Id,
        manager: &str,
        subject: SubjectId,
        outlined: &Outlined,
        now: Mono,
    ) -> Result<(), String> {
        let volumes = match outlined {
            Outlined::Volumes(volumes) => volumes,
            Outlined::Unfit(reason) => return Err(reason.clone()),
        };
        let corners = volumes.corners();
        let old = self.current(id).filter(|key| self.intents[key].manager == manager);
        let before = old.map_or((0, 0), |key| (1, self.intents[&key].held_corners()));
        let filed_corners = old.map_or(0, |key| self.intents[&key].filed_corners);
        let after = corners.max(filed_corners as usize);
        let of_one = self.held.get(manager).copied().unwrap_or_default();
        for (of, held, share) in
            [("all traffic services", (self.intents.len(), self.corners), 1), ("one traffic service", of_one, SHARES)]
        {
            if held.0 - before.0 >= INTENTS_MAX / share {
                return Err(format!("{} of {of} are filed at most", INTENTS_MAX / share));
            }
            // What grows no larger has room where it is.
            if after > before.1 && held.1 - before.1 + after > INTENT_CORNERS_MAX / share {
                return Err(format!("{} corners of {of} are filed at most", INTENT_CORNERS_MAX / share));
            }
        }
        // Another's, if it was: the plan is no longer what is intended.
        if old.is_none() {
            self.ended(id, now);
        }
        let old = old.and_then(|key| self.remove(key));
        let filed = old.as_ref().is_some_and(|old| old.filed);
        // What is newer takes the turn of what waits.
        let since = old.as_ref().filter(|old| old.next.is_some()).map_or(now, |old| old.since);
        let subject = old.map_or(subject, |old| old.subject);
        let end = volumes.iter().map(|volume| volume.end).max().unwrap_or_default();
        let (manager, corners, next) = (manager.into(), corners as u32, Some(Change::File(volumes.clone())));
        self.insert(id, Intended { manager, corners, end, filed, next, subject, since, filed_corners });
        Ok(())
    }

    /// The identifier is free; the plan ends in its turn.
    pub(super) fn ended(&mut self, id: Id, now: Mono) {
        self.unfit.remove(&id);
        let current = self.current(id).and_then(|key| self.remove(key));
        if let Some(intended) = current.filter(|intended| intended.filed) {
            let since = if intended.next.is_some() { intended.since } else { now };
            self.insert(id, Intended { next: Some(Change::End), since, ..intended });
        }
    }

    /// There is a plan of it as it was last written.
    fn is_filed(&mut self, key: Key) {
        if let Some(intended) = self.remove(key) {
            self.insert(key.0, Intended { filed: true, filed_corners: intended.corners, ..intended });
        }
    }

    fn is_unfit(&mut self, id: Id, unfit: Unfit) {
        let of_one = || self.unfit.values().filter(|other| other.manager == unfit.manager).count();
        if self.unfit.contains_key(&id) || self.unfit.len() < UNFIT_MAX && of_one() < UNFIT_MAX / SHARES {
            self.unfit.insert(id, unfit);
        }
    }

    /// What the desk is told of intents that are not filed.
    fn unfit_text(&self) -> Option<String> {
        let mut of = BTreeMap::<&str, (usize, Id, &Unfit)>::new();
        for (id, unfit) in &self.unfit {
            of.entry(&unfit.manager).or_insert((0, *id, unfit)).0 += 1;
        }
        let more = of.values().any(|(n, ..)| *n >= UNFIT_MAX / SHARES) || self.unfit.len() >= UNFIT_MAX;
        let many = match (self.unfit.len(), more) {
            (0, _) => return None,
            (1, false) => "1 operational intent".to_string(),
            (n, false) => format!("{n} operational intents"),
            (n, true) => format!("{n} or more operational intents"),
        };
        let name = |manager: &str| manager.chars().take(NAME_MAX).collect::<String>();
        let named: Vec<String> = of
            .iter()
            .take(NAMED_MAX)
            .map(|(manager, (n, id, unfit))| format!("{n} of {}, of which {id}: {}", name(manager), unfit.reason))
            .collect();
        let others = match of.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            n => format!("; and of {n} more"),
        };
        Some(format!(
            "{many} of traffic services not filed as now written, so no peer is told: {}{others}",
            named.join("; ")
        ))
    }

    /// What the desk is told of changes that wait for long.
    fn late_text(&self, now: Mono) -> Option<String> {
        let oldest = |of: &BTreeSet<(Mono, Key)>| of.first().map(|(since, _)| *since);
        // What an older snapshot has waits since nobody knows when.
        let oldest = |of| oldest(of).filter(|since| *since > Mono(0));
        let (since, manager) = self.waiting.iter().filter_map(|(manager, of)| Some((oldest(of)?, manager))).min()?;
        let waited = now.since_ms(since);
        let many: usize = self.waiting.values().map(BTreeSet::len).sum();
        let manager: String = manager.chars().take(NAME_MAX).collect();
        (waited > LATE_MS).then(|| {
            let text =
                "changes of operational intents wait to be filed, and peers know of none of them: the oldest, of";
            format!("{many} {text} {manager}, for {} min", waited / 60_000)
        })
    }

    /// What is over though nobody deleted it.
    fn expire(&mut self, now: Now) {
        self.unfit.retain(|_, unfit| unfit.end >= now.utc);
        let over = |intended: &Intended| now.utc.since_ms(intended.end) > OVER_MS && intended.next != Some(Change::End);
        let over: Vec<Id> = self.intents.iter().filter(|(_, one)| over(one)).map(|((id, _), _)| *id).collect();
        over.into_iter().for_each(|id| self.ended(id, now.mono));
    }

    fn count(&mut self, now: Mono) {
        let earned = now.since_ms(self.counted).saturating_mul(EARNED_PER_MS);
        self.spent = self.spent.saturating_sub(earned);
        self.counted = now;
    }

    /// The next change, of the traffic service that had least.
    fn turn(&mut self) -> Option<(Key, Change)> {
        let manager = self.services.next(self.waiting.keys())?;
        let (_, key) = *self.waiting.get(&manager)?.first()?;
        let intended = self.remove(key)?;
        let change = intended.next.clone();
        self.insert(key.0, Intended { next: None, ..intended });
        Some((key, change?))
    }
}

/// What a record costs where so many are taken of its kind.
fn cost(rate: Rate) -> u64 {
    let of = |plans: u32, taken: u32| (ONE * u64::from(plans)).div_ceil(u64::from(taken.max(1)));
    of(PLANS.per_minute, rate.per_minute).max(of(PLANS.burst, rate.burst))
}

impl State {
    fn files_intents(&self) -> bool {
        self.boot.as_ref().is_some_and(|boot| boot.dss_marking.is_some())
    }

    /// A traffic service's request was granted.
    pub(crate) fn intent_written(&mut self, request: &Request, outlined: Option<&Outlined>, now: Now) {
        match (&request.ask, outlined) {
            (Ask::PutIntent(id, ..), Some(outlined)) if self.files_intents() => {
                let Some((_, end)) = self.dss.intent_of(*id, &request.manager) else { return };
                self.filing.unfit.remove(id);
                let secret = self.boot.as_ref().map_or([0; 32], |boot| boot.pseudonym_secret);
                let subject = subject_of(&secret, *id, self.seq);
                if let Err(reason) = self.filing.written(*id, &request.manager, subject, outlined, now.mono) {
                    // What was filed is not what is intended any more.
                    self.filing.ended(*id, now.mono);
                    let end = Utc(end.div_euclid(1000)).max(now.utc);
                    self.filing.is_unfit(*id, Unfit { manager: request.manager.clone(), reason, end });
                }
            }
            (Ask::DeleteIntent(id, _), _) => self.filing.ended(*id, now.mono),
            _ => {}
        }
    }

    /// Takes up with which marking intents are filed, if they are; `before` it was another. Whether plans bear another now.
    pub(crate) fn take_filing(&mut self, before: Option<Marking>, now: Now) -> bool {
        let Some(marking) = self.boot.as_ref().and_then(|boot| boot.dss_marking) else {
            self.filing.unfit.clear();
            let ids: Vec<Id> = self.filing.intents.keys().map(|(id, _)| *id).collect();
            ids.into_iter().for_each(|id| self.filing.ended(id, now.mono));
            return false;
        };
        self.note_unfiled("it had no room, or intents were not filed, when it was written", now);
        // What planners made of a plan's marking stays.
        let marks = self.plan_marks.iter_mut().filter(|(subject, mark)| {
            Some(**mark) == before && before != Some(marking) && self.filing.subjects.contains_key(subject)
        });
        marks.map(|(_, mark)| *mark = marking).count() > 0
    }

    /// Takes in which intents have yet to end and are not filed, for this reason.
    pub(crate) fn note_unfiled(&mut self, reason: &str, now: Now) {
        if !self.files_intents() {
            return;
        }
        // Their volumes are not held: references are found by cells.
        let known = |id: Id| self.filing.current(id).is_some() || self.filing.unfit.contains_key(&id);
        let mut of = BTreeMap::<&str, usize>::new();
        // There may be millions.
        let unfit = self.dss.own_intents().filter(|(id, manager, end)| {
            let fits =
                *end > super::utc_us(now) && of.get(manager).is_none_or(|n| *n < UNFIT_MAX / SHARES) && !known(*id);
            *of.entry(manager).or_default() += usize::from(fits);
            fits
        });
        let unfit: Vec<_> = unfit.map(|(id, manager, end)| (id, manager.to_string(), end)).take(UNFIT_MAX).collect();
        for (id, manager, end) in unfit {
            let (reason, end) = (reason.into(), Utc(end.div_euclid(1000)));
            self.filing.is_unfit(id, Unfit { manager, reason, end });
        }
    }

    /// Files some of what waits, and tells again some of what is to be.
    pub(crate) fn file_intents(&mut self, now: Now, out: &mut Vec<Output>) {
        self.filing.count(now.mono);
        if self.filing.waiting.is_empty() {
            self.filing.services.rest();
        }
        if !self.peers.values().any(|peer| peer.untold.waits()) {
            self.filing.peers.rest();
        }
        let (mut filed, mut told, mut looks) = (0, 0, 0);
        while self.filing.spent < AT_ONCE {
            let files = filed < TURNS && !self.filing.waiting.is_empty();
            let tells = told < TURNS && self.peers.values().any(|peer| peer.untold.waits());
            let halves = [(files, Half::Filed), (tells, Half::ToldAgain)];
            let waiting = halves.iter().filter(|(waits, _)| *waits).map(|(_, half)| half);
            let Some(mut half) = self.filing.halves.next(waiting) else { return };
            if half == Half::ToldAgain && looks == LOOKS {
                // It goes on with the next tick, and something is left for it then: a change that costs much takes the time of many ticks.
                if !files || self.filing.spent >= AT_ONCE / 2 {
                    return;
                }
                half = Half::Filed;
            }
            let before = self.said().len();
            let cost = match half {
                Half::Filed => {
                    let Some((key, change)) = self.filing.turn() else { return };
                    let manager = self.filing.intents.get(&key).map(|intended| intended.manager.clone());
                    self.file_intent(key, change, now, out);
                    let cost = self.cost_since(before).max(ONE);
                    manager.into_iter().for_each(|manager| self.filing.services.served(manager, cost));
                    filed += 1;
                    cost
                }
                Half::ToldAgain => {
                    let peers = self.peers.iter().filter(|(_, peer)| peer.untold.waits()).map(|(name, _)| name);
                    let Some(name) = self.filing.peers.next(peers) else { return };
                    self.tell_waiting(&name, now, out);
                    let cost = self.cost_since(before);
                    self.filing.peers.served(name, cost.max(LOOK));
                    looks += 1;
                    told += usize::from(cost > 0);
                    cost
                }
            };
            self.filing.halves.served(half, cost);
            self.filing.spent += cost;
        }
    }

    /// What it cost to say what was said after so much, at the peer where it cost most.
    fn cost_since(&self, before: usize) -> u64 {
        let mut costs = BTreeMap::<&PartyId, u64>::new();
        for said in self.said().iter().skip(before) {
            let limits = self.pacts.with(&said.peer).map(|pact| limits_of(pact.pact())).unwrap_or_default();
            *costs.entry(&said.peer).or_default() += cost(limits.rate(Lane::Kind(said.row.kind)));
        }
        costs.into_values().max().unwrap_or(0)
    }

    fn file_intent(&mut self, key: Key, change: Change, now: Now, out: &mut Vec<Output>) {
        let Some(intended) = self.filing.intents.get(&key).cloned() else { return };
        let (id, subject) = key;
        let before = self.party().and_then(|party| self.plans.get(&(party.clone(), subject))).map(|f| f.value.clone());
        let held = self.dss.intent_of(id, &intended.manager);
        let (Change::File(volumes), Some((state, _))) = (change, held) else {
            // It is to end, or has gone since it was written.
            self.filing.remove(key);
            if intended.filed {
                self.end_plan(subject, now, out);
            }
            return;
        };
        let plan = plan(state, volumes);
        if before.as_ref() != Some(&plan) {
            // Nobody is told of it without its marking; what planners make of that later stays so.
            let marking = self.boot.as_ref().and_then(|boot| boot.dss_marking);
            if before.is_none() {
                self.plan_marks.extend(marking.map(|marking| (subject, marking)));
            }
            if let Err(refused) = self.file_plan(subject, &plan, now, out) {
                let unfit = Unfit { manager: intended.manager, reason: refused.to_string(), end: intended.end };
                if before.is_none() {
                    self.filing.remove(key);
                    self.plan_marks.remove(&subject);
                } else {
                    self.filing.ended(id, now.mono);
                }
                self.filing.is_unfit(id, unfit);
                return;
            }
        }
        self.filing.is_filed(key);
    }

    /// A plan that a traffic service manages is changed by it alone.
    pub(crate) fn may_change_plan(&self, command: &Command) -> Result<(), Refused> {
        let subject = match command {
            Command::FilePlan { subject, .. }
            | Command::FileMarkedPlan { subject, .. }
            | Command::DeclarePlan { subject, .. }
            | Command::CancelPlan(subject) => *subject,
            _ => return Ok(()),
        };
        match self.filing.uss_of(subject) {
            Some(uss) => Err(Refused::Invalid {
                field: "subject".into(),
                reason: format!("it is the operational intent of the traffic service {uss}, which alone changes it"),
            }),
            None => Ok(()),
        }
    }

    /// What is not filed is told to nobody: the desk must know.
    pub(crate) fn check_filing(&mut self, present: &mut Present, now: Now) {
        self.filing.expire(now);
        let texts = [self.filing.unfit_text(), self.filing.late_text(now.mono)].into_iter().flatten();
        let text = texts.collect::<Vec<_>>().join(". ");
        if text.is_empty() {
            return;
        }
        let situation = Situation::Own(OwnTrouble::Intents);
        self.hold(situation.clone(), AlertLevel::Caution, sentence(text), now);
        present.insert(situation);
    }
}

/// The plan of an intent. A reference states neither callsign nor priority.
fn plan(state: IntentState, volumes: Vec<Volume4d>) -> Plan {
    Plan {
        callsign: None,
        class: AircraftClass::Uas,
        state: match state {
            IntentState::Accepted => PlanState::Accepted,
            IntentState::Activated => PlanState::Activated,
            IntentState::Nonconforming => PlanState::Nonconforming,
            IntentState::Contingent => PlanState::Contingent,
        },
        priority: 0,
        special: None,
        volumes,
        address: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_older_snapshots_hold_by_identifier_goes_on() {
        let (id, subject) = (Id::random([1; 16]), SubjectId([2; 16]));
        let (manager, next) = (String::from("uss1"), Some(Change::End));
        let (since, filed_corners) = (Mono(0), 0);
        let intended = Intended { manager, corners: 4, end: Utc(9), filed: true, next, subject, since, filed_corners };
        let old = Filing { by_id: BTreeMap::from([(id, intended)]), ..Filing::default() };
        let bytes = minicbor::to_vec(&old).expect("it is written");
        let mut filing: Filing = minicbor::decode(&bytes).expect("it is read");
        filing.rebuild();
        assert_eq!((filing.uss_of(subject), filing.corners, filing.by_id.len()), (Some("uss1"), 4, 0));
        assert_eq!(filing.turn(), Some(((id, subject), Change::End)));
    }
}
