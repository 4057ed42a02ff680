//! What a release would hold: the records' meaning, in the words of the rest of the API.
use super::plan::{PlanBody, SiteBody, plan_body, site_body};
use super::track::{TrackWire, track};
use super::volume::{VolumeWire, altitude, place, volume};
use crate::backend::PreviewRecord;
use node::view::{Owner, TrackView, View};
use record::{Body, Record};
use serde::Serialize;
use serde_json::{Value, json};

/// One record of a preview.
#[derive(Debug, Serialize)]
pub(crate) struct PreviewWire {
    kind: &'static str,
    audience: String,
    subject: String,
    revision: u32,
    precedence: &'static str,
    bytes: usize,
    ledger: String,
    body: BodyWire,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum BodyWire {
    Tracks { form: &'static str, precision_m: u32, delay_ms: u32, tracks: Vec<TrackWire> },
    Plan(Box<PlanBody>),
    Site(Box<SiteBody>),
    Avoid { volumes: Vec<VolumeWire> },
    Other(Value),
}

pub(crate) fn preview(view: &View, of: &PreviewRecord) -> PreviewWire {
    let r = &of.record;
    PreviewWire {
        kind: r.body.kind().name(),
        audience: r.audience.to_string(),
        subject: r.subject.to_string(),
        revision: r.revision,
        precedence: r.precedence.name(),
        bytes: of.bytes_len,
        ledger: of.ledger.clone(),
        body: body(view, r),
    }
}

fn body(view: &View, record: &Record) -> BodyWire {
    match &record.body {
        Body::Tracks(batch) => {
            let reports = batch.unpack().unwrap_or_default();
            // The numbers are those the peer is told; they say nothing of the own numbers.
            let tracks = reports.into_iter().map(|report| {
                let form = batch.form;
                let id = report.local as u32;
                let of = TrackView {
                    id,
                    owner: Owner::Own,
                    report,
                    form,
                    precision_mm: batch.precision_mm,
                    stale: false,
                    alert: 0,
                };
                track(view, &of)
            });
            BodyWire::Tracks {
                form: super::track::form_name(batch.form),
                precision_m: batch.precision_mm.div_ceil(1000),
                delay_ms: batch.delay_ms,
                tracks: tracks.collect(),
            }
        }
        Body::Plan(plan) => BodyWire::Plan(Box::new(plan_body(plan))),
        Body::Site(site) => BodyWire::Site(Box::new(site_body(site))),
        Body::Avoid(avoid) => BodyWire::Avoid { volumes: avoid.volumes.iter().map(volume).collect() },
        Body::Notice(n) => BodyWire::Other(json!({
            "class": n.class.name(), "text": n.text, "place": n.place.map(place), "level": n.level.and_then(altitude),
            "start_utc_ms": n.start.map(|t| t.0), "end_utc_ms": n.end.map(|t| t.0), "action": n.action,
            "volumes": n.volumes.iter().map(volume).collect::<Vec<_>>(),
        })),
        Body::Pact(p) => BodyWire::Other(json!({ "pact": p.pact.to_string(), "software": p.software })),
        Body::Receipt(r) => BodyWire::Other(json!({
            "of": r.of.to_string(), "level": r.level.name(), "utc_ms": r.at.0, "role": r.role.map(record::Role::name),
        })),
        Body::Conflict(c) => BodyWire::Other(json!({
            "cpa_utc_ms": c.cpa.0, "dcpa_m": super::metres(c.lateral_mm),
            "vertical_ft": c.vertical.map(|h| super::feet(h.0.into())),
        })),
        Body::Channel(c) => BodyWire::Other(json!({
            "state": c.state.name(), "effective_utc_ms": c.effective.0, "reason": c.reason,
        })),
        Body::Withdrawn(w) => BodyWire::Other(json!({ "of": w.of.to_string() })),
    }
}
