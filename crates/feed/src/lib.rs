//! Bytes of a surveillance feed or recording to [`track::TrackReport`]s: one file per format.
//!
//! In scope: receiver outputs (readsb/dump1090 `aircraft.json`, SBS-1 lines), the framing of Beast and AVR streams,
//! and recordings for replay. Out of scope: decoding of Mode S frames (`modes`), sockets and files (the shell), which
//! reports make one aircraft (the node).
//!
//! Invariants:
//! - no clock is read: the time of reception is an argument, the time of applicability comes from the source;
//! - no input ends a decoder: a record that cannot be read is counted, named and skipped, and the next is read;
//! - memory is bounded: every buffer and table has a stated maximum ([`limits`]);
//! - pressure and geometric altitude are never mixed, and an altitude of unknown reference is not reported at all;
//! - every report handed out passes [`track::TrackReport::check`].
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod aircraft_json;
pub mod avr;
mod batch;
pub mod beast;
mod error;
mod frame;
mod json;
mod jsonl;
mod lines;
mod recent;
pub mod replay;
mod sbs;
mod states_csv;
mod time;
mod trajectory_csv;
mod values;

pub use aircraft_json::AircraftJson;
pub use batch::{Batch, Counts};
pub use error::{ErrorKind, FeedError, Place, excerpt};
pub use frame::{Frame, FrameError};
pub use jsonl::Jsonl;
pub use recent::Recent;
pub use sbs::Sbs;
pub use states_csv::StatesCsv;
pub use trajectory_csv::TrajectoryCsv;
pub use values::accuracy_mm;

use alloc::boxed::Box;
use units::Utc;

/// What bounds the memory of a decoder, whatever its source sends.
pub mod limits {
    /// Longest line of a text format, bytes (the longest in the recordings has 1,215).
    pub const LINE_BYTES_MAX: usize = 16 * 1024;
    /// Largest `aircraft.json`, bytes (about 900 bytes per aircraft: room for [`SNAPSHOT_AIRCRAFT_MAX`]).
    pub const SNAPSHOT_BYTES_MAX: usize = 16 * 1024 * 1024;
    /// Most aircraft taken from one `aircraft.json`.
    pub const SNAPSHOT_AIRCRAFT_MAX: usize = 16_384;
    /// Most aircraft a stateful decoder remembers; the longest unheard make room.
    pub const AIRCRAFT_MAX: usize = 4096;
    /// Most errors kept in words by one [`crate::Batch`]; all are counted.
    pub const ERRORS_MAX: usize = 64;
    /// How far a source's clock may be ahead of the time of reception, ms. Beyond it a report would outlive its successors.
    pub const AHEAD_MS_MAX: i64 = 5_000;
    /// How far an SBS line's own time may be behind the time of reception, ms; beyond it the source's clock or zone is wrong.
    pub const BEHIND_MS_MAX: i64 = 60_000;
    /// Most reports a [`crate::replay::Timeline`] holds.
    pub const TIMELINE_REPORTS_MAX: usize = 2_000_000;
}

/// In place of the time of reception, when a recording is read: the source's time stands alone.
pub const REPLAY: Utc = Utc(i64::MAX);

/// A decoder of one stream in one format.
pub trait Decoder: Send {
    /// The format it reads.
    fn format(&self) -> Format;

    /// Takes the stream's next bytes, cut anywhere, and adds what they complete to `out`.
    ///
    /// `received` is the time at which these bytes arrived, or [`REPLAY`].
    fn push(&mut self, bytes: &[u8], received: Utc, out: &mut Batch);

    /// Ends the stream or document: what is still held is read or refused, and the next byte starts anew.
    fn finish(&mut self, received: Utc, out: &mut Batch);
}

/// A format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// readsb, dump1090-fa or tar1090 `aircraft.json`: one snapshot per document.
    AircraftJson,
    /// SBS-1/BaseStation `MSG` lines, also with stratux's counter before them.
    Sbs,
    /// Beast binary frames of Mode S (decoded by `modes`).
    Beast,
    /// AVR text frames of Mode S (decoded by `modes`).
    Avr,
    /// State vectors in CSV, header `t_unix_s,icao24,…`.
    StatesCsv,
    /// Fixes in JSON lines with `now` and `gscp`.
    Jsonl,
    /// Reference trajectories in CSV, header `flight_id,timestamp,…`.
    TrajectoryCsv,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] =
        [Self::AircraftJson, Self::Sbs, Self::Beast, Self::Avr, Self::StatesCsv, Self::Jsonl, Self::TrajectoryCsv];

    /// The name used in configuration and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AircraftJson => "aircraft-json",
            Self::Sbs => "sbs",
            Self::Beast => "beast",
            Self::Avr => "avr",
            Self::StatesCsv => "states-csv",
            Self::Jsonl => "jsonl",
            Self::TrajectoryCsv => "trajectory-csv",
        }
    }

    /// From [`Format::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }

    /// Whether the format carries Mode S frames, which need the decoder of crate `modes`.
    #[must_use]
    pub const fn is_frames(self) -> bool {
        matches!(self, Self::Beast | Self::Avr)
    }
}

/// A decoder for a format of reports; `None` for the formats that carry frames ([`Format::is_frames`]).
#[must_use]
pub fn decoder(format: Format) -> Option<Box<dyn Decoder>> {
    match format {
        Format::AircraftJson => Some(Box::new(AircraftJson::new())),
        Format::Sbs => Some(Box::new(Sbs::new())),
        Format::StatesCsv => Some(Box::new(StatesCsv::new())),
        Format::Jsonl => Some(Box::new(Jsonl::new())),
        Format::TrajectoryCsv => Some(Box::new(TrajectoryCsv::new())),
        Format::Beast | Format::Avr => None,
    }
}

/// Reads one whole document or recording: what could be read, and what could not.
pub fn decode(decoder: &mut dyn Decoder, bytes: &[u8], received: Utc) -> Batch {
    let mut out = Batch::default();
    decoder.push(bytes, received, &mut out);
    decoder.finish(received, &mut out);
    out
}

/// The number of a source that has a name of its own but no address: FNV-1a, with the top bit set so that it never
/// equals an address.
#[must_use]
pub fn local_of_name(name: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash | 1 << 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_one_name_and_one_decoder() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.name()), Some(format));
            assert_eq!(decoder(format).map(|d| d.format()), (!format.is_frames()).then_some(format));
        }
        assert_eq!(Format::parse("asterix"), None);
    }

    #[test]
    fn a_name_never_becomes_an_address() {
        assert_ne!(local_of_name(b"a"), local_of_name(b"b"));
        assert!(local_of_name(b"") >> 63 == 1);
    }
}
