//! As much DER as a public key needs: tags of one byte, definite lengths.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`: the version of a certificate.
pub(crate) const CONTEXT_0: u8 = 0xa0;

/// What is left of the contents of an element.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The contents of the next element if it has this tag, which is then passed.
    pub(crate) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&first, rest) = self.0.split_first()?;
        let (&length, rest) = rest.split_first()?;
        if first != tag {
            return None;
        }
        // Lengths below 128 are one byte; else it counts the bytes of the length, shortest form only. 64 KiB is enough for a key.
        let (length, rest) = match length {
            0..=0x7f => (usize::from(length), rest),
            0x81 => match *rest.first()? {
                n @ 0x80.. => (usize::from(n), rest.get(1..)?),
                _ => return None,
            },
            0x82 => match u16::from_be_bytes([*rest.first()?, *rest.get(1)?]) {
                n @ 0x100.. => (usize::from(n), rest.get(2..)?),
                _ => return None,
            },
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(contents)
    }

    /// A sequence, to be read on its own.
    pub(crate) fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Reader)
    }

    /// A whole number that is not negative, without leading zeros.
    pub(crate) fn unsigned(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [0, rest @ ..] if rest.first().is_some_and(|b| *b >= 0x80) => Some(rest),
            bytes @ [1..0x80, ..] => Some(bytes),
            _ => None,
        }
    }

    /// A string of whole bytes.
    pub(crate) fn bits(&mut self) -> Option<&'a [u8]> {
        match self.take(BIT_STRING)? {
            [0, bytes @ ..] => Some(bytes),
            _ => None,
        }
    }
}

/// The one element that `bytes` are.
pub(crate) fn whole(bytes: &[u8]) -> Option<Reader<'_>> {
    let mut reader = Reader(bytes);
    let sequence = reader.sequence()?;
    reader.is_empty().then_some(sequence)
}

/// The blocks of a PEM text (RFC 7468): label and bytes. Text around them is passed over; none if a block is not whole.
pub(crate) fn pem(text: &str) -> Option<Vec<(&str, Vec<u8>)>> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in text.lines().map(str::trim) {
        let marked = |mark: &str| line.strip_prefix(mark)?.strip_suffix("-----");
        match (&mut open, marked("-----BEGIN "), marked("-----END ")) {
            (None, Some(label), _) => open = Some((label, String::new())),
            (Some((label, body)), None, Some(end)) if *label == end => {
                blocks.push((end, STANDARD.decode(body).ok()?));
                open = None;
            }
            (_, None, None) => {
                if let Some((_, body)) = &mut open {
                    body.push_str(line);
                }
            }
            _ => return None,
        }
    }
    open.is_none().then_some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_form() {
        let long = [&[0x30, 0x81, 0x80][..], &[7; 0x80]].concat();
        let longer = [&[0x30, 0x82, 0x01, 0x00][..], &[7; 0x100]].concat();
        for (bytes, expect) in [
            (&[0x30, 1, 7][..], Some(1)),
            (&[0x30, 0], Some(0)),
            (&long, Some(0x80)),
            (&longer, Some(0x100)),
            // Too long for the bytes, too short, not the shortest form, indefinite, wider than needed, another tag, nothing.
            (&[0x30, 2, 7], None),
            (&[0x30, 1, 7, 7], None),
            (&[0x30, 0x81, 1, 7], None),
            (&[0x30, 0x82, 0, 1, 7], None),
            (&[0x30, 0x80, 7, 0, 0], None),
            (&[0x30, 0x83, 0, 0, 1, 7], None),
            (&[0x31, 1, 7], None),
            (&[0x30], None),
            (&[], None),
        ] {
            assert_eq!(whole(bytes).map(|r| r.0.len()), expect, "{bytes:?}");
        }
    }

    #[test]
    fn a_number_is_not_negative_and_has_no_needless_zero() {
        for (bytes, expect) in [
            (&[2, 1, 5][..], Some(&[5][..])),
            (&[2, 2, 0, 0x80], Some(&[0x80])),
            (&[2, 1, 0x80], None),
            (&[2, 2, 0, 5], None),
            (&[2, 1, 0], None),
            (&[2, 0], None),
        ] {
            assert_eq!(Reader(bytes).unsigned(), expect, "{bytes:?}");
        }
    }

    #[test]
    fn blocks_of_pem_are_whole_or_refused() {
        let text =
            "of May\n-----BEGIN A-----\r\nAQID\r\n-----END A-----\n\n-----BEGIN B C-----\nAQ\nID\n-----END B C-----";
        assert_eq!(pem(text).unwrap(), [("A", vec![1, 2, 3]), ("B C", vec![1, 2, 3])]);
        assert!(pem("no block").unwrap().is_empty());
        for broken in [
            "-----BEGIN A-----\nAQID\n",
            "-----BEGIN A-----\nAQID\n-----END B-----\n",
            "-----BEGIN A-----\n-----BEGIN A-----\nAQID\n-----END A-----\n",
            "-----BEGIN A-----\nA?ID\n-----END A-----\n",
            "-----END A-----\n",
        ] {
            assert_eq!(pem(broken), None, "{broken}");
        }
    }
}
