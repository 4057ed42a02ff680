//! What a second of screening costs: 2,000 own tracks against 1,000 volumes of a peer. Times are printed, not asserted:
//! machines are shared. Without the filter and the bound these tests would take minutes to hours.
mod common;

use common::{Random, START, World, aircraft, circle, flown, open, plan, site, subject};
use node::command::Command;
use node::input::Input;
use node::view::AlertKind;
use record::{Role, SubjectId};
use std::time::{Duration, Instant};
use track::TrackReport;

/// Time of the slowest of some ticks that sweep and screen.
fn slowest_tick(world: &mut World, tracks: &[TrackReport]) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let at = world.now().utc;
        let now: Vec<TrackReport> = tracks.iter().map(|t| flown(t, at)).collect();
        world.report(0, 0, &now);
        world.mono += 1_000;
        let started = Instant::now();
        world.input(0, Input::Tick);
        slowest = slowest.max(started.elapsed());
        world.tick();
    }
    slowest
}

#[test]
fn two_thousand_tracks_are_screened_against_a_thousand_volumes() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 500);
    let random = &mut Random(7);
    let at = world.now().utc;
    let place = |random: &mut Random| (random.between(40.0, 52.0), random.between(0.0, 15.0));
    let tracks: Vec<TrackReport> = (0..2_000)
        .map(|n| {
            let (lat, lon) = place(random);
            let mut track = aircraft(n, lat, lon, 450.0, random.between(0.0, 360.0), at);
            track.pressure = Some(units::Height::from_feet(10_000 + 500 * (n % 60) as i32));
            track
        })
        .collect();
    let bare = slowest_tick(&mut world, &tracks);
    for n in 0..10u8 {
        let volumes: Vec<_> = (0..100).map(|_| place(random)).map(|(a, b)| circle(a, b, 1.0, START)).collect();
        let file = Command::FilePlan { subject: subject(n + 1), plan: plan(n, volumes) };
        world.ask(1, Role::Planner, file).unwrap();
    }
    for n in 0..50u8 {
        let (lat, lon) = place(random);
        let file = Command::FileSite { subject: SubjectId([100 + n; 16]), site: site(lat, lon) };
        world.ask(1, Role::Planner, file).unwrap();
    }
    let full = slowest_tick(&mut world, &tracks);
    let view = world.view(0);
    let kind = |kind| view.alerts.iter().filter(|a| a.kind == kind).count();
    let (plans, sites) = (kind(AlertKind::Plan), kind(AlertKind::Site));
    println!("a tick: {bare:?} without, {full:?} with 1,000 volumes and 50 sites; {plans} and {sites} alerts");
    assert!(plans > 50 && sites > 0 && view.cut == 0);
}

/// A peer may file what is legal and expensive; it may not stop the node.
#[test]
fn volumes_made_to_be_expensive_cost_a_bounded_time() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 500);
    let random = &mut Random(11);
    // Zigzag corridors of 600 points over the same ground.
    let zigzag = |random: &mut Random| {
        let points = (0..600).map(|n| {
            let lat = if n % 2 == 0 { 46.0 } else { 46.6 } + random.between(0.0, 0.1);
            units::Vertex::from_degrees(lat, 5.0 + f64::from(n) * 0.01).unwrap()
        });
        let mut volume = circle(46.0, 8.0, 1.0, START);
        volume.outline = airspace::Outline::Corridor { points: points.collect(), half_width_mm: 1_000 };
        volume
    };
    for n in 0..10u8 {
        let file = Command::FilePlan { subject: subject(n + 1), plan: plan(n, vec![zigzag(random), zigzag(random)]) };
        world.ask(1, Role::Planner, file).unwrap();
    }
    let started = Instant::now();
    let file = Command::FilePlan { subject: subject(50), plan: plan(50, vec![zigzag(random), zigzag(random)]) };
    world.ask(0, Role::Planner, file).unwrap();
    let screened = started.elapsed();
    let at = world.now().utc;
    let tracks: Vec<TrackReport> =
        (0..300).map(|n| aircraft(n, random.between(46.0, 46.7), random.between(5.0, 11.0), 450.0, 90.0, at)).collect();
    let tick = slowest_tick(&mut world, &tracks);
    let unchecked = world.view(0).alerts.iter().filter(|a| a.text.contains("too much to check")).count();
    println!("screening {screened:?}, a tick {tick:?}, {unchecked} aircraft unchecked");
    assert!(unchecked > 0, "what was not looked at is said, not called clear");
    assert!(
        world.view(0).plans.iter().any(|p| p.conflicts.iter().any(|t| t.ends_with("too large to be compared in full")))
    );
}

#[test]
fn traffic_that_a_peer_makes_expensive_to_judge_is_counted_and_costs_a_bounded_time() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 500);
    let at = world.now().utc;
    let silent = |n: u32| {
        let mut track =
            aircraft(10 + n, 46.0 + f64::from(n % 100) * 1e-4, 7.0 + f64::from(n / 100) * 1e-4, 0.0, 90.0, at);
        (track.pressure, track.speed) = (Some(units::Height::from_feet(20_000)), None);
        track
    };
    let silent: Vec<TrackReport> = (0..3_000).map(silent).collect();
    let tick = |world: &mut World| {
        world.mono += 1_000;
        let started = Instant::now();
        world.input(0, Input::Tick);
        (started.elapsed(), world.view(0).checked.unjudged)
    };
    // One own aircraft 500 ft above a crowd that does not say where it flies.
    let mut own = aircraft(1, 46.0, 7.0, 0.0, 90.0, at);
    own.pressure = Some(units::Height::from_feet(20_500));
    world.report(0, 0, &[own]);
    for part in silent.chunks(500) {
        world.report(0, 1, part);
    }
    let (took, unjudged) = tick(&mut world);
    println!("3,000 tracks without speed in one place: {took:?}, {unjudged} cannot be judged");
    assert_eq!(unjudged, 3_000, "each is counted, looked at or not");
    // Tracks of others against more sites of ours than a second allows for all of them.
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 500);
    for n in 0..2_500u16 {
        let mut subject = [0; 16];
        subject[..2].copy_from_slice(&n.to_be_bytes());
        let file = Command::FileSite { subject: SubjectId(subject), site: site(50.0, 7.0 + f64::from(n) * 1e-3) };
        world.ask(0, Role::Planner, file).unwrap();
    }
    let apart = |n: u32| aircraft(n, -60.0 + f64::from(n / 100), f64::from(n % 100), 0.0, 90.0, at);
    let apart: Vec<TrackReport> = (0..5_000).map(apart).collect();
    for part in apart.chunks(500) {
        world.report(0, 1, part);
    }
    let (took, unjudged) = tick(&mut world);
    println!("5,000 tracks of others and 2,500 own sites: {took:?}, {unjudged} not looked at");
    assert_eq!(unjudged, 1_000, "10 million pairs are 4,000 tracks");
}
