//! Room on the desk for what grows with the traffic, or with what a peer sends. Of each kind so much is held. When that is full,
//! every party has a share that no other's words take, the own one a larger; beyond it the less grave gives way to the graver.
use crate::detecting::CONFLICTS_MAX;
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
        let share = |of: &PartyId| if self.party() == Some(of) { OWN_SHARE } else { SHARE };
        let mut held: BTreeMap<PartyId, Held> = BTreeMap::new();
        for alert in self.desk.alerts.live().filter(same) {
            let whose = self.whose(&alert.situation);
            // By its own level: one that only waiting made an alarm is no graver for it.
            let rank = gravity(alert.condition(), &alert.facts, alert.id);
            let share = share(&whose);
            let of = held.entry(whose).or_insert(Held { count: 0, share, least: rank });
            (of.count, of.least) = (of.count + 1, of.least.min(rank));
        }
        let whose = self.whose(situation);
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

    /// Whose words a situation rests on beside one's own.
    fn whose(&self, situation: &Situation) -> PartyId {
        let of_track = |id: u64| self.track_of(id).filter(|track| !track.is_own()).map(|track| self.said_by(track));
        let own = || self.party().cloned().unwrap_or_else(crate::viewing::unnamed);
        match situation {
            Situation::Tracks(a, b) => of_track(*a).or_else(|| of_track(*b)).unwrap_or_else(own),
            Situation::Site(track, owner, _) | Situation::Area(track, owner, _) => {
                if self.party() == Some(owner) {
                    of_track(*track).unwrap_or_else(own)
                } else {
                    owner.clone()
                }
            }
            Situation::Meeting(_, owner, _) | Situation::Reported(owner, _) | Situation::Unjudged(_, owner) => {
                owner.clone()
            }
            _ => own(),
        }
    }
}

/// Of other kinds there are as many as there are peers and notices.
fn grows(situation: &Situation) -> bool {
    use Situation::{Area, Meeting, Reported, Site, Tracks, Unjudged};
    matches!(situation, Tracks(..) | Site(..) | Area(..) | Meeting(..) | Reported(..) | Unjudged(..))
}
