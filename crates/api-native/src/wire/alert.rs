//! Alerts.
use super::{feet, metres, owner, track::form_name};
use node::view::{AlertTrack, AlertView, View};
use serde::Serialize;

/// One alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct AlertWire {
    id: String,
    kind: &'static str,
    level: &'static str,
    state: &'static str,
    raised_utc_ms: i64,
    since_utc_ms: i64,
    escalated: bool,
    raising: u32,
    text: String,
    about: Option<String>,
    a: Option<Side>,
    b: Option<Side>,
    cpa_utc_ms: Option<i64>,
    tin_utc_ms: Option<i64>,
    dcpa_m: Option<f64>,
    distance_m: Option<f64>,
    vertical_ft: Option<f64>,
    basis: Option<&'static str>,
    violation: bool,
    inhibited: Option<String>,
    reason: Option<String>,
    reason_utc_ms: Option<i64>,
    asks_reason: bool,
    data_age_ms: Option<u64>,
    acknowledged: Option<Acknowledged>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Side {
    id: u32,
    label: String,
    owner: Option<String>,
    /// `None` when the track has left the picture since.
    form: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Acknowledged {
    by: String,
    utc_ms: i64,
}

/// The word of a level. A level that is not known is shown as the highest, never as the lowest.
pub(crate) const fn level_name(level: u8) -> &'static str {
    match level {
        1 => "caution",
        2 => "warning",
        _ => "alarm",
    }
}

fn side(view: &View, track: &AlertTrack) -> Side {
    let found = view.tracks.binary_search_by_key(&track.id, |t| t.id).ok();
    Side {
        id: track.id,
        label: track.label.clone(),
        owner: owner(view, track.owner),
        form: found.map(|at| form_name(view.tracks[at].form)),
    }
}

pub(crate) fn alert(view: &View, alert: &AlertView) -> AlertWire {
    AlertWire {
        id: alert.id.to_string(),
        kind: alert.kind.name(),
        level: level_name(alert.level),
        state: alert.state,
        raised_utc_ms: alert.raised.0,
        since_utc_ms: alert.since.0,
        escalated: alert.escalated,
        raising: alert.raising,
        text: alert.text.clone(),
        about: alert.about.clone(),
        a: alert.a.as_ref().map(|track| side(view, track)),
        b: alert.b.as_ref().map(|track| side(view, track)),
        cpa_utc_ms: alert.cpa.map(|t| t.0),
        tin_utc_ms: alert.tin.map(|t| t.0),
        dcpa_m: alert.dcpa_mm.map(metres),
        distance_m: alert.distance_mm.map(metres),
        vertical_ft: alert.vertical.map(feet),
        basis: alert.basis,
        violation: alert.violation,
        inhibited: alert.inhibited.map(|id| id.to_string()),
        reason: alert.reason.clone(),
        reason_utc_ms: alert.reasoned.map(|t| t.0),
        asks_reason: alert.asks_reason,
        data_age_ms: alert.data_age_ms,
        acknowledged: alert.acknowledged.as_ref().map(|(by, at)| Acknowledged { by: by.clone(), utc_ms: at.0 }),
    }
}
