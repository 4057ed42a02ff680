//! The sending side between the machine and a socket: what to write next, in an order that keeps L-20 and L-21.
//!
//! The shell makes one [`Outbox`] per session, pushes the outputs of that session into it, and does one [`Step`] after
//! the other at the socket's pace. A peer that reads slowly costs bounded memory: entries wait in the store, checkpoints
//! that a later one covers are left out, and the rest has a bound.
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::error::Error;
use crate::frame::{ENTRIES_MAX, ENTRY_BYTES_MAX, Frame};
use crate::output::{CheckpointOrder, CosignOrder, Output, ShareOrder};
use crate::reason::CloseCode;

/// Most bytes of frames that wait. An honest peer that stalls for 15 s, after which it is dropped, leaves ten
/// cosignatures' worth (one, as later ones replace it) and refusals for what it sent before; 1 MiB is 64 full frames of
/// refusals.
pub const OUTBOX_BYTES_MAX: usize = 1 << 20;

/// Most bytes of entries in a frame that is sent.
pub const ENTRIES_BYTES_MAX: usize = 256 * 1024;

/// What one session has still to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    session: u64,
    /// Written first: it concerns the greeting, the end, or the other log.
    control: VecDeque<Control>,
    control_bytes: usize,
    /// Our log, in order. Invariant: at most two checkpoints, ranges adjacent only across a checkpoint.
    log: VecDeque<Part>,
    /// Entries below this may be written.
    granted: u64,
    ending: Option<CloseCode>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Control {
    Frame(Vec<u8>),
    PactText,
    Cosign(CosignOrder),
    Share(ShareOrder),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Entries { from: u64, to: u64 },
    Checkpoint(CheckpointOrder),
}

/// What to write next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// This frame.
    Frame(Vec<u8>),
    /// The pact's text as [`Frame::PactText`].
    PactText,
    /// A cosignature, made now, as [`Frame::Cosignature`].
    Cosign(CosignOrder),
    /// Checkpoints for a third party: the own ones signed now, then [`ShareOrder::frame`].
    Share(ShareOrder),
    /// Entries from the store, as many as one [`EntriesFrame`] takes, then [`Outbox::entries_sent`].
    Entries {
        /// First index.
        from: u64,
        /// Index after the last that may be sent now.
        to: u64,
    },
    /// A checkpoint, signed now, as [`Frame::Checkpoint`].
    Checkpoint(CheckpointOrder),
    /// End the connection. Nothing comes after.
    Disconnect(CloseCode),
}

impl Outbox {
    /// Makes an empty one.
    #[must_use]
    pub fn new(session: u64) -> Self {
        Self { session, control: VecDeque::new(), control_bytes: 0, log: VecDeque::new(), granted: 0, ending: None }
    }

    /// Takes an output if it is for this session's socket; tells whether it was.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the peer reads too slowly: end the connection.
    pub fn push(&mut self, output: &Output) -> Result<bool, Error> {
        if output.session() != Some(self.session) || self.ending.is_some() {
            return Ok(false);
        }
        match output {
            Output::Send { frame, .. } => self.control(Control::Frame(frame.clone()))?,
            Output::SendPactText { .. } => self.control(Control::PactText)?,
            Output::Cosign(order) => {
                // A later cosignature covers all that an earlier one does.
                self.control.retain(|waiting| !matches!(waiting, Control::Cosign(_)));
                self.control(Control::Cosign(order.clone()))?;
            }
            Output::Share(order) => {
                // What waits is older than what comes.
                self.control.retain(|waiting| !matches!(waiting, Control::Share(_)));
                self.control(Control::Share(order.clone()))?;
            }
            Output::SendEntries { from, to, .. } => self.entries(*from, *to),
            Output::Granted { upto, .. } => self.granted = self.granted.max(*upto),
            Output::SignCheckpoint(order) => self.checkpoint(order.clone()),
            Output::Disconnect { reason, .. } => self.ending = Some(*reason),
            _ => {}
        }
        Ok(true)
    }

    /// Gives what to write next; none if there is nothing.
    ///
    /// A step of entries stays until [`Outbox::entries_sent`] says how far it went.
    pub fn next_step(&mut self) -> Option<Step> {
        if let Some(control) = self.control.pop_front() {
            return Some(match control {
                Control::Frame(frame) => {
                    self.control_bytes -= frame.len();
                    Step::Frame(frame)
                }
                Control::PactText => Step::PactText,
                Control::Cosign(order) => Step::Cosign(order),
                Control::Share(order) => Step::Share(order),
            });
        }
        if let Some(reason) = self.ending {
            return Some(Step::Disconnect(reason));
        }
        match self.log.front()? {
            //= spec/link.md L-41
            Part::Entries { from, .. } if *from >= self.granted => None,
            Part::Entries { from, to } => Some(Step::Entries { from: *from, to: (*to).min(self.granted) }),
            Part::Checkpoint(_) => match self.log.pop_front() {
                Some(Part::Checkpoint(order)) => Some(Step::Checkpoint(order)),
                _ => None,
            },
        }
    }

    /// Entries below `upto` are written.
    ///
    /// # Panics
    /// If that was not the step.
    pub fn entries_sent(&mut self, upto: u64) {
        let Some(Part::Entries { from, to }) = self.log.front_mut() else { panic!("no entries were to be sent") };
        assert!((*from..=*to).contains(&upto), "entries {from}..{to} were to be sent, not up to {upto}");
        *from = upto;
        if *from == *to {
            self.log.pop_front();
        }
    }

    fn control(&mut self, control: Control) -> Result<(), Error> {
        if let Control::Frame(frame) = &control {
            let found = self.control_bytes + frame.len();
            if found > OUTBOX_BYTES_MAX {
                let (what, max) = ("frames waiting for a slow peer, bytes", OUTBOX_BYTES_MAX as u64);
                return Err(Error::TooLarge { what, found: found as u64, max });
            }
            self.control_bytes = found;
        }
        // What is urgent goes before what is long and recurs.
        //= spec/link.md L-44
        let is_urgent = matches!(&control, Control::Frame(frame) if Frame::is_ahead(frame));
        let before = self.control.iter().position(|waiting| is_urgent && matches!(waiting, Control::Share(_)));
        self.control.insert(before.unwrap_or(self.control.len()), control);
        Ok(())
    }

    //= spec/link.md L-20
    fn entries(&mut self, from: u64, to: u64) {
        if let Some(Part::Entries { to: end, .. }) = self.log.back_mut()
            && *end == from
        {
            *end = to;
            return;
        }
        self.log.push_back(Part::Entries { from, to });
    }

    /// Of the checkpoints that wait, the first stays where it is, so that one gets through however far behind the socket
    /// is; the others give way to the newest.
    //= spec/link.md L-21
    fn checkpoint(&mut self, order: CheckpointOrder) {
        let waiting = self.log.iter().filter(|part| matches!(part, Part::Checkpoint(_))).count();
        if let Some(Part::Checkpoint(last)) = self.log.back_mut()
            && last.checkpoint == order.checkpoint
        {
            *last = order;
            return;
        }
        if waiting >= 2
            && let Some(at) = self.log.iter().rposition(|part| matches!(part, Part::Checkpoint(_)))
        {
            self.log.remove(at);
            self.join(at);
        }
        self.log.push_back(Part::Checkpoint(order));
    }

    /// Joins the ranges on both sides of `at`.
    fn join(&mut self, at: usize) {
        let Some(left) = at.checked_sub(1) else { return };
        if let (Some(Part::Entries { to: end, .. }), Some(Part::Entries { from, to })) =
            (self.log.get(left), self.log.get(at))
            && end == from
        {
            let upto = *to;
            self.log.remove(at);
            if let Some(Part::Entries { to, .. }) = self.log.get_mut(left) {
                *to = upto;
            }
        }
    }
}

/// Packs entries read from a store into one frame.
#[derive(Debug, Clone)]
pub struct EntriesFrame {
    first: u64,
    entries: Vec<Vec<u8>>,
    bytes: usize,
    bytes_max: usize,
}

impl EntriesFrame {
    /// Begins a frame at the entry `first`, of at most [`ENTRIES_BYTES_MAX`] of entries.
    #[must_use]
    pub fn new(first: u64) -> Self {
        Self::with_limit(first, ENTRIES_BYTES_MAX)
    }

    /// As above with a lower limit, for a slow path: a frame must pass within 15 s.
    #[must_use]
    pub fn with_limit(first: u64, bytes_max: usize) -> Self {
        Self { first, entries: Vec::new(), bytes: 0, bytes_max: bytes_max.min(ENTRIES_BYTES_MAX) }
    }

    /// Adds the next entry; false if the frame is full and the entry belongs into the next. One entry always fits.
    ///
    /// # Panics
    /// For an entry that is empty or longer than [`ENTRY_BYTES_MAX`], which no log of ours holds.
    pub fn push(&mut self, entry: &[u8]) -> bool {
        assert!((1..=ENTRY_BYTES_MAX).contains(&entry.len()), "an entry of {} bytes", entry.len());
        let fits = self.entries.len() < ENTRIES_MAX && self.bytes + entry.len() <= self.bytes_max;
        if fits || self.entries.is_empty() {
            self.bytes += entry.len();
            self.entries.push(entry.to_vec());
            return true;
        }
        false
    }

    /// Gives the frame and the index after its last entry; none if nothing was added.
    #[must_use]
    pub fn finish(self) -> Option<(Vec<u8>, u64)> {
        let next = self.first + self.entries.len() as u64;
        let frame = Frame::Entries { first: self.first, entries: self.entries };
        (next > self.first).then(|| (frame.encode(), next))
    }
}
