//! What can go wrong between a data folder and a state, by blame.
use crate::recovery::Poison;
use journal::{JournalError, Seq};
use record::PartyId;
use std::io;
use std::path::{Path, PathBuf};

/// Why a data folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot {op} {}: {source}", path.display())]
    Io {
        /// What was tried.
        op: &'static str,
        /// On which path.
        path: PathBuf,
        /// Its answer.
        source: io::Error,
    },
    /// The journal refused.
    #[error("{what}: {source}")]
    Journal {
        /// What was tried.
        what: String,
        /// Its answer.
        source: JournalError,
    },
    /// The files of a link's log are not what the journal says.
    #[error(
        "the log in {} does not match the journal at {size} entries; if the folder was restored from a copy, restore \
         journal and links from the same copy. Where journal and keys are the newest and untrimmed and only this folder is lost, move it and the \
         journal's snapshots (*.snap) away: the journal makes the logs again from its start, and not while a snapshot is \
         there: {source}", dir.display()
    )]
    Differs {
        /// Folder of the log.
        dir: PathBuf,
        /// Entries that the journal says it holds.
        size: u64,
        /// What does not fit.
        source: tlog::Error,
    },
    /// A file of a link's log cannot be had or made.
    #[error("{what}: {source}")]
    Log {
        /// What was tried.
        what: String,
        /// What went wrong.
        source: tlog::Error,
    },
    /// An entry read back is not the one that was sealed.
    #[error("entry {index} in {} is not what was said: the file is damaged; restore it from a copy", path.display())]
    Entry {
        /// Its index.
        index: u64,
        /// The bundle.
        path: PathBuf,
    },
    /// An entry of the journal cannot be read as one of this version.
    #[error("journal entry {seq} is not one of this version; nothing is guessed: {source}")]
    Version {
        /// Its position.
        seq: Seq,
        /// What is wrong with it.
        source: minicbor::decode::Error,
    },
    /// The journal does not reach back far enough.
    #[error("the journal begins at {first} and {why}")]
    NoBase {
        /// Its first position.
        first: Seq,
        /// What there is instead.
        why: String,
    },
    /// An entry of the journal makes the fold fail.
    #[error(transparent)]
    Poison(#[from] Poison),
    /// The fold and the files disagree about something that only we do.
    #[error("{0}")]
    Disagree(String),
    /// An output for a party that is no peer.
    #[error("an output for {0}, which is no peer")]
    NoPeer(PartyId),
}

/// An error of the file system, with what was tried.
pub(crate) fn io_at<'p>(op: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Error + 'p {
    move |source| Error::Io { op, path: path.to_owned(), source }
}
