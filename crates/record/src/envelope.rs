//! The envelope that every record has.
use crate::body::Body;
use crate::party::{Hash32, PartyId, SubjectId};
use alloc::string::String;
use minicbor::{Decode, Encode};
use units::Utc;

/// Live, or a named exercise. Signed with the record, part of the log's origin, and never mixed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub enum Mode {
    /// Real aircraft.
    #[n(0)]
    #[default]
    Live,
    /// An exercise, by name (1 to 40 of `a-z`, `0-9`, `-`).
    #[n(1)]
    Exercise(#[n(0)] String),
}

impl Mode {
    /// `live`, or `exercise:<name>`: the form used in log origins.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Live => String::from("live"),
            Self::Exercise(name) => alloc::format!("exercise:{name}"),
        }
    }

    /// From [`Mode::label`].
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        if label == "live" {
            return Some(Self::Live);
        }
        let name = label.strip_prefix("exercise:")?;
        let fits = (1..=40).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        fits.then(|| Self::Exercise(String::from(name)))
    }
}

/// How urgent a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Precedence {
    /// Answer within hours.
    #[n(0)]
    #[default]
    Routine,
    /// Answer within half an hour.
    #[n(1)]
    Priority,
    /// Answer within minutes.
    #[n(2)]
    Immediate,
    /// Answer at once; alarms.
    #[n(3)]
    Flash,
}

impl Precedence {
    /// All, least urgent first.
    pub const ALL: [Self; 4] = [Self::Routine, Self::Priority, Self::Immediate, Self::Flash];

    /// The word on the wire of the API and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Routine => "ROUTINE",
            Self::Priority => "PRIORITY",
            Self::Immediate => "IMMEDIATE",
            Self::Flash => "FLASH",
        }
    }

    /// From [`Precedence::name`], in either case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name().eq_ignore_ascii_case(name))
    }
}

/// How far a record got at the other party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ReceiptLevel {
    /// The peer's machine holds it durably.
    #[n(0)]
    Received,
    /// It was displayed to a named watch.
    #[n(1)]
    Seen,
    /// An officer acknowledged it with a read-back.
    #[n(2)]
    Acknowledged,
    /// An officer answered it.
    #[n(3)]
    Responded,
    /// It was passed to the units that act.
    #[n(4)]
    Disseminated,
    /// It was made public, for instance as a NOTAM.
    #[n(5)]
    Published,
}

impl ReceiptLevel {
    /// All levels, lowest first.
    pub const ALL: [Self; 6] =
        [Self::Received, Self::Seen, Self::Acknowledged, Self::Responded, Self::Disseminated, Self::Published];

    /// The word on the wire of the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Seen => "SEEN",
            Self::Acknowledged => "ACKNOWLEDGED",
            Self::Responded => "RESPONDED",
            Self::Disseminated => "DISSEMINATED",
            Self::Published => "PUBLISHED",
        }
    }
}

/// What was decided on a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Decision {
    /// It will be done.
    #[n(0)]
    Accept,
    /// It will not be done, for the reason given.
    #[n(1)]
    Object,
    /// It cannot be done, for the reason given.
    #[n(2)]
    Unable,
    /// Something else is proposed.
    #[n(3)]
    Propose,
}

impl Decision {
    /// All decisions.
    pub const ALL: [Self; 4] = [Self::Accept, Self::Object, Self::Unable, Self::Propose];

    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Object => "object",
            Self::Unable => "unable",
            Self::Propose => "propose",
        }
    }

    /// From [`Decision::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }
}

/// A receipt asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct ReceiptWanted {
    /// Level.
    #[n(0)]
    pub level: ReceiptLevel,
    /// Seconds after `issued_at` by which it is due.
    #[n(1)]
    pub due_s: u32,
}

/// May the addressee pass it on?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Caveat {
    /// To nobody.
    #[n(0)]
    #[default]
    None,
    /// To parties of the same pact.
    #[n(1)]
    Named,
    /// To anybody.
    #[n(2)]
    Public,
}

/// The role in which somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Reads only.
    #[n(0)]
    Observer,
    /// Duty officer: acknowledges, sends notices.
    #[n(1)]
    Officer,
    /// Files plans, sites and avoid areas.
    #[n(2)]
    Planner,
    /// Accounts, release rules, channel state.
    #[n(3)]
    Administrator,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Observer, Self::Officer, Self::Planner, Self::Administrator];

    /// The word used in the API and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::Officer => "officer",
            Self::Planner => "planner",
            Self::Administrator => "administrator",
        }
    }

    /// From [`Role::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }
}

/// A record: envelope and body. Its name is the SHA-256 of its bytes.
///
/// The place in the issuer's log (origin and index) gives the stream, the sequence and the hash chain, and the
/// log's checkpoint is the signature over it; they are not repeated here.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Record {
    /// Schema version, [`crate::SCHEMA`].
    #[n(0)]
    pub schema: u16,
    /// Live or exercise.
    #[n(1)]
    pub mode: Mode,
    /// Who says it.
    #[n(2)]
    pub issuer: PartyId,
    /// To whom: a record for one party is worthless to another.
    #[n(3)]
    pub audience: PartyId,
    /// What it is about.
    #[n(4)]
    pub subject: SubjectId,
    /// Revision of the subject, from 1.
    #[n(5)]
    pub revision: u32,
    /// The record this one replaces.
    #[n(6)]
    pub supersedes: Option<Hash32>,
    /// When it was issued, by the issuer's clock.
    #[n(7)]
    pub issued_at: Utc,
    /// Error of that clock (95 %), ms.
    #[n(8)]
    pub issued_error_ms: u32,
    /// Not valid before.
    #[n(9)]
    pub valid_from: Option<Utc>,
    /// Not valid after: what has no end never leaves a map.
    #[n(10)]
    pub valid_until: Option<Utc>,
    /// Hash of the pact under which it is said.
    #[n(11)]
    pub pact: Hash32,
    /// Onward caveat.
    #[n(12)]
    pub caveat: Caveat,
    /// Precedence.
    #[n(13)]
    pub precedence: Precedence,
    /// Receipt asked for.
    #[n(14)]
    pub receipt: Option<ReceiptWanted>,
    /// Role of the person behind it; `None` for a machine.
    #[n(15)]
    pub role: Option<Role>,
    /// What is said.
    #[n(16)]
    pub body: Body,
}
