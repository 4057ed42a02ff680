//! The reserved lane: FLASH and IMMEDIATE go ahead of what waits before them.
//!
//! An urgent entry is appended to the log like any other, and its bytes are sent at once besides. The receiver uses them on
//! the word of the authenticated connection, as it uses every entry before it is sealed; when the entry comes in its turn it
//! must be the same. So a flood delays it in neither direction, and the log stays one log in one order.
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use record::Hash32;
use units::{Mono, Now};

use crate::flow::{Lane, WINDOW, is_urgent};
use crate::frame::Frame;
use crate::machine::Link;
use crate::output::Output;
use crate::reason::CloseCode;
use crate::state::Phase;

/// Entries held ahead of their turn: a person sends each. 64 × (8 + 32) bytes.
pub const AHEAD_MAX: usize = 64;
/// Bytes of own urgent entries kept until they are receipted, to be sent ahead anew in a new session: 20 notices of 3 kB.
/// What is beyond comes in its turn.
pub const URGENT_BYTES_MAX: usize = 64 * 1024;

/// Bytes of entries held ahead of their turn: 64 notices of 3 kB.
pub const AHEAD_BYTES_MAX: usize = 192 * 1024;
/// An entry is sent ahead of fewer than this many that the peer does not hold: 48 days at one a second. Nobody would see a
/// turn further off than that come.
pub const AHEAD_REACH: u64 = 1 << 22;
/// What was used ahead and has not come in its turn for this long is told: nobody has signed for it.
pub const AHEAD_LATE_MS: u64 = 60_000;
/// Entries used ahead, and then denied, that are named.
const DENIED_MAX: usize = 16;
/// Bytes of them that are kept: the first twenty notices of 3 kB, or one entry of the largest kind.
const DENIED_BYTES_MAX: usize = 64 * 1024;

/// What the peer sent ahead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Ahead {
    /// Used, and not come in its turn, by index.
    #[n(0)]
    waiting: BTreeMap<u64, Waiting>,
    /// Used, and another came in its turn.
    #[n(1)]
    denied: Vec<Denied>,
}

/// An entry that was used ahead of its turn.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Waiting {
    #[n(0)]
    since: Mono,
    #[n(1)]
    bytes: ByteVec,
}

/// An entry of the peer that was used ahead, and in whose place its log has another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Denied {
    /// The place. The entry that the peer did sign for stands there in its log.
    #[n(0)]
    pub index: u64,
    /// Name of the record that was said.
    #[n(1)]
    pub record: Hash32,
    /// Its bytes, as they came; none if more was denied than is kept.
    #[n(2)]
    pub said: ByteVec,
}

/// An entry in its turn, compared with what was sent ahead for its place.
pub(crate) enum Turn {
    /// Nothing was.
    First,
    /// This was.
    AsAhead,
    /// Another was.
    Denied,
}

/// An own urgent entry that is not receipted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Urgent {
    #[n(0)]
    pub index: u64,
    #[n(1)]
    pub bytes: ByteVec,
}

impl Link {
    /// Sends an own urgent entry ahead, and remembers it until it is receipted.
    //= spec/link.md L-44
    pub(crate) fn hasten(&mut self, index: u64, bytes: &[u8]) {
        self.urgent.push_back(Urgent { index, bytes: ByteVec::from(bytes.to_vec()) });
        let mut kept: usize = self.urgent.iter().map(|urgent| urgent.bytes.len()).sum();
        while kept > URGENT_BYTES_MAX
            && let Some(oldest) = self.urgent.pop_front()
        {
            kept -= oldest.bytes.len();
        }
        // To append takes no time; a session has heard or said something within the second.
        let Phase::Up(session) = &self.phase else { return };
        let latest = session.checkpointed.map_or(session.contact.heard, |(_, at)| at.max(session.contact.heard));
        self.send_ahead(index, latest);
    }

    /// Sends ahead what the peer does not hold of the urgent, from an index on, as far as the peer takes it.
    //= spec/link.md L-44
    pub(crate) fn send_ahead(&mut self, from: u64, now: Mono) {
        let Phase::Up(session) = &self.phase else { return };
        // The peer holds what it granted but for one window, at least.
        let reach = session.granted_out.saturating_sub(WINDOW).saturating_add(AHEAD_REACH);
        let session = session.contact.session;
        let due: Vec<(u64, Vec<u8>)> = self
            .urgent
            .iter()
            .filter(|u| (from..reach).contains(&u.index))
            .map(|u| (u.index, u.bytes.to_vec()))
            .collect();
        for (index, entry) in due {
            if self.hastened.take(Lane::Urgent, &self.limits, false, now) {
                self.send(session, &Frame::Ahead { index, entry });
            }
        }
    }

    //= spec/link.md L-45
    pub(crate) fn on_ahead(&mut self, index: u64, entry: &[u8], now: Now) {
        let held = self.held.size();
        // It crossed its own entry on the way.
        if index < held {
            return;
        }
        if index - held >= AHEAD_REACH {
            return self.close(CloseCode::Unexpected, &format!("entry {index} was sent ahead of {held}: too far"), now);
        }
        if let Some(known) = self.ahead.waiting.get(&index) {
            if known.bytes.as_slice() != entry {
                self.close(CloseCode::Unexpected, &format!("entry {index} was sent ahead as another"), now);
            }
            return;
        }
        let decoded = match self.judge(entry) {
            Ok(decoded) if is_urgent(&decoded.record) => decoded,
            Ok(_) => return self.close(CloseCode::Unexpected, &"only what is urgent is sent ahead", now),
            Err(reason) => return self.close(CloseCode::Unexpected, &format!("sent ahead: {reason}"), now),
        };
        let bytes: usize = self.ahead.waiting.values().map(|waiting| waiting.bytes.len()).sum();
        let room = self.ahead.waiting.len() < AHEAD_MAX && bytes + entry.len() <= AHEAD_BYTES_MAX;
        if !room || !self.buckets.take(Lane::Urgent, &self.limits, false, now.mono) {
            *self.tally.throttled.entry(Lane::Urgent).or_default() += 1;
            return;
        }
        self.ahead.waiting.insert(index, Waiting { since: now.mono, bytes: ByteVec::from(entry.to_vec()) });
        self.outputs.push_back(Output::Accepted { index, decoded: alloc::boxed::Box::new(decoded) });
    }

    /// Whether an entry that came in its turn was used ahead. If another was, that is kept: it was said, and its sender
    /// will not have signed for it.
    //= spec/link.md L-46
    pub(crate) fn in_turn(&mut self, index: u64, entry: &[u8]) -> Turn {
        let Some(Waiting { bytes, .. }) = self.ahead.waiting.remove(&index) else { return Turn::First };
        if bytes.as_slice() == entry {
            return Turn::AsAhead;
        }
        // It was decoded when it was taken.
        if let Ok(decoded) = record::decode(&bytes) {
            let kept: usize = self.ahead.denied.iter().map(|denied| denied.said.len()).sum();
            if self.ahead.denied.len() < DENIED_MAX {
                let said = if kept + bytes.len() <= DENIED_BYTES_MAX { bytes } else { ByteVec::from(Vec::new()) };
                self.ahead.denied.push(Denied { index, record: decoded.id, said });
            }
            self.outputs.push_back(Output::Denied { index, record: decoded.id });
        }
        Turn::Denied
    }

    /// What the peer said ahead of its turn and then put another entry in the place of, oldest first; the first sixteen.
    #[must_use]
    pub fn denied(&self) -> &[Denied] {
        &self.ahead.denied
    }

    /// How many entries that were used ahead have not come in their turn for [`AHEAD_LATE_MS`].
    //= spec/link.md L-54
    pub(crate) fn ahead_late(&self, now: Mono) -> u64 {
        self.ahead.waiting.values().filter(|waiting| now.since_ms(waiting.since) >= AHEAD_LATE_MS).count() as u64
    }
}
