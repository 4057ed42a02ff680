//! Whether own aircraft keep to the plans that name them.
//!
//! The node says so at its own desk, and does not itself declare a plan nonconforming or contingent (F3548-21): the plan's state goes to
//! whoever is told of the plan, and would tell of an aircraft that is withheld from it. People declare it ([`Command::DeclarePlan`]).
//!
//! [`Command::DeclarePlan`]: crate::command::Command::DeclarePlan
use super::{Kind, Prepared, Ready, Thing, words};
use crate::naming::{ByName, Name};
use crate::picture::{STALE_MS, SystemTrack};
use crate::situation::{Present, label, sentence};
use crate::state::State;
use airspace::PlanState;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Reverse;
use desk::{AlertLevel, Facts, Situation};
use detect::{Conformance, Kinematics, conformance};
use record::SubjectId;
use units::Now;

/// An aircraft is outside its plan when it was so at this many of the last looks, one a second: one wild report is no
/// deviation.
const OUTSIDE_AT: u32 = 3;
const LOOKS: u8 = 0b1_1111;
/// How long it may be outside before that is a warning, milliseconds.
const LONG_MS: i64 = 60_000;

/// An own plan that is flown, and how far its aircraft keeps to it.
struct Flown {
    subject: SubjectId,
    track: u32,
    state: PlanState,
    kept: Conformance,
}

impl State {
    /// Once a second: aircraft outside the plan they fly, in the words of F3548-21.
    pub(super) fn check_conformance(&mut self, prepared: &Prepared, present: &mut Present, now: Now) {
        let mut looks = BTreeMap::new();
        for Flown { subject, track: id, state, kept } in self.flown(prepared, now) {
            let before = self.off_plan.get(&subject).copied().unwrap_or(0);
            let seen = (before << 1 | u8::from(matches!(kept, Conformance::Outside { .. }))) & LOOKS;
            looks.insert(subject, seen);
            let situation = Situation::OffPlan(u64::from(id), subject);
            // It ends as it begins: by three looks, not by one.
            let is_outside = seen.count_ones() >= OUTSIDE_AT;
            let is_declared = state == PlanState::Nonconforming;
            let is_back = is_declared && kept == Conformance::Inside;
            if !is_outside && !is_back {
                continue;
            }
            let Some(track) = self.picture.get(id) else { continue };
            let Some(me) = self.party().cloned() else { continue };
            let (who, plan) = (label(track), words::name(self, &Thing { kind: Kind::Plan, owner: me, subject }));
            // For so long, the plan is no longer what is flown: somebody is to say so to those who were told of it.
            let since = self.desk.alerts.of(&situation).map(|alert| alert.raised);
            let for_long = is_outside && since.is_some_and(|since| now.utc.since_ms(since) >= LONG_MS);
            let off = match kept {
                Conformance::Outside { lateral_m } if lateral_m > 0.0 => {
                    format!("{:.1} NM outside", lateral_m / 1852.0)
                }
                Conformance::Outside { .. } => "by level outside".into(),
                _ => "lately outside".into(),
            };
            let text = match (is_outside, is_declared, for_long) {
                (false, ..) => {
                    format!("{who} is back in {plan}, which is declared nonconforming: activated may be declared")
                }
                (true, false, false) => format!("{who} is nonconforming: {off} {plan}"),
                (true, false, true) => {
                    format!(
                        "{who} is nonconforming for a minute: {off} {plan}; it is to be declared, or contingent if it cannot return"
                    )
                }
                (true, true, false) => format!("{who} is nonconforming as declared: {off} {plan}"),
                (true, true, true) => {
                    format!(
                        "{who} is nonconforming as declared, for a minute: {off} {plan}; if it cannot return, contingent is to be declared"
                    )
                }
            };
            let facts = Facts { a: Some(u64::from(id)), data_at: Some(track.last.at), ..sentence(text) };
            let level = if for_long { AlertLevel::Warning } else { AlertLevel::Caution };
            if self.hold(situation.clone(), level, facts, now) {
                present.insert(situation);
            }
        }
        self.off_plan = looks;
    }

    /// Own plans that are flown, with the aircraft that they name.
    fn flown(&self, prepared: &Prepared, now: Now) -> Vec<Flown> {
        let mut flown = Vec::new();
        let tracks = self.picture.iter().filter(|track| track.is_own() && self.flies_alone(track));
        let tracks: Vec<(&SystemTrack, Name)> = tracks.map(|track| (track, Name::of_track(track))).collect();
        let by_name = ByName::of(tracks.iter().map(|(_, name)| name));
        let own = self.plans.iter().filter(|((owner, _), _)| Some(owner) == self.party());
        for (key, filed) in
            own.filter(|(_, f)| matches!(f.value.state, PlanState::Activated | PlanState::Nonconforming))
        {
            let plan = Name::of_plan(&filed.value);
            let named = by_name.either(&plan).into_iter().map(|place| &tracks[place]);
            let named = named.filter(|(_, name)| plan.is_for(name));
            // Of several that bear its name the one of its address, then one that is still heard, then the first: always the same.
            let rank = |(track, name): &&(&SystemTrack, Name)| {
                let is_heard = now.utc.since_ms(track.last.at) <= STALE_MS;
                (plan.address.is_some() && plan.address == name.address, is_heard, Reverse(track.id))
            };
            let Some((track, _)) = named.max_by_key(rank) else { continue };
            let Some(Ready::Volumes(volumes)) = prepared.ready.get(&Thing::new(Kind::Plan, key)) else { continue };
            // Before and after its time the plan says nothing of where the aircraft should be.
            let kept = conformance(&Kinematics::from_report(&track.last, now.utc), volumes);
            flown.push(Flown { subject: key.1, track: track.id, state: filed.value.state, kept });
        }
        flown
    }
}
