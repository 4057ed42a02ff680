//! From a data folder to a state: the newest snapshot, then the journal behind it; and the link logs beside it.
use crate::stores::Stores;
use anyhow::{Context, Result, bail};
use journal::{Journal, SegmentJournal, Seq};
use node::State;
use node::input::{Entry, Input, Output};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tracing::{error, warn};

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

/// Opens a data folder.
pub fn recover(data: &Path, options: journal::Options) -> Result<Recovered> {
    let dir = journal_dir(data);
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let (journal, report) =
        SegmentJournal::open(&dir, options).with_context(|| format!("cannot open the journal in {}", dir.display()))?;
    if let Some(torn) = &report.torn {
        warn!("a torn end of the journal was cut: {torn:?}; what was cut had not been acknowledged");
    }
    let (state, stores, replayed) = fold_all(&journal, data)?;
    Ok(Recovered { state, journal, stores, replayed })
}

/// Makes the state again from what is durable.
pub fn refold(journal: &SegmentJournal, data: &Path) -> Result<(State, Stores)> {
    fold_all(journal, data).map(|(state, stores, _)| (state, stores))
}

fn fold_all(journal: &SegmentJournal, data: &Path) -> Result<(State, Stores, u64)> {
    let (mut state, from) = base(journal, None)?;
    let mut stores = Stores::open(data, &state)?;
    let replayed = replay(journal, &mut state, from, |state, _, outputs| {
        for output in outputs {
            if let Output::Link(name, output) = output {
                stores.keep_entries(state, name, output)?;
            }
        }
        Ok(true)
    })?;
    Ok((state, stores, replayed))
}

/// The newest usable snapshot (at most `upto`), and where the journal goes on behind it.
pub fn base(journal: &SegmentJournal, upto: Option<Seq>) -> Result<(State, Seq)> {
    let snapshot = journal.latest_snapshot()?;
    for damaged in &snapshot.damaged {
        error!("snapshot passed over: {damaged:?}");
    }
    let Some((seq, bytes)) = snapshot.found.filter(|(seq, _)| upto.is_none_or(|upto| *seq <= upto)) else {
        if journal.first_seq() > Seq(1) {
            bail!("the journal begins at {} and there is no snapshot before that", journal.first_seq());
        }
        return Ok((State::default(), Seq(1)));
    };
    match State::from_snapshot(&bytes) {
        Ok(state) => Ok((state, seq.next())),
        Err(error) if journal.first_seq() <= Seq(1) => {
            warn!("the snapshot is of another version ({error}); folding the journal from its start");
            Ok((State::default(), Seq(1)))
        }
        Err(error) => bail!("the snapshot is of another version ({error}) and the journal no longer begins at 1"),
    }
}

/// Folds journal entries from `from` on, until `each` says no. Inputs quarantined later in the journal are skipped.
pub fn replay(
    journal: &dyn Journal,
    state: &mut State,
    from: Seq,
    mut each: impl FnMut(&State, &Entry, &[Output]) -> Result<bool>,
) -> Result<u64> {
    let mut quarantined = BTreeSet::new();
    for item in journal.read(from)? {
        let (_, bytes) = item?;
        if let Ok(Entry { input: Input::Quarantine { seq }, .. }) = minicbor::decode(&bytes) {
            quarantined.insert(seq);
        }
    }
    let mut folded = 0;
    for item in journal.read(from)? {
        let (seq, bytes) = item?;
        let entry: Entry = minicbor::decode(&bytes)
            .with_context(|| format!("journal entry {} is not one of this version; nothing is guessed", seq.0))?;
        let mut outputs = Vec::new();
        if quarantined.contains(&seq.0) {
            state.skip(&entry);
        } else {
            state.apply(&entry, &mut outputs);
        }
        folded += 1;
        if !each(state, &entry, &outputs)? {
            break;
        }
    }
    Ok(folded)
}
