//! The reserved lane: FLASH and IMMEDIATE go ahead of what waits before them.
//!
//! An urgent entry is appended to the log like any other, and its bytes are sent at once besides. The receiver uses them on
//! the word of the authenticated connection, as it uses every entry before it is sealed; when the entry comes in its turn it
//! must be the same. So a flood delays it in neither direction, and the log stays one log in one order.
use alloc::format;
use alloc::vec::Vec;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tlog::leaf_hash;
use units::{Mono, Now};

use crate::flow::{Lane, is_urgent};
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

    /// Sends ahead what the peer does not hold of the urgent, from an index on.
    //= spec/link.md L-44
    pub(crate) fn send_ahead(&mut self, from: u64, now: Mono) {
        let Phase::Up(session) = &self.phase else { return };
        let session = session.contact.session;
        let due: Vec<(u64, Vec<u8>)> =
            self.urgent.iter().filter(|u| u.index >= from).map(|u| (u.index, u.bytes.to_vec())).collect();
        for (index, entry) in due {
            if self.hastened.take(Lane::Urgent, &self.limits, false, now) {
                self.send(session, &Frame::Ahead { index, entry });
            }
        }
    }

    //= spec/link.md L-45
    pub(crate) fn on_ahead(&mut self, index: u64, entry: &[u8], now: Now) {
        // It crossed its own entry on the way.
        if index < self.held.size() {
            return;
        }
        let leaf = leaf_hash(entry);
        if let Some(known) = self.ahead.get(&index) {
            if *known != leaf {
                self.close(CloseCode::Unexpected, &format!("entry {index} was sent ahead as another"), now);
            }
            return;
        }
        let decoded = match self.judge(entry) {
            Ok(decoded) if is_urgent(&decoded.record) => decoded,
            Ok(_) => return self.close(CloseCode::Unexpected, &"only what is urgent is sent ahead", now),
            Err(reason) => return self.close(CloseCode::Unexpected, &format!("sent ahead: {reason}"), now),
        };
        let room = self.ahead.len() < AHEAD_MAX;
        if !room || !self.buckets.take(Lane::Urgent, &self.limits, false, now.mono) {
            *self.tally.throttled.entry(Lane::Urgent).or_default() += 1;
            return;
        }
        self.ahead.insert(index, leaf);
        self.outputs.push_back(Output::Accepted { index, decoded: alloc::boxed::Box::new(decoded) });
    }
}
