//! What people and programs may ask of a node, and what it answers. Decided in the fold, after ordering.
use airspace::{Plan, Site, Volume4d};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::{ChannelState, Hash32, Notice, PartyId, Precedence, ReadBack, ReceiptLevel, Role, SubjectId};
use units::Utc;

pub use desk::Reply;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Actor {
    /// Account name, or `node` for the operator at the command line.
    #[n(0)]
    pub name: String,
    /// Role the account had when it asked.
    #[n(1)]
    pub role: Role,
}

/// An account of an officer or a program. Held in the journal, so that there is one store and one audit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Account {
    /// Role.
    #[n(0)]
    pub role: Role,
    /// Password as an argon2id PHC string; `None` for a token or one-time account.
    #[n(1)]
    pub password: Option<String>,
    /// SHA-256 of the bearer token, if any.
    #[n(2)]
    pub token: Option<Hash32>,
    /// Not valid after.
    #[n(3)]
    pub expires: Option<Utc>,
    /// The password must be set at the next sign-in.
    #[n(4)]
    pub must_set_password: bool,
}

/// A command. Every one is journaled with its actor and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Command {
    /// Acknowledge an alert, as it was raised for this time: one that has become worse since must be seen first.
    #[n(0)]
    AcknowledgeAlert(#[n(0)] u64, #[n(1)] Option<u32>),
    /// Send a notice.
    #[n(1)]
    SendNotice(#[n(0)] SendNotice),
    /// Acknowledge a notice received, with a read-back.
    #[n(2)]
    AcknowledgeNotice {
        /// The notice's record.
        #[n(0)]
        id: Hash32,
        /// The read-back.
        #[n(1)]
        read_back: ReadBack,
    },
    /// File or revise a plan.
    #[n(3)]
    FilePlan {
        /// Subject; new for a first filing.
        #[n(0)]
        subject: SubjectId,
        /// The plan, whole.
        #[n(1)]
        plan: Plan,
    },
    /// Cancel a plan.
    #[n(4)]
    CancelPlan(#[n(0)] SubjectId),
    /// File or revise a protected site.
    #[n(5)]
    FileSite {
        /// Subject.
        #[n(0)]
        subject: SubjectId,
        /// The site, whole.
        #[n(1)]
        site: Site,
    },
    /// Remove a protected site.
    #[n(6)]
    RemoveSite(#[n(0)] SubjectId),
    /// Send volumes to keep clear of.
    #[n(7)]
    SendAvoid {
        /// Subject.
        #[n(0)]
        subject: SubjectId,
        /// To whom.
        #[n(1)]
        to: Vec<PartyId>,
        /// The volumes.
        #[n(2)]
        volumes: Vec<Volume4d>,
    },
    /// Replace the release rules.
    #[n(8)]
    SetPolicy {
        /// The rules, whole; their revision is set when they come into force.
        #[n(0)]
        policy: release::Policy,
        /// Revision on which the change was based; `None`: whatever is in force.
        #[n(1)]
        replaces: Option<u32>,
    },
    /// State the channel's state towards a peer.
    #[n(9)]
    StateChannel {
        /// Towards whom.
        #[n(0)]
        peer: PartyId,
        /// State.
        #[n(1)]
        state: ChannelState,
        /// Why.
        #[n(2)]
        reason: String,
    },
    /// Create or replace an account.
    #[n(10)]
    SetAccount {
        /// Name: 1 to 32 of `a-z`, `0-9`, `-`, `.`.
        #[n(0)]
        name: String,
        /// The account.
        #[n(1)]
        account: Account,
    },
    /// Remove an account.
    #[n(11)]
    RemoveAccount(#[n(0)] String),
    /// Somebody signed in (for the audit; the session itself lives in the shell).
    #[n(12)]
    SignedIn {
        /// How: `password`, `code` or `token`.
        #[n(0)]
        with: String,
    },
    /// Somebody signed out.
    #[n(13)]
    SignedOut,
    /// The actor sets its own password (argon2id PHC string); it must have an account, which then no longer must set one.
    #[n(14)]
    SetPassword(#[n(0)] String),
    /// Take a statement that replaces a party's keys, brought by a person.
    #[n(15)]
    TakeKeys(#[n(0)] String),
    /// Answer a notice received and acknowledged: what was decided, to whom it was passed, where it was published.
    #[n(16)]
    ReplyNotice {
        /// The notice's record.
        #[n(0)]
        id: Hash32,
        /// The answer.
        #[n(1)]
        reply: Reply,
    },
    /// State whether somebody is at the own desk; every peer is told.
    #[n(17)]
    StateDesk(#[n(0)] record::DeskStatus),
    /// Agree to release rules that would let out more.
    #[n(40)]
    ConfirmPolicy(#[n(0)] u64),
    /// Take proposed release rules back, or refuse them.
    #[n(41)]
    RejectPolicy(#[n(0)] u64),
    /// Mark an own plan, or take its marking away.
    #[n(42)]
    MarkPlan {
        /// The plan.
        #[n(0)]
        subject: SubjectId,
        /// A marking of the configured list.
        #[n(1)]
        marking: Option<release::Marking>,
    },
    /// Mark an own aircraft, or take its marking away.
    #[n(43)]
    MarkAircraft {
        /// Its address, as [`track::Address::bits`].
        #[n(0)]
        address: u32,
        /// A marking of the configured list.
        #[n(1)]
        marking: Option<release::Marking>,
    },
    /// Take conflicts from among the alarms, for a reason and until a time.
    #[n(50)]
    Inhibit {
        /// Which.
        #[n(0)]
        of: crate::Inhibited,
        /// Why.
        #[n(1)]
        reason: String,
        /// Until when; at most a day.
        #[n(2)]
        until: Utc,
    },
    /// Enter the level that an own flight is cleared to, until a time; without a level what was entered is taken away.
    #[n(53)]
    SetCleared {
        /// Callsign or 24-bit address.
        #[n(0)]
        flight: String,
        /// Pressure altitude or height above WGS-84.
        #[n(1)]
        level: Option<units::Altitude>,
        /// Not used after; at most a day ahead.
        #[n(2)]
        until: Utc,
    },
    /// Give the reason why what is flagged may stay at a protected site.
    #[n(54)]
    GiveReason {
        /// The alert.
        #[n(0)]
        alert: u64,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// Part a track from the one it was joined to: they are two aircraft.
    #[n(52)]
    Separate(#[n(0)] u32),
    /// End an inhibition before its time.
    #[n(51)]
    Lift(#[n(0)] u64),
    /// File or revise a plan with its marking: nobody is told of it without.
    #[n(44)]
    FileMarkedPlan {
        /// Subject; new for a first filing.
        #[n(0)]
        subject: SubjectId,
        /// The plan, whole.
        #[n(1)]
        plan: Plan,
        /// A marking of the configured list.
        #[n(2)]
        marking: Option<release::Marking>,
    },
    /// Declare how an own plan is flown, and leave all else of it as it is.
    #[n(55)]
    DeclarePlan {
        /// Subject.
        #[n(0)]
        subject: SubjectId,
        /// Activated, nonconforming or contingent.
        #[n(1)]
        state: airspace::PlanState,
    },
}

impl Command {
    /// The word for metrics and the audit.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AcknowledgeAlert(..) => "acknowledge-alert",
            Self::SendNotice(_) => "send-notice",
            Self::AcknowledgeNotice { .. } => "acknowledge-notice",
            Self::FilePlan { .. } => "file-plan",
            Self::CancelPlan(_) => "cancel-plan",
            Self::FileSite { .. } => "file-site",
            Self::RemoveSite(_) => "remove-site",
            Self::SendAvoid { .. } => "send-avoid",
            Self::SetPolicy { .. } => "set-policy",
            Self::StateChannel { .. } => "state-channel",
            Self::SetAccount { .. } => "set-account",
            Self::RemoveAccount(_) => "remove-account",
            Self::SignedIn { .. } => "signed-in",
            Self::SignedOut => "signed-out",
            Self::SetPassword(_) => "set-password",
            Self::TakeKeys(_) => "take-keys",
            Self::ReplyNotice { .. } => "reply-notice",
            Self::StateDesk(_) => "state-desk",
            Self::ConfirmPolicy(_) => "confirm-policy",
            Self::RejectPolicy(_) => "reject-policy",
            Self::MarkPlan { .. } => "mark-plan",
            Self::MarkAircraft { .. } => "mark-aircraft",
            Self::FileMarkedPlan { .. } => "file-plan",
            Self::Inhibit { .. } => "inhibit",
            Self::Lift(_) => "lift-inhibition",
            Self::Separate(_) => "separate",
            Self::GiveReason { .. } => "give-reason",
            Self::SetCleared { .. } => "set-cleared-level",
            Self::DeclarePlan { .. } => "declare-plan",
        }
    }

    /// What the audit says was asked: the word, and of a marking what it is on.
    #[must_use]
    pub fn audited(&self) -> String {
        let word = |marking: &Option<release::Marking>| marking.map_or_else(|| String::from("none"), |m| m.name());
        match self {
            Self::MarkPlan { subject, marking } => format!("{} {subject} {}", self.name(), word(marking)),
            Self::FileMarkedPlan { subject, marking, .. } => {
                format!("{} {subject} marking {}", self.name(), word(marking))
            }
            Self::MarkAircraft { address, marking } => format!("{} {address:06x} {}", self.name(), word(marking)),
            Self::Inhibit { of, reason, .. } => format!("{} {}: {reason}", self.name(), of.words()),
            Self::SetCleared { flight, level: None, .. } => format!("{} {flight} none", self.name()),
            Self::SetCleared { flight, level: Some(level), until } => {
                format!("{} {flight} {level:?} until {}", self.name(), until.0)
            }
            Self::DeclarePlan { subject, state } => format!("{} {subject} {}", self.name(), state.name()),
            Self::GiveReason { alert, reason } => format!("{} {alert}: {reason}", self.name()),
            Self::Separate(id) => format!("{} {id}", self.name()),
            Self::Lift(id) => format!("{} {id}", self.name()),
            other => other.name().into(),
        }
    }

    /// Whether `role` may ask this. Roles are not a ladder: an administrator does not answer the desk.
    #[must_use]
    pub const fn allowed(&self, role: Role) -> bool {
        match self {
            Self::Inhibit { .. } | Self::Lift(_) | Self::Separate(_) => matches!(role, Role::Officer),
            Self::AcknowledgeAlert(..)
            | Self::SendNotice(_)
            | Self::AcknowledgeNotice { .. }
            | Self::ReplyNotice { .. }
            | Self::SetCleared { .. }
            | Self::GiveReason { .. }
            | Self::DeclarePlan { .. }
            | Self::StateDesk(_) => {
                matches!(role, Role::Officer | Role::Planner)
            }
            Self::FilePlan { .. }
            | Self::CancelPlan(_)
            | Self::FileSite { .. }
            | Self::RemoveSite(_)
            | Self::MarkPlan { .. }
            | Self::MarkAircraft { .. }
            | Self::FileMarkedPlan { .. }
            | Self::SendAvoid { .. } => {
                matches!(role, Role::Planner)
            }
            Self::ConfirmPolicy(_) | Self::RejectPolicy(_) => matches!(role, Role::Administrator),
            Self::SetPolicy { .. }
            | Self::StateChannel { .. }
            | Self::SetAccount { .. }
            | Self::RemoveAccount(_)
            | Self::TakeKeys(_) => {
                matches!(role, Role::Administrator)
            }
            Self::SignedIn { .. } | Self::SignedOut | Self::SetPassword(_) => true,
        }
    }
}

/// A notice to send.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SendNotice {
    /// Subject, chosen by the acceptor.
    #[n(0)]
    pub subject: SubjectId,
    /// To whom; at least one.
    #[n(1)]
    pub to: Vec<PartyId>,
    /// Precedence.
    #[n(2)]
    pub precedence: Precedence,
    /// Receipt asked for; its deadline is the pact's.
    #[n(3)]
    pub receipt: Option<ReceiptLevel>,
    /// The notice.
    #[n(4)]
    pub notice: Notice,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Done {
    /// Nothing more to say.
    #[n(0)]
    Ok,
    /// A subject was filed; revision from 1.
    #[n(1)]
    Filed {
        /// Subject.
        #[n(0)]
        subject: SubjectId,
        /// Its revision.
        #[n(1)]
        revision: u32,
        /// Plans it conflicts with, as texts for the planner.
        #[n(2)]
        conflicts: Vec<String>,
    },
    /// Records were made for these parties.
    #[n(2)]
    Sent(#[n(0)] Vec<SentTo>),
    /// Something was made that has this number.
    #[n(41)]
    Numbered(#[n(0)] u64),
    /// Release rules, or a marking, that would let out more wait for people to agree.
    #[n(40)]
    Proposed {
        /// Number of the proposal; 0 for a marking, to which another planner agrees by asking the same.
        #[n(0)]
        id: u64,
        /// How many people must still agree.
        #[n(1)]
        missing: u32,
    },
}

/// One record that a command made.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SentTo {
    /// Recipient.
    #[n(0)]
    pub party: PartyId,
    /// Its index in the log to that party.
    #[n(1)]
    pub index: u64,
    /// Its name.
    #[n(2)]
    pub id: Hash32,
}

/// Why a command was refused. Nothing of a refused command has any effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Encode, Decode)]
pub enum Refused {
    /// The role may not ask this.
    #[error("the role {} may not do this", role.name())]
    #[n(0)]
    Role {
        /// Role of the actor.
        #[n(0)]
        role: Role,
    },
    /// No such alert, notice, plan, site, party or account.
    #[error("no such {what}: {given}")]
    #[n(1)]
    NoSuch {
        /// Kind of thing.
        #[n(0)]
        what: String,
        /// As given.
        #[n(1)]
        given: String,
    },
    /// A field is out of bounds.
    #[error("{field}: {reason}")]
    #[n(2)]
    Invalid {
        /// Field.
        #[n(0)]
        field: String,
        /// What is wrong and what is allowed.
        #[n(1)]
        reason: String,
    },
    /// The read-back differs from the notice.
    #[error("the read-back differs from the notice in: {}", fields.join(", "))]
    #[n(3)]
    ReadBackDiffers {
        /// Fields that differ: `place`, `level`, `time`.
        #[n(0)]
        fields: Vec<String>,
    },
    /// It was done already.
    #[error("already {what}")]
    #[n(4)]
    Already {
        /// Done already.
        #[n(0)]
        what: String,
    },
    /// The link to that party is frozen.
    #[error("the link to {party} is frozen: {reason}")]
    #[n(6)]
    Frozen {
        /// Party.
        #[n(0)]
        party: PartyId,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// A bound of the node is reached.
    #[error("{what} is full: at most {max}")]
    #[n(7)]
    Full {
        /// What.
        #[n(0)]
        what: String,
        /// Bound.
        #[n(1)]
        max: u64,
    },
    /// The rules were changed by somebody else since they were read.
    #[error("the rules in force are revision {now}, not {given}; read them again")]
    #[n(8)]
    Changed {
        /// Revision in force.
        #[n(0)]
        now: u32,
        /// Revision on which the change was based.
        #[n(1)]
        given: u32,
    },
}

/// Answer to a command.
pub type Answer = Result<Done, Refused>;
