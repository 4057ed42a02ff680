//! What peers released is there for drone traffic services: to find, to meet, and to ask for.
mod common;

use common::{START, World, boot, circle, closed, open, pact_of, plan, policy, rule, signed, site, subject};
use dss::{Ask, Extent, Id, IntentState, PutIntent, Query, Refused, Request, Supporting};
use node::ShownKind;
use node::command::Command;
use node::input::{Answered, Entry, Input, Output};
use record::Role;
use release::{Level, Policy, RecordClass};

const URL: &str = "https://north.example/utm";

/// North serves traffic services and is told what south releases.
fn pair(south: Policy) -> World {
    let pact = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &pact, open(&["south"]));
    north.dss_base_url = Some(URL.into());
    let mut world = World::new(START, vec![north, boot("south", &pact, south)]);
    world.boot(0);
    world.boot(1);
    world.connect(0, 1);
    world.run(1_000, 100);
    world
}

fn us(minutes: i64) -> i64 {
    (START.0 + minutes * 60_000) * 1000
}

fn cells(lat: f64, lng: f64) -> Vec<dss::CellKey> {
    let all = cells::circle(cells::LatLng { lat, lng }, 300.0).unwrap();
    all.iter().map(|cell| (cell.id() >> 35) as dss::CellKey).collect()
}

fn area(lat: f64, lng: f64) -> dss::AreaOfInterest {
    dss::AreaOfInterest { cells: cells(lat, lng), ..Default::default() }
}

fn intents(world: &World, n: usize, lat: f64, lng: f64) -> Vec<dss::IntentRef> {
    match world.state(n).dss().query(&Query::Intents(area(lat, lng)), "uss1") {
        Ok(dss::Found::Intents(found)) => found,
        other => panic!("{other:?}"),
    }
}

fn constraints(world: &World, n: usize, lat: f64, lng: f64) -> Vec<dss::ConstraintRef> {
    match world.state(n).dss().query(&Query::Constraints(area(lat, lng)), "uss1") {
        Ok(dss::Found::Constraints(found)) => found,
        other => panic!("{other:?}"),
    }
}

/// What a traffic service asks of a copy of the state: the world's journal knows nothing of it.
fn ask(world: &World, n: usize, manager: &str, ask: Ask) -> dss::Outcome {
    let request = Request { manager: manager.into(), entropy: [7; 32], key: None, ask };
    let mut out = Vec::new();
    world.state(n).clone().apply(&Entry { now: world.now(), input: Input::Dss(Box::new(request)) }, &mut out);
    match out.into_iter().next() {
        Some(Output::Answer(Answered::Dss(outcome))) => *outcome,
        other => panic!("{other:?}"),
    }
}

fn drone(lat: f64, lng: f64, key: &[&str]) -> PutIntent {
    PutIntent {
        extents: vec![Extent {
            cells: cells(lat, lng),
            start: us(0),
            end: us(30),
            lower: Some(8_000_000),
            upper: Some(8_100_000),
            levels_up: 0,
        }],
        key: key.iter().map(|ovn| (*ovn).to_owned()).collect(),
        state: IntentState::Accepted,
        uss_base_url: "https://uss1.example".into(),
        supporting: Supporting::Nothing,
        ovn_suffix: None,
        cmsa: false,
    }
}

#[test]
fn a_peers_plan_is_an_operational_intent_of_the_peer_to_be_named_in_the_key() {
    let mut world = pair(open(&["north"]));
    let file = |world: &mut World, n: usize, subject_n: u8, minutes: i64| {
        let mut volume = circle(46.5, 7.0, 10.0, START);
        volume.end = volume.start.plus_ms(minutes * 60_000);
        let filed = Command::FilePlan { subject: subject(subject_n), plan: plan(1, vec![volume]) };
        world.ask(n, Role::Planner, filed).unwrap();
        world.run(500, 100);
    };
    file(&mut world, 1, 1, 60);
    file(&mut world, 0, 2, 60);
    let found = intents(&world, 0, 46.5, 7.0);
    assert_eq!(found.len(), 1, "an own plan is not told to traffic services");
    let shown = &found[0];
    assert_eq!((shown.manager.as_str(), shown.uss_base_url.as_str(), shown.version), ("south", URL, 1));
    assert_eq!((shown.state, shown.start, shown.end, shown.ovn.clone()), (IntentState::Accepted, us(0), us(60), None));
    assert!(intents(&world, 0, 46.5, 7.6).is_empty(), "10 NM are 18.5 km");
    assert!(intents(&world, 1, 46.5, 7.0).is_empty(), "south serves nobody");
    // What the identifier stands for, and the version, for whoever asks for details.
    let thing = world.state(0).shown_thing(shown.id).unwrap();
    assert_eq!((thing.kind, thing.owner.as_str(), thing.subject), (ShownKind::Plan, "south", subject(1)));
    let told = world.state(0).dss().shown_intent(shown.id).unwrap().ovn.unwrap();

    // FL200 to FL400 may be 8,000 m above the ellipsoid.
    let new = Id::random([9; 16]);
    let refused = ask(&world, 0, "uss1", Ask::PutIntent(new, None, drone(46.5, 7.0, &[])));
    let Err(Refused::Airspace { intents: missing, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((missing.len(), missing[0].id, missing[0].ovn.clone()), (1, shown.id, None));
    ask(&world, 0, "uss1", Ask::PutIntent(new, None, drone(46.5, 7.0, &[&told]))).unwrap();
    let mut low = drone(46.5, 7.0, &[]);
    (low.extents[0].lower, low.extents[0].upper) = (Some(0), Some(120_000));
    ask(&world, 0, "uss1", Ask::PutIntent(new, None, low)).unwrap();
    // Nobody manages it here, whatever he calls himself.
    for manager in ["uss1", "south"] {
        let taken = ask(&world, 0, manager, Ask::PutIntent(shown.id, Some(told.clone()), drone(46.5, 7.0, &[])));
        assert!(matches!(taken, Err(Refused::Forbidden(_))), "{taken:?}");
        let deleted = ask(&world, 0, manager, Ask::DeleteIntent(shown.id, told.clone()));
        assert!(matches!(deleted, Err(Refused::Forbidden(_))), "{deleted:?}");
    }

    // Changed, it has another version; cancelled, it is gone.
    file(&mut world, 1, 1, 90);
    let changed = intents(&world, 0, 46.5, 7.0);
    assert_eq!((changed.len(), changed[0].version, changed[0].end), (1, 2, us(90)));
    let now = world.state(0).dss().shown_intent(shown.id).unwrap().ovn.unwrap();
    assert!(now != told);
    let old = ask(&world, 0, "uss1", Ask::PutIntent(new, None, drone(46.5, 7.0, &[&told])));
    assert!(matches!(old, Err(Refused::Airspace { .. })), "{old:?}");
    for from_snapshot in [true, false] {
        world.restart(0, from_snapshot);
        assert_eq!(world.state(0).dss().shown_intent(shown.id).unwrap().ovn, Some(now.clone()), "{from_snapshot}");
    }
    world.connect(0, 1);
    world.run(1_000, 100);
    world.ask(1, Role::Planner, Command::CancelPlan(subject(1))).unwrap();
    world.run(500, 100);
    assert!(intents(&world, 0, 46.5, 7.0).is_empty());
    assert_eq!(world.state(0).shown_thing(shown.id), None);
}

#[test]
fn sites_and_avoid_areas_of_a_peer_are_constraints() {
    let mut world = pair(open(&["north"]));
    let mut site = site(46.5, 7.0);
    site.expires = START.plus_ms(86_400_000);
    let expires = site.expires;
    world.ask(1, Role::Planner, Command::FileSite { subject: subject(1), site }).unwrap();
    let volumes = vec![circle(10.0, 20.0, 300.0, START)];
    let avoid = Command::SendAvoid { subject: subject(2), to: vec![common::party("north")], volumes };
    world.ask(1, Role::Planner, avoid).unwrap();
    world.run(1_000, 100);
    let found = constraints(&world, 0, 46.5, 7.0);
    assert_eq!((found.len(), found[0].manager.as_str(), found[0].end), (1, "south", expires.0 * 1000));
    // 300 NM are larger than any client's area, and are met all the same: in the middle, at the edge, and not far from it.
    for (lat, lng, met) in [(10.0, 20.0, 1), (14.9, 20.0, 1), (10.0, 24.9, 1), (17.0, 20.0, 0), (10.0, -20.0, 0)] {
        assert_eq!(constraints(&world, 0, lat, lng).len(), met, "{lat} {lng}");
    }
    let kinds: Vec<ShownKind> = [46.5, 10.0]
        .iter()
        .zip([7.0, 20.0])
        .flat_map(|(lat, lng)| constraints(&world, 0, *lat, lng))
        .map(|c| world.state(0).shown_thing(c.id).unwrap().kind)
        .collect();
    assert_eq!(kinds, [ShownKind::Site, ShownKind::Avoid]);
    world.ask(1, Role::Planner, Command::RemoveSite(subject(1))).unwrap();
    world.run(500, 100);
    assert!(constraints(&world, 0, 46.5, 7.0).is_empty());
}

#[test]
fn what_is_not_released_is_not_there_and_what_is_released_as_an_avoid_area_is_a_constraint() {
    let coarse = rule(RecordClass::Plans, Level::AvoidArea { cell_e7: 1_000_000, bin_ms: 5_000 });
    for (rules, shown) in [(closed(), 0), (policy(&["north"], &[coarse]), 1)] {
        let mut world = pair(rules);
        let filed = plan(1, vec![circle(46.5, 7.0, 10.0, START)]);
        world.ask(1, Role::Planner, Command::FilePlan { subject: subject(1), plan: filed }).unwrap();
        world.run(20_000, 100);
        assert_eq!(intents(&world, 0, 46.5, 7.0).len(), 0);
        assert_eq!(constraints(&world, 0, 46.5, 7.0).len(), shown);
    }
}

#[test]
fn a_node_that_serves_nobody_any_more_shows_nothing_and_one_that_does_again_shows_all() {
    let mut world = pair(open(&["north"]));
    let filed = plan(1, vec![circle(46.5, 7.0, 10.0, START)]);
    world.ask(1, Role::Planner, Command::FilePlan { subject: subject(1), plan: filed }).unwrap();
    world.run(500, 100);
    let boot_as = |world: &World, url: Option<&str>| {
        let mut boot = world.state(0).booted().unwrap().clone();
        boot.dss_base_url = url.map(Into::into);
        let mut state = world.state(0).clone();
        state.apply(&Entry { now: world.now(), input: Input::Boot(Box::new(boot)) }, &mut Vec::new());
        state
    };
    let found = |state: &node::State| state.dss().query(&Query::Intents(area(46.5, 7.0)), "uss1").unwrap();
    assert_eq!(found(&boot_as(&world, None)), dss::Found::Intents(Vec::new()));
    let dss::Found::Intents(moved) = found(&boot_as(&world, Some("https://other.example"))) else { panic!() };
    assert_eq!((moved.len(), moved[0].uss_base_url.as_str(), moved[0].version), (1, "https://other.example", 2));
    let again = boot_as(&world, Some(URL));
    assert_eq!(found(&again), found(world.state(0)), "nothing has changed");
}
