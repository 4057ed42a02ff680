//! Tests of the releaser: what leaves at which tick, and that what is withheld changes neither.
use super::*;
use crate::area::Area;
use crate::told::Filer;
use crate::when::When;
use airspace::{Plan, PlanState};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;
use record::{ConflictReport, Hash32, Kind, Mode, decode};
use track::{Address, AircraftClass, Callsign};
use units::{Angle, Position, Speed, Vertex};

const SOUTH: &str = "south";
const PLAIN: Rule = Rule::new(RecordClass::Tracks, Level::Full);

fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

fn envelope() -> Envelope {
    Envelope { issuer: party("north"), audience: party(SOUTH), mode: Mode::Live, pact: Hash32([9; 32]) }
}

fn releaser() -> Releaser {
    Releaser::new(party(SOUTH), [5; 32])
}

fn policy(rules: &[Rule]) -> Policy {
    let policy = Policy { revision: 1, rules: BTreeMap::from([(party(SOUTH), rules.to_vec())]) };
    policy.check().unwrap();
    policy
}

fn reduced(precision_mm: u32, delay_ms: u32, identity: Identity) -> Level {
    Level::Reduced { precision_mm, delay_ms, identity }
}

fn at(second: u64) -> Now {
    Now { mono: Mono(second * 1000), utc: Utc(1_600_000_000_000 + second as i64 * 1000), utc_error_ms: 5 }
}

fn track(internal: u64, class: AircraftClass, now: Now) -> TrackReport {
    let position = Position::from_degrees(47.0 + internal as f64 / 1000.0, 8.0 + now.mono.0 as f64 / 1e6).unwrap();
    let mut r = TrackReport::new(internal, position, now.utc.plus_ms(-300));
    r.address = Address::icao(0x4b_0000 + internal as u32);
    r.callsign = Callsign::parse("SWR1").ok();
    r.pressure = Some(Height::from_feet(35_000));
    (r.speed, r.track, r.class) = (Some(Speed(230_000)), Angle::from_degrees(90.0), class);
    r
}

fn unpack(released: &[Released<Record>]) -> Vec<TrackReport> {
    let mut all = Vec::new();
    for r in released {
        assert_eq!(decode(r.bytes()).unwrap().record, *r.value(), "what is sent decodes to what was released");
        if let Body::Tracks(batch) = &r.value().body {
            all.extend(batch.unpack().unwrap());
        }
    }
    all
}

fn flush(r: &mut Releaser, policy: &Policy, second: u64) -> Vec<Released<Record>> {
    let preview = r.preview(policy, &envelope(), at(second)).unwrap();
    let sent = r.flush(policy, &envelope(), at(second)).unwrap();
    assert_eq!(preview, sent, "a preview is what is sent");
    sent
}

#[test]
fn without_a_rule_nothing_leaves() {
    let own = [track(1, AircraftClass::Civil, at(0))];
    let elsewhere = Area::Circle { centre: Position::from_degrees(10.0, 10.0).unwrap(), radius_mm: 1_000_000 };
    for rules in [
        vec![],
        vec![Rule { level: Level::Withheld, ..PLAIN }, PLAIN],
        vec![Rule { class: RecordClass::Plans, ..PLAIN }],
        vec![Rule { aircraft: Some(AircraftClass::Military), ..PLAIN }],
        vec![Rule { area: Some(elsewhere), ..PLAIN }],
    ] {
        let (mut r, policy) = (releaser(), policy(&rules));
        r.offer_tracks(&policy, &own, at(0));
        assert_eq!(flush(&mut r, &policy, 0), vec![], "{rules:?}");
        assert_eq!((r.tracks_named(), r.waiting()), (0, 0), "no trace is left");
    }
    let mut r = releaser();
    let other = Policy { revision: 1, rules: BTreeMap::from([(party("civil"), vec![PLAIN])]) };
    r.offer_tracks(&other, &own, at(0));
    assert_eq!(flush(&mut r, &other, 0), vec![]);
}

#[test]
fn a_policy_out_of_bounds_releases_nothing() {
    let mut bad = policy(&[PLAIN]);
    bad.rules.insert(party("civil"), vec![Rule { level: reduced(1, 0, Identity::Keep), ..PLAIN }]);
    let mut r = releaser();
    r.offer_tracks(&bad, &[track(1, AircraftClass::Civil, at(0))], at(0));
    assert_eq!(flush(&mut r, &bad, 0), vec![]);
}

#[test]
fn the_first_rule_that_matches_decides_and_the_ledger_names_it() {
    let military =
        Rule { aircraft: Some(AircraftClass::Military), level: reduced(500_000, 0, Identity::Pseudonym), ..PLAIN };
    let (mut r, policy) = (releaser(), policy(&[military, PLAIN]));
    let own = [track(1, AircraftClass::Civil, at(0)), track(2, AircraftClass::Military, at(0))];
    r.offer_tracks(&policy, &own, at(0));
    let out = flush(&mut r, &policy, 0);
    let ledger: Vec<_> = out.iter().map(|r| (r.ledger().basis, r.ledger().rows, r.ledger().kind)).collect();
    let basis = |index, level| Basis::Rule { revision: 1, index, level };
    assert_eq!(
        ledger,
        vec![(basis(0, LevelName::Reduced), 1, Kind::Tracks), (basis(1, LevelName::Full), 1, Kind::Tracks)]
    );
    let rows = unpack(&out);
    assert_eq!((rows[0].address, rows[0].callsign), (None, None));
    let named = rows[1].local;
    assert_eq!(rows[1], TrackReport { local: named, ..own[0] });
    assert_eq!((r.internal(rows[0].local), r.internal(named), r.released(1)), (Some(2), Some(1), Some(named)));
    let Body::Tracks(batch) = &out[0].value().body else { panic!("tracks") };
    assert_eq!((batch.form, batch.precision_mm, batch.delay_ms), (ReleaseForm::Reduced, 500_000, 0));
}

#[test]
fn more_tracks_than_a_batch_holds_make_more_batches() {
    let (mut r, policy) = (releaser(), policy(&[PLAIN]));
    let own: Vec<_> = (0..2 * BATCH_MAX as u64 + 1).map(|i| track(i, AircraftClass::Civil, at(0))).collect();
    r.offer_tracks(&policy, &own, at(0));
    let out = flush(&mut r, &policy, 0);
    assert_eq!(out.iter().map(|r| r.ledger().rows).collect::<Vec<_>>(), vec![800, 800, 1]);
    assert_eq!(out.iter().map(|r| r.value().revision).collect::<Vec<_>>(), vec![1, 2, 3]);
    assert_eq!(unpack(&out).len(), own.len());
}

#[test]
fn a_delayed_track_leaves_after_its_delay_and_a_change_of_the_peer_s_rules_stops_it() {
    let delayed = policy(&[Rule { level: reduced(0, 30_000, Identity::Keep), ..PLAIN }]);
    let (mut r, mut other) = (releaser(), delayed.clone());
    other.revision = 2;
    other.rules.insert(party("civil"), vec![PLAIN]);
    for second in 0..=30 {
        r.offer_tracks(&delayed, &[track(1, AircraftClass::Civil, at(second))], at(second));
        let got = unpack(&flush(&mut r, &delayed, second));
        assert_eq!(got.len(), usize::from(second == 30), "{second}");
    }
    assert_eq!(
        unpack(&flush(&mut r, &other, 31))[0].at,
        at(1).utc.plus_ms(-300),
        "a rule of another peer's is no change"
    );
    assert_eq!(flush(&mut r, &policy(&[PLAIN]), 32), vec![]);
    assert_eq!(r.waiting(), 0);
}

#[test]
fn cells_are_told_once_a_bin_each_once_under_one_number() {
    let (mut r, policy) =
        (releaser(), policy(&[Rule { level: Level::Coarse { cell_e7: 5_000_000, bin_ms: 60_000 }, ..PLAIN }]));
    let mut told: Vec<(u64, Vec<TrackReport>)> = Vec::new();
    for second in 0..=130 {
        let own = [1, 2, 3].map(|i| track(i, AircraftClass::Civil, at(second)));
        r.offer_tracks(&policy, &own, at(second));
        let out = flush(&mut r, &policy, second);
        let rows = unpack(&out);
        if !rows.is_empty() {
            told.push((second, rows));
        }
    }
    // 1,600,000,000 s is 40 s into its minute.
    assert_eq!(told.iter().map(|(s, rows)| (*s, rows.len())).collect::<Vec<_>>(), vec![(20, 1), (80, 1)]);
    let (a, b) = (told[0].1[0], told[1].1[0]);
    assert_eq!((a.position, a.local), (b.position, b.local));
    assert_eq!((a.at, a.speed, a.address, a.callsign, a.class), (at(20).utc, None, None, None, AircraftClass::Unknown));
    assert_eq!(a.pressure, Some(Height::from_feet(35_500)));
}

#[test]
fn an_avoid_area_holds_the_aircraft_to_the_end_of_its_bin() {
    let (mut r, policy) =
        (releaser(), policy(&[Rule { level: Level::AvoidArea { cell_e7: 5_000_000, bin_ms: 60_000 }, ..PLAIN }]));
    r.offer_tracks(&policy, &[track(1, AircraftClass::Civil, at(19))], at(19));
    assert_eq!(flush(&mut r, &policy, 19), vec![]);
    r.offer_tracks(&policy, &[track(1, AircraftClass::Civil, at(20))], at(20));
    let out = flush(&mut r, &policy, 20);
    let Body::Avoid(avoid) = &out[0].value().body else { panic!("an avoid area") };
    assert_eq!(out.len(), 1);
    let [Volume4d { outline: Outline::Circle { centre, radius_mm }, start, end, upper, .. }] = avoid.volumes.as_slice()
    else {
        panic!("one circle")
    };
    assert_eq!((*start, *end), (at(20).utc, at(80).utc));
    assert!(matches!(upper, Limit::At(Altitude::Known(h, Reference::Pressure)) if *h > Height::from_feet(44_000)));
    // 230 m/s for a minute from the cell's far corner.
    assert!(*radius_mm > 43_000_000 + 230 * 60_000, "{radius_mm}");
    let own = track(1, AircraftClass::Civil, at(20)).position;
    assert!(
        Area::Circle {
            centre: Position { lat_e7: (centre.lat_e9 / 100) as i32, lon_e7: (centre.lon_e9 / 100) as i32 },
            radius_mm: 43_400_000
        }
        .contains(own)
    );
}

#[test]
fn a_bin_that_a_clock_set_back_brings_again_is_told_as_another_avoid_area() {
    let (mut r, policy) =
        (releaser(), policy(&[Rule { level: Level::AvoidArea { cell_e7: 5_000_000, bin_ms: 60_000 }, ..PLAIN }]));
    let mut told = Vec::new();
    // A bin, the one before it under a clock that was set back, and the first again.
    for (second, shown) in [(20, 20), (80, 80), (100, 20), (160, 80)] {
        let now = Now { utc: at(shown).utc, ..at(second) };
        r.offer_tracks(&policy, &[track(1, AircraftClass::Civil, now)], now);
        let out = r.flush(&policy, &envelope(), now).unwrap();
        told.extend(out.iter().map(|said| (said.value().subject, said.value().valid_from)));
    }
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].1, told[2].1, "the same bin");
    assert_ne!(told[0].0, told[2].0, "of one subject the peer would keep the first");
}

#[test]
fn a_full_queue_drops_what_waited_longest_and_says_so() {
    let (mut r, policy) = (releaser(), policy(&[Rule { level: reduced(0, 3_600_000, Identity::Keep), ..PLAIN }]));
    for second in 0..11 {
        let own: Vec<_> = (0..20_000).map(|i| track(i, AircraftClass::Civil, at(second))).collect();
        r.offer_tracks(&policy, &own, at(second));
    }
    assert_eq!((r.waiting(), r.dropped()), (200_000, 20_000));
    assert_eq!(unpack(&flush(&mut r, &policy, 3600)), vec![], "the oldest second is gone");
    assert_eq!(unpack(&flush(&mut r, &policy, 3601)).len(), 20_000);
}

#[test]
fn a_state_survives_its_snapshot() {
    let (mut r, policy) = (
        releaser(),
        policy(&[
            Rule {
                aircraft: Some(AircraftClass::Uas),
                level: Level::Coarse { cell_e7: 5_000_000, bin_ms: 60_000 },
                ..PLAIN
            },
            Rule { level: reduced(100_000, 5_000, Identity::Pseudonym), ..PLAIN },
        ]),
    );
    for second in 0..5 {
        r.offer_tracks(
            &policy,
            &[track(1, AircraftClass::Uas, at(second)), track(2, AircraftClass::Civil, at(second))],
            at(second),
        );
        flush(&mut r, &policy, second);
    }
    let bytes = minicbor::to_vec(&r).unwrap();
    let mut again: Releaser = minicbor::decode(&bytes).unwrap();
    assert_eq!(again, r);
    for second in 5..30 {
        assert_eq!(flush(&mut again, &policy, second), flush(&mut r, &policy, second));
    }
}

// --- what is withheld ---------------------------------------------------------------------------------------------

/// A world: aircraft and plans, some of which the rules withhold. Internal numbers count all of them, as a node's do.
#[derive(Debug, Clone)]
struct World {
    /// First second, last second, class, start.
    flights: Vec<(u64, u64, AircraftClass, (i32, i32))>,
    /// Second of filing, class, latitude, seconds of an edit.
    plans: Vec<(u64, AircraftClass, i32, u64)>,
}

/// A mistake that a releaser could make.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leak {
    None,
    /// The internal number is sent.
    Number,
    /// What is withheld is counted in the revision.
    Count,
    /// A tick with much to do is skipped.
    Time,
    /// A batch is padded to the number of all own tracks.
    Size,
}

const SECRET_CLASS: AircraftClass = AircraftClass::Military;
const SECONDS: u64 = 25;

/// The policy under test: everything but military is released, in each way there is.
fn mixed() -> Policy {
    let of = |class, level| Rule { aircraft: Some(class), level, ..PLAIN };
    let plans = |class, level| Rule { class: RecordClass::Plans, ..of(class, level) };
    policy(&[
        of(SECRET_CLASS, Level::Withheld),
        of(AircraftClass::Uas, reduced(200_000, 3_000, Identity::Pseudonym)),
        of(AircraftClass::Humanitarian, Level::Coarse { cell_e7: 1_000_000, bin_ms: 10_000 }),
        of(AircraftClass::Unknown, Level::AvoidArea { cell_e7: 1_000_000, bin_ms: 10_000 }),
        PLAIN,
        plans(AircraftClass::Civil, Level::Full),
        plans(AircraftClass::Uas, Level::Coarse { cell_e7: 1_000_000, bin_ms: 600_000 }),
        plans(AircraftClass::Unknown, Level::AvoidArea { cell_e7: 1_000_000, bin_ms: 600_000 }),
    ])
}

fn a_plan(class: AircraftClass, lat: i32, name: &str) -> Plan {
    let centre = Vertex::from_degrees(f64::from(lat), 8.0).unwrap();
    let volume = Volume4d {
        outline: Outline::Circle { centre, radius_mm: 5_000_000 },
        lower: Limit::Unlimited,
        upper: Limit::Unlimited,
        start: at(0).utc,
        end: at(3600).utc,
    };
    let callsign = Some(String::from(name));
    Plan {
        callsign,
        class,
        state: PlanState::Accepted,
        priority: 0,
        special: None,
        volumes: vec![volume],
        address: None,
    }
}

/// Everything the peer gets, by tick: the number of a tick is the time of sending.
fn transcript(world: &World, hidden: bool, leak: Leak) -> Vec<Vec<Vec<u8>>> {
    let (mut r, policy) = (releaser(), mixed());
    let shown = |class: AircraftClass| hidden || class != SECRET_CLASS;
    // Numbers are given as aircraft appear, to those that are withheld as well.
    let mut order: Vec<_> = world.flights.iter().filter(|f| shown(f.2)).collect();
    order.sort_by_key(|f| f.0);
    let mut ticks = Vec::new();
    for second in 0..SECONDS {
        let mut own = Vec::new();
        for (internal, (from, to, class, (lat, lon))) in order.iter().enumerate() {
            if (*from..*to).contains(&second) {
                let mut t = track(internal as u64, *class, at(second));
                t.position = Position { lat_e7: lat + 20_000 * second as i32, lon_e7: *lon };
                // An airframe has its address wherever it stands in the list.
                t.address = Address::icao((*lat as u32) & 0xff_ffff);
                own.push(t);
            }
        }
        let mut sent = Vec::new();
        // A subject is chosen at random by whoever files; here it follows from the plan itself.
        for (filed, class, lat, edited) in world.plans.iter().filter(|p| shown(p.1)) {
            if second == *filed || second == filed + edited {
                let name = if second == *filed { "ONE" } else { "TWO" };
                let mut subject = [0; 16];
                subject[..4].copy_from_slice(&lat.to_be_bytes());
                subject[4] = *class as u8;
                let plan = a_plan(*class, *lat, name);
                sent.extend(
                    r.release_plan(&policy, &envelope(), SubjectId(subject), (&plan, None), Filer::Planner, at(second))
                        .unwrap(),
                );
            }
        }
        r.offer_tracks(&policy, &own, at(second));
        if !(leak == Leak::Time && own.len() > 6) {
            sent.extend(flush(&mut r, &policy, second));
        }
        ticks.push(sent.into_iter().map(|s| leaking(&s, &own, &r, leak)).collect());
    }
    ticks
}

/// The bytes as a releaser with this mistake would send them.
fn leaking(sent: &Released<Record>, own: &[TrackReport], r: &Releaser, leak: Leak) -> Vec<u8> {
    let mut record = sent.value().clone();
    match (leak, &record.body) {
        (Leak::Number, Body::Tracks(batch)) => {
            let mut rows = batch.unpack().unwrap();
            rows.iter_mut().for_each(|row| row.local = r.internal(row.local).unwrap_or(row.local));
            let mut with = TrackBatch::pack(batch.base, &rows).unwrap();
            (with.form, with.precision_mm, with.delay_ms) = (batch.form, batch.precision_mm, batch.delay_ms);
            record.body = Body::Tracks(alloc::boxed::Box::new(with));
        }
        (Leak::Count, _) => record.revision += own.len() as u32,
        (Leak::Size, _) => {
            let mut bytes = sent.bytes().to_vec();
            bytes.resize(bytes.len().max(own.len() * 60), 0);
            return bytes;
        }
        _ => {}
    }
    record::encode(&record).unwrap()
}

fn class(i: u8) -> AircraftClass {
    AircraftClass::ALL[usize::from(i) % AircraftClass::ALL.len()]
}

fn worlds() -> impl Strategy<Value = World> {
    let flight = (0..20u64, 1..25u64, any::<u8>(), (460_000_000..480_000_000i32, 70_000_000..90_000_000i32))
        .prop_map(|(from, length, c, at)| (from, from + length, class(c), at));
    let plan = (0..20u64, any::<u8>(), -60..60i32, 1..5u64).prop_map(|(s, c, lat, e)| (s, class(c), lat, e));
    (prop::collection::vec(flight, 0..14), prop::collection::vec(plan, 0..6))
        .prop_map(|(flights, plans)| World { flights, plans })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn what_is_withheld_changes_neither_a_byte_nor_a_tick(world in worlds()) {
        prop_assert_eq!(transcript(&world, false, Leak::None), transcript(&world, true, Leak::None));
    }
}

/// The property above must be able to fail: each mistake is caught by it in at least one of the same worlds.
#[test]
fn each_way_of_leaking_is_caught_by_the_same_comparison() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut caught = BTreeSet::new();
    for _ in 0..40 {
        let world = worlds().new_tree(&mut runner).unwrap().current();
        for leak in [Leak::Number, Leak::Count, Leak::Time, Leak::Size] {
            if transcript(&world, false, leak) != transcript(&world, true, leak) {
                caught.insert(leak as u8);
            }
        }
        assert_eq!(transcript(&world, false, Leak::None), transcript(&world, true, Leak::None));
    }
    assert_eq!(caught.len(), 4, "a way of leaking that this test cannot see: {caught:?}");
}

#[test]
fn two_peers_are_given_numbers_that_cannot_be_laid_over_each_other() {
    let rules = vec![Rule { level: reduced(0, 0, Identity::Pseudonym), ..PLAIN }];
    let policy =
        Policy { revision: 1, rules: BTreeMap::from([(party(SOUTH), rules.clone()), (party("civil"), rules)]) };
    let own: Vec<_> = (0..50).map(|i| track(i, AircraftClass::Civil, at(0))).collect();
    let numbers = |peer: &str| -> BTreeSet<u64> {
        let mut r = Releaser::new(party(peer), [5; 32]);
        r.offer_tracks(&policy, &own, at(0));
        let envelope = Envelope { audience: party(peer), ..envelope() };
        unpack(&r.flush(&policy, &envelope, at(0)).unwrap()).iter().map(|t| t.local).collect()
    };
    assert_eq!(numbers(SOUTH).len(), 50);
    assert!(numbers(SOUTH).is_disjoint(&numbers("civil")));
}

/// What two recipients who lay their views over each other could use: that the order of the numbers is alike, or any bit
/// of them. Both are as of numbers drawn by chance, whatever becomes of the identity.
#[test]
fn numbers_of_the_same_tracks_to_two_recipients_agree_by_chance_alone() {
    const N: usize = 2_000;
    for identity in [Identity::Drop, Identity::Pseudonym, Identity::Keep] {
        let rules = vec![Rule { level: reduced(0, 0, identity), ..PLAIN }];
        let policy =
            Policy { revision: 1, rules: BTreeMap::from([(party(SOUTH), rules.clone()), (party("civil"), rules)]) };
        let own: Vec<_> = (0..N as u64).map(|i| track(i, AircraftClass::Civil, at(0))).collect();
        let numbers = |peer: &str| -> Vec<u64> {
            let mut r = Releaser::new(party(peer), [5; 32]);
            r.offer_tracks(&policy, &own, at(0));
            own.iter().map(|t| r.released(t.local).unwrap()).collect()
        };
        let (a, b) = (numbers(SOUTH), numbers("civil"));
        let ranks = |numbers: &[u64]| -> Vec<f64> {
            let mut order: Vec<usize> = (0..N).collect();
            order.sort_by_key(|i| numbers[*i]);
            let mut ranks = vec![0.0; N];
            order.iter().enumerate().for_each(|(rank, i)| ranks[*i] = rank as f64);
            ranks
        };
        let correlation = |a: &[f64], b: &[f64]| {
            let d2: f64 = a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum();
            let n = N as f64;
            1.0 - 6.0 * d2 / (n * (n * n - 1.0))
        };
        // Five times the spread of chance, 1/sqrt(N).
        let bound = 5.0 / libm::sqrt(N as f64);
        let order: Vec<f64> = (0..N).map(|i| i as f64).collect();
        for (x, y) in [(ranks(&a), ranks(&b)), (ranks(&a), order.clone()), (ranks(&b), order)] {
            assert!(correlation(&x, &y).abs() < bound, "{identity:?}: {}", correlation(&x, &y));
        }
        let bits = if identity == Identity::Keep { 32 } else { 64 };
        for bit in 0..bits {
            let alike = a.iter().zip(&b).filter(|(x, y)| (*x ^ *y) >> bit & 1 == 0).count() as f64;
            assert!((alike / N as f64 - 0.5).abs() < bound / 2.0, "{identity:?}, bit {bit}: {alike} of {N}");
        }
        assert!(a.iter().zip(&b).all(|(x, y)| x != y));
    }
}

// --- time, marking, rate ------------------------------------------------------------------------------------------

#[test]
fn a_rule_that_ends_takes_with_it_what_waits_under_it() {
    let until = |s: u64| Some(When { until: Some(at(s).utc), ..When::default() });
    let (mut r, policy) =
        (releaser(), policy(&[Rule { level: reduced(0, 10_000, Identity::Keep), when: until(30), ..PLAIN }]));
    let mut left = Vec::new();
    for second in 0..60 {
        r.offer_tracks(&policy, &[track(1, AircraftClass::Civil, at(second))], at(second));
        if !flush(&mut r, &policy, second).is_empty() {
            left.push(second);
        }
    }
    assert_eq!((left.first(), left.last()), (Some(&10), Some(&29)), "a row of 29 s would leave at 39 s");
    assert_eq!(r.waiting(), 0);
}

#[test]
fn what_waited_too_long_for_a_peer_that_does_not_ask_is_not_told() {
    let delayed = Rule { aircraft: Some(AircraftClass::Uas), level: reduced(0, 30_000, Identity::Keep), ..PLAIN };
    let rules = policy(&[delayed, PLAIN]);
    let mut r = releaser();
    // The last of them by these rules: from then on they were elsewhere, or not seen.
    for (internal, class) in [(1, AircraftClass::Civil), (2, AircraftClass::Uas)] {
        r.offer_tracks(&rules, &[track(internal, class, at(10))], at(10));
    }
    let told = |second| {
        let mut r = r.clone();
        unpack(&flush(&mut r, &rules, second)).iter().map(|row| row.class).collect::<Vec<_>>()
    };
    assert_eq!(told(129), [AircraftClass::Uas, AircraftClass::Civil]);
    assert_eq!(told(130), [AircraftClass::Uas], "two minutes are over, for what was due at once");
    assert_eq!(told(160), []);
}

#[test]
fn at_most_one_report_of_a_track_leaves_in_the_time_of_its_rule() {
    let (mut r, policy) = (releaser(), policy(&[Rule { every_ms: Some(5_000), ..PLAIN }]));
    let mut left: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for second in 0..30 {
        let own: Vec<_> = [1, 2]
            .map(|n| track(n, AircraftClass::Civil, at(second)))
            .into_iter()
            .filter(|t| t.local == 1 || second % 7 == 0)
            .collect();
        r.offer_tracks(&policy, &own, at(second));
        let out = flush(&mut r, &policy, second);
        unpack(&out).iter().for_each(|row| left.entry(r.internal(row.local).unwrap()).or_default().push(second));
    }
    assert_eq!(left[&1], [0, 5, 10, 15, 20, 25]);
    assert_eq!(left[&2], [0, 7, 14, 21, 28]);
}

#[test]
fn a_marking_decides_and_does_not_leave() {
    let marking = Marking::parse("medevac").unwrap();
    let (mut r, policy) = (releaser(), policy(&[Rule { marking: Some(marking), ..PLAIN }]));
    let own = [1, 2].map(|n| track(n, AircraftClass::Civil, at(0)));
    r.offer_marked(&policy, &own, &BTreeMap::from([(2, marking)]), at(0));
    let out = flush(&mut r, &policy, 0);
    assert_eq!(unpack(&out).iter().map(|row| r.internal(row.local)).collect::<Vec<_>>(), [Some(2)]);
    let word = out[0].bytes().windows(7).any(|w| w == b"medevac");
    assert!(!word);
}

// --- plans --------------------------------------------------------------------------------------------------------

const SUBJECT: SubjectId = SubjectId([3; 16]);

fn plans_at(level: Level) -> Policy {
    policy(&[Rule { class: RecordClass::Plans, level, ..PLAIN }])
}

fn kinds(out: &[Released<Record>]) -> Vec<(Kind, u32)> {
    out.iter().map(|r| (r.value().body.kind(), r.value().revision)).collect()
}

#[test]
fn a_conflict_is_never_the_first_a_peer_hears_of_an_aircraft() {
    let conflicts = Rule { class: RecordClass::Conflicts, ..PLAIN };
    let found = ConflictReport { own: 7, other: 99, cpa: at(60).utc, lateral_mm: 1000, vertical: None };
    let own = track(7, AircraftClass::Civil, at(0));
    let share = |rules: &[Rule], offered: bool| {
        let (mut r, policy) = (releaser(), policy(rules));
        if offered {
            r.offer_tracks(&policy, &[track(3, AircraftClass::Civil, at(0)), own], at(0));
        }
        let number = r.released(7);
        r.release_conflict(&policy, &envelope(), (&own, None), found.clone(), at(0)).unwrap().map(|c| (c, number))
    };
    assert_eq!(share(&[conflicts, PLAIN], false), None);
    assert_eq!(share(&[PLAIN], true), None);
    assert_eq!(share(&[conflicts, Rule { level: reduced(1000, 0, Identity::Keep), ..PLAIN }], true), None);
    assert_eq!(share(&[conflicts, Rule { level: reduced(0, 1000, Identity::Keep), ..PLAIN }], true), None);
    let (shared, number) = share(&[conflicts, PLAIN], true).unwrap();
    let Body::Conflict(c) = &shared.value().body else { panic!("conflict") };
    assert_eq!((Some(c.own), c.other), (number, 99));
}

#[path = "told_tests.rs"]
mod told;
