//! What is no shape is refused with its reason.
use crate::oracle::{beyond, degrees, edges_cross};
use cells::ShapeError::{
    Antipodal, AreaTooLarge, EdgesCross, FewVertices, ManyVertices, NotOnEarth, Radius, SameVertices, TooLong,
};
use cells::{AREA_MAX_KM2, LatLng, PERIMETER_MAX_KM, ShapeError, VERTICES_MAX, circle, polygon, polygon_area_km2};
use proptest::prelude::*;

fn places(list: &[(f64, f64)]) -> Vec<LatLng> {
    list.iter().map(|&(lat, lng)| LatLng { lat, lng }).collect()
}

fn refused(list: &[(f64, f64)]) -> ShapeError {
    polygon(&places(list)).expect_err("refused")
}

#[test]
fn places_off_the_earth() {
    for bad in [(90.001, 0.0), (-91.0, 0.0), (0.0, 180.5), (0.0, -181.0), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
        assert_eq!(refused(&[(0.0, 0.0), (0.0, 0.1), bad]), NotOnEarth { index: 2 });
        assert_eq!(polygon_area_km2(&places(&[bad, (0.0, 0.1), (0.0, 0.2)])), Err(NotOnEarth { index: 0 }));
        assert_eq!(circle(LatLng { lat: bad.0, lng: bad.1 }, 1.0), Err(NotOnEarth { index: 0 }));
    }
}

#[test]
fn too_few_and_too_many_vertices() {
    assert_eq!(refused(&[]), FewVertices { count: 0 });
    assert_eq!(refused(&[(0.0, 0.0), (0.0, 1.0)]), FewVertices { count: 2 });
    let many = vec![(0.0, 0.0); VERTICES_MAX + 1];
    assert_eq!(refused(&many), ManyVertices { count: 10_001, max: 10_000 });
    // As many as allowed are looked at.
    assert_eq!(refused(&many[1..]), SameVertices { a: 0, b: 1 });
}

#[test]
fn a_place_twice() {
    let (a, b, c) = ((0.0, 0.0), (0.0, 0.01), (0.01, 0.0));
    assert_eq!(refused(&[a, b, c, a]), SameVertices { a: 0, b: 3 });
    assert_eq!(refused(&[a, b, c, b]), SameVertices { a: 1, b: 3 });
    assert_eq!(refused(&[a, b, b]), SameVertices { a: 1, b: 2 });
    assert_eq!(refused(&[(0.01, 180.0), (0.0, 179.9), (0.01, -180.0)]), SameVertices { a: 0, b: 2 });
    assert_eq!(refused(&[(90.0, 1.0), (89.9, 0.0), (89.9, 10.0), (90.0, 2.0)]), SameVertices { a: 0, b: 3 });
    assert_eq!(refused(&[(0.0, 0.0), (0.0, 0.01), (0.01, 0.0), (-0.0, -0.0)]), SameVertices { a: 0, b: 3 });
    // Zeros of either sign with another place of that longitude.
    let zeros = [(0.0, 0.0), (0.0, 0.01), (-0.01, 0.0), (-0.005, -0.0), (-0.01, -0.0)];
    assert_eq!(refused(&zeros), SameVertices { a: 2, b: 4 });
}

#[test]
fn edges_that_cross() {
    // An hourglass, even: its two halves weigh each other up.
    assert_eq!(refused(&[(0.0, 0.0), (0.01, 0.01), (0.01, 0.0), (0.0, 0.01)]), EdgesCross { a: 0, b: 2 });
    assert_eq!(refused(&[(0.0, 0.0), (0.01, 0.0), (0.0, 0.01), (0.01, 0.02)]), EdgesCross { a: 1, b: 3 });
    // Across the antimeridian, and at a pole.
    assert_eq!(refused(&[(0.0, 179.99), (0.01, -179.99), (0.01, 179.99), (0.0, -179.99)]), EdgesCross { a: 0, b: 2 });
    assert_eq!(refused(&[(89.9, 0.0), (89.9, 180.0), (89.9, 90.0), (89.9, -90.0)]), EdgesCross { a: 0, b: 2 });
}

/// Each as it is and upside down, so that the edge that is touched is the lower and the upper.
#[test]
fn edges_that_touch() {
    let check = |list: &[(f64, f64)], pairs: &[(usize, usize)]| {
        let mirrored: Vec<_> = list.iter().map(|&(lat, lng)| (-lat, lng)).collect();
        for error in [refused(list), refused(&mirrored)] {
            assert!(matches!(error, EdgesCross { a, b } if pairs.contains(&(a, b))), "{error}: {list:?}");
        }
    };
    // A vertex on an edge, so both of its edges are; the vertex last and first.
    check(&[(0.0, 0.0), (0.0, 0.02), (0.01, 0.02), (0.0, 0.01), (0.01, 0.0)], &[(0, 2), (0, 3)]);
    check(&[(0.0, 0.01), (0.01, 0.0), (0.0, 0.0), (0.0, 0.02), (0.01, 0.02)], &[(0, 2), (2, 4)]);
    // A thorn: back on the edge by which it came, from either side, short and long.
    check(&[(0.0, 0.0), (0.0, 0.02), (0.0, 0.01), (0.01, 0.003)], &[(0, 1), (0, 2)]);
    check(&[(0.0, 0.0), (0.0, 0.02), (0.0, -0.01), (0.01, 0.003)], &[(0, 1), (1, 3)]);
    check(&[(0.0, 0.0), (0.0, -0.02), (0.0, -0.01), (0.01, 0.003)], &[(0, 1), (0, 2)]);
    // Two edges that lie on each other, along a meridian.
    let shared = [(0.0, 0.0), (0.03, 0.0), (0.03, 0.01), (0.02, 0.0), (0.01, 0.0), (0.0, 0.01)];
    check(&shared, &[(0, 2), (0, 3), (0, 4)]);
}

/// Edges on one line that keep apart do not touch.
#[test]
fn edges_in_line() {
    let notched =
        [(0.0, 0.0), (0.0, 0.01), (0.01, 0.01), (0.01, 0.02), (0.0, 0.02), (0.0, 0.03), (0.02, 0.03), (0.02, 0.0)];
    let straight = [(0.0, 0.0), (0.0, 0.01), (0.0, 0.02), (0.0, 0.03), (0.02, 0.03), (0.01, 0.03), (0.005, 0.02)];
    for vertices in [&notched[..], &straight[..4], &notched.map(|(y, x)| (x, y))] {
        assert!(polygon(&places(vertices)).is_ok(), "{vertices:?}");
    }
    assert!(matches!(refused(&straight), EdgesCross { .. }));
}

#[test]
fn radii_that_are_none() {
    for bad in [0.0, -1.0, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(circle(LatLng { lat: 0.0, lng: 0.0 }, bad), Err(Radius { metres: bad }));
    }
    assert!(matches!(circle(LatLng { lat: 0.0, lng: 0.0 }, f64::NAN), Err(Radius { metres }) if metres.is_nan()));
    assert_eq!(circle(LatLng { lat: 0.0, lng: 0.001 }, f64::MIN_POSITIVE).map(|cells| cells.len()), Ok(2));
}

#[test]
fn too_large() {
    let at = LatLng { lat: 47.0, lng: 8.0 };
    assert!(circle(at, 28_209.0).is_ok());
    for radius in [28_210.0, 1e7, 2e7, f64::MAX] {
        assert!(matches!(circle(at, radius), Err(AreaTooLarge { km2, max: AREA_MAX_KM2 }) if km2 > 2_500.0));
    }
    let square = |half: f64| places(&[(-half, -half), (-half, half), (half, half), (half, -half)]);
    // (2 * 0.2248 degrees * 111.195 km)² = 2,499.3 km²; 0.2249: 2,501.6.
    assert!(polygon(&square(0.224_8)).is_ok());
    for half in [0.224_9, 10.0, 44.0, 60.0, 80.0] {
        assert!(matches!(polygon(&square(half)), Err(AreaTooLarge { km2, .. }) if km2 > 2_500.0), "{half}");
    }
}

#[test]
fn too_long() {
    let sliver = |lng: f64| places(&[(0.0, 0.0), (0.0, lng), (0.000_1, lng)]);
    // Twice 22.4 degrees are 4,982 km; twice 22.6 are 5,026.
    assert!(polygon(&sliver(22.4)).is_ok());
    for lng in [22.6, 90.0, 150.0] {
        assert!(matches!(polygon(&sliver(lng)), Err(TooLong { km, max: PERIMETER_MAX_KM }) if km > 5_000.0), "{lng}");
    }
}

#[test]
fn opposite_vertices() {
    assert_eq!(refused(&[(10.0, 20.0), (-10.0, -160.0), (0.0, 0.0)]), Antipodal { a: 0, b: 1 });
    assert_eq!(refused(&[(-90.0, 0.0), (0.0, 0.0), (90.0, 7.0)]), Antipodal { a: 2, b: 0 });
}

#[test]
fn texts_name_what_is_wrong() {
    let texts = [
        (NotOnEarth { index: 2 }, "vertex 2"),
        (FewVertices { count: 2 }, "not 2"),
        (ManyVertices { count: 10_001, max: 10_000 }, "at most 10000 vertices, not 10001"),
        (SameVertices { a: 0, b: 3 }, "0 and 3"),
        (Antipodal { a: 0, b: 1 }, "opposite"),
        (EdgesCross { a: 0, b: 2 }, "edges 0 and 2 cross or touch"),
        (Radius { metres: -1.0 }, "not -1"),
        (AreaTooLarge { km2: 2_500.5, max: 2_500.0 }, "2500.500 km² is larger than 2500 km²"),
        (TooLong { km: 5_001.0, max: 5_000.0 }, "5001.0 km is longer than 5000 km"),
    ];
    for (error, part) in texts {
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// Each pair of edges, slowly.
fn any_crossing(ring: &[crate::oracle::Point]) -> bool {
    let edges: Vec<_> = crate::oracle::edges(ring).collect();
    let apart = |a: usize, b: usize| a + 1 < b && (a, b) != (0, edges.len() - 1);
    let pairs = (0..edges.len()).flat_map(|a| (0..edges.len()).map(move |b| (a, b))).filter(|&(a, b)| apart(a, b));
    pairs.into_iter().any(|(a, b)| edges_cross(edges[a].0, edges[a].1, edges[b].0, edges[b].1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// A star, which is simple, with some of its vertices moved: about half of them cross.
    #[test]
    fn crossings_are_those_of_all_pairs(
        centre in crate::oracle::centres(),
        parts in prop::collection::vec(0.1..1.0, 4..40),
        moves in prop::collection::vec((any::<prop::sample::Index>(), 0.0..0.6, 0.0..0.5), 0..4),
    ) {
        let mut at: Vec<(f64, f64)> =
            parts.iter().enumerate().map(|(n, part)| (n as f64 / parts.len() as f64, *part)).collect();
        for (which, bearing, part) in moves {
            let moved = &mut at[which.index(parts.len())];
            *moved = (moved.0 + bearing * 0.2, moved.1 + part);
        }
        let vertices: Vec<LatLng> =
            at.iter().map(|(turn, part)| degrees(beyond(centre, turn * std::f64::consts::TAU, part * 0.001))).collect();
        let ring: Vec<_> = vertices.iter().map(|&at| crate::oracle::point(at)).collect();
        match polygon(&vertices) {
            Ok(_) => prop_assert!(!any_crossing(&ring)),
            Err(EdgesCross { a, b }) => {
                let edges: Vec<_> = crate::oracle::edges(&ring).collect();
                prop_assert!(edges_cross(edges[a].0, edges[a].1, edges[b].0, edges[b].1), "{} and {} do not cross", a, b);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
