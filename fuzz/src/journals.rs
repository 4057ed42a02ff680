//! The segment file of a journal, in any state a disk may leave it.
use std::path::Path;
use std::sync::Arc;

use journal::fs::Fs;
use journal::{Check, Journal, Options, SegmentJournal, Seq, TailFacts, verify_with};

use crate::{Seeds, Target, Verdict, bent, refused, seed};

pub(crate) const TARGETS: &[Target] = &[Target {
    name: "journal-segment",
    about: "the only segment file of a journal (spec/journal.md)",
    bytes_max: 4096,
    run,
    seeds,
}];

const DIR: &str = "/journal";
const OPTIONS: Options = Options { segment_bytes: 64 << 10, reserve_bytes: 0, check: Check::Full };

fn on_disk(bytes: &[u8]) -> Arc<faults::FaultFs> {
    let fs = Arc::new(faults::FaultFs::new());
    let write = || {
        fs.create_dir(Path::new(DIR))?;
        let mut file = fs.create(&Path::new(DIR).join(journal::format::segment_name(Seq(1))))?;
        file.write_all_at(bytes, 0)?;
        file.sync_all()?;
        fs.sync_dir(Path::new(DIR))
    };
    write().unwrap_or_else(|e| panic!("{e}"));
    fs
}

fn open(fs: &Arc<faults::FaultFs>) -> Result<(SegmentJournal, journal::OpenReport), String> {
    SegmentJournal::open_with(fs.clone(), Path::new(DIR), OPTIONS).map_err(refused)
}

fn records(journal: &SegmentJournal) -> Vec<(Seq, Vec<u8>)> {
    let read = journal.read(Seq(1)).unwrap_or_else(|e| panic!("{e}"));
    read.map(|record| record.unwrap_or_else(|e| panic!("after a full check: {e}"))).collect()
}

fn run(bytes: &[u8]) -> Verdict {
    let fs = on_disk(bytes);
    let report = verify_with(fs.as_ref(), Path::new(DIR), &mut |_, _| {}).map_err(refused);
    let (mut journal, opened) = match open(&fs) {
        Ok(opened) => opened,
        Err(why) => {
            assert!(report.is_err_and(|w| !w.is_empty()) || !report_is_sound(&fs), "verified as sound, but: {why}");
            return Err(why);
        }
    };
    let report = report?;
    assert!(report.is_sound(), "opened, but not sound: {:?}", report.damage);
    assert_eq!(opened.torn.is_some(), matches!(report.tail, TailFacts::Torn { .. }), "both see the same tail");
    let held = records(&journal);
    assert_eq!(report.records(), held.len() as u64);
    assert!(held.iter().map(|(_, record)| record.len()).sum::<usize>() <= bytes.len(), "no record out of nothing");
    assert!((1..).zip(&held).all(|(n, (seq, _))| *seq == Seq(n)), "numbered without a gap");
    // Whatever was cut: what is appended now stands behind what was held, and both are there at the next start.
    let next = journal.append_batch(None, &[b"next"]).map_err(refused)?;
    assert_eq!(next, Seq(held.len() as u64 + 1));
    drop(journal);
    let (journal, opened) = open(&fs).unwrap_or_else(|why| panic!("after a repair and an append: {why}"));
    assert!(opened.torn.is_none());
    let again = records(&journal);
    assert_eq!(again[..held.len()], held[..]);
    assert_eq!(again[held.len()..], [(next, b"next".to_vec())]);
    Ok(())
}

fn report_is_sound(fs: &Arc<faults::FaultFs>) -> bool {
    verify_with(fs.as_ref(), Path::new(DIR), &mut |_, _| {}).is_ok_and(|report| report.is_sound())
}

fn seeds() -> Seeds {
    let fs = Arc::new(faults::FaultFs::new());
    let (mut journal, _) = open(&fs).unwrap_or_else(|e| panic!("{e}"));
    for batch in [&[&b"one"[..], b"two"][..], &[b""], &[&[7; 100]]] {
        journal.append_batch(None, batch).unwrap_or_else(|e| panic!("{e}"));
    }
    drop(journal);
    let path = Path::new(DIR).join(journal::format::segment_name(Seq(1)));
    let file = fs.open(&path).unwrap_or_else(|e| panic!("{e}"));
    let mut good = vec![0; file.bytes().unwrap_or(0) as usize];
    let read = file.read_at(&mut good, 0).unwrap_or(0);
    good.truncate(read);
    let cut = good.len() - 5;
    vec![
        seed("ok-three-batches", &good),
        seed("ok-torn-end", &good[..cut]),
        seed("ok-torn-behind-the-end", [&good[..], &[0x7f, 1, 0, 0, 0x55]].concat()),
        seed("no-header-bent", bent(&good, 20)),
        seed("no-first-record-bent", bent(&good, 102)),
    ]
}
