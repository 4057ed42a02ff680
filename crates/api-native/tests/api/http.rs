//! A client without a socket.
use crate::fake::Fake;
use crate::world::PASSWORD;
use api_native::{OneTimeCodes, Options, router};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tower::ServiceExt;

/// The operator's token of the tests.
pub const OPERATOR: &str = "run-token";

/// A node's interface.
pub struct Site {
    pub fake: Arc<Fake>,
    pub codes: Arc<OneTimeCodes>,
    pub router: Router,
}

impl Site {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let fake = Fake::new();
        let random = Arc::clone(&fake);
        let codes = Arc::new(OneTimeCodes::new(move || api_native::Backend::random32(&*random)));
        let mut options = Options::new(Arc::clone(&codes));
        options.operator_token_sha256 = Some(api_native::secret_hash(OPERATOR));
        options.hosts = vec!["desk.example".into()];
        change(&mut options);
        let router = router(fake.clone(), options);
        Self { fake, codes, router }
    }

    /// Somebody who has not signed in.
    pub fn anyone(&self) -> Client {
        Client { router: self.router.clone(), headers: HeaderMap::new(), from: "192.0.2.1:5000".parse().unwrap() }
    }

    /// An officer of the world who has signed in.
    pub async fn signed_in(&self, name: &str) -> Client {
        let mut client = self.anyone();
        let reply = client.post("/v1/sign-in", json!({ "name": name, "password": PASSWORD })).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        client.keep(&reply);
        client
    }

    /// Somebody with a bearer token.
    pub fn bearer(&self, token: &str) -> Client {
        self.anyone().with("authorization", &format!("Bearer {token}"))
    }
}

#[derive(Clone)]
pub struct Client {
    router: Router,
    pub headers: HeaderMap,
    pub from: SocketAddr,
}

/// An answer.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client {
    /// Sets a header of all further requests; empty removes it.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.remove(name);
        if !value.is_empty() {
            self.headers.insert(name, value.parse().unwrap());
        }
        self
    }

    pub fn from(mut self, address: &str) -> Self {
        self.from = format!("{address}:5000").parse().unwrap();
        self
    }

    /// Keeps the session of a sign-in.
    pub fn keep(&mut self, reply: &Reply) {
        let cookie = reply.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
        self.headers.insert(header::COOKIE, cookie.parse().unwrap());
        self.headers.insert("x-csrf-token", reply.json()["csrf"].as_str().unwrap().parse().unwrap());
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.raw("GET", path, None, "").await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, body).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Value) -> Reply {
        self.raw(method, path, Some("application/json"), &body.to_string()).await
    }

    pub async fn raw(&self, method: &str, path: &str, media: Option<&str>, body: &str) -> Reply {
        let mut request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().entry(header::HOST).or_insert("127.0.0.1:8480".parse().unwrap());
        if let Some(media) = media {
            request.headers_mut().insert(header::CONTENT_TYPE, media.parse().unwrap());
        }
        request.extensions_mut().insert(ConnectInfo(self.from));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// Status, name and detail of a problem, and each field with its reason; or the status alone.
    pub fn problem(&self) -> String {
        if self.status.is_success() {
            return self.status.as_u16().to_string();
        }
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        let name = body["type"].as_str().unwrap().strip_prefix("urn:skypact:problem:").unwrap();
        let mut out = format!("{} {name}", self.status.as_u16());
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        for error in &errors {
            out += &format!(" | {}: {}", error["field"].as_str().unwrap(), error["reason"].as_str().unwrap());
        }
        if errors.is_empty() && body["detail"].is_string() {
            out += &format!(" | {}", body["detail"].as_str().unwrap());
        }
        out
    }

    /// Status and name of a problem.
    pub fn kind(&self) -> String {
        self.problem().split(" |").next().unwrap().to_owned()
    }
}
