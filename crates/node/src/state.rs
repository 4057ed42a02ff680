//! The state of a node, and the fold.
use crate::audit::AuditRow;
use crate::command::{Account, Answer};
use crate::filed::Filed;
use crate::input::{Answered, Boot, Entry, FeedConfig, FeedState, Input, Output};
use crate::labels::own_of;
use crate::markings::{MarkWaits, Marked};
use crate::pacts::Pacts;
use crate::picture::{Origin, Picture, Source, Standing, Taken};
use crate::proposals::Proposal;
use crate::said::SaidNow;
use crate::sky::Sky;
use airspace::{Plan, Site, Volume4d};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use desk::Desk;
use detect::{Minima, MinimaTable};
use link::Link;
use minicbor::{Decode, Encode};
use record::{ChannelState, Mode, PartyId, SubjectId, TrackBatch};
use release::{Envelope, LedgerRow, Marking, Policy, Releaser};
use track::TrackReport;
use units::{Mono, Now, Utc};

/// Ledger rows kept for the view; all can be made again from the journal.
pub const LEDGER_MAX: usize = 2000;
/// Cadence of the release of tracks and of the full sweep.
pub const SECOND_MS: u64 = 1000;

/// Everything a node knows. Equal journals give equal states.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct State {
    /// Sequence number of the last input folded.
    #[n(0)]
    pub(crate) seq: u64,
    /// `Now` of the last input folded.
    #[n(1)]
    pub(crate) now: Now,
    /// Configuration of the last start.
    #[n(2)]
    pub(crate) boot: Option<Box<Boot>>,
    /// Own party first, then every peer there ever was; only appended to, because tracks refer to it by number.
    #[n(3)]
    pub(crate) parties: Vec<PartyId>,
    /// Peers of the last start.
    #[n(4)]
    pub(crate) peers: BTreeMap<PartyId, Peer>,
    /// Feeds of the last start.
    #[n(5)]
    pub(crate) feeds: Vec<Feed>,
    /// Tracks.
    #[n(6)]
    pub(crate) picture: Picture,
    /// Alerts and notices.
    #[n(7)]
    pub(crate) desk: Desk,
    /// Plans by owner and subject.
    #[n(9)]
    pub(crate) plans: BTreeMap<(PartyId, SubjectId), Filed<Plan>>,
    /// Protected sites.
    #[n(10)]
    pub(crate) sites: BTreeMap<(PartyId, SubjectId), Filed<Site>>,
    /// Avoid areas.
    #[n(11)]
    pub(crate) avoids: BTreeMap<(PartyId, SubjectId), Filed<Vec<Volume4d>>>,
    /// Accounts.
    #[n(12)]
    pub(crate) accounts: BTreeMap<String, Account>,
    /// Release rules in force.
    #[n(13)]
    pub(crate) policy: Policy,
    /// Answers that said nothing to any peer, by actor and idempotency key, oldest first.
    #[n(14)]
    pub(crate) answers: VecDeque<(String, String, Answer)>,
    /// Answers that said something to a peer.
    #[n(69)]
    #[cbor(default)]
    pub(crate) answers_said: VecDeque<(String, String, Answer)>,
    /// The last commands.
    #[n(15)]
    pub(crate) audit: VecDeque<AuditRow>,
    /// When tracks were last released and the last sweep was made.
    #[n(16)]
    pub(crate) second: Mono,
    /// Last sweep.
    #[n(17)]
    pub(crate) checked: Checked,
    /// Alerts left out because of a bound.
    #[n(18)]
    pub(crate) cut: u32,
    /// Who was told what under which rule, newest last.
    #[n(19)]
    pub(crate) ledger: VecDeque<LedgerRow>,
    /// Inputs refused while the journal was full.
    #[n(20)]
    pub(crate) gap: Option<(u64, i64)>,
    /// Newest observed loss per pair, so that one epoch is said once.
    #[n(21)]
    pub(crate) losses: BTreeMap<(u32, u32), Utc>,
    /// Sources whose reports were refused as too far ahead or too old, by source.
    #[n(22)]
    pub(crate) skewed: BTreeMap<Source, u64>,
    /// Conflicts found or worsened by the input being folded, to be told to the peers they are shared with.
    #[n(65)]
    #[cbor(default)]
    pub(crate) fresh: Vec<crate::told_conflicts::Fresh>,
    /// The last input that was skipped, and when that was decided.
    #[n(24)]
    pub(crate) skipped: Option<(u64, Utc)>,
    /// Whether the aircraft of a plan was outside it at the last looks, newest in the lowest bit.
    #[n(25)]
    pub(crate) off_plan: BTreeMap<SubjectId, u8>,
    /// Release rules of the file at the last start, first, and those put in force since, newest last.
    #[n(26)]
    pub(crate) rules_seen: Vec<BTreeMap<PartyId, Vec<release::Rule>>>,
    /// Statements about keys, by pact and party.
    #[n(27)]
    pub(crate) keys: crate::keys::Keyrings,
    /// Checkpoints of logs between others, and forks.
    #[n(28)]
    pub(crate) sharing: crate::sharing::Sharing,
    /// Whether somebody is at the own desk, as last stated.
    #[n(29)]
    pub(crate) staffing: Option<record::DeskStatus>,
    /// Release rules that wait for a second person.
    #[n(60)]
    pub(crate) proposal: Option<Proposal>,
    /// Proposals made so far.
    #[n(61)]
    #[cbor(default)]
    pub(crate) proposals: u64,
    /// Markings of own plans.
    #[n(62)]
    #[cbor(default)]
    pub(crate) plan_marks: BTreeMap<SubjectId, Marking>,
    /// Markings of own aircraft, by address.
    #[n(63)]
    #[cbor(default)]
    pub(crate) air_marks: BTreeMap<u32, Marking>,
    /// Markings that live own plans give an aircraft now, by its address.
    #[n(66)]
    #[cbor(default)]
    pub(crate) plan_marked: BTreeMap<u32, BTreeSet<Marking>>,
    /// Markings that would let out more and wait for another planner.
    #[n(67)]
    #[cbor(default)]
    pub(crate) marks_wait: BTreeMap<Marked, MarkWaits>,
    /// Markings that plans gave and that no command takes away before their time.
    #[n(70)]
    #[cbor(default)]
    pub(crate) kept: crate::markings::Kept,
    /// Release rules that were in force.
    #[n(71)]
    #[cbor(default)]
    pub(crate) remembered: crate::remembered::Remembered,
    /// How the release rules last changed, for the desk.
    #[n(68)]
    pub(crate) rules_news: Option<(Utc, String)>,
    /// Which rules held at the last second, for peers with rules that have a time.
    #[n(64)]
    #[cbor(default)]
    pub(crate) holding: BTreeMap<PartyId, Vec<bool>>,
    /// How conflicts become alerts.
    #[n(80)]
    #[cbor(default)]
    pub(crate) alerting: crate::alerting::Alerting,
    /// Which tracks are one aircraft.
    #[n(81)]
    #[cbor(default)]
    pub(crate) correlation: crate::correlating::Correlation,
    /// References and subscriptions of traffic services.
    #[n(82)]
    #[cbor(default)]
    pub(crate) dss: dss::Dss,
    /// What of peers is shown to them.
    #[n(83)]
    #[cbor(default)]
    pub(crate) showing: crate::discovering::Showing,
    /// Who is to be told of it.
    #[n(84)]
    #[cbor(default)]
    pub(crate) outbox: crate::discovering::Outbox,
    /// What traffic services intend, filed as own plans.
    #[n(85)]
    #[cbor(default)]
    pub(crate) filing: crate::discovering::Filing,
    /// What the last input made this node say: read by whoever replays a journal, and kept by nobody.
    #[cbor(skip)]
    pub(crate) said: SaidNow,
    /// Parsed pacts; rebuilt from `boot`.
    #[cbor(skip)]
    pub(crate) pacts: Pacts,
    /// Index of tracks; rebuilt from `picture`.
    #[cbor(skip)]
    pub(crate) sky: Sky,
    /// Prepared volumes; rebuilt from plans, sites and avoid areas.
    #[cbor(skip)]
    pub(crate) prepared: crate::volumes::Prepared,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Peer {
    /// Its number in the list of parties.
    #[n(0)]
    pub(crate) number: u16,
    /// The protocol's state.
    #[n(1)]
    pub(crate) link: Link,
    /// What is about to be released to it.
    #[n(2)]
    pub(crate) releaser: Releaser,
    /// Channel state as we state it.
    #[n(3)]
    pub(crate) ours: ChannelState,
    /// As the peer states it.
    #[n(4)]
    pub(crate) theirs: ChannelState,
    /// Statements made.
    #[n(5)]
    pub(crate) statements: u32,
    /// Pact clauses that differ, from the last refused hello.
    #[n(6)]
    pub(crate) differs: Option<String>,
    /// The pact statement was appended to this log.
    #[n(7)]
    pub(crate) opened: bool,
    /// When the node started or met this peer first.
    #[n(8)]
    pub(crate) since: Mono,
    /// Whether more than the safety floor is carried: the channel is in force on both sides, and so is the pact.
    #[n(9)]
    pub(crate) carries_all: bool,
    /// When that last ended.
    #[n(10)]
    pub(crate) held_back: Option<Mono>,
    /// Whether somebody is at its desk, as it states.
    #[n(11)]
    pub(crate) desk: Option<record::DeskStatus>,
    /// Statements made of ours.
    #[n(12)]
    pub(crate) desk_statements: u32,
    /// What witnesses have cosigned of both logs.
    #[n(13)]
    #[cbor(default)]
    pub(crate) witnessing: crate::witnessing::Witnessing,
    /// Conflicts it was told.
    #[n(61)]
    #[cbor(default)]
    pub(crate) shared: crate::told_conflicts::Shared,
    /// What it released, as it released it.
    #[n(62)]
    #[cbor(default)]
    pub(crate) heard: crate::told_conflicts::Heard,
    /// What is filed and could not be told.
    #[n(65)]
    #[cbor(default)]
    pub(crate) untold: crate::untold::Untold,
    /// What of it had no room last, and when.
    #[n(64)]
    pub(crate) unheld: Option<(String, Mono)>,
}

/// One feed.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub struct Feed {
    #[n(0)]
    pub(crate) config: FeedConfig,
    #[n(1)]
    pub(crate) state: FeedState,
    #[n(2)]
    pub(crate) reports: u64,
    #[n(3)]
    pub(crate) errors: u64,
    #[n(4)]
    pub(crate) last_error: Option<String>,
    #[n(5)]
    pub(crate) last_report: Option<Mono>,
    /// When its state last changed.
    #[n(6)]
    pub(crate) since: Mono,
    /// As it was told before, while two people have yet to agree to what may let out more.
    #[n(7)]
    pub(crate) before: Option<FeedConfig>,
}

impl Feed {
    fn enter(&mut self, state: FeedState, now: Now) {
        if self.state != state {
            (self.state, self.since) = (state, now.mono);
        }
    }
}

/// What the last full sweep looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Checked {
    /// Tracks looked at.
    #[n(0)]
    pub tracks: u32,
    /// Pairs of them found in conflict, one of each pair an own track.
    #[n(1)]
    pub conflicts: u32,
    /// Tracks that are own, or near an own one, and could not be judged.
    #[n(2)]
    pub unjudged: u32,
    /// When.
    #[n(3)]
    pub at: Utc,
}

impl Default for State {
    fn default() -> Self {
        Self {
            seq: 0,
            now: Now::default(),
            boot: None,
            parties: Vec::new(),
            peers: BTreeMap::new(),
            feeds: Vec::new(),
            picture: Picture::default(),
            desk: Desk::default(),
            plans: BTreeMap::new(),
            sites: BTreeMap::new(),
            avoids: BTreeMap::new(),
            accounts: BTreeMap::new(),
            policy: Policy::default(),
            answers: VecDeque::new(),
            answers_said: VecDeque::new(),
            audit: VecDeque::new(),
            second: Mono(0),
            checked: Checked::default(),
            cut: 0,
            ledger: VecDeque::new(),
            gap: None,
            losses: BTreeMap::new(),
            skewed: BTreeMap::new(),
            fresh: Vec::new(),
            skipped: None,
            off_plan: BTreeMap::new(),
            rules_seen: Vec::new(),
            keys: Default::default(),
            sharing: crate::sharing::Sharing::default(),
            staffing: None,
            proposal: None,
            proposals: 0,
            plan_marks: BTreeMap::new(),
            plan_marked: BTreeMap::new(),
            marks_wait: BTreeMap::new(),
            kept: Default::default(),
            remembered: Default::default(),
            rules_news: None,
            air_marks: BTreeMap::new(),
            holding: BTreeMap::new(),
            alerting: crate::alerting::Alerting::default(),
            correlation: crate::correlating::Correlation::default(),
            dss: dss::Dss::default(),
            showing: Default::default(),
            filing: Default::default(),
            outbox: Default::default(),
            said: SaidNow::default(),
            pacts: Pacts::default(),
            sky: Sky::default(),
            prepared: crate::volumes::Prepared::default(),
        }
    }
}

impl State {
    /// Folds one input. Pure: the same state, input and `now` give the same outputs.
    pub fn apply(&mut self, entry: &Entry, out: &mut Vec<Output>) {
        self.seq += 1;
        self.now = entry.now;
        self.said = SaidNow::default();
        let now = entry.now;
        match &entry.input {
            Input::Boot(boot) => self.boot(boot, now, out),
            Input::Tick => self.tick(now, out),
            Input::Reports { feed, batch } => self.reports(*feed, batch, now, out),
            Input::FeedHealth { feed, state, errors, last_error } => {
                if let Some(feed) = self.feeds.get_mut(usize::from(*feed)) {
                    feed.enter(*state, now);
                    (feed.errors, feed.last_error) = (*errors, last_error.clone());
                }
            }
            Input::LinkUp { peer, session, pin } => self.link_up(peer, *session, *pin, now, out),
            Input::LinkFrame { peer, session, frame } => {
                self.with_link(peer, now, out, |link| link.handle_frame(*session, frame, now));
            }
            Input::LinkDown { peer, session, reason } => {
                self.with_link(peer, now, out, |link| link.handle_disconnected(*session, *reason, now));
            }
            Input::Command { actor, key, command } => {
                let answer = self.command(actor, key.as_deref(), command, now, out);
                out.push(Output::Answer(Answered::Command(answer)));
            }
            Input::Attempt { actor, command, refused, times } => {
                self.attempted(actor, command, refused, *times, now);
            }
            Input::Dss(request, outlined) => self.dss_asked(request, outlined.as_deref(), now, out),
            Input::Notified(notified) => self.notified(notified, now, out),
            Input::Displayed { actor, alerts, notices } => self.displayed(actor, alerts, notices, now),
            Input::Witness { peer, report } => self.witness_reported(peer, report, now, out),
            Input::Gap { dropped, since_utc_ms } => self.gap = Some((*dropped, *since_utc_ms)),
            Input::Quarantine { seq } => {
                self.skipped = Some((*seq, now.utc));
                out.push(Output::Log(format!("input {seq} made the fold fail and is skipped by a journaled decision")));
            }
        }
        self.drain_desk(now, out);
        self.share_conflicts(now, out);
    }

    fn tick(&mut self, now: Now, out: &mut Vec<Output>) {
        self.dss_tick(now, out);
        self.file_intents(now, out);
        // Releases and sweeps have a cadence of their own, whether or not there is anything: neither time nor size of what
        // a peer is sent tells of what it is not sent.
        if now.mono.since_ms(self.second) >= SECOND_MS {
            self.second = now.mono;
            self.end_proposal(now, out);
            self.remark(now);
            let mut changed = self.rules_turned(now);
            changed.append(&mut self.channels_changed(now));
            self.tell_again(&changed, now, out);
            self.tell_untold(now, out);
            self.follow_rules(now);
            self.flush_releases(now, out);
            self.share_checkpoints(now, out);
            for id in self.picture.expire(now) {
                self.sky.remove(id);
            }
            self.part_from_silent(now).into_iter().for_each(|id| self.index_track(id));
            self.check_all(now, out);
        }
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        for name in names {
            self.with_link(&name, now, out, |link| link.handle_tick(now));
        }
    }

    /// Looks for every condition there is, and tells the desk what holds and what does not.
    fn check_all(&mut self, now: Now, out: &mut Vec<Output>) {
        let mut present = BTreeSet::new();
        self.end_inhibitions(now);
        self.know(now);
        self.forget_reasons();
        self.full_sweep(&mut present, now, out);
        self.keep_near(&mut present, now);
        self.check_crosscheck(&mut present, now);
        self.check_shared(now);
        self.checked.unjudged = self.check_unjudged(&mut present, now);
        self.keep_unseen(&mut present, now);
        self.check_volumes(&mut present, now);
        self.watch_growth(now);
        self.check_peers(&mut present, now);
        self.check_claimed(&mut present, now);
        self.check_feeds(&mut present, now);
        self.check_gap(&mut present, now);
        self.check_skipped(&mut present, now);
        self.check_own_keys(&mut present, now);
        self.check_rules(&mut present, now);
        self.check_filing(&mut present, now);
        self.tell_absent(&present, now);
        self.desk.handle_time(now);
    }

    /// Skips an input that was quarantined: only its number and time count.
    pub fn skip(&mut self, entry: &Entry) {
        self.seq += 1;
        self.now = entry.now;
    }

    /// How often an alert was raised, worsened or escalated.
    #[must_use]
    pub fn sounded(&self) -> u64 {
        self.alerting.sounded
    }

    /// Number of the last input folded.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Time of the last input folded.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    pub(crate) fn reindex(&mut self) {
        let minima = self.pacts.minima.clone().unwrap_or_else(|| MinimaTable::uniform(Minima::DEFAULT));
        self.peers.values_mut().for_each(|peer| peer.heard.reindex(&minima));
        let mut sky = Sky::new(minima);
        for track in self.picture.iter().filter(|t| self.flies_alone(t)) {
            let kinematics = self.kinematics_of(track, track.last.at);
            sky.upsert(track.id, track.is_own(), track.class(), kinematics);
        }
        self.sky = sky;
    }

    fn boot(&mut self, boot: &Boot, now: Now, out: &mut Vec<Output>) {
        self.pacts = Pacts::read(&boot.pacts);
        if self.parties.is_empty() {
            self.parties.push(boot.party.clone());
            self.policy = boot.policy.clone();
        }
        // Before anything is said to anybody: a link that opens anew is told at once what the rules give.
        let mut changed = self.take_rules(&boot.policy.rules, now, out);
        let marked = self.boot.as_ref().and_then(|before| before.dss_marking);
        self.take_feeds(boot, now, out);
        self.second = now.mono;
        self.boot = Some(Box::new(boot.clone()));
        self.open_peers(boot, now, out);
        self.take_own_keys(boot, now, out);
        self.reindex();
        self.prepared = crate::volumes::Prepared::of(self);
        self.follow_all(now);
        changed |= self.take_filing(marked, now);
        self.take_notifying(out);
        let mut told = self.rules_turned(now);
        told.append(&mut self.channels_changed(now));
        self.tell_again(&if changed { self.everybody() } else { told }, now, out);
        self.follow_rules(now);
    }

    fn reports(&mut self, feed: u16, batch: &TrackBatch, now: Now, out: &mut Vec<Output>) {
        let Some(config) = self.feeds.get(usize::from(feed)).map(|f| f.config.clone()) else { return };
        let Ok(mut reports) = batch.unpack() else { return };
        for report in &mut reports {
            if report.class == units::AircraftClass::Unknown {
                report.class = config.class;
            }
        }
        if let Some(feed) = self.feeds.get_mut(usize::from(feed)) {
            feed.reports += reports.len() as u64;
            feed.last_report = Some(now.mono);
            feed.enter(FeedState::Up, now);
        }
        let origin = Origin::feed(feed, config.claim);
        let own = self.take_reports(&origin, &reports, now, out);
        self.offer(feed, &own, now);
        self.check_shared_of(&own, now);
    }

    /// Folds reports of one source into the picture and checks what they changed. Gives those of an own feed that are the
    /// newest word of own feeds.
    pub(crate) fn take_reports(
        &mut self,
        origin: &Origin,
        reports: &[TrackReport],
        now: Now,
        out: &mut Vec<Output>,
    ) -> Vec<(u32, TrackReport)> {
        let (mut ids, mut own) = (BTreeSet::new(), Vec::new());
        for report in reports {
            let taken = self.picture.take(origin, *report, now);
            match taken {
                Taken::New(id) => {
                    ids.insert(id);
                    self.file(id);
                    self.observe(id, out);
                }
                Taken::Kept(_) | Taken::Old(_) => {}
                Taken::Ahead | Taken::TooOld => *self.skewed.entry(origin.source).or_default() += 1,
                Taken::Full => self.cut = self.cut.saturating_add(1),
            }
            for id in self.picture.take_moved() {
                ids.insert(id);
                self.file(id);
            }
            if let (Taken::New(id) | Taken::Kept(id), Standing::Own) = (taken, origin.standing) {
                // Whether a report is told does not depend on what sensors or peers say of the aircraft.
                let newest = self.picture.get(id).and_then(|track| own_of(&self.feeds, track));
                if newest.is_some_and(|c| (c.source, c.report.at) == (origin.source, report.at)) {
                    own.push((id, *report));
                }
            }
        }
        for id in ids {
            self.predict(id, now, out);
        }
        own
    }

    /// Files a track for its neighbourhood, with those that it has changed.
    fn file(&mut self, id: u32) {
        let changed = self.correlate(id);
        changed.into_iter().chain([id]).for_each(|id| self.index_track(id));
    }

    pub(crate) fn index_track(&mut self, id: u32) {
        let Some(track) = self.picture.get(id) else { return };
        if !self.flies_alone(track) {
            self.sky.remove(id);
        } else {
            let kinematics = self.kinematics_of(track, track.last.at);
            self.sky.upsert(id, track.is_own(), track.class(), kinematics);
        }
    }

    /// Own party.
    #[must_use]
    pub fn party(&self) -> Option<&PartyId> {
        self.parties.first()
    }

    pub(crate) fn mode(&self) -> Mode {
        self.boot.as_ref().map_or(Mode::Live, |b| b.mode.clone())
    }

    pub(crate) fn party_number(&mut self, party: &PartyId) -> u16 {
        match self.parties.iter().position(|p| p == party) {
            Some(at) => at as u16,
            None => {
                self.parties.push(party.clone());
                (self.parties.len() - 1) as u16
            }
        }
    }

    pub(crate) fn envelope(&self, peer: &PartyId) -> Option<Envelope> {
        // The link was made with the hash; the pact would have to be written out for it each time.
        let pact = match self.peers.get(peer) {
            Some(peer) => peer.link.config().pact,
            None => self.pacts.with(peer)?.hash(),
        };
        Some(Envelope { issuer: self.party()?.clone(), audience: peer.clone(), mode: self.mode(), pact })
    }

    /// The last commands, newest last.
    pub fn audit(&self) -> impl Iterator<Item = &AuditRow> {
        self.audit.iter()
    }

    /// Who was told what under which rule, newest last.
    pub fn ledger(&self) -> impl Iterator<Item = &LedgerRow> {
        self.ledger.iter()
    }

    /// The configuration of the last start.
    #[must_use]
    pub fn booted(&self) -> Option<&Boot> {
        self.boot.as_deref()
    }

    /// The link to a peer.
    #[must_use]
    pub fn link(&self, peer: &PartyId) -> Option<&Link> {
        self.peers.get(peer).map(|p| &p.link)
    }

    /// Highest number of a connection so far; the next must be higher.
    #[must_use]
    pub fn last_session(&self) -> u64 {
        self.peers.values().filter_map(|p| p.link.view(self.now).last_session).max().unwrap_or(0)
    }

    /// Peers of the last start.
    pub fn peer_ids(&self) -> impl Iterator<Item = &PartyId> {
        self.peers.keys()
    }

    /// A system track.
    #[must_use]
    pub fn track(&self, id: u32) -> Option<&crate::picture::SystemTrack> {
        self.picture.get(id)
    }
}
