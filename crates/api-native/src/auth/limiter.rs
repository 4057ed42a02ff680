//! How often one may fail to sign in: five times a minute, then ever longer waits.
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Failures without a wait.
const FREE: u32 = 5;
/// Failures are forgotten this long after the last one.
const FORGET: Duration = Duration::from_secs(60);
/// First wait; it doubles with each further failure.
const WAIT_MIN: Duration = Duration::from_secs(2);
/// Longest wait. Longer would stop no guesser (one a minute is 1,440 a day) and would lock out the officer whose name
/// somebody else keeps trying.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Names and addresses remembered: 10,000 × about 100 bytes = 1 MB.
const KEYS_MAX: usize = 10_000;

/// Failures by key.
#[derive(Debug)]
pub(crate) struct Limiter<K> {
    failures: Mutex<HashMap<K, Failures>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    /// The end of the wait.
    fn until(self) -> Instant {
        let Some(over) = self.count.checked_sub(FREE) else { return self.last };
        self.last + (WAIT_MIN * 2u32.saturating_pow(over.min(16))).min(WAIT_MAX)
    }

    fn forgotten(self, now: Instant) -> bool {
        now >= self.until() + FORGET
    }
}

impl<K> Default for Limiter<K> {
    fn default() -> Self {
        Self { failures: Mutex::default() }
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// Counts an attempt as failed before it is made, so that many at once gain nothing; [`Limiter::succeeded`] takes
    /// it back.
    ///
    /// # Errors
    /// Seconds to wait; the attempt must then not be made.
    pub(crate) fn attempt(&self, key: &K) -> Result<(), u64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let known = failures.get(key).copied().filter(|f| !f.forgotten(now));
        if let Some(known) = known
            && now < known.until()
        {
            return Err(known.until().duration_since(now).as_secs() + 1);
        }
        make_room(&mut failures, now);
        failures.insert(key.clone(), Failures { count: known.map_or(1, |f| f.count.saturating_add(1)), last: now });
        Ok(())
    }

    /// Forgets a key's failures.
    pub(crate) fn succeeded(&self, key: &K) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Takes one attempt back and keeps what failed before.
    pub(crate) fn undo(&self, key: &K) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = failures.get_mut(key) {
            known.count = known.count.saturating_sub(1);
        }
    }
}

/// Drops what is forgotten, and if that is not enough the key that failed least and longest ago: whoever floods the
/// table with names pushes out its own entries first.
fn make_room<K: Hash + Eq + Clone>(failures: &mut HashMap<K, Failures>, now: Instant) {
    if failures.len() < KEYS_MAX {
        return;
    }
    failures.retain(|_, f| !f.forgotten(now));
    if failures.len() >= KEYS_MAX
        && let Some(least) = failures.iter().min_by_key(|(_, f)| (f.count, f.last)).map(|(key, _)| key.clone())
    {
        failures.remove(&least);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn the_sixth_failure_within_a_minute_waits_and_each_further_one_longer() {
        let limiter = Limiter::default();
        for _ in 0..FREE {
            assert_eq!(limiter.attempt(&"a"), Ok(()));
        }
        let mut waits = Vec::new();
        for _ in 0..7 {
            let wait = limiter.attempt(&"a").unwrap_err();
            waits.push(wait);
            advance(Duration::from_secs(wait)).await;
            assert_eq!(limiter.attempt(&"a"), Ok(()));
        }
        assert_eq!(waits, [3, 5, 9, 17, 33, 61, 61]);
        assert_eq!(limiter.attempt(&"b"), Ok(()), "another key does not wait");
        advance(WAIT_MAX + FORGET).await;
        for _ in 0..FREE {
            assert_eq!(limiter.attempt(&"a"), Ok(()), "forgotten");
        }
        assert!(limiter.attempt(&"a").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn success_forgets_and_undo_takes_one_back() {
        let limiter = Limiter::default();
        for _ in 0..20 {
            assert_eq!(limiter.attempt(&"a"), Ok(()));
            limiter.succeeded(&"a");
            assert_eq!(limiter.attempt(&"b"), Ok(()));
            limiter.undo(&"b");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_names_neither_grows_the_table_nor_frees_who_waits() {
        let limiter = Limiter::default();
        for _ in 0..FREE {
            limiter.attempt(&0).unwrap();
        }
        for name in 1..(KEYS_MAX + 50) {
            limiter.attempt(&name).unwrap();
        }
        assert!(limiter.failures.lock().unwrap().len() <= KEYS_MAX);
        assert!(limiter.attempt(&0).is_err());
    }
}
