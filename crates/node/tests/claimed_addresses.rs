//! A peer may release a row with whatever address it likes. What it is told must not show whether somebody flies there.
mod common;

use common::{START, Sent, World, aircraft, boot, closed, flown, open, pact_of, party, policy, rule, signed};
use node::view::AlertKind;
use record::Body;
use release::{Level, Policy, RecordClass, Rule};
use track::TrackReport;
use units::{AircraftClass, Utc};

/// Military aircraft are withheld; the rest and its conflicts are told.
fn rules() -> Policy {
    let military = Rule { aircraft: Some(AircraftClass::Military), ..rule(RecordClass::Tracks, Level::Withheld) };
    policy(&["south"], &[military, rule(RecordClass::Tracks, Level::Full), rule(RecordClass::Conflicts, Level::Full)])
}

fn world(of_north: Policy) -> World {
    let text = signed(&pact_of(&["north", "south"], START));
    let south = boot("south", &text, open(&["north"]));
    let mut world = World::new(START, vec![boot("north", &text, of_north), south]);
    world.record = true;
    world.connect(0, 1);
    world
}

/// Where the withheld aircraft is known from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hidden {
    Nowhere,
    /// An own feed.
    Own,
    /// An own sensor.
    Seen,
    /// Both: the own feed falls silent after a while.
    Both,
}

/// What south releases of address 9: on a course that meets the civil aircraft, `late` ms old, every `every` steps; from
/// some step on without its address.
#[derive(Debug, Clone, Copy)]
struct Probe {
    late: i64,
    every: u64,
    nameless_from: u64,
}

fn at(world: &World) -> Utc {
    world.now().utc
}

/// A minute and a half of north's civil aircraft 1 and south's claim to fly 9, which north flies, sees, or knows nothing of.
fn play(hidden: Hidden, probe: Probe) -> World {
    let mut world = world(rules());
    let begin = at(&world);
    let civil = aircraft(1, 46.5, 8.0, 400.0, 90.0, begin);
    let mut own = aircraft(9, 46.52, 8.1, 300.0, 10.0, begin);
    own.class = AircraftClass::Military;
    let seen = TrackReport { class: AircraftClass::Unknown, ..own };
    let claimed = aircraft(9, 46.5, 8.9, 400.0, 270.0, begin);
    for step in 0..900u64 {
        let now = at(&world);
        if step % 10 == 3 {
            if matches!(hidden, Hidden::Own | Hidden::Both) && (hidden == Hidden::Own || step < 100) {
                world.report(0, 0, &[flown(&own, now)]);
            }
            if matches!(hidden, Hidden::Seen | Hidden::Both) {
                world.report(0, 1, &[flown(&seen, now)]);
            }
            world.report(0, 0, &[flown(&civil, now)]);
        }
        if step % probe.every == 5 {
            let late = now.plus_ms(-probe.late);
            let mut row = flown(&claimed, late);
            if step >= probe.nameless_from {
                (row.address, row.callsign) = (None, None);
            }
            // An own feed of south's: what it brings, south releases.
            world.report(1, 0, &[row]);
        }
        if step % 5 == 0 {
            world.tick();
        } else {
            world.pump();
        }
        world.mono += 100;
    }
    world
}

fn told_conflicts(world: &World) -> usize {
    let said = world.nodes[0].stores[&party("south")].out.iter();
    said.filter(|b| matches!(record::decode(b).unwrap().record.body, Body::Conflict(_))).count()
}

fn difference(a: &[Sent], b: &[Sent]) -> Option<String> {
    let at = (0..a.len().max(b.len())).find(|n| a.get(*n) != b.get(*n))?;
    let say = |sent: Option<&Sent>| {
        sent.map(|s| {
            (
                s.at,
                s.from,
                link::Frame::decode(&s.frame).map(|f| format!("{f:?}").chars().take(200).collect::<String>()),
            )
        })
    };
    Some(format!("frame {at}: {:?} and {:?}", say(a.get(at)), say(b.get(at))))
}

#[test]
fn a_peer_that_claims_the_address_of_a_withheld_aircraft_is_told_the_same_as_if_none_flew() {
    let now = Probe { late: 0, every: 10, nameless_from: u64::MAX };
    let mut told = Vec::new();
    for probe in [
        now,
        Probe { late: 4_000, ..now },
        Probe { late: 35_000, ..now },
        Probe { late: 100_000, ..now },
        Probe { every: 450, ..now },
        Probe { nameless_from: 300, ..now },
        Probe { late: 31_000, every: 70, nameless_from: 500 },
    ] {
        let nobody = play(Hidden::Nowhere, probe);
        for hidden in [Hidden::Own, Hidden::Seen, Hidden::Both] {
            let world = play(hidden, probe);
            if let Some(difference) = difference(&nobody.sent, &world.sent) {
                panic!("{hidden:?} {probe:?}: {difference}");
            }
        }
        told.push(told_conflicts(&nobody));
    }
    println!("conflicts told by probe: {told:?}");
    assert!(told[0] > 0 && told[2] == 0, "what is fresh is told of, and what nobody can judge is not: {told:?}");
}

#[test]
fn the_own_desk_is_told_who_releases_its_aircraft_and_nobody_else_is() {
    let world = play(Hidden::Own, Probe { late: 0, every: 10, nameless_from: u64::MAX });
    let alerts = world.view(0).alerts;
    let claimed = alerts.iter().find(|a| a.text.contains("an address of ours")).expect("an alert");
    assert!(claimed.text.starts_with("south releases aircraft with an address of ours: TEST9, "), "{}", claimed.text);
    assert_eq!((claimed.kind, claimed.level, claimed.about.as_deref()), (AlertKind::OwnPicture, 1, Some("south")));
    assert!(!world.view(1).alerts.iter().any(|a| a.text.contains("ours")));
}

/// What is told of an own aircraft does not depend on what a sensor sees of it.
#[test]
fn an_own_report_is_told_whatever_a_sensor_said_before_it() {
    let play = |sensor: bool| {
        let mut world = world(rules());
        let civil = aircraft(1, 46.5, 8.0, 400.0, 90.0, at(&world));
        for step in 0..1_400u64 {
            let now = at(&world);
            // The own feed pauses longer than what is stale, and comes back two seconds behind.
            if step % 10 == 3 && !(100..500).contains(&step) {
                world.report(0, 0, &[flown(&civil, now.plus_ms(-2_000))]);
            }
            if sensor && step % 10 == 6 {
                world.report(0, 1, &[flown(&civil, now)]);
            }
            if step % 5 == 0 {
                world.tick();
            } else {
                world.pump();
            }
            world.mono += 100;
        }
        world.sent
    };
    let (without, with) = (play(false), play(true));
    assert_eq!(difference(&without, &with), None);
    assert!(without.len() > 300);
}

#[test]
fn an_aircraft_has_no_conflict_with_what_a_peer_says_of_it() {
    let mut world = world(rules());
    let civil = aircraft(1, 46.5, 8.0, 400.0, 90.0, at(&world));
    for step in 0..200u64 {
        let now = at(&world);
        if step % 10 == 0 {
            world.report(0, 0, &[flown(&civil, now)]);
            world.report(1, 0, &[flown(&civil, now)]);
        }
        world.tick();
        world.mono += 100;
    }
    assert_eq!(told_conflicts(&world), 0);
    assert_eq!(closed().rules.len(), 0);
}
