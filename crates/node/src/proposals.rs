//! Wider release rules need two people: what would let out more waits as a proposal until another account confirms it. Until
//! then nothing of it holds, not even what in it lets out less: whoever could put half of a change in force alone, and take it
//! back, would learn or tell with each try on which side of a new border something is. What lets out less and nothing else
//! holds at once. The desk is told while one waits, and for a while of every change.
use crate::command::{Actor, Answer, Done, Refused};
use crate::input::{FeedConfig, Output};
use crate::situation::{Present, sentence};
use crate::state::State;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertLevel, OwnTrouble, Situation};
use minicbor::{Decode, Encode};
use record::{PartyId, Role};
use release::{Policy, Rule};
use units::{Mono, Now, Utc};

/// People it takes to let out more.
pub const PEOPLE: usize = 2;
/// A proposal that nobody confirmed for a day is void: the second person agrees to the day's situation, not to last week's.
pub const PROPOSAL_MS: u64 = 24 * 3600 * 1000;
/// Rules remembered as put in force since the start, to know those of the file again.
const RULES_SEEN_MAX: usize = 20;
/// A change of the rules is said to the desk for this long: a watch looks at its alerts more often.
const SAID_FOR_MS: i64 = 600_000;
/// Who proposes what a changed file says.
pub const FILE: &str = "file";

/// Rules that would let out more than those in force.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Proposal {
    /// Number, never used twice.
    #[n(0)]
    pub id: u64,
    /// The rules, whole.
    #[n(1)]
    pub rules: BTreeMap<PartyId, Vec<Rule>>,
    /// Who proposed them: an account, `node` for the operator at the command line, or [`FILE`].
    #[n(2)]
    pub by: String,
    /// Accounts of people who agreed, the proposer first if it is one.
    #[n(3)]
    pub agreed: Vec<String>,
    /// When it was made.
    #[n(4)]
    pub at: Utc,
    /// When it ends.
    #[n(5)]
    pub ends: Mono,
    /// The same in UTC, for people.
    #[n(6)]
    pub ends_utc: Utc,
    /// What would be let out that is not now, a sentence a peer.
    #[n(7)]
    pub wider: Vec<String>,
    /// Feeds of the file whose aircraft would be told otherwise.
    #[n(8)]
    #[cbor(default)]
    pub feeds: Vec<FeedConfig>,
}

impl Proposal {
    /// Accounts that must still agree.
    #[must_use]
    pub fn missing(&self) -> usize {
        PEOPLE.saturating_sub(self.agreed.len())
    }
}

impl State {
    pub(crate) fn set_policy(
        &mut self,
        actor: &Actor,
        policy: &Policy,
        replaces: Option<u32>,
        now: Now,
        out: &mut Vec<Output>,
    ) -> Answer {
        if let Some(given) = replaces.filter(|given| *given != self.policy.revision) {
            return Err(Refused::Changed { now: self.policy.revision, given });
        }
        let invalid = |reason: String| Refused::Invalid { field: "release".into(), reason };
        policy.check().map_err(|e| invalid(e.to_string()))?;
        let listed = &self.boot.as_ref().map(|b| b.markings.as_slice()).unwrap_or_default();
        let marking = policy.rules.values().flatten().filter_map(|r| r.marking).find(|m| !listed.contains(m));
        if let Some(marking) = marking {
            return Err(invalid(format!("{marking} is no marking of this node")));
        }
        let before = self.policy.rules.clone();
        let proposed = self.propose(&actor.name, &policy.rules, now);
        if proposed.is_none() {
            self.put_in_force(policy.rules.clone(), false);
            self.news(&format!("changed by {}", actor.name), now);
            self.ask_for_feeds(now, out);
        }
        self.tell_where_changed(&before, now, out);
        Ok(proposed.unwrap_or(Done::Ok))
    }

    fn tell_where_changed(&mut self, before: &BTreeMap<PartyId, Vec<Rule>>, now: Now, out: &mut Vec<Output>) {
        let rules = &self.policy.rules;
        let changed = self.everybody().into_iter().filter(|name| rules.get(name) != before.get(name)).collect();
        self.tell_again(&changed, now, out);
    }

    /// Notes for the desk how the rules in force came about.
    fn news(&mut self, how: &str, now: Now) {
        self.rules_news =
            Some((now.utc, format!("Release rules {how}: revision {} is in force", self.policy.revision)));
    }

    /// Proposes what a changed file says of feeds, if nothing else waits.
    pub(crate) fn ask_for_feeds(&mut self, now: Now, out: &mut Vec<Output>) {
        let feeds = self.waiting_feeds();
        match &self.proposal {
            // Who agreed did so to what the file said then.
            Some(proposal) if proposal.by == FILE && proposal.feeds != feeds => {
                let waited = self.proposal.take();
                if let Some(rules) = waited.map(|p| p.rules).filter(|rules| *rules != self.policy.rules) {
                    self.propose(FILE, &rules, now);
                }
            }
            Some(_) => return,
            None => {}
        }
        if feeds.is_empty() || self.proposal.is_some() {
            return;
        }
        let rules = self.policy.rules.clone();
        let id = self.hold_proposal(FILE, &rules, Vec::new(), now).id;
        out.push(Output::Log(format!(
            "what the file says of feeds would let out more of their aircraft: two people must agree to proposal {id}; until then \
             they are told as both the old and the new words allow"
        )));
    }

    fn hold_proposal(
        &mut self,
        by: &str,
        rules: &BTreeMap<PartyId, Vec<Rule>>,
        mut wider: Vec<String>,
        now: Now,
    ) -> &Proposal {
        self.proposals += 1;
        let feeds = if by == FILE { self.waiting_feeds() } else { Vec::new() };
        if by == FILE {
            wider.extend(self.wider_feeds());
        }
        let agreed = if self.is_person(by) { alloc::vec![by.to_string()] } else { Vec::new() };
        self.proposal.insert(Proposal {
            id: self.proposals,
            rules: rules.clone(),
            by: by.to_string(),
            agreed,
            at: now.utc,
            ends: now.mono.plus_ms(PROPOSAL_MS),
            ends_utc: now.utc.plus_ms(PROPOSAL_MS as i64),
            wider,
            feeds,
        })
    }

    /// Holds what concerns the release rules: that they wait for people, or that they were changed.
    pub(crate) fn check_rules(&mut self, present: &mut Present, now: Now) {
        let text = match (&self.proposal, &self.rules_news) {
            (Some(p), _) => {
                format!(
                    "Release rules proposed by {} wait for {} more to agree (proposal {}), and nothing of them holds: revision {} is in \
                     force",
                    p.by,
                    p.missing(),
                    p.id,
                    self.policy.revision
                )
            }
            (None, Some((at, text))) if now.utc.since_ms(*at) < SAID_FOR_MS => text.clone(),
            (None, _) => {
                self.rules_news = None;
                return;
            }
        };
        let rules = Situation::Own(OwnTrouble::Rules);
        self.hold(rules.clone(), AlertLevel::Caution, sentence(text), now);
        present.insert(rules);
    }

    /// Holds rules as a proposal if they would let out more.
    fn propose(&mut self, by: &str, rules: &BTreeMap<PartyId, Vec<Rule>>, now: Now) -> Option<Done> {
        // What waited is overtaken.
        self.proposal = None;
        let new = Policy { revision: self.policy.revision, rules: rules.clone() };
        let wider = self.policy.widenings(&new);
        if wider.is_empty() {
            return None;
        }
        let say = |w: &release::Widening| {
            let over = w.over.map_or_else(|| "nothing".to_string(), |rule| format!("rule {}", rule + 1));
            format!("to {}: rule {} may let out more than {over} of those in force before", w.peer, w.rule + 1)
        };
        let proposal = self.hold_proposal(by, rules, wider.iter().map(say).collect(), now);
        Some(Done::Proposed { id: proposal.id, missing: proposal.missing() as u32 })
    }

    /// A person signs in with a password of his own. A program's token and the operator's are nobody: who can read the
    /// node's files has them, and would be two with an account beside. Nor is an account of the file's name, as there may be in old
    /// data: who writes the file would have agreed.
    fn is_person(&self, name: &str) -> bool {
        name != FILE && self.accounts.get(name).is_some_and(|a| a.role == Role::Administrator && a.password.is_some())
    }

    pub(crate) fn confirm_policy(&mut self, actor: &Actor, id: u64, now: Now, out: &mut Vec<Output>) -> Answer {
        let person = self.is_person(&actor.name);
        let Some(proposal) = self.proposal.as_mut().filter(|p| p.id == id) else { return Err(no_proposal(id)) };
        if !person {
            let reason = "an administrator with a password must sign in to agree".to_string();
            return Err(Refused::Invalid { field: "account".into(), reason });
        }
        if proposal.agreed.contains(&actor.name) {
            return Err(Refused::Already { what: format!("agreed by {}: it takes another person", actor.name) });
        }
        proposal.agreed.push(actor.name.clone());
        // Of an account that has gone since, or lost its role, nobody stands behind the word.
        let agreed = proposal.agreed.clone();
        let standing: Vec<String> = agreed.into_iter().filter(|name| self.is_person(name)).collect();
        let Some(proposal) = self.proposal.as_mut() else { return Err(no_proposal(id)) };
        proposal.agreed = standing;
        let missing = proposal.missing();
        if missing > 0 {
            return Ok(Done::Proposed { id, missing: missing as u32 });
        }
        let (rules, feeds, by) = (proposal.rules.clone(), proposal.feeds.clone(), proposal.by.clone());
        let before = self.policy.rules.clone();
        if rules == before {
            self.proposal = None;
        } else {
            self.put_in_force(rules, true);
        }
        self.agree_to_feeds(&feeds);
        self.news(&format!("proposed by {by} were agreed to, last by {}", actor.name), now);
        self.ask_for_feeds(now, out);
        self.tell_where_changed(&before, now, out);
        Ok(Done::Ok)
    }

    pub(crate) fn reject_policy(&mut self, actor: &Actor, id: u64, now: Now, out: &mut Vec<Output>) -> Answer {
        if self.proposal.as_ref().is_none_or(|p| p.id != id) {
            return Err(no_proposal(id));
        }
        self.ended(&format!("refused by {}", actor.name), now, out);
        Ok(Done::Ok)
    }

    /// A proposal came to nothing.
    fn ended(&mut self, how: &str, now: Now, out: &mut Vec<Output>) {
        let Some(proposal) = self.proposal.take() else { return };
        self.news(&format!("proposed by {} are void ({how})", proposal.by), now);
        let (by, revision) = (&proposal.by, self.policy.revision);
        out.push(Output::Log(format!(
            "release rules proposed by {by} are void ({how}): revision {revision} stays in force"
        )));
        if proposal.feeds.is_empty() {
            self.ask_for_feeds(now, out);
        }
    }

    fn put_in_force(&mut self, rules: BTreeMap<PartyId, Vec<Rule>>, agreed: bool) {
        self.proposal = None;
        self.enforce(rules.clone(), agreed);
        self.rules_seen.push(rules);
        if self.rules_seen.len() > RULES_SEEN_MAX {
            // The first are the file's at the start.
            self.rules_seen.remove(1);
        }
    }

    /// A proposal ends by itself.
    pub(crate) fn end_proposal(&mut self, now: Now, out: &mut Vec<Output>) {
        if self.proposal.as_ref().is_some_and(|p| p.ends <= now.mono) {
            self.ended("not agreed to in time", now, out);
        }
    }

    /// What a person changed in the file since the last start is the newest order there is, unless those rules were put in
    /// force from it while the node ran. What was ordered then stays in force as long as the file stays as it was. A file
    /// that would let out more is nobody's word but that of who can write it: two people must agree.
    pub(crate) fn take_rules(&mut self, rules: &BTreeMap<PartyId, Vec<Rule>>, now: Now, out: &mut Vec<Output>) -> bool {
        let known = self.boot.is_none() || self.rules_seen.contains(rules);
        self.rules_seen = alloc::vec![rules.clone()];
        self.remember_first();
        if self.policy.rules == *rules {
            return false;
        }
        let said = if known {
            "the release rules in force were set while the node ran, and are not those of the file"
        } else if let Some(Done::Proposed { id, .. }) = self.propose(FILE, rules, now) {
            let line = format!(
                "the file's release rules would let out more: two people must agree to proposal {id}; until then nothing of \
                 them holds, and revision {} stays in force",
                self.policy.revision
            );
            out.push(Output::Log(line));
            return false;
        } else {
            self.enforce(rules.clone(), false);
            self.news("changed in the file", now);
            "the file's release rules were changed and are in force"
        };
        out.push(Output::Log(format!("{said}: revision {}", self.policy.revision)));
        !known
    }

    /// Which rules of each peer hold at this second. Plans and sites are told anew to those for whom that changed, also over a
    /// restart.
    pub(crate) fn rules_turned(&mut self, now: Now) -> BTreeSet<PartyId> {
        let holding: BTreeMap<PartyId, Vec<bool>> = self
            .policy
            .rules
            .iter()
            .filter(|(_, rules)| rules.iter().any(|r| r.when.is_some()))
            .map(|(peer, rules)| (peer.clone(), rules.iter().map(|r| r.holds_at(now.utc)).collect()))
            .collect();
        let was = core::mem::replace(&mut self.holding, holding);
        self.everybody().into_iter().filter(|name| was.get(name) != self.holding.get(name)).collect()
    }
}

fn no_proposal(id: u64) -> Refused {
    Refused::NoSuch { what: "proposal".into(), given: id.to_string() }
}
