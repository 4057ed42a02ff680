//! Ends that nobody planned, and the one that somebody did.
use crate::common::node::Node;
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually, logs, pass};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

fn number(node: &Node, peer: &str, log: &str, what: &str) -> u64 {
    node.peer(peer)[log][what].as_u64().unwrap()
}

/// Files plans one after the other until the node is killed under it; what was acknowledged.
fn kill_amid_commands(node: Node, first: u32) -> (BTreeSet<String>, u32) {
    let (acknowledged, over, next) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false), Mutex::new(first));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let n = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next
                    };
                    // An answer that never came acknowledged nothing.
                    if let Ok(Some(subject)) = node.file_plan(n) {
                        assert!(acknowledged.lock().unwrap().insert(subject), "a subject was given twice");
                    }
                }
            });
        }
        eventually("commands are acknowledged", 20, || (acknowledged.lock().unwrap().len() >= 40).then_some(()));
        node.send_kill();
        over.store(true, Ordering::SeqCst);
    });
    node.kill_9();
    (acknowledged.into_inner().unwrap(), next.into_inner().unwrap())
}

#[track_caller]
fn has_all(node: &Node, acknowledged: &BTreeSet<String>) {
    let held: BTreeSet<String> =
        node.list("/v1/plans").iter().map(|p| p["subject"].as_str().unwrap().to_string()).collect();
    let lost: Vec<&String> = acknowledged.difference(&held).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged plans are lost: {lost:?}", lost.len(), acknowledged.len());
}

#[test]
fn kill_9_in_mid_run_loses_and_doubles_nothing() {
    let _limit = Limit::of("kill_9", 90);
    let world = World::new(Spec::default());
    let (south, mut north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    eventually("receipts", 10, || (number(&south, "north", "out", "cosigned") > 2).then_some(()));

    // The side that listens, in the midst of commands.
    let cosigned = number(&south, "north", "out", "cosigned");
    let (acknowledged, next) = kill_amid_commands(south, 0);
    assert!(north.is_alive() && number(&north, "south", "in", "size") >= cosigned);
    let south = world.start("south");
    has_all(&south, &acknowledged);
    link_up(&north, &south);
    assert!(number(&south, "north", "out", "cosigned") >= cosigned, "receipts survive");
    eventually("the plans arrive in the north", 10, || {
        (north.list("/v1/plans").len() >= acknowledged.len()).then_some(())
    });
    has_all(&north, &acknowledged);

    // The side that dials.
    let (more, _) = kill_amid_commands(north, next + 1000);
    let north = world.start("north");
    has_all(&north, &acknowledged);
    has_all(&north, &more);
    link_up(&north, &south);
    eventually("equal sizes, all of them under receipts", 15, || {
        let (a, b) = (north.peer("south"), south.peer("north"));
        let equal = a["in"]["size"] == b["out"]["size"] && b["in"]["size"] == a["out"]["size"];
        (equal && a["out"]["size"] == a["out"]["cosigned"] && b["out"]["size"] == b["out"]["cosigned"]).then_some(())
    });
    let sealed = (number(&north, "south", "out", "cosigned"), number(&south, "north", "out", "cosigned"));
    has_all(&south, &more);
    south.stop();
    north.stop();
    for (name, peer) in [("north", "south"), ("south", "north")] {
        let (said, held) = logs::compare(&world, name, peer);
        // The north goes on speaking for the moment it takes to stop it.
        assert!(said - held <= 5, "{name} said {said}, {peer} holds {held}");
    }
    assert!(logs::verify_receipt(&world, "north", "south") >= sealed.0);
    assert!(logs::verify_receipt(&world, "south", "north") >= sealed.1);
    // And by the program's own way for third parties, with the pact's keys alone.
    assert!(logs::verify_evidence(&world, "north", "south") >= sealed.0);
    assert!(logs::verify_evidence(&world, "south", "north") >= sealed.1);
}

#[test]
fn a_graceful_stop_leaves_little_to_replay() {
    let _limit = Limit::of("graceful", 60);
    let world = World::new(Spec { journal: "reserve_mib = 16\nsnapshot_s = 3600\n", ..Spec::default() });
    let north = world.start("north");
    for n in 0..20 {
        assert!(north.file_plan(n).unwrap().is_some());
    }
    pass(2000);
    let folded = north.metric("skypact_inputs_folded_total");
    assert!(folded > 30.0, "{folded}");
    let status = north.terminate();
    assert_eq!(status.code(), Some(0), "SIGTERM is an orderly end");
    let dir = world.home("north").join("data");
    assert!(!dir.join("run/token").exists(), "the token of the run is gone");
    let snapshots = std::fs::read_dir(dir.join("journal")).unwrap().flatten();
    assert!(
        snapshots.filter(|f| f.file_name().to_string_lossy().contains("snap")).count() > 0,
        "a snapshot is written"
    );
    let north = world.start("north");
    assert_eq!(north.list("/v1/plans").len(), 20);
    let log = north.log();
    let replayed = log.rsplit("journal folded").next().unwrap().split("replayed=").nth(1).unwrap();
    let replayed: u64 = replayed.split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!(replayed, 0, "nothing is folded again behind the snapshot of the end");
    north.kill_9();
    // After a crash the journal behind the snapshot is folded again.
    let north = world.start("north");
    assert_eq!(north.list("/v1/plans").len(), 20);
}

/// Copies a folder, as a backup would.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_node_restored_from_an_old_copy_refuses_to_sign() {
    let _limit = Limit::of("rollback", 90);
    let world = World::new(Spec::default());
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    eventually("receipts", 10, || (number(&south, "north", "out", "cosigned") > 2).then_some(()));
    south.stop();
    let (data, old) = (world.home("south").join("data"), world.home("south").join("old"));
    copy(&data, &old);
    let south = world.start("south");
    link_up(&north, &south);
    let copied = logs::size(&old.join(logs::log_dir(&world, "south", "north", "out").strip_prefix(&data).unwrap()));
    eventually("more is said than the copy has", 15, || {
        (number(&north, "south", "in", "sealed") >= copied + 3).then_some(())
    });
    south.stop();
    std::fs::rename(&data, world.home("south").join("newest")).unwrap();
    copy(&old, &data);

    let south = world.start("south");
    let frozen = eventually("the link freezes", 25, || Some(south.peer("north")).filter(|p| p["link"] == "frozen"));
    let reason = frozen["reason"].as_str().unwrap();
    assert!(reason.starts_with("OWN_ROLLBACK: ") && reason.contains("restore the newest data"), "{reason}");
    let signed = number(&north, "south", "in", "sealed");
    pass(2500);
    assert_eq!(number(&north, "south", "in", "sealed"), signed, "nothing is signed");
    assert!(south.log().contains("the link is frozen: the peer holds more of our log than we do"), "{}", south.log());
    assert_eq!(south.metric("skypact_link_up{peer=\"north\"}"), -1.0);
    let alerts = south.list("/v1/alerts");
    assert!(alerts.iter().any(|a| a["kind"] == "frozen" && a["level"] == "alarm"), "{alerts:?}");
    let told = north.peer("south");
    // Both see it in the greeting; whoever is first says so.
    let why = told["reason"].as_str().unwrap();
    assert!(told["link"] == "down" && (why.contains("FROZEN") || why.contains("PEER_BEHIND")), "{told}");
    // The picture is still shown, and goes on with what the own feeds bring.
    let own = |t: &serde_json::Value| t["owner"] == "south" && t["stale"] == false;
    eventually("own tracks are shown", 10, || {
        (south.list("/v1/tracks").iter().filter(|t| own(t)).count() > 5).then_some(())
    });
    let evidence = logs::log_dir(&world, "south", "north", "out").parent().unwrap().to_owned();
    let notes = std::fs::read_dir(evidence)
        .unwrap()
        .flatten()
        .filter(|f| f.file_name().to_string_lossy().starts_with("frozen-"));
    assert_eq!(notes.count(), 1, "the peer's proof is kept");

    // Frozen for good: also after the next start. With the newest data the link goes on.
    south.stop();
    let south = world.start("south");
    assert_eq!(south.peer("north")["link"], "frozen");
    south.stop();
    std::fs::rename(&data, world.home("south").join("refused")).unwrap();
    std::fs::rename(world.home("south").join("newest"), &data).unwrap();
    let south = world.start("south");
    // A start dials at once; otherwise the next try comes a minute after the refusal.
    north.stop();
    let north = world.start("north");
    link_up(&north, &south);
    eventually("new receipts", 15, || (number(&north, "south", "in", "sealed") > signed).then_some(()));
}
