//! The deterministic simulator: nodes of the real state, journal and link over disks, clocks and a network that fail, with
//! officers, traffic and hostile peers, and checkers that see what was written to wire and disk.
//!
//! **In scope.** Everything below the sockets: `fold` (the order of append, sync, fold, act; recovery; link logs), `journal`,
//! `node`, `link`, `release`, `desk`, as they ship. Virtual time, one thread, one seed: the same seed gives the same trace.
//!
//! **Out of scope.** TLS, HTTP/2, the queue before the fold, the API, feeds' formats and the dialling task of the binary, which is
//! rewritten here in a few lines: `docs/simulator.md` says what this leaves to the tests with real processes.
//!
//! # Invariants
//!
//! - No clock, no entropy, no order of a hash map: a seed and a [`Config`] give one trace hash, on any machine.
//! - The checkers share no code with what they check but codecs.
//! - A hostile peer never uses the protocol's machine.
#![forbid(unsafe_code)]

pub mod check;
mod dialling;
mod effects;
mod ending;
#[macro_use]
pub mod event;
mod faulty;
mod forks;
mod host;
mod keychange;
mod liars;
mod looking;
mod net;
mod parties;
mod people;
mod plants;
mod random;
mod services;
mod serving;
pub mod swarm;
mod trace;
pub mod twice;
pub mod witnesses;
mod world;

use event::Event;
use random::Random;
use std::collections::BTreeMap;
pub use swarm::{Config, Plant};
pub use world::World;

/// What came of a seed.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Hash over all that happened.
    pub hash: u64,
    /// Events by type.
    pub counts: BTreeMap<Event, u64>,
    /// Simulated hours of honest nodes.
    pub node_hours: f64,
    /// What the checkers found.
    pub violations: Vec<String>,
    /// The last events.
    pub last: Vec<String>,
}

/// Runs a seed.
#[must_use]
pub fn run(seed: u64, config: &Config) -> Outcome {
    let mut world = World::new(Random::new(seed), config);
    world.run();
    world.outcome(seed)
}
