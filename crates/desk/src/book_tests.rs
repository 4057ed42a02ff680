//! Tests of the alert book: the transition table as a golden file, and properties over random histories.
use super::*;
use alloc::format;
use alloc::string::String;
use proptest::prelude::*;
use units::Utc;

fn now(ms: u64) -> Now {
    Now { mono: Mono(ms), utc: Utc(1_000_000 + ms as i64), utc_error_ms: 1 }
}

fn pair() -> Situation {
    Situation::tracks(7, 3)
}

fn facts(violation: bool) -> Facts {
    Facts { violation, ..Facts::default() }
}

fn inhibited() -> Facts {
    Facts { inhibited: Some(1), ..Facts::default() }
}

fn reasoned() -> Facts {
    Facts { reason: Some("ada: agreed".into()), ..Facts::default() }
}

fn events(book: &mut AlertBook) -> String {
    let mut out = String::new();
    while let Some(e) = book.poll_output() {
        let name = format!("{:?}", e.change);
        let name = name.split('(').next().unwrap_or_default();
        out += &format!("{}{name}({})", if out.is_empty() { "" } else { " " }, e.level.name());
    }
    if out.is_empty() { String::from("-") } else { out }
}

fn state(book: &AlertBook) -> String {
    book.of(&pair()).map_or_else(|| String::from("none"), |a| format!("{} {}", a.state.name(), a.level.name()))
}

type Step = (&'static str, fn(&mut AlertBook, u64));

const T0: u64 = 100_000;

/// How each starting state is reached, and at what time.
const STATES: [Step; 8] = [
    ("none", |_, _| {}),
    ("raised warning", |b, t| {
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t));
    }),
    ("shown warning", |b, t| {
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t));
        b.handle_shown(1, 1, "ada", now(t)).unwrap();
    }),
    ("acknowledged warning", |b, t| {
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t));
        b.handle_acknowledge(1, "ada", Role::Officer, now(t)).unwrap();
    }),
    ("acknowledged alarm", |b, t| {
        b.raise(pair(), AlertLevel::Alarm, facts(false), now(t));
        b.handle_acknowledge(1, "ada", Role::Officer, now(t)).unwrap();
    }),
    ("escalated", |b, t| {
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t - ESCALATE_MS));
        b.handle_time(now(t));
    }),
    ("escalated, acknowledged", |b, t| {
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t - ESCALATE_MS));
        b.handle_time(now(t));
        b.handle_acknowledge(1, "ada", Role::Officer, now(t)).unwrap();
    }),
    ("absent once", |b, t| {
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t));
        b.absent(&pair(), now(t));
    }),
];

const EVENTS: [Step; 21] = [
    ("found as caution", |b, t| {
        b.raise(pair(), AlertLevel::Caution, facts(false), now(t + 1));
    }),
    ("found as caution for 10 s", |b, t| {
        b.raise(pair(), AlertLevel::Caution, facts(false), now(t + 1));
        b.raise(pair(), AlertLevel::Caution, facts(false), now(t + 1 + CLEAR_MS));
    }),
    ("found as warning", |b, t| {
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t + 1));
    }),
    ("found as alarm", |b, t| {
        b.raise(pair(), AlertLevel::Alarm, facts(false), now(t + 1));
    }),
    ("found, minima lost", |b, t| {
        b.raise(pair(), AlertLevel::Warning, facts(true), now(t + 1));
    }),
    ("found, answer overdue, twice", |b, t| {
        for ms in [1, 2] {
            b.raise(pair(), AlertLevel::Warning, Facts { overdue: true, ..Facts::default() }, now(t + ms));
        }
    }),
    ("found inhibited", |b, t| {
        b.raise(pair(), AlertLevel::Caution, inhibited(), now(t + 1));
    }),
    ("found inhibited for 10 s", |b, t| {
        b.raise(pair(), AlertLevel::Caution, inhibited(), now(t + 1));
        b.raise(pair(), AlertLevel::Caution, inhibited(), now(t + 1 + CLEAR_MS));
    }),
    ("found with a reason", |b, t| {
        b.raise(pair(), AlertLevel::Caution, reasoned(), now(t + 1));
    }),
    ("found with a reason for 10 s", |b, t| {
        b.raise(pair(), AlertLevel::Caution, reasoned(), now(t + 1));
        b.raise(pair(), AlertLevel::Caution, reasoned(), now(t + 1 + CLEAR_MS));
    }),
    ("found as caution for 10 s, then with a reason", |b, t| {
        b.raise(pair(), AlertLevel::Caution, facts(false), now(t + 1));
        b.raise(pair(), AlertLevel::Caution, facts(false), now(t + 1 + CLEAR_MS));
        b.raise(pair(), AlertLevel::Caution, reasoned(), now(t + 2 + CLEAR_MS));
    }),
    ("found inhibited, then not", |b, t| {
        b.raise(pair(), AlertLevel::Caution, inhibited(), now(t + 1));
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t + 1000));
    }),
    ("absent", |b, t| b.absent(&pair(), now(t + 1))),
    ("absent at 0 and 9.999 s", |b, t| {
        b.absent(&pair(), now(t + 1));
        b.absent(&pair(), now(t + CLEAR_MS));
    }),
    ("absent at 0 and 10 s", |b, t| {
        b.absent(&pair(), now(t + 1));
        b.absent(&pair(), now(t + 1 + CLEAR_MS));
    }),
    ("absent, found, absent 10 s later", |b, t| {
        b.absent(&pair(), now(t + 1));
        b.raise(pair(), AlertLevel::Warning, facts(false), now(t + 5000));
        b.absent(&pair(), now(t + 1 + CLEAR_MS));
    }),
    ("absent, then an hour of silence", |b, t| {
        b.absent(&pair(), now(t + 1));
        b.handle_time(now(t + 3_600_000));
    }),
    ("shown to bob twice", |b, t| {
        let _ = b.handle_shown(1, 1, "bob", now(t + 1));
        let _ = b.handle_shown(1, 1, "bob", now(t + 2));
    }),
    ("acknowledged by bob", |b, t| drop(b.handle_acknowledge(1, "bob", Role::Officer, now(t + 1)))),
    ("acknowledged by an observer", |b, t| drop(b.handle_acknowledge(1, "eve", Role::Observer, now(t + 1)))),
    ("59.999 s, then 60 s", |b, t| {
        b.handle_time(now(t + ESCALATE_MS - 1));
        b.handle_time(now(t + ESCALATE_MS));
    }),
];

/// Rewrites the table: `SKYPACT_GOLDEN=write cargo test -p desk`.
#[test]
fn the_transition_table_is_the_one_in_testdata() {
    extern crate std;
    let mut table = String::from("from | event | to | changes\n---|---|---|---\n");
    for (from, reach) in STATES {
        for (event, happens) in EVENTS {
            let mut book = AlertBook::default();
            reach(&mut book, T0);
            events(&mut book);
            happens(&mut book, T0);
            let changes = events(&mut book);
            table += &format!("{from} | {event} | {} | {changes}\n", state(&book));
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/alert-transitions.txt");
    if std::env::var("SKYPACT_GOLDEN").is_ok_and(|v| v == "write") {
        std::fs::write(path, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(path).unwrap());
}

#[test]
fn two_tracks_are_one_situation_whichever_comes_first() {
    let mut book = AlertBook::default();
    let a = book.raise(Situation::tracks(1, 2), AlertLevel::Alarm, facts(false), now(0));
    let b = book.raise(Situation::tracks(2, 1), AlertLevel::Alarm, facts(false), now(1));
    assert_eq!((a, b, book.live().count()), (Some(1), Some(1), 1));
}

#[test]
fn a_cleared_alert_is_kept_and_a_new_one_has_a_new_number() {
    let mut book = AlertBook::default();
    book.raise(pair(), AlertLevel::Alarm, facts(false), now(0));
    book.clear(&pair(), now(10));
    assert_eq!(book.handle_acknowledge(1, "ada", Role::Officer, now(11)), Err(DeskError::Cleared { id: 1 }));
    assert_eq!(book.handle_shown(1, 1, "ada", now(11)), Ok(()));
    assert_eq!(book.handle_shown(2, 1, "ada", now(11)), Err(DeskError::Unknown { what: "alert", id: 2 }));
    assert_eq!(book.raise(pair(), AlertLevel::Alarm, facts(false), now(20)), Some(2));
    assert_eq!(book.find(1).map(|a| (a.state, a.cleared)), Some((AlertState::Cleared, Some(now(10).utc))));
}

#[test]
fn a_full_book_keeps_the_graver_and_counts_what_it_cut() {
    let mut book = AlertBook::default();
    for i in 0..ALERTS_MAX as u64 {
        let level = if i % 2 == 0 { AlertLevel::Caution } else { AlertLevel::Warning };
        assert!(book.raise(Situation::Notice(i), level, facts(false), now(0)).is_some());
    }
    assert_eq!(book.raise(Situation::Notice(9_000), AlertLevel::Caution, facts(false), now(1)), None);
    assert!(book.raise(pair(), AlertLevel::Alarm, facts(false), now(1)).is_some());
    assert_eq!((book.live().count(), book.cut()), (ALERTS_MAX, 2));
    assert!(book.of(&Situation::Notice(ALERTS_MAX as u64 - 2)).is_none(), "the youngest caution made room");
    assert_eq!(book.sorted()[0].situation, pair());
    for i in 0..3000 {
        book.clear(&Situation::Notice(i), now(2));
    }
    assert_eq!(book.history().len(), HISTORY_MAX);
}

#[test]
fn only_the_situations_of_a_kind_that_were_looked_for_end() {
    let mut book = AlertBook::default();
    let other = Situation::tracks(8, 9);
    let own = Situation::Own(crate::OwnTrouble::Picture);
    for s in [pair(), other.clone(), own.clone()] {
        book.raise(s, AlertLevel::Alarm, facts(false), now(0));
    }
    let present = BTreeSet::from([other.clone()]);
    for t in [1, 10_001] {
        book.absent_except(AlertKind::Conflict, &present, now(t));
    }
    assert_eq!((book.of(&pair()), book.of(&other).is_some(), book.of(&own).is_some()), (None, true, true));
}

#[test]
fn what_an_officer_answered_waits_for_nobody_and_anew_when_that_ends() {
    for answered in [inhibited(), reasoned()] {
        for escalated_first in [false, true] {
            let mut book = AlertBook::default();
            book.raise(pair(), AlertLevel::Warning, facts(false), now(T0));
            let answer = if escalated_first { T0 + ESCALATE_MS } else { T0 + ESCALATE_MS - 1_000 };
            book.handle_time(now(answer));
            assert_eq!(book.of(&pair()).unwrap().is_escalated(), escalated_first);
            // Answered for five seconds, less than a lower level takes to be believed.
            for s in 0..5 {
                book.raise(pair(), AlertLevel::Caution, answered.clone(), now(answer + s * 1000));
                book.handle_time(now(answer + s * 1000));
                assert_eq!((state(&book), book.poll_timeout()), ("raised warning".into(), None));
            }
            // And no longer: a minute from then on.
            let over = answer + 5_000;
            book.raise(pair(), AlertLevel::Warning, facts(false), now(over));
            book.handle_time(now(over + ESCALATE_MS - 1));
            assert_eq!(state(&book), "raised warning");
            book.handle_time(now(over + ESCALATE_MS));
            assert_eq!(state(&book), "raised alarm");
            // Answered for longer it is a caution, and raised again when that ends, with a minute to be acknowledged.
            let answer = over + ESCALATE_MS + 1_000;
            for ms in [0, CLEAR_MS, 600_000] {
                book.raise(pair(), AlertLevel::Caution, answered.clone(), now(answer + ms));
                book.handle_time(now(answer + ms));
            }
            assert_eq!(state(&book), "raised caution");
            let over = answer + 601_000;
            book.raise(pair(), AlertLevel::Warning, facts(false), now(over));
            book.handle_time(now(over + ESCALATE_MS - 1));
            assert_eq!((state(&book), book.of(&pair()).unwrap().raising), ("raised warning".into(), 2));
            book.handle_time(now(over + ESCALATE_MS));
            assert_eq!(state(&book), "raised alarm");
        }
    }
}

/// What a slow and obvious book would say of one situation: found and absent at times, nothing else.
fn oracle(steps: &[(u64, bool)]) -> bool {
    let (mut live, mut absent) = (false, None);
    for (t, found) in steps {
        match (found, absent) {
            (true, _) => (live, absent) = (true, None),
            (false, None) => absent = live.then_some(*t),
            (false, Some(since)) if t - since >= CLEAR_MS => (live, absent) = (false, None),
            _ => {}
        }
    }
    live
}

proptest! {
    #[test]
    fn an_alert_lives_exactly_as_long_as_its_condition_and_ten_seconds(
        gaps in prop::collection::vec((0..6_000u64, any::<bool>()), 0..60),
    ) {
        let mut book = AlertBook::default();
        let (mut t, mut steps) = (0, Vec::new());
        for (gap, found) in gaps {
            t += gap;
            steps.push((t, found));
            if found {
                book.raise(pair(), AlertLevel::Warning, facts(false), now(t));
            } else {
                book.absent(&pair(), now(t));
            }
            book.handle_time(now(t));
            prop_assert_eq!(book.of(&pair()).is_some(), oracle(&steps));
            let snapshot = minicbor::to_vec(&book).unwrap();
            prop_assert_eq!(&minicbor::decode::<AlertBook>(&snapshot).unwrap(), &book);
        }
    }

    #[test]
    fn an_alarm_is_never_quiet_unless_somebody_acknowledged_it_or_it_ended(
        steps in prop::collection::vec((0..8_000u64, 0..8u8), 1..80),
    ) {
        let mut book = AlertBook::default();
        let mut t = T0;
        let mut answered = false;
        for (gap, step) in steps {
            t += gap;
            match step {
                0..=2 => {
                    let level = [AlertLevel::Caution, AlertLevel::Warning, AlertLevel::Alarm][usize::from(step)];
                    book.raise(pair(), level, facts(false), now(t));
                }
                3 => { book.raise(pair(), AlertLevel::Warning, facts(true), now(t)); }
                4 => book.absent(&pair(), now(t)),
                5 => {
                    let id = book.of(&pair()).map_or(0, |a| a.id);
                    let _ = book.handle_acknowledge(id, "ada", Role::Officer, now(t));
                }
                6 => { book.raise(pair(), AlertLevel::Caution, inhibited(), now(t)); }
                _ => {
                    book.handle_time(now(t));
                    prop_assert!(book.poll_timeout().is_none_or(|at| at.0 > t), "nothing due is left undone");
                }
            }
            while let Some(event) = book.poll_output() {
                match event.change {
                    AlertChange::Acknowledged(_) => answered = true,
                    AlertChange::Raised | AlertChange::Worsened => answered = false,
                    _ => {}
                }
            }
            if let Some(alert) = book.of(&pair()) {
                prop_assert_eq!(alert.state == AlertState::Acknowledged, answered);
                prop_assert!(alert.level >= alert.condition, "an alert is at least as grave as its condition");
                prop_assert!(!alert.facts.is_answered() || !alert.is_escalated(), "what was answered waits for nobody");
            }
        }
    }
}
