//! What an alert is.
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{PartyId, Role, SubjectId};
use units::{Mono, Utc};

use crate::facts::Facts;

/// How grave (IMO MSC.302(87): alarm, warning, caution).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum AlertLevel {
    /// To be known.
    #[n(0)]
    Caution,
    /// Becomes an alarm if nobody acknowledges it.
    #[n(1)]
    Warning,
    /// To be acted on now.
    #[n(2)]
    Alarm,
}

impl AlertLevel {
    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caution => "caution",
            Self::Warning => "warning",
            Self::Alarm => "alarm",
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum AlertState {
    /// Nobody has seen it as it is now.
    #[n(0)]
    Raised,
    /// Displayed to an officer.
    #[n(1)]
    Shown,
    /// An officer took it up. It stays until its condition ends.
    #[n(2)]
    Acknowledged,
    /// The condition has ended.
    #[n(3)]
    Cleared,
}

impl AlertState {
    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Shown => "shown",
            Self::Acknowledged => "acknowledged",
            Self::Cleared => "cleared",
        }
    }
}

/// What an alert is about. There is one alert for one of these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Situation {
    /// Two tracks; make it with [`Situation::tracks`].
    #[n(0)]
    Tracks(#[n(0)] u64, #[n(1)] u64),
    /// A notice, by its number at this desk.
    #[n(5)]
    Notice(#[n(0)] u64),
    /// Trouble with a peer.
    #[n(6)]
    Peer(#[n(0)] PartyId, #[n(1)] PeerTrouble),
    /// Trouble of our own.
    #[n(7)]
    Own(#[n(0)] OwnTrouble),
    /// A track and a protected site, by who filed it: a subject is unique only within its owner.
    #[n(8)]
    Site(#[n(0)] u64, #[n(1)] PartyId, #[n(2)] SubjectId),
    /// A track and a plan or avoid area of a peer.
    #[n(9)]
    Area(#[n(0)] u64, #[n(1)] PartyId, #[n(2)] SubjectId),
    /// An own plan, avoid area or site, and what another party, or we, filed.
    #[n(10)]
    Meeting(#[n(0)] SubjectId, #[n(1)] PartyId, #[n(2)] SubjectId),
    /// A conflict that a peer reports between its aircraft, unknown here, and ours under the number we released it.
    #[n(11)]
    Reported(#[n(0)] PartyId, #[n(1)] u64),
    /// An own track, and traffic of a party near it of which too little is known to say whether it conflicts.
    #[n(12)]
    Unjudged(#[n(0)] u64, #[n(1)] PartyId),
    /// An own track outside the plan that it flies.
    #[n(13)]
    OffPlan(#[n(0)] u64, #[n(1)] SubjectId),
}

/// Trouble with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum PeerTrouble {
    /// Nothing heard of it.
    #[n(0)]
    Lost,
    /// Its clock is off.
    #[n(1)]
    Clock,
    /// The link to it is frozen.
    #[n(4)]
    Frozen,
    /// It holds another pact.
    #[n(5)]
    Pact,
    /// The two sides state different states of the channel, or it is not in force.
    #[n(6)]
    Channel,
    /// The pact with it has ended, ends soon, or has not begun.
    #[n(7)]
    Validity,
    /// Its keys were replaced, or two hold the key that replaces them.
    #[n(8)]
    Keys,
    /// It sends more of some kind than agreed, and is read as agreed.
    #[n(9)]
    Flood,
    /// It takes less than we have to say.
    #[n(10)]
    Backlog,
    /// It signed two histories of a log.
    #[n(11)]
    Fork,
    /// Nobody is at its desk, by its own statement.
    #[n(12)]
    Unmanned,
    /// A log with it lacks the witnesses that the pact demands.
    #[n(13)]
    Unwitnessed,
    /// A witness says another thing of our log to it than we do.
    #[n(14)]
    Contradicted,
    /// It releases aircraft with an address of ours.
    #[n(15)]
    OwnAddress,
    /// It put another entry in its log in place of what it had sent ahead.
    #[n(16)]
    Denied,
    /// It signed more of its log to us for others than it told us.
    #[n(17)]
    Withheld,
    /// What it sent ahead has not come in its turn.
    #[n(18)]
    Unsigned,
    /// It tells of aircraft where they cannot be by what an own sensor or another peer says.
    #[n(19)]
    Disputed,
    /// Part of what is filed and released to it could not be told.
    #[n(20)]
    Untold,
    /// Part of what it filed has no room here.
    #[n(21)]
    Unheld,
}

/// Trouble of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum OwnTrouble {
    /// A feed is lost: the own picture is not whole.
    #[n(0)]
    Picture,
    /// Part of what was shown is not in the journal.
    #[n(4)]
    Gap,
    /// An input could not be folded and was skipped.
    #[n(5)]
    Skipped,
    /// Somebody else holds the key that replaces our keys.
    #[n(6)]
    Keys,
    /// Release rules were changed, or wait for people to agree.
    #[n(7)]
    Rules,
    /// The two ways in which conflicts are looked for differ.
    #[n(20)]
    Detection,
    /// What traffic services intend is not all filed as plans.
    #[n(21)]
    Intents,
}

/// The kinds that the API tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// Two tracks, or a track and a volume.
    Conflict,
    /// A protected site.
    Site,
    /// Two plans.
    Plan,
    /// A peer is lost.
    PeerLost,
    /// A clock.
    Clock,
    /// The channel to a peer is not in force, or the two sides state different states of it.
    Channel,
    /// A notice waits for an answer.
    Notice,
    /// The own picture or journal.
    OwnPicture,
    /// Nothing goes to a peer or comes from it: the link is frozen, or the pacts differ.
    Frozen,
    /// More is said than is taken, in either direction.
    Flood,
    /// A peer signed two histories.
    Fork,
}

impl AlertKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Conflict,
        Self::Site,
        Self::Plan,
        Self::PeerLost,
        Self::Clock,
        Self::Channel,
        Self::Notice,
        Self::OwnPicture,
        Self::Frozen,
        Self::Flood,
        Self::Fork,
    ];

    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Site => "site",
            Self::Plan => "plan",
            Self::PeerLost => "peer-lost",
            Self::Clock => "clock",
            Self::Channel => "channel",
            Self::Notice => "notice",
            Self::OwnPicture => "own-picture",
            Self::Frozen => "frozen",
            Self::Flood => "flood",
            Self::Fork => "fork",
        }
    }
}

impl Situation {
    /// Two tracks, either way round.
    #[must_use]
    pub const fn tracks(a: u64, b: u64) -> Self {
        if a <= b { Self::Tracks(a, b) } else { Self::Tracks(b, a) }
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> AlertKind {
        match self {
            Self::Tracks(..) | Self::Reported(..) | Self::Unjudged(..) => AlertKind::Conflict,
            Self::Site(..) => AlertKind::Site,
            Self::Area(..) | Self::Meeting(..) | Self::OffPlan(..) => AlertKind::Plan,
            Self::Notice(_) => AlertKind::Notice,
            Self::Peer(_, PeerTrouble::Lost) => AlertKind::PeerLost,
            Self::Peer(_, PeerTrouble::Clock) => AlertKind::Clock,
            Self::Peer(
                _,
                PeerTrouble::Channel
                | PeerTrouble::Validity
                | PeerTrouble::Keys
                | PeerTrouble::Unmanned
                | PeerTrouble::Unwitnessed,
            ) => AlertKind::Channel,
            Self::Peer(_, PeerTrouble::Frozen | PeerTrouble::Pact | PeerTrouble::Contradicted) => AlertKind::Frozen,
            Self::Peer(_, PeerTrouble::Fork | PeerTrouble::Denied | PeerTrouble::Withheld) => AlertKind::Fork,
            Self::Peer(
                _,
                PeerTrouble::Flood
                | PeerTrouble::Backlog
                | PeerTrouble::Unsigned
                | PeerTrouble::Untold
                | PeerTrouble::Unheld,
            ) => AlertKind::Flood,
            Self::Peer(_, PeerTrouble::OwnAddress | PeerTrouble::Disputed)
            | Self::Own(
                OwnTrouble::Picture
                | OwnTrouble::Gap
                | OwnTrouble::Skipped
                | OwnTrouble::Keys
                | OwnTrouble::Rules
                | OwnTrouble::Detection
                | OwnTrouble::Intents,
            ) => AlertKind::OwnPicture,
        }
    }
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Alert {
    /// Number at this desk, from 1.
    #[n(0)]
    pub id: u64,
    /// What it is about.
    #[n(1)]
    pub situation: Situation,
    /// Level in force: of the condition, or higher because nobody acknowledged it.
    #[n(2)]
    pub level: AlertLevel,
    /// State.
    #[n(3)]
    pub state: AlertState,
    /// When it was first raised.
    #[n(4)]
    pub raised: Utc,
    /// How often it was raised: once, and again each time it worsened.
    #[n(5)]
    pub raising: u32,
    /// Facts of the last finding.
    #[n(6)]
    pub facts: Facts,
    /// Who was shown it and when.
    #[n(7)]
    pub shown: Vec<Shown>,
    /// Who took it up as it is now.
    #[n(8)]
    pub acknowledged: Option<Acknowledgement>,
    /// When it ended.
    #[n(9)]
    pub cleared: Option<Utc>,
    /// Raised in the present form at.
    #[n(10)]
    pub(crate) since: Mono,
    /// Level of the condition, without escalation.
    #[n(11)]
    pub(crate) condition: AlertLevel,
    /// The condition has been of a lower level since.
    #[n(12)]
    pub(crate) lower_since: Option<Mono>,
    /// The condition has been absent since.
    #[n(13)]
    pub(crate) absent_since: Option<Mono>,
    /// What made it worse at some time: [`Facts::aggravations`].
    #[n(14)]
    pub(crate) aggravations: u8,
}

/// Somebody was shown an alert or a notice.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Shown {
    /// To whom.
    #[n(0)]
    pub officer: String,
    /// When it was displayed.
    #[n(1)]
    pub at: Utc,
    /// Which raising of the alert; 1 for a notice.
    #[n(2)]
    pub raising: u32,
}

/// Somebody took an alert or a notice up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Acknowledgement {
    /// Who.
    #[n(0)]
    pub by: String,
    /// In which role.
    #[n(1)]
    pub role: Role,
    /// When.
    #[n(2)]
    pub at: Utc,
}

/// A change of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AlertEvent {
    /// The alert.
    #[n(0)]
    pub id: u64,
    /// What changed.
    #[n(1)]
    pub change: AlertChange,
    /// Its level afterwards.
    #[n(2)]
    pub level: AlertLevel,
    /// When.
    #[n(3)]
    pub at: Utc,
}

/// What changed in an alert.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum AlertChange {
    /// New.
    #[n(0)]
    Raised,
    /// Worse than when it was last raised; sounds again.
    #[n(1)]
    Worsened,
    /// An alarm now, since nobody acknowledged the warning.
    #[n(2)]
    Escalated,
    /// The condition's level has been lower for ten seconds, or an officer answered what had waited. Does not sound.
    #[n(3)]
    Lowered,
    /// Displayed to an officer for the first time in this form.
    #[n(4)]
    Shown(#[n(0)] String),
    /// Taken up.
    #[n(5)]
    Acknowledged(#[n(0)] String),
    /// Ended.
    #[n(6)]
    Cleared,
    /// Pushed out by a graver one; counted in what was cut.
    #[n(7)]
    Cut,
}
