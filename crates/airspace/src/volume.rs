//! Outlines and 4D volumes.
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::{Altitude, NM_MM, Utc, Vertex};

/// Bounds on what a stranger may describe as a volume.
pub mod limits {
    /// Vertices of one polygon or corridor. An ACO's longest boundary runs to a few hundred; 1000 × 16 B = 16 kB.
    pub const VERTICES_MAX: usize = 1000;
    /// Volumes of one plan: a 20-hour route at one volume per 5 minutes is 240.
    pub const VOLUMES_MAX: usize = 256;
    /// Radius of a circle or half width of a corridor: 1000 NM, a quarter of the way to the far side being larger
    /// than any airspace measure.
    pub const RADIUS_MAX_MM: i64 = 1000 * super::NM_MM;
    /// Length of a plan's window: 31 days.
    pub const WINDOW_MAX_MS: i64 = 31 * 24 * 3600 * 1000;
}

/// The ground track of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Outline {
    /// A simple polygon without holes, three or more vertices, closed implicitly, winding irrelevant.
    #[n(0)]
    Polygon(#[n(0)] Vec<Vertex>),
    /// All points at most `radius_mm` from `centre`.
    #[n(1)]
    Circle {
        /// Centre.
        #[n(0)]
        centre: Vertex,
        /// Radius, millimetres, inclusive.
        #[n(1)]
        radius_mm: i64,
    },
    /// All points at most `half_width_mm` from a line of two or more points.
    #[n(2)]
    Corridor {
        /// The line's points in order.
        #[n(0)]
        points: Vec<Vertex>,
        /// Half the full width, millimetres, inclusive.
        #[n(1)]
        half_width_mm: i64,
    },
}

/// A lower or upper limit of a volume, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Limit {
    /// No limit on this side (ground below, space above).
    #[n(0)]
    Unlimited,
    /// The limit is at this altitude; `Altitude::Unknown` counts as unlimited in every detector.
    #[n(1)]
    At(#[n(0)] Altitude),
}

/// A volume of airspace in a time window. All four bounds are inclusive (F3548-21: closed sets).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Volume4d {
    /// Ground track.
    #[n(0)]
    pub outline: Outline,
    /// Bottom, inclusive (F3548-21 `altitude_lower`).
    #[n(1)]
    pub lower: Limit,
    /// Top, inclusive (F3548-21 `altitude_upper`).
    #[n(2)]
    pub upper: Limit,
    /// First instant, inclusive.
    #[n(3)]
    pub start: Utc,
    /// Last instant, inclusive.
    #[n(4)]
    pub end: Utc,
}

/// Why a volume is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// Too few vertices for the shape.
    #[error("{shape} needs at least {needed} different points, got {got}")]
    TooFewPoints {
        /// Shape's name.
        shape: &'static str,
        /// Least number.
        needed: usize,
        /// Number given.
        got: usize,
    },
    /// More points or volumes than a node accepts.
    #[error("{what}: at most {max}, got {got}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// Most allowed.
        max: usize,
        /// Number given.
        got: usize,
    },
    /// A radius or half width that is not positive or larger than [`limits::RADIUS_MAX_MM`].
    #[error("{what} must be above 0 and at most 1000 NM, got {got_mm} mm")]
    Radius {
        /// Radius or half width.
        what: &'static str,
        /// Value given, millimetres.
        got_mm: i64,
    },
    /// A coordinate off the earth.
    #[error("point {index}: {error}")]
    Point {
        /// Index of the point, from 0.
        index: usize,
        /// What is wrong with it.
        error: units::PositionError,
    },
    /// The polygon's boundary crosses or touches itself.
    #[error("the boundary crosses itself: edge {a} meets edge {b} (edges counted from 0)")]
    SelfIntersection {
        /// One edge.
        a: usize,
        /// The other.
        b: usize,
    },
    /// An edge or a whole boundary longer than a detector prepares (`detect::line`).
    #[error("{what} is {got_km} km long, at most {max_km} km")]
    TooLong {
        /// Edge or boundary.
        what: &'static str,
        /// Longest, kilometres.
        max_km: u32,
        /// Length, kilometres.
        got_km: u32,
    },
    /// The end lies before the start.
    #[error("the window ends ({end_ms} ms) before it starts ({start_ms} ms)")]
    WindowReversed {
        /// Start, ms UTC.
        start_ms: i64,
        /// End, ms UTC.
        end_ms: i64,
    },
    /// The window is longer than [`limits::WINDOW_MAX_MS`].
    #[error("the window is longer than 31 days")]
    WindowTooLong,
    /// Lower limit above the upper one in the same reference.
    #[error("the lower limit is above the upper limit")]
    LimitsReversed,
    /// A plan without a volume.
    #[error("a plan needs at least one volume")]
    NoVolume,
}

impl Volume4d {
    /// Checks bounds, window, limits and outline. Self-intersection of polygons is checked by `detect::volume::prepare`,
    /// which has the geodesic edges; this check is what every decoder runs first.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), VolumeError> {
        if self.end < self.start {
            return Err(VolumeError::WindowReversed { start_ms: self.start.0, end_ms: self.end.0 });
        }
        if self.end.since_ms(self.start) > limits::WINDOW_MAX_MS {
            return Err(VolumeError::WindowTooLong);
        }
        if let (Limit::At(Altitude::Known(lo, rl)), Limit::At(Altitude::Known(hi, ru))) = (self.lower, self.upper)
            && rl == ru
            && lo > hi
        {
            return Err(VolumeError::LimitsReversed);
        }
        self.outline.check()
    }

    /// Whether the window contains `at` (both ends inclusive).
    #[must_use]
    pub fn active_at(&self, at: Utc) -> bool {
        self.start <= at && at <= self.end
    }
}

impl Outline {
    /// Checks counts, radii and coordinates.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), VolumeError> {
        match self {
            Self::Polygon(points) => check_points(points, "a polygon", 3),
            Self::Circle { centre, radius_mm } => {
                check_radius("radius", *radius_mm)?;
                check_points(core::slice::from_ref(centre), "a circle", 1)
            }
            Self::Corridor { points, half_width_mm } => {
                check_radius("half width", *half_width_mm)?;
                check_points(points, "a corridor", 2)
            }
        }
    }

    /// The points that define the outline.
    #[must_use]
    pub fn points(&self) -> &[Vertex] {
        match self {
            Self::Polygon(points) | Self::Corridor { points, .. } => points,
            Self::Circle { centre, .. } => core::slice::from_ref(centre),
        }
    }
}

fn check_radius(what: &'static str, got_mm: i64) -> Result<(), VolumeError> {
    if got_mm <= 0 || got_mm > limits::RADIUS_MAX_MM {
        return Err(VolumeError::Radius { what, got_mm });
    }
    Ok(())
}

fn check_points(points: &[Vertex], shape: &'static str, needed: usize) -> Result<(), VolumeError> {
    if points.len() > limits::VERTICES_MAX {
        return Err(VolumeError::TooMany { what: "points", max: limits::VERTICES_MAX, got: points.len() });
    }
    for (index, p) in points.iter().enumerate() {
        // A decoder fills the fields directly, so the invariant of `Vertex` is checked here, not assumed.
        match Vertex::new(p.lat_e9, p.lon_e9) {
            Err(error) => return Err(VolumeError::Point { index, error }),
            Ok(v) if v != *p => {
                return Err(VolumeError::Point {
                    index,
                    error: units::PositionError { lat_e9: p.lat_e9, lon_e9: p.lon_e9 },
                });
            }
            Ok(_) => {}
        }
    }
    let mut distinct = points.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < needed {
        return Err(VolumeError::TooFewPoints { shape, needed, got: distinct.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn v(lat: f64, lon: f64) -> Vertex {
        Vertex::from_degrees(lat, lon).unwrap()
    }

    fn volume(outline: Outline) -> Volume4d {
        Volume4d { outline, lower: Limit::Unlimited, upper: Limit::Unlimited, start: Utc(0), end: Utc(10) }
    }

    #[test]
    fn malformed_volumes_are_refused_with_the_rule_broken() {
        let square = vec![v(0.0, 0.0), v(0.0, 1.0), v(1.0, 1.0), v(1.0, 0.0)];
        assert_eq!(volume(Outline::Polygon(square.clone())).check(), Ok(()));
        assert!(matches!(
            volume(Outline::Polygon(square[..2].to_vec())).check(),
            Err(VolumeError::TooFewPoints { needed: 3, got: 2, .. })
        ));
        assert!(matches!(
            volume(Outline::Circle { centre: v(1.0, 1.0), radius_mm: 0 }).check(),
            Err(VolumeError::Radius { .. })
        ));
        let off = Vertex { lat_e9: 91_000_000_000, lon_e9: 0 };
        assert!(matches!(
            volume(Outline::Corridor { points: vec![off, v(0.0, 0.0)], half_width_mm: 10 }).check(),
            Err(VolumeError::Point { index: 0, .. })
        ));
        let many = (0..1001).map(|i| v(0.0, f64::from(i) / 100.0)).collect();
        assert!(matches!(volume(Outline::Polygon(many)).check(), Err(VolumeError::TooMany { .. })));
        let mut reversed = volume(Outline::Polygon(square.clone()));
        reversed.end = Utc(-1);
        assert!(matches!(reversed.check(), Err(VolumeError::WindowReversed { .. })));
        let mut upside_down = volume(Outline::Polygon(square));
        upside_down.lower = Limit::At(Altitude::pressure_feet(2000));
        upside_down.upper = Limit::At(Altitude::pressure_feet(1000));
        assert_eq!(upside_down.check(), Err(VolumeError::LimitsReversed));
    }
}
