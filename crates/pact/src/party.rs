//! A party of a pact: name, title, keys.
use alloc::string::String;
use record::{Hash32, PartyId};
use tlog::{Algorithm, VerifierKey};

/// A party as clause 1 names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    name: PartyId,
    title: String,
    log_key: VerifierKey,
    cosign_key: VerifierKey,
    tls_pin: Hash32,
}

/// Longest title, bytes.
pub(crate) const TITLE_BYTES_MAX: usize = 80;

/// Name of a party's keys: `skypact.link/PARTY`, under which its logs' origins lie.
#[must_use]
pub fn key_name(party: &PartyId) -> String {
    alloc::format!("skypact.link/{party}")
}

impl Party {
    /// A party from its parts.
    ///
    /// # Errors
    /// The part that is wrong, in words.
    pub fn new(
        name: PartyId,
        title: &str,
        log_key: VerifierKey,
        cosign_key: VerifierKey,
        tls_pin: Hash32,
    ) -> Result<Self, &'static str> {
        if title.is_empty() || title.len() > TITLE_BYTES_MAX || title.chars().any(|c| c == '"' || c.is_control()) {
            return Err("the title has 1 to 80 bytes, without quotes and control characters");
        }
        if log_key.algorithm() != Algorithm::Ed25519 || log_key.name() != key_name(&name) {
            return Err("log= must be an Ed25519 note key (type 01) named skypact.link/PARTY");
        }
        if cosign_key.algorithm() != Algorithm::CosignatureV1 || cosign_key.name() != key_name(&name) {
            return Err("cosign= must be a cosignature/v1 key (type 04) named skypact.link/PARTY");
        }
        if log_key.public() == cosign_key.public() {
            return Err("log= and cosign= must be different keys");
        }
        Ok(Self { name, title: String::from(title), log_key, cosign_key, tls_pin })
    }

    /// Name.
    #[must_use]
    pub fn name(&self) -> &PartyId {
        &self.name
    }

    /// Title, for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Key of its logs' checkpoints; also signs the pact.
    #[must_use]
    pub fn log_key(&self) -> &VerifierKey {
        &self.log_key
    }

    /// Key of its cosignatures.
    #[must_use]
    pub fn cosign_key(&self) -> &VerifierKey {
        &self.cosign_key
    }

    /// SHA-256 of its TLS key's SubjectPublicKeyInfo.
    #[must_use]
    pub fn tls_pin(&self) -> Hash32 {
        self.tls_pin
    }
}
