//! The crate's one error, grouped by who is to blame.
use alloc::string::String;

/// Why bytes are no frame, or why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes of the peer that are no frame.
    #[error("not a frame of version 1: {what} at byte {at}")]
    Malformed {
        /// What was expected.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// Bytes of the peer beyond a bound.
    #[error("{what}: {found}, at most {max}")]
    TooLarge {
        /// What, with its unit.
        what: &'static str,
        /// How large.
        found: u64,
        /// The bound.
        max: u64,
    },
    /// A hello of another protocol version.
    #[error("the peer speaks link version {found}, this node {}", crate::VERSION)]
    Version {
        /// The peer's version.
        found: u64,
    },
    /// The link is frozen: nothing is appended under this log any more.
    #[error("the link is frozen: {0}")]
    Frozen(crate::FrozenReason),
    /// The caller is wrong.
    #[error("misuse: {0}")]
    Misuse(#[from] Misuse),
}

/// A call that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Both ends are one party.
    #[error("a link needs two parties")]
    OneParty,
    /// A key has another signature type than its place needs, or one key stands in two places.
    #[error(
        "key {0} cannot stand in this place: log keys are of type 0x01, cosigning keys of type 0x04, all different"
    )]
    Key(String),
    /// Checkpoints faster than the limit on frames allows, or an idle interval below the busy one.
    #[error("checkpoint intervals of {busy_ms} ms busy and {idle_ms} ms idle: 20 to 100, and at least 2x busy to 1000")]
    Interval {
        /// Busy interval.
        busy_ms: u32,
        /// Idle interval.
        idle_ms: u32,
    },
    /// A record that is not for this link.
    #[error("the record has another {0} than the link")]
    Record(&'static str),
}
