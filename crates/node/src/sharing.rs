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
use pact::{Pact, SignedPact};
use record::{Hash32, PartyId};
use tlog::{Checkpoint, Note, open_checkpoint};
use units::{Mono, Now};

/// Sizes kept of a log between two others, newest last. Of 16 parties 210 logs have neither end here: 210 × 10 × 0.7 kB are
/// 1.5 MB at worst, and notes are kept only without further signatures' lines beyond 1 kB.
const SIZES_MAX: usize = 8;
/// Largest note kept: that of the owner alone has at most 613 bytes.
const NOTE_MAX: usize = 1024;
/// Forks shown at once: the first found of each log; their owner is known by then.
const FORKS_SHOWN_MAX: usize = 16;

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
        let current: BTreeSet<Hash32> = self.pacts.list.iter().map(SignedPact::hash).collect();
        self.sharing.logs.retain(|log, _| current.contains(&log.pact));
        self.sharing.forks.retain(|log, _| current.contains(&log.pact));
        let names: Vec<PartyId> = self.peers.keys().cloned().collect();
        for name in names {
            let Some(pact) = self.pacts.with(&name).filter(|p| shares(p.pact())) else { continue };
            let (notes, sign) = self.to_show(pact, &name);
            self.with_link(&name, now, out, |link| link.share(notes, sign));
        }
    }

    fn to_show(&self, pact: &SignedPact, to: &PartyId) -> (Vec<Vec<u8>>, Vec<tlog::Checkpoint>) {
        let hash = pact.hash();
        let of_pact = |log: &LogOf| log.pact == hash;
        let forks = self.sharing.forks.iter().filter(|(log, _)| of_pact(log)).take(FORKS_SHOWN_MAX);
        let mut notes: Vec<Vec<u8>> = forks.flat_map(|(_, fork)| fork.notes.iter().map(|n| n.to_vec())).collect();
        let mut sign = Vec::new();
        for party in pact.pact().parties.iter().filter(|p| p.id != *to) {
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
        let known =
            self.sharing.logs.get(&log).is_some_and(|shown| shown.sizes.values().any(|kept| kept.as_slice() == note));
        let opened = if known { None } else { self.opened(&pact, &log, note) };
        if !known && opened.is_none() {
            return;
        }
        let shown = self.sharing.logs.entry(log.clone()).or_default();
        let note = ByteVec::from(note.to_vec());
        if *by == log.from {
            shown.by_owner = Some(note.clone());
        } else if *by == log.to {
            shown.by_addressee = Some(note.clone());
        }
        let Some(opened) = opened else { return };
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
        if a.0 == b.0 && a.1 != b.1 {
            let notes = [one, other].map(|note| ByteVec::from(note.to_vec()));
            self.sharing.forks.entry(log).or_insert(Fork { size: a.0, notes });
        }
    }

    /// What the desk is told of a peer that signed two histories of a log, to whomever.
    pub(crate) fn fork_trouble(&self, name: &PartyId) -> Option<(PeerTrouble, AlertLevel, String)> {
        let (log, fork) = self.sharing.forks.iter().find(|(log, _)| log.from == *name)?;
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
