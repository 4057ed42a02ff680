//! Answers to requests that had a key, kept for a while to be given again.
use crate::SECOND_US;
use crate::answer::{Answer, ConstraintRef, IntentRef, ToNotify};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use minicbor::{Decode, Encode};

/// They are kept so long.
const KEPT_US: i64 = 600 * SECOND_US;
/// Bytes of one USS's: some 6,000 of small intents. What is more than that alone is not kept.
const OWN_MAX: usize = 4 << 20;
/// Bytes of all: sixteen USSs that have all they may. Beyond, who has most loses its oldest.
const ALL_MAX: usize = 64 << 20;

/// Hash of a request, as a key of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct Asked(#[cbor(with = "minicbor::bytes")] pub [u8; 16]);

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Kept {
    #[n(0)]
    at: i64,
    #[n(1)]
    manager: String,
    #[n(2)]
    asked: Asked,
    #[n(3)]
    answer: Answer,
}

/// What of one USS's is kept.
#[derive(Debug, Clone, PartialEq, Default)]
struct Own {
    /// Oldest first.
    numbers: VecDeque<u64>,
    bytes: usize,
}

/// Answers, in the order in which they were given.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Answers {
    #[n(0)]
    kept: BTreeMap<u64, Kept>,
    #[cbor(skip)]
    by_asked: BTreeMap<Asked, u64>,
    #[cbor(skip)]
    own: BTreeMap<String, Own>,
    #[cbor(skip)]
    bytes: usize,
}

impl Answers {
    pub fn get(&self, asked: Asked) -> Option<&Answer> {
        self.kept.get(self.by_asked.get(&asked)?).map(|kept| &kept.answer)
    }

    /// Keeps one that was given now.
    pub fn keep(&mut self, at: i64, manager: &str, asked: Asked, answer: Answer) {
        let number = self.kept.last_key_value().map_or(0, |(last, _)| last + 1);
        let kept = Kept { at, manager: manager.into(), asked, answer };
        self.count(number, &kept);
        self.kept.insert(number, kept);
        while self.own.get(manager).is_some_and(|own| own.bytes > OWN_MAX) {
            self.drop_oldest(manager);
        }
        while self.bytes > ALL_MAX {
            let most = self.own.iter().max_by_key(|(_, own)| own.bytes).map(|(manager, _)| manager.clone());
            self.drop_oldest(&most.unwrap_or_default());
        }
    }

    /// Forgets what is over.
    pub fn forget(&mut self, now: i64) {
        while let Some(kept) = self.kept.first_entry().filter(|kept| kept.get().at.saturating_add(KEPT_US) < now) {
            let manager = kept.get().manager.clone();
            // The oldest of all is the oldest of its USS.
            self.drop_oldest(&manager);
        }
    }

    /// Counts again what a snapshot does not hold.
    pub fn rebuild(&mut self) {
        (self.by_asked, self.own, self.bytes) = Default::default();
        let kept = core::mem::take(&mut self.kept);
        kept.iter().for_each(|(number, kept)| self.count(*number, kept));
        self.kept = kept;
    }

    fn count(&mut self, number: u64, kept: &Kept) {
        let bytes = weight(kept);
        self.by_asked.insert(kept.asked, number);
        let own = self.own.entry(kept.manager.clone()).or_default();
        own.numbers.push_back(number);
        own.bytes += bytes;
        self.bytes += bytes;
    }

    fn drop_oldest(&mut self, manager: &str) {
        let Some(own) = self.own.get_mut(manager) else { return };
        let Some(kept) = own.numbers.pop_front().and_then(|number| self.kept.remove(&number)) else { return };
        let bytes = weight(&kept);
        own.bytes -= bytes;
        self.bytes -= bytes;
        if own.numbers.is_empty() {
            self.own.remove(manager);
        }
        self.by_asked.remove(&kept.asked);
    }
}

/// About as many bytes as it takes here: what a reference has beside its texts, and 300 for places in maps and the USS's name.
fn weight(kept: &Kept) -> usize {
    let told =
        |all: &[ToNotify]| all.iter().map(|t| 64 + t.uss_base_url.len() + 24 * t.subscriptions.len()).sum::<usize>();
    let intent = |i: &IntentRef| 150 + i.manager.len() + i.uss_base_url.len() + i.ovn.as_ref().map_or(0, String::len);
    let constraint =
        |c: &ConstraintRef| 150 + c.manager.len() + c.uss_base_url.len() + c.ovn.as_ref().map_or(0, String::len);
    300 + 2 * kept.manager.len()
        + match &kept.answer {
            Answer::Intent { intent: i, subscribers, .. } => intent(i) + told(subscribers),
            Answer::Constraint { constraint: c, subscribers, .. } => constraint(c) + told(subscribers),
            Answer::Subscription { subscription, intents, constraints } => {
                let own = 150 + subscription.uss_base_url.len() + 16 * subscription.dependent.len();
                let intents = intents.iter().flatten().map(intent).sum::<usize>();
                own + intents + constraints.iter().flatten().map(constraint).sum::<usize>()
            }
            Answer::Availability { uss, .. } => 100 + uss.len(),
            Answer::Report(_) => 16,
            Answer::Isa { isa, subscribers } => 100 + isa.owner.len() + isa.uss_base_url.len() + told(subscribers),
            Answer::RidSubscription { subscription, isas } => {
                let all = isas.iter().flatten().map(|isa| 120 + isa.owner.len() + isa.uss_base_url.len());
                150 + subscription.uss_base_url.len() + all.sum::<usize>()
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AvailabilityState, Dss, Id};
    use alloc::format;
    use alloc::vec::Vec;

    fn asked(n: u32) -> Asked {
        let mut hash = [0; 16];
        hash[..4].copy_from_slice(&n.to_be_bytes());
        Asked(hash)
    }

    /// An answer that weighs so much as `uss1`'s.
    fn answer(bytes: usize) -> Answer {
        let uss = "x".repeat(bytes - 408);
        Answer::Availability { uss, state: AvailabilityState::Normal, version: String::new() }
    }

    fn held(answers: &Answers, all: impl IntoIterator<Item = u32>) -> Vec<u32> {
        all.into_iter().filter(|n| answers.get(asked(*n)).is_some()).collect()
    }

    #[test]
    fn who_has_much_loses_its_own_oldest_and_not_anothers() {
        let mut answers = Answers::default();
        answers.keep(0, "uss2", asked(0), answer(1000));
        for n in 1..=4 {
            answers.keep(0, "uss1", asked(n), answer(1 << 20));
        }
        assert_eq!(held(&answers, 0..6), [0, 1, 2, 3, 4]);
        answers.keep(0, "uss1", asked(5), answer(500));
        assert_eq!(held(&answers, 0..6), [0, 2, 3, 4, 5]);
        // What alone is more than all it may have takes the others with it, and is not kept.
        answers.keep(0, "uss1", asked(6), answer(OWN_MAX + 1));
        assert_eq!(held(&answers, 0..7), [0]);
        assert_eq!((answers.own.len(), answers.bytes), (1, 1000));
    }

    #[test]
    fn of_all_that_is_kept_who_has_most_loses_first() {
        let mut answers = Answers::default();
        answers.keep(0, "few", asked(0), answer(500));
        for n in 1..=64 {
            answers.keep(0, &format!("u{:03}", n % 17), asked(n), answer((1 << 20) - 500));
        }
        assert_eq!(held(&answers, 0..65).len(), 65);
        answers.keep(0, "last", asked(65), answer(1 << 20));
        assert_eq!(answers.get(asked(0)), Some(&answer(500)));
        assert!(answers.get(asked(65)).is_some() && answers.bytes <= ALL_MAX);
        // Thirteen have four and four have three: of those with most, the last by name.
        assert_eq!(held(&answers, 1..65), (1..65).filter(|n| *n != 13).collect::<Vec<_>>());
    }

    #[test]
    fn they_are_forgotten_in_time_and_what_was_counted_with_them() {
        let mut answers = Answers::default();
        answers.keep(0, "uss1", asked(1), answer(500));
        answers.keep(SECOND_US, "uss2", asked(2), answer(500));
        answers.forget(KEPT_US);
        assert_eq!(held(&answers, 1..3), [1, 2]);
        answers.forget(KEPT_US + 1);
        assert_eq!(held(&answers, 1..3), [2]);
        let mut again: Answers = minicbor::decode(&minicbor::to_vec(&answers).unwrap()).unwrap();
        again.rebuild();
        assert_eq!(again, answers);
        answers.forget(KEPT_US + SECOND_US + 1);
        assert_eq!(answers, Answers::default());
    }

    /// What snapshots held before answers were counted.
    #[derive(Encode, Default)]
    #[cbor(map)]
    struct Before {
        #[n(0)]
        intents: BTreeMap<Id, ()>,
        #[n(1)]
        constraints: BTreeMap<Id, ()>,
        #[n(2)]
        subscriptions: BTreeMap<Id, ()>,
        #[n(3)]
        availability: BTreeMap<String, ()>,
        #[n(4)]
        reports: Vec<()>,
        #[n(5)]
        expired_to: i64,
        #[n(6)]
        answers: BTreeMap<Asked, Answer>,
        #[n(7)]
        answered: VecDeque<(i64, Asked)>,
    }

    #[test]
    fn answers_of_older_snapshots_are_kept_as_long_as_they_were() {
        let before = Before {
            answers: [(asked(1), answer(500)), (asked(2), answer(600))].into(),
            answered: [(0, asked(2)), (SECOND_US, asked(1))].into(),
            ..Before::default()
        };
        let mut dss: Dss = minicbor::decode(&minicbor::to_vec(&before).unwrap()).unwrap();
        dss.rebuild();
        assert_eq!(held(&dss.answers, 0..4), [1, 2]);
        dss.handle_time(KEPT_US + 1);
        assert_eq!(held(&dss.answers, 0..4), [1]);
        let mut again: Dss = minicbor::decode(&minicbor::to_vec(&dss).unwrap()).unwrap();
        again.rebuild();
        assert_eq!(again, dss);
    }
}
