//! What the journal says about a link's receipts: one pass, without folding and without the node's lock.
//!
//! The link logs on disk keep only the newest checkpoint. The journal keeps every frame, so every cosignature a peer gave
//! and every checkpoint it signed can be found again, each with the time it states.
use crate::cli::evidence::brackets::Dated;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use journal::{ReadOnly, Seq};
use link::Frame;
use minicbor::Decoder;
use node::input::{Boot, Entry, Input, PaintedAlert, WitnessReport};
use pact::SignedPact;
use record::{PartyId, Role};
use std::collections::{BTreeMap, BTreeSet};
use tlog::SignatureLine;
use units::{Now, Utc};

/// One pass over a journal.
#[derive(Debug, Default)]
pub struct History {
    /// Pacts the node was started with, each once.
    pub pacts: Vec<SignedPact>,
    /// What came from peers about each log, by origin.
    pub logs: BTreeMap<String, Heard>,
    /// Inputs that are skipped when folding.
    pub quarantined: BTreeSet<u64>,
    /// Who was shown an alert, and when, by the alert's number.
    pub shown: BTreeMap<u64, Vec<Shown>>,
    /// First and last input: position and time.
    pub span: Option<((u64, Utc), (u64, Utc))>,
    /// Last input accepted at or before the time asked for.
    pub upto: u64,
}

/// An alert painted before somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Input.
    pub seq: u64,
    /// Which raising of the alert, from 1.
    pub raising: u32,
    /// Account.
    pub who: String,
    /// Its role: what a wall screen showed, no watch has seen.
    pub role: Role,
    /// When.
    pub at: Utc,
}

/// What the peer sent about one log.
#[derive(Debug, Default, Clone)]
pub struct Heard {
    /// Its cosignatures of our checkpoints, of ever larger sizes.
    pub cosigned: Vec<Cosigned>,
    /// Its own checkpoints, of ever larger sizes, each accepted when exactly its entries were held.
    pub notes: Vec<Noted>,
    /// Notes with witnesses' lines, by size: of our log as the witnesses' client brought them, of the peer's as it sent them.
    pub witnessed: BTreeMap<u64, Vec<Vec<u8>>>,
    held: Option<u64>,
}

/// A cosignature as received.
#[derive(Debug, Clone)]
pub struct Cosigned {
    /// Input.
    pub seq: u64,
    /// Entries covered.
    pub size: u64,
    /// Time the peer states, POSIX seconds.
    pub time_s: u64,
    /// The signature line; not verified here.
    pub line: SignatureLine,
}

/// A checkpoint as received.
#[derive(Debug, Clone)]
pub struct Noted {
    /// Entries covered.
    pub size: u64,
    /// The note.
    pub note: Vec<u8>,
    /// When it was accepted: the time that was cosigned.
    pub received: Utc,
}

impl Heard {
    /// Keeps a note with witnesses' lines; which of them are true is judged when it is shown.
    fn take_witnessed(&mut self, note: Vec<u8>) {
        let size = tlog::Note::parse(&note).and_then(|n| tlog::Checkpoint::parse(n.text())).map(|c| c.size);
        let Ok(size) = size else { return };
        let known = self.witnessed.entry(size).or_default();
        if known.len() < WITNESSED_MAX && !known.contains(&note) {
            known.push(note);
        }
    }

    /// The dated receipts of the addressee of our log, as far as inputs up to `upto` tell.
    pub fn dated(&self, upto: u64) -> Dated {
        let known = self.cosigned.iter().take_while(|c| c.seq <= upto);
        Dated::new(known.map(|c| (c.size, seconds(c.time_s))).collect())
    }

    /// When the peer stated to hold the entry `index`, judged by inputs up to `upto`.
    pub fn received(&self, index: u64, upto: u64) -> Option<Utc> {
        let at = self.cosigned.partition_point(|c| c.size <= index);
        self.cosigned.get(at).filter(|c| c.seq <= upto).map(|c| seconds(c.time_s))
    }
}

/// POSIX seconds as an instant.
pub fn seconds(time_s: u64) -> Utc {
    Utc(i64::try_from(time_s).unwrap_or(i64::MAX / 1000).saturating_mul(1000))
}

/// A progress bar on a terminal, nothing elsewhere.
pub fn progress(total: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    // The template is a constant; a bar without it would be a bar all the same.
    if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {percent}% {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    bar
}

/// Which kind of input, without decoding all of it: most bytes of a journal are reports.
pub fn peek(bytes: &[u8]) -> Option<(Now, u32)> {
    let mut d = Decoder::new(bytes);
    d.array().ok()?;
    let now = d.decode().ok()?;
    d.array().ok()?;
    Some((now, d.u32().ok()?))
}

const BOOT: u32 = 0;
const LINK_FRAME: u32 = 5;
const DISPLAYED: u32 = 8;
const QUARANTINE: u32 = 10;
const WITNESS: u32 = 12;
/// Notes of one size that are kept: a pact has at most eight witnesses, and each may come alone.
const WITNESSED_MAX: usize = 16;

/// The logs of one peer under the pact in force.
struct Origins {
    out: String,
    held: String,
}

/// Reads the whole journal. `at` asks for the last input at or before that time.
pub fn scan(journal: &ReadOnly, at: Option<Utc>) -> Result<History> {
    let mut history = History::default();
    let mut origins: BTreeMap<PartyId, Origins> = BTreeMap::new();
    let (first, last) = (journal.first_seq(), journal.last_seq());
    if last < first {
        return Ok(history);
    }
    let bar = progress(last.0 + 1 - first.0, "reading the journal");
    let whole = first == Seq(1);
    for item in journal.read(first)? {
        let (Seq(seq), bytes) = item?;
        if seq.is_multiple_of(1024) {
            bar.set_position(seq - first.0);
        }
        let Some((now, kind)) = peek(&bytes) else { continue };
        let begun = history.span.map_or((seq, now.utc), |(begun, _)| begun);
        history.span = Some((begun, (seq, now.utc)));
        if at.is_none_or(|at| now.utc <= at) {
            history.upto = seq;
        }
        if !matches!(kind, BOOT | LINK_FRAME | DISPLAYED | QUARANTINE | WITNESS) {
            continue;
        }
        let Ok(entry) = minicbor::decode::<Entry>(&bytes) else { continue };
        match entry.input {
            Input::Boot(boot) => history.boot(&boot, &mut origins),
            Input::LinkFrame { peer, frame, .. } => {
                if let (Some(origins), Ok(frame)) = (origins.get(&peer), Frame::decode(&frame)) {
                    history.frame(origins, seq, now, frame, whole);
                }
            }
            Input::Displayed { actor, alerts, .. } => {
                for PaintedAlert { id, raising } in alerts {
                    let shown = history.shown.entry(id).or_default();
                    if shown.iter().all(|s| (&s.who, s.role, s.raising) != (&actor.name, actor.role, raising)) {
                        shown.push(Shown { seq, raising, who: actor.name.clone(), role: actor.role, at: now.utc });
                    }
                }
            }
            Input::Witness { peer, report: WitnessReport::Cosigned { note } } => {
                if let Some(origins) = origins.get(&peer) {
                    history.logs.entry(origins.out.clone()).or_default().take_witnessed(note);
                }
            }
            Input::Quarantine { seq } => drop(history.quarantined.insert(seq)),
            _ => {}
        }
    }
    bar.finish_and_clear();
    Ok(history)
}

impl History {
    fn boot(&mut self, boot: &Boot, origins: &mut BTreeMap<PartyId, Origins>) {
        for text in &boot.pacts {
            let Ok(signed) = SignedPact::parse(text.as_bytes()) else { continue };
            let hash = signed.pact().hash();
            for party in signed.pact().parties.iter().filter(|p| p.id != boot.party) {
                let origin = |from: &PartyId, to: &PartyId| link::origin(from, to, &boot.mode, &hash);
                let both = Origins { out: origin(&boot.party, &party.id), held: origin(&party.id, &boot.party) };
                origins.insert(party.id.clone(), both);
            }
            if self.pacts.iter().all(|p| p.pact().hash() != hash) {
                self.pacts.push(signed);
            }
        }
    }

    fn frame(&mut self, origins: &Origins, seq: u64, now: Now, frame: Frame, whole: bool) {
        match frame {
            Frame::Cosignature { size, line, .. } => {
                let heard = self.logs.entry(origins.out.clone()).or_default();
                let Ok(line) = SignatureLine::from_text(&line) else { return };
                let Some(time_s) = line.signature().first_chunk().map(|t| u64::from_be_bytes(*t)) else { return };
                if heard.cosigned.last().is_none_or(|last| last.size < size) {
                    heard.cosigned.push(Cosigned { seq, size, time_s, line });
                }
            }
            Frame::Entries { first, entries } => {
                let heard = self.logs.entry(origins.held.clone()).or_default();
                let held = heard.held.unwrap_or(if whole { 0 } else { first });
                if first == held {
                    heard.held = Some(held + entries.len() as u64);
                }
            }
            Frame::Checkpoint { note, .. } => {
                let heard = self.logs.entry(origins.held.clone()).or_default();
                let size = tlog::Note::parse(&note).and_then(|n| tlog::Checkpoint::parse(n.text())).map(|c| c.size);
                let Ok(size) = size else { return };
                let held = heard.held.is_none_or(|held| held == size);
                if held && heard.notes.last().is_none_or(|last| last.size < size) {
                    heard.notes.push(Noted { size, note, received: now.utc });
                }
            }
            Frame::Witnessed(note) => {
                self.logs.entry(origins.held.clone()).or_default().take_witnessed(note);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{Journal, SegmentJournal};
    use node::command::Actor;
    use units::Mono;

    #[test]
    fn the_first_bytes_of_an_input_tell_its_kind_and_time() {
        let now = Now { mono: Mono(9), utc: Utc(1_533_099_600_123), utc_error_ms: 50 };
        let peer = PartyId::parse("south").unwrap();
        let actor = Actor { name: "olga".into(), role: Role::Officer };
        let table = [
            (Input::Tick, 1),
            (Input::LinkFrame { peer, session: 1, frame: vec![1, 2] }, LINK_FRAME),
            (Input::Displayed { actor, alerts: vec![PaintedAlert { id: 1, raising: 1 }], notices: vec![] }, DISPLAYED),
            (Input::Quarantine { seq: 7 }, QUARANTINE),
            (
                Input::Witness {
                    peer: PartyId::parse("south").unwrap(),
                    report: WitnessReport::Cosigned { note: vec![1] },
                },
                WITNESS,
            ),
        ];
        for (input, kind) in table {
            let bytes = minicbor::to_vec(Entry { now, input }).unwrap();
            assert_eq!(peek(&bytes), Some((now, kind)));
        }
        assert_eq!(peek(b""), None);
    }

    #[test]
    fn who_was_shown_an_alert_is_kept_for_every_raising_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let options = journal::Options { reserve_bytes: 0, ..journal::Options::default() };
        let (mut journal, _) = SegmentJournal::open(dir.path(), options).unwrap();
        let painted = [
            ("olga", Role::Officer, 1),
            ("wall", Role::Observer, 1),
            ("olga", Role::Officer, 1),
            ("olga", Role::Officer, 2),
        ];
        for (n, (name, role, raising)) in (1u64..).zip(painted) {
            let now = Now { mono: Mono(n), utc: Utc(1_000 * n as i64), utc_error_ms: 1 };
            let actor = Actor { name: name.into(), role };
            let input = Input::Displayed { actor, alerts: vec![PaintedAlert { id: 7, raising }], notices: vec![] };
            journal.append_batch(None, &[&minicbor::to_vec(Entry { now, input }).unwrap()]).unwrap();
        }
        let history = scan(&ReadOnly::open(dir.path()).unwrap(), None).unwrap();
        let rows: Vec<_> = history.shown[&7].iter().map(|s| (s.seq, s.who.as_str(), s.role, s.raising)).collect();
        let first = [(1, "olga", Role::Officer, 1), (2, "wall", Role::Observer, 1)];
        assert_eq!(rows, [first[0], first[1], (4, "olga", Role::Officer, 2)]);
    }

    #[test]
    fn an_entry_is_received_by_the_first_cosignature_over_it() {
        let key = tlog::NoteSigner::cosigner("skypact.link/south", &[1; 32]).unwrap();
        let checkpoint = tlog::Checkpoint { origin: "a".into(), size: 1, root: tlog::Hash([1; 32]) };
        let line = tlog::cosign(&checkpoint.to_text(), 5, &key).unwrap();
        let cosigned = |seq, size, time_s| Cosigned { seq, size, time_s, line: line.clone() };
        let heard = Heard { cosigned: vec![cosigned(10, 4, 100), cosigned(20, 9, 200)], ..Heard::default() };
        let table = [(0, 99, Some(100)), (3, 99, Some(100)), (4, 99, Some(200)), (9, 99, None), (4, 19, None)];
        for (index, upto, wanted) in table {
            assert_eq!(heard.received(index, upto), wanted.map(seconds), "entry {index} up to input {upto}");
        }
    }
}
