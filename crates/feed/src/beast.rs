//! Beast binary framing: `0x1a`, a type, a 48-bit counter, a signal byte, the frame; a `0x1a` within is sent twice.
//!
//! Types `'1'` (Mode A/C), `'2'` (Mode S short), `'3'` (Mode S long) are taken, `'4'` (receiver status) is passed
//! over, others are refused. A `0x1a` not doubled always begins a frame, so the framer finds its way back at the next.
use crate::error::{FeedError, Place};
use crate::frame::{Frame, FrameError};

/// The mark that begins a frame.
pub const ESCAPE: u8 = 0x1a;
/// The counter by which multilateration servers mark a result of theirs (`0xff` + `MLAT` + 0).
pub const MLAT_COUNTER: u64 = 0xff00_4d4c_4154;

// Counter (6) and signal (1) come before the frame.
const HEAD: usize = 7;
const BODY_MAX: usize = HEAD + 14;

/// Cuts a byte stream into frames. Holds at most one frame.
#[derive(Debug)]
pub struct Framer {
    body: [u8; BODY_MAX],
    got: usize,
    state: State,
    offset: u64,
    began: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside a frame; `true` once the noise has been reported.
    Outside(bool),
    /// The last byte was an escape outside a frame.
    Mark,
    /// Inside a frame of this type and length.
    Body(u8, usize),
    /// Inside, and the last byte was an escape.
    Escaped(u8, usize),
}

impl Default for Framer {
    fn default() -> Self {
        Self { body: [0; BODY_MAX], got: 0, state: State::Outside(false), offset: 0, began: 0 }
    }
}

impl Framer {
    /// Calls `each` for every frame `bytes` completes and for every stretch that is none.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Place, Result<Frame, FeedError>)) {
        for byte in bytes {
            self.offset += 1;
            self.byte(*byte, &mut each);
        }
    }

    /// Ends the stream; a frame cut short is reported.
    pub fn finish(&mut self, mut each: impl FnMut(Place, Result<Frame, FeedError>)) {
        if let State::Body(kind, want) | State::Escaped(kind, want) = self.state {
            self.short(kind, want, &mut each);
        }
        *self = Self::default();
    }

    fn byte(&mut self, byte: u8, each: &mut impl FnMut(Place, Result<Frame, FeedError>)) {
        match self.state {
            State::Outside(_) if byte == ESCAPE => self.state = State::Mark,
            State::Outside(false) => {
                self.state = State::Outside(true);
                self.refuse(self.offset, FrameError::Noise, each);
            }
            State::Outside(true) => {}
            State::Mark => self.begin(byte, each),
            State::Body(kind, want) if byte == ESCAPE => self.state = State::Escaped(kind, want),
            State::Body(kind, want) => self.add(byte, kind, want, each),
            State::Escaped(kind, want) if byte == ESCAPE => self.add(byte, kind, want, each),
            State::Escaped(kind, want) => {
                self.short(kind, want, each);
                self.begin(byte, each);
            }
        }
    }

    fn begin(&mut self, kind: u8, each: &mut impl FnMut(Place, Result<Frame, FeedError>)) {
        let len = match kind {
            b'1' => 2,
            b'2' => 7,
            b'3' | b'4' => 14,
            // A doubled escape outside a frame: the tail of a frame whose head was lost.
            ESCAPE => {
                self.state = State::Outside(true);
                return;
            }
            _ => {
                self.state = State::Outside(true);
                return self.refuse(self.offset, FrameError::Type { kind }, each);
            }
        };
        self.began = self.offset - 1;
        self.got = 0;
        self.state = State::Body(kind, HEAD + len);
    }

    fn add(&mut self, byte: u8, kind: u8, want: usize, each: &mut impl FnMut(Place, Result<Frame, FeedError>)) {
        self.body[self.got] = byte;
        self.got += 1;
        self.state = State::Body(kind, want);
        if self.got < want {
            return;
        }
        self.state = State::Outside(false);
        if kind == b'4' {
            return;
        }
        let counter = self.body[..6].iter().fold(0, |n, b| n << 8 | u64::from(*b));
        if let Some(frame) = Frame::new(&self.body[HEAD..want], Some(counter), Some(self.body[6])) {
            each(Place::Byte(self.began), Ok(frame));
        }
    }

    fn short(&self, kind: u8, want: usize, each: &mut impl FnMut(Place, Result<Frame, FeedError>)) {
        self.refuse(self.began, FrameError::Short { kind, got: self.got, want }, each);
    }

    fn refuse(&self, at: u64, cause: FrameError, each: &mut impl FnMut(Place, Result<Frame, FeedError>)) {
        let place = Place::Byte(at);
        each(place, Err(FeedError::Frame { place, cause }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use alloc::{format, vec, vec::Vec};

    fn run(parts: &[&[u8]]) -> Vec<String> {
        let (mut framer, mut got) = (Framer::default(), vec![]);
        let mut each = |_, r: Result<Frame, FeedError>| {
            got.push(match r {
                Ok(f) => format!("{} {:?} {:02x?}", f.counter.unwrap(), f.signal.unwrap(), f.bytes()),
                Err(e) => e.to_string(),
            });
        };
        for part in parts {
            framer.push(part, &mut each);
        }
        framer.finish(&mut each);
        got
    }

    const SHORT: &[u8] = &[0x1a, b'2', 0, 0, 0, 0, 1, 2, 9, 0x5d, 1, 2, 3, 4, 5, 6];

    #[test]
    fn frames_come_out_whole_however_the_stream_is_cut() {
        let want = "258 9 [5d, 01, 02, 03, 04, 05, 06]";
        assert_eq!(run(&[SHORT, SHORT]), [want, want]);
        for cut in 0..SHORT.len() {
            assert_eq!(run(&[&SHORT[..cut], &SHORT[cut..]]), [want], "{cut}");
        }
        let ac = [0x1a, b'1', 0, 0, 0, 0, 0, 0x1a, 0x1a, 0x1a, 0x1a, 0x12, 0x34];
        assert_eq!(run(&[&ac]), ["26 26 [12, 34]"]);
        let status = [&[0x1a, b'4'][..], &[0; 21], SHORT].concat();
        assert_eq!(run(&[&status]), [want]);
    }

    #[test]
    fn bytes_that_are_no_frame_are_named_and_the_next_frame_is_read() {
        let want = "258 9 [5d, 01, 02, 03, 04, 05, 06]";
        let noise = [b"xyz", SHORT].concat();
        assert_eq!(run(&[&noise]), ["byte 1: bytes outside a frame", want]);
        let short = [&SHORT[..10], SHORT].concat();
        assert_eq!(run(&[&short]), ["byte 1: a frame of type 0x32 ends after 8 of 14 bytes", want]);
        let kind = [&[0x1a, b'9', 1, 2][..], SHORT].concat();
        assert_eq!(run(&[&kind]), ["byte 2: frame type 0x39 is not known", want]);
        assert_eq!(run(&[&SHORT[..15]]), ["byte 1: a frame of type 0x32 ends after 13 of 14 bytes"]);
        assert_eq!(run(&[&[0x1a, 0x1a, 0x1a, 0x1a]]), [""; 0]);
    }
}
