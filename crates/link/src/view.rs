//! What the desk, the API and metrics show of a link.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::Hash32;
use units::{Now, Utc};

use crate::flow::Lane;
use crate::machine::Link;
use crate::pad::Padding;
use crate::reason::{CloseCode, FrozenReason, Refusal};
use crate::state::{Phase, SILENCE_MS};

/// Whether information flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// No session.
    Down,
    /// Connected, not yet greeted, or the pacts differ.
    Connecting,
    /// Both logs flow.
    Up,
    /// For good.
    Frozen(FrozenReason),
}

impl LinkState {
    /// The word in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down | Self::Connecting => "down",
            Self::Up => "up",
            Self::Frozen(_) => "frozen",
        }
    }
}

/// How the last session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct End {
    /// Why.
    #[n(0)]
    pub code: CloseCode,
    /// Whether the peer said so.
    #[n(1)]
    pub by_peer: bool,
    /// When, by our clock.
    #[n(2)]
    pub at: Utc,
}

/// A link at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// Whether information flows.
    pub state: LinkState,
    /// The current session.
    pub session: Option<u64>,
    /// Highest session number so far; the next must be higher.
    pub last_session: Option<u64>,
    /// How the last session ended; none while one is up.
    pub last_end: Option<End>,
    /// Age of the peer's information, ms: since the newest checkpoint that covered all that was held then, its lateness
    /// added. None before the first.
    pub age_ms: Option<u64>,
    /// Entries of the peer held.
    pub in_size: u64,
    /// Entries of the peer covered by its checkpoint.
    pub sealed: u64,
    /// Own entries.
    pub out_size: u64,
    /// Largest own size signed.
    pub signed: u64,
    /// Own entries the peer cosigned: RECEIVED.
    pub cosigned: u64,
    /// Peer's clock less ours, ms.
    pub clock_offset_ms: Option<i64>,
    /// Shortest round trip of this session, ms.
    pub round_trip_ms: Option<u64>,
    /// Peer's entries not folded.
    pub refused: BTreeMap<Refusal, u64>,
    /// Own entries the peer did not fold.
    pub peer_refused: BTreeMap<Refusal, u64>,
    /// Sessions that we closed.
    pub closed: BTreeMap<CloseCode, u64>,
    /// Inputs of sessions that were over.
    pub stale_inputs: u64,
    /// Own entries that wait until the peer takes more; 0 without a session.
    pub waiting: u64,
    /// Entries after which the peer had to wait, by kind.
    pub throttled: BTreeMap<Lane, u64>,
    /// The kinds of which the peer has lately sent all that it may.
    pub short: Vec<Lane>,
    /// What each direction carries, if it is a fixed rate.
    pub padding: Option<Padding>,
    /// More is to be said than that carries: tracks are not to be appended now.
    pub is_late: bool,
    /// The same within the last 15 s, for people.
    pub was_late: bool,
    /// Entries used ahead of their turn that have not come in it for a minute.
    pub ahead_late: u64,
    /// Entries used ahead of their turn, in whose place the peer's log has another: place and record.
    pub denied: Vec<(u64, Hash32)>,
    /// Size of the peer's log that it signed, as third parties showed, and has not told us for ten seconds.
    pub withheld: Option<u64>,
}

impl LinkView {
    /// All refusals of ours in one map, by the word: records not folded and sessions closed.
    #[must_use]
    pub fn refusals(&self) -> BTreeMap<&'static str, u64> {
        let mut all = BTreeMap::new();
        let records = self.refused.iter().map(|(reason, n)| (reason.name(), n));
        for (name, n) in records.chain(self.closed.iter().map(|(code, n)| (code.name(), n))) {
            *all.entry(name).or_default() += n;
        }
        all
    }
}

impl Link {
    /// Whether nothing is signed, sent or taken any more.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        matches!(self.phase, Phase::Frozen(_))
    }

    /// The link as it stands.
    #[must_use]
    pub fn view(&self, now: Now) -> LinkView {
        let state = match &self.phase {
            Phase::Down => LinkState::Down,
            Phase::Greeting(_) | Phase::Differing(..) => LinkState::Connecting,
            Phase::Up(_) => LinkState::Up,
            Phase::Frozen(freeze) => LinkState::Frozen(freeze.reason),
        };
        LinkView {
            state,
            session: self.session(),
            last_session: self.last_session,
            last_end: self.last_end,
            //= spec/link.md L-39
            age_ms: self.covered.map(|c| now.mono.since_ms(c.at).saturating_add(c.late_ms)),
            in_size: self.held.size(),
            sealed: self.seen.newest().map_or(0, |(size, _)| size),
            out_size: self.out.size(),
            signed: self.signed.newest().map_or(0, |(size, _)| size),
            cosigned: self.cosigned,
            clock_offset_ms: self.clock.offset_ms(),
            round_trip_ms: self.clock.round_trip_ms(),
            refused: self.tally.refused.clone(),
            peer_refused: self.tally.peer_refused.clone(),
            closed: self.tally.closed.clone(),
            stale_inputs: self.tally.stale_inputs,
            waiting: match &self.phase {
                Phase::Up(session) => self.out.size().saturating_sub(session.granted_out),
                _ => 0,
            },
            throttled: self.tally.throttled.clone(),
            short: self.buckets.short(now.mono),
            padding: self.padding,
            is_late: self.receipt_is_late(now.mono),
            was_late: self.late_at.is_some_and(|at| now.mono.since_ms(at) < SILENCE_MS),
            ahead_late: self.ahead_late(now.mono),
            denied: self.denied().iter().map(|denied| (denied.index, denied.record)).collect(),
            withheld: self.withheld(now.mono),
        }
    }

    /// The signed notes for which the link froze, and when; none if it did not.
    #[must_use]
    pub fn evidence(&self) -> Option<(Utc, Vec<&[u8]>)> {
        match &self.phase {
            Phase::Frozen(freeze) => Some((freeze.at, freeze.evidence.iter().map(|note| note.as_slice()).collect())),
            _ => None,
        }
    }
}
