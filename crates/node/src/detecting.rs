//! Conflicts of tracks: predicted at every update and audited every second, observed at common times of applicability.
use crate::deciding::own_first;
use crate::inhibiting::under;
use crate::input::{ObservedLoss, Output};
use crate::intending::Way;
use crate::picture::SystemTrack;
use crate::situation::{Present, conflict_of};
use crate::state::{Checked, State};
use crate::unjudged::is_cell;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use desk::{AlertLevel, Basis, Facts};
use detect::{Airspace, AltitudeBasis, Encounter, Item, Kinematics, MinimaTable, Pair, observed_at, sweep_between};
use pact::SignedPact;
use track::TrackReport;
use units::{Height, Now, Utc};

/// Conflict alerts held at once. Conflicts grow with the square of the traffic; what is cut is counted and shown.
pub const CONFLICTS_MAX: usize = 500;
/// Pairs of one party that a sweep gives: 10,000 of 104 B, twice that while it looks, of each of 16 peers are 33 MB.
const PAIRS_MAX: usize = 10_000;
/// Pairs of one party of which one look asks, each by itself, whether they come into the airspace of a pact: 500 of 0.1 ms.
const ASKED_MAX: u32 = 500;
/// Losses of separation remembered at once, for a minute: 10,000 of 16 B.
const LOSSES_MAX: usize = 10_000;
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

/// Conflicts that one look hands to the desk, those that begin first before others: once the desk has refused one of a party, it
/// has no room for those after it, which are no graver, and is not made to search for each.
#[derive(Default)]
struct Tries {
    refused: BTreeSet<u16>,
    /// Own tracks that are in the airspace of a pact now, which is asked once: it takes longer than all the rest.
    inside: BTreeMap<u32, bool>,
    /// Pairs of a party, not yet held, of which it had to be asked for each.
    asked: BTreeMap<u16, u32>,
}

impl Tries {
    fn conflict(&mut self, state: &mut State, (a, b): (u32, u32), encounter: &Encounter, now: Now) -> bool {
        let (Some(ta), Some(tb)) = (state.picture.get(a), state.picture.get(b)) else { return false };
        if !State::concerns(ta, tb) {
            return false;
        }
        let whose = if ta.is_own() { tb.teller() } else { ta.teller() };
        let own = if ta.is_own() { ta } else { tb };
        let inside = *self.inside.entry(own.id).or_insert_with(|| state.comes_within(&own.last, now.utc));
        let is_new = state.desk.alerts.of(&conflict_of(a, b)).is_none();
        let asked = self.asked.entry(whose).or_default();
        *asked += u32::from(!inside && is_new);
        if is_new && (self.refused.contains(&whose) || *asked > ASKED_MAX) {
            state.cut = state.cut.saturating_add(1);
            return false;
        }
        let cut = state.cut;
        let (held, level) = state.conflict((a, b), inside, encounter, now);
        // A caution for which there was no room, because it is inhibited, is less than what comes after it.
        if state.cut > cut && level > AlertLevel::Caution {
            self.refused.insert(whose);
        }
        held
    }
}

impl State {
    /// Whether a loss of separation between these two is this node's to find: one of them is its own, and both are where they
    /// are said to be. Nothing flies in the middle of a cell; what it may mean is a caution (`unjudged.rs`). Nor has an own
    /// aircraft a conflict with what a peer says of it; that it says so is a caution too (`claimed.rs`).
    pub(crate) fn concerns(a: &SystemTrack, b: &SystemTrack) -> bool {
        let is_one = a.address.is_some() && a.address == b.address;
        !is_one && (a.is_own() || b.is_own()) && !a.last.on_ground && !b.last.on_ground && !is_cell(a) && !is_cell(b)
    }

    /// Whether one of the two is in the airspace of a pact (clauses 2.1 and 2.2), or comes into it by `until`: at
    /// its border, too, an aircraft inside is separated from all others.
    pub(crate) fn within_pact(&self, a: &TrackReport, b: &TrackReport, until: Utc) -> bool {
        self.comes_within(a, until) || self.comes_within(b, until)
    }

    pub(crate) fn comes_within(&self, report: &TrackReport, until: Utc) -> bool {
        let airspaces = &self.pacts.airspaces;
        let state = Kinematics::from_report(report, report.at);
        let horizon_s = until.since_s(report.at).max(0.0);
        let holds = |space: &Option<Airspace>| space.as_ref().is_none_or(|space| space.may_hold(&state, horizon_s));
        airspaces.is_empty() || airspaces.iter().any(holds)
    }

    /// Looks at the separation that was, wherever this track's new report completes a common time.
    pub(crate) fn observe(&mut self, id: u32, out: &mut Vec<Output>) {
        let Some(track) = self.picture.get(id).filter(|track| self.flies_alone(track)).cloned() else { return };
        let class = track.class();
        let reach_m = self.widest_lateral_m(class) + OBSERVE_MARGIN_M;
        let near = if track.is_own() {
            self.picture.near(&track.last, reach_m)
        } else {
            self.sky.own_near(&Kinematics::from_report(&track.last, track.last.at), reach_m)
        };
        // Asked once, and only if it comes to that: it takes longer than all the rest.
        let (mut inside, mut asked) = (None, 0);
        for other_id in near {
            if other_id == id {
                continue;
            }
            let Some(other) = self.picture.get(other_id) else { continue };
            if !Self::concerns(&track, other) || !self.flies_alone(other) {
                continue;
            }
            let at = track.last.at.min(other.last.at);
            let seen = observed_at(track.prev.as_ref(), &track.last, other.prev.as_ref(), &other.last, at);
            let minima = self.sky.minima().get(class, other.class());
            let Some(seen) = seen.filter(|s| s.violates(&minima)) else { continue };
            let key = if id < other_id { (id, other_id) } else { (other_id, id) };
            if self.losses.get(&key).is_some_and(|last| *last >= at) {
                continue;
            }
            if !*inside.get_or_insert_with(|| self.comes_within(&track.last, at)) {
                asked += 1;
                if asked > ASKED_MAX || !self.comes_within(&other.last, at) {
                    continue;
                }
            }
            if self.losses.len() >= LOSSES_MAX && !self.losses.contains_key(&key) {
                self.cut = self.cut.saturating_add(1);
                continue;
            }
            self.losses.insert(key, at);
            let lateral_mm = libm::floor(seen.lateral_m * 1000.0) as i64;
            out.push(Output::Loss(ObservedLoss { a: key.0, b: key.1, at, lateral_mm, vertical: seen.vertical }));
        }
    }

    fn widest_lateral_m(&self, class: units::AircraftClass) -> f64 {
        let table = self.sky.minima();
        let widest = units::AircraftClass::ALL.iter().map(|c| table.get(class, *c).lateral_mm).max().unwrap_or(0);
        widest as f64 / 1000.0
    }

    /// Looks at the track's own neighbourhood at once.
    pub(crate) fn predict(&mut self, id: u32, now: Now, _out: &mut Vec<Output>) {
        let Some(is_own) = self.picture.get(id).map(SystemTrack::is_own) else { return };
        let found = self.sky.neighbours(id, is_own, now);
        let mut tries = Tries::default();
        let met = self.met_on_the_way(id, now);
        let met = met.into_iter().filter(|(other, _)| found.iter().all(|(straight, _)| straight != other));
        for (other, encounter) in met.collect::<Vec<_>>().into_iter().chain(found.iter().copied()) {
            tries.conflict(self, (id, other), &encounter, now);
        }
    }

    /// Looks at all pairs.
    pub(crate) fn full_sweep(&mut self, present: &mut Present, now: Now, out: &mut Vec<Output>) {
        // From the picture and not from the index, so that one that is not in the index is missed there alone.
        let (mut keys, mut items, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for track in self.picture.iter().filter(|track| self.flies_alone(track)) {
            keys.push(track.id);
            items.push(Item { track: self.kinematics_of(track, now.utc), class: track.class() });
            groups.push(if track.is_own() { 0 } else { track.teller().saturating_add(1) });
        }
        let found = sweep_between(&items, |n| groups[n], self.sky.minima(), PAIRS_MAX);
        self.crosscheck(&keys, &found, now, out);
        self.cut = self.cut.saturating_add(u32::try_from(found.cut).unwrap_or(u32::MAX));
        let mut pairs: Vec<&Pair> = found.pairs.iter().collect();
        pairs.sort_by(|p, q| p.encounter.tin_s.total_cmp(&q.encounter.tin_s).then((p.i, p.j).cmp(&(q.i, q.j))));
        let (mut held, mut tries) = (0, Tries::default());
        for pair in pairs {
            let (a, b) = (keys[pair.i], keys[pair.j]);
            if tries.conflict(self, (a, b), &pair.encounter, now) {
                present.insert(conflict_of(a, b));
                held += 1;
            }
        }
        let were_found: BTreeSet<(u32, u32)> = found.pairs.iter().map(|p| (keys[p.i], keys[p.j])).collect();
        self.look_again(|pair| were_found.contains(&pair));
        self.checked = Checked { tracks: keys.len() as u32, conflicts: held, unjudged: 0, at: now.utc };
        // A pair that has not been in violation for a minute is forgotten; a new loss is said anew.
        self.losses.retain(|_, at| now.utc.since_ms(*at) < 60_000);
    }

    /// Two that concern us meet; `inside` if one of them is in the airspace of a pact for sure.
    fn conflict(&mut self, (a, b): (u32, u32), inside: bool, encounter: &Encounter, now: Now) -> (bool, AlertLevel) {
        let none = (false, AlertLevel::Caution);
        let (Some(ta), Some(tb)) = (self.picture.get(a), self.picture.get(b)) else { return none };
        let inhibited = self.inhibition_of(ta, tb, now);
        let way = self.on_their_way(ta, tb, now);
        let (encounter, known) = match &way {
            Way::Along(along, _) => (*along, (self.known_of(a), self.known_of(b))),
            Way::Straight | Way::Apart(_) => (*encounter, Default::default()),
        };
        let (level, mut met) = self.facts_of(&encounter, now);
        if !inside && !self.within_pact(&ta.last, &tb.last, met.cpa.unwrap_or(now.utc)) {
            return none;
        }
        let is_apart = matches!(way, Way::Apart(_)) && !encounter.violation_now;
        met.intent = match way {
            Way::Straight => None,
            Way::Along(_, words) => Some(words),
            Way::Apart(words) => Some(format!("not if {words}")),
        };
        let level = if is_apart { AlertLevel::Caution } else { level };
        let (level, facts) = under(inhibited, level, facts_of_pair(ta, tb, met));
        let (first, second) = own_first(ta, tb);
        let (pair, of, situation) = ((first.id, second.id), (ta.last.at, tb.last.at), conflict_of(a, b));
        let waits = (level == AlertLevel::Warning || is_apart) && self.desk.alerts.of(&situation).is_none();
        if waits && !self.is_confirmed((a.min(b), a.max(b)), if a < b { of } else { (of.1, of.0) }) {
            return none;
        }
        let held = self.hold(situation.clone(), level, facts, now);
        if held {
            let known = if pair == (a, b) { known } else { (known.1, known.0) };
            self.decided(&situation, pair, &encounter, known, now);
        }
        (held, level)
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

    /// A track as it is judged: of one that keeps its level the vertical rate is noise.
    pub(crate) fn kinematics_of(&self, track: &SystemTrack, t0: Utc) -> Kinematics {
        judged(&track.last, self.is_noise(track), t0)
    }

    /// Whether a track's vertical rate is noise, by the rules in force.
    pub(crate) fn is_noise(&self, track: &SystemTrack) -> bool {
        !self.alerting.rules.all_rates && track.is_steady()
    }

    pub(crate) fn alarm_horizon_ms(&self) -> i64 {
        self.pacts.list.iter().map(|p| p.pact().alarm_horizon_ms).max().unwrap_or(120_000)
    }
}

/// A report moved to `t0`, without its vertical rate if that is noise.
pub(crate) fn judged(report: &TrackReport, is_noise: bool, t0: Utc) -> Kinematics {
    let vertical_rate = report.vertical_rate.filter(|_| !is_noise);
    Kinematics::from_report(&TrackReport { vertical_rate, ..*report }, t0)
}

/// What there is to say of two tracks, the own one first.
pub(crate) fn facts_of_pair(a: &SystemTrack, b: &SystemTrack, met: Facts) -> Facts {
    let (first, second) = own_first(a, b);
    Facts {
        a: Some(u64::from(first.id)),
        b: Some(u64::from(second.id)),
        data_at: Some(first.last.at.min(second.last.at)),
        ..met
    }
}

fn millimetres(metres: f64) -> i64 {
    libm::round(metres * 1000.0) as i64
}
