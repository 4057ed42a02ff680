//! Tests of signatures on a pact.
use super::*;
use alloc::string::ToString;
use alloc::vec;

const GOOD: &str = include_str!("../testdata/three-parties.pact");

fn key(id: &str, seed: u8) -> NoteSigner {
    NoteSigner::new(&alloc::format!("skypact.link/{id}"), &[seed; 32]).unwrap()
}

fn keys() -> [NoteSigner; 3] {
    [key("civil", 1), key("north", 2), key("south", 3)]
}

fn id(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

fn unsigned() -> SignedPact {
    SignedPact::parse(GOOD.as_bytes()).unwrap()
}

#[test]
fn a_pact_is_in_force_only_when_every_party_has_signed_and_while_it_is_valid() {
    let mut pact = unsigned();
    let (from, until) = (pact.pact().valid_from, pact.pact().valid_until);
    assert_eq!(pact.missing(), vec![id("civil"), id("north"), id("south")]);
    for (i, key) in keys().iter().enumerate() {
        assert!(!pact.in_force(from), "{i}");
        pact.sign(key).unwrap();
        assert_eq!(pact.signed_by().len(), i + 1);
        assert_eq!(SignedPact::parse(&pact.to_bytes()), Ok(pact.clone()));
        assert!(pact.to_bytes().starts_with(GOOD.as_bytes()), "the text is what is signed");
    }
    assert!(pact.in_force(from) && pact.in_force(until));
    assert!(!pact.in_force(from.plus_ms(-1)) && !pact.in_force(until.plus_ms(1)));
    let bytes = minicbor::to_vec(&pact).unwrap();
    assert_eq!(minicbor::decode::<SignedPact>(&bytes).unwrap(), pact);
}

#[test]
fn signatures_made_apart_are_joined_and_signing_twice_changes_nothing() {
    let [civil, north, _] = keys();
    let (mut a, mut b) = (unsigned(), unsigned());
    a.sign(&civil).unwrap();
    a.sign(&civil).unwrap();
    b.sign(&north).unwrap();
    a.join(b).unwrap();
    assert_eq!(a.signed_by(), [id("civil"), id("north")]);
    assert_eq!(a.missing(), vec![id("south")]);
    let other = SignedPact::parse(GOOD.replace("alarm 120 s", "alarm 60 s").as_bytes()).unwrap();
    let (ours, theirs) = (a.pact().hash(), other.pact().hash());
    assert_eq!(a.join(other), Err(SignError::OtherPact { ours, theirs }));
}

#[test]
fn a_stranger_s_signature_counts_for_nothing_and_cannot_be_made_here() {
    let stranger = key("east", 9);
    assert_eq!(unsigned().sign(&stranger), Err(SignError::NotAParty { name: "skypact.link/east".to_string() }));
    let cosigner = NoteSigner::cosigner("skypact.link/north", &[102; 32]).unwrap();
    assert_eq!(unsigned().sign(&cosigner), Err(SignError::NotAParty { name: "skypact.link/north".to_string() }));
    let note = tlog::sign(GOOD, &[&stranger]).unwrap();
    let parsed = SignedPact::parse(&note.to_bytes()).unwrap();
    assert_eq!((parsed.signed_by().len(), parsed.to_bytes()), (0, note.to_bytes()));
}

#[test]
fn any_flipped_bit_of_a_signed_pact_is_refused_or_loses_a_signature() {
    let mut pact = unsigned();
    keys().iter().for_each(|key| pact.sign(key).unwrap());
    let good = pact.to_bytes();
    let from = pact.pact().valid_from;
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(SignedPact::parse(&bad).map_or(true, |p| !p.in_force(from)), "byte {at}");
    }
    for end in 0..good.len() {
        assert!(SignedPact::parse(&good[..end]).map_or(true, |p| !p.in_force(from)), "cut at {end}");
    }
}

#[test]
fn a_signature_under_other_words_is_refused_by_name() {
    let mut pact = unsigned();
    pact.sign(&keys()[1]).unwrap();
    let bytes = alloc::string::String::from_utf8(pact.to_bytes()).unwrap().replace("alarm 120 s", "alarm 60 s");
    let error = SignedPact::parse(bytes.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "peer misbehaved: signature of skypact.link/north+1054dd24 does not verify");
    let broken = bytes.replace("alarm 60 s", "alarm 60 sec");
    assert_eq!(
        SignedPact::parse(broken.as_bytes()).unwrap_err().to_string(),
        "line 14, clause 5.1: write it as `5.1 alarm 120 s`; found `60 sec`"
    );
}
