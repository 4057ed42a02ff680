//! What is answered. A version number of somebody else's entity is not in it: to have it is to have asked its USS.
use crate::entity::{AvailabilityState, IntentState};
use crate::id::Id;
use crate::text::Text;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};

/// A reference to an intent as one client may see it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct IntentRef {
    /// Identifier.
    #[n(0)]
    pub id: Id,
    /// The USS that wrote it.
    #[n(1)]
    pub manager: Text,
    /// What is known of that USS's service.
    #[n(2)]
    pub availability: AvailabilityState,
    /// Counts its versions.
    #[n(3)]
    pub version: u32,
    /// State.
    #[n(4)]
    pub state: IntentState,
    /// Opaque version number, for its manager alone.
    #[n(5)]
    pub ovn: Option<String>,
    /// Earliest beginning.
    #[n(6)]
    pub start: i64,
    /// Latest end.
    #[n(7)]
    pub end: i64,
    /// Where its details are.
    #[n(8)]
    pub uss_base_url: Text,
    /// The subscription that supports it.
    #[n(9)]
    pub subscription: Option<Id>,
}

/// A reference to a constraint as one client may see it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ConstraintRef {
    /// Identifier.
    #[n(0)]
    pub id: Id,
    /// The USS that wrote it.
    #[n(1)]
    pub manager: Text,
    /// What is known of that USS's service.
    #[n(2)]
    pub availability: AvailabilityState,
    /// Counts its versions.
    #[n(3)]
    pub version: u32,
    /// Opaque version number, for its manager alone.
    #[n(4)]
    pub ovn: Option<String>,
    /// Earliest beginning.
    #[n(5)]
    pub start: i64,
    /// Latest end.
    #[n(6)]
    pub end: i64,
    /// Where its details are.
    #[n(7)]
    pub uss_base_url: Text,
}

/// A subscription, for its own USS alone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SubscriptionRef {
    /// Identifier.
    #[n(0)]
    pub id: Id,
    /// Version.
    #[n(1)]
    pub version: String,
    /// Notifications so far.
    #[n(2)]
    pub index: u32,
    /// Beginning.
    #[n(3)]
    pub start: i64,
    /// End.
    #[n(4)]
    pub end: i64,
    /// Who is to be told, where.
    #[n(5)]
    pub uss_base_url: Text,
    /// Told of intents.
    #[n(6)]
    pub intents: bool,
    /// Told of constraints.
    #[n(7)]
    pub constraints: bool,
    /// Made with an intent.
    #[n(8)]
    pub implicit: bool,
    /// Intents that rest on it.
    #[n(9)]
    pub dependent: Vec<Id>,
}

/// An identification service area (F3411-22a); everybody may see all of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct IsaRef {
    /// Identifier.
    #[n(0)]
    pub id: Id,
    /// The USS that wrote it.
    #[n(1)]
    pub owner: Text,
    /// Version.
    #[n(2)]
    pub version: String,
    /// Beginning.
    #[n(3)]
    pub start: i64,
    /// End.
    #[n(4)]
    pub end: i64,
    /// Where its flights are.
    #[n(5)]
    pub uss_base_url: Text,
}

/// A subscription to identification service areas.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RidSubscriptionRef {
    /// Identifier.
    #[n(0)]
    pub id: Id,
    /// The USS that wrote it.
    #[n(1)]
    pub owner: Text,
    /// Version.
    #[n(2)]
    pub version: String,
    /// Notifications so far.
    #[n(3)]
    pub index: u32,
    /// Beginning.
    #[n(4)]
    pub start: i64,
    /// End.
    #[n(5)]
    pub end: i64,
    /// Who is to be told, where.
    #[n(6)]
    pub uss_base_url: Text,
}

/// A USS that the writer must tell, with the numbers to tell it under.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ToNotify {
    /// Where.
    #[n(0)]
    pub uss_base_url: Text,
    /// Subscriptions, each with the number of this notification.
    #[n(1)]
    pub subscriptions: Vec<(Id, u32)>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// An intent was written or deleted.
    #[n(0)]
    Intent {
        /// It is new.
        #[n(0)]
        created: bool,
        /// As it is, or as it last was.
        #[n(1)]
        intent: IntentRef,
        /// Whom its USS must tell.
        #[n(2)]
        subscribers: Vec<ToNotify>,
    },
    /// A constraint was written or deleted.
    #[n(1)]
    Constraint {
        /// It is new.
        #[n(0)]
        created: bool,
        /// As it is, or as it last was.
        #[n(1)]
        constraint: ConstraintRef,
        /// Whom its USS must tell.
        #[n(2)]
        subscribers: Vec<ToNotify>,
    },
    /// A subscription was written or deleted.
    #[n(2)]
    Subscription {
        /// As it is, or as it last was.
        #[n(0)]
        subscription: SubscriptionRef,
        /// Intents in it, if it is for intents and was written.
        #[n(1)]
        intents: Option<Vec<IntentRef>>,
        /// Constraints in it, if it is for constraints and was written.
        #[n(2)]
        constraints: Option<Vec<ConstraintRef>>,
    },
    /// An availability was stated.
    #[n(3)]
    Availability {
        /// Of whom.
        #[n(0)]
        uss: String,
        /// State.
        #[n(1)]
        state: AvailabilityState,
        /// Version of the statement; empty if there is none.
        #[n(2)]
        version: String,
    },
    /// A report was taken.
    #[n(4)]
    Report(#[n(0)] Id),
    /// An identification service area was written or deleted.
    #[n(20)]
    Isa {
        /// As it is, or as it last was.
        #[n(0)]
        isa: IsaRef,
        /// Whom its USS must tell.
        #[n(1)]
        subscribers: Vec<ToNotify>,
    },
    /// A subscription to them was written or deleted.
    #[n(21)]
    RidSubscription {
        /// As it is, or as it last was.
        #[n(0)]
        subscription: RidSubscriptionRef,
        /// Identification service areas in it, if it was written.
        #[n(1)]
        isas: Option<Vec<IsaRef>>,
    },
}

/// Why a request was refused. Nothing of it has any effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A field is wrong, alone or beside what is held.
    #[error("{field}: {reason}")]
    Invalid {
        /// Field.
        field: &'static str,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// The client may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is none.
    #[error("no {what} {id} here")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// As asked for.
        id: Id,
    },
    /// It is not at the version that was named, or there is one already.
    #[error("{reason}")]
    Conflict {
        /// What is at odds.
        reason: String,
        /// The client's own request made the version there is: its result, once more.
        again: Option<Box<Answer>>,
    },
    /// The key lacks versions of what the intent would meet.
    #[error("the key lacks the current version (OVN) of {} operational intents and {} constraints", intents.len(), constraints.len())]
    Airspace {
        /// Intents, by identifier.
        intents: Vec<IntentRef>,
        /// Constraints, by identifier.
        constraints: Vec<ConstraintRef>,
    },
    /// More than an answer holds.
    #[error("more than {max} {what}: ask for a smaller area or less time")]
    TooMuch {
        /// What.
        what: &'static str,
        /// Bound.
        max: usize,
    },
    /// A bound of the service is reached.
    #[error("no more than {max} {what} are held here")]
    Full {
        /// What.
        what: &'static str,
        /// Bound.
        max: usize,
    },
}

impl Refused {
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }
}

/// Answer to a request.
pub type Outcome = Result<Answer, Refused>;
