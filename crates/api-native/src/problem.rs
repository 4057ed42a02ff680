//! Refusals as RFC 9457 problems.
use crate::backend::Unavailable;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use node::command::Refused;
use serde::Serialize;

/// One field of a body that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// Path, such as `volumes[0].outline.points[2]`; empty for the body itself.
    pub field: String,
    /// What is wrong and what is allowed.
    pub reason: String,
}

/// The kinds of problem: name (the end of its `type`), status, title.
macro_rules! kinds {
    ($($kind:ident = $status:literal, $name:literal, $title:literal;)*) => {
        /// Kind of a problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind { $(#[doc = $title] $kind,)* }

        impl Kind {
            const fn parts(self) -> (u16, &'static str, &'static str) {
                match self { $(Self::$kind => ($status, $name, $title),)* }
            }
        }
    };
}

kinds! {
    BadRequest = 400, "bad-request", "The request cannot be understood";
    Malformed = 400, "malformed-json", "The body is not JSON";
    NotSignedIn = 401, "not-signed-in", "Sign in first";
    SignInFailed = 401, "sign-in-failed", "Name or password is wrong, or the code was used or has expired";
    Csrf = 403, "csrf", "The X-CSRF-Token header is missing or wrong";
    Origin = 403, "other-origin", "The request comes from another origin";
    Role = 403, "role", "The role may not do this";
    MustSetPassword = 403, "must-set-password", "Set a password first";
    NoSuch = 404, "no-such", "There is no such thing";
    NotFound = 404, "not-found", "There is no such address";
    Method = 405, "method-not-allowed", "The address does not answer this method";
    ReadBack = 409, "read-back-differs", "The read-back differs from the notice";
    Already = 409, "already", "It was done already";
    Frozen = 409, "frozen", "The link is frozen";
    Bound = 409, "bound-reached", "A bound of the node is reached";
    Changed = 409, "changed-meanwhile", "It was changed by somebody else meanwhile";
    TooLarge = 413, "too-large", "The body is too large";
    MediaType = 415, "unsupported-media-type", "The body must be application/json";
    Misdirected = 421, "misdirected", "This node does not answer under that name";
    Invalid = 422, "invalid", "The body is not valid";
    Upgrade = 426, "upgrade-required", "This address speaks WebSocket only";
    TooMany = 429, "too-many-attempts", "Too many attempts";
    Internal = 500, "internal", "The node failed";
    Unavailable = 503, "unavailable", "The node cannot accept this now";
    NotHealthy = 503, "not-healthy", "The node is not healthy";
    NoAnswer = 503, "no-answer", "There is no answer in time";
    JournalFull = 507, "journal-full", "The journal is full";
}

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub kind: Kind,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// Seconds to wait.
    pub retry_after_s: Option<u64>,
}

#[derive(Serialize)]
struct Wire<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), retry_after_s: None }
    }

    /// One refused field.
    pub(crate) fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), reason: reason.into() }])
    }

    /// Refused fields.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Self {
        let detail = errors.first().map_or_else(String::new, |e| {
            if e.field.is_empty() { e.reason.clone() } else { format!("{}: {}", e.field, e.reason) }
        });
        Self { errors, ..Self::new(Kind::Invalid, detail) }
    }

    pub(crate) fn wait(seconds: u64) -> Self {
        let detail = format!("Too many attempts failed. Try again in {seconds} s.");
        Self { retry_after_s: Some(seconds), ..Self::new(Kind::TooMany, detail) }
    }

    pub(crate) fn no_such(what: &str, given: &str) -> Self {
        Self::new(Kind::NoSuch, format!("no such {what}: {}", given.chars().take(80).collect::<String>()))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind.parts();
        let body = Wire {
            r#type: format!("urn:skypact:problem:{name}"),
            title,
            status,
            detail: &self.detail,
            errors: &self.errors,
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Kind::NotSignedIn {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.kind == Kind::Upgrade {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        let of = |kind| Self::new(kind, detail.clone());
        match refused {
            Refused::Role { .. } => of(Kind::Role),
            Refused::NoSuch { .. } => of(Kind::NoSuch),
            // The core names the thing before its field; a body is that thing.
            Refused::Invalid { field, reason } => match field.split_once('.') {
                Some(("plan" | "site" | "notice", rest)) => Self::field(rest, reason),
                _ => Self::field(field, reason),
            },
            Refused::ReadBackDiffers { fields } => {
                let differs = |field| FieldError { field, reason: String::from("differs from the notice") };
                Self { errors: fields.into_iter().map(differs).collect(), ..of(Kind::ReadBack) }
            }
            Refused::Already { .. } => of(Kind::Already),
            Refused::Frozen { .. } => of(Kind::Frozen),
            Refused::Full { .. } => of(Kind::Bound),
            Refused::Changed { .. } => of(Kind::Changed),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(error: Unavailable) -> Self {
        let detail = error.to_string();
        match error {
            Unavailable::JournalFull => Self::new(Kind::JournalFull, format!("{detail}. Free space on the disk.")),
            Unavailable::Failed(_) => Self { retry_after_s: Some(5), ..Self::new(Kind::Unavailable, detail) },
            Unavailable::Stopping => Self { retry_after_s: Some(5), ..Self::new(Kind::Unavailable, detail) },
        }
    }
}
