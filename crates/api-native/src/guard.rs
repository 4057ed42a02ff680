//! Around every handler: the Host header, the time limit, the security headers.
use crate::app::App;
use crate::problem::{Kind, Problem};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Headers of every answer. An answer is data for the console and for programs; it is never a page.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
];

pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    // A probe asks by whatever name it was given, and learns nothing that matters.
    let mut response = if request.uri().path() != "/healthz" && !known_host(&request, &app.options.hosts) {
        let detail = "ask by IP address, as localhost, or by a name of serve.hosts in the configuration";
        Problem::new(Kind::Misdirected, detail).into_response()
    } else {
        match tokio::time::timeout(app.options.request_timeout, next.run(request)).await {
            Ok(response) => response,
            Err(_) => {
                let detail = "it is not known whether it was done; ask again with the same Idempotency-Key";
                Problem { retry_after_s: Some(1), ..Problem::new(Kind::NoAnswer, detail) }.into_response()
            }
        }
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the request names this node. A page of another site can make its own name point at this machine (DNS
/// rebinding) and then counts as the same origin; but it cannot make its name be one of these.
fn known_host(request: &Request, names: &[String]) -> bool {
    let Some(host) = host(request.headers()) else { return false };
    let is_v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).is_some_and(|h| h.parse::<Ipv6Addr>().is_ok());
    is_v6
        || host.parse::<Ipv4Addr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// The one Host header, without its port.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::HOST).iter();
    let (first, None) = (all.next()?, all.next()) else { return None };
    let text = first.to_str().ok()?;
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let fits = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
            fits.then_some(host)
        }
        _ => Some(text),
    }
}
