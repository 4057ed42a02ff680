//! What browsers report against the content security policy.
//!
//! The console breaks no rule of its policy, so a report means a defect or an attack: it is counted, and logged once a minute
//! at most. Anyone who can reach the address can send one, so it is bounded and never trusted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::StatusCode;

/// Longest report accepted. Chromium's are below 1 KiB.
pub const REPORT_BYTES_MAX: usize = 8 * 1024;
/// At most one line in the log for this long: whoever can reach the address must not be able to fill the log.
const QUIET: Duration = Duration::from_secs(60);

static VIOLATIONS: AtomicU64 = AtomicU64::new(0);
static LOGGED: Mutex<Option<Instant>> = Mutex::new(None);

/// Reports received since the process started, for `/metrics`. Oversized ones count too.
pub fn violations() -> u64 {
    VIOLATIONS.load(Ordering::Relaxed)
}

/// Answers `POST /csp-report`.
pub async fn report(body: Body) -> StatusCode {
    let count = VIOLATIONS.fetch_add(1, Ordering::Relaxed) + 1;
    let body = to_bytes(body, REPORT_BYTES_MAX).await;
    if may_log(&LOGGED, Instant::now()) {
        let report = body.as_ref().map_or_else(|_| String::from("(too long or cut off)"), printable);
        tracing::warn!(count, report, "a browser reported a violation of the content security policy");
    }
    if body.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::PAYLOAD_TOO_LARGE }
}

/// Whether a line may be written now; if so, it is.
fn may_log(logged: &Mutex<Option<Instant>>, now: Instant) -> bool {
    let mut last = logged.lock().unwrap_or_else(PoisonError::into_inner);
    let quiet = last.is_some_and(|last| now.saturating_duration_since(last) < QUIET);
    if !quiet {
        *last = Some(now);
    }
    !quiet
}

/// The report as one line of visible ASCII: it is a stranger's text on its way into a log.
fn printable(bytes: &Bytes) -> String {
    bytes.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_reports_is_a_line_a_minute() {
        let (logged, start) = (Mutex::new(None), Instant::now());
        let at = |ms| may_log(&logged, start + Duration::from_millis(ms));
        let lines = (0..180_000).step_by(10).filter(|ms| at(*ms)).collect::<Vec<u64>>();
        assert_eq!(lines, [0, 60_000, 120_000]);
    }

    #[test]
    fn a_report_cannot_forge_log_lines() {
        let hostile = Bytes::from_static(b"{\"a\":1}\nERROR forged\x1b[31m\xff");
        assert_eq!(printable(&hostile), "{\"a\":1}.ERROR forged.[31m.");
    }
}
