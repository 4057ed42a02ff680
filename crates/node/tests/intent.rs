//! A cleared level and a flown plan take a conflict from among the warnings, or bring one; what peers say of their own takes none.
mod common;

use airspace::{Limit, Outline, Plan, PlanState, Volume4d};
use common::{START, World, aircraft, flown, open, plan, subject};
use detect::Verdict;
use node::command::{Command, Done};
use node::view::{AlertKind, AlertView};
use record::Role;
use track::{Address, TrackReport};
use units::{Altitude, Height, Reference, Utc, Vertex, VerticalRate};

fn pair() -> World {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.connect(0, 1);
    world.run(2_000, 500);
    world
}

fn fly(world: &mut World, seconds: u64, tracks: &[(usize, TrackReport)]) {
    for _ in 0..seconds {
        let at = world.now().utc;
        for (n, track) in tracks {
            world.report(*n, 0, &[flown(track, at)]);
        }
        world.run(1_000, 500);
    }
}

/// At north's desk.
fn conflicts(world: &World) -> Vec<AlertView> {
    world.view(0).alerts.into_iter().filter(|a| a.kind == AlertKind::Conflict && a.state != "cleared").collect()
}

/// North's 1 climbs at 1,500 ft/min towards the level of 2, which comes from ahead 1,500 ft above; 190 s to the loss.
fn climbing(at: Utc) -> [TrackReport; 2] {
    let east = (5.0 + 900.0 * 190.0 / 3600.0) / 60.0 / 46.5f64.to_radians().cos();
    let mut tracks = [aircraft(1, 46.5, 7.0, 450.0, 90.0, at), aircraft(2, 46.5, 7.0 + east, 450.0, 270.0, at)];
    tracks[0].vertical_rate = Some(VerticalRate::from_fpm(600.0));
    tracks[1].pressure = Some(Height(tracks[0].pressure.unwrap().0 + 2_000 * 3_048));
    tracks
}

fn clear_to(world: &mut World, feet: i32, seconds: i64) {
    let level = Some(Altitude::Known(Height::from_feet(feet), Reference::Pressure));
    let until = world.now().utc.plus_ms(seconds * 1000);
    let command = Command::SetCleared { flight: "test1".into(), level, until };
    assert_eq!(world.ask(0, Role::Officer, command), Ok(Done::Ok));
}

#[test]
fn a_climb_that_ends_below_is_a_caution_that_says_so_and_a_warning_when_the_clearance_ends() {
    let mut world = pair();
    let tracks = climbing(world.now().utc);
    let feet = (tracks[0].pressure.unwrap().0 / 3_048) + 1_000;
    clear_to(&mut world, feet, 15);
    fly(&mut world, 8, &tracks.map(|t| (0, t)));
    let caution = conflicts(&world);
    assert_eq!(caution.len(), 1);
    assert_eq!(
        (caution[0].level, caution[0].text.as_str()),
        (1, "TEST1 and TEST2 are predicted to lose separation, not if TEST1 levels off")
    );
    fly(&mut world, 12, &tracks.map(|t| (0, t)));
    let warning = conflicts(&world);
    assert_eq!((warning[0].level, warning[0].raising), (2, 2), "nobody renewed it");
    assert_eq!(warning[0].text, "TEST1 and TEST2 are predicted to lose separation");
    // Cleared through the other's level: a conflict on its way, which the explanation can repeat.
    clear_to(&mut world, feet + 500, 600);
    fly(&mut world, 3, &tracks.map(|t| (0, t)));
    let along = conflicts(&world);
    assert_eq!(along[0].text, "TEST1 and TEST2 are predicted to lose separation if TEST1 levels off");
    for from_snapshot in [true, false] {
        let last = world.state(0).decisions(along[0].id).unwrap().last.clone();
        assert_eq!(last.again(), Verdict::Conflict(last.encounter));
        assert_eq!((last.intents().0.name(), last.intents().1.name()), ("level", "straight"));
        world.restart(0, from_snapshot);
    }
}

#[test]
fn a_cleared_level_is_of_own_flights_needs_an_end_and_can_be_taken_away() {
    let mut world = pair();
    let now = world.now().utc;
    let ask = |level: Option<Altitude>, flight: &str, hours: i64| Command::SetCleared {
        flight: flight.into(),
        level,
        until: now.plus_ms(hours * 3_600_000),
    };
    let fl = |reference| Some(Altitude::Known(Height::from_feet(24_000), reference));
    for (role, command, why) in [
        (Role::Observer, ask(fl(Reference::Pressure), "TEST1", 1), "may not do this"),
        (Role::Administrator, ask(fl(Reference::Pressure), "TEST1", 1), "may not do this"),
        (Role::Officer, ask(fl(Reference::Msl), "TEST1", 1), "level: must be a pressure altitude"),
        (Role::Officer, ask(Some(Altitude::Unknown), "TEST1", 1), "level: must be a pressure altitude"),
        (Role::Officer, ask(fl(Reference::Pressure), " ", 1), "flight: is a callsign"),
        (Role::Officer, ask(fl(Reference::Pressure), "TEST1", 25), "until: must be ahead"),
        (Role::Officer, ask(None, "TEST1", 1), "no such cleared level"),
    ] {
        let said = world.refusal(0, role, command);
        assert!(said.contains(why), "{said}");
    }
    // Of another's aircraft it changes nothing: south's 2 descends to north's 1, whatever north enters for it.
    let mut tracks = climbing(now);
    let below = tracks[1].pressure.unwrap().0 / 3_048;
    (tracks[0].vertical_rate, tracks[1].vertical_rate) = (None, Some(VerticalRate::from_fpm(-600.0)));
    let level = Some(Altitude::Known(Height::from_feet(below - 500), Reference::Pressure));
    world
        .ask(0, Role::Officer, Command::SetCleared { flight: "TEST2".into(), level, until: now.plus_ms(600_000) })
        .unwrap();
    fly(&mut world, 8, &[(0, tracks[0]), (1, tracks[1])]);
    assert_eq!(conflicts(&world).iter().map(|a| a.level).collect::<Vec<_>>(), [2]);
    assert_eq!(world.ask(0, Role::Planner, ask(None, "test2", 1)), Ok(Done::Ok));
    assert_eq!(world.view(0).cleared.len(), 0);
}

fn corridor(points: &[(f64, f64)], start: Utc) -> Volume4d {
    let points = points.iter().map(|(lat, lon)| Vertex::from_degrees(*lat, *lon).unwrap()).collect();
    let outline = Outline::Corridor { points, half_width_mm: 5_000_000 };
    Volume4d { outline, lower: Limit::Unlimited, upper: Limit::Unlimited, start, end: start.plus_ms(3_600_000) }
}

/// A plan of aircraft 1 that turns north where it would meet the other head on.
fn turning(state: PlanState) -> Plan {
    let mut plan =
        plan(1, vec![corridor(&[(46.5, 6.5), (46.5, 7.2)], START), corridor(&[(46.5, 7.2), (47.5, 7.2)], START)]);
    (plan.state, plan.address) = (state, Address::icao(0x40_0001).map(|a| a.bits()));
    plan
}

#[test]
fn an_own_aircraft_is_taken_along_the_corridor_of_the_plan_that_it_flies() {
    for (state, want) in [(PlanState::Activated, 1), (PlanState::Accepted, 2)] {
        let mut world = pair();
        let now = world.now().utc;
        world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: turning(state) }).unwrap();
        let mut tracks = climbing(now);
        tracks[0].vertical_rate = None;
        tracks[1].pressure = tracks[0].pressure;
        fly(&mut world, 6, &tracks.map(|t| (0, t)));
        assert_eq!(conflicts(&world).iter().map(|a| a.level).collect::<Vec<_>>(), [want], "{state:?}");
    }
    // One that waits where the plan leads, 15 NM north of the turn, and that no straight line meets.
    let mut world = pair();
    world
        .ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: turning(PlanState::Activated) })
        .unwrap();
    let now = world.now().utc;
    let tracks = [aircraft(1, 46.5, 7.0, 450.0, 90.0, now), aircraft(2, 46.75, 7.2, 10.0, 0.0, now)];
    fly(&mut world, 6, &tracks.map(|t| (0, t)));
    let found = conflicts(&world);
    assert_eq!(
        found.iter().map(|a| a.text.as_str()).collect::<Vec<_>>(),
        ["TEST1 and TEST2 are predicted to lose separation if TEST1 keeps to its plan"]
    );
    assert!(found[0].level >= 2);
}

#[test]
fn what_a_peer_plans_takes_no_conflict_away() {
    let mut world = pair();
    world
        .ask(1, Role::Planner, Command::FilePlan { subject: subject(1), plan: turning(PlanState::Activated) })
        .unwrap();
    let now = world.now().utc;
    let mut tracks = climbing(now);
    tracks[0].vertical_rate = None;
    tracks[1].pressure = tracks[0].pressure;
    // South flies 1, and says by its plan that it turns away; north flies 2.
    fly(&mut world, 6, &[(1, tracks[0]), (0, tracks[1])]);
    let at_north: Vec<u8> = conflicts(&world).iter().map(|a| a.level).collect();
    assert_eq!(at_north, [2]);
}
