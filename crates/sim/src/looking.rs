//! What is looked at while a run goes on: after each start the rules, and now and then what an officer is shown.
use crate::check::Alarms;
use crate::event::{Event, Excused, Step};
use crate::parties;
use crate::world::{Party, Task, World};
use fold::NotAccepted;
use node::command::SentTo;
use node::view::{Owner, View};

impl World {
    /// After a start: the rules are those that were ordered.
    pub(crate) fn rules_found(&mut self, n: usize) {
        let (trace, now) = (self.shared.trace.clone(), self.now);
        let Party::Honest(host) = &mut self.parties[n] else { return };
        let Some(view) = host.state().map(|state| state.view(state.now())) else { return };
        let oracle = &mut host.effects.oracle;
        if host.set_back {
            let watch = self.shared.watch.borrow();
            let said = &host.effects.said;
            // What nobody else has is gone with the newer data.
            self.people[n].told.retain(|(sent, _)| {
                let peer = parties::number(&sent.party);
                let is_there = said.get(&peer).and_then(|ids| ids.get(sent.index as usize)) == Some(&sent.id);
                let keep = is_there || watch.held(n, peer) > sent.index;
                if !keep {
                    trace.borrow_mut().count(Event::Excused(Excused::OldData));
                }
                keep
            });
            return oracle.set_back(&view, now);
        }
        match oracle.found(&view.policy, view.proposal.as_ref().map(|p| &p.rules)) {
            Ok(()) => trace.borrow_mut().count(Event::Step(Step::RulesFound)),
            Err(why) => trace.borrow_mut().violation(parties::name(n).as_str(), why),
        }
    }

    pub(crate) fn look(&mut self, n: usize) {
        let (now, count) = (self.now, self.parties.len());
        let Party::Honest(host) = &mut self.parties[n] else { return };
        if let Some(NotAccepted::Failed(_)) = host.trouble() {
            return self.after(1_000, Task::Repair(n));
        }
        // What a node shows while it takes no inputs is dropped when it does again: what is due is raised anew, within a tick.
        let (up_for, lost_time) = (now - host.steady, host.lost_time);
        let Some(view) = host.view(now) else { return };
        let peers: Vec<usize> = (0..count).filter(|peer| *peer != n).collect();
        self.look_at_tracks(n, &view);
        self.look_at_services(n);
        self.look_at_forks(n, &view);
        self.look_for_thieves(n);
        self.look_at_witnesses(n, &view, up_for > 8_000);
        let Party::Honest(host) = &mut self.parties[n] else { return };
        let trace = &mut self.shared.trace.borrow_mut();
        let name = parties::name(n);
        self.alarms[n].check(trace, name.as_str(), &view, &peers, up_for);
        if lost_time {
            trace.count(Event::Excused(Excused::ClockMoved));
        } else if host.trouble().is_none() && up_for > 10_000 {
            let said = &host.effects.said;
            let is_said = |sent: &SentTo| said.values().any(|ids| ids.get(sent.index as usize) == Some(&sent.id));
            Alarms::check_owed(trace, name.as_str(), &view, &mut self.people[n].owed, is_said);
        }
        drop(view);
    }

    /// What is shown as a peer's was released by it. What the middle altered may be shown, where it is held as the peer's word.
    fn look_at_tracks(&self, n: usize, view: &View) {
        for (peer, party) in self.parties.iter().enumerate() {
            let Party::Honest(host) = party else { continue };
            let Some(owner) = view.parties.iter().position(|p| *p == host.name) else { continue };
            let Some(heard) = host.effects.heard.get(&n).filter(|_| peer != n) else { continue };
            if self.shared.watch.borrow().altered(peer, n) {
                self.shared.trace.borrow_mut().count(Event::Excused(Excused::Altered));
                continue;
            }
            let who = format!("{} to {}", host.name, parties::name(n));
            heard.check_tracks(&mut self.shared.trace.borrow_mut(), &who, view, Owner::Peer(owner as u8));
        }
    }
}
