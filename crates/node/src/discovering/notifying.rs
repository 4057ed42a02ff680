//! Subscribers that are to be told of changes to what is shown, and were not yet.
//!
//! Details are told as they are when a notification is sent. So a newer one of an entity takes the place of one that was not delivered,
//! with all its subscriptions, each under its newest number: nobody is told what is over, and nobody is left out.
use super::{ShownKind, utc_us};
use crate::input::{Notified, NotifyOutcome, Output};
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use dss::{Id, ToNotify};
use minicbor::{Decode, Encode};
use units::{Mono, Now, Utc};

/// Bytes of what waits for one address: 2,500 entities with one subscription each, which is what a peer changes in a busy hour.
const ADDRESS_BYTES_MAX: usize = 256 << 10;
/// Bytes of what waits in all: 64 services may be away that long at once.
const TOTAL_BYTES_MAX: usize = 16 << 20;
/// Addresses for which something waits: with 2,048 bytes each another 2 MB.
const ADDRESSES_MAX: usize = 1_000;
/// Bytes of one that waits, without its subscriptions; and of each subscription.
const WAITING_BYTES: usize = 80;
const SUBSCRIPTION_BYTES: usize = 24;
/// A notification is tried until its entity ends, but so long at least, because its end is news as well.
const TRIED_MIN_MS: i64 = 10 * 60_000;
/// Nor any longer, ms, nor more often: a day of waits of five minutes.
const TRIED_MAX_MS: i64 = 24 * 3_600_000;
const TRIES_MAX: u32 = 300;
/// What was tried long enough is given up, and what was not delivered is logged, so often.
const SWEEP_MS: u64 = 60_000;

/// Notifications of one address.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
struct Queue {
    /// By place: those that failed go to the end, so that one that is never taken holds up no other.
    #[n(0)]
    waiting: BTreeMap<u64, Waiting>,
    /// Place of each entity's.
    #[n(1)]
    places: BTreeMap<Id, u64>,
    #[n(2)]
    bytes: u64,
}

/// One that was not delivered.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Waiting {
    #[n(0)]
    entity: Id,
    #[n(1)]
    kind: ShownKind,
    /// Number of the newest change that it is of.
    #[n(2)]
    change: u64,
    #[n(3)]
    subscriptions: BTreeMap<Id, u32>,
    /// Tried until then.
    #[n(4)]
    until: Utc,
    #[n(5)]
    tries: u32,
}

impl Waiting {
    fn bytes(&self) -> u64 {
        (WAITING_BYTES + SUBSCRIPTION_BYTES * self.subscriptions.len()) as u64
    }
}

/// What came of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct NotifyCounts {
    /// Delivered.
    #[n(0)]
    pub sent: u64,
    /// Tries that failed.
    #[n(1)]
    pub failed: u64,
    /// Given up after a day, at the end of the entity, or because nobody is notified any more.
    #[n(2)]
    pub given_up: u64,
    /// Not kept because as much waited already.
    #[n(3)]
    pub dropped: u64,
    /// Those that wait.
    #[n(4)]
    pub waiting: u64,
    /// Number of the newest change: something new waits when it has changed.
    #[n(5)]
    pub newest: u64,
}

/// What waits.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Outbox {
    #[n(0)]
    queues: BTreeMap<String, Queue>,
    #[n(1)]
    counts: NotifyCounts,
    #[n(2)]
    bytes: u64,
    /// When it was last looked through.
    #[n(3)]
    swept: Mono,
    /// Given up and dropped when that was last said.
    #[n(4)]
    said: (u64, u64),
}

/// A notification to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What has changed.
    pub entity: Id,
    /// What it is, or was.
    pub kind: ShownKind,
    /// Number of its newest change.
    pub change: u64,
    /// Subscriptions with their numbers; none if they are all over, and then nothing is to be sent.
    pub subscriptions: Vec<(Id, u32)>,
}

impl Outbox {
    fn put(&mut self, to: ToNotify, kind: ShownKind, entity: Id, until: Utc) {
        self.counts.newest += 1;
        let change = self.counts.newest;
        let room = self.queues.len() < ADDRESSES_MAX || self.queues.contains_key(&to.uss_base_url);
        let queue = self.queues.get(&to.uss_base_url);
        let old = queue.and_then(|queue| queue.waiting.get_key_value(queue.places.get(&entity)?));
        let (place, mut new) = old.map_or_else(
            || (change, Waiting { entity, kind, change, subscriptions: BTreeMap::new(), until, tries: 0 }),
            |(place, old)| (*place, old.clone()),
        );
        let before = old.map_or(0, |(_, old)| old.bytes());
        for (id, index) in to.subscriptions {
            let newest = new.subscriptions.entry(id).or_default();
            *newest = index.max(*newest);
        }
        (new.change, new.until, new.tries) = (change, until.max(new.until), 0);
        let more = new.bytes() - before;
        let fits = queue.map_or(0, |queue| queue.bytes) + more <= ADDRESS_BYTES_MAX as u64
            && self.bytes + more <= TOTAL_BYTES_MAX as u64;
        if !room || !fits {
            self.counts.dropped += 1;
            return;
        }
        let queue = self.queues.entry(to.uss_base_url).or_default();
        queue.places.insert(entity, place);
        queue.waiting.insert(place, new);
        queue.bytes += more;
        self.bytes += more;
        self.counts.waiting = self.counts.waiting + 1 - u64::from(before > 0);
    }

    fn take(&mut self, address: &str, place: u64) -> Option<Waiting> {
        let queue = self.queues.get_mut(address)?;
        let taken = queue.waiting.remove(&place)?;
        queue.places.remove(&taken.entity);
        queue.bytes -= taken.bytes();
        self.bytes -= taken.bytes();
        self.counts.waiting -= 1;
        if queue.waiting.is_empty() {
            self.queues.remove(address);
        }
        Some(taken)
    }

    /// Puts one at the end of its queue.
    fn put_back(&mut self, address: &str, waiting: Waiting) {
        self.counts.newest += 1;
        let place = self.counts.newest;
        let queue = self.queues.entry(address.into()).or_default();
        queue.places.insert(waiting.entity, place);
        queue.bytes += waiting.bytes();
        self.bytes += waiting.bytes();
        self.counts.waiting += 1;
        queue.waiting.insert(place, waiting);
    }

    fn give_up(&mut self, gone: impl Fn(&Waiting) -> bool) {
        let mut all = Vec::new();
        for (address, queue) in &self.queues {
            all.extend(queue.waiting.iter().filter(|(_, one)| gone(one)).map(|(place, _)| (address.clone(), *place)));
        }
        self.counts.given_up += all.len() as u64;
        for (address, place) in all {
            self.take(&address, place);
        }
    }

    /// Says what will not be delivered, since it was last said.
    fn say(&mut self, out: &mut Vec<Output>) {
        let now = (self.counts.given_up, self.counts.dropped);
        let (given_up, dropped) = (now.0 - self.said.0, now.1 - self.said.1);
        self.said = now;
        if given_up > 0 {
            out.push(Output::Log(format!(
                "{given_up} notifications of traffic services were given up: the entity's end or a day has passed, or nobody is notified any more"
            )));
        }
        if dropped > 0 {
            out.push(Output::Log(format!(
                "{dropped} notifications of traffic services were not kept: as much waits already as may wait"
            )));
        }
    }
}

impl State {
    fn notifies(&self) -> bool {
        self.boot.as_ref().is_some_and(|boot| boot.dss_notifies)
    }

    /// Subscribers are to be told of a change to something that lasts until `end`.
    pub(crate) fn must_tell(&mut self, told: Vec<ToNotify>, kind: ShownKind, entity: Id, end: Utc, now: Now) {
        if !self.notifies() {
            return;
        }
        let until = end.clamp(now.utc.plus_ms(TRIED_MIN_MS), now.utc.plus_ms(TRIED_MAX_MS));
        told.into_iter().for_each(|to| self.outbox.put(to, kind, entity, until));
    }

    /// After a start: what waited is given up if nobody is notified any more.
    pub(crate) fn take_notifying(&mut self, out: &mut Vec<Output>) {
        if !self.notifies() {
            self.outbox.give_up(|_| true);
        }
        self.outbox.say(out);
    }

    pub(crate) fn sweep_notifications(&mut self, now: Now, out: &mut Vec<Output>) {
        if now.mono.since_ms(self.outbox.swept) >= SWEEP_MS {
            self.outbox.swept = now.mono;
            self.outbox.give_up(|one| one.until <= now.utc);
            self.outbox.say(out);
        }
    }

    /// Somebody was told, or was to be.
    pub(crate) fn notified(&mut self, notified: &Notified, now: Now, out: &mut Vec<Output>) {
        let Notified { address, entity, change, subscriptions, outcome, .. } = notified;
        match outcome {
            NotifyOutcome::Sent(_) => self.outbox.counts.sent += 1,
            NotifyOutcome::Refused(_) | NotifyOutcome::Failed(_) => self.outbox.counts.failed += 1,
            NotifyOutcome::Unwanted => {}
        }
        // It may be over since it was sent.
        let place = self.outbox.queues.get(address).and_then(|queue| queue.places.get(entity).copied());
        let Some(mut waiting) = place.and_then(|place| self.outbox.take(address, place)) else { return };
        let newer = waiting.change != *change;
        match outcome {
            NotifyOutcome::Sent(_) | NotifyOutcome::Unwanted if !newer => {}
            // There is a newer change: it is told to its own subscriptions alone.
            NotifyOutcome::Sent(_) | NotifyOutcome::Unwanted => {
                for (id, told) in subscriptions {
                    if waiting.subscriptions.get(id).is_some_and(|index| index <= told) {
                        waiting.subscriptions.remove(id);
                    }
                }
                self.outbox.put_back(address, waiting);
            }
            NotifyOutcome::Refused(_) | NotifyOutcome::Failed(_) => {
                waiting.tries += u32::from(!newer);
                if waiting.until > now.utc && waiting.tries < TRIES_MAX {
                    self.outbox.put_back(address, waiting);
                    return;
                }
                self.outbox.counts.given_up += 1;
                // Said here with its name, and not once more with others.
                self.outbox.said.0 += 1;
                let tries = waiting.tries;
                out.push(Output::Log(format!(
                    "{address} was not notified of {entity} and will not be: given up after {tries} tries"
                )));
            }
        }
    }

    /// Addresses to which something is to be sent.
    #[must_use]
    pub fn to_notify(&self) -> Vec<String> {
        self.outbox.queues.keys().map(ToString::to_string).collect()
    }

    /// What is to be sent there next.
    #[must_use]
    pub fn next_notification(&self, address: &str) -> Option<Notification> {
        let (_, next) = self.outbox.queues.get(address)?.waiting.first_key_value()?;
        let now = utc_us(self.now);
        let there = next.subscriptions.iter().filter(|(id, _)| self.dss.is_subscribed(**id, address, now));
        let subscriptions = there.map(|(id, index)| (*id, *index)).collect();
        Some(Notification { entity: next.entity, kind: next.kind, change: next.change, subscriptions })
    }

    /// What came of notifications.
    #[must_use]
    pub fn notify_counts(&self) -> NotifyCounts {
        self.outbox.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const UNTIL: Utc = Utc(1);

    fn id(n: u32) -> Id {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        Id(bytes)
    }

    /// Bytes as they are counted one by one.
    fn check(outbox: &Outbox) {
        let of = |queue: &Queue| queue.waiting.values().map(Waiting::bytes).sum::<u64>();
        assert!(
            outbox.queues.values().all(|queue| queue.bytes == of(queue) && queue.places.len() == queue.waiting.len())
        );
        assert_eq!(outbox.bytes, outbox.queues.values().map(of).sum::<u64>());
        assert_eq!(outbox.counts.waiting, outbox.queues.values().map(|queue| queue.waiting.len() as u64).sum::<u64>());
    }

    fn put(outbox: &mut Outbox, url: &str, entity: u32, subscriptions: core::ops::Range<u32>, index: u32) {
        let subscriptions = subscriptions.map(|n| (id(n), index)).collect();
        outbox.put(ToNotify { uss_base_url: url.into(), subscriptions }, ShownKind::Plan, id(entity), UNTIL);
        check(outbox);
    }

    #[test]
    fn so_much_waits_for_one_address_and_so_much_for_all() {
        let mut outbox = Outbox::default();
        let fit = (ADDRESS_BYTES_MAX / (WAITING_BYTES + SUBSCRIPTION_BYTES)) as u32;
        for n in 0..fit + 5 {
            outbox.put(
                ToNotify { uss_base_url: "a".into(), subscriptions: vec![(id(0), n)] },
                ShownKind::Plan,
                id(n),
                UNTIL,
            );
        }
        check(&outbox);
        assert_eq!((outbox.counts.waiting, outbox.counts.dropped), (u64::from(fit), 5));
        // What waits anyway is told as it is then, and takes no more room.
        put(&mut outbox, "a", 0, 0..1, 9_999);
        assert_eq!(outbox.counts.dropped, 5);
        assert_eq!(outbox.queues["a"].waiting[&1].subscriptions[&id(0)], 9_999);
        put(&mut outbox, "a", 1, 0..100, 1);
        assert_eq!((outbox.counts.dropped, outbox.queues["a"].waiting[&2].subscriptions.len()), (6, 1));
        // Another address has its own room, until all have none.
        let most = ((ADDRESS_BYTES_MAX - WAITING_BYTES) / SUBSCRIPTION_BYTES) as u32;
        for n in 0..70 {
            put(&mut outbox, &format!("b{n}"), 1, 0..most, 1);
        }
        assert_eq!((outbox.queues.len(), outbox.counts.dropped), (64, 6 + 70 - 63));
        outbox.give_up(|_| true);
        check(&outbox);
        assert!(outbox.queues.is_empty());
        for n in 0..ADDRESSES_MAX + 3 {
            put(&mut outbox, &format!("c{n}"), 1, 0..1, 1);
        }
        assert_eq!((outbox.queues.len(), outbox.counts.dropped), (ADDRESSES_MAX, 6 + 70 - 63 + 3));
        put(&mut outbox, "c0", 2, 0..1, 1);
        assert_eq!(outbox.counts.waiting, ADDRESSES_MAX as u64 + 1);
    }

    #[test]
    fn what_was_dropped_and_given_up_is_said_once() {
        let (mut outbox, mut out) = (Outbox::default(), Vec::new());
        put(&mut outbox, "a", 1, 0..1, 1);
        put(&mut outbox, "a", 2, 0..20_000, 1);
        outbox.give_up(|_| true);
        outbox.say(&mut out);
        outbox.say(&mut out);
        let lines: Vec<&str> = out.iter().map(|o| if let Output::Log(line) = o { &line[..24] } else { "" }).collect();
        assert_eq!(lines, ["1 notifications of traff", "1 notifications of traff"]);
    }
}
