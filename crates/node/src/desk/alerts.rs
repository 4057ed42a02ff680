//! The life of an alert: raised, shown, acknowledged, cleared.
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::{Mono, Now, Utc};

/// A condition must have been absent this long before its alert ends: two missed updates of a 4 s radar and a margin,
/// so that an alert does not flicker.
pub const CLEAR_AFTER_MS: u64 = 10_000;
/// A warning nobody acknowledged for this long becomes an alarm.
pub const ESCALATE_AFTER_MS: u64 = 60_000;
/// Ended alerts kept to be shown.
pub const HISTORY_MAX: usize = 200;
/// Viewers named per alert: a desk's watch, not a crowd.
const SHOWN_MAX: usize = 16;

/// How urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Level {
    /// Worth a look.
    #[n(1)]
    Caution,
    /// Needs attention.
    #[n(2)]
    Warning,
    /// Needs action now.
    #[n(3)]
    Alarm,
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum AlertState {
    /// Nobody has seen it.
    #[n(0)]
    Raised,
    /// It was painted before an officer.
    #[n(1)]
    Shown,
    /// An officer acknowledged it; the condition holds.
    #[n(2)]
    Acknowledged,
    /// The condition has ended.
    #[n(3)]
    Cleared,
}

impl AlertState {
    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Shown => "shown",
            Self::Acknowledged => "acknowledged",
            Self::Cleared => "cleared",
        }
    }
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Alert {
    /// Number, unique in the book.
    #[n(0)]
    pub id: u64,
    /// Level in force.
    #[n(1)]
    pub level: Level,
    /// State.
    #[n(2)]
    pub state: AlertState,
    /// When raised.
    #[n(3)]
    pub raised: Utc,
    /// The same on the monotonic clock, restarted by a worsening.
    #[n(4)]
    pub since: Mono,
    /// When the condition last held.
    #[n(5)]
    pub held: Mono,
    /// When it last held at the level in force.
    #[n(6)]
    pub level_held: Mono,
    /// Who saw it, and when.
    #[n(7)]
    pub shown: Vec<(String, Utc)>,
    /// Who acknowledged it, and when.
    #[n(8)]
    pub acknowledged: Option<(String, Utc)>,
    /// When it ended.
    #[n(9)]
    pub cleared: Option<Utc>,
    /// The highest level it had.
    #[n(10)]
    pub worst: Level,
}

/// What became of a condition that was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A new alert.
    Raised(u64),
    /// Worse than before: sounds again.
    Worsened(u64),
    /// Nothing new.
    Same(u64),
}

impl Change {
    /// The alert's number.
    #[must_use]
    pub const fn id(self) -> u64 {
        match self {
            Self::Raised(id) | Self::Worsened(id) | Self::Same(id) => id,
        }
    }
}

/// Why an alert could not be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// No such alert.
    #[error("no such alert")]
    NoSuch,
    /// It was acknowledged already, or has ended.
    #[error("already {}", .0.name())]
    Already(AlertState),
}

/// All alerts, one per situation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AlertBook<K: Ord> {
    #[n(0)]
    next: u64,
    #[n(1)]
    open: BTreeMap<K, Alert>,
    #[n(2)]
    history: VecDeque<(K, Alert)>,
}

impl<K: Ord> Default for AlertBook<K> {
    fn default() -> Self {
        Self { next: 1, open: BTreeMap::new(), history: VecDeque::new() }
    }
}

impl<K: Ord + Clone> AlertBook<K> {
    /// The condition of this situation holds at this level.
    pub fn hold(&mut self, key: K, level: Level, now: Now) -> Change {
        if let Some(alert) = self.open.get_mut(&key) {
            return alert.hold(level, now);
        }
        let id = self.next;
        self.next += 1;
        let alert = Alert {
            id,
            level,
            state: AlertState::Raised,
            raised: now.utc,
            since: now.mono,
            held: now.mono,
            level_held: now.mono,
            shown: Vec::new(),
            acknowledged: None,
            cleared: None,
            worst: level,
        };
        self.open.insert(key, alert);
        Change::Raised(id)
    }

    /// Passes time: ends what has not held for [`CLEAR_AFTER_MS`], escalates what nobody acknowledged. Returns the
    /// situations that ended.
    pub fn tick(&mut self, now: Now) -> Vec<K> {
        let mut ended = Vec::new();
        for (key, alert) in &mut self.open {
            if now.mono.since_ms(alert.held) >= CLEAR_AFTER_MS {
                ended.push(key.clone());
            } else if alert.level == Level::Warning
                && alert.acknowledged.is_none()
                && now.mono.since_ms(alert.since) >= ESCALATE_AFTER_MS
            {
                alert.worsen(Level::Alarm, now);
            }
        }
        for key in &ended {
            self.end(key, now);
        }
        ended
    }

    /// Ends an alert at once: its subject is gone.
    pub fn end(&mut self, key: &K, now: Now) {
        let Some((key, mut alert)) = self.open.remove_entry(key) else { return };
        alert.state = AlertState::Cleared;
        alert.cleared = Some(now.utc);
        if self.history.len() >= HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back((key, alert));
    }

    /// It was painted before `who`. Returns whether that is new.
    pub fn displayed(&mut self, id: u64, who: &str, now: Now) -> bool {
        let Some(alert) = self.open.values_mut().find(|a| a.id == id) else { return false };
        if alert.shown.len() >= SHOWN_MAX || alert.shown.iter().any(|(name, _)| name == who) {
            return false;
        }
        alert.shown.push((who.to_string(), now.utc));
        if alert.state == AlertState::Raised {
            alert.state = AlertState::Shown;
        }
        true
    }

    /// `who` acknowledges it. It stays until its condition ends.
    ///
    /// # Errors
    /// No such alert, or nothing left to acknowledge.
    pub fn acknowledge(&mut self, id: u64, who: &str, now: Now) -> Result<(), AckError> {
        let Some(alert) = self.open.values_mut().find(|a| a.id == id) else {
            let ended = self.history.iter().any(|(_, a)| a.id == id);
            return Err(if ended { AckError::Already(AlertState::Cleared) } else { AckError::NoSuch });
        };
        if alert.state == AlertState::Acknowledged {
            return Err(AckError::Already(AlertState::Acknowledged));
        }
        alert.state = AlertState::Acknowledged;
        alert.acknowledged = Some((who.to_string(), now.utc));
        Ok(())
    }

    /// Alerts whose condition holds or held until a moment ago, by situation.
    pub fn open(&self) -> impl Iterator<Item = (&K, &Alert)> {
        self.open.iter()
    }

    /// The open alert of a situation.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&Alert> {
        self.open.get(key)
    }

    /// Ended alerts, oldest first.
    pub fn history(&self) -> impl Iterator<Item = &(K, Alert)> {
        self.history.iter()
    }
}

impl Alert {
    fn hold(&mut self, level: Level, now: Now) -> Change {
        self.held = now.mono;
        if level > self.level {
            self.worsen(level, now);
            return Change::Worsened(self.id);
        }
        if level == self.level {
            self.level_held = now.mono;
        } else if now.mono.since_ms(self.level_held) >= CLEAR_AFTER_MS && self.acknowledged.is_some() {
            // Lower only after it has been lower for as long as an end would take, and only once somebody knows.
            self.level = level;
            self.level_held = now.mono;
        }
        Change::Same(self.id)
    }

    fn worsen(&mut self, level: Level, now: Now) {
        self.level = level;
        self.worst = self.worst.max(level);
        self.level_held = now.mono;
        self.since = now.mono;
        self.acknowledged = None;
        self.shown.clear();
        self.state = AlertState::Raised;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now { mono: Mono(ms), utc: Utc(ms as i64), utc_error_ms: 0 }
    }

    /// Plays `script` (ms, action) and returns the states after each step.
    fn play(script: &[(u64, &str)]) -> Vec<String> {
        let mut book = AlertBook::default();
        let mut states = Vec::new();
        for (ms, action) in script {
            let now = at(*ms);
            match *action {
                "caution" => drop(book.hold(1u8, Level::Caution, now)),
                "warning" => drop(book.hold(1, Level::Warning, now)),
                "alarm" => drop(book.hold(1, Level::Alarm, now)),
                "ack" => drop(book.acknowledge(1, "ana", now)),
                "show" => drop(book.displayed(1, "ana", now)),
                _ => drop(book.tick(now)),
            }
            let now = book.get(&1).or(book.history().next().map(|(_, a)| a));
            states.push(now.map_or(String::new(), |a| alloc::format!("{:?} {:?}", a.level, a.state)));
        }
        states
    }

    #[test]
    fn an_alert_lives_until_its_condition_ends() {
        let states = play(&[
            (0, "warning"),
            (100, "show"),
            (200, "ack"),
            (5_000, "warning"),
            (14_999, "tick"),
            (15_000, "tick"),
        ]);
        assert_eq!(
            states,
            [
                "Warning Raised",
                "Warning Shown",
                "Warning Acknowledged",
                "Warning Acknowledged",
                "Warning Acknowledged",
                "Warning Cleared"
            ]
        );
    }

    #[test]
    fn only_a_worsening_sounds_again() {
        let states = play(&[
            (0, "warning"),
            (10, "ack"),
            (20, "warning"),
            (30, "alarm"),
            (40, "ack"),
            (5_000, "warning"),
            (10_031, "warning"),
        ]);
        assert_eq!(
            states[2..],
            [
                "Warning Acknowledged",
                "Alarm Raised",
                "Alarm Acknowledged",
                "Alarm Acknowledged",
                "Warning Acknowledged"
            ]
        );
    }

    #[test]
    fn a_warning_nobody_acknowledges_becomes_an_alarm() {
        let mut script = Vec::new();
        (0..=12).for_each(|i| script.push((i * 5_000, "warning")));
        script.push((60_000, "tick"));
        assert_eq!(play(&script).last().unwrap(), "Alarm Raised");
    }

    #[test]
    fn what_is_not_there_cannot_be_acknowledged() {
        let mut book = AlertBook::default();
        assert_eq!(book.acknowledge(1, "ana", at(0)), Err(AckError::NoSuch));
        let id = book.hold(7u8, Level::Alarm, at(0)).id();
        assert_eq!(book.acknowledge(id, "ana", at(1)), Ok(()));
        assert_eq!(book.acknowledge(id, "ben", at(2)), Err(AckError::Already(AlertState::Acknowledged)));
        book.end(&7, at(3));
        assert_eq!(book.acknowledge(id, "ben", at(4)), Err(AckError::Already(AlertState::Cleared)));
    }
}
