//! What a conflict's alert rests on: both reports, the minima and the verdict, kept so that anybody can repeat the decision.
use crate::detecting::judged;
use crate::picture::SystemTrack;
use crate::state::State;
use alloc::collections::BTreeSet;
use alloc::string::String;
use desk::Situation;
use detect::{EARTH, ENGINE, Encounter, Intent, Kinematics, Known, Minima, Path, Verdict, path_path};
use minicbor::{Decode, Encode};
use record::Hash32;
use track::TrackReport;
use units::{AircraftClass, Now, Utc};

/// Alerts whose decisions are kept: those live and those lately ended, of 0.7 kB.
const DECISIONS_MAX: usize = desk::ALERTS_MAX + desk::HISTORY_MAX;

/// One decision that two tracks conflict, with all that it depends on.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Decision {
    /// The reports, that of the own track first.
    #[n(0)]
    pub reports: (TrackReport, TrackReport),
    /// Classes by which the minima were chosen: of several sources that differ, unknown.
    #[n(1)]
    pub classes: (AircraftClass, AircraftClass),
    /// Reference time to which both were moved.
    #[n(2)]
    pub t0: Utc,
    /// The minima in force.
    #[n(3)]
    pub minima: Minima,
    /// What was found.
    #[n(4)]
    pub encounter: Encounter,
    /// Version of the detector.
    #[n(5)]
    pub engine: String,
    /// Its earth model.
    #[n(6)]
    pub earth: String,
    /// What was known of where each was going, and used.
    #[n(7)]
    #[cbor(default)]
    pub known: (Known, Known),
    /// Of which the vertical rate was taken for noise, because it keeps its level.
    #[n(8)]
    #[cbor(default)]
    pub noise: (bool, bool),
}

impl Decision {
    /// The decision made again from its inputs, by the detector of this build.
    #[must_use]
    pub fn again(&self) -> Verdict<Encounter> {
        let (a, b) = self.paths();
        path_path(&a, &b, &self.minima)
    }

    /// What was taken for the way of each.
    #[must_use]
    pub fn intents(&self) -> (Intent, Intent) {
        let (a, b) = self.paths();
        (a.intent(), b.intent())
    }

    fn paths(&self) -> (Path, Path) {
        let horizon_s = self.minima.horizon_ms as f64 / 1000.0;
        let (a, b) = self.states();
        (Path::of(&a, &self.known.0, horizon_s), Path::of(&b, &self.known.1, horizon_s))
    }

    /// Both as they were judged, at the reference time.
    #[must_use]
    pub fn states(&self) -> (Kinematics, Kinematics) {
        let of = |report: &TrackReport, is_noise: bool| judged(report, is_noise, self.t0);
        (of(&self.reports.0, self.noise.0), of(&self.reports.1, self.noise.1))
    }

    /// SHA-256 of each report in CBOR, as a record holds it.
    #[must_use]
    pub fn hashes(&self) -> (Hash32, Hash32) {
        let hash = |report: &TrackReport| Hash32::of(&minicbor::to_vec(report).unwrap_or_default());
        (hash(&self.reports.0), hash(&self.reports.1))
    }
}

/// The decisions of one alert.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Decisions {
    /// That which raised it.
    #[n(0)]
    pub first: Decision,
    /// The newest.
    #[n(1)]
    pub last: Decision,
}

impl State {
    /// Keeps what the alert of a conflict rests on now.
    pub(crate) fn decided(
        &mut self,
        situation: &Situation,
        (a, b): (u32, u32),
        encounter: &Encounter,
        known: (Known, Known),
        now: Now,
    ) {
        let Some(id) = self.desk.alerts.of(situation).map(|alert| alert.id) else { return };
        let (Some(a), Some(b)) = (self.picture.get(a), self.picture.get(b)) else { return };
        let decision = Decision {
            reports: (a.last, b.last),
            classes: (a.class(), b.class()),
            t0: now.utc,
            minima: self.sky.minima().get(a.class(), b.class()),
            encounter: *encounter,
            engine: ENGINE.into(),
            earth: EARTH.into(),
            known,
            noise: (self.is_noise(a), self.is_noise(b)),
        };
        match self.alerting.decisions.get_mut(&id) {
            Some(decisions) => decisions.last = decision,
            None => {
                self.forget_decisions();
                self.alerting.decisions.insert(id, Decisions { first: decision.clone(), last: decision });
            }
        }
    }

    /// Those of alerts that the desk has forgotten, before there are too many.
    fn forget_decisions(&mut self) {
        if self.alerting.decisions.len() < DECISIONS_MAX {
            return;
        }
        let alerts = &self.desk.alerts;
        let known: BTreeSet<u64> = alerts.live().chain(alerts.history()).map(|alert| alert.id).collect();
        self.alerting.decisions.retain(|id, _| known.contains(id));
    }

    /// What the alert of a conflict rests on.
    #[must_use]
    pub fn decisions(&self, alert: u64) -> Option<&Decisions> {
        self.alerting.decisions.get(&alert)
    }
}

/// The own track first; of two own ones that with the lower number.
pub(crate) fn own_first<'t>(a: &'t SystemTrack, b: &'t SystemTrack) -> (&'t SystemTrack, &'t SystemTrack) {
    if a.is_own() && (!b.is_own() || a.id < b.id) { (a, b) } else { (b, a) }
}
