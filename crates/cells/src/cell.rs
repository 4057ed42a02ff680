//! The id of a cell, and the grid of a face.
use crate::sphere::{face, on_face, point};

/// Level of all cells here, about 1.2 km wide: the one that the DSS of F3548 compare by.
const LEVEL: u32 = 13;

/// Cells along a side of a face.
pub const SIDE: u32 = 1 << LEVEL;

/// Below the face and two bits for each level comes a one, then zeros down to level 30.
const MARK: u64 = 1 << (61 - 2 * LEVEL - 1);

/// The Hilbert curve. In each of its four turns (bit 0: axes swapped, bit 1: both reversed) the place of a quarter on the curve, by
/// twice its column and its row; and how the turn changes within the quarter at that place.
const ALONG: [[u8; 4]; 4] = [[0, 1, 3, 2], [0, 3, 1, 2], [2, 3, 1, 0], [2, 1, 3, 0]];
const TURN: [u8; 4] = [1, 0, 0, 3];

/// A cell of level 13, as the 64-bit id of the S2 library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(u64);

impl Cell {
    /// The id.
    #[must_use]
    pub const fn id(self) -> u64 {
        self.0
    }

    /// The cell of an id; none unless it is one of level 13.
    #[must_use]
    pub const fn from_id(id: u64) -> Option<Self> {
        if id >> 61 < 6 && id & (2 * MARK - 1) == MARK { Some(Self(id)) } else { None }
    }

    /// The cell that a place is in. What is not a place on earth is in some cell, too: whoever reads coordinates checks them.
    #[must_use]
    pub fn at(lat_deg: f64, lng_deg: f64) -> Self {
        let p = point(lat_deg, lng_deg);
        let face = face(p);
        let q = on_face(face, p);
        Self::of(face, index(q.x / q.z), index(q.y / q.z))
    }

    /// The cell of a face by its column and row.
    pub(crate) fn of(face: u32, column: u32, row: u32) -> Self {
        let mut turn = face as u8 & 1;
        let mut along = u64::from(face);
        for bit in (0..LEVEL).rev() {
            let quarter = (column >> bit & 1) << 1 | row >> bit & 1;
            let place = ALONG[turn as usize][quarter as usize];
            turn ^= TURN[place as usize];
            along = along << 2 | u64::from(place);
        }
        Self((along << 1 | 1) * MARK)
    }
}

/// Column or row at a coordinate of a face; beyond its border, the outermost.
pub fn index(u: f64) -> u32 {
    let side = f64::from(SIDE);
    let s = if u >= 0.0 { 0.5 * libm::sqrt(1.0 + 3.0 * u) } else { 1.0 - 0.5 * libm::sqrt(1.0 - 3.0 * u) };
    // The conversion keeps to the type's range; what is below zero is 0.
    ((s * side) as u32).min(SIDE - 1)
}

/// Coordinate at which a column or row begins; with a fraction, a line within it.
pub fn border(index: f64) -> f64 {
    let s = index / f64::from(SIDE);
    if s >= 0.5 { (4.0 * s * s - 1.0) / 3.0 } else { (1.0 - 4.0 * (1.0 - s) * (1.0 - s)) / 3.0 }
}
