//! What is said of a feed: `up` only while something of it can be read.
use feed::Batch;
use node::input::FeedState;
use std::time::{Duration, Instant};

/// A feed of which nothing can be read for this long is not up, however much it sends: a stream that was joined in the
/// middle, or a file that is being written, takes less.
const UNREADABLE_AFTER: Duration = Duration::from_secs(5);
/// More than this, bytes a second, of which nothing can be read is no heartbeat of a source in a quiet sky.
const HEARTBEAT_BYTES_S: u64 = 1024;
/// Errors are told this often at most, so that a feed of nothing but errors does not fill the journal.
const ERRORS_EVERY: Duration = Duration::from_secs(1);
/// What is unchanged is told again after this long: while the disk was full it was not recorded.
const AGAIN_AFTER: Duration = Duration::from_secs(60);
/// Characters of an error.
const ERROR_CHARS: usize = 200;

/// A feed's health, and what of it was told.
pub struct Health {
    state: FeedState,
    /// Last time that something could be read, or the beginning of the connection.
    good: Instant,
    /// Bytes since then.
    unread: u64,
    errors: u64,
    last_error: Option<String>,
    told: Option<(Instant, FeedState, u64)>,
    /// Whether the loss was logged.
    lost: bool,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub state: FeedState,
    pub errors: u64,
    pub last_error: Option<String>,
}

/// Whether something is to be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Log {
    Lost(String),
    Back,
    Nothing,
}

impl Health {
    /// Of a feed that is not connected yet.
    pub fn new(now: Instant) -> Self {
        Self {
            state: FeedState::Connecting,
            good: now,
            unread: 0,
            errors: 0,
            last_error: None,
            told: None,
            lost: false,
        }
    }

    /// A connection stands; nothing came over it yet.
    pub fn connected(&mut self, now: Instant) {
        (self.good, self.unread) = (now, 0);
        self.last_error = Some(String::from("connected, nothing read yet"));
    }

    /// Bytes came in.
    pub fn heard(&mut self, bytes: usize) {
        self.unread += bytes as u64;
    }

    /// What the bytes gave. `held` of its records had no position.
    pub fn read(&mut self, batch: &Batch, held: u64, is_empty_document: bool, now: Instant) -> Log {
        self.errors = batch.counts.errors_total();
        // Noise gives a record without a position now and then, and more errors than that.
        let good = !batch.reports.is_empty() || held > batch.errors.len() as u64 || is_empty_document;
        self.judge(good, batch.errors.last().map(ToString::to_string), now)
    }

    /// A document without any content.
    pub fn blank(&mut self, now: Instant) -> Log {
        self.judge(false, Some(String::from("the document is empty")), now)
    }

    /// Reports refused besides those that a batch counts.
    pub fn refused(&mut self, errors: u64, last: Option<String>) {
        self.errors += errors;
        if last.is_some() {
            self.last_error = last.map(cut);
        }
    }

    fn judge(&mut self, good: bool, error: Option<String>, now: Instant) -> Log {
        if good {
            (self.good, self.unread) = (now, 0);
            if self.state != FeedState::Up {
                (self.state, self.last_error) = (FeedState::Up, None);
            }
        }
        let since = now.duration_since(self.good);
        let bad = error.is_some() || self.unread > HEARTBEAT_BYTES_S * since.as_secs();
        if error.is_some() {
            self.last_error = error.map(cut);
        }
        if bad && !good && since >= UNREADABLE_AFTER {
            self.state = FeedState::Down;
        }
        match self.state {
            FeedState::Up if std::mem::take(&mut self.lost) => Log::Back,
            FeedState::Down => self.loss(),
            _ => Log::Nothing,
        }
    }

    /// The connection ended, or there was none.
    pub fn ended(&mut self, error: String) -> Log {
        (self.state, self.last_error) = (FeedState::Connecting, Some(cut(error)));
        self.loss()
    }

    /// A recording was read and begins.
    pub fn begun(&mut self) {
        (self.state, self.lost) = (FeedState::Up, false);
    }

    /// A recording was played to its end: no loss.
    pub fn played(&mut self) {
        (self.state, self.last_error) = (FeedState::Down, None);
    }

    // Once a loss, not at every attempt to end it.
    fn loss(&mut self) -> Log {
        if std::mem::replace(&mut self.lost, true) {
            return Log::Nothing;
        }
        Log::Lost(self.last_error.clone().unwrap_or_default())
    }

    /// What is to be told now: a change at once, errors now and then.
    pub fn tell(&mut self, now: Instant) -> Option<Told> {
        let due = self.told.is_none_or(|(at, state, errors)| {
            let since = now.duration_since(at);
            state != self.state || (errors != self.errors && since > ERRORS_EVERY) || since > AGAIN_AFTER
        });
        due.then(|| {
            self.told = Some((now, self.state, self.errors));
            Told { state: self.state, errors: self.errors, last_error: self.last_error.clone() }
        })
    }
}

fn cut(error: String) -> String {
    error.chars().take(ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use feed::{FeedError, Place};

    fn bad(batch: &mut Batch) {
        batch.error(FeedError::Missing { place: Place::Document, field: "now" });
    }

    fn report(batch: &mut Batch) {
        batch.reports.push(track::TrackReport::new(1, units::Position::default(), units::Utc(0)));
    }

    struct Case {
        health: Health,
        batch: Batch,
        start: Instant,
    }

    impl Case {
        fn new() -> Self {
            let start = Instant::now();
            Self { health: Health::new(start), batch: Batch::default(), start }
        }

        fn read(&mut self, at_s: u64, held: u64, fill: &[fn(&mut Batch)]) -> Log {
            self.batch.clear();
            fill.iter().for_each(|fill| fill(&mut self.batch));
            self.health.read(&self.batch, held, false, self.start + Duration::from_secs(at_s))
        }

        fn told(&mut self, at_s: u64) -> Option<(FeedState, u64, Option<String>)> {
            let told = self.health.tell(self.start + Duration::from_secs(at_s))?;
            Some((told.state, told.errors, told.last_error))
        }
    }

    #[test]
    fn a_feed_is_up_from_its_first_report_and_down_when_nothing_can_be_read() {
        let mut case = Case::new();
        let lost = || Log::Lost(String::from("document: now is missing"));
        let error = || Some(String::from("document: now is missing"));
        assert_eq!(case.read(0, 0, &[bad]), Log::Nothing);
        assert_eq!(case.told(0), Some((FeedState::Connecting, 1, error())));
        assert_eq!(case.read(5, 0, &[bad]), lost());
        assert_eq!(case.told(5), Some((FeedState::Down, 2, error())));
        assert_eq!(case.read(6, 0, &[bad]), Log::Nothing, "once a loss");
        assert_eq!(case.told(6), None, "errors are told once a second at most");
        assert_eq!(case.read(7, 0, &[bad, report]), Log::Back);
        assert_eq!(case.told(7), Some((FeedState::Up, 4, error())), "an error beside a report is told");
        assert_eq!(case.read(8, 1, &[]), Log::Nothing);
        assert_eq!(case.read(9, 1, &[bad, bad]), Log::Nothing, "noise that looks like a record is no sign of life");
        assert_eq!(case.read(14, 0, &[bad]), lost());
        assert_eq!(case.read(15, 2, &[bad]), Log::Back);
    }

    #[test]
    fn bytes_that_make_no_record_take_a_feed_down_and_a_heartbeat_does_not() {
        for (bytes, state) in [(100, FeedState::Up), (2000, FeedState::Down)] {
            let mut case = Case::new();
            case.read(0, 0, &[report]);
            for at_s in 1..=10 {
                case.health.heard(bytes);
                case.read(at_s, 0, &[]);
            }
            assert_eq!(case.health.state, state, "{bytes} a second");
        }
    }

    #[test]
    fn a_connection_over_which_nothing_comes_is_not_up() {
        let mut case = Case::new();
        case.health.connected(case.start);
        assert_eq!(case.told(0), Some((FeedState::Connecting, 0, Some("connected, nothing read yet".into()))));
        assert_eq!(case.read(1, 0, &[]), Log::Nothing);
        assert_eq!(case.health.state, FeedState::Connecting);
        assert_eq!(case.read(1, 0, &[report]), Log::Nothing);
        assert_eq!(case.told(1), Some((FeedState::Up, 0, None)));
        assert_eq!(case.health.ended("closed".into()), Log::Lost("closed".into()));
        assert_eq!(case.health.ended("refused".into()), Log::Nothing);
        assert_eq!(case.told(1), Some((FeedState::Connecting, 0, Some("refused".into()))));
        assert_eq!(case.told(62).map(|t| t.0), Some(FeedState::Connecting), "told again after a minute");
    }

    #[test]
    fn what_a_recording_refused_stays_counted_at_its_end() {
        let mut case = Case::new();
        case.health.refused(3, Some("line 2: lat is missing".into()));
        assert_eq!(case.told(0), Some((FeedState::Connecting, 3, Some("line 2: lat is missing".into()))));
        case.health.played();
        assert_eq!(case.told(0), Some((FeedState::Down, 3, None)));
    }
}
