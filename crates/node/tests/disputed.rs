//! A peer that tells untrue things of an aircraft that it does not fly moves it nowhere: whoever else tells of it is believed
//! as before, what was to be found is found, and the desk is told who says what.
mod common;

use common::{NAMES, START, World, aircraft, boot, flown, open, pact_of, policy, rule, signed};
use node::view::{AlertKind, AlertView};
use release::{Identity, Level, Policy, RecordClass};
use track::TrackReport;
use units::{AircraftClass, Angle, Height, Position};

/// `north`, `south` and `west`, each connected to `south`; the first two say what `policies` let them.
fn world(north: Policy) -> World {
    let text = signed(&pact_of(&NAMES, START));
    let south = boot("south", &text, open(&["north", "west"]));
    let west = boot("west", &text, open(&["south"]));
    let mut world = World::new(START, vec![boot("north", &text, north), south, west]);
    world.connect(0, 1);
    world.connect(1, 2);
    world.run(3_000, 500);
    world
}

/// Who knows the truth of aircraft 9: south's own sensor, or west, which flies it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Truth {
    Seen,
    Released,
    Both,
}

/// North's words about it: what it makes of the true report, from which step to which.
type Lie = fn(TrackReport) -> Option<TrackReport>;

/// South's aircraft 1 and aircraft 9 are 4.1 NM apart and fly towards each other. `after` steps north begins to lie, or, below
/// zero, before anybody else says anything.
fn play(truth: Truth, lie: Lie, after: i64) -> World {
    let mut world = world(open(&["south"]));
    let begin = world.now().utc;
    let own = aircraft(1, 46.5, 8.0, 300.0, 90.0, begin);
    let other = TrackReport { callsign: None, ..aircraft(9, 46.5, 8.1, 300.0, 270.0, begin) };
    for step in after.min(0)..20 {
        let now = world.now().utc;
        if step >= after
            && let Some(lie) = lie(flown(&other, now))
        {
            world.report(0, 0, &[lie]);
        }
        if step >= 0 {
            world.report(1, 0, &[flown(&own, now)]);
            if truth != Truth::Released {
                world.report(1, 1, &[flown(&other, now)]);
            }
            if truth != Truth::Seen {
                world.report(2, 0, &[flown(&other, now)]);
            }
        }
        world.run(1_000, 500);
    }
    world
}

fn live(world: &World) -> Vec<AlertView> {
    world.view(1).alerts.into_iter().filter(|a| a.state != "cleared").collect()
}

/// Alarms about the two that meet, where they meet.
fn alarms(world: &World) -> usize {
    let is_true = |a: &&AlertView| {
        let (Some(one), Some(two)) = (&a.a, &a.b) else { return false };
        a.kind == AlertKind::Conflict
            && a.level == 3
            && (one.label.as_str(), two.label.as_str()) == ("TEST1", "400009")
            && a.distance_mm.is_some_and(|mm| mm < 5 * units::NM_MM)
    };
    live(world).iter().filter(is_true).count()
}

fn disputes(world: &World) -> Vec<AlertView> {
    live(world).into_iter().filter(|a| a.text.contains("where they cannot be")).collect()
}

fn none(_: TrackReport) -> Option<TrackReport> {
    None
}

fn elsewhere(report: TrackReport) -> Option<TrackReport> {
    Some(TrackReport { position: Position::from_degrees(45.0, 12.0).unwrap(), ..report })
}

fn three_miles_off(report: TrackReport) -> Option<TrackReport> {
    let lat = report.position.lat() + 3.0 / 60.0;
    Some(TrackReport { position: Position::from_degrees(lat, report.position.lon()).unwrap(), ..report })
}

fn lower(report: TrackReport) -> Option<TrackReport> {
    Some(TrackReport { pressure: Some(Height::from_feet(20_000)), ..report })
}

fn turned(report: TrackReport) -> Option<TrackReport> {
    Some(TrackReport { track: Angle::from_degrees(90.0), ..report })
}

#[test]
fn without_a_lie_the_encounter_is_found_and_nobody_disputes_anything() {
    for truth in [Truth::Seen, Truth::Released, Truth::Both] {
        let world = play(truth, none, 0);
        assert_eq!((alarms(&world), disputes(&world).len()), (1, 0), "{truth:?}");
    }
}

/// What was to be found is found, and one alert tells of the lie.
fn found_and_told(world: &World, after: i64) -> AlertView {
    assert!(alarms(world) >= 1, "{after}: {:?}", live(world));
    let disputes = disputes(world);
    let [alert] = disputes.as_slice() else { panic!("{after}: {:?}", live(world)) };
    alert.clone()
}

/// What its own sensor sees 4.1 NM before an own aircraft is not hidden by who tells of it elsewhere, lower or turning away.
#[test]
fn a_lie_about_what_an_own_sensor_sees_hides_nothing_and_is_told() {
    for lie in [elsewhere, three_miles_off, lower, turned] as [Lie; 4] {
        for after in [-5, 0, 5] {
            let world = play(Truth::Seen, lie, after);
            let alert = found_and_told(&world, after);
            assert_eq!((alert.kind, alert.level, alert.about.as_deref()), (AlertKind::OwnPicture, 2, Some("north")));
            let says = "north releases aircraft where they cannot be: 400009, ";
            assert!(alert.text.starts_with(says) && alert.text.contains("an own sensor sees it"), "{}", alert.text);
        }
    }
    let world = play(Truth::Seen, lower, 0);
    assert!(disputes(&world)[0].text.contains(" NM and 10000 ft from where"), "{}", disputes(&world)[0].text);
}

/// Nor is what another peer releases: who came first is believed, and the other is judged beside it.
#[test]
fn a_lie_about_the_aircraft_of_another_peer_hides_nothing_and_is_told() {
    for lie in [elsewhere, three_miles_off, lower, turned] as [Lie; 4] {
        for after in [-5, 0, 5] {
            let world = play(Truth::Released, lie, after);
            let alert = found_and_told(&world, after);
            assert_eq!(alert.level, 2);
            let parties = ["north", "west"].map(|name| alert.text.contains(name));
            assert!(parties == [true, true] && alert.text.contains("400009"), "{}", alert.text);
        }
    }
    // The one who is second is the one who is named as telling of what cannot be.
    assert!(disputes(&play(Truth::Released, elsewhere, 5))[0].text.starts_with("north releases"));
    assert!(disputes(&play(Truth::Released, elsewhere, -5))[0].text.starts_with("west releases"));
    // With the own sensor as the judge it is always the liar.
    for after in [-5, 0, 5] {
        let world = play(Truth::Both, elsewhere, after);
        assert!(alarms(&world) >= 1);
        assert!(disputes(&world)[0].text.starts_with("north releases"), "{}", disputes(&world)[0].text);
    }
}

/// A release that leaves out what a sensor sees, or is on the ground or a wide area, comes after the sensor without a dispute.
#[test]
fn a_release_that_says_less_than_the_own_sensor_hides_nothing() {
    let lies: [Lie; 4] = [
        |r| Some(TrackReport { on_ground: true, ..r }),
        |r| Some(TrackReport { speed: None, track: None, ..r }),
        |r| Some(TrackReport { accuracy_mm: Some(u32::MAX), ..elsewhere(r)? }),
        |r| Some(TrackReport { pressure: None, geometric: Some(Height::from_feet(10_000)), ..r }),
    ];
    for (n, lie) in lies.into_iter().enumerate() {
        for after in [-5, 0, 5] {
            assert!(alarms(&play(Truth::Seen, lie, after)) >= 1, "{n} {after}");
        }
    }
}

/// Nor does a peer's that says that another's aircraft is on the ground, or not where it flies to; who came first counts for nothing here.
#[test]
fn a_release_that_says_less_than_another_peer_s_hides_nothing() {
    let lies: [Lie; 2] =
        [|r| Some(TrackReport { on_ground: true, ..r }), |r| Some(TrackReport { speed: None, track: None, ..r })];
    for (n, lie) in lies.into_iter().enumerate() {
        for after in [-5, 0, 5] {
            assert!(alarms(&play(Truth::Released, lie, after)) >= 1, "{n} {after}");
        }
    }
}

/// The pact has smaller minima for a drone: only what all say whose word there is makes an aircraft one.
#[test]
fn a_peer_that_calls_another_s_aircraft_a_drone_makes_its_minima_no_smaller() {
    let drones = pact::PairMinima {
        a: None,
        b: AircraftClass::Uas,
        minima: pact::Minima { lateral_mm: 500_000, vertical: Height::from_feet(200), horizon_ms: 60_000 },
    };
    for (west, north, found) in [
        (AircraftClass::Civil, AircraftClass::Uas, true),
        (AircraftClass::Uas, AircraftClass::Uas, false),
        (AircraftClass::Uas, AircraftClass::Civil, true),
    ] {
        let text = signed(&pact::Pact { pairs: vec![drones], ..pact_of(&NAMES, START) });
        let all = [("north", open(&["south"])), ("south", open(&["north", "west"])), ("west", open(&["south"]))];
        let mut world = World::new(START, all.map(|(name, policy)| boot(name, &text, policy)).into());
        world.connect(0, 1);
        world.connect(1, 2);
        world.run(3_000, 500);
        let begin = world.now().utc;
        let own = aircraft(1, 46.5, 8.0, 300.0, 90.0, begin);
        let other = TrackReport { callsign: None, ..aircraft(9, 46.5167, 8.3, 300.0, 270.0, begin) };
        for step in 0..30 {
            let now = world.now().utc;
            world.report(1, 0, &[flown(&own, now)]);
            world.report(2, 0, &[TrackReport { class: west, ..flown(&other, now) }]);
            if step > 2 {
                world.report(0, 0, &[TrackReport { class: north, ..flown(&other, now) }]);
            }
            world.run(1_000, 500);
        }
        let conflicts = live(&world).into_iter().filter(|a| a.kind == AlertKind::Conflict && a.b.is_some()).count();
        assert_eq!(conflicts, usize::from(found), "{west:?} {north:?}: {:?}", live(&world));
        let label = TrackReport { callsign: track::Callsign::parse("FAKE99").ok(), ..flown(&other, world.now().utc) };
        world.report(0, 0, &[label]);
        world.run(2_000, 500);
        let shown = world.view(1).tracks.into_iter().find(|t| t.report.address == other.address).unwrap();
        assert_eq!(shown.owner, node::view::Owner::Peer(2), "who told of it first");
    }
}

/// An alert is kept for an aircraft that is no longer heard; another one of that name ends it only by the word of who told of it.
#[test]
fn another_party_s_aircraft_of_the_same_name_does_not_end_the_alert_of_one_that_fell_silent() {
    for (lies, left) in [(true, 1), (false, 0)] {
        let mut world = world(open(&["south"]));
        let begin = world.now().utc;
        let own = aircraft(1, 46.5, 7.0, 300.0, 90.0, begin);
        let other = aircraft(9, 46.5, 8.2, 300.0, 270.0, begin);
        for second in 0..150 {
            let now = world.now().utc;
            world.report(1, 0, &[flown(&own, now)]);
            if second < 10 {
                world.report(2, 0, &[flown(&other, now)]);
            }
            world.run(1_000, 1_000);
        }
        let conflicts = |world: &World| live(world).into_iter().filter(|a| a.kind == AlertKind::Conflict).count();
        assert_eq!((conflicts(&world), world.view(1).tracks.len()), (1, 1), "held to its last prediction");
        for _ in 0..5 {
            let now = world.now().utc;
            world.report(1, 0, &[flown(&own, now)]);
            let far = aircraft(77, 40.0, 2.0, 300.0, 90.0, now);
            world.report(if lies { 0 } else { 2 }, 0, &[TrackReport { callsign: other.callsign, ..far }]);
            world.run(1_000, 1_000);
        }
        assert_eq!(conflicts(&world), left, "{lies}: {:?}", live(&world));
    }
}

#[test]
fn when_the_liar_falls_silent_or_tells_the_truth_the_dispute_is_over() {
    let mut world = play(Truth::Seen, elsewhere, 0);
    assert_eq!(disputes(&world).len(), 1);
    let other = aircraft(9, 46.5, 8.1, 300.0, 270.0, world.now().utc);
    for _ in 0..40 {
        let now = world.now().utc;
        world.report(0, 0, &[flown(&other, now)]);
        world.report(1, 1, &[flown(&other, now)]);
        world.run(1_000, 500);
    }
    assert_eq!(disputes(&world).len(), 0);
    let tracks = world.view(1).tracks;
    assert_eq!(tracks.iter().filter(|t| t.report.address == other.address).count(), 1, "one aircraft again");
    let mut world = play(Truth::Seen, elsewhere, 0);
    world.run(160_000, 1_000);
    assert_eq!((disputes(&world).len(), world.view(1).tracks.len()), (0, 0));
}

/// An aircraft that climbs and turns, seen by the own sensor some hundred metres off and seconds late, released by its owner.
#[test]
fn honest_sources_of_one_aircraft_are_one_track() {
    let reduced = |precision_mm, delay_ms| {
        let level = Level::Reduced { precision_mm, delay_ms, identity: Identity::Keep };
        policy(&["south"], &[rule(RecordClass::Tracks, level)])
    };
    for (n, north) in [open(&["south"]), reduced(0, 20_000), reduced(9_260_000, 0), reduced(2_000_000, 60_000)]
        .into_iter()
        .enumerate()
    {
        for late in [0, 10_000] {
            let mut world = world(north.clone());
            let mut flight = aircraft(9, 46.5, 8.0, 450.0, 0.0, world.now().utc);
            let mut flights = vec![flight];
            for second in 0..100_i64 {
                let now = world.now().utc;
                flight = flown(&flight, now);
                // Straight, then rate one turns to one side and the other, at 3,000 ft/min.
                let rate = [0.0, 3.0, -3.0][(second / 30 % 3) as usize];
                flight.track = Angle::from_degrees((flight.track.unwrap().degrees() + rate).rem_euclid(360.0));
                flight.pressure = Some(Height(flight.pressure.unwrap().0 + 50 * Height::PER_FOOT));
                flights.push(flight);
                world.report(0, 0, &[flight]);
                let seen = flights.iter().rev().find(|f| now.since_ms(f.at) >= late);
                if let Some(seen) = seen.filter(|_| second % 4 == 0) {
                    let lat = seen.position.lat() + 0.003;
                    let position = Position::from_degrees(lat, seen.position.lon()).unwrap();
                    world.report(1, 1, &[TrackReport { position, local: 77, ..*seen }]);
                }
                world.run(1_000, 1_000);
                let view = world.view(1);
                let shown: Vec<_> = view.tracks.iter().filter(|t| t.report.address == flight.address).collect();
                assert!(shown.len() <= 1, "{n} {late} ms, second {second}: {shown:?}");
            }
            assert_eq!(disputes(&world).len(), 0);
        }
    }
}

/// A peer's lies about what nobody else tells of, and about more than one, are one alert, and no more tracks than it names.
#[test]
fn one_alert_names_the_first_of_many() {
    let mut world = world(open(&["south"]));
    let begin = world.now().utc;
    for _ in 0..10 {
        let now = world.now().utc;
        let seen: Vec<_> =
            (0..30).map(|n| aircraft(100 + n, 45.0 + f64::from(n) / 10.0, 9.0, 300.0, 90.0, begin)).collect();
        let flying: Vec<_> = seen.iter().map(|r| flown(r, now)).collect();
        world.report(1, 1, &flying);
        let lies: Vec<_> = flying.iter().filter_map(|r| three_miles_off(*r)).collect();
        world.report(0, 0, &lies);
        world.run(1_000, 500);
    }
    let disputes = disputes(&world);
    assert_eq!(disputes.len(), 1);
    assert!(disputes[0].text.contains("TEST100 (400064), 3.0 NM from where an own sensor sees it and 29 more"));
    assert_eq!(world.view(1).tracks.len(), 60);
    // A restart from a snapshot goes on with the same picture.
    let before = world.view(1).tracks;
    world.restart(1, true);
    assert_eq!(world.view(1).tracks, before);
}
