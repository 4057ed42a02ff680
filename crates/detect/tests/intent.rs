//! Paths with a cleared level and a route, against straight lines and against samples of the paths.
use detect::{Encounter, Intent, Kinematics, Known, Minima, Path, State, Verdict, path_path, track_track};
use proptest::prelude::*;
use units::{Height, Reference, Utc, Vertex, earth};

fn at(lat: f64, lon: f64, alt_ft: f64, gs_kt: f64, trk_deg: f64, vs_fpm: f64) -> Kinematics {
    Kinematics::from_state(&State { lat, lon, alt_ft, gs_kt, trk_deg, vs_fpm }, Utc(0)).unwrap()
}

fn level(feet: i32) -> Known {
    Known { level: Some((Height::from_feet(feet), Reference::Pressure)), route: Vec::new() }
}

fn route(points: &[(f64, f64)]) -> Known {
    Known { level: None, route: points.iter().map(|(lat, lon)| Vertex::from_degrees(*lat, *lon).unwrap()).collect() }
}

fn path(track: &Kinematics, known: &Known) -> Path {
    Path::of(track, known, 300.0)
}

fn conflict(a: &Path, b: &Path) -> Option<Encounter> {
    let (x, y) = (path_path(a, b, &Minima::DEFAULT), path_path(b, a, &Minima::DEFAULT));
    assert_eq!(x, y, "the order of a pair does not matter");
    x.conflict()
}

#[test]
fn a_climb_that_ends_a_thousand_feet_below_is_clear_and_a_foot_higher_it_is_not() {
    // 60 s apart at 900 kt, one climbing at 2,000 ft/min from FL240, the other level at FL260.
    let low = at(48.0, 10.0, 24_000.0, 450.0, 90.0, 2_000.0);
    let high = at(48.0, 10.5, 26_000.0, 450.0, 270.0, 0.0);
    let other = Path::straight(&high);
    let straight = conflict(&Path::straight(&low), &other).expect("through its level");
    for (feet, want) in [(25_000, false), (25_001, true), (26_000, true), (24_500, false)] {
        let path = path(&low, &level(feet));
        assert_eq!(path.intent(), Intent { level: true, route: false });
        let found = conflict(&path, &other);
        assert_eq!(found.is_some(), want, "{feet}");
        if let Some(found) = found {
            assert!(found.tin_s > straight.tin_s - 1e-3, "{found:?}");
            let apart = found.vertical_at_cpa.unwrap();
            assert!(
                feet != 25_001 || apart == i64::from(Height::from_feet(999).0),
                "the level it will have, exactly: {apart}"
            );
        }
    }
}

#[test]
fn what_it_does_not_do_is_not_believed() {
    let other = Path::straight(&at(48.0, 10.5, 26_000.0, 450.0, 270.0, 0.0));
    let climbing = at(48.0, 10.0, 24_000.0, 450.0, 90.0, 2_000.0);
    // Cleared to where it does not go; without a level of that reference; of a reference that says nothing.
    let unknown = climbing.with_heights(None, None);
    let msl = Known { level: Some((Height::from_feet(24_500), Reference::Msl)), route: Vec::new() };
    let wgs84 = Known { level: Some((Height::from_feet(24_500), Reference::Wgs84)), route: Vec::new() };
    for (track, known) in [(climbing, level(20_000)), (unknown, level(25_000)), (climbing, msl), (climbing, wgs84)] {
        let path = path(&track, &known);
        assert_eq!(path.intent(), Intent::default());
        assert_eq!(
            path_path(&path, &other, &Minima::DEFAULT),
            path_path(&Path::straight(&track), &other, &Minima::DEFAULT)
        );
    }
    // In its level but for noise: the rate is none. Level traffic 1000 ft apart does not conflict for a rate of 64 ft/min.
    let noisy = at(48.0, 10.0, 25_000.0, 450.0, 90.0, 64.0);
    assert!(conflict(&Path::straight(&noisy), &other).is_some());
    assert_eq!(conflict(&path(&noisy, &level(25_000)), &other), None);
    let leaving = at(48.0, 10.0, 24_990.0, 450.0, 90.0, 600.0);
    assert!(conflict(&path(&leaving, &level(24_900)), &other).is_some(), "faster than noise");
    let slow = at(48.0, 10.0, 24_000.0, 450.0, 90.0, 300.0);
    let above = Path::straight(&at(48.0, 10.5, 25_200.0, 450.0, 270.0, 0.0));
    assert!(conflict(&path(&slow, &level(25_400)), &above).is_some(), "on its way, however slow");
}

#[test]
fn a_turn_of_the_route_is_flown_by_one_that_follows_it_and_by_no_other() {
    // To the east, then north at 10.2; the other comes from the east on the first line, and one crosses the second.
    let line = route(&[(48.0, 9.0), (48.0, 10.2), (49.0, 10.2)]);
    let track = at(48.0, 10.0, 30_000.0, 450.0, 90.0, 0.0);
    let ahead = Path::straight(&at(48.0, 11.2, 30_000.0, 450.0, 270.0, 0.0));
    let across = Path::straight(&at(48.2, 10.7, 30_000.0, 450.0, 270.0, 0.0));
    let straight = Path::straight(&track);
    let along = path(&track, &line);
    assert_eq!(along.intent(), Intent { level: false, route: true });
    assert!(conflict(&straight, &ahead).is_some());
    assert!(conflict(&straight, &ahead).unwrap().dcpa_m < conflict(&along, &ahead).map_or(f64::INFINITY, |e| e.dcpa_m));
    assert!(conflict(&along, &across).is_some(), "the turn brings it there");
    for off in [at(48.1, 10.0, 30_000.0, 450.0, 90.0, 0.0), at(48.0, 10.0, 30_000.0, 450.0, 270.0, 0.0)] {
        assert_eq!(path(&off, &line).intent(), Intent::default(), "6 NM beside it, or against it");
    }
    // Behind the last point it goes on straight.
    let past = at(48.99, 10.2, 30_000.0, 450.0, 0.0, 0.0);
    assert_eq!(path(&past, &line).intent(), Intent { level: false, route: true });
    let beyond = Path::straight(&at(49.6, 10.2, 30_000.0, 450.0, 180.0, 0.0));
    assert!(conflict(&path(&past, &line), &beyond).is_some());
}

#[test]
fn what_a_verdict_rests_on_is_said_in_words() {
    let words = [(false, false), (false, true), (true, false), (true, true)]
        .map(|(route, level)| Intent { level, route }.name());
    assert_eq!(words, ["straight", "level", "route", "route and level"]);
}

/// Position and height of a path, by its own definition: legs of great circles flown at one speed, a climb to a level.
fn sample(track: &State, turns: &[(f64, f64)], level_ft: Option<f64>, t: f64) -> (earth::Vec3, f64) {
    let speed = track.gs_kt * 1852.0 / 3600.0;
    let (mut lat, mut lon, mut azimuth, mut left) = (track.lat, track.lon, track.trk_deg, speed * t);
    for (to_lat, to_lon) in turns {
        let (way, bearing) = earth::inverse(lat, lon, *to_lat, *to_lon).unwrap();
        azimuth = bearing;
        if way > left {
            break;
        }
        // Behind the last point it goes on as it arrives there: a great circle's azimuth is another at its end than at its beginning.
        azimuth = earth::inverse(*to_lat, *to_lon, lat, lon).unwrap().1 + 180.0;
        (lat, lon, left) = (*to_lat, *to_lon, left - way);
    }
    let (lat, lon) = earth::direct(lat, lon, azimuth, left);
    let climbed = track.alt_ft + track.vs_fpm / 60.0 * t;
    let height = match level_ft {
        Some(level) if track.vs_fpm > 0.0 => climbed.min(level),
        Some(level) => climbed.max(level),
        None => climbed,
    };
    (earth::surface(lat, lon), height)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_agree_with_samples_of_the_path(
        lat in 0.0..0.9f64, lon in 0.0..0.9f64, trk in 0.0..360.0f64, gs in 100.0..500.0f64, fl in 200.0..300.0f64, vs in -3000.0..3000.0f64,
        leg in 3.0..20.0f64, turn in -90.0..90.0f64, second in 3.0..20.0f64, rise in 300.0..6000.0f64, climbs in any::<bool>(),
    ) {
        let a = State { lat: 48.0, lon: 10.0, alt_ft: 25_000.0, gs_kt: 420.0, trk_deg: 40.0, vs_fpm: if climbs { 1_500.0 } else { -1_500.0 } };
        let b = State { lat: 47.6 + lat, lon: 9.6 + lon, alt_ft: fl * 100.0, gs_kt: gs, trk_deg: trk, vs_fpm: vs };
        let first = earth::direct(a.lat, a.lon, a.trk_deg, leg * 1852.0);
        let then = earth::direct(first.0, first.1, a.trk_deg + turn, second * 1852.0);
        // Behind it a point, so that the track is on its route from the start.
        let behind = earth::direct(a.lat, a.lon, a.trk_deg + 180.0, 5_000.0);
        let level_ft = (a.alt_ft + if climbs { rise } else { -rise }).round();
        let known = Known { level: level(level_ft as i32).level, route: route(&[behind, first, then]).route };
        let [ka, kb] = [a, b].map(|s| Kinematics::from_state(&s, Utc(0)).unwrap());
        let path = Path::of(&ka, &known, 300.0);
        prop_assert!(path.intent().route);
        let verdict = path_path(&path, &Path::straight(&kb), &Minima::DEFAULT);
        let turns = [first, then];
        let apart = |t: f64| {
            let (p, h) = sample(&a, &turns, path.intent().level.then_some(level_ft), t);
            let (q, g) = sample(&b, &[], None, t);
            (earth::norm(earth::sub(p, q)), (h - g).abs())
        };
        // Every second; what comes within 30 m or 15 ft of a minimum may be either.
        let near = |t: f64, by: f64| { let (d, z) = apart(t); d < 9260.0 + by * 30.0 && z < 1000.0 + by * 15.0 };
        let sure = (0..3000).map(|t| f64::from(t) / 10.0).find(|t| near(*t, -1.0));
        let maybe = (0..3000).map(|t| f64::from(t) / 10.0).find(|t| near(*t, 1.0));
        match verdict {
            Verdict::Conflict(e) => {
                let maybe = maybe.expect("samples come near");
                prop_assert!(e.tin_s >= maybe - 0.2, "{e:?} {maybe}");
                if let Some(sure) = sure { prop_assert!(e.tin_s <= sure + 0.2, "{e:?} {sure}"); }
                let (d, _) = apart(e.tcpa_s);
                // Lines leave the ellipsoid, by 600 m at most in this time: two that meet at other distances from their beginnings are as much apart.
                let with_rise = |d: f64| d.hypot(600.0) + 30.0;
                prop_assert!(e.dcpa_m > d - 30.0 && e.dcpa_m < with_rise(d), "{e:?} {d}");
                let least = (0..12_000).map(|t| apart(f64::from(t) / 10.0).0).fold(f64::INFINITY, f64::min);
                prop_assert!(e.dcpa_m < with_rise(least), "{e:?} {least}");
            }
            Verdict::Clear => prop_assert!(sure.is_none(), "missed at {sure:?}"),
            Verdict::Unknown(why) => prop_assert!(false, "{why}"),
        }
    }

    #[test]
    fn two_straight_paths_are_two_tracks_bit_for_bit(
        lat in -89.0..89.0f64, dlat in -0.5..0.5f64, dlon in -0.5..0.5f64, trk in 0.0..360.0f64, gs in 0.0..900.0f64, vs in -3000.0..3000.0f64,
    ) {
        let (a, b) = (at(lat, 179.9, 30_000.0, 450.0, 10.0, 0.0), at((lat + dlat).clamp(-90.0, 90.0), 179.9 + dlon - if dlon > 0.1 { 360.0 } else { 0.0 }, 30_500.0, gs, trk, vs));
        let paths = (Path::straight(&a), Path::of(&b, &Known::default(), 300.0));
        prop_assert_eq!(path_path(&paths.0, &paths.1, &Minima::DEFAULT), track_track(&a, &b, &Minima::DEFAULT));
    }
}
