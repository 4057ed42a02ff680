//! Receipts above ACKNOWLEDGED: what was decided, to whom it was passed, where it was published. And between which moments a
//! notice was told.
use alloc::string::{String, ToString};
use minicbor::{Decode, Encode};
use record::{Decision, PartyId, Receipt, ReceiptLevel, Role};
use units::{Now, Utc};

use crate::error::DeskError;
use crate::notice::{Direction, NoticeEvent, NoticeItem};
use crate::notices::Notices;

/// An answer above ACKNOWLEDGED.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Said {
    /// When, by the clock of who answered.
    #[n(0)]
    pub at: Utc,
    /// In which role.
    #[n(1)]
    pub role: Role,
    /// Who, if it was one of us: names do not cross the link.
    #[n(2)]
    pub by: Option<String>,
    /// RESPONDED: what was decided.
    #[n(3)]
    pub decision: Option<Decision>,
    /// RESPONDED: in words. DISSEMINATED: to whom. PUBLISHED: where.
    #[n(4)]
    pub text: String,
}

/// How far a claimed time lies outside of what the order of the logs allows, ms: negative before, positive after, 0 within.
///
/// The bounds are by the addressee's clock, the claim by the issuer's: what is beyond their difference is a false claim, or a
/// false clock, whichever; it is no time to rely on.
#[must_use]
pub fn claimed_off_ms(claimed: Utc, after: Option<Utc>, before: Option<Utc>) -> i64 {
    let early = after.map_or(0, |after| claimed.since_ms(after).min(0));
    let late = before.map_or(0, |before| claimed.since_ms(before).max(0));
    if early < 0 { early } else { late }
}

/// What an officer answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Reply {
    /// RESPONDED, DISSEMINATED or PUBLISHED.
    #[n(0)]
    pub level: ReceiptLevel,
    /// With RESPONDED and only with it.
    #[n(1)]
    pub decision: Option<Decision>,
    /// What [`Said::text`] says.
    #[n(2)]
    pub text: String,
}

impl Notices {
    /// Answers a peer's notice above ACKNOWLEDGED: who has not read it back has nothing to answer to. Each level once.
    ///
    /// # Errors
    /// No such notice of a peer's, an observer, not acknowledged, or answered at this level already.
    pub fn handle_reply(
        &mut self,
        id: u64,
        officer: &str,
        role: Role,
        reply: &Reply,
        now: Now,
    ) -> Result<(), DeskError> {
        if role == Role::Observer {
            return Err(DeskError::Observer);
        }
        let item = self.get_mut(id).filter(|i| i.direction == Direction::In);
        let item = item.ok_or(DeskError::Unknown { what: "notice", id })?;
        if !item.is_acknowledged() {
            return Err(DeskError::NotAcknowledged { id });
        }
        if item.answers.contains_key(&reply.level) {
            return Err(DeskError::AlreadyAnswered { level: reply.level, id });
        }
        let mut receipt = item.receipt(reply.level, Some(role), item.read_back, now);
        (receipt.decision, receipt.text) = (reply.decision, Some(reply.text.clone()));
        record::check_receipt(&receipt).map_err(|_| DeskError::ReceiptEmpty)?;
        let said = Said {
            at: now.utc,
            role,
            by: Some(officer.to_string()),
            decision: reply.decision,
            text: reply.text.clone(),
        };
        item.answers.insert(reply.level, said);
        let peer = item.peer.clone();
        self.emit(NoticeEvent::Send { peer, receipt });
        Ok(())
    }

    /// Notes when we, or the peer, signed for the log of a direction at a size: what is below was told by then. What is told
    /// from now on was told after it; an urgent entry comes ahead of its turn, so its place in the log says nothing of that.
    pub fn handle_signed_for(&mut self, direction: Direction, peer: &PartyId, size: u64, at: Utc) {
        for item in self.of_peer_mut(direction, peer).filter(|item| !item.denied) {
            if item.told_before.is_none() && item.index.is_some_and(|index| index < size) {
                // A cosignature's time is in whole seconds.
                item.told_before = Some(if direction == Direction::Out { at.plus_ms(999) } else { at });
            }
        }
        self.set_signed_for(direction, peer, size, at);
    }
}

impl NoticeItem {
    /// Whether a level was reached.
    #[must_use]
    pub fn reached(&self, level: ReceiptLevel) -> bool {
        match level {
            ReceiptLevel::Received | ReceiptLevel::Seen => self.level() >= Some(level),
            ReceiptLevel::Acknowledged => self.is_acknowledged(),
            _ => self.answers.contains_key(&level),
        }
    }

    /// Takes what a peer's receipt says above ACKNOWLEDGED; the first of each level stands.
    pub(crate) fn take_answer(&mut self, receipt: &Receipt) {
        let (Some(role), Some(text)) = (receipt.role, &receipt.text) else { return };
        if receipt.level > ReceiptLevel::Acknowledged && self.is_acknowledged() {
            let said = Said { at: receipt.at, role, by: None, decision: receipt.decision, text: text.clone() };
            self.answers.entry(receipt.level).or_insert(said);
        }
    }
}
