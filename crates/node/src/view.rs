//! What readers see: plain values, made from the state at most ten times a second and shared without locks.
use crate::command::Account;
use crate::input::FeedState;
pub use crate::state::Checked;
use airspace::{Plan, Site, Volume4d};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
pub use desk::Said;
use record::{ChannelState, Hash32, Mode, Notice, PartyId, Precedence, ReceiptLevel, ReleaseForm, Role, SubjectId};
use track::TrackReport;
use units::Utc;

/// The whole picture of one node at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Moment.
    pub utc: Utc,
    /// Sequence number of the last input folded.
    pub seq: u64,
    /// Own party.
    pub party: PartyId,
    /// Own party first, then the peers; a track's owner indexes it.
    pub parties: Vec<PartyId>,
    /// Live or exercise.
    pub mode: Mode,
    /// Tracks, by id.
    pub tracks: Vec<TrackView>,
    /// Peers, by name.
    pub peers: Vec<PeerView>,
    /// Feeds, in the order configured.
    pub feeds: Vec<FeedView>,
    /// Alerts not yet cleared, and those cleared in the last minutes; by level, then time to closest approach.
    pub alerts: Vec<AlertView>,
    /// How often an alert was raised, worsened or escalated: who shows them hurries when it changes.
    pub sounded: u64,
    /// Notices, newest first.
    pub notices: Vec<NoticeView>,
    /// Plans, own and released.
    pub plans: Vec<PlanView>,
    /// Protected sites, own and released.
    pub sites: Vec<SiteView>,
    /// Avoid areas received and sent.
    pub avoids: Vec<AvoidView>,
    /// Last full sweep: what it looked at, what it could not judge, and when.
    pub checked: Checked,
    /// Tracks found to be of one aircraft so far.
    pub correlation: crate::CorrelationCounts,
    /// What came of holding both ways of finding conflicts against each other.
    pub crosscheck: crate::Crosscheck,
    /// Levels that own flights are cleared to, by flight.
    pub cleared: BTreeMap<String, crate::Cleared>,
    /// Inhibitions in force, oldest first.
    pub inhibitions: Vec<crate::Inhibition>,
    /// Alerts left out because of a bound.
    pub cut: u32,
    /// Operational intents, constraints and subscriptions of traffic services that are held.
    pub references: (usize, usize, usize),
    /// What came of notifications of traffic services.
    pub notified: crate::NotifyCounts,
    /// The pacts in force.
    pub pacts: Vec<PactView>,
    /// Whether somebody is at the own desk, as last stated.
    pub staffing: Option<record::DeskStatus>,
    /// Accounts, for the shell's sign-in.
    pub accounts: BTreeMap<String, Account>,
    /// Release rules in force.
    pub policy: release::Policy,
    /// Release rules that wait for people to agree.
    pub proposal: Option<crate::Proposal>,
    /// Own plans and aircraft that bear a marking, or are to.
    pub marks: Vec<MarkView>,
}

/// The marking of one own plan or aircraft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkView {
    /// Of what.
    pub of: crate::Marked,
    /// The marking; `None` if it is to get its first.
    pub marking: Option<release::Marking>,
    /// One that would let out more and waits, and the accounts that asked for it.
    pub waits: Option<(Option<release::Marking>, Vec<String>)>,
}

/// Whose a track is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The own party's.
    Own,
    /// Released by the peer at this index of [`View::parties`].
    Peer(u8),
    /// Seen by an own sensor, claimed by nobody.
    Unclaimed,
}

/// One system track.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackView {
    /// System track number, stable while the track lives.
    pub id: u32,
    /// Whose.
    pub owner: Owner,
    /// The newest report.
    pub report: TrackReport,
    /// Form in which it was released to us (`Full` for own).
    pub form: ReleaseForm,
    /// Released precision, mm; 0 as held.
    pub precision_mm: u32,
    /// No report for longer than the stale limit.
    pub stale: bool,
    /// Highest alert level it is part of: 0 none, 1 caution, 2 warning, 3 alarm.
    pub alert: u8,
    /// Other tracks of the same aircraft, that are not shown by themselves.
    pub joined: Vec<JoinedView>,
}

/// A track that is part of another.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinedView {
    /// Its own number.
    pub id: u32,
    /// Who tells of it.
    pub owner: Owner,
    /// Its newest report.
    pub report: TrackReport,
}

/// State of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkStatus {
    /// Connected and agreed.
    Up,
    /// Not connected.
    Down,
    /// Nothing is signed or folded any more.
    Frozen,
}

/// One peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerView {
    /// Party.
    pub party: PartyId,
    /// How its desk is reached without the link: clause 1 of the pact.
    pub desk: String,
    /// Link.
    pub link: LinkStatus,
    /// Why it is down or frozen.
    pub reason: Option<String>,
    /// Age of the newest information, ms; `None` if there never was any.
    pub age_ms: Option<u64>,
    /// Entries held of the peer's log.
    pub in_size: u64,
    /// Of them under a checkpoint.
    pub in_sealed: u64,
    /// Entries of the own log to the peer.
    pub out_size: u64,
    /// Of them cosigned by the peer.
    pub out_cosigned: u64,
    /// How far the own log and the peer's are witnessed; none if the pact names no witness.
    pub witnessed: Option<(crate::witnessing::Witnessed, crate::witnessing::Witnessed)>,
    /// Channel state as we state it.
    pub channel_ours: ChannelState,
    /// Channel state as the peer states it.
    pub channel_theirs: ChannelState,
    /// Peer's clock minus ours, ms.
    pub clock_offset_ms: Option<i64>,
    /// Refusals by reason.
    pub refused: BTreeMap<String, u64>,
    /// SHA-256 of the subject public key info of its TLS certificate.
    pub tls_spki_sha256: Hash32,
    /// Statement of its keys in force: serial, why, when it was made; `None` while they are the pact's.
    pub keys: Option<(u32, &'static str, Utc)>,
    /// Entries after which the peer had to wait, by kind: it sends more than agreed.
    pub throttled: BTreeMap<String, u64>,
    /// Own entries that wait until the peer takes more.
    pub waiting: u64,
    /// Whether somebody is at its desk, as it states; `None` if it never did.
    pub staffing: Option<record::DeskStatus>,
    /// Proofs that the peer signed two histories of a log.
    pub forks: Vec<ForkView>,
    /// What it sent ahead and did not sign for: the place, where its log has another entry, and the record's name.
    pub denied: Vec<(u64, Hash32)>,
}

/// Two notes of one log and size.
#[derive(Debug, Clone, PartialEq)]
pub struct ForkView {
    /// To whom the log is.
    pub to: PartyId,
    /// The size that was signed with two roots.
    pub size: u64,
    /// Both signed notes.
    pub notes: [String; 2],
}

/// One feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedView {
    /// Name.
    pub name: String,
    /// Format.
    pub format: String,
    /// Connection.
    pub state: FeedState,
    /// Age of the newest report, ms.
    pub age_ms: Option<u64>,
    /// Reports folded.
    pub reports: u64,
    /// Reports refused.
    pub errors: u64,
    /// Newest error.
    pub last_error: Option<String>,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertKind {
    /// Two tracks.
    Conflict,
    /// A track and a protected site.
    Site,
    /// Two plans, or a track and a plan or avoid area of another party.
    Plan,
    /// A peer's information is old.
    PeerLost,
    /// A peer's clock.
    Clock,
    /// The channel to a peer is not in force, or the two sides state different states of it.
    Channel,
    /// A notice that waits.
    Notice,
    /// A link is frozen.
    Frozen,
    /// The own picture is not what it seems.
    OwnPicture,
    /// More is said than is taken, to or by a peer.
    Flood,
    /// A peer signed two histories.
    Fork,
}

impl AlertKind {
    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Site => "site",
            Self::Plan => "plan",
            Self::PeerLost => "peer-lost",
            Self::Clock => "clock",
            Self::Channel => "channel",
            Self::Notice => "notice",
            Self::Frozen => "frozen",
            Self::OwnPicture => "own-picture",
            Self::Flood => "flood",
            Self::Fork => "fork",
        }
    }
}

/// One track as an alert names it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertTrack {
    /// System track number.
    pub id: u32,
    /// Callsign, else address, else the number.
    pub label: String,
    /// Whose.
    pub owner: Owner,
}

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertView {
    /// Number, unique in this journal.
    pub id: u64,
    /// About what.
    pub kind: AlertKind,
    /// 1 caution, 2 warning, 3 alarm.
    pub level: u8,
    /// `raised`, `shown`, `acknowledged` or `cleared`.
    pub state: &'static str,
    /// When raised first.
    pub raised: Utc,
    /// When raised as it is now.
    pub since: Utc,
    /// An alarm only because nobody acknowledged the warning.
    pub escalated: bool,
    /// How often it was raised: once, and again each time it became worse.
    pub raising: u32,
    /// One sentence.
    pub text: String,
    /// What it is about beside tracks: a notice's id, a site's or plan's subject, or a party.
    pub about: Option<String>,
    /// The own track.
    pub a: Option<AlertTrack>,
    /// The other.
    pub b: Option<AlertTrack>,
    /// Time of closest approach.
    pub cpa: Option<Utc>,
    /// Time the minima are lost.
    pub tin: Option<Utc>,
    /// Distance at closest approach, mm.
    pub dcpa_mm: Option<i64>,
    /// Distance now, mm.
    pub distance_mm: Option<i64>,
    /// Vertical distance at closest approach, 0.1 mm.
    pub vertical: Option<i64>,
    /// What the levels rest on: `pressure`, `wgs84`, `mixed` or `unknown-level`.
    pub basis: Option<&'static str>,
    /// The minima are lost now.
    pub violation: bool,
    /// The inhibition that it is under.
    pub inhibited: Option<u64>,
    /// Who gave which reason for it to stay.
    pub reason: Option<String>,
    /// When, for as long as the alert lasts.
    pub reasoned: Option<Utc>,
    /// What was entered is at a protected site, and nobody gave a reason yet.
    pub asks_reason: bool,
    /// Age of the older of the two reports, ms.
    pub data_age_ms: Option<u64>,
    /// Who acknowledged it, and when.
    pub acknowledged: Option<(String, Utc)>,
}

/// One notice.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticeView {
    /// Name of the record.
    pub id: Hash32,
    /// Subject.
    pub subject: SubjectId,
    /// Sent by us.
    pub outgoing: bool,
    /// The other party.
    pub peer: PartyId,
    /// Precedence.
    pub precedence: Precedence,
    /// The notice.
    pub notice: Notice,
    /// When issued.
    pub issued: Utc,
    /// Receipt asked for.
    pub wanted: Option<ReceiptLevel>,
    /// When it is due.
    pub due: Option<Utc>,
    /// Past due.
    pub overdue: bool,
    /// The peer's machine holds it (cosigned) or ours holds it.
    pub received: Option<Utc>,
    /// Displayed.
    pub seen: Option<Utc>,
    /// Acknowledged: when, in what role, by whom (known only for our own officers), whether the read-back agreed.
    pub acknowledged: Option<Acknowledged>,
    /// Under a signed checkpoint.
    pub sealed: bool,
    /// Answers above ACKNOWLEDGED, by level.
    pub answers: BTreeMap<ReceiptLevel, Said>,
    /// The addressee signed for the log at this time, by its clock, and the notice was not in it yet.
    pub told_after: Option<Utc>,
    /// The addressee signed for the notice at this time, by its clock.
    pub told_before: Option<Utc>,
    /// How far the claimed time of issue lies outside of that, ms: negative before. 0 within, or nothing to compare.
    pub claimed_off_ms: i64,
}

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledged {
    /// When.
    pub at: Utc,
    /// Role.
    pub role: Option<Role>,
    /// Own officer's account.
    pub by: Option<String>,
    /// The read-back agreed with the notice.
    pub read_back_ok: bool,
}

/// One plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanView {
    /// Subject.
    pub subject: SubjectId,
    /// Revision.
    pub revision: u32,
    /// Whose.
    pub owner: Owner,
    /// The plan.
    pub plan: Plan,
    /// Texts of its conflicts.
    pub conflicts: Vec<String>,
    /// The traffic service whose operational intent it is, and that alone changes it.
    pub uss: Option<String>,
}

/// One protected site.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteView {
    /// Subject.
    pub subject: SubjectId,
    /// Revision.
    pub revision: u32,
    /// Whose entry.
    pub owner: Owner,
    /// The site.
    pub site: Site,
}

/// One avoid area.
#[derive(Debug, Clone, PartialEq)]
pub struct AvoidView {
    /// Subject.
    pub subject: SubjectId,
    /// Whose.
    pub owner: Owner,
    /// Volumes.
    pub volumes: Vec<Volume4d>,
}

/// A pact in force.
#[derive(Debug, Clone, PartialEq)]
pub struct PactView {
    /// Hash of its body.
    pub hash: Hash32,
    /// Text with signatures.
    pub text: String,
    /// Parties.
    pub parties: Vec<PartyId>,
}
