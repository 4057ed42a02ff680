//! The event path: each update looks only at its own neighbourhood.
use crate::encounter::{Encounter, track_track};
use crate::grid::{Bounds, Cell};
use crate::kinematics::{AGE_MAX_MS, Kinematics};
use crate::minima::MinimaTable;
use crate::sweep::Item;
use crate::verdict::{Verdict, Why};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use units::{AircraftClass, Utc, earth};

/// Tracks by key, filed by cell. Ordered containers only: the same calls give the same answers in the same order.
///
/// A track is filed where its report put it; a query moves every candidate to its own reference time, and the cells
/// allow for that movement up to [`AGE_MAX_MS`]. [`crate::sweep()`] over [`Index::items`] audits the answers.
#[derive(Debug, Clone)]
pub struct Index<K> {
    minima: MinimaTable,
    bounds: Bounds,
    tracks: BTreeMap<K, Entry>,
    cells: BTreeMap<u8, BTreeMap<Cell, Vec<K>>>,
}

#[derive(Debug, Clone)]
struct Entry {
    item: Item,
    reach_class: u8,
    cell: Cell,
}

impl<K: Ord + Copy> Index<K> {
    /// An empty index for these minima.
    #[must_use]
    pub fn new(minima: MinimaTable) -> Self {
        let widest = minima.widest([true; 5]);
        let bounds = Bounds::of(&widest, AGE_MAX_MS);
        Self { minima, bounds, tracks: BTreeMap::new(), cells: BTreeMap::new() }
    }

    /// The same tracks under other minima.
    #[must_use]
    pub fn with_minima(self, minima: MinimaTable) -> Self {
        let mut index = Self::new(minima);
        for (key, entry) in self.tracks {
            index.upsert(key, entry.item.class, entry.item.track);
        }
        index
    }

    /// Files a track, in place of an earlier one of the same key. `track` is best prepared for its own report's time.
    pub fn upsert(&mut self, key: K, class: AircraftClass, track: Kinematics) {
        let reach_class = self.bounds.class(track.speed_mps);
        let cell = self.bounds.cell(reach_class, track.pos);
        let entry = Entry { item: Item { track, class }, reach_class, cell };
        if let Some(old) = self.tracks.insert(key, entry) {
            if (old.reach_class, old.cell) == (reach_class, cell) {
                return;
            }
            self.unfile(key, &old);
        }
        let keys = self.cells.entry(reach_class).or_default().entry(cell).or_default();
        if let Err(at) = keys.binary_search(&key) {
            keys.insert(at, key);
        }
    }

    /// Removes a track; whether there was one.
    pub fn remove(&mut self, key: K) -> bool {
        match self.tracks.remove(&key) {
            Some(old) => {
                self.unfile(key, &old);
                true
            }
            None => false,
        }
    }

    fn unfile(&mut self, key: K, old: &Entry) {
        let Some(level) = self.cells.get_mut(&old.reach_class) else { return };
        if let Some(keys) = level.get_mut(&old.cell) {
            keys.retain(|k| *k != key);
            if keys.is_empty() {
                level.remove(&old.cell);
            }
        }
        if level.is_empty() {
            self.cells.remove(&old.reach_class);
        }
    }

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

    /// The track as filed.
    #[must_use]
    pub fn get(&self, key: K) -> Option<&Item> {
        self.tracks.get(&key).map(|e| &e.item)
    }

    /// Keys of the tracks that were filed within a distance of a track, over-counted.
    #[must_use]
    pub fn within(&self, track: &Kinematics, reach_m: f64) -> Vec<K> {
        let mut found = Vec::new();
        for (reach_class, level) in &self.cells {
            let (low, high) =
                self.bounds.cells(*reach_class, track.pos.map(|c| c - reach_m), track.pos.map(|c| c + reach_m));
            found.append(&mut keys_within(level, low, high));
        }
        found
    }

    /// The minima in use.
    #[must_use]
    pub fn minima(&self) -> &MinimaTable {
        &self.minima
    }

    /// Every track moved to `t0`, ascending by key: input of a sweep.
    #[must_use]
    pub fn items(&self, t0: Utc) -> (Vec<K>, Vec<Item>) {
        self.tracks.iter().map(|(k, e)| (*k, Item { track: e.item.track.at(t0), class: e.item.class })).unzip()
    }

    /// Whom the track conflicts with at `t0`, ascending by key.
    ///
    /// # Errors
    /// Why nothing can be said about the track itself. Others about which nothing can be said are not listed here; a
    /// sweep lists them.
    pub fn neighbours(&self, key: K, t0: Utc) -> Result<Vec<(K, Encounter)>, Why> {
        let Some(entry) = self.tracks.get(&key) else { return Ok(Vec::new()) };
        self.conflicts_of(&entry.item.track, entry.item.class, Some(key), t0)
    }

    /// Whom a track that need not be filed would conflict with at `t0`, `except` left out.
    ///
    /// # Errors
    /// Why nothing can be said about it.
    pub fn conflicts_of(
        &self,
        track: &Kinematics,
        class: AircraftClass,
        except: Option<K>,
        t0: Utc,
    ) -> Result<Vec<(K, Encounter)>, Why> {
        let track = track.at(t0);
        if let Some(why) = track.unknown {
            return Err(why);
        }
        let mut found = Vec::new();
        for (key, other) in self.in_reach(&track, except) {
            let minima = self.minima.get(class, other.class);
            if let Verdict::Conflict(e) = track_track(&track, &other.track.at(t0), &minima) {
                found.push((key, e));
            }
        }
        found.sort_unstable_by_key(|(key, _)| *key);
        Ok(found)
    }

    /// Tracks that can meet one within the horizon, whatever ways they fly at their speeds; as filed, in no order.
    pub fn in_reach(&self, track: &Kinematics, except: Option<K>) -> impl Iterator<Item = (K, &Item)> {
        let own_class = self.bounds.class(track.speed_mps);
        let mut found = Vec::new();
        for (reach_class, level) in &self.cells {
            let apart = self.bounds.apart(own_class, *reach_class);
            let (low, high) =
                self.bounds.cells(*reach_class, track.pos.map(|c| c - apart), track.pos.map(|c| c + apart));
            for key in keys_within(level, low, high) {
                if Some(key) == except {
                    continue;
                }
                let other = &self.tracks[&key].item;
                let gap = earth::sub(other.track.pos, track.pos);
                if earth::dot(gap, gap) <= apart * apart {
                    found.push((key, other));
                }
            }
        }
        found.into_iter()
    }
}

/// Keys in the cells from `low` to `high`: column by column, or by going through all cells where that is less.
fn keys_within<K: Ord + Copy>(level: &BTreeMap<Cell, Vec<K>>, low: Cell, high: Cell) -> Vec<K> {
    let inside = |c: &Cell| (0..3).all(|n| (low[n]..=high[n]).contains(&c[n]));
    let side = |n: usize| i64::from(high[n]) - i64::from(low[n]) + 1;
    if side(0).saturating_mul(side(1)) > level.len() as i64 {
        return level.iter().filter(|(c, _)| inside(c)).flat_map(|(_, keys)| keys).copied().collect();
    }
    let mut keys = Vec::new();
    for x in low[0]..=high[0] {
        for y in low[1]..=high[1] {
            for (_, here) in level.range([x, y, low[2]]..=[x, y, high[2]]) {
                keys.extend_from_slice(here);
            }
        }
    }
    keys
}
