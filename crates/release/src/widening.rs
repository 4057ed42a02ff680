//! Whether a change of the rules lets out more.
//!
//! The comparison errs towards "more". It looks at every pair of a new and an old rule that could both decide about one
//! thing: the new one must let out no more, unless a rule before one of the two has decided already wherever both apply.
//! Unions of areas are not looked through, so that splitting one rule's area in two counts as letting out more.
//!
//! Of what has an extent every rule that it touches counts ([`crate::policy`]), so there an earlier rule excuses a pair only
//! if it holds all that the later one can hold.
use alloc::vec::Vec;
use record::PartyId;

use crate::area::Area;
use crate::policy::{Level, Policy, RecordClass, Rule};

/// One rule of new rules that may let out more than those in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widening {
    /// To whom.
    pub peer: PartyId,
    /// Index of the new rule, from 0.
    pub rule: usize,
    /// Index of the rule in force that it is wider than; `None` if nothing is released there.
    pub over: Option<usize>,
}

impl Policy {
    /// The first rule for each peer by which `new` may let out more than these rules; empty if it certainly lets out no more.
    #[must_use]
    pub fn widenings(&self, new: &Self) -> Vec<Widening> {
        let of = |(peer, rules): (&PartyId, &Vec<Rule>)| {
            let (rule, over) = wider(self.rules_for(peer), rules)?;
            Some(Widening { peer: peer.clone(), rule, over })
        };
        new.rules.iter().filter_map(of).collect()
    }
}

/// Whether things of a class lie at a point, rather than reach over an area.
const fn is_point(class: RecordClass) -> bool {
    matches!(class, RecordClass::Tracks | RecordClass::Conflicts)
}

/// The first new rule that may let out more, and the old one that it exceeds.
fn wider(old: &[Rule], new: &[Rule]) -> Option<(usize, Option<usize>)> {
    for class in RecordClass::ALL {
        let same = |rules: &[Rule]| rules.iter().filter(|r| r.class == class).copied().collect::<Vec<_>>();
        if same(old) == same(new) {
            continue;
        }
        // Where only exceptions are put in or taken out, what is still told of is told on the grid that it was.
        let told = |rules: &[Rule]| same(rules).into_iter().filter(|r| r.level != Level::Withheld).collect::<Vec<_>>();
        let regrids = !is_point(class) && told(old) != told(new);
        for (i, rule) in new.iter().enumerate().filter(|(_, r)| r.class == class && r.level != Level::Withheld) {
            let rest = Rule::new(class, Level::Withheld);
            let all = old.iter().enumerate().map(|(j, r)| (Some(j), r)).chain([(None, &rest)]);
            for (j, other) in all.filter(|(_, r)| r.class == class) {
                let before = (&new[..i], &old[..j.unwrap_or(old.len())]);
                let excused = || decided(before, rule, other) && !(regrids && rule.coarsens(other));
                if !rule.misses(other) && !rule.lets_out_no_more_than(other) && !excused() {
                    return Some((i, j));
                }
            }
        }
    }
    None
}

/// Whether an earlier rule, of the new ones or of the old ones, decides wherever both rules apply.
fn decided((new, old): (&[Rule], &[Rule]), rule: &Rule, other: &Rule) -> bool {
    let class = |r: &&Rule| r.class == rule.class;
    let [mut new, mut old] = [new, old].map(|rules| rules.iter().filter(class));
    if is_point(rule.class) {
        let covers = |k: &Rule| k.takes_where_both(rule, other) && (k.holds_area(rule) || k.holds_area(other));
        return new.any(covers) || old.any(covers);
    }
    // What `rule` holds whole, an earlier rule holds whole; or touches it, as it touches `other`, and lets out less.
    new.any(|k| {
        let touched = k.holds_area(other) && k.lets_out_no_more_than(other);
        k.takes_where_both(rule, other) && (k.holds_area(rule) || touched)
    }) || old.any(|k| k.takes_where_both(rule, other) && k.holds_area(rule))
}

impl Rule {
    /// Whether what touches both areas is told on another grid, or by other bins, than the other rule's alone.
    fn coarsens(&self, other: &Self) -> bool {
        !self.level.less(other.level).is_within(other.level)
    }

    /// Whether no thing is one that both rules are about; errs towards no.
    fn misses(&self, other: &Self) -> bool {
        let differ = |a: bool, b: bool, same: bool| a && b && !same;
        differ(self.aircraft.is_some(), other.aircraft.is_some(), self.aircraft == other.aircraft)
            || differ(self.marking.is_some(), other.marking.is_some(), self.marking == other.marking)
            || self.when.zip(other.when).is_some_and(|(a, b)| a.misses(&b))
            || self.area.zip(other.area).is_some_and(|(a, b)| a.misses(&b))
    }

    /// Whether this rule is about all, as far as aircraft, marking and time go, that both of two others are about.
    fn takes_where_both(&self, a: &Self, b: &Self) -> bool {
        let aircraft = |r: &Self| self.aircraft.is_none() || self.aircraft == r.aircraft;
        let marking = |r: &Self| self.marking.is_none() || self.marking == r.marking;
        let when = |r: &Self| self.when.is_none_or(|own| r.when.is_some_and(|w| w.is_within(&own)));
        (aircraft(a) || aircraft(b)) && (marking(a) || marking(b)) && (when(a) || when(b))
    }

    /// Whether the other's area lies in this one's; errs towards no.
    fn holds_area(&self, other: &Self) -> bool {
        self.area.is_none_or(|own| other.area.is_some_and(|area| area.is_within(&own)))
    }
}

impl Area {
    /// Whether all of this lies in the other; errs towards no.
    fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Circle { centre: a, radius_mm: r }, Self::Circle { centre: b, radius_mm }) if a == b => {
                r <= radius_mm
            }
            _ => self == other || self.cover().is_some_and(|own| other.surely_holds(&own)),
        }
    }

    /// Whether no point is in both; errs towards no.
    fn misses(&self, other: &Self) -> bool {
        self.cover().is_some_and(|own| !other.may_touch(&own)) || other.cover().is_some_and(|own| !self.may_touch(&own))
    }
}

#[cfg(test)]
#[path = "widening_tests.rs"]
mod tests;
