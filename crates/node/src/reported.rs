//! Conflicts that are not seen here: reported by a peer, or of an aircraft no longer heard. A pair is one situation and has one alert, whoever found
//! it first; what only the peer can find (it knows its own aircraft sooner) is held on its word until it is past.
use crate::inhibiting::under;
use crate::input::Output;
use crate::numbers::numbered;
use crate::picture::{Source, SystemTrack};
use crate::situation::{Present, conflict_of, label};
use crate::state::State;
use alloc::format;
use alloc::vec::Vec;
use desk::{Alert, AlertLevel, Facts, Situation};
use record::{ConflictReport, PartyId};
use units::Now;

/// Longest that a peer's word alone holds an alert: twice the longest common horizon.
const BELIEVED_MS: i64 = 600_000;

impl State {
    pub(crate) fn reported(&mut self, name: &PartyId, report: &ConflictReport, now: Now, out: &mut Vec<Output>) {
        let Some(peer) = self.peers.get(name) else { return };
        let Some(number) = peer.releaser.internal(report.other) else { return };
        let theirs = self.picture.by_source(Source::Peer(peer.number), report.own);
        let Some(ours) = numbered(&self.picture, number).filter(|t| t.is_own()).map(|t| t.id) else { return };
        let situation = match theirs.filter(|theirs| *theirs != ours) {
            Some(theirs) => conflict_of(ours, theirs),
            None => Situation::Reported(name.clone(), report.other),
        };
        self.predict(ours, now, out);
        if matches!(situation, Situation::Tracks(..)) && self.desk.alerts.of(&situation).is_some() {
            return;
        }
        let text = format!(
            "{name} reports a conflict with this aircraft: {:.1} NM at closest approach",
            report.lateral_mm as f64 / units::NM_MM as f64
        );
        let facts = Facts {
            a: Some(u64::from(ours)),
            b: theirs.map(u64::from),
            cpa: Some(report.cpa),
            cpa_mm: Some(report.lateral_mm),
            vertical: report.vertical,
            text,
            ..Facts::default()
        };
        // The peer need not be told what it told.
        self.shared_already(name, (number, report.own), AlertLevel::Warning, &facts, now);
        let (level, facts) = under(self.inhibition_of_found(&facts, now), AlertLevel::Warning, facts);
        self.hold(situation, level, facts, now);
    }

    /// Once a second: conflicts that cannot be judged any more go on. Silence ends no alert: an aircraft that is no longer
    /// heard is held to its last prediction until that is past, and so is what rests on a peer's word. What is found
    /// here holds by itself, and ends when it is seen to be over.
    pub(crate) fn keep_unseen(&mut self, present: &mut Present, now: Now) {
        let mut back = Vec::new();
        for alert in self.desk.alerts.live() {
            let pair = match &alert.situation {
                Situation::Tracks(a, b) => Some((*a, *b)),
                Situation::Reported(..) => None,
                _ => continue,
            };
            if pair.is_some() && self.is_back(&alert.facts) {
                back.push(alert.situation.clone());
            } else if self.is_open(alert, pair, now) {
                present.insert(alert.situation.clone());
            }
        }
        back.iter().for_each(|situation| self.desk.alerts.clear(situation, now));
        self.inhibit_unseen(present, now);
    }

    /// Whether nobody can say that the conflict is over.
    fn is_open(&self, alert: &Alert, pair: Option<(u64, u64)>, now: Now) -> bool {
        let facts = &alert.facts;
        let ahead = facts.cpa.is_some_and(|cpa| cpa >= now.utc);
        let reported = !facts.text.is_empty() && ahead && now.utc.since_ms(alert.raised) < BELIEVED_MS;
        let silent = |id: u64| self.track_of(id).is_none_or(|t| now.utc.since_ms(t.last.at) > detect::AGE_MAX_MS);
        let known = |id: u64| self.track_of(id).is_some();
        // One that has left the picture is held to its last prediction, one that is still shown to where it was.
        let unseen = pair.is_some_and(|(a, b)| (silent(a) || silent(b)) && (ahead || known(a) && known(b)));
        (reported || unseen) && facts.a.is_some_and(known)
    }

    /// Whether the other aircraft had left the picture and is heard again, under another number: it is judged anew. By the word of
    /// who told of it, or an own feed's: another party could give any aircraft that name.
    fn is_back(&self, facts: &Facts) -> bool {
        let again =
            |t: &SystemTrack| label(t) == facts.b_label && (t.teller() == 0 || Some(t.teller()) == facts.teller);
        facts.b.is_some_and(|b| self.track_of(b).is_none())
            && !facts.b_label.is_empty()
            && self.picture.iter().any(again)
    }
}
