//! What this crate asks of the binary.
use dss::{ConstraintRef, Found, Id, IntentRef, Outcome, Query, Refused, Request};
use futures_util::future::BoxFuture;
use std::time::Duration;

/// An answer, and how long the node worked on it while everybody else waited.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// How long it took.
    pub took: Duration,
}

/// A node as this interface sees it. Implemented by the binary, and by the tests.
pub trait Backend: Send + Sync + 'static {
    /// Journals a request and folds it; resolves after it is durable.
    fn ask(&self, request: Request) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>>;

    /// The same for an operational intent with its volumes as the client stated them, if [`crate::Options::volumes`] asks for them.
    fn intend(&self, request: Request, _volumes: Vec<Volume>) -> BoxFuture<'_, Result<Answered<Outcome>, Unavailable>> {
        self.ask(request)
    }

    /// Asks what is held, for this client.
    fn query(
        &self,
        query: Query,
        client: String,
    ) -> BoxFuture<'_, Result<Answered<Result<Found, Refused>>, Unavailable>>;

    /// What a peer released of an entity that this service shows for it; nothing of what a client manages.
    fn details(&self, id: Id) -> BoxFuture<'_, Result<Answered<Option<Details>>, Unavailable>>;

    /// The node's clock, seconds UTC; in an exercise it is the exercise's.
    fn utc_s(&self) -> i64;

    /// The machine's clock, seconds UTC: an issuer's, by which tokens are good, is real in an exercise too.
    fn token_utc_s(&self) -> i64;

    /// Whether this is the name of a party of the node, its own or a peer's.
    fn is_party(&self, name: &str) -> bool;

    /// Why nothing that is written can be made durable now, if so.
    fn trouble(&self) -> Option<String>;

    /// The same in microseconds, as exactly as it is known: what has ended is not found from the moment that it has.
    fn utc_us(&self) -> i64 {
        self.utc_s().saturating_mul(1_000_000)
    }

    /// 32 bytes from the system's generator.
    fn entropy(&self) -> [u8; 32];
}

/// An entity of a peer, with its version.
#[derive(Debug, Clone, PartialEq)]
pub enum Details {
    /// A plan.
    Intent(IntentRef, Vec<Volume>, i32),
    /// A protected site or an avoid area, with the word for which it is.
    Constraint(ConstraintRef, Vec<Volume>, &'static str),
}

/// A volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// Its outline.
    pub outline: Outline,
    /// Lowest height above WGS-84, millimetres.
    pub lower: Option<i64>,
    /// Highest.
    pub upper: Option<i64>,
    /// Beginning, microseconds UTC.
    pub start: i64,
    /// End.
    pub end: i64,
}

impl Volume {
    /// About as many bytes as it has in a journal.
    #[must_use]
    pub fn weight(&self) -> usize {
        64 + match &self.outline {
            Outline::Polygon(vertices) => 20 * vertices.len(),
            Outline::Circle(..) => 30,
        }
    }
}

/// An outline; places are latitude and longitude in degrees.
#[derive(Debug, Clone, PartialEq)]
pub enum Outline {
    /// Vertices, closed implicitly.
    Polygon(Vec<(f64, f64)>),
    /// Centre and radius in metres.
    Circle((f64, f64), f64),
}

/// Why nothing was answered. Nothing of the request has any effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);
