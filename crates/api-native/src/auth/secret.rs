//! Secrets: made of 256 random bits, kept as their hash, compared in constant time.
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::hint::black_box;

/// The form in which a secret is kept.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// 43 characters of 256 bits.
pub(crate) fn text(random: [u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(random)
}

/// Whether two texts are equal, in a time that depends on neither's content.
pub(crate) fn equal(a: &str, b: &str) -> bool {
    // The hashes are as long as each other, and nobody can choose them to agree in their first bytes.
    let (a, b) = (hash(a), hash(b));
    let differences = a.iter().zip(&b).fold(0u8, |all, (a, b)| black_box(all | (a ^ b)));
    differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_texts_are_equal() {
        assert!(equal("", "") && equal("abc", "abc"));
        for (a, b) in [("", "a"), ("abc", "abd"), ("abc", "abcd"), ("abc", "ABC")] {
            assert!(!equal(a, b), "{a} {b}");
        }
        assert_eq!(text([0xFF; 32]).len(), 43);
    }
}
