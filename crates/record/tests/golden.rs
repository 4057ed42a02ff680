//! The bytes of one record of each kind, as they were when their schema was fixed.
//!
//! `SKYPACT_GOLDEN=write cargo test -p record` rewrites them. A change of these bytes is a change of the schema: see
//! `docs/adr` before doing so. `spec/record.cddl` describes the same bytes.
mod common;

use common::{sample, samples};
use record::{Hash32, Kind, decode, encode};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn path(kind: Kind) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(format!("{}.cbor", kind.name()))
}

#[test]
fn each_kind_has_the_bytes_it_always_had() {
    for kind in Kind::ALL {
        let bytes = encode(&sample(kind)).unwrap();
        if std::env::var("SKYPACT_GOLDEN").is_ok_and(|v| v == "write") {
            std::fs::write(path(kind), &bytes).unwrap();
        }
        let golden = std::fs::read(path(kind)).unwrap();
        assert_eq!(bytes, golden, "{}", kind.name());
        let decoded = decode(&golden).unwrap();
        assert_eq!(decoded.record, sample(kind));
        assert_eq!(decoded.id, Hash32::of(&golden));
        assert_eq!(decoded.record.body.kind(), kind);
    }
}

#[test]
fn every_kind_has_another_name_and_no_two_records_share_one() {
    let ids: BTreeSet<Hash32> = samples().iter().map(|r| decode(&encode(r).unwrap()).unwrap().id).collect();
    let names: BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::name).collect();
    assert_eq!((ids.len(), names.len()), (Kind::ALL.len(), Kind::ALL.len()));
}

#[test]
fn the_schema_names_every_kind_and_every_key() {
    let cddl = include_str!("../../../spec/record.cddl");
    for kind in Kind::ALL {
        let body = format!("[{}, [{}", kind as u8, kind.name());
        assert!(cddl.contains(&body), "spec/record.cddl lacks `{body}`");
    }
    for key in 0..=16 {
        assert!(cddl.contains(&format!("\n  {key}: ")) || cddl.contains(&format!("\n  ? {key}: ")), "key {key}");
    }
}
