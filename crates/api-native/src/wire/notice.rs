//! Notices: out, and in with their read-backs.
use super::volume::{AltitudeWire, Place, VolumeWire, altitude, place, volume};
use super::volume::{Where, read_altitude, read_notice_volumes, read_place, read_utc, read_where};
use crate::json::Node;
use airspace::{Limit, Outline, Volume4d};
use node::command::{Reply, SendNotice};
use node::view::{NoticeView, Said};
use record::{Decision, Notice, NoticeClass, PartyId, Precedence, ReadBack, ReceiptLevel, SubjectId, TextLimits};
use serde::Serialize;
use units::Utc;

const CLASSES: [(&str, NoticeClass); 6] = [
    ("activation", NoticeClass::Activation),
    ("hazard", NoticeClass::Hazard),
    ("hold", NoticeClass::Hold),
    ("resume", NoticeClass::Resume),
    ("cancellation", NoticeClass::Cancellation),
    ("information", NoticeClass::Information),
];
const PRECEDENCES: [(&str, Precedence); 4] = [
    ("ROUTINE", Precedence::Routine),
    ("PRIORITY", Precedence::Priority),
    ("IMMEDIATE", Precedence::Immediate),
    ("FLASH", Precedence::Flash),
];
const RECEIPTS: [(&str, ReceiptLevel); 6] = [
    ("RECEIVED", ReceiptLevel::Received),
    ("SEEN", ReceiptLevel::Seen),
    ("ACKNOWLEDGED", ReceiptLevel::Acknowledged),
    ("RESPONDED", ReceiptLevel::Responded),
    ("DISSEMINATED", ReceiptLevel::Disseminated),
    ("PUBLISHED", ReceiptLevel::Published),
];
const ANSWERS: [(&str, ReceiptLevel); 3] = [
    ("RESPONDED", ReceiptLevel::Responded),
    ("DISSEMINATED", ReceiptLevel::Disseminated),
    ("PUBLISHED", ReceiptLevel::Published),
];
const DECISIONS: [(&str, Decision); 4] = [
    ("accept", Decision::Accept),
    ("object", Decision::Object),
    ("unable", Decision::Unable),
    ("propose", Decision::Propose),
];
/// Recipients of one notice: a pact has a handful of parties.
pub(crate) const RECIPIENTS_MAX: usize = 32;

/// One notice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NoticeWire {
    id: String,
    subject: String,
    direction: &'static str,
    peer: String,
    class: &'static str,
    precedence: &'static str,
    text: String,
    place: Option<Place>,
    level: Option<AltitudeWire>,
    start_utc_ms: Option<i64>,
    end_utc_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Option<Vec<VolumeWire>>,
    action: Option<String>,
    issued_utc_ms: i64,
    receipt: Option<&'static str>,
    due_utc_ms: Option<i64>,
    overdue: bool,
    received_utc_ms: Option<i64>,
    seen_utc_ms: Option<i64>,
    acknowledged: Option<AcknowledgedWire>,
    answers: Vec<AnswerWire>,
    sealed: bool,
    told_after_utc_ms: Option<i64>,
    told_before_utc_ms: Option<i64>,
    claimed_off_ms: i64,
}

/// An answer above ACKNOWLEDGED.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct AnswerWire {
    level: &'static str,
    utc_ms: i64,
    role: &'static str,
    by: Option<String>,
    decision: Option<&'static str>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct AcknowledgedWire {
    utc_ms: i64,
    role: Option<&'static str>,
    by: Option<String>,
    read_back_ok: bool,
}

/// A notice as the list has it, with its volumes.
pub(crate) fn notice_whole(of: &NoticeView) -> NoticeWire {
    NoticeWire { volumes: Some(of.notice.volumes.iter().map(volume).collect()), ..notice(of) }
}

/// A notice as the state message has it: without volumes, of which 500 notices could bring 240 MB.
pub(crate) fn notice(of: &NoticeView) -> NoticeWire {
    let n = &of.notice;
    NoticeWire {
        id: of.id.to_string(),
        subject: of.subject.to_string(),
        direction: if of.outgoing { "out" } else { "in" },
        peer: of.peer.to_string(),
        class: n.class.name(),
        precedence: of.precedence.name(),
        text: n.text.clone(),
        place: n.place.map(place),
        level: n.level.and_then(altitude),
        start_utc_ms: n.start.map(|t| t.0),
        end_utc_ms: n.end.map(|t| t.0),
        volumes: None,
        action: n.action.clone(),
        issued_utc_ms: of.issued.0,
        receipt: of.wanted.map(ReceiptLevel::name),
        due_utc_ms: of.due.map(|t| t.0),
        overdue: of.overdue,
        received_utc_ms: of.received.map(|t| t.0),
        seen_utc_ms: of.seen.map(|t| t.0),
        acknowledged: of.acknowledged.as_ref().map(|a| AcknowledgedWire {
            utc_ms: a.at.0,
            role: a.role.map(record::Role::name),
            by: a.by.clone(),
            read_back_ok: a.read_back_ok,
        }),
        answers: of.answers.iter().map(answer).collect(),
        sealed: of.sealed,
        told_after_utc_ms: of.told_after.map(|t| t.0),
        told_before_utc_ms: of.told_before.map(|t| t.0),
        claimed_off_ms: of.claimed_off_ms,
    }
}

fn answer((level, said): (&ReceiptLevel, &Said)) -> AnswerWire {
    AnswerWire {
        level: level.name(),
        utc_ms: said.at.0,
        role: said.role.name(),
        by: said.by.clone(),
        decision: said.decision.map(Decision::name),
        text: said.text.clone(),
    }
}

/// Key of a notice: by time of issue, then name.
pub(crate) fn key(of: &NoticeView) -> [u8; 40] {
    let mut key = [0; 40];
    // The sign bit is turned round, so that bytes sort as the numbers do.
    key[..8].copy_from_slice(&((of.issued.0 as u64) ^ (1 << 63)).to_be_bytes());
    key[8..].copy_from_slice(&of.id.0);
    key
}

// --- reading ------------------------------------------------------------------------------------------------------

pub(crate) fn read_parties(node: &Node<'_>) -> Option<Vec<PartyId>> {
    let parties = node.list(1..=RECIPIENTS_MAX, read_party)?;
    let mut sorted = parties.clone();
    sorted.sort_unstable();
    if sorted.windows(2).any(|w| w[0] == w[1]) {
        return node.refuse("must name each party once");
    }
    Some(parties)
}

pub(crate) fn read_party(node: &Node<'_>) -> Option<PartyId> {
    node.parsed("a party's name", |text| PartyId::parse(text).ok())
}

/// Text whose bound is in bytes, because that is what is signed and sent.
pub(crate) fn read_text(node: &Node<'_>, bytes_max: usize) -> Option<String> {
    let text = node.text(1..=bytes_max)?;
    if text.len() > bytes_max {
        return node.refuse(format!("must have at most {bytes_max} bytes in UTF-8, got {}", text.len()));
    }
    Some(text.to_owned())
}

pub(crate) fn read_reason(node: &Node<'_>) -> Option<String> {
    read_text(node, TextLimits::REASON_BYTES_MAX)
}

/// The volume of a notice whose place is an area: the circle that holds it, at all levels. Without a start it begins now; without an
/// end it lasts a day, as the node takes it of a point.
fn volume_of(place: Where, start: Option<Utc>, end: Option<Utc>, now: Utc) -> Volume4d {
    let outline = Outline::Circle { centre: place.at, radius_mm: place.radius_mm };
    let start = start.unwrap_or(now);
    let end = end.unwrap_or(start.plus_ms(DAY_MS)).max(start);
    Volume4d { outline, lower: Limit::Unlimited, upper: Limit::Unlimited, start, end }
}

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The body of `POST /v1/notices`.
pub(crate) fn read_send(node: &Node<'_>, subject: SubjectId, now: Utc) -> Option<SendNotice> {
    let mut o = node.object()?;
    let to = o.required("to").and_then(|n| read_parties(&n));
    let class = o.required("class").and_then(|n| n.word(&CLASSES));
    let precedence = o.required("precedence").and_then(|n| n.word(&PRECEDENCES));
    let text = o.required("text").and_then(|n| read_text(&n, TextLimits::NOTICE_BYTES_MAX));
    let place = o.optional("place").and_then(|n| read_where(&n));
    let level = o.optional("level").and_then(|n| read_altitude(&n));
    let start = o.optional("start_utc_ms").and_then(|n| read_utc(&n));
    let end = o.optional("end_utc_ms").and_then(|n| read_utc(&n));
    let mut volumes = o.optional("volumes").and_then(|n| read_notice_volumes(&n, 0)).unwrap_or_default();
    let action = o.optional("action").and_then(|n| read_reason(&n));
    let receipt = o.optional("receipt").and_then(|n| n.word(&RECEIPTS));
    o.end();
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        return node.refuse("end_utc_ms must not be before start_utc_ms");
    }
    if let Some(area) = place.filter(|place| place.is_area() && volumes.is_empty()) {
        let volume = volume_of(area, start, end, now);
        if let Err(error) = volume.check() {
            return node.refuse(format!("place: the area is watched from start to end: {error}"));
        }
        volumes.push(volume);
    }
    let place = place.and_then(Where::position);
    let notice = Notice { class: class?, text: text?, place, level, start, end, volumes, action };
    Some(SendNotice { subject, to: to?, precedence: precedence?, receipt, notice })
}

/// The body of `POST /v1/notices/{id}/answer`.
pub(crate) fn read_reply(node: &Node<'_>) -> Option<Reply> {
    let mut o = node.object()?;
    let level = o.required("level").and_then(|n| n.word(&ANSWERS));
    let decision = o.optional("decision").and_then(|n| n.word(&DECISIONS));
    let text = o.required("text").and_then(|n| read_reason(&n));
    o.end();
    let (level, text) = (level?, text?);
    if decision.is_some() != (level == ReceiptLevel::Responded) {
        return node.refuse("decision must be given with RESPONDED, and with nothing else");
    }
    if text.trim().is_empty() {
        return node.refuse("text must say something");
    }
    Some(Reply { level, decision, text })
}

/// The body of `POST /v1/notices/{id}/acknowledge`.
pub(crate) fn read_read_back(node: &Node<'_>) -> Option<ReadBack> {
    let mut o = node.object()?;
    let read_back = o.required("read_back").and_then(|n| {
        let mut o = n.object()?;
        let place = o.optional("place").and_then(|n| read_place(&n));
        let level = o.optional("level").and_then(|n| read_altitude(&n));
        let time = o.optional("time_utc_ms").and_then(|n| read_utc(&n));
        o.end();
        Some(ReadBack { place, level, time })
    });
    o.end();
    read_back
}
