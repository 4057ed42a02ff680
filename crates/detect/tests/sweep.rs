//! Sweep and index against all pairs.
mod common;

use detect::scenario::Family;
use detect::{Index, Item, Kinematics, Minima, MinimaTable, State, Sweep, brute_force, sweep, sweep_between};
use proptest::prelude::*;
use units::{AircraftClass, Height, Utc, earth};

fn drones() -> Minima {
    Minima { lateral_mm: 100_000, vertical: Height::from_metres(30.0).unwrap(), horizon_ms: 60_000 }
}

fn by_class() -> MinimaTable {
    MinimaTable::from_fn(|a, b| match (a, b) {
        (AircraftClass::Uas, AircraftClass::Uas) => drones(),
        (AircraftClass::Humanitarian, _) => Minima { lateral_mm: 18_520_000, ..Minima::DEFAULT },
        _ => Minima::DEFAULT,
    })
}

fn check(items: &[Item], minima: &MinimaTable) -> Sweep {
    let (fast, slow) = (sweep(items, minima), brute_force(items, minima));
    assert_eq!(fast, slow);
    fast
}

#[test]
fn every_family_is_the_same_as_all_pairs() {
    for (family, n, want) in [
        (Family::Box, 5000, 493),
        (Family::BoxQ, 3000, 0),
        (Family::Globe, 5000, 0),
        (Family::Anti, 3000, 0),
        (Family::Pole, 5000, 0),
    ] {
        let found = check(&common::items(family, n), &MinimaTable::default());
        println!("{} {n}: {} pairs", family.name(), found.pairs.len());
        assert!(want == 0 || found.pairs.len() == want, "{}", found.pairs.len());
        assert!(found.unknown.is_empty());
    }
    for (n, want) in [(1000, 14), (10_000, 2040)] {
        assert_eq!(sweep(&common::items(Family::Box, n), &MinimaTable::default()).pairs.len(), want);
    }
}

#[test]
fn the_output_is_cut_at_the_end_that_begins_last() {
    let all = sweep(&common::items(Family::Box, 2000), &MinimaTable::default());
    let (first, cut) = all.first_by_tin(10);
    assert_eq!((first.len(), cut), (10, all.pairs.len() - 10));
    assert!(first.windows(2).all(|w| w[0].encounter.tin_s <= w[1].encounter.tin_s));
}

/// Where a cluster of traffic lies.
fn places() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        Just((48.0, 10.0)),
        Just((0.0, 179.999)),
        Just((89.9, 0.0)),
        Just((-90.0, 0.0)),
        Just((-89.95, 120.0)),
        Just((55.0, -179.99)),
    ]
}

/// Metres east and north of a place, by way of space, so that poles and the antimeridian are ordinary.
fn moved(place: (f64, f64), east: f64, north: f64) -> (f64, f64) {
    let (p, e, n) = (
        earth::surface(place.0, place.1),
        earth::velocity(place.0, place.1, east, 90.0),
        earth::velocity(place.0, place.1, north, 0.0),
    );
    earth::geodetic([p[0] + e[0] + n[0], p[1] + e[1] + n[1], p[2] + e[2] + n[2]])
}

fn track() -> impl Strategy<Value = (f64, f64, State, usize)> {
    let speed = prop_oneof![
        4 => Just(450.0), 2 => 0.0..600.0, 1 => Just(0.0), 1 => 1000.0..5000.0, 1 => Just(f64::NAN), 1 => Just(1e-7)
    ];
    let alt =
        prop_oneof![4 => (280..320i32).prop_map(|fl| f64::from(fl) * 100.0), 1 => 0.0..45_000.0, 1 => Just(f64::NAN)];
    let climb = prop_oneof![3 => Just(0.0), 1 => -6000.0..6000.0];
    let trk = prop_oneof![2 => Just(90.0), 1 => 0.0..360.0];
    (-150_000.0..150_000.0, -150_000.0..150_000.0, alt, speed, trk, climb, 0usize..5).prop_map(
        |(x, y, alt_ft, gs_kt, trk_deg, vs_fpm, class)| {
            (x, y, State { lat: 0.0, lon: 0.0, alt_ft, gs_kt, trk_deg, vs_fpm }, class)
        },
    )
}

/// Clusters, some of them formations: copies of one track a few metres to kilometres apart.
fn traffic() -> impl Strategy<Value = Vec<Item>> {
    let cluster = (places(), prop::collection::vec((track(), 0usize..4, 1.0..8000.0), 1..25));
    prop::collection::vec(cluster, 1..4).prop_map(|clusters| {
        let mut items = Vec::new();
        for (place, tracks) in clusters {
            for ((x, y, state, class), copies, spacing) in tracks {
                for n in 0..=copies {
                    let (lat, lon) = moved(place, x + spacing * n as f64, y);
                    let track = Kinematics::from_state(&State { lat, lon, ..state }, Utc(0)).expect("on earth");
                    items.push(Item { track, class: AircraftClass::ALL[class] });
                }
            }
        }
        items
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sweep_and_index_equal_all_pairs(items in traffic(), uniform in any::<bool>(), after_ms in 0i64..29_000) {
        let minima = if uniform { MinimaTable::uniform(drones()) } else { by_class() };
        let truth = check(&items, &minima);
        // The index is filed at time 0 and asked later; a sweep of the moved tracks is its audit.
        let mut index = Index::new(minima.clone());
        for (n, item) in items.iter().enumerate() {
            // Filed elsewhere first, so that an update has to move it.
            let elsewhere = &items[(n * 7 + 1) % items.len()];
            index.upsert(n, elsewhere.class, elsewhere.track);
            index.upsert(n, item.class, item.track);
        }
        prop_assert_eq!(index.len(), items.len());
        for (t0, truth) in [(0, truth), (after_ms, brute_force(&index.items(Utc(after_ms)).1, &minima))] {
            for n in 0..items.len() {
                let near: Vec<usize> = index.neighbours(n, Utc(t0)).unwrap().into_iter().map(|(k, _)| k).collect();
                let want: Vec<usize> = truth.pairs.iter()
                    .filter_map(|p| if p.i == n { Some(p.j) } else if p.j == n { Some(p.i) } else { None })
                    .collect();
                let mut want = want;
                want.sort_unstable();
                prop_assert_eq!(near, want, "track {} at {} ms", n, t0);
            }
        }
        for n in 0..items.len() {
            prop_assert!(index.remove(n));
        }
        prop_assert!(index.is_empty() && !index.remove(0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_fast_track_among_many_slow_ones_equals_all_pairs(x in -900_000.0..900_000.0f64, gs in 3000.0..5800.0f64) {
        let mut items = common::items(Family::Box, 1500);
        let (lat, lon) = moved((48.0, 10.0), x, 0.0);
        let fast = State { lat, lon, alt_ft: f64::NAN, gs_kt: gs, trk_deg: if x < 0.0 { 90.0 } else { 270.0 }, vs_fpm: 0.0 };
        items.push(Item { track: Kinematics::from_state(&fast, Utc(0)).unwrap(), class: AircraftClass::Military });
        check(&items, &MinimaTable::default());
    }
}

#[test]
fn states_of_another_time_or_too_old_are_listed_and_take_no_part() {
    let mut items = common::items(Family::Box, 3);
    items[1].track = items[1].track.at(Utc(40_000));
    let found = check(&items, &MinimaTable::default());
    assert_eq!(found.unknown, [(1, detect::Why::ReferenceTime)]);
    let old: Vec<Item> = items.iter().map(|i| Item { track: i.track.at(Utc(40_000)), ..*i }).collect();
    let found = check(&old, &MinimaTable::default());
    assert_eq!(found.unknown.len(), 3);
    assert!(matches!(found.unknown[0], (0, detect::Why::Stale { age_ms: 40_000 })));
}

#[test]
fn of_each_group_the_pairs_with_ours_that_begin_first_are_kept_and_the_others_counted() {
    let (items, minima) = (common::items(Family::Box, 3000), MinimaTable::default());
    let group = |n: usize| (n % 7) as u16;
    let all = brute_force(&items, &minima).pairs;
    let of = |p: &detect::Pair| group(p.i).max(group(p.j));
    let ours: Vec<_> = all.into_iter().filter(|p| group(p.i) == 0 || group(p.j) == 0).collect();
    assert!(ours.len() > 30, "{}", ours.len());
    let whole = sweep_between(&items, group, &minima, 1_000);
    assert_eq!((&whole.pairs, whole.cut), (&ours, 0));
    let few = sweep_between(&items, group, &minima, 2);
    assert_eq!(few.pairs.len() + few.cut, ours.len());
    for n in 0..7 {
        let mut first: Vec<_> = ours.iter().filter(|p| of(p) == n).collect();
        first.sort_by(|p, q| p.encounter.tin_s.total_cmp(&q.encounter.tin_s));
        first.truncate(2);
        first.sort_by_key(|p| (p.i, p.j));
        assert_eq!(few.pairs.iter().filter(|p| of(p) == n).collect::<Vec<_>>(), first);
    }
}

#[test]
fn a_pair_of_a_dense_crowd_is_found_once_however_often_room_is_made() {
    let one = State { lat: 48.0, lon: 10.0, alt_ft: 30_000.0, gs_kt: 0.0, trk_deg: 0.0, vs_fpm: 0.0 };
    for n in [601, 1000] {
        let state = |k: usize| State { lon: 10.0 + 1e-6 * k as f64, ..one };
        let item = |k| Item { track: Kinematics::from_state(&state(k), Utc(0)).unwrap(), class: AircraftClass::Civil };
        let items: Vec<Item> = (0..n).map(item).collect();
        let group = |k: usize| u16::from(k.is_multiple_of(50));
        let ours = |p: &detect::Pair| group(p.i) == 0 || group(p.j) == 0;
        let minima = MinimaTable::default();
        let want: Vec<_> = brute_force(&items, &minima).pairs.into_iter().filter(ours).collect();
        let found = sweep_between(&items, group, &minima, 1_000_000);
        assert_eq!((found.pairs.len(), found.cut), (want.len(), 0), "{n}");
        assert!(found.pairs == want);
        let few = sweep_between(&items, group, &minima, 10);
        assert_eq!(few.cut + few.pairs.len(), want.len(), "{n}");
    }
}
