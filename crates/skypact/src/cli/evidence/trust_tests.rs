//! Whose word a statement's keys are: that of its party, about its own logs, and of nobody else.
use super::*;
use pact::{KeyReason, KeyStatement};
use record::Hash32;
use tlog::{Bundle, Checkpoint, LogEvidence, LogReader, LogWriter, MemStore, NoteSigner, Report};
use units::Utc;

const TEXT: &str = include_str!("../../../../pact/testdata/three-parties.pact");

fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

fn authority() -> NoteSigner {
    NoteSigner::new("skypact.keys/north", &[77; 32]).unwrap()
}

/// The pact of the example, in which north may replace its keys.
fn signed_pact() -> SignedPact {
    let mut pact = Pact::parse(TEXT).unwrap();
    pact.parties[1].authority_key = Some(authority().verifier().clone());
    SignedPact::unsigned(pact).unwrap()
}

fn origin(pact: &SignedPact, from: &str, to: &str) -> String {
    link::origin(&party(from), &party(to), &pact.pact().mode, &pact.pact().hash())
}

/// A statement of north about keys of these names, made from a seed.
fn statement(pact: &SignedPact, log: &NoteSigner, cosign: &NoteSigner) -> Vec<u8> {
    stated(pact, 1, KeyReason::Rotation, log, cosign).to_bytes()
}

fn stated(pact: &SignedPact, serial: u32, reason: KeyReason, log: &NoteSigner, cosign: &NoteSigner) -> SignedKeys {
    let keys = KeySet {
        log_key: log.verifier().clone(),
        cosign_key: cosign.verifier().clone(),
        tls_spki_sha256: Hash32([42; 32]),
    };
    let (pact, party) = (pact.pact().hash(), party("north"));
    let stated = KeyStatement { pact, party, serial, keys, reason, issued: Utc(1_780_272_000_000) };
    SignedKeys::sign(stated, &authority()).unwrap()
}

fn signers(name: &str) -> (NoteSigner, NoteSigner) {
    (NoteSigner::new(name, &[42; 32]).unwrap(), NoteSigner::cosigner(name, &[43; 32]).unwrap())
}

/// A log of three invented entries, signed and cosigned by whoever holds these keys.
fn bundle(origin: &str, log: &NoteSigner, cosigner: &NoteSigner) -> Bundle {
    let (mut store, mut writer) = (MemStore::default(), LogWriter::new());
    for entry in [[1u8; 9], [2; 9], [3; 9]] {
        writer.append(&entry).unwrap();
    }
    writer.flush(&mut store).unwrap();
    let checkpoint = Checkpoint { origin: origin.into(), size: 3, root: writer.root() };
    let mut note = tlog::sign_checkpoint(&checkpoint, log).unwrap();
    note.add(tlog::cosign(note.text(), 1_780_272_000, cosigner).unwrap()).unwrap();
    let mut evidence = LogEvidence::new(origin);
    let number = evidence.add_checkpoint(&note);
    evidence.add_range(&LogReader::new(&store, 3), 0..3, number).unwrap();
    Bundle { logs: vec![evidence], metadata: None }
}

fn verified(bundle: &Bundle, pact: &SignedPact, statement: &[u8], taken: bool) -> Report {
    let (mut trusted, origins) = (TrustedKeys::new(), [bundle.logs[0].origin.clone()]);
    super::pact(&mut trusted, pact.pact(), &origins).unwrap();
    let stated = super::statement(&mut trusted, std::slice::from_ref(pact), &origins, statement).unwrap();
    assert_eq!(stated.is_some(), taken);
    tlog::verify(bundle, &trusted)
}

#[test]
fn a_statement_about_keys_of_another_party_s_name_forges_neither_its_log_nor_its_receipts() {
    let pact = signed_pact();
    let north = NoteSigner::cosigner("skypact.link/north", &[102; 32]).unwrap();
    let own = NoteSigner::new("skypact.link/north", &[2; 32]).unwrap();
    assert_eq!(own.verifier(), &pact.pact().parties[1].log_key, "north's keys are those of the example");
    for name in ["skypact.link/south", "skypact.link"] {
        let (log, cosign) = signers(name);
        let stated = statement(&pact, &log, &cosign);
        // South's word, invented by north, with north's receipt.
        let forged = bundle(&origin(&pact, "south", "north"), &log, &north);
        let report = verified(&forged, &pact, &stated, false);
        assert!(!report.is_sound() && report.logs[0].proven.is_empty(), "{report}");
        // South's receipt for north's log, invented by north.
        let forged = bundle(&origin(&pact, "north", "south"), &own, &cosign);
        let report = verified(&forged, &pact, &stated, false);
        assert_eq!((report.is_sound(), report.logs[0].received()), (true, vec![]), "{report}");
    }
}

#[test]
fn the_keys_of_a_statement_speak_for_the_logs_of_its_party_and_for_receipts_of_logs_to_it() {
    let pact = signed_pact();
    let (log, cosign) = signers("skypact.link/north");
    let stated = statement(&pact, &log, &cosign);
    let south = NoteSigner::new("skypact.link/south", &[3; 32]).unwrap();
    let receipt = NoteSigner::cosigner("skypact.link/south", &[103; 32]).unwrap();
    let check = |from, to, log: &NoteSigner, cosigner: &NoteSigner, sound, receipts| {
        let report = verified(&bundle(&origin(&pact, from, to), log, cosigner), &pact, &stated, true);
        let got = (report.is_sound(), report.logs[0].received().len());
        assert_eq!(got, (sound, receipts), "{from} to {to}: {report}");
    };
    check("north", "south", &log, &receipt, true, 1);
    check("south", "north", &south, &cosign, true, 1);
    check("south", "civil", &south, &cosign, true, 0);
    check("south", "north", &log, &cosign, false, 0);
    // A log of the same parties under another pact is not theirs to sign with these.
    let elsewhere = origin(&pact, "north", "south").replace(&pact.pact().hash().to_string(), &"00".repeat(32));
    let report = verified(&bundle(&elsewhere, &log, &receipt), &pact, &stated, true);
    assert_eq!((report.is_sound(), report.logs[0].received()), (false, vec![]), "{report}");
}

#[test]
fn a_receipt_is_known_by_the_addressee_s_key_and_not_by_a_name() {
    let pact = signed_pact();
    let own = NoteSigner::new("skypact.link/north", &[2; 32]).unwrap();
    let other = NoteSigner::cosigner("skypact.link/south", &[44; 32]).unwrap();
    let forged = bundle(&origin(&pact, "north", "south"), &own, &other);
    let mut trusted = TrustedKeys::new();
    super::pact(&mut trusted, pact.pact(), &[forged.logs[0].origin.clone()]).unwrap();
    // Known for what it is, say as a witness: its name makes it nobody's receipt.
    trusted.add(VerifierKey::clone(other.verifier())).unwrap();
    let report = tlog::verify(&forged, &trusted);
    assert!(report.is_sound() && report.logs[0].proven[0].received.len() == 1, "{report}");
    assert_eq!(report.logs[0].received(), vec![], "{report}");
}

/// The pact's and the statements' keys, and what the verifier is told besides.
fn trusting(pact: &SignedPact, bundle: &Bundle, stated: &[SignedKeys]) -> (TrustedKeys, Vec<String>) {
    let (mut trusted, origins) = (TrustedKeys::new(), [bundle.logs[0].origin.clone()]);
    let pacts = std::slice::from_ref(pact);
    super::pact(&mut trusted, pact.pact(), &origins).unwrap();
    for signed in stated {
        super::statement(&mut trusted, pacts, &origins, &signed.to_bytes()).unwrap().unwrap();
    }
    let said = thefts(&mut trusted, pacts, &origins, stated).unwrap();
    (trusted, said)
}

//= spec/keys.md K-17
#[test]
fn a_statement_of_theft_takes_their_worth_from_all_older_keys_of_its_party_and_from_no_other() {
    let pact = signed_pact();
    let first = NoteSigner::new("skypact.link/north", &[2; 32]).unwrap();
    let first_cosign = NoteSigner::cosigner("skypact.link/north", &[102; 32]).unwrap();
    let key = |seed: u8| NoteSigner::new("skypact.link/north", &[seed; 32]).unwrap();
    let cosigner = |seed: u8| NoteSigner::cosigner("skypact.link/north", &[seed; 32]).unwrap();
    let (south, receipt) = (
        NoteSigner::new("skypact.link/south", &[3; 32]).unwrap(),
        NoteSigner::cosigner("skypact.link/south", &[103; 32]).unwrap(),
    );
    let rotated = |serial| stated(&pact, serial, KeyReason::Rotation, &key(42), &cosigner(43));
    let stolen = |serial| stated(&pact, serial, KeyReason::Stolen, &key(52), &cosigner(53));
    // A log of north's that nobody accepted, and one to north with a receipt of north's.
    let sound = |list: &[SignedKeys], log: &NoteSigner, cosign: &NoteSigner| {
        let stranger = NoteSigner::cosigner("skypact.link/civil", &[101; 32]).unwrap();
        let said = bundle(&origin(&pact, "north", "south"), log, &stranger);
        let heard = bundle(&origin(&pact, "south", "north"), &south, cosign);
        let ((ours, _), (theirs, _)) = (trusting(&pact, &said, list), trusting(&pact, &heard, list));
        (tlog::verify(&said, &ours).is_sound(), tlog::verify(&heard, &theirs).is_sound())
    };
    assert_eq!(sound(&[rotated(1)], &first, &first_cosign), (true, true), "a key retired is not stolen");
    assert_eq!(sound(&[stolen(1)], &first, &first_cosign), (false, false));
    assert_eq!(sound(&[stolen(1)], &key(52), &cosigner(53)), (true, true));
    assert_eq!(sound(&[rotated(1), stolen(2)], &key(42), &cosigner(43)), (false, false));
    assert_eq!(sound(&[stolen(2), rotated(1)], &first, &first_cosign), (false, false), "older still, in any order");
    assert_eq!(sound(&[stolen(1), rotated(2)], &key(52), &cosigner(53)), (true, true), "rotated after the theft");
    // Only what was replaced: the log key stays.
    let cosign_alone = stated(&pact, 1, KeyReason::Stolen, &first, &cosigner(53));
    assert_eq!(sound(&[cosign_alone], &first, &first_cosign), (true, false));
    // A statement that is missing may tell of a theft; of two of one number nobody knows which is the owner's.
    assert_eq!(sound(&[rotated(2)], &first, &first_cosign), (false, false));
    assert_eq!(sound(&[rotated(2)], &key(42), &cosigner(43)), (true, true));
    for (log, cosign) in [(&first, &first_cosign), (&key(42), &cosigner(43)), (&key(52), &cosigner(53))] {
        assert_eq!(sound(&[rotated(1), stolen(1)], log, cosign), (false, false));
    }
    let any = bundle(&origin(&pact, "north", "south"), &first, &receipt);
    assert_eq!(trusting(&pact, &any, &[rotated(2)]).1.len(), 1);
    assert!(trusting(&pact, &any, &[rotated(1), stolen(1)]).1[0].starts_with("TWO STATEMENTS 1"));
    // South's own keys are what they were, and what south took before it heard is north's word.
    let (trusted, said) = trusting(&pact, &any, &[stolen(1)]);
    let report = tlog::verify(&any, &trusted);
    assert!(report.is_sound() && said.is_empty() && report.logs[0].received().len() == 1, "{report}");
    assert_eq!(report.logs[0].checkpoints[0].standing, tlog::Standing::Accepted);
}

/// North says something by its second key, south receipts it, and north states that key stolen, for the first one again.
//= spec/keys.md K-17
#[test]
fn a_party_that_goes_back_to_its_first_keys_takes_back_nothing_that_was_receipted() {
    let pact = signed_pact();
    let key = |seed: u8| NoteSigner::new("skypact.link/north", &[seed; 32]).unwrap();
    let cosigner = |seed: u8| NoteSigner::cosigner("skypact.link/north", &[seed; 32]).unwrap();
    let (first, receipt) = (key(2), NoteSigner::cosigner("skypact.link/south", &[103; 32]).unwrap());
    let origin = origin(&pact, "north", "south");
    let (mut store, mut writer) = (MemStore::default(), LogWriter::new());
    let mut said = LogEvidence::new(&origin);
    for (size, by, time_s) in [(1, &first, 1_780_000_000), (2, &key(42), 1_780_000_600)] {
        writer.append(&[size; 9]).unwrap();
        writer.flush(&mut store).unwrap();
        let checkpoint = Checkpoint { origin: origin.clone(), size: size.into(), root: writer.root() };
        let mut note = tlog::sign_checkpoint(&checkpoint, by).unwrap();
        note.add(tlog::cosign(note.text(), time_s, &receipt).unwrap()).unwrap();
        let number = said.add_checkpoint(&note);
        let reader = LogReader::new(&store, size.into());
        said.add_range(&reader, u64::from(size) - 1..u64::from(size), number).unwrap();
    }
    let said = Bundle { logs: vec![said], metadata: None };
    let second = stated(&pact, 1, KeyReason::Rotation, &key(42), &cosigner(43));
    let back = |serial, reason| stated(&pact, serial, reason, &first, &cosigner(102));
    for list in [
        vec![second.clone(), back(2, KeyReason::Stolen)],
        vec![second.clone(), back(5, KeyReason::Rotation)],
        vec![
            second.clone(),
            back(2, KeyReason::Rotation),
            stated(&pact, 3, KeyReason::Stolen, &key(52), &cosigner(53)),
        ],
        vec![second.clone(), stated(&pact, 5, KeyReason::Rotation, &key(52), &cosigner(53))],
        vec![second.clone(), stated(&pact, 1, KeyReason::Rotation, &first, &cosigner(102)), back(2, KeyReason::Stolen)],
    ] {
        let (trusted, _) = trusting(&pact, &said, &list);
        let report = tlog::verify(&said, &trusted);
        assert!(report.is_sound(), "{report}");
        let standing: Vec<_> = report.logs[0].checkpoints.iter().map(|c| c.standing).collect();
        assert_eq!(standing, [tlog::Standing::Accepted; 2], "both keys are stolen ones\n{report}");
    }
    // A key that stayed is none that was named again.
    let stayed = stated(&pact, 1, KeyReason::Stolen, &first, &cosigner(53));
    let (trusted, _) = trusting(&pact, &said, &[stayed]);
    assert!(!trusted.is_stolen(&origin, first.verifier()) && !trusted.is_named_again(&origin, first.verifier()));
}
