//! Coverings against the oracle, and against places drawn from the shape.
use crate::oracle::{Circle, EARTH_M, Point, Polygon, beyond, centres, check, degrees};
use cells::{AREA_MAX_KM2, CELLS_MAX, Cell, LatLng, circle, circle_area_km2, polygon, polygon_area_km2};
use proptest::prelude::*;
use s2::cell::Cell as Drawn;
use s2::cellid::CellID;
use std::f64::consts::TAU;

/// Metres, as many small as large.
fn sizes(max: f64) -> impl Strategy<Value = f64> {
    (1.0f64.ln()..max.ln()).prop_map(f64::exp)
}

fn ring(vertices: &[LatLng]) -> Vec<Point> {
    vertices.iter().map(|&at| crate::oracle::point(at)).collect()
}

/// A ring of one vertex at each of even bearings, at parts of the size.
fn star(centre: Point, size: f64, parts: &[f64]) -> Vec<LatLng> {
    let step = TAU / parts.len() as f64;
    let at = |(n, part): (usize, &f64)| degrees(beyond(centre, n as f64 * step, part * size / EARTH_M));
    parts.iter().enumerate().map(at).collect()
}

/// A ring that goes around a centre and back farther in: a band with a hole in it, open at one side.
fn band(centre: Point, size: f64, thin: f64, steps: u32, turn: f64) -> Vec<LatLng> {
    let at = |n: u32, size: f64| {
        let bearing = turn + 0.9 * TAU * f64::from(n) / f64::from(steps);
        degrees(beyond(centre, bearing, size / EARTH_M))
    };
    (0..=steps).map(|n| at(n, size)).chain((0..=steps).rev().map(|n| at(n, thin * size))).collect()
}

/// Long teeth, some of them thinner than a cell.
fn comb(centre: Point, size: f64, teeth: u32, turn: f64) -> Vec<LatLng> {
    let wide = size / f64::from(teeth);
    let at = |x: f64, y: f64| degrees(beyond(centre, turn + y.atan2(x), x.hypot(y) / EARTH_M));
    let tooth = |n: u32| {
        let x = f64::from(n) * wide - size / 2.0;
        [at(x, 0.1 * wide), at(x + 0.3 * wide, size), at(x + 0.6 * wide, size), at(x + 0.7 * wide, 0.1 * wide)]
    };
    (0..teeth).flat_map(tooth).chain([at(size, -size / 9.0), at(-size, -size / 9.0)]).collect()
}

fn stars(max_m: f64) -> impl Strategy<Value = (Point, Vec<LatLng>)> {
    (centres(), sizes(max_m), prop::collection::vec(0.2..1.0, 3..14))
        .prop_map(|(centre, size, parts)| (centre, star(centre, size, &parts)))
}

fn polygons() -> impl Strategy<Value = Vec<LatLng>> {
    let bands =
        (centres(), sizes(7_000.0), 0.3..0.95, 8..20u32, 0.0..TAU).prop_map(|(c, s, t, n, a)| band(c, s, t, n, a));
    let combs = (centres(), sizes(7_000.0), 2..7u32, 0.0..TAU).prop_map(|(c, s, n, a)| comb(c, s, n, a));
    prop_oneof![stars(9_000.0).prop_map(|(_, star)| star), bands, combs]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_circle_is_covered_by_the_cells_that_it_meets(centre in centres(), radius_m in sizes(12_000.0)) {
        let at = degrees(centre);
        let cells = circle(at, radius_m).expect("a circle");
        check(&Circle { centre: crate::oracle::point(at), radius: radius_m / EARTH_M }, &cells)?;
    }

    #[test]
    fn a_polygon_is_covered_by_the_cells_that_it_meets(vertices in polygons()) {
        let cells = polygon(&vertices).map_err(|e| TestCaseError::fail(format!("{e}: {vertices:?}")))?;
        check(&Polygon(ring(&vertices)), &cells)?;
    }

    #[test]
    fn neither_winding_nor_the_first_vertex_matters(vertices in polygons(), by in 0usize..100) {
        let cells = polygon(&vertices);
        let mut other = vertices;
        let by = by % other.len();
        other.rotate_left(by);
        prop_assert_eq!(polygon(&other), cells.clone());
        other.reverse();
        prop_assert_eq!(polygon(&other), cells);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_place_within_a_circle_is_left_out(
        centre in centres(), radius_m in sizes(28_000.0),
        places in prop::collection::vec((0.0..TAU, prop_oneof![0.0..1.0, Just(1.0 - 1e-10)]), 200),
    ) {
        let cells = circle(degrees(centre), radius_m).expect("a circle");
        for (bearing, part) in places {
            let at = degrees(beyond(centre, bearing, part * radius_m / EARTH_M));
            prop_assert!(cells.binary_search(&Cell::at(at.lat, at.lng)).is_ok(), "{at:?}");
        }
    }

    #[test]
    fn no_place_within_a_polygon_is_left_out(
        (centre, vertices) in stars(25_000.0),
        places in prop::collection::vec((any::<prop::sample::Index>(), 0.0..1.0, prop_oneof![0.0..1.0, Just(1.0 - 1e-10)]), 200),
    ) {
        let (cells, ring) = (polygon(&vertices).expect("a polygon"), ring(&vertices));
        for (side, part, out) in places {
            let n = side.index(ring.len());
            let (a, b): (Point, Point) = (ring[n], ring[(n + 1) % ring.len()]);
            // From the centre of a star out to a place on the edge.
            let mixed = [0, 1, 2].map(|i| (1.0 - out) * centre[i] + out * ((1.0 - part) * a[i] + part * b[i]));
            let at = degrees(mixed);
            prop_assert!(cells.binary_search(&Cell::at(at.lat, at.lng)).is_ok(), "{at:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// All edges lie on lines of the grid.
    #[test]
    fn a_cell_of_some_level_is_covered_by_the_cells_that_it_meets(centre in centres(), level in 9u64..16) {
        let at = degrees(centre);
        let cell = CellID::from(s2::latlng::LatLng::from_degrees(at.lat, at.lng)).parent(level);
        let vertices = Drawn::from(cell).vertices().map(|p| degrees([p.0.x, p.0.y, p.0.z]));
        let cells = polygon(&vertices).expect("a polygon");
        check(&Polygon(ring(&vertices)), &cells)?;
        let within: Vec<u64> = if level > 13 { vec![cell.parent(13).0] } else { cell.child_iter_at_level(13).map(|c| c.0).collect() };
        prop_assert!(within.into_iter().all(|id| cells.binary_search(&Cell::from_id(id).expect("a cell")).is_ok()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Vertices of a coarse raster: repeated, in line, on edges; taken or refused alike from wherever one begins. Coarse enough that
    /// what is in line by its degrees alone is off the great circle by more than what touches.
    #[test]
    fn what_touches_is_refused_from_any_vertex(
        middle in prop::sample::select(vec![(0.0, 0.0), (0.0, 45.0), (46.0, 7.0), (0.0, 179.0)]),
        raster in prop::collection::vec((-3i32..=3, -3i32..=3), 3..9), by in 0usize..9,
    ) {
        let vertices = raster.iter().map(|&(y, x)| (middle.0 + f64::from(y) * 0.02, middle.1 + f64::from(x) * 0.02));
        let mut vertices = places(&vertices.collect::<Vec<_>>());
        let cells = polygon(&vertices);
        if let Ok(cells) = &cells {
            check(&Polygon(ring(&vertices)), cells)?;
        }
        let by = by % vertices.len();
        vertices.rotate_left(by);
        prop_assert_eq!(polygon(&vertices).ok(), cells.clone().ok());
        vertices.reverse();
        prop_assert_eq!(polygon(&vertices).ok(), cells.ok());
    }
}

fn places(list: &[(f64, f64)]) -> Vec<LatLng> {
    list.iter().map(|&(lat, lng)| LatLng { lat, lng }).collect()
}

#[test]
fn boxes_around_particular_places_are_covered() {
    let corner = (1.0f64 / 3.0).sqrt().asin().to_degrees();
    for (lat, lng) in
        [(0.0, 45.0), (corner, 45.0), (-corner, -135.0), (45.0, 0.0), (0.0, 180.0), (89.96, 10.0), (0.0, 0.0)]
    {
        let wrap = |lng: f64| if lng > 180.0 { lng - 360.0 } else { lng };
        let corners = [(-0.04, -0.05), (-0.04, 0.05), (0.03, 0.05), (0.03, -0.05)];
        let vertices = places(&corners.map(|(y, x)| (lat + y, wrap(lng + x))));
        let cells = polygon(&vertices).expect("a polygon");
        check(&Polygon(ring(&vertices)), &cells).expect("covered");
    }
}

/// Around a pole: all longitudes are inside.
#[test]
fn a_polygon_around_a_pole_has_the_pole() {
    for pole in [90.0, -90.0] {
        let vertices = places(&[0.0, 72.0, 144.0, -144.0, -72.0].map(|lng| (0.999 * pole, lng)));
        let cells = polygon(&vertices).expect("a polygon");
        for lng in [0.0, 45.0, 180.0, -100.0] {
            assert!(cells.binary_search(&Cell::at(pole, lng)).is_ok());
        }
        check(&Polygon(ring(&vertices)), &cells).expect("covered");
    }
}

/// A pole or the antimeridian may be a vertex by any of its names.
#[test]
fn names_of_one_place_cover_alike() {
    let by = |lat, lng| polygon(&places(&[(lat, lng), (89.9, 0.0), (89.9, 30.0)])).expect("a polygon");
    assert_eq!(by(90.0, 0.0), by(90.0, 123.0));
    let by = |lng| polygon(&places(&[(0.0, lng), (0.01, 179.99), (0.01, -179.99)])).expect("a polygon");
    assert_eq!(by(180.0), by(-180.0));
}

#[test]
fn vertices_on_a_line_are_covered_as_the_line() {
    let equator = [0.0, 0.005, 0.01, 0.015].map(|lng| (0.0, lng));
    let there_and_back = [0.0, 0.01, 0.005, 0.015].map(|lng| (0.0, lng));
    let meridian = [10.0, 10.1, 10.2].map(|lat| (lat, 20.002));
    // On a line of the grid, and through places with nothing between their columns.
    let first = [10.0, 10.1, 10.2].map(|lat| (lat, 0.0));
    for line in [&equator[..], &there_and_back, &meridian, &first] {
        let vertices = places(line);
        let cells = polygon(&vertices).expect("a line");
        check(&Polygon(ring(&vertices)), &cells).expect("covered");
    }
    let from = crate::oracle::point(LatLng { lat: 47.0, lng: 8.0 });
    let slanted: Vec<LatLng> = [0.0, 0.001, 0.003, 0.002].map(|far| degrees(beyond(from, 0.7, far))).to_vec();
    let cells = polygon(&slanted).expect("a line");
    check(&Polygon(ring(&slanted)), &cells).expect("covered");
    assert!(cells.len() > 15);
}

/// 2,400 km over three faces, less than a cell wide.
#[test]
fn long_and_thin_is_covered() {
    for (lat, lng, bearing) in
        [(35.0, 35.0, 0.6), (47.0, 8.0, 0.1), (80.0, 0.0, 2.0), (0.0, 170.0, 0.0), (0.0, -1.0, 1.57)]
    {
        let from = crate::oracle::point(LatLng { lat, lng });
        let left = crate::oracle::unit(crate::oracle::cross(from, beyond(from, bearing, 1.0)));
        let along = |far, off: f64| degrees(crate::oracle::sum(&[(1.0, beyond(from, bearing, far)), (off, left)]));
        let vertices = [along(0.0, 0.0), along(0.37, 0.0), along(0.37, 0.000_1), along(0.2, 0.000_1)];
        let cells = polygon(&vertices).expect("a polygon");
        assert!(cells.len() > 2_000 && cells.len() < CELLS_MAX, "{}", cells.len());
        check(&Polygon(ring(&vertices)), &cells).expect("covered");
    }
}

#[test]
fn areas_are_those_of_the_sphere() {
    let octant = polygon_area_km2(&places(&[(0.0, 0.0), (0.0, 90.0), (90.0, 0.0)])).expect("an area");
    assert!((octant - 510_072_000.0 / 8.0).abs() < 1e-3, "{octant}");
    // The larger side of a hemisphere but for a degree is measured as the smaller.
    let around = places(&[0.0, 90.0, 180.0, -90.0].map(|lng| (-1.0, lng)));
    let less_than_half = polygon_area_km2(&around).expect("an area");
    assert!(less_than_half < 510_072_000.0 / 2.0 && less_than_half > 510_072_000.0 * 0.48, "{less_than_half}");
    // Girard's theorem in Python, from the angles: the triangles from the first vertex are more than half of the sphere.
    let wide = places(&[(-5.0, 126.0), (1.0, 51.0), (20.0, -19.0), (22.0, -147.0), (-64.0, -17.0)]);
    assert!((polygon_area_km2(&wide).expect("an area") - 214_452_184.657).abs() < 0.01);
    // Three times around: no polygon, but its area is at most half of the earth, too.
    let thrice = places(&[0, 1, 2, 3, 4, 5, 6, 7, 8].map(|n| (f64::from(n), f64::from(n % 3 - 1) * 120.0)));
    assert!((0.0..=510_072_000.0 / 2.0).contains(&polygon_area_km2(&thrice).expect("an area")));
    // A square of 1 m: (pi / 180 * 6,371,010 m * 1e-5)² = 1.2364 m², on the area of the earth that is a little less than 4 pi r².
    let metre = polygon_area_km2(&places(&[(0.0, 0.0), (0.0, 1e-5), (1e-5, 1e-5), (1e-5, 0.0)])).expect("an area");
    assert!((metre * 1e6 - 1.2364).abs() < 1e-3, "{metre}");
    assert!((circle_area_km2(1_000.0).expect("an area") - std::f64::consts::PI).abs() < 1e-3);
    assert!((circle_area_km2(28_209.338_33).expect("an area") - AREA_MAX_KM2).abs() < 1e-5);
    assert_eq!(circle_area_km2(1e12), Ok(510_072_000.0));
    let round = star(crate::oracle::point(LatLng { lat: 47.0, lng: 8.0 }), 20_000.0, &[1.0; 2_000]);
    let (many, circle) = (polygon_area_km2(&round).expect("an area"), circle_area_km2(20_000.0).expect("an area"));
    assert!((many / circle - 1.0).abs() < 1e-5 && many < circle, "{many} {circle}");
}

#[test]
fn shapes_of_the_largest_area_are_covered() {
    // 2,500 km² = earth / 2 (1 - cos r): r = 28,209.3 m.
    let centre = crate::oracle::point(LatLng { lat: 47.0, lng: 8.0 });
    let cells = circle(degrees(centre), 28_209.0).expect("a circle");
    assert!(cells.len() > 1_800 && cells.len() < 4_000, "{}", cells.len());
    let vertices = star(centre, 28_209.0, &[1.0; 100]);
    let inner = polygon(&vertices).expect("a polygon");
    assert!(polygon_area_km2(&vertices).expect("an area") < AREA_MAX_KM2);
    check(&Polygon(ring(&vertices)), &inner).expect("covered");
    check(&Circle { centre, radius: 28_209.0 / EARTH_M }, &cells).expect("covered");
}

#[test]
fn ten_thousand_vertices_are_covered() {
    let parts: Vec<f64> = (0..10_000).map(|n| if n % 2 == 0 { 1.0 } else { 0.99 }).collect();
    let centre = crate::oracle::point(LatLng { lat: 47.0, lng: 8.0 });
    let cells = polygon(&star(centre, 9_000.0, &parts)).expect("a polygon");
    let (inner, outer) =
        (circle(degrees(centre), 8_900.0).expect("a circle"), circle(degrees(centre), 9_000.0).expect("a circle"));
    assert!(inner.iter().all(|cell| cells.binary_search(cell).is_ok()));
    assert!(cells.iter().all(|cell| outer.binary_search(cell).is_ok()));
}
