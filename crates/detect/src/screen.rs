//! Protected sites: everything that comes over or near them.
//!
//! A site has no height: a volume or track above it counts at every level. What is flagged stays flagged until someone
//! gives a reason, which is not decided here.
use crate::kinematics::Kinematics;
use crate::line::Point;
use crate::presence::visits;
use crate::shape::{MARGIN_M, Shape};
use crate::volume::{BALL_MARGIN_M, PreparedVolume};
use crate::volumes_index::Extent;
use airspace::{Limit, Site, VolumeError};
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::Vertex;
use units::earth::Vec3;

/// A site ready to be screened against.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedSite {
    footprint: Shape,
    with_buffer: Shape,
    buffer_m: f64,
}

/// Something within reach of a site.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
pub struct Hit {
    /// Distance on the ground from the footprint, metres; 0 if over it.
    #[n(0)]
    pub distance_m: f64,
    /// Within the buffer, its edge and 1 cm more included.
    #[n(1)]
    pub inside_buffer: bool,
}

impl PreparedSite {
    /// Prepares a site.
    ///
    /// # Errors
    /// What [`Site::check`] refuses, and what [`PreparedVolume::prepare`] does of an outline.
    pub fn prepare(site: &Site) -> Result<Self, VolumeError> {
        site.check()?;
        let buffer_m = site.buffer_mm as f64 / 1000.0;
        let footprint = Shape::new(&site.footprint, 0.0)?;
        Ok(Self { with_buffer: Shape::new(&site.footprint, buffer_m)?, footprint, buffer_m })
    }

    /// A volume, at any level and time.
    #[must_use]
    pub fn volume(&self, volume: &PreparedVolume) -> Hit {
        self.hit(self.footprint.gap(&volume.shape, f64::INFINITY))
    }

    /// A point: a waypoint, a coordinate in a message, an aircraft.
    #[must_use]
    pub fn point(&self, at: Vertex) -> Hit {
        self.hit(self.footprint.distance(&Point::of(at)))
    }

    /// When a track is predicted over the site or its buffer, seconds after the reference time, as in
    /// [`crate::TrackVolume::predicted`]. Empty for a track about which nothing can be said, or in a plane.
    #[must_use]
    pub fn track(&self, track: &Kinematics, horizon_s: f64) -> Vec<(f64, f64)> {
        if track.unknown.is_some() || track.flat {
            return Vec::new();
        }
        visits(track, &self.with_buffer, 0.0, horizon_s)
    }

    /// A ball in space (ECEF, metres) that holds footprint and buffer: centre and radius.
    #[must_use]
    pub fn ball(&self) -> (Vec3, f64) {
        self.with_buffer.ball()
    }

    /// Where footprint and buffer are, at every level and time, for a [`crate::VolumeIndex`].
    #[must_use]
    pub fn extent(&self) -> Extent {
        let (low, high) = self.with_buffer.bounds();
        Extent { low, high, lower: Limit::Unlimited, upper: Limit::Unlimited, window: None }
    }

    /// Whether a volume may come over footprint or buffer, from what costs nothing. `false` is a proof.
    #[must_use]
    pub fn may_meet(&self, volume: &PreparedVolume) -> bool {
        self.extent().may_meet(&volume.extent()) && self.with_buffer.ball_gap(&volume.shape) <= BALL_MARGIN_M
    }

    /// Number of edges: what a decision costs.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.footprint.edges()
    }

    fn hit(&self, distance: f64) -> Hit {
        let distance_m = if distance > 0.0 { distance } else { 0.0 };
        Hit { distance_m, inside_buffer: distance_m <= self.buffer_m + MARGIN_M }
    }
}
