//! Hashes of leaves and nodes (RFC 6962 section 2.1).

use alloc::string::String;
use core::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use crate::error::Malformed;

/// A SHA-256 hash of a leaf, a node or a tree.
///
/// Displayed as base64, as in a checkpoint.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(
    /// The 32 bytes.
    pub [u8; 32],
);

impl Hash {
    /// Reads a hash from canonical, padded base64.
    ///
    /// # Errors
    /// [`Malformed::Hash`] unless the text is exactly 32 bytes in canonical base64.
    pub fn from_base64(text: &str) -> Result<Hash, Malformed> {
        // 32 bytes are 44 characters; nothing longer is decoded at all.
        if text.len() != 44 {
            return Err(Malformed::Hash);
        }
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| Malformed::Hash)?;
        bytes.try_into().map(Hash).map_err(|_| Malformed::Hash)
    }

    /// Writes the hash as padded base64.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<C> minicbor::Encode<C> for Hash {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Hash {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let at = d.position();
        let bytes = d.bytes()?;
        let bytes = bytes.try_into();
        bytes.map(Hash).map_err(|_| minicbor::decode::Error::message("a hash has 32 bytes").at(at))
    }
}

/// Hashes an entry: SHA-256 of 0x00 and the entry.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut h = Sha256::new();
    h.update([LEAF]);
    h.update(entry);
    Hash(h.finalize().into())
}

/// Hashes two subtrees: SHA-256 of 0x01, the left hash and the right hash.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut h = Sha256::new();
    h.update([NODE]);
    h.update(left.0);
    h.update(right.0);
    Hash(h.finalize().into())
}

/// The root of the empty tree: SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = Hash([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

// The two prefixes keep a leaf from being read as a node (RFC 6962 section 2.1, second preimage).
const LEAF: u8 = 0x00;
const NODE: u8 = 0x01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_standard() {
        assert_eq!(Hash(Sha256::digest(b"").into()), EMPTY_ROOT);
        // Leaf hash of the empty entry and of 0x00, as in the certificate-transparency test vectors.
        assert_eq!(leaf_hash(b"").to_base64(), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
        assert_ne!(leaf_hash(&[]), EMPTY_ROOT);
    }

    #[test]
    fn base64_that_is_not_canonical_is_refused() {
        let text = EMPTY_ROOT.to_base64();
        assert_eq!(Hash::from_base64(&text), Ok(EMPTY_ROOT));
        let loose = text.replace("uFU=", "uFV=");
        assert_ne!(loose, text);
        for bad in ["", "AAAA", loose.as_str(), &text[..43]] {
            assert_eq!(Hash::from_base64(bad), Err(Malformed::Hash), "{bad}");
        }
    }

    #[test]
    fn cbor_keeps_the_hash_and_refuses_other_lengths() {
        let bytes = minicbor::to_vec(EMPTY_ROOT).unwrap();
        assert_eq!(bytes.len(), 34);
        assert_eq!(minicbor::decode::<Hash>(&bytes).unwrap(), EMPTY_ROOT);
        assert!(minicbor::decode::<Hash>(&[0x41, 0]).is_err());
    }
}
