//! The desk: the life of alerts and notices, read-backs, deadlines. After IMO MSC.302(87) and FAA JO 7210.3.
//!
//! One alert per situation; acknowledging never removes an alert, only the condition's end does; deadlines run on
//! monotonic time; nothing counts as acknowledged without the peer's receipt; every list is bounded.
mod alerts;
mod notices;
mod read_back;

pub use alerts::{AckError, Alert, AlertBook, Change, Level};
pub use notices::{Acknowledged, Incoming, NoticeError, Notices, Outgoing};
