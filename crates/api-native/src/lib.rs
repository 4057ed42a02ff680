//! The native HTTP and WebSocket interface under `/v1`, exactly as `docs/api.md` states it.
//!
//! **In scope:** wire types and their conversion to and from the core's values, the routes, accounts' sign-in (passwords,
//! sessions, tokens, one-time codes), the stream of pictures to consoles, the machine-readable description.
//!
//! **Out of scope:** sockets, TLS, reading request heads slowly sent, clocks and entropy (the binary, through
//! [`Backend`]); what a command does and who may ask it (`node`); the console's files (`console`).
//!
//! **Invariants**
//! - A command is answered only after the backend says that it is durable.
//! - Nothing of the core is `Serialize`: every value that leaves is made here, field by field.
//! - Every body, list, table, queue and wait has a bound; a client that does not read is dropped.
//! - A secret is kept as its hash, compared without a clock to be read, and never logged.
//! - Every refusal is `application/problem+json` and says what to do.
//!
//! **Standards:** RFC 9110, RFC 9457 (problems), RFC 6265 (cookies), RFC 6455 (WebSocket), RFC 9106 (argon2id),
//! OpenAPI 3.1.
#![forbid(unsafe_code)]

mod app;
mod attempts;
mod auth;
mod backend;
mod body;
mod frame;
mod guard;
mod handlers;
mod json;
mod openapi;
mod options;
mod page;
mod picture;
mod problem;
mod routes;
mod shown;
mod stream;
mod wire;

pub use auth::codes::OneTimeCodes;
pub use backend::{AuditRow, Backend, Denied, Health, JournalState, Preview, PreviewRecord, Seen, Unavailable};
pub use frame::{FLAG_FROZEN, FLAG_SEEN_BY, HEADER_BYTES, TRACK_BYTES};
pub use openapi::OPENAPI;
pub use options::Options;
pub use routes::{ROUTES, router};

/// SHA-256 of a secret: the form in which [`Options::operator_token_sha256`] is given.
#[must_use]
pub fn secret_hash(secret: &str) -> [u8; 32] {
    auth::secret::hash(secret)
}

/// Whether a console's message on `/v1/stream` is understood; else why not. For the fuzz target: a stream takes a socket.
///
/// # Errors
/// What the console would be told.
#[doc(hidden)]
pub fn check_stream_message(text: &str) -> Result<(), String> {
    stream::check(text)
}
