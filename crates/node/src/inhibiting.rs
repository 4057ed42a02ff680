//! Inhibitions: conflicts that an officer has taken from among the alarms, for a reason and until a time. They stay on the desk as
//! cautions that name the inhibition, whatever happens, and become what they are as soon as it ends.
use crate::command::{Actor, Answer, Done, Refused};
use crate::picture::{Standing, SystemTrack};
use crate::situation::{Present, label};
use crate::state::State;
use airspace::Volume4d;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertLevel, Facts, Situation};
use detect::{AGE_MAX_MS, Kinematics, PreparedVolume, Presence, track_volume};
use minicbor::{Decode, Encode};
use units::{Now, Utc};

/// Inhibitions at once: more than a watch can keep in mind, and few enough to ask each of every conflict.
pub const INHIBITIONS_MAX: usize = 50;
/// Longest time of one: a day, so that each watch looks at what the one before left.
pub const INHIBITED_MAX_MS: i64 = 24 * 3600 * 1000;
/// Corners of a volume: it is asked for both aircraft of up to 500 conflicts a second.
const CORNERS_MAX: usize = 20;
/// Bytes of a reason.
pub const REASON_MAX: usize = 400;

/// What is inhibited.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Inhibited {
    /// Conflicts of which both aircraft are certainly in it.
    #[n(0)]
    Volume(#[n(0)] Volume4d),
    /// Conflicts of a flight: an own one by callsign or 24-bit address, another by address.
    #[n(1)]
    Flight(#[n(0)] String),
    /// Conflicts of two flights with each other, by callsign or address: one of the two is always an own one.
    #[n(2)]
    Pair(#[n(0)] String, #[n(1)] String),
}

impl Inhibited {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Volume(_) => "volume".into(),
            Self::Flight(flight) => format!("flight {flight}"),
            Self::Pair(a, b) => format!("pair {a} {b}"),
        }
    }
}

/// An inhibition.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Inhibition {
    /// Number, from 1.
    #[n(0)]
    pub id: u64,
    /// Of what.
    #[n(1)]
    pub of: Inhibited,
    /// Who asked for it.
    #[n(2)]
    pub owner: String,
    /// Why.
    #[n(3)]
    pub reason: String,
    /// Since when.
    #[n(4)]
    pub since: Utc,
    /// It ends by itself.
    #[n(5)]
    pub until: Utc,
}

/// Inhibitions in force, with what is made of their volumes.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Inhibitions {
    #[n(0)]
    list: Vec<Inhibition>,
    /// Number of the last one.
    #[n(1)]
    last: u64,
    /// Those of `list` that have a volume, by number.
    #[cbor(skip)]
    ready: Vec<(u64, PreparedVolume)>,
}

impl Inhibitions {
    /// After a snapshot was read.
    pub(crate) fn rebuild(&mut self) {
        self.ready = self.list.iter().filter_map(|i| Some((i.id, prepared(&i.of)?))).collect();
    }

    pub(crate) fn list(&self) -> &[Inhibition] {
        &self.list
    }

    fn retain(&mut self, keep: impl Fn(&Inhibition) -> bool) {
        self.list.retain(keep);
        let list = &self.list;
        self.ready.retain(|(id, _)| list.iter().any(|i| i.id == *id));
    }
}

fn prepared(of: &Inhibited) -> Option<PreparedVolume> {
    match of {
        Inhibited::Volume(volume) => PreparedVolume::prepare(volume).ok(),
        Inhibited::Flight(_) | Inhibited::Pair(..) => None,
    }
}

impl State {
    pub(crate) fn inhibit(&mut self, actor: &Actor, of: &Inhibited, reason: &str, until: Utc, now: Now) -> Answer {
        let invalid = |field: &str, reason: &str| Refused::Invalid { field: field.into(), reason: reason.into() };
        if reason.trim().is_empty() || reason.len() > REASON_MAX {
            return Err(invalid("reason", "must be given, in at most 400 bytes"));
        }
        if until <= now.utc || until.since_ms(now.utc) > INHIBITED_MAX_MS {
            return Err(invalid("until", "must be ahead, by at most 24 hours"));
        }
        let is_name = |name: &str| !name.trim().is_empty() && name.len() <= 16;
        match of {
            Inhibited::Volume(volume) => {
                if volume.outline.points().len() > CORNERS_MAX {
                    return Err(invalid("volume", "has more than 20 corners"));
                }
                PreparedVolume::prepare(volume).map_err(|error| invalid("volume", &error.to_string()))?;
            }
            Inhibited::Flight(flight) if is_name(flight) => {}
            Inhibited::Pair(a, b) if is_name(a) && is_name(b) && !a.eq_ignore_ascii_case(b) => {}
            Inhibited::Flight(_) | Inhibited::Pair(..) => {
                return Err(invalid("flight", "is a callsign or a 24-bit address, and of a pair two that differ"));
            }
        }
        if self.alerting.inhibitions.list.len() >= INHIBITIONS_MAX {
            return Err(Refused::Full { what: "the list of inhibitions".into(), max: INHIBITIONS_MAX as u64 });
        }
        self.alerting.inhibitions.last += 1;
        let id = self.alerting.inhibitions.last;
        self.alerting.inhibitions.ready.extend(prepared(of).map(|volume| (id, volume)));
        let (of, owner, reason) = (of.clone(), actor.name.clone(), reason.into());
        self.alerting.inhibitions.list.push(Inhibition { id, of, owner, reason, since: now.utc, until });
        Ok(Done::Numbered(id))
    }

    pub(crate) fn lift(&mut self, id: u64) -> Answer {
        if !self.alerting.inhibitions.list.iter().any(|i| i.id == id) {
            return Err(Refused::NoSuch { what: "inhibition".into(), given: id.to_string() });
        }
        self.alerting.inhibitions.retain(|i| i.id != id);
        Ok(Done::Ok)
    }

    /// Once a second, before anything is looked for.
    pub(crate) fn end_inhibitions(&mut self, now: Now) {
        self.alerting.inhibitions.retain(|i| i.until > now.utc);
    }

    /// Which inhibition a conflict of two tracks is under, if any: the first.
    pub(crate) fn inhibition_of(&self, a: &SystemTrack, b: &SystemTrack, now: Now) -> Option<u64> {
        let holds = |i: &&Inhibition| match &i.of {
            Inhibited::Flight(flight) => is_flight(a, flight) || is_flight(b, flight),
            Inhibited::Pair(x, y) => is_called(a, x) && is_called(b, y) || is_called(a, y) && is_called(b, x),
            Inhibited::Volume(_) => {
                let volume = self.alerting.inhibitions.ready.iter().find(|(id, _)| *id == i.id);
                volume.is_some_and(|(_, volume)| [a, b].into_iter().all(|track| is_in(track, volume, now)))
            }
        };
        self.alerting.inhibitions.list.iter().filter(|i| i.until > now.utc).find(holds).map(|i| i.id)
    }

    /// The same of a conflict as it was found last, of which one aircraft, or both, may not be heard. What is not heard is in no
    /// volume for sure; but as long as nothing is heard the inhibition under which it was found goes on.
    pub(crate) fn inhibition_of_found(&self, found: &Facts, now: Now) -> Option<u64> {
        let track = |id: Option<u64>| id.and_then(|id| self.track_of(id));
        let (a, b) = (track(found.a), track(found.b));
        let heard = |t: &SystemTrack| now.utc.since_ms(t.last.at) <= AGE_MAX_MS;
        if let (Some(a), Some(b)) = (a, b)
            && heard(a)
            && heard(b)
        {
            return self.inhibition_of(a, b, now);
        }
        let is = |track: Option<&SystemTrack>, was: &str, name: &str| match track {
            Some(track) => is_called(track, name),
            None => was.eq_ignore_ascii_case(name.trim()),
        };
        let (is_a, is_b) = (|name: &str| is(a, &found.a_label, name), |name: &str| is(b, &found.b_label, name));
        let holds = |i: &&Inhibition| match &i.of {
            // The name of one that is gone may be what a peer called it.
            Inhibited::Flight(flight) => [a, b].into_iter().flatten().any(|track| is_flight(track, flight)),
            Inhibited::Pair(x, y) => is_a(x) && is_b(y) || is_a(y) && is_b(x),
            Inhibited::Volume(_) => false,
        };
        let mut in_force = self.alerting.inhibitions.list.iter().filter(|i| i.until > now.utc);
        let goes_on = in_force.clone().find(|i| found.inhibited == Some(i.id));
        goes_on.or_else(|| in_force.find(holds)).map(|i| i.id)
    }

    /// Once a second, when all that can be judged was: what is held because nobody can say that it is over comes under an
    /// inhibition, and out of it, as what is judged does.
    pub(crate) fn inhibit_unseen(&mut self, present: &Present, now: Now) {
        let conflicts = self.desk.alerts.live().filter(|alert| {
            matches!(alert.situation, Situation::Tracks(..) | Situation::Reported(..))
                && present.contains(&alert.situation)
        });
        let changed: Vec<(Situation, AlertLevel, Facts)> = conflicts
            .filter_map(|alert| {
                let inhibited = self.inhibition_of_found(&alert.facts, now);
                inhibited.or(alert.facts.inhibited)?;
                let level = alert.facts.uninhibited.unwrap_or(alert.condition());
                let (level, facts) = under(inhibited, level, alert.facts.clone());
                Some((alert.situation.clone(), level, facts))
            })
            .collect();
        for (situation, level, facts) in changed {
            self.hold(situation, level, facts, now);
        }
    }
}

/// What is under an inhibition is a caution, which says so and keeps what it would be without.
pub(crate) fn under(inhibited: Option<u64>, level: AlertLevel, facts: Facts) -> (AlertLevel, Facts) {
    let uninhibited = inhibited.map(|_| level);
    let level = if inhibited.is_some() { AlertLevel::Caution } else { level };
    (level, Facts { inhibited, uninhibited, ..facts })
}

/// By callsign or by address.
fn is_called(track: &SystemTrack, name: &str) -> bool {
    label(track).eq_ignore_ascii_case(name.trim()) || has_address(track, name)
}

/// By address, or by the callsign that own feeds say of an own one: whoever tells of another may call it as he likes, and would
/// silence it by a name.
fn is_flight(track: &SystemTrack, name: &str) -> bool {
    let own = track.contributions.iter().filter(|c| c.standing == Standing::Own);
    let mut callsigns = own.filter_map(|c| c.report.callsign);
    has_address(track, name) || callsigns.any(|callsign| callsign.to_string().eq_ignore_ascii_case(name.trim()))
}

fn has_address(track: &SystemTrack, name: &str) -> bool {
    track.address.is_some_and(|address| address.to_string().eq_ignore_ascii_case(name.trim()))
}

/// Certainly: what is at the edge, or of unknown level, is not inhibited.
fn is_in(track: &SystemTrack, volume: &PreparedVolume, now: Now) -> bool {
    let state = Kinematics::from_report(&track.last, now.utc);
    track_volume(&state, volume, 0.0).now == Presence::In
}
