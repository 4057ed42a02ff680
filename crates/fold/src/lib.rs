//! The order of duties around a state: append, sync, fold, and only then act.
//!
//! Everything that enters a node goes through [`Fold::batch`]; what comes of it goes to an [`Outlet`]. The program gives it
//! threads, sockets and a clock; the simulator gives it virtual ones, and so checks the code that ships.
//!
//! **In scope.** Batches, refusal while the journal takes nothing, quarantine of an input that makes the fold fail, snapshots;
//! recovery of a data folder; the link logs on disk as C2SP tiles; what a connection writes for each step of its outbox.
//!
//! **Out of scope.** Connections, dialling, clocks, the queue before the fold, views (`skypact`); what an input means (`node`);
//! how a journal is kept (`journal`).
//!
//! # Invariants
//!
//! - Nothing reaches an outlet before the input that caused it is durable.
//! - When the journal takes no more, nothing is accepted and nothing is signed; the picture goes on with what the feeds bring.
//! - A read that fails never becomes a default: there is an error, and no state.
//! - The link logs' files hold what a snapshot takes for granted before it is written.
#![forbid(unsafe_code)]

mod clock;
mod error;
mod heart;
mod recovery;
mod signer;
mod store;
mod stores;
#[cfg(test)]
mod tests;
mod wire;

pub use clock::mono_after;
pub use error::Error;
pub use heart::{Fold, NotAccepted, Options, Outlet, Time};
#[doc(hidden)]
pub use recovery::recover_with;
pub use recovery::{Poison, Recovered, apply, base, decision, encode, fold_upto, journal_dir, recover, replay};
pub use signer::Signer;
pub use store::{Files, LogStore};
pub use stores::{LinkStores, Stores, link_dir};
pub use wire::{Steps, Written, fill, write};

/// Bugs that the simulator plants to see that its checkers find them. No configuration leads here.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// Frames leave before the input that caused them is durable.
    PublishBeforeFsync,
    /// Cosignatures leave before what they are over is durable.
    ReceiptBeforeDurable,
    /// A journal that can be read in part only gives a state all the same.
    StateKeptAfterFailedRead,
}
