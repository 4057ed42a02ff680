//! The end of a run: faults cease, everything must be told within bounded time, and both sides must agree.
use crate::check::{Told, settled, shared, unsettled};
use crate::event::{Event, Excused, Step};
use crate::host::Host;
use crate::parties;
use crate::trace::Trace;
use crate::world::{Party, Task, World};
use link::{CloseCode, LinkState};
use node::view::{LinkStatus, View};

/// A frame that was altered freezes a link within this, if it is not an entry: it is read, or the connection ends, before.
const FREEZES_MS: u64 = 120_000;

impl World {
    /// The faults end, the machines are repaired.
    pub(crate) fn calm(&mut self) {
        self.quiet = true;
        self.net.heal();
        for n in 0..self.parties.len() {
            self.read_errors[n] = false;
            if let Some(host) = self.host(n) {
                host.disk.heal();
                host.disk.set_capacity(faults::NO_LIMIT);
                host.effects.dies = None;
                // Clocks are set right, which is one more jump.
                host.moved |= (host.offset_ms, host.drift_ppm) != (0, 0);
                (host.offset_ms, host.drift_ppm) = (0, 0);
                self.after(1, Task::Start(n));
            }
        }
        // What was not answered is asked again, once all is well; and traffic goes on, so that there is a picture to share.
        self.until(self.now + 60_000);
        self.still = true;
        for n in 0..self.parties.len() {
            let trace = self.shared.trace.clone();
            if self.is_up(n) && self.host(n).is_some() {
                let again = self.people[n].ask_again(&mut trace.borrow_mut());
                self.input(n, again);
                if let Party::Honest(host) = &mut self.parties[n] {
                    let last = self.people[n].conclude(&mut host.effects.oracle);
                    self.input(n, last.into_iter().collect());
                }
            }
        }
    }

    /// Why a link between two honest parties that is not settled need not be: it stands still for good, and the run injected
    /// a cause of that.
    fn excused(&self, a: usize, b: usize) -> Option<Excused> {
        let (Party::Honest(one), Party::Honest(other)) = (&self.parties[a], &self.parties[b]) else { return None };
        let states = [(one, other), (other, one)].map(|(host, peer)| Some((host.state()?, &peer.name)));
        let [Some(_), Some(_)] = states else {
            let given_up = [(one, a), (other, b)].iter().any(|(host, n)| host.damaged && self.given_up.contains(n));
            return given_up.then_some(Excused::GivenUp);
        };
        let links = || states.iter().flatten().filter_map(|(state, peer)| Some(state.link(peer)?.view(state.now())));
        let frozen = links().any(|link| matches!(link.state, LinkState::Frozen(_)));
        let refused = links().any(|link| link.last_end.is_some_and(|end| end.code == CloseCode::BadCheckpoint));
        if (frozen || refused) && self.was_robbed(a, b) {
            return Some(Excused::Robbed);
        }
        let closes = |host: &Host, n: usize, peer: &Host| {
            let end = host.state().and_then(|state| state.link(&peer.name)?.view(state.now()).last_end);
            let is_own = end.is_some_and(|end| end.code == CloseCode::BadCheckpoint && !end.by_peer);
            is_own && host.damaged && self.was_stolen(n)
        };
        if closes(one, a, other) || closes(other, b, one) {
            return Some(Excused::ForgotStolen);
        }
        let behind = links().any(|link| link.last_end.is_some_and(|end| end.code == CloseCode::PeerBehind));
        let unreadable = one.effects.unreadable.contains(&b) || other.effects.unreadable.contains(&a);
        let damaged = one.damaged || other.damaged;
        if damaged && frozen {
            Some(Excused::FrozenOld)
        } else if frozen && self.froze_of_alteration(one, a, b, other) {
            Some(Excused::FrozenAltered)
        } else if damaged && behind {
            Some(Excused::PeerBehind)
        } else {
            (damaged && unreadable).then_some(Excused::Unreadable)
        }
    }

    /// Whether what was altered on the way is held as a peer's word, or the link froze soon after something was altered. A
    /// frame that was refused, on a link that went on, explains nothing that came later.
    fn froze_of_alteration(&self, one: &Host, a: usize, b: usize, other: &Host) -> bool {
        let watch = self.shared.watch.borrow();
        let froze = [one.effects.frozen.get(&b), other.effects.frozen.get(&a)];
        let soon = |at: u64| froze.iter().flatten().any(|froze| (at..at + FREEZES_MS).contains(*froze));
        let flips = self.altered.iter().filter(|(pair, _)| *pair == (a.min(b), a.max(b)));
        flips.clone().any(|(_, at)| soon(*at)) || flips.count() > 0 && (watch.altered(a, b) || watch.altered(b, a))
    }

    fn views(&mut self) -> Vec<Option<View>> {
        let now = self.now;
        (0..self.parties.len()).map(|n| self.host(n).and_then(|host| host.view(now))).collect()
    }

    fn told<'a>(&'a self, n: usize, view: &'a View) -> Option<Told<'a>> {
        match &self.parties[n] {
            Party::Honest(host) => Some(Told {
                me: n,
                view,
                told: &self.people[n].told,
                said: &host.effects.said,
                heard: &host.effects.heard,
                oracle: &host.effects.oracle,
                serial: host.serial,
            }),
            Party::Hostile(_) => None,
        }
    }

    /// Pairs of honest parties.
    pub(crate) fn pairs(&self) -> Vec<(usize, usize)> {
        let honest = |n: &usize| matches!(self.parties[*n], Party::Honest(_));
        let all = (0..self.parties.len()).filter(honest);
        all.flat_map(|a| (a + 1..self.parties.len()).filter(honest).map(move |b| (a, b))).collect()
    }

    /// What is not told yet, between parties whose link has no cause to stand still.
    pub(crate) fn missing(&mut self) -> Option<String> {
        let views = self.views();
        // What is counted while it is not settled is counted at the end.
        let mut uncounted = Trace::default();
        self.pairs().into_iter().find_map(|(a, b)| {
            let found = match (&views[a], &views[b]) {
                (Some(of_a), Some(of_b)) => {
                    let (one, other) = self.told(a, of_a).zip(self.told(b, of_b))?;
                    unsettled(&one, &other)
                        .or_else(|| shared(&mut uncounted, &one, &other))
                        .or_else(|| shared(&mut uncounted, &other, &one))
                        .or_else(|| self.unserved(a, b))
                        .or_else(|| self.unserved(b, a))
                        .or_else(|| self.unwitnessed(a, of_a, b))
                        .or_else(|| self.unwitnessed(b, of_b, a))
                }
                _ => Some(format!("{} or {} does not run", parties::name(a), parties::name(b))),
            };
            found.filter(|_| self.excused(a, b).is_none())
        })
    }

    pub(crate) fn compare(&mut self) {
        let views = self.views();
        for (a, b) in self.pairs() {
            let both = views[a].as_ref().zip(views[b].as_ref());
            let both = both.and_then(|(of_a, of_b)| self.told(a, of_a).zip(self.told(b, of_b)));
            let trace = &mut self.shared.trace.borrow_mut();
            match both.filter(|(a, b)| unsettled(a, b).is_none()) {
                Some((one, other)) => {
                    for (from, to) in [(&one, &other), (&other, &one)] {
                        settled(trace, from, to);
                        shared(trace, from, to);
                        if self.services[to.me].is_some() {
                            trace.count(Event::Step(Step::IntentsShared));
                        }
                    }
                }
                None => self.excused(a, b).into_iter().for_each(|why| trace.count(Event::Excused(why))),
            }
        }
        let frozen = |view: &View| view.peers.iter().filter(|p| p.link == LinkStatus::Frozen).count();
        let count: usize = views.iter().flatten().map(frozen).sum();
        self.shared.trace.borrow_mut().line("end", format!("{count} frozen links"));
    }

    /// Counts what the honest nodes refused, entry by entry, and what the middle altered and nobody sealed.
    pub(crate) fn count_refusals(&self) {
        let mut trace = self.shared.trace.borrow_mut();
        for (a, b) in self.altered.iter().flat_map(|((a, b), _)| [(*a, *b), (*b, *a)]) {
            if self.shared.watch.borrow().altered(a, b) {
                trace.count(Event::Step(Step::AlteredUnsealed));
            }
        }
        for party in &self.parties {
            let Party::Honest(host) = party else { continue };
            let Some(state) = host.state() else { continue };
            for link in state.peer_ids().filter_map(|name| state.link(name)) {
                for (reason, times) in link.view(state.now()).refused {
                    *trace.counts.entry(Event::Refused(reason)).or_default() += times;
                }
            }
        }
    }
}
