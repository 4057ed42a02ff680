//! Names: parties, subjects, hashes.
use alloc::string::{String, ToString};
use core::fmt;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use sha2::{Digest, Sha256};

/// A party's name: 1 to 32 of `a-z`, `0-9` and `-`, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(String);

/// The text is not a party's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a party name: 1 to 32 of a-z, 0-9 and -, beginning with a letter")]
pub struct PartyIdError {
    /// First 40 characters of what was given.
    pub given: String,
}

impl PartyId {
    /// Parses a name.
    ///
    /// # Errors
    /// Anything but the form above.
    pub fn parse(text: &str) -> Result<Self, PartyIdError> {
        let fits = (1..=32).contains(&text.len())
            && text.as_bytes()[0].is_ascii_lowercase()
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(Self(text.to_string())) } else { Err(PartyIdError { given: text.chars().take(40).collect() }) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> Encode<C> for PartyId {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for PartyId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        Self::parse(d.str()?).map_err(|_| decode::Error::message("not a party name").at(at))
    }
}

macro_rules! bytes_name {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl $name {
            /// Parses lower-case or upper-case hexadecimal of the exact length.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let text = text.as_bytes();
                if text.len() != 2 * $len || !text.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                let digit = |b: u8| (b as char).to_digit(16).unwrap_or(0) as u8;
                let mut out = [0u8; $len];
                for (slot, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
                    *slot = digit(pair[0]) << 4 | digit(pair[1]);
                }
                Some(Self(out))
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
                let at = d.position();
                let bytes = d.bytes()?;
                bytes
                    .try_into()
                    .map(Self)
                    .map_err(|_| decode::Error::message(concat!("not ", $len, " bytes")).at(at))
            }
        }
    };
}

bytes_name!(
    /// SHA-256 of a record's bytes: its name.
    Hash32,
    32
);
bytes_name!(
    /// What a record is about; all its revisions share it. Chosen at random by whoever files the first one.
    SubjectId,
    16
);

impl Hash32 {
    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_mislead_are_refused() {
        for good in ["a", "north", "civil-2"] {
            assert!(PartyId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "2x", "-x", "North", "no rth", "nørth", "a/../b", "x".repeat(33).as_str()] {
            assert!(PartyId::parse(bad).is_err(), "{bad}");
        }
    }
}
