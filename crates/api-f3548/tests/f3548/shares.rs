//! What one USS may ask beside the others.
use crate::harness::*;
use api_f3548::{Answered, Backend, Details, Unavailable};
use axum::body::Body;
use dss::{Found, Id, Outcome, Query, Refused};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tower::ServiceExt;

#[tokio::test]
async fn who_writes_more_than_its_share_is_told_when_to_ask_again_and_others_are_not_held_up() {
    let dss = Interface::with(|options| options.uss_bytes_per_s = 1);
    let path = |n: u8| format!("/dss/v1/operational_intent_references/{}", id(n));
    // What is refused is journaled too.
    dss.delete("uss1", SC, &format!("{}/x", path(1))).await.refused(404);
    let why = dss.put("uss1", SC, &path(1), &intent()).await.refused(429);
    assert_eq!(why, "uss1 writes more than 1 bytes a second here; nothing was done");
    dss.put("uss2", SC, &path(2), &intent()).await.is(201);
    dss.get("uss1", SC, &path(1)).await.refused(404);
    dss.post("uss1", SC, "/dss/v1/operational_intent_references/query", &json!({ "area_of_interest": volume() }))
        .await
        .is(200);

    let request = dss.request(Some(&dss.token("uss1", SC)), "PUT", &path(1));
    let response = dss.router.clone().oneshot(request.body(Body::from(intent().to_string())).unwrap()).await.unwrap();
    let seconds: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((100..1_000).contains(&seconds), "{seconds}");
    // What is wrong in form never comes to the journal.
    dss.put("uss1", SC, &path(1), &json!({})).await.refused(400);
}

#[tokio::test]
async fn who_takes_more_of_the_nodes_time_than_its_share_is_told_when_to_ask_again() {
    // Writes of intents go another way where they are filed.
    for volumes in [false, true] {
        let dss = Interface::with(|options| options.volumes = volumes);
        time_is_shared(&dss).await;
    }
}

async fn time_is_shared(dss: &Interface) {
    let path = |n: u8| format!("/dss/v1/operational_intent_references/{}", id(n));
    let details = format!("/uss/v1/operational_intents/{}", id(1));
    let why = "uss1 takes more than a 4th of the node's time; nothing was done";
    // A node that is busy elsewhere owes nobody anything: 100 that take little.
    for _ in 0..100 {
        dss.get("uss1", SC, &path(1)).await.refused(404);
    }
    dss.fake.took_ms.store(1_000, Ordering::Relaxed);
    dss.put("uss1", SC, &path(1), &intent()).await.is(201);
    dss.put("uss1", SC, &path(2), &intent()).await.refused(409);
    dss.get("uss1", SC, &path(1)).await.is(200);
    assert_eq!(dss.get("uss1", SC, &path(1)).await.refused(429), why, "8 s of a fourth are 2 s");
    assert_eq!(dss.get("uss1", SC, &details).await.refused(429), why);
    assert_eq!(dss.put("uss1", SC, &path(3), &intent()).await.refused(429), why);
    dss.get("uss2", SC, &path(1)).await.is(200);
    for status in [404, 404, 404, 429] {
        dss.get("uss3", SC, &details).await.refused(status);
    }
}

#[tokio::test]
async fn what_is_under_way_counts_as_long_as_it_may_take() {
    // 2,482 km², more than 2,000 cells: with 30 µs each some third of a second of one's share, of which there are eight.
    let vertices: Vec<_> = [(47.0, 8.0), (47.0, 8.65), (47.45, 8.65), (47.45, 8.0)]
        .map(|(lat, lng)| json!({"lat": lat, "lng": lng}))
        .into();
    let outline = json!({ "vertices": vertices });
    let large = with(intent(), "/extents/0/volume/outline_polygon", outline);
    let large = with(large, "/extents/0/volume/outline_circle", serde_json::Value::Null);
    for volumes in [false, true] {
        let dss = Interface::over(Arc::new(Slow::default()), |options| options.volumes = volumes);
        let path = |n: u8| format!("/dss/v1/operational_intent_references/{}", id(n));
        let (paths, mut under_way): (Vec<_>, Vec<_>) = ((0..100).map(path).collect(), Vec::new());
        for path in &paths {
            let mut write = dss.put("uss1", SC, path, &large).boxed_local();
            match write.as_mut().now_or_never() {
                Some(got) => {
                    got.refused(429);
                    break;
                }
                None => under_way.push(write),
            }
        }
        assert!((15..45).contains(&under_way.len()), "{}", under_way.len());
        assert!(dss.put("uss2", SC, &paths[1], &large).now_or_never().is_none());
    }
}

/// A node that answers no question, and counts them.
#[derive(Default)]
struct Slow(AtomicUsize);

impl Backend for Slow {
    fn ask(&self, _: dss::Request) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        Box::pin(pending())
    }

    fn query(&self, _: Query, _: String) -> BoxFuture<'_, Result<Answered<Result<Found, Refused>>, Unavailable>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(pending())
    }

    fn details(&self, _: Id) -> BoxFuture<'_, Result<Answered<Option<Details>>, Unavailable>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(pending())
    }

    fn utc_s(&self) -> i64 {
        T0_S
    }

    fn token_utc_s(&self) -> i64 {
        T0_S
    }

    fn is_party(&self, _: &str) -> bool {
        false
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn entropy(&self) -> [u8; 32] {
        [7; 32]
    }
}

#[tokio::test]
async fn queries_of_one_uss_beyond_its_share_wait_for_each_other() {
    let node = Arc::new(Slow::default());
    let dss = Interface::over(node.clone(), |options| options.uss_queries_at_once = 2);
    let (reference, details) =
        (format!("/dss/v1/operational_intent_references/{}", id(1)), format!("/uss/v1/operational_intents/{}", id(1)));
    let mut under_way = Vec::new();
    for (client, path, asked) in [
        ("uss1", &reference, 1),
        ("uss1", &details, 2),
        ("uss1", &reference, 2),
        ("uss1", &details, 2),
        ("uss2", &reference, 3),
    ] {
        let mut query = dss.get(client, SC, path).boxed_local();
        assert!(query.as_mut().now_or_never().is_none());
        under_way.push(query);
        assert_eq!(node.0.load(Ordering::Relaxed), asked, "{client} {path}");
    }
    // One that is given up makes room for the next.
    drop(under_way.remove(0));
    assert!(under_way[1].as_mut().now_or_never().is_none());
    assert_eq!(node.0.load(Ordering::Relaxed), 4);
}
