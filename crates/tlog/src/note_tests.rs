//! Tests of notes: published examples and refusals.

use super::*;
use std::format;
use std::string::ToString;
use std::vec;

/// From the signed-note specification.
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// From the tests of golang.org/x/mod/sumdb/note; the secret key is published with them.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_SECRET: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_LINE: &str = "\u{2014} PeterNeumann \
    x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn keys(texts: &[&str]) -> Vec<VerifierKey> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[track_caller]
fn refused(note: &[u8], keys: &[VerifierKey], expect: impl Into<Error>) {
    assert_eq!(open(note, keys).map(|_| ()), Err(expect.into()));
}

#[test]
fn a_bare_note_has_one_line_of_the_key_that_opened_it() {
    let (a, b) = (NoteSigner::new("a.example", &[1; 32]).unwrap(), NoteSigner::new("b.example", &[2; 32]).unwrap());
    let fat = sign("text\n", &[&b, &a]).unwrap();
    let opened = open(&fat.to_bytes(), core::slice::from_ref(a.verifier())).unwrap();
    assert_eq!(opened.bare(), sign("text\n", &[&a]).unwrap().to_bytes());
}

#[test]
fn the_specification_s_example_opens() {
    let opened = open(EXAMPLE.as_bytes(), &keys(&[EXAMPLE_KEY])).unwrap();
    assert_eq!(opened.text(), "This is an example message.\n");
    assert_eq!(opened.signed_by(), keys(&[EXAMPLE_KEY]));
    assert_eq!(opened.to_bytes(), EXAMPLE.as_bytes());
}

#[test]
fn the_go_test_s_key_signs_the_very_same_note() {
    let secret = BASE64_STANDARD.decode(GO_SECRET).unwrap();
    let signer = NoteSigner::new("PeterNeumann", secret[1..].try_into().unwrap()).unwrap();
    assert_eq!(signer.verifier().to_string(), GO_KEY);
    let note = sign(GO_TEXT, &[&signer]).unwrap();
    assert_eq!(String::from_utf8(note.to_bytes()).unwrap(), format!("{GO_TEXT}\n{GO_LINE}"));
}

#[test]
fn any_flipped_bit_is_refused_or_makes_an_unknown_signature() {
    let good = EXAMPLE.as_bytes();
    for (at, bit) in (0..good.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut bad = good.to_vec();
        bad[at] ^= 1 << bit;
        assert!(open(&bad, &keys(&[EXAMPLE_KEY])).is_err(), "byte {at} bit {bit}");
    }
}

#[test]
fn signatures_by_unknown_keys_are_ignored() {
    let unknown = "\u{2014} PeterNeumann AAAAAEn8\n\u{2014} example.com/foo AAAAAEn8\n";
    let note = format!("{GO_TEXT}\n{unknown}{GO_LINE}");
    let opened = open(note.as_bytes(), &keys(&[EXAMPLE_KEY, GO_KEY])).unwrap();
    assert_eq!(opened.signed_by(), keys(&[GO_KEY]));
    assert_eq!(opened.signatures().len(), 3);
    refused(note.as_bytes(), &keys(&[EXAMPLE_KEY]), PeerMisbehaved::NotSigned);
    refused(note.as_bytes(), &[], PeerMisbehaved::NotSigned);
}

#[test]
fn one_bad_signature_by_a_known_key_refuses_the_whole_note() {
    let bad = GO_LINE.replace("JnAM=", "JnAI=");
    let note = format!("{GO_TEXT}\n{GO_LINE}{bad}");
    let key = keys(&[GO_KEY]);
    refused(note.as_bytes(), &key, PeerMisbehaved::BadSignature { name: "PeterNeumann".into(), key_id: key[0].id() });
}

#[test]
fn a_key_of_unknown_type_proves_nothing() {
    let key = VerifierKey::new("PeterNeumann", Algorithm::Unknown(0x06), &[1; 1312]).unwrap();
    let line = SignatureLine::by(&key, vec![0; 64]);
    let mut note = Note::parse(format!("{GO_TEXT}\n{GO_LINE}").as_bytes()).unwrap();
    note.add(line).unwrap();
    refused(&note.to_bytes(), core::slice::from_ref(&key), PeerMisbehaved::NotSigned);
    assert!(open(&note.to_bytes(), &[key, keys(&[GO_KEY])[0].clone()]).is_ok());
}

#[test]
fn bytes_that_are_no_note_are_refused() {
    let line = GO_LINE.trim_end();
    for (bad, expect) in [
        (String::new(), Malformed::NoteUnsigned),
        ("text\n".into(), Malformed::NoteUnsigned),
        ("text\n\n".into(), Malformed::NoteUnsigned),
        (format!("text\n{line}\n"), Malformed::NoteUnsigned),
        (format!("text\n\n{line}"), Malformed::NoteUnsigned),
        (format!("text\n\n{line}\n{line}x\n"), Malformed::SignatureLine { line: 1 }),
        (format!("text\n\n-{line}\n"), Malformed::SignatureLine { line: 0 }),
        ("text\n\n\u{2014} a b AAAAAAAA\n".into(), Malformed::SignatureLine { line: 0 }),
        ("text\n\n\u{2014} a+b AAAAAAAA\n".into(), Malformed::SignatureLine { line: 0 }),
        ("text\n\n\u{2014}  AAAAAAAA\n".into(), Malformed::SignatureLine { line: 0 }),
        // Four bytes are a key id without signature; the last character's spare bits must be zero.
        ("text\n\n\u{2014} a AAAAAA==\n".into(), Malformed::SignatureLine { line: 0 }),
        ("text\n\n\u{2014} a AAAAAAB=\n".into(), Malformed::SignatureLine { line: 0 }),
        (format!("te\txt\n\n{line}\n"), Malformed::NoteText { offset: 2 }),
        (format!("text\r\n\n{line}\n"), Malformed::NoteText { offset: 4 }),
    ] {
        assert_eq!(Note::parse(bad.as_bytes()).map(|_| ()), Err(expect.into()), "{bad:?}");
    }
    assert_eq!(Note::parse(b"ab\xff\n\n").map(|_| ()), Err(Malformed::NoteText { offset: 2 }.into()));
}

#[test]
fn a_note_past_its_bounds_is_refused_before_it_is_read() {
    let many = format!("{GO_TEXT}\n{}", GO_LINE.repeat(17));
    refused(many.as_bytes(), &[], Refused::TooLarge { what: "signatures of a note", found: 17, max: 16 });
    let large = vec![0xff; NOTE_BYTES_MAX + 1];
    refused(&large, &[], Refused::TooLarge { what: "note, bytes", found: 65537, max: 65536 });
}

#[test]
fn the_last_blank_line_separates_text_from_signatures() {
    let signer = NoteSigner::new("a", &[1; 32]).unwrap();
    for text in ["\n", "a\n\nb\n", "a\n\n\n", "a\n\n\u{2014} a AAAAAAAA\n"] {
        let note = sign(text, &[&signer]).unwrap();
        assert_eq!(Note::parse(&note.to_bytes()).unwrap(), note);
        assert!(open(&note.to_bytes(), core::slice::from_ref(signer.verifier())).is_ok(), "{text:?}");
    }
    for text in ["", "a", "a\r\n"] {
        assert_eq!(sign(text, &[&signer]), Err(Misuse::NoteText.into()), "{text:?}");
    }
}

#[test]
fn a_text_that_reads_as_a_cosigned_message_is_neither_signed_nor_opened() {
    let signer = NoteSigner::new("a", &[1; 32]).unwrap();
    let text = "cosignature/v1\ntime 1\norigin\n";
    assert_eq!(sign(text, &[&signer]), Err(Refused::AmbiguousText.into()));
    let line = SignatureLine::by(signer.verifier(), signer.sign_bytes(text.as_bytes()).unwrap().to_vec());
    let note = Note { text: text.into(), signatures: vec![line] };
    refused(&note.to_bytes(), core::slice::from_ref(signer.verifier()), Refused::AmbiguousText);
}

#[test]
fn a_cosigner_s_key_signs_no_note() {
    let cosigner = NoteSigner::cosigner("a", &[1; 32]).unwrap();
    assert_eq!(sign("a\n", &[&cosigner]), Err(Misuse::WrongAlgorithm { name: "a".into() }.into()));
}
