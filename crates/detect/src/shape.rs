//! Outlines prepared for decisions: how far a point is inside or outside, how far two outlines are apart.
use crate::line::{Line, Point};
use airspace::{Outline, VolumeError};
use alloc::vec::Vec;
use units::earth::{self, Vec3};

/// Distances within this of zero are neither overlap nor gap, metres. The rule is 1 cm both ways; edges err by 1.1 mm
/// each and distances by less than 0.1 mm, so half of the centimetre decides and the rest is ours to be wrong in.
pub(crate) const MARGIN_M: f64 = 0.005;

/// A point, line or polygon with a distance around it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    line: Line,
    /// All points at most this far from the line (and the inside of a polygon) belong to it, metres.
    around: f64,
    inside: Option<Inside>,
    /// A ball in space around everything; the radius is infinite for what holds half of the earth.
    centre: Vec3,
    radius: f64,
    /// Corners of a box around everything, with [`BOX_MARGIN_M`] to spare.
    low: Vec3,
    high: Vec3,
}

/// Which side of a closed ring is the polygon.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Inside {
    left: bool,
    /// A point well inside.
    sample: Point,
}

impl Shape {
    /// Prepares an outline that has passed [`Outline::check`], widened by `buffer_m`.
    pub fn new(outline: &Outline, buffer_m: f64) -> Result<Self, VolumeError> {
        outline.check()?;
        let closed = matches!(outline, Outline::Polygon(_));
        let line = Line::new(outline.points(), closed)?;
        let width_mm = match outline {
            Outline::Polygon(_) => 0,
            Outline::Circle { radius_mm, .. } => *radius_mm,
            Outline::Corridor { half_width_mm, .. } => *half_width_mm,
        };
        let around = width_mm as f64 / 1000.0 + buffer_m;
        let (centre, reach) = line.ball();
        let (low, high) = line.bounds();
        let mut shape = Self { line, around, inside: None, centre, radius: reach + around, low, high };
        if closed {
            shape.line.check_simple()?;
            let left = shape.line.left_is_smaller();
            shape.inside = Some(Inside { left, sample: shape.line.corners[0] });
            let sample = shape.find_sample();
            shape.inside = Some(Inside { left, sample });
            // The ring's ball holds the inside too, unless the far side of the earth is inside.
            let far = earth::norm(centre);
            let opposite = if far > 1.0 { centre.map(|c| -c / far * earth::A) } else { [0.0, 0.0, earth::A] };
            if far <= 1.0 || shape.holds(opposite) {
                shape.radius = f64::INFINITY;
            }
        }
        shape.fit_box();
        Ok(shape)
    }

    /// Widens the line's box to hold everything. On the ellipsoid a coordinate is greatest and least where an axis leaves it, so
    /// over a region it is so on the border, or at such a point inside.
    fn fit_box(&mut self) {
        let b = earth::A * (1.0 - earth::F);
        for n in 0..3 {
            for sign in [-1.0, 1.0] {
                let mut end = [0.0; 3];
                end[n] = sign * if n == 2 { b } else { earth::A };
                if self.inside.is_some() && self.distance_at_least(end) <= 0.0 && self.holds(end)
                    || self.radius.is_infinite()
                {
                    self.low[n] = self.low[n].min(end[n]);
                    self.high[n] = self.high[n].max(end[n]);
                }
            }
            self.low[n] -= self.around + BOX_MARGIN_M;
            self.high[n] += self.around + BOX_MARGIN_M;
        }
    }

    /// A point well inside the polygon, beside the middle of an edge: the first that is deep enough, else the deepest.
    fn find_sample(&self) -> Point {
        let mut best = (0.0, self.line.corners[0]);
        for edge in 0..self.line.edge_count().min(SAMPLE_EDGES) {
            let length = self.line.edge_length(edge);
            let middle = self.line.point(edge, 0.5 * length);
            let ahead = self.line.point(edge, 0.5 * length + (0.25 * length).min(100.0));
            let Some((_, azimuth)) = earth::inverse(middle.lat, middle.lon, ahead.lat, ahead.lon) else { continue };
            for turn in [90.0, -90.0] {
                let mut off = 0.5 * length;
                while off > MARGIN_M {
                    let (lat, lon) = earth::direct(middle.lat, middle.lon, azimuth + turn, off);
                    let point = Point::new(lat, lon);
                    let depth = -self.distance(&point);
                    if depth > SAMPLE_DEPTH_M {
                        return point;
                    }
                    if depth > best.0 {
                        best = (depth, point);
                    }
                    off /= 4.0;
                }
            }
        }
        best.1
    }

    fn holds(&self, pos: Vec3) -> bool {
        self.inside.is_some_and(|i| self.line.left_of(pos) == i.left)
    }

    /// Distance from the shape's border, metres: negative inside.
    pub fn distance(&self, p: &Point) -> f64 {
        let to_line = self.line.nearest(p, f64::INFINITY).map_or(f64::INFINITY, |foot| foot.distance);
        (if self.holds(p.pos) { -to_line } else { to_line }) - self.around
    }

    /// A ball around everything: centre and radius, which is infinite for what holds half of the earth.
    pub fn ball(&self) -> (Vec3, f64) {
        (self.centre, self.radius)
    }

    /// A box in space around everything: its corners.
    pub fn bounds(&self) -> (Vec3, Vec3) {
        (self.low, self.high)
    }

    /// A lower bound of [`Shape::gap`] from the balls alone; less than any number if one holds half of the earth.
    pub fn ball_gap(&self, other: &Self) -> f64 {
        earth::norm(earth::sub(self.centre, other.centre)) - self.radius - other.radius
    }

    /// Number of edges.
    pub fn edges(&self) -> usize {
        self.line.edge_count()
    }

    /// A lower bound of [`Shape::distance`] that costs nothing.
    pub fn distance_at_least(&self, pos: Vec3) -> f64 {
        earth::norm(earth::sub(pos, self.centre)) - self.radius
    }

    /// Gap between two shapes, metres: negative if they overlap, then without meaning beyond [`MARGIN_M`] but that it is
    /// more than it. Gaps of at least `enough` need not be measured exactly.
    pub fn gap(&self, other: &Self, enough: f64) -> f64 {
        let apart = self.ball_gap(other);
        if apart >= enough {
            return apart;
        }
        let around = self.around + other.around;
        if around == 0.0 && self.inside.is_some() && other.inside.is_some() {
            return self.polygon_gap(other);
        }
        for (x, y) in [(self, other), (other, self)] {
            if let Some(point) = x.line.corners.first().filter(|c| y.holds(c.pos)) {
                let depth = y.line.nearest(point, f64::INFINITY).map_or(0.0, |foot| foot.distance);
                return -(depth + around);
            }
        }
        if self.edges_meeting(other).next().is_some() {
            return -around;
        }
        self.line_distance(other) - around
    }

    /// Least distance of two lines that do not cross. Between geodesics that is at an end of one of them: on a surface
    /// that bends like the earth's, the distance from a line has no minimum in between.
    fn line_distance(&self, other: &Self) -> f64 {
        let mut least = f64::INFINITY;
        for (x, y) in [(self, other), (other, self)] {
            for corner in &x.line.corners {
                if let Some(foot) = y.line.nearest(corner, least) {
                    least = foot.distance;
                }
            }
        }
        least
    }

    fn edges_meeting<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (usize, usize)> + 'a {
        let pairs = (0..self.line.edge_count()).flat_map(move |a| (0..other.line.edge_count()).map(move |b| (a, b)));
        pairs.filter(move |(a, b)| self.line.meets(*a, &other.line, *b))
    }

    /// The same for two polygons, where "overlap" needs a depth: borders that only touch are no deeper than the margin.
    fn polygon_gap(&self, other: &Self) -> f64 {
        const DEEP: f64 = -1.0;
        let mut met = false;
        for (a, b) in self.edges_meeting(other) {
            met = true;
            let near = |line: &Line, edge: usize, ends: [Point; 2]| {
                ends.iter().any(|end| line.nearest_on(edge, end, 2.0 * MARGIN_M).is_some())
            };
            if !near(&self.line, a, other.line.ends(b)) && !near(&other.line, b, self.line.ends(a)) {
                return DEEP;
            }
        }
        for (x, y) in [(self, other), (other, self)] {
            let deep = |p: &Point| y.distance_at_least(p.pos) < 0.0 && y.distance(p) < -MARGIN_M;
            // Corners; points well inside (equal polygons); and where borders run together, the stretches between the
            // other's corners.
            if x.line.corners.iter().any(deep) || x.inside.is_some_and(|i| deep(&i.sample)) {
                return DEEP;
            }
            if met && x.stretches(y).iter().any(deep) {
                return DEEP;
            }
        }
        if met { 0.0 } else { self.line_distance(other) }
    }

    /// Middles of the stretches into which another polygon's corners cut this one's edges.
    fn stretches(&self, other: &Self) -> Vec<Point> {
        let mut middles = Vec::new();
        for edge in 0..self.line.edge_count() {
            let mut cuts = Vec::from([0.0, self.line.edge_length(edge)]);
            for corner in &other.line.corners {
                if let Some(foot) = self.line.nearest_on(edge, corner, 2.0 * MARGIN_M) {
                    cuts.push(foot.along);
                }
            }
            cuts.sort_unstable_by(f64::total_cmp);
            for pair in cuts.windows(2).filter(|w| w[1] - w[0] > MARGIN_M) {
                middles.push(self.line.point(edge, 0.5 * (pair[0] + pair[1])));
            }
        }
        middles
    }
}

/// To spare around a box, metres: half for the arc over a chunk's chord (0.32 m), half for touching at 1 cm and rounding.
const BOX_MARGIN_M: f64 = 1.0;
/// Deep enough for a sample, metres.
const SAMPLE_DEPTH_M: f64 = 0.5;
/// Edges beside which a sample is looked for.
const SAMPLE_EDGES: usize = 16;
