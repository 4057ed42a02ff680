//! The [`Decoder`]s of streams of frames.
use crate::aircraft::ModesDecoder;
use crate::clock::CounterClock;
use feed::{Batch, Decoder, FeedError, Format, Frame, Place};
use units::{Position, Utc};

/// Decoder of a Beast stream.
#[derive(Debug, Default)]
pub struct Beast {
    framer: feed::beast::Framer,
    core: Core,
}

/// Decoder of an AVR stream. Lines without a counter apply at their time of reception.
#[derive(Debug, Default)]
pub struct Avr {
    framer: feed::avr::Framer,
    core: Core,
}

#[derive(Debug, Default)]
struct Core {
    clock: CounterClock,
    modes: ModesDecoder,
}

impl Core {
    fn take(&mut self, place: Place, frame: Result<Frame, FeedError>, received: Utc, out: &mut Batch) {
        let outcome = frame.and_then(|frame| {
            let at = self.clock.time(frame.counter, received).ok_or(FeedError::Missing { place, field: "time" })?;
            self.modes.push_frame(&frame, at).map_err(|cause| FeedError::Frame { place, cause })
        });
        out.record(place, outcome);
    }
}

macro_rules! stream {
    ($name:ident) => {
        impl $name {
            /// A decoder of a live stream from a receiver whose place is not known.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            /// The same from a receiver at `position`, so that surface traffic is placed at once.
            #[must_use]
            pub fn at(mut self, position: Position) -> Self {
                self.core.modes = ModesDecoder::at(position);
                self
            }

            /// The same for a recording whose first counter stands for `epoch`; to be fed with [`feed::REPLAY`].
            #[must_use]
            pub fn replay(mut self, epoch: Utc) -> Self {
                self.core.clock = CounterClock::replay(epoch);
                self
            }

            /// How many aircraft it remembers now.
            #[must_use]
            pub fn aircraft(&self) -> usize {
                self.core.modes.aircraft()
            }
        }

        impl Decoder for $name {
            fn format(&self) -> Format {
                Format::$name
            }

            fn push(&mut self, bytes: &[u8], received: Utc, out: &mut Batch) {
                let core = &mut self.core;
                self.framer.push(bytes, |place, frame| core.take(place, frame, received, out));
            }

            fn finish(&mut self, received: Utc, out: &mut Batch) {
                let core = &mut self.core;
                self.framer.finish(|place, frame| core.take(place, frame, received, out));
            }
        }
    };
}

stream!(Beast);
stream!(Avr);
