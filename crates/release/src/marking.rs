//! A word that a unit or planner puts on its own plan or aircraft, for rules to name. It never leaves the node.
use alloc::string::String;
use core::fmt;
use minicbor::{Decode, Encode};

/// Longest marking. It is a key of rules, no text.
pub const MARKING_BYTES_MAX: usize = 16;
/// Markings of one node: a list that people choose from.
pub const MARKINGS_MAX: usize = 32;

/// 1 to 16 of `a-z`, `0-9` and `-`, padded with zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Marking(#[cbor(with = "minicbor::bytes")] [u8; MARKING_BYTES_MAX]);

impl Marking {
    /// From a word; `None` if it is none.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let fits = (1..=MARKING_BYTES_MAX).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let mut bytes = [0; MARKING_BYTES_MAX];
        bytes.get_mut(..word.len())?.copy_from_slice(word.as_bytes());
        fits.then_some(Self(bytes))
    }

    /// The word.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect()
    }
}

impl fmt::Display for Marking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Debug for Marking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Marking({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_marking_is_a_short_word_and_survives_its_encoding() {
        for (word, good) in [
            ("medevac", true),
            ("a-1", true),
            ("0123456789abcdef", true),
            ("", false),
            ("Vip", false),
            ("0123456789abcdefg", false),
            ("a b", false),
        ] {
            let marking = Marking::parse(word);
            assert_eq!(marking.is_some(), good, "{word}");
            if let Some(marking) = marking {
                assert_eq!(marking.to_string(), word);
                assert_eq!(minicbor::decode::<Marking>(&minicbor::to_vec(marking).unwrap()).unwrap(), marking);
            }
        }
    }
}
