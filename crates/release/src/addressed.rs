//! What is said to its addressee on purpose, and so needs no rule: pact, channel statements, receipts, notices, avoid
//! areas. The person (or, for receipts of display, the machine) who says it has named the addressee.
use record::{
    Avoid, Body, Caveat, ChannelStatement, DeskStatus, Hash32, KeysReplaced, Notice, PactInForce, Precedence, Receipt,
    ReceiptWanted, Record, Role, SubjectId, Withdrawn,
};
use sha2::{Digest, Sha256};
use units::{Now, Utc};

use crate::mention::Mentions;
use crate::released::{Basis, Envelope, ReleaseError, Released};

/// The part of a record's envelope that differs from record to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// What it is about.
    pub subject: SubjectId,
    /// Revision of the subject, from 1.
    pub revision: u32,
    /// The record it replaces.
    pub supersedes: Option<Hash32>,
    /// Not valid before.
    pub valid_from: Option<Utc>,
    /// Not valid after.
    pub valid_until: Option<Utc>,
    /// Onward caveat.
    pub caveat: Caveat,
    /// Precedence.
    pub precedence: Precedence,
    /// Receipt asked for.
    pub receipt: Option<ReceiptWanted>,
    /// Role of the person behind it; `None` for a machine.
    pub role: Option<Role>,
}

impl Heading {
    /// First revision, routine, no receipt asked for, said by the machine.
    #[must_use]
    pub const fn new(subject: SubjectId) -> Self {
        Self {
            subject,
            revision: 1,
            supersedes: None,
            valid_from: None,
            valid_until: None,
            caveat: Caveat::None,
            precedence: Precedence::Routine,
            receipt: None,
            role: None,
        }
    }
}

/// Releases the statement that opens a log: the pact in force. Subject: the first half of the pact's hash.
///
/// # Errors
/// A software text over its bound.
pub fn release_pact(envelope: &Envelope, body: PactInForce, now: Now) -> Result<Released<Record>, ReleaseError> {
    let heading = Heading::new(half(&body.pact));
    said(envelope, &heading, Body::Pact(body), now, 1)
}

/// Releases a statement of the channel's state. `revision` counts the statements to this peer, from 1.
///
/// # Errors
/// A reason over its bound.
pub fn release_channel(
    envelope: &Envelope,
    revision: u32,
    role: Option<Role>,
    body: ChannelStatement,
    now: Now,
) -> Result<Released<Record>, ReleaseError> {
    let subject = derived(&[b"channel", envelope.issuer.as_str().as_bytes(), envelope.audience.as_str().as_bytes()]);
    let heading = Heading { revision, role, precedence: Precedence::Immediate, ..Heading::new(subject) };
    said(envelope, &heading, Body::Channel(body), now, 1)
}

/// Releases a statement that replaces the issuer's own keys. It hides nothing: all parties of the pact are told the same.
///
/// # Errors
/// A statement over its bound.
pub fn release_keys(
    envelope: &Envelope,
    serial: u32,
    body: KeysReplaced,
    now: Now,
) -> Result<Released<Record>, ReleaseError> {
    let subject = derived(&[b"keys", envelope.issuer.as_str().as_bytes()]);
    let heading = Heading { revision: serial, precedence: Precedence::Immediate, ..Heading::new(subject) };
    said(envelope, &heading, Body::Keys(body), now, 1)
}

/// Releases a statement of the own desk's staffing to a peer. `revision` counts the statements to this peer, from 1.
///
/// # Errors
/// A note over its bound.
pub fn release_desk(
    envelope: &Envelope,
    revision: u32,
    role: Option<Role>,
    body: DeskStatus,
    now: Now,
) -> Result<Released<Record>, ReleaseError> {
    let subject = derived(&[b"desk", envelope.issuer.as_str().as_bytes(), envelope.audience.as_str().as_bytes()]);
    let heading = Heading { revision, role, precedence: Precedence::Priority, ..Heading::new(subject) };
    said(envelope, &heading, Body::Desk(body), now, 1)
}

/// Releases a receipt to the party whose record it is for. Subject: derived from that record's name and the level, so
/// that a second receipt of the same level under the same subject is seen for what it is.
///
/// # Errors
/// Never for a well-formed receipt; the record's own bounds.
pub fn release_receipt(envelope: &Envelope, body: Receipt, now: Now) -> Result<Released<Record>, ReleaseError> {
    let subject = derived(&[b"receipt", &body.of.0, &[body.level as u8]]);
    let heading = Heading { role: body.role, precedence: Precedence::Immediate, ..Heading::new(subject) };
    said(envelope, &heading, Body::Receipt(body), now, 1)
}

/// Releases a notice to the party it is addressed to.
///
/// # Errors
/// A text or list over its bound, or a volume that is none.
pub fn release_notice(
    envelope: &Envelope,
    heading: &Heading,
    body: Notice,
    now: Now,
) -> Result<Released<Record>, ReleaseError> {
    said(envelope, heading, Body::Notice(body), now, 1)
}

/// Releases an avoid area that a person addressed to this party.
///
/// # Errors
/// Too many volumes, or a volume that is none.
pub fn release_avoid(
    envelope: &Envelope,
    heading: &Heading,
    body: Avoid,
    now: Now,
) -> Result<Released<Record>, ReleaseError> {
    let rows = body.volumes.len() as u32;
    said(envelope, heading, Body::Avoid(body), now, rows)
}

/// Releases the end of something told to this party before. It says nothing of why.
///
/// # Errors
/// The record's own bounds.
pub fn release_withdrawal(
    envelope: &Envelope,
    heading: &Heading,
    of: Hash32,
    now: Now,
) -> Result<Released<Record>, ReleaseError> {
    withdrawal(envelope, heading, (of, Mentions::default()), now)
}

pub(crate) fn withdrawal(
    envelope: &Envelope,
    heading: &Heading,
    (of, mentions): (Hash32, Mentions),
    now: Now,
) -> Result<Released<Record>, ReleaseError> {
    let record = envelope.record(heading, Body::Withdrawn(Withdrawn { of }), now);
    Released::seal(record, Basis::Withdrawal, 1, mentions)
}

fn said(
    envelope: &Envelope,
    heading: &Heading,
    body: Body,
    now: Now,
    rows: u32,
) -> Result<Released<Record>, ReleaseError> {
    Released::seal(envelope.record(heading, body, now), Basis::Addressed, rows, Mentions::default())
}

fn half(hash: &Hash32) -> SubjectId {
    let mut id = [0; 16];
    id.copy_from_slice(&hash.0[..16]);
    SubjectId(id)
}

/// A subject that both ends can derive; no secret is in it.
fn derived(parts: &[&[u8]]) -> SubjectId {
    let mut h = Sha256::new();
    for part in parts {
        h.update((part.len() as u32).to_be_bytes());
        h.update(part);
    }
    half(&Hash32(h.finalize().into()))
}
