//! Keys to verify with, and where they come from.
use crate::der::{self, Reader};
use crate::jwks::{self, JWKS_BYTES_MAX, JWKS_KEYS_MAX, Skipped};
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};

/// Largest file of keys: a certificate is 1 to 4 kB.
pub const PEM_BYTES_MAX: usize = 64 * 1024;
/// Keys of one file. None of them has an identifier, so that each is tried for every token.
pub const PEM_KEYS_MAX: usize = 8;
/// Bits of an RSA modulus: RFC 7518 asks for 2048; above 8192 one verification takes a millisecond.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

// Object identifiers, as DER.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

/// Why keys were not loaded. Whoever configured or published them is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// More bytes than a file or document of keys may have.
    #[error("{0} bytes of keys, more than {1}")]
    TooLarge(usize, usize),
    /// More keys than one source may have.
    #[error("{0} keys, more than {1}")]
    TooMany(usize, usize),
    /// No block of PEM, or one that is not whole.
    #[error("this is no PEM text with PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE in it")]
    NotPem,
    /// A PEM block of another kind.
    #[error("a PEM block is none of PUBLIC KEY, RSA PUBLIC KEY, CERTIFICATE")]
    Block,
    /// Somebody's secret.
    #[error("a private key is here; only the public key belongs to a verifier, and whoever could read this could sign")]
    Private,
    /// The bytes of a block are not what its label says.
    #[error("a key is not encoded as its label says")]
    Encoding,
    /// Neither RSA nor P-256.
    #[error("a key is for another algorithm than RS256 (RSA) and ES256 (P-256)")]
    Algorithm,
    /// An RSA key that is too small, too large, or none.
    #[error(
        "an RSA key has {0} bits or an exponent that is not taken; 2048 to 8192 bits, and an odd exponent from 3 below 2^33"
    )]
    Rsa(usize),
    /// Not JSON, or no `keys`.
    #[error("this is no JWK set: a JSON object with an array `keys`")]
    NotJwks,
    /// A JWK set in which no key can be used.
    #[error("of the JWK set no key can be used: {0}")]
    NoneUsable(Skipped),
}

/// An algorithm that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
}

impl Algorithm {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Material {
    /// Big-endian, no leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point: 4, x, y. One that is not on the curve verifies nothing.
    P256(Box<[u8; 65]>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) id: Option<String>,
    material: Material,
}

impl Key {
    pub(crate) fn rsa(id: Option<String>, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let stripped = |bytes: &[u8]| bytes.iter().skip_while(|b| **b == 0).copied().collect::<Vec<u8>>();
        let (n, e) = (stripped(n), stripped(e));
        let bits = n.len() * 8 - n.first().map_or(0, |b| b.leading_zeros() as usize);
        let exponent = match e.len() {
            1..=5 => e.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)),
            _ => 0,
        };
        let odd = n.last().is_some_and(|b| b & 1 == 1) && exponent & 1 == 1;
        if !RSA_BITS.contains(&bits) || !odd || !(3..1 << 33).contains(&exponent) {
            return Err(KeyError::Rsa(bits));
        }
        Ok(Self { id, material: Material::Rsa { n, e } })
    }

    pub(crate) fn p256(id: Option<String>, point: [u8; 65]) -> Result<Self, KeyError> {
        if point[0] != 4 {
            return Err(KeyError::Encoding);
        }
        Ok(Self { id, material: Material::P256(Box::new(point)) })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
        }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point[..]).verify(message, signature).is_ok()
            }
        }
    }
}

/// Keys to verify with: immutable, replaced as a whole ([`crate::Verifier::replace_keys`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    pub(crate) keys: Vec<Key>,
}

impl KeySet {
    /// The keys of a PEM text: `PUBLIC KEY`, `RSA PUBLIC KEY`, or the key of a `CERTIFICATE`, of which nothing else is looked at:
    /// whoever put the file there vouches for it. They have no identifier, so that a token is verified by any of them.
    ///
    /// # Errors
    /// If it holds no key, or anything that is not a public key for RS256 or ES256.
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        if pem.len() > PEM_BYTES_MAX {
            return Err(KeyError::TooLarge(pem.len(), PEM_BYTES_MAX));
        }
        let text = std::str::from_utf8(pem).map_err(|_| KeyError::NotPem)?;
        let blocks = der::pem(text).filter(|blocks| !blocks.is_empty()).ok_or(KeyError::NotPem)?;
        if blocks.len() > PEM_KEYS_MAX {
            return Err(KeyError::TooMany(blocks.len(), PEM_KEYS_MAX));
        }
        let key = |(label, bytes): &(&str, Vec<u8>)| match *label {
            "PUBLIC KEY" => spki(der::whole(bytes).ok_or(KeyError::Encoding)?),
            "RSA PUBLIC KEY" => pkcs1(bytes),
            "CERTIFICATE" => spki(certificate(bytes).ok_or(KeyError::Encoding)?),
            label if label.ends_with("PRIVATE KEY") => Err(KeyError::Private),
            _ => Err(KeyError::Block),
        };
        let keys = blocks.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::default().with(Self { keys }))
    }

    /// The keys of a JWK set (RFC 7517) that can verify tokens, and how many cannot.
    ///
    /// # Errors
    /// If it is no JWK set, is too large, or has no key that can be used.
    pub fn from_jwks(bytes: &[u8]) -> Result<(Self, Skipped), KeyError> {
        if bytes.len() > JWKS_BYTES_MAX {
            return Err(KeyError::TooLarge(bytes.len(), JWKS_BYTES_MAX));
        }
        let (keys, skipped) = jwks::read(bytes, JWKS_KEYS_MAX)?;
        match keys.is_empty() {
            true => Err(KeyError::NoneUsable(skipped)),
            false => Ok((Self::default().with(Self { keys }), skipped)),
        }
    }

    /// These keys and the other ones; one that is in both is there once.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for key in other.keys {
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        }
        self
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it verifies nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Each key's identifier and algorithm, to be shown.
    pub fn keys(&self) -> impl Iterator<Item = (Option<&str>, Algorithm)> {
        self.keys.iter().map(|key| (key.id.as_deref(), key.algorithm()))
    }
}

/// SubjectPublicKeyInfo, RFC 5280 4.1.
fn spki(mut info: Reader<'_>) -> Result<Key, KeyError> {
    let mut read = || {
        let mut algorithm = info.sequence()?;
        let (kind, key) = (algorithm.take(der::OID)?, info.bits()?);
        info.is_empty().then_some((kind, algorithm, key))
    };
    let (kind, mut parameters, key) = read().ok_or(KeyError::Encoding)?;
    match kind {
        RSA if parameters.take(der::NULL) == Some(&[]) && parameters.is_empty() => pkcs1(key),
        EC if parameters.take(der::OID) == Some(P256) && parameters.is_empty() => {
            // A compressed point is allowed by RFC 5480 and made by nobody.
            Key::p256(None, key.try_into().map_err(|_| KeyError::Encoding)?)
        }
        _ => Err(KeyError::Algorithm),
    }
}

/// RSAPublicKey, RFC 8017 A.1.1.
fn pkcs1(bytes: &[u8]) -> Result<Key, KeyError> {
    let read = || {
        let mut key = der::whole(bytes)?;
        let (n, e) = (key.unsigned()?, key.unsigned()?);
        key.is_empty().then_some((n, e))
    };
    let (n, e) = read().ok_or(KeyError::Encoding)?;
    Key::rsa(None, n, e)
}

/// The subjectPublicKeyInfo of a certificate, RFC 5280 4.1.
fn certificate(bytes: &[u8]) -> Option<Reader<'_>> {
    let mut body = der::whole(bytes)?.sequence()?;
    let _version = body.take(der::CONTEXT_0);
    body.take(der::INTEGER)?;
    for _signature_issuer_validity_subject in 0..4 {
        body.sequence()?;
    }
    body.sequence()
}
