//! Network remote ID (ASTM F3411-22a): identification service areas (ISAs), and subscriptions to them. Identifiers are apart
//! from those of strategic coordination. Heights are kept and do not count; who is told is decided by cells alone, as the
//! standard has it: a subscription that has not begun is told too, for else it would miss what changed since it was written.
mod isas;
mod subscriptions;

use crate::SKEW_MAX_US;
use crate::answer::Refused;
use crate::request::PutRid;
use crate::shards::Shards;
use crate::text::Text;
use crate::volume::Extent;
use alloc::format;
use alloc::string::String;
use minicbor::{Decode, Encode};

/// What is held of remote ID.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Rid {
    #[n(0)]
    pub isas: Shards<Isa>,
    #[n(1)]
    pub subscriptions: Shards<RidSubscription>,
}

/// An area in which a USS tells of its flights.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Isa {
    #[n(0)]
    pub owner: Text,
    #[n(1)]
    pub version: String,
    #[n(2)]
    pub uss_base_url: Text,
    #[n(3)]
    pub extent: Extent,
    /// Hash of the request that made this version.
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    pub asked: [u8; 16],
}

/// A subscription to changes of ISAs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RidSubscription {
    #[n(0)]
    pub owner: Text,
    #[n(1)]
    pub version: String,
    /// Counts notifications, from 0 for none.
    #[n(2)]
    pub index: u32,
    #[n(3)]
    pub uss_base_url: Text,
    #[n(4)]
    pub extent: Extent,
    /// Hash of the request that made this version.
    #[n(5)]
    #[cbor(with = "minicbor::bytes")]
    pub asked: [u8; 16],
}

/// Beginning and end: as asked, as they were, or from now until `without`, if that is said.
fn times(put: &PutRid, old: Option<&Extent>, without: Option<i64>, now: i64) -> Result<(i64, i64), Refused> {
    let past = |time: i64| time < now.saturating_sub(SKEW_MAX_US);
    let too_old = || format!("more than {} s in the past", SKEW_MAX_US / 1_000_000);
    let start = match (put.start, old) {
        // One that is as it was may be as old as it is.
        (Some(start), old) if past(start) && old.is_none_or(|old| old.start != start) => {
            return Err(Refused::invalid("extents.time_start", too_old()));
        }
        (Some(start), _) => start,
        (None, Some(old)) => old.start,
        (None, None) => now,
    };
    let end = put.end.or(old.map(|old| old.end)).or_else(|| Some(start.saturating_add(without?)));
    let invalid = |reason: String| Err(Refused::invalid("extents.time_end", reason));
    let Some(end) = end else { return invalid("is needed".into()) };
    if end < start {
        return invalid("before time_start".into());
    }
    // To end something now is to write an end that is past when it is read.
    if past(end) {
        return invalid(too_old());
    }
    Ok((start, end))
}
