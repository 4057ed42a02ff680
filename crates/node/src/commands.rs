//! Commands, decided in the fold.
use crate::command::{Account, Actor, Answer, Command, Done, Refused, SendNotice, SentTo};
use crate::discovering::ShownKind;
use crate::filed::{Filed, NotFiled, room};
use crate::input::{Output, PaintedAlert};
use crate::keys::Taken;
use crate::state::State;
use airspace::{Plan, PlanState, Site, Volume4d};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertChange, DeskError, Direction, NoticeEvent, Outgoing};
use record::{
    Avoid, ChannelState, ChannelStatement, Hash32, PartyId, Precedence, ReadBack, Receipt, ReceiptWanted, Role,
    SubjectId,
};
use release::{Filer, Heading, release_avoid, release_channel, release_notice, release_receipt};
use units::Now;

/// Accounts of one node: a desk's watches and some programs.
const ACCOUNTS_MAX: usize = 200;

impl State {
    pub(crate) fn command(
        &mut self,
        actor: &Actor,
        key: Option<&str>,
        command: &Command,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Answer {
        if let Some(key) = key
            && let Some(answer) = self.answered(&actor.name, key)
        {
            return answer.clone();
        }
        let answer = if command.allowed(actor.role) {
            self.decide(actor, command, now, out)
        } else {
            Err(Refused::Role { role: actor.role })
        };
        self.remark(now);
        self.follow_rules(now);
        match &answer {
            Ok(_) => self.done(actor, &command.audited(), now),
            Err(refused) => self.attempted(actor, &command.audited(), &refused.to_string(), 1, now),
        }
        if let Some(key) = key {
            self.account_answer(&actor.name, key, &answer);
        }
        answer
    }

    fn decide(&mut self, actor: &Actor, command: &Command, now: Now, out: &mut Vec<Output>) -> Answer {
        self.may_change_plan(command)?;
        match command {
            Command::AcknowledgeAlert(id, raising) => {
                let is = self.desk.alerts.live().find(|alert| alert.id == *id).map(|alert| alert.raising);
                if raising.is_some() && is.is_some() && is != *raising {
                    return Err(Refused::Already { what: "raised again: look at it as it is now".into() });
                }
                let done = self.desk.alerts.handle_acknowledge(*id, &actor.name, actor.role, now);
                done.map(|()| Done::Ok).map_err(|error| refused(error, actor.role))
            }
            Command::SendNotice(notice) => self.send_notice(actor, notice, now, out),
            Command::AcknowledgeNotice { id, read_back } => self.acknowledge_notice(actor, *id, read_back, now),
            Command::ReplyNotice { id, reply } => self.reply_notice(actor, *id, reply, now),
            Command::StateDesk(status) => self.state_desk(actor, status, now, out),
            Command::FilePlan { subject, plan } => self.file_plan(*subject, plan, now, out),
            Command::DeclarePlan { subject, state } => self.declare_plan(*subject, *state, now, out),
            Command::CancelPlan(subject) => self.cancel_plan(*subject, now, out),
            Command::FileSite { subject, site } => self.file_site(*subject, site, now, out),
            Command::RemoveSite(subject) => self.remove_site(*subject, now, out),
            Command::SendAvoid { subject, to, volumes } => self.send_avoid(actor, *subject, to, volumes, now, out),
            Command::SetPolicy { policy, replaces } => self.set_policy(actor, policy, *replaces, now, out),
            Command::ConfirmPolicy(id) => self.confirm_policy(actor, *id, now, out),
            Command::RejectPolicy(id) => self.reject_policy(actor, *id, now, out),
            Command::MarkPlan { subject, marking } => self.mark_plan(actor, *subject, *marking, now, out),
            Command::MarkAircraft { address, marking } => self.mark_aircraft(actor, *address, *marking, now),
            Command::FileMarkedPlan { subject, plan, marking } => {
                self.file_marked(*subject, (plan, *marking), now, out)
            }
            Command::StateChannel { peer, state, reason } => self.state_channel(actor, peer, *state, reason, now, out),
            Command::SetAccount { name, account } => self.set_account(name, account),
            Command::SetPassword(password) => match self.accounts.get_mut(&actor.name) {
                Some(account) => {
                    (account.password, account.must_set_password) = (Some(password.clone()), false);
                    Ok(Done::Ok)
                }
                None => Err(no_such("account", &actor.name)),
            },
            Command::RemoveAccount(name) => self.remove_account(name),
            Command::TakeKeys(statement) => match self.take_keys(statement, false, now, out)? {
                Taken::InForce => Ok(Done::Ok),
                Taken::Known => Err(Refused::Already { what: "known: a statement as new or newer is held".into() }),
            },
            Command::Inhibit { of, reason, until } => self.inhibit(actor, of, reason, *until, now),
            Command::Lift(id) => self.lift(*id),
            Command::SetCleared { flight, level, until } => self.set_cleared(&actor.name, flight, *level, *until, now),
            Command::GiveReason { alert, reason } => self.give_reason(actor, *alert, reason, now),
            Command::Separate(id) => self.separate(*id),
            Command::SignedIn { .. } | Command::SignedOut => Ok(Done::Ok),
        }
    }

    fn send_notice(&mut self, actor: &Actor, send: &SendNotice, now: Now, out: &mut Vec<Output>) -> Answer {
        self.addressees(&send.to)?;
        for to in &send.to {
            let room = self.desk.notices.has_room(Direction::Out, to, send.precedence);
            room.map_err(|error| refused(error, actor.role))?;
        }
        let mut sent = Vec::new();
        for to in &send.to {
            let Some((envelope, pact)) = self.envelope(to).zip(self.pacts.with(to)) else { continue };
            let due_s = pact.pact().deadline_s(send.precedence);
            let receipt = send.receipt.map(|level| ReceiptWanted { level, due_s });
            let heading = Heading {
                precedence: send.precedence,
                receipt,
                role: Some(actor.role),
                valid_from: send.notice.start,
                valid_until: send.notice.end,
                ..Heading::new(send.subject)
            };
            let released =
                release_notice(&envelope, &heading, send.notice.clone(), now).map_err(|e| invalid("notice", &e))?;
            let Some(appended) = self.say(to, released, now, out) else { continue };
            let outgoing = Outgoing {
                peer: to.clone(),
                record: appended.id,
                subject: send.subject,
                notice: send.notice.clone(),
                precedence: send.precedence,
                wanted: send.receipt,
                due_s,
            };
            if let Err(error) = self.desk.notices.handle_sent(outgoing, now) {
                out.push(Output::Log(format!("notice {} to {to}: {error}", appended.id)));
            }
            self.desk.notices.handle_logged(to, &appended.id, appended.index);
            sent.push(SentTo { party: to.clone(), index: appended.index, id: appended.id });
        }
        if let Some(me) = self.party().cloned() {
            self.notice_arrived(&me, send.subject, now);
        }
        Ok(Done::Sent(sent))
    }

    /// Every addressee is a peer whose link can take a record; otherwise nothing is sent to any.
    fn addressees(&self, to: &[PartyId]) -> Result<(), Refused> {
        if to.is_empty() {
            return Err(Refused::Invalid { field: "to".into(), reason: "at least one party".into() });
        }
        for (n, party) in to.iter().enumerate() {
            let peer = self.peers.get(party).ok_or_else(|| no_such("party", party))?;
            if to[..n].contains(party) {
                return Err(Refused::Invalid { field: "to".into(), reason: format!("{party} stands twice") });
            }
            if let link::LinkState::Frozen(reason) = peer.link.view(self.now).state {
                return Err(Refused::Frozen { party: party.clone(), reason: reason.to_string() });
            }
        }
        Ok(())
    }

    fn acknowledge_notice(&mut self, actor: &Actor, id: Hash32, read_back: &ReadBack, now: Now) -> Answer {
        let number = self.incoming(&id).ok_or_else(|| no_such("notice", id))?;
        let done = self.desk.notices.handle_acknowledge(number, &actor.name, actor.role, *read_back, now);
        done.map(|()| Done::Ok).map_err(|error| refused(error, actor.role))
    }

    fn reply_notice(&mut self, actor: &Actor, id: Hash32, reply: &desk::Reply, now: Now) -> Answer {
        let number = self.incoming(&id).ok_or_else(|| no_such("notice", id))?;
        let done = self.desk.notices.handle_reply(number, &actor.name, actor.role, reply, now);
        done.map(|()| Done::Ok).map_err(|error| refused(error, actor.role))
    }

    fn send_receipt(&mut self, peer: &PartyId, receipt: Receipt, now: Now, out: &mut Vec<Output>) {
        let Some(envelope) = self.envelope(peer) else { return };
        match release_receipt(&envelope, receipt, now) {
            Ok(released) => {
                self.say(peer, released, now, out);
            }
            Err(error) => out.push(Output::Log(format!("receipt to {peer}: {error}"))),
        }
    }

    /// A console painted these: the officer has seen them, and the sender of a notice is told so. A wall screen or a
    /// program that only looks is no watch: what it painted stands in the journal and shows nothing to anybody.
    pub(crate) fn displayed(&mut self, actor: &Actor, alerts: &[PaintedAlert], notices: &[Hash32], now: Now) {
        if !matches!(actor.role, Role::Officer | Role::Planner) {
            return;
        }
        // What has gone since it was painted needs nothing more.
        for painted in alerts {
            self.desk.alerts.handle_shown(painted.id, painted.raising, &actor.name, now).ok();
        }
        for id in notices.iter().filter_map(|record| self.incoming(record)).collect::<Vec<_>>() {
            self.desk.notices.handle_shown(id, &actor.name, actor.role, now).ok();
        }
    }

    /// Number at the desk of a peer's notice.
    fn incoming(&self, record: &Hash32) -> Option<u64> {
        self.parties.iter().find_map(|peer| self.desk.notices.of(Direction::In, peer, record)).map(|n| n.id)
    }

    /// Does what the desk asks: receipts go out. What changed of notices changes alerts at once.
    pub(crate) fn drain_desk(&mut self, now: Now, out: &mut Vec<Output>) {
        let mut changed = false;
        loop {
            match self.desk.poll_output() {
                Some(desk::Output::Alert(event)) => {
                    let sounds =
                        matches!(event.change, AlertChange::Raised | AlertChange::Worsened | AlertChange::Escalated);
                    self.alerting.sounded += u64::from(sounds);
                }
                Some(desk::Output::Notice(event)) => {
                    changed = true;
                    if let NoticeEvent::Send { peer, receipt } = event {
                        self.send_receipt(&peer, receipt, now, out);
                    }
                }
                None if changed => {
                    changed = false;
                    self.desk.handle_time(now);
                }
                None => return,
            }
        }
    }

    pub(crate) fn file_plan(&mut self, subject: SubjectId, plan: &Plan, now: Now, out: &mut Vec<Output>) -> Answer {
        plan.check().map_err(|e| invalid("plan", &e))?;
        crate::volumes::check(&plan.volumes).map_err(|e| invalid("plan.volumes", &e))?;
        let Some(party) = self.party().cloned() else { return Err(no_such("party", "own")) };
        let key = (party, subject);
        let revision = self.plans.get(&key).map_or(0, |f| f.revision) + 1;
        room(&self.plans, &key, plan).map_err(|e| full(e, "plans"))?;
        self.may_cover(subject, plan)?;
        let filed = Filed { revision, value: plan.clone(), record: None, conflicts: Vec::new() };
        self.plans.insert(key.clone(), filed);
        let conflicts = self.plan_arrived(&key, now);
        self.tell_plan(subject, plan, now, out);
        Ok(Done::Filed { subject, revision, conflicts })
    }

    /// The states of F3548-21 that only who watches the flight can know. A contingent plan stays so until it is ended; what was
    /// declared in error is put right by its planner, who files it anew.
    fn declare_plan(&mut self, subject: SubjectId, state: PlanState, now: Now, out: &mut Vec<Output>) -> Answer {
        use PlanState::{Activated, Contingent, Nonconforming};
        let invalid = |reason: String| Err(Refused::Invalid { field: "state".into(), reason });
        let filed = self.party().and_then(|party| self.plans.get(&(party.clone(), subject)));
        let Some(plan) = filed.map(|filed| filed.value.clone()) else { return Err(no_such("plan", subject)) };
        if !matches!(state, Activated | Nonconforming | Contingent) {
            return invalid("must be activated, nonconforming or contingent".into());
        }
        if plan.state == state {
            return Err(Refused::Already { what: state.name().into() });
        }
        if !plan.state.is_live() || plan.state == Contingent {
            return invalid(format!("cannot follow {}", plan.state.name()));
        }
        self.file_plan(subject, &Plan { state, ..plan }, now, out)
    }

    fn cancel_plan(&mut self, subject: SubjectId, now: Now, out: &mut Vec<Output>) -> Answer {
        let Some(party) = self.party().cloned() else { return Err(no_such("party", "own")) };
        let key = (party, subject);
        let Some(filed) = self.plans.get_mut(&key) else { return Err(no_such("plan", subject)) };
        if !filed.value.state.is_live() && filed.value.state != PlanState::Draft {
            return Err(Refused::Already { what: "ended or cancelled".into() });
        }
        filed.revision += 1;
        filed.value.state = PlanState::Cancelled;
        let (plan, revision) = (filed.value.clone(), filed.revision);
        self.plan_arrived(&key, now);
        self.tell_plan(subject, &plan, now, out);
        Ok(Done::Filed { subject, revision, conflicts: Vec::new() })
    }

    pub(crate) fn tell_plan(&mut self, subject: SubjectId, plan: &Plan, now: Now, out: &mut Vec<Output>) {
        self.tell_plan_to(&self.everybody(), subject, plan, now, out);
    }

    pub(crate) fn tell_plan_to(
        &mut self,
        whom: &BTreeSet<PartyId>,
        subject: SubjectId,
        plan: &Plan,
        now: Now,
        out: &mut Vec<Output>,
    ) {
        let marking = self.plan_marking(subject);
        let uss = self.filing.uss_of(subject).map(String::from);
        let filer = uss.as_deref().map_or(Filer::Planner, Filer::Service);
        self.tell(whom, subject, now, out, |state, name, envelope| match state.peers.get_mut(name) {
            Some(peer) => {
                let rules = peer.rules(&state.policy);
                peer.releaser.release_plan(&rules, envelope, subject, (plan, marking), filer, now)
            }
            None => Ok(Vec::new()),
        });
    }

    pub(crate) fn tell_site_to(
        &mut self,
        whom: &BTreeSet<PartyId>,
        subject: SubjectId,
        site: &Site,
        now: Now,
        out: &mut Vec<Output>,
    ) {
        self.tell(whom, subject, now, out, |state, name, envelope| match state.peers.get_mut(name) {
            Some(peer) => {
                let rules = peer.rules(&state.policy);
                peer.releaser.release_site(&rules, envelope, subject, site, now)
            }
            None => Ok(Vec::new()),
        });
    }

    pub(crate) fn everybody(&self) -> BTreeSet<PartyId> {
        self.peers.keys().cloned().collect()
    }

    /// Asks these peers' releasers what may be said of a subject, and says it.
    fn tell(
        &mut self,
        whom: &BTreeSet<PartyId>,
        subject: SubjectId,
        now: Now,
        out: &mut Vec<Output>,
        mut release: impl FnMut(
            &mut Self,
            &PartyId,
            &release::Envelope,
        ) -> Result<Vec<release::Released<record::Record>>, release::ReleaseError>,
    ) {
        for name in whom {
            let Some(envelope) = self.envelope(name) else { continue };
            let said = match release(self, name, &envelope) {
                Ok(records) => {
                    self.is_told(name, subject);
                    records
                }
                Err(error) => {
                    self.is_not_released(name, subject, &error, out);
                    // What was told before is not what is filed now.
                    let peer = self.peers.get_mut(name);
                    let end = peer.map(|peer| peer.releaser.release_end(&envelope, subject, now));
                    end.and_then(Result::ok).unwrap_or_default()
                }
            };
            for released in said {
                self.say(name, released, now, out);
            }
        }
    }

    /// A peer is told no longer of what it was told, until it is told anew.
    pub(crate) fn end_at(&mut self, name: &PartyId, subject: SubjectId, now: Now, out: &mut Vec<Output>) {
        self.tell(&BTreeSet::from([name.clone()]), subject, now, out, |state, name, envelope| {
            let end = |peer: &mut crate::state::Peer| peer.releaser.release_end(envelope, subject, now);
            state.peers.get_mut(name).map_or(Ok(Vec::new()), end)
        });
    }

    /// An own plan is gone, and its subject is never used again.
    pub(crate) fn end_plan(&mut self, subject: SubjectId, now: Now, out: &mut Vec<Output>) {
        let Some(party) = self.party().cloned() else { return };
        let key = (party, subject);
        if self.plans.remove(&key).is_some() {
            self.volume_removed(ShownKind::Plan, &key, now);
        }
        self.plan_marks.remove(&subject);
        self.tell(&self.everybody(), subject, now, out, |state, name, envelope| match state.peers.get_mut(name) {
            Some(peer) => peer.releaser.release_last(envelope, subject, now),
            None => Ok(Vec::new()),
        });
    }

    fn file_site(&mut self, subject: SubjectId, site: &Site, now: Now, out: &mut Vec<Output>) -> Answer {
        crate::volumes::check_site(site).map_err(|e| invalid("site", &e))?;
        let Some(party) = self.party().cloned() else { return Err(no_such("party", "own")) };
        let key = (party, subject);
        let revision = self.sites.get(&key).map_or(0, |f| f.revision) + 1;
        room(&self.sites, &key, site).map_err(|e| full(e, "sites"))?;
        let filed = Filed { revision, value: site.clone(), record: None, conflicts: Vec::new() };
        self.sites.insert(key.clone(), filed);
        self.site_arrived(&key, now);
        self.tell_site_to(&self.everybody(), subject, site, now, out);
        Ok(Done::Filed { subject, revision, conflicts: Vec::new() })
    }

    fn remove_site(&mut self, subject: SubjectId, now: Now, out: &mut Vec<Output>) -> Answer {
        let Some(party) = self.party().cloned() else { return Err(no_such("party", "own")) };
        let key = (party, subject);
        if self.sites.remove(&key).is_none() {
            return Err(no_such("site", subject));
        }
        self.volume_removed(ShownKind::Site, &key, now);
        self.tell(&self.everybody(), subject, now, out, |state, name, envelope| match state.peers.get_mut(name) {
            Some(peer) => peer.releaser.release_end(envelope, subject, now),
            None => Ok(Vec::new()),
        });
        Ok(Done::Ok)
    }

    fn send_avoid(
        &mut self,
        actor: &Actor,
        subject: SubjectId,
        to: &[PartyId],
        volumes: &[Volume4d],
        now: Now,
        out: &mut Vec<Output>,
    ) -> Answer {
        self.addressees(to)?;
        if volumes.is_empty() {
            return Err(Refused::Invalid { field: "volumes".into(), reason: "at least one".into() });
        }
        volumes.iter().try_for_each(Volume4d::check).map_err(|e| invalid("volumes", &e))?;
        crate::volumes::check(volumes).map_err(|e| invalid("volumes", &e))?;
        let Some(party) = self.party().cloned() else { return Err(no_such("party", "own")) };
        let key = (party, subject);
        room(&self.avoids, &key, &volumes.to_vec()).map_err(|e| full(e, "avoid areas"))?;
        let until = volumes.iter().map(|v| v.end).max();
        let mut sent = Vec::new();
        for name in to {
            let Some(envelope) = self.envelope(name) else { continue };
            let heading = Heading {
                precedence: Precedence::Immediate,
                role: Some(actor.role),
                valid_until: until,
                ..Heading::new(subject)
            };
            let body = Avoid { volumes: volumes.to_vec() };
            let released = release_avoid(&envelope, &heading, body, now).map_err(|e| invalid("volumes", &e))?;
            let Some(appended) = self.say(name, released, now, out) else { continue };
            sent.push(SentTo { party: name.clone(), index: appended.index, id: appended.id });
        }
        let filed = Filed { revision: 1, value: volumes.to_vec(), record: None, conflicts: Vec::new() };
        self.avoids.insert(key.clone(), filed);
        self.avoid_arrived(&key, now);
        Ok(Done::Sent(sent))
    }

    /// What was told and is no longer allowed is withdrawn; what is newly allowed is said. Of traffic services' plans in their turn.
    ///
    /// Those alone for whom something changed: what one party is told, and when, rests on nothing that passes with another.
    pub(crate) fn tell_again(&mut self, whom: &BTreeSet<PartyId>, now: Now, out: &mut Vec<Output>) {
        // Asked each second, and mostly of nobody: the plans are not to be gone through for that.
        let Some(party) = self.party().filter(|_| !whom.is_empty()).cloned() else { return };
        let own = |owner: &PartyId| *owner == party;
        let plans: Vec<_> =
            self.plans.iter().filter(|((o, _), _)| own(o)).map(|((_, s), f)| (*s, f.value.clone())).collect();
        let sites: Vec<_> =
            self.sites.iter().filter(|((o, _), _)| own(o)).map(|((_, s), f)| (*s, f.value.clone())).collect();
        for (subject, plan) in plans {
            if self.filing.uss_of(subject).is_some() {
                self.wait_to_tell(whom, subject, now);
            } else {
                self.tell_plan_to(whom, subject, &plan, now, out);
            }
        }
        for (subject, site) in sites {
            self.tell_site_to(whom, subject, &site, now, out);
        }
    }

    fn state_channel(
        &mut self,
        actor: &Actor,
        name: &PartyId,
        state: ChannelState,
        reason: &str,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Answer {
        let Some(envelope) = self.envelope(name) else { return Err(no_such("party", name)) };
        let Some(peer) = self.peers.get(name) else { return Err(no_such("party", name)) };
        let (before, statements) = (peer.ours, peer.statements + 1);
        if before == ChannelState::Terminated {
            return Err(Refused::Already { what: "terminated; a new pact is needed".into() });
        }
        if before == state {
            return Err(Refused::Already { what: state.name().to_string() });
        }
        let body = ChannelStatement { state, effective: now.utc, reason: reason.to_string() };
        let released =
            release_channel(&envelope, statements, Some(actor.role), body, now).map_err(|e| invalid("reason", &e))?;
        let Some(appended) = self.say(name, released, now, out) else {
            return Err(Refused::Frozen { party: name.clone(), reason: "the link takes no records".into() });
        };
        if let Some(peer) = self.peers.get_mut(name) {
            (peer.ours, peer.statements) = (state, statements);
        }
        if self.channel_changed(name, now) {
            self.tell_again(&[name.clone()].into(), now, out);
        }
        Ok(Done::Sent(alloc::vec![SentTo { party: name.clone(), index: appended.index, id: appended.id }]))
    }

    fn set_account(&mut self, name: &str, account: &Account) -> Answer {
        let fits = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        if !fits {
            let reason = "1 to 32 of a-z, 0-9, - and .".to_string();
            return Err(Refused::Invalid { field: "name".into(), reason });
        }
        if !self.accounts.contains_key(name) && self.accounts.len() >= ACCOUNTS_MAX {
            return Err(Refused::Full { what: "accounts".into(), max: ACCOUNTS_MAX as u64 });
        }
        if account.role != Role::Administrator && self.is_last_administrator(name) {
            let reason = "the last administrator cannot be given another role".to_string();
            return Err(Refused::Invalid { field: "role".into(), reason });
        }
        self.accounts.insert(name.to_string(), account.clone());
        Ok(Done::Ok)
    }

    fn remove_account(&mut self, name: &str) -> Answer {
        if self.is_last_administrator(name) {
            let reason = "the last administrator cannot be removed".to_string();
            return Err(Refused::Invalid { field: "name".into(), reason });
        }
        match self.accounts.remove(name) {
            Some(_) => Ok(Done::Ok),
            None => Err(no_such("account", name)),
        }
    }

    fn is_last_administrator(&self, name: &str) -> bool {
        let administrators = || self.accounts.iter().filter(|(_, a)| a.role == Role::Administrator);
        administrators().count() == 1 && administrators().any(|(n, _)| n == name)
    }
}

fn no_such(what: &str, given: impl ToString) -> Refused {
    Refused::NoSuch { what: what.to_string(), given: given.to_string().chars().take(80).collect::<String>() }
}

fn full(error: NotFiled, kind: &str) -> Refused {
    Refused::Full { what: error.what(kind), max: error.max() }
}

fn invalid(field: &str, error: &dyn core::fmt::Display) -> Refused {
    Refused::Invalid { field: field.to_string(), reason: error.to_string() }
}

/// The desk's refusal as a command's.
fn refused(error: DeskError, role: Role) -> Refused {
    match error {
        DeskError::Unknown { what, id } => no_such(what, id),
        DeskError::Cleared { .. } => Refused::Already { what: "cleared".into() },
        DeskError::AlreadyAcknowledged { .. } => Refused::Already { what: "acknowledged".into() },
        DeskError::AlreadyAnswered { level, .. } => Refused::Already { what: level.name().to_lowercase() },
        DeskError::Observer => Refused::Role { role },
        DeskError::ReadBackDiffers { fields } => {
            Refused::ReadBackDiffers { fields: fields.iter().map(|f| f.name().to_string()).collect() }
        }
        DeskError::Full { max } => Refused::Full { what: "notices".into(), max: max as u64 },
        other => invalid("notice", &other),
    }
}
