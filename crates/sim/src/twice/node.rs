//! A node as it ships, from the journal to the bytes of each frame, with a wire to each peer instead of sockets.
use crate::parties;
use faults::{Data, FaultFs, Loss};
use fold::{Fold, NotAccepted, Options, Outlet, Signer, Stores, Written};
use journal::fs::Fs;
use link::{Outbox, Output};
use node::State;
use node::command::Answer;
use node::input::Answered;
use node::input::{Boot, Input, ObservedLoss};
use record::PartyId;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use units::Now;

/// How a node goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// The machine loses power: what was not synced is lost, kept or torn.
    Power(Data),
    /// The process is killed.
    Killed,
    /// It is stopped in order, and writes a snapshot.
    Stopped,
}

/// What a node hands to the wire to a peer.
#[derive(Debug)]
pub enum Step {
    /// A frame.
    Frame(Vec<u8>),
    /// The end of the connection.
    End,
}

struct Clock(Rc<Cell<Now>>);

impl fold::Time for Clock {
    fn now(&self) -> Now {
        self.0.get()
    }

    fn up(&self) -> Duration {
        Duration::from_millis(self.0.get().mono.0)
    }
}

/// The sockets: an outbox to each connected peer, written out at once.
struct Wires {
    signer: Signer,
    pacts: Vec<String>,
    sessions: BTreeMap<PartyId, (u64, Outbox)>,
    out: Vec<(PartyId, Step)>,
    said: Vec<(PartyId, Vec<u8>)>,
    answers: BTreeMap<u64, Answer>,
}

impl Wires {
    fn pump(&mut self, peer: &PartyId, stores: &Stores) {
        while let Some((_, outbox)) = self.sessions.get_mut(peer) {
            let Some(step) = outbox.next_step() else { return };
            let log = stores.map().get(peer).map(|stores| &*stores.out);
            let pact = self.pacts.iter().find(|text| text.contains(peer.as_str())).cloned();
            match fold::write(step, &self.signer, log, || pact) {
                Ok(Written::Frame(frame)) => self.out.push((peer.clone(), Step::Frame(frame))),
                Ok(Written::Entries(frame, upto)) => {
                    outbox.entries_sent(upto);
                    self.out.push((peer.clone(), Step::Frame(frame)));
                }
                Ok(Written::End(_)) | Err(_) => {
                    self.sessions.remove(peer);
                    self.out.push((peer.clone(), Step::End));
                }
            }
        }
    }
}

impl Outlet for Wires {
    type Reply = u64;

    fn reply(&mut self, reply: u64, answer: Result<Option<Answered>, NotAccepted>, _: Duration) {
        if let Some(answer) = answer.ok().flatten().and_then(Answered::command) {
            self.answers.insert(reply, answer);
        }
    }

    fn link(&mut self, _: &State, stores: &Stores, peer: &PartyId, output: &Output) {
        if let Output::StoreOut { bytes, .. } = output {
            self.said.push((peer.clone(), bytes.clone()));
        }
        if let Some((_, outbox)) = self.sessions.get_mut(peer) {
            if outbox.push(output).is_err() {
                self.sessions.remove(peer);
                self.out.push((peer.clone(), Step::End));
                return;
            }
            self.pump(peer, stores);
        }
    }

    fn loss(&mut self, _: ObservedLoss) {}

    fn made_again(&mut self, _: &Stores) {
        panic!("an input made the fold panic");
    }
}

/// A node.
pub struct Node {
    boot: Boot,
    disk: FaultFs,
    clock: Rc<Cell<Now>>,
    snapshot_every: Duration,
    fold: Option<Fold<Clock>>,
    wires: Wires,
    session: u64,
    asked: u64,
}

impl Node {
    /// A node on an empty disk, started.
    pub fn new(boot: Boot, snapshot_every: Duration, now: Now) -> Self {
        let keys = parties::keys(&boot.party);
        let bodies = boot.pacts.iter().map(|text| match text.split_once("\n\n") {
            Some((body, _)) => format!("{body}\n"),
            None => text.clone(),
        });
        let wires = Wires {
            signer: Signer::new(keys.log, keys.cosign),
            pacts: bodies.collect(),
            sessions: BTreeMap::new(),
            out: Vec::new(),
            said: Vec::new(),
            answers: BTreeMap::new(),
        };
        let clock = Rc::new(Cell::new(now));
        let mut node =
            Self { boot, disk: FaultFs::new(), clock, snapshot_every, fold: None, wires, session: 0, asked: 0 };
        node.start(now);
        node
    }

    /// Its name.
    pub fn name(&self) -> &PartyId {
        &self.boot.party
    }

    /// Its state.
    pub fn state(&self) -> &State {
        match &self.fold {
            Some(fold) => fold.state(),
            None => unreachable!("a node is down only within one call"),
        }
    }

    /// Hands in a batch, as the queue before the fold does.
    pub fn batch(&mut self, now: Now, inputs: Vec<Input>) {
        self.clock.set(now);
        let Some(fold) = &mut self.fold else { return };
        fold.batch(inputs.into_iter().map(|input| (input, None)).collect(), &mut self.wires);
        fold.housekeeping();
        assert!(fold.trouble().is_none(), "the disk is whole");
    }

    /// Asks a command; gives its answer.
    pub fn ask(&mut self, now: Now, input: Input) -> Answer {
        self.clock.set(now);
        self.asked += 1;
        if let Some(fold) = &mut self.fold {
            fold.batch(vec![(input, Some(self.asked))], &mut self.wires);
        }
        match self.wires.answers.remove(&self.asked) {
            Some(answer) => answer,
            None => unreachable!("a command is answered"),
        }
    }

    /// A new connection; gives its number.
    pub fn attach(&mut self, peer: &PartyId) -> u64 {
        self.session += 1;
        self.wires.sessions.insert(peer.clone(), (self.session, Outbox::new(self.session)));
        self.session
    }

    /// The connection is over; gives the number it had.
    pub fn detach(&mut self, peer: &PartyId) -> Option<u64> {
        self.wires.sessions.remove(peer).map(|(session, _)| session)
    }

    /// The number of the connection.
    pub fn session(&self, peer: &PartyId) -> Option<u64> {
        self.wires.sessions.get(peer).map(|(session, _)| *session)
    }

    /// What is to go on the wires.
    pub fn take_out(&mut self) -> Vec<(PartyId, Step)> {
        std::mem::take(&mut self.wires.out)
    }

    /// What was put into the logs since this was last asked.
    pub fn take_said(&mut self) -> Vec<(PartyId, Vec<u8>)> {
        std::mem::take(&mut self.wires.said)
    }

    /// Goes down and comes back with what the disk has; that must be the state it had.
    pub fn restart(&mut self, how: Down, now: Now) {
        self.wires.sessions.clear();
        let before = self.state().clone();
        if let (Down::Stopped, Some(fold)) = (how, &mut self.fold) {
            fold.snapshot();
        }
        match how {
            Down::Power(_) => self.disk.cut_power(),
            Down::Killed => self.disk.kill(),
            Down::Stopped => {}
        }
        self.fold = None;
        match how {
            Down::Power(data) => self.disk.power_cycle(Loss { data, names: data == Data::Kept }),
            Down::Killed => drop(self.disk.restart_if_killed()),
            Down::Stopped => {}
        }
        self.recover(now);
        assert!(*self.state() == before, "what was journaled gives the state that was");
        self.begin(now);
    }

    fn start(&mut self, now: Now) {
        self.recover(now);
        self.begin(now);
    }

    fn recover(&mut self, now: Now) {
        self.clock.set(now);
        let fs: Arc<dyn Fs> = Arc::new(self.disk.clone());
        let journal = journal::Options { segment_bytes: 1 << 18, reserve_bytes: 1 << 20, ..Default::default() };
        let data = PathBuf::from("/data");
        let recovered = match fold::recover(&fs, &data, journal) {
            Ok(recovered) => recovered,
            Err(error) => panic!("{} does not start again: {error}", self.boot.party),
        };
        self.session = self.session.max(recovered.state.last_session());
        let options = Options {
            fs,
            data,
            log_key: parties::keys(&self.boot.party).log,
            snapshot_every: self.snapshot_every,
            snapshots_beside: false,
            planted: None,
        };
        self.fold = Some(Fold::new(options, recovered, Clock(self.clock.clone())));
    }

    fn begin(&mut self, now: Now) {
        self.batch(now, vec![Input::Boot(Box::new(self.boot.clone()))]);
    }
}
