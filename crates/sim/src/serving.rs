//! When traffic services act, and where what they are shown is held against what was released.
use crate::event::{Event, Excused};
use crate::parties;
use crate::plants;
use crate::random::Random;
use crate::services::{Seen, Services, seen};
use crate::swarm::{Config, Plant};
use crate::world::{Party, Task, World};
use dss::Id;
use node::input::{Boot, Input};
use release::Policy;
use std::collections::BTreeMap;

/// Services ask, and what waits for them is sent, mean, ms.
const SERVE_EVERY: u64 = 40_000;
const NOTIFY_EVERY: u64 = 20_000;
/// When faults have ended nothing is to wait for long.
const NOTIFY_IN_THE_END: u64 = 2_000;

/// Whether nodes of a run are used by traffic services, and how each is configured.
pub(crate) struct Serving {
    random: Random,
    is_on: bool,
}

impl Serving {
    pub(crate) fn draw(mut random: Random, config: &Config) -> Self {
        let drawn = random.one_in(2) && config.only.is_none();
        Self { is_on: config.services.unwrap_or(drawn), random }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(crate) fn rules(&mut self, policy: &mut Policy) {
        parties::with_drones(&mut self.random, policy);
    }

    pub(crate) fn boot(&mut self, boot: &mut Boot, plant: Option<Plant>) {
        if self.is_on {
            parties::serves(boot, !self.random.one_in(4), !self.random.one_in(3));
            if plant == Some(Plant::IntentsMismarked) {
                boot.dss_marking = Some(parties::markings()[0]);
            }
        }
    }

    pub(crate) fn services(&mut self, me: usize) -> Services {
        Services::new(self.random.fork(), me)
    }
}

impl World {
    pub(crate) fn serve_soon(&mut self, n: usize) {
        self.soon(SERVE_EVERY, Task::Serve(n));
        self.soon(NOTIFY_EVERY, Task::Notify(n));
    }

    /// Traffic services ask.
    pub(crate) fn serve(&mut self, n: usize) {
        self.soon(SERVE_EVERY, Task::Serve(n));
        let (quiet, now) = (self.quiet, self.now);
        let (Party::Honest(host), Some(services)) = (&mut self.parties[n], &mut self.services[n]) else { return };
        let utc = host.utc(now);
        if quiet || !host.is_up() {
            let again = services.ask_again();
            return self.input(n, again);
        }
        let mut filed = std::mem::take(&mut host.effects.oracle.plans);
        let inputs = host.state().map(|state| services.act(state, utc, &mut filed)).unwrap_or_default();
        host.effects.oracle.plans = filed;
        self.input(n, inputs);
    }

    /// What waits for traffic services is sent.
    pub(crate) fn notify(&mut self, n: usize) {
        let quiet = self.quiet;
        if quiet {
            self.after(NOTIFY_IN_THE_END, Task::Notify(n))
        } else {
            self.soon(NOTIFY_EVERY, Task::Notify(n))
        }
        let (Party::Honest(host), Some(services)) = (&self.parties[n], &mut self.services[n]) else { return };
        let Some(state) = host.state().filter(|_| host.trouble().is_none()) else { return };
        let inputs = services.notify(state, quiet, &mut self.shared.trace.borrow_mut());
        if !inputs.is_empty() {
            self.input(n, inputs);
        }
    }

    /// After a start: what was not answered is asked again; of older data services read what there is.
    pub(crate) fn services_found(&mut self, n: usize) -> Vec<(Input, Option<u64>)> {
        let (Party::Honest(host), Some(services)) = (&self.parties[n], &mut self.services[n]) else {
            return Vec::new();
        };
        let Some(state) = host.state() else { return Vec::new() };
        if host.set_back {
            services.set_back(state);
        }
        services.check(state, &mut self.shared.trace.borrow_mut());
        services.ask_again()
    }

    /// What a node shows its traffic services of a peer.
    fn shown_of(&mut self, n: usize, peer: usize) -> Option<BTreeMap<Id, Seen>> {
        let (Party::Honest(host), Some(services)) = (&self.parties[n], &mut self.services[n]) else { return None };
        let mut found = seen(host.state()?, &parties::name(peer));
        if let Some(plant) = self.plant {
            let of_peer = services.found.entry(peer).or_default();
            plants::found(plant, &mut found, of_peer);
            of_peer.clone_from(&found);
        }
        Some(found)
    }

    /// What was answered is held; what is shown of peers was released.
    pub(crate) fn look_at_services(&mut self, n: usize) {
        let (Party::Honest(host), Some(services)) = (&self.parties[n], &mut self.services[n]) else { return };
        let Some(state) = host.state() else { return };
        services.check(state, &mut self.shared.trace.borrow_mut());
        for peer in (0..self.parties.len()).filter(|peer| *peer != n) {
            let Some(found) = self.shown_of(n, peer) else { continue };
            let Party::Honest(owner) = &self.parties[peer] else { continue };
            let Some(heard) = owner.effects.heard.get(&n) else { continue };
            let mut trace = self.shared.trace.borrow_mut();
            if self.shared.watch.borrow().altered(peer, n) {
                trace.count(Event::Excused(Excused::Altered));
            } else if let Some(text) = heard.never_said(&found) {
                trace.violation(&format!("{} to {}", owner.name, parties::name(n)), text);
            }
        }
    }

    /// What traffic services of `to` should be shown of the intents of `from`'s and are not yet, or should not and still are.
    pub(crate) fn unserved(&mut self, from: usize, to: usize) -> Option<String> {
        let found = self.shown_of(to, from)?;
        let (Party::Honest(owner), Party::Honest(host)) = (&self.parties[from], &self.parties[to]) else { return None };
        let (state, services) = (host.state()?, self.services[to].as_ref()?);
        let by = || format!("{} of {}", host.name, owner.name);
        if services.waits() {
            return Some(format!("a traffic service of {} has no answer", host.name));
        }
        if state.notify_counts().waiting > 0 {
            return Some(format!("notifications of {} wait", host.name));
        }
        let gone = self.services[from].as_ref()?.ledger.deleted().find_map(|(id, centre)| {
            let there = |one: &&Seen| one.parts.iter().any(|part| (part.0, part.1) == (centre.lat_e9, centre.lon_e9));
            found.values().find(there).map(|_| id)
        });
        if let Some(id) = gone {
            return Some(format!("{}: intent {id} was deleted, and is shown", by()));
        }
        let heard = owner.effects.heard.get(&to).and_then(|heard| heard.unlike(&found, host.utc(self.now)));
        heard.map(|text| format!("{}: {text}", by()))
    }
}
