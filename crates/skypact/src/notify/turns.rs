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
/// The same of all managers that have an address where the last try came to nothing: however many they are, those whose addresses
/// answer have the other places.
const ILL_UNDER_WAY_MAX: usize = 8;
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

    fn is_ill(&self) -> bool {
        self.addresses.values().any(|wait| wait.wait > WAITS.0)
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
        let mut due = Vec::new();
        while let Some((_, name, address)) = self.first(now) {
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

    /// Those for whom there is a place.
    fn free(&self) -> impl Iterator<Item = (&String, &Manager)> {
        let under_way = |ill: bool| -> usize {
            self.managers.values().filter(|of| ill == of.is_ill()).map(Manager::under_way).sum()
        };
        let (well, ill) = (under_way(false), under_way(true));
        let is_free =
            move |manager: &Manager| well + ill < UNDER_WAY_MAX && (ill < ILL_UNDER_WAY_MAX || !manager.is_ill());
        self.managers.iter().filter(move |(_, manager)| is_free(manager))
    }

    /// Of those to whom something may be sent now the one whose last turn is longest ago, with that turn and the address.
    fn first(&self, now: Instant) -> Option<(u64, String, String)> {
        let due = self.free().filter_map(|(name, manager)| {
            let (_, address) = manager.next().filter(|(from, _)| *from <= now)?;
            Some((manager.turn, name, address))
        });
        due.min().map(|(turn, name, address)| (turn, name.clone(), address.clone()))
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
        // With all hands full, one that is due waits until there is a free one.
        self.free().filter_map(|(_, manager)| Some(manager.next()?.0)).min().unwrap_or(now + WAITS.1)
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
        let later = now + Duration::from_secs(1);
        for (manager, address) in [("z", "000"), ("b", "000"), ("b", "001"), ("a", "000")] {
            turns.ended(manager, address, &Came::Well, later);
        }
        waiting.extend(many("new", 1));
        assert_eq!(due(&mut turns, &waiting, later), ["a 004", "z 000", "d 003", "b 004"]);
        turns.ended("c", "000", &Came::Well, later);
        turns.ended("a", "001", &Came::Well, later);
        assert_eq!(due(&mut turns, &waiting, later), ["c 004", "new 000"], "the first has had another turn since");
    }

    #[tokio::test]
    async fn managers_with_addresses_that_do_not_answer_have_half_of_the_places_however_many_they_are() {
        let (mut turns, now) = (Turns::default(), Instant::now());
        let mut waiting: Vec<_> = ["a", "b", "c", "d", "e"].iter().flat_map(|manager| many(manager, 50)).collect();
        for (manager, address) in turns.due(waiting.clone(), now) {
            turns.ended(&manager, &address, &Came::Ill, now);
        }
        let later = now + WAITS.0 * 2;
        let ill = due(&mut turns, &waiting, later);
        assert_eq!(ill.len(), ILL_UNDER_WAY_MAX);
        assert_eq!(turns.next(later), later + WAITS.1, "those that are due have no place");
        waiting.extend(["y", "z"].iter().flat_map(|manager| many(manager, 50)));
        let well = due(&mut turns, &waiting, later);
        assert_eq!(well, (0..4).flat_map(|n| ["y", "z"].map(|of| format!("{of} {n:03}"))).collect::<Vec<_>>());
        for of in ill {
            let (manager, address) = of.split_once(' ').unwrap();
            turns.ended(manager, address, &Came::Ill, later);
        }
        // One of them answers at its only address where it did not: it is as the others again.
        let far = later + WAITS.1;
        assert!(due(&mut turns, &all(&["a 000"]), far).contains(&"a 000".into()) && turns.managers["a"].is_ill());
        turns.ended("a", "000", &Came::Well, far);
        assert!(!turns.managers["a"].is_ill());
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
