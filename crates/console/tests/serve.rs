//! The router as a client sees it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

async fn ask(request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let router: Router = console::router::<()>();
    let response = router.oneshot(request).await.expect("the router cannot fail");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("the body is in memory").to_bytes().to_vec();
    (parts.status, parts.headers, bytes)
}

async fn get(path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(request.body(Body::empty()).expect("a request")).await
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("visible ASCII"))
}

/// Paths of the script and style sheet that the page names.
async fn linked() -> Vec<String> {
    let (_, _, page) = get("/", &[]).await;
    let page = String::from_utf8(page).expect("the page is UTF-8");
    let quoted = page.split('"').filter(|part| part.starts_with("/assets/"));
    quoted.map(str::to_string).collect()
}

#[tokio::test]
async fn the_page_is_served_and_asked_for_again_each_time() {
    let (status, headers, page) = get("/", &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(text(&headers, "content-type"), "text/html; charset=utf-8");
    assert_eq!(text(&headers, "cache-control"), "no-cache");
    let page = String::from_utf8(page).expect("the page is UTF-8");
    assert!(page.contains("<sky-app>"), "{page}");
    assert!(!page.contains("<style") && !page.contains(" style="), "the policy refuses inline styles: {page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "an external address: {page}");
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_twice() {
    let (_, headers, _) = get("/", &[]).await;
    let (status, _, body) = get("/", &[("if-none-match", text(&headers, "etag"))]).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test]
async fn everything_the_page_links_exists_and_is_cached_for_ever() {
    let linked = linked().await;
    assert!(linked.len() >= 2, "a script and a style sheet at least: {linked:?}");
    for path in linked {
        let (status, headers, body) = get(&path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!body.is_empty(), "{path}");
        assert_eq!(text(&headers, "cache-control"), "public, max-age=31536000, immutable", "{path}");
        assert_eq!(text(&headers, "content-encoding"), "", "{path}");
    }
}

#[tokio::test]
async fn the_compressed_twin_goes_to_clients_that_take_it() {
    let script = linked().await.into_iter().find(|path| path.ends_with(".js")).expect("the page has a script");
    let (_, plain_headers, plain) = get(&script, &[]).await;
    let (status, headers, packed) = get(&script, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(text(&headers, "content-encoding"), "gzip");
    assert_eq!(text(&headers, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(text(&headers, "vary"), "accept-encoding");
    assert_eq!(packed.get(..2), Some(&[0x1f, 0x8b][..]), "the magic bytes of gzip");
    assert!(packed.len() * 2 < plain.len(), "{} of {}", packed.len(), plain.len());
    assert_ne!(text(&headers, "etag"), text(&plain_headers, "etag"), "one tag for two representations");
}

#[tokio::test]
async fn paths_that_name_no_file_are_not_found() {
    for path in ["/assets/none.js", "/../Cargo.toml", "/assets/../index.html", "/index.html/", "/index.html.gz", "//"] {
        let (status, _, _) = get(path, &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    for path in ["/", "/icon.svg", "/licences.txt"] {
        let (status, headers, _) = get(path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(text(&headers, "content-security-policy").starts_with("default-src 'none';"), "{path}");
        assert_eq!(text(&headers, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(text(&headers, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(text(&headers, "x-frame-options"), "DENY", "{path}");
        assert_eq!(text(&headers, "cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(text(&headers, "cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(text(&headers, "permissions-policy").contains("microphone=()"), "{path}");
    }
}

#[tokio::test]
async fn reports_are_counted_and_bounded() {
    let before = console::violations();
    let post = |length: usize| {
        let body = Body::from(vec![b'x'; length]);
        ask(Request::post("/csp-report").body(body).expect("a request"))
    };
    assert_eq!(post(console::REPORT_BYTES_MAX).await.0, StatusCode::NO_CONTENT);
    assert_eq!(post(console::REPORT_BYTES_MAX + 1).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(console::violations(), before + 2);
}
