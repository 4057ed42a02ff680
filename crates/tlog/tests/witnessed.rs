//! What witnesses add to a bundle, and what they never are: the addressee.

mod common;

use common::{agree, log, note, parties, supplied, trusted_texts};
use tlog::{Bundle, LogEvidence, LogReader, Note, NoteSigner, cosign, verify};

const ORIGIN: &str = "skypact.link/alfa/bravo/live";

fn witness(n: u8) -> NoteSigner {
    NoteSigner::cosigner(&format!("w{n}.example"), &[30 + n; 32]).unwrap()
}

fn add(note: &mut Note, by: &NoteSigner, time_s: u64) {
    note.add(cosign(note.text(), time_s, by).unwrap()).unwrap();
}

/// Keys of both parties, and of these witnesses.
fn keys(witnesses: &[u8], quorum: u32) -> Vec<String> {
    let mut args = trusted_texts();
    for n in witnesses {
        args.extend(["--witness".to_owned(), witness(*n).verifier().to_string()]);
    }
    if quorum > 0 {
        args.extend(["--quorum".to_owned(), quorum.to_string()]);
    }
    args
}

/// A log of 12 entries with checkpoints of 4, 8 and 12, each cosigned as said: by bravo, and by witnesses at times.
fn shown(cosigned: [bool; 3], witnessed: [&[(u8, u64)]; 3]) -> LogEvidence {
    let [a, b] = parties();
    let (store, _) = log(12);
    let reader = LogReader::new(&store, 12);
    let mut out = LogEvidence::new(ORIGIN);
    let mut numbers = Vec::new();
    for (n, size) in [4u64, 8, 12].into_iter().enumerate() {
        let mut note = note(ORIGIN, size, reader.root_at(size).unwrap(), &a, cosigned[n].then_some(&b));
        witnessed[n].iter().for_each(|(w, time_s)| add(&mut note, &witness(*w), *time_s));
        numbers.push(out.add_checkpoint(&note));
    }
    for (range, at) in [(0..4, 0), (4..8, 1), (8..12, 2)] {
        out.add_range(&reader, range, numbers[at]).unwrap();
    }
    numbers.windows(2).for_each(|pair| out.add_link(&reader, pair[0], pair[1]).unwrap());
    out
}

fn bundle(log: LogEvidence) -> Bundle {
    Bundle { logs: vec![log], metadata: None }
}

/// The trap: a witness sees hashes alone. Whoever takes its line for the addressee's has a receipt for what nobody received.
#[test]
fn a_witness_s_cosignature_is_never_a_receipt() {
    let bundle = bundle(shown([true, false, false], [&[], &[(1, 100), (2, 101)], &[(1, 200)]]));
    let keys = keys(&[1, 2], 1);
    let [_, bravo] = parties();
    let mut trusted = supplied(&keys);
    trusted.add_receiver(ORIGIN, bravo.cosigner.verifier().clone()).unwrap();
    // Not even if one says that the witness is the addressee: it cannot be both.
    trusted.add_receiver(ORIGIN, witness(1).verifier().clone()).unwrap();
    let report = verify(&bundle, &trusted);
    let text = report.to_string();
    assert!(report.is_sound(), "{text}");
    for (range, checkpoint) in [("4..8", 1), ("8..12", 2)] {
        let line = format!(
            "not proven: that anyone received entries {range}: no other party's key supplied cosigned checkpoint {checkpoint}\n"
        );
        assert!(text.contains(&line), "{line}{text}");
    }
    let log = &report.logs[0];
    assert_eq!(log.received().iter().map(|(range, _)| range.clone()).collect::<Vec<_>>(), vec![0..4]);
    assert!(log.proven[1].received.is_empty() && log.checkpoints[1].witnessed.len() == 2);
    // Also if the same key is given once more as if it were a party's.
    let twice = [keys.clone(), vec![witness(1).verifier().to_string()]].concat();
    assert_eq!(verify(&bundle, &supplied(&twice)).to_string(), text);
    agree(&[bundle.encode().unwrap()], &keys, "witness_no_receipt");
    agree(&[bundle.encode().unwrap()], &twice, "witness_twice");
}

#[test]
fn each_stretch_says_who_witnessed_it_and_whether_the_quorum_is_met() {
    let log = shown([true; 3], [&[(1, 100)], &[(1, 150), (2, 160)], &[(2, 170)]]);
    let stretches = |keys: &[String]| -> Vec<String> {
        verify(&bundle(log.clone()), &supplied(keys)).logs[0].stretches.iter().map(ToString::to_string).collect()
    };
    // What is witnessed at a size covers all below it, from then on; the earliest word of each witness counts.
    assert_eq!(
        stretches(&keys(&[1, 2], 2)),
        [
            "witnessed: entries 0..8 by w1.example, w2.example (quorum of 2), dated 1970-01-01T00:02:40Z to 1970-01-01T00:02:40Z",
            "NOT WITNESSED: entries 8..12: by w2.example (quorum of 2)",
        ]
    );
    assert_eq!(
        stretches(&keys(&[1, 2], 0)),
        [
            "witnessed: entries 0..8 by w1.example, w2.example, dated 1970-01-01T00:01:40Z to 1970-01-01T00:02:30Z",
            "witnessed: entries 8..12 by w2.example, dated 1970-01-01T00:02:50Z to 1970-01-01T00:02:50Z",
        ]
    );
    assert_eq!(stretches(&keys(&[3], 1)), ["NOT WITNESSED: entries 0..12: by nobody (quorum of 1)"]);
    assert_eq!(stretches(&keys(&[], 0)), Vec::<String>::new(), "no witness is asked about");
    let bytes = [bundle(log).encode().unwrap()];
    for (n, keys) in [keys(&[1, 2], 2), keys(&[1, 2], 0), keys(&[3], 1), keys(&[1], 3)].iter().enumerate() {
        agree(&bytes, keys, &format!("stretches_{n}"));
    }
}

#[test]
fn what_was_witnessed_of_another_history_covers_nothing() {
    let [a, _] = parties();
    let honest = shown([true; 3], [&[], &[], &[]]);
    let keys = keys(&[1], 1);
    // Of a history that contradicts this one.
    let mut forked = honest.clone();
    let mut other = note(ORIGIN, 12, tlog::Hash([7; 32]), &a, None);
    add(&mut other, &witness(1), 100);
    forked.add_checkpoint(&other);
    // Of one that no proof joins to this one.
    let mut unjoined = shown([true; 3], [&[], &[], &[(1, 100)]]);
    unjoined.links.pop();
    // By a witness that is the signer itself, under its own name.
    let mut own = honest.clone();
    let mut note = Note::parse(&own.checkpoints[2]).unwrap();
    let same_name = NoteSigner::cosigner("skypact.link/alfa", &[77; 32]).unwrap();
    add(&mut note, &same_name, 100);
    own.checkpoints[2] = note.to_bytes();
    let mut with_own = keys.clone();
    with_own.extend(["--witness".to_owned(), same_name.verifier().to_string()]);
    let table = [
        (forked, keys.clone(), "NOT WITNESSED: entries 0..12: by nobody (quorum of 1)"),
        (unjoined, keys.clone(), "NOT WITNESSED: entries 0..8: by nobody (quorum of 1)"),
        (own, with_own, "NOT WITNESSED: entries 0..12: by nobody (quorum of 1)"),
    ];
    for (n, (log, keys, line)) in table.into_iter().enumerate() {
        let bundle = bundle(log);
        let text = verify(&bundle, &supplied(&keys)).to_string();
        assert!(text.contains(line), "{line}\n{text}");
        agree(&[bundle.encode().unwrap()], &keys, &format!("other_history_{n}"));
    }
}

#[test]
fn a_false_line_in_a_witness_s_name_spoils_the_checkpoint() {
    let mut log = shown([true; 3], [&[], &[(1, 100)], &[]]);
    let text = String::from_utf8(log.checkpoints[1].clone()).unwrap();
    let at = text.trim_end().len() - 10;
    log.checkpoints[1][at] = if log.checkpoints[1][at] == b'A' { b'B' } else { b'A' };
    let bundle = bundle(log);
    let report = verify(&bundle, &supplied(&keys(&[1], 0)));
    assert!(!report.is_sound() && report.to_string().contains("checkpoint 1 bears a false signature of w1.example"));
    // To who does not know the witness it is a line like any other.
    assert!(verify(&bundle, &supplied(&trusted_texts())).is_sound());
    agree(&[bundle.encode().unwrap()], &keys(&[1], 0), "false_witness");
}
