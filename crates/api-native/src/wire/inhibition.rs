//! What officers enter about conflicts: inhibitions, cleared levels.
use super::notice::read_text;
use super::volume::{AltitudeWire, VolumeWire, altitude, read_altitude, read_utc, read_volume, volume};
use crate::json::Node;
use node::{Cleared, Inhibited, Inhibition, REASON_MAX};
use serde::Serialize;
use units::{Altitude, Utc};

/// What conflicts: one of the three is given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct InhibitionWire {
    id: String,
    flight: Option<String>,
    pair: Option<[String; 2]>,
    volume: Option<VolumeWire>,
    owner: String,
    reason: String,
    since_utc_ms: i64,
    until_utc_ms: i64,
}

pub(crate) fn inhibition(of: &Inhibition) -> InhibitionWire {
    let (mut flight, mut pair, mut place) = (None, None, None);
    match &of.of {
        Inhibited::Flight(name) => flight = Some(name.clone()),
        Inhibited::Pair(a, b) => pair = Some([a.clone(), b.clone()]),
        Inhibited::Volume(of) => place = Some(volume(of)),
    }
    InhibitionWire {
        id: of.id.to_string(),
        flight,
        pair,
        volume: place,
        owner: of.owner.clone(),
        reason: of.reason.clone(),
        since_utc_ms: of.since.0,
        until_utc_ms: of.until.0,
    }
}

/// Bytes of a callsign or an address.
const NAME_MAX: usize = 16;

/// The body of `POST /v1/inhibitions`.
pub(crate) fn read_inhibit(node: &Node<'_>) -> Option<(Inhibited, String, Utc)> {
    let mut o = node.object()?;
    let name = |n: &Node<'_>| read_text(n, NAME_MAX);
    let flight = o.optional("flight").map(|n| name(&n).map(Inhibited::Flight));
    let pair = o.optional("pair").map(|n| {
        let [a, b] = n.list(2..=2, name)?.try_into().ok()?;
        Some(Inhibited::Pair(a, b))
    });
    let volume = o.optional("volume").map(|n| read_volume(&n).map(Inhibited::Volume));
    let reason = o.required("reason").and_then(|n| read_text(&n, REASON_MAX));
    let until = o.required("until_utc_ms").and_then(|n| read_utc(&n));
    o.end();
    let mut given = [flight, pair, volume].into_iter().flatten();
    let (Some(of), None) = (given.next(), given.next()) else {
        return node.refuse("must have one of flight, pair and volume");
    };
    Some((of?, reason?, until?))
}

/// The level that a flight is cleared to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ClearedWire {
    flight: String,
    level: Option<AltitudeWire>,
    by: String,
    until_utc_ms: i64,
}

pub(crate) fn cleared((flight, of): (&String, &Cleared)) -> ClearedWire {
    let level = altitude(Altitude::Known(of.level, of.reference));
    ClearedWire { flight: flight.clone(), level, by: of.by.clone(), until_utc_ms: of.until.0 }
}

/// The body of `POST /v1/cleared`.
pub(crate) fn read_cleared(node: &Node<'_>) -> Option<(String, Option<Altitude>, Utc)> {
    let mut o = node.object()?;
    let flight = o.required("flight").and_then(|n| read_text(&n, NAME_MAX));
    let level = match o.optional("level") {
        Some(level) => Some(Some(read_altitude(&level)?)),
        None => Some(None),
    };
    let until = o.required("until_utc_ms").and_then(|n| read_utc(&n));
    o.end();
    Some((flight?, level?, until?))
}
