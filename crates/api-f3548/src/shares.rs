//! What one USS may ask of the node beside the others: bytes that are journaled, refused ones too; time; and queries at once.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// So much of its rate a USS may have at once, after it was quiet for so long.
const BURST: Duration = Duration::from_secs(8);
/// USSs that are remembered, at some 350 bytes with a long name: 3.5 MB. What is remembered of one that was quiet says nothing.
const USSS_MAX: usize = 10_000;

/// One USS may take no more than this part of the node's time.
pub(crate) const SHARE: u32 = 4;

/// What each USS takes of something, as the time in which it is there again: a bucket that fills at a rate.
#[derive(Default)]
pub(crate) struct Meter {
    /// When each bucket that is not full will be.
    full_at: Mutex<BTreeMap<String, Instant>>,
}

impl Meter {
    /// Takes so much of a USS's, or says when it would be there; a full bucket has enough for any one request.
    pub fn take(&self, uss: &str, cost: Duration, now: Instant) -> Result<(), Duration> {
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = all.get(uss).copied().filter(|at| *at > now);
        let then = full_at.unwrap_or(now) + cost;
        let wait = then.saturating_duration_since(now + BURST);
        if full_at.is_some() && !wait.is_zero() {
            return Err(wait);
        }
        Self::put(&mut all, uss, then, now);
        Ok(())
    }

    /// What was taken cost something else: the rest is given back, or taken as well.
    pub fn settle(&self, uss: &str, taken: Duration, cost: Duration, now: Instant) {
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = all.get(uss).copied().unwrap_or(now);
        let then = (full_at.max(now) + cost).checked_sub(taken).unwrap_or(now);
        Self::put(&mut all, uss, then, now);
    }

    /// Does work, and takes how long it took.
    pub fn during<T>(&self, uss: &str, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        let now = Instant::now();
        self.settle(uss, Duration::ZERO, (now - began) * SHARE, now);
        done
    }

    fn put(all: &mut BTreeMap<String, Instant>, uss: &str, full_at: Instant, now: Instant) {
        if all.len() >= USSS_MAX && !all.contains_key(uss) {
            all.retain(|_, at| *at > now);
            // All have asked within the last seconds: who took the least is given it back.
            if all.len() >= USSS_MAX
                && let Some(least) = all.iter().min_by_key(|(_, at)| **at).map(|(uss, _)| uss.clone())
            {
                all.remove(&least);
            }
        }
        all.insert(uss.into(), full_at);
    }
}

/// A turn; it is over when this is dropped.
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Turns of each USS, of which others wait for theirs. Who asks much waits for itself; nobody needs to be told to come again, for a
/// query takes milliseconds, and connections and the time of a request bound who waits.
pub(crate) struct Turns {
    at_once: usize,
    of: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl Turns {
    pub fn new(at_once: usize) -> Self {
        Self { at_once, of: Mutex::default() }
    }

    /// Waits for a turn.
    pub async fn wait(&self, uss: &str) -> Turn {
        let turns = {
            let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            if of.len() >= USSS_MAX && !of.contains_key(uss) {
                // Those of whom nobody asks or waits; connections are far fewer.
                of.retain(|_, turns| Arc::strong_count(turns) > 1);
            }
            of.entry(uss.into()).or_insert_with(|| Arc::new(Semaphore::new(self.at_once))).clone()
        };
        // None is never closed.
        Turn { _permit: turns.acquire_owned().await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_uss_has_its_rate_and_a_burst_and_others_have_theirs() {
        let (meter, t0) = (Meter::default(), Instant::now());
        let after = |ms: u64| t0 + Duration::from_millis(ms);
        meter.take("uss1", ms(7_000), t0).unwrap();
        meter.take("uss1", ms(1_000), t0).unwrap();
        assert_eq!(meter.take("uss1", ms(500), t0), Err(Duration::from_millis(500)));
        assert_eq!(meter.take("uss1", ms(500), after(400)), Err(Duration::from_millis(100)), "a refusal takes nothing");
        meter.take("uss1", ms(500), after(500)).unwrap();
        meter.take("uss2", ms(8_000), after(500)).unwrap();
        assert!(meter.take("uss1", ms(8_000), after(8_499)).is_err());
        meter.take("uss1", ms(8_000), after(8_500)).unwrap();
        assert!(meter.take("uss1", ms(1), after(8_500)).is_err(), "no more than the burst is saved up");
    }

    #[test]
    fn a_full_bucket_has_enough_for_any_one_request() {
        let (meter, t0) = (Meter::default(), Instant::now());
        meter.take("uss1", ms(100_000), t0).unwrap();
        assert_eq!(meter.take("uss1", ms(1_000), t0), Err(Duration::from_secs(93)));
    }

    #[test]
    fn what_was_taken_ahead_is_given_back_and_what_it_cost_more_is_owed() {
        let (meter, t0) = (Meter::default(), Instant::now());
        for _ in 0..20 {
            meter.take("uss1", ms(5_000), t0).unwrap();
            meter.settle("uss1", ms(5_000), ms(10), t0);
        }
        meter.take("uss1", ms(7_800), t0).unwrap();
        assert_eq!(meter.take("uss1", ms(1), t0), Err(ms(1)), "200 ms were spent");
        // Given back no more than was taken.
        meter.settle("uss1", ms(7_800), Duration::ZERO, t0 + ms(7_900));
        meter.take("uss1", ms(8_000), t0 + ms(7_900)).unwrap();
        assert!(meter.take("uss1", ms(1), t0 + ms(7_900)).is_err());
        meter.take("uss2", Duration::ZERO, t0).unwrap();
        meter.settle("uss2", Duration::ZERO, ms(20_000), t0);
        assert_eq!(meter.take("uss2", Duration::ZERO, t0), Err(ms(12_000)));
    }

    #[test]
    fn work_that_is_done_here_is_taken_too() {
        let (meter, t0) = (Meter::default(), Instant::now());
        meter.during("uss1", || std::thread::sleep(ms(1)));
        assert!(meter.take("uss1", BURST, t0).is_err());
        meter.take("uss2", BURST, t0).unwrap();
    }

    #[test]
    fn what_is_remembered_of_usss_has_a_bound_and_full_buckets_are_forgotten_first() {
        let (meter, t0) = (Meter::default(), Instant::now());
        let len = || meter.full_at.lock().unwrap().len();
        for n in 0..USSS_MAX {
            meter.take(&format!("uss{n}"), ms(if n == 7 { 100 } else { 8_000 }), t0).unwrap();
        }
        meter.take("one more", ms(8_000), t0).unwrap();
        assert_eq!(len(), USSS_MAX);
        meter.take("uss7", ms(8_000), t0).unwrap();
        assert!(meter.take("uss8", ms(1), t0).is_err(), "those that took much are not forgotten");
        meter.take("yet one", ms(1), t0 + Duration::from_secs(8)).unwrap();
        assert_eq!(len(), 1);
    }

    #[tokio::test]
    async fn who_asks_much_waits_for_itself_and_not_others_for_it() {
        use futures_util::FutureExt;
        let turns = Turns::new(2);
        let (first, _second) = (turns.wait("uss1").await, turns.wait("uss1").await);
        let mut third = Box::pin(turns.wait("uss1"));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(turns.wait("uss2").now_or_never().is_some());
        drop(first);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn turns_of_those_who_do_not_ask_are_forgotten() {
        let turns = Turns::new(2);
        let held = turns.wait("held").await;
        for n in 1..USSS_MAX {
            drop(turns.wait(&format!("uss{n}")).await);
        }
        drop(turns.wait("one more").await);
        let of = turns.of.lock().unwrap();
        assert_eq!(of.keys().collect::<Vec<_>>(), ["held", "one more"]);
        drop(held);
    }
}
