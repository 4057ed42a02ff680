//! Which own aircraft a record tells of, and by which rule each was let out: for the own ledger. It stands beside the record
//! and never in it, so nothing of it leaves.
use airspace::Plan;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use track::{Address, Callsign, TrackReport};

/// Aircraft named beside one record: 100,000 × 24 B are 2.4 MB. A batch holds 800 rows; in its cells or areas there may be every
/// own aircraft that a node holds, and those are 100,000. All records of one bin together name each aircraft once.
pub const MENTIONS_MAX: usize = 100_000;

/// Who an own aircraft was when it was offered for release, whatever of it was let out. In as few bytes as there are: one
/// stands beside every row that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Who {
    /// One more than the address's bits; 0 is none.
    #[n(0)]
    address: u32,
    /// The callsign's bits; 0 is none.
    #[n(1)]
    callsign: u64,
}

impl Who {
    /// As a report has it.
    pub(crate) fn of(report: &TrackReport) -> Self {
        Self {
            address: report.address.map_or(0, |address| address.bits() + 1),
            callsign: report.callsign.map_or(0, Callsign::bits),
        }
    }

    /// Address, as claimed.
    #[must_use]
    pub fn address(self) -> Option<Address> {
        self.address.checked_sub(1).and_then(Address::from_bits)
    }

    /// Callsign, as claimed.
    #[must_use]
    pub fn callsign(self) -> Option<Callsign> {
        Callsign::from_bits(self.callsign)
    }
}

/// An own aircraft in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention {
    /// The internal number under which it was offered.
    pub internal: u64,
    callsign: u64,
    address: u32,
    /// Which row of the batch, or volume of the avoid area, tells of it, from 0.
    pub row: u16,
    /// Index of the rule that let it out, in the peer's list, from 0.
    pub rule: u16,
}

impl Mention {
    pub(crate) const fn new(internal: u64, who: Who, row: usize, rule: u16) -> Self {
        const { assert!(record::BATCH_MAX <= u16::MAX as usize) };
        Self { internal, callsign: who.callsign, address: who.address, row: row as u16, rule }
    }

    /// The same in another row.
    pub(crate) const fn told_in(self, row: usize) -> Self {
        Self { row: row as u16, ..self }
    }

    /// Who it was then.
    #[must_use]
    pub const fn who(self) -> Who {
        Who { address: self.address, callsign: self.callsign }
    }
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
    fn who_it_was_comes_out_as_it_went_in() {
        let (address, sign) = (|bits| Address::from_bits(bits), |text| Callsign::parse(text).ok());
        for (address, callsign) in [(None, None), (address(0), sign("A")), (address(0x1ff_ffff), sign("ABCDEFG9"))] {
            let report =
                TrackReport { address, callsign, ..TrackReport::new(1, Default::default(), Default::default()) };
            let who = Mention::new(1, Who::of(&report), 2, 3).who();
            assert_eq!((who.address(), who.callsign()), (address, callsign));
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mention = |n: usize| Mention::new(n as u64, Who::default(), 0, (n % 2) as u16 + 4);
        let of = |n: usize| Mentions::of((0..n).map(mention));
        assert_eq!((of(3).aircraft().len(), of(3).cut()), (3, 0));
        assert_eq!((of(3).rules(), of(1).first_rule(), of(0).first_rule()), ([4, 5].into(), Some(4), None));
        let many = of(MENTIONS_MAX + 7);
        assert_eq!((many.aircraft().len(), many.cut()), (MENTIONS_MAX, 7));
    }
}
