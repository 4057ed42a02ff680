//! The audit: what was asked, by whom, and what came of it.
use crate::command::{Actor, Answer};
use crate::state::State;
use alloc::string::{String, ToString};
use minicbor::{Decode, Encode};
use units::{Now, Utc};

/// Rows kept for the audit view; everything stands in the journal.
pub(crate) const AUDIT_MAX: usize = 1000;
/// Of these, what was refused: however much somebody asks in vain, what was done is not pushed out.
pub(crate) const REFUSED_MAX: usize = 500;
/// Refused rows of one actor.
pub(crate) const REFUSED_PER_ACTOR: usize = 50;
/// Answers kept for repeated idempotency keys: at ten commands a second, more than a minute of retries.
const ANSWERS_MAX: usize = 1000;
/// What is refused alike within this of the last time is counted and makes no row of its own.
const ALIKE_MS: i64 = 1000;
/// What a command that was done is answered.
const OK: &str = "ok";

/// What was asked, as journaled.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct AuditRow {
    /// Sequence number.
    #[n(0)]
    pub seq: u64,
    /// When.
    #[n(1)]
    pub utc: Utc,
    /// Who.
    #[n(2)]
    pub actor: crate::command::Actor,
    /// Command's name.
    #[n(3)]
    pub command: String,
    /// `ok`, or the refusal's text.
    #[n(4)]
    pub answer: String,
    /// How often it was refused alike within a second of the last time; 1 for what was done.
    #[n(5)]
    pub times: u32,
    /// The last of these times.
    #[n(6)]
    pub last: Utc,
}

impl State {
    pub(crate) fn account_answer(&mut self, actor: &str, key: &str, answer: &Answer) {
        let answers = if self.said.is_empty() { &mut self.answers } else { &mut self.answers_said };
        if answers.len() >= ANSWERS_MAX {
            answers.pop_front();
        }
        answers.push_back((actor.to_string(), key.to_string(), answer.clone()));
    }

    pub(crate) fn answered(&self, actor: &str, key: &str) -> Option<&Answer> {
        let mut all = self.answers_said.iter().chain(&self.answers);
        all.find(|(a, k, _)| a == actor && k == key).map(|(.., answer)| answer)
    }

    /// Notes a command that was done.
    pub(crate) fn done(&mut self, actor: &Actor, command: &str, now: Now) {
        self.row(actor, command, OK.to_string(), 1, now);
    }

    /// Notes what was refused, in the fold or before it.
    pub(crate) fn attempted(&mut self, actor: &Actor, command: &str, refused: &str, times: u32, now: Now) {
        let alike = |r: &&mut AuditRow| r.actor == *actor && r.command == command && r.answer == refused;
        let last = self.audit.iter_mut().rev().find(alike);
        if let Some(row) = last.filter(|row| now.utc.since_ms(row.last) <= ALIKE_MS) {
            (row.times, row.last) = (row.times.saturating_add(times), now.utc);
            return;
        }
        let of_actor = |r: &AuditRow| r.answer != OK && r.actor.name == actor.name;
        self.make_room(REFUSED_PER_ACTOR, of_actor);
        self.make_room(REFUSED_MAX, |r| r.answer != OK);
        self.row(actor, command, refused.to_string(), times, now);
    }

    fn row(&mut self, actor: &Actor, command: &str, answer: String, times: u32, now: Now) {
        self.make_room(AUDIT_MAX, |_| true);
        self.audit.push_back(AuditRow {
            seq: self.seq,
            utc: now.utc,
            actor: actor.clone(),
            command: command.to_string(),
            answer,
            times,
            last: now.utc,
        });
    }

    /// Takes the oldest row of these away if there are `max` of them.
    fn make_room(&mut self, max: usize, of: impl Fn(&AuditRow) -> bool) {
        if self.audit.iter().filter(|r| of(r)).count() < max {
            return;
        }
        if let Some(oldest) = self.audit.iter().position(of) {
            self.audit.remove(oldest);
        }
    }
}
