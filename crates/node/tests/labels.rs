//! What an aircraft may be taken for: by its feeds, its plans and its own marking. The least of it is told.
mod common;

use airspace::{Plan, PlanState};
use common::{START, World, aircraft, boot, circle, closed, pact_of, party, plan, policy, rule, signed, subject};
use node::command::Command;
use node::input::{Claim, FeedConfig};
use record::{ChannelState, Role};
use release::{Identity, Level, Marking, Policy, RecordClass, Rule};
use track::TrackReport;
use units::AircraftClass;

const TRACKS: RecordClass = RecordClass::Tracks;
const LATE: Level = Level::Reduced { precision_mm: 0, delay_ms: 5_000, identity: Identity::Keep };

fn mark(word: &str) -> Marking {
    Marking::parse(word).unwrap()
}

/// Own feeds, each with its class and marking, and rules towards south.
fn world(feeds: &[(AircraftClass, Option<Marking>)], of_north: Policy) -> World {
    let text = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &text, of_north);
    north.markings = vec![mark("secret"), mark("open"), mark("odd")];
    let feed = |(n, (class, marking)): (usize, &(AircraftClass, Option<Marking>))| FeedConfig {
        name: format!("feed{n}"),
        format: "test".into(),
        claim: Claim::Own,
        class: *class,
        marking: *marking,
    };
    north.feeds = feeds.iter().enumerate().map(feed).collect();
    let mut world = World::new(START, vec![north, boot("south", &text, closed())]);
    world.connect(0, 1);
    world
}

fn seen(world: &World) -> Vec<String> {
    world.view(1).tracks.iter().map(|t| t.report.callsign.map_or_else(|| "-".into(), |c| c.to_string())).collect()
}

fn previewed(world: &World) -> u64 {
    let preview = world.state(0).preview(&party("south"), world.now()).unwrap();
    preview.next.iter().map(|record| u64::from(record.ledger().rows)).sum()
}

#[test]
fn an_aircraft_that_two_own_feeds_bring_is_told_as_the_stricter_of_them_and_the_preview_says_so() {
    let secret = Some(mark("secret"));
    let civil = AircraftClass::Civil;
    let marked = Rule { marking: secret, ..rule(TRACKS, Level::Withheld) };
    let military = Rule { aircraft: Some(AircraftClass::Military), ..rule(TRACKS, Level::Withheld) };
    let rules = policy(&["south"], &[marked, military, rule(TRACKS, Level::Full)]);
    for other in [(civil, secret), (AircraftClass::Military, None)] {
        // Whichever feed comes first, and whichever reports last.
        for feeds in [[other, (civil, None)], [(civil, None), other]] {
            let mut world = world(&feeds, rules.clone());
            let both = |world: &World, n| {
                let at = world.now().utc;
                TrackReport { class: AircraftClass::Unknown, ..aircraft(n, 46.0, 8.0 + f64::from(n), 200.0, 90.0, at) }
            };
            for step in 0..6 {
                for feed in [step % 2, 1 - step % 2] {
                    let report = both(&world, 1);
                    world.report(0, feed, &[report]);
                    world.mono += 300;
                }
                let open = if feeds[0] == other { 1 } else { 0 };
                let report = both(&world, 2);
                world.report(0, open, &[report]);
                world.run(400, 100);
            }
            assert_eq!(seen(&world), ["TEST2"], "{feeds:?}");
            assert_eq!(previewed(&world), 1);
        }
    }
}

#[test]
fn what_waits_is_dropped_when_a_second_feed_brings_the_aircraft_under_a_stricter_marking() {
    let rules = policy(
        &["south"],
        &[Rule { marking: Some(mark("secret")), ..rule(TRACKS, Level::Withheld) }, rule(TRACKS, LATE)],
    );
    let mut world = world(&[(AircraftClass::Civil, None), (AircraftClass::Civil, Some(mark("secret")))], rules);
    let report = aircraft(1, 46.0, 8.0, 200.0, 90.0, world.now().utc);
    world.report(0, 0, &[report]);
    world.run(1_000, 100);
    let report = aircraft(1, 46.0, 8.0, 200.0, 90.0, world.now().utc);
    world.report(0, 1, &[report]);
    world.run(9_000, 100);
    assert!(seen(&world).is_empty());
}

fn flight(n: u8, state: PlanState, address: u32, hours: [i64; 2]) -> Plan {
    let mut volume = circle(46.5, 8.5, 10.0, START);
    (volume.start, volume.end) = (START.plus_ms(hours[0] * 3_600_000), START.plus_ms(hours[1] * 3_600_000));
    Plan { state, address: Some(address), ..plan(n, vec![volume]) }
}

#[test]
fn what_waits_is_dropped_when_a_plan_begins_or_ceases_to_mark_the_aircraft() {
    let secret = Some(mark("secret"));
    let rules = policy(&["south"], &[Rule { marking: secret, ..rule(TRACKS, Level::Withheld) }, rule(TRACKS, LATE)]);
    let address = 0x40_0001;
    let other = 0x40_0009;
    let filed = |plan: Plan| Command::FilePlan { subject: subject(1), plan };
    let marked = |plan: Plan| Command::FileMarkedPlan { subject: subject(1), plan, marking: secret };
    let hours = [0, 5];
    type Case = (&'static str, Plan, Command);
    let begins: [Case; 3] = [
        (
            "a plan is activated",
            flight(1, PlanState::Ended, address, hours),
            filed(flight(1, PlanState::Activated, address, hours)),
        ),
        (
            "and is filed again with its word",
            flight(1, PlanState::Ended, address, hours),
            marked(flight(1, PlanState::Activated, address, hours)),
        ),
        (
            "a plan gets the address",
            flight(1, PlanState::Accepted, other, hours),
            filed(flight(1, PlanState::Accepted, address, hours)),
        ),
    ];
    for (why, before, change) in begins {
        let mut world = world(&[(AircraftClass::Civil, None)], rules.clone());
        world.ask(0, Role::Planner, marked(before)).unwrap();
        let report = aircraft(1, 46.0, 8.0, 200.0, 90.0, world.now().utc);
        world.report(0, 0, &[report]);
        world.run(1_000, 100);
        world.ask(0, Role::Planner, change).unwrap();
        world.run(9_000, 100);
        assert!(seen(&world).is_empty(), "{why}");
    }
    // A plan of another word ceases: what waits was allowed under that word.
    let odd = Some(mark("odd"));
    let rules = policy(&["south"], &[Rule { marking: odd, ..rule(TRACKS, LATE) }, rule(TRACKS, Level::Full)]);
    let ceases = [
        Command::CancelPlan(subject(1)),
        filed(flight(1, PlanState::Ended, address, hours)),
        filed(flight(1, PlanState::Accepted, other, hours)),
    ];
    for change in ceases {
        let mut world = world(&[(AircraftClass::Civil, None)], rules.clone());
        let plan = flight(1, PlanState::Accepted, address, hours);
        world.ask(0, Role::Planner, Command::FileMarkedPlan { subject: subject(1), plan, marking: odd }).unwrap();
        let report = aircraft(1, 46.0, 8.0, 200.0, 90.0, world.now().utc);
        world.report(0, 0, &[report]);
        world.run(1_000, 100);
        world.ask(0, Role::Planner, change).unwrap();
        world.run(9_000, 100);
        assert!(seen(&world).is_empty());
    }
}

#[test]
fn of_two_live_plans_the_stricter_one_marks_until_its_time_is_over() {
    let (secret, open) = (Some(mark("secret")), Some(mark("open")));
    let rules =
        policy(&["south"], &[Rule { marking: secret, ..rule(TRACKS, Level::Withheld) }, rule(TRACKS, Level::Full)]);
    let address = 0x40_0001;
    // Whatever the subjects' order is.
    for (first, second) in [(1, 2), (2, 1)] {
        for (secret_h, open_h, told) in [
            ([0, 5], [100, 105], false),
            // Who files a plan for now takes nothing from the one for later.
            ([100, 105], [0, 5], false),
            ([-3, -1], [0, 5], true),
            ([0, 5], [0, 5], false),
            ([50, 55], [100, 105], false),
        ] {
            let mut world = world(&[(AircraftClass::Civil, None)], rules.clone());
            for (n, marking, hours) in [(first, secret, secret_h), (second, open, open_h)] {
                let plan = flight(n, PlanState::Accepted, address, hours);
                world.ask(0, Role::Planner, Command::FileMarkedPlan { subject: subject(n), plan, marking }).unwrap();
            }
            world.run(1_000, 100);
            let report = aircraft(1, 46.0, 8.0, 200.0, 90.0, world.now().utc);
            world.report(0, 0, &[report]);
            world.run(2_000, 100);
            assert_eq!(!seen(&world).is_empty(), told, "{first} {secret_h:?} {open_h:?}");
        }
    }
}

#[test]
fn a_plan_lets_out_no_more_of_an_aircraft_than_it_bears_without_the_plan() {
    let (odd, open) = (Some(mark("odd")), Some(mark("open")));
    let full = |marking| Rule { marking, ..rule(TRACKS, Level::Full) };
    let coarse = Level::Coarse { cell_e7: 2_000_000, bin_ms: 60_000 };
    let address = 0x40_0001;
    let file = |n, address, marking| Command::FileMarkedPlan {
        subject: subject(n),
        plan: flight(n, PlanState::Accepted, address, [0, 5]),
        marking,
    };
    // Filed for it, filed again for it, filed beside another.
    let ways: [&[Command]; 3] = [
        &[file(1, address, open)],
        &[file(1, 0x40_0009, open), file(1, address, open)],
        &[file(1, address, odd), file(2, address, open)],
    ];
    for of_feed in [None, odd] {
        for least in [Level::Withheld, coarse] {
            for way in ways {
                let mut world =
                    world(&[(AircraftClass::Civil, of_feed)], policy(&["south"], &[full(open), rule(TRACKS, least)]));
                for command in way {
                    world.ask(0, Role::Planner, command.clone()).unwrap();
                }
                for _ in 0..40 {
                    let report = aircraft(1, 46.0, 8.0, 200.0, 90.0, world.now().utc);
                    world.report(0, 0, &[report]);
                    world.run(2_000, 100);
                }
                let told = if least == Level::Withheld { vec![] } else { vec!["-".to_string()] };
                assert_eq!(seen(&world), told, "{way:?}");
            }
        }
    }
}

#[test]
fn a_plan_takes_nothing_from_the_marking_of_a_feed() {
    let (secret, open) = (Some(mark("secret")), Some(mark("open")));
    let rules =
        policy(&["south"], &[Rule { marking: secret, ..rule(TRACKS, Level::Withheld) }, rule(TRACKS, Level::Full)]);
    for (of_feed, told) in [(secret, false), (None, true)] {
        let mut world = world(&[(AircraftClass::Civil, of_feed)], rules.clone());
        let plan = flight(1, PlanState::Accepted, 0x40_0001, [0, 5]);
        world.ask(0, Role::Planner, Command::FileMarkedPlan { subject: subject(1), plan, marking: open }).unwrap();
        let report = aircraft(1, 46.0, 8.0, 200.0, 90.0, world.now().utc);
        world.report(0, 0, &[report]);
        world.run(2_000, 100);
        assert_eq!(!seen(&world).is_empty(), told);
    }
}

#[test]
fn a_refused_command_changes_no_marking_also_of_a_word_that_is_no_longer_listed() {
    let secret = Some(mark("secret"));
    let plans = RecordClass::Plans;
    let rules =
        policy(&["south"], &[Rule { marking: secret, ..rule(plans, Level::Withheld) }, rule(plans, Level::Full)]);
    let mut world = world(&[(AircraftClass::Civil, None)], rules);
    let plan = flight(1, PlanState::Accepted, 0x40_0001, [0, 5]);
    world
        .ask(0, Role::Planner, Command::FileMarkedPlan { subject: subject(1), plan: plan.clone(), marking: secret })
        .unwrap();
    world.nodes[0].boot.markings = vec![mark("open")];
    world.restart(0, false);
    let empty = Plan { volumes: Vec::new(), ..plan.clone() };
    let refused =
        world.refusal(0, Role::Planner, Command::FileMarkedPlan { subject: subject(1), plan: empty, marking: None });
    assert!(refused.contains("plan"), "{refused}");
    let unlisted = Command::FileMarkedPlan { subject: subject(2), plan, marking: secret };
    assert_eq!(world.refusal(0, Role::Planner, unlisted), "no such marking: secret");
    // Everything is told anew.
    for state in [ChannelState::Suspended, ChannelState::Resumed] {
        let stated = Command::StateChannel { peer: party("south"), state, reason: "a test".into() };
        world.ask(0, Role::Administrator, stated).unwrap();
        world.run(11_000, 100);
    }
    world.run(2_000, 100);
    assert!(world.view(1).plans.is_empty());
}

#[test]
fn a_plan_that_is_forgotten_takes_its_marking_with_it() {
    let mut world = world(&[(AircraftClass::Civil, None)], closed());
    let marked = |world: &World| world.state(0).marks().len();
    let plan = flight(1, PlanState::Accepted, 0x40_0001, [0, 1]);
    world
        .ask(0, Role::Planner, Command::FileMarkedPlan { subject: subject(1), plan, marking: Some(mark("odd")) })
        .unwrap();
    assert_eq!(marked(&world), 1);
    world.mono += 26 * 3_600_000;
    world.run(2_000, 1_000);
    assert!(world.view(0).plans.is_empty());
    assert_eq!(marked(&world), 0);
}
