//! Release rules change: what lets out less holds at once, what lets out more needs two people; times and markings.
mod common;

use common::{
    START, World, actor, aircraft, boot, circle, closed, open, pact_of, party, plan, policy, rule, set_policy, signed,
    subject,
};
use node::PROPOSAL_MS;
use node::command::{Account, Actor, Command, Done, Refused};
use node::input::Input;
use record::Role;
use release::{Daily, Identity, Level, Marking, Policy, RecordClass, Rule, When};
use std::collections::BTreeSet;

fn account(role: Role) -> Account {
    Account { role, password: Some("x".into()), token: None, expires: None, must_set_password: false }
}

/// North with two administrators and one who is none, towards south.
fn world(of_north: Policy) -> World {
    let mut world = World::pair(START, [of_north, closed()]);
    for (name, role) in [("anna", Role::Administrator), ("bert", Role::Administrator), ("carl", Role::Officer)] {
        let set = Command::SetAccount { name: name.into(), account: account(role) };
        world.ask(0, Role::Administrator, set).unwrap();
    }
    world
}

fn ask(world: &mut World, name: &str, role: Role, command: Command) -> Result<Done, Refused> {
    let actor = Actor { name: name.into(), role };
    world.input(0, Input::Command { actor, key: None, command: Box::new(command) }).expect("an answer")
}

fn admin(world: &mut World, name: &str, command: Command) -> Result<Done, Refused> {
    ask(world, name, Role::Administrator, command)
}

fn rules(world: &World) -> Policy {
    Policy { revision: 0, ..world.view(0).policy }
}

fn told(world: &World) -> BTreeSet<&'static str> {
    let said = world.nodes[0].stores[&party("south")].out.iter();
    said.map(|bytes| record::decode(bytes).unwrap().record.body.kind().name()).collect()
}

#[test]
fn what_lets_out_more_holds_only_when_another_person_agrees() {
    let mut world = world(closed());
    let file = Command::FilePlan { subject: subject(1), plan: plan(1, vec![circle(46.5, 8.5, 10.0, START)]) };
    world.ask(0, Role::Planner, file).unwrap();
    let id = match admin(&mut world, "anna", set_policy(open(&["south"]), None)) {
        Ok(Done::Proposed { id, missing: 1 }) => id,
        other => panic!("{other:?}"),
    };
    assert_eq!(rules(&world), Policy { revision: 0, ..closed() });
    let refusal = |answer: Result<Done, Refused>| answer.unwrap_err().to_string();
    let confirm = Command::ConfirmPolicy(id);
    assert!(refusal(admin(&mut world, "anna", confirm.clone())).contains("it takes another person"));
    assert!(refusal(ask(&mut world, "carl", Role::Officer, confirm.clone())).contains("the role officer"));
    assert!(refusal(admin(&mut world, "node", confirm.clone())).contains("must sign in to agree"));
    assert!(refusal(admin(&mut world, "bert", Command::ConfirmPolicy(id + 1))).contains("no such proposal"));
    world.run(2_000, 100);
    assert_eq!(told(&world), ["pact"].into());
    world.restart(0, false);
    assert_eq!(admin(&mut world, "bert", confirm.clone()), Ok(Done::Ok));
    assert_eq!(rules(&world), Policy { revision: 0, ..open(&["south"]) });
    world.run(2_000, 100);
    assert_eq!(told(&world), ["pact", "plan"].into());
    assert!(refusal(admin(&mut world, "bert", confirm)).contains("no such proposal"), "once");
    let audit: Vec<String> = world.state(0).audit().map(|r| format!("{} {}", r.actor.name, r.command)).collect();
    assert!(audit.contains(&"anna set-policy".into()) && audit.contains(&"bert confirm-policy".into()), "{audit:?}");
    // Less: at once, by one.
    assert_eq!(admin(&mut world, "anna", set_policy(closed(), None)), Ok(Done::Ok));
    world.run(2_000, 100);
    assert!(told(&world).contains("withdrawn"));
}

#[test]
fn of_a_change_that_lets_out_more_and_less_nothing_holds_before_another_person_agrees() {
    let tracks = rule(RecordClass::Tracks, Level::Full);
    let plans = rule(RecordClass::Plans, Level::Full);
    let mut world = world(policy(&["south"], &[tracks, plans]));
    let coarse = Level::Coarse { cell_e7: 1_000_000, bin_ms: 60_000 };
    let new = policy(&["south"], &[Rule { level: coarse, ..tracks }, plans, rule(RecordClass::Sites, Level::Full)]);
    let answer = admin(&mut world, "anna", set_policy(new.clone(), None));
    assert!(matches!(answer, Ok(Done::Proposed { .. })), "{answer:?}");
    assert_eq!(world.view(0).policy, policy(&["south"], &[tracks, plans]));
    // What lets out less and nothing else, at once.
    let less = policy(&["south"], &[Rule { level: coarse, ..tracks }, plans]);
    assert_eq!(admin(&mut world, "anna", set_policy(less.clone(), None)), Ok(Done::Ok));
    assert_eq!(rules(&world), Policy { revision: 0, ..less });
}

#[test]
fn another_grid_takes_two_people_however_much_coarser_and_withholding_takes_one() {
    let of = |class, precision_mm| rule(class, Level::Reduced { precision_mm, delay_ms: 0, identity: Identity::Drop });
    let grids = |mm| policy(&["south"], &[of(RecordClass::Tracks, mm), of(RecordClass::Plans, mm)]);
    let mut world = world(grids(20_000_000));
    let file = Command::FilePlan { subject: subject(1), plan: plan(1, vec![circle(46.5, 8.5, 10.0, START)]) };
    world.ask(0, Role::Planner, file).unwrap();
    world.run(2_000, 100);
    let boxes = |world: &World| {
        let said = world.nodes[0].stores[&party("south")].out.iter();
        said.filter(|bytes| record::decode(bytes).unwrap().record.body.kind().name() == "plan").count()
    };
    assert_eq!(boxes(&world), 1);
    let mut precision_mm = 20_000_000;
    for _ in 0..40 {
        precision_mm += precision_mm / 50;
        let answer = admin(&mut world, "anna", set_policy(grids(precision_mm), None));
        assert!(matches!(answer, Ok(Done::Proposed { missing: 1, .. })), "{precision_mm}: {answer:?}");
        assert_eq!(rules(&world), Policy { revision: 0, ..grids(20_000_000) });
        world.run(2_000, 100);
    }
    assert_eq!((boxes(&world), world.view(1).plans.len()), (1, 1), "nothing on another grid");
    assert_eq!(admin(&mut world, "anna", set_policy(closed(), None)), Ok(Done::Ok));
}

#[test]
fn a_proposal_ends_after_a_day_by_a_refusal_and_by_a_later_change() {
    let proposal = |world: &World| world.view(0).proposal.map(|p| p.id);
    let mut world = world(closed());
    let wide = || set_policy(open(&["south"]), None);
    admin(&mut world, "anna", wide()).unwrap();
    assert_eq!(proposal(&world), Some(1));
    assert_eq!(admin(&mut world, "anna", Command::RejectPolicy(1)), Ok(Done::Ok));
    assert_eq!(proposal(&world), None);
    admin(&mut world, "anna", wide()).unwrap();
    admin(&mut world, "bert", wide()).unwrap();
    assert_eq!(proposal(&world), Some(3));
    assert!(admin(&mut world, "bert", Command::ConfirmPolicy(2)).is_err(), "overtaken");
    world.mono += PROPOSAL_MS - 10_000;
    world.tick();
    assert_eq!(proposal(&world), Some(3));
    world.mono += 10_000;
    world.tick();
    assert_eq!(proposal(&world), None);
    assert!(admin(&mut world, "anna", Command::ConfirmPolicy(3)).is_err());
}

#[test]
fn the_operator_and_an_account_that_is_gone_are_no_person() {
    let mut world = world(closed());
    let wide = || set_policy(open(&["south"]), None);
    assert_eq!(admin(&mut world, "node", wide()), Ok(Done::Proposed { id: 1, missing: 2 }));
    assert_eq!(admin(&mut world, "bert", Command::ConfirmPolicy(1)), Ok(Done::Proposed { id: 1, missing: 1 }));
    admin(&mut world, "anna", Command::RemoveAccount("bert".into())).unwrap();
    assert_eq!(admin(&mut world, "anna", Command::ConfirmPolicy(1)), Ok(Done::Proposed { id: 1, missing: 1 }));
    assert_eq!(rules(&world), Policy { revision: 0, ..closed() });
}

#[test]
fn a_file_that_lets_out_more_waits_for_two_people_and_one_that_lets_out_less_holds_at_once() {
    let tracks = rule(RecordClass::Tracks, Level::Full);
    let mut world = world(policy(&["south"], &[tracks]));
    assert_eq!(rules(&world), Policy { revision: 0, ..policy(&["south"], &[tracks]) }, "the first rules hold");
    world.nodes[0].boot.policy = open(&["south"]);
    world.restart(0, false);
    assert_eq!(rules(&world), Policy { revision: 0, ..policy(&["south"], &[tracks]) });
    let proposal = world.view(0).proposal.expect("a proposal");
    assert_eq!((proposal.by.as_str(), proposal.missing()), ("file", 2));
    world.restart(0, false);
    assert_eq!(world.view(0).proposal.map(|p| p.id), Some(proposal.id), "a restart neither loses nor makes one");
    admin(&mut world, "anna", Command::ConfirmPolicy(proposal.id)).unwrap();
    assert_ne!(rules(&world), Policy { revision: 0, ..open(&["south"]) });
    admin(&mut world, "bert", Command::ConfirmPolicy(proposal.id)).unwrap();
    assert_eq!(rules(&world), Policy { revision: 0, ..open(&["south"]) });
    world.nodes[0].boot.policy = closed();
    world.restart(0, false);
    assert_eq!((rules(&world), world.view(0).proposal), (Policy { revision: 0, ..closed() }, None));
}

#[test]
fn a_rule_with_hours_tells_and_withdraws_by_itself_also_over_a_restart() {
    // START is midnight.
    let at_one = When { daily: Some(Daily { from_min: 60, until_min: 61 }), ..When::default() };
    let mut world = world(policy(&["south"], &[Rule { when: Some(at_one), ..rule(RecordClass::Plans, Level::Full) }]));
    let mut volume = circle(46.5, 8.5, 10.0, START);
    volume.end = START.plus_ms(3 * 3_600_000);
    world.ask(0, Role::Planner, Command::FilePlan { subject: subject(1), plan: plan(1, vec![volume]) }).unwrap();
    let said = |world: &World| (told(world).contains("plan"), told(world).contains("withdrawn"));
    for (mono, want) in [(3_599_000, (false, false)), (3_600_000, (true, false)), (3_659_900, (true, false))] {
        world.mono = mono;
        world.tick();
        assert_eq!(said(&world), want, "{mono}");
    }
    // Down while the rule's time ends.
    world.mono = 3_700_000;
    world.restart(0, false);
    assert_eq!(said(&world), (true, true));
}

#[test]
fn a_marking_is_one_of_the_list_and_decides_before_anything_is_told() {
    let vip = Marking::parse("vip").unwrap();
    let hidden = |class| Rule { marking: Some(vip), ..rule(class, Level::Withheld) };
    let (tracks, plans) = (RecordClass::Tracks, RecordClass::Plans);
    let rules =
        policy(&["south"], &[hidden(tracks), hidden(plans), rule(tracks, Level::Full), rule(plans, Level::Full)]);
    let text = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &text, rules);
    north.markings = vec![vip];
    let mut world = World::new(START, vec![north, boot("south", &text, closed())]);
    world.connect(0, 1);
    let file = |n, marking| Command::FileMarkedPlan {
        subject: subject(n),
        plan: plan(n, vec![circle(46.5, 8.5, 10.0, START)]),
        marking,
    };
    let other = Marking::parse("other");
    assert_eq!(world.refusal(0, Role::Planner, file(1, other)), "no such marking: other");
    assert!(world.view(0).plans.is_empty());
    world.ask(0, Role::Planner, file(1, Some(vip))).unwrap();
    world.run(2_000, 100);
    assert!(!told(&world).contains("plan"));
    for name in ["paul", "pia"] {
        let set = Command::SetAccount { name: name.into(), account: account(Role::Planner) };
        world.ask(0, Role::Administrator, set).unwrap();
        ask(&mut world, name, Role::Planner, Command::MarkPlan { subject: subject(1), marking: None }).unwrap();
    }
    world.run(2_000, 100);
    assert_eq!(world.view(1).plans.len(), 1);
    world.ask(0, Role::Planner, Command::MarkPlan { subject: subject(1), marking: Some(vip) }).unwrap();
    world.run(2_000, 100);
    assert_eq!(world.view(1).plans.len(), 0);
    let mark = Command::MarkAircraft { address: 0x40_0001, marking: Some(vip) };
    world.ask(0, Role::Planner, mark).unwrap();
    let now = world.now().utc;
    world.report(0, 0, &[aircraft(1, 46.0, 8.0, 200.0, 90.0, now), aircraft(2, 46.1, 8.0, 200.0, 90.0, now)]);
    world.run(2_000, 100);
    let seen: Vec<_> = world.view(1).tracks.iter().filter_map(|t| t.report.callsign).map(|c| c.to_string()).collect();
    assert_eq!(seen, ["TEST2"]);
    let word = |frame: &[u8]| frame.windows(3).any(|w| w == b"vip");
    assert!(!world.nodes[0].stores[&party("south")].out.iter().any(|bytes| word(bytes)));
}

#[test]
fn what_waits_of_an_aircraft_is_dropped_when_it_is_marked() {
    let vip = Marking::parse("vip").unwrap();
    let late = Level::Reduced { precision_mm: 0, delay_ms: 5_000, identity: Identity::Keep };
    let tracks = RecordClass::Tracks;
    let rules = policy(&["south"], &[Rule { marking: Some(vip), ..rule(tracks, Level::Withheld) }, rule(tracks, late)]);
    let text = signed(&pact_of(&["north", "south"], START));
    let mut north = boot("north", &text, rules);
    north.markings = vec![vip];
    let mut world = World::new(START, vec![north, boot("south", &text, closed())]);
    world.connect(0, 1);
    let now = world.now().utc;
    world.report(0, 0, &[aircraft(1, 46.0, 8.0, 200.0, 90.0, now)]);
    world.ask(0, Role::Planner, Command::MarkAircraft { address: 0x40_0001, marking: Some(vip) }).unwrap();
    world.run(8_000, 100);
    assert!(!told(&world).contains("tracks"));
    assert_eq!(actor(Role::Planner).name, "planner");
}
