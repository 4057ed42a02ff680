//! What is sent, and the exact refusal that returns.
use crate::http::{Client, OPERATOR, Site};
use serde_json::{Value, json};

const NOTICE: &str = "/v1/notices/abababababababababababababababababababababababababababababababab/acknowledge";

fn operator() -> Client {
    Site::new().bearer(OPERATOR)
}

async fn check(method: &str, path: &str, body: Value, expect: &str) {
    assert_eq!(operator().send(method, path, body.clone()).await.problem(), expect, "{method} {path} {body}");
}

/// `base` with the value at a JSON pointer replaced; `Null` at the end of a path removes nothing.
fn with(base: &Value, pointer: &str, value: Value) -> Value {
    let mut body = base.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Object(object) => drop(object.insert(key.to_owned(), value)),
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        other => panic!("{other}"),
    }
    body
}

fn volume() -> Value {
    let circle = json!({ "type": "circle", "centre": [8.5, 47.25], "radius_m": 9260 });
    json!({ "outline": circle, "lower": null, "upper": null, "start_utc_ms": 1, "end_utc_ms": 2 })
}

#[tokio::test]
async fn bodies_that_are_no_json() {
    let client = operator();
    let check = async |media, body: &str, expect: &str| {
        assert_eq!(client.raw("POST", "/v1/notices", media, body).await.problem(), expect, "{body}");
    };
    let json = Some("application/json");
    check(None, "{}", "415 unsupported-media-type | send Content-Type: application/json").await;
    check(Some("text/plain"), "{}", "415 unsupported-media-type | send Content-Type: application/json").await;
    check(Some("application/JSON; charset=utf-8"), "[]", "422 invalid | : must be an object, got a list").await;
    check(json, "", "400 malformed-json | at byte 0: EOF while parsing a value at line 1 column 0").await;
    check(json, "{\"to\":", "400 malformed-json | at byte 5: EOF while parsing a value at line 1 column 6").await;
    check(json, "{\"to\":1} x", "400 malformed-json | at byte 9: trailing characters at line 1 column 10").await;
    let deep = "[".repeat(100_000);
    check(json, &deep, "400 malformed-json | at byte 127: recursion limit exceeded at line 1 column 128").await;
    check(json, &" ".repeat((256 << 10) + 1), "413 too-large | at most 262144 bytes").await;
    let twice = r#"{"to":["south"],"to":["civil"]}"#;
    check(json, twice, "400 malformed-json | at byte 19: the field \"to\" stands twice at line 1 column 20").await;
}

#[tokio::test]
async fn notices_that_are_none() {
    let good = json!({ "to": ["south"], "class": "hazard", "precedence": "FLASH", "text": "x" });
    let refused = async |pointer, value, expect: &str| {
        check("POST", "/v1/notices", with(&good, pointer, value), &format!("422 invalid | {expect}")).await;
    };
    check("POST", "/v1/notices", good.clone(), "201").await;
    let missing = "422 invalid | to: is missing | class: is missing | precedence: is missing | text: is missing";
    check("POST", "/v1/notices", json!({}), missing).await;
    refused("/to", json!([]), "to: must have 1 to 32 entries, got 0").await;
    refused("/to", json!(["South"]), "to[0]: must be a party's name, got \"South\"").await;
    refused("/to", json!(["south", "south"]), "to: must name each party once").await;
    let classes = "activation, hazard, hold, resume, cancellation, information";
    refused("/class", json!("x"), &format!("class: must be one of {classes}, got \"x\"")).await;
    let words = "ROUTINE, PRIORITY, IMMEDIATE, FLASH";
    refused("/precedence", json!("flash"), &format!("precedence: must be one of {words}, got \"flash\"")).await;
    refused("/text", json!(""), "text: must have 1 to 2000 characters, got 0").await;
    refused("/text", json!("x".repeat(2001)), "text: must have 1 to 2000 characters, got 2001").await;
    refused("/text", json!("é".repeat(1001)), "text: must have at most 2000 bytes in UTF-8, got 2002").await;
    refused("/text", json!("a\u{1b}[2J"), "text: must not contain control characters").await;
    refused("/place", json!({ "lat": 91, "lon": 0 }), "place.lat: must be between -90 and 90, got 91").await;
    refused("/place", json!({ "lat": 1 }), "place.lon: is missing").await;
    let level = "level.value_ft: must be between -6561.679790026246 and 328083.9895013123, got 400000";
    refused("/level", json!({ "value_ft": 400_000, "reference": "msl" }), level).await;
    refused("/level", json!({ "value_ft": 1 }), "level.reference: is missing").await;
    let times = "must be a whole number from 0 to 253402300799999";
    refused("/start_utc_ms", json!(-1), &format!("start_utc_ms: {times}, got -1")).await;
    refused("/start_utc_ms", json!("now"), "start_utc_ms: must be a whole number, got a string").await;
    let reversed = with(&with(&good, "/start_utc_ms", json!(2)), "/end_utc_ms", json!(1));
    check("POST", "/v1/notices", reversed, "422 invalid | : end_utc_ms must not be before start_utc_ms").await;
    refused("/sender", json!("me"), "sender: is not known here").await;
    check("POST", "/v1/notices", with(&good, "/to", json!(["west"])), "404 no-such | no such party: west").await;
    let frozen = "409 frozen | the link to south is frozen: two histories";
    check("POST", "/v1/notices", with(&good, "/text", json!("frozen")), frozen).await;
}

#[tokio::test]
async fn read_backs_that_are_wrong() {
    let level = json!({ "value_ft": 24000, "reference": "pressure" });
    let right = json!({ "place": { "lat": 47.25, "lon": 8.5 }, "level": level, "time_utc_ms": crate::world::T0 });
    check("POST", NOTICE, json!({ "read_back": right }), "204").await;
    let off = json!({ "read_back": with(&with(&right, "/time_utc_ms", json!(5)), "/place/lat", json!(47.250_000_1)) });
    let differs = "409 read-back-differs | place: differs from the notice | time: differs from the notice";
    check("POST", NOTICE, off, differs).await;
    check("POST", NOTICE, json!({}), "422 invalid | read_back: is missing").await;
    check("POST", NOTICE, json!({ "read_back": { "x": 1 } }), "422 invalid | read_back.x: is not known here").await;
    let short = "/v1/notices/abab/acknowledge";
    check("POST", short, json!({ "read_back": {} }), "404 no-such | no such notice: abab").await;
    check("POST", "/v1/alerts/x/acknowledge", json!({}), "404 no-such | no such alert: x").await;
    check("POST", "/v1/alerts/99/acknowledge", json!({}), "404 no-such | no such alert: 99").await;
    check("POST", "/v1/alerts/12/acknowledge", json!({}), "409 already | already acknowledged").await;
    check("POST", "/v1/alerts/11/acknowledge", json!({ "x": 1 }), "422 invalid | x: is not known here").await;
}

#[tokio::test]
async fn plans_and_sites_that_are_none() {
    let good = json!({ "class": "uas", "state": "accepted", "volumes": [volume()] });
    let refused = async |pointer, value, expect: &str| {
        check("POST", "/v1/plans", with(&good, pointer, value), &format!("422 invalid | {expect}")).await;
    };
    check("POST", "/v1/plans", good.clone(), "201").await;
    refused("/volumes", json!([]), "volumes: must have 1 to 256 entries, got 0").await;
    let point = "volumes[0].outline.points[2]: must be [longitude, latitude] in degrees, latitude from -90 to 90";
    let polygon = json!({ "type": "polygon", "points": [[0, 0], [1, 1], [1, 91]] });
    refused("/volumes/0/outline", polygon, point).await;
    let ring = json!([[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]);
    let hole = json!([[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 0.5]]);
    let named = json!([{ "lat": 0.5, "lon": 0.5 }, { "text": "47N008E" }, { "lat": 1, "lon": 0.5 }]);
    let holes = "volumes[0].outline.points: has more than one ring: holes are not supported, cut the area into polygons without one";
    let mut behind = ring.clone();
    behind.as_array_mut().unwrap().push(hole.clone());
    for points in [json!([ring, hole]), json!([ring, hole, hole]), json!([ring, named]), behind] {
        refused("/volumes/0/outline", json!({ "type": "polygon", "points": points }), holes).await;
    }
    let wrapped = "volumes[0].outline.points: is a list of rings: give the ring itself, a list of points";
    refused("/volumes/0/outline", json!({ "type": "polygon", "points": [ring] }), wrapped).await;
    let corridor = json!({ "type": "corridor", "points": [[0, 0], [0, 0]], "half_width_m": 5 });
    let same = "volumes[0].outline: a corridor needs at least 2 different points, got 1";
    refused("/volumes/0/outline", corridor, same).await;
    let radius = "volumes[0].outline.radius_m: must be between 0.001 and 1852000, got 1852001";
    refused("/volumes/0/outline/radius_m", json!(1_852_001), radius).await;
    let reversed = "volumes[0]: the window ends (0 ms) before it starts (1 ms)";
    refused("/volumes/0/end_utc_ms", json!(0), reversed).await;
    refused("/volumes/0/end_utc_ms", json!(32 * 86_400_000i64), "volumes[0]: the window is longer than 31 days").await;
    refused("/priority", json!(101), "priority: must be a whole number from -100 to 100, got 101").await;
    refused("/address", json!("4b1a4"), "address: must be six hexadecimal digits, got \"4b1a4\"").await;
    refused("/callsign", json!("x".repeat(17)), "callsign: must have 1 to 16 characters, got 17").await;
    let knot = "volumes: the boundary crosses itself: edge 0 meets edge 2";
    refused("/callsign", json!("KNOT"), knot).await;
    let full = "409 bound-reached | plans is full: at most 20000";
    check("POST", "/v1/plans", with(&good, "/callsign", json!("FULL")), full).await;
    check("PUT", "/v1/plans/xyz", good.clone(), "404 no-such | no such plan: xyz").await;

    let outline = volume()["outline"].clone();
    let site = json!({ "category": "school", "footprint": outline, "buffer_m": 100, "verification": "claimed", "expires_utc_ms": 9 });
    check("POST", "/v1/sites", site.clone(), "201").await;
    let holes = "422 invalid | footprint.points: has more than one ring: holes are not supported, cut the area into polygons without one";
    let annulus = json!({ "type": "polygon", "points": [ring, hole] });
    check("POST", "/v1/sites", with(&site, "/footprint", annulus), holes).await;
    let buffer = "422 invalid | buffer_m: must be between 0 and 1852000, got -1";
    check("POST", "/v1/sites", with(&site, "/buffer_m", json!(-1)), buffer).await;
    let name = "422 invalid | name: must be one line of at most 80 bytes in UTF-8";
    check("POST", "/v1/sites", with(&site, "/name", json!("a\nb")), name).await;
    let avoid = json!({ "to": ["south"], "volumes": vec![volume(); 17] });
    check("POST", "/v1/avoid", avoid, "422 invalid | volumes: must have 1 to 16 entries, got 17").await;
}

#[tokio::test]
async fn channel_states_and_release_rules_that_are_none() {
    let words = "in-force, suspended, resumed, terminated";
    let expect = format!("422 invalid | state: must be one of {words}, got \"x\" | reason: is missing");
    check("POST", "/v1/channel/south", json!({ "state": "x" }), &expect).await;
    let body = json!({ "state": "suspended", "reason": "x" });
    check("POST", "/v1/channel/SOUTH", body, "404 no-such | no such party: SOUTH").await;
    let long = json!({ "statement": "é".repeat(1025) });
    check("POST", "/v1/keys", long, "422 invalid | statement: must have at most 2048 bytes in UTF-8, got 2050").await;
    check("POST", "/v1/keys", json!({}), "422 invalid | statement: is missing").await;

    let rules = async |rule: Value, expect: &str| {
        let expect = if expect.is_empty() { "204".into() } else { format!("422 invalid | rules.south[0]{expect}") };
        check("PUT", "/v1/release", json!({ "rules": { "south": [rule] } }), &expect).await;
    };
    rules(json!({ "class": "tracks", "level": "full" }), "").await;
    rules(json!({ "class": "tracks", "level": "reduced", "delay_s": 5 }), "").await;
    rules(json!({ "class": "tracks", "level": "full", "delay_s": 5 }), ".delay_s: is not known here").await;
    rules(json!({ "class": "tracks", "level": "coarse", "bin_s": 60 }), ".cell_deg: is missing").await;
    let cell = ": cell (1e-7 degrees) must be between 100000 and 100000000, got 10";
    rules(json!({ "class": "tracks", "level": "coarse", "cell_deg": 1e-6, "bin_s": 60 }), cell).await;
    let late = json!({ "class": "plans", "level": "reduced", "delay_s": 5, "identity": "keep" });
    rules(late, ": only tracks can be delayed; a late plan or site is a trap").await;
    let sites = json!({ "class": "sites", "level": "avoid-area", "cell_deg": 1, "bin_s": 60 });
    rules(sites, ": sites cannot be released as avoid-area").await;
    let area = json!({ "type": "box", "south": 5, "west": 0, "north": 4, "east": 1 });
    let north = ": north edge of the area (1e-7 degrees) must be between 50000000 and 900000000, got 40000000";
    rules(json!({ "class": "tracks", "level": "full", "area": area }), north).await;
    let name = "422 invalid | rules.South: is not a party's name";
    check("PUT", "/v1/release", json!({ "rules": { "South": [] } }), name).await;
    let stale = "409 changed-meanwhile | the rules in force are revision 3, not 2; read them again";
    check("PUT", "/v1/release", json!({ "revision": 2, "rules": {} }), stale).await;
}

#[tokio::test]
async fn queries_and_headers_that_are_none() {
    let get = async |path: &str, expect: &str| assert_eq!(operator().get(path).await.problem(), expect);
    get("/v1/tracks?limit=501", "400 bad-request | limit: must be a whole number from 1 to 500").await;
    let known = r#"400 bad-request | the query parameter "page" is not known here; known: limit, after"#;
    get("/v1/tracks?page=2", known).await;
    let cursor = "400 bad-request | after: is not a cursor of this list; use `next` of its answer";
    get("/v1/tracks?after=AAAA", cursor).await;
    get("/v1/release/preview", "400 bad-request | for: name the party, as in ?for=south").await;
    get("/v1/release/preview?for=west", "404 no-such | no such party: west").await;
    get("/v1/stream", "426 upgrade-required | Connection header did not include 'upgrade'").await;
    let client = operator().with("idempotency-key", &"x".repeat(81));
    let refused = client.post("/v1/alerts/11/acknowledge", json!({})).await.problem();
    assert_eq!(refused, "400 bad-request | Idempotency-Key: must be 1 to 80 printable characters");
}
