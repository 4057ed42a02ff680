//! The discovery and synchronization service for drone traffic services, as part of the node.
mod covering;
mod fair;
mod filing;
mod notifying;
mod showing;

pub use covering::{Piece, pieces};
pub(crate) use filing::Filing;
pub(crate) use notifying::Outbox;
pub use notifying::{Notification, NotifyCounts};
pub(crate) use showing::Showing;
pub use showing::{ShownDetails, ShownKind, ShownThing, ShownVolume};

use crate::input::{Answered, Outlined, Output};
use crate::state::State;
use alloc::boxed::Box;
use alloc::vec::Vec;
use units::Now;

/// The unit of time of `dss`.
pub(crate) const fn utc_us(now: Now) -> i64 {
    now.utc.0.saturating_mul(1000)
}

impl State {
    pub(crate) fn dss_asked(
        &mut self,
        request: &dss::Request,
        outlined: Option<&Outlined>,
        now: Now,
        out: &mut Vec<Output>,
    ) {
        // What is kept for too long is forgotten first.
        self.dss_time(now);
        let kept = self.dss.is_kept(request);
        let outcome = self.dss.handle(request, utc_us(now));
        if outcome.is_ok() && !kept {
            self.intent_written(request, outlined, now);
            // Without a version it is new. Others that are new, implicit ones, have identifiers that nobody chose.
            if let dss::Ask::PutSubscription(id, None, _) = &request.ask {
                self.outbox.forget(&request.manager, *id);
            }
        }
        out.push(Output::Answer(Answered::Dss(Box::new(outcome))));
    }

    pub(crate) fn dss_tick(&mut self, now: Now, out: &mut Vec<Output>) {
        self.dss_time(now);
        self.sweep_notifications(now, out);
    }

    fn dss_time(&mut self, now: Now) {
        if self.dss.handle_time(utc_us(now)) {
            self.note_unfiled("it had ended by a clock that was ahead", now);
        }
    }

    /// References and subscriptions of traffic services.
    #[must_use]
    pub fn dss(&self) -> &dss::Dss {
        &self.dss
    }
}
