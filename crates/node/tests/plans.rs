//! Plans against plans, avoid areas and sites: texts for the planner, one alert, and what ends them.
mod common;

use airspace::{Plan, PlanState, Volume4d};
use common::{START, World, circle, notice, open, party, plan, policy, rule, site, subject};
use node::command::{Command, Done};
use node::view::{AlertKind, Owner};
use record::Role;
use release::{Level, RecordClass};

fn pair() -> World {
    let mut world = World::pair(START, [open(&["south"]), open(&["north"])]);
    world.run(1_000, 100);
    world
}

/// Files a plan and gives its conflicts.
fn file(world: &mut World, n: usize, subject_n: u8, plan: Plan) -> Vec<String> {
    match world.ask(n, Role::Planner, Command::FilePlan { subject: subject(subject_n), plan }) {
        Ok(Done::Filed { conflicts, .. }) => conflicts,
        other => panic!("{other:?}"),
    }
}

fn at(n: u8, lat: f64, lon: f64) -> Plan {
    plan(n, vec![circle(lat, lon, 10.0, START)])
}

/// Texts and levels of the open alerts about plans.
fn alerts(world: &World, n: usize) -> Vec<String> {
    let open = |a: &&node::view::AlertView| a.kind == AlertKind::Plan && a.state != "cleared";
    world.view(n).alerts.iter().filter(open).map(|a| format!("{} {}", a.level, a.text)).collect()
}

fn texts(world: &World, n: usize, owner: Owner) -> Vec<String> {
    world.view(n).plans.iter().filter(|p| p.owner == owner).flat_map(|p| p.conflicts.clone()).collect()
}

#[test]
fn plans_of_two_parties_that_meet_are_said_to_both_planners_and_alerted_once() {
    let mut world = pair();
    assert_eq!(file(&mut world, 0, 1, at(1, 46.5, 7.0)), Vec::<String>::new());
    let found = file(&mut world, 1, 2, at(2, 46.6, 7.0));
    assert_eq!(found, ["plan PLAN2 and plan PLAN1 of north meet, FL200 to FL400, 010000Z to 010100Z"]);
    let mirrored = "plan PLAN1 and plan PLAN2 of south meet, FL200 to FL400, 010000Z to 010100Z";
    world.run(300, 100);
    for owner in [Owner::Own, Owner::Peer(1)] {
        assert_eq!(texts(&world, 0, owner), [mirrored], "{owner:?}");
    }
    for _ in 0..30 {
        world.run(1_000, 500);
        assert_eq!(alerts(&world, 0), [format!("1 {mirrored}")]);
        assert_eq!(alerts(&world, 1).len(), 1);
    }
    assert!(world.view(0).alerts.iter().all(|a| !a.asks_reason), "no site is near");
    // Cancelled: the texts go at once, the alert ten seconds later.
    world.ask(1, Role::Planner, Command::CancelPlan(subject(2))).unwrap();
    assert!(texts(&world, 0, Owner::Own).is_empty() && texts(&world, 1, Owner::Own).is_empty());
    world.run(12_000, 500);
    assert!(alerts(&world, 0).is_empty() && alerts(&world, 1).is_empty());
}

#[test]
fn what_is_apart_on_the_ground_in_height_or_in_time_is_no_conflict() {
    let mut world = pair();
    file(&mut world, 0, 1, at(1, 46.5, 7.0));
    let mut above = at(2, 46.5, 7.0);
    above.volumes[0].lower = airspace::Limit::At(units::Altitude::pressure_feet(40_001));
    above.volumes[0].upper = airspace::Limit::Unlimited;
    let mut later = at(3, 46.5, 7.0);
    (later.volumes[0].start, later.volumes[0].end) = (START.plus_ms(3_600_001), START.plus_ms(7_200_000));
    for (n, plan) in [(2, above), (3, later), (4, at(4, 47.5, 7.0))] {
        assert_eq!(file(&mut world, 1, n, plan), Vec::<String>::new(), "{n}");
    }
    let mut touching = at(5, 46.5, 7.0);
    touching.volumes[0].start = START.plus_ms(3_600_000);
    touching.volumes[0].end = START.plus_ms(7_200_000);
    assert_eq!(file(&mut world, 1, 5, touching).len(), 1, "sets are closed, in time too");
}

#[test]
fn a_draft_is_checked_and_told_to_nobody_but_its_planner() {
    let mut world = pair();
    file(&mut world, 0, 1, at(1, 46.5, 7.0));
    let draft = Plan { state: PlanState::Draft, ..at(2, 46.5, 7.0) };
    assert_eq!(file(&mut world, 1, 2, draft).len(), 1);
    world.run(3_000, 500);
    assert!(alerts(&world, 0).is_empty() && alerts(&world, 1).is_empty());
    assert!(world.view(0).plans.iter().all(|p| p.owner == Owner::Own), "a draft does not leave");
    file(&mut world, 1, 2, at(2, 46.5, 7.0));
    assert_eq!((alerts(&world, 0).len(), alerts(&world, 1).len()), (1, 1));
}

#[test]
fn an_own_plan_is_screened_against_sites_and_avoid_areas_whichever_comes_first() {
    let mut world = pair();
    world.ask(1, Role::Planner, Command::FileSite { subject: subject(8), site: site(46.5, 7.0) }).unwrap();
    let found = file(&mut world, 0, 1, at(1, 46.5, 7.0));
    assert_eq!(found, ["plan PLAN1 leads over protected site Clinic of south, 010000Z to 010100Z"]);
    let to = vec![party("north")];
    let volumes = vec![circle(46.6, 7.0, 5.0, START)];
    world.ask(1, Role::Planner, Command::SendAvoid { subject: subject(9), to, volumes }).unwrap();
    let mut found = texts(&world, 0, Owner::Own);
    found.sort();
    assert_eq!(
        found,
        [
            "plan PLAN1 and avoid area 09090909 of south meet, FL200 to FL400, 010000Z to 010100Z",
            "plan PLAN1 leads over protected site Clinic of south, 010000Z to 010100Z"
        ]
    );
    assert_eq!(alerts(&world, 0).len(), 2);
    // 18.52 km of radius, 2 km of buffer and 0.2 km of the site itself: at 20.6 km it comes near and not over.
    let near = file(&mut world, 0, 2, at(2, 46.5 + 20.6 / 111.2, 7.0));
    assert!(near.iter().any(|t| t.starts_with("plan PLAN2 comes within 1873 m of protected site Clinic")), "{near:?}");
    world.ask(1, Role::Planner, Command::RemoveSite(subject(8))).unwrap();
    assert_eq!(texts(&world, 0, Owner::Own).len(), 2, "only the avoid area is left, for both plans");
    // The other side is told that a plan of north touches its site and its area, as long as it knows of them.
    assert!(alerts(&world, 1).iter().any(|a| a.contains("avoid area 09090909 and plan PLAN1 of north meet")));
}

#[test]
fn what_is_over_is_no_longer_said_and_is_dropped_after_a_day() {
    let mut world = pair();
    file(&mut world, 0, 1, at(1, 46.5, 7.0));
    file(&mut world, 1, 2, at(2, 46.5, 7.0));
    assert_eq!(texts(&world, 0, Owner::Own).len(), 1);
    world.run(3_601_000, 5_000);
    assert!(texts(&world, 0, Owner::Own).is_empty());
    world.run(15_000, 500);
    assert!(alerts(&world, 0).is_empty());
    assert_eq!(world.view(0).plans.len(), 2);
    world.run(24 * 3_600_000, 60_000);
    assert!(world.view(0).plans.is_empty() && world.view(1).plans.is_empty());
}

#[test]
fn a_notice_about_a_protected_site_is_said_to_whoever_knows_of_the_site() {
    let mut world = pair();
    // South knows of a clinic 1.5 km from where north reports a hazard; it filed it and tells north, too.
    world.ask(1, Role::Planner, Command::FileSite { subject: subject(9), site: site(47.0, 8.02) }).unwrap();
    world.run(2_000, 100);
    let elsewhere = node::command::SendNotice {
        notice: record::Notice { place: units::Position::from_degrees(47.1, 8.0).ok(), ..notice("south", 1).notice },
        ..notice("south", 1)
    };
    for sent in [elsewhere, notice("south", 2)] {
        assert!(alerts(&world, 0).is_empty() && alerts(&world, 1).is_empty());
        world.ask(0, Role::Officer, Command::SendNotice(sent)).unwrap();
        world.run(3_000, 100);
    }
    let until = "010000Z to 020000Z";
    let said = [
        format!("2 notice hazard comes within 1320 m of protected site Clinic of south, {until}"),
        format!("2 notice hazard of north comes within 1320 m of protected site Clinic, {until}"),
    ];
    assert_eq!([alerts(&world, 0), alerts(&world, 1)], said.map(|text| vec![text]));
    // The same after a restart from a snapshot.
    world.nodes[1].take_snapshot();
    world.restart(1, true);
    world.run(3_000, 100);
    assert_eq!(alerts(&world, 1).len(), 1);
    // Whoever asks about the place is told the same, by either node from what it holds; and of an area, by any part of it.
    let asked = |n: usize, lon: f64, radius_mm: i64| {
        let place = units::Vertex::from_degrees(47.0, lon).unwrap();
        let (near, more) = world.state(n).sites_near(place, radius_mm);
        assert_eq!(more, 0);
        near.iter().map(|site| (site.owner.to_string(), site.distance_m.round())).collect::<Vec<_>>()
    };
    for n in [0, 1] {
        assert_eq!(asked(n, 8.0, 0), [("south".to_string(), 1321.0)]);
        assert_eq!(asked(n, 8.02, 0), [("south".to_string(), 0.0)]);
        assert_eq!(asked(n, 7.9, 0), []);
        assert_eq!(asked(n, 7.9, 7_000_000), [("south".to_string(), 1927.0)]);
    }
}

#[test]
fn a_crowd_of_a_peers_plans_over_an_own_one_is_held_in_part_and_the_rest_moves_up() {
    let mut world = pair();
    file(&mut world, 0, 1, at(1, 46.5, 7.0));
    for n in 10..110 {
        file(&mut world, 1, n, at(n, 46.5, 7.0));
        if n % 20 == 0 {
            world.run(1_000, 500);
        }
    }
    world.run(3_000, 500);
    let held = |world: &World| {
        let meeting = |p: &node::view::PlanView| p.owner == Owner::Peer(1) && !p.conflicts.is_empty();
        world.view(0).plans.iter().filter(|p| meeting(p)).count()
    };
    let own = texts(&world, 0, Owner::Own);
    assert_eq!((own.len(), own.last().map(String::as_str), held(&world)), (51, Some("and more"), 64));
    // Of those held most are cancelled: what was left out is found, to the last.
    for n in 10..95 {
        world.ask(1, Role::Planner, Command::CancelPlan(subject(n))).unwrap();
        if n % 20 == 0 {
            world.run(1_000, 500);
        }
    }
    world.run(3_000, 500);
    assert_eq!((texts(&world, 0, Owner::Own).len(), held(&world)), (15, 15));
    // And one more that was not among them before.
    file(&mut world, 1, 5, at(5, 46.5, 7.0));
    world.run(3_000, 500);
    assert_eq!((texts(&world, 0, Owner::Own).len(), held(&world)), (16, 16));
}

#[test]
fn a_plan_at_a_protected_site_stays_flagged_until_a_reason_is_given_and_again_when_it_changes() {
    let mut world = pair();
    world.ask(0, Role::Planner, Command::FileSite { subject: subject(9), site: site(46.5, 7.0) }).unwrap();
    file(&mut world, 0, 1, at(1, 46.5, 7.0));
    let flag = |world: &World| {
        let mut live: Vec<_> = world.view(0).alerts.into_iter().collect();
        live.retain(|a| a.kind == AlertKind::Plan && a.state != "cleared");
        assert_eq!(live.len(), 1, "{live:?}");
        live.remove(0)
    };
    let raised = flag(&world);
    assert_eq!((raised.level, raised.reason.clone()), (2, None), "within the input that filed it");
    assert!(raised.asks_reason);
    world.ask(0, Role::Officer, Command::AcknowledgeAlert(raised.id, None)).unwrap();
    world.run(30_000, 1_000);
    assert_eq!((flag(&world).id, flag(&world).level), (raised.id, 2), "acknowledging is no reason");
    let give = |reason: &str| Command::GiveReason { alert: raised.id, reason: reason.into() };
    for (role, command, why) in [
        (Role::Observer, give("x"), "may not do this"),
        (Role::Administrator, give("x"), "may not do this"),
        (Role::Officer, give("  "), "reason: must be given"),
        (Role::Officer, give(&"x".repeat(401)), "reason: must be given, in at most 400"),
        (Role::Officer, Command::GiveReason { alert: 99, reason: "x".into() }, "no such alert about a protected site"),
    ] {
        let said = world.refusal(0, role, command);
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(world.ask(0, Role::Officer, give("agreed with the hospital")), Ok(Done::Ok));
    let given = flag(&world);
    assert_eq!(given.reason.as_deref(), Some("officer: agreed with the hospital"), "shown at once");
    assert_eq!((given.reasoned, given.asks_reason), (Some(world.view(0).utc), false));
    world.run(12_000, 1_000);
    let reasoned = flag(&world);
    assert_eq!((reasoned.id, reasoned.level), (raised.id, 1));
    assert_eq!(reasoned.reason.as_deref(), Some("officer: agreed with the hospital"));
    world.restart(0, true);
    world.run(3_000, 1_000);
    assert_eq!(flag(&world).reason, reasoned.reason, "a restart keeps it");
    // Another time of the plan: what was reasoned was another thing.
    let mut later = at(1, 46.5, 7.0);
    later.volumes[0].end = START.plus_ms(7_200_000);
    file(&mut world, 0, 1, later);
    world.run(2_000, 1_000);
    let again = flag(&world);
    assert_eq!((again.id, again.level, again.reason, again.asks_reason), (raised.id, 2, None, true));
    world.ask(0, Role::Planner, Command::CancelPlan(subject(1))).unwrap();
    world.run(12_000, 1_000);
    assert!(alerts(&world, 0).is_empty(), "what it is about is gone");
    assert!(world.view(0).alerts.iter().all(|a| !a.asks_reason), "of what is over nothing is asked");
}

#[test]
fn a_reason_answers_a_flag_before_it_became_an_alarm_by_waiting_and_after() {
    for before in [true, false] {
        let mut world = pair();
        world.ask(0, Role::Planner, Command::FileSite { subject: subject(9), site: site(46.5, 7.0) }).unwrap();
        file(&mut world, 0, 1, at(1, 46.5, 7.0));
        let flag = |world: &World| {
            let mut live = world.view(0).alerts;
            live.retain(|a| a.kind == AlertKind::Plan && a.state != "cleared");
            assert_eq!(live.len(), 1, "{live:?}");
            (live[0].id, live[0].level, live[0].escalated)
        };
        world.run(if before { 55_000 } else { 65_000 }, 1_000);
        let (id, level, escalated) = flag(&world);
        assert_eq!((level, escalated), if before { (2, false) } else { (3, true) });
        world.ask(0, Role::Officer, Command::GiveReason { alert: id, reason: "agreed".into() }).unwrap();
        world.run(2_000, 1_000);
        assert_eq!(flag(&world), (id, 2, false), "no longer for want of an answer");
        world.run(13_000, 1_000);
        assert_eq!(flag(&world), (id, 1, false));
        world.run(120_000, 1_000);
        assert_eq!(flag(&world), (id, 1, false), "it waits for nobody");
        // What it says is another thing: it waits anew.
        let mut later = at(1, 46.5, 7.0);
        later.volumes[0].end = START.plus_ms(7_200_000);
        file(&mut world, 0, 1, later);
        world.run(58_000, 1_000);
        assert_eq!(flag(&world), (id, 2, false));
        world.run(4_000, 1_000);
        assert_eq!(flag(&world), (id, 3, true));
    }
}

#[test]
fn an_avoid_area_at_a_protected_site_is_flagged_as_a_plan_is_by_its_owner_and_by_the_sites() {
    let mut world = pair();
    let send = |n: u8, to: &str, lat: f64| {
        let volumes = vec![circle(lat, 7.0, 5.0, START)];
        Command::SendAvoid { subject: subject(n), to: vec![party(to)], volumes }
    };
    let file = |lat: f64| Command::FileSite { subject: subject(9), site: site(lat, 7.0) };
    world.ask(1, Role::Planner, file(46.5)).unwrap();
    world.run(2_000, 500);
    world.ask(0, Role::Planner, send(2, "south", 47.5)).unwrap();
    world.run(2_000, 500);
    assert!(alerts(&world, 0).is_empty() && alerts(&world, 1).is_empty(), "far from the site");
    world.ask(0, Role::Planner, send(1, "south", 46.5)).unwrap();
    let over = "leads over protected site Clinic";
    let own = format!("2 avoid area 01010101 {over} of south, 010000Z to 010100Z");
    assert_eq!(alerts(&world, 0), [own.as_str()], "within the input that sent it");
    world.run(2_000, 500);
    assert_eq!(alerts(&world, 1), [format!("2 avoid area 01010101 of north {over}, 010000Z to 010100Z")]);
    let flag = |world: &World, n: usize| {
        let mut live = world.view(n).alerts;
        live.retain(|a| a.kind == AlertKind::Plan && a.state != "cleared");
        assert_eq!(live.len(), 1, "{live:?}");
        live.remove(0)
    };
    // Acknowledging ends neither; a reason at one desk is none at the other.
    for n in [0, 1] {
        let alert = flag(&world, n).id;
        world.ask(n, Role::Officer, Command::AcknowledgeAlert(alert, None)).unwrap();
    }
    let reason = |alert: u64| Command::GiveReason { alert, reason: "relief drop agreed".into() };
    let alert = flag(&world, 0).id;
    world.ask(0, Role::Officer, reason(alert)).unwrap();
    world.run(12_000, 500);
    assert_eq!((flag(&world, 0).level, flag(&world, 1).level), (1, 2));
    assert_eq!(flag(&world, 0).reason.as_deref(), Some("officer: relief drop agreed"));
    let alert = flag(&world, 1).id;
    world.ask(1, Role::Officer, reason(alert)).unwrap();
    world.run(12_000, 500);
    assert_eq!(flag(&world, 1).level, 1);
    // The site moves to where the area only comes near it: both are flagged again, and after a restart as well.
    world.ask(1, Role::Planner, file(46.5 + 10.0 / 111.2)).unwrap();
    world.run(2_000, 500);
    for n in [0, 1] {
        world.nodes[n].take_snapshot();
        world.restart(n, true);
        let again = flag(&world, n);
        assert_eq!((again.level, again.reason), (2, None), "{}", again.text);
        assert!(again.text.contains("comes within 5") && again.text.contains(" m of protected site Clinic"));
    }
    world.ask(1, Role::Planner, Command::RemoveSite(subject(9))).unwrap();
    world.run(14_000, 500);
    assert!(alerts(&world, 0).is_empty() && alerts(&world, 1).is_empty());
    // What we ask others to avoid at a site of our own, whichever comes first.
    world.ask(1, Role::Planner, send(3, "north", 46.0)).unwrap();
    world.ask(1, Role::Planner, file(46.0)).unwrap();
    assert_eq!(alerts(&world, 1), [format!("2 avoid area 03030303 {over}, 010000Z to 010100Z")]);
    // Where a peer's aircraft is for some minutes is not held against our sites, as no cell is. What lasts longer is.
    let ask = |world: &mut World, n: u8, ms: i64| {
        let volumes = vec![Volume4d { end: START.plus_ms(ms), ..circle(46.0, 7.0, 5.0, START) }];
        world
            .ask(0, Role::Planner, Command::SendAvoid { subject: subject(n), to: vec![party("south")], volumes })
            .unwrap();
        world.run(2_000, 500);
    };
    ask(&mut world, 4, 600_000);
    assert_eq!(alerts(&world, 1).len(), 1);
    assert_eq!(alerts(&world, 0).len(), 1, "our own is, however short");
    ask(&mut world, 5, 600_001);
    assert_eq!(alerts(&world, 1).len(), 2);
    let bins = [0, 600_000].map(|ms| Volume4d {
        start: START.plus_ms(ms),
        end: START.plus_ms(ms + 600_000),
        ..circle(46.0, 7.0, 5.0, START)
    });
    let bins = Command::SendAvoid { subject: subject(6), to: vec![party("south")], volumes: bins.to_vec() };
    world.ask(0, Role::Planner, bins).unwrap();
    world.run(2_000, 500);
    assert_eq!(alerts(&world, 1).len(), 3, "one bin behind another is no aircraft's");
}

#[test]
fn what_is_over_takes_no_room_from_what_is_not() {
    let mut world = pair();
    world.ask(0, Role::Planner, Command::FileSite { subject: subject(9), site: site(46.5, 7.0) }).unwrap();
    // South asks to avoid one volume after another, as by bins of time; each is kept for a day. The newest has the last name.
    for n in 1..=80 {
        let start = START.plus_ms(i64::from(n) * 1_000 - 2 * 3_600_000);
        let volumes = vec![circle(46.5, 7.0, 5.0, start)];
        world
            .ask(1, Role::Planner, Command::SendAvoid { subject: subject(n), to: vec![party("north")], volumes })
            .unwrap();
        world.run(500, 500);
    }
    assert!(alerts(&world, 0).is_empty(), "all are over");
    let volumes = vec![circle(46.5, 7.0, 5.0, START)];
    world
        .ask(1, Role::Planner, Command::SendAvoid { subject: subject(99), to: vec![party("north")], volumes })
        .unwrap();
    world.run(3_000, 500);
    assert_eq!(world.view(0).avoids.len(), 81);
    let want = "2 avoid area 63636363 of south leads over protected site Clinic, 010000Z to 010100Z";
    for _ in 0..2 {
        assert_eq!(alerts(&world, 0), [want]);
        world.nodes[0].take_snapshot();
        world.restart(0, true);
    }
}

#[test]
fn what_a_peer_cannot_be_told_of_a_plan_is_said_until_it_is() {
    let mut world = pair();
    let untold = |world: &World| {
        let alerts = world.view(0).alerts;
        alerts
            .into_iter()
            .find(|a| a.state != "cleared" && a.text.contains("south is not told 1 plan or site"))
            .map(|a| a.text)
    };
    let told = |world: &World| world.view(1).plans.iter().filter(|p| p.owner != Owner::Own).count();
    // 200 volumes of 30 corners are no record of 64 KiB.
    let many = |corners: usize| {
        let corner = |n: usize| {
            let angle = core::f64::consts::TAU * n as f64 / corners as f64;
            units::Vertex::from_degrees(46.5 + 0.1 * angle.sin(), 7.0 + 0.1 * angle.cos()).unwrap()
        };
        let outline = airspace::Outline::Polygon((0..corners).map(corner).collect());
        plan(1, vec![Volume4d { outline, ..circle(46.5, 7.0, 10.0, START) }; 200])
    };
    file(&mut world, 0, 1, at(1, 46.5, 7.0));
    world.run(500, 100);
    assert_eq!((told(&world), untold(&world)), (1, None));
    file(&mut world, 0, 1, many(30));
    file(&mut world, 0, 2, at(2, 46.5, 7.0));
    world.run(2_000, 100);
    let text = untold(&world).unwrap();
    assert!(text.contains("at most 65535"), "{text}");
    assert_eq!(told(&world), 1, "where the first was is not where it is");
    world.restart(0, true);
    world.run(15_000, 500);
    assert!(untold(&world).is_some(), "it was tried again");
    file(&mut world, 0, 1, many(4));
    world.run(15_000, 500);
    assert_eq!((untold(&world), told(&world)), (None, 2));
    // What is no longer filed is no trouble.
    file(&mut world, 0, 1, many(30));
    world.run(2_000, 500);
    assert_eq!((untold(&world).is_some(), told(&world)), (true, 1));
    world.ask(0, Role::Planner, Command::CancelPlan(subject(1))).unwrap();
    world.run(15_000, 500);
    assert_eq!((untold(&world), told(&world)), (None, 1));
}

#[test]
fn what_the_rules_release_in_a_form_that_it_cannot_have_is_said_until_it_changes() {
    let mut world = pair();
    let untold = |world: &World| {
        let alerts = world.view(0).alerts;
        let of_it = |a: &&node::view::AlertView| a.state != "cleared" && a.text.contains("south is not told");
        alerts.iter().find(of_it).map(|a| a.text.clone())
    };
    let told = |world: &World| world.view(1).plans.iter().filter(|p| p.owner != Owner::Own).count();
    let polar = |n: u8| at(n, 89.99, 7.0);
    file(&mut world, 0, 1, polar(1));
    world.run(1_000, 100);
    assert_eq!((told(&world), untold(&world)), (1, None), "in full it has a form");
    let coarse = Level::Coarse { cell_e7: 2_500_000, bin_ms: 600_000 };
    world.set_rules(0, policy(&["south"], &[rule(RecordClass::Plans, coarse)]));
    world.run(2_000, 100);
    let text = untold(&world).unwrap();
    assert!(text.contains("1 plan or site") && text.contains("rule 1 releases it as coarse"), "{text}");
    assert_eq!(told(&world), 0, "withdrawn, not cut");
    file(&mut world, 0, 2, polar(2));
    world.run(2_000, 100);
    for _ in 0..2 {
        assert!(untold(&world).unwrap().contains("2 plans and sites"));
        world.nodes[0].take_snapshot();
        world.restart(0, true);
        world.run(15_000, 500);
    }
    file(&mut world, 0, 1, at(1, 46.5, 7.0));
    world.ask(0, Role::Planner, Command::CancelPlan(subject(2))).unwrap();
    world.run(15_000, 500);
    assert_eq!((untold(&world), told(&world)), (None, 1));
}
