//! What keeps alerts few and true: M of N looks, wider thresholds at the end, inhibitions; and what an alert rests on.
mod common;

use common::{START, World, actor, aircraft, circle, flown, open};
use detect::Verdict;
use node::command::{Command, Done};
use node::view::{AlertKind, AlertView};
use node::{AlertRules, INHIBITIONS_MAX, Inhibited};
use record::Role;
use track::TrackReport;
use units::{Angle, Height, Utc, VerticalRate};

fn alone() -> World {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 500);
    world
}

fn conflicts(world: &World) -> Vec<AlertView> {
    world.view(0).alerts.into_iter().filter(|a| a.kind == AlertKind::Conflict && a.state != "cleared").collect()
}

/// Own aircraft fly for some seconds, each reporting once a second.
fn fly(world: &mut World, seconds: u64, tracks: &[TrackReport]) {
    for _ in 0..seconds {
        let at = world.now().utc;
        world.report(0, 0, &tracks.iter().map(|t| flown(t, at)).collect::<Vec<_>>());
        world.run(1_000, 500);
    }
}

/// Head on at one level, the loss of 5 NM `seconds` ahead.
fn head_on(at: Utc, seconds: f64) -> [TrackReport; 2] {
    let apart_nm = 5.0 + 900.0 * seconds / 3600.0;
    let east = apart_nm / 60.0 / 46.5f64.to_radians().cos();
    [aircraft(1, 46.5, 7.0, 450.0, 90.0, at), aircraft(2, 46.5, 7.0 + east, 450.0, 270.0, at)]
}

#[test]
fn one_wild_report_is_no_warning_and_a_second_one_that_agrees_is() {
    let mut world = alone();
    let mut tracks = head_on(world.now().utc, 240.0);
    // 2000 ft above; one report has a vertical rate that leads through the other's level.
    tracks[1].pressure = Some(Height(tracks[0].pressure.unwrap().0 + 2_000 * 3_048));
    fly(&mut world, 5, &tracks);
    let mut wild = tracks;
    wild[1].vertical_rate = Some(VerticalRate::from_fpm(-500.0));
    fly(&mut world, 1, &wild);
    assert_eq!(conflicts(&world), [], "found once");
    fly(&mut world, 5, &tracks);
    assert_eq!(conflicts(&world), []);
    // The same report judged again each second is no second look.
    let at = world.now().utc;
    world.report(0, 0, &[flown(&wild[1], at)]);
    world.run(8_000, 500);
    assert_eq!(conflicts(&world), [], "nobody has reported since");
    fly(&mut world, 2, &wild);
    assert_eq!(conflicts(&world).len(), 1, "two reports agree");
}

#[test]
fn what_is_near_is_an_alarm_at_once() {
    let mut world = alone();
    let tracks = head_on(world.now().utc, 100.0);
    let at = world.now().utc;
    world.report(0, 0, &tracks.map(|t| flown(&t, at)));
    assert_eq!(
        conflicts(&world).iter().map(|a| a.level).collect::<Vec<_>>(),
        [3],
        "by the first reports, before any look at all"
    );
}

#[test]
fn with_no_rules_every_finding_is_an_alert() {
    let mut world = alone();
    world.nodes[0].state.set_alert_rules(AlertRules::NONE);
    let at = world.now().utc;
    world.report(0, 0, &head_on(at, 240.0).map(|t| flown(&t, at)));
    assert_eq!(conflicts(&world).len(), 1);
}

#[test]
fn an_alert_at_the_edge_of_the_minimum_neither_ends_nor_sounds_again_until_it_is_clear_by_more() {
    let mut world = alone();
    let start = world.now().utc;
    // Side by side on one level, 4.9 NM apart; then one turns off and back, between 4.9 and 5.3 NM.
    let mut tracks =
        [aircraft(1, 46.5, 7.0, 300.0, 90.0, start), aircraft(2, 46.5 + 4.9 / 60.0, 7.0, 300.0, 90.0, start)];
    fly(&mut world, 3, &tracks);
    let first = conflicts(&world);
    assert_eq!((first.len(), first[0].level), (1, 3));
    let north = |tracks: &mut [TrackReport; 2], nm: f64| {
        tracks[1].position = units::Position::from_degrees(46.5 + nm / 60.0, 7.0).unwrap();
    };
    for _ in 0..3 {
        north(&mut tracks, 5.3);
        fly(&mut world, 15, &tracks);
        let edge = conflicts(&world);
        assert_eq!(edge.len(), 1, "not clear by the wider threshold");
        assert_eq!((edge[0].id, edge[0].level, edge[0].violation), (first[0].id, 1, false), "a caution by now");
        north(&mut tracks, 4.9);
        fly(&mut world, 3, &tracks);
        assert_eq!(conflicts(&world)[0].id, first[0].id, "the same alert");
    }
    north(&mut tracks, 5.7);
    fly(&mut world, 9, &tracks);
    assert_eq!(conflicts(&world).len(), 1, "held for ten seconds");
    fly(&mut world, 4, &tracks);
    assert_eq!(conflicts(&world), []);
}

fn inhibit(world: &mut World, of: Inhibited, seconds: i64) -> u64 {
    let until = world.now().utc.plus_ms(seconds * 1000);
    match world.ask(0, Role::Officer, Command::Inhibit { of, reason: "formation".into(), until }) {
        Ok(Done::Numbered(id)) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_inhibited_conflict_stays_in_sight_as_a_caution_and_sounds_when_the_inhibition_ends() {
    let start = START;
    let close = |at| [aircraft(1, 46.5, 7.0, 300.0, 90.0, at), aircraft(2, 46.51, 7.0, 300.0, 90.0, at)];
    let of = [
        Inhibited::Flight("test2".into()),
        Inhibited::Pair("TEST2".into(), "TEST1".into()),
        Inhibited::Volume(circle(46.5, 7.0, 30.0, start)),
    ];
    for of in of {
        let mut world = alone();
        let tracks = close(world.now().utc);
        let id = inhibit(&mut world, of.clone(), 30);
        assert_eq!(world.view(0).inhibitions.len(), 1);
        fly(&mut world, 20, &tracks);
        let quiet = conflicts(&world);
        assert_eq!(quiet.len(), 1, "{of:?}");
        let told = (quiet[0].level, quiet[0].raising, quiet[0].inhibited, quiet[0].violation);
        assert_eq!(told, (1, 1, Some(id), true), "{of:?}");
        fly(&mut world, 15, &tracks);
        let loud = conflicts(&world);
        assert_eq!((loud[0].level, loud[0].raising, loud[0].inhibited), (3, 2, None), "{of:?}: at its end it sounds");
        assert!(world.view(0).inhibitions.is_empty());
        let again = inhibit(&mut world, of, 300);
        fly(&mut world, 15, &tracks);
        assert_eq!((conflicts(&world)[0].level, conflicts(&world)[0].inhibited), (1, Some(again)));
        world.restart(0, true);
        fly(&mut world, 3, &tracks);
        assert_eq!(conflicts(&world)[0].inhibited, Some(again), "a restart keeps it");
        assert_eq!(world.ask(0, Role::Officer, Command::Lift(again)), Ok(Done::Ok));
        fly(&mut world, 2, &tracks);
        assert_eq!((conflicts(&world)[0].level, conflicts(&world)[0].inhibited), (3, None), "lifted");
    }
}

#[test]
fn an_alert_that_silence_keeps_alive_comes_out_of_an_inhibition_and_under_one() {
    let told = |world: &World| {
        let alert = conflicts(world).remove(0);
        (alert.level, alert.raising, alert.inhibited, alert.violation)
    };
    // Lifted, or over by itself.
    for lifted in [true, false] {
        for of in [
            Inhibited::Flight("test2".into()),
            Inhibited::Pair("TEST2".into(), "TEST1".into()),
            Inhibited::Volume(circle(46.5, 7.0, 30.0, START)),
        ] {
            let mut world = alone();
            let at = world.now().utc;
            let tracks = [aircraft(1, 46.5, 7.0, 300.0, 90.0, at), aircraft(2, 46.51, 7.0, 300.0, 90.0, at)];
            let id = inhibit(&mut world, of.clone(), 50);
            fly(&mut world, 5, &tracks);
            // Nobody reports any more: beyond 30 s nothing is judged, and what was found goes on.
            world.run(40_000, 1_000);
            assert_eq!(told(&world), (1, 1, Some(id), true), "{of:?}: still under it");
            if lifted {
                world.ask(0, Role::Officer, Command::Lift(id)).unwrap();
                world.run(1_000, 500);
            } else {
                world.run(6_000, 500);
            }
            assert_eq!(told(&world), (3, 2, None, true), "{of:?}: what it is, at once");
            // A flight and a pair are known by name; what is not heard is in no volume for sure.
            let by_name = !matches!(of, Inhibited::Volume(_));
            let again = inhibit(&mut world, of.clone(), 300);
            world.run(12_000, 500);
            assert_eq!(told(&world), if by_name { (1, 2, Some(again), true) } else { (3, 2, None, true) }, "{of:?}");
        }
    }
}

#[test]
fn an_inhibition_is_of_those_it_names_and_no_others() {
    let mut world = alone();
    let at = world.now().utc;
    let tracks = [
        aircraft(1, 46.5, 7.0, 300.0, 90.0, at),
        aircraft(2, 46.51, 7.0, 300.0, 90.0, at),
        aircraft(3, 46.52, 7.0, 300.0, 90.0, at),
    ];
    inhibit(&mut world, Inhibited::Pair("TEST1".into(), "TEST2".into()), 600);
    // At its edge within the accuracy of both: not certainly in it.
    inhibit(&mut world, Inhibited::Volume(circle(46.515, 7.0, 0.32, START)), 600);
    fly(&mut world, 3, &tracks);
    let mut levels: Vec<_> = conflicts(&world)
        .iter()
        .map(|a| (a.a.as_ref().unwrap().label.clone(), a.b.as_ref().unwrap().label.clone(), a.level))
        .collect();
    levels.sort();
    let want = [("TEST1", "TEST2", 1), ("TEST1", "TEST3", 3), ("TEST2", "TEST3", 3)];
    assert_eq!(levels, want.map(|(a, b, level)| (a.to_string(), b.to_string(), level)));
}

#[test]
fn an_inhibition_answers_a_warning_before_it_became_an_alarm_by_waiting_and_after() {
    let told = |world: &World| {
        let alert = conflicts(world).remove(0);
        (alert.level, alert.escalated, alert.raising)
    };
    for before in [true, false] {
        let mut world = alone();
        // A warning until 120 s before the loss, which is an alarm by itself.
        let tracks = head_on(world.now().utc, 290.0);
        fly(&mut world, if before { 50 } else { 70 }, &tracks);
        assert_eq!(told(&world), if before { (2, false, 1) } else { (3, true, 1) });
        let id = inhibit(&mut world, Inhibited::Pair("TEST1".into(), "TEST2".into()), 600);
        fly(&mut world, 2, &tracks);
        assert_eq!(told(&world), (2, false, 1), "no longer for want of an answer");
        for _ in 0..15 {
            fly(&mut world, 1, &tracks);
            assert!(!told(&world).1);
        }
        assert_eq!(told(&world), (1, false, 1));
        world.ask(0, Role::Officer, Command::Lift(id)).unwrap();
        fly(&mut world, 58, &tracks);
        assert_eq!(told(&world), (2, false, 2), "it has a minute again");
        fly(&mut world, 4, &tracks);
        assert_eq!(told(&world), (3, true, 2));
    }
}

#[test]
fn a_peers_aircraft_is_inhibited_by_its_address_and_not_by_what_the_peer_calls_it() {
    // South tells of its 2, which north's TEST1 meets; or a sensor of north's sees it, and nobody says whose it is.
    for (n, feed) in [(1, 0), (0, 1)] {
        for (of, inhibited) in [
            (Inhibited::Flight("TEST2".into()), false),
            (Inhibited::Flight("400002".into()), true),
            (Inhibited::Flight(" test1 ".into()), true),
            (Inhibited::Flight("400001".into()), true),
            (Inhibited::Pair("TEST2".into(), "TEST1".into()), true),
        ] {
            let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
            world.connect(0, 1);
            world.run(2_000, 500);
            let at = world.now().utc;
            let (ours, theirs) = (aircraft(1, 46.5, 7.0, 300.0, 90.0, at), aircraft(2, 46.51, 7.0, 300.0, 90.0, at));
            inhibit(&mut world, of.clone(), 600);
            for _ in 0..5 {
                let at = world.now().utc;
                world.report(0, 0, &[flown(&ours, at)]);
                world.report(n, feed, &[flown(&theirs, at)]);
                world.run(1_000, 500);
            }
            let told = |world: &World| conflicts(world).remove(0);
            let want = |is: bool| if is { (1, true) } else { (3, false) };
            assert_eq!((told(&world).level, told(&world).inhibited.is_some()), want(inhibited), "{of:?} {feed}");
            // Nobody is heard any more: what it is called says no more than before.
            world.run(40_000, 1_000);
            assert_eq!(
                (told(&world).level, told(&world).inhibited.is_some()),
                want(inhibited),
                "{of:?} {feed}: not heard"
            );
        }
    }
}

#[test]
fn a_peers_aircraft_that_is_gone_is_inhibited_by_what_the_peer_called_it_in_a_pair_alone() {
    for (of, inhibited) in [
        (Inhibited::Flight("TEST2".into()), false),
        (Inhibited::Flight("TEST1".into()), true),
        (Inhibited::Pair("TEST2".into(), "TEST1".into()), true),
    ] {
        let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
        world.connect(0, 1);
        world.run(2_000, 500);
        let [ours, theirs] = head_on(world.now().utc, 290.0);
        for s in 0..200 {
            let at = world.now().utc;
            world.report(0, 0, &[flown(&ours, at)]);
            if s < 5 {
                world.report(1, 0, &[flown(&theirs, at)]);
            }
            world.run(1_000, 500);
        }
        let gone = world.view(0).tracks.iter().all(|track| track.report.address != theirs.address);
        assert!(gone && !conflicts(&world).is_empty(), "it is held to its last prediction");
        inhibit(&mut world, of.clone(), 600);
        fly(&mut world, 2, &[ours]);
        assert_eq!(conflicts(&world)[0].inhibited.is_some(), inhibited, "{of:?}");
    }
}

#[test]
fn an_inhibition_needs_a_reason_an_end_and_an_officer() {
    let mut world = alone();
    let now = world.now().utc;
    let of = Inhibited::Flight("TEST1".into());
    let ask = |of: &Inhibited, reason: &str, hours: i64| Command::Inhibit {
        of: of.clone(),
        reason: reason.into(),
        until: now.plus_ms(hours * 3_600_000),
    };
    let mut refused = |role, command: &Command, why: &str| {
        let said = world.refusal(0, role, command.clone());
        assert!(said.contains(why), "{said}");
    };
    for role in [Role::Planner, Role::Administrator, Role::Observer] {
        refused(role, &ask(&of, "x", 1), "may not do this");
        refused(role, &Command::Lift(1), "may not do this");
    }
    refused(Role::Officer, &ask(&of, " ", 1), "reason: must be given");
    refused(Role::Officer, &ask(&of, &"x".repeat(401), 1), "reason: must be given, in at most 400");
    refused(Role::Officer, &ask(&of, "x", 0), "until: must be ahead");
    refused(Role::Officer, &ask(&of, "x", 25), "until: must be ahead, by at most 24 hours");
    refused(Role::Officer, &ask(&Inhibited::Flight("  ".into()), "x", 1), "flight: is a callsign");
    refused(Role::Officer, &ask(&Inhibited::Pair("A1".into(), "a1".into()), "x", 1), "of a pair two that differ");
    refused(Role::Officer, &Command::Lift(1), "no such inhibition: 1");
    for _ in 0..INHIBITIONS_MAX {
        assert!(world.ask(0, Role::Officer, ask(&of, "x", 1)).is_ok());
    }
    assert!(world.refusal(0, Role::Officer, ask(&of, "x", 1)).contains("full: at most 50"));
    let asked = world.state(0).audit().last().unwrap().command.clone();
    assert_eq!(asked, "inhibit flight TEST1: x", "the audit says what and why");
    assert_eq!(actor(Role::Officer).name, world.view(0).inhibitions[0].owner);
}

#[test]
fn what_an_alert_rests_on_is_kept_and_gives_the_same_again_after_a_restart() {
    let mut world = alone();
    let mut tracks = head_on(world.now().utc, 250.0);
    tracks[0].track = Angle::from_degrees(89.3);
    fly(&mut world, 5, &tracks);
    let alert = conflicts(&world)[0].clone();
    fly(&mut world, 5, &tracks);
    for from_snapshot in [true, false] {
        let decisions = world.state(0).decisions(alert.id).expect("of a conflict decided here").clone();
        assert!(decisions.last.t0 > decisions.first.t0);
        for decision in [&decisions.first, &decisions.last] {
            assert_eq!(decision.again(), Verdict::Conflict(decision.encounter));
            assert_eq!((decision.engine.as_str(), decision.earth.as_str()), (detect::ENGINE, detect::EARTH));
            let (a, b) = decision.hashes();
            assert_ne!(a, b);
        }
        assert_eq!(
            decisions.first.reports.0.callsign.unwrap().to_string(),
            "TEST1",
            "the own one, or the lower, first"
        );
        let mut other = decisions.first.clone();
        other.reports.0.position = tracks[1].position;
        assert_ne!(other.again(), Verdict::Conflict(other.encounter), "another input gives another result");
        world.restart(0, from_snapshot);
    }
    assert_eq!(world.state(0).decisions(alert.id + 1), None);
}

#[test]
fn both_ways_of_looking_are_held_against_each_other_each_second() {
    let mut world = alone();
    let at = world.now().utc;
    let tracks: Vec<TrackReport> =
        (0..40).map(|n| aircraft(n + 1, 46.0 + f64::from(n) * 0.05, 7.0, 300.0, f64::from(n * 37 % 360), at)).collect();
    fly(&mut world, 20, &tracks);
    let check = world.view(0).crosscheck;
    assert!(check.asked >= 19 * 40, "{check:?}");
    assert_eq!((check.mismatches, check.last), (0, None));
    assert!(!conflicts(&world).is_empty());
}

#[test]
fn the_noise_of_a_rate_is_no_conflict_of_two_that_keep_their_levels_and_a_climb_is() {
    let mut world = alone();
    let mut tracks = head_on(world.now().utc, 280.0);
    tracks[1].pressure = Some(Height(tracks[0].pressure.unwrap().0 + 1_000 * 3_048));
    tracks[1].vertical_rate = Some(VerticalRate::from_fpm(-128.0));
    fly(&mut world, 5, &tracks);
    let early = conflicts(&world);
    assert_eq!(early.len(), 1, "until it is seen to keep its level the rate is believed");
    let decision = world.nodes[0].state.decisions(early[0].id).unwrap().first.clone();
    assert_eq!(decision.noise, (false, false));
    fly(&mut world, 110, &tracks);
    assert_eq!(conflicts(&world), [], "1000 ft apart for longer than 200 ft take");
    assert_eq!(world.view(0).crosscheck.mismatches, 0, "both looks know it");
    // A restart knows it, too.
    let bytes = world.nodes[0].state.to_snapshot();
    let again = node::State::from_snapshot(&bytes).unwrap();
    let sides = [&early[0].a, &early[0].b].map(|side| side.as_ref().unwrap().id);
    assert_eq!(sides.map(|id| again.track(id).unwrap().is_steady()), [false, true]);
    // It leaves its level as descents begin: the rate first.
    tracks[1].vertical_rate = Some(VerticalRate::from_fpm(-500.0));
    fly(&mut world, 2, &tracks);
    let late = conflicts(&world);
    assert_eq!(late.iter().map(|a| a.level).collect::<Vec<_>>(), [2]);
    // A conflict of one that keeps its level says so, and is the same when it is decided again.
    tracks[1].vertical_rate = Some(VerticalRate::from_fpm(-128.0));
    tracks[1].pressure = Some(Height(tracks[0].pressure.unwrap().0 + 900 * 3_048));
    fly(&mut world, 100, &tracks);
    let held = conflicts(&world);
    assert_eq!(held.len(), 1);
    let decision = world.nodes[0].state.decisions(held[0].id).unwrap().last.clone();
    assert_eq!(decision.noise, (false, true));
    assert_eq!(decision.again(), Verdict::Conflict(decision.encounter));
    assert_eq!(decision.encounter.vertical_at_cpa.map(i64::abs), Some(900 * 3_048));
}

#[test]
fn a_slow_climb_into_another_s_level_is_one_alert_however_its_level_is_told() {
    for (fpm, step_ft) in [(64.0, 100), (100.0, 25), (128.0, 100), (150.0, 100), (200.0, 100)] {
        let mut world = alone();
        let start = world.now().utc;
        // Side by side, 2 NM apart; one comes from 1,400 ft below.
        let mut tracks =
            [aircraft(1, 46.5, 7.0, 300.0, 90.0, start), aircraft(2, 46.5 + 2.0 / 60.0, 7.0, 300.0, 90.0, start)];
        tracks[1].vertical_rate = Some(VerticalRate::from_fpm(fpm));
        let mut seen = std::collections::BTreeSet::new();
        for s in 0..(500.0 * 60.0 / fpm) as u64 {
            let feet = 28_600.0 + fpm * s as f64 / 60.0;
            tracks[1].pressure = Some(Height::from_feet((feet / f64::from(step_ft)).round() as i32 * step_ft));
            fly(&mut world, 1, &tracks);
            seen.extend(world.view(0).alerts.into_iter().filter(|a| a.kind == AlertKind::Conflict).map(|a| a.id));
        }
        assert_eq!(seen.len(), 1, "{fpm} ft/min in steps of {step_ft} ft");
        assert!(conflicts(&world).iter().all(|a| a.level == 3), "the minima are lost by now");
    }
}
