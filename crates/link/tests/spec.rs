//! `spec/link.md` and the crate say the same. `LINK_GOLDEN=write` rewrites the generated parts of the paper.

use std::fs;
use std::path::{Path, PathBuf};

use link::{CloseCode, Frame, FrozenReason, Hello, Refusal};
use record::{Hash32, Mode, PartyId};

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

/// Every rule of the paper stands in the source where it is kept, and in a test; and no other is cited.
#[test]
fn every_rule_is_cited_in_the_source_and_in_a_test() {
    let text = fs::read_to_string(paper()).unwrap();
    let rules: Vec<&str> = text.split("**").filter(|part| is_rule(part)).collect();
    assert_eq!(rules.len(), 40);
    for (i, rule) in rules.iter().enumerate() {
        assert_eq!(*rule, format!("L-{}", i + 1), "rules are numbered in order");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (source, mut tests) = (read(&root.join("src")), read(&root.join("tests")));
    // Unit tests count as tests.
    tests
        .extend(source.iter().filter_map(|file| file.split_once("#[cfg(test)]\nmod tests").map(|(_, t)| t.to_owned())));
    let source: Vec<&str> = source
        .iter()
        .map(|file| file.split_once("#[cfg(test)]\nmod tests").map_or(file.as_str(), |(s, _)| s))
        .collect();
    let (source, tests) = (source.join("\n"), tests.join("\n"));
    let cites = |text: &str, rule: &str| {
        text.lines().any(|line| line.trim().strip_prefix("//= spec/link.md ").is_some_and(|cited| cited == rule))
    };
    let missing: Vec<String> = rules
        .iter()
        .flat_map(|rule| [("source", &source), ("tests", &tests)].map(|(place, text)| (rule, place, cites(text, rule))))
        .filter(|(_, _, cited)| !cited)
        .map(|(rule, place, _)| format!("{rule} in {place}"))
        .collect();
    assert!(missing.is_empty(), "not cited: {missing:?}");
    for line in [&source, &tests].into_iter().flat_map(|text| text.lines()) {
        if let Some(cited) = line.trim().strip_prefix("//= spec/link.md ") {
            assert!(rules.contains(&cited), "{cited} is no rule");
        }
    }
}

fn is_rule(part: &str) -> bool {
    part.strip_prefix("L-").is_some_and(|n| n.parse::<u32>().is_ok())
}

fn read(folder: &Path) -> Vec<String> {
    let mut files = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(read(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(fs::read_to_string(&path).unwrap());
        }
    }
    files
}
