//! How a conflict of two tracks becomes an alert, and stays one: seen M of N times before it is a warning, at once when it is
//! near, and ended by thresholds wider than those that begin it. Every part of it is data, [`AlertRules`].
use crate::detecting::{CONFLICTS_MAX, facts_of_pair};
use crate::inhibiting::under;
use crate::intending::Way;
use crate::picture::SystemTrack;
use crate::situation::{Present, conflict_of};
use crate::state::State;
use alloc::vec::Vec;
use desk::{AlertLevel, Facts, Situation};
use detect::{Verdict, track_track};
use minicbor::{Decode, Encode};
use units::{Now, Utc};

/// Pairs that wait to be seen once more: 10,000 of 40 B. Whatever finds no room here does not wait.
const WAITING_MAX: usize = 10_000;

/// When a conflict found is worth an alert.
///
/// A look is a judgement of a pair of which at least one has reported since the last one: the same reports judged again prove
/// nothing. What is an alarm (minima lost, or lost within the pact's alarm horizon) never waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AlertRules {
    /// M: at so many looks a conflict was found before it is a warning.
    #[n(0)]
    pub found: u8,
    /// N: of so many last looks; at most 8.
    #[n(1)]
    pub looks: u8,
    /// An alert ends beyond the lateral minimum and so many hundredths of it. The vertical minimum is not widened: 1000 ft is
    /// where traffic is to be.
    #[n(2)]
    pub wider_percent: u8,
    /// It also ends only when the loss begins later than the horizon and so many hundredths of it.
    #[n(3)]
    pub later_percent: u8,
    /// Tracks of one aircraft are joined before they are judged.
    #[n(4)]
    pub joins: bool,
    /// Vertical rates are believed of those, too, that keep their level.
    #[n(5)]
    #[cbor(default)]
    pub all_rates: bool,
}

impl Default for AlertRules {
    fn default() -> Self {
        Self { found: 2, looks: 3, wider_percent: 10, later_percent: 20, joins: true, all_rates: false }
    }
}

impl AlertRules {
    /// Every finding is an alert at once, and ends with it.
    pub const NONE: Self =
        Self { found: 1, looks: 1, wider_percent: 0, later_percent: 0, joins: false, all_rates: true };

    fn mask(self) -> u8 {
        (1u16.checked_shl(u32::from(self.looks)).unwrap_or(0).wrapping_sub(1) & 0xff) as u8
    }

    fn widened(self, minima: detect::Minima) -> detect::Minima {
        let part = |value: i64, percent: u8| value.saturating_add(value.saturating_mul(i64::from(percent)) / 100);
        detect::Minima {
            lateral_mm: part(minima.lateral_mm, self.wider_percent),
            vertical: minima.vertical,
            horizon_ms: part(minima.horizon_ms, self.later_percent),
        }
    }
}

/// What the last looks at a pair found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Looks {
    /// Found or not, the newest in the lowest bit.
    #[n(0)]
    bits: u8,
    /// Times of the two reports that were judged last.
    #[n(1)]
    of: (Utc, Utc),
}

impl State {
    /// Replaces the rules by which conflicts become alerts. Not journaled: for what measures them.
    pub fn set_alert_rules(&mut self, rules: AlertRules) {
        self.alerting.rules = rules;
    }

    /// Notes that a conflict of a pair without an alert was found. Whether it was found often enough to be one.
    pub(crate) fn is_confirmed(&mut self, pair: (u32, u32), of: (Utc, Utc)) -> bool {
        let rules = self.alerting.rules;
        let has_room = self.alerting.looks.len() < WAITING_MAX;
        match self.alerting.looks.get_mut(&pair) {
            Some(looks) if looks.of == of => {}
            Some(looks) => *looks = Looks { bits: (looks.bits << 1 | 1) & rules.mask(), of },
            None if rules.found > 1 && has_room => {
                self.alerting.looks.insert(pair, Looks { bits: 1, of });
            }
            None => return true,
        }
        let is_confirmed =
            self.alerting.looks.get(&pair).is_some_and(|l| l.bits.count_ones() >= u32::from(rules.found));
        if is_confirmed {
            self.alerting.looks.remove(&pair);
        }
        is_confirmed
    }

    /// Once a second: of pairs that wait and were not found, a look that found nothing.
    pub(crate) fn look_again(&mut self, found: impl Fn((u32, u32)) -> bool) {
        let mask = self.alerting.rules.mask();
        let (picture, looks) = (&self.picture, &mut self.alerting.looks);
        looks.retain(|pair, looks| {
            let at = |id| picture.get(id).map(|track: &SystemTrack| track.last.at);
            let (Some(a), Some(b)) = (at(pair.0), at(pair.1)) else { return false };
            if !found(*pair) && looks.of != (a, b) {
                *looks = Looks { bits: looks.bits << 1 & mask, of: (a, b) };
            }
            looks.bits != 0
        });
    }

    /// Once a second: conflicts with an alert that were not found, and are not clear by the wider thresholds: they go on as
    /// cautions.
    pub(crate) fn keep_near(&mut self, present: &mut Present, now: Now) {
        let pairs: Vec<(u32, u32)> = self
            .desk
            .alerts
            .live()
            .filter_map(|alert| match alert.situation {
                Situation::Tracks(a, b) => Some((u32::try_from(a).ok()?, u32::try_from(b).ok()?)),
                _ => None,
            })
            .filter(|(a, b)| !present.contains(&conflict_of(*a, *b)))
            .take(CONFLICTS_MAX)
            .collect();
        for (a, b) in pairs {
            let (Some(ta), Some(tb)) = (self.picture.get(a), self.picture.get(b)) else { continue };
            if !Self::concerns(ta, tb) || !self.flies_alone(ta) || !self.flies_alone(tb) {
                continue;
            }
            // What meets on its way is one, and so is one that was found and for which there was no room.
            let minima = self.sky.minima().get(ta.class(), tb.class());
            let state_of = |track: &SystemTrack| self.kinematics_of(track, now.utc);
            let (sa, sb) = (state_of(ta), state_of(tb));
            if matches!(self.on_their_way(ta, tb, now), Way::Along(..))
                || track_track(&sa, &sb, &minima).conflict().is_some()
            {
                present.insert(conflict_of(a, b));
                continue;
            }
            let wider = self.alerting.rules.widened(minima);
            let Verdict::Conflict(encounter) = track_track(&sa, &sb, &wider) else { continue };
            let (_, met) = self.facts_of(&encounter, now);
            if !self.within_pact(&ta.last, &tb.last, met.cpa.unwrap_or(now.utc)) {
                continue;
            }
            let inhibited = self.inhibition_of(ta, tb, now);
            // Beyond the minima nothing is lost.
            let facts = Facts { violation: false, loss: None, ..facts_of_pair(ta, tb, met) };
            let (level, facts) = under(inhibited, AlertLevel::Caution, facts);
            if self.hold(conflict_of(a, b), level, facts, now) {
                present.insert(conflict_of(a, b));
            }
        }
    }
}
