//! The closest approach of a pair, whether or not it is too close: for who compares figures, not verdicts.
use crate::encounter::{AltitudeBasis, Meeting, Vertical, unknown};
use crate::kinematics::Kinematics;
use crate::verdict::Why;
use units::{Height, earth};

/// How two tracks pass each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Approach {
    /// Closest horizontal approach, seconds after the reference time; as [`crate::Encounter::tcpa_s`].
    pub tcpa_s: f64,
    /// Horizontal distance then, metres.
    pub dcpa_m: f64,
    /// Horizontal distance at the reference time, metres.
    pub d0_m: f64,
    /// Vertical distance at `tcpa_s`, 0.1 mm; `None` if a level is not known.
    pub vertical_at_cpa: Option<i64>,
    /// Vertical distance at the reference time, 0.1 mm.
    pub vertical_now: Option<i64>,
    /// Which heights were compared.
    pub basis: AltitudeBasis,
    /// One of the tracks has no velocity and was taken to stand still.
    pub velocity_unknown: bool,
}

/// The closest approach of two tracks, looked for as [`crate::track_track`] does with this horizon.
///
/// # Errors
/// Why nothing can be said about them.
pub fn approach(a: &Kinematics, b: &Kinematics, horizon_ms: i64) -> Result<Approach, Why> {
    if let Some(why) = unknown(a, b) {
        return Err(why);
    }
    // Within infinite minima every pair meets: it is the engine's own geometry that is told, and no second one.
    let always = (f64::NEG_INFINITY, f64::INFINITY);
    let d0 = earth::norm(earth::sub(b.pos, a.pos));
    let (tcpa_s, dcpa_m) = Meeting::of(a, b, f64::INFINITY, horizon_ms as f64 / 1000.0, always)
        .map_or((0.0, d0), |meeting| (meeting.tcpa, meeting.dcpa));
    let vertical = Vertical::of(a, b, Height(0));
    Ok(Approach {
        tcpa_s,
        dcpa_m,
        d0_m: d0,
        vertical_at_cpa: vertical.distance_at(tcpa_s),
        vertical_now: vertical.distance_at(0.0),
        basis: vertical.basis,
        velocity_unknown: !(a.velocity_known && b.velocity_known),
    })
}
