//! Larger cells, for what is too large to be covered by those of level 13: a circle, covered with something to spare.
use crate::LatLng;
use crate::cell::{Cell, SIDE, border};
use crate::sphere::{EARTH_KM, MARGIN, Vec3, on_face, place};
use alloc::vec::Vec;
use core::f64::consts::PI;

/// Bits of a cell's id above those that are the same in all of level 13.
const KEY_SHIFT: u32 = 35;

/// The cells of level `13 - levels_up` that may have a place within the radius of the centre, each by the bits that the ids of
/// all cells of level 13 in it share: an id shifted right by 35 and two for each level up. Sorted. Never fewer cells than meet the
/// circle, and beyond it at most those within one cell's diagonal.
///
/// The number of cells is that of the area, which the caller bounds by the level: a circle of 1,000 NM has some 9,000 cells five
/// levels up, and 200 eight levels up. Beyond 13 levels up there is the whole earth, as one.
#[must_use]
pub fn coarse(centre: LatLng, radius_m: f64, levels_up: u32) -> Vec<u32> {
    if levels_up > 13 {
        return alloc::vec![0];
    }
    // What is not a length reaches everywhere: nothing may be left out.
    let reach = if radius_m >= 0.0 { (radius_m / (EARTH_KM * 1000.0) + MARGIN).min(PI) } else { PI };
    let centre = place(centre);
    let mut keys = Vec::new();
    for face in 0..6 {
        let search = Search { face, centre: on_face(face, centre), reach, smallest: 1 << levels_up };
        search.look(0, 0, SIDE, &mut keys);
    }
    keys.sort_unstable();
    keys
}

struct Search {
    face: u32,
    /// In the face's axes.
    centre: Vec3,
    reach: f64,
    /// Side of the cells that are wanted, in cells of level 13.
    smallest: u32,
}

impl Search {
    /// Looks at the square of so many cells from this column and row on, and at its quarters.
    fn look(&self, column: u32, row: u32, side: u32, keys: &mut Vec<u32>) {
        let at = |along: u32, part: f64| border(f64::from(along) + part * f64::from(side));
        let middle = Vec3 { x: at(column, 0.5), y: at(row, 0.5), z: 1.0 };
        let corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)];
        let corners = corners.map(|(c, r)| Vec3 { x: at(column, c), y: at(row, r), z: 1.0 });
        // The edges of a square are great circles, so no place of it is farther from its middle than a corner.
        let around = corners.iter().map(|corner| angle(middle, *corner)).fold(0.0, f64::max);
        if angle(middle, self.centre) > self.reach + around + MARGIN {
            return;
        }
        if side == self.smallest {
            let key = Cell::of(self.face, column, row).id() >> KEY_SHIFT;
            keys.push((key >> (2 * side.trailing_zeros())) as u32);
            return;
        }
        let half = side / 2;
        for (c, r) in [(0, 0), (0, half), (half, 0), (half, half)] {
            self.look(column + c, row + r, half, keys);
        }
    }
}

fn angle(a: Vec3, b: Vec3) -> f64 {
    libm::atan2(a.cross(b).length(), a.dot(b))
}
