//! Who dials, waits and hangs up: the dialling task of the binary, written again for virtual time.
use crate::event::{Event, Step};
use crate::parties;
use crate::world::{Party, Task, World};
use link::CloseCode;
use node::input::Input;

/// First and longest wait of a dialler, and the wait when a person must act (`spec/link.md` S-3).
const BACKOFF: (u64, u64) = (500, 10_000);
const PERSON_BACKOFF: u64 = 60_000;
/// HTTP/2 pings; two that are not answered end a connection.
const PING_EVERY: u64 = 5_000;

/// A dialler.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Dialler {
    wait: u64,
    /// Attempts of an earlier turn are void.
    turn: u64,
}

impl World {
    /// A dialler begins anew.
    pub(crate) fn dial_again(&mut self, a: usize, b: usize, wait: u64) {
        let dialler = self.diallers.entry((a, b)).or_default();
        dialler.turn += 1;
        if wait == 0 {
            dialler.wait = BACKOFF.0;
        }
        let turn = dialler.turn;
        self.after(wait + 1, Task::Dial(a, b, turn));
    }

    pub(crate) fn dial(&mut self, a: usize, b: usize, turn: u64) {
        if self.diallers.get(&(a, b)).map(|d| d.turn) != Some(turn) || !self.is_up(a) {
            return;
        }
        let has = self
            .net
            .of(a)
            .into_iter()
            .any(|(conn, side)| side == 0 && self.net.conn(conn).is_some_and(|c| c.ends[1].node == b));
        if has {
            return;
        }
        if !self.is_up(b) || !self.net.is_open(a, b, self.now) {
            return self.redial(a, b, self.now);
        }
        if !self.is_let_in(a, b) || !self.is_let_in(b, a) {
            self.shared.trace.borrow_mut().count(Event::Step(Step::TlsRefused));
            self.ask_for_keys(a, b);
            return self.redial(a, b, self.now);
        }
        let conn = self.net.connect(a, b, self.now);
        self.after(PING_EVERY, Task::Ping(conn));
        // The side that listens knows first.
        for (side, me, peer) in [(1, b, a), (0, a, b)] {
            let session = match &mut self.parties[me] {
                Party::Honest(host) => host.attach(parties::name(peer), conn),
                Party::Hostile(_) => 0,
            };
            if let Some(conn) = self.net.conn(conn) {
                conn.ends[side].session = session;
            }
            match &mut self.parties[me] {
                Party::Honest(_) => {
                    self.shared.trace.borrow_mut().count(Event::Step(Step::SessionUp));
                    self.input(me, vec![(Input::LinkUp { peer: parties::name(peer), session, pin: None }, None)]);
                }
                Party::Hostile(liar) => {
                    let says = liar.connected(peer, &mut self.shared.trace.borrow_mut());
                    self.says(conn, me, says);
                }
            }
        }
    }

    /// Waits as the binary's dialler does, and tries again.
    fn redial(&mut self, a: usize, b: usize, began: u64) {
        let needs_person = self.host(a).and_then(|host| host.state()).is_some_and(|state| {
            let end = state.link(&parties::name(b)).and_then(|link| link.view(state.now()).last_end);
            end.is_some_and(|end| end.code.needs_person())
        });
        if needs_person {
            self.ask_for_keys(a, b);
        }
        let dialler = self.diallers.entry((a, b)).or_default();
        if self.now - began > BACKOFF.1 || dialler.wait == 0 {
            dialler.wait = BACKOFF.0;
        }
        let wait = dialler.wait;
        dialler.wait = (wait * 2).min(BACKOFF.1);
        let wait = if needs_person { PERSON_BACKOFF } else { self.random.between(wait / 2, wait) };
        self.dial_again(a, b, wait.max(1));
    }

    pub(crate) fn ping(&mut self, conn: u64) {
        let now = self.now;
        let Some(ends) = self.net.conn(conn).map(|c| c.ends) else { return };
        let answered = self.net.is_open(ends[0].node, ends[1].node, now) && ends.iter().all(|end| self.is_up(end.node));
        let Some(at) = self.net.conn(conn) else { return };
        at.missed = if answered { 0 } else { at.missed + 1 };
        if at.missed >= 2 {
            self.shared.trace.borrow_mut().count(Event::Step(Step::PathDead));
            for side in 0..2 {
                self.lost(conn, side);
            }
            return;
        }
        self.after(PING_EVERY, Task::Ping(conn));
    }

    /// A side learns that a connection is over.
    pub(crate) fn lost(&mut self, conn: u64, side: usize) {
        self.hang_up(conn, side, CloseCode::Ended);
    }

    pub(crate) fn hang_up(&mut self, conn: u64, side: usize, reason: CloseCode) {
        let Some(at) = self.net.conn(conn) else { return };
        if !std::mem::replace(&mut at.ends[side].open, false) {
            return;
        }
        let (end, other, began) = (at.ends[side], at.ends[1 - side], at.began);
        if !other.open {
            self.net.forget(conn);
        }
        match &mut self.parties[end.node] {
            Party::Honest(host) => {
                host.effects.detach(end.session);
                self.shared.trace.borrow_mut().count(Event::Step(Step::SessionDown));
                let peer = parties::name(other.node);
                self.input(end.node, vec![(Input::LinkDown { peer, session: end.session, reason }, None)]);
            }
            Party::Hostile(liar) => liar.ended(other.node),
        }
        if side == 0 {
            self.redial(end.node, other.node, began);
        }
    }
}
