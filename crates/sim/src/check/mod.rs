//! The checkers. They see what was written to wire and disk, and the views that an officer sees; they are written apart from
//! what they check, and none can be asked by it.
mod alarms;
mod certain;
mod heard;
mod judge;
mod merkle;
mod release;
mod rules;
mod services;
mod settled;
mod wire;

pub use alarms::Alarms;
pub use heard::{Due, Heard};
pub use merkle::{Hash, Log, leaf};
pub use release::{Filed, Flown, Marks, Own, ReleaseOracle, Rules};
pub use services::Ledger;
pub use settled::{Told, settled, shared, unsettled};
pub use wire::{Excuse, Watch};
