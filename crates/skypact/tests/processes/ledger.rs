//! Who was told what under which rule, as a reviewer reads it from the data folder of a node that is stopped.
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually, logs};
use record::Hash32;
use serde_json::Value;
use std::fs;
use std::process::{Command, Output};

#[test]
fn the_ledger_names_every_record_of_the_log_with_the_rule_it_went_under() {
    let _limit = Limit::of("ledger", 60);
    let world = World::new(Spec::default());
    let (south, north) = (world.start("south"), world.start("north"));
    link_up(&north, &south);
    north.file_plans(1..4);
    let size = |what: &str| north.peer("south")["out"][what].as_u64().unwrap();
    eventually("a dozen records are said and receipted", 30, || {
        (size("size") >= 12 && size("cosigned") == size("size")).then_some(())
    });
    north.stop();
    south.stop();
    let dir = logs::log_dir(&world, "north", "south", "out");
    let entries = logs::entries(&dir, logs::size(&dir));
    let out = Command::new(env!("CARGO_BIN_EXE_skypact"))
        .args(["release", "ledger", "--peer", "south", "--rows", "--json"])
        .current_dir(world.home("north"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let rows: Vec<Value> =
        String::from_utf8(out.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), entries.len(), "a line for each record of the log");
    for (index, (row, entry)) in rows.iter().zip(&entries).enumerate() {
        let record = record::decode(entry).unwrap().record;
        assert_eq!(row["index"].as_u64(), Some(index as u64));
        assert_eq!(row["record"], Hash32::of(entry).to_string(), "{row}");
        assert_eq!(row["kind"], record.body.kind().name());
        match record.body {
            record::Body::Tracks(batch) => {
                assert_eq!((row["rule"].as_u64(), row["level"].as_str()), (Some(1), Some("full")), "{row}");
                assert_eq!(row["tracks"].as_array().map(Vec::len), Some(batch.len()), "each aircraft is named: {row}");
            }
            record::Body::Plan(_) => assert_eq!((row["rule"].as_u64(), row["level"].as_str()), (Some(2), Some("full"))),
            _ => assert_eq!((row["rule"].as_u64(), row["level"].as_str()), (None, Some("addressed")), "{row}"),
        }
    }
    let kinds = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).count();
    assert!(kinds("tracks") > 0 && kinds("plan") == 3, "{} tracks, {} plans", kinds("tracks"), kinds("plan"));
}

#[test]
fn an_aircraft_told_in_cells_alone_is_found_by_address_and_callsign_with_its_rule_in_every_form() {
    let _limit = Limit::of("cells", 60);
    let world = World::new(Spec { aircraft: 2, rate: 10.0, ..Spec::default() });
    // One rule for the one, another with the same cells for the other, and neither names anybody.
    let table = |more: &str| {
        format!(
            "[[release]]\nto = \"south\"\nclass = \"tracks\"\nlevel = \"coarse\"\ncell_deg = 1.0\nbin_s = 10\n{more}\n"
        )
    };
    let config = world.config("north");
    let (head, _) = config.split_once("[[release]]").unwrap();
    let (_, feeds) = config.split_once("[[feed]]").unwrap();
    let near = "circle = [41.5, 5.2, 45.0]";
    let rules = table(near) + &table("");
    fs::write(world.home("north").join("skypact.toml"), format!("{head}{rules}\n[[feed]]{feeds}")).unwrap();
    let (south, node) = (world.start("south"), world.start("north"));
    link_up(&node, &south);
    eventually("some bins are told", 30, || (node.peer("south")["out"]["size"].as_u64() >= Some(8)).then_some(()));
    node.stop();
    south.stop();
    let lines = |words: &str| {
        let out = north(&world, &format!("release ledger --peer south {words}"));
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let json = |words: &str| {
        lines(&format!("--json {words}"))
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect::<Vec<Value>>()
    };
    for (wanted, other, rule) in [("4b0000", "T0X0", 1), ("T0X1", "4B0001", 2)] {
        let found = json(&format!("--subject {wanted}"));
        assert!(found.len() >= 3, "{wanted}: {found:?}");
        assert_eq!(found, json(&format!("--subject {other}")));
        for line in &found {
            let said = (line["kind"].as_str(), line["level"].as_str(), line["rule"].as_u64());
            assert_eq!(said, (Some("tracks"), Some("coarse"), Some(rule)), "{line}");
            assert_eq!(line["rule_text"]["level"], "coarse");
            assert_eq!((line["tracks"].as_array().unwrap().len(), line["not_named"].as_u64()), (1, Some(0)));
            assert_eq!((&line["tracks"][0]["rule"], &line["rules"][0]["rule"]), (&line["rule"], &line["rule"]));
        }
    }
    assert_eq!(json("--subject 4b0009").len(), 0);
    let both = json("--rows");
    assert!(both.iter().any(|line| line["tracks"].as_array().is_some_and(|all| all.len() == 2)), "{both:?}");
    assert!(both.iter().any(|line| line["rules"].as_array().is_some_and(|all| all.len() == 2)), "{both:?}");
    assert!(lines("--rows").contains("4b0001 T0X1 told as"));
    assert!(lines("--rows --format csv").contains(",1;2,coarse,"));
}

/// Runs the command line in the folder of north.
fn north(world: &World, words: &str) -> Output {
    let words = words.split(' ').filter(|word| !word.is_empty());
    Command::new(env!("CARGO_BIN_EXE_skypact")).args(words).current_dir(world.home("north")).output().unwrap()
}

#[test]
fn a_plan_filed_with_its_marking_is_never_told_under_the_rule_for_the_unmarked() {
    let _limit = Limit::of("marked", 60);
    let world = World::new(Spec { aircraft: 1, ..Spec::default() });
    // Plans go out in full, those marked covert do not.
    let config = world.config("north").replacen(
        "[[release]]",
        "[[release]]\nto = \"south\"\nclass = \"plans\"\nlevel = \"withheld\"\nmarking = \"covert\"\n\n[[release]]",
        1,
    );
    fs::write(world.home("north").join("skypact.toml"), format!("markings = [\"covert\"]\n{config}")).unwrap();
    let (south, node) = (world.start("south"), world.start("north"));
    link_up(&node, &south);
    let circle = "plan file --circle 47.1 8.2 5 --lower FL100 --upper FL150 --from now --to +45m --json";
    let file = |more: &str| {
        let out = north(&world, &format!("{circle} {more}"));
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice::<Value>(&out.stdout).unwrap()["subject"].as_str().unwrap().to_owned()
    };
    let covert = file("--marking covert --callsign COVERT1");
    let open = file("--callsign OPEN1");
    // The log is in order: when the second is there, the first has had its time.
    let told =
        || south.list("/v1/plans").iter().map(|p| p["callsign"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    eventually("the unmarked plan is told", 20, || (told() == ["OPEN1"]).then_some(()));
    // A revision keeps the marking.
    file(&format!("--revise {covert} --callsign COVERT2"));
    file(&format!("--revise {open} --callsign OPEN2"));
    eventually("the revision of the unmarked plan is told", 20, || (told() == ["OPEN2"]).then_some(()));
    // Taking it away lets out more: one person's filing does not do that.
    let alone = north(&world, &format!("{circle} --revise {covert} --callsign NOW-OPEN --no-marking"));
    assert_eq!(alone.status.code(), Some(4), "{}", String::from_utf8_lossy(&alone.stderr));
    assert!(String::from_utf8_lossy(&alone.stderr).contains("two planners"), "{alone:?}");
    let unknown = north(&world, &format!("{circle} --marking nonsense"));
    assert_eq!(unknown.status.code(), Some(4), "{}", String::from_utf8_lossy(&unknown.stderr));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("nonsense"));
    node.stop();
    south.stop();
    // Nothing of it ever stood in the log to south, and nothing of its marking.
    let dir = logs::log_dir(&world, "north", "south", "out");
    let entries = logs::entries(&dir, logs::size(&dir));
    let plans: Vec<String> = entries
        .iter()
        .filter_map(|entry| match record::decode(entry).unwrap().record.body {
            record::Body::Plan(plan) => plan.callsign,
            _ => None,
        })
        .collect();
    assert_eq!(plans, ["OPEN1", "OPEN2"]);
    assert!(!entries.iter().any(|entry| entry.windows(6).any(|part| part == b"covert")), "the marking stays at home");
}
