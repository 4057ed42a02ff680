//! A party that tells two others two histories: three real nodes, real keys, real frames.
mod common;

use common::{NAMES, START, World, boot, keys, open, pact_of, party, signed};
use link::Frame;
use node::input::Input;
use node::view::{AlertKind, LinkStatus, View};
use record::Mode;
use tlog::{Checkpoint, Hash, sign_checkpoint};

const NORTH: usize = 0;
const SOUTH: usize = 1;
const WEST: usize = 2;

fn world(shared: bool) -> World {
    let mut pact = pact_of(&NAMES, START);
    pact.checkpoints_shared = shared;
    let text = signed(&pact);
    let boots = NAMES.map(|name| {
        let others: Vec<&str> = NAMES.into_iter().filter(|other| *other != name).collect();
        boot(name, &text, open(&others))
    });
    let mut world = World::new(START, boots.to_vec());
    for (a, b) in [(NORTH, SOUTH), (NORTH, WEST), (SOUTH, WEST)] {
        world.connect(a, b);
    }
    world.run(6_000, 100);
    world
}

fn alarmed(view: &View, kind: AlertKind, about: &str) -> bool {
    view.alerts.iter().any(|a| a.kind == kind && a.level == 3 && a.state != "cleared" && a.text.contains(about))
}

fn link(view: &View, peer: &str) -> LinkStatus {
    view.peers.iter().find(|p| p.party == party(peer)).unwrap().link
}

/// North shows west another history of its log to south than the one it told south.
fn lie(world: &mut World) -> (u64, String) {
    let south = world.view(SOUTH);
    let size = south.peers.iter().find(|p| p.party == party("north")).unwrap().in_sealed;
    let hash = pact_of(&NAMES, START);
    let hash = pact::Pact { checkpoints_shared: true, ..hash }.hash();
    let origin = link::origin(&party("north"), &party("south"), &Mode::Live, &hash);
    let note = sign_checkpoint(&Checkpoint { origin, size, root: Hash([9; 32]) }, &keys("north").log).unwrap();
    let note = note.to_bytes();
    let text = String::from_utf8(note.clone()).unwrap();
    let session = world.nodes[WEST].session(&party("north")).unwrap();
    // Within the bounds of a rate: the honest half of north spoke not less than 2.5 s ago.
    world.run(3_000, 100);
    let frame = Frame::Checkpoints(vec![note]).encode();
    world.input(WEST, Input::LinkFrame { peer: party("north"), session, frame });
    world.pump();
    (size, text)
}

#[test]
fn two_histories_are_found_within_one_exchange_proved_by_both_notes_and_the_link_is_frozen() {
    let mut world = world(true);
    for n in 0..3 {
        assert!(world.view(n).peers.iter().all(|p| p.link == LinkStatus::Up && p.forks.is_empty()), "{n}");
    }
    let (size, lie) = lie(&mut world);
    world.run(link::SHARE_EVERY_MS + 1_000, 100);
    let (north, south, west) = (world.view(NORTH), world.view(SOUTH), world.view(WEST));
    assert_eq!(link(&south, "north"), LinkStatus::Frozen, "the link concerned");
    assert_eq!((link(&south, "west"), link(&west, "north")), (LinkStatus::Up, LinkStatus::Up), "and no other");
    assert!(alarmed(&south, AlertKind::Frozen, "EQUIVOCATION") && alarmed(&south, AlertKind::Fork, "north signed two"));
    assert!(alarmed(&west, AlertKind::Fork, "north signed two histories of its log to south"));
    for view in [&south, &west] {
        let forks = &view.peers.iter().find(|p| p.party == party("north")).unwrap().forks;
        assert_eq!((forks.len(), forks[0].size), (1, size));
        assert!(forks[0].notes.contains(&lie) && forks[0].notes[0] != forks[0].notes[1]);
    }
    // Whoever runs the honest half of north learns that its key signed what it never said.
    world.run(link::SHARE_EVERY_MS, 100);
    assert!(alarmed(&world.view(NORTH), AlertKind::Frozen, "OWN_ROLLBACK"), "{:?}", north.alerts);
}

/// North shows west notes of its log to south.
fn show_west(world: &mut World, notes: Vec<Vec<u8>>) {
    world.run(3_000, 100);
    let session = world.nodes[WEST].session(&party("north")).unwrap();
    let frame = Frame::Checkpoints(notes).encode();
    world.input(WEST, Input::LinkFrame { peer: party("north"), session, frame });
    world.pump();
}

fn note(size: u64, root: u8) -> Vec<u8> {
    let pact = pact::Pact { checkpoints_shared: true, ..pact_of(&NAMES, START) };
    let origin = link::origin(&party("north"), &party("south"), &Mode::Live, &pact.hash());
    sign_checkpoint(&Checkpoint { origin, size, root: Hash([root; 32]) }, &keys("north").log).unwrap().to_bytes()
}

fn held_by_south(world: &World) -> u64 {
    world.view(SOUTH).peers.iter().find(|p| p.party == party("north")).unwrap().in_sealed
}

fn flies(world: &mut World, seconds: u64) {
    let track = common::aircraft(1, 46.5, 7.0, 400.0, 90.0, START);
    for _ in 0..seconds {
        let now = common::flown(&track, world.now().utc);
        world.report(NORTH, 0, &[now]);
        world.run(1_000, 100);
    }
}

//= spec/link.md L-51
//= spec/link.md L-52
#[test]
fn a_liar_that_stays_ahead_of_what_it_told_is_an_alarm_and_is_caught_when_it_is_reached() {
    let mut world = world(true);
    let size = held_by_south(&world) + 4;
    // The lie is followed by another at once, so that it is never the newest that west has.
    show_west(&mut world, vec![note(size, 9), note(size + 40, 8)]);
    world.run(2 * link::SHARE_EVERY_MS, 100);
    assert_eq!(link(&world.view(SOUTH), "north"), LinkStatus::Up);
    world.run(link::EARLY_LATE_MS, 100);
    assert!(alarmed(&world.view(SOUTH), AlertKind::Fork, "north showed others"), "{:?}", world.view(SOUTH).alerts);
    flies(&mut world, 10);
    assert_eq!(link(&world.view(SOUTH), "north"), LinkStatus::Frozen);
    assert!(alarmed(&world.view(SOUTH), AlertKind::Frozen, "ROOT_MISMATCH"));
}

//= spec/link.md L-52
#[test]
fn notes_of_huge_sizes_push_nothing_out_of_memory() {
    let mut world = world(true);
    show_west(&mut world, (0..40).map(|n| note((1 << 40) + n, 7)).collect());
    flies(&mut world, 3);
    // South shows west what it holds, and later north shows west another history of that size.
    world.run(2 * link::SHARE_EVERY_MS - 1_000, 100);
    let size = held_by_south(&world);
    show_west(&mut world, vec![note(size, 9)]);
    world.run(1_000, 100);
    assert!(alarmed(&world.view(WEST), AlertKind::Fork, "north signed two histories of its log to south"));
}

//= spec/link.md L-53
#[test]
fn lines_of_strangers_on_a_note_hide_no_fork_and_are_not_passed_on() {
    let mut world = world(true);
    let size = held_by_south(&world);
    let mut fat = tlog::Note::parse(&note(size, 9)).unwrap();
    for n in 0..8u8 {
        let stranger = tlog::NoteSigner::new(&format!("{n}{}", "x".repeat(200)), &[n; 32]).unwrap();
        fat.add(tlog::sign(fat.text(), &[&stranger]).unwrap().signatures()[0].clone()).unwrap();
    }
    assert!(fat.to_bytes().len() > 2_000);
    show_west(&mut world, vec![fat.to_bytes()]);
    world.run(1_000, 100);
    let forks = &world.view(WEST).peers.iter().find(|p| p.party == party("north")).unwrap().forks.clone();
    assert!(forks.len() == 1 && forks[0].notes.contains(&String::from_utf8(note(size, 9)).unwrap()), "{forks:?}");
}

#[test]
fn the_evidence_outlives_a_restart() {
    let mut world = world(true);
    lie(&mut world);
    world.run(6_000, 100);
    for n in [SOUTH, WEST] {
        let before = world.view(n).peers.iter().find(|p| p.party == party("north")).unwrap().forks.clone();
        world.nodes[n].take_snapshot();
        world.restart(n, true);
        let after = world.view(n).peers.iter().find(|p| p.party == party("north")).unwrap().forks.clone();
        assert_eq!((before.len(), &before), (1, &after));
    }
}

#[test]
fn honest_parties_find_nothing_over_restarts_and_cuts() {
    let mut world = world(true);
    let track = common::aircraft(1, 46.5, 7.0, 400.0, 90.0, START);
    for round in 0..30 {
        for n in 0..3 {
            let now = common::flown(&track, world.now().utc);
            world.report(n, 0, &[now]);
        }
        world.run(7_000, 250);
        match round % 5 {
            1 => world.cut(NORTH, SOUTH),
            2 => world.connect(NORTH, SOUTH),
            3 => world.restart(round % 3, false),
            _ => {}
        }
    }
    for n in 0..3 {
        let view = world.view(n);
        assert!(view.peers.iter().all(|p| p.forks.is_empty() && p.link != LinkStatus::Frozen), "{n}: {:?}", view.peers);
    }
}

#[test]
fn without_the_clause_nothing_is_shown_to_anybody() {
    let mut world = world(false);
    world.record = true;
    world.run(20_000, 100);
    let shown = |frame: &[u8]| matches!(Frame::decode(frame), Ok(Frame::Checkpoints(_)));
    assert!(!world.sent.iter().any(|sent| shown(&sent.frame)));
}
