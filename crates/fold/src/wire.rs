//! What a connection writes for each step of its outbox.
use crate::error::Error;
use crate::signer::Signer;
use crate::store::LogStore;
use link::{CloseCode, EntriesFrame, Frame, Step};

/// What to hand to the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// This frame.
    Frame(Vec<u8>),
    /// This frame of entries; when it is handed over, [`link::Outbox::entries_sent`] with the index after its last.
    Entries(Vec<u8>, u64),
    /// The end of the connection, after what was handed over.
    End(CloseCode),
}

/// Makes what a step of an outbox asks for: signatures are made, and entries read, when they are sent.
///
/// # Errors
/// Keys that do not sign; entries that cannot be read. The connection is then ended.
pub fn write(
    step: Step,
    signer: &Signer,
    log: Option<&LogStore>,
    pact_text: impl FnOnce() -> Option<String>,
) -> Result<Written, Error> {
    Ok(Written::Frame(match step {
        Step::Frame(frame) => frame,
        Step::PactText => Frame::PactText(pact_text().unwrap_or_default()).encode(),
        Step::Share(order) => signer.shared(&order)?.encode(),
        Step::Cosign(order) => signer.cosignature(&order)?.encode(),
        Step::Checkpoint(order) => signer.checkpoint(&order)?.encode(),
        Step::Entries { from, to } => {
            let missing = || Error::Disagree(format!("entries {from}..{to} are not in the log"));
            let mut frame = EntriesFrame::new(from);
            for entry in log.ok_or_else(missing)?.read(from, to, link::ENTRIES_MAX, link::ENTRIES_BYTES_MAX)? {
                if !frame.push(&entry) {
                    break;
                }
            }
            let (bytes, upto) = frame.finish().ok_or_else(missing)?;
            return Ok(Written::Entries(bytes, upto));
        }
        Step::Disconnect(reason) => return Ok(Written::End(reason)),
    }))
}
