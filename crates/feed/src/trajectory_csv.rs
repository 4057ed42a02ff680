//! Reference trajectories in CSV: header `flight_id,timestamp,latitude,longitude,altitude,speed_gnd,track_gnd,vert_speed,…`.
//!
//! The publisher states neither the altitude's unit nor its reference. The values themselves say feet (the vertical
//! speed is their derivative in feet per minute), but they run to 0 at a runway 83 ft above the sea, on a day that was
//! not standard: neither pressure altitude nor height above a geoid. So no altitude is reported, unless the caller says
//! what to take it for ([`TrajectoryCsv::as_pressure`]), which is fit for comparing these flights with each other only.
use crate::batch::Batch;
use crate::error::{FeedError, Place, excerpt};
use crate::lines::Lines;
use crate::states_csv::Columns;
use crate::values::{Field, needed, not_ahead, position};
use crate::{Decoder, Format, local_of_name, time};
use track::{SourceClass, TrackReport};
use units::Utc;

const NAMES: [&str; 8] =
    ["flight_id", "timestamp", "latitude", "longitude", "altitude", "speed_gnd", "track_gnd", "vert_speed"];

/// Decoder of reference trajectories in CSV.
#[derive(Debug, Default)]
pub struct TrajectoryCsv {
    lines: Lines,
    rows: Rows,
}

#[derive(Debug, Default, Clone, Copy)]
struct Rows {
    columns: Option<Columns<8>>,
    as_pressure: bool,
}

impl TrajectoryCsv {
    /// A decoder that reports no altitude.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder that takes the altitude for pressure altitude in feet: an assumption of the caller's.
    #[must_use]
    pub fn as_pressure() -> Self {
        Self { lines: Lines::default(), rows: Rows { columns: None, as_pressure: true } }
    }
}

impl Decoder for TrajectoryCsv {
    fn format(&self) -> Format {
        Format::TrajectoryCsv
    }

    fn push(&mut self, bytes: &[u8], received: Utc, out: &mut Batch) {
        let rows = &mut self.rows;
        self.lines.push(bytes, out, |place, line, out| rows.take(place, line, received, out));
    }

    fn finish(&mut self, received: Utc, out: &mut Batch) {
        let rows = &mut self.rows;
        self.lines.finish(out, |place, line, out| rows.take(place, line, received, out));
        self.rows.columns = None;
    }
}

impl Rows {
    fn take(&mut self, place: Place, line: &[u8], received: Utc, out: &mut Batch) {
        if line.starts_with(NAMES[0].as_bytes()) {
            self.columns = Columns::find(line, &NAMES, &[0, 1, 2, 3]);
            if self.columns.is_some() {
                return;
            }
        }
        let want = "under a header with flight_id,timestamp,latitude,longitude";
        let outcome = match &self.columns {
            Some(columns) => self.one(columns, place, line, received, out),
            None => Err(FeedError::Record { place, want, got: excerpt(line) }),
        };
        out.record(place, outcome);
    }

    fn one(
        &self,
        columns: &Columns<8>,
        place: Place,
        line: &[u8],
        received: Utc,
        out: &mut Batch,
    ) -> Result<Option<TrackReport>, FeedError> {
        let values = columns.split(place, line)?;
        // R writes NA for "not available" and -Inf where it divided by a step of no length.
        let [id, t, lat, lon, alt, gs, track, vs] =
            values.map(|v| if matches!(v, "NA" | "-Inf" | "Inf") { "" } else { v });
        if id.is_empty() {
            return Err(FeedError::Missing { place, field: "flight_id" });
        }
        let at = time::rfc3339(t).ok_or_else(|| FeedError::Value {
            place,
            field: "timestamp",
            want: "a time in UTC (RFC 3339)",
            got: excerpt(t.as_bytes()),
        })?;
        let (lat, lon) = (needed(place, "latitude", lat)?, needed(place, "longitude", lon)?);
        let position = position(place, "latitude,longitude", lat, lon)?;
        let mut report = TrackReport::new(local_of_name(id.as_bytes()), position, not_ahead(place, at, received)?);
        report.source = SourceClass::Telemetry;
        if self.as_pressure {
            let mut field = Field { place, name: "altitude", out };
            report.pressure = field.number(alt).and_then(|v| field.feet(v));
        }
        let mut field = Field { place, name: "speed_gnd", out };
        report.speed = field.number(gs).and_then(|v| field.knots(v));
        let mut field = Field { place, name: "track_gnd", out };
        report.track = field.number(track).and_then(|v| field.degrees(v));
        let mut field = Field { place, name: "vert_speed", out };
        report.vertical_rate = field.number(vs).and_then(|v| field.fpm(v));
        Ok(Some(report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{REPLAY, decode};
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;
    use units::{Altitude, Height, Speed};

    const ROWS: &str = include_str!("../testdata/trajectory.csv");

    fn errors(text: &str) -> Vec<String> {
        let out = decode(&mut TrajectoryCsv::new(), text.as_bytes(), REPLAY);
        out.errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_altitude_of_unknown_reference_is_not_reported() {
        let out = decode(&mut TrajectoryCsv::new(), ROWS.as_bytes(), REPLAY);
        assert_eq!((out.reports.len(), out.errors.len()), (3, 0));
        let r = &out.reports[0];
        assert_eq!((r.altitude(), r.at), (Altitude::Unknown, Utc(1_501_674_248_000)));
        assert_eq!((r.address, r.speed), (None, Some(Speed::from_knots(312.606_924_915_273_8))));
        assert!(r.local == out.reports[1].local && r.local != out.reports[2].local);
        let out = decode(&mut TrajectoryCsv::as_pressure(), ROWS.as_bytes(), REPLAY);
        assert_eq!(out.reports[0].pressure, Height::from_feet_f64(14_515.25));
        assert_eq!((out.reports[2].pressure, out.reports[2].vertical_rate), (None, None));
    }

    #[test]
    fn rows_that_are_no_fix_are_refused() {
        let head = ROWS.lines().next().unwrap();
        let want = r#"line 1: not under a header with flight_id,timestamp,latitude,longitude: "a,b""#;
        assert_eq!(errors("a,b\n"), [want]);
        let row = |row: &str| errors(&format!("{head}\n{row}\n"));
        assert_eq!(row(",2017-08-02T11:44:08Z,1,2,,,,,,"), ["line 2: flight_id is missing"]);
        assert_eq!(row("f,noon,1,2,,,,,,"), [r#"line 2: timestamp is not a time in UTC (RFC 3339): "noon""#]);
        assert_eq!(row("f,2017-08-02T11:44:08Z,NA,2,,,,,,"), ["line 2: latitude is missing"]);
        assert_eq!(
            row("f,2017-08-02T11:44:08Z,1"),
            [r#"line 2: not a row as wide as its header: "f,2017-08-02T11:44:08Z,1""#]
        );
    }
}
