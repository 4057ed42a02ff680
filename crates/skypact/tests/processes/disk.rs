//! Disks: full, damaged, torn.
use crate::common::node::{Node, plain};
use crate::common::proxy::Weather;
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually, logs, pass};
use journal::{Journal, SegmentJournal, Seq};
use node::input::{Entry, Input};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system of its own, for the time of a test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, mib: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|o| o.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a node that was just killed may still be letting go of it.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn place_of(node: &Node) -> Vec<Value> {
    let own = |t: &&Value| t["owner"] == "north" && t["stale"] == false;
    node.list("/v1/tracks").iter().filter(own).map(|t| json!([t["id"], t["lon"]])).collect()
}

#[test]
fn a_full_disk_refuses_commands_keeps_the_picture_and_recovers() {
    let _limit = Limit::of("disk full", 90);
    let world = World::new(Spec { journal: "reserve_mib = 8\nsegment_mib = 4\nsnapshot_s = 2\n", ..Spec::default() });
    let data = world.home("north").join("data");
    let Some(_disk) = SmallDisk::mount(&data, 48) else {
        println!("skipped: no small file system can be mounted here (needs root)");
        return;
    };
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    assert!(north.file_plan(1).unwrap().is_some());

    // Down to the last byte, far below the reserve.
    let filler = data.join("filler");
    let filled = fs::write(&filler, vec![1u8; 48 << 20]).err().map(|e| e.kind());
    assert_eq!(filled, Some(std::io::ErrorKind::StorageFull));
    let refused = eventually("commands are refused", 10, || {
        let (status, text) = north.ask("POST", "/v1/plans", Some(plan().as_bytes())).unwrap();
        (status == 507).then_some(text)
    });
    assert!(refused.contains("urn:skypact:problem:journal-full"), "{refused}");
    let health = eventually("it says that it is not healthy", 5, || {
        Some(north.call("GET", "/healthz", &Value::Null)).filter(|(status, _)| *status == 503)
    });
    assert!(health.1.to_string().contains("full"), "{health:?}");
    assert_eq!(north.metric("skypact_accepting"), 0.0);
    let before = place_of(&north);
    assert!(!before.is_empty());
    pass(2500);
    let after = place_of(&north);
    assert!(after.len() >= before.len() && before != after, "the picture still moves: {before:?}");
    let signed = south.peer("north")["in"]["sealed"].clone();
    pass(1500);
    assert_eq!(south.peer("north")["in"]["sealed"], signed, "nothing is signed while nothing is kept");

    fs::remove_file(&filler).unwrap();
    eventually("commands are accepted again", 10, || north.file_plan(2).unwrap());
    eventually("it is healthy again", 5, || (north.call("GET", "/healthz", &Value::Null).0 == 200).then_some(()));
    assert_eq!(north.metric("skypact_accepting"), 1.0);
    link_up(&north, &south);
    eventually("the link goes on", 10, || {
        (south.peer("north")["in"]["sealed"].as_u64() > signed.as_u64()).then_some(())
    });
    north.stop();
    south.stop();
    let (held, _) = SegmentJournal::open(&data.join("journal"), journal::Options::default()).unwrap();
    let inputs = held.read(Seq(1)).unwrap().map(|r| minicbor::decode::<Entry>(&r.unwrap().1).unwrap().input);
    let gaps: Vec<u64> =
        inputs.filter_map(|i| if let Input::Gap { dropped, .. } = i { Some(dropped) } else { None }).collect();
    assert!(gaps.len() == 1 && gaps[0] > 10, "one gap stands in the journal, with what it lacks: {gaps:?}");
    println!("full disk: {} inputs shown and not kept", gaps[0]);
    logs::compare(&world, "north", "south");
    logs::compare(&world, "south", "north");
}

fn plan() -> String {
    json!({ "class": "civil", "state": "accepted", "volumes": [{
        "outline": { "type": "circle", "centre": [9.9, 44.0], "radius_m": 500.0 },
        "start_utc_ms": 1_768_464_000_000_i64, "end_utc_ms": 1_768_467_600_000_i64 }] })
    .to_string()
}

/// The one segment file of a short run.
fn segment(data: &Path) -> PathBuf {
    let files = fs::read_dir(data.join("journal")).unwrap().flatten().map(|f| f.path());
    let mut segments: Vec<PathBuf> = files.filter(|p| p.extension().is_some_and(|e| e == "seg")).collect();
    segments.sort();
    segments.pop().unwrap()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x04;
    fs::write(path, bytes).unwrap();
}

#[test]
fn damage_in_the_journal_is_named_and_a_torn_end_is_repaired() {
    let _limit = Limit::of("journal damage", 90);
    let world = World::new(Spec { journal: "reserve_mib = 16\nsnapshot_s = 3600\n", ..Spec::default() });
    let data = world.home("north").join("data");
    let north = world.start("north");
    let mut filed = 0;
    while filed < 30 {
        filed += u32::from(north.file_plan(filed).unwrap().is_some());
    }
    north.kill_9();

    // What a write cut by the power leaves: part of a frame behind the last whole one.
    let path = segment(&data);
    let mut torn = fs::read(&path).unwrap();
    let whole = torn.len();
    torn.extend_from_slice(&[0x7f, 0x01, 0, 0, 0x55, 0x55, 0x55]);
    fs::write(&path, &torn).unwrap();
    let north = world.start("north");
    assert!(north.log().contains("a torn end of the journal was cut"), "{}", north.log());
    assert_eq!(north.list("/v1/plans").len(), 30);
    north.kill_9();

    flip(&path, whole / 2);
    let not = world.refused("north");
    assert_eq!(not.code, Some(3), "{}", not.said);
    let replay = skypact(&world, "replay --at 2026-01-15T08:00:01Z --config north/skypact.toml");
    assert_eq!(replay.0, Some(3), "{}", replay.2);
    let said = not.said.lines().rfind(|l| l.contains("is damaged")).unwrap_or_default();
    assert!(said.contains("segment 1 is damaged at byte") && said.contains("restore it from a copy"), "{}", not.said);
    println!("{said}");
    let damaged = fs::read(&path).unwrap();
    assert!(
        world.refused("north").said.contains("is damaged") && fs::read(&path).unwrap() == damaged,
        "nothing was changed"
    );
    flip(&path, whole / 2);
    let north = world.start("north");
    assert_eq!(north.list("/v1/plans").len(), 30, "with the right bytes again it starts, with everything");
}

/// A command over the folders of a world: exit code, output, errors.
fn skypact(world: &World, words: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skypact"));
    command.args(words.split(' ')).current_dir(world.home("north").parent().unwrap());
    let output = command.env_remove("SKYPACT_CONFIG").env_remove("SKYPACT_LOG").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_oldest_part_of_a_journal_goes_by_order_and_the_node_goes_on() {
    let _limit = Limit::of("retention", 150);
    let journal = "reserve_mib = 16\nsegment_mib = 1\nsnapshot_s = 2\n";
    let world = World::new(Spec { aircraft: 300, rate: 60.0, length_s: 6000, journal, ..Spec::default() });
    let south = world.start("south");
    let north = world.start("north");
    link_up(&north, &south);
    let segments = || {
        let files = fs::read_dir(world.home("north").join("data/journal")).unwrap().flatten();
        files.filter(|f| f.path().extension().is_some_and(|e| e == "seg")).count()
    };
    eventually("there are four segments", 90, || (segments() >= 4).then_some(()));
    // Two snapshots behind the third segment.
    pass(5000);
    let order = "journal trim --config north/skypact.toml --who keeper --why age --before";
    let running = skypact(&world, &format!("{order} 2026-01-15T09:00:00Z"));
    assert!(running.0 == Some(1) && running.2.contains("is in use by process"), "{running:?}");
    let (code, shown, _) = skypact(&world, "--json journal show --config north/skypact.toml");
    let beside: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, &beside["first"]["input"]), (Some(0), &json!(1)), "{shown}");
    north.stop();

    let before = segments();
    let far = skypact(&world, &format!("{order} 2027-01-01T00:00:00Z"));
    assert_eq!(far.0, Some(1), "{far:?}");
    assert!(far.2.contains("what is newer is needed by the snapshots"), "{}", far.2);
    // The second segment ends when the third begins: that is early enough for the snapshots.
    let held = journal::ReadOnly::open(&world.home("north").join("data/journal")).unwrap();
    let mut starts: Vec<u64> = fs::read_dir(world.home("north").join("data/journal"))
        .unwrap()
        .flatten()
        .filter_map(|f| f.file_name().to_str()?.strip_suffix(".seg")?.parse().ok())
        .collect();
    starts.sort_unstable();
    let third = held.read(Seq(starts[2] + 10)).unwrap().next().unwrap().unwrap().1;
    let at = minicbor::decode::<Entry>(&third).unwrap().now.utc;
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap();
    let dry = skypact(&world, &format!("--json {order} {at} --dry-run"));
    assert_eq!((dry.0, segments()), (Some(0), before), "{dry:?}");
    let dry: Value = serde_json::from_str(&dry.1).unwrap();
    assert_eq!((dry["removed"].as_array().unwrap().len(), &dry["dry_run"]), (2, &json!(true)), "{dry}");

    // A link log that is damaged could only be made again from what is to go.
    let out = logs::log_dir(&world, "north", "south", "out");
    let bundle = out.join(tlog::bundle_path(0, 256));
    let bundle = if bundle.exists() { bundle } else { newest(&bundle.with_extension("p")) };
    flip(&bundle, 20);
    let refused = skypact(&world, &format!("{order} {at}"));
    assert_eq!((refused.0, segments()), (Some(3), before), "{refused:?}");
    assert!(refused.2.contains("entry 0 is changed"), "{}", refused.2);
    flip(&bundle, 20);

    let done = skypact(&world, &format!("--json {order} {at}"));
    assert_eq!((done.0, segments()), (Some(0), before - 2), "{done:?}");
    let done: Value = serde_json::from_str(&done.1).unwrap();
    assert_eq!(done["removed"], dry["removed"]);
    let kept = fs::read_to_string(world.home("north").join("data/journal/retention.log")).unwrap();
    assert!(kept.contains("keeper") && kept.contains("age"), "{kept}");
    let again = skypact(&world, &format!("{order} {at}"));
    assert!(again.0 == Some(0) && again.1.starts_with("Nothing goes"), "{again:?}");
    assert_eq!(skypact(&world, "replay --verify --config north/skypact.toml").0, Some(0));

    let north = world.start("north");
    link_up(&north, &south);
    assert!(north.file_plan(1).unwrap().is_some());
    north.stop();
    south.stop();
    logs::compare(&world, "north", "south");
    logs::compare(&world, "south", "north");
}

#[test]
fn a_flipped_bit_in_a_links_log_is_found_before_it_is_sent_or_signed() {
    let _limit = Limit::of("log damage", 120);
    let world = World::new(Spec { aircraft: 2, ..Spec::default() });
    let south = world.start("south");
    // Said to a peer that was never there: more than one full bundle.
    south.file_plans(0..300);
    south.stop();
    let out = logs::log_dir(&world, "south", "north", "out");

    // At the edge, which the start reads.
    let edge = newest(&out.join(tlog::bundle_path(1, 256) + ".p"));
    flip(&edge, 20);
    let not = world.refused("south");
    assert_eq!(not.code, Some(1));
    assert!(not.said.contains("links/north") && not.said.contains("does not match the journal"), "{}", not.said);
    flip(&edge, 20);

    // In the middle, which only a peer that catches up reads.
    let middle = out.join(tlog::bundle_path(0, 256));
    // Within the first entry, behind its length of two bytes.
    let length = fs::read(&middle).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]]))).unwrap();
    flip(&middle, 2 + length / 2);
    let south = world.start("south");
    let north = world.start("north");
    eventually("the damage is named", 30, || {
        south.log().contains("tile/entries/000 is not what was said").then_some(())
    });
    assert_ne!(north.peer("south")["link"], "frozen", "the peer was not told other bytes than were signed");
    assert_eq!(north.peer("south")["in"]["size"], 0);
    south.stop();
    flip(&middle, 2 + length / 2);
    let south = world.start("south");
    world.proxy.set(Weather::Cut);
    world.proxy.set(Weather::Fair);
    drop(north);
    let north = world.start("north");
    link_up(&north, &south);
    eventually("with the right bytes all is taken", 30, || {
        (north.peer("south")["in"]["sealed"].as_u64()? > 300).then_some(())
    });
}

fn newest(dir: &Path) -> PathBuf {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().flatten().map(|f| f.path()).collect();
    files.sort_by_key(|f| f.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok()));
    files.pop().unwrap_or_else(|| panic!("no partial bundle in {}", plain(&dir.display().to_string())))
}
