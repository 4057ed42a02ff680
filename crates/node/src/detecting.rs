//! Conflicts of tracks: predicted at every update and audited every second, observed at common times of applicability.
use crate::input::{ObservedLoss, Output};
use crate::picture::SystemTrack;
use crate::situation::{Present, conflict_of};
use crate::state::{Checked, State};
use crate::unjudged::is_cell;
use alloc::vec::Vec;
use desk::{AlertLevel, Basis, Facts};
use detect::{AltitudeBasis, Encounter, Kinematics, MinimaTable, Pair, observed_at, sweep};
use pact::SignedPact;
use track::TrackReport;
use units::{Height, Now, Utc};

/// Conflict alerts held at once. Conflicts grow with the square of the traffic; what is cut is counted and shown.
pub const CONFLICTS_MAX: usize = 500;
/// How far beyond the lateral minimum a neighbour is looked for when separation is observed: two aircraft at 600 m/s
/// for the 20 s that may lie between their reports, and the edge.
const OBSERVE_MARGIN_M: f64 = 26_000.0;

/// The minima of all pacts: for each pair of classes the widest.
pub(crate) fn minima_of(pacts: &[SignedPact]) -> Option<MinimaTable> {
    if pacts.is_empty() {
        return None;
    }
    let one = |p: &SignedPact, a, b| {
        let m = p.pact().minima(a, b);
        detect::Minima { lateral_mm: m.lateral_mm, vertical: m.vertical, horizon_ms: m.horizon_ms }
    };
    Some(MinimaTable::from_fn(|a, b| {
        let mut all = pacts.iter().map(|p| one(p, a, b));
        let first = all.next().unwrap_or(detect::Minima::DEFAULT);
        all.fold(first, detect::Minima::wider)
    }))
}

impl State {
    /// Whether a loss of separation between these two is this node's to find: one of them is its own, and both are where they
    /// are said to be. Nothing flies in the middle of a cell; what it may mean is a caution (`unjudged.rs`). Nor has an own
    /// aircraft a conflict with what a peer says of it; that it says so is a caution too (`claimed.rs`).
    fn concerns(a: &SystemTrack, b: &SystemTrack) -> bool {
        let is_one = a.address.is_some() && a.address == b.address;
        !is_one && (a.is_own() || b.is_own()) && !a.last.on_ground && !b.last.on_ground && !is_cell(a) && !is_cell(b)
    }

    /// Whether one of the two is in the airspace of a pact (clauses 2.1 and 2.2), or comes into it by `until`: at
    /// its border, too, an aircraft inside is separated from all others.
    pub(crate) fn within_pact(&self, a: &TrackReport, b: &TrackReport, until: Utc) -> bool {
        let airspaces = &self.pacts.airspaces;
        let holds = |report: &TrackReport| {
            let state = Kinematics::from_report(report, report.at);
            let horizon_s = until.since_s(report.at).max(0.0);
            airspaces.iter().any(|space| space.as_ref().is_none_or(|space| space.may_hold(&state, horizon_s)))
        };
        airspaces.is_empty() || holds(a) || holds(b)
    }

    /// Looks at the separation that was, wherever this track's new report completes a common time.
    pub(crate) fn observe(&mut self, id: u32, out: &mut Vec<Output>) {
        let Some(track) = self.picture.get(id).cloned() else { return };
        let class = track.class();
        let widest = self.widest_lateral_m(class);
        for other_id in self.picture.near(&track.last, widest + OBSERVE_MARGIN_M) {
            if other_id == id {
                continue;
            }
            let Some(other) = self.picture.get(other_id) else { continue };
            if !Self::concerns(&track, other) {
                continue;
            }
            let at = track.last.at.min(other.last.at);
            let seen = observed_at(track.prev.as_ref(), &track.last, other.prev.as_ref(), &other.last, at);
            let minima = self.index.0.minima().get(class, other.class());
            let Some(seen) = seen.filter(|s| s.violates(&minima) && self.within_pact(&track.last, &other.last, at))
            else {
                continue;
            };
            let key = if id < other_id { (id, other_id) } else { (other_id, id) };
            if self.losses.get(&key).is_some_and(|last| *last >= at) {
                continue;
            }
            self.losses.insert(key, at);
            let lateral_mm = libm::floor(seen.lateral_m * 1000.0) as i64;
            out.push(Output::Loss(ObservedLoss { a: key.0, b: key.1, at, lateral_mm, vertical: seen.vertical }));
        }
    }

    fn widest_lateral_m(&self, class: units::AircraftClass) -> f64 {
        let table = self.index.0.minima();
        let widest = units::AircraftClass::ALL.iter().map(|c| table.get(class, *c).lateral_mm).max().unwrap_or(0);
        widest as f64 / 1000.0
    }

    /// Looks at the track's own neighbourhood at once.
    pub(crate) fn predict(&mut self, id: u32, now: Now, _out: &mut Vec<Output>) {
        let Ok(found) = self.index.0.neighbours(id, now.utc) else { return };
        for (other, encounter) in found {
            self.conflict(id, other, &encounter, now);
        }
    }

    /// Looks at all pairs.
    pub(crate) fn full_sweep(&mut self, present: &mut Present, now: Now) {
        let (keys, items) = self.index.0.items(now.utc);
        let found = sweep(&items, self.index.0.minima());
        let mut pairs: Vec<&Pair> = found.pairs.iter().collect();
        pairs.sort_by(|p, q| p.encounter.tin_s.total_cmp(&q.encounter.tin_s).then((p.i, p.j).cmp(&(q.i, q.j))));
        let mut held = 0;
        for pair in pairs {
            let (a, b) = (keys[pair.i], keys[pair.j]);
            if self.conflict(a, b, &pair.encounter, now) {
                present.insert(conflict_of(a, b));
                held += 1;
            }
        }
        self.checked = Checked { tracks: keys.len() as u32, conflicts: held, unjudged: 0, at: now.utc };
        // A pair that has not been in violation for a minute is forgotten; a new loss is said anew.
        self.losses.retain(|_, at| now.utc.since_ms(*at) < 60_000);
    }

    fn conflict(&mut self, a: u32, b: u32, encounter: &Encounter, now: Now) -> bool {
        let (Some(ta), Some(tb)) = (self.picture.get(a), self.picture.get(b)) else { return false };
        if !Self::concerns(ta, tb) {
            return false;
        }
        // The own track first; of two own ones the one with the lower number.
        let (first, second) = if ta.is_own() && (!tb.is_own() || a < b) { (ta, tb) } else { (tb, ta) };
        let (level, met) = self.facts_of(encounter, now);
        if !self.within_pact(&ta.last, &tb.last, met.cpa.unwrap_or(now.utc)) {
            return false;
        }
        let facts = Facts {
            a: Some(u64::from(first.id)),
            b: Some(u64::from(second.id)),
            data_at: Some(first.last.at.min(second.last.at)),
            ..met
        };
        self.hold(conflict_of(a, b), level, facts, now)
    }

    /// How grave an encounter is, and what there is to say of it beside whose it is.
    pub(crate) fn facts_of(&self, encounter: &Encounter, now: Now) -> (AlertLevel, Facts) {
        let at = |s: f64| Utc(now.utc.0.saturating_add(libm::round(s * 1000.0) as i64));
        let facts = Facts {
            cpa: Some(at(encounter.tcpa_s.max(0.0))),
            loss: Some(at(encounter.tin_s)),
            cpa_mm: Some(millimetres(encounter.dcpa_m)),
            distance_mm: Some(millimetres(encounter.d0_m)),
            vertical: encounter.vertical_at_cpa.and_then(|v| i32::try_from(v).ok()).map(Height),
            basis: Some(match encounter.basis {
                AltitudeBasis::Pressure => Basis::Pressure,
                AltitudeBasis::Geometric => Basis::Wgs84,
                AltitudeBasis::Mixed => Basis::Mixed,
                AltitudeBasis::UnknownLevel => Basis::UnknownLevel,
            }),
            violation: encounter.violation_now,
            ..Facts::default()
        };
        let alarm = encounter.violation_now || encounter.tin_s * 1000.0 < self.alarm_horizon_ms() as f64;
        (if alarm { AlertLevel::Alarm } else { AlertLevel::Warning }, facts)
    }

    pub(crate) fn alarm_horizon_ms(&self) -> i64 {
        self.pacts.list.iter().map(|p| p.pact().alarm_horizon_ms).max().unwrap_or(120_000)
    }
}

fn millimetres(metres: f64) -> i64 {
    libm::round(metres * 1000.0) as i64
}
