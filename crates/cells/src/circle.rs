//! Circles: on a face the cap is an ellipse, walked column by column.
use crate::cell::{Cell, border, index};
use crate::sphere::{EARTH_KM, EARTH_KM2, MARGIN, Vec3, on_earth, on_face, place};
use crate::{AREA_MAX_KM2, LatLng, ShapeError};
use alloc::vec::Vec;
use core::f64::consts::PI;

/// The area within a radius, km².
///
/// # Errors
/// [`ShapeError::Radius`].
pub fn circle_area_km2(radius_m: f64) -> Result<f64, ShapeError> {
    if !(radius_m > 0.0 && radius_m.is_finite()) {
        return Err(ShapeError::Radius { metres: radius_m });
    }
    let half = libm::sin((angle(radius_m) / 2.0).min(PI / 2.0));
    Ok(half * half * EARTH_KM2)
}

fn angle(radius_m: f64) -> f64 {
    radius_m / (EARTH_KM * 1000.0)
}

/// The cells that have a place within the radius of the centre; sorted, without repetition.
///
/// # Errors
/// [`ShapeError`]: the centre is off the earth, the radius no length, or the area too large.
pub fn circle(centre: LatLng, radius_m: f64) -> Result<Vec<Cell>, ShapeError> {
    if !on_earth(centre) {
        return Err(ShapeError::NotOnEarth { index: 0 });
    }
    let km2 = circle_area_km2(radius_m)?;
    if km2 > AREA_MAX_KM2 {
        return Err(ShapeError::AreaTooLarge { km2, max: AREA_MAX_KM2 });
    }
    let (centre, reach) = (place(centre), libm::sin(angle(radius_m) + MARGIN));
    let mut cells = Vec::new();
    for face in 0..6 {
        let c = on_face(face, centre);
        // A face reaches to 0.577 at its corners, and the largest circle 0.005 beyond.
        if c.z > 0.5 {
            Ellipse::new(c, reach).cover(face, &mut cells);
        }
    }
    cells.sort_unstable();
    Ok(cells)
}

/// A cap in the plane of a face.
struct Ellipse {
    /// Its centre on the sphere, in the face's axes.
    c: Vec3,
    /// Sine of its radius.
    reach: f64,
    /// Its first and last u, and v.
    u: (f64, f64),
    v: (f64, f64),
    /// The u at which it has its first and last v.
    turns: (f64, f64),
}

impl Ellipse {
    fn new(c: Vec3, reach: f64) -> Self {
        // Planes through the sphere's centre that touch the cap: (c.x - u c.z)² = reach² (1 + u²).
        let extent = |x: f64| {
            let (middle, root) = (x * c.z, reach * libm::sqrt(x * x + c.z * c.z - reach * reach));
            let under = c.z * c.z - reach * reach;
            ((middle - root) / under, (middle + root) / under)
        };
        let (u, v) = (extent(c.x), extent(c.y));
        // Where such a plane touches: the foot of the centre on it.
        let turn = |v: f64, side: f64| c.x / (c.z + side * reach * v / libm::sqrt(1.0 + v * v));
        Self { c, reach, u, v, turns: (turn(v.0, 1.0), turn(v.1, -1.0)) }
    }

    fn cover(&self, face: u32, cells: &mut Vec<Cell>) {
        if self.u.0 > 1.0 || self.u.1 < -1.0 {
            return;
        }
        for column in index(self.u.0)..=index(self.u.1) {
            let lo = border(f64::from(column)).max(self.u.0);
            let hi = border(f64::from(column + 1)).min(self.u.1);
            let first = self.turns.0.clamp(lo, hi.max(lo));
            let last = self.turns.1.clamp(lo, hi.max(lo));
            let from = if first == self.turns.0 { self.v.0 } else { self.ends(first).0 };
            let to = if last == self.turns.1 { self.v.1 } else { self.ends(last).1 };
            if from <= 1.0 && to >= -1.0 {
                cells.extend((index(from)..=index(to)).map(|row| Cell::of(face, column, row)));
            }
        }
    }

    /// First and last v at a u: roots of the square of (p·c = cos radius · |p|), written with differences of like size, so that a
    /// small circle keeps its digits.
    fn ends(&self, u: f64) -> (f64, f64) {
        let Self { c, reach, .. } = *self;
        let off = c.x - u * c.z;
        let wide = reach * libm::sqrt(1.0 + u * u);
        let cosine2 = 1.0 - reach * reach;
        let root = libm::sqrt(cosine2 * ((wide - off) * (wide + off)).max(0.0));
        let (middle, under) = (c.y * (c.x * u + c.z), cosine2 - c.y * c.y);
        ((middle - root) / under, (middle + root) / under)
    }
}
