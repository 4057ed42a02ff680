//! Fixes in JSON lines: `now`, `hex`, `lat`, `lon`, `alt_baro`, `gscp`, `track`, `flight`, and at times `flightdict`,
//! an object with the fields of `aircraft.json`.
//!
//! The recorder behind it writes 0 (as number or as text) for an altitude it does not have, on the ground or in the
//! air alike: 525 kt at "0" occurs. So 0 is "not reported" here, and nobody is said to be on the ground; `gscp` 0 is
//! likewise "not reported". `now` is cut to whole seconds: a fix applies up to one second after its `at`. A line
//! without `lat` and `lon` is a mere tick of the clock.
use crate::aircraft_json::{common, feet};
use crate::batch::Batch;
use crate::error::{FeedError, Place, excerpt};
use crate::json::{Fields, Key, Scalar, error};
use crate::lines::Lines;
use crate::values::{address, not_ahead, position, unix_time};
use crate::{Decoder, Format};
use alloc::borrow::Cow;
use track::TrackReport;
use units::{Speed, Utc};

/// Decoder of fixes in JSON lines.
#[derive(Debug, Default)]
pub struct Jsonl {
    lines: Lines,
}

impl Jsonl {
    /// A decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decoder for Jsonl {
    fn format(&self) -> Format {
        Format::Jsonl
    }

    fn push(&mut self, bytes: &[u8], received: Utc, out: &mut Batch) {
        self.lines.push(bytes, out, |place, line, out| take(place, line, received, out));
    }

    fn finish(&mut self, received: Utc, out: &mut Batch) {
        self.lines.finish(out, |place, line, out| take(place, line, received, out));
    }
}

fn take(place: Place, line: &[u8], received: Utc, out: &mut Batch) {
    let outcome = one(place, line, received, out);
    out.record(place, outcome);
}

fn one(place: Place, line: &[u8], received: Utc, out: &mut Batch) -> Result<Option<TrackReport>, FeedError> {
    if !line.starts_with(b"{") {
        return Err(FeedError::Record { place, want: "an object", got: excerpt(line) });
    }
    let mut fields: Fields<'_> = serde_json::from_slice(line).map_err(|e| error(place, &e))?;
    if fields.get(Key::Lat).is_none() && fields.get(Key::Lon).is_none() {
        return Ok(None);
    }
    let address = address(place, "hex", fields.get(Key::Hex).text().unwrap_or_default())?;
    let at = unix_time(place, "now", fields.get(Key::Now).needed(place, Key::Now)?)?;
    let lat = fields.get(Key::Lat).needed(place, Key::Lat)?;
    let lon = fields.get(Key::Lon).needed(place, Key::Lon)?;
    let position = position(place, "lat,lon", lat, lon)?;
    let mut report = TrackReport::new(u64::from(address.bits()), position, not_ahead(place, at, received)?);
    report.address = Some(address);
    if !is_zero(fields.get(Key::AltBaro)) {
        report.pressure = feet(place, Key::AltBaro, fields.get(Key::AltBaro), out);
    }
    report.geometric = feet(place, Key::AltGeom, fields.either(Key::AltGeom), out);
    if fields.get(Key::Flight).text().is_some_and(|text| text == "N/A" || text.is_empty()) {
        fields.clear(Key::Flight);
    }
    common(place, &fields, Key::Gscp, &mut report, out);
    report.speed = report.speed.filter(|speed| *speed != Speed(0));
    Ok(Some(report))
}

fn is_zero(value: &Scalar<'_>) -> bool {
    value.number() == Some(0.0) || matches!(value, Scalar::Text(Cow::Borrowed("0")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LINE_BYTES_MAX;
    use crate::{REPLAY, decode};
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use alloc::{format, vec};
    use track::SourceClass;
    use units::{Angle, Height, VerticalRate};

    fn check(text: &str, want: &[&str]) -> Vec<TrackReport> {
        let out = decode(&mut Jsonl::new(), text.as_bytes(), REPLAY);
        let got: Vec<String> = out.errors.iter().map(ToString::to_string).collect();
        assert_eq!(got, want, "{text}");
        out.reports
    }

    #[test]
    fn a_fix_is_taken_with_what_its_flightdict_adds() {
        let reports = check(include_str!("../testdata/fixes.jsonl"), &[]);
        let r = &reports[0];
        assert_eq!((r.at, r.address.unwrap().to_string()), (Utc(1_748_719_393_000), "a7f426".into()));
        assert_eq!((r.pressure, r.geometric), (Some(Height::from_feet(1400)), Some(Height::from_feet(1425))));
        assert_eq!((r.speed, r.track), (Some(Speed::from_knots(93.0)), Some(Angle(28_110_000))));
        assert_eq!((r.vertical_rate, r.source), (Some(VerticalRate::from_fpm(-256.0)), SourceClass::TisB));
        assert_eq!((r.accuracy_mm, r.callsign.unwrap().to_string()), (Some(30_000), "N611TH".into()));
        assert_eq!(r.mode_a.unwrap().to_string(), "1200");
    }

    #[test]
    fn a_zero_of_this_recorder_is_not_a_value() {
        let reports = check(include_str!("../testdata/fixes.jsonl"), &[]);
        assert_eq!(reports.len(), 3);
        for r in &reports[1..] {
            assert_eq!((r.pressure, r.speed, r.track, r.callsign, r.on_ground), (None, None, None, None, false));
        }
        assert_eq!(reports[2].geometric, Some(Height::from_feet(3525)));
    }

    #[test]
    fn lines_that_are_no_fix_are_refused() {
        check("now,hex\n", &[r#"line 1: not an object: "now,hex""#]);
        check("{\"now\":1\n", &["line 1: not JSON (line 1, column 8)"]);
        check(r#"{"hex":"a7f426","lat":1,"lon":2}"#, &["line 1: now is missing"]);
        check(r#"{"now":1,"lat":1,"lon":2}"#, &["line 1: hex is missing"]);
        check(r#"{"now":"x","hex":"a7f426","lat":1,"lon":2}"#, &[r#"line 1: now is not a number: "x""#]);
        let long = format!("{{\"a\":\"{}\"}}\n", "x".repeat(LINE_BYTES_MAX));
        check(&long, &["line 1: longer than 16384 bytes"]);
        let deep = format!("{{\"lat\":{}1{}}}\n", "[".repeat(500), "]".repeat(500));
        check(&deep, &["line 1: not JSON (line 1, column 134)"]);
        let out = decode(&mut Jsonl::new(), br#"{"now":10,"hex":"a7f426","lat":1,"lon":2}"#, Utc(4_000));
        assert_eq!(out.errors[0].to_string(), "line 1: the source's time is 6000 ms ahead of ours");
        assert_eq!(out.reports, vec![]);
    }
}
