//! The pact: the rules that parties signed, as a text that people can read and machines can compare.
//!
//! In scope: the text form and its one way of writing (`spec/pact.md`), signatures of the parties on it, the numbers in
//! it (minima, deadlines, intervals), in what two pacts differ, and statements that replace a party's keys
//! (`spec/keys.md`). Out of scope: whether a volume lies in the pact's
//! area (`detect`), release rules (each party's own business, `release`), the channel's state (`node`).
//!
//! Invariants: a text that is not written in the one canonical way is refused with its line and clause; the pact's
//! hash is the hash of that text; a pact is in force only while every party's signature on it verifies and the time
//! lies in its validity. Standards: C2SP signed-note.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod clauses;
mod diff;
mod error;
mod form;
mod keys;
mod oversight;
mod padding;
mod parse;
mod rules;
mod signed;

pub use diff::{Difference, differences};
pub use error::{PactError, Reason};
pub use form::time as time_text;
pub use keys::{KeyError, KeyReason, KeySet, KeyStatement, STATEMENT_BYTES_MAX, STATEMENTS_MAX, SignedKeys};
pub use oversight::{AUDITORS_MAX, Auditor, Oversight, Quorum, WITNESSES_MAX};
pub use padding::Padding;
pub use parse::visible;
pub use rules::{
    Minima, PACT_BYTES_MAX, PARTIES_MAX, Pact, PairMinima, Party, Rate, RateOf, authority_key_name, key_name,
};
pub use signed::{SignError, SignedPact};
