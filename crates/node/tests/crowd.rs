//! What a peer says in great numbers keeps nothing out that matters: its aircraft in one place, standing where they like.
mod common;

use common::{START, World, aircraft, open};
use node::view::{AlertKind, AlertView};
use track::TrackReport;
use units::Utc;

const MANY: u32 = 600;

/// Aircraft that stand ahead of the first own one, each a loss of separation to come.
fn ghosts(at: Utc) -> Vec<TrackReport> {
    let one = |n: u32| {
        let (row, column) = (f64::from(n / 30), f64::from(n % 30));
        aircraft(1_000 + n, 46.47 + row * 0.002, 7.45 + column * 0.002, 0.0, 0.0, at)
    };
    (0..MANY).map(one).collect()
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
            world.report(1, 0, &ghosts(at));
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
    let full = world.view(0).alerts.iter().filter(|a| a.kind == AlertKind::Conflict && a.b.is_some()).count();
    assert_eq!(full, 500, "the ghosts fill the desk");
    assert!(world.view(0).cut > 0, "and that is said");
    fly(&mut world, 3, true);
    for (a, b) in [("TEST2", "TEST5"), ("TEST3", "TEST4")] {
        let alert = between(&world, a, b);
        assert_eq!(alert.as_ref().map(|alert| (alert.level, alert.violation)), Some((3, true)), "{a} {b}: {alert:?}");
    }
    let full = world.view(0).alerts.iter().filter(|a| a.kind == AlertKind::Conflict && a.b.is_some()).count();
    assert_eq!(full, 500);
}
