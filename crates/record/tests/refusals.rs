//! What is sent and the clear error that returns.
mod common;

use common::{batch, notice, plan, sample, volumes};
use record::{
    BATCH_MAX, Body, Hash32, Kind, Mode, RECORD_BYTES_MAX, Record, RecordError, TextLimits, TrackBatch, decode, encode,
};
use track::TrackReport;
use units::{Position, Utc};

#[track_caller]
fn refused(bytes: &[u8], want: &str) {
    assert_eq!(decode(bytes).map(|d| d.id).map_err(|e| e.to_string()), Err(want.to_string()));
}

/// The bytes of a sample, with one stretch replaced.
fn spliced(kind: Kind, at: usize, cut: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = encode(&sample(kind)).unwrap();
    bytes.splice(at..at + cut, with.iter().copied());
    bytes
}

fn with_body(body: Body) -> Record {
    Record { body, ..sample(Kind::Notice) }
}

/// Encodes without the checks, as another implementation could.
fn unchecked(record: &Record) -> Vec<u8> {
    minicbor::to_vec(record).unwrap()
}

// The pact's sample begins b1 (map of 17) 00 01 (schema 1) 01 82 00 80 (mode live) 02 65 "north".
const HEAD: [u8; 8] = [0xb1, 0x00, 0x01, 0x01, 0x82, 0x00, 0x80, 0x02];

#[test]
fn the_head_of_a_record_is_where_the_cases_below_cut_it() {
    assert_eq!(encode(&sample(Kind::Pact)).unwrap()[..8], HEAD);
}

#[test]
fn what_is_no_cbor_of_the_schema_is_refused() {
    for bytes in [&b""[..], b"\x00", b"\x80", b"\xa0", b"\xff", b"not cbor", b"\xa1\x01\x01"] {
        refused(bytes, "MALFORMED: not a record of schema 1 at byte Some(0)");
    }
    let good = encode(&sample(Kind::Pact)).unwrap();
    for end in 0..good.len() {
        assert!(matches!(decode(&good[..end]), Err(RecordError::Malformed { .. })), "cut at {end}");
    }
    // A text where the audience should be, of a form that no party has.
    let shout = spliced(Kind::Pact, 9, 5, b"NORTH");
    assert!(matches!(decode(&shout), Err(RecordError::Malformed { at: Some(8) })), "{:?}", decode(&shout));
    // A hash of 31 bytes.
    let supersedes = good.windows(2).position(|w| w == [0x58, 0x20]).unwrap();
    let short = spliced(Kind::Pact, supersedes + 1, 2, &[0x1f]);
    assert!(matches!(decode(&short), Err(RecordError::Malformed { .. })), "{:?}", decode(&short));
    // A role that does not exist, and a mode that does not.
    let role = good.windows(2).position(|w| w == [0x0f, 0x01]).unwrap();
    assert!(matches!(decode(&spliced(Kind::Pact, role + 1, 1, &[0x09])), Err(RecordError::Malformed { .. })));
    assert!(matches!(decode(&spliced(Kind::Pact, 5, 1, &[0x02])), Err(RecordError::Malformed { .. })));
}

#[test]
fn a_schema_of_another_time_is_told_apart_from_garbage() {
    refused(&spliced(Kind::Pact, 2, 1, &[0x02]), "UNKNOWN_VERSION: schema 2, this node speaks 1");
    refused(&spliced(Kind::Pact, 2, 1, &[0x19, 0xff, 0xff]), "UNKNOWN_VERSION: schema 65535, this node speaks 1");
    refused(&[0xa1, 0x00, 0x00], "UNKNOWN_VERSION: schema 0, this node speaks 1");
}

#[test]
fn an_encoding_other_than_the_one_is_refused_where_it_differs() {
    let not = |at| {
        format!("NOT_CANONICAL: the bytes are not the one encoding of their value (first difference at byte {at})")
    };
    let good = encode(&sample(Kind::Pact)).unwrap();
    let len = good.len();
    // The schema as two bytes, the map's length as two bytes.
    refused(&spliced(Kind::Pact, 2, 1, &[0x18, 0x01]), &not(2));
    refused(&spliced(Kind::Pact, 0, 1, &[0xb8, 0x11]), &not(0));
    // Something after the end.
    refused(&[&good[..], b"\x00"].concat(), &not(len));
    refused(&[&good[..], &good].concat(), &not(len));
    // The map, and the text, of indefinite length.
    let mut open = good.clone();
    open[0] = 0xbf;
    open.push(0xff);
    refused(&open, &not(0));
    // Chunks of a text are not even read: the type asked for is a plain text.
    let chunks = spliced(Kind::Pact, 8, 6, b"\x7f\x62no\x63rth\xff");
    assert!(matches!(decode(&chunks), Err(RecordError::Malformed { .. })));
    // An unknown key: one more entry, at the end.
    let mut more = good.clone();
    more[0] = 0xb2;
    more.extend([0x11, 0x00]);
    refused(&more, &not(0));
    // A key twice: the first one is lost in reading, and so the writing differs.
    let mut twice = good.clone();
    twice[0] = 0xb2;
    twice.extend([0x05, 0x01]);
    refused(&twice, &not(0));
    // Two keys in the wrong order: revision (05 01) and clock error (08 0c).
    let at = |key: [u8; 2]| good.windows(2).position(|w| w == key).unwrap();
    let (revision, error) = (at([0x05, 0x01]), at([0x08, 0x0c]));
    let mut swapped = good.clone();
    swapped[revision..revision + 2].copy_from_slice(&[0x08, 0x0c]);
    swapped[error..error + 2].copy_from_slice(&[0x05, 0x01]);
    refused(&swapped, &not(revision));
    // A null where an absent field must be left out: the exercise sample has no receipt wanted (0e) and no role (0f).
    let plain = encode(&sample(Kind::Tracks)).unwrap();
    let body = plain.windows(4).position(|w| w == [0x10, 0x82, 0x01, 0x81]).unwrap();
    let mut null = plain.clone();
    null[0] += 1;
    null.splice(body..body, [0x0e, 0xf6]);
    refused(&null, &not(0));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    refused(&vec![0xff; RECORD_BYTES_MAX + 1], "TOO_LARGE: 65536 bytes, at most 65535");
    let wide: Vec<TrackReport> = (0..BATCH_MAX as u64).map(|i| widest(u64::MAX - i)).collect();
    let full = TrackBatch::pack(Utc(i64::MIN), &wide).unwrap();
    let bytes = encode(&with_body(Body::Tracks(Box::new(full)))).unwrap();
    assert!(bytes.len() <= RECORD_BYTES_MAX, "a full batch of the widest rows fits: {}", bytes.len());
    assert!(TrackBatch::pack(Utc(0), &vec![widest(1); BATCH_MAX + 1]).is_err());
}

/// A row in which every value takes as many bytes as it can.
fn widest(local: u64) -> TrackReport {
    let mut r = TrackReport::new(local, Position { lat_e7: -900_000_000, lon_e7: -1_800_000_000 }, Utc(0));
    r.address = track::Address::parse("~ffffff").ok();
    r.callsign = track::Callsign::parse("WWWWWWWW").ok();
    r.mode_a = track::ModeA::parse("7777").ok();
    r.pressure = Some(units::Height(1_000_000_000));
    r.geometric = Some(units::Height(1_000_000_000));
    r.on_ground = true;
    r.speed = Some(units::Speed(3_000_000));
    r.track = Some(units::Angle(35_999_999));
    r.vertical_rate = Some(units::VerticalRate(-500_000));
    r.accuracy_mm = Some(u32::MAX);
    r.source = track::SourceClass::Telemetry;
    r.class = track::AircraftClass::Humanitarian;
    r
}

#[test]
fn columns_that_are_no_batch_are_refused_with_column_or_row() {
    // The columns are private: the cases are made in the bytes. Key 4 is the first column, of three rows.
    let bytes = minicbor::to_vec(batch()).unwrap();
    let column = |key: u8| bytes.windows(2).position(|w| w == [key, 0x83]).unwrap();
    let check = |edited: Vec<u8>, want: &str| {
        let batch: TrackBatch = minicbor::decode(&edited).unwrap();
        let record = with_body(Body::Tracks(Box::new(batch)));
        assert_eq!(encode(&record).map_err(|e| e.to_string()), Err(want.to_string()));
        refused(&unchecked(&record), want);
    };
    let with = |at: usize, cut: usize, new: &[u8]| {
        let mut edited = bytes.clone();
        edited.splice(at..at + cut, new.iter().copied());
        edited
    };
    // Mode A: [512, null, null].
    assert_eq!(bytes[column(10)..column(10) + 7], [0x0a, 0x83, 0x19, 0x02, 0x00, 0xf6, 0xf6]);
    check(with(column(10) + 1, 6, &[0x82, 0x00, 0xf6]), "INVALID: column 10 has 2 rows, expected 3");
    check(with(column(10) + 1, 6, &[0x83, 0xf6, 0xf6, 0xf6]), "INVALID: column 10 holds nothing and must be empty");
    check(with(column(10) + 2, 3, &[0x19, 0x10, 0x00]), "INVALID: row 0: not an identity");
    // Heights of all rows as the largest number.
    let height = with(column(11) + 2, 5, &[0x1a, 0x7f, 0xff, 0xff, 0xff]);
    check(height, "INVALID: row 0: height 2147483647 (0.1 mm) is not between -2,000 m and 100,000 m");
    // The first latitude as -2^31.
    let lat = with(column(5) + 2, 5, &[0x3a, 0x7f, 0xff, 0xff, 0xff]);
    check(
        lat,
        "INVALID: row 0: not a position: latitude -214.7483648 (allowed -90 to 90), longitude 8.548765 (allowed -180 to 180)",
    );
    // A latitude column of two rows.
    let mut short = bytes.clone();
    short[column(5) + 1] = 0x82;
    short.splice(column(5) + 2..column(5) + 7, []);
    check(short, "INVALID: column 5 has 2 rows, expected 3");
}

#[test]
fn a_mode_or_a_text_that_could_mislead_is_refused() {
    let check = |record: Record, want: &str| {
        assert_eq!(encode(&record).map_err(|e| e.to_string()), Err(want.to_string()));
        refused(&unchecked(&record), want);
    };
    for name in ["", "Blue", "a b", "x\n", &"x".repeat(41)] {
        let mode = Mode::Exercise(name.to_string());
        check(Record { mode, ..sample(Kind::Pact) }, "INVALID: mode is longer than 40 or malformed");
    }
    let text = |text: &str| with_body(Body::Notice(record::Notice { text: text.to_string(), ..notice() }));
    assert!(encode(&text("line one\nline two")).is_ok(), "a notice may have lines");
    for bad in ["\u{7}", "a\rb", "\u{1b}[2J", "a\u{85}b", "a\tb", &"x".repeat(TextLimits::NOTICE_BYTES_MAX + 1)] {
        check(text(bad), "INVALID: text is longer than 2000 or malformed");
    }
    let action = Some("x".repeat(401));
    check(
        with_body(Body::Notice(record::Notice { action, ..notice() })),
        "INVALID: action is longer than 400 or malformed",
    );
    let many = vec![volumes()[0].clone(); 17];
    check(with_body(Body::Avoid(record::Avoid { volumes: many })), "INVALID: volumes is longer than 16 or malformed");
    let software = "x".repeat(41);
    let pact = record::PactInForce { pact: Hash32::default(), software };
    check(with_body(Body::Pact(pact)), "INVALID: software is longer than 40 or malformed");
}

#[test]
fn a_plan_or_volume_that_is_none_is_refused() {
    let check = |edit: &dyn Fn(&mut airspace::Plan), want: &str| {
        let mut plan = plan();
        edit(&mut plan);
        let record = with_body(Body::Plan(plan));
        assert_eq!(encode(&record).map_err(|e| e.to_string()), Err(want.to_string()));
        refused(&unchecked(&record), want);
    };
    check(&|p| p.volumes.clear(), "INVALID: a plan needs at least one volume");
    check(&|p| p.callsign = Some("x".repeat(17)), "INVALID: characters of the callsign: at most 16, got 17");
    check(&|p| p.volumes = vec![p.volumes[1].clone(); 257], "INVALID: volumes: at most 256, got 257");
    check(&|p| p.volumes[0].end = Utc(0), "INVALID: the window ends (0 ms) before it starts (1767323045678 ms)");
}
