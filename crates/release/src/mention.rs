//! Which own aircraft a record tells of, and by which rule each was let out: for the own ledger. It stands beside the record
//! and never in it, so nothing of it leaves.
use airspace::Plan;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use track::{Address, Callsign, TrackReport};

/// Aircraft named beside one record: 100,000 × 40 B are 4 MB. A batch holds 800 rows; in its cells or areas there may be every
/// own aircraft that a node holds, and those are 100,000. All records of one bin together name each aircraft once.
pub const MENTIONS_MAX: usize = 100_000;

/// Who an own aircraft was when it was offered for release, whatever of it was let out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Who {
    /// Address, as claimed.
    #[n(0)]
    pub address: Option<Address>,
    /// Callsign, as claimed.
    #[n(1)]
    pub callsign: Option<Callsign>,
}

impl Who {
    /// As a report has it.
    pub(crate) const fn of(report: &TrackReport) -> Self {
        Self { address: report.address, callsign: report.callsign }
    }
}

/// An own aircraft in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention {
    /// Which row of the batch, or volume of the avoid area, tells of it, from 0.
    pub row: u32,
    /// Index of the rule that let it out, in the peer's list, from 0.
    pub rule: u16,
    /// The internal number under which it was offered.
    pub internal: u64,
    /// Who it was then.
    pub who: Who,
}

/// Whose plan a record tells of, whatever of that was let out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PlanOf {
    /// ICAO address expected to fly it.
    #[n(0)]
    pub address: Option<u32>,
    /// Callsign as filed.
    #[n(1)]
    pub callsign: Option<String>,
}

impl PlanOf {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { address: plan.address, callsign: plan.callsign.clone() }
    }
}

/// All that a record tells of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mentions {
    aircraft: Vec<Mention>,
    cut: u32,
    /// The plan, if it tells of one.
    pub plan: Option<PlanOf>,
}

impl Mentions {
    /// Of a record that tells of these aircraft.
    pub(crate) fn of(aircraft: impl IntoIterator<Item = Mention>) -> Self {
        let mut all = aircraft.into_iter();
        let named: Vec<Mention> = all.by_ref().take(MENTIONS_MAX).collect();
        Self { aircraft: named, cut: u32::try_from(all.count()).unwrap_or(u32::MAX), plan: None }
    }

    /// Of a record that tells of a plan.
    pub(crate) fn plan(plan: Option<PlanOf>) -> Self {
        Self { plan, ..Self::default() }
    }

    /// Own aircraft in it, by row.
    #[must_use]
    pub fn aircraft(&self) -> &[Mention] {
        &self.aircraft
    }

    /// Aircraft left out beyond [`MENTIONS_MAX`]. Never silent: show it.
    #[must_use]
    pub fn cut(&self) -> u32 {
        self.cut
    }

    /// Every rule that let some of them out.
    #[must_use]
    pub fn rules(&self) -> BTreeSet<u16> {
        self.aircraft.iter().map(|mention| mention.rule).collect()
    }

    /// The first of them.
    pub(crate) fn first_rule(&self) -> Option<u16> {
        self.aircraft.iter().map(|mention| mention.rule).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let mention = |n: usize| {
            let (who, rule) = (Who { address: None, callsign: None }, (n % 2) as u16 + 4);
            Mention { row: 0, rule, internal: n as u64, who }
        };
        let of = |n: usize| Mentions::of((0..n).map(mention));
        assert_eq!((of(3).aircraft().len(), of(3).cut()), (3, 0));
        assert_eq!((of(3).rules(), of(1).first_rule(), of(0).first_rule()), ([4, 5].into(), Some(4), None));
        let many = of(MENTIONS_MAX + 7);
        assert_eq!((many.aircraft().len(), many.cut()), (MENTIONS_MAX, 7));
    }
}
