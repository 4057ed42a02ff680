//! The release rules read a second time, from what their fields are documented to mean: which rule decides, and which of two
//! levels tells no more.
use release::{Area, Identity, Level, Marking, RecordClass, Rule};
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
