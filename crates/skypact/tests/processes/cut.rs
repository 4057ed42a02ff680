//! The network between two nodes: cut, stalled, garbled; and what both pictures say of it.
use crate::common::node::Node;
use crate::common::proxy::Weather;
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually, logs, pass};
use std::time::Instant;

fn age_ms(node: &Node, peer: &str) -> u64 {
    node.peer(peer)["age_ms"].as_u64().unwrap_or(0)
}

fn lost_alerts(node: &Node) -> usize {
    let open = |a: &&serde_json::Value| a["kind"] == "peer-lost" && a["state"] != "cleared";
    node.list("/v1/alerts").iter().filter(open).count()
}

/// Both pictures must say that they age.
fn both_age(north: &Node, south: &Node) {
    for (node, peer) in [(north, "south"), (south, "north")] {
        eventually("the loss is alerted", 20, || (lost_alerts(node) > 0).then_some(()));
        let first = age_ms(node, peer);
        pass(300);
        let second = age_ms(node, peer);
        assert!(first > 5_000 && second > first, "{peer}'s information ages: {first} ms, {second} ms");
        eventually("its tracks are marked as stale, not dropped or shown as new", 20, || {
            let tracks = node.list("/v1/tracks");
            let of_peer: Vec<_> = tracks.iter().filter(|t| t["owner"] == peer).collect();
            (of_peer.iter().all(|t| t["stale"] == true)).then_some(())
        });
    }
}

#[track_caller]
fn caught_up(north: &Node, south: &Node, seconds: u64) {
    eventually("equal sizes, all of them under receipts", seconds, || {
        let (a, b) = (north.peer("south"), south.peer("north"));
        // Entries come all the time: what was said when the first was asked must be held by the other.
        let size = |p: &serde_json::Value, log: &str, what: &str| p[log][what].as_u64().unwrap();
        let held =
            size(&b, "in", "size") >= size(&a, "out", "size") && size(&a, "in", "size") + 1 >= size(&b, "out", "size");
        let sealed = size(&a, "out", "cosigned") + 1 >= size(&a, "out", "size");
        (held && sealed && age_ms(north, "south") < 5_000 && age_ms(south, "north") < 5_000).then_some(())
    });
}

#[test]
fn ten_minutes_of_backlog_are_caught_up_and_nothing_is_lost_or_doubled() {
    let _limit = Limit::of("backlog", 120);
    let world = World::new(Spec { rate: 20.0, length_s: 1800, aircraft: 20, ..Spec::default() });
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    eventually("tracks cross", 20, || (north.list("/v1/tracks").len() >= 40).then_some(()));

    world.proxy.set(Weather::Cut);
    let held = eventually("the link is down on both sides", 20, || {
        let (a, b) = (north.peer("south"), south.peer("north"));
        (a["link"] == "down" && b["link"] == "down").then(|| a["in"]["size"].as_u64().unwrap())
    });
    both_age(&north, &south);
    // Ten minutes by the exercise's clock.
    south.file_plans(0..300);
    north.file_plans(400..700);
    let now_ms = || south.get("/v1/state")["utc_ms"].as_i64().unwrap();
    let cut_at = now_ms();
    eventually("ten minutes pass", 60, || (now_ms() >= cut_at + 600_000).then_some(()));
    let waiting = south.peer("north")["out"]["size"].as_u64().unwrap() - held;
    assert!(waiting >= 300, "{waiting} entries wait");
    let own = |t: &serde_json::Value| t["owner"] == "north" && t["stale"] == false;
    assert!(north.list("/v1/tracks").iter().any(own), "the own picture goes on");

    world.proxy.set(Weather::Fair);
    let back = Instant::now();
    caught_up(&north, &south, 45);
    println!("backlog of {waiting} entries a side: link back and caught up in {:?}", back.elapsed());
    eventually("the loss is over", 20, || (lost_alerts(&north) + lost_alerts(&south) == 0).then_some(()));
    south.stop();
    north.stop();
    for (name, peer) in [("north", "south"), ("south", "north")] {
        let (said, held) = logs::compare(&world, name, peer);
        println!("{name} said {said} entries, {peer} holds {held}");
        logs::verify_receipt(&world, name, peer);
    }
}

#[test]
fn a_stalled_or_garbling_network_is_noticed_and_outlived() {
    let _limit = Limit::of("stall and garble", 90);
    let world = World::new(Spec { rate: 4.0, ..Spec::default() });
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    caught_up(&north, &south, 15);

    // Nothing is closed and nothing comes: only the clock can tell.
    world.proxy.set(Weather::Stall);
    both_age(&north, &south);
    eventually("the dead connection is given up", 30, || (north.peer("south")["link"] == "down").then_some(()));
    let reason = north.peer("south")["reason"].as_str().unwrap_or_default().to_string();
    assert!(reason.contains("SILENT") || reason.contains("ENDED"), "{reason}");
    world.proxy.set(Weather::Fair);
    caught_up(&north, &south, 30);

    // TLS finds every changed byte; nothing of it reaches the records.
    world.proxy.set(Weather::Garble);
    eventually("the garbled connection ends", 20, || (north.peer("south")["link"] == "down").then_some(()));
    eventually("garbled attempts", 20, || (world.proxy.garbled() > 3).then_some(()));
    world.proxy.set(Weather::Fair);
    caught_up(&north, &south, 30);
    for (node, peer) in [(&north, "south"), (&south, "north")] {
        let refused = node.peer(peer)["refused"].clone();
        let other = |(reason, _): (&String, &serde_json::Value)| !matches!(reason.as_str(), "SILENT" | "REPLACED");
        assert!(!refused.as_object().unwrap().iter().any(other), "no frame was garbled: {refused}");
    }
    let metrics = south.metrics();
    let counted = south.metric("skypact_connections_refused_total");
    assert!(counted >= 1.0, "refused connections are counted: {metrics}");
    south.stop();
    north.stop();
    logs::compare(&world, "north", "south");
    logs::compare(&world, "south", "north");
}
