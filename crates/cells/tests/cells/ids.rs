//! Ids and circles as another implementation of S2 gives them, s2sphere 0.2.5 in Python, and conversions against the crate `s2`.
use cells::{Cell, LatLng, circle};
use proptest::prelude::*;
use s2::{cellid::CellID, latlng::LatLng as Theirs};

/// Towns, poles, the antimeridian, either side of edges and corners of the cube, and places drawn at random on all six faces.
const KNOWN: [(f64, f64, u64); 40] = [
    (0.0025, 0.0025, 0x1000000400000000),
    (47.1083, 8.2042, 0x478fe3b400000000),
    (46.948, 7.4474, 0x478e39c400000000),
    (37.7749, -122.4194, 0x8085809c00000000),
    (-33.8568, 151.2153, 0x6b12ae6400000000),
    (-54.8, -68.3, 0xbc4c22dc00000000),
    (89.9, 12.0, 0x4555564400000000),
    (-89.9, -77.0, 0xbaaaacec00000000),
    (0.01, 179.999, 0x6555554c00000000),
    (0.01, -179.999, 0x7aaaaab400000000),
    (0.001, 45.001, 0x3d55555400000000),
    (0.001, 44.999, 0x17fffffc00000000),
    (35.2, 44.9, 0x155550e400000000),
    (35.3, 45.1, 0x3ffff89400000000),
    (35.3, 44.9, 0x1555533c00000000),
    (-35.26, -134.9, 0x9ffff91400000000),
    (-35.27, -135.1, 0x755553a400000000),
    (-35.3, 135.01, 0xaaaaaa5400000000),
    (78.2232, 15.6469, 0x459c52d400000000),
    (40.7484, -73.9857, 0x89c259ac00000000),
    (-28.815, 66.6929, 0x2132fe6c00000000),
    (21.6024, 125.761, 0x3488b79400000000),
    (-38.9433, -96.9989, 0x9843a5fc00000000),
    (-44.8845, -98.9413, 0xa282148c00000000),
    (27.9076, -133.1233, 0x802e7ee400000000),
    (3.5908, -102.9933, 0x84db633400000000),
    (-24.248, -24.6311, 0x015a4c7400000000),
    (42.4785, 39.0248, 0x4060200400000000),
    (-76.2002, -80.6987, 0xbb301c9c00000000),
    (-44.9573, 133.6625, 0xaafdfd6400000000),
    (38.2781, 110.1769, 0x360d2dd400000000),
    (40.7478, 88.1101, 0x3819a8e400000000),
    (63.9808, 105.7574, 0x5c9ac44400000000),
    (-29.1163, 125.978, 0x2afdff1400000000),
    (-1.5144, 91.8014, 0x2ffb9f8400000000),
    (7.37, -25.352, 0x08d06b3c00000000),
    (-15.7592, -25.264, 0x06a31f9c00000000),
    (-21.8685, -137.7504, 0x75ed47ec00000000),
    (39.7387, 107.3731, 0x361433e400000000),
    (76.2549, 68.7322, 0x44e7806400000000),
];

/// What `RegionCoverer` with both levels 13 makes of a cap: in a cell, on both poles, at the antimeridian, at an edge and at two
/// corners of the cube.
const CAPS: [(f64, f64, f64, &[u64]); 8] = [
    (46.948, 7.4474, 300.0, &[0x478e39c400000000]),
    (
        46.948,
        7.4474,
        1500.0,
        &[
            0x478e376400000000,
            0x478e377c00000000,
            0x478e399400000000,
            0x478e399c00000000,
            0x478e39a400000000,
            0x478e39ac00000000,
            0x478e39b400000000,
            0x478e39bc00000000,
            0x478e39c400000000,
            0x478e39cc00000000,
            0x478e39d400000000,
            0x478e39dc00000000,
            0x478e39e400000000,
            0x478e39ec00000000,
        ],
    ),
    (90.0, 0.0, 900.0, &[0x4555555400000000, 0x4ffffffc00000000, 0x5000000400000000, 0x5aaaaaac00000000]),
    (
        -90.0,
        0.0,
        1200.0,
        &[
            0xa555554c00000000,
            0xa555555400000000,
            0xa555555c00000000,
            0xafffffe400000000,
            0xaffffff400000000,
            0xaffffffc00000000,
            0xb000000400000000,
            0xb000000c00000000,
            0xb000001c00000000,
            0xbaaaaaa400000000,
            0xbaaaaaac00000000,
            0xbaaaaab400000000,
        ],
    ),
    (0.001, 180.0, 800.0, &[0x6555555400000000, 0x6ffffffc00000000, 0x7000000400000000, 0x7aaaaaac00000000]),
    (
        35.26438968,
        45.0,
        1000.0,
        &[
            0x1555554400000000,
            0x1555554c00000000,
            0x1555555400000000,
            0x1555555c00000000,
            0x3fffffe400000000,
            0x3fffffec00000000,
            0x3ffffff400000000,
            0x3ffffffc00000000,
            0x4000000400000000,
            0x4000000c00000000,
            0x4000001400000000,
            0x4000001c00000000,
        ],
    ),
    (
        10.0,
        45.0,
        700.0,
        &[
            0x162789fc00000000,
            0x16278a0400000000,
            0x16278a0c00000000,
            0x3d8820a400000000,
            0x3d8820ac00000000,
            0x3d88275400000000,
        ],
    ),
    (
        -35.26438968,
        -135.0,
        1000.0,
        &[
            0x7555554400000000,
            0x7555554c00000000,
            0x7555555400000000,
            0x7555555c00000000,
            0x9fffffe400000000,
            0x9fffffec00000000,
            0x9ffffff400000000,
            0x9ffffffc00000000,
            0xa000000400000000,
            0xa000000c00000000,
            0xa000001400000000,
            0xa000001c00000000,
        ],
    ),
];

fn theirs(lat: f64, lng: f64) -> u64 {
    CellID::from(Theirs::from_degrees(lat, lng)).parent(13).0
}

#[test]
fn a_place_is_in_the_cell_that_s2_says() {
    for (lat, lng, id) in KNOWN {
        assert_eq!(Cell::at(lat, lng).id(), id, "{lat} {lng}");
        assert_eq!(theirs(lat, lng), id, "{lat} {lng}");
    }
}

#[test]
fn a_circle_has_the_cells_that_s2_says() {
    for (lat, lng, radius, ids) in CAPS {
        let cells = circle(LatLng { lat, lng }, radius).expect("a circle");
        assert_eq!(cells.iter().map(|cell| cell.id()).collect::<Vec<_>>(), ids, "{lat} {lng} {radius}");
    }
}

#[test]
fn an_id_is_taken_at_level_13_alone() {
    for (lat, lng, id) in KNOWN {
        assert_eq!(Cell::from_id(id), Some(Cell::at(lat, lng)));
        for level in 0..=30 {
            let other = CellID(id).range_min().parent(level).0;
            assert_eq!(Cell::from_id(other).is_some(), level == 13, "level {level} of {id:x}");
        }
        assert_eq!(Cell::from_id(id | 0xc000_0000_0000_0000), None, "there are six faces");
    }
    assert_eq!(Cell::from_id(0), None);
    assert_eq!(Cell::from_id(u64::MAX), None);
}

#[test]
fn what_is_no_place_is_in_some_cell() {
    for bad in [f64::NAN, f64::INFINITY, -1e300] {
        assert!(CellID(Cell::at(bad, bad).id()).is_valid());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn every_place_is_in_the_cell_that_s2_says(lat in -90.0..=90.0, lng in -180.0..=180.0) {
        let cell = Cell::at(lat, lng);
        prop_assert_eq!(cell.id(), theirs(lat, lng));
        prop_assert_eq!(Cell::from_id(cell.id()), Some(cell));
    }
}
