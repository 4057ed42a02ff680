//! Tracks in the air, filed for their neighbourhoods: all of them, and the own ones by themselves. What a peer tells of is
//! looked at beside own aircraft alone, so that many of its tracks in one place cost nobody the square of them.
use alloc::vec::Vec;
use detect::{Encounter, Index, Kinematics, Minima, MinimaTable};
use units::{AircraftClass, Now};

/// It follows from the picture, so it is no part of a state: two are always equal, and none is stored.
#[derive(Debug, Clone)]
pub(crate) struct Sky {
    all: Index<u32>,
    own: Index<u32>,
}

impl PartialEq for Sky {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Default for Sky {
    fn default() -> Self {
        Self::new(MinimaTable::uniform(Minima::DEFAULT))
    }
}

impl Sky {
    /// An empty one for these minima.
    pub(crate) fn new(minima: MinimaTable) -> Self {
        Self { all: Index::new(minima.clone()), own: Index::new(minima) }
    }

    /// Files a track.
    pub(crate) fn upsert(&mut self, id: u32, is_own: bool, class: AircraftClass, track: Kinematics) {
        if is_own {
            self.own.upsert(id, class, track);
        } else {
            self.own.remove(id);
        }
        self.all.upsert(id, class, track);
    }

    /// Removes a track.
    pub(crate) fn remove(&mut self, id: u32) {
        self.own.remove(id);
        self.all.remove(id);
    }

    /// The minima in use.
    pub(crate) fn minima(&self) -> &MinimaTable {
        self.all.minima()
    }

    /// Whom a track conflicts with now: an own one with any, another with own ones. Those that begin first come first.
    pub(crate) fn neighbours(&self, id: u32, is_own: bool, now: Now) -> Vec<(u32, Encounter)> {
        let Some(item) = self.all.get(id) else { return Vec::new() };
        let among = if is_own { &self.all } else { &self.own };
        let found = among.conflicts_of(&item.track, item.class, Some(id), now.utc);
        let mut found = found.unwrap_or_default();
        found.sort_by(|a, b| a.1.tin_s.total_cmp(&b.1.tin_s).then(a.0.cmp(&b.0)));
        found
    }

    /// Tracks that may meet this one however they turn, at their speeds: of all if it is an own one, of own ones if not.
    pub(crate) fn in_reach(&self, id: u32, is_own: bool, now: Now) -> Vec<u32> {
        let Some(item) = self.all.get(id) else { return Vec::new() };
        let among = if is_own { &self.all } else { &self.own };
        let mut found: Vec<u32> = among.in_reach(&item.track.at(now.utc), Some(id)).map(|(id, _)| id).collect();
        found.sort_unstable();
        found
    }

    /// Own tracks that were within a distance of a track, over-counted, in order of number.
    pub(crate) fn own_near(&self, track: &Kinematics, reach_m: f64) -> Vec<u32> {
        let mut found = self.own.within(track, reach_m);
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use track::TrackReport;
    use units::{Height, Mono, Position, Utc};

    #[test]
    fn what_peers_tell_of_is_looked_at_beside_own_aircraft_alone() {
        let now = Now { mono: Mono(0), utc: Utc(1_780_272_000_000), utc_error_ms: 5 };
        let mut sky = Sky::default();
        for (id, is_own) in [(1, true), (2, false), (3, false), (4, true)] {
            let position = Position::from_degrees(46.5, 7.0 + f64::from(id) * 0.01).unwrap();
            let mut report = TrackReport::new(id.into(), position, now.utc);
            report.pressure = Some(Height::from_feet(30_000));
            sky.upsert(id, is_own, AircraftClass::Civil, Kinematics::from_report(&report, now.utc));
        }
        let of = |sky: &Sky, id, is_own| {
            let mut ids: Vec<u32> = sky.neighbours(id, is_own, now).iter().map(|(id, _)| *id).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!((of(&sky, 1, true), of(&sky, 2, false)), (alloc::vec![2, 3, 4], alloc::vec![1, 4]));
        let item = *sky.all.get(3).unwrap();
        assert_eq!(sky.own_near(&item.track, 5_000.0), [1, 4]);
        sky.upsert(4, false, item.class, item.track);
        sky.remove(1);
        assert_eq!(of(&sky, 2, false), []);
    }
}
