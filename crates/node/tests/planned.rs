//! Who flies without a plan, and which plans nobody flies.
mod common;

use airspace::{Plan, PlanState};
use common::{START, World, aircraft, circle, flown, open, plan, subject};
use node::command::Command;
use record::Role;
use track::{Address, TrackReport};
use units::Utc;

fn pair() -> World {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.connect(0, 1);
    world.run(2_000, 500);
    world
}

fn file(world: &mut World, n: usize, number: u8, plan: Plan) {
    world.ask(n, Role::Planner, Command::FilePlan { subject: subject(number), plan }).unwrap();
}

fn fly(world: &mut World, seconds: u64, tracks: &[(usize, u16, TrackReport)]) {
    for _ in 0..seconds {
        let at = world.now().utc;
        for (n, feed, track) in tracks {
            world.report(*n, *feed, &[flown(track, at)]);
        }
        world.run(1_000, 500);
    }
}

/// Callsigns of those without a plan.
fn unplanned(world: &World, n: usize) -> Vec<(String, bool)> {
    let listed = world.state(n).unplanned(world.now().utc);
    assert!(!listed.cut);
    let name = |id| world.view(n).tracks.iter().find(|t| t.id == id).unwrap().report.callsign.unwrap().to_string();
    listed.rows.iter().map(|row| (name(row.track), row.inactive.is_some())).collect()
}

fn unflown(world: &World, n: usize) -> Vec<(u8, &'static str)> {
    world.state(n).unflown(world.now().utc).rows.iter().map(|row| (row.subject.0[15], row.why)).collect()
}

fn high(n: u32, lat: f64, at: Utc) -> TrackReport {
    aircraft(n, lat, 7.0, 300.0, 90.0, at)
}

#[test]
fn the_second_agencys_helicopters_are_on_the_list_within_thirty_seconds_and_leave_it_with_a_plan() {
    let mut world = pair();
    let at = world.now().utc;
    let mut planned = plan(1, vec![circle(46.5, 7.0, 30.0, START)]);
    planned.address = Address::icao(0x40_0001).map(|a| a.bits());
    file(&mut world, 0, 1, planned);
    // North's own 1 has a plan that names it; north's sensor sees 2, of which nobody said anything.
    let tracks = [(0, 0, high(1, 46.5, at)), (0, 1, high(2, 47.0, at))];
    fly(&mut world, 5, &tracks);
    assert_eq!(unplanned(&world, 0), [("TEST2".to_string(), false)]);
    // South files what its helicopter flies, for later: it is still without a plan now.
    let mut theirs = plan(2, vec![circle(47.0, 7.0, 30.0, START.plus_ms(3_600_000))]);
    theirs.callsign = Some("TEST2".into());
    file(&mut world, 1, 2, theirs.clone());
    fly(&mut world, 3, &tracks);
    assert_eq!(unplanned(&world, 0), [("TEST2".to_string(), true)]);
    theirs.volumes = vec![circle(47.0, 7.0, 30.0, START)];
    file(&mut world, 1, 2, theirs);
    fly(&mut world, 3, &tracks);
    assert_eq!(unplanned(&world, 0), []);
}

#[test]
fn a_plan_for_anyone_covers_whom_it_holds_and_one_of_another_party_covers_nobody() {
    let mut world = pair();
    let at = world.now().utc;
    let mut area = plan(1, vec![circle(46.5, 7.0, 10.0, START)]);
    area.callsign = None;
    file(&mut world, 0, 1, area.clone());
    let tracks = [(0, 0, high(1, 46.5, at)), (0, 0, high(2, 47.5, at)), (1, 0, high(3, 46.55, at))];
    fly(&mut world, 5, &tracks);
    // South's 3 is released to north, which has a plan there; its own party has none.
    assert_eq!(unplanned(&world, 0), [("TEST2".to_string(), false), ("TEST3".to_string(), false)]);
    area.volumes = vec![circle(46.55, 7.0, 10.0, START)];
    file(&mut world, 1, 2, area);
    fly(&mut world, 3, &tracks);
    assert_eq!(unplanned(&world, 0), [("TEST2".to_string(), false)]);
}

#[test]
fn a_plan_that_nobody_flies_is_listed_with_the_reason_until_somebody_does() {
    let mut world = pair();
    let mut one = plan(1, vec![circle(46.5, 7.0, 30.0, START)]);
    one.address = Address::icao(0x40_0001).map(|a| a.bits());
    let (mut two, mut three) = (one.clone(), plan(3, vec![circle(46.5, 7.0, 30.0, START.plus_ms(3_600_000))]));
    (two.address, two.callsign) = (None, None);
    two.volumes = vec![circle(47.5, 7.0, 10.0, START)];
    three.state = PlanState::Accepted;
    for (n, plan) in [(1, one), (2, two), (3, three)] {
        file(&mut world, 0, n, plan);
    }
    assert_eq!(unflown(&world, 0), [], "a minute late is not late");
    world.run(61_000, 1_000);
    assert_eq!(unflown(&world, 0), [(1, "its aircraft is not heard"), (2, "nobody is heard in it")]);
    let at = world.now().utc;
    let mut parked = high(1, 46.5, at);
    parked.on_ground = true;
    let inside = high(2, 47.5, at);
    fly(&mut world, 3, &[(0, 0, parked), (0, 0, inside)]);
    assert_eq!(unflown(&world, 0), [(1, "its aircraft is on the ground")]);
    fly(&mut world, 3, &[(0, 0, high(1, 46.5, at)), (0, 0, inside)]);
    assert_eq!(unflown(&world, 0), []);
    world.run(35_000, 1_000);
    assert_eq!(unflown(&world, 0).len(), 2, "silent for longer than an aircraft may be");
}
