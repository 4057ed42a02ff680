//! Whose turn it is by what each had: nobody takes more by asking more often, or for what costs more.
use alloc::collections::BTreeMap;
use minicbor::{Decode, Encode};

/// Start-time fair queueing, each with the same weight. Whoever comes begins where the others are: neither a long absence nor what one had
/// before everybody was served counts.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Fair<K: Ord> {
    /// What those have had who had more than the one served last.
    #[n(0)]
    had: BTreeMap<K, u64>,
    /// What the one served last had had before.
    #[n(1)]
    level: u64,
}

impl<K: Ord> Default for Fair<K> {
    fn default() -> Self {
        Self { had: BTreeMap::new(), level: 0 }
    }
}

impl<K: Ord + Clone> Fair<K> {
    /// Who of those that wait is next. When nobody does, all is even.
    pub(crate) fn next<'a>(&mut self, waiting: impl Iterator<Item = &'a K>) -> Option<K>
    where
        K: 'a,
    {
        let next = waiting.min_by_key(|&name| (self.before(name), name));
        if next.is_none() {
            self.rest();
        }
        next.cloned()
    }

    /// Nobody waits: all is even.
    pub(crate) fn rest(&mut self) {
        self.had.clear();
    }

    /// What this one is taken to have had.
    fn before(&self, name: &K) -> u64 {
        self.had.get(name).map_or(self.level, |had| self.level.max(*had))
    }

    /// The next was served.
    pub(crate) fn served(&mut self, name: K, cost: u64) {
        self.level = self.before(&name);
        self.had.insert(name, self.level.saturating_add(cost));
        self.had.retain(|_, had| *had > self.level);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn turns(fair: &mut Fair<u8>, waiting: &[(u8, u64)], many: usize) -> Vec<u8> {
        (0..many)
            .map(|_| {
                let name = fair.next(waiting.iter().map(|(name, _)| name)).unwrap();
                fair.served(name, waiting.iter().find(|(one, _)| *one == name).unwrap().1);
                name
            })
            .collect()
    }

    #[test]
    fn what_costs_more_comes_as_much_less_often_and_who_comes_late_has_no_credit() {
        let mut fair = Fair::default();
        assert_eq!(turns(&mut fair, &[(1, 3), (2, 1)], 8), [1, 2, 2, 2, 1, 2, 2, 2]);
        let late = turns(&mut fair, &[(1, 1), (2, 1), (3, 1)], 9);
        for name in [1, 2, 3] {
            let many = late.iter().filter(|one| **one == name).count();
            assert!((2..=4).contains(&many), "{late:?}");
        }
        // One that costs nothing keeps its turn; one that had much alone owes nobody.
        assert_eq!(turns(&mut fair, &[(9, 0), (10, 1)], 3).iter().filter(|one| **one == 10).count(), 0);
        turns(&mut fair, &[(1, 1_000)], 3);
        assert_eq!(fair.next([].iter()), None);
        assert_eq!(turns(&mut fair, &[(1, 1), (2, 1)], 4), [1, 2, 1, 2]);
    }
}
