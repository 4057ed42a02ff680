//! Whether an aircraft has kept its level, so that the vertical rate that it reports is noise.
use crate::TrackReport;
use minicbor::{Decode, Encode};
use units::{Height, Utc, VerticalRate};

/// An aircraft keeps its level within this: two steps of 25 ft, in which most levels are reported.
pub const STEADY_BAND: Height = Height::from_feet(50);
/// And for this long, seconds: at 100 ft/min it has left the band by then.
pub const STEADY_S: f64 = 30.0;
/// A rate that is reported may be noise up to here: 200 ft/min, three of the steps in which most rates are reported.
pub const NOISE_MAX: VerticalRate = VerticalRate(1_016);

/// The level that a track keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Steady {
    /// Pressure altitude, or height above WGS-84 of one that reports no pressure altitude.
    #[n(0)]
    height: Height,
    #[n(1)]
    is_pressure: bool,
    /// Time of the first report in it.
    #[n(2)]
    since: Utc,
}

impl Steady {
    /// Of a track's first report; `None` if it tells no level.
    #[must_use]
    pub fn new(report: &TrackReport) -> Option<Self> {
        let (height, is_pressure) = level_of(report)?;
        Some(Self { height, is_pressure, since: report.at })
    }

    /// After a further report. It begins anew when the level is another one, or nothing was heard for as long as it takes.
    #[must_use]
    pub fn after(held: Option<Self>, before: &TrackReport, report: &TrackReport) -> Option<Self> {
        let new = Self::new(report)?;
        let keeps = |held: &Self| {
            held.is_pressure == new.is_pressure
                && new.height.0.abs_diff(held.height.0) <= STEADY_BAND.0.unsigned_abs()
                && (0.0..=STEADY_S).contains(&report.at.since_s(before.at))
        };
        Some(held.filter(keeps).unwrap_or(new))
    }

    /// Whether the vertical rate of the track's newest report is noise.
    #[must_use]
    pub fn is_noise(&self, report: &TrackReport) -> bool {
        let is_slow = |rate: VerticalRate| rate.0.unsigned_abs() <= NOISE_MAX.0.unsigned_abs();
        report.vertical_rate.is_some_and(is_slow) && report.at.since_s(self.since) >= STEADY_S
    }
}

fn level_of(report: &TrackReport) -> Option<(Height, bool)> {
    report.pressure.map(|h| (h, true)).or_else(|| report.geometric.map(|h| (h, false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::Position;

    fn report(at_s: f64, feet: i32, fpm: f64) -> TrackReport {
        let mut report = TrackReport::new(1, Position::from_degrees(47.0, 8.0).unwrap(), Utc((at_s * 1000.0) as i64));
        report.pressure = Some(Height::from_feet(feet));
        report.vertical_rate = Some(VerticalRate::from_fpm(fpm));
        report
    }

    /// When the rate of an aircraft is first noise, of reports each second; levels are told in steps of 25 ft.
    fn first_noise(feet: impl Fn(f64) -> f64, fpm: f64, until_s: i32) -> Option<i32> {
        let told = |s: i32| {
            let feet = (feet(f64::from(s)) / 25.0).round() * 25.0;
            report(f64::from(s), feet as i32, fpm)
        };
        let mut held = Steady::new(&told(0));
        (1..until_s).find(|s| {
            held = Steady::after(held, &told(s - 1), &told(*s));
            held.is_some_and(|held| held.is_noise(&told(*s)))
        })
    }

    #[test]
    fn the_rate_of_one_that_keeps_its_level_is_noise_after_half_a_minute() {
        assert_eq!(first_noise(|_| 30_000.0, 64.0, 100), Some(30));
        assert_eq!(first_noise(|s| 30_000.0 + 40.0 * (s / 5.0).sin(), -128.0, 100), Some(30), "up and down by 40 ft");
        assert_eq!(first_noise(|_| 30_000.0, 300.0, 100), None, "a rate that is none of noise");
    }

    #[test]
    fn one_that_climbs_slowly_is_never_taken_to_keep_its_level() {
        for fpm in [150.0, 200.0, -150.0, -200.0] {
            assert_eq!(first_noise(|s| 30_000.0 + fpm * s / 60.0, fpm, 600), None, "{fpm}");
        }
    }

    #[test]
    fn it_begins_anew_after_silence_a_step_back_in_time_and_another_kind_of_level() {
        let long = (0..=30).fold(None, |held, s| {
            let new = report(f64::from(s), 30_000, 64.0);
            if s == 0 {
                Steady::new(&new)
            } else {
                Steady::after(held, &report(f64::from(s) - 1.0, 30_000, 64.0), &new)
            }
        });
        let last = report(30.0, 30_000, 64.0);
        assert!(long.unwrap().is_noise(&last));
        let noise = |next: &TrackReport| Steady::after(long, &last, next).is_some_and(|held| held.is_noise(next));
        assert!(noise(&report(60.0, 30_050, 64.0)), "the edge of both");
        assert!(!noise(&report(60.1, 30_000, 64.0)), "silence");
        assert!(!noise(&report(29.0, 30_000, 64.0)), "back in time");
        assert!(!noise(&report(31.0, 30_051, 64.0)), "another level");
        let geometric =
            TrackReport { geometric: Some(Height::from_feet(30_000)), pressure: None, ..report(31.0, 0, 64.0) };
        assert!(!noise(&geometric));
        assert_eq!(
            Steady::after(long, &last, &TrackReport { pressure: None, ..last }),
            None,
            "no level is kept by none"
        );
    }
}
