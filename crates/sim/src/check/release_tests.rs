//! What the oracle refuses that seldom comes about in a run.
use super::*;
use crate::parties;
use record::{Body, Caveat, ConflictReport, Hash32, Mode, Precedence, Record, SubjectId, TrackBatch};
use release::{Identity, Level, RecordClass};
use track::Address;
use units::Position;

const NOW: Utc = parties::START;

fn oracle(rules: &[Rule]) -> ReleaseOracle {
    let policy = Policy { revision: 1, rules: BTreeMap::from([(parties::name(1), rules.to_vec())]) };
    let mut oracle = ReleaseOracle { in_force: policy, ..ReleaseOracle::default() };
    let own = Own {
        class: AircraftClass::Civil,
        is_own: true,
        marking: Marks::known(None),
        reports: vec![Flown { report: flown(), at: 60_000 }],
    };
    oracle.aircraft.insert(7, own);
    oracle
}

fn flown() -> TrackReport {
    let mut report = TrackReport::new(7, Position { lat_e7: 470_000_000, lon_e7: 80_000_000 }, NOW);
    report.address = Address::icao(7);
    report.class = AircraftClass::Civil;
    report
}

fn conflict() -> Body {
    Body::Conflict(ConflictReport { own: 1, other: 2, cpa: NOW, lateral_mm: 0, vertical: None })
}

fn tracks(precision_mm: u32, report: TrackReport) -> Body {
    let mut batch = TrackBatch::pack(NOW, &[report]).unwrap();
    if precision_mm > 0 {
        (batch.form, batch.precision_mm) = (record::ReleaseForm::Reduced, precision_mm);
    }
    Body::Tracks(Box::new(batch))
}

/// What the oracle says of a record at this time.
fn told(oracle: &mut ReleaseOracle, now: u64, body: Body) -> Vec<String> {
    let record = Record {
        schema: record::SCHEMA,
        mode: Mode::Live,
        issuer: parties::name(0),
        audience: parties::name(1),
        subject: SubjectId([1; 16]),
        revision: 1,
        supersedes: None,
        issued_at: NOW,
        issued_error_ms: 50,
        valid_from: None,
        valid_until: None,
        pact: Hash32([0; 32]),
        caveat: Caveat::None,
        precedence: Precedence::Routine,
        receipt: None,
        role: None,
        body,
    };
    let mut trace = Trace::default();
    trace.now = now;
    oracle.said(&mut trace, "alpha", &parties::name(1), &Decoded { record, id: Hash32([0; 32]) }, false);
    trace.violations
}

#[test]
fn a_conflict_is_of_an_aircraft_that_is_told_exactly_and_of_none_while_the_channel_is_suspended() {
    let full = [RecordClass::Tracks, RecordClass::Conflicts].map(|class| Rule::new(class, Level::Full));
    assert!(told(&mut oracle(&full), 61_000, conflict()).is_empty());
    let mut suspended = oracle(&full);
    suspended.channel.insert(parties::name(1), (ChannelState::Suspended, 1_000));
    assert!(told(&mut suspended, 61_000, conflict())[0].contains("a conflict while the channel is suspended"));
    let late = Level::Reduced { precision_mm: 0, delay_ms: 2_000, identity: Identity::Keep };
    for rules in [[Rule { every_ms: Some(30_000), ..full[0] }, full[1]], [Rule { level: late, ..full[0] }, full[1]]] {
        assert!(told(&mut oracle(&rules), 61_000, conflict())[0].contains("a conflict of no aircraft"));
    }
}

#[test]
fn places_of_a_precision_are_those_of_a_grid_and_a_delay_is_kept() {
    let level = Level::Reduced { precision_mm: 500_000, delay_ms: 0, identity: Identity::Keep };
    let mut coarse = oracle(&[Rule::new(RecordClass::Tracks, level)]);
    assert!(told(&mut coarse, 61_000, tracks(500_000, flown())).is_empty());
    let mut moved = flown();
    moved.position.lon_e7 += 20_000;
    assert!(told(&mut coarse, 61_000, tracks(500_000, moved))[0].contains("on no grid"));
    assert!(told(&mut coarse, 61_000, tracks(0, flown()))[0].contains("where no aircraft may be shown so"));

    let level = Level::Reduced { precision_mm: 500_000, delay_ms: 20_000, identity: Identity::Keep };
    let late = |now| {
        let Body::Tracks(mut batch) = tracks(500_000, flown()) else { unreachable!() };
        batch.delay_ms = 20_000;
        told(&mut oracle(&[Rule::new(RecordClass::Tracks, level)]), now, Body::Tracks(batch))
    };
    assert!(late(80_000).is_empty());
    assert!(late(79_000)[0].contains("where no aircraft may be shown so"));
}
