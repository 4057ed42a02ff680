//! The desk: alerts and notices, what became of them, and by when.
//!
//! In scope: the life of an alert ([`AlertBook`]), the life of a notice sent or received ([`Notices`]), read-backs,
//! deadlines. Out of scope: what is a conflict (`detect`), who may be told (`release`), how it looks (the console).
//!
//! Invariants: one alert per situation; acknowledging never removes an alert, only the condition's end does; deadlines
//! run on monotonic time; nothing counts as acknowledged without the peer's receipt; every list is bounded.
//! After IMO MSC.302(87) (alert states) and FAA JO 7210.3.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod alerts;
mod notices;
mod read_back;

pub use alerts::{
    AckError, Alert, AlertBook, AlertState, CLEAR_AFTER_MS, Change, ESCALATE_AFTER_MS, HISTORY_MAX, Level,
};
pub use notices::{Acknowledged, Incoming, NOTICES_MAX, NoticeError, Notices, Outgoing};
pub use read_back::{PLACE_TOLERANCE_M, TIME_TOLERANCE_MS, differences};
