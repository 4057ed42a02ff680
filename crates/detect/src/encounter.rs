//! Two tracks, extrapolated: do they come closer than their minima, and when.
use crate::kinematics::Kinematics;
use crate::minima::Minima;
use crate::verdict::{Verdict, Why};
use minicbor::{Decode, Encode};
use units::{Height, earth};

/// End of an interval that has none (equal velocities), seconds: a day.
pub const TOUT_MAX_S: f64 = 86_400.0;
/// Closest approach is looked for up to here, seconds (or up to the horizon, if that is longer): aircraft flying almost
/// alike may close for hours, and no velocity lasts that long.
pub const TCPA_MAX_S: f64 = 1200.0;
/// Speed assumed of an aircraft whose velocity is not known when `Clear` is to be proved: about Mach 1 at height.
pub const UNKNOWN_SPEED_MPS: f64 = 350.0;
/// Fixed part of the vertical allowance when one height is pressure and the other geometric: 1,500 ft for a sea-level
/// pressure of 963 to 1063 hPa and the geoid.
pub const MIXED_ALLOWANCE: Height = Height::from_feet(1500);
/// Part of the greater height added to [`MIXED_ALLOWANCE`]: one in twenty, an air column 14 K off the standard.
pub const MIXED_PART: i64 = 20;

/// Which heights a vertical decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum AltitudeBasis {
    /// Both pressure altitude.
    #[n(0)]
    Pressure,
    /// Both height above WGS-84.
    #[n(1)]
    Geometric,
    /// One of each: the vertical minimum was widened by [`MIXED_ALLOWANCE`] and 1/[`MIXED_PART`] of the height.
    #[n(2)]
    Mixed,
    /// At least one level is not known: every level was taken to conflict.
    #[n(3)]
    UnknownLevel,
}

/// How two tracks meet. Times are seconds after the reference time.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub struct Encounter {
    /// Loss of separation begins; 0 if it has begun.
    #[n(0)]
    pub tin_s: f64,
    /// It ends; at most [`TOUT_MAX_S`]. May lie beyond the horizon.
    #[n(1)]
    pub tout_s: f64,
    /// Closest horizontal approach; 0 if it lies in the past or the velocities are equal, at most [`TCPA_MAX_S`].
    #[n(2)]
    pub tcpa_s: f64,
    /// Horizontal distance at `tcpa_s`, metres.
    #[n(3)]
    pub dcpa_m: f64,
    /// Horizontal distance at the reference time, metres.
    #[n(4)]
    pub d0_m: f64,
    /// Vertical distance at `tcpa_s`, 0.1 mm; `None` if a level is not known.
    #[n(5)]
    pub vertical_at_cpa: Option<i64>,
    /// Vertical distance at the reference time, 0.1 mm.
    #[n(6)]
    pub vertical_now: Option<i64>,
    /// Both minima are violated at the reference time.
    #[n(7)]
    pub violation_now: bool,
    /// Which heights were compared.
    #[n(8)]
    pub basis: AltitudeBasis,
    /// One of the tracks has no velocity and was taken to stand still.
    #[n(9)]
    pub velocity_unknown: bool,
    /// What was added to the lateral minimum because a report was old, metres.
    #[n(10)]
    pub widened_m: f64,
}

/// Whether two tracks violate `minima` within its horizon.
///
/// Distance at t is |s + v·t| between the prepared states. Violation is strict: d < D and |dz| < H. Its interval
/// [tin, tout) is the intersection of the horizontal and the vertical one, and it is a conflict iff tin < tout, tout > 0
/// and tin < T. Equal velocities inside the zone are a violation now. With no vertical speed between them the heights
/// decide as integers: exactly 1000 ft apart is clear of 1000 ft.
///
/// A tangent leaves the earth: by 0.4 km after 69 km (450 kt for 300 s), by 59 km after 870 km. A pair of which one gets
/// further than [`slice_m`] within the horizon is therefore judged in time slices, each straight from a point on the
/// great circle. Two states in a plane ([`Kinematics::from_plane`]) are judged exactly, without slices.
///
/// D grows by [`Kinematics::drift_m`] of both. If a velocity is not known, the track stands still; without a conflict
/// the verdict is then `Clear` only beyond the reach of [`UNKNOWN_SPEED_MPS`]. Both states need the same reference time.
/// Pairs on the ground are the caller's to leave out.
#[must_use]
pub fn track_track(a: &Kinematics, b: &Kinematics, minima: &Minima) -> Verdict<Encounter> {
    if let Some(why) = unknown(a, b) {
        return Verdict::Unknown(why);
    }
    let widened_m = a.drift_m() + b.drift_m();
    let (zone, horizon) = (minima.lateral_m() + widened_m, minima.horizon_s());
    let vertical = Vertical::of(a, b, minima.vertical);
    let velocity_unknown = !(a.velocity_known && b.velocity_known);
    if let Some(window) = vertical.within
        && let Some(meeting) = Meeting::of(a, b, zone, horizon, window)
    {
        return Verdict::Conflict(Encounter {
            tin_s: if meeting.tin > 0.0 { meeting.tin } else { 0.0 },
            tout_s: if meeting.tout < TOUT_MAX_S { meeting.tout } else { TOUT_MAX_S },
            tcpa_s: meeting.tcpa,
            dcpa_m: meeting.dcpa,
            d0_m: meeting.d0,
            vertical_at_cpa: vertical.distance_at(meeting.tcpa),
            vertical_now: vertical.distance_at(0.0),
            violation_now: meeting.d0 < zone && vertical.now,
            basis: vertical.basis,
            velocity_unknown,
            widened_m,
        });
    }
    clear(a, b, zone, horizon)
}

/// Why nothing can be said of two tracks, if so; of two reasons the greater, whichever track comes first.
pub(crate) fn unknown(a: &Kinematics, b: &Kinematics) -> Option<Why> {
    if a.flat != b.flat {
        return Some(Why::Frame);
    }
    if a.t0 == b.t0 { a.unknown.max(b.unknown) } else { Some(Why::ReferenceTime) }
}

/// `Clear` of two tracks that do not meet as they are taken to fly; without a velocity only out of reach.
pub(crate) fn clear<T>(a: &Kinematics, b: &Kinematics, zone: f64, within_s: f64) -> Verdict<T> {
    let speed = |k: &Kinematics| if k.velocity_known { k.speed_mps } else { UNKNOWN_SPEED_MPS };
    let in_reach = || earth::norm(earth::sub(b.pos, a.pos)) <= zone + (speed(a) + speed(b)) * within_s;
    if !(a.velocity_known && b.velocity_known) && in_reach() {
        return Verdict::Unknown(Why::Velocity);
    }
    Verdict::Clear
}

/// Longest way that is taken as straight for a lateral minimum of 5 NM or more, metres: 647 kt for 300 s.
pub const SLICE_M: f64 = 100_000.0;

/// Longest way that is taken as straight, metres. At its end a tangent is s²/2R above the ground, which takes one that is
/// right there for h²/2D farther off; with s as the root of D that is 0.4 % of any D. (In one line of 100 km the tangent would
/// be 785 m above an aircraft that stands in the way, which a D of 100 m would never see.)
#[must_use]
pub fn slice_m(lateral_m: f64) -> f64 {
    const WIDE_M: f64 = 9260.0;
    if lateral_m < WIDE_M { SLICE_M * libm::sqrt(lateral_m / WIDE_M) } else { SLICE_M }
}

/// The interval of violation and the closest approach, over all slices.
pub(crate) struct Meeting {
    tin: f64,
    tout: f64,
    pub(crate) tcpa: f64,
    pub(crate) dcpa: f64,
    d0: f64,
}

impl Meeting {
    pub(crate) fn of(a: &Kinematics, b: &Kinematics, zone: f64, horizon: f64, window: (f64, f64)) -> Option<Self> {
        let fastest = if a.speed_mps > b.speed_mps { a.speed_mps } else { b.speed_mps };
        let first = Lateral::of((a.pos, a.vel), (b.pos, b.vel), zone);
        // One part in a hundred for the ellipsoid; beyond it nothing needs to be sliced.
        if first.d0 > zone + (a.speed_mps + b.speed_mps) * horizon * 1.01 {
            return None;
        }
        let d0 = first.d0;
        // In a plane nothing bends.
        let slices = if a.flat { 1.0 } else { libm::ceil(fastest * horizon / slice_m(zone)).clamp(1.0, SLICES_MAX) };
        let length = horizon / slices;
        let (mut lateral, mut from) = (first, 0.0);
        let mut nearest = (0.0, f64::INFINITY);
        let mut found: Option<(f64, f64)> = None;
        for n in 0..slices as u32 {
            let last = f64::from(n + 1) >= slices;
            if n > 0 {
                lateral.nearest_within(from, length, &mut nearest);
                from = f64::from(n) * length;
                lateral = Lateral::later(a, b, from, zone);
            }
            let Some((h_in, h_out)) = lateral.within else { continue };
            let h_in = if n > 0 && h_in < 0.0 { from } else { from + h_in };
            // To the last bit where the next slice begins, or a loss that goes on would end here.
            let h_out = if !last && h_out > length { f64::from(n + 1) * length } else { from + h_out };
            let tin = if h_in > window.0 { h_in } else { window.0 };
            let tout = if h_out < window.1 { h_out } else { window.1 };
            if tin < tout && tout > 0.0 && tin < horizon {
                match &mut found {
                    None => found = Some((tin, tout)),
                    Some((_, end)) if *end >= from => *end = tout,
                    Some(_) => {}
                }
            }
        }
        let (tin, tout) = found?;
        // The closest approach may lie beyond the horizon: as far as the last line is straight, then line by line.
        let until = libm::fmax(TCPA_MAX_S, horizon);
        let straight = if a.flat { f64::INFINITY } else { straight_s(zone, fastest, until) };
        loop {
            lateral.nearest_within(from, if straight < until - from { straight } else { until - from }, &mut nearest);
            if lateral.tcpa <= straight || from + straight >= until {
                break;
            }
            from += straight;
            lateral = Lateral::later(a, b, from, zone);
        }
        Some(Self { tin, tout, tcpa: nearest.0, dcpa: nearest.1, d0 })
    }
}

/// 3000 m/s for half an hour is 54 slices at 5 NM; 87 at 100 m for five minutes. What would take more has longer ones.
const SLICES_MAX: f64 = 256.0;

/// For how long a line is taken as straight at this speed, seconds.
pub(crate) fn straight_s(zone: f64, fastest: f64, until: f64) -> f64 {
    if fastest > 0.0 { libm::fmax(slice_m(zone) / fastest, until / SLICES_MAX) } else { f64::INFINITY }
}

/// Horizontal geometry of a pair.
pub(crate) struct Lateral {
    s: earth::Vec3,
    v: earth::Vec3,
    d0: f64,
    tcpa: f64,
    /// When d < D, possibly from and to infinity; `None` if never.
    pub(crate) within: Option<(f64, f64)>,
}

impl Lateral {
    pub(crate) fn of(a: (earth::Vec3, earth::Vec3), b: (earth::Vec3, earth::Vec3), zone: f64) -> Self {
        let (s, v) = (earth::sub(b.0, a.0), earth::sub(b.1, a.1));
        let (ss, sv, vv) = (earth::dot(s, s), earth::dot(s, v), earth::dot(v, v));
        let dd = zone * zone;
        let now = ss < dd;
        let (tcpa, within) = if vv < EQUAL_VELOCITY {
            (0.0, now.then_some((f64::NEG_INFINITY, f64::INFINITY)))
        } else {
            let t = -sv / vv;
            let near = [s[0] + v[0] * t, s[1] + v[1] * t, s[2] + v[2] * t];
            let room = dd - earth::dot(near, near);
            let half = libm::sqrt(if room > 0.0 { room / vv } else { 0.0 });
            (if t > 0.0 { t } else { 0.0 }, (room > 0.0).then_some((t - half, t + half)))
        };
        Self { s, v, d0: libm::sqrt(ss), tcpa, within }
    }

    /// The same with both tracks moved along their great circles.
    fn later(a: &Kinematics, b: &Kinematics, from: f64, zone: f64) -> Self {
        Self::of(a.moved(from), b.moved(from), zone)
    }

    /// Lowers `nearest` (time, distance) to the closest approach within the next `length` seconds.
    pub(crate) fn nearest_within(&self, from: f64, length: f64, nearest: &mut (f64, f64)) {
        let t = if self.tcpa < length { self.tcpa } else { length };
        let d = self.distance_at(t);
        if d < nearest.1 {
            *nearest = (from + t, d);
        }
    }

    fn distance_at(&self, t: f64) -> f64 {
        let (s, v) = (self.s, self.v);
        earth::norm([s[0] + v[0] * t, s[1] + v[1] * t, s[2] + v[2] * t])
    }
}

/// Square of a relative speed taken as none, m²/s²: at 1 µm/s a distance changes by 2 mm in the longest horizon.
pub(crate) const EQUAL_VELOCITY: f64 = 1e-12;

/// Vertical geometry of a pair.
pub(crate) struct Vertical {
    /// Signed distance now, 0.1 mm.
    dz: Option<i64>,
    /// Signed relative rate, 0.1 mm/s.
    rate: f64,
    /// What they are held against, widened if references differ, 0.1 mm.
    minimum: i64,
    pub(crate) now: bool,
    pub(crate) basis: AltitudeBasis,
    /// When |dz| < H; `None` if never.
    pub(crate) within: Option<(f64, f64)>,
}

impl Vertical {
    pub(crate) fn of(a: &Kinematics, b: &Kinematics, minimum: Height) -> Self {
        let diff = |x: Height, y: Height| i64::from(y.0) - i64::from(x.0);
        let h = i64::from(minimum.0);
        let always = Some((f64::NEG_INFINITY, f64::INFINITY));
        let (dz, h, basis) = match ((a.pressure, a.geometric), (b.pressure, b.geometric)) {
            ((Some(x), _), (Some(y), _)) => (diff(x, y), h, AltitudeBasis::Pressure),
            ((_, Some(x)), (_, Some(y))) => (diff(x, y), h, AltitudeBasis::Geometric),
            ((Some(x), _), (_, Some(y))) | ((_, Some(x)), (Some(y), _)) => {
                (diff(x, y), h + mixed_allowance(x, y), AltitudeBasis::Mixed)
            }
            _ => {
                return Self {
                    dz: None,
                    rate: 0.0,
                    minimum: h,
                    now: true,
                    basis: AltitudeBasis::UnknownLevel,
                    within: always,
                };
            }
        };
        let rate = (b.climb_mps - a.climb_mps) * f64::from(Height::PER_METRE);
        let now = dz.abs() < h;
        let within = if rate == 0.0 {
            if now { always } else { None }
        } else {
            let (t1, t2) = ((-h - dz) as f64 / rate, (h - dz) as f64 / rate);
            Some(if t1 < t2 { (t1, t2) } else { (t2, t1) })
        };
        Self { dz: Some(dz), rate, minimum: h, now, basis, within }
    }

    /// When |dz| ≤ H, or they are level with each other within `ahead` seconds; `None` if never.
    pub(crate) fn within_closed(&self, ahead: f64) -> Option<(f64, f64)> {
        let always = (f64::NEG_INFINITY, f64::INFINITY);
        let Some(dz) = self.dz else { return Some(always) };
        if self.rate == 0.0 {
            return (dz.abs() <= self.minimum).then_some(always);
        }
        let (level, half) = (-dz as f64 / self.rate, self.minimum as f64 / libm::fabs(self.rate));
        Some((level - if ahead > half { ahead } else { half }, level + half))
    }

    pub(crate) fn distance_at(&self, t: f64) -> Option<i64> {
        self.dz.map(|dz| if t == 0.0 { dz.abs() } else { libm::fabs(libm::round(dz as f64 + self.rate * t)) as i64 })
    }
}

/// By how much the vertical distance of two tracks may be off for their references, 0.1 mm: 0 within one, `None` if a level is not
/// known.
#[must_use]
pub fn vertical_error(a: &Kinematics, b: &Kinematics) -> Option<i64> {
    let vertical = Vertical::of(a, b, Height(0));
    (vertical.basis != AltitudeBasis::UnknownLevel).then_some(vertical.minimum)
}

/// By how much a pressure altitude and a WGS-84 height of the same aircraft may differ, as far as detectors care.
pub(crate) fn mixed_allowance(x: Height, y: Height) -> i64 {
    i64::from(MIXED_ALLOWANCE.0) + i64::from(x.0.max(y.0).max(0)) / MIXED_PART
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::State;
    use units::{NM_MM, Utc};

    fn at(lat: f64, lon: f64, alt_ft: f64, gs_kt: f64, trk_deg: f64, vs_fpm: f64) -> Kinematics {
        Kinematics::from_state(&State { lat, lon, alt_ft, gs_kt, trk_deg, vs_fpm }, Utc(0)).unwrap()
    }

    fn conflict(a: &Kinematics, b: &Kinematics) -> Option<Encounter> {
        let (x, y) = (track_track(a, b, &Minima::DEFAULT), track_track(b, a, &Minima::DEFAULT));
        assert_eq!(x, y, "the order of a pair does not matter");
        x.conflict()
    }

    #[test]
    fn exactly_a_thousand_feet_apart_is_clear_at_every_level() {
        for hundreds in 0..600 {
            let low = at(48.0, 10.0, f64::from(hundreds) * 100.0, 450.0, 90.0, 0.0);
            for (above, want) in [(1000.0, false), (999.999, true), (975.0, true), (1025.0, false), (-1000.0, false)] {
                let other = at(48.0, 10.01, f64::from(hundreds) * 100.0 + above, 450.0, 270.0, 0.0);
                assert_eq!(conflict(&low, &other).is_some(), want, "FL{hundreds} {above}");
                // The same rate of climb is no vertical speed between them.
                let (mut l, mut o) = (low, other);
                (l.climb_mps, o.climb_mps) = (12.7, 12.7);
                assert_eq!(conflict(&l, &o).is_some(), want, "FL{hundreds} {above}, both climbing");
            }
        }
    }

    #[test]
    fn equal_velocity_inside_the_zone_is_a_violation_now() {
        let a = at(0.0, 10.0, 30_000.0, 450.0, 0.0, 0.0);
        let b = at(0.0, 10.05, 30_000.0, 450.0, 0.0, 0.0);
        // On the equator and due north both have exactly the same vector in space but for the last bits.
        let e = conflict(&a, &b).expect("inside");
        assert!(e.violation_now && e.tin_s == 0.0 && e.tout_s == TOUT_MAX_S && e.tcpa_s == 0.0, "{e:?}");
        assert!((e.dcpa_m - e.d0_m).abs() < 1e-9 && (e.d0_m - 5565.97).abs() < 0.1, "{e:?}");
        let far = at(0.0, 10.1, 30_000.0, 450.0, 0.0, 0.0);
        assert_eq!(track_track(&a, &far, &Minima::DEFAULT), Verdict::Clear);
    }

    #[test]
    fn the_border_of_the_zone_is_outside_it() {
        let (mut a, mut b) = (at(0.0, 0.0, 0.0, 0.0, 0.0, 0.0), at(0.0, 0.0, 0.0, 0.0, 0.0, 0.0));
        (a.pos, b.pos) = ([0.0, 0.0, 0.0], [9260.0, 0.0, 0.0]);
        assert_eq!(conflict(&a, &b), None);
        b.pos[0] = 9_259.999_999;
        assert!(conflict(&a, &b).is_some());
        // Grazing: passes at exactly D.
        (b.pos, b.vel, b.speed_mps) = ([9260.0, -10_000.0, 0.0], [0.0, 100.0, 0.0], 100.0);
        assert_eq!(conflict(&a, &b), None);
        // Begins exactly at the horizon.
        (b.pos, b.vel) = ([9260.0 + 30_000.0, 0.0, 0.0], [-100.0, 0.0, 0.0]);
        assert_eq!(conflict(&a, &b), None);
        b.pos[0] -= 0.01;
        assert!((conflict(&a, &b).unwrap().tin_s - 299.9999).abs() < 1e-9);
        // Left just now.
        (b.pos, b.vel) = ([9260.0, 0.0, 0.0], [100.0, 0.0, 0.0]);
        assert_eq!(conflict(&a, &b), None);
    }

    #[test]
    fn a_level_not_known_conflicts_at_every_level_and_mixed_references_widen() {
        let a = at(48.0, 10.0, 30_000.0, 450.0, 90.0, 0.0);
        let mut b = at(48.0, 10.05, 1_000.0, 450.0, 270.0, 0.0);
        assert_eq!(conflict(&a, &b), None);
        b.pressure = None;
        let e = conflict(&a, &b).expect("unknown level");
        assert_eq!((e.basis, e.vertical_at_cpa, e.violation_now), (AltitudeBasis::UnknownLevel, None, true));
        // H + 1500 ft + 30000/20 ft = 4000 ft; the greater height is the other one from 30,000 ft up.
        for (feet, want) in [(26_000, false), (26_001, true), (34_209, true), (34_211, false)] {
            b.geometric = Some(Height::from_feet(feet));
            let got = conflict(&a, &b);
            assert_eq!(got.is_some(), want, "{feet}");
            assert!(got.is_none_or(|e| e.basis == AltitudeBasis::Mixed));
        }
        let mut c = a;
        c.geometric = Some(Height::from_feet(33_000));
        let e = conflict(&c, &b);
        assert_eq!(e, None, "both geometric and 1211 ft apart: no widening");
    }

    #[test]
    fn without_a_velocity_clear_is_said_only_out_of_reach() {
        let a = at(48.0, 10.0, 30_000.0, 450.0, 90.0, 0.0);
        let mut b = at(48.0, 10.05, 30_000.0, f64::NAN, 0.0, 0.0);
        assert!(conflict(&a, &b).is_some_and(|e| e.velocity_unknown && e.violation_now));
        b.pos = earth::surface(49.0, 10.0);
        assert_eq!(track_track(&a, &b, &Minima::DEFAULT), Verdict::Unknown(Why::Velocity));
        b.pos = earth::surface(52.0, 10.0);
        assert_eq!(track_track(&a, &b, &Minima::DEFAULT), Verdict::Clear);
    }

    #[test]
    fn an_old_report_widens_before_it_is_given_up() {
        let mut a = at(48.0, 10.0, 30_000.0, 0.0, 90.0, 0.0);
        let mut b = at(48.0 + 5.2 / 60.0, 10.0, 30_000.0, 0.0, 0.0, 0.0);
        let check = |a: &Kinematics, b: &Kinematics, age_ms: i64, want: Verdict<()>| {
            let got = track_track(&a.at(Utc(age_ms)), &b.at(Utc(age_ms)), &Minima::DEFAULT);
            let got = match got {
                Verdict::Conflict(_) => Verdict::Conflict(()),
                Verdict::Clear => Verdict::Clear,
                Verdict::Unknown(why) => Verdict::Unknown(why),
            };
            assert_eq!(got, want, "age {age_ms} ms");
        };
        check(&a, &b, 0, Verdict::Clear);
        check(&a, &b, 5_000, Verdict::Clear);
        check(&a, &b, 20_000, Verdict::Conflict(()));
        check(&a, &b, 30_001, Verdict::Unknown(Why::Stale { age_ms: 30_001 }));
        a.t0 = Utc(1);
        b.t0 = Utc(2);
        assert_eq!(track_track(&a, &b, &Minima::DEFAULT), Verdict::Unknown(Why::ReferenceTime));
    }

    #[test]
    fn a_drone_pair_has_its_own_minima() {
        let minima = Minima { lateral_mm: 100_000, vertical: Height::from_metres(30.0).unwrap(), horizon_ms: 60_000 };
        let a = at(48.0, 10.0, 300.0, 30.0, 0.0, 0.0);
        let b = at(48.008, 10.0, 300.0, 30.0, 180.0, 0.0);
        let e = track_track(&a, &b, &minima).conflict().expect("head on");
        assert!((e.tcpa_s - 28.8).abs() < 0.2 && e.dcpa_m < 0.01, "{e:?}");
        assert!(minima.lateral_mm < NM_MM);
    }
}
