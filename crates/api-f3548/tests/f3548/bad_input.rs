//! What is wrong in a request is answered with 4xx and the field's name, and nothing is lost by it.
use crate::harness::*;
use axum::body::{Body, Bytes};
use axum::http::header;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use std::io;
use std::time::Duration;

fn path() -> String {
    format!("/dss/v1/operational_intent_references/{}", id(1))
}

#[tokio::test]
async fn each_field_of_an_intent_that_is_wrong_is_named() {
    let dss = Interface::new();
    let circle = "/extents/0/volume/outline_circle";
    let volume_of = |change: Value| with(intent(), "/extents/0/volume", change);
    let polygon = |vertices: Value| {
        volume_of(
            json!({ "outline_polygon": { "vertices": vertices }, "altitude_lower": metres(0.0), "altitude_upper": metres(1.0) }),
        )
    };
    let point = |lat: f64, lng: f64| json!({ "lat": lat, "lng": lng });
    let big = with(intent(), &format!("{circle}/radius/value"), json!(28_300.0));
    let cases: Vec<(Value, &str)> = vec![
        (json!([]), "body: "),
        (json!("x"), "body: "),
        // As GeoJSON writes a point: not taken for one with its numbers the other way about.
        (
            with(intent(), &format!("{circle}/center"), json!([8.0, 47.0])),
            "extents[0].volume.outline_circle.center: invalid type: sequence",
        ),
        (
            polygon(json!([[8.0, 47.0], [8.1, 47.0], [8.1, 47.1]])),
            "extents[0].volume.outline_polygon.vertices[0]: invalid type: sequence",
        ),
        (with(intent(), "/extents", Value::Null), "missing field `extents`"),
        (with(intent(), "/extents", volume()), "extents: invalid type: map, expected a sequence"),
        (with(intent(), "/extents", json!([])), "extents: 1 to 3333 volumes"),
        (with(intent(), "/uss_base_url", Value::Null), "missing field `uss_base_url`"),
        (with(intent(), "/uss_base_url", json!(7)), "uss_base_url: invalid type"),
        (with(intent(), "/state", Value::Null), "missing field `state`"),
        (with(intent(), "/key", json!([1])), "key[0]: invalid type"),
        (with(intent(), "/key", json!(["x".repeat(129)])), "key[0]: more than 128"),
        (with(intent(), "/subscription_id", json!("x")), "subscription_id: not a UUID"),
        (with(intent(), "/extents/0/time_start", Value::Null), "extents[0].time_start: is needed"),
        (with(intent(), "/extents/0/time_end", Value::Null), "extents[0].time_end: is needed"),
        (
            with(intent(), "/extents/0/time_end/value", json!("2026-01-01T00:00:00")),
            "extents[0].time_end.value: not a time with its zone",
        ),
        (with(intent(), "/extents/0/time_end/value", json!(1)), "extents[0].time_end.value: invalid type"),
        (with(intent(), "/extents/0/time_end/format", json!("UNIX")), "extents[0].time_end.format: must be"),
        (with(intent(), "/extents/0/time_start", at(61)), "extents[0].time_end: before time_start"),
        (with(intent(), "/extents/0/volume", Value::Null), "missing field `volume`"),
        (with(intent(), circle, Value::Null), "extents[0].volume: outline_circle or outline_polygon is needed"),
        (
            with(intent(), "/extents/0/volume/outline_polygon", json!({ "vertices": [] })),
            "extents[0].volume: outline_circle and outline_polygon",
        ),
        (
            with(intent(), &format!("{circle}/center"), Value::Null),
            "extents[0].volume.outline_circle.center: is needed",
        ),
        (
            with(intent(), &format!("{circle}/radius"), Value::Null),
            "extents[0].volume.outline_circle.radius: is needed",
        ),
        (with(intent(), &format!("{circle}/radius/value"), json!(0)), "extents[0].volume.outline_circle: "),
        (with(intent(), &format!("{circle}/radius/value"), json!(-1)), "extents[0].volume.outline_circle: "),
        (
            with(intent(), &format!("{circle}/radius/units"), json!("KM")),
            "extents[0].volume.outline_circle.radius.units: must be",
        ),
        (
            with(intent(), &format!("{circle}/center/lat"), json!(90.1)),
            "extents[0].volume.outline_circle.center.lat: not between -90 and 90",
        ),
        (
            with(intent(), &format!("{circle}/center/lng"), json!(-180.1)),
            "extents[0].volume.outline_circle.center.lng: not between -180 and 180",
        ),
        (
            polygon(json!([point(0.0, 0.0), point(0.0, 0.1), point(0.1, 181.0)])),
            "extents[0].volume.outline_polygon.vertices[2].lng: not between",
        ),
        (
            with(intent(), &format!("{circle}/center/lat"), json!("47")),
            "extents[0].volume.outline_circle.center.lat: invalid type: string \"47\", expected a number at",
        ),
        (big, "extents[0].volume.outline_circle: "),
        (
            with(intent(), "/extents/0/volume/altitude_lower", Value::Null),
            "extents[0].volume.altitude_lower: is needed",
        ),
        (
            with(intent(), "/extents/0/volume/altitude_upper", Value::Null),
            "extents[0].volume.altitude_upper: is needed",
        ),
        (
            with(intent(), "/extents/0/volume/altitude_upper", metres(99.0)),
            "extents[0].volume.altitude_upper: below altitude_lower",
        ),
        (
            with(intent(), "/extents/0/volume/altitude_upper", metres(1e300)),
            "extents[0].volume.altitude_upper.value: not between",
        ),
        (
            with(intent(), "/extents/0/volume/altitude_upper/units", json!("FT")),
            "extents[0].volume.altitude_upper.units: must be",
        ),
        (
            with(intent(), "/extents/0/volume/altitude_upper/reference", json!("AGL")),
            "extents[0].volume.altitude_upper.reference: must be",
        ),
        (polygon(json!([point(0.0, 0.0), point(0.0, 0.1)])), "extents[0].volume.outline_polygon: "),
        (polygon(json!([point(0.0, 0.0), point(0.0, 0.1), point(0.0, 0.0)])), "extents[0].volume.outline_polygon: "),
        (
            polygon(json!([point(0.0, 0.0), point(0.1, 0.1), point(0.0, 0.1), point(0.1, 0.0)])),
            "extents[0].volume.outline_polygon: ",
        ),
        (
            polygon(json!([point(0.0, 0.0), point(0.0, 1.0), point(1.0, 1.0), point(1.0, 0.0)])),
            "extents[0].volume.outline_polygon: ",
        ),
        (
            polygon(json!([point(0.0, 0.0), { "lat": 1 }, point(1.0, 1.0)])),
            "extents[0].volume.outline_polygon.vertices[1]: missing field `lng`",
        ),
    ];
    for (body, why) in cases {
        let message = dss.put("uss1", SC, &path(), &body).await.refused(400);
        assert!(message.contains(why), "wanted {why:?}, got {message:?}");
    }
    // The same volumes are wrong in a query; only for subscriptions has an area that is too large a status of its own.
    let large = with(volume(), "/volume/outline_circle/radius/value", json!(28_300.0));
    let query = json!({ "area_of_interest": large });
    for (kind, scope, status) in
        [("operational_intent_references", SC, 400), ("constraint_references", CM, 400), ("subscriptions", SC, 413)]
    {
        let path = format!("/dss/v1/{kind}/query");
        assert!(
            dss.post("uss1", scope, &path, &query)
                .await
                .refused(status)
                .starts_with("area_of_interest.volume.outline_circle: ")
        );
        assert!(
            dss.post("uss1", scope, &path, &json!({})).await.refused(400).starts_with("area_of_interest: is needed")
        );
    }
    assert_eq!(dss.fake.dss.lock().unwrap().counts(), (0, 0, 0));
}

#[tokio::test]
async fn volumes_are_bounded_in_number_and_together() {
    let dss = Interface::new();
    let many = with(intent(), "/extents", Value::Array(vec![volume(); 3_334]));
    assert!(dss.put("uss1", SC, &path(), &many).await.refused(400).starts_with("extents: 1 to 3333 volumes"));
    let large = with(volume(), "/volume/outline_circle/radius/value", json!(27_000.0));
    let most = with(intent(), "/extents", Value::Array(vec![large; 20]));
    let message = dss.put("uss1", SC, &path(), &most).await.refused(400);
    assert!(message.contains("all volumes together"), "{message}");
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused() {
    let dss = Interface::with(|options| options.body_bytes_max = 100_000);
    let send = async |body: Vec<u8>| {
        let request = dss.request(Some(&dss.token("uss1", SC)), "PUT", &path());
        dss.send(request.body(Body::from(body)).unwrap()).await
    };
    for (body, why) in [
        (Vec::new(), "body: EOF"),
        (b"{".to_vec(), "body: EOF"),
        (b"null".to_vec(), "body: invalid type"),
        (b"\xff\xfe".to_vec(), "body: not UTF-8"),
        (b"NaN".to_vec(), "body: expected"),
        (format!("{}x", intent()).into_bytes(), "body: trailing"),
        (intent().to_string().replace("300.0", "NaN").into_bytes(), "radius"),
        (intent().to_string().replace("300.0", "1e999").into_bytes(), "out of range"),
        (intent().to_string().replace("300.0", &"9".repeat(400)).into_bytes(), "out of range"),
        (format!("{}{}", "[".repeat(40_000), "]".repeat(40_000)).into_bytes(), "body: "),
        (format!("{{\"x\":{}{}", "[".repeat(40_000), "]".repeat(40_000)).into_bytes(), "body: EOF"),
        (
            intent().to_string().replace("\"state\":", "\"state\":\"Accepted\",\"state\":").into_bytes(),
            "duplicate field",
        ),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let message = send(body).await.refused(400);
        assert!(message.contains(why), "{shown}: wanted {why:?}, got {message:?}");
    }
    assert!(send(vec![b' '; 100_001]).await.refused(413).contains("100000 bytes"));
    // Said to be long, or not said at all.
    let token = dss.token("uss1", SC);
    let said =
        dss.request(Some(&token), "PUT", &path()).header("content-length", "5000000").body(Body::empty()).unwrap();
    dss.send(said).await.refused(413);
    for bad in ["not_uuid_format", "00000179-e36d-40be-838b-eca6ca35000", "%00", "%F0%9F%92%A9"] {
        let path = format!("/dss/v1/operational_intent_references/{bad}");
        assert!(dss.put("uss1", SC, &path, &intent()).await.refused(400).starts_with("entityid: not a UUID"), "{bad}");
        dss.get("uss1", SC, &path).await.refused(400);
    }
    // Not text.
    let path_of = |id: &str| format!("/dss/v1/operational_intent_references/{id}");
    assert!(dss.get("uss1", SC, &path_of("%FF")).await.refused(400).contains("UTF-8 in `entityid`"));
    let twice = "/aux/v1/validate_oauth?owner=uss1&owner=uss2";
    assert!(dss.get("uss1", SC, twice).await.refused(400).starts_with("owner: "));
    let long = format!("{}/{}", path(), "x".repeat(129));
    assert!(dss.put("uss1", SC, &long, &intent()).await.refused(400).starts_with("ovn: "));
}

#[tokio::test]
async fn a_body_that_is_slow_broken_off_or_compressed_is_not_acted_on() {
    let dss = Interface::with(|options| options.request_timeout = Duration::from_millis(100));
    let request = || dss.request(Some(&dss.token("uss1", SC)), "PUT", &path());
    let start = || stream::iter([Ok(Bytes::from_static(b"{"))]);
    let never = start().chain(stream::pending::<Result<Bytes, io::Error>>());
    let message = dss.send(request().body(Body::from_stream(never)).unwrap()).await.refused(408);
    assert_eq!(message, "body: not complete in time; nothing was done");
    let broken = start().chain(stream::iter([Err(io::Error::other("reset"))]));
    assert_eq!(dss.send(request().body(Body::from_stream(broken)).unwrap()).await.refused(400), "body: broken off");
    let whole = || Body::from(intent().to_string());
    let coded = request().header(header::CONTENT_ENCODING, "gzip").body(whole()).unwrap();
    assert!(dss.send(coded).await.refused(415).starts_with("Content-Encoding: "));
    assert_eq!(dss.fake.dss.lock().unwrap().counts(), (0, 0, 0));
    // Whatever it is said to be, it is JSON.
    let plain = request().header(header::CONTENT_ENCODING, "identity").header(header::CONTENT_TYPE, "text/plain");
    dss.send(plain.body(whole()).unwrap()).await.is(201);
}

#[tokio::test]
async fn the_last_time_that_is_taken_can_be_written_a_day_later() {
    let dss = Interface::new();
    let late = |value: &str| json!({ "value": value, "format": "RFC3339" });
    let open = with(subscription(), "/extents/time_end", Value::Null);
    let path = format!("/dss/v1/subscriptions/{}", id(1));
    let refused =
        dss.put("uss1", SC, &path, &with(open.clone(), "/extents/time_start", late("9999-01-01T00:00:00Z"))).await;
    assert_eq!(refused.refused(400), "extents.time_start.value: not of the years 1 to 9998");
    let made =
        dss.put("uss1", SC, &path, &with(open, "/extents/time_start", late("9998-12-31T23:59:59Z"))).await.is(200);
    assert_eq!(made["subscription"]["time_end"]["value"], "9999-01-01T23:59:59Z");
}

#[tokio::test]
async fn a_path_that_ends_where_the_version_is_to_be_is_told_so() {
    let dss = Interface::new();
    for (kind, scope, field) in [
        ("operational_intent_references", SC, "ovn"),
        ("constraint_references", CM, "ovn"),
        ("subscriptions", SC, "version"),
    ] {
        for method in ["PUT", "DELETE"] {
            let path = format!("/dss/v1/{kind}/{}/", id(1));
            let got = dss.ask("uss1", scope, method, &path, Some(&json!({}))).await;
            assert_eq!(got.refused(400), format!("{field}: is needed"));
            assert_eq!(dss.ask("uss1", AA, method, &path, None).await.status, 403);
        }
    }
}

#[tokio::test]
async fn a_connection_whose_request_was_not_read_to_its_end_is_said_to_close() {
    use tower::ServiceExt;
    let dss = Interface::new();
    let closes = async |scope: &str, method: &str, body: &str| {
        let request = dss.request(Some(&dss.token("uss1", scope)), method, &path());
        let response = dss.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        response.headers().get("connection").is_some_and(|value| value == "close")
    };
    assert!(closes(AA, "PUT", "{}").await, "refused before it was read");
    assert!(closes(SC, "GET", "{}").await, "nobody reads the body of a GET");
    assert!(!closes(SC, "PUT", "{}").await && !closes(AA, "PUT", "").await && !closes(SC, "GET", "").await);
}
