//! Making a bundle: which entries, under which checkpoints, and what could not be included.
use crate::cli::evidence::history::{Heard, History, progress};
use crate::cli::evidence::logs::{Folder, LinkLog};
use crate::cli::evidence::stated::Stated;
use crate::cli::evidence::trust;
use crate::clock::rfc3339;
use crate::keys::{Keys, key_name};
use anyhow::{Context, Result, anyhow, bail, ensure};
use pact::{KeySet, SignedKeys};
use record::{Kind, PartyId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tlog::{Checkpoint, LogEvidence, LogReader, Note, SignatureLine, VerifierKey, open_checkpoint};
use units::Utc;

/// Checkpoints of one log in a bundle: the format's bound is 4,096. More would make it no more exact than the second
/// that a cosignature states, over a quarter of an hour; beyond, times of receipt are as exact as the spacing.
const SEALS_MAX: usize = 1000;
/// Entries of one bundle (`spec/evidence.md`, E-3).
const ENTRIES_MAX: usize = 1 << 20;
/// Bytes of one entry's proof and frame beside its own: 20 hashes and some.
const ENTRY_OVERHEAD: usize = 720;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only records issued at or after this.
    pub from: Option<Utc>,
    /// Only records issued before this.
    pub to: Option<Utc>,
    /// Only these kinds.
    pub kinds: Option<BTreeSet<Kind>>,
}

/// One log of a bundle, and how it came about.
#[derive(Debug)]
pub struct Made {
    /// For the bundle.
    pub evidence: LogEvidence,
    /// Entries before the newest checkpoint that can be shown.
    pub size: u64,
    /// Entries on disk beyond it: said or heard, not yet under a checkpoint that both hold.
    pub beyond: u64,
    /// Every entry between the first and the last is here.
    pub complete: bool,
    /// When the addressee stated to hold the first and the last entry exported.
    pub received: Option<(Utc, Utc)>,
    /// What the reader of the summary should know.
    pub remarks: Vec<String>,
}

/// A checkpoint that can be shown.
enum Seal<'a> {
    /// Ours: signed again, with the peer's cosignature.
    Cosigned(&'a SignatureLine),
    /// The peer's as received, cosigned again as it was then.
    Noted(&'a [u8], Utc),
    /// As it lies beside the tiles.
    Filed(Vec<u8>),
    /// As witnesses cosigned it; the addressee did not, or at another size.
    Witnessed(&'a Note),
}

/// A checkpoint that is shown.
struct Shown {
    size: u64,
    note: Note,
    /// Whether entries are shown under it for the addressee's receipt.
    receipt: bool,
}

/// By size, notes with lines that name witnesses of the pact.
type Lines = BTreeMap<u64, Vec<Note>>;

/// Everything needed to show one log.
pub struct Exporter<'a> {
    /// Own party.
    pub me: &'a PartyId,
    /// Own keys; without them only the newest checkpoint of each log can be shown.
    pub keys: Option<&'a Keys>,
    /// The journal's account.
    pub history: &'a History,
    /// What is asked for.
    pub wanted: &'a Wanted,
    /// Statements about keys, by the folder of the logs that they were found in.
    pub stated: Stated,
}

impl Exporter<'_> {
    /// Makes the evidence of one log; none if no checkpoint of it can be shown.
    pub fn log(&self, log: &LinkLog) -> Result<Option<Made>> {
        let covered = log.folder.covered();
        let nothing = Heard::default();
        let heard = self.history.logs.get(&log.origin).unwrap_or(&nothing);
        let lines = self.lines(log, heard);
        let mut seals = self.seals(log, heard, &lines, covered)?;
        // The largest that holds against the tiles is what everything is proven towards.
        let newest = loop {
            let Some((size, seal)) = seals.last() else { return Ok(None) };
            match self.open(log, *size, seal) {
                Ok(note) => {
                    break Shown { size: *size, note, receipt: !matches!(seal, Seal::Witnessed(_)) };
                }
                Err(error) if is_absent(&error) => return Err(error),
                Err(_) => drop(seals.pop()),
            }
        };
        let size = newest.size;
        let reader = LogReader::new(&log.folder, size);
        let (chosen, bytes) = self.choose(&reader, size)?;
        ensure!(
            chosen.len() <= ENTRIES_MAX && bytes + chosen.len() * ENTRY_OVERHEAD <= tlog::BUNDLE_BYTES_MAX,
            "{} entries of {} bytes are more than one file of evidence holds (2^20 entries, 256 MiB); \
             narrow it with --from and --to, --peer or --kind",
            chosen.len(),
            bytes
        );
        let mut remarks = Vec::new();
        let notes = self.notes_for(log, &seals, newest, &lines, &chosen, &mut remarks);
        let complete = self.wanted.kinds.is_none();
        let evidence = self.assemble(log, &reader, &notes, &chosen, complete)?;
        let received = |index: &u64| heard.received(*index, u64::MAX);
        let received = chosen.first().and_then(received).zip(chosen.last().and_then(received));
        Ok(Some(Made { evidence, size, beyond: covered.saturating_sub(size), complete, received, remarks }))
    }

    /// Checkpoints of at most `covered` entries, by size, each size once. Verified only when used.
    fn seals<'h>(
        &self,
        log: &LinkLog,
        heard: &'h Heard,
        lines: &'h Lines,
        covered: u64,
    ) -> Result<Vec<(u64, Seal<'h>)>> {
        let mut seals: Vec<(u64, Seal<'_>)> = Vec::new();
        if log.outgoing && self.keys.is_some() {
            seals.extend(heard.cosigned.iter().map(|c| (c.size, Seal::Cosigned(&c.line))));
        } else if !log.outgoing {
            seals.extend(heard.notes.iter().map(|n| (n.size, Seal::Noted(&n.note, n.received))));
        }
        let filed = tlog::Store::read(&log.folder, "checkpoint").map_err(|e| anyhow!("{}: {e}", log.origin))?;
        if let Some(note) = filed {
            let parsed = Note::parse(&note).and_then(|n| Checkpoint::parse(n.text()));
            let size = parsed.with_context(|| format!("the checkpoint beside the log {}", log.origin))?.size;
            if seals.iter().all(|(known, _)| *known != size) {
                seals.push((size, Seal::Filed(note)));
            }
        }
        let known: BTreeSet<u64> = seals.iter().map(|(size, _)| *size).collect();
        let others = lines.iter().filter(|(size, _)| !known.contains(size));
        seals.extend(others.filter_map(|(size, notes)| Some((*size, Seal::Witnessed(notes.first()?)))));
        seals.retain(|(size, _)| (1..=covered).contains(size));
        seals.sort_by_key(|(size, _)| *size);
        Ok(seals)
    }

    /// What witnesses of the pact are said to have cosigned, in the journal and beside the tiles. Nothing is verified yet.
    fn lines(&self, log: &LinkLog, heard: &Heard) -> Lines {
        let witnesses = &log.pact.pact().oversight.witnesses;
        let mut lines = Lines::new();
        if witnesses.is_empty() {
            return lines;
        }
        let filed = tlog::Store::read(&log.folder, "witnessed").ok().flatten();
        for bytes in heard.witnessed.values().flatten().chain(&filed) {
            let Ok(note) = Note::parse(bytes) else { continue };
            let names = note.signatures().iter().any(|line| witnesses.iter().any(|key| line.names(key)));
            if let (true, Ok(checkpoint)) = (names, Checkpoint::parse(note.text())) {
                lines.entry(checkpoint.size).or_default().push(note);
            }
        }
        lines
    }

    /// The note of a checkpoint, checked: the signer's key, the root against the tiles, the addressee's cosignature. Only if
    /// the pact's keys do not fit, the logs are searched for statements that replaced them.
    fn open(&self, log: &LinkLog, size: u64, seal: &Seal<'_>) -> Result<Note> {
        let error = match self.open_by(log, size, seal, &[]) {
            Ok(note) => return Ok(note),
            Err(error) if is_absent(&error) => return Err(error),
            Err(error) => error,
        };
        let stated = self.stated.of(log)?;
        if stated.is_empty() { Err(error) } else { self.open_by(log, size, seal, &stated) }
    }

    fn open_by(&self, log: &LinkLog, size: u64, seal: &Seal<'_>, stated: &[SignedKeys]) -> Result<Note> {
        let reader = LogReader::new(&log.folder, size);
        let root = reader.root_at(size)?;
        let checkpoint = Checkpoint { origin: log.origin.clone(), size, root };
        let keys_of = |id: &PartyId| -> Result<Vec<KeySet>> {
            let party = log.pact.pact().party(id);
            let party = party.ok_or_else(|| anyhow!("the pact of {} does not name {id}", log.origin))?;
            let later = stated.iter().map(SignedKeys::statement).filter(|s| s.party == *id).map(|s| s.keys.clone());
            Ok([KeySet::of(party)].into_iter().chain(later).collect())
        };
        let (me, peer) = (keys_of(self.me)?, keys_of(&log.peer)?);
        let signers = if log.outgoing { &me } else { &peer };
        let mut note = match seal {
            Seal::Cosigned(line) => {
                let keys = self.keys.context("own keys")?;
                let verified = |set: &KeySet| tlog::verify_cosignature(&checkpoint.to_text(), line, &set.cosign_key);
                first_ok(&peer, verified)?;
                // Ed25519 has no chance in it: this is the note that was sent, byte for byte, or the same by a later key.
                let mut note = tlog::sign_checkpoint(&checkpoint, &keys.log_signer(&key_name(self.me))?)?;
                note.add((*line).clone())?;
                note
            }
            Seal::Noted(note, _) => Note::parse(note)?,
            Seal::Filed(note) => Note::parse(note)?,
            Seal::Witnessed(note) => (*note).clone(),
        };
        let opened = first_ok(signers, |set| open_checkpoint(&note.to_bytes(), &log.origin, &set.log_key))?;
        ensure!(opened.root == root, "the tiles of {} do not hold what its checkpoint of {size} covers", log.origin);
        let receivers = if log.outgoing { &peer } else { &me };
        let log_keys = signers.iter().map(|set| set.log_key.clone());
        let mut lines: Vec<VerifierKey> = log_keys.chain(receivers.iter().map(|set| set.cosign_key.clone())).collect();
        lines.extend(log.pact.pact().oversight.witnesses.iter().cloned());
        note = trust::only(&note, &lines)?;
        if let (Seal::Noted(_, received), Some(keys)) = (seal, self.keys) {
            let time_s = u64::try_from(received.0.div_euclid(1000)).unwrap_or(0);
            note.add(tlog::cosign(note.text(), time_s, &keys.cosigner(&key_name(self.me))?)?)?;
        }
        Ok(note)
    }

    /// Indexes asked for, ascending, and their bytes in all.
    fn choose(&self, reader: &LogReader<'_, Folder>, size: u64) -> Result<(Vec<u64>, usize)> {
        let bar = progress(size, "choosing entries");
        let (mut hits, mut bytes) = (Vec::new(), 0);
        for start in (0..size).step_by(256) {
            bar.set_position(start);
            let end = size.min(start + 256);
            for (index, entry) in (start..end).zip(reader.entries(start..end)?) {
                if self.is_wanted(&entry) {
                    hits.push((index, entry.len()));
                }
            }
        }
        bar.finish_and_clear();
        if self.wanted.kinds.is_none()
            && let (Some((first, _)), Some((last, _))) = (hits.first(), hits.last())
        {
            // Whole stretches can be shown to be complete; a clock that jumped must not tear holes into them.
            let entries = reader.entries(*first..last + 1)?;
            hits = (*first..).zip(entries.iter().map(Vec::len)).collect();
        }
        bytes += hits.iter().map(|(_, len)| len).sum::<usize>();
        Ok((hits.into_iter().map(|(index, _)| index).collect(), bytes))
    }

    fn is_wanted(&self, entry: &[u8]) -> bool {
        let Wanted { from, to, kinds } = self.wanted;
        if from.is_none() && to.is_none() && kinds.is_none() {
            return true;
        }
        // What is no record has no time and no kind; it is in the log all the same, and a stretch includes it.
        let Ok(decoded) = record::decode(entry) else { return false };
        let at = decoded.record.issued_at;
        from.is_none_or(|from| at >= from)
            && to.is_none_or(|to| at < to)
            && kinds.as_ref().is_none_or(|kinds| kinds.contains(&decoded.record.body.kind()))
    }

    /// The checkpoints between which each entry was told, the first that each witness saw over it, and the newest; as far as
    /// the bound on their number allows.
    fn notes_for(
        &self,
        log: &LinkLog,
        seals: &[(u64, Seal<'_>)],
        newest: Shown,
        lines: &Lines,
        chosen: &[u64],
        remarks: &mut Vec<String>,
    ) -> Vec<Shown> {
        let receipts: Vec<u64> =
            seals.iter().filter(|(_, seal)| !matches!(seal, Seal::Witnessed(_))).map(|(size, _)| *size).collect();
        let mut used = BTreeSet::new();
        for index in chosen {
            let over = receipts.partition_point(|size| size <= index);
            used.extend(receipts.get(over).copied());
            used.extend(over.checked_sub(1).map(|last| receipts[last]));
        }
        let mut kept = thinned(used, "receipt", remarks);
        let mut seen = BTreeSet::new();
        for witness in &log.pact.pact().oversight.witnesses {
            let by = |notes: &Vec<Note>| notes.iter().any(|n| n.signatures().iter().any(|line| line.names(witness)));
            let sizes: Vec<u64> = lines.iter().filter(|(_, notes)| by(notes)).map(|(size, _)| *size).collect();
            seen.extend(chosen.iter().filter_map(|index| sizes.get(sizes.partition_point(|s| s <= index)).copied()));
        }
        kept.extend(thinned(seen, "witnessing", remarks));
        let bar = progress(kept.len() as u64, "checking receipts");
        let mut notes = Vec::new();
        for (size, seal) in seals.iter().filter(|(size, _)| *size < newest.size && kept.contains(size)) {
            bar.inc(1);
            let receipt = !matches!(seal, Seal::Witnessed(_));
            match self.open(log, *size, seal) {
                Ok(note) => notes.push(Shown { size: *size, note, receipt }),
                Err(error) => remarks.push(format!("the checkpoint of {size} entries is left out: {error:#}")),
            }
        }
        bar.finish_and_clear();
        notes.push(newest);
        for shown in &mut notes {
            add_witnesses(&mut shown.note, lines.get(&shown.size), &log.pact.pact().oversight.witnesses);
        }
        notes
    }

    fn assemble(
        &self,
        log: &LinkLog,
        reader: &LogReader<'_, Folder>,
        notes: &[Shown],
        chosen: &[u64],
        complete: bool,
    ) -> Result<LogEvidence> {
        let mut evidence = LogEvidence::new(&log.origin);
        let pact = log.pact.pact();
        for party in &pact.parties {
            if party.id == *self.me || party.id == log.peer {
                evidence.hints.extend([party.log_key.to_string(), party.cosign_key.to_string()]);
            }
        }
        evidence.hints.extend(pact.oversight.witnesses.iter().map(ToString::to_string));
        let numbers: Vec<u32> = notes.iter().map(|shown| evidence.add_checkpoint(&shown.note)).collect();
        let bar = progress(chosen.len() as u64, "proving entries");
        for (range, at) in runs(chosen, notes) {
            bar.inc(range.end - range.start);
            evidence.add_range(reader, range, numbers[at])?;
        }
        bar.finish_and_clear();
        for signed in self.stated.found(log) {
            let keys = &signed.statement().keys;
            evidence.hints.extend([keys.log_key.to_string(), keys.cosign_key.to_string()]);
        }
        evidence.ranges.clear();
        if let (true, Some(first), Some(last)) = (complete, chosen.first(), chosen.last()) {
            evidence.ranges.push(*first..last + 1);
        }
        for pair in numbers.windows(2) {
            evidence.add_link(reader, pair[0], pair[1])?;
        }
        let mut keys: Vec<VerifierKey> = pact.oversight.witnesses.clone();
        let of_pact = pact.parties.iter().map(KeySet::of);
        let sets = of_pact.chain(self.stated.found(log).into_iter().map(|signed| signed.statement().keys.clone()));
        keys.extend(sets.flat_map(|set| [set.log_key, set.cosign_key]));
        for note in &log.contradicting {
            let clean = Note::parse(note).map_err(anyhow::Error::from).and_then(|n| trust::only(&n, &keys));
            if let Ok(clean) = clean {
                add_new(&mut evidence.checkpoints, &clean);
            }
        }
        Ok(evidence)
    }
}

/// Adds a note unless one of the same text is there: what it states is shown once.
pub fn add_new(notes: &mut Vec<Vec<u8>>, note: &Note) {
    let is_same = |known: &Vec<u8>| Note::parse(known).is_ok_and(|known| known.text() == note.text());
    if !notes.iter().any(is_same) {
        notes.push(note.to_bytes());
    }
}

/// At most as many sizes as the bound allows. From the end, so that the last one of each group stays: nothing is ever dated
/// too early.
fn thinned(used: BTreeSet<u64>, what: &str, remarks: &mut Vec<String>) -> BTreeSet<u64> {
    let step = used.len().div_ceil(SEALS_MAX).max(1);
    if step > 1 {
        remarks.push(format!(
            "only every {step}th checkpoint is included: times of {what} are that much less exact; narrow --from and --to \
             for exact ones"
        ));
    }
    used.into_iter().rev().step_by(step).collect()
}

/// Adds the true lines of the pact's witnesses for the same text.
fn add_witnesses(note: &mut Note, seen: Option<&Vec<Note>>, witnesses: &[VerifierKey]) {
    let text = note.text().to_owned();
    for line in seen.into_iter().flatten().filter(|n| n.text() == text).flat_map(|n| n.signatures().to_vec()) {
        let is_new = !note.signatures().contains(&line);
        let is_true = |key: &&VerifierKey| line.names(key) && tlog::verify_cosignature(&text, &line, key).is_ok();
        if is_new && witnesses.iter().any(|key| is_true(&key)) && note.add(line.clone()).is_err() {
            return;
        }
    }
}

/// The first success, else the last failure.
fn first_ok<T>(
    sets: &[KeySet],
    attempt: impl Fn(&KeySet) -> std::result::Result<T, tlog::Error>,
) -> std::result::Result<T, tlog::Error> {
    let mut last = Err(tlog::PeerMisbehaved::NotSigned.into());
    for set in sets.iter().rev() {
        last = attempt(set);
        if last.is_ok() {
            break;
        }
    }
    last
}

/// Stretches of consecutive indexes under one checkpoint: the first with a receipt that covers them, else the first.
fn runs(chosen: &[u64], notes: &[Shown]) -> Vec<(Range<u64>, usize)> {
    let receipts: Vec<usize> = (0..notes.len()).filter(|at| notes[*at].receipt).collect();
    let mut out: Vec<(Range<u64>, usize)> = Vec::new();
    for &index in chosen {
        let first = receipts.partition_point(|at| notes[*at].size <= index);
        let any = || notes.partition_point(|shown| shown.size <= index);
        let at = receipts.get(first).copied().unwrap_or_else(any);
        match out.last_mut() {
            Some((range, under)) if range.end == index && *under == at => range.end += 1,
            _ => out.push((index..index + 1, at)),
        }
    }
    out
}

/// Whether a file was not there: beside a running node it may have been replaced by a wider one between two reads.
pub fn is_absent(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<tlog::Error>(), Some(tlog::Error::Unavailable(_)))
}

/// The metadata of a bundle: the pact's file, or an array if there are several, or statements about keys.
pub fn metadata(pacts: &[Vec<u8>]) -> Result<Option<Vec<u8>>> {
    Ok(match pacts {
        [] => None,
        [one] => Some(one.clone()),
        several => {
            let mut e = minicbor::Encoder::new(Vec::new());
            e.array(several.len() as u64)?;
            for pact in several {
                e.bytes(pact)?;
            }
            Some(e.into_writer())
        }
    })
}

/// The pacts and statements in a bundle's metadata.
pub fn pacts_of(metadata: &[u8]) -> Vec<Vec<u8>> {
    let mut d = minicbor::Decoder::new(metadata);
    let several = d.array_iter::<minicbor::bytes::ByteVec>().ok();
    let several: Option<Vec<Vec<u8>>> = several.and_then(|items| items.map(|item| item.ok().map(Vec::from)).collect());
    several.unwrap_or_else(|| vec![metadata.to_vec()])
}

/// Words for when an addressee stated to hold what is exported.
pub fn received_text(received: Option<(Utc, Utc)>) -> String {
    match received {
        Some((a, b)) if a == b => format!("receipts dated {}", rfc3339(a)),
        Some((a, b)) => format!("receipts dated {} to {}", rfc3339(a), rfc3339(b)),
        None => "times of receipt: see the checkpoints".into(),
    }
}

/// Refuses a bundle that is not as signed: nothing false is written. What rests on a stolen key alone is written all the same,
/// since it was signed; every verifier says of it that it is not proven.
pub fn check(bundle: &tlog::Bundle, trusted: &tlog::TrustedKeys) -> Result<tlog::Report> {
    let report = tlog::verify(bundle, trusted);
    if !report.is_as_signed() && report.equivocations().next().is_none() {
        bail!("what was gathered does not verify, so nothing is written:\n{report}");
    }
    Ok(report)
}
