//! What a peer is told, for people who ask before it is: made by the code that tells it, and changing nothing.
use crate::labels::for_peer;
use crate::state::State;
use airspace::{Plan, PlanState};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use record::{PartyId, Record};
use release::{Envelope, ReleaseError, Released};
use units::Now;

/// Plans and sites shown at most; the rest is counted.
pub const PREVIEW_FILED_MAX: usize = 500;

/// What a peer is told under the rules in force.
#[derive(Debug, Default)]
pub struct Preview {
    /// What the next release would hold.
    pub next: Vec<Released<Record>>,
    /// What is held of own plans and sites, as the peer is told of them.
    pub filed: Vec<PreviewFiled>,
    /// Plans and sites that were not looked at, because there are too many.
    pub left_out: u64,
}

/// One record about a plan or a site.
#[derive(Debug)]
pub struct PreviewFiled {
    /// The record.
    pub record: Released<Record>,
    /// The plan is a draft: nobody is told of it before it is accepted, and this is what would be said then.
    pub draft: bool,
}

impl State {
    /// What a peer is told now: of tracks by the next release, of plans and sites by those that are held.
    ///
    /// # Errors
    /// No such peer, or what the release itself would meet.
    pub fn preview(&self, name: &PartyId, now: Now) -> Result<Preview, String> {
        let peer = self.peers.get(name).ok_or_else(|| format!("no such party: {name}"))?;
        let envelope = self.envelope(name).ok_or_else(|| format!("no pact with {name}"))?;
        // What is in force towards this peer: less than the rules while the channel or the pact is not.
        let rules = peer.rules(&self.policy);
        let mut next = peer.releaser.preview(&rules, &envelope, now).map_err(|e| e.to_string())?;
        if next.is_empty() {
            // Nothing waits at this moment: show what the present picture would give.
            let offered: Vec<_> = self.picture.iter().filter_map(|track| self.offered_now(track)).collect();
            let (own, marked) = for_peer(name, &rules, &offered, now);
            next = peer.releaser.preview_of(&rules, &envelope, (&own, &marked), now).map_err(|e| e.to_string())?;
        }
        let (filed, left_out) = self.preview_filed(name, &envelope, now)?;
        Ok(Preview { next, filed, left_out })
    }

    fn preview_filed(&self, name: &PartyId, envelope: &Envelope, now: Now) -> Result<(Vec<PreviewFiled>, u64), String> {
        let (Some(peer), Some(party)) = (self.peers.get(name), self.party()) else { return Ok(Default::default()) };
        let rules = peer.rules(&self.policy);
        // What has no form is not told, and said at the desk.
        let told_or_none = |told: Result<Vec<_>, ReleaseError>| match told {
            Err(ReleaseError::NoForm { .. }) => Ok(Vec::new()),
            told => told.map_err(|e| e.to_string()),
        };
        let mut filed = Vec::new();
        let plans = self.plans.iter().filter(|((owner, _), _)| owner == party);
        let sites = self.sites.iter().filter(|((owner, _), _)| owner == party);
        let whole = (plans.clone().count() + sites.clone().count()) as u64;
        let mut shown = 0;
        for ((_, subject), plan) in plans.take(PREVIEW_FILED_MAX) {
            shown += 1;
            let draft = plan.value.state == PlanState::Draft;
            let state = if draft { PlanState::Accepted } else { plan.value.state };
            let plan = Plan { state, ..plan.value.clone() };
            let plan = (&plan, self.plan_marking(*subject));
            let told = told_or_none(peer.releaser.preview_plan(&rules, envelope, *subject, plan, now))?;
            filed.extend(told.into_iter().map(|record| PreviewFiled { record, draft }));
        }
        for ((_, subject), site) in sites.take(PREVIEW_FILED_MAX) {
            shown += 1;
            let told = peer.releaser.preview_site(&rules, envelope, *subject, &site.value, now);
            let told = told_or_none(told)?;
            filed.extend(told.into_iter().map(|record| PreviewFiled { record, draft: false }));
        }
        Ok((filed, whole - shown))
    }
}
