//! Larger cells hold every cell of level 13 that a circle meets, and little more.
use cells::{Cell, LatLng, circle, coarse};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn keys(cells: &[Cell], levels_up: u32) -> BTreeSet<u32> {
    cells.iter().map(|cell| ((cell.id() >> 35) >> (2 * levels_up)) as u32).collect()
}

fn places() -> impl Strategy<Value = LatLng> {
    let edge = prop_oneof![Just(0.0), Just(45.0), Just(-45.0), Just(35.264_389_682_754_654)];
    let lat = prop_oneof![-90.0..=90.0f64, Just(90.0), Just(-90.0), Just(89.999), edge];
    let lng = prop_oneof![-180.0..=180.0f64, Just(180.0), Just(-180.0), Just(45.0), Just(135.0), Just(0.0)];
    (lat, lng).prop_map(|(lat, lng)| LatLng { lat, lng })
}

proptest! {
    #[test]
    fn none_is_left_out_that_the_fine_covering_has(centre in places(), radius in 1.0..28_000.0f64, levels_up in 0u32..14) {
        let fine = keys(&circle(centre, radius).unwrap(), levels_up);
        let found: BTreeSet<u32> = coarse(centre, radius, levels_up).into_iter().collect();
        prop_assert!(fine.is_subset(&found), "{:?} lacks {:?}", found, fine.difference(&found));
        // Beyond the circle at most the neighbours within a diagonal.
        let wide = if radius + 4_000.0 < 28_200.0 && levels_up == 0 { Some(keys(&circle(centre, radius + 4_000.0).unwrap(), 0)) } else { None };
        if let Some(wide) = wide {
            prop_assert!(found.is_subset(&wide));
        }
    }

    #[test]
    fn a_place_within_a_large_circle_is_in_one_of_its_cells(centre in places(), km in 100.0..1_900.0f64, east in -1.0..1.0f64, levels_up in 5u32..9) {
        let found: BTreeSet<u32> = coarse(centre, km * 1000.0, levels_up).into_iter().collect();
        // Due north or south of it by a part of the radius: a degree is 111.2 km.
        let lat = centre.lat + east * km / 111.3;
        prop_assume!(lat.abs() <= 90.0);
        let key = ((Cell::at(lat, centre.lng).id() >> 35) >> (2 * levels_up)) as u32;
        prop_assert!(found.contains(&key));
    }
}

#[test]
fn as_many_as_the_area_has_and_the_whole_earth_is_one() {
    let zurich = LatLng { lat: 47.4, lng: 8.5 };
    let thousand_nm = 1_852_000.0;
    let five_up = coarse(zurich, thousand_nm, 5).len();
    let eight_up = coarse(zurich, thousand_nm, 8).len();
    // 10.7 million km² of cells of 1,297 km² on average, and of 83,000; with what the edge adds.
    assert!((8_300..10_500).contains(&five_up), "{five_up}");
    assert!((130..260).contains(&eight_up), "{eight_up}");
    assert_eq!(coarse(zurich, 1.0, 14), [0]);
    assert_eq!(coarse(zurich, f64::NAN, 13).len(), 6, "what is no length reaches everywhere");
    assert_eq!(coarse(zurich, 3e7, 13), [0, 1, 2, 3, 4, 5]);
}
