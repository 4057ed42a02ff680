//! The state as bytes, and back.
use crate::pacts::Pacts;
use crate::state::State;
use alloc::vec::Vec;
use core::mem::take;

impl State {
    /// The state as a snapshot.
    #[must_use]
    pub fn to_snapshot(&self) -> Vec<u8> {
        match minicbor::to_vec(self) {
            Ok(bytes) => bytes,
            Err(error) => unreachable!("writing to a vector cannot fail: {error}"),
        }
    }

    /// A copy of what a snapshot holds: to be encoded elsewhere, while this one goes on.
    #[must_use]
    pub fn frozen(&mut self) -> Self {
        let made = (take(&mut self.sky), take(&mut self.prepared), take(&mut self.dss));
        let mut frozen = self.clone();
        (self.sky, self.prepared, self.dss) = made;
        frozen.dss = self.dss.frozen();
        frozen
    }

    /// A state from a snapshot.
    ///
    /// # Errors
    /// Bytes that are none of this version; the journal is then folded from its start.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, minicbor::decode::Error> {
        let mut state: Self = minicbor::decode(bytes)?;
        state.rebuild();
        Ok(state)
    }

    fn rebuild(&mut self) {
        self.picture.rebuild();
        if let Some(boot) = self.boot.clone() {
            self.pacts = Pacts::read(&boot.pacts);
        }
        self.alerting.inhibitions.rebuild();
        self.dss.rebuild();
        self.outbox.rebuild(&self.dss, crate::discovering::utc_us(self.now));
        self.filing.rebuild();
        self.reindex();
        self.prepared = crate::volumes::Prepared::of(self);
    }
}
