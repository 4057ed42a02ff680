//! Whether an officer is told what there is to tell: a peer that is not heard, a frozen link, an answer that is overdue.
use super::settled::is_full;
use crate::event::{Event, Excused, Step};
use crate::parties;
use crate::people::Owed;
use crate::trace::Trace;
use node::command::SentTo;
use node::view::{AlertKind, LinkStatus, View};
use std::collections::BTreeMap;

/// A peer whose newest checkpoint is older than this is lost (`node`, five heartbeats).
const LOST_MS: u64 = 5_000;
/// The fold looks once a second, and the longest tick is three.
const SLACK_MS: u64 = 8_000;

/// What is due at one node.
#[derive(Debug, Default)]
pub struct Alarms {
    /// When the last checkpoint of each peer arrived, as the network delivered it.
    pub heard: BTreeMap<usize, u64>,
    /// When a link was first seen frozen.
    frozen: BTreeMap<usize, u64>,
}

impl Alarms {
    /// Looks at a view; `up_for` is how long the node runs.
    pub fn check(&mut self, trace: &mut Trace, name: &str, view: &View, peers: &[usize], up_for: u64) {
        let open = |kind: AlertKind, peer: &str| {
            view.alerts.iter().any(|a| a.kind == kind && a.state != "cleared" && a.about.as_deref() == Some(peer))
        };
        for peer in peers {
            let party = parties::name(*peer);
            let Some(seen) = view.peers.iter().find(|p| p.party == party) else {
                trace.violation(name, format!("{party} is not among its peers"));
                continue;
            };
            if seen.link == LinkStatus::Frozen {
                let since = *self.frozen.entry(*peer).or_insert(trace.now);
                if open(AlertKind::Frozen, party.as_str()) {
                    trace.count(Event::Step(Step::AlertFrozen));
                } else if up_for.min(trace.now - since) > SLACK_MS {
                    trace.violation(name, format!("the link to {party} is frozen, and no alert says so"));
                }
                continue;
            }
            let silent_for = trace.now.saturating_sub(self.heard.get(peer).copied().unwrap_or(0)).min(up_for);
            if silent_for > LOST_MS + SLACK_MS {
                if open(AlertKind::PeerLost, party.as_str()) {
                    trace.count(Event::Step(Step::AlertLost));
                } else {
                    let text = format!("{party} was not heard for {} s, and no alert says so", silent_for / 1000);
                    trace.violation(name, text);
                }
            }
        }
    }

    /// Looks whether notices that were not acknowledged in time are shown as overdue. One is on the desk that sent it until it
    /// is answered, unless that is full, or the data was set back to before it was sent: then `is_said` of it is false.
    pub fn check_owed(
        trace: &mut Trace,
        name: &str,
        view: &View,
        owed: &mut Vec<Owed>,
        is_said: impl Fn(&SentTo) -> bool,
    ) {
        let now = trace.now;
        owed.retain(|one| {
            let Some(notice) = view.notices.iter().find(|n| n.outgoing && n.id == one.sent.id) else {
                if !is_said(&one.sent) {
                    trace.count(Event::Excused(Excused::OldData));
                } else if is_full(view, &one.sent.party) {
                    trace.count(Event::Excused(Excused::DeskFull));
                } else {
                    trace.violation(name, format!("notice {} is owed an answer, and is not on the desk", one.sent.id));
                }
                return false;
            };
            if notice.acknowledged.is_some() {
                return false;
            }
            if now < one.at + one.within_ms + SLACK_MS {
                return true;
            }
            if notice.overdue {
                trace.count(Event::Step(Step::AlertOverdue));
            } else {
                trace.violation(name, format!("notice {} is overdue, and is not shown so", one.sent.id));
            }
            false
        });
    }
}
