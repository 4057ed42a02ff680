//! A flood of one kind: FLASH and IMMEDIATE keep their lane, the kind is named, nothing is lost, and memory is bounded.
mod common;

use common::{NAMES, START, World, aircraft, boot, circle, flown, notice, open, pact_of, party, plan, signed};
use node::command::{Command, SendNotice};
use node::view::{AlertKind, View};
use pact::{Rate, RateOf};
use record::{Kind, Precedence, Role, SubjectId};

/// Two nodes under a pact with this rate for plans.
fn pair(per_minute: u32, burst: u32) -> World {
    let mut pact = pact_of(&NAMES[..2], START);
    pact.rates.insert(RateOf::Kind(Kind::Plan), Rate { per_minute, burst });
    let text = signed(&pact);
    let boots = vec![boot("north", &text, open(&["south"])), boot("south", &text, open(&["north"]))];
    let mut world = World::new(START, boots);
    world.connect(0, 1);
    world.run(2_000, 100);
    world
}

/// North files this many plans.
fn file(world: &mut World, from: u32, many: u32) {
    for n in from..from + many {
        let mut subject = [0; 16];
        subject[..4].copy_from_slice(&n.to_be_bytes());
        let plan = plan(n as u8, vec![circle(46.0, 7.0, 1.0, START)]);
        world.ask(0, Role::Planner, Command::FilePlan { subject: SubjectId(subject), plan }).unwrap();
    }
}

fn has(view: &View, text: &str) -> bool {
    view.notices.iter().any(|n| !n.outgoing && n.notice.text == text)
}

/// Virtual time from north's sending of a notice to its being at south's desk, while north files plans at this rate a second.
fn latency_ms(precedence: Precedence, plans_per_s: u32) -> u64 {
    let mut world = pair(600, 64);
    let each = plans_per_s / 10;
    for n in 0..100 {
        file(&mut world, 1 + n * each, each);
        world.run(100, 100);
    }
    let SendNotice { notice: body, .. } = notice("south", 1);
    let mut send = notice("south", 200);
    (send.precedence, send.notice) = (precedence, record::Notice { text: "heard".into(), ..body });
    // The first try of the wire is the moment of the command itself.
    world.ask(0, Role::Officer, Command::SendNotice(send)).unwrap();
    let sent = world.mono;
    for n in 0..3_000 {
        if has(&world.view(1), "heard") {
            return world.mono - sent;
        }
        if n < 50 {
            file(&mut world, 1_000_000 + n * each, each);
        }
        world.run(100, 100);
    }
    panic!("never");
}

#[test]
fn a_hundredfold_load_of_plans_delays_immediate_and_flash_by_nothing_and_routine_only() {
    for precedence in [Precedence::Immediate, Precedence::Flash] {
        let (idle, loaded) = (latency_ms(precedence, 10), latency_ms(precedence, 1_000));
        assert!(loaded <= 2 * idle, "{loaded} ms under load, {idle} ms without");
    }
    // The test would see a lane that is not there: what has none waits behind the flood, and comes.
    assert!(latency_ms(Precedence::Routine, 200) > 10_000);
}

#[test]
fn a_flood_is_named_at_both_desks_delays_tracks_by_coalescing_them_and_loses_nothing() {
    let mut world = pair(600, 100);
    let track = aircraft(1, 46.5, 7.0, 400.0, 90.0, START);
    file(&mut world, 1, 700);
    let alerts = |view: &View| -> Vec<String> {
        let flood = |a: &&node::view::AlertView| a.kind == AlertKind::Flood && a.state != "cleared";
        view.alerts.iter().filter(flood).map(|a| a.text.clone()).collect()
    };
    let mut most = 0;
    for _ in 0..50 {
        let now = flown(&track, world.now().utc);
        world.report(0, 0, &[now]);
        world.run(1_000, 100);
        most = most.max(world.view(0).peers[0].waiting);
    }
    let (north, south) = (world.view(0), world.view(1));
    assert!(most <= 700, "{most} wait: no batch of tracks is put behind those that wait");
    assert!(south.peers[0].throttled["plan"] > 0 && south.plans.len() < 700);
    assert!(matches!(&alerts(&south)[..], [text] if text.contains("north sends more than agreed (plan)")));
    assert!(matches!(&alerts(&north)[..], [text] if text.contains("records for south wait")));
    world.run(60_000, 100);
    let (north, south) = (world.view(0), world.view(1));
    assert_eq!((south.plans.len(), north.peers[0].waiting), (700, 0));
    assert_eq!(north.peers[0].out_cosigned, north.peers[0].out_size);
    assert!(alerts(&south).is_empty() && alerts(&north).is_empty());
    let now = flown(&track, world.now().utc);
    world.report(0, 0, &[now]);
    world.run(2_000, 100);
    let at = world.view(1).tracks[0].report.at;
    assert!(world.now().utc.since_ms(at) < 3_000, "tracks flow again, the newest first");
}

#[test]
fn a_peer_that_sends_all_it_may_for_an_hour_costs_a_bounded_state() {
    let mut world = pair(60_000, 2_000);
    let size = |world: &World| world.state(1).to_snapshot().len();
    let mut sizes = Vec::new();
    for round in 0..6u8 {
        // Notices that nobody reads and plans of few subjects, revised again and again.
        for n in 0..300u32 {
            let mut send = notice("south", round);
            send.subject = SubjectId([n as u8; 16]);
            send.notice.text = format!("{round} {n} {}", "x".repeat(1_900));
            send.precedence = if n % 3 == 0 { Precedence::Flash } else { Precedence::Routine };
            send.to = vec![party("south")];
            // North's own desk is full at some time; what it sent before stands.
            drop(world.ask(0, Role::Officer, Command::SendNotice(send)));
        }
        file(&mut world, 1, 100);
        world.run(600_000, 1_000);
        sizes.push(size(&world));
    }
    let most = *sizes.last().unwrap();
    assert!(most < 6_000_000 && sizes[5] < sizes[3] + 200_000, "{sizes:?}");
    let view = world.view(1);
    assert_eq!(view.peers[0].in_size, world.view(0).peers[0].out_size, "all of it is held all the same");
}
