//! GARS: areas of 30', quarters of 15' and, in these, ninths of 5'.
use crate::{Fault, Notation, Place, reach_mm, vertex};
use alloc::format;
use alloc::string::String;
use units::Vertex;

/// The letters of the bands of latitude: 15 times 24 bands from the south pole.
const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Degrees × 1e-9 of the three sizes.
const HALF: i64 = 500_000_000;
const QUARTER: i64 = HALF / 2;

/// Three digits and two letters, then digits alone.
pub(crate) fn looks_like(text: &str) -> bool {
    let mut bytes = text.bytes().filter(|b| !b.is_ascii_whitespace());
    let mut all = |n: usize, is: fn(&u8) -> bool| (0..n).all(|_| bytes.next().is_some_and(|b| is(&b)));
    all(3, u8::is_ascii_digit) && all(2, u8::is_ascii_uppercase) && bytes.all(|b| b.is_ascii_digit())
}

pub(crate) fn parse(text: &str) -> Result<Place, Fault> {
    let fault = |what: String| (Notation::Gars, what);
    let cell: alloc::vec::Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let digit = |n: usize| i64::from(cell[n] - b'0');
    let band = digit(0) * 100 + digit(1) * 10 + digit(2);
    if !(1..=720).contains(&band) {
        return Err(fault(format!("the band of longitude {band:03} is not from 001 to 720")));
    }
    let letter = |n: usize| LETTERS.iter().position(|l| *l == cell[n]).map(|at| at as i64);
    let (Some(high), Some(low)) = (letter(3), letter(4)) else {
        return Err(fault("the letters I and O are not used: a 1 or a 0 may be meant, which this cannot tell".into()));
    };
    if high > 14 {
        return Err(fault(format!("the first letter {} is not from A to Q", char::from(cell[3]))));
    }
    let (mut west, mut south, mut size) = ((band - 1) * HALF, (high * 24 + low) * HALF, HALF);
    if let Some(quarter) = cell.get(5).map(|_| digit(5)) {
        if !(1..=4).contains(&quarter) {
            return Err(fault(format!("the quarter {quarter} is not from 1 to 4")));
        }
        // 1 and 2 are the northern ones, from the west.
        size = QUARTER;
        west += (quarter - 1) % 2 * size;
        south += (1 - (quarter - 1) / 2) * size;
    }
    if let Some(key) = cell.get(6).map(|_| digit(6)) {
        if !(1..=9).contains(&key) {
            return Err(fault(format!("the key {key} is not from 1 to 9")));
        }
        // As on a telephone: 1 is in the north west. A third of 15' is not a whole number of nanodegrees; half of one is lost.
        size = QUARTER / 3;
        west += (key - 1) % 3 * QUARTER / 3;
        south += (2 - (key - 1) / 3) * QUARTER / 3;
    }
    if cell.len() > 7 {
        return Err(fault(format!("{} digits follow the letters, at most a quarter and a key do", cell.len() - 5)));
    }
    let degrees = |e9: i64| e9 as f64 / 1e9;
    let (w, s, n, e) = (degrees(west), degrees(south), degrees(south + size + 1), degrees(west + size + 1));
    let at = vertex(Notation::Gars, degrees(south + size / 2) - 90.0, degrees(west + size / 2) - 180.0)?;
    let corners = [(s, w), (s, e), (n, w), (n, e)].map(|(lat, lon)| ((lat - 90.0).min(90.0), lon - 180.0));
    Ok(Place { notation: Notation::Gars, at, radius_mm: reach_mm(at, &corners) })
}

/// The area of 5' that a point lies in. A border belongs to the area north and east of it; the pole to the one below.
pub(crate) fn show(at: Vertex) -> String {
    let lat = (at.lat_e9 + 90_000_000_000).min(180_000_000_000 - 1);
    let lon = (at.lon_e9 + 180_000_000_000).rem_euclid(360_000_000_000);
    let (band, row) = (lon / HALF, lat / HALF);
    let (x, y) = (lon % HALF, lat % HALF);
    let quarter = 1 + x / QUARTER + (1 - y / QUARTER) * 2;
    let (x, y) = (x % QUARTER * 3 / QUARTER, y % QUARTER * 3 / QUARTER);
    let letter = |n: i64| char::from(LETTERS[n as usize]);
    format!("{:03}{}{}{quarter}{}", band + 1, letter(row / 24), letter(row % 24), 1 + x + (2 - y) * 3)
}
