//! Encoding, and strict decoding of foreign bytes.
use crate::batch::BatchError;
use crate::body::{Body, TextLimits};
use crate::envelope::{Mode, Record};
use crate::party::Hash32;
use airspace::VolumeError;
use alloc::vec::Vec;

/// The one schema version this build speaks.
pub const SCHEMA: u16 = 1;

/// Most bytes of a record: a log entry's length is a 16-bit number (C2SP tlog-tiles).
pub const RECORD_BYTES_MAX: usize = 65_535;

/// Why bytes are not a record, grouped by blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// More than [`RECORD_BYTES_MAX`].
    #[error("TOO_LARGE: {bytes} bytes, at most {RECORD_BYTES_MAX}")]
    TooLarge {
        /// Length.
        bytes: usize,
    },
    /// Not CBOR of the schema.
    #[error("MALFORMED: not a record of schema {SCHEMA} at byte {at:?}")]
    Malformed {
        /// Offset, if known.
        at: Option<usize>,
    },
    /// A schema version of another time.
    #[error("UNKNOWN_VERSION: schema {schema}, this node speaks {SCHEMA}")]
    UnknownVersion {
        /// Version given.
        schema: u16,
    },
    /// Right values, but not the one encoding of them.
    #[error("NOT_CANONICAL: the bytes are not the one encoding of their value (first difference at byte {at})")]
    NotCanonical {
        /// Offset of the first difference.
        at: usize,
    },
    /// A volume that is none.
    #[error("INVALID: {0}")]
    Volume(VolumeError),
    /// Columns that are no batch.
    #[error("INVALID: {0}")]
    Batch(BatchError),
    /// A text or list beyond its bound, or a mode that is none.
    #[error("INVALID: {field} is longer than {max} or malformed")]
    Field {
        /// Field.
        field: &'static str,
        /// Bound.
        max: usize,
    },
}

/// A decoded record with its bytes and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The record.
    pub record: Record,
    /// SHA-256 of the bytes as received.
    pub id: Hash32,
}

/// Encodes a record.
///
/// # Errors
/// A value out of bounds, or an encoding over [`RECORD_BYTES_MAX`].
pub fn encode(record: &Record) -> Result<Vec<u8>, RecordError> {
    check(record)?;
    let bytes = to_bytes(record);
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(RecordError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// Decodes foreign bytes. Cheapest check first: each later step costs more.
///
/// # Errors
/// The first rule that is broken; nothing of such a record may be used.
pub fn decode(bytes: &[u8]) -> Result<Decoded, RecordError> {
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(RecordError::TooLarge { bytes: bytes.len() });
    }
    let schema = peek_schema(bytes).ok_or(RecordError::Malformed { at: Some(0) })?;
    if schema != SCHEMA {
        return Err(RecordError::UnknownVersion { schema });
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let record: Record = decoder.decode().map_err(|e| RecordError::Malformed { at: e.position() })?;
    check(&record)?;
    let again = to_bytes(&record);
    if again != bytes {
        let at = again.iter().zip(bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
        return Err(RecordError::NotCanonical { at });
    }
    Ok(Decoded { record, id: Hash32::of(bytes) })
}

fn to_bytes(record: &Record) -> Vec<u8> {
    // A row of ordinary traffic takes 50 to 60 bytes; growing by doubling would copy a full batch nearly twice.
    let rows = if let Body::Tracks(batch) = &record.body { batch.len() } else { 0 };
    let mut out = Vec::with_capacity(256 + 64 * rows.min(crate::batch::BATCH_MAX));
    match minicbor::encode(record, &mut out) {
        Ok(()) => out,
        Err(error) => unreachable!("writing to a vector cannot fail: {error}"),
    }
}

/// Reads key 0 of the map, which canonical order puts first, so that a newer peer is told apart from garbage.
fn peek_schema(bytes: &[u8]) -> Option<u16> {
    let mut d = minicbor::Decoder::new(bytes);
    d.map().ok()?;
    if d.u8().ok()? != 0 {
        return None;
    }
    d.u16().ok()
}

fn check(record: &Record) -> Result<(), RecordError> {
    if Mode::parse(&record.mode.label()).as_ref() != Some(&record.mode) {
        return Err(RecordError::Field { field: "mode", max: 40 });
    }
    match &record.body {
        Body::Pact(p) => text("software", &p.software, 40),
        Body::Tracks(batch) => batch.check_rows().map_err(RecordError::Batch),
        Body::Plan(plan) => plan.check().map_err(RecordError::Volume),
        Body::Notice(n) => {
            text("text", &n.text, TextLimits::NOTICE_BYTES_MAX)?;
            text("action", n.action.as_deref().unwrap_or(""), TextLimits::REASON_BYTES_MAX)?;
            volumes(&n.volumes)
        }
        Body::Site(site) => site.check().map_err(RecordError::Volume),
        Body::Avoid(avoid) => volumes(&avoid.volumes),
        Body::Keys(k) => text("statement", &k.statement, TextLimits::KEYS_BYTES_MAX),
        Body::Channel(c) => text("reason", &c.reason, TextLimits::REASON_BYTES_MAX),
        Body::Receipt(_) | Body::Conflict(_) | Body::Withdrawn(_) => Ok(()),
    }
}

fn text(field: &'static str, value: &str, max: usize) -> Result<(), RecordError> {
    // Control characters could forge lines in a log or a terminal; a line break in a notice is the one exception.
    let clean = value.chars().all(|c| !c.is_control() || c == '\n');
    if value.len() > max || !clean { Err(RecordError::Field { field, max }) } else { Ok(()) }
}

fn volumes(list: &[airspace::Volume4d]) -> Result<(), RecordError> {
    if list.len() > TextLimits::NOTICE_VOLUMES_MAX {
        return Err(RecordError::Field { field: "volumes", max: TextLimits::NOTICE_VOLUMES_MAX });
    }
    list.iter().try_for_each(|v| v.check().map_err(RecordError::Volume))
}
