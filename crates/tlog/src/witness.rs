//! What a witness is asked and what it answers (C2SP tlog-witness, `add-checkpoint`).
//!
//! **In scope:** the request's form, both ways ([`Request`]); the decision ([`consider`]) with the standard's status for
//! each refusal ([`Refusal`]). **Out of scope:** HTTP, the durable record of what was cosigned, the clock.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::checkpoint::{Checkpoint, decimal};
use crate::error::Error;
use crate::hash::{EMPTY_ROOT, Hash};
use crate::key::VerifierKey;
use crate::note::{NOTE_BYTES_MAX, Note, verify_signatures};
use crate::proof::{Proof, verify_consistency};

/// What a log asks: "you cosigned `old`; here is how `checkpoint` follows from it".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Size that the witness last cosigned, as the log believes.
    pub old: u64,
    /// Consistency proof from that size to the checkpoint.
    pub proof: Proof,
    /// The checkpoint, signed.
    pub note: Note,
}

impl Request {
    /// Reads a request's body.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] with the part that is wrong.
    pub fn parse(body: &[u8]) -> Result<Request, Refusal> {
        let malformed = Refusal::Malformed;
        if body.len() > REQUEST_BYTES_MAX {
            return Err(malformed("body is too long"));
        }
        let text = core::str::from_utf8(body).map_err(|_| malformed("body is not UTF-8"))?;
        let (head, mut rest) = text.split_once('\n').ok_or(malformed("old size line"))?;
        let old = head.strip_prefix("old ").and_then(decimal).ok_or(malformed("old size line"))?;
        let mut proof = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(malformed("no empty line after the proof"))?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if proof.len() == PROOF_LINES_MAX {
                return Err(malformed("more than 63 proof lines"));
            }
            proof.push(Hash::from_base64(line).map_err(|_| malformed("proof line"))?);
        }
        let note = Note::parse(rest.as_bytes()).map_err(|_| malformed("checkpoint is no signed note"))?;
        Ok(Request { old, proof: Proof(proof), note })
    }

    /// Writes the body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = alloc::format!("old {}\n", self.old);
        for hash in &self.proof.0 {
            out.push_str(&alloc::format!("{hash}\n"));
        }
        out.push('\n');
        let mut out = out.into_bytes();
        out.extend(self.note.to_bytes());
        out
    }

    /// Gives the origin that the note names, unverified: it picks the keys.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] if the text is no checkpoint.
    pub fn origin(&self) -> Result<String, Refusal> {
        self.note.text().split('\n').next().map(ToOwned::to_owned).ok_or(Refusal::Malformed("checkpoint"))
    }
}

/// Judges a request against what was cosigned last; gives what may be cosigned next.
///
/// `keys` are those trusted for the origin, none if the origin is unknown. Whoever calls it must hold the log's record
/// from before this until the new one is durable, so that no second request is judged by the old record.
///
/// # Errors
/// The standard's refusal.
pub fn consider(
    request: &Request,
    keys: Option<&[VerifierKey]>,
    last: Option<(u64, Hash)>,
) -> Result<Checkpoint, Refusal> {
    let keys = keys.ok_or(Refusal::UnknownLog)?;
    verify_signatures(&request.note, keys).map_err(Refusal::NotSigned)?;
    let new = Checkpoint::parse_any_root(request.note.text()).map_err(|_| Refusal::Malformed("checkpoint"))?;
    if request.old > new.size {
        return Err(Refusal::Malformed("old size is above the checkpoint's"));
    }
    let (size, root) = last.unwrap_or((0, EMPTY_ROOT));
    if request.old != size {
        return Err(Refusal::Conflict { size });
    }
    // "If the old size matches the checkpoint size, the witness MUST check that the root hashes are also identical. If they
    // don't match, the witness MUST respond with a 409": the client has the same size in hand, and knows what that means.
    if new.size == size && new.root != root {
        return Err(Refusal::Conflict { size });
    }
    verify_consistency(size, new.size, &root, &new.root, &request.proof).map_err(|_| Refusal::Inconsistent)?;
    Ok(new)
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request has not its form, or its old size is above the checkpoint's.
    Malformed(&'static str),
    /// No trusted key signed, or a signature by one is false.
    NotSigned(Error),
    /// The origin is none that is witnessed.
    UnknownLog,
    /// Another size was cosigned last, or this size with another root.
    Conflict {
        /// That size, for the answer's body.
        size: u64,
    },
    /// The checkpoint is not proven to extend what was cosigned last.
    Inconsistent,
}

impl Refusal {
    /// Gives the HTTP status that the standard demands.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Refusal::Malformed(_) => 400,
            Refusal::NotSigned(_) => 403,
            Refusal::UnknownLog => 404,
            Refusal::Conflict { .. } => 409,
            Refusal::Inconsistent => 422,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(what) => write!(f, "malformed: {what}"),
            Refusal::NotSigned(error) => write!(f, "{error}"),
            Refusal::UnknownLog => f.write_str("this log is not witnessed here"),
            Refusal::Conflict { size } => write!(f, "what was cosigned last is another, of size {size}"),
            Refusal::Inconsistent => f.write_str("not proven to extend what was cosigned last"),
        }
    }
}

/// Most proof lines of a request.
pub const PROOF_LINES_MAX: usize = 63;

/// Largest request: `old ` and 20 digits, 63 lines of 44+1 bytes, an empty line, a note.
pub const REQUEST_BYTES_MAX: usize = 25 + PROOF_LINES_MAX * 45 + 1 + NOTE_BYTES_MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::sign_checkpoint;
    use crate::hash::leaf_hash;
    use crate::key::NoteSigner;
    use crate::note::sign;
    use crate::tree::{Tree, root_at};
    use alloc::format;
    use alloc::string::ToString;

    struct Log {
        tree: Tree,
        signer: NoteSigner,
    }

    fn log(size: u64, salt: &str) -> Log {
        let mut tree = Tree::new();
        (0..size).for_each(|i| tree.append(leaf_hash(format!("{salt}{i}").as_bytes())));
        Log { tree, signer: NoteSigner::new("log.example", &[1; 32]).unwrap() }
    }

    impl Log {
        fn request(&self, old: u64, new: u64) -> Request {
            let checkpoint =
                Checkpoint { origin: "log.example".into(), size: new, root: root_at(&self.tree, new).unwrap() };
            let proof = if old == 0 { Proof::default() } else { self.tree.consistency_proof(old, new).unwrap() };
            Request { old, proof, note: sign_checkpoint(&checkpoint, &self.signer).unwrap() }
        }

        fn at(&self, size: u64) -> Option<(u64, Hash)> {
            Some((size, root_at(&self.tree, size).unwrap()))
        }

        fn keys(&self) -> [VerifierKey; 1] {
            [self.signer.verifier().clone()]
        }
    }

    #[test]
    fn growth_from_what_was_cosigned_is_accepted_at_every_size() {
        let log = log(40, "");
        for old in 0..=40 {
            for new in old..=40 {
                let request = log.request(old, new);
                assert_eq!(Request::parse(&request.to_bytes()).unwrap(), request);
                let last = if old == 0 { None } else { log.at(old) };
                let accepted = consider(&request, Some(&log.keys()), last).unwrap();
                assert_eq!(Some((accepted.size, accepted.root)), log.at(new));
            }
        }
    }

    #[test]
    fn each_refusal_has_the_status_of_the_standard() {
        let (log, fork) = (log(20, ""), log(20, "other "));
        let status = |request: &Request, keys: Option<&[VerifierKey]>, last| {
            consider(request, keys, last).map(|_| 200).unwrap_or_else(|refusal| refusal.status())
        };
        let known = log.keys();
        let good = log.request(5, 9);
        assert_eq!(status(&good, Some(&known), log.at(5)), 200);
        assert_eq!(status(&good, None, log.at(5)), 404);
        let stranger = [NoteSigner::new("log.example", &[2; 32]).unwrap().verifier().clone()];
        assert_eq!(status(&good, Some(&stranger), log.at(5)), 403, "no trusted key");
        let mut false_signature = good.to_bytes();
        let at = false_signature.len() - 6;
        false_signature[at] = if false_signature[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(status(&Request::parse(&false_signature).unwrap(), Some(&known), log.at(5)), 403);
        assert_eq!(status(&Request { old: 10, ..good.clone() }, Some(&known), log.at(5)), 400, "old above new");
        for last in [None, log.at(4), log.at(6), log.at(12)] {
            let size = last.map_or(0, |(size, _)| size);
            assert_eq!(consider(&good, Some(&known), last), Err(Refusal::Conflict { size }));
        }
        // A rollback: what it asks to follow from is not what was cosigned.
        assert_eq!(status(&log.request(5, 5), Some(&known), log.at(9)), 409);
        // Forks: another past, another root at the same size, a proof that is not one.
        assert_eq!(status(&fork.request(5, 9), Some(&known), log.at(5)), 422);
        assert_eq!(status(&fork.request(5, 5), Some(&known), log.at(5)), 409, "the standard names this case");
        assert_eq!(status(&Request { proof: Proof::default(), ..good.clone() }, Some(&known), log.at(5)), 422);
        let needless = Request { proof: good.proof.clone(), ..log.request(0, 9) };
        assert_eq!(status(&needless, Some(&known), None), 422, "a proof from nothing");
        let lying = sign(&format!("log.example\n0\n{}\n", Hash([7; 32])), &[&log.signer]).unwrap();
        assert_eq!(status(&Request { old: 0, proof: Proof::default(), note: lying }, Some(&known), None), 409);
        let nothing = log.request(0, 0);
        assert_eq!(status(&nothing, Some(&known), None), 200, "an empty log may be cosigned");
    }

    #[test]
    fn a_body_in_any_other_form_is_refused() {
        let good = log(20, "").request(5, 9).to_bytes();
        let text = core::str::from_utf8(&good).unwrap().to_string();
        let many = format!("old 5\n{}\n{}", format!("{EMPTY_ROOT}\n").repeat(64), text.split_once("\n\n").unwrap().1);
        for bad in [
            String::new(),
            text.replacen("old 5", "old 05", 1),
            text.replacen("old 5", "old  5", 1),
            text.replacen("old 5", "Old 5", 1),
            text.replacen("old 5", "old -1", 1),
            text.replacen("old 5", "old 18446744073709551616", 1),
            text.replacen("old 5\n", "", 1),
            text.replacen("\n\n", "\n", 1),
            text.replacen("=\n", "\n", 1),
            text.replace('\n', "\r\n"),
            text.trim_end().to_owned(),
            many,
        ] {
            assert!(matches!(Request::parse(bad.as_bytes()), Err(Refusal::Malformed(_))), "{bad}");
        }
        let full = format!("old 5\n{}\n{}", format!("{EMPTY_ROOT}\n").repeat(63), text.split_once("\n\n").unwrap().1);
        assert_eq!(Request::parse(full.as_bytes()).unwrap().proof.0.len(), 63);
        for cut in 0..good.len() {
            assert!(Request::parse(&good[..cut]).is_err(), "cut to {cut}");
        }
        assert!(Request::parse(&alloc::vec![b'o'; REQUEST_BYTES_MAX + 1]).is_err());
    }
}
