//! What can happen, by type: the simulator counts each, and says which were never reached.
use link::{CloseCode, FrozenReason, Refusal};
use record::Kind;
use std::fmt;

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word at the command line and in the report.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// From the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == word)
            }
        }
    };
}

kinds! {
    /// A fault that is injected.
    Fault {
        /// All connections of a path are lost, with what is on them.
        Cut = "cut",
        /// Lost again and again for a while.
        Flap = "flap",
        /// Nothing passes in either direction, and nobody is told.
        Partition = "partition",
        /// Nothing passes in one direction.
        OneWay = "one-way",
        /// Much latency, and little at once.
        Slow = "slow",
        /// A man in the middle drops a frame.
        Drop = "drop",
        /// He repeats one.
        Duplicate = "duplicate",
        /// He turns two round.
        Reorder = "reorder",
        /// He turns a bit over.
        Flip = "flip",
        /// Power is lost at an operation of the disk.
        PowerDisk = "power-disk",
        /// Power is lost between two effects.
        PowerEffect = "power-effect",
        /// The process is killed at an operation of the disk.
        KillDisk = "kill-disk",
        /// The process is killed between two effects.
        KillEffect = "kill-effect",
        /// An operator stops and starts the node.
        Restart = "restart",
        /// A write fails, and nothing of it happened.
        WriteError = "write-error",
        /// A write fails half done.
        WriteTorn = "write-torn",
        /// A sync fails.
        SyncError = "sync-error",
        /// A read fails while the node starts.
        ReadError = "read-error",
        /// The disk is full for a while.
        Full = "full",
        /// A bit on the disk turns over.
        BitRot = "bit-rot",
        /// An old backup is put in place of the data.
        Backup = "backup",
        /// The clock is wrong by a constant.
        Offset = "offset",
        /// The clock runs fast or slow.
        Drift = "drift",
        /// The clock jumps.
        Jump = "jump",
    }
}

kinds! {
    /// A hostile peer, written apart from the protocol's machine.
    Liar {
        /// Signs two histories.
        Equivocator = "equivocator",
        /// Says again what was said before.
        Replayer = "replayer",
        /// States times of long ago.
        BackDater = "back-dater",
        /// Sends more than it may.
        Flooder = "flooder",
        /// Sends bytes that are no frames.
        Garbage = "garbage",
        /// Connects and says nothing.
        SlowLoris = "slow-loris",
        /// Files plans to find withheld flights.
        Prober = "prober",
    }
}

kinds! {
    /// What a node went through.
    Step {
        /// Its disk lost power or its process died.
        Died = "died",
        /// It came back.
        Recovered = "recovered",
        /// A torn end of the journal was cut.
        TornTail = "torn-tail",
        /// It would not start on what the disk had.
        StartRefused = "start-refused",
        /// A backup was taken.
        BackupTaken = "backup-taken",
        /// Given up: nothing on the disk could be used.
        GivenUp = "given-up",
        /// It accepted nothing for a while because the disk was full.
        ShadowFull = "shadow-full",
        /// It accepted nothing because the disk had failed.
        ShadowFailed = "shadow-failed",
        /// It accepted inputs again.
        ShadowLeft = "shadow-left",
        /// A session came up.
        SessionUp = "session-up",
        /// A session ended.
        SessionDown = "session-down",
        /// A path was found dead by its pings.
        PathDead = "path-dead",
        /// A peer read too slowly and was given up.
        PeerSlow = "peer-slow",
        /// A checkpoint was signed.
        Signed = "signed",
        /// The peer's checkpoint was sealed.
        Sealed = "sealed",
        /// A cosignature was given.
        Cosigned = "cosigned",
        /// A cosignature was stored.
        Receipt = "receipt",
        /// An entry that the middle had altered was stored, and not sealed.
        AlteredUnsealed = "altered-unsealed",
        /// A command was repeated after a crash, with its key.
        Repeated = "repeated",
        /// Everything was told within the time allowed.
        Settled = "settled",
        /// A journal was folded anew from its first entry.
        Replayed = "replayed",
        /// An alert about a lost peer was seen where due.
        AlertLost = "alert-lost",
        /// An alert about a frozen link was seen where due.
        AlertFrozen = "alert-frozen",
        /// An alert about an overdue notice was seen where due.
        AlertOverdue = "alert-overdue",
        /// A receipt SEEN came back.
        Seen = "seen",
        /// A receipt ACKNOWLEDGED came back.
        Acknowledged = "acknowledged",
        /// A read-back that differed was refused.
        ReadBackDiffers = "read-back-differs",
    }
}

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// A fault was injected.
    Fault(Fault),
    /// A hostile peer lied.
    Lie(Liar),
    /// A node went through something.
    Step(Step),
    /// A record of this kind was appended to an own log.
    Said(Kind),
    /// A session was closed by an honest node.
    Closed(CloseCode),
    /// A link froze.
    Frozen(FrozenReason),
    /// An entry was refused.
    Refused(Refusal),
}

impl Event {
    /// All that can be counted.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Fault::ALL.iter().copied().map(Self::Fault).collect();
        all.extend(Liar::ALL.iter().copied().map(Self::Lie));
        all.extend(Step::ALL.iter().copied().map(Self::Step));
        all.extend(Kind::ALL.iter().copied().map(Self::Said));
        all.extend(CloseCode::ALL.iter().copied().map(Self::Closed));
        all.extend(FrozenReason::ALL.iter().copied().map(Self::Frozen));
        all.extend(Refusal::ALL.iter().copied().map(Self::Refused));
        all
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "fault {}", fault.name()),
            Self::Lie(liar) => write!(f, "lie of the {}", liar.name()),
            Self::Step(step) => write!(f, "{}", step.name()),
            Self::Said(kind) => write!(f, "said {}", kind.name()),
            Self::Closed(code) => write!(f, "closed {code}"),
            Self::Frozen(reason) => write!(f, "frozen {reason}"),
            Self::Refused(reason) => write!(f, "entry refused {reason}"),
        }
    }
}
