//! Volumes against GeographicLib at 1.1 cm of gap and of overlap, and at awkward places.
use airspace::{Limit, Outline, Plan, PlanState, Volume4d, VolumeError};
use detect::scenario::draw;
use detect::{Meeting, Overlap, PreparedVolume, plan_plan, volume_volume};
use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};
use units::{AircraftClass, Altitude, Height, NM_MM, Reference, Utc, Vertex, earth};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Conflict,
    Marginal,
    Clear,
    /// Within the centimetre: anything but a proof of the contrary.
    Touch,
}

fn volume(outline: Outline) -> Volume4d {
    Volume4d { outline, lower: Limit::Unlimited, upper: Limit::Unlimited, start: Utc(0), end: Utc(3_600_000) }
}

fn prepare(outline: &Outline) -> PreparedVolume {
    PreparedVolume::prepare(&volume(outline.clone())).unwrap_or_else(|e| panic!("{e}: {outline:?}"))
}

fn check(a: &Outline, b: &Outline, want: Want, what: &str) {
    let (x, y) = (prepare(a), prepare(b));
    for (x, y) in [(&x, &y), (&y, &x)] {
        let got = volume_volume(x, y);
        let ok = match want {
            Want::Conflict => matches!(got, Overlap::Conflict(_)),
            Want::Marginal => matches!(got, Overlap::Marginal(_)),
            Want::Clear => got == Overlap::Clear,
            Want::Touch => got != Overlap::Clear,
        };
        assert!(ok, "{what}: want {want:?}, got {got:?}\n{a:?}\n{b:?}");
    }
}

fn v(lat: f64, lon: f64) -> Vertex {
    Vertex::from_degrees(lat, earth::wrap_degrees(lon)).expect("on earth")
}

fn circle(lat: f64, lon: f64, radius_m: f64) -> Outline {
    Outline::Circle { centre: v(lat, lon), radius_mm: (radius_m * 1000.0).round() as i64 }
}

fn polygon(points: &[(f64, f64)]) -> Outline {
    Outline::Polygon(points.iter().map(|p| v(p.0, p.1)).collect())
}

fn rounded(p: Vertex) -> (f64, f64) {
    (p.lat(), p.lon())
}

fn direct(p: (f64, f64), azimuth: f64, metres: f64) -> (f64, f64) {
    Geodesic::wgs84().direct(p.0, p.1, azimuth, metres)
}

fn inverse(p: (f64, f64), q: (f64, f64)) -> f64 {
    Geodesic::wgs84().inverse(p.0, p.1, q.0, q.1)
}

/// A place: anywhere, at a pole, at the antimeridian or at 48°N.
fn place(seed: u64, i: u64) -> (f64, f64) {
    let u = |j| draw(seed, 16 * i + j);
    match i % 5 {
        0 => (89.999 + 0.001 * u(0), 360.0 * u(1) - 180.0),
        1 => (-90.0 + 0.5 * u(0), 360.0 * u(1) - 180.0),
        2 => (140.0 * u(0) - 70.0, 179.999 + 0.002 * u(1)),
        3 => (48.0, 10.0),
        _ => ((2.0 * u(0) - 1.0).asin().to_degrees(), 360.0 * u(1) - 180.0),
    }
}

#[test]
fn the_direct_formula_agrees_with_geographiclib() {
    let mut worst = 0f64;
    for i in 0..5000 {
        let u = |j| draw(3, 16 * i + 8 + j);
        let (p, azimuth, metres) = (place(3, i), 360.0 * u(0), 10f64.powf(7.1 * u(1)));
        let want = direct(p, azimuth, metres);
        let got = earth::direct(p.0, p.1, azimuth, metres);
        worst = worst.max(earth::norm(earth::sub(earth::surface(got.0, got.1), earth::surface(want.0, want.1))));
    }
    println!("worst {worst:e} m");
    assert!(worst < 1e-3);
}

#[test]
fn circles_are_decided_by_distance_to_a_centimetre() {
    for i in 0..2000 {
        let u = |j| draw(4, 16 * i + 8 + j);
        let p = rounded(v(place(4, i).0, place(4, i).1));
        // From 1 m to 1000 NM.
        let radius = |x: f64| (10f64.powf(6.267 * x) * 1000.0).round() / 1000.0;
        let (r1, r2) = (radius(u(0)), radius(u(1)));
        let azimuth = 360.0 * u(2);
        for (gap, want) in [(0.011, Want::Clear), (-0.011, Want::Conflict), (0.0, Want::Marginal)] {
            let q = direct(p, azimuth, r1 + r2 + gap);
            check(&circle(p.0, p.1, r1), &circle(q.0, q.1, r2), want, &format!("circles {i} {gap}"));
        }
    }
}

/// A circle beside the middle of an edge: the perpendicular geodesic is the shortest way.
#[test]
fn circles_beside_polygons_and_corridors_are_decided_to_a_centimetre() {
    for i in 0..1000 {
        let u = |j| draw(5, 16 * i + 8 + j);
        let a = rounded(v(place(5, i).0, place(5, i).1));
        let length = 10f64.powf(1.0 + 5.2 * u(0));
        let b = rounded(v(direct(a, 360.0 * u(1), length).0, direct(a, 360.0 * u(1), length).1));
        let (metres, azi1, _, _): (f64, f64, f64, f64) = Geodesic::wgs84().inverse(a.0, a.1, b.0, b.1);
        let (la, lo, azi): (f64, f64, f64) = Geodesic::wgs84().direct(a.0, a.1, azi1, metres * (0.1 + 0.8 * u(2)));
        let off = 10f64.powf(0.5 + 5.75 * u(3));
        let c = direct((la, lo), azi - 90.0, off);
        let third = direct((la, lo), azi + 90.0, metres);
        let width = (off * 0.25 * 1000.0).round() / 1000.0;
        for (gap, want) in [(0.011, Want::Clear), (-0.011, Want::Conflict), (0.0, Want::Touch)] {
            let what = format!("{i}: {metres} m edge, {off} m off, gap {gap}");
            let beside = circle(c.0, c.1, off - gap);
            check(&polygon(&[a, b, third]), &beside, want, &what);
            check(&polygon(&[third, b, a]), &beside, want, &what);
            let corridor =
                Outline::Corridor { points: vec![v(a.0, a.1), v(b.0, b.1)], half_width_mm: (width * 1000.0) as i64 };
            check(&corridor, &circle(c.0, c.1, off - width - gap), want, &what);
        }
        // Beyond the end a corridor is round.
        let end = direct(b, inverse_azimuth(b, a) + 180.0 + 40.0 * (u(4) - 0.5), off);
        let corridor =
            Outline::Corridor { points: vec![v(a.0, a.1), v(b.0, b.1)], half_width_mm: (width * 1000.0) as i64 };
        for (gap, want) in [(0.011, Want::Clear), (-0.011, Want::Conflict)] {
            check(&corridor, &circle(end.0, end.1, off - width - gap), want, &format!("{i}: cap"));
        }
    }
}

fn inverse_azimuth(p: (f64, f64), q: (f64, f64)) -> f64 {
    let (_, azimuth, _, _): (f64, f64, f64, f64) = Geodesic::wgs84().inverse(p.0, p.1, q.0, q.1);
    azimuth
}

/// Two quadrilaterals on both sides of a geodesic, moved apart or together by `gap`.
fn neighbours(a: (f64, f64), b: (f64, f64), depth: f64, gap: f64) -> (Outline, Outline) {
    let (ab, ba) = (inverse_azimuth(a, b), inverse_azimuth(b, a));
    let side = |turn: f64, metres: f64| (direct(a, ab + turn, metres), direct(b, ba - turn, metres));
    let (left_a, left_b) = side(-90.0, depth);
    let (near_a, near_b) = side(90.0, gap);
    let (right_a, right_b) = side(90.0, gap + depth);
    (polygon(&[a, b, left_b, left_a]), polygon(&[near_a, near_b, right_b, right_a]))
}

#[test]
fn polygons_along_an_edge_are_decided_to_a_centimetre() {
    for (a, b) in [
        ((48.0, 10.0), (48.0, 11.34)),
        ((48.0, 10.0), (48.0, 10.013)),
        ((48.0, 10.0), (48.0, 24.0)),
        ((89.9, 0.0), (89.9, 120.0)),
        ((60.0, 179.0), (60.5, -178.0)),
        ((0.0, 179.9), (0.0, -179.9)),
        ((-89.0, 45.0), (-88.0, -135.0)),
        ((10.0, 20.0), (10.000_1, 20.0)),
    ] {
        for (gap, want) in [(0.011, Want::Clear), (-0.011, Want::Conflict), (0.0, Want::Marginal)] {
            let (x, y) = neighbours(a, b, 5_000.0, gap);
            check(&x, &y, want, &format!("{a:?} {b:?} gap {gap}"));
        }
    }
}

#[test]
fn polygons_that_share_corners_edges_or_everything() {
    let square = |s: f64, w: f64, n: f64, e: f64| polygon(&[(s, w), (s, e), (n, e), (n, w)]);
    let unit = square(0.0, 0.0, 1.0, 1.0);
    for (other, want, what) in [
        (unit.clone(), Want::Conflict, "itself"),
        (polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]), Want::Conflict, "itself, wound the other way"),
        (square(0.0, 1.0, 1.0, 2.0), Want::Marginal, "a common meridian"),
        (square(0.25, 1.0, 0.75, 2.0), Want::Marginal, "part of a common meridian"),
        (square(1.0, 1.0, 2.0, 2.0), Want::Marginal, "a common corner"),
        (square(0.25, 0.25, 0.75, 0.75), Want::Conflict, "inside"),
        (square(-1.0, -1.0, 2.0, 2.0), Want::Conflict, "around"),
        (square(0.4, -1.0, 0.6, 2.0), Want::Conflict, "across like a plus"),
        (polygon(&[(0.0, 0.0), (1.0, 1.0), (1.0, 0.0)]), Want::Conflict, "half of it"),
        (polygon(&[(0.0, 0.0), (1.0, 1.0), (2.0, -1.0)]), Want::Conflict, "half of it and more"),
        (square(0.0, 0.25, 1.0, 0.75), Want::Conflict, "a strip from border to border"),
        (square(0.0, 1.1, 1.0, 2.0), Want::Clear, "beside"),
    ] {
        check(&unit, &other, want, what);
    }
    let ell = polygon(&[(0.0, 0.0), (0.0, 2.0), (1.0, 2.0), (1.0, 1.0), (2.0, 1.0), (2.0, 0.0)]);
    check(&ell, &square(1.2, 1.2, 2.0, 2.0), Want::Clear, "in the notch");
    check(&ell, &square(0.8, 1.2, 2.0, 2.0), Want::Conflict, "into the notch's floor");
}

#[test]
fn poles_the_antimeridian_and_large_polygons_are_ordinary() {
    let cap =
        |lat: f64, n: i32| polygon(&(0..n).map(|k| (lat, f64::from(k) * 360.0 / f64::from(n))).collect::<Vec<_>>());
    let around_the_pole = cap(85.0, 12);
    for (lat, lon, want) in [
        (90.0, 0.0, Want::Conflict),
        (86.0, 77.0, Want::Conflict),
        (84.0, 77.0, Want::Clear),
        (-90.0, 0.0, Want::Clear),
    ] {
        check(&around_the_pole, &circle(lat, lon, 10.0), want, &format!("cap {lat} {lon}"));
    }
    let south = cap(-60.0, 36);
    check(&south, &circle(-90.0, 50.0, 1.0), Want::Conflict, "south pole");
    check(&south, &around_the_pole, Want::Clear, "both caps");
    // Just less than half of the earth: the smaller side is the northern one.
    let north = cap(1.0, 36);
    check(&north, &circle(45.0, 10.0, 1.0), Want::Conflict, "northern half");
    check(&north, &circle(-45.0, 10.0, 1.0), Want::Clear, "northern half");
    let pacific = polygon(&[(-10.0, 170.0), (-10.0, -170.0), (10.0, -170.0), (10.0, 170.0)]);
    for (lon, want) in [
        (180.0, Want::Conflict),
        (-175.0, Want::Conflict),
        (175.0, Want::Conflict),
        (0.0, Want::Clear),
        (160.0, Want::Clear),
    ] {
        check(&pacific, &circle(0.0, lon, 1000.0), want, &format!("pacific {lon}"));
    }
    let route =
        Outline::Corridor { points: vec![v(60.0, 30.0), v(89.0, 30.0), v(60.0, -150.0)], half_width_mm: 5 * NM_MM };
    check(&route, &circle(90.0, 0.0, 1.0), Want::Conflict, "over the pole");
}

#[test]
fn a_polygon_that_meets_itself_is_refused_and_winding_is_irrelevant() {
    let refused = |points: &[(f64, f64)], what: &str| {
        let got = PreparedVolume::prepare(&volume(polygon(points)));
        assert!(matches!(got, Err(VolumeError::SelfIntersection { .. })), "{what}: {got:?}");
    };
    refused(&[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)], "a bow tie");
    refused(&[(0.0, 0.0), (0.0, 1.0), (0.0, 0.5)], "a flat triangle");
    refused(&[(0.0, 0.0), (0.0, 2.0), (1.0, 2.0), (0.0, 1.0), (1.0, 0.0)], "a corner on an edge");
    refused(&[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 2.0), (1.0, 1.0), (1.0, 0.0)], "a spike");
    refused(&[(1.0, 179.0), (-1.0, -179.0), (-1.0, 179.0), (1.0, -179.0)], "a bow tie across the antimeridian");
    let long = PreparedVolume::prepare(&volume(polygon(&[(0.0, 0.0), (0.0, 170.0), (10.0, 80.0)])));
    assert!(matches!(long, Err(VolumeError::TooLong { .. })), "{long:?}");
    // Closed explicitly, as some formats do.
    check(
        &polygon(&[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)]),
        &circle(0.3, 0.7, 1.0),
        Want::Conflict,
        "closed",
    );
}

fn slab(lower: Limit, upper: Limit) -> Volume4d {
    Volume4d { lower, upper, ..volume(circle(47.0, 8.0, 5000.0)) }
}

fn at(feet: i32, reference: Reference) -> Limit {
    Limit::At(Altitude::Known(Height::from_feet(feet), reference))
}

fn levels(a: (Limit, Limit), b: (Limit, Limit)) -> (Want, bool) {
    let prepare = |x: (Limit, Limit)| PreparedVolume::prepare(&slab(x.0, x.1)).expect("a volume");
    let got = volume_volume(&prepare(a), &prepare(b));
    let back = volume_volume(&prepare(b), &prepare(a));
    assert_eq!(got.meeting().map(|m| m.vertical_unknown), back.meeting().map(|m| m.vertical_unknown));
    let unknown = got.meeting().is_some_and(|m| m.vertical_unknown);
    match got {
        Overlap::Conflict(_) => (Want::Conflict, unknown),
        Overlap::Marginal(_) => (Want::Marginal, unknown),
        Overlap::Clear => (Want::Clear, unknown),
    }
}

#[test]
fn levels_of_one_reference_are_integers_and_others_are_not_compared_by_number() {
    use Reference::{Agl, Msl, Pressure, Wgs84};
    let band = |lo: i32, hi: i32, r: Reference| (at(lo, r), at(hi, r));
    for r in [Pressure, Msl, Wgs84, Agl] {
        for hundreds in 0..300 {
            let (a, b) = (band(0, hundreds * 100, r), band(hundreds * 100, 40_000, r));
            assert_eq!(levels(a, b), (Want::Marginal, false), "{hundreds} touch");
            assert_eq!(levels(a, band(hundreds * 100 + 1, 40_000, r)), (Want::Clear, false));
        }
    }
    assert_eq!(levels(band(0, 10_000, Pressure), band(9_999, 12_000, Pressure)), (Want::Conflict, false));
    // Different references: apart beyond 1,500 ft and a twentieth, otherwise taken to overlap and said so.
    assert_eq!(levels(band(0, 10_000, Pressure), band(11_000, 12_000, Msl)), (Want::Conflict, true));
    assert_eq!(levels(band(0, 10_000, Pressure), band(12_200, 13_000, Msl)), (Want::Clear, false));
    assert_eq!(levels(band(0, 10_000, Msl), band(2_000, 12_000, Wgs84)), (Want::Conflict, false));
    assert_eq!(levels(band(0, 400, Agl), band(20_000, 24_000, Pressure)), (Want::Conflict, true));
    assert_eq!(levels(band(0, 400, Agl), band(35_000, 36_000, Pressure)), (Want::Clear, false));
    // Unknown and unlimited.
    let unknown = (Limit::At(Altitude::Unknown), Limit::At(Altitude::Unknown));
    assert_eq!(levels(unknown, band(35_000, 36_000, Pressure)), (Want::Conflict, true));
    assert_eq!(levels((Limit::Unlimited, at(100, Agl)), (Limit::Unlimited, Limit::Unlimited)), (Want::Conflict, false));
}

#[test]
fn touching_in_time_is_overlap_and_the_common_part_is_told() {
    let mut a = slab(at(1000, Reference::Pressure), at(5000, Reference::Pressure));
    let mut b = slab(at(3000, Reference::Pressure), at(9000, Reference::Pressure));
    (a.start, a.end, b.start, b.end) = (Utc(0), Utc(1000), Utc(1000), Utc(2000));
    let meet = |a: &Volume4d, b: &Volume4d| {
        volume_volume(&PreparedVolume::prepare(a).expect("a"), &PreparedVolume::prepare(b).expect("b"))
    };
    let want = Meeting {
        from: Utc(1000),
        to: Utc(1000),
        lower: at(3000, Reference::Pressure),
        upper: at(5000, Reference::Pressure),
        vertical_unknown: false,
    };
    assert_eq!(meet(&a, &b), Overlap::Conflict(want));
    b.start = Utc(1001);
    assert_eq!(meet(&a, &b), Overlap::Clear);
}

#[test]
fn the_volumes_of_a_long_route_are_kept_apart() {
    let leg = |n: i32, half_width_mm: i64| Volume4d {
        outline: Outline::Corridor { points: vec![v(47.0, f64::from(n)), v(47.0, f64::from(n + 1))], half_width_mm },
        lower: at(30_000, Reference::Pressure),
        upper: at(31_000, Reference::Pressure),
        start: Utc(i64::from(n) * 600_000),
        end: Utc(i64::from(n + 1) * 600_000),
    };
    let plan = |volumes: Vec<Volume4d>| Plan {
        callsign: None,
        class: AircraftClass::Civil,
        state: PlanState::Accepted,
        priority: 0,
        special: None,
        volumes,
        address: None,
    };
    let route = PreparedVolume::prepare_plan(&plan((0..20).map(|n| leg(n, 9_260_000)).collect())).expect("a plan");
    // Across leg 7, while leg 7 and for one instant leg 8 are flown.
    let mut across = leg(7, 9_260_000);
    across.outline = Outline::Corridor { points: vec![v(46.0, 7.5), v(48.0, 7.5)], half_width_mm: 1_852_000 };
    let crossing = PreparedVolume::prepare_plan(&plan(vec![across])).expect("a plan");
    let found = plan_plan(&route, &crossing);
    assert_eq!(found.iter().map(|m| (m.a, m.b)).collect::<Vec<_>>(), [(7, 0)]);
    assert_eq!(inverse((47.0, 8.0), (47.0, 8.0)), 0.0);
}

/// Planar geometry in the gnomonic plane at a place, where every chunk is straight: the slow oracle for polygons.
mod plane {
    use units::earth::{self, Vec3};

    pub type P = (f64, f64);

    pub struct Plane {
        centre: Vec3,
        east: Vec3,
        north: Vec3,
    }

    impl Plane {
        pub fn at(lat: f64, lon: f64) -> Self {
            let centre = earth::surface(lat, lon);
            let east = earth::velocity(lat, lon, 1.0, 90.0);
            let up = centre.map(|c| c / earth::norm(centre));
            Self { centre, east, north: earth::cross(up, east) }
        }

        pub fn lift(&self, p: P) -> (f64, f64) {
            let q = [0, 1, 2].map(|n| self.centre[n] + self.east[n] * p.0 + self.north[n] * p.1);
            // Down to the surface along the radius.
            let b = earth::A * (1.0 - earth::F);
            let k = (q[0] * q[0] + q[1] * q[1]) / (earth::A * earth::A) + q[2] * q[2] / (b * b);
            earth::geodetic(q.map(|c| c / k.sqrt()))
        }
    }

    pub fn inside(p: P, ring: &[P]) -> bool {
        let mut odd = false;
        for n in 0..ring.len() {
            let (a, b) = (ring[n], ring[(n + 1) % ring.len()]);
            if (a.1 > p.1) != (b.1 > p.1) && p.0 < a.0 + (p.1 - a.1) / (b.1 - a.1) * (b.0 - a.0) {
                odd = !odd;
            }
        }
        odd
    }

    pub fn crosses(a: P, b: P, c: P, d: P) -> bool {
        let side = |p: P, q: P, r: P| (q.0 - p.0) * (r.1 - p.1) - (q.1 - p.1) * (r.0 - p.0) > 0.0;
        side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b)
    }

    pub fn distance(p: P, a: P, b: P) -> f64 {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let t = (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
        (p.0 - a.0 - t * dx).hypot(p.1 - a.1 - t * dy)
    }

    pub fn edges(ring: &[P]) -> impl Iterator<Item = (P, P)> + '_ {
        (0..ring.len()).map(|n| (ring[n], ring[(n + 1) % ring.len()]))
    }
}

#[test]
fn ragged_polygons_meet_where_plane_geometry_says() {
    let (mut met, mut apart, mut corners) = (0, 0, 0);
    for i in 0..600u64 {
        let u = |j| draw(31, 64 * i + j);
        let centre = place(31, i);
        let plane = plane::Plane::at(centre.0, centre.1);
        // Two stars with 3 to 14 corners, up to 10 km wide, their centres up to 12 km apart.
        let star = |k: u64, x: f64, y: f64| -> Vec<plane::P> {
            let n = 3 + (u(k) * 12.0) as u64;
            (0..n)
                .map(|c| {
                    let angle = (c as f64 + 0.8 * u(k + 1 + c)) / n as f64 * std::f64::consts::TAU;
                    let r = 300.0 + 4_700.0 * u(k + 16 + c);
                    (x + r * angle.cos(), y + r * angle.sin())
                })
                .collect()
        };
        let (a, b) = (star(0, 0.0, 0.0), star(32, 12_000.0 * (u(62) - 0.5), 12_000.0 * (u(63) - 0.5)));
        let near = plane::edges(&a).any(|(p, q)| b.iter().any(|c| plane::distance(*c, p, q) < 1.0))
            || plane::edges(&b).any(|(p, q)| a.iter().any(|c| plane::distance(*c, p, q) < 1.0));
        if near {
            continue;
        }
        let meets = plane::edges(&a).any(|(p, q)| plane::edges(&b).any(|(r, s)| plane::crosses(p, q, r, s)))
            || plane::inside(a[0], &b)
            || plane::inside(b[0], &a);
        let outline = |ring: &[plane::P]| polygon(&ring.iter().map(|p| plane.lift(*p)).collect::<Vec<_>>());
        let want = if meets { Want::Conflict } else { Want::Clear };
        check(&outline(&a), &outline(&b), want, &format!("stars {i}"));
        // Single points, as tiny circles, on the first one.
        for j in 0..20 {
            let p = (12_000.0 * (draw(32, 40 * i + j) - 0.5), 12_000.0 * (draw(32, 40 * i + 20 + j) - 0.5));
            if plane::edges(&a).all(|(r, s)| plane::distance(p, r, s) > 0.1) {
                let (lat, lon) = plane.lift(p);
                let want = if plane::inside(p, &a) { Want::Conflict } else { Want::Clear };
                check(&outline(&a), &circle(lat, lon, 0.011), want, &format!("point {j} of star {i}"));
            }
        }
        (met, apart, corners) = (met + usize::from(meets), apart + usize::from(!meets), corners + a.len());
    }
    println!("{met} pairs met, {apart} did not, {corners} corners");
    assert!(met > 150 && apart > 50);
}

#[test]
fn a_polygon_of_a_thousand_corners_is_ordinary() {
    let star = |phase: f64| {
        let corner = |n: u32| {
            let angle = f64::from(n) * 0.36;
            direct((48.0, 10.0), angle + phase, if n.is_multiple_of(2) { 200_000.0 } else { 165_000.0 })
        };
        polygon(&(0..1000).map(corner).collect::<Vec<_>>())
    };
    check(&star(0.0), &star(0.18), Want::Conflict, "two combs");
    let (lat, lon) = direct((48.0, 10.0), 0.36, 180_000.0);
    check(&star(0.0), &circle(lat, lon, 200.0), Want::Clear, "between two teeth");
    let (lat, lon) = direct((48.0, 10.0), 0.72, 199_900.0);
    check(&star(0.0), &circle(lat, lon, 20.0), Want::Conflict, "in a tooth");
}
