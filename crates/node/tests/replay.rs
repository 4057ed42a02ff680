//! The same journal gives the same node: outputs byte for byte, and the state, from the start or from any snapshot.
mod common;

use common::{START, Shell, World, actor, aircraft, boot, circle, flown, open, pact_of, recording, signed, subject};
use feed::replay::Timeline;
use feed::{REPLAY, StatesCsv, decode};
use node::State;
use node::command::Command;
use node::input::{Input, PaintedAlert};
use record::Role;
use std::collections::BTreeMap;
use units::Utc;

/// Replays a node's journal whole, and from a snapshot after every `every`-th entry. Snapshots are taken on the way of
/// the first replay.
fn check(shell: &Shell, every: usize) -> usize {
    let fresh = (State::default(), BTreeMap::new());
    let mut whole = Shell::replayed(&shell.boot, fresh, record::Hash32::default(), &[]);
    let mut snapshots = Vec::new();
    for (n, bytes) in shell.journal.iter().enumerate() {
        if n % every == every - 1 {
            snapshots.push((n, whole.state.to_snapshot(), whole.stores.clone()));
        }
        let stores = std::mem::take(&mut whole.stores);
        let state = std::mem::take(&mut whole.state);
        whole = Shell::replayed(&shell.boot, (state, stores), whole.digest, std::slice::from_ref(bytes));
        assert_eq!(whole.digest, shell.digests[n], "outputs differ at entry {n}");
    }
    assert_eq!(whole.state.to_snapshot(), shell.state.to_snapshot(), "the state after all");
    let count = snapshots.len();
    for (n, bytes, stores) in snapshots {
        let state = State::from_snapshot(&bytes).expect("a snapshot of this version");
        assert_eq!(state.to_snapshot(), bytes, "a snapshot of a snapshot");
        let before = n.checked_sub(1).map_or(record::Hash32::default(), |last| shell.digests[last]);
        let rest = Shell::replayed(&shell.boot, (state, stores), before, &shell.journal[n..]);
        assert_eq!(rest.digest, shell.digest, "outputs after the snapshot at {n} differ");
        assert_eq!(rest.state.to_snapshot(), shell.state.to_snapshot(), "state after the snapshot at {n} differs");
    }
    count
}

#[test]
fn an_hour_of_recorded_traffic_replays_byte_for_byte() {
    let Some(bytes) = recording("traffic/switzerland_20180801_replay.csv.zst") else { return };
    let reports = decode(&mut StatesCsv::new(), &bytes, REPLAY).reports;
    let timeline = Timeline::new(reports.into_iter().filter(|r| r.at.0 < 1_533_103_200_000));
    let mut world = World::pair(Utc(1_533_099_598_000), [open(&["south"]), open(&["north"])]);
    for (at, reports) in timeline.batches(10_000) {
        while world.now().utc.plus_ms(1_000) < at {
            world.run(1_000, 1_000);
        }
        world.mono = at.since_ms(world.start) as u64;
        for n in [0, 1] {
            let own: Vec<_> =
                reports.iter().filter(|r| (r.local ^ (r.local >> 7)) as usize & 1 == n).copied().collect();
            world.report(n, 0, &own);
        }
        world.tick();
    }
    for node in &world.nodes {
        let snapshots = check(node, 1_000);
        println!("{} inputs, replayed from the start and from {snapshots} snapshots", node.journal.len());
    }
    assert!(!world.nodes[0].losses.is_empty());
}

/// Everything there is in one journal: traffic, plans, sites, notices, cuts, a restart, refused commands.
#[test]
fn a_desk_s_day_replays_from_a_snapshot_after_any_entry() {
    let mut world = busy();
    for n in 0..2 {
        world.nodes[n].take_snapshot();
        world.run(2_000, 500);
        world.restart(n, true);
        world.run(3_000, 500);
        world.restart(n, false);
    }
    world.run(12_000, 500);
    for node in &world.nodes {
        let snapshots = check(node, 1);
        println!("{} inputs, {snapshots} snapshots", node.journal.len());
    }
}

fn busy() -> World {
    let text = signed(&pact_of(&["north", "south"], START));
    let boots = vec![boot("north", &text, open(&["south"])), boot("south", &text, open(&["north"]))];
    let mut world = World::new(START, boots);
    world.connect(0, 1);
    world.run(2_000, 500);
    let plan = |n: u8, lat: f64| Command::FilePlan {
        subject: subject(n),
        plan: common::plan(n, vec![circle(lat, 8.0, 20.0, START)]),
    };
    world.ask(0, Role::Planner, plan(1, 47.0)).unwrap();
    world.ask(1, Role::Planner, plan(2, 47.2)).unwrap();
    world.ask(1, Role::Planner, Command::FileSite { subject: subject(3), site: common::site(47.0, 8.1) }).unwrap();
    let volumes = vec![circle(47.0, 8.3, 5.0, START)];
    let to = vec![common::party("north")];
    world.ask(1, Role::Planner, Command::SendAvoid { subject: subject(4), to, volumes }).unwrap();
    world.ask(0, Role::Officer, Command::SendNotice(common::notice("south", 5))).unwrap();
    assert!(world.ask(0, Role::Officer, plan(9, 47.0)).is_err());
    let first = world.now().utc;
    let own = aircraft(1, 47.0, 7.8, 450.0, 90.0, first);
    let other = aircraft(2, 47.0, 8.4, 450.0, 270.0, first);
    for second in 0..30 {
        let at = world.now().utc;
        world.report(0, 0, &[flown(&own, at)]);
        world.report(1, 0, &[flown(&other, at)]);
        world.run(1_000, 500);
        match second {
            10 => world.cut(0, 1),
            18 => world.connect(0, 1),
            20 => {
                let view = world.view(1);
                let (alerts, notices) = (
                    view.alerts.iter().map(|a| PaintedAlert { id: a.id, raising: a.raising }).collect(),
                    view.notices.iter().map(|n| n.id).collect(),
                );
                world.input(1, Input::Displayed { actor: actor(Role::Officer), alerts, notices });
            }
            25 => drop(world.ask(1, Role::Planner, Command::CancelPlan(subject(2))).unwrap()),
            _ => {}
        }
    }
    let view = world.view(0);
    assert!(view.alerts.iter().any(|a| a.level == 3) && !view.notices.is_empty(), "the day was busy");
    world
}
