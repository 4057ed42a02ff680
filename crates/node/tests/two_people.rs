//! What lets out more takes two people wherever it is said: in rules, in a feed's table, in a marking. What comes to nothing
//! leaves all as it was.
mod common;

use common::{
    START, World, aircraft, boot, circle, closed, pact_of, party, plan, policy, rule, set_policy, signed, subject,
};
use node::PROPOSAL_MS;
use node::command::{Account, Actor, Command, Done, Refused};
use node::input::{Claim, Input};
use node::view::AlertKind;
use record::Role;
use release::{Area, Identity, Level, Marking, Policy, RecordClass, Rule};
use track::TrackReport;
use units::AircraftClass;

const TRACKS: RecordClass = RecordClass::Tracks;
const PLANS: RecordClass = RecordClass::Plans;

fn mark(word: &str) -> Marking {
    Marking::parse(word).unwrap()
}

/// North with people, some rules, and an own feed of secret aircraft; what bears that marking, and what is military, is withheld.
fn world(level: Level) -> World {
    world_with(level, Some(mark("secret")))
}

fn world_with(level: Level, of_feed: Option<Marking>) -> World {
    let secret = |class| Rule { marking: Some(mark("secret")), ..rule(class, Level::Withheld) };
    let military = Rule { aircraft: Some(AircraftClass::Military), ..rule(TRACKS, Level::Withheld) };
    let rules =
        policy(&["south"], &[secret(TRACKS), secret(PLANS), military, rule(TRACKS, level), rule(PLANS, Level::Full)]);
    let text = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &text, rules);
    north.markings = vec![mark("secret"), mark("transit")];
    north.feeds[0].marking = of_feed;
    let mut world = World::new(START, vec![north, boot("south", &text, closed())]);
    world.connect(0, 1);
    people(&mut world);
    world
}

fn people(world: &mut World) {
    let (admin, planner) = (Role::Administrator, Role::Planner);
    for (name, role) in [("anna", admin), ("bert", admin), ("paul", planner), ("pia", planner)] {
        let account =
            Account { role, password: Some("x".into()), token: None, expires: None, must_set_password: false };
        world.ask(0, admin, Command::SetAccount { name: name.into(), account }).unwrap();
    }
}

fn ask(world: &mut World, name: &str, command: Command) -> Result<Done, Refused> {
    let role = if name.starts_with('p') { Role::Planner } else { Role::Administrator };
    let actor = Actor { name: name.into(), role };
    let answer = world.input(0, Input::Command { actor, key: None, command: Box::new(command) }).expect("an answer");
    world.pump();
    answer
}

/// A day later.
fn later(world: &mut World) {
    world.cut(0, 1);
    world.mono += PROPOSAL_MS;
    world.connect(0, 1);
}

/// Flies aircraft 1 on a feed and gives what south sees of it after a while.
fn seen(world: &mut World, feed: u16) -> usize {
    let at = world.now().utc;
    let report = TrackReport { class: AircraftClass::Unknown, ..aircraft(1, 46.0, 8.0, 200.0, 90.0, at) };
    world.report(0, feed, &[report]);
    world.run(3_000, 100);
    let seen = world.view(1).tracks.len();
    let preview = world.state(0).preview(&party("south"), world.now()).unwrap();
    assert_eq!(preview.next.len(), seen, "the preview says so");
    world.run(130_000, 1_000);
    seen
}

fn rules_alerts(world: &World) -> Vec<String> {
    let open = world.view(0).alerts.into_iter().filter(|a| a.kind == AlertKind::OwnPicture && a.state != "cleared");
    open.map(|a| a.text).filter(|t| t.starts_with("Release rules")).collect()
}

#[test]
fn a_feed_whose_words_in_the_file_would_let_out_more_is_told_as_before_until_two_people_agree() {
    type Change = (&'static str, fn(&mut node::input::Boot), u16);
    let changes: [Change; 5] = [
        ("its marking is deleted", |b| b.feeds[0].marking = None, 0),
        ("a sensor is claimed", |b| b.feeds[1].claim = Claim::Own, 1),
        ("it has another name", |b| (b.feeds[0].name, b.feeds[0].marking) = ("other".into(), None), 0),
        ("its class is another", |b| b.feeds[0].class = AircraftClass::Uas, 0),
        ("it is another's marking", |b| (b.feeds[0].marking, b.feeds[0].class) = (None, AircraftClass::Unknown), 0),
    ];
    for (n, (what, change, feed)) in changes.into_iter().enumerate() {
        let mut world = world(Level::Full);
        if n == 3 {
            // A military feed without a marking.
            let text = world.nodes[0].boot.pacts[0].clone();
            let mut north = boot("north", &text, world.nodes[0].boot.policy.clone());
            north.feeds[0].class = AircraftClass::Military;
            world = World::new(START, vec![north, boot("south", &text, closed())]);
            world.connect(0, 1);
            people(&mut world);
        }
        assert_eq!(seen(&mut world, feed), 0, "{what}");
        change(&mut world.nodes[0].boot);
        world.restart(0, false);
        assert_eq!(seen(&mut world, feed), 0, "{what}");
        let proposal = world.view(0).proposal.expect(what);
        assert_eq!((proposal.by.as_str(), proposal.missing(), proposal.feeds.len()), ("file", 2, 1), "{what}");
        assert!(proposal.wider[0].starts_with("feed "), "{:?}", proposal.wider);
        world.restart(0, false);
        assert_eq!(
            world.view(0).proposal.as_ref().map(|p| p.id),
            Some(proposal.id),
            "a restart neither loses nor makes one"
        );
        ask(&mut world, "anna", Command::ConfirmPolicy(proposal.id)).unwrap();
        assert_eq!(seen(&mut world, feed), 0, "{what}");
        assert_eq!(ask(&mut world, "bert", Command::ConfirmPolicy(proposal.id)), Ok(Done::Ok));
        assert_eq!(seen(&mut world, feed), 1, "{what}");
        world.restart(0, false);
        assert_eq!((seen(&mut world, feed), world.view(0).proposal), (1, None), "{what}");
    }
}

#[test]
fn a_file_that_takes_a_feed_through_classes_with_other_grids_has_it_told_on_none_of_them() {
    let classes = [AircraftClass::Civil, AircraftClass::Uas, AircraftClass::Humanitarian];
    let grid = |precision_mm| Level::Reduced { precision_mm, delay_ms: 0, identity: Identity::Drop };
    let of = |(aircraft, mm): (AircraftClass, u32)| Rule { aircraft: Some(aircraft), ..rule(TRACKS, grid(mm)) };
    let rules: Vec<Rule> = classes.into_iter().zip([20_000_000, 23_000_000, 27_000_000]).map(of).collect();
    let text = signed(&pact_of(&["north", "south"], START));
    let north = boot("north", &text, policy(&["south"], &rules));
    assert_eq!(north.feeds[0].class, classes[0]);
    let mut world = World::new(START, vec![north, boot("south", &text, closed())]);
    world.connect(0, 1);
    people(&mut world);
    assert_eq!(seen(&mut world, 0), 1);
    for class in &classes[1..] {
        world.nodes[0].boot.feeds[0].class = *class;
        world.restart(0, false);
        assert_eq!(seen(&mut world, 0), 0, "{class:?}");
    }
    let id = world.view(0).proposal.unwrap().id;
    for name in ["anna", "bert"] {
        ask(&mut world, name, Command::ConfirmPolicy(id)).unwrap();
    }
    assert_eq!(seen(&mut world, 0), 1);
}

#[test]
fn a_feed_of_no_known_class_to_which_the_file_gives_one_is_told_as_before_until_two_people_agree() {
    let civil = Rule { aircraft: Some(AircraftClass::Civil), ..rule(TRACKS, Level::Full) };
    let text = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &text, policy(&["south"], &[civil]));
    north.feeds[0].class = AircraftClass::Unknown;
    let mut world = World::new(START, vec![north, boot("south", &text, closed())]);
    world.connect(0, 1);
    people(&mut world);
    assert_eq!(seen(&mut world, 0), 0);
    world.nodes[0].boot.feeds[0].class = AircraftClass::Civil;
    world.restart(0, false);
    let id = world.view(0).proposal.unwrap().id;
    assert_eq!(seen(&mut world, 0), 0);
    for name in ["anna", "bert"] {
        ask(&mut world, name, Command::ConfirmPolicy(id)).unwrap();
    }
    assert_eq!(seen(&mut world, 0), 1);
}

#[test]
fn an_account_of_the_files_name_agrees_to_nothing_that_the_file_says() {
    let mut world = world(Level::Full);
    let account = Account {
        role: Role::Administrator,
        password: Some("x".into()),
        token: None,
        expires: None,
        must_set_password: false,
    };
    world.ask(0, Role::Administrator, Command::SetAccount { name: node::FILE.into(), account }).unwrap();
    world.nodes[0].boot.feeds[0].marking = None;
    world.restart(0, false);
    let proposal = world.view(0).proposal.unwrap();
    assert_eq!((proposal.agreed.len(), proposal.missing()), (0, 2));
    let confirm = Command::ConfirmPolicy(proposal.id);
    assert!(ask(&mut world, node::FILE, confirm.clone()).is_err());
    assert_eq!(ask(&mut world, "anna", confirm.clone()), Ok(Done::Proposed { id: proposal.id, missing: 1 }));
    assert_eq!(seen(&mut world, 0), 0);
    assert_eq!(ask(&mut world, "bert", confirm), Ok(Done::Ok));
    // Nor of what it proposes itself.
    let wide = policy(&["south"], &[rule(TRACKS, Level::Full)]);
    let answer = ask(&mut world, node::FILE, set_policy(wide, None));
    assert!(matches!(answer, Ok(Done::Proposed { missing: 2, .. })), "{answer:?}");
}

#[test]
fn who_agreed_did_so_to_what_the_file_said_then_and_a_refusal_holds_until_the_next_start() {
    let mut world = world(Level::Full);
    world.nodes[0].boot.feeds[0].marking = None;
    world.restart(0, false);
    let first = world.view(0).proposal.unwrap().id;
    ask(&mut world, "anna", Command::ConfirmPolicy(first)).unwrap();
    world.nodes[0].boot.feeds[1].claim = Claim::Own;
    world.restart(0, false);
    let second = world.view(0).proposal.unwrap();
    assert_eq!((second.id != first, second.missing(), second.feeds.len()), (true, 2, 2));
    ask(&mut world, "anna", Command::RejectPolicy(second.id)).unwrap();
    assert_eq!((world.view(0).proposal, seen(&mut world, 0), seen(&mut world, 1)), (None, 0, 0));
    world.restart(0, false);
    assert!(world.view(0).proposal.is_some());
    // Put back as it was, nothing waits.
    world.nodes[0].boot.feeds[0].marking = Some(mark("secret"));
    world.nodes[0].boot.feeds[1].claim = Claim::Observed;
    world.restart(0, false);
    assert_eq!((world.view(0).proposal, seen(&mut world, 0)), (None, 0));
}

#[test]
fn a_feed_whose_words_let_out_less_is_told_so_at_once_and_what_waits_of_it_is_dropped() {
    let mut world = world(Level::Reduced { precision_mm: 0, delay_ms: 5_000, identity: Identity::Keep });
    world.nodes[0].boot.feeds[0].marking = None;
    world.restart(0, false);
    let id = world.view(0).proposal.unwrap().id;
    ask(&mut world, "anna", Command::ConfirmPolicy(id)).unwrap();
    ask(&mut world, "bert", Command::ConfirmPolicy(id)).unwrap();
    let report = aircraft(1, 46.0, 8.0, 200.0, 90.0, world.now().utc);
    world.report(0, 0, &[report]);
    world.run(1_000, 100);
    world.nodes[0].boot.feeds[0].marking = Some(mark("secret"));
    world.restart(0, false);
    world.run(9_000, 100);
    assert_eq!((world.view(0).proposal, world.view(1).tracks.len()), (None, 0));
}

#[test]
fn a_marking_is_taken_away_when_two_planners_ask_for_it_and_the_audit_says_which() {
    let mut world = world(Level::Full);
    world.nodes[0].boot.feeds[0].marking = None;
    world.restart(0, false);
    let id = world.view(0).proposal.unwrap().id;
    ask(&mut world, "anna", Command::ConfirmPolicy(id)).unwrap();
    ask(&mut world, "bert", Command::ConfirmPolicy(id)).unwrap();
    let (secret, address) = (Some(mark("secret")), 0x40_0001);
    let mark_aircraft = |marking| Command::MarkAircraft { address, marking };
    assert_eq!(ask(&mut world, "paul", mark_aircraft(secret)), Ok(Done::Ok), "less: at once");
    assert_eq!(seen(&mut world, 0), 0);
    let waits = |missing| Ok(Done::Proposed { id: 0, missing });
    assert_eq!(ask(&mut world, "program", mark_aircraft(None)), waits(2), "a program is nobody");
    assert_eq!(ask(&mut world, "paul", mark_aircraft(None)), waits(1));
    assert_eq!(ask(&mut world, "paul", mark_aircraft(None)), waits(1), "once");
    assert_eq!(seen(&mut world, 0), 0);
    later(&mut world);
    assert_eq!(ask(&mut world, "pia", mark_aircraft(None)), waits(1), "a day is over");
    assert_eq!(ask(&mut world, "paul", mark_aircraft(None)), Ok(Done::Ok));
    assert_eq!(seen(&mut world, 0), 1);
    let audit: Vec<String> = world.state(0).audit().map(|r| format!("{} {}", r.actor.name, r.command)).collect();
    assert!(audit.contains(&"paul mark-aircraft 400001 secret".into()), "{audit:?}");
    assert!(audit.contains(&"paul mark-aircraft 400001 none".into()), "{audit:?}");
    // A plan's likewise; and it is no way round to file the plan again.
    let mut volume = circle(46.5, 8.5, 10.0, world.now().utc);
    volume.end = world.now().utc.plus_ms(3 * 3_600_000);
    let file = |marking| Command::FileMarkedPlan { subject: subject(1), plan: plan(1, vec![volume.clone()]), marking };
    ask(&mut world, "paul", file(secret)).unwrap();
    let refused = ask(&mut world, "paul", file(None)).unwrap_err().to_string();
    assert!(refused.contains("takes two planners"), "{refused}");
    let unmark = || Command::MarkPlan { subject: subject(1), marking: None };
    assert_eq!(ask(&mut world, "paul", unmark()), waits(1));
    world.run(2_000, 100);
    assert!(world.view(1).plans.is_empty());
    assert_eq!(ask(&mut world, "pia", unmark()), Ok(Done::Ok));
    world.run(2_000, 100);
    assert_eq!(world.view(1).plans.len(), 1);
}

/// Everything withheld, which one person orders.
fn withhold(world: &mut World) -> Policy {
    let before = world.view(0).policy;
    assert_eq!(ask(world, "anna", set_policy(closed(), None)), Ok(Done::Ok));
    before
}

/// The rules of before again, which two people agree to.
fn put_back(world: &mut World, rules: Policy) {
    let Ok(Done::Proposed { id, .. }) = ask(world, "anna", set_policy(rules, None)) else { panic!() };
    assert_eq!(ask(world, "bert", Command::ConfirmPolicy(id)), Ok(Done::Ok));
}

#[test]
fn a_marking_that_makes_no_difference_now_is_taken_away_by_two_if_it_made_one_before() {
    for (restarts, orders) in [(false, 0), (true, 0), (false, 50)] {
        let mut world = world_with(Level::Full, None);
        let mark_aircraft = |marking| Command::MarkAircraft { address: 0x40_0001, marking };
        ask(&mut world, "paul", mark_aircraft(Some(mark("secret")))).unwrap();
        let file = filed(&world, 1, [9, 0, 9], Some("secret"));
        ask(&mut world, "paul", file).unwrap();
        let before = world.view(0).policy;
        // One person may order less and less as often as it pleases him: what people agreed to is not forgotten.
        let mut less = before.clone();
        for n in 0..orders {
            let area = Some(Area::Box { south_e7: n, west_e7: 0, north_e7: n + 1, east_e7: 1 });
            let towards = less.rules.get_mut(&party("south")).unwrap();
            towards.insert(0, Rule { area, ..rule(TRACKS, Level::Withheld) });
            assert_eq!(ask(&mut world, "anna", set_policy(less.clone(), None)), Ok(Done::Ok));
        }
        withhold(&mut world);
        if restarts {
            world.restart(0, false);
            world.restart(0, true);
        }
        let waits = Ok(Done::Proposed { id: 0, missing: 1 });
        assert_eq!(ask(&mut world, "paul", Command::MarkPlan { subject: subject(1), marking: None }), waits);
        assert_eq!(ask(&mut world, "paul", mark_aircraft(None)), waits);
        assert_eq!(ask(&mut world, "paul", mark_aircraft(Some(mark("transit")))), waits);
        let again = filed(&world, 1, [9, 0, 9], None);
        let refused = ask(&mut world, "paul", again).unwrap_err().to_string();
        assert!(refused.contains("takes two planners"), "{refused}");
        put_back(&mut world, before);
        assert_eq!((seen(&mut world, 0), world.view(1).plans.len()), (0, 0));
        assert_eq!(ask(&mut world, "pia", mark_aircraft(Some(mark("transit")))), Ok(Done::Ok));
        assert_eq!(seen(&mut world, 0), 1);
    }
}

#[test]
fn the_words_of_a_feed_that_make_no_difference_now_wait_for_two_people_if_they_made_one_before() {
    for of_the_file in [false, true] {
        let mut world = world(Level::Full);
        let before = world.view(0).policy;
        if of_the_file {
            world.nodes[0].boot.policy = closed();
            world.restart(0, false);
            assert_eq!(world.view(0).policy.rules, closed().rules);
        } else {
            withhold(&mut world);
        }
        world.nodes[0].boot.feeds[0].marking = None;
        world.restart(0, false);
        let proposal = world.view(0).proposal.expect("a proposal");
        assert_eq!((proposal.by.as_str(), proposal.feeds.len()), ("file", 1));
        put_back(&mut world, before);
        assert_eq!(seen(&mut world, 0), 0);
        let id = world.view(0).proposal.expect("still a proposal").id;
        for name in ["anna", "bert"] {
            ask(&mut world, name, Command::ConfirmPolicy(id)).unwrap();
        }
        assert_eq!(seen(&mut world, 0), 1);
    }
}

#[test]
fn rules_that_the_file_put_in_force_are_asked_as_those_that_people_did() {
    let mut world = world_with(Level::Full, None);
    let file = filed(&world, 1, [9, 0, 9], Some("transit"));
    ask(&mut world, "paul", file).unwrap();
    // From here on what is in transit is told less than the rest.
    let mut less = world.view(0).policy;
    let transit = Rule { marking: Some(mark("transit")), ..rule(PLANS, Level::Withheld) };
    less.rules.get_mut(&party("south")).unwrap().insert(0, transit);
    world.nodes[0].boot.policy = less.clone();
    world.restart(0, false);
    assert_eq!(world.view(0).policy.rules, less.rules);
    withhold(&mut world);
    let unmark = Command::MarkPlan { subject: subject(1), marking: None };
    assert_eq!(ask(&mut world, "paul", unmark), Ok(Done::Proposed { id: 0, missing: 1 }));
}

/// A plan for aircraft 1 or 9 from now, hours.
fn filed(world: &World, n: u8, [address, from, until]: [i64; 3], word: Option<&str>) -> Command {
    let mut volume = circle(46.5, 8.5, 10.0, world.now().utc.plus_ms(from * 3_600_000));
    volume.end = world.now().utc.plus_ms(until * 3_600_000);
    let plan = airspace::Plan { address: Some(0x40_0000 + address as u32), ..plan(n, vec![volume]) };
    Command::FileMarkedPlan { subject: subject(n), plan, marking: word.map(mark) }
}

#[test]
fn an_aircraft_stays_marked_when_one_planner_gives_its_plan_another_address_or_time_or_ends_it() {
    type Change = (&'static str, fn(&World) -> Command);
    let changes: [Change; 3] = [
        ("another address", |w| filed(w, 1, [9, 0, 3], Some("secret"))),
        ("another time", |w| filed(w, 1, [1, -2, -1], Some("secret"))),
        ("cancelled", |_| Command::CancelPlan(subject(1))),
    ];
    for (what, change) in changes {
        let mut world = world_with(Level::Full, None);
        assert_eq!(seen(&mut world, 0), 1, "{what}: without a plan it is told");
        let file = filed(&world, 1, [1, 0, 3], Some("secret"));
        ask(&mut world, "paul", file).unwrap();
        assert_eq!(seen(&mut world, 0), 0, "{what}");
        let change = change(&world);
        ask(&mut world, "paul", change).unwrap();
        // Nor does another plan for it help.
        let file = filed(&world, 2, [1, 0, 2], Some("transit"));
        ask(&mut world, "paul", file).unwrap();
        assert_eq!(seen(&mut world, 0), 0, "{what}");
        world.restart(0, false);
        assert_eq!(seen(&mut world, 0), 0, "{what}: also after a start");
        let unmark = || Command::MarkAircraft { address: 0x40_0001, marking: None };
        assert_eq!(ask(&mut world, "paul", unmark()), Ok(Done::Proposed { id: 0, missing: 1 }), "{what}");
        assert_eq!(seen(&mut world, 0), 0, "{what}");
        assert_eq!(ask(&mut world, "pia", unmark()), Ok(Done::Ok), "{what}");
        assert_eq!(seen(&mut world, 0), 1, "{what}");
    }
}

#[test]
fn two_planners_let_an_aircraft_be_told_by_marking_it_and_nobody_does_by_a_plan() {
    let transit = Some(mark("transit"));
    let mut world = world_with(Level::Full, None);
    let only = policy(&["south"], &[Rule { marking: transit, ..rule(TRACKS, Level::Full) }]);
    let Ok(Done::Proposed { id, .. }) = ask(&mut world, "anna", set_policy(only, None)) else { panic!() };
    ask(&mut world, "bert", Command::ConfirmPolicy(id)).unwrap();
    let file = filed(&world, 1, [1, 0, 3], Some("transit"));
    ask(&mut world, "paul", file).unwrap();
    assert_eq!(seen(&mut world, 0), 0);
    // Nor do two who mark the plan: what they agree to is how the plan is told.
    let file = filed(&world, 2, [1, 0, 3], None);
    ask(&mut world, "paul", file).unwrap();
    let mark_plan = || Command::MarkPlan { subject: subject(2), marking: transit };
    assert_eq!(ask(&mut world, "paul", mark_plan()), Ok(Done::Proposed { id: 0, missing: 1 }));
    assert_eq!(ask(&mut world, "pia", mark_plan()), Ok(Done::Ok));
    assert_eq!(seen(&mut world, 0), 0);
    let mark_aircraft = || Command::MarkAircraft { address: 0x40_0001, marking: transit };
    assert_eq!(ask(&mut world, "paul", mark_aircraft()), Ok(Done::Proposed { id: 0, missing: 1 }));
    assert_eq!(seen(&mut world, 0), 0);
    assert_eq!(ask(&mut world, "pia", mark_aircraft()), Ok(Done::Ok));
    assert_eq!(seen(&mut world, 0), 1);
}

#[test]
fn a_marking_that_is_kept_ends_with_the_time_of_its_plan() {
    let mut world = world_with(Level::Full, None);
    let file = filed(&world, 1, [1, 2, 3], Some("secret"));
    ask(&mut world, "paul", file).unwrap();
    let now = filed(&world, 2, [1, 0, 6], Some("transit"));
    ask(&mut world, "paul", now).unwrap();
    assert_eq!(seen(&mut world, 0), 0, "a plan for now takes nothing from one for later");
    ask(&mut world, "paul", Command::CancelPlan(subject(1))).unwrap();
    assert_eq!(seen(&mut world, 0), 0);
    world.cut(0, 1);
    world.mono += 3 * 3_600_000;
    world.connect(0, 1);
    world.run(2_000, 100);
    assert_eq!(seen(&mut world, 0), 1);
}

/// Plans in a box, wherever it begins.
fn in_box(west: i32) -> Policy {
    let (south_e7, north_e7) = (460_000_000, 470_000_000);
    let area = Area::Box { south_e7, west_e7: west * 10_000_000, north_e7, east_e7: west * 10_000_000 + 20_000_000 };
    policy(&["south"], &[Rule { area: Some(area), ..rule(PLANS, Level::Full) }])
}

#[test]
fn a_proposal_that_comes_to_nothing_changed_nothing_and_the_desk_is_told() {
    for expires in [false, true] {
        let mut world = World::pair(START, [in_box(7), closed()]);
        people(&mut world);
        let mut volume = circle(46.5, 7.5, 5.0, START);
        volume.end = START.plus_ms(48 * 3_600_000);
        world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: plan(1, vec![volume]) }).unwrap();
        world.run(2_000, 100);
        assert_eq!((world.view(1).plans.len(), rules_alerts(&world).len()), (1, 0));
        let said = |world: &World| world.nodes[0].stores[&party("south")].out.len();
        let before = said(&world);
        // A typo of one degree: the plan is in what both boxes hold, and the peer learns nothing of the new one.
        let Ok(Done::Proposed { id, .. }) = ask(&mut world, "anna", set_policy(in_box(8), None)) else { panic!() };
        world.run(2_000, 100);
        assert_eq!(world.view(0).policy, in_box(7));
        let text = "Release rules proposed by anna wait for 1 more to agree (proposal 1), and nothing of them holds: revision 1";
        assert!(rules_alerts(&world)[0].starts_with(text), "{:?}", rules_alerts(&world));
        if expires {
            later(&mut world);
        } else {
            ask(&mut world, "bert", Command::RejectPolicy(id)).unwrap();
        }
        world.run(2_000, 100);
        assert_eq!((world.view(0).policy, said(&world)), (in_box(7), before));
        assert_eq!(world.view(1).plans.len(), 1);
        let why = if expires { "not agreed to in time" } else { "refused by bert" };
        let text = format!("Release rules proposed by anna are void ({why}): revision 1 is in force");
        assert_eq!(rules_alerts(&world), [text]);
        world.run(630_000, 10_000);
        assert!(rules_alerts(&world).is_empty());
    }
}

#[test]
fn a_change_while_a_proposal_waits_takes_its_place() {
    let mut world = World::pair(START, [in_box(7), closed()]);
    people(&mut world);
    ask(&mut world, "anna", set_policy(in_box(8), None)).unwrap();
    assert_eq!(world.view(0).policy.rules, in_box(7).rules);
    assert_eq!(ask(&mut world, "bert", set_policy(in_box(7), None)), Ok(Done::Ok), "the old rules are no widening");
    assert_eq!((world.view(0).policy.rules, world.view(0).proposal), (in_box(7).rules, None));
    ask(&mut world, "anna", set_policy(in_box(8), None)).unwrap();
    let Ok(Done::Proposed { id, .. }) = ask(&mut world, "bert", set_policy(in_box(9), None)) else { panic!() };
    world.restart(0, true);
    ask(&mut world, "bert", Command::RejectPolicy(id)).unwrap();
    assert_eq!(world.view(0).policy.rules, in_box(7).rules);
}
