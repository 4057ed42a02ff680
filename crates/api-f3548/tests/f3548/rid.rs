//! Remote ID over HTTP: identification service areas and subscriptions to them.
use crate::harness::*;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const ISAS: &str = "/rid/v2/dss/identification_service_areas";
const SUBSCRIPTIONS: &str = "/rid/v2/dss/subscriptions";
/// A square of some 600 m around the circle of `volume`.
const AREA: &str = "46.997,7.997,46.997,8.003,47.003,8.003,47.003,7.997";
/// Some 8,400 km².
const HUGE: &str = "46,8,46,9,47,9,47,8";

fn isa_path(n: u8) -> String {
    format!("{ISAS}/{}", id(n))
}

fn subscription_path(n: u8) -> String {
    format!("{SUBSCRIPTIONS}/{}", id(n))
}

fn body(url: &str) -> Value {
    json!({ "extents": volume(), "uss_base_url": url })
}

fn area() -> Value {
    body("https://sp.example/rid")
}

fn watch() -> Value {
    body("https://dp.example/rid")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

/// The names of an object's fields, in order.
fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn an_area_is_created_read_found_changed_and_deleted() {
    let dss = Interface::new();
    let created = dss.put("sp", SP, &isa_path(1), &area()).await.is(200);
    assert_eq!(names(&created), ["service_area", "subscribers"]);
    assert_eq!(created["subscribers"], json!([]));
    let area_of = &created["service_area"];
    assert_eq!(names(area_of), ["id", "owner", "time_end", "time_start", "uss_base_url", "version"]);
    for (field, value) in [
        ("id", json!(id(1))),
        ("owner", json!("sp")),
        ("uss_base_url", json!("https://sp.example/rid")),
        ("time_start", at(0)),
        ("time_end", at(60)),
    ] {
        assert_eq!(area_of[field], value, "{field}");
    }
    let version = text(area_of, "/version");
    for scope in [DP, SP] {
        assert_eq!(dss.get("dp", scope, &isa_path(1)).await.is(200), json!({ "service_area": area_of }));
    }
    let found = dss.get("dp", DP, &format!("{ISAS}?area={AREA}")).await.is(200);
    assert_eq!(found, json!({ "service_areas": [area_of] }));

    let at_version = |version: &str| format!("{}/{version}", isa_path(1));
    dss.put("sp", SP, &isa_path(1), &body("https://x.example")).await.refused(409);
    dss.put("other", SP, &isa_path(1), &area()).await.refused(409);
    dss.put("other", SP, &at_version(version), &area()).await.refused(403);
    dss.put("sp", SP, &at_version(&version[1..31]), &area()).await.refused(409);
    let absent = dss.put("sp", SP, &format!("{}/{version}", isa_path(2)), &area()).await;
    assert!(absent.refused(400).starts_with("version: there is no such service area"));
    let longer = with(area(), "/extents/time_end", at(90));
    let changed = dss.put("sp", SP, &at_version(version), &longer).await.is(200);
    assert_eq!(changed["service_area"]["time_end"], at(90));
    let now = text(&changed, "/service_area/version");
    dss.delete("other", SP, &at_version(now)).await.refused(403);
    dss.delete("sp", SP, &at_version(version)).await.refused(409);
    dss.delete("sp", SP, &format!("{}/{now}", isa_path(2))).await.refused(404);
    let deleted = dss.delete("sp", SP, &at_version(now)).await.is(200);
    assert_eq!(deleted, json!({ "service_area": changed["service_area"], "subscribers": [] }));
    dss.get("dp", DP, &isa_path(1)).await.refused(404);
    assert_eq!(dss.get("dp", DP, &format!("{ISAS}?area={AREA}")).await.is(200), json!({ "service_areas": [] }));
}

#[tokio::test]
async fn a_subscription_is_created_read_found_changed_and_deleted_and_told_of_each_change() {
    let dss = Interface::new();
    let there = dss.put("sp", SP, &isa_path(1), &area()).await.is(200)["service_area"].clone();
    let created = dss.put("dp", DP, &subscription_path(7), &watch()).await.is(200);
    assert_eq!(names(&created), ["service_areas", "subscription"]);
    assert_eq!(created["service_areas"], json!([there]));
    let subscription = &created["subscription"];
    let fields = ["id", "notification_index", "owner", "time_end", "time_start", "uss_base_url", "version"];
    assert_eq!(names(subscription), fields);
    for (field, value) in [
        ("id", json!(id(7))),
        ("owner", json!("dp")),
        ("notification_index", json!(0)),
        ("uss_base_url", json!("https://dp.example/rid")),
        ("time_start", at(0)),
        ("time_end", at(60)),
    ] {
        assert_eq!(subscription[field], value, "{field}");
    }
    // Others read it too, and only its owner finds it.
    for (who, scope) in [("dp", DP), ("other", DP), ("sp", SP)] {
        let read = dss.get(who, scope, &subscription_path(7)).await.is(200);
        assert_eq!(read, json!({ "subscription": subscription }));
    }
    let search = format!("{SUBSCRIPTIONS}?area={AREA}");
    assert_eq!(dss.get("dp", DP, &search).await.is(200), json!({ "subscriptions": [subscription] }));
    assert_eq!(dss.get("other", DP, &search).await.is(200), json!({ "subscriptions": [] }));

    let told = |n: u32| json!([{ "url": "https://dp.example/rid", "subscriptions": [{ "subscription_id": id(7), "notification_index": n }] }]);
    let changed = dss.put("sp", SP, &format!("{}/{}", isa_path(1), text(&there, "/version")), &area()).await.is(200);
    assert_eq!(changed["subscribers"], told(1));
    let version = text(&changed, "/service_area/version");
    assert_eq!(dss.delete("sp", SP, &format!("{}/{version}", isa_path(1))).await.is(200)["subscribers"], told(2));

    let version = text(subscription, "/version");
    let at_version = |version: &str| format!("{}/{version}", subscription_path(7));
    dss.put("dp", DP, &subscription_path(7), &body("https://x.example")).await.refused(409);
    dss.put("other", DP, &at_version(version), &watch()).await.refused(403);
    dss.put("dp", DP, &at_version("0"), &watch()).await.refused(409);
    let absent = dss.put("dp", DP, &format!("{}/{version}", subscription_path(8)), &watch()).await;
    assert!(absent.refused(400).starts_with("version: there is no such subscription"));
    let changed = dss.put("dp", DP, &at_version(version), &watch()).await.is(200);
    assert_eq!(changed["subscription"]["notification_index"], 2);
    let now = text(&changed, "/subscription/version");
    dss.delete("other", DP, &at_version(now)).await.refused(403);
    dss.delete("dp", DP, &at_version(version)).await.refused(409);
    dss.delete("dp", DP, &format!("{}/{now}", subscription_path(8))).await.refused(404);
    let deleted = dss.delete("dp", DP, &at_version(now)).await.is(200);
    assert_eq!(deleted, json!({ "subscription": changed["subscription"] }));
    dss.get("dp", DP, &subscription_path(7)).await.refused(404);
}

#[tokio::test]
async fn an_eleventh_subscription_in_one_place_is_one_too_many() {
    let dss = Interface::new();
    for n in 0..10 {
        dss.put("dp", DP, &subscription_path(n), &watch()).await.is(200);
    }
    assert!(dss.put("dp", DP, &subscription_path(10), &watch()).await.refused(429).contains("no more than 10"));
    dss.put("other", DP, &subscription_path(10), &watch()).await.is(200);
}

#[tokio::test]
async fn a_client_that_asks_again_finds_its_result_beside_the_conflict() {
    let dss = Interface::new();
    for (scope, path, field) in [(SP, isa_path(1), "service_area"), (DP, subscription_path(1), "subscription")] {
        let first = dss.put("uss1", scope, &path, &area()).await.is(200);
        let again = dss.put("uss1", scope, &path, &area()).await.is(409);
        assert_eq!(again[field], first[field]);
        assert!(text(&again, "/message").contains("already"));
        assert_eq!(dss.put("uss2", scope, &path, &area()).await.is(409).get(field), None);
    }
}

#[tokio::test]
async fn searches_are_by_area_and_time_and_end_with_what_they_find() {
    let dss = Interface::new();
    dss.put("sp", SP, &isa_path(1), &area()).await.is(200);
    dss.put("dp", DP, &subscription_path(1), &watch()).await.is(200);
    let isas = async |more: &str| {
        let found = dss.get("dp", DP, &format!("{ISAS}?{more}")).await.is(200);
        found["service_areas"].as_array().unwrap().len()
    };
    let here = format!("area={AREA}");
    for (more, count) in [
        ("", 1),
        ("&earliest_time=2026-01-01T01:00:00Z", 1),
        ("&earliest_time=2026-01-01T01:00:01Z", 0),
        ("&latest_time=2026-01-01T00:00:00Z", 1),
        ("&latest_time=2025-12-31T23:59:59Z", 0),
        ("&earliest_time=2026-01-01T02:00:00%2B01:00&latest_time=2026-01-01T01:30:00Z", 1),
        // What is not known is ignored.
        ("&area_=1&Area=2&x", 1),
    ] {
        assert_eq!(isas(&format!("{here}{more}")).await, count, "{more}");
    }
    assert_eq!(isas("area=46,7.9,46,7.901,46.001,7.901").await, 0);
    assert_eq!(isas(&format!("area={}", AREA.replace(',', "%2C+"))).await, 1);
    // When it has ended, though nothing was written since.
    dss.fake.now_s.store(T0_S + 3601, Ordering::Relaxed);
    assert_eq!(isas(&here).await, 0);
    assert_eq!(isas(&format!("{here}&earliest_time=2026-01-01T00:00:00Z")).await, 0);
    let found = dss.get("dp", DP, &format!("{SUBSCRIPTIONS}?{here}")).await.is(200);
    assert_eq!(found, json!({ "subscriptions": [] }));
    dss.get("dp", DP, &isa_path(1)).await.is(200);
}

#[tokio::test]
async fn each_parameter_of_a_search_that_is_wrong_is_named() {
    let dss = Interface::new();
    for (query, status, why) in [
        (String::new(), 400, "area: is needed"),
        ("area=%FF".into(), 400, "area: the latitude of vertex 0 is not a number"),
        ("area=".into(), 400, "area: the latitude of vertex 0 is not a number"),
        ("area=1,2,3,x".into(), 400, "area: the longitude of vertex 1 is not a number"),
        ("area=1,2,3,4,5".into(), 400, "area: an odd number"),
        ("area=1,2,3,4".into(), 400, "area: a polygon has at least 3 vertices"),
        ("area=nan,2,3,4,5,6".into(), 400, "area: vertex 0 is not on earth"),
        ("area=1,2,3,inf,5,6".into(), 400, "area: vertex 1 is not on earth"),
        ("area=1,2,3,4,1e400,6".into(), 400, "area: vertex 2 is not on earth"),
        (format!("area={AREA},46.997,7.997"), 400, "area: vertices 0 and 4 are the same place"),
        (format!("area={}", ["0,0"; 10_001].join(",")), 400, "area: a polygon has at most 10000 vertices"),
        (format!("area={HUGE}"), 413, "area: the area of "),
        (format!("area={AREA}&area={AREA}"), 400, "area: given more than once"),
    ] {
        for path in [ISAS, SUBSCRIPTIONS] {
            let message = dss.get("dp", DP, &format!("{path}?{query}")).await.refused(status);
            assert!(message.starts_with(why), "{path}?{:.40}: {message}", query);
        }
    }
    for (query, why) in [
        ("earliest_time=2026-01-01T00:00:00", "earliest_time: not a time with its zone"),
        ("latest_time=now", "latest_time: not a time with its zone"),
        ("latest_time=", "latest_time: not a time with its zone"),
        ("earliest_time=2026-01-01T00:00:01Z&latest_time=2026-01-01T00:00:00Z", "latest_time: before earliest_time"),
        ("latest_time=2026-01-01T00:00:00Z&latest_time=2026-01-01T00:00:00Z", "latest_time: given more than once"),
    ] {
        let message = dss.get("dp", DP, &format!("{ISAS}?area={AREA}&{query}")).await.refused(400);
        assert!(message.starts_with(why), "{query}: {message}");
    }
}

#[tokio::test]
async fn each_field_that_is_wrong_is_named() {
    let dss = Interface::new();
    let polygon = |text: &str| {
        let numbers: Vec<f64> = text.split(',').filter_map(|n| n.parse().ok()).collect();
        let vertices: Vec<Value> = numbers.chunks(2).map(|p| json!({ "lat": p[0], "lng": p[1] })).collect();
        with(area(), "/extents/volume", json!({ "outline_polygon": { "vertices": vertices } }))
    };
    let cases = [
        (json!([]), "body: "),
        (with(area(), "/extents", Value::Null), "missing field `extents`"),
        (with(area(), "/extents", json!([volume()])), "extents: invalid type: sequence"),
        (with(area(), "/extents/volume", Value::Null), "missing field `volume`"),
        (with(area(), "/extents/volume/outline_circle", Value::Null), "extents.volume: outline_circle or"),
        (polygon(""), "extents.volume.outline_polygon: a polygon has at least 3 vertices"),
        // Elsewhere than in a search it is a field that is wrong.
        (polygon(HUGE), "extents.volume.outline_polygon: the area of "),
        (with(area(), "/extents/time_end", json!("x")), "extents.time_end: invalid type"),
        (with(area(), "/extents/time_start", at(61)), "extents.time_end: before time_start"),
        (with(area(), "/extents/time_start/value", json!("2025-12-31T23:54:59Z")), "extents.time_start: more than 300"),
        (with(area(), "/uss_base_url", Value::Null), "missing field `uss_base_url`"),
        (with(area(), "/uss_base_url", json!("http://sp.example")), "uss_base_url: must be https"),
    ];
    for (scope, path) in [(SP, isa_path(1)), (DP, subscription_path(1))] {
        for (body, why) in &cases {
            let message = dss.put("uss1", scope, &path, body).await.refused(400);
            assert!(message.contains(why), "{path}: {message}, not {why}");
        }
        for (method, bad) in [("PUT", "fake_version"), ("DELETE", "fake_version"), ("DELETE", "ABCDEF0123")] {
            let got = dss.ask("uss1", scope, method, &format!("{path}/{bad}"), Some(&area())).await;
            assert!(got.refused(400).starts_with("version: not 1 to 32 of"), "{method} {path} {bad}");
        }
        let long = dss.delete("uss1", scope, &format!("{path}/{}", "0".repeat(33))).await;
        assert!(long.refused(400).starts_with("version: not 1 to 32 of"));
        for method in ["PUT", "DELETE"] {
            let got = dss.ask("uss1", scope, method, &format!("{path}/"), Some(&area())).await;
            assert_eq!(got.refused(400), "version: is needed");
        }
        let (kind, _) = path.rsplit_once('/').unwrap();
        let got = dss.put("uss1", scope, &format!("{kind}/not-a-uuid"), &area()).await;
        assert!(got.refused(400).starts_with("id: not a UUID"));
        assert!(dss.get("uss1", scope, &format!("{kind}/x")).await.refused(400).starts_with("id: not a UUID"));
    }
    // An area has no end of its own; a subscription has.
    let open = with(area(), "/extents/time_end", Value::Null);
    assert_eq!(dss.put("uss1", SP, &isa_path(1), &open).await.refused(400), "extents.time_end: is needed");
    dss.put("uss1", DP, &subscription_path(1), &open).await.is(200);
    let long = with(area(), "/extents/time_end/value", json!("2026-01-02T00:00:01Z"));
    let message = dss.put("uss1", DP, &subscription_path(2), &long).await.refused(400);
    assert_eq!(message, "extents.time_end: more than 24 h after time_start");
}

#[tokio::test]
async fn an_address_is_bound_to_its_uss_here_too() {
    let own = vec!["https://sp.example".to_owned()];
    let dss = Interface::with(|options| drop(options.base_urls.insert("sp".into(), own)));
    dss.put("sp", SP, &isa_path(1), &area()).await.is(200);
    dss.put("sp", SP, &isa_path(2), &body("https://other.example")).await.refused(403);
    dss.put("sp", DP, &subscription_path(1), &body("https://other.example")).await.refused(403);
}
