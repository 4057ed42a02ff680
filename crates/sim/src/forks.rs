//! Checkpoints among parties (`spec/link.md`, section 9): a history shown to a third party is found by the party that was told
//! another, in time and with both notes; and nobody is accused of what he did not sign.
use crate::event::{Event, Excused, Step};
use crate::parties;
use crate::world::{Party, Task, World};
use link::Frame;
use node::view::{LinkStatus, View};

/// Checkpoints are shown once in so long (`link`).
const PERIOD_MS: u64 = 5_000;
/// Within two periods, each at a tick; and what the slowest path and two batches take.
const SLACK_MS: u64 = 3_000;

/// Another history that a third party was shown.
pub(crate) struct Shown {
    at: u64,
    owner: usize,
    /// To whom the log is.
    told: usize,
    /// To whom the other history was shown.
    third: usize,
    size: u64,
    /// It was of the newest size that the addressee had verified.
    newest: bool,
}

impl World {
    /// A hostile party's frame arrives at an honest one: remembers whether it shows another history than was told.
    pub(crate) fn heard_of(&mut self, owner: usize, third: usize, frame: &[u8]) {
        if !matches!(self.parties[owner], Party::Hostile(_)) || frame.get(1) != Some(&7) {
            return;
        }
        let Ok(Frame::Checkpoints(notes)) = Frame::decode(frame) else { return };
        let up = |n: usize, peer: usize| {
            let Party::Honest(host) = &self.parties[n] else { return false };
            let link = host.state().and_then(|state| Some(state.link(&parties::name(peer))?.view(state.now()).state));
            link == Some(link::LinkState::Up)
        };
        if !up(third, owner) {
            return;
        }
        let mut found = Vec::new();
        for note in notes.iter().filter_map(|note| std::str::from_utf8(note).ok()) {
            let mut lines = note.lines();
            let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else { continue };
            let told = (0..self.parties.len()).find(|to| {
                origin.starts_with(&format!("skypact.link/{}/{}/", parties::name(owner), parties::name(*to)))
            });
            let (Some(told), Ok(size)) = (told.filter(|told| *told != third), size.parse()) else { continue };
            let Party::Honest(host) = &self.parties[told] else { continue };
            let Some((known, newest)) = self.shared.watch.borrow().accepted(owner, told, size) else { continue };
            if tlog::Hash::from_base64(root).is_ok_and(|root| root.0 == known) {
                continue;
            }
            let is_frozen = host.state().and_then(|state| {
                let link = state.link(&parties::name(owner))?;
                Some(matches!(link.view(state.now()).state, link::LinkState::Frozen(_)))
            });
            if is_frozen != Some(false) {
                self.shared.trace.borrow_mut().count(Event::Excused(Excused::ForkFrozen));
                continue;
            }
            found.push(Shown { at: self.now, owner, told, third, size, newest: newest == size });
        }
        for shown in found {
            self.forks.push(shown);
            let wait = 2 * (PERIOD_MS + self.swarm.tick_ms) + SLACK_MS;
            self.after(wait, Task::Fork(self.forks.len() - 1));
        }
    }

    /// The time within which a fork is to be found is over.
    pub(crate) fn fork_due(&mut self, k: usize) {
        let Shown { at, owner, told, third, size, newest } = self.forks[k];
        let well = |n: usize| match &self.parties[n] {
            Party::Honest(host) => host.is_up() && host.started <= at && host.troubled <= at,
            Party::Hostile(_) => false,
        };
        let both = well(told) && well(third);
        let conns = self.net.between(told, third);
        let open = conns
            .into_iter()
            .any(|conn| self.net.conn(conn).is_some_and(|c| c.began + 1_000 < at && c.ends.iter().all(|end| end.open)));
        let path = self.net.is_calm_since(told, third, at);
        let now = self.now;
        let view = self.host(told).and_then(|host| host.view(now));
        let trace = &mut self.shared.trace.borrow_mut();
        let Some(view) = view.filter(|_| both && open && path) else {
            return trace.count(Event::Excused(Excused::ForkPath));
        };
        let name = parties::name(owner);
        let Some(seen) = view.peers.iter().find(|p| p.party == name) else { return };
        let both_notes = || {
            let fork = seen.forks.iter().find(|fork| fork.to == parties::name(told) && fork.size == size);
            fork.is_some_and(|fork| fork.notes[0] != fork.notes[1])
        };
        // What was told meanwhile may be all that is kept of the history that was told.
        let still = self.shared.watch.borrow().accepted(owner, told, size).is_some_and(|(_, newest)| newest == size);
        let who = parties::name(told);
        if seen.link != LinkStatus::Frozen {
            let third = parties::name(third);
            trace
                .violation(who.as_str(), format!("FORK NOT FOUND: {name} showed {third} another root for size {size}"));
        } else if newest && still && !both_notes() {
            trace.violation(
                who.as_str(),
                format!("the fork of {name} at size {size} is found, and not both notes kept"),
            );
        } else {
            trace.count(Event::Step(Step::ForkFound));
        }
    }

    /// An honest party is accused by nobody; what proves a fork are two notes of one log and size.
    pub(crate) fn look_at_forks(&self, n: usize, view: &View) {
        let trace = &mut self.shared.trace.borrow_mut();
        let who = parties::name(n);
        for (accused, party) in self.parties.iter().enumerate() {
            let name = parties::name(accused);
            let Some(seen) = view.peers.iter().find(|p| p.party == name) else { continue };
            for fork in &seen.forks {
                let head = |note: &str| {
                    let mut lines = note.lines().map(str::to_string);
                    (lines.next(), lines.next(), lines.next())
                };
                let (one, other) = (head(&fork.notes[0]), head(&fork.notes[1]));
                if one.0 != other.0 || one.1 != other.1 || one.2 == other.2 {
                    trace.violation(who.as_str(), format!("what is shown as a fork of {name} is none"));
                }
                let Party::Honest(host) = party else { continue };
                if host.damaged || self.robbed.iter().any(|(a, b)| *a == accused || *b == accused) {
                    trace.count(Event::Excused(Excused::Accused));
                } else {
                    trace.violation(who.as_str(), format!("{name} is shown as having signed two histories"));
                }
            }
        }
    }
}
