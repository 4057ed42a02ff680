//! The alert book.
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::Role;
use units::{Mono, Now};

use crate::alert::{
    Acknowledgement, Alert, AlertChange, AlertEvent, AlertKind, AlertLevel, AlertState, Shown, Situation,
};
use crate::error::DeskError;
use crate::facts::Facts;

/// Live alerts at most: 2,000 is far more than a person can read, and 2,000 × 0.5 kB are 1 MB.
pub const ALERTS_MAX: usize = 2_000;
/// Cleared alerts kept for reading; the journal has all of them.
pub const HISTORY_MAX: usize = 1_000;
/// A condition must be seen to be absent for this long before its alert ends: two sweeps of a four-second radar and
/// a margin, so that one lost report does not end it.
pub const CLEAR_MS: u64 = 10_000;
/// A warning that nobody acknowledges for this long becomes an alarm.
pub const ESCALATE_MS: u64 = 60_000;
/// Officers recorded as having been shown one raising of an alert.
const SHOWN_MAX: usize = 32;

/// All alerts, live and lately cleared.
///
/// | state | event | becomes |
/// |---|---|---|
/// | none | condition found | Raised |
/// | any live | found again, no worse | as it was, facts renewed |
/// | any live | found, worse: higher level, minima now lost, answer now overdue, read-back wrong | Raised again, acknowledgement void |
/// | any live | of a lower level for ten seconds | as it was, at that level |
/// | Raised | displayed to an officer | Shown |
/// | Raised, Shown | acknowledged | Acknowledged |
/// | Raised, Shown as warning | 60 s without inhibition or reason | alarm in the same state |
/// | any live, alarm by those 60 s | inhibited, or given a reason | as it was, of the condition's level; the 60 s begin anew when that ends |
/// | any live | absent, and absent still ten seconds later | Cleared |
///
/// Absence is told, never inferred from silence: a picture that stands still ends no alert.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct AlertBook {
    #[n(0)]
    live: BTreeMap<u64, Alert>,
    #[n(1)]
    by_situation: BTreeMap<Situation, u64>,
    #[n(2)]
    history: Vec<Alert>,
    /// Last id given.
    #[n(3)]
    last: u64,
    #[n(4)]
    cut: u64,
    #[n(5)]
    outputs: BTreeMap<u64, AlertEvent>,
    #[n(6)]
    output_count: u64,
}

impl AlertBook {
    /// Notes that the condition holds, with its level and facts. Gives the alert's id, or `None` if the book is full of
    /// alerts at least as grave (counted in [`AlertBook::cut`]).
    pub fn raise(&mut self, situation: Situation, level: AlertLevel, facts: Facts, now: Now) -> Option<u64> {
        let Some(id) = self.by_situation.get(&situation).copied() else {
            return self.open(situation, level, facts, now);
        };
        let alert = self.live.get_mut(&id)?;
        let change = alert.found(level, facts, now);
        let level = alert.level;
        if let Some(change) = change {
            self.emit(id, change, level, now);
        }
        Some(id)
    }

    /// Notes that the condition was looked for and does not hold, by thresholds as wide as the caller wants for ending.
    /// The alert ends when this is still so [`CLEAR_MS`] after it was first said.
    pub fn absent(&mut self, situation: &Situation, now: Now) {
        let Some(alert) = self.by_situation.get(situation).and_then(|id| self.live.get_mut(id)) else { return };
        let since = *alert.absent_since.get_or_insert(now.mono);
        if now.mono.since_ms(since) >= CLEAR_MS {
            self.clear(situation, now);
        }
    }

    /// Notes that all situations of a kind were looked for, and that only `present` hold.
    pub fn absent_except(&mut self, kind: AlertKind, present: &BTreeSet<Situation>, now: Now) {
        let gone: Vec<Situation> =
            self.by_situation.keys().filter(|s| s.kind() == kind && !present.contains(s)).cloned().collect();
        for situation in &gone {
            self.absent(situation, now);
        }
    }

    /// Ends the alert at once: for a condition that is over for good, as a notice that has been answered.
    pub fn clear(&mut self, situation: &Situation, now: Now) {
        let Some(id) = self.by_situation.remove(situation) else { return };
        let Some(mut alert) = self.live.remove(&id) else { return };
        alert.state = AlertState::Cleared;
        alert.cleared = Some(now.utc);
        let level = alert.level;
        if self.history.len() >= HISTORY_MAX {
            self.history.remove(0);
        }
        self.history.push(alert);
        self.emit(id, AlertChange::Cleared, level, now);
    }

    /// Notes that the alert was displayed to an officer as it was at `raising`. Once per officer and raising; one that
    /// has been raised again since is not shown by what an older display said.
    ///
    /// # Errors
    /// No such alert, or a raising that has not been. One that has been cleared in the meantime is no error.
    pub fn handle_shown(&mut self, id: u64, raising: u32, officer: &str, now: Now) -> Result<(), DeskError> {
        let Some(alert) = self.live.get_mut(&id) else {
            return if self.find(id).is_some() { Ok(()) } else { Err(DeskError::Unknown { what: "alert", id }) };
        };
        if raising == 0 || raising > alert.raising {
            return Err(DeskError::Unknown { what: "alert", id });
        }
        if alert.shown.iter().any(|s| s.officer == officer && s.raising == raising) {
            return Ok(());
        }
        if alert.shown.len() >= SHOWN_MAX {
            alert.shown.remove(0);
        }
        alert.shown.push(Shown { officer: officer.to_string(), at: now.utc, raising });
        if alert.state == AlertState::Raised && raising == alert.raising {
            alert.state = AlertState::Shown;
        }
        let level = alert.level;
        self.emit(id, AlertChange::Shown(officer.to_string()), level, now);
        Ok(())
    }

    /// Takes an alert up. It stays until its condition ends.
    ///
    /// # Errors
    /// No such alert, one that is over or taken up already, or an observer.
    pub fn handle_acknowledge(&mut self, id: u64, officer: &str, role: Role, now: Now) -> Result<(), DeskError> {
        if role == Role::Observer {
            return Err(DeskError::Observer);
        }
        let Some(alert) = self.live.get_mut(&id) else {
            let known = self.find(id).is_some();
            return Err(if known { DeskError::Cleared { id } } else { DeskError::Unknown { what: "alert", id } });
        };
        if alert.state == AlertState::Acknowledged {
            return Err(DeskError::AlreadyAcknowledged { what: "alert", id });
        }
        alert.state = AlertState::Acknowledged;
        alert.acknowledged = Some(Acknowledgement { by: officer.to_string(), role, at: now.utc });
        let level = alert.level;
        self.emit(id, AlertChange::Acknowledged(officer.to_string()), level, now);
        Ok(())
    }

    /// Lets time pass: warnings that nobody acknowledged become alarms.
    pub fn handle_time(&mut self, now: Now) {
        let due: Vec<u64> =
            self.live.values().filter(|a| a.escalates().is_some_and(|at| at <= now.mono)).map(|a| a.id).collect();
        for id in due {
            if let Some(alert) = self.live.get_mut(&id) {
                alert.level = AlertLevel::Alarm;
            }
            self.emit(id, AlertChange::Escalated, AlertLevel::Alarm, now);
        }
    }

    /// When [`AlertBook::handle_time`] next has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.live.values().filter_map(Alert::escalates).min()
    }

    /// Takes the next change, oldest first.
    pub fn poll_output(&mut self) -> Option<AlertEvent> {
        self.outputs.pop_first().map(|(_, event)| event)
    }

    /// Live alerts: the graver first, then the sooner, then the older.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Alert> {
        let mut all: Vec<&Alert> = self.live.values().collect();
        let time = |a: &Alert| a.facts.loss.or(a.facts.cpa).map_or(i64::MAX, |t| t.0);
        all.sort_by(|a, b| b.level.cmp(&a.level).then(time(a).cmp(&time(b))).then(a.id.cmp(&b.id)));
        all
    }

    /// Live alerts, by id.
    pub fn live(&self) -> impl Iterator<Item = &Alert> {
        self.live.values()
    }

    /// Lately cleared alerts, oldest first.
    #[must_use]
    pub fn history(&self) -> &[Alert] {
        &self.history
    }

    /// An alert, live or lately cleared.
    #[must_use]
    pub fn find(&self, id: u64) -> Option<&Alert> {
        self.live.get(&id).or_else(|| self.history.iter().find(|a| a.id == id))
    }

    /// The live alert of a situation.
    #[must_use]
    pub fn of(&self, situation: &Situation) -> Option<&Alert> {
        self.by_situation.get(situation).and_then(|id| self.live.get(id))
    }

    /// Alerts that did not fit. Never silent: show it.
    #[must_use]
    pub fn cut(&self) -> u64 {
        self.cut
    }

    fn open(&mut self, situation: Situation, level: AlertLevel, facts: Facts, now: Now) -> Option<u64> {
        if self.live.len() >= ALERTS_MAX && !self.make_room(level, now) {
            self.cut += 1;
            return None;
        }
        self.last += 1;
        let id = self.last;
        let aggravations = facts.aggravations();
        self.by_situation.insert(situation.clone(), id);
        self.live.insert(
            id,
            Alert {
                id,
                situation,
                level,
                state: AlertState::Raised,
                raised: now.utc,
                raising: 1,
                facts,
                shown: Vec::new(),
                acknowledged: None,
                cleared: None,
                since: now.mono,
                condition: level,
                lower_since: None,
                absent_since: None,
                aggravations,
            },
        );
        self.emit(id, AlertChange::Raised, level, now);
        Some(id)
    }

    /// Pushes out the youngest of the least grave, if it is less grave than the new one.
    fn make_room(&mut self, level: AlertLevel, now: Now) -> bool {
        let least = self.live.values().min_by_key(|a| (a.level, core::cmp::Reverse(a.id)));
        let Some((id, least)) = least.map(|a| (a.id, a.level)).filter(|(_, least)| *least < level) else {
            return false;
        };
        self.cut_off(id, least, now);
        true
    }

    /// Takes an alert away to make room for another; false if there is none of this id. It is counted in [`AlertBook::cut`].
    pub fn push_out(&mut self, id: u64, now: Now) -> bool {
        let level = self.live.get(&id).map(|alert| alert.level);
        level.is_some_and(|level| {
            self.cut_off(id, level, now);
            true
        })
    }

    fn cut_off(&mut self, id: u64, level: AlertLevel, now: Now) {
        if let Some(alert) = self.live.remove(&id) {
            self.by_situation.remove(&alert.situation);
        }
        self.cut += 1;
        self.emit(id, AlertChange::Cut, level, now);
    }

    fn emit(&mut self, id: u64, change: AlertChange, level: AlertLevel, now: Now) {
        self.output_count += 1;
        self.outputs.insert(self.output_count, AlertEvent { id, change, level, at: now.utc });
    }
}

impl Alert {
    /// When it was raised as it is now, for the first or for another time.
    #[must_use]
    pub fn since(&self) -> Mono {
        self.since
    }

    /// How grave its condition is by itself.
    #[must_use]
    pub fn condition(&self) -> AlertLevel {
        self.condition
    }

    /// Whether it is an alarm only because nobody acknowledged the warning.
    #[must_use]
    pub fn is_escalated(&self) -> bool {
        self.level > self.condition
    }

    /// Takes over a finding; says what changed, if anything that is worth saying.
    fn found(&mut self, level: AlertLevel, facts: Facts, now: Now) -> Option<AlertChange> {
        self.absent_since = None;
        let aggravations = facts.aggravations();
        let (was_answered, is_answered) = (self.facts.is_answered(), facts.is_answered());
        self.facts = facts;
        // An inhibition or a reason is an officer's answer: what came of having none goes, and waits anew when that ends.
        let relieved = is_answered && self.is_escalated();
        if relieved {
            self.level = self.condition;
        }
        if was_answered && !is_answered {
            self.since = now.mono;
        }
        // Against the condition's own level: a warning that only waiting made an alarm can still become one.
        let worse = level > self.condition || (aggravations & !self.aggravations) != 0;
        self.aggravations |= aggravations;
        if worse {
            (self.condition, self.lower_since) = (level.max(self.condition), None);
            self.level = self.level.max(level);
            self.state = AlertState::Raised;
            self.acknowledged = None;
            self.since = now.mono;
            self.raising += 1;
            return Some(AlertChange::Worsened);
        }
        if level >= self.condition {
            (self.condition, self.lower_since) = (level, None);
            return relieved.then_some(AlertChange::Lowered);
        }
        let since = *self.lower_since.get_or_insert(now.mono);
        if now.mono.since_ms(since) < CLEAR_MS {
            return relieved.then_some(AlertChange::Lowered);
        }
        // An alarm that came of nobody's answer stays one until it ends: the fault was not in the condition.
        let escalated = self.level > self.condition;
        (self.condition, self.lower_since) = (level, None);
        if escalated {
            return None;
        }
        self.level = level;
        Some(AlertChange::Lowered)
    }

    /// When it becomes an alarm if nobody acknowledges it.
    fn escalates(&self) -> Option<Mono> {
        let waits = matches!(self.state, AlertState::Raised | AlertState::Shown) && !self.facts.is_answered();
        (waits && self.level == AlertLevel::Warning).then(|| self.since.plus_ms(ESCALATE_MS))
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
