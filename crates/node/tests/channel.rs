//! What a channel carries: all that the rules release while it is in force, the safety floor while it is not; and which
//! rules hold after a restart.
mod common;

use common::{
    NAMES, START, World, aircraft, boot, circle, closed, flown, notice, open, pact_of, party, plan, policy, rule,
    signed, site, subject,
};
use node::command::Command;
use node::view::AlertKind;
use record::{ChannelState, Role};
use release::{Level, Policy, RecordClass};

fn state(world: &mut World, n: usize, peer: &str, state: ChannelState) {
    let said = Command::StateChannel { peer: party(peer), state, reason: "as ordered".into() };
    world.ask(n, Role::Administrator, said).unwrap();
}

/// How many of north's aircraft and plans south has, after some seconds.
fn seen(world: &mut World) -> (usize, usize) {
    let track = aircraft(1, 46.5, 7.0, 100.0, 90.0, START);
    for _ in 0..4 {
        let now = flown(&track, world.now().utc);
        world.report(0, 0, &[now]);
        world.run(1_000, 250);
    }
    let (view, now) = (world.view(1), world.now().utc);
    let fresh = view.tracks.iter().filter(|t| now.since_ms(t.report.at) < 3_000).count();
    (fresh, view.plans.len())
}

#[test]
fn a_suspended_channel_carries_the_safety_floor_whoever_suspended_it_and_a_resumed_one_all() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    let filed = Command::FilePlan { subject: subject(1), plan: plan(1, vec![circle(46.5, 7.0, 10.0, START)]) };
    world.ask(0, Role::Planner, filed).unwrap();
    assert_eq!(seen(&mut world), (1, 1));
    for (n, other) in [(0, "south"), (1, "north")] {
        state(&mut world, n, other, ChannelState::Suspended);
        assert_eq!(seen(&mut world), (0, 0), "tracks end, and the plan that is kept no longer is withdrawn");
        let told = |a: &node::view::AlertView| a.state != "cleared" && a.text.contains("suspended");
        let told: Vec<_> = world.view(0).alerts.into_iter().filter(told).collect();
        assert!(told.len() == 1 && told[0].text.contains("Tracks and plans are held back"), "{told:?}");
        let before = world.view(1).notices.len();
        world.ask(0, Role::Officer, Command::SendNotice(notice("south", 10 + n as u8))).unwrap();
        let site = Command::FileSite { subject: subject(20 + n as u8), site: site(46.0, 8.0) };
        world.ask(0, Role::Planner, site).unwrap();
        assert_eq!(seen(&mut world), (0, 0));
        let view = world.view(1);
        assert_eq!((view.notices.len(), view.sites.len()), (before + 1, n + 1), "these pass");
        state(&mut world, n, other, ChannelState::Resumed);
        assert_eq!(seen(&mut world), (1, 1));
    }
    state(&mut world, 0, "south", ChannelState::Terminated);
    assert_eq!(seen(&mut world), (0, 0));
    let told = |a: &node::view::AlertView| a.kind != AlertKind::PeerLost && a.text.contains("terminated by them");
    assert!(world.view(1).alerts.iter().any(told));
}

/// North restarts with these rules in its file; gives the level in force for tracks.
fn restarted(world: &mut World, rules: Policy) -> Option<Level> {
    world.nodes[0].boot.policy = rules;
    world.restart(0, false);
    world.run(1_000, 250);
    let view = world.view(0);
    view.policy.rules.get(&party("south")).and_then(|rules| rules.first()).map(|rule| rule.level)
}

#[test]
fn rules_changed_in_the_file_hold_from_the_next_start_and_unchanged_ones_do_not_undo_an_order() {
    let text = signed(&pact_of(&NAMES[..2], START));
    let mut world = World::new(START, vec![boot("north", &text, closed()), boot("south", &text, closed())]);
    world.connect(0, 1);
    assert_eq!(seen(&mut world), (0, 0));
    let of = |level| policy(&["south"], &[rule(RecordClass::Tracks, level)]);
    assert_eq!(restarted(&mut world, of(Level::Full)), Some(Level::Full), "rules added later hold");
    assert_eq!(seen(&mut world).0, 1);
    assert_eq!(restarted(&mut world, of(Level::Withheld)), Some(Level::Withheld), "and tightened ones");
    world.run(5_000, 250);
    assert_eq!(seen(&mut world).0, 0);
    let order = Command::SetPolicy { policy: of(Level::Full), replaces: None };
    world.ask(0, Role::Administrator, order).unwrap();
    assert_eq!(restarted(&mut world, of(Level::Withheld)), Some(Level::Full), "the file says what it said before");
    assert_eq!(restarted(&mut world, closed()), None, "no rules are an order, too");
}
