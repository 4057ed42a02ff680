//! Two honest links: whatever the connection does, nothing is lost and nothing doubled.

mod common;
use common::{A, B, Input, START, Side, World, config, keys, pact_text, record_of};
use link::{CloseCode, ENTRIES_BYTES_MAX, Error, FRAME_BYTES_MAX, Frame, Link, LinkState, Misuse, Output};
use record::{Mode, PartyId};
use units::{Mono, Now, Utc};

//= spec/link.md L-20
//= spec/link.md L-34
//= spec/link.md L-35
#[test]
fn entries_go_both_ways_and_are_sealed_and_receipted() {
    let world = World::started(5);
    world.check_complete();
    assert_eq!((world.sides[A].received.last(), world.sides[B].sealed.last()), (Some(&5), Some(&5)));
    let receipt = String::from_utf8(world.sides[A].receipts[&5].clone()).unwrap();
    //= spec/link.md L-1
    //= spec/link.md L-3
    let mut lines = receipt.lines();
    // SHA-256 of "pact one", by sha256sum.
    let pact = "f278fe83f846117ea6551b3b674f91596615bef900130ba2d4541960a4909fe4";
    assert_eq!(
        (lines.next(), lines.next()),
        (Some(format!("skypact.link/north/south/live/{pact}").as_str()), Some("5"))
    );
    assert_eq!((lines.nth(1), lines.count()), (Some(""), 2), "{receipt}");
}

/// One script, cut after `cut` frames, with `kill` of one side or not, then reconnected: all is there once.
fn cut_after(cut: usize, kill: Option<usize>) -> bool {
    let mut world = World::new();
    world.connect();
    let mut was_cut = false;
    for round in 0..8 {
        for i in [A, B] {
            world.append(i);
            if round % 2 == i {
                world.append(i);
            }
        }
        world.tick(60);
        loop {
            world.write(A);
            world.write(B);
            let moved = world.deliver(A) | world.deliver(B);
            if world.delivered >= cut && !was_cut {
                was_cut = true;
                if let Some(i) = kill {
                    world.sides[i].kill(i);
                }
                world.cut();
                world.append(A);
                world.append(B);
                world.tick(500);
                world.connect();
            }
            if !moved {
                break;
            }
        }
    }
    world.run(200);
    world.check_complete();
    was_cut
}

//= spec/link.md L-25
#[test]
fn a_link_cut_at_any_frame_loses_and_doubles_nothing() {
    let cuts = (0..200).take_while(|cut| cut_after(*cut, None)).count();
    assert!(cuts > 40, "{cuts} places to cut");
}

//= spec/link.md L-4
//= spec/link.md L-5
#[test]
fn a_node_killed_at_any_frame_comes_back_from_its_journal_and_goes_on() {
    for kill in [A, B] {
        assert!((0..200).take_while(|cut| cut_after(*cut, Some(kill))).count() > 40);
    }
}

#[test]
fn ten_minutes_of_backlog_arrive_whole_in_bounded_frames() {
    let mut world = World::started(1);
    world.cut();
    for _ in 0..6000 {
        world.append(A);
        world.tick(100);
    }
    let before = world.view(A);
    assert_eq!((before.signed, before.out_size), (1, 6001), "nothing is signed without a session");
    assert!(world.view(B).age_ms.unwrap() >= 600_000);
    world.sides[A].sent.clear();
    world.connect();
    world.run(200);
    world.check_complete();
    let frames: Vec<usize> = world.sides[A].sent.iter().map(|(_, frame)| frame.len()).collect();
    let largest = *frames.iter().max().unwrap();
    assert!(frames.len() < 30 && largest > ENTRIES_BYTES_MAX / 3 && largest < FRAME_BYTES_MAX, "{frames:?}");
    assert!(world.view(B).age_ms.unwrap() < 200);
}

/// Times at which side A orders checkpoints, over ticks every `tick` ms with entries at the given times.
fn checkpoint_times(tick: u64, entries: &[u64], until: u64) -> Vec<(u64, u64)> {
    let mut world = World::new();
    world.connect();
    world.settle();
    world.sides[A].sent.clear();
    let start = world.now_ms;
    for ms in 1..=until {
        world.now_ms = start + ms;
        if entries.contains(&ms) {
            world.append(A);
        }
        if ms % tick == 0 {
            world.tick(0);
        }
        world.settle();
    }
    let frames =
        world.sides[A].sent.iter().filter(|(_, frame)| matches!(Frame::decode(frame), Ok(Frame::Checkpoint { .. })));
    let size = |frame: &[u8]| match Frame::decode(frame) {
        Ok(Frame::Checkpoint { note, .. }) => String::from_utf8(note).unwrap().lines().nth(1).unwrap().parse().unwrap(),
        _ => unreachable!(),
    };
    frames.map(|(at, frame)| (at - start, size(frame))).collect()
}

//= spec/link.md L-22
#[test]
fn a_checkpoint_follows_a_new_entry_within_100_ms_and_the_last_one_within_1_s() {
    let entries: Vec<u64> = (1..40).map(|n| n * 37).chain([3000, 3001, 3100]).collect();
    for tick in [1, 10, 30, 49, 50, 51, 70, 99, 100] {
        let times = checkpoint_times(tick, &entries, 6000);
        for (n, at) in entries.iter().enumerate() {
            let sealed = times.iter().find(|(_, size)| *size > n as u64).unwrap().0;
            assert!(sealed - at <= 100, "ticks of {tick} ms: entry at {at} sealed at {sealed}");
        }
        let all: Vec<u64> = [0].into_iter().chain(times.iter().map(|(at, _)| *at)).chain([6000]).collect();
        for pair in all.windows(2) {
            assert!(pair[1] - pair[0] <= 1000, "ticks of {tick} ms: silent from {} to {}", pair[0], pair[1]);
        }
        assert!(times.len() < 6000 / 50 + 10, "ticks of {tick} ms: {} checkpoints", times.len());
    }
}

#[test]
fn the_timeout_is_the_next_time_a_tick_does_something() {
    let mut world = World::started(1);
    for _ in 0..50 {
        let due = world.sides[A].link.poll_timeout().unwrap();
        let Now { mono, .. } = world.now(A);
        assert!(due > mono, "what was due is done");
        let before = world.sides[A].link.clone();
        world.tick(due.0 - mono.0 - 1);
        assert_eq!(world.sides[A].link, before, "one ms early nothing happens");
        world.tick(1);
        assert_ne!(world.sides[A].link, before);
        world.settle();
    }
    world.cut();
    assert_eq!(world.sides[A].link.poll_timeout(), None);
}

//= spec/link.md L-39
#[test]
fn both_pictures_age_visibly_while_the_link_is_cut() {
    let mut world = World::started(2);
    assert!(world.view(A).age_ms.unwrap() <= 1000);
    world.cut();
    for hours in [1, 2, 48] {
        let before = world.view(B).age_ms.unwrap();
        world.tick(hours * 3_600_000);
        for i in [A, B] {
            let view = world.view(i);
            assert_eq!((view.state, view.age_ms.unwrap() - before), (LinkState::Down, hours * 3_600_000));
        }
    }
    world.append(A);
    world.connect();
    world.settle();
    world.check_complete();
    assert!(world.view(B).age_ms.unwrap() <= 100);
}

//= spec/link.md L-39
//= spec/link.md L-40
#[test]
fn a_clock_wrong_by_ten_minutes_is_shown_and_changes_nothing_else() {
    let age = |skew_ms| {
        let mut world = World::new();
        world.skew_ms = skew_ms;
        world.connect();
        world.settle();
        world.append(A);
        world.run(3000);
        world.check_complete();
        let (a, b) = (world.view(A), world.view(B));
        assert_eq!((a.clock_offset_ms, b.clock_offset_ms), (Some(skew_ms), Some(-skew_ms)));
        (a.age_ms, b.age_ms)
    };
    assert_eq!(age(0), age(600_000));
    assert_eq!(age(0), age(-600_000));
}

//= spec/link.md L-39
#[test]
fn information_that_waited_on_the_wire_is_as_old_as_it_is() {
    let mut world = World::started(1);
    world.append(A);
    world.tick(100);
    world.write(A);
    let late = std::mem::take(&mut world.wires[B]);
    // The rest of the way is quick; these frames take ten seconds.
    for _ in 0..10 {
        world.tick(1000);
        world.sides[B].sent.clear();
        world.write(B);
        world.wires[A].clear();
    }
    for frame in late {
        world.deliver_frame(B, &frame);
    }
    let age = world.view(B).age_ms.unwrap();
    assert!((9_900..=10_100).contains(&age), "{age}");
}

//= spec/link.md L-24
#[test]
fn what_is_sent_and_when_is_a_function_of_entries_frames_and_time() {
    let run = |disturb: bool| {
        let mut world = World::new();
        world.connect();
        for step in 0..60 {
            if step % 2 == 0 {
                world.append(A);
            }
            if disturb {
                // Stale inputs and snapshots are no entries, no frames and no time.
                let now = world.now(A);
                world.sides[A].restart();
                world.sides[A].apply(Input::Frame(77, vec![1, 2, 3], now));
                world.sides[A].apply(Input::Disconnected(77, now));
            }
            world.run(100);
        }
        std::mem::take(&mut world.sides[A].sent)
    };
    let calm = run(false);
    assert!(calm.len() > 60);
    assert!(calm == run(true), "bytes, order and times are the same");
}

//= spec/link.md L-2
#[test]
fn a_record_of_another_link_is_not_appended() {
    let now = Now { mono: Mono(0), utc: Utc(START), utc_error_ms: 0 };
    let mut link = Link::new(config(A)).unwrap();
    let mut check = |change: fn(&mut link::LinkConfig), what: &'static str| {
        let mut other = config(A);
        change(&mut other);
        assert_eq!(link.append(record_of(&other, 0, now)), Err(Error::Misuse(Misuse::Record(what))));
        assert_eq!(link.poll_output(), None);
    };
    check(|c| c.me = PartyId::parse("east").unwrap(), "issuer");
    check(|c| c.peer = PartyId::parse("east").unwrap(), "audience");
    check(|c| c.mode = Mode::Exercise("blue".into()), "mode");
    check(|c| c.pact.0[0] ^= 1, "pact");
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let check = |change: fn(&mut link::LinkConfig), expect: &str| {
        let mut bad = config(A);
        change(&mut bad);
        let error = Link::new(bad).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(|c| c.peer = c.me.clone(), "two parties");
    check(|c| c.peer_cosign_key = c.peer_log_key.clone(), "cannot stand in this place");
    check(|c| c.peer_log_key = c.my_log_key.clone(), "cannot stand in this place");
    check(|c| c.my_log_key = c.peer_cosign_key.clone(), "cannot stand in this place");
    check(|c| c.checkpoint_busy_ms = 10, "checkpoint intervals");
    check(|c| c.checkpoint_idle_ms = 1001, "checkpoint intervals");
    check(|c| c.checkpoint_idle_ms = 199, "checkpoint intervals");
}

//= spec/link.md L-6
#[test]
fn a_snapshot_holds_no_secret_and_stays_within_its_bound() {
    let mut world = World::started(1);
    for _ in 0..1500 {
        world.append(A);
        world.append(B);
        world.run(100);
    }
    world.check_complete();
    for (i, seeds) in [(A, [10u8, 20]), (B, [11, 21])] {
        let bytes = minicbor::to_vec(&world.sides[i].link).unwrap();
        assert!(bytes.len() < 200_000, "{} bytes", bytes.len());
        for seed in seeds {
            assert!(!bytes.windows(32).any(|w| w == [seed; 32]));
        }
    }
}

//= spec/link.md L-17
#[test]
fn a_newer_connection_replaces_the_one_before_and_old_inputs_are_ignored() {
    let mut world = World::started(2);
    let (old, now) = (world.session, world.now(A));
    let side = &mut world.sides[A];
    side.link.handle_connected(old + 5, now);
    let outputs: Vec<Output> = std::iter::from_fn(|| side.link.poll_output()).collect();
    assert!(outputs.contains(&Output::Disconnect { session: old, reason: CloseCode::Replaced }));
    assert_eq!(side.link.view(now).session, Some(old + 5));
    let before = side.link.clone();
    side.link.handle_frame(old, &[], now);
    side.link.handle_disconnected(old, CloseCode::Ended, now);
    side.link.handle_connected(old, now);
    side.link.handle_connected(old + 5, now);
    assert_eq!(side.link.view(now).stale_inputs, before.view(now).stale_inputs + 4);
    assert_eq!((side.link.view(now).session, side.link.poll_output()), (Some(old + 5), None));
}

//= spec/link.md L-18
#[test]
fn a_peer_that_says_nothing_is_dropped_after_fifteen_seconds() {
    let mut world = World::started(1);
    world.tick(14_000);
    assert_eq!(world.view(A).state, LinkState::Up);
    world.tick(1_000);
    let end = world.view(A).last_end.unwrap();
    assert_eq!((end.code, end.by_peer), (CloseCode::Silent, false));
    // The greeting has the same bound.
    let mut side = Side::new(config(A), keys(A), pact_text(A));
    let at = |ms| Now { mono: Mono(ms), utc: Utc(START), utc_error_ms: 0 };
    side.apply(Input::Connected(1, at(0)));
    side.apply(Input::Tick(at(14_999)));
    assert_eq!(side.link.view(at(15_000)).state, LinkState::Connecting);
    side.apply(Input::Tick(at(15_000)));
    assert_eq!(side.link.view(at(15_000)).last_end.unwrap().code, CloseCode::Silent);
}

//= spec/link.md L-34
#[test]
fn a_receipt_that_was_lost_with_the_connection_comes_with_the_next() {
    let mut world = World::started(1);
    world.append(A);
    world.tick(100);
    world.write(A);
    while world.deliver(B) {}
    assert_eq!((world.view(B).sealed, world.view(A).cosigned), (2, 1));
    world.cut();
    world.connect();
    world.settle();
    assert_eq!(world.view(A).cosigned, 2);
    world.check_complete();
}
