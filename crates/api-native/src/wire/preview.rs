//! What a release would hold: every field of the records, so that nothing leaves that its preview did not show.
use super::plan::{PlanBody, SiteBody, plan_body, site_body};
use super::volume::{Place, VolumeWire, altitude, place, volume};
use crate::backend::PreviewRecord;
use record::{Body, Caveat, ReadBack, Record};
use serde::Serialize;
use serde_json::{Value, json};
use track::{SourceClass, TrackReport};
use units::AircraftClass;

/// One record of a preview.
#[derive(Debug, Serialize)]
pub(crate) struct PreviewWire {
    kind: &'static str,
    audience: String,
    subject: String,
    revision: u32,
    precedence: &'static str,
    role: Option<&'static str>,
    valid_from_utc_ms: Option<i64>,
    valid_until_utc_ms: Option<i64>,
    passing_on: &'static str,
    bytes: usize,
    ledger: String,
    draft: bool,
    body: BodyWire,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum BodyWire {
    Tracks { form: &'static str, precision_m: f64, delay_ms: u32, tracks: Vec<RowWire> },
    Plan(Box<PlanBody>),
    Site(Box<SiteBody>),
    Avoid { volumes: Vec<VolumeWire> },
    Other(Value),
}

/// One row of the columns in which tracks are sent (`tracks` of `spec/record.cddl`), each as it was sent: null if it is
/// not there.
#[derive(Debug, Serialize)]
struct RowWire {
    /// The number by which the peer knows the aircraft, as text: it has 64 bits.
    number: String,
    address: Option<String>,
    callsign: Option<String>,
    mode_a: Option<String>,
    #[serde(flatten)]
    place: Place,
    at_utc_ms: i64,
    pressure_ft: Option<f64>,
    wgs84_ft: Option<f64>,
    on_ground: Option<bool>,
    speed_kt: Option<f64>,
    track_deg: Option<f64>,
    vertical_fpm: Option<f64>,
    accuracy_m: Option<f64>,
    source: Option<&'static str>,
    class: Option<&'static str>,
}

fn row(r: &TrackReport) -> RowWire {
    let thousandth = |value: f64| (value * 1e3).round() / 1e3;
    RowWire {
        number: r.local.to_string(),
        address: r.address.map(|a| a.to_string()),
        callsign: r.callsign.map(|c| c.to_string()),
        mode_a: r.mode_a.map(|m| m.to_string()),
        place: place(r.position),
        at_utc_ms: r.at.0,
        pressure_ft: r.pressure.map(|h| super::feet(h.0.into())),
        wgs84_ft: r.geometric.map(|h| super::feet(h.0.into())),
        on_ground: r.on_ground.then_some(true),
        speed_kt: r.speed.map(|v| thousandth(v.knots())),
        track_deg: r.track.map(units::Angle::degrees),
        vertical_fpm: r.vertical_rate.map(|v| thousandth(v.fpm())),
        accuracy_m: r.accuracy_mm.map(|mm| super::metres(mm.into())),
        source: source_name(r.source),
        class: (r.class != AircraftClass::Unknown).then(|| r.class.name()),
    }
}

const fn source_name(source: SourceClass) -> Option<&'static str> {
    match source {
        SourceClass::Unknown => None,
        SourceClass::Adsb => Some("adsb"),
        SourceClass::AdsR => Some("adsr"),
        SourceClass::TisB => Some("tisb"),
        SourceClass::Mlat => Some("mlat"),
        SourceClass::ModeS => Some("mode-s"),
        SourceClass::Radar => Some("radar"),
        SourceClass::Telemetry => Some("telemetry"),
    }
}

/// To whom the receiver may pass it on.
const fn passing_on(caveat: Caveat) -> &'static str {
    match caveat {
        Caveat::None => "nobody",
        Caveat::Named => "parties-of-the-pact",
        Caveat::Public => "anybody",
    }
}

pub(crate) fn preview(of: &PreviewRecord) -> PreviewWire {
    let r = &of.record;
    PreviewWire {
        kind: r.body.kind().name(),
        audience: r.audience.to_string(),
        subject: r.subject.to_string(),
        revision: r.revision,
        precedence: r.precedence.name(),
        role: r.role.map(record::Role::name),
        valid_from_utc_ms: r.valid_from.map(|t| t.0),
        valid_until_utc_ms: r.valid_until.map(|t| t.0),
        passing_on: passing_on(r.caveat),
        bytes: of.bytes_len,
        ledger: of.ledger.clone(),
        draft: of.draft,
        body: body(r),
    }
}

fn body(record: &Record) -> BodyWire {
    match &record.body {
        Body::Tracks(batch) => BodyWire::Tracks {
            form: super::track::form_name(batch.form),
            precision_m: super::metres(batch.precision_mm.into()),
            delay_ms: batch.delay_ms,
            tracks: batch.unpack().unwrap_or_default().iter().map(row).collect(),
        },
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
            "of": r.of.to_string(), "index": r.index, "level": r.level.name(), "utc_ms": r.at.0,
            "role": r.role.map(record::Role::name), "read_back": r.read_back.as_ref().map(read_back),
        })),
        Body::Conflict(c) => BodyWire::Other(json!({
            "own": c.own.to_string(), "other": c.other.to_string(), "cpa_utc_ms": c.cpa.0,
            "dcpa_m": super::metres(c.lateral_mm), "vertical_ft": c.vertical.map(|h| super::feet(h.0.into())),
        })),
        Body::Channel(c) => BodyWire::Other(json!({
            "state": c.state.name(), "effective_utc_ms": c.effective.0, "reason": c.reason,
        })),
        Body::Keys(k) => BodyWire::Other(json!({ "statement": k.statement })),
        Body::Withdrawn(w) => BodyWire::Other(json!({ "of": w.of.to_string() })),
    }
}

fn read_back(read: &ReadBack) -> Value {
    json!({
        "place": read.place.map(place), "level": read.level.and_then(altitude), "time_utc_ms": read.time.map(|t| t.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::TrackBatch;
    use track::{Address, Callsign, ModeA};
    use units::{Angle, Height, Position, Speed, Utc, VerticalRate};

    /// The keys of `tracks` in the specification, from its own text.
    fn keys() -> Vec<u8> {
        let cddl = include_str!("../../../../spec/record.cddl");
        let (_, block) = cddl.split_once("\ntracks = {\n").unwrap();
        let (block, _) = block.split_once("\n}").unwrap();
        block.lines().map(|line| line.trim().split(':').next().unwrap().parse().unwrap()).collect()
    }

    fn full() -> TrackReport {
        TrackReport {
            local: u64::MAX,
            address: Address::icao(0x4b_1a41),
            callsign: Callsign::parse("SWR12").ok(),
            mode_a: Some(ModeA(0o1234)),
            position: Position::from_degrees(47.25, 8.5).unwrap(),
            pressure: Some(Height::from_feet(31_000)),
            geometric: Some(Height::from_feet(31_500)),
            on_ground: true,
            speed: Some(Speed(231_551)),
            track: Some(Angle(9_000_001)),
            vertical_rate: Some(VerticalRate(-2541)),
            at: Utc(1_785_578_400_123),
            accuracy_mm: Some(92_600),
            source: SourceClass::Mlat,
            class: AircraftClass::Humanitarian,
        }
    }

    fn shown(report: &TrackReport) -> Value {
        let mut batch = TrackBatch::pack(Utc(1_785_578_400_000), &[*report]).unwrap();
        (batch.form, batch.precision_mm, batch.delay_ms) = (record::ReleaseForm::Reduced, 1_000_500, 30_000);
        let [unpacked] = batch.unpack().unwrap()[..] else { panic!("one row") };
        let said = json!({ "form": super::super::track::form_name(batch.form),
            "precision_m": super::super::metres(batch.precision_mm.into()), "delay_ms": batch.delay_ms });
        json!({ "batch": said, "row": serde_json::to_value(row(&unpacked)).unwrap() })
    }

    /// Each column of the specification with the field that shows it, and a report that differs in it alone.
    #[test]
    fn every_column_of_the_specification_is_shown() {
        let f = full();
        let columns: [(u8, &str, TrackReport); 16] = [
            (4, "number", TrackReport { local: u64::MAX - 1, ..f }),
            (5, "lat", TrackReport { position: Position { lat_e7: f.position.lat_e7 + 1, ..f.position }, ..f }),
            (6, "lon", TrackReport { position: Position { lon_e7: f.position.lon_e7 + 1, ..f.position }, ..f }),
            (7, "at_utc_ms", TrackReport { at: Utc(f.at.0 + 1), ..f }),
            (8, "address", TrackReport { address: None, ..f }),
            (9, "callsign", TrackReport { callsign: None, ..f }),
            (10, "mode_a", TrackReport { mode_a: None, ..f }),
            (11, "pressure_ft", TrackReport { pressure: None, ..f }),
            (12, "wgs84_ft", TrackReport { geometric: None, ..f }),
            (13, "on_ground", TrackReport { on_ground: false, ..f }),
            (14, "speed_kt", TrackReport { speed: Some(Speed(231_552)), ..f }),
            (15, "track_deg", TrackReport { track: Some(Angle(9_000_002)), ..f }),
            (16, "vertical_fpm", TrackReport { vertical_rate: Some(VerticalRate(-2540)), ..f }),
            (17, "accuracy_m", TrackReport { accuracy_mm: Some(92_601), ..f }),
            (18, "source", TrackReport { source: SourceClass::Unknown, ..f }),
            (19, "class", TrackReport { class: AircraftClass::Unknown, ..f }),
        ];
        // 0 is the base of column 7; 1 to 3 are said once for all rows.
        let of_the_batch: [(u8, &str); 3] = [(1, "form"), (2, "precision_m"), (3, "delay_ms")];
        let covered: Vec<u8> = std::iter::once(0)
            .chain(of_the_batch.iter().map(|(key, _)| *key))
            .chain(columns.iter().map(|(key, ..)| *key))
            .collect();
        assert_eq!(covered, keys(), "the specification has a column that no preview shows");
        let whole = shown(&f);
        assert_eq!(whole["batch"], json!({ "form": "reduced", "precision_m": 1000.5, "delay_ms": 30_000 }));
        for (key, field, other) in columns {
            let other = shown(&other);
            assert!(!whole["row"][field].is_null(), "column {key}");
            let differ: Vec<&String> = whole["row"]
                .as_object()
                .unwrap()
                .iter()
                .filter(|(k, v)| other["row"][*k] != **v)
                .map(|(k, _)| k)
                .collect();
            assert_eq!(differ, [field], "column {key}");
        }
        assert_eq!(whole["row"]["number"], "18446744073709551615");
        assert_eq!((&whole["row"]["mode_a"], &whole["row"]["source"]), (&json!("1234"), &json!("mlat")));
    }

    #[test]
    fn a_read_back_and_the_numbers_of_a_conflict_are_shown() {
        let level = Some(units::Altitude::pressure_feet(24_000));
        let said = read_back(&ReadBack { place: None, level, time: Some(Utc(5)) });
        let expect =
            json!({ "place": null, "level": { "value_ft": 24_000.0, "reference": "pressure" }, "time_utc_ms": 5 });
        assert_eq!(said, expect);
    }
}
