//! Whether a change of the rules lets out more, and what both the old and the new rules allow.
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
use crate::policy::{Level, Policy, RecordClass, Rule, limits};

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

    /// The most that both these rules and `new` allow, as rules: for each peer the narrower of the two where one is, else
    /// rules made of each pair. What cannot be said as a rule is withheld. Keeps this policy's revision.
    #[must_use]
    pub fn narrower(&self, new: &Self) -> Self {
        let of = |(peer, new): (&PartyId, &Vec<Rule>)| (peer.clone(), narrower(self.rules_for(peer), new));
        Self {
            revision: self.revision,
            rules: new.rules.iter().map(of).filter(|(_, rules)| !rules.is_empty()).collect(),
        }
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
        for (i, rule) in new.iter().enumerate().filter(|(_, r)| r.class == class && r.level != Level::Withheld) {
            let rest = Rule::new(class, Level::Withheld);
            let all = old.iter().enumerate().map(|(j, r)| (Some(j), r)).chain([(None, &rest)]);
            for (j, other) in all.filter(|(_, r)| r.class == class) {
                let before = (&new[..i], &old[..j.unwrap_or(old.len())]);
                if !rule.misses(other) && !rule.lets_out_no_more_than(other) && !decided(before, rule, other) {
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

    /// What both rules are about, with the most that both let out. Where that cannot be said, all of the first is withheld.
    fn and(&self, other: &Self) -> Self {
        let said = || {
            let when = match (self.when, other.when) {
                (Some(a), Some(b)) => Some(a.and(&b)?),
                (a, b) => a.or(b),
            };
            let area = match (self.area, other.area) {
                (Some(a), Some(b)) => Some(a.and(&b)?),
                (a, b) => a.or(b),
            };
            // A cell or area is told once a bin: no oftener than either rule would tell.
            let slowest = self.cadence_ms().max(other.cadence_ms());
            let level = match self.level.less(other.level) {
                Level::AvoidArea { cell_e7, bin_ms } => Level::AvoidArea { cell_e7, bin_ms: bin_ms.max(slowest) },
                Level::Coarse { cell_e7, bin_ms } => Level::Coarse { cell_e7, bin_ms: bin_ms.max(slowest) },
                level => level,
            };
            let every_ms = match level {
                Level::Full | Level::Reduced { .. } => self.every_ms.max(other.every_ms),
                _ => None,
            };
            let (aircraft, marking) = (self.aircraft.or(other.aircraft), self.marking.or(other.marking));
            let rule = Self { class: self.class, aircraft, area, level, when, marking, every_ms };
            rule.check(&PartyId::parse("a").ok()?, 0).is_ok().then_some(rule)
        };
        said().unwrap_or(Self { level: Level::Withheld, every_ms: None, ..*self })
    }
}

fn narrower(old: &[Rule], new: &[Rule]) -> Vec<Rule> {
    if wider(old, new).is_none() {
        return new.to_vec();
    }
    if wider(new, old).is_none() {
        return old.to_vec();
    }
    let mut out: Vec<Rule> = Vec::new();
    for class in RecordClass::ALL {
        let own = |rules: &[Rule]| rules.iter().filter(|r| r.class == class).copied().collect::<Vec<_>>();
        let (old, new) = (own(old), own(new));
        let made = if wider(&old, &new).is_none() {
            new
        } else if wider(&new, &old).is_none() {
            old
        } else {
            each_pair(&old, &new)
        };
        // A class for which there is no room is withheld.
        if out.len() + made.len() <= limits::RULES_MAX {
            out.extend(made);
        }
    }
    out
}

/// New rules in order, each with every old rule in order, and with nothing where no old rule is.
fn each_pair(old: &[Rule], new: &[Rule]) -> Vec<Rule> {
    let mut out: Vec<Rule> = Vec::new();
    for rule in new {
        let rest = Rule::new(rule.class, Level::Withheld);
        for other in old.iter().chain([&rest]).filter(|other| !rule.misses(other)) {
            let both = rule.and(other);
            // What an earlier one decides needs no rule; of an extent each rule that it touches counts.
            let covers = |k: &Rule| k.takes_where_both(&both, &both) && k.holds_area(&both);
            let idle = out.iter().any(|k| covers(k) && (is_point(rule.class) || k.lets_out_no_more_than(&both)));
            if !idle {
                out.push(both);
            }
        }
    }
    out
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

    /// What is in both, if one area can say it.
    fn and(&self, other: &Self) -> Option<Self> {
        if self.is_within(other) {
            return Some(*self);
        }
        if other.is_within(self) {
            return Some(*other);
        }
        let (
            Self::Box { south_e7: s, west_e7: w, north_e7: n, east_e7: e },
            Self::Box { south_e7, west_e7, north_e7, east_e7 },
        ) = (*self, *other)
        else {
            return None;
        };
        // Two boxes across the antimeridian may meet twice.
        let plain = w <= e && west_e7 <= east_e7;
        plain.then(|| Self::Box {
            south_e7: s.max(south_e7),
            west_e7: w.max(west_e7),
            north_e7: n.min(north_e7),
            east_e7: e.min(east_e7),
        })
    }
}

#[cfg(test)]
#[path = "widening_tests.rs"]
mod tests;
