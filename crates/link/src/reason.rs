//! Every refusal by name and number, and what to do about it.
use core::fmt;
use minicbor::{Decode, Encode};
use record::RecordError;

macro_rules! reasons {
    (
        $(#[$doc:meta])* $name:ident, else $other:ident;
        $($(#[$vdoc:meta])* $variant:ident = $code:literal, $word:literal, $todo:literal;)+
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(index_only)]
        pub enum $name {
            $($(#[$vdoc])* #[n($code)] $variant = $code,)+
        }

        impl $name {
            /// All, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in counters, logs and the API.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The number in frames.
            #[must_use]
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// From a number of a frame; what a newer peer may name and we do not know is the first of the list.
            #[must_use]
            pub fn from_code(code: u64) -> Self {
                Self::ALL.iter().copied().find(|r| u64::from(r.code()) == code).unwrap_or(Self::$other)
            }

            /// What it means and what to do, for a person.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $todo,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

reasons! {
    /// Why a session ended.
    CloseCode, else Ended;
    /// The connection was lost, or ended on purpose.
    Ended = 0, "ENDED", "connection lost or ended on purpose; it is dialled again";
    /// Another protocol version.
    Version = 1, "VERSION", "one side is to be upgraded";
    /// The hello names other parties.
    WrongParty = 2, "WRONG_PARTY", "the address or the keys in one configuration are of another party";
    /// The hello names another mode.
    WrongMode = 3, "WRONG_MODE", "one side is live, the other in an exercise, or the exercises differ";
    /// Another record schema.
    Schema = 4, "SCHEMA", "one side is to be upgraded";
    /// Another pact.
    WrongPact = 5, "WRONG_PACT", "the pacts differ; both sides are shown the clause; sign one text";
    /// Not a frame.
    Malformed = 6, "MALFORMED", "the peer's software is at fault; report it with the time";
    /// A bound was exceeded.
    TooLarge = 7, "TOO_LARGE", "the peer's software is at fault; report it with the time";
    /// A frame that has no place in this state.
    Unexpected = 8, "UNEXPECTED", "the peer's software is at fault; report it with the time";
    /// A gap in the entries, or a repetition.
    EntryOrder = 9, "ENTRY_ORDER", "nothing was used; the next session resumes at the first entry not held";
    /// A checkpoint over more or fewer entries than were sent.
    SizeMismatch = 10, "SIZE_MISMATCH", "nothing was used; the next session resumes at the first entry not held";
    /// A checkpoint that does not verify, or is of another log.
    BadCheckpoint = 11, "BAD_CHECKPOINT", "a statement about the signer's keys may be missing here: take it by hand; else compare the keys in the pact";
    /// A cosignature that does not verify, or is over what was never signed.
    BadCosignature = 12, "BAD_COSIGNATURE", "a statement about the peer's keys may be missing here: take it by hand; else compare the keys in the pact";
    /// A number that must grow did not.
    Repeated = 13, "REPEATED", "frames were repeated or reordered; the next session starts afresh";
    /// More frames, or more entries, than allowed.
    TooFast = 14, "TOO_FAST", "the peer's software is at fault; report it with the time";
    /// No frame for 15 s.
    Silent = 15, "SILENT", "the peer or the path is down; it is dialled again";
    /// The peer holds less of its own log than we do.
    PeerBehind = 16, "PEER_BEHIND", "the peer's data is older than what it sent; the peer must restore newer data";
    /// The link is frozen.
    Frozen = 17, "FROZEN", "see the freeze's own reason on the side that froze";
    /// A newer session took the place.
    Replaced = 18, "REPLACED", "a newer connection took the place; nothing to do";
}

impl CloseCode {
    /// Whether no retry helps before a person has acted; retries then come once a minute.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        matches!(
            self,
            Self::Version
                | Self::WrongParty
                | Self::WrongMode
                | Self::Schema
                | Self::WrongPact
                | Self::BadCheckpoint
                | Self::BadCosignature
                | Self::PeerBehind
                | Self::Frozen
        )
    }
}

reasons! {
    /// Why an entry was not folded.
    Refusal, else Malformed;
    /// Not a record.
    Malformed = 0, "MALFORMED", "bytes that are no record";
    /// Another schema.
    UnknownVersion = 1, "UNKNOWN_VERSION", "a record of another schema version";
    /// Not the one encoding.
    NotCanonical = 2, "NOT_CANONICAL", "right values in another encoding than the one";
    /// A value out of its bounds.
    Invalid = 3, "INVALID", "a text, list, volume or batch out of its bounds";
    /// Not the peer's.
    WrongIssuer = 4, "WRONG_ISSUER", "issued by somebody other than the log's owner";
    /// Not for us.
    WrongAudience = 5, "WRONG_AUDIENCE", "meant for somebody else";
    /// Another mode.
    WrongMode = 6, "WRONG_MODE", "an exercise's record on a live link, or the reverse";
    /// Another pact.
    WrongPact = 7, "WRONG_PACT", "said under another pact";
    /// Not what was sent ahead for this place.
    NotAsAhead = 8, "NOT_AS_AHEAD", "another entry than the one sent ahead for its place";
}

impl Refusal {
    pub(crate) const fn of(error: &RecordError) -> Self {
        match error {
            // Unreachable from a frame, whose entries have the same bound; named for completeness.
            RecordError::TooLarge { .. } | RecordError::Malformed { .. } => Self::Malformed,
            RecordError::UnknownVersion { .. } => Self::UnknownVersion,
            RecordError::NotCanonical { .. } => Self::NotCanonical,
            RecordError::Volume(_) | RecordError::Batch(_) | RecordError::Field { .. } => Self::Invalid,
        }
    }
}

reasons! {
    /// Why a link froze.
    FrozenReason, else Equivocation;
    /// Two roots signed for one size.
    Equivocation = 0, "EQUIVOCATION", "the peer signed two histories; both notes are kept as evidence; talk to the peer by other means, then agree a new pact with a new log key";
    /// A smaller size signed after a larger.
    PeerRollback = 1, "PEER_ROLLBACK", "the peer signed a tree smaller than one it signed before; both notes are kept as evidence; agree a new pact, with which new logs begin";
    /// A root that is not over the entries sent.
    RootMismatch = 2, "ROOT_MISMATCH", "the peer signed other entries than it sent, or bytes changed on the way; compare both logs, then agree a new pact, with which new logs begin";
    /// Our own data is older than what we said.
    OwnRollback = 3, "OWN_ROLLBACK", "the peer holds more of our log than we do: this data is an old copy. Stop the node and restore the newest data; if there is none, agree a new pact, with which new logs begin. Nothing is signed until then";
    /// The peer says that our own data is older than what we said, and shows nothing.
    OwnClaimed = 4, "OWN_CLAIMED", "the peer says that it holds more of our log than we do, and has shown no signature of ours for it. Find out first whether this data was restored or copied: if so, stop the node and restore the newest data. If not, the claim is false, or the peer's software is at fault: talk to the peer by other means, let it show what it holds (`skypact evidence export`), and agree a new pact, with which new logs begin. Nothing is signed until then";
}
