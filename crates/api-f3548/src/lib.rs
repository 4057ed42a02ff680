//! The HTTP interface of the discovery and synchronization service: ASTM F3548-21 (strategic coordination),
//! ASTM F3411-22a (network remote ID, under `/rid/v2`) and the auxiliary endpoints that clients and monitors use.
//!
//! In scope: wire types, access tokens and scopes, the form of requests, areas to cells. Out of scope: every decision that
//! depends on what is held (`dss`, in the fold), durability (the binary), checking signatures of tokens (`oauth`).
//!
//! Invariants: no answer says that something was written before it is durable; whatever a client sends is bounded, and
//! what is wrong in it is answered with the field's name; a refused request has no effect. Names, shapes and status codes
//! are those of the standard's API description; what differs is in docs/f3548.md and docs/f3411.md.
#![forbid(unsafe_code)]

mod access;
mod app;
mod backend;
mod body;
mod handlers;
mod large;
mod notification;
mod openapi;
mod path;
mod problem;
mod reading;
mod routes;
mod shares;
mod wire;

pub use app::Options;
pub use backend::{Answered, Backend, Details, Outline, Unavailable, Volume};
pub use notification::Notification;
pub use openapi::OPENAPI;
pub use routes::{ROUTES, router};
pub use wire::address::{Address, below};
