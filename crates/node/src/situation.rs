//! Conditions found by the node, told to the desk: what holds, and what was looked for and does not hold.
use crate::picture::SystemTrack;
use crate::state::State;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use desk::{AlertKind, AlertLevel, Facts, Situation};
use units::Now;

/// Situations of one second that hold or could not be judged: of these, no absence is told.
pub(crate) type Present = BTreeSet<Situation>;

/// The situation of two tracks.
pub(crate) fn conflict_of(a: u32, b: u32) -> Situation {
    Situation::tracks(u64::from(a), u64::from(b))
}

/// Facts that are one sentence.
pub(crate) fn sentence(text: String) -> Facts {
    Facts { text, ..Facts::default() }
}

impl State {
    /// The condition of a situation holds. Returns false if it was cut.
    pub(crate) fn hold(&mut self, situation: Situation, level: AlertLevel, facts: Facts, now: Now) -> bool {
        let (level, mut facts) = self.reasoned(&situation, level, facts);
        if self.desk.alerts.of(&situation).is_none() && !self.has_room(&situation, level, &facts) {
            self.cut = self.cut.saturating_add(1);
            return false;
        }
        // One that is gone keeps the name it had.
        let named = |id: Option<u64>| id.and_then(|id| self.track_of(id)).map(label);
        (facts.a_label, facts.b_label) =
            (named(facts.a).unwrap_or(facts.a_label), named(facts.b).unwrap_or(facts.b_label));
        facts.teller = facts.b.and_then(|b| self.track_of(b)).map(SystemTrack::teller).or(facts.teller);
        self.desk.alerts.raise(situation, level, facts, now).is_some()
    }

    /// Tells the desk which situations were looked for and do not hold. Those of notices it knows by itself.
    pub(crate) fn tell_absent(&mut self, present: &Present, now: Now) {
        for kind in AlertKind::ALL.into_iter().filter(|kind| *kind != AlertKind::Notice) {
            self.desk.alerts.absent_except(kind, present, now);
        }
    }

    /// The track of a number as the desk knows it.
    pub(crate) fn track_of(&self, id: u64) -> Option<&SystemTrack> {
        u32::try_from(id).ok().and_then(|id| self.picture.get(id))
    }
}

/// What people call a track: callsign, else address, else its number.
#[must_use]
pub fn label(track: &SystemTrack) -> String {
    if let Some(callsign) = track.callsign() {
        return callsign.to_string();
    }
    match track.address {
        Some(address) => address.to_string(),
        None => format!("#{}", track.id),
    }
}
