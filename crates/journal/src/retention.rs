//! The retention log: who ordered records removed, why, when, and the hash of what went. `spec/journal.md`, section 6.

use std::{fmt::Write as _, path::Path};

use sha2::{Digest, Sha256};

use crate::{
    JournalError, RetentionFault, Seq,
    error::{io_at, is_full},
    fs::{Fs, read_full_at},
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

/// The retention log as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RetentionLog {
    pub(crate) entries: Vec<RetentionEntry>,
    /// Length of the good part.
    pub(crate) good_bytes: u64,
    /// An order whose writing was cut off: nothing was removed for it.
    pub(crate) torn: Vec<u8>,
    /// Running hash of the good part.
    hasher: Sha256State,
}

/// [`Sha256`] with the traits the log derives.
#[derive(Clone, Default)]
struct Sha256State(Sha256);

impl PartialEq for Sha256State {
    fn eq(&self, other: &Self) -> bool {
        self.0.clone().finalize() == other.0.clone().finalize()
    }
}
impl Eq for Sha256State {}
impl std::fmt::Debug for Sha256State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0.clone().finalize()))
    }
}

impl RetentionLog {
    /// Reads the log; an absent file is an empty log. `fresh` syncs it first and reads it from the disk.
    pub(crate) fn load(fs: &dyn Fs, dir: &Path, fresh: bool) -> Result<RetentionLog, JournalError> {
        let path = dir.join(RETENTION_NAME);
        let opened = if fresh { fs.open_rw(&path) } else { fs.open(&path) };
        let mut file = match opened {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(RetentionLog::default()),
            Err(source) => return Err(io_at("open", &path)(source)),
        };
        if fresh {
            file.sync_all().and_then(|()| file.drop_cache()).map_err(io_at("sync", &path))?;
        }
        let mut bytes = vec![0; file.bytes().map_err(io_at("measure", &path))? as usize];
        let got = read_full_at(&*file, &mut bytes, 0).map_err(io_at("read", &path))?;
        bytes.truncate(got);
        RetentionLog::parse(&bytes)
    }

    /// Reads the bytes of a log. Only an unfinished order at the end is passed over, into `torn`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<RetentionLog, JournalError> {
        let mut log = RetentionLog::default();
        if bytes.is_empty() {
            return Ok(log);
        }
        if !bytes.starts_with(FIRST_LINE.as_bytes()) {
            let torn = FIRST_LINE.as_bytes().starts_with(bytes);
            return if torn {
                Ok(RetentionLog { torn: bytes.to_vec(), ..log })
            } else {
                Err(damaged(0, RetentionFault::FirstLine))
            };
        }
        let mut at = FIRST_LINE.len();
        log.hasher.0.update(&bytes[..at]);
        while at < bytes.len() {
            match parse_order(&bytes[at..], log.entries.len() + 1, &log.hasher.0) {
                Ok((entry, hasher, used)) => {
                    log.entries.push(entry);
                    log.hasher = Sha256State(hasher);
                    at += used;
                }
                Err(Stop::Unfinished) => break,
                Err(Stop::Bad(fault)) if has_end(&bytes[at..]) => return Err(damaged(at, fault)),
                // Sectors of one cut-off write may be missing anywhere in it; the files it would have removed are all still there, or
                // opening finds them missing and refuses.
                Err(Stop::Bad(_)) => break,
            }
        }
        // A first line without one whole order is the start of the first order's write.
        let good = if log.entries.is_empty() { 0 } else { at };
        if good == 0 {
            log.hasher = Sha256State::default();
        }
        log.good_bytes = good as u64;
        log.torn = bytes[good..].to_vec();
        Ok(log)
    }

    /// The bytes that record one more order, and the log with it.
    pub(crate) fn with(&self, entry: RetentionEntry) -> (String, RetentionLog) {
        let mut text = String::new();
        if self.good_bytes == 0 {
            text.push_str(FIRST_LINE);
        }
        let n = self.entries.len() + 1;
        let RetentionOrder { who, why, at_utc_ms } = &entry.order;
        writeln!(text, "order {n} upto={} at_utc_ms={at_utc_ms} who={who:?} why={why:?}", entry.upto)
            .expect("to a string");
        for s in &entry.removed {
            writeln!(text, "segment {} last={} bytes={} sha256={}", s.first, s.last, s.bytes, hex(&s.sha256))
                .expect("to a string");
        }
        let mut next = self.clone();
        next.hasher.0.update(&text);
        let end = format!("end {n} sha256={}\n", hex(&next.hasher.0.clone().finalize()));
        next.hasher.0.update(&end);
        text.push_str(&end);
        next.good_bytes += text.len() as u64;
        next.torn.clear();
        next.entries.push(entry);
        (text, next)
    }

    /// Every segment ever removed, oldest first.
    pub(crate) fn removed(&self) -> impl DoubleEndedIterator<Item = &RemovedSegment> {
        self.entries.iter().flat_map(|e| &e.removed)
    }
}

/// How the writing of an order ended.
pub(crate) enum Recorded {
    /// It is durable.
    Durable,
    /// It may be.
    Unknown,
}

/// Writes `text` at the end of the good part and makes it durable. On any error the log is as before.
pub(crate) fn append(
    fs: &dyn Fs,
    dir: &Path,
    at: u64,
    text: &str,
    reserve_bytes: u64,
) -> Result<Recorded, JournalError> {
    let path = dir.join(RETENTION_NAME);
    let opened = if at == 0 { fs.create(&path) } else { fs.open_rw(&path) };
    let mut file = opened.map_err(io_at("open", &path))?;
    if let Err(source) = file.write_all_at(text.as_bytes(), at) {
        if file.truncate(at).and_then(|()| file.sync_all()).is_err() {
            return Ok(Recorded::Unknown);
        }
        return Err(if is_full(&source) {
            JournalError::Full { free_bytes: fs.free_bytes(dir).unwrap_or(0), reserve_bytes }
        } else {
            JournalError::Io { op: "write", path, source }
        });
    }
    let synced = file.sync_all().and_then(|()| if at == 0 { fs.sync_dir(dir) } else { Ok(()) });
    Ok(if synced.is_ok() { Recorded::Durable } else { Recorded::Unknown })
}

enum Stop {
    /// The text ends before the order does.
    Unfinished,
    Bad(RetentionFault),
}

/// Reads one order from the start of `bytes`; returns it, the running hash after it, and its length.
fn parse_order(bytes: &[u8], n: usize, hasher: &Sha256) -> Result<(RetentionEntry, Sha256, usize), Stop> {
    let bad = Stop::Bad(RetentionFault::Line);
    let mut hasher = hasher.clone();
    let mut at = 0;
    let mut entry: Option<RetentionEntry> = None;
    loop {
        let len = bytes[at..].iter().position(|b| *b == b'\n').ok_or(Stop::Unfinished)?;
        let raw = &bytes[at..=at + len];
        let line = std::str::from_utf8(&raw[..len]).map_err(|_| Stop::Bad(RetentionFault::Text))?;
        at += len + 1;
        match &mut entry {
            None => entry = Some(parse_head(line, n).ok_or(bad_line())?),
            Some(e) if line.starts_with("segment ") => e.removed.push(parse_segment(line).ok_or(bad_line())?),
            Some(_) => {
                let hash = line.strip_prefix(&format!("end {n} sha256=")).ok_or(bad_line())?;
                if hash != hex(&hasher.clone().finalize()) {
                    return Err(Stop::Bad(RetentionFault::Hash));
                }
                hasher.update(raw);
                return entry.filter(|e| !e.removed.is_empty()).map(|e| (e, hasher, at)).ok_or(bad);
            }
        }
        hasher.update(raw);
    }
}

fn bad_line() -> Stop {
    Stop::Bad(RetentionFault::Line)
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

/// Whether a whole `end` line follows: then what stands before it was written out and is not a cut-off write.
fn has_end(bytes: &[u8]) -> bool {
    bytes.split_inclusive(|b| *b == b'\n').any(|l| l.starts_with(b"end ") && l.ends_with(b"\n"))
}

fn damaged(offset: usize, reason: RetentionFault) -> JournalError {
    JournalError::DamagedRetention { offset: offset as u64, reason }
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

    fn two() -> (String, RetentionLog) {
        let (a, log) = RetentionLog::default().with(entry(1, "age"));
        let (b, log) = log.with(entry(11, "says \"so\",\n\\ Zürich \u{7f}\u{202e}"));
        (a + &b, log)
    }

    #[test]
    fn orders_read_back_whatever_their_text() {
        let (text, log) = two();
        assert_eq!(RetentionLog::parse(text.as_bytes()).unwrap(), log);
    }

    #[test]
    fn a_log_cut_anywhere_keeps_whole_orders_and_saves_the_rest() {
        let (text, _) = two();
        let first = RetentionLog::default().with(entry(1, "age")).0.len();
        for cut in 0..text.len() {
            let log = RetentionLog::parse(&text.as_bytes()[..cut]).unwrap();
            assert_eq!(log.entries.len(), usize::from(cut >= first), "cut at {cut}");
            assert_eq!(log.good_bytes as usize + log.torn.len(), cut);
        }
    }

    #[test]
    fn any_flipped_bit_is_refused_or_costs_only_the_last_order_and_says_so() {
        let (text, log) = two();
        for bit in 0..text.len() * 8 {
            let mut bad = text.clone().into_bytes();
            bad[bit / 8] ^= 1 << (bit % 8);
            match RetentionLog::parse(&bad) {
                Err(JournalError::DamagedRetention { .. }) => {}
                Ok(read) => assert!(read.entries == log.entries[..1] && !read.torn.is_empty(), "bit {bit}"),
                Err(e) => panic!("bit {bit}: {e}"),
            }
        }
    }
}
