//! All that is held, and the one way to change it.
use crate::answer::{Answer, ConstraintRef, IntentRef, Outcome, Refused, SubscriptionRef, ToNotify};
use crate::answers::{Answers, Asked};
use crate::entity::{Availability, AvailabilityState, Constraint, Intent, Report, Subscription};
use crate::expiry::Ends;
use crate::id::Id;
use crate::index::{Index, Sifted};
use crate::ovn;
use crate::request::{Ask, Request, SetAvailability};
use crate::rid::Rid;
use crate::shards::Shards;
use crate::shares::Shares;
use crate::text::Text;
use crate::volume::{ALL_HEIGHTS, Extent, span};
use crate::{AVAILABILITIES_MAX, REPORTS_KEPT};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};

/// A discovery and synchronization service.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Dss {
    #[n(0)]
    pub(crate) intents: Shards<Intent>,
    #[n(1)]
    pub(crate) constraints: Shards<Constraint>,
    #[n(2)]
    pub(crate) subscriptions: Shards<Subscription>,
    #[n(3)]
    pub(crate) availability: BTreeMap<String, Availability>,
    /// The newest, oldest first.
    #[n(4)]
    pub(crate) reports: VecDeque<Report>,
    /// The time: what ended before it has left the index.
    #[n(5)]
    pub(crate) expired_to: i64,
    /// What older snapshots held in the place of `answers`: by hash, and the order in which they were given.
    #[n(6)]
    answers_before: BTreeMap<Asked, Answer>,
    #[n(7)]
    answered_before: VecDeque<(i64, Asked)>,
    /// Of remote ID; snapshots from before it have none.
    #[n(8)]
    #[cbor(default)]
    pub(crate) rid: Rid,
    /// Ends of versions that clients asked for, with the entity, as long as they may be asked for: a UUID of version 7 begins with
    /// its time, so the oldest come first.
    #[n(9)]
    #[cbor(default)]
    pub(crate) requested: BTreeSet<(Id, Id)>,
    /// To requests with a key.
    #[n(10)]
    #[cbor(default)]
    pub(crate) answers: Answers,
    #[cbor(skip)]
    pub(crate) by_place: Places,
    #[cbor(skip)]
    pub(crate) ends: Ends,
    #[cbor(skip)]
    pub(crate) shares: Shares,
}

/// What is where; made again from the entities.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Places {
    pub intents: Index,
    pub constraints: Index,
    pub subscriptions: Index,
    pub isas: Index,
    pub rid_subscriptions: Index,
}

/// What a subscription may be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Intents,
    Constraints,
}

impl Dss {
    /// Decides a request; `now` is microseconds UTC.
    ///
    /// # Errors
    /// A refusal, of which nothing has any effect.
    pub fn handle(&mut self, request: &Request, now: i64) -> Outcome {
        self.handle_time(now);
        let asked = request.ask.hash(request.key.as_deref(), &request.manager);
        match self.kept(request, asked) {
            Some(answer) => Ok(answer.clone()),
            None => self.decide(request, asked, now),
        }
    }

    /// Whether the answer to this request is one that was kept: it changes nothing.
    #[must_use]
    pub fn is_kept(&self, request: &Request) -> bool {
        let asked = request.key.is_some().then(|| request.ask.hash(request.key.as_deref(), &request.manager));
        asked.is_some_and(|asked| self.kept(request, asked).is_some())
    }

    fn kept(&self, request: &Request, asked: [u8; 16]) -> Option<&Answer> {
        request.key.as_ref().and_then(|_| self.answers.get(Asked(asked)))
    }

    fn decide(&mut self, request: &Request, asked: [u8; 16], now: i64) -> Outcome {
        let answer = match &request.ask {
            Ask::PutIntent(id, ovn, put) => self.put_intent(request, *id, ovn.as_deref(), put, asked, now),
            Ask::DeleteIntent(id, ovn) => self.delete_intent(&request.manager, *id, ovn),
            Ask::PutConstraint(id, ovn, put) => self.put_constraint(request, *id, ovn.as_deref(), put, asked, now),
            Ask::DeleteConstraint(id, ovn) => self.delete_constraint(&request.manager, *id, ovn),
            Ask::PutSubscription(id, version, put) => {
                self.put_subscription(request, *id, version.as_deref(), put, asked, now)
            }
            Ask::DeleteSubscription(id, version) => self.delete_subscription(&request.manager, *id, version),
            Ask::SetAvailability(set) => self.set_availability(request, set, asked),
            Ask::Report(body) => Ok(self.report(request, body, now)),
            Ask::PutIsa(id, version, put) => self.put_isa(request, *id, version.as_deref(), put, asked, now),
            Ask::DeleteIsa(id, version) => self.delete_isa(&request.manager, *id, version),
            Ask::PutRidSubscription(id, version, put) => {
                self.put_rid_subscription(request, *id, version.as_deref(), put, asked, now)
            }
            Ask::DeleteRidSubscription(id, version) => self.delete_rid_subscription(&request.manager, *id, version),
        }?;
        if request.key.is_some() {
            self.answers.keep(now, &request.manager, Asked(asked), answer.clone());
        }
        Ok(answer)
    }

    pub(crate) fn forget_answers(&mut self, now: i64) {
        let over = |id: &Id| id.v7_ms().saturating_mul(1000) < now.saturating_sub(crate::SKEW_MAX_US);
        while self.requested.first().is_some_and(|(suffix, _)| over(suffix)) {
            self.requested.pop_first();
        }
        self.answers.forget(now);
    }

    fn set_availability(&mut self, request: &Request, set: &SetAvailability, asked: [u8; 16]) -> Outcome {
        let old = self.availability.get(&set.uss);
        if old.map_or("", |old| &old.version) != set.old_version {
            let reason = match old {
                Some(_) => "old_version is not the version of the availability that is stated now; read it again",
                None => "no availability is stated of this USS: old_version must be empty",
            };
            let again = old.filter(|old| old.asked == asked && old.by == request.manager);
            let again = again.map(|_| self.availability(&set.uss).into());
            return Err(Refused::Conflict { reason: reason.into(), again });
        }
        if old.is_none() && self.availability.len() >= AVAILABILITIES_MAX {
            return Err(Refused::Full { what: "availabilities", max: AVAILABILITIES_MAX });
        }
        let version = ovn::fresh(&request.entropy, &Id::MIN);
        let stated = Availability { state: set.state, version, by: request.manager.clone(), asked };
        self.availability.insert(set.uss.clone(), stated);
        Ok(self.availability(&set.uss))
    }

    /// What is known of a USS's service.
    #[must_use]
    pub fn availability(&self, uss: &str) -> Answer {
        let (state, version) = self.availability.get(uss).map(|a| (a.state, a.version.clone())).unwrap_or_default();
        Answer::Availability { uss: uss.into(), state, version }
    }

    pub(crate) fn availability_of(&self, uss: &str) -> AvailabilityState {
        self.availability.get(uss).map_or(AvailabilityState::Unknown, |a| a.state)
    }

    fn report(&mut self, request: &Request, body: &str, now: i64) -> Answer {
        let id = ovn::fresh_id(&request.entropy);
        while self.reports.len() >= REPORTS_KEPT {
            self.reports.pop_front();
        }
        self.reports.push_back(Report { id, by: request.manager.clone(), at: now, body: body.into() });
        Answer::Report(id)
    }

    /// The newest reports, oldest first.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.reports.iter()
    }

    /// How many intents, constraints and subscriptions are held, with those that have ended.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.intents.len(), self.constraints.len(), self.subscriptions.len())
    }

    /// A copy of what a snapshot holds, taken in no time however much that is; it is only to be encoded.
    #[must_use]
    pub fn frozen(&mut self) -> Self {
        let made = (core::mem::take(&mut self.by_place), core::mem::take(&mut self.ends));
        let frozen = self.clone();
        (self.by_place, self.ends) = made;
        frozen
    }

    /// Makes again what a snapshot does not hold.
    pub fn rebuild(&mut self) {
        (self.by_place, self.ends, self.shares) = (Places::default(), Ends::default(), Shares::default());
        self.enter_all();
        self.answers.rebuild();
        for (at, asked) in core::mem::take(&mut self.answered_before) {
            if let Some(answer) = self.answers_before.remove(&asked) {
                // Whose they were was not said.
                self.answers.keep(at, "", asked, answer);
            }
        }
    }

    /// Subscriptions to be told of a change in these volumes. Heights do not count (docs/f3548.md): to be told too much is safe.
    pub(crate) fn subscribed(&self, kind: Kind, extents: &[&[Extent]]) -> BTreeSet<Id> {
        let mut found = Sifted::default();
        for extent in extents.iter().copied().flatten() {
            self.by_place.subscriptions.search(
                &extent.cells,
                extent.levels_up,
                (extent.start, extent.end),
                ALL_HEIGHTS,
                |id| {
                    let told = |s: &Subscription| if kind == Kind::Intents { s.intents } else { s.constraints };
                    found.sift(id, || self.subscriptions.get(&id).is_some_and(told));
                    true
                },
            );
        }
        found.wanted()
    }

    /// Counts one more notification of each.
    pub(crate) fn count_up(&mut self, ids: &BTreeSet<Id>) {
        for id in ids {
            if let Some(subscription) = self.subscriptions.get_mut(id) {
                subscription.index = subscription.index.saturating_add(1);
            }
        }
    }

    /// Whom to tell, by address.
    pub(crate) fn to_notify(&self, ids: &BTreeSet<Id>) -> Vec<ToNotify> {
        by_url(ids.iter().filter_map(|id| self.subscriptions.get(id).map(|s| (&s.uss_base_url, *id, s.index))))
    }

    pub(crate) fn intent_ref(&self, id: Id, intent: &Intent, client: &str) -> IntentRef {
        let (start, end) = span(&intent.extents).unwrap_or_default();
        IntentRef {
            id,
            manager: intent.manager.clone(),
            availability: self.availability_of(&intent.manager),
            version: intent.version,
            state: intent.state,
            ovn: intent.is_of(client).then(|| intent.ovn.clone()),
            start,
            end,
            uss_base_url: intent.uss_base_url.clone(),
            subscription: intent.subscription,
        }
    }

    pub(crate) fn constraint_ref(&self, id: Id, constraint: &Constraint, client: &str) -> ConstraintRef {
        let (start, end) = span(&constraint.extents).unwrap_or_default();
        ConstraintRef {
            id,
            manager: constraint.manager.clone(),
            availability: self.availability_of(&constraint.manager),
            version: constraint.version,
            ovn: constraint.is_of(client).then(|| constraint.ovn.clone()),
            start,
            end,
            uss_base_url: constraint.uss_base_url.clone(),
        }
    }

    pub(crate) fn subscription_ref(&self, id: Id, subscription: &Subscription) -> SubscriptionRef {
        SubscriptionRef {
            id,
            version: subscription.version.clone(),
            index: subscription.index,
            start: subscription.extent.start,
            end: subscription.extent.end,
            uss_base_url: subscription.uss_base_url.clone(),
            intents: subscription.intents,
            constraints: subscription.constraints,
            implicit: subscription.implicit,
            dependent: subscription.dependent.iter().copied().collect(),
        }
    }
}

/// Subscriptions with the numbers of their notifications, by address.
pub(crate) fn by_url<'a>(subscriptions: impl Iterator<Item = (&'a Text, Id, u32)>) -> Vec<ToNotify> {
    let mut by_url: BTreeMap<&Text, Vec<(Id, u32)>> = BTreeMap::new();
    for (url, id, index) in subscriptions {
        by_url.entry(url).or_default().push((id, index));
    }
    let entry = |(url, subscriptions): (&Text, _)| ToNotify { uss_base_url: url.clone(), subscriptions };
    by_url.into_iter().map(entry).collect()
}

/// The version that was named is not that which is held.
pub(crate) fn other_version(what: &str, named: Option<&str>) -> String {
    match named {
        Some(_) => format!("the {what} is at another version than the one named; read it again"),
        None => format!("the {what} is there already; name its version to change it"),
    }
}
