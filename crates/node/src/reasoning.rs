//! Reasons given for flags about protected sites: why a volume, waypoint or notice may stay where a site is. A flag stays for as long as what it
//! is about does; with a reason it is a caution that shows it, and it is as before as soon as what it says is another thing.
use crate::command::{Actor, Answer, Done, Refused};
use crate::inhibiting::REASON_MAX;
use crate::state::State;
use alloc::format;
use alloc::string::{String, ToString};
use desk::{Alert, AlertLevel, Facts, Situation};
use minicbor::{Decode, Encode};
use units::{Now, Utc};

/// Reasons held at once, of 0.6 kB: as many as there are alerts.
const REASONS_MAX: usize = desk::ALERTS_MAX;

/// A reason, and what it was given for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Reason {
    /// What the flag said.
    #[n(0)]
    about: String,
    #[n(1)]
    by: String,
    #[n(2)]
    at: Utc,
    #[n(3)]
    reason: String,
}

impl Reason {
    fn words(&self) -> String {
        format!("{}: {}", self.by, self.reason)
    }
}

impl State {
    /// Gives a reason for a flag, in place of one given before.
    pub(crate) fn give_reason(&mut self, actor: &Actor, id: u64, reason: &str, now: Now) -> Answer {
        if reason.trim().is_empty() || reason.len() > REASON_MAX {
            let reason = "must be given, in at most 400 bytes".into();
            return Err(Refused::Invalid { field: "reason".into(), reason });
        }
        let no_such = || Refused::NoSuch { what: "alert about a protected site".into(), given: id.to_string() };
        let alert = self.desk.alerts.live().find(|alert| alert.id == id).ok_or_else(no_such)?;
        if !self.is_of_site(&alert.situation) {
            return Err(no_such());
        }
        if self.alerting.reasons.len() >= REASONS_MAX {
            return Err(Refused::Full { what: "the list of reasons".into(), max: REASONS_MAX as u64 });
        }
        let (situation, about) = (alert.situation.clone(), alert.facts.text.clone());
        let given = Reason { about, by: actor.name.clone(), at: now.utc, reason: reason.into() };
        self.alerting.reasons.insert(situation, given);
        Ok(Done::Ok)
    }

    /// What was entered and a protected site; not an aircraft, whose flag ends when it has left.
    fn is_of_site(&self, situation: &Situation) -> bool {
        let Situation::Meeting(own, owner, other) = situation else { return false };
        let me = self.party().cloned().unwrap_or_else(crate::viewing::unnamed);
        self.sites.contains_key(&(me, *own)) || self.sites.contains_key(&(owner.clone(), *other))
    }

    /// What is shown of the reason for an alert: who gave which, when, and whether one is asked for. At once, where the facts of the alert
    /// have it from the next look on. Of one that has ended only its facts are left.
    pub(crate) fn reason_shown(&self, alert: &Alert) -> (Option<String>, Option<Utc>, bool) {
        if alert.cleared.is_some() {
            return (alert.facts.reason.clone(), None, false);
        }
        match self.alerting.reasons.get(&alert.situation).filter(|given| given.about == alert.facts.text) {
            Some(given) => (Some(given.words()), Some(given.at), false),
            None => (None, None, self.is_of_site(&alert.situation)),
        }
    }

    /// A flag for which a reason was given is a caution with it; one that says another thing than it did then has none.
    pub(crate) fn reasoned(
        &mut self,
        situation: &Situation,
        level: AlertLevel,
        mut facts: Facts,
    ) -> (AlertLevel, Facts) {
        let Some(given) = self.alerting.reasons.get(situation) else { return (level, facts) };
        if given.about != facts.text {
            self.alerting.reasons.remove(situation);
            return (level, facts);
        }
        facts.reason = Some(given.words());
        (AlertLevel::Caution, facts)
    }

    /// Once a second: reasons of flags that are no more.
    pub(crate) fn forget_reasons(&mut self) {
        let alerts = &self.desk.alerts;
        self.alerting.reasons.retain(|situation, _| alerts.of(situation).is_some());
    }
}
