//! Well clear: whether a drone and a crewed aircraft come so close that the one must have kept away from the other.
//!
//! The predicate is `WCV_TAUMOD` of the family of boundary models behind RTCA DO-365 (Muñoz, Narkawicz, Chamberlain, Consiglio,
//! Upchurch: "A Family of Well-Clear Boundary Models for the Integration of UAS in the NAS", AIAA 2014): a loss is laterally
//! and vertically one at the same time, and every inequality is closed.
//!
//! - Laterally: closer than DMOD now, or closing, with a closest approach within DMOD and the modified tau,
//!   (DMOD² - s²) / (s·v), from 0 to TAUMOD.
//! - Vertically: no further apart than ZTHR now, or level with each other within TCOA.
//!
//! With both in straight flight each of the two is one interval of time, so the loss is their intersection. Geometry, age and
//! what is not known are taken as in [`crate::track_track`].
use crate::encounter::{AltitudeBasis, EQUAL_VELOCITY, Vertical, clear, unknown};
use crate::kinematics::Kinematics;
use crate::verdict::Verdict;
use minicbor::{Decode, Encode};
use units::{Height, earth};

/// How far a drone keeps from a crewed aircraft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(map)]
pub struct WellClear {
    /// DMOD, and the largest distance at the closest approach (HMD): millimetres.
    #[n(0)]
    pub lateral_mm: i64,
    /// TAUMOD, milliseconds.
    #[n(1)]
    pub tau_ms: i64,
    /// ZTHR.
    #[n(2)]
    pub vertical: Height,
    /// TCOA, milliseconds.
    #[n(3)]
    pub coaltitude_ms: i64,
    /// How far ahead a loss is looked for, milliseconds.
    #[n(4)]
    pub horizon_ms: i64,
}

/// Why parameters are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {value}, not {range}")]
pub struct WellClearError {
    what: &'static str,
    value: i64,
    range: &'static str,
}

const FOOT_MM: f64 = 304.8;

impl WellClear {
    /// RTCA DO-365, en route: 4,000 ft, 35 s, 450 ft.
    pub const DO_365: Self = Self::of(4_000, 35_000, 450);
    /// RTCA DO-365B, in a terminal area: 1,500 ft, 450 ft, no tau.
    pub const DO_365_TERMINAL: Self = Self::of(1_500, 0, 450);
    /// ASTM F3442, small drones against crewed aircraft: 2,000 ft, 250 ft, no tau.
    pub const SMALL: Self = Self::of(2_000, 0, 250);
    /// Longest horizon, milliseconds: five minutes. Lines are straight from tangent to tangent; beyond, drones turn.
    pub const HORIZON_MAX_MS: i64 = 300_000;
    /// Longest tau and time to the same level, milliseconds.
    pub const TAU_MAX_MS: i64 = 120_000;

    const fn of(lateral_ft: i64, tau_ms: i64, vertical_ft: i32) -> Self {
        Self {
            lateral_mm: (lateral_ft as f64 * FOOT_MM) as i64,
            tau_ms,
            vertical: Height::from_feet(vertical_ft),
            coaltitude_ms: 0,
            horizon_ms: 120_000,
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// The first value out of range.
    pub fn check(&self) -> Result<(), WellClearError> {
        within("DMOD, mm,", self.lateral_mm, 1, crate::Minima::LATERAL_MAX_MM, "above 0 and at most 100 NM")?;
        within("TAUMOD, ms,", self.tau_ms, 0, Self::TAU_MAX_MS, "from 0 to 120 s")?;
        within("ZTHR, 0.1 mm,", self.vertical.0.into(), 1, i32::MAX.into(), "above 0")?;
        within("TCOA, ms,", self.coaltitude_ms, 0, Self::TAU_MAX_MS, "from 0 to 120 s")?;
        within("the horizon, ms,", self.horizon_ms, 1, Self::HORIZON_MAX_MS, "above 0 and at most 5 minutes")
    }
}

/// Refuses a value that is not from `least` to `most`.
pub(crate) fn within(
    what: &'static str,
    value: i64,
    least: i64,
    most: i64,
    range: &'static str,
) -> Result<(), WellClearError> {
    if (least..=most).contains(&value) { Ok(()) } else { Err(WellClearError { what, value, range }) }
}

/// A loss of well clear. Times are seconds after the reference time.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct WellClearLoss {
    /// It begins; 0 if it has begun.
    #[n(0)]
    pub tin_s: f64,
    /// It ends; at most [`crate::TOUT_MAX_S`]. May lie beyond the horizon.
    #[n(1)]
    pub tout_s: f64,
    /// It has begun.
    #[n(2)]
    pub now: bool,
    /// Which heights were compared.
    #[n(3)]
    pub basis: AltitudeBasis,
    /// One of the tracks has no velocity and was taken to stand still.
    #[n(4)]
    pub velocity_unknown: bool,
}

/// Whether two tracks lose well clear of each other within the horizon.
///
/// DMOD grows by [`Kinematics::drift_m`] of both, ZTHR as in [`crate::track_track`] where references differ. If a velocity is not known the
/// track stands still; without a loss the verdict is then `Clear` only out of reach.
#[must_use]
pub fn well_clear(a: &Kinematics, b: &Kinematics, limits: &WellClear) -> Verdict<WellClearLoss> {
    if let Some(why) = unknown(a, b) {
        return Verdict::Unknown(why);
    }
    let [tau, coaltitude, horizon] =
        [limits.tau_ms, limits.coaltitude_ms, limits.horizon_ms].map(|ms| ms as f64 / 1000.0);
    // What both add first: the sum of three depends on their order.
    let zone = limits.lateral_mm as f64 / 1000.0 + (a.drift_m() + b.drift_m());
    let vertical = Vertical::of(a, b, limits.vertical);
    let velocity_unknown = !(a.velocity_known && b.velocity_known);
    let (s, v) = (earth::sub(b.pos, a.pos), earth::sub(b.vel, a.vel));
    if let Some((low, high)) = vertical.within_closed(coaltitude)
        && let Some((from, until)) = lateral(s, v, zone, tau)
    {
        let tin = if from > low { from } else { low };
        let tout = if until < high { until } else { high };
        if tin <= tout && tout >= 0.0 && tin <= horizon {
            return Verdict::Conflict(WellClearLoss {
                tin_s: if tin > 0.0 { tin } else { 0.0 },
                tout_s: if tout < crate::TOUT_MAX_S { tout } else { crate::TOUT_MAX_S },
                now: tin <= 0.0,
                basis: vertical.basis,
                velocity_unknown,
            });
        }
    }
    clear(a, b, zone, horizon + tau)
}

/// When the lateral part of a loss holds, from and to infinity if always.
///
/// With u the time from the closest approach at distance d, s·v is v²u and s² is d² + v²u². Before it, tau ≤ TAUMOD iff
/// v²u² + TAUMOD·v²u + d² - DMOD² ≤ 0; of its roots the first is where a loss begins, and with TAUMOD 0 that is where s is
/// DMOD. It ends where s is DMOD again, so it is one interval.
fn lateral(s: earth::Vec3, v: earth::Vec3, zone: f64, tau: f64) -> Option<(f64, f64)> {
    let (ss, sv, vv) = (earth::dot(s, s), earth::dot(s, v), earth::dot(v, v));
    if vv < EQUAL_VELOCITY {
        return (ss <= zone * zone).then_some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let nearest = -sv / vv;
    let near = [s[0] + v[0] * nearest, s[1] + v[1] * nearest, s[2] + v[2] * nearest];
    let room = zone * zone - earth::dot(near, near);
    if room < 0.0 {
        return None;
    }
    let half2 = room / vv;
    let begins = (tau + libm::sqrt(tau * tau + 4.0 * half2)) / 2.0;
    Some((nearest - begins, nearest + libm::sqrt(half2)))
}

#[cfg(test)]
#[path = "wellclear_tests.rs"]
mod tests;
