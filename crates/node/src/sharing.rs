//! Checkpoints among the parties of a pact: each node shows the others what it holds of everybody's logs, at a fixed cadence,
//! and keeps what it is shown. So a party that tells two others two histories is found, and proved.
use crate::input::Output;
use crate::state::State;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use desk::{AlertLevel, PeerTrouble};
use link::{LinkState, SHARE_EVERY_MS};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use pact::Pact;
use record::{Hash32, PartyId};
use tlog::open_checkpoint;
use units::{Mono, Now};

/// Sizes kept of a log between two others, newest last. Of 16 parties 210 logs have neither end here: 210 × 10 × 0.7 kB are
/// 1.5 MB at worst, and notes are kept only without further signatures' lines beyond 1 kB.
const SIZES_MAX: usize = 8;
/// Largest note kept: that of the owner alone has at most 613 bytes.
const NOTE_MAX: usize = 1024;
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

/// What was shown of one log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct Shown {
    /// Roots by size, with their notes.
    #[n(0)]
    sizes: BTreeMap<u64, ByteVec>,
    /// The last note that its owner showed.
    #[n(1)]
    by_owner: Option<ByteVec>,
    /// The last note that its addressee showed.
    #[n(2)]
    by_addressee: Option<ByteVec>,
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
        let current: BTreeSet<Hash32> = self.pacts.list.iter().map(|p| p.pact().hash()).collect();
        self.sharing.logs.retain(|log, _| current.contains(&log.pact));
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        for name in names {
            let Some(pact) = self.pacts.with(&name).map(|p| p.pact().clone()) else { continue };
            if !shares(&pact) {
                continue;
            }
            let (notes, sign) = self.to_show(&pact, &name);
            self.with_link(&name, now, out, |link| link.share(notes, sign));
        }
    }

    fn to_show(&self, pact: &Pact, to: &PartyId) -> (Vec<Vec<u8>>, Vec<tlog::Checkpoint>) {
        let hash = pact.hash();
        let of_pact = |log: &LogOf| log.pact == hash;
        let forks = self.sharing.forks.iter().filter(|(log, _)| of_pact(log)).take(FORKS_SHOWN_MAX);
        let mut notes: Vec<Vec<u8>> = forks.flat_map(|(_, fork)| fork.notes.iter().map(|n| n.to_vec())).collect();
        let mut sign = Vec::new();
        for party in pact.parties.iter().filter(|p| p.id != *to) {
            let Some(peer) = self.peers.get(&party.id) else { continue };
            notes.extend(peer.link.peer_note().filter(|n| n.len() <= NOTE_MAX).map(<[u8]>::to_vec));
            sign.extend(peer.link.receipted());
        }
        for (log, shown) in self.sharing.logs.iter().filter(|(log, _)| of_pact(log)) {
            let note = if log.to == *to {
                shown.by_owner.as_ref()
            } else if log.from == *to {
                shown.by_addressee.as_ref()
            } else {
                None
            };
            notes.extend(note.map(|n| n.to_vec()));
        }
        (notes, sign)
    }

    /// Takes a note that a peer shows. What is of no log of the pact, or does not verify, says nothing about anybody.
    pub(crate) fn shown(&mut self, by: &PartyId, note: &[u8], now: Now, out: &mut Vec<Output>) {
        let Some(pact) = self.pacts.with(by).map(|p| p.pact().clone()).filter(shares) else { return };
        let Some((from, to)) = ends(&pact, note) else { return };
        let Some(me) = self.party().cloned() else { return };
        let log = LogOf { pact: pact.hash(), from: from.clone(), to: to.clone() };
        if to == me || from == me {
            let other = if to == me { from } else { to };
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
        let Some(opened) = self.opened(&pact, &log, note) else { return };
        let shown = self.sharing.logs.entry(log.clone()).or_default();
        let note = ByteVec::from(note.to_vec());
        if *by == log.from {
            shown.by_owner = Some(note.clone());
        } else if *by == log.to {
            shown.by_addressee = Some(note.clone());
        }
        match shown.sizes.get(&opened.0).cloned() {
            Some(known) => self.fork(&pact, log, &known, &note),
            None => {
                shown.sizes.insert(opened.0, note);
                if shown.sizes.len() > SIZES_MAX {
                    shown.sizes.pop_first();
                }
            }
        }
    }

    /// Size and root of a note of this log, if its owner signed it and it is of a size that is kept.
    fn opened(&self, pact: &Pact, log: &LogOf, note: &[u8]) -> Option<(u64, tlog::Hash)> {
        let keys = self.keys_under(pact, &log.from).filter(|_| note.len() <= NOTE_MAX)?;
        let origin = link::origin(&log.from, &log.to, &self.mode(), &log.pact);
        let opened = open_checkpoint(note, &origin, &keys.log_key).ok()?;
        Some((opened.size, opened.root))
    }

    /// Keeps two notes of one log that contradict each other; two that do not are no fork.
    fn fork(&mut self, pact: &Pact, log: LogOf, one: &[u8], other: &[u8]) {
        let (Some(a), Some(b)) = (self.opened(pact, &log, one), self.opened(pact, &log, other)) else { return };
        // Proof outlives the pact that was broken: it is for whoever judges, and a new pact is the way on.
        if a.0 == b.0 && a.1 != b.1 && self.sharing.forks.len() < FORKS_KEPT_MAX {
            let notes = [one, other].map(|note| ByteVec::from(note.to_vec()));
            self.sharing.forks.entry(log).or_insert(Fork { size: a.0, notes });
        }
    }

    /// What the desk is told of a peer that signed two histories of a log, to whomever.
    pub(crate) fn fork_trouble(&self, name: &PartyId) -> Option<(PeerTrouble, AlertLevel, String)> {
        let pact = self.pacts.with(name)?.pact().hash();
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
fn ends(pact: &Pact, note: &[u8]) -> Option<(PartyId, PartyId)> {
    let line = note.split(|b| *b == b'\n').next()?;
    let mut parts = core::str::from_utf8(line).ok()?.strip_prefix("skypact.link/")?.split('/');
    let mut party = || parts.next().and_then(|name| pact.parties.iter().find(|p| p.id.as_str() == name));
    let (from, to) = (party()?.id.clone(), party()?.id.clone());
    (from != to && line.ends_with(pact.hash().to_string().as_bytes())).then_some((from, to))
}
