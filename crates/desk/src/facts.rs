//! What an alert says.
use alloc::string::String;
use minicbor::{Decode, Encode};
use units::{Height, Reference, Utc};

use crate::alert::AlertLevel;

/// What is known of the situation, as of the last time it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Facts {
    /// In words, for people.
    #[n(0)]
    pub text: String,
    /// Closest approach.
    #[n(1)]
    pub cpa: Option<Utc>,
    /// Loss of minima begins.
    #[n(2)]
    pub loss: Option<Utc>,
    /// Lateral distance at the closest approach, millimetres.
    #[n(3)]
    pub cpa_mm: Option<i64>,
    /// Lateral distance now, millimetres.
    #[n(4)]
    pub distance_mm: Option<i64>,
    /// Vertical distance; `None` if a level is unknown.
    #[n(5)]
    pub vertical: Option<Height>,
    /// The reference in which the levels were compared.
    #[n(6)]
    pub reference: Option<Reference>,
    /// Minima are lost already.
    #[n(7)]
    pub violation: bool,
    /// The track that is ours to turn.
    #[n(8)]
    pub a: Option<u64>,
    /// The other track.
    #[n(9)]
    pub b: Option<u64>,
    /// Name of `a` for people; it outlives the track.
    #[n(10)]
    pub a_label: String,
    /// Name of `b` for people.
    #[n(11)]
    pub b_label: String,
    /// What the comparison of the levels rests on.
    #[n(12)]
    pub basis: Option<Basis>,
    /// Time of the older of the reports it rests on.
    #[n(13)]
    pub data_at: Option<Utc>,
    /// The answer asked for is overdue.
    #[n(14)]
    pub overdue: bool,
    /// A read-back came that differs from what was sent.
    #[n(15)]
    pub differs: bool,
    /// Who tells of `b`, by a number of the caller's; it outlives the track.
    #[n(16)]
    pub teller: Option<u16>,
    /// The inhibition that it is under, by its number: nothing in it makes it worse.
    #[n(17)]
    pub inhibited: Option<u64>,
    /// What is taken for where they are going, in words; nothing if both go on as they do.
    #[n(18)]
    pub intent: Option<String>,
    /// Who gave which reason for it to stay.
    #[n(19)]
    pub reason: Option<String>,
    /// What it would be without the inhibition.
    #[n(20)]
    pub uninhibited: Option<AlertLevel>,
}

impl Facts {
    /// An officer has said what becomes of it, by an inhibition or a reason: it waits for nobody.
    pub(crate) fn is_answered(&self) -> bool {
        self.inhibited.is_some() || self.reason.is_some()
    }

    /// What makes a situation worse whatever its level, as bits: each sounds again when it first comes.
    pub(crate) fn aggravations(&self) -> u8 {
        if self.inhibited.is_some() {
            return 0;
        }
        u8::from(self.violation) | u8::from(self.overdue) << 1 | u8::from(self.differs) << 2
    }
}

/// What a comparison of two levels rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Basis {
    /// Both pressure altitude.
    #[n(0)]
    Pressure,
    /// Both height above WGS-84.
    #[n(1)]
    Wgs84,
    /// One of each.
    #[n(2)]
    Mixed,
    /// At least one level is not known.
    #[n(3)]
    UnknownLevel,
}

impl Basis {
    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pressure => "pressure",
            Self::Wgs84 => "wgs84",
            Self::Mixed => "mixed",
            Self::UnknownLevel => "unknown-level",
        }
    }
}
