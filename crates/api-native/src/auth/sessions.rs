//! Sessions of consoles, in memory: a restart of the node ends them.
use super::secret;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Sessions at once.
const SESSIONS_MAX: usize = 1000;
/// Sessions of one account at once; the one not used for longest gives way.
const PER_ACCOUNT_MAX: usize = 10;

/// Hash of a session's id: how a session is named in memory.
pub(crate) type SessionKey = [u8; 32];

/// One session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Account.
    pub name: String,
    /// Token that every change must carry.
    pub csrf: String,
    started: Instant,
    used: Instant,
}

/// All sessions, by the hash of their id.
#[derive(Debug)]
pub(crate) struct Sessions {
    idle: Duration,
    absolute: Duration,
    sessions: Mutex<HashMap<SessionKey, Session>>,
}

impl Sessions {
    pub(crate) fn new(idle: Duration, absolute: Duration) -> Self {
        Self { idle, absolute, sessions: Mutex::default() }
    }

    fn alive(&self, session: &Session, now: Instant) -> bool {
        now.duration_since(session.used) < self.idle && now.duration_since(session.started) < self.absolute
    }

    /// Begins a session; the id goes into the cookie and is kept nowhere.
    pub(crate) fn begin(&self, name: &str, id: [u8; 32], csrf: [u8; 32]) -> (String, Session) {
        let (id, now) = (secret::text(id), Instant::now());
        let session = Session { name: name.to_owned(), csrf: secret::text(csrf), started: now, used: now };
        let mut sessions = self.lock();
        sessions.retain(|_, s| self.alive(s, now));
        if sessions.values().filter(|s| s.name == name).count() >= PER_ACCOUNT_MAX {
            remove_oldest(&mut sessions, |s| s.name == name);
        }
        if sessions.len() >= SESSIONS_MAX {
            remove_oldest(&mut sessions, |_| true);
        }
        sessions.insert(secret::hash(&id), session.clone());
        (id, session)
    }

    /// The session of a cookie, marked as used.
    pub(crate) fn find(&self, id: &str) -> Option<(SessionKey, Session)> {
        // Found by its hash, so the time taken says nothing of how much of a guess is right.
        let key = secret::hash(id);
        let mut sessions = self.lock();
        let now = Instant::now();
        let session = sessions.get_mut(&key)?;
        if !self.alive(session, now) {
            sessions.remove(&key);
            return None;
        }
        session.used = now;
        Some((key, session.clone()))
    }

    /// Whether a session still lasts; asking does not prolong it.
    pub(crate) fn lasts(&self, key: &SessionKey) -> bool {
        self.lock().get(key).is_some_and(|session| self.alive(session, Instant::now()))
    }

    pub(crate) fn end(&self, key: &SessionKey) {
        self.lock().remove(key);
    }

    /// Ends all sessions of an account but one.
    pub(crate) fn end_others(&self, name: &str, but: Option<&SessionKey>) {
        self.lock().retain(|key, session| session.name != name || Some(key) == but);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionKey, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove_oldest(sessions: &mut HashMap<SessionKey, Session>, of: impl Fn(&Session) -> bool) {
    let oldest = sessions.iter().filter(|(_, s)| of(s)).min_by_key(|(_, s)| s.used).map(|(key, _)| *key);
    if let Some(oldest) = oldest {
        sessions.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_idle_and_at_its_absolute_age() {
        let sessions = Sessions::new(12 * HOUR, 24 * HOUR);
        let (idle, _) = sessions.begin("a", [1; 32], [2; 32]);
        advance(12 * HOUR - Duration::from_secs(1)).await;
        let (key, _) = sessions.find(&idle).unwrap();
        advance(11 * HOUR).await;
        assert!(sessions.lasts(&key) && sessions.find(&idle).is_some());
        advance(2 * HOUR).await;
        assert!(!sessions.lasts(&key) && sessions.find(&idle).is_none(), "24 h after sign-in");
        let (idle, _) = sessions.begin("a", [1; 32], [2; 32]);
        advance(12 * HOUR).await;
        assert!(sessions.find(&idle).is_none(), "12 h without use");
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_has_ten_sessions_and_can_end_the_others() {
        let sessions = Sessions::new(12 * HOUR, 24 * HOUR);
        let mut ids = Vec::new();
        for n in 0..11 {
            ids.push(sessions.begin("a", [n; 32], [0; 32]).0);
            advance(Duration::from_secs(1)).await;
        }
        let (other, _) = sessions.begin("b", [99; 32], [0; 32]);
        assert!(sessions.find(&ids[0]).is_none());
        let (kept, _) = sessions.find(&ids[5]).unwrap();
        sessions.end_others("a", Some(&kept));
        assert_eq!(ids.iter().filter(|id| sessions.find(id).is_some()).count(), 1);
        sessions.end(&kept);
        assert!(sessions.find(&ids[5]).is_none() && sessions.find(&other).is_some());
    }
}
