//! Reads one segment from its start, frame by frame, checking each; opening, reading, trimming and verifying all go through here.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{
    DamageReason, JournalError, Seq,
    error::io_at,
    format::{
        FRAME_HEADER_BYTES, FrameHeader, HeaderFault, PrevSegment, RECORD_BYTES_MAX, SEGMENT_HEADER_BYTES,
        SEGMENT_VERSION, SegmentHeader, segment_name,
    },
    fs::{Fs, FsFile, read_full_at},
};

/// Read ahead in pieces of this size, bytes.
const CHUNK: usize = 256 << 10;

/// A reader of one segment. Memory is bounded by the largest record and one chunk.
pub(crate) struct Scanner {
    path: PathBuf,
    file: Box<dyn FsFile>,
    pub(crate) header: SegmentHeader,
    pub(crate) seed: u32,
    /// Length of the file when it was opened.
    pub(crate) end: u64,
    /// Position that the next frame must have.
    pub(crate) next: Seq,
    /// Offset of the next frame; after `Bad`, of the bad one.
    pub(crate) at: u64,
    index: Option<u32>,
    hasher: Option<Sha256>,
    buf: Vec<u8>,
    /// Offset in the file of `buf[0]`.
    buf_at: u64,
    /// Payload of the last frame within `buf`.
    payload: (usize, usize),
}

/// What stands at the next place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A good frame with this position; its payload is in [`Scanner::payload`].
    Frame(Seq),
    /// The file ends after the last good frame.
    End,
    /// No good frame stands at `at`.
    Bad(DamageReason),
}

impl Scanner {
    /// Opens the segment `first` of `dir` and checks its header. `hash` keeps the hash of everything good that was read.
    pub(crate) fn open(fs: &dyn Fs, dir: &Path, first: Seq, hash: bool) -> Result<Scanner, JournalError> {
        let path = dir.join(segment_name(first));
        let file = fs.open(&path).map_err(io_at("open", &path))?;
        Scanner::over(file, path, first, hash)
    }

    /// The same over an open file.
    pub(crate) fn over(file: Box<dyn FsFile>, path: PathBuf, first: Seq, hash: bool) -> Result<Scanner, JournalError> {
        let end = file.bytes().map_err(io_at("measure", &path))?;
        let mut head = [0; SEGMENT_HEADER_BYTES];
        let got = read_full_at(&*file, &mut head, 0).map_err(io_at("read", &path))?;
        let (header, seed) = check_header(&head[..got], first)?;
        let hasher = hash.then(|| Sha256::new_with_prefix(head));
        let at = SEGMENT_HEADER_BYTES as u64;
        let (buf, payload) = (Vec::new(), (0, 0));
        Ok(Scanner { path, file, header, seed, end, next: first, at, index: None, hasher, buf, buf_at: at, payload })
    }

    /// Checks the next frame.
    ///
    /// # Errors
    ///
    /// Only what the system reports; a bad frame is a [`Step`].
    pub(crate) fn step(&mut self) -> Result<Step, JournalError> {
        let left = self.end - self.at;
        if left == 0 {
            return Ok(Step::End);
        }
        if left < FRAME_HEADER_BYTES as u64 {
            return Ok(Step::Bad(DamageReason::FrameShort));
        }
        let from = self.fill(FRAME_HEADER_BYTES)?;
        let Some(from) = from else { return Ok(Step::Bad(DamageReason::FrameShort)) };
        let head = FrameHeader::decode(self.buf[from..].first_chunk().expect("filled"));
        if head.len as usize > RECORD_BYTES_MAX {
            return Ok(Step::Bad(DamageReason::FrameLength));
        }
        let whole = FRAME_HEADER_BYTES + head.len as usize;
        if whole as u64 > left {
            return Ok(Step::Bad(DamageReason::FrameShort));
        }
        let Some(from) = self.fill(whole)? else { return Ok(Step::Bad(DamageReason::FrameShort)) };
        let frame = &self.buf[from..from + whole];
        if !head.matches(self.seed, frame) {
            return Ok(Step::Bad(DamageReason::FrameChecksum));
        }
        let follows = head.index == 0 || self.index.is_some_and(|last| last.checked_add(1) == Some(head.index));
        if head.seq != self.next || !follows {
            return Ok(Step::Bad(DamageReason::FramePosition));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(frame);
        }
        self.payload = (from + FRAME_HEADER_BYTES, from + whole);
        self.at += whole as u64;
        self.index = Some(head.index);
        self.next = head.seq.next();
        Ok(Step::Frame(head.seq))
    }

    /// The last frame's payload.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.buf[self.payload.0..self.payload.1]
    }

    /// Hash of the header and every good frame so far. Only for a scanner opened with `hash`.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.hasher().finalize().into()
    }

    /// The running hash itself, to go on with.
    pub(crate) fn hasher(&self) -> Sha256 {
        self.hasher.clone().expect("opened with hash")
    }

    /// What a successor of this segment has to name, once it was read to its end.
    pub(crate) fn sealed(&self) -> PrevSegment {
        PrevSegment { first: self.header.first, bytes: self.at, sha256: self.hash() }
    }

    /// Everything from the next frame to the end of the file.
    pub(crate) fn rest(&self) -> Result<Vec<u8>, JournalError> {
        let mut out = vec![0; usize::try_from(self.end - self.at).expect("a segment fits in memory")];
        let got = read_full_at(&*self.file, &mut out, self.at).map_err(io_at("read", &self.path))?;
        out.truncate(got);
        Ok(out)
    }

    /// A refusal at the present place.
    pub(crate) fn damaged(&self, reason: DamageReason) -> JournalError {
        JournalError::Damaged { segment: self.header.first, offset: self.at, seq: self.next, reason }
    }

    /// The file, to go on writing to it.
    pub(crate) fn into_file(self) -> Box<dyn FsFile> {
        self.file
    }

    /// Has `need` bytes from `at` in the buffer and returns where they begin; `None` if the file turned out shorter than it was.
    fn fill(&mut self, need: usize) -> Result<Option<usize>, JournalError> {
        let from = (self.at - self.buf_at) as usize;
        if self.buf.len() >= from + need {
            return Ok(Some(from));
        }
        self.buf.drain(..from);
        self.buf_at = self.at;
        let have = self.buf.len();
        let want = (need.max(CHUNK) as u64).min(self.end - self.at) as usize;
        self.buf.resize(want.max(have), 0);
        let got = read_full_at(&*self.file, &mut self.buf[have..], self.at + have as u64)
            .map_err(io_at("read", &self.path))?;
        self.buf.truncate(have + got);
        Ok((self.buf.len() >= need).then_some(0))
    }
}

/// Checks a header against the file's name.
pub(crate) fn check_header(bytes: &[u8], first: Seq) -> Result<(SegmentHeader, u32), JournalError> {
    let damaged = |reason| JournalError::Damaged { segment: first, offset: 0, seq: first, reason };
    match SegmentHeader::decode(bytes) {
        Ok((header, seed)) if header.first == first => Ok((header, seed)),
        Ok(_) => Err(damaged(DamageReason::HeaderName)),
        Err(HeaderFault::Damaged(reason)) => Err(damaged(reason)),
        Err(HeaderFault::Version(version)) => {
            Err(JournalError::Unsupported { file: segment_name(first), version, known: SEGMENT_VERSION })
        }
    }
}
