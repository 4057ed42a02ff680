//! What a sweep is made over: tracks prepared already, or reports that are prepared only as far as needed.
use super::judge::Judged;
use super::near::RADIUS_MIN_M;
use super::{Item, Workers, quick};
use crate::kinematics::{AGE_FREE_MS, Kinematics, TURN_MPS2, unknown};
use crate::verdict::Why;
use alloc::vec::Vec;
use track::TrackReport;
use units::{AircraftClass, Height, Utc, earth};

/// Tracks by number, all for one reference time.
pub(crate) trait Picture: Sync {
    /// How many.
    fn len(&self) -> usize;
    /// Class of a track, for the minima.
    fn class(&self, i: usize) -> AircraftClass;
    /// Whether the pairs of a track with any other are wanted; those of two that are not, are not.
    fn is_wanted(&self, _: usize) -> bool {
        true
    }
    /// How tracks from `from` on move, closely enough for the filter; those beyond the last one are left as they are.
    fn motions(&self, from: usize, motions: &mut Motions);
}

/// A picture all of whose candidates are judged together.
pub(crate) trait Whole: Picture {
    /// The tracks of these pairs (`i << 32 | j`) as they are judged.
    fn judged(&self, pairs: &[Vec<u64>], workers: &impl Workers, parts: usize) -> Judged<'_>;
}

/// Tracks that are brought into shape at once.
pub(crate) const BATCH: usize = 8;

/// How some tracks move from the reference time on.
pub(crate) struct Motions {
    /// ECEF, metres and metres per second.
    pub pos: [[f32; BATCH]; 3],
    pub vel: [[f32; BATCH]; 3],
    pub speed_mps: [f32; BATCH],
    /// Pressure altitude, metres; not a number if there is none: then the filter knows nothing about height.
    pub height_m: [f32; BATCH],
    pub climb_mps: [f32; BATCH],
    /// By how much the lateral minimum grows for a track, and by how much `pos` and `vel` may be off until then beyond
    /// what rounding does ([`super::probe::MARGIN_M`]).
    pub off_m: [f32; BATCH],
    /// What cannot be said about a track. [`Why::Velocity`] is of one that stands still, the others take no part.
    pub why: [Option<Why>; BATCH],
}

impl Motions {
    pub(crate) const NONE: Self = {
        let none = [0.0; BATCH];
        Self {
            pos: [none; 3],
            vel: [none; 3],
            speed_mps: none,
            height_m: none,
            climb_mps: none,
            off_m: none,
            why: [None; BATCH],
        }
    };
}

/// Metres of a pressure altitude.
fn height_m(height: Option<Height>) -> f32 {
    height.map_or(f32::NAN, |h| h.0 as f32 * (1.0 / Height::PER_METRE as f32))
}

/// [`Kinematics::drift_m`] at an age in seconds.
#[inline]
fn drift(age_s: f32) -> f32 {
    let s = age_s - AGE_FREE_MS as f32 * 1e-3;
    let s = if s > 0.0 { s } else { 0.0 };
    0.5 * TURN_MPS2 as f32 * s * s
}

impl Picture for [Item] {
    fn len(&self) -> usize {
        self.len()
    }

    fn class(&self, i: usize) -> AircraftClass {
        self[i].class
    }

    fn motions(&self, from: usize, motions: &mut Motions) {
        let t0 = self[0].track.t0;
        for (k, Item { track, .. }) in self[from..].iter().take(BATCH).enumerate() {
            for n in 0..3 {
                motions.pos[n][k] = track.pos[n] as f32;
                motions.vel[n][k] = track.vel[n] as f32;
            }
            motions.speed_mps[k] = track.speed_mps as f32;
            motions.height_m[k] = height_m(track.pressure);
            motions.climb_mps[k] = track.climb_mps as f32;
            motions.off_m[k] = drift(track.age_ms() as f32 * 1e-3);
            motions.why[k] = match track.unknown {
                _ if track.t0 != t0 => Some(Why::ReferenceTime),
                // Rows and cells are of the globe.
                _ if track.flat => Some(Why::Frame),
                None if !track.velocity_known => Some(Why::Velocity),
                why => why,
            };
        }
    }
}

impl Whole for [Item] {
    fn judged(&self, _: &[Vec<u64>], _: &impl Workers, _: usize) -> Judged<'_> {
        Judged::All(self)
    }
}

/// Prepared tracks, of which some are wanted.
pub(crate) struct Between<'a, W> {
    pub items: &'a [Item],
    pub is_wanted: W,
}

impl<W: Fn(usize) -> bool + Sync> Picture for Between<'_, W> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn class(&self, i: usize) -> AircraftClass {
        self.items[i].class
    }

    fn is_wanted(&self, i: usize) -> bool {
        (self.is_wanted)(i)
    }

    fn motions(&self, from: usize, motions: &mut Motions) {
        self.items.motions(from, motions);
    }
}

/// Reports, judged at `t0`.
pub(crate) struct Reports<'a> {
    pub reports: &'a [TrackReport],
    pub t0: Utc,
    /// How far ahead the filter looks, seconds.
    pub horizon_s: f64,
}

impl Picture for Reports<'_> {
    fn len(&self) -> usize {
        self.reports.len()
    }

    fn class(&self, i: usize) -> AircraftClass {
        self.reports[i].class
    }

    /// As [`Kinematics::from_report`], but in straight lines and with quick sines: off by less than 5 m for a report of
    /// the reference time.
    fn motions(&self, from: usize, motions: &mut Motions) {
        let (mut angles, mut age) = ([[0.0; BATCH]; 3], [0.0; BATCH]);
        for (k, report) in self.reports[from..].iter().take(BATCH).enumerate() {
            let age_ms = self.t0.since_ms(report.at);
            let speed = report.speed.map_or(0, |s| s.0);
            let known = report.speed.is_some() && (report.track.is_some() || speed == 0);
            angles[0][k] = f64::from(report.position.lat_e7) * (1.0 / 9e8);
            angles[1][k] = f64::from(report.position.lon_e7) * (1.0 / 9e8);
            angles[2][k] = f64::from(report.track.map_or(0, |t| t.0)) * (1.0 / 9e6);
            motions.speed_mps[k] = if known { speed as f32 * 1e-3 } else { 0.0 };
            motions.height_m[k] = height_m(report.pressure);
            motions.climb_mps[k] = report.vertical_rate.map_or(0.0, |rate| rate.0 as f32 * 1e-3);
            motions.why[k] = match unknown(age_ms) {
                None if !known => Some(Why::Velocity),
                why => why,
            };
            age[k] = age_ms as f32 * 1e-3;
        }
        for k in 0..BATCH {
            let [(slat, clat), (slon, clon), (east, north)] =
                [quick::sincos(angles[0][k]), quick::sincos(angles[1][k]), quick::sincos(angles[2][k])];
            let speed = motions.speed_mps[k];
            let (east, north) = (east * speed, north * speed);
            let e2 = earth::E2 as f32 * slat * slat;
            // 1/sqrt(1 - e2), its next term below 1e-7.
            let n = earth::A as f32 * (1.0 + e2 * (0.5 + e2 * 0.375));
            let vel = [-slon * east - slat * clon * north, clon * east - slat * slon * north, clat * north];
            let pos = [n * clat * clon, n * clat * slon, n * (1.0 - earth::E2) as f32 * slat];
            for m in 0..3 {
                motions.pos[m][k] = pos[m] + vel[m] * age[k];
                motions.vel[m][k] = vel[m];
            }
            motions.height_m[k] += motions.climb_mps[k] * age[k];
            // By how much more a line that is straight since the report leaves the one that is straight since t0: with
            // the way a until t0 and b from then on, the bend of a + b less that of b; a fifth more for the ellipsoid.
            let (a, b) = ((speed * age[k]).abs(), (speed * self.horizon_s as f32).abs());
            motions.off_m[k] = drift(age[k]) + a * (a + 2.0 * b) * (1.2 / (2.0 * RADIUS_MIN_M)) as f32;
            motions.speed_mps[k] = speed.abs();
        }
    }
}

impl Whole for Reports<'_> {
    fn judged(&self, pairs: &[Vec<u64>], workers: &impl Workers, parts: usize) -> Judged<'_> {
        let mut places = alloc::vec![0; self.reports.len()];
        for pair in pairs.iter().flatten() {
            places[(pair >> 32) as usize] = 1;
            places[(pair & 0xFFFF_FFFF) as usize] = 1;
        }
        let mut wanted = Vec::new();
        for (i, place) in places.iter_mut().enumerate().filter(|(_, place)| **place != 0) {
            *place = wanted.len() as u32;
            wanted.push(i as u32);
        }
        let share = wanted.len() / parts + 1;
        let shares = workers.map(parts, |part| {
            let item = |i: &u32| {
                let report = &self.reports[*i as usize];
                Item { track: Kinematics::from_report(report, self.t0), class: report.class }
            };
            wanted.iter().skip(part * share).take(share).map(item).collect()
        });
        Judged::Some { shares, share, places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::draw;
    use units::{Angle, Position, Speed, VerticalRate};

    /// What [`super::super::probe::MARGIN_M`] and [`Motions::off_m`] rest on, at the beginning and at the end of the
    /// horizon.
    #[test]
    fn a_motion_is_good_to_5_metres_and_what_it_says_beyond() {
        let horizon_s = 300.0;
        for n in 0..4000u64 {
            let u = |k| draw(11, 8 * n + k);
            // Some at the poles and at the antimeridian.
            let lat = [180.0 * u(0) - 90.0, 90.0 - 1e-3 * u(0), 1e-3 * u(0) - 90.0][n as usize % 3];
            let lon = [360.0 * u(1) - 180.0, 180.0 - 1e-6 * u(1)][n as usize % 2];
            let mut report = TrackReport::new(0, Position::from_degrees(lat, lon).unwrap(), Utc(0));
            report.speed = Some(Speed((3_000_000.0 * u(2) * u(2)) as i32));
            report.track = Angle::from_degrees(360.0 * u(3));
            report.vertical_rate = Some(VerticalRate((1e5 * (u(4) - 0.5)) as i32));
            report.pressure = Some(Height((1e8 * u(5)) as i32));
            let t0 = Utc(if n % 4 == 0 { 0 } else { (35_000.0 * u(6)) as i64 - 5_000 });
            let reports = Reports { reports: &[report], t0, horizon_s };
            let mut motions = Motions::NONE;
            reports.motions(0, &mut motions);
            let exact = Kinematics::from_report(&report, t0);
            let off = f64::from(motions.off_m[0]) - exact.drift_m();
            assert_eq!(motions.why[0], None);
            for t in [0.0, horizon_s] {
                let at = |k: usize| f64::from(motions.pos[k][0]) + f64::from(motions.vel[k][0]) * t;
                let far = [0, 1, 2].map(|k| at(k) - exact.pos[k] - exact.vel[k] * t);
                assert!(earth::norm(far) < 5.0 + off, "{report:?} at {t0:?} and {t} s: {far:?}, {off}");
            }
            let height = f64::from(exact.pressure.unwrap().0) * 1e-4;
            assert!((f64::from(motions.height_m[0]) - height).abs() < 0.1, "{report:?}");
        }
    }
}
