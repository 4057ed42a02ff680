//! S2 cells of level 13 and what they cover: the grid by which a DSS (discovery and synchronisation service) finds what may meet.
//!
//! In scope: the cell of a place, the cells that a polygon or a circle meets, the area of either. Out of scope: cells of other
//! levels, what is kept by cell and who may ask (`node`).
//!
//! Invariants: no cell that has a point of the shape is left out, and none that has none is in, but for a margin of less than a
//! millimetre; trigonometry is `libm`'s alone and the order of operations is fixed, so every node covers a shape by the same cells;
//! what a stranger may ask for is bounded before any cell is made.
//!
//! The earth is the sphere on which a DSS measures, edges are great circles. In the projection on a face of S2's cube a great
//! circle is a straight line and a cell a rectangle, so all is done there.
//!
//! Standards: ASTM F3548-21 (the DSS), the cell ids of the S2 library.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod cell;
mod circle;
mod coarse;
mod polygon;
mod simple;
mod sphere;

pub use cell::Cell;
pub use circle::{circle, circle_area_km2};
pub use coarse::coarse;
pub use polygon::{polygon, polygon_area_km2};

/// Largest area of a shape, km²: the limit of F3548 systems in service. Cells of it: 2,500 / 0.76 (the smallest cell) = 3,290.
pub const AREA_MAX_KM2: f64 = 2500.0;

/// Longest way around a polygon, km: enough for a corridor of the largest area that is 1 km wide. Edges meet at most 3.1
/// cells a kilometre, 15,500: three at each step of 0.977 km along the shortest diagonals, two at one of 0.733 km along the shortest sides.
pub const PERIMETER_MAX_KM: f64 = 5000.0;

/// Most vertices of a polygon: F3548's bound on those of a whole operational intent.
pub const VERTICES_MAX: usize = 10_000;

/// Most cells of one shape: 3,290 inside and 15,500 at the edges, rounded up.
pub const CELLS_MAX: usize = 20_000;

/// A place in degrees; that it is on earth is checked by whoever takes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LatLng {
    /// Latitude, degrees, north positive, from -90 to 90.
    pub lat: f64,
    /// Longitude, degrees, east positive, from -180 to 180.
    pub lng: f64,
}

/// Why a shape has no covering. Vertices and edges are counted from 0; edge `n` begins at vertex `n`.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ShapeError {
    /// A place off the earth.
    #[error("vertex {index} is not on earth: latitude is from -90 to 90 degrees, longitude from -180 to 180")]
    NotOnEarth {
        /// Of the vertex; 0 for the centre of a circle.
        index: usize,
    },
    /// No polygon.
    #[error("a polygon has at least 3 vertices, not {count}")]
    FewVertices {
        /// How many there are.
        count: usize,
    },
    /// More than are looked at.
    #[error("a polygon has at most {max} vertices, not {count}")]
    ManyVertices {
        /// How many there are.
        count: usize,
        /// The bound.
        max: usize,
    },
    /// One place twice; the last vertex is not the first again, either.
    #[error("vertices {a} and {b} are the same place")]
    SameVertices {
        /// The first.
        a: usize,
        /// The second.
        b: usize,
    },
    /// No edge is the shortest.
    #[error("vertices {a} and {b} are on opposite sides of the earth: there is no shortest way between them")]
    Antipodal {
        /// Where the edge begins.
        a: usize,
        /// Where it ends.
        b: usize,
    },
    /// No inside.
    #[error("edges {a} and {b} cross or touch (edge n begins at vertex n)")]
    EdgesCross {
        /// The first.
        a: usize,
        /// The second.
        b: usize,
    },
    /// No circle.
    #[error("the radius is a number of metres greater than 0, not {metres}")]
    Radius {
        /// As given.
        metres: f64,
    },
    /// Too much of the earth.
    #[error("the area of {km2:.3} km² is larger than {max} km²")]
    AreaTooLarge {
        /// Of the shape.
        km2: f64,
        /// The bound.
        max: f64,
    },
    /// Long and thin.
    #[error("the way around of {km:.1} km is longer than {max} km")]
    TooLong {
        /// Of the polygon.
        km: f64,
        /// The bound.
        max: f64,
    },
}
