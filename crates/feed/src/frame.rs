//! One frame as a receiver heard it, whatever the framing.

/// A frame of Mode A/C (2 bytes) or Mode S (7 or 14 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    bytes: [u8; 14],
    len: u8,
    /// The receiver's counter, 12 MHz, 48 bits, as sent; `None` if the framing carries none.
    pub counter: Option<u64>,
    /// Signal level, 0 to 255, as sent.
    pub signal: Option<u8>,
}

impl Frame {
    /// From its bytes; `None` unless there are 2, 7 or 14.
    #[must_use]
    pub fn new(bytes: &[u8], counter: Option<u64>, signal: Option<u8>) -> Option<Self> {
        if !matches!(bytes.len(), 2 | 7 | 14) {
            return None;
        }
        let mut own = [0; 14];
        own[..bytes.len()].copy_from_slice(bytes);
        Some(Self { bytes: own, len: bytes.len() as u8, counter, signal })
    }

    /// The bytes of the reply or squitter.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Whether it is a Mode A/C reply, which has no format of its own.
    #[must_use]
    pub const fn is_mode_ac(&self) -> bool {
        self.len == 2
    }
}

/// Why bytes are not a frame, or a frame not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Bytes between frames.
    #[error("bytes outside a frame")]
    Noise,
    /// A frame begun before the last had ended.
    #[error("a frame of type {kind:#04x} ends after {got} of {want} bytes")]
    Short {
        /// Beast type byte.
        kind: u8,
        /// Bytes read.
        got: usize,
        /// Bytes of that type.
        want: usize,
    },
    /// A type this framer does not know.
    #[error("frame type {kind:#04x} is not known")]
    Type {
        /// Beast type byte.
        kind: u8,
    },
    /// Not the hexadecimal digits of a frame of 2, 7 or 14 bytes.
    #[error("not a frame of 2, 7 or 14 bytes in hexadecimal")]
    Hex,
    /// The parity check failed.
    #[error("parity check failed in downlink format {df}")]
    Parity {
        /// Downlink format.
        df: u8,
    },
    /// A field the decoder cannot read.
    #[error("downlink format {df} cannot be decoded")]
    Decode {
        /// Downlink format.
        df: u8,
    },
    /// Positions that one aircraft cannot have had.
    #[error("position implies {mps} m/s")]
    Speed {
        /// Speed between this position and the last, m/s.
        mps: u32,
    },
    /// Two ways to the position that do not agree.
    #[error("the pair of frames and the last position give places {metres} m apart")]
    Ambiguous {
        /// Distance between them, metres.
        metres: u32,
    },
}
