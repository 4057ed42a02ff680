//! A pact's text and its signed form.
use std::sync::OnceLock;

use pact::{Pact, SignedPact};

use crate::{Seeds, Target, Verdict, bent, refused, seed};

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "pact", about: "a pact's text (spec/pact.md)", bytes_max: 8192, run, seeds },
    Target {
        name: "signed-pact",
        about: "a pact file, with signatures or without",
        bytes_max: 8192,
        run: signed,
        seeds,
    },
];

const GOOD: &str = include_str!("../../crates/pact/testdata/three-parties.pact");

fn good() -> &'static Pact {
    static PACT: OnceLock<Pact> = OnceLock::new();
    PACT.get_or_init(|| Pact::parse(GOOD).unwrap_or_else(|e| panic!("{e}")))
}

fn run(bytes: &[u8]) -> Verdict {
    let text = std::str::from_utf8(bytes).map_err(refused)?;
    let pact = Pact::parse(text).map_err(refused)?;
    assert!(bytes.len() <= pact::PACT_BYTES_MAX);
    assert_eq!(pact.format(), text, "a pact has one text");
    let again = Pact::parse(&pact.format()).unwrap_or_else(|e| panic!("what was written is read: {e}"));
    assert_eq!((&again, again.hash()), (&pact, pact.hash()));
    assert!(pact.parties.len() <= pact::PARTIES_MAX);
    let differs = pact::differences(good(), &pact);
    assert_eq!(differs.is_empty(), pact == *good(), "two pacts differ in a clause, or not at all");
    Ok(())
}

fn signed(bytes: &[u8]) -> Verdict {
    let signed = SignedPact::parse(bytes).map_err(refused)?;
    assert_eq!(signed.to_bytes(), bytes, "a pact file is passed on as it came");
    assert_eq!(signed.signed_by().len() + signed.missing().len(), signed.pact().parties.len());
    Ok(())
}

fn seeds() -> Seeds {
    let line = GOOD.lines().nth(3).map_or(0, |line| GOOD.find(line).unwrap_or(0));
    vec![
        seed("ok-three-parties", GOOD),
        seed("no-cut", &GOOD[..GOOD.len() - 2]),
        seed("no-line-twice", [&GOOD[..line], &GOOD[line / 2..]].concat()),
        seed("no-bent", bent(GOOD.as_bytes(), 0)),
    ]
}
