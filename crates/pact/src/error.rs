//! Why a text is not a pact.
use alloc::string::String;

/// A refused pact: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, clause {clause}: {reason}")]
pub struct PactError {
    /// Line, from 1.
    pub line: usize,
    /// The clause that was expected there, or that the line belongs to.
    pub clause: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Over the bound.
    #[error("the pact has {bytes} bytes, at most {max}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// A line break is missing at the end, or something stands in the text that cannot be seen.
    #[error("the text has a control or invisible character, or does not end with a line break")]
    NotPlain,
    /// A value, set by a program, that the text cannot hold.
    #[error("a value cannot be written exactly: times are whole seconds, and an altitude has a reference")]
    Inexact,
    /// The first line is another.
    #[error("a pact begins with the line `skypact pact v1`, found `{found}`")]
    NotAPact {
        /// What was there, cut.
        found: String,
    },
    /// A schema of another time.
    #[error("unknown schema {found}, this version reads schema 1")]
    Schema {
        /// What was there, cut.
        found: String,
    },
    /// Another clause, or none, where this one must stand.
    #[error("missing; found `{found}`")]
    Missing {
        /// What was there, cut.
        found: String,
    },
    /// Something after the last clause.
    #[error("no clause is known here; found `{found}`")]
    Unknown {
        /// What was there, cut.
        found: String,
    },
    /// The words are not those of the clause.
    #[error("write it as `{form}`; found `{found}`")]
    Form {
        /// The clause's form.
        form: &'static str,
        /// What was there, cut.
        found: String,
    },
    /// A part of a clause is no such thing.
    #[error("`{found}` is not {what}")]
    Value {
        /// What it should be, with an example.
        what: &'static str,
        /// What was there, cut.
        found: String,
    },
    /// Right meaning, other writing: two parties would hold different bytes for one rule.
    #[error("there is one way to write this: `{expected}`")]
    NotCanonical {
        /// The one way.
        expected: String,
    },
    /// A number out of range.
    #[error("{what} {got} is not between {min} and {max}")]
    Range {
        /// What, with its unit.
        what: &'static str,
        /// Value given.
        got: i64,
        /// Least.
        min: i64,
        /// Most.
        max: i64,
    },
    /// Fewer or more parties than a pact can have.
    #[error("a pact has 2 to {max} parties, found {got}")]
    Parties {
        /// Parties listed.
        got: usize,
        /// The bound.
        max: usize,
    },
    /// Lines of one kind out of order or twice.
    #[error("{what} stand in order and once each; `{found}` does not")]
    Order {
        /// Of what.
        what: &'static str,
        /// The one that breaks it.
        found: String,
    },
    /// A key that is none, or none that may be used.
    #[error("{which}: {error}")]
    Key {
        /// Which key of the party.
        which: &'static str,
        /// Why.
        error: tlog::Error,
    },
    /// A key of another type than its place needs.
    #[error("{which} must be an Ed25519 key of type {type_byte:#04x}")]
    KeyType {
        /// Which key of the party.
        which: &'static str,
        /// The type it needs.
        type_byte: u8,
    },
    /// A key that another entry has already: who signed would not be told.
    #[error("{which} of {party} is also {other}")]
    SharedKey {
        /// Which key.
        which: &'static str,
        /// Whose.
        party: String,
        /// Who has it already, and as what.
        other: String,
    },
    /// A key of another name than its party's keys have: it would pass for somebody else's.
    #[error("{which} of {party} is named `{found}`; its name must be `{wanted}`")]
    KeyName {
        /// Which key.
        which: &'static str,
        /// Whose.
        party: String,
        /// Its name, cut.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// The area is none.
    #[error("{0}")]
    Area(airspace::VolumeError),
    /// Deadlines that are shorter for the less urgent.
    #[error("the deadline for {less} ({less_s} s) is shorter than for {more} ({more_s} s)")]
    Deadlines {
        /// The less urgent precedence.
        less: &'static str,
        /// Its deadline.
        less_s: u32,
        /// The more urgent precedence.
        more: &'static str,
        /// Its deadline.
        more_s: u32,
    },
}

/// The first characters of what was found, for an error: what a stranger wrote is not repeated at length.
pub(crate) fn cut(text: &str) -> String {
    const CHARACTERS: usize = 80;
    let mut out: String = text.chars().take(CHARACTERS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > CHARACTERS {
        out.push('…');
    }
    out
}
