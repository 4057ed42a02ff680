//! The proof that a record may leave, and the ledger row that says why.
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Body, Hash32, Kind, Mode, PartyId, Record, RecordError, SCHEMA};
use units::Now;

use crate::addressed::Heading;
use crate::mention::Mentions;

/// A value that policy, or the purpose of saying it, allows to leave for one peer, with its bytes and its ledger row.
///
/// Only this crate makes one, and it has no decoder: bytes read back from anywhere are not permission to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released<T> {
    value: T,
    bytes: Vec<u8>,
    ledger: LedgerRow,
    mentions: Mentions,
}

impl<T> Released<T> {
    /// The value.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The bytes to log and to send: the record's one encoding.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 of the bytes: the record's name.
    #[must_use]
    pub fn id(&self) -> Hash32 {
        self.ledger.record
    }

    /// The only party it may be sent to.
    #[must_use]
    pub fn audience(&self) -> &PartyId {
        &self.ledger.audience
    }

    /// Who was told what under which rule.
    #[must_use]
    pub fn ledger(&self) -> &LedgerRow {
        &self.ledger
    }

    /// Of which own aircraft it tells, for the own ledger: none of this is in the bytes.
    #[must_use]
    pub fn mentions(&self) -> &Mentions {
        &self.mentions
    }

    /// The same, taken away: the record is to be sent, and the ledger keeps them.
    pub fn take_mentions(&mut self) -> Mentions {
        core::mem::take(&mut self.mentions)
    }
}

impl Released<Record> {
    /// Encodes the record and seals it. Private to this crate: this is the gate.
    pub(crate) fn seal(record: Record, basis: Basis, rows: u32, mentions: Mentions) -> Result<Self, ReleaseError> {
        let bytes = record::encode(&record)?;
        let ledger = LedgerRow {
            record: Hash32::of(&bytes),
            audience: record.audience.clone(),
            kind: record.body.kind(),
            basis,
            rows,
        };
        Ok(Self { value: record, bytes, ledger, mentions })
    }
}

/// One line of the ledger: who was told what, and why that was allowed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct LedgerRow {
    /// Name of the record.
    #[n(0)]
    pub record: Hash32,
    /// To whom.
    #[n(1)]
    pub audience: PartyId,
    /// Its kind.
    #[n(2)]
    pub kind: Kind,
    /// Why it could leave.
    #[n(3)]
    pub basis: Basis,
    /// Tracks, volumes or statements in it.
    #[n(4)]
    pub rows: u32,
}

/// Why a record could leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Basis {
    /// A rule of the policy.
    #[n(0)]
    Rule {
        /// Revision of the policy.
        #[n(0)]
        revision: u32,
        /// Index of the rule in the peer's list, from 0; the first of several that have a part in cells.
        #[n(1)]
        index: u16,
        /// Level it released at.
        #[n(2)]
        level: LevelName,
    },
    /// Said to its addressee on purpose: pact, receipt, channel statement, notice or avoid area.
    #[n(1)]
    Addressed,
    /// An end: what was told before is no longer told. It says nothing that the addressee did not know.
    #[n(2)]
    Withdrawal,
}

/// A level's name, without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum LevelName {
    /// Nothing.
    #[n(0)]
    Withheld,
    /// Volumes to keep clear of.
    #[n(1)]
    AvoidArea,
    /// Cells and bins.
    #[n(2)]
    Coarse,
    /// Less precise, later, or without identity.
    #[n(3)]
    Reduced,
    /// As held.
    #[n(4)]
    Full,
}

impl LevelName {
    /// The word used in files and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Withheld => "withheld",
            Self::AvoidArea => "avoid-area",
            Self::Coarse => "coarse",
            Self::Reduced => "reduced",
            Self::Full => "full",
        }
    }
}

/// What every record to one peer has in common.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Envelope {
    /// Who speaks.
    #[n(0)]
    pub issuer: PartyId,
    /// To whom.
    #[n(1)]
    pub audience: PartyId,
    /// Live or exercise.
    #[n(2)]
    pub mode: Mode,
    /// The pact under which it is said.
    #[n(3)]
    pub pact: Hash32,
}

impl Envelope {
    /// Puts a body into the envelope.
    pub(crate) fn record(&self, heading: &Heading, body: Body, now: Now) -> Record {
        Record {
            schema: SCHEMA,
            mode: self.mode.clone(),
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            subject: heading.subject,
            revision: heading.revision,
            supersedes: heading.supersedes,
            issued_at: now.utc,
            issued_error_ms: now.utc_error_ms,
            valid_from: heading.valid_from,
            valid_until: heading.valid_until,
            pact: self.pact,
            caveat: heading.caveat,
            precedence: heading.precedence,
            receipt: heading.receipt,
            role: heading.role,
            body,
        }
    }
}

/// Why nothing was released where something was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// The record is none: too large, or a value out of bounds.
    #[error("{0}")]
    Record(#[from] RecordError),
    /// The peer has been told of as many plans and sites as are kept track of.
    #[error("{peer} has been told of {max} plans and sites; end some before telling of more")]
    TooManySubjects {
        /// The peer.
        peer: PartyId,
        /// The bound.
        max: usize,
    },
    /// The peer has been told of as many plans of one traffic service.
    #[error("{peer} has been told of {max} plans and parts of plans of {whose}; more when some have ended")]
    TooManyOfService {
        /// The peer.
        peer: PartyId,
        /// Which traffic service.
        whose: String,
        /// The bound.
        max: usize,
    },
    /// The peer has been told of plans of traffic services with as many corners.
    #[error("{peer} has been told of what {whose} intend with {max} corners in all, as sent; more when some has ended")]
    TooManyCorners {
        /// The peer.
        peer: PartyId,
        /// Of which traffic service, or of all.
        whose: String,
        /// The bound.
        max: usize,
    },
    /// The level at which a rule releases it has no form for it.
    #[error("rule {} releases it as {}, which has no form for it: {why}", rule + 1, level.name())]
    NoForm {
        /// Which rule, counted from 0.
        rule: u16,
        /// Of that rule.
        level: LevelName,
        /// Why.
        why: NoForm,
    },
}

/// Why a plan or a site cannot be told at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoForm {
    /// An outline over a pole, or a time at the end of all.
    #[error("it lies at a pole, or has no whole cells or bins")]
    Cells,
    /// As many parts as no record holds.
    #[error("of whole cells and bins it has more than {} volumes", airspace::limits::VOLUMES_MAX)]
    Volumes,
}
