//! What browsers report against the content security policy.
//!
//! The console breaks no rule of its policy, so a report means a defect or an attack: it is logged and counted. Anyone who can
//! reach the address can send one, so it is bounded and never trusted.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;

/// Longest report accepted. Chromium's are below 1 KiB.
pub const REPORT_BYTES_MAX: usize = 8 * 1024;

static VIOLATIONS: AtomicU64 = AtomicU64::new(0);

/// Reports received since the process started, for metrics. Oversized ones count too.
pub fn violations() -> u64 {
    VIOLATIONS.load(Ordering::Relaxed)
}

/// Answers `POST /csp-report`.
pub async fn report(body: Body) -> StatusCode {
    let count = VIOLATIONS.fetch_add(1, Ordering::Relaxed) + 1;
    match to_bytes(body, REPORT_BYTES_MAX).await {
        Ok(bytes) => {
            tracing::warn!(count, report = %printable(&bytes), "a browser reported a violation of the content security policy");
            StatusCode::NO_CONTENT
        }
        Err(_) => {
            tracing::warn!(count, "a report of a content security policy violation was too long or cut off");
            StatusCode::PAYLOAD_TOO_LARGE
        }
    }
}

/// The report as one line of visible ASCII: it is a stranger's text on its way into a log.
fn printable(bytes: &Bytes) -> String {
    bytes.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_cannot_forge_log_lines() {
        let hostile = Bytes::from_static(b"{\"a\":1}\nERROR forged\x1b[31m\xff");
        assert_eq!(printable(&hostile), "{\"a\":1}.ERROR forged.[31m.");
    }
}
