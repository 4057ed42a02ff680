//! Several tracks of one aircraft are one; a formation is not; and nobody hides an aircraft by words.
mod common;

use common::{NAMES, START, World, aircraft, boot, flown, open, pact_of, policy, rule, signed};
use node::command::{Command, Done};
use node::view::{AlertKind, TrackView};
use record::Role;
use release::{Identity, Level, RecordClass};
use track::{Address, Callsign, ModeA, SourceClass, TrackReport};
use units::{Angle, Height, Position, Utc};

const OWN: u16 = 0;
const SEEN: u16 = 1;

fn alone() -> World {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 500);
    world
}

/// A ground system's track of an aircraft: 150 m behind it, 100 ft off, with a number of that system.
fn of_ground(of: &TrackReport, number: u32) -> TrackReport {
    let mut r =
        TrackReport { address: Address::non_icao(number), callsign: None, local: u64::from(number) << 32, ..*of };
    r.position = Position::new(of.position.lat_e7, of.position.lon_e7 - 20_000).unwrap();
    r.pressure = of.pressure.map(|h| Height(h.0 + 100 * 3_048));
    r.source = SourceClass::TisB;
    r
}

/// A primary radar's track: no name at all.
fn nameless(of: &TrackReport, number: u64) -> TrackReport {
    TrackReport { address: None, callsign: None, local: number, source: SourceClass::Radar, ..*of }
}

/// Reports for some seconds; the views' tracks afterwards.
fn fly(world: &mut World, n: usize, seconds: u64, tracks: &[(u16, TrackReport)]) -> Vec<TrackView> {
    for _ in 0..seconds {
        let at = world.now().utc;
        for (feed, track) in tracks {
            world.report(n, *feed, &[flown(track, at)]);
        }
        world.run(1_000, 500);
    }
    world.view(n).tracks
}

fn conflicts(world: &World, n: usize) -> usize {
    let is_live = |a: &&node::view::AlertView| a.kind == AlertKind::Conflict && a.state != "cleared";
    world.view(n).alerts.iter().filter(is_live).count()
}

fn one(at: Utc) -> TrackReport {
    aircraft(1, 46.5, 8.0, 300.0, 90.0, at)
}

#[test]
fn a_ground_systems_track_of_an_aircraft_is_part_of_it_from_its_first_report_on() {
    let mut world = alone();
    let own = one(world.now().utc);
    fly(&mut world, 0, 3, &[(OWN, own)]);
    let both = [(OWN, own), (SEEN, of_ground(&own, 0x2b_1fcc))];
    let tracks = fly(&mut world, 0, 3, &both);
    assert_eq!((tracks.len(), conflicts(&world, 0)), (1, 0), "no conflict with itself");
    assert_eq!(tracks[0].joined.iter().map(|j| j.report.address).collect::<Vec<_>>(), [Address::non_icao(0x2b_1fcc)]);
    assert_eq!(world.view(0).alerts.iter().filter(|a| a.kind == AlertKind::Conflict).count(), 0, "there never was one");
    world.restart(0, true);
    assert_eq!(fly(&mut world, 0, 3, &both).len(), 1, "nor after a restart");
    assert_eq!(world.view(0).correlation.joined, 1);
    // What the aircraft itself no longer says, the ground system still does.
    let left = fly(&mut world, 0, 12, &both[1..]);
    assert_eq!(left.len(), 2, "a silent one hides nobody");
    assert_eq!(fly(&mut world, 0, 2, &both).len(), 1, "and is the same when it is back");
}

#[test]
fn two_that_part_are_two_and_stay_so() {
    let mut world = alone();
    let own = one(world.now().utc);
    fly(&mut world, 0, 2, &[(OWN, own)]);
    let shadow = of_ground(&own, 0x2b_1fcc);
    assert_eq!(fly(&mut world, 0, 3, &[(OWN, own), (SEEN, shadow)]).len(), 1);
    let away = TrackReport { pressure: shadow.pressure.map(|h| Height(h.0 + 600 * 3_048)), ..shadow };
    assert_eq!(fly(&mut world, 0, 1, &[(OWN, own), (SEEN, away)]).len(), 1, "one look is none");
    assert_eq!(fly(&mut world, 0, 2, &[(OWN, own), (SEEN, away)]).len(), 2);
    assert_eq!(conflicts(&world, 0), 1, "700 ft above an own aircraft");
    assert_eq!(fly(&mut world, 0, 20, &[(OWN, own), (SEEN, shadow)]).len(), 2, "they were seen apart");
    let counts = world.view(0).correlation;
    assert_eq!((counts.joined, counts.parted, counts.undone), (1, 1, 0));
}

#[test]
fn an_officer_parts_what_was_joined_wrongly_for_good() {
    let mut world = alone();
    let own = one(world.now().utc);
    fly(&mut world, 0, 2, &[(OWN, own)]);
    let both = [(OWN, own), (SEEN, of_ground(&own, 0x2b_1fcc))];
    let tracks = fly(&mut world, 0, 3, &both);
    let part = tracks[0].joined[0].id;
    assert!(world.refusal(0, Role::Planner, Command::Separate(part)).contains("may not do this"));
    assert!(world.refusal(0, Role::Officer, Command::Separate(tracks[0].id)).contains("no such track that is joined"));
    assert_eq!(world.ask(0, Role::Officer, Command::Separate(part)), Ok(Done::Ok));
    assert_eq!(fly(&mut world, 0, 30, &both).len(), 2);
    assert_eq!((conflicts(&world, 0), world.view(0).correlation.undone), (1, 1));
    world.restart(0, true);
    assert_eq!(fly(&mut world, 0, 3, &both).len(), 2, "a restart does not undo it");
}

#[test]
fn a_track_without_a_name_is_joined_to_an_own_aircraft_by_its_code_alone() {
    for code in [None, Some("4321"), Some("7000")] {
        let mut world = alone();
        let mut own = one(world.now().utc);
        own.mode_a = code.map(|c| ModeA::parse(c).unwrap());
        fly(&mut world, 0, 2, &[(OWN, own)]);
        let both = [(OWN, own), (SEEN, nameless(&own, 77))];
        let soon = fly(&mut world, 0, 2, &both).len();
        assert_eq!(soon, if code == Some("4321") { 1 } else { 2 }, "{code:?}");
        // What merely keeps near an own aircraft may be another one: its alarm stands.
        let want = if code == Some("4321") { (1, 0) } else { (2, 1) };
        assert_eq!((fly(&mut world, 0, 30, &both).len(), conflicts(&world, 0)), want, "{code:?}");
    }
}

#[test]
fn a_formation_is_as_many_as_it_is() {
    let mut world = alone();
    let at = world.now().utc;
    let lead = one(at);
    let beside = |r: TrackReport| TrackReport {
        position: Position::new(r.position.lat_e7 + 10_000, r.position.lon_e7).unwrap(),
        ..r
    };
    // With addresses of their own; two numbers of one radar; and one whose code or callsign is another.
    let wing = TrackReport {
        address: Address::icao(0x40_0002),
        callsign: Callsign::parse("TEST2").ok(),
        local: 2,
        ..beside(lead)
    };
    assert_eq!(fly(&mut world, 0, 20, &[(SEEN, lead), (SEEN, wing)]).len(), 2);
    let mut world = alone();
    let (a, b) = (nameless(&lead, 5), nameless(&beside(lead), 6));
    assert_eq!(fly(&mut world, 0, 20, &[(SEEN, a), (SEEN, b)]).len(), 2, "one radar tells them apart");
    for (callsign, code) in [(Some("TEST2"), None), (None, Some("4322"))] {
        let mut world = alone();
        let mut lead = lead;
        lead.mode_a = ModeA::parse("4321").ok();
        let mut other = nameless(&beside(lead), 6);
        other.callsign = callsign.map(|c| Callsign::parse(c).unwrap());
        other.mode_a = code.map(|c| ModeA::parse(c).unwrap());
        assert_eq!(fly(&mut world, 0, 20, &[(OWN, lead), (SEEN, other)]).len(), 2, "{callsign:?} {code:?}");
    }
}

#[test]
fn one_that_came_from_elsewhere_is_not_the_one_it_comes_near_to() {
    let mut world = alone();
    let own = one(world.now().utc);
    // From the side at the same speed, until it flies along; 4 NM off at first.
    let far = |nm: f64| {
        let mut r = nameless(&own, 77);
        r.position = Position::new(own.position.lat_e7 + (nm / 60.0 * 1e7) as i32, own.position.lon_e7).unwrap();
        r
    };
    for tenths in (0..40).rev() {
        fly(&mut world, 0, 1, &[(OWN, own), (SEEN, far(f64::from(tenths) / 10.0))]);
    }
    assert_eq!(fly(&mut world, 0, 30, &[(OWN, own), (SEEN, far(0.0))]).len(), 2);
    assert_eq!(conflicts(&world, 0), 1);
}

#[test]
fn what_a_peer_says_hides_neither_an_own_aircraft_nor_what_an_own_sensor_sees() {
    let drop = Level::Reduced { precision_mm: 0, delay_ms: 0, identity: Identity::Drop };
    for north in [open(&["south"]), policy(&["south"], &[rule(RecordClass::Tracks, drop)])] {
        let mut world = World::pair(START, [north, open(&["north"])]);
        world.connect(0, 1);
        world.run(2_000, 500);
        let own = one(world.now().utc);
        // North says that one of its own flies exactly where south's does, and where south's radar sees somebody, and that both
        // stand still.
        let liar = |of: &TrackReport, n: u32| {
            let mut r = TrackReport { address: Address::icao(0x50_0000 + n), local: u64::from(n), ..*of };
            r.callsign = None;
            r
        };
        let seen = {
            let mut r = nameless(&own, 77);
            r.position = Position::new(own.position.lat_e7 + 1_000_000, own.position.lon_e7).unwrap();
            r.track = Angle::from_degrees(180.0);
            r
        };
        for _ in 0..20 {
            let at = world.now().utc;
            let still = |r: TrackReport| TrackReport { speed: Some(units::Speed(0)), ..flown(&r, at) };
            world.report(0, OWN, &[flown(&liar(&own, 1), at), still(liar(&seen, 2))]);
            world.report(1, OWN, &[flown(&own, at)]);
            world.report(1, SEEN, &[flown(&seen, at)]);
            world.run(1_000, 500);
        }
        let view = world.view(1);
        let own_id = view.tracks.iter().find(|t| t.report.callsign == own.callsign).unwrap().id;
        let radar = view.tracks.iter().find(|t| t.report.source == SourceClass::Radar).expect("seen by itself");
        assert!(
            view.tracks.iter().all(|t| t.id != own_id || t.joined.is_empty()),
            "nothing of a peer is part of an own aircraft"
        );
        let meets = |id: u32| {
            view.alerts.iter().any(|a| {
                a.kind == AlertKind::Conflict
                    && a.level == 3
                    && a.a.as_ref().is_some_and(|t| t.id == own_id)
                    && a.b.as_ref().is_some_and(|t| t.id == id)
            })
        };
        assert!(meets(radar.id), "what the radar sees comes at the own aircraft, whatever a peer says of it");
    }
}

#[test]
fn a_release_without_identity_is_part_of_what_an_own_sensor_sees_after_ten_seconds_in_one_place() {
    let drop = Level::Reduced { precision_mm: 0, delay_ms: 0, identity: Identity::Drop };
    let north = policy(&["south"], &[rule(RecordClass::Tracks, drop)]);
    let mut world = World::pair(START, [north, open(&["north"])]);
    world.connect(0, 1);
    world.run(2_000, 500);
    let begin = one(world.now().utc);
    for second in 0..20 {
        let at = world.now().utc;
        world.report(0, OWN, &[flown(&begin, at)]);
        world.report(1, SEEN, &[flown(&begin, at)]);
        world.run(1_000, 500);
        let tracks = world.view(1).tracks;
        assert!(second > 5 || tracks.len() == 2 || second == 0, "{second}");
    }
    let tracks = world.view(1).tracks;
    assert_eq!((tracks.len(), tracks[0].joined.len()), (1, 1));
    assert_eq!(tracks[0].report.address, begin.address, "the sensor's word stays");
}

#[test]
fn one_ground_system_tells_its_own_tracks_apart_beside_an_aircraft_too() {
    let mut world = alone();
    let own = one(world.now().utc);
    fly(&mut world, 0, 2, &[(OWN, own)]);
    let echo = of_ground(&own, 0x2b_1fcc);
    let mut other = of_ground(&own, 0x2b_1fcd);
    other.position = Position::new(own.position.lat_e7 + 20_000, own.position.lon_e7).unwrap();
    fly(&mut world, 0, 3, &[(OWN, own), (SEEN, echo)]);
    assert_eq!(fly(&mut world, 0, 20, &[(OWN, own), (SEEN, echo), (SEEN, other)]).len(), 2);
    assert_eq!(conflicts(&world, 0), 1, "a second one is another aircraft");
}

#[test]
fn one_peer_hides_no_aircraft_of_another_by_words() {
    let drop = Level::Reduced { precision_mm: 0, delay_ms: 0, identity: Identity::Drop };
    let west = policy(&["south"], &[rule(RecordClass::Tracks, drop)]);
    let text = signed(&pact_of(&NAMES, START));
    let boots = vec![
        boot("north", &text, open(&["south"])),
        boot("south", &text, open(&["north", "west"])),
        boot("west", &text, west),
    ];
    let mut world = World::new(START, boots);
    world.connect(0, 1);
    world.connect(1, 2);
    world.run(3_000, 500);
    let begin = world.now().utc;
    let own = aircraft(1, 46.5, 8.0, 300.0, 90.0, begin);
    let theirs = aircraft(9, 46.5, 8.3, 300.0, 270.0, begin);
    for second in 0..40 {
        let at = world.now().utc;
        // In its place at first, then away to the north, of an accuracy that would hold the world.
        let mut lie =
            TrackReport { address: Address::icao(0x50_0001), callsign: None, local: 77, ..flown(&theirs, at) };
        lie.accuracy_mm = Some(u32::MAX);
        if second > 15 {
            lie.position = Position::new(lie.position.lat_e7 + (second - 15) * 200_000, lie.position.lon_e7).unwrap();
        }
        world.report(0, OWN, &[lie]);
        world.report(1, OWN, &[flown(&own, at)]);
        world.report(2, OWN, &[flown(&theirs, at)]);
        world.run(1_000, 500);
    }
    let view = world.view(1);
    assert!(view.tracks.iter().all(|track| track.joined.is_empty()));
    let alarm = |a: &&node::view::AlertView| {
        let is_west = a.b.as_ref().is_some_and(|b| b.owner == node::view::Owner::Peer(2));
        a.kind == AlertKind::Conflict && a.level == 3 && a.tin.is_some() && is_west
    };
    assert!(view.alerts.iter().any(|a| alarm(&a)), "{:?}", view.alerts);
}
