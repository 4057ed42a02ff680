//! Who may see what: the release policy, and the only maker of [`Released`].
//!
//! In scope: the rules per peer, the reduction of tracks, plans and sites to what a peer may see, the delay and the
//! cadence with which it leaves, the numbers a peer knows our tracks by, and the ledger of what was told under which
//! rule. Out of scope: sending (`link`), signing and logging (`tlog`), deciding what is worth saying (`node`, `desk`).
//!
//! Invariants: what is not released by a rule, or said to its addressee on purpose, cannot be sent, because `link`
//! accepts [`Released`] only and no other crate can make one; what a peer is sent is a function of what the rules
//! release to it, in bytes and in ticks; internal numbers never leave; what is snapped is snapped outward and labelled.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod addressed;
mod area;
pub mod bench;
mod extent;
mod grid;
mod keyed;
mod lanes;
mod marking;
mod mention;
mod names;
mod order;
mod policy;
mod ready;
mod released;
mod releaser;
mod strict;
mod told;
mod view;
mod when;
mod widening;

pub use addressed::{
    Heading, release_avoid, release_channel, release_desk, release_keys, release_notice, release_pact, release_receipt,
    release_withdrawal,
};
pub use area::Area;
pub use marking::{MARKING_BYTES_MAX, MARKINGS_MAX, Marking};
pub use mention::{MENTIONS_MAX, Mention, Mentions, PlanOf, Who};
pub use policy::{Identity, Level, Policy, PolicyError, RecordClass, Rule, limits};
pub use released::{Basis, Envelope, LedgerRow, LevelName, NoForm, ReleaseError, Released};
pub use releaser::{QUEUE_ROWS_MAX, Releaser};
pub use strict::Label;
pub use told::{Filer, SERVICE_CORNERS_MAX, TOLD_MAX};
pub use when::{Daily, When};
pub use widening::Widening;
