//! Degrees: with decimals, with minutes and seconds, and run together as ICAO writes them.
use crate::{Fault, Notation, Place, vertex};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use units::Vertex;

/// Marks of degrees, minutes and seconds, as typed and as printed.
const DEGREE: [char; 2] = ['°', 'º'];
const MINUTE: [char; 3] = ['\'', '′', '’'];
const SECOND: [char; 3] = ['"', '″', '”'];

/// Digits, the four letters, signs and marks, and at least one digit.
pub(crate) fn looks_like(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_digit() || c.is_whitespace() || "NSEW.,;/:+-−".contains(c) || mark_of(c).is_some();
    text.chars().all(fits) && text.chars().any(|c| c.is_ascii_digit())
}

fn mark_of(c: char) -> Option<usize> {
    [&DEGREE[..], &MINUTE, &SECOND].iter().position(|marks| marks.contains(&c))
}

pub(crate) fn parse(text: &str) -> Result<Place, Fault> {
    if text.contains(['N', 'S', 'E', 'W']) { lettered(text) } else { signed(text) }
}

/// `47.1083, 8.2042`: latitude first.
fn signed(text: &str) -> Result<Place, Fault> {
    let fault = |what: &str| (Notation::Decimal, what.to_string());
    if text.chars().any(|c| mark_of(c).is_some() || c == ':') {
        return Err((Notation::Dms, "N or S and E or W are missing".into()));
    }
    let commas = text.matches(',').count();
    if commas > 1 || commas == 1 && text.split(',').any(|part| part.split_whitespace().count() > 1) {
        return Err(fault("a comma parts latitude and longitude; decimals have a point"));
    }
    let parts: Vec<&str> = text.split([',', ';', '/', ' ', '\t']).filter(|p| !p.is_empty()).collect();
    let [lat, lon] = parts.as_slice() else {
        return Err(match parts.len() {
            1 => fault("there is one number: a latitude and a longitude are two"),
            n => {
                fault(&format!("there are {n} numbers: with minutes, N or S and E or W say where the longitude begins"))
            }
        });
    };
    // `47,1083`: two whole numbers around a comma are more likely one with a decimal comma, whose other half is missing.
    if commas == 1 && !text.contains(char::is_whitespace) && !lat.contains('.') && !lon.contains('.') && lon.len() > 3 {
        return Err(fault("it may be one number with a decimal comma: write latitude and longitude with points"));
    }
    let (lat, lon) = (number(lat, Notation::Decimal)?, number(lon, Notation::Decimal)?);
    place(Notation::Decimal, lat, lon)
}

/// With N or S and E or W, before or behind the numbers.
fn lettered(text: &str) -> Result<Place, Fault> {
    let fault = |what: String| (Notation::Dms, what);
    let at = |letters: [char; 2], what: &str, of: &str| {
        let found: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| letters.contains(c)).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(fault(format!("the {what} has no {of}"))),
            _ => Err(fault(format!("there is more than one {of}"))),
        }
    };
    let (lat_at, lat_letter) = at(['N', 'S'], "latitude", "N or S")?;
    let (lon_at, lon_letter) = at(['E', 'W'], "longitude", "E or W")?;
    if lon_at < lat_at {
        return Err(fault("the longitude stands first: write the latitude first".into()));
    }
    let trim = |part: &str| part.trim_matches(|c: char| c.is_whitespace() || ",;/".contains(c)).to_string();
    let (lat, lon, rest) = if text[..lat_at].trim().is_empty() {
        (&text[lat_at + 1..lon_at], &text[lon_at + 1..], "")
    } else {
        (&text[..lat_at], &text[lat_at + 1..lon_at], &text[lon_at + 1..])
    };
    if rest.len() == 3 && rest.bytes().all(|b| b.is_ascii_digit()) {
        return Err((
            Notation::Icao,
            format!("the {rest} behind it is the radius of a NOTAM's line Q, in NM: leave it out"),
        ));
    }
    if !rest.trim().is_empty() {
        return Err(fault(format!("{:?} stands behind it", rest.trim())));
    }
    let (lat, lon) = (angle(&trim(lat), "latitude", 2)?, angle(&trim(lon), "longitude", 3)?);
    let notation = match (lat.form, lon.form) {
        (Form::Run, Form::Run) => Notation::Icao,
        (Form::Decimal, Form::Decimal) => Notation::Decimal,
        _ => Notation::Dms,
    };
    let sign = |letter: char, value: f64| if "SW".contains(letter) { -value } else { value };
    place(notation, sign(lat_letter, lat.degrees), sign(lon_letter, lon.degrees))
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Degrees alone, with decimals.
    Decimal,
    /// Whole digits run together, as many as ICAO prescribes.
    Run,
    /// Anything else.
    Parts,
}

struct Angle {
    degrees: f64,
    form: Form,
}

/// Degrees, minutes and seconds, apart (`47 06 30`, `47°06'30"`, `47:06:30`) or run together (`470630`).
fn angle(text: &str, what: &str, degree_digits: usize) -> Result<Angle, Fault> {
    let fault = |why: String| (Notation::Dms, format!("the {what} {text:?} {why}"));
    if text.contains(['+', '-', '−']) {
        return Err(fault("has a sign and a letter: one of them".into()));
    }
    if text.contains(',') {
        return Err(fault("has a comma: decimals have a point".into()));
    }
    let parts = parts(text).map_err(|why| fault(why.into()))?;
    let [degrees, minutes, seconds] = match parts.as_slice() {
        [] => return Err(fault("has no digits".into())),
        [(0, run)] => {
            let whole = run.find('.').unwrap_or(run.len());
            let form = if whole < run.len() { Form::Parts } else { Form::Run };
            let (degrees, rest) = run.split_at(degree_digits.min(whole));
            match whole.checked_sub(degree_digits) {
                Some(2) => return sum([degrees, rest, ""], form).map_err(fault),
                Some(4) => return sum([degrees, &rest[..2], &rest[2..]], form).map_err(fault),
                Some(1 | 3 | 5..) => {
                    let (d, m, s) = (degree_digits, degree_digits + 2, degree_digits + 4);
                    return Err(fault(format!(
                        "has {whole} digits run together: {d} are degrees, {m} degrees and minutes, {s} seconds too"
                    )));
                }
                _ => {
                    let form = match form {
                        Form::Parts => Form::Decimal,
                        _ if whole == degree_digits && text == *run => Form::Run,
                        _ => Form::Parts,
                    };
                    return sum([run, "", ""], form).map_err(fault);
                }
            }
        }
        parts => {
            let of = |unit: usize| parts.iter().find(|(u, _)| *u == unit).map_or("", |(_, digits)| digits);
            [of(0), of(1), of(2)]
        }
    };
    sum([degrees, minutes, seconds], Form::Parts).map_err(fault)
}

/// The numbers of an angle with their units (0 degrees, 1 minutes, 2 seconds). A number without a mark is of the unit after
/// the last; a mark says which, and none may come back to an earlier one.
fn parts(text: &str) -> Result<Vec<(usize, &str)>, &'static str> {
    let (mut found, mut next) = (Vec::new(), 0);
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        if end == 0 {
            return Err("has a mark without a number");
        }
        let (digits, behind) = rest.split_at(end);
        let behind = behind.trim_start();
        let mut chars = behind.chars();
        let mark = chars.next();
        let mut unit = next;
        rest = behind;
        if let Some(marked) = mark.and_then(mark_of) {
            rest = chars.as_str();
            unit = marked;
            // Two marks of minutes are one of seconds.
            if marked == 1 && rest.starts_with(MINUTE) {
                unit = 2;
                rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
            }
        } else if mark == Some(':') {
            rest = chars.as_str();
            if rest.trim().is_empty() {
                return Err("ends with a colon");
            }
        }
        if unit < next {
            return Err("has its marks in a wrong order");
        }
        if unit > 2 {
            return Err("has more than degrees, minutes and seconds");
        }
        found.push((unit, digits));
        next = unit + 1;
        rest = rest.trim_start();
    }
    Ok(found)
}

fn sum(parts: [&str; 3], form: Form) -> Result<Angle, String> {
    let last = parts.iter().rposition(|p| !p.is_empty()).unwrap_or(0);
    let mut degrees = 0.0;
    for (n, part) in parts.iter().enumerate().filter(|(_, part)| !part.is_empty()) {
        if n < last && part.contains('.') {
            return Err("has decimals before its last part".into());
        }
        let value = number(part, Notation::Dms).map_err(|(_, what)| format!("has a part that is none: {what}"))?;
        if n > 0 && value >= 60.0 {
            return Err(format!("has {part} {}: 59 are the most", ["", "minutes", "seconds"][n]));
        }
        degrees += value / [1.0, 60.0, 3600.0][n];
    }
    if parts[0].is_empty() {
        return Err("has no degrees".into());
    }
    Ok(Angle { degrees, form })
}

/// A number of digits, with or without a sign and a point: no exponent, no name of a number.
fn number(text: &str, notation: Notation) -> Result<f64, Fault> {
    let body = text.replace('−', "-");
    let digits = body.strip_prefix(['+', '-']).unwrap_or(&body);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let read = if all(whole) && all(decimals) { body.parse().ok() } else { None };
    read.ok_or_else(|| (notation, format!("{text:?} is no number")))
}

fn place(notation: Notation, lat: f64, lon: f64) -> Result<Place, Fault> {
    if libm::fabs(lat) > 90.0 {
        let swapped = if libm::fabs(lat) <= 180.0 && libm::fabs(lon) <= 90.0 { ": is it the longitude?" } else { "" };
        return Err((notation, format!("the latitude {lat} is beyond 90{swapped}")));
    }
    if libm::fabs(lon) > 180.0 {
        return Err((notation, format!("the longitude {lon} is beyond 180")));
    }
    Ok(Place { notation, at: vertex(notation, lat, lon)?, radius_mm: 0 })
}

/// One coordinate as a count of a fraction of a degree, rounded to the nearest, and its letter.
fn counted(e9: i64, per_degree: i64, letters: [char; 2]) -> (i64, char) {
    let count = (i128::from(e9.unsigned_abs()) * i128::from(per_degree) + 500_000_000) / 1_000_000_000;
    (count as i64, letters[usize::from(e9 < 0)])
}

pub(crate) fn decimal(at: Vertex) -> String {
    let one = |e9, letters| {
        let (n, letter) = counted(e9, 1_000_000, letters);
        format!("{}.{:06}{letter}", n / 1_000_000, n % 1_000_000)
    };
    format!("{} {}", one(at.lat_e9, ['N', 'S']), one(at.lon_e9, ['E', 'W']))
}

pub(crate) fn dms(at: Vertex) -> String {
    let one = |e9, letters, digits: usize| {
        let (n, letter) = counted(e9, 360_000, letters);
        let (degrees, minutes, seconds) = (n / 360_000, n / 6_000 % 60, n % 6_000);
        format!("{degrees:0digits$}°{minutes:02}'{:02}.{:02}\"{letter}", seconds / 100, seconds % 100)
    };
    format!("{} {}", one(at.lat_e9, ['N', 'S'], 2), one(at.lon_e9, ['E', 'W'], 3))
}

pub(crate) fn icao(at: Vertex) -> String {
    let one = |e9, letters, digits: usize| {
        let (n, letter) = counted(e9, 3_600, letters);
        format!("{:0digits$}{:02}{:02}{letter}", n / 3_600, n / 60 % 60, n % 60)
    };
    format!("{}{}", one(at.lat_e9, ['N', 'S'], 2), one(at.lon_e9, ['E', 'W'], 3))
}
