//! Whether two reports can be of one aircraft: by what they say of themselves, and by where they are.
use crate::{ModeA, TrackReport};
use units::{Height, earth};

/// What two reports' names say of each other. A callsign and a Mode A code are claims; they may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// A callsign or a discrete code is the same, and neither differs.
    Agree,
    /// Both have a name of one kind, and it differs.
    Differ,
    /// There is nothing to compare.
    Silent,
}

/// Codes that many aircraft have at once: VFR, conspicuity, Mode S, and those of emergencies.
const SHARED_CODES: [u16; 9] = [0o0000, 0o1000, 0o1200, 0o2000, 0o7000, 0o7004, 0o7500, 0o7600, 0o7700];

/// Compares callsigns and Mode A codes; addresses are the caller's to compare.
#[must_use]
pub fn names(a: &TrackReport, b: &TrackReport) -> Names {
    let discrete = |code: Option<ModeA>| code.filter(|code| !SHARED_CODES.contains(&code.0));
    let callsigns = a.callsign.zip(b.callsign).map(|(x, y)| x == y);
    let codes = discrete(a.mode_a).zip(discrete(b.mode_a)).map(|(x, y)| x == y);
    match (callsigns, codes) {
        (Some(false), _) | (_, Some(false)) => Names::Differ,
        (Some(true), _) | (_, Some(true)) => Names::Agree,
        (None, None) => Names::Silent,
    }
}

/// Where two reports put the aircraft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closeness {
    /// Within what two sensors may differ by.
    Inside,
    /// Farther apart.
    Outside,
    /// Too far apart in time, or without a level in common.
    Unknown,
}

/// Longest time between two reports that are compared, milliseconds.
pub const COMPARED_MS: i64 = 15_000;
/// Lateral part of the gate that is always there, metres: 0.2 NM, in which all TIS-B duplicates of a day's recording lie.
pub const GATE_M: f64 = 370.0;
/// And the way in so many seconds: a ground system's track is late by as much.
pub const GATE_S: f64 = 3.0;
/// Vertical part: 300 ft, twice the reporting step of 100 ft and what a ground system's filter adds in a climb.
pub const GATE_VERTICAL: Height = Height::from_feet(300);

/// Compares the places of two reports, the second moved to the time of the first along its own way.
#[must_use]
pub fn closeness(a: &TrackReport, b: &TrackReport) -> Closeness {
    let dt_ms = a.at.since_ms(b.at);
    if dt_ms.abs() > COMPARED_MS {
        return Closeness::Unknown;
    }
    let dt = dt_ms as f64 / 1000.0;
    let speed = |r: &TrackReport| r.speed.map_or(0.0, |speed| speed.mps());
    let (va, vb) = (speed(a), speed(b));
    let fastest = if va > vb { va } else { vb };
    // Without a direction it may have gone anywhere meanwhile.
    let (moved_m, free_m) = if b.track.is_some() { (vb * dt, 0.0) } else { (0.0, fastest * libm::fabs(dt)) };
    let from = b.position;
    let (lat, lon) = match b.track {
        Some(track) if moved_m != 0.0 => earth::direct(from.lat(), from.lon(), track.degrees(), moved_m),
        _ => (from.lat(), from.lon()),
    };
    // What a report says of its own accuracy is its sender's word: it opens the gate by no more than the gate is.
    let accuracy = |r: &TrackReport| r.accuracy_mm.map_or(0.0, |mm| libm::fmin(f64::from(mm) / 1000.0, GATE_M));
    let gate_m = GATE_M + GATE_S * fastest + free_m + accuracy(a) + accuracy(b);
    if earth::distance(a.position.lat(), a.position.lon(), lat, lon) > gate_m {
        return Closeness::Outside;
    }
    let rate = b.vertical_rate.map_or(0.0, |rate| rate.mps()) * f64::from(Height::PER_METRE);
    let levels = a.pressure.zip(b.pressure).or_else(|| a.geometric.zip(b.geometric));
    match levels {
        None => Closeness::Unknown,
        Some((x, y)) => {
            let apart = libm::fabs(f64::from(x.0) - f64::from(y.0) - rate * dt);
            if apart <= f64::from(GATE_VERTICAL.0) { Closeness::Inside } else { Closeness::Outside }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Callsign;
    use units::{Angle, Position, Speed, Utc, VerticalRate};

    fn report(lat: f64, feet: i32, at_ms: i64) -> TrackReport {
        let mut r = TrackReport::new(1, Position::from_degrees(lat, 8.0).unwrap(), Utc(at_ms));
        r.pressure = Some(Height::from_feet(feet));
        r.speed = Some(Speed::from_knots(120.0));
        r.track = Angle::from_degrees(0.0);
        r
    }

    #[test]
    fn what_moves_is_compared_where_it_would_be() {
        let a = report(47.0, 3_000, 10_000);
        assert_eq!(closeness(&a, &report(47.0, 3_000, 10_000)), Closeness::Inside);
        // 120 kt for 10 s are 0.333 NM.
        let before = report(47.0 - 0.333 / 60.0, 3_000, 0);
        assert_eq!(closeness(&a, &before), Closeness::Inside);
        assert_eq!(closeness(&before, &a), Closeness::Inside, "either way round");
        assert_eq!(closeness(&a, &report(47.0 - 0.7 / 60.0, 3_000, 10_000)), Closeness::Outside);
        assert_eq!(closeness(&a, &report(47.0, 3_000, -5_001)), Closeness::Unknown, "too old to be compared");
        let mut climbing = report(47.0 - 0.333 / 60.0, 2_500, 0);
        assert_eq!(closeness(&a, &climbing), Closeness::Outside);
        climbing.vertical_rate = Some(VerticalRate::from_fpm(3_000.0));
        assert_eq!(closeness(&a, &climbing), Closeness::Inside, "500 ft in 10 s");
    }

    #[test]
    fn the_gate_is_closed_at_300_ft_and_at_a_level_that_nobody_knows() {
        let a = report(47.0, 3_000, 0);
        for (feet, want) in [(3_300, Closeness::Inside), (3_301, Closeness::Outside), (2_700, Closeness::Inside)] {
            assert_eq!(closeness(&a, &report(47.0, feet, 0)), want, "{feet}");
        }
        let mut unknown = a;
        unknown.pressure = None;
        assert_eq!(closeness(&a, &unknown), Closeness::Unknown);
        assert_eq!(closeness(&a, &TrackReport { pressure: None, ..report(47.1, 0, 0) }), Closeness::Outside);
    }

    #[test]
    fn names_agree_only_if_none_of_them_differs_and_shared_codes_are_none() {
        let of = |callsign: Option<&str>, code: Option<&str>| {
            let mut r = report(47.0, 0, 0);
            r.callsign = callsign.map(|c| Callsign::parse(c).unwrap());
            r.mode_a = code.map(|c| ModeA::parse(c).unwrap());
            r
        };
        for (a, b, want) in [
            (of(None, None), of(Some("SWR1"), Some("4321")), Names::Silent),
            (of(Some("SWR1"), None), of(Some("SWR1"), None), Names::Agree),
            (of(Some("SWR1"), Some("4321")), of(Some("SWR1"), Some("4322")), Names::Differ),
            (of(None, Some("4321")), of(None, Some("4321")), Names::Agree),
            (of(None, Some("7000")), of(None, Some("7000")), Names::Silent),
            (of(None, Some("1200")), of(None, Some("4321")), Names::Silent),
            (of(Some("SWR1"), None), of(Some("SWR2"), None), Names::Differ),
        ] {
            assert_eq!((names(&a, &b), names(&b, &a)), (want, want), "{a:?} {b:?}");
        }
    }
}
