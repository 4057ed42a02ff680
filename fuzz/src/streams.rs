//! The bytes of a link's connection, cut into frames with the padding between them dropped.
use link::{Cutter, Pacer, Padding, TooLong};
use units::Mono;

use crate::{Seeds, Target, Verdict, refused, seed};

pub(crate) const TARGETS: &[Target] = &[Target {
    name: "link-stream",
    about: "lengths, frames and padding (spec/link.md S-2, S-9); the first byte says in what pieces they come",
    bytes_max: 2048,
    run,
    seeds,
}];

/// Small, so that the bound is met.
const FRAME_MAX: usize = 300;

fn cut(stream: &[u8], piece: usize) -> Result<(Vec<Vec<u8>>, bool), TooLong> {
    let (mut cutter, mut frames) = (Cutter::new(FRAME_MAX), Vec::new());
    for part in stream.chunks(piece.max(1)) {
        cutter.push(part);
        while let Some(frame) = cutter.next_frame()? {
            assert!(frame.len() <= FRAME_MAX);
            frames.push(frame);
        }
        let begun = cutter.begun();
        assert!(begun.is_none_or(|(held, wanted)| held < wanted && wanted <= FRAME_MAX + 4), "{begun:?} is kept");
    }
    Ok((frames, cutter.begun().is_some()))
}

fn run(bytes: &[u8]) -> Verdict {
    let Some((piece, stream)) = bytes.split_first() else { return Err("empty".into()) };
    let whole = cut(stream, stream.len());
    assert_eq!(cut(stream, usize::from(*piece)), whole, "where the stream is cut changes nothing");
    let (frames, begun) = whole.map_err(refused)?;
    if begun {
        return Err("it ends inside a frame".into());
    }
    // What was taken comes back from a link of constant rate.
    let mut pacer = Pacer::new(Padding { chunk_bytes: 256, every_ms: 20 }, Mono(0));
    let (mut left, mut chunks) = (frames.iter(), Vec::new());
    loop {
        while pacer.room() > 0
            && let Some(frame) = left.next()
        {
            pacer.put(frame);
        }
        let chunk = pacer.chunk(Mono(0));
        assert_eq!(chunk.len(), 256);
        chunks.extend(chunk);
        if pacer.is_done() && left.len() == 0 {
            break;
        }
    }
    assert_eq!(cut(&chunks, usize::from(*piece)).map(|(again, _)| again).as_ref(), Ok(&frames));
    Ok(())
}

fn seeds() -> Seeds {
    vec![
        seed("ok-frames", [3, 0, 0, 0, 2, b'a', b'b', 0, 0, 0, 0, 0, 0, 0, 1, b'c']),
        seed("ok-padded", [1, 0x80, 0, 0, 3, 9, 9, 9, 0, 0, 0, 1, b'a', 0x80, 0, 0, 0]),
        seed("ok-padding-to-come", [9, 0x80, 0, 1, 0, 9, 9]),
        seed("no-long-frame", [1, 0, 0, 1, 0x2d]),
        seed("no-long-padding", [1, 0x80, 0, 1, 0x2d]),
        seed("no-half-a-frame", [1, 0, 0, 0, 3, b'a']),
    ]
}
