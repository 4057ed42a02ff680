//! Surveillance feeds: one target for each format. The first byte says how the stream is cut.
use feed::{Batch, Decoder, Format, REPLAY, limits::ERRORS_MAX};
use units::Utc;

use crate::{Target, Verdict, seed};

macro_rules! feed {
    ($name:literal, $format:ident, $($example:literal => $bytes:expr),+) => {
        Target {
            name: concat!("feed-", $name),
            about: concat!("a feed in the format `", $name, "`"),
            bytes_max: 4096,
            run: |bytes| run(Format::$format, bytes),
            seeds: || vec![$(with_cut($example, $bytes)),+],
        }
    };
}

pub(crate) const TARGETS: &[Target] = &[
    feed!("aircraft-json", AircraftJson,
        "ok-snapshot" => include_bytes!("../../crates/feed/testdata/aircraft.json"),
        "no-cut" => br#"{"now":1700000000.0,"aircraft":[{"hex":"4b1234","lat":47."#),
    feed!("sbs", Sbs,
        "ok-lines" => include_bytes!("../../crates/feed/testdata/basestation.txt"),
        "no-fields" => b"MSG,3,1,1\n"),
    feed!("states-csv", StatesCsv,
        "ok-states" => include_bytes!("../../crates/feed/testdata/states.csv"),
        "no-header" => b"1,2,3\n4,5,6\n"),
    feed!("jsonl", Jsonl,
        "ok-fixes" => include_bytes!("../../crates/feed/testdata/fixes.jsonl"),
        "no-object" => b"[1]\n{\n"),
    feed!("trajectory-csv", TrajectoryCsv,
        "ok-trajectory" => include_bytes!("../../crates/feed/testdata/trajectory.csv"),
        "no-header" => b"a,b\n1,2\n"),
    feed!("beast", Beast,
        // 4B1234 at 47.25 N 8.5 E and FL350, even and odd, twice: once is not certain. Then an identification.
        "ok-squitters" => b"\x1a3\x00\x00\x00\x00\x10\x00\x50\x8d\x4b\x12\x34\x58\xb5\x03\x80\x01\xe3\x8e\xf3\xd8\x65\
            \x1a3\x00\x00\x00\x01\x10\x00\x50\x8d\x4b\x12\x34\x58\xb5\x06\xf9\x9b\xd7\x77\xe9\x4d\x01\
            \x1a3\x00\x00\x00\x02\x10\x00\x50\x8d\x4b\x12\x34\x58\xb5\x03\x80\x01\xe3\x8e\xf3\xd8\x65\
            \x1a3\x00\x00\x00\x03\x10\x00\x50\x8d\x4b\x12\x34\x58\xb5\x06\xf9\x9b\xd7\x77\xe9\x4d\x01\
            \x1a3\x00\x00\x00\x04\x10\x00\x50\x8d\x48\x40\xd6\x20\x2c\xc3\x71\xc3\x2c\xe0\x57\x60\x98",
        "no-frames" => b"\x1a9\x00\x1a\x1a\x1a2\x00"),
    feed!("avr", Avr,
        "ok-squitters" => b"*8D4B123458B5038001E38EF3D865;\n*8D4B123458B506F99BD777E94D01;\n\
            *8D4B123458B5038001E38EF3D865;\n*8D4B123458B506F99BD777E94D01;\n\
            *8D4840D6202CC371C32CE0576098;\n",
        "no-frames" => b"*8D40621D58C3;\n*zz;\n@12;\n"),
];

fn with_cut(name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    let (name, bytes) = seed(name, bytes);
    (name, [&[40], bytes.as_slice()].concat())
}

/// When the bytes arrive.
const RECEIVED: Utc = Utc(1_700_000_000_000);

fn decode(decoder: &mut dyn Decoder, bytes: &[u8], piece: usize, received: Utc) -> Batch {
    let mut out = Batch::default();
    for piece in bytes.chunks(piece) {
        decoder.push(piece, received, &mut out);
    }
    decoder.finish(received, &mut out);
    out
}

fn run(format: Format, bytes: &[u8]) -> Verdict {
    let (cut, bytes) = bytes.split_first().ok_or("empty")?;
    let mut reports = 0;
    let mut why = None;
    for received in [RECEIVED, REPLAY] {
        let whole = decode(&mut *modes::decoder(format), bytes, bytes.len().max(1), received);
        let pieces = decode(&mut *modes::decoder(format), bytes, usize::from(*cut) + 1, received);
        assert_eq!(whole.counts, pieces.counts, "the cut of a stream changes nothing");
        assert_eq!(whole.reports, pieces.reports, "the cut of a stream changes nothing");
        let counts = whole.counts;
        assert_eq!(counts.records, counts.reports + counts.held + counts.refused, "every record has one outcome");
        assert!(counts.records <= bytes.len() as u64 + 1 && whole.reports.len() as u64 == counts.reports);
        assert!(whole.errors.len() <= ERRORS_MAX);
        // One reason may stand for several: a document without its time refuses every aircraft in it.
        assert!(counts.refused == 0 || whole.counts.errors_total() > 0, "refused without a reason");
        for error in &whole.errors {
            why.get_or_insert(crate::refused(error));
        }
        for report in &whole.reports {
            assert!(report.check().is_ok(), "{report:?}");
            assert!(received == REPLAY || report.at <= received.plus_ms(feed::limits::AHEAD_MS_MAX), "{report:?}");
        }
        reports += whole.reports.len();
    }
    if reports > 0 { Ok(()) } else { Err(why.unwrap_or_else(|| String::from("no report, and nothing wrong"))) }
}
