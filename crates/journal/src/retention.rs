//! The retention log: who ordered records removed, why, when, and the hash of what went. `spec/journal.md`, section 6.

use std::{fmt::Write as _, path::Path};

use sha2::{Digest, Sha256};

use crate::{
    JournalError, RetentionFault, Seq,
    error::io_at,
    fs::{Fs, Written, read_full_at, replace},
};

/// The file's name.
pub(crate) const RETENTION_NAME: &str = "retention.log";
/// Longest `who` and `why`, bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 1024;
const FIRST_LINE: &str = "skypact retention log 1\n";

/// An order to remove old records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionOrder {
    /// Who ordered it: an account or a rule's name, 1 to 1024 bytes.
    pub who: String,
    /// Why: the rule or the request, 1 to 1024 bytes.
    pub why: String,
    /// When it was accepted, UTC milliseconds since 1970.
    pub at_utc_ms: u64,
}

/// A segment that was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovedSegment {
    /// First position.
    pub first: Seq,
    /// Last position.
    pub last: Seq,
    /// Length of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// One order as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionEntry {
    /// Up to which position, inclusive.
    pub upto: Seq,
    /// The order.
    pub order: RetentionOrder,
    /// What went, oldest first; never empty.
    pub removed: Vec<RemovedSegment>,
}

/// What a trim did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trimmed {
    /// The segments that went, oldest first. Empty if no whole segment lies before the position: then nothing was recorded.
    pub removed: Vec<RemovedSegment>,
}

/// The retention log as read. It is small (about 130 bytes a segment removed) and replaced as a whole, so that no write can tear it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RetentionLog {
    pub(crate) entries: Vec<RetentionEntry>,
    text: String,
}

impl RetentionLog {
    /// Reads the log from the disk; an absent file is an empty log.
    pub(crate) fn load(fs: &dyn Fs, dir: &Path) -> Result<RetentionLog, JournalError> {
        let path = dir.join(RETENTION_NAME);
        let file = match fs.open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(RetentionLog::default()),
            Err(source) => return Err(io_at("open", &path)(source)),
        };
        let mut bytes = vec![0; file.bytes().map_err(io_at("measure", &path))? as usize];
        let got = read_full_at(&*file, &mut bytes, 0).map_err(io_at("read", &path))?;
        bytes.truncate(got);
        RetentionLog::parse(bytes)
    }

    /// Reads the bytes of a log.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<RetentionLog, JournalError> {
        let damaged = |offset: usize, reason| JournalError::DamagedRetention { offset: offset as u64, reason };
        let text = String::from_utf8(bytes).map_err(|e| damaged(e.utf8_error().valid_up_to(), RetentionFault::Text))?;
        if !text.starts_with(FIRST_LINE) {
            return Err(damaged(0, RetentionFault::FirstLine));
        }
        let mut entries = Vec::new();
        let mut at = FIRST_LINE.len();
        while at < text.len() {
            let (entry, end) = parse_order(&text, at, entries.len() + 1).map_err(|fault| damaged(at, fault))?;
            entries.push(entry);
            at = end;
        }
        Ok(RetentionLog { entries, text })
    }

    /// The log with one more order.
    pub(crate) fn with(&self, entry: RetentionEntry) -> RetentionLog {
        let mut text = if self.text.is_empty() { FIRST_LINE.to_string() } else { self.text.clone() };
        let n = self.entries.len() + 1;
        let RetentionOrder { who, why, at_utc_ms } = &entry.order;
        writeln!(text, "order {n} upto={} at_utc_ms={at_utc_ms} who={who:?} why={why:?}", entry.upto)
            .expect("to a string");
        for s in &entry.removed {
            writeln!(text, "segment {} last={} bytes={} sha256={}", s.first, s.last, s.bytes, hex(&s.sha256))
                .expect("to a string");
        }
        let hash = hex(&Sha256::digest(&text));
        writeln!(text, "end {n} sha256={hash}").expect("to a string");
        let mut entries = self.entries.clone();
        entries.push(entry);
        RetentionLog { entries, text }
    }

    /// Every segment ever removed, oldest first.
    pub(crate) fn removed(&self) -> impl DoubleEndedIterator<Item = &RemovedSegment> {
        self.entries.iter().flat_map(|e| &e.removed)
    }

    /// Puts the log in place of the one in the folder, durably.
    pub(crate) fn store(&self, fs: &dyn Fs, dir: &Path, reserve_bytes: u64) -> Result<Written, JournalError> {
        replace(fs, dir, RETENTION_NAME, &[self.text.as_bytes()], reserve_bytes)
    }
}

/// Reads the order that begins at `at`; returns it and where it ends. Its last line holds the hash of everything before that line.
fn parse_order(text: &str, at: usize, n: usize) -> Result<(RetentionEntry, usize), RetentionFault> {
    let mut entry: Option<RetentionEntry> = None;
    let mut end = at;
    for raw in text[at..].split_inclusive('\n') {
        let line = raw.strip_suffix('\n').ok_or(RetentionFault::Line)?;
        match &mut entry {
            None => entry = Some(parse_head(line, n).ok_or(RetentionFault::Line)?),
            Some(e) if line.starts_with("segment ") => e.removed.push(parse_segment(line).ok_or(RetentionFault::Line)?),
            Some(e) => {
                let hash = line.strip_prefix(&format!("end {n} sha256=")).ok_or(RetentionFault::Line)?;
                if hash != hex(&Sha256::digest(&text[..end])) {
                    return Err(RetentionFault::Hash);
                }
                let whole = !e.removed.is_empty();
                return entry.filter(|_| whole).map(|e| (e, end + raw.len())).ok_or(RetentionFault::Line);
            }
        }
        end += raw.len();
    }
    Err(RetentionFault::Line)
}

fn parse_head(line: &str, n: usize) -> Option<RetentionEntry> {
    let rest = line.strip_prefix(&format!("order {n} upto="))?;
    let (upto, rest) = rest.split_once(" at_utc_ms=")?;
    let (at, rest) = rest.split_once(" who=")?;
    let (who, rest) = unquote(rest)?;
    let (why, rest) = unquote(rest.strip_prefix(" why=")?)?;
    rest.is_empty().then_some(())?;
    let order = RetentionOrder { who, why, at_utc_ms: at.parse().ok()? };
    Some(RetentionEntry { upto: Seq(upto.parse().ok()?), order, removed: Vec::new() })
}

fn parse_segment(line: &str) -> Option<RemovedSegment> {
    let (first, rest) = line.strip_prefix("segment ")?.split_once(" last=")?;
    let (last, rest) = rest.split_once(" bytes=")?;
    let (bytes, sha) = rest.split_once(" sha256=")?;
    let mut sha256 = [0; 32];
    (sha.len() == 64 && sha.is_ascii()).then_some(())?;
    for (byte, pair) in sha256.iter_mut().zip(sha.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(RemovedSegment {
        first: Seq(first.parse().ok()?),
        last: Seq(last.parse().ok()?),
        bytes: bytes.parse().ok()?,
        sha256,
    })
}

/// Reads a quoted string as Rust's `{:?}` writes it; returns it and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.strip_prefix('"')?.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((out, &text[i + 2..])),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                '0' => out.push('\0'),
                'u' => {
                    let code: String =
                        chars.by_ref().map(|(_, c)| c).skip_while(|c| *c == '{').take_while(|c| *c != '}').collect();
                    out.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                }
                c @ ('"' | '\\' | '\'') => out.push(c),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    None
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        write!(out, "{b:02x}").expect("to a string");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(first: u64, why: &str) -> RetentionEntry {
        RetentionEntry {
            upto: Seq(first + 9),
            order: RetentionOrder { who: "rule: keep 400 days".into(), why: why.into(), at_utc_ms: 1_795_298_400_000 },
            removed: vec![RemovedSegment {
                first: Seq(first),
                last: Seq(first + 9),
                bytes: 4096,
                sha256: [first as u8; 32],
            }],
        }
    }

    fn two() -> RetentionLog {
        RetentionLog::default().with(entry(1, "age")).with(entry(11, "says \"so\",\n\\ Zürich \u{7f}\u{202e}"))
    }

    #[test]
    fn orders_read_back_whatever_their_text() {
        let log = two();
        assert_eq!(RetentionLog::parse(log.text.clone().into_bytes()).unwrap(), log);
    }

    #[test]
    fn a_log_cut_anywhere_but_between_orders_is_refused() {
        let log = two();
        let whole = [FIRST_LINE.len(), RetentionLog::default().with(entry(1, "age")).text.len()];
        for cut in 0..log.text.len() {
            let read = RetentionLog::parse(log.text.as_bytes()[..cut].to_vec());
            assert_eq!(read.is_ok(), whole.contains(&cut), "cut at {cut}");
        }
    }

    #[test]
    fn any_flipped_bit_is_refused() {
        let log = two();
        for bit in 0..log.text.len() * 8 {
            let mut bad = log.text.clone().into_bytes();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(RetentionLog::parse(bad), Err(JournalError::DamagedRetention { .. })), "bit {bit}");
        }
    }
}
