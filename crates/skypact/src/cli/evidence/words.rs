//! What a record says, in one sentence and as JSON. Foreign text is shown so that it cannot lie about its surroundings.
use crate::cli::values::plain;
use crate::clock::rfc3339;
use airspace::{Limit, Outline, Volume4d};
use record::{Body, Notice, ReadBack, Record};
use serde_json::{Value, json};
use track::TrackReport;
use units::{Altitude, Position, Reference, Utc};

/// One sentence about a record.
pub fn sentence(record: &Record) -> String {
    match &record.body {
        Body::Pact(p) => format!("speaks under pact {} ({})", short(&p.pact.to_string()), plain(&p.software)),
        Body::Tracks(batch) => {
            let reports = batch.unpack().unwrap_or_default();
            let span = reports.iter().map(|r| r.at).min().zip(reports.iter().map(|r| r.at).max());
            let times = span.map(|(a, b)| format!(", of {} to {}", rfc3339(a), rfc3339(b))).unwrap_or_default();
            let reduced = match batch.precision_mm {
                0 => String::new(),
                mm => format!(", within {} m", mm / 1000),
            };
            format!("{} aircraft, {}{reduced}{times}", reports.len(), format!("{:?}", batch.form).to_lowercase())
        }
        Body::Plan(plan) => {
            let name = plan.callsign.as_deref().map_or_else(|| subject(record), plain);
            format!("plan {name}, {:?}: {}", plan.state, volumes(&plan.volumes))
        }
        Body::Notice(notice) => format!("{}: {}", record.precedence.name(), notice_text(notice)),
        Body::Receipt(r) => {
            let role = r.role.map_or_else(String::new, |role| format!(" by the {}", role.name()));
            let back = r.read_back.map_or_else(String::new, |b| format!(", read back: {}", read_back_text(&b)));
            format!("{}{role} at {}, for record {}{back}", r.level.name(), rfc3339(r.at), short(&r.of.to_string()))
        }
        Body::Site(site) => {
            let name = site.name.as_deref().map_or_else(|| subject(record), plain);
            format!("protected site {name}, {:?}, {}", site.category, outline(&site.footprint))
        }
        Body::Avoid(avoid) => format!("keep clear of {}", volumes(&avoid.volumes)),
        Body::Conflict(c) => format!(
            "conflict of its aircraft {} with yours {}: {:.2} NM at {}",
            c.own,
            c.other,
            c.lateral_mm as f64 / units::NM_MM as f64,
            rfc3339(c.cpa)
        ),
        Body::Channel(c) => {
            format!("channel {} from {}: {}", c.state.name(), rfc3339(c.effective), plain(&c.reason))
        }
        Body::Keys(keys) => match pact::SignedKeys::parse(keys.statement.as_bytes()) {
            Ok(signed) => {
                let pact::KeyStatement { party, serial, reason, issued, .. } = signed.statement();
                format!("keys of {party} replaced: statement {serial} of {}, {}", rfc3339(*issued), reason.name())
            }
            Err(error) => format!("a statement about keys that cannot be read: {error}"),
        },
        Body::Withdrawn(w) => format!("withdraws record {}", short(&w.of.to_string())),
    }
}

/// A record for machines: the sentence, and the fields a reader filters by.
pub fn json(record: &Record) -> Value {
    let mut out = json!({
        "kind": record.body.kind().name(),
        "issuer": record.issuer.as_str(),
        "audience": record.audience.as_str(),
        "mode": record.mode.label(),
        "subject": record.subject.to_string(),
        "revision": record.revision,
        "issued": rfc3339(record.issued_at),
        "issued_error_ms": record.issued_error_ms,
        "precedence": record.precedence.name(),
        "says": sentence(record),
    });
    match &record.body {
        Body::Tracks(batch) => {
            let reports = batch.unpack().unwrap_or_default();
            out["tracks"] = reports.iter().map(track_json).collect();
        }
        Body::Notice(n) => out["notice"] = notice_json(n),
        Body::Receipt(r) => {
            out["receipt"] = json!({
                "of": r.of.to_string(),
                "index": r.index,
                "level": r.level.name(),
                "at": rfc3339(r.at),
                "role": r.role.map(|role| role.name()),
                "read_back": r.read_back.map(|b| read_back_text(&b)),
            });
        }
        Body::Withdrawn(w) => out["withdraws"] = json!(w.of.to_string()),
        _ => {}
    }
    out
}

/// One aircraft as it was told.
pub fn track_json(report: &TrackReport) -> Value {
    json!({
        "local": report.local,
        "label": label(report),
        "lat": report.position.lat(),
        "lon": report.position.lon(),
        "pressure_ft": report.pressure.map(|h| h.feet().round()),
        "geometric_ft": report.geometric.map(|h| h.feet().round()),
        "at": rfc3339(report.at),
    })
}

/// Callsign, else address, else the number it was told under.
pub fn label(report: &TrackReport) -> String {
    let callsign = report.callsign.map(|c| c.to_string());
    callsign.or_else(|| report.address.map(|a| a.to_string())).unwrap_or_else(|| format!("#{}", report.local))
}

/// One aircraft in a line.
pub fn track_text(report: &TrackReport) -> String {
    let level = match (report.pressure, report.geometric) {
        (Some(h), _) => format!("{:.0} ft pressure", h.feet()),
        (None, Some(h)) => format!("{:.0} ft WGS-84", h.feet()),
        (None, None) => "level unknown".into(),
    };
    format!("{:<8} {} {level}, of {}", label(report), place(report.position), rfc3339(report.at))
}

/// The fields of a notice that are read back, and its text.
pub fn notice_text(notice: &Notice) -> String {
    let mut parts = vec![format!("{} \"{}\"", notice.class.name(), plain(&notice.text))];
    parts.extend(notice.place.map(|p| format!("place {}", place(p))));
    parts.extend(notice.level.map(|l| format!("level {}", altitude(l))));
    parts.extend(notice.start.map(|t| format!("from {}", rfc3339(t))));
    parts.extend(notice.end.map(|t| format!("until {}", rfc3339(t))));
    parts.extend(notice.action.as_deref().map(|a| format!("asks: {}", plain(a))));
    parts.join(", ")
}

fn notice_json(n: &Notice) -> Value {
    json!({
        "class": n.class.name(),
        "text": n.text,
        "place": n.place.map(|p| [p.lat(), p.lon()]),
        "level": n.level.map(altitude),
        "start": n.start.map(rfc3339),
        "end": n.end.map(rfc3339),
        "action": n.action,
    })
}

fn read_back_text(b: &ReadBack) -> String {
    let parts = [
        b.place.map(|p| format!("place {}", place(p))),
        b.level.map(|l| format!("level {}", altitude(l))),
        b.time.map(|t: Utc| format!("time {}", rfc3339(t))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

fn volumes(all: &[Volume4d]) -> String {
    match all {
        [] => "no volume".into(),
        [one] => volume(one),
        [first, rest @ ..] => format!("{} and {} more", volume(first), rest.len()),
    }
}

fn volume(v: &Volume4d) -> String {
    let limit = |l: Limit| match l {
        Limit::Unlimited => "unlimited".into(),
        Limit::At(a) => altitude(a),
    };
    format!(
        "{}, {} to {}, {} to {}",
        outline(&v.outline),
        limit(v.lower),
        limit(v.upper),
        rfc3339(v.start),
        rfc3339(v.end)
    )
}

fn outline(outline: &Outline) -> String {
    let at = |v: units::Vertex| format!("{:.4},{:.4}", v.lat(), v.lon());
    match outline {
        Outline::Circle { centre, radius_mm } => {
            format!("circle {} of {:.2} NM", at(*centre), *radius_mm as f64 / units::NM_MM as f64)
        }
        Outline::Polygon(points) => {
            format!("polygon of {} points at {}", points.len(), points.first().map_or_else(String::new, |p| at(*p)))
        }
        Outline::Corridor { points, .. } => {
            format!("corridor of {} points from {}", points.len(), points.first().map_or_else(String::new, |p| at(*p)))
        }
    }
}

fn place(p: Position) -> String {
    format!("{:.5},{:.5}", p.lat(), p.lon())
}

fn altitude(a: Altitude) -> String {
    match a {
        Altitude::Unknown => "unknown".into(),
        Altitude::Known(h, reference) => {
            let reference = match reference {
                Reference::Pressure => "pressure",
                Reference::Msl => "MSL",
                Reference::Wgs84 => "WGS-84",
                Reference::Agl => "AGL",
            };
            format!("{:.0} ft {reference}", h.feet())
        }
    }
}

fn subject(record: &Record) -> String {
    short(&record.subject.to_string())
}

/// The first digits of a name: enough to find it in the full listing.
pub fn short(name: &str) -> String {
    name.chars().take(16).collect()
}
