//! Operational intent references over HTTP.
use crate::harness::*;
use api_f3548::{Outline, Volume};
use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PATH: &str = "/dss/v1/operational_intent_references";

fn path(n: u8) -> String {
    format!("{PATH}/{}", id(n))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn query(dss: &Interface, client: &str, area: &Value) -> Vec<Value> {
    let found = dss.post(client, SC, &format!("{PATH}/query"), &json!({ "area_of_interest": area })).await.is(200);
    found["operational_intent_references"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_reference_is_created_read_found_changed_and_deleted() {
    let dss = Interface::new();
    let created = dss.put("uss1", SC, &path(1), &intent()).await.is(201);
    let reference = &created["operational_intent_reference"];
    assert_eq!(
        keys(reference),
        BTreeSet::from([
            "id",
            "manager",
            "uss_availability",
            "version",
            "state",
            "ovn",
            "time_start",
            "time_end",
            "uss_base_url",
            "subscription_id"
        ])
    );
    assert_eq!(created["subscribers"], json!([]));
    for (field, value) in [
        ("id", json!(id(1))),
        ("manager", json!("uss1")),
        ("uss_availability", json!("Unknown")),
        ("version", json!(1)),
        ("state", json!("Accepted")),
        ("uss_base_url", json!("https://uss1.example/utm")),
        ("subscription_id", json!("00000000-0000-4000-8000-000000000000")),
        ("time_start", at(0)),
        ("time_end", at(60)),
    ] {
        assert_eq!(reference[field], value, "{field}");
    }
    let ovn = reference["ovn"].as_str().unwrap();
    assert!((16..=128).contains(&ovn.len()));

    // With dashes or without, in either case.
    for form in [id(1), id(1).replace('-', ""), id(1).to_uppercase()] {
        let read = dss.get("uss1", SC, &format!("{PATH}/{form}")).await.is(200);
        assert_eq!(read["operational_intent_reference"], *reference);
    }
    let hidden = dss.get("uss2", CMSA, &path(1)).await.is(200);
    assert_eq!(hidden["operational_intent_reference"]["ovn"], "Available from USS");
    assert_eq!(query(&dss, "uss1", &volume()).await, std::slice::from_ref(reference));
    assert_eq!(query(&dss, "uss2", &volume()).await[0]["ovn"], "Available from USS");

    let changed = dss
        .put("uss1", SC, &format!("{}/{ovn}", path(1)), &with(intent(), "/extents/0/time_end", at(90)))
        .await
        .is(200);
    let changed = &changed["operational_intent_reference"];
    assert_eq!((&changed["version"], &changed["time_end"]), (&json!(2), &at(90)));
    let now = changed["ovn"].as_str().unwrap();
    dss.delete("uss1", SC, &format!("{}/{ovn}", path(1))).await.refused(409);
    let deleted = dss.delete("uss1", SC, &format!("{}/{now}", path(1))).await.is(200);
    assert_eq!(deleted["operational_intent_reference"], *changed);
    assert!(dss.get("uss1", SC, &path(1)).await.refused(404).contains(&id(1)));
    dss.delete("uss1", SC, &format!("{}/{now}", path(1))).await.refused(404);
}

#[tokio::test]
async fn a_query_is_bounded_by_area_time_and_height_and_by_nothing_that_it_leaves_out() {
    let dss = Interface::new();
    dss.put("uss1", SC, &path(1), &intent()).await.is(201);
    let found = async |area: Value| query(&dss, "uss2", &area).await.len();
    let open = ["/volume/altitude_lower", "/volume/altitude_upper", "/time_start", "/time_end"];
    assert_eq!(found(open.iter().fold(volume(), |area, bound| with(area, bound, Value::Null))).await, 1);
    assert_eq!(found(with(volume(), "/time_end", at(0))).await, 1);
    assert_eq!(found(with(with(volume(), "/time_start", at(61)), "/time_end", at(62))).await, 0);
    assert_eq!(found(with(volume(), "/volume/altitude_upper", metres(100.0))).await, 1);
    assert_eq!(
        found(with(with(volume(), "/volume/altitude_lower", metres(0.0)), "/volume/altitude_upper", metres(99.9)))
            .await,
        0
    );
    assert_eq!(found(with(volume(), "/volume/outline_circle/center/lat", json!(48.0))).await, 0);
    let square = json!({ "vertices": [
        { "lat": 46.99, "lng": 7.99 }, { "lat": 46.99, "lng": 8.01 }, { "lat": 47.01, "lng": 8.01 }, { "lat": 47.01, "lng": 7.99 }
    ] });
    let polygon = with(with(volume(), "/volume/outline_circle", Value::Null), "/volume/outline_polygon", square);
    assert_eq!(found(polygon).await, 1);
}

#[tokio::test]
async fn a_conflict_is_told_with_what_is_missing_and_without_its_version() {
    let dss = Interface::new();
    let first = dss.put("uss1", SC, &path(1), &intent()).await.is(201);
    let mine = dss.put("uss2", SC, &path(2), &with(intent(), "/extents/0/volume/altitude_lower", metres(200.0))).await;
    let missing = mine.is(409);
    assert_eq!(keys(&missing), BTreeSet::from(["message", "missing_operational_intents"]));
    let expected = with(first["operational_intent_reference"].clone(), "/ovn", json!("Available from USS"));
    assert_eq!(missing["missing_operational_intents"], json!([expected]));
    let ovn = first["operational_intent_reference"]["ovn"].clone();
    dss.put("uss2", SC, &path(2), &with(intent(), "/key", json!([ovn]))).await.is(201);
    // One's own is shown with its version.
    let third = dss.put("uss1", SC, &path(3), &intent()).await.is(409);
    let shown: Vec<&Value> =
        third["missing_operational_intents"].as_array().unwrap().iter().map(|i| &i["ovn"]).collect();
    assert_eq!(shown, [&ovn, &json!("Available from USS")]);
    // Constraints are missing for whoever is told of them.
    dss.put("city", CM, &format!("/dss/v1/constraint_references/{}", id(9)), &constraint()).await.is(201);
    let told = json!({ "uss_base_url": "https://uss3.example", "notify_for_constraints": true });
    let both = dss.put("uss3", SC, &path(4), &with(intent(), "/new_subscription", told)).await.is(409);
    assert_eq!(both["missing_operational_intents"].as_array().unwrap().len(), 2);
    assert_eq!(both["missing_constraints"][0]["ovn"], "Available from USS");
}

#[tokio::test]
async fn errors_come_in_the_order_of_the_reference_implementation() {
    let dss = Interface::new();
    let first = dss.put("uss1", SC, &path(1), &intent()).await.is(201);
    let ovn = first["operational_intent_reference"]["ovn"].as_str().unwrap().to_owned();
    let change = |n: u8, ovn: &str| format!("{}/{ovn}", path(n));
    let subscribed = json!({ "uss_base_url": "https://uss1.example" });
    let out = with(with(intent(), "/state", json!("Nonconforming")), "/new_subscription", subscribed.clone());
    // What is wrong in itself comes before the scope, the scope before whose it is, that before its version.
    let wrong = with(out.clone(), "/extents/0/volume/altitude_lower/units", json!("FT"));
    assert!(dss.put("uss2", SC, &change(1, "old"), &wrong).await.refused(400).contains("units"));
    assert!(dss.put("uss2", SC, &change(1, "old"), &out).await.refused(403).contains(CMSA));
    assert!(dss.put("uss2", CMSA, &change(1, "old"), &out).await.refused(403).contains("another USS"));
    assert!(dss.put("uss1", CMSA, &change(1, "old"), &out).await.refused(409).contains("another version"));
    assert!(dss.put("uss1", SC, &change(2, &ovn), &intent()).await.refused(400).contains("no such"));
    let on_none = with(intent(), "/subscription_id", json!(id(7)));
    assert!(dss.put("uss1", SC, &change(1, &ovn), &on_none).await.refused(400).contains("there is no subscription"));
    dss.put("uss1", CMSA, &change(1, &ovn), &out).await.is(200);
    dss.put("uss2", SC, &path(3), &intent()).await.is(409);
    for (state, why) in
        [("Activated", "begins as Accepted"), ("Ended", "none of Accepted"), ("accepted", "none of Accepted")]
    {
        let body = with(with(intent(), "/state", json!(state)), "/new_subscription", subscribed.clone());
        assert!(dss.put("uss1", CMSA, &path(4), &body).await.refused(400).contains(why), "{state}");
    }
    let bare = with(intent(), "/state", json!("Activated"));
    assert!(
        dss.put("uss1", SC, &change(1, &ovn), &bare)
            .await
            .refused(400)
            .starts_with("subscription_id: the state Activated")
    );
    let both = with(with(intent(), "/subscription_id", json!(id(7))), "/new_subscription", subscribed);
    assert!(dss.put("uss1", SC, &path(4), &both).await.refused(400).starts_with("new_subscription:"));
    // An empty text stands for none.
    let none =
        with(with(intent(), "/subscription_id", json!("")), "/extents/0/volume/outline_circle/center/lat", json!(10));
    dss.put("uss1", SC, &path(4), &none).await.is(201);
}

#[tokio::test]
async fn a_version_may_be_asked_for_by_its_end() {
    let dss = Interface::new();
    // 2026-01-01T00:00:00Z in the first 48 bits.
    let ms = T0_S * 1000;
    let suffix = format!("{:08x}-{:04x}-7abc-9def-000000000001", ms >> 16, ms & 0xffff);
    let got = dss.put("uss1", SC, &path(1), &with(intent(), "/requested_ovn_suffix", json!(suffix))).await.is(201);
    assert_eq!(got["operational_intent_reference"]["ovn"], format!("{}_{suffix}", id(1)));
    for bad in ["x", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "00000179-e36d-40be-838b-eca6ca350000"] {
        let body = with(intent(), "/requested_ovn_suffix", json!(bad));
        assert!(dss.put("uss1", SC, &path(2), &body).await.refused(400).starts_with("requested_ovn_suffix: "), "{bad}");
    }
}

#[tokio::test]
async fn a_client_that_timed_out_reads_its_result_again() {
    let dss = Interface::new();
    let first = dss.put("uss1", SC, &path(1), &intent()).await.is(201);
    let again = dss.put("uss1", SC, &path(1), &intent()).await.is(409);
    for (part, value) in first.as_object().unwrap() {
        assert_eq!(again[part], *value);
    }
    let other = dss.put("uss1", SC, &path(1), &with(intent(), "/key", json!(["x"]))).await.is(409);
    assert_eq!(keys(&other), BTreeSet::from(["message"]));

    let keyed = async |key: &str, method: &str, path: &str, body: Option<Value>| {
        let request = dss.request(Some(&dss.token("uss1", SC)), method, path).header("Idempotency-Key", key);
        dss.send(request.body(body.map_or_else(Body::empty, |b| Body::from(b.to_string()))).unwrap()).await
    };
    let far = with(intent(), "/extents/0/volume/outline_circle/center/lat", json!(-47));
    let first = keyed("k", "PUT", &path(2), Some(far.clone())).await.is(201);
    assert_eq!(keyed("k", "PUT", &path(2), Some(far.clone())).await.is(201), first);
    keyed("l", "PUT", &path(2), Some(far)).await.refused(409);
    let gone = format!("{}/{}", path(2), first["operational_intent_reference"]["ovn"].as_str().unwrap());
    let deleted = keyed("d", "DELETE", &gone, None).await.is(200);
    assert_eq!(keyed("d", "DELETE", &gone, None).await.is(200), deleted);
    for bad in ["", &"x".repeat(81)] {
        assert!(keyed(bad, "DELETE", &gone, None).await.refused(400).starts_with("Idempotency-Key"));
    }
    let twice = dss.request(Some(&dss.token("uss1", SC)), "DELETE", &gone).header("Idempotency-Key", "d");
    let twice = twice.header("Idempotency-Key", "e").body(Body::empty()).unwrap();
    assert!(dss.send(twice).await.refused(400).starts_with("Idempotency-Key: must be one"));
}

#[tokio::test]
async fn nothing_is_said_to_be_written_that_is_not() {
    let dss = Interface::new();
    *dss.fake.full.lock().unwrap() = Some(api_f3548::Unavailable("the journal is full".into()));
    let got = dss.put("uss1", SC, &path(1), &intent()).await;
    assert_eq!((got.status, got.refused(503)), (StatusCode::SERVICE_UNAVAILABLE, "the journal is full".into()));
    *dss.fake.full.lock().unwrap() = None;
    dss.get("uss1", SC, &path(1)).await.refused(404);
}

#[tokio::test]
async fn a_node_that_files_intents_is_handed_their_volumes_as_they_were_stated() {
    let polygon = json!({ "vertices": [
        { "lat": 46.9, "lng": 8.0 }, { "lat": 46.9, "lng": 8.1 }, { "lat": 47.0, "lng": 8.1 }
    ] });
    let second = with(with(volume(), "/volume/outline_circle", Value::Null), "/volume/outline_polygon", polygon);
    let body = with(intent(), "/extents", json!([volume(), second]));
    for wanted in [true, false] {
        let interface = Interface::with(|options| options.volumes = wanted);
        interface.put("uss1", SC, &path(1), &body).await.is(201);
        let handed = interface.fake.volumes.lock().unwrap().clone();
        let outline =
            [Outline::Circle((47.0, 8.0), 300.0), Outline::Polygon(vec![(46.9, 8.0), (46.9, 8.1), (47.0, 8.1)])];
        let (start, end) = (T0_S * 1_000_000, (T0_S + 60 * 60) * 1_000_000);
        let all = outline.map(|outline| Volume { outline, lower: Some(100_000), upper: Some(200_000), start, end });
        assert_eq!(handed, wanted.then(|| all.to_vec()));
    }
}

#[tokio::test]
async fn a_subscription_is_named_or_made_and_an_empty_name_is_none() {
    let dss = Interface::new();
    let path = format!("/dss/v1/operational_intent_references/{}", id(1));
    let made = with(intent(), "/new_subscription", json!({ "uss_base_url": "https://uss1.example/utm" }));
    for given in ["", &id(2)] {
        let both = with(made.clone(), "/subscription_id", json!(given));
        let why = dss.put("uss1", SC, &path, &both).await.refused(400);
        assert_eq!(why, "new_subscription: give it or subscription_id, not both", "{given:?}");
    }
    dss.put("uss1", SC, &path, &with(intent(), "/subscription_id", json!(""))).await.is(201);
}
