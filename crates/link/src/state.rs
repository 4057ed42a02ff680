//! The parts of a link's state.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use record::Hash32;
use units::{Mono, Utc};

use crate::flow::Lane;
use crate::reason::{CloseCode, FrozenReason, Refusal};

/// A session in which no frame came for this long is ended: 15 heartbeats, or a frame of 262,144 bytes at 140 kbit/s.
pub const SILENCE_MS: u64 = 15_000;

/// Sending times of own checkpoints that wait for their cosignature: 6.4 s at 10 a second; older ones are not measured.
const WAITING_MAX: usize = 64;

/// Where the link stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Phase {
    /// No session.
    #[n(0)]
    Down,
    /// Our hello is sent, the peer's is awaited.
    #[n(1)]
    Greeting(#[n(0)] Contact),
    /// The pacts differ; the peer's text is awaited.
    #[n(2)]
    Differing(#[n(0)] Contact, #[n(1)] Hash32),
    /// Both logs flow.
    #[n(3)]
    Up(#[n(0)] Session),
    /// For good.
    #[n(4)]
    Frozen(#[n(0)] Freeze),
}

/// A connection and when it was last heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Contact {
    #[n(0)]
    pub session: u64,
    #[n(1)]
    pub heard: Mono,
}

/// An established session. Nothing in it outlives the connection.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Session {
    #[n(0)]
    pub contact: Contact,
    /// Own entries below this were handed out for sending.
    #[n(1)]
    pub sent_upto: u64,
    /// Size and time of the last own checkpoint.
    #[n(2)]
    pub checkpointed: Option<(u64, Mono)>,
    /// Next own `seq`.
    #[n(3)]
    pub seq_out: u64,
    /// Last `seq` of the peer.
    #[n(4)]
    pub seq_in: Option<u64>,
    /// Size of the peer's log that we cosigned last in this session.
    #[n(5)]
    pub cosigned_in: Option<u64>,
    /// Size of our log that the peer cosigned last in this session.
    #[n(6)]
    pub cosigned_out: Option<u64>,
    /// First sending time of sizes that wait for a cosignature.
    #[n(7)]
    pub waiting: BTreeMap<u64, Mono>,
    /// Frames other than entries that the peer may still send at once.
    #[n(8)]
    pub credit: u32,
    /// When the credit was last refilled.
    #[n(9)]
    pub credit_at: Mono,
    /// Entries of our log that the peer held when the session began.
    #[n(10)]
    pub began: u64,
    /// Entries of the peer below this may come.
    #[n(11)]
    pub granted_in: u64,
    /// Own entries below this may be sent.
    #[n(12)]
    pub granted_out: u64,
    /// When the peer last showed checkpoints of others.
    #[n(13)]
    pub shared_at: Option<Mono>,
    /// Own entries below this were sent and will not be refused any more.
    #[n(14)]
    #[cbor(default)]
    pub refused_upto: u64,
    /// Size of the peer's log by its hello: what it said before the session.
    #[n(15)]
    #[cbor(default)]
    pub backlog: u64,
}

impl Session {
    /// Remembers when a size was first sent.
    pub(crate) fn await_cosignature(&mut self, size: u64, at: Mono) {
        self.waiting.entry(size).or_insert(at);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_first();
        }
    }

    /// Forgets all sizes up to one that was cosigned; gives its sending time.
    pub(crate) fn awaited(&mut self, size: u64) -> Option<Mono> {
        let later = self.waiting.split_off(&size.saturating_add(1));
        core::mem::replace(&mut self.waiting, later).remove(&size)
    }
}

/// The end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Freeze {
    #[n(0)]
    pub reason: FrozenReason,
    #[n(1)]
    pub evidence: Vec<ByteVec>,
    #[n(2)]
    pub at: Utc,
}

/// The newest checkpoint that covered everything held, on our monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Covered {
    #[n(0)]
    pub at: Mono,
    #[n(1)]
    pub late_ms: u64,
}

/// Counters, one per reason or lane; at most 19 + 9 + 9 + 1 + 12 numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Tally {
    #[n(0)]
    pub closed: BTreeMap<CloseCode, u64>,
    #[n(1)]
    pub refused: BTreeMap<Refusal, u64>,
    #[n(2)]
    pub peer_refused: BTreeMap<Refusal, u64>,
    #[n(3)]
    pub stale_inputs: u64,
    /// Entries that left nothing in their bucket, so that what came after them waited; and what was not taken ahead.
    #[n(4)]
    pub throttled: BTreeMap<Lane, u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sending_of_the_last_sizes_is_remembered_until_one_is_cosigned() {
        let contact = Contact { session: 1, heard: Mono(0) };
        let mut session = Session {
            contact,
            sent_upto: 0,
            checkpointed: None,
            seq_out: 0,
            seq_in: None,
            cosigned_in: None,
            cosigned_out: None,
            waiting: BTreeMap::new(),
            credit: 0,
            credit_at: Mono(0),
            began: 0,
            granted_in: 0,
            granted_out: 0,
            shared_at: None,
            refused_upto: 0,
            backlog: 0,
        };
        for size in 0..1000 {
            session.await_cosignature(size, Mono(size));
            session.await_cosignature(size, Mono(size + 7));
        }
        assert_eq!(session.waiting.len(), WAITING_MAX);
        assert_eq!(session.awaited(5), None, "too long ago");
        assert_eq!(session.awaited(990), Some(Mono(990)));
        assert_eq!((session.awaited(980), session.waiting.len()), (None, 9), "all below went with it");
    }
}
