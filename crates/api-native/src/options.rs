//! Bounds and switches of the interface.
use crate::auth::codes::OneTimeCodes;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Options of [`crate::router`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Marks the session cookie `Secure`: for every address but loopback.
    pub secure_cookie: bool,
    /// A session ends when nothing was asked for this long.
    pub session_idle: Duration,
    /// A session ends this long after sign-in, whatever happened.
    pub session_absolute: Duration,
    /// One-time codes, shared with the binary.
    pub codes: Arc<OneTimeCodes>,
    /// SHA-256 of the operator's token of this run, which the binary keeps in a file only its user can read.
    pub operator_token_sha256: Option<[u8; 32]>,
    /// Longest request body, bytes.
    pub body_bytes_max: usize,
    /// Names under which the node may be asked, beside IP addresses and `localhost`. A name that an attacker made
    /// point at this machine (DNS rebinding) is not among them.
    pub hosts: Vec<String>,
    /// A request that takes longer is answered 503.
    pub request_timeout: Duration,
    /// Streams at once.
    pub streams_max: usize,
    /// A stream whose client does not take a message in this time is dropped.
    pub stream_send_timeout: Duration,
    /// Whether `/metrics` needs no sign-in: for loopback only.
    pub open_metrics: bool,
    /// Set to true when the node stops: streams then end with close code 1001. Each open stream holds a receiver, so the
    /// binary knows by `closed()` when the last has said so.
    pub stopping: watch::Sender<bool>,
}

impl Options {
    /// The defaults, with this store of one-time codes.
    #[must_use]
    pub fn new(codes: Arc<OneTimeCodes>) -> Self {
        Self {
            secure_cookie: true,
            session_idle: Duration::from_secs(12 * 3600),
            session_absolute: Duration::from_secs(24 * 3600),
            codes,
            operator_token_sha256: None,
            // A plan of 256 volumes with 40 points each is 250 kB.
            body_bytes_max: 256 << 10,
            hosts: Vec::new(),
            request_timeout: Duration::from_secs(15),
            streams_max: 64,
            stream_send_timeout: Duration::from_secs(5),
            open_metrics: false,
            stopping: watch::Sender::new(false),
        }
    }
}
