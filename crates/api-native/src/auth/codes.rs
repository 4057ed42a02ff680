//! One-time codes: printed by the node or handed over by an administrator, good for one sign-in.
use super::secret;
use record::Role;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Codes outstanding at once; the oldest gives way.
const CODES_MAX: usize = 1000;
/// Crockford's base 32: no I, L, O or U, so that a code can be read aloud and typed.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Outstanding one-time codes. Shared between the interface and the binary.
pub struct OneTimeCodes {
    random: Box<dyn Fn() -> [u8; 32] + Send + Sync>,
    outstanding: Mutex<HashMap<[u8; 32], Grant>>,
}

#[derive(Debug, Clone)]
struct Grant {
    name: String,
    role: Role,
    expires: Instant,
}

impl fmt::Debug for OneTimeCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTimeCodes").finish_non_exhaustive()
    }
}

impl OneTimeCodes {
    /// A store without codes; `random` is the system's generator.
    pub fn new(random: impl Fn() -> [u8; 32] + Send + Sync + 'static) -> Self {
        Self { random: Box::new(random), outstanding: Mutex::default() }
    }

    /// Makes a code of 128 bits that signs in as `name`, once, within `ttl`. An account that is not there yet is made
    /// with `role` when the code is used. An earlier code for the same name ends.
    pub fn issue(&self, name: &str, role: Role, ttl: Duration) -> String {
        let random = (self.random)();
        let mut bits = random.iter().take(16).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        // 26 digits of five bits hold 130.
        let mut code = [0; 26];
        for digit in code.iter_mut().rev() {
            *digit = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        let code: String = code.iter().map(|b| char::from(*b)).collect();
        let mut outstanding = self.outstanding.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        outstanding.retain(|_, grant| grant.expires > now && grant.name != name);
        if outstanding.len() >= CODES_MAX
            && let Some(first) = outstanding.iter().min_by_key(|(_, g)| g.expires).map(|(hash, _)| *hash)
        {
            outstanding.remove(&first);
        }
        let grant = Grant { name: name.to_owned(), role, expires: now + ttl };
        outstanding.insert(secret::hash(&code), grant);
        code
    }

    /// Ends the code for a name, if there is one.
    pub fn withdraw(&self, name: &str) {
        self.outstanding.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, grant| grant.name != name);
    }

    /// Uses a code up: the name and role it was for.
    pub(crate) fn take(&self, code: &str) -> Option<(String, Role)> {
        // Found by its hash, so the time taken says nothing of how much of a guess is right.
        let hash = secret::hash(&normal(code));
        let grant = self.outstanding.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash)?;
        (grant.expires > Instant::now()).then_some((grant.name, grant.role))
    }
}

/// The code as printed: upper case, no blanks or hyphens, and what is read for I, L and O.
fn normal(code: &str) -> String {
    let digits = code.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64);
    digits
        .map(|c| match c.to_ascii_uppercase() {
            'I' | 'L' => '1',
            'O' => '0',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering};

    fn codes() -> OneTimeCodes {
        let next = AtomicU8::new(1);
        OneTimeCodes::new(move || [next.fetch_add(1, Ordering::Relaxed); 32])
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_code_is_good_once_and_in_time() {
        let codes = codes();
        let code = codes.issue("anna", Role::Officer, MINUTE);
        assert_eq!(code.len(), 26);
        assert_eq!(codes.take("X"), None);
        let typed = code.to_lowercase().replace('0', "o").replace('1', "l");
        assert_eq!(codes.take(&format!(" {}-{} ", &typed[..5], &typed[5..])), Some(("anna".into(), Role::Officer)));
        assert_eq!(codes.take(&code), None, "used");
        let late = codes.issue("anna", Role::Officer, MINUTE);
        tokio::time::advance(MINUTE).await;
        assert_eq!(codes.take(&late), None, "expired");
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_code_ends_the_one_before() {
        let codes = codes();
        let first = codes.issue("anna", Role::Officer, MINUTE);
        let second = codes.issue("anna", Role::Planner, MINUTE);
        let other = codes.issue("ben", Role::Officer, MINUTE);
        codes.withdraw("ben");
        assert_eq!(codes.take(&first), None);
        assert_eq!(codes.take(&other), None);
        assert_eq!(codes.take(&second), Some(("anna".into(), Role::Planner)));
    }
}
