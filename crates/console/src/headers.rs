//! Headers that every answer of the console carries.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::response::Response;

/// The content security policy, one directive a line. The console's development server reads the same file.
///
/// `require-trusted-types-for` makes the browser itself refuse text turned into HTML: what peers send is hostile.
pub const POLICY: &str = include_str!("policy.txt");

static POLICY_VALUE: LazyLock<HeaderValue> = LazyLock::new(|| {
    let line = POLICY.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    HeaderValue::from_str(line.trim()).expect("policy.txt is ASCII: held by a test")
});

/// Every power a page could ask for and the console does not use.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(self), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
     hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()";

const FIXED: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// Adds the security headers to an answer.
pub async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY_VALUE.clone());
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_nothing_by_default_and_nothing_inline() {
        let value = POLICY_VALUE.to_str().expect("visible ASCII");
        assert!(value.starts_with("default-src 'none';"), "{value}");
        for forbidden in ["unsafe-inline", "unsafe-eval", "http:", "https:", "*"] {
            assert!(!value.contains(forbidden), "{forbidden} in {value}");
        }
        assert!(value.contains("frame-ancestors 'none'") && value.contains("require-trusted-types-for 'script'"));
    }
}
