//! What a connection writes for each step of its outbox.
use crate::error::Error;
use crate::signer::Signer;
use crate::store::LogStore;
use link::{CloseCode, EntriesFrame, Frame, Outbox, Pacer, Step};

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
    write_at_most(step, link::ENTRIES_BYTES_MAX, signer, log, pact_text)
}

/// What a connection has still to write; an [`Outbox`], or one behind a lock.
pub trait Steps {
    /// As [`Outbox::next_step`].
    fn next_step(&mut self) -> Option<Step>;
    /// As [`Outbox::entries_sent`].
    fn entries_sent(&mut self, upto: u64);
}

impl Steps for Outbox {
    fn next_step(&mut self) -> Option<Step> {
        Self::next_step(self)
    }

    fn entries_sent(&mut self, upto: u64) {
        Self::entries_sent(self, upto);
    }
}

/// Fills the next chunk of a link of constant rate with what an outbox has, as far as there is room; tells whether the session
/// ends with what was put.
///
/// A frame of entries takes no more than the room there is, one entry at the least: so what is urgent, and comes first of what
/// waits, has at most one entry before it.
///
/// # Errors
/// As [`write`].
//= spec/link.md S-10
pub fn fill<'l>(
    pacer: &mut Pacer,
    outbox: &mut impl Steps,
    signer: &Signer,
    log: impl Fn() -> Option<&'l LogStore>,
    pact_text: impl Fn() -> Option<String>,
) -> Result<Option<CloseCode>, Error> {
    while pacer.room() > 0
        && let Some(step) = outbox.next_step()
    {
        match write_at_most(step, pacer.room(), signer, log(), &pact_text)? {
            Written::Frame(frame) => pacer.put(&frame),
            Written::Entries(frame, upto) => {
                pacer.put(&frame);
                outbox.entries_sent(upto);
            }
            Written::End(reason) => return Ok(Some(reason)),
        }
    }
    Ok(None)
}

fn write_at_most(
    step: Step,
    entries_bytes_max: usize,
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
            let mut frame = EntriesFrame::with_limit(from, entries_bytes_max);
            // No record of ours is shorter than 64 bytes: entries are not read from a disk to be left for the next chunk.
            let count_max = link::ENTRIES_MAX.min(entries_bytes_max / 64 + 1);
            for entry in log.ok_or_else(missing)?.read(from, to, count_max, entries_bytes_max)? {
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
