//! The link between two parties that do not trust each other: the protocol of `spec/link.md` as a state machine.
//!
//! One [`Link`] per peer lives inside the node's fold: inputs are journaled before they are folded, outputs are acted on
//! after that is durable. So no entry, checkpoint or cosignature reaches the peer that a crash could make unhappen.
//!
//! **In scope:** both logs' sizes and roots, the session, what is sent when, what of the peer's is accepted, refused,
//! closed or frozen and why ([`Link`]); the frames ([`Frame`]); the sending order ([`Outbox`], [`EntriesFrame`]);
//! how frames fill a link of constant rate ([`Pacer`], [`Cutter`]).
//!
//! **Out of scope:** sockets, TLS, the length prefix, disk, secret keys, signing (the shell); proofs and notes (`tlog`);
//! what a record means (`node`, `desk`); what may be released (`release`).
//!
//! **Invariants**
//! - Only a `Released<Record>` is appended; nothing else ever leaves.
//! - Sizes only grow: `cosigned <= signed <= out`, `sealed <= held`. Each was signed for, so none goes back.
//! - A refused record is in the tree and never folded. A frame that breaks a rule changes nothing but a counter.
//! - A frozen link stays frozen. What is sent, and when, depends on entries, frames and time alone.
//! - No clock, entropy or I/O; state is `Clone`, `PartialEq` and CBOR both ways; every map has a bound.
//!
//! **Standards:** `spec/link.md`; C2SP signed-note, tlog-checkpoint, tlog-cosignature; RFC 8949 section 4.2.1.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod ahead;
mod clock;
mod config;
mod error;
mod flow;
mod frame;
mod hello;
mod keys;
mod machine;
mod output;
mod pad;
mod reason;
mod receive;
mod ring;
mod share;
mod state;
mod view;
mod witnessed;
mod writer;

pub use ahead::{AHEAD_BYTES_MAX, AHEAD_LATE_MS, AHEAD_MAX, AHEAD_REACH, Denied, URGENT_BYTES_MAX};
pub use clock::ClockWatch;
pub use config::{LinkConfig, origin};
pub use error::{Error, Misuse};
pub use flow::{Lane, Limits, OLD_MS, Rate, WINDOW, is_urgent};
pub use frame::{
    CHECKPOINT_NOTE_BYTES_MAX, CLOSE_TEXT_BYTES_MAX, COSIGNATURE_LINE_BYTES_MAX, ENTRIES_MAX, ENTRY_BYTES_MAX,
    FRAME_BYTES_MAX, Frame, FrameKind, Hello, PACT_TEXT_BYTES_MAX, VERSION,
};
pub use machine::{Appended, Link};
pub use output::{CheckpointOrder, CosignOrder, Output, ShareOrder};
pub use pad::{Cutter, Pacer, Padding, TooLong};
pub use reason::{CloseCode, FrozenReason, Refusal};
pub use receive::{CONTROL_BURST, CONTROL_PER_S};
pub use ring::RING_MAX;
pub use share::{EARLY_LATE_MS, SHARE_EVERY_MS, SHARED_LEAST_MS, SHARED_MAX};
pub use state::SILENCE_MS;
pub use view::{End, LinkState, LinkView};
pub use writer::{ENTRIES_BYTES_MAX, EntriesFrame, OUTBOX_BYTES_MAX, Outbox, Step};
