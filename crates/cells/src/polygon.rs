//! Polygons: the cells that each edge goes through, then what lies between them in each column of a face.
use crate::cell::{Cell, SIDE, border, index};
use crate::simple::{Flat, crossing, is_line, order};
use crate::sphere::{EARTH_KM, EARTH_KM2, MARGIN, Vec3, on_earth, on_face, place};
use crate::{AREA_MAX_KM2, LatLng, PERIMETER_MAX_KM, ShapeError, VERTICES_MAX};
use alloc::vec::Vec;
use core::f64::consts::PI;

/// The cells that have a place of the polygon; sorted, without repetition. Edges are the shortest ways between vertices, the last
/// of them leads back to the first, and the inside is the smaller side. Vertices on one line are covered as that line.
///
/// # Errors
/// [`ShapeError`], of these the first that applies: number of vertices, places, area, length, repeated vertices, edges.
pub fn polygon(vertices: &[LatLng]) -> Result<Vec<Cell>, ShapeError> {
    let ring = Ring::new(vertices)?;
    let area = ring.area();
    let km2 = smaller_km2(area);
    if km2 > AREA_MAX_KM2 {
        return Err(ShapeError::AreaTooLarge { km2, max: AREA_MAX_KM2 });
    }
    let km = ring.length() * EARTH_KM;
    if km > PERIMETER_MAX_KM {
        return Err(ShapeError::TooLong { km, max: PERIMETER_MAX_KM });
    }
    ring.check_simple()?;
    // Within so short a way around the area is not taken modulo the sphere, so its sign is the winding.
    let inward = if area < 0.0 { -1 } else { 1 };
    let mut edges = Vec::with_capacity(4 * ring.0.len());
    for (a, b) in ring.edges() {
        for face in 0..6 {
            walk(face, on_face(face, a), on_face(face, b), inward, &mut edges);
        }
    }
    Ok(fill(edges))
}

/// The area of the smaller side of a polygon, km². Of one whose edges cross, parts of it may count against each other.
///
/// # Errors
/// [`ShapeError`]: too few or many vertices, one of them off the earth, or an edge with no shortest way.
pub fn polygon_area_km2(vertices: &[LatLng]) -> Result<f64, ShapeError> {
    Ring::new(vertices).map(|ring| smaller_km2(ring.area()))
}

fn smaller_km2(area: f64) -> f64 {
    let one = area.abs() % (4.0 * PI);
    one.min(4.0 * PI - one) / (4.0 * PI) * EARTH_KM2
}

/// The vertices.
struct Ring(Vec<Vec3>);

impl Ring {
    fn new(vertices: &[LatLng]) -> Result<Self, ShapeError> {
        let count = vertices.len();
        if count < 3 {
            return Err(ShapeError::FewVertices { count });
        }
        if count > VERTICES_MAX {
            return Err(ShapeError::ManyVertices { count, max: VERTICES_MAX });
        }
        if let Some(index) = vertices.iter().position(|&at| !on_earth(at)) {
            return Err(ShapeError::NotOnEarth { index });
        }
        let ring = Self(vertices.iter().map(|&at| place(at)).collect());
        // Opposite to within some 6 mm: nearer than that, rounding says which way is shorter.
        let opposite = ring.edges().position(|(a, b)| a.dot(b) < 0.0 && a.cross(b).length() < 1e-9);
        opposite.map_or(Ok(ring), |a| Err(ShapeError::Antipodal { a, b: (a + 1) % count }))
    }

    fn edges(&self) -> impl Iterator<Item = (Vec3, Vec3)> + use<'_> {
        self.0.iter().copied().zip(self.0.iter().copied().cycle().skip(1))
    }

    /// Radians.
    fn length(&self) -> f64 {
        self.edges().map(|(a, b)| 2.0 * libm::asin(((a - b).length() / 2.0).min(1.0))).sum()
    }

    /// Steradians, positive if anticlockwise, modulo the sphere: the triangles of each edge and the first vertex.
    fn area(&self) -> f64 {
        let apex = self.0[0];
        let triangle = |pair: &[Vec3]| {
            let (a, b) = (pair[0], pair[1]);
            // Of differences, so that a small triangle keeps its digits.
            let volume = apex.dot((a - apex).cross(b - apex));
            2.0 * libm::atan2(volume, 1.0 + apex.dot(a) + a.dot(b) + b.dot(apex))
        };
        self.0[1..].windows(2).map(triangle).sum()
    }

    fn check_simple(&self) -> Result<(), ShapeError> {
        let flat = self.flat();
        let order = order(&flat);
        if let Some(pair) = order.windows(2).find(|pair| flat[pair[0]] == flat[pair[1]]) {
            return Err(ShapeError::SameVertices { a: pair[0], b: pair[1] });
        }
        if is_line(&flat) {
            return Ok(());
        }
        crossing(&flat, &order).map_or(Ok(()), |(a, b)| Err(ShapeError::EdgesCross { a, b }))
    }

    /// The vertices on the plane that touches the sphere at the first: seen from the centre, so great circles are straight. None is
    /// farther than half of the longest way around, 22.5 degrees.
    ///
    /// The axes are a radian off north and east. An edge upright to the sweep that is touched by a vertex may be before or behind it
    /// by rounding, and people draw edges to the north.
    fn flat(&self) -> Vec<Flat> {
        let origin = self.0[0];
        let axis = if origin.z.abs() < 0.6 { Vec3 { x: 0.0, y: 0.0, z: 1.0 } } else { Vec3 { x: 1.0, y: 0.0, z: 0.0 } };
        let east = axis.cross(origin);
        let north = origin.cross(east);
        let (sine, cosine) = libm::sincos(1.0);
        let on_plane = |p: &Vec3| {
            let (d, z) = (*p - origin, p.dot(origin));
            let (x, y) = (east.dot(d) / z, north.dot(d) / z);
            (cosine * x + sine * y, cosine * y - sine * x)
        };
        self.0.iter().map(on_plane).collect()
    }
}

/// A cell that an edge goes through.
struct Through {
    /// Face, column and row, in this order.
    key: u32,
    /// How often edges cross the middle of the column here with the inside above, less how often with it below.
    above: i32,
}

fn key(face: u32, column: u32, row: u32) -> u32 {
    (face * SIDE + column) * SIDE + row
}

/// The part of an edge that is on a face, as fractions of its chord.
fn clip(a: Vec3, b: Vec3) -> Option<(f64, f64)> {
    let (mut from, mut to) = (0.0f64, 1.0f64);
    let wide = 1.0 + MARGIN;
    let inside = |p: Vec3| [wide * p.z - p.x, wide * p.z + p.x, wide * p.z - p.y, wide * p.z + p.y];
    for (at_a, at_b) in inside(a).into_iter().zip(inside(b)) {
        match (at_a < 0.0, at_b < 0.0) {
            (true, true) => return None,
            (true, false) => from = from.max(at_a / (at_a - at_b)),
            (false, true) => to = to.min(at_a / (at_a - at_b)),
            (false, false) => {}
        }
    }
    (from <= to).then_some((from, to))
}

fn along(a: Vec3, b: Vec3, part: f64) -> (f64, f64) {
    let at = |a: f64, b: f64| a + part * (b - a);
    let z = at(a.z, b.z);
    (at(a.x, b.x) / z, at(a.y, b.y) / z)
}

/// Notes the cells of a face that an edge goes through, in the face's axes.
fn walk(face: u32, a: Vec3, b: Vec3, inward: i32, out: &mut Vec<Through>) {
    let Some((from, to)) = clip(a, b) else { return };
    let (start, stop) = (along(a, b, from), along(a, b, to));
    let (left, right) = if start.0 <= stop.0 { (start, stop) } else { (stop, start) };
    // Along a column an edge is as good as upright, the division by next to nothing or zero: the clamp gives its two ends.
    let v_at = |u: f64| left.1 + ((u - left.0) / (right.0 - left.0)).clamp(0.0, 1.0) * (right.1 - left.1);
    for column in index(left.0 - MARGIN)..=index(right.0 + MARGIN) {
        // What is beyond the face by the margin is in its outermost column.
        let (lo, hi) = (border(f64::from(column)) - MARGIN, border(f64::from(column + 1)) + MARGIN);
        let (v, w) = (v_at(lo), v_at(hi));
        let (first, last) = (index(v.min(w) - MARGIN), index(v.max(w) + MARGIN));
        let crossed = middle_crossed(column, a, b).map(|(v, above)| (index(v).clamp(first, last), above));
        out.extend((first..=last).map(|row| {
            let above = crossed.filter(|&(at, _)| at == row).map_or(0, |(_, above)| inward * above);
            Through { key: key(face, column, row), above }
        }));
    }
}

/// Where an edge crosses the middle of a column of its face, and 1 if its left is above, else -1. The edge is short enough to have
/// both ends before the face's plane if a part of it is on the face.
fn middle_crossed(column: u32, a: Vec3, b: Vec3) -> Option<(f64, i32)> {
    let middle = border(f64::from(column) + 0.5);
    // The same number for a vertex from both of its edges, so a ring crosses as often to the right as to the left.
    let (at_a, at_b) = (a.x - middle * a.z, b.x - middle * b.z);
    if (at_a < 0.0) == (at_b < 0.0) {
        return None;
    }
    let (_, v) = along(a, b, at_a / (at_a - at_b));
    // Beyond the face it counts in the outermost row: all rows above alike, or none.
    Some((v, if at_a < 0.0 { 1 } else { -1 }))
}

/// The cells of the edges, and those of the inside.
///
/// Rows of a column that no edge goes through are inside where the edges that cross its middle below them leave the inside above,
/// as against the rows where they do not. Were all of a column's free rows inside, so would be its middle from border to border:
/// 7,800 km, which the longest way around does not go around.
fn fill(mut edges: Vec<Through>) -> Vec<Cell> {
    edges.sort_unstable_by_key(|through| through.key);
    edges.dedup_by(|next, kept| {
        let same = next.key == kept.key;
        kept.above += if same { next.above } else { 0 };
        same
    });
    let mut cells = Vec::with_capacity(2 * edges.len());
    for column in edges.chunk_by(|a, b| a.key / SIDE == b.key / SIDE) {
        let base = column[0].key / SIDE * SIDE;
        let (face, at) = (base / SIDE / SIDE, base / SIDE % SIDE);
        cells.extend(column.iter().map(|through| Cell::of(face, at, through.key - base)));
        let free = || {
            let ends = column.iter().map(|through| through.key).chain([base + SIDE]);
            let begins = [(base, 0)].into_iter().chain(column.iter().scan(0, |above, through| {
                *above += through.above;
                Some((through.key + 1, *above))
            }));
            begins.zip(ends).filter(|&((begin, _), end)| begin < end)
        };
        let outside = free().map(|((_, above), _)| above).min().unwrap_or(0);
        for ((begin, _), end) in free().filter(|&((_, above), _)| above > outside) {
            cells.extend((begin - base..end - base).map(|row| Cell::of(face, at, row)));
        }
    }
    cells.sort_unstable();
    cells
}
