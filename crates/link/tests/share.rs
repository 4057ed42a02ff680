//! Checkpoints that third parties show: of the peer's log, and of our own.

mod common;
mod mallory;
use common::{A, B, World, config, keys};
use link::{CloseCode, EARLY_LATE_MS, Frame, FrozenReason, LinkState, Output, SHARED_MAX};
use mallory::Mallory;
use tlog::{Checkpoint, Hash, sign_checkpoint};

fn note(origin: String, size: u64, root: Hash, of: usize) -> Vec<u8> {
    sign_checkpoint(&Checkpoint { origin, size, root }, &keys(of).log).unwrap().to_bytes()
}

//= spec/link.md L-47
#[test]
fn what_is_shown_of_an_own_log_is_what_the_peer_cosigned_and_the_frame_is_bounded() {
    let mut world = World::started(3);
    world.append(A);
    let receipted = world.sides[A].link.receipted().unwrap();
    assert_eq!((receipted.size, &receipted.origin), (3, &config(A).out_origin()));
    let many = vec![vec![b'n'; 4096]; 200];
    world.sides[A].link.share(many, vec![receipted; 3]);
    world.sides[A].drain();
    let frame = std::iter::from_fn(|| world.sides[A].write()).map(|f| Frame::decode(&f).unwrap());
    let shared =
        frame.filter_map(|f| if let Frame::Checkpoints(notes) = f { Some(notes) } else { None }).next().unwrap();
    assert_eq!(shared.len(), SHARED_MAX);
    assert_eq!(shared[SHARED_MAX - 1], world.sides[B].notes[&3], "signed again it is the note that the peer has");
}

//= spec/link.md L-48
#[test]
fn checkpoints_of_others_are_taken_only_if_the_pact_says_so_and_not_oftener_than_agreed() {
    let shown = |watching: bool, times: u64, every_ms: u64| {
        let mut mallory = Mallory::started(3);
        mallory.victim.link = mallory.victim.link.clone().watching(watching);
        mallory.connect();
        mallory.greet();
        let mut taken = 0;
        for _ in 0..times {
            mallory.now_ms += every_ms;
            mallory.send(&Frame::Checkpoints(vec![b"x".to_vec(), b"y".to_vec()]));
            taken += mallory.outputs_of_last.iter().filter(|name| **name == "shown").count();
        }
        (taken, mallory.view().last_end.map(|end| end.code))
    };
    assert_eq!(shown(false, 1, 0), (0, Some(CloseCode::Unexpected)));
    assert_eq!(shown(true, 4, 2_500), (8, None));
    assert_eq!(shown(true, 20, 100), (2, None));
}

/// B holds three entries of A's, of which it saw sizes 0 and 3 signed.
fn watching() -> World {
    let mut world = World::new();
    world.sides[B].link = world.sides[B].link.clone().watching(true);
    world.connect();
    world.settle();
    for _ in 0..3 {
        world.append(A);
    }
    world.run(300);
    world
}

//= spec/link.md L-49
#[test]
fn a_third_party_s_note_of_another_history_freezes_even_at_a_size_never_signed_to_us() {
    let origin = config(A).out_origin();
    for (size, reason) in [(3, FrozenReason::Equivocation), (2, FrozenReason::RootMismatch)] {
        let mut world = watching();
        let shown = note(origin.clone(), size, Hash([9; 32]), A);
        let now = world.now(B);
        world.sides[B].link.handle_witnessed(&shown, now).unwrap();
        world.sides[B].drain();
        assert_eq!(world.view(B).state, LinkState::Frozen(reason));
        let evidence = &world.sides[B].frozen.as_ref().unwrap().1;
        assert!(evidence.len() == 2 && evidence.contains(&shown) && evidence.contains(&world.sides[B].notes[&3]));
    }
    let mut world = watching();
    let now = world.now(B);
    let roots = (1..=3u64).map(|size| {
        let mut frontier = tlog::Frontier::new();
        world.sides[A].out[..size as usize].iter().for_each(|entry| frontier.append(tlog::leaf_hash(entry)));
        note(origin.clone(), size, frontier.root(), A)
    });
    for honest in roots.collect::<Vec<_>>() {
        world.sides[B].link.handle_witnessed(&honest, now).unwrap();
    }
    // A size beyond what is held cannot be judged yet, and a note of somebody else says nothing.
    world.sides[B].link.handle_witnessed(&note(origin.clone(), 9, Hash([9; 32]), A), now).unwrap();
    assert!(world.sides[B].link.handle_witnessed(&note(origin, 3, Hash([9; 32]), B), now).is_err());
    assert_eq!(world.view(B).state, LinkState::Up);
    assert!(!std::iter::from_fn(|| world.sides[B].link.poll_output()).any(|o| matches!(o, Output::Frozen { .. })));
}

//= spec/link.md L-51
#[test]
fn a_note_of_a_size_that_we_were_not_told_is_kept_told_and_compared_when_it_is_reached() {
    let origin = config(A).out_origin();
    // Later notes, of whatever size, do not push it out.
    let early = note(origin.clone(), 6, Hash([9; 32]), A);
    let mut world = watching();
    let show = |world: &mut World, note: &[u8]| {
        let now = world.now(B);
        world.sides[B].link.handle_witnessed(note, now).unwrap();
        world.sides[B].drain();
    };
    show(&mut world, &early);
    for n in 0..100u64 {
        show(&mut world, &note(origin.clone(), (1 << 40) + n, Hash([7; 32]), A));
    }
    let bytes = minicbor::to_vec(&world.sides[B].link).unwrap().len();
    assert!(bytes < 20_000, "{bytes} bytes");
    assert_eq!(world.view(B).withheld, None);
    world.run(EARLY_LATE_MS);
    assert_eq!(world.view(B).withheld, Some((1 << 40) + 6), "the largest of the first eight");
    world.append(A);
    world.append(A);
    world.run(300);
    world.sides[B].restart();
    assert_eq!((world.view(B).state, world.view(B).in_size), (LinkState::Up, 5));
    world.append(A);
    world.run(300);
    assert_eq!(world.view(B).state, LinkState::Frozen(FrozenReason::RootMismatch));
    assert!(world.sides[B].frozen.as_ref().unwrap().1.contains(&early));
    // What is reached as it was shown is forgotten.
    let mut world = watching();
    let same = common::record_of(&config(A), 3, world.now(A));
    let mut frontier = tlog::Frontier::new();
    world.sides[A].out.iter().for_each(|entry| frontier.append(tlog::leaf_hash(entry)));
    frontier.append(tlog::leaf_hash(&same.clone().into_bytes()));
    show(&mut world, &note(origin, 4, frontier.root(), A));
    world.sides[A].link.append(same).unwrap();
    world.sides[A].drain();
    world.run(EARLY_LATE_MS + 300);
    assert_eq!((world.view(B).state, world.view(B).in_size, world.view(B).withheld), (LinkState::Up, 4, None));
}

//= spec/link.md L-50
#[test]
fn a_checkpoint_of_our_own_that_we_never_signed_stops_us() {
    let origin = config(A).out_origin();
    for (size, root) in [(3, [9; 32]), (2, [9; 32]), (30, [9; 32])] {
        let mut world = watching();
        let now = world.now(A);
        let shown = note(origin.clone(), size, Hash(root), A);
        world.sides[A].link.handle_own_shown(&shown, now).unwrap();
        world.sides[A].drain();
        assert_eq!(world.view(A).state, LinkState::Frozen(FrozenReason::OwnRollback), "{size}");
        assert_eq!(world.sides[A].link.signed_upto(u64::MAX), None, "nor is anything signed again for others");
        assert_eq!(world.sides[A].frozen.as_ref().unwrap().1, [shown]);
    }
    let mut world = watching();
    let (now, ours) = (world.now(A), world.sides[B].notes[&3].clone());
    world.sides[A].link.handle_own_shown(&ours, now).unwrap();
    assert!(world.sides[A].link.handle_own_shown(&note(origin, 3, Hash([9; 32]), B), now).is_err(), "not our key");
    assert_eq!(world.view(A).state, LinkState::Up);
}

//= spec/witness.md W-6
#[test]
fn a_witnessed_note_of_another_history_freezes_and_one_of_a_size_not_remembered_is_passed_over() {
    let sent = |size: u64, root: [u8; 32]| {
        let mut world = watching();
        let shown = note(config(A).out_origin(), size, Hash(root), A);
        world.deliver_frame(B, &Frame::Witnessed(shown.clone()).encode());
        world.sides[B].drain();
        (world.view(B).state, world.sides[B].frozen.as_ref().map(|(_, notes, _)| notes.contains(&shown)))
    };
    assert_eq!(sent(3, [9; 32]), (LinkState::Frozen(FrozenReason::Equivocation), Some(true)));
    assert_eq!(sent(9, [9; 32]), (LinkState::Up, None));
}

//= spec/witness.md W-7
#[test]
fn a_note_of_our_log_that_a_witness_holds_and_we_never_signed_freezes() {
    for (size, root) in [(3, [9; 32]), (30, [9; 32])] {
        let mut world = watching();
        let (now, shown) = (world.now(A), note(config(A).out_origin(), size, Hash(root), A));
        assert_eq!(world.sides[A].link.handle_own_witnessed(&shown, now), None);
        world.sides[A].drain();
        assert_eq!(world.view(A).state, LinkState::Frozen(FrozenReason::OwnRollback), "{size}");
        assert_eq!(world.sides[A].frozen.as_ref().unwrap().1, [shown]);
    }
    // By another key it says nothing about us.
    let mut world = watching();
    let now = world.now(A);
    let other = note(config(A).out_origin(), 3, Hash([9; 32]), B);
    assert_eq!(world.sides[A].link.handle_own_witnessed(&other, now), None);
    assert_eq!(world.view(A).state, LinkState::Up);
}
