//! What holds for every request.
use crate::http::{OPERATOR, Site};
use api_native::{JournalState, Unavailable};
use axum::http::header;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::test]
async fn a_node_answers_under_its_own_names_only() {
    let site = Site::new();
    let check = async |host: &str, expect: u16| {
        let reply = site.bearer(OPERATOR).with("host", host).get("/v1/session").await;
        assert_eq!(reply.status.as_u16(), expect, "{host}");
    };
    for host in [
        "127.0.0.1:8480",
        "127.0.0.1",
        "localhost:1",
        "LOCALHOST",
        "[::1]:8480",
        "[2001:db8::1]",
        "10.1.2.3",
        "desk.example:443",
    ] {
        check(host, 200).await;
    }
    for host in [
        "evil.example",
        "evil.example:8480",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "[::1",
        "desk.example:x",
        ":80",
    ] {
        check(host, 421).await;
    }
    let probe = site.anyone().with("host", "skypact-0.pods").get("/healthz").await;
    assert_eq!(probe.status, 200, "a probe asks by any name");
}

#[tokio::test]
async fn an_address_that_is_none_and_a_method_that_is_none() {
    let site = Site::new();
    let check = async |method: &str, path: &str, expect: &str| {
        let reply = site.anyone().raw(method, path, None, "").await;
        assert_eq!(reply.problem(), expect);
        reply
    };
    check("GET", "/v2", "404 not-found | /v2; every address is described at /openapi.json").await;
    check("GET", "/v1/tracks/", "404 not-found | /v1/tracks/; every address is described at /openapi.json").await;
    let expect = "405 method-not-allowed | /v1/plans does not answer PATCH; see the Allow header";
    let reply = check("PATCH", "/v1/plans", expect).await;
    let mut allowed: Vec<&str> = reply.headers[header::ALLOW].to_str().unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}

#[tokio::test]
async fn every_answer_is_marked_as_data_that_nobody_keeps() {
    let site = Site::new();
    for path in ["/v1/state", "/v1/nothing", "/healthz", "/openapi.json"] {
        let reply = site.bearer(OPERATOR).get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(reply.headers[name], value, "{path}");
        }
        assert!(!reply.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_answer_is_not_waited_for() {
    let site = Site::new();
    site.fake.hangs.store(true, Ordering::Relaxed);
    let reply = site.bearer(OPERATOR).post("/v1/alerts/11/acknowledge", json!({})).await;
    let expect = "503 no-answer | it is not known whether it was done; ask again with the same Idempotency-Key";
    assert_eq!(reply.problem(), expect);
    assert_eq!(reply.headers[header::RETRY_AFTER], "1");
}

#[tokio::test]
async fn what_the_journal_does_not_take_is_refused_with_what_to_do() {
    for (error, expect) in [
        (
            Unavailable::JournalFull,
            "507 journal-full | the disk that holds the journal is full; nothing was accepted. Free space on the disk.",
        ),
        (Unavailable::Failed("fsync: EIO".into()), "503 unavailable | the journal failed: fsync: EIO"),
        (Unavailable::Stopping, "503 unavailable | the node is stopping"),
    ] {
        let site = Site::new();
        *site.fake.fails.lock().unwrap() = Some(error);
        let reply = site.bearer(OPERATOR).post("/v1/alerts/11/acknowledge", json!({})).await;
        assert_eq!(reply.problem(), expect);
    }
}

#[tokio::test(start_paused = true)]
async fn health_says_what_is_wrong() {
    let site = Site::new();
    let check = async |expect: &str| assert_eq!(site.anyone().get("/healthz").await.problem(), expect);
    check("200").await;
    {
        let mut health = site.fake.health.lock().unwrap();
        (health.journal, health.frozen) = (JournalState::Full, Some("restored from an old copy".into()));
    }
    check("503 not-healthy | journal full; frozen: restored from an old copy").await;
    *site.fake.health.lock().unwrap() =
        api_native::Health { journal: JournalState::Ok, bytes: 0, last_seq: 0, frozen: None };
    tokio::time::advance(Duration::from_secs(4)).await;
    check("503 not-healthy | the node has folded nothing for 3 s or more").await;
    site.fake.change(|_| {});
    check("200").await;
}

#[tokio::test]
async fn metrics_are_for_those_who_signed_in_unless_opened() {
    let site = Site::new();
    assert_eq!(site.anyone().get("/metrics").await.kind(), "401 not-signed-in");
    let reply = site.bearer(OPERATOR).get("/metrics").await;
    assert_eq!(reply.headers[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    assert!(reply.text.contains("skypact_tracks 3"));
    let open = Site::with(|options| options.open_metrics = true);
    assert_eq!(open.anyone().get("/metrics").await.status, 200);
}
