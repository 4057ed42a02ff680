//! The picture: one system track of all reports of one aircraft, with every source kept.
//!
//! Correlation is by ICAO 24-bit address; without one, a source's own number for the aircraft. So an aircraft that an
//! own sensor sees and its owner releases is one track and cannot conflict with itself. What cannot be of one aircraft is
//! two tracks, whatever address it has.
mod apart;
#[cfg(test)]
mod tests;

use crate::input::Claim;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use apart::Place;
use minicbor::{Decode, Encode};
use record::ReleaseForm;
use track::{Address, AircraftClass, Callsign, Steady, TrackReport};
use units::{Mono, Now, Utc, earth};

/// A report older than this is stale: shown as such, and not used to predict.
pub const STALE_MS: i64 = 30_000;
/// A track without a report for this long leaves the picture.
pub const DROP_MS: i64 = link::OLD_MS;
/// A report from further in the future than this is refused: the source's clock is wrong.
pub const AHEAD_MS: i64 = 5_000;
/// Aircraft that own feeds together hold as own ones, and again as seen ones, each feed's counted: ten times the busiest hour
/// of a continent's traffic in one area of interest. At about 600 bytes a track 60 MB.
pub const TRACKS_MAX: usize = 100_000;
/// Aircraft of one peer: five times that hour, 30 MB. Each room is its own, so that neither sensors nor a peer take an own
/// aircraft, or another peer's, out of the picture: who is told of it would see how full it is.
pub const PEER_TRACKS_MAX: usize = 50_000;
/// Sources of one track and standing: feeds and peers beyond these are ignored for that track. Each standing has room of
/// its own, so that what sensors and peers say takes none from own feeds.
const CONTRIBUTIONS_MAX: usize = 8;

/// Where a report comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Source {
    /// Own feed, by number.
    #[n(0)]
    Feed(#[n(0)] u16),
    /// Peer, by its number in the state's list of parties.
    #[n(1)]
    Peer(#[n(0)] u16),
}

/// How a source stands to the aircraft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Standing {
    /// Own aircraft on an own feed.
    #[n(0)]
    Own,
    /// Released by a peer.
    #[n(1)]
    Released,
    /// Own sensor, unclaimed.
    #[n(2)]
    Observed,
}

/// The newest report of one source.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Contribution {
    /// Source.
    #[n(0)]
    pub source: Source,
    /// The source's number for the aircraft.
    #[n(1)]
    pub local: u64,
    /// Standing.
    #[n(2)]
    pub standing: Standing,
    /// The report.
    #[n(3)]
    pub report: TrackReport,
    /// Form in which a peer released it.
    #[n(4)]
    pub form: ReleaseForm,
    /// Released precision, mm.
    #[n(5)]
    pub precision_mm: u32,
    /// When it arrived.
    #[n(6)]
    pub received: Mono,
    /// When the source's first report of this track arrived.
    #[n(7)]
    #[cbor(default)]
    pub since: Mono,
}

/// One aircraft.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SystemTrack {
    /// Number, stable while the track lives.
    #[n(0)]
    pub id: u32,
    /// ICAO address by which sources were joined.
    #[n(1)]
    pub address: Option<Address>,
    /// Sources, in order of [`Source`].
    #[n(2)]
    pub contributions: Vec<Contribution>,
    /// The report in use: the newest of the most trusted standing that is not stale.
    #[n(3)]
    pub last: TrackReport,
    /// The one in use before it, for observed separation.
    #[n(4)]
    pub prev: Option<TrackReport>,
    /// When `last` arrived.
    #[n(5)]
    pub received: Mono,
    /// The level that it keeps.
    #[n(6)]
    #[cbor(default)]
    pub steady: Option<Steady>,
}

impl SystemTrack {
    /// Whether it keeps its level, and the vertical rate that it reports is noise.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.steady.is_some_and(|steady| steady.is_noise(&self.last))
    }

    /// The contribution whose report is in use.
    #[must_use]
    pub fn chosen(&self) -> &Contribution {
        // Trust goes by standing: own data of an own aircraft, then what its owner released, then an own sensor. A
        // stale source yields to a fresh one whatever its standing, and a release to a sensor of which it says less, or to
        // another's that says that the aircraft flies, or how. Else of two peers the one that told of it first is believed.
        let newest = self.contributions.iter().map(|c| c.report.at).max().unwrap_or(Utc(0));
        let stale = |c: &Contribution| newest.since_ms(c.report.at) > STALE_MS;
        let seen = self.contributions.iter().filter(|c| c.standing == Standing::Observed && !stale(c));
        let seen = seen.max_by_key(|c| c.report.at);
        let told = |c: &Contribution| {
            let others = self.contributions.iter().filter(|d| d.standing == Standing::Released && d.source != c.source);
            others.filter(|d| !stale(d) && !d.is_vague_at(newest)).any(|d| c.stands_stiller_than(d))
        };
        let key = |c: &&Contribution| {
            let rank = match c.standing {
                Standing::Own => 0,
                Standing::Released
                    if !c.is_vague_at(newest) && !seen.is_some_and(|seen| c.says_less_than(seen)) && !told(c) =>
                {
                    1
                }
                Standing::Observed => 2,
                Standing::Released => 3,
            };
            let since = if c.standing == Standing::Released { c.since } else { Mono(0) };
            (stale(c), rank, since, core::cmp::Reverse(c.report.at))
        };
        match self.contributions.iter().min_by_key(key) {
            Some(c) => c,
            None => unreachable!("a system track has a contribution as long as it lives"),
        }
    }

    /// Whether the party itself flies it.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.contributions.iter().any(|c| c.standing == Standing::Own)
    }

    /// The class by which it is judged: what all say who say one. Where they differ it may be any, and the widest minima hold;
    /// else whoever tells of it could make them smaller. Of an own aircraft own feeds alone are asked.
    #[must_use]
    pub fn class(&self) -> AircraftClass {
        let is_own = self.is_own();
        let asked = self.contributions.iter().filter(|c| !is_own || c.standing == Standing::Own);
        let mut said = asked.map(|c| c.report.class).filter(|class| *class != AircraftClass::Unknown);
        let first = said.next().unwrap_or(AircraftClass::Unknown);
        if said.all(|class| class == first) { first } else { AircraftClass::Unknown }
    }

    /// What it is called: as the report in use says, else as own feeds do, else as the peer does that told of it first.
    #[must_use]
    pub fn callsign(&self) -> Option<Callsign> {
        let said = self.contributions.iter().filter(|c| c.report.callsign.is_some());
        let first = said.min_by_key(|c| (matches!(c.source, Source::Peer(_)), c.since, c.source));
        self.chosen().report.callsign.or_else(|| first.and_then(|c| c.report.callsign))
    }

    /// Who tells of it: the party itself if an own feed or sensor does and has not fallen silent, else the peer; or [`SEVERAL`].
    /// Nobody takes an aircraft from another's share of the desk by telling of it as well.
    #[must_use]
    pub fn teller(&self) -> u16 {
        let newest = self.contributions.iter().map(|c| c.report.at).max().unwrap_or(Utc(0));
        let own = |c: &Contribution| matches!(c.source, Source::Feed(_)) && newest.since_ms(c.report.at) <= STALE_MS;
        if self.contributions.iter().any(own) {
            return 0;
        }
        let mut peers = self.contributions.iter().filter_map(|c| match c.source {
            Source::Peer(number) => Some(number),
            Source::Feed(_) => None,
        });
        match (peers.next(), peers.next()) {
            (Some(peer), None) => peer,
            (Some(_), Some(_)) => SEVERAL,
            (None, _) => 0,
        }
    }
}

/// Number of no peer: those of whom several tell.
pub(crate) const SEVERAL: u16 = u16::MAX;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is the newest of its track.
    New(u32),
    /// It is the newest of its source, and another source's is in use.
    Kept(u32),
    /// It is older than what its source already said, or a repetition.
    Old(u32),
    /// It applies to a time too far ahead of now.
    Ahead,
    /// It is too old to be part of the picture.
    TooOld,
    /// The source's room is full.
    Full,
}

/// All system tracks.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct Picture {
    #[n(0)]
    next: u32,
    #[n(1)]
    tracks: BTreeMap<u32, SystemTrack>,
    #[n(2)]
    by_address: BTreeMap<Address, u32>,
    #[n(3)]
    by_local: BTreeMap<(Source, u64), u32>,
    /// Derived from `tracks`, rebuilt after a snapshot.
    #[cbor(skip)]
    cells: Cells,
    /// Own tracks that a further own feed brings, until they are taken.
    #[cbor(skip)]
    joined: Vec<u32>,
    /// Tracks that have left since the last [`Picture::expire`], because their only source knows them as others now.
    #[n(4)]
    #[cbor(default)]
    left: Vec<u32>,
    /// Tracks beside that of the same address, by the peer that tells of them.
    #[n(5)]
    #[cbor(default)]
    apart: BTreeMap<(Address, Source), u32>,
    /// Tracks that must be looked at because another changed, until they are taken.
    #[cbor(skip)]
    moved: Vec<u32>,
    /// Contributions by room; derived from `tracks`.
    #[cbor(skip)]
    held: BTreeMap<Room, usize>,
}

/// Whose room a contribution takes: by standing, and the peer's number if it is one's.
type Room = (Standing, u16);

const fn room(source: Source, standing: Standing) -> Room {
    match source {
        Source::Feed(_) => (standing, 0),
        Source::Peer(peer) => (standing, peer),
    }
}

fn enter(held: &mut BTreeMap<Room, usize>, c: &Contribution) {
    *held.entry(room(c.source, c.standing)).or_default() += 1;
}

fn leave(held: &mut BTreeMap<Room, usize>, c: &Contribution) {
    let room = room(c.source, c.standing);
    match held.get_mut(&room) {
        Some(count) if *count > 1 => *count -= 1,
        // As in a picture that was rebuilt.
        _ => drop(held.remove(&room)),
    }
}

impl Default for Picture {
    fn default() -> Self {
        Self {
            next: 1,
            tracks: BTreeMap::new(),
            by_address: BTreeMap::new(),
            by_local: BTreeMap::new(),
            cells: Cells::default(),
            joined: Vec::new(),
            left: Vec::new(),
            apart: BTreeMap::new(),
            moved: Vec::new(),
            held: BTreeMap::new(),
        }
    }
}

impl Picture {
    /// Number of tracks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tracks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// A track by number.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&SystemTrack> {
        self.tracks.get(&id)
    }

    /// The track to which a source contributes under its own number.
    #[must_use]
    pub fn by_source(&self, source: Source, local: u64) -> Option<u32> {
        self.by_local.get(&(source, local)).copied()
    }

    /// The source's own numbers from `least` on, in order, and the tracks to which they belong.
    pub(crate) fn of_source(&self, source: Source, least: u64) -> impl Iterator<Item = (u64, &SystemTrack)> {
        let all = self.by_local.range((source, least)..=(source, u64::MAX));
        all.filter_map(|((_, local), id)| Some((*local, self.get(*id)?)))
    }

    /// The track of an ICAO address.
    #[must_use]
    pub fn by_address(&self, address: Address) -> Option<&SystemTrack> {
        self.by_address.get(&address).and_then(|id| self.get(*id))
    }

    /// All tracks, by number.
    pub fn iter(&self) -> impl Iterator<Item = &SystemTrack> {
        self.tracks.values()
    }

    /// Folds a report into its track. Of a report that is not taken nothing is kept: a source's numbers are as many as its
    /// contributions.
    pub fn take(&mut self, from: &Origin, report: TrackReport, now: Now) -> Taken {
        if is_ahead(report.at, now) {
            return Taken::Ahead;
        }
        if now.utc.since_ms(report.at) > DROP_MS {
            return Taken::TooOld;
        }
        let mut contribution = Contribution {
            source: from.source,
            local: report.local,
            standing: from.standing,
            report,
            form: from.form,
            precision_mm: from.precision_mm,
            received: now.mono,
            since: now.mono,
        };
        let icao = report.address.filter(|a| a.is_icao());
        let place = self.find(from.source, &report).map(|id| self.place(id, &mut contribution, now));
        match place {
            None => self.create(contribution, icao, false),
            Some(Place::Beside(address)) => self.create(contribution, Some(address), true),
            Some(Place::At(id)) => self.take_at(id, contribution, icao, now),
        }
    }

    fn take_at(&mut self, id: u32, contribution: Contribution, icao: Option<Address>, now: Now) -> Taken {
        let Contribution { source, local, standing, report, .. } = contribution;
        let has_room = self.has_room(&contribution);
        let Some(track) = self.tracks.get_mut(&id) else { return Taken::Full };
        let is_known = track.contributions.iter().any(|c| (c.source, c.standing) == (source, standing));
        if !is_known && !has_room {
            return Taken::Full;
        }
        // What was taken before the clock was set back seems to come from ahead: it says nothing of now, and must not keep
        // out what does.
        for c in track.contributions.extract_if(.., |c| is_ahead(c.report.at, now)) {
            leave(&mut self.held, &c);
            self.by_local.remove(&(c.source, c.local));
        }
        let was_ahead = is_ahead(track.last.at, now);
        let at = track.contributions.binary_search_by_key(&source, |c| c.source);
        match at {
            Ok(at) if track.contributions[at].report.at >= report.at => return Taken::Old(id),
            Err(_) if track.contributions.iter().filter(|c| c.standing == standing).count() >= CONTRIBUTIONS_MAX => {
                return Taken::Old(id);
            }
            _ => {}
        }
        // A track that had no address until now gets it.
        if let (None, Some(address)) = (track.address, icao) {
            track.address = Some(address);
            self.by_address.insert(address, id);
        }
        enter(&mut self.held, &contribution);
        match at {
            Ok(at) => {
                let before = core::mem::replace(&mut track.contributions[at], contribution);
                leave(&mut self.held, &before);
                if before.local != local {
                    self.by_local.remove(&(source, before.local));
                }
            }
            Err(at) => {
                if standing == Standing::Own && track.is_own() {
                    self.joined.push(id);
                }
                track.contributions.insert(at, contribution);
            }
        }
        self.rehome((source, local), id);
        let is_new_place = self.put_aside(id, source) || was_ahead;
        let Some(track) = self.tracks.get_mut(&id) else { return Taken::Full };
        let chosen = track.chosen().report;
        if chosen.at <= track.last.at && !is_new_place {
            return Taken::Kept(id);
        }
        track.prev = Some(track.last).filter(|_| !is_new_place);
        track.steady = match &track.prev {
            Some(before) => Steady::after(track.steady, before, &chosen),
            None => Steady::new(&chosen),
        };
        track.last = chosen;
        track.received = now.mono;
        self.cells.upsert(id, &chosen);
        Taken::New(id)
    }

    /// The track this report belongs to by its names, if there is one.
    fn find(&self, source: Source, report: &TrackReport) -> Option<u32> {
        let known = self.by_local.get(&(source, report.local)).copied();
        let Some(address) = report.address.filter(|a| a.is_icao()) else { return known };
        // One that is known by another address is another aircraft.
        let nameless = |id: &u32| self.tracks.get(id).is_some_and(|track| track.address.is_none());
        self.by_address.get(&address).copied().or_else(|| known.filter(nameless))
    }

    /// Whether a contribution to another track fits: its number may bring the room that it has.
    fn has_room(&self, c: &Contribution) -> bool {
        let before = self.by_local.get(&(c.source, c.local)).and_then(|id| self.tracks.get(id));
        let same = |held: &Contribution| (held.source, held.standing) == (c.source, c.standing);
        before.is_some_and(|track| track.contributions.iter().any(same))
            || !is_full(&self.held, room(c.source, c.standing))
    }

    fn create(&mut self, first: Contribution, address: Option<Address>, is_apart: bool) -> Taken {
        if !self.has_room(&first) {
            return Taken::Full;
        }
        Taken::New(self.open(first, address, is_apart))
    }

    /// A new track, whatever room there is.
    fn open(&mut self, first: Contribution, address: Option<Address>, is_apart: bool) -> u32 {
        enter(&mut self.held, &first);
        let id = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        let (number, report, received) = ((first.source, first.local), first.report, first.received);
        if let Some(address) = address {
            if is_apart {
                self.apart.insert((address, first.source), id);
            } else {
                self.by_address.insert(address, id);
            }
        }
        self.cells.upsert(id, &report);
        let contributions = alloc::vec![first];
        let steady = Steady::new(&report);
        self.tracks.insert(id, SystemTrack { id, address, contributions, last: report, prev: None, received, steady });
        self.rehome(number, id);
        id
    }

    /// The source's number now belongs to `id`; what it contributed elsewhere is taken from there.
    fn rehome(&mut self, number: (Source, u64), id: u32) {
        let Some(old) = self.by_local.insert(number, id).filter(|old| *old != id) else { return };
        let Some(track) = self.tracks.get_mut(&old) else { return };
        let mut was_used = false;
        for c in track.contributions.extract_if(.., |c| c.source == number.0) {
            was_used |= c.report == track.last;
            leave(&mut self.held, &c);
        }
        if track.contributions.is_empty() {
            self.remove(old);
            self.left.push(old);
        } else if was_used {
            (track.prev, track.last) = (None, track.chosen().report);
            track.steady = Steady::new(&track.last);
            self.cells.upsert(old, &track.last);
            self.moved.push(old);
        }
    }

    /// Drops what has had no report for [`DROP_MS`]; returns the tracks that left since the last time.
    pub fn expire(&mut self, now: Now) -> Vec<u32> {
        let (mut gone, left) = (Vec::new(), core::mem::take(&mut self.left));
        for track in self.tracks.values_mut() {
            let old = |c: &Contribution| {
                let is_past = now.utc.since_ms(c.report.at) > DROP_MS || is_ahead(c.report.at, now);
                is_past && now.mono.since_ms(c.received) as i64 > DROP_MS
            };
            if track.contributions.len() > 1
                && track.contributions.iter().any(old)
                && !track.contributions.iter().all(old)
            {
                // Its number goes with it, whoever else still hears the aircraft.
                for c in track.contributions.extract_if(.., |c| old(c)) {
                    leave(&mut self.held, &c);
                    self.by_local.remove(&(c.source, c.local));
                }
            } else if track.contributions.iter().all(old) {
                gone.push(track.id);
            }
        }
        for id in &gone {
            self.remove(*id);
        }
        gone.extend(left);
        gone
    }

    fn remove(&mut self, id: u32) {
        if let Some(track) = self.tracks.remove(&id) {
            if let Some(address) = track.address {
                self.forget_address(address, id);
            }
            for c in &track.contributions {
                leave(&mut self.held, c);
                self.by_local.remove(&(c.source, c.local));
            }
            self.cells.remove(id);
        }
    }

    /// Tracks whose last report lies within `reach_m` of a point, over-counted, in order of number.
    #[must_use]
    pub fn near(&self, report: &TrackReport, reach_m: f64) -> Vec<u32> {
        self.cells.near(report, reach_m)
    }

    /// Own tracks that a further own feed brings since this was last asked.
    pub(crate) fn take_joined(&mut self) -> Vec<u32> {
        core::mem::take(&mut self.joined)
    }

    /// Rebuilds what is derived, after a snapshot was read.
    pub fn rebuild(&mut self) {
        // A number without a contribution, of a version that kept such, means nothing.
        let Self { tracks, by_local, .. } = self;
        let holds = |c: &Contribution, number: (Source, u64)| (c.source, c.local) == number;
        by_local.retain(|number, id| tracks.get(id).is_some_and(|t| t.contributions.iter().any(|c| holds(c, *number))));
        self.held.clear();
        self.tracks.values().flat_map(|t| &t.contributions).for_each(|c| enter(&mut self.held, c));
        self.cells = Cells::default();
        for track in self.tracks.values() {
            self.cells.upsert(track.id, &track.last);
        }
    }
}

fn is_full(held: &BTreeMap<Room, usize>, room: Room) -> bool {
    let max = if room.0 == Standing::Released { PEER_TRACKS_MAX } else { TRACKS_MAX };
    held.get(&room).is_some_and(|held| *held >= max)
}

/// Whether a time of applicability is none that this clock could have brought.
#[must_use]
pub fn is_ahead(at: Utc, now: Now) -> bool {
    at.since_ms(now.utc) > AHEAD_MS
}

/// Where a report comes from and in what form.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// Source.
    pub source: Source,
    /// Standing.
    pub standing: Standing,
    /// Form of a peer's release.
    pub form: ReleaseForm,
    /// Precision of a peer's release, mm.
    pub precision_mm: u32,
}

impl Origin {
    /// A feed.
    #[must_use]
    pub const fn feed(number: u16, claim: Claim) -> Self {
        let standing = match claim {
            Claim::Own => Standing::Own,
            Claim::Observed => Standing::Observed,
        };
        Self { source: Source::Feed(number), standing, form: ReleaseForm::Full, precision_mm: 0 }
    }
}

/// Tracks by 40 km cube in ECEF: poles and the antimeridian are ordinary there.
#[derive(Debug, Clone, PartialEq, Default)]
struct Cells {
    cells: BTreeMap<Cell, Vec<u32>>,
    place: BTreeMap<u32, Cell>,
}

type Cell = [i16; 3];

/// Edge of a cell, metres: 5 NM and the way two fast aircraft make in 20 s, so that most queries read 27 cells.
const EDGE_M: f64 = 40_000.0;

fn cell_of(p: earth::Vec3, offset: f64) -> Cell {
    p.map(|x| libm::floor((x + offset) / EDGE_M) as i16)
}

impl Cells {
    fn upsert(&mut self, id: u32, report: &TrackReport) {
        let cell = cell_of(earth::surface(report.position.lat(), report.position.lon()), 0.0);
        match self.place.insert(id, cell) {
            Some(old) if old == cell => return,
            Some(old) => self.take_out(old, id),
            None => {}
        }
        let ids = self.cells.entry(cell).or_default();
        if let Err(at) = ids.binary_search(&id) {
            ids.insert(at, id);
        }
    }

    fn remove(&mut self, id: u32) {
        if let Some(cell) = self.place.remove(&id) {
            self.take_out(cell, id);
        }
    }

    fn take_out(&mut self, cell: Cell, id: u32) {
        if let Some(ids) = self.cells.get_mut(&cell) {
            ids.retain(|i| *i != id);
            if ids.is_empty() {
                self.cells.remove(&cell);
            }
        }
    }

    fn near(&self, report: &TrackReport, reach_m: f64) -> Vec<u32> {
        let p = earth::surface(report.position.lat(), report.position.lon());
        let (low, high) = (cell_of(p, -reach_m), cell_of(p, reach_m));
        let mut found = Vec::new();
        for x in low[0]..=high[0] {
            for y in low[1]..=high[1] {
                // Cells of one x and y are neighbours in the map's order.
                for (_, ids) in self.cells.range([x, y, low[2]]..=[x, y, high[2]]) {
                    found.extend_from_slice(ids);
                }
            }
        }
        found.sort_unstable();
        found
    }
}
