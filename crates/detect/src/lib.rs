//! Verdicts about the sky: which tracks will come too close, which volumes meet, who is inside what.
//!
//! In scope: track to track (prediction and observation), well clear of drones and the persistence of its alerts, volume to
//! volume, track to volume, conformance, screening against protected sites; the all-pairs sweep, the incremental
//! indices of tracks and of volumes, and the seeded scenarios they are judged on; the same for pairs in a flat local frame.
//! Out of scope: which reports belong to one aircraft and which pairs matter to whom (`node`), alerts and their
//! hold times (`desk`), minima as agreed (`pact`).
//!
//! Invariants: a verdict is `Conflict`, `Clear` or `Unknown`, and `Clear` needs proof; what cannot be known (level,
//! velocity, an old report) widens or is said, and never narrows; the order of floating-point operations is fixed and
//! only `libm` is used, so every node reproduces a decision bit for bit; heights are compared as integers whenever the
//! vertical speed between two tracks is zero; a filter may pass too many pairs and never too few, and [`brute_force`]
//! is the judge of that.
//!
//! Standards: ASTM F3548-21 (volumes: closed sets, 1 cm, GEN0500); horizontal geometry on WGS-84.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod approach;
mod encounter;
mod grid;
mod index;
mod intent;
mod kinematics;
mod line;
mod minima;
mod monitor;
mod plane;
mod presence;
pub mod scenario;
mod screen;
mod separation;
mod shape;
mod sweep;
mod verdict;
mod volume;
mod volumes_index;
mod wellclear;

pub use approach::{Approach, approach};
pub use encounter::{
    AltitudeBasis, Encounter, MIXED_ALLOWANCE, MIXED_PART, SLICE_M, TOUT_MAX_S, UNKNOWN_SPEED_MPS, slice_m,
    track_track, vertical_error,
};
pub use index::Index;
pub use intent::{Intent, Known, Path, path_path};
pub use kinematics::{AGE_FREE_MS, AGE_MAX_MS, AHEAD_MAX_MS, Kinematics, State, TURN_MPS2};
pub use minima::{Minima, MinimaError, MinimaTable};
pub use monitor::{WellClearAlerting, WellClearChange, WellClearMonitor};
pub use plane::{PLANE_MAX_M, PlaneState};
pub use presence::{
    ACCURACY_ASSUMED_M, Airspace, Conformance, INSTANT_S, INTERVALS_MAX, Presence, TrackVolume, conformance,
    track_volume,
};
pub use screen::{Hit, PreparedSite};
pub use separation::{GAP_MAX_MS, Observed, observed_at, observed_between};
pub use sweep::{Alone, Item, Pair, Sweep, Workers, brute_force, sweep, sweep_between, sweep_reports, sweep_with};
pub use verdict::{Verdict, Why};
pub use volume::{Meeting, Overlap, PlanMeeting, PreparedVolume, plan_plan, volume_volume};
pub use volumes_index::{Extent, VolumeIndex, highest, lowest};
pub use wellclear::{WellClear, WellClearError, WellClearLoss, well_clear};

/// Version of the decisions in this crate, stored with each of them. Changes whenever any input could be judged differently.
pub const ENGINE: &str = "skypact-detect-2";

/// The earth model of every decision.
pub const EARTH: &str = units::earth::MODEL;
