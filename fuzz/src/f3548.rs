//! Bodies of requests to the discovery and synchronization service, by the router they come in through, before a real one.
use std::cell::RefCell;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api_f3548::{Answered, Backend, Details, Options, Unavailable};
use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dss::{Dss, Found, Id, Outcome, Query, Refused};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use oauth::{KeySet, Settings, Verifier};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{Seeds, Target, Verdict, seed};

macro_rules! bodies {
    ($($name:literal, $operation:literal, [$($example:literal => $json:expr),+];)+) => {
        /// Names of the operations whose bodies have a target.
        pub const BODIES: &[&str] = &[$($operation),+];

        pub(crate) const TARGETS: &[Target] = &[
            $(Target {
                name: concat!("dss-", $name),
                about: concat!("the body of ", $operation),
                bytes_max: 4096,
                run: |bytes| run($operation, bytes),
                seeds: || {
                    let mut seeds = described($operation);
                    seeds.extend([$(seed($example, $json)),+]);
                    seeds
                },
            },)+
        ];
    };
}

bodies! {
    "intent", "createOperationalIntentReference", [
        "ok-pole" => volumes(r#"{"extents":[@],"state":"Accepted","uss_base_url":"https://a.example"}"#, POLE),
        "ok-key" => there(&example("createOperationalIntentReference").replace("\"key\":[]", &format!("\"key\":[\"{}\"]", WORLD.intent))),
        "no-key" => there(&example("createOperationalIntentReference")),
        "no-bow-tie" => volumes(r#"{"extents":[@],"state":"Accepted","uss_base_url":"https://a.example"}"#, BOW_TIE),
        "no-zone" => example("createOperationalIntentReference").replace("10:00:00Z", "10:00:00"),
        "no-empty-beside-new" => example("createOperationalIntentReference").replace("\"key\":[]", r#""subscription_id":"","new_subscription":{"uss_base_url":"https://a.example"}"#),
        "no-suffix-of-now" => example("createOperationalIntentReference").replace("\"key\":[]", r#""requested_ovn_suffix":"017F22E2-79B0-7CC3-98C4-DC0C0C07398F""#),
        "no-deep" => format!("{{\"extents\":{}", "[".repeat(300)),
        "no-infinity" => example("createOperationalIntentReference").replace("47.37", "1e999")];
    "intent-change", "updateOperationalIntentReference", [
        "ok-contingent" => example("updateOperationalIntentReference").replace("Activated", "Contingent"),
        "ok-resting-on-one" => there(&example("createOperationalIntentReference")).replace("\"key\":[]", &format!("\"subscription_id\":\"{}\"", id(3))),
        "no-subscription" => example("createOperationalIntentReference").replace("Accepted", "Activated"),
        "no-cover" => example("createOperationalIntentReference").replace("\"key\":[]", &format!("\"subscription_id\":\"{}\"", id(3)))];
    "intents", "queryOperationalIntentReferences", [
        "ok-open" => r#"{"area_of_interest":{"volume":{"outline_circle":{"center":{"lat":-90,"lng":180},"radius":{"value":1,"units":"M"}}}}}"#,
        "ok-there" => there(&example("queryOperationalIntentReferences")),
        "no-area" => "{}",
        "no-world" => r#"{"area_of_interest":{"volume":{"outline_circle":{"center":{"lat":0,"lng":0},"radius":{"value":1e308,"units":"M"}}}}}"#];
    "constraint", "createConstraintReference", [
        "ok-without-heights" => volumes(r#"{"extents":[@],"uss_base_url":"https://a.example/x"}"#, POLE),
        "ok-query-in-address" => volumes(r#"{"extents":[@],"uss_base_url":"https://a.example/?x"}"#, POLE),
        "no-port-of-address" => volumes(r#"{"extents":[@],"uss_base_url":"https://a.example:65536"}"#, POLE),
        "no-dots-in-address" => volumes(r#"{"extents":[@],"uss_base_url":"https://a.example/x/../y"}"#, POLE),
        "ok-address-of-numbers" => volumes(r#"{"extents":[@],"uss_base_url":"https://[2001:DB8::1]:8443/%C3%BC/"}"#, POLE),
        "no-fragment-in-address" => volumes(r#"{"extents":[@],"uss_base_url":"https://a.example/#x"}"#, POLE),
        "no-volumes" => r#"{"extents":[],"uss_base_url":"https://a.example"}"#];
    "constraint-change", "updateConstraintReference", [
        "ok-pole" => volumes(r#"{"extents":[@,@],"uss_base_url":"https://a.example"}"#, POLE),
        "no-array" => r#"[[],"https://a.example"]"#];
    "constraints", "queryConstraintReferences", [
        "ok-there" => there(&example("queryConstraintReferences")),
        "no-object" => r#"{"area_of_interest":[]}"#];
    "subscription", "createSubscription", [
        "ok-there" => there(&example("createSubscription")),
        "ok-open" => r#"{"extents":{"volume":{"outline_circle":{"center":{"lat":90,"lng":0},"radius":{"value":20000.5,"units":"M"}}},"time_start":null},"uss_base_url":"https://a.example","notify_for_constraints":true}"#,
        "no-kind" => example("createSubscription").replace("true", "false"),
        "no-day" => example("createSubscription").replace("T12:00", "T12:00:00-23:59").replace(":00:00-23:59:00Z", ":00:00-23:59")];
    "subscription-change", "updateSubscription", [
        "ok-there" => there(&example("updateSubscription")),
        "no-past" => example("updateSubscription").replace("2030", "0001")];
    "subscriptions", "querySubscriptions", [
        "ok-there" => there(&example("querySubscriptions")),
        "no-too-large" => example("querySubscriptions").replace("300", "30000")];
    "rid-area", "createIdentificationServiceArea", [
        "ok-there" => there(&example("createIdentificationServiceArea")),
        "ok-without-start" => volumes(r#"{"extents":@,"uss_base_url":"https://a.example/rid"}"#, POLE).replace("time_start", "x"),
        "no-end" => volumes(r#"{"extents":@,"uss_base_url":"https://a.example/rid"}"#, POLE).replace("time_end", "x"),
        "no-bow-tie" => volumes(r#"{"extents":@,"uss_base_url":"https://a.example/rid"}"#, BOW_TIE),
        "no-list-of-volumes" => volumes(r#"{"extents":[@],"uss_base_url":"https://a.example/rid"}"#, POLE)];
    "rid-area-change", "updateIdentificationServiceArea", [
        "ok-there" => there(&example("updateIdentificationServiceArea")),
        "ok-elsewhere" => volumes(r#"{"extents":@,"uss_base_url":"https://a.example/rid"}"#, POLE),
        "no-past" => example("updateIdentificationServiceArea").replace("2030", "0001")];
    "rid-subscription", "createRidSubscription", [
        "ok-there" => there(&example("createRidSubscription")),
        "ok-open" => r#"{"extents":{"volume":{"outline_circle":{"center":{"lat":90,"lng":0},"radius":{"value":20000.5,"units":"M"}}},"time_end":null},"uss_base_url":"https://a.example"}"#,
        "no-day" => volumes(r#"{"extents":@,"uss_base_url":"https://a.example"}"#, POLE).replace("T09:00:00Z", "T09:00:00-23:59")];
    "rid-subscription-change", "updateRidSubscription", [
        "ok-there" => there(&example("updateRidSubscription")),
        "no-address" => example("updateRidSubscription").replace("https:", "")];
    "availability", "setUssAvailability", [
        "ok-lower-case" => r#"{"availability":"normal"}"#,
        "no-version" => r#"{"availability":"Down","old_version":"x"}"#];
    "report", "makeDssReport", [
        "ok-deep" => r#"{"exchange":{"url":"x","method":"GET","recorder_role":"Server","request_time":{"value":"2030-01-01T00:00:00.000000001+00:00","format":"RFC3339"},"x":[[[[[]]]]]},"report_id":7}"#,
        "no-role" => r#"{"exchange":{"url":"x","method":"GET","recorder_role":"Both","request_time":{"value":"2030-01-01T00:00:00Z","format":"RFC3339"}}}"#];
}

/// 2030-06-01T08:00:00Z, before the times of the description's examples.
const NOW_S: i64 = 1_906_531_200;
/// Of a request that is refused because of a thousand others, all are told; of an example a few.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// A report is given back as it was written.
const ECHO_BYTES_MAX: usize = 4096 * 6;

const POLE: &str = r#"{"vertices":[{"lat":89.9,"lng":0},{"lat":89.9,"lng":120},{"lat":89.9,"lng":-120}]}"#;
const BOW_TIE: &str =
    r#"{"vertices":[{"lat":0,"lng":0},{"lat":0.1,"lng":0.1},{"lat":0,"lng":0.1},{"lat":0.1,"lng":0}]}"#;

fn must<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// A body with the volume of a polygon in the place of each `@`.
fn volumes(body: &str, polygon: &str) -> String {
    let height = |value: i64| json!({ "value": value, "reference": "W84", "units": "M" });
    let time = |hour: u8| json!({ "value": format!("2030-06-01T{hour:02}:00:00Z"), "format": "RFC3339" });
    let polygon: Value = must(serde_json::from_str(polygon));
    let volume =
        json!({ "outline_polygon": polygon, "altitude_lower": height(-8_000), "altitude_upper": height(100_000) });
    body.replace('@', &json!({ "volume": volume, "time_start": time(8), "time_end": time(9) }).to_string())
}

/// A body that is about where the world's entities are.
fn there(body: &str) -> String {
    body.replace("47.", "-33.")
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| must(serde_json::from_str(api_f3548::OPENAPI)));

/// Method, path and description of an operation.
fn operation(name: &str) -> (&'static str, &'static str, &'static Value) {
    let paths = DOCUMENT["paths"].as_object().into_iter().flatten();
    let all =
        paths.flat_map(|(path, methods)| methods.as_object().into_iter().flatten().map(move |(m, o)| (m, path, o)));
    let found = all.into_iter().find(|(.., operation)| operation["operationId"] == name);
    let (method, path, operation) = must(found.ok_or(format!("no operation {name}")));
    (method, path, operation)
}

/// The description's examples of a body.
fn described(name: &str) -> Seeds {
    let content = &operation(name).2["requestBody"]["content"]["application/json"];
    let examples = content["examples"].as_object().into_iter().flatten();
    examples.map(|(name, example)| seed(&format!("ok-described-{name}"), example["value"].to_string())).collect()
}

/// The first of them.
fn example(name: &str) -> String {
    must(described(name).into_iter().next().map(|(_, body)| must(String::from_utf8(body))).ok_or("no example"))
}

fn id(n: u8) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

/// A real path for a described one.
fn address(path: &str, n: u8, version: &str) -> String {
    let names = ["{entityid}", "{subscriptionid}", "{id}", "{uss_id}"];
    let path = names.iter().fold(path.to_owned(), |p, part| p.replace(part, &id(n)));
    path.replace("{ovn}", version).replace("{version}", version)
}

/// A service in memory, whose clock stands, and what its versions are made of.
struct Held(Mutex<Dss>, [u8; 32]);

impl Held {
    fn dss(&self) -> MutexGuard<'_, Dss> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Held {
    fn ask(&self, request: dss::Request) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        // As a journal would give it back.
        let bytes = must(minicbor::to_vec(&request));
        let request: dss::Request = must(minicbor::decode(&bytes));
        let outcome = self.dss().handle(&request, NOW_S * 1_000_000);
        Box::pin(async { Ok(Answered { answer: outcome, took: Duration::ZERO }) })
    }

    fn query(
        &self,
        query: Query,
        client: String,
    ) -> BoxFuture<'_, Result<Answered<Result<Found, Refused>>, Unavailable>> {
        let found = self.dss().query(&query, &client);
        Box::pin(async { Ok(Answered { answer: found, took: Duration::ZERO }) })
    }

    fn details(&self, _: Id) -> BoxFuture<'_, Result<Answered<Option<Details>>, Unavailable>> {
        Box::pin(async { Ok(Answered { answer: None, took: Duration::ZERO }) })
    }

    fn utc_s(&self) -> i64 {
        NOW_S
    }

    fn token_utc_s(&self) -> i64 {
        NOW_S
    }

    fn is_party(&self, _: &str) -> bool {
        false
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn entropy(&self) -> [u8; 32] {
        self.1
    }
}

/// A token with all scopes, and what verifies it.
static TOKEN: LazyLock<(String, Arc<Verifier>)> = LazyLock::new(|| {
    let (of, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let secret = must(EcdsaKeyPair::generate_pkcs8(of, &random));
    let pair = must(EcdsaKeyPair::from_pkcs8(of, secret.as_ref(), &random));
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let point = pair.public_key().as_ref();
    let key = json!({ "kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..65]) });
    let (keys, _) = must(KeySet::from_jwks(json!({ "keys": [key] }).to_string().as_bytes()));
    let scope =
        DOCUMENT["components"]["securitySchemes"]["Authority"]["flows"]["clientCredentials"]["scopes"].as_object();
    let scope: Vec<&str> = scope.into_iter().flatten().map(|(scope, _)| scope.as_str()).collect();
    let claims =
        json!({ "iss": "a", "aud": "dss.example", "sub": "uss1", "scope": scope.join(" "), "exp": NOW_S + 60 });
    let message = format!("{}.{}", part(br#"{"alg":"ES256","typ":"JWT"}"#), part(claims.to_string().as_bytes()));
    let signature = must(pair.sign(&random, message.as_bytes()));
    let settings =
        Settings { issuers: Vec::new(), audiences: vec!["dss.example".into()], leeway_s: 0, max_lifetime_s: None };
    (format!("{message}.{}", part(signature.as_ref())), Arc::new(Verifier::new(settings, keys)))
});

/// What is held before a body comes: one of each kind, of the same client, with their versions.
struct World {
    dss: Dss,
    intent: String,
    constraint: String,
    subscription: String,
    isa: String,
    rid_subscription: String,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let held = Arc::new(Held(Mutex::default(), [7; 32]));
    let make = |name: &str, n: u8, version: &str| {
        let (status, answer) = send(&held, "put", &address(operation(name).1, n, ""), there(&example(name)).as_bytes());
        let answer: Value = must(serde_json::from_slice(&answer));
        let version = answer.pointer(version).and_then(Value::as_str).map(str::to_owned);
        must(version.ok_or(format!("{name}: {status} {answer}")))
    };
    let intent = make("createOperationalIntentReference", 1, "/operational_intent_reference/ovn");
    let constraint = make("createConstraintReference", 2, "/constraint_reference/ovn");
    let subscription = make("createSubscription", 3, "/subscription/version");
    let isa = make("createIdentificationServiceArea", 4, "/service_area/version");
    let rid_subscription = make("createRidSubscription", 5, "/subscription/version");
    let dss = held.dss().clone();
    World { dss, intent, constraint, subscription, isa, rid_subscription }
});

thread_local! {
    static RUNTIME: RefCell<tokio::runtime::Runtime> =
        RefCell::new(must(tokio::runtime::Builder::new_current_thread().enable_time().build()));
}

fn send(held: &Arc<Held>, method: &str, path: &str, bytes: &[u8]) -> (u16, Vec<u8>) {
    let (token, verifier) = &*TOKEN;
    let router = api_f3548::router(held.clone(), Options::new(verifier.clone(), "fuzz".into()));
    let request = Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(bytes.to_vec()));
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            let response = must(router.oneshot(must(request)).await);
            let status = response.status().as_u16();
            (status, must(response.into_body().collect().await).to_bytes().to_vec())
        })
    })
}

fn run(name: &str, bytes: &[u8]) -> Verdict {
    let (method, path, described) = operation(name);
    let world = &*WORLD;
    let (n, version) = match name {
        "updateOperationalIntentReference" => (1, &world.intent),
        "updateConstraintReference" => (2, &world.constraint),
        "updateSubscription" => (3, &world.subscription),
        "updateIdentificationServiceArea" => (4, &world.isa),
        "updateRidSubscription" => (5, &world.rid_subscription),
        _ => (9, &world.intent),
    };
    let path = address(path, n, version);
    let held = Arc::new(Held(Mutex::new(world.dss.clone()), [8; 32]));
    let (status, answer) = send(&held, method, &path, bytes);
    let told = String::from_utf8_lossy(&answer).into_owned();
    assert!(status < 500, "{name}: {status} {told}");
    assert!(described["responses"].get(status.to_string()).is_some(), "{name}: {status} is not described: {told}");
    assert!(
        answer.len() <= ANSWER_BYTES_MAX + ECHO_BYTES_MAX,
        "{} bytes of answer to {} bytes",
        answer.len(),
        bytes.len()
    );
    let after = held.dss().clone();
    let writes = status < 300 && method == "put" || name == "makeDssReport" && status == 201;
    assert_eq!(
        after != world.dss,
        writes,
        "{name}: {status}: what is refused or asked changes nothing, what is done does"
    );
    let mut again: Dss = must(minicbor::decode(&must(minicbor::to_vec(&after))));
    again.rebuild();
    assert!(again == after, "a snapshot holds all of it");
    if status >= 300 {
        let problem: Value = must(serde_json::from_slice(&answer));
        let message = problem["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "a refusal gives its reason: {told}");
        assert!(status != 400 || message.contains(": "), "{name}: no field in {message}");
        return Err(told);
    }
    Ok(())
}
