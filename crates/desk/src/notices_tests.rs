//! Tests of notices: two desks and the wire between them.
use super::*;
use crate::read_back::Field;
use crate::{AlertState, Desk, Output};
use alloc::vec;
use proptest::prelude::*;
use record::{Notice, NoticeClass, SubjectId};
use units::{Altitude, Position, Utc};

fn now(ms: u64) -> Now {
    Now { mono: Mono(ms), utc: Utc(1_000_000 + ms as i64), utc_error_ms: 1 }
}

fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

fn notice() -> Notice {
    Notice {
        class: NoticeClass::Hazard,
        text: String::from("Artillery"),
        place: Some(Position::from_degrees(47.5, 8.5).unwrap()),
        level: Some(Altitude::pressure_feet(5000)),
        start: Some(Utc(2_000_000)),
        end: None,
        volumes: vec![],
        action: None,
    }
}

fn right() -> ReadBack {
    ReadBack { place: notice().place, level: notice().level, time: notice().start }
}

fn record(i: u64) -> Hash32 {
    Hash32::of(&i.to_be_bytes())
}

fn outgoing(i: u64, precedence: Precedence, due_s: u32) -> Outgoing {
    Outgoing {
        peer: party("south"),
        record: record(i),
        subject: SubjectId([1; 16]),
        notice: notice(),
        precedence,
        wanted: Some(ReceiptLevel::Acknowledged),
        due_s,
    }
}

fn incoming(i: u64, precedence: Precedence, due_s: u32) -> Incoming {
    Incoming {
        peer: party("north"),
        record: record(i),
        index: 40 + i,
        subject: SubjectId([1; 16]),
        notice: notice(),
        precedence,
        wanted: Some(ReceiptLevel::Acknowledged),
        due_s,
        issued: Utc(1_000_000),
    }
}

/// The receipts that a desk wants to send.
fn receipts(desk: &mut Desk) -> Vec<Receipt> {
    let mut out = Vec::new();
    while let Some(output) = desk.poll_output() {
        if let Output::Notice(NoticeEvent::Send { receipt, .. }) = output {
            out.push(receipt);
        }
    }
    out
}

fn level_of(desk: &Desk, id: u64) -> Option<(AlertLevel, AlertState)> {
    desk.alerts.of(&Situation::Notice(id)).map(|a| (a.level, a.state))
}

#[test]
fn a_notice_that_was_denied_is_never_sealed_and_says_so() {
    let mut notices = Notices::default();
    let came = incoming(1, Precedence::Flash, 60);
    let (peer, record, index) = (came.peer.clone(), came.record, came.index);
    let id = notices.handle_arrived(came.clone(), now(0)).unwrap();
    notices.handle_denied(&peer, &record);
    notices.handle_sealed(&peer, index + 10);
    notices.handle_signed_for(Direction::In, &peer, index + 10, now(1).utc);
    let item = notices.get(id).unwrap();
    assert!(item.denied && !item.sealed && item.told_before.is_none());
    let text = &notices.conditions(now(2))[0].2.text;
    assert!(text.contains("did NOT sign"), "{text}");
    // Said again in another place it is what its sender signs for.
    notices.handle_arrived(Incoming { index: index + 20, ..came }, now(3)).unwrap();
    notices.handle_sealed(&peer, index + 20);
    assert!(!notices.get(id).unwrap().sealed);
    notices.handle_sealed(&peer, index + 21);
    assert!(notices.get(id).unwrap().sealed);
}

#[test]
fn a_notice_goes_across_and_comes_back_acknowledged() {
    let (mut north, mut south) = (Desk::default(), Desk::default());
    let (n, s) = (party("north"), party("south"));
    let id = north.notices.handle_sent(outgoing(1, Precedence::Immediate, 300), now(0)).unwrap();
    assert_eq!(north.notices.get(id).unwrap().level(), None);
    north.notices.handle_logged(&s, &record(1), 41);
    north.notices.handle_cosigned(&s, 41, now(100));
    assert_eq!(north.notices.get(id).unwrap().level(), None, "the size does not cover the entry");
    north.notices.handle_cosigned(&s, 42, now(200));
    assert_eq!(north.notices.get(id).unwrap().level(), Some(ReceiptLevel::Received));

    let there = south.notices.handle_arrived(incoming(1, Precedence::Immediate, 300), now(150)).unwrap();
    south.notices.handle_sealed(&n, 42);
    south.handle_time(now(160));
    assert_eq!(level_of(&south, there), Some((AlertLevel::Warning, AlertState::Raised)));
    south.notices.handle_shown(there, "ada", Role::Officer, now(500)).unwrap();
    south.notices.handle_shown(there, "ada", Role::Officer, now(600)).unwrap();
    let seen = receipts(&mut south);
    assert_eq!(seen.len(), 1);
    let wrong = ReadBack { level: Some(Altitude::pressure_feet(6000)), ..right() };
    let refused = south.notices.handle_acknowledge(there, "ada", Role::Officer, wrong, now(700));
    assert_eq!(refused, Err(DeskError::ReadBackDiffers { fields: vec![Field::Level] }));
    assert_eq!(receipts(&mut south), vec![], "nothing is sent of a wrong read-back");
    south.notices.handle_acknowledge(there, "ada", Role::Officer, right(), now(800)).unwrap();
    let acknowledged = receipts(&mut south);
    south.handle_time(now(900));
    assert_eq!(level_of(&south, there), None, "the alert ends with the answer");

    north.notices.handle_receipt(&s, &seen[0]).unwrap();
    assert_eq!(north.notices.get(id).unwrap().level(), Some(ReceiptLevel::Seen));
    north.notices.handle_receipt(&s, &acknowledged[0]).unwrap();
    north.notices.handle_receipt(&s, &seen[0]).unwrap();
    let item = north.notices.get(id).unwrap();
    assert!(item.is_acknowledged() && !item.is_open() && item.sealed);
    assert_eq!(item.acknowledged.as_ref().map(|a| (a.at, a.by.clone())), Some((now(800).utc, None)));
    north.handle_time(now(400_000));
    assert!(!north.notices.get(id).unwrap().overdue);
    let again = south.notices.handle_acknowledge(there, "ada", Role::Officer, right(), now(900));
    assert_eq!(again, Err(DeskError::AlreadyAcknowledged { what: "notice", id: there }));
}

#[test]
fn an_answer_that_does_not_come_warns_and_then_alarms_whatever_the_wall_clock_says() {
    let mut desk = Desk::default();
    let id = desk.notices.handle_sent(outgoing(1, Precedence::Flash, 60), now(0)).unwrap();
    // The wall clock jumps back an hour: the deadline runs on.
    let at = |ms: u64| Now { utc: Utc(ms as i64 - 3_600_000), ..now(ms) };
    for (ms, want) in [
        (1_000, None),
        (30_000, None),
        (30_001, Some(AlertLevel::Warning)),
        (59_999, Some(AlertLevel::Warning)),
        (60_000, Some(AlertLevel::Alarm)),
        (4_000_000, Some(AlertLevel::Alarm)),
    ] {
        desk.handle_time(at(ms));
        assert_eq!(level_of(&desk, id).map(|(l, _)| l), want, "{ms}");
    }
    assert!(desk.notices.get(id).unwrap().overdue);
    assert_eq!(
        desk.alerts.of(&Situation::Notice(id)).unwrap().facts.text,
        "FLASH hazard to south is not answered, overdue: Artillery"
    );
    let mut overdue = 0;
    while let Some(output) = desk.poll_output() {
        overdue += usize::from(output == Output::Notice(NoticeEvent::Overdue(id)));
    }
    assert_eq!(overdue, 1);
}

#[test]
fn a_notice_that_asks_for_no_answer_alerts_until_it_is_seen() {
    for wanted in [None, Some(ReceiptLevel::Received)] {
        let mut desk = Desk::default();
        let came = Incoming { wanted, ..incoming(1, Precedence::Flash, 60) };
        let id = desk.notices.handle_arrived(came, now(0)).unwrap();
        desk.handle_time(now(1));
        assert_eq!(level_of(&desk, id), Some((AlertLevel::Alarm, AlertState::Raised)), "{wanted:?}");
        let text = &desk.alerts.of(&Situation::Notice(id)).unwrap().facts.text;
        assert_eq!(text, "FLASH hazard from north has not been seen: Artillery");
        desk.notices.handle_shown(id, "ada", Role::Officer, now(2)).unwrap();
        desk.handle_time(now(3));
        assert_eq!(level_of(&desk, id), None);
    }
}

#[test]
fn receipts_that_prove_nothing_are_refused() {
    let mut notices = Notices::default();
    let (s, e) = (party("south"), party("east"));
    let id = notices.handle_sent(outgoing(1, Precedence::Immediate, 300), now(0)).unwrap();
    notices.handle_logged(&s, &record(1), 7);
    let good = Receipt {
        of: record(1),
        index: 7,
        level: ReceiptLevel::Acknowledged,
        at: Utc(0),
        role: Some(Role::Officer),
        read_back: Some(right()),
        decision: None,
        text: None,
    };
    let mut check = |peer: &PartyId, receipt: Receipt, want| {
        assert_eq!(notices.handle_receipt(peer, &receipt), Err(want));
        assert!(!notices.get(id).unwrap().is_acknowledged());
    };
    check(&e, good.clone(), DeskError::ReceiptOfNothing);
    check(&s, Receipt { of: record(2), ..good.clone() }, DeskError::ReceiptOfNothing);
    check(&s, Receipt { index: 8, ..good.clone() }, DeskError::ReceiptIndex { expected: 7, got: 8 });
    check(&s, Receipt { role: None, ..good.clone() }, DeskError::ReceiptEmpty);
    check(&s, Receipt { role: Some(Role::Observer), ..good.clone() }, DeskError::ReceiptEmpty);
    check(&s, Receipt { read_back: None, ..good.clone() }, DeskError::ReceiptEmpty);
    assert_eq!(notices.handle_receipt(&s, &good), Ok(()));
}

#[test]
fn a_wrong_read_back_from_a_peer_is_no_acknowledgement_and_alarms() {
    let mut desk = Desk::default();
    let s = party("south");
    let id = desk.notices.handle_sent(outgoing(1, Precedence::Routine, 14_400), now(0)).unwrap();
    let place = Some(Position::from_degrees(47.5, 8.6).unwrap());
    let receipt = |read_back| Receipt {
        of: record(1),
        index: 0,
        level: ReceiptLevel::Acknowledged,
        at: Utc(0),
        role: Some(Role::Officer),
        read_back: Some(read_back),
        decision: None,
        text: None,
    };
    desk.notices.handle_receipt(&s, &receipt(ReadBack { place, ..right() })).unwrap();
    desk.handle_time(now(10));
    assert_eq!(level_of(&desk, id).map(|(l, _)| l), Some(AlertLevel::Alarm));
    let item = desk.notices.get(id).unwrap();
    assert_eq!((item.level(), item.is_open()), (Some(ReceiptLevel::Seen), true));
    assert_eq!(item.acknowledged.as_ref().unwrap().differs, vec![Field::Place]);
    desk.notices.handle_receipt(&s, &receipt(right())).unwrap();
    desk.handle_time(now(20));
    assert_eq!((level_of(&desk, id), desk.notices.get(id).unwrap().is_open()), (None, false));
}

#[test]
fn a_wrong_read_back_of_a_notice_that_asked_for_less_or_for_no_receipt_is_an_alarm_until_a_right_one_comes() {
    for wanted in [None, Some(ReceiptLevel::Received), Some(ReceiptLevel::Seen)] {
        let mut desk = Desk::default();
        let s = party("south");
        let sent = Outgoing { wanted, ..outgoing(1, Precedence::Routine, 60) };
        let id = desk.notices.handle_sent(sent, now(0)).unwrap();
        let receipt = |read_back| Receipt {
            of: record(1),
            index: 0,
            level: ReceiptLevel::Acknowledged,
            at: Utc(0),
            role: Some(Role::Officer),
            read_back: Some(read_back),
            decision: None,
            text: None,
        };
        desk.notices.handle_receipt(&s, &receipt(ReadBack::default())).unwrap();
        // Long after the answer asked for, if any, was due.
        desk.handle_time(now(100_000));
        assert_eq!(level_of(&desk, id).map(|(level, _)| level), Some(AlertLevel::Alarm), "{wanted:?}");
        let alert = desk.alerts.of(&Situation::Notice(id)).unwrap();
        assert!(alert.facts.text.contains("the read-back differs"), "{}", alert.facts.text);
        desk.notices.handle_receipt(&s, &receipt(right())).unwrap();
        desk.handle_time(now(100_010));
        assert_eq!(level_of(&desk, id), None, "{wanted:?}");
    }
}

#[test]
fn a_wrong_read_back_sounds_again_although_the_overdue_alarm_was_taken_up() {
    let mut desk = Desk::default();
    let id = desk.notices.handle_sent(outgoing(1, Precedence::Flash, 60), now(0)).unwrap();
    desk.handle_time(now(60_000));
    let alert = desk.alerts.of(&Situation::Notice(id)).unwrap().id;
    desk.alerts.handle_acknowledge(alert, "ada", Role::Officer, now(60_001)).unwrap();
    desk.handle_time(now(70_000));
    assert_eq!(level_of(&desk, id), Some((AlertLevel::Alarm, AlertState::Acknowledged)));
    let receipt = Receipt {
        of: record(1),
        index: 0,
        level: ReceiptLevel::Acknowledged,
        at: Utc(0),
        role: Some(Role::Officer),
        read_back: Some(ReadBack::default()),
        decision: None,
        text: None,
    };
    desk.notices.handle_receipt(&party("south"), &receipt).unwrap();
    desk.handle_time(now(70_001));
    assert_eq!(level_of(&desk, id), Some((AlertLevel::Alarm, AlertState::Raised)));
}

#[test]
fn a_flood_of_routine_notices_does_not_shut_out_an_urgent_one() {
    let mut notices = Notices::default();
    let open = NOTICES_MAX - URGENT_RESERVE;
    for i in 0..open as u64 {
        notices.handle_arrived(incoming(i, Precedence::Routine, 60), now(i)).unwrap();
    }
    let flood = notices.handle_arrived(incoming(8_000, Precedence::Priority, 60), now(900));
    assert_eq!(flood, Err(DeskError::Full { max: open }));
    for i in 0..URGENT_RESERVE as u64 {
        notices.handle_arrived(incoming(9_000 + i, Precedence::Flash, 60), now(1000)).unwrap();
    }
    let room = notices.has_room(Direction::In, &party("north"), Precedence::Flash);
    assert_eq!((room, notices.refused()), (Err(DeskError::Full { max: NOTICES_MAX }), 1), "to ask changes nothing");
    let full = notices.handle_arrived(incoming(9_999, Precedence::Flash, 60), now(1001));
    assert_eq!((full, notices.refused()), (Err(DeskError::Full { max: NOTICES_MAX }), 2));
    let other = Incoming { peer: party("civil"), ..incoming(1, Precedence::Routine, 60) };
    assert!(notices.handle_arrived(other, now(1002)).is_ok(), "one peer's flood is not another's");
    notices.handle_acknowledge(1, "ada", Role::Officer, right(), now(1003)).unwrap();
    assert!(notices.handle_arrived(incoming(9_999, Precedence::Flash, 60), now(1004)).is_ok());
    assert!(notices.get(1).is_none(), "an answered one made room");
}

#[test]
fn an_observer_acknowledges_nothing_and_own_notices_are_not_acknowledged_here() {
    let mut notices = Notices::default();
    let id = notices.handle_arrived(incoming(1, Precedence::Flash, 60), now(0)).unwrap();
    assert_eq!(notices.handle_acknowledge(id, "eve", Role::Observer, right(), now(1)), Err(DeskError::Observer));
    let own = notices.handle_sent(outgoing(2, Precedence::Flash, 60), now(0)).unwrap();
    let got = notices.handle_acknowledge(own, "ada", Role::Officer, right(), now(1));
    assert_eq!(got, Err(DeskError::Unknown { what: "notice", id: own }));
}

#[test]
fn a_notice_sent_ahead_of_its_turn_is_not_shown_as_back_dated() {
    // A thousand entries stand before it: it is used at once, and the logs get to it three minutes later.
    let mut notices = Notices::default();
    let (out, came) = (party("south"), party("north"));
    notices.handle_signed_for(Direction::Out, &out, 10, now(1_000).utc);
    notices.handle_signed_for(Direction::In, &came, 10, now(1_000).utc);
    let own = notices.handle_sent(outgoing(1, Precedence::Flash, 60), now(2_000)).unwrap();
    notices.handle_logged(&out, &record(1), 1_000);
    let theirs = notices.handle_arrived(Incoming { index: 1_000, ..incoming(2, Precedence::Flash, 60) }, now(2_100));
    let theirs = theirs.unwrap();
    for (size, at) in [(1_000, 200_000), (1_001, 201_000)] {
        notices.handle_signed_for(Direction::Out, &out, size, now(at).utc);
        notices.handle_signed_for(Direction::In, &came, size, now(at).utc);
    }
    for id in [own, theirs] {
        let item = notices.get(id).unwrap();
        assert_eq!(item.told_after, Some(now(1_000).utc), "the last signature before it was made or came");
        let off = crate::claimed_off_ms(now(2_000).utc, item.told_after, item.told_before);
        assert_eq!(off, 0, "{item:?}");
    }
}

proptest! {
    #[test]
    fn levels_never_go_back_and_nothing_is_acknowledged_without_a_right_read_back(
        steps in prop::collection::vec((0..5u8, any::<bool>()), 0..30),
    ) {
        let mut notices = Notices::default();
        let s = party("south");
        let id = notices.handle_sent(outgoing(1, Precedence::Immediate, 300), now(0)).unwrap();
        notices.handle_logged(&s, &record(1), 7);
        let (mut level, mut read_right) = (None, false);
        for (i, (step, right_read)) in steps.into_iter().enumerate() {
            let read_back = if right_read { right() } else { ReadBack::default() };
            let receipt = |level| Receipt { of: record(1), index: 7, level, at: Utc(i as i64), role: Some(Role::Officer), read_back: Some(read_back), decision: (level == ReceiptLevel::Responded).then_some(record::Decision::Accept), text: (level > ReceiptLevel::Acknowledged).then(|| String::from("x")) };
            match step {
                0 => notices.handle_cosigned(&s, 8, now(i as u64)),
                1 => notices.handle_receipt(&s, &receipt(ReceiptLevel::Seen)).unwrap(),
                2 => notices.handle_receipt(&s, &receipt(ReceiptLevel::Received)).unwrap(),
                _ => {
                    notices.handle_receipt(&s, &receipt(ReceiptLevel::Acknowledged)).unwrap();
                    read_right |= right_read;
                }
            }
            let item = notices.get(id).unwrap();
            prop_assert!(item.level() >= level);
            level = item.level();
            prop_assert_eq!(item.is_acknowledged(), read_right);
            let snapshot = minicbor::to_vec(&notices).unwrap();
            prop_assert_eq!(&minicbor::decode::<Notices>(&snapshot).unwrap(), &notices);
        }
    }
}
