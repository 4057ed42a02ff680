//! The duty officer's desk: alerts, and notices with their receipts and deadlines.
//!
//! In scope: the life of an alert (raised, shown, acknowledged, cleared) with its hysteresis and escalation; notices
//! in both directions with RECEIVED, SEEN and ACKNOWLEDGED; the comparison of a read-back; what is due and overdue.
//! Out of scope: finding conflicts (`detect`), sending receipts (`release`, `link`), accounts and screens (`api-native`).
//!
//! Invariants: one alert per situation; only the end of the condition, observed for ten seconds, ends an alert, and never
//! silence; a notice is acknowledged only by a read-back that a machine has compared; deadlines run on monotonic time;
//! every list has a bound, and what does not fit is counted. Standards: IMO MSC.302(87) (levels, states).
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod alert;
mod answering;
mod book;
mod error;
mod facts;
mod notice;
mod notices;
mod read_back;

pub use alert::{
    Acknowledgement, Alert, AlertChange, AlertEvent, AlertKind, AlertLevel, AlertState, OwnTrouble, PeerTrouble, Shown,
    Situation,
};
pub use answering::{Reply, Said, claimed_off_ms};
pub use book::{ALERTS_MAX, AlertBook, CLEAR_MS, ESCALATE_MS, HISTORY_MAX};
pub use error::DeskError;
pub use facts::{Basis, Facts};
pub use notice::{Answer, Direction, Incoming, NoticeEvent, NoticeItem, Outgoing};
pub use notices::{DUE_SOON_MS, NOTICES_MAX, Notices, URGENT_RESERVE};
pub use read_back::{Field, LEVEL_TOLERANCE, PLACE_TOLERANCE_MM, TIME_TOLERANCE_MS, compare};

use minicbor::{Decode, Encode};
use units::Now;

/// The desk: alerts and notices, and the wire between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Desk {
    /// Alerts.
    #[n(0)]
    pub alerts: AlertBook,
    /// Notices.
    #[n(1)]
    pub notices: Notices,
}

/// What happened at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// An alert changed.
    Alert(AlertEvent),
    /// A notice changed, or a receipt is to be sent.
    Notice(NoticeEvent),
}

impl Desk {
    /// Lets time pass: what falls due or overdue becomes an alert, and alerts that wait too long escalate.
    pub fn handle_time(&mut self, now: Now) {
        self.notices.handle_time(now);
        let conditions = self.notices.conditions(now);
        for (situation, level, facts) in &conditions {
            self.alerts.raise(situation.clone(), *level, facts.clone(), now);
        }
        let gone: alloc::vec::Vec<Situation> = self
            .alerts
            .live()
            .map(|a| &a.situation)
            .filter(|s| s.kind() == AlertKind::Notice && conditions.iter().all(|(c, ..)| c != *s))
            .cloned()
            .collect();
        for situation in gone {
            // A notice is answered or it is not: there is nothing to flicker.
            self.alerts.clear(&situation, now);
        }
        self.alerts.handle_time(now);
    }

    /// Takes the next output, alerts first.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.alerts.poll_output().map(Output::Alert).or_else(|| self.notices.poll_output().map(Output::Notice))
    }
}
