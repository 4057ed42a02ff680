//! Views: what readers see, made from the state.
use crate::picture::{STALE_MS, Source, SystemTrack, is_ahead};
use crate::state::State;
use crate::view::{
    AlertKind, AlertTrack, AlertView, AvoidView, FeedView, JoinedView, LinkStatus, NoticeView, Owner, PactView,
    PeerView, PlanView, SiteView, TrackView, View,
};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{Alert, Basis, Direction, NoticeItem, Situation};
use link::LinkState;
use record::{PartyId, ReleaseForm};
use units::Now;

/// Ended alerts stay in the view this long.
const CLEARED_SHOWN_MS: i64 = 300_000;

impl State {
    /// The view at `now`, which may be later than the last input.
    #[must_use]
    pub fn view(&self, now: Now) -> View {
        let alerts = self.alert_views(now);
        let levels = alert_levels(&alerts);
        View {
            utc: now.utc,
            seq: self.seq,
            party: self.party().cloned().unwrap_or_else(unnamed),
            parties: self.parties.clone(),
            mode: self.mode(),
            tracks: self.track_views(&levels, now),
            correlation: self.correlation.counts,
            peers: self.peers.keys().filter_map(|name| self.peer_view(name, now)).collect(),
            feeds: self.feeds.iter().map(|f| feed_view(f, now)).collect(),
            alerts,
            sounded: self.alerting.sounded,
            crosscheck: self.alerting.crosscheck,
            cleared: self.cleared().map(|(name, cleared)| (name.into(), cleared.clone())).collect(),
            inhibitions: self.alerting.inhibitions.list().to_vec(),
            notices: self.notice_views(now),
            plans: self.plan_views(),
            sites: self.site_views(),
            avoids: self.avoid_views(),
            checked: self.checked,
            cut: self.left_out(),
            references: self.dss().counts(),
            notified: self.notify_counts(),
            pacts: self.pact_views(),
            staffing: self.staffing.clone(),
            accounts: self.accounts.clone(),
            policy: self.policy.clone(),
            proposal: self.proposal.clone(),
            marks: self.mark_views(),
        }
    }

    /// What did not fit: alerts beyond a bound of the node or of the desk, and peers' notices.
    fn left_out(&self) -> u32 {
        let desk = self.desk.alerts.cut().saturating_add(self.desk.notices.refused());
        self.cut.saturating_add(u32::try_from(desk).unwrap_or(u32::MAX))
    }

    fn owner_of(&self, party: &PartyId) -> Owner {
        match self.parties.iter().position(|p| p == party) {
            Some(0) => Owner::Own,
            Some(n) => u8::try_from(n).map_or(Owner::Unclaimed, Owner::Peer),
            None => Owner::Unclaimed,
        }
    }

    /// Whose a track is.
    #[must_use]
    pub fn owner(&self, track: &SystemTrack) -> Owner {
        if track.is_own() {
            return Owner::Own;
        }
        // Of several peers the one that told of it first, as of the report in use: no other takes it over by telling more often.
        let peers = track.contributions.iter().filter_map(|c| match c.source {
            Source::Peer(n) => Some((c.since, n)),
            Source::Feed(_) => None,
        });
        match peers.min() {
            Some((_, n)) => u8::try_from(n).map_or(Owner::Unclaimed, Owner::Peer),
            None => Owner::Unclaimed,
        }
    }

    fn track_views(&self, levels: &BTreeMap<u32, u8>, now: Now) -> Vec<TrackView> {
        let whole = |track: &&SystemTrack| self.correlation.part_of(track.id).is_none();
        let mut views: Vec<TrackView> =
            self.picture.iter().filter(whole).map(|t| self.track_view(t, levels, now)).collect();
        for (part, of) in self.correlation.joined() {
            let Some(track) = self.picture.get(part) else { continue };
            if let Ok(at) = views.binary_search_by_key(&of, |view| view.id) {
                views[at].joined.push(JoinedView { id: part, owner: self.owner(track), report: track.last });
            }
        }
        views
    }

    fn track_view(&self, track: &SystemTrack, levels: &BTreeMap<u32, u8>, now: Now) -> TrackView {
        let chosen = track.chosen();
        let (form, precision_mm) =
            if track.is_own() { (ReleaseForm::Full, 0) } else { (chosen.form, chosen.precision_mm) };
        // Each attribute of the report in use; identity from whatever source has it.
        let mut report = track.last;
        report.address = report.address.or(track.address);
        report.callsign = track.callsign();
        TrackView {
            id: track.id,
            owner: self.owner(track),
            report,
            form,
            precision_mm,
            stale: now.utc.since_ms(track.last.at) > STALE_MS || is_ahead(track.last.at, now),
            alert: levels.get(&track.id).copied().unwrap_or(0),
            joined: Vec::new(),
        }
    }

    fn peer_view(&self, name: &PartyId, now: Now) -> Option<PeerView> {
        let peer = self.peers.get(name)?;
        let link = peer.link.view(now);
        let (status, reason) = match link.state {
            LinkState::Up => (LinkStatus::Up, None),
            LinkState::Frozen(reason) => (LinkStatus::Frozen, Some(format!("{reason}: {}", reason.advice()))),
            LinkState::Down | LinkState::Connecting => {
                let ended = link.last_end.map(|end| {
                    let who = if end.by_peer { "the peer ended it: " } else { "" };
                    format!("{who}{}: {}", end.code, end.code.advice())
                });
                let differs = peer.differs.as_ref().map(|d| format!("the pacts differ: {d}"));
                (LinkStatus::Down, differs.or(ended))
            }
        };
        Some(PeerView {
            party: name.clone(),
            desk: self.pacts.with(name).and_then(|p| p.pact().party(name)).map(|p| p.desk.clone()).unwrap_or_default(),
            link: status,
            reason,
            age_ms: link.age_ms,
            in_size: link.in_size,
            in_sealed: link.sealed,
            out_size: link.out_size,
            out_cosigned: link.cosigned,
            witnessed: self.witnessed(name, now),
            channel_ours: peer.ours,
            channel_theirs: peer.theirs,
            clock_offset_ms: link.clock_offset_ms,
            refused: link.refusals().into_iter().map(|(reason, n)| (reason.to_string(), n)).collect(),
            tls_spki_sha256: self.keys_of(name).map(|keys| keys.tls_spki_sha256).unwrap_or_default(),
            keys: (self.pacts.with(name))
                .and_then(|pact| self.key_statement(&pact.hash(), name))
                .map(|statement| (statement.serial, statement.reason.name(), statement.issued)),
            throttled: link.throttled.iter().map(|(lane, n)| (lane.name().to_string(), *n)).collect(),
            waiting: link.waiting,
            forks: self.forks_of(name),
            denied: link.denied,
            staffing: peer.desk.clone(),
        })
    }

    fn alert_views(&self, now: Now) -> Vec<AlertView> {
        let book = &self.desk.alerts;
        let recent = |a: &&Alert| a.cleared.is_none_or(|at| now.utc.since_ms(at) < CLEARED_SHOWN_MS);
        let ended = book.history().iter().filter(recent);
        let mut views: Vec<AlertView> = book.live().chain(ended).map(|a| self.alert_view(a, now)).collect();
        views.sort_by_key(|v| (v.state == "cleared", core::cmp::Reverse(v.level), v.tin, v.cpa, v.id));
        views
    }

    fn alert_view(&self, alert: &Alert, now: Now) -> AlertView {
        let facts = &alert.facts;
        let track = |id: Option<u64>, label: &str| {
            let id = u32::try_from(id?).ok()?;
            let owner = self.picture.get(id).map_or(Owner::Unclaimed, |t| self.owner(t));
            let label = if label.is_empty() { format!("#{id}") } else { String::from(label) };
            Some(AlertTrack { id, label, owner })
        };
        let (a, b) = (track(facts.a, &facts.a_label), track(facts.b, &facts.b_label));
        let found = || {
            let said = sentence(a.as_ref(), b.as_ref(), facts.violation);
            match facts.intent.as_deref() {
                Some(intent) if intent.starts_with("not if") => format!("{said}, {intent}"),
                Some(intent) => format!("{said} if {intent}"),
                None => said,
            }
        };
        let (reason, reasoned, asks_reason) = self.reason_shown(alert);
        AlertView {
            id: alert.id,
            kind: kind_of(&alert.situation),
            level: alert.level as u8 + 1,
            state: alert.state.name(),
            raised: alert.raised,
            since: now.utc.plus_ms(-i64::try_from(now.mono.since_ms(alert.since())).unwrap_or(0)),
            escalated: alert.is_escalated(),
            raising: alert.raising,
            text: if facts.text.is_empty() { found() } else { facts.text.clone() },
            about: self.about(&alert.situation),
            a,
            b,
            cpa: facts.cpa,
            tin: facts.loss,
            dcpa_mm: facts.cpa_mm,
            distance_mm: facts.distance_mm,
            vertical: facts.vertical.map(|h| i64::from(h.0)),
            basis: facts.basis.map(Basis::name),
            violation: facts.violation,
            inhibited: facts.inhibited,
            reason,
            reasoned,
            asks_reason,
            data_age_ms: facts.data_at.map(|at| now.utc.since_ms(at).max(0) as u64),
            acknowledged: alert.acknowledged.as_ref().map(|a| (a.by.clone(), a.at)),
        }
    }

    /// What an alert is about beside tracks.
    fn about(&self, situation: &Situation) -> Option<String> {
        use Situation::{Area, Meeting, Notice, OffPlan, Own, Peer, Reported, Site, Tracks, Unjudged};
        match situation {
            Tracks(..) | Own(_) => None,
            Site(.., subject) | Area(.., subject) | Meeting(.., subject) | OffPlan(_, subject) => {
                Some(subject.to_string())
            }
            Peer(party, _) | Reported(party, _) | Unjudged(_, party) => Some(party.to_string()),
            Notice(id) => self.desk.notices.get(*id).map(|n| n.record.to_string()),
        }
    }

    fn notice_views(&self, now: Now) -> Vec<NoticeView> {
        let view = |n: &NoticeItem| NoticeView {
            id: n.record,
            subject: n.subject,
            outgoing: n.direction == Direction::Out,
            peer: n.peer.clone(),
            precedence: n.precedence,
            notice: n.notice.clone(),
            issued: n.issued,
            wanted: n.wanted,
            due: n.due,
            overdue: n.is_overdue(now),
            received: n.received,
            seen: n.seen,
            acknowledged: n.acknowledged.as_ref().map(acknowledged),
            sealed: n.sealed,
            answers: n.answers.clone(),
            told_after: n.told_after,
            told_before: n.told_before,
            claimed_off_ms: desk::claimed_off_ms(n.issued, n.told_after, n.told_before),
        };
        let mut all: Vec<NoticeView> = self.desk.notices.iter().map(view).collect();
        all.reverse();
        all
    }

    fn plan_views(&self) -> Vec<PlanView> {
        let view = |((party, subject), filed): (&(PartyId, _), &crate::filed::Filed<airspace::Plan>)| PlanView {
            subject: *subject,
            revision: filed.revision,
            owner: self.owner_of(party),
            plan: filed.value.clone(),
            conflicts: filed.conflicts.clone(),
            uss: self.filing.uss_of(*subject).filter(|_| self.party() == Some(party)).map(Into::into),
        };
        self.plans.iter().map(view).collect()
    }

    fn site_views(&self) -> Vec<SiteView> {
        let view = |((party, subject), filed): (&(PartyId, _), &crate::filed::Filed<airspace::Site>)| SiteView {
            subject: *subject,
            revision: filed.revision,
            owner: self.owner_of(party),
            site: filed.value.clone(),
        };
        self.sites.iter().map(view).collect()
    }

    fn avoid_views(&self) -> Vec<AvoidView> {
        let view = |((party, subject), filed): (&(PartyId, _), &crate::filed::Filed<Vec<airspace::Volume4d>>)| {
            AvoidView { subject: *subject, owner: self.owner_of(party), volumes: filed.value.clone() }
        };
        self.avoids.iter().map(view).collect()
    }

    fn pact_views(&self) -> Vec<PactView> {
        let view = |p: &pact::SignedPact| PactView {
            hash: p.hash(),
            text: String::from_utf8_lossy(&p.to_bytes()).into_owned(),
            parties: p.pact().parties.iter().map(|q| q.id.clone()).collect(),
        };
        self.pacts.list.iter().map(view).collect()
    }
}

pub(crate) fn unnamed() -> PartyId {
    match PartyId::parse("unnamed") {
        Ok(party) => party,
        Err(error) => unreachable!("a constant name: {error}"),
    }
}

fn acknowledged(a: &desk::Answer) -> crate::view::Acknowledged {
    crate::view::Acknowledged { at: a.at, role: Some(a.role), by: a.by.clone(), read_back_ok: a.differs.is_empty() }
}

fn feed_view(feed: &crate::state::Feed, now: Now) -> FeedView {
    FeedView {
        name: feed.config.name.clone(),
        format: feed.config.format.clone(),
        state: feed.state,
        age_ms: feed.last_report.map(|at| now.mono.since_ms(at)),
        reports: feed.reports,
        errors: feed.errors,
        last_error: feed.last_error.clone(),
    }
}

fn kind_of(situation: &Situation) -> AlertKind {
    match situation.kind() {
        desk::AlertKind::Conflict => AlertKind::Conflict,
        desk::AlertKind::Site => AlertKind::Site,
        desk::AlertKind::Plan => AlertKind::Plan,
        desk::AlertKind::PeerLost => AlertKind::PeerLost,
        desk::AlertKind::Clock => AlertKind::Clock,
        desk::AlertKind::Channel => AlertKind::Channel,
        desk::AlertKind::Notice => AlertKind::Notice,
        desk::AlertKind::Frozen => AlertKind::Frozen,
        desk::AlertKind::OwnPicture => AlertKind::OwnPicture,
        desk::AlertKind::Flood => AlertKind::Flood,
        desk::AlertKind::Fork => AlertKind::Fork,
    }
}

fn sentence(a: Option<&AlertTrack>, b: Option<&AlertTrack>, violation: bool) -> String {
    let name = |t: Option<&AlertTrack>| t.map_or_else(|| String::from("?"), |t| t.label.clone());
    let what = if violation { "have lost separation" } else { "are predicted to lose separation" };
    format!("{} and {} {what}", name(a), name(b))
}

/// Highest level of the open alerts each track is in.
fn alert_levels(alerts: &[AlertView]) -> BTreeMap<u32, u8> {
    let mut levels = BTreeMap::new();
    for alert in alerts.iter().filter(|a| a.state != "cleared") {
        for track in [&alert.a, &alert.b].into_iter().flatten() {
            let level: &mut u8 = levels.entry(track.id).or_default();
            *level = (*level).max(alert.level);
        }
    }
    levels
}
