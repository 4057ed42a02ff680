//! `spec/record.cddl` describes the records as they are really encoded: each golden file matches it, and what is changed in
//! one against the schema does not. The schema is read here by a small reader of the part of RFC 8610 that it uses.
mod schema;

use record::Kind;
use schema::{Schema, Value};

fn schema() -> Schema {
    Schema::parse(include_str!("../../../../spec/record.cddl"))
}

fn golden(kind: Kind) -> Value {
    let path = format!("{}/testdata/{}.cbor", env!("CARGO_MANIFEST_DIR"), kind.name());
    Value::read(&std::fs::read(path).unwrap())
}

#[test]
fn the_schema_describes_every_golden_record() {
    for kind in Kind::ALL {
        assert!(schema().accepts("record", &golden(kind)), "{}: {:?}", kind.name(), golden(kind));
    }
}

#[test]
fn the_schema_refuses_a_golden_record_with_any_part_of_another_type() {
    for kind in Kind::ALL {
        let good = golden(kind);
        let parts = good.parts();
        assert!(parts > 15, "a record has its envelope at least");
        for part in 0..parts {
            // No value of a record is a list of such, and no list may stand for a number, a text or a map.
            let bad = good.with(part, &Value::Array(vec![Value::Bool(false), Value::Bool(false)]));
            assert!(!schema().accepts("record", &bad), "{} part {part}: {bad:?}", kind.name());
        }
    }
}

#[test]
fn the_schema_refuses_a_key_too_many_or_too_few() {
    for kind in Kind::ALL {
        let Value::Map(entries) = golden(kind) else { panic!("a record is a map") };
        let optional = [6, 9, 10, 14, 15];
        for (at, (key, _)) in entries.iter().enumerate() {
            let mut fewer = entries.clone();
            fewer.remove(at);
            let may_be_absent = optional.iter().any(|k| *key == Value::Int(*k));
            assert_eq!(
                schema().accepts("record", &Value::Map(fewer)),
                may_be_absent,
                "{} without {key:?}",
                kind.name()
            );
        }
        let mut more = entries.clone();
        more.push((Value::Int(17), Value::Int(0)));
        assert!(!schema().accepts("record", &Value::Map(more)));
    }
}

#[test]
fn the_schema_s_ranges_are_the_decoder_s() {
    let schema = schema();
    let int = |n: i128| Value::Int(n);
    for (name, good, bad) in [
        ("uint32", int(u32::MAX.into()), int(1 << 32)),
        ("utc", int(i64::MIN.into()), int(1 << 63)),
        ("lat-e7", int(-900_000_000), int(900_000_001)),
        ("lon-e7", int(-1_800_000_000), int(1_800_000_000)),
        ("role", int(3), int(4)),
        ("party", Value::Text("civil-2".into()), Value::Text("2civil".into())),
        ("party", Value::Text("a".repeat(32)), Value::Text("a".repeat(33))),
        ("hash", Value::Bytes(vec![0; 32]), Value::Bytes(vec![0; 31])),
        ("outline", outline(3), outline(2)),
        ("outline", outline(1000), outline(1001)),
    ] {
        assert!(schema.accepts(name, &good), "{name} {good:?}");
        assert!(!schema.accepts(name, &bad), "{name} {bad:?}");
    }
}

fn outline(points: usize) -> Value {
    let point = Value::Array(vec![Value::Int(1), Value::Int(2)]);
    Value::Array(vec![Value::Int(0), Value::Array(vec![Value::Array(vec![point; points])])])
}
