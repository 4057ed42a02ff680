//! Whom a plan is for: by address, by callsign.
use crate::picture::SystemTrack;
use airspace::Plan;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use track::Address;

/// What a plan names, or an aircraft is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) address: Option<Address>,
    /// In capitals, without spaces around it.
    callsign: Option<String>,
}

impl Name {
    pub(crate) fn of_plan(plan: &Plan) -> Self {
        let callsign = plan.callsign.as_ref().map(|callsign| callsign.trim().to_ascii_uppercase());
        Self { address: plan.address.and_then(Address::icao), callsign }
    }

    pub(crate) fn of_track(track: &SystemTrack) -> Self {
        let callsign = track.callsign().map(|callsign| callsign.to_string().trim().to_ascii_uppercase());
        Self { address: track.address, callsign }
    }

    /// Whether a plan that names this is for an aircraft that is named so.
    pub(crate) fn is_for(&self, aircraft: &Self) -> bool {
        let same_address = self.address.is_some() && self.address == aircraft.address;
        let same_callsign = self.callsign.is_some() && self.callsign == aircraft.callsign;
        // By address if it has one: a callsign may be flown by another aircraft tomorrow.
        same_address || (self.address.is_none() || aircraft.address.is_none()) && same_callsign
    }
}

/// Places in a list by the address and by the callsign that are there; any number may bear the same.
#[derive(Default)]
pub(crate) struct ByName<'n> {
    address: BTreeMap<Address, Vec<usize>>,
    callsign: BTreeMap<&'n str, Vec<usize>>,
}

impl<'n> ByName<'n> {
    pub(crate) fn of(list: impl Iterator<Item = &'n Name>) -> Self {
        let mut by = Self::default();
        for (place, name) in list.enumerate() {
            if let Some(address) = name.address {
                by.address.entry(address).or_default().push(place);
            }
            if let Some(callsign) = &name.callsign {
                by.callsign.entry(callsign).or_default().push(place);
            }
        }
        by
    }

    /// Where the address or the callsign is, ascending.
    pub(crate) fn either(&self, name: &Name) -> Vec<usize> {
        let by_address = name.address.and_then(|address| self.address.get(&address));
        let by_callsign = name.callsign.as_deref().and_then(|callsign| self.callsign.get(callsign));
        let mut places: Vec<usize> = by_address.into_iter().chain(by_callsign).flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}
