//! Verdicts.
use minicbor::{Decode, Encode};

/// What a detector says. `Clear` is a proof within the model; whatever cannot be proved is `Unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Verdict<T> {
    /// They meet, in this way.
    #[n(0)]
    Conflict(#[n(0)] T),
    /// They do not meet.
    #[n(1)]
    Clear,
    /// It cannot be told.
    #[n(2)]
    Unknown(#[n(0)] Why),
}

impl<T> Verdict<T> {
    /// The conflict, if it is one.
    #[must_use]
    pub fn conflict(self) -> Option<T> {
        match self {
            Self::Conflict(t) => Some(t),
            Self::Clear | Self::Unknown(_) => None,
        }
    }
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, thiserror::Error)]
pub enum Why {
    /// The report is older than [`crate::AGE_MAX_MS`]; it is not extrapolated.
    #[n(0)]
    #[error("the report is {age_ms} ms old")]
    Stale {
        /// Age at the reference time.
        #[n(0)]
        age_ms: i64,
    },
    /// The report claims a time more than [`crate::AHEAD_MAX_MS`] after the reference time: a clock is wrong.
    #[n(1)]
    #[error("the report's time lies {ahead_ms} ms ahead")]
    Ahead {
        /// How far ahead.
        #[n(0)]
        ahead_ms: i64,
    },
    /// Speed or track angle was not reported and the other aircraft is near enough for it to matter.
    #[n(2)]
    #[error("speed or track angle is not known")]
    Velocity,
    /// The two states were prepared for different reference times.
    #[n(3)]
    #[error("the states apply to different times")]
    ReferenceTime,
    /// One state lies on the earth and the other in a plane ([`crate::Kinematics::from_plane`]), or a state in a plane is
    /// asked about a place on the earth.
    #[n(4)]
    #[error("the states are of different frames")]
    Frame,
}
