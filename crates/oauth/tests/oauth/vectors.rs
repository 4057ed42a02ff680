use crate::{NOW, jwks, pem, settings, testdata};
use oauth::{KeySet, Refused, TOKEN_BYTES_MAX, Verifier};
use std::collections::BTreeSet;

struct Vector {
    keys: String,
    verdict: String,
    what: String,
    token: String,
}

impl Vector {
    fn keys(&self) -> KeySet {
        match self.keys.as_str() {
            "jwks" => jwks(),
            "pem" => pem("rsa.pem"),
            other => panic!("{other}"),
        }
    }
}

fn vectors() -> Vec<Vector> {
    let text = String::from_utf8(testdata("tokens.txt")).unwrap();
    let vector = |line: &str| {
        let [keys, verdict, what, token] =
            line.split(" | ").map(str::to_string).collect::<Vec<_>>().try_into().unwrap();
        Vector { keys, verdict, what, token }
    };
    text.lines().filter(|line| !line.starts_with('#')).map(vector).collect()
}

fn name(refused: &Refused) -> String {
    match refused {
        Refused::MissingClaim(claim) => format!("MissingClaim:{claim}"),
        other => format!("{other:?}").split('(').next().unwrap().to_string(),
    }
}

#[test]
fn tokens_of_other_implementations_have_the_verdict_that_stands_beside_them() {
    let mut verdicts = BTreeSet::new();
    for vector in vectors() {
        let verifier = Verifier::new(settings(), vector.keys());
        // Twice: what was remembered of the first time must not change the verdict.
        for _ in 0..2 {
            let verdict = verifier.verify(&vector.token, NOW);
            let named = verdict.as_ref().map_or_else(name, |_| "ok".into());
            assert_eq!(named, vector.verdict, "{}", vector.what);
            if let Ok(claims) = verdict {
                assert_eq!((claims.sub.as_str(), claims.iss.as_deref()), ("uss1", Some("https://auth.example")));
                assert_eq!((claims.exp, claims.iat), (NOW + 3600, Some(NOW)), "{}", vector.what);
                assert!(claims.aud.contains(&"dss.example".to_string()), "{}", vector.what);
                assert!(claims.has("utm.strategic_coordination") && claims.has("utm.conformance_monitoring_sa"));
                assert!(!claims.has("utm.strategic") && claims.scopes.len() == 2);
            }
        }
        verdicts.insert(vector.verdict);
    }
    // The remaining refusals need settings or tokens that are made in the tests beside.
    let all = "Algorithm Audience Expired Issuer Kind Malformed MissingClaim:aud MissingClaim:exp MissingClaim:iss \
               MissingClaim:scope MissingClaim:sub NotYetValid Signature UnknownKey ok";
    assert_eq!(verdicts, all.split_whitespace().map(str::to_string).collect());
}

#[test]
fn no_other_key_verifies_a_good_token() {
    let good = vectors().into_iter().find(|v| v.what == "pyjwt RS256 without kid").unwrap().token;
    assert!(Verifier::new(settings(), jwks()).verify(&good, NOW).is_ok());
    for (keys, refused) in [(pem("ec.pem"), Refused::Algorithm), (KeySet::default(), Refused::UnknownKey)] {
        assert_eq!(Verifier::new(settings(), keys).verify(&good, NOW), Err(refused));
    }
}

#[test]
fn a_token_with_any_byte_changed_is_refused() {
    let good = vectors().swap_remove(0).token;
    let verifier = Verifier::new(settings(), jwks());
    // All of the signature and every seventh before it: each signature that is checked costs time.
    let start = good.rfind('.').unwrap();
    for at in (0..start).step_by(7).chain(start..good.len()) {
        let mut bent = good.clone().into_bytes();
        bent[at] ^= 1;
        let Ok(bent) = String::from_utf8(bent) else { continue };
        assert!(verifier.verify(&bent, NOW).is_err(), "byte {at}");
    }
    for (cut, _) in good.char_indices() {
        assert!(verifier.verify(&good[..cut], NOW).is_err(), "cut at {cut}");
    }
    assert!(verifier.verify(&good, NOW).is_ok());
}

#[test]
fn what_is_no_token_is_refused_and_nothing_of_it_is_said_again() {
    let verifier = Verifier::new(settings(), jwks());
    let good = vectors().swap_remove(0).token;
    let garbage = ["", ".", "..", "...", "a.b.c", "\u{1F6E9}.\u{1F6E9}.\u{1F6E9}", "null", "bmV2ZXI.bmV2ZXI.bmV2ZXI"];
    let more =
        [format!("{good}.x"), format!("{good}="), format!(" {good}"), format!("{good}\n"), format!("Bearer {good}")];
    for token in garbage.into_iter().map(String::from).chain(more) {
        let refused = verifier.verify(&token, NOW).unwrap_err();
        assert!(matches!(refused, Refused::Malformed(_)), "{token:?}: {refused}");
    }
    for vector in vectors().iter().filter(|v| v.verdict != "ok") {
        let refused = Verifier::new(settings(), vector.keys()).verify(&vector.token, NOW).unwrap_err();
        let said = format!("{refused} {refused:?}");
        let parts = vector.token.split('.').filter(|part| part.len() > 8);
        assert!(parts.clone().count() > 0 && parts.into_iter().all(|part| !said.contains(part)), "{said}");
    }
}

#[test]
fn a_token_that_is_too_long_is_refused_before_it_is_read() {
    let verifier = Verifier::new(settings(), jwks());
    let refused = |bytes: usize| verifier.verify(&"a".repeat(bytes), NOW).unwrap_err();
    assert_eq!(refused(TOKEN_BYTES_MAX), Refused::Malformed("form"));
    assert_eq!(refused(TOKEN_BYTES_MAX + 1), Refused::TooLong);
}
