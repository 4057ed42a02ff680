//! Room on the desk for what grows with the traffic, or with what a peer sends. Of each kind so much is held; when that is
//! full, what one party's words fill gives way to another's, and within one party the less grave to the graver.
use crate::detecting::CONFLICTS_MAX;
use crate::state::State;
use alloc::collections::BTreeMap;
use core::cmp::Reverse;
use desk::{Alert, AlertLevel, Facts, Situation};
use record::PartyId;

/// The graver is the greater: by level, then by how soon, then by age.
type Gravity = (AlertLevel, Reverse<i64>);

fn gravity(level: AlertLevel, facts: &Facts) -> Gravity {
    (level, Reverse(facts.loss.or(facts.cpa).map_or(i64::MAX, |at| at.0)))
}

/// The alerts of one party and kind.
#[derive(Default)]
struct Held {
    count: usize,
    least: Option<(Gravity, Reverse<u64>)>,
}

impl State {
    /// Makes sure that a situation that is new has room, if there may be any.
    pub(crate) fn has_room(&mut self, situation: &Situation, level: AlertLevel, facts: &Facts) -> bool {
        let same = |a: &&Alert| core::mem::discriminant(&a.situation) == core::mem::discriminant(situation);
        if !grows(situation) || self.desk.alerts.live().filter(same).count() < CONFLICTS_MAX {
            return true;
        }
        let mut held: BTreeMap<PartyId, Held> = BTreeMap::new();
        for alert in self.desk.alerts.live().filter(same) {
            let of = held.entry(self.whose(&alert.situation)).or_default();
            of.count += 1;
            // By its own level: one that only waiting made an alarm is no graver for it.
            let rank = (gravity(alert.condition(), &alert.facts), Reverse(alert.id));
            of.least = Some(of.least.map_or(rank, |least| least.min(rank)));
        }
        let whose = self.whose(situation);
        let own = held.get(&whose).map_or(0, |of| of.count);
        let most = held.values().max_by_key(|of| of.count);
        let mut victim = most.filter(|most| most.count > own + 1).and_then(|most| most.least);
        victim = victim.filter(|((least, _), _)| *least <= level);
        if victim.is_none() {
            let of = held.get(&whose).and_then(|of| of.least);
            victim = of.filter(|(least, _)| *least < gravity(level, facts));
        }
        match victim {
            Some((_, Reverse(id))) => self.desk.alerts.push_out(id, self.now),
            None => false,
        }
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
