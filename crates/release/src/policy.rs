//! The policy: per peer a list of rules, first match wins, and nothing is released without a match.
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use record::PartyId;
use units::{AircraftClass, Position, Utc};

use crate::area::{Area, GeoBox};
use crate::marking::Marking;
use crate::released::LevelName;
use crate::when::When;

/// Who may see what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Policy {
    /// Revision, raised with every change.
    #[n(0)]
    pub revision: u32,
    /// Rules per peer, in order. A peer that is not listed is told nothing.
    #[n(1)]
    pub rules: BTreeMap<PartyId, Vec<Rule>>,
}

/// One rule: what it is about, and how much of that is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Rule {
    /// What kind of thing.
    #[n(0)]
    pub class: RecordClass,
    /// Only this class of aircraft; `None` for all. Not for sites.
    #[n(1)]
    pub aircraft: Option<AircraftClass>,
    /// Only here; `None` for everywhere.
    #[n(2)]
    pub area: Option<Area>,
    /// How much.
    #[n(3)]
    pub level: Level,
    /// Only at these times; `None` for always. What was told under it is withdrawn when its time ends.
    #[n(4)]
    pub when: Option<When>,
    /// Only what bears this marking; `None` for all, marked or not. Tracks, their conflicts and plans.
    #[n(5)]
    pub marking: Option<Marking>,
    /// At most one report of a track in this time, ms; `None` for all. Tracks released one by one only.
    #[n(6)]
    pub every_ms: Option<u32>,
}

impl Rule {
    /// A rule about all of a class, always.
    #[must_use]
    pub const fn new(class: RecordClass, level: Level) -> Self {
        Self { class, aircraft: None, area: None, level, when: None, marking: None, every_ms: None }
    }

    /// Whether the rule holds at this time.
    #[must_use]
    pub fn holds_at(&self, now: Utc) -> bool {
        self.when.is_none_or(|when| when.holds(now))
    }
}

/// What a rule is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    pub class: RecordClass,
    pub aircraft: Option<AircraftClass>,
    pub marking: Option<Marking>,
    pub now: Utc,
}

/// What a rule can be about. What is addressed on purpose (pact, channel, receipts, notices, avoid areas) needs no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum RecordClass {
    /// Own aircraft.
    #[n(0)]
    Tracks,
    /// Own plans.
    #[n(1)]
    Plans,
    /// Protected sites.
    #[n(2)]
    Sites,
    /// Conflicts found, as [`record::ConflictReport`]. Only [`Level::Full`] releases them.
    #[n(3)]
    Conflicts,
}

impl RecordClass {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Tracks, Self::Plans, Self::Sites, Self::Conflicts];

    /// The word used in files and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tracks => "tracks",
            Self::Plans => "plans",
            Self::Sites => "sites",
            Self::Conflicts => "conflicts",
        }
    }

    /// From [`RecordClass::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// How much is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Level {
    /// Nothing.
    #[n(0)]
    Withheld,
    /// Volumes to keep clear of, snapped outward: no identity, no reason, no count.
    #[n(1)]
    AvoidArea {
        /// Cell, degrees of latitude × 1e-7.
        #[n(0)]
        cell_e7: u32,
        /// Bin, ms.
        #[n(1)]
        bin_ms: u32,
    },
    /// Occupied cells, once a bin: no identity, no velocity, no count.
    #[n(2)]
    Coarse {
        /// Cell, degrees of latitude × 1e-7; columns are as wide as rows are high.
        #[n(0)]
        cell_e7: u32,
        /// Bin, ms.
        #[n(1)]
        bin_ms: u32,
    },
    /// Less precise, later, or without identity.
    #[n(3)]
    Reduced {
        /// Radius within which the aircraft was, millimetres; 0 leaves the position as it is.
        #[n(0)]
        precision_mm: u32,
        /// Delay before release, ms. Tracks only.
        #[n(1)]
        delay_ms: u32,
        /// What becomes of the identity.
        #[n(2)]
        identity: Identity,
    },
    /// As held.
    #[n(4)]
    Full,
}

/// What becomes of address, callsign and Mode A code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Identity {
    /// Dropped. The track keeps one number while it is tracked, and another one the next time.
    #[n(0)]
    #[default]
    Drop,
    /// Dropped, but the same airframe has the same number for this peer every time.
    #[n(1)]
    Pseudonym,
    /// Kept.
    #[n(2)]
    Keep,
}

impl Level {
    /// The level's name.
    #[must_use]
    pub const fn name(self) -> LevelName {
        match self {
            Self::Withheld => LevelName::Withheld,
            Self::AvoidArea { .. } => LevelName::AvoidArea,
            Self::Coarse { .. } => LevelName::Coarse,
            Self::Reduced { .. } => LevelName::Reduced,
            Self::Full => LevelName::Full,
        }
    }
}

/// Bounds of a policy.
pub mod limits {
    /// Peers: a pact has a handful of parties.
    pub const PARTIES_MAX: usize = 64;
    /// Rules of one peer. Matching is a scan, and 64 comparisons are 0.1 µs.
    pub const RULES_MAX: usize = 64;
    /// Smallest cell, 0.01° (1.1 km): finer than this is [`super::Level::Reduced`]'s work.
    pub const CELL_MIN_E7: u32 = 100_000;
    /// Largest cell, 10° (1,100 km).
    pub const CELL_MAX_E7: u32 = 100_000_000;
    /// Shortest bin, one tick.
    pub const BIN_MIN_MS: u32 = 1_000;
    /// Longest bin, an hour.
    pub const BIN_MAX_MS: u32 = 3_600_000;
    /// Longest bin of avoid areas, ten minutes: in it the fastest aircraft flies 600 km, and the circle that holds it
    /// with the largest cell (867 km) stays below the largest circle there is (1,852 km).
    pub const AVOID_BIN_MAX_MS: u32 = 600_000;
    /// Finest precision but zero: 1 m.
    pub const PRECISION_MIN_MM: u32 = 1_000;
    /// Coarsest precision, 200 km.
    pub const PRECISION_MAX_MM: u32 = 200_000_000;
    /// Longest delay, an hour: 3600 s of at most 55 rows a second fill the queue of 200,000.
    pub const DELAY_MAX_MS: u32 = 3_600_000;
    /// Longest time between two reports of a track, an hour; past it a peer's picture has long dropped the track.
    pub const EVERY_MAX_MS: u32 = 3_600_000;
}

/// Why a policy is refused. Rules are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Rules for too many peers.
    #[error("release rules for {got} parties, at most {}", limits::PARTIES_MAX)]
    Parties {
        /// Parties listed.
        got: usize,
    },
    /// Too many rules for one peer.
    #[error("{party}: {got} release rules, at most {}", limits::RULES_MAX)]
    Rules {
        /// The peer.
        party: PartyId,
        /// Rules listed.
        got: usize,
    },
    /// A number out of range.
    #[error("{party}, rule {rule}: {field} {got} is not between {min} and {max}")]
    Range {
        /// The peer.
        party: PartyId,
        /// Index of the rule.
        rule: usize,
        /// What is out of range, with its unit.
        field: &'static str,
        /// Value given.
        got: i64,
        /// Least.
        min: i64,
        /// Most.
        max: i64,
    },
    /// A level that the class does not have.
    #[error("{party}, rule {rule}: {} cannot be released as {}", class.name(), level.name())]
    LevelOfClass {
        /// The peer.
        party: PartyId,
        /// Index of the rule.
        rule: usize,
        /// Its class.
        class: RecordClass,
        /// Its level.
        level: LevelName,
    },
    /// Sites are no aircraft.
    #[error("{party}, rule {rule}: sites have no aircraft class")]
    AircraftOfSites {
        /// The peer.
        party: PartyId,
        /// Index of the rule.
        rule: usize,
    },
    /// A delay on something that is a statement of the future.
    #[error("{party}, rule {rule}: only tracks can be delayed; a late plan or site is a trap")]
    DelayOfClass {
        /// The peer.
        party: PartyId,
        /// Index of the rule.
        rule: usize,
    },
    /// A rate of something that is not released report by report.
    #[error("{party}, rule {rule}: only tracks released in full or reduced have a rate")]
    RateOfRule {
        /// The peer.
        party: PartyId,
        /// Index of the rule.
        rule: usize,
    },
    /// Sites are not marked.
    #[error("{party}, rule {rule}: sites bear no marking")]
    MarkingOfSites {
        /// The peer.
        party: PartyId,
        /// Index of the rule.
        rule: usize,
    },
}

impl Policy {
    /// The policy as it holds while the channel to a peer is not in force: tracks and plans are withheld. Rules keep their
    /// places, so that the ledger still names them.
    #[must_use]
    pub fn safety_floor(&self) -> Self {
        let floor = |rule: &Rule| match rule.class {
            // What tells nothing has no rate: with one the rules would fail their check, and protected sites be withheld too.
            RecordClass::Tracks | RecordClass::Plans => Rule { level: Level::Withheld, every_ms: None, ..*rule },
            RecordClass::Sites | RecordClass::Conflicts => *rule,
        };
        let rules = self.rules.iter().map(|(peer, rules)| (peer.clone(), rules.iter().map(floor).collect()));
        Self { revision: self.revision, rules: rules.collect() }
    }

    /// The rules of one peer; none is the same as an empty list.
    #[must_use]
    pub fn rules_for(&self, peer: &PartyId) -> &[Rule] {
        self.rules.get(peer).map_or(&[], Vec::as_slice)
    }

    /// Checks counts, ranges, and that every rule means something.
    ///
    /// # Errors
    /// The first rule that is wrong, with its party and index.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.rules.len() > limits::PARTIES_MAX {
            return Err(PolicyError::Parties { got: self.rules.len() });
        }
        for (party, rules) in &self.rules {
            if rules.len() > limits::RULES_MAX {
                return Err(PolicyError::Rules { party: party.clone(), got: rules.len() });
            }
            for (index, rule) in rules.iter().enumerate() {
                rule.check(party, index)?;
            }
        }
        Ok(())
    }
}

impl Rule {
    pub(crate) fn check(&self, party: &PartyId, rule: usize) -> Result<(), PolicyError> {
        let party = || party.clone();
        let range = |field: &'static str, got: i64, min: i64, max: i64| {
            if (min..=max).contains(&got) {
                return Ok(());
            }
            Err(PolicyError::Range { party: party(), rule, field, got, min, max })
        };
        if let Some(area) = &self.area {
            let (field, got, min, max) = area.worst();
            range(field, got, min, max)?;
        }
        match self.level {
            Level::AvoidArea { cell_e7, bin_ms } | Level::Coarse { cell_e7, bin_ms } => {
                let (least, most) = (limits::CELL_MIN_E7, limits::CELL_MAX_E7);
                range("cell (1e-7 degrees)", cell_e7.into(), least.into(), most.into())?;
                let avoid = matches!(self.level, Level::AvoidArea { .. });
                let most = if avoid { limits::AVOID_BIN_MAX_MS } else { limits::BIN_MAX_MS };
                range("bin (ms)", bin_ms.into(), limits::BIN_MIN_MS.into(), most.into())?;
            }
            Level::Reduced { precision_mm, delay_ms, .. } => {
                if precision_mm != 0 {
                    let (least, most) = (limits::PRECISION_MIN_MM, limits::PRECISION_MAX_MM);
                    range("precision (mm)", precision_mm.into(), least.into(), most.into())?;
                }
                range("delay (ms)", delay_ms.into(), 0, limits::DELAY_MAX_MS.into())?;
                if delay_ms > 0 && self.class != RecordClass::Tracks {
                    return Err(PolicyError::DelayOfClass { party: party(), rule });
                }
            }
            Level::Withheld | Level::Full => {}
        }
        if let Some((field, got, min, max)) = self.when.and_then(|when| when.worst()) {
            return Err(PolicyError::Range { party: party(), rule, field, got, min, max });
        }
        if self.class == RecordClass::Sites && self.aircraft.is_some() {
            return Err(PolicyError::AircraftOfSites { party: party(), rule });
        }
        if self.class == RecordClass::Sites && self.marking.is_some() {
            return Err(PolicyError::MarkingOfSites { party: party(), rule });
        }
        if let Some(every_ms) = self.every_ms {
            range("time between reports (ms)", every_ms.into(), 1_000, limits::EVERY_MAX_MS.into())?;
            if self.class != RecordClass::Tracks || !matches!(self.level, Level::Full | Level::Reduced { .. }) {
                return Err(PolicyError::RateOfRule { party: party(), rule });
            }
        }
        let level = self.level.name();
        let meant = match self.class {
            RecordClass::Tracks | RecordClass::Plans => true,
            RecordClass::Sites => level != LevelName::AvoidArea,
            RecordClass::Conflicts => matches!(level, LevelName::Withheld | LevelName::Full),
        };
        if meant { Ok(()) } else { Err(PolicyError::LevelOfClass { party: party(), rule, class: self.class, level }) }
    }

    pub(crate) fn is_about(&self, about: &About) -> bool {
        self.class == about.class
            && (self.aircraft.is_none() || self.aircraft == about.aircraft)
            && (self.marking.is_none() || self.marking == about.marking)
            && self.holds_at(about.now)
    }
}

/// Index of the first rule that a point matches.
pub(crate) fn match_point(rules: &[Rule], about: &About, at: Position) -> Option<usize> {
    rules.iter().position(|rule| rule.is_about(about) && rule.area.as_ref().is_none_or(|area| area.contains(at)))
}

/// Level of something with an extent: the strictest that any of its points would have alone, with the rule that says so.
///
/// A rule whose area it may touch counts; a rule whose area certainly holds all of it ends the search. What is left over
/// outside every area is withheld, and with it the whole. `boxes` are `None` where the extent is not known.
pub(crate) fn match_extent(rules: &[Rule], about: &About, boxes: Option<&[GeoBox]>) -> (Level, Option<u16>) {
    let mut found: Option<(Level, u16)> = None;
    for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.is_about(about)) {
        let (touches, holds) = match (&rule.area, boxes) {
            (None, _) => (true, true),
            (Some(_), None) => (true, false),
            (Some(area), Some(boxes)) => {
                (boxes.iter().any(|b| area.may_touch(b)), boxes.iter().all(|b| area.surely_holds(b)))
            }
        };
        if !touches {
            continue;
        }
        let index = index as u16;
        found = Some(match found {
            None => (rule.level, index),
            Some((level, at)) => {
                let stricter = level.less(rule.level);
                (stricter, if stricter == level { at } else { index })
            }
        });
        if holds {
            return found.map_or((Level::Withheld, None), |(level, index)| (level, Some(index)));
        }
    }
    (Level::Withheld, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn policy(rule: Rule) -> Policy {
        Policy { revision: 1, rules: BTreeMap::from([(PartyId::parse("south").unwrap(), vec![rule])]) }
    }

    const PLAIN: Rule = Rule::new(RecordClass::Tracks, Level::Full);
    const TRACKS: About = About { class: RecordClass::Tracks, aircraft: None, marking: None, now: Utc(0) };

    #[test]
    fn rules_that_mean_nothing_are_refused_by_party_and_index() {
        let reduced = |precision_mm, delay_ms| Level::Reduced { precision_mm, delay_ms, identity: Identity::Keep };
        for (rule, want) in [
            (PLAIN, ""),
            (Rule { level: reduced(0, 3_600_000), ..PLAIN }, ""),
            (
                Rule { level: reduced(999, 0), ..PLAIN },
                "south, rule 0: precision (mm) 999 is not between 1000 and 200000000",
            ),
            (
                Rule { level: reduced(0, 3_600_001), ..PLAIN },
                "south, rule 0: delay (ms) 3600001 is not between 0 and 3600000",
            ),
            (
                Rule { class: RecordClass::Plans, level: reduced(0, 1), ..PLAIN },
                "south, rule 0: only tracks can be delayed; a late plan or site is a trap",
            ),
            (
                Rule { level: Level::Coarse { cell_e7: 1, bin_ms: 60_000 }, ..PLAIN },
                "south, rule 0: cell (1e-7 degrees) 1 is not between 100000 and 100000000",
            ),
            (
                Rule { level: Level::AvoidArea { cell_e7: 100_000, bin_ms: 0 }, ..PLAIN },
                "south, rule 0: bin (ms) 0 is not between 1000 and 600000",
            ),
            (
                Rule { class: RecordClass::Sites, level: Level::AvoidArea { cell_e7: 100_000, bin_ms: 1000 }, ..PLAIN },
                "south, rule 0: sites cannot be released as avoid-area",
            ),
            (
                Rule { class: RecordClass::Conflicts, level: reduced(0, 0), ..PLAIN },
                "south, rule 0: conflicts cannot be released as reduced",
            ),
            (
                Rule { class: RecordClass::Sites, aircraft: Some(AircraftClass::Civil), ..PLAIN },
                "south, rule 0: sites have no aircraft class",
            ),
            (
                Rule { area: Some(Area::Circle { centre: Position::default(), radius_mm: 0 }), ..PLAIN },
                "south, rule 0: radius of the area (mm) 0 is not between 1 and 1852000000",
            ),
        ] {
            let got = policy(rule).check().map_or_else(|e| e.to_string(), |()| alloc::string::String::new());
            assert_eq!(got, want);
        }
    }

    #[test]
    fn what_straddles_two_areas_gets_the_stricter_level_and_what_sticks_out_gets_nothing() {
        let square = |s: f64, w: f64, n: f64, e: f64| GeoBox::from_degrees(s, w, n, e);
        let area = |s: i32, w: i32, n: i32, e: i32| {
            Some(Area::Box {
                south_e7: s * 10_000_000,
                west_e7: w * 10_000_000,
                north_e7: n * 10_000_000,
                east_e7: e * 10_000_000,
            })
        };
        let coarse = Level::Coarse { cell_e7: 1_000_000, bin_ms: 60_000 };
        let rules = [
            Rule { area: area(0, 0, 10, 10), level: coarse, ..PLAIN },
            Rule { area: area(0, 10, 10, 20), level: Level::Full, ..PLAIN },
        ];
        let check = |b: GeoBox, want| assert_eq!(match_extent(&rules, &TRACKS, Some(&[b])), want);
        check(square(1.0, 1.0, 2.0, 2.0), (coarse, Some(0)));
        check(square(1.0, 11.0, 2.0, 12.0), (Level::Full, Some(1)));
        // In both areas and in neither one whole: no rule holds it, so nothing is released.
        check(square(1.0, 9.0, 2.0, 11.0), (Level::Withheld, None));
        check(square(1.0, 19.0, 2.0, 21.0), (Level::Withheld, None));
        let with_rest = [rules[0], Rule { area: None, level: Level::Full, ..PLAIN }];
        let across = Some(&[square(1.0, 9.0, 2.0, 11.0)][..]);
        assert_eq!(match_extent(&with_rest, &TRACKS, across), (coarse, Some(0)));
        // Of an extent that is not known every rule with an area may hold a part.
        assert_eq!(match_extent(&with_rest, &TRACKS, None), (coarse, Some(0)));
    }
}
