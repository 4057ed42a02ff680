//! Several tracks of one aircraft: what has no address of its own, and flies where another track does, belongs to that one.
//!
//! The picture joins by address. A ground system's track of the same aircraft (TIS-B), a radar's, or a release without identity has
//! none, and would be in conflict with the aircraft itself. Such a track is joined to another one here: it is then part of it, shown
//! with it, and looked for by nobody, until it leaves it again. Joined is
//!
//! - what agrees with the other by callsign or Mode A code, at the first look at which both are in one place;
//! - a ground system's track that began in the place of an aircraft with an address, at that look;
//! - anything else that began in one place with an aircraft that is not our own, after [`LOOKS`] looks in [`LASTING_MS`].
//!
//! Never: two with addresses, two whose names differ, two that one source tells apart (of a ground system's track see above; of those that
//! are joined to one aircraft already, too), what two peers say, and an own aircraft with what a peer says: that would hide one of them. Nor
//! is an own aircraft joined with what merely keeps near it: an alarm about the two would end. What a peer says is part of what an own sensor
//! sees and not the other way round, so that its words hide nothing. A formation is two addresses, or tracks that
//! were seen apart. Two looks outside the gate part what was joined, and an officer parts it for good.
use crate::command::{Answer, Done, Refused};
use crate::picture::{Picture, Standing, SystemTrack};
use crate::state::State;
use crate::unjudged::is_cell;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use track::{Closeness, GATE_M, GATE_S, Names, SourceClass, closeness, names};
use units::{Now, Utc};

/// Looks in one place before a track without a name is joined.
const LOOKS: u8 = 5;
/// And the time that they have to span, milliseconds.
const LASTING_MS: i64 = 10_000;
/// Looks outside the gate that part what was joined.
const OUTSIDE: u8 = 2;
/// Tracks that one without an address began in the place of: nearer ones than these are a crowd, of which none is it for sure.
const CANDIDATES_MAX: usize = 4;
/// Pairs that an officer parted, or that parted themselves: of 8 B. When it is full nothing more is joined.
const APART_MAX: usize = 20_000;
/// A track goes on by itself when the one it belongs to has been silent for so much longer.
const SILENT_MS: i64 = 10_000;
/// Fastest that is looked for, m/s: Mach 2.
const SPEED_MAX_MPS: f64 = 600.0;

/// What is known of which tracks are one.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Correlation {
    /// A track and what it belongs to.
    #[n(0)]
    joined: BTreeMap<u32, Joined>,
    /// Tracks without an address, and what they may belong to.
    #[n(1)]
    candidates: BTreeMap<u32, Vec<Candidate>>,
    /// Pairs that are two, the lower number first.
    #[n(2)]
    apart: BTreeSet<(u32, u32)>,
    #[n(3)]
    pub(crate) counts: Counts,
}

/// What came of it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Counts {
    /// Tracks joined.
    #[n(0)]
    pub joined: u64,
    /// Of these, parted again because they were in two places.
    #[n(1)]
    pub parted: u64,
    /// Parted by an officer.
    #[n(2)]
    pub undone: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Joined {
    #[n(0)]
    to: u32,
    #[n(1)]
    outside: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct Candidate {
    #[n(0)]
    of: u32,
    #[n(1)]
    looks: u8,
    #[n(2)]
    since: Utc,
}

impl Correlation {
    /// What a track belongs to, if it is not one by itself.
    pub(crate) fn part_of(&self, id: u32) -> Option<u32> {
        self.joined.get(&id).map(|joined| joined.to)
    }

    /// The tracks that belong to another one.
    pub(crate) fn joined(&self) -> impl Iterator<Item = (u32, u32)> {
        self.joined.iter().map(|(id, joined)| (*id, joined.to))
    }

    fn are_apart(&self, a: u32, b: u32) -> bool {
        self.apart.contains(&(a.min(b), a.max(b))) || self.apart.len() >= APART_MAX
    }

    fn forget(&mut self, picture: &Picture) {
        let is_there = |id: u32| picture.get(id).is_some();
        self.candidates.retain(|id, of| {
            of.retain(|candidate| is_there(candidate.of));
            is_there(*id) && !of.is_empty()
        });
        self.apart.retain(|(a, b)| is_there(*a) && is_there(*b));
    }
}

impl State {
    /// A track has a new report. Gives tracks that are by themselves again, or no longer.
    pub(crate) fn correlate(&mut self, id: u32) -> Vec<u32> {
        if !self.alerting.rules.joins {
            return Vec::new();
        }
        let Some(track) = self.picture.get(id) else { return Vec::new() };
        if let Some(joined) = self.correlation.joined.get(&id).copied() {
            return self.look_at_joined(id, joined);
        }
        let begins = track.prev.is_none();
        if track.address.is_some() {
            if begins {
                self.begins_among(id);
            }
            return Vec::new();
        }
        let is_named = track.last.callsign.is_some() || track.last.mode_a.is_some();
        if begins || is_named && !self.correlation.candidates.contains_key(&id) {
            let found = self.in_one_place(id);
            self.begin(id, &found);
        }
        self.look_at_candidates(id)
    }

    /// A track with an address that begins where one without flies: it may be that one.
    fn begins_among(&mut self, id: u32) {
        for other in self.in_one_place(id) {
            if self.picture.get(other).is_some_and(|t| t.address.is_none()) {
                let of = self.correlation.candidates.entry(other).or_default();
                if of.len() < CANDIDATES_MAX && of.iter().all(|c| c.of != id) {
                    of.push(Candidate { of: id, looks: 0, since: self.now.utc });
                }
            }
        }
    }

    fn begin(&mut self, id: u32, found: &[u32]) {
        if (1..=CANDIDATES_MAX).contains(&found.len()) {
            let candidate = |of: &u32| Candidate { of: *of, looks: 0, since: self.now.utc };
            self.correlation.candidates.insert(id, found.iter().map(candidate).collect());
        }
    }

    /// Tracks within the gate that can be the same aircraft.
    fn in_one_place(&self, id: u32) -> Vec<u32> {
        let Some(track) = self.picture.get(id) else { return Vec::new() };
        let near = self.picture.near(&track.last, GATE_M + GATE_S * SPEED_MAX_MPS);
        let is_one = |other: &u32| {
            let other = self.picture.get(*other).filter(|other| other.id != id);
            other.is_some_and(|o| can_be_one(track, o) && closeness(&track.last, &o.last) == Closeness::Inside)
        };
        near.into_iter().filter(is_one).collect()
    }

    fn look_at_candidates(&mut self, id: u32) -> Vec<u32> {
        let Some(mut candidates) = self.correlation.candidates.remove(&id) else { return Vec::new() };
        let Some(track) = self.picture.get(id) else { return Vec::new() };
        let (mut best, alone) = (None, candidates.len() == 1);
        candidates.retain_mut(|candidate| {
            let Some(other) = self.picture.get(candidate.of) else { return false };
            if !can_be_one(track, other) || self.correlation.are_apart(id, other.id) {
                return false;
            }
            match closeness(&track.last, &other.last) {
                Closeness::Unknown => return true,
                // Seen apart: they are two, unless their names say otherwise.
                Closeness::Outside => return names(&track.last, &other.last) == Names::Agree,
                Closeness::Inside => candidate.looks = candidate.looks.saturating_add(1),
            }
            let of_ours = track.is_own() || other.is_own();
            let lasting = !of_ours && candidate.looks >= LOOKS && track.last.at.since_ms(candidate.since) >= LASTING_MS;
            let agrees = names(&track.last, &other.last) == Names::Agree;
            let of_ground = is_of_ground_system(track) && other.address.is_some();
            let free = self.correlation.part_of(other.id).is_none() && self.has_no_part_of(track, other);
            if free && (agrees || alone && (of_ground || lasting)) && best.is_none() {
                best = Some(other.id);
            }
            true
        });
        let Some(other) = best.and_then(|other| self.picture.get(other)) else {
            if !candidates.is_empty() {
                self.correlation.candidates.insert(id, candidates);
            }
            return Vec::new();
        };
        self.correlation.candidates.insert(id, candidates);
        let (part, whole) = if weight(track) < weight(other) { (other.id, id) } else { (id, other.id) };
        self.correlation.joined.insert(part, Joined { to: whole, outside: 0 });
        self.correlation.counts.joined += 1;
        Vec::from([part])
    }

    fn look_at_joined(&mut self, id: u32, joined: Joined) -> Vec<u32> {
        let whole = self.picture.get(joined.to);
        let Some((track, other)) = self.picture.get(id).zip(whole) else {
            return self.part(id);
        };
        let differs = names(&track.last, &other.last) == Names::Differ || !can_be_one(track, other);
        if track.last.at.since_ms(other.last.at) > SILENT_MS {
            return self.part(id);
        }
        let outside = match closeness(&track.last, &other.last) {
            Closeness::Outside => joined.outside + 1,
            Closeness::Inside => 0,
            Closeness::Unknown => joined.outside,
        };
        if differs || outside >= OUTSIDE {
            self.correlation.counts.parted += 1;
            self.keep_apart(id, joined.to);
            return self.part(id);
        }
        self.correlation.joined.insert(id, Joined { outside, ..joined });
        Vec::new()
    }

    fn keep_apart(&mut self, a: u32, b: u32) {
        self.correlation.apart.insert((a.min(b), a.max(b)));
    }

    fn part(&mut self, id: u32) -> Vec<u32> {
        self.correlation.joined.remove(&id);
        Vec::from([id])
    }

    /// Once a second: what belongs to a track that is silent or gone is by itself again. Gives those.
    pub(crate) fn part_from_silent(&mut self, now: Now) -> Vec<u32> {
        let is_silent = |(part, whole): &(u32, u32)| {
            let Some(track) = self.picture.get(*part) else { return true };
            let age_ms = |t: &SystemTrack| now.utc.since_ms(t.last.at);
            self.picture.get(*whole).is_none_or(|w| age_ms(w) > age_ms(track) + SILENT_MS || w.last.on_ground)
        };
        let free: Vec<u32> = self.correlation.joined().filter(is_silent).map(|(part, _)| part).collect();
        self.correlation.joined.retain(|part, _| !free.contains(part));
        self.correlation.forget(&self.picture);
        free
    }

    /// Whether a track is in the air, and an aircraft by itself.
    pub(crate) fn flies_alone(&self, track: &SystemTrack) -> bool {
        !track.last.on_ground && self.correlation.part_of(track.id).is_none()
    }

    /// Whether no source of one of two tracks tells of a part of the other: it would be one of two that it tells apart.
    fn has_no_part_of(&self, a: &SystemTrack, b: &SystemTrack) -> bool {
        let parts = self.correlation.joined().filter(|(_, whole)| *whole == a.id || *whole == b.id);
        let mut parts = parts.filter_map(|(part, _)| self.picture.get(part));
        parts.all(|part| !share_source(part, a) && !share_source(part, b))
    }

    /// An officer parts what was joined: they are two.
    pub(crate) fn separate(&mut self, id: u32) -> Answer {
        let Some(whole) = self.correlation.part_of(id) else {
            return Err(Refused::NoSuch { what: "track that is joined to another".into(), given: id.to_string() });
        };
        self.keep_apart(id, whole);
        self.correlation.counts.undone += 1;
        for id in self.part(id) {
            self.index_track(id);
        }
        Ok(Done::Ok)
    }
}

/// Whether two tracks can be one aircraft, wherever they are.
fn can_be_one(a: &SystemTrack, b: &SystemTrack) -> bool {
    let names_differ = names(&a.last, &b.last) == Names::Differ;
    let both_addressed = a.address.is_some() && b.address.is_some();
    let of_peer = |t: &SystemTrack| t.contributions.iter().any(|c| c.standing == Standing::Released);
    let own_and_peers = a.is_own() && of_peer(b) || b.is_own() && of_peer(a) || a.is_own() && b.is_own();
    let told_apart = share_source(a, b);
    let of_two_peers = !is_seen(a) && !a.is_own() && !is_seen(b) && !b.is_own();
    let one_of_ground = is_of_ground_system(a) && b.address.is_some() || is_of_ground_system(b) && a.address.is_some();
    let grounded = a.last.on_ground || b.last.on_ground;
    // The place of a cell, or of a coarse grid, says nothing.
    let wide = |mm: u32| f64::from(mm) > GATE_M * 1000.0;
    let coarse = |t: &SystemTrack| is_cell(t) || wide(t.chosen().precision_mm) || wide(t.last.accuracy_mm.unwrap_or(0));
    let vague = grounded || coarse(a) || coarse(b);
    !(names_differ || both_addressed || own_and_peers || of_two_peers || vague || told_apart && !one_of_ground)
}

fn share_source(a: &SystemTrack, b: &SystemTrack) -> bool {
    a.contributions.iter().any(|c| b.contributions.iter().any(|d| c.source == d.source))
}

/// By an own sensor.
fn is_seen(track: &SystemTrack) -> bool {
    track.contributions.iter().any(|c| c.standing == Standing::Observed)
}

/// The lighter is part of the heavier: nothing that own sensors see is hidden behind what a peer says of it. Of equals that with an
/// address stays, then the older one. Least is heaviest.
fn weight(track: &SystemTrack) -> (u8, bool, u32) {
    let standing = match (track.is_own(), is_seen(track)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    (standing, track.address.is_none(), track.id)
}

/// A ground system's track: it says so, or has a number of such a system in place of an address.
fn is_of_ground_system(track: &SystemTrack) -> bool {
    track.address.is_none()
        && (track.last.source == SourceClass::TisB || track.last.address.is_some_and(|address| !address.is_icao()))
}
