//! Who may do what: tokens, scopes, and addresses that are bound to a USS.
use crate::harness::*;
use api_f3548::ROUTES;
use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

/// Scopes of each route as the standards' API descriptions have them, and InterUSS's.
pub const SCOPES: &[(&str, &str, &[&str])] = &[
    ("post", "/dss/v1/operational_intent_references/query", &[SC, CMSA]),
    ("get", "/dss/v1/operational_intent_references/{entityid}", &[SC, CMSA]),
    ("put", "/dss/v1/operational_intent_references/{entityid}", &[SC, CMSA]),
    ("put", "/dss/v1/operational_intent_references/{entityid}/{ovn}", &[SC, CMSA]),
    ("delete", "/dss/v1/operational_intent_references/{entityid}/{ovn}", &[SC, CMSA]),
    ("post", "/dss/v1/constraint_references/query", &[CM, CP]),
    ("get", "/dss/v1/constraint_references/{entityid}", &[CM, CP]),
    ("put", "/dss/v1/constraint_references/{entityid}", &[CM]),
    ("put", "/dss/v1/constraint_references/{entityid}/{ovn}", &[CM]),
    ("delete", "/dss/v1/constraint_references/{entityid}/{ovn}", &[CM]),
    ("post", "/dss/v1/subscriptions/query", &[CP, SC]),
    ("get", "/dss/v1/subscriptions/{subscriptionid}", &[CP, SC]),
    ("put", "/dss/v1/subscriptions/{subscriptionid}", &[CP, SC]),
    ("put", "/dss/v1/subscriptions/{subscriptionid}/{version}", &[CP, SC]),
    ("delete", "/dss/v1/subscriptions/{subscriptionid}/{version}", &[CP, SC]),
    ("post", "/dss/v1/reports", &[SC, CMSA, CM, CP, AA]),
    ("get", "/dss/v1/uss_availability/{uss_id}", &[AA, SC, CMSA]),
    ("put", "/dss/v1/uss_availability/{uss_id}", &[AA]),
    ("get", "/rid/v2/dss/identification_service_areas", &[DP]),
    ("get", "/rid/v2/dss/identification_service_areas/{id}", &[DP, SP]),
    ("put", "/rid/v2/dss/identification_service_areas/{id}", &[SP]),
    ("put", "/rid/v2/dss/identification_service_areas/{id}/{version}", &[SP]),
    ("delete", "/rid/v2/dss/identification_service_areas/{id}/{version}", &[SP]),
    ("get", "/rid/v2/dss/subscriptions", &[DP]),
    ("get", "/rid/v2/dss/subscriptions/{id}", &[DP, SP]),
    ("put", "/rid/v2/dss/subscriptions/{id}", &[DP]),
    ("put", "/rid/v2/dss/subscriptions/{id}/{version}", &[DP]),
    ("delete", "/rid/v2/dss/subscriptions/{id}/{version}", &[DP]),
    ("get", "/aux/v1/pool", &[READ_POOL]),
    ("get", "/versions/{system_identity}", &[READ_VERSIONS]),
];

#[tokio::test]
async fn each_endpoint_takes_its_scopes_and_no_other_and_no_request_without_a_token() {
    let dss = Interface::new();
    let all = [
        SC,
        CMSA,
        CM,
        CP,
        AA,
        DP,
        SP,
        READ_VERSIONS,
        READ_POOL,
        "utm.strategic_coordinatio",
        "rid.display_provide",
        "",
    ];
    let mut seen = BTreeSet::new();
    let scoped = ["/dss/v1/", "/rid/v2/dss/", "/versions/", "/aux/v1/pool"];
    let is_scoped = |path: &str| scoped.iter().any(|below| path.starts_with(below)) && !path.ends_with(".json");
    for (method, path) in ROUTES.iter().filter(|(_, path)| is_scoped(path)) {
        // A path that ends where the version is to be takes the scopes of that with one.
        let fits = |p: &str| p == *path || path.ends_with('/') && p.rsplit_once('{').is_some_and(|(p, _)| p == *path);
        let row = SCOPES.iter().find(|(m, p, _)| m == method && fits(p));
        let (m, p, scopes) = row.unwrap_or_else(|| panic!("{method} {path} is in no row"));
        seen.insert((m, p));
        let path = crate::described::address(path, "0123456789abcdef");
        let method = method.to_uppercase();
        for scope in all {
            let got = dss.ask("uss1", scope, &method, &path, Some(&json!({}))).await;
            if scopes.contains(&scope) {
                assert!(![401, 403].contains(&got.status.as_u16()), "{method} {path} {scope}: {}", got.body);
            } else {
                assert!(got.refused(403).contains(scopes[0]), "{method} {path} {scope}");
            }
        }
        // The scope that counts may stand among others.
        let many = format!("openid {} x", scopes[0]);
        assert_ne!(dss.ask("uss1", &many, &method, &path, Some(&json!({}))).await.status, 403);
        let none = dss.request(None, &method, &path).body(Body::from("{}")).unwrap();
        assert!(dss.send(none).await.refused(401).contains("Bearer"));
    }
    assert_eq!(
        (seen.len(), SCOPES.len()),
        (30, 30),
        "all endpoints of strategic coordination and of remote ID, and two"
    );
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_with_the_reason() {
    let dss = Interface::new();
    let path = format!("/dss/v1/operational_intent_references/{}", id(1));
    let good = dss.token("uss1", SC);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let other = Interface::new().token("uss1", SC);
    let unsigned = format!("{message}.");
    let tampered = format!("{message}x.{signature}");
    let with = |claims: Value| dss.token_with("uss1", SC, &claims);
    for (token, why) in [
        (other, "signature"),
        (unsigned, ""),
        (tampered, ""),
        ("x".into(), "malformed"),
        (with(json!({ "exp": T0_S - 1 })), "expired"),
        (with(json!({ "exp": null })), "`exp`"),
        (with(json!({ "aud": "other.example" })), "audience"),
        (with(json!({ "aud": null })), "`aud`"),
        (with(json!({ "iss": "https://other.example" })), "issuer"),
        (with(json!({ "sub": null })), "`sub`"),
        (with(json!({ "sub": "" })), "sub"),
        (with(json!({ "sub": "a\nb" })), "sub"),
        (with(json!({ "sub": "x".repeat(256) })), "sub"),
        (with(json!({ "scope": null })), "`scope`"),
        (with(json!({ "nbf": T0_S + 100 })), "not valid yet"),
    ] {
        let request = dss.request(Some(&token), "GET", &path).body(Body::empty()).unwrap();
        let message = dss.send(request).await.refused(401);
        assert!(
            message.contains(why) && !message.contains(&token[..token.len().min(20)].repeat(2)),
            "{why:?}: {message}"
        );
    }
    for value in ["Basic dXNzMTp4", "Bearer", "bearer  ", ""] {
        let request = dss.request(None, "GET", &path).header(header::AUTHORIZATION, value);
        dss.send(request.body(Body::empty()).unwrap()).await.refused(401);
    }
    let twice = dss.request(Some(&good), "GET", &path).header(header::AUTHORIZATION, format!("Bearer {good}"));
    dss.send(twice.body(Body::empty()).unwrap()).await.refused(401);
    let lower = dss.request(None, "GET", &path).header(header::AUTHORIZATION, format!("bearer {good}"));
    dss.send(lower.body(Body::empty()).unwrap()).await.refused(404);
}

#[tokio::test]
async fn a_token_is_judged_by_the_machines_clock_and_entities_by_the_nodes() {
    let dss = Interface::new();
    let path = format!("/dss/v1/operational_intent_references/{}", id(1));
    // An exercise of a day that was long ago.
    dss.fake.token_s.store(T0_S + 30 * 365 * 86_400, Ordering::Relaxed);
    dss.put("uss1", SC, &path, &intent()).await.is(201);
    let old = dss.token_with("uss1", SC, &json!({ "exp": T0_S + 3_600 }));
    let request = dss.request(Some(&old), "GET", &path).body(Body::empty()).unwrap();
    assert!(dss.send(request).await.refused(401).contains("expired"));
}

#[tokio::test]
async fn a_token_in_the_name_of_a_party_is_refused_as_long_as_it_is_one() {
    let dss = Interface::new();
    dss.get("south", "any.scope", "/aux/v1/validate_oauth").await.is(200);
    dss.fake.parties.lock().unwrap().push("south".into());
    for (method, path) in
        [("PUT", format!("/dss/v1/operational_intent_references/{}", id(1))), ("GET", "/aux/v1/validate_oauth".into())]
    {
        let why = dss.ask("south", SC, method, &path, Some(&intent())).await.refused(403);
        assert_eq!(why, "access token: sub south is the name of a party of this node and no USS's");
    }
    dss.get("southern", "any.scope", "/aux/v1/validate_oauth").await.is(200);
    dss.fake.parties.lock().unwrap().clear();
    dss.get("south", "any.scope", "/aux/v1/validate_oauth").await.is(200);
}

#[tokio::test]
async fn an_address_is_https_and_below_one_of_the_usss_own_where_it_has_some() {
    let write = async |dss: &Interface, sub: &str, url: &str| {
        dss.put(
            sub,
            SC,
            &format!("/dss/v1/operational_intent_references/{}", id(1)),
            &with(intent(), "/uss_base_url", json!(url)),
        )
        .await
    };
    let dss = Interface::new();
    assert!(write(&dss, "uss1", "http://uss1.example").await.refused(400).starts_with("uss_base_url: must be https"));
    for bad in [
        "",
        "uss1.example",
        "ftp://x",
        "https://",
        "https:///x",
        "https://a@b.example",
        "https://b.example/#x",
        "https://b c",
        "https://b.example:99999",
        "https://:80/",
        "https://[::1",
        "https://b.example//x",
        "https://b.example/x/../y",
        "https://b.example/%75tm",
    ] {
        assert!(write(&dss, "uss1", bad).await.refused(400).starts_with("uss_base_url: "), "{bad}");
    }
    let long = format!("https://b.example/{}", "x".repeat(2_048));
    write(&dss, "uss1", &long).await.refused(400);
    let plain = Interface::with(|options| options.http_base_urls = true);
    write(&plain, "uss1", "http://uss1.example").await.is(201);
    write(&plain, "uss1", "ftp://uss1.example").await.refused(400);

    for only_named in [false, true] {
        let bound = Interface::with(|options| {
            options.base_urls.insert("uss1".into(), vec!["https://uss1.example/utm/".into()]);
            options.only_named = only_named;
        });
        for bad in ["https://uss1.example", "https://uss1.example/utmost", "https://uss1.example.evil.org/utm"] {
            assert!(write(&bound, "uss1", bad).await.refused(403).contains("uss1 may not write"), "{bad}");
        }
        write(&bound, "uss1", "https://uss1.example/utm/v1").await.is(201);
        for anothers in [
            "https://uss1.example/utm/x",
            "https://USS1.example/utm",
            "https://uss1.example:443/utm",
            "https://uss1.example./utm/%C3%BC",
        ] {
            assert_eq!(write(&bound, "uss2", anothers).await.status, 403, "{anothers}");
        }
        for (sub, bad) in [("uss1", "https://uss1.example/utm/../x"), ("uss2", "https://uss1.example//utm")] {
            write(&bound, sub, bad).await.refused(400);
        }
        let other = write(&bound, "uss2", "https://uss2.example").await;
        assert_eq!(other.status, 403);
        let message = other.refused(403);
        assert_eq!(message.contains("may write no address"), only_named, "{message}");
    }
}

#[tokio::test]
async fn the_address_of_an_implicit_subscription_is_held_to_the_same_rule() {
    let dss = Interface::with(|options| {
        options.base_urls.insert("uss1".into(), vec!["https://uss1.example".into()]);
    });
    let path = format!("/dss/v1/operational_intent_references/{}", id(1));
    let body = with(intent(), "/new_subscription", json!({ "uss_base_url": "https://uss2.example" }));
    assert!(dss.put("uss1", SC, &path, &body).await.refused(403).starts_with("new_subscription.uss_base_url"));
}
