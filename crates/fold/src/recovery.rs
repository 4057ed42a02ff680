//! From a data folder to a state: the newest snapshot, then the journal behind it; and the link logs beside it.
use crate::Planted;
use crate::error::{Error, io_at};
use crate::stores::Stores;
use journal::fs::Fs;
use journal::{Journal, JournalError, SegmentJournal, Seq};
use node::State;
use node::input::{Entry, Input, Output};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::{error, warn};
use units::Now;

type Result<T> = std::result::Result<T, Error>;

/// A node as its data folder has it.
pub struct Recovered {
    /// The state after the last input.
    pub state: State,
    /// The journal, open.
    pub journal: SegmentJournal,
    /// The link logs, open.
    pub stores: Stores,
    /// Inputs folded behind the snapshot.
    pub replayed: u64,
}

/// Folder of the journal below a data folder.
pub fn journal_dir(data: &Path) -> PathBuf {
    data.join("journal")
}

/// An input that makes the fold panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("journal entry {seq} makes the fold fail")]
pub struct Poison {
    /// Its position.
    pub seq: u64,
}

/// Folds one input; whether it did. After a panic the state is not to be used.
#[must_use]
pub fn apply(state: &mut State, entry: &Entry, outputs: &mut Vec<Output>) -> bool {
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        assert!(!is_poison(&entry.input), "as the test wants");
        state.apply(entry, outputs);
    }))
    .is_ok()
}

/// What a test sends to make the fold fail; no other input is known to do it.
#[cfg(test)]
fn is_poison(input: &Input) -> bool {
    matches!(input, Input::FeedHealth { last_error: Some(text), .. } if text == POISON)
}

#[cfg(test)]
pub(crate) const POISON: &str = "a test's poison";

/// The decision to skip an entry, as it is journaled.
pub fn decision(poison: Poison, now: Now) -> Entry {
    Entry { now, input: Input::Quarantine { seq: poison.seq } }
}

/// Opens a data folder.
///
/// # Errors
/// Whatever keeps the state from being exactly the one that the folder says; nothing is guessed.
pub fn recover(fs: &Arc<dyn Fs>, data: &Path, options: journal::Options) -> Result<Recovered> {
    recover_with(fs, data, options, None)
}

/// The same with a bug in it, for the simulator.
///
/// # Errors
/// As [`recover`].
#[doc(hidden)]
pub fn recover_with(
    fs: &Arc<dyn Fs>,
    data: &Path,
    options: journal::Options,
    planted: Option<Planted>,
) -> Result<Recovered> {
    let dir = journal_dir(data);
    fs.create_dir(&dir).map_err(io_at("create", &dir))?;
    let (mut journal, report) = SegmentJournal::open_with(fs.clone(), &dir, options)
        .map_err(|source| Error::Journal { what: format!("cannot open the journal in {}", dir.display()), source })?;
    if let Some(torn) = &report.torn {
        warn!("a torn end of the journal was cut: {torn:?}; what was cut had not been acknowledged");
    }
    loop {
        match fold(fs, &journal, data, journal.last_seq(), planted) {
            Ok((state, stores, replayed)) => return Ok(Recovered { state, journal, stores, replayed }),
            // The node died of it before it could say so.
            Err(Error::Poison(poison)) => quarantine(&mut journal, poison)?,
            Err(error) => return Err(error),
        }
    }
}

/// Journals that an entry is skipped, at the time of the last entry: no clock is needed to read a journal.
fn quarantine(journal: &mut SegmentJournal, poison: Poison) -> Result<()> {
    error!(poison.seq, "an input makes the fold fail; it is quarantined");
    let mut now = Now::default();
    for item in journal.read(Seq(poison.seq)).map_err(reading)? {
        let (_, bytes) = item.map_err(reading)?;
        now = minicbor::decode::<Entry>(&bytes).map_or(now, |entry| entry.now);
    }
    let journaled = journal.append_batch(None, &[&encode(&decision(poison, now))]);
    journaled.map_err(|source| Error::Journal { what: "a quarantine cannot be journaled".to_owned(), source })?;
    Ok(())
}

fn reading(source: JournalError) -> Error {
    Error::Journal { what: "the journal cannot be read".to_owned(), source }
}

/// The bytes of an entry.
pub fn encode(entry: &Entry) -> Vec<u8> {
    match minicbor::to_vec(entry) {
        Ok(bytes) => bytes,
        Err(error) => unreachable!("writing to a vector cannot fail: {error}"),
    }
}

/// State and link logs after the entry `upto`, from what is durable, and how many entries were folded.
///
/// # Errors
/// As [`recover`].
pub fn fold_upto(fs: &Arc<dyn Fs>, journal: &SegmentJournal, data: &Path, upto: Seq) -> Result<(State, Stores, u64)> {
    fold(fs, journal, data, upto, None)
}

fn fold(
    fs: &Arc<dyn Fs>,
    journal: &SegmentJournal,
    data: &Path,
    upto: Seq,
    planted: Option<Planted>,
) -> Result<(State, Stores, u64)> {
    let (mut state, from) = base(journal, Some(upto))?;
    let mut stores = Stores::open(fs, data, &state)?;
    if from > upto {
        return Ok((state, stores, 0));
    }
    let before = state.seq();
    let replayed = replay(journal, &mut state, from, |state, _, outputs| {
        for output in outputs {
            if let Output::Link(name, output) = output {
                stores.keep_entries(state, name, output)?;
            }
        }
        Ok(state.seq() < upto.0)
    });
    match replayed {
        Err(Error::Journal { .. }) if planted == Some(Planted::StateKeptAfterFailedRead) => {}
        other => drop(other?),
    }
    let replayed = state.seq() - before;
    Ok((state, stores, replayed))
}

/// The newest usable snapshot (at most `upto`), and where the journal goes on behind it.
///
/// # Errors
/// [`Error::NoBase`] if neither snapshot nor journal reaches back to the start; [`Error::Journal`].
pub fn base(journal: &SegmentJournal, upto: Option<Seq>) -> Result<(State, Seq)> {
    let snapshot = journal.latest_snapshot().map_err(reading)?;
    for damaged in &snapshot.damaged {
        error!("snapshot passed over: {damaged:?}");
    }
    let Some((seq, bytes)) = snapshot.found.filter(|(seq, _)| upto.is_none_or(|upto| *seq <= upto)) else {
        if journal.first_seq() > Seq(1) {
            let why = "there is no snapshot before that".to_owned();
            return Err(Error::NoBase { first: journal.first_seq(), why });
        }
        return Ok((State::default(), Seq(1)));
    };
    match State::from_snapshot(&bytes) {
        Ok(state) => Ok((state, seq.next())),
        Err(error) if journal.first_seq() <= Seq(1) => {
            warn!("the snapshot is of another version ({error}); folding the journal from its start");
            Ok((State::default(), Seq(1)))
        }
        Err(error) => {
            let why = format!("the snapshot before that is of another version ({error})");
            Err(Error::NoBase { first: journal.first_seq(), why })
        }
    }
}

/// Folds journal entries from `from` on, until `each` says no. Inputs quarantined later in the journal are skipped.
///
/// # Errors
/// [`Error::Journal`], [`Error::Version`], [`Error::Poison`], and what `each` gives.
pub fn replay(
    journal: &dyn Journal,
    state: &mut State,
    from: Seq,
    mut each: impl FnMut(&State, &Entry, &[Output]) -> Result<bool>,
) -> Result<u64> {
    let mut quarantined = BTreeSet::new();
    for item in journal.read(from).map_err(reading)? {
        let (_, bytes) = item.map_err(reading)?;
        if let Ok(Entry { input: Input::Quarantine { seq }, .. }) = minicbor::decode(&bytes) {
            quarantined.insert(seq);
        }
    }
    let mut folded = 0;
    for item in journal.read(from).map_err(reading)? {
        let (seq, bytes) = item.map_err(reading)?;
        let entry: Entry = minicbor::decode(&bytes).map_err(|source| Error::Version { seq, source })?;
        let mut outputs = Vec::new();
        if quarantined.contains(&seq.0) {
            state.skip(&entry);
        } else if !apply(state, &entry, &mut outputs) {
            return Err(Poison { seq: seq.0 }.into());
        }
        folded += 1;
        if !each(state, &entry, &outputs)? {
            break;
        }
    }
    Ok(folded)
}
