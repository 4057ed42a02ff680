//! MGRS: a zone, a square of 100 km in it, and digits. Its polar zones too.
//!
//! What is read is a square of the size of its digits, not its south-west corner: a point truncated to it may be anywhere inside.
use crate::project::{Plane, ups, ups_inverse, utm, utm_inverse};
use crate::{Fault, Notation, Place, reach_mm, vertex};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use units::{Vertex, earth};

/// Bands of 8° from 80°S; the last has 12°.
const BANDS: &[u8; 20] = b"CDEFGHJKLMNPQRSTUVWX";
/// Columns of a zone, in three sets by turns.
const COLUMNS: [&[u8; 8]; 3] = [b"ABCDEFGH", b"JKLMNPQR", b"STUVWXYZ"];
/// Rows, which repeat each 2,000 km; in even zones they begin five letters later.
const ROWS: &[u8; 20] = b"ABCDEFGHJKLMNPQRSTUV";
/// Columns and rows of the polar zones A, B (south), Y, Z (north).
const POLAR_COLUMNS: [&[u8]; 4] = [b"JKLPQRSTUXYZ", b"ABCFGHJKLPQR", b"RSTUXYZ", b"ABCFGHJ"];
const POLAR_ROWS: [&[u8]; 2] = [b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"ABCDEFGHJKLMNP"];
/// First column and row of a polar zone, in squares from the false origin 2,000 km before the pole.
const POLAR_FIRST: [i64; 2] = [8, 13];
const POLE: i64 = 20;

const SQUARE_M: f64 = 100_000.0;
/// The false easting of UTM, metres.
const EASTING_M: f64 = 500_000.0;

/// Up to two digits and three letters, or three letters of a polar zone; then digits alone.
pub(crate) fn looks_like(text: &str) -> bool {
    let packed: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let digits = packed.iter().take_while(|b| b.is_ascii_digit()).count();
    let letters = packed[digits..].iter().take_while(|b| b.is_ascii_uppercase()).count();
    let polar = digits == 0 && packed.first().is_some_and(|b| b"ABYZ".contains(b));
    letters == 3 && (polar || (1..=2).contains(&digits)) && packed[digits + letters..].iter().all(u8::is_ascii_digit)
}

pub(crate) fn parse(text: &str) -> Result<Place, Fault> {
    let packed: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let zone_digits = packed.iter().take_while(|b| b.is_ascii_digit()).count();
    let letters = &packed[zone_digits..zone_digits + 3];
    if let Some(letter) = letters.iter().find(|l| b"IO".contains(l)) {
        return Err(fault(format!(
            "the letter {} is not used: a digit or another letter is meant",
            char::from(*letter)
        )));
    }
    let (x, y, size) = digits(text, &packed[zone_digits + 3..])?;
    let zone = packed[..zone_digits].iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    let square = if zone_digits == 0 { polar(letters)? } else { Square::of(zone, letters)? };
    square.place(x, y, size)
}

fn fault(what: String) -> Fault {
    (Notation::Mgrs, what)
}

/// Metres east and north within the square of 100 km, and the size of what is named, metres.
fn digits(text: &str, digits: &[u8]) -> Result<(f64, f64, f64), Fault> {
    let n = digits.len();
    if n > 10 {
        return Err(fault(format!("{n} digits follow the letters, at most 10 (a metre) do")));
    }
    if !n.is_multiple_of(2) {
        return Err(fault(format!("{n} digits follow the letters: easting and northing have as many digits each")));
    }
    // Where blanks part the digits, they part them in the middle, or a digit was lost on one side and won on the other.
    let groups: Vec<usize> = text
        .split_ascii_whitespace()
        .map(|group| group.bytes().rev().take_while(u8::is_ascii_digit).count())
        .filter(|n| *n > 0)
        .collect();
    let behind: Vec<usize> = groups
        .iter()
        .rev()
        .scan(0, |sum, g| {
            *sum += g;
            Some((*g, *sum))
        })
        .take_while(|(_, sum)| *sum <= n)
        .map(|(g, _)| g)
        .collect();
    if behind.len() > 2 || behind.len() == 2 && behind[0] != behind[1] {
        return Err(fault("blanks part the digits elsewhere than between easting and northing".into()));
    }
    let unit = [100_000.0, 10_000.0, 1_000.0, 100.0, 10.0, 1.0][n / 2];
    let number = |part: &[u8]| part.iter().fold(0.0, |sum, b| sum * 10.0 + f64::from(b - b'0')) * unit;
    Ok((number(&digits[..n / 2]), number(&digits[n / 2..]), unit))
}

/// A square of 100 km on a projection.
enum Square {
    /// South-west corner, metres from the pole.
    Polar { north: bool, east: bool, corner: Plane },
    /// South-west corner, metres from the central meridian and, modulo 2,000 km, from the equator.
    Zone { zone: i64, band: usize, corner: Plane },
}

fn polar(letters: &[u8]) -> Result<Square, Fault> {
    let zone = b"ABYZ".iter().position(|z| *z == letters[0]).unwrap_or_default();
    let (north, east) = (zone >= 2, zone % 2 == 1);
    let first = POLAR_FIRST[usize::from(north)];
    let not = |what: &str, at: usize| {
        fault(format!(
            "the {what} {} does not occur in the polar zone {}",
            char::from(letters[at]),
            char::from(letters[0])
        ))
    };
    let column = POLAR_COLUMNS[zone].iter().position(|c| *c == letters[1]).ok_or_else(|| not("column", 1))?;
    let row = POLAR_ROWS[usize::from(north)].iter().position(|r| *r == letters[2]).ok_or_else(|| not("row", 2))?;
    let column = column as i64 + if east { 0 } else { first - POLE };
    let corner = (column as f64 * SQUARE_M, (row as i64 + first - POLE) as f64 * SQUARE_M);
    Ok(Square::Polar { north, east, corner })
}

impl Square {
    fn of(zone: i64, letters: &[u8]) -> Result<Self, Fault> {
        if !(1..=60).contains(&zone) {
            return Err(fault(format!("the zone {zone} is not from 1 to 60")));
        }
        let band = BANDS.iter().position(|b| *b == letters[0]);
        let band = band.ok_or_else(|| {
            fault(format!(
                "{} is no band of latitude (C to X; A, B, Y and Z are polar and have no zone)",
                char::from(letters[0])
            ))
        })?;
        if meridians(zone, band).is_none() {
            return Err(fault(format!("there is no zone {zone}X: around Svalbard 31, 33, 35 and 37 are wider")));
        }
        let column = COLUMNS[((zone - 1) % 3) as usize].iter().position(|c| *c == letters[1]);
        let column = column
            .ok_or_else(|| fault(format!("the column {} does not occur in zone {zone}", char::from(letters[1]))))?;
        let row = ROWS.iter().position(|r| *r == letters[2]);
        let row = row.ok_or_else(|| fault(format!("{} is no row (A to V)", char::from(letters[2]))))?;
        let row = (row + if zone % 2 == 0 { 15 } else { 0 }) % 20;
        let corner = ((column + 1) as f64 * SQUARE_M - EASTING_M, row as f64 * SQUARE_M);
        Ok(Self::Zone { zone, band, corner })
    }

    fn place(&self, x: f64, y: f64, size: f64) -> Result<Place, Fault> {
        let notation = Notation::Mgrs;
        match self {
            Self::Polar { north, east, corner } => {
                let at = |dx: f64, dy: f64| ups_inverse((corner.0 + x + dx * size, corner.1 + y + dy * size), *north);
                let corners = [at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0), at(1.0, 1.0)];
                let (lat, lon) = at(0.5, 0.5);
                // The zones end at 84°N and 80°S; a square may reach over.
                let inside = |p: &(f64, f64)| if *north { p.0 >= 84.0 - 1e-9 } else { p.0 <= -80.0 + 1e-9 };
                if !corners.iter().any(inside) && !inside(&(lat, lon)) {
                    let zone = if *north { "84°N" } else { "80°S" };
                    return Err(fault(format!("that square lies beyond {zone}, where the polar zones end")));
                }
                debug_assert!(*east == (corner.0 >= 0.0));
                let at = vertex(notation, lat, lon)?;
                Ok(Place { notation, at, radius_mm: reach_mm(at, &corners) })
            }
            Self::Zone { zone, band, corner } => {
                let meridian = 6.0 * *zone as f64 - 183.0;
                let (south, north) =
                    (-80.0 + 8.0 * *band as f64, if *band == 19 { 84.0 } else { -72.0 + 8.0 * *band as f64 });
                let (west, east) = meridians(*zone, *band).unwrap_or((-180.0, 180.0));
                // The sides of a square bend against meridians and parallels, by 200 m and more of 100 km.
                let slack = 1e-7 + 0.01 * (size / SQUARE_M) * (size / SQUARE_M);
                // The row repeats each 2,000 km, more than a band and a square together: one of them is in the band, or none.
                for turn in -5..5 {
                    let base = (corner.0 + x, corner.1 + y + f64::from(turn) * 20.0 * SQUARE_M);
                    let at = |dx: f64, dy: f64| utm_inverse((base.0 + dx * size, base.1 + dy * size), meridian);
                    let corners = [at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0), at(1.0, 1.0)];
                    let most = |of: fn(&(f64, f64)) -> f64, sign: f64| {
                        corners.iter().map(|c| sign * of(c)).fold(f64::NEG_INFINITY, f64::max) * sign
                    };
                    if most(|c| c.0, 1.0) < south - slack || most(|c| c.0, -1.0) > north + slack {
                        continue;
                    }
                    // Measured from the middle of the zone, so that the antimeridian is nothing special.
                    let off = |lon: f64| earth::wrap_degrees(lon - meridian);
                    let (least, greatest) = corners
                        .iter()
                        .map(|c| off(c.1))
                        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), l| (a.min(l), b.max(l)));
                    if greatest < off(west) - slack || least > off(east) + slack {
                        let (lat, lon) = at(0.5, 0.5);
                        let really = zone_of(lat, lon);
                        return Err(fault(format!(
                            "that square lies in zone {really}, not in {zone}: is the zone or a letter wrong?"
                        )));
                    }
                    let (lat, lon) = at(0.5, 0.5);
                    let at = vertex(notation, lat, lon)?;
                    return Ok(Place { notation, at, radius_mm: reach_mm(at, &corners) });
                }
                let letter = char::from(BANDS[*band]);
                Err(fault(format!("the row does not occur in the band {letter} of latitude: is a letter wrong?")))
            }
        }
    }
}

/// From where to where a zone reaches in a band, degrees; none where it does not exist (32X, 34X, 36X).
fn meridians(zone: i64, band: usize) -> Option<(f64, f64)> {
    let (west, east) = (6.0 * zone as f64 - 186.0, 6.0 * zone as f64 - 180.0);
    match (zone, BANDS[band]) {
        (31, b'V') => Some((0.0, 3.0)),
        (32, b'V') => Some((3.0, 12.0)),
        (31, b'X') => Some((0.0, 9.0)),
        (33, b'X') => Some((9.0, 21.0)),
        (35, b'X') => Some((21.0, 33.0)),
        (37, b'X') => Some((33.0, 42.0)),
        (32 | 34 | 36, b'X') => None,
        _ => Some((west, east)),
    }
}

fn band_of(lat: f64) -> usize {
    (libm::floor((lat + 80.0) / 8.0).max(0.0) as usize).min(19)
}

/// The zone of UTM that a place between 80°S and 84°N is in.
fn zone_of(lat: f64, lon: f64) -> i64 {
    let band = band_of(lat);
    let plain = (libm::floor((lon + 180.0) / 6.0) as i64).rem_euclid(60) + 1;
    let near = [plain, plain - 1, plain + 1];
    let holds = |zone: &&i64| meridians(**zone, band).is_some_and(|(west, east)| west <= lon && lon < east);
    near.iter().find(holds).copied().unwrap_or(plain)
}

/// The square that a point lies in, with 0 to 5 digits for each axis.
pub(crate) fn show(at: Vertex, digits: usize) -> String {
    let (lat, lon) = (at.lat(), at.lon());
    // Truncated after a nanometre is added, so that a corner that was read is not lost to rounding.
    let cut = |metres: f64| libm::floor(metres + 1e-6) as i64;
    let (name, x, y) = if (-80.0..84.0).contains(&lat) {
        let (zone, band) = (zone_of(lat, lon), band_of(lat));
        let (x, y) = utm(lat, lon, 6.0 * zone as f64 - 183.0);
        let (x, y) = (cut(x + EASTING_M), cut(y));
        let column = COLUMNS[((zone - 1) % 3) as usize][(x / 100_000 - 1).clamp(0, 7) as usize];
        let row = (y.div_euclid(100_000) + if zone % 2 == 0 { 5 } else { 0 }).rem_euclid(20);
        let letters = [BANDS[band], column, ROWS[row as usize]].map(char::from);
        (format!("{zone}{}{}{}", letters[0], letters[1], letters[2]), x, y)
    } else {
        let north = lat > 0.0;
        let (x, y) = ups(lat, lon);
        let (x, y) = (cut(x + POLE as f64 * SQUARE_M), cut(y + POLE as f64 * SQUARE_M));
        let (column, row, first) = (x / 100_000, y / 100_000, POLAR_FIRST[usize::from(north)]);
        let zone = 2 * usize::from(north) + usize::from(column >= POLE);
        let column = column - if column >= POLE { POLE } else { first };
        let letter = |of: &[u8], n: i64| char::from(of[(n.max(0) as usize).min(of.len() - 1)]);
        let (column, row) = (letter(POLAR_COLUMNS[zone], column), letter(POLAR_ROWS[usize::from(north)], row - first));
        (format!("{}{column}{row}", char::from(b"ABYZ"[zone])), x, y)
    };
    let unit = 10i64.pow(5 - digits as u32);
    let part = |metres: i64| metres.rem_euclid(100_000) / unit;
    if digits == 0 { name } else { format!("{name} {:0digits$} {:0digits$}", part(x), part(y)) }
}
