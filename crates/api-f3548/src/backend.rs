//! What this crate asks of the binary.
use dss::{Found, Outcome, Query, Refused, Request};
use futures_util::future::BoxFuture;

/// A node as this interface sees it. Implemented by the binary, and by the tests.
pub trait Backend: Send + Sync + 'static {
    /// Journals a request and folds it; resolves after it is durable.
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Outcome, Unavailable>>;

    /// Asks what is held, for this client.
    fn query(&self, query: Query, client: String) -> BoxFuture<'_, Result<Result<Found, Refused>, Unavailable>>;

    /// The node's clock, seconds UTC.
    fn utc_s(&self) -> i64;

    /// The same in microseconds, as exactly as it is known: what has ended is not found from the moment that it has.
    fn utc_us(&self) -> i64 {
        self.utc_s().saturating_mul(1_000_000)
    }

    /// 32 bytes from the system's generator.
    fn entropy(&self) -> [u8; 32];
}

/// Why nothing was answered. Nothing of the request has any effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);
