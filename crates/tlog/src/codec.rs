//! Bundles as deterministic CBOR with integer keys (RFC 8949 section 4.2.1, `spec/evidence.md`).

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use minicbor::{Decoder, Encoder};

use crate::bundle::{
    BUNDLE_BYTES_MAX, Bundle, ENTRIES_MAX, EntryEvidence, LOGS_MAX, Link, LogEvidence, PARTS_MAX, UNSIGNED_MAX,
    Unsigned, malformed,
};
use crate::error::{Error, Misuse, Refused};
use crate::hash::Hash;
use crate::proof::{PROOF_HASHES_MAX, Proof};

impl Bundle {
    /// Writes the bundle, its logs in the order of their origins.
    ///
    /// # Errors
    /// [`Misuse::Bundle`] if it breaks a rule of the format; [`Refused::TooLarge`] over [`BUNDLE_BYTES_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut sorted = self.clone();
        sorted.logs.sort_by(|a, b| a.origin.cmp(&b.origin));
        sorted.check().map_err(|what| Misuse::Bundle { what })?;
        let bytes = write(&sorted);
        bounded(&bytes)?;
        Ok(bytes)
    }

    /// Reads a bundle. Only the one deterministic encoding of each bundle is accepted.
    ///
    /// # Errors
    /// [`crate::Malformed::Bundle`] with the offset; [`Refused::TooLarge`] over [`BUNDLE_BYTES_MAX`].
    pub fn decode(bytes: &[u8]) -> Result<Bundle, Error> {
        bounded(bytes)?;
        let mut d = Decoder::new(bytes);
        let bundle = read(&mut d)?;
        bundle.check().map_err(|what| malformed(d.position(), what))?;
        // One meaning, one encoding: whatever would be written differently was not written by the rules.
        let again = write(&bundle);
        if again != bytes {
            let offset = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            return Err(malformed(offset, "the deterministic encoding, and nothing after it"));
        }
        Ok(bundle)
    }
}

fn write(bundle: &Bundle) -> Vec<u8> {
    let mut e = Encoder::new(Vec::new());
    put(&mut e, bundle).expect("a vector takes every write");
    e.into_writer()
}

type Written = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

fn put(e: &mut Encoder<Vec<u8>>, bundle: &Bundle) -> Written {
    e.map(2 + u64::from(bundle.metadata.is_some()))?;
    e.u8(0)?.str(FORMAT)?;
    e.u8(1)?.array(bundle.logs.len() as u64)?;
    for log in &bundle.logs {
        put_log(e, log)?;
    }
    if let Some(metadata) = &bundle.metadata {
        e.u8(2)?.bytes(metadata)?;
    }
    Ok(())
}

fn put_log(e: &mut Encoder<Vec<u8>>, log: &LogEvidence) -> Written {
    e.map(6 + u64::from(!log.unsigned.is_empty()))?.u8(0)?.str(&log.origin)?;
    e.u8(1)?.array(log.hints.len() as u64)?;
    for hint in &log.hints {
        e.str(hint)?;
    }
    e.u8(2)?.array(log.checkpoints.len() as u64)?;
    for note in &log.checkpoints {
        e.bytes(note)?;
    }
    e.u8(3)?.array(log.entries.len() as u64)?;
    for entry in &log.entries {
        e.array(4)?.u64(entry.index)?.u32(entry.checkpoint)?.bytes(&entry.bytes)?;
        put_proof(e, &entry.proof)?;
    }
    e.u8(4)?.array(log.ranges.len() as u64)?;
    for range in &log.ranges {
        e.array(2)?.u64(range.start)?.u64(range.end)?;
    }
    e.u8(5)?.array(log.links.len() as u64)?;
    for link in &log.links {
        e.array(4)?.u32(link.older)?.u32(link.newer)?.bytes(&link.root.0)?;
        put_proof(e, &link.proof)?;
    }
    if !log.unsigned.is_empty() {
        e.u8(6)?.array(log.unsigned.len() as u64)?;
        for unsigned in &log.unsigned {
            e.array(2)?.u64(unsigned.index)?.bytes(&unsigned.bytes)?;
        }
    }
    Ok(())
}

fn put_proof(e: &mut Encoder<Vec<u8>>, proof: &Proof) -> Written {
    e.array(proof.0.len() as u64)?;
    for hash in &proof.0 {
        e.bytes(&hash.0)?;
    }
    Ok(())
}

fn read(d: &mut Decoder<'_>) -> Result<Bundle, Error> {
    let at = d.position();
    let fields =
        d.map().ok().flatten().filter(|n| (2..=3).contains(n)).ok_or_else(|| malformed(at, "a map of 2 or 3"))?;
    key(d, 0)?;
    let at = d.position();
    if d.str().ok() != Some(FORMAT) {
        return Err(malformed(at, "the name of this format and version"));
    }
    key(d, 1)?;
    let mut logs = Vec::new();
    let mut entries_left = ENTRIES_MAX;
    for _ in 0..count(d, LOGS_MAX)? {
        let log = read_log(d, entries_left)?;
        entries_left -= log.entries.len();
        logs.push(log);
    }
    let mut metadata = None;
    if fields == 3 {
        key(d, 2)?;
        metadata = Some(bytes(d)?.to_vec());
    }
    Ok(Bundle { logs, metadata })
}

fn read_log(d: &mut Decoder<'_>, entries_max: usize) -> Result<LogEvidence, Error> {
    let at = d.position();
    let fields =
        d.map().ok().flatten().filter(|n| (6..=7).contains(n)).ok_or_else(|| malformed(at, "a map of 6 or 7"))?;
    key(d, 0)?;
    let mut log = LogEvidence::new(text(d)?);
    key(d, 1)?;
    for _ in 0..count(d, PARTS_MAX)? {
        log.hints.push(text(d)?.to_owned());
    }
    key(d, 2)?;
    for _ in 0..count(d, PARTS_MAX)? {
        log.checkpoints.push(bytes(d)?.to_vec());
    }
    key(d, 3)?;
    for _ in 0..count(d, entries_max)? {
        tuple(d, 4)?;
        let (index, checkpoint) = (unsigned(d)?, small(d)?);
        log.entries.push(EntryEvidence { index, checkpoint, bytes: bytes(d)?.to_vec(), proof: read_proof(d)? });
    }
    key(d, 4)?;
    for _ in 0..count(d, PARTS_MAX)? {
        tuple(d, 2)?;
        log.ranges.push(unsigned(d)?..unsigned(d)?);
    }
    key(d, 5)?;
    for _ in 0..count(d, PARTS_MAX)? {
        tuple(d, 4)?;
        log.links.push(Link { older: small(d)?, newer: small(d)?, root: hash(d)?, proof: read_proof(d)? });
    }
    if fields == 7 {
        key(d, 6)?;
        for _ in 0..count(d, UNSIGNED_MAX)? {
            tuple(d, 2)?;
            log.unsigned.push(Unsigned { index: unsigned(d)?, bytes: bytes(d)?.to_vec() });
        }
    }
    Ok(log)
}

fn read_proof(d: &mut Decoder<'_>) -> Result<Proof, Error> {
    let mut hashes = Vec::new();
    for _ in 0..count(d, PROOF_HASHES_MAX)? {
        hashes.push(hash(d)?);
    }
    Ok(Proof(hashes))
}

/// Reads the length of a list. Nothing is allocated by it: each item must then be there.
fn count(d: &mut Decoder<'_>, max: usize) -> Result<u64, Error> {
    let at = d.position();
    d.array().ok().flatten().filter(|n| *n <= max as u64).ok_or_else(|| malformed(at, "a list within its bound"))
}

fn tuple(d: &mut Decoder<'_>, len: u64) -> Result<(), Error> {
    let at = d.position();
    d.array().ok().flatten().filter(|n| *n == len).map(|_| ()).ok_or_else(|| malformed(at, "a list of fixed length"))
}

fn key(d: &mut Decoder<'_>, expect: u64) -> Result<(), Error> {
    let at = d.position();
    d.u64().ok().filter(|found| *found == expect).map(|_| ()).ok_or_else(|| malformed(at, "the next key of a map"))
}

fn unsigned(d: &mut Decoder<'_>) -> Result<u64, Error> {
    let at = d.position();
    d.u64().map_err(|_| malformed(at, "an unsigned integer"))
}

fn small(d: &mut Decoder<'_>) -> Result<u32, Error> {
    let at = d.position();
    d.u32().map_err(|_| malformed(at, "an unsigned integer below 2^32"))
}

fn bytes<'b>(d: &mut Decoder<'b>) -> Result<&'b [u8], Error> {
    let at = d.position();
    d.bytes().map_err(|_| malformed(at, "a byte string"))
}

fn text<'b>(d: &mut Decoder<'b>) -> Result<&'b str, Error> {
    let at = d.position();
    d.str().map_err(|_| malformed(at, "a text string"))
}

fn hash(d: &mut Decoder<'_>) -> Result<Hash, Error> {
    let at = d.position();
    bytes(d)?.try_into().map(Hash).map_err(|_| malformed(at, "a hash of 32 bytes"))
}

fn bounded(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        let (found, max) = (bytes.len() as u64, BUNDLE_BYTES_MAX as u64);
        return Err(Refused::TooLarge { what: "evidence bundle, bytes", found, max }.into());
    }
    Ok(())
}

/// First value of every bundle.
const FORMAT: &str = "skypact evidence 1";
