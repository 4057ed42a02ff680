//! A bounded table of what was heard last.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A table of at most `max` entries; when it is full, the eighth that was longest not asked for makes room.
///
/// Age is counted in accesses, not in time: a source's clock may lie.
#[derive(Debug)]
pub struct Recent<K, V> {
    entries: BTreeMap<K, (u64, V)>,
    max: usize,
    tick: u64,
    evicted: u64,
}

impl<K: Ord + Copy, V: Default> Recent<K, V> {
    /// An empty table.
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self { entries: BTreeMap::new(), max, tick: 0, evicted: 0 }
    }

    /// The entry for `key`, made if need be.
    pub fn entry(&mut self, key: K) -> &mut V {
        self.tick += 1;
        if self.entries.len() >= self.max && !self.entries.contains_key(&key) {
            self.evict();
        }
        let entry = self.entries.entry(key).or_default();
        entry.0 = self.tick;
        &mut entry.1
    }

    /// The entry for `key` if there is one.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.tick += 1;
        let entry = self.entries.get_mut(&key)?;
        entry.0 = self.tick;
        Some(&mut entry.1)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries made room so far: above zero, the table is too small or the source invents aircraft.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    // An eighth at once: one removal per insertion would scan the whole table for every new address of a flood.
    fn evict(&mut self) {
        let mut ticks: Vec<u64> = self.entries.values().map(|(tick, _)| *tick).collect();
        let nth = (self.max / 8).min(ticks.len().saturating_sub(1));
        let (_, limit, _) = ticks.select_nth_unstable(nth);
        let limit = *limit;
        let before = self.entries.len();
        self.entries.retain(|_, (tick, _)| *tick > limit);
        self.evicted += (before - self.entries.len()) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_new_keys_leaves_the_ones_in_use() {
        let mut table: Recent<u32, u32> = Recent::new(64);
        *table.entry(7) = 70;
        for k in 1000..100_000 {
            *table.entry(k) = k;
            assert_eq!(table.get_mut(7), Some(&mut 70));
            assert!(table.len() <= 64);
        }
        assert!(table.evicted() > 90_000);
        assert_eq!(*table.entry(99_999), 99_999);
    }
}
