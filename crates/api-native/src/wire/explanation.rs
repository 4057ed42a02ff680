//! Why there is an alert: what it was decided from, and the decision made again.
use super::{feet, metres};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use detect::{AltitudeBasis, Encounter, Kinematics, Verdict};
use node::{Decision, Decisions};
use serde::Serialize;
use track::TrackReport;

/// Both decisions of an alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ExplanationWire {
    alert: String,
    first: DecisionWire,
    last: DecisionWire,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct DecisionWire {
    engine: String,
    earth: String,
    t0_utc_ms: i64,
    minima: MinimaWire,
    a: InputWire,
    b: InputWire,
    found: FoundWire,
    /// The same bytes came of the same inputs, by the detector of this build.
    again: &'static str,
    /// The decision in CBOR, base64: its inputs and its result to the last bit.
    cbor: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct MinimaWire {
    lateral_m: f64,
    vertical_ft: f64,
    horizon_s: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct InputWire {
    sha256: String,
    address: Option<String>,
    callsign: Option<String>,
    class: &'static str,
    at_utc_ms: i64,
    age_ms: i64,
    lat: f64,
    lon: f64,
    pressure_altitude_ft: Option<f64>,
    wgs84_height_ft: Option<f64>,
    ground_speed_kt: Option<f64>,
    track_deg: Option<f64>,
    vertical_rate_fpm: Option<f64>,
    /// The rate was taken for noise: it keeps its level.
    vertical_rate_is_noise: bool,
    accuracy_m: Option<f64>,
    /// By how much it may have turned off its line since the report.
    drift_m: f64,
    /// What it was taken to do: go on straight, level off, follow its route.
    intent: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct FoundWire {
    tin_s: f64,
    tout_s: f64,
    tcpa_s: f64,
    dcpa_m: f64,
    d0_m: f64,
    vertical_at_cpa_ft: Option<f64>,
    vertical_now_ft: Option<f64>,
    /// By how much the vertical distance may be off: 0 within one reference; `None` if a level is not known.
    vertical_error_ft: Option<f64>,
    basis: &'static str,
    violation_now: bool,
    velocity_unknown: bool,
    widened_m: f64,
}

pub(crate) fn explanation(alert: u64, decisions: &Decisions) -> ExplanationWire {
    ExplanationWire { alert: alert.to_string(), first: decision(&decisions.first), last: decision(&decisions.last) }
}

fn decision(d: &Decision) -> DecisionWire {
    let (a, b) = d.hashes();
    DecisionWire {
        engine: d.engine.clone(),
        earth: d.earth.clone(),
        t0_utc_ms: d.t0.0,
        minima: MinimaWire {
            lateral_m: metres(d.minima.lateral_mm),
            vertical_ft: feet(d.minima.vertical.0.into()),
            horizon_s: d.minima.horizon_ms as f64 / 1000.0,
        },
        a: input(&d.reports.0, &d.states().0, d.classes.0, d.noise.0, (a.to_string(), d.intents().0.name())),
        b: input(&d.reports.1, &d.states().1, d.classes.1, d.noise.1, (b.to_string(), d.intents().1.name())),
        found: found(d, &d.encounter),
        again: match d.again() {
            Verdict::Conflict(again) if again == d.encounter => "the same",
            _ => "another result: this detector is not the one that decided",
        },
        cbor: STANDARD.encode(minicbor::to_vec(d).unwrap_or_default()),
    }
}

fn input(
    r: &TrackReport,
    state: &Kinematics,
    class: units::AircraftClass,
    vertical_rate_is_noise: bool,
    (sha256, intent): (String, &'static str),
) -> InputWire {
    InputWire {
        sha256,
        address: r.address.map(|a| a.to_string()),
        callsign: r.callsign.map(|c| c.to_string()),
        class: super::plan::class_name(class),
        at_utc_ms: r.at.0,
        age_ms: state.age_ms(),
        lat: r.position.lat(),
        lon: r.position.lon(),
        pressure_altitude_ft: r.pressure.map(|h| feet(h.0.into())),
        wgs84_height_ft: r.geometric.map(|h| feet(h.0.into())),
        ground_speed_kt: r.speed.map(|s| s.mps() * 3600.0 / 1852.0),
        track_deg: r.track.map(|t| t.degrees()),
        vertical_rate_fpm: r.vertical_rate.map(|v| v.mps() * 60.0 / 0.3048),
        vertical_rate_is_noise,
        accuracy_m: r.accuracy_mm.map(|mm| metres(mm.into())),
        drift_m: state.drift_m(),
        intent,
    }
}

fn found(d: &Decision, e: &Encounter) -> FoundWire {
    let (a, b) = d.states();
    FoundWire {
        tin_s: e.tin_s,
        tout_s: e.tout_s,
        tcpa_s: e.tcpa_s,
        dcpa_m: e.dcpa_m,
        d0_m: e.d0_m,
        vertical_at_cpa_ft: e.vertical_at_cpa.map(feet),
        vertical_now_ft: e.vertical_now.map(feet),
        vertical_error_ft: detect::vertical_error(&a, &b).map(feet),
        basis: match e.basis {
            AltitudeBasis::Pressure => "pressure",
            AltitudeBasis::Geometric => "wgs84",
            AltitudeBasis::Mixed => "mixed",
            AltitudeBasis::UnknownLevel => "unknown-level",
        },
        violation_now: e.violation_now,
        velocity_unknown: e.velocity_unknown,
        widened_m: e.widened_m,
    }
}
