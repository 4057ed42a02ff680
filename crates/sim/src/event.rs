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
        /// Tells each party one history, and shows third parties another.
        TwoFaced = "two-faced",
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
        /// Rules that would let out more were held as a proposal.
        RulesProposed = "rules-proposed",
        /// Two people agreed to them.
        RulesAgreed = "rules-agreed",
        /// They were taken back.
        RulesTakenBack = "rules-taken-back",
        /// An aircraft got a marking, or lost it.
        Marked = "marked",
        /// Another marking would let out more, and waits for a second planner.
        MarkWaits = "mark-waits",
        /// An operator replaced a node's keys.
        KeysReplaced = "keys-replaced",
        /// A statement about keys came by hand.
        KeysHanded = "keys-handed",
        /// A connection was refused since one side did not know the other's TLS key yet.
        TlsRefused = "tls-refused",
        /// A thief with a party's old keys was refused.
        ThiefRefused = "thief-refused",
        /// A thief was believed, by a peer that had not heard of the theft.
        ThiefBelieved = "thief-believed",
        /// A thief's session ended when the peer heard of the theft.
        ThiefThrownOut = "thief-thrown-out",
        /// A history shown to a third party was found by the party that was told another, both notes kept.
        ForkFound = "fork-found",
        /// A witness cosigned, and its cosignature came back.
        Witnessed = "witnessed",
        /// A witness had cosigned more than its client knew.
        WitnessAhead = "witness-ahead",
        /// A witness said that a log had another past.
        WitnessContradicts = "witness-contradicts",
        /// What was shown as cosigned by a witness was.
        WitnessTrue = "witness-true",
        /// An alert about entries that lack their witnesses was seen where due.
        AlertUnwitnessed = "alert-unwitnessed",
        /// A track of a peer was shown as it was released.
        TrackSame = "track-same",
        /// A plan, site or avoid area of a peer was shown as it was said.
        FiledSame = "filed-same",
        /// Both sides showed all that the owner has and its rules let out.
        PictureShared = "picture-shared",
        /// After a start the rules were those that were ordered.
        RulesFound = "rules-found",
        /// An intent of a traffic service was written.
        IntentWritten = "intent-written",
        /// One was refused because its key lacked versions.
        KeyRefused = "key-refused",
        /// Something else that a traffic service asked was refused.
        WriteRefused = "write-refused",
        /// A traffic service made a report.
        Reported = "reported",
        /// What traffic services were answered was held, and no two intents met unnamed.
        ServicesSame = "services-same",
        /// A traffic service took a notification.
        Notified = "notified",
        /// One did not arrive, or was not wanted any more.
        NotNotified = "not-notified",
        /// Intents of a peer were shown to traffic services as it released them.
        IntentsShared = "intents-shared",
    }
}

kinds! {
    /// A checker that did not look, and why. Each is narrow; the count says how often a run leant on it.
    Excused {
        /// A node started on an older copy of its data, or on a disk that rotted: it may know less.
        OldData = "old-data",
        /// A log, own or a peer's, was shorter for it.
        SetBack = "log-set-back",
        /// A seal over what its owner, since set back, had signed and forgotten.
        SealedForgotten = "sealed-what-was-forgotten",
        /// What is due to a peer was not held against what it shows: an order or a proposal was open.
        RulesOpen = "rules-open",
        /// Overdue notices were not looked at: the clock was moved just before the node died, so it cannot know for how long.
        ClockMoved = "clock-moved",
        /// A notice may have made room for others: the desk kept as many as it keeps.
        DeskFull = "desk-full",
        /// Tracks of a peer were not looked at while the run goes on: entries are held that the middle altered.
        Altered = "altered-frame",
        /// A link need not settle: it froze after the data of one side was set back or rotted.
        FrozenOld = "frozen-after-old-data",
        /// A link need not settle: it froze after the middle altered a frame on it.
        FrozenAltered = "frozen-after-alteration",
        /// A link need not settle: one side's data was set back, and the other holds receipts that it no longer has.
        PeerBehind = "peer-behind",
        /// A link need not settle: an entry rotted on its owner's disk cannot be sent.
        Unreadable = "unreadable-entry",
        /// A fork need not be found in time: one of the two was down, or the path between them was.
        ForkPath = "fork-path-down",
        /// A fork need not be found: the link to its owner had been frozen before.
        ForkFrozen = "fork-on-frozen-link",
        /// A party that is accused of a fork has no say: its data was set back, or a thief spoke for it.
        Accused = "accused-with-cause",
        /// A link need not settle: a thief spoke on it before the theft was known.
        Robbed = "robbed",
        /// A link need not settle: one side's data was set back, and what it signed and forgot, its peer has under a key that was
        /// stolen since: it cannot know that it was not the thief (`spec/keys.md`, K-9).
        ForgotStolen = "forgotten-under-a-stolen-key",
        /// A node need not run: nothing on its rotten disk could be used.
        GivenUp = "given-up",
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
    /// A checker did not look.
    Excused(Excused),
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
        all.extend(Excused::ALL.iter().copied().map(Self::Excused));
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
            Self::Excused(why) => write!(f, "excused {}", why.name()),
            Self::Said(kind) => write!(f, "said {}", kind.name()),
            Self::Closed(code) => write!(f, "closed {code}"),
            Self::Frozen(reason) => write!(f, "frozen {reason}"),
            Self::Refused(reason) => write!(f, "entry refused {reason}"),
        }
    }
}
