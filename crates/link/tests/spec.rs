//! `spec/link.md` and the crate say the same. `LINK_GOLDEN=write` rewrites the generated parts of the paper.
//!
//! That every rule is cited in source and tests is checked by `cargo xtask trace`.

use std::fs;
use std::path::{Path, PathBuf};

use link::{
    AHEAD_MAX, AHEAD_REACH, CHECKPOINT_NOTE_BYTES_MAX, CLOSE_TEXT_BYTES_MAX, CONTROL_BURST, CONTROL_PER_S,
    COSIGNATURE_LINE_BYTES_MAX, CloseCode, ENTRIES_BYTES_MAX, ENTRIES_MAX, ENTRY_BYTES_MAX, FRAME_BYTES_MAX, Frame,
    FrozenReason, Hello, Lane, PACT_TEXT_BYTES_MAX, RING_MAX, Refusal, SHARED_MAX, SILENCE_MS, WINDOW,
};
use record::{Hash32, Kind, Mode, PartyId};

mod common;
use common::keys;

fn paper() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/link.md")
}

/// The part of the paper between two marks equals `expect`.
fn check(name: &str, expect: &str) {
    let text = fs::read_to_string(paper()).unwrap();
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let from = text.find(&begin).unwrap() + begin.len();
    let to = from + text[from..].find(&end).unwrap();
    if std::env::var_os("LINK_GOLDEN").is_some_and(|v| v == "write") {
        fs::write(paper(), format!("{}{expect}{}", &text[..from], &text[to..])).unwrap();
        return;
    }
    assert_eq!(&text[from..to], expect, "{name} in spec/link.md; LINK_GOLDEN=write rewrites it");
}

/// One test, as both parts are in one file.
//= spec/link.md L-7
#[test]
fn tables_and_examples_in_the_paper_are_those_of_the_code() {
    let mut closes = String::from("| code | name | person | meaning, and what to do |\n|---|---|---|---|\n");
    for code in CloseCode::ALL {
        let person = if code.needs_person() { "yes" } else { "no" };
        closes += &format!("| {} | `{}` | {person} | {} |\n", code.code(), code.name(), code.advice());
    }
    check("closes", &closes);
    let mut refusals = String::from("| reason | name | meaning |\n|---|---|---|\n");
    for reason in Refusal::ALL {
        refusals += &format!("| {} | `{}` | {} |\n", reason.code(), reason.name(), reason.advice());
    }
    check("refusals", &refusals);
    let mut freezes = String::from("| name | meaning, and what to do |\n|---|---|\n");
    for reason in FrozenReason::ALL {
        freezes += &format!("| `{}` | {} |\n", reason.name(), reason.advice());
    }
    check("freezes", &freezes);
    check("examples", &examples());
}

fn examples() -> String {
    let party = |name| PartyId::parse(name).unwrap();
    let hello = Hello {
        party: party("north"),
        peer: party("south"),
        mode: Mode::Live,
        pact: Hash32([0xab; 32]),
        schema: 1,
        in_size: 0,
        your_checkpoint: None,
        out_size: 3,
    };
    let cosign = tlog::Checkpoint {
        origin: link::origin(&party("north"), &party("south"), &Mode::Live, &Hash32([0xab; 32])),
        size: 3,
        root: tlog::Hash([7; 32]),
    };
    let note = tlog::sign_checkpoint(&cosign, &keys(0).log).unwrap();
    let line = tlog::cosign(note.text(), 1_780_272_000, &keys(1).cosign).unwrap();
    let note_text = String::from_utf8(note.to_bytes()).unwrap();
    let frames = [
        ("hello of north to south, live, pact ab…ab, schema 1, holds nothing, has said 3", Frame::Hello(hello)),
        ("pact text `pact`", Frame::PactText("pact".into())),
        ("entries `01 02` and `03` from index 1 on", Frame::Entries { first: 1, entries: vec![vec![1, 2], vec![3]] }),
        (
            "checkpoint, seq 4, 2026-06-01T00:00:00Z, with a note of one byte for shortness",
            Frame::Checkpoint { seq: 4, sent_utc_ms: 1_780_272_000_000, note: vec![0x2e] },
        ),
        (
            "cosignature of size 3 at the same time, with a line of one character for shortness",
            Frame::Cosignature { size: 3, recv_utc_ms: 1_780_272_000_000, line: ".".into() },
        ),
        ("entry 2 refused as WRONG_MODE", Frame::Refusals(vec![(2, Refusal::WrongMode.code())])),
        ("witnessed, with a note of one byte for shortness", Frame::Witnessed(vec![0x2e])),
        ("close for an entry out of order", Frame::Close { code: CloseCode::EntryOrder.code(), text: "gap".into() }),
        ("one checkpoint shown to a third party, with a note of one byte", Frame::Checkpoints(vec![vec![0x2e]])),
        ("grant of all entries below 1024", Frame::Grant(1024)),
        ("entry `01 02` ahead of its turn at index 700", Frame::Ahead { index: 700, entry: vec![1, 2] }),
    ];
    let mut text = String::new();
    for (what, frame) in frames {
        let bytes = frame.encode();
        assert_eq!(Frame::decode(&bytes), Ok(frame), "{what}");
        let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let rows: Vec<String> = hex.chunks(32).map(|row| row.join(" ")).collect();
        text += &format!("{} bytes, {what}:\n\n```\n{}\n```\n\n", bytes.len(), rows.join("\n"));
    }
    text += &format!(
        "A note, signed by the seed of 32 bytes `0a` (key `{}`), and its cosignature line at 1780272000 by the seed of 32 \
         bytes `15` (key `{}`):\n\n```\n{note_text}```\n\n```\n{}\n```\n",
        keys(0).log.verifier(),
        keys(1).cosign.verifier(),
        line.to_text(),
    );
    text
}

/// Each row's value is the constant's, and each sum in its arithmetic comes out.
#[test]
fn the_limits_in_the_paper_are_the_constants_of_the_code() {
    let text = fs::read_to_string(paper()).unwrap();
    let (_, after) = text.split_once("<!-- begin limits -->\n").unwrap();
    let table = after.split_once("<!-- end limits -->").unwrap().0;
    let rows: Vec<Vec<&str>> =
        table.lines().skip(2).map(|row| row.trim_matches('|').split(" | ").map(str::trim).collect()).collect();
    let grouped = |n: usize| {
        let digits = n.to_string();
        let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|g| std::str::from_utf8(g).unwrap()).collect();
        groups.join(",")
    };
    // The limits' own unit first; what the arithmetic comes to behind it.
    let entries_frame = ENTRIES_BYTES_MAX + ENTRIES_MAX * 3 + 14;
    let note = 193 + 1 + 19 + 1 + 44 + 1 + 1 + 3 + 1 + 255 + 1 + 92 + 1;
    let line = 3 + 1 + 255 + 1 + (4 + 8 + 64_usize).div_ceil(3) * 4;
    assert!(entries_frame <= FRAME_BYTES_MAX && line <= COSIGNATURE_LINE_BYTES_MAX);
    assert!(note + 8 * line <= CHECKPOINT_NOTE_BYTES_MAX, "a note with eight witnesses fits");
    assert_eq!(ENTRY_BYTES_MAX, usize::from(u16::MAX));
    // What each side signed, and the roots of the peer's log at its last sizes.
    let ring = 3 * RING_MAX * (9 + 34) / 1000;
    let shared = SHARED_MAX * CHECKPOINT_NOTE_BYTES_MAX;
    assert!(shared + 4096 <= FRAME_BYTES_MAX);
    let words = |lane: Lane| {
        let rate = lane.default_rate();
        format!("{} a minute, burst {}", grouped(rate.per_minute as usize), grouped(rate.burst as usize))
    };
    let rate = |kind| words(Lane::Kind(kind));
    let each = |kinds: &[Kind]| {
        assert!(kinds.iter().all(|kind| rate(*kind) == rate(kinds[0])));
        rate(kinds[0]).replace(" a minute,", " a minute each,")
    };
    let expect = [
        ("frame", format!("{} bytes", grouped(FRAME_BYTES_MAX)), grouped(entries_frame)),
        ("entry", format!("{} bytes", grouped(ENTRY_BYTES_MAX)), "16 bits".into()),
        (
            "entries of a frame",
            format!("{} sent or received; {} bytes sent", grouped(ENTRIES_MAX), grouped(ENTRIES_BYTES_MAX)),
            format!("{} bundles", ENTRIES_MAX / 256),
        ),
        ("pact text", format!("{} bytes", grouped(PACT_TEXT_BYTES_MAX)), String::new()),
        ("note", format!("{} bytes", grouped(CHECKPOINT_NOTE_BYTES_MAX)), format!(": {note};")),
        ("signature line", format!("{} bytes", grouped(COSIGNATURE_LINE_BYTES_MAX)), format!("= {line}")),
        ("text of a close", format!("{CLOSE_TEXT_BYTES_MAX} bytes"), String::new()),
        ("refusals of a frame", grouped(ENTRIES_MAX), String::new()),
        ("entries granted beyond those held", grouped(WINDOW as usize), "64 MiB".into()),
        ("tracks", rate(Kind::Tracks), grouped(48 * 3600 / 100)),
        ("plans, sites", each(&[Kind::Plan, Kind::Site]), String::new()),
        ("withdrawals", rate(Kind::Withdrawn), String::new()),
        (
            "notices, avoid areas, statements of channel and desk, refused entries",
            each(&[Kind::Notice, Kind::Avoid, Kind::Channel, Kind::Desk]),
            String::new(),
        ),
        ("other kinds", rate(Kind::Receipt), String::new()),
        ("urgent, sent ahead", format!("{}; {AHEAD_MAX} held", words(Lane::Urgent)), grouped(AHEAD_REACH as usize)),
        ("least rate, least burst", "6 a minute, 64".into(), String::new()),
        (
            "frames other than entries",
            format!("{CONTROL_PER_S} a second, burst {}", grouped(CONTROL_BURST as usize)),
            "30 s is 900".into(),
        ),
        ("sizes remembered, each way", grouped(RING_MAX), format!("{} s", RING_MAX / 10)),
        (
            "notes of a frame of checkpoints",
            SHARED_MAX.to_string(),
            format!("{SHARED_MAX} × {} = {} bytes", grouped(CHECKPOINT_NOTE_BYTES_MAX), grouped(shared)),
        ),
        ("state of one link", "500 kB".into(), format!("= {ring} kB")),
        ("silence", format!("{} s", SILENCE_MS / 1000), format!("{} heartbeats", SILENCE_MS / 1000)),
    ];
    assert_eq!(rows.len(), expect.len(), "a limit was added: say here what it is held to");
    for (row, (name, value, arithmetic)) in rows.iter().zip(expect) {
        assert_eq!((row[0], row[1]), (name, value.as_str()));
        assert!(row[2].contains(&arithmetic), "{name}: {arithmetic:?} is not in {:?}", row[2]);
    }
    // 30 frames a second of an honest peer, stalled for 30 s, stay within the burst.
    const { assert!(30 * 30 <= CONTROL_BURST && 30 < CONTROL_PER_S) };
}

/// Every type of frame has its bytes in the paper.
#[test]
fn every_frame_of_the_schema_has_an_example() {
    let text = fs::read_to_string(paper()).unwrap();
    let (_, after) = text.split_once("\nframe       = ").unwrap();
    let names: Vec<&str> = after.lines().next().unwrap().split(" / ").collect();
    for (number, name) in names.iter().enumerate() {
        let defined = after.lines().any(|line| {
            line.split_once(" = ").is_some_and(|(left, right)| {
                left.trim() == *name && right.trim_start().starts_with(&format!("[{number},"))
            })
        });
        assert!(defined, "{name} is frame {number}");
        let example = text.lines().any(|line| {
            let mut bytes = line.split(' ').map(|byte| u8::from_str_radix(byte, 16).ok());
            // The head of an array, then the type.
            bytes.next().flatten().is_some_and(|head| head & 0xe0 == 0x80)
                && bytes.next().flatten() == Some(number as u8)
        });
        assert!(example, "frame {name} has no example");
    }
}
