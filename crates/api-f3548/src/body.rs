//! Bodies of requests: JSON of bounded length and depth, whose mistakes are told with their place.
use crate::app::App;
use crate::problem::Problem;
use crate::wire::object::Object;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

/// When a request's body must be complete. That is before the time of the whole request is over: of a body that never came it
/// is known that nothing was done.
#[derive(Clone, Copy)]
pub(crate) struct BodyBy(pub Instant);

/// Whether a request's body was read to its end. Of one that was not, nothing can follow on the connection.
#[derive(Clone, Default)]
pub(crate) struct BodyRead(pub Arc<AtomicBool>);

/// The body as text. One that is longer than it may be is 413, one that is too slow 408.
pub(crate) async fn text(app: &App, request: Request) -> Result<(HeaderMap, String), Problem> {
    let most = app.options.body_bytes_max;
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("body: more than {most} bytes"));
    let (parts, body) = request.into_parts();
    // Inflated, a small one could be of any length.
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        let why = "Content-Encoding: send the body as it is, not compressed";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let by = parts.extensions.get().map_or_else(Instant::now, |BodyBy(by)| *by);
    let Ok(read) = tokio::time::timeout_at(by, axum::body::to_bytes(body, most)).await else {
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body: not complete in time; nothing was done"));
    };
    let bytes = read.map_err(|error| match error.source() {
        Some(cause) if cause.is::<LengthLimitError>() => too_large(),
        _ => Problem::field("body", "broken off"),
    })?;
    if let Some(BodyRead(read)) = parts.extensions.get() {
        read.store(true, Ordering::Relaxed);
    }
    let text = String::from_utf8(bytes.into()).map_err(|_| Problem::field("body", "not UTF-8"))?;
    Ok((parts.headers, text))
}

/// Reads a JSON object.
pub(crate) fn json<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let Object(value) = object(text)?;
    Ok(value)
}

fn object<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    // The place of a mistake costs time to follow: it is looked for once there is one.
    serde_json::from_str(text).or_else(|_| {
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            // Where the text breaks off there is no place yet.
            let path = path.trim_end_matches(['.', '?']);
            let reason = error.inner().to_string().replace(", expected f64", ", expected a number");
            Problem::field(if path.is_empty() { "body" } else { path }, reason)
        })?;
        reader.end().map_err(|error| Problem::field("body", error))?;
        Ok(value)
    })
}
