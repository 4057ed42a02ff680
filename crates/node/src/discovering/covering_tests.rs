use super::*;
use alloc::vec;

fn vertex(lat: f64, lng: f64) -> Vertex {
    Vertex { lat_e9: (lat * 1e9) as i64, lon_e9: (lng * 1e9) as i64 }
}

fn covered(outline: &Outline, around_mm: i64) -> (u8, BTreeSet<CellKey>) {
    let (up, cells) = covering(&pieces(outline, around_mm).unwrap());
    assert!(cells.windows(2).all(|w| w[0] < w[1]), "in order");
    (up, cells.into_iter().collect())
}

fn holds((up, cells): &(u8, BTreeSet<CellKey>), at: LatLng) -> bool {
    let key = (cells::Cell::at(at.lat, at.lng).id() >> 35) as CellKey;
    *up > 13 || cells.contains(&(key >> (2 * u32::from(*up))))
}

/// Places on the edge of what is within a distance of a place.
fn ring(centre: LatLng, m: f64) -> Vec<LatLng> {
    (0..36).map(|n| step(centre, f64::from(n) * 10.0, m)).collect()
}

#[test]
fn no_place_of_a_circle_is_left_out_whatever_its_size_and_place() {
    for (lat, lng) in [(47.0, 8.0), (0.0, 0.0), (-33.0, 179.99), (89.9, 10.0), (-90.0, 0.0), (35.26, 45.0)] {
        for km in [0.3, 5.0, 28.0, 29.0, 120.0, 400.0, 1_852.0] {
            let circle = Outline::Circle { centre: vertex(lat, lng), radius_mm: (km * 1e6) as i64 };
            let all = covered(&circle, 0);
            let expected = if km < 28.1 {
                0
            } else if km < 700.0 {
                5
            } else {
                8
            };
            assert_eq!(all.0, expected, "{km} km");
            assert!(all.1.len() <= FINE_MAX);
            for part in [0.0, 0.3, 0.7, 0.9999] {
                for place in ring(LatLng { lat, lng }, km * 1000.0 * part) {
                    assert!(holds(&all, place), "{lat} {lng} {km} km: {place:?}");
                }
            }
        }
    }
}

#[test]
fn no_place_beside_a_line_is_left_out() {
    for (points, half_km) in [
        (vec![(47.0, 8.0), (47.1, 8.3), (47.0, 8.5)], 1.0),
        (vec![(60.0, -10.0), (62.0, 10.0)], 9.3),
        (vec![(-5.0, 178.0), (5.0, -178.0)], 50.0),
        (vec![(30.0, 0.0), (50.0, 90.0)], 20.0),
        (vec![(80.0, 0.0), (80.0, 170.0)], 20.0),
    ] {
        let line: Vec<LatLng> = points.iter().map(|(lat, lng)| LatLng { lat: *lat, lng: *lng }).collect();
        let outline = Outline::Corridor {
            points: points.iter().map(|(lat, lng)| vertex(*lat, *lng)).collect(),
            half_width_mm: (half_km * 1e6) as i64,
        };
        let all = covered(&outline, 0);
        for (a, b) in line.iter().zip(&line[1..]) {
            let (length, azimuth) = earth::inverse(a.lat, a.lng, b.lat, b.lng).unwrap();
            for n in 0..=200 {
                let on = step(*a, azimuth, length * f64::from(n) / 200.0);
                for place in ring(on, half_km * 999.0) {
                    assert!(holds(&all, place), "{points:?}: {place:?}");
                }
            }
        }
    }
}

#[test]
fn a_polygon_has_its_distance_around_it_and_a_large_one_the_circle_around_it() {
    let square = |d: f64| {
        Outline::Polygon(vec![
            vertex(47.0, 8.0),
            vertex(47.0, 8.0 + d),
            vertex(47.0 + d, 8.0 + d),
            vertex(47.0 + d, 8.0),
        ])
    };
    let small = covered(&square(0.05), 0);
    let wide = covered(&square(0.05), 3_000_000);
    assert!(small.0 == 0 && wide.0 == 0 && small.1.is_subset(&wide.1) && small.1.len() < wide.1.len());
    let corner = LatLng { lat: 47.0, lng: 8.0 };
    assert!(ring(corner, 2_999.0).into_iter().all(|place| holds(&wide, place)));
    assert!(!ring(corner, 2_999.0).into_iter().all(|place| holds(&small, place)));
    let large = covered(&square(5.0), 0);
    assert_eq!(large.0, 5);
    for (lat, lng) in [(47.0, 8.0), (52.0, 13.0), (49.5, 10.5), (47.0, 10.5), (52.0, 8.0)] {
        assert!(holds(&large, LatLng { lat, lng }));
    }
    // Nobody looks for what is larger than a continent in cells.
    let half = Outline::Polygon(vec![vertex(0.0, 0.0), vertex(0.0, 120.0), vertex(0.0, -120.0)]);
    assert_eq!(covered(&half, 0), (14, BTreeSet::from([0])));
    // A line that has no one way.
    let around = Outline::Corridor { points: vec![vertex(0.0, 0.0), vertex(0.0, 180.0)], half_width_mm: 1_000_000 };
    assert_eq!(pieces(&around, 0), None);
}
