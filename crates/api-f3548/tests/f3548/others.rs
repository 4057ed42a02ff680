//! Constraints, subscriptions, availability, reports and the auxiliary endpoints over HTTP.
use crate::harness::*;
use serde_json::{Value, json};

fn constraint_path(n: u8) -> String {
    format!("/dss/v1/constraint_references/{}", id(n))
}

fn subscription_path(n: u8) -> String {
    format!("/dss/v1/subscriptions/{}", id(n))
}

#[tokio::test]
async fn a_constraint_is_created_read_found_changed_and_deleted() {
    let dss = Interface::new();
    let heights = ["/extents/0/volume/altitude_lower", "/extents/0/volume/altitude_upper"];
    let body = heights.iter().fold(constraint(), |body, height| with(body, height, Value::Null));
    let created = dss.put("city", CM, &constraint_path(1), &body).await.is(201);
    let reference = &created["constraint_reference"];
    for (field, value) in [
        ("id", json!(id(1))),
        ("manager", json!("city")),
        ("uss_availability", json!("Unknown")),
        ("version", json!(1)),
        ("uss_base_url", json!("https://city.example/utm")),
        ("time_start", at(0)),
        ("time_end", at(60)),
    ] {
        assert_eq!(reference[field], value, "{field}");
    }
    assert_eq!(reference.as_object().unwrap().len(), 8);
    let ovn = reference["ovn"].as_str().unwrap();
    let seen = dss.get("uss1", CP, &constraint_path(1)).await.is(200);
    assert_eq!(seen["constraint_reference"]["ovn"], "Available from USS");
    let found =
        dss.post("city", CM, "/dss/v1/constraint_references/query", &json!({ "area_of_interest": volume() })).await;
    assert_eq!(found.is(200)["constraint_references"], json!([reference]));

    let at_version = |ovn: &str| format!("{}/{ovn}", constraint_path(1));
    dss.put("city", CM, &constraint_path(1), &with(body.clone(), "/uss_base_url", json!("https://x.example")))
        .await
        .refused(409);
    dss.put("other", CM, &at_version(ovn), &body).await.refused(403);
    dss.put("city", CM, &at_version("old"), &body).await.refused(409);
    // One that there is not: 409, as the reference implementation answers.
    dss.put("city", CM, &format!("{}/{ovn}", constraint_path(2)), &body).await.refused(409);
    let changed = dss.put("city", CM, &at_version(ovn), &body).await.is(200);
    assert_eq!(changed["constraint_reference"]["version"], 2);
    let now = changed["constraint_reference"]["ovn"].as_str().unwrap();
    dss.delete("other", CM, &at_version(now)).await.refused(403);
    dss.delete("city", CM, &at_version(ovn)).await.refused(409);
    assert_eq!(
        dss.delete("city", CM, &at_version(now)).await.is(200)["constraint_reference"],
        changed["constraint_reference"]
    );
    dss.get("uss1", CP, &constraint_path(1)).await.refused(404);
    dss.delete("city", CM, &at_version(now)).await.refused(404);
}

#[tokio::test]
async fn a_subscription_is_created_read_found_changed_told_and_deleted() {
    let dss = Interface::new();
    let created = dss.put("uss2", SC, &subscription_path(1), &subscription()).await.is(200);
    assert_eq!(created["operational_intent_references"], json!([]));
    assert!(created.get("constraint_references").is_none());
    let sub = &created["subscription"];
    for (field, value) in [
        ("id", json!(id(1))),
        ("notification_index", json!(0)),
        ("time_start", at(0)),
        ("time_end", at(60)),
        ("uss_base_url", json!("https://sub.example/utm")),
        ("notify_for_operational_intents", json!(true)),
        ("notify_for_constraints", json!(false)),
        ("implicit_subscription", json!(false)),
        ("dependent_operational_intents", json!([])),
    ] {
        assert_eq!(sub[field], value, "{field}");
    }
    assert_eq!(sub.as_object().unwrap().len(), 10);
    // A change in it is told with a number that counts by one.
    let written =
        dss.put("uss1", SC, &format!("/dss/v1/operational_intent_references/{}", id(5)), &intent()).await.is(201);
    let told = json!([{ "uss_base_url": "https://sub.example/utm", "subscriptions": [{ "subscription_id": id(1), "notification_index": 1 }] }]);
    assert_eq!(written["subscribers"], told);
    let constraint = dss.put("city", CM, &constraint_path(6), &constraint()).await.is(201);
    assert_eq!(constraint["subscribers"], json!([]));
    assert_eq!(dss.get("uss2", CP, &subscription_path(1)).await.is(200)["subscription"]["notification_index"], 1);

    let version = sub["version"].as_str().unwrap();
    let at_version = |version: &str| format!("{}/{version}", subscription_path(1));
    let both = with(subscription(), "/notify_for_constraints", json!(true));
    dss.get("uss1", SC, &subscription_path(1)).await.refused(403);
    dss.put("uss2", SC, &subscription_path(1), &both).await.refused(409);
    dss.put("uss2", SC, &at_version("old"), &both).await.refused(409);
    dss.put("uss1", SC, &at_version(version), &both).await.refused(403);
    let changed = dss.put("uss2", SC, &at_version(version), &both).await.is(200);
    assert_eq!(changed["operational_intent_references"][0]["id"], id(5));
    assert_eq!(changed["constraint_references"][0]["ovn"], "Available from USS");
    let query = async |sub: &str| {
        let found =
            dss.post(sub, SC, "/dss/v1/subscriptions/query", &json!({ "area_of_interest": volume() })).await.is(200);
        found["subscriptions"].as_array().unwrap().clone()
    };
    assert_eq!(query("uss2").await, [changed["subscription"].clone()]);
    assert_eq!(query("uss1").await, [] as [Value; 0]);

    let now = changed["subscription"]["version"].as_str().unwrap();
    let resting = with(intent(), "/subscription_id", json!(id(1)));
    let key = with(
        resting,
        "/key",
        json!([written["operational_intent_reference"]["ovn"], constraint["constraint_reference"]["ovn"]]),
    );
    let rests = dss.put("uss2", SC, &format!("/dss/v1/operational_intent_references/{}", id(7)), &key).await.is(201);
    assert_eq!(rests["operational_intent_reference"]["subscription_id"], id(1));
    dss.delete("uss2", SC, &at_version(now)).await.refused(400);
    let ovn = rests["operational_intent_reference"]["ovn"].as_str().unwrap();
    dss.delete("uss2", SC, &format!("/dss/v1/operational_intent_references/{}/{ovn}", id(7))).await.is(200);
    dss.delete("uss1", SC, &at_version(now)).await.refused(403);
    dss.delete("uss2", SC, &at_version(version)).await.refused(409);
    let deleted = dss.delete("uss2", SC, &at_version(now)).await.is(200);
    assert_eq!(deleted["subscription"]["notification_index"], 3);
    dss.get("uss2", SC, &subscription_path(1)).await.refused(404);
    dss.delete("uss2", SC, &at_version(now)).await.refused(404);
}

#[tokio::test]
async fn what_a_subscription_lacks_is_told() {
    let dss = Interface::new();
    for (body, why) in [
        (with(subscription(), "/notify_for_operational_intents", Value::Null), "notify_for_operational_intents: "),
        (
            with(subscription(), "/extents/time_end", json!({ "value": "2026-01-02T00:00:01Z", "format": "RFC3339" })),
            "extents.time_end: more than 24 h",
        ),
        (
            with(
                subscription(),
                "/extents/time_start",
                json!({ "value": "2025-12-31T23:54:59Z", "format": "RFC3339" }),
            ),
            "extents.time_start: ",
        ),
        (with(subscription(), "/extents/volume/outline_circle", Value::Null), "extents.volume: outline_circle or"),
    ] {
        let message = dss.put("uss1", SC, &subscription_path(1), &body).await.refused(400);
        assert!(message.starts_with(why), "{message}");
    }
    let version = format!("{}/0123456789abcdef", subscription_path(1));
    assert!(dss.put("uss1", SC, &version, &subscription()).await.refused(400).contains("no such subscription"));
}

#[tokio::test]
async fn an_availability_is_unknown_until_an_arbiter_states_it() {
    let dss = Interface::new();
    let path = "/dss/v1/uss_availability/uss1";
    let unknown = json!({ "version": "", "status": { "uss": "uss1", "availability": "Unknown" } });
    assert_eq!(dss.get("uss2", SC, path).await.is(200), unknown);
    let set = |state: &str, old: &str| json!({ "availability": state, "old_version": old });
    assert!(dss.put("a", AA, path, &set("Purple", "")).await.refused(400).starts_with("availability: "));
    let down = dss.put("a", AA, path, &json!({ "availability": "down" })).await.is(200);
    assert_eq!(down["status"], json!({ "uss": "uss1", "availability": "Down" }));
    assert_eq!(dss.get("uss2", SC, path).await.is(200), down);
    dss.put("a", AA, path, &set("Normal", "old")).await.refused(409);
    let up = dss.put("a", AA, path, &set("Normal", down["version"].as_str().unwrap())).await.is(200);
    assert_eq!(up["status"]["availability"], "Normal");
    dss.put("uss1", SC, &format!("/dss/v1/operational_intent_references/{}", id(5)), &intent()).await.is(201);
    let seen = dss.get("uss2", SC, &format!("/dss/v1/operational_intent_references/{}", id(5))).await.is(200);
    assert_eq!(seen["operational_intent_reference"]["uss_availability"], "Normal");
    dss.get("uss2", SC, &format!("/dss/v1/uss_availability/{}", "x".repeat(256))).await.refused(400);
}

#[tokio::test]
async fn a_report_is_kept_and_given_a_number() {
    let dss = Interface::new();
    let exchange = json!({ "url": "https://dss.example/x", "method": "PUT", "headers": [], "recorder_role": "Client",
        "request_time": at(1), "problem": "no answer" });
    let report = json!({ "exchange": exchange });
    let made = dss.post("uss1", CP, "/dss/v1/reports", &report).await.is(201);
    assert_eq!(made["exchange"], exchange);
    let kept: Vec<_> = dss.fake.dss.lock().unwrap().reports().cloned().collect();
    assert_eq!(made["report_id"], kept[0].id.to_string());
    assert_eq!((kept[0].by.as_str(), kept[0].body.as_str()), ("uss1", report.to_string().as_str()));
    for (body, why) in [
        (json!({}), "missing field `exchange`"),
        (with(report.clone(), "/exchange/url", json!("")), "exchange.url: is empty"),
        (with(report.clone(), "/exchange/recorder_role", json!("Witness")), "exchange.recorder_role: "),
        (with(report.clone(), "/exchange/request_time/value", json!("now")), "exchange.request_time.value: "),
        (
            with(report.clone(), "/exchange/response_time", json!({ "value": "now", "format": "RFC3339" })),
            "exchange.response_time.value: ",
        ),
        (with(report.clone(), "/exchange/headers", json!([7])), "exchange.headers[0]: invalid type"),
        (with(report.clone(), "/exchange/request_body", json!({})), "exchange.request_body: invalid type"),
        (with(report.clone(), "/exchange/response_body", json!(7)), "exchange.response_body: invalid type"),
        (with(report.clone(), "/exchange/response_code", json!("200")), "exchange.response_code: invalid type"),
        (with(report.clone(), "/exchange/problem", json!([])), "exchange.problem: invalid type"),
    ] {
        let message = dss.post("uss1", CP, "/dss/v1/reports", &body).await.refused(400);
        assert!(message.contains(why), "{message}");
    }
    let deep: Value = (0..100).fold(json!(0), |inner, _| json!([inner]));
    dss.post("uss1", CP, "/dss/v1/reports", &with(report.clone(), "/exchange/deep", deep)).await.is(201);
    let request = dss.request(Some(&dss.token("uss1", CP)), "POST", "/dss/v1/reports");
    let deeper = report
        .to_string()
        .replace("\"problem\":", &format!("\"deep\":{}{},\"problem\":", "[".repeat(20_000), "]".repeat(20_000)));
    assert!(dss.send(request.body(deeper.into()).unwrap()).await.refused(400).contains("recursion limit"));
    let long = with(report, "/exchange/problem", json!("x".repeat(64 * 1024)));
    dss.post("uss1", CP, "/dss/v1/reports", &long).await.refused(413);
}

#[tokio::test]
async fn the_auxiliary_endpoints_answer() {
    let dss = Interface::new();
    let bare =
        async |path: &str| dss.send(dss.request(None, "GET", path).body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(bare("/aux/v1/version").await.is(200), json!({ "version": "skypact/v0.0.0" }));
    let version = dss.get("uss1", READ_VERSIONS, "/versions/gov.example.dss").await.is(200);
    assert_eq!(version, json!({ "system_identity": "gov.example.dss", "system_version": "skypact/v0.0.0" }));
    assert!(dss.get("uss1", READ_VERSIONS, "/versions/a%0Ab").await.refused(400).contains("system_identity"));
    assert_eq!(dss.get("uss1", READ_POOL, "/aux/v1/pool").await.is(200), json!({}));
    assert_eq!(bare("/healthy").await.is(200), "ok");
    *dss.fake.full.lock().unwrap() = Some(api_f3548::Unavailable("the journal is full".into()));
    assert_eq!(bare("/healthy").await.refused(503), "the journal is full");
    *dss.fake.full.lock().unwrap() = None;
    let keyless = Interface::with(|options| options.verifier.replace_keys(oauth::KeySet::default()));
    let healthy = keyless.request(None, "GET", "/healthy").body(axum::body::Body::empty()).unwrap();
    assert!(keyless.send(healthy).await.refused(503).contains("each is refused with 401"));
    bare("/aux/v1/validate_oauth").await.refused(401);
    dss.get("uss1", "any.scope", "/aux/v1/validate_oauth").await.is(200);
    dss.get("uss1", "any.scope", "/aux/v1/validate_oauth?owner=uss1").await.is(200);
    dss.get("uss1", "any.scope", "/aux/v1/validate_oauth?owner=uss2").await.refused(403);
    assert!(dss.get("uss1", SC, "/dss/v1/nothing").await.refused(404).contains("/dss/v1/nothing"));
    dss.ask("uss1", SC, "PATCH", "/dss/v1/reports", None).await.refused(405);
}
