//! The end of a run: faults cease, everything must be told within bounded time, and both sides must agree.
use crate::check::{Told, settled, unsettled};
use crate::event::{Event, Step};
use crate::parties;
use crate::world::{Party, Task, World};
use node::view::{LinkStatus, View};

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
                self.after(1, Task::Start(n));
            }
        }
        // What was not answered is asked again, once all is well.
        self.until(self.now + 60_000);
        for n in 0..self.parties.len() {
            let trace = self.shared.trace.clone();
            if self.is_up(n) && self.host(n).is_some() {
                let again = self.people[n].ask_again(&mut trace.borrow_mut());
                self.input(n, again);
            }
        }
    }

    /// Whether a link between two honest parties has a cause to be frozen, or a side to be useless.
    fn excused(&self, a: usize, b: usize) -> bool {
        let damaged = |n: usize| match &self.parties[n] {
            Party::Honest(host) => host.damaged,
            Party::Hostile(_) => true,
        };
        damaged(a) || damaged(b) || self.altered.contains(&(a.min(b), a.max(b)))
    }

    fn views(&mut self) -> Vec<Option<View>> {
        let now = self.now;
        (0..self.parties.len()).map(|n| self.host(n).and_then(|host| host.view(now))).collect()
    }

    fn told<'a>(&'a self, n: usize, view: &'a View) -> Option<Told<'a>> {
        match &self.parties[n] {
            Party::Honest(host) => Some(Told { me: n, view, told: &self.people[n].told, said: &host.effects.said }),
            Party::Hostile(_) => None,
        }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let count = self.parties.len();
        let all = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
        all.filter(|(a, b)| !self.excused(*a, *b)).collect()
    }

    /// What is not told yet, between parties whose link has no cause to stand still.
    pub(crate) fn missing(&mut self) -> Option<String> {
        let views = self.views();
        for (a, b) in self.pairs() {
            let (Some(of_a), Some(of_b)) = (&views[a], &views[b]) else {
                return Some(format!("{} or {} does not run", parties::name(a), parties::name(b)));
            };
            let found = self.told(a, of_a).zip(self.told(b, of_b)).and_then(|(a, b)| unsettled(&a, &b));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    pub(crate) fn compare(&mut self) {
        let views = self.views();
        for (a, b) in self.pairs() {
            let (Some(of_a), Some(of_b)) = (&views[a], &views[b]) else { continue };
            let Some((a, b)) = self.told(a, of_a).zip(self.told(b, of_b)) else { continue };
            if unsettled(&a, &b).is_none() {
                let trace = &mut self.shared.trace.borrow_mut();
                settled(trace, &a, &b);
                settled(trace, &b, &a);
            }
        }
        let frozen = |view: &View| view.peers.iter().filter(|p| p.link == LinkStatus::Frozen).count();
        let count: usize = views.iter().flatten().map(frozen).sum();
        self.shared.trace.borrow_mut().line("end", format!("{count} frozen links"));
    }

    /// Counts what the honest nodes refused, entry by entry, and what the middle altered and nobody sealed.
    pub(crate) fn count_refusals(&self) {
        let mut trace = self.shared.trace.borrow_mut();
        for (a, b) in self.altered.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]) {
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
