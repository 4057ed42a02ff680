//! Tracks with identity.
use super::volume::{AltitudeWire, altitude};
use node::view::{JoinedView, TrackView, View};
use record::ReleaseForm;
use serde::Serialize;

/// One track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TrackWire {
    id: u32,
    owner: Option<String>,
    address: Option<String>,
    callsign: Option<String>,
    class: &'static str,
    lat: f64,
    lon: f64,
    altitude: Option<AltitudeWire>,
    speed_kt: Option<f64>,
    track_deg: Option<f64>,
    vertical_fpm: Option<f64>,
    on_ground: bool,
    stale: bool,
    at_utc_ms: i64,
    precision_m: u32,
    form: &'static str,
    joined: Vec<JoinedWire>,
}

/// Another track of the same aircraft.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct JoinedWire {
    id: u32,
    owner: Option<String>,
    address: Option<String>,
    callsign: Option<String>,
    mode_a: Option<String>,
    lat: f64,
    lon: f64,
    altitude: Option<AltitudeWire>,
    at_utc_ms: i64,
}

fn joined(view: &View, of: &JoinedView) -> JoinedWire {
    let r = &of.report;
    JoinedWire {
        id: of.id,
        owner: super::owner(view, of.owner),
        address: r.address.map(|a| a.to_string()),
        callsign: r.callsign.map(|c| c.to_string()),
        mode_a: r.mode_a.map(|c| c.to_string()),
        lat: r.position.lat(),
        lon: r.position.lon(),
        altitude: altitude(r.altitude()),
        at_utc_ms: r.at.0,
    }
}

pub(crate) const fn form_name(form: ReleaseForm) -> &'static str {
    match form {
        ReleaseForm::Full => "full",
        ReleaseForm::Reduced => "reduced",
        ReleaseForm::Coarse => "coarse",
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

pub(crate) fn track(view: &View, track: &TrackView) -> TrackWire {
    let r = &track.report;
    TrackWire {
        id: track.id,
        owner: super::owner(view, track.owner),
        address: r.address.map(|a| a.to_string()),
        callsign: r.callsign.map(|c| c.to_string()),
        class: r.class.name(),
        lat: r.position.lat(),
        lon: r.position.lon(),
        altitude: altitude(r.altitude()),
        speed_kt: r.speed.map(|v| tenth(v.knots())),
        track_deg: r.track.map(units::Angle::degrees),
        vertical_fpm: r.vertical_rate.map(|v| v.fpm().round()),
        on_ground: r.on_ground,
        stale: track.stale,
        at_utc_ms: r.at.0,
        precision_m: track.precision_mm.div_ceil(1000),
        form: form_name(track.form),
        joined: track.joined.iter().map(|of| joined(view, of)).collect(),
    }
}
