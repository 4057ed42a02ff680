//! Verification: from a token to its claims, or why not.
use crate::cache::{Cache, Digest};
use crate::keys::{Algorithm, Key, KeySet};
use crate::token::{Claims, Parts, TOKEN_BYTES_MAX};
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keys tried for one token: a millisecond of RSA of 2048 bits. More can have one identifier, or none.
pub const KEYS_TRIED_MAX: usize = 16;

/// Which tokens are accepted, besides that they are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Accepted `iss`; if none is named, any, or none at all. Each key may sign for each of them.
    pub issuers: Vec<String>,
    /// Accepted `aud`, of which the token must name one; if none is named, no token is accepted.
    pub audiences: Vec<String>,
    /// How far clocks may differ.
    pub leeway_s: u32,
    /// Longest time from issue to expiry that is accepted; none for any. F3548 recommends at most an hour.
    pub max_lifetime_s: Option<u32>,
}

/// Why a token was refused: each is an answer 401. None holds anything of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Longer than [`TOKEN_BYTES_MAX`].
    #[error("the access token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// Not a signed JWT in compact form.
    #[error("the access token is malformed: its {0}")]
    Malformed(&'static str),
    /// The header says that it is something else.
    #[error("the token is not an access token, by the type in its header")]
    Kind,
    /// Neither RS256 nor ES256, or not the algorithm of the key.
    #[error(
        "the access token is not signed with the algorithm of its key, or with none that is accepted (RS256, ES256)"
    )]
    Algorithm,
    /// No key has this identifier, or none is there.
    #[error("the access token is signed with a key that is not known here")]
    UnknownKey,
    /// More than [`KEYS_TRIED_MAX`] keys can have signed it.
    #[error("the access token does not name one of the keys that are known here, and they are too many to try")]
    Ambiguous,
    /// Nobody known signed it.
    #[error("the signature of the access token is not good")]
    Signature,
    /// A claim that is needed is not there.
    #[error("the access token lacks the claim `{0}`")]
    MissingClaim(&'static str),
    /// `iss` is none that is accepted.
    #[error("the access token is of an issuer that is not accepted here")]
    Issuer,
    /// `aud` names none that is accepted.
    #[error("the access token is for another audience")]
    Audience,
    /// `exp` is past.
    #[error("the access token has expired")]
    Expired,
    /// `nbf` or `iat` is to come.
    #[error("the access token is not valid yet, or was issued in the future")]
    NotYetValid,
    /// It is good for longer than is accepted.
    #[error("the access token is good for longer than is accepted here")]
    Lifetime,
}

/// Verifies tokens, from many threads at once.
pub struct Verifier {
    settings: Settings,
    /// What was verified is kept beside the keys that did it, and goes with them.
    current: ArcSwap<Current>,
    unknown_keys: AtomicU64,
}

struct Current {
    keys: KeySet,
    cache: Cache,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.current.load().keys.len();
        f.debug_struct("Verifier").field("settings", &self.settings).field("keys", &keys).finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier with its first keys, which may be none: then every token is refused.
    #[must_use]
    pub fn new(settings: Settings, keys: KeySet) -> Self {
        let current = ArcSwap::from_pointee(Current { keys, cache: Cache::default() });
        Self { settings, current, unknown_keys: AtomicU64::new(0) }
    }

    /// Verifies with these keys from now on, and forgets what others verified.
    pub fn replace_keys(&self, keys: KeySet) {
        if self.current.load().keys != keys {
            self.current.store(Arc::new(Current { keys, cache: Cache::default() }));
        }
    }

    /// The keys in use.
    #[must_use]
    pub fn keys(&self) -> KeySet {
        self.current.load().keys.clone()
    }

    /// How many tokens were refused because their key is not known: whoever fetches keys looks whether it grows.
    #[must_use]
    pub fn unknown_keys(&self) -> u64 {
        self.unknown_keys.load(Ordering::Relaxed)
    }

    /// What the token says, if it is good at this second of UTC (Unix).
    ///
    /// # Errors
    /// If it is not good, for the first reason found.
    pub fn verify(&self, token: &str, now_utc_s: i64) -> Result<Arc<Claims>, Refused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let current = self.current.load();
        let mut digest: Digest = [0; 32];
        digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref());
        if let Some(claims) = current.cache.get(&digest) {
            return self.timely(&claims, now_utc_s).map(|()| claims);
        }
        let parts = Parts::of(token)?;
        signed(&current.keys, &parts).inspect_err(|refused| {
            if *refused == Refused::UnknownKey {
                self.unknown_keys.fetch_add(1, Ordering::Relaxed);
            }
        })?;
        let claims = parts.claims()?;
        self.acceptable(&claims)?;
        self.timely(&claims, now_utc_s)?;
        let claims = Arc::new(claims);
        current.cache.put(digest, claims.clone(), |claims| self.expired(claims, now_utc_s));
        Ok(claims)
    }

    /// What does not change with time.
    fn acceptable(&self, claims: &Claims) -> Result<(), Refused> {
        let Settings { issuers, audiences, .. } = &self.settings;
        match &claims.iss {
            _ if issuers.is_empty() => {}
            None => return Err(Refused::MissingClaim("iss")),
            Some(iss) if issuers.contains(iss) => {}
            Some(_) => return Err(Refused::Issuer),
        }
        if !claims.aud.iter().any(|aud| audiences.contains(aud)) {
            return Err(Refused::Audience);
        }
        Ok(())
    }

    /// What does: asked of remembered tokens too.
    fn timely(&self, claims: &Claims, now: i64) -> Result<(), Refused> {
        let latest = now.saturating_add(i64::from(self.settings.leeway_s));
        if self.expired(claims, now) {
            return Err(Refused::Expired);
        }
        if [claims.nbf, claims.iat].into_iter().flatten().any(|from| from > latest) {
            return Err(Refused::NotYetValid);
        }
        // Without `iat`, what is left must not be longer: it was issued before now.
        let issued = claims.iat.unwrap_or(latest);
        let max = self.settings.max_lifetime_s.map_or(i64::MAX, i64::from);
        if claims.exp.saturating_sub(issued) > max {
            return Err(Refused::Lifetime);
        }
        Ok(())
    }

    fn expired(&self, claims: &Claims, now: i64) -> bool {
        claims.exp.saturating_add(i64::from(self.settings.leeway_s)) <= now
    }
}

/// Whether one of the keys that can have signed it did.
fn signed(keys: &KeySet, parts: &Parts<'_>) -> Result<(), Refused> {
    let algorithm = Algorithm::parse(&parts.header.alg).ok_or(Refused::Algorithm)?;
    // A token that names its key is verified by that, or by one without a name (from a file); one that names none, by any.
    let named = |key: &&Key| parts.header.kid.is_some() && key.id == parts.header.kid;
    let possible = |key: &&Key| key.id.is_none() || parts.header.kid.is_none() || named(key);
    let unknown = parts.header.kid.is_some() && !keys.keys.iter().any(|key| named(&key));
    let mut candidates = keys.keys.iter().filter(possible).peekable();
    if candidates.peek().is_none() {
        return Err(Refused::UnknownKey);
    }
    let candidates: Vec<&Key> = candidates.filter(|key| key.algorithm() == algorithm).collect();
    if candidates.len() > KEYS_TRIED_MAX {
        return Err(Refused::Ambiguous);
    }
    match candidates.iter().any(|key| key.verifies(parts.message.as_bytes(), &parts.signature)) {
        true => Ok(()),
        false if unknown => Err(Refused::UnknownKey),
        false if candidates.is_empty() => Err(Refused::Algorithm),
        false => Err(Refused::Signature),
    }
}
