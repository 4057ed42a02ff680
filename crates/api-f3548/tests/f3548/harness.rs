//! The interface over a service in memory, and clients with tokens that are signed here.
use api_f3548::{Answered, Backend, Details, Options, Unavailable, Volume};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dss::{Dss, Found, Outcome, Query, Refused};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use oauth::{KeySet, Settings, Verifier};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

pub const SC: &str = "utm.strategic_coordination";
pub const CMSA: &str = "utm.conformance_monitoring_sa";
pub const CM: &str = "utm.constraint_management";
pub const CP: &str = "utm.constraint_processing";
pub const AA: &str = "utm.availability_arbitration";
pub const READ_VERSIONS: &str = "interuss.versioning.read_system_versions";
pub const READ_POOL: &str = "interuss.pool_status.read";
pub const DP: &str = "rid.display_provider";
pub const SP: &str = "rid.service_provider";

/// 2026-01-01T00:00:00Z.
pub const T0_S: i64 = 1_767_225_600;

/// A service in memory with a clock of its own.
#[derive(Default)]
pub struct Fake {
    pub dss: Mutex<Dss>,
    pub now_s: AtomicI64,
    /// The machine's clock.
    pub token_s: AtomicI64,
    pub parties: Mutex<Vec<String>>,
    entropy: AtomicU64,
    pub details: Mutex<BTreeMap<dss::Id, Details>>,
    pub full: Mutex<Option<Unavailable>>,
    /// Volumes of the last intent that came with them.
    pub volumes: Mutex<Option<Vec<Volume>>>,
    /// How long the node says that each answer took, milliseconds.
    pub took_ms: AtomicU64,
}

impl Fake {
    fn took<T>(&self, answer: T) -> Answered<T> {
        Answered { answer, took: Duration::from_millis(self.took_ms.load(Ordering::Relaxed)) }
    }
}

impl Backend for Fake {
    fn ask(&self, request: dss::Request) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        Box::pin(async move {
            match self.full.lock().unwrap().clone() {
                Some(why) => Err(why),
                None => Ok(self
                    .took(self.dss.lock().unwrap().handle(&request, self.now_s.load(Ordering::Relaxed) * 1_000_000))),
            }
        })
    }

    fn intend(
        &self,
        request: dss::Request,
        volumes: Vec<Volume>,
    ) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        *self.volumes.lock().unwrap() = Some(volumes);
        self.ask(request)
    }

    fn query(
        &self,
        query: Query,
        client: String,
    ) -> BoxFuture<'_, Result<Answered<Result<Found, Refused>>, Unavailable>> {
        Box::pin(async move { Ok(self.took(self.dss.lock().unwrap().query(&query, &client))) })
    }

    fn details(&self, id: dss::Id) -> BoxFuture<'_, Result<Answered<Option<Details>>, Unavailable>> {
        Box::pin(async move { Ok(self.took(self.details.lock().unwrap().get(&id).cloned())) })
    }

    fn utc_s(&self) -> i64 {
        self.now_s.load(Ordering::Relaxed)
    }

    fn token_utc_s(&self) -> i64 {
        self.token_s.load(Ordering::Relaxed)
    }

    fn is_party(&self, name: &str) -> bool {
        self.parties.lock().unwrap().iter().any(|party| party == name)
    }

    fn trouble(&self) -> Option<String> {
        self.full.lock().unwrap().as_ref().map(ToString::to_string)
    }

    fn entropy(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.entropy.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        bytes
    }
}

/// The interface, and the key of the issuer that it believes.
pub struct Interface {
    pub fake: Arc<Fake>,
    pub router: Router,
    pair: EcdsaKeyPair,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Got {
    pub status: StatusCode,
    /// Media type.
    pub media: String,
    pub body: Value,
}

impl Got {
    /// The body of an answer with this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The message of a refusal with this status.
    #[track_caller]
    pub fn refused(self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body["message"].as_str().unwrap_or_else(|| panic!("no message: {}", self.body)).to_owned()
    }
}

impl Interface {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let fake = Arc::new(Fake {
            dss: Mutex::default(),
            now_s: AtomicI64::new(T0_S),
            token_s: AtomicI64::new(T0_S),
            parties: Mutex::default(),
            entropy: AtomicU64::new(1),
            details: Mutex::default(),
            full: Mutex::new(None),
            volumes: Mutex::default(),
            took_ms: AtomicU64::new(0),
        });
        Self { fake: fake.clone(), ..Self::over(fake, change) }
    }

    /// The interface over another backend than the fake.
    pub fn over(backend: Arc<dyn Backend>, change: impl FnOnce(&mut Options)) -> Self {
        let (of, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let secret = EcdsaKeyPair::generate_pkcs8(of, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(of, secret.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let key =
            json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": part(&point[1..33]), "y": part(&point[33..65]) });
        let (keys, _) = KeySet::from_jwks(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
        let settings = Settings {
            issuers: vec!["https://issuer.example".into()],
            audiences: vec!["dss.example".into()],
            leeway_s: 0,
            max_lifetime_s: None,
        };
        let mut options = Options::new(Arc::new(Verifier::new(settings, keys)), "skypact/v0.0.0".into());
        change(&mut options);
        Self { router: api_f3548::router(backend, options), fake: Arc::default(), pair }
    }

    /// A token with these claims beside the usual ones; a claim that is null is left out.
    pub fn token_with(&self, sub: &str, scope: &str, claims: &Value) -> String {
        let mut all = json!({ "iss": "https://issuer.example", "aud": "dss.example", "sub": sub, "scope": scope });
        all["exp"] = json!(self.fake.token_utc_s().max(T0_S) + 864_000);
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&json!({ "alg": "ES256", "typ": "JWT", "kid": "k" })), part(&all));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub fn token(&self, sub: &str, scope: &str) -> String {
        self.token_with(sub, scope, &json!({}))
    }

    /// A request as `sub` with a token of this scope.
    pub async fn ask(&self, sub: &str, scope: &str, method: &str, path: &str, body: Option<&Value>) -> Got {
        let request = self.request(Some(&self.token(sub, scope)), method, path);
        self.send(request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()).await
    }

    pub fn request(&self, token: Option<&str>, method: &str, path: &str) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        match token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    pub async fn send(&self, request: Request<Body>) -> Got {
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let media = response.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body =
            serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
        let got = Got { status, media, body };
        crate::described::holds(&method, &path, &got);
        got
    }

    pub async fn put(&self, sub: &str, scope: &str, path: &str, body: &Value) -> Got {
        self.ask(sub, scope, "PUT", path, Some(body)).await
    }

    pub async fn post(&self, sub: &str, scope: &str, path: &str, body: &Value) -> Got {
        self.ask(sub, scope, "POST", path, Some(body)).await
    }

    pub async fn get(&self, sub: &str, scope: &str, path: &str) -> Got {
        self.ask(sub, scope, "GET", path, None).await
    }

    pub async fn delete(&self, sub: &str, scope: &str, path: &str) -> Got {
        self.ask(sub, scope, "DELETE", path, None).await
    }
}

/// A UUID of this number.
pub fn id(n: u8) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

/// A time so many minutes after the beginning.
pub fn at(minutes: i64) -> Value {
    let seconds = minutes * 60;
    let (hour, minute) = (seconds / 3600, seconds / 60 % 60);
    assert!((0..24).contains(&hour));
    json!({ "value": format!("2026-01-01T{hour:02}:{minute:02}:00Z"), "format": "RFC3339" })
}

pub fn metres(value: f64) -> Value {
    json!({ "value": value, "reference": "W84", "units": "M" })
}

/// A circle of 300 m, 100 to 200 m high, for the first hour.
pub fn volume() -> Value {
    json!({
        "volume": {
            "outline_circle": { "center": { "lat": 47.0, "lng": 8.0 }, "radius": { "value": 300.0, "units": "M" } },
            "altitude_lower": metres(100.0),
            "altitude_upper": metres(200.0),
        },
        "time_start": at(0),
        "time_end": at(60),
    })
}

pub fn intent() -> Value {
    json!({ "extents": [volume()], "key": [], "state": "Accepted", "uss_base_url": "https://uss1.example/utm" })
}

pub fn constraint() -> Value {
    json!({ "extents": [volume()], "uss_base_url": "https://city.example/utm" })
}

pub fn subscription() -> Value {
    json!({ "extents": volume(), "uss_base_url": "https://sub.example/utm", "notify_for_operational_intents": true })
}

/// A value with another at a place in it, by JSON pointer; null takes it away.
pub fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap_or_else(|| panic!("no {pointer}"));
    match (parent, new) {
        (Value::Object(map), Value::Null) => drop(map.remove(name)),
        (Value::Object(map), new) => drop(map.insert(name.into(), new)),
        (Value::Array(list), Value::Null) => drop(list.remove(name.parse().unwrap())),
        (Value::Array(list), new) => list[name.parse::<usize>().unwrap()] = new,
        (other, _) => panic!("{other} has no parts"),
    }
    value
}
