//! Clauses by number, so that two parties can name where their pacts differ.
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// A clause that two pacts state differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Clause number.
    pub clause: String,
    /// Our text, if we have the clause.
    pub ours: Option<String>,
    /// Theirs.
    pub theirs: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "(absent)".to_string());
        write!(f, "clause {}: ours {:?}, theirs {:?}", self.clause, side(&self.ours), side(&self.theirs))
    }
}

/// The clauses of a body: number and text. Works on any text, so that a peer's malformed pact can be compared too.
#[must_use]
pub fn clauses(body: &str) -> Vec<(&str, &str)> {
    let body = body.split("\n\n").next().unwrap_or_default();
    body.lines().skip(1).map(|line| line.split_once(' ').unwrap_or((line, ""))).collect()
}

/// Where two bodies differ, by clause, in our order and then theirs.
#[must_use]
pub fn differences(ours: &str, theirs: &str) -> Vec<Difference> {
    let (a, b) = (clauses(ours), clauses(theirs));
    let find =
        |list: &[(&str, &str)], number: &str| list.iter().find(|(n, _)| *n == number).map(|(_, text)| text.to_string());
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for (number, _) in a.iter().chain(&b) {
        if seen.insert(*number) {
            let (ours, theirs) = (find(&a, number), find(&b, number));
            if ours != theirs {
                out.push(Difference { clause: number.to_string(), ours, theirs });
            }
        }
    }
    out
}
