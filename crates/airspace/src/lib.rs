//! What occupies or limits the sky: outlines, 4D volumes, plans, constraints, protected sites.
//!
//! In scope: the values, and that they are well formed. Out of scope: whether two of them meet (`detect`), how they
//! are encoded for a peer (`record`), who may see them (`release`).
//!
//! Invariants: an [`Outline`] that exists has passed [`Outline::check`]'s bounds when it came through a constructor or
//! a decoder above; sets are closed (their edge belongs to them, in time too); edges are shortest paths on WGS-84;
//! the antimeridian and the poles are ordinary places. Standards: ASTM F3548-21 (words), RFC 7946 (at the edge only).
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod plan;
mod site;
mod volume;

pub use plan::{Plan, PlanState, SpecialHandling};
pub use site::{Site, SiteCategory, Verification};
pub use volume::{Limit, Outline, Volume4d, VolumeError, limits};
