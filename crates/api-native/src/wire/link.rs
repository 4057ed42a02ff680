//! Peers and feeds.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use node::input::FeedState;
use node::view::{FeedView, LinkStatus, PeerView, View};
use serde::Serialize;
use std::collections::BTreeMap;

/// One peer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PeerWire {
    party: String,
    desk: String,
    link: &'static str,
    reason: Option<String>,
    age_ms: Option<u64>,
    r#in: In,
    out: Out,
    channel: Channel,
    clock_offset_ms: Option<i64>,
    refused: BTreeMap<String, u64>,
    throttled: BTreeMap<String, u64>,
    waiting: u64,
    forks: Vec<ForkWire>,
    denied: Vec<DeniedWire>,
    staffing: Option<StaffingWire>,
    release_rev: u32,
    keys: Option<Keys>,
}

/// The statement of keys in force, if they are not the pact's.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Keys {
    serial: u32,
    reason: &'static str,
    issued_utc_ms: i64,
}

/// Whether somebody is at a desk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StaffingWire {
    manned: bool,
    next_utc_ms: Option<i64>,
    note: String,
}

/// What a peer sent ahead and did not sign for.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct DeniedWire {
    index: u64,
    id: String,
}

/// The same with its bytes: a record as it came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct DeniedBytesWire {
    index: u64,
    id: String,
    bytes_base64: Option<String>,
    signed_by: Option<String>,
}

pub(crate) fn denied(of: &crate::backend::Denied) -> DeniedBytesWire {
    // More was denied than is kept: then its name alone is there.
    let bytes_base64 = (!of.said.is_empty()).then(|| STANDARD.encode(&of.said));
    DeniedBytesWire { index: of.index, id: of.record.to_string(), bytes_base64, signed_by: None }
}

/// Two notes of one log and size.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ForkWire {
    to: String,
    size: u64,
    notes: [String; 2],
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct In {
    size: u64,
    sealed: u64,
    witnessed: Option<WitnessedWire>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Out {
    size: u64,
    cosigned: u64,
    witnessed: Option<WitnessedWire>,
}

/// How far a log is witnessed; null if the pact names no witness.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct WitnessedWire {
    size: u64,
    quorum: u32,
    since_utc_ms: Option<i64>,
    by: BTreeMap<String, u64>,
}

fn witnessed(of: &node::witnessing::Witnessed) -> WitnessedWire {
    let since_utc_ms = of.since.map(|at| at.0);
    WitnessedWire { size: of.size, quorum: of.quorum, since_utc_ms, by: of.by.iter().cloned().collect() }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Channel {
    ours: &'static str,
    theirs: &'static str,
}

/// One feed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct FeedWire {
    name: String,
    format: String,
    state: &'static str,
    age_ms: Option<u64>,
    reports: u64,
    errors: u64,
    last_error: Option<String>,
}

pub(crate) fn peer(view: &View, peer: &PeerView) -> PeerWire {
    PeerWire {
        party: peer.party.to_string(),
        desk: peer.desk.clone(),
        link: match peer.link {
            LinkStatus::Up => "up",
            LinkStatus::Down => "down",
            LinkStatus::Frozen => "frozen",
        },
        reason: peer.reason.clone(),
        age_ms: peer.age_ms,
        r#in: In {
            size: peer.in_size,
            sealed: peer.in_sealed,
            witnessed: peer.witnessed.as_ref().map(|(_, theirs)| witnessed(theirs)),
        },
        out: Out {
            size: peer.out_size,
            cosigned: peer.out_cosigned,
            witnessed: peer.witnessed.as_ref().map(|(own, _)| witnessed(own)),
        },
        channel: Channel { ours: peer.channel_ours.name(), theirs: peer.channel_theirs.name() },
        clock_offset_ms: peer.clock_offset_ms,
        refused: peer.refused.clone(),
        throttled: peer.throttled.clone(),
        waiting: peer.waiting,
        staffing: peer.staffing.as_ref().map(staffing),
        forks: peer
            .forks
            .iter()
            .map(|f| ForkWire { to: f.to.to_string(), size: f.size, notes: f.notes.clone() })
            .collect(),
        denied: peer.denied.iter().map(|(index, id)| DeniedWire { index: *index, id: id.to_string() }).collect(),
        release_rev: view.policy.revision,
        keys: peer.keys.map(|(serial, reason, issued)| Keys { serial, reason, issued_utc_ms: issued.0 }),
    }
}

/// The own desk's statement, or a peer's.
pub(crate) fn staffing(status: &record::DeskStatus) -> StaffingWire {
    StaffingWire { manned: status.manned, next_utc_ms: status.next.map(|t| t.0), note: status.note.clone() }
}

pub(crate) fn feed(feed: &FeedView) -> FeedWire {
    FeedWire {
        name: feed.name.clone(),
        format: feed.format.clone(),
        state: match feed.state {
            FeedState::Connecting => "connecting",
            FeedState::Up => "up",
            FeedState::Down => "down",
        },
        age_ms: feed.age_ms,
        reports: feed.reports,
        errors: feed.errors,
        last_error: feed.last_error.clone(),
    }
}
