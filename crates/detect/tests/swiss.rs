//! Observed separation over a day of recorded traffic against losses of separation found by others.
mod common;

use detect::{Minima, observed_at};
use std::collections::{BTreeMap, HashMap};
use track::{Address, TrackReport};
use units::{Height, NM_MM, Position, Utc};

struct Event {
    start: i64,
    end: i64,
    least_m: f64,
    at: i64,
    epochs: u64,
}

fn reports(text: &str) -> BTreeMap<i64, Vec<TrackReport>> {
    let mut epochs: BTreeMap<i64, Vec<TrackReport>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let t: i64 = f[0].parse().expect("time");
        let address = Address::parse(f[1]).expect("address");
        let number = |n: usize| f[n].parse::<f64>().expect("number");
        let position = Position::from_degrees(number(3), number(4)).expect("position");
        let mut r = TrackReport::new(u64::from(address.bits()), position, Utc(t * 1000));
        r.address = Some(address);
        r.pressure = f[5].parse().ok().and_then(Height::from_feet_f64);
        epochs.entry(t).or_default().push(r);
    }
    epochs
}

#[test]
fn the_73_losses_of_separation_of_one_day_are_found() {
    let Some(traffic) = common::recording("traffic/switzerland_20180801_replay.csv.zst") else { return };
    let Some(expected) = common::recording("conflict/swiss_los_5nm_1000ft_0500_1400.json") else { return };
    let expected: serde_json::Value = serde_json::from_str(&expected).expect("json");
    let minima = Minima { lateral_mm: 5 * NM_MM, ..Minima::DEFAULT };
    let floor = Height::from_feet(5000);
    let mut open: HashMap<(Address, Address), Vec<Event>> = HashMap::new();
    for (t, all) in reports(&traffic) {
        let high: Vec<&TrackReport> = all.iter().filter(|r| r.pressure.is_some_and(|h| h >= floor)).collect();
        for (n, a) in high.iter().enumerate() {
            for b in &high[n + 1..] {
                // A degree of latitude is 60 NM: most pairs need no geodesic.
                if (a.position.lat_e7 - b.position.lat_e7).abs() > 1_000_000 || a.address == b.address {
                    continue;
                }
                let seen = observed_at(None, a, None, b, Utc(t * 1000)).expect("both reported then");
                if !seen.violates(&minima) {
                    continue;
                }
                let (x, y) = (a.address.unwrap(), b.address.unwrap());
                let events = open.entry(if x < y { (x, y) } else { (y, x) }).or_default();
                match events.last_mut().filter(|e| t - e.end <= 30) {
                    Some(e) => {
                        e.epochs += u64::from(e.end != t);
                        e.end = t;
                        if seen.lateral_m < e.least_m {
                            (e.least_m, e.at) = (seen.lateral_m, t);
                        }
                    }
                    None => events.push(Event { start: t, end: t, least_m: seen.lateral_m, at: t, epochs: 1 }),
                }
            }
        }
    }
    let mut found: Vec<(i64, String, String, Event)> = Vec::new();
    for ((a, b), events) in open {
        // Events that begin from 05 to 14 UTC; the last one ends 20 s later.
        let begun = events.into_iter().filter(|e| (1_533_099_600..1_533_132_000).contains(&e.start));
        found.extend(begun.map(|e| (e.start, a.to_string(), b.to_string(), e)));
    }
    found.sort_by(|p, q| (p.0, &p.1, &p.2).cmp(&(q.0, &q.1, &q.2)));
    let mut want: Vec<&serde_json::Value> = expected["events"].as_array().expect("events").iter().collect();
    want.sort_by_key(|e| (e["t_start"].as_i64(), e["a"].to_string(), e["b"].to_string()));
    assert_eq!((found.len(), want.len()), (73, 73));
    for ((_, a, b, e), w) in found.iter().zip(want) {
        assert_eq!((Some(a.as_str()), Some(b.as_str())), (w["a"].as_str(), w["b"].as_str()));
        assert_eq!((Some(e.start), Some(e.end)), (w["t_start"].as_i64(), w["t_end"].as_i64()), "{w}");
        assert_eq!((Some(e.at), Some(e.epochs)), (w["t_min_lateral"].as_i64(), w["epochs"].as_u64()), "{w}");
        assert!((e.least_m / 1852.0 - w["min_lateral_nm"].as_f64().unwrap()).abs() < 1e-3, "{} {w}", e.least_m);
    }
}
