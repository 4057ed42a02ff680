//! No bytes of others make a parser panic, and what parses is written back as it was.

use proptest::prelude::*;
use tlog::{Bundle, Checkpoint, Frontier, Note, SignatureLine, TrustedKeys, VerifierKey, decode_bundle, open};

/// Text made of the pieces the formats are made of, so that some of it parses.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("\u{2014} ".to_owned()),
        Just("+".to_owned()),
        Just("o\n3\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n".to_owned()),
        Just("example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncA==\n".to_owned()),
        Just("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".to_owned()),
        Just("cosignature/v1\ntime 5\n".to_owned()),
        "[ -~]{0,12}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|all| all.concat())
}

fn parse_all(bytes: &[u8]) {
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_bytes(), bytes);
    }
    let _ = open(bytes, &[]);
    if let Ok(bundle) = Bundle::decode(bytes) {
        assert_eq!(bundle.encode().unwrap(), bytes);
        let _ = tlog::verify(&bundle, &TrustedKeys::new()).to_string();
    }
    for width in [0, 1, 3, 256] {
        if let Ok(entries) = decode_bundle(bytes, width) {
            assert_eq!(tlog::encode_bundle(&entries).unwrap(), bytes);
        }
    }
    if let Ok(mut frontier) = minicbor::decode::<Frontier>(bytes) {
        let _ = frontier.root();
        if frontier.size() < tlog::TREE_SIZE_MAX {
            frontier.append(tlog::EMPTY_ROOT);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse_all(&bytes);
    }

    #[test]
    fn random_text_does_not_panic(text in pieces()) {
        parse_all(text.as_bytes());
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text.clone());
        }
        if let Ok(line) = SignatureLine::from_text(&text) {
            prop_assert_eq!(line.to_text(), text.clone());
        }
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert!(text.starts_with(&checkpoint.to_text()));
        }
        let _ = TrustedKeys::new().add_text(&text);
    }

    /// A good bundle with a few bytes changed, cut or doubled.
    #[test]
    fn a_damaged_bundle_does_not_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(), doubled in any::<bool>(),
    ) {
        let mut bytes = include_bytes!("../testdata/two-logs.evidence").to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        parse_all(&bytes);
        let cut = cut.index(bytes.len());
        if doubled {
            bytes.splice(cut..cut, include_bytes!("../testdata/two-logs.evidence").iter().copied().take(cut));
        } else {
            bytes.truncate(cut);
        }
        parse_all(&bytes);
    }
}

/// Lists that claim 2^32 and more items with nothing behind them.
#[test]
fn a_claimed_length_allocates_nothing() {
    let mut head = Vec::new();
    minicbor::Encoder::new(&mut head).map(2).unwrap().u8(0).unwrap().str("skypact evidence 1").unwrap().u8(1).unwrap();
    for claim in
        [&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[0x9a, 0xff, 0xff, 0xff, 0xff], &[0x18, 64]]
    {
        assert!(Bundle::decode(&[&head, claim].concat()).is_err());
    }
    assert!(minicbor::decode::<Frontier>(&[0x82, 0x01, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
    let deep = vec![0x81; 100_000];
    assert!(Bundle::decode(&deep).is_err());
}
