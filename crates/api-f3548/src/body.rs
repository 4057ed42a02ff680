//! Bodies of requests: JSON of bounded length and depth, whose mistakes are told with their place.
use crate::app::App;
use crate::problem::Problem;
use crate::wire::object::Object;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

/// The body as text; 413 if it is longer than it may be.
pub(crate) async fn text(app: &App, request: Request) -> Result<(HeaderMap, String), Problem> {
    let most = app.options.body_bytes_max;
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("body: more than {most} bytes"));
    let (parts, body) = request.into_parts();
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    let bytes = axum::body::to_bytes(body, most).await.map_err(|_| too_large())?;
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
            Problem::field(if path.is_empty() { "body" } else { path }, error.inner())
        })?;
        reader.end().map_err(|error| Problem::field("body", error))?;
        Ok(value)
    })
}
