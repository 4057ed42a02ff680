//! Append-only signed logs: the Merkle tree, its proofs, signed notes, checkpoints, cosignatures and evidence bundles.
//!
//! Two parties that do not trust each other each keep what was said as a Merkle log. The signer cannot later take a word
//! back, add one or reorder two without a contradiction that any third party can check offline from public keys alone.
//!
//! **In scope:** hashing and proofs ([`Tree`], [`Frontier`], [`inclusion_proof`], [`consistency_proof`] and their
//! verifiers); notes and keys ([`Note`], [`NoteSigner`], [`VerifierKey`]); [`Checkpoint`]; cosignatures ([`cosign`]);
//! equivocation ([`Equivocation`]); what a witness answers ([`witness`]); the tile files of a log ([`LogWriter`], [`LogReader`]); one-file evidence
//! ([`Bundle`], [`verify`]).
//!
//! **Out of scope:** what an entry means (entries are plain bytes); files and fsync (a [`Store`] above does that); when
//! a checkpoint may be signed (durability is the caller's duty, see `journal` and `link`); clocks and entropy (times and
//! seeds are arguments).
//!
//! **Invariants**
//! - A [`Verified`] value can be made only by checking a signature under a key the caller supplied.
//! - Nothing read from foreign bytes allocates by a claimed length, recurses or panics.
//! - Text and signatures of a note are kept as received; nothing is verified over a re-encoding.
//! - One key never signs the same bytes in two meanings: a note that could be read as a cosigned message is refused.
//!
//! **Standards:** RFC 6962 and RFC 9162 section 2.1 (tree, proofs), RFC 8032 (Ed25519, strict verification),
//! RFC 8949 section 4.2.1 (deterministic CBOR), C2SP signed-note, tlog-checkpoint, tlog-cosignature (`cosignature/v1`),
//! tlog-tiles, tlog-witness (`add-checkpoint`). The bundle's format is `spec/evidence.md`.
//!
//! **ML-DSA.** A key carries its algorithm as one byte ([`Algorithm`]). tlog-cosignature assigns 0x06 to ML-DSA-44. Such keys
//! and signature lines are read, kept and passed on today, byte for byte, and verify nothing. To let them verify, give the
//! byte a variant, its material in [`VerifierKey`] and its message in `cosign`; no format and no stored byte changes.
//! A note of 16 ML-DSA-44 cosignatures fits in [`NOTE_BYTES_MAX`].
//!
//! **Stricter than signed-note:** a key name has no control character (such as U+007F), since names end in logs and on
//! screens; an Ed25519 key is no weak point; a note has at most 64 KiB and 16 signatures.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod audit;
mod bundle;
mod checkpoint;
mod codec;
mod cosign;
mod equivocation;
mod error;
mod frontier;
mod hash;
mod key;
mod note;
mod proof;
mod report;
mod standing;
mod store;
mod tiles;
mod tree;
mod trust;
mod verify;
pub mod witness;
mod writer;

pub use audit::{Fault, FirstBad};
pub use bundle::{BUNDLE_BYTES_MAX, Bundle, EntryEvidence, Link, LogEvidence, Unsigned};
pub use checkpoint::{Checkpoint, ORIGIN_BYTES_MAX, open_checkpoint, sign_checkpoint};
pub use cosign::{Cosignature, TIME_S_MAX, cosign, cosignatures, verify_cosignature};
pub use equivocation::{Equivocation, Fork};
pub use error::{Error, Malformed, Misuse, PeerMisbehaved, Refused, Unavailable};
pub use frontier::Frontier;
pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};
pub use key::{Algorithm, KeyId, NAME_BYTES_MAX, NoteSigner, SignsElsewhere, VerifierKey};
pub use note::{NOTE_BYTES_MAX, Note, SIGNATURES_MAX, SignatureLine, Verified, open, sign};
pub use proof::{PROOF_HASHES_MAX, Proof, consistency_root, inclusion_root, verify_consistency, verify_inclusion};
pub use report::{CheckpointFault, CheckpointReport, LinkReport, LogReport, NotProven, Proven, Report, Stretch};
pub use standing::Standing;
pub use store::{LogReader, MemStore, Store, StoreError};
pub use tiles::{
    ENTRY_BYTES_MAX, TILE_WIDTH, TileId, TileKind, bundle_path, decode_bundle, encode_bundle, encode_tile, tile_path,
    tiles_between, width_at,
};
pub use tree::{HashReader, TREE_SIZE_MAX, Tree, consistency_proof, inclusion_proof, root_at};
pub use trust::TrustedKeys;
pub use verify::verify;
pub use writer::LogWriter;
