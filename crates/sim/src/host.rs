//! One honest node: its disk, its clock, and the fold that ships; how it dies and comes back.
use crate::check::{Excuse, Hash};
use crate::effects::{Death, Effects, Shared};
use crate::event::{Event, Excused, Step};
use crate::parties::{self, START};
use crate::plants;
use crate::swarm::Plant;
use faults::{Data, Fault, FaultFs, Loss};
use fold::{Fold, NotAccepted, Options, Planted, Recovered};
use journal::fs::Fs;
use node::State;
use node::input::{Boot, Input};
use node::view::View;
use record::{Hash32, PartyId};
use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tlog::Frontier;
use units::{Mono, Now, Utc};

/// The clock of a node, set by the world before each input.
#[derive(Debug, Default)]
pub struct Clock {
    now: Cell<Now>,
    up: Cell<u64>,
}

/// What the fold sees of it.
pub struct ClockOf(Rc<Clock>);

impl fold::Time for ClockOf {
    fn now(&self) -> Now {
        self.0.now.get()
    }

    fn up(&self) -> Duration {
        Duration::from_millis(self.0.up.get())
    }
}

/// How a node is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// A snapshot this often.
    pub snapshot_every: Duration,
    /// How large segments of the journal grow.
    pub segment_bytes: u64,
    /// A bug in the fold.
    pub planted: Option<Planted>,
    /// Any bug.
    pub plant: Option<Plant>,
}

/// An honest node.
pub struct Host {
    /// Its number.
    pub me: usize,
    /// Its name.
    pub name: PartyId,
    /// Its disk.
    pub disk: FaultFs,
    /// Its sockets.
    pub effects: Effects,
    /// Its clock is wrong by this, ms.
    pub offset_ms: i64,
    /// It runs fast by so many parts in a million.
    pub drift_ppm: i64,
    /// The clock was moved, and nothing journaled since.
    pub moved: bool,
    /// It died so: it cannot know for how long it was down, and no deadline of then can be told from it.
    pub lost_time: bool,
    /// What its next start may find.
    pub excuse: Excuse,
    /// Its disk rotted, or cannot be used: it need not settle.
    pub damaged: bool,
    /// Its last start was on data that may be older than what it had.
    pub set_back: bool,
    /// The middle altered a frame to it or from it.
    pub tampered: bool,
    /// Virtual time from which it shows one state: its last start, or when it last took inputs again.
    pub steady: u64,
    /// Virtual time of its last start.
    pub started: u64,
    /// Virtual time at which it last accepted nothing.
    pub troubled: u64,
    /// Its keys are those of this statement of its own.
    pub serial: u32,
    /// Pins of the TLS keys that it shows, the newest first.
    pub offers: Vec<Hash32>,
    fold: Option<Fold<ClockOf>>,
    clock: Rc<Clock>,
    mono_base: u64,
    boot: Boot,
    kept: Kept,
    shared: Shared,
    session: u64,
}

fn data() -> PathBuf {
    PathBuf::from("/data")
}

/// Reserve of the journal: room for a snapshot of these small nodes.
pub const RESERVE_BYTES: u64 = 1 << 20;

impl Host {
    /// A node that was never started.
    pub fn new(me: usize, boot: Boot, kept: Kept, shared: Shared, disk: FaultFs, effects: Effects) -> Self {
        Self {
            me,
            name: parties::name(me),
            disk,
            effects,
            offset_ms: 0,
            drift_ppm: 0,
            moved: false,
            lost_time: false,
            excuse: Excuse::None,
            damaged: false,
            set_back: false,
            tampered: false,
            steady: 0,
            started: 0,
            troubled: 0,
            serial: 0,
            offers: vec![parties::tls_pin(&parties::name(me), 0)],
            fold: None,
            clock: Rc::default(),
            mono_base: 0,
            boot,
            kept,
            shared,
            session: 0,
        }
    }

    /// Whether it runs.
    pub fn is_up(&self) -> bool {
        self.fold.is_some()
    }

    /// The state, if it runs.
    pub fn state(&self) -> Option<&State> {
        self.fold.as_ref().map(Fold::state)
    }

    /// The newest checkpoint of its log to a peer that its files reach.
    pub fn published(&self, peer: &PartyId) -> Option<tlog::Checkpoint> {
        let fold = self.fold.as_ref()?;
        let flushed = fold.stores().map().get(peer)?.out.flushed();
        let link = fold.state().link(peer)?;
        let (size, root) = link.signed_upto(flushed)?;
        (size > 0).then(|| tlog::Checkpoint { origin: link.config().out_origin(), size, root })
    }

    /// Why nothing is accepted, if nothing is.
    pub fn trouble(&self) -> Option<&NotAccepted> {
        self.fold.as_ref().and_then(Fold::trouble)
    }

    /// What its officer sees.
    pub fn view(&mut self, at: u64) -> Option<View> {
        self.set_clock(at);
        let now = self.clock.now.get();
        let mut view = self.fold.as_ref().map(|fold| fold.shown().view(now))?;
        if let Some(plant) = self.kept.plant {
            plants::shown(plant, &mut view, self.tampered);
        }
        Some(view)
    }

    /// What its clock says.
    pub fn utc(&self, at: u64) -> Utc {
        START.plus_ms(at as i64 + self.offset_ms + at as i64 * self.drift_ppm / 1_000_000)
    }

    fn set_clock(&mut self, at: u64) {
        let mono = Mono(self.mono_base + (at - self.started));
        self.clock.now.set(Now { mono, utc: self.utc(at), utc_error_ms: 50 });
        self.clock.up.set(at - self.started);
    }

    /// Hands in inputs as one batch; false if it died of it.
    pub fn input(&mut self, at: u64, inputs: Vec<(Input, Option<u64>)>) -> bool {
        self.set_clock(at);
        let Some(fold) = &mut self.fold else { return true };
        let before = fold.trouble().is_some();
        fold.batch(inputs, &mut self.effects);
        fold.housekeeping();
        let after = fold.trouble().cloned();
        if after.is_some() {
            self.troubled = at;
        } else {
            self.moved = false;
        }
        if !self.effects.dead && !self.disk.is_off() && before != after.is_some() {
            let mut trace = self.shared.trace.borrow_mut();
            let step = match &after {
                None => {
                    self.steady = at;
                    Step::ShadowLeft
                }
                Some(NotAccepted::Full) => Step::ShadowFull,
                Some(_) => Step::ShadowFailed,
            };
            trace.note(self.name.as_str(), Event::Step(step), after.map_or(String::new(), |why| why.to_string()));
        }
        !self.effects.dead && !self.disk.is_off()
    }

    /// A new connection; gives its number.
    pub fn attach(&mut self, peer: PartyId, conn: u64) -> u64 {
        self.session += 1;
        self.effects.attach(self.session, peer, conn);
        self.session
    }

    /// The network took a frame.
    pub fn drained(&mut self, session: u64) -> bool {
        if let Some(fold) = &self.fold {
            self.effects.drained(session, fold.stores());
        }
        !self.effects.dead && !self.disk.is_off()
    }

    /// An orderly stop.
    pub fn stop(&mut self, at: u64) {
        self.set_clock(at);
        if let Some(fold) = &mut self.fold {
            fold.snapshot();
        }
        self.fold = None;
        self.effects.clear();
    }

    /// Its operator gives it new keys, and the statement about them; to be done while it is stopped. A TLS key that was not
    /// stolen is still shown to those who know no newer one.
    pub fn rekey(&mut self, serial: u32, statement: String, stolen: bool) {
        self.serial = serial;
        self.boot.statements.push(statement);
        self.offers.truncate(usize::from(!stolen));
        self.offers.insert(0, parties::tls_pin(&self.name, serial));
        self.effects.rekey(parties::keys_at(&self.name, serial));
    }

    /// The process ends at once.
    pub fn die(&mut self, death: Death) {
        match death {
            Death::Power => self.disk.cut_power(),
            Death::Killed => self.disk.kill(),
        }
        self.buried();
    }

    /// What is left after a death.
    pub fn buried(&mut self) {
        self.shared.trace.borrow_mut().note(self.name.as_str(), Event::Step(Step::Died), "");
        self.fold = None;
        self.effects.clear();
    }

    /// Starts on what the disk has; `loss` is what a power loss left. The operations of `faulty` go wrong.
    pub fn start(&mut self, at: u64, loss: Loss, faulty: &[u64]) -> Result<(), String> {
        if !self.disk.restart_if_killed() && self.disk.is_off() {
            self.disk.power_cycle(loss);
        }
        let ops = self.disk.ops();
        faulty.iter().for_each(|n| self.disk.fail(ops + n, Fault::Error));
        let fs: Arc<dyn Fs> = Arc::new(self.disk.clone());
        let options = journal::Options {
            segment_bytes: self.kept.segment_bytes,
            reserve_bytes: RESERVE_BYTES,
            ..Default::default()
        };
        let recovered = fold::recover_with(&fs, &data(), options, self.kept.planted).map_err(|error| error.to_string());
        self.disk.heal_before(ops + 1_000_000);
        let recovered = recovered?;
        let cut = self.disk.files().iter().any(|(path, _)| path.extension().is_some_and(|e| e == "torn"));
        if cut {
            self.shared.trace.borrow_mut().count(Event::Step(Step::TornTail));
        }
        self.check_recovered(&recovered)?;
        self.set_back = std::mem::take(&mut self.excuse) == Excuse::Old;
        if self.set_back {
            self.shared.trace.borrow_mut().count(Event::Excused(Excused::OldData));
            // Before anything is said: the start may tell what the rules of then give.
            self.effects.oracle.set_back(&recovered.state.view(recovered.state.now()), at);
        }
        self.lost_time |= std::mem::take(&mut self.moved);
        (self.started, self.steady) = (at, at);
        self.mono_base = fold::mono_after(recovered.state.now(), self.utc(at).0);
        self.session = recovered.state.last_session();
        self.set_clock(at);
        let first = recovered.state.seq() == 0;
        let options = Options {
            fs,
            data: data(),
            log_key: parties::keys_at(&self.name, self.serial).log,
            snapshot_every: self.kept.snapshot_every,
            snapshots_beside: false,
            planted: self.kept.planted,
        };
        let step = format!("at entry {}, {} folded", recovered.state.seq(), recovered.replayed);
        if !first {
            self.shared.trace.borrow_mut().note(self.name.as_str(), Event::Step(Step::Recovered), step);
        }
        self.fold = Some(Fold::new(options, recovered, ClockOf(self.clock.clone())));
        let boot = Input::Boot(Box::new(self.boot.clone()));
        self.input(at, vec![(boot, None)]);
        if self.trouble().is_some() || self.disk.is_off() || self.effects.dead {
            // As the program: a start that cannot be journaled is none.
            self.fold = None;
            self.effects.clear();
            if self.set_back {
                self.excuse = Excuse::Old;
            }
            return Err("the start could not be journaled".into());
        }
        Ok(())
    }

    /// What the disk had is held against what was said and receipted.
    fn check_recovered(&mut self, recovered: &Recovered) -> Result<(), String> {
        let shared = self.shared.clone();
        for name in recovered.state.peer_ids() {
            let Some((link, stores)) = recovered.state.link(name).zip(recovered.stores.map().get(name)) else {
                continue;
            };
            let peer = parties::number(name);
            let edge = |log: &Frontier| -> (u64, Hash) { (log.size(), log.root().0) };
            let (out, held) = (edge(link.out_log()), edge(link.held_log()));
            let (known_out, known_held) = {
                let watch = shared.watch.borrow();
                (watch.said(self.me, peer).min(out.0), watch.held(peer, self.me).min(held.0))
            };
            let new_out = read(&stores.out, known_out, out.0)?;
            let new_held = read(&stores.held, known_held, held.0)?;
            shared.watch.borrow_mut().recovered(
                &mut shared.trace.borrow_mut(),
                (self.me, peer),
                (out, new_out.clone()),
                (held, new_held),
                self.excuse,
            );
            let all = if out.0 < self.effects.said_to(peer) { read(&stores.out, 0, out.0)? } else { new_out };
            self.effects.said_before(peer, out.0, &all);
        }
        Ok(())
    }

    /// Stops, and folds its journal anew from its first entry and from its newest snapshot: all three states must be one.
    pub fn replay(&mut self) {
        let Some(before) = self.fold.as_ref().map(|fold| fold.state().clone()) else { return };
        self.fold = None;
        let fs: Arc<dyn Fs> = Arc::new(self.disk.clone());
        let options = journal::Options { reserve_bytes: RESERVE_BYTES, ..Default::default() };
        let mut trace = self.shared.trace.borrow_mut();
        match fold::recover(&fs, &data(), options) {
            Err(error) => trace.violation(self.name.as_str(), format!("its data cannot be read back: {error}")),
            Ok(again) => {
                if again.state != before {
                    trace.violation(self.name.as_str(), "the journal gives another state than the one that was");
                }
                let mut anew = State::default();
                let replayed = fold::replay(&again.journal, &mut anew, journal::Seq(1), |_, _, _| Ok(true));
                if replayed.is_err() || anew != before {
                    trace.violation(self.name.as_str(), "the journal from its start gives another state");
                }
                trace.count(Event::Step(Step::Replayed));
            }
        }
    }
}

fn read(log: &fold::LogStore, from: u64, to: u64) -> Result<Vec<Vec<u8>>, String> {
    let (mut entries, mut at) = (Vec::new(), from);
    while at < to {
        let part = log.read(at, to, 256, 1 << 20).map_err(|error| error.to_string())?;
        at += part.len() as u64;
        entries.extend(part.iter().map(|entry| entry.to_vec()));
    }
    Ok(entries)
}

/// What a power loss leaves, drawn.
pub fn loss(random: &mut crate::random::Random) -> Loss {
    let data = *random.pick(&[Data::Lost, Data::Kept, Data::Torn, Data::Holes, Data::Uncut]);
    Loss { data, names: random.one_in(2) }
}
