//! Witnesses (`spec/witness.md`) and the client that asks them: the client of the binary written again for virtual time, with the
//! standard's request, judged by the very code of `skypact witness`. HTTP is not modelled; what it can do to a request is: it is lost,
//! or its answer comes too late.
use crate::event::{Event, Step};
use crate::parties;
use crate::random::Random;
use crate::world::{Party, Task, World};
use node::input::{Input, WitnessReport};
use node::view::View;
use std::collections::BTreeMap;
use tlog::witness::{Refusal, Request, consider};
use tlog::{Checkpoint, Hash, Note, NoteSigner, Proof, SignatureLine, Tree};

/// A node looks whom to ask this often.
pub(crate) const ASK_EVERY: u64 = 10_000;
/// First and longest wait after a failure (W-1).
const BACKOFF: (u64, u64) = (1_000, 60_000);

/// How a witness behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As the standard says.
    Honest,
    /// As the standard says, and too late for whoever asked.
    Slow,
    /// Never answers.
    Absent,
    /// Answers what it likes.
    Lying,
}

/// A witness.
pub(crate) struct Witness {
    key: NoteSigner,
    manner: Manner,
    /// What it cosigned last, by log.
    last: BTreeMap<String, (u64, Hash, Vec<u8>)>,
    /// Every cosignature that exists under its key: the root by log and size.
    gave: BTreeMap<(String, u64), Hash>,
}

/// What a node remembers of having asked a witness about one log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    old: u64,
    not_before: u64,
    wait: u64,
}

/// What a witness answered.
enum Answer {
    Cosigned(SignatureLine),
    Older(u64),
    Contradicts(u64, Option<Vec<u8>>),
    Failed,
}

/// What comes back of asking all.
pub(crate) struct Round {
    n: usize,
    peer: usize,
    started: u64,
    size: u64,
    note: Note,
    answers: Vec<(usize, Answer)>,
}

impl Witness {
    pub fn new(number: usize, manner: Manner) -> Self {
        Self { key: parties::witness(number), manner, last: BTreeMap::new(), gave: BTreeMap::new() }
    }

    fn name(&self) -> String {
        self.key.verifier().name().to_string()
    }

    fn line(&mut self, checkpoint: &Checkpoint, time_s: u64) -> Option<SignatureLine> {
        self.gave.insert((checkpoint.origin.clone(), checkpoint.size), checkpoint.root);
        tlog::cosign(&checkpoint.to_text(), time_s, &self.key).ok()
    }

    /// `add-checkpoint`, as bytes.
    fn asked(&mut self, body: &[u8], trusted: &[tlog::VerifierKey], time_s: u64) -> Result<SignatureLine, Refusal> {
        let request = Request::parse(body)?;
        let origin = request.origin()?;
        let last = self.last.get(&origin).map(|(size, root, _)| (*size, *root));
        let checkpoint = consider(&request, Some(trusted), last)?;
        let entry = (checkpoint.size, checkpoint.root, request.note.to_bytes());
        self.last.insert(origin, entry);
        self.line(&checkpoint, time_s).ok_or(Refusal::Inconsistent)
    }

    /// Whatever a hostile witness answers.
    fn lies(&mut self, random: &mut Random, checkpoint: &Checkpoint, note: &Note, time_s: u64) -> Answer {
        match random.below(5) {
            // A true cosignature, of a log it never compared.
            0 => self.line(checkpoint, time_s).map_or(Answer::Failed, Answer::Cosigned),
            // One of another tree, which the client finds false.
            1 => Answer::Failed,
            // It holds more than was ever said, and shows nothing, or what does not show it.
            2 => Answer::Contradicts(checkpoint.size + 1_000, None),
            3 => Answer::Contradicts(checkpoint.size + 1, Some(note.to_bytes())),
            _ => Answer::Contradicts(checkpoint.size, Some(b"no note".to_vec())),
        }
    }
}

impl World {
    /// A node looks which witnesses lack its newest checkpoints, and asks them.
    pub(crate) fn ask_witnesses(&mut self, n: usize) {
        if self.witnesses.is_empty() || self.still_asked() {
            return;
        }
        for peer in (0..self.parties.len()).filter(|peer| *peer != n) {
            if let Some(round) = self.ask_round(n, peer) {
                let wait = self.random.between(20, 2_000);
                self.rounds.push(Some(round));
                self.after(wait, Task::Witnessed(self.rounds.len() - 1));
            }
        }
    }

    fn still_asked(&self) -> bool {
        self.rounds.iter().rev().take(64).flatten().count() >= 32
    }

    fn ask_round(&mut self, n: usize, peer: usize) -> Option<Round> {
        let Party::Honest(host) = &self.parties[n] else { return None };
        let name = parties::name(peer);
        let (checkpoint, serial, started) = (host.published(&name)?, host.serial, host.started);
        let keys = parties::keys_at(&host.name, serial);
        let time_s = (host.utc(self.now).0 / 1000) as u64;
        let known = |w: &Witness| host.state().map_or(0, |state| state.witnessed_by(&name, &w.name()));
        let old: Vec<u64> = self.witnesses.iter().map(known).collect();
        let note = tlog::sign_checkpoint(&checkpoint, &keys.log).ok()?;
        let tree = self.trees.entry((n, peer)).or_default();
        if !self.shared.watch.borrow().grow(n, peer, tree, checkpoint.size) {
            return None;
        }
        let trusted = [keys.log.verifier().clone()];
        let (now, mut answers) = (self.now, Vec::new());
        for (w, witness) in self.witnesses.iter_mut().enumerate() {
            let asked = self.asked.entry((n, peer, w)).or_default();
            asked.old = asked.old.max(old[w]);
            // A cosignature that came back and was lost with a death is asked for again, of a log that grows no more as well.
            if old[w] >= checkpoint.size || asked.old > checkpoint.size || asked.not_before > now {
                continue;
            }
            // Until the answer comes nobody asks again.
            asked.not_before = now + BACKOFF.1;
            if self.random.one_in(20) {
                // Lost on the way there.
                answers.push((w, Answer::Failed));
                continue;
            }
            let answer = match witness.manner {
                Manner::Absent => Answer::Failed,
                Manner::Lying => witness.lies(&mut self.random, &checkpoint, &note, time_s),
                Manner::Honest | Manner::Slow => submit(witness, asked.old, &checkpoint, &note, tree, &trusted, time_s),
            };
            // Lost on the way back, or too late: the witness has it all the same.
            let is_late = witness.manner == Manner::Slow && !self.random.one_in(3) || self.random.one_in(20);
            answers.push((w, if is_late { Answer::Failed } else { answer }));
        }
        (!answers.is_empty()).then_some(Round { n, peer, started, size: checkpoint.size, note, answers })
    }

    /// The answers are back.
    pub(crate) fn witnessed(&mut self, k: usize) {
        let Some(Round { n, peer, started, size, mut note, answers }) = self.rounds[k].take() else { return };
        let name = parties::name(peer);
        let now = self.now;
        let signed = match &self.parties[n] {
            // Who asked is gone, and what it was told with it.
            Party::Honest(host) if host.is_up() && host.started == started => {
                host.state().and_then(|state| Some(state.link(&name)?.view(state.now()).signed)).unwrap_or(0)
            }
            _ => return,
        };
        let (mut inputs, mut news) = (Vec::new(), false);
        for (w, answer) in answers {
            let part = self.random.below(1_000);
            let Some(asked) = self.asked.get_mut(&(n, peer, w)) else { continue };
            match answer {
                Answer::Cosigned(line) => {
                    *asked = Asked { old: size, not_before: now, wait: BACKOFF.0 };
                    self.shared.trace.borrow_mut().count(Event::Step(Step::Witnessed));
                    news |= note.add(line).is_ok();
                    continue;
                }
                Answer::Older(old) => {
                    self.shared.trace.borrow_mut().count(Event::Step(Step::WitnessAhead));
                    asked.old = old;
                }
                // Signed, and not yet on the disk: a crash came between.
                Answer::Contradicts(at, _) if at <= signed && at > size => {}
                Answer::Contradicts(at, shown) => {
                    self.shared.trace.borrow_mut().count(Event::Step(Step::WitnessContradicts));
                    let (witness, note) = (self.witnesses[w].name(), shown.map(Into::into));
                    let report = WitnessReport::Contradicts { witness, size: at, note };
                    inputs.push((Input::Witness { peer: name.clone(), report }, None));
                }
                Answer::Failed => {}
            }
            asked.wait = asked.wait.max(BACKOFF.0);
            asked.not_before = now + asked.wait / 2 + asked.wait / 2 * part / 1_000;
            asked.wait = (asked.wait * 2).min(BACKOFF.1);
        }
        if news {
            let report = WitnessReport::Cosigned { note: note.to_bytes() };
            inputs.push((Input::Witness { peer: name, report }, None));
        }
        self.input(n, inputs);
    }

    /// What is shown as witnessed is: each witness named has cosigned that size, with the root that the log had. A node that is
    /// `steady` has had the time to raise what is due.
    pub(crate) fn look_at_witnesses(&self, n: usize, view: &View, steady: bool) {
        if self.witnesses.is_empty() {
            return;
        }
        let trace = &mut self.shared.trace.borrow_mut();
        let watch = self.shared.watch.borrow();
        let who = parties::name(n);
        for peer in (0..self.parties.len()).filter(|peer| *peer != n) {
            let name = parties::name(peer);
            let Some((own, theirs)) = view.peers.iter().find(|p| p.party == name).and_then(|p| p.witnessed.clone())
            else {
                trace.violation(who.as_str(), format!("{name}: nothing is said of witnesses"));
                continue;
            };
            for (from, to, shown) in [(n, peer, &own), (peer, n, &theirs)] {
                let origin = self.origin(from, to);
                for (witness, size) in shown.by.iter().filter(|(_, size)| *size > 0) {
                    let by = self.witnesses.iter().find(|w| w.name() == *witness);
                    let root = by.and_then(|w| w.gave.get(&(origin.clone(), *size))).map(|root| root.0);
                    match root {
                        None => {
                            let text = format!("{witness} is shown to have cosigned {size} of {origin}, and has not");
                            trace.violation(who.as_str(), text);
                        }
                        Some(root) if watch.is_not(from, to, *size, &root) => {
                            let text = format!("{size} of {origin} is shown as witnessed, with another root");
                            trace.violation(who.as_str(), text);
                        }
                        Some(_) => trace.count(Event::Step(Step::WitnessTrue)),
                    }
                }
                let mut sizes: Vec<u64> = shown.by.iter().map(|(_, size)| *size).collect();
                sizes.sort_unstable_by(|a, b| b.cmp(a));
                let covered = sizes.get(self.swarm.quorum.max(1) as usize - 1).copied().unwrap_or(0);
                if shown.size != covered {
                    let text =
                        format!("{origin}: {} are shown as witnessed, of which a quorum saw {covered}", shown.size);
                    trace.violation(who.as_str(), text);
                }
                let late = self.swarm.quorum > 0 && shown.lacking_ms > parties::WITNESSED_WITHIN_S * 1000 + 8_000;
                let is_said = || {
                    let open =
                        |a: &node::view::AlertView| a.state != "cleared" && a.about.as_deref() == Some(name.as_str());
                    view.alerts.iter().any(|a| open(a) && a.text.starts_with("Not witnessed"))
                };
                if late && steady && !is_said() {
                    trace.violation(who.as_str(), format!("{origin} lacks its witnesses, and no alert says so"));
                } else if late {
                    trace.count(Event::Step(Step::AlertUnwitnessed));
                }
            }
        }
    }

    /// An honest witness cosigns no two roots for a size, nor a size below one it cosigned; `last` has each log's newest.
    pub(crate) fn check_witnesses(&self) {
        let trace = &mut self.shared.trace.borrow_mut();
        for witness in self.witnesses.iter().filter(|w| matches!(w.manner, Manner::Honest | Manner::Slow)) {
            for ((origin, size), root) in &witness.gave {
                let Some((from, to)) = self.ends(origin) else { continue };
                let newest = witness.last.get(origin).map_or(0, |(size, ..)| *size);
                if *size > newest {
                    trace.violation(&witness.name(), format!("it forgot that it cosigned {size} of {origin}"));
                }
                // A party whose data was set back may have said otherwise since: its witness knows better.
                if self.shared.watch.borrow().is_not(from, to, *size, &root.0) && !self.is_damaged(from) {
                    trace.violation(&witness.name(), format!("it cosigned another root for {size} of {origin}"));
                }
            }
        }
    }

    /// What a quorum that can be had has not seen yet of a party's log.
    pub(crate) fn unwitnessed(&self, n: usize, view: &View, peer: usize) -> Option<String> {
        let honest = self.witnesses.iter().filter(|w| w.manner == Manner::Honest).count();
        if self.swarm.quorum == 0 || honest < self.swarm.quorum as usize {
            return None;
        }
        let seen = view.peers.iter().find(|p| p.party == parties::name(peer))?;
        let (own, _) = seen.witnessed.as_ref()?;
        let lacks = own.size < seen.out_size;
        lacks.then(|| format!("of {} entries {} are witnessed: {}", seen.out_size, own.size, self.origin(n, peer)))
    }

    fn origin(&self, from: usize, to: usize) -> String {
        format!("skypact.link/{}/{}/live/{}", parties::name(from), parties::name(to), self.pact)
    }

    fn ends(&self, origin: &str) -> Option<(usize, usize)> {
        let all = 0..self.parties.len();
        all.clone()
            .flat_map(|from| all.clone().map(move |to| (from, to)))
            .find(|(from, to)| self.origin(*from, *to) == origin)
    }

    fn is_damaged(&self, n: usize) -> bool {
        matches!(&self.parties[n], Party::Honest(host) if host.damaged)
    }
}

/// Asks a witness, twice if it names another old size (W-2).
fn submit(
    witness: &mut Witness,
    old: u64,
    checkpoint: &Checkpoint,
    note: &Note,
    tree: &Tree,
    trusted: &[tlog::VerifierKey],
    time_s: u64,
) -> Answer {
    let (mut at, size) = (old, checkpoint.size);
    for _ in 0..2 {
        let proof = if at == 0 { Ok(Proof::default()) } else { tree.consistency_proof(at, size) };
        let Ok(proof) = proof else { return Answer::Failed };
        let body = Request { old: at, proof, note: note.clone() }.to_bytes();
        match witness.asked(&body, trusted, time_s) {
            Ok(line) => return Answer::Cosigned(line),
            Err(Refusal::Conflict { size: named }) if named > size && named > old => {
                let shown = witness.last.get(&checkpoint.origin).map(|(_, _, note)| note.clone());
                return Answer::Contradicts(named, shown);
            }
            Err(Refusal::Conflict { size: named }) if named >= size => return Answer::Older(named),
            Err(Refusal::Conflict { size: named }) => at = named,
            Err(Refusal::Inconsistent) if at > 0 => {
                let shown = witness.last.get(&checkpoint.origin).map(|(_, _, note)| note.clone());
                return Answer::Contradicts(at, shown);
            }
            Err(_) => return Answer::Failed,
        }
    }
    Answer::Failed
}
