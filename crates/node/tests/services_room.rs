//! However much traffic services change and state, what planners and feeds say reaches the peer, and what does not is said.
mod common;

use airspace::Volume4d;
use common::{START, World, aircraft, boot, circle, closed, flown, pact_of, plan, policy, rule, signed, subject};
use dss::{Ask, Extent, Id, IntentState, PutIntent, Request, Supporting};
use node::command::Command;
use node::input::{Input, Outlined};
use node::view::{AlertKind, AvoidView, Owner, PlanView};
use pact::{Rate, RateOf};
use record::{ChannelState, Kind, Role};
use release::{Area, Level, Marking, RecordClass, Rule};
use units::Vertex;

const COARSE: Level = Level::Coarse { cell_e7: 1_000_000, bin_ms: 600_000 };
const AVOID: Level = Level::AvoidArea { cell_e7: 1_000_000, bin_ms: 600_000 };

/// North files what traffic services write as plans marked `drones`, of which south is told at this level; of planners' at that one;
/// of tracks in full. The pact states these rates.
fn filing(services: Level, planners: Level, rates: &[(Kind, Rate)]) -> World {
    let mut pact = pact_of(&["north", "south"], START);
    pact.rates = rates.iter().map(|(kind, rate)| (RateOf::Kind(*kind), *rate)).collect();
    let pact = signed(&pact);
    let drones = Marking::parse("drones");
    let rules = [
        Rule { marking: drones, ..rule(RecordClass::Plans, services) },
        rule(RecordClass::Plans, planners),
        rule(RecordClass::Tracks, Level::Full),
    ];
    let mut north = boot("north", &pact, policy(&["south"], &rules));
    (north.markings, north.dss_marking) = (drones.into_iter().collect(), drones);
    let mut world = World::new(START, vec![north, boot("south", &pact, closed())]);
    world.connect(0, 1);
    world.run(1_000, 100);
    world
}

fn id(uss: u8, n: u16) -> Id {
    Id::random([uss, (n >> 8) as u8, n as u8, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3])
}

/// A traffic service writes an intent, new or anew.
fn write(world: &mut World, uss: u8, n: u16, volumes: Vec<Volume4d>) {
    let manager = format!("uss{uss}");
    let version = match world.state(0).dss().query(&dss::Query::Intent(id(uss, n)), &manager) {
        Ok(dss::Found::Intent(intent)) => intent.ovn,
        _ => None,
    };
    // Apart from all others: keys are not what this is about.
    let at = cells::LatLng { lat: f64::from(uss) * 10.0 - 40.0, lng: f64::from(n) / 10.0 };
    let put = PutIntent {
        extents: vec![Extent {
            cells: cells::circle(at, 300.0).unwrap().iter().map(|cell| (cell.id() >> 35) as dss::CellKey).collect(),
            start: START.0 * 1000,
            end: START.plus_ms(1_800_000).0 * 1000,
            lower: Some(0),
            upper: Some(100_000),
            levels_up: 0,
        }],
        key: Default::default(),
        state: IntentState::Accepted,
        uss_base_url: "https://uss1.example".into(),
        supporting: Supporting::Nothing,
        ovn_suffix: None,
        cmsa: false,
    };
    let entropy = [world.now().mono.0 as u8; 32];
    let request = Request { manager, entropy, key: None, ask: Ask::PutIntent(id(uss, n), version, put) };
    world.input(0, Input::Dss(Box::new(request), Some(Box::new(Outlined::Volumes(volumes)))));
}

/// Circles in cells of their own.
fn circles(many: u16, lat: f64) -> Vec<Volume4d> {
    let at = |n: u16| circle(lat + f64::from(n / 16) * 0.5, f64::from(n % 16) * 0.5, 0.05, START);
    (0..many).map(at).collect()
}

fn told(world: &World) -> Vec<PlanView> {
    world.view(1).plans.into_iter().filter(|plan| matches!(plan.owner, Owner::Peer(_))).collect()
}

/// Alerts of node `n` that something is too much for somebody.
fn floods(world: &World, n: usize) -> Vec<String> {
    let alerts = world.view(n).alerts.into_iter();
    alerts.filter(|alert| alert.kind == AlertKind::Flood && alert.state != "cleared").map(|alert| alert.text).collect()
}

#[test]
fn one_traffic_service_that_changes_all_the_time_delays_no_track_whatever_the_level_and_the_rates() {
    let slow = [(Kind::Plan, Rate { per_minute: 60, burst: 100 })];
    for (level, rates) in [(Level::Full, &[][..]), (COARSE, &[]), (AVOID, &[]), (Level::Full, &slow)] {
        let mut world = filing(level, Level::Full, rates);
        let track = aircraft(1, 46.5, 7.0, 400.0, 90.0, START);
        for n in 0..400u16 {
            write(&mut world, 1, 1, circles(40, 10.0 + f64::from(n % 2) * 0.3));
            if n % 5 == 0 {
                let now = flown(&track, world.now().utc);
                world.report(0, 0, &[now]);
            }
            world.run(200, 100);
            assert_eq!(world.view(0).peers[0].waiting, 0, "{level:?} after {n}");
        }
        let seen = world.view(1).tracks[0].report.at;
        assert!(world.now().utc.since_ms(seen) < 3_000, "{level:?}");
        assert_eq!((floods(&world, 0), floods(&world, 1)), (vec![], vec![]), "{level:?}");
        // What it wrote last is told in its turn.
        let of_last = world.view(0).plans[0].plan.volumes.clone();
        assert!(of_last == circles(40, 10.0) || of_last == circles(40, 10.3));
        world.run(60_000, 500);
        assert_eq!(world.view(0).plans[0].plan.volumes, circles(40, 10.3), "{level:?}");
    }
}

fn state_channel(world: &mut World, state: ChannelState) {
    let peer = common::party("south");
    world.ask(0, Role::Administrator, Command::StateChannel { peer, state, reason: "test".into() }).unwrap();
}

#[test]
fn what_is_told_again_of_traffic_services_is_told_no_faster_than_it_is_taken() {
    let slow = Rate { per_minute: 120, burst: 200 };
    let mut world = filing(AVOID, Level::Full, &[(Kind::Avoid, slow), (Kind::Withdrawn, slow)]);
    for n in 0..15 {
        write(&mut world, n as u8 % 5, n, circles(256, -60.0));
    }
    let areas = |world: &World| world.view(1).avoids.len();
    for _ in 0..500 {
        world.run(1_000, 500);
        assert_eq!(world.view(0).peers[0].waiting, 0);
    }
    assert_eq!(areas(&world), 240);
    for (to, then) in [(ChannelState::Suspended, 0), (ChannelState::Resumed, 240)] {
        state_channel(&mut world, to);
        let mut said = false;
        for _ in 0..700 {
            world.run(1_000, 500);
            assert_eq!(world.view(0).peers[0].waiting, 0);
            said |= floods(&world, 0).iter().any(|text| text.contains("south is not told yet of "));
        }
        assert_eq!((areas(&world), said, floods(&world, 0)), (then, true, vec![]));
    }
}

#[test]
fn planners_have_room_at_the_peer_however_large_what_traffic_services_intend_is_there() {
    for level in [Level::Full, COARSE, AVOID] {
        let mut world = filing(level, Level::Full, &[]);
        write(&mut world, 9, 0, circles(1, 60.0));
        world.run(1_000, 100);
        let volumes = |world: &World| -> Vec<Vec<Volume4d>> {
            let areas = world.view(1).avoids.into_iter().map(|area| area.volumes);
            told(world).into_iter().map(|plan| plan.plan.volumes).chain(areas).collect()
        };
        let small = |world: &World| volumes(world).iter().filter(|volumes| volumes.len() == 1).count();
        assert_eq!(small(&world), 1);
        for uss in 0..5 {
            for n in 0..39 {
                write(&mut world, uss, n, circles(256, -60.0));
            }
        }
        world.run(if level == AVOID { 800_000 } else { 60_000 }, 1_000);
        let corners: usize = volumes(&world).iter().flatten().map(|volume| volume.outline.points().len()).sum();
        let is_full = level != Level::Full;
        // Each has a fifth, whatever it has at home.
        let expected = if is_full { 45_000..=50_000 } else { 195 * 256 + 1..=195 * 256 + 1 };
        assert!(expected.contains(&corners), "{level:?}: {corners}");
        let said = |world: &World| floods(world, 0).iter().any(|text| text.contains("10000 corners"));
        assert_eq!(said(&world), is_full, "{level:?}: {:?}", floods(&world, 0));
        // What one has in the place of another's room is no more than that.
        write(&mut world, 8, 0, circles(1, 60.0));
        world.run(60_000, 500);
        assert_eq!(small(&world), 2, "{level:?}");
        write(&mut world, 8, 0, circles(2, 60.0));
        // Where it was is not where it is.
        write(&mut world, 9, 0, circles(256, -60.0));
        world.run(10_000, 500);
        assert_eq!(small(&world), 0, "{level:?}");
        let before = told(&world).len();
        for n in 100..160u8 {
            let far = (0..200).map(|k| circle(10.0, 30.0 + f64::from(k) * 0.3, 5.0, START)).collect();
            world.ask(0, Role::Planner, Command::FilePlan { subject: subject(n), plan: plan(7, far) }).unwrap();
        }
        world.run(10_000, 500);
        assert_eq!(told(&world).len() - before, 60, "{level:?}");
        assert_eq!(floods(&world, 1), Vec::<String>::new(), "{level:?}");
    }
}

#[test]
fn a_service_that_changes_all_the_time_delays_neither_its_oldest_nor_what_is_told_again() {
    let mut world = filing(Level::Full, Level::Full, &[]);
    let of = |world: &World, uss: u8| -> usize {
        let lat = Vertex::from_degrees(f64::from(uss) * 10.0 - 40.0, 0.5).unwrap().lat_e9;
        let is_it = |plan: &&PlanView| plan.plan.volumes[0].outline.points()[0].lat_e9.abs_diff(lat) < 1_000_000_000;
        told(world).iter().filter(is_it).count()
    };
    let at = |uss: u8, n: u16| circles(1, f64::from(uss) * 10.0 - 40.0 + f64::from(n) / 10_000.0);
    (0..200).for_each(|n| write(&mut world, 1, n, at(1, n)));
    world.run(60_000, 500);
    assert_eq!(of(&world, 1), 200);
    state_channel(&mut world, ChannelState::Suspended);
    world.run(40_000, 500);
    assert_eq!(of(&world, 1), 0);
    (0..600).for_each(|n| write(&mut world, 2, n, at(2, n)));
    world.run(20_000, 100);
    state_channel(&mut world, ChannelState::Resumed);
    // The last of its identifiers, and of its changes more than are filed.
    write(&mut world, 2, 1_500, at(2, 9_000));
    let mut late = false;
    for k in 0..1_500u16 {
        write(&mut world, 2, k % 600, at(2, k % 600 + 600 * (k / 600 + 1)));
        world.run(160, 80);
        let texts = world.view(0).alerts.into_iter().map(|alert| alert.text);
        late |= { texts }.any(|text| text.contains("wait to be filed") && text.contains("of uss2, for 1 min"));
    }
    assert_eq!((of(&world, 1), late), (200, true));
    assert!(world.view(0).plans.iter().any(|plan| plan.plan.volumes == at(2, 9_000)));
}

#[test]
fn what_a_peer_may_know_of_no_longer_ends_before_it_is_told_what_it_may() {
    let mut world = filing(Level::Full, Level::Full, &[]);
    (0..300).for_each(|n| write(&mut world, 1, n, circles(1, -60.0 + f64::from(n) / 5.0)));
    world.run(60_000, 500);
    assert_eq!(told(&world).len(), 300);
    let rules = [Rule { marking: Marking::parse("drones"), ..rule(RecordClass::Plans, AVOID) }];
    world.set_rules(0, policy(&["south"], &rules));
    world.run(40_000, 500);
    assert_eq!(told(&world).len(), 0);
    assert!(world.view(1).avoids.len() < 150, "the areas cost more, and come later");
    world.run(350_000, 500);
    assert_eq!((told(&world).len(), world.view(1).avoids.len()), (0, 300));
}

#[test]
fn what_a_peer_may_know_in_full_by_now_it_knows_all_the_time() {
    let mut world = filing(AVOID, Level::Full, &[]);
    (0..40).for_each(|n| write(&mut world, 1, n, circles(1, -60.0 + f64::from(n))));
    world.run(60_000, 500);
    assert_eq!((told(&world).len(), world.view(1).avoids.len()), (0, 40));
    world.set_rules(0, policy(&["south"], &[rule(RecordClass::Plans, Level::Full)]));
    for _ in 0..100 {
        world.run(100, 100);
        assert_eq!(told(&world).len() + world.view(1).avoids.len(), 40);
    }
    assert_eq!(told(&world).len(), 40);
}

#[test]
fn a_peer_of_which_nothing_changes_delays_no_other() {
    let pact = signed(&pact_of(&["east", "north", "south"], START));
    let mut north = boot("north", &pact, policy(&["south"], &[rule(RecordClass::Plans, Level::Full)]));
    (north.markings, north.dss_marking) = (Marking::parse("drones").into_iter().collect(), Marking::parse("drones"));
    let mut world = World::new(START, vec![north, boot("south", &pact, closed()), boot("east", &pact, closed())]);
    (1..3).for_each(|n| world.connect(0, n));
    world.run(1_000, 100);
    (0..300).for_each(|n| write(&mut world, 1, n, circles(1, -60.0 + f64::from(n) / 5.0)));
    world.run(60_000, 500);
    assert_eq!(told(&world).len(), 300);
    for peer in ["south", "east"] {
        let (peer, reason) = (common::party(peer), "test".into());
        let command = Command::StateChannel { peer, state: ChannelState::Suspended, reason };
        world.ask(0, Role::Administrator, command).unwrap();
    }
    world.run(400, 100);
    // Five with each tick, as if it were alone.
    assert_eq!(told(&world).len(), 280);
}

#[test]
fn what_is_looked_at_of_much_waits_for_no_change_that_costs_much() {
    let mut world = filing(AVOID, Level::Full, &[]);
    (0..300).for_each(|n| write(&mut world, 1, n, circles(1, -60.0 + f64::from(n) / 5.0)));
    world.run(250_000, 500);
    assert_eq!(world.view(1).avoids.len(), 300);
    // The last that is looked at.
    let last = world.view(0).plans.into_iter().max_by_key(|plan| plan.subject).unwrap();
    let lat_e9 = last.plan.volumes[0].outline.points()[0].lat_e9;
    let at = (lat_e9 / 100) as i32;
    let area = Area::Box { south_e7: at - 10, west_e7: -10, north_e7: at + 10, east_e7: 10 };
    let is_told = |world: &World| {
        let holds = |area: AvoidView| {
            let lats = || area.volumes[0].outline.points().iter().map(|point| point.lat_e9);
            lats().min() < Some(lat_e9) && lats().max() > Some(lat_e9)
        };
        world.view(1).avoids.into_iter().any(holds)
    };
    let change = |world: &mut World, k: u16| {
        write(world, 2, 1, circles(250, 10.0 + f64::from(k)));
        world.run(500, 100);
    };
    (0..20).for_each(|k| change(&mut world, k));
    assert!(is_told(&world));
    let withheld = Rule { area: Some(area), ..rule(RecordClass::Plans, Level::Withheld) };
    world.set_rules(0, policy(&["south"], &[withheld, rule(RecordClass::Plans, AVOID)]));
    (0..50).for_each(|k| change(&mut world, k));
    assert!(!is_told(&world));
}

#[test]
fn a_service_that_had_much_when_nobody_else_waited_owes_nothing() {
    let mut world = filing(AVOID, Level::Full, &[]);
    write(&mut world, 2, 1, circles(256, 10.0));
    world.run(20_000, 500);
    (0..60).for_each(|n| write(&mut world, 1, n, circles(1, -60.0 + f64::from(n))));
    write(&mut world, 2, 2, circles(1, 60.0));
    world.run(100, 100);
    assert_eq!(world.view(0).plans.iter().filter(|plan| plan.uss.as_deref() == Some("uss2")).count(), 2);
}

#[test]
fn services_whose_changes_cost_much_have_no_more_than_one_whose_changes_do_not() {
    let mut world = filing(AVOID, Level::Full, &[]);
    let change = |world: &mut World, k: u16| {
        let lat = if k.is_multiple_of(2) { -10.0 } else { 30.0 };
        (2..6).for_each(|uss| write(world, uss, 1, circles(250, lat)));
        world.run(500, 100);
    };
    (0..300).for_each(|k| change(&mut world, k));
    (0..30).for_each(|n| write(&mut world, 1, n, circles(1, 60.0)));
    (0..400).for_each(|k| change(&mut world, k));
    assert_eq!(world.view(0).plans.iter().filter(|plan| plan.uss.as_deref() == Some("uss1")).count(), 30);
}

#[test]
fn what_is_to_become_smaller_has_its_room_until_it_is() {
    let mut world = filing(Level::Full, Level::Full, &[]);
    let corners = |world: &World| -> usize {
        let plans = world.view(0).plans.into_iter();
        plans.flat_map(|plan| plan.plan.volumes).map(|volume| volume.outline.points().len()).sum()
    };
    for n in 100..139 {
        write(&mut world, 1, n, circles(256, 10.0));
    }
    world.run(10_000, 100);
    assert_eq!(corners(&world), 39 * 256);
    for n in 0..39 {
        write(&mut world, 1, 100 + n, circles(1, 10.0));
        write(&mut world, 1, n, circles(256, 30.0));
    }
    for _ in 0..100 {
        world.run(100, 100);
        assert!(corners(&world) <= 10_000);
    }
    // There is room again.
    for n in 0..38 {
        write(&mut world, 1, n, circles(256, 10.0));
    }
    world.run(10_000, 100);
    assert_eq!(corners(&world), 39 + 38 * 256);
}

#[test]
fn what_of_a_peer_has_no_room_is_said_until_ten_minutes_after_the_last() {
    let mut world = filing(Level::Full, COARSE, &[]);
    let file = |world: &mut World, n: u8| {
        let far = (0..200).map(|k| circle(10.0, f64::from(k) * 0.5, 0.05, START)).collect();
        world.ask(0, Role::Planner, Command::FilePlan { subject: subject(n), plan: plan(7, far) }).unwrap();
        world.run(1_000, 500);
    };
    // 800 corners each as sent.
    (1..=125).for_each(|n| file(&mut world, n));
    assert_eq!((told(&world).len(), floods(&world, 1)), (125, vec![]));
    file(&mut world, 126);
    world.run(2_000, 500);
    let text = floods(&world, 1).pop().unwrap();
    assert!(text.contains("a plan of north is not shown") && text.contains("100000 corners"), "{text}");
    for from_snapshot in [true, false] {
        world.restart(1, from_snapshot);
        world.run(2_000, 500);
        assert_eq!(floods(&world, 1), [&*text]);
    }
    world.run(590_000, 1_000);
    assert_eq!(floods(&world, 1), [text]);
    world.run(20_000, 1_000);
    assert_eq!(floods(&world, 1), Vec::<String>::new());
}
