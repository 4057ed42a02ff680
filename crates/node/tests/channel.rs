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
        world.run(8_000, 250);
        assert_eq!(seen(&mut world), (1, 1));
    }
    state(&mut world, 0, "south", ChannelState::Terminated);
    assert_eq!(seen(&mut world), (0, 0));
    let told = |a: &node::view::AlertView| a.kind != AlertKind::PeerLost && a.text.contains("terminated by them");
    assert!(world.view(1).alerts.iter().any(told));
}

#[test]
fn a_suspended_channel_carries_protected_sites_also_where_a_rule_for_tracks_has_a_rate() {
    let mut rules = open(&["south"]);
    for rule in rules.rules.values_mut().flatten().filter(|rule| rule.class == RecordClass::Tracks) {
        rule.every_ms = Some(30_000);
    }
    let mut world = World::pair(START, [rules, open(&["north"])]);
    world.run(1_000, 100);
    let file = |n: u8| Command::FileSite { subject: subject(n), site: site(46.0, 8.0) };
    world.ask(0, Role::Planner, file(20)).unwrap();
    state(&mut world, 0, "south", ChannelState::Suspended);
    world.ask(0, Role::Planner, file(21)).unwrap();
    world.run(3_000, 250);
    assert_eq!(world.view(1).sites.len(), 2, "what was told stays, and what is new is told");
}

/// North restarts with these rules in its file; gives the level in force for tracks.
fn restarted(world: &mut World, rules: Policy) -> Option<Level> {
    world.nodes[0].boot.policy = rules;
    world.restart(0, false);
    world.agree(0);
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
    world.set_rules(0, of(Level::Full));
    assert_eq!(restarted(&mut world, of(Level::Withheld)), Some(Level::Full), "the file says what it said before");
    assert_eq!(restarted(&mut world, closed()), None, "no rules are an order, too");
}

#[test]
fn a_rule_put_in_force_from_the_file_does_not_come_back_with_the_next_start() {
    let text = signed(&pact_of(&NAMES[..2], START));
    let mut world = World::new(START, vec![boot("north", &text, closed()), boot("south", &text, closed())]);
    world.connect(0, 1);
    world.run(1_000, 250);
    let of = |level| policy(&["south"], &[rule(RecordClass::Tracks, level)]);
    // The file is edited and put in force while the node runs; later an order withholds everything.
    for level in [Level::Full, Level::Withheld] {
        world.set_rules(0, of(level));
    }
    assert_eq!(restarted(&mut world, of(Level::Full)), Some(Level::Withheld), "the file was known");
    assert_eq!(restarted(&mut world, of(Level::Full)), Some(Level::Withheld), "and is as it was");
}

/// North has told two plans, each revised once; then both parties start with another pact, and north with these rules.
fn under_another_pact(level: Level) -> World {
    let texts = [30, 31].map(|days| {
        let mut pact = pact_of(&NAMES[..2], START);
        pact.valid_until = START.plus_ms(days * 86_400_000);
        signed(&pact)
    });
    let of = |level| policy(&["south"], &[rule(RecordClass::Plans, level)]);
    let boots = vec![boot("north", &texts[0], of(Level::Full)), boot("south", &texts[0], closed())];
    let mut world = World::new(START, boots);
    world.connect(0, 1);
    world.run(1_000, 250);
    for n in [1, 2, 1, 2] {
        let filed =
            Command::FilePlan { subject: subject(n), plan: plan(n, vec![circle(46.5, 7.0, 10.0, world.now().utc)]) };
        world.ask(0, Role::Planner, filed).unwrap();
        world.run(1_000, 250);
    }
    assert_eq!(world.view(1).plans.len(), 2);
    world.cut(0, 1);
    for n in 0..2 {
        world.nodes[n].boot.pacts = vec![texts[1].clone()];
    }
    world.nodes[0].boot.policy = of(level);
    world.restart(1, false);
    world.restart(0, false);
    world.connect(0, 1);
    world.run(2_000, 250);
    world
}

#[test]
fn under_another_pact_everything_is_said_anew_under_the_rules_that_hold_then_and_can_be_withdrawn() {
    let withheld = under_another_pact(Level::Withheld);
    assert!(withheld.view(1).plans.is_empty());
    assert_eq!(withheld.view(1).peers[0].in_size, 1, "the pact statement alone");
    let mut told = under_another_pact(Level::Full);
    assert_eq!(told.view(1).plans.len(), 2);
    told.ask(0, Role::Planner, Command::CancelPlan(subject(1))).unwrap();
    told.run(2_000, 250);
    let live = told.view(1).plans.iter().filter(|p| p.plan.state.is_live()).count();
    assert_eq!(live, 1, "a cancelled plan is cancelled at the peer");
}

#[test]
fn a_peer_that_states_one_thing_and_another_is_not_told_everything_each_time() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    for n in 1..=20 {
        let filed = Command::FilePlan { subject: subject(n), plan: plan(n, vec![circle(46.5, 7.0, 10.0, START)]) };
        world.ask(0, Role::Planner, filed).unwrap();
    }
    world.run(1_000, 100);
    let before = world.view(0).peers[0].out_size;
    for n in 0..100 {
        let next = if n % 2 == 0 { ChannelState::Suspended } else { ChannelState::Resumed };
        state(&mut world, 1, "north", next);
        world.run(200, 100);
    }
    let said = world.view(0).peers[0].out_size - before;
    assert!(said < 150, "{said} records for a hundred statements in twenty seconds");
    world.run(12_000, 100);
    assert_eq!(world.view(1).plans.len(), 20, "and in the end all is there");
}

#[test]
fn every_transition_of_the_channel_is_signed_shown_on_both_sides_and_terminated_is_the_end() {
    use ChannelState::{InForce, Resumed, Suspended, Terminated};
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    let said = |world: &mut World, n: usize, peer: &str, state| {
        let reason = "as ordered".into();
        world.ask(n, Role::Administrator, Command::StateChannel { peer: party(peer), state, reason })
    };
    let differ = |world: &World, n: usize| {
        world.view(n).alerts.iter().any(|a| a.state != "cleared" && a.text.starts_with("States differ"))
    };
    for (next, ok) in [
        (InForce, false),
        (Suspended, true),
        (Suspended, false),
        (Resumed, true),
        (Suspended, true),
        (InForce, true),
        (Terminated, true),
        (Resumed, false),
        (Suspended, false),
        (InForce, false),
        (Terminated, false),
    ] {
        let before = world.view(0).peers[0].channel_ours;
        assert_eq!(said(&mut world, 0, "south", next).is_ok(), ok, "{before:?} to {next:?}");
        world.run(12_000, 500);
        let stands = if ok { next } else { before };
        let (north, south) = (world.view(0), world.view(1));
        assert_eq!((north.peers[0].channel_ours, south.peers[0].channel_theirs), (stands, stands));
        assert_eq!(north.peers[0].out_cosigned, north.peers[0].out_size, "the statement is signed for");
        let expect = matches!(stands, Suspended | Terminated);
        assert_eq!((differ(&world, 0), differ(&world, 1)), (expect, expect), "{stands:?}");
    }
    // The other side may still state what it likes; the end stays the end until there is a new pact.
    said(&mut world, 1, "north", Terminated).unwrap();
    world.run(12_000, 500);
    assert!(!differ(&world, 0) && !differ(&world, 1), "both say the same");
}

#[test]
fn who_is_at_a_desk_is_stated_apart_from_link_and_channel_and_passes_a_suspended_one() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    assert_eq!(world.view(1).peers[0].staffing, None, "nobody stated anything");
    state(&mut world, 0, "south", ChannelState::Suspended);
    let at =
        |manned, note: &str| record::DeskStatus { manned, next: Some(START.plus_ms(3_600_000)), note: note.into() };
    let unmanned = |world: &World| {
        let told =
            |a: &node::view::AlertView| a.state != "cleared" && a.text.contains("Nobody is at the desk of north");
        world.view(1).alerts.iter().any(told)
    };
    world.ask(0, Role::Officer, Command::StateDesk(at(false, "voice line"))).unwrap();
    world.run(2_000, 100);
    let view = world.view(1);
    assert_eq!(view.peers[0].staffing, Some(at(false, "voice line")));
    assert_eq!(view.peers[0].link, node::view::LinkStatus::Up);
    assert!(unmanned(&world));
    assert!(world.ask(0, Role::Officer, Command::StateDesk(at(false, "voice line"))).is_err(), "said already");
    assert!(world.ask(0, Role::Observer, Command::StateDesk(at(true, ""))).is_err());
    assert!(world.ask(0, Role::Officer, Command::StateDesk(at(true, &"x".repeat(401)))).is_err());
    world.restart(1, false);
    world.ask(0, Role::Officer, Command::StateDesk(at(true, "watch B"))).unwrap();
    world.run(13_000, 500);
    assert!(!unmanned(&world) && world.view(1).peers[0].staffing.as_ref().unwrap().manned);
}

/// The state of a node that takes every channel it terminated for one in force, as another program might.
fn forgetful(state: &node::State) -> Vec<u8> {
    let mut bytes = state.to_snapshot();
    let whole = bytes.clone();
    let mut decoder = minicbor::Decoder::new(&whole);
    // `State::peers`, then `Peer::ours` of each.
    for _ in 0..decoder.map().unwrap().unwrap() {
        if decoder.u64().unwrap() != 4 {
            decoder.skip().unwrap();
            continue;
        }
        for _ in 0..decoder.map().unwrap().unwrap() {
            decoder.skip().unwrap();
            for _ in 0..decoder.map().unwrap().unwrap() {
                if decoder.u64().unwrap() == 3 {
                    assert_eq!(whole[decoder.position()], 3, "terminated");
                    bytes[decoder.position()] = 0;
                }
                decoder.skip().unwrap();
            }
        }
    }
    bytes
}

#[test]
fn what_a_peer_has_terminated_it_cannot_resume_and_another_pact_begins_anew() {
    let texts = [30, 31].map(|days| {
        let mut pact = pact_of(&NAMES[..2], START);
        pact.valid_until = START.plus_ms(days * 86_400_000);
        signed(&pact)
    });
    let mut world =
        World::new(START, vec![boot("north", &texts[0], open(&["south"])), boot("south", &texts[0], open(&["north"]))]);
    world.connect(0, 1);
    world.run(1_000, 100);
    assert_eq!(seen(&mut world).0, 1);
    state(&mut world, 1, "north", ChannelState::Terminated);
    world.run(12_000, 500);
    let bytes = forgetful(world.state(1));
    world.nodes[1].state = node::State::from_snapshot(&bytes).unwrap();
    world.nodes[1].snapshot = Some((world.nodes[1].journal.len(), bytes));
    for next in [ChannelState::Suspended, ChannelState::Resumed] {
        state(&mut world, 1, "north", next);
        world.run(12_000, 500);
        let view = world.view(0);
        assert_eq!(view.peers[0].channel_theirs, ChannelState::Terminated, "after {next:?}");
        assert_eq!(view.peers[0].link, node::view::LinkStatus::Up, "the record is one, and is receipted");
        assert!(world.nodes[0].log.last().is_some_and(|line| line.contains("has terminated")));
        let told = |a: &node::view::AlertView| a.state != "cleared" && a.text.contains("with a new pact alone");
        assert!(view.alerts.iter().any(told));
    }
    assert_eq!(seen(&mut world).0, 0, "nothing is told");
    world.restart(0, false);
    assert_eq!(world.view(0).peers[0].channel_theirs, ChannelState::Terminated);
    world.cut(0, 1);
    for n in 0..2 {
        world.nodes[n].boot.pacts = vec![texts[1].clone()];
    }
    world.restart(1, true);
    world.restart(0, false);
    world.connect(0, 1);
    world.run(2_000, 250);
    assert_eq!(world.view(0).peers[0].channel_theirs, ChannelState::InForce);
    assert_eq!(seen(&mut world).0, 1);
}
