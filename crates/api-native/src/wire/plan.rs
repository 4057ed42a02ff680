//! Plans, protected sites, avoid areas.
use super::policy::read_marking;
use super::volume::{
    OutlineWire, Place, VolumeWire, Where, outline, read_outline, read_plan_volumes, read_utc, read_where, vertex,
    volume,
};
use super::{metres, owner};
use crate::json::Node;
use airspace::{Plan, PlanState, Site, SiteCategory, SpecialHandling, Verification, limits};
use node::NearSite;
use node::view::{AvoidView, PlanView, SiteView, View};
use node::{Unflown, Unplanned};
use notation::Notation;
use record::SubjectId;
use release::Marking;
use serde::Serialize;
use std::collections::BTreeMap;
use units::{AircraftClass, Utc};

const STATES: [(&str, PlanState); 7] = [
    ("draft", PlanState::Draft),
    ("accepted", PlanState::Accepted),
    ("activated", PlanState::Activated),
    ("nonconforming", PlanState::Nonconforming),
    ("contingent", PlanState::Contingent),
    ("ended", PlanState::Ended),
    ("cancelled", PlanState::Cancelled),
];
const SPECIAL: [(&str, SpecialHandling); 5] = [
    ("HUM", SpecialHandling::Humanitarian),
    ("MEDEVAC", SpecialHandling::Medevac),
    ("FFR", SpecialHandling::FireFighting),
    ("SAR", SpecialHandling::SearchAndRescue),
    ("STATE", SpecialHandling::State),
];
const CATEGORIES: [(&str, SiteCategory); 8] = [
    ("hospital", SiteCategory::Hospital),
    ("school", SiteCategory::School),
    ("market", SiteCategory::Market),
    ("water", SiteCategory::Water),
    ("camp", SiteCategory::Camp),
    ("warehouse", SiteCategory::Warehouse),
    ("office", SiteCategory::Office),
    ("other", SiteCategory::Other),
];
const VERIFICATIONS: [(&str, Verification); 4] = [
    ("claimed", Verification::Claimed),
    ("filer-checked", Verification::FilerChecked),
    ("field-checked", Verification::FieldChecked),
    ("independent", Verification::Independent),
];
pub(crate) const AIRCRAFT: [(&str, AircraftClass); 5] = [
    ("unknown", AircraftClass::Unknown),
    ("civil", AircraftClass::Civil),
    ("military", AircraftClass::Military),
    ("uas", AircraftClass::Uas),
    ("humanitarian", AircraftClass::Humanitarian),
];

/// The word of a class.
pub(crate) fn class_name(class: AircraftClass) -> &'static str {
    word(&AIRCRAFT, &class)
}

/// An aircraft in the air without a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct UnplannedWire {
    track: super::track::TrackWire,
    /// A plan that names it and is not active now.
    inactive_plan: Option<String>,
}

/// `None` if the track has left since.
pub(crate) fn unplanned(view: &View, row: &Unplanned) -> Option<UnplannedWire> {
    let at = view.tracks.binary_search_by_key(&row.track, |t| t.id).ok()?;
    let inactive_plan = row.inactive.as_ref().map(|(_, subject)| subject.to_string());
    Some(UnplannedWire { track: super::track::track(view, &view.tracks[at]), inactive_plan })
}

/// A plan that nobody flies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct UnflownWire {
    subject: String,
    owner: String,
    callsign: Option<String>,
    /// The drone traffic service whose operational intent it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    uss: Option<String>,
    since_utc_ms: i64,
    why: &'static str,
}

pub(crate) fn unflown(view: &View, row: &Unflown) -> UnflownWire {
    let is_it = |plan: &&PlanView| {
        plan.subject == row.subject && owner(view, plan.owner).is_some_and(|owner| owner == row.owner.as_str())
    };
    let plan = view.plans.iter().find(is_it);
    UnflownWire {
        subject: row.subject.to_string(),
        owner: row.owner.to_string(),
        callsign: plan.and_then(|plan| plan.plan.callsign.clone()),
        uss: plan.and_then(|plan| plan.uss.clone()),
        since_utc_ms: row.since.0,
        why: row.why,
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, v)| v == value).map_or("unknown", |(word, _)| word)
}

/// A plan as filed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PlanBody {
    callsign: Option<String>,
    class: &'static str,
    state: &'static str,
    priority: i32,
    special: Option<&'static str>,
    address: Option<String>,
    volumes: Vec<VolumeWire>,
}

/// A plan with where it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PlanWire {
    subject: String,
    revision: u32,
    owner: Option<String>,
    #[serde(flatten)]
    plan: PlanBody,
    conflicts: Vec<String>,
    /// The drone traffic service whose operational intent it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    uss: Option<String>,
}

/// A site as filed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct SiteBody {
    category: &'static str,
    name: Option<String>,
    footprint: OutlineWire,
    buffer_m: f64,
    verification: &'static str,
    expires_utc_ms: i64,
}

/// A site with where it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct SiteWire {
    subject: String,
    revision: u32,
    owner: Option<String>,
    #[serde(flatten)]
    site: SiteBody,
    expired: bool,
}

/// An avoid area.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct AvoidWire {
    subject: String,
    owner: Option<String>,
    volumes: Vec<VolumeWire>,
}

pub(crate) fn plan_body(plan: &Plan) -> PlanBody {
    PlanBody {
        callsign: plan.callsign.clone(),
        class: plan.class.name(),
        state: word(&STATES, &plan.state),
        priority: plan.priority,
        special: plan.special.as_ref().map(|s| word(&SPECIAL, s)),
        address: plan.address.map(|bits| format!("{bits:06x}")),
        volumes: plan.volumes.iter().map(volume).collect(),
    }
}

pub(crate) fn plan(view: &View, of: &PlanView) -> PlanWire {
    PlanWire {
        subject: of.subject.to_string(),
        revision: of.revision,
        owner: owner(view, of.owner),
        plan: plan_body(&of.plan),
        conflicts: of.conflicts.clone(),
        uss: of.uss.clone(),
    }
}

pub(crate) fn site_body(site: &Site) -> SiteBody {
    SiteBody {
        category: word(&CATEGORIES, &site.category),
        name: site.name.clone(),
        footprint: outline(&site.footprint),
        buffer_m: metres(site.buffer_mm),
        verification: word(&VERIFICATIONS, &site.verification),
        expires_utc_ms: site.expires.0,
    }
}

pub(crate) fn site(view: &View, of: &SiteView) -> SiteWire {
    SiteWire {
        subject: of.subject.to_string(),
        revision: of.revision,
        owner: owner(view, of.owner),
        site: site_body(&of.site),
        expired: of.site.expires < view.utc,
    }
}

pub(crate) fn avoid(view: &View, of: &AvoidView) -> AvoidWire {
    AvoidWire {
        subject: of.subject.to_string(),
        owner: owner(view, of.owner),
        volumes: of.volumes.iter().map(volume).collect(),
    }
}

/// A site over which, or in whose buffer, a place lies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct NearWire {
    owner: String,
    subject: String,
    name: Option<String>,
    category: &'static str,
    verification: &'static str,
    distance_m: f64,
    buffer_m: f64,
    over: bool,
    expired: bool,
}

/// Answer to `POST /v1/sites/check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CheckWire {
    place: Place,
    radius_m: f64,
    notations: BTreeMap<&'static str, String>,
    sites: Vec<NearWire>,
    more: usize,
}

pub(crate) fn checked(at: Where, near: &[NearSite], more: usize, now: Utc) -> CheckWire {
    let one = |n: &NearSite| NearWire {
        owner: n.owner.to_string(),
        subject: n.subject.to_string(),
        name: n.site.name.clone(),
        category: word(&CATEGORIES, &n.site.category),
        verification: word(&VERIFICATIONS, &n.site.verification),
        distance_m: (n.distance_m * 100.0).round() / 100.0,
        buffer_m: metres(n.site.buffer_mm),
        over: n.distance_m <= 0.0,
        expired: n.site.expires < now,
    };
    CheckWire {
        place: vertex(at.at),
        radius_m: metres(at.radius_mm),
        notations: Notation::ALL.map(|n| (n.name(), notation::show(at.at, n))).into(),
        sites: near.iter().map(one).collect(),
        more,
    }
}

/// The body of `POST /v1/sites/check`.
pub(crate) fn read_check(node: &Node<'_>) -> Option<Where> {
    let mut o = node.object()?;
    let place = o.required("place").and_then(|n| read_where(&n));
    o.end();
    place
}

// --- reading ------------------------------------------------------------------------------------------------------

/// The body of `POST /v1/plans` and `PUT /v1/plans/{subject}`: the plan, and its marking if the body has one (`null` for none).
pub(crate) fn read_marked_plan(node: &Node<'_>) -> Option<(Plan, Option<Option<Marking>>)> {
    let mut o = node.object()?;
    let marking = if o.has("marking") { Some(read_marking(&mut o)?) } else { None };
    let callsign = o.optional("callsign").and_then(|n| read_name(&n, 16));
    let class = o.required("class").and_then(|n| n.word(&AIRCRAFT));
    let state = o.required("state").and_then(|n| n.word(&STATES));
    let priority = o.optional("priority").map_or(Some(0), |n| n.integer(-100..=100));
    let special = o.optional("special").and_then(|n| n.word(&SPECIAL));
    let address = o.optional("address").and_then(|n| n.parsed("six hexadecimal digits", read_address));
    let volumes = o.required("volumes").and_then(|n| read_plan_volumes(&n));
    o.end();
    let priority = priority? as i32;
    let plan = Plan { callsign, class: class?, state: state?, priority, special, volumes: volumes?, address };
    Some((plan, marking))
}

/// The body of `PUT /v1/plans/{subject}/state`.
pub(crate) fn read_state(node: &Node<'_>) -> Option<PlanState> {
    let mut o = node.object()?;
    let state = o.required("state").and_then(|n| n.word(&STATES));
    o.end();
    state
}

fn read_address(text: &str) -> Option<u32> {
    let fits = text.len() == 6 && text.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

/// A name on one line, bounded in bytes as the core bounds it.
fn read_name(node: &Node<'_>, bytes_max: usize) -> Option<String> {
    let text = node.text(1..=bytes_max)?;
    if text.len() > bytes_max || text.contains('\n') {
        return node.refuse(format!("must be one line of at most {bytes_max} bytes in UTF-8"));
    }
    Some(text.to_owned())
}

/// The body of `POST /v1/sites` and `PUT /v1/sites/{subject}`.
pub(crate) fn read_site(node: &Node<'_>) -> Option<Site> {
    let mut o = node.object()?;
    let category = o.required("category").and_then(|n| n.word(&CATEGORIES));
    let name = o.optional("name").and_then(|n| read_name(&n, 80));
    let footprint = o.required("footprint").and_then(|n| read_outline(&n));
    let buffer = o.required("buffer_m").and_then(|n| n.number(0.0..=limits::RADIUS_MAX_MM as f64 / 1000.0));
    let verification = o.required("verification").and_then(|n| n.word(&VERIFICATIONS));
    let expires = o.required("expires_utc_ms").and_then(|n| read_utc(&n));
    o.end();
    let buffer_mm = (buffer? * 1000.0).round() as i64;
    let (footprint, verification) = (footprint?, verification?);
    let site = Site { category: category?, name, footprint, buffer_mm, verification, expires: expires? };
    match site.check() {
        Ok(()) => Some(site),
        Err(error) => node.refuse(error.to_string()),
    }
}

/// A subject as it stands in a path.
pub(crate) fn parse_subject(text: &str) -> Option<SubjectId> {
    SubjectId::parse(text)
}
