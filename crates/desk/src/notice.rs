//! What the desk knows of a notice, in either direction.
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Hash32, Notice, PartyId, Precedence, ReadBack, Receipt, ReceiptLevel, Role, SubjectId};
use units::{Mono, Now, Utc};

use crate::alert::Shown;
use crate::answering::Said;
use crate::read_back::Field;

/// Whose notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Direction {
    /// A peer's, to us.
    #[n(0)]
    In,
    /// Ours, to a peer.
    #[n(1)]
    Out,
}

/// What comes with a notice from a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Who says it.
    pub peer: PartyId,
    /// Name of the record.
    pub record: Hash32,
    /// Its place in the peer's log to us.
    pub index: u64,
    /// Its subject.
    pub subject: SubjectId,
    /// The notice.
    pub notice: Notice,
    /// Precedence.
    pub precedence: Precedence,
    /// Receipt asked for.
    pub wanted: Option<ReceiptLevel>,
    /// Seconds within which it is due: the sooner of what the record asks and what the pact says.
    pub due_s: u32,
    /// When it was issued, by the peer's clock.
    pub issued: Utc,
}

/// What goes with a notice to a peer. A notice to three peers is three of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// To whom.
    pub peer: PartyId,
    /// Name of the record.
    pub record: Hash32,
    /// Its subject.
    pub subject: SubjectId,
    /// The notice.
    pub notice: Notice,
    /// Precedence.
    pub precedence: Precedence,
    /// Receipt asked for.
    pub wanted: Option<ReceiptLevel>,
    /// Seconds within which it is due.
    pub due_s: u32,
}

/// A notice at the desk.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct NoticeItem {
    /// Number at this desk, from 1.
    #[n(0)]
    pub id: u64,
    /// Direction.
    #[n(1)]
    pub direction: Direction,
    /// The other party.
    #[n(2)]
    pub peer: PartyId,
    /// Name of the record.
    #[n(3)]
    pub record: Hash32,
    /// Its place in the log of its direction; `None` while an own notice is queued.
    #[n(4)]
    pub index: Option<u64>,
    /// Its subject.
    #[n(5)]
    pub subject: SubjectId,
    /// The notice.
    #[n(6)]
    pub notice: Notice,
    /// Precedence.
    #[n(7)]
    pub precedence: Precedence,
    /// Receipt asked for.
    #[n(8)]
    pub wanted: Option<ReceiptLevel>,
    /// When it was issued, by its issuer's clock.
    #[n(9)]
    pub issued: Utc,
    /// When the answer is due, by our clock; the deadline itself runs on monotonic time.
    #[n(10)]
    pub due: Option<Utc>,
    /// Outgoing: when the peer's cosignature over it came. Incoming: when it came.
    #[n(11)]
    pub received: Option<Utc>,
    /// Outgoing: when the peer says it was displayed. Incoming: when it first was here.
    #[n(12)]
    pub seen: Option<Utc>,
    /// The acknowledgement, with what differed in its read-back.
    #[n(13)]
    pub acknowledged: Option<Answer>,
    /// The deadline passed without the answer asked for.
    #[n(14)]
    pub overdue: bool,
    /// A checkpoint covers it. An incoming notice is used before it is sealed, and shown as not yet so.
    #[n(15)]
    pub sealed: bool,
    /// Incoming: who was shown it and when.
    #[n(16)]
    pub shown: Vec<Shown>,
    #[n(17)]
    pub(crate) due_at: Option<Mono>,
    /// Answers above ACKNOWLEDGED, by level.
    #[n(18)]
    pub answers: BTreeMap<ReceiptLevel, Said>,
    /// Incoming: what was read back.
    #[n(19)]
    pub(crate) read_back: Option<ReadBack>,
    /// The addressee's last signature for the log before the notice was made (outgoing) or came (incoming): it was told
    /// after. By the addressee's clock, whatever its issuer's says.
    #[n(20)]
    pub told_after: Option<Utc>,
    /// The addressee signed for the notice at this time: it was told before.
    #[n(21)]
    pub told_before: Option<Utc>,
    /// Incoming: it was used ahead of its turn, and another entry stands in its place. Nobody will have signed for it.
    #[n(22)]
    #[cbor(default)]
    pub denied: bool,
}

/// An acknowledgement of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Answer {
    /// When, by the clock of who answered.
    #[n(0)]
    pub at: Utc,
    /// In which role.
    #[n(1)]
    pub role: Role,
    /// Who, if it was one of us: names do not cross the link.
    #[n(2)]
    pub by: Option<String>,
    /// What differs between the notice and its read-back; none means that it is acknowledged.
    #[n(3)]
    pub differs: Vec<Field>,
}

impl NoticeItem {
    /// The highest level reached. An acknowledgement counts only with a right read-back.
    #[must_use]
    pub fn level(&self) -> Option<ReceiptLevel> {
        if self.is_acknowledged() {
            return self.answers.keys().max().copied().or(Some(ReceiptLevel::Acknowledged));
        }
        let (seen, received) = (self.seen.map(|_| ReceiptLevel::Seen), self.received.map(|_| ReceiptLevel::Received));
        seen.or(received)
    }

    /// Whether it was acknowledged with a right read-back.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged.as_ref().is_some_and(|a| a.differs.is_empty())
    }

    /// Whether an officer here has to look at it: the answer asked for is missing, or it is a peer's and nobody has
    /// seen it, or it is ours and was read back wrong, whether or not a receipt was asked for.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.is_open() || (self.direction == Direction::In && self.seen.is_none()) || self.is_misread()
    }

    /// Whether the last read-back of it differs from what it says: who reads it wrong may do what it does not say.
    #[must_use]
    pub fn is_misread(&self) -> bool {
        self.acknowledged.as_ref().is_some_and(|a| !a.differs.is_empty())
    }

    /// Whether the answer asked for is missing and its time is over.
    #[must_use]
    pub fn is_overdue(&self, now: Now) -> bool {
        self.is_open() && self.due_at.is_some_and(|due| due <= now.mono)
    }

    /// Whether the answer asked for is still missing.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.wanted.is_some_and(|wanted| !self.reached(wanted))
    }
}

/// What happened to a notice.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum NoticeEvent {
    /// A receipt to be released to the peer and sent.
    #[n(0)]
    Send {
        /// To whom.
        #[n(0)]
        peer: PartyId,
        /// The receipt.
        #[n(1)]
        receipt: Receipt,
    },
    /// A notice came in.
    #[n(1)]
    Arrived(#[n(0)] u64),
    /// A notice was displayed to an officer here.
    #[n(2)]
    Shown {
        /// The notice.
        #[n(0)]
        id: u64,
        /// To whom.
        #[n(1)]
        officer: String,
    },
    /// An own notice reached a higher level at the peer, or its read-back differed.
    #[n(3)]
    Progress {
        /// The notice.
        #[n(0)]
        id: u64,
        /// Level.
        #[n(1)]
        level: ReceiptLevel,
        /// What differs in the read-back.
        #[n(2)]
        differs: Vec<Field>,
    },
    /// An answer is overdue.
    #[n(4)]
    Overdue(#[n(0)] u64),
}
