//! Passwords: argon2id, a few at a time, on threads that may block.
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// OWASP's first choice for argon2id with 19 MiB: memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Hashes computed at once: 2 × 19 MiB, and a core left for the picture.
const AT_ONCE: usize = 2;
/// Attempts that may wait for their turn; one hash takes some tens of milliseconds.
const WAITING_MAX: usize = 64;
/// Stands for the hash of an account that is not there, so that its answer costs the same. No password has this hash:
/// it was made of random bytes.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2t5cGFjdC1ub2JvZHk$Zr1vGq0Xo3sT8mWcYh5nE2kLdPaJ7fUi4bQ9xVtRgS0";

/// Characters of a password: 12 at least; the upper bound keeps one attempt's cost bounded.
pub(crate) const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=256;

/// Hashes and verifies, with a bound on how many at once.
#[derive(Debug, Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Too many attempts wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), waiting: Arc::new(Semaphore::new(WAITING_MAX)) }
    }
}

impl Passwords {
    /// Whether the password is the one of the PHC string; `None` costs as much and is never right.
    pub(crate) async fn verify(&self, password: String, phc: Option<String>) -> Result<bool, Busy> {
        self.run(move || {
            let known = phc.is_some();
            let text = phc.unwrap_or_else(|| NOBODY.to_owned());
            let Ok(hash) = PasswordHash::new(&text) else { return false };
            hasher().verify_password(password.as_bytes(), &hash).is_ok() && known
        })
        .await
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: String, salt: [u8; 16]) -> Result<Option<String>, Busy> {
        self.run(move || {
            let salt = SaltString::encode_b64(&salt).ok()?;
            hasher().hash_password(password.as_bytes(), &salt).ok().map(|hash| hash.to_string())
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| Busy)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| Busy)?;
        // The permits go with the work: a caller that gives up does not make room for another one before it is done.
        let done = tokio::task::spawn_blocking(move || {
            let value = work();
            drop((turn, waiting));
            value
        });
        done.await.map_err(|_| Busy)
    }
}

fn hasher() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    match Params::new(memory, passes, lanes, None) {
        Ok(params) => Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
        Err(error) => unreachable!("the constants are valid: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_verifies() {
        let passwords = Passwords::default();
        let phc = passwords.hash("correct horse battery".into(), [7; 16]).await.unwrap().unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        for (password, hash, expect) in [
            ("correct horse battery", Some(phc.clone()), true),
            ("correct horse batterz", Some(phc.clone()), false),
            ("", Some(phc), false),
            ("correct horse battery", None, false),
            ("correct horse battery", Some("not a hash".into()), false),
        ] {
            assert_eq!(passwords.verify(password.into(), hash).await, Ok(expect), "{password}");
        }
    }

    #[test]
    fn the_stand_in_costs_as_much_as_a_real_hash() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        let params = Params::try_from(&hash).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), COST);
        assert_eq!(hash.hash.unwrap().len(), 32);
    }
}
