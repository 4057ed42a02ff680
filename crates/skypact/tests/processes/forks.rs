//! A party that tells two others two histories of one log: two honest nodes as real processes, and a third that lies.
use crate::common::node::Node;
use crate::common::stranger::{framed, request};
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually};
use link::{Frame, Hello};
use record::{Mode, PartyId};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tlog::{Checkpoint, Hash, leaf_hash, sign_checkpoint};

fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

fn hello(world: &World, to: &str) -> Vec<u8> {
    Frame::Hello(Hello {
        party: party("alpha"),
        peer: party(to),
        mode: Mode::Exercise("test".into()),
        pact: world.pact().hash(),
        schema: record::SCHEMA,
        in_size: 0,
        your_checkpoint: None,
        out_size: 1,
    })
    .encode()
}

fn forks(node: &Node) -> Vec<Value> {
    node.peer("alpha")["forks"].as_array().cloned().unwrap_or_default()
}

fn alarm(node: &Node, said: &str) -> bool {
    let is = |a: &Value| a["text"].as_str().is_some_and(|t| t.contains(said)) && a["state"] != "cleared";
    node.list("/v1/alerts").iter().any(is)
}

fn skypact(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_skypact")).args(args).current_dir(dir).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn two_histories_shown_to_two_real_nodes_are_found_frozen_alarmed_and_proved_by_a_file() {
    let _limit = Limit::of("forks", 120);
    let mut world = World::new(Spec { names: &["alpha", "north", "south"], aircraft: 2, ..Spec::default() });
    world.shared = true;
    ["north", "south"].iter().for_each(|name| world.write_pact(name, world.pact()));
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    let alpha = &world.secrets["alpha"];
    let origin = format!("skypact.link/alpha/south/exercise:test/{}", world.pact().hash());
    let note = |root: Hash| {
        sign_checkpoint(&Checkpoint { origin: origin.clone(), size: 1, root }, &alpha.log).unwrap().to_bytes()
    };
    let entry = b"what alpha told south".to_vec();
    let (told, shown) = (note(leaf_hash(&entry)), note(leaf_hash(b"what alpha shows north")));
    let end = Frame::Close { code: 0, text: "x".into() }.encode();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let say = |node: &Node, frames: &[Vec<u8>]| {
        runtime.block_on(request(&node.link, &alpha.tls, "/link/v1/stream", framed(frames)));
    };
    // South holds one history, under alpha's signature.
    let entries = Frame::Entries { first: 0, entries: vec![entry] }.encode();
    let checkpoint = Frame::Checkpoint { seq: 1, sent_utc_ms: 0, note: told.clone() }.encode();
    say(&south, &[hello(&world, "south"), entries, checkpoint, end.clone()]);
    eventually("south holds what alpha signed", 10, || (south.peer("alpha")["in"]["sealed"] == 1).then_some(()));
    assert!(forks(&south).is_empty() && forks(&north).is_empty());

    // North is shown another one of the same log.
    say(&north, &[hello(&world, "north"), Frame::Checkpoints(vec![shown.clone()]).encode(), end]);
    eventually("south's link to alpha freezes", 20, || (south.peer("alpha")["link"] == "frozen").then_some(()));
    eventually("both keep both notes", 20, || (forks(&south).len() == 1 && forks(&north).len() == 1).then_some(()));
    for node in [&north, &south] {
        let fork = &forks(node)[0];
        let notes: Vec<&str> = fork["notes"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
        for note in [&told, &shown] {
            assert!(notes.contains(&std::str::from_utf8(note).unwrap()), "{fork}");
        }
        eventually("the desk is alarmed", 10, || {
            alarm(node, "alpha signed two histories of its log to south").then_some(())
        });
    }
    assert!(alarm(&south, "EQUIVOCATION"));
    assert_eq!(north.peer("south")["link"], "up", "the honest go on");

    // Both files convict alpha by the pact alone: that of who was lied to, and that of a third party.
    for (node, name) in [(&north, "north"), (&south, "south")] {
        let home = world.home(name);
        let (code, said) = skypact(&home, &["--json", "evidence", "export", "--peer", "alpha", "-o", "fork.evidence"]);
        assert_eq!(code, Some(0), "{name}: {said}");
        let made: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        assert_eq!((&made["forks"][0]["by"], &made["contradictions"]), (&"alpha".into(), &1.into()), "{made}");
        let verify = ["--json", "evidence", "verify", "fork.evidence", "--pact", "test.pact"];
        let (code, said) = skypact(&home, &verify);
        assert_eq!(code, Some(0), "{name}: {said}");
        let report: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        assert_eq!(report["contradicted"], serde_json::json!(["alpha"]), "{report}");
        let (_, text) = skypact(&home, &verify[1..]);
        assert!(text.contains("A SIGNER CONTRADICTED ITSELF: alpha."), "{text}");
        assert!(text.contains("give one size two roots"), "{text}");
        // Under another key than alpha's it proves nothing.
        let stranger = world.secrets["north"].log.verifier().to_string();
        let (code, said) = skypact(&home, &["evidence", "verify", "fork.evidence", "--key", &stranger]);
        assert_eq!(code, Some(3), "{said}");
        independent(&world, &home);
        drop(node.peer("alpha"));
    }

    // What was found outlives a restart.
    north.stop();
    let north = world.start("north");
    assert_eq!(forks(&north).len(), 1);
    north.stop();
    south.stop();
    let (code, said) = skypact(&world.home("north"), &["evidence", "export", "-o", "again.evidence"]);
    assert!(code == Some(0) && said.contains("alpha signed two histories of its log to south, at 1 entries"), "{said}");
}

/// The verifier of other code finds the contradiction as well.
fn independent(world: &World, home: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/tools/verify_evidence.py");
    let keys = world.secrets.values().flat_map(|s| [s.log.verifier().to_string(), s.cosign.verifier().to_string()]);
    let Ok(python) = Command::new("python3").arg(script).arg("fork.evidence").args(keys).current_dir(home).output()
    else {
        assert!(std::env::var_os("SKYPACT_REQUIRE_TOOLS").is_none(), "no python3, which is required here");
        return println!("skipped: no python3");
    };
    let said = String::from_utf8_lossy(&python.stdout);
    assert!(python.status.success() && said.contains("CONTRADICTION"), "{said}");
}
