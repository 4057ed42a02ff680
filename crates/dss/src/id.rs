//! Identifiers of entities and subscriptions: UUIDs.
use alloc::string::String;
use core::fmt;
use minicbor::{Decode, Encode};

/// A UUID (RFC 9562).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Id(#[cbor(with = "minicbor::bytes")] pub [u8; 16]);

/// Why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID: 32 hexadecimal digits, in groups of 8-4-4-4-12 or without dashes")]
pub struct IdError;

/// Where the dashes are in the text of 36 characters.
const DASHES: [usize; 4] = [8, 13, 18, 23];

impl Id {
    /// The lowest.
    pub const MIN: Self = Self([0; 16]);
    /// The highest.
    pub const MAX: Self = Self([0xff; 16]);
    /// Stands for no subscription where the standard's shape demands one.
    pub const NO_SUBSCRIPTION: Self = Self([0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]);

    /// Reads a UUID with or without dashes, in either case of letters.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let bytes = text.as_bytes();
        let mut digits = [0u8; 32];
        match bytes.len() {
            32 => digits.copy_from_slice(bytes),
            36 if DASHES.iter().all(|at| bytes[*at] == b'-') => {
                let plain = bytes.iter().enumerate().filter(|(at, _)| !DASHES.contains(at));
                digits.iter_mut().zip(plain).for_each(|(digit, (_, byte))| *digit = *byte);
            }
            _ => return Err(IdError),
        }
        let mut id = [0u8; 16];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(id))
    }

    /// A random UUID (version 4) out of random bytes.
    #[must_use]
    pub const fn random(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// Its version: 4 is random, 7 begins with a time.
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.0[6] >> 4
    }

    /// The time that a version 7 begins with, milliseconds since 1970 (RFC 9562, 5.7).
    #[must_use]
    pub fn v7_ms(&self) -> i64 {
        self.0[..6].iter().fold(0, |ms, byte| ms << 8 | i64::from(*byte))
    }
}

const fn nibble(digit: u8) -> Result<u8, IdError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(IdError),
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(36);
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_uuid_is_read_with_and_without_dashes_in_either_case_and_written_with_them() {
        let id = Id::parse("00000179-E36D-40BE-838B-ECA6CA350000").unwrap();
        assert_eq!(id, Id::parse("00000179e36d40be838beca6ca350000").unwrap());
        assert_eq!(id.to_string(), "00000179-e36d-40be-838b-eca6ca350000");
        assert_eq!(id.version(), 4);
        for bad in [
            "",
            "00000179-e36d-40be-838b-eca6ca35000",
            "00000179-e36d-40be-838b-eca6ca3500000",
            "00000179-e36d-40be-838beca6-ca350000",
            "0000017g-e36d-40be-838b-eca6ca350000",
            "not_uuid_format",
            "{0000179-e36d-40be-838b-eca6ca35000}",
            "é0000179-e36d-40be-838b-eca6ca35000",
        ] {
            assert_eq!(Id::parse(bad), Err(IdError), "{bad:?}");
        }
    }

    #[test]
    fn a_version_7_begins_with_its_time() {
        // The example of RFC 9562, A.6.
        let id = Id::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F").unwrap();
        assert_eq!((id.version(), id.v7_ms()), (7, 1_645_557_742_000));
        assert_eq!(Id::random([0xff; 16]).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Id::NO_SUBSCRIPTION.to_string(), "00000000-0000-4000-8000-000000000000");
    }
}
