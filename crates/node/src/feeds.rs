//! Own feeds over a start. What a feed is told as (whose aircraft it brings, of what class, under which marking) decides what
//! the rules let out of it, as the rules themselves do; and it stands in the same file. So what may let out more of a feed's
//! aircraft waits for two people, and until then they are told as both the old and the new words allow.
use crate::input::{Boot, Claim, FeedConfig, FeedState, Output};
use crate::numbers::number_of;
use crate::picture::Source;
use crate::state::{Feed, State};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use release::{Label, Policy};
use units::Now;

impl Feed {
    /// Whether its aircraft may be told at all: a feed that two people have yet to agree to brings none that may.
    pub(crate) fn is_told(&self) -> bool {
        self.config.claim == Claim::Own && self.before.as_ref().is_none_or(|before| before.claim == Claim::Own)
    }
}

fn label(config: &FeedConfig) -> Label {
    Label { class: config.class, marking: config.marking }
}

/// Whether more may be told of a feed's aircraft under its new words.
fn widens(policy: &Policy, old: &FeedConfig, new: &FeedConfig) -> bool {
    match (old.claim, new.claim) {
        (_, Claim::Observed) => false,
        // Reports may state a class of their own.
        (Claim::Observed, Claim::Own) => {
            let of = |class| policy.label_widens(None, Label { class, marking: new.marking });
            units::AircraftClass::ALL.into_iter().any(of)
        }
        (Claim::Own, Claim::Own) => {
            policy.label_widens(Some(label(old)), label(new)) || policy.marking_widens(old.marking, new.marking)
        }
    }
}

impl State {
    /// Takes the feeds of a start. The first there ever were hold as they are, as the first rules do.
    pub(crate) fn take_feeds(&mut self, boot: &Boot, now: Now, out: &mut Vec<Output>) {
        let first = self.boot.is_none();
        let mut relabelled: BTreeSet<u16> = BTreeSet::new();
        let mut feeds = Vec::new();
        for config in &boot.feeds {
            let at = self.feeds.iter().position(|f| f.config.name == config.name);
            let old = at.and_then(|at| self.feeds.get(at));
            let agreed = match old {
                Some(feed) => Some(feed.before.as_ref().unwrap_or(&feed.config).clone()),
                None => (!first).then(|| FeedConfig { claim: Claim::Observed, ..config.clone() }),
            };
            let before = agreed.filter(|agreed| self.under_any_rules(|policy| widens(policy, agreed, config)));
            if old.is_some_and(|feed| feed.config != *config) {
                relabelled.extend(at.and_then(|at| u16::try_from(at).ok()));
            }
            feeds.push(Feed {
                config: config.clone(),
                state: FeedState::Connecting,
                reports: old.map_or(0, |f| f.reports),
                errors: old.map_or(0, |f| f.errors),
                last_error: None,
                last_report: None,
                since: now.mono,
                before,
            });
        }
        // What waits of their aircraft was allowed under the old words.
        let is = |source: Source| matches!(source, Source::Feed(feed) if relabelled.contains(&feed));
        let tracks = self.picture.iter().filter(|t| t.contributions.iter().any(|c| is(c.source)));
        let numbers: Vec<u64> = tracks.filter_map(number_of).collect();
        for peer in self.peers.values_mut() {
            numbers.iter().for_each(|number| peer.releaser.forget_waiting(*number));
        }
        self.feeds = feeds;
        self.ask_for_feeds(now, out);
    }

    /// Feeds that wait for two people, as they are to be.
    pub(crate) fn waiting_feeds(&self) -> Vec<FeedConfig> {
        self.feeds.iter().filter(|f| f.before.is_some()).map(|f| f.config.clone()).collect()
    }

    /// Feeds as two people agreed to them.
    pub(crate) fn agree_to_feeds(&mut self, agreed: &[FeedConfig]) {
        for feed in self.feeds.iter_mut().filter(|feed| agreed.contains(&feed.config)) {
            feed.before = None;
        }
    }

    /// What would be let out of them, a sentence each.
    pub(crate) fn wider_feeds(&self) -> Vec<String> {
        let word = |config: &FeedConfig| match config.claim {
            Claim::Observed => "released to nobody".to_string(),
            Claim::Own => {
                let marking = config.marking.map_or_else(|| "no marking".to_string(), |m| format!("marking {m}"));
                format!("class {}, {marking}", config.class.name())
            }
        };
        let of = |feed: &Feed| {
            let before = feed.before.as_ref()?;
            let (name, old, new) = (&feed.config.name, word(before), word(&feed.config));
            Some(format!("feed {name}: more of its aircraft may be let out as {new} than as {old}"))
        };
        self.feeds.iter().filter_map(of).collect()
    }
}
