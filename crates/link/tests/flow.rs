//! Rates, grants and the reserved lane: what is over a rate waits where it is, and what is urgent does not wait.

mod common;
mod mallory;
use common::{A, B, Input, World, config, wide};
use link::{
    AHEAD_LATE_MS, AHEAD_MAX, AHEAD_REACH, CloseCode, Frame, Lane, Limits, Link, LinkState, Rate, Refusal,
    URGENT_BYTES_MAX, WINDOW,
};
use mallory::Mallory;
use record::{Hash32, Kind, Notice, NoticeClass, Precedence, Receipt, ReceiptLevel, Record, Role, SubjectId};
use release::{Envelope, Heading, Released, release_notice, release_receipt};
use units::{Now, Utc};

const CHANNEL: Lane = Lane::Kind(Kind::Channel);

fn envelope(i: usize) -> Envelope {
    let config = config(i);
    Envelope { issuer: config.me, audience: config.peer, mode: config.mode, pact: config.pact }
}

fn notice(i: usize, precedence: Precedence, text: &str, now: Now) -> Released<Record> {
    let notice = Notice {
        class: NoticeClass::Hazard,
        text: text.into(),
        place: None,
        level: None,
        start: None,
        end: None,
        volumes: vec![],
        action: None,
    };
    let heading = Heading { precedence, role: Some(Role::Officer), ..Heading::new(SubjectId([7; 16])) };
    release_notice(&envelope(i), &heading, notice, now).unwrap()
}

fn limited(per_minute: u32, burst: u32) -> Limits {
    wide().with(CHANNEL, Rate { per_minute, burst })
}

/// Two sides, of which B takes channel statements at this rate.
fn world(per_minute: u32, burst: u32) -> World {
    let mut world = World::new();
    let link = Link::new(config(B)).unwrap().with_limits(limited(per_minute, burst));
    world.sides[B].link = link;
    world.connect();
    world.run(200);
    world
}

fn say(world: &mut World, i: usize, record: Released<Record>) {
    world.sides[i].link.append(record).unwrap();
    world.sides[i].drain();
}

//= spec/link.md L-42
//= spec/link.md L-43
#[test]
fn what_is_over_the_rate_waits_and_comes_whole_at_the_rate() {
    let mut world = world(600, 100);
    for _ in 0..1_000 {
        world.append(A);
    }
    world.settle();
    assert_eq!(world.view(B).in_size, 100, "the burst at once");
    assert_eq!(world.view(A).waiting, 900);
    for seconds in 1..=30 {
        world.run(1_000);
        let held = world.view(B).in_size;
        assert!((100 + 10 * seconds - 2..=100 + 10 * seconds).contains(&held), "{held} after {seconds} s");
        assert_eq!((world.view(A).state, world.view(B).state), (LinkState::Up, LinkState::Up));
        assert_eq!(world.view(B).short, [CHANNEL]);
    }
    // A new session begins with what is left.
    world.cut();
    world.connect();
    world.settle();
    assert!(world.view(B).in_size <= 402);
    world.run(90_000);
    assert!(world.view(B).throttled[&CHANNEL] > 500 && world.view(B).short.is_empty());
    assert_eq!(world.view(A).waiting, 0);
    world.check_complete();
}

//= spec/link.md L-43
#[test]
fn the_lowest_rate_keeps_the_session_and_nothing_is_lost() {
    let mut world = world(0, 0);
    for _ in 0..80 {
        world.append(A);
    }
    world.run(170_000);
    assert_eq!(world.view(B).closed.len() + world.view(A).closed.len(), 0, "one in ten seconds is not silence");
    world.check_complete();
}

//= spec/link.md L-41
#[test]
fn entries_that_were_not_granted_end_the_session_and_none_of_the_frame_is_used() {
    let mut mallory = Mallory::started(3);
    mallory.victim.link = mallory.victim.link.clone().with_limits(limited(6, 64));
    mallory.connect();
    mallory.greet();
    let granted: Vec<u64> =
        mallory.said().iter().filter_map(|f| if let Frame::Grant(upto) = f { Some(*upto) } else { None }).collect();
    assert_eq!(granted, [3 + 64]);
    let entries: Vec<Vec<u8>> = (3..3 + 65).map(|n| mallory.entry(n)).collect();
    mallory.send(&Frame::Entries { first: 3, entries });
    let end = mallory.view().last_end.unwrap();
    assert_eq!((end.code, end.by_peer, mallory.view().in_size), (CloseCode::TooFast, false, 3));
    // Grants that do not grow, or are beyond what there is.
    for (upto, code) in [(3, CloseCode::Repeated), (0, CloseCode::Repeated), (4 + WINDOW, CloseCode::Unexpected)] {
        let mut mallory = Mallory::started(3);
        mallory.connect();
        mallory.greet();
        mallory.send(&Frame::Grant(upto));
        assert_eq!(mallory.view().last_end.unwrap().code, code, "{upto}");
    }
}

//= spec/link.md L-44
//= spec/link.md L-46
#[test]
fn an_urgent_notice_goes_ahead_of_what_waits_is_folded_once_and_stands_in_its_place() {
    let mut world = world(6, 64);
    for _ in 0..200 {
        world.append(A);
    }
    world.settle();
    let now = world.now(A);
    say(&mut world, A, notice(A, Precedence::Routine, "later", now));
    say(&mut world, A, notice(A, Precedence::Flash, "now", now));
    world.settle();
    let accepted =
        |world: &World, kind| world.sides[B].accepted.iter().filter(|(_, d)| d.record.body.kind() == kind).count();
    assert_eq!((accepted(&world, Kind::Notice), world.view(B).in_size), (1, 64));
    assert_eq!(world.sides[B].accepted.last().unwrap().0, 201);
    // Both sides die and come back before its turn: what is not held is sent ahead anew, and not folded anew.
    world.cut();
    world.sides[A].restart();
    world.sides[B].restart();
    world.connect();
    world.settle();
    assert_eq!(accepted(&world, Kind::Notice), 1);
    world.run(1_500_000);
    assert_eq!(world.view(B).in_size, 202);
    assert_eq!((accepted(&world, Kind::Notice), accepted(&world, Kind::Channel)), (2, 200), "each once");
    assert_eq!(world.sides[A].out, world.sides[B].held);
    world.check_evidence();
}

//= spec/link.md L-44
#[test]
fn a_person_s_answer_goes_ahead_and_what_a_machine_says_does_not() {
    let mut world = world(6, 64);
    for _ in 0..100 {
        world.append(A);
    }
    world.settle();
    let now = world.now(A);
    let receipt = |level| {
        let of = Hash32::of(&[level as u8]);
        Receipt {
            of,
            index: 0,
            level,
            at: now.utc,
            role: Some(Role::Officer),
            read_back: None,
            decision: None,
            text: None,
        }
    };
    let before = world.sides[B].accepted.len();
    say(&mut world, A, release_receipt(&envelope(A), receipt(ReceiptLevel::Seen), now).unwrap());
    world.settle();
    assert_eq!(world.sides[B].accepted.len(), before);
    say(&mut world, A, release_receipt(&envelope(A), receipt(ReceiptLevel::Acknowledged), now).unwrap());
    world.settle();
    assert_eq!(world.sides[B].accepted.len(), before + 1);
}

//= spec/link.md L-45
#[test]
fn what_may_not_go_ahead_closes_the_session() {
    let bad: [fn(&Mallory) -> Vec<u8>; 3] = [
        |m| m.entry(9),
        |m| notice(A, Precedence::Priority, "n", m.now()).into_bytes(),
        |m| notice(B, Precedence::Flash, "n", m.now()).into_bytes(),
    ];
    for entry in bad {
        let mut mallory = Mallory::started(3);
        mallory.connect();
        mallory.greet();
        let entry = entry(&mallory);
        mallory.send(&Frame::Ahead { index: 9, entry });
        assert_eq!(mallory.view().last_end.unwrap().code, CloseCode::Unexpected);
        assert_eq!(mallory.victim.accepted.len(), mallory.folded_before);
    }
    // Two things for one place, and an entry that is held already.
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    for (index, text) in [(2, "held"), (9, "one"), (9, "one"), (9, "two")] {
        assert_eq!(mallory.view().state, LinkState::Up);
        let entry = notice(A, Precedence::Flash, text, mallory.now()).into_bytes();
        mallory.send(&Frame::Ahead { index, entry });
    }
    assert_eq!(mallory.view().last_end.unwrap().code, CloseCode::Unexpected);
    assert_eq!(mallory.victim.accepted.len(), mallory.folded_before + 1);
}

//= spec/link.md L-46
#[test]
fn another_entry_than_the_one_sent_ahead_is_stored_and_refused_by_name() {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    let [said, logged] = ["go", "stay"].map(|text| notice(A, Precedence::Flash, text, mallory.now()).into_bytes());
    mallory.send(&Frame::Ahead { index: 3, entry: said });
    mallory.send(&Frame::Entries { first: 3, entries: vec![logged.clone()] });
    assert_eq!(mallory.victim.refused, [(3, Refusal::NotAsAhead)]);
    assert_eq!(mallory.victim.held.last(), Some(&logged), "the tree has it all the same");
    assert!(mallory.said().contains(&Frame::Refusals(vec![(3, Refusal::NotAsAhead.code())])));
    assert_eq!(mallory.view().state, LinkState::Up);
}

//= spec/link.md L-46
#[test]
fn what_was_said_ahead_and_is_not_in_the_log_is_kept_and_named_for_good() {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    let [said, logged] = ["go", "stay"].map(|text| notice(A, Precedence::Flash, text, mallory.now()).into_bytes());
    let record = record::decode(&said).unwrap().id;
    mallory.send(&Frame::Ahead { index: 3, entry: said.clone() });
    assert_eq!(mallory.view().denied, []);
    mallory.send(&Frame::Entries { first: 3, entries: vec![logged.clone()] });
    assert!(mallory.outputs_of_last.contains(&"denied"), "{:?}", mallory.outputs_of_last);
    mallory.log.push(logged);
    mallory.send(&mallory.checkpoint(0));
    assert_eq!(mallory.view().sealed, 4);
    mallory.restart();
    let denied = mallory.victim.link.denied();
    assert_eq!((denied.len(), denied[0].index, denied[0].said.as_slice()), (1, 3, said.as_slice()));
    assert_eq!(mallory.view().denied, [(3, record)]);
    // Of many the first are kept, in a bounded room.
    for _ in 0..100 {
        let index = mallory.log.len() as u64;
        mallory.now_ms += 1_000;
        let long = format!("{index} {}", "x".repeat(1900));
        let [said, logged] = [&long, "no"].map(|text| notice(A, Precedence::Flash, text, mallory.now()).into_bytes());
        mallory.send(&Frame::Ahead { index, entry: said });
        mallory.send(&Frame::Entries { first: index, entries: vec![logged.clone()] });
        mallory.log.push(logged);
    }
    let denied = mallory.victim.link.denied();
    assert_eq!((denied.len(), denied[0].index), (16, 3));
    assert!(denied.iter().map(|d| d.said.len()).sum::<usize>() <= 65_536);
}

//= spec/link.md L-45
//= spec/link.md L-54
#[test]
fn an_entry_sent_ahead_of_nothing_is_refused_or_told_after_a_minute() {
    let flash = |m: &Mallory| notice(A, Precedence::Flash, "now", m.now()).into_bytes();
    for (index, code) in [(3 + AHEAD_REACH, Some(CloseCode::Unexpected)), (1 << 62, Some(CloseCode::Unexpected))]
        .into_iter()
        .chain([(3 + AHEAD_REACH - 1, None)])
    {
        let mut mallory = Mallory::started(3);
        mallory.connect();
        mallory.greet();
        mallory.send(&Frame::Ahead { index, entry: flash(&mallory) });
        assert_eq!(mallory.view().last_end.map(|end| end.code), code, "{index}");
        assert_eq!(mallory.victim.accepted.len() - mallory.folded_before, usize::from(code.is_none()));
        mallory.now_ms += AHEAD_LATE_MS - 1;
        assert_eq!(mallory.view().ahead_late, 0);
        mallory.now_ms += 1;
        assert_eq!(mallory.view().ahead_late, u64::from(code.is_none()));
    }
    // With its turn the matter is done.
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    let entry = flash(&mallory);
    mallory.send(&Frame::Ahead { index: 3, entry: entry.clone() });
    mallory.send(&Frame::Entries { first: 3, entries: vec![entry] });
    mallory.now_ms += 2 * AHEAD_LATE_MS;
    assert_eq!((mallory.view().ahead_late, mallory.view().denied), (0, vec![]));
}

//= spec/link.md L-45
#[test]
fn a_peer_that_calls_everything_urgent_is_heard_as_often_as_agreed_and_costs_a_bounded_amount() {
    let mut mallory = Mallory::started(3);
    mallory.connect();
    mallory.greet();
    let before = mallory.victim.accepted.len();
    for n in 0..900 {
        let entry = notice(A, Precedence::Flash, &format!("{n} {}", "x".repeat(1900)), mallory.now()).into_bytes();
        mallory.send(&Frame::Ahead { index: 10 + n, entry });
    }
    assert_eq!(mallory.view().state, LinkState::Up);
    assert_eq!(mallory.victim.accepted.len() - before, AHEAD_MAX);
    assert_eq!(mallory.view().throttled[&Lane::Urgent], 900 - AHEAD_MAX as u64);
    let bytes = minicbor::to_vec(&mallory.victim.link).unwrap().len();
    assert!(bytes < 300_000, "{bytes} bytes");
}

//= spec/link.md L-44
#[test]
fn own_urgent_entries_that_nobody_receipts_are_kept_within_their_bound() {
    let mut world = World::started(1);
    world.cut();
    for n in 0..200 {
        let now = world.now(A);
        say(&mut world, A, notice(A, Precedence::Flash, &format!("{n} {}", "x".repeat(1900)), now));
    }
    let bytes = minicbor::to_vec(&world.sides[A].link).unwrap().len();
    assert!(bytes < URGENT_BYTES_MAX + 20_000, "{bytes} bytes");
    world.connect();
    world.run(1_000);
    world.sides[B].accepted.sort_by_key(|(index, _)| *index);
    world.check_complete();
}

/// What is granted after 60 batches of tracks, with room for 64: their newest report, their time of issue, and how many of
/// them the hello announced.
fn granted_after(seen_ms: i64, issued_ms: i64, announced: u64) -> Option<u64> {
    let mut mallory = Mallory::started(3);
    let limits = wide().with(Lane::Kind(Kind::Tracks), Rate { per_minute: 6, burst: 64 });
    mallory.victim.link = mallory.victim.link.clone().with_limits(limits);
    mallory.connect();
    let hello = mallory.hello();
    mallory.send(&Frame::Hello(link::Hello { out_size: hello.out_size + announced, ..hello }));
    let before = |ms: i64| Utc(mallory.now().utc.0 - ms);
    let issued = Now { utc: before(issued_ms), ..mallory.now() };
    let tracks: Vec<Vec<u8>> =
        (0..60).map(|_| common::tracks_of(&config(A), &[before(600_000), before(seen_ms)], issued)).collect();
    mallory.send(&Frame::Entries { first: 3, entries: tracks });
    assert_eq!(mallory.victim.refused, []);
    let now = mallory.now();
    mallory.victim.apply(Input::Tick(now));
    let frames = std::iter::from_fn(|| mallory.victim.write()).map(|frame| Frame::decode(&frame).unwrap());
    frames.filter_map(|frame| if let Frame::Grant(upto) = frame { Some(upto) } else { None }).last()
}

//= spec/link.md L-43
#[test]
fn old_tracks_of_an_outage_cost_a_hundredth_and_new_ones_the_whole() {
    assert_eq!(granted_after(120_001, 120_001, 60), Some(63 + 63), "0.6 of 64 are gone");
    assert_eq!(granted_after(0, 0, 60), None, "60 of 64 are gone, and the last 4 were granted before");
}

//= spec/link.md L-43
#[test]
fn tracks_are_as_old_as_their_newest_report_whatever_time_of_issue_the_peer_claims() {
    assert_eq!(granted_after(0, 3_600_000, 60), None, "said to be issued long ago, seen now: folded, so paid for");
    assert_eq!(granted_after(120_000, 3_600_000, 60), None, "the picture still takes these");
    assert_eq!(granted_after(120_001, 0, 60), Some(63 + 63), "issued now, seen long ago: nothing is computed");
}

//= spec/link.md L-43
#[test]
fn old_tracks_that_were_not_there_when_the_session_began_cost_the_whole() {
    assert_eq!(granted_after(600_000, 600_000, 0), None);
    let half = granted_after(600_000, 600_000, 30);
    assert_eq!(half, Some(63 + 33), "30 cost 0.3 and 30 cost 30");
}
