//! What peers released is there for drone traffic services: to find, to meet, and to ask for.
mod common;

use common::{START, World, boot, circle, closed, open, pact_of, plan, policy, rule, signed, site, subject};
use dss::{Ask, Extent, Id, IntentState, PutIntent, Query, Refused, Request, Supporting};
use node::ShownKind;
use node::command::Command;
use node::input::{Answered, Entry, Input, Outlined, Output};
use record::Role;
use release::{Level, Marking, Policy, RecordClass};

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
    world.state(n).clone().apply(&Entry { now: world.now(), input: Input::Dss(Box::new(request), None) }, &mut out);
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

/// North files what traffic services write as plans marked `drones`, of which south is told by these rules; south shows what it is
/// told to its own.
fn filing(rules: &[release::Rule]) -> World {
    let pact = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &pact, policy(&["south"], rules));
    let drones = release::Marking::parse("drones");
    (north.markings, north.dss_marking) = (drones.into_iter().collect(), drones);
    let mut south = boot("south", &pact, closed());
    south.dss_base_url = Some("https://south.example".into());
    let mut world = World::new(START, vec![north, south]);
    world.boot(0);
    world.boot(1);
    world.connect(0, 1);
    world.run(1_000, 100);
    world
}

/// North starts again with this marking of intents.
fn start_with(world: &mut World, marking: Option<&str>) {
    let mut boot = world.state(0).booted().unwrap().clone();
    boot.markings = ["drones", "patrols"].into_iter().filter_map(release::Marking::parse).collect();
    boot.dss_marking = marking.and_then(release::Marking::parse);
    world.cut(0, 1);
    world.input(0, Input::Boot(Box::new(boot)));
    world.connect(0, 1);
    world.run(3_000, 100);
}

fn of_drones() -> release::Rule {
    release::Rule { marking: release::Marking::parse("drones"), ..rule(RecordClass::Plans, Level::Full) }
}

fn write(world: &mut World, manager: &str, ask: Ask, volumes: Vec<airspace::Volume4d>) {
    write_with(world, None, manager, ask, volumes);
}

/// With an idempotency key.
fn write_with(world: &mut World, key: Option<&str>, manager: &str, ask: Ask, volumes: Vec<airspace::Volume4d>) {
    let entropy = [world.now().mono.0 as u8; 32];
    let request = Request { manager: manager.into(), entropy, key: key.map(Into::into), ask };
    world.input(0, Input::Dss(Box::new(request), Some(Box::new(Outlined::Volumes(volumes)))));
}

fn nth(n: u16) -> Id {
    Id::random([n as u8, (n >> 8) as u8, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5])
}

/// So many of uss1, apart from each other.
fn write_many(world: &mut World, many: u16) {
    for n in 0..many {
        let lat = -40.0 + f64::from(n) / 10.0;
        let ask = Ask::PutIntent(nth(n), None, drone(lat, 7.0, &[]));
        write(world, "uss1", ask, vec![circle(lat, 7.0, 0.1, START)]);
    }
}

/// What the desk is told of intents that are not filed.
fn unfiled(world: &World) -> Option<String> {
    let said =
        |alert: &node::view::AlertView| alert.state != "cleared" && alert.text.contains("not filed as now written");
    world.view(0).alerts.into_iter().find(said).map(|alert| alert.text)
}

fn ovn(world: &World, id: Id, client: &str) -> Option<String> {
    match world.state(0).dss().query(&Query::Intent(id), client) {
        Ok(dss::Found::Intent(intent)) => intent.ovn,
        _ => None,
    }
}

fn own_plans(world: &World, n: usize) -> Vec<node::view::PlanView> {
    world.view(n).plans.into_iter().filter(|plan| plan.owner == node::view::Owner::Own).collect()
}

fn told_plans(world: &World) -> Vec<node::view::PlanView> {
    world.view(1).plans.into_iter().filter(|plan| matches!(plan.owner, node::view::Owner::Peer(_))).collect()
}

#[test]
fn an_intent_of_a_traffic_service_is_a_plan_that_peers_are_told_of_by_the_rules_and_show_to_theirs() {
    let mut world = filing(&[of_drones()]);
    let id = Id::random([9; 16]);
    let volumes = vec![circle(46.5, 7.0, 0.1, START)];
    write(&mut world, "uss1", Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), volumes.clone());
    assert!(own_plans(&world, 0).is_empty(), "the answer does not wait for it");
    world.run(500, 100);
    let own = own_plans(&world, 0);
    assert_eq!((own.len(), own[0].uss.as_deref(), &own[0].plan.volumes), (1, Some("uss1"), &volumes));
    assert_eq!((own[0].plan.state, own[0].plan.class), (airspace::PlanState::Accepted, units::AircraftClass::Uas));
    let told = told_plans(&world);
    assert_eq!((told.len(), &told[0].plan, told[0].uss.clone()), (1, &own[0].plan, None), "of whom is not told");
    let shown = intents(&world, 1, 46.5, 7.0);
    assert_eq!((shown.len(), shown[0].manager.as_str(), shown[0].state), (1, "north", IntentState::Accepted));
    assert!(intents(&world, 0, 46.5, 7.0).iter().all(|intent| intent.id == id), "and not to its own once more");

    // It follows the state, and nobody else changes it.
    let mut flown = drone(46.5, 7.0, &[]);
    flown.state = IntentState::Activated;
    flown.supporting =
        Supporting::New(dss::NewSubscription { uss_base_url: "https://uss1.example".into(), constraints: false });
    let version = ovn(&world, id, "uss1");
    write(&mut world, "uss1", Ask::PutIntent(id, version, flown), volumes.clone());
    world.run(500, 100);
    assert_eq!(told_plans(&world)[0].plan.state, airspace::PlanState::Activated);
    for command in [
        Command::CancelPlan(own[0].subject),
        Command::FilePlan { subject: own[0].subject, plan: plan(1, volumes.clone()) },
        Command::FileMarkedPlan { subject: own[0].subject, plan: plan(1, volumes), marking: None },
        Command::DeclarePlan { subject: own[0].subject, state: airspace::PlanState::Contingent },
    ] {
        let refused = world.refusal(0, Role::Planner, command);
        assert!(refused.contains("traffic service uss1"), "{refused}");
    }
    for from_snapshot in [true, false] {
        world.restart(0, from_snapshot);
        assert_eq!(own_plans(&world, 0)[0].uss.as_deref(), Some("uss1"), "{from_snapshot}");
    }
    world.run(1_000, 100);

    // Deleted, it is over for everybody. The same identifier is another flight then.
    let version = ovn(&world, id, "uss1").unwrap();
    write(&mut world, "uss1", Ask::DeleteIntent(id, version), Vec::new());
    world.run(1_000, 100);
    assert_eq!((own_plans(&world, 0).len(), told_plans(&world).len()), (0, 0));
    assert!(intents(&world, 1, 46.5, 7.0).is_empty());
    write(&mut world, "uss1", Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), vec![circle(46.5, 7.0, 0.1, START)]);
    world.run(1_000, 100);
    let (again, told) = (own_plans(&world, 0), told_plans(&world));
    assert_ne!(again[0].subject, own[0].subject);
    assert_eq!((again[0].revision, told[0].revision, told[0].subject), (1, 1, again[0].subject));
}

#[test]
fn what_the_rules_do_not_name_or_the_node_does_not_file_is_told_to_nobody() {
    let other = release::Rule { marking: release::Marking::parse("patrols"), ..of_drones() };
    let coarse = Level::AvoidArea { cell_e7: 1_000_000, bin_ms: 5_000 };
    for (rules, level) in [(vec![other], "none"), (vec![release::Rule { level: coarse, ..of_drones() }], "area")] {
        let mut world = filing(&rules);
        let put = Ask::PutIntent(Id::random([9; 16]), None, drone(46.5, 7.0, &[]));
        write(&mut world, "uss1", put, vec![circle(46.5, 7.0, 0.1, START)]);
        world.run(12_000, 100);
        assert_eq!((own_plans(&world, 0).len(), told_plans(&world).len()), (1, 0), "{level}");
        assert_eq!(constraints(&world, 1, 46.5, 7.0).len(), usize::from(level == "area"));
        assert!(intents(&world, 1, 46.5, 7.0).is_empty());
    }
    // Switched off, what was filed ends.
    let mut world = filing(&[of_drones()]);
    let put = |n: u8| Ask::PutIntent(Id::random([n; 16]), None, drone(46.5, 7.0 + f64::from(n), &[]));
    write(&mut world, "uss1", put(1), vec![circle(46.5, 8.0, 0.1, START)]);
    world.run(500, 100);
    assert_eq!(told_plans(&world).len(), 1);
    start_with(&mut world, None);
    write(&mut world, "uss1", put(2), vec![circle(46.5, 9.0, 0.1, START)]);
    world.run(500, 100);
    assert_eq!((own_plans(&world, 0).len(), told_plans(&world).len()), (0, 0));
}

#[test]
fn an_intent_that_nobody_deletes_is_gone_a_minute_after_its_end() {
    let mut world = filing(&[of_drones()]);
    let mut short = circle(46.5, 7.0, 0.1, START);
    short.end = world.now().utc.plus_ms(20_000);
    let id = Id::random([9; 16]);
    write(&mut world, "uss1", Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), vec![short]);
    world.run(75_000, 100);
    assert_eq!((own_plans(&world, 0).len(), told_plans(&world).len()), (1, 1));
    world.run(10_000, 100);
    assert_eq!((own_plans(&world, 0).len(), told_plans(&world).len()), (0, 0));
}

#[test]
fn an_intent_that_ended_by_a_clock_that_was_ahead_is_said_until_it_is_written_again() {
    let mut world = filing(&[of_drones()]);
    let (id, volumes) = (Id::random([9; 16]), vec![circle(46.5, 7.0, 0.1, START)]);
    write(&mut world, "uss1", Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), volumes.clone());
    world.run(1_000, 100);
    world.start = START.plus_ms(3 * 3_600_000);
    world.run(2_000, 100);
    assert_eq!((own_plans(&world, 0).len(), unfiled(&world)), (0, None), "it is over");
    world.start = START;
    world.run(2_000, 100);
    let text = unfiled(&world).unwrap();
    assert!(text.contains("1 of uss1") && text.contains("by a clock that was ahead"), "{text}");
    let version = ovn(&world, id, "uss1");
    write(&mut world, "uss1", Ask::PutIntent(id, version, drone(46.5, 7.0, &[])), volumes);
    world.run(15_000, 500);
    assert_eq!((own_plans(&world, 0).len(), unfiled(&world)), (1, None));
}

#[test]
fn another_marking_is_taken_up_at_the_start_and_what_was_written_before_any_is_said() {
    let mut world = filing(&[of_drones()]);
    let put = |n: u8| Ask::PutIntent(Id::random([n; 16]), None, drone(46.5, 7.0 + f64::from(n), &[]));
    for n in [1, 2] {
        write(&mut world, "uss1", put(n), vec![circle(46.5, 7.0 + f64::from(n), 0.1, START)]);
    }
    world.run(500, 100);
    let first = own_plans(&world, 0)[0].subject;
    world.ask(0, Role::Planner, Command::MarkPlan { subject: first, marking: None }).unwrap();
    world.run(500, 100);
    assert_eq!(told_plans(&world).len(), 1);
    // Of patrols nobody is told.
    start_with(&mut world, Some("patrols"));
    assert_eq!((told_plans(&world).len(), own_plans(&world, 0).len()), (0, 2));
    start_with(&mut world, Some("drones"));
    assert_eq!((told_plans(&world).len(), unfiled(&world)), (1, None), "and what a planner made of one stays");

    start_with(&mut world, None);
    assert_eq!(own_plans(&world, 0).len(), 0);
    start_with(&mut world, Some("drones"));
    assert_eq!(own_plans(&world, 0).len(), 0);
    let text = unfiled(&world).unwrap();
    assert!(text.contains("2 operational intents") && text.contains("2 of uss1"), "{text}");
    let version = ovn(&world, Id::random([1; 16]), "uss1");
    let again = Ask::PutIntent(Id::random([1; 16]), version, drone(46.5, 8.0, &[]));
    write(&mut world, "uss1", again, vec![circle(46.5, 8.0, 0.1, START)]);
    world.run(3_000, 100);
    assert_eq!((told_plans(&world).len(), unfiled(&world).unwrap().contains("1 operational intent ")), (1, true));
}

#[test]
fn what_cannot_be_filed_is_said_at_the_desk_and_takes_nobody_elses_room() {
    let mut world = filing(&[of_drones()]);
    // A boundary that crosses itself is none, whatever cells it has.
    let mut crossed = circle(46.5, 7.0, 0.1, START);
    let vertex = |lat: f64, lon: f64| units::Vertex { lat_e9: (lat * 1e9) as i64, lon_e9: (lon * 1e9) as i64 };
    crossed.outline =
        airspace::Outline::Polygon(vec![vertex(46.5, 7.0), vertex(46.6, 7.1), vertex(46.6, 7.0), vertex(46.5, 7.1)]);
    let id = Id::random([9; 16]);
    write(&mut world, "uss1", Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), vec![crossed]);
    world.run(2_000, 100);
    let text = unfiled(&world).unwrap();
    assert!(
        text.contains("1 operational intent ") && text.contains("uss1") && text.contains("crosses itself"),
        "{text}"
    );
    assert!(own_plans(&world, 0).is_empty());
    // Mended, it is filed and the trouble over.
    let version = ovn(&world, id, "uss1");
    write(&mut world, "uss1", Ask::PutIntent(id, version, drone(46.5, 7.0, &[])), vec![circle(46.5, 7.0, 0.1, START)]);
    world.run(12_000, 100);
    assert_eq!((unfiled(&world), own_plans(&world, 0).len()), (None, 1));

    // More corners than its share; another's intent that comes after all of these waits for none of them.
    let many = |lat: f64| {
        let corner = |n: usize| {
            let angle = core::f64::consts::TAU * n as f64 / 250.0;
            vertex(lat + 0.001 * angle.sin(), 7.0 + 0.001 * angle.cos())
        };
        let outline = airspace::Outline::Polygon((0..250).map(corner).collect());
        vec![airspace::Volume4d { outline, ..circle(46.5, 7.0, 0.1, START) }]
    };
    for n in 10..60u8 {
        let lat = 10.0 + f64::from(n);
        write(&mut world, "uss2", Ask::PutIntent(Id::random([n; 16]), None, drone(lat, 7.0, &[])), many(lat));
    }
    let late = Ask::PutIntent(Id::random([99; 16]), None, drone(30.0, 9.0, &[]));
    write(&mut world, "uss3", late, vec![circle(30.0, 9.0, 0.1, START)]);
    world.run(100, 100);
    assert!(own_plans(&world, 0).iter().any(|plan| plan.uss.as_deref() == Some("uss3")));
    world.run(3_000, 100);
    let of = |world: &World| own_plans(world, 0).iter().filter(|plan| plan.uss.as_deref() == Some("uss2")).count();
    assert_eq!(of(&world), 40, "40 of 250 corners");
    let text = unfiled(&world).unwrap();
    assert!(text.contains("10 operational intents") && text.contains("10000 corners of one traffic service"), "{text}");
    // Whoever deletes what is filed has its room again as soon as peers were told.
    let id = Id::random([10; 16]);
    let version = ovn(&world, id, "uss2").unwrap();
    write(&mut world, "uss2", Ask::DeleteIntent(id, version), Vec::new());
    write(&mut world, "uss2", Ask::PutIntent(Id::random([70; 16]), None, drone(-20.0, 7.0, &[])), many(-20.0));
    world.run(2_000, 100);
    assert!(unfiled(&world).unwrap().contains("11 operational intents"));
    assert_eq!(of(&world), 39);
    write(&mut world, "uss2", Ask::PutIntent(Id::random([71; 16]), None, drone(-30.0, 7.0, &[])), many(-30.0));
    world.run(2_000, 100);
    assert_eq!(of(&world), 40);

    // Nobody's many hide another's.
    for n in 0..300u16 {
        let id = Id::random([n as u8, (n >> 8) as u8, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]);
        write(&mut world, "uss2", Ask::PutIntent(id, None, drone(-30.0, 20.0 + f64::from(n) / 10.0, &[])), many(-30.0));
    }
    let request = Request {
        manager: "uss4".into(),
        entropy: [3; 32],
        key: None,
        ask: Ask::PutIntent(Id::random([98; 16]), None, drone(-50.0, 7.0, &[])),
    };
    world.input(0, Input::Dss(Box::new(request), Some(Box::new(Outlined::Unfit("300 volumes".into())))));
    world.run(2_000, 100);
    let text = unfiled(&world).unwrap();
    assert!(
        text.contains("201 or more operational intents") && text.contains("1 of uss4") && text.contains("300 volumes"),
        "{text}"
    );
}

#[test]
fn an_identifier_that_comes_again_before_the_plan_has_ended_is_another_plan() {
    let mut world = filing(&[of_drones()]);
    let id = Id::random([9; 16]);
    let volumes = vec![circle(46.5, 7.0, 0.1, START)];
    write(&mut world, "uss1", Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), volumes.clone());
    world.run(500, 100);
    let first = own_plans(&world, 0)[0].subject;
    world.ask(0, Role::Planner, Command::MarkPlan { subject: first, marking: None }).unwrap();
    for (manager, next) in [("uss1", "uss2"), ("uss2", "uss2")] {
        let before = own_plans(&world, 0)[0].subject;
        let version = ovn(&world, id, manager).unwrap();
        write(&mut world, manager, Ask::DeleteIntent(id, version), Vec::new());
        write(&mut world, next, Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), volumes.clone());
        world.restart(0, true);
        world.run(1_000, 100);
        let own = own_plans(&world, 0);
        assert_eq!((own.len(), own[0].uss.as_deref(), own[0].revision), (1, Some(next), 1));
        assert_ne!(own[0].subject, before);
        let told = told_plans(&world);
        assert_eq!(
            (told.len(), told[0].subject),
            (1, own[0].subject),
            "what a planner made of the first is not of this"
        );
    }
}

#[test]
fn what_is_over_hides_nothing_that_is_not_filed() {
    let mut world = filing(&[of_drones()]);
    start_with(&mut world, None);
    for n in 0..250u16 {
        let mut short = drone(-40.0 + f64::from(n) / 10.0, 7.0, &[]);
        short.extents.iter_mut().for_each(|extent| extent.end = us(1));
        write(&mut world, "uss1", Ask::PutIntent(nth(n), None, short), vec![circle(46.5, 7.0, 0.1, START)]);
    }
    world.run(120_000, 1_000);
    write(
        &mut world,
        "uss1",
        Ask::PutIntent(nth(999), None, drone(46.5, 7.0, &[])),
        vec![circle(46.5, 7.0, 0.1, START)],
    );
    start_with(&mut world, Some("drones"));
    let text = unfiled(&world).unwrap();
    assert!(text.contains("1 operational intent ") && text.contains(&nth(999).to_string()), "{text}");
    // Switched off and on before the plans have ended: of what waits to end nothing is filed.
    let mut world = filing(&[of_drones()]);
    write_many(&mut world, 600);
    world.run(30_000, 100);
    start_with(&mut world, None);
    start_with(&mut world, Some("drones"));
    assert!(!own_plans(&world, 0).is_empty(), "not all have ended");
    assert!(unfiled(&world).unwrap().contains("200 or more"));
}

#[test]
fn an_intent_deleted_before_its_turn_is_told_to_nobody() {
    let mut world = filing(&[of_drones()]);
    let id = Id::random([9; 16]);
    let volumes = vec![circle(46.5, 7.0, 0.1, START)];
    write(&mut world, "uss1", Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), volumes.clone());
    let version = ovn(&world, id, "uss1").unwrap();
    write(&mut world, "uss1", Ask::DeleteIntent(id, version), Vec::new());
    // Another's now, with the same identifier.
    write(&mut world, "uss2", Ask::PutIntent(id, None, drone(46.5, 7.0, &[])), volumes);
    world.run(1_000, 100);
    let own = own_plans(&world, 0);
    assert_eq!((own.len(), own[0].uss.as_deref(), own[0].revision), (1, Some("uss2"), 1));
    assert_eq!(told_plans(&world).len(), 1);
}

#[test]
fn what_traffic_services_change_leaves_room_on_the_link_for_what_planners_and_feeds_say() {
    let mut world = filing(&[of_drones()]);
    write_many(&mut world, 800);
    world.run(14_000, 100);
    let filed = own_plans(&world, 0).len();
    assert!((550..600).contains(&filed), "{filed}: 500 at once");
    world.run(10_000, 100);
    let more = own_plans(&world, 0).len() - filed;
    assert!((49..=51).contains(&more), "{more}: five a second");
}

#[test]
fn an_answer_that_is_given_again_files_nothing() {
    let mut world = filing(&[of_drones()]);
    let id = Id::random([9; 16]);
    let at = |lat: f64| vec![circle(lat, 7.0, 0.1, START)];
    let first = Ask::PutIntent(id, None, drone(46.5, 7.0, &[]));
    write_with(&mut world, Some("k"), "uss1", first.clone(), at(46.5));
    world.run(500, 100);
    let version = ovn(&world, id, "uss1");
    write(&mut world, "uss1", Ask::PutIntent(id, version, drone(47.5, 7.0, &[])), at(47.5));
    world.run(500, 100);
    // A late repetition, also with other volumes.
    for lat in [46.5, -46.5] {
        write_with(&mut world, Some("k"), "uss1", first.clone(), at(lat));
        world.run(500, 100);
        assert_eq!(told_plans(&world)[0].plan.volumes, at(47.5));
    }
    let gone = Ask::DeleteIntent(id, ovn(&world, id, "uss1").unwrap());
    write_with(&mut world, Some("d"), "uss1", gone.clone(), Vec::new());
    write(&mut world, "uss2", Ask::PutIntent(id, None, drone(48.5, 7.0, &[])), at(48.5));
    world.run(500, 100);
    write_with(&mut world, Some("d"), "uss1", gone, Vec::new());
    world.run(500, 100);
    let told = told_plans(&world);
    assert!(told[0].plan.state.is_live() && told[0].plan.volumes == at(48.5), "{told:?}");
}

#[test]
fn what_a_planner_took_back_and_what_is_no_longer_as_filed_is_told_to_nobody() {
    let mut world = filing(&[of_drones()]);
    let live = |world: &World| told_plans(world).iter().filter(|plan| plan.plan.state.is_live()).count();
    let (one, two) = (Id::random([1; 16]), Id::random([2; 16]));
    for (id, lat) in [(one, 46.5), (two, 48.5)] {
        write(&mut world, "uss1", Ask::PutIntent(id, None, drone(lat, 7.0, &[])), vec![circle(lat, 7.0, 0.1, START)]);
    }
    world.run(500, 100);
    assert_eq!(live(&world), 2);
    let of_one =
        own_plans(&world, 0).into_iter().find(|plan| plan.plan.volumes == [circle(46.5, 7.0, 0.1, START)]).unwrap();
    world.ask(0, Role::Planner, Command::MarkPlan { subject: of_one.subject, marking: None }).unwrap();
    world.run(500, 100);
    assert_eq!(live(&world), 1);
    let version = ovn(&world, one, "uss1");
    write(&mut world, "uss1", Ask::PutIntent(one, version, drone(46.6, 7.0, &[])), vec![circle(46.6, 7.0, 0.1, START)]);
    world.run(500, 100);
    assert_eq!(live(&world), 1, "the planner's word stays");

    // Where it is now cannot be told, and where it was is not where it is.
    let version = ovn(&world, two, "uss1");
    let ask = Ask::PutIntent(two, version, drone(49.5, 7.0, &[]));
    let request = Request { manager: "uss1".into(), entropy: [3; 32], key: None, ask };
    let unfit = Outlined::Unfit("300 volumes".into());
    world.input(0, Input::Dss(Box::new(request), Some(Box::new(unfit))));
    world.run(2_000, 100);
    assert_eq!(live(&world), 0);
    let said = |alert: &node::view::AlertView| {
        alert.text.contains("not filed as now written") && alert.text.contains("300 volumes")
    };
    assert!(world.view(0).alerts.iter().any(said));
}

#[test]
fn a_traffic_services_plan_is_not_judged_here_and_a_peers_is_against_its_own() {
    let mut world = filing(&[of_drones()]);
    let there = circle(46.5, 7.0, 1.0, START);
    write(&mut world, "uss1", Ask::PutIntent(Id::random([9; 16]), None, drone(46.5, 7.0, &[])), vec![there.clone()]);
    let mut site = site(46.5, 7.0);
    site.expires = START.plus_ms(86_400_000);
    world.ask(0, Role::Planner, Command::FileSite { subject: subject(1), site }).unwrap();
    world.ask(1, Role::Planner, Command::FilePlan { subject: subject(2), plan: plan(1, vec![there]) }).unwrap();
    world.run(2_000, 100);
    assert!(own_plans(&world, 0)[0].conflicts.is_empty());
    let of_south = own_plans(&world, 1);
    assert!(of_south[0].conflicts.iter().any(|text| text.contains("of north")), "{of_south:?}");
}

#[test]
fn who_loses_an_identifier_to_a_peer_has_no_plan_of_it() {
    let pact = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &pact, open(&["south"]));
    let drones = Marking::parse("drones");
    (north.dss_base_url, north.markings, north.dss_marking) = (Some(URL.into()), drones.into_iter().collect(), drones);
    let mut world = World::new(START, vec![north, boot("south", &pact, open(&["north"]))]);
    world.connect(0, 1);
    world.run(1_000, 100);
    let file = |world: &mut World| {
        let filed = Command::FilePlan { subject: subject(1), plan: plan(1, vec![circle(46.5, 7.0, 10.0, START)]) };
        world.ask(1, Role::Planner, filed).unwrap();
        world.run(1_000, 100);
    };
    let filed = |world: &World| world.view(0).plans.iter().filter(|plan| plan.uss.is_some()).count();
    file(&mut world);
    let id = intents(&world, 0, 46.5, 7.0)[0].id;
    world.ask(1, Role::Planner, Command::CancelPlan(subject(1))).unwrap();
    world.run(1_000, 100);
    let ask = Ask::PutIntent(id, None, drone(46.5, 7.0, &[]));
    let request = Request { manager: "uss1".into(), entropy: [7; 32], key: None, ask };
    let outlined = Outlined::Volumes(vec![circle(46.5, 7.0, 1.0, START)]);
    world.input(0, Input::Dss(Box::new(request), Some(Box::new(outlined))));
    world.run(1_000, 100);
    assert_eq!((filed(&world), world.view(1).plans.iter().filter(|plan| plan.subject != subject(1)).count()), (1, 1));
    file(&mut world);
    assert_eq!(intents(&world, 0, 46.5, 7.0)[0].manager.as_str(), "south");
    assert_eq!((filed(&world), world.view(1).plans.iter().filter(|plan| plan.subject != subject(1)).count()), (0, 0));
}
