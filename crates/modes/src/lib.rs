//! Mode S frames to [`track::TrackReport`]s.
//!
//! In scope: extended squitters (DF17, DF18: ADS-B, ADS-R, TIS-B fine format) and the Mode A code of identity replies
//! (DF5, DF21); compact position reporting with its checks; the receiver's counter to UTC; the [`feed::Decoder`]s of
//! Beast and AVR streams. Out of scope: framing (`feed`), Comm-B registers, TIS-B coarse format, military DF19.
//!
//! Invariants:
//! - no clock is read: times come with the bytes or from the counter in them;
//! - a frame that fails its parity is no frame; DF18 is checked here, since `rs1090` checks DF17 only;
//! - a position is given only if two frames of either parity, or a frame and the last position, agree on it, and if
//!   the aircraft can have flown there;
//! - a report states geometric altitude only where the emitter is bound to the WGS-84 ellipsoid (TC 20-22, or the
//!   difference in TC 19 from an emitter of version 2);
//! - memory is bounded: [`feed::limits::AIRCRAFT_MAX`] aircraft, one frame.
//!
//! Standards: ICAO Annex 10 vol. IV, Doc 9871 (2nd ed.), DO-260B. Fields are read by `rs1090`, which this crate keeps
//! at arm's length: only `Message::try_from`, the parity, and the position formulas of one or two frames are used.
#![forbid(unsafe_code)]

mod aircraft;
mod clock;
mod cpr;
mod message;
mod streams;

pub use aircraft::ModesDecoder;
pub use clock::CounterClock;
pub use streams::{Avr, Beast};

use feed::{Decoder, Format};

/// A decoder for any format: those of `feed`, and the two that carry frames.
#[must_use]
pub fn decoder(format: Format) -> Box<dyn Decoder> {
    match feed::decoder(format) {
        Some(decoder) => decoder,
        None if format == Format::Beast => Box::new(Beast::new()),
        None => Box::new(Avr::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_its_decoder() {
        for format in Format::ALL {
            assert_eq!(decoder(format).format(), format);
        }
    }
}
