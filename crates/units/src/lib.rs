//! Quantities with their units: what is stored, signed or exchanged is an integer.
//!
//! In scope: time, positions, heights with their reference, speeds, angles, and the earth model's few formulas.
//! Out of scope: volumes (`airspace`), aircraft (`track`), any decision (`detect`).
//!
//! Invariants: no floating point in a stored value; no conversion between height references without a model;
//! an unknown altitude is a case of its own and never a number.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod altitude;
mod class;
pub mod earth;
mod motion;
mod position;
mod time;

pub use altitude::{Altitude, Height, Reference};
pub use class::AircraftClass;
pub use motion::{Angle, Speed, VerticalRate};
pub use position::{Position, PositionError, Vertex};
pub use time::{Mono, Now, Utc};

/// One nautical mile in millimetres (exact, by definition 1852 m).
pub const NM_MM: i64 = 1_852_000;
