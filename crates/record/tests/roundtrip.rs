//! Random bytes never make the decoder panic, and random records come back as they were.
mod common;

use common::{batch, notice, plan, sample, volumes};
use proptest::prelude::*;
use record::{
    Avoid, Body, Caveat, Hash32, Kind, Mode, PartyId, Precedence, ReceiptLevel, ReceiptWanted, Record, ReleaseForm,
    Role, SubjectId, TrackBatch, decode, encode,
};
use track::{Address, AircraftClass, Callsign, ModeA, SourceClass, TrackReport};
use units::{Angle, Height, Position, Speed, Utc, VerticalRate};

fn reports() -> impl Strategy<Value = TrackReport> {
    let source = [SourceClass::Unknown, SourceClass::Adsb, SourceClass::Mlat, SourceClass::Telemetry];
    (
        (any::<u64>(), -900_000_000..=900_000_000i32, -1_800_000_000..1_800_000_000i32),
        (prop::option::of(0..1u32 << 25), prop::option::of("[A-Z0-9]{1,8}"), prop::option::of(0..0o10000u16)),
        (prop::option::of(-20_000_000..=1_000_000_000i32), prop::option::of(-20_000_000..=1_000_000_000i32)),
        (any::<bool>(), prop::option::of(0..=3_000_000i32), prop::option::of(0..Angle::TURN)),
        (prop::option::of(-500_000..=500_000i32), prop::option::of(any::<u32>()), -1_000_000..1_000_000i64),
        (prop::sample::select(source.to_vec()), prop::sample::select(AircraftClass::ALL.to_vec())),
    )
        .prop_map(|(place, who, heights, moving, rest, (source, class))| {
            let mut r = TrackReport::new(place.0, Position::new(place.1, place.2).unwrap(), Utc(rest.2));
            r.address = who.0.and_then(Address::from_bits);
            r.callsign = who.1.and_then(|text| Callsign::parse(&text).ok());
            r.mode_a = who.2.map(ModeA);
            (r.pressure, r.geometric) = (heights.0.map(Height), heights.1.map(Height));
            (r.on_ground, r.speed, r.track) = (moving.0, moving.1.map(Speed), moving.2.map(Angle));
            (r.vertical_rate, r.accuracy_mm) = (rest.0.map(VerticalRate), rest.1);
            (r.source, r.class) = (source, class);
            r
        })
}

fn bodies() -> impl Strategy<Value = Body> {
    let tracks = (any::<i32>(), prop::collection::vec(reports(), 0..40), any::<(u32, u32)>()).prop_map(
        |(base, reports, (precision_mm, delay_ms))| {
            let mut batch = TrackBatch::pack(Utc(base.into()), &reports).unwrap();
            assert_eq!(batch.unpack().unwrap(), reports, "a batch is unpacked as it was packed");
            (batch.form, batch.precision_mm, batch.delay_ms) = (ReleaseForm::Coarse, precision_mm, delay_ms);
            Body::Tracks(Box::new(batch))
        },
    );
    let notice = ("[^\\p{C}]{0,200}", prop::option::of("[^\\p{C}]{0,60}"), 0..3usize).prop_map(|(text, action, n)| {
        Body::Notice(record::Notice { text, action, volumes: volumes()[..n].to_vec(), level: None, ..notice() })
    });
    let plan = (any::<i32>(), prop::option::of("[^\\p{C}]{0,4}"), prop::option::of(any::<u32>()))
        .prop_map(|(priority, callsign, address)| Body::Plan(airspace::Plan { priority, callsign, address, ..plan() }));
    let avoid = (0..3usize).prop_map(|n| Body::Avoid(Avoid { volumes: volumes()[..n].to_vec() }));
    let fixed = prop::sample::select(Kind::ALL.to_vec()).prop_map(|kind| sample(kind).body);
    prop_oneof![tracks, notice, plan, avoid, fixed]
}

fn records() -> impl Strategy<Value = Record> {
    let party = "[a-z][a-z0-9-]{0,31}".prop_map(|name| PartyId::parse(&name).unwrap());
    let hash = any::<[u8; 32]>().prop_map(Hash32);
    let mode = prop_oneof![Just(Mode::Live), "[a-z0-9-]{1,40}".prop_map(Mode::Exercise)];
    let levels = [ReceiptLevel::Received, ReceiptLevel::Seen, ReceiptLevel::Disseminated];
    let wanted =
        (prop::sample::select(levels.to_vec()), any::<u32>()).prop_map(|(level, due_s)| ReceiptWanted { level, due_s });
    let time = || prop::option::of(any::<i64>().prop_map(Utc));
    (
        (mode, party.clone(), party, any::<[u8; 16]>(), any::<u32>()),
        (prop::option::of(hash.clone()), any::<i64>(), any::<u32>(), time(), time(), hash),
        prop::sample::select(vec![Caveat::None, Caveat::Named, Caveat::Public]),
        prop::sample::select(Precedence::ALL.to_vec()),
        (prop::option::of(wanted), prop::option::of(prop::sample::select(Role::ALL.to_vec()))),
        bodies(),
    )
        .prop_map(|(who, when, caveat, precedence, (receipt, role), body)| Record {
            schema: record::SCHEMA,
            mode: who.0,
            issuer: who.1,
            audience: who.2,
            subject: SubjectId(who.3),
            revision: who.4,
            supersedes: when.0,
            issued_at: Utc(when.1),
            issued_error_ms: when.2,
            valid_from: when.3,
            valid_until: when.4,
            pact: when.5,
            caveat,
            precedence,
            receipt,
            role,
            body,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_record_comes_back_as_it_was(record in records()) {
        let bytes = encode(&record).unwrap();
        let decoded = decode(&bytes).unwrap();
        prop_assert_eq!(&decoded.record, &record);
        prop_assert_eq!(decoded.id, Hash32::of(&bytes));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused_and_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = decode(&bytes);
        // With a head that passes the first check, so that the rest is reached.
        let _ = decode(&[&[0xb1, 0x00, 0x01], &bytes[..]].concat());
    }

    #[test]
    fn a_changed_record_is_another_one_or_none(
        kind in prop::sample::select(Kind::ALL.to_vec()), at in any::<prop::sample::Index>(), to in any::<u8>(),
        cut in 0..3usize, put in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let good = encode(&sample(kind)).unwrap();
        let mut bad = good.clone();
        let at = at.index(bad.len());
        bad[at] = to;
        let end = (at + cut).min(bad.len());
        bad.splice(at..end, put);
        if let Ok(decoded) = decode(&bad) {
            prop_assert_eq!(decoded.record == sample(kind), bad == good, "one value has one encoding");
            prop_assert_eq!(encode(&decoded.record).unwrap(), bad, "what is accepted is canonical");
        }
    }
}

#[test]
fn a_length_that_is_claimed_and_not_there_allocates_nothing() {
    // Arrays and texts of 2^63 elements at every place of a record.
    let good = encode(&Record { body: Body::Tracks(Box::new(batch())), ..sample(Kind::Tracks) }).unwrap();
    for at in 3..good.len() {
        for major in [0x5b, 0x7b, 0x9b, 0xbb] {
            let mut bad = good.clone();
            bad.splice(at..=at, [major, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
            assert!(decode(&bad).is_err());
        }
    }
}
