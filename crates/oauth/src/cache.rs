//! Tokens that were verified: a client shows the same one with every request, and a signature takes fifty times as long as a
//! look here.
use crate::token::Claims;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Tokens remembered: some 40 clients with a hundred tokens each; about 4 MB.
pub const REMEMBERED_MAX: usize = SHARDS * SHARD_MAX;
/// Parts with a lock each, so that who writes stops one reader in sixteen.
const SHARDS: usize = 16;
const SHARD_MAX: usize = 256;

/// SHA-256 of a whole token. It is chosen by whoever signs, so the first byte spreads evenly.
pub(crate) type Digest = [u8; 32];

#[derive(Default)]
pub(crate) struct Cache {
    shards: [RwLock<HashMap<Digest, Arc<Claims>>>; SHARDS],
}

impl Cache {
    fn shard(&self, digest: &Digest) -> &RwLock<HashMap<Digest, Arc<Claims>>> {
        &self.shards[usize::from(digest[0]) % SHARDS]
    }

    pub(crate) fn get(&self, digest: &Digest) -> Option<Arc<Claims>> {
        // A map is whole whenever a thread can have died with its lock.
        self.shard(digest).read().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// Remembers a token. Without room, what expired goes, else what expires first.
    pub(crate) fn put(&self, digest: Digest, claims: Arc<Claims>, expired: impl Fn(&Claims) -> bool) {
        let mut shard = self.shard(&digest).write().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= SHARD_MAX && !shard.contains_key(&digest) {
            shard.retain(|_, claims| !expired(claims));
        }
        if shard.len() >= SHARD_MAX && !shard.contains_key(&digest) {
            let first = shard.iter().min_by_key(|(digest, claims)| (claims.exp, **digest)).map(|(digest, _)| *digest);
            first.and_then(|first| shard.remove(&first));
        }
        shard.insert(digest, claims);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(exp: i64) -> Arc<Claims> {
        let (sub, aud) = ("uss1".to_string(), Vec::new());
        Arc::new(Claims { sub, iss: None, scopes: Default::default(), aud, exp, nbf: None, iat: None })
    }

    fn digest(n: u16) -> Digest {
        let mut digest = [0; 32];
        digest[0] = n as u8;
        digest[1..3].copy_from_slice(&n.to_be_bytes());
        digest
    }

    #[test]
    fn a_full_cache_forgets_what_expires_first() {
        let cache = Cache::default();
        let all = || 0..REMEMBERED_MAX as u16 * 2;
        for n in all() {
            cache.put(digest(n), claims(i64::from(n)), |_| false);
            assert!(cache.get(&digest(n)).is_some(), "what was just verified is remembered");
        }
        assert_eq!(cache.len(), REMEMBERED_MAX);
        let kept: Vec<u16> = all().filter(|n| cache.get(&digest(*n)).is_some()).collect();
        assert_eq!(kept, all().skip(REMEMBERED_MAX).collect::<Vec<_>>());
    }

    #[test]
    fn a_full_cache_forgets_all_that_expired() {
        let cache = Cache::default();
        // One shard: digests with the same first byte.
        let of = |n: u16| {
            let mut digest = digest(n);
            digest[0] = 0;
            digest
        };
        for n in 0..SHARD_MAX as u16 {
            cache.put(of(n), claims(i64::from(n)), |_| false);
        }
        cache.put(of(999), claims(5), |claims| claims.exp <= 100);
        assert_eq!(cache.len(), SHARD_MAX - 101 + 1);
        assert!(cache.get(&of(100)).is_none() && cache.get(&of(101)).is_some() && cache.get(&of(999)).is_some());
    }
}
