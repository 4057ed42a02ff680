use crate::made::{Issuer, claims};
use crate::{NOW, settings};
use oauth::{KEYS_TRIED_MAX, KeySet, Refused, Settings, Verifier};
use proptest::prelude::*;
use serde_json::{Value, json};

fn verdict(settings: Settings, issuer: &Issuer, token: &str) -> Result<(), Refused> {
    Verifier::new(settings, issuer.keys()).verify(token, NOW).map(|_| ())
}

#[test]
fn times_are_held_to_the_second_with_the_leeway() {
    let issuer = Issuer::new("k");
    let open = Settings { max_lifetime_s: None, ..settings() };
    for (name, value, expect) in [
        ("exp", json!(NOW - 59), Ok(())),
        ("exp", json!(NOW - 60), Err(Refused::Expired)),
        ("exp", json!(i64::MAX), Ok(())),
        ("exp", json!(i64::MIN), Err(Refused::Expired)),
        ("exp", json!((NOW - 60) as f64 + 0.9), Err(Refused::Expired)),
        ("nbf", json!(NOW + 60), Ok(())),
        ("nbf", json!(NOW + 61), Err(Refused::NotYetValid)),
        ("nbf", json!(i64::MAX), Err(Refused::NotYetValid)),
        ("nbf", Value::Null, Ok(())),
        ("iat", json!(NOW + 60), Ok(())),
        ("iat", json!(NOW + 61), Err(Refused::NotYetValid)),
        ("iat", json!(i64::MIN), Ok(())),
        ("iat", Value::Null, Ok(())),
    ] {
        let token = issuer.with(name, value.clone());
        assert_eq!(verdict(open.clone(), &issuer, &token), expect, "{name} {value}");
    }
    let exact = Settings { leeway_s: 0, ..open };
    assert_eq!(verdict(exact.clone(), &issuer, &issuer.with("exp", json!(NOW + 1))), Ok(()));
    assert_eq!(verdict(exact, &issuer, &issuer.with("exp", json!(NOW))), Err(Refused::Expired));
}

#[test]
fn a_token_for_longer_than_is_accepted_is_refused() {
    let issuer = Issuer::new("k");
    let token = |exp: i64, iat: Option<i64>| {
        let mut claims = claims();
        (claims["exp"], claims["iat"]) = (json!(exp), json!(iat));
        issuer.token(&claims)
    };
    for (exp, iat, expect) in [
        (NOW + 3600, Some(NOW), Ok(())),
        (NOW + 3601, Some(NOW), Err(Refused::Lifetime)),
        (NOW + 10, Some(NOW - 3591), Err(Refused::Lifetime)),
        (NOW + 3660, None, Ok(())),
        (NOW + 3661, None, Err(Refused::Lifetime)),
        (i64::MAX, Some(i64::MIN), Err(Refused::Lifetime)),
    ] {
        assert_eq!(verdict(settings(), &issuer, &token(exp, iat)), expect, "{exp} {iat:?}");
    }
}

#[test]
fn who_may_issue_and_for_whom_is_as_configured() {
    let issuer = Issuer::new("k");
    let any = Settings { issuers: Vec::new(), ..settings() };
    let nobody = Settings { audiences: Vec::new(), ..settings() };
    for (settings, name, value, expect) in [
        (settings(), "iss", json!("https://other.example"), Ok(())),
        (settings(), "iss", json!("https://auth.example/"), Err(Refused::Issuer)),
        (settings(), "iss", Value::Null, Err(Refused::MissingClaim("iss"))),
        (settings(), "iss", json!(["https://auth.example"]), Err(Refused::Malformed("claims"))),
        (any.clone(), "iss", json!("https://x.example"), Ok(())),
        (any, "iss", Value::Null, Ok(())),
        (settings(), "aud", json!(["x.example", "localhost"]), Ok(())),
        (settings(), "aud", json!(["x.example"]), Err(Refused::Audience)),
        (settings(), "aud", json!([]), Err(Refused::Audience)),
        (settings(), "aud", json!("DSS.example"), Err(Refused::Audience)),
        (settings(), "aud", json!({"a": "dss.example"}), Err(Refused::Malformed("claims"))),
        (nobody, "aud", json!("dss.example"), Err(Refused::Audience)),
    ] {
        let token = issuer.with(name, value.clone());
        assert_eq!(verdict(settings, &issuer, &token), expect, "{name} {value}");
    }
}

#[test]
fn claims_that_are_not_what_they_have_to_be_are_refused() {
    let issuer = Issuer::new("k");
    for (name, value, expect) in [
        ("sub", json!(""), Refused::MissingClaim("sub")),
        ("sub", Value::Null, Refused::MissingClaim("sub")),
        ("sub", json!(7), Refused::Malformed("claims")),
        ("scope", json!(["utm.strategic_coordination"]), Refused::Malformed("claims")),
        ("scope", Value::Null, Refused::MissingClaim("scope")),
        ("exp", json!("1800000060"), Refused::Malformed("claims")),
        ("exp", json!(u64::MAX), Refused::Malformed("claims")),
        ("exp", json!(1e300), Refused::Malformed("claims")),
        ("iat", json!({}), Refused::Malformed("claims")),
    ] {
        let token = issuer.with(name, value.clone());
        assert_eq!(verdict(settings(), &issuer, &token), Err(expect), "{name} {value}");
    }
}

#[test]
fn scopes_stand_between_spaces() {
    let issuer = Issuer::new("k");
    let verifier = Verifier::new(settings(), issuer.keys());
    let scopes = |text: &str| {
        let claims = verifier.verify(&issuer.with("scope", json!(text)), NOW).unwrap();
        claims.scopes.iter().cloned().collect::<Vec<_>>()
    };
    assert!(scopes("").is_empty() && scopes(" ").is_empty());
    assert_eq!(scopes("b  a b"), ["a", "b"]);
    assert_eq!(scopes("a,b\tc"), ["a,b\tc"]);
}

#[test]
fn header_and_claims_are_objects_whose_members_are_there_once() {
    let issuer = Issuer::new("k");
    let (header, body) = (r#"{"alg":"ES256","kid":"k"}"#, claims().to_string());
    assert_eq!(verdict(settings(), &issuer, &issuer.signed(header, &body)), Ok(()));
    for (what, header, body) in [
        ("header", r#"{"alg":"ES256","alg":"ES256"}"#, body.as_str()),
        ("header", r#"["ES256","k",null,null]"#, &body),
        ("header", r#"{"kid":"k"}"#, &body),
        ("header", r#"{"alg":"ES256"} x"#, &body),
        ("header", r#"{"alg":"ES256","crit":["exp"]}"#, &body),
        ("header", "\u{feff}{}", &body),
        ("claims", header, r#"{"sub":"a","sub":"b"}"#),
        ("claims", header, r#"["uss1","https://auth.example","dss.example","",1800000060,null,null]"#),
        ("claims", header, "[]"),
        ("claims", header, ""),
    ] {
        assert_eq!(
            verdict(settings(), &issuer, &issuer.signed(header, body)),
            Err(Refused::Malformed(what)),
            "{header} {body}"
        );
    }
    let deep = "[".repeat(5000);
    assert_eq!(verdict(settings(), &issuer, &issuer.signed(header, deep)), Err(Refused::Malformed("claims")));
}

#[test]
fn a_token_without_a_name_of_its_key_is_tried_with_few_keys() {
    let issuers: Vec<Issuer> = (0..=KEYS_TRIED_MAX).map(|n| Issuer::new(&format!("k{n}"))).collect();
    let last = issuers.last().unwrap();
    let nameless = last.signed(r#"{"alg":"ES256"}"#, claims().to_string());
    let set = |from: usize| issuers[from..].iter().fold(KeySet::default(), |set, issuer| set.with(issuer.keys()));
    assert_eq!(Verifier::new(settings(), set(1)).verify(&nameless, NOW).map(|_| ()), Ok(()));
    let all = Verifier::new(settings(), set(0));
    assert_eq!(all.verify(&nameless, NOW), Err(Refused::Ambiguous));
    assert!(all.verify(&last.token(&claims()), NOW).is_ok());
}

#[test]
fn of_keys_with_one_name_each_is_tried() {
    let (one, two, three) = (Issuer::new("same"), Issuer::new("same"), Issuer::new("same"));
    let verifier = Verifier::new(settings(), one.keys().with(two.keys()));
    assert!(verifier.verify(&one.token(&claims()), NOW).is_ok() && verifier.verify(&two.token(&claims()), NOW).is_ok());
    assert_eq!(verifier.verify(&three.token(&claims()), NOW), Err(Refused::Signature));
}

proptest! {
    #[test]
    fn what_is_not_signed_is_refused_whatever_it_is(token in ".{0,200}", header in "[ -~]{0,80}", body in "[ -~]{0,80}") {
        let issuer = Issuer::new("k");
        let verifier = Verifier::new(settings(), issuer.keys());
        prop_assert!(verifier.verify(&token, NOW).is_err());
        // Signed garbage is read further, and refused all the same.
        prop_assert!(verifier.verify(&issuer.signed(&header, &body), NOW).is_err());
        let signed = issuer.signed(r#"{"alg":"ES256"}"#, &body);
        prop_assert!(verifier.verify(&signed, NOW).is_err());
    }
}
