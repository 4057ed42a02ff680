//! What a peer says in great numbers keeps nothing out that matters: its aircraft in one place, standing where they like.
mod common;

use common::{START, World, aircraft, open};
use node::view::{AlertKind, AlertView};
use track::TrackReport;
use units::Utc;

const MANY: u32 = 600;

/// Aircraft that stand ahead of the first own one, each a loss of separation to come, or round it, each one that is.
fn ghosts(lon: f64, at: Utc) -> Vec<TrackReport> {
    let one = |n: u32| {
        let (row, column) = (f64::from(n / 30), f64::from(n % 30));
        aircraft(1_000 + n, 46.47 + row * 0.002, lon + column * 0.002, 0.0, 0.0, at)
    };
    (0..MANY).map(one).collect()
}

fn conflicts(world: &World) -> usize {
    world.view(0).alerts.iter().filter(|a| a.kind == AlertKind::Conflict && a.b.is_some()).count()
}

fn between(world: &World, a: &str, b: &str) -> Option<AlertView> {
    let is_one = |alert: &AlertView| {
        let labels = [&alert.a, &alert.b].map(|one| one.as_ref().map(|t| t.label.clone()).unwrap_or_default());
        alert.kind == AlertKind::Conflict && labels.contains(&a.into()) && labels.contains(&b.into())
    };
    world.view(0).alerts.into_iter().find(is_one)
}

#[test]
fn hundreds_of_standing_ghosts_keep_neither_their_own_party_s_true_conflict_out_nor_anybody_else_s() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    let fly = |world: &mut World, seconds, real: bool| {
        for _ in 0..seconds {
            let at = world.now().utc;
            world.report(1, 0, &ghosts(7.45, at));
            let mut own = vec![aircraft(1, 46.5, 7.0, 300.0, 90.0, at), aircraft(2, 46.0, 6.0, 300.0, 90.0, at)];
            if real {
                // Two of ours, 4.3 NM apart and head on; and one of theirs as near to the second.
                own.push(aircraft(3, 45.6, 6.0, 300.0, 90.0, at));
                own.push(aircraft(4, 45.6, 6.1, 300.0, 270.0, at));
                world.report(1, 0, &[aircraft(5, 46.0, 6.1, 300.0, 270.0, at)]);
            }
            world.report(0, 0, &own);
            world.run(1_000, 500);
        }
    };
    fly(&mut world, 5, false);
    assert_eq!(conflicts(&world), 500, "the ghosts fill the desk");
    assert!(world.view(0).cut > 0, "and that is said");
    fly(&mut world, 3, true);
    for (a, b) in [("TEST2", "TEST5"), ("TEST3", "TEST4")] {
        let alert = between(&world, a, b);
        assert_eq!(alert.as_ref().map(|alert| (alert.level, alert.violation)), Some((3, true)), "{a} {b}: {alert:?}");
    }
    assert_eq!(conflicts(&world), 500);
}

#[test]
fn ghosts_that_are_all_alarms_keep_out_no_warning_of_what_own_feeds_say_and_take_none_away() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    let mut fly = |seconds, liar: bool| {
        for _ in 0..seconds {
            let at = world.now().utc;
            if liar {
                world.report(1, 0, &ghosts(6.97, at));
            }
            // Two of ours 60 NM apart and head on: a warning, and no more for some minutes.
            let two = [aircraft(3, 45.0, 6.0, 412.5, 90.0, at), aircraft(4, 45.0, 7.452, 412.5, 270.0, at)];
            world.report(0, 0, &[aircraft(1, 46.5, 7.0, 300.0, 90.0, at), two[0], two[1]]);
            world.run(1_000, 500);
        }
        let levels = |level| world.view(0).alerts.iter().filter(|a| a.level == level && a.b.is_some()).count();
        (levels(3), between(&world, "TEST3", "TEST4").map(|alert| (alert.level, alert.id)))
    };
    let (_, warning) = fly(2, false);
    assert_eq!(warning.map(|(level, _)| level), Some(2));
    let (alarms, still) = fly(4, true);
    assert_eq!((alarms, still), (499, warning), "and the others have the rest");
}

#[test]
fn a_peer_that_tells_of_what_an_own_sensor_or_another_sees_takes_it_into_no_share_of_its_own() {
    let text = common::signed(&common::pact_of(&common::NAMES, START));
    let rules = [("north", open(&["south"])), ("south", open(&["north", "west"])), ("west", open(&["south"]))];
    let mut world = World::new(START, rules.map(|(name, policy)| common::boot(name, &text, policy)).into());
    world.connect(0, 1);
    world.connect(1, 2);
    world.run(3_000, 500);
    for _ in 0..8 {
        let at = world.now().utc;
        // Ghosts round the first own aircraft, all alarms; and two more of ours, each a few minutes from somebody.
        let [seen, told] = [3, 4].map(|n| aircraft(n, 42.0 + f64::from(n), 7.452, 412.5, 270.0, at));
        world.report(0, 0, &[ghosts(6.97, at), vec![seen, told]].concat());
        world.report(2, 0, &[told]);
        world.report(1, 1, &[seen]);
        let two = [5, 6].map(|n| aircraft(n, 40.0 + f64::from(n), 6.0, 412.5, 90.0, at));
        world.report(1, 0, &[aircraft(1, 46.5, 7.0, 300.0, 90.0, at), two[0], two[1]]);
        world.run(1_000, 500);
    }
    let alerts = world.view(1).alerts;
    for (a, b) in [("TEST5", "TEST3"), ("TEST6", "TEST4")] {
        let of = |alert: &&AlertView| {
            let labels = [&alert.a, &alert.b].map(|one| one.as_ref().map(|t| t.label.clone()).unwrap_or_default());
            labels == [a, b]
        };
        assert_eq!(alerts.iter().find(of).map(|alert| alert.level), Some(2), "{a} {b}");
    }
}
