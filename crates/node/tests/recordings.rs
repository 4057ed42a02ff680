//! Recorded traffic split between two nodes: what they find together, and what each finds alone.
mod common;

use common::{Loss, World, boot, closed, open, pact_of, recording, signed};
use feed::replay::Timeline;
use feed::{Jsonl, REPLAY, StatesCsv, decode};
use node::view::AlertKind;
use std::collections::{BTreeMap, BTreeSet};
use track::{Address, TrackReport};
use units::Utc;

/// 05:00 to 14:01 UTC of 2018-08-01; the last event that begins before 14 ends 20 s later.
const SPAN: (i64, i64) = (1_533_099_600_000, 1_533_132_060_000);
const STEP_MS: i64 = 10_000;

/// A loss of separation: pair, first and last epoch, seconds.
type Event = (String, String, i64, i64);

fn traffic() -> Option<Timeline> {
    let bytes = recording("traffic/switzerland_20180801_replay.csv.zst")?;
    let reports = decode(&mut StatesCsv::new(), &bytes, REPLAY).reports;
    Some(Timeline::new(reports.into_iter().filter(|r| r.at.0 < SPAN.1)))
}

/// Whose an aircraft is: a fixed hash of its address.
fn owner(address: Address) -> usize {
    (address.bits().wrapping_mul(0x9e37_79b1) >> 16) as usize & 1
}

/// Plays the recording to two nodes, each with its own aircraft. Epochs are 10 s apart; ticks are every second.
fn play(timeline: &Timeline, policies: [release::Policy; 2]) -> (World, [Alerts; 2]) {
    let mut alerts = [Alerts::new(), Alerts::new()];
    let mut world = World::pair(Utc(SPAN.0 - 2_000), policies);
    world.run(900, 100);
    for (at, reports) in timeline.batches(STEP_MS) {
        while world.now().utc.plus_ms(1_000) < at {
            world.run(1_000, 1_000);
        }
        world.mono = at.since_ms(world.start) as u64;
        for n in [0, 1] {
            let own: Vec<TrackReport> = reports.iter().filter(|r| owner(r.address.unwrap()) == n).copied().collect();
            world.report(n, 0, &own);
        }
        world.tick();
        // Ended alerts stay in the view for five minutes: none is missed.
        if at.0 % 60_000 == 0 {
            look(&world, &mut alerts);
        }
    }
    (world, alerts)
}

/// Epochs at most 30 s apart form one event.
fn events<'a>(losses: impl IntoIterator<Item = &'a Loss>) -> BTreeSet<Event> {
    let mut pairs: BTreeMap<(Address, Address), BTreeSet<i64>> = BTreeMap::new();
    for loss in losses {
        pairs.entry((loss.a, loss.b)).or_default().insert(loss.at.0 / 1000);
    }
    let mut out = BTreeSet::new();
    for ((a, b), times) in pairs {
        let times: Vec<i64> = times.into_iter().collect();
        for event in times.chunk_by(|x, y| y - x <= 30) {
            out.insert((a.to_string(), b.to_string(), event[0], event[event.len() - 1]));
        }
    }
    out.retain(|e| e.2 < 1_533_132_000);
    out
}

fn expected() -> Option<BTreeSet<Event>> {
    let json: serde_json::Value =
        serde_json::from_slice(&recording("conflict/swiss_los_5nm_1000ft_0500_1400.json")?).unwrap();
    let text = |e: &serde_json::Value, f: &str| e[f].as_str().unwrap().to_string();
    let number = |e: &serde_json::Value, f: &str| e[f].as_i64().unwrap();
    let events = json["events"].as_array().unwrap().iter();
    Some(events.map(|e| (text(e, "a"), text(e, "b"), number(e, "t_start"), number(e, "t_end"))).collect())
}

/// Conflict alerts of a node by number, with their highest level.
type Alerts = BTreeMap<u64, u8>;

fn look(world: &World, alerts: &mut [Alerts; 2]) {
    for (n, alerts) in alerts.iter_mut().enumerate() {
        for alert in world.view(n).alerts.iter().filter(|a| a.kind == AlertKind::Conflict) {
            let worst = alerts.entry(alert.id).or_default();
            *worst = alert.level.max(*worst);
        }
    }
}

fn owners(event: &Event) -> [usize; 2] {
    [&event.0, &event.1].map(|text| owner(Address::parse(text).unwrap()))
}

#[test]
fn two_nodes_find_together_what_brute_force_finds_and_each_finds_what_is_its_own() {
    let (Some(timeline), Some(want)) = (traffic(), expected()) else { return };
    assert_eq!(want.len(), 73);
    let (world, alerts) = play(&timeline, [open(&["south"]), open(&["north"])]);
    let found = [0, 1].map(|n| events(&world.nodes[n].losses));
    let together: BTreeSet<Event> = events(world.nodes.iter().flat_map(|n| &n.losses));
    assert_eq!(together, want);
    for event in &want {
        for node in owners(event) {
            assert!(found[node].contains(event), "{event:?} is missing at its owner {node}");
        }
    }
    for n in [0, 1] {
        let own: BTreeSet<&Event> = want.iter().filter(|e| owners(e).contains(&n)).collect();
        assert_eq!(found[n].iter().collect::<BTreeSet<_>>(), own, "and nothing else at {n}");
        let alarms = alerts[n].values().filter(|level| **level == 3).count();
        println!(
            "node {n}: {} inputs, {} of 73 events, {} conflict alerts of which {alarms} were alarms",
            world.nodes[n].journal.len(),
            own.len(),
            alerts[n].len()
        );
        assert!(alarms >= own.len(), "no loss without an alarm");
    }
}

#[test]
fn what_is_withheld_is_not_found_by_the_other_side() {
    let (Some(timeline), Some(want)) = (traffic(), expected()) else { return };
    let (world, _) = play(&timeline, [closed(), closed()]);
    for n in [0, 1] {
        let own: BTreeSet<Event> = want.iter().filter(|e| owners(e) == [n, n]).cloned().collect();
        assert_eq!(events(&world.nodes[n].losses), own, "{n}");
        assert!(!own.is_empty() && own.len() < want.len());
        println!("node {n}: {} events of its own aircraft alone", own.len());
    }
}

/// Watsonville, 2025-06-01: a small airport in visual flight, with the same aircraft heard as ADS-B and as TIS-B.
#[test]
fn no_aircraft_of_watsonville_conflicts_with_itself() {
    let Some(bytes) = recording("traffic/wvi_20250601_36_-122.jsonl.gz") else { return };
    let timeline = Timeline::new(decode(&mut Jsonl::new(), &bytes, REPLAY).reports);
    let (first, last) = timeline.span().unwrap();
    // The aircraft are ours on one feed; another feed sees the same ones a second later, and does not claim them.
    let mut text = pact_of(&["north", "south"], first);
    text.lower = airspace::Limit::Unlimited;
    let centre = units::Vertex::from_degrees(36.9, -121.8).unwrap();
    text.area = airspace::Outline::Circle { centre, radius_mm: 200 * units::NM_MM };
    text.default_minima.lateral_mm = 555_600;
    text.default_minima.vertical = units::Height::from_feet(400);
    let text = signed(&text);
    let mut world = World::new(first.plus_ms(-2_000), vec![boot("north", &text, closed())]);
    let (mut raised, mut pairs, mut most, mut looked) = (BTreeSet::new(), BTreeSet::new(), 0, first);
    for (at, reports) in timeline.batches(1_000) {
        let due = at.plus_ms(1_000).since_ms(world.start) as u64;
        // Over a gap without traffic two ticks are as good as all.
        world.mono = world.mono.max(due.saturating_sub(1_000));
        world.tick();
        world.mono = due;
        world.report(0, 0, reports);
        let seen: Vec<TrackReport> = reports.iter().map(|r| TrackReport { local: r.local ^ (1 << 40), ..*r }).collect();
        world.report(0, 1, &seen);
        world.tick();
        // Ended alerts stay in the view for five minutes: none is missed, but for gaps, over which there is nobody.
        if at.0 - looked.0 < 20_000 {
            continue;
        }
        looked = at;
        let view = world.view(0);
        most = most.max(view.tracks.len());
        let pairs_of = |a: &&node::view::AlertView| a.kind == AlertKind::Conflict && a.b.is_some();
        for alert in view.alerts.iter().filter(pairs_of) {
            let (a, b) = (alert.a.clone().unwrap(), alert.b.clone().unwrap());
            assert_ne!(a.label, b.label, "{} conflicts with itself at {at:?}", a.label);
            let address = |id| world.state(0).track(id).and_then(|t| t.address);
            if let (Some(x), Some(y)) = (address(a.id), address(b.id)) {
                assert_ne!(x, y, "{} conflicts with itself at {at:?}", a.label);
                pairs.insert((x.min(y), x.max(y)));
            }
            raised.insert(alert.id);
        }
    }
    let losses = world.nodes[0].losses.len();
    assert!(world.nodes[0].losses.iter().all(|l| l.a != l.b));
    println!(
        "{} reports in {} s, at most {most} tracks; {} alerts of {} pairs with addresses, {losses} losses observed",
        timeline.reports().len(),
        last.since_ms(first) / 1000,
        raised.len(),
        pairs.len()
    );
    assert!(losses > 0 && !pairs.is_empty());
}
