//! What a peer is told never waits for room that something withheld took; and a peer that probes with plans learns nothing.
mod common;

use common::{
    Random, START, Sent, World, aircraft, boot, circle, flown, open, pact_of, party, plan, policy, rule, signed,
    subject,
};
use node::CONFLICTS_MAX;
use node::command::Command;
use record::{Body, Role};
use release::{Level, Policy, RecordClass, Rule};
use units::AircraftClass;

/// Military flights and plans are withheld; the rest is released, conflicts too.
fn guarded() -> Policy {
    let withheld = |class| Rule { aircraft: Some(AircraftClass::Military), ..rule(class, Level::Withheld) };
    let mut rules = vec![withheld(RecordClass::Tracks), withheld(RecordClass::Plans)];
    rules.extend(RecordClass::ALL.map(|class| rule(class, Level::Full)));
    policy(&["south"], &rules)
}

fn world() -> World {
    let text = signed(&pact_of(&["north", "south"], START));
    let mut world = World::new(START, vec![boot("north", &text, guarded()), boot("south", &text, open(&["north"]))]);
    world.record = true;
    world.connect(0, 1);
    world
}

/// Two civil aircraft, one of each party, meet; `hidden` military ones of north fly in a heap not far away.
fn crowded(hidden: u32) -> (Vec<Sent>, usize, usize) {
    let mut world = world();
    for second in 0..20 {
        let now = world.now().utc;
        let heap: Vec<_> = (0..hidden)
            .map(|n| {
                let mut report = aircraft(
                    100 + n,
                    46.5 + f64::from(n % 7) / 200.0,
                    8.0 + f64::from(n / 7) / 200.0,
                    100.0,
                    90.0,
                    now,
                );
                report.class = AircraftClass::Military;
                report
            })
            .collect();
        if !heap.is_empty() {
            world.report(0, 0, &heap);
        }
        if second >= 5 {
            let from = START.plus_ms(1_000);
            let own = flown(&aircraft(1, 47.5, 8.5, 400.0, 90.0, from), now);
            let theirs = flown(&aircraft(2, 47.5, 9.3, 400.0, 270.0, from), now);
            world.report(0, 0, &[own]);
            world.report(1, 0, &[theirs]);
        }
        world.run(1_000, 100);
    }
    let conflicts = world.view(0).alerts.iter().filter(|a| a.kind == node::view::AlertKind::Conflict).count();
    let said = world.nodes[0].stores[&party("south")].out.iter();
    let shared = said.filter(|b| matches!(record::decode(b).unwrap().record.body, Body::Conflict(_))).count();
    (world.sent, conflicts, shared)
}

#[test]
fn a_book_full_of_withheld_conflicts_leaves_what_is_shared_as_it_is() {
    let (without, _, shared) = crowded(0);
    let (with, conflicts, shared_with) = crowded(60);
    assert!(conflicts >= CONFLICTS_MAX, "{conflicts}: the book is full");
    assert_eq!((shared, shared_with), (1, 1));
    assert!(without == with, "and every frame is the same, at the same time");
}

/// South files plans over places and watches everything that comes back. Half of the places have a withheld flight and a
/// withheld plan of north's in them. What came within ten seconds of each probe is all that a prober has.
fn probed(seed: u64) -> (Vec<u64>, Vec<bool>) {
    const PROBES: u64 = 16;
    let random = &mut Random(seed);
    let mut world = world();
    let place = |n: u64| (45.0 + (n / 4) as f64 * 0.8, 6.0 + (n % 4) as f64 * 1.2);
    let hidden: Vec<bool> = (0..PROBES).map(|_| random.below(2) == 1).collect();
    for (n, _) in hidden.iter().enumerate().filter(|(_, hidden)| **hidden) {
        let (lat, lon) = place(n as u64);
        let class = AircraftClass::Military;
        let plan = airspace::Plan { class, ..plan(n as u8, vec![circle(lat, lon, 8.0, START)]) };
        world.ask(0, Role::Planner, Command::FilePlan { subject: subject(100 + n as u8), plan }).unwrap();
    }
    let mut seen = Vec::new();
    for n in 0..PROBES {
        let (lat, lon) = place(n);
        let before = world.sent.len();
        let file =
            Command::FilePlan { subject: subject(n as u8), plan: plan(n as u8, vec![circle(lat, lon, 8.0, START)]) };
        world.ask(1, Role::Planner, file).unwrap();
        for _ in 0..4 {
            let now = world.now().utc;
            for (m, _) in hidden.iter().enumerate().filter(|(_, hidden)| **hidden) {
                let (lat, lon) = place(m as u64);
                let mut flight = aircraft(500 + m as u32, lat, lon, 200.0, 0.0, now);
                flight.class = AircraftClass::Military;
                world.report(0, 0, &[flight]);
            }
            world.run(500, 100);
        }
        // North's officers act on what they see, but tell nobody.
        for alert in world.view(0).alerts {
            world.ask(0, Role::Officer, Command::AcknowledgeAlert(alert.id, None)).ok();
        }
        // Times against the probe's own, sizes and contents but for what any two probes differ in: when and where in the log.
        let from_north = world.sent[before..].iter().filter(|s| s.from == 0);
        seen.push(
            from_north
                .map(|s| s.frame.len() as u64 * 1_000 + s.at.0 % 1_000)
                .fold(0, |h: u64, x| h.wrapping_mul(31).wrapping_add(x)),
        );
    }
    (seen, hidden)
}

/// For each seed the prober takes its best split of the answers by what it saw: places that answered alike are called alike,
/// by the truth of the seed before. Over 20 seeds of 16 probes, chance finds 160 of 320, with a spread of 9.
#[test]
fn a_prober_finds_withheld_flights_no_better_than_chance() {
    let mut right = 0;
    let mut all = 0;
    let mut learnt: std::collections::BTreeMap<u64, i32> = std::collections::BTreeMap::new();
    let mut same = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let (seen, hidden) = probed(seed);
        for (answer, truth) in seen.iter().zip(&hidden) {
            let guess = learnt.get(answer).copied().unwrap_or(0) > 0;
            right += u32::from(guess == *truth);
            all += 1;
        }
        for (answer, truth) in seen.iter().zip(&hidden) {
            *learnt.entry(*answer).or_default() += if *truth { 1 } else { -1 };
        }
        same.insert(seen);
    }
    // Four spreads on either side.
    assert!((124..=196).contains(&right), "{right} of {all}");
    assert_eq!(same.len(), 1, "what comes back does not depend on what is hidden at all");
}
