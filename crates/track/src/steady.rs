//! Whether an aircraft has kept its level, so that the vertical rate that it reports is noise.
use crate::TrackReport;
use minicbor::{Decode, Encode};
use units::{Height, Utc, VerticalRate};

/// An aircraft keeps its level within this: two steps of 25 ft, in which most levels are reported.
pub const STEADY_BAND: Height = Height::from_feet(50);
/// One that has kept its level for as long as takes it this far at the rate that it reports does not fly at that rate: it would be out
/// of the band even if levels are told in steps of 100 ft and the rate is a quarter too high. 64 ft/min take three minutes.
pub const FLOWN: Height = Height::from_feet(200);
/// A rate that is reported may be noise up to here: 200 ft/min, three of the steps in which most rates are reported.
pub const NOISE_MAX: VerticalRate = VerticalRate(1_016);
/// A longer silence begins anew, seconds.
pub const SILENCE_S: f64 = 30.0;

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

    /// After a further report. It begins anew when the level is another one, and after silence.
    #[must_use]
    pub fn after(held: Option<Self>, before: &TrackReport, report: &TrackReport) -> Option<Self> {
        let new = Self::new(report)?;
        let keeps = |held: &Self| {
            held.is_pressure == new.is_pressure
                && new.height.0.abs_diff(held.height.0) <= STEADY_BAND.0.unsigned_abs()
                && (0.0..=SILENCE_S).contains(&report.at.since_s(before.at))
        };
        Some(held.filter(keeps).unwrap_or(new))
    }

    /// Whether the vertical rate of the track's newest report is noise.
    #[must_use]
    pub fn is_noise(&self, report: &TrackReport) -> bool {
        let kept_ms = report.at.since_ms(self.since);
        report.vertical_rate.is_some_and(|rate| {
            let mm_s = rate.0.unsigned_abs();
            // 0.1 mm is a millimetre a second for a tenth of a second.
            let flown = i64::from(mm_s) * kept_ms / 100;
            mm_s <= NOISE_MAX.0.unsigned_abs() && flown >= i64::from(FLOWN.0)
        })
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

    /// When the rate of an aircraft is first noise, of reports each second; levels are told in steps.
    fn first_noise(feet: impl Fn(f64) -> f64, step_ft: f64, fpm: f64, until_s: i32) -> Option<i32> {
        let told = |s: i32| {
            let feet = (feet(f64::from(s)) / step_ft).round() * step_ft;
            report(f64::from(s), feet as i32, fpm)
        };
        let mut held = Steady::new(&told(0));
        (1..until_s).find(|s| {
            held = Steady::after(held, &told(s - 1), &told(*s));
            held.is_some_and(|held| held.is_noise(&told(*s)))
        })
    }

    #[test]
    fn the_rate_of_one_that_keeps_its_level_is_noise_when_it_would_have_left_it() {
        assert_eq!(first_noise(|_| 30_000.0, 25.0, 64.0, 300), Some(188));
        assert_eq!(
            first_noise(|s| 30_000.0 + 40.0 * (s / 5.0).sin(), 25.0, -128.0, 300),
            Some(94),
            "up and down by 40 ft"
        );
        assert_eq!(first_noise(|_| 30_000.0, 25.0, 200.0, 300), Some(60));
        assert_eq!(first_noise(|_| 30_000.0, 25.0, 250.0, 3_000), None, "a rate that is none of noise");
        assert_eq!(first_noise(|_| 30_000.0, 25.0, 0.0, 3_000), None);
    }

    #[test]
    fn one_that_climbs_slowly_is_never_taken_to_keep_its_level() {
        for step_ft in [25.0, 100.0] {
            for fpm in [20.0, 64.0, 100.0, 128.0, 150.0, 200.0] {
                for begin_ft in 0..10 {
                    for real in [0.76, 1.0, 1.5] {
                        let climb = |s: f64| 30_000.0 + 10.0 * f64::from(begin_ft) + real * fpm * s / 60.0;
                        assert_eq!(first_noise(climb, step_ft, fpm, 3_000), None, "{step_ft} {fpm} {begin_ft} {real}");
                    }
                }
            }
        }
    }

    #[test]
    fn it_begins_anew_after_silence_a_step_back_in_time_and_another_kind_of_level() {
        let long = (0..=187).fold(None, |held, s| {
            let new = report(f64::from(s), 30_000, 64.0);
            if s == 0 {
                Steady::new(&new)
            } else {
                Steady::after(held, &report(f64::from(s) - 1.0, 30_000, 64.0), &new)
            }
        });
        let last = report(187.0, 30_000, 64.0);
        assert!(!long.unwrap().is_noise(&last));
        let noise = |next: &TrackReport| Steady::after(long, &last, next).is_some_and(|held| held.is_noise(next));
        assert!(noise(&report(217.0, 30_050, 64.0)), "the edge of both");
        assert!(!noise(&report(217.1, 30_000, 64.0)), "silence");
        assert!(!noise(&report(186.0, 30_000, 64.0)), "back in time");
        assert!(!noise(&report(188.0, 30_051, 64.0)), "another level");
        assert!(noise(&report(188.0, 30_000, 64.0)));
        let geometric =
            TrackReport { geometric: Some(Height::from_feet(30_000)), pressure: None, ..report(188.0, 0, 64.0) };
        assert!(!noise(&geometric));
        assert_eq!(
            Steady::after(long, &last, &TrackReport { pressure: None, ..last }),
            None,
            "no level is kept by none"
        );
    }
}
