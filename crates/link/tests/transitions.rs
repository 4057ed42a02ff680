//! The transition table: in every state every input, the state after it and what comes of it.
//!
//! `testdata/transitions.txt` is the table; `LINK_GOLDEN=write` rewrites it.

mod common;
mod mallory;

use std::fmt::Write;
use std::path::Path;

use common::record_of;
use link::{CloseCode, Frame, Link, LinkState};
use mallory::Mallory;
use record::Hash32;
use units::Now;

const STATES: [&str; 5] = ["down", "greeting", "differing", "up", "frozen"];

fn in_state(name: &str) -> Mallory {
    let mut mallory = Mallory::started(3);
    if name != "down" {
        mallory.connect();
    }
    let mut hello = mallory.hello();
    match name {
        "differing" => {
            hello.pact = Hash32::of(b"pact");
            mallory.send(&Frame::Hello(hello));
        }
        "up" => mallory.greet(),
        "frozen" => {
            hello.in_size = 9;
            mallory.send(&Frame::Hello(hello));
        }
        _ => {}
    }
    mallory
}

fn state_of(link: &Link, now: Now, differing: bool) -> &'static str {
    match link.view(now).state {
        LinkState::Down => "down",
        LinkState::Connecting if differing => "differing",
        LinkState::Connecting => "greeting",
        LinkState::Up => "up",
        LinkState::Frozen(_) => "frozen",
    }
}

type Input = (&'static str, fn(&mut Mallory, &mut Link, Now));

fn inputs() -> Vec<Input> {
    fn frame(mallory: &Mallory, link: &mut Link, frame: &Frame, now: Now) {
        link.handle_frame(mallory.session, &frame.encode(), now);
    }
    vec![
        ("connected", |m, link, now| link.handle_connected(m.session + 1, now)),
        ("connected, stale", |m, link, now| link.handle_connected(m.session, now)),
        ("disconnected", |m, link, now| link.handle_disconnected(m.session, CloseCode::Ended, now)),
        ("disconnected, stale", |m, link, now| link.handle_disconnected(m.session - 1, CloseCode::Ended, now)),
        ("append", |_, link, now| drop(link.append(record_of(&link.config().clone(), 9, now)))),
        ("tick, nothing due", |_, link, now| link.handle_tick(now)),
        ("tick, heartbeat due", |_, link, now| {
            link.handle_tick(Now { mono: now.mono.plus_ms(900), ..now });
        }),
        ("tick, silent", |_, link, now| link.handle_tick(Now { mono: now.mono.plus_ms(15_000), ..now })),
        ("hello", |m, link, now| frame(m, link, &Frame::Hello(m.hello()), now)),
        ("hello, other pact", |m, link, now| {
            let mut hello = m.hello();
            hello.pact = Hash32::of(b"pact");
            frame(m, link, &Frame::Hello(hello), now);
        }),
        ("hello, holds more than there is", |m, link, now| {
            let mut hello = m.hello();
            hello.in_size = 9;
            frame(m, link, &Frame::Hello(hello), now);
        }),
        ("pact text", |m, link, now| frame(m, link, &Frame::PactText("pact".into()), now)),
        ("entries", |m, link, now| frame(m, link, &Frame::Entries { first: 3, entries: vec![m.entry(3)] }, now)),
        ("entries, one refused", |m, link, now| {
            frame(m, link, &Frame::Entries { first: 3, entries: vec![vec![1], m.entry(3)] }, now);
        }),
        ("entries, repeated", |m, link, now| {
            frame(m, link, &Frame::Entries { first: 2, entries: vec![m.log[2].clone()] }, now);
        }),
        ("checkpoint, unchanged", |m, link, now| frame(m, link, &m.checkpoint(0), now)),
        ("entry and checkpoint", |m, link, now| {
            m.append(1);
            frame(m, link, &Frame::Entries { first: 3, entries: m.log[3..].to_vec() }, now);
            frame(m, link, &m.checkpoint(0), now);
        }),
        ("checkpoint, other root", |m, link, now| {
            m.log[0] = m.entry(77);
            frame(m, link, &m.checkpoint(0), now);
        }),
        ("cosignature", |m, link, now| frame(m, link, &m.cosignature(3), now)),
        ("cosignature, of nothing signed", |m, link, now| frame(m, link, &m.cosignature(9), now)),
        ("refusals", |m, link, now| frame(m, link, &Frame::Refusals(vec![(0, 6)]), now)),
        ("close", |m, link, now| frame(m, link, &Frame::Close { code: 0, text: String::new() }, now)),
        ("garbage", |m, link, now| link.handle_frame(m.session, &[0xff], now)),
        ("witnessed, other root", |m, link, now| {
            m.log[0] = m.entry(77);
            let Frame::Checkpoint { note, .. } = m.checkpoint(0) else { unreachable!() };
            link.handle_witnessed(&note, now).unwrap();
        }),
    ]
}

fn table() -> String {
    let mut table = String::from("Format: state | input -> state after | outputs in order\n");
    for state in STATES {
        table.push('\n');
        for (name, act) in inputs() {
            let mut mallory = in_state(state);
            let mut link = mallory.victim.link.clone();
            let now = mallory.now();
            assert_eq!(state_of(&link, now, state == "differing"), state);
            act(&mut mallory, &mut link, now);
            let outputs: Vec<_> = std::iter::from_fn(|| link.poll_output()).collect();
            let differing = outputs.iter().any(|o| o.name() == "send-pact-text")
                || (state == "differing" && !outputs.iter().any(|o| o.name() == "send"));
            let after = state_of(&link, now, differing);
            let mut names: Vec<&str> = outputs.iter().map(|output| output.name()).collect();
            if names.is_empty() {
                names.push("nothing");
            }
            writeln!(table, "{state} | {name} -> {after} | {}", names.join(" ")).unwrap();
        }
    }
    table
}

#[test]
fn the_transition_table_is_the_one_that_was_agreed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/transitions.txt");
    let table = table();
    if std::env::var_os("LINK_GOLDEN").is_some_and(|v| v == "write") {
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    for (found, expect) in table.lines().zip(golden.lines()) {
        assert_eq!(found, expect);
    }
    assert_eq!(table.lines().count(), golden.lines().count());
}
