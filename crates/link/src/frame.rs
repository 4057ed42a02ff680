//! The frames: one deterministic CBOR array each (`spec/link.md` section 4).
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use minicbor::{Decoder, Encoder};
use record::{Hash32, Mode, PartyId};

use crate::error::Error;
use crate::share::SHARED_MAX;

/// Version of the protocol.
pub const VERSION: u64 = 1;
/// Largest frame. The largest that is sent: 262,144 bytes of entries, 4,096 heads of 3 bytes, 14 around: 274,446.
pub const FRAME_BYTES_MAX: usize = 512 * 1024;
/// Longest entry: its length is a 16-bit number in a tile bundle (C2SP tlog-tiles).
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Entries of a frame: sixteen tile bundles of 256.
pub const ENTRIES_MAX: usize = 4096;
/// Longest pact text. A pact of 16 parties and 100 clauses is below 20 kB.
pub const PACT_TEXT_BYTES_MAX: usize = 65_536;
/// Largest note of a checkpoint: own part at most 613 bytes, the rest for eight witnesses of the longest name.
pub const CHECKPOINT_NOTE_BYTES_MAX: usize = 4096;
/// Longest signature line: 3+1+255+1 bytes and 104 of base64, 364; rounded up.
pub const COSIGNATURE_LINE_BYTES_MAX: usize = 512;
/// Longest text of a close: one line of a log.
pub const CLOSE_TEXT_BYTES_MAX: usize = 200;
/// Longest mode label: `exercise:` and 40.
const MODE_BYTES_MAX: usize = 49;
/// Longest party name.
const PARTY_BYTES_MAX: usize = 32;

/// One message of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Who I am, what I hold.
    Hello(Hello),
    /// My pact, whole; sent only if the hashes differ.
    PactText(String),
    /// Entries of my log.
    Entries {
        /// Index of the first.
        first: u64,
        /// 1 to [`ENTRIES_MAX`] of them.
        entries: Vec<Vec<u8>>,
    },
    /// My log's size and root, signed.
    Checkpoint {
        /// Grows within a session.
        seq: u64,
        /// My clock when I decided to sign, ms.
        sent_utc_ms: i64,
        /// The signed note.
        note: Vec<u8>,
    },
    /// Your checkpoint, cosigned.
    Cosignature {
        /// Its size.
        size: u64,
        /// My clock when I accepted it, ms.
        recv_utc_ms: i64,
        /// The signature line.
        line: String,
    },
    /// Entries of your log that I did not fold, by index and number of the reason.
    Refusals(Vec<(u64, u8)>),
    /// My log's size and root, signed by me and cosigned by witnesses.
    Witnessed(Vec<u8>),
    /// The session ends.
    Close {
        /// [`crate::CloseCode`] by number.
        code: u8,
        /// For a person.
        text: String,
    },
    /// Checkpoints of logs between parties of the pact, as signed notes.
    Checkpoints(Vec<Vec<u8>>),
    /// Entries of your log that I take: all below this index.
    Grant(u64),
    /// An urgent entry of my log, before its turn.
    Ahead {
        /// Its index.
        index: u64,
        /// The entry, as it will come in its turn.
        entry: Vec<u8>,
    },
}

/// First frame of each side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The sender.
    pub party: PartyId,
    /// Whom it means to talk to.
    pub peer: PartyId,
    /// Live or exercise.
    pub mode: Mode,
    /// Hash of its pact.
    pub pact: Hash32,
    /// Record schema it speaks.
    pub schema: u16,
    /// How many entries of the receiver's log it holds.
    pub in_size: u64,
    /// The newest note of the receiver's log it holds.
    pub your_checkpoint: Option<Vec<u8>>,
    /// Size of its own log.
    pub out_size: u64,
}

/// What a frame calls itself: for whoever is to treat frames differently before they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Of a log, and granted; one that is not ends its session.
    Entries,
    /// Shown by a third party.
    Checkpoints,
    /// Anything else, and what is no frame.
    Other,
}

impl FrameKind {
    /// By the first two bytes: the head of an array of its length, and its type.
    #[must_use]
    pub fn of(frame: &[u8]) -> Self {
        let is = |kind: u8| frame.starts_with(&[0x80 + LENGTHS[usize::from(kind)] as u8, kind]);
        match () {
            () if is(2) => Self::Entries,
            () if is(7) => Self::Checkpoints,
            () => Self::Other,
        }
    }
}

impl Frame {
    /// Writes the frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::new(Vec::new());
        match self.write(&mut e) {
            Ok(()) => e.into_writer(),
            Err(error) => unreachable!("writing to a vector cannot fail: {error}"),
        }
    }

    /// Whether these bytes of ours are a [`Frame::Ahead`]: an array of three, then its type.
    pub(crate) fn is_ahead(encoded: &[u8]) -> bool {
        encoded.starts_with(&[0x83, 0x0a])
    }

    /// Reads a frame. Cheapest check first: a peer may send any bytes, and each later step costs more.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a bound, [`Error::Version`] for a hello of another version, [`Error::Malformed`] for the
    /// rest. Nothing of such a frame may be used.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        //= spec/link.md L-8
        bounded("frame, bytes", bytes.len() as u64, FRAME_BYTES_MAX)?;
        let mut r = Reader { d: Decoder::new(bytes) };
        let len = r.array("an array")?;
        let kind = r.uint("a frame's type")?;
        if kind == 0 {
            //= spec/link.md L-10
            let found = r.uint("a version")?;
            if found != VERSION {
                return Err(Error::Version { found });
            }
        }
        if usize::try_from(kind).ok().and_then(|kind| LENGTHS.get(kind)) != Some(&len) {
            return Err(r.malformed("a frame's type and length"));
        }
        let frame = r.body(kind)?;
        //= spec/link.md L-7
        let again = frame.encode();
        if again != bytes {
            let at = again.iter().zip(bytes).position(|(a, b)| a != b).unwrap_or(again.len().min(bytes.len()));
            return Err(Error::Malformed { what: "the one encoding", at });
        }
        Ok(frame)
    }

    fn write(&self, e: &mut Encoder<Vec<u8>>) -> Result<(), minicbor::encode::Error<core::convert::Infallible>> {
        e.array(LENGTHS[self.kind() as usize])?.u8(self.kind())?;
        match self {
            Self::Hello(h) => {
                e.u64(VERSION)?.str(h.party.as_str())?.str(h.peer.as_str())?.str(&h.mode.label())?;
                e.bytes(&h.pact.0)?.u16(h.schema)?.u64(h.in_size)?;
                match &h.your_checkpoint {
                    Some(note) => e.bytes(note)?,
                    None => e.null()?,
                };
                e.u64(h.out_size)?;
            }
            Self::PactText(text) => {
                e.str(text)?;
            }
            Self::Entries { first, entries } => {
                e.u64(*first)?.array(entries.len() as u64)?;
                for entry in entries {
                    e.bytes(entry)?;
                }
            }
            Self::Checkpoint { seq, sent_utc_ms, note } => {
                e.u64(*seq)?.i64(*sent_utc_ms)?.bytes(note)?;
            }
            Self::Cosignature { size, recv_utc_ms, line } => {
                e.u64(*size)?.i64(*recv_utc_ms)?.str(line)?;
            }
            Self::Refusals(list) => {
                e.array(list.len() as u64)?;
                for (index, reason) in list {
                    e.array(2)?.u64(*index)?.u8(*reason)?;
                }
            }
            Self::Witnessed(note) => {
                e.bytes(note)?;
            }
            Self::Close { code, text } => {
                e.u8(*code)?.str(text)?;
            }
            Self::Checkpoints(notes) => {
                e.array(notes.len() as u64)?;
                for note in notes {
                    e.bytes(note)?;
                }
            }
            Self::Grant(upto) => {
                e.u64(*upto)?;
            }
            Self::Ahead { index, entry } => {
                e.u64(*index)?.bytes(entry)?;
            }
        }
        Ok(())
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Hello(_) => 0,
            Self::PactText(_) => 1,
            Self::Entries { .. } => 2,
            Self::Checkpoint { .. } => 3,
            Self::Cosignature { .. } => 4,
            Self::Refusals(_) => 5,
            Self::Close { .. } => 6,
            Self::Checkpoints(_) => 7,
            Self::Witnessed(_) => 8,
            Self::Grant(_) => 9,
            Self::Ahead { .. } => 10,
        }
    }
}

/// Array length of each type.
const LENGTHS: [u64; 11] = [10, 2, 3, 4, 4, 2, 3, 2, 2, 2, 3];

/// Reads with a bound on everything.
struct Reader<'b> {
    d: Decoder<'b>,
}

impl<'b> Reader<'b> {
    fn body(&mut self, kind: u64) -> Result<Frame, Error> {
        Ok(match kind {
            0 => Frame::Hello(self.hello()?),
            1 => Frame::PactText(self.text("pact text, bytes", PACT_TEXT_BYTES_MAX)?.to_owned()),
            2 => self.entries()?,
            3 => Frame::Checkpoint {
                seq: self.uint("seq")?,
                sent_utc_ms: self.int("sent_utc_ms")?,
                note: self.bytes("note, bytes", CHECKPOINT_NOTE_BYTES_MAX)?.to_vec(),
            },
            4 => Frame::Cosignature {
                size: self.uint("size")?,
                recv_utc_ms: self.int("recv_utc_ms")?,
                line: self.text("signature line, bytes", COSIGNATURE_LINE_BYTES_MAX)?.to_owned(),
            },
            5 => self.refusals()?,
            7 => self.checkpoints()?,
            8 => Frame::Witnessed(self.bytes("note, bytes", CHECKPOINT_NOTE_BYTES_MAX)?.to_vec()),
            9 => Frame::Grant(self.size("upto")?),
            10 => Frame::Ahead { index: self.size("index")?, entry: self.entry()? },
            _ => {
                let code = self.small("code")?;
                let text = self.text("text of a close, bytes", CLOSE_TEXT_BYTES_MAX)?;
                // It ends in a log and on a screen: no line may be forged.
                if text.chars().any(char::is_control) {
                    return Err(self.malformed("text without control characters"));
                }
                Frame::Close { code, text: text.to_owned() }
            }
        })
    }

    fn hello(&mut self) -> Result<Hello, Error> {
        Ok(Hello {
            party: self.party()?,
            peer: self.party()?,
            mode: {
                let label = self.text("mode, bytes", MODE_BYTES_MAX)?;
                Mode::parse(label).ok_or_else(|| self.malformed("a mode"))?
            },
            pact: {
                let bytes = self.bytes("pact hash, bytes", 32)?;
                Hash32(bytes.try_into().map_err(|_| self.malformed("a hash"))?)
            },
            schema: u16::try_from(self.uint("schema")?).map_err(|_| self.malformed("a schema"))?,
            in_size: self.size("in_size")?,
            your_checkpoint: if matches!(self.d.datatype(), Ok(minicbor::data::Type::Null)) {
                self.d.skip().map_err(|_| self.malformed("null"))?;
                None
            } else {
                Some(self.bytes("note, bytes", CHECKPOINT_NOTE_BYTES_MAX)?.to_vec())
            },
            out_size: self.size("out_size")?,
        })
    }

    fn entries(&mut self) -> Result<Frame, Error> {
        let first = self.size("first")?;
        let count = self.count("entries of a frame")?;
        // Each entry is at least two bytes long here, so the claim cannot exceed what was received.
        let mut entries = Vec::with_capacity(count.min(self.d.input().len() / 2));
        for _ in 0..count {
            entries.push(self.entry()?);
        }
        Ok(Frame::Entries { first, entries })
    }

    fn checkpoints(&mut self) -> Result<Frame, Error> {
        let count = self.array("checkpoints of a frame")?;
        bounded("checkpoints of a frame", count, SHARED_MAX)?;
        if count == 0 {
            return Err(self.malformed("a checkpoint"));
        }
        let notes = (0..count).map(|_| self.bytes("note, bytes", CHECKPOINT_NOTE_BYTES_MAX).map(<[u8]>::to_vec));
        notes.collect::<Result<_, _>>().map(Frame::Checkpoints)
    }

    fn entry(&mut self) -> Result<Vec<u8>, Error> {
        let entry = self.bytes("entry, bytes", ENTRY_BYTES_MAX)?;
        if entry.is_empty() {
            return Err(self.malformed("an entry"));
        }
        Ok(entry.to_vec())
    }

    fn refusals(&mut self) -> Result<Frame, Error> {
        let count = self.count("refusals of a frame")?;
        let mut list = Vec::with_capacity(count.min(self.d.input().len() / 3));
        for _ in 0..count {
            if self.array("a pair")? != 2 {
                return Err(self.malformed("a pair"));
            }
            list.push((self.size("index")?, self.small("reason")?));
        }
        Ok(Frame::Refusals(list))
    }

    fn count(&mut self, what: &'static str) -> Result<usize, Error> {
        let count = self.array(what)?;
        bounded(what, count, ENTRIES_MAX)?;
        if count == 0 {
            return Err(self.malformed(what));
        }
        Ok(count as usize)
    }

    fn party(&mut self) -> Result<PartyId, Error> {
        let text = self.text("party name, bytes", PARTY_BYTES_MAX)?;
        PartyId::parse(text).map_err(|_| self.malformed("a party name"))
    }

    fn array(&mut self, what: &'static str) -> Result<u64, Error> {
        self.d.array().ok().flatten().ok_or_else(|| self.malformed(what))
    }

    fn uint(&mut self, what: &'static str) -> Result<u64, Error> {
        self.d.u64().map_err(|_| self.malformed(what))
    }

    fn size(&mut self, what: &'static str) -> Result<u64, Error> {
        self.uint(what).and_then(|n| if n <= tlog::TREE_SIZE_MAX { Ok(n) } else { Err(self.malformed(what)) })
    }

    fn small(&mut self, what: &'static str) -> Result<u8, Error> {
        self.d.u8().map_err(|_| self.malformed(what))
    }

    fn int(&mut self, what: &'static str) -> Result<i64, Error> {
        self.d.i64().map_err(|_| self.malformed(what))
    }

    fn bytes(&mut self, what: &'static str, max: usize) -> Result<&'b [u8], Error> {
        let bytes = self.d.bytes().map_err(|_| self.malformed(what))?;
        bounded(what, bytes.len() as u64, max)?;
        Ok(bytes)
    }

    fn text(&mut self, what: &'static str, max: usize) -> Result<&'b str, Error> {
        let text = self.d.str().map_err(|_| self.malformed(what))?;
        bounded(what, text.len() as u64, max)?;
        Ok(text)
    }

    fn malformed(&self, what: &'static str) -> Error {
        Error::Malformed { what, at: self.d.position() }
    }
}

fn bounded(what: &'static str, found: u64, max: usize) -> Result<(), Error> {
    if found > max as u64 {
        return Err(Error::TooLarge { what, found, max: max as u64 });
    }
    Ok(())
}
