//! Tokens and keys: of other programs (`testdata/`), and made here with a key that lives as long as the test.
mod cache;
mod claims;
mod keys;
mod made;
mod vectors;

use oauth::{KeySet, Settings};

/// The second at which all tests play.
const NOW: i64 = 1_800_000_000;

fn testdata(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn jwks() -> KeySet {
    KeySet::from_jwks(&testdata("jwks.json")).unwrap().0
}

fn pem(name: &str) -> KeySet {
    KeySet::from_pem(&testdata(name)).unwrap()
}

fn settings() -> Settings {
    Settings {
        issuers: vec!["https://other.example".into(), "https://auth.example".into()],
        audiences: vec!["dss.example".into(), "localhost".into()],
        leeway_s: 60,
        max_lifetime_s: Some(3600),
    }
}
