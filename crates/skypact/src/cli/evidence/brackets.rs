//! Between which moments something was told, by the order of both logs; and what claims another time.
//!
//! An addressee that cosigns a size holds exactly that many entries. So what stands at or above the size was told after the
//! date of the cosignature, and what stands below it was told before. Both dates are by the addressee's clock, the
//! claim is by its issuer's.
use crate::cli::evidence::history::seconds;
use crate::cli::evidence::trust::Ends;
use crate::clock::rfc3339;
use record::{Body, Hash32};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tlog::{Bundle, LinkReport, LogReport, Report};
use units::Utc;

/// A claimed time further than this from what the logs allow is said: a clock of five seconds' error is the pact's matter.
pub const SHOWN_MS: i64 = 5_000;
/// Claims listed of one log; the rest is counted.
const LISTED_MAX: usize = 100;

/// Between which moments something was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bracket {
    /// The addressee signed for the log at this time, and this was not in it.
    pub after: Option<Utc>,
    /// The addressee signed for it at this time at the latest.
    pub before: Option<Utc>,
}

impl Bracket {
    /// How far a claimed time lies outside, ms: negative before, positive after, 0 within.
    pub fn off_ms(&self, claimed: Utc) -> i64 {
        desk::claimed_off_ms(claimed, self.after, self.before)
    }

    /// The bracket in words.
    pub fn text(&self) -> String {
        match (self.after, self.before) {
            (Some(after), Some(before)) => format!("told between {} and {}", rfc3339(after), rfc3339(before)),
            (Some(after), None) => format!("told after {}", rfc3339(after)),
            (None, Some(before)) => format!("told before {}", rfc3339(before)),
            (None, None) => "no receipt says when it was told".into(),
        }
    }

    /// For machines.
    pub fn json(&self) -> Value {
        json!({ "after": self.after.map(rfc3339), "before": self.before.map(rfc3339) })
    }
}

/// The dated receipts of a log's addressee.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dated {
    sizes: Vec<u64>,
    /// At each size, the latest date of it and of all smaller ones.
    held: Vec<Utc>,
    /// At each size, the earliest date of it and of all larger ones.
    by: Vec<Utc>,
}

impl Dated {
    /// From sizes and dates in whole seconds.
    pub fn new(mut receipts: Vec<(u64, Utc)>) -> Self {
        receipts.sort_by_key(|(size, at)| (*size, at.0));
        let mut dated = Self { sizes: receipts.iter().map(|(size, _)| *size).collect(), ..Self::default() };
        let latest = |seen: &mut Utc, at: Utc| {
            *seen = if at.0 > seen.0 { at } else { *seen };
            Some(*seen)
        };
        dated.held = receipts.iter().scan(Utc(i64::MIN), |seen, (_, at)| latest(seen, *at)).collect();
        let earliest = |seen: &mut Utc, at: Utc| {
            *seen = if at.0 < seen.0 { at } else { *seen };
            Some(*seen)
        };
        dated.by = receipts.iter().rev().scan(Utc(i64::MAX), |seen, (_, at)| earliest(seen, *at)).collect();
        dated.by.reverse();
        dated
    }

    /// Those that a verified bundle holds of one log. Checkpoints that are joined to no other count only if nothing else
    /// does: a history that contradicts the one shown dates nothing.
    pub fn of(report: &LogReport) -> Self {
        let Some(ends) = Ends::of(&report.origin) else { return Self::default() };
        let name = format!("skypact.link/{}", ends.to);
        let joined: Vec<u32> = report
            .links
            .iter()
            .filter_map(|link| match link {
                LinkReport::Extends { older, newer } => Some([*older, *newer]),
                _ => None,
            })
            .flatten()
            .collect();
        let counts = |number: u32| joined.contains(&number) || (joined.is_empty() && report.checkpoints.len() == 1);
        let receipts = (0u32..).zip(&report.checkpoints).filter(|(number, _)| counts(*number)).flat_map(|(_, c)| {
            let size = c.verified.as_ref().map_or(0, |tree| tree.size);
            c.cosigned.iter().filter(|by| by.name == name).map(move |by| (size, seconds(by.time_s)))
        });
        Self::new(receipts.collect())
    }

    /// Between which moments the entry was told.
    pub fn bracket(&self, index: u64) -> Bracket {
        let at = self.sizes.partition_point(|size| *size <= index);
        let after = at.checked_sub(1).map(|last| self.held[last]);
        // A cosignature's time is in whole seconds, rounded down.
        Bracket { after, before: self.by.get(at).map(|by| by.plus_ms(999)) }
    }
}

/// A claimed time outside of its bracket.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Entry of the log.
    pub index: u64,
    /// What is claimed: `issued`, or the level of a receipt.
    pub what: &'static str,
    /// The time claimed.
    pub claimed: Utc,
    /// What the logs allow.
    pub bracket: Bracket,
    /// How far outside, ms.
    pub off_ms: i64,
}

impl Claim {
    /// In words. That something was told late is no proof that it was made late; the reverse is.
    pub fn text(&self) -> String {
        let (off, what) = (self.off_ms.abs() as f64 / 1000.0, self.what);
        let means = match (self.off_ms > 0, what) {
            (true, _) => "after it was held: the claim or a clock is false",
            (false, "issued") => "before it can have been told: held up on the way, or dated back",
            (false, _) => "before there was anything to say it of: the claim or a clock is false",
        };
        let (index, claimed, bracket) = (self.index, rfc3339(self.claimed), self.bracket.text());
        format!("entry {index} claims {what} {claimed}, {off:.1} s {means}; {bracket}")
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let Self { index, what, claimed, bracket, off_ms } = self;
        json!({ "index": index, "what": what, "claimed": rfc3339(*claimed), "told": bracket.json(), "off_ms": off_ms })
    }
}

/// Claimed times of a verified bundle.
#[derive(Debug)]
pub struct Claims {
    /// Dated receipts, by log.
    pub dated: Vec<Dated>,
    /// Claims outside of their brackets, by log; the first of them.
    pub off: Vec<Vec<Claim>>,
    /// How many there are, by log.
    pub count: Vec<usize>,
}

impl Claims {
    /// Compares every time claimed in proven entries with the order of both logs.
    pub fn of(bundle: &Bundle, report: &Report) -> Self {
        let dated: Vec<Dated> = report.logs.iter().map(Dated::of).collect();
        let ends: Vec<Option<Ends>> = bundle.logs.iter().map(|log| Ends::of(&log.origin)).collect();
        let places = places(bundle, report);
        let (mut off, mut count) = (Vec::new(), Vec::new());
        for (n, log) in bundle.logs.iter().enumerate() {
            let mut found = Vec::new();
            let mut counted = 0;
            for (entry, _) in log.entries.iter().zip(&report.logs[n].good).filter(|(_, good)| **good) {
                let (Ok(decoded), Some(own)) = (record::decode(&entry.bytes), &ends[n]) else { continue };
                let record = decoded.record;
                if own.foreign(&record).is_some() {
                    continue;
                }
                let told = dated[n].bracket(entry.index);
                let mut claims = vec![("issued", record.issued_at, told)];
                if let Body::Receipt(receipt) = &record.body {
                    // It is dated before what it is for was there: by its issuer's own receipts.
                    let of = places
                        .get(&receipt.of)
                        .filter(|(log, _)| ends[*log].as_ref().is_some_and(|e| e.is_back_of(own)));
                    let after = of.and_then(|(log, index)| dated[*log].bracket(*index).after);
                    claims.push((receipt.level.name(), receipt.at, Bracket { after, before: told.before }));
                }
                for (what, claimed, bracket) in claims {
                    let off_ms = bracket.off_ms(claimed);
                    if off_ms.abs() >= SHOWN_MS + i64::from(record.issued_error_ms) {
                        counted += 1;
                        if found.len() < LISTED_MAX {
                            found.push(Claim { index: entry.index, what, claimed, bracket, off_ms });
                        }
                    }
                }
            }
            off.push(found);
            count.push(counted);
        }
        Self { dated, off, count }
    }
}

/// Where each proven record stands: log and entry.
fn places(bundle: &Bundle, report: &Report) -> BTreeMap<Hash32, (usize, u64)> {
    let mut out = BTreeMap::new();
    for (n, log) in bundle.logs.iter().enumerate() {
        for (entry, _) in log.entries.iter().zip(&report.logs[n].good).filter(|(_, good)| **good) {
            out.entry(Hash32::of(&entry.bytes)).or_insert((n, entry.index));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Utc {
        Utc(s * 1000)
    }

    #[test]
    fn an_entry_lies_between_the_last_receipt_without_it_and_the_first_with_it() {
        let dated = Dated::new(vec![(8, at(80)), (4, at(40)), (6, at(60))]);
        let bracket = |index| {
            let Bracket { after, before } = dated.bracket(index);
            (after.map(|t| t.0), before.map(|t| t.0))
        };
        assert_eq!(bracket(0), (None, Some(40_999)));
        assert_eq!(bracket(4), (Some(40_000), Some(60_999)));
        assert_eq!(bracket(5), (Some(40_000), Some(60_999)));
        assert_eq!(bracket(6), (Some(60_000), Some(80_999)));
        assert_eq!(bracket(8), (Some(80_000), None));
        assert_eq!(Dated::default().bracket(3), Bracket::default());
        // A clock that was set back in between: the widest that all receipts allow together.
        let dated = Dated::new(vec![(4, at(90)), (6, at(60)), (8, at(80))]);
        let Bracket { after, before } = dated.bracket(6);
        assert_eq!((after, before), (Some(at(90)), Some(Utc(80_999))));
    }
}
