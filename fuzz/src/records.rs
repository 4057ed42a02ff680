//! Records as they stand in logs and journals.
use crate::{Seeds, Target, Verdict, bent, refused, seed};

pub(crate) const TARGETS: &[Target] =
    &[Target { name: "record", about: "one record (spec/record.cddl)", bytes_max: 4096, run, seeds }];

fn run(bytes: &[u8]) -> Verdict {
    let decoded = record::decode(bytes).map_err(refused)?;
    assert!(bytes.len() <= record::RECORD_BYTES_MAX);
    let again = record::encode(&decoded.record).unwrap_or_else(|e| panic!("what was read can be written: {e}"));
    assert_eq!(again, bytes, "a record has one encoding");
    if let record::Body::Tracks(batch) = &decoded.record.body {
        let reports = batch.unpack().unwrap_or_else(|e| panic!("a batch that was accepted unpacks: {e}"));
        assert!(reports.len() <= record::BATCH_MAX && reports.len() <= bytes.len());
        assert!(reports.iter().all(|report| report.check().is_ok()));
    }
    Ok(())
}

fn seeds() -> Seeds {
    let mut seeds = Vec::new();
    for (name, bytes) in [
        ("avoid", &include_bytes!("../../crates/record/testdata/avoid.cbor")[..]),
        ("channel", include_bytes!("../../crates/record/testdata/channel.cbor")),
        ("conflict", include_bytes!("../../crates/record/testdata/conflict.cbor")),
        ("notice", include_bytes!("../../crates/record/testdata/notice.cbor")),
        ("pact", include_bytes!("../../crates/record/testdata/pact.cbor")),
        ("plan", include_bytes!("../../crates/record/testdata/plan.cbor")),
        ("receipt", include_bytes!("../../crates/record/testdata/receipt.cbor")),
        ("site", include_bytes!("../../crates/record/testdata/site.cbor")),
        ("tracks", include_bytes!("../../crates/record/testdata/tracks.cbor")),
        ("withdrawn", include_bytes!("../../crates/record/testdata/withdrawn.cbor")),
    ] {
        seeds.push(seed(&format!("ok-{name}"), bytes));
    }
    seeds.push(seed("no-cut", &seeds[5].1[..100]));
    seeds.push(seed("no-other-schema", bent(&seeds[0].1, 2)));
    seeds
}
