//! Why the desk does not do what was asked.
use alloc::vec::Vec;

use crate::read_back::Field;

/// A refused command or receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// No such alert or notice.
    #[error("there is no {what} {id}")]
    Unknown {
        /// Alert or notice.
        what: &'static str,
        /// Id given.
        id: u64,
    },
    /// The alert's condition is over.
    #[error("alert {id} is cleared: there is nothing to acknowledge")]
    Cleared {
        /// The alert.
        id: u64,
    },
    /// Done already, by whom it is recorded.
    #[error("{what} {id} is acknowledged already")]
    AlreadyAcknowledged {
        /// Alert or notice.
        what: &'static str,
        /// Its id.
        id: u64,
    },
    /// Answered at this level already.
    #[error("notice {id} is {} already", level.name())]
    AlreadyAnswered {
        /// The level.
        level: record::ReceiptLevel,
        /// The notice.
        id: u64,
    },
    /// Nothing above ACKNOWLEDGED before the read-back.
    #[error("notice {id} is not acknowledged: read it back first")]
    NotAcknowledged {
        /// The notice.
        id: u64,
    },
    /// An observer cannot acknowledge.
    #[error("an observer cannot acknowledge; sign in as an officer")]
    Observer,
    /// The read-back is not what the notice says.
    #[error("the read-back differs in: {}", names(fields))]
    ReadBackDiffers {
        /// The fields that differ, or are missing, or were read back though the notice has none.
        fields: Vec<Field>,
    },
    /// A receipt for something that was not sent to this peer.
    #[error("a receipt for a record that is not a notice sent to this peer")]
    ReceiptOfNothing,
    /// A receipt that names the wrong place in the log.
    #[error("the receipt names entry {got} of the log, the notice is entry {expected}")]
    ReceiptIndex {
        /// The notice's place.
        expected: u64,
        /// The place named.
        got: u64,
    },
    /// An acknowledgement without a read-back, or by a machine.
    #[error(
        "an acknowledgement needs the role of a person and a read-back; RESPONDED a decision and words, DISSEMINATED and \
         PUBLISHED words, at most 400 bytes"
    )]
    ReceiptEmpty,
    /// No more notices of this direction fit for this peer.
    #[error("{max} notices of this peer are open; answer some first (urgent ones have a reserve)")]
    Full {
        /// The bound that was reached.
        max: usize,
    },
}

fn names(fields: &[Field]) -> alloc::string::String {
    let names: Vec<&str> = fields.iter().map(|f| f.name()).collect();
    names.join(", ")
}
