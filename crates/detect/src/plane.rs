//! A flat local frame: east and north in metres. For other people's cases, whose truth is often a closed formula in a plane.
use crate::Kinematics;
use units::Utc;
use units::earth;

/// A state in a plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneState {
    /// East of the origin, metres.
    pub east_m: f64,
    /// North of the origin, metres.
    pub north_m: f64,
    /// Velocity to the east, m/s.
    pub ve_mps: f64,
    /// Velocity to the north, m/s.
    pub vn_mps: f64,
    /// Vertical rate, m/s, up positive.
    pub vu_mps: f64,
}

/// Farthest from the origin, metres: half a turn around the earth. A local frame has no more.
pub const PLANE_MAX_M: f64 = 20_000_000.0;

impl Kinematics {
    /// From plain numbers applying exactly at `t0`, without heights ([`Kinematics::with_heights`]).
    ///
    /// Motion is a straight line and distance the plane's, so [`crate::track_track`] and [`crate::well_clear`] equal their
    /// closed formulas. Both states need the same origin, which is the caller's to see to. A place on the earth is not a place
    /// in the plane: such a pair is `Unknown`, and in no volume is a state in a plane found or ruled out.
    ///
    /// `None` for a place that is not finite or beyond [`PLANE_MAX_M`]. Velocities that are not finite are taken as not known.
    #[must_use]
    pub fn from_plane(state: &PlaneState, t0: Utc) -> Option<Self> {
        let within = |m: f64| m.is_finite() && libm::fabs(m) <= PLANE_MAX_M;
        if !(within(state.east_m) && within(state.north_m)) {
            return None;
        }
        let velocity_known = state.ve_mps.is_finite() && state.vn_mps.is_finite();
        let vel = if velocity_known { [state.ve_mps, state.vn_mps, 0.0] } else { [0.0; 3] };
        Some(Self {
            pos: [state.east_m, state.north_m, 0.0],
            vel,
            speed_mps: earth::norm(vel),
            pressure: None,
            geometric: None,
            climb_mps: if state.vu_mps.is_finite() { state.vu_mps } else { 0.0 },
            accuracy_m: None,
            t0,
            pos_at: t0,
            reported_at: t0,
            velocity_known,
            flat: true,
            unknown: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Minima, Verdict, WellClear, Why, approach, track_track, well_clear};
    use proptest::prelude::*;
    use units::Height;

    fn at(s: [f64; 3], v: [f64; 3]) -> Kinematics {
        let [ve_mps, vn_mps, vu_mps] = v;
        let state = PlaneState { east_m: s[0], north_m: s[1], ve_mps, vn_mps, vu_mps };
        Kinematics::from_plane(&state, Utc(0)).unwrap().with_heights(None, Height::from_metres(s[2]))
    }

    fn minima(lateral_m: i64, vertical_m: f64, horizon_s: i64) -> Minima {
        let vertical = Height::from_metres(vertical_m).unwrap();
        Minima { lateral_mm: lateral_m * 1000, vertical, horizon_ms: horizon_s * 1000 }
    }

    #[test]
    fn a_pair_in_a_plane_equals_the_closed_formula() {
        // Head on along a line 300 m beside, 40 km apart, closing at 500 m/s: 400 m apart at ±sqrt(400² - 300²)/500 of 80 s.
        let (a, b) = (at([0.0; 3], [200.0, 0.0, 0.0]), at([40_000.0, 300.0, 100.0], [-300.0, 0.0, -1.0]));
        let e = track_track(&a, &b, &minima(400, 50.0, 300)).conflict().expect("they meet");
        let half = f64::sqrt(400.0 * 400.0 - 300.0 * 300.0) / 500.0;
        for (got, want) in [(e.tin_s, 80.0 - half), (e.tout_s, 80.0 + half), (e.tcpa_s, 80.0), (e.dcpa_m, 300.0)] {
            assert!((got - want).abs() < 1e-9, "{got} {want}");
        }
        assert_eq!((e.vertical_at_cpa, e.vertical_now), (Some(200_000), Some(1_000_000)));
        assert_eq!(track_track(&a, &b, &minima(300, 50.0, 300)), Verdict::Clear, "passes at exactly D");
    }

    #[test]
    fn nothing_bends_in_a_plane_however_far_and_fast() {
        // 1000 m/s for half an hour: a pair on the earth would be judged in 18 slices.
        let (a, b) = (at([0.0; 3], [1000.0, 0.0, 0.0]), at([3_600_000.0, 50.0, 0.0], [-1000.0, 0.0, 0.0]));
        let e = track_track(&a, &b, &minima(100, 10.0, 1800)).conflict().expect("they meet");
        let half = f64::sqrt(100.0 * 100.0 - 50.0 * 50.0) / 2000.0;
        assert!((e.tin_s - (1800.0 - half)).abs() < 1e-9 && (e.tcpa_s - 1800.0).abs() < 1e-9, "{e:?}");
        assert!((e.dcpa_m - 50.0).abs() < 1e-6, "{e:?}");
        let later = at([100.0, -50.0, 7.0], [3.0, 4.0, -0.5]).at(Utc(30_000));
        assert_eq!((later.pos, later.geometric), ([190.0, 70.0, 0.0], Height::from_metres(-8.0)));
        assert!(later.lat_lon().0.is_nan() && later.unknown().is_none());
        assert_eq!(later.at(Utc(30_001)).unknown(), Some(Why::Stale { age_ms: 30_001 }));
    }

    #[test]
    fn the_earth_and_a_plane_are_never_compared() {
        let flat = at([0.0; 3], [0.0; 3]);
        let still = crate::State { lat: 0.0, lon: 0.0, alt_ft: 0.0, gs_kt: 0.0, trk_deg: 0.0, vs_fpm: 0.0 };
        let round = Kinematics::from_state(&still, Utc(0)).unwrap();
        for (a, b) in [(flat, round), (round, flat)] {
            assert_eq!(track_track(&a, &b, &Minima::DEFAULT), Verdict::Unknown(Why::Frame));
            assert_eq!(well_clear(&a, &b, &WellClear::DO_365), Verdict::Unknown(Why::Frame));
            assert_eq!(approach(&a, &b, 1000), Err(Why::Frame));
        }
        for bad in [f64::NAN, f64::INFINITY, -20_000_001.0] {
            let state = PlaneState { east_m: 0.0, north_m: bad, ve_mps: 0.0, vn_mps: 0.0, vu_mps: 0.0 };
            assert!(Kinematics::from_plane(&state, Utc(0)).is_none(), "{bad}");
        }
    }

    #[test]
    fn nothing_on_earth_is_said_of_a_state_in_a_plane() {
        use crate::{Conformance, PreparedVolume, Presence, conformance, track_volume};
        use airspace::{Limit, Outline, Volume4d};
        let centre = units::Vertex::from_degrees(0.0, 0.0).unwrap();
        let outline = Outline::Circle { centre, radius_mm: 1_000_000 };
        let (start, end) = (Utc(0), Utc(1000));
        let volume = Volume4d { outline, lower: Limit::Unlimited, upper: Limit::Unlimited, start, end };
        let volume = PreparedVolume::prepare(&volume).unwrap();
        // Where the volume would be if its numbers were a place in space.
        let flat = at([earth::A, 0.0, 0.0], [0.0; 3]);
        let got = track_volume(&flat, &volume, 10.0);
        assert_eq!((got.now, got.predicted.len()), (Presence::Marginal, 0));
        assert_eq!(conformance(&flat, &[volume]), Conformance::Marginal);
    }

    proptest! {
        /// Oracle: the distance itself, every tenth of a second.
        #[test]
        fn a_conflict_in_a_plane_is_where_both_distances_are_too_small(
            s in prop::array::uniform3(-5_000.0..5_000.0f64), v in prop::array::uniform3(-80.0..80.0f64),
            own in prop::array::uniform3(-80.0..80.0f64), aimed in any::<bool>(),
        ) {
            let v = if aimed { [own[0] - s[0] / 50.0, own[1] - s[1] / 50.0, own[2] - s[2] / 50.0] } else { v };
            let (a, b) = (at([0.0; 3], own), at(s, v));
            let minima = minima(500, 100.0, 100);
            let found = track_track(&a, &b, &minima).conflict();
            prop_assert_eq!(found, track_track(&b, &a, &minima).conflict());
            let pass = approach(&a, &b, minima.horizon_ms).unwrap();
            let mut nearest = f64::INFINITY;
            for tenth in 0..1_000 {
                let t = f64::from(tenth) / 10.0;
                let d = [0, 1, 2].map(|n| s[n] + (v[n] - own[n]) * t);
                let lateral = libm::hypot(d[0], d[1]);
                nearest = f64::min(nearest, lateral);
                let near_the_edge = (lateral - 500.0).abs() < 1e-3 || (d[2].abs() - 100.0).abs() < 1e-3;
                let inside = found.is_some_and(|e| e.tin_s <= t && t < e.tout_s);
                prop_assert!(near_the_edge || inside == (lateral < 500.0 && d[2].abs() < 100.0), "{} s: {:?}", t, found);
            }
            prop_assert!(pass.dcpa_m <= nearest + 1e-6 && (pass.d0_m - libm::hypot(s[0], s[1])).abs() < 1e-6, "{:?}", pass);
        }
    }
}
