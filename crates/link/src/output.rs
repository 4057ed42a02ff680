//! What the machine asks of the shell and tells the node.
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use record::{Decoded, Hash32};
use tlog::Checkpoint;
use units::Utc;

use crate::reason::{CloseCode, FrozenReason, Refusal};

/// One effect. Acted upon in order, and only after the input that caused it is durable (L-4).
///
/// Stores are idempotent: after a restart the same may be asked again, with the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this frame.
    Send {
        /// On this session only.
        session: u64,
        /// A frame, without length prefix.
        frame: Vec<u8>,
    },
    /// Send the pact's text in a [`crate::Frame::PactText`].
    SendPactText {
        /// On this session only.
        session: u64,
    },
    /// Stream own entries `[from, to)` from the store, in order, each once.
    SendEntries {
        /// On this session only.
        session: u64,
        /// First index.
        from: u64,
        /// Index after the last.
        to: u64,
    },
    /// The peer takes entries below this: those above wait.
    Granted {
        /// On this session only.
        session: u64,
        /// Index after the last.
        upto: u64,
    },
    /// Sign with the log key and send, after the entries below its size.
    SignCheckpoint(CheckpointOrder),
    /// Cosign with the cosigning key and send.
    Cosign(CosignOrder),
    /// Sign the own checkpoints with the log key and show all to the peer.
    Share(ShareOrder),
    /// The peer shows a signed note of some log of the pact.
    Shown {
        /// As received.
        note: Vec<u8>,
    },
    /// Store an entry of our log.
    StoreOut {
        /// Index.
        index: u64,
        /// Entry.
        bytes: Vec<u8>,
    },
    /// Store an entry of the peer's log, refused or not.
    StoreIn {
        /// Index.
        index: u64,
        /// Entry.
        bytes: Vec<u8>,
    },
    /// Store the peer's note: all entries below `size` are sealed.
    StorePeerCheckpoint {
        /// Size.
        size: u64,
        /// Note as received.
        note: Vec<u8>,
    },
    /// Store the peer's cosignature of our checkpoint, with our note of it (signing again gives the same note).
    StoreCosignature {
        /// What was cosigned.
        checkpoint: Checkpoint,
        /// The signature line.
        line: String,
    },
    /// Store a note of our log, or of the peer's, that witnesses cosigned, beside the others.
    StoreWitnessed {
        /// Whether the log is ours.
        own: bool,
        /// Size.
        size: u64,
        /// Note with the witnesses' lines.
        note: Vec<u8>,
    },
    /// The peer passed on a note of a size and root that we know, with lines that the node is to judge.
    PeerWitnessed {
        /// Size.
        size: u64,
        /// Note with the witnesses' lines.
        note: Vec<u8>,
    },
    /// A record of the peer, to be folded.
    Accepted {
        /// Index in its log.
        index: u64,
        /// Record and name.
        decoded: Box<Decoded>,
    },
    /// An entry of the peer that is not folded. Stored and counted.
    Refused {
        /// Index in its log.
        index: u64,
        /// Why.
        reason: Refusal,
    },
    /// A record that was accepted ahead of its turn, and in whose place the peer's log has another: it will not be signed
    /// for. Said before that place is sealed.
    Denied {
        /// The place.
        index: u64,
        /// Name of the record that was accepted.
        record: Hash32,
    },
    /// The peer's entries below `size` are covered by a checkpoint.
    Sealed {
        /// Size.
        size: u64,
    },
    /// The peer cosigned: the RECEIVED receipt for our entries below `size`.
    Received {
        /// Size.
        size: u64,
        /// The peer's statement of when, POSIX seconds.
        time_s: u64,
    },
    /// The peer did not fold these entries of ours.
    PeerRefused {
        /// Index in our log, growing; and why, as it says.
        refused: Vec<(u64, Refusal)>,
    },
    /// The pacts differ; this is the peer's.
    PactDiffers {
        /// Verified against the hash of its hello.
        their_text: String,
    },
    /// The link is frozen for good.
    Frozen {
        /// Why.
        reason: FrozenReason,
        /// Signed notes.
        evidence: Vec<Vec<u8>>,
        /// Size of a stored peer checkpoint that belongs to the evidence.
        stored: Option<u64>,
    },
    /// End the connection, after the frames before this are written.
    Disconnect {
        /// This session.
        session: u64,
        /// Why.
        reason: CloseCode,
    },
    /// The view's state or reason changed.
    StateChanged,
}

/// A checkpoint to be signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointOrder {
    /// On this session only.
    pub session: u64,
    /// What to sign.
    pub checkpoint: Checkpoint,
    /// For the frame.
    pub seq: u64,
    /// For the frame.
    pub sent_utc: Utc,
}

/// A checkpoint of the peer to be cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignOrder {
    /// On this session only.
    pub session: u64,
    /// What to cosign: its text is the note's, byte for byte.
    pub checkpoint: Checkpoint,
    /// Time to state, POSIX seconds.
    pub time_s: u64,
    /// For the frame.
    pub recv_utc: Utc,
}

/// Checkpoints to be shown to a third party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareOrder {
    /// On this session only.
    pub session: u64,
    /// As they were heard.
    pub notes: Vec<Vec<u8>>,
    /// Own ones: to be signed, each of a size that was signed before.
    pub sign: Vec<Checkpoint>,
}

impl Output {
    /// The session that it is to be sent on, of what an [`crate::Outbox`] takes.
    #[must_use]
    pub const fn session(&self) -> Option<u64> {
        match self {
            Self::Send { session, .. }
            | Self::SendPactText { session }
            | Self::SendEntries { session, .. }
            | Self::Granted { session, .. }
            | Self::SignCheckpoint(CheckpointOrder { session, .. })
            | Self::Cosign(CosignOrder { session, .. })
            | Self::Share(ShareOrder { session, .. })
            | Self::Disconnect { session, .. } => Some(*session),
            _ => None,
        }
    }

    /// The output's name, for tables and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Send { .. } => "send",
            Self::SendPactText { .. } => "send-pact-text",
            Self::SendEntries { .. } => "send-entries",
            Self::Granted { .. } => "granted",
            Self::Share(_) => "share",
            Self::Shown { .. } => "shown",
            Self::SignCheckpoint(_) => "sign-checkpoint",
            Self::Cosign(_) => "cosign",
            Self::StoreOut { .. } => "store-out",
            Self::StoreIn { .. } => "store-in",
            Self::StorePeerCheckpoint { .. } => "store-peer-checkpoint",
            Self::StoreCosignature { .. } => "store-cosignature",
            Self::StoreWitnessed { .. } => "store-witnessed",
            Self::PeerWitnessed { .. } => "peer-witnessed",
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::Denied { .. } => "denied",
            Self::Sealed { .. } => "sealed",
            Self::Received { .. } => "received",
            Self::PeerRefused { .. } => "peer-refused",
            Self::PactDiffers { .. } => "pact-differs",
            Self::Frozen { .. } => "frozen",
            Self::Disconnect { .. } => "disconnect",
            Self::StateChanged => "state-changed",
        }
    }
}
