//! What the columns of a table mean. The unit stands in the name (`alt_ft`) or in a row of units below the header; a number
//! without a unit is not guessed at.
use crate::cli::detect::table::{Row, Table};
use anyhow::{Result, bail, ensure};
use units::{AircraftClass, Height};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Id,
    Class,
    Instant,
    Time,
    Lat,
    Lon,
    East,
    North,
    Up,
    Alt,
    GeoAlt,
    Gs,
    Trk,
    Ve,
    Vn,
    Vs,
    Accuracy,
}

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Word,
    Time,
    Angle,
    Length,
    Speed,
}

use Field::*;

/// Names, best first.
const NAMES: [(&str, Field); 42] = [
    ("id", Id),
    ("name", Id),
    ("aircraft", Id),
    ("icao24", Id),
    ("hex", Id),
    ("class", Class),
    ("time", Time),
    ("timestamp", Time),
    ("t", Time),
    ("t_unix", Time),
    ("lat", Lat),
    ("latitude", Lat),
    ("lon", Lon),
    ("lng", Lon),
    ("longitude", Lon),
    ("east", East),
    ("sx", East),
    ("north", North),
    ("sy", North),
    ("up", Up),
    ("sz", Up),
    ("alt", Alt),
    ("altitude", Alt),
    ("alt_baro", Alt),
    ("geo_alt", GeoAlt),
    ("geo_altitude", GeoAlt),
    ("alt_geo", GeoAlt),
    ("alt_geom", GeoAlt),
    ("geoaltitude", GeoAlt),
    ("gs", Gs),
    ("groundspeed", Gs),
    ("trk", Trk),
    ("track", Trk),
    ("vx", Ve),
    ("ve", Ve),
    ("vy", Vn),
    ("vn", Vn),
    ("vz", Vs),
    ("vu", Vs),
    ("vs", Vs),
    ("vertical_rate", Vs),
    ("accuracy", Accuracy),
];

/// Units: name, what it measures, and its size in seconds, degrees, metres or metres a second.
const UNITS: [(&str, Measure, f64); 25] = [
    ("s", Measure::Time, 1.0),
    ("sec", Measure::Time, 1.0),
    ("ms", Measure::Time, 1e-3),
    ("min", Measure::Time, 60.0),
    ("deg", Measure::Angle, 1.0),
    ("rad", Measure::Angle, 180.0 / std::f64::consts::PI),
    ("m", Measure::Length, 1.0),
    ("km", Measure::Length, 1000.0),
    ("ft", Measure::Length, FOOT_M),
    ("nm", Measure::Length, 1852.0),
    ("nmi", Measure::Length, 1852.0),
    ("mps", Measure::Speed, 1.0),
    ("m/s", Measure::Speed, 1.0),
    ("kt", Measure::Speed, KNOT_MPS),
    ("kts", Measure::Speed, KNOT_MPS),
    ("kn", Measure::Speed, KNOT_MPS),
    ("knot", Measure::Speed, KNOT_MPS),
    ("knots", Measure::Speed, KNOT_MPS),
    ("kmh", Measure::Speed, 1.0 / 3.6),
    ("km/h", Measure::Speed, 1.0 / 3.6),
    ("fps", Measure::Speed, FOOT_M),
    ("ftps", Measure::Speed, FOOT_M),
    ("ft/s", Measure::Speed, FOOT_M),
    ("fpm", Measure::Speed, FOOT_M / 60.0),
    ("ft/min", Measure::Speed, FOOT_M / 60.0),
];

const FOOT_M: f64 = 0.3048;
const KNOT_MPS: f64 = 1852.0 / 3600.0;

impl Field {
    fn measure(self) -> Measure {
        match self {
            Id | Class | Instant => Measure::Word,
            Time => Measure::Time,
            Lat | Lon | Trk => Measure::Angle,
            East | North | Up | Alt | GeoAlt | Accuracy => Measure::Length,
            Gs | Ve | Vn | Vs => Measure::Speed,
        }
    }

    /// Least and most, in seconds, degrees, metres or metres a second.
    fn range(self) -> (f64, f64) {
        match self {
            // The years 1 to 9999.
            Time => (-62_135_596_800.0, 253_402_300_799.0),
            Lat => (-90.0, 90.0),
            Lon => (-180.0, 180.0),
            Trk => (-360.0, 360.0),
            East | North => (-detect::PLANE_MAX_M, detect::PLANE_MAX_M),
            // As reports are bounded: from below the Dead Sea to beyond the air, Mach 10, 98,000 ft/min.
            Up | Alt | GeoAlt => (-2_000.0, 100_000.0),
            Gs => (0.0, 3_000.0),
            Ve | Vn => (-3_000.0, 3_000.0),
            Vs => (-500.0, 500.0),
            Accuracy => (0.0, 100_000.0),
            Id | Class | Instant => (0.0, 0.0),
        }
    }
}

/// One column that is read.
#[derive(Debug, Clone)]
struct Column {
    field: Field,
    /// Where it stands.
    at: usize,
    unit: &'static str,
    size: f64,
    /// As the file names it.
    name: String,
}

/// The columns of one aircraft.
#[derive(Debug, Clone)]
pub struct Columns(Vec<Column>);

/// What is wrong with a row, and where.
#[derive(Debug, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct Bad {
    column: String,
    what: String,
}

impl Columns {
    /// The columns whose names begin with `prefix`, and the names of those that mean nothing here.
    pub fn find(table: &Table, prefix: &str) -> Result<(Self, Vec<String>)> {
        let mut columns: Vec<Column> = Vec::new();
        let mut unused = Vec::new();
        for (at, name) in table.header.iter().enumerate() {
            let lower = name.to_ascii_lowercase();
            let Some(plain) = lower.strip_prefix(prefix) else { continue };
            let below = table.units.as_ref().map(|units| units[at].as_str());
            let Some((field, unit, size)) = meaning(&table.name, name, plain, below)? else {
                unused.push(name.clone());
                continue;
            };
            if let Some(other) = columns.iter().find(|c| c.field == field) {
                bail!("{}: columns {} and {name} mean the same: take one away", table.name, other.name);
            }
            columns.push(Column { field, at, unit, size, name: name.clone() });
        }
        columns.sort_by_key(|c| c.field);
        Ok((Self(columns), unused))
    }

    /// Whether there is a column for this.
    pub fn has(&self, field: Field) -> bool {
        self.column(field).is_some()
    }

    fn column(&self, field: Field) -> Option<&Column> {
        self.0.iter().find(|c| c.field == field)
    }

    /// The file's own name of a column.
    pub fn name(&self, field: Field) -> &str {
        self.column(field).map_or("", |c| &c.name)
    }

    /// A complaint about a column.
    pub fn bad(&self, field: Field, what: impl Into<String>) -> Bad {
        Bad { column: self.name(field).to_owned(), what: what.into() }
    }

    /// The text in a column; `None` if there is none.
    pub fn text<'a>(&self, row: &Row<'a>, field: Field) -> Option<&'a str> {
        self.column(field).map(|c| row.field(c.at)).filter(|text| !text.is_empty())
    }

    /// The number in a column, in the unit of the file, and the column; `None` if there is none.
    fn given<'s>(&'s self, row: &Row<'_>, field: Field) -> Result<Option<(f64, &'s Column)>, Bad> {
        let Some(column) = self.column(field) else { return Ok(None) };
        let text = row.field(column.at);
        if text.is_empty() {
            return Ok(None);
        }
        let bad = |what: String| Bad { column: column.name.clone(), what };
        let short: String = text.chars().take(40).collect();
        let value = text.parse::<f64>().ok().filter(|v| v.is_finite());
        let value =
            value.ok_or_else(|| bad(format!("{short:?} is not a number (leave it empty if it is not known)")))?;
        let (least, most) = field.range();
        let slack = 1e-9 * most;
        let (low, high) = ((least - slack) / column.size, (most + slack) / column.size);
        if !(low..=high).contains(&value) {
            let show = |v: f64| (v / column.size * 1e6).round() / 1e6;
            return Err(bad(format!("{short:?} is not between {} and {}", show(least), show(most))));
        }
        Ok(Some((value, column)))
    }

    /// The number in a column, in seconds, degrees, metres or metres a second.
    pub fn number(&self, row: &Row<'_>, field: Field) -> Result<Option<f64>, Bad> {
        let (least, most) = field.range();
        Ok(self.given(row, field)?.map(|(value, column)| (value * column.size).clamp(least, most)))
    }

    /// The same in knots: exactly what the file says if it says knots.
    pub fn knots(&self, row: &Row<'_>, field: Field) -> Result<Option<f64>, Bad> {
        self.in_unit(row, field, KNOT_MPS)
    }

    /// The same in feet a minute.
    pub fn fpm(&self, row: &Row<'_>, field: Field) -> Result<Option<f64>, Bad> {
        self.in_unit(row, field, FOOT_M / 60.0)
    }

    fn in_unit(&self, row: &Row<'_>, field: Field, size: f64) -> Result<Option<f64>, Bad> {
        let in_unit =
            |(value, column): (f64, &Column)| if column.size == size { value } else { value * column.size / size };
        Ok(self.given(row, field)?.map(in_unit))
    }

    /// A height, to a tenth of a millimetre: feet and metres are both exact.
    pub fn height(&self, row: &Row<'_>, field: Field) -> Result<Option<Height>, Bad> {
        Ok(self.given(row, field)?.and_then(|(value, column)| match column.unit {
            "ft" => Height::from_feet_f64(value),
            _ => Height::from_metres(value * column.size),
        }))
    }

    /// The class of aircraft.
    pub fn class(&self, row: &Row<'_>) -> Result<AircraftClass, Bad> {
        let Some(text) = self.text(row, Class) else { return Ok(AircraftClass::Unknown) };
        AircraftClass::parse(&text.to_ascii_lowercase()).ok_or_else(|| {
            let short: String = text.chars().take(40).collect();
            self.bad(Class, format!("{short:?} is none of civil, military, uas, humanitarian, unknown"))
        })
    }

    /// Milliseconds since 1970, or since the file's own beginning; `None` without a time.
    pub fn time(&self, row: &Row<'_>) -> Result<Option<i64>, Bad> {
        if let Some(text) = self.text(row, Instant) {
            let short: String = text.chars().take(40).collect();
            let at = crate::clock::parse_rfc3339(text);
            return at.map(|at| Some(at.0)).map_err(|_| {
                self.bad(
                    Instant,
                    format!("{short:?} is no time such as 2026-08-01T05:00:00Z (seconds: name it time_s)"),
                )
            });
        }
        Ok(self.number(row, Time)?.map(|s| (s * 1000.0).round() as i64))
    }
}

/// What a column is, its unit and the unit's size; `None` for one that means nothing here. Below a header that has a row of
/// units the names have none.
fn meaning(file: &str, name: &str, plain: &str, below: Option<&str>) -> Result<Option<(Field, &'static str, f64)>> {
    let known = |base: &str| NAMES.iter().find(|(n, _)| *n == base).map(|(_, field)| *field);
    let apart = |name: &'_ str| name.rsplit_once('_').map(|(base, unit)| (base.to_owned(), unit.to_owned()));
    let (field, unit) = match (known(plain), apart(plain)) {
        (Some(field), _) => (field, below.unwrap_or_default().to_owned()),
        (None, Some((base, unit))) if below.is_none() && UNITS.iter().any(|(u, ..)| *u == unit) => match known(&base) {
            Some(field) => (field, unit),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    match (field.measure(), unit.as_str()) {
        (Measure::Word, "") => return Ok(Some((field, "", 1.0))),
        (Measure::Word, _) => return Ok(None),
        (Measure::Time, "") => return Ok(Some((Instant, "", 1.0))),
        _ => {}
    }
    ensure!(!unit.is_empty(), "{file}: column {name} has no unit: {}", forms(field));
    let found = UNITS.iter().find(|(u, measure, _)| *u == unit && *measure == field.measure());
    let Some((unit, _, size)) = found else {
        bail!("{file}: column {name}: {unit:?} is no unit of it: {}", forms(field))
    };
    Ok(Some((field, unit, *size)))
}

/// How a column may be written.
fn forms(field: Field) -> String {
    let base = NAMES.iter().find(|(_, f)| *f == field).map_or("", |(n, _)| n);
    let units = UNITS.iter().filter(|(unit, measure, _)| *measure == field.measure() && !unit.contains('/'));
    units.map(|(unit, ..)| format!("{base}_{unit}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn table(text: &str) -> Table {
        Table::read("x.csv", Box::new(Cursor::new(text.to_owned().into_bytes()))).unwrap()
    }

    #[test]
    fn a_unit_stands_in_the_name_or_below_it() {
        let read = |text: &str, field: Field| {
            let mut table = table(text);
            let columns = Columns::find(&table, "").unwrap().0;
            let row = table.next_row().unwrap().unwrap();
            columns.number(&row, field).unwrap().unwrap()
        };
        for (text, field, want) in [
            ("alt_ft\n1000\n", Alt, 304.8),
            ("ALT,lat\n[ft],[deg]\n1000,1\n", Alt, 304.8),
            ("geo_alt_m\n7.5\n", GeoAlt, 7.5),
            ("trk,gs\n[rad],[ftps]\n3.141592653589793,100\n", Trk, 180.0),
            ("trk,gs\n[rad],[ftps]\n1,100\n", Gs, 30.48),
            ("vs_fpm\n-600\n", Vs, -3.048),
            ("vx_kt,vy_kt\n3600,0\n", Ve, 1852.0),
            ("t_unix_s,alt_baro_ft\n1.5,10\n", Time, 1.5),
            ("t_unix_s,alt_baro_ft\n1.5,10\n", Alt, 3.048),
            ("time_ms\n-1500\n", Time, -1.5),
            ("lat_rad\n1.5707963267948966\n", Lat, 90.0),
        ] {
            assert!((read(text, field) - want).abs() < 1e-9, "{text}");
        }
        let mut table = table("id,alt_ft,gs_kt\n7,33137.53324170417,450\n");
        let columns = Columns::find(&table, "").unwrap().0;
        let row = table.next_row().unwrap().unwrap();
        assert_eq!(columns.height(&row, Alt).unwrap(), Height::from_feet_f64(33137.53324170417));
        assert_eq!((columns.knots(&row, Gs).unwrap(), columns.text(&row, Id)), (Some(450.0), Some("7")));
        assert_eq!((columns.number(&row, Lat).unwrap(), columns.has(Lat)), (None, false));
    }

    #[test]
    fn names_without_a_unit_or_twice_are_refused_and_others_are_told() {
        let find = |text: &str| Columns::find(&table(text), "").map(|(_, unused)| unused);
        let check = |text: &str, want: &str| {
            assert_eq!(format!("{:#}", find(text).unwrap_err()), want);
        };
        check("id,alt\n", "x.csv: column alt has no unit: alt_m, alt_km, alt_ft, alt_nm, alt_nmi");
        check("alt_kt\n", "x.csv: column alt_kt: \"kt\" is no unit of it: alt_m, alt_km, alt_ft, alt_nm, alt_nmi");
        check("alt_ft,alt_m\n", "x.csv: columns alt_ft and alt_m mean the same: take one away");
        check("id,name\n", "x.csv: columns id and name mean the same: take one away");
        check(
            "gs\n[furlong]\n",
            "x.csv: column gs: \"furlong\" is no unit of it: gs_mps, gs_kt, gs_kts, gs_kn, gs_knot, gs_knots, gs_kmh, gs_fps, gs_ftps, gs_fpm",
        );
        assert_eq!(find("id,heading_deg,track_id,squawk\n").unwrap(), ["heading_deg", "track_id", "squawk"]);
        assert_eq!(find("id,sz,sz_std\n[none],[ft],[ft]\n").unwrap(), ["sz_std"]);
    }

    #[test]
    fn numbers_that_are_none_or_out_of_range_are_refused_with_their_column() {
        let check = |name: &str, text: &str, field: Field, want: &str| {
            let mut table = table(&format!("{name},id\n{text},1\n"));
            let columns = Columns::find(&table, "").unwrap().0;
            let row = table.next_row().unwrap().unwrap();
            assert_eq!(columns.number(&row, field).unwrap_err().to_string(), want);
        };
        for bad in ["NaN", "inf", "-", "12ft", "0x10", "1.2.3"] {
            let want = format!("column lat_deg: {bad:?} is not a number (leave it empty if it is not known)");
            check("lat_deg", bad, Lat, &want);
        }
        check("lat_deg", "91", Lat, "column lat_deg: \"91\" is not between -90 and 90");
        check("lat_rad", "1.6", Lat, "column lat_rad: \"1.6\" is not between -1.570796 and 1.570796");
        check("lon_deg", "190", Lon, "column lon_deg: \"190\" is not between -180 and 180");
        check("gs_kt", "-1", Gs, "column gs_kt: \"-1\" is not between 0 and 5831.533477");
        check("alt_ft", "400000", Alt, "column alt_ft: \"400000\" is not between -6561.67979 and 328083.989501");
        check("time_s", "1e12", Time, "column time_s: \"1e12\" is not between -62135596800 and 253402300799");
        let mut table = table("class,time\ncargo,noon\n");
        let columns = Columns::find(&table, "").unwrap().0;
        let row = table.next_row().unwrap().unwrap();
        let want = "column class: \"cargo\" is none of civil, military, uas, humanitarian, unknown";
        assert_eq!(columns.class(&row).unwrap_err().to_string(), want);
        let want = "column time: \"noon\" is no time such as 2026-08-01T05:00:00Z (seconds: name it time_s)";
        assert_eq!(columns.time(&row).unwrap_err().to_string(), want);
    }
}
