//! What was signed, against what was on the disk: no fork, no signature over what can be lost, no receipt for what can.
use super::merkle::{Hash, Log, leaf};
use crate::event::{Event, Excused, Step};
use crate::trace::Trace;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use link::Frame;
use std::collections::BTreeMap;

/// Why a node may know less after a start than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Excuse {
    /// There is none.
    #[default]
    None,
    /// Its data was replaced by a backup, or rotted: it may be behind, and must then not sign.
    Old,
}

/// One log as the checkers know it: of what one party told another.
#[derive(Debug, Clone, Default)]
struct Told {
    /// What its owner journaled, in order.
    log: Log,
    /// Every size its owner signed, with the root.
    signed: BTreeMap<u64, Hash>,
    /// Of these, what an honest addressee verified. An older copy of the owner's data cannot undo that.
    accepted: BTreeMap<u64, Hash>,
    /// The addressee gave a cosignature for this size.
    receipted: u64,
    /// The owner stored a cosignature for this size.
    receipt_held: u64,
    /// Entries that the addressee stored.
    held: Vec<Hash>,
    /// The addressee sealed this much.
    sealed: u64,
    /// Roots that the owner signed, and that its older data no longer knows: one on its way may still be sealed.
    forgotten: BTreeMap<u64, Hash>,
    /// The least size that the owner's log was set back to: above it the addressee may have sealed what the owner forgot.
    least: Option<u64>,
    /// A thief spoke for the owner before the addressee had heard of the theft: what it holds is not what the owner said.
    robbed: bool,
    /// Seen already: a violation is told once.
    reported: bool,
}

/// Watches every log between honest parties; a hostile owner's log has no truth to hold it against.
#[derive(Debug, Default)]
pub struct Watch {
    names: Vec<String>,
    honest: Vec<bool>,
    logs: BTreeMap<(usize, usize), Told>,
}

impl Watch {
    /// Of these parties.
    #[must_use]
    pub fn new(names: Vec<String>, honest: Vec<bool>) -> Self {
        Self { names, honest, logs: BTreeMap::new() }
    }

    fn log(&mut self, from: usize, to: usize) -> &mut Told {
        self.logs.entry((from, to)).or_default()
    }

    /// Entries that a party journaled for another.
    #[must_use]
    pub fn said(&self, from: usize, to: usize) -> u64 {
        self.logs.get(&(from, to)).map_or(0, |told| told.log.size())
    }

    fn fail(&mut self, trace: &mut Trace, from: usize, to: usize, text: String) {
        let who = format!("{} to {}", self.names[from], self.names[to]);
        let told = self.log(from, to);
        if !std::mem::replace(&mut told.reported, true) {
            trace.violation(&who, text);
        }
    }

    /// An honest party stored an entry of its own log. False if it is known already.
    pub fn stored_out(&mut self, trace: &mut Trace, from: usize, to: usize, index: u64, bytes: &[u8]) -> bool {
        let hash = leaf(bytes);
        trace.mix(&hash);
        let log = &mut self.log(from, to).log;
        if index == log.size() {
            log.push(hash);
            return true;
        }
        let known = log.leaves.get(index as usize).copied();
        if known != Some(hash) {
            self.fail(
                trace,
                from,
                to,
                format!("entry {index} of its log is not the one that was there, or follows a gap"),
            );
        }
        false
    }

    /// An honest party stored an entry of a peer's log.
    pub fn stored_in(&mut self, trace: &mut Trace, from: usize, to: usize, index: u64, bytes: &[u8]) {
        let hash = leaf(bytes);
        let told = self.log(from, to);
        if index != told.held.len() as u64 {
            let held = told.held.len();
            return self.fail(
                trace,
                from,
                to,
                format!("the receiver stored entry {index} when it held {held}: lost or doubled"),
            );
        }
        told.held.push(hash);
    }

    /// An honest party put a frame on a wire.
    pub fn sent(&mut self, trace: &mut Trace, from: usize, to: usize, bytes: &[u8]) {
        trace.mix(bytes);
        match Frame::decode(bytes) {
            Ok(Frame::Entries { first, entries }) => {
                for (index, entry) in (first..).zip(&entries) {
                    if self.log(from, to).log.leaves.get(index as usize) != Some(&leaf(entry)) {
                        self.fail(trace, from, to, format!("entry {index} on the wire is not the one in the journal"));
                    }
                }
            }
            Ok(Frame::Checkpoint { note, .. }) => {
                trace.count(Event::Step(Step::Signed));
                self.signed(trace, from, to, &note);
            }
            Ok(Frame::Cosignature { size, .. }) => {
                trace.count(Event::Step(Step::Cosigned));
                let told = self.log(to, from);
                told.receipted = told.receipted.max(size);
                if size > told.held.len() as u64 {
                    self.fail(trace, to, from, format!("a receipt for {size} entries that are not all stored"));
                }
            }
            Ok(Frame::Close { code, .. }) => {
                trace.count(Event::Closed(link::CloseCode::from_code(code.into())));
            }
            Ok(_) => {}
            Err(error) => self.fail(trace, from, to, format!("it sent what is no frame: {error}")),
        }
    }

    fn signed(&mut self, trace: &mut Trace, from: usize, to: usize, note: &[u8]) {
        let Some((size, root)) = read_note(note) else {
            return self.fail(trace, from, to, "it signed what is no checkpoint".into());
        };
        let misled = self.log(to, from).robbed;
        let told = self.log(from, to);
        let newest = told.accepted.last_key_value().map_or(0, |(size, _)| *size);
        let known = told.signed.insert(size, root);
        let (accepted, journaled) = (told.accepted.get(&size).copied(), told.log.roots.get(size as usize).copied());
        let other = known.is_some_and(|known| known != root) || accepted.is_some_and(|known| known != root);
        // A party whose data was set back learns from its peer what it signed before. It heard a thief instead, believed because
        // the statement about the theft went with the data: there is nobody else who could have told it.
        let heard_thief = misled && told.least.is_some_and(|least| size > least);
        if heard_thief && (other || size < newest) {
            trace.count(Event::Excused(Excused::Robbed));
        } else if other {
            self.fail(trace, from, to, format!("FORK: two roots signed for size {size}"));
        } else if size < newest {
            self.fail(trace, from, to, format!("ROLLBACK: size {size} signed after the peer held {newest}"));
        } else if journaled != Some(root) {
            self.fail(trace, from, to, format!("the root signed for size {size} is not that of the journaled entries"));
        }
    }

    /// An honest party sealed a peer's log up to a size.
    pub fn sealed(&mut self, trace: &mut Trace, from: usize, to: usize, size: u64, note: &[u8]) {
        trace.count(Event::Step(Step::Sealed));
        let honest = self.honest[from];
        let told = self.log(from, to);
        told.sealed = told.sealed.max(size);
        if told.robbed {
            return trace.count(Event::Excused(Excused::Robbed));
        }
        let sealed = read_note(note);
        if let Some((size, root)) = sealed {
            told.accepted.insert(size, root);
        }
        let upto = size as usize;
        let same = told.held.len() >= upto && told.log.leaves.get(..upto) == told.held.get(..upto);
        if honest && !same {
            if sealed.is_some_and(|(size, root)| told.forgotten.get(&size) == Some(&root)) {
                return trace.count(Event::Excused(Excused::SealedForgotten));
            }
            self.fail(trace, from, to, format!("the receiver sealed {size} entries that are not what was said"));
        }
    }

    /// Brings a tree of a party's log to a size; false if the log is not so long.
    #[must_use]
    pub fn grow(&self, from: usize, to: usize, tree: &mut tlog::Tree, size: u64) -> bool {
        let Some(told) = self.logs.get(&(from, to)).filter(|told| told.log.size() >= size) else { return false };
        if tree.size() > size || told.log.roots.get(tree.size() as usize) != Some(&tree.root().0) {
            // Its data was set back.
            *tree = tlog::Tree::new();
        }
        let leaves = told.log.leaves.get(tree.size() as usize..size as usize).unwrap_or_default();
        leaves.iter().for_each(|leaf| tree.append(tlog::Hash(*leaf)));
        true
    }

    /// Whether a root is not that of a log at a size, as far as that is known.
    #[must_use]
    pub fn is_not(&self, from: usize, to: usize, size: u64, root: &Hash) -> bool {
        let Some(told) = self.logs.get(&(from, to)).filter(|told| !told.robbed) else { return false };
        // What its owner forgot with older data was its log all the same.
        let of_owner = told.log.roots.get(size as usize).filter(|_| self.honest[from]);
        let known = [of_owner, told.accepted.get(&size), told.forgotten.get(&size)];
        known.iter().flatten().next().is_some() && !known.contains(&Some(root))
    }

    /// A thief speaks for `from` to `to`, who has not heard of the theft.
    pub fn rob(&mut self, from: usize, to: usize) {
        self.log(from, to).robbed = true;
    }

    /// The root at which an honest addressee verified a size of a log, and the newest such size.
    #[must_use]
    pub fn accepted(&self, from: usize, to: usize, size: u64) -> Option<(Hash, u64)> {
        let accepted = &self.logs.get(&(from, to))?.accepted;
        Some((*accepted.get(&size)?, *accepted.last_key_value()?.0))
    }

    /// An honest party stored a peer's cosignature.
    pub fn receipt(&mut self, trace: &mut Trace, from: usize, to: usize, size: u64) {
        trace.count(Event::Step(Step::Receipt));
        let honest = self.honest[to];
        let told = self.log(from, to);
        told.receipt_held = told.receipt_held.max(size);
        if honest && told.receipted < size {
            self.fail(trace, from, to, format!("a receipt for {size} entries that the peer never gave"));
        }
    }

    /// A party came back: `out` and `held` are sizes and roots of both logs with `peer` as its disk has them; `entries` are
    /// those of its own log that the checkers have not seen.
    pub fn recovered(
        &mut self,
        trace: &mut Trace,
        (node, peer): (usize, usize),
        (out, entries): ((u64, Hash), Vec<Vec<u8>>),
        (held, held_entries): ((u64, Hash), Vec<Vec<u8>>),
        excuse: Excuse,
    ) {
        let told = self.log(node, peer);
        if excuse == Excuse::Old && out.0 < told.log.size() {
            trace.count(Event::Excused(Excused::SetBack));
            told.log.cut(out.0);
            told.least = Some(told.least.map_or(out.0, |least| least.min(out.0)));
            // What nobody verified may be signed otherwise: nobody can know.
            let beyond = told.signed.split_off(&(out.0 + 1));
            let accepted = &told.accepted;
            told.signed.extend(beyond.iter().filter(|(size, _)| accepted.contains_key(size)));
            told.forgotten.extend(beyond);
        }
        let known = told.log.size();
        if out.0 < known {
            self.fail(trace, node, peer, format!("LOST: {known} entries were said, {} are on the disk", out.0));
        }
        for (index, entry) in (known..).zip(&entries) {
            self.stored_out(trace, node, peer, index, entry);
        }
        if self.log(node, peer).log.roots.get(out.0 as usize) != Some(&out.1) {
            self.fail(trace, node, peer, format!("the {} entries on the disk are not those that were said", out.0));
        }
        let honest = self.honest[peer];
        let told = self.log(peer, node);
        if excuse == Excuse::Old {
            if told.held.len() as u64 > held.0 {
                trace.count(Event::Excused(Excused::SetBack));
            }
            told.held.truncate(held.0 as usize);
            told.sealed = told.sealed.min(held.0);
            if told.receipted > held.0 {
                // It gave receipts that its own data no longer bears out: the link is not to go on.
                told.receipted = held.0;
            }
        }
        if held.0 < told.receipted {
            let text = format!("LOST: a receipt was given for {} entries, {} are on the disk", told.receipted, held.0);
            self.fail(trace, peer, node, text);
        }
        let told = self.log(peer, node);
        told.held.truncate(held.0 as usize);
        told.held.extend(held_entries.iter().map(|entry| leaf(entry)));
        if told.held.len() as u64 != held.0 {
            let text = format!("{} entries of the peer are on the disk, {} can be read", held.0, told.held.len());
            self.fail(trace, peer, node, text);
        }
        let told = self.log(peer, node);
        let upto = told.sealed.min(told.least.unwrap_or(u64::MAX)) as usize;
        if honest && !told.robbed && told.log.leaves.get(..upto) != told.held.get(..upto) {
            self.fail(
                trace,
                peer,
                node,
                format!("of {upto} sealed entries some are not on the disk as they were said"),
            );
        }
    }

    /// Whether entries were stored at a receiver that are not what was said: the middle altered them before a seal.
    #[must_use]
    pub fn altered(&self, from: usize, to: usize) -> bool {
        self.logs.get(&(from, to)).is_some_and(|told| told.log.leaves.get(..told.held.len()) != Some(&told.held[..]))
    }

    /// Entries that a receiver stored.
    #[must_use]
    pub fn held(&self, from: usize, to: usize) -> u64 {
        self.logs.get(&(from, to)).map_or(0, |told| told.held.len() as u64)
    }
}

/// Size and root of a note, read by hand: origin, size, root.
fn read_note(note: &[u8]) -> Option<(u64, Hash)> {
    let mut lines = std::str::from_utf8(note).ok()?.lines().skip(1);
    let size = lines.next()?.parse().ok()?;
    let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    Some((size, root))
}
