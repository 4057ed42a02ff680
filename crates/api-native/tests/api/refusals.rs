//! What is refused before it becomes a command is journaled all the same, and cannot flood the journal.
use crate::http::{Client, Site};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// Who was refused what, why, and how often, since the last call; a second is enough for all of it.
async fn told(site: &Site) -> Vec<(String, String, String, u32)> {
    sleep(Duration::from_millis(1100)).await;
    std::mem::take(&mut *site.fake.attempts.lock().unwrap())
}

fn row(who: &str, what: &str, why: &str, times: u32) -> (String, String, String, u32) {
    (who.into(), what.into(), why.into(), times)
}

#[tokio::test(start_paused = true)]
async fn a_refusal_before_the_fold_is_journaled_with_who_and_why() {
    let site = Site::new();
    let check = async |client: &Client, method: &str, path: &str, body: Value, expect: (&str, &str, &str)| {
        assert_eq!(client.send(method, path, body).await.status, 403, "{method} {path}");
        assert_eq!(told(&site).await, [row(expect.0, expect.1, expect.2, 1)], "{method} {path}");
    };
    let officer = site.signed_in("officer").await;
    let chief = site.signed_in("administrator").await;
    let no = "the role officer may not do this";
    check(&officer, "GET", "/v1/accounts", json!(null), ("officer", "read-accounts", no)).await;
    check(&officer, "GET", "/v1/audit", json!(null), ("officer", "read-audit", no)).await;
    check(&officer, "GET", "/v1/release", json!(null), ("officer", "read-release", no)).await;
    check(&officer, "GET", "/v1/release/preview?for=south", json!(null), ("officer", "preview-release", no)).await;
    check(&officer, "POST", "/v1/tokens", json!({}), ("officer", "set-token", no)).await;
    check(&officer, "PUT", "/v1/accounts/ben", json!({}), ("officer", "set-account", no)).await;
    check(&officer, "DELETE", "/v1/accounts/anna", json!(null), ("officer", "remove-account", no)).await;
    let own = "nobody removes the account in use";
    check(&chief, "DELETE", "/v1/accounts/administrator", json!(null), ("administrator", "remove-account", own)).await;
    site.fake.change(|view| view.accounts.get_mut("officer").unwrap().must_set_password = true);
    let first = "a password must be set first";
    let (acknowledge, none) = ("/v1/alerts/11/acknowledge", json!({}));
    check(&officer, "POST", acknowledge, none, ("officer", "acknowledge-alert", first)).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_sign_in_is_journaled_under_the_account_if_there_is_one() {
    let site = Site::new();
    let check = async |body: Value, who: &str, why: &str| {
        assert_eq!(site.anyone().post("/v1/sign-in", body).await.status, 401);
        assert_eq!(told(&site).await, [row(who, "sign-in", why, 1)]);
    };
    let wrong = "the name or the password is wrong";
    check(json!({ "name": "anna", "password": "wrong password" }), "anna", wrong).await;
    check(json!({ "name": "hunter2", "password": "anna" }), "(not an account)", wrong).await;
    check(json!({ "code": "GUESS" }), "(not an account)", "the code is wrong, was used or has expired").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_over_and_over_is_journaled_once_a_second_with_how_often() {
    let site = Site::new();
    let observer = site.signed_in("observer").await;
    for _ in 0..500 {
        assert_eq!(observer.get("/v1/audit").await.status, 403);
    }
    let why = "the role observer may not do this";
    let rows = [row("observer", "read-audit", why, 1), row("observer", "read-audit", why, 499)];
    assert_eq!(told(&site).await, rows);
    assert_eq!(told(&site).await, []);
    observer.get("/v1/audit").await;
    assert_eq!(told(&site).await, [row("observer", "read-audit", why, 1)], "and then anew");
}
