//! Cells in space that bound who can meet whom.
//!
//! A pair that violates at some t in [0, T) has |s| < D + (v_a + v_b)·T now. Cells are cubes in ECEF, so the poles and
//! the antimeridian need no case of their own. Tracks are kept by reach class (powers of two of 1 km), each class with
//! its own cell size: one fast track enlarges only its own cells.
use crate::kinematics::DRIFT_MAX_M;
use crate::minima::Minima;
use units::earth::Vec3;

/// What bounds every pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    /// Widest lateral minimum, drift of both tracks included, metres.
    pub zone_m: f64,
    /// Longest time a track may move between the position filed and the end of the horizon, seconds.
    pub horizon_s: f64,
}

/// Coordinates of a cell within its class.
pub(crate) type Cell = [i32; 3];

/// For rounding, and for moving by an angle on an ellipsoid whose radius varies by 1 part in 298.
const SLACK: f64 = 1.01;
const SLACK_M: f64 = 1.0;

impl Bounds {
    /// For these minima and positions that may be `age_ms` old.
    pub fn of(widest: &Minima, age_ms: i64) -> Self {
        Self { zone_m: widest.lateral_m() + 2.0 * DRIFT_MAX_M, horizon_s: widest.horizon_s() + age_ms as f64 / 1000.0 }
    }

    /// How far a track of this speed can get.
    pub fn reach(&self, speed_mps: f64) -> f64 {
        speed_mps * self.horizon_s * SLACK + SLACK_M
    }

    /// Smallest class whose reach covers the speed: reach is 2^class km.
    pub fn class(&self, speed_mps: f64) -> u8 {
        let reach = self.reach(speed_mps);
        // A speed without bound would not end; 2^13 km is more than a report's largest speed in half an hour.
        (0..CLASS_MAX).find(|k| class_reach(*k) >= reach).unwrap_or(CLASS_MAX)
    }

    /// How far apart two tracks of these classes can be and still matter.
    pub fn apart(&self, a: u8, b: u8) -> f64 {
        class_reach(a) + class_reach(b) + self.zone_m
    }

    /// Edge of a class's cells: nobody of the same or a lower class matters beyond the neighbouring cell.
    pub fn edge(&self, class: u8) -> f64 {
        self.apart(class, class) * SLACK
    }

    /// The cell of a position.
    pub fn cell(&self, class: u8, pos: Vec3) -> Cell {
        let edge = self.edge(class);
        [floor(pos[0] / edge), floor(pos[1] / edge), floor(pos[2] / edge)]
    }

    /// First and last cell of `class` that meet the box from `low` to `high`.
    pub fn cells(&self, class: u8, low: Vec3, high: Vec3) -> (Cell, Cell) {
        (self.cell(class, low), self.cell(class, high))
    }
}

/// Highest class; 8192 km.
pub(crate) const CLASS_MAX: u8 = 13;

fn class_reach(class: u8) -> f64 {
    1000.0 * f64::from(1u32 << class)
}

fn floor(x: f64) -> i32 {
    libm::floor(x) as i32
}
