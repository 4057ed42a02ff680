//! The discovery and synchronization service of ASTM F3548-21 as a pure state machine: references to operational intents
//! and constraints, subscriptions, availability of USSs, reports; and that of ASTM F3411-22a (network remote ID):
//! identification service areas and subscriptions to them.
//!
//! In scope: who may write what, opaque version numbers and keys, which references meet, who is to be told, when entities
//! expire. Out of scope: HTTP, JSON, tokens and shapes on the earth (`api-f3548`); order and durability (`fold`, `journal`).
//!
//! Invariants: the same requests with the same times give the same answers; a refused request changes nothing; of two
//! accepted intents that meet, the later one named the version of the earlier; a notification index goes up by one with
//! every notification; nothing depends on the order in which a map is filled. Times are microseconds since 1970 (UTC), as
//! clients compare what they wrote to the microsecond; heights are millimetres above WGS-84; areas are S2 cells of level 13.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod answer;
mod answers;
mod constraints;
mod entity;
mod expiry;
mod id;
mod index;
mod intents;
mod ovn;
mod query;
mod request;
mod rid;
mod shards;
mod shares;
mod shown;
mod state;
mod subscriptions;
mod text;
mod volume;

pub use answer::{
    Answer, ConstraintRef, IntentRef, IsaRef, Outcome, Refused, RidSubscriptionRef, SubscriptionRef, ToNotify,
};
pub use entity::{Availability, AvailabilityState, Constraint, Intent, IntentState, Report, Subscription};
pub use id::{Id, IdError};
pub use ovn::fresh as version_of;
pub use query::{Found, Query};
pub use request::{
    Ask, NewSubscription, PutConstraint, PutIntent, PutRid, PutSubscription, Request, SetAvailability, Supporting,
};
pub use shown::{Shown, ToTell};
pub use state::Dss;
pub use text::Text;
pub use volume::{AreaOfInterest, CellKey, Extent};

/// One second in the unit of this crate.
pub const SECOND_US: i64 = 1_000_000;
/// An entity that has ended leaves the index at once, and can be read by its id, updated and deleted for so long.
pub const KEPT_US: i64 = 24 * 3600 * SECOND_US;
/// Longest subscription (F3548-21 `DSSMaxSubscriptionDurationHours`, F3411-22a `NetDSSMaxSubscriptionDurationHours`).
pub const SUBSCRIPTION_MAX_US: i64 = 24 * 3600 * SECOND_US;
/// How far a client's clock may be from ours, where a time is compared with now.
pub const SKEW_MAX_US: i64 = 5 * 60 * SECOND_US;
/// Volumes of one entity. F3548-21 bounds the vertices of an intent (10,000) and no number of volumes; a volume has three at least.
pub const EXTENTS_MAX: usize = 3_333;
/// Cells of all volumes of one entity together: ten volumes of the largest area there may be (2,500 km² are some 2,400 cells).
pub const CELLS_MAX: usize = 25_000;
/// Subscriptions to remote ID of one USS in one cell (F3411-22a `NetDSSMaxSubscriptionPerArea`). Each change there is told to all.
pub const RID_SUBSCRIPTIONS_MAX: usize = 10;
/// Intents, constraints, subscriptions, and those and areas of remote ID, each. Four million of one kind, at some 600 bytes with
/// their place in the index, are 2.4 GB.
pub const ENTITIES_MAX: usize = 4_000_000;
/// Intents that rest on one subscription. All are named whenever it is told, 380 KB of them.
pub const DEPENDENT_MAX: usize = 10_000;
/// References of one answer. More are never cut off in silence: the request is refused and told so. 50,000 are some 20 MB of JSON,
/// and 120 MB where addresses have 2,048 bytes.
pub const FOUND_MAX: usize = 50_000;
/// Reports kept to be read; the journal has all.
pub const REPORTS_KEPT: usize = 100;
/// USSs whose availability was ever set.
pub const AVAILABILITIES_MAX: usize = 10_000;
