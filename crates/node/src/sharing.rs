//! Checkpoints among the parties of a pact: each node shows the others what it holds of everybody's logs, at a fixed cadence,
//! and keeps what it is shown. So a party that tells two others two histories is found, and proved.
use crate::input::Output;
use crate::state::State;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertLevel, PeerTrouble};
use link::{LinkState, SHARE_EVERY_MS};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use pact::{Pact, SignedPact};
use record::{Hash32, PartyId};
use tlog::{Checkpoint, Note, open_checkpoint};
use units::{Mono, Now};

/// Notes kept of a log between two others, of each who showed them: its owner, its addressee, and all others. Of 16 parties
/// 210 logs have neither end here, a note has at most 613 bytes: 210 × 3 × 8 × 0.7 kB are 3.5 MB at worst.
const TOLD_MAX: usize = 8;
/// Forks shown at once: the first found of each log; their owner is known by then.
const FORKS_SHOWN_MAX: usize = 16;

/// Forks kept in all, also of pacts that are over: 256 × 2 notes × 1 kB are 512 kB. A pact of 16 has 240 logs.
const FORKS_KEPT_MAX: usize = 256;

/// What was shown of logs between two others, and every fork found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sharing {
    #[n(0)]
    logs: BTreeMap<LogOf, Shown>,
    /// Two notes of one owner for one size of a log, by log.
    #[n(1)]
    forks: BTreeMap<LogOf, Fork>,
    /// When checkpoints were last shown.
    #[n(2)]
    last: Option<Mono>,
}

/// A log, by whose it is, to whom, and under which pact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
struct LogOf {
    #[n(0)]
    pact: Hash32,
    #[n(1)]
    from: PartyId,
    #[n(2)]
    to: PartyId,
}

/// What was shown of one log. Numbers 0 to 2 were this once, by size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Shown {
    #[n(3)]
    #[cbor(default)]
    by_owner: Told,
    #[n(4)]
    #[cbor(default)]
    by_addressee: Told,
    #[n(5)]
    #[cbor(default)]
    by_others: Told,
}

/// The last notes that came from one side, oldest first. So nobody's notes push out what another showed, and no size is
/// kept for being large.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct Told {
    #[n(0)]
    notes: VecDeque<Heard>,
    /// How many of the newest were not passed on yet.
    #[n(1)]
    unshown: u32,
}

/// A note that its owner signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Heard {
    #[n(0)]
    size: u64,
    #[n(1)]
    root: tlog::Hash,
    /// Its text and the owner's line.
    #[n(2)]
    note: ByteVec,
}

impl Shown {
    /// What came from a party's side.
    fn told_by(&self, by: &PartyId, log: &LogOf) -> &Told {
        if *by == log.from {
            &self.by_owner
        } else if *by == log.to {
            &self.by_addressee
        } else {
            &self.by_others
        }
    }

    /// The note that gives the size of this one another root.
    fn other(&self, note: &Heard) -> Option<Heard> {
        let all = [&self.by_owner, &self.by_addressee, &self.by_others].into_iter().flat_map(|told| &told.notes);
        all.into_iter().find(|known| known.size == note.size && known.root != note.root).cloned()
    }
}

impl Told {
    /// Takes a note that is not among the last. What is to be passed on is not pushed out before it was: what comes sooner
    /// than it can be passed on is left.
    //= spec/link.md L-52
    fn take(&mut self, note: Heard, pass_on: bool) {
        let known = self.notes.iter().any(|known| (known.size, known.root) == (note.size, note.root));
        if known || self.unshown as usize >= TOLD_MAX {
            return;
        }
        self.notes.push_back(note);
        self.unshown += u32::from(pass_on);
        if self.notes.len() > TOLD_MAX {
            self.notes.pop_front();
        }
    }

    /// The note to pass on: the oldest that was not yet, else the newest.
    fn next(&mut self) -> Option<Vec<u8>> {
        let back = (self.unshown as usize).max(1);
        self.unshown = self.unshown.saturating_sub(1);
        self.notes.len().checked_sub(back).and_then(|at| self.notes.get(at)).map(|told| told.note.to_vec())
    }
}

/// Proof that a party signed two histories.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Fork {
    /// The size signed with two roots.
    #[n(0)]
    pub(crate) size: u64,
    /// Both notes.
    #[n(1)]
    pub(crate) notes: [ByteVec; 2],
}

impl State {
    /// Shows every peer of a pact that says so what is held of the others' logs. The cadence depends on time alone.
    pub(crate) fn share_checkpoints(&mut self, now: Now, out: &mut Vec<Output>) {
        if self.sharing.last.is_some_and(|last| now.mono.since_ms(last) < SHARE_EVERY_MS) {
            return;
        }
        self.sharing.last = Some(now.mono);
        let current: BTreeSet<Hash32> = self.pacts.list.iter().map(SignedPact::hash).collect();
        self.sharing.logs.retain(|log, _| current.contains(&log.pact));
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        for name in names {
            let Some(pact) = self.pacts.with(&name).filter(|p| shares(p.pact())).cloned() else { continue };
            // Nothing is taken for shown that cannot be.
            let up = self.peers.get(&name).is_some_and(|p| p.link.view(now).state == LinkState::Up);
            if !up {
                continue;
            }
            let (notes, sign) = self.notes_for(&pact, &name);
            self.with_link(&name, now, out, |link| link.share(notes, sign));
        }
    }

    fn notes_for(&mut self, pact: &SignedPact, to: &PartyId) -> (Vec<Vec<u8>>, Vec<tlog::Checkpoint>) {
        let (hash, me) = (pact.hash(), self.party().cloned());
        let of_pact = |log: &LogOf| log.pact == hash;
        let forks = self.sharing.forks.iter().filter(|(log, _)| of_pact(log)).take(FORKS_SHOWN_MAX);
        let mut notes: Vec<Vec<u8>> = forks.flat_map(|(_, fork)| fork.notes.iter().map(|n| n.to_vec())).collect();
        let mut sign = Vec::new();
        for party in pact.pact().parties.iter().filter(|p| p.id != *to) {
            let Some(peer) = self.peers.get(&party.id) else { continue };
            let log = me.clone().map(|me| LogOf { pact: hash, from: party.id.clone(), to: me });
            let held = log.zip(peer.link.peer_note()).and_then(|(log, note)| self.opened(pact.pact(), &log, note));
            notes.extend(held.map(|held| held.note.to_vec()));
            sign.extend(peer.link.receipted());
        }
        for (log, shown) in self.sharing.logs.iter_mut().filter(|(log, _)| of_pact(log)) {
            let told = if log.to == *to {
                &mut shown.by_owner
            } else if log.from == *to {
                &mut shown.by_addressee
            } else {
                continue;
            };
            notes.extend(told.next());
        }
        (notes, sign)
    }

    /// Takes a note that a peer shows. What is of no log of the pact, or does not verify, says nothing about anybody.
    pub(crate) fn shown(&mut self, by: &PartyId, note: &[u8], now: Now, out: &mut Vec<Output>) {
        let Some(pact) = self.pacts.with(by).filter(|p| shares(p.pact())) else { return };
        let Some((from, to)) = ends(pact, note) else { return };
        let (hash, pact) = (pact.hash(), pact.pact().clone());
        let Some(me) = self.party().cloned() else { return };
        let log = LogOf { pact: hash, from: from.clone(), to: to.clone() };
        if to == me || from == me {
            let other = if to == me { from } else { to };
            // Most of what is shown is known, and to verify it each time would cost a small node a good part of its second.
            let text = Note::parse(note).ok().and_then(|note| Checkpoint::parse(note.text()).ok());
            let link = self.peers.get(&other).map(|peer| &peer.link);
            let is_news = |checkpoint: Checkpoint| {
                link?.is_news(!to_me(&log, &me), checkpoint.size, &checkpoint.root).then_some(())
            };
            if text.and_then(is_news).is_none() {
                return;
            }
            let before = self.peers.get(&other).map(|p| p.link.view(now).state);
            let peer_note = self.peers.get(&other).and_then(|p| p.link.peer_note().map(<[u8]>::to_vec));
            self.with_link(&other, now, out, |link| {
                let judged =
                    if to_me(&log, &me) { link.handle_witnessed(note, now) } else { link.handle_own_shown(note, now) };
                // A note that is not theirs says nothing.
                drop(judged);
            });
            let after = self.peers.get(&other).map(|p| p.link.view(now).state);
            if let (true, Some(LinkState::Frozen(reason))) = (before != after, after) {
                out.push(Output::Log(format!(
                    "{by} showed a checkpoint of the log from {} to {}: {reason}",
                    log.from, log.to
                )));
                if let (true, Some(held)) = (to_me(&log, &me), peer_note) {
                    self.fork(&pact, log, &held, note);
                }
            }
            return;
        }
        // What was verified before is not verified again.
        let known = |shown: &Shown| shown.told_by(by, &log).notes.iter().any(|heard| heard.note.as_slice() == note);
        if self.sharing.logs.get(&log).is_some_and(known) {
            return;
        }
        let Some(opened) = self.opened(&pact, &log, note) else { return };
        let shown = self.sharing.logs.entry(log.clone()).or_default();
        let other = shown.other(&opened);
        let bytes = opened.note.to_vec();
        if *by == log.from {
            shown.by_owner.take(opened, true);
        } else if *by == log.to {
            shown.by_addressee.take(opened, true);
        } else {
            shown.by_others.take(opened, false);
        }
        if let Some(other) = other {
            self.fork(&pact, log, &other.note, &bytes);
        }
    }

    /// A note of this log, if its owner signed it, with whatever key of it that was not stolen, and in the form of L-3.
    /// Lines of others say nothing here.
    //= spec/link.md L-53
    fn opened(&self, pact: &Pact, log: &LogOf, note: &[u8]) -> Option<Heard> {
        let origin = link::origin(&log.from, &log.to, &self.mode(), &log.pact);
        let keys = self.log_keys((log.pact, pact), &log.from);
        let opened = keys.iter().find_map(|key| open_checkpoint(note, &origin, key).ok())?;
        let plain = opened.note().text() == opened.to_text();
        plain.then(|| Heard { size: opened.size, root: opened.root, note: ByteVec::from(opened.bare()) })
    }

    /// Keeps two notes of one log that contradict each other; two that do not are no fork.
    fn fork(&mut self, pact: &Pact, log: LogOf, one: &[u8], other: &[u8]) {
        let (Some(a), Some(b)) = (self.opened(pact, &log, one), self.opened(pact, &log, other)) else { return };
        // Proof outlives the pact that was broken: it is for whoever judges, and a new pact is the way on.
        if a.size == b.size && a.root != b.root && self.sharing.forks.len() < FORKS_KEPT_MAX {
            self.sharing.forks.entry(log).or_insert(Fork { size: a.size, notes: [a.note, b.note] });
        }
    }

    /// What the desk is told of a peer that signed two histories of a log, to whomever.
    pub(crate) fn fork_trouble(&self, name: &PartyId) -> Option<(PeerTrouble, AlertLevel, String)> {
        let pact = self.pacts.with(name)?.hash();
        let (log, fork) = self.sharing.forks.iter().find(|(log, _)| log.from == *name && log.pact == pact)?;
        let text = format!(
            "{name} signed two histories of its log to {}, at size {}. Both notes are kept and shown to the parties of the pact. \
             Do not rely on what {name} says until this is explained by other means",
            log.to, fork.size
        );
        Some((PeerTrouble::Fork, AlertLevel::Alarm, text))
    }

    /// Every fork that is proved: log, size and both notes as text.
    pub(crate) fn forks_of(&self, name: &PartyId) -> Vec<crate::view::ForkView> {
        let text = |note: &ByteVec| String::from_utf8_lossy(note).into_owned();
        let of = self.sharing.forks.iter().filter(|(log, _)| log.from == *name);
        of.map(|(log, fork)| crate::view::ForkView {
            to: log.to.clone(),
            size: fork.size,
            notes: [text(&fork.notes[0]), text(&fork.notes[1])],
        })
        .collect()
    }
}

impl State {
    /// Every fork that is proved, also under pacts that are over: both notes of one size of one log.
    pub fn forks(&self) -> impl Iterator<Item = [&[u8]; 2]> {
        self.sharing.forks.values().map(|fork| [fork.notes[0].as_slice(), fork.notes[1].as_slice()])
    }
}

fn to_me(log: &LogOf, me: &PartyId) -> bool {
    log.to == *me
}

/// Whether the nodes of a pact show each other checkpoints: there must be third parties.
pub(crate) fn shares(pact: &Pact) -> bool {
    pact.checkpoints_shared && pact.parties.len() > 2
}

/// The owner and the addressee that a note names in its first line, if both are of the pact. Nothing is verified yet.
fn ends(signed: &SignedPact, note: &[u8]) -> Option<(PartyId, PartyId)> {
    let pact = signed.pact();
    let line = note.split(|b| *b == b'\n').next()?;
    let mut parts = core::str::from_utf8(line).ok()?.strip_prefix("skypact.link/")?.split('/');
    let mut party = || parts.next().and_then(|name| pact.parties.iter().find(|p| p.id.as_str() == name));
    let (from, to) = (party()?.id.clone(), party()?.id.clone());
    (from != to && line.ends_with(signed.hash().to_string().as_bytes())).then_some((from, to))
}
