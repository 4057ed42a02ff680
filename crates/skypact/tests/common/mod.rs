//! Nodes as real processes on loopback: their folders, the network between them, their logs read back.
//!
//! Every wait has a limit and says what it waited for; [`Limit`] ends a test that hangs all the same.
pub mod logs;
pub mod node;
pub mod proxy;
pub mod speaker;
pub mod stranger;
pub mod world;

use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A test's hard limit. When it passes the whole test process ends; the nodes end with it, since they stop when their
/// standard input closes.
pub struct Limit {
    _armed: mpsc::Sender<()>,
}

impl Limit {
    /// Arms a limit for the test of this name.
    pub fn of(name: &'static str, seconds: u64) -> Self {
        let (armed, disarmed) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if disarmed.recv_timeout(Duration::from_secs(seconds)) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("{name} took longer than {seconds} s");
                std::process::exit(101);
            }
        });
        Self { _armed: armed }
    }
}

/// Asks until there is an answer.
#[track_caller]
pub fn eventually<T>(what: &str, seconds: u64, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits.
pub fn pass(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
