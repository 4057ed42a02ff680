use super::*;
use crate::area::GeoBox;
use crate::marking::Marking;
use crate::order::tests::level;
use crate::policy::{About, Identity, match_extent, match_point};
use crate::when::{Daily, When};
use alloc::collections::BTreeMap;
use alloc::vec;
use proptest::prelude::*;
use units::{AircraftClass, Position, Utc};

const PLAIN: Rule = Rule::new(RecordClass::Tracks, Level::Full);
const COARSE: Level = Level::Coarse { cell_e7: 5_000_000, bin_ms: 60_000 };

fn boxed(s: i32, w: i32, n: i32, e: i32) -> Area {
    let [south_e7, west_e7, north_e7, east_e7] = [s, w, n, e].map(|d| d * 10_000_000);
    Area::Box { south_e7, west_e7, north_e7, east_e7 }
}

fn policy(rules: &[Rule]) -> Policy {
    Policy { revision: 1, rules: BTreeMap::from([(PartyId::parse("south").unwrap(), rules.to_vec())]) }
}

/// Which rule of the new set lets out more, and than which of the old.
type Wider = Option<(usize, Option<usize>)>;

#[test]
fn what_lets_out_more_is_found_and_what_lets_out_less_is_not() {
    let a = Rule { area: Some(boxed(46, 7, 48, 9)), ..PLAIN };
    let inner = Rule { area: Some(boxed(47, 8, 48, 9)), ..PLAIN };
    let rest = Rule { level: COARSE, ..PLAIN };
    let military = Rule { aircraft: Some(AircraftClass::Military), level: Level::Withheld, ..PLAIN };
    let marked = Rule { marking: Marking::parse("vip"), level: Level::Withheld, ..PLAIN };
    let night = Some(When { daily: Some(Daily { from_min: 1320, until_min: 300 }), ..When::default() });
    let finer = Rule { level: Level::Coarse { cell_e7: 1_000_000, bin_ms: 60_000 }, ..PLAIN };
    let reduced =
        |delay_ms| Rule { level: Level::Reduced { precision_mm: 0, delay_ms, identity: Identity::Drop }, ..PLAIN };
    let slow = |every_ms| Rule { every_ms, ..PLAIN };
    let cells = |cell_e7, bin_ms| Rule { level: Level::Coarse { cell_e7, bin_ms }, ..PLAIN };
    let wide = |precision_mm| Rule {
        level: Level::Reduced { precision_mm, delay_ms: 0, identity: Identity::Drop },
        class: RecordClass::Plans,
        ..PLAIN
    };
    let near = Rule { area: Some(boxed(46, 7, 48, 9)), ..wide(50_000_000) };
    let no_military = Rule { aircraft: Some(AircraftClass::Military), level: Level::Withheld, ..wide(0) };
    let table: [(&str, Vec<Rule>, Vec<Rule>, Wider); 25] = [
        ("nothing changes", vec![military, a, rest], vec![military, a, rest], None),
        ("from nothing", vec![], vec![rest], Some((0, None))),
        ("to nothing", vec![military, a, rest], vec![], None),
        ("a smaller area", vec![a], vec![inner], None),
        ("a larger area", vec![inner], vec![a], Some((0, None))),
        ("one more exception", vec![a, rest], vec![military, a, rest], None),
        ("one exception less", vec![military, a, rest], vec![a, rest], Some((0, Some(0)))),
        ("another order", vec![a, rest], vec![rest, a], None),
        ("back", vec![rest, a], vec![a, rest], Some((0, Some(0)))),
        ("a finer cell", vec![rest], vec![finer], Some((0, Some(0)))),
        ("a coarser cell, which is no union of the finer ones", vec![finer], vec![rest], Some((0, Some(0)))),
        ("a longer bin", vec![rest], vec![cells(5_000_000, 120_000)], None),
        ("a longer bin that overlaps", vec![rest], vec![cells(5_000_000, 90_000)], Some((0, Some(0)))),
        ("a wider precision", vec![wide(5_000_000)], vec![wide(5_100_000)], Some((0, Some(0)))),
        ("a precision at all", vec![wide(0)], vec![wide(5_000_000)], None),
        ("a precision withheld", vec![wide(5_000_000)], vec![], None),
        // What lies across the area's edge was told on the grid of the rest, and would be on the one of the area.
        ("an area of another grid", vec![wide(5_000_000)], vec![near, wide(5_000_000)], Some((0, Some(0)))),
        ("an exception beside two grids", vec![near, wide(5_000_000)], vec![no_military, near, wide(5_000_000)], None),
        (
            "the second grid told of more",
            vec![near, near, wide(5_000_000)],
            vec![near, wide(50_000_000)],
            Some((0, Some(2))),
        ),
        ("a shorter delay", vec![reduced(2000)], vec![reduced(1000)], Some((0, Some(0)))),
        ("only at night", vec![PLAIN], vec![Rule { when: night, ..PLAIN }], None),
        ("at day, too", vec![Rule { when: night, ..PLAIN }], vec![PLAIN], Some((0, None))),
        ("one marking less", vec![marked, PLAIN], vec![PLAIN], Some((0, Some(0)))),
        ("a lower rate", vec![slow(None)], vec![slow(Some(5000))], None),
        ("a higher rate", vec![slow(Some(5000))], vec![slow(Some(4000))], Some((0, Some(0)))),
    ];
    for (what, old, new, want) in table {
        assert_eq!(wider(&old, &new), want, "{what}");
        let found = policy(&old).widenings(&policy(&new));
        assert_eq!(found.len(), usize::from(want.is_some()), "{what}");
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let class = prop::sample::select(vec![RecordClass::Tracks, RecordClass::Plans, RecordClass::Sites]);
    let aircraft = prop::option::of(prop::sample::select(vec![AircraftClass::Civil, AircraftClass::Military]));
    let circle = |(lat, r): (i32, i64)| Area::Circle {
        centre: Position { lat_e7: lat * 10_000_000, lon_e7: 20_000_000 },
        radius_mm: r * 60_000_000,
    };
    let area = prop::option::of(prop_oneof![
        (0..4i32, 0..4i32, 1..4i32, 1..4i32).prop_map(|(s, w, h, b)| boxed(s, w, s + h, w + b)),
        (0..4i32, 1..5i64).prop_map(circle),
    ]);
    let daily =
        (0..4u16, 1..4u16).prop_map(|(from, len)| Daily { from_min: from * 360, until_min: (from + len) % 4 * 360 });
    let when = prop::option::of(daily.prop_map(|daily| When { daily: Some(daily), ..When::default() }));
    let marking =
        prop::option::of(prop::sample::select(vec![Marking::parse("vip").unwrap(), Marking::parse("x").unwrap()]));
    let every = prop::option::of(prop::sample::select(vec![2_000, 10_000]));
    (class, aircraft, area, level(), (when, marking, every)).prop_map(
        |(class, aircraft, area, level, (when, marking, every_ms))| {
            let sites = class == RecordClass::Sites;
            let rated = class == RecordClass::Tracks && matches!(level, Level::Full | Level::Reduced { .. });
            let level = match level {
                Level::Reduced { precision_mm, identity, .. } if class != RecordClass::Tracks => {
                    Level::Reduced { precision_mm, delay_ms: 0, identity }
                }
                Level::AvoidArea { .. } if sites => Level::Withheld,
                level => level,
            };
            let (aircraft, marking) = if sites { (None, None) } else { (aircraft, marking) };
            Rule { class, aircraft, area, level, when, marking, every_ms: every_ms.filter(|_| rated) }
        },
    )
}

/// Rules, and the same with one put in, taken out, or replaced: so that many pairs are nearly equal.
fn pair() -> impl Strategy<Value = (Vec<Rule>, Vec<Rule>)> {
    (prop::collection::vec(rule(), 1..6), prop::collection::vec((0..4u8, any::<prop::sample::Index>(), rule()), 0..4))
        .prop_map(|(old, edits)| {
            let mut new = old.clone();
            for (what, at, rule) in edits {
                let at = at.index(new.len() + 1);
                match what {
                    0 => new.insert(at, rule),
                    1 if at < new.len() => drop(new.remove(at)),
                    2 if at < new.len() => new[at].level = rule.level,
                    3 if at < new.len() => new[at].area = rule.area,
                    _ => {}
                }
                new.retain(|r| r.check(&PartyId::parse("south").unwrap(), 0).is_ok());
            }
            (old, new)
        })
}

fn effective(rules: &[Rule], at: Option<usize>) -> Rule {
    at.map_or(Rule::new(RecordClass::Tracks, Level::Withheld), |at| rules[at])
}

/// Every place, thing and time of a lattice: what `new` lets out of it is no more than what `old` does.
fn no_more(old: &[Rule], new: &[Rule]) -> Result<(), TestCaseError> {
    let markings = [None, Marking::parse("vip"), Marking::parse("x")];
    for (aircraft, marking, hour) in itertools(&markings) {
        let now = Utc(i64::from(hour) * 3_600_000 * 6);
        let about = |class| About { class, aircraft: Some(aircraft), marking, now };
        for at in 0..64 {
            let (lat, lon) = (f64::from(at / 8) + 0.25, f64::from(at % 8) + 0.25);
            let place = Position::from_degrees(lat, lon).unwrap();
            let of = |rules: &[Rule]| effective(rules, match_point(rules, &about(RecordClass::Tracks), place));
            let (was, is) = (of(old), of(new));
            prop_assert!(is.lets_out_no_more_than(&was), "at {:?}: {:?} over {:?}", place, is, was);
            for (class, size) in [(RecordClass::Plans, 0.1), (RecordClass::Plans, 1.3), (RecordClass::Sites, 0.7)] {
                let extent = [GeoBox::from_degrees(lat, lon, lat + size, lon + size)];
                let about = match class {
                    RecordClass::Sites => About { aircraft: None, marking: None, ..about(class) },
                    class => about(class),
                };
                let of = |rules: &[Rule]| match_extent(rules, &about, Some(&extent)).0;
                let (was, is) = (of(old), of(new));
                prop_assert!(is.is_within(was), "{:?} {:?}: {:?} over {:?}", class, extent, is, was);
            }
        }
    }
    Ok(())
}

fn itertools(markings: &[Option<Marking>]) -> impl Iterator<Item = (AircraftClass, Option<Marking>, u8)> {
    let classes = [AircraftClass::Civil, AircraftClass::Military];
    classes.into_iter().flat_map(move |c| markings.iter().flat_map(move |m| (0..4u8).map(move |h| (c, *m, h))))
}

proptest! {
    /// Oracle: what the matching itself says, at every point of a lattice.
    #[test]
    fn what_is_judged_to_let_out_no_more_lets_out_no_more_anywhere((old, new) in pair()) {
        if wider(&old, &new).is_none() {
            no_more(&old, &new)?;
        }
        prop_assert_eq!(wider(&old, &old), None);
    }
}
