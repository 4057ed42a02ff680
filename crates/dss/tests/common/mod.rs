//! A service with a clock, and requests that are easy to write.
#![allow(dead_code)]
use dss::{
    Answer, Ask, ConstraintRef, Dss, Extent, Found, Id, IntentRef, IntentState, NewSubscription, Outcome,
    PutConstraint, PutIntent, PutSubscription, Query, Refused, Request, SECOND_US, SetAvailability, SubscriptionRef,
    Supporting, ToNotify,
};
use std::collections::BTreeSet;

/// 2026-01-01T00:00:00Z.
pub const T0: i64 = 1_767_225_600_000_000;
pub const MINUTE: i64 = 60 * SECOND_US;
pub const HOUR: i64 = 60 * MINUTE;

/// A subscription with the intents and constraints in it.
pub type Subscribed = (SubscriptionRef, Option<Vec<IntentRef>>, Option<Vec<ConstraintRef>>);

/// A service at a time that the test sets.
pub struct World {
    pub dss: Dss,
    pub now: i64,
    entropy: u64,
}

impl Default for World {
    fn default() -> Self {
        Self { dss: Dss::default(), now: T0, entropy: 0 }
    }
}

impl World {
    pub fn ask(&mut self, manager: &str, ask: Ask) -> Outcome {
        self.ask_again(manager, None, ask)
    }

    pub fn ask_again(&mut self, manager: &str, key: Option<&str>, ask: Ask) -> Outcome {
        self.entropy += 1;
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&self.entropy.to_le_bytes());
        let request = Request { manager: manager.into(), entropy, key: key.map(Into::into), ask };
        let before = self.dss.clone();
        let outcome = self.dss.handle(&request, self.now);
        // A snapshot holds all of it, at any time.
        let mut again: Dss = minicbor::decode(&minicbor::to_vec(&self.dss).unwrap()).unwrap();
        again.rebuild();
        again.handle_time(self.now);
        assert_eq!(again, self.dss, "a snapshot differs");
        if outcome.is_err() {
            let mut before = before;
            before.handle_time(self.now);
            assert_eq!(before, self.dss, "a refused request has an effect");
        }
        outcome
    }

    pub fn intent(&mut self, manager: &str, id: Id, ovn: Option<&str>, put: PutIntent) -> Result<Written, Refused> {
        match self.ask(manager, Ask::PutIntent(id, ovn.map(Into::into), put))? {
            Answer::Intent { created, intent, subscribers } => Ok(Written { created, intent, subscribers }),
            other => panic!("{other:?}"),
        }
    }

    /// An intent that is taken; its version.
    pub fn accepted(&mut self, manager: &str, id: Id, put: PutIntent) -> String {
        self.intent(manager, id, None, put).unwrap().intent.ovn.unwrap()
    }

    pub fn constraint(&mut self, manager: &str, id: Id, extents: Vec<Extent>) -> (ConstraintRef, Vec<ToNotify>) {
        let put = PutConstraint { extents, uss_base_url: format!("https://{manager}.example") };
        match self.ask(manager, Ask::PutConstraint(id, None, put)) {
            Ok(Answer::Constraint { constraint, subscribers, .. }) => (constraint, subscribers),
            other => panic!("{other:?}"),
        }
    }

    pub fn subscription(
        &mut self,
        manager: &str,
        id: Id,
        version: Option<&str>,
        put: PutSubscription,
    ) -> Result<Subscribed, Refused> {
        match self.ask(manager, Ask::PutSubscription(id, version.map(Into::into), put))? {
            Answer::Subscription { subscription, intents, constraints } => Ok((subscription, intents, constraints)),
            other => panic!("{other:?}"),
        }
    }

    pub fn delete(&mut self, manager: &str, id: Id, ovn: &str) -> Outcome {
        self.ask(manager, Ask::DeleteIntent(id, ovn.into()))
    }

    pub fn availability(&mut self, uss: &str, state: dss::AvailabilityState, old_version: &str) -> Outcome {
        let set = SetAvailability { uss: uss.into(), state, old_version: old_version.into() };
        self.ask("arbiter", Ask::SetAvailability(set))
    }

    /// Intents that a client finds.
    pub fn found(&self, client: &str, area: dss::AreaOfInterest) -> Vec<IntentRef> {
        match self.dss.query(&Query::Intents(area), client) {
            Ok(Found::Intents(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    /// The version that its manager sees.
    pub fn ovn(&self, id: Id, manager: &str) -> String {
        match self.dss.query(&Query::Intent(id), manager) {
            Ok(Found::Intent(found)) => found.ovn.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub fn sub(&self, client: &str, id: Id) -> Result<SubscriptionRef, Refused> {
        match self.dss.query(&Query::Subscription(id), client)? {
            Found::Subscription(found) => Ok(found),
            other => panic!("{other:?}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub created: bool,
    pub intent: IntentRef,
    pub subscribers: Vec<ToNotify>,
}

impl Written {
    pub fn ovn(&self) -> &str {
        self.intent.ovn.as_deref().unwrap()
    }
}

pub fn id(n: u8) -> Id {
    Id::random([n; 16])
}

/// Cells 1 to 3, 100 to 200 m, the next hour.
pub fn extent() -> Extent {
    Extent { cells: vec![1, 2, 3], start: T0, end: T0 + HOUR, lower: Some(100_000), upper: Some(200_000), levels_up: 0 }
}

pub fn put(extent: Extent) -> PutIntent {
    PutIntent {
        extents: vec![extent],
        key: BTreeSet::new(),
        state: IntentState::Accepted,
        uss_base_url: "https://uss.example".into(),
        supporting: Supporting::Nothing,
        ovn_suffix: None,
        cmsa: false,
    }
}

pub fn with_key(put: PutIntent, key: &[&str]) -> PutIntent {
    PutIntent { key: key.iter().map(|ovn| (*ovn).to_owned()).collect(), ..put }
}

pub fn implicit(put: PutIntent, url: &str, constraints: bool) -> PutIntent {
    PutIntent { supporting: Supporting::New(NewSubscription { uss_base_url: url.into(), constraints }), ..put }
}

pub fn resting_on(put: PutIntent, id: Id) -> PutIntent {
    PutIntent { supporting: Supporting::Subscription(id), ..put }
}

pub fn subscribe(extent: Extent) -> PutSubscription {
    PutSubscription {
        start: Some(extent.start),
        end: Some(extent.end),
        extent,
        uss_base_url: "https://sub.example".into(),
        intents: true,
        constraints: false,
    }
}

pub fn area(extent: Extent) -> dss::AreaOfInterest {
    dss::AreaOfInterest {
        cells: extent.cells,
        start: Some(extent.start),
        end: Some(extent.end),
        lower: extent.lower,
        upper: extent.upper,
    }
}

/// Text of a refusal.
pub fn why<T: std::fmt::Debug>(outcome: Result<T, Refused>) -> String {
    outcome.unwrap_err().to_string()
}
