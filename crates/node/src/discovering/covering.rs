//! Outlines of peers in the terms of ASTM F3548: polygons and circles, and the cells that they cover.
use airspace::Outline;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use cells::LatLng;
use dss::CellKey;
use units::{Vertex, earth};

/// By how much a circle and what stands beside a line are widened: they are measured on the ellipsoid here, and by a DSS on a sphere
/// whose radius is up to 0.56 % off.
const WIDENED: f64 = 1.006;
/// A line is taken in parts no longer, metres: the edge of a part is a great circle, which leaves the line beside a longer one.
const PART_M: f64 = 50_000.0;
/// Parts of one corridor; of a longer one, each leg whole.
const PARTS_MAX: usize = 200;
/// Cells of one volume of the smallest size, and of each other size.
const FINE_MAX: usize = 4_000;
const COARSE_MAX: f64 = 1_500.0;
/// Levels above 13 that are used for what is larger, with the mean area of their cells in km².
const COARSE: [(u8, f64); 2] = [(5, 1_297.0), (8, 83_000.0)];
/// Above all levels: the whole earth.
const EVERYWHERE: (u8, [CellKey; 1]) = (14, [0]);

/// A part of an outline, in a shape that the standard has.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Vertices, closed implicitly.
    Polygon(Vec<LatLng>),
    /// All places within so many metres.
    Circle(LatLng, f64),
}

fn at(vertex: &Vertex) -> LatLng {
    LatLng { lat: vertex.lat_e9 as f64 / 1e9, lng: vertex.lon_e9 as f64 / 1e9 }
}

/// Pieces that together hold an outline, and a distance around it; none of a line half around the earth, which has no one way.
#[must_use]
pub fn pieces(outline: &Outline, around_mm: i64) -> Option<Vec<Piece>> {
    let around_m = around_mm as f64 / 1000.0 * WIDENED;
    match outline {
        Outline::Circle { centre, radius_mm } => {
            let radius_m = *radius_mm as f64 / 1000.0 * WIDENED + around_m;
            Some(alloc::vec![Piece::Circle(at(centre), radius_m)])
        }
        Outline::Polygon(points) => {
            let mut all = alloc::vec![Piece::Polygon(points.iter().map(at).collect())];
            if around_mm > 0 {
                let closed: Vec<LatLng> = points.iter().chain(points.first()).map(at).collect();
                all.append(&mut beside(&closed, around_m)?);
            }
            Some(all)
        }
        Outline::Corridor { points, half_width_mm } => {
            let line: Vec<LatLng> = points.iter().map(at).collect();
            beside(&line, *half_width_mm as f64 / 1000.0 * WIDENED + around_m)
        }
    }
}

/// What is within a distance of a line: a box beside each part, a circle around each point.
fn beside(line: &[LatLng], m: f64) -> Option<Vec<Piece>> {
    let mut all: Vec<Piece> = line.iter().map(|point| Piece::Circle(*point, m)).collect();
    let mut legs = Vec::new();
    for (a, b) in line.iter().zip(&line[1..]) {
        let (length, azimuth) = earth::inverse(a.lat, a.lng, b.lat, b.lng)?;
        if length > 0.0 {
            legs.push((*a, *b, length, azimuth));
        }
    }
    let count = |length: f64| libm::ceil(length / PART_M).max(1.0) as usize;
    let many = legs.iter().map(|(.., length, _)| count(*length)).sum::<usize>() > PARTS_MAX;
    for (a, b, length, azimuth) in legs {
        let parts = if many { 1 } else { count(length) };
        let mut from = a;
        for part in 1..=parts {
            let to = if part == parts { b } else { step(a, azimuth, length * part as f64 / parts as f64) };
            all.push(beside_part(from, to, m)?);
            from = to;
        }
    }
    Some(all)
}

fn step(from: LatLng, azimuth_deg: f64, m: f64) -> LatLng {
    let (lat, lng) = earth::direct(from.lat, from.lng, azimuth_deg, m);
    LatLng { lat, lng: earth::wrap_degrees(lng) }
}

fn beside_part(a: LatLng, b: LatLng, m: f64) -> Option<Piece> {
    let (_, out) = earth::inverse(a.lat, a.lng, b.lat, b.lng)?;
    let (_, back) = earth::inverse(b.lat, b.lng, a.lat, a.lng)?;
    let corners = [(a, out - 90.0), (a, out + 90.0), (b, back - 90.0), (b, back + 90.0)];
    Some(Piece::Polygon(corners.iter().map(|(end, across)| step(*end, *across, m)).collect()))
}

/// The cells of pieces: of level 13, or of so many levels up if there are too many of these. Never fewer than the pieces meet.
pub(super) fn covering(pieces: &[Piece]) -> (u8, Vec<CellKey>) {
    if let Some(fine) = fine(pieces) {
        return (0, fine);
    }
    let circles: Option<Vec<(LatLng, f64)>> = pieces.iter().map(around).collect();
    let Some(circles) = circles else { return everywhere() };
    for (up, km2) in COARSE {
        // Area, and what the edge adds.
        let cells = |r_km: f64| core::f64::consts::PI * r_km * (r_km / km2 + 2.0 / libm::sqrt(km2)) + 4.0;
        if circles.iter().map(|(_, m)| cells(m / 1000.0)).sum::<f64>() <= COARSE_MAX {
            let all: BTreeSet<CellKey> =
                circles.iter().flat_map(|(centre, m)| cells::coarse(*centre, *m, up.into())).collect();
            return (up, all.into_iter().collect());
        }
    }
    everywhere()
}

/// One entry that meets everything.
pub(super) fn everywhere() -> (u8, Vec<CellKey>) {
    (EVERYWHERE.0, EVERYWHERE.1.to_vec())
}

fn fine(pieces: &[Piece]) -> Option<Vec<CellKey>> {
    let mut all = BTreeSet::new();
    for piece in pieces {
        // What it refuses, too large or on the sphere no simple polygon, is covered by the circle around it.
        let cells = match piece {
            Piece::Polygon(vertices) => cells::polygon(vertices).ok()?,
            Piece::Circle(centre, m) => cells::circle(*centre, *m).ok()?,
        };
        all.extend(cells.iter().map(|cell| (cell.id() >> 35) as CellKey));
        if all.len() > FINE_MAX {
            return None;
        }
    }
    Some(all.into_iter().collect())
}

/// A circle that holds a piece; none if nothing but the earth does.
fn around(piece: &Piece) -> Option<(LatLng, f64)> {
    let vertices = match piece {
        Piece::Circle(centre, m) => return Some((*centre, *m)),
        Piece::Polygon(vertices) => vertices,
    };
    let part = 1.0 / vertices.len() as f64;
    let add = |sum: [f64; 3], p: [f64; 3]| [sum[0] + p[0] * part, sum[1] + p[1] * part, sum[2] + p[2] * part];
    let middle = vertices.iter().map(|v| earth::surface(v.lat, v.lng)).fold([0.0; 3], add);
    let (lat, lng) = earth::geodetic(middle);
    let far = |v: &LatLng| earth::inverse(lat, lng, v.lat, v.lng).map(|(m, _)| m);
    let distances: Option<Vec<f64>> = vertices.iter().map(far).collect();
    // Within a quarter of the way around, no place of an edge is farther from a place than the edge's ends.
    let most = distances?.into_iter().fold(0.0, f64::max) * WIDENED + 1.0;
    (most < 9_000_000.0).then_some((LatLng { lat, lng }, most))
}

#[cfg(test)]
#[path = "covering_tests.rs"]
mod tests;
