//! The sweep against all pairs on every family of traffic, from prepared tracks and from reports, by one worker and by
//! several that are done in another order.
use detect::scenario::{Family, SEED, draw, reports};
use detect::{
    Alone, Item, Kinematics, MinimaTable, Pair, Sweep, Workers, brute_force, sweep_between, sweep_reports, sweep_with,
};
use std::collections::BTreeMap;
use track::TrackReport;
use units::{Height, Position, Utc, VerticalRate};

/// Does the parts backwards, and claims to be many.
struct Backwards;

impl Workers for Backwards {
    fn map<R: Send>(&self, parts: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
        let mut done: Vec<R> = (0..parts).rev().map(f).collect();
        done.reverse();
        done
    }

    fn count(&self) -> usize {
        3
    }
}

fn family(family: Family, n: usize) -> Vec<TrackReport> {
    let mut reports = reports(family, n, SEED).expect("places on earth");
    for (i, r) in reports.iter_mut().enumerate() {
        // Of those without a pressure altitude half have a height above the ellipsoid.
        if r.pressure.is_none() && i.is_multiple_of(2) {
            r.geometric = Some(Height::from_feet(300));
        }
    }
    reports
}

/// As reports come in: up to half a minute old, some too old, some from a clock that is ahead.
fn aged(mut reports: Vec<TrackReport>) -> Vec<TrackReport> {
    for (i, r) in reports.iter_mut().enumerate() {
        let u = draw(6, i as u64);
        r.at = Utc(if i % 40 == 3 { -45_000 + (u * 60_000.0) as i64 } else { (-30_000.0 * u * u) as i64 });
    }
    reports
}

fn check(name: &str, reports: &[TrackReport], minima: &MinimaTable) -> Sweep {
    let items: Vec<Item> =
        reports.iter().map(|r| Item { track: Kinematics::from_report(r, Utc(0)), class: r.class }).collect();
    let truth = brute_force(&items, minima);
    assert_eq!(sweep_with(&items, minima, &Alone), truth, "{name}");
    assert_eq!(sweep_with(&items, minima, &Backwards), truth, "{name}, several");
    assert_eq!(sweep_reports(reports, Utc(0), minima, &Alone), truth, "{name}, reports");
    assert_eq!(sweep_reports(reports, Utc(0), minima, &Backwards), truth, "{name}, reports, several");
    between(name, &items, minima, &truth);
    println!("{name} {}: {} pairs equal, {} unknown", reports.len(), truth.pairs.len(), truth.unknown.len());
    truth
}

/// Of every fifth track with all others: each group's pairs that begin first.
fn between(name: &str, items: &[Item], minima: &MinimaTable, truth: &Sweep) {
    const MAX: usize = 20;
    let group = |n: usize| (n % 5) as u16;
    let mut groups: BTreeMap<u16, Vec<Pair>> = BTreeMap::new();
    for pair in truth.pairs.iter().filter(|p| group(p.i) == 0 || group(p.j) == 0) {
        groups.entry(group(pair.i).max(group(pair.j))).or_default().push(*pair);
    }
    let all: usize = groups.values().map(Vec::len).sum();
    groups.values_mut().for_each(|pairs| {
        pairs.sort_by(|p, q| p.encounter.tin_s.total_cmp(&q.encounter.tin_s).then((p.i, p.j).cmp(&(q.i, q.j))));
        pairs.truncate(MAX);
    });
    let mut want: Vec<Pair> = groups.into_values().flatten().collect();
    want.sort_by_key(|p| (p.i, p.j));
    let got = sweep_between(items, group, minima, MAX);
    assert_eq!((got.cut + got.pairs.len(), &got.unknown), (all, &truth.unknown), "{name}, between");
    assert_eq!(got.pairs, want, "{name}, between");
}

fn all(n: usize) {
    let same = MinimaTable::default();
    for f in Family::ALL {
        let found = check(f.name(), &family(f, n), &f.minima());
        assert!(f == Family::Globe || !found.pairs.is_empty());
        check(&format!("{}, aged", f.name()), &aged(family(f, n)), &f.minima());
    }
    check("city, one minimum", &family(Family::City, n / 4), &same);
    // A square a sixth as wide: dense enough to be divided by height, with some that climb through most of it.
    let mut dense = family(Family::Box, n);
    for (i, r) in dense.iter_mut().enumerate() {
        let near = |c: i32, centre: i32| centre + (c - centre) / 6;
        r.position =
            Position::new(near(r.position.lat_e7, 480_000_000), near(r.position.lon_e7, 100_000_000)).expect("near");
        if i % 61 == 0 {
            r.pressure = None;
        }
        if i % 7 == 0 {
            r.vertical_rate = Some(VerticalRate::from_fpm(6000.0 * draw(8, i as u64) - 3000.0));
        }
    }
    check("dense", &dense, &same);
    check("dense, aged", &aged(dense), &same);
}

#[test]
fn of_nothing_and_of_one_track_nothing_is_found() {
    for n in 0..2 {
        let found = check("few", &family(Family::Box, n), &MinimaTable::default());
        assert!(found.pairs.is_empty());
        check("few, by class", &family(Family::City, n), &Family::City.minima());
    }
    let mut old = family(Family::Box, 30);
    old.iter_mut().for_each(|r| r.at = Utc(-60_000));
    assert_eq!(check("old", &old, &MinimaTable::default()).unknown.len(), 30);
}

#[test]
fn every_family_of_2000_is_the_same_as_all_pairs() {
    all(2000);
}
