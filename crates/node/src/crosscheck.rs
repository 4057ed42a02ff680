//! The two paths by which conflicts are found, held against each other: what each update finds in its neighbourhood, and what a
//! look at all pairs finds once a second. They share the judgement of a pair and nothing else, so a pair that one misses is a
//! fault of the index or of the filter: it is counted, logged and an alarm.
use crate::input::Output;
use crate::situation::{Present, sentence};
use crate::state::State;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use desk::{AlertLevel, OwnTrouble, Situation};
use detect::{Encounter, Sweep};
use minicbor::{Decode, Encode};
use units::{Now, Utc};

/// Own tracks asked each second, of those in conflict and again of all in turn: a query takes 0.1 ms in dense traffic.
const ASKED: usize = 50;
/// How long a mismatch is an alarm.
const ALARM_MS: i64 = 600_000;

/// What came of it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct Crosscheck {
    /// Tracks asked.
    #[n(0)]
    pub asked: u64,
    /// Tracks of which the two paths said different things.
    #[n(1)]
    pub mismatches: u64,
    /// The last of these times.
    #[n(2)]
    pub last: Option<Utc>,
    /// The track asked last in turn.
    #[n(3)]
    turn: u32,
}

impl State {
    /// Holds a sweep over tracks of these numbers at `now` against the event path.
    pub(crate) fn crosscheck(&mut self, keys: &[u32], sweep: &Sweep, now: Now, out: &mut Vec<Output>) {
        let is_own = |id: &u32| self.picture.get(*id).is_some_and(|track| track.is_own());
        let turn = self.alerting.crosscheck.turn;
        let from = keys.partition_point(|id| *id <= turn);
        let in_turn: Vec<u32> = keys[from..].iter().chain(&keys[..from]).copied().filter(is_own).take(ASKED).collect();
        let in_conflict = sweep.pairs.iter().flat_map(|p| [keys[p.i], keys[p.j]]).filter(is_own).take(ASKED);
        let mut asked: Vec<u32> = in_turn.iter().copied().chain(in_conflict).collect();
        asked.sort_unstable();
        asked.dedup();
        let mut by_sweep: BTreeMap<u32, Vec<(u32, Encounter)>> = asked.iter().map(|id| (*id, Vec::new())).collect();
        for pair in &sweep.pairs {
            for (id, other) in [(keys[pair.i], keys[pair.j]), (keys[pair.j], keys[pair.i])] {
                if let Some(found) = by_sweep.get_mut(&id) {
                    found.push((other, pair.encounter));
                }
            }
        }
        let mut wrong = Vec::new();
        for (id, mut swept) in by_sweep {
            let mut found = self.sky.neighbours(id, true, now);
            if sweep.cut > 0 {
                // Not all pairs of the sweep are there to compare.
                found.retain(|(other, _)| swept.iter().any(|(of_sweep, _)| of_sweep == other));
            }
            found.sort_by_key(|(other, _)| *other);
            swept.sort_by_key(|(other, _)| *other);
            if found != swept {
                wrong.push(id);
            }
        }
        let check = &mut self.alerting.crosscheck;
        check.turn = in_turn.last().copied().unwrap_or(turn);
        check.asked += asked.len() as u64;
        if let Some(first) = wrong.first() {
            check.mismatches += wrong.len() as u64;
            check.last = Some(now.utc);
            let text = format!("the look at all pairs and the look at track {first} differ ({} tracks)", wrong.len());
            out.push(Output::Log(text));
        }
    }

    /// A mismatch of late is an alarm: conflicts may be missed.
    pub(crate) fn check_crosscheck(&mut self, present: &mut Present, now: Now) {
        let check = self.alerting.crosscheck;
        if check.last.is_none_or(|at| now.utc.since_ms(at) >= ALARM_MS) {
            return;
        }
        let text = format!(
            "conflicts may be missed: the two ways of looking for them differed for {} tracks so far",
            check.mismatches
        );
        let situation = Situation::Own(OwnTrouble::Detection);
        if self.hold(situation.clone(), AlertLevel::Alarm, sentence(text), now) {
            present.insert(situation);
        }
    }
}
