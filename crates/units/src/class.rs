//! Classes of aircraft: the key of the pact's table of minima.
use minicbor::{Decode, Encode};

/// What kind of aircraft, for the pact's minima per pair of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum AircraftClass {
    /// Not known: the widest minima apply.
    #[n(0)]
    #[default]
    Unknown,
    /// Civil, crewed.
    #[n(1)]
    Civil,
    /// Military or other state aircraft, crewed.
    #[n(2)]
    Military,
    /// Uncrewed.
    #[n(3)]
    Uas,
    /// Humanitarian, medical, fire or rescue flight.
    #[n(4)]
    Humanitarian,
}

impl AircraftClass {
    /// Every class, in order of its number.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Civil, Self::Military, Self::Uas, Self::Humanitarian];

    /// The name used in files and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Civil => "civil",
            Self::Military => "military",
            Self::Uas => "uas",
            Self::Humanitarian => "humanitarian",
        }
    }

    /// From [`AircraftClass::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}
