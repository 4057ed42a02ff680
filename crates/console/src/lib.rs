//! The web console's assets and their serving.
//!
//! In scope: the files of `console/dist`, embedded in the binary; their headers (content security policy, caching, content
//! type, the pre-compressed variant); counting what browsers report against that policy. Out of scope: the API the console
//! talks to (`api-native`), sessions and sockets (the binary), building the assets (`cargo xtask console`).
//!
//! Invariants:
//! - Every answer, errors included, carries the same security headers.
//! - A path names an embedded file exactly or is not found: nothing is read from a disk while serving.
//! - Only content-hashed names are cached for ever; a new binary is therefore seen on the next load of `/`.
//! - Nothing is compressed while serving: the build wrote `FILE.gz` beside each file that gains from it.
//!
//! Standards: Content Security Policy Level 3, RFC 9110 (`Accept-Encoding`), RFC 9111 (`immutable` of RFC 8246).

#![forbid(unsafe_code)]

mod assets;
mod headers;
mod reports;

use axum::Router;
use axum::routing::{get, post};

pub use headers::POLICY;
pub use reports::{REPORT_BYTES_MAX, violations};

/// Routes of the console: `/`, every embedded file, and `POST /csp-report`.
///
/// Merge it into the node's router. It takes no state and has no fallback, so unknown paths stay the caller's.
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let mut router = Router::new().route("/csp-report", post(reports::report)).route("/", get(assets::index));
    for name in assets::names() {
        let path = format!("/{name}");
        router = router.route(&path, get(assets::file));
    }
    router.layer(axum::middleware::map_response(headers::secure))
}
