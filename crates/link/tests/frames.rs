//! Bytes and frames: one encoding, every bound, no panic.

mod common;
use common::{A, B, Input, World};
use link::{ENTRY_BYTES_MAX, EntriesFrame, Error, Frame, Hello, LinkState};
use proptest::prelude::*;
use record::{Hash32, Mode, PartyId};

fn check(bytes: &[u8], expect: &str) {
    let error = Frame::decode(bytes).unwrap_err();
    assert!(error.to_string().contains(expect), "{error} for {bytes:02x?}");
}

//= spec/link.md L-7
#[test]
fn bytes_that_are_not_the_one_encoding_of_a_frame_are_refused() {
    check(&[], "an array");
    check(&[0x05], "an array");
    check(&[0x9f, 0x06, 0x00, 0x60, 0xff], "an array");
    check(&[0x80], "a frame's type");
    check(&[0x83, 0x07, 0x00, 0x60], "a frame's type and length");
    check(&[0x82, 0x06, 0x00], "a frame's type and length");
    check(&[0x83, 0x02, 0x00, 0x80], "entries of a frame");
    check(&[0x83, 0x02, 0x00, 0x81, 0x40], "an entry");
    check(&[0x83, 0x02, 0x00, 0x9f, 0x41, 0x01, 0xff], "entries of a frame");
    check(&[0x82, 0x05, 0x81, 0x81, 0x00], "a pair");
    check(&[0x83, 0x06, 0x00, 0x61, 0x0a], "text without control characters");
    check(&[0x83, 0x06, 0x00, 0x61, 0xff], "text of a close");
    check(&[0x83, 0x06, 0x19, 0x01, 0x00, 0x60], "code");
    // The same values with a length, a number, or a tail too much.
    let good = Frame::Close { code: 9, text: "gap".into() }.encode();
    assert_eq!(good, [0x83, 0x06, 0x09, 0x63, b'g', b'a', b'p']);
    check(&[0x83, 0x06, 0x18, 0x09, 0x63, b'g', b'a', b'p'], "the one encoding at byte 2");
    check(&[0x83, 0x06, 0x09, 0x78, 0x03, b'g', b'a', b'p'], "the one encoding at byte 3");
    check(&[&good[..], &[0]].concat(), "the one encoding at byte 7");
    check(&good[..6], "text of a close");
}

//= spec/link.md L-10
#[test]
fn a_hello_of_a_later_version_is_told_apart_from_garbage() {
    assert_eq!(Frame::decode(&[0x8b, 0x00, 0x18, 0x20]), Err(Error::Version { found: 32 }));
}

#[test]
fn every_part_of_a_frame_is_refused() {
    for frame in samples() {
        let bytes = frame.encode();
        for cut in 0..bytes.len() {
            assert!(Frame::decode(&bytes[..cut]).is_err(), "{cut} bytes of {frame:?}");
        }
        assert_eq!(Frame::decode(&bytes), Ok(frame));
    }
}

#[test]
fn a_frame_of_entries_is_filled_to_its_bound_and_no_further() {
    let mut frame = EntriesFrame::new(5);
    assert_eq!(frame.clone().finish(), None);
    let entry = vec![7; ENTRY_BYTES_MAX];
    assert_eq!((0..10).take_while(|_| frame.push(&entry)).count(), 4);
    assert_eq!(frame.finish().unwrap().1, 9);
    let mut frame = EntriesFrame::new(0);
    assert_eq!((0..5000).take_while(|_| frame.push(&[1])).count(), 4096);
    let (bytes, next) = frame.finish().unwrap();
    assert!(next == 4096 && Frame::decode(&bytes).is_ok());
    // One entry passes however low the limit.
    let mut frame = EntriesFrame::with_limit(0, 10);
    assert!(frame.push(&entry) && !frame.push(&[1]));
    assert!(Frame::decode(&frame.finish().unwrap().0).is_ok());
}

fn samples() -> Vec<Frame> {
    let hello = Hello {
        party: PartyId::parse("a").unwrap(),
        peer: PartyId::parse("b-2").unwrap(),
        mode: Mode::Exercise("blue-1".into()),
        pact: Hash32([1; 32]),
        schema: 1,
        in_size: 1 << 40,
        your_checkpoint: Some(vec![1; 300]),
        out_size: 0,
    };
    vec![
        Frame::Hello(hello.clone()),
        Frame::Hello(Hello { your_checkpoint: None, ..hello }),
        Frame::PactText("päct\n".into()),
        Frame::Entries { first: 300, entries: vec![vec![1], vec![2; 700]] },
        Frame::Checkpoint { seq: 0, sent_utc_ms: -1, note: vec![] },
        Frame::Cosignature { size: 24, recv_utc_ms: i64::MAX, line: "— x AAAA".into() },
        Frame::Refusals(vec![(0, 0), (70_000, 255)]),
        Frame::Close { code: 255, text: "é".repeat(100) },
    ]
}

/// Feeds bytes to a link in each of its phases.
fn feed(frames: &[Vec<u8>]) {
    for connected in [false, true] {
        let mut world = if connected { World::started(2) } else { World::new() };
        world.connect();
        if connected {
            world.settle();
            assert_eq!(world.view(B).state, LinkState::Up);
        }
        for frame in frames {
            world.deliver_frame(B, frame);
            world.sides[B].restart();
            let view = world.view(B);
            assert!(view.sealed <= view.in_size && view.cosigned <= view.signed && view.signed <= view.out_size);
        }
        let now = world.now(A);
        world.sides[B].apply(Input::Tick(now));
    }
}

fn arb_frame() -> impl Strategy<Value = Frame> {
    let bytes = |max| proptest::collection::vec(any::<u8>(), 1..max);
    let small = 0u64..6;
    prop_oneof![
        (small.clone(), proptest::collection::vec(bytes(40), 1..5))
            .prop_map(|(first, entries)| Frame::Entries { first, entries }),
        (small.clone(), any::<i64>(), bytes(200)).prop_map(|(seq, sent_utc_ms, note)| Frame::Checkpoint {
            seq,
            sent_utc_ms,
            note
        }),
        (small.clone(), any::<i64>(), ".{0,60}").prop_map(|(size, recv_utc_ms, line)| Frame::Cosignature {
            size,
            recv_utc_ms,
            line
        }),
        proptest::collection::vec((small, any::<u8>()), 1..5).prop_map(Frame::Refusals),
        (any::<u8>(), "[a-z ]{0,20}").prop_map(|(code, text)| Frame::Close { code, text }),
        "[a-z ]{0,20}".prop_map(Frame::PactText),
        (0usize..8).prop_map(|n| samples()[n].clone()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    //= spec/link.md L-38
    #[test]
    fn random_bytes_never_panic(frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..4)) {
        feed(&frames);
    }

    //= spec/link.md L-38
    #[test]
    fn well_formed_frames_in_any_order_never_panic_and_come_back(frames in proptest::collection::vec(arb_frame(), 1..6)) {
        for frame in &frames {
            prop_assert_eq!(&Frame::decode(&frame.encode()).unwrap(), frame);
        }
        feed(&frames.iter().map(Frame::encode).collect::<Vec<_>>());
    }

    //= spec/link.md L-38
    #[test]
    fn bent_frames_never_panic_and_decode_to_their_own_bytes_or_not_at_all(
        n in 0usize..8, at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<prop::sample::Index>()
    ) {
        let mut bytes = samples()[n].encode();
        let i = at.index(bytes.len());
        bytes[i] = with;
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(frame) = Frame::decode(bytes) {
                prop_assert_eq!(frame.encode(), bytes);
            }
        }
        feed(&[bytes]);
    }
}
