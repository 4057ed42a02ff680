//! The life of a notice: queued, received, seen, acknowledged; and by when.
use super::read_back::differences;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Hash32, Notice, PartyId, Precedence, ReadBack, Receipt, ReceiptLevel, Role, SubjectId};
use units::{Mono, Now, Utc};

/// Notices kept in each direction; the oldest settled one makes room. All of them stand in the logs.
pub const NOTICES_MAX: usize = 2000;

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Acknowledged {
    /// When, by the acknowledging side's clock.
    #[n(0)]
    pub at: Utc,
    /// In what role.
    #[n(1)]
    pub role: Option<Role>,
    /// Own officer's account; the peer's is never known.
    #[n(2)]
    pub by: Option<String>,
    /// The read-back agreed with the notice.
    #[n(3)]
    pub read_back_ok: bool,
}

/// A notice sent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Outgoing {
    /// To whom.
    #[n(0)]
    pub peer: PartyId,
    /// Index in the log to the peer.
    #[n(1)]
    pub index: u64,
    /// Subject.
    #[n(2)]
    pub subject: SubjectId,
    /// Precedence.
    #[n(3)]
    pub precedence: Precedence,
    /// The notice.
    #[n(4)]
    pub notice: Notice,
    /// When issued.
    #[n(5)]
    pub issued: Utc,
    /// Receipt asked for.
    #[n(6)]
    pub wanted: Option<ReceiptLevel>,
    /// When it is due: on the monotonic clock, and as written down.
    #[n(7)]
    pub due: Option<(Mono, Utc)>,
    /// The peer's machine holds it: its statement of when.
    #[n(8)]
    pub received: Option<Utc>,
    /// The peer displayed it.
    #[n(9)]
    pub seen: Option<Utc>,
    /// The peer acknowledged it.
    #[n(10)]
    pub acknowledged: Option<Acknowledged>,
    /// Order of entry.
    #[n(11)]
    pub order: u64,
}

/// A notice received.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Incoming {
    /// From whom.
    #[n(0)]
    pub peer: PartyId,
    /// Index in the peer's log.
    #[n(1)]
    pub index: u64,
    /// Subject.
    #[n(2)]
    pub subject: SubjectId,
    /// Precedence.
    #[n(3)]
    pub precedence: Precedence,
    /// The notice.
    #[n(4)]
    pub notice: Notice,
    /// When issued, as the peer states.
    #[n(5)]
    pub issued: Utc,
    /// Receipt the peer asks for.
    #[n(6)]
    pub wanted: Option<ReceiptLevel>,
    /// When it is due.
    #[n(7)]
    pub due: Option<(Mono, Utc)>,
    /// When it arrived here.
    #[n(8)]
    pub received: Utc,
    /// When it was first displayed, and to whom.
    #[n(9)]
    pub seen: Option<(Utc, String)>,
    /// When and by whom it was acknowledged here.
    #[n(10)]
    pub acknowledged: Option<Acknowledged>,
    /// Order of entry.
    #[n(11)]
    pub order: u64,
}

/// Why something could not be done with a notice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// No such notice received.
    #[error("no such notice")]
    NoSuch,
    /// It was acknowledged already.
    #[error("already acknowledged")]
    Already,
    /// The read-back differs.
    #[error("the read-back differs in: {}", .0.join(", "))]
    ReadBackDiffers(Vec<&'static str>),
}

/// All notices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Notices {
    #[n(0)]
    outgoing: BTreeMap<Hash32, Outgoing>,
    #[n(1)]
    incoming: BTreeMap<Hash32, Incoming>,
    #[n(2)]
    order: u64,
}

impl Notices {
    /// A notice was appended to the log to its peer.
    pub fn sent(&mut self, id: Hash32, mut notice: Outgoing) {
        self.order += 1;
        notice.order = self.order;
        if self.outgoing.len() >= NOTICES_MAX {
            let settled = self.outgoing.iter().filter(|(_, n)| n.settled()).min_by_key(|(_, n)| n.order);
            let oldest = settled.or_else(|| self.outgoing.iter().min_by_key(|(_, n)| n.order)).map(|(id, _)| *id);
            oldest.and_then(|id| self.outgoing.remove(&id));
        }
        self.outgoing.insert(id, notice);
    }

    /// A notice arrived from a peer.
    pub fn arrived(&mut self, id: Hash32, mut notice: Incoming) {
        self.order += 1;
        notice.order = self.order;
        if self.incoming.len() >= NOTICES_MAX {
            let settled = self.incoming.iter().filter(|(_, n)| n.settled()).min_by_key(|(_, n)| n.order);
            let oldest = settled.or_else(|| self.incoming.iter().min_by_key(|(_, n)| n.order)).map(|(id, _)| *id);
            oldest.and_then(|id| self.incoming.remove(&id));
        }
        self.incoming.entry(id).or_insert(notice);
    }

    /// The peer cosigned its log of our entries below `size`: that is RECEIVED for the notices among them.
    pub fn received_below(&mut self, peer: &PartyId, size: u64, at: Utc) {
        let waiting = self.outgoing.values_mut().filter(|n| n.received.is_none() && n.peer == *peer && n.index < size);
        waiting.for_each(|n| n.received = Some(at));
    }

    /// A receipt of a peer. Returns whether it is for a notice of ours to that peer.
    pub fn receipt(&mut self, peer: &PartyId, receipt: &Receipt) -> bool {
        let Some(notice) = self.outgoing.get_mut(&receipt.of).filter(|n| n.peer == *peer) else { return false };
        match receipt.level {
            ReceiptLevel::Seen => {
                notice.seen.get_or_insert(receipt.at);
            }
            ReceiptLevel::Acknowledged | ReceiptLevel::Responded => {
                // Compared here too: the sender does not take the receiver's word for what was read back.
                let read = receipt.read_back.unwrap_or_default();
                let read_back_ok = differences(&notice.notice, &read).is_empty();
                notice.seen.get_or_insert(receipt.at);
                notice.acknowledged = Some(Acknowledged { at: receipt.at, role: receipt.role, by: None, read_back_ok });
            }
            ReceiptLevel::Received | ReceiptLevel::Disseminated => {}
        }
        true
    }

    /// A notice received was painted before `who`. Returns it the first time.
    pub fn displayed(&mut self, id: Hash32, who: &str, now: Now) -> Option<&Incoming> {
        let notice = self.incoming.get_mut(&id).filter(|n| n.seen.is_none())?;
        notice.seen = Some((now.utc, who.to_string()));
        Some(notice)
    }

    /// `who` acknowledges a notice received, reading back place, level and time.
    ///
    /// # Errors
    /// [`NoticeError`]; a read-back that differs acknowledges nothing.
    pub fn acknowledge(
        &mut self,
        id: Hash32,
        who: &str,
        role: Role,
        read_back: &ReadBack,
        now: Now,
    ) -> Result<&Incoming, NoticeError> {
        let notice = self.incoming.get_mut(&id).ok_or(NoticeError::NoSuch)?;
        if notice.acknowledged.is_some() {
            return Err(NoticeError::Already);
        }
        let fields = differences(&notice.notice, read_back);
        if !fields.is_empty() {
            return Err(NoticeError::ReadBackDiffers(fields));
        }
        notice.acknowledged =
            Some(Acknowledged { at: now.utc, role: Some(role), by: Some(who.to_string()), read_back_ok: true });
        Ok(notice)
    }

    /// Notices sent.
    pub fn outgoing(&self) -> impl Iterator<Item = (&Hash32, &Outgoing)> {
        self.outgoing.iter()
    }

    /// Notices received.
    pub fn incoming(&self) -> impl Iterator<Item = (&Hash32, &Incoming)> {
        self.incoming.iter()
    }
}

impl Outgoing {
    /// Whether everything asked for has come.
    #[must_use]
    pub fn settled(&self) -> bool {
        match self.wanted {
            None | Some(ReceiptLevel::Received) => self.received.is_some(),
            Some(ReceiptLevel::Seen) => self.seen.is_some(),
            Some(_) => self.acknowledged.as_ref().is_some_and(|a| a.read_back_ok),
        }
    }

    /// Whether it is past its deadline.
    #[must_use]
    pub fn overdue(&self, now: Now) -> bool {
        !self.settled() && self.due.is_some_and(|(at, _)| now.mono >= at)
    }
}

impl Incoming {
    /// Whether everything asked for was given.
    #[must_use]
    pub fn settled(&self) -> bool {
        match self.wanted {
            None | Some(ReceiptLevel::Received) => self.seen.is_some(),
            Some(ReceiptLevel::Seen) => self.seen.is_some(),
            Some(_) => self.acknowledged.is_some(),
        }
    }

    /// Whether it is past its deadline.
    #[must_use]
    pub fn overdue(&self, now: Now) -> bool {
        !self.settled() && self.due.is_some_and(|(at, _)| now.mono >= at)
    }
}
