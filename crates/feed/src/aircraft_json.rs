//! `aircraft.json` of readsb, dump1090-fa and their kin: one document, all aircraft.
//!
//! A position applies at `now - seen_pos`. `alt_baro` is pressure altitude or `"ground"`, `alt_geom` height above the
//! WGS-84 ellipsoid, both in feet; `gs` knots; `baro_rate` (or else `geom_rate`) feet per minute; `track` true.
//! `lastPosition` is not taken: it is older than a minute. Class: `dbFlags` bit 0 is military, category `B6` uncrewed.
use crate::batch::Batch;
use crate::error::{FeedError, Place};
use crate::json::{Document, Fields, Key, Scalar, error, read_document, without_bare_words};
use crate::limits::{SNAPSHOT_AIRCRAFT_MAX, SNAPSHOT_BYTES_MAX};
use crate::values::{Field, accuracy_mm, address, not_ahead, position, unix_time};
use crate::{Decoder, Format};
use alloc::vec::Vec;
use track::{SourceClass, TrackReport};
use units::{AircraftClass, Height, Utc};

/// Decoder of `aircraft.json`: push one document, then finish.
#[derive(Debug, Default)]
pub struct AircraftJson {
    held: Vec<u8>,
    dropping: bool,
}

impl AircraftJson {
    /// A decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decoder for AircraftJson {
    fn format(&self) -> Format {
        Format::AircraftJson
    }

    fn push(&mut self, bytes: &[u8], _received: Utc, _out: &mut Batch) {
        if self.dropping || self.held.len() + bytes.len() > SNAPSHOT_BYTES_MAX {
            self.dropping = true;
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self, received: Utc, out: &mut Batch) {
        let place = Place::Document;
        if core::mem::take(&mut self.dropping) {
            out.error(FeedError::TooLong { place, limit: SNAPSHOT_BYTES_MAX });
            return;
        }
        let mut held = core::mem::take(&mut self.held);
        if held.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        without_bare_words(&mut held);
        let mut document = Document::default();
        if let Err(e) = read_document(&held, SNAPSHOT_AIRCRAFT_MAX, &mut document) {
            out.error(error(place, &e));
        }
        if document.dropped > 0 {
            out.error(FeedError::TooMany { place, limit: SNAPSHOT_AIRCRAFT_MAX, dropped: document.dropped });
        }
        match snapshot_time(&document, received) {
            Ok(now) => {
                for (n, aircraft) in (1..).zip(&document.aircraft) {
                    let place = Place::Aircraft(n);
                    let outcome = one(place, now, aircraft.as_ref(), out);
                    out.record(place, outcome);
                }
            }
            // Without the snapshot's time no position in it has one.
            Err(e) => {
                out.counts.records += document.aircraft.len() as u64;
                out.counts.refused += document.aircraft.len() as u64;
                out.error(e);
            }
        }
    }
}

fn snapshot_time(document: &Document<'_>, received: Utc) -> Result<Utc, FeedError> {
    let place = Place::Document;
    let now = unix_time(place, "now", document.now.needed(place, Key::Now)?)?;
    not_ahead(place, now, received)
}

fn one(place: Place, now: Utc, fields: Option<&Fields<'_>>, out: &mut Batch) -> Result<Option<TrackReport>, FeedError> {
    let Some(fields) = fields else {
        return Err(FeedError::Record { place, want: "an object", got: alloc::string::String::new() });
    };
    if fields.get(Key::Lat).is_none() && fields.get(Key::Lon).is_none() {
        return Ok(None);
    }
    let address = address(place, "hex", fields.get(Key::Hex).text().unwrap_or_default())?;
    let lat = fields.get(Key::Lat).needed(place, Key::Lat)?;
    let lon = fields.get(Key::Lon).needed(place, Key::Lon)?;
    let seen = fields.get(Key::SeenPos);
    let age_s = seen.needed(place, Key::SeenPos)?;
    if !(0.0..=86_400.0).contains(&age_s) {
        let want = "an age of 0 to 86400 s";
        return Err(FeedError::Value { place, field: "seen_pos", want, got: seen.shown() });
    }
    let at = now.plus_ms(-(libm::round(age_s * 1000.0) as i64));
    let mut report = TrackReport::new(u64::from(address.bits()), position(place, "lat,lon", lat, lon)?, at);
    report.address = Some(address);
    report.on_ground = fields.get(Key::AltBaro).text() == Some("ground");
    if !report.on_ground {
        report.pressure = feet(place, Key::AltBaro, fields.get(Key::AltBaro), out);
    }
    report.geometric = feet(place, Key::AltGeom, fields.get(Key::AltGeom), out);
    common(place, fields, Key::Gs, &mut report, out);
    Ok(Some(report))
}

/// What both JSON formats have alike, from the object or the one nested in it.
pub(crate) fn common(place: Place, fields: &Fields<'_>, gs: Key, report: &mut TrackReport, out: &mut Batch) {
    let number = |key: Key, out: &mut Batch| known(place, key, fields.either(key), Scalar::number, out);
    report.speed = number(gs, out).and_then(|v| Field { place, name: gs.name(), out }.knots(v));
    report.track = number(Key::Track, out).and_then(|v| Field { place, name: "track", out }.degrees(v));
    let rate = if fields.either(Key::BaroRate).is_none() { Key::GeomRate } else { Key::BaroRate };
    report.vertical_rate = number(rate, out).and_then(|v| Field { place, name: rate.name(), out }.fpm(v));
    let rc = number(Key::Rc, out);
    report.accuracy_mm = accuracy_mm(fields.either(Key::NacP).int(), rc);
    let text = |key: Key, out: &mut Batch| {
        known(place, key, fields.either(key), |s| s.text().map(alloc::string::ToString::to_string), out)
    };
    report.callsign = text(Key::Flight, out).and_then(|v| Field { place, name: "flight", out }.callsign(&v));
    report.mode_a = text(Key::Squawk, out).and_then(|v| Field { place, name: "squawk", out }.mode_a(&v));
    report.source = source(fields);
    report.class = class(fields);
}

/// A height in feet, if it is reported at all.
pub(crate) fn feet(place: Place, key: Key, value: &Scalar<'_>, out: &mut Batch) -> Option<Height> {
    known(place, key, value, Scalar::number, out).and_then(|v| Field { place, name: key.name(), out }.feet(v))
}

// A value of the right type; one of another type is an error, an absent one is not.
fn known<'v, 'a, T>(
    place: Place,
    key: Key,
    value: &'v Scalar<'a>,
    take: impl FnOnce(&'v Scalar<'a>) -> Option<T>,
    out: &mut Batch,
) -> Option<T> {
    let taken = take(value);
    if taken.is_none() && !value.is_none() {
        let want = match key {
            Key::Flight | Key::Squawk => "a text",
            _ => "a number",
        };
        out.error(FeedError::Value { place, field: key.name(), want, got: value.shown() });
    }
    taken
}

// `type` names the source of the position; dump1090-fa has none and lists the fields that came by multilateration.
fn source(fields: &Fields<'_>) -> SourceClass {
    match fields.either(Key::Type).text() {
        Some("adsb_icao" | "adsb_icao_nt" | "adsb_other") => SourceClass::Adsb,
        Some("adsr_icao" | "adsr_other") => SourceClass::AdsR,
        Some("tisb_icao" | "tisb_other" | "tisb_trackfile") => SourceClass::TisB,
        Some("mlat") => SourceClass::Mlat,
        Some("mode_s") => SourceClass::ModeS,
        Some(_) => SourceClass::Unknown,
        None if fields.either(Key::Mlat) == &(Scalar::List { lat: true }) => SourceClass::Mlat,
        None if fields.either(Key::Tisb) == &(Scalar::List { lat: true }) => SourceClass::TisB,
        None => SourceClass::Unknown,
    }
}

fn class(fields: &Fields<'_>) -> AircraftClass {
    if fields.either(Key::DbFlags).int().is_some_and(|flags| flags & 1 == 1) {
        AircraftClass::Military
    } else if fields.either(Key::Category).text() == Some("B6") {
        AircraftClass::Uas
    } else {
        AircraftClass::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{REPLAY, decode};
    use alloc::string::{String, ToString};
    use alloc::{format, vec};
    use units::{Angle, Speed, VerticalRate};

    fn check(text: &str, want: &[&str]) -> Vec<TrackReport> {
        let out = decode(&mut AircraftJson::new(), text.as_bytes(), REPLAY);
        let got: Vec<String> = out.errors.iter().map(ToString::to_string).collect();
        assert_eq!(got, want, "{text}");
        out.reports
    }

    fn with(fields: &str) -> String {
        format!(r#"{{"now":1700513836.875,"aircraft":[{{{fields}}}]}}"#)
    }

    const GOOD: &str = r#""hex":"a3e31a","lat":35.208109,"lon":-110.373001,"seen_pos":1.939"#;

    #[test]
    fn a_full_aircraft_is_taken_exactly() {
        let text = include_bytes!("../testdata/aircraft.json");
        let out = decode(&mut AircraftJson::new(), text, Utc(1_700_513_837_000));
        assert_eq!(out.errors, vec![]);
        assert_eq!((out.counts.records, out.counts.reports, out.counts.held), (4, 3, 1));
        let r = &out.reports[0];
        assert_eq!((r.local, r.address.unwrap().to_string().as_str()), (0x00a3_e31a, "a3e31a"));
        assert_eq!((r.position.lat_e7, r.position.lon_e7), (352_081_090, -1_103_730_010));
        assert_eq!((r.pressure, r.geometric), (Some(Height::from_feet(45_000)), Some(Height::from_feet(45_725))));
        assert_eq!((r.speed, r.track), (Some(Speed(251_563)), Some(Angle(6_726_000))));
        assert_eq!((r.vertical_rate, r.accuracy_mm), (Some(VerticalRate(-325)), Some(10_000)));
        assert_eq!(r.at, Utc(1_700_513_834_936));
        assert_eq!((r.source, r.class, r.on_ground), (SourceClass::Adsb, AircraftClass::Military, false));
        assert_eq!((r.callsign.unwrap().to_string(), r.mode_a.unwrap().to_string()), ("N35GR".into(), "3471".into()));
        let r = &out.reports[1];
        assert_eq!((r.on_ground, r.pressure, r.source), (true, None, SourceClass::TisB));
        assert_eq!((r.address.unwrap().is_icao(), r.local), (false, 0x012b_1fcc));
        assert_eq!(r.accuracy_mm, Some(186_000), "radius of containment where NACp is 0");
        let r = &out.reports[2];
        assert_eq!((r.source, r.class, r.speed), (SourceClass::Mlat, AircraftClass::Uas, None));
    }

    #[test]
    fn a_value_that_is_none_is_named_and_the_report_stands_without_it() {
        for (field, want) in [
            (r#""gs":"fast""#, r#"aircraft 1: gs is not a number: "fast""#),
            (r#""gs":-1"#, r#"aircraft 1: gs is not a speed of 0 to 5800 kt: "-1""#),
            (r#""track":361"#, r#"aircraft 1: track is not a track of 0 to 360 degrees: "361""#),
            (r#""baro_rate":1e9"#, r#"aircraft 1: baro_rate is not a rate within 98000 ft/min: "1000000000""#),
            (r#""alt_baro":"high""#, r#"aircraft 1: alt_baro is not a number: "high""#),
            (r#""alt_geom":999999"#, r#"aircraft 1: alt_geom is not a height of -6500 to 328000 ft: "999999""#),
            (r#""squawk":"8000""#, r#"aircraft 1: squawk is not four octal digits: "8000""#),
            (r#""squawk":1200"#, r#"aircraft 1: squawk is not a text: "1200""#),
            (r#""flight":"TOO LONG!!""#, r#"aircraft 1: flight is not a callsign: "TOO LONG!!""#),
        ] {
            assert_eq!(check(&with(&format!("{GOOD},{field}")), &[want]).len(), 1);
        }
    }

    #[test]
    fn a_number_that_is_none_costs_its_field_or_its_aircraft_and_no_other() {
        let other = format!("{GOOD}}},{{{}", GOOD.replace("a3e31a", "a3e31b"));
        for (word, left) in [("\"gs\":NaN", 3), ("\"lat\":-Infinity,\"lon\":1", 2), ("\"seen_pos\":inf", 2)] {
            let (name, value) = (word.split('"').nth(1).unwrap_or_default(), GOOD.replace("a3e31a", "a3e31c"));
            let first = format!("{value},{word}");
            let want = format!("aircraft 1: {name} is not a number: \"no number and no text\"");
            assert_eq!(check(&with(&format!("{first}}},{{{other}")), &[&want]).len(), left, "{word}");
        }
        check(r#"{"now":NaN,"aircraft":[]}"#, &[r#"document: now is not a number: "no number and no text""#]);
    }

    #[test]
    fn an_aircraft_without_identity_place_or_time_is_refused() {
        for (fields, want) in [
            (r#""lat":1,"lon":2,"seen_pos":0"#, "aircraft 1: hex is missing"),
            (
                r#""hex":"xyz","lat":1,"lon":2,"seen_pos":0"#,
                r#"aircraft 1: hex is not an address of six hexadecimal digits: "xyz""#,
            ),
            (r#""hex":"a3e31a","lat":1,"seen_pos":0"#, "aircraft 1: lon is missing"),
            (
                r#""hex":"a3e31a","lat":91,"lon":2,"seen_pos":0"#,
                r#"aircraft 1: lat,lon is not a position on the earth: "91,2""#,
            ),
            (r#""hex":"a3e31a","lat":1,"lon":2"#, "aircraft 1: seen_pos is missing"),
            (
                r#""hex":"a3e31a","lat":1,"lon":2,"seen_pos":-3"#,
                r#"aircraft 1: seen_pos is not an age of 0 to 86400 s: "-3""#,
            ),
        ] {
            assert_eq!(check(&with(fields), &[want]), vec![]);
        }
    }

    #[test]
    fn a_document_that_is_none_is_refused_and_one_cut_short_gives_what_it_has() {
        check("", &[]);
        check("[]", &["document: not JSON (line 1, column 0)", "document: now is missing"]);
        check(&format!(r#"{{"aircraft":[{{{GOOD}}}]}}"#), &["document: now is missing"]);
        check(
            &format!(r#"{{"now":-5,"aircraft":[{{{GOOD}}}]}}"#),
            &[r#"document: now is not a time from 1970 to 2199: "-5""#],
        );
        check(r#"{"now":1,"aircraft":[4]}"#, &[r#"aircraft 1: not an object: """#]);
        let whole = with(&format!("{GOOD}}},{{{GOOD}"));
        let reports = check(&whole[..whole.len() - 3], &["document: not JSON (line 1, column 168)"]);
        assert_eq!(reports.len(), 1);
    }

    #[test]
    fn a_source_whose_clock_is_ahead_is_refused_whole() {
        let out = decode(&mut AircraftJson::new(), with(GOOD).as_bytes(), Utc(1_700_513_830_000));
        assert_eq!(out.errors[0].to_string(), "document: the source's time is 6875 ms ahead of ours");
        assert_eq!((out.counts.reports, out.counts.refused), (0, 1));
    }

    #[test]
    fn a_document_over_a_limit_is_refused_and_the_next_is_read() {
        let mut decoder = AircraftJson::new();
        let out = decode(&mut decoder, &vec![b' '; SNAPSHOT_BYTES_MAX + 1], REPLAY);
        assert_eq!(out.errors[0].to_string(), "document: longer than 16777216 bytes");
        let many = vec![format!("{{{GOOD}}}"); SNAPSHOT_AIRCRAFT_MAX + 2].join(",");
        let out = decode(&mut decoder, format!(r#"{{"now":1700513836,"aircraft":[{many}]}}"#).as_bytes(), REPLAY);
        assert_eq!(out.errors[0].to_string(), "document: 2 more than 16384 aircraft");
        assert_eq!(out.reports.len(), SNAPSHOT_AIRCRAFT_MAX);
    }
}
