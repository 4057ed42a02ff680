//! What one USS may ask of the node beside the others: bytes that are journaled, refused ones too, and queries at once.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// So much of its rate a USS may have at once, after it was quiet for so long.
const BURST: Duration = Duration::from_secs(8);
/// USSs that are remembered, at some 350 bytes with a long name: 3.5 MB. What is remembered of one that was quiet says nothing.
const USSS_MAX: usize = 10_000;

/// Bytes of each USS: a bucket that fills at a rate.
pub(crate) struct Meter {
    bytes_per_s: u64,
    /// When each bucket that is not full will be.
    full_at: Mutex<BTreeMap<String, Instant>>,
}

impl Meter {
    pub fn new(bytes_per_s: u64) -> Self {
        Self { bytes_per_s: bytes_per_s.max(1), full_at: Mutex::default() }
    }

    /// Takes so many bytes of a USS's, or says when they would be there; a full bucket has enough for any one request.
    pub fn take(&self, uss: &str, bytes: usize, now: Instant) -> Result<(), Duration> {
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = all.get(uss).copied().filter(|at| *at > now);
        let cost = Duration::from_secs_f64(bytes as f64 / self.bytes_per_s as f64);
        let then = full_at.unwrap_or(now) + cost;
        let wait = then.saturating_duration_since(now + BURST);
        if full_at.is_some() && !wait.is_zero() {
            return Err(wait);
        }
        if all.len() >= USSS_MAX && !all.contains_key(uss) {
            all.retain(|_, at| *at > now);
            // All have asked within the last seconds: who took the least is given it back.
            if all.len() >= USSS_MAX
                && let Some(least) = all.iter().min_by_key(|(_, at)| **at).map(|(uss, _)| uss.clone())
            {
                all.remove(&least);
            }
        }
        all.insert(uss.into(), then);
        Ok(())
    }
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

    /// Waits for a turn; it is over when what is given is dropped.
    pub async fn wait(&self, uss: &str) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            if of.len() >= USSS_MAX && !of.contains_key(uss) {
                // Those of whom nobody asks or waits; connections are far fewer.
                of.retain(|_, turns| Arc::strong_count(turns) > 1);
            }
            of.entry(uss.into()).or_insert_with(|| Arc::new(Semaphore::new(self.at_once))).clone()
        };
        // None is never closed.
        turns.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u64 = 1000;

    #[test]
    fn a_uss_has_its_rate_and_a_burst_and_others_have_theirs() {
        let (meter, t0) = (Meter::new(RATE), Instant::now());
        let after = |ms: u64| t0 + Duration::from_millis(ms);
        meter.take("uss1", 7_000, t0).unwrap();
        meter.take("uss1", 1_000, t0).unwrap();
        assert_eq!(meter.take("uss1", 500, t0), Err(Duration::from_millis(500)));
        assert_eq!(meter.take("uss1", 500, after(400)), Err(Duration::from_millis(100)), "a refusal takes nothing");
        meter.take("uss1", 500, after(500)).unwrap();
        meter.take("uss2", 8_000, after(500)).unwrap();
        assert!(meter.take("uss1", 8_000, after(8_499)).is_err());
        meter.take("uss1", 8_000, after(8_500)).unwrap();
        assert!(meter.take("uss1", 1, after(8_500)).is_err(), "no more than the burst is saved up");
    }

    #[test]
    fn a_full_bucket_has_enough_for_any_one_request() {
        let (meter, t0) = (Meter::new(RATE), Instant::now());
        meter.take("uss1", 100_000, t0).unwrap();
        assert_eq!(meter.take("uss1", 1_000, t0), Err(Duration::from_secs(93)));
    }

    #[test]
    fn what_is_remembered_of_usss_has_a_bound_and_full_buckets_are_forgotten_first() {
        let (meter, t0) = (Meter::new(RATE), Instant::now());
        let len = || meter.full_at.lock().unwrap().len();
        for n in 0..USSS_MAX {
            meter.take(&format!("uss{n}"), if n == 7 { 100 } else { 8_000 }, t0).unwrap();
        }
        meter.take("one more", 8_000, t0).unwrap();
        assert_eq!(len(), USSS_MAX);
        meter.take("uss7", 8_000, t0).unwrap();
        assert!(meter.take("uss8", 1, t0).is_err(), "those that took much are not forgotten");
        meter.take("yet one", 1, t0 + Duration::from_secs(8)).unwrap();
        assert_eq!(len(), 1);
    }

    #[tokio::test]
    async fn who_asks_much_waits_for_itself_and_not_others_for_it() {
        use futures_util::FutureExt;
        let turns = Turns::new(2);
        let (first, _second) = (turns.wait("uss1").await.unwrap(), turns.wait("uss1").await.unwrap());
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
