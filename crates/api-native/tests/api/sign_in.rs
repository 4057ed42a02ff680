//! Passwords, sessions, codes, and how often one may try.
use crate::http::Site;
use crate::world::PASSWORD;
use axum::http::header;
use node::command::Command;
use record::Role;
use serde_json::json;
use std::time::Duration;
use tokio::time::advance;

#[tokio::test]
async fn a_password_signs_in_and_the_session_says_who() {
    let site = Site::new();
    let anna = site.signed_in("anna").await;
    let session = anna.get("/v1/session").await.json();
    let expect = json!({
        "party": "north", "officer": "anna", "role": "officer", "csrf": session["csrf"], "mode": "exercise:alpine",
        "must_set_password": false,
    });
    assert_eq!(session, expect);
    let given = site.fake.given.lock().unwrap().clone();
    assert_eq!(given[0].command, Command::SignedIn { with: "password".into() });
    assert_eq!((given[0].actor.name.as_str(), given[0].actor.role), ("anna", Role::Officer));
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites_and_named_for_the_party() {
    let cookie = async |site: Site| {
        let reply = site.anyone().post("/v1/sign-in", json!({ "name": "anna", "password": PASSWORD })).await;
        let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        let (name, id) = pair.split_once('=').unwrap();
        assert_eq!((name, id.len()), ("skypact_session_north", 43));
        attributes.to_owned()
    };
    assert_eq!(cookie(Site::new()).await, "Path=/; Max-Age=86400; HttpOnly; SameSite=Strict; Secure");
    let loopback = Site::with(|options| options.secure_cookie = false);
    assert_eq!(cookie(loopback).await, "Path=/; Max-Age=86400; HttpOnly; SameSite=Strict");
}

#[tokio::test]
async fn a_wrong_password_an_unknown_name_and_an_expired_account_are_answered_alike() {
    let site = Site::new();
    let mut answers = Vec::new();
    for (name, password) in [("anna", "wrong password 1"), ("nobody", PASSWORD), ("late", PASSWORD)] {
        answers.push(site.anyone().post("/v1/sign-in", json!({ "name": name, "password": password })).await.text);
    }
    assert!(answers[0].contains("sign-in-failed") && answers.iter().all(|a| *a == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn bodies_of_a_sign_in_that_are_none() {
    let check = async |body, expect: &str| {
        assert_eq!(Site::new().anyone().post("/v1/sign-in", body).await.problem(), expect);
    };
    check(json!({}), "422 invalid | name: is missing | password: is missing").await;
    check(json!({ "code": 5 }), "422 invalid | code: must be a string, got a number").await;
    let both = json!({ "code": "X", "name": "anna" });
    check(both, "422 invalid | name: is not known here").await;
    let long = json!({ "name": "a", "password": "x".repeat(257) });
    check(long, "422 invalid | password: must have 1 to 256 characters, got 257").await;
}

#[tokio::test(start_paused = true)]
async fn the_sixth_failure_of_a_name_waits_whatever_the_address_and_even_with_the_right_password() {
    let site = Site::new();
    let attempt = async |address: String, name: &str, password: &str| {
        let client = site.anyone().from(&address);
        client.post("/v1/sign-in", json!({ "name": name, "password": password })).await
    };
    for n in 0..5 {
        assert_eq!(attempt(format!("192.0.2.{n}"), "anna", "wrong password 1").await.status, 401);
    }
    let refused = attempt("198.51.100.1".into(), "anna", PASSWORD).await;
    assert_eq!(refused.problem(), "429 too-many-attempts | Too many attempts failed. Try again in 3 s.");
    assert_eq!(refused.headers[header::RETRY_AFTER], "3");
    assert_eq!(attempt("198.51.100.1".into(), "officer", PASSWORD).await.status, 200, "another name");
    advance(Duration::from_secs(3)).await;
    assert_eq!(attempt("198.51.100.1".into(), "anna", PASSWORD).await.status, 200);
    assert_eq!(attempt("198.51.100.1".into(), "anna", "wrong password 1").await.status, 401, "forgotten by success");
}

#[tokio::test(start_paused = true)]
async fn the_sixth_failure_of_an_address_waits_whatever_the_name() {
    let site = Site::new();
    for n in 0..5 {
        let reply = site.anyone().post("/v1/sign-in", json!({ "code": format!("GUESS{n}") })).await;
        assert_eq!(reply.status, 401);
    }
    let body = json!({ "name": "anna", "password": PASSWORD });
    assert_eq!(site.anyone().post("/v1/sign-in", body.clone()).await.kind(), "429 too-many-attempts");
    assert_eq!(site.anyone().from("198.51.100.1").post("/v1/sign-in", body).await.status, 200);
}

#[tokio::test]
async fn addresses_of_one_ipv6_network_count_as_one() {
    let site = Site::new();
    for n in 0..5 {
        let client = site.anyone().from(&format!("[2001:db8::{n}]"));
        assert_eq!(client.post("/v1/sign-in", json!({ "code": "GUESS" })).await.status, 401);
    }
    let check =
        async |address| site.anyone().from(address).post("/v1/sign-in", json!({ "code": "GUESS" })).await.status;
    assert_eq!(check("[2001:db8::ffff:1]").await, 429);
    assert_eq!(check("[2001:db8:0:1::1]").await, 401);
}

#[tokio::test]
async fn a_code_of_the_first_run_makes_its_account_signs_in_once_and_wants_a_password() {
    let site = Site::new();
    let code = site.codes.issue("chief", Role::Administrator, Duration::from_secs(600));
    let mut chief = site.anyone();
    let reply = chief.post("/v1/sign-in", json!({ "code": code })).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    chief.keep(&reply);
    assert_eq!((&reply.json()["officer"], &reply.json()["must_set_password"]), (&json!("chief"), &json!(true)));
    assert_eq!(site.anyone().post("/v1/sign-in", json!({ "code": code })).await.kind(), "401 sign-in-failed");
    // The operator printed the code, so the operator made the account.
    assert_eq!(site.fake.taken()[0].actor.name, "operator");

    let channel = json!({ "state": "suspended", "reason": "x" });
    let refused = chief.post("/v1/channel/south", channel.clone()).await;
    assert_eq!(refused.problem(), "403 must-set-password | POST /v1/password with 12 characters or more");
    assert_eq!(chief.get("/v1/state").await.status, 200, "looking is allowed");
    assert_eq!(chief.post("/v1/password", json!({ "password": "one two three four" })).await.status, 204);
    assert_eq!(chief.post("/v1/channel/south", channel).await.status, 200);
    let again = json!({ "name": "chief", "password": "one two three four" });
    assert_eq!(site.anyone().post("/v1/sign-in", again).await.json()["must_set_password"], json!(false));
}

#[tokio::test]
async fn passwords_that_are_too_easy() {
    let site = Site::new();
    let anna = site.signed_in("anna").await;
    let check = async |password: &str, expect: &str| {
        assert_eq!(anna.post("/v1/password", json!({ "password": password })).await.problem(), expect);
    };
    check("elevenchars", "422 invalid | password: must have 12 to 256 characters, got 11").await;
    let weak = "422 invalid | password: must have five different characters and not hold the account's name";
    check("aaaabbbbccccdddd", weak).await;
    check("Anna is my name", weak).await;
    check("ten years of rain", "204").await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_of_the_account() {
    let site = Site::new();
    let (one, two, other) =
        (site.signed_in("anna").await, site.signed_in("anna").await, site.signed_in("officer").await);
    assert_eq!(one.post("/v1/password", json!({ "password": "ten years of rain" })).await.status, 204);
    let mut status = Vec::new();
    for client in [one, two, other] {
        status.push(client.get("/v1/session").await.status.as_u16());
    }
    assert_eq!(status, [200, 401, 200]);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookie() {
    let site = Site::new();
    let anna = site.signed_in("anna").await;
    let reply = anna.raw("POST", "/v1/sign-out", None, "").await;
    assert_eq!(reply.status, 204);
    assert!(
        reply.headers[header::SET_COOKIE].to_str().unwrap().starts_with("skypact_session_north=; Path=/; Max-Age=0")
    );
    assert_eq!(anna.get("/v1/session").await.kind(), "401 not-signed-in");
    assert_eq!(site.fake.given.lock().unwrap().last().unwrap().command, Command::SignedOut);
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_when_idle() {
    let site = Site::new();
    let anna = site.signed_in("anna").await;
    advance(Duration::from_secs(12 * 3600 - 1)).await;
    assert_eq!(anna.get("/v1/session").await.status, 200);
    advance(Duration::from_secs(12 * 3600)).await;
    assert_eq!(anna.get("/v1/session").await.status, 401);
}

#[tokio::test]
async fn a_session_follows_its_account() {
    let site = Site::new();
    let anna = site.signed_in("anna").await;
    site.fake.change(|view| view.accounts.get_mut("anna").unwrap().role = Role::Observer);
    assert_eq!(anna.get("/v1/session").await.json()["role"], "observer");
    site.fake.change(|view| drop(view.accounts.remove("anna")));
    assert_eq!(anna.get("/v1/session").await.status, 401);
    site.fake.change(|view| drop(view.accounts.insert("anna".into(), crate::world::account(Role::Officer))));
    assert_eq!(anna.get("/v1/session").await.status, 401, "an ended session does not come back");
}

#[tokio::test]
async fn a_full_journal_does_not_keep_an_officer_from_the_picture() {
    let site = Site::new();
    *site.fake.fails.lock().unwrap() = Some(api_native::Unavailable::JournalFull);
    let anna = site.signed_in("anna").await;
    assert_eq!(anna.get("/v1/state").await.status, 200);
    assert_eq!(anna.post("/v1/alerts/11/acknowledge", json!({})).await.kind(), "507 journal-full");
}

#[tokio::test]
async fn a_change_needs_the_token_of_its_session_and_a_bearer_needs_none() {
    let site = Site::new();
    let anna = site.signed_in("anna").await;
    let other = site.signed_in("anna").await;
    let theirs = other.headers["x-csrf-token"].to_str().unwrap().to_owned();
    let path = "/v1/alerts/11/acknowledge";
    let check = async |client: crate::http::Client, expect: &str| {
        assert_eq!(client.post(path, json!({})).await.kind(), expect);
    };
    check(anna.clone(), "204").await;
    check(anna.clone().with("x-csrf-token", ""), "403 csrf").await;
    check(anna.clone().with("x-csrf-token", &theirs), "403 csrf").await;
    check(anna.clone().with("origin", "http://127.0.0.1:8480"), "204").await;
    check(anna.clone().with("origin", "http://127.0.0.1:8481"), "403 other-origin").await;
    check(anna.clone().with("origin", "null"), "403 other-origin").await;
    check(anna.with("cookie", ""), "401 not-signed-in").await;
    check(site.bearer(crate::http::OPERATOR), "204").await;
    check(site.bearer("wrong"), "401 not-signed-in").await;
    let elsewhere = site.anyone().with("origin", "https://evil.example");
    let body = json!({ "name": "anna", "password": PASSWORD });
    assert_eq!(elsewhere.post("/v1/sign-in", body).await.kind(), "403 other-origin");
}
