//! Where a track is going: a level that it is cleared to, a route that it follows. With neither it goes on as it does.
use crate::encounter::{Encounter, Lateral, TCPA_MAX_S, TOUT_MAX_S, Vertical, clear, straight_s, track_track, unknown};
use crate::kinematics::Kinematics;
use crate::line::{Line, Point};
use crate::minima::Minima;
use crate::verdict::Verdict;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::earth::{self, Vec3};
use units::{Height, Reference, Vertex};

/// What is known of where a track is going.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Known {
    /// The level it is cleared to; of pressure altitude or height above WGS-84, others say nothing to a detector.
    #[n(0)]
    pub level: Option<(Height, Reference)>,
    /// Points it flies over, in order.
    #[n(1)]
    pub route: Vec<Vertex>,
}

/// Which of it a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Intent {
    /// It levels off.
    #[n(0)]
    pub level: bool,
    /// It turns with its route.
    #[n(1)]
    pub route: bool,
}

impl Intent {
    /// In words: `straight`, `level`, `route` or `route and level`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match (self.route, self.level) {
            (false, false) => "straight",
            (false, true) => "level",
            (true, false) => "route",
            (true, true) => "route and level",
        }
    }
}

/// Noise of a level and of a vertical rate: an aircraft so near its cleared level, and so slow to leave it, is in it. Two reporting
/// steps of 100 ft; 500 ft/min is the slowest that a climb is flown at.
const NOISE: Height = Height::from_feet(200);
const NOISE_MPS: f64 = 500.0 * 0.3048 / 60.0;
/// A slower vertical rate is no climb towards a level: 100 ft/min.
const CLIMB_MIN_MPS: f64 = 100.0 * 0.3048 / 60.0;
/// Farther from its route a track does not follow it, metres: 2 NM.
const ROUTE_M: f64 = 3704.0;
/// And if its course differs by more from that to the next point: cosine of 60 degrees.
const ROUTE_COSINE: f64 = 0.5;
/// Points of a route that are looked at, and turns of one path.
const POINTS_MAX: usize = 1000;
const TURNS_MAX: usize = 32;

/// A track in pieces, each straight and of one vertical rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// Ascending; the first begins at the reference time.
    legs: Vec<Leg>,
    intent: Intent,
}

/// A piece: where and how the track is when it begins. The state's own times stay those of the report.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Leg {
    from_s: f64,
    state: Kinematics,
}

impl Path {
    /// A track that goes on as it does.
    #[must_use]
    pub fn straight(track: &Kinematics) -> Self {
        Self { legs: Vec::from([Leg { from_s: 0.0, state: *track }]), intent: Intent::default() }
    }

    /// A track that does what is known of it, as far as it is seen to: one that climbs or descends towards its cleared level levels off
    /// there, and one that is within 200 ft of it with less than 500 ft/min has done so; one that is within 2 NM of its route and flies
    /// towards its next point turns at each point, its speed unchanged, and goes on straight behind the last one.
    #[must_use]
    pub fn of(track: &Kinematics, known: &Known, horizon_s: f64) -> Self {
        if track.unknown.is_some() || track.flat {
            return Self::straight(track);
        }
        let (turns, levels) = (turns(track, &known.route, horizon_s), level_off(track, known.level, horizon_s));
        let intent = Intent { level: levels.is_some(), route: !turns.is_empty() };
        if intent == Intent::default() {
            return Self::straight(track);
        }
        let mut times: Vec<f64> =
            turns.iter().map(|turn| turn.at_s).chain(levels.map(|l| l.at_s)).chain([0.0]).collect();
        times.sort_unstable_by(f64::total_cmp);
        times.dedup();
        let legs = times.into_iter().map(|at_s| {
            let (pos, vel) = match turns.iter().rev().find(|turn| turn.at_s <= at_s) {
                Some(turn) => Kinematics { pos: turn.pos, vel: turn.vel, ..*track }.moved(at_s - turn.at_s),
                // Moving by nothing rounds.
                None if at_s == 0.0 => (track.pos, track.vel),
                None => track.moved(at_s),
            };
            let vertical = vertical_at(track, levels, at_s);
            Leg { from_s: at_s, state: Kinematics { pos, vel, ..vertical } }
        });
        Self { legs: legs.collect(), intent }
    }

    /// What it rests on.
    #[must_use]
    pub fn intent(&self) -> Intent {
        self.intent
    }

    /// The state `t` seconds after the reference time.
    fn at(&self, t: f64) -> Kinematics {
        let behind = self.legs.partition_point(|leg| leg.from_s <= t).max(1) - 1;
        let Leg { from_s, state } = self.legs[behind];
        if t == from_s {
            return state;
        }
        let (pos, vel) = state.moved(t - from_s);
        Kinematics { pos, vel, ..risen(&state, t - from_s) }
    }

    fn first(&self) -> &Kinematics {
        &self.legs[0].state
    }
}

/// Its heights after some seconds of its vertical rate.
fn risen(state: &Kinematics, dt: f64) -> Kinematics {
    let rise = libm::round(state.climb_mps * dt * f64::from(Height::PER_METRE));
    let moved = |h: Height| Height(h.0.saturating_add(rise as i32));
    Kinematics { pressure: state.pressure.map(moved), geometric: state.geometric.map(moved), ..*state }
}

/// When a track levels off, and by how much it has then risen, exactly.
#[derive(Debug, Clone, Copy)]
struct LevelOff {
    at_s: f64,
    rise: i32,
}

fn level_off(track: &Kinematics, level: Option<(Height, Reference)>, horizon_s: f64) -> Option<LevelOff> {
    let (level, reference) = level?;
    let height = match reference {
        Reference::Pressure => track.pressure?,
        Reference::Wgs84 => track.geometric?,
        _ => return None,
    };
    let rise = level.0.checked_sub(height.0)?;
    let climb = track.climb_mps;
    if rise.abs() <= NOISE.0 && libm::fabs(climb) < NOISE_MPS {
        return Some(LevelOff { at_s: 0.0, rise: 0 });
    }
    let at_s = f64::from(rise) / (climb * f64::from(Height::PER_METRE));
    let towards = libm::fabs(climb) >= CLIMB_MIN_MPS && at_s >= 0.0;
    (towards && at_s < horizon_s).then_some(LevelOff { at_s, rise })
}

/// The track's heights and rate at a time of its path.
fn vertical_at(track: &Kinematics, levels: Option<LevelOff>, at_s: f64) -> Kinematics {
    match levels {
        Some(LevelOff { at_s: level_s, rise }) if at_s >= level_s => {
            let moved = |h: Height| Height(h.0.saturating_add(rise));
            let (pressure, geometric) = (track.pressure.map(moved), track.geometric.map(moved));
            Kinematics { pressure, geometric, climb_mps: 0.0, ..*track }
        }
        _ => risen(track, at_s),
    }
}

/// A turn: when, where, and how it goes on.
#[derive(Debug, Clone, Copy)]
struct Turn {
    at_s: f64,
    pos: Vec3,
    vel: Vec3,
}

/// The turns of a track that follows its route, the first one now; none if it does not.
fn turns(track: &Kinematics, route: &[Vertex], horizon_s: f64) -> Vec<Turn> {
    let none = Vec::new();
    let speed = track.speed_mps;
    if !track.velocity_known || speed == 0.0 || !(2..=POINTS_MAX).contains(&route.len()) {
        return none;
    }
    let Ok(line) = Line::new(route, false) else { return none };
    let here = Point::at(track.pos);
    let Some(foot) = line.nearest(&here, f64::INFINITY).filter(|foot| foot.distance <= ROUTE_M) else { return none };
    let mut turns = Vec::new();
    let (mut at_s, mut from) = (0.0, here);
    for next in line.corners.iter().skip(foot.edge + 1) {
        let Some((way_m, azimuth)) = earth::inverse(from.lat, from.lon, next.lat, next.lon) else { continue };
        let vel = earth::velocity(from.lat, from.lon, speed, azimuth);
        if turns.is_empty() && earth::dot(vel, track.vel) < ROUTE_COSINE * speed * speed {
            return none;
        }
        turns.push(Turn { at_s, pos: from.pos, vel });
        at_s += way_m / speed;
        from = *next;
        if at_s >= horizon_s || turns.len() >= TURNS_MAX {
            break;
        }
    }
    turns
}

/// [`track_track`] of two paths: the same rules, piece by piece. Of two straight ones it is the same to the last bit.
///
/// The closest approach is looked for as far ahead; the interval may go on beyond the last piece, as there.
#[must_use]
pub fn path_path(a: &Path, b: &Path, minima: &Minima) -> Verdict<Encounter> {
    let (ka, kb) = (a.first(), b.first());
    if a.legs.len() == 1 && b.legs.len() == 1 {
        return track_track(ka, kb, minima);
    }
    if let Some(why) = unknown(ka, kb) {
        return Verdict::Unknown(why);
    }
    let widened_m = ka.drift_m() + kb.drift_m();
    let (zone, horizon) = (minima.lateral_m() + widened_m, minima.horizon_s());
    // One part in a hundred for the ellipsoid; beyond it no way leads to the other in time.
    if earth::norm(earth::sub(kb.pos, ka.pos)) > zone + (ka.speed_mps + kb.speed_mps) * horizon * 1.01 {
        return clear(ka, kb, zone, horizon);
    }
    let until = libm::fmax(TCPA_MAX_S, horizon);
    let times = times(a, b, zone, until);
    let first = Vertical::of(ka, kb, minima.vertical);
    let d0 = earth::norm(earth::sub(kb.pos, ka.pos));
    let mut nearest = (0.0, f64::INFINITY);
    let mut vertical_at_cpa = None;
    let mut found: Option<(f64, f64)> = None;
    for (n, from) in times.iter().copied().enumerate() {
        let to = times.get(n + 1).copied();
        let (pa, pb) = (a.at(from), b.at(from));
        let lateral = Lateral::of((pa.pos, pa.vel), (pb.pos, pb.vel), zone);
        let vertical = Vertical::of(&pa, &pb, minima.vertical);
        let before = nearest;
        lateral.nearest_within(from, to.unwrap_or(until) - from, &mut nearest);
        if nearest != before {
            vertical_at_cpa = vertical.distance_at(nearest.0 - from);
        }
        let (Some((h_in, h_out)), Some((v_in, v_out))) = (lateral.within, vertical.within) else { continue };
        let tin = libm::fmax(libm::fmax(h_in, v_in), 0.0);
        let length = to.map_or(f64::INFINITY, |to| to - from);
        let tout = libm::fmin(libm::fmin(h_out, v_out), length);
        if tin < tout {
            // To the last bit where the next piece begins, or a loss that goes on would end here.
            let out = to.filter(|_| tout >= length).unwrap_or(from + tout);
            match &mut found {
                // It goes on from the piece before.
                Some((_, end)) if tin == 0.0 && *end >= from => *end = out,
                None if from + tin < horizon => found = Some((from + tin, out)),
                Some(_) | None => {}
            }
        }
    }
    match found {
        Some((tin_s, tout)) => Verdict::Conflict(Encounter {
            tin_s,
            tout_s: if tout < TOUT_MAX_S { tout } else { TOUT_MAX_S },
            tcpa_s: nearest.0,
            dcpa_m: nearest.1,
            d0_m: d0,
            vertical_at_cpa,
            vertical_now: first.distance_at(0.0),
            violation_now: d0 < zone && first.now,
            basis: first.basis,
            velocity_unknown: !(ka.velocity_known && kb.velocity_known),
            widened_m,
        }),
        None => clear(ka, kb, zone, horizon),
    }
}

/// When pieces begin: at each leg of either, and so often that each is straight.
fn times(a: &Path, b: &Path, zone: f64, until: f64) -> Vec<f64> {
    let mut times: Vec<f64> = a.legs.iter().chain(&b.legs).map(|leg| leg.from_s).collect();
    let fastest = libm::fmax(a.first().speed_mps, b.first().speed_mps);
    let straight = straight_s(zone, fastest, until);
    let mut at = straight;
    while at < until {
        times.push(at);
        at += straight;
    }
    times.retain(|at| *at < until);
    times.sort_unstable_by(f64::total_cmp);
    times.dedup();
    times
}
