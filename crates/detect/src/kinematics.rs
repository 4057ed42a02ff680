//! A track's prepared state: where it is and how it moves at one reference time.
use track::TrackReport;
use units::earth::{self, Vec3};
use units::{Height, Position, PositionError, Utc};

use crate::Why;

/// Oldest report that is extrapolated. Three sweeps of a slow radar; beyond it an aircraft may be anywhere within 7 km.
pub const AGE_MAX_MS: i64 = 30_000;
/// A report may claim a time this far ahead of the reference time (clock error between parties).
pub const AHEAD_MAX_MS: i64 = 5_000;
/// Age that the minima already allow for: one sweep of a surveillance radar.
pub const AGE_FREE_MS: i64 = 5_000;
/// Acceleration assumed of a track during age beyond [`AGE_FREE_MS`]: a turn of 17 degrees of bank.
pub const TURN_MPS2: f64 = 3.0;

/// Most that [`Kinematics::drift_m`] can be: 937.5 m.
pub(crate) const DRIFT_MAX_M: f64 = 0.5 * TURN_MPS2 * 25.0 * 25.0;

/// A track at a reference time `t0`.
///
/// Horizontal geometry is the WGS-84 surface point in ECEF and the ground velocity as a tangent vector there. A report
/// of another time is moved to `t0` along a great circle, its heights by the vertical rate. An age beyond the bounds is
/// not extrapolated: the state then says [`Why`] and every verdict about it is `Unknown`.
///
/// A state made by [`Kinematics::from_plane`] lies in a plane instead of on the earth and moves along a straight line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kinematics {
    pub(crate) pos: Vec3,
    pub(crate) vel: Vec3,
    pub(crate) speed_mps: f64,
    pub(crate) pressure: Option<Height>,
    pub(crate) geometric: Option<Height>,
    pub(crate) climb_mps: f64,
    pub(crate) accuracy_m: Option<f64>,
    pub(crate) t0: Utc,
    /// What `pos` applies to: `t0`, unless the state is unknown and therefore was left where it was.
    pub(crate) pos_at: Utc,
    pub(crate) reported_at: Utc,
    pub(crate) velocity_known: bool,
    /// Not on the earth: `pos` is east, north and 0 in a plane.
    pub(crate) flat: bool,
    pub(crate) unknown: Option<Why>,
}

/// A state in the units of scenarios and recordings: degrees, feet of pressure altitude, knots, feet a minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Pressure altitude, feet; rounded to 0.1 mm.
    pub alt_ft: f64,
    /// Ground speed, knots.
    pub gs_kt: f64,
    /// Track over ground, degrees true.
    pub trk_deg: f64,
    /// Vertical rate, feet a minute.
    pub vs_fpm: f64,
}

impl Kinematics {
    /// From a report, moved to `t0`.
    ///
    /// Without speed or track angle the aircraft is taken to stand still and the state says so
    /// ([`Kinematics::velocity_known`]). Without a vertical rate it is taken to be level.
    #[must_use]
    pub fn from_report(report: &TrackReport, t0: Utc) -> Self {
        let (lat, lon) = (report.position.lat(), report.position.lon());
        let ((pos, vel), velocity_known) = match (report.speed, report.track) {
            (Some(speed), _) if speed.0 == 0 => ((earth::surface(lat, lon), [0.0; 3]), true),
            (Some(speed), Some(track)) => (surface_velocity(lat, lon, speed.mps(), track.degrees()), true),
            _ => ((earth::surface(lat, lon), [0.0; 3]), false),
        };
        let here = Self {
            pos,
            vel,
            speed_mps: earth::norm(vel),
            pressure: report.pressure,
            geometric: report.geometric,
            climb_mps: report.vertical_rate.map_or(0.0, |rate| rate.mps()),
            accuracy_m: report.accuracy_mm.map(|mm| f64::from(mm) / 1000.0),
            t0: report.at,
            pos_at: report.at,
            reported_at: report.at,
            velocity_known,
            flat: false,
            unknown: None,
        };
        here.at(t0)
    }

    /// From plain numbers applying exactly at `t0`; heights are pressure altitude.
    ///
    /// # Errors
    /// A latitude or longitude that is none. Other values that are not finite are taken as not known.
    pub fn from_state(state: &State, t0: Utc) -> Result<Self, PositionError> {
        Position::from_degrees(state.lat, state.lon)?;
        let speed_mps = state.gs_kt * 1852.0 / 3600.0;
        let velocity_known = speed_mps.is_finite() && state.trk_deg.is_finite();
        let vel =
            if velocity_known { earth::velocity(state.lat, state.lon, speed_mps, state.trk_deg) } else { [0.0; 3] };
        let climb_mps = state.vs_fpm * 0.3048 / 60.0;
        Ok(Self {
            pos: earth::surface(state.lat, state.lon),
            vel,
            speed_mps: earth::norm(vel),
            pressure: Height::from_feet_f64(state.alt_ft),
            geometric: None,
            climb_mps: if climb_mps.is_finite() { climb_mps } else { 0.0 },
            accuracy_m: None,
            t0,
            pos_at: t0,
            reported_at: t0,
            velocity_known,
            flat: false,
            unknown: None,
        })
    }

    /// The same track moved to another reference time. Start from the state of the report, not from a moved one, where
    /// bit-for-bit agreement matters: one long step is not two short ones.
    #[must_use]
    pub fn at(&self, t0: Utc) -> Self {
        let unknown = unknown(t0.since_ms(self.reported_at));
        let step_ms = t0.since_ms(self.pos_at);
        if unknown.is_some() || step_ms == 0 {
            return Self { t0, unknown, ..*self };
        }
        let dt = step_ms as f64 / 1000.0;
        let (pos, vel) = self.moved(dt);
        let rise = libm::round(self.climb_mps * dt * f64::from(Height::PER_METRE));
        let moved = |h: Height| Height(h.0.saturating_add(rise as i32));
        let (pressure, geometric) = (self.pressure.map(moved), self.geometric.map(moved));
        Self { pos, vel, pressure, geometric, t0, pos_at: t0, unknown, ..*self }
    }

    /// Where it is and how it moves `dt` seconds later.
    pub(crate) fn moved(&self, dt: f64) -> (Vec3, Vec3) {
        if self.flat {
            let (p, v) = (self.pos, self.vel);
            return ([p[0] + v[0] * dt, p[1] + v[1] * dt, 0.0], v);
        }
        advance(self.pos, self.vel, self.speed_mps, dt)
    }

    /// The same with these heights at the reference time.
    #[must_use]
    pub fn with_heights(self, pressure: Option<Height>, geometric: Option<Height>) -> Self {
        Self { pressure, geometric, ..self }
    }

    /// The same with this horizontal accuracy (95 %), metres.
    #[must_use]
    pub fn with_accuracy_m(self, accuracy_m: Option<f64>) -> Self {
        Self { accuracy_m, ..self }
    }

    /// Reference time.
    #[must_use]
    pub fn t0(&self) -> Utc {
        self.t0
    }

    /// Time of applicability of the report behind it.
    #[must_use]
    pub fn reported_at(&self) -> Utc {
        self.reported_at
    }

    /// Age of the report at the reference time, milliseconds; negative if the report lies ahead.
    #[must_use]
    pub fn age_ms(&self) -> i64 {
        self.t0.since_ms(self.reported_at)
    }

    /// Latitude and longitude at the reference time, degrees; not numbers for a state in a plane.
    #[must_use]
    pub fn lat_lon(&self) -> (f64, f64) {
        if self.flat {
            return (f64::NAN, f64::NAN);
        }
        earth::geodetic(self.pos)
    }

    /// Ground speed, m/s; 0 if not known.
    #[must_use]
    pub fn speed_mps(&self) -> f64 {
        self.speed_mps
    }

    /// Pressure altitude at the reference time.
    #[must_use]
    pub fn pressure(&self) -> Option<Height> {
        self.pressure
    }

    /// Height above WGS-84 at the reference time.
    #[must_use]
    pub fn geometric(&self) -> Option<Height> {
        self.geometric
    }

    /// Horizontal accuracy (95 %) of the report, metres.
    #[must_use]
    pub fn accuracy_m(&self) -> Option<f64> {
        self.accuracy_m
    }

    /// Whether speed and track angle were reported.
    #[must_use]
    pub fn velocity_known(&self) -> bool {
        self.velocity_known
    }

    /// Why nothing can be said about this track, if so.
    #[must_use]
    pub fn unknown(&self) -> Option<Why> {
        self.unknown
    }

    /// How far the track may have turned off its line during age beyond [`AGE_FREE_MS`], metres: ½·a·t².
    #[must_use]
    pub fn drift_m(&self) -> f64 {
        let s = (self.age_ms() - AGE_FREE_MS).max(0) as f64 / 1000.0;
        0.5 * TURN_MPS2 * s * s
    }
}

/// [`earth::surface`] and [`earth::velocity`], bit for bit, with the sines they have in common taken once: a third less
/// time where a whole picture is prepared.
fn surface_velocity(lat_deg: f64, lon_deg: f64, speed_mps: f64, track_deg: f64) -> (Vec3, Vec3) {
    let (slat, clat) = libm::sincos(lat_deg.to_radians());
    let (slon, clon) = libm::sincos(lon_deg.to_radians());
    let (east, north) = libm::sincos(track_deg.to_radians());
    let (east, north) = (east * speed_mps, north * speed_mps);
    let n = earth::A / libm::sqrt(1.0 - earth::E2 * slat * slat);
    (
        [n * clat * clon, n * clat * slon, n * (1.0 - earth::E2) * slat],
        [-slon * east - slat * clon * north, clon * east - slat * slon * north, clat * north],
    )
}

/// Why a report of this age is not extrapolated, if so.
pub(crate) fn unknown(age_ms: i64) -> Option<Why> {
    if age_ms > AGE_MAX_MS {
        Some(Why::Stale { age_ms })
    } else if age_ms < -AHEAD_MAX_MS {
        Some(Why::Ahead { ahead_ms: age_ms.saturating_neg() })
    } else {
        None
    }
}

/// Moves a surface point along the great circle of its velocity and puts it back onto the ellipsoid.
pub(crate) fn advance(p: Vec3, v: Vec3, speed_mps: f64, dt: f64) -> (Vec3, Vec3) {
    if speed_mps == 0.0 {
        return (p, v);
    }
    let rr = earth::dot(p, p);
    let radial = earth::dot(v, p) / rr;
    let u = [v[0] - p[0] * radial, v[1] - p[1] * radial, v[2] - p[2] * radial];
    let w = earth::norm(u) / libm::sqrt(rr);
    let (s, c) = libm::sincos(w * dt);
    let (along, back) = (s / w, w * s);
    let q = [p[0] * c + u[0] * along, p[1] * c + u[1] * along, p[2] * c + u[2] * along];
    let t = [u[0] * c - p[0] * back, u[1] * c - p[1] * back, u[2] * c - p[2] * back];
    let (a2, b) = (earth::A * earth::A, earth::A * (1.0 - earth::F));
    let normal = [q[0] / a2, q[1] / a2, q[2] / (b * b)];
    let k = 1.0 / libm::sqrt(earth::dot(q, normal));
    let off = earth::dot(t, normal) / earth::dot(normal, normal);
    let t = [t[0] - normal[0] * off, t[1] - normal[1] * off, t[2] - normal[2] * off];
    let f = speed_mps / earth::norm(t);
    ([q[0] * k, q[1] * k, q[2] * k], [t[0] * f, t[1] * f, t[2] * f])
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use geographiclib_rs::{DirectGeodesic, Geodesic};
    use units::{Angle, Speed, VerticalRate};

    fn report(lat: f64, lon: f64, trk: f64) -> TrackReport {
        let mut r = TrackReport::new(1, Position::from_degrees(lat, lon).unwrap(), Utc(0));
        r.speed = Some(Speed::from_knots(450.0));
        r.track = Angle::from_degrees(trk);
        r.pressure = Some(Height::from_feet(30_000));
        r.vertical_rate = Some(VerticalRate(-5_080));
        r
    }

    #[test]
    fn half_a_minute_ahead_agrees_with_the_geodesic_to_a_metre() {
        let g = Geodesic::wgs84();
        for (lat, lon) in [(0.0, 0.0), (48.0, 179.99), (-89.99, 10.0), (89.9, -100.0), (-33.0, -179.999)] {
            for trk in [0.0, 45.0, 90.0, 200.0, 359.0] {
                let r = report(lat, lon, trk);
                let k = Kinematics::from_report(&r, Utc(30_000));
                let (la, lo, azi) = g.direct(r.position.lat(), r.position.lon(), trk, 231.5 * 30.0);
                let off = earth::norm(earth::sub(k.pos, earth::surface(la, lo)));
                let turned = earth::norm(earth::sub(k.vel, earth::velocity(la, lo, 231.5, azi)));
                assert!(off < 0.5 && turned < 0.005, "{lat} {lon} {trk}: {off} m, {turned} m/s");
                assert_eq!(k.pressure, Some(Height(30_000 * 3048 - 5_080 * 10 * 30)));
                assert_eq!(k.unknown(), None);
            }
        }
    }

    #[test]
    fn a_state_is_the_earth_models_bit_for_bit() {
        for n in 0..20_000u64 {
            let u = |k| crate::scenario::draw(7, 4 * n + k);
            let (lat, lon, speed, trk) = (180.0 * u(0) - 90.0, 360.0 * u(1) - 180.0, 600.0 * u(2), 360.0 * u(3));
            let (pos, vel) = surface_velocity(lat, lon, speed, trk);
            assert_eq!(pos.map(f64::to_bits), earth::surface(lat, lon).map(f64::to_bits));
            assert_eq!(vel.map(f64::to_bits), earth::velocity(lat, lon, speed, trk).map(f64::to_bits));
        }
    }

    #[test]
    fn an_old_report_or_one_from_the_future_is_not_extrapolated() {
        let r = report(48.0, 10.0, 90.0);
        let here = Kinematics::from_report(&r, Utc(0));
        let old = Kinematics::from_report(&r, Utc(30_001));
        assert_eq!((old.unknown(), old.pos), (Some(Why::Stale { age_ms: 30_001 }), here.pos));
        let ahead = Kinematics::from_report(&r, Utc(-5_001));
        assert_eq!((ahead.unknown(), ahead.pos), (Some(Why::Ahead { ahead_ms: 5_001 }), here.pos));
        assert!(old.at(Utc(10)).unknown().is_none(), "coming back into the bounds makes it known again");
    }
}
