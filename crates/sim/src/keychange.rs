//! Operators who replace keys, and thieves who use the old ones.
//!
//! TLS is modelled by its pins alone: a connection comes about if each side shows a key that the other knows as the peer's. A thief
//! has every key that a party had, also the one for TLS.
use crate::effects::THIEVES;
use crate::event::{Event, Step};
use crate::liars::forged;
use crate::parties;
use crate::world::{Party, Task, World};
use link::CloseCode;
use node::input::Input;
use pact::KeyReason;
use std::collections::{BTreeMap, BTreeSet};

/// Statements of a party in one run.
const SERIALS_MAX: u32 = 3;

/// Keys that somebody else has.
pub(crate) struct Theft {
    /// Whose they were.
    of: usize,
    /// By which statement of the owner.
    serial: u32,
    /// Open sessions by victim: number there, and connection.
    sessions: BTreeMap<usize, (u64, u64)>,
}

impl World {
    /// An operator stops a node, gives it new keys and starts it.
    pub(crate) fn rekey(&mut self, n: usize) {
        let Some(every) = self.swarm.rekeys_every.filter(|_| !self.quiet) else { return };
        let serial = match self.host(n) {
            None => return,
            Some(host) if host.serial >= SERIALS_MAX => return,
            Some(host) if !host.is_up() => return self.after(30_000, Task::Rekey(n)),
            Some(host) => host.serial + 1,
        };
        let reason = *self.random.pick(&[KeyReason::Stolen, KeyReason::Rotation]);
        let stolen = reason == KeyReason::Stolen;
        let statement = parties::statement(self.pact, &parties::name(n), serial, reason);
        self.note(n, Event::Step(Step::KeysReplaced), &format!("by statement {serial}, {}", reason.name()));
        let now = self.now;
        if let Some(host) = self.host(n) {
            host.stop(now);
            host.rekey(serial, statement.clone(), stolen);
        }
        self.hung_up(n);
        self.statements.push((n, statement));
        let number = self.statements.len() - 1;
        let wait = self.random.wait(5_000);
        self.after(wait, Task::Start(n));
        for to in (0..self.parties.len()).filter(|to| *to != n) {
            // After a theft it comes by hand, for the node itself is not let in; else now and then as well.
            if stolen || self.random.one_in(4) {
                self.soon(120_000, Task::Hand(to, number));
            }
        }
        if stolen {
            self.thefts.push(Theft { of: n, serial: serial - 1, sessions: BTreeMap::new() });
            // Mostly he comes when all have heard of it; at times at once.
            let wait = if self.random.one_in(4) { 1_000 } else { 600_000 };
            self.after(wait, Task::Thieve(self.thefts.len() - 1));
        }
        self.soon(every, Task::Rekey(n));
    }

    /// Two parties do not come together over keys that one does not know: before long somebody asks by voice, and the newest
    /// statement is brought. So it is where one replaced keys more than once while they were apart (K-11), and where one's
    /// data was set back.
    pub(crate) fn ask_for_keys(&mut self, a: usize, b: usize) {
        for (to, of) in [(a, b), (b, a)] {
            let Some(number) = self.statements.iter().rposition(|(party, _)| *party == of) else { continue };
            let (name, pact) = (parties::name(of), self.pact);
            let newest = self.host(of).map_or(0, |host| host.serial);
            let state = self.host(to).and_then(|host| host.state());
            let knows = state.map(|state| state.key_statement(&pact, &name).map_or(0, |statement| statement.serial));
            if knows.is_some_and(|serial| serial < newest) && self.random.one_in(12) {
                self.after(1, Task::Hand(to, number));
            }
        }
    }

    /// A person brings a statement to a desk.
    pub(crate) fn hand(&mut self, to: usize, number: usize) {
        if self.host(to).is_none() {
            return;
        }
        if !self.is_up(to) {
            return self.after(20_000, Task::Hand(to, number));
        }
        self.shared.trace.borrow_mut().count(Event::Step(Step::KeysHanded));
        let asked = self.people[to].hand(self.statements[number].1.clone());
        self.input(to, vec![asked]);
    }

    /// Whether a side knows a TLS key that the other shows. Hostile parties take any, and never change theirs.
    pub(crate) fn is_let_in(&self, by: usize, who: usize) -> bool {
        let (Party::Honest(by), Party::Honest(who)) = (&self.parties[by], &self.parties[who]) else { return true };
        let known = by.state().and_then(|state| state.keys_of(&who.name));
        known.is_some_and(|keys| who.offers.contains(&keys.tls_spki_sha256))
    }

    /// A thief tries to speak for the party whose keys he has.
    pub(crate) fn thieve(&mut self, k: usize) {
        if self.quiet {
            let open: Vec<u64> = self.thefts[k].sessions.values().map(|(_, conn)| *conn).collect();
            return open.into_iter().for_each(|conn| self.thief_ended(conn));
        }
        self.soon(40_000, Task::Thieve(k));
        let (of, serial) = (self.thefts[k].of, self.thefts[k].serial);
        let name = parties::name(of);
        let victims: Vec<usize> = (0..self.parties.len()).filter(|n| *n != of && self.is_up(*n)).collect();
        if victims.is_empty() {
            return;
        }
        let to = *self.random.pick(&victims);
        let is_talking = self.thefts[k].sessions.contains_key(&to);
        let (now, subject) = (self.now, self.random.next());
        let Party::Honest(host) = &self.parties[to] else { return };
        let Some(state) = host.state().filter(|_| !is_talking) else { return };
        let pin = state.keys_of(&name).map(|keys| keys.tls_spki_sha256);
        let knows = state.key_statement(&self.pact, &name).map_or(0, |statement| statement.serial);
        if pin != Some(parties::tls_pin(&name, serial)) {
            self.shared.trace.borrow_mut().count(Event::Step(Step::ThiefRefused));
            return;
        }
        if knows > serial {
            let text = format!("it would let in a thief with the keys before statement {knows} of {name}");
            return self.shared.trace.borrow_mut().violation(parties::name(to).as_str(), text);
        }
        let Some(link) = state.link(&name) else { return };
        let note = host.effects.note_to(&name);
        let frames = forged(&parties::keys_at(&name, serial), link, note, subject, now);
        let conn = THIEVES + self.thieves;
        self.thieves += 1;
        self.note(to, Event::Step(Step::ThiefBelieved), &format!("as {name}"));
        self.robbed.push((of.min(to), of.max(to)));
        self.shared.watch.borrow_mut().rob(of, to);
        let Some(host) = self.host(to) else { return };
        let session = host.attach(name.clone(), conn);
        self.thefts[k].sessions.insert(to, (session, conn));
        let mut inputs = vec![(Input::LinkUp { peer: name.clone(), session, pin: None }, None)];
        inputs.extend(frames.into_iter().map(|frame| (Input::LinkFrame { peer: name.clone(), session, frame }, None)));
        self.input(to, inputs);
    }

    /// A thief's connection is over: hung up by the victim, or by himself.
    pub(crate) fn thief_ended(&mut self, conn: u64) {
        let is_his = |theft: &Theft| theft.sessions.iter().find(|(_, (_, c))| *c == conn).map(|(to, (s, _))| (*to, *s));
        let found = self.thefts.iter().enumerate().find_map(|(k, theft)| Some((k, is_his(theft)?)));
        let Some((k, (to, session))) = found else { return };
        self.thefts[k].sessions.remove(&to);
        let name = parties::name(self.thefts[k].of);
        let serial = self.thefts[k].serial;
        let pact = self.pact;
        let knows = self.host(to).and_then(|host| host.state()?.key_statement(&pact, &name));
        if knows.is_some_and(|statement| statement.serial > serial) {
            self.note(to, Event::Step(Step::ThiefThrownOut), name.as_str());
        }
        if let Some(host) = self.host(to) {
            host.effects.detach(session);
        }
        self.input(to, vec![(Input::LinkDown { peer: name, session, reason: CloseCode::Ended }, None)]);
    }

    /// A node takes no inputs: what it is told in these sessions is not taken, and they end.
    pub(crate) fn thieves_not_accepted(&mut self, n: usize, sessions: &BTreeSet<u64>) {
        let of =
            |theft: &Theft| theft.sessions.get(&n).filter(|(session, _)| sessions.contains(session)).map(|(_, c)| *c);
        let ended: Vec<u64> = self.thefts.iter().filter_map(of).collect();
        ended.into_iter().for_each(|conn| self.thief_ended(conn));
    }

    /// A node died: thieves lose their connections to it as well.
    pub(crate) fn thieves_lost(&mut self, n: usize) {
        for theft in &mut self.thefts {
            theft.sessions.remove(&n);
        }
    }

    /// No thief talks on with a node that has heard of the theft.
    pub(crate) fn look_for_thieves(&mut self, n: usize) {
        for theft in &self.thefts {
            let Some((session, _)) = theft.sessions.get(&n) else { continue };
            let Party::Honest(host) = &self.parties[n] else { continue };
            let name = parties::name(theft.of);
            let knows = host.state().and_then(|state| state.key_statement(&self.pact, &name)).map_or(0, |s| s.serial);
            if knows > theft.serial && host.effects.has(*session) {
                let text = format!("a thief talks on as {name} after statement {knows}");
                self.shared.trace.borrow_mut().violation(host.name.as_str(), text);
            }
        }
    }

    /// Whether keys of a party were stolen.
    pub(crate) fn was_stolen(&self, n: usize) -> bool {
        self.thefts.iter().any(|theft| theft.of == n)
    }

    /// Whether a thief spoke between two parties, which ends their link.
    pub(crate) fn was_robbed(&self, a: usize, b: usize) -> bool {
        self.robbed.contains(&(a.min(b), a.max(b)))
    }
}
