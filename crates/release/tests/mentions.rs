//! What stands beside a record for the own ledger: each own aircraft in it, whatever of it was let out, and the rule that did.
use airspace::{Plan, PlanState, Volume4d};
use record::{Body, ConflictReport, Hash32, Mode, PartyId, Record, SubjectId};
use release::{
    Basis, Envelope, Filer, Identity, Level, Marking, Mentions, PlanOf, Policy, RecordClass, Released, Releaser, Rule,
};
use std::collections::BTreeMap;
use track::{Address, Callsign, TrackReport};
use units::{AircraftClass, Height, Mono, Now, Position, Utc, Vertex};

const TRACKS: RecordClass = RecordClass::Tracks;
const COARSE: Level = Level::Coarse { cell_e7: 5_000_000, bin_ms: 10_000 };
const AVOID: Level = Level::AvoidArea { cell_e7: 5_000_000, bin_ms: 10_000 };

fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

fn envelope() -> Envelope {
    Envelope { issuer: party("north"), audience: party("south"), mode: Mode::Live, pact: Hash32([1; 32]) }
}

fn policy(rules: &[Rule]) -> Policy {
    Policy { revision: 7, rules: [(party("south"), rules.to_vec())].into() }
}

fn at(second: u64) -> Now {
    Now { mono: Mono(second * 1000), utc: Utc(1_780_272_000_000 + second as i64 * 1000), utc_error_ms: 5 }
}

fn track(n: u64, now: Now) -> TrackReport {
    let mut r = TrackReport::new(n, Position::from_degrees(47.01 + n as f64 / 1e4, 8.01).unwrap(), now.utc);
    r.address = Address::icao(0x40_0000 + n as u32);
    r.callsign = Callsign::parse(&format!("TEST{n}")).ok();
    r.pressure = Some(Height::from_feet(30_500));
    r
}

/// Internal number, row of the record, rule from 0, and callsign.
fn named(mentions: &Mentions) -> Vec<(u64, u16, u16, String)> {
    let callsign = |who: release::Who| who.callsign().map_or_else(String::new, |c| c.to_string());
    mentions.aircraft().iter().map(|m| (m.internal, m.row, m.rule, callsign(m.who()))).collect()
}

struct World {
    releaser: Releaser,
    policy: Policy,
    marked: BTreeMap<u64, Marking>,
}

impl World {
    fn new(rules: &[Rule]) -> Self {
        let marked = [(1, Marking::parse("special").unwrap())].into();
        Self { releaser: Releaser::under(&envelope(), &[7; 32]), policy: policy(rules), marked }
    }

    fn tick(&mut self, own: &[TrackReport], second: u64) -> Vec<Released<Record>> {
        self.releaser.offer_marked(&self.policy, own, &self.marked, at(second));
        self.releaser.flush(&self.policy, &envelope(), at(second)).unwrap()
    }
}

#[test]
fn a_row_names_the_aircraft_it_hides_and_one_that_waits_over_a_snapshot_does_so_still() {
    for identity in [Identity::Drop, Identity::Pseudonym, Identity::Keep] {
        let late = Level::Reduced { precision_mm: 500_000, delay_ms: 5_000, identity };
        let mut world = World::new(&[
            Rule { marking: Marking::parse("other"), ..Rule::new(TRACKS, late) },
            Rule::new(TRACKS, late),
        ]);
        world.tick(&[1, 2, 3].map(|n| track(n, at(0))), 0);
        world.releaser = minicbor::decode(&minicbor::to_vec(&world.releaser).unwrap()).unwrap();
        // They are gone by then.
        let out = world.tick(&[], 6);
        let Body::Tracks(batch) = &out[0].value().body else { panic!("{out:?}") };
        let rows = batch.unpack().unwrap();
        assert_eq!((rows.len(), out[0].mentions().cut()), (3, 0));
        for mention in out[0].mentions().aircraft() {
            let (row, own) = (&rows[usize::from(mention.row)], track(mention.internal, at(0)));
            assert_eq!(world.releaser.internal(row.local), Some(mention.internal), "of the row it stands in");
            assert_eq!(
                (mention.who().address(), mention.who().callsign(), mention.rule),
                (own.address, own.callsign, 1)
            );
            assert_eq!(row.address.is_some(), identity == Identity::Keep);
        }
        assert_eq!(named(out[0].mentions()).len(), 3);
    }
}

#[test]
fn cells_of_two_rules_name_every_aircraft_with_its_own_rule_and_tell_no_more_for_it() {
    for level in [COARSE, AVOID] {
        let plain = Rule::new(TRACKS, level);
        let rules =
            [Rule { marking: Marking::parse("special"), ..plain }, Rule::new(RecordClass::Sites, Level::Full), plain];
        let told = |tracks: &[u64]| {
            let mut world = World::new(&rules);
            let out: Vec<_> = (1..12)
                .flat_map(|s| world.tick(&tracks.iter().map(|n| track(*n, at(s))).collect::<Vec<_>>(), s))
                .collect();
            assert_eq!(out.len(), 1, "one bin");
            out.into_iter().next().unwrap()
        };
        let index = |released: &Released<Record>| match released.ledger().basis {
            Basis::Rule { index, revision: 7, .. } => index,
            other => panic!("{other:?}"),
        };
        let (both, marked, other) = (told(&[1, 2]), told(&[1]), told(&[2]));
        assert_eq!(named(both.mentions()), [(1, 0, 0, "TEST1".into()), (2, 0, 2, "TEST2".into())]);
        assert_eq!((index(&both), both.mentions().rules()), (0, [0, 2].into()));
        assert_eq!((index(&marked), index(&other)), (0, 2), "the rule that let it out, not the lane's");
        assert_eq!((both.bytes(), marked.bytes()), (other.bytes(), other.bytes()), "nothing of this leaves");
    }
}

#[test]
fn each_cell_of_many_names_what_is_in_it() {
    let mut world = World::new(&[Rule::new(TRACKS, COARSE)]);
    let far = |n: u64, second| TrackReport {
        position: Position::from_degrees(40.0 + n as f64, 8.01).unwrap(),
        ..track(n, at(second))
    };
    let out: Vec<_> = (1..12).flat_map(|s| world.tick(&[1, 2, 3, 4].map(|n| far(n, s)), s)).collect();
    let Body::Tracks(batch) = &out[0].value().body else { panic!("{out:?}") };
    let rows = batch.unpack().unwrap();
    let mut seen: Vec<u64> = Vec::new();
    for mention in out[0].mentions().aircraft() {
        let centre = rows[usize::from(mention.row)].position.lat();
        assert!((centre - (40.0 + mention.internal as f64)).abs() < 0.5, "{centre} {mention:?}");
        seen.push(mention.internal);
    }
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3, 4]);
}

#[test]
fn a_plan_and_its_end_are_of_whom_it_was_when_it_was_said() {
    let circle = Volume4d {
        outline: airspace::Outline::Circle {
            centre: Vertex { lat_e9: 47_000_000_000, lon_e9: 8_000_000_000 },
            radius_mm: 10_000_000,
        },
        lower: airspace::Limit::Unlimited,
        upper: airspace::Limit::Unlimited,
        start: at(0).utc,
        end: at(3600).utc,
    };
    let plan = |n: u32| Plan {
        callsign: Some(format!("A-LONG-SIGN-{n}")),
        class: AircraftClass::Civil,
        state: PlanState::Accepted,
        priority: 0,
        special: None,
        volumes: vec![circle.clone()],
        address: Some(0x40_0000 + n),
    };
    let of = |n: u32| Some(PlanOf { address: Some(0x40_0000 + n), callsign: Some(format!("A-LONG-SIGN-{n}")) });
    // Told in cells of which no word names anybody, and in full.
    for level in [Level::Coarse { cell_e7: 5_000_000, bin_ms: 60_000 }, Level::Full] {
        let mut releaser = Releaser::under(&envelope(), &[7; 32]);
        let open = policy(&[Rule::new(RecordClass::Plans, level)]);
        let subject = SubjectId([3; 16]);
        let mut say = |policy: &Policy, n: u32, second| {
            releaser.release_plan(policy, &envelope(), subject, (&plan(n), None), Filer::Planner, at(second)).unwrap()
        };
        assert_eq!(say(&open, 1, 0)[0].mentions().plan, of(1), "{level:?}");
        let changed = say(&open, 2, 1);
        let stood = if level == Level::Full { 2 } else { 1 };
        assert_eq!(changed.iter().map(|r| r.mentions().plan.clone()).collect::<Vec<_>>(), vec![of(2); stood - 1]);
        let ended = say(&policy(&[]), 3, 2);
        assert_eq!(ended[0].ledger().basis, Basis::Withdrawal);
        assert_eq!(ended[0].mentions().plan, of(stood as u32), "what ends is what was told");
    }
}

#[test]
fn a_conflict_report_names_the_own_aircraft_and_the_rule_for_conflicts() {
    let mut world = World::new(&[Rule::new(TRACKS, Level::Full), Rule::new(RecordClass::Conflicts, Level::Full)]);
    let own = track(1, at(0));
    world.tick(&[own], 0);
    let found = ConflictReport { own: 1, other: 9, cpa: at(30).utc, lateral_mm: 1, vertical: None };
    let released =
        world.releaser.release_conflict(&world.policy, &envelope(), (&own, None), found, at(1)).unwrap().unwrap();
    assert_eq!(named(released.mentions()), [(1, 0, 1, "TEST1".into())]);
}
