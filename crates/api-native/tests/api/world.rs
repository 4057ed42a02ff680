//! A view with something of everything in it.
use airspace::{Limit, Outline, Plan, PlanState, Site, SiteCategory, SpecialHandling, Verification, Volume4d};
use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use node::command::Account;
use node::input::FeedState;
use node::view::*;
use record::*;
use release::{Identity, Level, Policy, RecordClass, Rule};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use track::{Address, Callsign, TrackReport};
use units::*;

/// The moment of the world's view: 2026-08-01T10:00:00Z, inside the pact's validity.
pub const T0: i64 = 1_785_578_400_000;
/// Password of every officer of the world.
pub const PASSWORD: &str = "correct horse battery";
/// The incoming notice.
pub const NOTICE: Hash32 = Hash32([0xAB; 32]);
/// The own plan and site.
pub const SUBJECT: SubjectId = SubjectId([0xCD; 16]);
/// The pact of the three parties, not signed.
pub const PACT: &str = include_str!("../../../pact/testdata/three-parties.pact");

pub fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

/// Cheap parameters: the interface takes them from the stored string.
fn phc() -> String {
    static PHC: OnceLock<String> = OnceLock::new();
    let make = || {
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let salt = SaltString::encode_b64(&[1; 16]).unwrap();
        hasher.hash_password(PASSWORD.as_bytes(), &salt).unwrap().to_string()
    };
    PHC.get_or_init(make).clone()
}

pub fn account(role: Role) -> Account {
    Account { role, password: Some(phc()), token: None, expires: None, must_set_password: false }
}

pub fn track(id: u32, owner: Owner) -> TrackView {
    let mut report = TrackReport::new(u64::from(id), Position::from_degrees(47.25, 8.5).unwrap(), Utc(T0 - 700));
    report.address = Address::icao(0x4B_0000 + id);
    report.callsign = Callsign::parse(&format!("TST{id}")).ok();
    report.pressure = Some(Height::from_feet(24_000));
    report.speed = Some(Speed::from_knots(450.0));
    report.track = Angle::from_degrees(90.0);
    report.vertical_rate = Some(VerticalRate::from_fpm(-500.0));
    report.class = AircraftClass::Civil;
    TrackView {
        id,
        owner,
        report,
        form: ReleaseForm::Full,
        precision_mm: 0,
        stale: false,
        alert: 0,
        joined: Vec::new(),
    }
}

pub fn volume() -> Volume4d {
    let centre = Vertex::from_degrees(47.25, 8.5).unwrap();
    Volume4d {
        outline: Outline::Circle { centre, radius_mm: 5 * NM_MM },
        lower: Limit::Unlimited,
        upper: Limit::At(Altitude::pressure_feet(24_000)),
        start: Utc(T0),
        end: Utc(T0 + 3_600_000),
    }
}

fn alert() -> AlertView {
    let side = |id, owner| Some(AlertTrack { id, label: format!("TST{id}"), owner });
    AlertView {
        id: 11,
        kind: AlertKind::Conflict,
        level: 3,
        state: "raised",
        raised: Utc(T0 - 2000),
        since: Utc(T0 - 1500),
        escalated: false,
        raising: 1,
        text: "TST1 and TST2 are predicted to lose separation".into(),
        about: None,
        a: side(1, Owner::Own),
        b: side(2, Owner::Peer(1)),
        cpa: Some(Utc(T0 + 60_000)),
        tin: Some(Utc(T0 + 30_000)),
        dcpa_mm: Some(1_234_567),
        distance_mm: Some(20_000_000),
        vertical: Some(3_048_000),
        basis: Some("pressure"),
        violation: false,
        inhibited: Some(1),
        reason: None,
        reasoned: None,
        asks_reason: false,
        data_age_ms: Some(700),
        acknowledged: None,
    }
}

/// What alert 11 rests on.
pub fn decisions() -> node::Decisions {
    let report = |id, owner| track(id, owner).report;
    let reports = (report(1, Owner::Own), report(2, Owner::Peer(1)));
    let (t0, minima) = (Utc(T0), detect::Minima::DEFAULT);
    let at = |r: &TrackReport| detect::Kinematics::from_report(r, t0);
    let encounter = detect::track_track(&at(&reports.0), &at(&reports.1), &minima).conflict().unwrap();
    let (engine, earth) = (detect::ENGINE.into(), detect::EARTH.into());
    let classes = (AircraftClass::Civil, AircraftClass::Civil);
    let known = Default::default();
    let first = node::Decision { reports, classes, t0, minima, encounter, engine, earth, known, noise: (false, false) };
    let mut last = first.clone();
    last.encounter.dcpa_m += 1.0;
    node::Decisions { first, last }
}

fn cleared() -> node::Cleared {
    let (level, reference) = (Height::from_feet(24_000), Reference::Pressure);
    node::Cleared { level, reference, by: "anna".into(), until: Utc(T0 + 3_600_000) }
}

/// An inhibition of each kind.
fn inhibitions() -> Vec<node::Inhibition> {
    let names = ["TIGER1", "TIGER2"].map(String::from);
    let [a, b] = names.clone();
    [node::Inhibited::Flight(a.clone()), node::Inhibited::Pair(a, b), node::Inhibited::Volume(volume())]
        .into_iter()
        .zip(1..)
        .map(|(of, id)| node::Inhibition {
            id,
            of,
            owner: "anna".into(),
            reason: "formation".into(),
            since: Utc(T0),
            until: Utc(T0 + 3_600_000),
        })
        .collect()
}

fn alerts() -> Vec<AlertView> {
    let quiet = AlertView {
        id: 12,
        kind: AlertKind::PeerLost,
        level: 2,
        state: "acknowledged",
        text: "nothing from civil".into(),
        about: Some("civil".into()),
        a: None,
        b: None,
        cpa: None,
        tin: None,
        dcpa_mm: None,
        distance_mm: None,
        vertical: None,
        basis: None,
        data_age_ms: None,
        acknowledged: Some(("anna".into(), Utc(T0 - 1000))),
        ..alert()
    };
    let flagged = AlertView {
        id: 13,
        kind: AlertKind::Plan,
        level: 1,
        text: "own plan is in the buffer of the hospital".into(),
        about: Some("07".repeat(16)),
        inhibited: None,
        reason: Some("anna: agreed with the hospital".into()),
        reasoned: Some(Utc(T0 - 500)),
        ..quiet.clone()
    };
    let unreasoned = AlertView { id: 14, level: 2, reason: None, reasoned: None, asks_reason: true, ..flagged.clone() };
    vec![alert(), quiet, flagged, unreasoned]
}

fn notices() -> Vec<NoticeView> {
    let notice = Notice {
        class: NoticeClass::Hazard,
        text: "Parachute drop".into(),
        place: Some(Position::from_degrees(47.25, 8.5).unwrap()),
        level: Some(Altitude::pressure_feet(24_000)),
        start: Some(Utc(T0)),
        end: Some(Utc(T0 + 3_600_000)),
        volumes: vec![volume()],
        action: Some("Keep clear".into()),
    };
    let said = node::view::Said { at: Utc(T0), role: Role::Officer, by: None, decision: None, text: "A0123/26".into() };
    let incoming = NoticeView {
        id: NOTICE,
        subject: SubjectId([7; 16]),
        outgoing: false,
        peer: party("south"),
        precedence: Precedence::Immediate,
        notice,
        issued: Utc(T0 - 5000),
        wanted: Some(ReceiptLevel::Acknowledged),
        due: Some(Utc(T0 + 295_000)),
        overdue: false,
        received: Some(Utc(T0 - 4900)),
        seen: None,
        acknowledged: None,
        sealed: true,
        answers: BTreeMap::from([(ReceiptLevel::Published, said)]),
        told_after: Some(Utc(T0 - 6000)),
        told_before: None,
        claimed_off_ms: 0,
    };
    let acknowledged = Acknowledged { at: Utc(T0), role: Some(Role::Officer), by: None, read_back_ok: true };
    let plain = Notice {
        place: None,
        level: None,
        start: None,
        end: None,
        volumes: vec![],
        action: None,
        ..incoming.notice.clone()
    };
    let outgoing = NoticeView {
        id: Hash32([0xAC; 32]),
        outgoing: true,
        notice: plain,
        acknowledged: Some(acknowledged),
        ..incoming.clone()
    };
    vec![incoming, outgoing]
}

fn peers() -> Vec<PeerView> {
    let south = PeerView {
        party: party("south"),
        desk: "+41 31 000 00 00".into(),
        link: LinkStatus::Up,
        reason: None,
        age_ms: Some(120),
        in_size: 10,
        in_sealed: 9,
        out_size: 8,
        out_cosigned: 7,
        witnessed: None,
        channel_ours: ChannelState::InForce,
        channel_theirs: ChannelState::Suspended,
        clock_offset_ms: Some(-12),
        refused: BTreeMap::from([("MALFORMED".into(), 2)]),
        tls_spki_sha256: Hash32([0xAD; 32]),
        keys: Some((2, "stolen", Utc(T0))),
        throttled: BTreeMap::from([("plan".into(), 3)]),
        waiting: 4,
        staffing: Some(record::DeskStatus { manned: false, next: Some(Utc(T0)), note: "voice".into() }),
        forks: vec![node::view::ForkView { to: party("civil"), size: 3, notes: ["a".into(), "b".into()] }],
        denied: vec![(5, Hash32([5; 32])), (9, Hash32([9; 32]))],
    };
    let civil = PeerView {
        party: party("civil"),
        link: LinkStatus::Down,
        reason: Some("no route".into()),
        age_ms: None,
        clock_offset_ms: None,
        refused: BTreeMap::new(),
        ..south.clone()
    };
    vec![civil, south]
}

fn feeds() -> Vec<FeedView> {
    let feed = FeedView {
        name: "Radar 1".into(),
        format: "sbs".into(),
        state: FeedState::Up,
        age_ms: Some(90),
        reports: 1000,
        errors: 3,
        last_error: Some("line 7: no position".into()),
    };
    let idle = FeedView {
        name: "Radar 2".into(),
        state: FeedState::Connecting,
        age_ms: None,
        last_error: None,
        ..feed.clone()
    };
    vec![feed, idle]
}

fn policy() -> Policy {
    let rule = |class, level| Rule::new(class, level);
    let reduced = Level::Reduced { precision_mm: 1_000_000, delay_ms: 30_000, identity: Identity::Drop };
    let rules = vec![
        rule(RecordClass::Tracks, reduced),
        rule(RecordClass::Plans, Level::Coarse { cell_e7: 5_000_000, bin_ms: 60_000 }),
        rule(RecordClass::Sites, Level::Full),
    ];
    Policy { revision: 3, rules: BTreeMap::from([(party("south"), rules)]) }
}

pub fn plan() -> Plan {
    Plan {
        callsign: Some("RESCUE1".into()),
        class: AircraftClass::Humanitarian,
        state: PlanState::Accepted,
        priority: 10,
        special: Some(SpecialHandling::Medevac),
        volumes: vec![volume()],
        address: Some(0x4B_1A41),
    }
}

pub fn site() -> Site {
    Site {
        category: SiteCategory::Hospital,
        name: Some("Kantonsspital".into()),
        footprint: volume().outline,
        buffer_mm: 500_000,
        verification: Verification::Independent,
        expires: Utc(T0 - 1),
    }
}

/// The world.
pub fn view() -> View {
    let mut far = track(3, Owner::Unclaimed);
    far.report = TrackReport::new(3, Position::from_degrees(-89.9, -179.9).unwrap(), Utc(T0 - 40_000));
    far.stale = true;
    let mut released = track(2, Owner::Peer(1));
    (released.form, released.precision_mm, released.alert) = (ReleaseForm::Reduced, 1_000_000, 3);
    let roles = ["observer", "officer", "planner", "administrator"];
    let mut accounts: BTreeMap<String, Account> =
        roles.iter().map(|name| (String::from(*name), account(Role::parse(name).unwrap()))).collect();
    accounts.insert("anna".into(), account(Role::Officer));
    accounts.insert("late".into(), Account { expires: Some(Utc(T0 - 1)), ..account(Role::Officer) });
    View {
        references: (0, 0, 0),
        notified: node::NotifyCounts::default(),
        staffing: Some(record::DeskStatus { manned: true, next: None, note: "watch B".into() }),
        utc: Utc(T0),
        seq: 100,
        party: party("north"),
        parties: vec![party("north"), party("south"), party("civil")],
        mode: Mode::Exercise("alpine".into()),
        tracks: vec![track(1, Owner::Own), released, far],
        peers: peers(),
        feeds: feeds(),
        alerts: alerts(),
        notices: notices(),
        plans: vec![PlanView {
            subject: SUBJECT,
            revision: 2,
            owner: Owner::Own,
            plan: plan(),
            conflicts: vec!["meets S-17 of south".into()],
            uss: Some("uss1".into()),
        }],
        sites: vec![SiteView { subject: SUBJECT, revision: 1, owner: Owner::Own, site: site() }],
        avoids: vec![AvoidView { subject: SubjectId([9; 16]), owner: Owner::Peer(1), volumes: vec![volume()] }],
        checked: Checked { tracks: 3, conflicts: 1, unjudged: 2, at: Utc(T0 - 800) },
        cut: 0,
        sounded: 0,
        correlation: node::CorrelationCounts { joined: 3, parted: 1, undone: 0 },
        crosscheck: node::Crosscheck::default(),
        inhibitions: inhibitions(),
        cleared: [("TST1".to_string(), cleared())].into(),
        pacts: vec![PactView {
            hash: Hash32([0x11; 32]),
            text: PACT.into(),
            parties: vec![party("civil"), party("north"), party("south")],
        }],
        accounts,
        policy: policy(),
        proposal: None,
        marks: vec![
            node::view::MarkView {
                of: node::Marked::Plan(SUBJECT),
                marking: release::Marking::parse("vip"),
                waits: Some((None, vec!["paul".into()])),
            },
            node::view::MarkView {
                of: node::Marked::Aircraft(0x4b_1a41),
                marking: release::Marking::parse("vip"),
                waits: None,
            },
        ],
    }
}
