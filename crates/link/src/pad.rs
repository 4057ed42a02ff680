//! A link of constant rate: the same bytes in the same time, whatever is said (ADR-0014).
//!
//! Whoever sees the wire sees chunks of one size at fixed times. What there is to say fills them; the rest is padding, which
//! the receiver's transport drops before anything is journaled. What does not fit waits in the [`crate::Outbox`], and behind it
//! in the log, where it is durable. There is no socket and no clock here: the program asks when the next chunk is due, fills it
//! a little before, and hands it over then, so that neither the size nor the time of what leaves shows what was there.
use alloc::vec::Vec;
use minicbor::{Decode, Encode};
use units::Mono;

use crate::frame::FRAME_BYTES_MAX;

/// Set in a length: so many bytes follow that mean nothing.
const PAD: u32 = 1 << 31;
/// A length before a frame or padding.
const HEAD: usize = 4;

/// How much each direction carries (pact, clause 19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Padding {
    /// Bytes of a chunk.
    #[n(0)]
    pub chunk_bytes: u32,
    /// From one chunk to the next, ms.
    #[n(1)]
    pub every_ms: u32,
}

impl Padding {
    /// A chunk is filled this long before it leaves, so that the work of filling it (signatures, reading the log) does not move
    /// the time at which it leaves: 5 ms, or a quarter of the time between chunks where that is less.
    #[must_use]
    pub const fn lead_ms(self) -> u64 {
        let quarter = self.every_ms as u64 / 4;
        if quarter < 5 { quarter } else { 5 }
    }
}

/// Chunks of one size at fixed times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pacer {
    padding: Padding,
    due: Mono,
    /// Of the stream, not yet sent. At most the rest of one frame beyond a chunk, since frames are put while there is room.
    stream: Vec<u8>,
    /// Of these, up to the end of the last frame.
    said: usize,
}

impl Pacer {
    /// Begins with a chunk now.
    #[must_use]
    pub fn new(padding: Padding, now: Mono) -> Self {
        Self { padding, due: now, stream: Vec::new(), said: 0 }
    }

    /// When the next chunk leaves.
    #[must_use]
    pub fn due(&self) -> Mono {
        self.due
    }

    /// Bytes of the next chunk that nothing fills yet.
    #[must_use]
    pub fn room(&self) -> usize {
        (self.padding.chunk_bytes as usize).saturating_sub(self.stream.len())
    }

    /// Adds a frame, without its length; to be called while there is room. What does not fit into this chunk goes on in the
    /// next.
    ///
    /// # Panics
    /// For a frame above [`FRAME_BYTES_MAX`], which none of ours is.
    //= spec/link.md S-9
    pub fn put(&mut self, frame: &[u8]) {
        assert!(frame.len() <= FRAME_BYTES_MAX, "a frame of {} bytes", frame.len());
        self.stream.extend_from_slice(&(frame.len() as u32).to_be_bytes());
        self.stream.extend_from_slice(frame);
        self.said = self.stream.len();
    }

    /// Gives the chunk that is due, filled up with padding. Times that have passed meanwhile are left out, not made up for.
    //= spec/link.md S-9
    //= spec/link.md S-10
    pub fn chunk(&mut self, now: Mono) -> Vec<u8> {
        let size = self.padding.chunk_bytes as usize;
        if self.stream.len() < size {
            // Where less is left than a length takes, the length goes on in the next chunk, and says that nothing follows.
            let rest = (size - self.stream.len()).saturating_sub(HEAD);
            self.stream.extend_from_slice(&(PAD | rest as u32).to_be_bytes());
            self.stream.resize(self.stream.len() + rest, 0);
        }
        let every = u64::from(self.padding.every_ms);
        let missed = now.since_ms(self.due) / every;
        self.due = self.due.plus_ms((missed + 1) * every);
        self.said = self.said.saturating_sub(size);
        let next = self.stream.split_off(size);
        core::mem::replace(&mut self.stream, next)
    }

    /// Whether everything that was put has left.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.said == 0
    }
}

/// A frame above the bound, by its length alone: nothing of it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("TOO_LARGE: a frame of {length} bytes, at most {max}")]
pub struct TooLong {
    /// As it says.
    pub length: usize,
    /// What may come.
    pub max: usize,
}

/// Cuts the bytes of a connection into frames, and drops the padding between them.
#[derive(Debug, Clone)]
pub struct Cutter {
    frame_max: usize,
    held: Vec<u8>,
    /// Of `held`, already given or dropped.
    used: usize,
    /// Bytes of padding that are still to come.
    drop: usize,
}

impl Cutter {
    /// Takes frames of at most so many bytes.
    #[must_use]
    pub fn new(frame_max: usize) -> Self {
        Self { frame_max, held: Vec::new(), used: 0, drop: 0 }
    }

    /// Takes bytes as they come. Call [`Cutter::next_frame`] until it has nothing more before the next, so that what is held stays below
    /// a frame and these bytes.
    //= spec/link.md S-9
    pub fn push(&mut self, bytes: &[u8]) {
        let dropped = self.drop.min(bytes.len());
        self.drop -= dropped;
        self.held.drain(..self.used);
        self.used = 0;
        self.held.extend_from_slice(&bytes[dropped..]);
    }

    /// The next frame that is whole.
    ///
    /// # Errors
    /// A length above the bound, before any of the frame is kept.
    //= spec/link.md S-2
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        while let Some((head, rest)) = self.held[self.used..].split_first_chunk::<HEAD>() {
            let head = u32::from_be_bytes(*head);
            let length = (head & !PAD) as usize;
            if length > self.frame_max {
                return Err(TooLong { length, max: self.frame_max });
            }
            if head & PAD != 0 {
                let here = length.min(rest.len());
                (self.used, self.drop) = (self.used + HEAD + here, length - here);
                continue;
            }
            let Some(frame) = rest.get(..length) else { break };
            let frame = frame.to_vec();
            self.used += HEAD + length;
            return Ok(Some(frame));
        }
        Ok(None)
    }

    /// Bytes of a frame that has not come whole, and how many it takes with its length; none between frames.
    #[must_use]
    pub fn begun(&self) -> Option<(usize, usize)> {
        let held = &self.held[self.used..];
        if held.is_empty() {
            return None;
        }
        let wanted = held.first_chunk::<HEAD>().map_or(HEAD, |head| HEAD + u32::from_be_bytes(*head) as usize);
        Some((held.len(), wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const PADDING: Padding = Padding { chunk_bytes: 64, every_ms: 100 };

    /// The chunks of a minute with these frames, each from a time on, and the times at which they left.
    fn trace(frames: &[(u64, Vec<u8>)], late_ms: impl Fn(u64) -> u64) -> (Vec<(u64, usize)>, Vec<Vec<u8>>) {
        let (mut pacer, mut waiting) = (Pacer::new(PADDING, Mono(0)), frames.to_vec());
        let (mut left, mut cutter, mut came) = (Vec::new(), Cutter::new(FRAME_BYTES_MAX), Vec::new());
        while pacer.due() < Mono(60_000) {
            let due = pacer.due();
            while pacer.room() > 0 && waiting.first().is_some_and(|(from, _)| *from <= due.0) {
                pacer.put(&waiting.remove(0).1);
            }
            let chunk = pacer.chunk(due.plus_ms(late_ms(due.0)));
            left.push((due.0, chunk.len()));
            cutter.push(&chunk);
            while let Some(frame) = cutter.next_frame().unwrap() {
                came.push(frame);
            }
        }
        (left, came)
    }

    //= spec/link.md S-9
    //= spec/link.md S-10
    #[test]
    fn sizes_and_times_are_the_same_with_and_without_anything_to_say() {
        let idle = trace(&[], |_| 0);
        let mut said: Vec<(u64, Vec<u8>)> = (0..200).map(|n| (n * 37, vec![n as u8; n as usize % 150])).collect();
        said.push((9_000, vec![7; 5_000]));
        let busy = trace(&said, |_| 0);
        assert_eq!(idle.0, busy.0);
        assert!(idle.0.iter().enumerate().all(|(n, (at, size))| (*at, *size) == (n as u64 * 100, 64)));
        assert!(idle.1.is_empty());
        assert_eq!(busy.1, said.into_iter().map(|(_, frame)| frame).collect::<Vec<_>>(), "all arrives, in order");
    }

    //= spec/link.md S-10
    #[test]
    fn chunks_that_could_not_leave_in_time_are_left_out_and_not_made_up_for() {
        let (left, _) = trace(&[], |due| if due == 500 { 1_234 } else { 0 });
        let times: Vec<u64> = left.iter().map(|(at, _)| *at).filter(|at| (300..=2_000).contains(at)).collect();
        assert_eq!(times, [300, 400, 500, 1_800, 1_900, 2_000]);
    }

    #[test]
    fn what_was_put_is_done_when_its_last_byte_has_left() {
        let mut pacer = Pacer::new(PADDING, Mono(0));
        pacer.put(&[1; 62]);
        assert!(!pacer.is_done());
        pacer.chunk(Mono(0));
        assert!(!pacer.is_done(), "two bytes of the frame are left");
        pacer.chunk(Mono(0));
        assert!(pacer.is_done());
        pacer.put(&[1; 58]);
        pacer.chunk(Mono(0));
        assert!(pacer.is_done(), "the rest of a length of padding is nothing to wait for");
    }

    #[test]
    fn padding_is_dropped_wherever_the_stream_is_cut_and_a_length_over_the_bound_is_named() {
        let mut pacer = Pacer::new(PADDING, Mono(0));
        let mut stream = Vec::new();
        // 64, 63, 62, 61, 60 and 59 bytes of each chunk: the padding has none, less than its length, or just that.
        for n in 0..6 {
            pacer.put(&vec![n; 60 - n as usize]);
            stream.extend(pacer.chunk(Mono(0)));
        }
        for cut in 1..70 {
            let (mut cutter, mut came) = (Cutter::new(60), Vec::new());
            for part in stream.chunks(cut) {
                cutter.push(part);
                while let Some(frame) = cutter.next_frame().unwrap() {
                    came.push((frame[0], frame.len()));
                }
            }
            assert_eq!(came, [(0, 60), (1, 59), (2, 58), (3, 57), (4, 56), (5, 55)], "cut {cut}");
        }
        let mut cutter = Cutter::new(60);
        cutter.push(&[0, 0, 0, 61]);
        assert_eq!(cutter.next_frame(), Err(TooLong { length: 61, max: 60 }));
        let mut cutter = Cutter::new(60);
        cutter.push(&[0x80, 0, 0, 61]);
        assert_eq!(cutter.next_frame(), Err(TooLong { length: 61, max: 60 }), "nor is padding without bound");
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic_and_what_is_held_is_bounded(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..40)
        ) {
            let mut cutter = Cutter::new(300);
            for part in parts {
                cutter.push(&part);
                while let Ok(Some(frame)) = cutter.next_frame() {
                    prop_assert!(frame.len() <= 300);
                }
                if cutter.next_frame().is_err() {
                    break;
                }
                prop_assert!(cutter.begun().is_none_or(|(held, wanted)| held < wanted && wanted <= 304));
            }
        }
    }
}
