//! Keys that are replaced while pact and logs go on (`spec/keys.md`), with the program's own commands.
use crate::common::node::Node;
use crate::common::stranger::{ask, open};
use crate::common::world::{Secrets, Spec, World, link_up};
use crate::common::{Limit, eventually};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// Runs `skypact` in a party's folder; what it printed.
#[track_caller]
fn skypact(world: &World, name: &str, args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_skypact")).args(args).current_dir(world.home(name)).output().unwrap();
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "skypact {args:?}: {said}");
    said
}

fn number(node: &Node, peer: &str, log: &str, what: &str) -> u64 {
    node.peer(peer)[log][what].as_u64().unwrap()
}

/// New keys for a party, and a statement about them, as its people make them.
pub fn replace(world: &World, name: &str, keys: &str, reason: &str, serial: u32) -> String {
    let authority = world.dir.path().join(format!("{name}.authority.key"));
    Secrets::write_authority(&authority, name, "");
    skypact(world, name, &["key", "new", "--keys", keys]);
    let authority = authority.to_str().unwrap();
    let said = skypact(world, name, &["key", "replace", "--keys", keys, "--authority", authority, "--reason", reason]);
    let file = format!("{name}-{serial}.keys");
    assert!(said.contains(&file), "{said}");
    file
}

/// Names new keys in a party's configuration.
pub fn configure(world: &World, name: &str, keys: &str, previous: Option<&str>, statements: &[&str]) {
    let mut text = format!("keys = \"{keys}\"\nstatements = {statements:?}\n");
    if let Some(previous) = previous {
        text += &format!("previous_keys = \"{previous}\"\n");
    }
    fs::write(world.home(name).join("skypact.toml"), text + &world.config(name)).unwrap();
}

pub fn all_cosigned(node: &Node, peer: &str, after: u64) -> bool {
    let (size, cosigned) = (number(node, peer, "out", "size"), number(node, peer, "out", "cosigned"));
    size == cosigned && cosigned > after
}

//= spec/keys.md K-11
#[test]
fn both_sides_replace_all_their_keys_one_after_the_other_and_nothing_is_lost() {
    let _limit = Limit::of("rotation", 120);
    let world = World::new(Spec::default());
    let (mut south, mut north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    // The side that dials first, then the one that listens; TLS keys too. Neither is told of the other's by hand.
    let file = replace(&world, "north", "keys-2", "rotation", 1);
    let before = number(&north, "south", "out", "size");
    north.stop();
    configure(&world, "north", "keys-2", Some("keys"), &[&file]);
    north = world.start("north");
    eventually("the south holds the statement", 30, || {
        (south.peer("north")["keys"]
            == json!({ "serial": 1, "reason": "rotation",
            "issued_utc_ms": south.peer("north")["keys"]["issued_utc_ms"] }))
        .then_some(())
    });
    eventually("and cosigns what the new key signs", 20, || all_cosigned(&north, "south", before).then_some(()));

    let file = replace(&world, "south", "keys-2", "rotation", 1);
    let before = number(&south, "north", "out", "size");
    south.stop();
    configure(&world, "south", "keys-2", Some("keys"), &[&file]);
    south = world.start("south");
    eventually("the north holds the statement", 30, || (north.peer("south")["keys"]["serial"] == 1).then_some(()));
    let told = |alert: &Value| alert["text"].as_str().is_some_and(|t| t.contains("The keys of south were replaced"));
    eventually("the desk is told", 10, || north.list("/v1/alerts").iter().any(told).then_some(()));
    eventually("and cosigns", 20, || all_cosigned(&south, "north", before).then_some(()));

    // With the old TLS keys gone from both configurations they still find each other.
    north.stop();
    configure(&world, "north", "keys-2", None, &["north-1.keys"]);
    south.stop();
    configure(&world, "south", "keys-2", None, &["south-1.keys"]);
    (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    north.stop();
    south.stop();
    // Evidence of both logs, made with the new keys, holds with the pact alone: the file brings the statements.
    for name in ["north", "south"] {
        skypact(&world, name, &["evidence", "export", "--output", "all.evidence"]);
        let said = skypact(&world, name, &["evidence", "verify", "all.evidence", "--pact", "test.pact"]);
        for party in ["north", "south"] {
            assert!(said.contains(&format!("keys of {party} by statement 1")), "{said}");
        }
    }
}

//= spec/keys.md K-5
//= spec/keys.md K-7
#[test]
fn who_stole_all_keys_of_a_party_is_locked_out_as_soon_as_a_peer_has_the_statement() {
    let _limit = Limit::of("stolen", 90);
    let world = World::new(Spec::default());
    let (south, thief) = (world.start("south"), world.start("north"));
    link_up(&thief, &south);
    // The thief has one more connection, which it made in time.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (mut held, is_over) = runtime.block_on(open(&south.link, &world.secrets["north"].tls)).unwrap();
    let mut status = |method: &str, path: &str| {
        let answer = runtime.block_on(ask(&mut held, method, path, vec![]));
        answer.map(|answer| answer.status().as_u16())
    };
    const LOG: &str = "/log/south/north/checkpoint";
    eventually("the old key reads a log, so this can fail", 10, || (status("GET", LOG) == Some(200)).then_some(()));
    // The thief's node is north's own, with north's keys. Its owners call the south and bring the statement.
    let file = replace(&world, "north", "keys-2", "stolen", 1);
    fs::copy(world.home("north").join(&file), world.home("south").join(&file)).unwrap();
    let said = skypact(&world, "south", &["key", "accept", &file]);
    assert!(said.contains("The keys of north are those of statement 1"), "{said}");
    // What is shown follows the fold by up to a second: the session ended with the statement, and what it shows then is of then.
    eventually("the session of the stolen key is over", 5, || (south.peer("north")["link"] == "down").then_some(()));
    let sealed = number(&south, "north", "in", "sealed");
    // On a connection that was made before, the key is worth no more than on a new one.
    for (method, path) in [("POST", "/link/v1/stream"), ("GET", LOG)] {
        let answer = status(method, path);
        assert!(answer.is_none_or(|status| matches!(status, 403 | 404)), "{method} {path}: {answer:?}");
    }
    eventually("the old connection is ended", 5, || is_over.is_finished().then_some(()));
    assert!(south.metrics().contains("reason=\"a key that was replaced since\""));
    eventually("the south refuses the stolen TLS key", 20, || {
        (south.metrics().contains("a key that the pact does not name")).then_some(())
    });
    assert_eq!(south.peer("north")["link"], "down");
    assert_eq!(number(&south, "north", "in", "sealed"), sealed, "nothing was believed since");
    thief.stop();
    configure(&world, "north", "keys-2", None, &[&file]);
    let north = world.start("north");
    link_up(&north, &south);
    eventually("what the owner says is cosigned", 20, || all_cosigned(&north, "south", sealed).then_some(()));
    // Receipts by the stolen key alone are none: the south's words have others as soon as the owner cosigns more of them.
    let told = number(&south, "north", "out", "size");
    let notice =
        ["notice", "send", "--to", "north", "--class", "information", "--precedence", "PRIORITY", "--text", "Welcome"];
    skypact(&world, "south", &notice);
    eventually("what the owner hears is cosigned", 20, || all_cosigned(&south, "north", told).then_some(()));
    let again = Command::new(env!("CARGO_BIN_EXE_skypact"))
        .args(["key", "accept", &file])
        .current_dir(world.home("south"))
        .output()
        .unwrap();
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("known"), "{again:?}");
    north.stop();
    south.stop();
    evidence_after_a_theft(&world, &file);
}

/// What was said before holds, in both files; what the thief adds to one does not.
//= spec/keys.md K-17
fn evidence_after_a_theft(world: &World, statement: &str) {
    let stolen = &world.secrets["north"];
    for name in ["north", "south"] {
        skypact(world, name, &["evidence", "export", "--output", "all.evidence"]);
        let said = judged(world, name, "all.evidence", statement, 0);
        assert!(said.contains("older keys of it were STOLEN"), "{said}");
        // The north signs its own again, with the keys it has now; the south has what the old ones signed.
        let old = said.contains(", a stolen key");
        let stands = said.contains("stands: a key not stolen signed this tree or one that extends it");
        assert_eq!((old, stands), (name == "south", name == "south"), "{said}");
    }
    // South holds what it heard from north, and makes more of it with the key that it, or anybody, stole.
    let all = fs::read(world.home("south").join("all.evidence")).unwrap();
    let mut bundle = tlog::Bundle::decode(&all).unwrap();
    let log = bundle.logs.iter_mut().find(|log| log.origin.starts_with("skypact.link/north/south/")).unwrap();
    let mut tree = tlog::Tree::new();
    let entry = b"what north never said".to_vec();
    tree.append(tlog::leaf_hash(&entry));
    let checkpoint = tlog::Checkpoint { origin: log.origin.clone(), size: 1, root: tree.root() };
    let note = tlog::sign_checkpoint(&checkpoint, &stolen.log).unwrap();
    let number = log.add_checkpoint(&note);
    let proof = tlog::Proof::default();
    log.entries = vec![tlog::EntryEvidence { index: 0, checkpoint: number, bytes: entry, proof }];
    log.ranges.clear();
    fs::write(world.home("south").join("forged.evidence"), bundle.encode().unwrap()).unwrap();
    let said = judged(world, "south", "forged.evidence", statement, 3);
    assert!(
        said.contains(&format!("not proven: entries 0..1: a stolen key alone signed checkpoint {number}")),
        "{said}"
    );
    assert!(!said.contains("CONTRADICTION"), "{said}");
    // The metadata with the statement can be left out of a file: then it is given by hand, or stands in the log itself.
    bundle.metadata = None;
    fs::write(world.home("south").join("bare.evidence"), bundle.encode().unwrap()).unwrap();
    let verify = ["evidence", "verify", "bare.evidence", "--pact", "test.pact", "--statement", statement];
    let out =
        Command::new(env!("CARGO_BIN_EXE_skypact")).args(verify).current_dir(world.home("south")).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{}", String::from_utf8_lossy(&out.stdout));
}

/// What both verifiers say of a file; the one in Python exits with 1 where ours does with 3.
#[track_caller]
fn judged(world: &World, name: &str, file: &str, statement: &str, code: i32) -> String {
    let home = world.home(name);
    let verify = ["evidence", "verify", file, "--pact", "test.pact"];
    let out = Command::new(env!("CARGO_BIN_EXE_skypact")).args(verify).current_dir(&home).output().unwrap();
    let ours = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(code), "{name} {file}: {ours}");
    let json =
        Command::new(env!("CARGO_BIN_EXE_skypact")).arg("--json").args(verify).current_dir(&home).output().unwrap();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["sound"], code == 0, "{json}");
    let signed = pact::SignedKeys::parse(&fs::read(world.home("north").join(statement)).unwrap()).unwrap();
    let new = &signed.statement().keys;
    let mut keys: Vec<String> = vec![new.log_key.to_string(), new.cosign_key.to_string()];
    for secrets in world.secrets.values() {
        keys.extend([secrets.log.verifier().to_string(), secrets.cosign.verifier().to_string()]);
    }
    let old = &world.secrets["north"];
    for key in [&old.log, &old.cosign] {
        keys.extend(["--stolen".to_owned(), key.verifier().to_string()]);
    }
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/tools/verify_evidence.py");
    if let Ok(python) = Command::new("python3").arg(script).arg(file).args(keys).current_dir(&home).output() {
        let theirs = String::from_utf8_lossy(&python.stdout);
        assert_eq!(python.status.code(), Some(i32::from(code != 0)), "{theirs}");
        assert!(ours.starts_with(&*theirs), "the two reports differ:\n{ours}\n{theirs}");
    } else {
        assert!(std::env::var_os("SKYPACT_REQUIRE_TOOLS").is_none(), "no python3, which is required here");
        println!("skipped: no python3");
    }
    ours
}

#[test]
fn a_node_with_other_keys_than_it_stated_does_not_start() {
    let _limit = Limit::of("other keys", 60);
    let world = World::new(Spec::default());
    let file = replace(&world, "north", "keys-2", "lost", 1);
    configure(&world, "north", "keys", None, &[&file]);
    let said = world.refused("north").said;
    assert!(said.contains("statement 1 about the keys of north names another log key than north holds"), "{said}");
    configure(&world, "north", "keys-2", None, &[]);
    let said = world.refused("north").said;
    assert!(said.contains("clause 1 of its pact names another log key than north holds"), "{said}");
    configure(&world, "north", "keys-2", None, &[&file]);
    world.start("north").stop();
    // Nor does the program make a statement that goes back to keys that were replaced.
    let authority = world.dir.path().join("north.authority.key");
    for (reason, serial) in [("stolen", "2"), ("rotation", "5")] {
        let args = ["key", "replace", "--keys", "keys", "--reason", reason, "--serial", serial, "--authority"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_skypact"));
        let out = command.args(args).arg(&authority).current_dir(world.home("north")).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && said.contains("the log-key is one that the party had before"), "{said}");
        assert!(!world.home("north").join(format!("north-{serial}.keys")).exists());
    }
    // From now on the statement is in the journal, and counts without being configured.
    configure(&world, "north", "keys", None, &[]);
    let said = world.refused("north").said;
    assert!(said.contains("statement 1 about the keys of north names another log key"), "{said}");
}
