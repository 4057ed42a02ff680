//! Own aircraft in the air against sites, and against what peers plan or asked to be kept clear of; and the aircraft of
//! others against our own sites, and what we asked to be kept clear of.
use super::words::name;
use super::{Kind, Prepared, Ready, Thing, within};
use crate::picture::SystemTrack;
use crate::situation::label;
use crate::state::State;
use airspace::PlanState;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;
use desk::{AlertLevel, Facts, Situation};
use detect::{AGE_MAX_MS, Kinematics, PreparedSite, PreparedVolume, Presence, track_volume};
use record::{ReleaseForm, SubjectId};
use units::earth::{self, Vec3};
use units::{Now, Utc, Vertex};

/// Work of one second: edges times steps of the prediction, about 1.5 µs each unoptimised, so 1.5 s at worst; a hundred
/// thousand tracks near circles, ten thousand near polygons of four corners. Beyond it nothing is called clear: what is
/// within reach is said to be unchecked.
const WORK_MAX: usize = 1_000_000;
/// Pairs of an aircraft of others and a thing of ours that are looked at in a second, about 3 ns each where they are apart.
const OTHERS_MAX: usize = 10_000_000;
/// Steps of the prediction over 120 s: towards a plain outline, and among many edges, where each step is short.
const STEPS: (usize, usize) = (20, 100);
/// An outline with more edges is not plain: the longest airspace boundaries of an ACO have more, and few of them.
const PLAIN_EDGES: usize = 32;
/// Slower than any step of the prediction: the ellipsoid stretches ground speed by less.
const STRETCH: f64 = 1.01;

/// What was found, and what it cost.
#[derive(Default)]
pub(super) struct Near {
    pub found: BTreeMap<Situation, (AlertLevel, Facts)>,
    work: usize,
    /// Of these, the ones that were too much to check: nothing is known of them but that they are within reach.
    pub(super) unchecked: BTreeSet<Situation>,
    /// Aircraft of others that were not looked at.
    pub(super) left_out: usize,
}

/// A track in the air.
struct Flying<'a> {
    track: &'a SystemTrack,
    own: bool,
    state: Kinematics,
    pos: Vec3,
    reach_m: f64,
    horizon_s: f64,
}

/// Something to keep clear of.
struct Target<'a> {
    thing: &'a Thing,
    own: bool,
    centre: Vec3,
    radius_m: f64,
    what: What<'a>,
}

enum What<'a> {
    Site(&'a PreparedSite),
    Volume(&'a PreparedVolume),
}

impl Prepared {
    /// Own tracks first, and sites first: if there is more than a second allows, they are not what is left unchecked.
    ///
    /// 2,000 tracks and 1,000 volumes are 2 million ball tests of 8 operations each, about 6 ms; only what is within
    /// reach of the horizon is looked at exactly.
    pub(super) fn airborne(&self, state: &State, now: Now) -> Near {
        let horizon_ms = state.alarm_horizon_ms();
        let mut flying: Vec<Flying<'_>> = state
            .picture
            .iter()
            .filter(|t| state.flies_alone(t) && (t.is_own() || t.chosen().form != ReleaseForm::Coarse))
            .map(|t| Flying::new(state, t, now.utc, horizon_ms))
            .collect();
        flying.sort_by_key(|f| !f.own);
        let mut near = Near::default();
        if flying.is_empty() {
            return near;
        }
        let others = flying.partition_point(|f| f.own);
        let of_all = [(Kind::Site, 0, others), (Kind::Avoid, 0, others), (Kind::Plan, 0, others)];
        let of_ours = [(Kind::Site, others, flying.len()), (Kind::Avoid, others, flying.len())];
        for (kind, from, to) in of_all.into_iter().chain(of_ours) {
            let mut targets = self.targets(state, kind, now.utc, horizon_ms);
            let mut to = to;
            if from >= others {
                targets.retain(|target| target.own);
                // How many there are is the peers' choice.
                let most = from + OTHERS_MAX / targets.len().max(1);
                near.left_out = near.left_out.max(to.saturating_sub(most));
                to = to.min(most);
            }
            for flying in &flying[from..to] {
                for target in targets.iter().filter(|target| target.concerns(flying)) {
                    if within(earth::sub(flying.pos, target.centre), flying.reach_m + target.radius_m) {
                        near.look(state, flying, target, now.utc);
                    }
                }
            }
        }
        near
    }

    fn targets(&self, state: &State, kind: Kind, now: Utc, horizon_ms: i64) -> Vec<Target<'_>> {
        let mut targets = Vec::new();
        for (thing, ready) in self.ready.iter().filter(|(thing, _)| thing.kind == kind) {
            let own = Some(&thing.owner) == state.party();
            match ready {
                Ready::Site(site) => {
                    let (centre, radius_m) = site.ball();
                    targets.push(Target { thing, own, centre, radius_m, what: What::Site(site) });
                }
                Ready::Volumes(volumes) => {
                    let soon = now.plus_ms(horizon_ms);
                    for volume in volumes.iter().filter(|v| v.window().0 <= soon && v.window().1 >= now) {
                        let (centre, radius_m) = volume.ball();
                        targets.push(Target { thing, own, centre, radius_m, what: What::Volume(volume) });
                    }
                }
            }
        }
        targets
    }
}

impl Target<'_> {
    /// Where the own party plans or asks others to keep away, its own aircraft may be; what others do with each other's
    /// things is theirs.
    fn concerns(&self, flying: &Flying<'_>) -> bool {
        match (flying.own, self.own) {
            (true, own) => !own || self.thing.kind == Kind::Site,
            (false, own) => own,
        }
    }
}

impl<'a> Flying<'a> {
    fn new(state: &State, track: &'a SystemTrack, now: Utc, horizon_ms: i64) -> Self {
        // A stale track is where it was last seen; nothing is predicted of it.
        let stale = now.since_ms(track.last.at) > AGE_MAX_MS;
        let at = if stale { track.last.at } else { now };
        let state = state.kinematics_of(track, at);
        let horizon_s = if stale { 0.0 } else { horizon_ms as f64 / 1000.0 };
        let age_s = libm::fabs(at.since_s(track.last.at));
        let accuracy_m = state.accuracy_m().unwrap_or(detect::ACCURACY_ASSUMED_M) + state.drift_m();
        let reach_m = state.speed_mps() * STRETCH * (horizon_s + age_s) + accuracy_m + 1.0;
        let pos = earth::surface(track.last.position.lat(), track.last.position.lon());
        Self { track, own: track.is_own(), state, pos, reach_m, horizon_s }
    }
}

impl Near {
    fn look(&mut self, state: &State, flying: &Flying<'_>, target: &Target<'_>, now: Utc) {
        let edges = match target.what {
            What::Site(site) => site.edges(),
            What::Volume(volume) => volume.edges(),
        };
        let steps = if edges > PLAIN_EDGES { STEPS.1 } else { STEPS.0 };
        self.work = self.work.saturating_add((edges + 1) * steps);
        let found = match target.what {
            _ if self.work > WORK_MAX => Some(UNCHECKED),
            What::Site(site) => over_site(flying, site),
            What::Volume(volume) => in_volume(state, flying, target.thing, volume),
        };
        let Some(found) = found else { return };
        let (owner, id) = (target.thing.owner.clone(), u64::from(flying.track.id));
        let situation = match target.thing.kind {
            Kind::Site => Situation::Site(id, owner, target.thing.subject),
            // Avoid areas of one peer follow each other bin by bin: to the aircraft that is one situation.
            Kind::Avoid => Situation::Area(id, owner, SubjectId::default()),
            Kind::Plan | Kind::Notice => Situation::Area(id, owner, target.thing.subject),
        };
        let whom = if flying.own { String::new() } else { format!(" of {}", state.said_by(flying.track)) };
        let text = format!("{}{whom} {} {}", label(flying.track), found.verb, whose(state, target.thing));
        let facts = Facts {
            a: Some(id),
            loss: Some(flying.state.t0().plus_ms(libm::round(found.in_s * 1000.0) as i64).max(now)),
            distance_mm: found.distance_m.map(|m| libm::round(m * 1000.0) as i64),
            violation: found.inside,
            data_at: Some(flying.track.last.at),
            text,
            ..Facts::default()
        };
        // The higher level counts, and of one level the sooner.
        let known = self.found.get(&situation).map(|(level, f)| (*level, Reverse(f.loss)));
        if known.is_none_or(|known| (found.level, Reverse(facts.loss)) > known) {
            if self.work > WORK_MAX {
                self.unchecked.insert(situation.clone());
            } else {
                self.unchecked.remove(&situation);
            }
            self.found.insert(situation, (found.level, facts));
        }
    }
}

/// One track at one target.
struct Found {
    level: AlertLevel,
    verb: &'static str,
    inside: bool,
    in_s: f64,
    distance_m: Option<f64>,
}

/// Within reach, and not looked at.
const UNCHECKED: Found = Found {
    level: AlertLevel::Caution,
    verb: "may come near, which was too much to check,",
    inside: false,
    in_s: 0.0,
    distance_m: None,
};

/// A protected site entered is an alarm, one ahead a warning. A site has no height.
fn over_site(flying: &Flying<'_>, site: &PreparedSite) -> Option<Found> {
    let (lat, lon) = flying.state.lat_lon();
    let hit = site.point(Vertex::from_degrees(lat, lon).ok()?);
    let distance_m = Some(hit.distance_m);
    if hit.inside_buffer {
        return Some(Found { level: AlertLevel::Alarm, verb: "is over", inside: true, in_s: 0.0, distance_m });
    }
    let ahead = site.track(&flying.state, flying.horizon_s);
    let (in_s, _) = *ahead.first()?;
    Some(Found { level: AlertLevel::Warning, verb: "is predicted to come over", inside: false, in_s, distance_m })
}

/// Inside an avoid area, or a plan of an emergency, is a warning; everything else about plans and areas is a caution:
/// the aircraft in them have alarms of their own.
fn in_volume(state: &State, flying: &Flying<'_>, thing: &Thing, volume: &PreparedVolume) -> Option<Found> {
    let seen = track_volume(&flying.state, volume, flying.horizon_s);
    let grave = match thing.kind {
        Kind::Plan => state.plans.get(&thing.key()).is_some_and(|f| f.value.state == PlanState::Contingent),
        Kind::Avoid | Kind::Site | Kind::Notice => true,
    };
    let distance_m = Some(if seen.lateral_m > 0.0 { seen.lateral_m } else { 0.0 });
    let (level, verb, inside) = match seen.now {
        Presence::In => (if grave { AlertLevel::Warning } else { AlertLevel::Caution }, "is in", true),
        Presence::Marginal => (AlertLevel::Caution, "is at the edge of", false),
        Presence::Out => (AlertLevel::Caution, "is predicted to enter", false),
    };
    let in_s = match (seen.now, seen.predicted.first()) {
        (Presence::Out, None) => return None,
        (Presence::Out, Some((from, _))) => *from,
        _ => 0.0,
    };
    Some(Found { level, verb, inside, in_s, distance_m })
}

fn whose(state: &State, thing: &Thing) -> String {
    match thing.kind {
        Kind::Avoid if Some(&thing.owner) == state.party() => "our avoid area".into(),
        Kind::Avoid => format!("an avoid area of {}", thing.owner),
        _ => name(state, thing),
    }
}
