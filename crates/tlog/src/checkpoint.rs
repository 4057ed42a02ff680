//! Checkpoints (C2SP tlog-checkpoint): a log's name, size and root, signed.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::cosign;
use crate::error::{Error, Malformed, Misuse, PeerMisbehaved, Refused};
use crate::hash::{EMPTY_ROOT, Hash};
use crate::key::{Algorithm, NoteSigner, VerifierKey};
use crate::note::{Note, Verified, sign, verify_signatures};
use crate::tree::TREE_SIZE_MAX;

/// What a log's owner commits to: which log, how many entries, and the root over them.
///
/// Displayed as the note text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// Names the log; one non-empty line.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root over the first `size` entries.
    pub root: Hash,
}

impl Checkpoint {
    /// Parses a note text. Extension lines are checked for form and otherwise passed over.
    ///
    /// # Errors
    /// [`Malformed::Checkpoint`] with the number of the bad line; [`Refused`] for an origin that is too long or could be
    /// read as a cosigned message.
    pub fn parse(text: &str) -> Result<Checkpoint, Error> {
        let checkpoint = Checkpoint::parse_any_root(text)?;
        if checkpoint.size == 0 && checkpoint.root != EMPTY_ROOT {
            return Err(Malformed::Checkpoint { line: 3 }.into());
        }
        Ok(checkpoint)
    }

    /// Parses a note text, with whatever root an empty tree is said to have: a witness answers that apart.
    pub(crate) fn parse_any_root(text: &str) -> Result<Checkpoint, Error> {
        let malformed = |line| Malformed::Checkpoint { line };
        let body = text.strip_suffix('\n').ok_or(malformed(1))?;
        let mut lines = body.split('\n');
        let origin = lines.next().unwrap_or_default();
        check_origin(origin)?;
        let size = lines.next().and_then(decimal).ok_or(malformed(2))?;
        let root = lines.next().and_then(|line| Hash::from_base64(line).ok()).ok_or(malformed(3))?;
        if size > TREE_SIZE_MAX {
            return Err(malformed(2).into());
        }
        if let Some(at) = lines.position(str::is_empty) {
            return Err(malformed(4 + at).into());
        }
        Ok(Checkpoint { origin: origin.to_owned(), size, root })
    }

    /// Writes the note text: three lines, no extensions.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// Signs a checkpoint with a key of type 0x01.
///
/// The caller answers for two things no signature can: the entries are durable, and the checkpoint extends every one
/// signed before.
///
/// # Errors
/// [`Error::Malformed`] or [`Error::Refused`] if the checkpoint itself would not parse; what [`sign`] gives.
pub fn sign_checkpoint(checkpoint: &Checkpoint, signer: &NoteSigner) -> Result<Note, Error> {
    let text = checkpoint.to_text();
    if Checkpoint::parse(&text)? != *checkpoint {
        return Err(Misuse::NoteText.into());
    }
    sign(&text, &[signer])
}

/// Opens the checkpoint of one log under its one key. Cosignatures are left to [`crate::cosignatures`].
///
/// # Errors
/// [`Misuse::WrongAlgorithm`] unless the key is of type 0x01; what [`crate::open`] and [`Checkpoint::parse`] give;
/// [`PeerMisbehaved::WrongOrigin`].
pub fn open_checkpoint(bytes: &[u8], origin: &str, key: &VerifierKey) -> Result<Verified<Checkpoint>, Error> {
    if key.algorithm() != Algorithm::Ed25519 {
        return Err(Misuse::WrongAlgorithm { name: key.name().to_owned() }.into());
    }
    let note = Note::parse(bytes)?;
    // The signature first: a text that nobody signed is not worth an opinion.
    let by = verify_signatures(&note, core::slice::from_ref(key))?;
    let value = Checkpoint::parse(note.text())?;
    if value.origin != origin {
        return Err(PeerMisbehaved::WrongOrigin { expected: origin.to_owned(), found: value.origin }.into());
    }
    Ok(Verified { value, note, by })
}

fn check_origin(origin: &str) -> Result<(), Error> {
    if origin.is_empty() || origin.chars().any(char::is_control) {
        return Err(Malformed::Checkpoint { line: 1 }.into());
    }
    if origin.len() > ORIGIN_BYTES_MAX {
        let found = origin.len() as u64;
        return Err(Refused::TooLarge { what: "origin, bytes", found, max: ORIGIN_BYTES_MAX as u64 }.into());
    }
    if cosign::HEADER.trim_end() == origin {
        return Err(Refused::AmbiguousText.into());
    }
    Ok(())
}

/// An ASCII decimal without sign or leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    (canonical && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Longest origin: what a log's origin may have in tlog-cosignature.
pub const ORIGIN_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosign::{cosignatures, verify_cosignature};
    use std::string::ToString;

    /// A checkpoint of a public certificate log, as served in 2026-05, with its own signature, an RFC 6962 signature of
    /// unknown type and four witnesses' cosignatures.
    const PUBLIC: &str = include_str!("../testdata/arche2025h1.checkpoint");
    const PUBLIC_KEY: &str =
        "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
    const PUBLIC_WITNESS: &str = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";

    fn signed(text: &str) -> (std::vec::Vec<u8>, VerifierKey) {
        let signer = NoteSigner::new("k", &[5; 32]).unwrap();
        (sign(text, &[&signer]).unwrap().to_bytes(), signer.verifier().clone())
    }

    #[test]
    fn a_public_log_s_checkpoint_opens_with_its_witness() {
        let origin = "arche2025h1.staging.ct.transparency.dev";
        let key: VerifierKey = PUBLIC_KEY.parse().unwrap();
        let opened = open_checkpoint(PUBLIC.as_bytes(), origin, &key).unwrap();
        assert_eq!(opened.size, 1_432_088_532);
        assert_eq!(opened.root.to_string(), "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=");
        let witness: VerifierKey = PUBLIC_WITNESS.parse().unwrap();
        let seen = cosignatures(opened.note(), &[witness.clone(), key]).unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].name.as_str(), seen[0].time_s), ("remora.n621.de", 0x6a12_2120));
        let other = opened.to_text().replace("1432088532", "1432088533");
        let line = opened.note().signatures().iter().find(|line| line.names(&witness)).unwrap();
        assert!(verify_cosignature(&other, line, &witness).is_err());
    }

    #[test]
    fn what_is_signed_opens_and_names_its_key() {
        let signer = NoteSigner::new("a.example/to-b", &[7; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "a.example/to-b".into(), size: 0, root: EMPTY_ROOT };
        let note = sign_checkpoint(&checkpoint, &signer).unwrap().to_bytes();
        let opened = open_checkpoint(&note, "a.example/to-b", signer.verifier()).unwrap();
        assert_eq!((&*opened, opened.signed_by()), (&checkpoint, &[signer.verifier().clone()][..]));
        let wrong = open_checkpoint(&note, "b.example", signer.verifier());
        let expect = PeerMisbehaved::WrongOrigin { expected: "b.example".into(), found: "a.example/to-b".into() };
        assert_eq!(wrong.map(|_| ()), Err(expect.into()));
    }

    #[test]
    fn extension_lines_are_tolerated_kept_in_the_note_and_never_written() {
        let (note, key) = signed(&std::format!("o\n0\n{EMPTY_ROOT}\nextra 1\nextra 2\n"));
        let opened = open_checkpoint(&note, "o", &key).unwrap();
        assert_eq!(opened.to_text(), std::format!("o\n0\n{EMPTY_ROOT}\n"));
        assert!(opened.note().text().ends_with("extra 2\n"));
    }

    #[test]
    fn a_text_that_is_no_checkpoint_is_refused_with_its_line() {
        let zero = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        for (text, line) in [
            ("\n1\nAAAA\n".to_string(), 1),
            ("o".into(), 1),
            ("o\n".into(), 2),
            (std::format!("o\n01\n{zero}\n"), 2),
            (std::format!("o\n+1\n{zero}\n"), 2),
            (std::format!("o\n-1\n{zero}\n"), 2),
            (std::format!("o\n1 \n{zero}\n"), 2),
            (std::format!("o\n\n{zero}\n"), 2),
            (std::format!("o\n9223372036854775808\n{zero}\n"), 2),
            (std::format!("o\n18446744073709551616\n{zero}\n"), 2),
            ("o\n1\n".into(), 3),
            ("o\n1\nAAAA\n".into(), 3),
            (std::format!("o\n1\n{zero} \n"), 3),
            (std::format!("o\n0\n{zero}\n"), 3),
            (std::format!("o\n1\n{zero}\n\n"), 4),
            (std::format!("o\n1\n{zero}\nx\n\ny\n"), 5),
        ] {
            assert_eq!(Checkpoint::parse(&text), Err(Malformed::Checkpoint { line }.into()), "{text:?}");
        }
    }

    #[test]
    fn an_origin_that_could_mislead_is_refused() {
        let signer = NoteSigner::new("k", &[5; 32]).unwrap();
        let sign =
            |origin: &str| sign_checkpoint(&Checkpoint { origin: origin.into(), size: 0, root: EMPTY_ROOT }, &signer);
        assert_eq!(sign("cosignature/v1"), Err(Refused::AmbiguousText.into()));
        assert_eq!(sign(""), Err(Malformed::Checkpoint { line: 1 }.into()));
        assert_eq!(sign("a\nb"), Err(Malformed::Checkpoint { line: 2 }.into()));
        // An origin that smuggles a size and a root would parse as another checkpoint.
        assert_eq!(sign(&std::format!("a\n0\n{EMPTY_ROOT}")), Err(Misuse::NoteText.into()));
        assert!(matches!(sign(&"a".repeat(256)), Err(Error::Refused(Refused::TooLarge { .. }))));
    }

    #[test]
    fn a_cosigner_s_key_does_not_open_a_checkpoint() {
        let (note, _) = signed(&std::format!("o\n0\n{EMPTY_ROOT}\n"));
        let cosigner = NoteSigner::cosigner("k", &[5; 32]).unwrap();
        let refused = open_checkpoint(&note, "o", cosigner.verifier());
        assert_eq!(refused.map(|_| ()), Err(Misuse::WrongAlgorithm { name: "k".into() }.into()));
    }

    #[test]
    fn a_root_of_a_size_that_is_not_zero_may_be_anything() {
        let checkpoint = Checkpoint { origin: "o".into(), size: 3, root: Hash([1; 32]) };
        assert_eq!(Checkpoint::parse(&checkpoint.to_text()), Ok(checkpoint));
    }
}
