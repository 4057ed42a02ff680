//! Access tokens, and the keys that verify them.
use std::sync::OnceLock;

use oauth::{KeySet, Settings, Verifier};

use crate::{Seeds, Target, Verdict, bent, refused, seed};

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "access-token",
        about: "a bearer access token (RFC 9068)",
        bytes_max: 4096,
        run: token,
        seeds: tokens,
    },
    Target { name: "jwks", about: "a JWK set (RFC 7517)", bytes_max: 8192, run: jwks, seeds: sets },
    Target {
        name: "public-key",
        about: "a PEM file of public keys or certificates",
        bytes_max: 4096,
        run: pem,
        seeds: files,
    },
];

/// The second at which the vectors are good.
const NOW: i64 = 1_800_000_000;
const JWKS: &[u8] = include_bytes!("../../crates/oauth/testdata/jwks.json");
const TOKENS: &str = include_str!("../../crates/oauth/testdata/tokens.txt");
const RSA: &[u8] = include_bytes!("../../crates/oauth/testdata/rsa.pem");
const RSA_PKCS1: &[u8] = include_bytes!("../../crates/oauth/testdata/rsa-pkcs1.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../crates/oauth/testdata/ec-certificate.pem");
const P384: &[u8] = include_bytes!("../../crates/oauth/testdata/ec-p384.pem");

/// Verdict, name and text of each vector that the JWK set is to verify.
fn vectors() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let fields = |line: &'static str| line.split(" | ").collect::<Vec<_>>().try_into().ok();
    let of = |[keys, verdict, what, token]: [&'static str; 4]| (keys == "jwks").then_some((verdict, what, token));
    TOKENS.lines().filter_map(fields).filter_map(of)
}

fn verifier() -> &'static Verifier {
    static VERIFIER: OnceLock<Verifier> = OnceLock::new();
    VERIFIER.get_or_init(|| {
        let (issuers, audiences) = (vec!["https://auth.example".into()], vec!["dss.example".into()]);
        let settings = Settings { issuers, audiences, leeway_s: 60, max_lifetime_s: None };
        let (keys, _) = KeySet::from_jwks(JWKS).unwrap_or_else(|e| panic!("{e}"));
        Verifier::new(settings, keys)
    })
}

fn token(bytes: &[u8]) -> Verdict {
    let text = std::str::from_utf8(bytes).map_err(refused)?;
    let first = verifier().verify(text, NOW);
    assert_eq!(first, verifier().verify(text, NOW), "what is remembered changes no verdict");
    let claims = first.map_err(refused)?;
    assert!(vectors().any(|(verdict, _, token)| verdict == "ok" && token == text), "nobody signed this");
    assert!(verifier().verify(text, claims.exp + 60).is_err(), "it outlives itself");
    Ok(())
}

fn jwks(bytes: &[u8]) -> Verdict {
    let (keys, skipped) = KeySet::from_jwks(bytes).map_err(refused)?;
    assert!(!keys.is_empty() && keys.len() + skipped.total() as usize <= oauth::JWKS_KEYS_MAX);
    holds(&keys);
    Ok(())
}

fn pem(bytes: &[u8]) -> Verdict {
    let keys = KeySet::from_pem(bytes).map_err(refused)?;
    assert!((1..=oauth::PEM_KEYS_MAX).contains(&keys.len()));
    assert!(keys.keys().all(|(id, _)| id.is_none()));
    holds(&keys);
    Ok(())
}

fn holds(keys: &KeySet) {
    assert_eq!(keys.clone().with(keys.clone()), *keys, "a key is there once");
    let settings =
        Settings { issuers: vec![], audiences: vec!["dss.example".into()], leeway_s: 60, max_lifetime_s: None };
    let verifier = Verifier::new(settings, keys.clone());
    // But for a token of ES256: a set may give the name of its key to another.
    let never =
        |verdict: &str, what: &str| matches!(verdict, "Algorithm" | "Malformed" | "Kind") && !what.starts_with("ES256");
    for (_, what, token) in vectors().filter(|(verdict, what, _)| never(verdict, what)) {
        assert!(verifier.verify(token, NOW).is_err(), "{what}: no key makes it good");
    }
}

fn tokens() -> Seeds {
    let named = |(verdict, what, token): (&str, &str, &str)| {
        let name: String =
            what.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        seed(&format!("{}-{name}", if verdict == "ok" { "ok" } else { "no" }), token)
    };
    let mut seeds: Seeds = vectors().map(named).collect();
    let good = vectors().next().map_or("", |(_, _, token)| token);
    seeds.extend([seed("no-bent", bent(good.as_bytes(), good.len() / 2)), seed("no-empty", "")]);
    seeds
}

fn sets() -> Seeds {
    vec![
        seed("ok-of-many-kinds", JWKS),
        seed("no-cut", &JWKS[..JWKS.len() - 4]),
        seed("no-empty", "{\"keys\":[]}"),
        seed("no-array", "[]"),
        seed("no-symmetric", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"alg\":\"HS256\"}]}"),
    ]
}

fn files() -> Seeds {
    vec![
        seed("ok-rsa", RSA),
        seed("ok-rsa-pkcs1", RSA_PKCS1),
        seed("ok-certificate", CERTIFICATE),
        seed("no-p384", P384),
        seed("no-cut", &RSA[..RSA.len() - 4]),
        seed("no-bent", bent(RSA, 30)),
        seed("no-empty", ""),
    ]
}
