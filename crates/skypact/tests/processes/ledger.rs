//! Who was told what under which rule, as a reviewer reads it from the data folder of a node that is stopped.
use crate::common::world::{Spec, World, link_up};
use crate::common::{Limit, eventually, logs};
use record::Hash32;
use serde_json::Value;
use std::process::Command;

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
