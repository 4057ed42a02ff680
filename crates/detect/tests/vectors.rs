//! The sweep against conflicts computed by WGS-84 geodesics, and against another implementation.
mod common;

use detect::scenario::Family;
use detect::{MinimaTable, sweep};
use std::collections::BTreeMap;

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

fn geodesic(file: &str, family: Family) {
    let Some(text) = common::vectors(file) else { return };
    let found: BTreeMap<(usize, usize), _> = sweep(&common::items(family, 5000), &MinimaTable::default())
        .pairs
        .iter()
        .map(|p| ((p.i, p.j), p.encounter))
        .collect();
    let (mut expected, mut ambiguous, mut dcpa_worst, mut tin_worst) = (0, 0, 0f64, 0f64);
    let mut must_be = BTreeMap::new();
    for row in rows(&text) {
        let pair: (usize, usize) = (row[0].parse().unwrap(), row[1].parse().unwrap());
        let number = |n: usize| row[n].parse::<f64>().unwrap();
        if row[3] == "1" {
            ambiguous += 1;
            must_be.insert(pair, None);
            continue;
        }
        let conflict = row[2] == "1";
        must_be.insert(pair, Some(conflict));
        assert_eq!(found.contains_key(&pair), conflict, "{pair:?} {row:?}");
        if let Some(e) = found.get(&pair) {
            expected += 1;
            let (dcpa, tin) = ((e.dcpa_m - number(6)).abs(), (e.tin_s - number(7)).abs());
            assert!(dcpa <= 2.0 && tin <= 0.05, "{pair:?}: {e:?}, expected {row:?}");
            assert!((e.d0_m - number(4)).abs() < 10.0, "{pair:?}: {e:?}");
            dcpa_worst = dcpa_worst.max(dcpa);
            tin_worst = tin_worst.max(tin);
        }
    }
    for pair in found.keys() {
        assert!(must_be.get(pair).is_some_and(|c| *c != Some(false)), "{pair:?} is not among the expected pairs");
    }
    println!(
        "{file}: {expected} pairs equal, {ambiguous} ambiguous; worst dcpa {dcpa_worst:.2} m, tin {tin_worst:.3} s"
    );
    assert!(expected > 400, "the file held what it should");
}

#[test]
fn box_5000_equals_the_geodesic_truth() {
    geodesic("geodesic_box_5000.csv.zst", Family::Box);
}

#[test]
fn anti_5000_equals_the_geodesic_truth() {
    geodesic("geodesic_anti_5000.csv.zst", Family::Anti);
}

fn bluesky(file: &str, n: usize) {
    let Some(text) = common::vectors(file) else { return };
    let theirs: BTreeMap<(usize, usize), (f64, f64)> = rows(&text)
        .map(|r| ((r[0].parse().unwrap(), r[1].parse().unwrap()), (r[3].parse().unwrap(), r[5].parse().unwrap())))
        .collect();
    let ours: BTreeMap<(usize, usize), _> = sweep(&common::items(Family::Box, n), &MinimaTable::default())
        .pairs
        .iter()
        .map(|p| ((p.i, p.j), p.encounter))
        .collect();
    // Differences only near the horizon, near 5 NM, or in a short window.
    let border =
        |dcpa: f64, tin: f64, window: f64| (tin - 300.0).abs() < 5.0 || (dcpa - 9260.0).abs() < 250.0 || window < 10.0;
    let mut different = 0;
    for (pair, e) in ours.iter().filter(|(p, _)| !theirs.contains_key(p)) {
        assert!(border(e.dcpa_m, e.tin_s, e.tout_s - e.tin_s), "only ours: {pair:?} {e:?}");
        different += 1;
    }
    for (pair, (dcpa, tin)) in theirs.iter().filter(|(p, _)| !ours.contains_key(p)) {
        assert!(border(*dcpa, *tin, f64::INFINITY), "only theirs: {pair:?} {dcpa} {tin}");
        different += 1;
    }
    println!("{file}: ours {}, theirs {}, {different} differ at the border", ours.len(), theirs.len());
}

#[test]
fn bluesky_differs_only_where_its_flat_formula_does() {
    bluesky("bluesky_box_1000.csv.zst", 1000);
    bluesky("bluesky_box_5000.csv.zst", 5000);
}
