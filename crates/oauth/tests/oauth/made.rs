//! Tokens with any header and claims, signed with ES256.
use crate::NOW;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth::KeySet;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

pub(crate) struct Issuer {
    pair: EcdsaKeyPair,
    pub(crate) kid: String,
}

impl Issuer {
    pub(crate) fn new(kid: &str) -> Self {
        let (random, of) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let secret = EcdsaKeyPair::generate_pkcs8(of, &random).unwrap();
        Self { pair: EcdsaKeyPair::from_pkcs8(of, secret.as_ref(), &random).unwrap(), kid: kid.into() }
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "x": b64(&point[1..33]), "y": b64(&point[33..])})
    }

    pub(crate) fn keys(&self) -> KeySet {
        set(&[self.jwk()])
    }

    pub(crate) fn signed(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", b64(signature))
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signed(json!({"alg": "ES256", "kid": self.kid}).to_string(), claims.to_string())
    }

    /// A good token with other claims besides or instead.
    pub(crate) fn with(&self, name: &str, value: Value) -> String {
        let mut claims = claims();
        claims[name] = value;
        self.token(&claims)
    }
}

pub(crate) fn claims() -> Value {
    let scope = "utm.strategic_coordination utm.availability_arbitration";
    json!({"iss": "https://auth.example", "sub": "uss1", "aud": "dss.example", "scope": scope, "exp": NOW + 60, "iat": NOW})
}

pub(crate) fn set(keys: &[Value]) -> KeySet {
    KeySet::from_jwks(json!({ "keys": keys }).to_string().as_bytes()).unwrap().0
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
