//! The embedded files and how each is answered.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

/// What `npm run build` left. Without the crate's compression: files are compressed once, by the build.
#[derive(RustEmbed)]
#[folder = "../../console/dist"]
struct Dist;

const INDEX: &str = "index.html";
const GZIPPED: &str = ".gz";

/// A year, and not asked for again: the name changes when the bytes do.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// Names to serve: every file but the compressed twins, which are served in place of the plain ones.
pub fn names() -> impl Iterator<Item = Cow<'static, str>> {
    Dist::iter().filter(|name| !name.ends_with(GZIPPED))
}

/// Answers `/`.
pub async fn index(headers: HeaderMap) -> Response {
    answer(INDEX, &headers)
}

/// Answers the path of an embedded file. Routes exist for embedded names only, so an unknown one cannot come here.
pub async fn file(uri: Uri, headers: HeaderMap) -> Response {
    answer(uri.path().trim_start_matches('/'), &headers)
}

fn answer(name: &str, request: &HeaderMap) -> Response {
    let packed = format!("{name}{GZIPPED}");
    let has_twin = Dist::get(&packed).is_some();
    let gzip = has_twin && accepts_gzip(request);
    let Some(file) = Dist::get(if gzip { &packed } else { name }) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = etag(&file.metadata.sha256_hash());
    let mut response = if request.get(IF_NONE_MATCH).is_some_and(|known| *known == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        Response::new(Body::from(bytes))
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(if is_hashed(name) { FOR_EVER } else { ASK_AGAIN }));
    headers.insert(ETAG, tag);
    if has_twin {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether the client takes gzip: named or by `*`, and not with a weight of zero (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut any = None;
    for value in headers.get_all(ACCEPT_ENCODING) {
        for item in value.to_str().unwrap_or_default().split(',') {
            let mut parts = item.split(';').map(str::trim);
            let coding = parts.next().unwrap_or_default();
            let wanted = !parts.any(|part| {
                let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
                weight.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            if coding.eq_ignore_ascii_case("gzip") {
                return wanted;
            }
            if coding == "*" {
                any = Some(wanted);
            }
        }
    }
    any.unwrap_or(false)
}

/// Files below `assets/` carry a hash of their content in the name; the bundler puts nothing else there.
fn is_hashed(name: &str) -> bool {
    name.starts_with("assets/")
}

fn etag(hash: &[u8; 32]) -> HeaderValue {
    let hex: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hex}\"")).expect("hexadecimal digits are ASCII")
}

/// Media type by the name's ending. A type unknown here is served as bytes, which no browser runs or draws.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(value).expect("a header value"));
        accepts_gzip(&headers)
    }

    #[test]
    fn gzip_is_sent_only_to_those_who_take_it() {
        assert!(!accepts_gzip(&HeaderMap::new()));
        for yes in ["gzip", "br, GZIP", "gzip;q=0.5", "*", "identity, gzip; q=1"] {
            assert!(accepts(yes), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "gzip; q=0.0, *", "*;q=0", "gzipped"] {
            assert!(!accepts(no), "{no}");
        }
    }

    #[test]
    fn every_embedded_file_has_a_known_type() {
        for name in names() {
            assert_ne!(content_type(&name), "application/octet-stream", "{name}");
        }
    }

    #[test]
    fn compressed_twins_have_their_plain_file() {
        for name in Dist::iter().filter(|name| name.ends_with(GZIPPED)) {
            let plain = name.trim_end_matches(GZIPPED);
            assert!(Dist::get(plain).is_some(), "{name} has no plain file for clients without gzip");
        }
    }
}
