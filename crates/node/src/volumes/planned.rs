//! Who flies without a plan, and which plans nobody flies: lists for people, asked for and not alarmed. Whoever files no plans has
//! all of its traffic on the first.
use super::{Kind, Ready, Thing, within};
use crate::naming::{ByName, Name};
use crate::picture::{STALE_MS, SystemTrack};
use crate::state::State;
use crate::unjudged::is_cell;
use airspace::{Plan, PlanState};
use alloc::vec::Vec;
use detect::{Kinematics, PreparedVolume, Presence, track_volume};
use record::{PartyId, SubjectId};
use units::{Utc, earth};

/// Volumes, and pairs of a plan and an aircraft, looked at for one list, 60 ns each if they are apart; beyond them it is cut.
const WORK_MAX: usize = 2_000_000;
/// What it costs to ask whether an aircraft is in the airspace of a pact, in volumes.
const AIRSPACE_WORK: usize = 100;
/// Rows of a list.
pub const PLANNED_MAX: usize = 1_000;
/// A plan's aircraft may be late by so much before the plan counts as not flown, milliseconds.
const LATE_MS: i64 = 60_000;
/// Added to the reach of a track in a ball test, metres: more than any accuracy.
const REACH_M: f64 = 20_000.0;

/// An aircraft in the air without a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplanned {
    /// The track.
    pub track: u32,
    /// A plan that names it and has no volume that is active now.
    pub inactive: Option<(PartyId, SubjectId)>,
}

/// A plan that is active now and that nobody flies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unflown {
    /// Whose.
    pub owner: PartyId,
    /// Which.
    pub subject: SubjectId,
    /// When its first volume that is active now became so.
    pub since: Utc,
    /// Why, in words.
    pub why: &'static str,
}

/// A list, and whether something was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// There may be more.
    pub cut: bool,
}

/// A plan that may be flown.
struct Live<'s> {
    owner: &'s PartyId,
    subject: SubjectId,
    plan: &'s Plan,
    /// Whom it names.
    name: Name,
    /// Its volumes that are active now.
    active: Vec<&'s PreparedVolume>,
}

impl Live<'_> {
    fn is_for_anyone(&self) -> bool {
        self.plan.address.is_none() && self.plan.callsign.is_none()
    }
}

impl State {
    /// Aircraft in the air, in the airspace of a pact, without a plan of the party that tells of them; of those that own sensors see,
    /// of any party.
    #[must_use]
    pub fn unplanned(&self, now: Utc) -> Listed<Unplanned> {
        let (plans, mut work, mut listed) = (self.live_plans(now), 0, Listed { rows: Vec::new(), cut: false });
        let by_name = ByName::of(plans.iter().map(|plan| &plan.name));
        let anyone: Vec<&Live<'_>> = plans.iter().filter(|p| p.is_for_anyone() && !p.active.is_empty()).collect();
        for track in self.picture.iter().filter(|track| self.is_flying(track, now)) {
            if listed.rows.len() >= PLANNED_MAX || work > WORK_MAX {
                listed.cut = true;
                break;
            }
            let name = Name::of_track(track);
            let places = by_name.either(&name);
            work += 1 + places.len();
            let named = places.into_iter().map(|place| &plans[place]);
            let named = named.filter(|plan| self.may_plan(plan.owner, track) && plan.name.is_for(&name));
            let named: Vec<&Live<'_>> = named.collect();
            if named.iter().any(|plan| !plan.active.is_empty()) {
                continue;
            }
            match self.is_one_in(anyone.iter().map(|plan| (*plan, track)), now, &mut work) {
                Some(false) => {}
                Some(true) => continue,
                None => {
                    listed.cut = true;
                    break;
                }
            }
            work += AIRSPACE_WORK;
            if self.comes_within(&track.last, now) {
                let inactive = named.first().map(|plan| (plan.owner.clone(), plan.subject));
                listed.rows.push(Unplanned { track: track.id, inactive });
            }
        }
        listed
    }

    /// Plans with a volume that has been active for a minute, or that are said to be flown, and that no aircraft flies.
    #[must_use]
    pub fn unflown(&self, now: Utc) -> Listed<Unflown> {
        let (plans, mut work, mut listed) = (self.live_plans(now), 0, Listed { rows: Vec::new(), cut: false });
        let tracks: Vec<&SystemTrack> = self.picture.iter().collect();
        let names: Vec<Name> = tracks.iter().map(|track| Name::of_track(track)).collect();
        let by_name = ByName::of(names.iter());
        let flying: Vec<&SystemTrack> = tracks.iter().filter(|track| self.is_flying(track, now)).copied().collect();
        for plan in plans.iter().filter(|plan| !plan.active.is_empty()) {
            if listed.rows.len() >= PLANNED_MAX || work > WORK_MAX {
                listed.cut = true;
                break;
            }
            let since = plan.active.iter().map(|v| v.window().0).min().unwrap_or(now);
            if plan.plan.state == PlanState::Accepted && now.since_ms(since) < LATE_MS {
                continue;
            }
            let why = if plan.is_for_anyone() {
                match self.is_one_in(flying.iter().map(|track| (plan, *track)), now, &mut work) {
                    Some(false) => "nobody is heard in it",
                    Some(true) => continue,
                    None => {
                        listed.cut = true;
                        break;
                    }
                }
            } else {
                let places = by_name.either(&plan.name);
                work += 1 + places.len();
                let named = places.into_iter().filter(|place| plan.name.is_for(&names[*place]));
                let named = named.map(|place| tracks[place]).filter(|track| self.may_plan(plan.owner, track));
                let named: Vec<&SystemTrack> = named.collect();
                if named.iter().any(|track| self.is_flying(track, now)) {
                    continue;
                }
                if named.iter().any(|track| track.last.on_ground) {
                    "its aircraft is on the ground"
                } else {
                    "its aircraft is not heard"
                }
            };
            listed.rows.push(Unflown { owner: plan.owner.clone(), subject: plan.subject, since, why });
        }
        listed
    }

    /// Whether an aircraft is in the plan of its pair, for which the plan may be; `None` if that is too much to look at.
    fn is_one_in<'a>(
        &self,
        pairs: impl Iterator<Item = (&'a Live<'a>, &'a SystemTrack)>,
        now: Utc,
        work: &mut usize,
    ) -> Option<bool> {
        for (plan, track) in pairs {
            *work += 1;
            if *work > WORK_MAX {
                return None;
            }
            if self.may_plan(plan.owner, track) && self.is_in(plan, track, now, work) {
                return Some(true);
            }
        }
        Some(false)
    }

    fn live_plans(&self, now: Utc) -> Vec<Live<'_>> {
        let live = |((owner, subject), filed): (&'_ (PartyId, SubjectId), &'_ crate::filed::Filed<Plan>)| {
            let thing = Thing { kind: Kind::Plan, owner: owner.clone(), subject: *subject };
            filed.value.state.is_live().then_some((thing, *subject))
        };
        let things: Vec<(Thing, SubjectId)> = self.plans.iter().filter_map(live).collect();
        things
            .into_iter()
            .filter_map(|(thing, subject)| {
                let (key, filed) = self.plans.get_key_value(&thing.key())?;
                let active = match self.prepared.ready.get(&thing) {
                    Some(Ready::Volumes(volumes)) => volumes.iter().filter(|v| v.active_at(now)).collect(),
                    _ => Vec::new(),
                };
                let name = Name::of_plan(&filed.value);
                Some(Live { owner: &key.0, subject, plan: &filed.value, name, active })
            })
            .collect()
    }

    fn is_flying(&self, track: &SystemTrack, now: Utc) -> bool {
        self.flies_alone(track) && !is_cell(track) && now.since_ms(track.last.at) <= STALE_MS
    }

    /// Whether a party's plans are for this aircraft: its own, a peer's for what it releases, anybody's for what is merely seen.
    fn may_plan(&self, owner: &PartyId, track: &SystemTrack) -> bool {
        let number = self.parties.iter().position(|party| party == owner);
        let released = || track.contributions.iter().filter(|c| c.standing == crate::picture::Standing::Released);
        if track.is_own() {
            return number == Some(0);
        }
        released().next().is_none()
            || released()
                .any(|c| matches!(c.source, crate::picture::Source::Peer(of) if Some(usize::from(of)) == number))
    }

    fn is_in(&self, plan: &Live<'_>, track: &SystemTrack, now: Utc, work: &mut usize) -> bool {
        let pos = earth::surface(track.last.position.lat(), track.last.position.lon());
        let state = Kinematics::from_report(&track.last, now);
        plan.active.iter().any(|volume| {
            let (centre, radius_m) = volume.ball();
            *work += 1;
            if !within(earth::sub(pos, centre), radius_m + REACH_M) {
                return false;
            }
            *work += volume.edges();
            track_volume(&state, volume, 0.0).now != Presence::Out
        })
    }
}

#[cfg(test)]
#[path = "planned_tests.rs"]
mod tests;
