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

mod alerting;
mod audit;
mod claimed;
pub mod command;
mod commands;
mod confirming;
mod correlating;
mod crosscheck;
mod deciding;
mod detecting;
mod discovering;
mod feeds;
mod filed;
mod flow;
mod inhibiting;
pub mod input;
mod intending;
mod keys;
mod labels;
mod linking;
mod markings;
mod naming;
mod numbers;
mod own;
mod pacts;
pub mod picture;
mod preview;
mod proposals;
mod reasoning;
mod remembered;
mod reported;
mod room;
mod said;
mod sharing;
mod situation;
mod sky;
mod snapshots;
mod staffing;
mod state;
mod told_conflicts;
mod unjudged;
mod untold;
pub mod view;
mod viewing;
mod volumes;
pub mod witnessing;

pub use audit::AuditRow;
pub use confirming::AlertRules;
pub use correlating::Counts as CorrelationCounts;
pub use crosscheck::Crosscheck;
pub use deciding::{Decision, Decisions};
pub use detecting::CONFLICTS_MAX;
pub use discovering::{Notification, NotifyCounts, Piece, ShownDetails, ShownKind, ShownThing, ShownVolume, pieces};
pub use inhibiting::{INHIBITED_MAX_MS, INHIBITIONS_MAX, Inhibited, Inhibition, REASON_MAX};
pub use intending::Cleared;
pub use markings::Marked;
pub use preview::{PREVIEW_FILED_MAX, Preview, PreviewFiled};
pub use proposals::{FILE, PEOPLE, PROPOSAL_MS, Proposal};
pub use said::Said;
pub use state::State;
pub use volumes::{Listed, NEAR_SITES_MAX, NearSite, PLANNED_MAX, Unflown, Unplanned};
