//! What a stolen key signed: proven only as far as something stands beside it that the thief did not have.

mod common;

use common::{Party, addressed, agree, entry, log, parties, party, supplied};
use tlog::{
    Bundle, Checkpoint, Hash, LogEvidence, LogReader, LogWriter, MemStore, Note, NoteSigner, Report, Standing, cosign,
    sign_checkpoint, verify,
};

const ORIGIN: &str = "skypact.link/alfa/bravo/live";
/// Before and after bravo cosigned the first checkpoint by alfa's new key.
const BEFORE: u64 = 1_533_099_600;
const AFTER: u64 = BEFORE + 3600;

/// Alfa with its first keys, which are stolen; with its second ones; and bravo, whose cosign key is another later.
struct Cast {
    stolen: Party,
    alfa: Party,
    bravo: Party,
    bravo_later: Party,
}

fn cast() -> Cast {
    let [stolen, bravo] = parties();
    Cast { stolen, alfa: party("alfa", 50), bravo, bravo_later: party("bravo", 60) }
}

/// Keys of both parties, alfa's first log key stolen; with bravo's first cosign key too if said.
fn keys(receipts_too: bool) -> Vec<String> {
    let Cast { stolen, alfa, bravo, bravo_later } = cast();
    let all = [&alfa.log, &bravo.cosigner, &bravo_later.cosigner, &stolen.log];
    let mut out: Vec<String> = all.iter().map(|key| key.verifier().to_string()).collect();
    out.extend(["--stolen".to_owned(), stolen.log.verifier().to_string()]);
    if receipts_too {
        out.extend(["--stolen".to_owned(), bravo.cosigner.verifier().to_string()]);
    }
    out
}

/// Entries that alfa never said from the fourth on.
fn forged(size: u64) -> (MemStore, LogWriter) {
    let (mut store, mut writer) = (MemStore::default(), LogWriter::new());
    for i in 0..size {
        let bytes = if i < 4 { entry(i) } else { format!("invented {i}").into_bytes() };
        writer.append(&bytes).unwrap();
    }
    writer.flush(&mut store).unwrap();
    (store, writer)
}

/// A checkpoint by one key, with lines of cosigners at times.
fn note(size: u64, root: Hash, by: &NoteSigner, cosigned: &[(&NoteSigner, u64)]) -> Note {
    let mut note = sign_checkpoint(&Checkpoint { origin: ORIGIN.into(), size, root }, by).unwrap();
    for (signer, time_s) in cosigned {
        note.add(cosign(note.text(), *time_s, signer).unwrap()).unwrap();
    }
    note
}

/// A log shown with these checkpoints, each over the entries since the one before, joined by proofs if said.
type Shown<'a> = (u64, &'a NoteSigner, Vec<(&'a NoteSigner, u64)>);

fn shown(store: &MemStore, size: u64, notes: &[Shown<'_>], joined: bool) -> LogEvidence {
    let reader = LogReader::new(store, size);
    let mut out = LogEvidence::new(ORIGIN);
    let mut start = 0;
    for (size, by, cosigned) in notes {
        let number = out.add_checkpoint(&note(*size, reader.root_at(*size).unwrap(), by, cosigned));
        out.add_range(&reader, start..*size, number).unwrap();
        if joined && number > 0 {
            out.add_link(&reader, number - 1, number).unwrap();
        }
        start = *size;
    }
    out
}

/// Both verifiers' report; the other one's must be the same.
#[track_caller]
fn judged(log: &LogEvidence, keys: &[String], name: &str) -> Report {
    let bundle = Bundle { logs: vec![log.clone()], metadata: None };
    agree(&[bundle.encode().unwrap()], keys, &format!("stolen_{name}"));
    verify(&bundle, &addressed(supplied(keys), &bundle))
}

fn standing(report: &Report) -> Vec<Standing> {
    report.logs[0].checkpoints.iter().map(|c| c.standing).collect()
}

fn proven(report: &Report) -> u64 {
    report.logs[0].proven.iter().map(|run| run.range.end - run.range.start).sum()
}

#[track_caller]
fn says(report: &Report, lines: &[&str]) {
    let text = report.to_string();
    for line in lines {
        assert!(text.contains(line), "{line}\nis not in\n{text}");
    }
}

//= spec/keys.md K-17
#[test]
fn a_longer_log_by_the_thief_is_not_proven_and_each_entry_of_it_is_named() {
    let Cast { stolen, alfa, bravo, .. } = cast();
    let (store, _) = forged(12);
    let honest = (4, &stolen.log, vec![(&bravo.cosigner, BEFORE)]);
    let report = judged(&shown(&store, 12, &[honest.clone(), (12, &stolen.log, vec![])], true), &keys(false), "longer");
    assert!(!report.is_sound() && report.is_as_signed(), "{report}");
    assert_eq!((standing(&report), proven(&report)), (vec![Standing::Accepted, Standing::Fallen], 4));
    assert_eq!(report.first_bad().unwrap().1.to_string(), "entry 4 rests on a stolen key alone");
    says(
        &report,
        &[
            "    NOT PROVEN: a stolen key alone signed it\n",
            "  proven: entries 0..4 in checkpoint 0\n",
            "  not proven: that its owner said what checkpoint 1 covers: a stolen key alone signed it\n",
            "  not proven: entries 4..12: a stolen key alone signed checkpoint 1\n",
            "verdict: NOT PROVEN AS CLAIMED",
        ],
    );
    // Without entries: the checkpoint alone.
    let mut bare = shown(&store, 12, std::slice::from_ref(&honest), false);
    bare.add_checkpoint(&note(12, Hash([7; 32]), &stolen.log, &[]));
    let report = judged(&bare, &keys(false), "bare");
    assert_eq!((report.is_sound(), proven(&report)), (false, 4));
    // Who is not told of the theft takes it for alfa's: that is what the statement is for.
    let unaware: Vec<String> = keys(false)[..4].to_vec();
    let log = shown(&store, 12, &[honest, (12, &stolen.log, vec![])], true);
    assert!(judged(&log, &unaware, "unaware").is_sound());
    // A true signature by a new key over something else stands for nothing of this.
    let mut beside = log.clone();
    beside.add_checkpoint(&note(13, Hash([9; 32]), &alfa.log, &[]));
    let report = judged(&beside, &keys(false), "beside");
    assert_eq!(standing(&report), [Standing::Accepted, Standing::Fallen, Standing::Signed]);
    assert!(!report.is_sound());
}

//= spec/keys.md K-17
#[test]
fn an_honest_log_that_the_new_key_extends_is_proven_whoever_cosigned_it() {
    let Cast { stolen, alfa, .. } = cast();
    let (store, _) = log(12);
    let notes = [(4, &stolen.log, vec![]), (8, &stolen.log, vec![]), (12, &alfa.log, vec![])];
    let report = judged(&shown(&store, 12, &notes, true), &keys(false), "extended");
    assert!(report.is_sound(), "{report}");
    assert_eq!(standing(&report), [Standing::Extended, Standing::Extended, Standing::Signed]);
    assert_eq!(proven(&report), 12);
    says(&report, &["    stands: a key not stolen signed this tree or one that extends it\n", ", a stolen key\n"]);
    // A proof is needed: beside it the new key's checkpoint says nothing of the others.
    let report = judged(&shown(&store, 12, &notes, false), &keys(false), "unjoined");
    assert_eq!(standing(&report), [Standing::Fallen, Standing::Fallen, Standing::Signed]);
    assert_eq!((report.is_sound(), proven(&report)), (false, 4));
    // The same tree needs none.
    let both = [(8, &stolen.log, vec![]), (8, &alfa.log, vec![])];
    let mut log = shown(&store, 12, &both[..1], false);
    log.add_checkpoint(&note(8, LogReader::new(&store, 12).root_at(8).unwrap(), &alfa.log, &[]));
    assert!(judged(&log, &keys(false), "same_tree").is_sound());
}

/// A party answers for its key until the other side has heard: a statement of theft takes back nothing of that.
//= spec/keys.md K-17
#[test]
fn what_the_other_party_cosigned_before_it_heard_is_proven_and_what_it_cosigned_later_is_not() {
    let Cast { stolen, alfa, bravo, bravo_later } = cast();
    let (store, _) = log(12);
    let (b, later) = (&bravo.cosigner, &bravo_later.cosigner);
    let report = judged(&shown(&store, 12, &[(8, &stolen.log, vec![(b, BEFORE)])], false), &keys(false), "accepted");
    assert!(report.is_sound() && standing(&report) == [Standing::Accepted], "{report}");
    says(&report, &["    stands by the addressee's word alone: it cosigned this tree"]);
    // It holds for what that tree extends, too.
    let notes = [(4, &stolen.log, vec![]), (8, &stolen.log, vec![(b, BEFORE)])];
    assert!(judged(&shown(&store, 12, &notes, true), &keys(false), "accepted_before").is_sound());
    // Bravo itself says when it had heard, and of how many entries: it cosigned the new key.
    let (other, _) = forged(20);
    let heard = note(9, LogReader::new(&store, 12).root_at(9).unwrap(), &alfa.log, &[(b, AFTER)]);
    let table = [
        ("in_time", 8, BEFORE, Standing::Accepted),
        ("same_second", 8, AFTER, Standing::Accepted),
        ("too_late", 8, AFTER + 1, Standing::Fallen),
        // Dated back, but of more than bravo held when it heard: nobody cosigns less after more.
        ("too_long", 9, BEFORE, Standing::Fallen),
        ("longer", 20, BEFORE, Standing::Fallen),
    ];
    for (name, size, time_s, expect) in table {
        let mut log = shown(&other, 20, &[(size, &stolen.log, vec![(b, time_s)])], false);
        log.add_checkpoint(&heard);
        let report = judged(&log, &keys(false), name);
        assert_eq!(standing(&report), [expect, Standing::Signed], "{name}");
        assert_eq!(report.is_sound(), expect == Standing::Accepted, "{name}");
    }
    // A third party accepts nothing in bravo's place, nor does alfa itself, nor a key of bravo's that was stolen.
    let west = party("west", 70);
    let own = (&alfa.cosigner, BEFORE);
    let table = [
        ("west", vec![(&west.cosigner, BEFORE)], keys(false)),
        ("own", vec![own], keys(false)),
        ("both_stolen", vec![(b, BEFORE)], keys(true)),
    ];
    for (name, cosigned, mut keys) in table {
        keys.insert(0, west.cosigner.verifier().to_string());
        keys.insert(0, alfa.cosigner.verifier().to_string());
        let report = judged(&shown(&store, 12, &[(8, &stolen.log, cosigned)], false), &keys, name);
        assert_eq!((standing(&report), report.is_sound()), (vec![Standing::Fallen], false), "{name}");
    }
    // Bravo's later key accepts as its first one did.
    let log = shown(&store, 12, &[(8, &stolen.log, vec![(later, BEFORE)])], false);
    assert!(judged(&log, &keys(true), "accepted_by_later").is_sound());
}

/// Alfa replaces its keys, says something that bravo receipts, and then calls the newer keys stolen, or skips numbers, so that they
/// count as stolen: for its first keys again, or for ones never used. Bravo's receipts of the first keys are older than all.
//= spec/keys.md K-17
#[test]
fn going_back_to_an_older_key_takes_back_nothing_that_was_receipted() {
    let Cast { stolen: first, alfa: second, bravo, .. } = cast();
    let third = party("alfa", 80);
    let (store, _) = log(12);
    let b = &bravo.cosigner;
    let key = |signer: &NoteSigner| signer.verifier().to_string();
    let told = |said: &[(&str, &NoteSigner)]| -> Vec<String> {
        let known = [&first.log, &second.log, &third.log, b].map(key).to_vec();
        let marked = said.iter().flat_map(|(flag, signer)| [(*flag).to_owned(), key(signer)]);
        known.into_iter().chain(marked).collect()
    };
    // The flash is entry 7: under the second key, receipted. Nothing joins it to what came before.
    let early = (4, &first.log, vec![(b, BEFORE)]);
    let flash = (8, &second.log, vec![(b, BEFORE + 60)]);
    let notes = shown(&store, 12, &[early.clone(), flash.clone()], false);
    let naive = judged(&notes, &told(&[("--stolen", &second.log)]), "back_naive");
    assert_eq!(standing(&naive), [Standing::Signed, Standing::Fallen], "if the first keys were taken for new ones");
    let report = judged(&notes, &told(&[("--stolen", &second.log), ("--again", &first.log)]), "back");
    assert!(report.is_sound() && proven(&report) == 8, "{report}");
    assert_eq!(standing(&report), [Standing::Accepted; 2]);
    // Numbers skipped, and never used keys: bravo heard when it cosigned those, and not before.
    let both = [("--stolen", &first.log), ("--stolen", &second.log)];
    let skipped = shown(&store, 12, &[early.clone(), flash.clone(), (12, &third.log, vec![(b, AFTER)])], false);
    let report = judged(&skipped, &told(&both), "skipped");
    assert_eq!((standing(&report)[1], report.is_sound()), (Standing::Accepted, true), "{report}");
    // A statement that bravo never had shows later that the second key, by which the flash was said, was an older one named again:
    // bravo had cosigned the third before. It took what it was given, and alfa gave it.
    let flash = (8, &second.log, vec![(b, AFTER)]);
    let hidden = shown(&store, 12, &[early, (6, &third.log, vec![(b, BEFORE + 30)]), flash], false);
    let report = judged(&hidden, &told(&[("--stolen", &first.log), ("--again", &second.log)]), "hidden");
    assert!(report.is_sound() && standing(&report)[2] == Standing::Accepted, "{report}");
    assert!(!judged(&hidden, &told(&both), "hidden_plain").is_sound(), "what the mark is for");
    // Still a stolen key: what nobody receipted is not proven, and what is receipted is so by the addressee's word alone.
    let bare = shown(&store, 12, &[(8, &second.log, vec![])], false);
    let report = judged(&bare, &told(&[("--again", &second.log)]), "again_alone");
    assert_eq!((standing(&report), report.is_sound()), (vec![Standing::Fallen], false), "{report}");
}

//= spec/keys.md K-17
#[test]
fn a_receipt_by_a_stolen_cosign_key_proves_nothing_and_dates_nothing() {
    let Cast { alfa, bravo, bravo_later, .. } = cast();
    let (store, _) = log(12);
    let (old, new) = (&bravo.cosigner, &bravo_later.cosigner);
    let received = |report: &Report| -> Vec<(std::ops::Range<u64>, u64)> { report.logs[0].received() };
    let forged = shown(&store, 12, &[(8, &alfa.log, vec![(old, 100)])], false);
    let report = judged(&forged, &keys(true), "receipt");
    assert_eq!((report.is_sound(), received(&report), proven(&report)), (false, vec![], 8), "{report}");
    says(
        &report,
        &[
            "    no proof: cosigned by skypact.link/bravo+",
            "  not proven: that anyone received what checkpoint 0 covers: stolen keys alone cosigned it\n",
            "  not proven: that anyone received entries 0..8: no other party's key supplied cosigned checkpoint 0\n",
        ],
    );
    assert_eq!(received(&judged(&forged, &keys(false), "receipt_unaware")), [(0..8, 100)]);
    // The later key covers it, by its own date.
    let notes = [(8, &alfa.log, vec![(old, 100)]), (12, &alfa.log, vec![(new, 500)])];
    let report = judged(&shown(&store, 12, &notes, true), &keys(true), "receipt_covered");
    assert_eq!((report.is_sound(), received(&report)), (true, vec![(0..8, 500), (8..12, 500)]), "{report}");
    let report = judged(&shown(&store, 12, &notes, false), &keys(true), "receipt_unjoined");
    assert_eq!((report.is_sound(), received(&report)), (false, vec![(8..12, 500)]));
}

/// A thief can sign two histories, and a party that did so itself can say that there was a thief.
//= spec/keys.md K-17
#[test]
fn two_histories_by_a_stolen_key_convict_only_if_both_stand_without_it() {
    let Cast { stolen, alfa, bravo, .. } = cast();
    let (store, _) = log(12);
    let (other, forged_writer) = forged(8);
    let b = &bravo.cosigner;
    let root = LogReader::new(&other, 8).root_at(8).unwrap();
    assert_eq!(root, forged_writer.root());
    // One of them was shown to somebody who did not accept it.
    let mut log = shown(&store, 12, &[(8, &stolen.log, vec![(b, BEFORE)])], false);
    log.add_checkpoint(&note(8, root, &stolen.log, &[]));
    let report = judged(&log, &keys(false), "fork_denied");
    assert_eq!((report.is_sound(), report.equivocations().count(), proven(&report)), (false, 0, 8), "{report}");
    says(
        &report,
        &["  not proven: that the signer contradicted itself in checkpoints 0 and 1: a stolen key alone signed one\n"],
    );
    assert!(!report.to_string().contains("CONTRADICTION"));
    // The addressee took one, and the owner went on with the other.
    log.add_checkpoint(&note(8, root, &alfa.log, &[]));
    let report = judged(&log, &keys(false), "fork_stands");
    assert_eq!((report.is_sound(), report.equivocations().count()), (true, 1), "{report}");
    says(&report, &["  CONTRADICTION: checkpoints 0 and 1 give one size two roots, by a key stolen since\n"]);
    // One that does not stand does not hide two that do.
    log.checkpoints.insert(0, note(8, Hash([3; 32]), &stolen.log, &[]).to_bytes());
    log.entries.iter_mut().for_each(|e| e.checkpoint += 1);
    let report = judged(&log, &keys(false), "fork_hidden");
    assert_eq!(report.equivocations().count(), 1, "{report}");
    // The same by a proof between two sizes.
    let reader = LogReader::new(&store, 12);
    let mut log = shown(&store, 12, &[(12, &stolen.log, vec![(b, BEFORE)])], false);
    let older = log.add_checkpoint(&note(8, root, &stolen.log, &[]));
    let proof = reader.consistency_proof(8, 12).unwrap();
    log.links.push(tlog::Link { older, newer: 0, root: reader.root_at(8).unwrap(), proof });
    let report = judged(&log, &keys(false), "fork_link");
    assert_eq!((report.is_sound(), report.equivocations().count()), (false, 0), "{report}");
    says(&report, &["  not proven: that the signer contradicted itself in checkpoints 1 and 0: "]);
}

#[test]
fn a_key_can_be_stolen_for_one_log_alone_and_a_stolen_witness_witnesses_nothing() {
    let Cast { stolen, alfa, bravo, .. } = cast();
    let (store, _) = log(8);
    let witness = NoteSigner::cosigner("w.example", &[9; 32]).unwrap();
    let log = shown(&store, 8, &[(8, &stolen.log, vec![(&bravo.cosigner, BEFORE), (&witness, 100)])], false);
    let plain: Vec<String> =
        [&stolen.log, &alfa.log, &bravo.cosigner].iter().map(|key| key.verifier().to_string()).collect();
    let with = |more: &[String]| [&plain[..], more].concat();
    let (flag, key) = ("--stolen".to_owned(), stolen.log.verifier().to_string());
    for (name, arg, expect) in [
        ("this", format!("{ORIGIN} {key}"), Standing::Accepted),
        ("other", format!("skypact.link/alfa/west/live {key}"), Standing::Signed),
        ("all", key.clone(), Standing::Accepted),
    ] {
        let report = judged(&log, &with(&[flag.clone(), arg]), name);
        assert_eq!(standing(&report), [expect], "{name}");
    }
    let seen = ["--witness".to_owned(), witness.verifier().to_string()];
    let report = judged(&log, &with(&seen), "witness");
    assert!(report.to_string().contains("witnessed: entries 0..8 by w.example"));
    let report = judged(&log, &with(&[&seen[..], &[flag, witness.verifier().to_string()]].concat()), "no_witness");
    assert!(
        !report.to_string().contains("by w.example") && report.logs[0].checkpoints[0].ignored.len() == 1,
        "{report}"
    );
}
