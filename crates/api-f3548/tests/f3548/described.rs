//! The description against the interface: it names every route and nothing else, its examples are accepted, and each
//! operation gives the statuses that are described, all of them and no other, in the shape that is described.
use crate::access::SCOPES;
use crate::harness::*;
use crate::schema::{check, resolve};
use api_f3548::{Answered, Backend, Details, OPENAPI, Options, ROUTES, Unavailable};
use axum::body::{Body, Bytes};
use axum::http::header;
use dss::{Found, Id, Outcome, Query, Refused};
use futures_util::future::{BoxFuture, pending};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// 2030-06-01T08:00:00Z, before everything in the examples.
const EXAMPLES_S: i64 = 1_906_531_200;

pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(OPENAPI).unwrap());

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// What is served where a version is to be and is not, is no operation.
fn routes() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().copied().filter(|(_, path)| !path.ends_with('/'))
}

/// A response, whether it stands in its place or is referred to.
fn response(operation: &'static Value, status: u16) -> Option<&'static Value> {
    let response = operation["responses"].get(status.to_string())?;
    Some(response["$ref"].as_str().map_or(response, |to| resolve(&DOCUMENT, to)))
}

/// Every answer of every test comes by here: its status is described, and its body is what is described.
pub fn holds(method: &str, path: &str, got: &Got) {
    // Where a version is to be and is not, there is no operation.
    if path.ends_with('/') {
        return;
    }
    let fits = |described: &str| {
        let (path, described) = (path.split('?').next().unwrap().split('/'), described.split('/'));
        path.clone().count() == described.clone().count()
            && path.zip(described).all(|(p, d)| p == d || d.starts_with('{'))
    };
    let exact = |(m, p, _): &(&str, &str, &Value)| m.eq_ignore_ascii_case(method) && fits(p);
    // Of two that fit, the one with fewer parameters: `query` is no identifier.
    let operation = operations().filter(exact).min_by_key(|(_, p, _)| p.matches('{').count());
    let name = format!("{method} {path}: {}", got.status);
    let Some((.., operation)) = operation else {
        assert!(matches!(got.status.as_u16(), 404 | 405), "{name} of no operation");
        assert_eq!(check(&DOCUMENT, &json!({ "$ref": "#/components/schemas/ErrorResponse" }), &got.body), [""; 0]);
        return;
    };
    let response = response(operation, got.status.as_u16()).unwrap_or_else(|| panic!("{name} is not described"));
    let (media, content) = response["content"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(got.media, *media, "{name}");
    assert_eq!(check(&DOCUMENT, &content["schema"], &got.body), Vec::<String>::new(), "{name}");
}

#[test]
fn the_routes_and_the_description_name_the_same_addresses() {
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
    let described: BTreeSet<_> = operations().map(|(method, path, _)| (method, path)).collect();
    assert_eq!(described, routes().collect());
}

#[test]
fn scopes_are_those_of_the_standard() {
    for (method, path, operation) in operations() {
        let security = operation["security"].as_array().unwrap();
        let scopes: BTreeSet<&str> = security.iter().map(|of| of["Authority"][0].as_str().unwrap_or("")).collect();
        let row = SCOPES.iter().find(|(m, p, _)| *m == method && *p == path);
        let wanted = match row {
            Some((.., scopes)) => scopes.iter().copied().collect(),
            None if path == "/uss/v1/operational_intents/{entityid}" => BTreeSet::from([SC]),
            None if path == "/uss/v1/constraints/{entityid}" => BTreeSet::from([CP, CM]),
            None if path == "/aux/v1/validate_oauth" => BTreeSet::from([""]),
            None => BTreeSet::new(),
        };
        assert_eq!(scopes, wanted, "{method} {path}");
    }
    let flow = &DOCUMENT["components"]["securitySchemes"]["Authority"]["flows"]["clientCredentials"];
    let named: BTreeSet<&str> = flow["scopes"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(named, SCOPES.iter().flat_map(|(.., scopes)| scopes.iter().copied()).collect());
}

#[test]
fn every_operation_is_whole_and_whatever_is_referred_to_is_there_and_used() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: operationId twice");
        assert!(operation["summary"].as_str().is_some_and(|s| s.ends_with('.')), "{name}: no summary");
        let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
        let wanted: BTreeSet<&str> = path.split('{').skip(1).map(|p| p.split('}').next().unwrap()).collect();
        let given = parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap());
        assert_eq!(wanted, given.collect(), "{name}: parameters of the path");
        let keyed = parameters.iter().any(|p| p["$ref"] == "#/components/parameters/IdempotencyKey");
        let writes = operation["responses"].get("409").is_some() || path == "/dss/v1/reports";
        assert_eq!(keyed, writes, "{name}: Idempotency-Key");
        for link in operation["responses"].as_object().unwrap().values().filter_map(|r| r["links"].as_object()) {
            for to in link.values() {
                assert!(operations().any(|(.., o)| o["operationId"] == to["operationId"]), "{name}: {to}");
            }
        }
    }
    references(&DOCUMENT);
    for (method, path, operation) in operations() {
        let statuses = operation["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap());
        for content in statuses.map(|status| &response(operation, status).unwrap()["content"]["application/json"]) {
            if let Some(example) = content.get("example") {
                let complaints = check(&DOCUMENT, &content["schema"], example);
                assert_eq!(complaints, Vec::<String>::new(), "{method} {path}: the example of its answer");
            }
        }
    }
    for (kind, parts) in
        DOCUMENT["components"].as_object().unwrap().iter().filter(|(kind, _)| *kind != "securitySchemes")
    {
        for name in parts.as_object().unwrap().keys() {
            assert!(OPENAPI.contains(&format!("\"#/components/{kind}/{name}\"")), "{name} is used nowhere");
        }
    }
}

#[test]
fn bounds_are_those_of_the_code() {
    let schema =
        |path: &str| DOCUMENT.pointer(&format!("/components/schemas/{path}")).unwrap_or_else(|| panic!("{path}"));
    for (path, bound) in [
        ("PutOperationalIntentReferenceParameters/properties/extents/maxItems", dss::EXTENTS_MAX),
        ("PutConstraintReferenceParameters/properties/extents/maxItems", dss::EXTENTS_MAX),
        ("Polygon/properties/vertices/maxItems", cells::VERTICES_MAX),
        ("QueryOperationalIntentReferenceResponse/properties/operational_intent_references/maxItems", dss::FOUND_MAX),
        ("QueryConstraintReferencesResponse/properties/constraint_references/maxItems", dss::FOUND_MAX),
        ("QuerySubscriptionsResponse/properties/subscriptions/maxItems", dss::FOUND_MAX),
        ("AirspaceConflictResponse/properties/missing_operational_intents/maxItems", dss::FOUND_MAX),
        ("SearchIdentificationServiceAreasResponse/properties/service_areas/maxItems", dss::FOUND_MAX),
        ("SearchRidSubscriptionsResponse/properties/subscriptions/maxItems", dss::FOUND_MAX),
        ("PutRidSubscriptionResponse/properties/service_areas/maxItems", dss::FOUND_MAX),
        ("RidSubscriptionConflictResponse/properties/service_areas/maxItems", dss::FOUND_MAX),
    ] {
        assert_eq!(*schema(path), bound, "{path}");
    }
    let there = DOCUMENT["components"]["responses"]["FullThere"]["description"].as_str().unwrap();
    assert!(there.contains(&format!(" {} others ", dss::RID_SUBSCRIPTIONS_MAX)), "{there}");
}

#[tokio::test]
async fn what_is_just_within_a_bound_is_taken_and_what_is_beyond_is_not() {
    let dss = Interface::new();
    let parameters = &DOCUMENT["components"]["schemas"]["PutOperationalIntentReferenceParameters"];
    let volume = "/extents/0/volume";
    let key = |length: usize| json!(["x".repeat(length)]);
    let url = |length: usize| format!("https://b.example/{}", "x".repeat(length - 18));
    for (n, (place, within, beyond)) in [
        (format!("{volume}/altitude_lower/value"), json!(-8_000), json!(-8_000.1)),
        (format!("{volume}/altitude_upper/value"), json!(100_000), json!(100_000.1)),
        (format!("{volume}/outline_circle/radius/value"), json!(0.001), json!(0)),
        (format!("{volume}/outline_circle/center/lat"), json!(-90), json!(-90.1)),
        (format!("{volume}/outline_circle/center/lng"), json!(180), json!(180.1)),
        ("/key".into(), key(128), key(129)),
        ("/uss_base_url".into(), json!(url(2_048)), json!(url(2_049))),
        ("/extents/0/time_end/value".into(), json!("9998-12-31T23:59:59.999999999Z"), json!("2026-01-01T00:00:00")),
        ("/state".into(), json!("Accepted"), json!("Ended")),
        ("/subscription_id".into(), json!(""), json!("x")),
    ]
    .into_iter()
    .enumerate()
    {
        // Alone in its airspace.
        let place_of = with(intent(), &format!("{volume}/outline_circle/center/lat"), json!(n * 5));
        for (value, status) in [(within, 201), (beyond, 400)] {
            let body = with(place_of.clone(), &place, value);
            let complaints = check(&DOCUMENT, parameters, &body);
            assert_eq!(complaints.is_empty(), status == 201, "{place}: {complaints:?}");
            let path = format!("/dss/v1/operational_intent_references/{}", id(n as u8 + 1));
            let got = dss.put("uss1", SC, &path, &body).await;
            assert_eq!(got.status, status, "{place}: {}", got.body);
        }
    }
}

#[tokio::test]
async fn what_remote_id_takes_and_refuses_is_so_described() {
    let url = |length: usize| json!(format!("https://b.example/{}", "x".repeat(length - 18)));
    for (create, update, only) in [
        ("createIdentificationServiceArea", "updateIdentificationServiceArea", 400),
        ("createRidSubscription", "updateRidSubscription", 200),
    ] {
        for (place, value, status) in [
            ("/extents/time_start", Value::Null, 200),
            // An area has no end of its own; a subscription has.
            ("/extents/time_end", Value::Null, only),
            ("/extents/volume/altitude_upper", Value::Null, 200),
            ("/extents/volume/altitude_upper/value", json!(100_000.1), 400),
            ("/extents/volume/outline_circle", Value::Null, 400),
            ("/extents", json!([volume()]), 400),
            ("/extents", Value::Null, 400),
            ("/uss_base_url", Value::Null, 400),
            ("/uss_base_url", url(2_048), 200),
            ("/uss_base_url", url(2_049), 400),
        ] {
            let body = with(json!({ "extents": volume(), "uss_base_url": "https://b.example" }), place, value);
            let (path, operation) = operation(create);
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let complaints = check(&DOCUMENT, schema, &body);
            assert_eq!(complaints.is_empty(), status == 200, "{create} {place}: {complaints:?}");
            let got = Interface::new().put("uss1", scope_of(operation), &address(path, ""), &body).await;
            assert_eq!(got.status, status, "{create} {place}: {}", got.body);
        }
        let (path, operation) = operation(update);
        let version = parameters(operation).find(|p| p["name"] == "version").unwrap();
        let body = json!({ "extents": volume(), "uss_base_url": "https://b.example" });
        let dss = Interface::new();
        dss.put("uss1", scope_of(operation), &address(path.trim_end_matches("/{version}"), ""), &body).await.is(200);
        for (text, status) in
            [("0", 409), (&*"f".repeat(32), 409), (&*"0".repeat(33), 400), ("F", 400), ("g", 400), ("0-1", 400)]
        {
            let complaints = check(&DOCUMENT, &version["schema"], &json!(text));
            assert_eq!(complaints.is_empty(), status == 409, "{update} {text}: {complaints:?}");
            let got = dss.put("uss1", scope_of(operation), &address(path, text), &body).await;
            assert_eq!(got.status, status, "{update} {text}: {}", got.body);
        }
    }
}

fn references(within: &Value) {
    match within {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                resolve(&DOCUMENT, reference);
            }
            object.values().for_each(references);
        }
        Value::Array(list) => list.iter().for_each(references),
        _ => {}
    }
}

/// A real address for a described one.
pub fn address(path: &str, version: &str) -> String {
    let path =
        ["{entityid}", "{subscriptionid}", "{id}"].iter().fold(path.to_owned(), |p, name| p.replace(name, &id(1)));
    path.replace("{uss_id}", "uss1")
        .replace("{system_identity}", "dss")
        .replace("{ovn}", version)
        .replace("{version}", version)
}

/// Parameters of an operation, whether they stand in their place or are referred to.
fn parameters(operation: &'static Value) -> impl Iterator<Item = &'static Value> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.map(|p| p["$ref"].as_str().map_or(p, |to| resolve(&DOCUMENT, to)))
}

/// What follows the path: the parameters that have an example, with it.
fn query(operation: &'static Value) -> String {
    let shown = parameters(operation).filter(|p| p["in"] == "query" && p.get("example").is_some());
    let shown = shown.map(|p| format!("{}={}", p["name"].as_str().unwrap(), p["example"].as_str().unwrap()));
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { String::new() } else { format!("?{}", shown.join("&")) }
}

/// Names of fields at every place of a document.
fn fields(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, inner)| {
            let at = format!("{at}.{name}");
            fields(inner, &at, found);
            found.insert(at);
        }),
        Value::Array(list) => list.iter().for_each(|inner| fields(inner, &format!("{at}[]"), found)),
        _ => {}
    }
}

/// An example of an answer has exactly the fields of the real one.
fn as_in_the_example(operation: &'static Value, got: &Got, name: &str) {
    let content = &response(operation, got.status.as_u16()).unwrap()["content"]["application/json"];
    let example = &content["example"];
    assert!(!example.is_null(), "{name} has no example of its answer");
    assert_eq!(
        check(&DOCUMENT, &content["schema"], example),
        Vec::<String>::new(),
        "{name}: the example of its answer"
    );
    let (mut real, mut shown) = (BTreeSet::new(), BTreeSet::new());
    fields(&got.body, "", &mut real);
    fields(example, "", &mut shown);
    assert_eq!(real, shown, "{name}");
}

/// The first of the scopes that will do.
fn scope_of(operation: &Value) -> &str {
    operation["security"][0]["Authority"][0].as_str().unwrap_or("")
}

#[tokio::test]
async fn described_examples_are_accepted_and_answered_with_the_fields_of_the_described_answers() {
    let mut bodies = 0;
    let of_standards = |path: &str| path.starts_with("/dss/v1/") || path.starts_with("/rid/v2/dss/");
    for (method, path, operation) in operations().filter(|(_, path, _)| of_standards(path) && !path.ends_with(".json"))
    {
        for parameter in parameters(operation).filter(|p| p["in"] == "query") {
            let complaints = check(&DOCUMENT, &parameter["schema"], &parameter["example"]);
            assert_eq!(complaints, Vec::<String>::new(), "{method} {path}: the example of {}", parameter["name"]);
        }
        let scope = scope_of(operation);
        let method = method.to_uppercase();
        let content = &operation["requestBody"]["content"]["application/json"];
        let examples: Vec<Option<&Value>> = match content["examples"].as_object() {
            Some(examples) => examples.values().map(|example| Some(&example["value"])).collect(),
            None => vec![None],
        };
        for (at, example) in examples.iter().enumerate() {
            let name = format!("{method} {path} {at}");
            let dss = Interface::new();
            dss.fake.now_s.store(EXAMPLES_S, Ordering::Relaxed);
            let version = prepare(&dss, &method, path).await;
            let real = address(path, &version) + &query(operation);
            let got = dss.ask("uss1", scope, &method, &real, *example).await;
            assert!(got.status.is_success(), "{name}: {}", got.body);
            if let Some(example) = example {
                assert_eq!(check(&DOCUMENT, &content["schema"], example), Vec::<String>::new(), "{name}: its example");
                bodies += 1;
            }
            if at + 1 == examples.len() {
                as_in_the_example(operation, &got, &name);
            }
        }
    }
    assert!(bodies >= 17, "{bodies}");
}

fn operation(operation_id: &str) -> (&'static str, &'static Value) {
    operations().find(|(.., o)| o["operationId"] == operation_id).map(|(_, path, operation)| (path, operation)).unwrap()
}

/// Makes what is there before an example is tried: the entity that it is about, whose version it returns, and what its answer
/// shows beside it.
async fn prepare(dss: &Interface, method: &str, path: &str) -> String {
    let make = async |n: u8, operation_id: &str, example: &str| {
        let (path, operation) = operation(operation_id);
        let body = &operation["requestBody"]["content"]["application/json"]["examples"][example]["value"];
        let got = dss.put("uss1", scope_of(operation), &address(path, "").replace(&id(1), &id(n)), body).await;
        assert!(got.status.is_success(), "{operation_id}: {}", got.body);
        got.body
    };
    let intent = async |n| make(n, "createOperationalIntentReference", "alone").await;
    let subscription = async |n| make(n, "createSubscription", "intents").await;
    let isa = async |n| make(n, "createIdentificationServiceArea", "polygon").await;
    let rid_subscription = async |n| make(n, "createRidSubscription", "polygon").await;
    let of = path.split("/{").next().unwrap().trim_end_matches("/query");
    let there = method != "PUT" || path.contains("{ovn}") || path.contains("{version}");
    // What the answer shows beside the entity.
    match (of, method) {
        ("/dss/v1/operational_intent_references", "DELETE") => drop(subscription(2).await),
        ("/dss/v1/subscriptions", "PUT") => drop(intent(2).await),
        ("/rid/v2/dss/identification_service_areas", "PUT" | "DELETE") => drop(rid_subscription(2).await),
        ("/rid/v2/dss/subscriptions", "PUT") => drop(isa(2).await),
        _ => {}
    }
    let version = match of {
        _ if !there => Value::Null,
        "/dss/v1/operational_intent_references" => intent(1).await["operational_intent_reference"]["ovn"].clone(),
        "/dss/v1/constraint_references" => {
            make(1, "createConstraintReference", "polygon").await["constraint_reference"]["ovn"].clone()
        }
        "/dss/v1/subscriptions" => subscription(1).await["subscription"]["version"].clone(),
        "/rid/v2/dss/identification_service_areas" => isa(1).await["service_area"]["version"].clone(),
        "/rid/v2/dss/subscriptions" => rid_subscription(1).await["subscription"]["version"].clone(),
        _ => Value::Null,
    };
    version.as_str().unwrap_or("").to_owned()
}

/// A node that does not answer as it should.
enum Broken {
    Refuses(Refused),
    Full,
    Silent,
    Astray,
}

fn at_once<T>(answer: T) -> Answered<T> {
    Answered { answer, took: Duration::ZERO }
}

impl Backend for Broken {
    fn ask(&self, _: dss::Request) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        match self {
            Self::Refuses(why) => Box::pin(async { Ok(at_once(Err(why.clone()))) }),
            Self::Full => Box::pin(async { Err(Unavailable("the journal is full".into())) }),
            Self::Silent => Box::pin(pending()),
            Self::Astray => Box::pin(async { Ok(at_once(Ok(dss::Dss::default().availability("x")))) }),
        }
    }

    fn query(&self, query: Query, _: String) -> BoxFuture<'_, Result<Answered<Result<Found, Refused>>, Unavailable>> {
        match self {
            Self::Refuses(why) => Box::pin(async { Ok(at_once(Err(why.clone()))) }),
            Self::Full => Box::pin(async { Err(Unavailable("the node stops".into())) }),
            Self::Silent => Box::pin(pending()),
            Self::Astray if matches!(query, Query::Intents(_)) => {
                Box::pin(async { Ok(at_once(Ok(Found::Constraints(vec![])))) })
            }
            Self::Astray => Box::pin(async { Ok(at_once(Ok(Found::Intents(vec![])))) }),
        }
    }

    fn details(&self, _: Id) -> BoxFuture<'_, Result<Answered<Option<Details>>, Unavailable>> {
        match self {
            Self::Refuses(_) | Self::Astray => Box::pin(async { Ok(at_once(None)) }),
            Self::Full => Box::pin(async { Err(Unavailable("the node stops".into())) }),
            Self::Silent => Box::pin(pending()),
        }
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
        matches!(self, Self::Full).then(|| "the journal is full".into())
    }

    fn entropy(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// What refusals of the service an operation can meet, by its status.
fn refusals(operation: &Value) -> BTreeMap<u16, Refused> {
    let all = [
        (404, Refused::NotFound { what: "thing", id: Id::MIN }),
        (409, Refused::Conflict { reason: "another version".into(), again: None }),
        (413, Refused::TooMuch { what: "things", max: 1 }),
    ];
    all.into_iter().filter(|(status, _)| operation["responses"].get(status.to_string()).is_some()).collect()
}

#[tokio::test]
async fn each_described_status_is_one_that_is_given() {
    for (method, path, operation) in operations() {
        let (name, scope, method) = (format!("{method} {path}"), scope_of(operation), method.to_uppercase());
        let body = operation["requestBody"]["content"]["application/json"]["examples"].as_object();
        let body = body.and_then(|examples| examples.values().next()).map(|example| &example["value"]);
        let mut given = BTreeSet::new();
        let real = address(path, "0123456789abcdef") + &query(operation);
        let quick = |options: &mut Options| options.request_timeout = Duration::from_millis(50);
        let dss = Interface::new();
        given.insert(dss.send(dss.request(None, &method, &real).body(Body::empty()).unwrap()).await.status.as_u16());
        given.insert(dss.ask("uss1", "x", &method, &real, body).await.status.as_u16());
        if scope.is_empty() {
            given.insert(dss.ask("uss1", "x", &method, &format!("{real}?owner=a&owner=b"), body).await.status.as_u16());
            given.insert(dss.ask("uss1", "x", &method, &format!("{real}?owner=b"), body).await.status.as_u16());
            let dss = Interface::over(Arc::new(Broken::Full), quick);
            given.insert(dss.ask("uss1", "x", &method, &real, body).await.status.as_u16());
        } else {
            let bad = address(&path.replace('}', "}%FF"), "x");
            given.insert(dss.ask("uss1", scope, &method, &bad, Some(&json!([]))).await.status.as_u16());
            let broken = [Broken::Full, Broken::Silent, Broken::Astray];
            for broken in broken.into_iter().chain(refusals(operation).into_values().map(Broken::Refuses)) {
                // Answers to writes are told by what they are; a report's alone is looked at.
                if matches!(broken, Broken::Astray)
                    && method != "GET"
                    && !path.ends_with("query")
                    && !path.ends_with("reports")
                {
                    continue;
                }
                let dss = Interface::over(Arc::new(broken), quick);
                given.insert(dss.ask("uss1", scope, &method, &real, body).await.status.as_u16());
            }
            // Who has taken its share of the node's time may neither write nor ask.
            let busy = Interface::new();
            busy.fake.took_ms.store(100_000, Ordering::Relaxed);
            busy.get("uss1", DP, &format!("/rid/v2/dss/subscriptions/{}", Id::MIN)).await.refused(404);
            given.insert(busy.ask("uss1", scope, &method, &real, body).await.status.as_u16());
            // What an operation reads no body for, no body can spoil.
            if body.is_some() {
                let dss = Interface::with(|options| {
                    (options.body_bytes_max, options.request_timeout) = (9, Duration::from_millis(50))
                });
                given.insert(dss.ask("uss1", scope, &method, &real, body).await.status.as_u16());
                let request = |coding| {
                    dss.request(Some(&dss.token("uss1", scope)), &method, &real)
                        .header(header::CONTENT_ENCODING, coding)
                };
                given.insert(dss.send(request("gzip").body(Body::from("{}")).unwrap()).await.status.as_u16());
                let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
                given.insert(dss.send(request("identity").body(never).unwrap()).await.status.as_u16());
            }
        }
        let described = operation["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap());
        let errors = |statuses: BTreeSet<u16>| statuses.into_iter().filter(|s| *s >= 400).collect::<BTreeSet<u16>>();
        assert_eq!(errors(given), errors(described.collect()), "{name}");
    }
}
