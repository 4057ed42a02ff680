//! The ledger of who was told what under which rule, as a reviewer makes it: by folding the journal again. It finds every
//! record that told of an own aircraft, however little was told, and when that was after the aircraft had gone.
mod common;

use common::{
    START, World, aircraft, boot, circle, closed, flown, open, pact_of, party, plan, policy, rule, signed, subject,
};
use node::State;
use node::command::Command;
use node::input::{Claim, Entry, FeedConfig};
use record::{Body, Kind, Role};
use release::{Identity, Level, Marking, Policy, RecordClass, Rule};
use std::collections::BTreeSet;
use track::TrackReport;
use units::AircraftClass;

const TRACKS: RecordClass = RecordClass::Tracks;
const COARSE: Level = Level::Coarse { cell_e7: 5_000_000, bin_ms: 10_000 };
const AVOID: Level = Level::AvoidArea { cell_e7: 5_000_000, bin_ms: 10_000 };

/// One aircraft in one record: the record's place and kind, what the aircraft is called, the rule from 1, the peer's number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    index: u64,
    kind: Kind,
    called: String,
    callsign: Option<String>,
    rule: Option<u16>,
    number: Option<u64>,
}

/// Everything that a node told south of own aircraft. Holds besides that each row and area names an aircraft.
fn ledger(world: &World, n: usize) -> (Vec<Line>, BTreeSet<String>) {
    let shell = &world.nodes[n];
    let log = &shell.stores[&party("south")].out;
    let (mut state, mut lines, mut renamed, mut said) = (State::default(), Vec::new(), BTreeSet::new(), 0);
    for bytes in &shell.journal {
        let entry: Entry = minicbor::decode(bytes).unwrap();
        state.apply(&entry, &mut Vec::new());
        for (old, _) in state.renamed() {
            renamed.insert(state.called(*old, release::Who::default()));
        }
        for one in state.said() {
            assert_eq!(one.index, said, "every record once, in order");
            said += 1;
            let record = record::decode(&log[one.index as usize]).unwrap().record;
            let rows = match &record.body {
                Body::Tracks(batch) => batch.unpack().unwrap().iter().map(|row| row.local).collect(),
                Body::Conflict(report) => vec![report.own],
                Body::Avoid(avoid) => vec![0; avoid.volumes.len()],
                _ => Vec::new(),
            };
            let (index, kind) = (one.index, record.body.kind());
            let of: BTreeSet<u16> = one.mentions.aircraft().iter().map(|mention| mention.row).collect();
            assert_eq!(of, (0..rows.len() as u16).collect(), "{kind:?} {index}");
            assert_eq!(one.mentions.cut(), 0);
            let rules = state.rules_of(one);
            for mention in one.mentions.aircraft() {
                let (_, rule) =
                    rules.iter().find(|(rule, _)| *rule == mention.rule).expect("among the rules of the record");
                assert!(rule.is_some(), "and in force");
                lines.push(Line {
                    index,
                    kind,
                    called: state.called(mention.internal, mention.who()),
                    callsign: mention.who().callsign().map(|callsign| callsign.to_string()),
                    rule: Some(mention.rule + 1),
                    number: (kind != Kind::Avoid).then(|| rows[usize::from(mention.row)]),
                });
            }
            lines.extend(one.mentions.plan.clone().map(|plan| Line {
                index,
                kind,
                called: plan.address.map_or_else(String::new, |address| format!("{address:06x}")),
                callsign: plan.callsign,
                rule: rules.first().map(|(index, _)| index + 1),
                number: None,
            }));
        }
    }
    assert_eq!(said as usize, log.len());
    (lines, renamed)
}

fn of(world: &World, called: &str) -> Vec<Line> {
    ledger(world, 0).0.into_iter().filter(|line| line.called == called).collect()
}

fn mark(word: &str) -> Marking {
    Marking::parse(word).unwrap()
}

/// North with two own feeds, the second marked, and rules towards south.
fn world(rules: &[Rule]) -> World {
    let text = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &text, policy(&["south"], rules));
    north.markings = vec![mark("special")];
    let feed = |name: &str, marking| FeedConfig {
        name: name.into(),
        format: "test".into(),
        claim: Claim::Own,
        class: AircraftClass::Civil,
        marking,
    };
    north.feeds = vec![feed("adsb", None), feed("radar", Some(mark("special")))];
    let mut world = World::new(START, vec![north, boot("south", &text, closed())]);
    world.connect(0, 1);
    world
}

/// Aircraft `n` reports each second; `change` may say more or less of it.
fn fly(world: &mut World, feed: u16, n: u32, seconds: u64, change: impl Fn(TrackReport) -> TrackReport) {
    let first = aircraft(n, 46.2, 7.2, 100.0, 90.0, START);
    for _ in 0..seconds {
        let report = change(flown(&first, world.now().utc));
        world.report(0, feed, &[report]);
        world.run(1_000, 500);
    }
}

#[test]
fn an_aircraft_told_as_cells_and_since_landed_is_found_with_its_own_rule_also_beside_another_s() {
    for (level, kind) in [(COARSE, Kind::Tracks), (AVOID, Kind::Avoid)] {
        let plain = rule(TRACKS, level);
        let mut world =
            world(&[Rule { marking: Some(mark("special")), ..plain }, rule(RecordClass::Sites, Level::Full), plain]);
        fly(&mut world, 0, 1, 30, |report| report);
        for _ in 0..30 {
            fly(&mut world, 0, 1, 1, |report| report);
            fly(&mut world, 1, 2, 1, |report| report);
        }
        for n in [1, 2] {
            fly(&mut world, n as u16 - 1, n, 1, |report| TrackReport { on_ground: true, ..report });
        }
        world.run(200_000, 1_000);
        assert!(world.view(0).tracks.is_empty(), "gone from the picture");
        let (one, two) = (of(&world, "400001"), of(&world, "400002"));
        assert!(one.len() >= 8 && two.len() >= 5, "{} and {}", one.len(), two.len());
        assert!(one.iter().all(|line| (line.kind, line.rule) == (kind, Some(3))), "{one:?}");
        assert!(two.iter().all(|line| (line.kind, line.rule) == (kind, Some(1))), "{two:?}");
        let both = |lines: &[Line]| lines.iter().map(|line| line.index).collect::<BTreeSet<_>>();
        assert!(both(&two).is_subset(&both(&one)), "in one cell, and so in one record");
        assert_eq!(one[0].callsign.as_deref(), Some("TEST1"), "which no word of it went out");
    }
}

#[test]
fn rows_that_went_out_after_the_aircraft_had_left_the_picture_are_found_by_address_and_callsign() {
    for identity in [Identity::Keep, Identity::Drop] {
        let late = Level::Reduced { precision_mm: 0, delay_ms: 600_000, identity };
        let mut world = world(&[rule(TRACKS, late)]);
        fly(&mut world, 0, 1, 60, |report| report);
        world.run(150_000, 1_000);
        assert!(world.view(0).tracks.is_empty());
        assert_eq!(of(&world, "400001"), [], "nothing was told yet");
        // What waits names its aircraft over a restart, too.
        world.restart(0, true);
        world.run(500_000, 1_000);
        let told = of(&world, "400001");
        assert!(told.len() >= 58, "{}", told.len());
        assert!(told.iter().all(|line| (line.kind, line.rule) == (Kind::Tracks, Some(1))));
        assert!(told.iter().all(|line| line.callsign.as_deref() == Some("TEST1")));
    }
}

#[test]
fn an_aircraft_is_found_under_every_number_it_ever_had() {
    let level = |identity| Level::Reduced { precision_mm: 0, delay_ms: 2_000, identity };
    let of_level = |level| policy(&["south"], &[rule(TRACKS, level)]);
    let mut world = world(&[rule(TRACKS, level(Identity::Drop))]);
    let mut seconds = 0;
    for (step, next) in [level(Identity::Pseudonym), level(Identity::Keep), Level::Full].into_iter().enumerate() {
        fly(&mut world, 0, 1, 10, |report| report);
        world.set_rules(0, of_level(next));
        world.restart(0, step % 2 == 0);
        seconds += 10;
    }
    fly(&mut world, 0, 1, 10, |report| report);
    let told = of(&world, "400001");
    let numbers: BTreeSet<Option<u64>> = told.iter().map(|line| line.number).collect();
    assert_eq!(numbers.len(), 3, "dropped, pseudonym and named");
    assert!(told.len() as u64 > seconds / 2);
    let rows: usize = world.nodes[0].stores[&party("south")]
        .out
        .iter()
        .map(|bytes| match record::decode(bytes).unwrap().record.body {
            Body::Tracks(batch) => batch.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(told.len(), rows, "nobody else flew");
}

#[test]
fn what_was_told_before_an_aircraft_told_its_address_is_found_by_its_feed_s_number_and_that_is_said() {
    for level in [Level::Full, COARSE] {
        let mut world = world(&[rule(TRACKS, level)]);
        fly(&mut world, 0, 1, 25, |report| TrackReport { address: None, callsign: None, local: 17, ..report });
        fly(&mut world, 0, 1, 25, |report| TrackReport { local: 17, ..report });
        let (lines, renamed) = ledger(&world, 0);
        assert_eq!(renamed, ["adsb/17".to_string()].into());
        let count = |name: &str| lines.iter().filter(|line| line.called == name).count();
        assert!(count("adsb/17") >= 2 && count("400001") >= 2, "{lines:?}");
        assert_eq!(count("adsb/17") + count("400001"), lines.len());
    }
}

#[test]
fn conflicts_and_plans_are_found_by_the_address_and_callsign_of_the_own_aircraft() {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    // Head on.
    let (own, theirs) = (aircraft(1, 46.5, 7.0, 450.0, 90.0, START), aircraft(2, 46.5, 7.8, 450.0, 270.0, START));
    for _ in 0..20 {
        let now = world.now().utc;
        world.report(0, 0, &[flown(&own, now)]);
        world.report(1, 0, &[flown(&theirs, now)]);
        world.run(1_000, 500);
    }
    let told = of(&world, "400001");
    let conflicts: Vec<_> = told.iter().filter(|line| line.kind == Kind::Conflict).collect();
    assert!(!conflicts.is_empty() && conflicts.iter().all(|line| line.rule == Some(4)), "{conflicts:?}");
    assert_eq!((conflicts[0].callsign.as_deref(), conflicts[0].number), (Some("TEST1"), told[0].number));
    // A plan for it of which cells are told, changed to another aircraft's, and withdrawn.
    let plans = |level| {
        let rules = [rule(TRACKS, Level::Full), rule(RecordClass::Plans, level)];
        Policy { revision: 0, ..policy(&["south"], &rules) }
    };
    world.set_rules(0, plans(Level::Coarse { cell_e7: 1_000_000, bin_ms: 60_000 }));
    let flight = |address| node::command::Command::FilePlan {
        subject: subject(9),
        plan: airspace::Plan { address: Some(address), ..plan(9, vec![circle(46.5, 7.0, 10.0, START)]) },
    };
    world.ask(0, Role::Planner, flight(0x40_0001)).unwrap();
    world.ask(0, Role::Planner, Command::CancelPlan(subject(9))).unwrap();
    world.set_rules(0, plans(Level::Withheld));
    world.run(2_000, 500);
    let lines = ledger(&world, 0).0;
    let plans: Vec<_> = lines.iter().filter(|line| line.callsign.as_deref() == Some("PLAN9")).collect();
    assert!(plans.len() >= 2 && plans.iter().all(|line| line.called == "400001"), "{plans:?}");
    assert_eq!((plans[0].kind, plans[0].rule), (Kind::Plan, Some(2)));
}
