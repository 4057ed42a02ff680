//! The index of volumes against judging every pair.
use airspace::{Limit, Outline, Site, SiteCategory, Verification, Volume4d};
use detect::scenario::draw;
use detect::scenario::volumes::{DAY, Spread, volume};
use detect::{Extent, Overlap, PreparedSite, PreparedVolume, VolumeIndex, volume_volume};
use proptest::prelude::*;
use units::{Altitude, Height, NM_MM, Reference, Utc, Vertex, earth};

fn vertex(lat: f64, lon: f64) -> Vertex {
    Vertex::from_degrees(lat.clamp(-90.0, 90.0), earth::wrap_degrees(lon)).expect("on earth")
}

const REFERENCES: [Reference; 4] = [Reference::Pressure, Reference::Msl, Reference::Wgs84, Reference::Agl];

/// Any limit: unlimited, unknown, or near the borders at which references can just be told apart.
fn limit(choice: f64, height: f64) -> Limit {
    match (choice * 20.0) as usize {
        0 | 1 => Limit::Unlimited,
        2 => Limit::At(Altitude::Unknown),
        n => Limit::At(Altitude::Known(Height::from_feet((height * 45_000.0) as i32 - 1500), REFERENCES[n % 4])),
    }
}

/// Awkward volumes: few places and few times, so that many meet; from a few metres to nearly half of the earth; at poles and the
/// antimeridian; levels of every reference; windows that touch.
fn awkward(seed: u64, i: u64) -> Option<PreparedVolume> {
    let u = |j: u64| draw(seed, 32 * i + j);
    let places = [(90.0, 0.0), (-90.0, 0.0), (0.0, 180.0), (60.0, 179.9), (48.0, 10.0), (0.0, 0.0), (0.0, 90.0)];
    let place = places[(u(0) * places.len() as f64) as usize];
    let size = 10f64.powf(1.0 + 5.6 * u(1));
    let (lat, lon) = earth::direct(place.0, place.1, 360.0 * u(2), size * u(3) * 1.5);
    let outline = match (u(4) * 4.0) as usize {
        0 => Outline::Circle { centre: vertex(lat, lon), radius_mm: (size * 1000.0).min(1.8e9) as i64 },
        1 => {
            let (la, lo) = earth::direct(lat, lon, 360.0 * u(5), size);
            let points = vec![vertex(lat, lon), vertex(la, lo)];
            Outline::Corridor { points, half_width_mm: (size * 200.0 * u(6)) as i64 + 1 }
        }
        2 => {
            // Around the whole place, up to just under half of the earth.
            let reach = if u(7) < 0.2 { 9.8e6 } else { size };
            let corner = |n: u32| earth::direct(place.0, place.1, f64::from(n) * 40.0, reach * (0.9 + 0.1 * u(8)));
            Outline::Polygon((0..9).map(|n| vertex(corner(n).0, corner(n).1)).collect())
        }
        _ => {
            let corner = |n: u64| earth::direct(lat, lon, n as f64 * 72.0 + 60.0 * u(8 + n), size);
            Outline::Polygon((0..5).map(|n| vertex(corner(n).0, corner(n).1)).collect())
        }
    };
    let start = Utc((u(16) * 6.0) as i64 * 60_000);
    let end = start.plus_ms((u(17) * 3.0) as i64 * 60_000);
    let (lower, upper) = (limit(u(18), u(19)), limit(u(20), u(21)));
    PreparedVolume::prepare(&Volume4d { outline, lower, upper, start, end }).ok()
}

fn check(volumes: &[PreparedVolume], queries: &[PreparedVolume]) -> (usize, usize) {
    let mut index = VolumeIndex::new();
    volumes.iter().enumerate().for_each(|(n, v)| index.upsert(n, v.extent()));
    let (mut met, mut passed) = (0, 0);
    for query in queries {
        let found = index.meeting(&query.extent());
        assert!(found.is_sorted_by(|a, b| a < b));
        passed += found.len();
        for (n, volume) in volumes.iter().enumerate() {
            let passes = found.binary_search(&n).is_ok();
            if volume_volume(query, volume) != Overlap::Clear {
                assert!(passes, "{query:?}\nmeets {n}: {volume:?}");
                assert!(query.may_meet(volume) && volume.may_meet(query));
                met += 1;
            }
            // What the boxes cannot tell apart passes too, so that a scan with `may_meet` sees no more than the index.
            assert!(passes || !query.may_meet(volume), "{query:?}\n{n}: {volume:?}");
        }
    }
    (met, passed)
}

#[test]
fn the_index_finds_everything_that_meets_at_awkward_places_levels_and_times() {
    let mut all = (0, 0);
    for seed in 0..6 {
        let volumes: Vec<_> = (0..220).filter_map(|i| awkward(seed, i)).collect();
        let queries: Vec<_> = (1000..1060).filter_map(|i| awkward(seed, i)).collect();
        assert!(volumes.len() > 180, "{} of 220 are volumes", volumes.len());
        let (met, passed) = check(&volumes, &queries);
        all = (all.0 + met, all.1 + passed);
    }
    println!("{} meet, {} passed", all.0, all.1);
    assert!(all.0 > 1500, "{all:?}");
}

#[test]
fn in_the_scenario_the_index_passes_little_more_than_what_meets() {
    let prepared = |i| PreparedVolume::prepare(&volume(Spread::Box, i, 7)).expect("the scenario's volumes");
    let volumes: Vec<_> = (0..4000).map(prepared).collect();
    let queries: Vec<_> = (10_000..10_300).map(prepared).collect();
    let (met, passed) = check(&volumes, &queries);
    println!("{met} meet, {passed} passed");
    assert!(met > 20 && passed < 4 * met, "{met} {passed}");
}

#[test]
fn a_thing_that_moved_or_went_is_found_where_it_is_and_nowhere_else() {
    let prepared = |i| PreparedVolume::prepare(&volume(Spread::Box, i, 9)).expect("the scenario's volumes").extent();
    let mut index = VolumeIndex::new();
    (0..500u64).for_each(|n| index.upsert(n, prepared(n)));
    (0..500).step_by(2).for_each(|n| index.upsert(n, prepared(n + 1000)));
    (0..500).step_by(5).for_each(|n| assert!(index.remove(&n)));
    assert!(!index.remove(&0) && index.len() == 400);
    let mut fresh = VolumeIndex::new();
    let left = (0..500u64).filter(|n| n % 5 != 0);
    left.for_each(|n| fresh.upsert(n, prepared(if n % 2 == 0 { n + 1000 } else { n })));
    let everywhere = Extent::around([0.0; 3], 1e7, Utc(i64::MIN), Utc(i64::MAX));
    assert_eq!(index.meeting(&everywhere).len(), 400);
    for n in 0..1500 {
        assert_eq!(index.meeting(&prepared(n)), fresh.meeting(&prepared(n)), "{n}");
    }
}

#[test]
fn a_site_is_found_at_every_level_and_time_with_its_buffer() {
    let site = Site {
        category: SiteCategory::Hospital,
        name: None,
        footprint: Outline::Circle { centre: vertex(36.718, 68.863), radius_mm: 100_000 },
        buffer_mm: 2 * NM_MM,
        verification: Verification::Claimed,
        expires: DAY,
    };
    let prepared = PreparedSite::prepare(&site).expect("a site");
    let mut index = VolumeIndex::new();
    index.upsert(1, prepared.extent());
    for (off_m, start, meets) in [(4_803.9, Utc(0), true), (4_803.9, DAY, true), (8_000.0, DAY, false)] {
        let (lat, lon) = earth::direct(36.718, 68.863, 33.0, off_m);
        let outline = Outline::Circle { centre: vertex(lat, lon), radius_mm: 1_000_000 };
        let (lower, upper) = (limit(0.5, 0.9), limit(0.5, 1.0));
        let volume = PreparedVolume::prepare(&Volume4d { outline, lower, upper, start, end: start }).expect("a volume");
        assert_eq!(prepared.volume(&volume).inside_buffer, meets);
        assert_eq!(index.meeting(&volume.extent()) == [1], meets);
        assert_eq!(prepared.may_meet(&volume), meets);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Levels alone, at one place and time.
    #[test]
    fn levels_that_may_meet_always_pass(
        a in prop::array::uniform4(0.0..1.0f64), b in prop::array::uniform4(0.0..1.0f64),
    ) {
        let slab = |u: [f64; 4]| {
            let (lower, upper) = (limit(u[0], u[1]), limit(u[2], u[3]));
            let outline = Outline::Circle { centre: vertex(1.0, 2.0), radius_mm: 1000 };
            PreparedVolume::prepare(&Volume4d { outline, lower, upper, start: DAY, end: DAY })
        };
        if let (Ok(a), Ok(b)) = (slab(a), slab(b)) {
            let mut index = VolumeIndex::new();
            index.upsert((), b.extent());
            if volume_volume(&a, &b) != Overlap::Clear {
                prop_assert_eq!(index.len(), index.meeting(&a.extent()).len());
            }
        }
    }
}
