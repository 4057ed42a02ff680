//! Signed notes (C2SP signed-note): a text, a blank line and signature lines.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::cosign;
use crate::error::{Error, Malformed, Misuse, PeerMisbehaved, Refused};
use crate::key::{Algorithm, KeyId, NoteSigner, VerifierKey, check_name};

/// A note as received: its text, with the final newline, and its signature lines. Nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

impl Note {
    /// Parses a note.
    ///
    /// # Errors
    /// [`Error::Malformed`] for the format, [`Refused::TooLarge`] for [`NOTE_BYTES_MAX`] and [`SIGNATURES_MAX`].
    pub fn parse(bytes: &[u8]) -> Result<Note, Error> {
        bounded("note, bytes", bytes.len(), NOTE_BYTES_MAX)?;
        let all = plain_text(bytes)?;
        let blank = all.rfind("\n\n").ok_or(Malformed::NoteUnsigned)?;
        let (text, block) = (&all[..=blank], &all[blank + 2..]);
        let block = block.strip_suffix('\n').ok_or(Malformed::NoteUnsigned)?;
        let mut signatures = Vec::new();
        for (line, found) in block.split('\n').enumerate() {
            bounded("signatures of a note", line + 1, SIGNATURES_MAX)?;
            signatures.push(SignatureLine::parse(found).ok_or(Malformed::SignatureLine { line })?);
        }
        Ok(Note { text: text.to_owned(), signatures })
    }

    /// Gives the text that is signed, with its final newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Gives the signature lines, in order.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Adds a signature line at the end, unless the very same line is there.
    ///
    /// # Errors
    /// [`Refused::TooLarge`] if the note would exceed its bounds.
    pub fn add(&mut self, line: SignatureLine) -> Result<(), Error> {
        if self.signatures.contains(&line) {
            return Ok(());
        }
        bounded("signatures of a note", self.signatures.len() + 1, SIGNATURES_MAX)?;
        bounded("note, bytes", self.to_bytes().len() + line.to_text().len() + 1, NOTE_BYTES_MAX)?;
        self.signatures.push(line);
        Ok(())
    }

    /// Writes the note; of a parsed note the very bytes that were parsed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.text.clone();
        out.push('\n');
        for line in &self.signatures {
            out.push_str(&line.to_text());
            out.push('\n');
        }
        out.into_bytes()
    }
}

/// One signature of a note: who claims to have signed, and the signature's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    name: String,
    key_id: KeyId,
    signature: Vec<u8>,
}

impl SignatureLine {
    pub(crate) fn by(key: &VerifierKey, signature: Vec<u8>) -> SignatureLine {
        SignatureLine { name: key.name().to_owned(), key_id: key.id(), signature }
    }

    /// Gives the name of the key that is said to have signed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the id of the key that is said to have signed.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Gives the signature's bytes, after the key id.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Tells whether the line names this key.
    #[must_use]
    pub fn names(&self, key: &VerifierKey) -> bool {
        self.key_id == key.id() && self.name == key.name()
    }

    /// Parses a line without its newline: em dash, space, name, space, base64 of the key id and the signature.
    ///
    /// # Errors
    /// [`Malformed::SignatureLine`].
    pub fn from_text(text: &str) -> Result<SignatureLine, Error> {
        bounded("note, bytes", text.len(), NOTE_BYTES_MAX)?;
        SignatureLine::parse(text).ok_or_else(|| Malformed::SignatureLine { line: 0 }.into())
    }

    /// Writes the line without a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let bytes = [&self.key_id.0[..], &self.signature].concat();
        alloc::format!("{MARK}{} {}", self.name, BASE64_STANDARD.encode(bytes))
    }

    fn parse(text: &str) -> Option<SignatureLine> {
        let (name, signature) = text.strip_prefix(MARK)?.split_once(' ')?;
        check_name(name).ok()?;
        let bytes = BASE64_STANDARD.decode(signature).ok()?;
        let (key_id, signature) = bytes.split_first_chunk::<4>()?;
        if signature.is_empty() {
            return None;
        }
        Some(SignatureLine { name: name.to_owned(), key_id: KeyId(*key_id), signature: signature.to_vec() })
    }
}

/// Signs a text with keys of type 0x01.
///
/// # Errors
/// [`Misuse::NoteText`] unless the text is plain and ends in a newline; [`Misuse::WrongAlgorithm`] for a cosigner's key;
/// [`Refused::AmbiguousText`] for a text that begins like a cosigned message; [`Refused::TooLarge`].
pub fn sign(text: &str, signers: &[&NoteSigner]) -> Result<Note, Error> {
    if plain_text(text.as_bytes()).is_err() || !text.ends_with('\n') {
        return Err(Misuse::NoteText.into());
    }
    if text.starts_with(cosign::HEADER) {
        return Err(Refused::AmbiguousText.into());
    }
    bounded("note, bytes", text.len(), NOTE_BYTES_MAX)?;
    let mut note = Note { text: text.to_owned(), signatures: Vec::new() };
    for signer in signers {
        let key = signer.verifier();
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(Misuse::WrongAlgorithm { name: key.name().to_owned() }.into());
        }
        note.add(SignatureLine::by(key, signer.sign_bytes(text.as_bytes())?.to_vec()))?;
    }
    Ok(note)
}

/// Opens a note: every signature by one of the keys must verify, and at least one must be there.
///
/// Signatures by other keys, and by keys of unknown type, are ignored as signed-note demands.
///
/// # Errors
/// What [`Note::parse`] gives; [`PeerMisbehaved::BadSignature`], [`PeerMisbehaved::NotSigned`];
/// [`Refused::AmbiguousKey`] if two different keys share name and id; [`Refused::AmbiguousText`].
pub fn open(bytes: &[u8], keys: &[VerifierKey]) -> Result<Verified<Note>, Error> {
    let note = Note::parse(bytes)?;
    let by = verify_signatures(&note, keys)?;
    Ok(Verified { value: note.clone(), note, by })
}

/// The keys, of those given, that signed the note.
pub(crate) fn verify_signatures(note: &Note, keys: &[VerifierKey]) -> Result<Vec<VerifierKey>, Error> {
    check_ambiguity(keys)?;
    let mut by: Vec<VerifierKey> = Vec::new();
    for line in &note.signatures {
        let Some(key) = keys.iter().find(|key| line.names(key)) else { continue };
        match key.algorithm() {
            Algorithm::Unknown(_) => continue,
            Algorithm::CosignatureV1 => {
                cosign::verify_cosignature(&note.text, line, key)?;
            }
            Algorithm::Ed25519 if note.text.starts_with(cosign::HEADER) => return Err(Refused::AmbiguousText.into()),
            Algorithm::Ed25519 if key.verifies(note.text.as_bytes(), &line.signature) => {}
            Algorithm::Ed25519 => return Err(bad_signature(line)),
        }
        if !by.contains(key) {
            by.push(key.clone());
        }
    }
    if by.is_empty() {
        return Err(PeerMisbehaved::NotSigned.into());
    }
    Ok(by)
}

pub(crate) fn bad_signature(line: &SignatureLine) -> Error {
    PeerMisbehaved::BadSignature { name: line.name.clone(), key_id: line.key_id }.into()
}

/// A collision of name and id would make one key's good signature count as the other's bad one.
pub(crate) fn check_ambiguity(keys: &[VerifierKey]) -> Result<(), Error> {
    for (i, a) in keys.iter().enumerate() {
        if let Some(b) = keys[..i].iter().find(|b| a.id() == b.id() && a.name() == b.name() && *b != a) {
            return Err(Refused::AmbiguousKey { name: b.name().to_owned(), key_id: b.id() }.into());
        }
    }
    Ok(())
}

/// A value read from a note whose signature was checked, with the note as received and the keys that signed it.
///
/// Only this crate makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    pub(crate) value: T,
    pub(crate) note: Note,
    pub(crate) by: Vec<VerifierKey>,
}

impl<T> Verified<T> {
    /// Gives the note as received.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Gives the keys whose signatures verified; at least one.
    #[must_use]
    pub fn signed_by(&self) -> &[VerifierKey] {
        &self.by
    }

    /// Gives the note with its text and the first line of a key that verified, and nothing that others added.
    #[must_use]
    pub fn bare(&self) -> Vec<u8> {
        let mut note = self.note.clone();
        let first = self.by.first().and_then(|key| note.signatures.iter().find(|line| line.names(key)).cloned());
        note.signatures = first.into_iter().collect();
        note.to_bytes()
    }

    /// Gives up the proof and keeps the value.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The bytes as text, if they are UTF-8 without control characters but newline.
fn plain_text(bytes: &[u8]) -> Result<&str, Malformed> {
    let text = core::str::from_utf8(bytes).map_err(|e| Malformed::NoteText { offset: e.valid_up_to() })?;
    match bytes.iter().position(|b| *b < 0x20 && *b != b'\n') {
        Some(offset) => Err(Malformed::NoteText { offset }),
        None => Ok(text),
    }
}

fn bounded(what: &'static str, found: usize, max: usize) -> Result<(), Error> {
    if found > max {
        return Err(Refused::TooLarge { what, found: found as u64, max: max as u64 }.into());
    }
    Ok(())
}

/// Largest note. A checkpoint with 16 cosignatures of the longest name is 16 x 365 + 350 bytes. ML-DSA-44 cosignatures,
/// which are carried and ignored, have 3+1+255+1 bytes and base64 of 4+8+2420 (3,244): 16 x 3,504 + 350 = 56,414.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;

/// Most signatures of a note: what signed-note obliges every verifier to accept.
pub const SIGNATURES_MAX: usize = 16;

/// Em dash and space.
const MARK: &str = "\u{2014} ";

#[cfg(test)]
#[path = "note_tests.rs"]
mod tests;
