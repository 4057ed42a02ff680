//! A pact with the signatures of its parties.
use alloc::string::String;
use alloc::vec::Vec;
use core::str;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use record::{Hash32, PartyId};
use tlog::{Note, NoteSigner};
use units::Utc;

use crate::error::PactError;
use crate::rules::Pact;

/// A pact as a signed note: its text, a blank line, and a signature line of each party that has signed.
///
/// Invariant: the pact's text is canonical, and every signature that names a party's log key verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPact {
    pact: Pact,
    /// Of the text: to write it out each time it is asked for would be a good part of a node's second.
    hash: Hash32,
    note: Option<Note>,
    signed_by: Vec<PartyId>,
}

/// Why a signed pact is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The text is no pact.
    #[error(transparent)]
    Pact(#[from] PactError),
    /// The note or one of its signatures is bad.
    #[error(transparent)]
    Note(#[from] tlog::Error),
    /// The key is of no party of this pact.
    #[error("the key {name} is not the log key of any party of this pact")]
    NotAParty {
        /// The key's name.
        name: String,
    },
    /// Signatures of two different texts cannot be joined.
    #[error("the two files hold different pacts: {ours} and {theirs}")]
    OtherPact {
        /// Hash of ours.
        ours: Hash32,
        /// Hash of theirs.
        theirs: Hash32,
    },
}

impl SignedPact {
    /// A pact that nobody has signed yet.
    ///
    /// # Errors
    /// A pact that cannot be written and read back.
    pub fn unsigned(pact: Pact) -> Result<Self, SignError> {
        pact.check()?;
        Ok(Self { hash: pact.hash(), pact, note: None, signed_by: Vec::new() })
    }

    /// Reads a file: a pact's text alone, or with signatures. Every signature by a party's log key must verify;
    /// signatures by other keys are kept and count for nothing.
    ///
    /// # Errors
    /// Text that is no pact, a note that is none, or a signature that does not verify.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignError> {
        // A note's text may hold blank lines, a pact's does not: without one there is no signature.
        let text =
            str::from_utf8(bytes).map_err(|_| tlog::Malformed::NoteText { offset: 0 }).map_err(tlog::Error::from)?;
        if !text.contains("\n\n") {
            return Self::unsigned(Pact::parse(text)?);
        }
        let note = Note::parse(bytes)?;
        let pact = Pact::parse(note.text())?;
        let signed_by = signers(&pact, &note)?;
        Ok(Self { hash: pact.hash(), pact, note: Some(note), signed_by })
    }

    /// Signs for the party whose log key this is. Signing twice changes nothing.
    ///
    /// # Errors
    /// A key of no party.
    pub fn sign(&mut self, signer: &NoteSigner) -> Result<(), SignError> {
        let key = signer.verifier();
        if self.pact.parties.iter().all(|p| p.log_key != *key) {
            return Err(SignError::NotAParty { name: key.name().into() });
        }
        let signed = tlog::sign(&self.pact.format(), &[signer])?;
        self.join_note(signed)
    }

    /// Takes over the signatures of another copy of the same pact.
    ///
    /// # Errors
    /// Another pact.
    pub fn join(&mut self, other: Self) -> Result<(), SignError> {
        if other.pact != self.pact {
            return Err(SignError::OtherPact { ours: self.pact.hash(), theirs: other.pact.hash() });
        }
        other.note.map_or(Ok(()), |note| self.join_note(note))
    }

    fn join_note(&mut self, other: Note) -> Result<(), SignError> {
        let note = match self.note.take() {
            None => other,
            Some(mut note) => {
                for line in other.signatures() {
                    note.add(line.clone())?;
                }
                note
            }
        };
        self.signed_by = signers(&self.pact, &note)?;
        self.note = Some(note);
        Ok(())
    }

    /// Hash of the pact's canonical text.
    #[must_use]
    pub const fn hash(&self) -> Hash32 {
        self.hash
    }

    /// The file's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.note.as_ref().map_or_else(|| self.pact.format().into_bytes(), Note::to_bytes)
    }

    /// The pact.
    #[must_use]
    pub fn pact(&self) -> &Pact {
        &self.pact
    }

    /// The parties whose signatures verify, in the pact's order.
    #[must_use]
    pub fn signed_by(&self) -> &[PartyId] {
        &self.signed_by
    }

    /// The parties that have not signed, in the pact's order.
    #[must_use]
    pub fn missing(&self) -> Vec<PartyId> {
        let ids = self.pact.parties.iter().map(|p| p.id.clone());
        ids.filter(|id| !self.signed_by.contains(id)).collect()
    }

    /// Whether every party has signed and the instant lies in the pact's validity.
    #[must_use]
    pub fn in_force(&self, at: Utc) -> bool {
        self.missing().is_empty() && self.pact.valid_at(at)
    }
}

/// The parties that signed. A signature that names a party's key and does not verify spoils the whole.
fn signers(pact: &Pact, note: &Note) -> Result<Vec<PartyId>, SignError> {
    let keys: Vec<_> = pact.parties.iter().map(|p| p.log_key.clone()).collect();
    let by = match tlog::open(&note.to_bytes(), &keys) {
        Ok(verified) => verified.signed_by().to_vec(),
        Err(tlog::Error::PeerMisbehaved(tlog::PeerMisbehaved::NotSigned)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(pact.parties.iter().filter(|p| by.contains(&p.log_key)).map(|p| p.id.clone()).collect())
}

impl<C> Encode<C> for SignedPact {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.to_bytes())?.ok()
    }
}

/// Reads the bytes and checks them again: a snapshot is no proof.
impl<'b, C> Decode<'b, C> for SignedPact {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        Self::parse(d.bytes()?).map_err(|_| decode::Error::message("not a signed pact").at(at))
    }
}

impl<C> Encode<C> for Pact {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.str(&self.format())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Pact {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        Self::parse(d.str()?).map_err(|_| decode::Error::message("not a pact").at(at))
    }
}

#[cfg(test)]
#[path = "signed_tests.rs"]
mod tests;
