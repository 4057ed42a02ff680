//! The earth model's distance, and the prediction far beyond the ordinary, against GeographicLib.
use detect::scenario::draw;
use detect::{Kinematics, Minima, State, Verdict, track_track};
use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};
use units::{Utc, earth};

fn check(p: (f64, f64), q: (f64, f64), tolerance_m: f64) -> f64 {
    let want: f64 = Geodesic::wgs84().inverse(p.0, p.1, q.0, q.1);
    let got = earth::distance(p.0, p.1, q.0, q.1);
    assert!((got - want).abs() <= tolerance_m, "{p:?} {q:?}: {got}, GeographicLib {want}");
    assert_eq!(got.to_bits(), earth::distance(p.0, p.1, q.0, q.1).to_bits());
    (got - want).abs()
}

#[test]
fn distance_agrees_with_geographiclib_to_a_tenth_of_a_millimetre() {
    let mut worst = 0f64;
    for i in 0..20_000u64 {
        let u = |j| draw(7, 8 * i + j);
        let p = ((2.0 * u(0) - 1.0).asin().to_degrees(), 360.0 * u(1) - 180.0);
        // From 10 cm to 2,000 km away, in any direction, over poles and the antimeridian.
        let reach = 10f64.powf(-1.0 + 7.3 * u(2)) / 111_000.0;
        let (lat, lon) =
            (p.0 + reach * (2.0 * u(3) - 1.0), p.1 + reach * (2.0 * u(4) - 1.0) / p.0.to_radians().cos().max(1e-3));
        let q = if lat > 90.0 {
            (180.0 - lat, lon + 180.0)
        } else if lat < -90.0 {
            (-180.0 - lat, lon + 180.0)
        } else {
            (lat, lon)
        };
        worst = worst.max(check(p, q, 1e-4));
    }
    println!("worst difference {worst:e} m");
}

#[test]
fn distance_agrees_with_geographiclib_at_special_places() {
    for (p, q) in [
        ((0.0, 0.0), (0.0, 1.0)),
        ((0.0, 179.9), (0.0, -179.9)),
        ((0.0, 0.0), (1.0, 0.0)),
        ((90.0, 13.0), (89.0, -100.0)),
        ((90.0, 0.0), (90.0, 90.0)),
        ((-90.0, 0.0), (-89.999_999_9, 90.0)),
        ((10.0, 179.9), (10.0, -179.9)),
        ((48.0, 10.0), (48.0, 10.0)),
        ((48.0, 10.0), (48.000_000_001, 10.0)),
        ((0.0, 0.0), (90.0, 0.0)),
        ((40.0, 0.0), (-30.0, 160.0)),
    ] {
        check(p, q, 1e-4);
    }
    // Nearly antipodal: only approximate.
    check((0.0, 0.0), (0.5, 179.7), 120_000.0);
    check((0.0, 0.0), (0.0, 180.0), 120_000.0);
    check((90.0, 0.0), (-90.0, 0.0), 120_000.0);
}

/// Distance after `t` seconds along geodesics.
fn apart(a: &State, b: &State, t: f64) -> f64 {
    let g = Geodesic::wgs84();
    let moved = |s: &State| -> (f64, f64) { g.direct(s.lat, s.lon, s.trk_deg, s.gs_kt * 1852.0 / 3600.0 * t) };
    let ((la, lo), (lb, mb)) = (moved(a), moved(b));
    g.inverse(la, lo, lb, mb)
}

#[test]
fn supersonic_tracks_and_long_horizons_are_found_where_geodesics_say() {
    let (mut conflicts, mut missed) = (0, 0);
    let mut worst = 0f64;
    for i in 0..4000u64 {
        let u = |j| draw(11, 8 * i + j);
        let minima = Minima { horizon_ms: if u(5) < 0.5 { 300_000 } else { 1_800_000 }, ..Minima::DEFAULT };
        let horizon = minima.horizon_ms as f64 / 1000.0;
        let fast = if horizon > 300.0 { 300.0 + 400.0 * u(3) } else { 500.0 + 3000.0 * u(3) };
        let state = |lat, lon, gs_kt, trk_deg| State { lat, lon, alt_ft: 30_000.0, gs_kt, trk_deg, vs_fpm: 0.0 };
        let a = state((2.0 * u(0) - 1.0).asin().to_degrees(), 360.0 * u(1) - 180.0, fast, 360.0 * u(2));
        // Someone slower beside the way, anywhere within reach.
        let ahead = fast * 1852.0 / 3600.0 * horizon * u(4);
        let g = Geodesic::wgs84();
        let (lat, lon): (f64, f64) = g.direct(a.lat, a.lon, a.trk_deg + 4.0 * (u(6) - 0.5), ahead);
        let b = state(lat, lon, 150.0 * u(7), 360.0 * draw(12, i));
        let prepare = |s: &State| Kinematics::from_state(s, Utc(0)).expect("on earth");
        let got = track_track(&prepare(&a), &prepare(&b), &minima);
        let times = (0..=600).map(|n| horizon * f64::from(n) / 600.0);
        let least = times.map(|t| apart(&a, &b, t)).fold(f64::INFINITY, f64::min);
        match got {
            Verdict::Conflict(e) => {
                conflicts += 1;
                let off = if e.tin_s > 0.0 { (apart(&a, &b, e.tin_s) - 9260.0).abs() } else { 0.0 };
                worst = worst.max(off);
                assert!(off < 200.0, "{i}: begins {off} m off the zone: {e:?} {a:?} {b:?}");
            }
            // Grazing passes may go either way.
            Verdict::Clear if least < 9060.0 => missed += 1,
            Verdict::Clear => {}
            Verdict::Unknown(why) => panic!("{why}"),
        }
    }
    println!("{conflicts} conflicts, worst begin {worst:.1} m off, {missed} missed");
    assert!(conflicts > 500 && missed == 0, "{conflicts} found, {missed} missed");
}
