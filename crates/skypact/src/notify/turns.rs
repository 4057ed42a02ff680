//! Whose notification is next: managers in turn, and the addresses of each.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Notifications under way. One has at most what a peer may file, 100,000 corners with 45 bytes each: 72 MB. Whoever answers nothing
/// has one of them for 15 s, and then none for a while.
pub const UNDER_WAY_MAX: usize = 16;
/// The same of one manager: three that answer nothing at any address leave places to the others. With four, others wait until one of
/// the places is free, 15 s, and have their turn then.
const MANAGER_UNDER_WAY_MAX: usize = 4;
/// First and longest wait after a failure, or a try that took long.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// What came of one try.
#[derive(Debug, PartialEq)]
pub enum Came {
    /// It was taken, or nothing was to be sent: the next may go at once.
    Well,
    /// It was not, or slowly, or the state did not take the outcome.
    Ill,
}

/// What is known of an address while something waits for it.
struct Wait {
    not_before: Instant,
    wait: Duration,
    under_way: bool,
}

/// What is known of a manager while something waits for it.
struct Manager {
    addresses: BTreeMap<String, Wait>,
    /// Number of its last turn; of the last that anybody had when it came.
    turn: u64,
}

/// Whose turn it is.
#[derive(Default)]
pub struct Turns {
    managers: BTreeMap<String, Manager>,
    /// Number of the last turn.
    last: u64,
}

/// A wait, a random part of the second half of it taken off, so that services cut off together are not asked together.
fn jittered(wait: Duration) -> Duration {
    let part = crate::keys::random::<1>().map_or(255, |byte| byte[0]);
    wait / 2 + wait / 2 * u32::from(part) / 255
}

impl Wait {
    fn ended(&mut self, came: &Came, now: Instant) {
        self.under_way = false;
        match came {
            Came::Well => (self.not_before, self.wait) = (now, WAITS.0),
            Came::Ill => {
                self.not_before = now + jittered(self.wait);
                self.wait = (self.wait * 2).min(WAITS.1);
            }
        }
    }
}

impl Manager {
    fn under_way(&self) -> usize {
        self.addresses.values().filter(|wait| wait.under_way).count()
    }

    /// When it may be sent something, and where: of its addresses the one that waits longest.
    fn next(&self) -> Option<(Instant, &String)> {
        let free = self.under_way() < MANAGER_UNDER_WAY_MAX;
        let all = self.addresses.iter().filter(|(_, wait)| free && !wait.under_way);
        all.map(|(address, wait)| (wait.not_before, address)).min()
    }
}

impl Turns {
    /// To whom something may be sent now, of all managers and addresses for which something waits; it is under way then.
    pub fn due(&mut self, all: Vec<(String, String)>, now: Instant) -> Vec<(String, String)> {
        self.follow(all, now);
        let under_way: usize = self.managers.values().map(Manager::under_way).sum();
        let mut due = Vec::new();
        while under_way + due.len() < UNDER_WAY_MAX {
            let of = |(name, manager): (&String, &Manager)| {
                let (_, address) = manager.next().filter(|(from, _)| *from <= now)?;
                Some((manager.turn, name.clone(), address.clone()))
            };
            let Some((_, name, address)) = self.managers.iter().filter_map(of).min() else { break };
            self.last += 1;
            if let Some(manager) = self.managers.get_mut(&name) {
                manager.turn = self.last;
                if let Some(wait) = manager.addresses.get_mut(&address) {
                    wait.under_way = true;
                }
            }
            due.push((name, address));
        }
        due
    }

    /// Takes in for whom something waits now, and forgets the others, but not while something is under way to them.
    fn follow(&mut self, all: Vec<(String, String)>, now: Instant) {
        let mut there: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, address) in all {
            there.entry(name).or_default().insert(address);
        }
        for (name, manager) in &mut self.managers {
            let own = there.get(name);
            manager.addresses.retain(|at, wait| wait.under_way || own.is_some_and(|own| own.contains(at)));
        }
        self.managers.retain(|_, manager| !manager.addresses.is_empty());
        for (name, addresses) in there {
            let new = || Manager { addresses: BTreeMap::new(), turn: self.last };
            let manager = self.managers.entry(name).or_insert_with(new);
            for address in addresses {
                manager.addresses.entry(address).or_insert(Wait { not_before: now, wait: WAITS.0, under_way: false });
            }
        }
    }

    /// When there is something to do unless something ends or is new.
    pub fn next(&self, now: Instant) -> Instant {
        let full = self.managers.values().map(Manager::under_way).sum::<usize>() == UNDER_WAY_MAX;
        let next = self.managers.values().filter_map(|manager| Some(manager.next()?.0)).min();
        // With all hands full, one that is due waits until there is a free one.
        next.filter(|_| !full).unwrap_or(now + WAITS.1)
    }

    /// What came of one that was due.
    pub fn ended(&mut self, name: &str, address: &str, came: &Came, now: Instant) {
        if let Some(wait) = self.managers.get_mut(name).and_then(|manager| manager.addresses.get_mut(address)) {
            wait.ended(came, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of `manager address` for which something waits.
    fn all(names: &[&str]) -> Vec<(String, String)> {
        names.iter().map(|name| name.split_once(' ').unwrap()).map(|(m, a)| (m.into(), a.into())).collect()
    }

    fn due(turns: &mut Turns, waiting: &[(String, String)], now: Instant) -> Vec<String> {
        turns.due(waiting.to_vec(), now).into_iter().map(|(m, a)| format!("{m} {a}")).collect()
    }

    /// Addresses of a manager.
    fn many(manager: &str, addresses: usize) -> Vec<(String, String)> {
        (0..addresses).map(|n| (manager.into(), format!("{n:03}"))).collect()
    }

    #[tokio::test]
    async fn each_address_has_one_under_way_and_that_of_a_manager_which_waits_longest_is_next() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        let waiting = all(&["m a", "m b", "m c", "m d", "m e", "m f"]);
        assert_eq!(due(&mut turns, &waiting, now), ["m a", "m b", "m c", "m d"]);
        assert!(due(&mut turns, &waiting, now).is_empty());
        let after = |s: u64| now + Duration::from_secs(s);
        turns.ended("m", "a", &Came::Well, after(2));
        assert_eq!(due(&mut turns, &waiting, after(2)), ["m e"], "it waited all the time");
        turns.ended("m", "b", &Came::Ill, after(0));
        turns.ended("m", "c", &Came::Well, after(2));
        // It failed before others were through: its turn comes before theirs, though they never fail.
        assert_eq!(due(&mut turns, &waiting, after(2)), ["m f", "m b"]);
        // For whom nothing waits any more is forgotten, when nothing is under way to it.
        turns.ended("m", "d", &Came::Ill, after(3));
        turns.ended("m", "b", &Came::Ill, after(3));
        assert_eq!(due(&mut turns, &all(&["m a"]), after(3)), ["m a"]);
        assert_eq!(turns.managers["m"].addresses.keys().collect::<Vec<_>>(), ["a", "e", "f"]);
        for address in ["a", "e", "f"] {
            turns.ended("m", address, &Came::Well, after(3));
        }
        assert!(due(&mut turns, &[], after(4)).is_empty() && turns.managers.is_empty());
    }

    #[tokio::test]
    async fn one_manager_has_a_few_of_those_under_way_and_the_others_theirs_in_turn() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        let mut waiting = many("a", 50);
        assert_eq!(due(&mut turns, &waiting, now).len(), MANAGER_UNDER_WAY_MAX);
        // As long as none of those has ended nothing is to be done, though 46 are due.
        assert_eq!(turns.next(now), now + WAITS.1);
        // Whoever comes has its own place at once.
        waiting.extend(many("z", 1));
        assert_eq!(due(&mut turns, &waiting, now), ["z 000"]);
        // Three more that have as many addresses as the first: one each, and again, as long as there is room.
        waiting.extend(["b", "c", "d"].iter().flat_map(|manager| many(manager, 50)));
        let more = due(&mut turns, &waiting, now);
        let wanted: Vec<_> =
            (0..4).flat_map(|n| ["b", "c", "d"].map(|manager| format!("{manager} {n:03}"))).take(11).collect();
        assert_eq!(more, wanted);
        assert_eq!(turns.next(now), now + WAITS.1, "all hands are full");
        // What ends is the place of whose turn is longest ago, and not of whom it was or who has most.
        turns.ended("z", "000", &Came::Well, now);
        turns.ended("b", "000", &Came::Ill, now);
        turns.ended("b", "001", &Came::Ill, now);
        turns.ended("a", "000", &Came::Ill, now);
        waiting.extend(many("new", 1));
        assert_eq!(due(&mut turns, &waiting, now), ["a 004", "z 000", "d 003", "b 004"]);
        turns.ended("c", "000", &Came::Ill, now);
        turns.ended("a", "001", &Came::Ill, now);
        assert_eq!(due(&mut turns, &waiting, now), ["c 004", "new 000"], "the first has had another turn since");
    }

    #[tokio::test]
    async fn the_next_is_waited_for_until_it_may_be_tried_again() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        let waiting = all(&["m a", "n a"]);
        assert_eq!(due(&mut turns, &waiting, now), ["m a", "n a"]);
        turns.ended("m", "a", &Came::Ill, now);
        let next = turns.next(now);
        assert!(next > now && next <= now + WAITS.0);
        assert!(due(&mut turns, &waiting, now).is_empty());
        assert_eq!(due(&mut turns, &waiting, next), ["m a"]);
    }

    #[tokio::test]
    async fn waits_grow_to_five_minutes_and_begin_anew_when_one_was_taken() {
        let now = Instant::now();
        let mut wait = Wait { not_before: now, wait: WAITS.0, under_way: true };
        let mut longest = Vec::new();
        for _ in 0..11 {
            longest.push(wait.wait.as_secs());
            let most = wait.wait;
            wait.ended(&Came::Ill, now);
            assert!(wait.not_before >= now + most / 2 && wait.not_before <= now + most);
        }
        assert_eq!(longest, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        wait.ended(&Came::Well, now);
        assert_eq!((wait.not_before, wait.wait), (now, WAITS.0));
    }
}
