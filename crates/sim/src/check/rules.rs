//! The release rules read a second time, from what their fields are documented to mean: which rule decides, and which of two
//! levels tells no more.
use release::{Area, Identity, Level, Marking, Policy, RecordClass, Rule};
use units::{AircraftClass, Position, Utc};

/// What a rule is asked about. A place that is none is everywhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub class: RecordClass,
    pub aircraft: Option<AircraftClass>,
    pub marking: Option<Marking>,
    pub at: Option<Position>,
    pub utc: Utc,
}

/// The first rule that matches.
pub(super) fn first<'r>(rules: &'r [Rule], about: &About) -> Option<&'r Rule> {
    rules.iter().find(|rule| {
        let of_class = rule.class == about.class && rule.aircraft.is_none_or(|wanted| Some(wanted) == about.aircraft);
        let marked = rule.marking.is_none_or(|wanted| Some(wanted) == about.marking);
        let here = rule.area.is_none_or(|area| about.at.is_none_or(|at| inside(&area, &at)));
        of_class && marked && here && holds(rule, about.utc)
    })
}

/// Whether a rule holds at a time.
pub(super) fn holds(rule: &Rule, at: Utc) -> bool {
    let Some(when) = rule.when else { return true };
    let minute = at.0.rem_euclid(86_400_000) / 60_000;
    let hours = when.daily.is_none_or(|daily| {
        let (from, until) = (i64::from(daily.from_min), i64::from(daily.until_min));
        if from < until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    });
    hours && when.from.is_none_or(|from| at >= from) && when.until.is_none_or(|until| at < until)
}

/// Metres from the centre of a cell to its corners, at least: it is no wider than it is high by much, and no narrower.
pub(super) fn cell_m(cell_e7: u32) -> f64 {
    f64::from(cell_e7) * 7.8e-3
}

/// Whether one level tells no more than another: larger cells, longer bins, wider, later, and with less of who it is.
pub(super) fn no_more(a: Level, b: Level) -> bool {
    match (a, b) {
        (Level::Withheld, _) | (_, Level::Full) => true,
        (
            Level::AvoidArea { cell_e7: c, bin_ms: n },
            Level::AvoidArea { cell_e7, bin_ms } | Level::Coarse { cell_e7, bin_ms },
        )
        | (Level::Coarse { cell_e7: c, bin_ms: n }, Level::Coarse { cell_e7, bin_ms }) => c >= cell_e7 && n >= bin_ms,
        (
            Level::AvoidArea { cell_e7, .. } | Level::Coarse { cell_e7, .. },
            Level::Reduced { precision_mm, delay_ms, .. },
        ) => delay_ms == 0 && cell_m(cell_e7) * 1.2 >= f64::from(precision_mm) / 1000.0,
        (
            Level::Reduced { precision_mm: p, delay_ms: d, identity: i },
            Level::Reduced { precision_mm, delay_ms, identity },
        ) => p >= precision_mm && d >= delay_ms && rank(i) <= rank(identity),
        _ => false,
    }
}

const fn rank(identity: Identity) -> u8 {
    match identity {
        Identity::Drop => 0,
        Identity::Pseudonym => 1,
        Identity::Keep => 2,
    }
}

/// Whether one lets out what the other does not: tried at places within and without the areas of both, at the beginnings and
/// ends of their times, of things with each of their markings.
pub(super) fn wider(shown: &Policy, bound: &Policy, now: Utc) -> bool {
    let all: Vec<Rule> = shown.rules.values().chain(bound.rules.values()).flatten().copied().collect();
    let mut places = vec![Position { lat_e7: 0, lon_e7: 0 }];
    places.extend(all.iter().filter_map(|rule| rule.area).map(|area| match area {
        Area::Box { south_e7, west_e7, north_e7, east_e7 } => {
            Position { lat_e7: south_e7 / 2 + north_e7 / 2, lon_e7: west_e7 / 2 + east_e7 / 2 }
        }
        Area::Circle { centre, .. } => centre,
    }));
    let mut times = vec![now];
    for when in all.iter().filter_map(|rule| rule.when) {
        times.extend([when.from, when.until].into_iter().flatten().flat_map(|at| [at.plus_ms(-1), at]));
        let day = now.0 - now.0.rem_euclid(86_400_000);
        let hours = when.daily.iter().flat_map(|daily| [daily.from_min, daily.until_min]);
        times.extend(hours.map(|minute| Utc(day + i64::from(minute) * 60_000)).flat_map(|at| [at.plus_ms(-1), at]));
    }
    let mut markings = vec![None];
    markings.extend(all.iter().filter_map(|rule| rule.marking).map(Some));
    places.sort_unstable_by_key(|at| (at.lat_e7, at.lon_e7));
    places.dedup();
    times.sort_unstable();
    times.dedup();
    markings.sort_unstable();
    markings.dedup();
    let aircraft = [AircraftClass::Civil, AircraftClass::Military, AircraftClass::Uas, AircraftClass::Humanitarian];
    let out = |rules: &[Rule], about: &About| {
        first(rules, about).map_or((Level::Withheld, None), |rule| (rule.level, rule.every_ms))
    };
    shown.rules.iter().any(|(peer, rules)| {
        let limits = bound.rules.get(peer).map_or(&[][..], Vec::as_slice);
        let abouts = RecordClass::ALL.into_iter().flat_map(|class| {
            let (places, times, markings) = (&places, &times, &markings);
            aircraft.iter().flat_map(move |kind| {
                places.iter().flat_map(move |at| {
                    times.iter().flat_map(move |utc| {
                        markings.iter().map(move |marking| About {
                            class,
                            aircraft: Some(*kind),
                            marking: *marking,
                            at: Some(*at),
                            utc: *utc,
                        })
                    })
                })
            })
        });
        abouts.into_iter().any(|about| {
            let ((got, often), (may, seldom)) = (out(rules, &about), out(limits, &about));
            let too_often = matches!(got, Level::Full | Level::Reduced { .. }) && often < seldom;
            !no_more(got, may) || too_often
        })
    })
}

/// Whether a place lies in an area.
pub(super) fn inside(area: &Area, at: &Position) -> bool {
    match area {
        Area::Box { south_e7, west_e7, north_e7, east_e7 } => {
            (*south_e7..=*north_e7).contains(&at.lat_e7) && (*west_e7..=*east_e7).contains(&at.lon_e7)
        }
        Area::Circle { centre, radius_mm } => distance_m(centre, at) * 1000.0 <= *radius_mm as f64,
    }
}

/// On a sphere, flat: good for some tens of kilometres.
pub(super) fn distance_m(a: &Position, b: &Position) -> f64 {
    let lat = f64::from(a.lat_e7 - b.lat_e7) * 1e-7;
    let middle = f64::from(a.lat_e7 / 2 + b.lat_e7 / 2) * 1e-7;
    let lon = f64::from(a.lon_e7 - b.lon_e7) * 1e-7 * middle.to_radians().cos();
    lat.hypot(lon) * 111_195.0
}
