//! The crate's one error, grouped by who is to blame.

use alloc::string::String;

use crate::key::KeyId;

/// Says why bytes, a signature, a proof or a call were not accepted, grouped by who is to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not have the format.
    #[error("malformed: {0}")]
    Malformed(#[from] Malformed),
    /// The bytes are well formed and what they state is false.
    #[error("peer misbehaved: {0}")]
    PeerMisbehaved(#[from] PeerMisbehaved),
    /// A limit or a rule of ours refuses what the format would allow.
    #[error("refused: {0}")]
    Refused(#[from] Refused),
    /// A stored file could not be had.
    #[error("unavailable: {0}")]
    Unavailable(#[from] Unavailable),
    /// The caller asked for something that has no answer.
    #[error("misuse: {0}")]
    Misuse(#[from] Misuse),
}

/// Bytes that do not have their format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The note is not UTF-8, or has a control character other than newline.
    #[error("note is not plain UTF-8 text (first bad byte at {offset})")]
    NoteText {
        /// Where the first bad byte stands.
        offset: usize,
    },
    /// The note lacks the blank line, a final newline or any signature.
    #[error("note has no signature block")]
    NoteUnsigned,
    /// A signature line does not have its form.
    #[error("signature line {line} of the note is malformed")]
    SignatureLine {
        /// Which signature line, from 0.
        line: usize,
    },
    /// A key name is empty, or has a space, a plus or a control character.
    #[error("key name is empty or has a space, a plus or a control character")]
    KeyName,
    /// A verifier key is not `name+hash+base64`.
    #[error("verifier key is not name+hash+base64")]
    VerifierKey,
    /// A verifier key's hash is not the hash of its name and key.
    #[error("verifier key of {name}: its hash does not fit its name and key")]
    VerifierKeyHash {
        /// The key's name.
        name: String,
    },
    /// A line of a checkpoint does not have its form.
    #[error("line {line} of the checkpoint is malformed")]
    Checkpoint {
        /// Which line, from 1: origin, size, root, then extensions.
        line: usize,
    },
    /// A text is not the base64 of a 32-byte hash.
    #[error("text is not the base64 of a 32-byte hash")]
    Hash,
    /// A cosignature is not a time followed by an Ed25519 signature.
    #[error("cosignature of {name} has {len} bytes, or a time past 2^63-1")]
    Cosignature {
        /// The cosigner's name.
        name: String,
        /// Length of the signature bytes.
        len: usize,
    },
    /// A tile is not a whole number of hashes of the expected width.
    #[error("{path}: {len} bytes are not {width} hashes")]
    Tile {
        /// The tile's path.
        path: String,
        /// Bytes found.
        len: usize,
        /// Hashes expected.
        width: u32,
    },
    /// An entry bundle ends inside an entry, or holds another number of entries.
    #[error("entry bundle is malformed at entry {entry} of {expected}")]
    EntryBundle {
        /// Which entry of the bundle, from 0.
        entry: u32,
        /// How many entries the bundle should hold.
        expected: u32,
    },
    /// An evidence bundle is not the deterministic CBOR of its schema.
    #[error("evidence bundle is malformed at byte {offset}: expected {what}")]
    Bundle {
        /// Where decoding stopped.
        offset: usize,
        /// What was expected there.
        what: &'static str,
    },
}

/// Well-formed bytes whose statement is false.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// A signature that names a known key does not verify under it.
    #[error("signature of {name}+{key_id} does not verify")]
    BadSignature {
        /// The key's name.
        name: String,
        /// The key's id.
        key_id: KeyId,
    },
    /// None of the keys supplied signed the note.
    #[error("note is signed by none of the keys supplied")]
    NotSigned,
    /// A checkpoint belongs to another log.
    #[error("checkpoint is of origin {found}, not {expected}")]
    WrongOrigin {
        /// The origin expected.
        expected: String,
        /// The origin found.
        found: String,
    },
    /// An inclusion proof does not lead to the root.
    #[error("entry {index} is not proven to be in the tree of size {size}")]
    Inclusion {
        /// The entry's index.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// A consistency proof does not lead to both roots.
    #[error("tree of size {new} is not proven to extend the tree of size {old}")]
    Consistency {
        /// The older tree's size.
        old: u64,
        /// The newer tree's size.
        new: u64,
    },
}

/// What the format would allow and we do not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Something is larger than its bound.
    #[error("{what}: {found} exceeds the bound of {max}")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// The bound.
        max: u64,
    },
    /// The public key is of small order, not canonical or not on the curve.
    #[error("public key of {name} is weak or not canonical")]
    WeakKey {
        /// The key's name.
        name: String,
    },
    /// The text could be read as a message of another signature type.
    #[error("text begins like a cosigned message, which one key must not sign in two meanings")]
    AmbiguousText,
    /// Two different keys share a name and an id.
    #[error("two different keys are both named {name}+{key_id}")]
    AmbiguousKey {
        /// The keys' name.
        name: String,
        /// The keys' id.
        key_id: KeyId,
    },
}

/// What a store did not give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// A key that is kept elsewhere gave no signature.
    #[error("the key {name} does not sign: {why}")]
    Signer {
        /// The key's name.
        name: String,
        /// The token's own words.
        why: String,
    },
    /// A file of the log is absent.
    #[error("{path} is absent")]
    Absent {
        /// The path asked for.
        path: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {why}")]
    Store {
        /// The path asked for.
        path: String,
        /// The store's own words.
        why: String,
    },
    /// Stored files of a log do not add up to the root.
    #[error("stored tree of size {size} does not have the expected root")]
    Root {
        /// The tree's size.
        size: u64,
    },
    /// A hash reader does not hold this subtree.
    #[error("hash of subtree {index} at level {level} is not held")]
    Subtree {
        /// The subtree's height.
        level: u8,
        /// Its index at that height.
        index: u64,
    },
}

/// A call that has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// An index or an older size lies outside the tree.
    #[error("{index} is outside a tree of size {size}")]
    OutOfTree {
        /// The index or older size asked for.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The key is of another signature type than the call needs.
    #[error("key of {name} has another signature type than this call needs")]
    WrongAlgorithm {
        /// The key's name.
        name: String,
    },
    /// The text to sign is not a note text: plain UTF-8 that ends in a newline.
    #[error("text to sign is empty, not plain, or does not end in a newline")]
    NoteText,
    /// A bundle to be written breaks a rule of its format.
    #[error("bundle must have {what}")]
    Bundle {
        /// The rule.
        what: &'static str,
    },
}
