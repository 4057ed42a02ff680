//! Fuzz targets: one function for each parser of foreign bytes, and what must hold of it.
//!
//! In scope: every format a stranger or a peer can send, and every file that is read back. Each target asserts more than
//! "no panic": what is accepted is written back as it was where the encoding is canonical, output is bounded by input,
//! nothing verifies that was not signed, a state machine keeps its invariants. Out of scope: meaning (the simulator).
//!
//! A target is a function from bytes to taken or refused, so that the corpora under `corpus/<target>` are replayed by
//! `cargo test` on a stable compiler. Coverage-guided: `cargo xtask fuzz --minutes N [TARGET…]`.
#![forbid(unsafe_code)]

mod api;
mod f3548;
mod feeds;
mod journals;
mod links;
mod machine;
mod pacts;
mod records;
mod shapes;
mod streams;
mod tlogs;
mod tokens;

pub use api::BODIES as API_BODIES;
pub use f3548::BODIES as DSS_BODIES;

/// Taken, or refused with the reason.
pub type Verdict = Result<(), String>;

/// Named examples: `ok-…` must be taken, `no-…` refused.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// One target.
pub struct Target {
    /// Its name: lower case with hyphens, also the corpus's folder.
    pub name: &'static str,
    /// What it reads.
    pub about: &'static str,
    /// Longest input worth trying, bytes.
    pub bytes_max: usize,
    /// Runs it; panics if something is wrong.
    pub run: fn(&[u8]) -> Verdict,
    /// Examples from the code, so that a corpus never starts from nothing, nor from a format of yesterday.
    pub seeds: fn() -> Seeds,
}

/// All targets.
pub static TARGETS: &[&[Target]] = &[
    records::TARGETS,
    tlogs::TARGETS,
    links::TARGETS,
    streams::TARGETS,
    feeds::TARGETS,
    api::TARGETS,
    f3548::TARGETS,
    pacts::TARGETS,
    journals::TARGETS,
    shapes::TARGETS,
    tokens::TARGETS,
];

/// All targets in one row.
pub fn targets() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().copied().flatten()
}

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    targets().find(|target| target.name == name)
}

/// A refusal by any error.
fn refused<E: std::fmt::Display>(error: E) -> String {
    let text = error.to_string();
    assert!(!text.is_empty(), "a refusal gives its reason");
    assert!(text.len() < 4096, "a reason fits a log line or two: {} bytes", text.len());
    text
}

/// A named example.
fn seed(name: &str, bytes: impl AsRef<[u8]>) -> (String, Vec<u8>) {
    (name.to_string(), bytes.as_ref().to_vec())
}

/// `bytes` with one bit changed.
fn bent(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bent = bytes.to_vec();
    bent[at] ^= 1;
    bent
}
