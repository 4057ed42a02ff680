//! Links inside the fold: what comes from a peer is folded only after its log accepted it; what goes to a peer goes
//! through `release` and into the log to it, and nowhere else.
use crate::discovering::ShownKind;
use crate::filed::{Corners, Filed, Files, NotFiled, room};
use crate::input::{Boot, Output};
use crate::picture::{Origin, Source, Standing};
use crate::situation::{Present, sentence};
use crate::state::{LEDGER_MAX, Peer, State};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertLevel, Direction, Incoming, PeerTrouble, Situation};
use link::{CloseCode, Link, LinkConfig, LinkState};
use pact::{Pact, SignedPact};
use record::{Body, ChannelState, Decoded, PactInForce, PartyId, Record};
use release::{Envelope, Released, Releaser, release_pact};
use units::{Now, Utc};

/// A peer whose newest checkpoint is older than this is lost: five heartbeats.
const LOST_AFTER_MS: u64 = 5_000;
/// What it means that a channel or pact is not in force.
const HELD_BACK: &str = "Tracks and plans are held back; notices, receipts and protected sites pass.";
/// What was held back is told again no sooner than this.
const REOPEN_AFTER_MS: u64 = 10_000;
/// That something of a peer had no room is said for so long after the last.
const UNHELD_MS: u64 = 600_000;
/// The end of a pact is announced this long before.
const PACT_ENDS_SOON_MS: i64 = 24 * 3600 * 1000;

impl State {
    /// Opens a link to every other party of the pacts, keeping the logs there are.
    pub(crate) fn open_peers(&mut self, boot: &Boot, now: Now, out: &mut Vec<Output>) {
        let mut old = core::mem::take(&mut self.peers);
        let pacts = self.pacts.list.clone();
        for signed in &pacts {
            let pact = signed.pact();
            let Some(me) = self.keys_under((signed.hash(), pact), &boot.party) else { continue };
            for party in pact.parties.iter().filter(|p| p.id != boot.party) {
                let Some(theirs) = self.keys_under((signed.hash(), pact), &party.id) else { continue };
                let config = LinkConfig {
                    me: boot.party.clone(),
                    peer: party.id.clone(),
                    mode: boot.mode.clone(),
                    pact: signed.hash(),
                    my_log_key: me.log_key.clone(),
                    peer_log_key: theirs.log_key,
                    peer_cosign_key: theirs.cosign_key,
                    checkpoint_busy_ms: pact.checkpoint_busy_ms,
                    checkpoint_idle_ms: pact.checkpoint_idle_ms,
                };
                match old.remove(&party.id) {
                    // The same link goes on. A changed pact is another link, whose logs begin anew under its own folder.
                    Some(mut peer) if *peer.link.config() == config => {
                        peer.since = now.mono;
                        self.peers.insert(party.id.clone(), peer);
                    }
                    before => {
                        if before.is_some() {
                            self.forget_filed(&party.id);
                        }
                        self.open_peer(config, pact, boot, now, out);
                    }
                }
            }
        }
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        for name in names {
            // The connection of the run before is gone.
            //= spec/link.md S-4
            let session = self.peers.get(&name).and_then(|p| p.link.view(now).session);
            if let Some(session) = session {
                self.with_link(&name, now, out, |link| link.handle_disconnected(session, CloseCode::Ended, now));
            }
            self.open_log(&name, boot, now, out);
        }
    }

    /// Under another pact the peer says anew what it has filed, and counts its revisions from one: what it said under the
    /// old one would stand in the way, and could never be withdrawn.
    fn forget_filed(&mut self, peer: &PartyId) {
        self.plans.retain(|(owner, _), _| owner != peer);
        self.sites.retain(|(owner, _), _| owner != peer);
        self.avoids.retain(|(owner, _), _| owner != peer);
    }

    fn open_peer(&mut self, config: LinkConfig, pact: &Pact, boot: &Boot, now: Now, out: &mut Vec<Output>) {
        let name = config.peer.clone();
        let (limits, watching) = (crate::flow::limits_of(pact), crate::sharing::shares(pact));
        let padding = crate::flow::padding_of(pact);
        let number = self.party_number(&name);
        let (issuer, mode) = (config.me.clone(), config.mode.clone());
        let envelope = Envelope { issuer, audience: name.clone(), mode, pact: config.pact };
        match Link::new(config) {
            Ok(link) => {
                let peer = Peer {
                    number,
                    link: link.with_limits(limits).watching(watching).padded(padding),
                    releaser: Releaser::under(&envelope, &boot.pseudonym_secret),
                    ours: ChannelState::InForce,
                    theirs: ChannelState::InForce,
                    statements: 0,
                    differs: None,
                    opened: false,
                    since: now.mono,
                    carries_all: false,
                    held_back: None,
                    desk: None,
                    desk_statements: 0,
                    witnessing: Default::default(),
                    shared: Default::default(),
                    heard: Default::default(),
                    untold: Default::default(),
                    unheld: None,
                };
                self.peers.insert(name, peer);
            }
            Err(error) => out.push(Output::Log(format!("no link to {name}: {error}"))),
        }
    }

    /// The first entry of a log says under which pact its owner speaks.
    fn open_log(&mut self, name: &PartyId, boot: &Boot, now: Now, out: &mut Vec<Output>) {
        let Some(envelope) = self.envelope(name) else { return };
        if self.peers.get(name).is_none_or(|p| p.opened) {
            return;
        }
        let body = PactInForce { pact: envelope.pact, software: boot.software.clone() };
        match release_pact(&envelope, body, now) {
            Ok(released) => {
                if let Some(peer) = self.peers.get_mut(name) {
                    peer.opened = true;
                }
                self.say(name, released, now, out);
            }
            Err(error) => out.push(Output::Log(format!("to {name}: {error}"))),
        }
        self.tell_staffing(name, None, now, out);
    }

    /// Appends a released record to the log to its audience. Returns its place.
    pub(crate) fn say(
        &mut self,
        name: &PartyId,
        mut released: Released<Record>,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Option<link::Appended> {
        let (ledger, mentions) = (released.ledger().clone(), released.take_mentions());
        let appended = match self.peers.get_mut(name)?.link.append(released) {
            Ok(appended) => appended,
            Err(error) => {
                out.push(Output::Log(format!("not said to {name}: {error}")));
                return None;
            }
        };
        if self.ledger.len() >= LEDGER_MAX {
            self.ledger.pop_front();
        }
        self.ledger.push_back(ledger.clone());
        self.said.push(name, appended.index, ledger, mentions);
        self.drain(name, now, out);
        Some(appended)
    }

    /// Feeds one link and does what it asks.
    pub(crate) fn with_link(&mut self, name: &PartyId, now: Now, out: &mut Vec<Output>, act: impl FnOnce(&mut Link)) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        act(&mut peer.link);
        self.drain(name, now, out);
    }

    fn drain(&mut self, name: &PartyId, now: Now, out: &mut Vec<Output>) {
        while let Some(output) = self.peers.get_mut(name).and_then(|p| p.link.poll_output()) {
            match output {
                link::Output::Accepted { index, decoded } => self.accept(name, index, *decoded, now, out),
                link::Output::Received { size, time_s } => {
                    let at = Utc(i64::try_from(time_s).unwrap_or(i64::MAX / 1000).saturating_mul(1000));
                    // By the peer's word, as its cosignature says.
                    self.desk.notices.handle_cosigned(name, size, Now { utc: at, ..now });
                    self.desk.notices.handle_signed_for(Direction::Out, name, size, at);
                }
                link::Output::PactDiffers { their_text } => self.pact_differs(name, &their_text),
                link::Output::PeerRefused { refused } => out.push(Output::Log(refused_line(name, &refused))),
                link::Output::Refused { index, reason } => {
                    out.push(Output::Log(format!("entry {index} of {name} refused: {reason}")));
                }
                link::Output::Denied { index, record } => {
                    self.desk.notices.handle_denied(name, &record);
                    out.push(Output::Log(format!("{name} sent {record} ahead, and its entry {index} is another")));
                }
                link::Output::Sealed { size } => {
                    self.desk.notices.handle_sealed(name, size);
                    self.desk.notices.handle_signed_for(Direction::In, name, size, now.utc);
                }
                link::Output::Shown { note } => self.shown(name, &note, now, out),
                link::Output::PeerWitnessed { size, note } => self.peer_witnessed(name, size, note, out),
                link::Output::StoreWitnessed { ref note, .. } if !self.is_quorum(name, note) => {}
                link::Output::StateChanged => {}
                other => out.push(Output::Link(name.clone(), other)),
            }
        }
    }

    fn pact_differs(&mut self, name: &PartyId, theirs: &str) {
        let Some(ours) = self.pacts.with(name).map(SignedPact::pact) else { return };
        let all = match Pact::parse(theirs) {
            Ok(theirs) => pact::differences(ours, &theirs).iter().take(5).map(difference).collect(),
            Err(error) => alloc::vec![format!("theirs cannot be read here: {error}")],
        };
        if let Some(peer) = self.peers.get_mut(name) {
            peer.differs = Some(all.join("; "));
        }
    }

    /// Folds a record that the peer's log brought. It was checked: issuer, audience, mode, pact, bounds.
    fn accept(&mut self, name: &PartyId, index: u64, decoded: Decoded, now: Now, out: &mut Vec<Output>) {
        let Decoded { record, id } = decoded;
        let Some(number) = self.peers.get(name).map(|p| p.number) else { return };
        let key = (name.clone(), record.subject);
        match record.body {
            Body::Pact(_) => {}
            Body::Tracks(batch) => {
                let Ok(mut reports) = batch.unpack() else { return };
                // A peer has its own numbers; nothing else in a report refers to us.
                reports.sort_by_key(|r| r.at);
                let (source, standing) = (Source::Peer(number), Standing::Released);
                let origin = Origin { source, standing, form: batch.form, precision_mm: batch.precision_mm };
                self.take_reports(&origin, &reports, now, out);
                self.hear(name, batch.form, &reports, now);
            }
            Body::Plan(plan) => match file(&mut self.plans, &key, record.revision, plan, id) {
                Ok(true) => drop(self.plan_arrived(&key, now)),
                Ok(false) => {}
                Err(why) => self.not_filed(name, "plan", why, now, out),
            },
            Body::Site(site) => match file(&mut self.sites, &key, record.revision, site, id) {
                Ok(true) => self.site_arrived(&key, now),
                Ok(false) => {}
                Err(why) => self.not_filed(name, "protected site", why, now, out),
            },
            Body::Avoid(avoid) => match file(&mut self.avoids, &key, record.revision, avoid.volumes, id) {
                Ok(true) => self.avoid_arrived(&key, now),
                Ok(false) => {}
                Err(why) => self.not_filed(name, "avoid area", why, now, out),
            },
            Body::Keys(keys) => self.keys_said(name, &keys, now, out),
            Body::Withdrawn(withdrawn) => self.withdrawn(&key, record.revision, withdrawn.of, now),
            Body::Notice(notice) => {
                let pact_s = self.pacts.with(name).map(|p| p.pact().deadline_s(record.precedence));
                let asked_s = record.receipt.map_or(0, |r| r.due_s);
                let incoming = Incoming {
                    peer: name.clone(),
                    record: id,
                    index,
                    subject: record.subject,
                    notice,
                    precedence: record.precedence,
                    wanted: record.receipt.map(|r| r.level),
                    due_s: pact_s.map_or(asked_s, |pact_s| asked_s.min(pact_s)),
                    issued: record.issued_at,
                };
                match self.desk.notices.handle_arrived(incoming, now) {
                    Ok(_) => self.notice_arrived(name, record.subject, now),
                    Err(error) => out.push(Output::Log(format!("notice {id} of {name}: {error}"))),
                }
            }
            Body::Receipt(receipt) => {
                if let Err(error) = self.desk.notices.handle_receipt(name, &receipt) {
                    out.push(Output::Log(format!("from {name}: {error}: {}", receipt.of)));
                }
            }
            Body::Conflict(report) => self.reported(name, &report, now, out),
            Body::Desk(status) => {
                if let Some(peer) = self.peers.get_mut(name) {
                    peer.desk = Some(status);
                }
            }
            Body::Channel(statement) => self.channel_stated(name, statement.state, out),
        }
    }

    /// Acted upon within the second, however often it is stated. Who has terminated the channel has ended it under this pact
    /// (`spec/pact.md`, 12), as it would have here: what it states after that stands in its log and changes nothing.
    fn channel_stated(&mut self, name: &PartyId, state: ChannelState, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        if peer.theirs == ChannelState::Terminated {
            let state = state.name();
            out.push(Output::Log(format!(
                "{name} states {state} of a channel that it has terminated: nothing changes"
            )));
        } else {
            peer.theirs = state;
        }
    }

    /// It stands in the peer's log and in the journal, and was receipted; but the node cannot hold it, and says so.
    fn not_filed(&mut self, name: &PartyId, what: &str, why: NotFiled, now: Now, out: &mut Vec<Output>) {
        self.cut = self.cut.saturating_add(1);
        let text = format!("a {what} of {name} is not shown: of one party {why}");
        if let Some(peer) = self.peers.get_mut(name) {
            peer.unheld = Some((text.clone(), now.mono));
        }
        out.push(Output::Log(text));
    }

    /// Ends what is held under the subject: the record that is withdrawn; else what is older, because the newest had no room here.
    fn withdrawn(&mut self, key: &(PartyId, record::SubjectId), revision: u32, of: record::Hash32, now: Now) {
        let held = [
            (ShownKind::Plan, self.plans.get(key).map(|filed| (filed.revision, filed.record))),
            (ShownKind::Site, self.sites.get(key).map(|filed| (filed.revision, filed.record))),
            (ShownKind::Avoid, self.avoids.get(key).map(|filed| (filed.revision, filed.record))),
        ];
        let held = held.into_iter().filter_map(|(kind, filed)| Some((kind, filed?)));
        let exact = held.clone().find(|(_, (_, record))| *record == Some(of));
        let Some((kind, _)) = exact.or_else(|| held.clone().find(|(_, (older, _))| *older < revision)) else { return };
        match kind {
            ShownKind::Plan => drop(self.plans.remove(key)),
            ShownKind::Site => drop(self.sites.remove(key)),
            ShownKind::Avoid => drop(self.avoids.remove(key)),
        }
        self.volume_removed(kind, key, now);
    }

    /// Once a second, with or without anything to say.
    pub(crate) fn flush_releases(&mut self, now: Now, out: &mut Vec<Output>) {
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        for name in names {
            let Some(envelope) = self.envelope(&name) else { continue };
            let flushed = match self.peers.get_mut(&name) {
                // What the peer has not asked for yet must not grow by what will be old when it does: the newest report
                // of each aircraft waits in the releaser.
                Some(peer) if crate::flow::is_behind(&peer.link.view(now)) => continue,
                Some(peer) => {
                    let rules = peer.rules(&self.policy);
                    peer.releaser.flush(&rules, &envelope, now)
                }
                None => continue,
            };
            match flushed {
                // The alert says that nothing goes there; a line of the log each second would say no more.
                Ok(_) if self.is_frozen(&name, now) => {}
                Ok(records) => {
                    for released in records {
                        self.say(&name, released, now, out);
                    }
                }
                Err(error) => out.push(Output::Log(format!("release to {name}: {error}"))),
            }
        }
    }

    /// Decides for each peer whether all is carried; tells for whom that changed.
    pub(crate) fn channels_changed(&mut self, now: Now) -> BTreeSet<PartyId> {
        self.everybody().into_iter().filter(|name| self.channel_changed(name, now)).collect()
    }

    /// The same for one peer.
    ///
    /// Outside the pact's validity (clause 3.1), and while either side states that the channel is not in force, only the
    /// safety floor is carried: what people address to each other, and protected sites. Nothing else may be said under an
    /// agreement that does not hold, and a warning must not be lost for a date. It ends at once, traffic services' plans in
    /// their turn, and begins again after a pause, so that a peer that states one and the other in turn cannot have everything
    /// told to it anew each second.
    pub(crate) fn channel_changed(&mut self, name: &PartyId, now: Now) -> bool {
        let Some(peer) = self.peers.get_mut(name) else { return false };
        let valid = self.pacts.with(name).is_some_and(|p| p.pact().valid_at(now.utc));
        let in_force = valid && in_force(peer.ours) && in_force(peer.theirs);
        let paused = peer.held_back.is_some_and(|at| now.mono.since_ms(at) < REOPEN_AFTER_MS);
        let carries_all = in_force && (peer.carries_all || !paused);
        if peer.carries_all && !carries_all {
            peer.held_back = Some(now.mono);
        }
        core::mem::replace(&mut peer.carries_all, carries_all) != carries_all
    }

    fn is_frozen(&self, name: &PartyId, now: Now) -> bool {
        self.peers.get(name).is_some_and(|p| matches!(p.link.view(now).state, LinkState::Frozen(_)))
    }

    /// Holds the alerts about peers.
    pub(crate) fn check_peers(&mut self, present: &mut Present, now: Now) {
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        for name in names {
            let mut troubles = self.troubles(&name, now);
            troubles.extend(self.witness_troubles(&name, now));
            for (trouble, level, text) in troubles {
                let situation = Situation::Peer(name.clone(), trouble);
                self.hold(situation.clone(), level, sentence(text), now);
                present.insert(situation);
            }
        }
    }

    fn troubles(&self, name: &PartyId, now: Now) -> Vec<(PeerTrouble, AlertLevel, String)> {
        let mut troubles = Vec::new();
        let Some(peer) = self.peers.get(name) else { return troubles };
        let view = peer.link.view(now);
        troubles.extend(self.fork_trouble(name));
        troubles.extend(crate::flow::contradictions(name, &view));
        if let LinkState::Frozen(reason) = view.state {
            let text = format!("The link to {name} is frozen: {reason}. {}", reason.advice());
            troubles.push((PeerTrouble::Frozen, AlertLevel::Alarm, text));
            return troubles;
        }
        if let Some(differs) = peer.differs.as_ref().filter(|_| view.state != LinkState::Up) {
            let text = format!("{name} holds another pact: {differs}");
            troubles.push((PeerTrouble::Pact, AlertLevel::Warning, text));
        }
        let another = troubles.iter().any(|(trouble, ..)| *trouble == PeerTrouble::Pact);
        let pact = self.pacts.with(name).map(SignedPact::pact).filter(|_| !another);
        if let Some((level, text)) = pact.and_then(|pact| validity(pact, now.utc)) {
            troubles.push((PeerTrouble::Validity, level, format!("The pact with {name} {text}")));
        }
        if let Some((level, text)) = self.key_news(name, now) {
            troubles.push((PeerTrouble::Keys, level, text));
        }
        troubles.extend(crate::flow::troubles(name, &view));
        let known_for = now.mono.since_ms(peer.since);
        if view.age_ms.map_or(known_for, |age| age.min(known_for)) > LOST_AFTER_MS {
            let since = view.age_ms.map_or_else(|| "none ever".to_string(), |ms| format!("{} s old", ms / 1000));
            let text = format!("No information from {name}: the newest is {since}. Use the voice line.");
            troubles.push((PeerTrouble::Lost, AlertLevel::Warning, text));
        }
        let (warn_ms, refuse_ms) =
            self.pacts.with(name).map_or((1000, 5000), |p| (p.pact().clock_warn_ms, p.pact().clock_refuse_ms));
        if let Some(offset) = view.clock_offset_ms.filter(|o| o.unsigned_abs() > u64::from(warn_ms)) {
            let refused = offset.unsigned_abs() > u64::from(refuse_ms);
            let certified = if refused { "; times are not certified" } else { "" };
            let text = format!("The clock of {name} differs by {offset} ms{certified}");
            // Beyond what clause 13.2 tolerates no time of the peer's can be relied on.
            let level = if refused { AlertLevel::Warning } else { AlertLevel::Caution };
            troubles.push((PeerTrouble::Clock, level, text));
        }
        troubles.extend(peer.untold.trouble(name, now));
        if let Some((what, _)) = peer.unheld.as_ref().filter(|(_, at)| now.mono.since_ms(*at) < UNHELD_MS) {
            let text = format!("Not all that {name} files has room here: {what}. Ask it to end some");
            troubles.push((PeerTrouble::Unheld, AlertLevel::Caution, text));
        }
        troubles.extend(peer.desk.as_ref().and_then(|desk| crate::staffing::trouble(name, desk)));
        let (ours, theirs) = (peer.ours, peer.theirs);
        if !(in_force(ours) && in_force(theirs)) {
            let differ = if same_state(ours, theirs) { "" } else { "States differ: " };
            let ended = [ours, theirs].contains(&ChannelState::Terminated);
            let ended = if ended { " What is terminated begins again with a new pact alone." } else { "" };
            let (ours, theirs) = (ours.name(), theirs.name());
            let text = format!("{differ}channel with {name} is {ours} by us, {theirs} by them. {HELD_BACK}{ended}");
            troubles.push((PeerTrouble::Channel, AlertLevel::Caution, text));
        }
        troubles
    }
}

/// What is said of a pact whose validity (clause 3.1) ends soon, has ended, or has not begun.
fn validity(pact: &Pact, now: Utc) -> Option<(AlertLevel, String)> {
    let (from, until) = (|| pact::time_text(pact.valid_from), || pact::time_text(pact.valid_until));
    let left_ms = pact.valid_until.since_ms(now);
    if now < pact.valid_from {
        return Some((AlertLevel::Caution, format!("holds only from {} (clause 3.1). {HELD_BACK}", from())));
    }
    if left_ms < 0 {
        return Some((AlertLevel::Warning, format!("ended at {} (clause 3.1): agree a new one. {HELD_BACK}", until())));
    }
    (left_ms < PACT_ENDS_SOON_MS).then(|| {
        (AlertLevel::Caution, format!("ends at {} (clause 3.1); then tracks and plans are held back", until()))
    })
}

/// One line for all entries that one frame refuses: a peer chooses how many those are.
fn refused_line(name: &PartyId, refused: &[(u64, link::Refusal)]) -> String {
    let [(first, reason), rest @ ..] = refused else { return format!("{name} refused nothing") };
    let Some((last, _)) = rest.last() else { return format!("{name} refused entry {first}: {reason}") };
    let mut reasons: Vec<&str> = refused.iter().map(|(_, reason)| reason.name()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    format!("{name} refused {} entries from {first} to {last}: {}", refused.len(), reasons.join(", "))
}

fn difference(d: &pact::Difference) -> String {
    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "(absent)".to_string());
    format!("clause {} ({}): ours {:?}, theirs {:?}", d.clause, d.about, side(&d.ours), side(&d.theirs))
}

fn in_force(state: ChannelState) -> bool {
    matches!(state, ChannelState::InForce | ChannelState::Resumed)
}

fn same_state(a: ChannelState, b: ChannelState) -> bool {
    a == b || in_force(a) && in_force(b)
}

/// Files what a peer sent. An older or equal revision changes nothing; what is beyond a bound is refused.
fn file<T: Corners>(
    files: &mut Files<T>,
    key: &(PartyId, record::SubjectId),
    revision: u32,
    value: T,
    id: record::Hash32,
) -> Result<bool, NotFiled> {
    if files.get(key).is_some_and(|f| f.revision >= revision) {
        return Ok(false);
    }
    room(files, key, &value)?;
    files.insert(key.clone(), Filed { revision, value, record: Some(id), conflicts: Vec::new() });
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use airspace::{Plan, PlanState};
    use record::{Hash32, SubjectId};

    #[test]
    fn a_withdrawal_ends_what_it_names_and_what_is_older_than_it_and_nothing_else() {
        let name = PartyId::parse("south").expect("a party");
        let key = |n: u8| (name.clone(), SubjectId([n; 16]));
        let plan = Plan {
            callsign: None,
            class: units::AircraftClass::Uas,
            state: PlanState::Accepted,
            priority: 0,
            special: None,
            volumes: alloc::vec![],
            address: None,
        };
        let now = Now { mono: units::Mono(0), utc: Utc(0), utc_error_ms: 0 };
        let hash = |n: u8| Hash32([n; 32]);
        let mut state = State::default();
        let mut held = |of: u8, subject: u8, revision: u32| {
            let filed = Filed { revision: 3, value: plan.clone(), record: Some(hash(3)), conflicts: Vec::new() };
            state.plans.insert(key(1), filed);
            let area = Filed { revision: 3, value: alloc::vec![], record: Some(hash(7)), conflicts: Vec::new() };
            state.avoids.insert(key(1), area);
            state.withdrawn(&key(subject), revision, hash(of), now);
            (state.plans.len(), state.avoids.len())
        };
        assert_eq!(held(3, 1, 4), (0, 1));
        assert_eq!(held(7, 1, 4), (1, 0), "what is named, though another is older too");
        assert_eq!(held(4, 1, 5), (0, 1), "its fourth had no room");
        assert_eq!(held(2, 1, 3), (1, 1), "of an older one");
        assert_eq!(held(3, 2, 4), (1, 1), "of another subject");
    }
}
