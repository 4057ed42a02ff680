//! Tracks against volumes and sites, against sampled geodesics.
use airspace::{Limit, Outline, Site, SiteCategory, Verification, Volume4d};
use detect::scenario::draw;
use detect::{Conformance, Kinematics, PreparedSite, PreparedVolume, Presence, State, conformance, track_volume};
use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};
use track::TrackReport;
use units::{Altitude, Angle, Height, Position, Reference, Speed, Utc, Vertex, earth};

fn v(lat: f64, lon: f64) -> Vertex {
    Vertex::from_degrees(lat, earth::wrap_degrees(lon)).expect("on earth")
}

fn volume(outline: Outline, low_ft: i32, high_ft: i32, window_s: (i64, i64)) -> PreparedVolume {
    let limit = |ft: i32| Limit::At(Altitude::pressure_feet(ft));
    let (start, end) = (Utc(window_s.0 * 1000), Utc(window_s.1 * 1000));
    let volume = Volume4d { outline, lower: limit(low_ft), upper: limit(high_ft), start, end };
    PreparedVolume::prepare(&volume).expect("a volume")
}

fn circle(lat: f64, lon: f64, radius_m: i64) -> Outline {
    Outline::Circle { centre: v(lat, lon), radius_mm: radius_m * 1000 }
}

fn track(lat: f64, lon: f64, alt_ft: f64, gs_kt: f64, trk_deg: f64, vs_fpm: f64) -> Kinematics {
    Kinematics::from_state(&State { lat, lon, alt_ft, gs_kt, trk_deg, vs_fpm }, Utc(0)).expect("on earth")
}

#[test]
fn visits_equal_a_sampled_geodesic() {
    let g = Geodesic::wgs84();
    let mut visited = 0;
    for i in 0..400u64 {
        let u = |j| draw(21, 16 * i + j);
        let (lat, lon) =
            if i % 3 == 0 { (89.9, 360.0 * u(0) - 180.0) } else { (120.0 * u(0) - 60.0, 179.0 + 2.0 * u(1)) };
        let (trk, gs) = (360.0 * u(2), 100.0 + 500.0 * u(3));
        let (clat, clon): (f64, f64) = g.direct(lat, lon, trk + 60.0 * (u(4) - 0.5), 60_000.0 * u(5));
        let radius = 500.0 + 20_000.0 * u(6);
        let outline = circle(clat, clon, radius as i64);
        let kin = track(lat, earth::wrap_degrees(lon), 10_000.0, gs, trk, 0.0);
        let got = track_volume(&kin, &volume(outline, 9_000, 11_000, (0, 3600)), 300.0);
        let inside = |t: f64| {
            let (la, lo): (f64, f64) = g.direct(lat, lon, trk, gs * 1852.0 / 3600.0 * t);
            let d: f64 = g.inverse(la, lo, clat, clon);
            d - f64::from(radius as i32)
        };
        for n in 0..=300 {
            let t = f64::from(n);
            let d = inside(t);
            let said = got.predicted.iter().any(|(from, to)| *from <= t && t <= *to);
            // 0.1 s and 30 m of model: nobody is judged within 60 m of the border.
            assert!(d.abs() < 60.0 || said == (d < 0.0), "{i}: at {t} s {d} m, {:?}", got.predicted);
        }
        visited += usize::from(!got.predicted.is_empty());
        assert!((got.lateral_m - inside(0.0)).abs() < 0.01, "{} {}", got.lateral_m, inside(0.0));
    }
    assert!(visited > 100, "{visited}");
}

#[test]
fn presence_is_three_valued_within_the_accuracy() {
    let zone = volume(circle(48.0, 10.0, 1000), 1000, 2000, (-10, 10));
    let check = |north_m: f64, feet: i32, accuracy_mm: Option<u32>, want: Presence| {
        let (lat, lon): (f64, f64) = Geodesic::wgs84().direct(48.0, 10.0, 0.0, north_m);
        let mut report = TrackReport::new(1, Position::from_degrees(lat, lon).expect("on earth"), Utc(0));
        report.pressure = Some(Height::from_feet(feet));
        report.accuracy_mm = accuracy_mm;
        report.speed = Some(Speed(0));
        report.track = Angle::from_degrees(0.0);
        let got = track_volume(&Kinematics::from_report(&report, Utc(0)), &zone, 60.0);
        assert_eq!(got.now, want, "{north_m} m, {feet} ft, {accuracy_mm:?}");
        assert_eq!(got.predicted.is_empty(), north_m > 1000.0 || !(1000..=2000).contains(&feet));
        assert!(got.predicted.is_empty() || got.predicted == [(0.0, 10.0)], "until the window ends");
    };
    check(0.0, 1500, None, Presence::In);
    check(980.0, 1500, Some(10_000), Presence::In);
    check(980.0, 1500, Some(30_000), Presence::Marginal);
    check(980.0, 1500, None, Presence::Marginal);
    check(1020.0, 1500, Some(30_000), Presence::Marginal);
    check(1020.0, 1500, Some(10_000), Presence::Out);
    for (feet, want) in [(1000, Presence::In), (2000, Presence::In), (999, Presence::Out), (2001, Presence::Out)] {
        check(0.0, feet, None, want);
    }
}

#[test]
fn a_climb_enters_from_below_and_leaves_above() {
    let zone = volume(circle(48.0, 10.0, 50_000), 10_000, 11_000, (0, 3600));
    let got = track_volume(&track(48.0, 10.0, 9_000.0, 100.0, 0.0, 1000.0), &zone, 300.0);
    assert_eq!(got.now, Presence::Out);
    let [(from, to)] = got.predicted[..] else { panic!("{got:?}") };
    assert!((from - 60.0).abs() < 1e-6 && (to - 120.0).abs() < 1e-6, "{got:?}");
    let stays_below = track_volume(&track(48.0, 10.0, 9_000.0, 100.0, 0.0, -1000.0), &zone, 300.0);
    assert!(stays_below.predicted.is_empty());
}

#[test]
fn levels_that_cannot_be_compared_are_marginal_and_said() {
    let limit = |ft: i32, r: Reference| Limit::At(Altitude::Known(Height::from_feet(ft), r));
    let zone = |low: Limit, high: Limit| {
        let (start, end) = (Utc(0), Utc(3_600_000));
        PreparedVolume::prepare(&Volume4d { outline: circle(48.0, 10.0, 50_000), lower: low, upper: high, start, end })
            .expect("a volume")
    };
    let at = |feet: f64| track(48.0, 10.0, feet, 0.0, 0.0, 0.0);
    let sea = zone(limit(5_000, Reference::Msl), limit(10_000, Reference::Msl));
    for (feet, want, unknown) in
        [(7_500.0, Presence::In, true), (10_100.0, Presence::Marginal, true), (14_000.0, Presence::Out, true)]
    {
        let got = track_volume(&at(feet), &sea, 60.0);
        assert_eq!((got.vertical_unknown, got.predicted.is_empty()), (unknown, want == Presence::Out), "{feet}");
        assert!(got.now <= want, "{feet}: {got:?}");
    }
    let ground = zone(Limit::Unlimited, limit(400, Reference::Agl));
    assert_eq!(track_volume(&at(35_000.0), &ground, 60.0).now, Presence::Out);
    assert_eq!(track_volume(&at(5_000.0), &ground, 60.0).now, Presence::Marginal);
    assert_eq!(track_volume(&at(f64::NAN), &sea, 60.0).now, Presence::Marginal);
    let old = at(7_500.0).at(Utc(60_000));
    let got = track_volume(&old, &sea, 60.0);
    assert_eq!((got.now, got.predicted.len()), (Presence::Marginal, 0), "an old report proves nothing");
}

#[test]
fn a_thin_volume_ahead_is_not_jumped_over() {
    // A corridor of 70 m across the way of a track at 600 kt: crossed in 0.23 s, 37 km ahead.
    let points = vec![v(47.0, 10.5), v(49.0, 10.5)];
    let thin = volume(Outline::Corridor { points, half_width_mm: 35_000 }, 0, 20_000, (0, 3600));
    let got = track_volume(&track(48.0, 10.0, 10_000.0, 600.0, 90.0, 0.0), &thin, 600.0);
    let [(from, to)] = got.predicted[..] else { panic!("{got:?}") };
    assert!((from - 120.8).abs() < 0.3 && (0.1..0.5).contains(&(to - from)), "{got:?}");
}

#[test]
fn conformance_is_to_the_union_of_the_active_volumes() {
    let leg = |n: i32| {
        let points = vec![v(48.0, f64::from(n)), v(48.0, f64::from(n + 1))];
        volume(
            Outline::Corridor { points, half_width_mm: 1_000_000 },
            9_000,
            11_000,
            (i64::from(n) * 600, i64::from(n + 1) * 600),
        )
    };
    let plan: Vec<_> = (0..3).map(leg).collect();
    let at = |lon: f64, north: f64, feet: f64, t_s: i64| {
        let (lat, _): (f64, f64) = Geodesic::wgs84().direct(48.0, lon, 0.0, north);
        let state = State { lat, lon, alt_ft: feet, gs_kt: 0.0, trk_deg: 0.0, vs_fpm: 0.0 };
        conformance(&Kinematics::from_state(&state, Utc(t_s * 1000)).expect("on earth"), &plan)
    };
    assert_eq!(at(0.99, 500.0, 10_000.0, 300), Conformance::Inside);
    assert_eq!(at(1.5, 500.0, 10_000.0, 600), Conformance::Inside, "both legs are active at their common instant");
    assert_eq!(at(1.5, 500.0, 10_000.0, 1900), Conformance::NotActive);
    assert!(matches!(at(1.5, 500.0, 10_000.0, 300), Conformance::Outside { lateral_m } if lateral_m > 30_000.0));
    assert_eq!(at(0.5, 500.0, 12_000.0, 300), Conformance::Outside { lateral_m: 0.0 });
    // Half way the geodesic lies 121 m north of the parallel: an edge straight in degrees would say the opposite.
    assert_eq!(at(0.5, 900.0, 10_000.0, 300), Conformance::Inside);
    assert_eq!(at(0.5, 1_000.0, 10_000.0, 300), Conformance::Inside);
    assert!(matches!(at(0.5, -1_000.0, 10_000.0, 300), Conformance::Outside { .. }));
}

#[test]
fn everything_near_a_site_is_flagged_at_every_level() {
    let site = PreparedSite::prepare(&Site {
        category: SiteCategory::Hospital,
        name: None,
        footprint: circle(48.0, 10.0, 100),
        buffer_mm: 500_000,
        verification: Verification::FieldChecked,
        expires: Utc(0),
    })
    .expect("a site");
    let (lat, lon): (f64, f64) = Geodesic::wgs84().direct(48.0, 10.0, 70.0, 2_000.0);
    let hit = site.point(v(lat, lon));
    assert!((hit.distance_m - 1900.0).abs() < 0.01 && !hit.inside_buffer, "{hit:?}");
    for (radius_m, inside) in [(1399, false), (1400, true), (1401, true), (3000, true)] {
        let hit = site.volume(&volume(circle(lat, lon, radius_m), 30_000, 40_000, (0, 1)));
        assert_eq!(hit.inside_buffer, inside, "{radius_m}: {hit:?}");
        assert!((hit.distance_m - f64::from(1900 - radius_m as i32).max(0.0)).abs() < 0.01, "{hit:?}");
    }
    let square = Outline::Polygon(vec![v(47.9, 9.9), v(47.9, 10.1), v(48.1, 10.1), v(48.1, 9.9)]);
    assert_eq!(site.volume(&volume(square, 0, 1, (0, 1))).distance_m, 0.0, "over it");
    let over = site.track(&track(48.0, 9.9, 35_000.0, 450.0, 90.0, 0.0), 120.0);
    let [(from, to)] = over[..] else { panic!("{over:?}") };
    // 7,458 m to the centre at 231.5 m/s, 600 m before and after it.
    assert!((from - 29.6).abs() < 0.2 && (to - 34.8).abs() < 0.2, "{over:?}");
}
