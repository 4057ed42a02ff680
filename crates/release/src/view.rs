//! One track as a peer may see it.
use track::TrackReport;
use units::{Position, earth};

use crate::grid::Grid;
use crate::policy::Identity;

/// Coarsest precision at which a velocity is still released: 1 km. Beyond it, velocity would tell more than the
/// position does: integrated from one change of cell it gives the path back to a few hundred metres.
pub(crate) const VELOCITY_PRECISION_MAX_MM: u32 = 1_000_000;
/// What no ordinary aircraft exceeds, m/s (680 kt): bounds how far one without a velocity got in a time not told.
pub(crate) const SPEED_BOUND_MPS: i64 = 350;

/// Reduces a report. The caller has replaced the internal number already.
///
/// Where the position is snapped, the time is cut to the second, so that it does not betray a receiver; the position is
/// first taken back along the velocity to that second, or, without a velocity, the accuracy is widened by what the
/// aircraft may have flown. Altitude stays as it is: separation rests on it.
pub(crate) fn reduce(mut report: TrackReport, precision_mm: u32, identity: Identity) -> TrackReport {
    if identity != Identity::Keep {
        (report.address, report.callsign, report.mode_a) = (None, None, None);
    }
    let Some(grid) = Grid::of_precision(precision_mm) else { return report };
    let past_ms = report.at.0.rem_euclid(1000);
    report.at = report.at.plus_ms(-past_ms);
    match (report.speed, report.track) {
        (Some(speed), Some(track)) => {
            let metres = -speed.mps() * past_ms as f64 / 1000.0;
            report.position = moved(report.position, metres, track.degrees());
        }
        _ => {
            let flown_mm = (SPEED_BOUND_MPS * past_ms) as u32;
            report.accuracy_mm = Some(report.accuracy_mm.unwrap_or(0).saturating_add(flown_mm));
        }
    }
    report.position = grid.snap(report.position);
    if precision_mm > VELOCITY_PRECISION_MAX_MM {
        (report.speed, report.track, report.vertical_rate) = (None, None, None);
    }
    report
}

/// The point `metres` away (a few hundred at most) on a bearing.
///
/// By the radii of curvature at the point: over 350 m the error is below 8 cm up to 80 degrees of latitude.
/// Beyond, the way over the earth's axes, which costs three times as much, has none.
fn moved(from: Position, metres: f64, bearing_deg: f64) -> Position {
    if from.lat_e7.unsigned_abs() > 800_000_000 {
        return moved_near_pole(from, metres, bearing_deg);
    }
    let (slat, clat) = libm::sincos(from.lat().to_radians());
    let (east, north) = libm::sincos(bearing_deg.to_radians());
    let w2 = 1.0 - earth::E2 * slat * slat;
    let prime_vertical = earth::A / libm::sqrt(w2);
    let meridian = prime_vertical * (1.0 - earth::E2) / w2;
    let lat = from.lat() + (metres * north / meridian).to_degrees();
    let lon = from.lon() + (metres * east / (prime_vertical * clat)).to_degrees();
    let lon = if lon >= 180.0 {
        lon - 360.0
    } else if lon < -180.0 {
        lon + 360.0
    } else {
        lon
    };
    Position::from_degrees(lat, lon).unwrap_or(from)
}

fn moved_near_pole(from: Position, metres: f64, bearing_deg: f64) -> Position {
    let (p, v) = (earth::surface(from.lat(), from.lon()), earth::velocity(from.lat(), from.lon(), metres, bearing_deg));
    let (lat, lon) = earth::geodetic([p[0] + v[0], p[1] + v[1], p[2] + v[2]]);
    Position::from_degrees(lat, lon).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use track::{Address, Callsign, ModeA};
    use units::{Angle, Height, Speed, Utc, VerticalRate};

    fn report() -> TrackReport {
        let mut r = TrackReport::new(3, Position::from_degrees(47.5, 8.5).unwrap(), Utc(10_700));
        r.address = Address::icao(0x4b_1a41);
        r.callsign = Callsign::parse("SWR12A").ok();
        r.mode_a = Some(ModeA(0o1000));
        r.pressure = Some(Height::from_feet(35_012));
        r.speed = Some(Speed(231_500));
        r.track = Angle::from_degrees(90.0);
        r.vertical_rate = Some(VerticalRate(100));
        r
    }

    fn metres(a: Position, b: Position) -> f64 {
        earth::norm(earth::sub(earth::surface(a.lat(), a.lon()), earth::surface(b.lat(), b.lon())))
    }

    #[test]
    fn without_identity_nothing_of_it_is_left_and_nothing_else_changes() {
        let got = reduce(report(), 0, Identity::Pseudonym);
        let want = TrackReport { address: None, callsign: None, mode_a: None, ..report() };
        assert_eq!(got, want);
        assert_eq!(reduce(report(), 0, Identity::Keep), report());
    }

    #[test]
    fn a_snapped_position_lies_within_its_label_of_where_the_aircraft_was_at_the_second_told() {
        let got = reduce(report(), 100_000, Identity::Keep);
        assert_eq!(got.at, Utc(10_000));
        let then = moved(report().position, -231.5 * 0.7, 90.0);
        assert!((metres(then, report().position) - 162.05).abs() < 0.1);
        assert!(metres(then, got.position) <= 100.0);
        assert_eq!((got.speed, got.pressure), (report().speed, report().pressure));
    }

    #[test]
    fn both_ways_of_moving_agree_and_cross_the_antimeridian() {
        for (lat, lon) in [(0.0, 0.0), (47.5, 8.5), (-79.9, 179.999_9), (65.0, -179.999_9), (79.9, -12.0)] {
            let from = Position::from_degrees(lat, lon).unwrap();
            for bearing in [0.0, 77.0, 180.0, 271.0] {
                let apart = metres(moved(from, -350.0, bearing), moved_near_pole(from, -350.0, bearing));
                assert!(apart < 0.08, "{lat} {lon} {bearing}: {apart} m");
            }
        }
    }

    #[test]
    fn a_velocity_does_not_outlive_a_kilometre_of_precision() {
        assert!(reduce(report(), 1_000_000, Identity::Keep).speed.is_some());
        let got = reduce(report(), 1_000_001, Identity::Keep);
        assert_eq!((got.speed, got.track, got.vertical_rate), (None, None, None));
    }

    #[test]
    fn without_a_velocity_the_accuracy_says_how_far_it_may_have_flown() {
        let mut still = report();
        still.speed = None;
        assert_eq!(reduce(still, 100_000, Identity::Keep).accuracy_mm, Some(245_000));
    }
}
