//! The losses of separation that there were.
use ::detect::{Minima, observed_between};
use std::collections::BTreeMap;
use track::TrackReport;
use units::Utc;

/// Two aircraft, the lower key first.
pub type Pair = (u64, u64);

/// A loss of separation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who.
    pub pair: Pair,
    /// First time.
    pub start: Utc,
    /// Last time.
    pub end: Utc,
}

/// Times at most so far apart are one event.
const APART_MS: i64 = 30_000;
/// Keys of what has no ICAO address.
const UNNAMED: u64 = 1 << 63;

/// What an aircraft is known by: its ICAO address, else the source's own number.
pub fn key(report: &TrackReport) -> u64 {
    match report.address {
        Some(address) if address.is_icao() => u64::from(address.bits()),
        Some(address) => UNNAMED | u64::from(address.bits()),
        None => report.local & !UNNAMED,
    }
}

/// Whether a key is of an aircraft, and not of a ground system's track, which may be one that has another key as well.
pub fn is_named(key: u64) -> bool {
    key & UNNAMED == 0
}

/// Every loss of two named aircraft, by brute force over all pairs whose times and places overlap.
pub fn losses(reports: &[TrackReport], minima: &pact::Minima) -> Vec<Event> {
    let minima = Minima { lateral_mm: minima.lateral_mm, vertical: minima.vertical, horizon_ms: minima.horizon_ms };
    let mut tracks: BTreeMap<u64, Vec<TrackReport>> = BTreeMap::new();
    for report in reports.iter().filter(|r| is_named(key(r))) {
        let of = tracks.entry(key(report)).or_default();
        if of.last().is_none_or(|last| last.at < report.at) {
            of.push(*report);
        }
    }
    let tracks: Vec<(u64, Vec<TrackReport>)> = tracks.into_iter().collect();
    let mut events = Vec::new();
    for (n, (a, of_a)) in tracks.iter().enumerate() {
        for (b, of_b) in &tracks[n + 1..] {
            if of_a[0].at > of_b[of_b.len() - 1].at || of_b[0].at > of_a[of_a.len() - 1].at {
                continue;
            }
            let common = |of: &'_ [TrackReport], with: &[TrackReport]| {
                let (from, to) = (with[0].at.plus_ms(-60_000), with[with.len() - 1].at.plus_ms(60_000));
                (of.partition_point(|r| r.at < from), of.partition_point(|r| r.at <= to))
            };
            let ((af, at), (bf, bt)) = (common(of_a, of_b), common(of_b, of_a));
            let seen = observed_between(&of_a[af..at], &of_b[bf..bt]);
            let lost: Vec<Utc> = seen.iter().filter(|seen| seen.violates(&minima)).map(|seen| seen.at).collect();
            for event in lost.chunk_by(|x, y| y.since_ms(*x) <= APART_MS) {
                events.push(Event { pair: (*a, *b), start: event[0], end: event[event.len() - 1] });
            }
        }
    }
    events
}
