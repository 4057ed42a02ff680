//! Verifier keys and signers of notes (C2SP signed-note, "Verifier keys").

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::error::{Error, Malformed, Refused, Unavailable};

/// A public key that notes are checked with: a name, a signature type and the key itself.
///
/// Written `name+hash+base64(type || key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    algorithm: Algorithm,
    material: Vec<u8>,
    ed25519: Option<VerifyingKey>,
}

impl VerifierKey {
    /// Makes a key from its parts; the id follows from them.
    ///
    /// # Errors
    /// [`Malformed::KeyName`]; [`Refused::WeakKey`] for an Ed25519 key that is not a canonical point of large order.
    pub fn new(name: &str, algorithm: Algorithm, public: &[u8]) -> Result<VerifierKey, Error> {
        check_name(name)?;
        let ed25519 = match algorithm {
            Algorithm::Ed25519 | Algorithm::CosignatureV1 => Some(strict_point(name, public)?),
            Algorithm::Unknown(_) => None,
        };
        let id = KeyId::of(name, algorithm, public);
        Ok(VerifierKey { name: name.to_owned(), id, algorithm, material: public.to_vec(), ed25519 })
    }

    /// Gives the key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Gives the signature type.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Gives the public key's bytes: 32 for the two types that verify here.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.material
    }

    /// Tells whether the Ed25519 signature of the message is this key's; never for an unknown type.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        // The strict equation: small-order points and non-canonical scalars are refused, so that every verifier
        // of the same evidence comes to the same answer.
        let (Some(key), Ok(signature)) = (&self.ed25519, Signature::from_slice(signature)) else { return false };
        key.verify_strict(message, &signature).is_ok()
    }
}

impl FromStr for VerifierKey {
    type Err = Error;

    /// Parses `name+hash+base64(type || key)`.
    fn from_str(text: &str) -> Result<VerifierKey, Error> {
        if text.len() > VKEY_BYTES_MAX {
            let found = text.len() as u64;
            return Err(Refused::TooLarge { what: "verifier key, bytes", found, max: VKEY_BYTES_MAX as u64 }.into());
        }
        // Base64 may have a plus too, so only the first two separate.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Malformed::VerifierKey.into());
        };
        let id = KeyId::from_hex(id).ok_or(Malformed::VerifierKey)?;
        let bytes = BASE64_STANDARD.decode(key).map_err(|_| Malformed::VerifierKey)?;
        let (algorithm, public) = bytes.split_first().ok_or(Malformed::VerifierKey)?;
        let mut key = VerifierKey::new(name, Algorithm::from_byte(*algorithm), public)?;
        if key.id != id {
            // Types we do not know may derive their id otherwise (0x02 hashes another encoding).
            if !matches!(key.algorithm, Algorithm::Unknown(_)) {
                return Err(Malformed::VerifierKeyHash { name: key.name }.into());
            }
            key.id = id;
        }
        Ok(key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(1 + self.material.len());
        bytes.push(self.algorithm.byte());
        bytes.extend_from_slice(&self.material);
        write!(f, "{}+{}+{}", self.name, self.id, BASE64_STANDARD.encode(bytes))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// The short identifier of a key, which with its name picks the key to try. It is no fingerprint: it can be collided.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(
    /// Big-endian, as in a signature line.
    pub [u8; 4],
);

impl KeyId {
    /// First four bytes of SHA-256(name || newline || type || public key).
    fn of(name: &str, algorithm: Algorithm, public: &[u8]) -> KeyId {
        let mut h = Sha256::new();
        h.update(name.as_bytes());
        h.update([b'\n', algorithm.byte()]);
        h.update(public);
        let hash: [u8; 32] = h.finalize().into();
        KeyId([hash[0], hash[1], hash[2], hash[3]])
    }

    fn from_hex(text: &str) -> Option<KeyId> {
        let lower = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if text.len() != 8 || !lower {
            return None;
        }
        u32::from_str_radix(text, 16).ok().map(|id| KeyId(id.to_be_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The signature type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// 0x01: Ed25519 over the note text.
    Ed25519,
    /// 0x04: Ed25519 over a time and a checkpoint.
    CosignatureV1,
    /// Any other type: parsed, kept, never verified.
    Unknown(u8),
}

impl Algorithm {
    /// Reads the type's identifier byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Algorithm {
        match byte {
            0x01 => Algorithm::Ed25519,
            0x04 => Algorithm::CosignatureV1,
            other => Algorithm::Unknown(other),
        }
    }

    /// Gives the type's identifier byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Algorithm::Ed25519 => 0x01,
            Algorithm::CosignatureV1 => 0x04,
            Algorithm::Unknown(other) => other,
        }
    }
}

/// Signs with an Ed25519 key that is kept where this process cannot read it: in a token.
pub trait SignsElsewhere: Send + Sync {
    /// The signature of `message` (RFC 8032, pure Ed25519). May wait for the token.
    ///
    /// # Errors
    /// Why there is none, in words for the operator.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], String>;
}

/// Where a secret key is.
enum Secret {
    Here(Box<SigningKey>),
    Elsewhere(Arc<dyn SignsElsewhere>),
}

/// A name and a secret key that sign notes or cosign checkpoints.
///
/// A party that does both uses two names or two seeds: signed-note asks that one public key serve one type.
pub struct NoteSigner {
    key: VerifierKey,
    secret: Secret,
}

impl NoteSigner {
    /// Makes a signer of notes and checkpoints (type 0x01) from an Ed25519 seed.
    ///
    /// # Errors
    /// [`Malformed::KeyName`].
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<NoteSigner, Error> {
        NoteSigner::with(name, Algorithm::Ed25519, seed)
    }

    /// Makes a signer of cosignatures (type 0x04) from an Ed25519 seed.
    ///
    /// # Errors
    /// [`Malformed::KeyName`].
    pub fn cosigner(name: &str, seed: &[u8; 32]) -> Result<NoteSigner, Error> {
        NoteSigner::with(name, Algorithm::CosignatureV1, seed)
    }

    fn with(name: &str, algorithm: Algorithm, seed: &[u8; 32]) -> Result<NoteSigner, Error> {
        let secret = SigningKey::from_bytes(seed);
        let key = VerifierKey::new(name, algorithm, secret.verifying_key().as_bytes())?;
        Ok(NoteSigner { key, secret: Secret::Here(Box::new(secret)) })
    }

    /// Makes a signer, of notes or of cosignatures, whose secret key is elsewhere; `public` is the key it signs by.
    ///
    /// # Errors
    /// [`Malformed::KeyName`]; [`Refused::WeakKey`].
    pub fn elsewhere(
        name: &str,
        algorithm: Algorithm,
        public: &[u8; 32],
        by: Arc<dyn SignsElsewhere>,
    ) -> Result<NoteSigner, Error> {
        Ok(NoteSigner { key: VerifierKey::new(name, algorithm, public)?, secret: Secret::Elsewhere(by) })
    }

    /// Whether signing may wait for something outside of this process.
    #[must_use]
    pub fn waits(&self) -> bool {
        matches!(self.secret, Secret::Elsewhere(_))
    }

    /// Gives the public key to hand to others.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.key
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> Result<[u8; 64], Error> {
        let failed = |why: String| Unavailable::Signer { name: self.key.name().to_owned(), why };
        match &self.secret {
            Secret::Here(secret) => Ok(secret.sign(message).to_bytes()),
            Secret::Elsewhere(by) => {
                let signature = by.sign(message).map_err(failed)?;
                // What leaves under this name must verify under it, whatever the other side's state is: a wrong signature
                // would look to every peer like an attack of ours.
                if !self.key.verifies(message, &signature) {
                    return Err(failed(String::from("what came back is no signature by this key")).into());
                }
                Ok(signature)
            }
        }
    }
}

/// Shows the public key alone.
impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.key)
    }
}

/// Refuses a name that could not stand in a signature line or a verifier key.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if name.len() > NAME_BYTES_MAX {
        let found = name.len() as u64;
        return Err(Refused::TooLarge { what: "key name, bytes", found, max: NAME_BYTES_MAX as u64 }.into());
    }
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
        return Err(Malformed::KeyName.into());
    }
    Ok(())
}

/// A point that is canonical and not of small order: with a weak key almost any signature verifies.
fn strict_point(name: &str, public: &[u8]) -> Result<VerifyingKey, Error> {
    let public: &[u8; 32] = public.try_into().map_err(|_| Malformed::VerifierKey)?;
    let key = VerifyingKey::from_bytes(public).ok();
    key.filter(|key| !key.is_weak() && key.to_edwards().compress().as_bytes() == public)
        .ok_or_else(|| Refused::WeakKey { name: name.to_owned() }.into())
}

/// Longest key name: what a cosigner's name may have in tlog-cosignature.
pub const NAME_BYTES_MAX: usize = 255;

/// Longest verifier key: a name, the id, and base64 of a type byte and an ML-DSA-44 key of 1312 bytes (1752), rounded up.
const VKEY_BYTES_MAX: usize = NAME_BYTES_MAX + 10 + 1792;

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    /// Published keys: signed-note's example, the Go checksum database's test, a public witness (cosignature/v1).
    const PUBLISHED: [&str; 3] = [
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    ];

    #[test]
    fn published_keys_are_read_and_written_back() {
        for text in PUBLISHED {
            let key: VerifierKey = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
            assert_eq!(key.public().len(), 32);
        }
        let witness: VerifierKey = PUBLISHED[2].parse().unwrap();
        assert_eq!((witness.name(), witness.algorithm()), ("remora.n621.de", Algorithm::CosignatureV1));
    }

    #[test]
    fn every_part_or_change_of_a_key_is_refused() {
        let text = PUBLISHED[1];
        for (i, j) in (0..text.len()).flat_map(|i| (i..=text.len()).map(move |j| (i, j))) {
            assert_eq!(text[i..j].parse::<VerifierKey>().is_ok(), j - i == text.len(), "{}", &text[i..j]);
        }
        for i in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[i] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            // A changed type byte makes a key of unknown type, which never verifies.
            let harmless = |key: &VerifierKey| matches!(key.algorithm, Algorithm::Unknown(_));
            assert!(changed.parse::<VerifierKey>().is_ok_and(|k| !harmless(&k)).eq(&false), "{changed}");
        }
    }

    #[test]
    fn a_key_of_unknown_type_is_kept_and_never_verifies() {
        let text = "rekor.sigstore.dev+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc=";
        let key: VerifierKey = text.parse().unwrap();
        assert_eq!((key.to_string().as_str(), key.algorithm()), (text, Algorithm::Unknown(2)));
        assert!(!key.verifies(b"anything", &[0; 64]));
    }

    #[test]
    fn a_weak_or_non_canonical_point_is_refused() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        // y = p + 1, another writing of the neutral element; y = 2^255 - 20 = p - 1, of order two.
        let mut unreduced = [0xff; 32];
        (unreduced[0], unreduced[31]) = (0xee, 0x7f);
        let mut order_two = [0xff; 32];
        (order_two[0], order_two[31]) = (0xec, 0x7f);
        for weak in [[0; 32], neutral, unreduced, order_two, [0xff; 32]] {
            let refused = VerifierKey::new("k", Algorithm::Ed25519, &weak);
            assert_eq!(refused, Err(Refused::WeakKey { name: "k".into() }.into()), "{weak:x?}");
        }
        assert_eq!(VerifierKey::new("k", Algorithm::Ed25519, &[9; 31]), Err(Malformed::VerifierKey.into()));
    }

    #[test]
    fn a_key_elsewhere_signs_as_one_here_and_what_is_no_signature_by_it_never_leaves() {
        struct Token(SigningKey, Result<(), String>);
        impl SignsElsewhere for Token {
            fn sign(&self, message: &[u8]) -> Result<[u8; 64], String> {
                self.1.clone().map(|()| self.0.sign(message).to_bytes())
            }
        }
        let elsewhere = |public: u8, signs: u8, state: Result<(), String>| {
            let public = SigningKey::from_bytes(&[public; 32]).verifying_key();
            let token = Arc::new(Token(SigningKey::from_bytes(&[signs; 32]), state));
            NoteSigner::elsewhere("k", Algorithm::Ed25519, public.as_bytes(), token).unwrap()
        };
        let here = NoteSigner::new("k", &[1; 32]).unwrap();
        let there = elsewhere(1, 1, Ok(()));
        assert_eq!((here.verifier(), here.waits()), (there.verifier(), !there.waits()));
        assert_eq!(here.sign_bytes(b"x"), there.sign_bytes(b"x"));
        let why = |signer: NoteSigner| signer.sign_bytes(b"x").unwrap_err().to_string();
        assert_eq!(
            why(elsewhere(1, 2, Ok(()))),
            "unavailable: the key k does not sign: what came back is no signature by this key"
        );
        assert_eq!(why(elsewhere(1, 1, Err("unplugged".into()))), "unavailable: the key k does not sign: unplugged");
    }

    #[test]
    fn a_name_that_could_break_a_line_is_refused() {
        for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b", "a\u{7f}"] {
            assert_eq!(NoteSigner::new(name, &[1; 32]).err(), Some(Malformed::KeyName.into()), "{name:?}");
        }
        assert!(NoteSigner::new(&"a".repeat(256), &[1; 32]).is_err());
    }

    #[test]
    fn a_signer_shows_no_secret_and_one_seed_has_one_id_per_type() {
        let (log, cosigner) = (NoteSigner::new("a", &[3; 32]).unwrap(), NoteSigner::cosigner("a", &[3; 32]).unwrap());
        assert_ne!(log.verifier().id(), cosigner.verifier().id());
        assert!(!format!("{log:?}").contains("03, 03"));
        assert_eq!(format!("{log:?}"), format!("NoteSigner({})", log.verifier()));
    }
}
