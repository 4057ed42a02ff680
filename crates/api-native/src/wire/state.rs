//! The `state` and `hello` messages.
use super::alert::{AlertWire, alert};
use super::inhibition::{ClearedWire, InhibitionWire, cleared, inhibition};
use super::link::{FeedWire, PeerWire, StaffingWire, feed, peer, staffing};
use super::notice::{NoticeWire, notice};
use super::pact::{Terms, terms};
use crate::backend::Health;
use node::view::View;
use record::Role;
use serde::Serialize;
use units::Utc;

/// Most entries of one list of a state message; what is left out is counted in `cut`. Lists are sorted by urgency, and
/// a console shows no more than this.
pub(crate) const LIST_MAX: usize = 500;

/// The `state` message.
#[derive(Debug, Serialize)]
pub(crate) struct StateWire<'a> {
    r#type: &'static str,
    utc_ms: i64,
    mode: String,
    frozen: Option<&'a str>,
    journal: Journal,
    staffing: Option<StaffingWire>,
    release: Release,
    peers: Vec<PeerWire>,
    feeds: Vec<FeedWire>,
    alerts: Vec<AlertWire>,
    notices: Vec<NoticeWire>,
    checked: Checked,
    correlation: Correlation,
    inhibitions: Vec<InhibitionWire>,
    /// All of them: one left out would read as none. The node holds 1,000 at most, of 130 bytes.
    cleared: Vec<ClearedWire>,
    cut: u64,
}

/// Tracks found to be of one aircraft so far.
#[derive(Debug, Serialize)]
struct Correlation {
    joined: u64,
    parted: u64,
    undone: u64,
}

#[derive(Debug, Serialize)]
struct Journal {
    state: &'static str,
    last_seq: u64,
    bytes: u64,
}

/// Which rules are in force, and whether others wait: so that whoever looks at them knows when to read them again.
#[derive(Debug, Serialize)]
struct Release {
    revision: u32,
    proposal: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Checked {
    tracks: u32,
    conflicts: u32,
    unjudged: u32,
    utc_ms: i64,
    /// Own tracks asked in both ways of looking for conflicts, and how often these differed.
    crosschecked: u64,
    mismatches: u64,
}

/// Makes the state message; `frozen` is why the picture is the last known one.
pub(crate) fn state<'a>(view: &View, health: &Health, frozen: Option<&'a str>) -> StateWire<'a> {
    let left_out = view.alerts.len().saturating_sub(LIST_MAX) + view.notices.len().saturating_sub(LIST_MAX);
    StateWire {
        r#type: "state",
        utc_ms: view.utc.0,
        mode: view.mode.label(),
        frozen,
        journal: Journal { state: health.journal.name(), last_seq: health.last_seq, bytes: health.bytes },
        staffing: view.staffing.as_ref().map(staffing),
        release: Release { revision: view.policy.revision, proposal: view.proposal.as_ref().map(|p| p.id) },
        peers: view.peers.iter().take(LIST_MAX).map(|p| peer(view, p)).collect(),
        feeds: view.feeds.iter().take(LIST_MAX).map(feed).collect(),
        alerts: view.alerts.iter().take(LIST_MAX).map(|a| alert(view, a)).collect(),
        notices: view.notices.iter().take(LIST_MAX).map(notice).collect(),
        checked: Checked {
            tracks: view.checked.tracks,
            conflicts: view.checked.conflicts,
            unjudged: view.checked.unjudged,
            utc_ms: view.checked.at.0,
            crosschecked: view.crosscheck.asked,
            mismatches: view.crosscheck.mismatches,
        },
        correlation: Correlation {
            joined: view.correlation.joined,
            parted: view.correlation.parted,
            undone: view.correlation.undone,
        },
        inhibitions: view.inhibitions.iter().map(inhibition).collect(),
        cleared: view.cleared.iter().map(cleared).collect(),
        cut: u64::from(view.cut) + left_out as u64,
    }
}

/// The `hello` message.
#[derive(Debug, Serialize)]
pub(crate) struct HelloWire {
    r#type: &'static str,
    party: String,
    officer: String,
    role: Option<&'static str>,
    mode: String,
    parties: Vec<String>,
    utc_ms: i64,
    pact: Terms,
}

pub(crate) fn hello(view: &View, officer: &str, role: Option<Role>, utc: Utc) -> HelloWire {
    HelloWire {
        r#type: "hello",
        party: view.party.to_string(),
        officer: officer.to_owned(),
        role: role.map(Role::name),
        mode: view.mode.label(),
        parties: view.parties.iter().map(ToString::to_string).collect(),
        utc_ms: utc.0,
        pact: terms(&view.pacts),
    }
}
