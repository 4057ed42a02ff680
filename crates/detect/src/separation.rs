//! Separation as it was: from reports, without extrapolation.
use crate::encounter::{AltitudeBasis, mixed_allowance};
use crate::minima::Minima;
use alloc::vec::Vec;
use track::TrackReport;
use units::{Height, Utc, earth};

/// Longest gap between two reports of a track that is interpolated, milliseconds: one sweep missed at 10 s.
pub const GAP_MAX_MS: i64 = 20_000;

/// Distance of two aircraft at one time of applicability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// The time.
    pub at: Utc,
    /// Length of the geodesic between them, metres.
    pub lateral_m: f64,
    /// Vertical distance, 0.1 mm; `None` if a level is not known.
    pub vertical: Option<i64>,
    /// Which heights were compared.
    pub basis: AltitudeBasis,
    /// By how much the vertical distance may be off, 0.1 mm: 0 within one reference.
    pub vertical_error: i64,
}

impl Observed {
    /// Whether both minima were violated, strictly; a level not known counts as the same level.
    #[must_use]
    pub fn violates(&self, minima: &Minima) -> bool {
        let vertical = self.vertical.is_none_or(|v| v < i64::from(minima.vertical.0) + self.vertical_error);
        self.lateral_m < minima.lateral_m() && vertical
    }
}

/// Distance of two tracks at `at`. Each is given by its last report and, if there is one, the report before.
///
/// A report of exactly that time is taken as it is; otherwise the place lies on the line between two reports at most
/// [`GAP_MAX_MS`] apart. `None` if a track has neither: nothing is extrapolated.
#[must_use]
pub fn observed_at(
    prev_a: Option<&TrackReport>,
    last_a: &TrackReport,
    prev_b: Option<&TrackReport>,
    last_b: &TrackReport,
    at: Utc,
) -> Option<Observed> {
    Some(Place::at(prev_a, last_a, at)?.apart(&Place::at(prev_b, last_b, at)?, at))
}

/// Distance of two tracks at every time at which one of them reported and the other can be placed. Reports ascending.
#[must_use]
pub fn observed_between(a: &[TrackReport], b: &[TrackReport]) -> Vec<Observed> {
    let mut times: Vec<Utc> = a.iter().chain(b).map(|r| r.at).collect();
    times.sort_unstable();
    times.dedup();
    let place = |reports: &[TrackReport], at: Utc| {
        let n = reports.partition_point(|r| r.at < at);
        Place::at(n.checked_sub(1).map(|p| &reports[p]), reports.get(n)?, at)
    };
    times.into_iter().filter_map(|at| Some(place(a, at)?.apart(&place(b, at)?, at))).collect()
}

/// Where a track was.
struct Place {
    lat: f64,
    lon: f64,
    pressure: Option<Height>,
    geometric: Option<Height>,
}

impl Place {
    fn at(prev: Option<&TrackReport>, last: &TrackReport, at: Utc) -> Option<Self> {
        if last.at == at {
            return Some(Self::of(last));
        }
        let prev = prev?;
        if prev.at == at {
            return Some(Self::of(prev));
        }
        let (gap, part) = (last.at.since_ms(prev.at), at.since_ms(prev.at));
        if !(prev.at < at && at < last.at && gap <= GAP_MAX_MS) {
            return None;
        }
        // Along the chord in space, not in degrees: the same at a pole and across the antimeridian.
        let (p, q) = (Self::of(prev), Self::of(last));
        let (u, v) = (earth::surface(p.lat, p.lon), earth::surface(q.lat, q.lon));
        let f = part as f64 / gap as f64;
        let (lat, lon) =
            earth::geodetic([u[0] + (v[0] - u[0]) * f, u[1] + (v[1] - u[1]) * f, u[2] + (v[2] - u[2]) * f]);
        let between = |x: Option<Height>, y: Option<Height>| {
            let (x, y) = (i64::from(x?.0), i64::from(y?.0));
            let twice = (y - x) * part * 2;
            Some(Height((x + (twice + gap).div_euclid(2 * gap)) as i32))
        };
        Some(Self { lat, lon, pressure: between(p.pressure, q.pressure), geometric: between(p.geometric, q.geometric) })
    }

    fn of(r: &TrackReport) -> Self {
        Self { lat: r.position.lat(), lon: r.position.lon(), pressure: r.pressure, geometric: r.geometric }
    }

    fn apart(&self, other: &Self, at: Utc) -> Observed {
        let (vertical, basis, vertical_error) =
            match ((self.pressure, self.geometric), (other.pressure, other.geometric)) {
                ((Some(x), _), (Some(y), _)) => (Some(x.distance(y)), AltitudeBasis::Pressure, 0),
                ((_, Some(x)), (_, Some(y))) => (Some(x.distance(y)), AltitudeBasis::Geometric, 0),
                ((Some(x), _), (_, Some(y))) | ((_, Some(x)), (Some(y), _)) => {
                    (Some(x.distance(y)), AltitudeBasis::Mixed, mixed_allowance(x, y))
                }
                _ => (None, AltitudeBasis::UnknownLevel, 0),
            };
        let lateral_m = earth::distance(self.lat, self.lon, other.lat, other.lon);
        Observed { at, lateral_m, vertical, basis, vertical_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::Position;

    fn report(lat: f64, lon: f64, feet: i32, at_ms: i64) -> TrackReport {
        let mut r = TrackReport::new(1, Position::from_degrees(lat, lon).unwrap(), Utc(at_ms));
        r.pressure = Some(Height::from_feet(feet));
        r
    }

    #[test]
    fn separation_is_taken_at_one_time_and_never_beyond_the_reports() {
        let (a0, a1) = (report(48.0, 179.99, 30_000, 0), report(48.0, -179.99, 30_000, 10_000));
        let b = report(48.0, 180.0, 31_000, 5_000);
        let got = observed_at(Some(&a0), &a1, None, &b, Utc(5_000)).unwrap();
        assert!(got.lateral_m < 0.2, "half way lies on the antimeridian: {got:?}");
        assert_eq!((got.vertical, got.basis), (Some(3_048_000), AltitudeBasis::Pressure));
        assert!(!got.violates(&Minima::DEFAULT), "exactly 1000 ft");
        assert_eq!(observed_at(Some(&a0), &a1, None, &b, Utc(5_001)), None, "b has one report only");
        assert_eq!(observed_at(None, &a1, None, &b, Utc(5_000)), None);
        let late = report(48.0, 179.99, 30_000, 20_001);
        assert_eq!(observed_at(Some(&a0), &late, None, &b, Utc(5_000)), None, "a gap over 20 s");
        assert!(observed_at(Some(&a0), &a1, None, &report(48.0, 180.0, 30_000, 10_000), Utc(10_000)).is_some());
    }

    #[test]
    fn a_climb_is_interpolated_to_the_nearest_tenth_of_a_millimetre() {
        for (from, to) in [(1000, 1025), (1025, 1000)] {
            let (a0, a1) = (report(48.0, 10.0, from, 0), report(48.0, 10.0, to, 9_000));
            let got = observed_at(Some(&a0), &a1, None, &report(48.0, 10.0, 0, 3_000), Utc(3_000)).unwrap();
            let exact = f64::from(from) * 3048.0 + f64::from(to - from) * 3048.0 / 3.0;
            assert_eq!(got.vertical, Some(libm::round(exact) as i64));
        }
    }

    #[test]
    fn two_histories_are_compared_wherever_both_are_known() {
        let a = [report(48.0, 10.0, 0, 0), report(48.0, 10.1, 0, 10_000), report(48.0, 10.2, 0, 40_000)];
        let b = [report(48.1, 10.0, 0, 5_000), report(48.1, 10.1, 0, 15_000), report(48.1, 10.2, 0, 40_000)];
        let times: Vec<i64> = observed_between(&a, &b).iter().map(|o| o.at.0).collect();
        assert_eq!(times, [5_000, 10_000, 40_000]);
    }
}
