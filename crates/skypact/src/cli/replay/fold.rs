//! The state at a position of the journal, made again; and what was appended to the own logs on the way.
use crate::cli::evidence::history::{History, progress};
use anyhow::{Context, Result, bail};
use journal::{ReadOnly, Seq};
use node::State;
use node::input::{Entry, Output};
use record::PartyId;
use std::collections::BTreeMap;

/// A state of the past.
pub struct Folded {
    /// The state.
    pub state: State,
    /// The snapshot it was folded from; `None` from the first input.
    pub from: Option<u64>,
    /// Inputs folded.
    pub inputs: u64,
    /// Entries appended to the own logs since the snapshot, by peer: what the files may not hold yet.
    pub said: BTreeMap<PartyId, Vec<(u64, Vec<u8>)>>,
}

/// Folds up to and including the position that the history found.
pub fn fold(journal: &ReadOnly, history: &History) -> Result<Folded> {
    let (mut state, from) = base(journal, history.upto)?;
    let start = from.map_or(Seq(1), |seq| Seq(seq + 1));
    let mut folded = Folded { state: State::default(), from, inputs: 0, said: BTreeMap::new() };
    let bar = progress((history.upto + 1).saturating_sub(start.0), "folding");
    if start.0 <= history.upto {
        for item in journal.read(start)? {
            let (Seq(seq), bytes) = item?;
            let entry: Entry = minicbor::decode(&bytes)
                .with_context(|| format!("journal entry {seq} is not one of this version; nothing is guessed"))?;
            let mut outputs = Vec::new();
            if history.quarantined.contains(&seq) {
                state.skip(&entry);
            } else {
                state.apply(&entry, &mut outputs);
            }
            for output in outputs {
                if let Output::Link(peer, link::Output::StoreOut { index, bytes }) = output {
                    folded.said.entry(peer).or_default().push((index, bytes));
                }
            }
            folded.inputs += 1;
            if seq.is_multiple_of(256) {
                bar.set_position(seq - start.0);
            }
            if seq == history.upto {
                break;
            }
        }
    }
    bar.finish_and_clear();
    folded.state = state;
    Ok(folded)
}

/// The newest usable snapshot at or before a position.
pub fn base(journal: &ReadOnly, upto: u64) -> Result<(State, Option<u64>)> {
    for seq in journal.snapshots()?.into_iter().filter(|seq| seq.0 <= upto) {
        // A damaged snapshot, or one of another version, is passed over: the journal behind it tells the same.
        if let Ok(bytes) = journal.read_snapshot(seq)?
            && let Ok(state) = State::from_snapshot(&bytes)
        {
            return Ok((state, Some(seq.0)));
        }
    }
    if journal.first_seq() > Seq(1) {
        bail!(
            "the journal begins at position {} (what was before was removed by order) and no snapshot before {upto} is kept",
            journal.first_seq()
        );
    }
    Ok((State::default(), None))
}
