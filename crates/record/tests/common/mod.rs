//! One record of each kind, with every field filled at least once.
#![allow(dead_code, reason = "each test file uses its own part")]
use airspace::{Limit, Outline, Plan, PlanState, Site, SiteCategory, SpecialHandling, Verification, Volume4d};
use record::{
    Avoid, Body, Caveat, ChannelState, ChannelStatement, ConflictReport, Hash32, Kind, Mode, Notice, NoticeClass,
    PactInForce, PartyId, Precedence, ReadBack, Receipt, ReceiptLevel, ReceiptWanted, Record, ReleaseForm, Role,
    SCHEMA, SubjectId, TrackBatch, Withdrawn,
};
use track::{Address, AircraftClass, Callsign, ModeA, SourceClass, TrackReport};
use units::{Altitude, Angle, Height, Position, Reference, Speed, Utc, Vertex, VerticalRate};

/// 2026-01-02T03:04:05.678Z.
pub const ISSUED: Utc = Utc(1_767_323_045_678);

pub fn samples() -> Vec<Record> {
    Kind::ALL.into_iter().map(sample).collect()
}

/// A record of a kind. Optional parts of the envelope are filled by turns.
pub fn sample(kind: Kind) -> Record {
    let party = |name| PartyId::parse(name).unwrap();
    let full = (kind as u8).is_multiple_of(2);
    Record {
        schema: SCHEMA,
        mode: if full { Mode::Live } else { Mode::Exercise("blue-7".into()) },
        issuer: party("north"),
        audience: party("south"),
        subject: SubjectId([0x5b; 16]),
        revision: 1 + kind as u32,
        supersedes: full.then_some(Hash32([0x11; 32])),
        issued_at: ISSUED,
        issued_error_ms: 12,
        valid_from: full.then_some(ISSUED),
        valid_until: full.then_some(ISSUED.plus_ms(3_600_000)),
        pact: Hash32([0x22; 32]),
        caveat: if full { Caveat::Named } else { Caveat::None },
        precedence: if full { Precedence::Flash } else { Precedence::Routine },
        receipt: full.then_some(ReceiptWanted { level: ReceiptLevel::Acknowledged, due_s: 60 }),
        role: full.then_some(Role::Officer),
        body: body(kind),
    }
}

fn body(kind: Kind) -> Body {
    match kind {
        Kind::Pact => Body::Pact(PactInForce { pact: Hash32([0x22; 32]), software: "skypact 0.1.0".into() }),
        Kind::Tracks => Body::Tracks(Box::new(batch())),
        Kind::Plan => Body::Plan(plan()),
        Kind::Notice => Body::Notice(notice()),
        Kind::Receipt => Body::Receipt(Receipt {
            of: Hash32([0x33; 32]),
            index: 4711,
            level: ReceiptLevel::Acknowledged,
            at: ISSUED.plus_ms(9_000),
            role: Some(Role::Officer),
            read_back: Some(ReadBack {
                place: Some(position(47.5, 8.5)),
                level: Some(Altitude::pressure_feet(5000)),
                time: Some(ISSUED),
            }),
        }),
        Kind::Site => Body::Site(Site {
            category: SiteCategory::Hospital,
            name: Some("Kantonsspital – Haus Süd".into()),
            footprint: polygon(),
            buffer_mm: 500_000,
            verification: Verification::FieldChecked,
            expires: ISSUED.plus_ms(90 * 86_400_000),
        }),
        Kind::Avoid => Body::Avoid(Avoid { volumes: volumes() }),
        Kind::Conflict => Body::Conflict(ConflictReport {
            own: 17,
            other: u64::MAX,
            cpa: ISSUED.plus_ms(95_500),
            lateral_mm: 1_234_567,
            vertical: Some(Height::from_feet(400)),
        }),
        Kind::Channel => Body::Channel(ChannelStatement {
            state: ChannelState::Suspended,
            effective: ISSUED.plus_ms(600_000),
            reason: "Clause 7 not kept since 02:00 UTC".into(),
        }),
        Kind::Withdrawn => Body::Withdrawn(Withdrawn { of: Hash32([0x44; 32]) }),
        Kind::Keys => Body::Keys(record::KeysReplaced { statement: "skypact keys v1\n".into() }),
    }
}

pub fn batch() -> TrackBatch {
    let mut full = TrackReport::new(1, position(47.458_123, 8.548_765), ISSUED.plus_ms(-420));
    full.address = Address::parse("4b1a41").ok();
    full.callsign = Callsign::parse("SWR12A").ok();
    full.mode_a = ModeA::parse("1000").ok();
    full.pressure = Some(Height::from_feet(35_000));
    full.geometric = Height::from_feet_f64(35_475.5);
    full.speed = Some(Speed::from_knots(450.0));
    full.track = Angle::from_degrees(271.25);
    full.vertical_rate = Some(VerticalRate::from_fpm(-64.0));
    full.accuracy_mm = Some(92_600);
    full.source = SourceClass::Adsb;
    full.class = AircraftClass::Civil;
    let mut anonymous = TrackReport::new(u64::MAX, position(-45.0, -180.0), ISSUED.plus_ms(-9_000));
    anonymous.address = Address::parse("~2b1fcc").ok();
    anonymous.on_ground = true;
    let bare = TrackReport::new(300, position(90.0, 0.0), ISSUED);
    let mut batch = TrackBatch::pack(ISSUED, &[full, anonymous, bare]).unwrap();
    (batch.form, batch.precision_mm, batch.delay_ms) = (ReleaseForm::Reduced, 500_000, 30_000);
    batch
}

pub fn plan() -> Plan {
    Plan {
        callsign: Some("REGA 12".into()),
        class: AircraftClass::Humanitarian,
        state: PlanState::Activated,
        priority: -3,
        special: Some(SpecialHandling::Medevac),
        volumes: volumes(),
        address: Some(0x4b_1a41),
    }
}

pub fn notice() -> Notice {
    Notice {
        class: NoticeClass::Hazard,
        text: "Artillery fire.\nKeep clear below FL120.".into(),
        place: Some(position(47.5, 8.5)),
        level: Some(Altitude::pressure_feet(12_000)),
        start: Some(ISSUED.plus_ms(600_000)),
        end: Some(ISSUED.plus_ms(4_200_000)),
        volumes: volumes()[..1].to_vec(),
        action: Some("Leave the area by 03:14 UTC".into()),
    }
}

/// One volume of each shape, with each kind of limit.
pub fn volumes() -> Vec<Volume4d> {
    let end = ISSUED.plus_ms(3_600_000);
    let at = |metres, reference| Limit::At(Altitude::Known(Height::from_metres(metres).unwrap(), reference));
    vec![
        Volume4d {
            outline: polygon(),
            lower: Limit::Unlimited,
            upper: at(3000.5, Reference::Wgs84),
            start: ISSUED,
            end,
        },
        Volume4d {
            outline: Outline::Circle { centre: vertex(0.0, -180.0), radius_mm: 9_260_000 },
            lower: at(-30.0, Reference::Msl),
            upper: Limit::At(Altitude::Unknown),
            start: ISSUED,
            end,
        },
        Volume4d {
            outline: Outline::Corridor { points: vec![vertex(-1.5, 2.25), vertex(-1.0, 3.0)], half_width_mm: 926_000 },
            lower: at(0.0, Reference::Agl),
            upper: Limit::At(Altitude::pressure_feet(66_000)),
            start: ISSUED,
            end,
        },
    ]
}

pub fn polygon() -> Outline {
    Outline::Polygon(vec![vertex(47.5, 8.5), vertex(47.6, 8.5), vertex(47.550_000_001, 8.7)])
}

pub fn position(lat: f64, lon: f64) -> Position {
    Position::from_degrees(lat, lon).unwrap()
}

pub fn vertex(lat: f64, lon: f64) -> Vertex {
    Vertex::from_degrees(lat, lon).unwrap()
}
