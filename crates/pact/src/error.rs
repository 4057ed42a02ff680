//! What can be wrong with a pact.
use alloc::string::String;
use record::PartyId;
use units::Utc;

/// Why a text is not a pact, or a pact is not in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PactError {
    /// Longer than [`crate::TEXT_BYTES_MAX`].
    #[error("the pact has {bytes} bytes, at most {}", crate::TEXT_BYTES_MAX)]
    TooLarge {
        /// Length.
        bytes: usize,
    },
    /// A line that is not well formed.
    #[error("line {line}, clause {clause}: {reason}")]
    Clause {
        /// Line, from 1.
        line: usize,
        /// Clause number as written, or `?`.
        clause: String,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// A clause that is needed and missing, or terms that contradict each other.
    #[error("clause {clause}: {reason}")]
    Terms {
        /// Clause.
        clause: String,
        /// What is wrong.
        reason: String,
    },
    /// Right terms, but not in their one form.
    #[error("line {line}: not in the one form a pact has; expected {expected:?}, found {found:?}")]
    NotCanonical {
        /// Line, from 1.
        line: usize,
        /// The form.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Signatures that are none, or do not verify.
    #[error("signatures: {reason}")]
    Signatures {
        /// What is wrong.
        reason: String,
    },
    /// A key that no party of this pact has.
    #[error("the key {key} is no party's log key in this pact")]
    NotAParty {
        /// The key.
        key: String,
    },
    /// A party has not signed.
    #[error("{party} has not signed")]
    NotSigned {
        /// Who.
        party: PartyId,
    },
    /// Outside the time of clause 3.1.
    #[error("clause 3.1: not valid now")]
    NotValid {
        /// From.
        from: Utc,
        /// Until.
        until: Utc,
    },
}
