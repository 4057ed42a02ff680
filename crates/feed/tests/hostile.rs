//! Arbitrary bytes, cut anywhere: no decoder panics, loses count or hands out a report that fails its check.
use feed::{Batch, Counts, Decoder, Format, REPLAY, decoder, limits::ERRORS_MAX};
use proptest::prelude::*;
use units::Utc;

const FORMATS: [Format; 5] =
    [Format::AircraftJson, Format::Sbs, Format::StatesCsv, Format::Jsonl, Format::TrajectoryCsv];

const SEEDS: [&[u8]; 5] = [
    include_bytes!("../testdata/aircraft.json"),
    include_bytes!("../testdata/basestation.txt"),
    include_bytes!("../testdata/states.csv"),
    include_bytes!("../testdata/fixes.jsonl"),
    include_bytes!("../testdata/trajectory.csv"),
];

fn run(decoder: &mut dyn Decoder, bytes: &[u8], piece: usize, received: Utc) -> Counts {
    let mut out = Batch::default();
    for piece in bytes.chunks(piece) {
        out.clear();
        decoder.push(piece, received, &mut out);
        assert!(out.errors.len() <= ERRORS_MAX);
        assert!(out.reports.iter().all(|r| r.check().is_ok()));
    }
    decoder.finish(received, &mut out);
    assert!(out.reports.iter().all(|r| r.check().is_ok() && r.at <= received.plus_ms(5_000)));
    let c = out.counts;
    assert_eq!(c.records, c.reports + c.held + c.refused, "every record has one outcome");
    c
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..4000), piece in 1..500usize) {
        for format in FORMATS {
            run(&mut *decoder(format).unwrap(), &bytes, piece, Utc(1_700_000_000_000));
        }
    }

    /// A good file with bytes overwritten, cut out and doubled; the cut of the stream does not change the outcome.
    #[test]
    fn mutated_files(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..20),
        piece in 1..500usize,
    ) {
        for (format, seed) in FORMATS.into_iter().zip(SEEDS) {
            let mut bytes = seed.to_vec();
            for (at, byte, how) in &edits {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = *byte,
                    1 => { bytes.remove(at); }
                    _ => bytes.extend_from_within(at..(at + 64).min(bytes.len())),
                }
            }
            let whole = run(&mut *decoder(format).unwrap(), &bytes, bytes.len(), REPLAY);
            let cut = run(&mut *decoder(format).unwrap(), &bytes, piece, REPLAY);
            prop_assert_eq!(whole, cut, "{}", format.name());
        }
    }

    #[test]
    fn arbitrary_bytes_between_frames(bytes in prop::collection::vec(prop_oneof![Just(0x1au8), Just(b'2'), Just(b'*'), Just(b';'), any::<u8>()], 0..2000)) {
        let mut frames = 0;
        let mut beast = feed::beast::Framer::default();
        beast.push(&bytes, |_, r| frames += usize::from(r.is_ok()));
        beast.finish(|_, r| assert!(r.is_err(), "a frame needs no end"));
        let mut avr = feed::avr::Framer::default();
        avr.push(&bytes, |_, r| frames += usize::from(r.is_ok()));
        avr.finish(|_, _| ());
        prop_assert!(frames * 3 <= bytes.len(), "a frame has at least three bytes");
    }
}
