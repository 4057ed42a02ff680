//! The pacts of the last start, parsed.
use crate::detecting::minima_of;
use alloc::string::String;
use alloc::vec::Vec;
use detect::{Airspace, MinimaTable};
use pact::SignedPact;
use record::PartyId;

/// Pacts parsed from the boot's texts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pacts {
    pub(crate) list: Vec<SignedPact>,
    pub(crate) minima: Option<MinimaTable>,
    /// The airspace of each, ready to be asked; none for one that a detector cannot prepare, which then limits nothing.
    pub(crate) airspaces: Vec<Option<Airspace>>,
}

impl Pacts {
    pub(crate) fn read(texts: &[String]) -> Self {
        // The shell checks texts before it boots a node with them; one that does not parse here names no peer.
        let list: Vec<SignedPact> = texts.iter().filter_map(|t| SignedPact::parse(t.as_bytes()).ok()).collect();
        let minima = minima_of(&list);
        let airspace = |p: &SignedPact| Airspace::prepare(&p.pact().area, p.pact().lower, p.pact().upper).ok();
        let airspaces = list.iter().map(airspace).collect();
        Self { list, minima, airspaces }
    }

    pub(crate) fn with(&self, peer: &PartyId) -> Option<&SignedPact> {
        self.list.iter().find(|p| p.pact().party(peer).is_some())
    }
}
