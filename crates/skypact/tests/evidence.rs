//! Evidence and replay over the data of three real nodes: the demonstration is run once, and its folders are looked at
//! beside the running nodes, afterwards, and in damaged copies.
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tlog::{Bundle, Checkpoint, Note};

const BINARY: &str = env!("CARGO_BIN_EXE_skypact");
/// The demonstration's officers have sent and acknowledged their notices long before its end.
const LENGTH: &str = "25s";

fn skypact(dir: &Path, args: &[&str]) -> Output {
    Command::new(BINARY).args(args).current_dir(dir).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn ok(dir: &Path, args: &[&str]) -> Value {
    let json: Vec<&str> = ["--json"].iter().chain(args).copied().collect();
    let output = skypact(dir, &json);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {error}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}"))
}

/// Runs a command that must end with this code and say this.
#[track_caller]
fn refused(dir: &Path, args: &[&str], code: i32, said: &str) {
    let output = skypact(dir, args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    assert!(text.contains(said), "{args:?} does not say {said:?}: {text}");
}

struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // It has usually ended by itself; its nodes end with it.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Demo {
    fn start(dir: &Path) -> Self {
        let log = fs::File::create(dir.with_extension("log")).unwrap();
        let child = Command::new(BINARY)
            .args(["--json", "demo", "--headless", "--for", LENGTH, "--port-base", "0", "--dir"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(fs::File::create(dir.with_extension("out")).unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self(child)
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(240), "the demonstration does not end");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn what_was_said_is_shown_beside_running_nodes_and_afterwards() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("demo");
    let mut demo = Demo::start(&dir);
    let north = dir.join("north");
    exported_beside_running(&north);
    demo.wait();
    reported_per_link(&dir.with_extension("out"));
    exported_whole(&north, scratch.path());
    both_hold_the_same_receipts(&dir, scratch.path());
    changes_are_found(&north, scratch.path());
    no_byte_of_an_exported_file_can_be_changed_to_show_more(&north, scratch.path());
    without_keys(&north, scratch.path());
    mistakes_are_named(&north, scratch.path());
    replayed(&north);
    damaged_journals_are_found(&north, scratch.path());
}

/// Notices and receipts, while the nodes run: until the first acknowledgement is there.
fn exported_beside_running(north: &Path) {
    let begun = Instant::now();
    for n in 0.. {
        assert!(begun.elapsed() < Duration::from_secs(120), "no acknowledged notice is ever shown");
        std::thread::sleep(Duration::from_millis(300));
        if !north.join("data/links/south").exists() {
            continue;
        }
        let file = format!("live-{n}.evidence");
        let args = ["--json", "evidence", "export", "--peer", "south", "--kind", "notice,receipt", "-o", &file];
        if !skypact(north, &args).status.success() {
            continue;
        }
        let report = ok(north, &["evidence", "verify", &file, "--pact", "demo.pact", "--show"]);
        assert_eq!(report["sound"], true, "{report}");
        let logs = report["logs"].as_array().unwrap();
        let mut entries = logs.iter().flat_map(|log| log["entries"].as_array().unwrap());
        let acknowledged =
            |e: &Value| e["receipts"].as_array().is_some_and(|r| r.iter().any(|r| r["level"] == "ACKNOWLEDGED"));
        if entries.any(acknowledged) {
            return;
        }
    }
}

/// The demonstration's own report: what one side released is what the other heard, link by link.
fn reported_per_link(out: &Path) {
    let text = fs::read_to_string(out).unwrap();
    let report: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(report["good"], true, "{report}");
    let nodes = report["nodes"].as_array().unwrap();
    let link = |from: &Value, to: &Value| {
        let node = nodes.iter().find(|n| n["party"] == *from).unwrap();
        node["links"].as_array().unwrap().iter().find(|l| l["to"] == *to).unwrap().clone()
    };
    for node in nodes {
        for out in node["links"].as_array().unwrap() {
            let back = link(&out["to"], &node["party"]);
            assert!(out["reports_released"].as_u64() > Some(0), "{out}");
            assert_eq!(out["reports_released"], back["reports_heard"], "{out} {back}");
        }
    }
}

fn exported_whole(north: &Path, scratch: &Path) {
    let file = scratch.join("all.evidence");
    let at = file.to_str().unwrap();
    let made = ok(north, &["evidence", "export", "-o", at]);
    assert_eq!(made["sound"], true);
    let logs = made["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 4, "two links, two directions: {made}");
    for log in logs {
        assert!(log["entries"].as_u64().unwrap() > 5 && log["complete_between"] == true, "{log}");
        assert_eq!(log["entries"], log["size"], "a node that stopped orderly leaves nothing out: {log}");
    }
    let report = ok(north, &["evidence", "verify", at, "--pact", "demo.pact"]);
    assert_eq!(report["not_proven"].as_array().unwrap().len(), 5, "the limits are always stated");
    for log in report["logs"].as_array().unwrap() {
        assert_eq!((&log["proven"], &log["receipts"]), (&log["entries_total"], &log["entries_total"]), "{log}");
    }
    same_as_the_independent_verifier(north, &file);
}

/// The verifier of the specification, in another language and by other code, prints the same report.
fn same_as_the_independent_verifier(north: &Path, file: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/tools/verify_evidence.py");
    let signed = pact::SignedPact::parse(&fs::read(north.join("demo.pact")).unwrap()).unwrap();
    let parties = &signed.pact().parties;
    let keys: Vec<String> = parties.iter().flat_map(|p| [p.log_key.to_string(), p.cosign_key.to_string()]).collect();
    let Ok(python) = Command::new("python3").arg(&script).arg(file).args(&keys).output() else {
        assert!(std::env::var_os("SKYPACT_REQUIRE_TOOLS").is_none(), "no python3, which is required here");
        return println!("skipped: no python3");
    };
    let theirs = String::from_utf8(python.stdout).unwrap();
    assert!(python.status.success(), "{theirs}");
    let ours = skypact(north, &["evidence", "verify", file.to_str().unwrap(), "--pact", "demo.pact"]);
    let ours = String::from_utf8(ours.stdout).unwrap();
    assert!(ours.starts_with(&theirs), "the two reports differ:\n{ours}\n{theirs}");
}

fn bundle(file: &Path) -> Bundle {
    Bundle::decode(&fs::read(file).unwrap()).unwrap()
}

/// The notes of one log in a bundle, by size.
fn notes(bundle: &Bundle, origin: &str) -> Vec<(u64, Vec<u8>)> {
    let log = bundle.logs.iter().find(|log| log.origin.starts_with(origin)).unwrap();
    let size = |note: &Vec<u8>| Checkpoint::parse(Note::parse(note).unwrap().text()).unwrap().size;
    log.checkpoints.iter().map(|note| (size(note), note.clone())).collect()
}

/// What a node signs again for an export is byte for byte what it signed then: the peer's own file has the same notes.
fn both_hold_the_same_receipts(dir: &Path, scratch: &Path) {
    let file = |name: &str| scratch.join(format!("{name}-same.evidence"));
    for (name, peer) in [("north", "south"), ("south", "north")] {
        let at = file(name);
        ok(&dir.join(name), &["evidence", "export", "--peer", peer, "-o", at.to_str().unwrap()]);
    }
    let (ours, theirs) = (bundle(&file("north")), bundle(&file("south")));
    for origin in ["skypact.link/north/south/", "skypact.link/south/north/"] {
        let theirs: std::collections::BTreeMap<u64, Vec<u8>> = notes(&theirs, origin).into_iter().collect();
        let common: Vec<_> = notes(&ours, origin).into_iter().filter(|(size, _)| theirs.contains_key(size)).collect();
        assert!(common.len() > 3, "{origin}: only {} checkpoints in both files", common.len());
        for (size, note) in common {
            assert_eq!(String::from_utf8_lossy(&note), String::from_utf8_lossy(&theirs[&size]), "{origin} at {size}");
        }
    }
}

fn changes_are_found(north: &Path, scratch: &Path) {
    let original = bundle(&scratch.join("all.evidence"));
    let check = |what: &str, change: &dyn Fn(&mut Bundle), said: &str| {
        let mut changed = original.clone();
        change(&mut changed);
        let file = scratch.join(format!("{what}.evidence"));
        fs::write(&file, changed.encode().unwrap()).unwrap();
        refused(north, &["evidence", "verify", file.to_str().unwrap(), "--pact", "demo.pact"], 3, said);
    };
    check("flipped", &|b| b.logs[0].entries[4].bytes[30] ^= 1, "first bad: entry 4 is changed");
    check("missing", &|b| drop(b.logs[1].entries.remove(3)), "first bad: entry 3 is missing");
    check(
        "swapped",
        &|b| {
            let bytes = b.logs[0].entries[2].bytes.clone();
            b.logs[0].entries[2].bytes = std::mem::replace(&mut b.logs[0].entries[5].bytes, bytes);
        },
        "first bad: entry 2 is out of order",
    );
    check(
        "forged",
        &|b| {
            // A receipt that says an earlier time.
            let text = String::from_utf8(b.logs[0].checkpoints[0].clone()).unwrap();
            let at = text.trim_end().len() - 20;
            b.logs[0].checkpoints[0][at] = if text.as_bytes()[at] == b'A' { b'B' } else { b'A' };
        },
        "false signature",
    );
    let cut = scratch.join("cut.evidence");
    let bytes = fs::read(scratch.join("all.evidence")).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
    refused(
        north,
        &["evidence", "verify", cut.to_str().unwrap(), "--pact", "demo.pact"],
        1,
        "is not a file of evidence",
    );
    // A key that is not of the pact proves nothing.
    let stranger = tlog::NoteSigner::new("skypact.link/north", &[9; 32]).unwrap().verifier().to_string();
    let all = scratch.join("all.evidence");
    refused(north, &["evidence", "verify", all.to_str().unwrap(), "--key", &stranger], 3, "NOT PROVEN AS CLAIMED");
}

/// Bytes all over the file, one at a time (`crates/tlog/tests/tamper.rs` changes every one of a small file).
fn no_byte_of_an_exported_file_can_be_changed_to_show_more(north: &Path, scratch: &Path) {
    const SAMPLES: usize = 120;
    let signed = pact::SignedPact::parse(&fs::read(north.join("demo.pact")).unwrap()).unwrap();
    let mut trusted = tlog::TrustedKeys::new();
    for party in &signed.pact().parties {
        trusted.add(party.log_key.clone()).unwrap();
        trusted.add(party.cosign_key.clone()).unwrap();
    }
    let good = fs::read(scratch.join("all.evidence")).unwrap();
    let original = Bundle::decode(&good).unwrap();
    let shown = |bundle: &Bundle| {
        let report = tlog::verify(bundle, &trusted);
        let roots =
            report.logs.iter().flat_map(|log| log.checkpoints.iter().map(|c| c.verified.as_ref().ok().map(|t| t.root)));
        let roots: Vec<_> = roots.collect();
        let received: usize = report.logs.iter().flat_map(|log| &log.proven).map(|run| run.received.len()).sum();
        (report.is_sound(), roots, received)
    };
    let (sound, roots, received) = shown(&original);
    assert!(sound);
    let (mut refused, mut taken) = (0, 0);
    for at in (0..SAMPLES).map(|n| (n * good.len() + n) / SAMPLES) {
        let mut bad = good.clone();
        bad[at.min(good.len() - 1)] ^= 1;
        let Some(bundle) = Bundle::decode(&bad).ok() else {
            refused += 1;
            continue;
        };
        let (sound, found, still) = shown(&bundle);
        if !sound {
            refused += 1;
            continue;
        }
        taken += 1;
        let entries =
            bundle.logs.iter().zip(&original.logs).all(|(a, b)| a.entries == b.entries && a.origin == b.origin);
        assert!(entries && found == roots && still <= received, "byte {at} shows something else");
    }
    println!("{} bytes, {SAMPLES} changed: {refused} refused, {taken} taken", good.len());
    assert!(refused > SAMPLES / 2);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A copy without keys shows what the newest receipt covers, and says what is lost.
fn without_keys(north: &Path, scratch: &Path) {
    let home = scratch.join("copy");
    copy(north, &home);
    fs::remove_dir_all(home.join("keys")).unwrap();
    let made = ok(&home, &["evidence", "export", "--peer", "south", "-o", "keyless.evidence"]);
    assert!(made["remarks"].to_string().contains("without the node's keys"), "{made}");
    let out = made["logs"].as_array().unwrap().iter().find(|log| log["direction"] == "out").unwrap();
    assert_eq!(out["checkpoints"], 1, "only the newest receipt can be shown: {out}");
    let report = ok(&home, &["evidence", "verify", "keyless.evidence", "--pact", "demo.pact"]);
    assert_eq!(report["sound"], true);
}

fn mistakes_are_named(north: &Path, scratch: &Path) {
    let all = scratch.join("all.evidence");
    let all = all.to_str().unwrap();
    // A pact without its signatures proves nothing, unless somebody answers for it.
    let signed = fs::read_to_string(north.join("demo.pact")).unwrap();
    let text = signed.split("\n\n").next().unwrap();
    fs::write(north.join("bare.pact"), format!("{text}\n")).unwrap();
    let table: [(&[&str], i32, &str); 10] = [
        (&["evidence", "export", "-o", all], 1, "evidence is never overwritten"),
        (&["evidence", "export", "-o", "x", "--kind", "tracs"], 2, "is none of pact, tracks"),
        (&["evidence", "export", "-o", "x", "--from", "yesterday"], 2, "is not a time such as"),
        (&["evidence", "export", "-o", "x", "--peer", "east"], 1, "there is no log with east"),
        (&["evidence", "export", "-o", "x", "--config", "none.toml"], 1, "cannot read the configuration"),
        (&["evidence", "verify", all], 2, "--pact"),
        (&["evidence", "verify", "demo.pact", "--pact", "demo.pact"], 1, "is not a file of evidence"),
        (&["evidence", "verify", all, "--pact", "skypact.toml"], 1, "the pact skypact.toml"),
        (&["evidence", "verify", all, "--pact", "bare.pact"], 5, "nothing is proven by it"),
        (
            &["evidence", "verify", all, "--pact", "bare.pact", "--unsigned-pact"],
            0,
            "PROVEN ONLY IF THIS PACT IS THE ONE",
        ),
    ];
    for (args, code, said) in table {
        refused(north, args, code, said);
    }
    assert!(!north.join("x").exists());
}

/// The levels that the first notice to a peer had reached at a time.
fn levels(north: &Path, at: &str) -> Vec<String> {
    let told = ok(north, &["replay", "--at", at, "--peer", "south"]);
    let notices = told["told"][0]["notices"].as_array().unwrap().clone();
    let levels = notices.first().map(|n| n["levels"].as_array().unwrap().clone()).unwrap_or_default();
    levels.iter().map(|l| l["level"].as_str().unwrap().to_owned()).collect()
}

fn replayed(north: &Path) {
    let end = ok(north, &["replay", "--verify", "--at", "2100-01-01T00:00:00Z"]);
    assert_eq!(end["journal"]["sound"], true, "{}", end["journal"]);
    let told = end["told"].as_array().unwrap();
    assert_eq!(told.len(), 2);
    for told in told {
        assert_eq!(told["said"], told["held"], "{}", told["peer"]);
        assert!(told["tracks"].as_array().unwrap().len() > 3, "{}", told["peer"]);
    }
    assert!(end["view"]["tracks"].as_array().unwrap().len() > 10);
    let acknowledged = end["view"]["alerts"].as_array().unwrap().iter().find(|a| !a["acknowledged"].is_null());
    assert!(acknowledged.is_some(), "an officer acknowledged an alert: {}", end["view"]["alerts"]);
    // The first notice to the south: what it had reached before it was issued, and at the end.
    let south = told.iter().find(|t| t["peer"] == "south").unwrap();
    let notice = &south["notices"][0];
    let reached: Vec<&str> = notice["levels"].as_array().unwrap().iter().filter_map(|l| l["level"].as_str()).collect();
    assert!(reached.contains(&"RECEIVED") && reached.contains(&"ACKNOWLEDGED"), "{notice}");
    let issued = notice["issued"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let before = (issued - jiff::SignedDuration::from_millis(1)).to_string();
    assert_eq!(levels(north, &before), Vec::<String>::new(), "nothing was said before it was said");
    let acknowledged = notice["levels"].as_array().unwrap().iter().find(|l| l["level"] == "ACKNOWLEDGED").unwrap();
    let acknowledged = acknowledged["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let between = (acknowledged - jiff::SignedDuration::from_millis(1)).to_string();
    assert!(!levels(north, &between).contains(&"ACKNOWLEDGED".to_owned()), "not acknowledged before it was");
    // What had been confirmed only grows.
    let mut held = 0;
    for ms in [0, 2000, 5000, 9000] {
        let at = (issued + jiff::SignedDuration::from_millis(ms)).to_string();
        let now = ok(north, &["replay", "--at", &at, "--peer", "south"])["told"][0]["held"].as_u64().unwrap();
        assert!(now >= held, "{now} after {held}");
        held = now;
    }
    refused(north, &["replay", "--at", "2000-01-01T00:00:00Z"], 1, "the journal begins at");
    refused(north, &["replay", "--at", "2100-01-01T00:00:00Z", "--peer", "east"], 1, "was no peer of this node");
    let text = skypact(north, &["replay", "--at", "2100-01-01T00:00:00Z"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("what south had been told") && text.contains("acknowledged by"), "{text}");
}

fn damaged_journals_are_found(north: &Path, scratch: &Path) {
    let home = scratch.join("damaged");
    copy(north, &home);
    let segment: PathBuf = fs::read_dir(home.join("data/journal"))
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|e| e == "seg"))
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&segment, bytes).unwrap();
    refused(&home, &["replay", "--verify"], 3, "DAMAGED");
    refused(&home, &["evidence", "export", "-o", "x.evidence"], 3, "cannot read the journal");
    refused(&home, &["replay", "--at", "2100-01-01T00:00:00Z"], 3, "is damaged at byte");
    assert!(!home.join("x.evidence").exists(), "nothing is made out of a damaged journal");
}

#[test]
fn benchmarks_of_whole_nodes_run_and_count_right() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().to_str().unwrap();
    let node = ok(
        scratch.path(),
        &["bench", "node", "--size", "20", "--peers", "1", "--seconds", "2", "--runs", "1", "--dir", dir],
    );
    let row = &node["rows"][0];
    assert_eq!((&row["items"], &row["more"]["tracks held at the end"]), (&20.into(), &"20.0".into()), "{node}");
    let link = ok(scratch.path(), &["bench", "link", "--size", "30", "--seconds", "2", "--runs", "1", "--dir", dir]);
    let row = link["rows"].as_array().unwrap().iter().find(|r| r["items"] == 60).unwrap();
    // A second's reports may be overtaken by the next one's before the release.
    let receipted = row["more"]["updates receipted"].as_str().unwrap();
    assert!(["30 of 60", "60 of 60"].contains(&receipted), "{link}");
    let journal = ok(
        scratch.path(),
        &["bench", "journal", "--size", "64", "--batch", "1,10", "--batches", "5", "--runs", "2", "--dir", dir],
    );
    assert_eq!(
        journal["rows"].as_array().unwrap().iter().map(|r| r["items"].as_u64().unwrap()).collect::<Vec<_>>(),
        [5, 50]
    );
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "benchmarks leave nothing behind");
}
