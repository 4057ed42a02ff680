//! Tests of statements about keys.
use super::*;
use crate::parse::tests::a_party;
use alloc::vec;

fn authority() -> NoteSigner {
    NoteSigner::new("skypact.keys/north", &[77; 32]).unwrap()
}

fn a_pact() -> Pact {
    let mut pact = Pact::parse(include_str!("../testdata/three-parties.pact")).unwrap();
    pact.parties[1].authority_key = Some(authority().verifier().clone());
    pact.check().unwrap();
    pact
}

fn a_statement(pact: &Pact) -> KeyStatement {
    KeyStatement {
        pact: pact.hash(),
        party: PartyId::parse("north").unwrap(),
        serial: 1,
        keys: KeySet::of(&a_party("north", 42)),
        reason: KeyReason::Stolen,
        issued: Utc(1_780_272_000_000),
    }
}

#[test]
fn a_pact_with_an_authority_key_is_read_back_and_the_key_must_be_its_own() {
    let mut pact = a_pact();
    assert_eq!(Pact::parse(&pact.format()), Ok(pact.clone()));
    // The log key under another name is still the log key.
    pact.parties[1].authority_key = Some(NoteSigner::new("skypact.keys/north", &[2; 32]).unwrap().verifier().clone());
    let error = pact.check().unwrap_err().to_string();
    assert!(error.contains("authority-key of north"), "{error}");
}

#[test]
fn a_statement_is_read_back_and_holds_under_its_pact() {
    let pact = a_pact();
    let statement = a_statement(&pact);
    let signed = SignedKeys::sign(statement.clone(), &authority()).unwrap();
    let read = SignedKeys::parse(&signed.to_bytes()).unwrap();
    assert_eq!((read.statement(), read.check(&pact)), (&statement, Ok(())));
    assert!(read.to_text().starts_with("skypact keys v1\npact "));
    assert!(signed.to_bytes().len() <= STATEMENT_BYTES_MAX);
}

#[test]
fn only_the_authority_key_of_that_party_under_that_pact_counts() {
    let pact = a_pact();
    let refused = |statement: KeyStatement, by: &NoteSigner, pact: &Pact| {
        SignedKeys::sign(statement, by).unwrap().check(pact).unwrap_err().to_string()
    };
    let not_signed = tlog::Error::from(tlog::PeerMisbehaved::NotSigned).to_string();
    let thief = NoteSigner::new("skypact.keys/north", &[78; 32]).unwrap();
    let log = NoteSigner::new("skypact.link/north", &[2; 32]).unwrap();
    for by in [&thief, &log] {
        assert_eq!(refused(a_statement(&pact), by, &pact), not_signed, "{by:?}");
    }
    let mut other = pact.clone();
    other.alarm_horizon_ms += 1000;
    assert!(refused(a_statement(&pact), &authority(), &other).starts_with("it is about the pact"));
    let south = KeyStatement { party: PartyId::parse("south").unwrap(), ..a_statement(&pact) };
    assert_eq!(
        refused(south, &authority(), &pact),
        "clause 1 names no authority key of south: its keys change only with a new pact"
    );
    let east = KeyStatement { party: PartyId::parse("east").unwrap(), ..a_statement(&pact) };
    assert_eq!(refused(east, &authority(), &pact), "the pact does not name east");
}

#[test]
fn a_key_serves_one_end_of_one_party() {
    let mut pact = a_pact();
    let witness = tlog::NoteSigner::cosigner("w.example", &[77; 32]).unwrap().verifier().clone();
    pact.oversight.witnesses = vec![witness.clone()];
    let of = |id: &str, seed: u8| KeySet::of(&a_party(id, seed));
    let (new, own, south) = (of("north", 42), of("north", 2), of("south", 3));
    let renamed =
        |key: &VerifierKey, algorithm| VerifierKey::new("skypact.link/north", algorithm, key.public()).unwrap();
    let (log_of_south, authority_key) = (south.log_key.clone(), authority().verifier().clone());
    let cases = vec![
        KeySet { log_key: renamed(&log_of_south, Algorithm::Ed25519), ..new.clone() },
        KeySet { tls_spki_sha256: south.tls_spki_sha256, ..new.clone() },
        KeySet { log_key: renamed(&authority_key, Algorithm::Ed25519), ..new.clone() },
        KeySet { log_key: renamed(&own.cosign_key, Algorithm::Ed25519), ..new.clone() },
        // What a witness cosigns would be a receipt.
        KeySet { cosign_key: renamed(&witness, Algorithm::CosignatureV1), ..new.clone() },
        KeySet { cosign_key: renamed(&own.log_key, Algorithm::CosignatureV1), ..new.clone() },
        KeySet { cosign_key: renamed(&new.log_key, Algorithm::CosignatureV1), ..new.clone() },
    ];
    for keys in cases {
        let signed = SignedKeys::sign(KeyStatement { keys, ..a_statement(&pact) }, &authority()).unwrap();
        assert_eq!(signed.check(&pact), Err(KeyError::KeyTwice), "{:?}", signed.statement().keys);
    }
    // The TLS key may stay what it is: it is a key apart.
    let kept = KeySet { tls_spki_sha256: own.tls_spki_sha256, ..new };
    let signed = SignedKeys::sign(KeyStatement { keys: kept, ..a_statement(&pact) }, &authority()).unwrap();
    assert_eq!(signed.check(&pact), Ok(()));
}

//= spec/keys.md K-2
#[test]
fn a_key_that_was_replaced_is_never_taken_again_and_one_in_force_may_stay() {
    let pact = a_pact();
    let of = |seed: u8| KeySet::of(&a_party("north", seed));
    let (first, second, third) = (of(2), of(42), of(52));
    let checked = |keys: KeySet, had: &[KeySet]| {
        let signed = SignedKeys::sign(KeyStatement { keys, ..a_statement(&pact) }, &authority()).unwrap();
        signed.check_new(had)
    };
    let had = [first.clone(), second.clone()];
    assert_eq!(checked(third.clone(), &had), Ok(()));
    assert_eq!(checked(second.clone(), &had), Ok(()), "the keys now in force");
    assert_eq!(checked(KeySet { cosign_key: second.cosign_key.clone(), ..third.clone() }, &had), Ok(()));
    assert_eq!(checked(first.clone(), core::slice::from_ref(&first)), Ok(()));
    let crossed = VerifierKey::new("skypact.link/north", Algorithm::Ed25519, first.cosign_key.public()).unwrap();
    for (keys, which) in [
        (first.clone(), "log-key"),
        (KeySet { log_key: first.log_key.clone(), ..third.clone() }, "log-key"),
        (KeySet { log_key: crossed, ..third.clone() }, "log-key"),
        (KeySet { cosign_key: first.cosign_key.clone(), ..second.clone() }, "cosign-key"),
        (KeySet { tls_spki_sha256: first.tls_spki_sha256, ..second.clone() }, "TLS key"),
        (KeySet { tls_spki_sha256: first.tls_spki_sha256, ..third.clone() }, "TLS key"),
    ] {
        assert_eq!(checked(keys, &had), Err(KeyError::KeyAgain { which }));
    }
}

#[test]
fn a_statement_names_no_key_that_would_pass_for_another_s() {
    let pact = a_pact();
    let new = KeySet::of(&a_party("north", 42));
    let refused = |keys: KeySet, pact: &Pact| {
        let statement = KeyStatement { keys, pact: pact.hash(), ..a_statement(pact) };
        SignedKeys::sign(statement, &authority()).unwrap().check(pact).unwrap_err()
    };
    //= spec/keys.md K-16
    for found in ["skypact.link/south", "skypact.link", "skypact.link/north/south", "skypact.keys/north"] {
        let named = |key: &VerifierKey| VerifierKey::new(found, key.algorithm(), key.public()).unwrap();
        let wanted = "skypact.link/north".to_string();
        let log = KeySet { log_key: named(&new.log_key), ..new.clone() };
        let error = KeyError::KeyName { which: "log-key", found: found.into(), wanted: wanted.clone() };
        assert_eq!(refused(log, &pact), error);
        let cosign = KeySet { cosign_key: named(&new.cosign_key), ..new.clone() };
        assert_eq!(refused(cosign, &pact), KeyError::KeyName { which: "cosign-key", found: found.into(), wanted });
    }
    //= spec/keys.md K-2
    let mut watched = pact;
    let witness = NoteSigner::cosigner("w.example", &[9; 32]).unwrap();
    watched.oversight.witnesses = vec![witness.verifier().clone()];
    let court = crate::Auditor { id: PartyId::parse("court").unwrap(), tls_spki_sha256: Hash32([9; 32]) };
    watched.oversight.auditors = vec![court];
    watched.check().unwrap();
    let own = |seed| KeySet::of(&a_party("north", seed));
    let as_own = VerifierKey::new("skypact.link/north", Algorithm::CosignatureV1, witness.verifier().public()).unwrap();
    assert_eq!(refused(KeySet { cosign_key: as_own, ..own(42) }, &watched), KeyError::KeyTwice, "a witness's key");
    let tls = KeySet { tls_spki_sha256: Hash32([9; 32]), ..own(42) };
    assert_eq!(refused(tls, &watched), KeyError::KeyTwice, "an auditor's key");
}

#[test]
fn every_changed_byte_of_a_statement_is_refused() {
    let pact = a_pact();
    let good = SignedKeys::sign(a_statement(&pact), &authority()).unwrap().to_bytes();
    for at in 0..good.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= bit;
            let held = SignedKeys::parse(&bad).and_then(|s| s.check(&pact).map(|()| s));
            assert!(held.is_err(), "byte {at} ^ {bit:#x}: {:?}", held.unwrap().to_text());
        }
    }
    for end in 0..good.len() {
        assert!(SignedKeys::parse(&good[..end]).and_then(|s| s.check(&pact)).is_err(), "{end} bytes");
    }
}

#[test]
fn what_is_wrong_is_named_by_its_line() {
    let text = a_statement(&a_pact()).format();
    let check = |from: &str, to: &str, want: &str| {
        assert!(text.contains(from), "{from}");
        let got = KeyStatement::parse(&text.replacen(from, to, 1)).map_err(|e| e.to_string());
        assert_eq!(got.map(drop), Err(want.to_string()));
    };
    check("skypact keys v1", "skypact pact v1", "line 1 is not `skypact keys v1`: this is no statement about keys");
    check("serial 1", "serial 0", "line 4 is not `serial` and a number from 1");
    check("serial 1", "serial 01", "line 4 is not in the one form that a statement has");
    check("reason stolen", "reason bored", "line 8 is not `reason` and rotation, stolen or lost");
    check("issued 2026-06-01T00", "issued 2026-06-01 00", "line 9 is not `issued` and a time as 2026-01-31T23:59:59Z");
    check("log-key ", "log-key  ", "line 5 is not `log-key` and an Ed25519 verifier key");
    let long = alloc::vec![b'a'; STATEMENT_BYTES_MAX + 1];
    assert_eq!(SignedKeys::parse(&long), Err(KeyError::TooLarge { bytes: STATEMENT_BYTES_MAX + 1 }));
}
