//! The rules for tracks, made ready once for many decisions: what is the same for every report (class, time, the numbers of a
//! circle) is worked out beforehand, and a box that surely holds a circle comes before its geometry.
//!
//! Decides as [`crate::policy::match_point`] does, to the bit; the tests hold it to that.
use alloc::vec::Vec;
use track::TrackReport;
use units::{AircraftClass, Position, Utc};

use crate::area::{Area, Disc};
use crate::marking::Marking;
use crate::policy::{RecordClass, Rule};

/// The rules for tracks of one list, in order.
///
/// It follows from the rules, so it is no part of a state: two are always equal, and none is stored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ready {
    rules: Vec<One>,
    /// Rules of the list that this was made of; 0 if it was not made.
    of: usize,
}

#[derive(Debug, Clone)]
struct One {
    index: usize,
    aircraft: Option<AircraftClass>,
    marking: Option<Marking>,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Anywhere,
    Box(Area),
    Disc(Disc),
}

impl PartialEq for Ready {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Ready {
    /// Makes the rules ready, if they are not; to be called after [`Ready::forget`] wherever the rules may have changed.
    pub(crate) fn make(&mut self, rules: &[Rule]) {
        if self.of == rules.len() {
            return;
        }
        let tracks = rules.iter().enumerate().filter(|(_, rule)| rule.class == RecordClass::Tracks);
        let one = |(index, rule): (usize, &Rule)| One {
            index,
            aircraft: rule.aircraft,
            marking: rule.marking,
            place: match rule.area {
                None => Place::Anywhere,
                Some(area @ Area::Box { .. }) => Place::Box(area),
                Some(Area::Circle { centre, radius_mm }) => Place::Disc(Disc::new(centre, radius_mm)),
            },
        };
        (self.rules, self.of) = (tracks.map(one).collect(), rules.len());
    }

    /// The rules have changed.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Which of the rules hold at this time, one bit each by their place in this list: there are at most 64
    /// ([`crate::limits::RULES_MAX`]).
    pub(crate) fn holding(&self, rules: &[Rule], now: Utc) -> u64 {
        let bit = |(n, one): (usize, &One)| u64::from(rules[one.index].holds_at(now)) << n;
        self.rules.iter().enumerate().map(bit).fold(0, |all, one| all | one)
    }

    /// Index of the first rule that a report matches.
    #[inline]
    pub(crate) fn first(&self, holding: u64, report: &TrackReport, marking: Option<Marking>) -> Option<usize> {
        let matches = |(n, one): &(usize, &One)| {
            holding >> n & 1 == 1
                && one.aircraft.is_none_or(|class| class == report.class)
                && (one.marking.is_none() || one.marking == marking)
                && one.place.holds(report.position)
        };
        self.rules.iter().enumerate().find(matches).map(|(_, one)| one.index)
    }
}

impl Place {
    #[inline]
    fn holds(&self, at: Position) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Box(area) => area.contains(at),
            Self::Disc(disc) => disc.contains(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{About, Level, match_point};
    use crate::when::{Daily, When};
    use proptest::prelude::*;

    fn place() -> impl Strategy<Value = Position> {
        // Near each other, so that borders are met; near the antimeridian and a pole; anywhere.
        let near = (-30_000_000..30_000_000i32, -30_000_000..30_000_000i32);
        prop_oneof![
            near.clone().prop_map(|(lat, lon)| Position { lat_e7: 470_000_000 + lat, lon_e7: 80_000_000 + lon }),
            near.clone().prop_map(|(lat, lon)| Position {
                lat_e7: lat,
                lon_e7: if lon < 0 { 1_800_000_000 + lon } else { -1_800_000_000 + lon },
            }),
            near.prop_map(|(lat, lon)| Position { lat_e7: 900_000_000 - lat.abs(), lon_e7: lon * 60 }),
            (-900_000_000..=900_000_000i32, -1_800_000_000..1_800_000_000i32)
                .prop_map(|(lat_e7, lon_e7)| Position { lat_e7, lon_e7 }),
        ]
    }

    fn area() -> impl Strategy<Value = Option<Area>> {
        let square = (place(), place()).prop_map(|(a, b)| Area::Box {
            south_e7: a.lat_e7.min(b.lat_e7),
            west_e7: a.lon_e7,
            north_e7: a.lat_e7.max(b.lat_e7),
            east_e7: b.lon_e7,
        });
        let radius = prop_oneof![1..100_000i64, 1..400_000_000i64, 1..1_852_000_000i64];
        let circle = (place(), radius).prop_map(|(centre, radius_mm)| Area::Circle { centre, radius_mm });
        prop_oneof![Just(None), square.prop_map(Some), circle.prop_map(Some)]
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let class = prop::sample::select(&RecordClass::ALL[..2]);
        let aircraft = prop::option::of(prop::sample::select(&AircraftClass::ALL[..]));
        let marking = prop::option::of(prop::sample::select(&["a", "b"][..]).prop_map(|m| Marking::parse(m).unwrap()));
        let daily = prop::option::of((0..1440u16, 0..1440u16))
            .prop_map(|d| d.map(|(from_min, until_min)| Daily { from_min, until_min }));
        let when = prop::option::of((prop::option::of(0..200_000_000i64), daily).prop_map(|(from, daily)| When {
            from: from.map(Utc),
            until: None,
            daily,
        }));
        (class, aircraft, marking, when, area()).prop_map(|(class, aircraft, marking, when, area)| Rule {
            aircraft,
            marking,
            when,
            area,
            ..Rule::new(class, Level::Full)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn every_decision_is_that_of_the_plain_scan_of_the_rules(
            rules in prop::collection::vec(rule(), 0..12),
            reports in prop::collection::vec((place(), 0..AircraftClass::ALL.len(), 0..3usize), 1..20),
            now in 0..400_000_000i64,
        ) {
            let mut ready = Ready::default();
            ready.make(&rules);
            let holding = ready.holding(&rules, Utc(now));
            for (at, class, marking) in reports {
                let mut report = TrackReport::new(1, at, Utc(0));
                report.class = AircraftClass::ALL[class];
                let marking = [None, Marking::parse("a"), Marking::parse("b")][marking];
                let (class, aircraft) = (RecordClass::Tracks, Some(report.class));
                let about = About { class, aircraft, marking, now: Utc(now) };
                prop_assert_eq!(ready.first(holding, &report, marking), match_point(&rules, &about, at));
            }
        }

        #[test]
        fn a_point_beside_the_border_of_a_circle_is_where_the_circle_says(
            centre in place(), radius_mm in 1_000..1_852_000_000i64, bearing in 0.0..360.0f64, off in -0.02..0.02f64,
        ) {
            let metres = radius_mm as f64 / 1000.0 * (1.0 + off);
            let (lat, lon) = units::earth::direct(centre.lat(), centre.lon(), bearing, metres);
            if let Ok(at) = Position::from_degrees(lat, lon) {
                let exact = Area::Circle { centre, radius_mm }.contains(at);
                prop_assert_eq!(Disc::new(centre, radius_mm).contains(at), exact);
            }
        }
    }
}
