//! Coordinates as people write them, in five notations: read, and written back.
//!
//! In scope: decimal degrees; degrees, minutes and seconds; the compact form of ICAO flight plans and NOTAM; MGRS with its polar
//! zones; GARS. Out of scope: what is asked of a place (`detect`, `node`), other earth models and grids (a national grid is
//! refused as unknown, never tried as one of these).
//!
//! Invariants: a text has one reading or none, and an error names what is wrong with it; latitude comes first wherever no
//! letter says which is which, and so it must; a square or an area is its centre and the distance from there to its farthest
//! corner, so that whoever asks for everything within that distance misses nothing of it; what is written reads back as the
//! same place, to the digits written. WGS-84 throughout.
//!
//! Standards: ICAO Doc 4444 item 15 and Annex 15 (compact), NGA.STND.0037 (MGRS, UTM, UPS), NGA GARS.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod degrees;
mod gars;
mod mgrs;
mod project;

use alloc::string::{String, ToString};
use core::fmt;
use units::Vertex;

/// Longest text that is looked at, bytes. The longest sensible one, degrees to a nanodegree with both marks, has some 50.
pub const TEXT_MAX: usize = 80;

/// A way to write coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Notation {
    /// Degrees with decimals: `47.1083N 8.2042E`, `47.1083, 8.2042` (latitude first).
    Decimal,
    /// Degrees, minutes and seconds, or degrees and minutes with decimals: `47°06'30"N 008°12'15"E`, `47 06.5N 008 12.25E`.
    Dms,
    /// As in item 15 of a flight plan and in NOTAM: `47N008E`, `4706N00812E`, `470630N0081215E`.
    Icao,
    /// Military grid: `32TMT 39618 17510`; two letters and 0 to 5 digits for each axis; polar zones A, B, Y, Z.
    Mgrs,
    /// Global area reference system: `377ML`, `377ML3`, `377ML36`: an area of 30', 15' or 5'.
    Gars,
}

impl Notation {
    /// Every notation.
    pub const ALL: [Self; 5] = [Self::Decimal, Self::Dms, Self::Icao, Self::Mgrs, Self::Gars];

    /// The word used in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decimal => "decimal",
            Self::Dms => "dms",
            Self::Icao => "icao",
            Self::Mgrs => "mgrs",
            Self::Gars => "gars",
        }
    }
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Decimal => "decimal degrees",
            Self::Dms => "degrees and minutes",
            Self::Icao => "the compact form",
            Self::Mgrs => "MGRS",
            Self::Gars => "GARS",
        })
    }
}

/// Coordinates that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// How they were written.
    pub notation: Notation,
    /// The point, or the centre of the square or area.
    pub at: Vertex,
    /// Distance from the centre to the farthest corner of the square or area, millimetres, rounded up. 0 for a point: digits that
    /// are not given are zeros, as a flight plan means them.
    pub radius_mm: i64,
}

/// Why a text is no coordinates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotationError {
    /// Nothing is there.
    #[error("there are no coordinates in it")]
    Empty,
    /// Too much is there.
    #[error("{got} bytes are more than coordinates have (at most {TEXT_MAX})")]
    TooLong {
        /// Length given.
        got: usize,
    },
    /// It looks like none of the five.
    #[error(
        "{text:?} is in no notation read here: 47.1083N 8.2042E, 47.1083,8.2042 (latitude first), 47°06'30\"N 008°12'15\"E, \
         470630N0081215E, MGRS 32TMT3961817510 or GARS 377ML36"
    )]
    Unknown {
        /// What was given.
        text: String,
    },
    /// It looks like one of them and has a fault.
    #[error("{text:?} is not {notation}: {what}")]
    Wrong {
        /// What it looks like.
        notation: Notation,
        /// What was given.
        text: String,
        /// What is wrong with it.
        what: String,
    },
}

/// What is wrong, and with which notation.
type Fault = (Notation, String);

/// Reads coordinates in whichever of the five notations they are.
///
/// # Errors
/// What is wrong with them; a text that could be read in two ways is refused.
pub fn parse(text: &str) -> Result<Place, NotationError> {
    if text.len() > TEXT_MAX {
        return Err(NotationError::TooLong { got: text.len() });
    }
    let upper = text.trim().to_uppercase();
    if upper.is_empty() {
        return Err(NotationError::Empty);
    }
    // Some write the name of a grid before its letters, and so do the examples here.
    let named =
        |name: &str, is: fn(&str) -> bool| upper.strip_prefix(name).map(str::trim_start).filter(|text| is(text));
    let named = named("MGRS ", mgrs::looks_like).or_else(|| named("GARS ", gars::looks_like));
    let upper = named.unwrap_or(&upper);
    // By their first characters no two look alike: three digits and two letters; up to two digits and three letters, of which
    // the polar zones have no digits; degrees have no two letters together.
    let read = if gars::looks_like(upper) {
        gars::parse(upper)
    } else if mgrs::looks_like(upper) {
        mgrs::parse(upper)
    } else if degrees::looks_like(upper) {
        degrees::parse(upper)
    } else {
        return Err(NotationError::Unknown { text: text.into() });
    };
    read.map_err(|(notation, what)| NotationError::Wrong { notation, text: text.into(), what })
}

/// Writes a point in a notation: degrees to 0.1 m, seconds to 0.3 m, the compact form to 31 m, MGRS to the metre, GARS to the
/// area of 5' that holds it. A square or area is the one that the point lies in.
#[must_use]
pub fn show(at: Vertex, notation: Notation) -> String {
    match notation {
        Notation::Decimal => degrees::decimal(at),
        Notation::Dms => degrees::dms(at),
        Notation::Icao => degrees::icao(at),
        Notation::Mgrs => mgrs::show(at, 5),
        Notation::Gars => gars::show(at),
    }
}

/// The square of MGRS that a point lies in, with 0 to 5 digits for each axis (100 km to 1 m).
#[must_use]
pub fn mgrs(at: Vertex, digits: usize) -> String {
    mgrs::show(at, digits.min(5))
}

/// Distance on the ground from a centre to the farthest of some places, millimetres, rounded up.
fn reach_mm(centre: Vertex, corners: &[(f64, f64)]) -> i64 {
    let farthest = corners
        .iter()
        .map(|c| units::earth::distance(centre.lat(), centre.lon(), c.0, c.1))
        .fold(0.0, |a: f64, b| if b > a { b } else { a });
    libm::ceil(farthest * 1000.0) as i64
}

/// A point, from degrees that have been checked to be on earth.
fn vertex(notation: Notation, lat: f64, lon: f64) -> Result<Vertex, Fault> {
    Vertex::from_degrees(lat, units::earth::wrap_degrees(lon)).map_err(|e| (notation, e.to_string()))
}
