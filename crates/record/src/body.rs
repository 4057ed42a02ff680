//! The kinds of record and their bodies.
use crate::batch::TrackBatch;
use crate::envelope::{ReceiptLevel, Role};
use crate::party::Hash32;
use airspace::{Plan, Site, Volume4d};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::{Altitude, Height, Position, Utc};

/// Bounds of free text and lists in bodies.
#[derive(Debug, Clone, Copy)]
pub struct TextLimits;

impl TextLimits {
    /// A notice's text, bytes: a NOTAM's E) field has at most 1,800 characters.
    pub const NOTICE_BYTES_MAX: usize = 2000;
    /// A reason or an action asked, bytes.
    pub const REASON_BYTES_MAX: usize = 400;
    /// A statement about keys, bytes: `pact::STATEMENT_BYTES_MAX`.
    pub const KEYS_BYTES_MAX: usize = 2048;
    /// Volumes of a notice or an avoid area.
    pub const NOTICE_VOLUMES_MAX: usize = 16;
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// First entry of every log: the pact under which the issuer speaks.
    #[n(0)]
    Pact(#[n(0)] PactInForce),
    /// Tracks.
    #[n(1)]
    Tracks(#[n(0)] Box<TrackBatch>),
    /// A plan, whole.
    #[n(2)]
    Plan(#[n(0)] Plan),
    /// A notice.
    #[n(3)]
    Notice(#[n(0)] Notice),
    /// A receipt above RECEIVED (RECEIVED is the cosignature).
    #[n(4)]
    Receipt(#[n(0)] Receipt),
    /// A protected site.
    #[n(5)]
    Site(#[n(0)] Site),
    /// Volumes to keep clear of: no identity, no reason.
    #[n(6)]
    Avoid(#[n(0)] Avoid),
    /// A conflict the issuer has found and shares.
    #[n(7)]
    Conflict(#[n(0)] ConflictReport),
    /// The issuer's statement of the channel's state.
    #[n(8)]
    Channel(#[n(0)] ChannelStatement),
    /// A plan, site or avoid area released earlier is no longer released; says nothing of why.
    #[n(9)]
    Withdrawn(#[n(0)] Withdrawn),
    /// The issuer's keys are others from here on.
    #[n(10)]
    Keys(#[n(0)] KeysReplaced),
}

/// The kind of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// [`Body::Pact`].
    #[n(0)]
    Pact,
    /// [`Body::Tracks`].
    #[n(1)]
    Tracks,
    /// [`Body::Plan`].
    #[n(2)]
    Plan,
    /// [`Body::Notice`].
    #[n(3)]
    Notice,
    /// [`Body::Receipt`].
    #[n(4)]
    Receipt,
    /// [`Body::Site`].
    #[n(5)]
    Site,
    /// [`Body::Avoid`].
    #[n(6)]
    Avoid,
    /// [`Body::Conflict`].
    #[n(7)]
    Conflict,
    /// [`Body::Channel`].
    #[n(8)]
    Channel,
    /// [`Body::Withdrawn`].
    #[n(9)]
    Withdrawn,
    /// [`Body::Keys`].
    #[n(10)]
    Keys,
}

impl Kind {
    /// All kinds, by number.
    pub const ALL: [Self; 11] = [
        Self::Pact,
        Self::Tracks,
        Self::Plan,
        Self::Notice,
        Self::Receipt,
        Self::Site,
        Self::Avoid,
        Self::Conflict,
        Self::Channel,
        Self::Withdrawn,
        Self::Keys,
    ];

    /// The word used in the API, in files and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pact => "pact",
            Self::Tracks => "tracks",
            Self::Plan => "plan",
            Self::Notice => "notice",
            Self::Receipt => "receipt",
            Self::Site => "site",
            Self::Avoid => "avoid",
            Self::Conflict => "conflict",
            Self::Channel => "channel",
            Self::Withdrawn => "withdrawn",
            Self::Keys => "keys",
        }
    }
}

impl Body {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Pact(_) => Kind::Pact,
            Self::Tracks(_) => Kind::Tracks,
            Self::Plan(_) => Kind::Plan,
            Self::Notice(_) => Kind::Notice,
            Self::Receipt(_) => Kind::Receipt,
            Self::Site(_) => Kind::Site,
            Self::Avoid(_) => Kind::Avoid,
            Self::Conflict(_) => Kind::Conflict,
            Self::Channel(_) => Kind::Channel,
            Self::Withdrawn(_) => Kind::Withdrawn,
            Self::Keys(_) => Kind::Keys,
        }
    }
}

/// The pact in force, named by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PactInForce {
    /// Hash of the pact's canonical text.
    #[n(0)]
    pub pact: Hash32,
    /// Version of skypact that speaks (at most 40 characters), for fault finding only.
    #[n(1)]
    pub software: String,
}

/// A statement that replaces the issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeysReplaced {
    /// The statement with its signature (`spec/keys.md`), at most [`TextLimits::KEYS_BYTES_MAX`].
    #[n(0)]
    pub statement: String,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum NoticeClass {
    /// Airspace or an area becomes active.
    #[n(0)]
    Activation,
    /// A hazard to flight.
    #[n(1)]
    Hazard,
    /// Stop flying here.
    #[n(2)]
    Hold,
    /// Flying may go on.
    #[n(3)]
    Resume,
    /// An earlier notice or plan is cancelled.
    #[n(4)]
    Cancellation,
    /// Information.
    #[n(5)]
    Information,
}

impl NoticeClass {
    /// All classes.
    pub const ALL: [Self; 6] =
        [Self::Activation, Self::Hazard, Self::Hold, Self::Resume, Self::Cancellation, Self::Information];

    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activation => "activation",
            Self::Hazard => "hazard",
            Self::Hold => "hold",
            Self::Resume => "resume",
            Self::Cancellation => "cancellation",
            Self::Information => "information",
        }
    }

    /// From [`NoticeClass::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// A statement with effect on others. Place, level and time stand in fields of their own, so that a read-back can be
/// compared by machine.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Notice {
    /// What it is about.
    #[n(0)]
    pub class: NoticeClass,
    /// Text, at most [`TextLimits::NOTICE_BYTES_MAX`].
    #[n(1)]
    pub text: String,
    /// Place.
    #[n(2)]
    pub place: Option<Position>,
    /// Level.
    #[n(3)]
    pub level: Option<Altitude>,
    /// Time the effect begins.
    #[n(4)]
    pub start: Option<Utc>,
    /// Time the effect ends.
    #[n(5)]
    pub end: Option<Utc>,
    /// Volumes concerned.
    #[n(6)]
    pub volumes: Vec<Volume4d>,
    /// What the receiver is asked to do.
    #[n(7)]
    pub action: Option<String>,
}

/// What an officer reads back of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(map)]
pub struct ReadBack {
    /// Place as read back.
    #[n(0)]
    pub place: Option<Position>,
    /// Level as read back.
    #[n(1)]
    pub level: Option<Altitude>,
    /// Start as read back.
    #[n(2)]
    pub time: Option<Utc>,
}

/// A receipt above RECEIVED.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// The record it is for.
    #[n(0)]
    pub of: Hash32,
    /// Its index in the sender's log.
    #[n(1)]
    pub index: u64,
    /// Level.
    #[n(2)]
    pub level: ReceiptLevel,
    /// When, by the receiver's clock.
    #[n(3)]
    pub at: Utc,
    /// Role of the person.
    #[n(4)]
    pub role: Option<Role>,
    /// Read-back, for ACKNOWLEDGED.
    #[n(5)]
    pub read_back: Option<ReadBack>,
}

/// Volumes to keep clear of.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Avoid {
    /// The volumes.
    #[n(0)]
    pub volumes: Vec<Volume4d>,
}

/// A conflict as its finder states it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ConflictReport {
    /// The issuer's track, by its released id.
    #[n(0)]
    pub own: u64,
    /// The addressee's track, by the id the addressee released.
    #[n(1)]
    pub other: u64,
    /// Time of closest approach.
    #[n(2)]
    pub cpa: Utc,
    /// Lateral distance then, millimetres.
    #[n(3)]
    pub lateral_mm: i64,
    /// Vertical distance then; `None` if a level is unknown.
    #[n(4)]
    pub vertical: Option<Height>,
}

/// State of the channel between two parties, as one of them states it. Apart from link state and staffing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum ChannelState {
    /// In force.
    #[n(0)]
    InForce,
    /// Suspended: only the safety floor is carried.
    #[n(1)]
    Suspended,
    /// In force again after a suspension.
    #[n(2)]
    Resumed,
    /// Ended.
    #[n(3)]
    Terminated,
}

impl ChannelState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::InForce, Self::Suspended, Self::Resumed, Self::Terminated];

    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Terminated => "terminated",
        }
    }

    /// From [`ChannelState::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// A statement of the channel's state.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChannelStatement {
    /// State.
    #[n(0)]
    pub state: ChannelState,
    /// From when.
    #[n(1)]
    pub effective: Utc,
    /// Why, at most [`TextLimits::REASON_BYTES_MAX`].
    #[n(2)]
    pub reason: String,
}

/// The end of a released subject.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Withdrawn {
    /// The record withdrawn.
    #[n(0)]
    pub of: Hash32,
}
