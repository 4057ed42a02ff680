//! Identity claims: 24-bit address, callsign, Mode A code.
use core::fmt;
use minicbor::{Decode, Encode};

/// Why a text is not an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not six hexadecimal digits (with `~` before them for a non-ICAO address).
    #[error("an aircraft address is six hexadecimal digits, with ~ before them if it is not an ICAO address")]
    Address,
    /// Longer than eight characters or not printable ASCII.
    #[error("a callsign has one to eight letters, digits or - (ICAO Annex 10 vol. III)")]
    Callsign,
    /// Not four octal digits.
    #[error("a Mode A code is four octal digits")]
    ModeA,
}

/// A 24-bit aircraft address. Bit 24 marks a non-ICAO address (TIS-B track file, anonymous), as readsb's `~` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Address(u32);

impl Address {
    const NON_ICAO: u32 = 1 << 24;

    /// An ICAO address; `None` beyond 24 bits.
    #[must_use]
    pub const fn icao(bits: u32) -> Option<Self> {
        if bits < Self::NON_ICAO { Some(Self(bits)) } else { None }
    }

    /// A non-ICAO address; `None` beyond 24 bits.
    #[must_use]
    pub const fn non_icao(bits: u32) -> Option<Self> {
        if bits < Self::NON_ICAO { Some(Self(bits | Self::NON_ICAO)) } else { None }
    }

    /// Parses `4b1a41` or `~2b1fcc`, in either case.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let (digits, flag) = match text.strip_prefix('~') {
            Some(rest) => (rest, Self::NON_ICAO),
            None => (text, 0),
        };
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(IdentityError::Address);
        }
        u32::from_str_radix(digits, 16).map(|bits| Self(bits | flag)).map_err(|_| IdentityError::Address)
    }

    /// Whether it is an ICAO address, so that equality means the same airframe (as far as the emitter is honest).
    #[must_use]
    pub const fn is_icao(self) -> bool {
        self.0 & Self::NON_ICAO == 0
    }

    /// The 25 bits as stored: the address, plus bit 24 if not ICAO.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From [`Address::bits`].
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits < Self::NON_ICAO << 1 { Some(Self(bits)) } else { None }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_icao() {
            f.write_str("~")?;
        }
        write!(f, "{:06x}", self.0 & (Self::NON_ICAO - 1))
    }
}

/// An aircraft identification (ICAO Annex 10 vol. III: eight characters), right-padded with zero bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Callsign(u64);

impl Callsign {
    /// Parses a callsign; blanks around it are dropped.
    ///
    /// # Errors
    /// Empty, longer than eight, or characters other than letters, digits and `-`.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let text = text.trim();
        if text.is_empty() || text.len() > 8 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(IdentityError::Callsign);
        }
        let mut bytes = [0u8; 8];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self(u64::from_be_bytes(bytes)))
    }

    /// The eight bytes as one big-endian number, as stored.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// From [`Callsign::bits`]; `None` unless it is a callsign.
    #[must_use]
    pub fn from_bits(bits: u64) -> Option<Self> {
        let bytes = bits.to_be_bytes();
        let len = bytes.iter().position(|b| *b == 0).unwrap_or(8);
        let (text, rest) = bytes.split_at(len);
        let plain = !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
        (plain && rest.iter().all(|b| *b == 0)).then_some(Self(bits))
    }
}

impl fmt::Display for Callsign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for b in self.0.to_be_bytes().into_iter().take_while(|b| *b != 0) {
            write!(f, "{}", char::from(b))?;
        }
        Ok(())
    }
}

/// A Mode A (SSR) code, twelve bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ModeA(pub u16);

impl ModeA {
    /// Parses four octal digits.
    ///
    /// # Errors
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        if text.len() != 4 {
            return Err(IdentityError::ModeA);
        }
        u16::from_str_radix(text, 8).map(Self).map_err(|_| IdentityError::ModeA)
    }
}

impl fmt::Display for ModeA {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0 & 0o7777)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn addresses_and_callsigns_survive_text() {
        for text in ["4b1a41", "~2b1fcc", "000001"] {
            let a = Address::parse(text).unwrap();
            assert_eq!(a.to_string(), text);
            assert_eq!(Address::from_bits(a.bits()), Some(a));
        }
        let c = Callsign::parse("SWR12A  ").unwrap();
        assert_eq!(c.to_string(), "SWR12A");
        assert_eq!(Callsign::from_bits(c.bits()), Some(c));
        assert_eq!(ModeA::parse("7700").unwrap().to_string(), "7700");
    }

    #[test]
    fn texts_that_are_no_identity_are_refused() {
        for text in ["", "4b1a4", "4b1a411", "~~b1fcc", "+b1a41", "4b1g41"] {
            assert_eq!(Address::parse(text), Err(IdentityError::Address), "{text}");
        }
        for text in ["", "  ", "TOOLONG99", "A B", "A<B"] {
            assert_eq!(Callsign::parse(text), Err(IdentityError::Callsign), "{text}");
        }
        assert_eq!(Callsign::from_bits(0x4100_4200_0000_0000), None);
        assert_eq!(ModeA::parse("8000"), Err(IdentityError::ModeA));
    }

    #[test]
    fn bits_are_a_callsign_exactly_if_they_are_those_of_a_text_that_is_one() {
        let slow = |bits: u64| {
            let bytes = bits.to_be_bytes();
            let len = bytes.iter().position(|b| *b == 0).unwrap_or(8);
            let parsed = Callsign::parse(core::str::from_utf8(&bytes[..len]).ok()?).ok()?;
            (parsed.0 == bits).then_some(parsed)
        };
        // Every byte at every place of a callsign of every length, and what is behind its end.
        for len in 0..=8 {
            let mut text = [0; 8];
            text[..len].copy_from_slice(&b"SWR-12aZ"[..len]);
            for at in 0..8 {
                for byte in 0..=255 {
                    let mut bytes = text;
                    bytes[at] = byte;
                    let bits = u64::from_be_bytes(bytes);
                    assert_eq!(Callsign::from_bits(bits), slow(bits), "{bytes:?}");
                }
            }
        }
    }
}
