//! What is answered instead of what was asked: the standard's `ErrorResponse`, a message that names the field.
use crate::backend::Unavailable;
use crate::wire::refused;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// An error with the status it is answered with.
#[derive(Debug)]
pub(crate) struct Problem {
    pub status: StatusCode,
    pub body: Value,
    /// Seconds after which to ask again.
    pub retry_after: Option<u64>,
}

impl Problem {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: json!({ "message": message.into() }), retry_after: None }
    }

    /// 429: not now.
    pub fn again_after(wait: Duration, message: impl Into<String>) -> Self {
        let retry_after = Some(wait.as_secs_f64().ceil().max(1.0) as u64);
        Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// 400, with the field that is wrong.
    pub fn field(field: &str, reason: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("{field}: {reason}"))
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, unavailable.to_string())
    }
}

impl From<dss::Refused> for Problem {
    fn from(refused: dss::Refused) -> Self {
        let status = match &refused {
            dss::Refused::Invalid { .. } => StatusCode::BAD_REQUEST,
            dss::Refused::Forbidden(_) => StatusCode::FORBIDDEN,
            dss::Refused::NotFound { .. } => StatusCode::NOT_FOUND,
            dss::Refused::Conflict { .. } | dss::Refused::Airspace { .. } => StatusCode::CONFLICT,
            dss::Refused::TooMuch { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            dss::Refused::Full { .. } => StatusCode::TOO_MANY_REQUESTS,
        };
        Self { status, body: refused::body(&refused), retry_after: None }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
