//! Witnesses and auditors with real processes: nodes, `skypact witness`, a witness in Python from the standard's text, an auditor.
use crate::common::world::{Secrets, Spec, World, link_up};
use crate::common::{Limit, eventually, logs, stranger};
use pact::{Auditor, Quorum};
use rcgen::PublicKeyData;
use record::{Hash32, PartyId};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A process that ends with the test.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already is as good.
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

/// Starts a process and gives the first line it says.
#[track_caller]
fn spawn(command: &mut Command) -> (Running, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "{command:?} said nothing");
    (Running(child), line)
}

pub fn skypact(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_skypact")).args(args).current_dir(dir).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok_and(|out| out.status.success());
    if !found {
        assert!(std::env::var_os("SKYPACT_REQUIRE_TOOLS").is_none(), "no python3, which is required here");
        println!("skipped: no python3");
    }
    found
}

/// Makes a witness's key and starts it.
#[track_caller]
pub fn witness(dir: &Path, name: &str, config: &str) -> (Running, Value) {
    fs::create_dir_all(dir).unwrap();
    if !dir.join("witness.key").exists() {
        let (code, said) = skypact(dir, &["witness", "key", name]);
        assert_eq!(code, Some(0), "{said}");
    }
    let text = format!("name = \"{name}\"\nkey = \"witness.key\"\ndata = \"data\"\nlisten = \"127.0.0.1:0\"\n{config}");
    fs::write(dir.join("witness.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_skypact"));
    let (running, line) = spawn(command.args(["--json", "witness", "serve", "--stop-with-stdin"]).current_dir(dir));
    (running, serde_json::from_str(&line).unwrap())
}

//= spec/witness.md W-9
#[test]
fn a_client_of_other_code_finds_every_answer_of_the_standard() {
    let _limit = Limit::of("standard", 120);
    if !has_python() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = tlog::NoteSigner::new("log.example", &[7; 32]).unwrap();
    let config = format!("[[log]]\norigin = \"log.example/x y\"\nkeys = [\"{}\"]\n", log.verifier());
    let (_witness, ready) = witness(dir.path(), "w.example/1", &config);
    let (url, key) = (ready["url"].as_str().unwrap(), ready["key"].as_str().unwrap());
    let probe = Command::new("python3")
        .arg(script("tests/witness.py"))
        .args(["probe", url, key, &"07".repeat(32), "log.example/x y"])
        .output()
        .unwrap();
    let said = [probe.stdout, probe.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    println!("{said}");
    assert!(probe.status.success() && said.ends_with("done\n"), "{said}");
}

fn check_log(world: &World, name: &str, peer: &str, part: &str, keys: &[String], dir: &Path) -> (Option<i32>, String) {
    let (from, to) = if part == "out" { (name, peer) } else { (peer, name) };
    let origin = format!("skypact.link/{from}/{to}/exercise:test/{}", world.pact().hash());
    let output = Command::new("python3")
        .arg(script("../../spec/tools/check_log.py"))
        .arg(dir)
        .arg(origin)
        .args(["--witnesses", "2"])
        .args(keys)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

//= spec/witness.md W-1
//= spec/witness.md W-2
//= spec/witness.md W-3
//= spec/witness.md W-4
//= spec/witness.md W-5
//= spec/witness.md W-8
//= spec/witness.md W-12
//= spec/witness.md W-13
//= spec/witness.md W-14
#[test]
fn two_witnesses_of_different_code_make_the_quorum_and_an_auditor_reads_what_is_its() {
    let _limit = Limit::of("witnesses and auditor", 180);
    if !has_python() {
        return;
    }
    let mut world = World::new(Spec::default());
    let hash_of = |world: &World| world.pact().hash();
    let dir = world.dir.path().to_owned();
    let auditor = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    fs::create_dir_all(dir.join("court")).unwrap();
    let ours = dir.join("witness");
    fs::create_dir_all(&ours).unwrap();
    let (_, key) = skypact(&ours, &["witness", "key", "w1.example"]);
    let theirs = tlog::NoteSigner::cosigner("w2.example", &[9; 32]).unwrap();
    let (code, pin) = skypact(&dir.join("court"), &["audit", "key"]);
    assert_eq!(code, Some(0), "{pin}");
    world.oversight = pact::Oversight {
        auditors: vec![Auditor {
            id: PartyId::parse("court").unwrap(),
            tls_spki_sha256: Hash32::parse(pin.trim()).unwrap(),
        }],
        witnesses: vec![key.trim().parse().unwrap(), theirs.verifier().clone()],
        quorum: Some(Quorum { of: 2, within_s: 5 }),
    };
    let origin = |from: &str, to: &str| format!("skypact.link/{from}/{to}/exercise:test/{}", hash_of(&world));
    let log_key = |name: &str| world.secrets[name].log.verifier().to_string();
    world.write_pact("north", world.pact());
    let pact = world.home("north").join("test.pact");
    let (first, ready) = witness(&ours, "w1.example", &format!("pacts = [\"{}\"]\n", pact.display()));
    let python = || {
        let mut command = Command::new("python3");
        command.arg(script("tests/witness.py")).args(["serve", "w2.example", &"09".repeat(32)]);
        let pairs = [("north", "south"), ("south", "north")];
        command.args(pairs.map(|(a, b)| format!("{}={}", origin(a, b), log_key(a))));
        let (running, line) = spawn(&mut command);
        let (vkey, url) = line.trim().split_once(' ').unwrap();
        assert_eq!(vkey, theirs.verifier().to_string());
        (running, url.to_owned())
    };
    let (second, url) = python();
    for name in ["north", "south"] {
        world.write_pact(name, world.pact());
        let mut config = world.config(name);
        let first = ready["url"].as_str().unwrap();
        for (witness, url) in [("w1.example", first), ("w2.example", url.as_str())] {
            config += &format!("\n[[witness]]\nname = \"{witness}\"\nurl = \"{url}\"\nevery_s = 1\n");
        }
        fs::write(world.home(name).join("skypact.toml"), config).unwrap();
    }
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    let witnessed = |node: &crate::common::node::Node, peer: &str, part: &str| {
        node.peer(peer)[part]["witnessed"]["size"].as_u64().unwrap()
    };
    eventually("both sides see both logs witnessed by two", 40, || {
        let all = [(&north, "south"), (&south, "north")]
            .map(|(node, peer)| witnessed(node, peer, "out") > 3 && witnessed(node, peer, "in") > 3);
        (all == [true, true]).then_some(())
    });
    let unwitnessed = |node: &crate::common::node::Node| {
        let said = |a: &Value| a["text"].as_str().is_some_and(|t| t.contains("Not witnessed by 2"));
        node.list("/v1/alerts").iter().any(|a| said(a) && a["state"] != "cleared")
    };
    assert!(!unwitnessed(&north) && !unwitnessed(&south));

    // One witness gone: the quorum is lacked, the desk learns of it, and nothing is held back.
    drop(second);
    eventually("the desk is alerted", 40, || (unwitnessed(&north) && unwitnessed(&south)).then_some(()));
    let before = south.peer("north")["in"]["size"].as_u64().unwrap();
    eventually("the link goes on", 20, || (south.peer("north")["in"]["size"].as_u64().unwrap() > before).then_some(()));
    assert!(north.peer("south")["out"]["witnessed"]["since_utc_ms"].is_i64());

    // The auditor: everything of this pact, nothing else.
    let fetch = || {
        skypact(
            &dir.join("court"),
            &["--json", "audit", "fetch", "--pact", pact.to_str().unwrap(), "--party", "north", "--from", &north.link],
        )
    };
    for _ in 0..2 {
        let (code, said) = fetch();
        assert_eq!(code, Some(0), "{said}");
        let report: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        assert_eq!(report["logs"].as_array().unwrap().len(), 2, "{said}");
        for log in report["logs"].as_array().unwrap() {
            assert!(log["log"]["size"].as_u64().unwrap() > 3, "{said}");
            assert_eq!(log["log"]["witnessed"]["by"].as_array().map(Vec::len), Some(2), "{said}");
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let court = rcgen::KeyPair::from_pem(&fs::read_to_string(dir.join("court/auditor.key.pem")).unwrap()).unwrap();
    let get = |key: &rcgen::KeyPair, method: &str, path: &str| {
        runtime.block_on(stranger::read(&north.link, key, method, path)).map(|(status, body)| (status, body.len()))
    };
    for (path, status) in [
        ("/log/north/south/checkpoint", 200),
        ("/log/south/north/checkpoint", 200),
        ("/log/north/south/witnessed", 200),
        ("/log/north/south/tile/0/000.p/1", 200),
        ("/log/north/south/tile/entries/000.p/1", 200),
        ("/log/north/south/tile/0/001", 404),
        ("/log/north/south/tile/0/000.p/01", 404),
        ("/log/north/south/../../journal", 404),
        ("/log/north/south/tile/0/000.p/1?x", 404),
        ("/log/north/civil/checkpoint", 404),
        ("/log/south/civil/checkpoint", 404),
        ("/log/north/south/frozen-EQUIVOCATION-0.note", 404),
        ("/link/v1/stream", 404),
        ("/", 404),
    ] {
        assert_eq!(get(&court, "GET", path).map(|(status, _)| status), Some(status), "{path}");
    }
    assert_eq!(get(&court, "GET", "/log/north/south/tile/0/000.p/1"), Some((200, 32)));
    assert_eq!(get(&court, "HEAD", "/log/north/south/checkpoint"), Some((200, 0)));
    for method in ["POST", "PUT", "DELETE"] {
        let status = get(&court, method, "/log/north/south/checkpoint").map(|(status, _)| status);
        assert_eq!(status, Some(404), "{method}");
    }
    assert_eq!(get(&court, "POST", "/link/v1/stream").map(|(status, _)| status), Some(404), "an auditor is no peer");
    // The addressee, on a connection of its own; and a key that nobody named.
    let peer = &world.secrets["south"].tls;
    assert_eq!(get(peer, "GET", "/log/north/south/checkpoint").map(|(status, _)| status), Some(200));
    assert_eq!(get(&auditor, "GET", "/log/north/south/checkpoint"), None, "no connection at all");
    let _public = auditor.subject_public_key_info();

    south.stop();
    north.stop();
    drop(first);
    // A reader of other code over what the real store wrote, and over damage to it.
    let secrets = |name: &str, of: fn(&Secrets) -> &tlog::NoteSigner| of(&world.secrets[name]).verifier().to_string();
    for (name, peer) in [("north", "south"), ("south", "north")] {
        for part in ["out", "in"] {
            let from = if part == "out" { name } else { peer };
            let to = if part == "out" { peer } else { name };
            let keys = [
                secrets(from, |s| &s.log),
                secrets(to, |s| &s.cosign),
                key.trim().into(),
                theirs.verifier().to_string(),
            ];
            let log = logs::log_dir(&world, name, peer, part);
            let (code, said) = check_log(&world, name, peer, part, &keys, &log);
            assert_eq!(code, Some(0), "{name} {part}: {said}");
            if part == "out" {
                damage(&log, &mut || check_log(&world, name, peer, part, &keys, &log));
            }
        }
    }
    // The auditor's copy is a log like any other.
    let court = dir.join("court/audit/north/south");
    let keys = [secrets("north", |s| &s.log), key.trim().into(), theirs.verifier().to_string()];
    let (code, said) = check_log(&world, "north", "south", "out", &keys, &court);
    assert_eq!(code, Some(0), "{said}");
}

/// Changes each kind of file of a log in turn, expects it to be named, and puts it back.
#[track_caller]
fn damage(log: &Path, check: &mut dyn FnMut() -> (Option<i32>, String)) {
    let mut files = vec![log.join("checkpoint"), log.join("witnessed")];
    let mut folders = vec![log.join("tile")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let mut seen = 0;
    for path in files.iter().filter(|p| p.extension().is_none_or(|e| e != "tmp")) {
        let good = fs::read(path).unwrap();
        let middle = good.len() / 2;
        let mut bad = good.clone();
        bad[middle] ^= 1;
        fs::write(path, bad).unwrap();
        let (code, said) = check();
        fs::write(path, good).unwrap();
        // A narrower partial file that is not read any more is no part of the log.
        if code == Some(1) {
            assert!(said.contains("NOT AS SIGNED"), "{said}");
            seen += 1;
        }
    }
    assert!(seen >= 4, "{seen} of {files:?} noticed");
}
