//! AVR text framing: `*8d…;`, or `@` with a 48-bit counter in 12 hexadecimal digits before the frame.
use crate::error::{FeedError, Place};
use crate::frame::{Frame, FrameError};

// '@', 12 digits of counter, 28 of frame.
const TEXT_MAX: usize = 1 + 12 + 28;

/// Cuts a byte stream into frames. Holds at most one frame.
#[derive(Debug)]
pub struct Framer {
    text: [u8; TEXT_MAX],
    got: usize,
    over: bool,
    noise: bool,
    offset: u64,
    began: u64,
}

impl Default for Framer {
    fn default() -> Self {
        Self { text: [0; TEXT_MAX], got: 0, over: false, noise: false, offset: 0, began: 0 }
    }
}

impl Framer {
    /// Calls `each` for every frame `bytes` completes and for every stretch that is none.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Place, Result<Frame, FeedError>)) {
        for byte in bytes {
            self.offset += 1;
            match byte {
                b'*' | b'@' => {
                    self.cut(&mut each);
                    self.began = self.offset;
                    self.text[0] = *byte;
                    self.got = 1;
                    self.noise = false;
                }
                b';' if self.got > 0 => self.end(&mut each),
                b'\r' | b'\n' => self.cut(&mut each),
                _ if self.got == 0 => self.outside(*byte, &mut each),
                _ if self.got < TEXT_MAX => {
                    self.text[self.got] = *byte;
                    self.got += 1;
                }
                _ => self.over = true,
            }
        }
    }

    /// Ends the stream; a frame cut short is reported.
    pub fn finish(&mut self, mut each: impl FnMut(Place, Result<Frame, FeedError>)) {
        self.cut(&mut each);
        *self = Self::default();
    }

    // A frame begun and not ended, at a line's end or at the next frame.
    fn cut(&mut self, each: &mut impl FnMut(Place, Result<Frame, FeedError>)) {
        if self.got > 0 {
            self.over = true;
            self.end(each);
        }
        self.noise = false;
    }

    fn outside(&mut self, byte: u8, each: &mut impl FnMut(Place, Result<Frame, FeedError>)) {
        if byte > b' ' && !self.noise {
            self.noise = true;
            let place = Place::Byte(self.offset);
            each(place, Err(FeedError::Frame { place, cause: FrameError::Noise }));
        }
    }

    fn end(&mut self, each: &mut impl FnMut(Place, Result<Frame, FeedError>)) {
        let place = Place::Byte(self.began);
        let frame = if self.over { None } else { parse(&self.text[..self.got]) };
        self.got = 0;
        self.over = false;
        each(place, frame.ok_or(FeedError::Frame { place, cause: FrameError::Hex }));
    }
}

fn parse(text: &[u8]) -> Option<Frame> {
    let (mark, mut digits) = text.split_first()?;
    let counter = if *mark == b'@' {
        let (head, rest) = digits.split_at_checked(12)?;
        digits = rest;
        Some(head.iter().try_fold(0u64, |n, d| Some(n << 4 | u64::from(nibble(*d)?)))?)
    } else {
        None
    };
    let mut bytes = [0u8; 14];
    if digits.len() % 2 != 0 || digits.len() > 28 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Frame::new(&bytes[..digits.len() / 2], counter, None)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|n| n as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use alloc::{format, vec, vec::Vec};

    fn check(text: &str, want: &[&str]) {
        for cut in 0..=text.len() {
            let (mut framer, mut got) = (Framer::default(), vec![]);
            let mut each = |_, r: Result<Frame, FeedError>| {
                got.push(match r {
                    Ok(f) => format!("{:?} {:02x?}", f.counter, f.bytes()),
                    Err(e) => e.to_string(),
                });
            };
            framer.push(&text.as_bytes()[..cut], &mut each);
            framer.push(&text.as_bytes()[cut..], &mut each);
            framer.finish(&mut each);
            let want: Vec<String> = want.iter().map(ToString::to_string).collect();
            assert_eq!(got, want, "{text} cut at {cut}");
        }
    }

    #[test]
    fn frames_come_out_whole_however_the_stream_is_cut() {
        check("*5d010203040506;\r\n*1234;", &["None [5d, 01, 02, 03, 04, 05, 06]", "None [12, 34]"]);
        check("@00000000001A5D010203040506;", &["Some(26) [5d, 01, 02, 03, 04, 05, 06]"]);
    }

    #[test]
    fn texts_that_are_no_frame_are_named_and_the_next_frame_is_read() {
        let bad = "byte 1: not a frame of 2, 7 or 14 bytes in hexadecimal";
        for text in ["*;\n", "*5d01;;;", "*5d0102030405zz;", "*5d010203040506", "@0000;", "*5d01020304050;"] {
            let first = if text == "*5d01;;;" { "None [5d, 01]" } else { bad };
            let noise = if text == "*5d01;;;" { &["byte 7: bytes outside a frame"][..] } else { &[] };
            let want = [&[first][..], noise, &["None [12, 34]"]].concat();
            check(&format!("{text}*1234;"), &want);
        }
        check(&format!("*{}*1234;", "0".repeat(99)), &[bad, "None [12, 34]"]);
        check("MSG,1\n*1234;", &["byte 1: bytes outside a frame", "None [12, 34]"]);
    }
}
