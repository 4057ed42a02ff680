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
    let keys = KeySet {
        log_key: log.verifier().clone(),
        cosign_key: cosign.verifier().clone(),
        tls_spki_sha256: Hash32([42; 32]),
    };
    let (pact, party, reason) = (pact.pact().hash(), party("north"), KeyReason::Rotation);
    let stated = KeyStatement { pact, party, serial: 1, keys, reason, issued: Utc(1_780_272_000_000) };
    SignedKeys::sign(stated, &authority()).unwrap().to_bytes()
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
