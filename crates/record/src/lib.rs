//! The one encoding of everything that is exchanged: deterministic CBOR with integer keys (`spec/record.cddl`).
//!
//! In scope: the envelope, the kinds and their bodies, encoding, strict decoding, the content hash that is a record's
//! name. Out of scope: who may see a record (`release`), the log it stands in (`tlog`, `link`), what it causes (`node`).
//!
//! Invariants: one value has one encoding; bytes that are not that encoding are refused; a record is kept and hashed
//! as received; every count and length has a bound. Deliberately absent: target, weapon, effect, order of battle.
//! Standards: RFC 8949 §4.2 (deterministic encoding), RFC 8610 (CDDL).
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod batch;
mod body;
mod codec;
mod columns;
mod envelope;
mod party;

pub use batch::{BATCH_MAX, BatchError, ReleaseForm, TrackBatch};
pub use body::{
    Avoid, Body, ChannelState, ChannelStatement, ConflictReport, DeskStatus, KeysReplaced, Kind, Notice, NoticeClass,
    PactInForce, ReadBack, Receipt, TextLimits, Withdrawn,
};
pub use codec::{Decoded, RECORD_BYTES_MAX, RecordError, SCHEMA, check_receipt, decode, encode};
pub use envelope::{Caveat, Decision, Mode, Precedence, ReceiptLevel, ReceiptWanted, Record, Role};
pub use party::{Hash32, PartyId, PartyIdError, SubjectId};
