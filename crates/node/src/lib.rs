//! One party's node as a pure state machine: `State::apply(input, now) -> outputs`.
//!
//! In scope: composing tracks, detection, release, links, desk and pact; commands and their answers; the views others
//! read. Out of scope: sockets, files, clocks, keys, entropy (the binary), HTTP (`api-native`).
//!
//! Invariants: deterministic: the same inputs with the same `Now` give the same outputs, byte for byte; every input is
//! journaled before it is folded, and no output leaves before its input is durable; nothing withheld changes anything
//! a peer receives.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod audit;
mod claimed;
pub mod command;
mod commands;
mod detecting;
mod feeds;
mod filed;
mod flow;
pub mod input;
mod keys;
mod labels;
mod linking;
mod markings;
mod numbers;
mod own;
pub mod picture;
mod preview;
mod proposals;
mod remembered;
mod reported;
mod room;
mod said;
mod sharing;
mod situation;
mod sky;
mod staffing;
mod state;
mod told_conflicts;
mod unjudged;
pub mod view;
mod viewing;
mod volumes;
pub mod witnessing;

pub use detecting::CONFLICTS_MAX;
pub use markings::Marked;
pub use preview::{PREVIEW_FILED_MAX, Preview, PreviewFiled};
pub use proposals::{FILE, PEOPLE, PROPOSAL_MS, Proposal};
pub use said::Said;
pub use state::{AuditRow, State};
