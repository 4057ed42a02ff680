//! Where a rule applies, and boxes that surely hold an outline.
use airspace::{Outline, limits::RADIUS_MAX_MM};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::{Position, Vertex, earth};

/// A simple area of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Area {
    /// Between two parallels and two meridians, inclusive; if `west` is east of `east` it crosses the antimeridian.
    #[n(0)]
    Box {
        /// Southern edge, degrees × 1e-7.
        #[n(0)]
        south_e7: i32,
        /// Western edge, degrees × 1e-7.
        #[n(1)]
        west_e7: i32,
        /// Northern edge, degrees × 1e-7.
        #[n(2)]
        north_e7: i32,
        /// Eastern edge, degrees × 1e-7.
        #[n(3)]
        east_e7: i32,
    },
    /// Around a point, measured on a sphere of the mean radius: right to 0.5 %.
    #[n(1)]
    Circle {
        /// Centre.
        #[n(0)]
        centre: Position,
        /// Radius, millimetres.
        #[n(1)]
        radius_mm: i64,
    },
}

impl Area {
    /// The first number out of range, or one in range: name, value, least, most.
    pub(crate) fn worst(&self) -> (&'static str, i64, i64, i64) {
        const LAT: i64 = 900_000_000;
        const LON: i64 = 1_800_000_000;
        let numbers: [(&'static str, i64, i64, i64); 5] = match *self {
            Self::Box { south_e7, west_e7, north_e7, east_e7 } => [
                ("south edge of the area (1e-7 degrees)", south_e7.into(), -LAT, LAT),
                ("north edge of the area (1e-7 degrees)", north_e7.into(), i64::from(south_e7).max(-LAT), LAT),
                ("west edge of the area (1e-7 degrees)", west_e7.into(), -LON, LON),
                ("east edge of the area (1e-7 degrees)", east_e7.into(), -LON, LON),
                ("east edge of the area (1e-7 degrees)", east_e7.into(), -LON, LON),
            ],
            Self::Circle { centre, radius_mm } => [
                ("latitude of the area (1e-7 degrees)", centre.lat_e7.into(), -LAT, LAT),
                ("longitude of the area (1e-7 degrees)", centre.lon_e7.into(), -LON, LON),
                ("radius of the area (mm)", radius_mm, 1, RADIUS_MAX_MM),
                ("radius of the area (mm)", radius_mm, 1, RADIUS_MAX_MM),
                ("radius of the area (mm)", radius_mm, 1, RADIUS_MAX_MM),
            ],
        };
        let bad = numbers.iter().find(|(_, got, min, max)| !(min..=max).contains(&got));
        *bad.unwrap_or(&numbers[0])
    }

    /// Whether the point lies in the area.
    #[must_use]
    pub fn contains(&self, at: Position) -> bool {
        match *self {
            Self::Box { south_e7, west_e7, north_e7, east_e7 } => {
                let lon = if west_e7 <= east_e7 {
                    (west_e7..=east_e7).contains(&at.lon_e7)
                } else {
                    at.lon_e7 >= west_e7 || at.lon_e7 <= east_e7
                };
                lon && (south_e7..=north_e7).contains(&at.lat_e7)
            }
            Self::Circle { centre, radius_mm } => within(centre.vertex(), at.vertex(), radius_mm as f64 / 1000.0),
        }
    }

    /// Whether any point of the box can be in the area; errs towards yes.
    pub(crate) fn may_touch(&self, other: &GeoBox) -> bool {
        match *self {
            Self::Box { .. } => self.as_box().is_none_or(|own| own.meets(other)),
            Self::Circle { .. } => self.cover().is_none_or(|own| own.meets(other)),
        }
    }

    /// Whether every point of the box is in the area; errs towards no.
    pub(crate) fn surely_holds(&self, other: &GeoBox) -> bool {
        match *self {
            Self::Box { .. } => self.as_box().is_some_and(|own| own.holds(other)),
            Self::Circle { centre, radius_mm } => {
                // Of a box narrower than this the farthest point is a corner; one in a hundred covers the sphere.
                let near = radius_mm as f64 / 1000.0 * 0.99;
                other.width_e9 < 90 * E9 && other.corners().into_iter().all(|c| within(centre.vertex(), c, near))
            }
        }
    }

    /// A box that surely holds the area.
    pub(crate) fn cover(&self) -> Option<GeoBox> {
        match *self {
            Self::Box { .. } => self.as_box(),
            Self::Circle { centre, radius_mm } => GeoBox::point(centre.vertex()).grown(radius_mm + radius_mm / 100),
        }
    }

    fn as_box(&self) -> Option<GeoBox> {
        let Self::Box { south_e7, west_e7, north_e7, east_e7 } = *self else { return None };
        let e9 = |e7: i32| i64::from(e7) * 100;
        let width = e9(east_e7) - e9(west_e7);
        let width_e9 = if width < 0 { width + TURN_E9 } else { width };
        Some(GeoBox { south_e9: e9(south_e7), north_e9: e9(north_e7), west_e9: e9(west_e7), width_e9 })
    }
}

const E9: i64 = 1_000_000_000;
const TURN_E9: i64 = 360 * E9;
/// Shortest degree of latitude, metres (at the equator), rounded down: a distance is never taken for too few degrees.
const DEGREE_MIN_M: f64 = 110_500.0;

fn within(a: Vertex, b: Vertex, radius_m: f64) -> bool {
    let chord = earth::norm(earth::sub(earth::surface(a.lat(), a.lon()), earth::surface(b.lat(), b.lon())));
    chord <= chord_of(radius_m)
}

/// A circle made ready for many points: its numbers worked out, and a box before its geometry.
#[derive(Debug, Clone)]
pub(crate) struct Disc {
    /// Surely holds it; none near a pole.
    cover: Option<GeoBox>,
    /// On the surface, as [`earth::surface`] gives it.
    centre: [f64; 3],
    chord_max: f64,
}

impl Disc {
    pub(crate) fn new(centre: Position, radius_mm: i64) -> Self {
        let v = centre.vertex();
        Self {
            cover: Area::Circle { centre, radius_mm }.cover(),
            centre: earth::surface(v.lat(), v.lon()),
            chord_max: chord_of(radius_mm as f64 / 1000.0),
        }
    }

    /// As [`Area::contains`] of the circle.
    pub(crate) fn contains(&self, at: Position) -> bool {
        let v = at.vertex();
        if self.cover.as_ref().is_some_and(|cover| !cover.holds_point(v)) {
            return false;
        }
        earth::norm(earth::sub(self.centre, earth::surface(v.lat(), v.lon()))) <= self.chord_max
    }
}

/// The chord of a way on the sphere of the mean radius.
fn chord_of(radius_m: f64) -> f64 {
    2.0 * earth::MEAN_RADIUS * libm::sin(radius_m / (2.0 * earth::MEAN_RADIUS))
}

/// A box of latitude and longitude, degrees × 1e-9, inclusive; east is `west + width`, which may pass the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GeoBox {
    pub south_e9: i64,
    pub north_e9: i64,
    pub west_e9: i64,
    pub width_e9: i64,
}

impl GeoBox {
    pub(crate) fn point(v: Vertex) -> Self {
        Self { south_e9: v.lat_e9, north_e9: v.lat_e9, west_e9: v.lon_e9, width_e9: 0 }
    }

    #[cfg(test)]
    pub(crate) fn from_degrees(south: f64, west: f64, north: f64, east: f64) -> Self {
        let e9 = |d: f64| libm::round(d * 1e9) as i64;
        Self { south_e9: e9(south), north_e9: e9(north), west_e9: e9(west), width_e9: e9(east) - e9(west) }
    }

    fn meets(&self, other: &Self) -> bool {
        let lat = self.south_e9 <= other.north_e9 && other.south_e9 <= self.north_e9;
        let offset = (other.west_e9 - self.west_e9).rem_euclid(TURN_E9);
        lat && (offset <= self.width_e9 || offset + other.width_e9 >= TURN_E9)
    }

    fn holds(&self, other: &Self) -> bool {
        let lat = self.south_e9 <= other.south_e9 && other.north_e9 <= self.north_e9;
        let offset = (other.west_e9 - self.west_e9).rem_euclid(TURN_E9);
        lat && (self.width_e9 >= TURN_E9 || offset + other.width_e9 <= self.width_e9)
    }

    /// Whether the point is in the box, for many points: latitude first.
    fn holds_point(&self, v: Vertex) -> bool {
        (self.south_e9..=self.north_e9).contains(&v.lat_e9)
            && (self.width_e9 >= TURN_E9 || (v.lon_e9 - self.west_e9).rem_euclid(TURN_E9) <= self.width_e9)
    }

    /// Whether the point is in the box.
    #[cfg(test)]
    pub(crate) fn has(&self, v: Vertex) -> bool {
        self.holds(&Self::point(v))
    }

    fn corners(&self) -> [Vertex; 4] {
        let at = |lat_e9, lon_e9| Vertex { lat_e9, lon_e9: wrap(lon_e9) };
        let east = self.west_e9 + self.width_e9;
        [
            at(self.south_e9, self.west_e9),
            at(self.south_e9, east),
            at(self.north_e9, east),
            at(self.north_e9, self.west_e9),
        ]
    }

    /// The box with every point within `mm` of it; `None` if that reaches a pole.
    pub(crate) fn grown(&self, mm: i64) -> Option<Self> {
        let by = mm as f64 / 1000.0 / DEGREE_MIN_M;
        let by_e9 = libm::ceil(by * 1e9) as i64;
        let (south_e9, north_e9) = (self.south_e9 - by_e9, self.north_e9 + by_e9);
        let poleward = south_e9.abs().max(north_e9.abs());
        if poleward > POLE_E9 {
            return None;
        }
        // On a sphere the reach in longitude is asin(sin d / cos lat), which is at most d / cos(lat + d).
        let lon_e9 = libm::ceil(by * 1e9 / libm::cos((poleward as f64 / 1e9).to_radians())) as i64;
        let width_e9 = self.width_e9 + 2 * lon_e9;
        (width_e9 < WIDTH_MAX_E9).then(|| Self { south_e9, north_e9, west_e9: wrap(self.west_e9 - lon_e9), width_e9 })
    }

    /// The smallest box that holds both; `None` if it is too wide.
    pub(crate) fn union(&self, other: &Self) -> Option<Self> {
        // East of the first's western edge, by the shorter way round.
        let offset = wrap(other.west_e9 - self.west_e9);
        let west = offset.min(0);
        let width_e9 = self.width_e9.max(offset + other.width_e9) - west;
        (width_e9 < WIDTH_MAX_E9).then(|| Self {
            south_e9: self.south_e9.min(other.south_e9),
            north_e9: self.north_e9.max(other.north_e9),
            west_e9: wrap(self.west_e9 + west),
            width_e9,
        })
    }

    fn join(self, edge: (i64, i64)) -> Self {
        Self { south_e9: self.south_e9.min(edge.0), north_e9: self.north_e9.max(edge.1), ..self }
    }
}

/// Nearest to a pole that a box can come, and widest that it can be: beyond it a box of parallels and meridians is no
/// useful cover, and nothing is said rather than something wrong.
const POLE_E9: i64 = 89 * E9;
/// See [`POLE_E9`].
pub(crate) const WIDTH_MAX_E9: i64 = 60 * E9;

pub(crate) fn wrap(lon_e9: i64) -> i64 {
    (lon_e9 + TURN_E9 / 2).rem_euclid(TURN_E9) - TURN_E9 / 2
}

/// Boxes that together surely hold the outline: one for a polygon or circle, one per leg for a corridor. `None` if it
/// reaches a pole or is too wide for a box.
pub(crate) fn cover(outline: &Outline) -> Option<Vec<GeoBox>> {
    match outline {
        Outline::Circle { centre, radius_mm } => {
            GeoBox::point(*centre).grown(radius_mm + radius_mm / 100).map(|b| alloc::vec![b])
        }
        Outline::Corridor { points, half_width_mm } => {
            let mut legs = Vec::new();
            for leg in points.windows(2).filter(|leg| leg[0] != leg[1]) {
                legs.push(hull(leg, false)?.grown(half_width_mm + half_width_mm / 100)?);
            }
            (!legs.is_empty()).then_some(legs)
        }
        Outline::Polygon(points) => hull(points, true).map(|b| alloc::vec![b]),
    }
}

/// The box of a path of shortest lines. `None` if a closed one goes round a pole, or a line passes too near to one.
fn hull(points: &[Vertex], closed: bool) -> Option<GeoBox> {
    let first = *points.first()?;
    let (mut lon, mut west, mut east) = (first.lon_e9, first.lon_e9, first.lon_e9);
    let mut hull = GeoBox::point(first);
    let last = if closed { Some((*points.last()?, first)) } else { None };
    for (a, b) in points.windows(2).map(|w| (w[0], w[1])).chain(last) {
        let step = wrap(b.lon_e9 - a.lon_e9);
        if step.abs() > WIDTH_MAX_E9 {
            return None;
        }
        lon += step;
        (west, east) = (west.min(lon), east.max(lon));
        hull = hull.join(latitudes(a, b));
    }
    if (closed && lon != first.lon_e9) || hull.south_e9.abs().max(hull.north_e9.abs()) > POLE_E9 {
        return None;
    }
    let width_e9 = east - west;
    (width_e9 < WIDTH_MAX_E9).then(|| GeoBox { west_e9: wrap(west), width_e9, ..hull })
}

/// Least and greatest latitude of the shortest line between two points, widened by more than a sphere differs from the
/// ellipsoid: the line's own curvature on the sphere of geodetic latitudes is of the order of f = 1/298 of its length,
/// and 1/128 of the length plus a metre is added.
fn latitudes(a: Vertex, b: Vertex) -> (i64, i64) {
    let (pa, pb) = (unit(a), unit(b));
    let n = [pa[1] * pb[2] - pa[2] * pb[1], pa[2] * pb[0] - pa[0] * pb[2], pa[0] * pb[1] - pa[1] * pb[0]];
    let sine = earth::norm(n);
    let angle = libm::atan2(sine, earth::dot(pa, pb)).to_degrees();
    let pad = libm::ceil((angle / 128.0 + 1e-5) * 1e9) as i64;
    let (mut south, mut north) = (a.lat_e9.min(b.lat_e9), a.lat_e9.max(b.lat_e9));
    // The line's summit lies between its ends if it leaves both of them to the north (its foot: to the south).
    let leaves_north = |p: earth::Vec3, q: earth::Vec3| q[2] - p[2] * earth::dot(p, q);
    let (from_a, from_b) = (leaves_north(pa, pb), leaves_north(pb, pa));
    let summit = libm::ceil(libm::acos((n[2] / sine.max(1e-15)).abs().min(1.0)).to_degrees() * 1e9) as i64;
    if sine > 1e-15 && from_a > 0.0 && from_b > 0.0 {
        north = north.max(summit);
    }
    if sine > 1e-15 && from_a < 0.0 && from_b < 0.0 {
        south = south.min(-summit);
    }
    (south - pad, north + pad)
}

fn unit(v: Vertex) -> earth::Vec3 {
    let (slat, clat) = libm::sincos(v.lat().to_radians());
    let (slon, clon) = libm::sincos(v.lon().to_radians());
    [clat * clon, clat * slon, slat]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v(lat: f64, lon: f64) -> Vertex {
        Vertex::from_degrees(lat, lon).unwrap()
    }

    /// Oracle: points along the straight chord, projected to the ellipsoid, which is the great ellipse.
    fn along(a: Vertex, b: Vertex) -> impl Iterator<Item = Vertex> {
        let (pa, pb) = (earth::surface(a.lat(), a.lon()), earth::surface(b.lat(), b.lon()));
        (0..=64).map(move |i| {
            let t = f64::from(i) / 64.0;
            let p = [0, 1, 2].map(|k| pa[k] + t * (pb[k] - pa[k]));
            // Scaled to the surface, so that Bowring's formula is exact enough.
            let flat = earth::A * (1.0 - earth::F);
            let s = libm::sqrt((p[0] * p[0] + p[1] * p[1]) / (earth::A * earth::A) + p[2] * p[2] / (flat * flat));
            let (lat, lon) = earth::geodetic(p.map(|x| x / s));
            v(lat, lon)
        })
    }

    proptest! {
        #[test]
        fn a_cover_holds_every_point_of_every_edge(
            lat in -70.0..70.0f64, lon in -180.0..180.0f64,
            steps in prop::collection::vec((-8.0..8.0f64, -12.0..12.0f64), 3..8),
        ) {
            let points: Vec<Vertex> = steps
                .iter()
                .map(|(dlat, dlon)| v(lat + dlat, wrap(((lon + dlon) * 1e9) as i64) as f64 / 1e9))
                .collect();
            let polygon = cover(&Outline::Polygon(points.clone())).unwrap();
            for (i, a) in points.iter().enumerate() {
                for p in along(*a, points[(i + 1) % points.len()]) {
                    prop_assert!(polygon[0].has(p), "{p:?} outside {:?}", polygon[0]);
                }
            }
            let legs = cover(&Outline::Corridor { points: points.clone(), half_width_mm: 1 }).unwrap();
            for (leg, own) in points.windows(2).zip(&legs) {
                for p in along(leg[0], leg[1]) {
                    prop_assert!(own.has(p));
                }
            }
        }
    }

    #[test]
    fn a_long_edge_along_a_parallel_bulges_to_the_pole() {
        let b = cover(&Outline::Polygon(alloc::vec![v(60.0, 0.0), v(60.0, 40.0), v(50.0, 20.0)])).unwrap()[0];
        // tan(summit) = tan(60°) / cos(20°)
        assert!(b.north_e9 > 61_517_000_000 && b.north_e9 < 61_700_000_000, "{b:?}");
    }

    #[test]
    fn what_goes_round_a_pole_or_half_the_world_has_no_box() {
        let cap = alloc::vec![
            v(85.0, 0.0),
            v(85.0, 50.0),
            v(85.0, 100.0),
            v(85.0, 150.0),
            v(85.0, -160.0),
            v(85.0, -110.0),
            v(85.0, -55.0)
        ];
        assert_eq!(cover(&Outline::Polygon(cap)), None);
        assert_eq!(cover(&Outline::Circle { centre: v(89.5, 0.0), radius_mm: 1_000_000_000 }), None);
        assert_eq!(cover(&Outline::Polygon(alloc::vec![v(0.0, 0.0), v(0.0, 70.0), v(10.0, 35.0)])), None);
    }

    #[test]
    fn boxes_meet_and_hold_across_the_antimeridian() {
        let area = Area::Box {
            south_e7: -100_000_000,
            west_e7: 1_790_000_000,
            north_e7: 100_000_000,
            east_e7: -1_790_000_000,
        };
        for (lon, inside) in
            [(179.5, true), (-179.5, true), (-180.0, true), (178.9, false), (-178.9, false), (0.0, false)]
        {
            assert_eq!(area.contains(Position::from_degrees(0.0, lon).unwrap()), inside, "{lon}");
        }
        let b = |w: f64, e: f64| GeoBox::from_degrees(0.0, w, 1.0, e);
        for (other, touch, hold) in [
            (b(179.2, 180.8), true, true),
            (b(178.0, 179.5), true, false),
            (b(-179.5, -178.0), true, false),
            (b(0.0, 1.0), false, false),
        ] {
            assert_eq!((area.may_touch(&other), area.surely_holds(&other)), (touch, hold), "{other:?}");
        }
    }

    #[test]
    fn a_circle_s_answers_about_boxes_err_on_the_safe_side() {
        let area = Area::Circle { centre: Position::from_degrees(47.0, 8.0).unwrap(), radius_mm: 50_000_000 };
        let b = |s: f64, w: f64, n: f64, e: f64| GeoBox::from_degrees(s, w, n, e);
        assert!(area.surely_holds(&b(46.8, 7.8, 47.2, 8.2)));
        assert!(!area.surely_holds(&b(46.5, 7.4, 47.5, 8.6)));
        assert!(area.may_touch(&b(47.44, 8.0, 48.0, 8.1)));
        assert!(!area.may_touch(&b(48.0, 8.0, 49.0, 8.1)));
    }
}
