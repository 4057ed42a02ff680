//! Traffic near own aircraft of which too little is known to say whether it conflicts: a coarse cell, a track without
//! speed or direction, one not heard for a while. Clear needs proof; where there is none, the officer is told so.
use crate::picture::{Source, SystemTrack};
use crate::situation::{Present, label, sentence};
use crate::state::State;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use desk::{AlertLevel, Facts, Situation};
use detect::{AGE_MAX_MS, Minima};
use record::{PartyId, ReleaseForm};
use units::{Height, Now, earth};

/// A coarse release gives the middle of a block of 1,000 ft.
const COARSE_LEVEL: Height = Height::from_feet(500);
/// Assumed of an aircraft that does not say how fast it is, m/s: what the release of cells assumes as well.
const SPEED_ASSUMED_MPS: f64 = 300.0;
/// Time in which an alert is to be acted upon, s: a warning that nobody acknowledged becomes an alarm after it.
const ACT_S: f64 = 60.0;
/// Neighbours looked at in a second, about 0.1 µs each: a peer may release a hundred thousand tracks that do not say where
/// they fly, all in one place. Those beyond are counted as not judged, and not looked at.
const WORK_MAX: usize = 300_000;
/// An own aircraft moves this far between two looks and the age of its report, at most.
const OWN_MARGIN_M: f64 = 10_000.0;

/// Traffic that one own aircraft may meet.
struct Unknown {
    nearest_m: f64,
    within_m: f64,
}

impl State {
    /// Tells of each own aircraft which party's traffic near it cannot be judged. Returns the number of such tracks,
    /// and of own ones that are no longer heard.
    pub(crate) fn check_unjudged(&mut self, present: &mut Present, now: Now) -> u32 {
        let mut found: BTreeMap<(u64, PartyId), Unknown> = BTreeMap::new();
        let mut tracks = BTreeSet::new();
        let mut work = 0;
        for other in self.picture.iter().filter(|t| !t.is_own() && self.flies_alone(t)) {
            let Some(radius_m) = self.unknown_within(other, now) else { continue };
            let whose = self.said_by(other);
            // A peer may say a cell anew each bin under another number.
            let as_one = (whose.clone(), other.last.position.lat_e7, other.last.position.lon_e7, other.last.pressure);
            if work > WORK_MAX {
                tracks.insert(as_one);
                continue;
            }
            let near = self.picture.near(&other.last, radius_m + OWN_MARGIN_M);
            work += near.len();
            for id in near {
                let Some(own) = self.picture.get(id).filter(|t| t.is_own() && !t.last.on_ground) else { continue };
                let minima = self.sky.minima().get(own.class(), other.class());
                let (p, q) = (own.last.position, other.last.position);
                let gap_m = earth::distance(p.lat(), p.lon(), q.lat(), q.lon());
                let reach_m = radius_m + minima.lateral_mm as f64 / 1000.0;
                if gap_m > reach_m
                    || !may_share_level(own, other, &minima)
                    || !self.within_pact(&own.last, &other.last, now.utc)
                {
                    continue;
                }
                tracks.insert(as_one.clone());
                // Of a track that is merely not heard the loss of its party or feed tells; what it did before is held. A cell is
                // said once a bin, and is old before the next: until then it raises nothing, and ends nothing.
                if is_stale(other, now) && !(is_cell(other) && self.is_unjudged(u64::from(id), &whose)) {
                    continue;
                }
                let entry = found.entry((u64::from(id), whose.clone()));
                let unknown = entry.or_insert(Unknown { nearest_m: f64::INFINITY, within_m: 0.0 });
                if gap_m < unknown.nearest_m {
                    (unknown.nearest_m, unknown.within_m) = (gap_m, radius_m);
                }
            }
        }
        let unheard = |t: &&SystemTrack| t.is_own() && !t.last.on_ground && is_stale(t, now);
        let own = self.picture.iter().filter(unheard).count();
        for ((own, party), unknown) in found {
            let Some(track) = self.track_of(own) else { continue };
            let text = format!(
                "{} may be near traffic of {party} that cannot be judged: {:.0} NM away, known to {:.1} NM",
                label(track),
                libm::ceil(unknown.nearest_m / 1852.0),
                unknown.within_m / 1852.0
            );
            let facts = Facts { a: Some(own), data_at: Some(track.last.at), ..sentence(text) };
            let situation = Situation::Unjudged(own, party);
            if self.hold(situation.clone(), AlertLevel::Caution, facts, now) {
                present.insert(situation);
            }
        }
        u32::try_from(tracks.len() + own).unwrap_or(u32::MAX)
    }

    /// Whether the officer has been told that this traffic near an own aircraft cannot be judged.
    fn is_unjudged(&self, own: u64, party: &PartyId) -> bool {
        self.desk.alerts.of(&Situation::Unjudged(own, party.clone())).is_some()
    }

    /// Within how much of its position a track may be, if that is too much, or too little is known of its way, to judge it.
    fn unknown_within(&self, track: &SystemTrack, now: Now) -> Option<f64> {
        let precision_m = f64::from(track.chosen().precision_mm) / 1000.0;
        let least_mm = self.sky.minima().get(track.class(), track.class()).lateral_mm;
        let moving = track.last.speed.is_none_or(|speed| speed.0 > 0);
        let no_way = track.last.speed.is_none() || moving && track.last.track.is_none();
        let too_coarse = i64::from(track.chosen().precision_mm) >= least_mm || is_cell(track);
        if !(no_way || too_coarse || is_stale(track, now)) {
            return None;
        }
        let speed_mps = track.last.speed.map_or(SPEED_ASSUMED_MPS, |speed| speed.mps());
        // A cell is said of its whole bin: the aircraft was in it, whenever that was. One that does not say where it flies
        // may come nearer within the time in which an officer is to act.
        let unknown_s = match (too_coarse, no_way) {
            (true, _) => 0.0,
            (false, true) => ACT_S,
            (false, false) => now.utc.since_s(track.last.at).max(0.0),
        };
        Some(precision_m + speed_mps * unknown_s)
    }

    /// The party that tells of a track: a peer, or the own one with its sensors.
    pub(crate) fn said_by(&self, track: &SystemTrack) -> PartyId {
        let number = match track.chosen().source {
            Source::Feed(_) => 0,
            Source::Peer(number) => usize::from(number),
        };
        self.parties.get(number).or_else(|| self.parties.first()).cloned().unwrap_or_else(crate::viewing::unnamed)
    }
}

fn is_stale(track: &SystemTrack, now: Now) -> bool {
    now.utc.since_ms(track.last.at) > AGE_MAX_MS
}

pub(crate) fn is_cell(track: &SystemTrack) -> bool {
    track.chosen().form == ReleaseForm::Coarse
}

/// Whether their levels, as far as known, may be too close.
fn may_share_level(own: &SystemTrack, other: &SystemTrack, minima: &Minima) -> bool {
    let (Some(a), Some(b)) = (own.last.pressure, other.last.pressure) else { return true };
    let block = if is_cell(other) { COARSE_LEVEL } else { Height(0) };
    i64::from(a.0).abs_diff(i64::from(b.0)) < (i64::from(minima.vertical.0) + i64::from(block.0)).unsigned_abs()
}
