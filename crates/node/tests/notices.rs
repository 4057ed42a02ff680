//! Notices end to end: queued, received, seen, read back, acknowledged, overdue.
mod common;

use common::{START, World, actor, closed, notice, party};
use node::command::{Command, Done, Refused};
use node::input::Input;
use node::view::{AlertKind, NoticeView, View};
use record::{Decision, Hash32, ReadBack, ReceiptLevel, Role};
use units::{Altitude, Position, Utc};

fn pair() -> World {
    let mut world = World::pair(START, [closed(), closed()]);
    world.run(2_000, 100);
    world
}

/// Sends the notice from north to south and gives its record's name.
fn send(world: &mut World) -> Hash32 {
    match world.ask(0, Role::Officer, Command::SendNotice(notice("south", 1))) {
        Ok(Done::Sent(sent)) => {
            assert_eq!((sent.len(), &sent[0].party), (1, &party("south")));
            sent[0].id
        }
        other => panic!("{other:?}"),
    }
}

fn sent(world: &World, id: Hash32) -> NoticeView {
    find(&world.view(0), id, true)
}

fn held(world: &World, id: Hash32) -> NoticeView {
    find(&world.view(1), id, false)
}

fn find(view: &View, id: Hash32, outgoing: bool) -> NoticeView {
    let found = view.notices.iter().find(|n| n.id == id).expect("the notice").clone();
    assert_eq!(found.outgoing, outgoing);
    found
}

fn right() -> ReadBack {
    ReadBack {
        place: Position::from_degrees(47.0, 8.0).ok(),
        level: Some(Altitude::pressure_feet(10_000)),
        time: Some(START),
    }
}

fn read_back(world: &mut World, n: usize, id: Hash32, read_back: ReadBack) -> Result<Done, Refused> {
    world.ask(n, Role::Officer, Command::AcknowledgeNotice { id, read_back })
}

/// Levels of the open alerts about notices.
fn alerts(world: &World, n: usize) -> Vec<(u8, String)> {
    let open = |a: &&node::view::AlertView| a.kind == AlertKind::Notice && a.state != "cleared";
    world.view(n).alerts.iter().filter(open).map(|a| (a.level, a.text.clone())).collect()
}

#[test]
fn a_notice_is_received_by_cosignature_seen_by_display_and_acknowledged_by_read_back() {
    let mut world = pair();
    world.cut(0, 1);
    let id = send(&mut world);
    let queued = sent(&world, id);
    assert_eq!((queued.received, queued.seen, queued.sealed), (None, None, false), "queued, not received");
    assert_eq!(queued.due, Some(world.now().utc.plus_ms(60_000)), "FLASH: 60 s by the pact");
    world.run(3_000, 100);
    assert!(world.view(1).notices.is_empty());

    world.connect(0, 1);
    world.run(300, 100);
    let received = sent(&world, id);
    assert!(received.received.is_some() && received.sealed && received.seen.is_none());
    let cosigned = world.nodes[0].stores[&party("south")].cosignatures.len();
    assert!(cosigned > 0, "the receipt is a signature that the sender holds");
    assert_eq!(alerts(&world, 1).len(), 1, "somebody has to look at it");

    for role in [Role::Observer, Role::Administrator] {
        world.input(1, Input::Displayed { actor: actor(role), alerts: vec![], notices: vec![id] });
        world.run(300, 100);
        assert!(sent(&world, id).seen.is_none(), "a wall screen is no watch");
    }
    let display = Input::Displayed { actor: actor(Role::Officer), alerts: vec![], notices: vec![id] };
    world.input(1, display.clone());
    world.run(300, 100);
    assert!(sent(&world, id).seen.is_some() && sent(&world, id).acknowledged.is_none());
    let size = world.view(1).peers[0].out_size;
    world.input(1, display);
    assert_eq!(world.view(1).peers[0].out_size, size, "seen is said once");

    assert_eq!(read_back(&mut world, 1, id, right()), Ok(Done::Ok));
    world.run(300, 100);
    let done = sent(&world, id).acknowledged.expect("acknowledged");
    assert_eq!((done.role, done.by, done.read_back_ok), (Some(Role::Officer), None, true), "a role, not a name");
    assert_eq!(held(&world, id).acknowledged.unwrap().by.as_deref(), Some("officer"), "ours have names");
    world.run(61_000, 1_000);
    assert!(!sent(&world, id).overdue && alerts(&world, 0).is_empty() && alerts(&world, 1).is_empty());
}

#[test]
fn a_wrong_read_back_is_refused_by_field_and_acknowledges_nothing() {
    let mut world = pair();
    let id = send(&mut world);
    world.run(300, 100);
    let good = right();
    for (wrong, fields) in [
        (ReadBack::default(), "place, level, time"),
        (ReadBack { level: Some(Altitude::pressure_feet(11_000)), ..good }, "level"),
        (ReadBack { place: Position::from_degrees(47.1, 8.0).ok(), ..good }, "place"),
        (ReadBack { time: Some(Utc(START.0 + 120_000)), ..good }, "time"),
        (ReadBack { time: None, level: None, ..good }, "level, time"),
    ] {
        let error = read_back(&mut world, 1, id, wrong).unwrap_err();
        assert_eq!(error.to_string(), format!("the read-back differs from the notice in: {fields}"));
    }
    world.run(300, 100);
    assert!(sent(&world, id).acknowledged.is_none() && held(&world, id).acknowledged.is_none());
    assert_eq!(read_back(&mut world, 1, id, good), Ok(Done::Ok));
    let again = read_back(&mut world, 1, id, good).unwrap_err();
    assert_eq!(again.to_string(), "already acknowledged");
    let own = read_back(&mut world, 0, id, good).unwrap_err();
    assert_eq!(own.to_string(), format!("no such notice: {id}"), "the sender cannot acknowledge for the receiver");
}

#[test]
fn an_unanswered_notice_alarms_both_desks_when_it_is_due_and_no_longer_once_it_is_answered() {
    let mut world = pair();
    let id = send(&mut world);
    world.run(30_000, 500);
    assert!(alerts(&world, 0).is_empty() && !sent(&world, id).overdue);
    assert_eq!(alerts(&world, 1)[0].0, 3, "FLASH is an alarm at once");
    world.run(31_000, 500);
    assert!(sent(&world, id).overdue && held(&world, id).overdue);
    assert_eq!(alerts(&world, 0), [(3, "FLASH hazard to south is not answered, overdue: Balloon adrift".to_string())]);
    assert_eq!(
        alerts(&world, 1),
        [(3, "FLASH hazard from north waits for your answer, overdue: Balloon adrift".to_string())]
    );
    read_back(&mut world, 1, id, right()).unwrap();
    world.run(15_000, 500);
    assert!(alerts(&world, 0).is_empty() && alerts(&world, 1).is_empty());
    assert!(!sent(&world, id).overdue);
}

#[test]
fn an_alert_that_was_acknowledged_is_raised_again_when_the_answer_is_overdue() {
    let mut world = pair();
    send(&mut world);
    world.run(300, 100);
    let acknowledge = |world: &mut World, n: usize| {
        let open = world.view(n).alerts.into_iter().find(|a| a.kind == AlertKind::Notice && a.state != "cleared");
        let alert = open.expect("an open alert");
        world.ask(n, Role::Officer, Command::AcknowledgeAlert(alert.id, None)).expect("acknowledged");
        (alert.id, alert.raising)
    };
    let state = |world: &World, n: usize| {
        let of = |a: &&node::view::AlertView| a.kind == AlertKind::Notice;
        world.view(n).alerts.iter().find(of).map(|a| (a.level, a.state, a.raising))
    };
    let (alert, raising) = acknowledge(&mut world, 1);
    assert_eq!(raising, 1);
    world.run(40_000, 500);
    assert_eq!(state(&world, 1), Some((3, "acknowledged", 1)), "due soon is no worse than FLASH is already");
    world.run(21_000, 500);
    assert_eq!(state(&world, 1), Some((3, "raised", 2)), "overdue: it sounds again");
    assert_eq!(acknowledge(&mut world, 1), (alert, 2));
    world.run(20_000, 500);
    assert_eq!(state(&world, 1), Some((3, "acknowledged", 2)), "once");
}

#[test]
fn the_deadline_runs_while_the_link_is_down() {
    let mut world = pair();
    world.cut(0, 1);
    let id = send(&mut world);
    world.run(61_000, 500);
    assert!(sent(&world, id).overdue && sent(&world, id).received.is_none());
    assert_eq!(alerts(&world, 0).len(), 1);
    world.connect(0, 1);
    world.run(300, 100);
    assert!(sent(&world, id).received.is_some() && sent(&world, id).overdue, "received is not acknowledged");
}

fn reply(
    world: &mut World,
    id: Hash32,
    level: ReceiptLevel,
    decision: Option<Decision>,
    text: &str,
) -> Result<Done, Refused> {
    let reply = node::command::Reply { level, decision, text: text.into() };
    world.ask(1, Role::Officer, Command::ReplyNotice { id, reply })
}

#[test]
fn what_was_decided_passed_on_and_published_reaches_the_sender_signed_and_each_has_its_deadline() {
    for wanted in [ReceiptLevel::Responded, ReceiptLevel::Disseminated, ReceiptLevel::Published] {
        let mut world = pair();
        let mut send = notice("south", 1);
        send.receipt = Some(wanted);
        let Ok(Done::Sent(ids)) = world.ask(0, Role::Officer, Command::SendNotice(send)) else { panic!("sent") };
        let id = ids[0].id;
        let early = reply(&mut world, id, ReceiptLevel::Responded, Some(Decision::Accept), "yes");
        assert!(matches!(early, Err(Refused::Invalid { .. })), "nothing before the read-back: {early:?}");
        read_back(&mut world, 1, id, right()).unwrap();
        world.run(61_000, 1_000);
        assert!(sent(&world, id).overdue && held(&world, id).overdue, "an acknowledgement is not what was asked");
        for (level, decision, text) in [
            (ReceiptLevel::Responded, None, "no decision"),
            (ReceiptLevel::Published, Some(Decision::Accept), "a decision"),
            (ReceiptLevel::Seen, None, "not an answer"),
            (ReceiptLevel::Disseminated, None, " "),
        ] {
            assert!(reply(&mut world, id, level, decision, text).is_err(), "{text}");
        }
        reply(&mut world, id, ReceiptLevel::Responded, Some(Decision::Unable), "No crew").unwrap();
        assert!(reply(&mut world, id, ReceiptLevel::Responded, Some(Decision::Accept), "after all").is_err());
        reply(&mut world, id, ReceiptLevel::Disseminated, None, "Tower, 3 squadrons").unwrap();
        let before = alerts(&world, 0).len();
        reply(&mut world, id, ReceiptLevel::Published, None, "NOTAM A0123/26").unwrap();
        world.run(2_000, 100);
        assert!(alerts(&world, 0).is_empty() && before == usize::from(wanted == ReceiptLevel::Published));
        let answers = sent(&world, id).answers;
        assert_eq!(answers.len(), 3);
        let unable = &answers[&ReceiptLevel::Responded];
        assert_eq!((unable.decision, unable.text.as_str(), &unable.by), (Some(Decision::Unable), "No crew", &None));
        assert_eq!(held(&world, id).answers[&ReceiptLevel::Published].by.as_deref(), Some("officer"));
    }
}

#[test]
fn a_clock_ten_minutes_off_is_exposed_by_what_the_other_side_signed() {
    for shift in [-600_000i64, 0, 600_000] {
        let mut world = pair();
        let track = common::aircraft(1, 46.5, 7.0, 100.0, 90.0, START);
        world.set_rules(0, common::open(&["south"]));
        for _ in 0..3 {
            let now = common::flown(&track, world.now().utc);
            world.report(0, 0, &[now]);
            world.run(1_000, 100);
        }
        // North's clock alone is shifted as it sends.
        let mut now = world.now();
        now.utc = now.utc.plus_ms(shift);
        let command = Box::new(Command::SendNotice(notice("south", 1)));
        let input = Input::Command { actor: actor(Role::Officer), key: None, command };
        let Some(Ok(Done::Sent(ids))) = world.nodes[0].input(input, now) else { panic!("sent") };
        world.pump();
        world.run(3_000, 100);
        for view in [held(&world, ids[0].id), sent(&world, ids[0].id)] {
            let (after, before) = (view.told_after.unwrap(), view.told_before.unwrap());
            assert!(after < before && before.since_ms(after) < 5_000, "{after:?} {before:?}");
            let off = view.claimed_off_ms;
            assert!((off - shift).abs() < 5_000 && (shift != 0 || off == 0), "{off} for {shift}");
            let due = view.due.unwrap().since_ms(world.now().utc);
            // The countdown runs on monotonic time: nothing is overdue for a shifted clock.
            assert!(!view.overdue, "{due}");
        }
    }
}
