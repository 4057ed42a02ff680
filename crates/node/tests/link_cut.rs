//! Ten minutes without a link, and its return: nothing lost, nothing doubled, both pictures equal.
mod common;

use common::{START, World, aircraft, circle, flown, notice, open, party, plan, subject};
use node::command::Command;
use node::view::{LinkStatus, Owner};
use record::{Body, Role};
use std::collections::BTreeSet;
use track::TrackReport;

const FLEET: u32 = 20;

/// Aircraft of both sides, far enough apart to be let be.
fn fleet(n: usize) -> Vec<TrackReport> {
    (0..FLEET)
        .map(|k| aircraft(k + 100 * n as u32, 45.0 + 0.1 * f64::from(k), 6.0 + 3.0 * n as f64, 300.0, 90.0, START))
        .collect()
}

/// A second of flight of both fleets.
fn second(world: &mut World) {
    let at = world.now().utc;
    for n in [0, 1] {
        let reports: Vec<TrackReport> = fleet(n).iter().map(|r| flown(r, at)).collect();
        world.report(n, 0, &reports);
    }
    world.run(1_000, 500);
}

/// What one side knows of one party's tracks: address, time, place.
fn picture(world: &World, n: usize, owner: Owner) -> BTreeSet<String> {
    let view = world.view(n);
    let of = view.tracks.iter().filter(|t| t.owner == owner);
    of.map(|t| format!("{:?} {:?} {:?}", t.report.address, t.report.at, t.report.position)).collect()
}

fn check_equal_pictures(world: &World) {
    for (here, there) in [(0, 1), (1, 0)] {
        let own = picture(world, here, Owner::Own);
        assert_eq!(own.len(), FLEET as usize);
        assert_eq!(picture(world, there, Owner::Peer(1)), own, "node {there} knows what node {here} released");
    }
}

/// Both sides hold the same bytes of each log, each record once.
fn check_equal_logs(world: &World) -> usize {
    let mut total = 0;
    for (from, to) in [(0, 1), (1, 0)] {
        let out = &world.nodes[from].stores[&world.name(to)].out;
        let held = &world.nodes[to].stores[&world.name(from)].held;
        assert_eq!(out, held);
        let distinct: BTreeSet<&Vec<u8>> = out.iter().collect();
        assert_eq!(distinct.len(), out.len(), "nothing is doubled");
        total += out.len();
    }
    total
}

#[test]
fn ten_minutes_of_backlog_come_over_once_and_in_order() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    for _ in 0..20 {
        second(&mut world);
    }
    check_equal_pictures(&world);
    let before = check_equal_logs(&world);

    world.cut(0, 1);
    world.ask(0, Role::Officer, Command::SendNotice(notice("south", 1))).unwrap();
    let volumes = vec![circle(47.5, 8.0, 5.0, START)];
    world.ask(1, Role::Planner, Command::FilePlan { subject: subject(2), plan: plan(2, volumes) }).unwrap();
    for n in 0..600 {
        second(&mut world);
        if n == 10 {
            let peer = &world.view(0).peers[0];
            assert_eq!(peer.link, LinkStatus::Down);
            assert!(peer.age_ms.unwrap() > 10_000, "the picture ages visibly");
            assert!(world.view(0).tracks.iter().filter(|t| t.owner == Owner::Peer(1)).all(|t| !t.stale));
        }
        if n == 40 {
            let old = world.view(0).tracks.into_iter().filter(|t| t.owner == Owner::Peer(1)).collect::<Vec<_>>();
            assert!(old.len() == FLEET as usize && old.iter().all(|t| t.stale));
        }
    }
    assert!(picture(&world, 0, Owner::Peer(1)).is_empty(), "what was not heard of for minutes is gone");
    let alert = |world: &World| {
        world.view(0).alerts.iter().any(|a| a.state != "cleared" && a.text.starts_with("No information from south"))
    };
    assert!(alert(&world));
    // A restart in between changes nothing.
    world.restart(0, false);

    world.connect(0, 1);
    second(&mut world);
    check_equal_pictures(&world);
    let after = check_equal_logs(&world);
    assert!(after - before >= 2 * 600, "a batch a second and side: {before} to {after}");
    let view = world.view(1);
    assert_eq!(view.notices.len(), 1);
    assert_eq!(world.view(0).plans.len(), 1);
    for n in [0, 1] {
        let peer = &world.view(n).peers[0];
        assert_eq!(
            (peer.in_size, peer.out_size),
            (peer.in_sealed, peer.out_cosigned),
            "sealed and received to the end"
        );
        assert!(peer.refused.values().all(|n| *n == 0), "{:?}", peer.refused);
    }
    for _ in 0..12 {
        second(&mut world);
    }
    assert!(!alert(&world));
    println!("{before} records before the cut, {after} after it");
}

/// The table of the design has a second, ten minutes and two days.
#[test]
fn after_two_days_apart_everything_comes_over_once_and_pictures_are_equal() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    for _ in 0..5 {
        second(&mut world);
    }
    let before = check_equal_logs(&world);
    world.cut(0, 1);
    for hour in 0..48 {
        if hour % 24 == 1 {
            world.ask(0, Role::Officer, Command::SendNotice(notice("south", hour))).unwrap();
        }
        if hour == 30 {
            let volumes = vec![circle(47.5, 8.0, 5.0, world.now().utc)];
            world.ask(1, Role::Planner, Command::FilePlan { subject: subject(2), plan: plan(2, volumes) }).unwrap();
            world.restart(1, false);
        }
        second(&mut world);
        world.run(3_599_000, 30_000);
    }
    assert!(picture(&world, 0, Owner::Peer(1)).is_empty());
    assert!(world.view(0).peers[0].age_ms.unwrap() > 47 * 3_600_000, "the picture ages visibly");

    world.connect(0, 1);
    for _ in 0..3 {
        second(&mut world);
    }
    check_equal_pictures(&world);
    assert!(check_equal_logs(&world) - before >= 2 * 48, "what was released meanwhile came over, old as it is");
    assert_eq!(world.view(1).notices.len(), 2, "each once");
    assert_eq!(world.view(0).plans.len(), 1);
}

#[test]
fn every_track_batch_of_the_backlog_is_folded_in_the_order_it_was_said() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    for round in 0..6 {
        for _ in 0..5 {
            second(&mut world);
        }
        if round % 2 == 0 { world.cut(0, 1) } else { world.connect(0, 1) }
    }
    world.run(2_000, 500);
    check_equal_logs(&world);
    let held = &world.nodes[1].stores[&party("north")].held;
    let revisions: Vec<u32> = held
        .iter()
        .map(|bytes| record::decode(bytes).unwrap().record)
        .filter(|r| matches!(r.body, Body::Tracks(_)))
        .map(|r| r.revision)
        .collect();
    assert!(revisions.windows(2).all(|w| w[1] == w[0] + 1), "{revisions:?}");
    assert!(revisions.len() >= 28);
}
