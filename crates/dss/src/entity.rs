//! What is held.
use crate::id::Id;
use crate::text::Text;
use crate::volume::Extent;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};

/// State of an operational intent, as a DSS knows it; one that has ended is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum IntentState {
    /// Planned.
    #[n(0)]
    Accepted,
    /// In use.
    #[n(1)]
    Activated,
    /// Its aircraft is out of its volumes.
    #[n(2)]
    Nonconforming,
    /// Its aircraft is not under control as planned.
    #[n(3)]
    Contingent,
}

impl IntentState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Accepted, Self::Activated, Self::Nonconforming, Self::Contingent];

    /// The standard's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Activated => "Activated",
            Self::Nonconforming => "Nonconforming",
            Self::Contingent => "Contingent",
        }
    }

    /// Whether to enter it the key must name every relevant version (F3548-21 SCD0050 to SCD0065).
    #[must_use]
    pub const fn needs_key(self) -> bool {
        matches!(self, Self::Accepted | Self::Activated)
    }

    /// Whether it is entered under conformance monitoring for situational awareness alone (SCD0100).
    #[must_use]
    pub const fn needs_cmsa(self) -> bool {
        matches!(self, Self::Nonconforming | Self::Contingent)
    }

    /// Whether the intent must have a subscription.
    #[must_use]
    pub const fn needs_subscription(self) -> bool {
        !matches!(self, Self::Accepted)
    }
}

/// A reference to an operational intent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Intent {
    /// The USS that wrote it: `sub` of its token.
    #[n(0)]
    pub manager: Text,
    /// Counts its versions, from 1.
    #[n(1)]
    pub version: u32,
    /// Opaque version number.
    #[n(2)]
    pub ovn: String,
    /// State.
    #[n(3)]
    pub state: IntentState,
    /// Where its details are.
    #[n(4)]
    pub uss_base_url: Text,
    /// The subscription that supports it.
    #[n(5)]
    pub subscription: Option<Id>,
    /// Volumes.
    #[n(6)]
    pub extents: Vec<Extent>,
    /// Hash of the request that made this version, for a client that asks again.
    #[n(7)]
    #[cbor(with = "minicbor::bytes")]
    pub asked: [u8; 16],
    /// Shown by the service itself: a peer's.
    #[n(8)]
    #[cbor(default)]
    pub shown: bool,
}

impl Intent {
    /// Whether it is this client's. A peer's is no client's, whatever a client calls itself.
    pub(crate) fn is_of(&self, client: &str) -> bool {
        !self.shown && *self.manager == *client
    }
}

/// A reference to a constraint.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Constraint {
    /// The USS that wrote it.
    #[n(0)]
    pub manager: Text,
    /// Counts its versions, from 1.
    #[n(1)]
    pub version: u32,
    /// Opaque version number.
    #[n(2)]
    pub ovn: String,
    /// Where its details are.
    #[n(3)]
    pub uss_base_url: Text,
    /// Volumes.
    #[n(4)]
    pub extents: Vec<Extent>,
    /// Hash of the request that made this version.
    #[n(5)]
    #[cbor(with = "minicbor::bytes")]
    pub asked: [u8; 16],
    /// Shown by the service itself: a peer's.
    #[n(6)]
    #[cbor(default)]
    pub shown: bool,
}

impl Constraint {
    /// Whether it is this client's.
    pub(crate) fn is_of(&self, client: &str) -> bool {
        !self.shown && *self.manager == *client
    }
}

/// A subscription to changes in a volume.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Subscription {
    /// The USS that wrote it.
    #[n(0)]
    pub manager: Text,
    /// Its version.
    #[n(1)]
    pub version: String,
    /// Counts notifications, from 0 for none.
    #[n(2)]
    pub index: u32,
    /// Who is to be told, where.
    #[n(3)]
    pub uss_base_url: Text,
    /// Told of intents.
    #[n(4)]
    pub intents: bool,
    /// Told of constraints.
    #[n(5)]
    pub constraints: bool,
    /// Made with an intent and removed with the last that rests on it.
    #[n(6)]
    pub implicit: bool,
    /// Where and when.
    #[n(7)]
    pub extent: Extent,
    /// Intents that rest on it.
    #[n(8)]
    pub dependent: BTreeSet<Id>,
    /// Hash of the request that made this version.
    #[n(9)]
    #[cbor(with = "minicbor::bytes")]
    pub asked: [u8; 16],
}

/// What is known of a USS's service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum AvailabilityState {
    /// Nobody said.
    #[n(0)]
    #[default]
    Unknown,
    /// In service.
    #[n(1)]
    Normal,
    /// Out of service.
    #[n(2)]
    Down,
}

impl AvailabilityState {
    /// The standard's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Normal => "Normal",
            Self::Down => "Down",
        }
    }
}

/// A USS's availability as an arbiter set it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Availability {
    /// State.
    #[n(0)]
    pub state: AvailabilityState,
    /// Version of this statement.
    #[n(1)]
    pub version: String,
    /// Who stated it.
    #[n(2)]
    pub by: String,
    /// Hash of the request that stated it.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub asked: [u8; 16],
}

/// A report of a problem with the DSS, as a USS made it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Report {
    /// Its number.
    #[n(0)]
    pub id: Id,
    /// Who made it.
    #[n(1)]
    pub by: String,
    /// When, microseconds UTC.
    #[n(2)]
    pub at: i64,
    /// The JSON as received.
    #[n(3)]
    pub body: String,
}
