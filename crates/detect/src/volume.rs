//! Volumes of airspace against each other.
use crate::encounter::mixed_allowance;
use crate::shape::{MARGIN_M, Shape};
use crate::volumes_index::Extent;
use airspace::{Limit, Plan, Volume4d, VolumeError};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::earth::Vec3;
use units::{Altitude, Height, Reference, Utc};

/// A volume ready to be judged.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedVolume {
    pub(crate) shape: Shape,
    pub(crate) lower: Limit,
    pub(crate) upper: Limit,
    pub(crate) start: Utc,
    pub(crate) end: Utc,
}

impl PreparedVolume {
    /// Prepares a volume: checks it, lays its edges as geodesics.
    ///
    /// The inside of a polygon is the smaller of its two sides, whichever way it is wound; poles and the antimeridian
    /// are ordinary places. Repeated corners are dropped.
    ///
    /// # Errors
    /// What [`Volume4d::check`] refuses; a polygon that crosses or touches itself; an edge over 15,000 km or a line over
    /// 50,000 km.
    pub fn prepare(volume: &Volume4d) -> Result<Self, VolumeError> {
        volume.check()?;
        let shape = Shape::new(&volume.outline, 0.0)?;
        let Volume4d { lower, upper, start, end, .. } = *volume;
        Ok(Self { shape, lower, upper, start, end })
    }

    /// Prepares every volume of a plan, kept apart.
    ///
    /// # Errors
    /// What [`Plan::check`] or [`PreparedVolume::prepare`] refuses.
    pub fn prepare_plan(plan: &Plan) -> Result<Vec<Self>, VolumeError> {
        plan.check()?;
        plan.volumes.iter().map(Self::prepare).collect()
    }

    /// First and last instant, both inclusive.
    #[must_use]
    pub fn window(&self) -> (Utc, Utc) {
        (self.start, self.end)
    }

    /// Whether the window holds `at`.
    #[must_use]
    pub fn active_at(&self, at: Utc) -> bool {
        self.start <= at && at <= self.end
    }

    /// A ball in space (ECEF, metres) that holds everything on the ground: centre and radius, for cheap filters.
    #[must_use]
    pub fn ball(&self) -> (Vec3, f64) {
        self.shape.ball()
    }

    /// Where it is, for a [`crate::VolumeIndex`].
    #[must_use]
    pub fn extent(&self) -> Extent {
        let (low, high) = self.shape.bounds();
        Extent { low, high, lower: self.lower, upper: self.upper, window: Some((self.start, self.end)) }
    }

    /// Whether two volumes may meet, from what costs nothing: windows, levels, boxes and balls around them. `false` is a proof.
    #[must_use]
    pub fn may_meet(&self, other: &Self) -> bool {
        self.extent().may_meet(&other.extent()) && self.shape.ball_gap(&other.shape) <= BALL_MARGIN_M
    }

    /// Number of edges: what a decision costs.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.shape.edges()
    }
}

/// How two volumes stand to each other. Sets are closed, so who must answer yes or no takes `Marginal` as a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Overlap {
    /// They share more than the margin in every dimension, or it cannot be excluded ([`Meeting::vertical_unknown`]).
    #[n(0)]
    Conflict(#[n(0)] Meeting),
    /// They touch, or overlap or miss by at most 1 cm.
    #[n(1)]
    Marginal(#[n(0)] Meeting),
    /// They are apart in time, in height or on the ground.
    #[n(2)]
    Clear,
}

/// Where two volumes meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Meeting {
    /// First common instant.
    #[n(0)]
    pub from: Utc,
    /// Last common instant (may be the same).
    #[n(1)]
    pub to: Utc,
    /// Bottom of the common levels; the one of both that is known to be higher, as far as their references allow.
    #[n(2)]
    pub lower: Limit,
    /// Top of the common levels.
    #[n(3)]
    pub upper: Limit,
    /// The levels could not be compared (an unknown limit, or references apart by less than the stated allowance) and
    /// were taken to overlap.
    #[n(4)]
    pub vertical_unknown: bool,
}

impl Overlap {
    /// The meeting, touching included.
    #[must_use]
    pub fn meeting(&self) -> Option<Meeting> {
        match self {
            Self::Conflict(m) | Self::Marginal(m) => Some(*m),
            Self::Clear => None,
        }
    }
}

/// Whether two volumes meet: closed sets, 1 cm on the ground and in height, the millisecond in time.
///
/// Levels of one reference are compared as integers. Levels of different references are apart only beyond a stated
/// allowance: 1,500 ft and a twentieth of the greater height between pressure, sea level and WGS-84; in addition the
/// earth's lowest and highest ground against heights above ground. An unlimited or unknown limit limits nothing.
#[must_use]
pub fn volume_volume(a: &PreparedVolume, b: &PreparedVolume) -> Overlap {
    let (from, to) = (a.start.max(b.start), a.end.min(b.end));
    if from > to {
        return Overlap::Clear;
    }
    let levels = [below(a.lower, b.upper), below(b.lower, a.upper)];
    if levels.contains(&Order::Above) {
        return Overlap::Clear;
    }
    let gap = a.shape.gap(&b.shape, 1.0);
    if gap > MARGIN_M {
        return Overlap::Clear;
    }
    let meeting = Meeting {
        from,
        to,
        lower: tighter(a.lower, b.lower, |x, y| x > y),
        upper: tighter(a.upper, b.upper, |x, y| x < y),
        vertical_unknown: levels.contains(&Order::Unknown),
    };
    if gap < -MARGIN_M && !levels.contains(&Order::Touching) {
        return Overlap::Conflict(meeting);
    }
    Overlap::Marginal(meeting)
}

/// A pair of volumes of two plans that meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanMeeting {
    /// Index of the volume in the first plan.
    pub a: usize,
    /// Index in the second.
    pub b: usize,
    /// How they meet; never `Clear`.
    pub overlap: Overlap,
}

/// Every pair of volumes of two plans that meet, ascending by index.
#[must_use]
pub fn plan_plan(a: &[PreparedVolume], b: &[PreparedVolume]) -> Vec<PlanMeeting> {
    let mut found = Vec::new();
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            let overlap = volume_volume(x, y);
            if overlap != Overlap::Clear {
                found.push(PlanMeeting { a: i, b: j, overlap });
            }
        }
    }
    found
}

/// How a lower limit stands to another volume's upper one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Below it: the levels overlap.
    Below,
    /// Within 1 cm.
    Touching,
    /// Above it: no common level.
    Above,
    /// Cannot be told.
    Unknown,
}

/// Balls and boxes are held to be apart beyond this, metres: far more than rounding and the 1 cm that touches.
pub(crate) const BALL_MARGIN_M: f64 = 1.0;
/// 1 cm in height units.
pub(crate) const MARGIN_UNITS: i64 = 100;
/// Lowest and highest ground, metres above sea level: the Dead Sea's shore and Everest.
pub(crate) const GROUND_M: (i64, i64) = (-440, 8_849);

/// How a volume's lower limit stands to another's upper one.
pub(crate) fn below(lower: Limit, upper: Limit) -> Order {
    let (Limit::At(lower), Limit::At(upper)) = (lower, upper) else { return Order::Below };
    let (Altitude::Known(x, rx), Altitude::Known(y, ry)) = (lower, upper) else { return Order::Unknown };
    let (least, most) = difference(x, rx, y, ry);
    if least > MARGIN_UNITS {
        Order::Above
    } else if most < -MARGIN_UNITS {
        Order::Below
    } else if rx == ry {
        Order::Touching
    } else {
        Order::Unknown
    }
}

/// Least and most that x may be above y, 0.1 mm; equal if they share a reference.
pub(crate) fn difference(x: Height, rx: Reference, y: Height, ry: Reference) -> (i64, i64) {
    let d = i64::from(x.0) - i64::from(y.0);
    if rx == ry {
        return (d, d);
    }
    let ground = |m: i64| m * i64::from(Height::PER_METRE);
    let (low, high) = match (rx, ry) {
        (Reference::Agl, _) => (d + ground(GROUND_M.0), d + ground(GROUND_M.1)),
        (_, Reference::Agl) => (d - ground(GROUND_M.1), d - ground(GROUND_M.0)),
        _ => (d, d),
    };
    let allowance = mixed_allowance(x, y);
    (low - allowance, high + allowance)
}

/// Of two limits on one side the tighter one. Of different references it is shown, not decided on: the first of them in the
/// order of [`Reference`], so that it is the same whichever volume comes first. A level that is known goes before one that
/// is not, and that before none.
fn tighter(a: Limit, b: Limit, tighter: impl Fn(Height, Height) -> bool) -> Limit {
    match (a, b) {
        (Limit::At(Altitude::Known(x, rx)), Limit::At(Altitude::Known(y, ry))) => {
            if rx < ry || rx == ry && !tighter(y, x) { a } else { b }
        }
        (Limit::At(Altitude::Known(..)), _) | (Limit::At(Altitude::Unknown), Limit::Unlimited) => a,
        _ => b,
    }
}
