//! What the fold has to send, waiting for the connections that send it.
use link::{CloseCode, Outbox, Output, Step};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};
use tracing::warn;

/// The sending side of one connection.
pub struct SessionOut {
    outbox: Mutex<Outbox>,
    wake: Notify,
    /// Whether the fold has ended the session.
    ended: watch::Sender<bool>,
}

/// All connections, by number.
#[derive(Default)]
pub struct Sessions {
    map: Mutex<BTreeMap<u64, Arc<SessionOut>>>,
}

impl Sessions {
    /// Registers a connection.
    pub fn attach(&self, session: u64) -> Arc<SessionOut> {
        let outbox = Mutex::new(Outbox::new(session));
        let out = Arc::new(SessionOut { outbox, wake: Notify::new(), ended: watch::Sender::new(false) });
        self.map.lock().unwrap_or_else(PoisonError::into_inner).insert(session, out.clone());
        out
    }

    /// Forgets a connection.
    pub fn detach(&self, session: u64) {
        self.map.lock().unwrap_or_else(PoisonError::into_inner).remove(&session);
    }

    /// Takes an output of the fold to its connection, if it is for one.
    pub fn push(&self, output: &Output) {
        let Some(session) = output.session() else { return };
        let out = self.map.lock().unwrap_or_else(PoisonError::into_inner).get(&session).cloned();
        // A connection that ended meanwhile sends nothing more; the next one begins with what the peer holds.
        let Some(out) = out else { return };
        let mut outbox = out.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_end = matches!(output, Output::Disconnect { .. });
        if let Err(error) = outbox.push(output) {
            is_end = true;
            warn!(session, "the peer does not read: {error}; the connection is given up");
            // The bound is on frames that wait, so the end is not refused by it.
            let ended = outbox.push(&Output::Disconnect { session, reason: CloseCode::Ended });
            if let Err(error) = ended {
                warn!(session, "{error}");
            }
        }
        drop(outbox);
        out.wake.notify_one();
        if is_end {
            out.ended.send_replace(true);
        }
    }
}

impl SessionOut {
    /// The next thing to send, when there is one.
    pub async fn next(&self) -> Step {
        loop {
            if let Some(step) = self.next_now() {
                return step;
            }
            self.wake.notified().await;
        }
    }

    /// Waits until the fold has ended the session. The writer may be waiting for a peer that does not read.
    pub async fn ended(&self) {
        // The sender is ours, so there is always an answer.
        drop(self.ended.subscribe().wait_for(|ended| *ended).await);
    }

    /// The next thing to send, if there is one now.
    pub fn next_now(&self) -> Option<Step> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner).next_step()
    }

    /// Entries below `upto` were handed to the transport.
    pub fn entries_sent(&self, upto: u64) {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner).entries_sent(upto);
    }
}

/// The lock is held for a moment at a time, since the fold waits for it: not while a chunk is filled.
impl fold::Steps for &SessionOut {
    fn next_step(&mut self) -> Option<Step> {
        self.next_now()
    }

    fn entries_sent(&mut self, upto: u64) {
        SessionOut::entries_sent(self, upto);
    }
}
