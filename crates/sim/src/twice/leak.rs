//! Leaks planted on purpose, each by another way, to see that the comparison finds them. They are built round the node that
//! ships, as careless software beside it would be, so that the product carries no hook for them.
use super::setup::{NODE, covert};
use node::State;
use node::command::Command;
use node::input::Boot;
use record::DeskStatus;
use release::{Identity, Level, Policy, RecordClass, Rule};
use std::collections::BTreeMap;
use track::{Address, TrackReport};

kinds! {
    /// A leak.
    Leak {
        /// The rules that withhold are forgotten.
        Rule = "rule",
        /// The fold's time comes later when there is more to do.
        Time = "time",
        /// Everybody is told something because something withheld was filed.
        Answer = "answer",
        /// Withheld flights are numbered with the others: the numbers of the released tell how many came between.
        Number = "number",
        /// A text grows with the number of aircraft that are flown.
        Size = "size",
        /// When many alerts stand at the desk, conflicts are no longer told.
        Crowding = "crowding",
        /// Anonymous addresses are given out from one pool, and are used again.
        Pseudonym = "pseudonym",
        /// So many reports a second go out, whether they are released or not.
        Rate = "rate",
        /// There is room for so many aircraft, whether they are released or not.
        Room = "room",
        /// What is proposed holds before people agree.
        Proposal = "proposal",
    }
}

/// Aircraft for which the careless software has room.
const ROOM: usize = 6;
/// Reports a second that it lets through.
const PER_SECOND: usize = 6;
/// Alerts at which it stops telling of conflicts.
const ALERTS: usize = 3;

/// What stands between the node and what it is given.
pub struct Adapter {
    leak: Option<Leak>,
    known: BTreeMap<u64, usize>,
    second: (i64, usize),
}

/// What the leaking node is started with.
pub fn boot(mut boot: Boot, leak: Option<Leak>) -> Boot {
    boot.policy = leaky(boot.policy, leak);
    boot
}

fn leaky(mut policy: Policy, leak: Option<Leak>) -> Policy {
    for rules in policy.rules.values_mut() {
        let tracks = |rule: &Rule| rule.class == RecordClass::Tracks && rule.level == Level::Withheld;
        match leak {
            Some(Leak::Rule) => {
                rules.retain(|rule| rule.level != Level::Withheld);
                rules.push(Rule::new(RecordClass::Tracks, Level::Full));
            }
            // Nothing leaves within the hour; but there is a number for it.
            Some(Leak::Number) => {
                for rule in rules.iter_mut().filter(|rule| tracks(rule) && rule.marking != Some(covert())) {
                    rule.level = Level::Reduced { precision_mm: 0, delay_ms: 3_600_000, identity: Identity::Keep };
                }
            }
            _ => {}
        }
    }
    policy
}

impl Adapter {
    /// Of a leak, or none.
    pub fn new(leak: Option<Leak>) -> Self {
        Self { leak, known: BTreeMap::new(), second: (0, 0) }
    }

    /// By how much the fold is late when so many withheld inputs came.
    pub fn late_ms(&self, withheld: u64) -> u64 {
        if self.leak == Some(Leak::Time) { withheld.min(50) } else { 0 }
    }

    /// Whether everybody is told.
    pub fn answers(&self) -> bool {
        self.leak == Some(Leak::Answer)
    }

    /// Whether a proposal is agreed to by nobody.
    pub fn agrees(&self) -> bool {
        self.leak == Some(Leak::Proposal)
    }

    /// A report, as the node gets it.
    pub fn report(&mut self, mut report: TrackReport, _withheld: bool) -> Option<TrackReport> {
        let next = self.known.len();
        match self.leak {
            Some(Leak::Pseudonym) => {
                let n = *self.known.entry(report.local).or_insert(next);
                report.address = Address::icao(0x50_0000 + n as u32);
            }
            Some(Leak::Room) => {
                if next >= ROOM && !self.known.contains_key(&report.local) {
                    return None;
                }
                self.known.entry(report.local).or_insert(next);
            }
            Some(Leak::Rate) => {
                let second = report.at.0.div_euclid(1_000);
                if self.second.0 != second {
                    self.second = (second, 0);
                }
                self.second.1 += 1;
                if self.second.1 > PER_SECOND {
                    return None;
                }
            }
            _ => {}
        }
        Some(report)
    }

    /// A command, as the node gets it.
    pub fn command(&self, node: usize, state: &State, command: Command) -> Command {
        if node != NODE {
            return command;
        }
        match (command, self.leak) {
            (Command::SetPolicy { policy, replaces }, leak @ Some(Leak::Rule | Leak::Number)) => {
                Command::SetPolicy { policy: leaky(policy, leak), replaces }
            }
            (Command::StateDesk(status), Some(Leak::Size)) => {
                let view = state.view(state.now());
                let note = format!("{}{}", status.note, ".".repeat(view.tracks.len()));
                Command::StateDesk(DeskStatus { note, ..status })
            }
            (command, _) => command,
        }
    }

    /// Rules that are to be put in force, if the careless software finds so many alerts at the desk.
    pub fn reacts(&self, state: &State) -> Option<Command> {
        if self.leak != Some(Leak::Crowding) {
            return None;
        }
        let view = state.view(state.now());
        let mut policy = view.policy;
        let conflicts = |rule: &Rule| rule.class == RecordClass::Conflicts && rule.level == Level::Full;
        let any = policy.rules.values().flatten().any(conflicts);
        if view.alerts.len() < ALERTS || !any {
            return None;
        }
        policy.rules.values_mut().for_each(|rules| rules.retain(|rule| !conflicts(rule)));
        Some(Command::SetPolicy { policy, replaces: None })
    }
}
