//! Parties, keys, pacts, policies and aircraft for tests.
use airspace::{Limit, Outline, Plan, PlanState, Site, SiteCategory, Verification, Volume4d};
use node::command::{Command, SendNotice};
use node::input::{Boot, Claim, FeedConfig};
use pact::{Minima, Pact, Party, SignedPact};
use record::{Hash32, Mode, Notice, NoticeClass, PartyId, Precedence, ReceiptLevel, SubjectId};
use release::{Level, Policy, RecordClass, Rule};
use std::collections::BTreeMap;
use tlog::NoteSigner;
use track::{Address, Callsign, TrackReport};
use units::{AircraftClass, Altitude, Angle, Height, NM_MM, Position, Speed, Utc, Vertex};

pub const NAMES: [&str; 3] = ["north", "south", "west"];
/// 2026-06-01T00:00:00Z.
pub const START: Utc = Utc(1_780_272_000_000);

pub fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

pub fn subject(n: u8) -> SubjectId {
    SubjectId([n; 16])
}

/// Secret keys of a party, which no state ever sees.
pub struct Keys {
    pub log: NoteSigner,
    pub cosign: NoteSigner,
}

pub fn keys(name: &str) -> Keys {
    let key_name = format!("skypact.link/{name}");
    let seed = Hash32::of(name.as_bytes()).0;
    Keys {
        log: NoteSigner::new(&key_name, &seed).unwrap(),
        cosign: NoteSigner::cosigner(&key_name, &Hash32::of(&seed).0).unwrap(),
    }
}

/// A pact from FL050 up with 5 NM and 1000 ft, valid for a month from the day of `start`.
pub fn pact_of(names: &[&str], start: Utc) -> Pact {
    let day = start.0.div_euclid(86_400_000) * 86_400_000;
    let corner = |lat: f64, lon: f64| Vertex::from_degrees(lat, lon).unwrap();
    let party = |name: &&str| Party {
        id: party(name),
        name: format!("Party {name}"),
        log_key: keys(name).log.verifier().clone(),
        cosign_key: keys(name).cosign.verifier().clone(),
        tls_spki_sha256: Hash32::of(format!("tls of {name}").as_bytes()),
        authority_key: None,
        desk: "+41 31 000 00 00".into(),
    };
    Pact {
        parties: names.iter().map(party).collect(),
        area: Outline::Polygon(vec![corner(44.0, 4.0), corner(44.0, 13.0), corner(49.0, 13.0), corner(49.0, 4.0)]),
        lower: Limit::At(Altitude::pressure_feet(5_000)),
        upper: Limit::Unlimited,
        valid_from: Utc(day),
        valid_until: Utc(day + 30 * 86_400_000),
        default_minima: Minima { lateral_mm: 5 * NM_MM, vertical: Height::from_feet(1000), horizon_ms: 300_000 },
        pairs: Vec::new(),
        alarm_horizon_ms: 120_000,
        notice_s: BTreeMap::new(),
        acknowledge_s: [14_400, 1_800, 300, 60],
        mode: Mode::Live,
        checkpoint_busy_ms: 100,
        checkpoint_idle_ms: 1000,
        clock_warn_ms: 1000,
        clock_refuse_ms: 5000,
        checkpoints_shared: names.len() > 2,
        rates: BTreeMap::new(),
        padding: None,
        oversight: Default::default(),
    }
}

/// The pact's text with every party's signature.
pub fn signed(pact: &Pact) -> String {
    let mut signed = SignedPact::unsigned(pact.clone()).unwrap();
    for party in &pact.parties {
        signed.sign(&keys(party.id.as_str()).log).unwrap();
    }
    String::from_utf8(signed.to_bytes()).unwrap()
}

/// A node of `name` with a feed of own aircraft (0) and one of observed ones (1).
pub fn boot(name: &str, pact: &str, policy: Policy) -> Boot {
    let feed = |name: &str, claim| FeedConfig {
        name: name.into(),
        format: "test".into(),
        claim,
        class: AircraftClass::Civil,
        marking: None,
    };
    Boot {
        party: party(name),
        mode: Mode::Live,
        pacts: vec![pact.to_string()],
        feeds: vec![feed("own", Claim::Own), feed("seen", Claim::Observed)],
        pseudonym_secret: Hash32::of(format!("pseudonyms of {name}").as_bytes()).0,
        policy,
        software: "test".into(),
        statements: Vec::new(),
        markings: Vec::new(),
        dss_base_url: None,
        dss_marking: None,
        dss_notifies: false,
    }
}

pub fn rule(class: RecordClass, level: Level) -> Rule {
    Rule::new(class, level)
}

/// Rules towards some peers.
pub fn policy(peers: &[&str], rules: &[Rule]) -> Policy {
    Policy { revision: 1, rules: peers.iter().map(|p| (party(p), rules.to_vec())).collect() }
}

/// Everything is released in full to every other party.
pub fn open(peers: &[&str]) -> Policy {
    policy(peers, &RecordClass::ALL.map(|class| rule(class, Level::Full)))
}

/// The command that puts rules in force.
pub fn set_policy(policy: Policy, replaces: Option<u32>) -> Command {
    Command::SetPolicy { policy, replaces }
}

/// Nothing is released.
pub fn closed() -> Policy {
    Policy::default()
}

/// An aircraft at FL300.
pub fn aircraft(n: u32, lat: f64, lon: f64, knots: f64, heading: f64, at: Utc) -> TrackReport {
    let mut r = TrackReport::new(u64::from(n), Position::from_degrees(lat, lon).unwrap(), at);
    r.address = Address::icao(0x40_0000 + n);
    r.callsign = Callsign::parse(&format!("TEST{n}")).ok();
    r.pressure = Some(Height::from_feet(30_000));
    r.speed = Some(Speed::from_knots(knots));
    r.track = Angle::from_degrees(heading);
    r.class = AircraftClass::Civil;
    r
}

/// The same aircraft later, flown along its track.
pub fn flown(report: &TrackReport, at: Utc) -> TrackReport {
    let (speed, track) = (report.speed.unwrap(), report.track.unwrap());
    let metres = speed.mps() * at.since_s(report.at);
    let (lat, lon) = units::earth::direct(report.position.lat(), report.position.lon(), track.degrees(), metres);
    TrackReport { position: Position::from_degrees(lat, lon).unwrap(), at, ..*report }
}

/// A circle in the levels from FL200 to FL400, for an hour from `start`.
pub fn circle(lat: f64, lon: f64, radius_nm: f64, start: Utc) -> Volume4d {
    Volume4d {
        outline: Outline::Circle {
            centre: Vertex::from_degrees(lat, lon).unwrap(),
            radius_mm: (radius_nm * NM_MM as f64) as i64,
        },
        lower: Limit::At(Altitude::pressure_feet(20_000)),
        upper: Limit::At(Altitude::pressure_feet(40_000)),
        start,
        end: start.plus_ms(3_600_000),
    }
}

/// A plan of these volumes, accepted, flown by nobody in particular.
pub fn plan(n: u8, volumes: Vec<Volume4d>) -> Plan {
    Plan {
        callsign: Some(format!("PLAN{n}")),
        class: AircraftClass::Civil,
        state: PlanState::Accepted,
        priority: 0,
        special: None,
        volumes,
        address: None,
    }
}

/// A hospital with 2 km around it.
pub fn site(lat: f64, lon: f64) -> Site {
    Site {
        category: SiteCategory::Hospital,
        name: Some("Clinic".into()),
        footprint: Outline::Circle { centre: Vertex::from_degrees(lat, lon).unwrap(), radius_mm: 200_000 },
        buffer_mm: 2_000_000,
        verification: Verification::Independent,
        expires: Utc(i64::MAX / 2),
    }
}

/// A hazard at a place, a level and a time, to be acknowledged.
pub fn notice(to: &str, n: u8) -> SendNotice {
    SendNotice {
        subject: subject(n),
        to: vec![party(to)],
        precedence: Precedence::Flash,
        receipt: Some(ReceiptLevel::Acknowledged),
        notice: Notice {
            class: NoticeClass::Hazard,
            text: "Balloon adrift".into(),
            place: Position::from_degrees(47.0, 8.0).ok(),
            level: Some(Altitude::pressure_feet(10_000)),
            start: Some(START),
            end: None,
            volumes: Vec::new(),
            action: None,
        },
    }
}
