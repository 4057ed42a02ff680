//! A peer that lies, a wire that bends bytes, old backups: refused with the right reason, counted, never folded.

mod common;
mod mallory;
use common::{A, B, Input, World, config, keys, pact_text, record_of};
use link::{
    CloseCode, ENTRIES_MAX, Error, FRAME_BYTES_MAX, Frame, FrozenReason, LinkState, Output, PACT_TEXT_BYTES_MAX,
    Refusal,
};
use mallory::Mallory;
use record::{Hash32, Mode, PartyId};
use tlog::{Equivocation, NoteSigner, open_checkpoint, sign_checkpoint};

/// The victim closed for this reason, said so, folded nothing more, and can be talked to again.
fn closed(mallory: &mut Mallory, code: CloseCode) {
    let view = mallory.view();
    let end = view.last_end.expect("the session ended");
    assert_eq!((end.code, end.by_peer, view.state), (code, false, LinkState::Down));
    assert_eq!(view.closed.get(&code), Some(&1));
    assert_eq!(view.refusals().get(code.name()), Some(&1));
    assert_eq!(mallory.close_said(), Some(code.code()));
    assert_eq!(mallory.victim.accepted.len(), mallory.folded_before);
    mallory.restart();
    mallory.honest_goes_on();
}

fn frozen(mallory: &mut Mallory, reason: FrozenReason) -> Vec<Vec<u8>> {
    assert_eq!(mallory.view().state, LinkState::Frozen(reason));
    let (told, evidence, _) = mallory.victim.frozen.clone().expect("the node is told");
    assert_eq!(told, reason);
    let kept: Vec<Vec<u8>> = mallory.victim.link.evidence().unwrap().1.into_iter().map(<[u8]>::to_vec).collect();
    assert_eq!(kept, evidence, "the state keeps what the node was told");
    //= spec/link.md L-19
    mallory.restart();
    mallory.connect();
    assert_eq!(mallory.close_said(), Some(CloseCode::Frozen.code()));
    assert_eq!(mallory.view().state, LinkState::Frozen(reason), "for good");
    let released = record_of(&mallory.victim.config, 99, mallory.now());
    assert_eq!(mallory.victim.link.append(released), Err(Error::Frozen(reason)));
    assert!(mallory.said().iter().all(|frame| matches!(frame, Frame::Close { .. })), "nothing is signed or sent");
    evidence
}

fn greet(code: CloseCode, change: impl Fn(&mut link::Hello)) {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    let mut hello = mallory.hello();
    change(&mut hello);
    mallory.send(&Frame::Hello(hello));
    closed(&mut mallory, code);
}

//= spec/link.md L-11
#[test]
fn a_hello_of_somebody_else_or_of_another_world_is_refused() {
    greet(CloseCode::WrongParty, |h| h.party = PartyId::parse("east").unwrap());
    greet(CloseCode::WrongParty, |h| h.peer = PartyId::parse("east").unwrap());
    greet(CloseCode::WrongMode, |h| h.mode = Mode::Exercise("blue".into()));
    greet(CloseCode::Schema, |h| h.schema = 2);
}

//= spec/link.md L-10
#[test]
fn a_hello_of_another_version_is_refused_whatever_else_it_says() {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.send_bytes(&[0x83, 0x00, 0x02, 0xf6]);
    closed(&mut mallory, CloseCode::Version);
}

//= spec/link.md L-13
#[test]
fn a_claim_about_our_own_log_must_bear_our_signature() {
    let forged = |change: fn(String) -> String, seed: u8| {
        let origin = change(config(B).out_origin());
        let checkpoint = tlog::Checkpoint { origin, size: 9, root: tlog::Hash([9; 32]) };
        let signer = NoteSigner::new("south.example", &[seed; 32]).unwrap();
        sign_checkpoint(&checkpoint, &signer).unwrap().to_bytes()
    };
    greet(CloseCode::BadCheckpoint, |h| h.your_checkpoint = Some(vec![b'x']));
    greet(CloseCode::BadCheckpoint, |h| h.your_checkpoint = Some(forged(|o| o, 99)));
    greet(CloseCode::BadCheckpoint, |h| h.your_checkpoint = Some(forged(|o| o.replace("north", "east"), 11)));
    greet(CloseCode::BadCheckpoint, |h| h.your_checkpoint = Some(forged(|o| o.replace("/live/", "/exercise:x/"), 11)));
}

//= spec/link.md L-15
#[test]
fn a_peer_with_less_of_its_own_log_than_we_hold_is_sent_away_not_frozen() {
    greet(CloseCode::PeerBehind, |h| h.out_size = 2);
    greet(CloseCode::PeerBehind, |h| h.out_size = 0);
}

//= spec/link.md L-16
#[test]
fn a_hello_that_contradicts_itself_is_refused() {
    greet(CloseCode::Malformed, |h| {
        assert!(h.your_checkpoint.is_some());
        h.in_size = 0;
    });
}

//= spec/link.md L-9
#[test]
fn a_frame_out_of_place_closes_the_session() {
    for what in 0..4 {
        let mut mallory = Mallory::started(3);
        mallory.connect();
        assert!(matches!(mallory.said()[..], [Frame::Hello(_)]), "one hello, at once");
        match what {
            0 => mallory.send(&Frame::Entries { first: 3, entries: vec![vec![1]] }),
            1 => mallory.send(&Frame::PactText("pact".into())),
            _ => mallory.greet(),
        }
        match what {
            2 => mallory.greet(),
            3 => mallory.send(&Frame::PactText("pact".into())),
            _ => {}
        }
        closed(&mut mallory, CloseCode::Unexpected);
    }
}

//= spec/link.md L-12
#[test]
fn each_side_of_two_pacts_is_shown_the_other_s_and_nothing_else_passes() {
    let mut other = config(B);
    other.pact = Hash32::of(pact_text(9).as_bytes());
    let mut world = World::with([config(A), other], [keys(A), keys(B)]);
    world.sides[B].pact = pact_text(9);
    world.append(A);
    world.connect();
    world.settle();
    for (i, theirs) in [(A, pact_text(9)), (B, pact_text(A))] {
        assert_eq!(world.sides[i].their_pact.as_deref(), Some(theirs.as_str()));
        assert_eq!(
            (world.view(i).state, world.view(i).last_end.unwrap().code),
            (LinkState::Down, CloseCode::WrongPact)
        );
        assert_eq!((world.view(i).signed, world.view(i).in_size), (0, 0));
    }
}

//= spec/link.md L-12
#[test]
fn a_pact_that_is_not_the_one_of_the_hello_is_not_shown() {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    let mut hello = mallory.hello();
    hello.pact = Hash32::of(b"promised");
    mallory.send(&Frame::Hello(hello));
    assert_eq!(mallory.view().state, LinkState::Connecting);
    mallory.send(&Frame::PactText("another".into()));
    assert_eq!(mallory.victim.their_pact, None);
    closed(&mut mallory, CloseCode::Malformed);
}

/// Greets and then says this.
fn says(code: CloseCode, frames: impl Fn(&mut Mallory) -> Vec<Frame>) {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    for frame in frames(&mut mallory) {
        mallory.send(&frame);
    }
    closed(&mut mallory, code);
}

//= spec/link.md L-25
#[test]
fn entries_repeated_or_with_a_gap_are_not_used_even_if_equal() {
    says(CloseCode::EntryOrder, |m| vec![Frame::Entries { first: 4, entries: vec![m.entry(4)] }]);
    says(CloseCode::EntryOrder, |m| vec![Frame::Entries { first: 2, entries: vec![m.log[2].clone(), m.entry(3)] }]);
    says(CloseCode::EntryOrder, |m| vec![Frame::Entries { first: 0, entries: m.log.clone() }]);
}

//= spec/link.md L-29
#[test]
fn a_checkpoint_that_is_not_the_peer_s_own_is_refused() {
    says(CloseCode::BadCheckpoint, |m| vec![m.checkpoint_by(&NoteSigner::new("north.example", &[99; 32]).unwrap(), 0)]);
    says(CloseCode::BadCheckpoint, |m| vec![m.checkpoint_by(&keys(B).log, 0)]);
    says(CloseCode::BadCheckpoint, |m| {
        m.origin = m.origin.replace("/live/", "/exercise:blue/");
        vec![m.checkpoint(0)]
    });
    says(CloseCode::BadCheckpoint, |m| {
        m.origin = config(A).in_origin();
        vec![m.checkpoint(0)]
    });
    //= spec/link.md L-3
    says(CloseCode::BadCheckpoint, |m| {
        let text = format!("{}one line more\n", m.statement().to_text());
        let note = tlog::sign(&text, &[&m.keys.log]).unwrap().to_bytes();
        vec![Frame::Checkpoint { seq: 0, sent_utc_ms: 0, note }]
    });
    // Any bit of a good note.
    let good = {
        let mut mallory = Mallory::started(3);
        mallory.append(1);
        let Frame::Checkpoint { note, .. } = mallory.checkpoint(0) else { unreachable!() };
        note
    };
    for bit in (0..good.len() * 8).step_by(29) {
        says(CloseCode::BadCheckpoint, |m| {
            m.append(1);
            let mut note = good.clone();
            note[bit / 8] ^= 1 << (bit % 8);
            vec![Frame::Checkpoint { seq: 0, sent_utc_ms: 0, note }]
        });
    }
}

//= spec/link.md L-32
#[test]
fn a_checkpoint_over_entries_that_did_not_come_is_refused() {
    says(CloseCode::SizeMismatch, |m| {
        m.append(2);
        vec![m.checkpoint(0)]
    });
}

//= spec/link.md L-36
//= spec/link.md L-23
#[test]
fn checkpoints_and_cosignatures_that_are_repeated_or_reordered_are_refused() {
    says(CloseCode::Repeated, |m| vec![m.checkpoint(5), m.checkpoint(5)]);
    says(CloseCode::Repeated, |m| vec![m.checkpoint(5), m.checkpoint(4)]);
    says(CloseCode::Repeated, |m| vec![m.cosignature(3), m.cosignature(3)]);
    let world = World::started(3);
    let seqs: Vec<u64> = world.sides[A]
        .sent
        .iter()
        .filter_map(|(_, frame)| match Frame::decode(frame) {
            Ok(Frame::Checkpoint { seq, .. }) => Some(seq),
            _ => None,
        })
        .collect();
    assert!(seqs.len() > 1 && seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
}

//= spec/link.md L-35
#[test]
fn a_cosignature_that_is_not_the_peer_s_or_not_of_our_checkpoint_is_refused() {
    says(CloseCode::BadCosignature, |m| vec![m.cosignature(2)]);
    says(CloseCode::BadCosignature, |m| vec![m.cosignature(4)]);
    says(CloseCode::BadCosignature, |m| {
        m.keys.cosign = NoteSigner::cosigner("north.example/cosign", &[99; 32]).unwrap();
        vec![m.cosignature(3)]
    });
    says(CloseCode::BadCosignature, |m| {
        m.keys.cosign = keys(B).cosign;
        vec![m.cosignature(3)]
    });
    says(CloseCode::BadCosignature, |_| vec![Frame::Cosignature { size: 3, recv_utc_ms: 0, line: "no line".into() }]);
    says(CloseCode::BadCosignature, |m| {
        // A signature of the right party's, of another type.
        let line = sign_checkpoint(&m.statement(), &m.keys.log).unwrap().signatures()[0].to_text();
        vec![Frame::Cosignature { size: 3, recv_utc_ms: 0, line }]
    });
}

//= spec/link.md L-28
#[test]
fn refusals_of_what_was_never_sent_are_refused() {
    says(CloseCode::Unexpected, |_| vec![Frame::Refusals(vec![(0, 1), (3, 1)])]);
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    mallory.send(&Frame::Refusals(vec![(0, 6), (2, 200)]));
    assert_eq!(mallory.victim.peer_refused, [(0, Refusal::WrongMode), (2, Refusal::Malformed)]);
    assert_eq!(mallory.view().peer_refused[&Refusal::WrongMode], 1);
}

//= spec/link.md L-28
//= spec/link.md L-36
#[test]
fn an_entry_is_refused_once_and_a_frame_of_refusals_is_told_at_once() {
    says(CloseCode::Repeated, |_| vec![Frame::Refusals(vec![(0, 1), (0, 1)])]);
    says(CloseCode::Repeated, |_| vec![Frame::Refusals(vec![(1, 1), (0, 1)])]);
    says(CloseCode::Repeated, |_| vec![Frame::Refusals(vec![(0, 1), (1, 1)]), Frame::Refusals(vec![(1, 1)])]);
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    mallory.send(&Frame::Refusals(vec![(0, 0); link::ENTRIES_MAX]));
    let told = |mallory: &Mallory| mallory.outputs_of_last.iter().filter(|name| **name == "peer-refused").count();
    assert_eq!((told(&mallory), mallory.view().peer_refused.len()), (0, 0), "4,096 times the same is nothing");
    mallory.connect();
    mallory.greet();
    mallory.send(&Frame::Refusals(vec![(0, 0), (1, 0), (2, 0)]));
    assert_eq!((told(&mallory), mallory.view().peer_refused[&Refusal::Malformed]), (1, 3));
}

//= spec/link.md L-37
#[test]
fn a_flood_of_small_frames_ends_the_session_and_an_honest_stall_does_not() {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    // Quiet time earns no more than one burst.
    mallory.now_ms += 100_000;
    for seq in 0..1024 {
        mallory.send(&mallory.checkpoint(seq));
        assert_eq!(mallory.view().state, LinkState::Up, "frame {seq}");
    }
    mallory.now_ms += 1000;
    for seq in 1024..1024 + 50 {
        mallory.send(&mallory.checkpoint(seq));
        assert_eq!(mallory.view().state, LinkState::Up, "frame {seq}");
    }
    mallory.send(&mallory.checkpoint(9999));
    closed(&mut mallory, CloseCode::TooFast);
}

//= spec/link.md L-26
//= spec/link.md L-27
//= spec/link.md L-28
#[test]
fn an_entry_that_is_refused_is_kept_counted_named_and_never_folded() {
    let mut mallory = Mallory::started(3);
    let with = |change: &dyn Fn(&mut link::LinkConfig)| {
        let mut other = config(A);
        change(&mut other);
        record_of(&other, 7, mallory.now()).into_bytes()
    };
    let good = with(&|_| {});
    // Canonical order puts the schema at byte 2: map head, key 0, value 1.
    assert_eq!(good[1..3], [0, 1]);
    let newer = [&good[..2], &[9], &good[3..]].concat();
    let wide = [&good[..2], &[0x18, 1], &good[3..]].concat();
    let long = record_with_a_long_reason(&good);
    let bad = [
        (vec![0xff; 40], Refusal::Malformed),
        (good[..good.len() - 1].to_vec(), Refusal::Malformed),
        (newer, Refusal::UnknownVersion),
        (wide, Refusal::NotCanonical),
        (long, Refusal::Invalid),
        (with(&|c| c.me = PartyId::parse("east").unwrap()), Refusal::WrongIssuer),
        (with(&|c| c.peer = PartyId::parse("east").unwrap()), Refusal::WrongAudience),
        (with(&|c| c.mode = Mode::Exercise("blue".into())), Refusal::WrongMode),
        (with(&|c| c.pact.0[0] ^= 1), Refusal::WrongPact),
    ];
    mallory.connect();
    mallory.greet();
    let mut entries: Vec<Vec<u8>> = bad.iter().map(|(bytes, _)| bytes.clone()).collect();
    entries.push(good);
    mallory.log.extend(entries.clone());
    mallory.send(&Frame::Entries { first: 3, entries });
    let expect: Vec<(u64, Refusal)> = (3..).zip(bad.iter().map(|(_, reason)| *reason)).collect();
    assert_eq!(mallory.victim.refused, expect);
    assert_eq!(mallory.view().refused.values().sum::<u64>(), 9);
    assert_eq!(mallory.view().refusals()["MALFORMED"], 2);
    let named = Frame::Refusals(expect.iter().map(|(index, reason)| (*index, reason.code())).collect());
    assert!(mallory.said().contains(&named), "the sender is told");
    let folded: Vec<u64> = mallory.victim.accepted.iter().map(|(index, _)| *index).collect();
    assert_eq!(folded, [0, 1, 2, 12], "only the good one is folded");
    // The tree matches all the same.
    mallory.send(&mallory.checkpoint(0));
    assert_eq!((mallory.view().state, mallory.view().sealed), (LinkState::Up, 13));
    assert_eq!(mallory.victim.held, mallory.log);
}

/// The good record with a reason of 401 bytes: right form, out of its bound.
fn record_with_a_long_reason(good: &[u8]) -> Vec<u8> {
    let reason = b"statement 7";
    let at = good.windows(reason.len()).position(|w| w == reason).unwrap();
    let head = [0x79, (401u16 >> 8) as u8, 401u16 as u8];
    [&good[..at - 1], &head, &[b'x'; 401], &good[at + reason.len()..]].concat()
}

/// Two notes that a stranger with the public key alone finds contradictory.
fn check_proof(evidence: &[Vec<u8>]) {
    let config = config(A);
    let open = |note: &[u8]| open_checkpoint(note, &config.out_origin(), &config.my_log_key).unwrap();
    let [a, b] = evidence else { panic!("two notes") };
    assert!(Equivocation::same_size(&open(a), &open(b)).is_some());
}

//= spec/link.md L-30
#[test]
fn two_histories_of_one_size_freeze_the_link_with_proof() {
    let mut mallory = Mallory::started(3);
    mallory.log[1] = mallory.entry(77);
    mallory.connect();
    mallory.greet();
    mallory.send(&mallory.checkpoint(0));
    let evidence = frozen(&mut mallory, FrozenReason::Equivocation);
    check_proof(&evidence);
}

//= spec/link.md L-30
#[test]
fn a_history_that_differs_from_the_one_a_witness_saw_freezes_the_link_even_without_a_session() {
    let mut mallory = Mallory::started(3);
    let now = mallory.now();
    let Frame::Checkpoint { note, .. } = mallory.checkpoint(0) else { unreachable!() };
    mallory.victim.link.handle_witnessed(&note, now).unwrap();
    assert_eq!(mallory.view().state, LinkState::Down, "the same history is no fault");
    let stranger = Mallory::with_seed(55);
    let Frame::Checkpoint { note, .. } = stranger.checkpoint(0) else { unreachable!() };
    assert!(mallory.victim.link.handle_witnessed(&note, now).is_err(), "a stranger accuses nobody");
    assert_eq!(mallory.view().state, LinkState::Down);
    mallory.log[0] = mallory.entry(77);
    let Frame::Checkpoint { note, .. } = mallory.checkpoint(0) else { unreachable!() };
    mallory.victim.link.handle_witnessed(&note, now).unwrap();
    mallory.victim.drain();
    let evidence = frozen(&mut mallory, FrozenReason::Equivocation);
    check_proof(&evidence);
}

//= spec/link.md L-30
#[test]
fn an_old_contradiction_names_the_stored_note_that_belongs_to_it() {
    let mut mallory = Mallory::started(3);
    let mut fork = Mallory::started(3);
    fork.log[0] = fork.entry(77);
    let Frame::Checkpoint { note, .. } = fork.checkpoint(0) else { unreachable!() };
    mallory.honest_goes_on();
    assert_eq!(mallory.view().sealed, 4);
    let now = mallory.now();
    mallory.victim.link.handle_witnessed(&note, now).unwrap();
    mallory.victim.drain();
    let (_, _, stored) = mallory.victim.frozen.clone().unwrap();
    assert_eq!(stored, Some(3));
    check_proof(&[mallory.victim.notes[&3].clone(), note]);
}

//= spec/link.md L-31
#[test]
fn a_smaller_tree_signed_after_a_larger_one_freezes_the_link() {
    for changed in [false, true] {
        let mut mallory = Mallory::started(3);
        let hello = mallory.hello();
        mallory.log.truncate(2);
        if changed {
            mallory.log[0] = mallory.entry(77);
        }
        mallory.connect();
        mallory.send(&Frame::Hello(hello));
        mallory.send(&mallory.checkpoint(0));
        let evidence = frozen(&mut mallory, FrozenReason::PeerRollback);
        assert_eq!(evidence.len(), 2);
    }
}

//= spec/link.md L-33
#[test]
fn a_root_over_other_entries_than_were_sent_freezes_the_link() {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    let sent = mallory.entry(50);
    mallory.send(&Frame::Entries { first: 3, entries: vec![sent] });
    mallory.log.push(mallory.entry(51));
    mallory.send(&mallory.checkpoint(0));
    let evidence = frozen(&mut mallory, FrozenReason::RootMismatch);
    assert_eq!(evidence.len(), 2);
    assert_eq!(mallory.view().sealed, 3, "what was sealed stays sealed");
}

/// Side A goes back to a copy of its data; the world goes on.
fn restored(entries_then: usize, entries_later: usize, then: impl Fn(&mut World)) -> World {
    let mut world = World::started(entries_then);
    let journal = world.sides[A].journal.clone();
    let link = world.sides[A].link.clone();
    for _ in 0..entries_later {
        world.append(A);
    }
    then(&mut world);
    world.cut();
    let side = &mut world.sides[A];
    side.appended = 500;
    side.journal = journal;
    side.link = link;
    side.out.truncate(entries_then);
    let input = Input::Disconnected(side.link.view(common::Side::never()).session.unwrap(), common::Side::never());
    side.apply(input);
    world
}

//= spec/link.md L-14
//= spec/link.md L-5
#[test]
fn a_node_restored_from_an_old_copy_refuses_to_sign_and_the_peer_is_not_frozen() {
    // Entries later: sealed; only sent; and more of its own before it connects again, so that sizes alone look fine.
    for (sealed, own_since) in [(true, 0), (false, 0), (true, 2), (true, 30)] {
        let mut world = restored(3, 2, |world| {
            if sealed {
                world.run(300);
            } else {
                world.settle();
            }
        });
        for _ in 0..own_since {
            world.append(A);
        }
        let signed = world.view(A).signed;
        world.connect();
        world.settle();
        // What was only sent bears no signature: the peer can but say so.
        let want = if sealed { FrozenReason::OwnRollback } else { FrozenReason::OwnClaimed };
        assert_eq!(world.view(A).state, LinkState::Frozen(want), "{sealed} {own_since}");
        assert_eq!(world.view(A).signed, signed);
        let (_, evidence, _) = world.sides[A].frozen.clone().unwrap();
        assert_eq!(evidence.len(), 1, "our own signature, shown by the peer");
        assert!(FrozenReason::OwnRollback.advice().contains("restore the newest data"));
        let end = world.view(B).last_end.unwrap();
        assert_eq!((world.view(B).state, end.by_peer), (LinkState::Down, sealed_end(end.code)));
    }
}

//= spec/link.md L-14
#[test]
fn a_signature_of_our_key_that_we_do_not_remember_freezes_the_link() {
    for (size, root) in [(2, 9), (3, 9), (4, 9)] {
        let mut mallory = Mallory::started(3);
        let checkpoint = tlog::Checkpoint { origin: config(B).out_origin(), size, root: tlog::Hash([root; 32]) };
        let mut hello = mallory.hello();
        hello.your_checkpoint = Some(sign_checkpoint(&checkpoint, &keys(B).log).unwrap().to_bytes());
        mallory.connect();
        mallory.send(&Frame::Hello(hello.clone()));
        assert_eq!(frozen(&mut mallory, FrozenReason::OwnRollback), [hello.your_checkpoint.unwrap()], "size {size}");
    }
}

//= spec/link.md L-14
#[test]
fn a_bare_claim_to_hold_more_of_our_log_freezes_and_is_called_a_claim() {
    let mut mallory = Mallory::started(3);
    let mut hello = mallory.hello();
    (hello.in_size, hello.your_checkpoint) = (999, None);
    mallory.connect();
    mallory.send(&Frame::Hello(hello));
    assert_eq!(frozen(&mut mallory, FrozenReason::OwnClaimed), Vec::<Vec<u8>>::new(), "no evidence");
    let advice = FrozenReason::OwnClaimed.advice();
    assert!(advice.contains("has shown no signature") && !advice.contains("this data is an old copy"), "{advice}");
}

/// The peer learns of it from our close, or sees by itself that we are behind.
fn sealed_end(code: CloseCode) -> bool {
    match code {
        CloseCode::Frozen => true,
        CloseCode::PeerBehind => false,
        other => panic!("{other}"),
    }
}

//= spec/link.md L-15
#[test]
fn with_the_newer_data_restored_the_link_goes_on() {
    let mut world = World::started(3);
    world.append(A);
    world.run(300);
    world.cut();
    let newer = world.sides[A].link.clone();
    let mut old = restored(3, 1, |world| world.run(300));
    old.connect();
    old.settle();
    assert!(matches!(old.view(A).state, LinkState::Frozen(_)));
    world.sides[A].link = newer;
    world.sides[A].journal.clear();
    world.session += 10;
    world.append(A);
    world.connect();
    world.run(300);
    world.check_complete();
}

/// Frames that one side wrote in an honest run, changed on the way to the other: whatever is folded is what was said, or
/// the link freezes over it; and if it does not freeze, the next connection brings everything.
fn bend(at: usize, how: &dyn Fn(&mut Vec<Vec<u8>>, usize)) -> Option<CloseCode> {
    let mut world = World::new();
    world.connect();
    for _ in 0..4 {
        world.append(A);
    }
    world.write(A);
    world.write(B);
    while world.deliver(A) {}
    // What side B will grant once it has the hello.
    world.deliver_frame(A, &Frame::Grant(1024).encode());
    world.write(A);
    for _ in 0..2 {
        world.append(A);
        world.tick(100);
        world.write(A);
    }
    let mut frames: Vec<Vec<u8>> = std::mem::take(&mut world.wires[B]).into();
    assert_eq!(frames.len(), 8, "hello, grant, entries, checkpoint, and two more pairs");
    how(&mut frames, at);
    for frame in &frames {
        world.deliver_frame(B, frame);
    }
    let code = world.view(B).last_end.map(|end| end.code);
    if let LinkState::Frozen(reason) = world.view(B).state {
        // A bent hello may claim to hold more of our log than there is.
        if at == 0 && matches!(reason, FrozenReason::OwnRollback | FrozenReason::OwnClaimed) {
            return Some(CloseCode::Frozen);
        }
        assert!(matches!(reason, FrozenReason::RootMismatch), "{reason}");
        assert_ne!(world.sides[B].held, world.sides[A].out[..world.sides[B].held.len()]);
        return Some(CloseCode::Frozen);
    }
    let held = &world.sides[B].held;
    let same = *held == world.sides[A].out[..held.len()];
    world.cut();
    world.connect();
    world.run(200);
    if same {
        world.check_complete();
    } else {
        // A bent entry whose checkpoint was not there yet.
        assert_eq!(world.view(B).state, LinkState::Frozen(FrozenReason::RootMismatch));
    }
    code
}

//= spec/link.md L-25
#[test]
fn frames_dropped_repeated_or_swapped_lose_and_double_nothing() {
    let mut codes = vec![];
    for at in 0..8 {
        codes.push(bend(at, &|frames, at| drop(frames.remove(at))));
        codes.push(bend(at, &|frames, at| frames.insert(at, frames[at].clone())));
        codes.push(bend(at, &|frames, at| {
            let other = (at + 1) % frames.len();
            frames.swap(at, other);
        }));
        codes.push(bend(at, &|frames, at| frames.truncate(at)));
    }
    for code in [CloseCode::Unexpected, CloseCode::EntryOrder, CloseCode::SizeMismatch, CloseCode::Repeated] {
        assert!(codes.contains(&Some(code)), "{code} in {codes:?}");
    }
}

//= spec/link.md L-33
//= spec/link.md L-7
#[test]
fn any_flipped_bit_is_refused_or_freezes_the_link() {
    let mut codes = std::collections::BTreeSet::new();
    for at in 0..8 {
        for bit in (0..1600 * 8).step_by(83) {
            let code = bend(at, &|frames, at| {
                let frame = &mut frames[at];
                let bit = bit % (frame.len() * 8);
                frame[bit / 8] ^= 1 << (bit % 8);
            });
            codes.insert(code);
        }
    }
    for code in [CloseCode::Malformed, CloseCode::BadCheckpoint, CloseCode::EntryOrder, CloseCode::Frozen] {
        assert!(codes.contains(&Some(code)), "{code} in {codes:?}");
    }
}

//= spec/link.md L-8
#[test]
fn what_exceeds_a_bound_is_refused_before_it_costs() {
    let too_large = |bytes: &[u8]| {
        let mut mallory = Mallory::started(3);
        mallory.connect();
        mallory.greet();
        mallory.send_bytes(bytes);
        closed(&mut mallory, CloseCode::TooLarge);
    };
    too_large(&vec![0; FRAME_BYTES_MAX + 1]);
    too_large(&Frame::PactText("x".repeat(PACT_TEXT_BYTES_MAX + 1)).encode());
    too_large(&Frame::Entries { first: 3, entries: vec![vec![1; 65_536]] }.encode());
    too_large(&Frame::Entries { first: 3, entries: vec![vec![1]; ENTRIES_MAX + 1] }.encode());
    too_large(&Frame::Refusals(vec![(0, 0); ENTRIES_MAX + 1]).encode());
    too_large(&Frame::Checkpoint { seq: 0, sent_utc_ms: 0, note: vec![1; 4097] }.encode());
    too_large(&Frame::Cosignature { size: 3, recv_utc_ms: 0, line: "x".repeat(513) }.encode());
    too_large(&Frame::Close { code: 0, text: "x".repeat(201) }.encode());
    // A claim of 2^32 entries in ten bytes.
    too_large(&[0x83, 0x02, 0x03, 0x9b, 0, 0, 0, 1, 0, 0, 0, 0]);
}

#[test]
fn a_close_of_the_peer_is_taken_with_its_reason() {
    let mut mallory = Mallory::started(3);
    for (code, expect) in [(17, CloseCode::Frozen), (200, CloseCode::Ended)] {
        mallory.connect();
        mallory.greet();
        mallory.send(&Frame::Close { code, text: "so be it".into() });
        let end = mallory.view().last_end.unwrap();
        assert_eq!((end.code, end.by_peer, mallory.view().state), (expect, true, LinkState::Down));
        assert!(mallory.view().closed.is_empty(), "ours alone are counted");
        assert_eq!(mallory.outputs_of_last, ["disconnect", "state-changed"]);
    }
    assert!(!matches!(mallory.victim.link.poll_output(), Some(Output::Send { .. })));
}
