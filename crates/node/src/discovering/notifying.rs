//! Subscribers that are to be told of changes to what is shown, and were not yet.
//!
//! Details are told as they are when a notification is sent. So a newer one of an entity takes the place of one that was not delivered,
//! with all its subscriptions, each under its newest number: nobody is told what is over, and nobody is left out.
//!
//! Queues and room are by the manager of the subscriptions, whatever addresses it states: none takes what is another's, not even by
//! stating the other's address. What is full is shared by those whose the entities are: no peer that changes much keeps from a
//! subscriber what another changed.
use super::{ShownKind, utc_us};
use crate::input::{Notified, NotifyOutcome, Output};
use crate::state::State;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem::take;
use dss::{Dss, Id, ToTell};
use minicbor::{Decode, Encode};
use record::PartyId;
use units::{Mono, Now, Utc};

/// Bytes of what waits for one address: 1,900 entities with one subscription each, which is what a peer changes in a busy hour.
const ADDRESS_BYTES_MAX: usize = 256 << 10;
/// Bytes of what waits for one manager: for two addresses as much as may.
const MANAGER_BYTES_MAX: usize = 512 << 10;
/// Bytes of what waits in all: 64 managers may be away that long at once, each at one address, and 32 that take all they may.
const TOTAL_BYTES_MAX: usize = 16 << 20;
/// Addresses of one manager for which something waits: most have one, some one for each region.
const MANAGER_ADDRESSES_MAX: usize = 64;
/// The same of all managers, 32 that take all they may: with 2,048 bytes of each address and 255 of a manager's name another 5 MB.
const ADDRESSES_MAX: usize = 2_048;
/// Bytes of one that waits, with the name of whose it is and without its subscriptions; and of each subscription.
const WAITING_BYTES: usize = 112;
const SUBSCRIPTION_BYTES: usize = 24;
/// A notification is tried until its entity ends and so much longer: its end is news as well, and the clock may be ahead.
const OVER_MS: u64 = 10 * 60_000;
/// That time is no later, ms from its newest change, nor is it tried more often: a day of waits of five minutes.
const TRIED_MAX_MS: i64 = 24 * 3_600_000;
const TRIES_MAX: u32 = 300;
/// What was tried long enough is given up, and what was not delivered is logged, so often.
const SWEEP_MS: u64 = 60_000;

/// Bytes of each owner's.
type Owners = BTreeMap<Option<PartyId>, u64>;

fn count_up(owners: &mut Owners, owner: &Option<PartyId>, bytes: u64) {
    *owners.entry(owner.clone()).or_default() += bytes;
}

fn count_down(owners: &mut Owners, owner: &Option<PartyId>, bytes: u64) {
    if let Some(own) = owners.get_mut(owner) {
        *own -= bytes;
        if *own == 0 {
            owners.remove(owner);
        }
    }
}

/// Notifications of one manager at one address.
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
    #[cbor(skip)]
    owners: Owners,
}

/// Notifications of one manager.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
#[cbor(map)]
struct Managed {
    /// By address.
    #[n(0)]
    queues: BTreeMap<String, Queue>,
    #[n(1)]
    bytes: u64,
    #[cbor(skip)]
    owners: Owners,
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
    /// Whose the entity is; not known of what snapshots once had.
    #[n(6)]
    #[cbor(default)]
    owner: Option<PartyId>,
    /// Subscriptions that were made anew while it may have been under way: what it told then was told to those before.
    #[n(7)]
    #[cbor(default)]
    anew: BTreeSet<Id>,
    /// Since when the time until which it is tried has passed: a clock may be ahead.
    #[n(8)]
    #[cbor(default)]
    over: Option<Mono>,
}

impl Waiting {
    fn new(entity: Id, kind: ShownKind, owner: &PartyId) -> Self {
        let (subscriptions, anew, until) = (BTreeMap::new(), BTreeSet::new(), Utc(i64::MIN));
        Self { entity, kind, change: 0, subscriptions, until, tries: 0, owner: Some(owner.clone()), anew, over: None }
    }

    fn bytes(&self) -> u64 {
        (WAITING_BYTES + SUBSCRIPTION_BYTES * (self.subscriptions.len() + self.anew.len())) as u64
    }
}

/// What may be full.
#[derive(Debug, Clone, Copy)]
enum Room {
    Address,
    Manager,
    All,
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
    /// Given up after a day, after the end of the entity, or because nobody is notified any more.
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
    /// By address alone, as snapshots once had it; empty as soon as it was read.
    #[n(0)]
    #[cbor(default)]
    of_anybody: BTreeMap<String, Queue>,
    #[n(5)]
    #[cbor(default)]
    managers: BTreeMap<String, Managed>,
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
    #[cbor(skip)]
    owners: Owners,
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
    fn queue(&self, manager: &str, address: &str) -> Option<&Queue> {
        self.managers.get(manager)?.queues.get(address)
    }

    /// What waits there of an entity, and its place.
    fn find(&self, manager: &str, address: &str, entity: &Id) -> Option<(u64, &Waiting)> {
        let queue = self.queue(manager, address)?;
        let place = queue.places.get(entity)?;
        Some((*place, queue.waiting.get(place)?))
    }

    /// Whether something may wait there.
    fn has_address(&self, manager: &str, address: &str) -> bool {
        let all = || self.managers.values().map(|own| own.queues.len()).sum::<usize>();
        let own = self.managers.get(manager).map_or(0, |own| own.queues.len());
        self.queue(manager, address).is_some() || own < MANAGER_ADDRESSES_MAX && all() < ADDRESSES_MAX
    }

    /// What is too full for so many bytes more, and its bound.
    fn full(&self, manager: &str, address: &str, more: u64) -> Option<(Room, u64)> {
        let bounds = [
            (Room::Address, self.queue(manager, address).map_or(0, |queue| queue.bytes), ADDRESS_BYTES_MAX),
            (Room::Manager, self.managers.get(manager).map_or(0, |own| own.bytes), MANAGER_BYTES_MAX),
            (Room::All, self.bytes, TOTAL_BYTES_MAX),
        ];
        let full = bounds.into_iter().find(|(_, held, max)| held + more > *max as u64);
        full.map(|(room, _, max)| (room, max as u64))
    }

    /// Whether there is room for so many bytes more of an owner there. Who has less than its share of what is full takes the place of
    /// the newest of whoever has most: as long as it is full, somebody else has more than a share.
    fn make_room(&mut self, manager: &str, address: &str, owner: &Option<PartyId>, more: u64) -> bool {
        if !self.has_address(manager, address) {
            return false;
        }
        while let Some((room, max)) = self.full(manager, address, more) {
            let Some((manager, address, place)) = self.newest_of_most(room, max, (manager, address), owner, more)
            else {
                return false;
            };
            self.take(&manager, &address, place);
            self.counts.dropped += 1;
        }
        true
    }

    /// Where the newest is of the owner that has most of what is full; nothing if this one would have more than its share.
    fn newest_of_most(
        &self,
        room: Room,
        max: u64,
        at: (&str, &str),
        owner: &Option<PartyId>,
        more: u64,
    ) -> Option<(String, String, u64)> {
        let within = || {
            self.queues().filter(move |(manager, address, _)| match room {
                Room::Address => (manager.as_str(), address.as_str()) == at,
                Room::Manager => *manager == at.0,
                Room::All => true,
            })
        };
        let held = match room {
            Room::Address => self.queue(at.0, at.1).map(|queue| &queue.owners),
            Room::Manager => self.managers.get(at.0).map(|own| &own.owners),
            Room::All => Some(&self.owners),
        };
        let mut owners: BTreeMap<_, _> = held.into_iter().flatten().map(|(owner, bytes)| (owner, *bytes)).collect();
        *owners.entry(owner).or_default() += more;
        let (most, _) = owners.iter().max_by_key(|(_, bytes)| **bytes)?;
        let newest = |(manager, address, queue): (_, _, &Queue)| {
            let (place, _) = queue.waiting.iter().rev().find(|(_, one)| one.owner == **most)?;
            Some((*place, manager, address))
        };
        let above = owners[owner] > max / owners.len() as u64;
        let (place, manager, address): (u64, &String, &String) =
            if above { None } else { within().filter_map(newest).max() }?;
        Some((manager.clone(), address.clone(), place))
    }

    fn put(&mut self, to: ToTell, kind: ShownKind, owner: &PartyId, entity: Id, until: Utc) {
        let ToTell { manager, uss_base_url, subscriptions } = to;
        self.counts.newest += 1;
        let change = self.counts.newest;
        let old = self.find(&manager, &uss_base_url, &entity);
        let before = old.map_or(0, |(_, old)| old.bytes());
        let (place, mut new) =
            old.map_or_else(|| (change, Waiting::new(entity, kind, owner)), |(place, old)| (place, old.clone()));
        let mut added = Vec::new();
        for (id, index) in subscriptions {
            match new.subscriptions.get_mut(&id) {
                Some(newest) => *newest = index.max(*newest),
                None => {
                    new.subscriptions.insert(id, index);
                    added.push(id);
                }
            }
        }
        (new.change, new.until, new.over, new.tries) = (change, until.max(new.until), None, 0);
        if !self.make_room(&manager, &uss_base_url, &new.owner, new.bytes() - before) {
            self.counts.dropped += 1;
            if before == 0 {
                return;
            }
            // Those that it waits for already are told all the same.
            for id in added {
                new.subscriptions.remove(&id);
            }
        }
        self.take(&manager, &uss_base_url, place);
        self.keep(&manager, &uss_base_url, place, new);
    }

    fn take(&mut self, manager: &str, address: &str, place: u64) -> Option<Waiting> {
        let own = self.managers.get_mut(manager)?;
        let queue = own.queues.get_mut(address)?;
        let taken = queue.waiting.remove(&place)?;
        queue.places.remove(&taken.entity);
        let bytes = taken.bytes();
        queue.bytes -= bytes;
        own.bytes -= bytes;
        self.bytes -= bytes;
        for owners in [&mut queue.owners, &mut own.owners, &mut self.owners] {
            count_down(owners, &taken.owner, bytes);
        }
        self.counts.waiting -= 1;
        if queue.waiting.is_empty() {
            own.queues.remove(address);
        }
        if own.queues.is_empty() {
            self.managers.remove(manager);
        }
        Some(taken)
    }

    /// Puts one at a place where none is.
    fn keep(&mut self, manager: &str, address: &str, place: u64, waiting: Waiting) {
        let own = self.managers.entry(manager.into()).or_default();
        let queue = own.queues.entry(address.into()).or_default();
        let bytes = waiting.bytes();
        queue.bytes += bytes;
        own.bytes += bytes;
        self.bytes += bytes;
        for owners in [&mut queue.owners, &mut own.owners, &mut self.owners] {
            count_up(owners, &waiting.owner, bytes);
        }
        self.counts.waiting += 1;
        queue.places.insert(waiting.entity, place);
        queue.waiting.insert(place, waiting);
    }

    /// Puts one at the end of its queue.
    fn put_back(&mut self, manager: &str, address: &str, waiting: Waiting) {
        self.counts.newest += 1;
        self.keep(manager, address, self.counts.newest, waiting);
    }

    /// What a snapshot has by address alone goes to the managers of its subscriptions, as far as they have room; of subscriptions that
    /// are over nobody was to be told.
    pub(crate) fn rebuild(&mut self, dss: &Dss, now: i64) {
        // Counted again: what one takes was another number in older snapshots.
        (self.bytes, self.counts.waiting) = (0, 0);
        for own in self.managers.values_mut() {
            own.bytes = 0;
            for queue in own.queues.values_mut() {
                queue.bytes = queue.waiting.values().map(Waiting::bytes).sum();
                own.bytes += queue.bytes;
                self.counts.waiting += queue.waiting.len() as u64;
                for waiting in queue.waiting.values() {
                    for owners in [&mut queue.owners, &mut own.owners, &mut self.owners] {
                        count_up(owners, &waiting.owner, waiting.bytes());
                    }
                }
            }
            self.bytes += own.bytes;
        }
        let old = take(&mut self.of_anybody);
        if old.is_empty() {
            return;
        }
        for (address, queue) in old {
            for (place, mut waiting) in queue.waiting {
                let mut by_manager: BTreeMap<&str, BTreeMap<Id, u32>> = BTreeMap::new();
                for (id, index) in take(&mut waiting.subscriptions) {
                    if let Some(manager) = dss.subscriber(id, &address, now) {
                        by_manager.entry(manager).or_default().insert(id, index);
                    }
                }
                for (manager, subscriptions) in by_manager {
                    let own = Waiting { subscriptions, ..waiting.clone() };
                    let fits = self.has_address(manager, &address);
                    match fits && self.full(manager, &address, own.bytes()).is_none() {
                        true => self.keep(manager, &address, place, own),
                        false => self.counts.dropped += 1,
                    }
                }
            }
        }
    }

    /// A subscription is a new one, with numbers of its own: what waits there was for another that is over. Of one manager some 4,700 wait.
    pub(crate) fn forget(&mut self, manager: &str, id: Id) {
        let Some(own) = self.managers.get(manager) else { return };
        let mut all = Vec::new();
        for (address, queue) in &own.queues {
            let of = queue.waiting.iter().enumerate().filter(|(_, (_, one))| one.subscriptions.contains_key(&id));
            // The first of each address alone may be under way.
            all.extend(of.map(|(n, (place, _))| (address.clone(), *place, n == 0)));
        }
        for (address, place, first) in all {
            let Some(mut waiting) = self.take(manager, &address, place) else { continue };
            waiting.subscriptions.remove(&id);
            if first {
                waiting.anew.insert(id);
            }
            if first || !waiting.subscriptions.is_empty() {
                self.keep(manager, &address, place, waiting);
            }
        }
    }

    fn give_up(&mut self, gone: impl Fn(&Waiting) -> bool) {
        let mut all = Vec::new();
        for (manager, address, queue) in self.queues() {
            let gone = queue.waiting.iter().filter(|(_, one)| gone(one));
            all.extend(gone.map(|(place, _)| (manager.clone(), address.clone(), *place)));
        }
        self.counts.given_up += all.len() as u64;
        for (manager, address, place) in all {
            self.take(&manager, &address, place);
        }
    }

    /// Gives up what is over for long.
    fn sweep(&mut self, now: Now) {
        for queue in self.managers.values_mut().flat_map(|own| own.queues.values_mut()) {
            for one in queue.waiting.values_mut() {
                one.over = (one.until <= now.utc).then(|| one.over.unwrap_or(now.mono));
            }
        }
        self.give_up(|one| one.over.is_some_and(|since| now.mono.since_ms(since) >= OVER_MS));
    }

    /// Each with its manager and address.
    fn queues(&self) -> impl Iterator<Item = (&String, &String, &Queue)> {
        let of = |(manager, own)| {
            let own: &Managed = own;
            own.queues.iter().map(move |(address, queue)| (manager, address, queue))
        };
        self.managers.iter().flat_map(of)
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
    pub(crate) fn must_tell(
        &mut self,
        told: Vec<ToTell>,
        (kind, owner): (ShownKind, &PartyId),
        entity: Id,
        end: Utc,
        now: Now,
    ) {
        if !self.notifies() {
            return;
        }
        let until = end.min(now.utc.plus_ms(TRIED_MAX_MS));
        told.into_iter().for_each(|to| self.outbox.put(to, kind, owner, entity, until));
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
            self.outbox.sweep(now);
            self.outbox.say(out);
        }
    }

    /// Somebody was told, or was to be.
    pub(crate) fn notified(&mut self, notified: &Notified, now: Now, out: &mut Vec<Output>) {
        match notified.outcome {
            NotifyOutcome::Sent(_) => self.outbox.counts.sent += 1,
            NotifyOutcome::Refused(_) | NotifyOutcome::Failed(_) => self.outbox.counts.failed += 1,
            NotifyOutcome::Unwanted => {}
        }
        match &notified.manager {
            Some(manager) => self.notified_one(manager, notified, now, out),
            // It was of all managers at its address.
            None => {
                let at = |(manager, address, _): (&String, &String, _)| {
                    (*address == notified.address).then(|| manager.clone())
                };
                let managers: Vec<String> = self.outbox.queues().filter_map(at).collect();
                managers.iter().for_each(|manager| self.notified_one(manager, notified, now, out));
            }
        }
    }

    fn notified_one(&mut self, manager: &str, notified: &Notified, now: Now, out: &mut Vec<Output>) {
        let Notified { address, entity, change, subscriptions, outcome, .. } = notified;
        // It may be over since it was sent.
        let place = self.outbox.find(manager, address, entity).map(|(place, _)| place);
        let Some(mut waiting) = place.and_then(|place| self.outbox.take(manager, address, place)) else { return };
        let anew = take(&mut waiting.anew);
        // Changes that no manager was named with were counted otherwise, but the numbers of subscriptions tell as well.
        let newer = match notified.manager {
            Some(_) => waiting.change != *change,
            None => {
                let told: BTreeMap<Id, u32> = subscriptions.iter().copied().collect();
                waiting.subscriptions.iter().any(|(id, index)| told.get(id).is_none_or(|told| told < index))
            }
        };
        match outcome {
            NotifyOutcome::Sent(_) | NotifyOutcome::Unwanted if !newer => {}
            // There is a newer change: it is told to its own subscriptions alone. Or changes were counted otherwise when it was tried, by
            // other code whose journal is folded from its start: then there may be none, or none that is still there.
            NotifyOutcome::Sent(_) | NotifyOutcome::Unwanted => {
                for (id, told) in subscriptions {
                    if !anew.contains(id) && waiting.subscriptions.get(id).is_some_and(|index| index <= told) {
                        waiting.subscriptions.remove(id);
                    }
                }
                let there = |id: &Id| self.dss.subscriber(*id, address, utc_us(now)) == Some(manager);
                if waiting.subscriptions.keys().any(there) {
                    self.outbox.put_back(manager, address, waiting);
                }
            }
            NotifyOutcome::Refused(_) | NotifyOutcome::Failed(_) => {
                waiting.tries += u32::from(!newer);
                if waiting.tries < TRIES_MAX {
                    self.outbox.put_back(manager, address, waiting);
                    return;
                }
                self.outbox.counts.given_up += 1;
                // Said here with its name, and not once more with others.
                self.outbox.said.0 += 1;
                let tries = waiting.tries;
                out.push(Output::Log(format!(
                    "{manager} was not notified of {entity} at {address} and will not be: given up after {tries} tries"
                )));
            }
        }
    }

    /// Managers and their addresses to which something is to be sent.
    #[must_use]
    pub fn to_notify(&self) -> Vec<(String, String)> {
        self.outbox.queues().map(|(manager, address, _)| (manager.clone(), address.clone())).collect()
    }

    /// What is to be sent to a manager there next.
    #[must_use]
    pub fn next_notification(&self, manager: &str, address: &str) -> Option<Notification> {
        let (_, next) = self.outbox.queue(manager, address)?.waiting.first_key_value()?;
        let now = utc_us(self.now);
        let there =
            next.subscriptions.iter().filter(|(id, _)| self.dss.subscriber(**id, address, now) == Some(manager));
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
#[path = "notifying_tests.rs"]
mod tests;
