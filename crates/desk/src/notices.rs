//! Notices in both directions, with their deadlines.
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Hash32, PartyId, Precedence, ReadBack, Receipt, ReceiptLevel, Role};
use units::{Mono, Now, Utc};

use crate::alert::{AlertLevel, Shown, Situation};
use crate::error::DeskError;
use crate::facts::Facts;
use crate::notice::{Answer, Direction, Incoming, NoticeEvent, NoticeItem, Outgoing};
use crate::read_back::compare;

/// Notices kept per peer and direction: 500 × 3 kB are 1.5 MB at worst. Done ones make room, the oldest first.
pub const NOTICES_MAX: usize = 500;
/// Of these, kept free for FLASH and IMMEDIATE: a flood of the rest must not shut them out.
pub const URGENT_RESERVE: usize = 100;
/// An answer due within this is a warning.
pub const DUE_SOON_MS: u64 = 30_000;
/// Officers recorded as having been shown one notice.
const SHOWN_MAX: usize = 32;

/// The notices of a desk.
///
/// An own notice goes from queued to RECEIVED (the peer's cosignature covers it), SEEN and ACKNOWLEDGED (its receipts). A
/// peer's notice is RECEIVED by the link itself; SEEN goes out when it is first displayed, ACKNOWLEDGED when an officer
/// has read it back and the machine found no difference. Levels never go back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Notices {
    #[n(0)]
    items: BTreeMap<u64, NoticeItem>,
    #[n(1)]
    by_record: BTreeMap<(Direction, PartyId, Hash32), u64>,
    #[n(2)]
    last: u64,
    #[n(3)]
    refused: u64,
    #[n(4)]
    outputs: BTreeMap<u64, NoticeEvent>,
    #[n(5)]
    output_count: u64,
    /// Newest size of each log that its addressee signed for, and when by its clock.
    #[n(6)]
    signed_for: BTreeMap<(Direction, PartyId), (u64, Utc)>,
}

impl Notices {
    /// Takes up an own notice that was released to a peer.
    ///
    /// # Errors
    /// [`DeskError::Full`].
    pub fn handle_sent(&mut self, sent: Outgoing, now: Now) -> Result<u64, DeskError> {
        let key = (Direction::Out, sent.peer.clone(), sent.record);
        if let Some(id) = self.by_record.get(&key) {
            return Ok(*id);
        }
        let id = self.room(Direction::Out, &sent.peer, sent.precedence)?;
        let due_ms = u64::from(sent.due_s) * 1000;
        let due = sent.wanted.map(|_| now.utc.plus_ms(due_ms as i64));
        let told_after = self.signed_for(Direction::Out, &sent.peer).map(|(_, at)| at);
        self.insert(
            key,
            NoticeItem {
                id,
                direction: Direction::Out,
                peer: sent.peer,
                record: sent.record,
                index: None,
                subject: sent.subject,
                notice: sent.notice,
                precedence: sent.precedence,
                wanted: sent.wanted,
                issued: now.utc,
                due,
                received: None,
                seen: None,
                acknowledged: None,
                overdue: false,
                sealed: false,
                shown: Vec::new(),
                due_at: due.map(|_| now.mono.plus_ms(due_ms)),
                answers: BTreeMap::new(),
                read_back: None,
                told_after,
                told_before: None,
                denied: false,
            },
        );
        Ok(id)
    }

    /// Takes up a peer's notice. The same record again changes nothing, unless its place was denied to it.
    ///
    /// # Errors
    /// [`DeskError::Full`]: the record stands in the peer's log all the same, and the refusal is counted and shown.
    pub fn handle_arrived(&mut self, came: Incoming, now: Now) -> Result<u64, DeskError> {
        let key = (Direction::In, came.peer.clone(), came.record);
        if let Some(id) = self.by_record.get(&key) {
            if let Some(item) = self.items.get_mut(id).filter(|item| item.denied) {
                (item.index, item.denied) = (Some(came.index), false);
            }
            return Ok(*id);
        }
        let id = self.room(Direction::In, &came.peer, came.precedence)?;
        let due_ms = u64::from(came.due_s) * 1000;
        let due = came.wanted.map(|_| now.utc.plus_ms(due_ms as i64));
        let signed = self.signed_for(Direction::In, &came.peer);
        let told_after = signed.filter(|(size, _)| *size <= came.index).map(|(_, at)| at);
        self.insert(
            key,
            NoticeItem {
                id,
                direction: Direction::In,
                peer: came.peer,
                record: came.record,
                index: Some(came.index),
                subject: came.subject,
                notice: came.notice,
                precedence: came.precedence,
                wanted: came.wanted,
                issued: came.issued,
                due,
                received: Some(now.utc),
                seen: None,
                acknowledged: None,
                overdue: false,
                sealed: false,
                shown: Vec::new(),
                due_at: due.map(|_| now.mono.plus_ms(due_ms)),
                answers: BTreeMap::new(),
                read_back: None,
                told_after,
                told_before: None,
                denied: false,
            },
        );
        self.emit(NoticeEvent::Arrived(id));
        Ok(id)
    }

    /// Notes at which place of the log to its peer an own record stands.
    pub fn handle_logged(&mut self, peer: &PartyId, record: &Hash32, index: u64) {
        if let Some(item) = self.item(Direction::Out, peer, record) {
            item.index = Some(index);
        }
    }

    /// Notes that the peer has cosigned our log to it at this size: all entries below it are RECEIVED.
    pub fn handle_cosigned(&mut self, peer: &PartyId, size: u64, now: Now) {
        let mut reached = Vec::new();
        for item in self.items.values_mut().filter(|i| i.direction == Direction::Out && i.peer == *peer) {
            if item.received.is_none() && item.index.is_some_and(|index| index < size) {
                (item.received, item.sealed) = (Some(now.utc), true);
                reached.push(item.id);
            }
        }
        for id in reached {
            self.emit(NoticeEvent::Progress { id, level: ReceiptLevel::Received, differs: Vec::new() });
        }
    }

    /// Notes that another entry than this record stands in the place for which it was sent ahead: no checkpoint over that
    /// place seals it.
    pub fn handle_denied(&mut self, peer: &PartyId, record: &Hash32) {
        if let Some(item) = self.item(Direction::In, peer, record) {
            item.denied = true;
        }
    }

    /// Notes that a verified checkpoint of the peer's covers its log to us up to this size: all in it but what was denied.
    pub fn handle_sealed(&mut self, peer: &PartyId, size: u64) {
        let of_peer = |i: &&mut NoticeItem| i.direction == Direction::In && i.peer == *peer && !i.denied;
        for item in self.items.values_mut().filter(of_peer) {
            item.sealed |= item.index.is_some_and(|index| index < size);
        }
    }

    /// Takes a peer's receipt for an own notice. The read-back is compared here as well: what the peer's machine let
    /// pass is its own affair.
    ///
    /// # Errors
    /// A receipt for nothing sent to this peer, for another place in the log, or an acknowledgement that names no role or
    /// holds no read-back.
    pub fn handle_receipt(&mut self, peer: &PartyId, receipt: &Receipt) -> Result<(), DeskError> {
        let item = self.item(Direction::Out, peer, &receipt.of).ok_or(DeskError::ReceiptOfNothing)?;
        if let Some(expected) = item.index
            && expected != receipt.index
        {
            return Err(DeskError::ReceiptIndex { expected, got: receipt.index });
        }
        let before = (item.level(), item.acknowledged.clone(), item.answers.len());
        if receipt.level >= ReceiptLevel::Acknowledged && !item.is_acknowledged() {
            let (Some(role), Some(read)) = (receipt.role, receipt.read_back) else {
                return Err(DeskError::ReceiptEmpty);
            };
            if role == Role::Observer {
                return Err(DeskError::ReceiptEmpty);
            }
            let differs = compare(&item.notice, &read);
            item.acknowledged = Some(Answer { at: receipt.at, role, by: None, differs });
        }
        if receipt.level >= ReceiptLevel::Seen && item.seen.is_none() {
            item.seen = Some(receipt.at);
        }
        item.take_answer(receipt);
        if (item.level(), item.acknowledged.clone(), item.answers.len()) == before {
            return Ok(());
        }
        let (id, level) = (item.id, item.level().unwrap_or(receipt.level));
        let differs = item.acknowledged.as_ref().map_or(Vec::new(), |a| a.differs.clone());
        self.emit(NoticeEvent::Progress { id, level, differs });
        Ok(())
    }

    /// Notes that a notice was displayed to an officer; the first time, SEEN goes out.
    ///
    /// # Errors
    /// No such notice.
    pub fn handle_shown(&mut self, id: u64, officer: &str, role: Role, now: Now) -> Result<(), DeskError> {
        let item = self.items.get_mut(&id).ok_or(DeskError::Unknown { what: "notice", id })?;
        if item.shown.iter().any(|s| s.officer == officer) {
            return Ok(());
        }
        if item.shown.len() >= SHOWN_MAX {
            item.shown.remove(0);
        }
        item.shown.push(Shown { officer: officer.to_string(), at: now.utc, raising: 1 });
        let first = item.direction == Direction::In && item.seen.is_none();
        let receipt = item.receipt(ReceiptLevel::Seen, Some(role), None, now);
        let peer = item.peer.clone();
        if first {
            item.seen = Some(now.utc);
        }
        self.emit(NoticeEvent::Shown { id, officer: officer.to_string() });
        if first {
            self.emit(NoticeEvent::Send { peer, receipt });
        }
        Ok(())
    }

    /// Acknowledges a peer's notice. The read-back is compared first; if it differs nothing is sent.
    ///
    /// # Errors
    /// No such notice of a peer's, done already, an observer, or [`DeskError::ReadBackDiffers`].
    pub fn handle_acknowledge(
        &mut self,
        id: u64,
        officer: &str,
        role: Role,
        read: ReadBack,
        now: Now,
    ) -> Result<(), DeskError> {
        if role == Role::Observer {
            return Err(DeskError::Observer);
        }
        let item = self.items.get_mut(&id).filter(|i| i.direction == Direction::In);
        let item = item.ok_or(DeskError::Unknown { what: "notice", id })?;
        if item.is_acknowledged() {
            return Err(DeskError::AlreadyAcknowledged { what: "notice", id });
        }
        let fields = compare(&item.notice, &read);
        if !fields.is_empty() {
            return Err(DeskError::ReadBackDiffers { fields });
        }
        item.seen.get_or_insert(now.utc);
        item.acknowledged = Some(Answer { at: now.utc, role, by: Some(officer.to_string()), differs: Vec::new() });
        item.read_back = Some(read);
        let receipt = item.receipt(ReceiptLevel::Acknowledged, Some(role), Some(read), now);
        let peer = item.peer.clone();
        self.emit(NoticeEvent::Send { peer, receipt });
        Ok(())
    }

    /// Lets time pass: marks what is overdue.
    pub fn handle_time(&mut self, now: Now) {
        let mut late = Vec::new();
        for item in self.items.values_mut().filter(|i| !i.overdue && i.is_overdue(now)) {
            item.overdue = true;
            late.push(item.id);
        }
        for id in late {
            self.emit(NoticeEvent::Overdue(id));
        }
    }

    /// When [`Notices::handle_time`] or [`Notices::conditions`] next has something new.
    #[must_use]
    pub fn poll_timeout(&self, now: Now) -> Option<Mono> {
        let open = self.items.values().filter(|i| i.is_open()).filter_map(|i| i.due_at);
        open.flat_map(|due| [Mono(due.0.saturating_sub(DUE_SOON_MS)), due]).filter(|at| *at > now.mono).min()
    }

    /// The conditions that alert an officer now.
    ///
    /// A peer's FLASH is an alarm until it is answered, IMMEDIATE a warning, the rest a caution; any answer due within
    /// [`DUE_SOON_MS`] is a warning, overdue an alarm, and so is a wrong read-back of an own notice, also of one that asked
    /// for none, until a right one comes. A peer's notice that asks for no answer alerts until it is seen.
    #[must_use]
    pub fn conditions(&self, now: Now) -> Vec<(Situation, AlertLevel, Facts)> {
        let waiting = self.items.values().filter(|i| i.waits());
        waiting.filter_map(|i| i.alert(now).map(|(level, facts)| (Situation::Notice(i.id), level, facts))).collect()
    }

    /// Takes the next event, oldest first.
    pub fn poll_output(&mut self) -> Option<NoticeEvent> {
        self.outputs.pop_first().map(|(_, event)| event)
    }

    /// All notices kept, by id.
    pub fn iter(&self) -> impl Iterator<Item = &NoticeItem> {
        self.items.values()
    }

    /// One notice.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&NoticeItem> {
        self.items.get(&id)
    }

    /// The notice of a record.
    #[must_use]
    pub fn of(&self, direction: Direction, peer: &PartyId, record: &Hash32) -> Option<&NoticeItem> {
        self.by_record.get(&(direction, peer.clone(), *record)).and_then(|id| self.items.get(id))
    }

    /// Whether one more notice fits. To be asked before an own notice is put in the log: what was said cannot be unsaid.
    ///
    /// # Errors
    /// [`DeskError::Full`].
    pub fn has_room(&self, direction: Direction, peer: &PartyId, precedence: Precedence) -> Result<(), DeskError> {
        self.makes_room(direction, peer, precedence).map(|_| ())
    }

    /// Notices that did not fit. Never silent: show it.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn item(&mut self, direction: Direction, peer: &PartyId, record: &Hash32) -> Option<&mut NoticeItem> {
        let id = self.by_record.get(&(direction, peer.clone(), *record))?;
        self.items.get_mut(id)
    }

    fn insert(&mut self, key: (Direction, PartyId, Hash32), item: NoticeItem) {
        self.by_record.insert(key, item.id);
        self.items.insert(item.id, item);
    }

    /// The next id, once there is room for it.
    fn room(&mut self, direction: Direction, peer: &PartyId, precedence: Precedence) -> Result<u64, DeskError> {
        let done = self.makes_room(direction, peer, precedence).inspect_err(|_| self.refused += 1)?;
        if let Some(item) = done.and_then(|done| self.items.remove(&done)) {
            self.by_record.remove(&(item.direction, item.peer, item.record));
        }
        self.last += 1;
        Ok(self.last)
    }

    /// The notice that would make room for one more, if one has to.
    fn makes_room(
        &self,
        direction: Direction,
        peer: &PartyId,
        precedence: Precedence,
    ) -> Result<Option<u64>, DeskError> {
        let urgent = precedence >= Precedence::Immediate;
        let max = if urgent { NOTICES_MAX } else { NOTICES_MAX - URGENT_RESERVE };
        let same = |i: &&NoticeItem| i.direction == direction && i.peer == *peer;
        if self.items.values().filter(same).count() < max {
            return Ok(None);
        }
        // What asks for nothing, or has been answered, makes room; what nobody has seen last.
        let done = || self.items.values().filter(same).filter(|i| !i.is_open());
        let first = done().find(|i| !i.waits()).or_else(|| done().next());
        first.map(|i| Some(i.id)).ok_or(DeskError::Full { max })
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut NoticeItem> {
        self.items.get_mut(&id)
    }

    pub(crate) fn of_peer_mut(
        &mut self,
        direction: Direction,
        peer: &PartyId,
    ) -> impl Iterator<Item = &mut NoticeItem> {
        self.items.values_mut().filter(move |i| i.direction == direction && i.peer == *peer)
    }

    pub(crate) fn signed_for(&self, direction: Direction, peer: &PartyId) -> Option<(u64, Utc)> {
        self.signed_for.get(&(direction, peer.clone())).copied()
    }

    pub(crate) fn set_signed_for(&mut self, direction: Direction, peer: &PartyId, size: u64, at: Utc) {
        self.signed_for.insert((direction, peer.clone()), (size, at));
    }

    pub(crate) fn emit(&mut self, event: NoticeEvent) {
        self.output_count += 1;
        self.outputs.insert(self.output_count, event);
    }
}

impl NoticeItem {
    pub(crate) fn receipt(
        &self,
        level: ReceiptLevel,
        role: Option<Role>,
        read_back: Option<ReadBack>,
        now: Now,
    ) -> Receipt {
        let (of, index) = (self.record, self.index.unwrap_or(0));
        Receipt { of, index, level, at: now.utc, role, read_back, decision: None, text: None }
    }

    fn alert(&self, now: Now) -> Option<(AlertLevel, Facts)> {
        let left = self.due_at.map(|due| due.since_ms(now.mono));
        let wrong = self.is_misread();
        let level = if self.overdue || wrong {
            AlertLevel::Alarm
        } else {
            let by_time = left.filter(|ms| *ms < DUE_SOON_MS).map(|_| AlertLevel::Warning);
            let by_kind = (self.direction == Direction::In).then_some(match self.precedence {
                Precedence::Flash => AlertLevel::Alarm,
                Precedence::Immediate => AlertLevel::Warning,
                Precedence::Priority | Precedence::Routine => AlertLevel::Caution,
            });
            by_time.max(by_kind)?
        };
        let facts = Facts { text: self.sentence(wrong), overdue: self.overdue, differs: wrong, ..Facts::default() };
        Some((level, facts))
    }

    fn sentence(&self, wrong: bool) -> String {
        let (precedence, class, peer) = (self.precedence.name(), self.notice.class.name(), &self.peer);
        let late = if self.overdue { ", overdue" } else { "" };
        let late = if self.denied { ", which its sender did NOT sign for" } else { late };
        let what = match self.direction {
            Direction::In if !self.is_open() => format!("{precedence} {class} from {peer} has not been seen"),
            Direction::In => format!("{precedence} {class} from {peer} waits for your answer{late}"),
            Direction::Out if wrong => format!("{precedence} {class} to {peer}: the read-back differs"),
            Direction::Out => format!("{precedence} {class} to {peer} is not answered{late}"),
        };
        format!("{what}: {}", head(&self.notice.text))
    }
}

/// The beginning of a text, on one line.
fn head(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[path = "notices_tests.rs"]
mod tests;
