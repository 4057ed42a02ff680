//! Everything that enters a node. Each input is journaled with the `Now` at which it was accepted, then folded.
use crate::command::{Actor, Answer, Command};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{Hash32, Mode, PartyId, TrackBatch};
use units::{AircraftClass, Now};

/// Whose aircraft a feed brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Claim {
    /// The party's own aircraft: may be released.
    #[n(0)]
    Own,
    /// Seen by an own sensor and claimed by nobody here: shown and checked, never released.
    #[n(1)]
    Observed,
}

/// A feed as configured.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FeedConfig {
    /// Name.
    #[n(0)]
    pub name: String,
    /// Format's name.
    #[n(1)]
    pub format: String,
    /// Whose aircraft.
    #[n(2)]
    pub claim: Claim,
    /// Class given to reports that state none.
    #[n(3)]
    pub class: AircraftClass,
    /// Marking of its aircraft, where they bear none of their own; beside those of their plans.
    #[n(4)]
    pub marking: Option<release::Marking>,
}

/// What the fold needs to know of the configuration. Journaled at every start.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Boot {
    /// Own party.
    #[n(0)]
    pub party: PartyId,
    /// Live or exercise.
    #[n(1)]
    pub mode: Mode,
    /// Texts of the signed pacts, one per peer or group of peers.
    #[n(2)]
    pub pacts: Vec<String>,
    /// Feeds, by number.
    #[n(3)]
    pub feeds: Vec<FeedConfig>,
    /// Secret for pseudonyms (never leaves the node).
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    pub pseudonym_secret: [u8; 32],
    /// Release rules used until a `SetPolicy` command replaces them.
    #[n(5)]
    pub policy: release::Policy,
    /// Version of the binary.
    #[n(6)]
    pub software: String,
    /// Statements about own keys, each with its signature.
    #[n(7)]
    #[cbor(default)]
    pub statements: Vec<String>,
    /// Markings that plans and aircraft may bear.
    #[n(20)]
    #[cbor(default)]
    pub markings: Vec<release::Marking>,
    /// Where traffic services are to ask for details of what peers released; without it nothing of peers is shown to them.
    #[n(21)]
    #[cbor(default)]
    pub dss_base_url: Option<String>,
    /// Marking of the own plans that traffic services' operational intents become; without it they become none.
    #[n(23)]
    #[cbor(default)]
    pub dss_marking: Option<release::Marking>,
    /// Subscribers are told of changes to it.
    #[n(22)]
    #[cbor(default)]
    pub dss_notifies: bool,
}

/// State of a feed's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum FeedState {
    /// Not connected; trying again.
    #[n(0)]
    Connecting,
    /// Connected.
    #[n(1)]
    Up,
    /// At its end, or given up.
    #[n(2)]
    Down,
}

/// An alert as a console painted it. One that was raised again is another thing to have seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct PaintedAlert {
    /// Its number.
    #[n(0)]
    pub id: u64,
    /// Which raising of it, from 1.
    #[n(1)]
    pub raising: u32,
}

/// An input.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Input {
    /// The node started.
    #[n(0)]
    Boot(#[n(0)] Box<Boot>),
    /// Time passes (every 100 ms).
    #[n(1)]
    Tick,
    /// Reports of one feed.
    #[n(2)]
    Reports {
        /// Number of the feed in [`Boot::feeds`].
        #[n(0)]
        feed: u16,
        /// The reports.
        #[n(1)]
        batch: Box<TrackBatch>,
    },
    /// A feed's health changed (at most once a second and feed).
    #[n(3)]
    FeedHealth {
        /// Number of the feed.
        #[n(0)]
        feed: u16,
        /// Connection.
        #[n(1)]
        state: FeedState,
        /// Reports refused so far.
        #[n(2)]
        errors: u64,
        /// The newest error, at most 200 characters.
        #[n(3)]
        last_error: Option<String>,
    },
    /// A connection to a peer was authenticated (TLS, key pinned in the pact).
    #[n(4)]
    LinkUp {
        /// Peer.
        #[n(0)]
        peer: PartyId,
        /// Number of the connection, unique in this journal.
        #[n(1)]
        session: u64,
        /// The TLS key that authenticated it, if there was one.
        #[n(2)]
        pin: Option<Hash32>,
    },
    /// A frame arrived on it.
    #[n(5)]
    LinkFrame {
        /// Peer.
        #[n(0)]
        peer: PartyId,
        /// Connection.
        #[n(1)]
        session: u64,
        /// The frame.
        #[n(2)]
        #[cbor(with = "minicbor::bytes")]
        frame: Vec<u8>,
    },
    /// It ended.
    #[n(6)]
    LinkDown {
        /// Peer.
        #[n(0)]
        peer: PartyId,
        /// Connection.
        #[n(1)]
        session: u64,
        /// Why.
        #[n(2)]
        reason: link::CloseCode,
    },
    /// A command.
    #[n(7)]
    Command {
        /// Who asks.
        #[n(0)]
        actor: Actor,
        /// Idempotency key, if one was given: the same key and actor get the first answer again.
        #[n(1)]
        key: Option<String>,
        /// The command.
        #[n(2)]
        command: Box<Command>,
    },
    /// A console painted these for an officer.
    #[n(8)]
    Displayed {
        /// Who saw it.
        #[n(0)]
        actor: Actor,
        /// Alerts painted for the first time as they were raised then.
        #[n(1)]
        alerts: Vec<PaintedAlert>,
        /// Notices painted for the first time.
        #[n(2)]
        notices: Vec<record::Hash32>,
    },
    /// Inputs were refused because the journal could not take them; the picture shown meanwhile was not folded.
    #[n(9)]
    Gap {
        /// Inputs that were not accepted.
        #[n(0)]
        dropped: u64,
        /// Since when, ms UTC.
        #[n(1)]
        since_utc_ms: i64,
    },
    /// Something was refused before it became a command, or somebody failed to sign in.
    #[n(11)]
    Attempt {
        /// Who asked; of a failed sign-in the account that was named, if there is one.
        #[n(0)]
        actor: Actor,
        /// What was asked: the name of a command, or of what was to be read.
        #[n(1)]
        command: String,
        /// Why it was refused.
        #[n(2)]
        refused: String,
        /// How often, within a second.
        #[n(3)]
        times: u32,
    },
    /// A witness was asked about our log to a peer.
    #[n(12)]
    Witness {
        /// The log's addressee.
        #[n(0)]
        peer: PartyId,
        /// What came of it.
        #[n(1)]
        report: WitnessReport,
    },
    /// A traffic service writes to the discovery and synchronization service.
    #[n(13)]
    Dss(
        /// What it asks.
        #[n(0)]
        Box<dss::Request>,
        /// The volumes of an operational intent that is to be filed as a plan; the service itself keeps cells.
        #[n(1)]
        Option<Box<Outlined>>,
    ),
    /// A traffic service was told of a change to what peers released, or was to be.
    #[n(14)]
    Notified(#[n(0)] Box<Notified>),
    /// An input made the fold panic; every replica skips it.
    #[n(10)]
    Quarantine {
        /// Its sequence number.
        #[n(0)]
        seq: u64,
    },
}

/// Volumes of a traffic service's operational intent.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Outlined {
    /// As it stated them.
    #[n(0)]
    Volumes(#[n(0)] Vec<airspace::Volume4d>),
    /// They cannot be a plan's, and why.
    #[n(1)]
    Unfit(#[n(0)] String),
}

impl Outlined {
    /// About as many bytes as it has in a journal.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Volumes(all) => all.iter().map(|volume| 64 + 20 * volume.outline.points().len()).sum(),
            Self::Unfit(reason) => reason.len(),
        }
    }
}

/// What came of asking a witness (`spec/witness.md`). Nothing of it is believed but signatures.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum WitnessReport {
    /// Our note with the lines of all that cosigned it.
    #[n(0)]
    Cosigned {
        /// The note.
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        note: Vec<u8>,
    },
    /// A witness holds that our log is another one.
    #[n(1)]
    Contradicts {
        /// Its key's name.
        #[n(0)]
        witness: String,
        /// At this size.
        #[n(1)]
        size: u64,
        /// The note it holds, if it showed one.
        #[n(2)]
        note: Option<minicbor::bytes::ByteVec>,
    },
}

/// What came of telling a traffic service of a change: with the version that it was told, evidence of who knew what.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Notified {
    /// Its address.
    #[n(0)]
    pub address: String,
    /// What had changed.
    #[n(1)]
    pub entity: dss::Id,
    /// Number of the change, as in [`crate::Notification`].
    #[n(2)]
    pub change: u64,
    /// Subscriptions that it was told for, with their numbers.
    #[n(3)]
    pub subscriptions: Vec<(dss::Id, u32)>,
    /// Version of the entity that it was told; none if it was told that the entity is gone.
    #[n(4)]
    pub ovn: Option<String>,
    /// Outcome.
    #[n(5)]
    pub outcome: NotifyOutcome,
    /// The manager of the subscriptions; none in journals from before addresses had managers.
    #[n(6)]
    pub manager: Option<String>,
}

/// Whether a notification arrived.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum NotifyOutcome {
    /// It was taken, with this status of HTTP.
    #[n(0)]
    Sent(#[n(0)] u16),
    /// It was answered otherwise.
    #[n(1)]
    Refused(#[n(0)] u16),
    /// There was no answer, or nothing was sent: why, in at most 200 characters.
    #[n(2)]
    Failed(#[n(0)] String),
    /// Nothing was sent, because its subscriptions are over.
    #[n(3)]
    Unwanted,
}

/// What stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// When it was accepted.
    #[n(0)]
    pub now: Now,
    /// What.
    #[n(1)]
    pub input: Input,
}

/// A loss of separation as observed: both aircraft at one common time of applicability, nothing extrapolated.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ObservedLoss {
    /// One track.
    #[n(0)]
    pub a: u32,
    /// The other, `a < b`.
    #[n(1)]
    pub b: u32,
    /// When.
    #[n(2)]
    pub at: units::Utc,
    /// Lateral distance, millimetres.
    #[n(3)]
    pub lateral_mm: i64,
    /// Vertical distance, 0.1 mm; `None` if a level is unknown.
    #[n(4)]
    pub vertical: Option<i64>,
}

/// An answer to whoever handed in an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// To a command.
    Command(Answer),
    /// To a traffic service.
    Dss(Box<dss::Outcome>),
}

impl Answered {
    /// The answer to a command, if it is to one.
    #[must_use]
    pub fn command(self) -> Option<Answer> {
        match self {
            Self::Command(answer) => Some(answer),
            Self::Dss(_) => None,
        }
    }
}

/// What leaves a node. Nothing of it may be acted on before the input that caused it is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Answer to what was just folded.
    Answer(Answered),
    /// For the link to this peer.
    Link(PartyId, link::Output),
    /// An observed loss of separation.
    Loss(ObservedLoss),
    /// A line for the operator's log.
    Log(String),
}
