//! Keys that change while the logs go on (`spec/keys.md`).
mod common;

use common::*;
use link::{CloseCode, Frame, FrozenReason, LinkState};
use record::{Body, KeysReplaced};
use release::{Envelope, release_keys};
use tlog::{Checkpoint, NoteSigner, sign_checkpoint};

/// Keys of a second set.
fn second(i: usize) -> Keys {
    let name = format!("{}.example", NAMES[i]);
    Keys {
        log: NoteSigner::new(&name, &[30 + i as u8; 32]).unwrap(),
        cosign: NoteSigner::cosigner(&format!("{name}/cosign"), &[40 + i as u8; 32]).unwrap(),
    }
}

/// Side `i` begins to sign with its second set.
fn rekey_own(world: &mut World, i: usize, stolen: bool) {
    let keys = second(i);
    world.sides[i].link.rekey(keys.log.verifier().clone(), true, stolen).unwrap();
    world.sides[i].keys = keys;
}

/// The other side of `i` hears of it.
fn rekey_theirs(world: &mut World, i: usize, stolen: bool, reconnect: bool) {
    let (keys, now) = (second(i), world.now(1 - i));
    let (log, cosign) = (keys.log.verifier().clone(), keys.cosign.verifier().clone());
    world.sides[1 - i].link.rekey_peer(log, cosign, stolen, reconnect, now).unwrap();
    world.sides[1 - i].drain();
}

fn sealed_by(world: &World, i: usize) -> String {
    let notes = &world.sides[1 - i].notes;
    let note = notes.values().next_back().unwrap();
    let by = |keys: &Keys| tlog::open(note, std::slice::from_ref(keys.log.verifier())).is_ok();
    match (by(&keys(i)), by(&second(i))) {
        (true, false) => "first".into(),
        (false, true) => "second".into(),
        other => format!("{other:?}"),
    }
}

//= spec/keys.md K-5
//= spec/keys.md K-6
#[test]
fn a_log_goes_on_under_a_new_key_and_nothing_is_lost() {
    let mut world = World::started(3);
    rekey_own(&mut world, A, false);
    rekey_theirs(&mut world, A, false, false);
    world.run(2000);
    assert_eq!(sealed_by(&world, A), "second", "the heartbeat alone is enough, with nothing new said");
    // What the old key signed is ours as well (S-8).
    for (keys, size) in [(keys(A), 2), (second(A), 9)] {
        let link = &world.sides[A].link;
        let origin = link.config().out_origin();
        let note = sign_checkpoint(&Checkpoint { origin, size, root: tlog::Hash([7; 32]) }, &keys.log).unwrap();
        assert_eq!(link.own_note_size(&note.to_bytes()).unwrap(), size);
    }
    world.append(A);
    world.append(B);
    world.run(1500);
    for i in [A, B] {
        assert_eq!(world.view(i).state, LinkState::Up);
        assert_eq!((world.view(i).signed, world.view(i).cosigned), (4, 4));
    }
    assert_eq!(world.sides.iter().map(|s| s.ended.len()).sum::<usize>(), 0, "and the session goes on");
    world.sides[B].restart();
    world.run(1000);
    assert_eq!(world.view(B).state, LinkState::Up);
}

//= spec/keys.md K-5
#[test]
fn the_next_checkpoint_by_the_old_key_is_refused() {
    let mut world = World::started(3);
    rekey_theirs(&mut world, A, true, false);
    // The holder of the old key goes on, as a thief would.
    world.append(A);
    world.run(200);
    assert_eq!(world.view(B).state, LinkState::Down);
    assert_eq!(world.view(B).last_end.map(|end| end.code), Some(CloseCode::BadCheckpoint));
    assert_eq!(world.view(B).sealed, 3, "nothing that the old key signed since is sealed");
    // And not after a new connection, nor after a restart, nor by repeating the note that was good before.
    world.sides[B].restart();
    for _ in 0..3 {
        world.connect();
        world.settle();
        world.run(200);
        assert_eq!(world.view(B).sealed, 3);
        assert_eq!(world.view(B).last_end.map(|end| end.code), Some(CloseCode::BadCheckpoint));
    }
    // The owner has the new key, and the same log.
    rekey_own(&mut world, A, true);
    world.connect();
    world.run(300);
    assert_eq!((world.view(B).state, world.view(B).sealed), (LinkState::Up, 4));
}

//= spec/keys.md K-5
#[test]
fn a_cosignature_by_the_old_key_is_no_receipt() {
    let mut world = World::started(2);
    rekey_theirs(&mut world, B, true, false);
    world.append(A);
    world.run(200);
    assert_eq!(world.view(A).last_end.map(|end| end.code), Some(CloseCode::BadCosignature));
    assert_eq!(world.view(A).cosigned, 2);
}

//= spec/keys.md K-7
#[test]
fn a_session_of_a_replaced_tls_key_ends() {
    let mut world = World::started(1);
    rekey_theirs(&mut world, A, true, true);
    assert_eq!(world.view(B).state, LinkState::Down);
}

//= spec/keys.md K-9
#[test]
fn the_peer_may_still_hold_a_note_by_the_key_before() {
    let mut world = World::started(3);
    world.cut();
    rekey_own(&mut world, A, false);
    rekey_theirs(&mut world, A, false, false);
    world.connect();
    world.run(300);
    assert_eq!((world.view(A).state, world.view(B).state), (LinkState::Up, LinkState::Up));
}

/// A hello of B that shows a checkpoint of A's log which `by` signed, over a tree that never was.
fn forged_hello(world: &World, by: &NoteSigner) -> Vec<u8> {
    let config = world.sides[A].link.config();
    let checkpoint = Checkpoint { origin: config.out_origin(), size: 9, root: tlog::Hash([9; 32]) };
    let note = sign_checkpoint(&checkpoint, by).unwrap().to_bytes();
    let hello = link::Hello {
        party: config.peer.clone(),
        peer: config.me.clone(),
        mode: config.mode.clone(),
        pact: config.pact,
        schema: record::SCHEMA,
        in_size: 9,
        your_checkpoint: Some(note),
        out_size: 3,
    };
    Frame::Hello(hello).encode()
}

//= spec/keys.md K-9
#[test]
fn what_a_thief_signed_does_not_freeze_the_log_of_the_owner() {
    for (stolen, want) in [(true, LinkState::Down), (false, LinkState::Frozen(FrozenReason::OwnRollback))] {
        let mut world = World::started(3);
        world.cut();
        rekey_own(&mut world, A, stolen);
        let hello = forged_hello(&world, &keys(A).log);
        world.connect();
        world.deliver_frame(A, &hello);
        assert_eq!(world.view(A).state, want, "stolen: {stolen}");
    }
}

//= spec/keys.md K-10
#[test]
fn two_histories_by_an_older_key_are_still_two_histories() {
    for (stolen, frozen) in [(false, true), (true, false)] {
        let mut world = World::started(3);
        rekey_own(&mut world, A, stolen);
        rekey_theirs(&mut world, A, stolen, false);
        world.run(1100);
        let origin = world.sides[A].link.config().out_origin();
        let other = Checkpoint { origin, size: 3, root: tlog::Hash([3; 32]) };
        let note = sign_checkpoint(&other, &keys(A).log).unwrap().to_bytes();
        let now = world.now(B);
        let told = world.sides[B].link.handle_witnessed(&note, now);
        world.sides[B].drain();
        assert_eq!(told.is_ok(), frozen, "by a stolen key it says nothing about the peer");
        assert_eq!(world.sides[B].frozen.is_some(), frozen);
    }
}

#[test]
fn keys_that_cannot_be_are_refused_and_change_nothing() {
    let mut world = World::started(1);
    let (own, theirs, now) = (keys(A), keys(B), world.now(A));
    let link = &mut world.sides[A].link;
    let before = link.clone();
    assert!(link.rekey(theirs.log.verifier().clone(), true, false).is_err(), "the peer's");
    assert!(link.rekey(own.cosign.verifier().clone(), true, false).is_err(), "of the wrong type");
    let (log, cosign) = (own.log.verifier().clone(), theirs.cosign.verifier().clone());
    assert!(link.rekey_peer(log, cosign, false, false, now).is_err(), "our own");
    assert_eq!(*link, before);
}

/// Side `i` begins with new keys, and its next entry says so.
fn rekey_and_say(world: &mut World, i: usize) {
    rekey_own(world, i, false);
    let (config, now) = (world.sides[i].config.clone(), world.now(i));
    let envelope = Envelope { issuer: config.me, audience: config.peer, mode: config.mode, pact: config.pact };
    let released = release_keys(&envelope, 1, KeysReplaced { statement: "new".into() }, now).unwrap();
    world.sides[i].link.append(released).unwrap();
    world.sides[i].drain();
}

/// Carries frames, and lets each side take the other's statement when it has read it, as a node does.
fn settle_with_statements(world: &mut World, taken: &mut [bool; 2]) {
    loop {
        world.write(A);
        world.write(B);
        let mut moved = false;
        for i in [A, B] {
            moved |= world.deliver(i);
            let said = world.sides[i].accepted.iter().any(|(_, d)| matches!(d.record.body, Body::Keys(_)));
            if said && !core::mem::replace(&mut taken[i], true) {
                rekey_theirs(world, 1 - i, false, false);
            }
        }
        if !moved {
            break;
        }
    }
    if world.sides.iter().any(|side| side.outbox.is_none()) {
        world.cut();
    }
}

//= spec/keys.md K-6
//= spec/keys.md K-12
#[test]
fn both_sides_replace_their_keys_while_they_are_apart_and_cosign_again_after_one_more_session() {
    for by_hand in [[false, false], [true, false], [false, true], [true, true]] {
        let mut world = World::started(3);
        world.cut();
        for i in [A, B] {
            rekey_and_say(&mut world, i);
        }
        let mut taken = by_hand;
        for i in [A, B].into_iter().filter(|i| by_hand[*i]) {
            rekey_theirs(&mut world, 1 - i, false, false);
        }
        for session in 1..=3 {
            world.connect();
            for _ in 0..20 {
                world.tick(100);
                settle_with_statements(&mut world, &mut taken);
            }
            if world.view(A).state == LinkState::Up {
                assert!(session <= 2, "one session more than without new keys: {by_hand:?}");
                break;
            }
            assert_eq!(world.view(A).last_end.map(|end| end.code), Some(CloseCode::Ended), "nobody is to blame");
        }
        for i in [A, B] {
            let view = world.view(i);
            assert_eq!((view.state, view.out_size, view.cosigned), (LinkState::Up, 4, 4), "{by_hand:?}: {}", NAMES[i]);
        }
        assert_eq!((sealed_by(&world, A).as_str(), sealed_by(&world, B).as_str()), ("second", "second"));
    }
}

//= spec/keys.md K-6
#[test]
fn a_new_tls_key_alone_holds_back_no_cosignature() {
    let mut world = World::started(2);
    let log = keys(A).log.verifier().clone();
    world.sides[A].link.rekey(log, false, false).unwrap();
    world.append(B);
    world.run(300);
    assert_eq!((world.view(B).signed, world.view(B).cosigned), (3, 3));
}

/// A note of side `i`'s log, as it stands, by a key of its choice.
fn note_of(world: &World, i: usize, by: &NoteSigner) -> Vec<u8> {
    let link = &world.sides[i].link;
    let log = link.out_log();
    let checkpoint = Checkpoint { origin: link.config().out_origin(), size: log.size(), root: log.root() };
    sign_checkpoint(&checkpoint, by).unwrap().to_bytes()
}

//= spec/keys.md K-13
#[test]
fn a_witnessed_note_by_a_key_that_the_peer_does_not_have_is_passed_over() {
    // By a key of which B has not read yet, by one that was stolen, and by nobody's.
    let stranger = NoteSigner::new("north.example", &[99; 32]).unwrap();
    for (stolen, by) in [(false, second(A).log), (true, keys(A).log), (false, stranger)] {
        let mut world = World::started(3);
        if stolen {
            rekey_theirs(&mut world, A, true, false);
        }
        let note = note_of(&world, A, &by);
        world.deliver_frame(B, &Frame::Witnessed(note).encode());
        assert_eq!((world.view(B).state, world.view(B).last_end), (LinkState::Up, None));
    }
}

//= spec/keys.md K-13
#[test]
fn a_witnessed_note_goes_to_the_peer_once_it_has_the_statement_about_the_key() {
    let mut world = World::started(3);
    rekey_and_say(&mut world, A);
    let pass_on = |world: &mut World| {
        world.sides[A].sent.clear();
        let (note, now) = (note_of(world, A, &second(A).log), world.now(A));
        let kept = world.sides[A].link.handle_own_witnessed(&note, now);
        world.sides[A].drain();
        world.write(A);
        let sent = world.sides[A].sent.iter().any(|(_, f)| matches!(Frame::decode(f), Ok(Frame::Witnessed(_))));
        (kept, sent)
    };
    // Signed, and on its way: B has not said that it has it.
    world.tick(100);
    assert_eq!(pass_on(&mut world), (Some(4), false), "kept, and not shown");
    let mut taken = [false; 2];
    for _ in 0..12 {
        settle_with_statements(&mut world, &mut taken);
        world.tick(100);
    }
    assert_eq!(world.view(A).cosigned, 4);
    assert_eq!(pass_on(&mut world), (Some(4), true));
}
