//! Plans: what a party intends to fly (operational intent in ASTM F3548-21, mission or ACM in an ACO).
use crate::volume::{Volume4d, VolumeError, limits};
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::AircraftClass;

/// Where a plan stands (F3548-21 states, with `Draft` before release and `Cancelled`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum PlanState {
    /// Being written; never leaves the node.
    #[n(0)]
    Draft,
    /// Intended (F3548 Accepted).
    #[n(1)]
    Accepted,
    /// Being flown (F3548 Activated).
    #[n(2)]
    Activated,
    /// Flown outside its volumes (F3548 Nonconforming).
    #[n(3)]
    Nonconforming,
    /// Emergency (F3548 Contingent).
    #[n(4)]
    Contingent,
    /// Flown (F3548 Ended).
    #[n(5)]
    Ended,
    /// Not to be flown.
    #[n(6)]
    Cancelled,
}

impl PlanState {
    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Accepted => "accepted",
            Self::Activated => "activated",
            Self::Nonconforming => "nonconforming",
            Self::Contingent => "contingent",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the plan still takes up airspace.
    #[must_use]
    pub const fn is_live(self) -> bool {
        !matches!(self, Self::Draft | Self::Ended | Self::Cancelled)
    }
}

/// Reason for special handling (ICAO flight plan item 18 `STS/`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum SpecialHandling {
    /// Humanitarian (`HUM`).
    #[n(0)]
    Humanitarian,
    /// Medical evacuation (`MEDEVAC`).
    #[n(1)]
    Medevac,
    /// Fire fighting (`FFR`).
    #[n(2)]
    FireFighting,
    /// Search and rescue (`SAR`).
    #[n(3)]
    SearchAndRescue,
    /// State aircraft (`STATE`).
    #[n(4)]
    State,
}

/// A plan. Its volumes are kept apart: collapsing a long route into one box makes false conflicts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Plan {
    /// Callsign as filed, at most 16 characters.
    #[n(0)]
    pub callsign: Option<String>,
    /// What kind of aircraft flies it.
    #[n(1)]
    pub class: AircraftClass,
    /// State.
    #[n(2)]
    pub state: PlanState,
    /// Priority (F3548-21 `priority`): higher wins; 0 is ordinary.
    #[n(3)]
    pub priority: i32,
    /// Special handling, if any.
    #[n(4)]
    pub special: Option<SpecialHandling>,
    /// The volumes, at least one, at most [`limits::VOLUMES_MAX`].
    #[n(5)]
    pub volumes: Vec<Volume4d>,
    /// ICAO address expected to fly it, for conformance and the unplanned-mover list.
    #[n(6)]
    pub address: Option<u32>,
}

impl Plan {
    /// Checks counts and every volume.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), VolumeError> {
        if self.volumes.is_empty() {
            return Err(VolumeError::NoVolume);
        }
        if self.volumes.len() > limits::VOLUMES_MAX {
            return Err(VolumeError::TooMany { what: "volumes", max: limits::VOLUMES_MAX, got: self.volumes.len() });
        }
        if let Some(callsign) = &self.callsign
            && callsign.len() > 16
        {
            return Err(VolumeError::TooMany { what: "characters of the callsign", max: 16, got: callsign.len() });
        }
        self.volumes.iter().try_for_each(Volume4d::check)
    }
}
