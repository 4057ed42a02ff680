//! Alerts: one per situation, acknowledged, cleared with hysteresis; and what a plan, an area, a site makes of a track.
mod common;

use airspace::PlanState;
use common::{
    NAMES, START, World, actor, aircraft, boot, circle, closed, flown, notice, open, pact_of, party, plan, policy,
    rule, signed, site, subject,
};
use node::Inhibited;
use node::command::{Command, Done};
use node::input::{FeedState, Input, PaintedAlert};
use node::view::{AlertKind, AlertView};
use record::{ChannelState, Role};
use release::{Level, RecordClass};
use std::collections::{BTreeMap, BTreeSet};
use track::TrackReport;
use units::Height;

fn pair() -> World {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    world
}

fn of_kind(world: &World, n: usize, kind: AlertKind) -> Vec<AlertView> {
    world.view(n).alerts.into_iter().filter(|a| a.kind == kind).collect()
}

fn only(world: &World, n: usize, kind: AlertKind) -> AlertView {
    let all = of_kind(world, n, kind);
    assert_eq!(all.len(), 1, "one alert for one situation: {all:?}");
    all[0].clone()
}

/// Flies aircraft of both nodes for some seconds.
fn fly(world: &mut World, seconds: u64, tracks: &[(usize, TrackReport)]) {
    for _ in 0..seconds {
        let at = world.now().utc;
        for (n, track) in tracks {
            world.report(*n, 0, &[flown(track, at)]);
        }
        world.run(1_000, 500);
    }
}

/// Two aircraft 60 NM apart on one line and level: 240 s to the loss at 5 NM, closing at 825 kt.
fn head_on(at: units::Utc) -> [(usize, TrackReport); 2] {
    [(0, aircraft(1, 46.5, 7.0, 412.5, 90.0, at)), (1, aircraft(2, 46.5, 8.452, 412.5, 270.0, at))]
}

#[test]
fn a_conflict_is_one_alert_that_worsens_once_and_is_seen_by_both_sides() {
    let mut world = pair();
    let tracks = head_on(world.now().utc);
    fly(&mut world, 60, &tracks);
    let warning = only(&world, 0, AlertKind::Conflict);
    assert_eq!((warning.level, warning.state, warning.violation), (2, "raised", false));
    assert_eq!(
        (warning.a.as_ref().unwrap().label.as_str(), warning.b.as_ref().unwrap().label.as_str()),
        ("TEST1", "TEST2")
    );
    let cpa = warning.cpa.unwrap().since_s(world.now().utc);
    assert!((190.0..210.0).contains(&cpa), "{cpa}");
    let checked = world.view(0).checked;
    assert_eq!((checked.tracks, checked.conflicts), (2, 1), "both were looked at, and are one conflict");
    let theirs = only(&world, 1, AlertKind::Conflict);
    assert_eq!(theirs.a.unwrap().label, "TEST2", "the own aircraft comes first");

    let paint = |world: &mut World, alert: &AlertView| {
        let alerts = vec![PaintedAlert { id: alert.id, raising: alert.raising }];
        world.input(0, Input::Displayed { actor: actor(Role::Officer), alerts, notices: vec![] });
    };
    paint(&mut world, &warning);
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "shown");
    assert_eq!(world.ask(0, Role::Officer, Command::AcknowledgeAlert(warning.id, None)), Ok(Done::Ok));
    let acknowledged = only(&world, 0, AlertKind::Conflict);
    assert_eq!((acknowledged.state, acknowledged.acknowledged.unwrap().0.as_str()), ("acknowledged", "officer"));
    let again = world.refusal(0, Role::Officer, Command::AcknowledgeAlert(warning.id, None));
    assert_eq!(again, "already acknowledged");

    fly(&mut world, 90, &tracks);
    let alarm = only(&world, 0, AlertKind::Conflict);
    assert_eq!((alarm.id, alarm.level, alarm.state), (warning.id, 3, "raised"), "worse: it sounds again");
    let late = Command::AcknowledgeAlert(alarm.id, Some(warning.raising));
    assert_eq!(world.refusal(0, Role::Officer, late), "already raised again: look at it as it is now");
    paint(&mut world, &warning);
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "raised", "who saw the warning has not seen the alarm");
    paint(&mut world, &AlertView { raising: alarm.raising + 1, ..alarm.clone() });
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "raised", "nobody has seen what has not been");
    paint(&mut world, &alarm);
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "shown", "painted as it is now");
    let seen = Command::AcknowledgeAlert(alarm.id, Some(alarm.raising));
    assert_eq!(world.ask(0, Role::Officer, seen), Ok(Done::Ok));
    fly(&mut world, 95, &tracks);
    let lost = only(&world, 0, AlertKind::Conflict);
    assert!(lost.violation && lost.level == 3 && lost.text == "TEST1 and TEST2 have lost separation");
    assert!(!world.nodes[0].losses.is_empty() && !world.nodes[1].losses.is_empty());
}

#[test]
fn an_alert_ends_ten_seconds_after_its_condition_and_not_by_being_acknowledged() {
    let mut world = pair();
    let tracks = head_on(world.now().utc);
    fly(&mut world, 40, &tracks);
    let alert = only(&world, 0, AlertKind::Conflict);
    world.ask(0, Role::Officer, Command::AcknowledgeAlert(alert.id, None)).unwrap();
    fly(&mut world, 20, &tracks);
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "acknowledged");
    // One of them climbs out of the way: the condition ends, the alert ten seconds later.
    let mut away = tracks;
    away[0].1.pressure = Some(Height::from_feet(33_000));
    fly(&mut world, 8, &away);
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "acknowledged", "it does not flicker");
    fly(&mut world, 4, &away);
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "cleared");
    assert_eq!(only(&world, 1, AlertKind::Conflict).state, "cleared");
    let gone = world.refusal(0, Role::Officer, Command::AcknowledgeAlert(alert.id, None));
    assert_eq!(gone, "already cleared");
    // The same situation anew is a new alert.
    fly(&mut world, 2, &tracks);
    let open: Vec<_> = of_kind(&world, 0, AlertKind::Conflict).into_iter().filter(|a| a.state != "cleared").collect();
    assert!(open.len() == 1 && open[0].id != alert.id);
}

#[test]
fn a_condition_that_comes_and_goes_within_ten_seconds_is_one_alert() {
    let mut world = pair();
    let tracks = head_on(world.now().utc);
    let mut away = tracks;
    away[0].1.pressure = Some(Height::from_feet(33_000));
    for _ in 0..8 {
        fly(&mut world, 3, &tracks);
        fly(&mut world, 6, &away);
    }
    assert_ne!(only(&world, 0, AlertKind::Conflict).state, "cleared");
}

#[test]
fn a_warning_nobody_acknowledges_becomes_an_alarm_after_a_minute() {
    let mut world = pair();
    let at = world.now().utc;
    // So slow that the loss stays more than 120 s ahead for the whole test.
    let tracks = [(0, aircraft(1, 46.5, 7.0, 60.0, 90.0, at)), (0, aircraft(2, 46.5, 7.37, 60.0, 270.0, at))];
    fly(&mut world, 50, &tracks);
    let warning = only(&world, 0, AlertKind::Conflict);
    assert_eq!((warning.level, warning.escalated, warning.since), (2, false, warning.raised));
    fly(&mut world, 30, &tracks);
    let alarm = only(&world, 0, AlertKind::Conflict);
    assert_eq!((alarm.level, alarm.escalated), (3, true), "only waiting made it one");
}

#[test]
fn a_channel_that_is_not_in_force_is_an_alert_of_its_own_kind() {
    let mut world = pair();
    assert_eq!(world.view(0).peers[0].desk, "+41 31 000 00 00", "clause 1 of the pact");
    let suspend =
        Command::StateChannel { peer: party("south"), state: ChannelState::Suspended, reason: "drill".into() };
    world.ask(0, Role::Administrator, suspend).unwrap();
    world.run(2_000, 500);
    for n in [0, 1] {
        assert_eq!(only(&world, n, AlertKind::Channel).level, 1);
        assert!(of_kind(&world, n, AlertKind::Clock).is_empty());
    }
}

#[test]
fn a_protected_site_ahead_is_a_warning_and_entered_an_alarm_even_if_a_peer_filed_it() {
    let mut world = pair();
    let file = Command::FileSite { subject: subject(1), site: site(46.5, 7.5) };
    world.ask(1, Role::Planner, file).unwrap();
    // 20.6 NM to its middle, 1.2 NM less to the edge of the buffer: 155 s.
    let tracks = [(0, aircraft(1, 46.5, 7.0, 450.0, 90.0, world.now().utc))];
    fly(&mut world, 20, &tracks);
    assert!(of_kind(&world, 0, AlertKind::Site).is_empty());
    fly(&mut world, 40, &tracks);
    let warning = only(&world, 0, AlertKind::Site);
    assert_eq!(
        (warning.level, warning.text.as_str()),
        (2, "TEST1 is predicted to come over protected site Clinic of south")
    );
    let ahead = warning.tin.unwrap().since_s(world.now().utc);
    assert!((85.0..105.0).contains(&ahead), "{ahead}");
    assert_eq!(
        only(&world, 1, AlertKind::Site).level,
        2,
        "whose aircraft it is has to turn it; whose site it is, to know"
    );
    fly(&mut world, 100, &tracks);
    let alarm = only(&world, 0, AlertKind::Site);
    assert_eq!((alarm.id, alarm.level, alarm.violation), (warning.id, 3, true));
    assert_eq!(alarm.text, "TEST1 is over protected site Clinic of south");
    fly(&mut world, 40, &tracks);
    assert_eq!(only(&world, 0, AlertKind::Site).state, "cleared");
}

#[test]
fn an_own_aircraft_in_a_peers_avoid_area_is_a_warning_and_in_its_own_partys_plan_nothing() {
    let mut world = pair();
    let to = vec![party("north")];
    let volumes = vec![circle(46.5, 7.0, 10.0, START)];
    world.ask(1, Role::Planner, Command::SendAvoid { subject: subject(1), to, volumes: volumes.clone() }).unwrap();
    let own_plan = Command::FilePlan { subject: subject(2), plan: plan(2, vec![circle(45.0, 7.0, 10.0, START)]) };
    world.ask(0, Role::Planner, own_plan).unwrap();
    let at = world.now().utc;
    fly(&mut world, 5, &[(0, aircraft(1, 46.5, 7.0, 100.0, 90.0, at)), (0, aircraft(2, 45.0, 7.0, 100.0, 90.0, at))]);
    let alert = only(&world, 0, AlertKind::Plan);
    assert_eq!((alert.level, alert.text.as_str()), (2, "TEST1 is in an avoid area of south"));
    let asked = only(&world, 1, AlertKind::Plan);
    assert_eq!((asked.level, asked.text.as_str()), (2, "TEST1 of north is in our avoid area"));
    // Above the area it is none of its business.
    let mut high = aircraft(3, 46.5, 7.0, 100.0, 90.0, at);
    high.pressure = Some(Height::from_feet(41_000));
    fly(&mut world, 2, &[(0, high)]);
    only(&world, 0, AlertKind::Plan);
}

#[test]
fn a_conflict_with_an_aircraft_no_longer_heard_goes_on_and_says_how_old_it_is() {
    let mut world = pair();
    let tracks = head_on(world.now().utc);
    fly(&mut world, 60, &tracks);
    let before = only(&world, 0, AlertKind::Conflict);
    world.cut(0, 1);
    fly(&mut world, 60, &tracks[..1]);
    let silent = only(&world, 0, AlertKind::Conflict);
    assert_eq!((silent.id, silent.cpa.is_some()), (before.id, true));
    assert!(silent.state != "cleared" && silent.data_age_ms.unwrap() > 55_000);
    fly(&mut world, 80, &tracks[..1]);
    let gone = only(&world, 0, AlertKind::Conflict);
    assert!(gone.state != "cleared" && gone.b.unwrap().label == "TEST2", "it left the map, not the prediction");
    assert!(world.view(0).tracks.len() == 1);
    // Both come back apart: the end of the condition is seen.
    world.connect(0, 1);
    let mut away = tracks;
    away[1].1.pressure = Some(Height::from_feet(33_000));
    fly(&mut world, 13, &away);
    assert!(of_kind(&world, 0, AlertKind::Conflict).iter().all(|a| a.state == "cleared"));
}

/// South's aircraft turns towards north's; south says so at once, before its next release is due.
fn turned() -> (World, [(usize, TrackReport); 2]) {
    turned_in(pair(), 0)
}

/// The same after south's aircraft was not heard for so many seconds.
fn turned_in(mut world: World, silent_s: u64) -> (World, [(usize, TrackReport); 2]) {
    let mut tracks = head_on(world.now().utc);
    tracks[1].1.track = units::Angle::from_degrees(90.0);
    fly(&mut world, 20, &tracks);
    fly(&mut world, silent_s, &tracks[..1]);
    assert!(of_kind(&world, 0, AlertKind::Conflict).is_empty());
    let at = world.now().utc;
    tracks[0].1 = flown(&tracks[0].1, at);
    tracks[1].1 = TrackReport { track: units::Angle::from_degrees(270.0), ..flown(&tracks[1].1, at) };
    world.report(1, 0, &[tracks[1].1]);
    world.pump();
    (world, tracks)
}

#[test]
fn what_a_peer_reports_and_what_is_then_found_is_one_alert() {
    let (mut world, tracks) = turned();
    let word = only(&world, 0, AlertKind::Conflict);
    assert!(word.text.starts_with("south reports a conflict with this aircraft: 0."), "{}", word.text);
    assert_eq!((word.level, word.b.unwrap().label.as_str()), (2, "TEST2"));
    fly(&mut world, 3, &tracks);
    let found = only(&world, 0, AlertKind::Conflict);
    assert_eq!((found.id, found.text.as_str()), (word.id, "TEST1 and TEST2 are predicted to lose separation"));
    only(&world, 1, AlertKind::Conflict);
}

#[test]
fn what_only_a_peer_could_find_is_alerted_on_its_word_until_it_is_past() {
    let (mut world, tracks) = turned();
    world.cut(0, 1);
    let cpa = only(&world, 0, AlertKind::Conflict).cpa.unwrap();
    let left = cpa.since_ms(world.now().utc) / 1000;
    assert!((100..400).contains(&left), "{left}");
    fly(&mut world, left as u64 - 5, &tracks[..1]);
    let held = only(&world, 0, AlertKind::Conflict);
    assert_ne!(held.state, "cleared");
    assert_eq!(held.level, 3, "and nobody acknowledged it");
    fly(&mut world, 20, &tracks[..1]);
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "cleared");
}

#[test]
fn what_a_peer_alone_reports_comes_under_an_inhibition_and_out_of_it_as_what_is_found_here() {
    // The other aircraft is known here, or has long left the picture.
    for silent_s in [0, 140] {
        let mut world = pair();
        let inhibit = |world: &mut World, of: Inhibited| {
            let until = world.now().utc.plus_ms(3_600_000);
            match world.ask(0, Role::Officer, Command::Inhibit { of, reason: "agreed".into(), until }) {
                Ok(Done::Numbered(id)) => id,
                other => panic!("{other:?}"),
            }
        };
        inhibit(&mut world, Inhibited::Flight("TEST9".into()));
        let first = inhibit(&mut world, Inhibited::Flight("test1".into()));
        let (mut world, tracks) = turned_in(world, silent_s);
        let is_known = silent_s == 0;
        let told = |world: &World| {
            let word = only(world, 0, AlertKind::Conflict);
            assert_eq!(word.b.is_some(), is_known);
            assert!(word.text.starts_with("south reports a conflict with this aircraft: 0."), "{}", word.text);
            (word.level, word.raising, word.inhibited)
        };
        assert_eq!(told(&world), (1, 1, Some(first)), "a caution that names it");
        // From here on nothing more is heard of south.
        world.cut(0, 1);
        let fly = |world: &mut World, seconds| fly(world, seconds, &tracks[..1]);
        fly(&mut world, 3);
        assert_eq!(told(&world), (1, 1, Some(first)));
        world.ask(0, Role::Officer, Command::Lift(first)).unwrap();
        fly(&mut world, 1);
        assert_eq!(told(&world), (2, 2, None), "lifted: what it is, and it sounds");
        let pair = Inhibited::Pair("TEST2".into(), "TEST1".into());
        let again = if is_known { pair } else { Inhibited::Flight("400001".into()) };
        let second = inhibit(&mut world, again);
        fly(&mut world, 12);
        assert_eq!(told(&world), (1, 2, Some(second)));
        world.restart(0, true);
        fly(&mut world, 2);
        assert_eq!(told(&world), (1, 2, Some(second)), "a restart keeps it");
        world.ask(0, Role::Officer, Command::Lift(second)).unwrap();
        fly(&mut world, 1);
        assert_eq!(told(&world), (2, 3, None));
    }
}

#[test]
fn a_withheld_conflict_is_alerted_only_where_it_is_known() {
    let mut world = World::pair(START, [closed(), open(&["north"])]);
    world.run(1_000, 100);
    let tracks = head_on(world.now().utc);
    fly(&mut world, 30, &tracks);
    only(&world, 0, AlertKind::Conflict);
    assert!(of_kind(&world, 1, AlertKind::Conflict).is_empty());
}

#[test]
fn the_pacts_airspace_bounds_what_is_a_conflict_and_its_border_belongs_to_it() {
    // Area of the pact: 44°N to 49°N and 4°E to 13°E, from FL050.
    let found = |lat: f64, feet: f64| {
        let mut world = pair();
        let mut tracks = head_on(world.now().utc);
        for (_, track) in &mut tracks {
            track.position = units::Position::from_degrees(lat, track.position.lon()).unwrap();
            track.pressure = Some(Height::from_metres(feet * 0.3048).unwrap());
        }
        // The second flies 2 NM further north.
        tracks[1].1.position = units::Position::from_degrees(lat + 2.0 / 60.0, tracks[1].1.position.lon()).unwrap();
        fly(&mut world, 60, &tracks);
        [of_kind(&world, 0, AlertKind::Conflict).len(), of_kind(&world, 1, AlertKind::Conflict).len()]
    };
    assert_eq!(found(46.5, 30_000.0), [1, 1], "inside");
    assert_eq!(found(48.98, 30_000.0), [1, 1], "one inside, the other beyond the border");
    assert_eq!(found(49.1, 30_000.0), [0, 0], "both beyond the border");
    assert_eq!(found(46.5, 3_000.0), [0, 0], "both below");
    assert_eq!(found(46.5, 5_000.0), [1, 1], "the lowest level belongs to it");
}

#[test]
fn a_conflict_ahead_inside_the_area_is_told_before_either_is_there() {
    let mut world = pair();
    let at = world.now().utc;
    // Side by side, converging towards 44°N from 9 and 15 NM south of it.
    let tracks = [(0, aircraft(1, 43.85, 7.0, 412.5, 20.0, at)), (1, aircraft(2, 43.85, 7.4, 412.5, 340.0, at))];
    fly(&mut world, 12, &tracks);
    assert!(world.view(0).tracks.iter().all(|t| t.report.position.lat() < 44.0), "not there yet");
    assert_eq!(of_kind(&world, 0, AlertKind::Conflict).len(), 1);
}

#[test]
fn a_lost_feed_is_an_alert_until_it_is_back_and_a_recordings_end_is_none() {
    let mut world = pair();
    let health = |state, error: Option<&str>| Input::FeedHealth {
        feed: 0,
        state,
        errors: 0,
        last_error: error.map(ToString::to_string),
    };
    world.input(0, health(FeedState::Up, None));
    world.run(15_000, 500);
    // The second feed of these nodes has never been there.
    let never = only(&world, 0, AlertKind::OwnPicture);
    assert_eq!((never.level, never.state), (1, "raised"));
    assert_eq!(never.text, "Feed seen is lost, unclaimed aircraft may be missing: no connection.");
    world.input(0, Input::FeedHealth { feed: 1, state: FeedState::Up, errors: 0, last_error: None });
    world.input(0, health(FeedState::Connecting, Some("connection refused")));
    world.run(8_000, 500);
    assert_eq!(only(&world, 0, AlertKind::OwnPicture).level, 1, "not every pause is a loss");
    world.run(4_000, 500);
    let lost = of_kind(&world, 0, AlertKind::OwnPicture).into_iter().find(|a| a.state == "raised").unwrap();
    assert_eq!(
        (lost.level, lost.text.as_str()),
        (2, "Feed own is lost, own aircraft may be missing: connection refused.")
    );
    world.input(0, health(FeedState::Up, None));
    world.run(15_000, 500);
    assert!(of_kind(&world, 0, AlertKind::OwnPicture).iter().all(|a| a.state == "cleared"));
    world.input(0, health(FeedState::Down, None));
    world.run(15_000, 500);
    assert!(of_kind(&world, 0, AlertKind::OwnPicture).iter().all(|a| a.state == "cleared"));
}

#[test]
fn a_pact_that_ends_says_so_a_day_before_and_then_carries_the_safety_floor_alone() {
    // Valid for 30 days from the day of its start.
    let day_ms = 86_400_000;
    let text = signed(&pact_of(&NAMES[..2], START));
    let text_at = |start: units::Utc| {
        let boots = vec![boot("north", &text, open(&["south"])), boot("south", &text, open(&["north"]))];
        let mut world = World::new(start, boots);
        world.connect(0, 1);
        let track = aircraft(1, 46.5, 7.0, 400.0, 90.0, world.now().utc);
        fly(&mut world, 5, &[(0, track)]);
        let alerts = of_kind(&world, 0, AlertKind::Channel);
        assert!(alerts.len() <= 1);
        // What is addressed passes whatever the date.
        world.ask(0, Role::Officer, Command::SendNotice(notice("south", 1))).unwrap();
        fly(&mut world, 2, &[(0, track)]);
        assert!(world.view(1).notices.len() == 1 && world.view(0).notices[0].received.is_some());
        (world.view(1).tracks.len(), alerts.first().map(|a| (a.level, a.text.clone())))
    };
    let says = |level, words: &str| Some((level, format!("The pact with south {words}")));
    assert_eq!(text_at(START), (1, None));
    let end = "at 2026-07-01T00:00:00Z (clause 3.1)";
    let held = "Tracks and plans are held back; notices, receipts and protected sites pass.";
    let soon = format!("ends {end}; then tracks and plans are held back");
    assert_eq!(text_at(START.plus_ms(29 * day_ms + 1_000)), (1, says(1, &soon)));
    assert_eq!(text_at(START.plus_ms(30 * day_ms)), (0, says(2, &format!("ended {end}: agree a new one. {held}"))));
    let begin = format!("holds only from 2026-06-01T00:00:00Z (clause 3.1). {held}");
    assert_eq!(text_at(START.plus_ms(-day_ms)), (0, says(1, &begin)));
}

#[test]
fn another_partys_aircraft_over_our_site_is_told_at_the_sites_owner() {
    let mut world = pair();
    world.ask(1, Role::Planner, Command::FileSite { subject: subject(7), site: site(46.5, 7.3) }).unwrap();
    let track = aircraft(1, 46.5, 7.24, 100.0, 90.0, world.now().utc);
    fly(&mut world, 3, &[(0, track)]);
    for (n, text) in [
        (0, "TEST1 is predicted to come over protected site Clinic of south"),
        (1, "TEST1 of north is predicted to come over protected site Clinic"),
    ] {
        let alert = only(&world, n, AlertKind::Site);
        assert_eq!((alert.level, alert.text.as_str()), (2, text));
    }
    fly(&mut world, 60, &[(0, track)]);
    assert_eq!(only(&world, 1, AlertKind::Site).text, "TEST1 of north is over protected site Clinic");
}

#[test]
fn traffic_too_coarse_to_judge_is_said_to_be_so() {
    let coarse = |cell_e7| policy(&["north"], &[rule(RecordClass::Tracks, Level::Coarse { cell_e7, bin_ms: 5_000 })]);
    let mut world = World::pair(START, [open(&["south"]), coarse(5_000_000)]);
    world.run(1_000, 100);
    let at = world.now().utc;
    // The own one, one within its cell at its level, and one at the same place 3,600 ft higher.
    let mut high = aircraft(3, 46.5, 7.1, 250.0, 90.0, at);
    high.pressure = Some(Height::from_feet(33_600));
    let tracks =
        [(0, aircraft(1, 46.5, 7.0, 250.0, 90.0, at)), (1, aircraft(2, 46.5, 7.4, 250.0, 90.0, at)), (1, high)];
    fly(&mut world, 12, &tracks);
    let told = only(&world, 0, AlertKind::Conflict);
    assert_eq!((told.level, told.a.as_ref().map(|a| a.label.as_str())), (1, Some("TEST1")));
    assert!(told.text.starts_with("TEST1 may be near traffic of south that cannot be judged: "), "{}", told.text);
    // It climbs out of the cell's levels.
    let mut away = tracks;
    away[0].1.pressure = Some(Height::from_feet(38_000));
    fly(&mut world, 14, &away);
    assert_eq!(only(&world, 0, AlertKind::Conflict).state, "cleared");
}

#[test]
fn an_aircraft_that_says_not_where_it_flies_is_not_called_clear() {
    let mut world = pair();
    let at = world.now().utc;
    let mut silent = aircraft(2, 46.5, 7.05, 250.0, 90.0, at);
    silent.speed = None;
    // 6 NM apart: no conflict as long as the other stands still.
    let own = aircraft(1, 46.6, 7.05, 0.0, 90.0, at);
    for _ in 0..5 {
        let now = world.now().utc;
        world.report(0, 0, &[TrackReport { at: now, ..own }]);
        world.report(1, 0, &[TrackReport { at: now, ..silent }]);
        world.run(1_000, 500);
    }
    let told = only(&world, 0, AlertKind::Conflict);
    assert!(told.level == 1 && told.text.contains("cannot be judged"), "{}", told.text);
    assert_eq!(world.view(0).checked.unjudged, 1);
}

#[test]
fn an_aircraft_outside_the_plan_it_flies_is_told_after_three_looks() {
    let mut world = pair();
    let track = aircraft(1, 46.5, 7.0, 250.0, 90.0, world.now().utc);
    // 20 NM around its beginning: it leaves after 288 s.
    let mut flown_plan = plan(1, vec![circle(46.5, 7.0, 20.0, START)]);
    flown_plan.state = airspace::PlanState::Activated;
    flown_plan.address = Some(0x40_0001);
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: flown_plan }).unwrap();
    fly(&mut world, 280, &[(0, track)]);
    assert!(of_kind(&world, 0, AlertKind::Plan).is_empty());
    let jump = TrackReport { position: units::Position::from_degrees(46.5, 8.0).unwrap(), ..track };
    let jump = TrackReport { at: world.now().utc, ..jump };
    fly(&mut world, 2, &[(0, jump)]);
    fly(&mut world, 3, &[(0, track)]);
    assert!(of_kind(&world, 0, AlertKind::Plan).is_empty(), "two wild reports are no deviation");
    fly(&mut world, 12, &[(0, track)]);
    let told = only(&world, 0, AlertKind::Plan);
    assert_eq!((told.level, told.state), (1, "raised"));
    assert!(told.text.starts_with("TEST1 is nonconforming: 0."), "{}", told.text);
    assert!(told.text.ends_with(" NM outside plan PLAN1"), "{}", told.text);
    assert!(of_kind(&world, 1, AlertKind::Plan).is_empty());
    fly(&mut world, 62, &[(0, track)]);
    let long = only(&world, 0, AlertKind::Plan);
    assert_eq!((long.id, long.level, long.raising), (told.id, 2, 2), "after a minute a warning");
    assert!(long.text.ends_with("; it is to be declared, or contingent if it cannot return"), "{}", long.text);

    // The officer declares it: a revision like any other, which goes to whoever was told of the plan.
    let declare = |state| Command::DeclarePlan { subject: subject(1), state };
    let state = |world: &World, n: usize| {
        let plan = world.view(n).plans.remove(0);
        (plan.plan.state, plan.revision, plan.plan.volumes)
    };
    let before = state(&world, 1);
    let declared = world.ask(0, Role::Officer, declare(PlanState::Nonconforming));
    assert!(matches!(declared, Ok(Done::Filed { revision: 2, .. })), "{declared:?}");
    world.run(2_000, 500);
    let after = state(&world, 1);
    assert_eq!((before.0, after.0, after.1), (PlanState::Activated, PlanState::Nonconforming, before.1 + 1));
    assert_eq!(after.2, before.2, "and all else of it is as it was");
    fly(&mut world, 2, &[(0, track)]);
    let text = only(&world, 0, AlertKind::Plan).text;
    assert!(text.ends_with("; if it cannot return, contingent is to be declared"), "{text}");
    // Back in its volumes it goes on being declared until somebody declares otherwise.
    let back = TrackReport { at: world.now().utc, ..track };
    fly(&mut world, 5, &[(0, back)]);
    let text = only(&world, 0, AlertKind::Plan).text;
    assert_eq!(text, "TEST1 is back in plan PLAN1, which is declared nonconforming: activated may be declared");
    world.ask(0, Role::Officer, declare(PlanState::Activated)).unwrap();
    fly(&mut world, 12, &[(0, back)]);
    assert_eq!(only(&world, 0, AlertKind::Plan).state, "cleared");
    assert_eq!(state(&world, 1).0, PlanState::Activated);
}

#[test]
fn a_plan_that_names_its_aircraft_by_callsign_alone_is_kept_to_as_well() {
    // By callsign in any case; by address if it has one, unless the aircraft says none; never another's.
    let own = |address: Option<u32>| TrackReport {
        address: address.and_then(track::Address::icao),
        ..aircraft(1, 46.5, 9.0, 250.0, 90.0, START)
    };
    for (address, callsign, flown_as, n, is_told) in [
        (None, " test1 ", Some(0x40_0001), 0, true),
        (None, "TEST1", None, 0, true),
        (None, "TEST2", Some(0x40_0001), 0, false),
        (Some(0x40_0001), "OTHER", Some(0x40_0001), 0, true),
        (Some(0x40_0002), "TEST1", Some(0x40_0001), 0, false),
        (Some(0x40_0002), "TEST1", None, 0, true),
        (None, "TEST1", Some(0x40_0001), 1, false),
    ] {
        let mut world = pair();
        let track = TrackReport { at: world.now().utc, ..own(flown_as) };
        let mut flown_plan = plan(1, vec![circle(46.5, 7.0, 20.0, START)]);
        flown_plan.state = PlanState::Activated;
        (flown_plan.address, flown_plan.callsign) = (address, Some(callsign.into()));
        world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: flown_plan }).unwrap();
        fly(&mut world, 5, &[(n, track)]);
        let told: Vec<_> = of_kind(&world, 0, AlertKind::Plan);
        let told: Vec<_> = told.iter().filter(|a| a.text.starts_with("TEST1 is nonconforming: ")).collect();
        assert_eq!(told.len(), usize::from(is_told), "{address:?} {callsign} {flown_as:?} {n}");
    }
}

#[test]
fn of_several_that_bear_a_plans_callsign_one_is_held_to_it() {
    let mut world = pair();
    let at = world.now().utc;
    let mut flown_plan = plan(1, vec![circle(46.5, 7.0, 20.0, START)]);
    (flown_plan.state, flown_plan.callsign) = (PlanState::Activated, Some("TEST1".into()));
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: flown_plan }).unwrap();
    let first = aircraft(1, 46.5, 7.0, 100.0, 90.0, at);
    let second = TrackReport { callsign: first.callsign, ..aircraft(2, 46.5, 9.0, 100.0, 90.0, at) };
    fly(&mut world, 5, &[(0, first), (0, second)]);
    assert!(of_kind(&world, 0, AlertKind::Plan).is_empty(), "the first, which is inside");
    // It is silent: the one that is heard.
    fly(&mut world, 35, &[(0, second)]);
    assert_eq!(of_kind(&world, 0, AlertKind::Plan).len(), 1);
}

#[test]
fn an_officer_declares_how_a_plan_is_flown_and_nothing_that_does_not_follow() {
    let mut world = pair();
    let mut flown_plan = plan(1, vec![circle(46.5, 7.0, 20.0, START)]);
    flown_plan.state = PlanState::Draft;
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: flown_plan.clone() }).unwrap();
    let declare = |state| Command::DeclarePlan { subject: subject(1), state };
    for (role, command, why) in [
        (Role::Observer, declare(PlanState::Contingent), "may not do this"),
        (Role::Administrator, declare(PlanState::Contingent), "may not do this"),
        (Role::Officer, declare(PlanState::Contingent), "state: cannot follow draft"),
        (Role::Officer, declare(PlanState::Ended), "state: must be activated, nonconforming or contingent"),
        (Role::Officer, Command::DeclarePlan { subject: subject(2), state: PlanState::Activated }, "no such plan"),
    ] {
        let said = world.refusal(0, role, command);
        assert!(said.contains(why), "{said}");
    }
    flown_plan.state = PlanState::Accepted;
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: flown_plan.clone() }).unwrap();
    for state in [PlanState::Activated, PlanState::Nonconforming, PlanState::Contingent] {
        world.ask(0, Role::Officer, declare(state)).unwrap();
        assert_eq!(world.refusal(0, Role::Officer, declare(state)), format!("already {}", state.name()));
    }
    let audit = world.state(0).audit().last().unwrap().command.clone();
    assert_eq!(audit, format!("declare-plan {} contingent", subject(1)));
    for state in [PlanState::Activated, PlanState::Nonconforming] {
        assert!(world.refusal(0, Role::Officer, declare(state)).contains("state: cannot follow contingent"));
    }
    flown_plan.state = PlanState::Ended;
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: flown_plan }).unwrap();
    assert!(world.refusal(0, Role::Officer, declare(PlanState::Contingent)).contains("state: cannot follow ended"));
}

/// An aircraft that flies round a place.
fn circling(n: u32, (lat, lon): (f64, f64), (radius_m, mps): (f64, f64), at: units::Utc) -> TrackReport {
    let bearing = (at.since_s(START) * mps / radius_m).to_degrees() % 360.0;
    let (lat, lon) = units::earth::direct(lat, lon, bearing, radius_m);
    aircraft(n, lat, lon, mps / 1852.0 * 3600.0, (bearing + 90.0) % 360.0, at)
}

#[test]
fn an_occupied_cell_is_one_alert_for_as_long_as_its_bins_follow_each_other() {
    let level = Level::Coarse { cell_e7: 5_000_000, bin_ms: 60_000 };
    let mut world = World::pair(START, [open(&["south"]), policy(&["north"], &[rule(RecordClass::Tracks, level)])]);
    world.run(1_000, 100);
    // Times and numbers of what was shown of theirs; alerts by own aircraft and whether they name another; and what ended.
    let (mut bins, mut shown, mut ended) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut raised: BTreeMap<(String, bool), BTreeSet<u64>> = BTreeMap::new();
    let mut fly = |seconds, theirs: bool| {
        for _ in 0..seconds {
            let at = world.now().utc;
            if theirs {
                world.report(1, 0, &[circling(2, (46.75, 7.25), (10_000.0, 100.0), at)]);
            }
            // One near the cell's centre, and a slow one 20 NM from it, a thousand feet above the other.
            let near = circling(1, (46.75, 7.28), (3_000.0, 100.0), at);
            let pressure = Some(Height::from_feet(31_000));
            let far = TrackReport { pressure, ..circling(3, (46.42, 7.28), (500.0, 5.0), at) };
            world.report(0, 0, &[near, far]);
            world.run(1_000, 1_000);
            let view = world.view(0);
            for track in view.tracks.iter().filter(|t| t.report.speed.is_none()) {
                bins.insert(track.report.at);
                shown.insert(track.id);
            }
            for alert in view.alerts.iter().filter(|a| a.kind == AlertKind::Conflict) {
                let own = alert.a.as_ref().unwrap().label.clone();
                raised.entry((own, alert.b.is_some())).or_default().insert(alert.id);
                ended.extend((alert.state == "cleared").then_some(alert.id));
            }
        }
        let raised: Vec<_> = raised.iter().map(|((own, names), ids)| (own.clone(), *names, ids.len())).collect();
        (bins.len(), shown.len(), raised, ended.len())
    };
    // A caution that there is something near each, and no conflict with the middle of a cell, where nobody is.
    let one_each = [("TEST1", false), ("TEST3", false)].map(|(own, names)| (own.into(), names, 1)).to_vec();
    assert_eq!(fly(660, true), (11, 1, one_each.clone(), 0));
    // Held to where it was told last for as long as that is shown, and not for good.
    assert_eq!(fly(90, false), (11, 1, one_each.clone(), 0));
    assert_eq!(fly(90, false), (11, 1, one_each, 2));
}
