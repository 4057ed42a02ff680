//! Reports of aircraft, who they say they are, and how well they are known.
//!
//! In scope: one report ([`TrackReport`]), identity claims, aircraft and source classes, whether two reports can be of one
//! aircraft. The table that makes one system track of the reports of one aircraft lives with the node, which knows the
//! parties. Out of scope: bytes of any feed (`feed`), conflicts (`detect`), what a peer may see (`release`).
//!
//! Invariants: pressure and geometric altitude are never mixed; every report keeps the time it applies to; an
//! identity is a claim by an emitter, kept with its source.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod correlate;
mod identity;
mod report;
mod steady;

pub use correlate::{COMPARED_MS, Closeness, GATE_M, GATE_S, GATE_VERTICAL, Names, closeness, names};
pub use identity::{Address, Callsign, IdentityError, ModeA};
pub use report::{ReportError, SourceClass, TrackReport};
pub use steady::{FLOWN, NOISE_MAX, SILENCE_S, STEADY_BAND, Steady};
pub use units::AircraftClass;
