//! The checkers. They see what was written to wire and disk, and the views that an officer sees; they are written apart from
//! what they check, and none can be asked by it.
mod alarms;
mod merkle;
mod release;
mod settled;
mod wire;

pub use alarms::Alarms;
pub use merkle::{Hash, Log, leaf};
pub use release::{Own, ReleaseOracle};
pub use settled::{Told, settled, unsettled};
pub use wire::{Excuse, Watch};
