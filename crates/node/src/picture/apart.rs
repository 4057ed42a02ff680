//! Where parties tell of one aircraft what cannot be true of one: the newcomer's word is a track of its own.
//!
//! No peer can move an aircraft by its word alone: what an own feed says of it, else what the peer that told of it first
//! says, goes on as it was, and what contradicts it is shown and judged beside it. Which of the two is right nobody here
//! knows: an own sensor may have been deceived as well. So neither hides the other.
use super::{Contribution, Picture, Source, Standing, SystemTrack, leave};
use alloc::vec::Vec;
use detect::AGE_MAX_MS;
use record::ReleaseForm;
use track::{Address, TrackReport};
use units::{Height, Now, Utc, earth};

/// What two sources may differ by in the same moment, m: 2 NM. A radar's and a receiver's clocks and positions differ by some
/// hundred metres; a peer's clock may be off by 5 s (clause 13.2), 1.3 km at 250 m/s.
const PLACE_M: f64 = 2.0 * 1852.0;
/// What two sources may differ by in velocity, m/s: 100 kt.
const VELOCITY_MPS: f64 = 50.0;
/// Acceleration between two reports, m/s²: 1 g, a turn of 45 degrees of bank.
const TURN_MPS2: f64 = 10.0;
/// Assumed of what does not say how fast it is, m/s; as the release of cells assumes.
const SPEED_ASSUMED_MPS: f64 = 350.0;
/// Assumed between reports too far apart to be brought to one time, m/s: nothing flies from one to the other faster.
const SPEED_MAX_MPS: f64 = 600.0;
/// What two sources may differ by in level: 1,000 ft, a minimum, so that levels told wrong by less are found to conflict.
const LEVEL: Height = Height::from_feet(1_000);
/// Climb between two reports, m/s: 10,000 ft/min.
const CLIMB_MPS: f64 = 50.0;
/// A release that may be off by more than this does not come before what an own sensor sees, m.
const VAGUE_M: f64 = 1852.0;

impl Contribution {
    /// How far off it may be by its own word, m.
    fn radius_m(&self) -> f64 {
        f64::from(self.precision_mm) / 1000.0 + self.report.accuracy_mm.map_or(0.0, |mm| f64::from(mm) / 1000.0)
    }

    /// Whether it tells of a wide area only.
    fn is_vague(&self) -> bool {
        self.form == ReleaseForm::Coarse || self.radius_m() > VAGUE_M
    }

    /// Whether it tells no more than a wide area of where the aircraft is at a time.
    pub(super) fn is_vague_at(&self, at: Utc) -> bool {
        let late_s = at.since_s(self.report.at).max(0.0);
        let drift_m = turned_m(late_s, velocity(&self.report).is_some());
        self.is_vague() || self.radius_m() + drift_m > VAGUE_M
    }

    /// Whether a release says less of where the aircraft is and goes than a sensor: it must not take that from the picture.
    pub(super) fn says_less_than(&self, sensor: &Self) -> bool {
        let (theirs, seen) = (&self.report, &sensor.report);
        let level = |a: Option<Height>, b: Option<Height>| a.is_none() && b.is_some();
        theirs.on_ground && !seen.on_ground
            || level(theirs.pressure, seen.pressure)
            || level(theirs.geometric.or(theirs.pressure), seen.geometric)
            || velocity(theirs).is_none() && velocity(seen).is_some()
    }

    /// Whether it keeps from another release of the same aircraft that it flies, or where to.
    pub(super) fn stands_stiller_than(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.report, &other.report);
        ours.on_ground && !theirs.on_ground || velocity(ours).is_none() && velocity(theirs).is_some()
    }

    /// Whether this and another party's report cannot be of one aircraft; `share` of what they may differ by.
    fn contradicts(&self, other: &Self, share: f64) -> bool {
        // Cells have no names: one that has is nobody's honest word, is used before nothing, and says nothing of a place.
        if self.form == ReleaseForm::Coarse || other.form == ReleaseForm::Coarse {
            return false;
        }
        let (old, new) = if self.report.at <= other.report.at {
            (&self.report, &other.report)
        } else {
            (&other.report, &self.report)
        };
        let late_ms = new.at.since_ms(old.at);
        let late_s = late_ms as f64 / 1000.0;
        let place = |r: &TrackReport| earth::surface(r.position.lat(), r.position.lon());
        let (mut p, q) = (place(old), place(new));
        let radius_m = self.radius_m() + other.radius_m();
        if late_ms > AGE_MAX_MS {
            let apart_m = earth::norm(earth::sub(p, q));
            return apart_m > share * PLACE_M + radius_m + SPEED_MAX_MPS * late_s;
        }
        let (v, w) = (velocity(old), velocity(new));
        if let Some(v) = v.or(w) {
            p = [p[0] + v[0] * late_s, p[1] + v[1] * late_s, p[2] + v[2] * late_s];
        }
        let apart_m = earth::norm(earth::sub(p, q));
        let known = v.is_some() || w.is_some();
        let turns = |v, w| earth::norm(earth::sub(v, w)) > share * VELOCITY_MPS + TURN_MPS2 * late_s;
        let levels = |a: Option<Height>, b: Option<Height>| {
            let apart = a.zip(b).map(|(a, b)| (f64::from(a.0) - f64::from(b.0)).abs());
            let climb = CLIMB_MPS * late_s * f64::from(Height::PER_METRE);
            apart.is_some_and(|apart| apart > share * f64::from(LEVEL.0) + climb)
        };
        apart_m > share * PLACE_M + radius_m + turned_m(late_s, known)
            || v.zip(w).is_some_and(|(v, w)| turns(v, w))
            || levels(old.pressure, new.pressure)
            || levels(old.geometric, new.geometric)
    }

    /// Whether this stays where it is when the two contradict each other.
    fn stays_before(&self, other: &Self) -> bool {
        let key = |c: &Self| (c.standing == Standing::Released, c.is_vague(), c.since);
        key(self) <= key(other)
    }

    fn is_of_another_party(&self, other: &Self) -> bool {
        let is_peer = |c: &Self| matches!(c.source, Source::Peer(_));
        self.source != other.source && (is_peer(self) || is_peer(other))
    }
}

fn velocity(report: &TrackReport) -> Option<earth::Vec3> {
    let (speed, track) = (report.speed?, report.track);
    if speed.0 == 0 {
        return Some([0.0; 3]);
    }
    Some(earth::velocity(report.position.lat(), report.position.lon(), speed.mps(), track?.degrees()))
}

/// How far from where it is expected an aircraft may be after so many seconds, m.
fn turned_m(late_s: f64, velocity_known: bool) -> f64 {
    if velocity_known { 0.5 * TURN_MPS2 * late_s * late_s } else { SPEED_ASSUMED_MPS * late_s }
}

/// Where a report of a track that there is belongs.
pub(super) enum Place {
    /// To this track.
    At(u32),
    /// To a new one beside that of the same address.
    Beside(Address),
}

impl Picture {
    /// The track to which a report belongs that was found to be of `found`: that one, or one beside it.
    pub(super) fn place(&self, found: u32, c: &mut Contribution, now: Now) -> Place {
        let address = self.tracks.get(&found).and_then(|t| t.address);
        let Some((address, Source::Peer(_))) = address.map(|a| (a, c.source)) else { return Place::At(found) };
        let main = self.by_address.get(&address).copied().unwrap_or(found);
        let Some(track) = self.tracks.get(&main) else { return Place::At(found) };
        if let Some(held) = track.contributions.iter().find(|held| held.source == c.source) {
            c.since = held.since;
        }
        let beside = self.apart.get(&(address, c.source)).copied();
        // Who is beside it comes back only when it is well within, so that a track at the border is not one and two in turn.
        let known = self.by_local.get(&(c.source, c.local)).copied();
        let share = if beside.is_some() && known == beside { 0.5 } else { 1.0 };
        let bars = |d: &Contribution| {
            d.is_of_another_party(c)
                && !super::is_ahead(d.report.at, now)
                && d.stays_before(c)
                && d.contradicts(c, share)
        };
        if !track.contributions.iter().any(bars) {
            return Place::At(main);
        }
        beside.map_or(Place::Beside(address), Place::At)
    }

    /// Puts aside what the report that a track just got contradicts. Tells whether what was in use is among it.
    pub(super) fn put_aside(&mut self, id: u32, source: Source) -> bool {
        let Some(track) = self.tracks.get_mut(&id) else { return false };
        let (Some(address), last) = (track.address, track.last) else { return false };
        let Some(c) = track.contributions.iter().find(|c| c.source == source).cloned() else { return false };
        let gone = |d: &mut Contribution| {
            d.standing == Standing::Released
                && d.is_of_another_party(&c)
                && !d.stays_before(&c)
                && d.contradicts(&c, 1.0)
        };
        let aside: Vec<Contribution> = track.contributions.extract_if(.., gone).collect();
        let was_used = aside.iter().any(|d| d.report == last);
        for d in aside {
            leave(&mut self.held, &d);
            if self.apart.contains_key(&(address, d.source)) {
                // The peer has two of them; the other one goes on.
                self.by_local.remove(&(d.source, d.local));
            } else {
                let id = self.open(d, Some(address), true);
                self.moved.push(id);
            }
        }
        was_used
    }

    /// A track of an address is gone: the eldest of those beside it takes its place.
    pub(super) fn forget_address(&mut self, address: Address, id: u32) {
        let beside = |picture: &Self| -> Vec<(Source, u32)> {
            let all = picture.apart.range((address, Source::Feed(0))..=(address, Source::Peer(u16::MAX)));
            all.map(|((_, source), id)| (*source, *id)).collect()
        };
        if self.by_address.get(&address) != Some(&id) {
            for (source, _) in beside(self).into_iter().filter(|(_, beside)| *beside == id) {
                self.apart.remove(&(address, source));
            }
            return;
        }
        self.by_address.remove(&address);
        let since = |id: &u32| self.tracks.get(id).and_then(|t| t.contributions.first()).map(|c| c.since);
        if let Some((source, eldest)) = beside(self).into_iter().min_by_key(|(_, id)| (since(id), *id)) {
            self.apart.remove(&(address, source));
            self.by_address.insert(address, eldest);
        }
    }

    /// Tracks beside another of the same address, and that other.
    pub(crate) fn disputed(&self) -> impl Iterator<Item = (&SystemTrack, &SystemTrack)> {
        self.apart.iter().filter_map(|((address, _), id)| Some((self.get(*id)?, self.by_address(*address)?)))
    }

    /// Tracks whose report in use changed because another source's was put aside, since this was last asked.
    pub(crate) fn take_moved(&mut self) -> Vec<u32> {
        core::mem::take(&mut self.moved)
    }
}
