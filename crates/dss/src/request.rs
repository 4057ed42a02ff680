//! What USSs ask, checked in form by the interface, decided here.
use crate::entity::{AvailabilityState, IntentState};
use crate::id::Id;
use crate::volume::Extent;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

/// A request that writes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Request {
    /// The USS: `sub` of its token.
    #[n(0)]
    pub manager: String,
    /// Chosen by whoever accepted it: versions that nobody can guess, and identifiers, are made of it.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub entropy: [u8; 32],
    /// What the client names this request by, if it wants the same answer when it asks again.
    #[n(2)]
    pub key: Option<String>,
    /// What is asked.
    #[n(3)]
    pub ask: Ask,
}

impl Request {
    /// About as many bytes as it has in a journal.
    #[must_use]
    pub fn weight(&self) -> usize {
        let extents = |all: &[Extent]| all.iter().map(|e| 64 + 5 * e.cells.len()).sum::<usize>();
        256 + self.manager.len()
            + match &self.ask {
                Ask::PutIntent(_, _, put) => {
                    let new = if let Supporting::New(new) = &put.supporting { new.uss_base_url.len() } else { 0 };
                    let key = put.key.iter().map(|ovn| 3 + ovn.len()).sum::<usize>();
                    extents(&put.extents) + key + put.uss_base_url.len() + new
                }
                Ask::PutConstraint(_, _, put) => extents(&put.extents) + put.uss_base_url.len(),
                Ask::PutSubscription(_, _, put) => 5 * put.extent.cells.len() + put.uss_base_url.len(),
                Ask::PutIsa(_, _, put) | Ask::PutRidSubscription(_, _, put) => {
                    5 * put.extent.cells.len() + put.uss_base_url.len()
                }
                Ask::Report(body) => body.len(),
                _ => 0,
            }
    }
}

impl Request {
    /// Cells of what is to be written, for who bounds how long the writing takes.
    #[must_use]
    pub fn cells(&self) -> usize {
        let cells = |all: &[Extent]| all.iter().map(|extent| extent.cells.len()).sum();
        match &self.ask {
            Ask::PutIntent(_, _, put) => cells(&put.extents),
            Ask::PutConstraint(_, _, put) => cells(&put.extents),
            Ask::PutSubscription(_, _, put) => put.extent.cells.len(),
            Ask::PutIsa(_, _, put) | Ask::PutRidSubscription(_, _, put) => put.extent.cells.len(),
            _ => 0,
        }
    }
}

/// What is asked. A version that is left out: to create.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Ask {
    /// Write an operational intent reference.
    #[n(0)]
    PutIntent(#[n(0)] Id, #[n(1)] Option<String>, #[n(2)] PutIntent),
    /// Delete one.
    #[n(1)]
    DeleteIntent(#[n(0)] Id, #[n(1)] String),
    /// Write a constraint reference.
    #[n(2)]
    PutConstraint(#[n(0)] Id, #[n(1)] Option<String>, #[n(2)] PutConstraint),
    /// Delete one.
    #[n(3)]
    DeleteConstraint(#[n(0)] Id, #[n(1)] String),
    /// Write a subscription.
    #[n(4)]
    PutSubscription(#[n(0)] Id, #[n(1)] Option<String>, #[n(2)] PutSubscription),
    /// Delete one.
    #[n(5)]
    DeleteSubscription(#[n(0)] Id, #[n(1)] String),
    /// State a USS's availability.
    #[n(6)]
    SetAvailability(#[n(0)] SetAvailability),
    /// Report a problem with the DSS; the body is JSON.
    #[n(7)]
    Report(#[n(0)] String),
    /// Write an identification service area.
    #[n(20)]
    PutIsa(#[n(0)] Id, #[n(1)] Option<String>, #[n(2)] PutRid),
    /// Delete one.
    #[n(21)]
    DeleteIsa(#[n(0)] Id, #[n(1)] String),
    /// Write a subscription to identification service areas.
    #[n(22)]
    PutRidSubscription(#[n(0)] Id, #[n(1)] Option<String>, #[n(2)] PutRid),
    /// Delete one.
    #[n(23)]
    DeleteRidSubscription(#[n(0)] Id, #[n(1)] String),
}

impl Ask {
    /// Hash of the content, so that the same request asked twice is known to be the same.
    pub(crate) fn hash(&self, key: Option<&str>, manager: &str) -> [u8; 16] {
        let bytes = match minicbor::to_vec((self, key, manager)) {
            Ok(bytes) => bytes,
            Err(error) => unreachable!("writing to a vector cannot fail: {error}"),
        };
        let mut hash = [0; 16];
        hash.copy_from_slice(&Sha256::digest(bytes)[..16]);
        hash
    }
}

/// Content of an operational intent reference.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutIntent {
    /// Volumes, at least one, each with both heights.
    #[n(0)]
    pub extents: Vec<Extent>,
    /// Versions of others that the client has seen.
    #[n(1)]
    pub key: BTreeSet<String>,
    /// State to enter.
    #[n(2)]
    pub state: IntentState,
    /// Where its details are.
    #[n(3)]
    pub uss_base_url: String,
    /// What supports it.
    #[n(4)]
    pub supporting: Supporting,
    /// End of the version number that the client wants: a UUID of version 7, as it wrote it.
    #[n(5)]
    pub ovn_suffix: Option<String>,
    /// The token bears `utm.conformance_monitoring_sa`.
    #[n(6)]
    pub cmsa: bool,
}

/// The subscription of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub enum Supporting {
    /// None.
    #[n(0)]
    #[default]
    Nothing,
    /// One that there is.
    #[n(1)]
    Subscription(#[n(0)] Id),
    /// A new one, which comes and goes with the intent.
    #[n(2)]
    New(#[n(0)] NewSubscription),
}

/// An implicit subscription.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NewSubscription {
    /// Who is to be told, where.
    #[n(0)]
    pub uss_base_url: String,
    /// Told of constraints too.
    #[n(1)]
    pub constraints: bool,
}

/// Content of a constraint reference.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutConstraint {
    /// Volumes, at least one.
    #[n(0)]
    pub extents: Vec<Extent>,
    /// Where its details are.
    #[n(1)]
    pub uss_base_url: String,
}

/// Content of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutSubscription {
    /// Where; its times do not count.
    #[n(0)]
    pub extent: Extent,
    /// From when; otherwise as it was, or from now.
    #[n(1)]
    pub start: Option<i64>,
    /// Until when; otherwise as it was, or a day.
    #[n(2)]
    pub end: Option<i64>,
    /// Who is to be told, where.
    #[n(3)]
    pub uss_base_url: String,
    /// Told of intents.
    #[n(4)]
    pub intents: bool,
    /// Told of constraints.
    #[n(5)]
    pub constraints: bool,
}

/// Content of an identification service area, or of a subscription to them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PutRid {
    /// Where; its times do not count.
    #[n(0)]
    pub extent: Extent,
    /// From when; otherwise as it was, or from now.
    #[n(1)]
    pub start: Option<i64>,
    /// Until when; otherwise as it was, or of a subscription a day.
    #[n(2)]
    pub end: Option<i64>,
    /// Where its flights are, or who is to be told.
    #[n(3)]
    pub uss_base_url: String,
}

/// A statement about a USS's availability.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetAvailability {
    /// Of whom.
    #[n(0)]
    pub uss: String,
    /// State.
    #[n(1)]
    pub state: AvailabilityState,
    /// Version it replaces; empty for the first.
    #[n(2)]
    pub old_version: String,
}
