//! In what two pacts differ.
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::clauses::clauses;
use crate::rules::Pact;

/// A clause that two pacts have differently, or that one of them lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The clause's number in ours, or in theirs if ours lacks it.
    pub clause: String,
    /// What it is about: `party north`, `minima civil military`.
    pub about: String,
    /// Our words.
    pub ours: Option<String>,
    /// Their words.
    pub theirs: Option<String>,
}

/// The clauses in which two pacts differ, ours first, in order; none if and only if their hashes are equal.
#[must_use]
pub fn differences(ours: &Pact, theirs: &Pact) -> Vec<Difference> {
    let (mine, other) = (clauses(ours), clauses(theirs));
    let text: BTreeMap<&str, &str> = other.iter().map(|c| (c.about.as_str(), c.text.as_str())).collect();
    let mut out = Vec::new();
    for c in &mine {
        let theirs = text.get(c.about.as_str()).copied();
        if theirs != Some(c.text.as_str()) {
            let (clause, about) = (c.number.clone(), c.about.clone());
            out.push(Difference { clause, about, ours: Some(c.text.clone()), theirs: theirs.map(ToString::to_string) });
        }
    }
    for c in other.into_iter().filter(|c| mine.iter().all(|m| m.about != c.about)) {
        out.push(Difference { clause: c.number, about: c.about, ours: None, theirs: Some(c.text) });
    }
    out
}
