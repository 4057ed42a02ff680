//! What was told when, and answered how, as files and replay show it: a clock that is off, and receipts at all levels.
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually};
use serde_json::Value;
use std::fs;
use std::process::Command;

#[test]
fn a_clock_two_minutes_off_shows_in_evidence_and_replay_and_so_does_every_level_of_receipt() {
    const OFF_S: i64 = 120;
    let _limit = Limit::of("told", 120);
    let mut world = World::new(Spec { aircraft: 2, ..Spec::default() });
    world.off_s.insert("south", OFF_S);
    fs::write(world.home("south").join("skypact.toml"), world.config("south")).unwrap();
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    let run = |name: &str, args: &[&str]| -> String {
        let out =
            Command::new(env!("CARGO_BIN_EXE_skypact")).args(args).current_dir(world.home(name)).output().unwrap();
        let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert!(out.status.success(), "{name} {args:?}: {said}");
        said
    };
    let json = |name: &str, args: &[&str]| -> Value {
        let said = run(name, &[&["--json"], args].concat());
        serde_json::from_str(said.lines().next().unwrap()).unwrap_or_else(|e| panic!("{args:?}: {e}: {said}"))
    };
    // South says something at its own time; north says something that south answers at every level.
    south.file_plans(1..2);
    let notice =
        ["notice", "send", "--to", "south", "--class", "information", "--precedence", "PRIORITY", "--text", "Hold"];
    run("north", &notice);
    let id = eventually("the notice is there", 20, || {
        let list = south.list("/v1/notices");
        list.iter().find(|n| n["direction"] == "in").map(|n| n["id"].as_str().unwrap().to_owned())
    });
    run("south", &["notice", "ack", &id]);
    run("south", &["notice", "respond", &id, "--decision", "unable", "--text", "No crew"]);
    run("south", &["notice", "pass-on", &id, "--to", "Tower"]);
    run("south", &["notice", "publish", &id, "--at", "NOTAM A1"]);
    eventually("north has every answer", 20, || {
        let list = north.list("/v1/notices");
        let answers = list.iter().find(|n| n["direction"] == "out")?["answers"].as_array()?.len();
        (answers == 3).then_some(())
    });
    let settled = |node: &crate::common::node::Node, peer: &str| {
        let out = node.peer(peer)["out"].clone();
        out["size"] == out["cosigned"]
    };
    eventually("all is cosigned", 20, || (settled(&north, "south") && settled(&south, "north")).then_some(()));
    north.stop();
    south.stop();

    // Evidence: the claims of south are dated after north signed to hold them. The receipts it gave are as well.
    run("south", &["evidence", "export", "-o", "all.evidence"]);
    let report = json("south", &["evidence", "verify", "all.evidence", "--pact", "test.pact", "--show"]);
    let log = |name: &str| {
        let logs = report["logs"].as_array().unwrap();
        logs.iter().find(|l| l["origin"].as_str().unwrap().starts_with(name)).unwrap().clone()
    };
    let (by_south, by_north) = (log("south to north"), log("north to south"));
    let claims = by_south["claimed_off"].as_array().unwrap();
    let near = |off_ms: i64, want_s: i64| (off_ms - want_s * 1000).abs() < 10_000;
    assert!(claims.iter().any(|c| c["what"] == "issued" && near(c["off_ms"].as_i64().unwrap(), OFF_S)), "{claims:?}");
    assert!(
        claims.iter().any(|c| c["what"] == "RESPONDED" && near(c["off_ms"].as_i64().unwrap(), OFF_S)),
        "{claims:?}"
    );
    for claim in claims {
        assert!(claim["told"]["before"].is_string() && claim["claimed"].is_string(), "the bracket is given: {claim}");
    }
    // By south's clock all that north says is from the past: told later than it claims.
    let claims = by_north["claimed_off"].as_array().unwrap();
    assert!(claims.iter().any(|c| near(c["off_ms"].as_i64().unwrap(), -OFF_S)), "{claims:?}");
    let text = run("south", &["evidence", "verify", "all.evidence", "--pact", "test.pact"]);
    assert!(text.contains("CLAIMED TIMES of skypact.link/south/north/"), "{text}");
    assert!(text.contains("after it was held: the claim or a clock is false; told "), "{text}");
    let levels = |entry: &Value| entry["receipts"].as_array().map_or(0, Vec::len);
    let entries = by_north["entries"].as_array().unwrap();
    assert!(entries.iter().any(|e| levels(e) >= 4), "ACKNOWLEDGED and three answers stand by the notice");

    // Replay: at both, what was answered, and the bracket.
    let at = "2100-01-01T00:00:00Z";
    let told = json("north", &["replay", "--at", at, "--peer", "south"])["told"][0].clone();
    let notice = &told["notices"][0];
    let find = |level: &str| {
        let levels = notice["levels"].as_array().unwrap();
        levels.iter().find(|l| l["level"] == level).unwrap_or_else(|| panic!("no {level}: {notice}")).clone()
    };
    assert_eq!((&find("RESPONDED")["decision"], &find("RESPONDED")["text"]), (&"unable".into(), &"No crew".into()));
    assert_eq!((&find("DISSEMINATED")["text"], &find("PUBLISHED")["text"]), (&"Tower".into(), &"NOTAM A1".into()));
    assert!(find("ACKNOWLEDGED")["at"].is_string() && notice["told"]["before"].is_string(), "{notice}");
    let text = run("north", &["replay", "--at", at, "--peer", "south"]);
    assert!(text.contains("RESPONDED at") && text.contains(", unable: No crew"), "{text}");
    let told = json("south", &["replay", "--at", at, "--peer", "north"])["told"][0].clone();
    let plan = told["filed"].as_array().unwrap().iter().find(|f| f["kind"] == "plan").unwrap().clone();
    assert!(near(plan["claimed_off_ms"].as_i64().unwrap(), OFF_S), "{plan}");
    let text = run("south", &["replay", "--at", at, "--peer", "north"]);
    assert!(text.contains("after what the order of the logs allows: told "), "{text}");
}
