//! What happened, in order: a hash over all of it, counts by type, and the last of it as text.
use crate::event::{Event, Fault};
use std::collections::{BTreeMap, VecDeque};

/// Lines kept for a report of a failure.
const LINES_MAX: usize = 60;

/// The trace of one run.
#[derive(Debug, Clone)]
pub struct Trace {
    /// Virtual time, ms since the start.
    pub now: u64,
    hash: u64,
    /// Events by type.
    pub counts: BTreeMap<Event, u64>,
    lines: VecDeque<String>,
    /// Links that froze, and what was altered: a link that stands still has its cause long before the end.
    causes: Vec<String>,
    /// What the checkers found.
    pub violations: Vec<String>,
    after: usize,
    /// Lines are printed as they happen.
    loud: bool,
}

/// Lines of what may be a cause.
const CAUSES_MAX: usize = 40;
/// Lines kept after the first violation.
const AFTER_MAX: usize = 10;

impl Default for Trace {
    fn default() -> Self {
        Self {
            now: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            counts: BTreeMap::new(),
            lines: VecDeque::new(),
            causes: Vec::new(),
            violations: Vec::new(),
            after: AFTER_MAX,
            loud: false,
        }
    }
}

impl Trace {
    /// An empty one; if `loud`, its lines are printed as they happen.
    #[must_use]
    pub fn new(loud: bool) -> Self {
        Self { loud, ..Self::default() }
    }

    /// Takes bytes into the hash (FNV-1a).
    pub fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Counts an event at a node.
    pub fn count(&mut self, event: Event) {
        *self.counts.entry(event).or_default() += 1;
    }

    /// Counts an event and remembers it as a line.
    pub fn note(&mut self, node: &str, event: Event, text: impl AsRef<str>) {
        self.count(event);
        let line = self.line(node, format!("{event} {}", text.as_ref()));
        let is_cause = matches!(event, Event::Frozen(_) | Event::Fault(Fault::Flip | Fault::Backup | Fault::BitRot));
        if is_cause && self.causes.len() < CAUSES_MAX {
            self.causes.push(line);
        }
    }

    /// Remembers a line.
    pub fn line(&mut self, node: &str, text: impl AsRef<str>) -> String {
        let line = format!("{:>12.3} s  {node}: {}", self.now as f64 / 1000.0, text.as_ref());
        self.mix(line.as_bytes());
        if self.loud {
            println!("{line}");
        }
        // What led to the first violation is what is asked for, not the run's end.
        if !self.violations.is_empty() {
            if self.after == 0 {
                return line;
            }
            self.after -= 1;
        }
        self.lines.push_back(line.clone());
        if self.lines.len() > LINES_MAX {
            self.lines.pop_front();
        }
        line
    }

    /// What is printed beside the lines, if they are.
    pub fn explain(&self, text: impl Fn() -> String) {
        if self.loud {
            println!("{}", text());
        }
    }

    /// A checker found that something is not as it must be.
    pub fn violation(&mut self, node: &str, text: impl AsRef<str>) {
        self.line(node, format!("VIOLATION: {}", text.as_ref()));
        if self.violations.len() < 10 {
            self.violations.push(format!("{:.3} s, {node}: {}", self.now as f64 / 1000.0, text.as_ref()));
        }
    }

    /// Hash over everything.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// What may have been a cause long before, and the last lines.
    #[must_use]
    pub fn last(&self) -> Vec<String> {
        let early = self.causes.iter().filter(|line| !self.lines.contains(line));
        early.chain(&self.lines).cloned().collect()
    }
}
