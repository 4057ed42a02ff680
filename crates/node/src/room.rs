//! Room on the desk for what grows with the traffic, or with what a peer sends. Of each kind so much is held. When that is full,
//! every party has a share that no other's words take, the own one a larger; beyond it the less grave gives way to the graver.
use crate::detecting::CONFLICTS_MAX;
use crate::picture::SEVERAL;
use crate::state::State;
use alloc::collections::BTreeMap;
use core::cmp::Reverse;
use desk::{Alert, AlertLevel, Facts, Situation};
use record::PartyId;

/// Alerts of a kind that a peer's words keep against all others: of 15 peers 300.
const SHARE: usize = 20;
/// The same of what own feeds say. Both together are fewer than a kind has room for, so that somebody always has more.
const OWN_SHARE: usize = 150;

/// The graver is the greater: by level, then by how soon, then by age.
type Gravity = (AlertLevel, Reverse<i64>, Reverse<u64>);

fn gravity(level: AlertLevel, facts: &Facts, id: u64) -> Gravity {
    (level, Reverse(facts.loss.or(facts.cpa).map_or(i64::MAX, |at| at.0)), Reverse(id))
}

/// The alerts of one party and kind: how many, and the least grave.
struct Held {
    count: usize,
    share: usize,
    least: Gravity,
}

impl State {
    /// Makes sure that a situation that is new has room, if there may be any.
    pub(crate) fn has_room(&mut self, situation: &Situation, level: AlertLevel, facts: &Facts) -> bool {
        let same = |a: &&Alert| core::mem::discriminant(&a.situation) == core::mem::discriminant(situation);
        if !grows(situation) || self.desk.alerts.live().filter(same).count() < CONFLICTS_MAX {
            return true;
        }
        let share = |of: u16| if of == 0 { OWN_SHARE } else { SHARE };
        let mut held: BTreeMap<u16, Held> = BTreeMap::new();
        for alert in self.desk.alerts.live().filter(same) {
            let whose = self.whose(&alert.situation, &alert.facts);
            // By its own level: one that only waiting made an alarm is no graver for it.
            let rank = gravity(alert.condition(), &alert.facts, alert.id);
            let share = share(whose);
            let of = held.entry(whose).or_insert(Held { count: 0, share, least: rank });
            (of.count, of.least) = (of.count + 1, of.least.min(rank));
        }
        let whose = self.whose(situation, facts);
        let has_share = held.get(&whose).is_none_or(|of| of.count < of.share);
        let new = gravity(level, facts, u64::MAX);
        let beyond = || held.values().filter(|of| of.count > of.share);
        let most = beyond().max_by_key(|of| of.count - of.share).map(|of| of.least);
        let victim = most.filter(|_| has_share).or_else(|| {
            let of_same = held.get(&whose).map(|of| of.least);
            beyond().map(|of| of.least).chain(of_same).min().filter(|least| *least < new)
        });
        victim.is_some_and(|(_, _, Reverse(id))| self.desk.alerts.push_out(id, self.now))
    }

    /// Whose words a situation rests on beside one's own, by number.
    fn whose(&self, situation: &Situation, facts: &Facts) -> u16 {
        let of_track = |id: u64| match self.track_of(id) {
            Some(track) => (!track.is_own()).then(|| track.teller()),
            None => facts.teller.filter(|_| facts.b == Some(id)),
        };
        let of_party = |party: &PartyId| {
            let number = self.parties.iter().position(|known| known == party).and_then(|n| u16::try_from(n).ok());
            number.unwrap_or(SEVERAL)
        };
        match situation {
            Situation::Tracks(a, b) => of_track(*a).or_else(|| of_track(*b)).unwrap_or(0),
            Situation::Site(track, owner, _) | Situation::Area(track, owner, _) => match of_party(owner) {
                0 => of_track(*track).unwrap_or(0),
                number => number,
            },
            Situation::Meeting(_, owner, _) | Situation::Reported(owner, _) | Situation::Unjudged(_, owner) => {
                of_party(owner)
            }
            _ => 0,
        }
    }
}

/// Of other kinds there are as many as there are peers and notices.
fn grows(situation: &Situation) -> bool {
    use Situation::{Area, Meeting, Reported, Site, Tracks, Unjudged};
    matches!(situation, Tracks(..) | Site(..) | Area(..) | Meeting(..) | Reported(..) | Unjudged(..))
}
