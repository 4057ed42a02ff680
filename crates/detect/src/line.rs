//! Lines of geodesic edges: densified, measured, crossed.
//!
//! An edge is the shortest path on WGS-84, cut into chunks of at most [`CHUNK_M`] whose ends lie on it; a chunk is the
//! arc in the plane through the earth's centre, 1.1 mm off the geodesic at most.
use airspace::VolumeError;
use alloc::vec::Vec;
use units::Vertex;
use units::earth::{self, Vec3};

/// Longest chunk, metres.
pub(crate) const CHUNK_M: f64 = 4000.0;
/// Longest edge: beyond three quarters of the way to the far side a shortest path is no longer what anyone means.
const EDGE_MAX_M: f64 = 15_000_000.0;
/// Longest line: somewhat over once around the earth, which is 12,500 chunks (300 kB) of one volume.
const LINE_MAX_M: f64 = 50_000_000.0;
/// Nearer than this two edges touch, metres. Twice the unit of a vertex.
const TOUCH_M: f64 = 0.000_5;

/// A point of the surface in both forms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub lat: f64,
    pub lon: f64,
    pub pos: Vec3,
}

impl Point {
    pub fn new(lat: f64, lon: f64) -> Self {
        Self { lat, lon, pos: earth::surface(lat, lon) }
    }

    pub fn of(v: Vertex) -> Self {
        Self::new(v.lat(), v.lon())
    }

    pub fn at(pos: Vec3) -> Self {
        let (lat, lon) = earth::geodetic(pos);
        Self { lat, lon, pos }
    }

    pub fn distance(&self, other: &Self) -> f64 {
        earth::distance(self.lat, self.lon, other.lat, other.lon)
    }
}

/// One edge: a range of the line's points.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Edge {
    first: usize,
    last: usize,
    step_m: f64,
    /// A ball around all of its points.
    middle: Vec3,
    radius: f64,
}

/// Where on a line something is nearest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Foot {
    pub distance: f64,
    pub edge: usize,
    /// Metres along the edge.
    pub along: f64,
}

/// A line or a closed ring of geodesic edges; a single corner has no edge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub corners: Vec<Point>,
    pub closed: bool,
    points: Vec<Vec3>,
    edges: Vec<Edge>,
}

impl Line {
    /// Prepares the edges. Corners that repeat the one before (or, closed, the first) are dropped.
    pub fn new(vertices: &[Vertex], closed: bool) -> Result<Self, VolumeError> {
        let mut kept: Vec<Vertex> = Vec::with_capacity(vertices.len());
        for v in vertices {
            if kept.last() != Some(v) {
                kept.push(*v);
            }
        }
        while closed && kept.len() > 1 && kept.first() == kept.last() {
            kept.pop();
        }
        let corners: Vec<Point> = kept.into_iter().map(Point::of).collect();
        let count = if closed { corners.len() } else { corners.len() - 1 };
        let mut line = Self { points: Vec::from([corners[0].pos]), closed, edges: Vec::new(), corners };
        let mut total_m = 0.0;
        for n in 0..count {
            total_m += line.push_edge(n)?;
            if total_m > LINE_MAX_M {
                return Err(too_long("the whole line", LINE_MAX_M, total_m));
            }
        }
        Ok(line)
    }

    fn push_edge(&mut self, n: usize) -> Result<f64, VolumeError> {
        let (from, to) = (self.corners[n], self.corners[(n + 1) % self.corners.len()]);
        let (length, azimuth) = match earth::inverse(from.lat, from.lon, to.lat, to.lon) {
            Some((length, azimuth)) if length <= EDGE_MAX_M => (length, azimuth),
            _ => return Err(too_long("an edge", EDGE_MAX_M, from.distance(&to))),
        };
        let chunks = libm::ceil(length / CHUNK_M).max(1.0);
        let step_m = length / chunks;
        let first = self.points.len() - 1;
        for k in 1..chunks as u32 {
            let (lat, lon) = earth::direct(from.lat, from.lon, azimuth, f64::from(k) * step_m);
            self.points.push(earth::surface(lat, lon));
        }
        self.points.push(to.pos);
        let last = self.points.len() - 1;
        let (middle, radius) = ball(&self.points, first, last, step_m);
        self.edges.push(Edge { first, last, step_m, middle, radius });
        Ok(length)
    }

    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    pub fn edge_length(&self, edge: usize) -> f64 {
        let e = &self.edges[edge];
        e.step_m * (e.last - e.first) as f64
    }

    /// The point so many metres along an edge.
    pub fn point(&self, edge: usize, along: f64) -> Point {
        let e = &self.edges[edge];
        let chunk = (libm::floor(along / e.step_m).max(0.0) as usize).min(e.last - e.first - 1);
        let t = along / e.step_m - chunk as f64;
        Point::at(arc_point(self.points[e.first + chunk], self.points[e.first + chunk + 1], t))
    }

    /// A ball around all points of the line.
    pub fn ball(&self) -> (Vec3, f64) {
        let n = self.points.len() as f64;
        let mut c = [0.0; 3];
        for p in &self.points {
            c = [c[0] + p[0] / n, c[1] + p[1] / n, c[2] + p[2] / n];
        }
        let radius = self.points.iter().map(|p| earth::norm(earth::sub(*p, c))).fold(0.0, libm::fmax);
        (c, radius + CHUNK_M)
    }

    /// The box around all points of the line: its corners.
    pub fn bounds(&self) -> (Vec3, Vec3) {
        let (mut low, mut high) = (self.points[0], self.points[0]);
        for p in &self.points {
            for n in 0..3 {
                low[n] = low[n].min(p[n]);
                high[n] = high[n].max(p[n]);
            }
        }
        (low, high)
    }

    /// The nearest place of the line by geodesic distance, if nearer than `below`.
    pub fn nearest(&self, p: &Point, below: f64) -> Option<Foot> {
        if self.edges.is_empty() {
            let distance = p.distance(&self.corners[0]);
            return (distance < below).then_some(Foot { distance, edge: 0, along: 0.0 });
        }
        let mut best: Option<Foot> = None;
        for n in 0..self.edges.len() {
            let limit = best.map_or(below, |b| b.distance);
            if let Some(found) = self.nearest_on(n, p, limit) {
                best = Some(found);
            }
        }
        best
    }

    /// The nearest place of one edge, if nearer than `below`.
    pub fn nearest_on(&self, n: usize, p: &Point, below: f64) -> Option<Foot> {
        let e = &self.edges[n];
        let (chord, chunk, t) = self.chord_on(e, p.pos, below)?;
        let length = self.edge_length(n);
        let along = ((chunk - e.first) as f64 + t) * e.step_m;
        let eval = |along: f64| p.distance(&self.point(n, along));
        let (mut along, mut distance) = (along, eval(along));
        // Far away the foot of the chord is not the foot of the geodesic: two steps down a parabola.
        if chord > FAR_M {
            for h in [0.02 * chord, 0.002 * chord] {
                let mid = if along < h {
                    h
                } else if along > length - h {
                    length - h
                } else {
                    along
                };
                if length < 2.0 * h {
                    break;
                }
                let (f0, f1, f2) = (eval(mid - h), eval(mid), eval(mid + h));
                let bend = f0 - 2.0 * f1 + f2;
                let next = if bend > 0.0 { mid + 0.5 * h * (f0 - f2) / bend } else { mid };
                let next = next.clamp(0.0, length);
                let d = eval(next);
                if d < distance {
                    (along, distance) = (next, d);
                }
            }
            for end in [0.0, length] {
                let d = eval(end);
                if d < distance {
                    (along, distance) = (end, d);
                }
            }
        }
        (distance < below).then_some(Foot { distance, edge: n, along })
    }

    /// Shortest chord from a point to an edge, the chunk and the part of it, if below `below` (chords are never longer
    /// than geodesics).
    fn chord_on(&self, e: &Edge, p: Vec3, below: f64) -> Option<(f64, usize, f64)> {
        if earth::norm(earth::sub(p, e.middle)) - e.radius >= below {
            return None;
        }
        let mut best = (f64::INFINITY, e.first, 0.0);
        for chunk in e.first..e.last {
            let (dd, t) = chunk_nearest(p, self.points[chunk], self.points[chunk + 1]);
            if dd < best.0 {
                best = (dd, chunk, t);
            }
        }
        let chord = libm::sqrt(best.0);
        (chord < below).then_some((chord, best.1, best.2))
    }

    /// Whether a point lies to the left of a closed ring, from the nearest chunk.
    pub fn left_of(&self, p: Vec3) -> bool {
        let mut best = (f64::INFINITY, 0, 0.0);
        for e in &self.edges {
            if let Some(found) = self.chord_on(e, p, best.0) {
                best = found;
            }
        }
        let (_, chunk, t) = best;
        let n = self.points.len() - 1;
        let side = |k: usize| side(self.points[k], self.points[k + 1], p);
        if t > 0.0 && t < 1.0 {
            return side(chunk) > 0.0;
        }
        // Nearest is a point between two chunks: left of both where the ring turns left, of either where it turns right.
        let (before, after) = if t <= 0.0 { ((chunk + n - 1) % n, chunk) } else { (chunk, (chunk + 1) % n) };
        let (x, y) = (side(before) > 0.0, side(after) > 0.0);
        if self.turn(before, after) > 0.0 { x && y } else { x || y }
    }

    /// Change of direction from one chunk to the next, radians, left positive.
    fn turn(&self, before: usize, after: usize) -> f64 {
        let (u, v, w) = (self.points[before], self.points[after], self.points[after + 1]);
        let (n1, n2) = (earth::cross(u, earth::sub(v, u)), earth::cross(v, earth::sub(w, v)));
        libm::atan2(earth::dot(v, earth::cross(n1, n2)) / earth::norm(v), earth::dot(n1, n2))
    }

    /// Whether a closed ring's left side is the smaller one: by Gauss and Bonnet its area is 2π less all turns.
    pub fn left_is_smaller(&self) -> bool {
        let n = self.points.len() - 1;
        let turns: f64 = (0..n).map(|k| self.turn((k + n - 1) % n, k)).sum();
        turns > 0.0
    }

    /// Whether an edge of this line and one of another cross or come within [`TOUCH_M`] of each other.
    pub fn meets(&self, edge: usize, other: &Self, other_edge: usize) -> bool {
        let (e, f) = (&self.edges[edge], &other.edges[other_edge]);
        if earth::norm(earth::sub(e.middle, f.middle)) > e.radius + f.radius + 1.0 {
            return false;
        }
        let mut open = Vec::from([(e.first, e.last, f.first, f.last)]);
        while let Some((i, j, k, l)) = open.pop() {
            let (c, r) = ball(&self.points, i, j, e.step_m);
            let (d, s) = ball(&other.points, k, l, f.step_m);
            if earth::norm(earth::sub(c, d)) > r + s + 1.0 {
                continue;
            }
            if j - i == 1 && l - k == 1 {
                if chunks_meet([self.points[i], self.points[j]], [other.points[k], other.points[l]]) {
                    return true;
                }
            } else if j - i >= l - k {
                let m = i.midpoint(j);
                open.extend([(i, m, k, l), (m, j, k, l)]);
            } else {
                let m = k.midpoint(l);
                open.extend([(i, j, k, m), (i, j, m, l)]);
            }
        }
        false
    }

    /// The corners at both ends of an edge.
    pub fn ends(&self, edge: usize) -> [Point; 2] {
        [self.corners[edge], self.corners[(edge + 1) % self.corners.len()]]
    }

    /// Refuses a ring that crosses or touches itself.
    pub fn check_simple(&self) -> Result<(), VolumeError> {
        let n = self.edges.len();
        for a in 0..n {
            for b in a + 1..n {
                let next = b == a + 1;
                let around = a == 0 && b == n - 1;
                let met = if next || around {
                    // They share a corner; the other ends must keep off the other edge.
                    let (first, second) = if next { (a, b) } else { (b, a) };
                    self.nearest_on(second, &self.ends(first)[0], TOUCH_M).is_some()
                        || self.nearest_on(first, &self.ends(second)[1], TOUCH_M).is_some()
                } else {
                    self.meets(a, self, b)
                };
                if met {
                    return Err(VolumeError::SelfIntersection { a, b });
                }
            }
        }
        if n < 3 {
            return Err(VolumeError::SelfIntersection { a: 0, b: n - 1 });
        }
        Ok(())
    }
}

/// Beyond this the foot is refined, metres: at 20 km the chord's foot is 0.4 m off, which changes the distance by 4 µm.
const FAR_M: f64 = 20_000.0;

fn too_long(what: &'static str, max_m: f64, got_m: f64) -> VolumeError {
    VolumeError::TooLong { what, max_km: (max_m / 1000.0) as u32, got_km: libm::ceil(got_m / 1000.0) as u32 }
}

/// A ball around the points `i` to `j`, `step_m` apart along a geodesic.
fn ball(points: &[Vec3], i: usize, j: usize, step_m: f64) -> (Vec3, f64) {
    let m = i.midpoint(j);
    (points[m], (j - m).max(m - i) as f64 * step_m + TOUCH_M)
}

/// Point at part `t` of the arc over a chord: lifted by the arc's height over it.
fn arc_point(u: Vec3, v: Vec3, t: f64) -> Vec3 {
    let d = earth::sub(v, u);
    let x = [u[0] + d[0] * t, u[1] + d[1] * t, u[2] + d[2] * t];
    let k = 1.0 + t * (1.0 - t) * earth::dot(d, d) / (2.0 * earth::dot(x, x));
    [x[0] * k, x[1] * k, x[2] * k]
}

/// Square of the chord from a point to a chunk, and where on it.
fn chunk_nearest(p: Vec3, u: Vec3, v: Vec3) -> (f64, f64) {
    let d = earth::sub(v, u);
    let t = (earth::dot(earth::sub(p, u), d) / earth::dot(d, d)).clamp(0.0, 1.0);
    let off = earth::sub(p, arc_point(u, v, t));
    (earth::dot(off, off), t)
}

/// Which side of the arc from `u` to `v` a point is on: left positive. Differences first, or short chunks lose
/// everything to rounding.
fn side(u: Vec3, v: Vec3, p: Vec3) -> f64 {
    earth::dot(earth::cross(u, earth::sub(v, u)), earth::sub(p, u))
}

fn chunks_meet(a: [Vec3; 2], b: [Vec3; 2]) -> bool {
    let crosses = |a: [Vec3; 2], b: [Vec3; 2]| (side(a[0], a[1], b[0]) >= 0.0) != (side(a[0], a[1], b[1]) >= 0.0);
    let touches = |p: Vec3, c: [Vec3; 2]| chunk_nearest(p, c[0], c[1]).0 < TOUCH_M * TOUCH_M;
    (crosses(a, b) && crosses(b, a)) || touches(a[0], b) || touches(a[1], b) || touches(b[0], a) || touches(b[1], a)
}
