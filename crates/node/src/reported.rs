//! Conflicts that are not seen here: reported by a peer, or of an aircraft no longer heard. A pair is one situation and has one alert, whoever found
//! it first; what only the peer can find (it knows its own aircraft sooner) is held on its word until it is past.
use crate::input::Output;
use crate::picture::Source;
use crate::situation::{Condition, Key, label};
use crate::state::State;
use alloc::format;
use alloc::vec::Vec;
use record::{ConflictReport, PartyId};
use units::Now;

/// Longest that a peer's word alone holds an alert: twice the longest common horizon.
const BELIEVED_MS: i64 = 600_000;

impl State {
    pub(crate) fn reported(&mut self, name: &PartyId, report: &ConflictReport, now: Now, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.get(name) else { return };
        let ours = peer.releaser.internal(report.other).and_then(|id| u32::try_from(id).ok());
        let theirs = self.picture.by_source(Source::Peer(peer.number), report.own);
        let Some(ours) = ours.filter(|id| self.picture.get(*id).is_some_and(|t| t.is_own())) else { return };
        let key = match theirs.filter(|theirs| *theirs != ours) {
            Some(theirs) => Key::Conflict(ours.min(theirs), ours.max(theirs)),
            None => Key::Reported(name.clone(), report.other),
        };
        self.predict(ours, now, out);
        if matches!(key, Key::Conflict(..)) && self.situations.book.get(&key).is_some() {
            return;
        }
        let text = format!(
            "{name} reports a conflict with this aircraft: {:.1} NM at closest approach",
            report.lateral_mm as f64 / units::NM_MM as f64
        );
        let condition = Condition {
            a: Some(ours),
            b: theirs,
            cpa: Some(report.cpa),
            dcpa_mm: Some(report.lateral_mm),
            vertical: report.vertical.map(|h| i64::from(h.0)),
            text,
            ..Condition::default()
        };
        self.hold(key.clone(), 2, condition, now);
        // The peer need not be told what it told.
        self.fresh_conflicts.retain(|fresh| *fresh != key);
    }

    /// Once a second: conflicts that cannot be judged any more go on. Silence ends no alert: an aircraft that is no longer
    /// heard is held to its last prediction until that is past, and so is what rests on a peer's word. What is found
    /// here holds by itself, and ends when it is seen to be over.
    pub(crate) fn hold_unseen(&mut self, now: Now) {
        let (mut held, mut back) = (Vec::new(), Vec::new());
        let silent = |id: u32| self.picture.get(id).is_none_or(|t| now.utc.since_ms(t.last.at) > detect::AGE_MAX_MS);
        for (key, alert) in self.situations.book.open() {
            let Some(facts) = self.situations.facts.get(&alert.id) else { continue };
            let ahead = facts.cpa.is_some_and(|cpa| cpa >= now.utc);
            let reported = !facts.text.is_empty() && ahead && now.utc.since_ms(alert.raised) < BELIEVED_MS;
            let hold = match key {
                Key::Reported(..) => reported,
                Key::Conflict(a, b) => reported || silent(*a) || silent(*b),
                _ => false,
            };
            if matches!(key, Key::Conflict(..)) && self.is_back(facts) {
                back.push(key.clone());
            } else if hold && facts.a.is_some_and(|a| self.picture.get(a).is_some()) {
                held.push((key.clone(), alert.level as u8 + 1, facts.clone()));
            }
        }
        for (key, level, facts) in held {
            self.hold(key, level, facts, now);
        }
        back.iter().for_each(|key| self.situations.book.end(key, now));
    }

    /// Whether the other aircraft had left the picture and is heard again, under another number: it is judged anew.
    fn is_back(&self, facts: &Condition) -> bool {
        facts.b.is_some_and(|b| self.picture.get(b).is_none())
            && !facts.b_label.is_empty()
            && self.picture.iter().any(|t| label(t) == facts.b_label)
    }
}
