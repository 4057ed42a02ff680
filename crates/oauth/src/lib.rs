//! Verification of OAuth 2.0 bearer access tokens that are signed JWTs, for the interfaces of ASTM F3548-21 and F3411-22a.
//!
//! **In scope:** key sets from PEM files and JWKS documents, signatures (RS256, ES256), the registered claims and the scope,
//! a bounded cache of what was verified.
//!
//! **Out of scope:** fetching keys, clocks (bytes and the time are given), the `Authorization` header, which scope a request
//! needs, making of tokens. Encrypted tokens, opaque ones, and proof of possession are not supported.
//!
//! **Invariants**
//! - The key says which algorithm verifies; a token that names another is refused. Nothing symmetric can be loaded.
//! - Keys come from [`KeySet`] alone: `jku`, `jwk`, `x5u` and `x5c` of a token are never looked at.
//! - Claims are looked at only when the signature is good, so that who cannot sign learns nothing from refusals.
//! - No refusal, log text or `Debug` holds a token.
//! - Size of token, keys tried for it, keys of a document and tokens remembered are bounded.
//! - What is remembered is good no longer than the token itself and the keys that verified it.
//!
//! **Standards:** RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (JWA), RFC 7519 (JWT), RFC 8725 (practices), RFC 9068 (access
//! tokens), RFC 5280 and RFC 8017 (encodings of keys).
#![forbid(unsafe_code)]

mod cache;
mod der;
mod jwks;
mod keys;
mod token;
mod verifier;

pub use cache::REMEMBERED_MAX;
pub use jwks::{JWKS_BYTES_MAX, JWKS_KEYS_MAX, Skipped};
pub use keys::{Algorithm, KeyError, KeySet, PEM_BYTES_MAX, PEM_KEYS_MAX};
pub use token::{Claims, TOKEN_BYTES_MAX};
pub use verifier::{KEYS_TRIED_MAX, Refused, Settings, Verifier};

/// A JSON object. Members that are there twice are refused by serde: readers differ in which they believe. So are arrays, which
/// serde would take for the members in their order.
fn object<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    bytes.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(bytes).ok())?
}
