//! JWK sets, RFC 7517.
use crate::keys::{Key, KeyError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use std::fmt;

/// Largest document: 100 RSA keys of 4096 bits, 683 bytes of base64 each, with as much again beside.
pub const JWKS_BYTES_MAX: usize = 128 * 1024;
/// Keys of a document, used or not. Authorization servers publish two to ten.
pub const JWKS_KEYS_MAX: usize = 100;

/// Keys of a JWK set that are not used, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Neither RSA nor P-256.
    pub kind: u32,
    /// For encryption, or for another algorithm than the one of its kind.
    pub usage: u32,
    /// RSA with less than 2048 bits, or more than 8192.
    pub strength: u32,
    /// Published with its private part: anybody can sign with it.
    pub private: u32,
    /// Lacks a member, or one is not what it has to be.
    pub broken: u32,
}

impl Skipped {
    /// Of all reasons.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.kind + self.usage + self.strength + self.private + self.broken
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, usage, strength, private, broken } = self;
        write!(f, "{kind} of other kinds, {usage} for another use, {strength} too weak or too large, ")?;
        write!(f, "{private} with the private part, {broken} broken")
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

/// What kind it is comes first: members of other kinds may be anything.
#[derive(Deserialize)]
struct Kind {
    kty: String,
    crv: Option<String>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

/// Why a key is not used: the count that it goes to.
type Count = fn(&mut Skipped) -> &mut u32;

pub(crate) fn read(bytes: &[u8], max: usize) -> Result<(Vec<Key>, Skipped), KeyError> {
    let document: Document = crate::object(bytes).ok_or(KeyError::NotJwks)?;
    if document.keys.len() > max {
        return Err(KeyError::TooMany(document.keys.len(), max));
    }
    let (mut keys, mut skipped) = (Vec::new(), Skipped::default());
    for value in document.keys {
        match key(value) {
            Ok(key) => keys.push(key),
            Err(count) => *count(&mut skipped) += 1,
        }
    }
    Ok((keys, skipped))
}

fn key(value: serde_json::Value) -> Result<Key, Count> {
    let broken: Count = |skipped| &mut skipped.broken;
    let of = Kind::deserialize(&value).map_err(|_| broken)?;
    let algorithm = match (of.kty.as_str(), of.crv.as_deref()) {
        ("RSA", _) => "RS256",
        ("EC", Some("P-256")) => "ES256",
        ("EC", None) => return Err(broken),
        _ => return Err(|skipped| &mut skipped.kind),
    };
    let jwk = Jwk::deserialize(value).map_err(|_| broken)?;
    if jwk.d.is_some() {
        return Err(|skipped| &mut skipped.private);
    }
    let verifies = jwk.key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if jwk.usage.is_some_and(|usage| usage != "sig") || jwk.alg.is_some_and(|alg| alg != algorithm) || !verifies {
        return Err(|skipped| &mut skipped.usage);
    }
    let decoded = |member: Option<String>| URL_SAFE_NO_PAD.decode(member.ok_or(broken)?).map_err(|_| broken);
    if algorithm == "RS256" {
        return Key::rsa(jwk.kid, &decoded(jwk.n)?, &decoded(jwk.e)?).map_err(|_| (|s| &mut s.strength) as Count);
    }
    let (x, y) = (decoded(jwk.x)?, decoded(jwk.y)?);
    if x.len() != 32 || y.len() != 32 {
        return Err(broken);
    }
    let point = [&[4][..], &x, &y].concat();
    Key::p256(jwk.kid, point.try_into().map_err(|_| broken)?).map_err(|_| broken)
}
