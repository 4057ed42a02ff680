//! What one USS may ask beside the others.
use crate::harness::*;
use api_f3548::{Answered, Backend, Details, Unavailable};
use axum::body::Body;
use dss::{AvailabilityState, Found, Id, IntentRef, IntentState, Outcome, Query, Refused};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
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

/// 2,482 km², more than 2,000 cells: with 30 µs each some third of a second of one's share, of which there are eight.
fn large() -> Value {
    let vertices: Vec<_> = [(47.0, 8.0), (47.0, 8.65), (47.45, 8.65), (47.45, 8.0)]
        .map(|(lat, lng)| json!({"lat": lat, "lng": lng}))
        .into();
    let large = with(intent(), "/extents/0/volume/outline_polygon", json!({ "vertices": vertices }));
    with(large, "/extents/0/volume/outline_circle", Value::Null)
}

#[tokio::test]
async fn what_is_under_way_counts_as_long_as_it_may_take() {
    let large = large();
    for volumes in [false, true] {
        let dss = Interface::over(Slow::new(), |options| options.volumes = volumes);
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

#[tokio::test]
async fn what_was_not_done_costs_nothing() {
    let path = |n: u8| format!("/dss/v1/operational_intent_references/{}", id(n));
    for volumes in [false, true] {
        let dss = Interface::with(|options| (options.volumes, options.uss_bytes_per_s) = (volumes, 1));
        *dss.fake.full.lock().unwrap() = Some(Unavailable("full".into()));
        for _ in 0..40 {
            dss.put("uss1", SC, &path(1), &large()).await.refused(503);
        }
        *dss.fake.full.lock().unwrap() = None;
        dss.put("uss1", SC, &path(1), &intent()).await.is(201);
        // Where bytes are refused no time is taken, and where time is refused no bytes.
        for _ in 0..40 {
            let why = dss.put("uss1", SC, &path(2), &large()).await.refused(429);
            assert_eq!(why, "uss1 writes more than 1 bytes a second here; nothing was done");
        }
        dss.fake.took_ms.store(3_000, Ordering::Relaxed);
        dss.get("uss1", SC, &path(1)).await.is(200);
        let why = dss.put("uss1", SC, &path(2), &intent()).await.refused(429);
        assert_eq!(why, "uss1 takes more than a 4th of the node's time; nothing was done");
    }
}

/// A node that answers so many questions as it is told to, and counts them. It finds nothing, which takes it a second, or so
/// many intents at once.
struct Slow {
    found: usize,
    asked: AtomicUsize,
    answers: Semaphore,
}

impl Slow {
    fn new() -> Arc<Self> {
        Self::with(0)
    }

    fn with(found: usize) -> Arc<Self> {
        Arc::new(Self { found, asked: AtomicUsize::new(0), answers: Semaphore::new(0) })
    }

    fn found(&self) -> Vec<IntentRef> {
        let intent = IntentRef {
            id: Id([7; 16]),
            manager: "uss9".into(),
            availability: AvailabilityState::Unknown,
            version: 1,
            state: IntentState::Accepted,
            ovn: None,
            start: T0_S * 1_000_000,
            end: T0_S * 1_000_000,
            uss_base_url: "https://uss9.example".into(),
            subscription: None,
        };
        vec![intent; self.found]
    }

    fn answer<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, Result<Answered<T>, Unavailable>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            self.answers.acquire().await.unwrap().forget();
            Ok(Answered { answer, took: Duration::from_secs(u64::from(self.found == 0)) })
        })
    }

    /// How many it was asked, once it was asked all that it is to be.
    async fn asked(&self) -> usize {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.asked.load(Ordering::Relaxed)
    }
}

impl Backend for Slow {
    fn ask(&self, _: dss::Request) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        self.answer(Err(match self.found {
            0 => Refused::Conflict { reason: "not so".into(), again: None },
            _ => Refused::Airspace { intents: self.found(), constraints: Vec::new() },
        }))
    }

    fn query(&self, _: Query, _: String) -> BoxFuture<'_, Result<Answered<Result<Found, Refused>>, Unavailable>> {
        self.answer(match self.found {
            0 => Err(Refused::NotFound { what: "operational intent", id: Id([0; 16]) }),
            _ => Ok(Found::Intents(self.found())),
        })
    }

    fn details(&self, _: Id) -> BoxFuture<'_, Result<Answered<Option<Details>>, Unavailable>> {
        self.answer(None)
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
async fn requests_of_one_uss_beyond_its_share_wait_for_each_other() {
    let (reference, details) =
        (format!("/dss/v1/operational_intent_references/{}", id(1)), format!("/uss/v1/operational_intents/{}", id(1)));
    let body = intent();
    for (method, first, second, status) in [("GET", &reference, &details, 404), ("PUT", &reference, &reference, 409)] {
        let node = Slow::new();
        let dss = Interface::over(node.clone(), |options| {
            (options.uss_queries_at_once, options.uss_writes_at_once) = (2, 2);
        });
        let mut under_way = Vec::new();
        for (client, path, asked) in
            [("uss1", first, 1), ("uss1", second, 2), ("uss1", first, 2), ("uss1", second, 2), ("uss2", first, 3)]
        {
            let body = (method == "PUT").then_some(&body);
            let mut request = dss.ask(client, SC, method, path, body).boxed_local();
            assert!(request.as_mut().now_or_never().is_none());
            under_way.push(request);
            assert_eq!(node.asked().await, asked, "{method} {client} {path}");
        }
        // One that is given up has its turn until the node is done with it.
        drop(under_way.remove(0));
        assert!(under_way[1].as_mut().now_or_never().is_none());
        assert_eq!(node.asked().await, 3);
        node.answers.add_permits(1);
        assert_eq!(node.asked().await, 3);
        assert!(under_way[1].as_mut().now_or_never().is_none());
        assert_eq!(node.asked().await, 4);
        // What those before it took is owed before the next has its turn: 12 s of 8.
        node.answers.add_permits(3);
        assert_eq!(node.asked().await, 4);
        under_way[1].as_mut().await.refused(status);
        let why = under_way[2].as_mut().await.refused(429);
        assert_eq!(why, "uss1 takes more than a 4th of the node's time; nothing was done");
    }
}

#[tokio::test]
async fn who_sends_what_takes_long_to_read_has_taken_the_nodes_time_also_if_it_is_refused() {
    let dss = Interface::new();
    let path = |n: u8| format!("/dss/v1/operational_intent_references/{}", id(n));
    let tooth = |n: u32| json!({ "lat": 46.0 + f64::from(n % 2) * 0.004, "lng": 6.0 + f64::from(n) * 0.000_03 });
    let mut comb: Vec<Value> = (0..9_998).map(tooth).collect();
    comb.extend([json!({ "lat": 45.9, "lng": 6.3 }), json!({ "lat": 45.9, "lng": 6.0 })]);
    let mut wrong = intent();
    wrong["state"] = json!("Activated");
    wrong["extents"][0]["volume"].as_object_mut().unwrap().remove("outline_circle");
    wrong["extents"][0]["volume"]["outline_polygon"] = json!({ "vertices": comb });
    let (token, text) = (dss.token("uss1", SC), wrong.to_string());
    let mut asked = 0;
    let last = loop {
        let request = dss.request(Some(&token), "PUT", &path(1)).body(Body::from(text.clone())).unwrap();
        let response = dss.router.clone().oneshot(request).await.unwrap();
        asked += 1;
        if response.status() != 400 || asked == 5_000 {
            break response;
        }
    };
    assert_eq!(last.status(), 429);
    assert!(asked > 1);
    let why = String::from_utf8(last.into_body().collect().await.unwrap().to_bytes().into()).unwrap();
    assert!(why.contains("uss1 takes more than a 4th of the node's time; nothing was done"), "{why}");
    dss.put("uss1", SC, &path(2), &intent()).await.refused(429);
    dss.put("uss2", SC, &path(2), &intent()).await.is(201);
    dss.put("uss2", SC, &path(1), &wrong).await.refused(400);
}

#[tokio::test]
async fn vertices_are_bounded_over_all_volumes_of_an_entity() {
    let dss = Interface::new();
    let path = format!("/dss/v1/operational_intent_references/{}", id(1));
    let ring = |many: u32| -> Value {
        let at = |n: u32| f64::from(n) / f64::from(many) * core::f64::consts::TAU;
        let vertex = |n: u32| json!({ "lat": 46.0 + 0.05 * at(n).sin(), "lng": 6.0 + 0.05 * at(n).cos() });
        json!({ "vertices": (0..many).map(vertex).collect::<Vec<_>>() })
    };
    let with = |rings: [u32; 2]| {
        let mut body = intent();
        let volume = body["extents"][0].clone();
        body["extents"] = rings.iter().map(|_| volume.clone()).collect();
        for (n, many) in rings.into_iter().enumerate() {
            body["extents"][n]["volume"].as_object_mut().unwrap().remove("outline_circle");
            body["extents"][n]["volume"]["outline_polygon"] = ring(many);
        }
        body
    };
    let why = dss.put("uss1", SC, &path, &with([5_000, 5_001])).await.refused(400);
    assert_eq!(why, "extents: all volumes together have 10001 vertices, at most 10000");
    dss.put("uss1", SC, &path, &with([5_000, 5_000])).await.is(201);
}

#[tokio::test]
async fn who_hangs_up_has_taken_the_nodes_time_all_the_same() {
    let (reference, details) =
        (format!("/dss/v1/operational_intent_references/{}", id(1)), format!("/uss/v1/operational_intents/{}", id(1)));
    let body = intent();
    for (volumes, method, path) in
        [(false, "PUT", &reference), (true, "PUT", &reference), (false, "GET", &reference), (false, "GET", &details)]
    {
        let node = Slow::new();
        let dss = Interface::over(node.clone(), |options| options.volumes = volumes);
        for _ in 0..3 {
            let body = (method == "PUT").then_some(&body);
            assert!(dss.ask("uss1", SC, method, path, body).now_or_never().is_none());
        }
        assert_eq!(node.asked().await, 3);
        node.answers.add_permits(4);
        node.asked().await;
        dss.get("uss1", SC, path).await.refused(429);
        dss.get("uss2", SC, path).await.refused(404);
    }
}

#[tokio::test]
async fn large_answers_of_one_uss_wait_until_those_before_them_are_sent() {
    let query = json!({ "area_of_interest": volume() });
    for (method, path, body, list, status) in [
        (
            "PUT",
            format!("/dss/v1/operational_intent_references/{}", id(1)),
            intent(),
            "missing_operational_intents",
            409,
        ),
        ("POST", "/dss/v1/operational_intent_references/query".into(), query, "operational_intent_references", 200),
    ] {
        let body = body.to_string();
        for found in [1_000, 1_001] {
            let node = Slow::with(found);
            node.answers.add_permits(100);
            let dss = Interface::over(node.clone(), |_| {});
            let ask = |client: &str| {
                let request = dss.request(Some(&dss.token(client, SC)), method, &path);
                dss.router.clone().oneshot(request.body(Body::from(body.clone())).unwrap()).boxed()
            };
            let (first, second) = (ask("uss1").await.unwrap(), ask("uss1").await.unwrap());
            let mut third = ask("uss1");
            let waits = tokio::time::timeout(Duration::from_millis(200), &mut third).await.is_err();
            assert_eq!(waits, found > 1_000, "{method} {found}");
            assert_eq!(ask("uss2").await.unwrap().status(), status);
            if !waits {
                continue;
            }
            // Nobody wants the first any more; the second is read.
            drop(first);
            let third = third.await.unwrap();
            let fourth = ask("uss1");
            let length: usize = second.headers()["content-length"].to_str().unwrap().parse().unwrap();
            assert_eq!(
                (second.status().as_u16(), &second.headers()["content-type"] == "application/json"),
                (status, true)
            );
            let bytes = second.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(bytes.len(), length);
            let read: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(read[list].as_array().unwrap().len(), found);
            fourth.await.unwrap();
            drop(third);
        }
    }
}
