//! Trouble of our own: feeds that are lost, inputs that were not recorded.
use crate::input::{Claim, FeedState};
use crate::situation::{Present, sentence};
use crate::state::{Feed, State};
use alloc::format;
use alloc::string::String;
use desk::{AlertLevel, OwnTrouble, Situation};
use units::Now;

/// A feed that cannot be reached for this long is lost: a restart of a receiver's program takes less.
const FEED_LOST_AFTER_MS: u64 = 10_000;

/// Trouble that is over is said for this long: a watch looks at its alerts more often.
const SAID_FOR_MS: i64 = 600_000;

impl State {
    /// A feed that is not there: what it would show is missing, and nobody sees what is missing.
    pub(crate) fn check_feeds(&mut self, present: &mut Present, now: Now) {
        let is_lost = |f: &&Feed| match f.state {
            FeedState::Up => false,
            FeedState::Connecting => now.mono.since_ms(f.since) > FEED_LOST_AFTER_MS,
            // A recording that was played to its end is no loss.
            FeedState::Down => f.last_error.is_some(),
        };
        let mut lost = self.feeds.iter().filter(is_lost).peekable();
        if lost.peek().is_none() {
            return;
        }
        let mut level = AlertLevel::Caution;
        let mut text = String::new();
        for feed in lost {
            let (what, of) = match feed.config.claim {
                Claim::Own => ("own aircraft may be missing", AlertLevel::Warning),
                Claim::Observed => ("unclaimed aircraft may be missing", AlertLevel::Caution),
            };
            level = level.max(of);
            let why = feed.last_error.as_deref().unwrap_or("no connection");
            let gap = if text.is_empty() { "" } else { " " };
            text = format!("{text}{gap}Feed {} is lost, {what}: {why}.", feed.config.name);
        }
        let picture = Situation::Own(OwnTrouble::Picture);
        self.hold(picture.clone(), level, sentence(text), now);
        present.insert(picture);
    }

    pub(crate) fn check_gap(&mut self, present: &mut Present, now: Now) {
        let Some((dropped, since_utc_ms)) = self.gap else { return };
        if now.utc.0 - since_utc_ms > SAID_FOR_MS {
            self.gap = None;
            return;
        }
        let text = format!("The disk was full: {dropped} inputs were shown but not recorded");
        let gap = Situation::Own(OwnTrouble::Gap);
        self.hold(gap.clone(), AlertLevel::Caution, sentence(text), now);
        present.insert(gap);
    }

    /// An input that made the fold fail was skipped: what it said is not in the picture, and somebody must mend the program.
    pub(crate) fn check_skipped(&mut self, present: &mut Present, now: Now) {
        let Some((seq, at)) = self.skipped else { return };
        if now.utc.since_ms(at) > SAID_FOR_MS {
            self.skipped = None;
            return;
        }
        let text = format!("Input {seq} could not be processed and was skipped: see the log, and report it");
        let skipped = Situation::Own(OwnTrouble::Skipped);
        self.hold(skipped.clone(), AlertLevel::Warning, sentence(text), now);
        present.insert(skipped);
    }
}
