//! State vectors in CSV: header `t_unix_s,icao24,callsign,lat_deg,lon_deg,alt_baro_ft,gs_kt,track_deg,vs_fpm`.
//!
//! Columns are found by name; those not needed may be absent. Altitude is pressure altitude in feet (OpenSky's
//! `baroaltitude`); the time is that of the state vector.
use crate::batch::Batch;
use crate::error::{FeedError, Place, excerpt};
use crate::lines::Lines;
use crate::values::{Field, address, needed, not_ahead, position, unix_time};
use crate::{Decoder, Format};
use track::{SourceClass, TrackReport};
use units::Utc;

const NAMES: [&str; 9] =
    ["t_unix_s", "icao24", "callsign", "lat_deg", "lon_deg", "alt_baro_ft", "gs_kt", "track_deg", "vs_fpm"];

/// Decoder of state vectors in CSV.
#[derive(Debug, Default)]
pub struct StatesCsv {
    lines: Lines,
    columns: Option<Columns<9>>,
}

impl StatesCsv {
    /// A decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Decoder for StatesCsv {
    fn format(&self) -> Format {
        Format::StatesCsv
    }

    fn push(&mut self, bytes: &[u8], received: Utc, out: &mut Batch) {
        let columns = &mut self.columns;
        self.lines.push(bytes, out, |place, line, out| take(columns, place, line, received, out));
    }

    fn finish(&mut self, received: Utc, out: &mut Batch) {
        let columns = &mut self.columns;
        self.lines.finish(out, |place, line, out| take(columns, place, line, received, out));
        *self = Self::default();
    }
}

fn take(columns: &mut Option<Columns<9>>, place: Place, line: &[u8], received: Utc, out: &mut Batch) {
    if line.starts_with(NAMES[0].as_bytes()) {
        *columns = Columns::find(line, &NAMES, &[0, 1, 3, 4]);
        if columns.is_some() {
            return;
        }
    }
    let outcome = match columns {
        Some(columns) => one(columns, place, line, received, out),
        None => Err(FeedError::Record {
            place,
            want: "under a header with t_unix_s,icao24,lat_deg,lon_deg",
            got: excerpt(line),
        }),
    };
    out.record(place, outcome);
}

fn one(
    columns: &Columns<9>,
    place: Place,
    line: &[u8],
    received: Utc,
    out: &mut Batch,
) -> Result<Option<TrackReport>, FeedError> {
    let [t, hex, callsign, lat, lon, alt, gs, track, vs] = columns.split(place, line)?;
    let address = address(place, "icao24", hex)?;
    let at = unix_time(place, "t_unix_s", needed(place, "t_unix_s", t)?)?;
    let (lat, lon) = (needed(place, "lat_deg", lat)?, needed(place, "lon_deg", lon)?);
    let position = position(place, "lat_deg,lon_deg", lat, lon)?;
    let mut report = TrackReport::new(u64::from(address.bits()), position, not_ahead(place, at, received)?);
    report.address = Some(address);
    report.source = SourceClass::Adsb;
    report.callsign = Field { place, name: "callsign", out }.callsign(callsign);
    let mut field = Field { place, name: "alt_baro_ft", out };
    report.pressure = field.number(alt).and_then(|v| field.feet(v));
    let mut field = Field { place, name: "gs_kt", out };
    report.speed = field.number(gs).and_then(|v| field.knots(v));
    let mut field = Field { place, name: "track_deg", out };
    report.track = field.number(track).and_then(|v| field.degrees(v));
    let mut field = Field { place, name: "vs_fpm", out };
    report.vertical_rate = field.number(vs).and_then(|v| field.fpm(v));
    Ok(Some(report))
}

/// Where the columns of a CSV without quoting stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<const N: usize> {
    at: [Option<usize>; N],
    width: usize,
}

impl<const N: usize> Columns<N> {
    /// Finds `names` in a header; `None` if one of `needed` (their numbers) is not there.
    pub(crate) fn find(header: &[u8], names: &[&str; N], needed: &[usize]) -> Option<Self> {
        let header = core::str::from_utf8(header).ok()?;
        let at = names.map(|name| header.split(',').position(|column| column.trim() == name));
        needed.iter().all(|n| at[*n].is_some()).then_some(Self { at, width: header.split(',').count() })
    }

    /// The values of a row, in the order of the names; blank where there is no such column.
    pub(crate) fn split<'a>(&self, place: Place, line: &'a [u8]) -> Result<[&'a str; N], FeedError> {
        let bad = || FeedError::Record { place, want: "a row as wide as its header", got: excerpt(line) };
        let line = core::str::from_utf8(line).map_err(|_| bad())?;
        let mut values = [""; N];
        let mut width = 0;
        for (n, value) in line.split(',').enumerate() {
            width = n + 1;
            for (slot, at) in values.iter_mut().zip(self.at) {
                if at == Some(n) {
                    *slot = value.trim();
                }
            }
        }
        if width == self.width { Ok(values) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{REPLAY, decode};
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use units::{Angle, Height, Speed};

    fn check(text: &str, want: &[&str]) -> Vec<TrackReport> {
        let out = decode(&mut StatesCsv::new(), text.as_bytes(), REPLAY);
        let got: Vec<String> = out.errors.iter().map(ToString::to_string).collect();
        assert_eq!(got, want, "{text}");
        out.reports
    }

    #[test]
    fn a_state_vector_is_taken_exactly() {
        let reports = check(include_str!("../testdata/states.csv"), &[]);
        assert_eq!(reports.len(), 3);
        let r = &reports[0];
        assert_eq!((r.at, r.local), (Utc(1_533_099_600_000), 0x0040_67f2));
        assert_eq!((r.position.lat_e7, r.position.lon_e7), (466_792_323, 102_021_790));
        assert_eq!((r.pressure, r.geometric), (Some(Height::from_feet(38_025)), None));
        assert_eq!((r.speed, r.track), (Some(Speed(225_368)), Some(Angle(29_240_861))));
        assert_eq!(reports[1].pressure, Some(Height(38_037 * 3048 + 1524)), "half a foot is not lost");
        assert_eq!((reports[2].pressure, reports[2].speed, reports[2].callsign), (None, None, None));
    }

    #[test]
    fn rows_that_are_no_state_are_refused() {
        const HEAD: &str = "t_unix_s,icao24,lat_deg,lon_deg,gs_kt\n";
        let none = "line 1: not under a header with t_unix_s,icao24,lat_deg,lon_deg: ";
        check("1533099600,4067f2,1,2,3\n", &[&format!("{none}\"1533099600,4067f2,1,2,3\"")]);
        check("t_unix_s,icao24\n", &[&format!("{none}\"t_unix_s,icao24\"")]);
        for (row, want) in [
            ("5,4067f2,1,2", r#"line 2: not a row as wide as its header: "5,4067f2,1,2""#),
            ("5,4067f2,1,2,3,4", r#"line 2: not a row as wide as its header: "5,4067f2,1,2,3,4""#),
            (",4067f2,1,2,3", "line 2: t_unix_s is missing"),
            ("inf,4067f2,1,2,3", r#"line 2: t_unix_s is not a number: "inf""#),
            ("9e99,4067f2,1,2,3", r#"line 2: t_unix_s is not a time from 1970 to 2199: "9000000000"#),
            ("5,,1,2,3", "line 2: icao24 is missing"),
            ("5,4067f2,,2,3", "line 2: lat_deg is missing"),
            ("5,4067f2,1,181,3", r#"line 2: lat_deg,lon_deg is not a position on the earth: "1,181""#),
        ] {
            let out = decode(&mut StatesCsv::new(), format!("{HEAD}{row}\n").as_bytes(), REPLAY);
            assert!(out.errors[0].to_string().starts_with(want), "{}", out.errors[0]);
            assert_eq!((out.errors.len(), out.counts.refused), (1, 1));
        }
    }
}
