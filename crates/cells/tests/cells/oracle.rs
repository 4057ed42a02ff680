//! A slow oracle that is obviously right: each cell, as the crate `s2` draws it, against each edge on the sphere.
use cells::LatLng;
use proptest::prelude::*;
use s2::cell::Cell as Drawn;
use s2::cellid::CellID;
use std::collections::BTreeSet;
use std::f64::consts::{PI, TAU};

pub const EARTH_M: f64 = 6_371_010.0;

/// What is nearer than this to being met may be in a covering or not, radians (6 mm).
const NEAR: f64 = 1e-9;

pub type Point = [f64; 3];

pub fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub fn sum(parts: &[(f64, Point)]) -> Point {
    [0, 1, 2].map(|axis| parts.iter().map(|(part, p)| part * p[axis]).sum())
}

pub fn unit(a: Point) -> Point {
    sum(&[(1.0 / dot(a, a).sqrt(), a)])
}

pub fn point(at: LatLng) -> Point {
    let (lat, lng) = (at.lat.to_radians(), at.lng.to_radians());
    [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()]
}

pub fn degrees(p: Point) -> LatLng {
    let lat = p[2].atan2(p[0].hypot(p[1])).to_degrees();
    LatLng { lat, lng: p[1].atan2(p[0]).to_degrees() }
}

pub fn distance(a: Point, b: Point) -> f64 {
    let sine = cross(a, b);
    dot(sine, sine).sqrt().atan2(dot(a, b))
}

/// The place at a bearing (from some axis) and distance, both radians.
pub fn beyond(from: Point, bearing: f64, distance: f64) -> Point {
    let axis = if from[2].abs() < 0.7 { [0.0, 0.0, 1.0] } else { [1.0, 0.0, 0.0] };
    let side = unit(cross(axis, from));
    let (x, y) = (bearing.cos() * distance.sin(), bearing.sin() * distance.sin());
    unit(sum(&[(distance.cos(), from), (x, side), (y, cross(from, side))]))
}

/// Distance to an edge.
pub fn to_edge(p: Point, a: Point, b: Point) -> f64 {
    let normal = unit(cross(a, b));
    let foot_inside = dot(cross(normal, a), p) > 0.0 && dot(cross(b, normal), p) > 0.0;
    if foot_inside { dot(normal, p).asin().abs() } else { distance(p, a).min(distance(p, b)) }
}

/// Whether edges cross, and not merely touch or lie in line, which rounding cannot tell from crossing.
pub fn edges_cross(a: Point, b: Point, c: Point, d: Point) -> bool {
    let side = |a, b, p| dot(cross(a, b), p);
    let apart = |one: f64, other: f64| one.abs().min(other.abs()) > 1e-15 && one.signum() != other.signum();
    apart(side(a, b, c), side(a, b, d))
        && apart(side(c, d, a), side(c, d, b))
        && dot(sum(&[(1.0, a), (1.0, b)]), c) > 0.0
}

pub fn edges(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> + '_ {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1))
}

/// How often the ring goes around a point: the angles at which its edges are seen. For rings of less than a hemisphere.
pub fn inside(ring: &[Point], p: Point) -> bool {
    let seen = |(a, b): (Point, Point)| {
        let (a, b) = (cross(p, a), cross(p, b));
        dot(p, cross(a, b)).atan2(dot(a, b))
    };
    edges(ring).map(seen).sum::<f64>().abs() > PI
}

/// How a shape stands to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    Yes,
    /// So nearly that either answer is right.
    Hardly,
    No,
}

pub trait Shape {
    fn start(&self) -> Point;
    fn meets(&self, corners: &[Point]) -> Met;
}

pub struct Circle {
    pub centre: Point,
    pub radius: f64,
}

impl Shape for Circle {
    fn start(&self) -> Point {
        self.centre
    }

    fn meets(&self, corners: &[Point]) -> Met {
        let off = edges(corners).map(|(a, b)| to_edge(self.centre, a, b)).fold(f64::MAX, f64::min);
        match off - self.radius {
            _ if inside(corners, self.centre) => Met::Yes,
            gap if gap <= 0.0 => Met::Yes,
            gap if gap <= NEAR => Met::Hardly,
            _ => Met::No,
        }
    }
}

pub struct Polygon(pub Vec<Point>);

impl Shape for Polygon {
    fn start(&self) -> Point {
        self.0[0]
    }

    fn meets(&self, corners: &[Point]) -> Met {
        let Self(ring) = self;
        if inside(ring, corners[0])
            || inside(corners, ring[0])
            || edges(ring).any(|(a, b)| edges(corners).any(|(c, d)| edges_cross(a, b, c, d)))
        {
            return Met::Yes;
        }
        let near = |p, ring: &[Point]| edges(ring).any(|(a, b)| to_edge(p, a, b) <= NEAR);
        let hardly = corners.iter().any(|&p| near(p, ring)) || ring.iter().any(|&p| near(p, corners));
        if hardly { Met::Hardly } else { Met::No }
    }
}

/// Compares a covering with the shape: cell by cell from its start on to the neighbours of every cell that it meets.
pub fn check(shape: &impl Shape, cells: &[cells::Cell]) -> Result<(), TestCaseError> {
    prop_assert!(cells.windows(2).all(|pair| pair[0] < pair[1]), "sorted, without repetition");
    let mut left: BTreeSet<u64> = cells.iter().map(|cell| cell.id()).collect();
    let start = degrees(shape.start());
    let mut ahead = vec![cells::Cell::at(start.lat, start.lng).id()];
    let mut seen: BTreeSet<u64> = ahead.iter().copied().collect();
    while let Some(id) = ahead.pop() {
        let corners = Drawn::from(CellID(id)).vertices().map(|p| [p.0.x, p.0.y, p.0.z]);
        let (met, covered) = (shape.meets(&corners), left.remove(&id));
        prop_assert!(covered || met != Met::Yes, "{id:x} is left out");
        prop_assert!(!covered || met != Met::No, "{id:x} is in");
        if met != Met::No {
            ahead.extend(CellID(id).all_neighbors(13).into_iter().map(|c| c.0).filter(|&c| seen.insert(c)));
        }
    }
    prop_assert!(left.is_empty(), "far from the shape: {left:x?}");
    Ok(())
}

/// Anywhere, and near what is particular: poles, antimeridian, edges and corners of the cube, its faces' middles.
pub fn centres() -> impl Strategy<Value = Point> {
    let corner = (1.0f64 / 3.0).sqrt().asin().to_degrees();
    let particular: Vec<(f64, f64)> = [
        vec![(90.0, 0.0), (-90.0, 0.0), (0.0, 0.0), (0.0, 180.0), (0.0, 90.0), (50.0, 180.0), (-50.0, -180.0)],
        vec![(0.0, 45.0), (20.0, 135.0), (-30.0, -45.0), (45.0, 0.0), (-45.0, 90.0), (44.0, 17.0), (0.0, -135.0)],
        [45.0, 135.0, -45.0, -135.0].iter().flat_map(|&lng| [(corner, lng), (-corner, lng)]).collect(),
    ]
    .concat();
    let anywhere = (-1.0..=1.0, 0.0..TAU).prop_map(|(z, turn): (f64, f64)| {
        let across = (1.0 - z * z).sqrt();
        [across * turn.cos(), across * turn.sin(), z]
    });
    let nearby = prop_oneof![Just(0.0), 0.0..0.000_01, 0.0..0.001];
    let particular = (prop::sample::select(particular), 0.0..TAU, nearby)
        .prop_map(|((lat, lng), bearing, off)| beyond(point(LatLng { lat, lng }), bearing, off));
    prop_oneof![anywhere, particular]
}
