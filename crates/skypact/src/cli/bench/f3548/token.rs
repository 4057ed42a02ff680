//! Access tokens as an authorization server issues them, with a key made for the run: ES256.
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

/// SubjectPublicKeyInfo (RFC 5280) of a P-256 key, up to its point.
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// A token is good for so long: no benchmark takes longer.
const GOOD_S: i64 = 12 * 3600;

/// An authorization server.
pub struct Issuer {
    key: EcdsaKeyPair,
    random: SystemRandom,
}

impl Issuer {
    /// With a new key.
    pub fn new() -> Result<Self, String> {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let document = made.map_err(|_| "cannot make a key for tokens")?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random);
        Ok(Self { key: key.map_err(|error| format!("the key for tokens: {error}"))?, random })
    }

    /// The public key, for the node.
    pub fn public_pem(&self) -> String {
        let der = [&SPKI[..], self.key.public_key().as_ref()].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    /// A token of a traffic service, issued at this second of UTC.
    pub fn token(&self, sub: &str, audience: &str, scope: &str, at_s: i64) -> Result<String, String> {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"JWT"}"#);
        let claims = serde_json::json!({ "iss": "https://issuer.example", "sub": sub, "aud": audience, "scope": scope,
            "iat": at_s, "exp": at_s + GOOD_S });
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.key.sign(&self.random, message.as_bytes()).map_err(|_| "cannot sign a token")?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
