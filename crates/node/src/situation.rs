//! What alerts are about: one situation, one alert, with the facts an officer needs.
use crate::desk::{AlertBook, Change, Level};
use crate::picture::SystemTrack;
use crate::state::State;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use minicbor::{Decode, Encode};
use record::{Hash32, PartyId, SubjectId};
use units::{Now, Utc};

/// A situation: whatever happens to it, it has one alert.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Key {
    /// Two tracks, lower number first.
    #[n(0)]
    Conflict(#[n(0)] u32, #[n(1)] u32),
    /// An own track and a protected site.
    #[n(1)]
    Site(#[n(0)] u32, #[n(1)] PartyId, #[n(2)] SubjectId),
    /// An own track and a plan or avoid area of a peer.
    #[n(2)]
    Area(#[n(0)] u32, #[n(1)] PartyId, #[n(2)] SubjectId),
    /// An own plan and a peer's plan, avoid area or a site; or an own avoid area or site and a peer's plan.
    #[n(3)]
    Plans(#[n(0)] SubjectId, #[n(1)] PartyId, #[n(2)] SubjectId),
    /// A peer's information is old.
    #[n(4)]
    PeerLost(#[n(0)] PartyId),
    /// A peer's clock is off.
    #[n(5)]
    Clock(#[n(0)] PartyId),
    /// The parties state different channel states, or the channel is not in force.
    #[n(6)]
    Channel(#[n(0)] PartyId),
    /// A link is frozen.
    #[n(7)]
    Frozen(#[n(0)] PartyId),
    /// A peer holds another pact.
    #[n(8)]
    Pact(#[n(0)] PartyId),
    /// A notice that waits for somebody.
    #[n(9)]
    Notice(#[n(0)] Hash32),
    /// A conflict that a peer found between its aircraft and ours.
    #[n(10)]
    Reported(#[n(0)] PartyId, #[n(1)] u64),
    /// The journal refused inputs: part of what was shown is not in it.
    #[n(11)]
    Gap,
}

/// The facts of a situation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Condition {
    /// The own track.
    #[n(0)]
    pub a: Option<u32>,
    /// The other track.
    #[n(1)]
    pub b: Option<u32>,
    /// Time of closest approach.
    #[n(2)]
    pub cpa: Option<Utc>,
    /// Time the minima are lost.
    #[n(3)]
    pub tin: Option<Utc>,
    /// Distance at closest approach, mm.
    #[n(4)]
    pub dcpa_mm: Option<i64>,
    /// Distance now, mm.
    #[n(5)]
    pub distance_mm: Option<i64>,
    /// Vertical distance at closest approach, 0.1 mm.
    #[n(6)]
    pub vertical: Option<i64>,
    /// What the levels rest on, as [`detect::AltitudeBasis`] numbers it.
    #[n(7)]
    pub basis: Option<u8>,
    /// The minima are lost now.
    #[n(8)]
    pub violation: bool,
    /// Time of the older of the two reports.
    #[n(9)]
    pub data_at: Option<Utc>,
    /// One sentence; empty for what the fields say.
    #[n(10)]
    pub text: String,
    /// Name of `a` for people.
    #[n(11)]
    pub a_label: String,
    /// Name of `b` for people.
    #[n(12)]
    pub b_label: String,
}

impl Condition {
    /// A condition that is one sentence.
    #[must_use]
    pub fn text(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// The alert book with its facts.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct Situations {
    #[n(0)]
    pub(crate) book: AlertBook<Key>,
    /// Facts by alert.
    #[n(1)]
    pub(crate) facts: BTreeMap<u64, Condition>,
}

impl State {
    /// The condition of a situation holds. `level` is 1 caution, 2 warning, 3 alarm. Returns false if it was cut.
    pub(crate) fn hold(&mut self, key: Key, level: u8, mut condition: Condition, now: Now) -> bool {
        let conflict = matches!(key, Key::Conflict(..));
        // These grow with the traffic, or with what a peer sends; the others with the number of peers and notices.
        let many = conflict || matches!(key, Key::Site(..) | Key::Area(..) | Key::Plans(..) | Key::Reported(..));
        if many && self.situations.book.get(&key).is_none() {
            let same = |k: &Key| core::mem::discriminant(k) == core::mem::discriminant(&key);
            let open = self.situations.book.open().filter(|(k, _)| same(k)).count();
            if open >= crate::detecting::CONFLICTS_MAX {
                self.cut = self.cut.saturating_add(1);
                return false;
            }
        }
        // One that is gone keeps the name it had.
        let named = |id: Option<u32>| id.and_then(|id| self.picture.get(id)).map(label);
        (condition.a_label, condition.b_label) =
            (named(condition.a).unwrap_or(condition.a_label), named(condition.b).unwrap_or(condition.b_label));
        let level = match level {
            3 => Level::Alarm,
            2 => Level::Warning,
            _ => Level::Caution,
        };
        let change = self.situations.book.hold(key.clone(), level, now);
        self.situations.facts.insert(change.id(), condition);
        if conflict && matches!(change, Change::Raised(_) | Change::Worsened(_)) {
            self.fresh_conflicts.push(key);
        }
        true
    }

    /// Lets time pass over the situations of one kind that do not hold: they end by themselves when their hold time is
    /// over. Nothing to do here but for those whose subject is gone: these end at once.
    pub(crate) fn end_absent(&mut self, holding: &BTreeSet<Key>, of_kind: impl Fn(&Key) -> bool, now: Now) {
        let gone = |key: &Key| match key {
            // While one of them flies and the other is no longer heard, until the prediction is past.
            Key::Conflict(a, b) => match (self.picture.get(*a), self.picture.get(*b)) {
                (Some(_), Some(_)) => false,
                (None, None) => true,
                _ => {
                    let alert = self.situations.book.get(key).and_then(|a| self.situations.facts.get(&a.id));
                    alert.and_then(|facts| facts.cpa).is_none_or(|cpa| cpa < now.utc)
                }
            },
            Key::Site(t, ..) | Key::Area(t, ..) => self.picture.get(*t).is_none(),
            _ => false,
        };
        let ended: alloc::vec::Vec<Key> = self
            .situations
            .book
            .open()
            .map(|(key, _)| key)
            .filter(|key| of_kind(key) && !holding.contains(key) && gone(key))
            .cloned()
            .collect();
        for key in ended {
            self.situations.book.end(&key, now);
        }
    }

    /// Passes time over all alerts, and forgets facts of alerts that are no longer shown.
    pub(crate) fn tick_alerts(&mut self, now: Now) {
        self.situations.book.tick(now);
        let book = &self.situations.book;
        let shown: BTreeSet<u64> = book.open().map(|(_, a)| a.id).chain(book.history().map(|(_, a)| a.id)).collect();
        self.situations.facts.retain(|id, _| shown.contains(id));
    }
}

/// What people call a track: callsign, else address, else its number.
#[must_use]
pub fn label(track: &SystemTrack) -> String {
    if let Some(callsign) = track.contributions.iter().find_map(|c| c.report.callsign) {
        return callsign.to_string();
    }
    match track.address {
        Some(address) => address.to_string(),
        None => format!("#{}", track.id),
    }
}
