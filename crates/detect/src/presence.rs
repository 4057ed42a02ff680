//! Tracks against volumes: who is inside, who will be, who keeps to the plan.
use crate::kinematics::Kinematics;
use crate::line::Point;
use crate::shape::Shape;
use crate::volume::{PreparedVolume, difference};
use airspace::{Limit, Outline, VolumeError};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::{Altitude, Height, Reference};

/// Horizontal accuracy assumed where a report states none, metres (95 %): 0.05 NM, NACp 8.
pub const ACCURACY_ASSUMED_M: f64 = 92.6;
/// To what an instant of entering or leaving is found, seconds. A visit shorter than this may be overlooked.
pub const INSTANT_S: f64 = 0.1;
/// Intervals kept of one prediction; a track flying along a ragged border makes more.
pub const INTERVALS_MAX: usize = 64;

/// Whether a track is in a volume, within its accuracy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Presence {
    /// Certainly not.
    #[n(0)]
    Out,
    /// Nearer to the border than the accuracy, or the levels cannot be compared.
    #[n(1)]
    Marginal,
    /// Certainly.
    #[n(2)]
    In,
}

/// A track against one volume.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackVolume {
    /// At the reference time.
    pub now: Presence,
    /// Distance from the volume's border on the ground, metres; negative inside. A lower bound beyond the horizon's reach.
    pub lateral_m: f64,
    /// The levels could not be compared and were taken to agree.
    pub vertical_unknown: bool,
    /// When the track is predicted to be inside (outline, levels and window), seconds after the reference time,
    /// ascending. Begins with 0 if it is inside now. At most [`INTERVALS_MAX`].
    pub predicted: Vec<(f64, f64)>,
}

/// A track against a volume, now and until `horizon_s`.
///
/// Accuracy is the report's (else [`ACCURACY_ASSUMED_M`]) and [`Kinematics::drift_m`]. The prediction moves along the
/// great circle and steps by the distance to the border, so it cannot jump over a volume; entering and leaving are found
/// to [`INSTANT_S`]. Nothing is said about a track that is itself unknown, or in a plane: the answer is `Marginal` without a
/// prediction.
#[must_use]
pub fn track_volume(track: &Kinematics, volume: &PreparedVolume, horizon_s: f64) -> TrackVolume {
    let nowhere = track.unknown.is_some() || track.flat;
    let (lateral_m, within) = lateral(track, &volume.shape);
    let height = Level::of(track, volume.lower, volume.upper);
    let active = volume.active_at(track.t0);
    let now = match (active, nowhere) {
        (false, _) => Presence::Out,
        (true, true) => Presence::Marginal,
        (true, false) => within.min(height.now),
    };
    let mut predicted = Vec::new();
    if !nowhere && let Some((low, high)) = height.window {
        let from = volume.start.since_s(track.t0).max(low).max(0.0);
        let to = volume.end.since_s(track.t0).min(high).min(horizon_s);
        if from <= to {
            predicted = visits(track, &volume.shape, from, to);
        }
    }
    TrackVolume { now, lateral_m, vertical_unknown: height.unknown, predicted }
}

/// An outline and levels without a time: where an agreement holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Airspace {
    shape: Shape,
    lower: Limit,
    upper: Limit,
}

impl Airspace {
    /// Prepares it, as [`PreparedVolume::prepare`] does.
    ///
    /// # Errors
    /// What is refused of an outline there.
    pub fn prepare(outline: &Outline, lower: Limit, upper: Limit) -> Result<Self, VolumeError> {
        Ok(Self { shape: Shape::new(outline, 0.0)?, lower, upper })
    }

    /// Whether a track may be in it now or come into it until `horizon_s`. What cannot be known counts as yes.
    #[must_use]
    pub fn may_hold(&self, track: &Kinematics, horizon_s: f64) -> bool {
        let (_, within) = lateral(track, &self.shape);
        let height = Level::of(track, self.lower, self.upper);
        if track.unknown.is_some() || track.flat || within.min(height.now) != Presence::Out {
            return true;
        }
        let window = height.window.map(|(low, high)| (low.max(0.0), high.min(horizon_s)));
        window.is_some_and(|(from, to)| from <= to && !visits(track, &self.shape, from, to).is_empty())
    }
}

/// Whether a track keeps to its plan.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub enum Conformance {
    /// In one of the plan's volumes that are active now.
    #[n(0)]
    Inside,
    /// At the border of one, or not comparable.
    #[n(1)]
    Marginal,
    /// In none of them.
    #[n(2)]
    Outside {
        /// Distance to the nearest active one on the ground, metres; 0 if only the level is wrong.
        #[n(0)]
        lateral_m: f64,
    },
    /// No volume of the plan is active now.
    #[n(3)]
    NotActive,
}

/// A track against the union of its own plan's volumes active at the reference time. One verdict of one report: M of N
/// is the caller's.
#[must_use]
pub fn conformance(track: &Kinematics, plan: &[PreparedVolume]) -> Conformance {
    let mut best: Option<(Presence, f64)> = None;
    for volume in plan.iter().filter(|v| v.active_at(track.t0)) {
        let (lateral_m, within) = lateral(track, &volume.shape);
        let presence = within.min(Level::of(track, volume.lower, volume.upper).now);
        let (p, d) = best.unwrap_or((Presence::Out, f64::INFINITY));
        best = Some((p.max(presence), if lateral_m < d { lateral_m } else { d }));
    }
    match best {
        None => Conformance::NotActive,
        Some(_) if track.unknown.is_some() || track.flat => Conformance::Marginal,
        Some((Presence::In, _)) => Conformance::Inside,
        Some((Presence::Marginal, _)) => Conformance::Marginal,
        Some((Presence::Out, d)) => Conformance::Outside { lateral_m: if d > 0.0 { d } else { 0.0 } },
    }
}

/// Signed distance to the border, and what it means within the accuracy.
fn lateral(track: &Kinematics, shape: &Shape) -> (f64, Presence) {
    if track.flat {
        return (f64::INFINITY, Presence::Marginal);
    }
    let accuracy = track.accuracy_m.unwrap_or(ACCURACY_ASSUMED_M) + track.drift_m();
    let far = shape.distance_at_least(track.pos);
    let d = if far > FAR_M { far } else { shape.distance(&Point::at(track.pos)) };
    let presence = if d > accuracy {
        Presence::Out
    } else if d < -accuracy {
        Presence::In
    } else {
        Presence::Marginal
    };
    (d, presence)
}

/// Farther than this a bound is as good as the distance, metres.
const FAR_M: f64 = 2_000_000.0;

/// A track's level against a volume's limits.
struct Level {
    now: Presence,
    /// When it may be between the limits, seconds; `None` if never.
    window: Option<(f64, f64)>,
    unknown: bool,
}

impl Level {
    fn of(track: &Kinematics, lower: Limit, upper: Limit) -> Self {
        let mut level = Self { now: Presence::In, window: Some((f64::NEG_INFINITY, f64::INFINITY)), unknown: false };
        // Above the lower limit: height - limit >= 0, rising with the climb; below the upper one the other way round.
        level.side(track, lower, 1);
        level.side(track, upper, -1);
        level.window = level.window.filter(|(from, to)| from <= to);
        level
    }

    fn side(&mut self, track: &Kinematics, limit: Limit, sign: i64) {
        let Limit::At(altitude) = limit else { return };
        let Some((least, most)) = clearance(track, altitude) else {
            (self.unknown, self.now) = (true, self.now.min(Presence::Marginal));
            return;
        };
        let (least, most) = if sign > 0 { (least, most) } else { (-most, -least) };
        self.now = self.now.min(match (least >= 0, most >= 0) {
            (true, _) => Presence::In,
            (false, true) => Presence::Marginal,
            (false, false) => Presence::Out,
        });
        self.unknown |= least != most;
        // When `most` + rate·t >= 0.
        let rate = track.climb_mps * f64::from(Height::PER_METRE) * sign as f64;
        let Some((from, to)) = self.window else { return };
        self.window = if rate == 0.0 {
            (most >= 0).then_some((from, to))
        } else {
            let t = -(most as f64) / rate;
            Some(if rate > 0.0 { (from.max(t), to) } else { (from, to.min(t)) })
        };
    }
}

/// Least and most that the track may be above an altitude, 0.1 mm; `None` if one of them is not known.
fn clearance(track: &Kinematics, altitude: Altitude) -> Option<(i64, i64)> {
    let Altitude::Known(limit, reference) = altitude else { return None };
    let own = match reference {
        Reference::Pressure => [(track.pressure, Reference::Pressure), (track.geometric, Reference::Wgs84)],
        _ => [(track.geometric, Reference::Wgs84), (track.pressure, Reference::Pressure)],
    };
    let (height, own) = own.into_iter().find_map(|(h, r)| h.map(|h| (h, r)))?;
    Some(difference(height, own, limit, reference))
}

/// When the track is within the shape between two times.
pub(crate) fn visits(track: &Kinematics, shape: &Shape, from: f64, to: f64) -> Vec<(f64, f64)> {
    let signed = |t: f64| {
        let (pos, _) = track.moved(t);
        let bound = shape.distance_at_least(pos);
        if bound > BOUND_M { bound } else { shape.distance(&Point::at(pos)) }
    };
    let mut found: Vec<(f64, f64)> = Vec::new();
    let (mut t, mut d) = (from, signed(from));
    let mut since = (d <= 0.0).then_some(from);
    while t < to && found.len() < INTERVALS_MAX {
        // Nobody reaches the border sooner than this; one part in a hundred for the ellipsoid.
        let step = libm::fabs(d) / (track.speed_mps * 1.01);
        let step = if step > INSTANT_S { step } else { INSTANT_S };
        let next = if t + step < to { t + step } else { to };
        let ahead = signed(next);
        if (ahead <= 0.0) != (d <= 0.0) {
            // A step that changes sides is no longer than INSTANT_S, but for rounding.
            match since.take() {
                None => since = Some(t),
                Some(start) => found.push((start, next)),
            }
        }
        (t, d) = (next, ahead);
    }
    if let Some(start) = since
        && found.len() < INTERVALS_MAX
    {
        found.push((start, t));
    }
    found
}

/// Beyond this the ball around the shape bounds a step well enough, metres.
const BOUND_M: f64 = 10_000.0;
