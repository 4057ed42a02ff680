//! Verifying an evidence bundle with nothing but the verifier's own keys (`spec/evidence.md`, "Verification").

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use sha2::{Digest, Sha256};

use crate::audit::{Fault, FirstBad};
use crate::bundle::{Bundle, EntryEvidence, Link, LogEvidence};
use crate::checkpoint::Checkpoint;
use crate::cosign::cosignatures;
use crate::equivocation::{Equivocation, Fork};
use crate::error::{Error, PeerMisbehaved};
use crate::hash::{Hash, leaf_hash};
use crate::note::{Note, Verified, verify_signatures};
use crate::proof::{verify_consistency, verify_inclusion};
use crate::report::{CheckpointFault, CheckpointReport, LinkReport, LogReport, NotProven, Proven, Report, Stretch};
use crate::standing::{self, Seen, Standing, others, tree_of};
use crate::trust::TrustedKeys;

/// Verifies a bundle: what it proves, the first entry that is not as signed, and what it does not prove.
#[must_use]
pub fn verify(bundle: &Bundle, trusted: &TrustedKeys) -> Report {
    let metadata = bundle.metadata.as_ref().map(|bytes| (bytes.len(), Hash(Sha256::digest(bytes).into())));
    Report { logs: bundle.logs.iter().map(|log| verify_log(log, trusted)).collect(), metadata }
}

fn verify_log(log: &LogEvidence, trusted: &TrustedKeys) -> LogReport {
    let mut checkpoints: Vec<CheckpointReport> =
        log.checkpoints.iter().map(|note| verify_checkpoint(note, &log.origin, trusted)).collect();
    let links: Vec<LinkReport> = log.links.iter().map(|link| verify_link(link, &checkpoints)).collect();
    standing::judge(&mut checkpoints, &links, &log.origin, trusted);
    let included: Vec<bool> = log.entries.iter().map(|entry| is_included(entry, &checkpoints)).collect();
    let stands = |entry: &EntryEvidence| checkpoints.get(entry.checkpoint as usize).is_some_and(|c| c.stands());
    let good: Vec<bool> = log.entries.iter().zip(&included).map(|(entry, is_in)| *is_in && stands(entry)).collect();
    let receipts = standing::seen(&checkpoints, &links, |c| &c.cosigned);
    let proven = proven(log, &good, &checkpoints, &receipts);
    let stretches = stretches(log, &proven, &checkpoints, &links, trusted);
    let (equivocations, doubtful): (Vec<_>, Vec<_>) =
        same_size_contradictions(&checkpoints).into_iter().partition(|(a, b, _)| stand(&checkpoints, *a, *b));
    let mut not_proven = disowned(log, &included, &checkpoints, &receipts);
    not_proven.extend(doubtful.into_iter().map(|(a, b, _)| NotProven::Contradiction { a, b }));
    not_proven.extend(links.iter().filter_map(|link| match link {
        LinkReport::Contradicts { older: a, newer: b, .. } if !stand(&checkpoints, *a, *b) => {
            Some(NotProven::Contradiction { a: *a, b: *b })
        }
        _ => None,
    }));
    not_proven.extend(self::not_proven(&proven, &checkpoints, &links));
    LogReport {
        origin: log.origin.clone(),
        hints: log.hints.iter().map(|hint| (hint.clone(), trusted.has(hint))).collect(),
        receivers: trusted.receivers(&log.origin),
        first_bad: first_bad(log, &good, &checkpoints),
        equivocations,
        ranges: log.ranges.clone(),
        good,
        checkpoints,
        proven,
        stretches,
        links,
        not_proven,
        unsigned: log.unsigned.clone(),
    }
}

fn stand(checkpoints: &[CheckpointReport], a: u32, b: u32) -> bool {
    [a, b].iter().all(|n| checkpoints.get(*n as usize).is_some_and(CheckpointReport::stands))
}

fn verify_checkpoint(bytes: &[u8], origin: &str, trusted: &TrustedKeys) -> CheckpointReport {
    let mut report = CheckpointReport {
        verified: Err(CheckpointFault::Malformed),
        standing: Standing::Signed,
        stolen_by: Vec::new(),
        cosigned: Vec::new(),
        witnessed: Vec::new(),
        disowned: Vec::new(),
        ignored: Vec::new(),
    };
    let Ok(note) = Note::parse(bytes) else { return report };
    let logs = trusted.logs(origin);
    let (cosigners, witnesses) = (trusted.cosigners(origin), trusted.witnesses(origin));
    let known: Vec<_> = cosigners.iter().chain(&witnesses).chain(&logs).cloned().collect();
    let ignored = note.signatures().iter().filter(|line| !known.iter().any(|key| line.names(key)));
    report.ignored = ignored.map(|line| line.to_text()).collect();
    let Ok(value) = Checkpoint::parse(note.text()) else { return report };
    if value.origin != origin {
        report.verified = Err(CheckpointFault::OtherLog);
        return report;
    }
    // All lines by known keys, in order, so that the first false one is named whoever made it.
    let all = verify_signatures(&note, &known).map_err(fault);
    let seen = |keys: &[_]| cosignatures(&note, keys).map_err(fault);
    let checked = all.and_then(|_| Ok((verify_signatures(&note, &logs), seen(&cosigners)?, seen(&witnesses)?)));
    match checked {
        Ok((Ok(by), cosigned, witnessed)) => {
            report.witnessed = witnessed;
            (report.disowned, report.cosigned) =
                cosigned.into_iter().partition(|seen| trusted.is_stolen(origin, &seen.key));
            report.stolen_by = by.iter().filter(|key| trusted.is_stolen(origin, key)).cloned().collect();
            report.verified = Ok(Verified { value, note, by });
        }
        Ok((Err(e), ..)) => report.verified = Err(fault(e)),
        Err(e) => report.verified = Err(e),
    }
    report
}

fn fault(e: Error) -> CheckpointFault {
    use crate::error::Malformed;
    match e {
        Error::PeerMisbehaved(PeerMisbehaved::BadSignature { name, .. })
        | Error::Malformed(Malformed::Cosignature { name, .. }) => CheckpointFault::FalseSignature { name },
        Error::PeerMisbehaved(_) => CheckpointFault::NotSigned,
        _ => CheckpointFault::Malformed,
    }
}

fn tree(checkpoints: &[CheckpointReport], number: u32) -> Option<&Verified<Checkpoint>> {
    checkpoints.get(number as usize)?.verified.as_ref().ok()
}

fn is_included(entry: &EntryEvidence, checkpoints: &[CheckpointReport]) -> bool {
    proves(&leaf_hash(&entry.bytes), entry, checkpoints)
}

fn proves(leaf: &Hash, place: &EntryEvidence, checkpoints: &[CheckpointReport]) -> bool {
    tree(checkpoints, place.checkpoint)
        .is_some_and(|tree| verify_inclusion(leaf, place.index, tree.size, &place.proof, &tree.root).is_ok())
}

/// The lowest index of which something is wrong.
fn first_bad(log: &LogEvidence, good: &[bool], checkpoints: &[CheckpointReport]) -> Option<FirstBad> {
    let indexes: BTreeSet<u64> = log.entries.iter().map(|entry| entry.index).collect();
    let missing = log.ranges.iter().find_map(|range| first_missing(&indexes, range));
    let disordered =
        log.entries.windows(2).filter(|pair| pair[1].index <= pair[0].index).map(|pair| pair[1].index).min();
    let unproven = log.entries.iter().zip(good).filter(|(_, good)| !**good).map(|(entry, _)| entry);
    let unproven = unproven.min_by_key(|entry| entry.index);
    let candidates = [
        missing.map(|index| FirstBad::at(index, Fault::Missing)),
        disordered.map(|index| FirstBad::at(index, Fault::OutOfOrder)),
        unproven.map(|entry| FirstBad::at(entry.index, why(entry, log, checkpoints))),
    ];
    candidates.into_iter().flatten().min_by_key(|bad| (bad.index, bad.fault))
}

fn first_missing(indexes: &BTreeSet<u64>, range: &Range<u64>) -> Option<u64> {
    let mut expect = range.start;
    for index in indexes.range(range.clone()) {
        if *index != expect {
            break;
        }
        expect += 1;
    }
    (expect < range.end).then_some(expect)
}

/// Says why an entry is not proven: its bytes may belong to the place of another entry of the bundle.
fn why(entry: &EntryEvidence, log: &LogEvidence, checkpoints: &[CheckpointReport]) -> Fault {
    if tree(checkpoints, entry.checkpoint).is_none() {
        return Fault::Unproven;
    }
    if is_included(entry, checkpoints) {
        return Fault::Stolen;
    }
    let leaf = leaf_hash(&entry.bytes);
    let elsewhere = |place: &&EntryEvidence| place.index != entry.index && proves(&leaf, place, checkpoints);
    log.entries.iter().find(elsewhere).map_or(Fault::Changed, |_| Fault::OutOfOrder)
}

/// Runs of entries under one checkpoint each.
fn runs<'l>(log: &'l LogEvidence, of: impl Fn(usize) -> bool + 'l) -> Vec<(Range<u64>, u32)> {
    let mut out: Vec<(Range<u64>, u32)> = Vec::new();
    for (_, entry) in log.entries.iter().enumerate().filter(|(at, _)| of(*at)) {
        match out.last_mut() {
            Some((range, n)) if *n == entry.checkpoint && range.end == entry.index => range.end += 1,
            _ => out.push((entry.index..entry.index + 1, entry.checkpoint)),
        }
    }
    out
}

/// Runs of proven entries with the cosignatures of their tree, and of those that extend it.
fn proven(
    log: &LogEvidence,
    good: &[bool],
    checkpoints: &[CheckpointReport],
    receipts: &BTreeMap<(u64, Hash), Seen>,
) -> Vec<Proven> {
    let received = |n: u32| {
        let tree = checkpoints.get(n as usize).and_then(tree_of);
        tree.and_then(|tree| receipts.get(&tree)).map(|seen| seen.values().cloned().collect()).unwrap_or_default()
    };
    let one = |(range, checkpoint)| Proven { range, checkpoint, received: received(checkpoint) };
    runs(log, |at| good[at]).into_iter().map(one).collect()
}

/// What stolen keys alone signed or cosigned.
fn disowned(
    log: &LogEvidence,
    included: &[bool],
    checkpoints: &[CheckpointReport],
    receipts: &BTreeMap<(u64, Hash), Seen>,
) -> Vec<NotProven> {
    let fallen = |n: u32| checkpoints.get(n as usize).is_some_and(|c| c.verified.is_ok() && !c.stands());
    let numbers = 0..checkpoints.len() as u32;
    let mut out: Vec<NotProven> =
        numbers.clone().filter(|n| fallen(*n)).map(|checkpoint| NotProven::Tree { checkpoint }).collect();
    let entries = runs(log, |at| included[at] && fallen(log.entries[at].checkpoint));
    out.extend(entries.into_iter().map(|(range, checkpoint)| NotProven::Entries { range, checkpoint }));
    let unheard = |c: &CheckpointReport| {
        let seen = tree_of(c).and_then(|tree| receipts.get(&tree)).is_some_and(|seen| !seen.is_empty());
        others(c, &c.disowned).next().is_some() && !seen
    };
    let without = numbers.filter(|n| unheard(&checkpoints[*n as usize]));
    out.extend(without.map(|checkpoint| NotProven::Disowned { checkpoint }));
    out
}

/// Stretches of proven entries by who witnessed them; none if the verifier has no witness's key.
fn stretches(
    log: &LogEvidence,
    proven: &[Proven],
    checkpoints: &[CheckpointReport],
    links: &[LinkReport],
    trusted: &TrustedKeys,
) -> Vec<Stretch> {
    let mut out: Vec<Stretch> = Vec::new();
    let of = trusted.quorum(&log.origin);
    if of == 0 && trusted.witnesses(&log.origin).is_empty() {
        return out;
    }
    let seen = standing::seen(checkpoints, links, |c| &c.witnessed);
    for run in proven {
        let tree = tree(checkpoints, run.checkpoint);
        // By name: two keys of one witness are one witness.
        let mut by: BTreeMap<&str, u64> = BTreeMap::new();
        for seen in tree.and_then(|tree| seen.get(&(tree.size, tree.root))).into_iter().flat_map(|seen| seen.values()) {
            let known = by.entry(&seen.name).or_insert(seen.time_s);
            *known = seen.time_s.min(*known);
        }
        let mut times: Vec<u64> = by.values().copied().collect();
        times.sort_unstable();
        // By then as many as are demanded had seen it.
        let at = times.get(of.max(1) as usize - 1).copied();
        let by: Vec<String> = by.into_keys().map(ToOwned::to_owned).collect();
        match out.last_mut() {
            Some(last) if last.range.end == run.range.start && last.by == by => {
                last.range.end = run.range.end;
                last.dated = last.dated.zip(at).map(|((first, end), at)| (first.min(at), end.max(at)));
            }
            _ => out.push(Stretch { range: run.range.clone(), by, of, dated: at.map(|at| (at, at)) }),
        }
    }
    out
}

fn verify_link(link: &Link, checkpoints: &[CheckpointReport]) -> LinkReport {
    let (Some(older), Some(newer)) = (tree(checkpoints, link.older), tree(checkpoints, link.newer)) else {
        return LinkReport::Unverified { older: link.older, newer: link.newer };
    };
    let extends = || verify_consistency(older.size, newer.size, &older.root, &newer.root, &link.proof).is_ok();
    if link.root == older.root && extends() {
        return LinkReport::Extends { older: link.older, newer: link.newer };
    }
    match Equivocation::forked(older, newer, Fork { root: link.root, proof: link.proof.clone() }) {
        Some(proof) => LinkReport::Contradicts { older: link.older, newer: link.newer, proof: proof.into() },
        None => LinkReport::Unverified { older: link.older, newer: link.newer },
    }
}

/// Verified checkpoints by size, then number.
fn by_size(checkpoints: &[CheckpointReport]) -> Vec<(u32, &Verified<Checkpoint>)> {
    let mut all: Vec<_> = (0u32..).zip(checkpoints).filter_map(|(n, c)| Some((n, c.verified.as_ref().ok()?))).collect();
    all.sort_by_key(|(number, tree)| (tree.size, *number));
    all
}

/// For each checkpoint the first one of the same size that contradicts it; if there is one, so that both stand.
fn same_size_contradictions(checkpoints: &[CheckpointReport]) -> Vec<(u32, u32, Equivocation)> {
    let sorted = by_size(checkpoints);
    let found = |(at, (number, b)): (usize, &(u32, &Verified<Checkpoint>))| {
        let start = sorted.partition_point(|(_, a)| a.size < b.size);
        let contradicts = |(other, a): &(u32, &Verified<Checkpoint>)| {
            Equivocation::same_size(a, b).map(|proof| (*other, *number, proof))
        };
        let of = |both: bool| {
            let mut all = sorted[start..at].iter().filter(|(other, _)| stand(checkpoints, *other, *number) == both);
            all.find_map(contradicts)
        };
        of(true).or_else(|| of(false))
    };
    sorted.iter().enumerate().filter_map(found).collect()
}

fn not_proven(proven: &[Proven], checkpoints: &[CheckpointReport], links: &[LinkReport]) -> Vec<NotProven> {
    let mut out = Vec::new();
    for run in proven.iter().filter(|run| run.received.is_empty()) {
        out.push(NotProven::Receipt { range: run.range.clone(), checkpoint: run.checkpoint });
    }
    let size = |number: u32| tree(checkpoints, number).map(|tree| tree.size);
    let joined: BTreeSet<(Option<u64>, Option<u64>)> = links
        .iter()
        .filter(|link| !matches!(link, LinkReport::Unverified { .. }))
        .map(|link| (size(link.ends().0), size(link.ends().1)))
        .collect();
    for pair in by_size(checkpoints).windows(2) {
        let ((older, a), (newer, b)) = (pair[0], pair[1]);
        // Two checkpoints of one size are compared by their roots; every tree extends the empty one.
        if a.size != 0 && a.size != b.size && !joined.contains(&(Some(a.size), Some(b.size))) {
            out.push(NotProven::OneHistory { older, newer });
        }
    }
    out
}
