//! What is refused before it becomes a command: into the journal like what is refused there, but at most once a second
//! for the same thing. Whoever asks in vain fills neither the journal nor the audit.
use crate::backend::Backend;
use node::command::Actor;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// For this long after a row what is refused alike is counted, and then makes one more.
const WINDOW: Duration = Duration::from_secs(1);

/// Who asked, what, and why not.
type Key = (String, &'static str, String);

/// What was refused within the last second, with how often since its row. Each has a task that ends with it.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    open: Mutex<HashMap<Key, u32>>,
}

impl Attempts {
    /// Notes a refusal. Nobody waits for it: how long an answer takes must not tell what was counted and what was
    /// written.
    pub(crate) fn note(
        self: &Arc<Self>,
        backend: &Arc<dyn Backend>,
        actor: Actor,
        command: &'static str,
        refused: String,
    ) {
        let key = (actor.name.clone(), command, refused);
        match self.open.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()) {
            Entry::Occupied(mut counted) => {
                *counted.get_mut() = counted.get().saturating_add(1);
                return;
            }
            Entry::Vacant(free) => drop(free.insert(0)),
        }
        tokio::spawn(Arc::clone(self).tell(Arc::clone(backend), actor, key));
    }

    async fn tell(self: Arc<Self>, backend: Arc<dyn Backend>, actor: Actor, key: Key) {
        let mut times = 1;
        while times > 0 {
            let (_, command, refused) = &key;
            if let Err(error) = backend.attempt(actor.clone(), (*command).into(), refused.clone(), times).await {
                tracing::warn!(officer = actor.name, command, refused, times, %error, "a refusal is not in the journal");
            }
            sleep(WINDOW).await;
            times = self.since(&key);
        }
    }

    /// How often since the last row; forgets the key if not at all.
    fn since(&self, key: &Key) -> u32 {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let times = open.get_mut(key).map_or(0, std::mem::take);
        if times == 0 {
            open.remove(key);
        }
        times
    }
}
