//! A real process appends and is killed at any moment; what it said was durable is there.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use journal::{Journal, Options, SegmentJournal, Seq, verify};

const CHILD: &str = "SKYPACT_JOURNAL_KILL_DIR";

fn options() -> Options {
    Options { segment_bytes: 16 << 10, reserve_bytes: 0, ..Options::default() }
}

/// The payload of a position: nothing else can stand there.
fn payload(seq: u64) -> Vec<u8> {
    seq.to_le_bytes().repeat(1 + (seq % 97) as usize)
}

/// Not a test of its own: the process that is killed runs this.
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let (mut journal, _) = SegmentJournal::open(Path::new(&dir), options()).unwrap();
    let mut out = std::io::stdout();
    loop {
        let next = journal.last_seq().0 + 1;
        let records: Vec<Vec<u8>> = (next..next + 1 + next % 7).map(payload).collect();
        let refs: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let last = journal.append_batch(None, &refs).unwrap();
        writeln!(out, "acknowledged {last}").unwrap();
        if last.0 % 50 < 7 {
            journal.write_snapshot(last, &last.0.to_le_bytes()).unwrap();
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let mut last = 0;
            for line in lines.map_while(Result::ok) {
                // A line cut off by the kill does not count: it has no line end, and may lack digits.
                if let Some(seq) = line.split("acknowledged ").nth(1).and_then(|s| s.parse().ok()) {
                    last = std::cmp::max(last, seq);
                }
            }
            last
        });
        std::thread::sleep(Duration::from_millis(60 + 37 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let told: u64 = reader.join().unwrap();
        acknowledged = told.max(acknowledged);

        assert!(verify(dir.path()).unwrap().is_sound());
        let (journal, _) = SegmentJournal::open(dir.path(), options()).unwrap();
        assert!(journal.last_seq().0 >= acknowledged);
        let mut next = 1;
        for record in journal.read(Seq(1)).unwrap() {
            let (seq, bytes) = record.unwrap();
            assert_eq!((seq.0, bytes), (next, payload(next)));
            next += 1;
        }
        assert_eq!(journal.last_seq().0, next - 1);
        let snapshot = journal.latest_snapshot().unwrap();
        assert_eq!(snapshot.damaged, []);
        if let Some((seq, bytes)) = snapshot.found {
            assert_eq!(bytes, seq.0.to_le_bytes());
        }
    }
    assert!(acknowledged > 100, "{acknowledged}");
}
