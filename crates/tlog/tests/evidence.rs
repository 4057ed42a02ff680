//! Evidence bundles: what they prove, what is named when they were tampered with, and the independent verifier.

mod common;

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use common::{Party, agree, entry, log, note, one_log, parties, trusted, trusted_texts, two_logs};
use tlog::{
    Bundle, EntryEvidence, Error, Frontier, Hash, Link, LogEvidence, LogReader, Misuse, Note, Report, TrustedKeys,
    Unsigned, cosign, leaf_hash, verify,
};

#[test]
fn a_good_bundle_is_proven_and_says_what_is_not() {
    let report = verify(&two_logs(), &trusted());
    assert!(report.is_sound(), "{report}");
    let text = report.to_string();
    for line in [
        "log skypact.link/alfa/bravo/live\n",
        "    cosigned by skypact.link/bravo+",
        " at 2018-08-01T05:00:00Z\n",
        "  claimed complete: entries 2..7\n",
        "  proven: entries 2..7 in checkpoint 0\n",
        "  proven: entries 10..11 in checkpoint 1\n",
        "  proven: checkpoint 1 extends checkpoint 0\n",
        "  not proven: that anyone received entries 10..11: no other party's key supplied cosigned checkpoint 1\n",
        "not proven: that an entry nobody cosigned was not received: two parties alone cannot force a receipt\n",
        "metadata: 4 bytes, ",
        "verdict: everything claimed is proven\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let received: Vec<_> = report.logs[0].proven.iter().map(|run| (run.range.clone(), run.received.len())).collect();
    assert_eq!(received, [(2..7, 1), (10..11, 0)]);
}

/// The bytes are kept for other implementations; `TLOG_BLESS=1` writes them anew.
#[test]
fn the_golden_bundle_stays_byte_for_byte() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/two-logs.evidence");
    let bytes = two_logs().encode().unwrap();
    if std::env::var_os("TLOG_BLESS").is_some() {
        fs::write(&path, &bytes).unwrap();
        fs::write(path.with_extension("keys"), trusted_texts().join("\n") + "\n").unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(fs::read_to_string(path.with_extension("keys")).unwrap(), trusted_texts().join("\n") + "\n");
    assert_eq!(Bundle::decode(&bytes).unwrap().encode().unwrap(), bytes);
    agree(&[bytes], &trusted_texts(), "golden");
}

#[test]
fn bundled_keys_are_only_hints() {
    let report = verify(&two_logs(), &TrustedKeys::new());
    assert!(!report.is_sound());
    assert_eq!(report.first_bad().unwrap().1.to_string(), "entry 2 rests on a checkpoint that does not verify");
    assert_eq!(report.logs[0].hints.iter().map(|(_, known)| *known).collect::<Vec<_>>(), [false, false]);
    assert!(verify(&two_logs(), &trusted()).logs[0].hints[0].1);
}

#[test]
fn a_party_s_key_does_not_speak_for_the_other_party_s_log() {
    let [a, b] = parties();
    let (store, writer) = log(4);
    let origin = "skypact.link/alfa/bravo/live";
    let mut forged = LogEvidence::new(origin);
    let number = forged.add_checkpoint(&note(origin, 4, writer.root(), &b, Some(&a)));
    forged.add_range(&LogReader::new(&store, 4), 0..4, number).unwrap();
    let bundle = Bundle { logs: vec![forged], metadata: None };
    let report = verify(&bundle, &trusted());
    assert!(!report.is_sound() && report.logs[0].proven.is_empty(), "{report}");
    assert!(report.to_string().contains("checkpoint 0 is signed by no key supplied for this log"));
    agree(&[bundle.encode().unwrap()], &trusted_texts(), "other_party");
    let bound = [format!("{origin} {}", b.log.verifier())];
    agree(&[bundle.encode().unwrap()], &bound, "bound_key");
}

#[test]
fn a_signer_s_own_cosignature_is_no_receipt() {
    let [a, b] = parties();
    let (store, writer) = log(4);
    let origin = "skypact.link/alfa/bravo/live";
    let mut log = LogEvidence::new(origin);
    let number = log.add_checkpoint(&note(origin, 4, writer.root(), &a, Some(&a)));
    log.add_range(&LogReader::new(&store, 4), 0..4, number).unwrap();
    let mut bundle = Bundle { logs: vec![log], metadata: None };
    let own = verify(&bundle, &trusted());
    assert!(own.is_sound() && own.to_string().contains("not proven: that anyone received entries 0..4"), "{own}");
    let mut both = Note::parse(&bundle.logs[0].checkpoints[0]).unwrap();
    let bytes = bundle.encode().unwrap();
    for time_s in [1_600_000_100, 1_600_000_000] {
        both.add(cosign(both.text(), time_s, &b.cosigner).unwrap()).unwrap();
    }
    bundle.logs[0].checkpoints[0] = both.to_bytes();
    // Whose receipts count the verifier says; no name does.
    let received = |receiver: Option<&Party>| {
        let mut trusted = trusted();
        if let Some(party) = receiver {
            trusted.add_receiver(origin, party.cosigner.verifier().clone()).unwrap();
        }
        verify(&bundle, &trusted).logs[0].received()
    };
    assert_eq!(received(Some(&b)), [(0..4, 1_600_000_000)]);
    assert_eq!((received(Some(&a)), received(None)), (vec![], vec![]));
    agree(&[bytes, bundle.encode().unwrap()], &trusted_texts(), "own_cosignature");
}

/// Changes the evidence of one log and compares what is said of it.
fn changed(change: impl FnOnce(&mut LogEvidence)) -> (Vec<u8>, Report) {
    let [a, b] = parties();
    let mut log = one_log(&a, &b, "bravo");
    change(&mut log);
    let bundle = Bundle { logs: vec![log], metadata: None };
    let bytes = bundle.encode().unwrap();
    assert_eq!(Bundle::decode(&bytes).unwrap(), bundle);
    (bytes, verify(&bundle, &trusted()))
}

#[test]
fn the_first_bad_entry_is_named_alike_by_both_verifiers() {
    type Change = fn(&mut LogEvidence);
    let cases: [(&str, Change, &str); 17] = [
        ("nothing", |_| {}, "none"),
        ("a byte", |l| l.entries[2].bytes[0] ^= 1, "entry 4 is changed"),
        (
            "two bytes, the later first",
            |l| (l.entries[4].bytes[0], l.entries[1].bytes[0]) = (0, 0),
            "entry 3 is changed",
        ),
        ("a proof", |l| l.entries[0].proof.0[1].0[7] ^= 1, "entry 2 is changed"),
        ("an index", |l| l.entries[5].index = 11, "entry 11 is changed"),
        ("one left out", |l| drop(l.entries.remove(3)), "entry 5 is missing"),
        ("the first left out", |l| drop(l.entries.remove(0)), "entry 2 is missing"),
        ("the last left out", |l| drop(l.entries.remove(4)), "entry 6 is missing"),
        ("one left out without claim", |l| drop(l.entries.remove(5)), "none"),
        ("places swapped", |l| l.entries.swap(1, 2), "entry 3 is out of order"),
        (
            "bytes swapped",
            |l| {
                let (a, b) = l.entries.split_at_mut(2);
                std::mem::swap(&mut a[1].bytes, &mut b[1].bytes);
            },
            "entry 3 is out of order",
        ),
        ("one twice", |l| l.entries.insert(1, l.entries[0].clone()), "entry 2 is out of order"),
        ("a wider claim", |l| l.ranges[0].end = 9, "entry 7 is missing"),
        ("a claim of everything", |l| l.ranges[0] = 0..u64::MAX, "entry 0 is missing"),
        (
            "a checkpoint that is not there",
            |l| l.entries[1].checkpoint = 9,
            "entry 3 rests on a checkpoint that does not verify",
        ),
        ("the other checkpoint", |l| l.entries[1].checkpoint = 1, "entry 3 is changed"),
        (
            "a false checkpoint",
            |l| *l.checkpoints[0].last_chunk_mut::<4>().unwrap() = *b"AAA\n",
            "entry 2 rests on a checkpoint that does not verify",
        ),
    ];
    let mut bundles = Vec::new();
    for (what, change, expect) in cases {
        let (bytes, report) = changed(change);
        let found = report.first_bad().map_or("none".to_owned(), |(_, bad)| bad.to_string());
        assert_eq!(found, expect, "{what}");
        assert_eq!(report.is_sound(), expect == "none", "{what}");
        bundles.push(bytes);
    }
    agree(&bundles, &trusted_texts(), "first_bad");
}

#[test]
fn checkpoints_that_do_not_verify_say_why() {
    fn edit(log: &mut LogEvidence, from: &str, to: &str) {
        let text = String::from_utf8(log.checkpoints[0].clone()).unwrap();
        assert!(text.contains(from));
        log.checkpoints[0] = text.replacen(from, to, 1).into_bytes();
    }
    type Change = fn(&mut LogEvidence);
    let cases: [(Change, &str); 9] = [
        (|l| edit(l, "\n8\n", "\n9\n"), "bears a false signature of skypact.link/alfa"),
        (|l| edit(l, "\n8\n", "\n08\n"), "is malformed"),
        (|l| edit(l, "\n\n", "\n\n\n"), "is malformed"),
        (|l| edit(l, "\n\n", "\nextension\n\n"), "bears a false signature of skypact.link/alfa"),
        (|l| edit(l, "alfa/bravo", "alfa/carol"), "is of another log"),
        (
            |l| edit(l, "\u{2014} skypact.link/alfa ", "\u{2014} other.example "),
            "is signed by no key supplied for this log",
        ),
        (|l| l.checkpoints[0].clear(), "is malformed"),
        (|l| l.checkpoints[0].extend_from_slice("\u{2014} x AAAAAAAA\n".repeat(15).as_bytes()), "is malformed"),
        (|l| l.checkpoints[0] = vec![b'\n'; 65_537], "is malformed"),
    ];
    let mut bundles = Vec::new();
    for (change, expect) in cases {
        let (bytes, report) = changed(change);
        assert!(!report.is_sound());
        let text = report.to_string();
        assert!(text.contains(&format!("  checkpoint 0 {expect}\n")), "{expect}:\n{text}");
        bundles.push(bytes);
    }
    // Lines by keys nobody supplied are shown and do not count, up to 16 signatures.
    let (bytes, report) =
        changed(|l| l.checkpoints[0].extend_from_slice("\u{2014} x AAAAAAAA\n".repeat(14).as_bytes()));
    assert!(report.is_sound() && report.logs[0].checkpoints[0].ignored.len() == 14);
    bundles.push(bytes);
    agree(&bundles, &trusted_texts(), "checkpoints");
}

#[test]
fn two_histories_are_a_contradiction_that_both_verifiers_see() {
    let [a, b] = parties();
    let origin = "skypact.link/alfa/bravo/live";
    let mut tree = tlog::Tree::new();
    let forged = |i: u64| if i == 3 { b"another".to_vec() } else { entry(i) };
    (0..12).for_each(|i| tree.append(leaf_hash(&forged(i))));
    let (_, writer) = log(12);
    let mut told = Frontier::new();
    (0..8).for_each(|i| told.append(leaf_hash(&entry(i))));

    // Two roots of one size.
    let mut same = LogEvidence::new(origin);
    same.add_checkpoint(&note(origin, 12, writer.root(), &a, Some(&b)));
    same.add_checkpoint(&note(origin, 12, tree.root(), &a, None));
    // Of two sizes: the newer tree is proven to have another past.
    let mut fork = LogEvidence::new(origin);
    let older = fork.add_checkpoint(&note(origin, 8, told.root(), &a, Some(&b)));
    let newer = fork.add_checkpoint(&note(origin, 12, tree.root(), &a, None));
    let (root, proof) = (tlog::root_at(&tree, 8).unwrap(), tree.consistency_proof(8, 12).unwrap());
    // The same without the proof, and with one that proves nothing.
    let unjoined = fork.clone();
    let mut empty = fork.clone();
    empty.links.push(Link { older, newer, root: told.root(), proof: proof.clone() });
    fork.links.push(Link { older, newer, root, proof });

    let cases: [(LogEvidence, bool, usize, &str); 4] = [
        (same, true, 1, "CONTRADICTION: checkpoints 0 and 1 give one size two roots"),
        (fork, true, 1, "CONTRADICTION: checkpoint 1 does not extend checkpoint 0"),
        (unjoined, true, 0, "not proven: that checkpoint 1 extends checkpoint 0: no proof joins them"),
        (empty, false, 0, "false proof from checkpoint 0 to 1"),
    ];
    let mut bundles = Vec::new();
    for (log, sound, contradictions, line) in cases {
        let bundle = Bundle { logs: vec![log], metadata: None };
        let report = verify(&bundle, &trusted());
        assert_eq!((report.is_sound(), report.equivocations().count()), (sound, contradictions), "{report}");
        assert!(report.to_string().contains(line), "{report}");
        bundles.push(bundle.encode().unwrap());
    }
    agree(&bundles, &trusted_texts(), "histories");
}

/// A small bundle whose every bit matters to someone.
fn small() -> Vec<u8> {
    let [a, b] = parties();
    let (store, _) = log(5);
    let reader = LogReader::new(&store, 5);
    let origin = "skypact.link/alfa/bravo/live";
    let mut log = LogEvidence::new(origin);
    log.hints = vec![a.log.verifier().to_string()];
    let number = log.add_checkpoint(&note(origin, 5, reader.root_at(5).unwrap(), &a, Some(&b)));
    log.add_range(&reader, 1..3, number).unwrap();
    Bundle { logs: vec![log], metadata: Some(b"pact".to_vec()) }.encode().unwrap()
}

#[test]
fn any_flipped_bit_is_refused_or_seen_in_the_report() {
    let good = small();
    let trusted = trusted();
    let report = verify(&Bundle::decode(&good).unwrap(), &trusted);
    assert!(report.is_sound());
    let (mut harmless, mut sample) = (0, Vec::new());
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if bit % 41 == 0 {
            sample.push(bad.clone());
        }
        let Ok(bundle) = Bundle::decode(&bad) else { continue };
        let found = verify(&bundle, &trusted);
        assert_ne!(found.to_string(), report.to_string(), "bit {bit} goes unseen");
        if found.is_sound() {
            harmless += 1;
            // Only what is not signed here may differ: the hint, the metadata, a range that claims less, and the names
            // of cosigners, without whom the entries are shown as not received.
            let same = |a: &Report, b: &Report| a.logs[0].proven == b.logs[0].proven;
            let received = found.logs[0].proven.iter().any(|run| run.received.is_empty());
            assert!(same(&found, &report) || received, "bit {bit}:\n{found}");
        }
    }
    println!(
        "{} bits, {harmless} harmless and reported, {} compared with the other verifier",
        good.len() * 8,
        sample.len()
    );
    assert!(harmless > 0);
    agree(&sample, &trusted_texts(), "flips");
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let good = small();
    for len in 0..good.len() {
        assert!(Bundle::decode(&good[..len]).is_err(), "cut to {len}");
    }
    assert!(Bundle::decode(&[&good[..], &[0]].concat()).is_err());
}

#[test]
fn a_bundle_against_the_rules_is_not_written() {
    let [a, b] = parties();
    let log = one_log(&a, &b, "bravo");
    let refused = |logs: Vec<LogEvidence>| {
        assert!(matches!(Bundle { logs, metadata: None }.encode(), Err(Error::Misuse(Misuse::Bundle { .. }))));
    };
    let with = |change: fn(&mut LogEvidence)| {
        let mut log = log.clone();
        change(&mut log);
        vec![log]
    };
    refused(Vec::new());
    refused(vec![log.clone(), log.clone()]);
    refused(with(|l| l.origin = "a\nb".into()));
    refused(with(|l| l.hints = vec!["\u{1b}[2J".into()]));
    refused(with(|l| l.ranges.push(6..8)));
    refused(with(|l| l.ranges = vec![Range { start: 3, end: 3 }]));
    refused(with(|l| l.entries[0].proof.0 = vec![Hash([0; 32]); 65]));
    refused(with(|l| l.entries[0].bytes = vec![0; 65_536]));
}

#[test]
fn no_evidence_is_made_out_of_damaged_files() {
    let [a, b] = parties();
    let (mut store, writer) = log(12);
    store.files.get_mut("tile/entries/000.p/12").unwrap()[5] ^= 1;
    let reader = LogReader::new(&store, 12);
    let origin = "skypact.link/alfa/bravo/live";
    let mut log = LogEvidence::new(origin);
    let number = log.add_checkpoint(&note(origin, 12, writer.root(), &a, Some(&b)));
    assert!(matches!(log.add_range(&reader, 0..2, number), Err(Error::PeerMisbehaved(_))));
    assert!(matches!(log.add_entry(&reader, 12, number), Err(Error::Misuse(_))));
    assert!(matches!(log.add_entry(&reader, 3, 7), Err(Error::Misuse(_))));
    assert_eq!(log.entries, Vec::<EntryEvidence>::new());
}

#[test]
fn a_long_range_is_exported_and_verified() {
    let [a, b] = parties();
    let (store, writer) = log(3000);
    let reader = LogReader::new(&store, 3000);
    let origin = "skypact.link/alfa/bravo/live";
    let mut log = LogEvidence::new(origin);
    let number = log.add_checkpoint(&note(origin, 3000, writer.root(), &a, Some(&b)));
    log.add_range(&reader, 100..2900, number).unwrap();
    let bundle = Bundle { logs: vec![log], metadata: None };
    let report = verify(&bundle, &trusted());
    assert_eq!((report.is_sound(), report.logs[0].proven[0].range.clone()), (true, 100..2900));
    agree(&[bundle.encode().unwrap()], &trusted_texts(), "long");
}

/// What was said ahead and never signed for goes along as its receiver's word: shown, and counted as nothing.
#[test]
fn what_nobody_signed_goes_along_plainly_marked_and_proves_nothing() {
    let mut bundle = two_logs();
    bundle.logs.sort_by(|a, b| a.origin.cmp(&b.origin));
    let plain = verify(&bundle, &trusted());
    let said = |index, bytes: &[u8]| Unsigned { index, bytes: bytes.to_vec() };
    bundle.logs[0].unsigned = vec![said(3, b"told, and another was signed"), said(700, b"")];
    let bytes = bundle.encode().unwrap();
    assert_eq!(Bundle::decode(&bytes).unwrap(), bundle.clone());
    let report = verify(&bundle, &trusted());
    let marked: Vec<String> =
        report.to_string().lines().filter(|l| l.contains("SIGNED BY")).map(str::to_owned).collect();
    assert_eq!(marked.len(), 2, "{report}");
    assert!(
        marked[0].starts_with("  NOT SIGNED BY ANYBODY: the receiver's word: 28 bytes for entry 3, SHA-256 "),
        "{}",
        marked[0]
    );
    // But for these lines the report is the one without.
    let without: Vec<String> =
        report.to_string().lines().filter(|l| !l.contains("SIGNED BY")).map(str::to_owned).collect();
    assert_eq!(without, plain.to_string().lines().collect::<Vec<_>>());
    assert_eq!((report.is_sound(), &report.logs[0].proven), (true, &plain.logs[0].proven));
    // It is no entry: a stretch that is claimed whole is not whole by it.
    let mut gap = bundle.clone();
    let taken = gap.logs[0].entries.remove(1);
    gap.logs[0].unsigned.push(Unsigned { index: taken.index, bytes: taken.bytes });
    assert!(verify(&gap, &trusted()).to_string().contains("first bad: entry 3 is missing"));
    let mut many = bundle.clone();
    many.logs[1].unsigned = vec![said(0, b"x"); 256];
    let full = many.encode().unwrap();
    many.logs[1].unsigned.push(said(0, b"x"));
    assert!(many.encode().is_err(), "no more than a verifier reads");
    // The list is there or not: an empty one would be another encoding of the same.
    let empty = {
        let at = bytes.windows(2).position(|w| w == [6, 0x82]).unwrap();
        let mut cut = bytes.clone();
        let end = cut.windows(3).position(|w| w == [0x19, 0x02, 0xbc]).unwrap() + 4;
        cut.splice(at + 1..end, [0x80]);
        cut
    };
    assert!(Bundle::decode(&empty).is_err());
    agree(&[bytes, gap.encode().unwrap(), full, empty], &trusted_texts(), "unsigned");
}

/// What a third party would have to write, or to read, to check evidence: the paper says how much, and stays right.
#[test]
fn the_paper_says_how_many_lines_a_verifier_has() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let lines = |names: &[&str]| -> usize {
        let code = |name: &&str| {
            let text = read(&format!("crates/tlog/src/{name}.rs"));
            let text = text.split("#[cfg(test)]\nmod").next().unwrap_or_default().to_owned();
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
        };
        names.iter().map(code).sum()
    };
    let verifying = lines(&["report", "standing", "trust", "verify"]);
    let others =
        ["audit", "bundle", "checkpoint", "codec", "cosign", "equivocation", "error", "hash", "key", "note", "proof"];
    let (all, python) = (verifying + lines(&others), read("spec/tools/verify_evidence.py").lines().count());
    let paper = read("docs/evidence.md").replace('\n', " ");
    // The number that stands before these words, to one part in twenty: not every line changed is a change of the paper.
    for (words, counted) in [(" lines by other code", python), (" lines of Rust", all), (" verify,", verifying)] {
        let before = paper.split(words).next().unwrap_or_default();
        let said: usize = before.rsplit(' ').next().unwrap_or_default().parse().unwrap_or(0);
        assert!(said.abs_diff(counted) * 20 <= counted, "docs/evidence.md says {said}{words}; there are {counted}");
    }
}

/// Code, reports and tests name rules by their numbers: one number must be one rule.
#[test]
fn every_rule_of_the_specification_has_a_number_of_its_own() {
    let spec = include_str!("../../../spec/evidence.md");
    let numbers: Vec<u32> =
        spec.lines().filter_map(|line| line.strip_prefix("- **E-")?.split_once("**")?.0.parse().ok()).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=29).collect::<Vec<u32>>(), "{numbers:?}");
}
