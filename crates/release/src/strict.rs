//! What may be taken for several things: an aircraft that two feeds bring with two markings, a marking that is to change.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use record::PartyId;
use track::TrackReport;
use units::{AircraftClass, Now};

use crate::marking::Marking;
use crate::policy::{About, Level, Policy, RecordClass, Rule, match_point};

/// What a rule looks at of an aircraft beside its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Class.
    pub class: AircraftClass,
    /// Marking.
    pub marking: Option<Marking>,
}

impl Policy {
    /// Of the labels that a track may bear, the one under which this peer is told the least of it; `None` if nothing can be
    /// told that each of them allows. Where a change of the labels waits for people, that must be no more after or beside what any
    /// other lets out: of two grids none is less, since who changes labels again and again has a place told on one after the other.
    #[must_use]
    pub fn strictest(
        &self,
        peer: &PartyId,
        report: &TrackReport,
        labels: &[Label],
        waits: bool,
        now: Now,
    ) -> Option<Label> {
        let rules = self.rules_for(peer);
        let told = |label: &Label| {
            let (aircraft, marking) = (Some(label.class), label.marking);
            let about = About { class: RecordClass::Tracks, aircraft, marking, now: now.utc };
            let rule = match_point(rules, &about, report.position).map(|index| &rules[index]);
            rule.map_or((Level::Withheld, None), |rule| (rule.level, rule.every_ms))
        };
        let no_more = |a: (Level, Option<u32>), b: (Level, Option<u32>)| {
            // A cell is told once a bin, whatever the other's rate.
            let seldom = !matches!(a.0, Level::Full | Level::Reduced { .. }) || a.1 >= b.1;
            let less = if waits { a.0.is_within(b.0) } else { a.0.less(b.0) == a.0 };
            less && seldom
        };
        labels.iter().copied().find(|label| labels.iter().all(|other| no_more(told(label), told(other))))
    }

    /// Whether aircraft and plans of any class may be told more of under the second marking than under the first.
    #[must_use]
    pub fn marking_widens(&self, from: Option<Marking>, to: Option<Marking>) -> bool {
        // A word that no rule names is as none.
        let names = |word: &Marking| self.rules.values().flatten().any(|rule| rule.marking == Some(*word));
        let [from, to] = [from, to].map(|word| word.filter(names));
        let label = |class, marking| Label { class, marking };
        from != to
            && AircraftClass::ALL.iter().any(|class| self.label_widens(Some(label(*class, from)), label(*class, to)))
    }

    /// Whether more may be told under the second label than under the first; of nothing that is told if there is no first.
    #[must_use]
    pub fn label_widens(&self, from: Option<Label>, to: Label) -> bool {
        let from = from.map_or_else(Self::default, |from| self.of_label(from));
        !from.widenings(&self.of_label(to)).is_empty()
    }

    /// The rules that may decide of what bears a label, without the label.
    fn of_label(&self, label: Label) -> Self {
        let decides = |rule: &&Rule| {
            rule.class != RecordClass::Sites
                && rule.aircraft.is_none_or(|class| class == label.class)
                && rule.marking.is_none_or(|marking| Some(marking) == label.marking)
        };
        let plain = |rule: &Rule| Rule { aircraft: None, marking: None, ..*rule };
        let of =
            |(peer, rules): (&PartyId, &Vec<Rule>)| (peer.clone(), rules.iter().filter(decides).map(plain).collect());
        Self { revision: self.revision, rules: self.rules.iter().map(of).collect::<BTreeMap<_, _>>() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Identity;
    use units::{Position, Utc};

    fn policy(rules: &[Rule]) -> (PartyId, Policy) {
        let south = PartyId::parse("south").unwrap();
        (south.clone(), Policy { revision: 1, rules: BTreeMap::from([(south, rules.to_vec())]) })
    }

    #[test]
    fn of_several_labels_the_one_that_tells_least_is_taken_and_none_where_that_is_no_one_of_them() {
        let [a, b] = ["a", "b"].map(Marking::parse);
        let tracks = |marking, level| Rule { marking, ..Rule::new(RecordClass::Tracks, level) };
        let label = |marking| Label { class: AircraftClass::Civil, marking };
        let coarse = Level::Coarse { cell_e7: 1_000_000, bin_ms: 60_000 };
        let late = Level::Reduced { precision_mm: 0, delay_ms: 1000, identity: Identity::Keep };
        let wide = Level::Reduced { precision_mm: 5000, delay_ms: 0, identity: Identity::Keep };
        let report = TrackReport::new(1, Position::default(), Utc(0));
        for (first, second, want) in
            [(Level::Withheld, Level::Full, Some(label(a))), (Level::Full, coarse, Some(label(b))), (late, wide, None)]
        {
            let (south, policy) = policy(&[tracks(a, first), tracks(b, second), tracks(None, Level::Full)]);
            for waits in [false, true] {
                let strictest = |labels: &[Label]| policy.strictest(&south, &report, labels, waits, Now::default());
                assert_eq!(strictest(&[label(a), label(b)]), want);
                assert_eq!(strictest(&[label(b), label(a)]), want);
                assert_eq!(strictest(&[label(None)]), Some(label(None)));
            }
        }
    }

    #[test]
    fn of_two_grids_the_coarser_is_taken_and_none_where_a_change_waits() {
        let [a, b] = ["a", "b"].map(Marking::parse);
        let tracks = |marking, level| Rule { marking, ..Rule::new(RecordClass::Tracks, level) };
        let label = |marking| Label { class: AircraftClass::Civil, marking };
        let report = TrackReport::new(1, Position::default(), Utc(0));
        let cells = |cell_e7| Level::Coarse { cell_e7, bin_ms: 60_000 };
        let reduced = |precision_mm| Level::Reduced { precision_mm, delay_ms: 0, identity: Identity::Keep };
        for (fine, coarse) in [(cells(1_000_000), cells(2_000_000)), (reduced(1_000), reduced(2_000))] {
            let (south, policy) = policy(&[tracks(a, fine), tracks(b, coarse)]);
            let strictest = |waits| policy.strictest(&south, &report, &[label(a), label(b)], waits, Now::default());
            assert_eq!((strictest(false), strictest(true)), (Some(label(b)), None));
        }
    }

    #[test]
    fn a_marking_widens_if_a_rule_lets_out_more_of_what_bears_it() {
        let [a, b] = ["a", "b"].map(Marking::parse);
        let (_, policy) = policy(&[
            Rule { marking: a, ..Rule::new(RecordClass::Tracks, Level::Withheld) },
            Rule::new(RecordClass::Tracks, Level::Full),
        ]);
        assert!(policy.marking_widens(a, None) && policy.marking_widens(a, b));
        assert!(!policy.marking_widens(None, a) && !policy.marking_widens(None, b) && !policy.marking_widens(b, None));
        let label = Label { class: AircraftClass::Civil, marking: a };
        assert!(!policy.label_widens(None, label) && policy.label_widens(None, Label { marking: b, ..label }));
    }
}
