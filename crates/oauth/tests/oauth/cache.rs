use crate::made::{Issuer, claims};
use crate::{NOW, settings};
use oauth::{KeySet, REMEMBERED_MAX, Refused, Verifier};
use serde_json::json;
use std::sync::Arc;

#[test]
fn a_remembered_token_is_the_same_value_until_it_expires() {
    let issuer = Issuer::new("k");
    let verifier = Verifier::new(settings(), issuer.keys());
    let token = issuer.token(&claims());
    let first = verifier.verify(&token, NOW).unwrap();
    // Of one value there is one: the second look did not read the token.
    assert!(Arc::ptr_eq(&first, &verifier.verify(&token, NOW + 119).unwrap()));
    assert_eq!(verifier.verify(&token, NOW + 120), Err(Refused::Expired));
    // A clock that was set back.
    assert_eq!(verifier.verify(&token, NOW - 61), Err(Refused::NotYetValid));
    assert!(Arc::ptr_eq(&first, &verifier.verify(&token, NOW).unwrap()));
}

#[test]
fn nothing_is_remembered_beyond_the_keys_that_verified_it() {
    let (old, new) = (Issuer::new("old"), Issuer::new("new"));
    let verifier = Verifier::new(settings(), old.keys());
    let (by_old, by_new) = (old.token(&claims()), new.token(&claims()));
    assert!(verifier.verify(&by_old, NOW).is_ok());
    assert_eq!(verifier.verify(&by_new, NOW), Err(Refused::UnknownKey));
    verifier.replace_keys(old.keys().with(new.keys()));
    assert!(verifier.verify(&by_old, NOW).is_ok() && verifier.verify(&by_new, NOW).is_ok());
    verifier.replace_keys(new.keys());
    assert_eq!(verifier.verify(&by_old, NOW), Err(Refused::UnknownKey));
    assert!(verifier.verify(&by_new, NOW).is_ok());
    verifier.replace_keys(KeySet::default());
    assert_eq!(verifier.verify(&by_new, NOW), Err(Refused::UnknownKey));
    assert!(verifier.keys().is_empty());
}

#[test]
fn the_same_keys_again_forget_nothing() {
    let issuer = Issuer::new("k");
    let verifier = Verifier::new(settings(), issuer.keys());
    let token = issuer.token(&claims());
    let first = verifier.verify(&token, NOW).unwrap();
    verifier.replace_keys(issuer.keys());
    assert!(Arc::ptr_eq(&first, &verifier.verify(&token, NOW).unwrap()));
}

#[test]
fn a_refused_token_is_not_remembered() {
    let issuer = Issuer::new("k");
    let verifier = Verifier::new(settings(), issuer.keys());
    let early = issuer.with("nbf", json!(NOW + 61));
    assert_eq!(verifier.verify(&early, NOW), Err(Refused::NotYetValid));
    assert!(verifier.verify(&early, NOW + 1).is_ok());
}

#[test]
fn tokens_of_unknown_keys_are_counted_and_no_others() {
    let (known, stranger) = (Issuer::new("k"), Issuer::new("s"));
    let verifier = Verifier::new(settings(), known.keys());
    let forged = Issuer::new("k").token(&claims());
    let unsigned = stranger.signed(r#"{"alg":"none","kid":"s"}"#, "{}");
    for token in [known.token(&claims()), known.with("aud", json!("x")), forged, unsigned, "x.y.z".into()] {
        let _either = verifier.verify(&token, NOW);
    }
    assert_eq!(verifier.unknown_keys(), 0);
    for n in 1..=3 {
        assert!(verifier.verify(&stranger.token(&claims()), NOW).is_err());
        assert_eq!(verifier.unknown_keys(), n);
    }
}

#[test]
fn more_tokens_than_are_remembered_are_good_all_the_same_from_many_threads() {
    let issuer = Issuer::new("k");
    let verifier = Verifier::new(settings(), issuer.keys());
    let tokens: Vec<String> = (0..REMEMBERED_MAX + 64).map(|n| issuer.with("jti", json!(n))).collect();
    std::thread::scope(|scope| {
        for part in 0..4 {
            let (verifier, tokens) = (&verifier, &tokens);
            scope.spawn(move || {
                for token in tokens.iter().skip(part).step_by(4) {
                    assert!(verifier.verify(token, NOW).is_ok());
                }
            });
        }
    });
    assert!(tokens.iter().take(64).all(|token| verifier.verify(token, NOW).is_ok()));
}
