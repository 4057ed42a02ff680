//! Whether own aircraft keep to the plans that name them.
//!
//! The node says so at its own desk, and does not itself declare a plan nonconforming or contingent (F3548-21): the plan's state goes to
//! whoever is told of the plan, and would tell of an aircraft that is withheld from it.
use super::{Kind, Prepared, Ready, Thing, words};
use crate::situation::{Present, label};
use crate::state::State;
use airspace::PlanState;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use desk::{AlertLevel, Facts, Situation};
use detect::{Conformance, Kinematics, conformance};
use record::SubjectId;
use track::Address;
use units::Now;

/// An aircraft is outside its plan when it was so at this many of the last looks, one a second: one wild report is no
/// deviation.
const OUTSIDE_AT: u32 = 3;
const LOOKS: u8 = 0b1_1111;
/// How long it may be outside before that is a warning, milliseconds.
const LONG_MS: i64 = 60_000;

impl State {
    /// Once a second: aircraft outside the plan they fly.
    pub(super) fn check_conformance(&mut self, prepared: &Prepared, present: &mut Present, now: Now) {
        let flown: Vec<(SubjectId, u32, f64, bool)> = self.flown(prepared, now);
        let mut looks = BTreeMap::new();
        for (subject, id, lateral_m, outside) in flown {
            let before = self.off_plan.get(&subject).copied().unwrap_or(0);
            let seen = (before << 1 | u8::from(outside)) & LOOKS;
            looks.insert(subject, seen);
            let situation = Situation::OffPlan(u64::from(id), subject);
            // It ends as it begins: by three looks, not by one.
            if seen.count_ones() < OUTSIDE_AT {
                continue;
            }
            let Some(track) = self.picture.get(id) else { continue };
            let Some(me) = self.party().cloned() else { continue };
            let plan = words::name(self, &Thing { kind: Kind::Plan, owner: me, subject });
            let off = if lateral_m > 0.0 { format!("{:.1} NM", lateral_m / 1852.0) } else { "by level".into() };
            let facts = Facts {
                a: Some(u64::from(id)),
                data_at: Some(track.last.at),
                text: format!("{} is outside {plan}: {off}", label(track)),
                ..Facts::default()
            };
            // Outside for so long, the plan is no longer what is flown: its planner is to say so.
            let since = self.desk.alerts.of(&situation).map(|alert| alert.raised);
            let for_long = since.is_some_and(|since| now.utc.since_ms(since) >= LONG_MS);
            let level = if for_long { AlertLevel::Warning } else { AlertLevel::Caution };
            if self.hold(situation.clone(), level, facts, now) {
                present.insert(situation);
            }
        }
        self.off_plan = looks;
    }

    /// Own plans that are flown, with the aircraft that they name: how far outside it is, and whether it is.
    fn flown(&self, prepared: &Prepared, now: Now) -> Vec<(SubjectId, u32, f64, bool)> {
        let mut flown = Vec::new();
        let own = self.plans.iter().filter(|((owner, _), _)| Some(owner) == self.party());
        for (key, filed) in
            own.filter(|(_, f)| matches!(f.value.state, PlanState::Activated | PlanState::Nonconforming))
        {
            let address = filed.value.address.and_then(Address::icao);
            let Some(track) = address.and_then(|address| self.picture.by_address(address)) else { continue };
            let Some(Ready::Volumes(volumes)) = prepared.ready.get(&Thing::new(Kind::Plan, key)) else { continue };
            if !track.is_own() || track.last.on_ground {
                continue;
            }
            let state = Kinematics::from_report(&track.last, now.utc);
            let (lateral_m, outside) = match conformance(&state, volumes) {
                Conformance::Outside { lateral_m } => (lateral_m, true),
                // Before and after its time the plan says nothing of where the aircraft should be.
                Conformance::NotActive | Conformance::Inside | Conformance::Marginal => (0.0, false),
            };
            flown.push((key.1, track.id, lateral_m, outside));
        }
        flown
    }
}
