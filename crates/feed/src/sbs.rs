//! SBS-1/BaseStation lines: `MSG,<type>,…`, 22 fields (Kinetic Avionics, "Socket data and BaseStation", field list as
//! published with dump1090).
//!
//! Types 1, 3, 4, 5, 6, 7 add to what is known of an aircraft; a position (type 3, or 2 on the ground) is a report with
//! it, as far as that is young enough. Altitude is pressure altitude in feet, or geometric with `H` behind it; ground
//! speed knots, track true, vertical rate feet per minute. Lines of stratux have a counter in nanoseconds before `MSG`,
//! counted from the time of the last `START` line. `MLAT` in place of `MSG` marks a result of multilateration.
//!
//! The line's time is taken as UTC if it agrees with the time of reception; if not (receivers are known to write local
//! time) the time of reception is taken and a clock error counted.
use crate::batch::Batch;
use crate::error::{FeedError, Place, excerpt};
use crate::limits::{AHEAD_MS_MAX, AIRCRAFT_MAX, BEHIND_MS_MAX};
use crate::lines::Lines;
use crate::recent::Recent;
use crate::values::{Field, address, needed, position};
use crate::{Decoder, Format, REPLAY, time};
use track::{Callsign, ModeA, SourceClass, TrackReport};
use units::{Angle, Height, Speed, Utc, VerticalRate};

/// Oldest velocity a position is reported with, ms: lost messages are common, a turn takes longer.
const VELOCITY_MS_MAX: i64 = 15_000;
/// Oldest altitude of another message a position is reported with, ms: 15 s of a climb at 6,000 ft/min is 1,500 ft.
const ALTITUDE_MS_MAX: i64 = 5_000;
/// Oldest callsign and Mode A code, ms.
const IDENTITY_MS_MAX: i64 = 300_000;

/// Decoder of SBS lines.
#[derive(Debug)]
pub struct Sbs {
    lines: Lines,
    state: State,
}

#[derive(Debug)]
struct State {
    aircraft: Recent<u32, Aircraft>,
    start: Option<Utc>,
}

type Velocity = (Option<Speed>, Option<Angle>, Option<VerticalRate>);

/// The last of each, with its time.
#[derive(Debug, Default)]
struct Aircraft {
    callsign: Option<(Utc, Callsign)>,
    mode_a: Option<(Utc, ModeA)>,
    velocity: Option<(Utc, Velocity)>,
    pressure: Option<(Utc, Height)>,
    geometric: Option<(Utc, Height)>,
}

impl Default for Sbs {
    fn default() -> Self {
        Self { lines: Lines::default(), state: State { aircraft: Recent::new(AIRCRAFT_MAX), start: None } }
    }
}

impl Sbs {
    /// A decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many aircraft it remembers now.
    #[must_use]
    pub fn aircraft(&self) -> usize {
        self.state.aircraft.len()
    }
}

impl Decoder for Sbs {
    fn format(&self) -> Format {
        Format::Sbs
    }

    fn push(&mut self, bytes: &[u8], received: Utc, out: &mut Batch) {
        let state = &mut self.state;
        self.lines.push(bytes, out, |place, line, out| state.take(place, line, received, out));
    }

    fn finish(&mut self, received: Utc, out: &mut Batch) {
        let state = &mut self.state;
        self.lines.finish(out, |place, line, out| state.take(place, line, received, out));
        *self = Self::default();
    }
}

/// The 22 fields of a line, without the counter before them.
struct Line<'a> {
    fields: [&'a str; 22],
    counter_ns: Option<u64>,
}

// Numbers of the fields, from 0.
const KIND: usize = 1;
const HEX: usize = 4;
const DATE: usize = 6;
const TIME: usize = 7;
const CALLSIGN: usize = 10;
const ALTITUDE: usize = 11;
const SPEED: usize = 12;
const TRACK: usize = 13;
const LAT: usize = 14;
const LON: usize = 15;
const RATE: usize = 16;
const SQUAWK: usize = 17;
const GROUND: usize = 21;

impl State {
    fn take(&mut self, place: Place, line: &[u8], received: Utc, out: &mut Batch) {
        let outcome = self.one(place, line, received, out);
        out.record(place, outcome);
    }

    fn one(&mut self, place: Place, line: &[u8], rx: Utc, out: &mut Batch) -> Result<Option<TrackReport>, FeedError> {
        let bad = || FeedError::Record { place, want: "an SBS line", got: excerpt(line) };
        let text = core::str::from_utf8(line).map_err(|_| bad())?;
        if let Some(date) = text.strip_prefix("START,") {
            self.start = Some(time::go_unix_date(date).ok_or_else(bad)?);
            self.aircraft.clear();
            return Ok(None);
        }
        // Status lines of BaseStation: selection, new aircraft, new id, click.
        if ["SEL,", "ID,", "AIR,", "STA,", "CLK,"].iter().any(|kind| text.starts_with(kind)) {
            return Ok(None);
        }
        let line = split(text).ok_or_else(bad)?;
        let source = match line.fields[0] {
            "MSG" => SourceClass::Adsb,
            "MLAT" => SourceClass::Mlat,
            _ => return Err(bad()),
        };
        let kind = line.fields[KIND].parse::<u8>().ok().filter(|kind| (1..=8).contains(kind)).ok_or_else(bad)?;
        let address = address(place, "hex", line.fields[HEX])?;
        let at = self.time(place, &line, rx, out)?;
        let aircraft = self.aircraft.entry(address.bits());
        aircraft.learn(place, &line, at, out);
        let (lat, lon) = (line.fields[LAT], line.fields[LON]);
        if !matches!(kind, 2 | 3) || lat.is_empty() && lon.is_empty() {
            return Ok(None);
        }
        let (lat, lon) = (needed(place, "lat", lat)?, needed(place, "lon", lon)?);
        let position = position(place, "lat,lon", lat, lon)?;
        let mut report = TrackReport::new(u64::from(address.bits()), position, at);
        report.address = Some(address);
        report.source = source;
        report.on_ground = kind == 2 || matches!(line.fields[GROUND], "-1" | "1");
        aircraft.tell(&mut report);
        Ok(Some(report))
    }

    fn time(&self, place: Place, line: &Line<'_>, received: Utc, out: &mut Batch) -> Result<Utc, FeedError> {
        if let (Some(ns), Some(start)) = (line.counter_ns, self.start) {
            return Ok(start.plus_ms((ns / 1_000_000).cast_signed()));
        }
        let (date, clock) = (line.fields[DATE], line.fields[TIME]);
        let own = time::base_station(date, clock);
        if own.is_none() && !(date.is_empty() && clock.is_empty()) {
            let got = excerpt(alloc::format!("{date},{clock}").as_bytes());
            out.error(FeedError::Value { place, field: "date,time", want: "yyyy/mm/dd,hh:mm:ss.sss", got });
        }
        match own {
            Some(at) if received == REPLAY => Ok(at),
            Some(at) if (-BEHIND_MS_MAX..=AHEAD_MS_MAX).contains(&at.since_ms(received)) => Ok(at),
            Some(at) => {
                out.error(FeedError::Clock { place, ahead_ms: at.since_ms(received) });
                Ok(received)
            }
            None if received == REPLAY => Err(FeedError::Missing { place, field: "date,time" }),
            None => Ok(received),
        }
    }
}

fn split(text: &str) -> Option<Line<'_>> {
    let mut parts = text.split(',').map(str::trim);
    let mut first = parts.next()?;
    let mut counter_ns = None;
    if !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit()) {
        counter_ns = Some(first.parse().ok()?);
        first = parts.next()?;
    }
    let mut fields = [""; 22];
    fields[0] = first;
    // 22 fields are sent; readers of the format have always taken lines whose empty tail was left off.
    let mut n = 1;
    for part in parts {
        *fields.get_mut(n)? = part;
        n += 1;
    }
    (n >= 10).then_some(Line { fields, counter_ns })
}

impl Aircraft {
    fn learn(&mut self, place: Place, line: &Line<'_>, at: Utc, out: &mut Batch) {
        let text = |n: usize| line.fields[n];
        if let Some(callsign) = (Field { place, name: "callsign", out }).callsign(text(CALLSIGN)) {
            self.callsign = Some((at, callsign));
        }
        // Some writers leave leading zeros off: 113 is 0113.
        let padded = match text(SQUAWK) {
            code if (1..4).contains(&code.len()) => alloc::format!("{code:0>4}"),
            code => code.into(),
        };
        if let Some(code) = (Field { place, name: "squawk", out }).mode_a(&padded) {
            self.mode_a = Some((at, code));
        }
        let mut speed = Field { place, name: "speed", out };
        let speed = speed.number(text(SPEED)).and_then(|v| speed.knots(v));
        let mut track = Field { place, name: "track", out };
        let track = track.number(text(TRACK)).and_then(|v| track.degrees(v));
        let mut rate = Field { place, name: "rate", out };
        let rate = rate.number(text(RATE)).and_then(|v| rate.fpm(v));
        if speed.is_some() || track.is_some() || rate.is_some() {
            self.velocity = Some((at, (speed, track, rate)));
        }
        let (altitude, geometric) = match text(ALTITUDE).strip_suffix('H') {
            Some(altitude) => (altitude, true),
            None => (text(ALTITUDE), false),
        };
        let mut field = Field { place, name: "altitude", out };
        if let Some(height) = field.number(altitude).and_then(|v| field.feet(v)) {
            *(if geometric { &mut self.geometric } else { &mut self.pressure }) = Some((at, height));
        }
    }

    fn tell(&self, report: &mut TrackReport) {
        let at = report.at;
        report.callsign = young(self.callsign, at, IDENTITY_MS_MAX);
        report.mode_a = young(self.mode_a, at, IDENTITY_MS_MAX);
        report.pressure = young(self.pressure, at, ALTITUDE_MS_MAX);
        report.geometric = young(self.geometric, at, ALTITUDE_MS_MAX);
        if let Some(velocity) = young(self.velocity, at, VELOCITY_MS_MAX) {
            (report.speed, report.track, report.vertical_rate) = velocity;
        }
    }
}

// A source's clock may jump back: an age is a distance.
fn young<T>(value: Option<(Utc, T)>, at: Utc, ms_max: i64) -> Option<T> {
    value.filter(|(seen, _)| at.since_ms(*seen).unsigned_abs() <= ms_max.unsigned_abs()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use alloc::{format, vec};

    fn check(text: &str, received: Utc, want: &[&str]) -> Vec<TrackReport> {
        let out = decode(&mut Sbs::new(), text.as_bytes(), received);
        let got: Vec<String> = out.errors.iter().map(ToString::to_string).collect();
        assert_eq!(got, want, "{text}");
        out.reports
    }

    #[test]
    fn messages_of_one_aircraft_become_one_report() {
        let reports = check(include_str!("../testdata/basestation.txt"), REPLAY, &[]);
        assert_eq!(reports.len(), 4);
        let r = &reports[0];
        assert_eq!((r.at, r.address.unwrap().to_string()), (Utc(1_763_728_496_789), "4b1a41".into()));
        assert_eq!((r.position.lat_e7, r.position.lon_e7), (474_501_200, 85_612_300));
        assert_eq!((r.pressure, r.geometric), (Some(Height::from_feet(35_025)), None));
        assert_eq!((r.speed, r.track), (Some(Speed::from_knots(468.0)), Some(Angle(8_900_000))));
        assert_eq!(r.vertical_rate, Some(VerticalRate::from_fpm(-64.0)));
        assert_eq!((r.callsign.unwrap().to_string(), r.mode_a.unwrap().to_string()), ("SWR12A".into(), "5637".into()));
        let r = &reports[1];
        assert_eq!((r.speed, r.pressure, r.geometric), (None, None, Some(Height::from_feet(35_700))), "17 s later");
        assert!(r.callsign.is_some());
        assert_eq!((reports[2].on_ground, reports[2].speed), (true, Some(Speed::from_knots(12.0))));
        assert_eq!(reports[3].source, SourceClass::Mlat);
    }

    #[test]
    fn a_counter_before_the_line_counts_from_the_start_line() {
        let line = "27974395301,MSG,3,,,AA6A76,,,,,,,35000,,,42.5,-83.5,,,0,0,0,0\n";
        let text = format!(
            "START,Wed Sep 2 04:23:37 +0000 UTC 2015\n{line}\0\0START,Wed Sep 2 04:25:25 +0000 UTC 2015\n{line}"
        );
        let reports = check(&text, REPLAY, &[]);
        assert_eq!((reports[0].at, reports[1].at), (Utc(1_441_167_844_974), Utc(1_441_167_952_974)));
        check(line, REPLAY, &["line 1: date,time is missing"]);
        assert_eq!(check(line, Utc(5), &[])[0].at, Utc(5));
    }

    #[test]
    fn a_line_whose_clock_is_not_utc_takes_the_time_of_reception() {
        let line = "MSG,3,1,1,4B1A41,1,2025/11/21,13:34:56.789,,,,35025,,,47.45,8.56,,,,,,0\n";
        let utc = Utc(1_763_732_096_789);
        assert_eq!(check(line, utc.plus_ms(59_000), &[])[0].at, utc);
        let ahead = "line 1: the source's time is 3600000 ms ahead of ours";
        let rx = utc.plus_ms(-3_600_000);
        assert_eq!(check(line, rx, &[ahead])[0].at, rx);
        let behind = "line 1: the source's time is -60001 ms ahead of ours";
        let rx = utc.plus_ms(60_001);
        assert_eq!(check(line, rx, &[behind])[0].at, rx);
    }

    #[test]
    fn lines_that_are_no_message_are_refused() {
        let rx = Utc(0);
        check("hello\n", rx, &[r#"line 1: not an SBS line: "hello""#]);
        check(
            "MSG,9,,,4B1A41,,,,,,,,,,,,,,,,,\n",
            rx,
            &[r#"line 1: not an SBS line: "MSG,9,,,4B1A41,,,,,,,,,,,,,,,,,""#],
        );
        check("MSG,3,,,4B1A41\n", rx, &[r#"line 1: not an SBS line: "MSG,3,,,4B1A41""#]);
        check("START,yesterday\n", rx, &[r#"line 1: not an SBS line: "START,yesterday""#]);
        check("\u{1}1,\u{fffd}\n", rx, &["line 1: not an SBS line: \"1,\u{fffd}\""]);
        check("MSG,3,,,,,,,,,,35000,,,1,2,,,,,,0\n", rx, &["line 1: hex is missing"]);
        let start = "MSG,3,,,4B1A41,,,,,,,35000,,,";
        check(&format!("{start}1,,,,,,,0\n"), rx, &["line 1: lon is missing"]);
        check(&format!("{start}1,x,,,,,,0\n"), rx, &[r#"line 1: lon is not a number: "x""#]);
        check(&format!("{start}95,1,,,,,,0\n"), rx, &[r#"line 1: lat,lon is not a position on the earth: "95,1""#]);
        check("SEL,,496,2286,4CA4E5,27215,2010/02/19,18:06:07.710,2010/02/19,18:06:07.710,RYR1427\n", rx, &[]);
    }

    #[test]
    fn a_bad_value_costs_only_itself() {
        let line = "MSG,3,,,4B1A41,,2025-11-21,noon,,,A B,high,-5,400,47.45,8.56,nan,9999,,,,0\n";
        let want = [
            r#"line 1: date,time is not yyyy/mm/dd,hh:mm:ss.sss: "2025-11-21,noon""#,
            r#"line 1: callsign is not a callsign: "A B""#,
            r#"line 1: squawk is not four octal digits: "9999""#,
            r#"line 1: speed is not a speed of 0 to 5800 kt: "-5""#,
            r#"line 1: track is not a track of 0 to 360 degrees: "400""#,
            r#"line 1: rate is not a number: "nan""#,
            r#"line 1: altitude is not a number: "high""#,
        ];
        let r = check(line, Utc(7), &want)[0];
        assert_eq!((r.pressure, r.speed, r.callsign, r.at), (None, None, None, Utc(7)));
    }

    #[test]
    fn a_flood_of_addresses_is_forgotten_in_time() {
        let (mut sbs, mut out) = (Sbs::new(), Batch::default());
        for n in 0..20_000 {
            sbs.push(format!("MSG,8,,,{n:06X},,,,,,,,,,,,,,,,,\n").as_bytes(), Utc(0), &mut out);
            assert!(sbs.aircraft() <= AIRCRAFT_MAX);
        }
        assert_eq!((out.counts.held, out.errors.clone()), (20_000, vec![]));
    }
}
