//! One frame of a link. What a session of them does to the machine is [`crate::machine`].
use link::{CloseCode, Error, Frame, Hello, Refusal};
use record::{Hash32, Mode, PartyId};

use crate::{Seeds, Target, Verdict, bent, machine, refused, seed};

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "link-frame", about: "one frame (spec/link.md section 4)", bytes_max: 4096, run, seeds },
    Target {
        name: "link-machine",
        about: "a session: connections, time, honest, bent and raw frames, told by a small language of bytes",
        bytes_max: 512,
        run: machine::run,
        seeds: machine::seeds,
    },
];

fn run(bytes: &[u8]) -> Verdict {
    let frame = match Frame::decode(bytes) {
        Ok(frame) => frame,
        Err(error) => {
            // Everything wrong with bytes is the peer's doing: it must be able to be told apart from our own misuse.
            assert!(!matches!(error, Error::Misuse(_)), "{error}");
            return Err(refused(error));
        }
    };
    assert!(bytes.len() <= link::FRAME_BYTES_MAX);
    assert_eq!(frame.encode(), bytes, "a frame has one encoding");
    Ok(())
}

fn seeds() -> Seeds {
    let hello = Hello {
        party: PartyId::parse("north").unwrap_or_else(|e| panic!("{e}")),
        peer: PartyId::parse("south").unwrap_or_else(|e| panic!("{e}")),
        mode: Mode::Exercise("blue-1".into()),
        pact: Hash32([0xab; 32]),
        schema: record::SCHEMA,
        in_size: 1 << 40,
        your_checkpoint: None,
        out_size: 3,
    };
    let frames = [
        ("hello", Frame::Hello(hello.clone())),
        ("hello-note", Frame::Hello(Hello { your_checkpoint: Some(vec![b'x'; 200]), ..hello })),
        ("pact-text", Frame::PactText("päct\n".into())),
        ("entries", Frame::Entries { first: 300, entries: vec![vec![1], vec![2; 70]] }),
        ("checkpoint", Frame::Checkpoint { seq: 4, sent_utc_ms: 1_780_272_000_000, note: vec![0x2e; 30] }),
        ("cosignature", Frame::Cosignature { size: 24, recv_utc_ms: -1, line: "\u{2014} x AAAA".into() }),
        ("refusals", Frame::Refusals(vec![(2, Refusal::WrongMode.code()), (70_000, 255)])),
        ("close", Frame::Close { code: CloseCode::EntryOrder.code(), text: "gap".into() }),
    ];
    let mut seeds: Seeds = frames.iter().map(|(name, frame)| seed(&format!("ok-{name}"), frame.encode())).collect();
    seeds.push(seed("no-longer-form", [0x83, 0x06, 0x18, 0x09, 0x63, b'g', b'a', b'p']));
    seeds.push(seed("no-other-version", [0x8b, 0x00, 0x18, 0x20]));
    seeds.push(seed("no-claimed-length", [0x83, 0x02, 0x00, 0x9a, 0xff, 0xff, 0xff, 0xff]));
    seeds.push(seed("no-close-bent", bent(&seeds[7].1, 0)));
    seeds
}
