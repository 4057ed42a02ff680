//! Cosignatures (C2SP tlog-cosignature, `cosignature/v1`): "by this time I had seen this checkpoint and no contradiction".

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Malformed, Misuse, Refused};
use crate::key::{Algorithm, NoteSigner, VerifierKey};
use crate::note::{Note, SignatureLine, bad_signature, check_ambiguity};

/// A verified cosignature: who saw the checkpoint, and by when by the cosigner's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// The cosigner's name.
    pub name: String,
    /// The key under which it verified.
    pub key: VerifierKey,
    /// The time the cosigner states, POSIX seconds.
    pub time_s: u64,
}

/// Cosigns the text of a checkpoint's note, extension lines included.
///
/// The caller answers for the statement: it has verified that this is the largest tree of the log it has seen, and that
/// it extends every one it cosigned before.
///
/// # Errors
/// [`Misuse::WrongAlgorithm`] unless the signer is a cosigner's; what [`Checkpoint::parse`] gives;
/// [`Refused::TooLarge`] for a time past [`TIME_S_MAX`].
pub fn cosign(text: &str, time_s: u64, signer: &NoteSigner) -> Result<SignatureLine, Error> {
    let key = signer.verifier();
    if key.algorithm() != Algorithm::CosignatureV1 {
        return Err(Misuse::WrongAlgorithm { name: key.name().to_owned() }.into());
    }
    Checkpoint::parse(text)?;
    if time_s > TIME_S_MAX {
        return Err(Refused::TooLarge { what: "cosignature time, s", found: time_s, max: TIME_S_MAX }.into());
    }
    let signature = signer.sign_bytes(&message(text, time_s))?;
    Ok(SignatureLine::by(key, [&time_s.to_be_bytes()[..], &signature].concat()))
}

/// Checks one cosignature of a checkpoint's note text.
///
/// # Errors
/// [`Misuse::WrongAlgorithm`] unless the key is a cosigner's; [`Malformed::Cosignature`];
/// [`crate::PeerMisbehaved::BadSignature`], also if the line names another key; what [`Checkpoint::parse`] gives.
pub fn verify_cosignature(text: &str, line: &SignatureLine, key: &VerifierKey) -> Result<Cosignature, Error> {
    if key.algorithm() != Algorithm::CosignatureV1 {
        return Err(Misuse::WrongAlgorithm { name: key.name().to_owned() }.into());
    }
    let bytes = line.signature();
    let malformed = || Malformed::Cosignature { name: line.name().to_owned(), len: bytes.len() };
    let (time_s, signature) = bytes.split_first_chunk::<8>().ok_or_else(malformed)?;
    let time_s = u64::from_be_bytes(*time_s);
    if signature.len() != 64 || time_s > TIME_S_MAX {
        return Err(malformed().into());
    }
    Checkpoint::parse(text)?;
    if !line.names(key) || !key.verifies(&message(text, time_s), signature) {
        return Err(bad_signature(line));
    }
    Ok(Cosignature { name: key.name().to_owned(), key: key.clone(), time_s })
}

/// Gives every cosignature of the note by one of the keys; lines by other keys are ignored, and so are keys of other
/// types. None found is an empty list.
///
/// # Errors
/// [`Refused::AmbiguousKey`]; what [`verify_cosignature`] gives for a line that names one of the keys.
pub fn cosignatures(note: &Note, keys: &[VerifierKey]) -> Result<Vec<Cosignature>, Error> {
    check_ambiguity(keys)?;
    let mut found = Vec::new();
    for line in note.signatures() {
        let key = keys.iter().find(|key| line.names(key) && key.algorithm() == Algorithm::CosignatureV1);
        if let Some(key) = key {
            found.push(verify_cosignature(note.text(), line, key)?);
        }
    }
    Ok(found)
}

fn message(text: &str, time_s: u64) -> Vec<u8> {
    format!("{HEADER}time {time_s}\n{text}").into_bytes()
}

/// Latest time a cosignature can state.
pub const TIME_S_MAX: u64 = i64::MAX as u64;

/// First line of every cosigned message; no note that begins with it is signed.
pub(crate) const HEADER: &str = "cosignature/v1\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::sign_checkpoint;
    use crate::error::PeerMisbehaved;
    use crate::hash::Hash;
    use crate::note::open;

    fn note() -> (Note, NoteSigner) {
        let log = NoteSigner::new("a.example", &[1; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "a.example".into(), size: 9, root: Hash([9; 32]) };
        (sign_checkpoint(&checkpoint, &log).unwrap(), log)
    }

    #[test]
    fn a_cosigned_note_carries_both_signatures() {
        let ((mut note, log), witness) = (note(), NoteSigner::cosigner("b.example", &[2; 32]).unwrap());
        let line = cosign(note.text(), 1_679_315_147, &witness).unwrap();
        assert_eq!(line.signature().len(), 72);
        note.add(line.clone()).unwrap();
        note.add(line).unwrap();
        assert_eq!(note.signatures().len(), 2);
        let keys = [log.verifier().clone(), witness.verifier().clone()];
        assert_eq!(open(&note.to_bytes(), &keys).unwrap().signed_by(), keys);
        let seen = cosignatures(&note, &keys).unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].name.as_str(), seen[0].time_s), ("b.example", 1_679_315_147));
        assert_eq!(cosignatures(&note, &keys[..1]), Ok(Vec::new()));
    }

    #[test]
    fn any_flipped_bit_of_the_text_or_the_cosignature_is_refused() {
        let ((note, _), witness) = (note(), NoteSigner::cosigner("b.example", &[2; 32]).unwrap());
        let line = cosign(note.text(), 5, &witness).unwrap();
        let key = witness.verifier();
        assert_eq!(verify_cosignature(note.text(), &line, key).unwrap().time_s, 5);
        for at in 0..72 * 8 {
            let mut bytes = line.signature().to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            let bad = SignatureLine::by(key, bytes);
            assert!(verify_cosignature(note.text(), &bad, key).is_err(), "bit {at} of the signature");
        }
        for at in 0..note.text().len() {
            let mut bytes = note.text().as_bytes().to_vec();
            bytes[at] ^= 1;
            let bad = String::from_utf8(bytes).unwrap();
            assert!(verify_cosignature(&bad, &line, key).is_err(), "byte {at} of the text");
        }
    }

    #[test]
    fn another_key_another_type_or_another_length_is_refused() {
        let ((note, log), witness) = (note(), NoteSigner::cosigner("b.example", &[2; 32]).unwrap());
        let other = NoteSigner::cosigner("b.example", &[3; 32]).unwrap();
        let line = cosign(note.text(), 5, &witness).unwrap();
        let bad = PeerMisbehaved::BadSignature { name: "b.example".into(), key_id: witness.verifier().id() };
        assert_eq!(verify_cosignature(note.text(), &line, other.verifier()), Err(bad.into()));
        let wrong = Misuse::WrongAlgorithm { name: "a.example".into() };
        assert_eq!(cosign(note.text(), 5, &log), Err(wrong.clone().into()));
        assert_eq!(verify_cosignature(note.text(), &line, log.verifier()), Err(wrong.into()));
        for len in [1, 8, 64, 71, 73] {
            let short = SignatureLine::by(witness.verifier(), alloc::vec![0; len]);
            let expect = Malformed::Cosignature { name: "b.example".into(), len };
            assert_eq!(verify_cosignature(note.text(), &short, witness.verifier()), Err(expect.into()));
        }
    }

    #[test]
    fn a_text_that_is_no_checkpoint_or_a_time_out_of_bounds_is_not_cosigned() {
        let ((note, _), witness) = (note(), NoteSigner::cosigner("b.example", &[2; 32]).unwrap());
        assert_eq!(cosign("hello\n", 5, &witness), Err(Malformed::Checkpoint { line: 2 }.into()));
        assert!(cosign(note.text(), TIME_S_MAX, &witness).is_ok());
        assert!(matches!(cosign(note.text(), TIME_S_MAX + 1, &witness), Err(Error::Refused(_))));
    }
}
