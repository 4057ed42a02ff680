//! What is withheld from a peer changes nothing that the peer receives: not a byte, not a moment.
//!
//! Each seed makes a random scenario: release rules, traffic and plans of both parties, a change of the rules, a cut.
//! It is played twice, once with flights, plans, sites and aircraft seen that the rules withhold; every frame on the wire
//! must be the same at the same time. Variants that leak on purpose show that the comparison can see a leak.
mod common;

use common::{
    Random, START, Sent, World, aircraft, boot, circle, flown, notice, pact_of, party, plan, rule, set_policy, signed,
    site,
};
use node::command::Command;
use record::{Role, SubjectId};
use release::{Area, Identity, Level, Policy, RecordClass, Rule};
use std::collections::BTreeSet;
use track::TrackReport;
use units::AircraftClass;

const SEEDS: u64 = 200;
/// Length of a scenario in steps of 100 ms.
const STEPS: u64 = 300;

/// How the run with the withheld things goes wrong, if it does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leak {
    None,
    /// The rule that withholds is forgotten.
    Rule,
    /// The fold's tick comes later when there is more to do.
    Time,
    /// A notice is sent because of what is withheld.
    Answer,
}

#[derive(Debug, Clone)]
enum Event {
    Report(usize, u16, TrackReport),
    Ask(usize, Role, Command),
    Cut,
    Connect,
}

struct Scenario {
    policy: Policy,
    /// Step, whether withheld, what.
    events: Vec<(u64, bool, Event)>,
}

/// Where everything is withheld: 1 degree square.
const HIDDEN: Area =
    Area::Box { south_e7: 470_000_000, west_e7: 90_000_000, north_e7: 480_000_000, east_e7: 100_000_000 };

fn level(random: &mut Random, class: RecordClass) -> Level {
    let bin_ms = [2_000, 5_000, 10_000][random.below(3) as usize];
    let identity = [Identity::Drop, Identity::Pseudonym, Identity::Keep][random.below(3) as usize];
    match (random.below(5), class) {
        (0, _) => Level::Withheld,
        (1, RecordClass::Tracks | RecordClass::Plans) => Level::AvoidArea { cell_e7: 1_000_000, bin_ms },
        (2, RecordClass::Tracks) => Level::Coarse { cell_e7: 1_000_000, bin_ms },
        (3, RecordClass::Tracks) => Level::Reduced { precision_mm: 500_000, delay_ms: 2_000, identity },
        (3, RecordClass::Plans) => Level::Reduced { precision_mm: 500_000, delay_ms: 0, identity },
        _ => Level::Full,
    }
}

/// Military things and those in the hidden square are withheld; the rest as it comes.
fn rules(random: &mut Random) -> Vec<Rule> {
    let mut rules = Vec::new();
    for class in [RecordClass::Tracks, RecordClass::Plans] {
        rules.push(Rule { aircraft: Some(AircraftClass::Military), ..rule(class, Level::Withheld) });
    }
    for class in [RecordClass::Tracks, RecordClass::Plans, RecordClass::Sites] {
        rules.push(Rule { area: Some(HIDDEN), ..rule(class, Level::Withheld) });
    }
    rules.push(Rule {
        aircraft: Some(AircraftClass::Uas),
        ..rule(RecordClass::Tracks, level(random, RecordClass::Tracks))
    });
    for class in [RecordClass::Tracks, RecordClass::Plans, RecordClass::Sites] {
        rules.push(rule(class, level(random, class)));
    }
    rules.push(rule(RecordClass::Conflicts, Level::Full));
    rules
}

fn scenario(seed: u64) -> Scenario {
    let random = &mut Random(seed);
    let mut events = Vec::new();
    let policy = Policy { revision: 1, rules: [(party("south"), rules(random))].into() };
    // Aircraft of both parties in one small sky, so that many are in conflict; withheld ones among them.
    for n in 0..14u32 {
        let at = START.plus_ms(random.below(2_000) as i64);
        let kind = if n < 4 { n } else { 4 + random.below(4) as u32 };
        let (lat, lon) = match kind {
            1 | 3 => (random.between(47.4, 47.6), random.between(9.4, 9.6)),
            _ => (random.between(46.2, 46.8), random.between(8.0, 9.0)),
        };
        let knots = if kind == 1 { 100.0 } else { random.between(100.0, 480.0) };
        let mut report = aircraft(n, lat, lon, knots, random.between(0.0, 360.0), at);
        // 0, 2: military; 1: civil and slow in the hidden square; 3: seen by a sensor; then released and peer's ones.
        let (node, feed, withheld) = match kind {
            0 | 2 => (0, 0, true),
            1 => (0, 0, true),
            3 => (0, 1, true),
            4 | 5 => (0, 0, false),
            6 => (1, 0, false),
            _ => (0, 1, false),
        };
        report.class = match kind {
            0 | 2 => AircraftClass::Military,
            5 => AircraftClass::Uas,
            _ => AircraftClass::Civil,
        };
        let every = 5 + random.below(10);
        let mut step = random.below(every);
        while step < STEPS {
            let at = START.plus_ms(1_000 + step as i64 * 100);
            events.push((step, withheld, Event::Report(node, feed, flown(&report, at))));
            step += every;
        }
    }
    for n in 0..6u8 {
        let withheld = n < 2;
        let (node, class) = if n == 5 { (1, AircraftClass::Civil) } else { (0, AircraftClass::Civil) };
        let class = if withheld { AircraftClass::Military } else { class };
        let volumes = vec![circle(random.between(46.3, 46.7), 8.5, 10.0, START)];
        let file =
            Command::FilePlan { subject: SubjectId([n + 1; 16]), plan: airspace::Plan { class, ..plan(n, volumes) } };
        let step = random.below(STEPS);
        events.push((step, withheld, Event::Ask(node, Role::Planner, file)));
        if random.below(2) == 0 {
            let cancel = Command::CancelPlan(SubjectId([n + 1; 16]));
            events.push((step + 1 + random.below(50), withheld, Event::Ask(node, Role::Planner, cancel)));
        }
    }
    for (n, withheld, lat, lon) in [(20, true, 47.5, 9.5), (21, false, 46.5, 8.5)] {
        let file = Command::FileSite { subject: SubjectId([n; 16]), site: site(lat, lon) };
        events.push((random.below(STEPS), withheld, Event::Ask(0, Role::Planner, file)));
    }
    events.push((random.below(STEPS), false, Event::Ask(0, Role::Officer, Command::SendNotice(notice("south", 30)))));
    let changed = Policy { revision: 1, rules: [(party("south"), rules(random))].into() };
    events.push((random.below(STEPS), false, Event::Ask(0, Role::Administrator, set_policy(changed, None))));
    let cut = random.below(STEPS - 60);
    events.push((cut, false, Event::Cut));
    events.push((cut + 20 + random.below(40), false, Event::Connect));
    events.sort_by_key(|(step, ..)| *step);
    Scenario { policy, events }
}

/// Takes out the rules that withhold.
fn forgotten(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    policy.rules.values_mut().for_each(|rules| {
        rules.retain(|r| r.level != Level::Withheld);
        rules.push(rule(RecordClass::Tracks, Level::Full));
    });
    policy
}

/// Plays a scenario; gives everything that crossed the wire, how many alerts north had, and the kinds it released.
fn play(scenario: &Scenario, withheld: bool, leak: Leak) -> (Vec<Sent>, usize, BTreeSet<&'static str>) {
    play_on(scenario, withheld, leak, None)
}

/// The same on a link that may be of constant rate: then what crossed are chunks.
fn play_on(
    scenario: &Scenario,
    withheld: bool,
    leak: Leak,
    padding: Option<pact::Padding>,
) -> (Vec<Sent>, usize, BTreeSet<&'static str>) {
    let of_north = if leak == Leak::Rule { forgotten(&scenario.policy) } else { scenario.policy.clone() };
    let text = signed(&pact::Pact { padding, ..pact_of(&["north", "south"], START) });
    let boots = vec![boot("north", &text, of_north), boot("south", &text, common::open(&["north"]))];
    let mut world = World::new(START, boots);
    world.record = true;
    world.connect(0, 1);
    let mut events = scenario.events.iter().filter(|(_, hidden, _)| withheld || !hidden).peekable();
    for step in 0..=STEPS + 60 {
        let mut late = 0;
        while let Some((_, hidden, event)) = events.next_if(|(at, ..)| *at <= step) {
            late += u64::from(*hidden && leak == Leak::Time);
            if *hidden && leak == Leak::Answer && late == 0 {
                let told = Command::SendNotice(notice("south", 99));
                world.ask(0, Role::Officer, told).unwrap();
            }
            act(&mut world, event, leak);
        }
        world.mono += late;
        if step % 5 == 0 {
            world.tick();
        } else {
            world.pump();
            world.chunks();
        }
        world.mono = 1_000 + (step + 1) * 100;
    }
    let alerts = world.view(0).alerts.len();
    let said = world.nodes[0].stores[&party("south")].out.iter();
    let kinds = said.map(|bytes| record::decode(bytes).unwrap().record.body.kind().name()).collect();
    (world.sent, alerts, kinds)
}

fn act(world: &mut World, event: &Event, leak: Leak) {
    match event {
        Event::Report(node, feed, report) => world.report(*node, *feed, &[*report]),
        Event::Ask(node, role, command) => {
            let command = match command {
                Command::SetPolicy { policy, replaces } if leak == Leak::Rule => {
                    set_policy(forgotten(policy), *replaces)
                }
                other => other.clone(),
            };
            // A plan cancelled before it was filed is refused; that is part of the scenario.
            let _refused = world.ask(*node, *role, command);
            world.agree(*node);
        }
        Event::Cut => world.cut(0, 1),
        Event::Connect => world.connect(0, 1),
    }
}

/// The first difference between two runs, in words.
fn difference(without: &[Sent], with: &[Sent]) -> Option<String> {
    let at = (0..without.len().max(with.len())).find(|n| without.get(*n) != with.get(*n))?;
    let say = |sent: Option<&Sent>| match sent {
        None => "nothing".to_string(),
        Some(s) => format!(
            "{:?} {}->{} {:?}",
            s.at,
            s.from,
            s.to,
            link::Frame::decode(&s.frame).map(|f| format!("{f:?}").chars().take(300).collect::<String>())
        ),
    };
    Some(format!("frame {at}: {} without, {} with", say(without.get(at)), say(with.get(at))))
}

#[test]
fn what_is_withheld_leaves_no_trace_on_the_wire() {
    let mut played = Vec::new();
    std::thread::scope(|scope| {
        let half = |odd: u64| move || (0..SEEDS).filter(|s| s % 2 == odd).map(check).collect::<Vec<_>>();
        let threads = [0, 1].map(|odd| scope.spawn(half(odd)));
        threads.into_iter().for_each(|t| played.extend(t.join().unwrap()));
    });
    let frames: usize = played.iter().map(|p| p.0).sum();
    let (few, more) = (played.iter().map(|p| p.1[0]).sum::<usize>(), played.iter().map(|p| p.1[1]).sum::<usize>());
    let kinds: BTreeSet<&str> = played.into_iter().flat_map(|p| p.2).collect();
    println!("{SEEDS} scenarios, {frames} frames; alerts of the releasing side: {few} and {more}; {kinds:?}");
    assert!(more > few, "what is withheld mattered inside");
    let all = ["avoid", "conflict", "notice", "pact", "plan", "site", "tracks", "withdrawn"];
    assert_eq!(kinds, all.into(), "everything that can be released was");
}

/// Plays one seed with and without what is withheld.
fn check(seed: u64) -> (usize, [usize; 2], BTreeSet<&'static str>) {
    let scenario = scenario(seed);
    let (without, few, _) = play(&scenario, false, Leak::None);
    let (with, more, kinds) = play(&scenario, true, Leak::None);
    if let Some(difference) = difference(&without, &with) {
        panic!("seed {seed}: {difference}");
    }
    (with.len(), [few, more], kinds)
}

#[test]
fn leaks_of_contents_of_time_and_of_an_answer_are_seen() {
    for leak in [Leak::Rule, Leak::Time, Leak::Answer] {
        for seed in 0..15 {
            let scenario = scenario(seed);
            let (without, ..) = play(&scenario, false, leak);
            let (with, ..) = play(&scenario, true, leak);
            assert!(difference(&without, &with).is_some(), "{leak:?} of seed {seed} was not seen");
        }
    }
}

/// The scenario's own promise: nothing that counts as withheld is released under its rules.
#[test]
fn the_withheld_half_of_a_scenario_is_withheld_by_its_rules() {
    for seed in 0..SEEDS {
        let scenario = scenario(seed);
        let hidden = scenario.events.iter().filter(|(_, hidden, _)| *hidden);
        let mut reports = 0;
        for (_, _, event) in hidden {
            let Event::Report(0, 0, report) = event else { continue };
            let inside = |a: &Area| *a == HIDDEN && report.position.lat() > 47.0 && report.position.lon() > 9.0;
            let first = scenario.policy.rules[&party("south")].iter().find(|r| {
                r.class == RecordClass::Tracks
                    && r.aircraft.is_none_or(|c| c == report.class)
                    && r.area.as_ref().is_none_or(inside)
            });
            assert_eq!(first.map(|r| r.level), Some(Level::Withheld), "seed {seed} {report:?}");
            reports += 1;
        }
        assert!(reports > 10, "{seed}");
    }
}

const PADDING: pact::Padding = pact::Padding { chunk_bytes: 4_096, every_ms: 200 };

//= spec/link.md S-10
//= spec/link.md L-24
#[test]
fn on_a_padded_wire_what_is_withheld_leaves_no_trace_and_what_is_released_none_in_size_and_time() {
    let outline = |sent: &[Sent]| sent.iter().map(|s| (s.at, s.from, s.to, s.frame.len())).collect::<Vec<_>>();
    let mut told = 0;
    for seed in 0..5 {
        let scenario = scenario(seed);
        let play = |withheld, leak, padding| play_on(&scenario, withheld, leak, padding).0;
        let (without, with) = (play(false, Leak::None, Some(PADDING)), play(true, Leak::None, Some(PADDING)));
        if let Some(difference) = difference(&without, &with) {
            panic!("seed {seed}: {difference}");
        }
        assert!(with.iter().all(|s| s.frame.len() == 4_096), "chunks of one size");
        // Rules that let out all: other bytes, of the same sizes at the same times.
        let open = play(true, Leak::Rule, Some(PADDING));
        assert_eq!(outline(&with), outline(&open), "seed {seed}");
        told += u32::from(with != open);
        // What the comparison would see without padding.
        assert_ne!(outline(&play(true, Leak::None, None)), outline(&play(true, Leak::Rule, None)), "seed {seed}");
    }
    assert_eq!(told, 5, "more was let out");
}
